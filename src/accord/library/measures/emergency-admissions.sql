-- Emergency admissions: continuous spells that began by a method of admission beginning with 2 (NHS Data Dictionary).
-- Who came from another hospital (source 51 to 53) was admitted there, and is left out here.
select
    a.person, a.admitted as day, a.admission as event, 1 as numerator,
    case when t.code is not null then 'came from another hospital (source of admission 51 to 53)' end as excluded
from emergency_admissions a
join methods m on m.coding = 'admission_method' and m.condition = 'begins with 2' and m.code = a.admission_method
left join transfers t on t.coding = 'admission_source' and t.code = a.admission_source
