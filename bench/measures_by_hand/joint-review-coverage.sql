-- People with complex needs who had a joint review in the last twelve months, of all of them on the last day.
with months as (
    select
        cast(m as date) as first_day, last_day(cast(m as date)) as last_day,
        cast(m - interval 11 month as date) as year_since
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
complex as (
    select distinct c.person, m.last_day, m.year_since
    from '{record}/conditions/*.parquet' c
    join months m on c.since <= m.last_day and coalesce(c.until, date '2101-01-01') > m.last_day
    where c.coding = 'local' and c.code = 'COMPLEX-NEEDS' and c.known_until is null
),
planned as (
    select distinct x.person, x.last_day
    from complex x
    join '{record}/care_plans/*.parquet' c on c.person = x.person and c.day between x.year_since and x.last_day
    where c.joint and c.known_until is null
),
counted as (
    select x.person, x.last_day as day, case when y.person is null then 0 else 1 end as n, 1 as d
    from complex x
    left join planned y using (person, last_day)
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
