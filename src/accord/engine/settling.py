"""Settling: a contract and its inputs in, every quantity, payment and notice out. A pure function.

Three engines give the same values: DuckDB (the default), Python whole numbers from the same plan, and the exact
reference in fractions, which uses no plan at all.
"""

# pyarrow has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Literal

from accord.language.contract import Contract, Quantity, Value
from accord.language.meaning import Node, RowSet

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.engine.inputs import Inputs
    from accord.engine.integers import IntegerEngine
    from accord.engine.steps import Plan

WORLD = "world"
"""The hidden key, a column of every result."""

Engine = Literal["duckdb", "integers", "reference"]


@dataclass(frozen=True)
class ResultTable:
    """The quantities of one row set, ordered by world and keys.

    ``data`` has the keys (string), ``world`` (int32), and the quantities by name: a number is a whole number of
    10**-places (int64, else decimal128(38, 0), else a string of digits); an unrounded quotient is two such columns,
    ``name:n`` and ``name:d``; flags are bool, texts and keys string, dates date32. Missing is null.
    """

    rows: RowSet
    data: pa.Table
    places: Mapping[str, int]
    """Decimal places of the exact numbers."""


@dataclass(frozen=True)
class Settlement:
    """What a contract comes to on its inputs."""

    contract: Contract
    inputs: Inputs
    tables: Mapping[tuple[str, ...], ResultTable]
    """By the keys of their rows."""
    payments: pa.Table
    """Who owes whom, row by row; see :mod:`accord.engine.payments`."""
    notices: pa.Table
    """What is proposed to a person."""

    def values(self, quantity: str, world: int = 0) -> dict[tuple[str, ...], Value | None]:
        """A quantity by row (its keys in the order of its row set). KeyError if it was not wanted."""
        described = self.contract.quantities[quantity]
        table = self.tables[described.rows.keys]
        data = table.data
        rows: Iterable[tuple[str, ...]] = (
            zip(*(data.column(key).to_pylist() for key in described.rows.keys), strict=True)
            if described.rows.keys
            else [()] * data.num_rows
        )
        worlds = data.column(WORLD).to_pylist()
        values: list[Any]
        if described.type.kind != "number":
            values = data.column(quantity).to_pylist()
        elif quantity in table.places:
            power = 10 ** table.places[quantity]
            values = [None if n is None else Fraction(int(n), power) for n in data.column(quantity).to_pylist()]
        else:
            pairs = zip(data.column(f"{quantity}:n").to_pylist(), data.column(f"{quantity}:d").to_pylist(), strict=True)
            values = [None if n is None else Fraction(int(n), int(d)) for n, d in pairs]
        return {row: value for row, value, here in zip(rows, values, worlds, strict=True) if here == world}


def settle(
    contract: Contract,
    inputs: Inputs,
    engine: Engine = "duckdb",
    *,
    threads: int | None = None,
    wanted: Collection[str] | None = None,
    progress: Callable[[str], None] | None = None,
) -> Settlement:
    """Settle a contract on its inputs.

    Args:
        contract: the checked contract.
        inputs: what :func:`accord.engine.read_inputs` has read.
        engine: which engine computes; all give the same values.
        threads: how many threads DuckDB may use; None: as many as the machine has.
        wanted: the quantities to return, besides those of payments and notices; None: all.
        progress: called with the name of what is being computed.

    Raises:
        SettlementStopped: a check does not hold, a row that is needed is not there, a division by 0, a value outside
            a scale, a pool that cannot be shared out, or a negative payment that may not be reversed.
    """
    from accord.engine.payments import notice_rows, payment_rows
    from accord.engine.plan import make_plan

    plan = make_plan(contract, inputs, wanted)
    if engine == "reference":
        results = _by_reference(plan, inputs)
    elif engine == "integers":
        from accord.engine.integers import IntegerEngine

        worker = IntegerEngine(plan, inputs)
        worker.run(progress)
        results = results_of_lists(worker, plan)
    else:
        from accord.engine.duckdb_engine import run_in_duckdb

        results = run_in_duckdb(plan, inputs, threads, progress)
    payments = payment_rows(plan, results)
    notices = notice_rows(plan, results)
    tables: dict[tuple[str, ...], ResultTable] = {}
    for frame, result in results.items():
        kept = [name for name in result.data.column_names if not name.startswith("party:")]
        tables[plan.frames[frame].keys] = ResultTable(result.rows, result.data.select(kept), result.places)
    return Settlement(contract, inputs, tables, payments, notices)


