-- Last LDL of the year at most 2.0, or without one non-HDL at most 2.6, of people with vascular disease.
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
    where l.condition in ('coronary heart disease', 'stroke or TIA', 'peripheral arterial disease')
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
    group by all
),
ldl as (
    select person, day, min(value) as value
    from '{record}/observations/*.parquet'
    where value is not null and known_until is null
        and (coding, code) in (('cluster', 'LDLCCHOL_COD'), ('loinc', '22748-8'))
    group by person, day
),
non_hdl as (
    select person, day, min(value) as value
    from '{record}/observations/*.parquet'
    where value is not null and known_until is null and coding = 'cluster' and code = 'NONHDLCCHOL_COD'
    group by person, day
),
adjusted as (
    select distinct person, day
    from '{record}/observations/*.parquet'
    where coding = 'cluster' and code in ('CHOLDEC_COD', 'BLDTESTDEC_COD', 'CHOLMAX_COD') and known_until is null
),
first_kind as (
    select e.*, case when l.day >= e.year_since then l.value end as ldl
    from eligible e
    asof left join ldl l on l.person = e.person and l.day <= e.last_day
),
judged as (
    select
        f.person, f.last_day, f.year_since, f.since,
        coalesce(f.ldl <= 2.0, n.day >= f.year_since and n.value <= 2.6, false) as reached
    from first_kind f
    asof left join non_hdl n on n.person = f.person and n.day <= f.last_day
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
