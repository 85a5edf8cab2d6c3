"""The roster: who is in the population, on which day. Registered, resident and attributed are three different things.

A population is spans of days: on one day a person is in one place at most, which is checked each time, not believed.
People are counted on a day, and time is counted in whole person-days, so that what is added up by organisation and
period is the whole exactly: half a year in one practice and half in another are 365 days, whoever divides them.

Counts are exact and stay inside the boundary; what leaves it goes through :mod:`accord.measures.release`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from accord.language.calendar import ONE_DAY, listed_periods, regular_periods
from accord.language.contract import PeriodItem
from accord.language.place import Place
from accord.language.problem import AccordError, DataRefused, Problem, nearest
from accord.record.belonging import FAR, as_table, belonging
from accord.record.portable import Select, read_select
from accord.record.subset import Kind

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.record.engines import Engine

Who = Literal["registered", "resident", "attributed"]
"""Registered with a practice; living in an area; attributed to an organisation by claims."""

LEVELS: Mapping[Who, tuple[str, ...]] = {
    "registered": ("practice", "network", "neighbourhood", "board", "all"),
    "resident": ("area", "council", "board", "all"),
    "attributed": ("organisation", "network", "board", "all"),
}
"""What each population can be added up by; the first is what its spans name."""

EVERY: Mapping[str, int] = {"month": 1, "quarter": 3, "financial year": 12, "year": 12, "whole": 0}
"""How long periods are, in months; ``whole`` is the whole window."""

SPANS: Mapping[str, Kind] = {"person": "whole", "unit": "text", "since": "day", "until": "day"}
"""The columns of a population: ``until`` is never missing (9999-12-31: still)."""

_BELONGS: Mapping[str, Kind] = {"unit": "text", "organisation": "text", "since": "day", "until": "day"}
_PERIODS: Mapping[str, Kind] = {"period": "text", "first_day": "day", "after": "day"}


class RosterMisused(AccordError):
    """A roster was asked for something that it cannot give. Exit code 2."""

    exit_code = 2


@dataclass(frozen=True, slots=True)
class Counted:
    """An organisation in a period: people on the first and on the last day, and person-days.

    ``organisation`` is ``None`` for people whose practice (or area) belongs to nobody known.
    """

    organisation: str | None
    period: PeriodItem
    first: int
    last: int
    days: int

    @property
    def average(self) -> Fraction:
        """The average population: person-days by the days of the period."""
        return Fraction(self.days, (self.period.last - self.period.first).days + 1)


@dataclass(frozen=True, slots=True)
class Roster:
    """A population by organisation and period. ``whole`` is the same without division by organisation."""

    who: Who
    by: str
    periods: tuple[PeriodItem, ...]
    rows: tuple[Counted, ...]
    whole: tuple[Counted, ...]

    def as_json(self) -> dict[str, Any]:
        """The roster as plain data."""
        return {
            "who": self.who,
            "by": self.by,
            "rows": [_plain(row) for row in self.rows],
            "whole": [_plain(row) for row in self.whole],
        }

    def table(self) -> pa.Table:
        """The rows as a table: organisation, period, first_day, last_day, people, people_last, person_days."""
        import pyarrow as pa

        rows = [_plain(row) for row in self.rows]
        types = [pa.string(), pa.string(), pa.date32(), pa.date32(), pa.int64(), pa.int64(), pa.int64()]
        names = ("organisation", "period", "first_day", "last_day", "people", "people_last", "person_days")
        columns = [pa.array([row[name] for row in rows], kind) for name, kind in zip(names, types, strict=True)]
        return pa.table(columns, names=list(names))


def _plain(row: Counted) -> dict[str, Any]:
    return {
        "organisation": row.organisation,
        "period": row.period.label,
        "first_day": row.period.first,
        "last_day": row.period.last,
        "people": row.first,
        "people_last": row.last,
        "person_days": row.days,
    }


def periods(first: dt.date, until: dt.date, every: str = "whole") -> tuple[PeriodItem, ...]:
    """The periods from ``first`` to the day before ``until``.

    Raises:
        RosterMisused: there is no day, no such period, or the window does not end where a period does.
    """
    last = until - ONE_DAY
    if last < first:
        raise _misused(
            "--until", f"there is no day from {first} until {until}", "until is the first day after the last"
        )
    if every not in EVERY:
        fix = nearest(every, EVERY) or f"there are {', '.join(EVERY)}; --on counts on one day"
        raise _misused("--every", f"there is no period {every}", fix)
    if not EVERY[every]:
        return listed_periods((first,), last)
    if first.day != 1:
        raise _misused(
            "--from", f"no {every} begins on {first}", f"begin on the first day of a month: {first.replace(day=1)}"
        )
    if every == "financial year" and first.month != 4:
        raise _misused("--from", f"no financial year begins on {first}", "begin on 1 April")
    found = regular_periods(first, last, EVERY[every])
    if found[-1].last != last:
        raise _misused("--until", f"the last {every} ends on {found[-1].last}", f"--until {found[-1].last + ONE_DAY}")
    return found


def roster(engine: Engine, when: tuple[PeriodItem, ...], who: Who = "registered", by: str = "all") -> Roster:
    """People and person-days of a population, by organisation and period.

    Args:
        engine: an engine over the record. For ``attributed`` it already has the table that
            :func:`accord.record.attribution.attribute` makes.
        when: the periods.
        who: which population.
        by: what to add up by; see :data:`LEVELS`.

    Raises:
        RosterMisused: the population cannot be added up by that.
        DataRefused: somebody is in two places on one day, or organisations contradict each other.
    """
    if "," in by:
        names = [name.strip() for name in by.split(",")]
        fix = f"ask for each: {', then '.join(f'--by {name}' for name in names)} (what is released is seen together)"
        raise _misused("--by", f"a roster is counted by one of them at a time, not by {', '.join(names)} together", fix)
    if by not in LEVELS[who]:
        fix = nearest(by, LEVELS[who]) or f"the {who} population is counted by {', '.join(LEVELS[who])}"
        raise _misused("--by", f"the {who} population is not counted by {by}", fix)
    population(engine, who)
    bind_periods(engine, when)
    bind_belonging(engine, who, by, "belonging")
    known = {f"people_{who}": SPANS, "belonging": _BELONGS, "asked": _PERIODS}
    rows = engine.rows(read_select(_COUNTED.format(spans=f"people_{who}"), "roster.sql", known)).to_pylist()
    whole = engine.rows(read_select(_WHOLE.format(spans=f"people_{who}"), "roster.sql", known)).to_pylist()
    named = {period.label: period for period in when}
    counted = tuple(
        sorted(
            (_counted(row, named) for row in rows),
            key=lambda row: (row.period.first, row.organisation is None, row.organisation or ""),
        )
    )
    totals = {row["period"]: _counted({**row, "organisation": "all"}, named) for row in whole}
    for period in when:
        total = totals.setdefault(period.label, Counted("all", period, 0, 0, 0))
        parts = [row for row in counted if row.period == period]
        added = tuple(sum(getattr(row, name) for row in parts) for name in ("first", "last", "days"))
        if added != (total.first, total.last, total.days):
            raise AssertionError(f"the parts of {period.label} add up to {added}, not to the whole")
    return Roster(who, by, when, counted, tuple(totals[period.label] for period in when))


def population(engine: Engine, who: Who) -> str:
    """Make the spans of a population (see :data:`SPANS`) under the name that is returned, and check that they divide
    people and days: nobody is in two places on one day.

    Raises:
        DataRefused: somebody is.
    """
    name = f"people_{who}"
    text = {
        "registered": f"select person, practice as unit, since, coalesce(until, date '{FAR}') as until from registered",
        "resident": f"select person, area as unit, since, coalesce(until, date '{FAR}') as until from resident",
        "attributed": "select person, organisation as unit, since, until from attributed",
    }[who]
    engine.make(name, read_select(text, "roster.sql", {"attributed": ATTRIBUTED}))
    twice = engine.rows(read_select(_TWICE.format(spans=name), "roster.sql", {name: SPANS})).to_pylist()[0]["spans"]
    if twice:
        raise DataRefused(
            Problem(
                Place(who, 0, 0),
                f"{twice} spans of the {who} population overlap another of the same person",
                "nobody may be counted twice on a day: load the record again, which makes its roster anew",
            )
        )
    return name


ATTRIBUTED: Mapping[str, Kind] = {"person": "whole", "organisation": "text", "since": "day", "until": "day"}
"""The table ``attributed`` that attribution makes."""


def bind_periods(engine: Engine, when: tuple[PeriodItem, ...]) -> None:
    """Give the engine the periods asked for as ``asked``: period, first_day, and the first day after it."""
    import pyarrow as pa

    columns = {
        "period": pa.array([each.label for each in when], pa.string()),
        "first_day": pa.array([each.first for each in when], pa.date32()),
        "after": pa.array([each.last + ONE_DAY for each in when], pa.date32()),
    }
    engine.bind("asked", pa.table(columns))


def bind_belonging(engine: Engine, who: Who, by: str, name: str) -> None:
    """Give the engine a table that says what every unit of a population belongs to, for all days."""
    lowest = LEVELS[who][0]
    units = f"select distinct unit from people_{who}"
    if by in (lowest, "all") or who == "resident":
        organisation = {"all": "'all'", lowest: "unit"}.get(by)
        if organisation is not None:
            text = f"""select unit, {organisation} as organisation, date '0001-01-01' as since, date '{FAR}' as until
                from ({units}) u"""
        else:
            text = f"""select u.unit, a.{by} as organisation, date '0001-01-01' as since, date '{FAR}' as until
                from ({units}) u left join areas a on a.area = u.unit"""
        engine.make(name, read_select(text, "roster.sql", {f"people_{who}": SPANS}))
        return
    found = engine.rows(read_select(units, "roster.sql", {f"people_{who}": SPANS})).column("unit").to_pylist()
    engine.bind(name, as_table(belonging(organisations(engine), found, by)))


def organisations(engine: Engine) -> list[dict[str, Any]]:
    """The organisations of the record: code, kind, within, since, until."""
    select = read_select("select code, kind, within, since, until from organisations", "roster.sql")
    return engine.rows(select).to_pylist()


_COUNTED = """
select b.organisation, p.period,
  sum(case when greatest(s.since, b.since) <= p.first_day and p.first_day < least(s.until, b.until) then 1 else 0 end)
    as first,
  sum(case when greatest(s.since, b.since) < p.after and p.after <= least(s.until, b.until) then 1 else 0 end) as last,
  sum(days_between(greatest(s.since, b.since, p.first_day), least(s.until, b.until, p.after))) as days
