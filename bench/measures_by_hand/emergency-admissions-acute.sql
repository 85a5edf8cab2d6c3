-- Emergency admissions for acute conditions (NHS Outcomes Framework 3a), over people on 1 April.
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
    group by all
),
codes as (  -- all of the list are prefixes, of the primary diagnosis
    select distinct o.code
    from (select distinct code from '{record}/diagnoses/*.parquet' where episode = 1 and position = 1) o
    join read_csv('{lists}/nhsof-3a.csv', all_varchar = true) l on starts_with(o.code, l.code)
),
counted as (
    select a.person, a.admitted as day
    from '{record}/admissions/*.parquet' a
    join '{record}/people/*.parquet' p using (person)
    where a.admitted between date '2025-04-01' and date '2026-03-31'
        and a.admission_method in ('21', '22', '23', '24', '25', '28', '2A', '2B', '2C', '2D')
        and coalesce(a.admission_source, '') not in ('51', '52', '53')
        and a.patient_class = '1' and a.episode_type = '1' and p.sex in ('female', 'male')
        and p.born <= a.admitted and p.born > a.admitted - interval 121 year
        and a.admission in (
            select d.admission from '{record}/diagnoses/*.parquet' d join codes using (code)
            where d.episode = 1 and d.position = 1
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
