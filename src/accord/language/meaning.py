"""What a formula means: resolved, typed, frozen nodes. The checker makes them; every engine reads only these.

No node holds a bare name that would still have to be looked up by scope: each read says which table, column, quantity
or parameter, and how the keys of what is read follow from the keys of the row at hand (:class:`KeyPath`).

A value of a node is, in an exact engine: Fraction for numbers, bool for flags, str for texts and keys (a period is the
ISO date of its first day), date for dates, None for missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from accord.language.place import Place
from accord.language.types import Type

# -- how a key follows from a row -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OwnKey:
    """The key is one of the row's own keys."""

    key: str


@dataclass(frozen=True, slots=True)
class EnclosingPeriod:
    """The period ``key`` in which the period found by ``of`` lies (``of_key`` is that period's key). Never missing
    inside the term; missing if no period encloses it.
    """

    key: str
    of_key: str
    of: KeyPath


@dataclass(frozen=True, slots=True)
class HeldByColumn:
    """The key is held by a column of the row that ``at`` finds (one path per key of the table, in its order)."""

    key: str
    table: str
    column: str
    at: tuple[KeyPath, ...]


@dataclass(frozen=True, slots=True)
class BorneByQuantity:
    """The key is the value of a quantity (``key:``) at the row that ``at`` finds (in the order of its rows' keys)."""

    key: str
    quantity: str
    at: tuple[KeyPath, ...]


KeyPath = OwnKey | EnclosingPeriod | HeldByColumn | BorneByQuantity

# -- which rows exist -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RowSet:
    """A set of keys and what gives its rows.

    ``sources`` are names of tables and periods. They are joined on the keys they share, periods on nesting (a month
    joins the year it lies in); a combined row has all their keys as its own, and ``paths`` say how each of ``keys``
    follows from it. The distinct projections are the rows. One table with exactly these keys: simply its rows. A period
    contributes the periods that lie wholly inside the run. No keys and no sources: one row.
    """

    keys: tuple[str, ...]
    """In the order the contract first wrote them."""
    sources: tuple[str, ...]
    paths: tuple[KeyPath, ...]
    """One for each of ``keys``, from the keys of a combined row."""

    @property
    def name(self) -> str:
        """A readable name: ``practice, year``; ``contract`` for the one row without keys."""
        return ", ".join(self.keys) or "contract"


# -- nodes ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Node:
    """A resolved piece of a formula with its type. Equality looks at the meaning, not at the place."""

    type: Type
    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Literal_(Node):
    """0, 1, a text, true or false."""

    value: Fraction | bool | str


@dataclass(frozen=True, slots=True)
class KeyValue(Node):
    """The value of a key for this row."""

    path: KeyPath


@dataclass(frozen=True, slots=True)
class ColumnValue(Node):
    """A column of an input or table, in the row that ``at`` finds (one path per key of the table, in its order).

    No such row: missing if the table is optional, otherwise the run stops. A path that is missing: missing.
    """

    table: str
    column: str
    at: tuple[KeyPath, ...]


@dataclass(frozen=True, slots=True)
class QuantityValue(Node):
    """A quantity in the row that ``at`` finds (one path per key of its rows, in their order)."""

    quantity: str
    at: tuple[KeyPath, ...]


@dataclass(frozen=True, slots=True)
class ParameterValue(Node):
    """A parameter. Read on a day: ``on`` if given; else the first day (last day; every day, averaged) of the row's
    shortest period ``period`` as the parameter's ``as_at`` says; without a period, the first day of the term.

    ``by``: nodes that give the members, in the order of the parameter's ``by``.
    """

    parameter: str
    by: tuple[Node, ...]
    on: Node | None
    period: KeyPath | None


@dataclass(frozen=True, slots=True)
class ScaleValue(Node):
    """A scale applied to ``argument``; the scale is read as :class:`ParameterValue` says."""

    parameter: str
    argument: Node
    by: tuple[Node, ...]
    on: Node | None
    period: KeyPath | None


