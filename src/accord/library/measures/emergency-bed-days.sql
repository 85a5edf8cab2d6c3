-- Emergency bed days: nights in hospital in the window, of continuous spells that began by a method beginning with
-- 2. One row for each stay and calendar month, so that months add up to years. A night belongs to the day on which
-- it began; the day of discharge has none; whoever is still in hospital has been there to the window's last day.
select
    a.person, greatest(a.admitted, m.first_day) as day, a.admission as event,
    days_between(
        greatest(a.admitted, m.first_day),
        least(coalesce(a.discharged, add_days(m.last_day, 1)), add_days(m.last_day, 1))
    ) as numerator
from emergency_admissions a
join methods e on e.coding = 'admission_method' and e.condition = 'begins with 2' and e.code = a.admission_method
join months m on a.admitted <= m.last_day and coalesce(a.discharged, add_days(m.last_day, 1)) > m.first_day
where coalesce(a.discharged, add_days(a.admitted, 1)) > a.admitted
