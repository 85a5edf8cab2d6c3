-- Answers of patients about support from services or organisations that work together: good answers over all answers
-- that are good or not (which answers these are is in the list). Each answer counts once: weights are not used,
-- since limits of a weighted share need the survey's design. An anonymous answer belongs to the practice that it is
-- about.
select
    s.person, s.practice, s.day, s.row as event,
    case when a.condition = 'good' then 1 else 0 end as numerator, 1 as denominator
from surveys s
join answers a on a.coding = 'survey' and a.code = s.question || '/' || s.answer
