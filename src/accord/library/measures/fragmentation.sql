-- Fragmentation of care: one minus the Bice-Boxerman index, over the organisations that a person had planned
-- contacts with in the period: general practice, outpatient clinics, community and mental health services. People
-- with three or more contacts. N (N - 1) - (sum of n_i squared - N), over N (N - 1); both are summed before
-- dividing.
with contacts as (
    select person, day, practice as organisation from consultations where practice is not null
    union all
    select person, day, provider as organisation from outpatients where attended = 'attended' and provider is not null
    union all
    select person, day, provider as organisation from community_contacts
    where coalesce(attended, 'attended') = 'attended' and provider is not null
    union all
    select person, day, provider as organisation from mental_health_contacts
    where coalesce(attended, 'attended') = 'attended' and provider is not null
),
by_organisation as (
    select c.person, d.last_day, c.organisation, count(*) as contacts
    from contacts c
    join days_of_periods d on d.day = c.day
    group by c.person, d.last_day, c.organisation
),
by_person as (
    select person, last_day, sum(contacts) as contacts, sum(contacts * contacts) as squares
    from by_organisation
    group by person, last_day
)
select
    person, last_day as day, contacts * contacts - squares as numerator, contacts * (contacts - 1) as denominator,
    case when contacts < 3 then 'fewer than three contacts' end as excluded
from by_person
