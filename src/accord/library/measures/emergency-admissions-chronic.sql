-- Emergency admissions for chronic ambulatory-care-sensitive conditions: NHS Outcomes Framework 2.3.i,
-- as NHS Digital CCG OIS 2.6, specification v1.15 (December 2018, I00757) counts it:
-- finished and unfinished; first episode; ordinary admission (CLASSPAT 1), general episode (EPITYPE 1), sex 1 or 2,
-- age 0 to 120; not from another hospital (source 51 to 53). A stay with two conditions counts once.
select person, admitted as day, admission as event, 1 as numerator, condition, excluded
from outcomes_framework_admissions
