-- People with complex needs on the last day of a period, by the board's own rule (the list complex-needs).
select distinct c.person, p.last_day
from conditions c
join complex_needs l on l.coding = c.coding and l.code = c.code
join periods p on c.since <= p.last_day and coalesce(c.until, add_days(p.last_day, 1)) > p.last_day
