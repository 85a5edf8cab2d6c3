"""Who pays: the board or council that owes for what happened to a person.

The board of the practice where a person is registered pays, wherever the person lives or is treated. A stay in hospital
is paid whole by the board on the day of admission, also when the person changes practice before discharge. Without a
practice the board of residence pays; social care is paid by the council of residence. The rules are data
(``paying.yaml``), each with its authority and status.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.place import Place
from accord.language.problem import Problem
from accord.language.shape import NAME, STATUS, TITLE, Field, ListOf, Record, Word, conform
from accord.language.text import Tree, decode, fields_of, items_of, read_tree, text_of
from accord.record.portable import read_select
from accord.record.roster import SPANS, RosterMisused, bind_belonging, population
from accord.record.subset import Kind

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.record.engines import Engine

FILE = Path(__file__).parent / "paying.yaml"
"""The rules there are."""

NOBODY = "nobody known"
"""The rule under which nobody is known who pays."""

_PAYERS = ("board of practice", "board of residence", "council of residence")


@dataclass(frozen=True, slots=True)
class Rule:
    """Who pays for one kind of service: on which of its days, looking at whom, in order."""

    service: str
    on: str
    payer: tuple[str, ...]
    authority: str
    address: str
    status: str
    note: str


@dataclass(frozen=True, slots=True)
class Paid:
    """What one payer pays for one kind of service by one rule: events, days in hospital, and pence where costs are
    known. ``unpriced`` events have no cost in the record.
    """

    service: str
    payer: str | None
    rule: str
    events: int
    days: int
    cost: int
    unpriced: int

    def as_json(self) -> dict[str, Any]:
        """It as plain data."""
        return {name: getattr(self, name) for name in self.__slots__}


EVENTS: Mapping[str, Kind] = {
    "service": "text",
    "event": "whole",
    "person": "whole",
    "day": "day",
    "days": "whole",
    "cost": "whole",
    "payer": "text",
    "rule": "text",
}
"""The columns of ``paid``: one row an event."""


def payers(engine: Engine, first: dt.date, until: dt.date) -> tuple[Paid, ...]:
    """Who pays for what happened from ``first`` to the day before ``until`` (a stay: that began then).

    Makes the table ``paid`` (:data:`EVENTS`) in the engine, for those inside the boundary who look at single events.

    Raises:
        RosterMisused: there is no day.
        DataRefused: somebody is in two places on one day, or organisations contradict each other.
    """
    if until <= first:
        problem = Problem(
            Place("--until", 0, 0), f"there is no day from {first} until {until}", "until is the day after"
        )
        raise RosterMisused(problem)
    for who in ("registered", "resident"):
        population(engine, who)
    bind_belonging(engine, "registered", "board", "of_practice")
    known: dict[str, Mapping[str, Kind]] = {
        "people_registered": SPANS,
        "people_resident": SPANS,
        "of_practice": {**SPANS, "organisation": "text"},
    }
    happened = " union all ".join(_happened(rule, first, until) for rule in rules())
    engine.make("happened", read_select(happened, "paying.sql", known))
    known["happened"] = {name: EVENTS[name] for name in ("service", "event", "person", "day", "days", "cost")}
    engine.make("paid", read_select(_paid(rules()), "paying.sql", known))
    rows = engine.rows(read_select(_SUMS, "paying.sql", {"paid": EVENTS})).to_pylist()
    order = [rule.service for rule in rules()]
    made = [Paid(**row) for row in rows]
    return tuple(
        sorted(made, key=lambda paid: (order.index(paid.service), paid.payer is None, paid.payer or "", paid.rule))
    )


def paid_events(engine: Engine) -> pa.Table:
    """Every event with who pays for it, after :func:`payers`: inside the boundary only."""
    text = f"select {', '.join(EVENTS)} from paid order by service, event"
    return engine.rows(read_select(text, "paying.sql", {"paid": EVENTS}))


_DAYS = {
    # nights, as a stay is counted; a stay that goes on has none yet
    "admissions": "days_between(admitted, discharged)",
    "social_care": "days_between(since, until)",
}


def _happened(rule: Rule, first: dt.date, until: dt.date) -> str:
    event = "admission" if rule.service == "admissions" else "row"
    took_place = " and attended = 'attended'" if rule.service in _ATTENDED else ""
    return f"""select '{rule.service}' as service, {event} as event, person, {rule.on} as day,
        {_DAYS.get(rule.service, "0")} as days, cost
      from {rule.service} where {rule.on} >= date '{first}' and {rule.on} < date '{until}'{took_place}"""


_ATTENDED = ("outpatients", "community_contacts", "mental_health_contacts")


def _paid(known: Sequence[Rule]) -> str:
    """For each event the first payer of its rule that is known; who is registered is never paid for by residence."""

    def whens(payer: str, condition: str, value: str) -> list[str]:
        services = ", ".join(f"'{rule.service}'" for rule in known if payer in rule.payer)
        return [f"when h.service in ({services}) and {condition} then {value}"] if services else []

    def chosen(value: Mapping[str, str]) -> str:
        cases = (
            *whens(
                "board of practice", "r.person is not null and b.organisation is not null", value["board of practice"]
            ),
            *whens("board of residence", "r.person is null and a.board is not null", value["board of residence"]),
            *whens("council of residence", "a.council is not null", value["council of residence"]),
        )
        return f"case {' '.join(cases)} else {value[NOBODY]} end"

    payer = chosen(dict(zip((*_PAYERS, NOBODY), ("b.organisation", "a.board", "a.council", "null"), strict=True)))
    rule = chosen({name: f"'{name}'" for name in (*_PAYERS, NOBODY)})
    return f"""select h.service, h.event, h.person, h.day, coalesce(h.days, 0) as days, h.cost,
          {payer} as payer, {rule} as rule
        from happened h
        left join people_registered r on r.person = h.person and r.since <= h.day and h.day < r.until
        left join of_practice b on b.unit = r.unit and b.since <= h.day and h.day < b.until
        left join people_resident l on l.person = h.person and l.since <= h.day and h.day < l.until
        left join areas a on a.area = l.unit"""


_SUMS = """
select service, payer, rule, count(*) as events, sum(days) as days, coalesce(sum(cost), 0) as cost,
  sum(case when cost is null then 1 else 0 end) as unpriced
