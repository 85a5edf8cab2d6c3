-- People of 45 and over with a blood pressure in the last five years, on the last day of the month.
with months as (
    select cast(m as date) as first_day, last_day(cast(m as date)) as last_day
    from generate_series(date '2025-04-01', date '2026-03-01', interval 1 month) as t(m)
),
pressures as (
    select person, day
    from '{record}/observations/*.parquet'
    where value is not null and known_until is null
        and (coding, code) in (
            ('loinc', '8480-6'), ('loinc', '8462-4'), ('cluster', 'SYSBP_COD'), ('cluster', 'DIASBP_COD')
        )
    group by person, day
    having count(distinct code in ('8480-6', 'SYSBP_COD')) = 2
),
here as (
    select r.practice, r.person, m.first_day, m.last_day
    from '{record}/registered/*.parquet' r
    join '{record}/people/*.parquet' p using (person)
    join months m on r.since <= m.last_day and coalesce(r.until, date '2101-01-01') > m.last_day
    where p.born <= m.last_day - interval 45 year
)
select
    h.practice, h.first_day, count(*) filter (where b.day >= cast(h.first_day - interval 59 month as date)), count(*)
from here h
asof left join pressures b on b.person = h.person and b.day <= h.last_day
group by all
