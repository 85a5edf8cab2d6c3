-- Last HbA1c of the year at most 58 (75 for the frail), of people of 17 and over on the diabetes register.
with months as (
    select
        cast(m as date) as first_day, last_day(cast(m as date)) as last_day,
        cast(m - interval 11 month as date) as year_since
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
-- entries of a condition, each until it ends or is resolved
codes as (
    select distinct o.coding, o.code, l.condition
    from (select distinct coding, code from '{record}/conditions/*.parquet') o
    join read_csv('{lists}/qof-registers.csv', all_varchar = true) l
        on l.coding = o.coding
            and case when l.match = 'prefix' then starts_with(o.code, l.code) else o.code = l.code end
    where l.condition in ('diabetes')
),
resolved as (
    select c.person, l.condition, c.since as day
    from '{record}/conditions/*.parquet' c
    join read_csv('{lists}/qof-registers-resolved.csv', all_varchar = true) l using (coding, code)
    where c.known_until is null
),
entries as (
    select distinct c.person, l.condition, c.since, c.until
    from '{record}/conditions/*.parquet' c
    join codes l using (coding, code)
    where c.known_until is null
),
registers as (
    select e.person, e.condition, e.since, least(e.until, r.day) as until
    from entries e
    asof left join resolved r on r.person = e.person and r.condition = e.condition and r.day > e.since
),
eligible as (
    select r.person, m.last_day, m.year_since, min(r.since) as since
    from registers r
    join months m on r.since <= m.last_day and coalesce(r.until, m.last_day + 1) > m.last_day
    join '{record}/people/*.parquet' p on p.person = r.person
    where p.born <= m.last_day - interval 17 year
    group by all
),
results as (
    select person, day, min(value) as value
    from '{record}/observations/*.parquet'
    where value is not null and known_until is null
        and (coding, code) in (('cluster', 'IFCCHBAM_COD'), ('loinc', '59261-8'))
    group by person, day
),
-- on one day, frail goes before not frail
frailty as (
    select person, day, bool_or(code in ('MODFRAIL_COD', 'SEVFRAIL_COD')) as frail
    from '{record}/observations/*.parquet'
    where coding = 'cluster' and code in ('MODFRAIL_COD', 'SEVFRAIL_COD', 'MILDFRAIL_COD') and known_until is null
    group by person, day
),
adjusted as (
    select distinct person, day
    from '{record}/observations/*.parquet'
    where coding = 'cluster' and code in ('DMPCAPU_COD', 'DMPCADEC_COD', 'DMMAX_COD', 'BLDTESTDEC_COD')
        and known_until is null
),
measured as (
    select e.*, case when r.day >= e.year_since then r.value end as value
    from eligible e
    asof left join results r on r.person = e.person and r.day <= e.last_day
),
judged as (
    select m.*, coalesce(m.value <= case when f.frail then 75 else 58 end, false) as reached
    from measured m
    asof left join frailty f on f.person = m.person and f.day <= m.last_day
),
counted as (
    select j.person, j.last_day as day, cast(j.reached as integer) as n, 1 as d
    from judged j
    asof left join adjusted a on a.person = j.person and a.day <= j.last_day
    where j.reached
        or (not coalesce(a.day >= j.year_since, false) and j.since < cast(j.year_since + interval 3 month as date))
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
