-- Unplanned admissions for nineteen ambulatory-care-sensitive conditions: NHS Institute list, as the New Hospital
-- Programme model of the Strategy Unit has it (ambulatory_care_conditions.py, 19 August 2026). The only further rule
-- there is that the method of admission begins with 2. A stay with several of the conditions counts once, under the
-- first by name.
select a.person, a.admitted as day, a.admission as event, 1 as numerator, a.condition, a.unless as excluded
from emergency_conditions a
join methods m on m.coding = 'admission_method' and m.condition = 'begins with 2' and m.code = a.admission_method
