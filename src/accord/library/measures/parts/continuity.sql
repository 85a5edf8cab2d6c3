-- Contacts of each person with clinicians of general practice in each period: how many, the most with one clinician,
-- and the sum of the squares. A clinician's code stands within its practice. Contacts without a clinician's code are
-- not among them.
with by_clinician as (
    select c.person, d.last_day, c.practice, c.clinician, count(*) as contacts
    from consultations c
    join days_of_periods d on d.day = c.day
    where c.clinician is not null
    group by c.person, d.last_day, c.practice, c.clinician
)
select person, last_day, sum(contacts) as contacts, max(contacts) as most, sum(contacts * contacts) as squares
from by_clinician
group by person, last_day
