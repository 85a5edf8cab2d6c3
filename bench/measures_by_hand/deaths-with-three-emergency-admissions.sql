-- Deaths with three emergency admissions or more in the last 90 days of life, of all deaths.
with counted as (
    select
        d.person, d.day - 1 as day, 1 as d,
        case when count(a.admission) >= 3 then 1 else 0 end as n
    from '{record}/deaths/*.parquet' d
    left join '{record}/admissions/*.parquet' a
        on a.person = d.person and a.admission_method like '2%' and a.admitted between d.day - 90 and d.day
    where d.known_until is null and d.day - 1 between date '2025-04-01' and date '2026-03-31'
    group by d.person, d.day
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
