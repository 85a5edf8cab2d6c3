"""Recorded: what a record says of its people, as the engines hold them: who was there in a year, and what they used.

The opposite of :mod:`accord.simulation.written`. People are those registered on a day, exactly, as the record stands:
who has opted out is not in it. Sex, deprivation fifth, morbidity (registers that the code lists of the library know)
and frailty are those of the day; where a record does not tell states, they are drawn from the built-in model.
"""

from __future__ import annotations

import csv
import datetime as dt
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accord.language.calendar import add_months
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.simulation import rounding
from accord.simulation.model import FOLDER
from accord.simulation.people import AGES, CELLS, FIFTHS, FRAILTY, SEXES, cell_of
from accord.simulation.results import GROUP_OF_AGE

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.record.engines import Engine, EngineKind
    from accord.record.record import Record

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]

NEEDED = {
    "people": "days of birth and sexes",
    "registrations": "who was registered where, and when",
    "residences": "where people lived",
    "areas": "deprivation fifths of small areas",
    "episodes": "stays in hospital",
}
"""Tables without which nothing can be calibrated, and what they tell."""

STREAM_TABLES = {
    "emergency": "episodes",
    "elective": "episodes",
    "attendances": "attendances",
    "outpatient": "outpatients",
    "consultations": "consultations",
    "community": "community_contacts",
    "mental_health": "mental_health_contacts",
}
"""The streams that a record can tell, and from which table."""

PAID = ("emergency", "elective")
"""Streams whose events have a cost of their own."""

OLDEST = 120
"""Who is older than this on a day has an impossible day of birth."""

ODD = 0.01
"""More impossible or unusable people than this share, and the record is refused."""

UNKNOWN = 0.10
"""More people than this share without sex or deprivation, and the record is refused."""

Step = Callable[[str], None]