from paid
group by service, payer, rule
"""

_RULE = Record(
    "a rule",
    (
        Field("service", NAME, "the table that it is about", True),
        Field("on", NAME, "the day that decides", True),
        Field("payer", ListOf("payers", Word("a payer", "|".join(_PAYERS))), "who pays, the first that is known", True),
        Field("authority", TITLE, "where it comes from", True),
        Field("address", TITLE, "where that can be read", True),
        Field("status", STATUS, "whether it was verified", True),
        Field("note", TITLE, "what to know about it", True),
    ),
)
RULES = Record("rules on who pays", (Field("rules", ListOf("rules", _RULE), "the rules", True),))
"""The shape of the file."""


@cache
def rules() -> tuple[Rule, ...]:
    """The rules on who pays, one for each kind of service."""
    tree = read_tree(decode(FILE.read_bytes(), FILE.name))
    problems = conform(tree, RULES)
    if problems:
        raise AssertionError(f"a file of Accord's own is wrong: {[str(problem) for problem in problems]}")
    return tuple(_rule(fields_of(each)) for each in items_of(fields_of(tree)["rules"]))


def _rule(fields: Mapping[str, Tree]) -> Rule:
    texts = {name: text_of(fields[name]) for name in ("service", "on", "authority", "address", "status", "note")}
    return Rule(payer=tuple(text_of(each) for each in items_of(fields["payer"])), **texts)
