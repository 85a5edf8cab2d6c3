"""What a plan is made of: frames of rows, and steps over them in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from accord.engine.expressions import Expr
from accord.language.contract import Check, Contract
from accord.language.meaning import RowSet
from accord.language.place import Place


@dataclass(frozen=True, slots=True)
class Compute:
    """A column of every row of ``frame``: ``column`` = ``expr``."""

    frame: str
    column: str
    expr: Expr
    label: str
    """What a message calls it."""
    place: Place
    exact: bool = True
    """A number: an exact decimal (False: a quotient that stays in its row)."""
    required: bool = False
    """Whether a missing value stops the run: its type says that it is never missing."""

    @property
    def exprs(self) -> tuple[Expr, ...]:
        """The expressions it evaluates."""
        return (self.expr,)


@dataclass(frozen=True, slots=True)
class Verify:
    """A condition that must hold on every row of ``frame``."""

    frame: str
    expr: Expr
    check: Check

    @property
    def exprs(self) -> tuple[Expr, ...]:
        """The expressions it evaluates."""
        return (self.expr,)


GatherHow = Literal["sum", "count", "min", "max", "sorted"]


@dataclass(frozen=True, slots=True)
class Gathering:
    """A relation ``name`` with one row for each set of values of ``match`` over the rows of ``frame``.

    Its column ``value`` is made of the rows for which ``where`` holds: sum or count (0 over none), min or max (missing
    over none), or the sorted list of all values; missing if any value is.
    """

    name: str
    frame: str
    match: tuple[Expr, ...]
    how: GatherHow
    value: Expr | None
    where: Expr | None
    label: str
    place: Place

    @property
    def exprs(self) -> tuple[Expr, ...]:
        """The expressions it evaluates, at the rows of ``frame``."""
        return (*self.match, *(part for part in (self.value, self.where) if part is not None))


@dataclass(frozen=True, slots=True)
class Ranking:
    """A column of ``frame``: the place of a row among those with the same ``partition``; ties equal."""

    frame: str
    column: str
    partition: tuple[Expr, ...]
    order: tuple[tuple[Expr, bool], ...]
    label: str
    place: Place

    @property
    def exprs(self) -> tuple[Expr, ...]:
        """The expressions it evaluates."""
        return (*self.partition, *(expr for expr, _ in self.order))


@dataclass(frozen=True, slots=True)
class Sharing:
    """A column of ``frame``: ``pool`` shared out by ``weight`` over the rows with the same ``group``."""

    frame: str
    column: str
    pool: Expr
    weight: Expr
    floor: Expr | None
    group: tuple[Expr, ...]
    step: Fraction
    label: str
    place: Place

    @property
    def exprs(self) -> tuple[Expr, ...]:
        """The expressions it evaluates."""
        return (self.pool, self.weight, *(() if self.floor is None else (self.floor,)), *self.group)


@dataclass(frozen=True, slots=True)
class Loop:
    """Steps that read each other through prior(): run once for each period ``period``, in order of time.

    ``labels`` maps every frame in it to the expression that says in which of these periods a row lies.
    """

    period: str
    steps: tuple[Step, ...]
    labels: Mapping[str, Expr]


Step = Compute | Verify | Gathering | Ranking | Sharing | Loop


@dataclass(frozen=True, slots=True)
class Frame:
    """The rows of one set of keys, by a name."""

    name: str
    rows: RowSet
    projection: tuple[Expr, ...]
    """How its keys follow from a combined row of its sources."""

    @property
    def keys(self) -> tuple[str, ...]:
        """Its own keys."""
        return self.rows.keys


@dataclass(frozen=True, slots=True)
class PartyColumns:
    """Where a frame holds the member and the payee of a party; None where it has none."""

    member: str | None
    payee: str | None


@dataclass(frozen=True)
class Plan:
    """What to compute, in order."""

    contract: Contract
    frames: Mapping[str, Frame]
    steps: tuple[Step, ...]
    loop_frames: Mapping[str, str]
    """For a quantity column computed in a loop: the frame that holds it."""
    results: Mapping[str, tuple[str, ...]]
    """For every frame: the columns to keep, quantities first."""
    payments: tuple[tuple[PartyColumns, PartyColumns], ...]
    """For each payment: payer, receiver."""
    notices: tuple[tuple[PartyColumns, str | None], ...]
    """For each notice: whom it is about, and the column that holds its days."""
    relations: Mapping[str, Gathering]
    varying: frozenset[str]
    """The relations (frames, tables, gatherings) whose rows or values differ by world."""


def frame_name(rows: RowSet) -> str:
    """The name of the relation that holds these rows."""
    return "rows:" + ",".join(rows.keys)


def table_name(table: str) -> str:
    """The name of the relation that is this table."""
    return "table:" + table
