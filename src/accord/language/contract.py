"""A checked contract: frozen, typed, every formula resolved. What the engines run and what is signed.

Nothing here reads a file, touches data or knows an engine. :func:`accord.language.check` makes these values; nobody
else constructs a :class:`Contract`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from accord.language.meaning import Node, RowSet
from accord.language.place import Place
from accord.language.problem import Problem
from accord.language.rounding import Rounding
from accord.language.types import Type
from accord.language.unit import Unit, WrittenUnit

Status = Literal["verified", "unverified", "derived", "indicative", "assumed"]
AsAt = Literal["start", "end", "days"]
Value = Fraction | bool | str | dt.date
"""A parameter's value; percent already divided by 100. Periods are held by the ISO date of their first day (str)."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a figure comes from: authority, what is known of it, and when it should be looked at again."""

    authority: str
    status: Status = "unverified"
    note: str = ""
    review_by: dt.date | None = None


@dataclass(frozen=True, slots=True)
class PeriodItem:
    """One period of a key: ``label`` is its first day in ISO form, as data writes it; ``name`` its usual name."""

    label: str
    first: dt.date
    last: dt.date
    name: str


@dataclass(frozen=True, slots=True)
class Key:
    """What a row is about. A period is a key with dates: ``items`` in order, ``within`` the period it nests in."""

    name: str
    place: Place
    items: tuple[PeriodItem, ...] = ()
    within: str | None = None
    title: str = ""

    @property
    def is_period(self) -> bool:
        """Whether this key is a period (a term without periods of it still has none)."""
        return bool(self.items)


@dataclass(frozen=True, slots=True)
class Column:
    """A column of an input or table. ``written`` says whether its numbers are written times 100 (percent)."""

    name: str
    table: str
    type: Type
    place: Place
    written: WrittenUnit | None = None
    minimum: Fraction | None = None
    """Smallest allowed value, in plain (not percent) terms."""
    places: int | None = None
    """Most decimal places a value may be written with; None: any, but see the rule for floats in the engine."""
    comparable: str = "all"
    """``all``, or the only thing the measure's card permits this column to be compared with."""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """An input (data from outside) or a table of the contract itself (``rows`` are then its own)."""

    name: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    optional: bool
    own: bool
    """True: part of the contract (``tables:``); False: an input."""
    place: Place
    rows: tuple[tuple[Value | None, ...], ...] | None = None
    """The rows of an own table: values in the order of keys then columns; keys as str."""
    source: Source | None = None
    measure: str | None = None
    """``name@version`` of the measure that fills this input."""
    note: str = ""

    def column(self, name: str) -> Column:
        """The column of that name; KeyError if there is none."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


ScaleKind = Literal["step", "linear", "marginal"]


@dataclass(frozen=True, slots=True)
class ScalePoints:
    """The points ``(x, y)`` of a scale, in plain terms. step: from x; linear: at x; marginal: up to x (None: above)."""

    points: tuple[tuple[Fraction | None, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """What makes a parameter a function: its kind, the unit of its argument, and what holds outside its points."""

    kind: ScaleKind
    of: WrittenUnit
    below_holds: bool = False
    above_holds: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One dated value of a parameter. ``values`` maps the members of ``by`` (an empty tuple without by) to a value."""

    since: dt.date
    values: Mapping[tuple[str, ...], Value | ScalePoints]
    source: Source
    place: Place
    known_from: dt.date | None = None
    """None: known since the contract was signed."""
    until: dt.date | None = None
    """The last day it may be read; None: it holds until the next entry."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A figure of the contract: dated, with its source; one value, one for each member of ``by``, or a scale."""

    name: str
    type: Type
    """For a scale, the type of its result."""
    entries: tuple[Entry, ...]
    """By ``since``, then ``known_from``."""
    place: Place
    by: tuple[str, ...] = ()
    written: WrittenUnit | None = None
    as_at: str = "start"
    """start, end or days of the row's shortest period, or the name of a date column of the row."""
    carry: bool = False
    """Whether the last entry goes on past its ``until``."""
    scale: Scale | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """One formula of a quantity, in force from ``since`` (None: always)."""

    since: dt.date | None
    formula: Node
    text: str
    """As written."""
    place: Place
    canonical: str
    """The formula in its one canonical writing: what the meaning hash sees."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A named value for each row of ``rows``: rounded if ``rounding``; its type tells a decimal from a quotient."""

    name: str
    rows: RowSet
    versions: tuple[Version, ...]
    type: Type
    place: Place
    rounding: Rounding | None = None
    through: tuple[str, ...] = ()
    written: WrittenUnit | None = None
    clause: str = ""
    note: str = ""
    title: str = ""
    """The section heading of the group it stands in."""
    report: bool = False
    key: str | None = None
    """The key this quantity holds (a role), if it holds one."""
    status: Status | None = None
    """Where a rounding is an assumption of the author and not of the law: unverified."""

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its rows."""
        return self.rows.keys


@dataclass(frozen=True, slots=True)
class Check:
    """A condition that must hold on every row, or the run stops and lists the rows."""

    name: str
    rows: RowSet
    condition: Node
    text: str
    message: str
    place: Place
    canonical: str


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody who pays or is paid: one named body, or one for each value of a key."""

    name: str
    place: Place
    title: str = ""
    each: str | None = None
    """The key or role (column or quantity that holds a key) that says which."""
    paid_to: str | None = None
    """The column that names the payee, where money goes to another than the party."""


