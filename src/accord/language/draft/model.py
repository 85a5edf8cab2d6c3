"""A draft: everything a contract says, read and typed by the vocabulary, but with no formula resolved yet."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from accord.language.contract import Example, Key, Parameter, Party, Status, Table, Term
from accord.language.formula import Formula
from accord.language.place import Place
from accord.language.problem import Problem
from accord.language.rounding import Rounding
from accord.language.text import Scalar
from accord.language.unit import WrittenUnit


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """One formula as parsed, with the day from which it is in force (None: always)."""

    since: dt.date | None
    formula: Formula
    text: str


@dataclass(slots=True)
class DraftQuantity:
    """A quantity (or a check) before its formulas are resolved."""

    name: str
    place: Place
    each: tuple[str, ...]
    through: tuple[Scalar, ...]
    versions: list[DraftVersion]
    written: WrittenUnit | None = None
    rounding: Rounding | None = None
    relabels: WrittenUnit | None = None
    key: str | None = None
    clause: str = ""
    note: str = ""
    title: str = ""
    report: bool = False
    status: Status | None = None
    check_message: str | None = None
    """For a check: what is wrong where it does not hold."""


@dataclass(frozen=True, slots=True)
class DraftPayment:
    """A payment before its parties are resolved."""

    pay: Scalar
    payer: Scalar
    receiver: Scalar
    place: Place
    reverse: bool
    stream: str
    due: str
    through: Scalar | None
    note: str


@dataclass(frozen=True, slots=True)
class DraftNotice:
    """A notice before its party is resolved."""

    when: Scalar
    about: Scalar
    notice: str
    place: Place
    days: Scalar | None
    power: str
    through: Scalar | None


@dataclass(slots=True)
class Draft:
    """Everything a contract says, read but not resolved."""

    name: str = ""
    title: str = ""
    authority: str = ""
    currency: str = ""
    note: str = ""
    term: Term | None = None
    units: tuple[str, ...] = ()
    keys: dict[str, Key] = field(default_factory=dict[str, Key])
    tables: dict[str, Table] = field(default_factory=dict[str, Table])
    parameters: dict[str, Parameter] = field(default_factory=dict[str, Parameter])
    quantities: dict[str, DraftQuantity] = field(default_factory=dict[str, DraftQuantity])
    rows: dict[frozenset[str], tuple[Scalar, ...]] = field(default_factory=dict[frozenset[str], tuple[Scalar, ...]])
    """What ``rows:`` says for a set of keys."""
    key_order: dict[frozenset[str], tuple[str, ...]] = field(default_factory=dict[frozenset[str], tuple[str, ...]])
    checks: list[DraftQuantity] = field(default_factory=list[DraftQuantity])
    payments: list[DraftPayment] = field(default_factory=list[DraftPayment])
    notices: list[DraftNotice] = field(default_factory=list[DraftNotice])
    parties: dict[str, tuple[Party, Mapping[str, Scalar]]] = field(
        default_factory=dict[str, tuple[Party, Mapping[str, Scalar]]]
    )
    examples: list[Example] = field(default_factory=list[Example])
    broken: set[str] = field(default_factory=set[str])
    """Names whose definition has a problem already: nothing more is said about what uses them."""
    unread: set[str] = field(default_factory=set[str])
    """Parts that could not be read at all (columns of a table, rows or keys of a group): what they would have named is
    not known, so that nothing is said of a name or of rows that nobody seems to define."""
    as_at_said: set[str] = field(default_factory=set[str])
    """Parameters that say ``as_at:`` themselves."""
    problems: list[Problem] = field(default_factory=list[Problem])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """The files beside the contract that were read, by name."""
