-- Medicines that prevent the next event (CHD005, CHOL003, DM035), of people on the registers of the indicator.
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
    where l.condition in (
        'coronary heart disease', 'stroke or TIA', 'peripheral arterial disease', 'chronic kidney disease', 'diabetes'
    )
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
on_register as (
    select
        r.person, m.last_day, r.condition, r.since,
        p.born <= m.last_day - interval 17 year as is_17, p.born <= m.last_day - interval 18 year as is_18
    from registers r
    join months m on r.since <= m.last_day and coalesce(r.until, m.last_day + 1) > m.last_day
    join '{record}/people/*.parquet' p on p.person = r.person
),
by_person as (
    select
        person, last_day, min(since) filter (where condition = 'coronary heart disease') as heart,
        min(since) filter (
            where condition in ('coronary heart disease', 'stroke or TIA', 'peripheral arterial disease')
        ) as vascular,
        min(since) filter (where condition = 'chronic kidney disease' and is_18) as kidney,
        min(since) filter (where condition = 'diabetes' and is_17) as diabetes
    from on_register
    group by all
),
eligible as (
    select person, last_day, 'CHD005' as indicator, heart as since from by_person where heart is not null
    union all
    select person, last_day, 'CHOL003', least(vascular, kidney) from by_person
    where vascular is not null or kidney is not null
    union all
    select person, last_day, 'DM035', greatest(vascular, diabetes) from by_person
    where vascular is not null and diabetes is not null
),
medicines as (
    select distinct o.code, l.condition as indicator
    from (select distinct code from '{record}/prescriptions/*.parquet' where coding = 'bnf') o
    join read_csv('{lists}/qof-medicines.csv', all_varchar = true) l on starts_with(o.code, l.code)
),
prescribed as (
    select distinct r.person, r.day, l.indicator
    from '{record}/prescriptions/*.parquet' r
    join medicines l using (code)
    where r.coding = 'bnf' and r.known_until is null and r.day between date '2024-05-01' and date '2026-03-31'
),
adjusted as (
    select distinct person, day
    from '{record}/observations/*.parquet'
    where coding = 'cluster' and code in (
            'STATINDEC_COD', 'LIPIDTHERDEC_COD', 'XSTAT_COD', 'TXSTAT_COD', 'STATINTOL_COD'
        )
        and known_until is null
),
taken as (
    select e.*, r.day
    from eligible e
    asof left join prescribed r on r.person = e.person and r.indicator = e.indicator and r.day <= e.last_day
),
judged as (
    select
        t.*, m.year_since,
        coalesce(
            t.day >= case t.indicator
                when 'CHD005' then m.year_since else cast(m.first_day - interval 5 month as date)
            end,
            false
        ) as done
    from taken t
    join months m using (last_day)
),
counted as (
    select j.person, j.last_day as day, cast(j.done as integer) as n, 1 as d
    from judged j
    asof left join adjusted a on a.person = j.person and a.day <= j.last_day
    where j.done
        or (
            (j.indicator = 'CHD005' or not coalesce(a.day >= j.year_since, false))
            and j.since < cast(j.year_since + interval 9 month as date)
        )
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
