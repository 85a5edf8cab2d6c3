"""Where a formula is read: the keys of its rows, what is certain there, and how types of alternatives meet."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from accord.language.contract import Key
from accord.language.facts import NOTHING, Facts
from accord.language.formula import FormulaRefused
from accord.language.place import Place
from accord.language.types import Type

THROUGH_PRIOR = "prior()"
"""Stands in the stack of quantities being typed where the step to the next one goes through prior()."""


class Broken(Exception):
    """The formula uses something whose definition has a problem already: nothing more is said."""


@dataclass(frozen=True, slots=True)
class At:
    """Where a formula is read: the keys of its rows, the roles in force, what is certain, and whose formula it is."""

    keys: tuple[str, ...]
    through: tuple[str, ...] = ()
    facts: Facts = NOTHING
    stack: tuple[str, ...] = ()
    since: dt.date | None = None
    before: dt.date | None = None
    """The days on which this version of the formula is in force."""
    whole: bool = False
    """Whether this is the whole formula of a quantity (where allocate may stand)."""
    gathering: bool = False

    def knowing(self, facts: Facts) -> At:
        """The same place, where more is certain."""
        return replace(self, facts=self.facts | facts, whole=False)

    @property
    def inside(self) -> At:
        """The same place, no longer the whole formula."""
        return replace(self, whole=False) if self.whole else self


def each(keys: tuple[str, ...] | frozenset[str]) -> str:
    """Keys as a message writes them."""
    ordered = keys if isinstance(keys, tuple) else tuple(sorted(keys))
    return f"[{', '.join(ordered)}]" if ordered else "the contract as a whole"


ANTICIPATED = {
    "round": "a rounding has a line of its own: {is: …, round: 0.01 GBP half_up}",
    "if": "case when … then … else … end",
    "iif": "case when … then … else … end",
    "avg": "an average is a quotient of two sums: sum(x) / count(…)",
    "nullif": "case when x > 0 then … else … end says what happens at 0",
    "ifnull": "coalesce(…, …)",
    "isnull": "… is null",
    "trailing_sum": "trailing_avg(x, n) times n",
    "end": "last_day(period)",
    "today": "a contract has no clock: read a date from an input",
    "now": "a contract has no clock: read a date from an input",
    "random": "a contract has no chance in it",
}

DIFFERENT = object()


def same_unit(one: Type, other: Type) -> object:
    """The unit two types share, :data:`DIFFERENT` if there is none; 0 (no unit) fits any."""
    if one.unit is None or other.unit is None or one.unit == other.unit:
        return one.unit
    return DIFFERENT


def comparable(one: Type, other: Type) -> str:
    """What a value made of two may be compared with: the stricter of the two."""
    return one.comparable if one.comparable != "all" else other.comparable


def unify(one: Type, other: Type, place: Place, what: str) -> Type:
    """The type of a value that is one or the other; raises :class:`FormulaRefused` if nothing can be both."""
    kinds = tuple("text" if kind == "key" else kind for kind in (one.kind, other.kind))
    if kinds[0] != kinds[1] or (one.kind == other.kind == "key" and one.key != other.key):
        raise FormulaRefused(place, f"{what} are of different kinds: {one} and {other}")
    missing = one.missing or other.missing
    if one.kind == "number":
        if same_unit(one, other) is DIFFERENT:
            raise FormulaRefused(place, f"{what} are in different units: {one.unit} and {other.unit}")
        unit = one.unit if one.unit is not None else other.unit
        exact, positive = one.exact and other.exact, one.positive and other.positive
        return Type("number", unit, exact, missing, positive, comparable=comparable(one, other))
    if one.options is not None and other.options is not None:
        options = tuple(dict.fromkeys(one.options + other.options))
        return replace(one, missing=missing, options=options)
    kind = one if one.kind == "key" or other.kind != "key" else other
    return replace(kind, missing=missing, options=None)


def length(key: Key) -> int:
    """Days of the shortest item of a period: tells a month from a year."""
    return min(((item.last - item.first).days for item in key.items), default=0)


def whole_months(first: dt.date, last: dt.date) -> bool:
    """Whether a period is a whole number of months."""
    return (last + dt.timedelta(days=1)).day == first.day
