-- The months of the window: for each, its days inside the window.
select c.month, min(c.day) as first_day, max(c.day) as last_day
from calendar c
join window w on c.day >= w.first_day and c.day <= w.last_day
group by c.month