# -- results from lists ------------------------------------------------------------------------------------------------


def whole_array(values: Sequence[int | None]) -> pa.Array:
    """Whole numbers as narrow as they can be: int64, else decimal128(38, 0), else digits."""
    import decimal

    import pyarrow as pa

    largest = max((abs(value) for value in values if value is not None), default=0)
    if largest < 2**63:
        return pa.array(values, pa.int64())
    if largest < 10**38:
        numbers = [None if value is None else decimal.Decimal(value) for value in values]
        return pa.array(numbers, pa.decimal128(38, 0))
    return pa.array([None if value is None else str(value) for value in values], pa.string())


def narrowed(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of 128-bit whole numbers, as int64 where they all fit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not pa.types.is_decimal(column.type):
        return column
    ends = pc.min_max(column).as_py()
    if all(end is None or -(2**63) <= int(end) < 2**63 for end in ends.values()):
        return column.cast(pa.int64())
    return column


def results_of_lists(worker: IntegerEngine, plan: Plan) -> dict[str, ResultTable]:
    """The kept columns of every frame, from the Python-integer engine."""
    return {frame: _from_lists(worker, plan, frame) for frame in plan.results}


def _from_lists(worker: IntegerEngine, plan: Plan, frame: str) -> ResultTable:
    """The kept columns of a frame, from the Python-integer engine."""
    import pyarrow as pa

    rows = plan.frames[frame].rows
    relation = worker.relation(frame)
    keys = list(relation.keys.values())
    if relation.worlds is None:  # the same in every world
        once = sorted(range(relation.rows), key=lambda i: tuple(key[i] for key in keys))
        order = once * len(worker.inputs.worlds)
        worlds = [world for world in worker.inputs.worlds for _ in once]
    else:
        of_world = relation.worlds
        order = sorted(range(relation.rows), key=lambda i: (of_world[i], *(key[i] for key in keys)))
        worlds = [of_world[i] for i in order]
    columns: dict[str, pa.Array] = {
        name: pa.array([values[i] for i in order], pa.string()) for name, values in relation.keys.items()
    }
    columns[WORLD] = pa.array(worlds, pa.int32())
    places: dict[str, int] = {}
    for name in plan.results[frame]:
        column = relation.column(name)
        shown = name.removeprefix("q:")
        values = [column.values[i] for i in order]
        if column.held.kind != "number":
            columns[shown] = pa.array(values, _ARROW[column.held.kind]())
        elif column.under is None:
            columns[shown] = whole_array(values)
            places[shown] = len(str(column.held.factor.denominator)) - 1
        else:
            columns[f"{shown}:n"] = whole_array(values)
            unders = [None if value is None else column.under[i] for i, value in zip(order, values, strict=True)]
            columns[f"{shown}:d"] = whole_array(unders)
    return ResultTable(rows, pa.table(columns), places)


def _arrow_kind(name: str) -> Callable[[], pa.DataType]:
    def make() -> pa.DataType:
        import pyarrow as pa

        return getattr(pa, name)()

    return make


_ARROW: Mapping[str, Callable[[], pa.DataType]] = {
    "flag": _arrow_kind("bool_"),
    "text": _arrow_kind("string"),
    "date": _arrow_kind("date32"),
}


# -- the reference -----------------------------------------------------------------------------------------------------


def _by_reference(plan: Plan, inputs: Inputs) -> dict[str, ResultTable]:
    """Every kept quantity, evaluated row by row by the exact reference."""
    import pyarrow as pa

    from accord.engine.reference import Reference

    contract = plan.contract
    reference = Reference(contract, inputs)
    for world in inputs.worlds:
        for failure in reference.checks(world):
            from accord.language.problem import SettlementStopped

            raise SettlementStopped(failure.problem())
    party_nodes = _party_nodes(plan)
    results: dict[str, ResultTable] = {}
    for frame, names in plan.results.items():
        rows = plan.frames[frame].rows
        listed = [(world, row) for world in inputs.worlds for row in reference.rows(rows, world)]
        columns: dict[str, pa.Array] = {
            key: pa.array([row[i] for _, row in listed], pa.string()) for i, key in enumerate(rows.keys)
        }
        columns[WORLD] = pa.array([world for world, _ in listed], pa.int32())
        places: dict[str, int] = {}
        for name in names:
            shown = name.removeprefix("q:")
            if name.startswith("q:"):
                quantity = contract.quantities[shown]
                values = [reference.value(shown, row, world) for world, row in listed]
                _put(columns, places, quantity, values)
            else:
                node = party_nodes[name]
                values = [reference.evaluate(node, rows, row, world) for world, row in listed]
                if node.type.kind == "number":
                    wholes, places[shown] = _common_places(values)
                    columns[shown] = whole_array(wholes)
                else:
                    columns[shown] = pa.array(values, pa.string())
        results[frame] = ResultTable(rows, pa.table(columns), places)
    return results


def _put(
    columns: dict[str, pa.Array], places: dict[str, int], quantity: Quantity, values: Sequence[Value | None]
) -> None:
    import pyarrow as pa

    name = quantity.name
    if quantity.type.kind != "number":
        kind = "text" if quantity.type.kind == "key" else quantity.type.kind
        columns[name] = pa.array(values, _ARROW[kind]())
    elif quantity.type.exact or quantity.rounding is not None:
        wholes, places[name] = _common_places(values)
        columns[name] = whole_array(wholes)
    else:
        columns[f"{name}:n"] = whole_array([v.numerator if isinstance(v, Fraction) else None for v in values])
        columns[f"{name}:d"] = whole_array([v.denominator if isinstance(v, Fraction) else None for v in values])


def _common_places(values: Sequence[Value | None]) -> tuple[list[int | None], int]:
    from accord.language.rounding import decimal_places

    numbers = [value if isinstance(value, Fraction) else None for value in values]
    most = max((decimal_places(number) or 0 for number in set(numbers) if number is not None), default=0)
    return [None if number is None else int(number * 10**most) for number in numbers], most


def _party_nodes(plan: Plan) -> dict[str, Node]:
    """The nodes behind the columns that payments and notices need."""
    from accord.language.meaning import OwnKey, ParameterValue, QuantityValue

    contract = plan.contract
    found: dict[str, Node] = {}

    def note(column: str | None, node: Node | None) -> None:
        if column is not None and node is not None:
            found[column] = node

    for payment, columns in zip(contract.payments, plan.payments, strict=True):
        for party, at in zip((payment.payer, payment.receiver), columns, strict=True):
            note(at.member, party.member)
            note(at.payee, party.payee)
    for notice, (about, days) in zip(contract.notices, plan.notices, strict=True):
        note(about.member, notice.about.member)
        note(about.payee, notice.about.payee)
        if days is not None and notice.days is not None:
            held = contract.quantities.get(notice.days)
            if held is not None:
                at = tuple(OwnKey(key) for key in held.rows.keys)
                note(days, QuantityValue(held.type, notice.place, notice.days, at))
            else:
                from accord.engine.plan import shortest_period

                parameter = contract.parameters[notice.days]
                period = shortest_period(contract, contract.quantities[notice.when].rows.keys)
                path = None if period is None else OwnKey(period)
                note(days, ParameterValue(parameter.type, notice.place, notice.days, (), None, path))
    return found


__all__ = ["Engine", "ResultTable", "Settlement", "narrowed", "settle", "whole_array"]
