-- Resident: where a person lives, on each day in one place at most.
--
-- Accord's rules where residences of a person overlap (status: assumed; each case is counted in the quality report):
--   a. Another residence (another area, or another kind of address) ends the one before it, on the day it begins; the
--      earlier does not come back.
--   b. Residences in the same area and of the same kind that overlap, or follow without a day between, are one.
--   c. Of two that begin on the same day the one that lasts longer counts; if they last alike, the area whose code comes
--      first, then the kind.
--   d. Death ends a residence: the day of death is its last day.
with died as (
    select person, min(day) as day from deaths group by person
),
told as (
    select
        person, area, kind, source, since, coalesce(until, date '9999-12-31') as until,
        row_number() over (
            partition by person, since order by coalesce(until, date '9999-12-31') desc, area, kind, row
        ) as place
    from residences
),
changes as (
    select
        person, area, kind, source, since, until,
        case
            when lag(area) over (partition by person order by since) = area
                and lag(kind) over (partition by person order by since) = kind then 0
            else 1
        end as change
    from told
    where place = 1
),
runs as (
    select
        person, area, kind, source, since, until,
        sum(change) over (partition by person order by since rows between unbounded preceding and current row) as run
    from changes
),
reaching as (
    select
        person, area, kind, source, since, until, run,
        max(until) over (
            partition by person, run order by since rows between unbounded preceding and 1 preceding
        ) as reached
    from runs
),
pieces as (
    select
        person, area, kind, source, since, until, run,
        sum(case when since <= reached then 0 else 1 end) over (
            partition by person order by since rows between unbounded preceding and current row
        ) as piece
    from reaching
),
joined as (
    select
        person, run, piece, min(area) as area, min(kind) as kind, min(source) as source, min(since) as since,
        max(until) as until
    from pieces
    group by person, run, piece
),
begun as (
    select person, run, min(since) as since from runs group by person, run
)
select
    j.person, j.source, j.area, j.kind, j.since,
    nullif(least(j.until, b.since, add_days(d.day, 1)), date '9999-12-31') as until
from joined j
left join begun b on b.person = j.person and b.run = j.run + 1
left join died d on d.person = j.person
where j.since < least(j.until, b.since, add_days(d.day, 1))
