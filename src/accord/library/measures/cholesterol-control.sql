-- Cholesterol control: Quality and Outcomes Framework CHOL004. People on the registers of coronary heart disease, stroke
-- or TIA, or peripheral arterial disease on the last day of the period, whose last LDL cholesterol in the twelve months to
-- it is 2.0 mmol/l or less, or, where there is none, whose last non-HDL cholesterol is 2.6 or less. Adjustments as in
-- blood-pressure-control.
with eligible as (
    select r.person, p.last_day, add_months(add_days(p.last_day, 1), -12) as year_since, min(r.since) as since
    from registers r
    join periods p on r.since <= p.last_day and coalesce(r.until, add_days(p.last_day, 1)) > p.last_day
    where r.condition in ('coronary heart disease', 'stroke or TIA', 'peripheral arterial disease')
    group by r.person, p.last_day
),
results as (
    select o.person, o.day, c.condition as kind, min(o.value) as value
    from observations o
    join cholesterol c on c.coding = o.coding and c.code = o.code
    where o.value is not null
    group by o.person, o.day, c.condition
),
readings as (
    select
        r.person, p.last_day, r.kind, r.value,
        row_number() over (partition by r.person, p.last_day, r.kind order by r.day desc) as from_last
    from results r
    join periods p on r.day >= add_months(add_days(p.last_day, 1), -12) and r.day <= p.last_day
),
adjusted as (
    select e.person, e.last_day, min(a.reason) as reason
    from eligible e
    join adjustments a on a.person = e.person and a.day >= e.year_since and a.day <= e.last_day
    where a.condition = 'cholesterol'
    group by e.person, e.last_day
),
reached as (
    select
        e.person, e.last_day, e.since,
        case when l.value <= 2.0 or (l.value is null and n.value <= 2.6) then 1 else 0 end as reached
    from eligible e
    left join readings l
        on l.person = e.person and l.last_day = e.last_day and l.kind = 'LDL' and l.from_last = 1
    left join readings n
        on n.person = e.person and n.last_day = e.last_day and n.kind = 'non-HDL' and n.from_last = 1
)
select
    e.person, e.last_day as day, e.reached as numerator, 1 as denominator,
    case
        when e.reached = 1 then null
        when a.reason is not null then a.reason
        when e.since >= add_months(add_days(e.last_day, 1), -9) then 'diagnosed in the last nine months'
    end as excluded
from reached e
left join adjusted a on a.person = e.person and a.last_day = e.last_day
