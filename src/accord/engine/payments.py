"""Payments and notices as rows: who owes whom what, for which row of the contract.

``payments``: world, quantity, stream, keys (``practice=A; year=2026-04-01``), payer_party, payer, receiver_party,
receiver (the member, where the party is one of many; else empty), payee (whom the receiver has it paid to; else empty),
amount (a whole number of 10**-places, never below 0), places, due. What flows back is turned round. Periods before the
term pay nothing.

``notices``: world, notice, quantity, keys, party, member, days, power, for every row whose flag is true.
"""

# pyarrow has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from accord.engine.expressions import WORLD
from accord.engine.plan import shortest_period
from accord.engine.steps import Plan, frame_name
from accord.engine.stopping import Stop
from accord.language.contract import Payment
from accord.language.unit import minor_unit_places

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from accord.engine.settling import ResultTable


def payment_rows(plan: Plan, results: Mapping[str, ResultTable]) -> pa.Table:
    """The payments of a settlement. Raises SettlementStopped for a negative one that may not be reversed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    tables: list[pa.Table] = []
    for payment, (payer, receiver) in zip(plan.contract.payments, plan.payments, strict=True):
        frame = frame_name(plan.contract.quantities[payment.quantity].rows)
        table = _paying_rows(plan, results[frame])
        places = results[frame].places[payment.quantity]
        amounts = table.column(payment.quantity)
        most = max(places, minor_unit_places(plan.contract.currency))
        negative = _below_zero(amounts)
        back = pc.fill_null(negative, False)
        if not payment.reverse_when_negative and pc.any(back).as_py():
            raise _refused(plan, payment, table.filter(back))
        payer_party, receiver_party = _fixed(payment.payer.party, table), _fixed(payment.receiver.party, table)
        payers, receivers = _member(payer.member, table), _member(receiver.member, table)
        payees, payers_payees = _member(receiver.payee, table), _member(payer.payee, table)
        tables.append(
            pa.table(
                {
                    WORLD: table.column(WORLD),
                    "quantity": _fixed(payment.quantity, table),
                    "stream": _fixed(payment.stream, table),
                    "keys": _keys(plan.frames[frame].keys, table),
                    "payer_party": pc.if_else(back, receiver_party, payer_party),
                    "payer": pc.if_else(back, receivers, payers),
                    "receiver_party": pc.if_else(back, payer_party, receiver_party),
                    "receiver": pc.if_else(back, payers, receivers),
                    "payee": pc.if_else(back, payers_payees, payees),
                    "amount": _amounts(amounts, most - places),
                    "places": pa.repeat(pa.scalar(most, pa.int32()), table.num_rows),
                    "due": _fixed(payment.due, table),
                }
            )
        )
    if not tables:
        return pa.schema(_payment_fields(pa)).empty_table()
    widest = max((table.schema.field("amount").type for table in tables), key=_width)
    return pa.concat_tables(
        [table.set_column(9, "amount", table.column("amount").cast(widest)).combine_chunks() for table in tables]
    )


def notice_rows(plan: Plan, results: Mapping[str, ResultTable]) -> pa.Table:
    """The notices of a settlement."""
    import pyarrow as pa
    import pyarrow.compute as pc

    tables: list[pa.Table] = []
    for notice, (about, days) in zip(plan.contract.notices, plan.notices, strict=True):
        frame = frame_name(plan.contract.quantities[notice.when].rows)
        table = _paying_rows(plan, results[frame])
        table = table.filter(pc.fill_null(table.column(notice.when), False))
        tables.append(
            pa.table(
                {
                    WORLD: table.column(WORLD),
                    "notice": _fixed(notice.notice, table),
                    "quantity": _fixed(notice.when, table),
                    "keys": _keys(plan.frames[frame].keys, table),
                    "party": _fixed(notice.about.party, table),
                    "member": _member(about.member, table),
                    "days": _days(days, table, results[frame].places),
                    "power": _fixed(notice.power, table),
                }
            )
        )
    return pa.concat_tables(tables).combine_chunks() if tables else pa.schema(_notice_fields(pa)).empty_table()


def _payment_fields(pa: Any) -> list[Any]:
    texts = ("quantity", "stream", "keys", "payer_party", "payer", "receiver_party", "receiver", "payee")
    return [
        pa.field(WORLD, pa.int32()),
        *(pa.field(name, pa.string()) for name in texts),
        pa.field("amount", pa.int64()),
        pa.field("places", pa.int32()),
        pa.field("due", pa.string()),
    ]


def _notice_fields(pa: Any) -> list[Any]:
    texts = ("notice", "quantity", "keys", "party", "member")
    return [
        pa.field(WORLD, pa.int32()),
        *(pa.field(name, pa.string()) for name in texts),
        pa.field("days", pa.int64()),
        pa.field("power", pa.string()),
    ]


def _paying_rows(plan: Plan, result: ResultTable) -> pa.Table:
    """The rows whose shortest period does not begin before the term."""
    import pyarrow as pa
    import pyarrow.compute as pc

    contract = plan.contract
    period = shortest_period(contract, result.rows.keys)
    if period is None or contract.term.start >= contract.term.first:
        return result.data
    paying = [item.label for item in contract.keys[period].items if item.first >= contract.term.first]
    return result.data.filter(pc.is_in(result.data.column(period), pa.array(paying, pa.string())))


def _below_zero(amounts: pa.ChunkedArray) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(amounts.type):
        return pc.starts_with(amounts, "-")
    return pc.less(amounts, pa.scalar(0).cast(amounts.type))


def _amounts(amounts: pa.ChunkedArray, more: int) -> Any:
    """The size of amounts, with more places."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from accord.engine.settling import narrowed, whole_array

    if pa.types.is_int64(amounts.type):
        ends = pc.min_max(amounts).as_py()
        if all(end is None or abs(end) * 10**more < 2**63 for end in ends.values()):
            return pc.multiply(pc.abs(amounts), 10**more)
    values = [None if value is None else abs(int(value)) * 10**more for value in amounts.to_pylist()]
    return narrowed(pa.chunked_array([whole_array(values)]))


