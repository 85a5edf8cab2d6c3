-- Blood pressures: days with a systolic and a diastolic value, in mmHg; of several on one day, the lowest of each.
select
    o.person, o.day,
    min(case when b.condition = 'systolic' then o.value end) as systolic,
    min(case when b.condition = 'diastolic' then o.value end) as diastolic
from observations o
join blood_pressure b on b.coding = o.coding and b.code = o.code
where o.value is not null
group by o.person, o.day
having count(case when b.condition = 'systolic' then 1 end) > 0
    and count(case when b.condition = 'diastolic' then 1 end) > 0
