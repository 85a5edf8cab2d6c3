-- Permanent admissions of people of 65 and over to residential and nursing homes: ASCOF 2C (2A(2) before 2014).
-- A new permanent place counts on its first day; a move from one home to another does not. Ages are on the card.
with placed as (
    select
        person, row, since, permanent,
        max(coalesce(until, date '9999-12-31')) over (
            partition by person, permanent order by since, row rows between unbounded preceding and 1 preceding
        ) as earlier_until
    from social_care
    where kind in ('residential', 'nursing')
)
select
    person, since as day, row as event, 1 as numerator,
    case
        when permanent is null or not permanent then 'not a permanent place'
        when earlier_until >= since then 'moved from another permanent place'
    end as excluded
from placed
