-- Good answers about services that work together, of all answers, by the practice asked about.
select
    practice, cast(date_trunc('month', day) as date) as period,
    count(*) filter (where answer in ('1', '2')), count(*)
from '{record}/surveys/*.parquet'
where question = 'Q32' and answer in ('1', '2', '3') and practice is not null and known_until is null
    and day between date '2025-04-01' and date '2026-03-31'
group by all
