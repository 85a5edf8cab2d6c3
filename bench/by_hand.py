"""Measures of the library as an analyst would write them: one DuckDB query each, by practice and month.

Each query reads the record's Parquet files itself and gives organisation, period, numerator and denominator of
April 2025 to March 2026.
"""

from __future__ import annotations

from collections.abc import Mapping

_MONTHS = """months as (
  select strftime(d, '%Y-%m-%d') as period, cast(d as date) as first_day, last_day(cast(d as date)) as last_day,
    last_day(cast(d as date)) + 1 as after
  from range(timestamp '2025-04-01', timestamp '2026-04-01', interval 1 month) as m(d)
), registered as (
  select r.person, r.practice, r.since, coalesce(r.until, date '2101-01-01') as until, p.born
  from read_parquet('{record}/registered/*.parquet') r join read_parquet('{record}/people/*.parquet') p using (person)
), admissions as (
  select a.*, p.sex from read_parquet('{record}/admissions/*.parquet') a
  left join read_parquet('{record}/people/*.parquet') p using (person)
)"""

_RATE = """, counted as ({counted}), population as (
  select r.practice, m.period, sum(least(r.until, m.after) - greatest(r.since, m.first_day)) as denominator
  from registered r join months m on r.since < m.after and r.until > m.first_day group by all
), found as (
  select r.practice, m.period, cast(sum(c.n) as bigint) as numerator
  from counted c
  join months m on c.day between m.first_day and m.last_day
  join registered r on r.person = c.person and r.since <= c.day and c.day < r.until
  group by all
)
select practice, period, coalesce(numerator, 0), cast(denominator as bigint)
from population left join found using (practice, period)"""

_RATIO = """, counted as ({counted})
select r.practice, m.period, cast(sum(c.n) as bigint), cast(sum(c.d) as bigint)
from counted c
join months m on c.day between m.first_day and m.last_day
join registered r on r.person = c.person and r.since <= c.day and c.day < r.until
where {ages}
group by all"""

_18 = "year(c.day) - year(r.born) - case when month(c.day) * 100 + day(c.day) < month(r.born) * 100 + day(r.born) "
_18 += "then 1 else 0 end >= 18"
_45 = _18.replace("18", "45")

_COUNTED: Mapping[str, tuple[str, str, str]] = {
    "emergency-admissions": (
        _RATE,
        "",
        """select person, admitted as day, 1 as n from admissions
        where admission_method like '2%' and coalesce(admission_source, '') not in ('51', '52', '53')""",
    ),
    "emergency-bed-days": (
        _RATE,
        "",
        """select person, greatest(admitted, first_day) as day,
          least(coalesce(discharged, last_day + 1), last_day + 1) - greatest(admitted, first_day) as n
        from admissions join months on admitted <= last_day and coalesce(discharged, last_day + 1) > first_day
        where admission_method like '2%' and coalesce(discharged, admitted + 1) > admitted""",
    ),
    "referrals": (
        _RATE,
        "",
        "select person, day, 1 as n from read_parquet('{record}/referrals/*.parquet') "
        "where kind = 'referral' and known_until is null",
    ),
    "avoidable-attendances": (
        _RATIO,
        "true",
        """select person, day, 1 as d,
          case when not investigated and not treated and disposal in ('discharged', 'general practice')
            then 1 else 0 end as n
        from read_parquet('{record}/attendances/*.parquet')
        where department = '1' and visit = 'first' and investigated is not null and treated is not null
          and disposal is not null and known_until is null""",
    ),
    "delayed-discharge": (
        _RATIO,
        _18,
        """select person, discharged as day, discharged - ready as n, 1 as d from admissions
        where patient_class = '1' and discharged > admitted and coalesce(discharge_method, '') not in ('4', '5')
          and ready between admitted and discharged""",
    ),
    "continuity-usual-provider": (
        _RATIO,
        "true",
        """select person, last_day as day, sum(seen) as d, max(seen) as n from (
          select c.person, m.last_day, count(*) as seen
          from read_parquet('{record}/consultations/*.parquet') c
          join months m on c.day between m.first_day and m.last_day
          where c.clinician is not null and c.known_until is null
          group by c.person, m.last_day, c.practice, c.clinician
        ) group by person, last_day having sum(seen) >= 3""",
    ),
    "blood-pressure-recorded": (
        _RATIO,
        _45,
        """select p.person, m.last_day as day, 1 as d,
          case when exists (
            select 1 from pressures b
            where b.person = p.person and b.day >= m.after - interval 60 month and b.day <= m.last_day
          ) then 1 else 0 end as n
        from read_parquet('{record}/people/*.parquet') p join months m on p.born <= m.last_day""",
    ),
}

_PRESSURES = """, pressures as (
  select person, day from read_parquet('{record}/observations/*.parquet')
  where value is not null and known_until is null
    and (coding, code) in (
      ('loinc', '8480-6'), ('loinc', '8462-4'), ('cluster', 'SYSBP_COD'), ('cluster', 'DIASBP_COD'))
  group by person, day
  having count(distinct case when code in ('8480-6', 'SYSBP_COD') then 1 else 2 end) = 2
)"""

NAMES = tuple(_COUNTED)
"""The measures that are written by hand."""


def query(name: str, generation: str) -> str:
    """The query of a measure over the Parquet files in a folder."""
    shape, ages, counted = _COUNTED[name]
    before = _MONTHS + (_PRESSURES if name == "blood-pressure-recorded" else "")
    text = f"with {before}{shape.replace('{counted}', counted).replace('{ages}', ages)}"
    return text.replace("{record}", generation)
