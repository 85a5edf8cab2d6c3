-- Emergency admissions for injuries from falls at 65 and over, over people of 65 and over on 1 April.
with months as (
    select cast(m as date) as first_day, last_day(cast(m as date)) as last_day
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
population as (
    select r.practice, count(*) as denominator
    from '{record}/registered/*.parquet' r
    join '{record}/people/*.parquet' p using (person)
    where r.since <= date '2025-04-01' and coalesce(r.until, date '2101-01-01') > date '2025-04-01'
        and p.born <= date '2025-04-01' - interval 65 year
    group by all
),
fallen as (
    select admission
    from '{record}/diagnoses/*.parquet'
    where episode = 1 and code[1] in ('S', 'T', 'W')
    group by admission
    having count(*) filter (where position = 1 and (code like 'S%' or code similar to 'T([0-8]|9[0-8]).*')) > 0
        and count(*) filter (where position > 1 and code similar to 'W[01].*') > 0
),
counted as (
    select a.person, a.admitted as day
    from '{record}/admissions/*.parquet' a
    join '{record}/people/*.parquet' p using (person)
    semi join fallen using (admission)
    where a.admitted between date '2025-04-01' and date '2026-03-31'
        and a.admission_method like '2%' and coalesce(a.admission_source, '') not in ('51', '52', '53')
        and a.patient_class = '1' and a.episode_type = '1'
        and p.born <= a.admitted - interval 65 year
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
