-- Usual provider of care (UPC): contacts with the clinician seen most, over all contacts; people with three or more
-- contacts with general practice in the period. Sum over sum: max n_i over N, never a mean of people's shares.
-- (Rosenberg and Zulman.)
select
    person, last_day as day, most as numerator, contacts as denominator,
    case when contacts < 3 then 'fewer than three contacts' end as excluded
from continuity
