-- Emergency admissions for a condition as the NHS Outcomes Framework counts them (NHS Digital CCG OIS 2.6,
-- specification v1.15): methods 21 to 25, 28 and 2A to 2D; not from another hospital (source 51 to 53); ordinary
-- admission (CLASSPAT 1), general episode (EPITYPE 1), sex 1 or 2, age 0 to 120. `excluded` says what leaves one out.
select
    e.person, e.admission, e.admitted, e.condition,
    case
        when t.code is not null then 'came from another hospital (source of admission 51 to 53)'
        when coalesce(e.patient_class, '') <> '1' then 'not an ordinary admission (patient classification 1)'
        when coalesce(e.episode_type, '') <> '1' then 'not a general episode (episode type 1)'
        when coalesce(e.sex, '') not in ('female', 'male') then 'sex neither female nor male'
        when coalesce(e.age, -1) < 0 or e.age > 120 then 'age not from 0 to 120'
        else e.unless
    end as excluded
from emergency_conditions e
join methods m on m.coding = 'admission_method' and m.condition = 'outcomes framework' and m.code = e.admission_method
left join transfers t on t.coding = 'admission_source' and t.code = e.admission_source
