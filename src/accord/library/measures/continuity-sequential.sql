-- Sequential continuity (SECON): contacts with the same clinician as the contact before, over contacts that have one
-- before; people with three or more contacts with general practice in the period. Contacts of one day have no order
-- in the record: they are taken by practice and clinician, so that the order is the same everywhere.
with ordered as (
    select
        c.person, d.last_day, coalesce(c.practice, '') as practice, c.clinician,
        lag(coalesce(c.practice, '')) over (
            partition by c.person, d.last_day order by c.day, coalesce(c.practice, ''), c.clinician, c.row
        ) as practice_before,
        lag(c.clinician) over (
            partition by c.person, d.last_day order by c.day, coalesce(c.practice, ''), c.clinician, c.row
        ) as clinician_before
    from consultations c
    join days_of_periods d on d.day = c.day
    where c.clinician is not null
)
select
    person, last_day as day,
    sum(case when practice = practice_before and clinician = clinician_before then 1 else 0 end) as numerator,
    count(*) - 1 as denominator,
    case when count(*) < 3 then 'fewer than three contacts' end as excluded
from ordered
group by person, last_day
