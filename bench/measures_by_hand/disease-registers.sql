-- People on each register of the Quality and Outcomes Framework on the last day, over people registered that day.
with months as (
    select cast(m as date) as first_day, last_day(cast(m as date)) as last_day
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
population as (
    select r.practice, m.first_day as period, count(*) as denominator
    from '{record}/registered/*.parquet' r
    join months m on r.since <= m.last_day and coalesce(r.until, date '2101-01-01') > m.last_day
    group by all
),
-- entries of a condition, each until it ends or is resolved
codes as (
    select distinct o.coding, o.code, l.condition
    from (select distinct coding, code from '{record}/conditions/*.parquet') o
    join read_csv('{lists}/qof-registers.csv', all_varchar = true) l
        on l.coding = o.coding
            and case when l.match = 'prefix' then starts_with(o.code, l.code) else o.code = l.code end
),
resolved as (
    select c.person, l.condition, c.since as day
    from '{record}/conditions/*.parquet' c
    join read_csv('{lists}/qof-registers-resolved.csv', all_varchar = true) l using (coding, code)
    where c.known_until is null
),
entries as (
    select distinct c.person, l.condition, c.since, c.until
    from '{record}/conditions/*.parquet' c
    join codes l using (coding, code)
    where c.known_until is null
),
registers as (
    select e.person, e.condition, e.since, least(e.until, r.day) as until
    from entries e
    asof left join resolved r on r.person = e.person and r.condition = e.condition and r.day > e.since
),
counted as (
    select distinct r.person, m.last_day as day, r.condition
    from registers r
    join months m on r.since <= m.last_day and coalesce(r.until, m.last_day + 1) > m.last_day
    join '{record}/people/*.parquet' p on p.person = r.person
    where p.born <= m.last_day - to_years(
        case
            when r.condition in ('chronic kidney disease', 'depression', 'epilepsy') then 18
            when r.condition = 'diabetes' then 17
            when r.condition = 'rheumatoid arthritis' then 16
            when r.condition = 'asthma' then 6
            else 0
        end
    )
),
found as (
    select r.practice, cast(date_trunc('month', c.day) as date) as period, count(*) as numerator
    from counted c
    join '{record}/registered/*.parquet' r
        on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
    group by all
)
select practice, period, coalesce(numerator, 0), coalesce(denominator, 0)
from population full join found using (practice, period)
