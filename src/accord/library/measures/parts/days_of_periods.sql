-- Each day of each period that was asked for, so that events find their period by equality of days.
select c.day, p.period, p.first_day, p.last_day
from calendar c
join periods p on c.day >= p.first_day and c.day <= p.last_day
