-- Admissions (continuous spells) whose first episode came in by a method that begins with 2: an emergency in the NHS
-- Data Dictionary (ADMISSION METHOD CODE). Which of these methods an indicator counts is in the list
-- emergency-admission-methods. Age is in full years on the day of admission. `finished`: the first episode has ended
-- (EPISTAT 3).
select
    a.person, a.admission, a.admitted, a.discharged, a.admission_method, a.admission_source, a.patient_class,
    a.episode_type, a.main_specialty, p.sex, age_on(p.born, a.admitted) as age,
    case when a.discharged is not null or a.episodes > 1 then 1 else 0 end as finished
from admissions a
left join people p on p.person = a.person
where starts_with(a.admission_method, '2')