@dataclass(frozen=True, slots=True)
class PartyOfRow:
    """Which party a payment row is about: the fixed party, or the value of ``member``; ``payee`` where it differs."""

    party: str
    member: Node | None
    payee: Node | None = None


@dataclass(frozen=True, slots=True)
class Payment:
    """A quantity that is money owed by one party to another, row by row."""

    quantity: str
    payer: PartyOfRow
    receiver: PartyOfRow
    place: Place
    stream: str = ""
    reverse_when_negative: bool = False
    due: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A flag that proposes something for a person to decide; never an act."""

    when: str
    about: PartyOfRow
    notice: str
    place: Place
    days: str | None = None
    """A quantity or parameter of days."""
    power: Literal["statutory", "policy"] = "policy"


@dataclass(frozen=True, slots=True)
class Example:
    """A worked example: rows to settle, and what must come out."""

    title: str
    place: Place
    source: str
    given: Mapping[str, tuple[Mapping[str, str], ...]]
    """Rows by input, every value as written."""
    expect: tuple[Expectation, ...]
    number_in_base: int = 0
    """Its number in the contract that a variation changes; 0 if it is this text's own."""


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expected value: the quantity, the row (keys as written), and the value as written (``missing`` for none)."""

    quantity: str
    row: Mapping[str, str]
    written: str
    place: Place


@dataclass(frozen=True, slots=True)
class Term:
    """From when to when the contract pays; ``history`` is where periods before the term begin."""

    first: dt.date
    last: dt.date
    history: dt.date | None = None

    @property
    def start(self) -> dt.date:
        """The first day of any period of the contract."""
        return self.history or self.first


@dataclass(frozen=True)
class Contract:
    """A contract that has been checked."""

    name: str
    title: str
    authority: str
    currency: str
    term: Term
    units: tuple[str, ...]
    keys: Mapping[str, Key]
    tables: Mapping[str, Table]
    """Inputs and own tables, inputs first."""
    parameters: Mapping[str, Parameter]
    quantities: Mapping[str, Quantity]
    """In written order."""
    order: tuple[tuple[str, ...], ...]
    """Quantities in an order in which they can be computed; several together turn in a loop through prior()."""
    loop_period: Mapping[str, str]
    """For every quantity in a loop: the period the loop turns on."""
    rows: Mapping[frozenset[str], RowSet]
    """One set of keys has one set of rows."""
    checks: tuple[Check, ...]
    payments: tuple[Payment, ...]
    notices: tuple[Notice, ...]
    parties: Mapping[str, Party]
    examples: tuple[Example, ...]
    looks_back: bool
    """Whether any formula reads an earlier period: such a contract is settled from its first day."""
    warnings: tuple[Problem, ...]
    text: str
    """The text as it was read, after a variation has been expanded."""
    file: str
    """The name the text is known by in messages."""
    files: Mapping[str, bytes]
    """The table files beside the contract, by name: part of what is signed."""
    signed_hash: str
    """SHA-256 of the bytes: the contract file and the table files beside it."""
    meaning_hash: str
    """SHA-256 of the canonical form without titles and notes: what a run is tied to."""
    note: str = ""

    @property
    def money(self) -> Unit:
        """The unit of its currency."""
        return Unit(((self.currency, 1),))

    @property
    def inputs(self) -> Mapping[str, Table]:
        """The tables that come from outside."""
        return {name: table for name, table in self.tables.items() if not table.own}

    def period(self, key: str, label: str) -> PeriodItem | None:
        """The item of period ``key`` with that label."""
        return next((item for item in self.keys[key].items if item.label == label), None)
