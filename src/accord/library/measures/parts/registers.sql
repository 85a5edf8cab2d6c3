-- Disease registers of the Quality and Outcomes Framework, as spans: a person is on a register from a diagnosis
-- until the next entry that ends it (resolved, in remission, staged down), or until the problem list says that it is
-- over. A diagnosis on the day of such an entry, or after it, stands: the latest diagnosis is then not before the
-- latest ending. Spans may overlap.
with diagnosed as (
    select c.person, l.condition, c.since, c.until
    from conditions c
    join qof_registers l on l.coding = c.coding and l.code = c.code
),
endings as (
    select c.person, l.condition, c.since as day
    from conditions c
    join qof_registers_resolved l on l.coding = c.coding and l.code = c.code
),
ended as (
    select d.person, d.condition, d.since, d.until, min(e.day) as resolved
    from diagnosed d
    left join endings e on e.person = d.person and e.condition = d.condition and e.day > d.since
    group by d.person, d.condition, d.since, d.until
)
select person, condition, since, least(until, resolved) as until
from ended