@dataclass(frozen=True, slots=True)
class Arithmetic(Node):
    """``+ - * /``; strict: a missing operand makes it missing. Division is proven safe, or the engines stop."""

    operator: Literal["+", "-", "*", "/"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Negative(Node):
    """``-x``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Absolute(Node):
    """``abs(x)``."""

    operand: Node


@dataclass(frozen=True, slots=True)
class Comparison(Node):
    """Strict comparison of two values of one kind. Texts and keys compare by bytes."""

    operator: Literal["=", "<>", "<", "<=", ">", ">="]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Logic(Node):
    """``and``/``or``, three-valued as in SQL."""

    operator: Literal["and", "or"]
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Not(Node):
    """``not x``; missing stays missing."""

    operand: Node


@dataclass(frozen=True, slots=True)
class IsMissing(Node):
    """``x is null`` (``negated``: ``is not null``); never missing itself."""

    operand: Node
    negated: bool


@dataclass(frozen=True, slots=True)
class OneOf(Node):
    """``x in ('a', 'b')``; missing if x is."""

    operand: Node
    options: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice(Node):
    """``case``: the first branch whose condition is true. A *missing condition* makes the whole missing (strict).
    Branches not taken are not evaluated: a row that only they need may be absent. No branch and no else: missing.
    """

    branches: tuple[tuple[Node, Node], ...]
    otherwise: Node | None


@dataclass(frozen=True, slots=True)
class Extreme(Node):
    """``least``/``greatest`` over the values of one row; strict."""

    which: Literal["least", "greatest"]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Coalesce(Node):
    """The first value that is not missing."""

    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class PeriodLength(Node):
    """``months(p)`` or ``days(p)``."""

    unit: Literal["months", "days"]
    period: str
    path: KeyPath


@dataclass(frozen=True, slots=True)
class PeriodDay(Node):
    """``first_day(p)`` or ``last_day(p)``."""

    which: Literal["first", "last"]
    period: str
    path: KeyPath


@dataclass(frozen=True, slots=True)
class DaysBetween(Node):
    """``days_between(a, b)``: days from a to b, negative if b is earlier."""

    start: Node
    end: Node


# -- across rows: only these read other rows than the one at hand ------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gather(Node):
    """Something made of the finer rows ``rows`` whose ``match`` paths (evaluated *at the finer row*, in the order of
    ``keys``, the keys of the row at hand) equal this row's keys, filtered by ``where`` (at the finer row).

    sum, count: 0 over no rows; sum, min, max, quantile: missing if any value is; min, max, quantile: missing over no
    rows. quantile takes the nearest rank: the smallest value with at least ``fraction`` (evaluated at the row at hand)
    of the rows at or below. ``value`` is None for count. A finer row with a missing match path belongs nowhere.
    """

    how: Literal["sum", "count", "min", "max", "quantile"]
    value: Node | None
    where: Node | None
    rows: RowSet
    keys: tuple[str, ...]
    match: tuple[KeyPath, ...]
    fraction: Node | None = None


@dataclass(frozen=True, slots=True)
class EndOf(Node):
    """``first(x)``/``last(x)``: x in the first or last period ``period`` inside the row's own period ``inside``.

    ``inside`` is a key of the row at hand (None: inside the run), whatever data there is: the value
    is missing if that finer row does not exist. Otherwise as :class:`Gather`: the finer row keeps the row's other keys.
    """

    which: Literal["first", "last"]
    value: Node
    where: Node | None
    rows: RowSet
    keys: tuple[str, ...]
    match: tuple[KeyPath, ...]
    period: str
    inside: str | None


@dataclass(frozen=True, slots=True)
class Prior(Node):
    """``of`` (a column or a quantity) ``steps`` periods back along ``period``, one of the keys of what is read.

    Missing before the first period of the run, and where that row did not exist.
    """

    of: ColumnValue | QuantityValue
    steps: int
    period: str


@dataclass(frozen=True, slots=True)
class TrailingAverage(Node):
    """The mean of ``of`` in this period and the ``count`` - 1 before; missing if any is. ``count`` is a whole-number
    parameter node (the same for every row of a run).
    """

    of: ColumnValue | QuantityValue
    count: ParameterValue
    period: str


@dataclass(frozen=True, slots=True)
class Rank(Node):
    """``rank()`` among the rows of ``rows`` (those of the row at hand) with the same ``partition``; ties equal.
    ``order``: (expression, descending). Missing values in the order are refused by the checker.
    """

    rows: RowSet
    partition: tuple[KeyPath, ...]
    order: tuple[tuple[Node, bool], ...]


@dataclass(frozen=True, slots=True)
class Allocate(Node):
    """The whole formula of a quantity: ``pool`` shared over ``rows`` with the same ``group`` paths, by ``weight``.

    ``group`` holds the paths to the keys of the pool. Shares are whole multiples of ``step``: largest
    remainder, ties by the row's keys in byte order. A negative pool is split by its size and given its sign. A negative
    weight, or money with all weights 0, stops the run.
    ``floor``: nobody gets less; share = larger of floor and lambda * weight. A group path that is missing: missing.
    All of pool, weight and floor are evaluated at the finer row.
    """

    pool: Node
    weight: Node
    floor: Node | None
    rows: RowSet
    group: tuple[KeyPath, ...]
    step: Fraction


def children(node: Node) -> Iterator[Node]:
    """The nodes a node is directly made of, whichever row they are evaluated at."""
    match node:
        case ParameterValue(by=by, on=on):
            yield from by
            if on is not None:
                yield on
        case ScaleValue(argument=argument, by=by, on=on):
            yield argument
            yield from by
            if on is not None:
                yield on
        case Arithmetic(left=left, right=right) | Comparison(left=left, right=right) | Logic(left=left, right=right):
            yield left
            yield right
        case Negative(operand=operand) | Absolute(operand=operand) | Not(operand=operand) | IsMissing(operand=operand):
            yield operand
        case OneOf(operand=operand, options=options):
            yield operand
            yield from options
        case Choice(branches=branches, otherwise=otherwise):
            for condition, value in branches:
                yield condition
                yield value
            if otherwise is not None:
                yield otherwise
        case Extreme(operands=operands) | Coalesce(operands=operands):
            yield from operands
        case DaysBetween(start=start, end=end):
            yield start
            yield end
        case Gather(value=value, where=where, fraction=fraction):
            for part in (value, where, fraction):
                if part is not None:
                    yield part
        case EndOf(value=value, where=where):
            yield value
            if where is not None:
                yield where
        case Prior(of=of):
            yield of
        case TrailingAverage(of=of, count=count):
            yield of
            yield count
        case Rank(order=order):
            for expression, _ in order:
                yield expression
        case Allocate(pool=pool, weight=weight, floor=floor):
            yield pool
            yield weight
            if floor is not None:
                yield floor
        case _:
            return


def walk(node: Node) -> Iterator[Node]:
    """The node and everything in it."""
    yield node
    for child in children(node):
        yield from walk(child)
