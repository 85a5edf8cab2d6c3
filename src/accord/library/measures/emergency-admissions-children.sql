-- Emergency admissions for asthma, diabetes and epilepsy in people under 19: NHS Outcomes Framework 2.3.ii, CCG OIS
-- 2.7. Continuous spells; the ages (0 to 18) are on the card and hold for population and admissions alike.
select person, admitted as day, admission as event, 1 as numerator, condition, excluded
from outcomes_framework_admissions
