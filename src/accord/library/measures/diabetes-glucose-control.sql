-- Glucose control in diabetes, by indicator of the Quality and Outcomes Framework: people of 17 and over on the
-- diabetes register on the last day of the period whose last HbA1c in the twelve months to it is 58 mmol/mol or less
-- (DM020), or, if they are moderately or severely frail, 75 or less (DM021). Adjustments as in
-- blood-pressure-control.
with eligible as (
    select
        r.person, p.last_day, add_months(add_days(p.last_day, 1), -12) as year_since, min(r.since) as since
    from registers r
    join periods p on r.since <= p.last_day and coalesce(r.until, add_days(p.last_day, 1)) > p.last_day
    join people b on b.person = r.person
    where r.condition = 'diabetes' and age_on(b.born, p.last_day) >= 17
    group by r.person, p.last_day
),
results as (
    select o.person, o.day, min(o.value) as value
    from observations o
    join hba1c h on h.coding = o.coding and h.code = o.code
    where o.value is not null
    group by o.person, o.day
),
readings as (
    select
        r.person, p.last_day, r.value,
        row_number() over (partition by r.person, p.last_day order by r.day desc) as from_last
    from results r
    join periods p on r.day >= add_months(add_days(p.last_day, 1), -12) and r.day <= p.last_day
),
adjusted as (
    select e.person, e.last_day, min(a.reason) as reason
    from eligible e
    join adjustments a on a.person = e.person and a.day >= e.year_since and a.day <= e.last_day
    where a.condition = 'diabetes'
    group by e.person, e.last_day
),
reached as (
    select
        e.person, e.last_day, e.since,
        case when f.person is null then 'DM020' else 'DM021' end as indicator,
        case when r.value <= case when f.person is null then 58 else 75 end then 1 else 0 end as reached
    from eligible e
    left join frail_people f on f.person = e.person and f.last_day = e.last_day
    left join readings r on r.person = e.person and r.last_day = e.last_day and r.from_last = 1
)
select
    e.person, e.last_day as day, e.indicator, e.reached as numerator, 1 as denominator,
    case
        when e.reached = 1 then null
        when a.reason is not null then a.reason
        when e.since >= add_months(add_days(e.last_day, 1), -9) then 'diagnosed in the last nine months'
    end as excluded
from reached e
left join adjusted a on a.person = e.person and a.last_day = e.last_day
