-- People of 65 and over at home 91 days after discharge into reablement, by council.
select
    a.council, cast(date_trunc('month', s.since) as date) as period,
    count(*) filter (where s.outcome = 'at home' and not coalesce(d.day <= s.since + 91, false)), count(*)
from '{record}/social_care/*.parquet' s
join '{record}/people/*.parquet' p using (person)
join '{record}/resident/*.parquet' r
    on r.person = s.person and r.since <= s.since and coalesce(r.until, date '2101-01-01') > s.since
join '{record}/areas/*.parquet' a on a.area = r.area and a.known_until is null
left join '{record}/deaths/*.parquet' d on d.person = s.person and d.known_until is null
where s.kind = 'reablement' and s.after_hospital and s.known_until is null
    and s.since between date '2025-04-01' and date '2026-03-31'
    and p.born <= s.since - interval 65 year
group by all
