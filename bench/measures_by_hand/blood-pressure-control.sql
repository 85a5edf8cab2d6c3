-- Blood pressure controlled, by indicator (HYP010, HYP011, CD001, CD002, DM036), of people on its registers.
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
    where l.condition in ('hypertension', 'coronary heart disease', 'stroke or TIA', 'diabetes')
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
indicators (indicator, condition, from_age, to_age, systolic, diastolic) as (
    values ('HYP010', 'hypertension', 0, 79, 140, 90), ('HYP011', 'hypertension', 80, 200, 150, 90),
        ('CD001', 'coronary heart disease', 0, 79, 140, 90), ('CD001', 'stroke or TIA', 0, 79, 140, 90),
        ('CD002', 'coronary heart disease', 80, 200, 150, 90), ('CD002', 'stroke or TIA', 80, 200, 150, 90),
        ('DM036', 'diabetes', 17, 79, 140, 90)
),
eligible as (
    select
        r.person, m.last_day, m.year_since, i.indicator, i.systolic, i.diastolic, min(r.since) as since
    from registers r
    join indicators i using (condition)
    join months m on r.since <= m.last_day and coalesce(r.until, m.last_day + 1) > m.last_day
    join '{record}/people/*.parquet' p on p.person = r.person
    where p.born <= m.last_day - to_years(i.from_age) and p.born > m.last_day - to_years(i.to_age + 1)
    group by all
),
pressures as (
    select
        person, day,
        min(value) filter (where code in ('8480-6', 'SYSBP_COD')) as systolic,
        min(value) filter (where code in ('8462-4', 'DIASBP_COD')) as diastolic
    from '{record}/observations/*.parquet'
    where value is not null and known_until is null
        and (coding, code) in (
            ('loinc', '8480-6'), ('loinc', '8462-4'), ('cluster', 'SYSBP_COD'), ('cluster', 'DIASBP_COD')
        )
    group by person, day
    having count(distinct code in ('8480-6', 'SYSBP_COD')) = 2
),
-- on one day, frail goes before not frail
frailty as (
    select person, day, bool_or(code in ('MODFRAIL_COD', 'SEVFRAIL_COD')) as frail
    from '{record}/observations/*.parquet'
    where coding = 'cluster' and code in ('MODFRAIL_COD', 'SEVFRAIL_COD', 'MILDFRAIL_COD') and known_until is null
    group by person, day
),
-- that all hypertension treatment is tolerated, or measurement declined, adjusts every indicator
adjusting as (
    select distinct e.person, e.last_day, e.indicator
    from eligible e
    join (
        select o.person, o.day, i.indicator
        from '{record}/observations/*.parquet' o
        join (
            values ('HYPPCAPU_COD', 'HYP010'), ('HYPPCAPU_COD', 'HYP011'), ('HYPPCADEC_COD', 'HYP010'),
                ('HYPPCADEC_COD', 'HYP011'), ('DMPCAPU_COD', 'DM036'), ('DMPCADEC_COD', 'DM036'),
                ('HTMAX_COD', null), ('BPDEC_COD', null)
        ) i (code, indicator) using (code)
        where o.coding = 'cluster' and o.known_until is null
    ) a on a.person = e.person and a.day between e.year_since and e.last_day
        and coalesce(a.indicator, e.indicator) = e.indicator
),
measured as (
    select
        e.*,
        coalesce(b.day >= e.year_since and b.systolic <= e.systolic and b.diastolic <= e.diastolic, false) as reached
    from eligible e
    asof left join pressures b on b.person = e.person and b.day <= e.last_day
),
judged as (
    select m.*, f.frail
    from measured m
    asof left join frailty f on f.person = m.person and f.day <= m.last_day
),
counted as (
    select j.person, j.last_day as day, cast(j.reached as integer) as n, 1 as d
    from judged j
    left join adjusting a using (person, last_day, indicator)
    where not (j.indicator = 'DM036' and coalesce(j.frail, false))
        and (j.reached or (a.person is null and j.since < cast(j.year_since + interval 3 month as date)))
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
