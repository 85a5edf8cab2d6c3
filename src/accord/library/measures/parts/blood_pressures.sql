-- Blood pressures: days with a systolic and a diastolic value, in mmHg; of several on one day, the lowest of each. Each
-- stands until the day of the next.
with readings as (
    select
        o.person, o.day,
        min(case when b.condition = 'systolic' then o.value end) as systolic,
        min(case when b.condition = 'diastolic' then o.value end) as diastolic
    from observations o
    join blood_pressure b on b.coding = o.coding and b.code = o.code
    where o.value is not null
    group by o.person, o.day
)
select person, day, systolic, diastolic, lead(day) over (partition by person order by day) as next_day
from readings
where systolic is not null and diastolic is not null
