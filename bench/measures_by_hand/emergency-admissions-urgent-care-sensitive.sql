-- Emergency admissions for urgent-care-sensitive conditions (CCG IAF 127b), over people on 1 April.
with months as (
    select cast(m as date) as first_day, last_day(cast(m as date)) as last_day
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
population as (
    select r.practice, count(*) as denominator
    from '{record}/registered/*.parquet' r
    join '{record}/people/*.parquet' p using (person)
    where r.since <= date '2025-04-01' and coalesce(r.until, date '2101-01-01') > date '2025-04-01'
    group by all
),
codes as (
    select distinct o.code, l.condition, l.position
    from (select distinct code from '{record}/diagnoses/*.parquet' where episode = 1) o
    join read_csv('{lists}/urgent-care-sensitive.csv', all_varchar = true) l on starts_with(o.code, l.code)
),
counted as (
    select distinct a.admission, a.person, a.admitted as day
    from '{record}/admissions/*.parquet' a
    join '{record}/people/*.parquet' p using (person)
    join '{record}/diagnoses/*.parquet' d on d.admission = a.admission and d.episode = 1
    join codes c on c.code = d.code and (c.position = 'any' or d.position = 1)
    where a.admitted between date '2025-04-01' and date '2026-03-31'
        and a.admission_method like '2%' and (a.discharged is not null or a.episodes > 1)
        and case c.condition
            when 'falls' then p.born <= a.admitted - interval 75 year
            when 'pyrexial child' then p.born > a.admitted - interval 6 year
            else true
        end
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
