-- Personalised care adjustments of the Quality and Outcomes Framework, each with the day of its entry: care
-- unsuitable or declined, measurement declined, most treatment tolerated. `condition` is "register: reason".
select o.person, o.day, split_part(a.condition, ': ', 1) as condition, split_part(a.condition, ': ', 2) as reason
from observations o
join qof_adjustments a on a.coding = o.coding and a.code = o.code
