-- Continuity of care index (Bice and Boxerman): (sum of n_i squared - N) over N (N - 1), for people with three or
-- more contacts with general practice in the period; both are summed before dividing.
select
    person, last_day as day, squares - contacts as numerator, contacts * (contacts - 1) as denominator,
    case when contacts < 3 then 'fewer than three contacts' end as excluded
from continuity
