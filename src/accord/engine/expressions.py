"""Scalar expressions over one row: what remains of a formula when everything that crosses rows has become a step.

They are compared by identity: the planner makes each once, so that an engine can compute each once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from accord.language.contract import Value
from accord.language.place import Place
from accord.language.rounding import RoundingRule

WORLD = "world"
"""The name of the hidden key. It cannot clash: engines hold a row's own keys as ``key:name``."""

Kind = Literal["number", "flag", "text", "date"]


@dataclass(frozen=True, slots=True, eq=False)
class Expr:
    """A scalar expression over one row. ``nullable``: whether it can be missing."""

    kind: Kind
    nullable: bool


@dataclass(frozen=True, slots=True, eq=False)
class Const(Expr):
    """A constant; None is missing."""

    value: Value | None


@dataclass(frozen=True, slots=True, eq=False)
class OwnColumn(Expr):
    """A column of the row at hand: ``key:practice``, ``q:points``, ``rank:3``, ``allocate:1``, ``world``."""

    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Lookup:
    """The row of ``relation`` (``table:t``, ``rows:a,b`` or ``gather:1``) with these keys.

    ``required``: no such row stops the run, if a value is read in a branch taken.
    """

    relation: str
    keys: tuple[Expr, ...]
    required: bool
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Read(Expr):
    """A column of the row a lookup finds."""

    lookup: Lookup
    column: str


@dataclass(frozen=True, slots=True, eq=False)
class Found(Expr):
    """Whether a lookup finds a row."""

    lookup: Lookup


@dataclass(frozen=True, slots=True, eq=False)
class Pick(Expr):
    """The value listed for what ``of`` is; ``otherwise`` for anything else (None: missing); missing if ``of`` is."""

    of: Expr
    cases: tuple[tuple[str | int, Expr], ...]
    otherwise: Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Fail(Expr):
    """A value that must not be needed: reaching it stops the run with this message."""

    message: str
    place: Place
    fix: str


@dataclass(frozen=True, slots=True, eq=False)
class Binary(Expr):
    """``+ - * /`` on numbers; strict."""

    operator: str
    left: Expr
    right: Expr
    place: Place


@dataclass(frozen=True, slots=True, eq=False)
class Minus(Expr):
    """``-x``, or ``abs(x)``."""

    operand: Expr
    absolute: bool


@dataclass(frozen=True, slots=True, eq=False)
class Compare(Expr):
    """A strict comparison of two values of one kind."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Both(Expr):
    """``and``/``or``, three-valued, from left to right."""

    operator: str
    left: Expr
    right: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Negation(Expr):
    """``not x``."""

    operand: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Missing(Expr):
    """``x is null``; ``negated``: ``x is not null``."""

    operand: Expr
    negated: bool


@dataclass(frozen=True, slots=True, eq=False)
class Among(Expr):
    """``x in (…)``."""

    operand: Expr
    options: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Case(Expr):
    """The first branch whose condition holds; a missing condition makes it missing; no branch: missing."""

    branches: tuple[tuple[Expr, Expr], ...]
    otherwise: Expr | None


@dataclass(frozen=True, slots=True, eq=False)
class Least(Expr):
    """``least`` or ``greatest``; strict."""

    greatest: bool
    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, eq=False)
class FirstOf(Expr):
    """``coalesce``."""

    operands: tuple[Expr, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Days(Expr):
    """Days from one date to another."""

    start: Expr
    end: Expr


@dataclass(frozen=True, slots=True, eq=False)
class Rounded(Expr):
    """Rounded to whole multiples of ``step``."""

    operand: Expr
    step: Fraction
    rule: RoundingRule


@dataclass(frozen=True, slots=True, eq=False)
class Element(Expr):
    """The element at ``position`` (from 1) of a sorted list that a gathering made."""

    lookup: Lookup
    column: str
    position: Expr


def parts(expr: Expr) -> Iterator[Expr]:
    """The expressions an expression is directly made of, the keys of its lookup included."""
    match expr:
        case Read(lookup=lookup) | Found(lookup=lookup):
            yield from lookup.keys
        case Element(lookup=lookup, position=position):
            yield from lookup.keys
            yield position
        case Pick(of=of, cases=cases, otherwise=otherwise):
            yield of
            for _, value in cases:
                yield value
            if otherwise is not None:
                yield otherwise
        case Binary(left=left, right=right) | Compare(left=left, right=right) | Both(left=left, right=right):
            yield left
            yield right
        case Minus(operand=operand) | Negation(operand=operand) | Missing(operand=operand) | Rounded(operand=operand):
            yield operand
        case Among(operand=operand, options=options):
            yield operand
            yield from options
        case Case(branches=branches, otherwise=otherwise):
            for condition, value in branches:
                yield condition
                yield value
            if otherwise is not None:
                yield otherwise
        case Least(operands=operands) | FirstOf(operands=operands):
            yield from operands
        case Days(start=start, end=end):
            yield start
            yield end
        case _:
            return


def everything(roots: Iterable[Expr]) -> Iterator[Expr]:
    """Every expression below the roots, once each."""
    seen: set[int] = set()
    waiting = list(roots)
    while waiting:
        expr = waiting.pop()
        if id(expr) not in seen:
            seen.add(id(expr))
            yield expr
            waiting.extend(parts(expr))
