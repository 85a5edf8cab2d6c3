-- Cost by setting, in pence: the recorded cost of each event, or else the National Cost Collection's average for it
-- (the part unit_costs). A stay in hospital costs on the day of admission, a service on its first day: whoever is
-- responsible on that day bears the whole of it. What has neither a recorded cost nor an average is left out and
-- said, never taken for nothing.
with events as (
    select
        person, day, row as event, 'general practice' as setting, cost, 'none' as service, 1 as took_place
    from consultations
    union all
    select person, day, row, 'prescribing', cost, 'none', 1 from prescriptions
    union all
    select person, day, row, 'emergency departments', cost, 'emergency attendance', 1 from attendances
    union all
    select
        person, admitted, admission, 'hospital stays', cost,
        case
            when patient_class = '2' then 'day case'
            when patient_class in ('3', '4') then 'regular attendance'
            when discharged is null or admission_method is null then 'none'
            when starts_with(admission_method, '1') then 'elective stay'
            when days_between(admitted, discharged) <= 1 then 'non-elective stay, one day or less'
            else 'non-elective stay, longer'
        end,
        1
    from admissions
    union all
    select
        person, day, row, 'outpatients', cost, 'outpatient attendance',
        case when attended = 'attended' then 1 else 0 end
    from outpatients
    union all
    select
        person, day, row, 'community services', cost, 'community contact',
        case when coalesce(attended, 'attended') = 'attended' then 1 else 0 end
    from community_contacts
    union all
    select
        person, day, row, 'mental health services', cost, 'mental health contact',
        case when coalesce(attended, 'attended') = 'attended' then 1 else 0 end
    from mental_health_contacts
    union all
    select person, since, row, 'social care', cost, 'none', 1 from social_care
)
select
    e.person, e.day, e.event, e.setting, coalesce(e.cost, u.pence, 0) as numerator,
    case
        when e.cost is not null then null
        when e.took_place = 0 then 'did not take place'
        when u.pence is null then 'no recorded cost, and no average to take its place'
    end as excluded
from events e
left join unit_costs u on u.service = e.service
