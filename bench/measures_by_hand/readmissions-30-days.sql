-- Emergency readmissions within 30 days (NHS Outcomes Framework 3b), of discharges that count.
with stays as (
    select
        *, coalesce(discharged, date '2101-01-01') as ended,
        max(coalesce(discharged, date '2101-01-01')) over (
            partition by person order by admitted, coalesce(discharged, date '2101-01-01'), admission
            rows between unbounded preceding and 1 preceding
        ) as ended_before
    from '{record}/admissions/*.parquet'
),
-- stays that overlap are one time in hospital: the last of them is followed by the first of the next time
times as (
    select
        *, count(*) filter (where coalesce(ended_before <= admitted, true)) over (
            partition by person order by admitted, ended, admission
            rows between unbounded preceding and current row
        ) as time
    from stays
),
each_time as (
    select
        person, time, max_by(admission, (ended, admitted, admission)) as last_stay, max(ended) as ended,
        min_by(admission, (admitted, ended, admission)) as first_stay, min(admitted) as admitted
    from times
    group by person, time
),
followed as (
    select
        last_stay as admission, lead(first_stay) over in_order as next_admission,
        lead(admitted) over in_order - ended as days
    from each_time
    window in_order as (partition by person order by time)
),
mentions as (
    select person, admission, day
    from '{record}/diagnoses/*.parquet'
    where code similar to '(C[0-9]|Z51[12]).*'
    union all
    select person, admission, day
    from '{record}/procedures/*.parquet'
    where code similar to 'X7[0-4].*'
),
maternal as (
    select admission
    from '{record}/diagnoses/*.parquet'
    where code similar to '(O|Z3[3-9]).*'
),
readmissions as (
    select f.admission
    from followed f
    join '{record}/admissions/*.parquet' n on n.admission = f.next_admission
    where f.days between 0 and 29 and n.admission_method in ('21', '22', '23', '24', '25', '28', '2A', '2B', '2C', '2D')
        and coalesce(n.main_specialty, '') <> '501' and n.admission not in (select admission from mentions)
),
after_cancer as (
    select distinct a.admission
    from '{record}/admissions/*.parquet' a
    join mentions m on m.person = a.person and m.admission <> a.admission
        and m.day between a.admitted - 365 and a.admitted
    where a.discharged between date '2025-04-01' and date '2026-03-31'
),
counted as (
    select
        a.person, a.discharged as day, 1 as d,
        case when a.admission in (select admission from readmissions) then 1 else 0 end as n
    from '{record}/admissions/*.parquet' a
    where a.discharged between date '2025-04-01' and date '2026-03-31'
        and a.patient_class = '1' and coalesce(a.discharge_method, '') not in ('4', '5')
        and coalesce(a.main_specialty, '') not in ('501', '560', '610')
        and coalesce(a.last_specialty, '') not in ('501', '560', '610')
        and coalesce(a.episode_type, '') not in ('2', '3', '5', '6')
        and (a.last_specialty[1] in ('1', '3', '4') or substr(a.last_specialty, 1, 3) in ('502', '800'))
        and a.admission not in (select admission from maternal)
        and a.admission not in (select admission from mentions)
        and a.admission not in (select admission from after_cancer)
)
select r.practice, cast(date_trunc('month', c.day) as date) as period, sum(c.n), sum(c.d)
from counted c
join '{record}/registered/*.parquet' r
    on r.person = c.person and r.since <= c.day and coalesce(r.until, date '2101-01-01') > c.day
group by all
