-- Cervical screening: Quality and Outcomes Framework CS005 (women of 25 to 49, screened in three and a half years)
-- and CS006 (50 to 64, in five and a half), ages and years to the last day of the period. Who has no cervix is left
-- out; of those not screened, those for whom it is unsuitable or who declined in these years are left out too.
with women as (
    select
        b.person, p.last_day,
        case when age_on(b.born, p.last_day) <= 49 then 'CS005' else 'CS006' end as indicator,
        case
            when age_on(b.born, p.last_day) <= 49 then add_months(add_days(p.last_day, 1), -42)
            else add_months(add_days(p.last_day, 1), -66)
        end as since
    from people b
    join periods p on b.born <= p.last_day
    where b.sex = 'female' and age_on(b.born, p.last_day) >= 25 and age_on(b.born, p.last_day) <= 64
),
screened as (
    select distinct w.person, w.last_day
    from women w
    join observations o on o.person = w.person and o.day >= w.since and o.day <= w.last_day
    join screening s on s.condition = 'screened' and s.coding = o.coding and s.code = o.code
),
without as (
    select distinct o.person, p.last_day
    from observations o
    join screening s on s.condition = 'no cervix' and s.coding = o.coding and s.code = o.code
    join periods p on o.day <= p.last_day
),
adjusted as (
    select w.person, w.last_day, min(a.reason) as reason
    from women w
    join adjustments a on a.person = w.person and a.day >= w.since and a.day <= w.last_day
    where a.condition = 'cervical screening'
    group by w.person, w.last_day
)
select
    w.person, w.last_day as day, w.indicator,
    case when s.person is null then 0 else 1 end as numerator, 1 as denominator,
    case
        when n.person is not null then 'no cervix'
        when s.person is not null then null
        else a.reason
    end as excluded
from women w
left join screened s on s.person = w.person and s.last_day = w.last_day
left join without n on n.person = w.person and n.last_day = w.last_day
left join adjusted a on a.person = w.person and a.last_day = w.last_day
