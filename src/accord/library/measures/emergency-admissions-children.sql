-- Emergency admissions for asthma, diabetes and epilepsy in people under 19: NHS Outcomes Framework 2.3.ii, CCG OIS
-- 2.7. Continuous spells; the ages (0 to 18) are on the card and hold for population and admissions alike.
with cases as (
    select
        admission, coalesce(min(case when excluded is null then condition end), min(condition)) as condition,
        case when count(*) = count(excluded) then min(excluded) end as unless
    from conditions_of_children
    group by admission
)
select
    a.person, a.admitted as day, a.admission as event, 1 as numerator, c.condition,
    case
        when t.code is not null then 'came from another hospital (source of admission 51 to 53)'
        when coalesce(a.patient_class, '') <> '1' then 'not an ordinary admission (patient classification 1)'
        when coalesce(a.episode_type, '') <> '1' then 'not a general episode (episode type 1)'
        when coalesce(a.sex, '') not in ('female', 'male') then 'sex neither female nor male'
        else c.unless
    end as excluded
from emergency_admissions a
join cases c on c.admission = a.admission
join methods m on m.coding = 'admission_method' and m.condition = 'outcomes framework' and m.code = a.admission_method
left join transfers t on t.coding = 'admission_source' and t.code = a.admission_source
