-- People of 65 and over at home 91 days after discharge from hospital into reablement: NHS Outcomes Framework 3.6.i,
-- ASCOF 2B. Everybody who began reablement on discharge is in the denominator. Who died by then, was in hospital or
-- a care home, or could not be contacted was not at home; where nothing was found out, nobody was contacted. Day 91
-- comes after the window's end for late discharges: compute it 91 days later, or these count as not contacted.
select
    s.person, s.since as day, s.row as event,
    case
        when d.day is not null and d.day <= add_days(s.since, 91) then 0
        when s.outcome = 'at home' then 1
        else 0
    end as numerator,
    1 as denominator,
    case
        when s.after_hospital is null or not s.after_hospital then 'did not begin on discharge from hospital'
    end as excluded
from social_care s
left join deaths d on d.person = s.person
where s.kind = 'reablement'
