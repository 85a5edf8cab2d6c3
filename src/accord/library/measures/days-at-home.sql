-- Days at home: of the days registered in the period, those with no night in hospital and not in a care home. Sum
-- over sum. CMS's Days at Home (CBE 4555) further adjusts for case mix, mortality and moves to nursing homes: this
-- is the plain count, to be reported and not paid on: places differ by few days (MedPAC doubts its use).
-- Registration ends with death.
with away_spans as (
    select person, admitted as since, discharged as until from admissions
    union all
    select person, since, until from social_care where kind in ('residential', 'nursing')
    union all
    select person, since, until from residences where kind in ('residential home', 'nursing home')
),
-- places where the person is away, from each day on which that number changes
changes as (
    select person, since as day, 1 as change from away_spans where until is null or until > since
    union all
    select person, until as day, -1 as change from away_spans where until > since
),
net as (
    select person, day, sum(change) as change from changes group by person, day
),
running as (
    select
        person, day as since, lead(day) over (partition by person order by day) as until,
        sum(change) over (partition by person order by day rows between unbounded preceding and current row) as places
    from net
),
stretches as (
    select
        r.person, greatest(r.since, p.first_day) as since,
        least(coalesce(r.until, add_days(p.last_day, 1)), add_days(p.last_day, 1)) as until
    from registered r
    join periods p on r.since <= p.last_day and coalesce(r.until, add_days(p.last_day, 1)) > p.first_day
),
away as (
    select
        s.person, s.since,
        sum(days_between(greatest(s.since, a.since), least(s.until, coalesce(a.until, s.until)))) as days
    from stretches s
    join running a on a.person = s.person and a.since < s.until and coalesce(a.until, s.until) > s.since
    where a.places > 0
    group by s.person, s.since
)
select
    s.person, s.since as day,
    days_between(s.since, s.until) - coalesce(a.days, 0) as numerator,
    days_between(s.since, s.until) as denominator
from stretches s
left join away a on a.person = s.person and a.since = s.since
