-- Emergency admissions for chronic conditions (NHS Outcomes Framework 2.3.i), over people on 1 April.
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
stays as (
    select a.admission, a.person, a.admitted as day
    from '{record}/admissions/*.parquet' a
    join '{record}/people/*.parquet' p using (person)
    where a.admitted between date '2025-04-01' and date '2026-03-31'
        and a.admission_method in ('21', '22', '23', '24', '25', '28', '2A', '2B', '2C', '2D')
        and coalesce(a.admission_source, '') not in ('51', '52', '53')
        and a.patient_class = '1' and a.episode_type = '1' and p.sex in ('female', 'male')
        and p.born <= a.admitted and p.born > a.admitted - interval 121 year
),
-- the codes that occur, with what the list says of them
listed as (
    select
        condition, coalesce(rule, '') as rule, coding, code, match, role,
        case
            when role in ('secondary_required', 'secondary_excluded') then 'secondary'
            when role = 'primary_procedure_excluded' then 'primary'
            else coalesce(position, 'any')
        end as position, coalesce(from_date, '1800-01-01')::date as since
    from read_csv('{lists}/nhsof-2-3-i.csv', all_varchar = true)
),
occurring as (
    select distinct 'icd10' as coding, code from '{record}/diagnoses/*.parquet' where episode = 1
    union all
    select distinct 'opcs4', code from '{record}/procedures/*.parquet' where episode = 1
),
codes as (
    select o.code as found, l.*
    from occurring o
    join listed l on l.coding = o.coding and starts_with(o.code, l.code) and (l.match = 'prefix' or l.code = o.code)
),
mentions as (
    select d.admission, c.condition, c.rule, c.role
    from '{record}/diagnoses/*.parquet' d
    join stays s using (admission)
    join codes c on c.coding = 'icd10' and c.found = d.code
    where d.episode = 1 and (c.position = 'any' or (c.position = 'primary') = (d.position = 1))
        and d.day >= c.since
    union all
    select p.admission, c.condition, c.rule, c.role
    from '{record}/procedures/*.parquet' p
    join stays s using (admission)
    join codes c on c.coding = 'opcs4' and c.found = p.code
    where p.episode = 1 and (c.position = 'any' or (c.position = 'primary') = (p.position = 1))
        and p.day >= c.since
),
-- a stay has a condition if one of its rules has nothing against it
cases as (
    select admission
    from mentions
    group by admission, condition, rule
    having count(*) filter (where role = 'case') > 0 and count(*) filter (where role like '%excluded') = 0
        and (rule = '' or count(*) filter (where role = 'secondary_required') > 0)
),
counted as (
    select * from stays semi join cases using (admission)
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
