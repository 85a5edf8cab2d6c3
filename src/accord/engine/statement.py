"""One select over the rows of a frame: its operations, what it looks up, and what would stop the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from accord.engine.database import quoted, text_literal
from accord.engine.exact import Cell, Failure, Held, Leaf, Number, RowFormulas
from accord.engine.expressions import WORLD, Expr, Lookup
from accord.engine.schedule import own_table_column
from accord.engine.sql import Printer, TooWide, check_width, select, width_of
from accord.engine.steps import Compute, Verify
from accord.engine.stopping import Stop, failed_check
from accord.engine.whole import Op, Program

if TYPE_CHECKING:
    from accord.engine.duckdb_engine import DuckEngine

FLAG = "!"
"""The column that says which trap a row has sprung; 0: none."""


@dataclass(frozen=True, slots=True)
class SqlColumn:
    """A column of a SQL relation: how it is held, its name (and that of d), and the SQL types they are stored in."""

    held: Held
    name: str
    stored: str = ""
    under: str = ""
    under_stored: str = ""


@dataclass(frozen=True, slots=True)
class SqlRelation:
    """A table or subquery with its key columns (in the order lookups give keys) and other columns by logical name."""

    name: str
    source: str
    keys: tuple[str, ...]
    world: bool
    rows: int
    columns: Mapping[str, SqlColumn]


@dataclass(frozen=True, slots=True)
class Trap:
    """What stops the run where ``when`` is true."""

    when: Op
    stop: Callable[[int, Sequence[Mapping[str, str]]], Stop]


@dataclass(slots=True)
class FrameState:
    """Where a frame stands: the relation that holds its rows, and others that hold columns of it."""

    base: SqlRelation
    elsewhere: dict[str, SqlRelation] = field(default_factory=dict[str, SqlRelation])


class Statement:
    """A select over the rows of a frame: its operations, its joins, and what would stop the run.

    ``only``: an expression and the period it must give for a row to count.
    """

    def __init__(self, engine: DuckEngine, frame: str, only: tuple[Expr, str] | None = None) -> None:
        self.engine = engine
        self.frame = frame
        self.only = only
        self.program = Program()
        self.formulas = RowFormulas(self.program, engine, frame)
        self.base = engine.state(frame).base
        self.traps: list[Trap] = []
        self.made: dict[str, tuple[Compute, Op, Op | None, Fraction]] = {}
        self.cells: dict[str, Cell] = {}
        self._joins: dict[tuple[Any, ...], tuple[str, str]] = {}

    @staticmethod
    def again(statement: Statement) -> Statement:
        """A statement that computes the same columns, with nothing else in it."""
        fresh = Statement(statement.engine, statement.frame, statement.only)
        fresh.add([step for step, _, _, _ in statement.made.values()])
        return fresh

    def add(self, steps: Sequence[Compute]) -> bool:
        """Add columns; False if one of them does not fit 128 bits (it is then not added)."""
        for step in steps:
            try:
                cell = self.formulas.cell(step.expr)
                if isinstance(cell, Number):
                    n, d, factor = self.formulas.numbers.stored(cell, step.exact)
                else:
                    n, d, factor = cell, None, Fraction(1)
                traps = [
                    self.trap(failure, step.label)
                    for failure in self.formulas.stops(step.expr, step.required, step.place)
                ]
                check_width([n, *([] if d is None else [d]), *(trap.when for trap in traps)])
            except TooWide:
                return False
            self.made[step.column] = (step, n, d, factor)
            self.cells[step.column] = cell
            self.formulas.computed[step.column] = cell
            self.traps += traps
        return True

    def verify(self, steps: Sequence[Verify]) -> bool:
        """Add checks; False if one of them does not fit 128 bits."""
        for step in steps:
            holds = self.program.holds(self.formulas.plain(step.expr))
            traps = [self.trap(failure, step.check.name) for failure in self.formulas.failures(step.expr)]

            def stop(count: int, rows: Sequence[Mapping[str, str]], step: Verify = step) -> Stop:
                return failed_check(step.check, count, rows)

            fails = self.program.negation(holds)
            try:
                check_width([fails, *(trap.when for trap in traps)])
            except TooWide:
                return False
            self.traps += traps
            if fails is not self.program.false:
                self.traps.append(Trap(fails, stop))
        return True

    def trap(self, failure: Failure, label: str) -> Trap:
        """What a failure stops the run with."""

        def stop(count: int, rows: Sequence[Mapping[str, str]]) -> Stop:
            return Stop(failure.place, label, failure.message, count, rows, failure.fix)

        return Trap(failure.when, stop)

    def flag(self) -> Op:
        """The number of the first trap that a row springs; 0: none."""
        program = self.program
        numbers = {id(trap.when): number for number, trap in reversed(list(enumerate(self.traps, 1)))}
        branches = [
            (trap.when, program.whole(number))
            for number, trap in enumerate(self.traps, 1)
            if numbers[id(trap.when)] == number
        ]
        return program.case(branches, program.whole(0))

    def keys(self) -> dict[str, str]:
        """The keys of the row, and its world, as columns of the select."""
        names = [*self.base.keys, *([WORLD] if self.base.world else [])]
        return {name: f"b.{quoted(name)}" for name in names}

    def put_held(
        self,
        outputs: dict[str, Op],
        places: dict[str, int],
        column: str,
        shown: str,
        put: Callable[[dict[str, Op], dict[str, int], str, bool, Op, Op | None, Fraction], None],
    ) -> None:
        """Put a column that is already held somewhere among the outputs; digits stay digits."""
        held = self.engine.held(self.frame, column)
        lookup = self.engine.own_lookup(self.frame, column)
        program = self.program
        if held.kind == "number":
            wide = held.lo is None
            n = program.column(
                Leaf(lookup, column, "n" if held.quotient else ""), "text" if wide else "int", held.lo, held.hi
            )
            d = None
            if held.quotient:
                wide_d = held.d_lo is None
                d = program.column(Leaf(lookup, column, "d"), "text" if wide_d else "int", held.d_lo, held.d_hi)
            put(outputs, places, shown, True, n, d, held.factor)
        else:
            cell = self.formulas.leaf(held, lookup, column, held.nullable)
            assert isinstance(cell, Op)
            put(outputs, places, shown, False, cell, None, Fraction(1))

    def sql(self, outputs: Mapping[str, Op], columns: Mapping[str, str]) -> str:
        """The select."""
        where = ""
        if self.only is not None:
            where = f"{Printer(self.leaf).text(self.formulas.plain(self.only[0]))} = {text_literal(self.only[1])}"
        return select(outputs, columns, self.source, self.leaf, where)

    def source(self) -> str:
        """Where the rows come from, with what they look up."""
        return " ".join([f"from {self.base.source} b", *(text for _, text in self._joins.values())])

    def leaf(self, leaf: Leaf) -> str:
        """A column in terms of the source."""
        if leaf.lookup is None:
            return self.written("b", self.base, leaf.column, leaf.part)
        own = own_table_column(leaf.lookup.relation, leaf.column)
        if own in self.base.columns and self.engine.always_found(self.frame, leaf.lookup):
            return self.written("b", self.base, own, leaf.part)
        relation = (
            self.engine.where(leaf.lookup.relation, leaf.column)
            if leaf.column
            else self.engine.relation(leaf.lookup.relation)
        )
        alias = self.join(leaf.lookup, relation)
        if leaf.part == "found":
            key = relation.keys[0] if relation.keys else WORLD
            return f"({alias}.{quoted(key)} is not null)" if relation.keys or relation.world else "true"
        return self.written(alias, relation, leaf.column, leaf.part)

    def written(self, alias: str, relation: SqlRelation, column: str, part: str) -> str:
        """A column of a relation, as wide as its interval asks for."""
        if column.startswith("key:"):
            return f"{alias}.{quoted(column[4:])}"
        if column == WORLD:
            return f"{alias}.{quoted(WORLD)}::BIGINT"
        held = relation.columns[column]
        name, stored, lo, hi = held.name, held.stored, held.held.lo, held.held.hi
        if part == "d":
            name, stored, lo, hi = held.under, held.under_stored, held.held.d_lo, held.held.d_hi
        text = f"{alias}.{quoted(name)}"
        if held.held.kind != "number" or held.held.listed or lo is None:
            return text
        wide = width_of(lo, hi)
        return text if wide == stored else f"{text}::{wide}"

    def join(self, lookup: Lookup, relation: SqlRelation) -> str:
        """The alias of a relation joined on the keys of a lookup; once for the same relation and keys."""
        keys = [self.formulas.plain_or_world(key) for key in lookup.keys]
        at = (relation.source, *(id(key) for key in keys))
        if at not in self._joins:
            printer = Printer(self.leaf)
            conditions: list[str] = []
            texts = [printer.text(key) for key in keys]
            alias = f"j{len(self._joins)}"
            for name, text in zip(relation.keys, texts, strict=True):
                # where a run has one year, every row is of it: comparing it in each join would cost and decide nothing
                if not (self.engine.only_one(name) and name in self.base.keys and text == f"b.{quoted(name)}"):
                    conditions.append(f"{alias}.{quoted(name)} = {text}")
            if relation.world:
                conditions.append(f"{alias}.{quoted(WORLD)} = b.{quoted(WORLD)}")
            text = f"left join {relation.source} {alias} on {' and '.join(conditions) or 'true'}"
            self._joins[at] = (alias, text)
        return self._joins[at][0]
