-- Nights in hospital of emergency admissions, each in its month, over person-days.
with months as (
    select cast(m as date) as first_day, last_day(cast(m as date)) as last_day
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
population as (
    select
        r.practice, m.first_day as period,
        sum(least(coalesce(r.until, m.last_day + 1), m.last_day + 1) - greatest(r.since, m.first_day)) as denominator
    from '{record}/registered/*.parquet' r
    join months m on r.since <= m.last_day and coalesce(r.until, m.last_day + 1) > m.first_day
    group by all
),
counted as (
    select
        person, greatest(admitted, first_day) as day,
        least(coalesce(discharged, last_day + 1), last_day + 1) - greatest(admitted, first_day) as nights
    from '{record}/admissions/*.parquet'
    join months on admitted <= last_day and coalesce(discharged, last_day + 1) > first_day
    where admission_method like '2%' and coalesce(discharged, admitted + 1) > admitted
),
found as (
    select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.nights) as numerator
    from counted c
    join '{record}/registered/*.parquet' r
        on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
    group by all
)
select practice, period, coalesce(numerator, 0), coalesce(denominator, 0)
from population full join found using (practice, period)
