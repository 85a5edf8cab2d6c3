-- Attendances at major emergency departments that general practice could have seen: O'Keeffe and others 2018 (doi
-- 10.1371/journal.pone.0192855) and NHS Digital's "unnecessary attendances": a first attendance whose investigations
-- and treatments could all have been given in general practice, and that ended at home or with general practice. Of
-- first attendances at consultant-led departments (type 1). Follow-ups are counted as urgent there, and are left
-- out.
select
    person, day, row as event,
    case
        when not investigated and not treated and disposal in ('discharged', 'general practice') then 1
        else 0
    end as numerator,
    1 as denominator,
    case
        when coalesce(department, '') <> '1' then 'not a consultant-led department (type 1)'
        when coalesce(visit, '') <> 'first' then 'a follow-up, or not known to be a first attendance'
        when investigated is null or treated is null then 'investigation or treatment not recorded'
        when disposal is null then 'how it ended is not recorded'
    end as excluded
from attendances
