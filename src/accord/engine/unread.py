"""Rows of inputs that nobody reads: an indicator nobody pays for, a practice that is not on the roster.

Worked out on sets of keys, never row by row, from what the formulas *could* read: a branch that a row does not take
counts as reading. Worlds are ignored, and a key that only a computed quantity knows fits every row: so there is never a
false alarm, and sometimes a silence.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# (pyarrow comes without types)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accord.engine.columns import PERSONAL, WORLD
from accord.engine.inputs import Inputs
from accord.engine.rows import ancestors, enclosing
from accord.engine.source import SHOWN
from accord.language.contract import Contract, PartyOfRow
from accord.language.meaning import (
    Allocate,
    BorneByQuantity,
    ColumnValue,
    EnclosingPeriod,
    EndOf,
    Gather,
    HeldByColumn,
    KeyPath,
    KeyValue,
    Node,
    OwnKey,
    ParameterValue,
    PeriodDay,
    PeriodLength,
    Prior,
    QuantityValue,
    Rank,
    RowSet,
    ScaleValue,
    TrailingAverage,
    children,
)
from accord.language.place import Place
from accord.language.problem import Problem

if TYPE_CHECKING:
    import duckdb

_MANY = 2_000_000
"""Rows of a table that differs by world beyond which only the first world is looked at: the others are made like it."""


def unread_rows(contract: Contract, inputs: Inputs) -> list[Problem]:
    """One problem for each input with rows that no row of the contract finds or gathers; its place names the input.

    Never a false alarm: where the answer depends on a computed quantity, a row counts as read.
    """
    return _Unread(contract, inputs).problems()


@dataclass(frozen=True, slots=True)
class _Where:
    """Rows of ``rows``; of a gathering, only those whose ``match`` fits a row of ``target``."""

    rows: RowSet
    match: tuple[KeyPath, ...] = ()
    target: _Where | None = None
    keys: tuple[str, ...] = ()


class _Used:
    """Which rows of a row set come to anything: are paid, reported, read by finer rows, or gathered by a row that is.

    ``paid: fee`` for each [practice, month] and ``sum(paid)`` for each [practice, year] must not lose the months of a
    practice that no [practice, year] has. A check reads a row, but pays it nothing: it does not count.
    """

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.all: set[frozenset[str]] = set()
        """Sets of keys of which every row counts."""
        self.gathered: dict[frozenset[str], list[tuple[RowSet, tuple[KeyPath, ...], RowSet, tuple[str, ...]]]] = {}
        """By the keys of the finer rows: those rows, the paths that match, the rows that gather, and their keys."""
        paid = {payment.quantity for payment in contract.payments} | {notice.when for notice in contract.notices}
        for quantity in contract.quantities.values():
            if quantity.report or quantity.key is not None or quantity.name in paid:
                self.all.add(frozenset(quantity.keys))
            for version in quantity.versions:
                self._visit(version.formula, quantity.rows)

    def _visit(self, node: Node, rows: RowSet) -> None:
        match node:
            case QuantityValue(quantity=quantity):
                held = frozenset(self.contract.quantities[quantity].keys)
                if held != frozenset(rows.keys):
                    self.all.add(held)
            case Gather(rows=finer, match=paths, keys=keys) | EndOf(rows=finer, match=paths, keys=keys):
                self.gathered.setdefault(frozenset(finer.keys), []).append((finer, paths, rows, keys))
                for part in (node.value, node.where):
                    if part is not None:
                        self._visit(part, finer)
                return
            case _:
                pass
        for child in children(node):
            self._visit(child, rows)

    def wheres(self, rows: RowSet, seen: frozenset[frozenset[str]] = frozenset()) -> list[_Where]:
        """Where the rows of a row set count: everywhere, or only where a row that counts gathers them."""
        own = frozenset(rows.keys)
        gathered = self.gathered.get(own, [])
        if own in self.all or own in seen or not gathered:
            return [_Where(rows)]
        found: dict[_Where, None] = {}
        for finer, paths, coarser, keys in gathered:
            for target in self.wheres(coarser, seen | {own}):
                found[_Where(finer, paths, target, keys)] = None
        return list(found)


class _Unknown(Exception):
    """A key that only a computed quantity knows."""


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class _Unread:
    def __init__(self, contract: Contract, inputs: Inputs) -> None:
        self.contract, self.inputs = contract, inputs
        self.used = _Used(contract)
        self.whole: set[str] = set()
        """Inputs of which every row is read."""
        self.reads: dict[str, dict[tuple[tuple[KeyPath | None, ...], _Where], None]] = {}
        """By input: the paths that find its keys (None: any value), and where they are looked at."""
        self.relations: dict[_Where, str] = {}
        self.calendars: set[str] = set()
        self._connection: duckdb.DuckDBPyConnection | None = None

    def problems(self) -> list[Problem]:
        """See :func:`unread_rows`."""
        for quantity in self.contract.quantities.values():
            for where in self.used.wheres(quantity.rows):
                self.source(where)
                for version in quantity.versions:
                    self.node(version.formula, where)
        for check in self.contract.checks:
            for where in self.used.wheres(check.rows):
                self.source(where)
                self.node(check.condition, where)
        for payment in self.contract.payments:
            where = _Where(self.contract.quantities[payment.quantity].rows)
            self.party(payment.payer, where)
            self.party(payment.receiver, where)
        for notice in self.contract.notices:
            self.party(notice.about, _Where(self.contract.quantities[notice.when].rows))
        found: list[Problem] = []
        for name, table in self.contract.inputs.items():
            if name in self.reads and name not in self.whole and table.keys and self.inputs.tables[name].data.num_rows:
                problem = self.unread(name)
                if problem is not None:
                    found.append(problem)
        if self._connection is not None:
            self._connection.close()
        return found

    # -- who reads what ---------------------------------------------------------------------------------------------
    def read(self, table: str, paths: tuple[KeyPath | None, ...], where: _Where) -> None:
        """Note that ``paths``, at every row of ``where``, find rows of a table."""
        held = self.contract.tables[table]
        if held.own or table in self.whole:
            return
        own = tuple(OwnKey(key) for key in held.keys)
        if where.target is None and where.rows.sources == (table,) and paths == own:
            self.whole.add(table)
        else:
            self.reads.setdefault(table, {})[(paths, where)] = None

    def source(self, where: _Where) -> None:
        """The tables that give the rows of a row set are read by it."""
        for source in where.rows.sources:
            if source in self.contract.tables:
                self.read(source, tuple(OwnKey(key) for key in self.contract.tables[source].keys), where)

    def party(self, party: PartyOfRow, where: _Where) -> None:
        """Whoever a payment or notice is about."""
        for node in (party.member, party.payee):
            if node is not None:
                self.node(node, where)

    def path(self, path: KeyPath | None, where: _Where) -> None:
        """A path reads the tables that hold its keys."""
        match path:
            case EnclosingPeriod(of=of):
                self.path(of, where)
            case HeldByColumn(table=table, at=at):
                self.read(table, at, where)
                for step in at:
                    self.path(step, where)
            case BorneByQuantity(at=at):
                for step in at:
                    self.path(step, where)
            case _:
                return

    def node(self, node: Node, where: _Where) -> None:
        """Everything a node reads, at the rows of ``where``."""
        match node:
            case ColumnValue(table=table, at=at):
                self.read(table, at, where)
                self._paths(at, where)
            case QuantityValue(at=at):
                self._paths(at, where)
            case KeyValue(path=path) | PeriodLength(path=path) | PeriodDay(path=path):
                self.path(path, where)
            case ParameterValue(period=period) | ScaleValue(period=period):
                self.path(period, where)
            case Prior(of=of, period=period) | TrailingAverage(of=of, period=period):
                if isinstance(of, ColumnValue):
                    keys = self.contract.tables[of.table].keys
                    earlier = tuple(None if key == period else path for key, path in zip(keys, of.at, strict=True))
                    self.read(of.table, earlier, where)
            case Gather(rows=rows, match=paths, keys=keys) | EndOf(rows=rows, match=paths, keys=keys):
                finer = _Where(rows, paths, where, keys)
                self.source(finer)
                self._paths(paths, _Where(rows))
                for part in (node.value, node.where):
                    if part is not None:
                        self.node(part, finer)
                if isinstance(node, Gather) and node.fraction is not None:
                    self.node(node.fraction, where)
                return
            case Rank(partition=partition):
                self._paths(partition, where)
            case Allocate(group=group):
                self._paths(group, where)
            case _:
                pass
        for child in children(node):
            self.node(child, where)

    def _paths(self, paths: Sequence[KeyPath], where: _Where) -> None:
        for path in paths:
            self.path(path, where)

    # -- the sets -----------------------------------------------------------------------------------------------------
    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """A database with every table and calendar of the run."""
        if self._connection is None:
            import pyarrow.compute as pc

            from accord.engine.database import in_memory

            self._connection = in_memory()
            for name, table in self.inputs.tables.items():
                held = self.contract.tables[name]
                keys = [*held.keys, *(column.name for column in held.columns if column.type.kind == "key")]
                if keys:
                    data = table.data
                    if table.has_worlds and data.num_rows > _MANY:
                        data = data.filter(pc.equal(data.column(WORLD), self.inputs.worlds[0]))
                    self._connection.register(f"table {name}", data.select(keys))
        return self._connection

    def sql(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a result: DuckDB wants a result read before it does anything else."""
        return self.connection.execute(sql).fetchall()

    def calendar(self, key: str, of_key: str) -> str:
        """A table from each period of ``of_key`` to the period of ``key`` it lies in."""
        name = f"calendar {of_key} {key}"
        if name not in self.calendars:
            self.calendars.add(name)
            pairs = [
                f"('{item.label}', '{outer}')"
                for item in self.contract.keys[of_key].items
                if (outer := enclosing(self.contract, key, of_key, item.label)) is not None
            ]
            values = f"values {', '.join(pairs)}" if pairs else "select '', '' where false"
            self.sql(f"create table {_q(name)} as select * from ({values}) v(inner_label, outer_label)")
        return _q(name)

    def expression(self, path: KeyPath, joins: list[str]) -> str:
        """SQL for a path at a row ``b``; adds the joins it needs. Raises :class:`_Unknown`."""
        match path:
            case OwnKey(key=key):
                return f"b.{_q(key)}"
            case EnclosingPeriod(key=key, of_key=of_key, of=of):
                inner = self.expression(of, joins)
                alias = f"j{len(joins)}"
                joins.append(f"left join {self.calendar(key, of_key)} {alias} on {alias}.inner_label = {inner}")
                return f"{alias}.outer_label"
            case HeldByColumn(table=table, column=column, at=at):
                values = [self.expression(step, joins) for step in at]
                alias = f"j{len(joins)}"
                keys = self.contract.tables[table].keys
                on = " and ".join(f"{alias}.{_q(k)} = {v}" for k, v in zip(keys, values, strict=True)) or "true"
                joins.append(f"left join {_q(f'table {table}')} {alias} on {on}")
                return f"{alias}.{_q(column)}"
            case BorneByQuantity():
                raise _Unknown

    def relation(self, where: _Where) -> str:
        """A table of the rows of ``where``: its joined keys and its keys, distinct. Raises :class:`_Unknown`."""
        if where not in self.relations:
            rows = self.rows_sql(where)
            name = _q(f"rows {len(self.relations)}")
            self.sql(f"create table {name} as {rows}")
            self.relations[where] = name
        return self.relations[where]

    def rows_sql(self, where: _Where) -> str:
        """See :meth:`relation`."""
        if where.target is not None:
            base = self.relation(_Where(where.rows))
            target = self.relation(where.target)
            links: list[str] = []
            conditions: list[str] = []
            for key, path in zip(where.keys, where.match, strict=True):
                try:
                    conditions.append(f"{self.expression(path, links)} = t.{_q(key)}")
                except _Unknown:
                    continue
            condition = " and ".join(conditions) or "true"
            return f"select distinct b.* from {base} b {' '.join(links)} semi join {target} t on {condition}"
        rows, contract = where.rows, self.contract
        if not rows.sources:
            return "select 1 as one"
        have: list[str] = []
        sql = ""
        for number, source in enumerate(rows.sources):
            alias = f"s{number}"
            if source in contract.tables:
                relation, keys = _q(f"table {source}"), list(contract.tables[source].keys)
            else:
                labels = ", ".join(f"('{item.label}')" for item in self.inputs.periods.get(source, ()))
                values = f"(values {labels})" if labels else "(select '' where false)"
                relation, keys = f"(select * from {values} v({_q(source)}))", [source]
            if not keys:
                continue
            if not have:
                sql = f"select distinct {', '.join(f'{alias}.{_q(key)}' for key in keys)} from {relation} {alias}"
            else:
                shared = [f"a.{_q(key)} = {alias}.{_q(key)}" for key in keys if key in have]
                calendars, nested = self._nesting(have, keys, alias)
                on = " and ".join([*shared, *nested]) or "true"
                chosen = ", ".join([f"a.{_q(k)}" for k in have] + [f"{alias}.{_q(k)}" for k in keys if k not in have])
                sql = f"select distinct {chosen} from ({sql}) a {' '.join(calendars)} join {relation} {alias} on {on}"
            have += [key for key in keys if key not in have]
        if not have:
            return "select 1 as one"
        joins: list[str] = []
        added: list[str] = []
        for key, path in zip(rows.keys, rows.paths, strict=True):
            if key not in have:
                added.append(f"{self.expression(path, joins)} as {_q(key)}")
        if added:
            sql = f"select distinct b.*, {', '.join(added)} from ({sql}) b {' '.join(joins)}"
        return sql

    def _nesting(self, have: Sequence[str], keys: Sequence[str], alias: str) -> tuple[list[str], list[str]]:
        """Conditions that periods of two sources lie in each other: calendar joins on ``a`` and conditions."""
        joins: list[str] = []
        conditions: list[str] = []
        for one in have:
            for other in keys:
                if one == other or other in have:
                    continue
                if not (self.contract.keys[one].is_period and self.contract.keys[other].is_period):
                    continue
                if other in ancestors(self.contract, one):
                    name = f"n{len(joins)}"
                    joins.append(f"join {self.calendar(other, one)} {name} on {name}.inner_label = a.{_q(one)}")
                    conditions.append(f"{name}.outer_label = {alias}.{_q(other)}")
                elif one in ancestors(self.contract, other):
                    name = f"n{len(joins)}"
                    joins.append(f"join {self.calendar(one, other)} {name} on {name}.outer_label = a.{_q(one)}")
                    conditions.append(f"{name}.inner_label = {alias}.{_q(other)}")
        return joins, conditions

    def unread(self, name: str) -> Problem | None:
        """The rows of one input that nothing finds."""
        keys = self.contract.tables[name].keys
        tests: list[str] = []
        for paths, where in self.reads[name]:
            try:
                relation = self.relation(where)
            except (_Unknown, KeyError):
                return None
            joins: list[str] = []
            on: list[str] = []
            for key, path in zip(keys, paths, strict=True):
                if path is None:
                    continue
                try:
                    on.append(f"{self.expression(path, joins)} = t.{_q(key)}")
                except _Unknown:
                    continue
            tests.append(
                f"not exists (select 1 from {relation} b {' '.join(joins)} where {' and '.join(on) or 'true'})"
            )
        columns = ", ".join(f"t.{_q(key)}" for key in keys)
        sql = f"select distinct {columns} from {_q(f'table {name}')} t where {' and '.join(tests)}"
        self.sql(f"create or replace temporary table lost as {sql}")
        total = self.sql("select count(*) from lost")[0][0]
        if not total:
            return None
        rows = self.sql(f"select * from lost order by all limit {SHOWN}")
        shown = [", ".join(f"{k} {v}" for k, v in zip(keys, row, strict=True) if k not in PERSONAL) for row in rows]
        said = "; ".join(dict.fromkeys(text for text in shown if text))
        more = f", … ({total:,} in all)" if total > SHOWN else ""
        count = "1 row is" if total == 1 else f"{total:,} rows are"
        return Problem(
            Place(name, 0, 0),
            f"{count} read by no row of the contract: {said}{more}"
            if said
            else f"{count} read by no row of the contract",
            self._why(name, keys, rows) or "take them out, or supply the rows that should read them",
        )

    def _why(self, name: str, keys: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        """A fix that names the key value that another table lacks, where it is as simple as that."""
        for position, key in enumerate(keys):
            if key in PERSONAL or self.contract.keys[key].is_period:
                continue
            values = sorted({row[position] for row in rows})
            for other, table in self.contract.tables.items():
                if other == name or table.optional or key not in table.keys:
                    continue
                known = {row[0] for row in self.sql(f"select distinct {_q(key)} from {_q(f'table {other}')}")}
                lacking = [value for value in values if value not in known]
                if len(lacking) == len(values):
                    listed = ", ".join(lacking[:3]) + (", …" if len(lacking) > 3 else "")
                    return f"{key} {listed} is not in {other}: add it there, or take these rows out"
        return ""
