-- Of people with complex needs (by the board's rule: the list), those with a care plan made or reviewed in the
-- twelve months to the period's last day that they and every team that cares for them can see. Nobody is taken out
-- of the denominator.
with planned as (
    select distinct c.person, p.last_day
    from care_plans c
    join periods p on c.day >= add_months(add_days(p.last_day, 1), -12) and c.day <= p.last_day
    where c.shared
)
select
    x.person, x.last_day as day, case when y.person is null then 0 else 1 end as numerator, 1 as denominator
from complex_people x
left join planned y on y.person = x.person and y.last_day = x.last_day
