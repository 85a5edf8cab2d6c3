-- Emergency admissions for acute conditions that should not usually require hospital admission: NHS Outcomes
-- Framework 3a (CCG OIS 3.1): finished and unfinished continuous spells, emergency method, primary diagnosis an
-- acute condition, transfers left out. Class, kind of episode, sex and age as in 2.3.i (derived: the specification
-- of 3a was not seen). A stay with two conditions counts once.
select person, admitted as day, admission as event, 1 as numerator, condition, excluded
from outcomes_framework_admissions
