-- Women screened in the last 42 months (25 to 49) or 66 months (50 to 64).
with months as (
    select cast(m as date) as first_day, last_day(cast(m as date)) as last_day
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
women as (
    select
        r.practice, r.person, m.first_day, m.last_day,
        cast(
            m.last_day + 1
            - case when p.born > m.last_day - interval 50 year then interval 42 month else interval 66 month end
            as date
        ) as since
    from '{record}/registered/*.parquet' r
    join '{record}/people/*.parquet' p using (person)
    join months m on r.since <= m.last_day and coalesce(r.until, date '2101-01-01') > m.last_day
    where p.sex = 'female' and p.born <= m.last_day - interval 25 year and p.born > m.last_day - interval 65 year
),
smears as (
    select distinct person, day
    from '{record}/observations/*.parquet'
    where coding = 'cluster' and code = 'SMEAR_COD' and known_until is null
),
without as (
    select person, min(day) as day
    from '{record}/observations/*.parquet'
    where coding = 'cluster' and code = 'NOCX_COD' and known_until is null
    group by person
),
adjusted as (
    select distinct person, day
    from '{record}/observations/*.parquet'
    where coding = 'cluster' and code in ('CSPU_COD', 'CSDEC_COD') and known_until is null
),
screened as (
    select w.*, coalesce(s.day >= w.since, false) as done
    from women w
    asof left join smears s on s.person = w.person and s.day <= w.last_day
)
select w.practice, w.first_day, count(*) filter (where w.done), count(*)
from screened w
asof left join adjusted a on a.person = w.person and a.day <= w.last_day
left join without n on n.person = w.person and n.day <= w.last_day
where n.person is null and (w.done or not coalesce(a.day >= w.since, false))
group by all
