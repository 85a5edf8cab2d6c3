-- Blood pressure recorded in five years: Quality and Outcomes Framework BP002. People of 45 and over (see the card)
-- with a blood pressure in the five years to the last day of the period.
with measured_people as (
    select b.person, p.last_day
    from blood_pressures b
    join periods p on b.day >= add_months(add_days(p.last_day, 1), -60) and b.day <= p.last_day
        and coalesce(b.next_day, add_days(p.last_day, 1)) > p.last_day
)
select
    b.person, p.last_day as day, case when m.person is null then 0 else 1 end as numerator, 1 as denominator
from people b
join periods p on b.born <= p.last_day
left join measured_people m on m.person = b.person and m.last_day = p.last_day
