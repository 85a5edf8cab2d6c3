-- Procedures: the codes of every episode, one row each, in the order in which they were coded; the first is the primary one.
select
    stays.person as person, stays.source as source, stays.admission as admission, stays.episode as episode,
    numbers.n as position,
    upper(split_part(coalesce(stays.procedures, ''), ' ', numbers.n)) as code,
    stays.since as day
from stays
-- there is one code more than spaces between codes
join numbers on numbers.n <= 1 + length(stays.procedures) - length(replace(stays.procedures, ' ', ''))
where split_part(coalesce(stays.procedures, ''), ' ', numbers.n) <> ''
