"""The values of a run or of a settlement, read as they are asked for: what explanations and statements stand on.

Nothing is computed again: a quantity is what was settled. Only the columns that are asked for are read, and a row is
found by bisection, since stored tables are sorted by their keys; so one number of a large run is explained at once.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from accord.engine.columns import WORLD
from accord.engine.reference import NotThere, RowEvaluator, RowKey, match_paths, stop
from accord.engine.rows import enclosing, joined
from accord.language.contract import Contract, PeriodItem, Table, Value
from accord.language.meaning import (
    Allocate,
    ColumnValue,
    EnclosingPeriod,
    EndOf,
    Gather,
    KeyPath,
    OwnKey,
    QuantityValue,
    Rank,
    RowSet,
)
from accord.settlement import storage

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

    from accord.engine import Settlement
    from accord.settlement.run import Run


WORTH_AN_INDEX = 30
"""How many rows can be indexed in the time of one bisection."""


class StoredTable:
    """Rows in the form of :func:`accord.settlement.storage.stored`, sorted by their keys.

    Of a Parquet file whole columns, or the rows around one, are read when they are asked for.
    """

    def __init__(self, held: pa.Table | pq.ParquetFile, keys: Sequence[str]) -> None:
        import pyarrow as pa

        self.keys = tuple(keys)
        self._columns: dict[str, pa.Array] = {}
        self._parts: dict[tuple[str, int], pa.Array] = {}
        self.count: int
        if isinstance(held, pa.Table):
            self._columns = {name: held.column(name).combine_chunks() for name in held.column_names}
            self.names, self.count = frozenset(held.column_names), held.num_rows
        else:
            self._file = held
            groups = [held.metadata.row_group(number).num_rows for number in range(held.metadata.num_row_groups)]
            self._starts = list(accumulate(groups, initial=0))[:-1]
            self.names, self.count = frozenset(held.schema_arrow.names), held.metadata.num_rows
        self._asked = 0
        self._index: dict[RowKey, int] | None = None

    def column(self, name: str) -> pa.Array:
        """A column, whole."""
        if name not in self._columns:
            self._columns[name] = self._file.read(columns=[name]).column(0).combine_chunks()
        return self._columns[name]

    def cell(self, name: str, number: int) -> Any:
        """What stands in a column in a row, as it is stored."""
        if name in self._columns:
            return self._columns[name][number].as_py()
        group = bisect_right(self._starts, number) - 1
        if (name, group) not in self._parts:
            self._parts[name, group] = self._file.read_row_group(group, columns=[name]).column(0).combine_chunks()
        return self._parts[name, group][number - self._starts[group]].as_py()

    def key(self, number: int) -> RowKey:
        """The key of a row."""
        return tuple(self.cell(name, number) for name in self.keys)

    def find(self, row: RowKey) -> int | None:
        """The number of the row with that key: by bisection, and by an index once that would have paid."""
        self._asked += 1
        if self._index is None and self._asked * WORTH_AN_INDEX > self.count:
            self._index = {key: number for number, key in enumerate(self.rows())}
        if self._index is not None:
            return self._index.get(row)
        low, high = 0, self.count
        while low < high:
            middle = (low + high) // 2
            if self.key(middle) < row:
                low = middle + 1
            else:
                high = middle
        return low if low < self.count and self.key(low) == row else None

    def rows(self, numbers: pa.Array | None = None) -> list[RowKey]:
        """The keys of the rows of these numbers, or of all, in order."""
        if not self.keys:
            return [()] * (self.count if numbers is None else len(numbers))
        columns = [self.column(name) for name in self.keys]
        return list(zip(*((c if numbers is None else c.take(numbers)).to_pylist() for c in columns), strict=True))

    def value(self, name: str, number: int, percent: bool) -> Value | None:
        """The exact value of a column in a row."""
        if f"{name}:n" in self.names:
            n, d = self.cell(f"{name}:n", number), self.cell(f"{name}:d", number)
            return None if n is None or d is None else Fraction(int(n), int(d))
        return exact(self.cell(name, number), percent)


def exact(value: Any, percent: bool) -> Value | None:
    """A stored value as the engines hold it."""
    if isinstance(value, Decimal):
        return Fraction(value) / 100 if percent else Fraction(value)
    return value


Held = Callable[[], "pa.Table | pq.ParquetFile"]
"""Where a table is to be had once it is asked for."""


class StoredValues(RowEvaluator):
    """What was settled, as formulas see it: every value as it came out."""

    def __init__(
        self,
        contract: Contract,
        periods: Mapping[str, Sequence[PeriodItem]],
        results: Mapping[tuple[str, ...], Held],
        inputs: Mapping[str, Held],
        known_on: dt.date | None,
        what_ifs: Mapping[str, Mapping[int, Value]],
    ) -> None:
        super().__init__(contract, 0, known_on, what_ifs)
        self._periods = periods
        self._results, self._inputs = results, inputs
        self._tables: dict[str, StoredTable] = {}
        self._quantities: dict[tuple[str, ...], StoredTable] = {}
        self._own: dict[str, dict[RowKey, dict[str, Value | None]]] = {}
        self._rows: dict[RowSet, list[RowKey]] = {}
        self._row_sets: dict[RowSet, frozenset[RowKey]] = {}
        self._gathered: dict[tuple[int, RowKey], Value | None] = {}
        self._groups: dict[tuple[int, tuple[str | None, ...]], list[RowKey]] = {}

    @classmethod
    def of_run(cls, run: Run) -> StoredValues:
        """What a run has kept, read where it lies."""
        import pyarrow.parquet as pq

        from accord.engine.inputs import what_if_value

        contract = run.contract
        changed: dict[str, Mapping[int, Value]] = {}
        for name, written in run.what_ifs.items():
            value = what_if_value(contract.parameters[name.partition(".")[0]], written)
            if value is not None:
                changed[name] = {0: value}
        periods = {
            key.name: tuple(item for item in key.items if run.first <= item.first and item.last <= run.last)
            for key in contract.keys.values()
            if key.is_period
        }
        results = {tuple(one["keys"]): run.folder / file for file, one in run.manifest["quantities"].items()}
        inputs = {name: run.folder / one["file"] for name, one in run.manifest["inputs"].items()}
        return cls(
            contract,
            periods,
            {keys: partial(pq.ParquetFile, path) for keys, path in results.items()},
            {name: partial(pq.ParquetFile, path) for name, path in inputs.items()},
            run.known_on,
            changed,
        )

    @classmethod
    def of_settlement(cls, settlement: Settlement) -> StoredValues:
        """What a settlement in memory came to in world 0, each table brought into form when it is asked for."""
        contract, inputs = settlement.contract, settlement.inputs
        return cls(
            contract,
            inputs.periods,
            {keys: partial(storage.results_of, settlement, keys) for keys in settlement.tables},
            {name: partial(storage.input_of, inputs, contract, name) for name in contract.inputs},
            inputs.known_on,
            inputs.what_ifs,
        )

    def _table(self, held: pa.Table | pq.ParquetFile, keys: Sequence[str]) -> StoredTable:
        """A stored table; of one that differs by world, the rows of this one."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if WORLD in (held.column_names if isinstance(held, pa.Table) else held.schema_arrow.names):
            whole = held if isinstance(held, pa.Table) else held.read()
            held = whole.filter(pc.equal(whole.column(WORLD), self.world))
        return StoredTable(held, keys)

    # -- quantities -------------------------------------------------------------------------------------------------
    def _is_stored(self, rows: RowSet) -> bool:
        """Whether this very row set was kept: an optional table can have the same keys and other rows."""
        return rows.keys in self._results and self.contract.rows.get(frozenset(rows.keys)) == rows

    def _of(self, keys: tuple[str, ...]) -> StoredTable:
        if keys not in self._quantities:
            self._quantities[keys] = self._table(self._results[keys](), keys)
        return self._quantities[keys]

    def quantity(self, name: str, row: RowKey) -> Value | None:
        """A quantity as it was settled."""
        quantity = self.contract.quantities[name]
        table = self._of(quantity.keys)
        number = table.find(row)
        if number is None:
            named = dict(zip(quantity.keys, row, strict=True))
            raise NotThere(f"{name} has no row for {', '.join(f'{k} {v}' for k, v in named.items())}", named)
        if name not in table.names:
            raise stop(quantity.place, f"{name} was not settled", "settle again, and ask for it")
        percent = bool(quantity.written and quantity.written.percent)
        value = table.value(name, number, percent)
        return Fraction(value) if quantity.type.kind == "number" and isinstance(value, str) else value

    # -- tables -----------------------------------------------------------------------------------------------------
    def _input(self, name: str) -> StoredTable:
        if name not in self._tables:
            self._tables[name] = self._table(self._inputs[name](), self.contract.tables[name].keys)
        return self._tables[name]

    def _own_rows(self, name: str) -> dict[RowKey, dict[str, Value | None]]:
        if name not in self._own:
            table = self.contract.tables[name]
            self._own[name] = dict(own_rows(table))
        return self._own[name]

    def cell(self, table: str, column: str, row: RowKey) -> Value | None:
        """A value that was put in, or of a table of the contract."""
        held = self.contract.tables[table]
        if held.own:
            found = self._own_rows(table).get(row)
            if found is not None:
                return found[column]
        else:
            stored = self._input(table)
            number = stored.find(row)
            if number is not None:
                told = held.column(column)
                value = stored.value(column, number, bool(told.written and told.written.percent))
                return Fraction(value) if told.type.kind == "number" and isinstance(value, str) else value
        named = dict(zip(held.keys, row, strict=True))
        raise NotThere(f"{table} has no row for {', '.join(f'{k} {v}' for k, v in named.items())}", named)

    def table_has(self, table: str, row: RowKey) -> bool:
        """Whether it was put in."""
        if self.contract.tables[table].own:
            return row in self._own_rows(table)
        return self._input(table).find(row) is not None

    def _table_rows(self, table: str) -> Iterator[Mapping[str, str]]:
        keys = self.contract.tables[table].keys
        rows = self._own_rows(table) if self.contract.tables[table].own else self._input(table).rows()
        for row in rows:
            yield dict(zip(keys, row, strict=True))

    # -- rows -------------------------------------------------------------------------------------------------------
    def rows(self, rows: RowSet) -> Sequence[RowKey]:
        """The rows of a row set, in byte order of their keys."""
        if rows not in self._rows:
            if self._is_stored(rows):
                self._rows[rows] = self._of(rows.keys).rows()
            else:
                found: set[RowKey] = set()
                for one in joined(self.contract, rows, self._table_rows, self._periods):
                    key = self.follow_all(rows.paths, tuple(one), tuple(one.values()))
                    if key is not None:
                        found.add(key)
                inside = [
                    (position, {item.label for item in self.run_periods(name)})
                    for position, name in enumerate(rows.keys)
                    if self.contract.keys[name].is_period
                ]
                self._rows[rows] = sorted(row for row in found if all(row[p] in labels for p, labels in inside))
        return self._rows[rows]

    def row_exists(self, rows: RowSet, row: RowKey) -> bool:
        """Whether it is among :meth:`rows`."""
        if self._is_stored(rows):
            return self._of(rows.keys).find(row) is not None
        if rows not in self._row_sets:
            self._row_sets[rows] = frozenset(self.rows(rows))
        return row in self._row_sets[rows]

    def matching(self, node: Gather | EndOf | Allocate | Rank, wanted: tuple[str | None, ...]) -> Sequence[RowKey]:
        """The rows that belong to a row: keys of their own are filtered at once, the rest followed row by row."""
        at = (id(node), wanted)
        if at not in self._groups:
            paths = match_paths(node)
            keys = node.rows.keys
            candidates = self._narrowed(node.rows, list(zip(paths, wanted, strict=True)))
            self._groups[at] = [
                row
                for row in candidates
                if all(self.follow(path, keys, row) == want for path, want in zip(paths, wanted, strict=True))
                and (None not in wanted or isinstance(node, Rank))
            ]
        return self._groups[at]

    def some(
        self, node: Gather | EndOf | Allocate | Rank, wanted: tuple[str | None, ...], limit: int
    ) -> tuple[Sequence[RowKey], int]:
        """The first rows that belong to a row, and how many there are."""
        found = self.matching(node, wanted)
        return found[:limit], len(found)

    def _gather(self, node: Gather, keys: Sequence[str], row: RowKey) -> Value | None:
        """Gathered once; a whole column at a time where the rows say by their own keys where they belong."""
        at = (id(node), row)
        if at not in self._gathered:
            values = self._values_at_once(node, keys, row)
            if values is None:
                self._gathered[at] = super()._gather(node, keys, row)
            elif None in values:
                self._gathered[at] = None
            else:
                self._gathered[at] = sum((v for v in values if isinstance(v, Fraction)), Fraction(0))
        return self._gathered[at]

    def _values_at_once(self, node: Gather, keys: Sequence[str], row: RowKey) -> list[Value | None] | None:
        """What a plain sum adds up, read as a column; None if it is not as plain as that."""
        value = node.value
        if node.how != "sum" or node.where is not None or not isinstance(value, (ColumnValue, QuantityValue)):
            return None
        if not self._is_stored(node.rows):
            return None
        if isinstance(value, QuantityValue):
            own, written = (
                self.contract.quantities[value.quantity].keys,
                self.contract.quantities[value.quantity].written,
            )
            name, table = value.quantity, self._of(own)
        else:
            held = self.contract.tables[value.table]
            if held.own:
                return None
            own, written = held.keys, held.column(value.column).written
            name, table = value.column, self._input(value.table)
        if value.at != tuple(OwnKey(key) for key in own) or set(own) != set(node.rows.keys):
            return None
        if table.count != self._of(node.rows.keys).count or f"{name}:n" in table.names:
            return None
        wanted = list(zip(node.match, (row[list(keys).index(key)] for key in node.keys), strict=True))
        mask, whole = self._mask(table, wanted)
        if not whole:
            return None
        column = table.column(name) if mask is None else table.column(name).filter(mask)
        percent = bool(written and written.percent)
        found = [exact(one, percent) for one in column.to_pylist()]
        return [Fraction(one) if isinstance(one, str) else one for one in found]

    def _narrowed(self, rows: RowSet, wanted: Sequence[tuple[KeyPath, str | None]]) -> Sequence[RowKey]:
        """The rows that can match, by those paths that are the row's own keys or periods around them."""
        if not self._is_stored(rows):
            return self.rows(rows)
        import pyarrow.compute as pc

        table = self._of(rows.keys)
        mask, _ = self._mask(table, wanted)
        if mask is None:
            return self.rows(rows)
        return table.rows(pc.indices_nonzero(mask))

    def _mask(self, table: StoredTable, wanted: Sequence[tuple[KeyPath, str | None]]) -> tuple[Any, bool]:
        """Which rows match by their own keys and the periods around them; whether that is all there is to it."""
        import pyarrow as pa
        import pyarrow.compute as pc

        mask, whole = None, True
        for path, want in wanted:
            match path:
                case OwnKey(key=key):
                    one = pc.equal(table.column(key), pa.scalar(want, pa.string()))
                case EnclosingPeriod(key=key, of_key=of_key, of=OwnKey(key=own)) if want is not None:
                    labels = [
                        item.label
                        for item in self.contract.keys[of_key].items
                        if enclosing(self.contract, key, of_key, item.label) == want
                    ]
                    one = pc.is_in(table.column(own), value_set=pa.array(labels, pa.string()))
                case _:
                    whole = False
                    continue
            mask = one if mask is None else pc.and_(mask, one)
        return mask, whole

    def run_periods(self, key: str) -> Sequence[PeriodItem]:
        """The periods of the run."""
        return self._periods.get(key, ())


def own_rows(table: Table) -> Iterator[tuple[RowKey, dict[str, Value | None]]]:
    """The rows of a table of the contract: key and values by column."""
    size = len(table.keys)
    for row in table.rows or ():
        key = tuple(cell.isoformat() if isinstance(cell, dt.date) else str(cell) for cell in row[:size])
        yield key, {column.name: value for column, value in zip(table.columns, row[size:], strict=True)}
