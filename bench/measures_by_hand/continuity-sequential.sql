-- Contacts with the clinician of the contact before, of all pairs, of people with three or more contacts in the month.
with ordered as (
    select
        person, date_trunc('month', day) as month,
        (practice, clinician) is not distinct from lag((practice, clinician)) over (
            partition by person, date_trunc('month', day) order by day, practice nulls first, clinician, row
        ) as same
    from '{record}/consultations/*.parquet'
    where clinician is not null and known_until is null and day between date '2025-04-01' and date '2026-03-31'
),
counted as (
    select person, last_day(month) as day, count(*) filter (where same) as n, count(*) - 1 as d
    from ordered
    group by person, month
    having count(*) >= 3
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
