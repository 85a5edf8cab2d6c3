-- Emergency admissions for asthma, diabetes and epilepsy under 19 (NHS Outcomes Framework 2.3.ii).
with months as (
    select cast(m as date) as first_day, last_day(cast(m as date)) as last_day
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
population as (
    select r.practice, count(*) as denominator
    from '{record}/registered/*.parquet' r
    join '{record}/people/*.parquet' p using (person)
    where r.since <= date '2025-04-01' and coalesce(r.until, date '2101-01-01') > date '2025-04-01'
        and p.sex in ('female', 'male')
        and p.born <= date '2025-04-01' and p.born > date '2025-04-01' - interval 19 year
    group by all
),
counted as (
    select a.person, a.admitted as day
    from '{record}/admissions/*.parquet' a
    join '{record}/people/*.parquet' p using (person)
    where a.admitted between date '2025-04-01' and date '2026-03-31'
        and a.admission_method in ('21', '22', '23', '24', '25', '28', '2A', '2B', '2C', '2D')
        and coalesce(a.admission_source, '') not in ('51', '52', '53')
        and a.patient_class = '1' and a.episode_type = '1' and p.sex in ('female', 'male')
        and p.born <= a.admitted and p.born > a.admitted - interval 19 year
        and a.admission in (
            select admission from '{record}/diagnoses/*.parquet'
            where episode = 1 and position = 1 and substr(code, 1, 3) in ('J45', 'J46', 'E10', 'G40', 'G41')
        )
),
found as (
    select r.practice, cast(date_trunc('month', c.day) as date) as period, count(*) as numerator
    from counted c
    join '{record}/registered/*.parquet' r
        on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
    group by all
)
select population.practice, first_day, coalesce(numerator, 0), denominator
from population cross join months
left join found on found.practice = population.practice and found.period = months.first_day
