-- Stays: every consultant episode, told once, with the continuous spell (admission) that it belongs to and its place there.
-- The tables admissions, diagnoses and procedures are made from this one.
--
-- Authority: "Methodology to create provider and CIP spells from HES APC data", Health and Social Care Information Centre
-- 2014, content.digital.nhs.uk/media/11859/Provider-Spells-Methodology/pdf/Spells_Methodology.pdf (National Archives,
-- 20180307232845). Status: unverified. The paper itself was not at hand; its rules are as three public programs that cite
-- it have them: UKHSA epidm (cip_spells), BHF Data Science Centre SCORE-CVD, Health Foundation HES_pipeline. They agree on
-- who is joined, and differ on the days (0 to 2 in the first, 0 to 3 in the others); 0 to 2 is taken, since UKHSA notes that
-- NHS Digital confirmed it on 14 May 2020.
--
-- Two spells of a person are joined when all of these hold:
--   1. the later begins 0, 1 or 2 days after the earlier ended;
--   2. one of them says it was a transfer: the earlier's destination is 49 to 53 or 84 (a hospital), or the later's source is
--      49 to 53 or 87, or the later's method of admission is 2B or 81 (transfer);
--   3. not: destination 19 (home), then source 51 with method 21 (which contradict each other);
--   4. neither is a regular day or night attendance (class 3 or 4), each of which stands alone.
--
-- Where the methodology is silent, Accord's own rules (status: assumed; each case is counted in the quality report):
--   a. An episode told twice (person, spell, number, first day) is taken once: finished before unfinished, then the later end,
--      then the least row.
--   b. A spell is what its source says it is, whatever the providers of its episodes. It covers all days of its episodes.
--   c. Spells that overlap count as 0 days apart: joined with a sign of transfer, otherwise two admissions.
--   d. A spell that lies inside another is joined to it if its own source, method or destination says transfer; otherwise it
--      is an admission of its own, and the spells before and after it are compared as if it were not there.
--   e. A spell without a day of discharge is still running, unless an ordinary spell begins later. Then it ended on that day,
--      if that spell came from a hospital; otherwise on the last day that its own episodes show. A day case or regular
--      attendance without a day of discharge ended on the last day that it shows.
--
-- Most people never came from a hospital, left for one, or are still there. Nothing of theirs can be joined: each spell is an
-- admission, and an episode that is the only one of its spell is taken as it stands (single). The others are put in order.
with sizes as (
    select person, spell, count(*) as told from episodes group by person, spell
),
moving as (
    select distinct person from episodes
    where
        admission_source in ('49', '50', '51', '52', '53', '87') or admission_method in ('2B', '81')
        or discharge_destination in ('49', '50', '51', '52', '53', '84') or discharged is null
),
single as (
    select sizes.person as person, sizes.spell as spell
    from sizes
    left join moving on moving.person = sizes.person
    where sizes.told = 1 and moving.person is null
),
others as (
    select
        episodes.person as person, episodes.row as row, episodes.spell as spell, episodes.episode as episode,
        episodes.since as since, episodes.until as until, episodes.admitted as admitted, episodes.discharged as discharged,
        episodes.admission_method as admission_method, episodes.admission_source as admission_source,
        episodes.patient_class as patient_class, episodes.discharge_destination as discharge_destination
    from episodes
    left join single on single.person = episodes.person and single.spell = episodes.spell
    where single.person is null
),
told as (
    select
        person, row, spell, episode, since, until, admitted, discharged, admission_method, admission_source, patient_class,
        discharge_destination,
        row_number() over (
            partition by person, spell, episode, since
            order by case when until is null then 1 else 0 end, until desc, row
        ) as telling
    from others
),
ordered as (
    select
        person, row, spell, since, until, admitted, discharged, admission_method, admission_source, patient_class,
        discharge_destination,
        row_number() over (
            partition by person, spell order by since, episode, coalesce(until, date '9999-12-31'), row
        ) as place,
        count(*) over (partition by person, spell) as places
    from told
    where telling = 1
),
spells as (
    select
        person, spell,
        min(row) as key,
        min(least(admitted, since)) as admitted,
        max(discharged) as discharged,
        max(coalesce(until, since)) as shown,
        max(case when place = 1 then admission_source end) as came_from,
        max(case when place = 1 then admission_method end) as method,
        max(case when place = 1 then patient_class end) as class,
        max(case when place = places then discharge_destination end) as went_to
    from ordered
    group by person, spell
),
signs as (
    select
        spells.person as person, spell, key, admitted, shown, came_from, method, went_to,
        case when discharged is null then null else greatest(discharged, shown) end as discharged,
        case
            when came_from in ('49', '50', '51', '52', '53', '87') or method in ('2B', '81') then 1 else 0
        end as arrived,
        case when went_to in ('49', '50', '51', '52', '53', '84') then 1 else 0 end as left_for_hospital,
        case when class in ('2', '3', '4') then 0 else 1 end as ordinary,
        case when class in ('3', '4') then 1 else 0 end as regular
    from spells
    join moving on moving.person = spells.person
),
followed as (
    select
        person, spell, key, admitted, shown, discharged, came_from, method, went_to, arrived, left_for_hospital, ordinary, regular,
        lead(admitted) over (
            partition by person, ordinary order by admitted, coalesce(discharged, date '9999-12-31'), arrived, key
        ) as next_admitted,
        lead(arrived) over (
            partition by person, ordinary order by admitted, coalesce(discharged, date '9999-12-31'), arrived, key
        ) as next_arrived
    from signs
),
ended as (
    select
        person, spell, key, admitted, came_from, method, went_to, arrived, left_for_hospital, regular,
        case
            when discharged is not null then discharged
            when ordinary = 0 then shown
            when next_admitted is null then null
            when next_arrived = 1 then greatest(shown, next_admitted)
            else shown
        end as ended
    from followed
),
numbered as (
    select
        person, spell, key, admitted, ended, came_from, method, went_to, arrived, left_for_hospital, regular,
        row_number() over (
            partition by person, regular order by admitted, coalesce(ended, date '9999-12-31'), arrived, key
        ) as number,
        max(coalesce(ended, date '9999-12-31')) over (
            partition by person, regular order by admitted, coalesce(ended, date '9999-12-31'), arrived, key
        ) as latest
    from ended
),
nested as (
    select
        person, spell, key, admitted, ended, came_from, method, went_to, arrived, left_for_hospital, regular, number,
        case
            when regular = 1 then 0
            when lag(latest) over (partition by person, regular order by number) >= coalesce(ended, date '9999-12-31') then 1
            else 0
        end as inside
    from numbered
),
compared as (
    select
        person, spell, key, admitted, ended, came_from, method, arrived, left_for_hospital, regular, number, inside,
        lag(ended) over (partition by person, regular, inside order by number) as before_ended,
        lag(left_for_hospital) over (partition by person, regular, inside order by number) as before_left,
        lag(went_to) over (partition by person, regular, inside order by number) as before_went_to
    from nested
),
joined as (
    select
        person, spell, key, admitted, ended, regular, number, inside,
        case
            when regular = 1 then 0
            when inside = 1 then case when arrived = 1 or left_for_hospital = 1 then 1 else 0 end
            when before_ended is null then 0
            when days_between(before_ended, admitted) > 2 then 0
            when before_went_to = '19' and came_from = '51' and method = '21' then 0
            when before_left = 1 or arrived = 1 then 1
            else 0
        end as joins
    from compared
),
chained as (
    select
        person, spell, key, admitted, ended, number,
        case when regular = 1 or (inside = 1 and joins = 0) then 1 else 0 end as alone,
        sum(case when inside = 0 and joins = 0 then 1 else 0 end) over (partition by person, regular order by number) as chain,
        regular
    from joined
),
placed as (
    select
        person, spell, admitted, ended, number, key,
        case
            when alone = 1 then key
            else min(case when alone = 0 then key end) over (partition by person, regular, chain)
        end as admission
    from chained
    union all
    select
        spells.person as person, spell, admitted, greatest(discharged, shown) as ended, 1 as number, key, key as admission
    from spells
    left join moving on moving.person = spells.person
    where moving.person is null
),
positioned as (
    select
        ordered.row as row,
        placed.admission as admission,
        row_number() over (
            partition by placed.admission order by placed.number, ordered.place
        ) as episode,
        row_number() over (
            partition by placed.admission
            order by coalesce(placed.ended, date '9999-12-31') desc, placed.number desc, ordered.place desc
        ) as from_last,
        count(*) over (partition by placed.admission) as episodes,
        ordered.place as place,
        placed.admitted as admitted,
        placed.ended as ended
    from ordered
    join placed on placed.person = ordered.person and placed.spell = ordered.spell
)
select
    episodes.person as person,
    episodes.source as source,
    positioned.admission as admission,
    positioned.episode as episode,
    positioned.from_last as from_last,
    positioned.episodes as episodes,
    positioned.place as place,
    episodes.row as row,
    episodes.since as since,
    episodes.until as until,
    positioned.admitted as admitted,
    positioned.ended as discharged,
    episodes.provider as provider,
    episodes.admission_method as admission_method,
    episodes.admission_source as admission_source,
    episodes.patient_class as patient_class,
    episodes.episode_type as episode_type,
    episodes.discharge_method as discharge_method,
    episodes.discharge_destination as discharge_destination,
    episodes.ready as ready,
    episodes.main_specialty as main_specialty,
    episodes.treatment_function as treatment_function,
    episodes.diagnoses as diagnoses,
    episodes.procedures as procedures,
    episodes.cost as cost
from positioned
join episodes on episodes.row = positioned.row
union all
select
    episodes.person as person,
    episodes.source as source,
    episodes.row as admission,
    1 as episode,
    1 as from_last,
    1 as episodes,
    1 as place,
    episodes.row as row,
    episodes.since as since,
    episodes.until as until,
    least(episodes.admitted, episodes.since) as admitted,
    greatest(episodes.discharged, coalesce(episodes.until, episodes.since)) as discharged,
    episodes.provider as provider,
    episodes.admission_method as admission_method,
    episodes.admission_source as admission_source,
    episodes.patient_class as patient_class,
    episodes.episode_type as episode_type,
    episodes.discharge_method as discharge_method,
    episodes.discharge_destination as discharge_destination,
    episodes.ready as ready,
    episodes.main_specialty as main_specialty,
    episodes.treatment_function as treatment_function,
    episodes.diagnoses as diagnoses,
    episodes.procedures as procedures,
    episodes.cost as cost
from single
join episodes on episodes.person = single.person and episodes.spell = single.spell
