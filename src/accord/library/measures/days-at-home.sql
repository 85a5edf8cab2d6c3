-- Days at home: of the days registered in the period, those with no night in hospital and not in a care home. Sum
-- over sum. CMS's Days at Home (CBE 4555) further adjusts for case mix, mortality and moves to nursing homes: this
-- is the plain count, to be reported and not paid on: places differ by few days (MedPAC doubts its use).
-- Registration ends with death.
with away_spans as (
    select person, admitted as since, coalesce(discharged, date '9999-12-31') as until from admissions
    union all
    select person, since, coalesce(until, date '9999-12-31') from social_care
    where kind in ('residential', 'nursing')
    union all
    select person, since, coalesce(until, date '9999-12-31') from residences
    where kind in ('residential home', 'nursing home')
),
-- those with a night in the window; ones that meet or overlap become one, so that no night counts twice
marked as (
    select
        a.person, a.since, a.until,
        case
            when a.since <= max(a.until) over (
                partition by a.person order by a.since, a.until rows between unbounded preceding and 1 preceding
            ) then 0
            else 1
        end as begins
    from away_spans a
    join window w on a.until > w.first_day and a.since <= w.last_day
    where a.until > a.since
),
numbered as (
    select
        person, since, until,
        -- of spans alike, the one that begins a time comes first
        sum(begins) over (
            partition by person order by since, until, begins desc rows between unbounded preceding and current row
        ) as number
    from marked
),
away_times as (
    select person, min(since) as since, max(until) as until from numbered group by person, number
),
stretches as (
    select
        r.person, greatest(r.since, p.first_day) as since,
        least(coalesce(r.until, add_days(p.last_day, 1)), add_days(p.last_day, 1)) as until
    from registered r
    join periods p on r.since <= p.last_day and coalesce(r.until, add_days(p.last_day, 1)) > p.first_day
),
away as (
    select
        s.person, s.since,
        sum(days_between(greatest(s.since, a.since), least(s.until, a.until))) as days
    from stretches s
    join away_times a on a.person = s.person and a.since < s.until and a.until > s.since
    group by s.person, s.since
)
select
    s.person, s.since as day,
    days_between(s.since, s.until) - coalesce(a.days, 0) as numerator,
    days_between(s.since, s.until) as denominator
from stretches s
left join away a on a.person = s.person and a.since = s.since
