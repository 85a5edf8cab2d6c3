-- Requests for advice and guidance from general practice, over person-days.
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
found as (
    select r.practice, cast(date_trunc('month', c.day) as date) as period, count(*) as numerator
    from '{record}/referrals/*.parquet' c
    join '{record}/registered/*.parquet' r
        on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
    where c.kind = 'advice' and c.known_until is null and c.day between date '2025-04-01' and date '2026-03-31'
    group by all
)
select practice, period, coalesce(numerator, 0), coalesce(denominator, 0)
from population full join found using (practice, period)