from {spans} s
join belonging b on b.unit = s.unit and b.since < s.until and s.since < b.until
join asked p on greatest(s.since, b.since) < p.after and p.first_day < least(s.until, b.until)
group by b.organisation, p.period
"""

_WHOLE = """
select p.period,
  sum(case when s.since <= p.first_day and p.first_day < s.until then 1 else 0 end) as first,
  sum(case when s.since < p.after and p.after <= s.until then 1 else 0 end) as last,
  sum(days_between(greatest(s.since, p.first_day), least(s.until, p.after))) as days
from {spans} s
join asked p on s.since < p.after and p.first_day < s.until
group by p.period
"""

_TWICE = """
select count(*) as spans
from (
  select until, lead(since) over (partition by person order by since, until) as following from {spans}
) s
where until > following
"""


def _counted(row: Mapping[str, Any], named: Mapping[str, PeriodItem]) -> Counted:
    return Counted(row["organisation"], named[row["period"]], row["first"], row["last"], row["days"])


# -- across boundaries -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Flow:
    """People registered under one board who live in another (or in a council's area), in a period.

    ``registered`` is ``None`` for people who live here and are not registered (or with a practice of no known board),
    ``lives`` for registered people whose residence is not known.
    """

    registered: str | None
    lives: str | None
    period: PeriodItem
    first: int
    days: int

    def as_json(self) -> dict[str, Any]:
        """The flow as plain data."""
        return {
            "registered": self.registered,
            "lives": self.lives,
            "period": self.period.label,
            "people": self.first,
            "person_days": self.days,
        }


def flows(engine: Engine, when: tuple[PeriodItem, ...], of: Literal["board", "council"] = "board") -> tuple[Flow, ...]:
    """The registered practice's board against the board (or council) of residence, by period.

    Everybody who is registered or resident is in one flow on each day, so that the flows of a board add up to its
    registered population, and those of an area to its residents.

    Raises:
        DataRefused: somebody is in two places on one day, or organisations contradict each other.
    """
    for who in ("registered", "resident"):
        population(engine, who)
    bind_periods(engine, when)
    bind_belonging(engine, "registered", "board", "of_practice")
    bind_belonging(engine, "resident", of, "of_area")
    known = {
        "people_registered": SPANS,
        "people_resident": SPANS,
        "of_practice": _BELONGS,
        "of_area": _BELONGS,
        "asked": _PERIODS,
    }

    def read(text: str) -> list[dict[str, Any]]:
        select: Select = read_select(text, "flows.sql", known)
        return engine.rows(select).to_pylist()

    # each part by itself, then both together; who is in one only is what remains
    alone = {
        side: {
            (row["organisation"], row["period"]): (row["first"], row["days"])
            for row in read(_COUNTED.format(spans=spans).replace("belonging", table))
        }
        for side, spans, table in (
            ("registered", "people_registered", "of_practice"),
            ("lives", "people_resident", "of_area"),
        )
    }
    both = {(row["registered"], row["lives"], row["period"]): (row["first"], row["days"]) for row in read(_BOTH)}
    found = dict(both)
    for side, at in (("registered", 0), ("lives", 1)):
        for (organisation, period), (first, days) in alone[side].items():
            shared = [count for key, count in both.items() if key[at] == organisation and key[2] == period]
            rest = (first - sum(count[0] for count in shared), days - sum(count[1] for count in shared))
            if rest != (0, 0):
                key = (organisation, None, period) if at == 0 else (None, organisation, period)
                before = found.get(key, (0, 0))
                found[key] = (before[0] + rest[0], before[1] + rest[1])
    named = {period.label: period for period in when}
    made = [Flow(one, other, named[period], first, days) for (one, other, period), (first, days) in found.items()]
    return tuple(
        sorted(
            made, key=lambda flow: (flow.period.first, flow.registered is None, flow.registered or "", flow.lives or "")
        )
    )


_BOTH = """
with pairs as (
  select r.unit as practice, h.unit as area, greatest(r.since, h.since) as since, least(r.until, h.until) as until
  from people_registered r
  join people_resident h on h.person = r.person and h.since < r.until and r.since < h.until
)
select b.organisation as registered, a.organisation as lives, p.period,
  sum(case when greatest(s.since, b.since) <= p.first_day and p.first_day < least(s.until, b.until) then 1 else 0 end)
    as first,
  sum(days_between(greatest(s.since, b.since, p.first_day), least(s.until, b.until, p.after))) as days
from pairs s
join of_practice b on b.unit = s.practice and b.since < s.until and s.since < b.until
join of_area a on a.unit = s.area
join asked p on greatest(s.since, b.since) < p.after and p.first_day < least(s.until, b.until)
group by b.organisation, a.organisation, p.period
"""


def _misused(option: str, message: str, fix: str) -> RosterMisused:
    return RosterMisused(Problem(Place(option, 0, 0), message, fix))
