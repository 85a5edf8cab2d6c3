-- Emergency admissions for ambulatory-care-sensitive conditions: Investment and Impact Fund AC-02, as NHS Digital's
-- own code counts it (iif_indicators, August 2023): finished first episodes, general (EPITYPE 1), methods 21 23 24
-- 28 2A to 2D (not 22, not 25), main specialty not 501, 560 or 610, sex 1 or 2, age 0 to 120.
select
    a.person, a.admitted as day, a.admission as event, 1 as numerator, a.condition,
    case
        when a.finished = 0 then 'first episode not finished'
        when coalesce(a.episode_type, '') <> '1' then 'not a general episode (episode type 1)'
        when s.code is not null then 'specialty left out (501, 560 or 610)'
        when coalesce(a.sex, '') not in ('female', 'male') then 'sex neither female nor male'
        when coalesce(a.age, -1) < 0 or a.age > 120 then 'age not from 0 to 120'
        else a.unless
    end as excluded
from emergency_conditions a
join methods m on m.coding = 'admission_method' and m.condition = 'iif ac-02' and m.code = a.admission_method
left join specialties s on s.coding = 'main_specialty' and s.code = a.main_specialty
