-- Deaths with three or more emergency admissions in the last three months of life (90 days): CCG IAF 2018/19, 105c.
-- An admission counts from 90 days before the death to the day of death; method of admission beginning with 2.
with last_admissions as (
    select d.person, count(*) as admissions
    from deaths d
    join emergency_admissions a on a.person = d.person
    join methods m on m.coding = 'admission_method' and m.condition = 'begins with 2' and m.code = a.admission_method
    where a.admitted <= d.day and days_between(a.admitted, d.day) <= 90
    group by d.person
)
select
    d.person, add_days(d.day, -1) as day, case when l.admissions >= 3 then 1 else 0 end as numerator, 1 as denominator
from deaths d
left join last_admissions l on l.person = d.person
