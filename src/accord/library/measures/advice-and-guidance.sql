-- Advice and guidance asked for before or instead of a referral, by what became of it.
select person, day, row as event, 1 as numerator, coalesce(outcome, 'not recorded') as outcome
from referrals
where kind = 'advice'
