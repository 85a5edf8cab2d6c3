-- Care recorded in the last twelve months, by indicator, of people on its registers.
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
indicators (indicator, condition, from_age) as (
    values ('AST007', 'asthma', 6), ('COPD010', 'COPD', 0), ('DEM004', 'dementia', 0), ('DM012', 'diabetes', 17),
        ('HF007', 'heart failure', 0), ('MH002', 'serious mental illness', 0), ('MH003', 'serious mental illness', 0),
        ('MH006', 'serious mental illness', 0), ('MH007', 'serious mental illness', 0),
        ('MH012', 'serious mental illness', 0), ('SMOK002', 'asthma', 15), ('SMOK002', 'chronic kidney disease', 18),
        ('SMOK002', 'COPD', 15), ('SMOK002', 'coronary heart disease', 15), ('SMOK002', 'diabetes', 17),
        ('SMOK002', 'hypertension', 15), ('SMOK002', 'peripheral arterial disease', 15),
        ('SMOK002', 'serious mental illness', 15), ('SMOK002', 'stroke or TIA', 15)
),
eligible as (
    select r.person, m.last_day, m.year_since, i.indicator, min(r.since) as since
    from registers r
    join indicators i using (condition)
    join months m on r.since <= m.last_day and coalesce(r.until, m.last_day + 1) > m.last_day
    join '{record}/people/*.parquet' p on p.person = r.person
    where p.born <= m.last_day - to_years(i.from_age)
    group by all
),
recorded as (
    select distinct o.person, o.day, l.condition as indicator
    from '{record}/observations/*.parquet' o
    join read_csv('{lists}/qof-care-recorded.csv', all_varchar = true) l using (coding, code)
    where o.known_until is null
),
adjusted as (
    select distinct o.person, o.day, a.indicator
    from '{record}/observations/*.parquet' o
    join (
        values ('DEMCPRVWDEC_COD', 'DEM004'), ('FEPU_COD', 'DM012'), ('FEDEC_COD', 'DM012'),
            ('MHPCAPU_COD', 'MH002'), ('MHPCADEC_COD', 'MH002'), ('MHPCAPU_COD', 'MH003'), ('MHPCADEC_COD', 'MH003'),
            ('MHPCAPU_COD', 'MH006'), ('MHPCADEC_COD', 'MH006'), ('MHPCAPU_COD', 'MH007'), ('MHPCADEC_COD', 'MH007'),
            ('MHPCAPU_COD', 'MH012'), ('MHPCADEC_COD', 'MH012')
    ) a (code, indicator) using (code)
    where o.coding = 'cluster' and o.known_until is null
),
judged as (
    select e.*, coalesce(r.day >= e.year_since, false) as done
    from eligible e
    asof left join recorded r on r.person = e.person and r.indicator = e.indicator and r.day <= e.last_day
),
counted as (
    select j.person, j.last_day as day, cast(j.done as integer) as n, 1 as d
    from judged j
    asof left join adjusted a on a.person = j.person and a.indicator = j.indicator and a.day <= j.last_day
    where j.done
        or (not coalesce(a.day >= j.year_since, false) and j.since < cast(j.year_since + interval 9 month as date))
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
