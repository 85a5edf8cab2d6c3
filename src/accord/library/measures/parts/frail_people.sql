-- People who are moderately or severely frail on the last day of a period: their latest entry about frailty says so;
-- of two on one day, the graver stands.
with entries as (
    select
        o.person, p.last_day, f.condition,
        row_number() over (partition by o.person, p.last_day order by o.day desc, f.condition, o.row) as from_last
    from observations o
    join frailty f on f.coding = o.coding and f.code = o.code
    join periods p on o.day <= p.last_day
)
select person, last_day from entries where from_last = 1 and condition = 'frailty'
