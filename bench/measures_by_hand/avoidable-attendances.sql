-- First attendances at major departments that needed nothing, of all of them.
with counted as (
    select
        person, day, 1 as d,
        case
            when not investigated and not treated and disposal in ('discharged', 'general practice') then 1 else 0
        end as n
    from '{record}/attendances/*.parquet'
    where department = '1' and visit = 'first' and investigated is not null and treated is not null
        and disposal is not null and known_until is null and day between date '2025-04-01' and date '2026-03-31'
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
