-- Emergency admissions with a condition of the list that the card calls `listed`: one row a stay. Of several
-- conditions it has the first by name that nothing takes out; `unless` says why where something takes out them all.
with cases as (
    select
        admission, coalesce(min(case when excluded is null then condition end), min(condition)) as condition,
        case when count(*) = count(excluded) then min(excluded) end as unless
    from listed
    group by admission
)
select
    a.person, a.admission, a.admitted, a.admission_method, a.admission_source, a.patient_class, a.episode_type,
    a.main_specialty, a.sex, a.age, a.finished, c.condition, c.unless
from emergency_admissions a
join cases c on c.admission = a.admission
