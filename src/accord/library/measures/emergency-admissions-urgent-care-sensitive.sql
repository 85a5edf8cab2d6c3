-- Emergency admissions for urgent-care-sensitive conditions: CCG Improvement and Assessment Framework 2018/19, 127b.
-- Finished first episodes, method of admission beginning with 2. Falls count from 75 years, a pyrexial child to 5
-- years (the annex prints other ages in other places: see the list). A stay counts once, under the first condition
-- by name.
with cases as (
    select
        a.admission, c.condition,
        case
            when c.condition = 'falls' and coalesce(a.age, -1) < 75 then 'under 75: falls count from 75 years'
            when c.condition = 'pyrexial child' and coalesce(a.age, 999) > 5 then 'over 5: fever counts to 5 years'
            else c.excluded
        end as unless
    from emergency_admissions a
    join urgent_care_sensitive c on c.admission = a.admission
),
chosen as (
    select
        admission,
        coalesce(min(case when unless is null then condition end), min(condition)) as condition,
        case when count(*) = count(unless) then min(unless) end as unless
    from cases
    group by admission
)
select
    a.person, a.admitted as day, a.admission as event, 1 as numerator, c.condition,
    case when a.finished = 0 then 'first episode not finished' else c.unless end as excluded
from emergency_admissions a
join chosen c on c.admission = a.admission
join methods m on m.coding = 'admission_method' and m.condition = 'begins with 2' and m.code = a.admission_method
