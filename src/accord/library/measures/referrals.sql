-- Referrals made by general practice for assessment or treatment, by priority. Advice asked for is not a referral
-- (see advice-and-guidance), and what came of it is not counted here twice: an answer that became a referral has its
-- own row.
select person, day, row as event, 1 as numerator, coalesce(priority, 'not recorded') as priority
from referrals
where kind = 'referral'
