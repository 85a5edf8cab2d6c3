-- Days in hospital after being ready, of discharges of adults after a night or more.
with counted as (
    select a.person, a.discharged as day, a.discharged - a.ready as n, 1 as d
    from '{record}/admissions/*.parquet' a
    join '{record}/people/*.parquet' p using (person)
    where a.discharged between date '2025-04-01' and date '2026-03-31'
        and a.patient_class = '1' and a.discharged > a.admitted
        and coalesce(a.discharge_method, '') not in ('4', '5') and a.ready between a.admitted and a.discharged
        and p.born <= a.discharged - interval 18 year
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
