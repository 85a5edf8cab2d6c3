-- Pairs of contacts with different organisations, of all pairs, of people with three or more contacts in the month.
with contacts as (
    select person, day, practice as organisation
    from '{record}/consultations/*.parquet' where practice is not null and known_until is null
    union all
    select person, day, provider
    from '{record}/outpatients/*.parquet'
    where attended = 'attended' and provider is not null and known_until is null
    union all
    select person, day, provider
    from '{record}/community_contacts/*.parquet'
    where coalesce(attended, 'attended') = 'attended' and provider is not null and known_until is null
    union all
    select person, day, provider
    from '{record}/mental_health_contacts/*.parquet'
    where coalesce(attended, 'attended') = 'attended' and provider is not null and known_until is null
),
by_organisation as (
    select person, date_trunc('month', day) as month, count(*) as contacts
    from contacts
    where day between date '2025-04-01' and date '2026-03-31'
    group by person, month, organisation
),
counted as (
    select
        person, last_day(month) as day,
        sum(contacts) * sum(contacts) - sum(contacts * contacts) as n, sum(contacts) * (sum(contacts) - 1) as d
    from by_organisation
    group by person, month
    having sum(contacts) >= 3
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