def _width(kind: Any) -> int:
    import pyarrow as pa

    return 0 if pa.types.is_int64(kind) else 1 if pa.types.is_decimal(kind) else 2


def _fixed(text: str, table: pa.Table) -> Any:
    import pyarrow as pa

    return pa.chunked_array([pa.repeat(pa.scalar(text, pa.string()), table.num_rows)])


def _member(column: str | None, table: pa.Table) -> Any:
    import pyarrow.compute as pc

    if column is None:
        return _fixed("", table)
    return pc.fill_null(table.column(column.removeprefix("key:").removeprefix("q:")), "")


def _keys(keys: tuple[str, ...], table: pa.Table) -> Any:
    """``practice=A; year=2026-04-01``."""
    import pyarrow.compute as pc

    if not keys:
        return _fixed("", table)
    parts: list[Any] = []
    for key in keys:
        parts += [f"{'; ' if parts else ''}{key}=", table.column(key)]
    return pc.binary_join_element_wise(*parts, "")


def _days(column: str | None, table: pa.Table, places: Mapping[str, int]) -> Any:
    import pyarrow as pa

    if column is None:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.int64())])
    name = column.removeprefix("q:")
    power = 10 ** places.get(name, 0)
    return pa.chunked_array(
        [pa.array([None if v is None else int(v) // power for v in table.column(name).to_pylist()], pa.int64())]
    )


def _refused(plan: Plan, payment: Payment, rows: pa.Table) -> Stop:
    keys = plan.contract.quantities[payment.quantity].rows.keys
    shown = rows.select([*keys]).slice(0, 10).to_pylist()
    return Stop(
        payment.place,
        payment.quantity,
        "a payment is below 0",
        rows.num_rows,
        shown,
        "if it may flow back, say negative: reverse; otherwise hold it at 0 with greatest(…, 0)",
    )
