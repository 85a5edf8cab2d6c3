-- Contacts with the clinician seen most, of all contacts of people with three or more in the month.
with by_clinician as (
    select person, date_trunc('month', day) as month, count(*) as contacts
    from '{record}/consultations/*.parquet'
    where clinician is not null and known_until is null and day between date '2025-04-01' and date '2026-03-31'
    group by person, month, practice, clinician
),
counted as (
    select person, last_day(month) as day, max(contacts) as n, sum(contacts) as d
    from by_clinician
    group by person, month
    having d >= 3
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
