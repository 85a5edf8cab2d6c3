-- Days in hospital after being clinically ready for discharge, for each discharge: from the discharge ready date to
-- the day of discharge (NHS England PRN00312, and the Better Care Fund's measure of discharge delay from 2025/26).
-- Ordinary stays of one night or more that ended otherwise than by death. Sum of days over stays: never an average
-- of averages.
select
    person, discharged as day, admission as event,
    days_between(ready, discharged) as numerator, 1 as denominator,
    case
        when coalesce(patient_class, '') <> '1' then 'not an ordinary admission (patient classification 1)'
        when discharged = admitted then 'no night in hospital'
        when discharge_method in ('4', '5') then 'died in hospital, or stillborn'
        when ready is null then 'no day of being ready for discharge recorded'
        when ready < admitted then 'ready before admission'
        when ready > discharged then 'ready after discharge'
    end as excluded
from admissions
where discharged is not null
