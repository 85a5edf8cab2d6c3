-- Emergency admissions for chronic ambulatory-care-sensitive conditions: NHS Outcomes Framework 2.3.i,
-- as NHS Digital CCG OIS 2.6, specification v1.15 (December 2018, I00757) counts it:
-- finished and unfinished; first episode; ordinary admission (CLASSPAT 1), general episode (EPITYPE 1), sex 1 or 2,
-- age 0 to 120; not from another hospital (source 51 to 53). A stay with two conditions counts once.
with cases as (
    select
        admission, coalesce(min(case when excluded is null then condition end), min(condition)) as condition,
        case when count(*) = count(excluded) then min(excluded) end as unless
    from chronic
    group by admission
)
select
    a.person, a.admitted as day, a.admission as event, 1 as numerator, c.condition,
    case
        when t.code is not null then 'came from another hospital (source of admission 51 to 53)'
        when coalesce(a.patient_class, '') <> '1' then 'not an ordinary admission (patient classification 1)'
        when coalesce(a.episode_type, '') <> '1' then 'not a general episode (episode type 1)'
        when coalesce(a.sex, '') not in ('female', 'male') then 'sex neither female nor male'
        when coalesce(a.age, -1) < 0 or a.age > 120 then 'age not from 0 to 120'
        else c.unless
    end as excluded
from emergency_admissions a
join cases c on c.admission = a.admission
join methods m on m.coding = 'admission_method' and m.condition = 'outcomes framework' and m.code = a.admission_method
left join transfers t on t.coding = 'admission_source' and t.code = a.admission_source
