-- Diagnoses: the codes of every episode, one row each, in the order in which they were coded.
-- Codes come as hospitals send them, up to six characters: I10X fills the fourth place with X, E1140D marks the fifth-character
-- pair of an asterisk and dagger code with A or D. Both are taken off, so that a code list can name the code itself.
with split as (
    select
        stays.person as person, stays.source as source, stays.admission as admission, stays.episode as episode,
        numbers.n as position,
        upper(split_part(coalesce(stays.diagnoses, ''), ' ', numbers.n)) as code,
        stays.since as day
    from stays
    -- there is one code more than spaces between codes
    join numbers on numbers.n <= 1 + length(stays.diagnoses) - length(replace(stays.diagnoses, ' ', ''))
    where split_part(coalesce(stays.diagnoses, ''), ' ', numbers.n) <> ''
),
unmarked as (
    select
        person, source, admission, episode, position, day,
        case
            when length(code) in (5, 6) and substr(code, length(code), 1) in ('A', 'D') then substr(code, 1, length(code) - 1)
            else code
        end as code
    from split
)
select
    person, source, admission, episode, position,
    case
        when length(code) = 5 and substr(code, 4, 2) = 'XX' then substr(code, 1, 3)
        when length(code) in (4, 5) and substr(code, length(code), 1) = 'X' then substr(code, 1, length(code) - 1)
        else code
    end as code,
    day
from unmarked
