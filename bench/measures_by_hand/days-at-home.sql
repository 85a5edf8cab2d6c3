-- Days neither in hospital nor in a care home, of the days registered in the month.
with months as (
    select cast(m as date) as first_day, last_day(cast(m as date)) as last_day
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
stretches as (
    select
        r.person, r.practice, m.first_day, greatest(r.since, m.first_day) as since,
        least(coalesce(r.until, m.last_day + 1), m.last_day + 1) as until
    from '{record}/registered/*.parquet' r
    join months m on r.since <= m.last_day and coalesce(r.until, m.last_day + 1) > m.first_day
),
spans as (
    select person, admitted as since, coalesce(discharged, date '2101-01-01') as until
    from '{record}/admissions/*.parquet'
    union all
    select person, since, coalesce(until, date '2101-01-01')
    from '{record}/social_care/*.parquet'
    where kind in ('residential', 'nursing') and known_until is null
    union all
    select person, since, coalesce(until, date '2101-01-01')
    from '{record}/residences/*.parquet'
    where kind in ('residential home', 'nursing home') and known_until is null
),
-- spans that meet or overlap become one
marked as (
    select
        *, since > max(until) over (
            partition by person order by since, until rows between unbounded preceding and 1 preceding
        ) as begins
    from spans
    where until > since and until > date '2025-04-01' and since < date '2026-04-01'
),
numbered as (
    select
        *, count(*) filter (where begins) over (
            partition by person order by since, until, begins desc rows between unbounded preceding and current row
        ) as number
    from marked
),
away as (
    select person, min(since) as since, max(until) as until from numbered group by person, number
),
nights as (
    select s.person, s.since, sum(least(s.until, a.until) - greatest(s.since, a.since)) as days
    from stretches s
    join away a on a.person = s.person and a.since < s.until and a.until > s.since
    group by all
)
select
    s.practice, s.first_day, sum(s.until - s.since - coalesce(n.days, 0)), sum(s.until - s.since)
from stretches s
left join nights n using (person, since)
group by all
