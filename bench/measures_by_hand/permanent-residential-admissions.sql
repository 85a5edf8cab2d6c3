-- Permanent places in care homes at 65 and over, over residents of 65 and over on the first day, by council.
with months as (
    select cast(m as date) as first_day, last_day(cast(m as date)) as last_day
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
living as (
    select r.person, a.council, r.since, coalesce(r.until, date '2101-01-01') as until, p.born
    from '{record}/resident/*.parquet' r
    join '{record}/areas/*.parquet' a using (area)
    join '{record}/people/*.parquet' p using (person)
    where a.known_until is null
),
population as (
    select l.council, m.first_day as period, count(*) as denominator
    from living l
    join months m on l.since <= m.first_day and l.until > m.first_day
    where l.born <= m.first_day - interval 65 year
    group by all
),
placed as (
    select
        person, since, permanent,
        max(coalesce(until, date '2101-01-01')) over (
            partition by person, permanent order by since, row rows between unbounded preceding and 1 preceding
        ) as until_before
    from '{record}/social_care/*.parquet'
    where kind in ('residential', 'nursing') and known_until is null
),
found as (
    select l.council, cast(date_trunc('month', c.since) as date) as period, count(*) as numerator
    from placed c
    join living l on l.person = c.person and l.since <= c.since and l.until > c.since
    where c.permanent and coalesce(c.until_before < c.since, true)
        and c.since between date '2025-04-01' and date '2026-03-31'
        and l.born <= c.since - interval 65 year
    group by all
)
select council, period, coalesce(numerator, 0), coalesce(denominator, 0)
from population full join found using (council, period)
