-- Care recorded by indicator of the Quality and Outcomes Framework: people on the register on the last day of the
-- period with an entry, in the twelve months to it, that shows the review, the plan or the measurement that the
-- indicator asks for (which entries these are is in the list). Who has one counts; of the others, those with a
-- personalised care adjustment in these twelve months, or a diagnosis in the three months before, are left out.
with indicators as (
    select 'AST007' as indicator, 'asthma' as condition, 6 as from_age, 'asthma' as adjusting
    union all select 'COPD010', 'COPD', 0, 'COPD'
    union all select 'DEM004', 'dementia', 0, 'dementia'
    union all select 'DM012', 'diabetes', 17, 'foot'
    union all select 'HF007', 'heart failure', 0, 'heart failure'
    union all select 'MH002', 'serious mental illness', 0, 'serious mental illness'
    union all select 'MH003', 'serious mental illness', 0, 'serious mental illness'
    union all select 'MH006', 'serious mental illness', 0, 'serious mental illness'
    union all select 'MH007', 'serious mental illness', 0, 'serious mental illness'
    union all select 'MH012', 'serious mental illness', 0, 'serious mental illness'
    union all select 'SMOK002', 'asthma', 15, 'smoking'
    union all select 'SMOK002', 'chronic kidney disease', 18, 'smoking'
    union all select 'SMOK002', 'COPD', 15, 'smoking'
    union all select 'SMOK002', 'coronary heart disease', 15, 'smoking'
    union all select 'SMOK002', 'diabetes', 17, 'smoking'
    union all select 'SMOK002', 'hypertension', 15, 'smoking'
    union all select 'SMOK002', 'peripheral arterial disease', 15, 'smoking'
    union all select 'SMOK002', 'serious mental illness', 15, 'smoking'
    union all select 'SMOK002', 'stroke or TIA', 15, 'smoking'
),
eligible as (
    select
        r.person, p.last_day, add_months(add_days(p.last_day, 1), -12) as year_since, i.indicator, i.adjusting,
        min(r.since) as since
    from registers r
    join indicators i on i.condition = r.condition
    join periods p on r.since <= p.last_day and coalesce(r.until, add_days(p.last_day, 1)) > p.last_day
    join people b on b.person = r.person
    where age_on(b.born, p.last_day) >= i.from_age
    group by r.person, p.last_day, i.indicator, i.adjusting
),
entries as (
    select o.person, c.condition as indicator, o.day, lead(o.day) over (
        partition by o.person, c.condition order by o.day
    ) as next_day
    from observations o
    join care c on c.coding = o.coding and c.code = o.code
    group by o.person, c.condition, o.day
),
recorded as (
    select e.person, p.last_day, e.indicator
    from entries e
    join periods p on e.day >= add_months(add_days(p.last_day, 1), -12) and e.day <= p.last_day
        and coalesce(e.next_day, add_days(p.last_day, 1)) > p.last_day
),
adjusted as (
    select e.person, e.last_day, e.indicator, min(a.reason) as reason
    from eligible e
    join adjustments a
        on a.person = e.person and a.condition = e.adjusting and a.day >= e.year_since and a.day <= e.last_day
    group by e.person, e.last_day, e.indicator
)
select
    e.person, e.last_day as day, e.indicator,
    case when r.person is null then 0 else 1 end as numerator, 1 as denominator,
    case
        when r.person is not null then null
        when a.reason is not null then a.reason
        when e.since >= add_months(add_days(e.last_day, 1), -3) then 'diagnosed in the last three months'
    end as excluded
from eligible e
left join recorded r on r.person = e.person and r.last_day = e.last_day and r.indicator = e.indicator
left join adjusted a on a.person = e.person and a.last_day = e.last_day and a.indicator = e.indicator