def quiet(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Year:
    """Everybody who was registered in twelve months, one entry for each unbroken registration.

    Attributes:
        first: the first day; ``until``: the first day after the last.
        practices: codes; ``practice`` has the place of each entry's.
        person: pseudonyms; they stay in memory and are never written.
        months: age in months on the first day; negative for who is born later.
        cell: sex and fifth; ``state``: morbidity and frailty on the first day of the entry within the year.
        days: days there; ``here``: whether on the first day of the year.
        died: whether the person died; ``left``: whether they left otherwise before the year's end.
        events: by stream, ``[streams, entries]``, in the order of ``streams``.
        cost: pence of emergency and elective admissions that have a cost, ``[2, entries]``; ``costed``: how many have.
        squares: squares of these costs, in square pounds; ``nights``: days of emergency stays.
        told: which of morbidity and frailty the record tells.
    """

    first: dt.date
    until: dt.date
    practices: tuple[str, ...]
    streams: tuple[str, ...]
    practice: Whole
    person: Whole
    months: Whole
    cell: Whole
    state: Whole
    days: Whole
    here: NDArray[np.bool_]
    died: NDArray[np.bool_]
    left: NDArray[np.bool_]
    events: Whole
    cost: Whole
    costed: Whole
    squares: Numbers
    nights: Whole
    told: frozenset[str]
    notes: tuple[str, ...] = ()

    @property
    def length(self) -> int:
        """Days of the year."""
        return (self.until - self.first).days

    @property
    def age(self) -> Whole:
        """Ages in years at the beginning of the year, 0 to 100: the engines keep them for twelve months."""
        return np.clip(self.months // 12, 0, AGES - 1)

    @property
    def group(self) -> Whole:
        """The group of each entry: age group, then cell."""
        return GROUP_OF_AGE[self.age] * CELLS + self.cell

    @property
    def exposure(self) -> Numbers:
        """Person-months as the engines count them: the month of a death is counted whole."""
        return self.days / self.length * 12 + 0.5 * self.died


# -- which days --------------------------------------------------------------------------------------------------------


def whole_years(record: Record, until: dt.date | None = None, most: int = 5) -> list[tuple[dt.date, dt.date]]:
    """The years of twelve months that a record holds, oldest first: first day, and first day after the last.

    They end on ``until``; where none is given, with the last month that hospital activity reaches the end of. They
    begin no sooner than hospital activity does.

    Raises:
        DataRefused: a needed table is missing, or there is no whole year.
    """
    from accord.record.engines import open_engine
    from accord.record.portable import read_select

    _refuse_lacking(record)
    with open_engine(record) as engine:
        months = engine.rows(read_select(_MONTHS, "recorded.sql")).to_pylist()
    if not months:
        raise DataRefused(
            Problem(_at(record, "admissions"), "no stay in hospital stands in this record", "load admitted care")
        )
    months.sort(key=lambda row: row["month"])
    usual = sorted(row["stays"] for row in months)[len(months) // 2]
    # a stray stay is no activity, and a month without any interrupts what can be calibrated to
    active = [row for row in months if row["stays"] >= ACTIVE * usual]
    gaps = [n for n, (a, b) in enumerate(itertools.pairwise(active), 1) if add_months(a["month"], 1) != b["month"]]
    active = active[gaps[-1] if gaps else 0 :]
    first, last = active[0]["first"], active[-1]["last"]
    # a month counts as begun, and as ended, where activity comes within five days of its ends
    begin = first.replace(day=1) if first.day <= 5 else add_months(first.replace(day=1), 1)
    if until is None:
        after = add_months(last.replace(day=1), 1)
        until = after if (after - last).days <= 5 else last.replace(day=1)
    elif until > last + dt.timedelta(31):
        said = f"the last stay in hospital of this record began on {last}, so the year up to {until} is not whole"
        raise DataRefused(Problem(Place("--until", 0, 0), said, "name the first day after the last whole year"))
    found: list[tuple[dt.date, dt.date]] = []
    while len(found) < most and add_months(until, -12 * (len(found) + 1)) >= begin:
        found.append((add_months(until, -12 * (len(found) + 1)), add_months(until, -12 * len(found))))
    if not found:
        said = f"hospital activity goes from {first} to {last} unbroken: there is no whole year of it up to {until}"
        raise DataRefused(Problem(_at(record, "admissions"), said, "calibration needs a year, and a back-test two"))
    return found[::-1]


def _at(record: Record, table: str = "") -> Place:
    return Place(str(record.folder / table) if table else str(record.folder), 0, 0)


def _refuse_lacking(record: Record) -> None:
    problems = [
        Problem(_at(record), f"the record has no table {name}: {what} cannot be known", f"load {name} first")
        for name, what in NEEDED.items()
        if not record.files(name)
    ]
    if problems:
        raise DataRefused(problems)


def streams_of(record: Record) -> tuple[str, ...]:
    """The streams that a record tells."""
    return tuple(name for name, needed in STREAM_TABLES.items() if record.files(needed))


ACTIVE = 0.3
"""A month with fewer stays than this share of the usual number is no month of hospital activity."""

_MONTHS = """
select first_of_month(admitted) as month, count(*) as stays, min(admitted) as first, max(admitted) as last
from admissions
group by first_of_month(admitted)
"""

# -- selects -----------------------------------------------------------------------------------------------------------

_ENROLLED = """
select r.person, r.practice,
    greatest(r.since, p.first_day) as since,
    least(coalesce(r.until, add_days(p.last_day, 1)), add_days(p.last_day, 1)) as until
from registered r
join periods p on r.since <= p.last_day and coalesce(r.until, add_days(p.last_day, 1)) > p.first_day
"""

_WHO = """
with homes as (
    select s.person, s.since, a.deprivation,
        row_number() over (partition by s.person, s.since order by h.since, a.area) as nth
    from enrolled s
    join resident h on h.person = s.person and h.since < s.until and coalesce(h.until, s.until) > s.since
    join areas a on a.area = h.area
    where a.deprivation is not null
),
ill as (
    select s.person, s.since, count(distinct g.condition) as conditions, count(distinct b.belongs) as systems
    from enrolled s
    join registers g on g.person = s.person and g.since <= s.since and coalesce(g.until, s.until) > s.since
    join systems b on b.condition = g.condition
    group by s.person, s.since
),
entries as (
    select s.person, s.since, f.level,
        row_number() over (partition by s.person, s.since order by o.day desc, f.level desc) as from_last
    from enrolled s
    join observations o on o.person = s.person and o.day <= s.since
    join levels f on f.coding = o.coding and f.code = o.code
)
select
    s.person, s.practice, s.since, days_between(s.since, s.until) as days,
    case when s.since = w.first_day then 1 else 0 end as here,
    case when s.until <= w.last_day and (d.day is null or d.day >= s.until) then 1 else 0 end as left_early,
    case when d.day >= s.since and d.day < s.until then 1 else 0 end as died,
    p.born, p.sex, h.deprivation, coalesce(i.conditions, 0) as conditions, coalesce(i.systems, 0) as systems,
    coalesce(e.level, 0) as level
from enrolled s
join periods w on s.since <= w.last_day
left join people p on p.person = s.person
left join deaths d on d.person = s.person
left join homes h on h.person = s.person and h.since = s.since and h.nth = 1
left join ill i on i.person = s.person and i.since = s.since
left join entries e on e.person = s.person and e.since = s.since and e.from_last = 1
"""

_STAYED = """
with stays as (
    select s.person, s.since, a.cost, quotient(coalesce(a.cost, 0), 100) as pounds,
        coalesce(days_between(a.admitted, a.discharged), 0) as nights,
        case
            when starts_with(a.admission_method, '2') then 'emergency'
            when starts_with(a.admission_method, '1') and coalesce(a.patient_class, '1') not in ('3', '4')
                then 'elective'
            else 'neither'
        end as kind
    from enrolled s
    join admissions a on a.person = s.person and a.admitted >= s.since and a.admitted < s.until
)
select person, since,
    sum(case when kind = 'emergency' then 1 else 0 end) as emergency,
    sum(case when kind = 'elective' then 1 else 0 end) as elective,
    sum(case when kind = 'emergency' then coalesce(cost, 0) else 0 end) as emergency_cost,
    sum(case when kind = 'elective' then coalesce(cost, 0) else 0 end) as elective_cost,
    sum(case when kind = 'emergency' and cost is not null then 1 else 0 end) as emergency_costed,
    sum(case when kind = 'elective' and cost is not null then 1 else 0 end) as elective_costed,
    sum(case when kind = 'emergency' then pounds * pounds else 0 end) as emergency_squares,
    sum(case when kind = 'elective' then pounds * pounds else 0 end) as elective_squares,
    sum(case when kind = 'emergency' then nights else 0 end) as nights
from stays
group by person, since
"""

_CONTACTS = """
select s.person, s.since, count(*) as events
from enrolled s
join {table} e on e.person = s.person and e.day >= s.since and e.day < s.until
{where}
group by s.person, s.since
"""

_WHERE = {
    "outpatients": "where e.attended = 'attended'",
    "community_contacts": "where coalesce(e.attended, 'attended') = 'attended'",
    "mental_health_contacts": "where coalesce(e.attended, 'attended') = 'attended'",
}
"""What took place."""

_KNOWN: Mapping[str, Sequence[str]] = {
    "enrolled": ("person", "practice", "since", "until"),
    "registers": ("person", "condition", "since", "until"),
    "systems": ("condition", "belongs"),
    "levels": ("coding", "code", "level"),
}


@cache
def _states() -> tuple[dict[str, str], dict[str, str]]:
    """Body systems by condition, and levels of frailty by code (``model/states.csv``)."""
    systems: dict[str, str] = {}
    levels: dict[str, str] = {}
    with (FOLDER / "states.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["what"] == "condition":
                systems[row["name"]] = row["belongs"]
            else:
                levels[row["code"]] = row["belongs"]
    return systems, levels


# -- reading -----------------------------------------------------------------------------------------------------------


def years(
    record: Record,
    spans: Sequence[tuple[dt.date, dt.date]],
    *,
    engine: EngineKind = "duckdb",
    on_step: Step = quiet,
) -> list[Year]:
    """What a record says of some years of twelve months.

    Raises:
        DataRefused: a needed table is missing, or nobody is registered; or too many people have an impossible day of
            birth, no known sex, or no known deprivation.
    """
    from accord.record.engines import open_engine

    _refuse_lacking(record)
    with open_engine(record, engine) as opened:
        on_step("conditions and frailty")
        told = _prepare(record, opened)
        found: list[Year] = []
        for first, until in spans:
            on_step(f"people from {first}")
            found.append(_year(record, opened, first, until, told))
    return found


def _prepare(record: Record, engine: Engine) -> frozenset[str]:
    """Bind what states are made from; which of them the record tells."""
    from accord.measures import matching
    from accord.measures.measure import find
    from accord.record import column
    from accord.record.portable import read_select

    def occurring(table: str) -> list[tuple[str, str]]:
        text = f"select distinct coding, code from {table}"
        return [(row["coding"], row["code"]) for row in engine.rows(read_select(text, "recorded.sql")).to_pylist()]

    found = occurring("conditions")
    registers = find("disease-registers")
    for name, codes in registers.lists.items():
        engine.bind(name, column.table(matching.meant(codes, found)))
    for part in registers.parts:
        engine.make(part.name, part.select)
    systems, levels = _states()
    rows = sorted(systems.items())
    engine.bind(
        "systems",
        column.table({"condition": ("text", [a for a, _ in rows]), "belongs": ("text", [b for _, b in rows])}),
    )
    frailty = find("diabetes-glucose-control").lists["frailty"]
    meant = matching.meant(frailty, occurring("observations"))
    columns = {name: list(values) for name, (_, values) in meant.items()}
    level = [
        FRAILTY.index(levels.get(str(code), "moderate" if condition == "frailty" else "fit"))
        for code, condition in zip(columns["code"], columns["condition"], strict=True)
    ]
    engine.bind(
        "levels",
        column.table(
            {"coding": ("text", columns["coding"]), "code": ("text", columns["code"]), "level": ("whole", level)}
        ),
    )
    there = (
        ("morbidity", "select count(*) as rows from registers r join systems b on b.condition = r.condition"),
        (
            "frailty",
            "select count(*) as rows from observations o join levels f on f.coding = o.coding and f.code = o.code",
        ),
    )
    return frozenset(
        name for name, text in there if engine.rows(read_select(text, "recorded.sql", _KNOWN)).to_pylist()[0]["rows"]
    )


@dataclass(frozen=True, slots=True)
class _Used:
    """What entries used, as in :class:`Year`."""

    events: Whole
    cost: Whole
    costed: Whole
    squares: Numbers
    nights: Whole


def _year(record: Record, engine: Engine, first: dt.date, until: dt.date, told: frozenset[str]) -> Year:
    from accord.record import column
    from accord.record.portable import read_select

    last = until - dt.timedelta(1)
    days = {"first_day": ("day", [first]), "last_day": ("day", [last])}
    engine.bind("periods", column.table({"period": ("text", [str(first)]), **days}))  # type: ignore[dict-item]
    engine.make("enrolled", read_select(_ENROLLED, "recorded.sql"))
    who = engine.rows(read_select(_WHO, "recorded.sql", _KNOWN))
    if not who.num_rows:
        raise DataRefused(
            Problem(_at(record, "registrations"), f"nobody is registered from {first} to {last}", "check the days")
        )
    who = who.sort_by([("person", "ascending"), ("since", "ascending")])
    used = _used(engine, who, streams_of(record))
    return _checked(record, who, used, first, until, told)


def _days(values: pa.ChunkedArray) -> Whole:
    """Days since 1970."""
    return values.cast("int32").to_numpy().astype(np.int64)


def _used(engine: Engine, who: pa.Table, streams: tuple[str, ...]) -> _Used:
    """What each entry used; ``who`` is in order of person and first day."""
    from accord.record.portable import read_select

    person, since = who.column("person").to_numpy(), _days(who.column("since"))

    def at(rows: pa.Table) -> Whole:
        """The places of rows by person and first day."""
        theirs, when = rows.column("person").to_numpy(), _days(rows.column("since"))
        place = np.searchsorted(person, theirs, side="left")
        # of a person's registrations, few in a year, the one that began on that day
        while (behind := since[place] < when).any():
            place = place + behind
        return place

    count = len(person)
    used = _Used(
        np.zeros((len(streams), count), np.int64),
        np.zeros((2, count), np.int64),
        np.zeros((2, count), np.int64),
        np.zeros((2, count)),
        np.zeros(count, np.int64),
    )
    stayed = engine.rows(read_select(_STAYED, "recorded.sql", _KNOWN))
    place = at(stayed)
    for number, name in enumerate(PAID):
        used.events[streams.index(name), place] = stayed.column(name).to_numpy()
        used.cost[number, place] = stayed.column(f"{name}_cost").to_numpy()
        used.costed[number, place] = stayed.column(f"{name}_costed").to_numpy()
        used.squares[number, place] = stayed.column(f"{name}_squares").to_numpy()
    used.nights[place] = stayed.column("nights").to_numpy()
    for number, name in enumerate(streams):
        if name in PAID:
            continue
        table = STREAM_TABLES[name]
        text = _CONTACTS.format(table=table, where=_WHERE.get(table, ""))
        rows = engine.rows(read_select(text, "recorded.sql", _KNOWN))
        used.events[number, at(rows)] = rows.column("events").to_numpy()
    return used


def _checked(record: Record, who: pa.Table, used: _Used, first: dt.date, until: dt.date, told: frozenset[str]) -> Year:
    """A year without those whom the engines cannot hold; how many were left out is said, and too many are refused."""
    person, since = who.column("person").to_numpy().astype(np.int64), _days(who.column("since"))

    def whole(name: str) -> Whole:
        return who.column(name).to_numpy().astype(np.int64)

    born = _days(who.column("born").fill_null(dt.date(1800, 1, 1)))
    sexes = np.array([SEXES.index(one) if one in SEXES else -1 for one in who.column("sex").to_pylist()])
    fifth = who.column("deprivation").fill_null(0).to_numpy().astype(np.int64)
    encoded = who.column("practice").dictionary_encode().combine_chunks()
    names = encoded.dictionary.to_pylist()
    practice = encoded.indices.to_numpy().astype(np.int64)
    months = _months_between(born, (first - dt.date(1970, 1, 1)).days)
    people = len(np.unique(person))
    place = _at(record, "people")
    problems: list[Problem] = []
    notes: list[str] = []
    impossible = (born > since) | (months > 12 * OLDEST) | (born <= _DAY_1800)

    def left(count: int) -> str:
        # a note goes into the calibration, which leaves the place
        return f"{rounding.said(count)} of the {rounding.said(people)} people registered from {first}"

    odd = len(np.unique(person[impossible]))
    said = f"{odd:,} of the {people:,} people registered from {first} have no possible day of birth"
    if odd > ODD * people:
        fix = f"born after being registered, older than {OLDEST}, or not in the table people: check their source"
        problems.append(Problem(place, said, fix))
    elif odd:
        notes.append(f"{left(odd)} have no possible day of birth: they are left out")
    unclear = ~impossible & (sexes < 0)
    count = len(np.unique(person[unclear]))
    said = f"{count:,} of the {people:,} people registered from {first} are recorded as neither female nor male"
    if count > UNKNOWN * people:
        problems.append(Problem(place, said, "rates are known by these two: check how sex was mapped"))
    elif count:
        which = "are recorded as neither female nor male: they are left out, since rates are known by these two"
        notes.append(f"{left(count)} {which}")
    kept = ~impossible & ~unclear
    nowhere = kept & (fifth == 0)
    count = len(np.unique(person[nowhere]))
    said = f"{count:,} of the {people:,} people registered from {first} live in no area with a deprivation fifth"
    if count > UNKNOWN * people:
        problems.append(Problem(_at(record, "residences"), said, "load residences, and areas with their fifths"))
    elif count:
        which = "live in no area with a deprivation fifth: they are taken to have the commonest of their practice"
        notes.append(f"{left(count)} {which}")
        counted = np.zeros((len(names), FIFTHS), np.int64)
        np.add.at(counted, (practice[kept & (fifth > 0)], fifth[kept & (fifth > 0)] - 1), 1)
        fifth = np.where(nowhere, counted.argmax(axis=1)[practice] + 1, fifth)
    if problems:
        raise DataRefused(problems)
    conditions, systems = whole("conditions"), whole("systems")
    morbidity = np.minimum(conditions, 2) + ((conditions >= 3) & (systems >= 3))
    state = morbidity * len(FRAILTY) + whole("level")
    listed = sorted({names[one] for one in np.unique(practice[kept]).tolist()})
    number = np.array([listed.index(name) if name in listed else -1 for name in names])
    order = np.flatnonzero(kept)
    order = order[np.lexsort((person[order], number[practice[order]]))]
    return Year(
        first=first,
        until=until,
        practices=tuple(listed),
        streams=streams_of(record),
        practice=number[practice[order]],
        person=person[order],
        months=months[order],
        cell=cell_of(0, 1) + FIFTHS * sexes[order] + fifth[order] - 1,
        state=state[order],
        days=whole("days")[order],
        here=whole("here")[order].astype(bool),
        died=whole("died")[order].astype(bool),
        left=whole("left_early")[order].astype(bool),
        events=used.events[:, order],
        cost=used.cost[:, order],
        costed=used.costed[:, order],
        squares=used.squares[:, order],
        nights=used.nights[order],
        told=told,
        notes=tuple(notes),
    )


_DAY_1800 = (dt.date(1800, 1, 1) - dt.date(1970, 1, 1)).days


def _months_between(born: Whole, begin: int) -> Whole:
    """Full months from birth to a day (days since 1970); for who is born later, negative full months until birth."""

    def parts(days: Whole) -> tuple[Whole, Whole]:
        when = days.astype("datetime64[D]")
        month = when.astype("datetime64[M]")
        return month.astype(np.int64), (when - month).astype(np.int64)

    month, day = parts(born)
    on, nth = parts(np.array([begin]))
    full = on - month - (day > nth)
    # born in the first month of the year is here from its start, as the engines have it
    return np.where(born > begin, np.minimum(full + (day > nth), 0), full)
