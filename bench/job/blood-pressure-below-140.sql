-- One row a person with diabetes and month; of several values on the last day, the lowest.
with ill as (
    select c.person, min(c.since) as since
    from conditions c join diabetes d on d.coding = c.coding and d.code = c.code
    group by c.person
), taken as (
    select o.person, k.month, o.value,
        row_number() over (partition by o.person, k.month order by o.day desc, o.value) as place
    from observations o
    join blood_pressure b on b.coding = o.coding and b.code = o.code
    join calendar k on k.day = o.day
    join window w on o.day >= w.first_day and o.day <= w.last_day
    where o.value is not null
)
select i.person, p.first_day as day, case when t.value < 140 then 1 else 0 end as numerator, 1 as denominator
from periods p
join ill i on i.since <= p.first_day
left join taken t on t.person = i.person and t.month = p.first_day and t.place = 1
