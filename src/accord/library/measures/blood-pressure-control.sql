-- Blood pressure control by indicator of the Quality and Outcomes Framework: people on the register, at the age of
-- the indicator on the last day of the period, whose last blood pressure in the twelve months to that day is at the
-- target or below. Who reached it counts. Of the others, those with a personalised care adjustment in these twelve
-- months, or a diagnosis in the nine months before, are left out: achievement is then A / (B - C). Home readings are
-- not told apart, so that 140/90 holds for them too, where the rules ask for less.
with indicators as (
    select
        'HYP010' as indicator, 'hypertension' as condition, 0 as from_age, 79 as to_age,
        140 as systolic, 90 as diastolic
    union all select 'HYP011', 'hypertension', 80, 200, 150, 90
    union all select 'CD001', 'coronary heart disease', 0, 79, 140, 90
    union all select 'CD001', 'stroke or TIA', 0, 79, 140, 90
    union all select 'CD002', 'coronary heart disease', 80, 200, 150, 90
    union all select 'CD002', 'stroke or TIA', 80, 200, 150, 90
    union all select 'DM036', 'diabetes', 17, 79, 140, 90
),
eligible as (
    select
        r.person, p.last_day, add_months(add_days(p.last_day, 1), -12) as year_since,
        i.indicator, i.systolic, i.diastolic, min(r.since) as since
    from registers r
    join indicators i on i.condition = r.condition
    join periods p on r.since <= p.last_day and coalesce(r.until, add_days(p.last_day, 1)) > p.last_day
    join people b on b.person = r.person
    where age_on(b.born, p.last_day) >= i.from_age and age_on(b.born, p.last_day) <= i.to_age
    group by r.person, p.last_day, i.indicator, i.systolic, i.diastolic
),
readings as (
    select b.person, p.last_day, b.systolic, b.diastolic
    from blood_pressures b
    join periods p on b.day >= add_months(add_days(p.last_day, 1), -12) and b.day <= p.last_day
        and coalesce(b.next_day, add_days(p.last_day, 1)) > p.last_day
),
adjusted as (
    select e.person, e.last_day, e.indicator, min(a.reason) as reason
    from eligible e
    join indicators i on i.indicator = e.indicator
    join adjustments a on a.person = e.person and a.day >= e.year_since and a.day <= e.last_day
    where (a.condition = i.condition and a.reason in ('care unsuitable', 'care declined'))
        or (a.condition = 'hypertension' and a.reason in ('most treatment tolerated', 'measurement declined'))
    group by e.person, e.last_day, e.indicator
),
reached as (
    select
        e.person, e.last_day, e.indicator, e.since,
        case when r.systolic <= e.systolic and r.diastolic <= e.diastolic then 1 else 0 end as reached
    from eligible e
    left join readings r on r.person = e.person and r.last_day = e.last_day
)
select
    e.person, e.last_day as day, e.indicator, e.reached as numerator, 1 as denominator,
    case
        when e.indicator = 'DM036' and f.person is not null then 'moderately or severely frail'
        when e.reached = 1 then null
        when a.reason is not null then a.reason
        when e.since >= add_months(add_days(e.last_day, 1), -9) then 'diagnosed in the last nine months'
    end as excluded
from reached e
left join adjusted a on a.person = e.person and a.last_day = e.last_day and a.indicator = e.indicator
left join frail_people f on f.person = e.person and f.last_day = e.last_day
