-- Medicines that prevent the next event, by indicator of the Quality and Outcomes Framework: people on the registers on the
-- last day of the period with a prescription of a medicine of the list. CHD005: coronary heart disease, an antiplatelet or
-- anticoagulant in twelve months. CHOL003: coronary heart disease, stroke or TIA, peripheral arterial disease, or chronic
-- kidney disease from 18 years, a lipid-regulating medicine in six months. DM035: diabetes from 17 years together with one
-- of the first three, a statin in six months. Adjustments as in care-recorded, for statins.
with on_register as (
    select
        r.person, p.last_day, r.condition, age_on(b.born, p.last_day) as age, r.since,
        case
            when r.condition in ('coronary heart disease', 'stroke or TIA', 'peripheral arterial disease') then 1 else 0
        end as vascular
    from registers r
    join periods p on r.since <= p.last_day and coalesce(r.until, add_days(p.last_day, 1)) > p.last_day
    join people b on b.person = r.person
),
candidates as (
    select person, last_day, 'CHD005' as indicator, 12 as months, since
    from on_register
    where condition = 'coronary heart disease'
    union all
    select person, last_day, 'CHOL003', 6, since
    from on_register
    where vascular = 1 or (condition = 'chronic kidney disease' and age >= 18)
    union all
    select d.person, d.last_day, 'DM035', 6, greatest(d.since, v.since)
    from on_register d
    join on_register v on v.person = d.person and v.last_day = d.last_day and v.vascular = 1
    where d.condition = 'diabetes' and d.age >= 17
),
eligible as (
    select
        person, last_day, indicator, add_months(add_days(last_day, 1), 0 - months) as taken_since,
        add_months(add_days(last_day, 1), -12) as year_since, min(since) as since
    from candidates
    group by person, last_day, indicator, months
),
prescribed as (
    select distinct e.person, e.last_day, e.indicator
    from eligible e
    join prescriptions r on r.person = e.person and r.day >= e.taken_since and r.day <= e.last_day
    join medicines m on m.condition = e.indicator and m.coding = r.coding and m.code = r.code
),
adjusted as (
    select e.person, e.last_day, min(a.reason) as reason
    from eligible e
    join adjustments a
        on a.person = e.person and a.condition = 'statin' and a.day >= e.year_since and a.day <= e.last_day
    group by e.person, e.last_day
)
select
    e.person, e.last_day as day, e.indicator,
    case when r.person is null then 0 else 1 end as numerator, 1 as denominator,
    case
        when r.person is not null then null
        when a.reason is not null and e.indicator <> 'CHD005' then a.reason
        when e.since >= add_months(add_days(e.last_day, 1), -3) then 'diagnosed in the last three months'
    end as excluded
from eligible e
left join prescribed r on r.person = e.person and r.last_day = e.last_day and r.indicator = e.indicator
left join adjusted a on a.person = e.person and a.last_day = e.last_day
