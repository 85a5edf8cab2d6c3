"""Attribution: to which organisation claims say that a person belongs, where nobody registers.

Plurality in steps: the organisation with the most of a person's services of the first step; people without any in the
first step are looked at in the next. Every candidate is kept, with its rank and why it lost, so that an organisation
can be shown why a person is not on its list. Methods are data (``attribution.yaml``), with authority and status.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from accord.language.place import Place
from accord.language.problem import Problem, nearest
from accord.language.shape import NAME, STATUS, TITLE, Choice, Field, ListOf, MapOf, Record, Status, Word, conform
from accord.language.text import Tree, decode, fields_of, items_of, read_tree, text_of
from accord.record.belonging import as_table, belonging
from accord.record.portable import Select, read_select
from accord.record.roster import RosterMisused, organisations
from accord.record.subset import Kind

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.record.engines import Engine

FILE = Path(__file__).parent / "attribution.yaml"
"""The methods there are."""

Services = Literal["consultations", "outpatients"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a method: which services count. ``roles`` are of consultations; none means all."""

    title: str
    services: Services
    roles: tuple[str, ...]
    status: Status
    note: str


@dataclass(frozen=True, slots=True)
class Method:
    """A way to attribute. ``weigh`` says whether charges or the number of services decide; ties go to the organisation
    with the latest service, then to the code that comes first.
    """

    name: str
    title: str
    authority: str
    status: Status
    note: str
    weigh: Literal["charges", "services"]
    steps: tuple[Step, ...]
    ties: str


CANDIDATES: Mapping[str, Kind] = {
    "person": "whole",
    "organisation": "text",
    "step": "whole",
    "charges": "whole",
    "services": "whole",
    "latest": "day",
    "rank": "whole",
    "attributed": "whole",
    "why": "text",
}
"""The columns of ``candidates``: one row for each person, organisation and step. ``charges`` are in the smallest unit
of the currency, ``rank`` is within the person and step, ``attributed`` is 1 for the one that has the person, ``why``
says why the others have not."""


def attribute(
    engine: Engine, first: dt.date, until: dt.date, *, method: str = "mssp", level: str = "network", back: int = 0
) -> Method:
    """Attribute people by their services from ``first`` to the day before ``until``.

    Makes two tables in the engine: ``candidates`` (:data:`CANDIDATES`) and ``attributed`` (person, organisation, since,
    until: the window, at the latest the day after death), which :func:`accord.record.roster.roster` counts.

    Args:
        engine: an engine over the record.
        first: the first day of the window that people are attributed for.
        until: the first day after it.
        method: a method of ``attribution.yaml``.
        level: the kind of organisation that people are attributed to; who gives services and belongs to none on the
            day is a candidate in its own name.
        back: so many months before the window are looked at instead of the window itself.

    Raises:
        RosterMisused: there is no such method.
        DataRefused: organisations contradict each other.
    """
    from accord.language.calendar import add_months

    if method not in methods():
        fix = nearest(method, methods()) or f"there are {', '.join(methods())}"
        raise RosterMisused(Problem(Place("--method", 0, 0), f"there is no method {method}", fix))
    chosen = methods()[method]
    looked = (add_months(first, -back), first) if back else (first, until)
    made: dict[str, Mapping[str, Kind]] = {}

    def make(name: str, text: str) -> None:
        select: Select = read_select(text, "attribution.sql", made)
        engine.make(name, select)
        made[name] = select.kinds

    make("services", " union all ".join(_services(number, step, looked) for number, step in enumerate(chosen.steps, 1)))
    units = engine.rows(read_select("select distinct provider from services", "attribution.sql", made))
    spans = belonging(organisations(engine), units.column("provider").to_pylist(), level)
    engine.bind("of_provider", as_table(spans))
    made["of_provider"] = {"unit": "text", "organisation": "text", "since": "day", "until": "day"}
    make(
        "candidates",
        _CANDIDATES.format(weight=chosen.weigh, other="services" if chosen.weigh == "charges" else "charges"),
    )
    make("attributed", _ATTRIBUTED.format(first=first, until=until))
    return chosen


def candidates(engine: Engine, person: int | None = None) -> pa.Table:
    """Every candidate of everybody (or of one person) after :func:`attribute`: for audit, inside the boundary only."""
    which = "" if person is None else f" where person = {int(person)}"
    text = f"select {', '.join(CANDIDATES)} from candidates{which} order by person, step, rank"
    return engine.rows(read_select(text, "attribution.sql", {"candidates": CANDIDATES}))


