-- Admissions: continuous spells, one row each. Which episodes belong together is decided in stays.sql.
-- What the person came with is the first episode's; how the person left is the last episode's of the spell that ended last.
-- Most have one episode, of which everything is taken.
select
    person,
    source,
    admission,
    admitted,
    discharged,
    provider,
    provider as last_provider,
    admission_method,
    admission_source,
    patient_class,
    episode_type,
    main_specialty,
    treatment_function,
    main_specialty as last_specialty,
    discharge_method,
    discharge_destination,
    ready,
    1 as spells,
    1 as episodes,
    cost
from stays
where episodes = 1
union all
select
    person,
    max(case when episode = 1 then source end) as source,
    admission,
    min(admitted) as admitted,
    case when count(*) > count(discharged) then null else max(discharged) end as discharged,
    max(case when episode = 1 then provider end) as provider,
    max(case when from_last = 1 then provider end) as last_provider,
    max(case when episode = 1 then admission_method end) as admission_method,
    max(case when episode = 1 then admission_source end) as admission_source,
    max(case when episode = 1 then patient_class end) as patient_class,
    max(case when episode = 1 then episode_type end) as episode_type,
    max(case when episode = 1 then main_specialty end) as main_specialty,
    max(case when episode = 1 then treatment_function end) as treatment_function,
    max(case when from_last = 1 then main_specialty end) as last_specialty,
    max(case when from_last = 1 then discharge_method end) as discharge_method,
    max(case when from_last = 1 then discharge_destination end) as discharge_destination,
    max(ready) as ready,
    sum(case when place = 1 then 1 else 0 end) as spells,
    count(*) as episodes,
    sum(cost) as cost
from stays
where episodes > 1
group by person, admission
