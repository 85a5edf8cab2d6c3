"""A worked example settled without a table library: a few rows, settled by the exact reference in plain Python.

``accord check`` runs the examples on every check, so they must not wait for a database to start. What stands here only
ever says *this example is in order*; at the slightest doubt it says nothing, and :mod:`accord.settlement.examples`
settles the example in the ordinary way, which finds the words for what is wrong.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from accord.language.contract import Column, Contract, Example, Table, Value
from accord.language.problem import AccordError

if TYPE_CHECKING:
    from accord.engine.inputs import LoadedTable

RowKey = tuple[str, ...]


class Doubt(Exception):
    """Something is not as plain as it should be."""


@dataclass(frozen=True, slots=True)
class _Column:
    values: list[Any]

    def to_pylist(self) -> list[Any]:
        return self.values


@dataclass(frozen=True, slots=True)
class _Rows:
    """As much of an Arrow table as the reference asks for."""

    columns: Mapping[str, list[Any]]
    num_rows: int

    @property
    def column_names(self) -> list[str]:
        return list(self.columns)

    def column(self, name: str) -> _Column:
        return _Column(self.columns[name])


def settle_quickly(contract: Contract, example: Example) -> Mapping[str, Mapping[RowKey, Value | None]] | None:
    """Every quantity of a worked example by row, if everything about it is in order; None at the slightest doubt."""
    try:
        return _settle(contract, example)
    except (Doubt, AccordError, KeyError, ValueError, ArithmeticError, RecursionError):
        return None


def _settle(contract: Contract, example: Example) -> Mapping[str, Mapping[RowKey, Value | None]]:
    from accord.engine.inputs import Inputs
    from accord.engine.reference import Reference

    if any(name not in contract.inputs for name in example.given):
        raise Doubt
    rows = {name: _typed(contract, table, example.given.get(name)) for name, table in contract.inputs.items()}
    first, last = _window(contract, rows)
    periods = {
        key.name: tuple(item for item in key.items if first <= item.first and item.last <= last)
        for key in contract.keys.values()
        if key.is_period
    }
    for name, table in contract.tables.items():
        if table.own:
            rows[name] = _inside(table, periods)
    _same_rows(contract, rows)
    loaded = {name: _loaded(contract.tables[name], rows[name]) for name in contract.tables}
    reference = Reference(contract, Inputs(loaded, first, last, periods))
    read = _watch(reference, contract)
    values = {name: reference.values(name) for name in contract.quantities}
    if reference.checks():
        raise Doubt
    for payment in contract.payments:
        amounts = values[payment.quantity].values()
        if not payment.reverse_when_negative and any(isinstance(one, Fraction) and one < 0 for one in amounts):
            raise Doubt
    _all_read(contract, reference, rows, read)
    return values


def _typed(
    contract: Contract, table: Table, given: Sequence[Mapping[str, str]] | None
) -> dict[RowKey, tuple[Value | None, ...]]:
    if given is None and not table.optional:
        raise Doubt
    names = {*table.keys, *(column.name for column in table.columns)}
    found: dict[RowKey, tuple[Value | None, ...]] = {}
    for row in given or ():
        if not set(row) <= names:
            raise Doubt
        key = tuple(_key(contract, name, row[name]) for name in table.keys)
        if key in found:
            raise Doubt
        found[key] = tuple(_value(contract, column, row.get(column.name)) for column in table.columns)
    return found


def _key(contract: Contract, key: str, written: str) -> str:
    if not written or written != written.strip():
        raise Doubt
    items = contract.keys[key].items
    if not items:
        return written
    for item in items:
        if written in (item.label, item.name):
            return item.label
    raise Doubt


def _value(contract: Contract, column: Column, written: str | None) -> Value | None:
    if written is None or written == "":
        if not column.type.missing:
            raise Doubt
        return None
    match column.type.kind:
        case "number":
            if not re.fullmatch(r"-?\d{1,30}(\.\d{1,30})?", written):
                raise Doubt
            places = len(written.partition(".")[2])
            if column.places is not None and places > column.places:
                raise Doubt
            value = Fraction(written) / (100 if column.written and column.written.percent else 1)
            if column.minimum is not None and value < column.minimum:
                raise Doubt
            return value
        case "flag":
            if written not in ("true", "false"):
                raise Doubt
            return written == "true"
        case "date":
            return dt.date.fromisoformat(written)
        case "key":
            return _key(contract, column.type.key or column.name, written)
        case "text":
            if written != written.strip() or (column.type.options is not None and written not in column.type.options):
                raise Doubt
            return written


def _window(contract: Contract, rows: Mapping[str, Mapping[RowKey, object]]) -> tuple[dt.date, dt.date]:
    """First and last day: from the periods of the data, as in a settlement."""
    days: list[tuple[dt.date, dt.date]] = []
    for name, held in rows.items():
        for position, key in enumerate(contract.tables[name].keys):
            items = {item.label: item for item in contract.keys[key].items}
            days += [(items[row[position]].first, items[row[position]].last) for row in held if items]
    first = min((first for first, _ in days), default=contract.term.start)
    last = max((last for _, last in days), default=contract.term.last)
    if contract.looks_back and first > contract.term.start:
        raise Doubt
    return first, last


def _inside(table: Table, periods: Mapping[str, Sequence[Any]]) -> dict[RowKey, tuple[Value | None, ...]]:
    inside = {at: {item.label for item in periods[key]} for at, key in enumerate(table.keys) if key in periods}
    size = len(table.keys)
    return {
        tuple(str(cell) for cell in row[:size]): row[size:]
        for row in table.rows or ()
        if all(row[at] in labels for at, labels in inside.items())
    }


def _same_rows(contract: Contract, rows: Mapping[str, Mapping[RowKey, object]]) -> None:
    """Required tables with the same keys have the same rows."""
    by_keys: dict[frozenset[str], list[set[frozenset[tuple[str, str]]]]] = {}
    for name, table in contract.tables.items():
        if not table.optional and table.keys:
            named = {frozenset(zip(table.keys, row, strict=True)) for row in rows[name]}
            by_keys.setdefault(frozenset(table.keys), []).append(named)
    if any(one != several[0] for several in by_keys.values() for one in several):
        raise Doubt


def _loaded(table: Table, rows: Mapping[RowKey, tuple[Value | None, ...]]) -> LoadedTable:
    from accord.engine.inputs import LoadedTable

    columns: dict[str, list[Any]] = {key: [row[at] for row in rows] for at, key in enumerate(table.keys)}
    for at, column in enumerate(table.columns):
        columns[column.name] = [values[at] for values in rows.values()]
    data: Any = _Rows(columns, len(rows))
    return LoadedTable(table.name, data, {}, False)


class _Watched(dict[RowKey, Any]):
    """The rows of a table; remembers which were asked for."""

    def __init__(self, rows: Mapping[RowKey, Any]) -> None:
        super().__init__(rows)
        self.asked: set[RowKey] = set()

    def get(self, key: RowKey, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def _watch(reference: Any, contract: Contract) -> Mapping[str, _Watched]:
    world = reference.world(0)
    watched = {name: _Watched(rows) for name, rows in world._tables.items()}
    world._tables = watched
    return {name: watched[name] for name in contract.inputs}


def _all_read(
    contract: Contract,
    reference: Any,
    rows: Mapping[str, Mapping[RowKey, object]],
    read: Mapping[str, _Watched],
) -> None:
    """Every row that was given has been asked for, or gives rows to quantities."""
    for name in contract.inputs:
        unread = set(rows[name]) - read[name].asked
        if unread:
            unread -= set(_giving(contract, reference, name))
        if unread:
            raise Doubt


def _giving(contract: Contract, reference: Any, name: str) -> Iterator[RowKey]:
    keys = contract.tables[name].keys
    for row_set in contract.rows.values():
        if name in row_set.sources and set(keys) <= set(row_set.keys):
            at = [row_set.keys.index(key) for key in keys]
            for row in reference.rows(row_set):
                yield tuple(row[position] for position in at)