def _services(number: int, step: Step, looked: tuple[dt.date, dt.date]) -> str:
    days = f"day >= date '{looked[0]}' and day < date '{looked[1]}'"
    if step.services == "consultations":
        roles = f" and role in ({', '.join(_quoted(role) for role in step.roles)})" if step.roles else ""
        return f"""select person, practice as provider, day, coalesce(cost, 0) as cost, {number} as step
            from consultations where practice is not null and {days}{roles}"""
    return f"""select person, provider, day, coalesce(cost, 0) as cost, {number} as step
        from outpatients where provider is not null and attended = 'attended' and {days}"""


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "''") + "'"


_CANDIDATES = """
with given as (
  select s.person, coalesce(b.organisation, s.provider) as organisation, s.step, sum(s.cost) as charges,
    count(*) as services, max(s.day) as latest
  from services s
  join of_provider b on b.unit = s.provider and b.since <= s.day and s.day < b.until
  group by s.person, coalesce(b.organisation, s.provider), s.step
),
ranked as (
  select person, organisation, step, charges, services, latest,
    row_number() over (partition by person, step order by {weight} desc, latest desc, organisation) as rank,
    max({weight}) over (partition by person, step) as most,
    min(step) over (partition by person) as decides
  from given
),
leading as (
  select person, step, latest from ranked where rank = 1
)
select r.person, r.organisation, r.step, r.charges, r.services, r.latest, r.rank,
  case when r.step = r.decides and r.rank = 1 then 1 else 0 end as attributed,
  case
    when r.step > r.decides then 'an earlier step decides'
    when r.rank = 1 then null
    when r.{weight} < r.most then 'fewer {weight}'
    when r.latest < l.latest then 'as many {weight}, and an earlier latest service'
    else 'a tie in {weight} and latest service'
  end as why
from ranked r
join leading l on l.person = r.person and l.step = r.step
"""

_ATTRIBUTED = """
with died as (select person, min(day) as day from deaths group by person)
select c.person, c.organisation, date '{first}' as since, least(date '{until}', add_days(d.day, 1)) as until
from candidates c
left join died d on d.person = c.person
where c.attributed = 1 and (d.day is null or d.day >= date '{first}')
"""

_STEP = Record(
    "a step",
    (
        Field("title", TITLE, "its title", True),
        Field("services", Choice(("consultations", "outpatients")), "which services count", True),
        Field("roles", ListOf("roles", NAME), "whose consultations count"),
        Field("status", STATUS, "whether it was verified", True),
        Field("note", TITLE, "what to know about it", True),
    ),
)
_TIES = Record(
    "ties",
    (
        Field("by", Word("what decides", "latest service"), "what decides", True),
        Field("status", STATUS, "whether it was verified", True),
        Field("note", TITLE, "what to know about it", True),
    ),
)
_METHOD = Record(
    "a method",
    (
        Field("title", TITLE, "its title", True),
        Field("authority", TITLE, "where it comes from", True),
        Field("status", STATUS, "whether it was verified", True),
        Field("note", TITLE, "what to know about it", True),
        Field("weigh", Choice(("charges", "services")), "what decides", True),
        Field("steps", ListOf("steps", _STEP), "its steps, in order", True),
        Field("ties", _TIES, "what decides between equals", True),
    ),
)
METHODS = Record("methods of attribution", (Field("methods", MapOf("methods", NAME, _METHOD), "the methods", True),))
"""The shape of the file."""


@cache
def methods() -> Mapping[str, Method]:
    """The methods of attribution, by name."""
    tree = read_tree(decode(FILE.read_bytes(), FILE.name))
    problems = conform(tree, METHODS)
    if problems:
        raise AssertionError(f"a file of Accord's own is wrong: {[str(problem) for problem in problems]}")
    found = fields_of(fields_of(tree)["methods"])
    return {name: _method(name, fields_of(each)) for name, each in found.items()}


def _method(name: str, fields: Mapping[str, Tree]) -> Method:
    ties = fields_of(fields["ties"])
    return Method(
        name,
        text_of(fields["title"]),
        text_of(fields["authority"]),
        text_of(fields["status"]),  # type: ignore[arg-type]  # the shape allows these words only
        text_of(fields["note"]),
        text_of(fields["weigh"]),  # type: ignore[arg-type]
        tuple(_step(fields_of(each)) for each in items_of(fields["steps"])),
        f"{text_of(ties['by'])} ({text_of(ties['status'])}: {text_of(ties['note'])})",
    )


def _step(fields: Mapping[str, Tree]) -> Step:
    return Step(
        text_of(fields["title"]),
        text_of(fields["services"]),  # type: ignore[arg-type]
        tuple(text_of(each) for each in items_of(fields.get("roles"))),
        text_of(fields["status"]),  # type: ignore[arg-type]
        text_of(fields["note"]),
    )
