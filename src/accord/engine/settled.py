"""Values that a settlement stored, read where they lie: what an explanation of a large run stands on.

Lives here: rows of results and inputs as Parquet files or Arrow tables, found one by one with DuckDB. Does not: what
a formula makes of them (:mod:`~accord.engine.reference`).
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# (pyarrow comes without types)

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.engine.columns import WORLD
from accord.engine.database import quoted
from accord.engine.reference import NotThere, RowEvaluator, RowKey, match_paths, named_row, row_text, stop
from accord.engine.rows import joined
from accord.language.contract import Contract, PeriodItem, Value
from accord.language.meaning import (
    Allocate,
    BorneByQuantity,
    EnclosingPeriod,
    EndOf,
    Gather,
    HeldByColumn,
    KeyPath,
    Node,
    OwnKey,
    Rank,
    RowSet,
)

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from accord.engine.inputs import Inputs
    from accord.engine.settling import Settlement


@dataclass(frozen=True, slots=True)
class StoredTable:
    """A stored table: a Parquet file or an Arrow table, in the form of LoadedTable or ResultTable."""

    data: Path | pa.Table
    places: Mapping[str, int]
    """Decimal places of its number columns (an unrounded quotient has columns ``q:n`` and ``q:d`` instead)."""
    has_worlds: bool


_SMALL = 5_000


class StoredValues(RowEvaluator):
    """Values of one world as a settlement stored them, read where they lie, row by row, with DuckDB.

    ``results`` holds one table a row set, by its keys; ``tables`` the inputs and own tables. ``periods`` are those of
    the run, ``known_on`` and ``what_ifs`` what it was settled with.
    """

    def __init__(
        self,
        contract: Contract,
        results: Mapping[tuple[str, ...], StoredTable],
        tables: Mapping[str, StoredTable],
        periods: Mapping[str, Sequence[PeriodItem]],
        *,
        world: int = 0,
        known_on: dt.date | None = None,
        what_ifs: Mapping[str, Mapping[int, Value]] | None = None,
    ) -> None:
        super().__init__(contract, world, known_on, what_ifs or {})
        self._stored: dict[str, StoredTable] = {f"table {name}": table for name, table in tables.items()}
        self._stored |= {f"rows {','.join(keys)}": table for keys, table in results.items()}
        self._results = {frozenset(keys): keys for keys in results}
        self._periods = periods
        self._connection: duckdb.DuckDBPyConnection | None = None
        self._cache: dict[tuple[str, RowKey], Mapping[str, Any] | None] = {}
        self._whole: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._groups: dict[tuple[int, tuple[str | None, ...]], tuple[Node, list[RowKey]]] = {}
        self._row_sets: dict[RowSet, frozenset[RowKey]] = {}

    # -- what a row evaluator must say ------------------------------------------------------------------------------
    def quantity(self, name: str, row: RowKey) -> Value | None:
        """A stored value."""
        quantity = self.contract.quantities[name]
        relation = self._result(quantity.rows)
        found = (
            None if relation is None else self._row(relation, self._keys(relation), self._ordered(quantity.rows, row))
        )
        if found is None or relation is None:
            raise stop(quantity.place, f"{name} has no row for {row_text(named_row(quantity.keys, row))}")
        if f"{name}:n" in found:
            above, below = found[f"{name}:n"], found[f"{name}:d"]
            return None if above is None or below is None else Fraction(int(above), int(below))
        if name not in found:
            raise stop(quantity.place, f"{name} was not stored by this run", "settle again, and ask for it")
        return self._typed(found[name], self._stored[relation].places.get(name), quantity.type.kind)

    def cell(self, table: str, column: str, row: RowKey) -> Value | None:
        """A stored value."""
        relation = f"table {table}"
        found = self._row(relation, self.contract.tables[table].keys, row)
        if found is None:
            named = named_row(self.contract.tables[table].keys, row)
            raise NotThere(f"{table} has no row for {row_text(named)}", named)
        kind = self.contract.tables[table].column(column).type.kind
        return self._typed(found[column], self._stored[relation].places.get(column), kind)

    def table_has(self, table: str, row: RowKey) -> bool:
        """Whether it was stored."""
        return self._row(f"table {table}", self.contract.tables[table].keys, row) is not None

    def row_exists(self, rows: RowSet, row: RowKey) -> bool:
        """Whether it was stored."""
        if rows not in self._row_sets:
            relation = self._relation(rows)
            if relation is not None:
                return self._row(relation, self._keys(relation), self._ordered(rows, row)) is not None
        return row in self._joined(rows)

    def run_periods(self, key: str) -> Sequence[PeriodItem]:
        """The periods of the run."""
        return self._periods.get(key, ())

    def matching(self, node: Gather | EndOf | Allocate | Rank, wanted: tuple[str | None, ...]) -> Sequence[RowKey]:
        """Found with one query, which also brings the rows' values."""
        at = (id(node), wanted)
        if at not in self._groups:
            self._groups[at] = (node, self._match(node, wanted, None))
        return self._groups[at][1]

    def some(
        self, node: Gather | EndOf | Allocate | Rank, wanted: tuple[str | None, ...], limit: int
    ) -> tuple[Sequence[RowKey], int]:
        """The first rows, and how many there are, without reading them all."""
        relation = self._relation(node.rows)
        if (id(node), wanted) in self._groups or relation is None:
            found = self.matching(node, wanted)
            return found[:limit], len(found)
        sql, values = self._condition(node, wanted, relation)
        total = self._query(f"select count(*) {sql}", values)[1][0][0]
        if total <= limit:
            found = self.matching(node, wanted)
            return found, len(found)
        return self._match(node, wanted, limit), total

    # -- reading ----------------------------------------------------------------------------------------------------
    def close(self) -> None:
        """Let go of the files."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _query(self, sql: str, values: Sequence[object] = ()) -> tuple[list[str], list[tuple[Any, ...]]]:
        if self._connection is None:
            from accord.engine.database import in_memory

            self._connection = in_memory()
            for relation, stored in self._stored.items():
                if isinstance(stored.data, Path):
                    path = str(stored.data).replace("'", "''")
                    self._connection.execute(
                        f"create view {quoted(relation)} as from read_parquet('{path}')"
                    ).fetchall()
                else:
                    self._connection.register(relation, stored.data)
        cursor = self._connection.execute(sql, list(values))
        names = [column[0] for column in cursor.description or ()]
        return names, cursor.fetchall()

    def _result(self, rows: RowSet) -> str | None:
        keys = self._results.get(frozenset(rows.keys))
        return None if keys is None else f"rows {','.join(keys)}"

    def _relation(self, rows: RowSet) -> str | None:
        """The stored table that has the rows of a row set, if one has."""
        if len(rows.sources) == 1 and rows.sources[0] in self.contract.tables:
            table = self.contract.tables[rows.sources[0]]
            held = self.contract.rows.get(frozenset(rows.keys))
            if frozenset(table.keys) == frozenset(rows.keys) and (held != rows or self._result(rows) is None):
                return f"table {table.name}"
        return self._result(rows)

    def _keys(self, relation: str) -> tuple[str, ...]:
        if relation.startswith("table "):
            return self.contract.tables[relation.removeprefix("table ")].keys
        return tuple(key for key in relation.removeprefix("rows ").split(",") if key)

    def _ordered(self, rows: RowSet, row: RowKey) -> RowKey:
        """A row in the order of keys of the table that stores it."""
        relation = self._relation(rows)
        assert relation is not None
        return tuple(row[rows.keys.index(key)] for key in self._keys(relation))

    def _typed(self, value: Any, places: int | None, kind: str) -> Value | None:
        if value is None:
            return None
        if kind == "number":
            return Fraction(int(value), 10 ** (places or 0))
        return value.date() if isinstance(value, dt.datetime) else value

    def _row(self, relation: str, keys: tuple[str, ...], row: RowKey) -> Mapping[str, Any] | None:
        """The whole stored row; a small table is read at once."""
        at = (relation, row)
        if at in self._cache or relation in self._whole:
            return self._cache.get(at)
        if relation not in self._stored:
            return None
        world, values = self._world_condition(relation, "")
        if self._size(relation) <= _SMALL:
            names, found = self._query(f"select * from {quoted(relation)} where {world}", values)
            self._whole.add(relation)
            self._keep(relation, keys, names, found)
            return self._cache.get(at)
        tests = " and ".join([world, *(f"{quoted(key)} = ?" for key in keys)])
        names, found = self._query(f"select * from {quoted(relation)} where {tests} limit 1", [*values, *row])
        self._keep(relation, keys, names, found)
        return self._cache.setdefault(at, None)

    def prepare(self, keys: Sequence[str], rows: Sequence[RowKey]) -> None:
        """Fetch several rows of every large table with these keys, one query a table."""
        for relation in self._stored:
            held = self._keys(relation)
            if not rows or set(held) != set(keys) or self._size(relation) <= _SMALL:
                continue
            ordered = [tuple(row[keys.index(key)] for key in held) for row in rows]
            wanted = [row for row in ordered if (relation, row) not in self._cache]
            if not wanted:
                continue
            world, values = self._world_condition(relation, "")
            tests = [world]
            for position, key in enumerate(held):
                members = sorted({row[position] for row in wanted})
                tests.append(f"{quoted(key)} in ({', '.join('?' for _ in members)})")
                values += members
            names, found = self._query(f"select * from {quoted(relation)} where {' and '.join(tests)}", values)
            self._keep(relation, held, names, found)
            for row in wanted:
                self._cache.setdefault((relation, row), None)

    def _size(self, relation: str) -> int:
        if relation not in self._sizes:
            self._sizes[relation] = self._query(f"select count(*) from {quoted(relation)}")[1][0][0]
        return self._sizes[relation]

    def _world_condition(self, relation: str, alias: str) -> tuple[str, list[object]]:
        return (f"{alias}{quoted(WORLD)} = ?", [self.world]) if self._stored[relation].has_worlds else ("true", [])

    def _keep(
        self, relation: str, keys: Sequence[str], names: Sequence[str], found: Sequence[tuple[Any, ...]]
    ) -> list[RowKey]:
        positions = [names.index(key) for key in keys]
        kept: list[RowKey] = []
        for values in found:
            row = tuple(str(values[position]) for position in positions)
            self._cache[(relation, row)] = dict(zip(names, values, strict=True))
            kept.append(row)
        return kept

    def _match(
        self, node: Gather | EndOf | Allocate | Rank, wanted: tuple[str | None, ...], limit: int | None
    ) -> list[RowKey]:
        relation = self._relation(node.rows)
        if relation is None:
            paths = match_paths(node)
            rows = sorted(self._joined(node.rows))
            return [row for row in rows if tuple(self.follow(p, node.rows.keys, row) for p in paths) == wanted]
        sql, values = self._condition(node, wanted, relation)
        keys = self._keys(relation)
        order = ", ".join(f"b.{quoted(key)}" for key in node.rows.keys) or "1"
        end = f" limit {limit}" if limit is not None else ""
        names, found = self._query(f"select b.* {sql} order by {order}{end}", values)
        rows = self._keep(relation, keys, names, found)
        return [tuple(row[keys.index(key)] for key in node.rows.keys) for row in rows]

    def _joined(self, rows: RowSet) -> frozenset[RowKey]:
        """The rows of a row set that no stored table has, from the keys of its sources."""
        if rows not in self._row_sets:
            found: set[RowKey] = set()
            for one in joined(self.contract, rows, self._source_rows, self._periods):
                key = self.follow_all(rows.paths, tuple(one), tuple(one.values()))
                if key is not None:
                    found.add(key)
            self._row_sets[rows] = frozenset(found)
        return self._row_sets[rows]

    def _source_rows(self, table: str) -> list[Mapping[str, str]]:
        relation = f"table {table}"
        world, values = self._world_condition(relation, "")
        keys = self.contract.tables[table].keys
        chosen = ", ".join(quoted(key) for key in keys) or "1 as one"
        _, found = self._query(f"select {chosen} from {quoted(relation)} where {world}", values)
        return [dict(zip(keys, row, strict=False)) for row in found]

    # -- where rows match, in SQL -----------------------------------------------------------------------------------
    def _condition(
        self, node: Gather | EndOf | Allocate | Rank, wanted: tuple[str | None, ...], relation: str
    ) -> tuple[str, list[object]]:
        """``from … where …`` for the rows that belong to ``wanted``."""
        joins: list[str] = []
        join_values: list[object] = []
        world, values = self._world_condition(relation, "b.")
        tests = [world]
        for path, label in zip(match_paths(node), wanted, strict=True):
            if isinstance(path, EnclosingPeriod) and isinstance(path.of, OwnKey) and label is not None:
                box = self.contract.period(path.key, label)
                items = self.contract.keys[path.of_key].items
                inside = [item.label for item in items if box is not None and box.first <= item.first <= box.last]
                tests.append(f"b.{quoted(path.of.key)} in ({', '.join('?' for _ in inside) or 'null'})")
                values += inside
            else:
                expression = self._expression(path, joins, join_values)
                tests.append(f"{expression} is null" if label is None else f"{expression} = ?")
                values += [] if label is None else [label]
        return f"from {quoted(relation)} b {' '.join(joins)} where {' and '.join(tests)}", [*join_values, *values]

    def _expression(self, path: KeyPath, joins: list[str], values: list[object]) -> str:
        match path:
            case OwnKey(key=key):
                return f"b.{quoted(key)}"
            case EnclosingPeriod(key=key, of_key=of_key, of=of):
                inner = self._expression(of, joins, values)
                alias = f"j{len(joins)}"
                outer = self.contract.keys[key].items
                pairs = [
                    f"('{item.label}', '{box.label}')"
                    for item in self.contract.keys[of_key].items
                    for box in outer
                    if box.first <= item.first <= box.last
                ]
                table = f"(values {', '.join(pairs)})" if pairs else "(select '', '' where false)"
                joins.append(f"left join {table} {alias}(inner_label, outer_label) on {alias}.inner_label = {inner}")
                return f"{alias}.outer_label"
            case HeldByColumn(table=table, column=column, at=at):
                return self._join(f"table {table}", self.contract.tables[table].keys, column, at, joins, values)
            case BorneByQuantity(quantity=quantity, at=at):
                rows = self.contract.quantities[quantity].rows
                relation = self._result(rows)
                assert relation is not None
                return self._join(relation, rows.keys, quantity, at, joins, values)

    def _join(
        self,
        relation: str,
        keys: Sequence[str],
        column: str,
        at: Sequence[KeyPath],
        joins: list[str],
        values: list[object],
    ) -> str:
        found = [self._expression(step, joins, values) for step in at]
        alias = f"j{len(joins)}"
        world, given = self._world_condition(relation, f"{alias}.")
        on = " and ".join([world, *(f"{alias}.{quoted(key)} = {one}" for key, one in zip(keys, found, strict=True))])
        joins.append(f"left join {quoted(relation)} {alias} on {on}")
        values += given
        return f"{alias}.{quoted(column)}"


def settled_values(settlement: Settlement, world: int = 0) -> StoredValues:
    """The values of one world of a settlement that is still in memory."""
    inputs: Inputs = settlement.inputs
    results = {keys: StoredTable(table.data, table.places, True) for keys, table in settlement.tables.items()}
    tables = {name: StoredTable(table.data, table.places, table.has_worlds) for name, table in inputs.tables.items()}
    return StoredValues(
        settlement.contract, results, tables, inputs.periods,
        world=world, known_on=inputs.known_on, what_ifs=inputs.what_ifs,
    )  # fmt: skip
