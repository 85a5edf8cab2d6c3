-- Disease registers of the Quality and Outcomes Framework: people on each register on the last day of the period.
-- Ages on that day: diabetes from 17; chronic kidney disease, depression and epilepsy from 18; rheumatoid arthritis
-- from 16; asthma from 6. Rules that need prescriptions (asthma, epilepsy) or spirometry (COPD) are not applied: see
-- the card.
with people_on as (
    select r.person, p.last_day, r.condition, age_on(b.born, p.last_day) as age
    from registers r
    join periods p on r.since <= p.last_day and coalesce(r.until, add_days(p.last_day, 1)) > p.last_day
    join people b on b.person = r.person
    group by r.person, p.last_day, r.condition, b.born
)
select
    person, last_day as day, condition, 1 as numerator,
    case
        when condition = 'diabetes' and age < 17 then 'under 17'
        when condition in ('chronic kidney disease', 'depression', 'epilepsy') and age < 18 then 'under 18'
        when condition = 'rheumatoid arthritis' and age < 16 then 'under 16'
        when condition = 'asthma' and age < 6 then 'under 6'
    end as excluded
from people_on
