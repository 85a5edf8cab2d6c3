-- Recorded costs, or the National Cost Collection's averages, in pence, over person-days.
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
    select person, day, cost as cost
    from '{record}/consultations/*.parquet'
    where known_until is null and day between date '2025-04-01' and date '2026-03-31'
    union all
    select person, day, cost as cost
    from '{record}/prescriptions/*.parquet'
    where known_until is null and day between date '2025-04-01' and date '2026-03-31'
    union all
    select person, day, coalesce(cost, 28017) as cost
    from '{record}/attendances/*.parquet'
    where known_until is null and day between date '2025-04-01' and date '2026-03-31'
    union all
    select person, day, coalesce(cost, case when attended = 'attended' then 19752 end) as cost
    from '{record}/outpatients/*.parquet'
    where known_until is null and day between date '2025-04-01' and date '2026-03-31'
    union all
    select person, day, coalesce(cost, case when coalesce(attended, 'attended') = 'attended' then 8873 end) as cost
    from '{record}/community_contacts/*.parquet'
    where known_until is null and day between date '2025-04-01' and date '2026-03-31'
    union all
    select person, day, coalesce(cost, case when coalesce(attended, 'attended') = 'attended' then 30594 end) as cost
    from '{record}/mental_health_contacts/*.parquet'
    where known_until is null and day between date '2025-04-01' and date '2026-03-31'
    union all
    select person, since, cost
    from '{record}/social_care/*.parquet'
    where known_until is null and since between date '2025-04-01' and date '2026-03-31'
    union all
    select
        person, admitted,
        coalesce(
            cost,
            case
                when patient_class = '2' then 107747
                when patient_class in ('3', '4') then 44812
                when discharged is null or admission_method is null then null
                when admission_method like '1%' then 668901
                when discharged - admitted <= 1 then 82586
                else 541928
            end
        )
    from '{record}/admissions/*.parquet'
    where admitted between date '2025-04-01' and date '2026-03-31'
),
found as (
    select r.practice, cast(date_trunc('month', c.day) as date) as period, coalesce(sum(c.cost), 0) as numerator
    from counted c
    join '{record}/registered/*.parquet' r
        on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
    group by all
)
select practice, period, coalesce(numerator, 0), coalesce(denominator, 0)
from population full join found using (practice, period)
