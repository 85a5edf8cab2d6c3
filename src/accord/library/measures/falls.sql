-- Emergency admissions for injuries from falls at 65 and over: CCG IAF 104a, Public Health Outcomes Framework 22401.
-- First episode: primary diagnosis S00 to T98 and a fall (W00 to W19) in any field; CLASSPAT 1; not from another
-- hospital. The ages are on the card, and hold for population and admissions alike.
select
    a.person, a.admitted as day, a.admission as event, 1 as numerator,
    case
        when t.code is not null then 'came from another hospital (source of admission 51 to 53)'
        when coalesce(a.patient_class, '') <> '1' then 'not an ordinary admission (patient classification 1)'
        when coalesce(a.episode_type, '') <> '1' then 'not a general episode (episode type 1)'
        else f.excluded
    end as excluded
from emergency_admissions a
join fallen f on f.admission = a.admission
join methods m on m.coding = 'admission_method' and m.condition = 'begins with 2' and m.code = a.admission_method
left join transfers t on t.coding = 'admission_source' and t.code = a.admission_source
