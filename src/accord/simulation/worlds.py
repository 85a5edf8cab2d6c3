"""Worlds: what was simulated becomes the inputs of contracts, one world a scenario and draw, settled by the same code.

A world holds every simulated year, so that a contract which looks back finds its own earlier years. The engine of
settlements cannot tell a future from the past: ``world`` is one more key of its rows.
"""

# pyarrow and duckdb have no types of their own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false, reportOptionalMemberAccess=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.simulation.counted import Counted
from accord.simulation.filling import Bound, Filling, Handed, HandedOn
from accord.simulation.practices import Practice, members
from accord.simulation.years import Years

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.engine.inputs import Inputs
    from accord.engine.settling import Settlement

Whole = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Settled:
    """What contracts came to in a batch of worlds.

    ``money`` has world, year (number of the simulated year), contract, stream, party, member, received and paid (whole
    pence). ``used`` says what came from elsewhere than the simulation.
    """

    money: pa.Table
    used: tuple[str, ...]


def inputs_of(bound: Bound, counted: Counted) -> tuple[Inputs, Whole]:
    """The inputs of a contract that reads no other contract's quantities, as :func:`settle_worlds` makes them.

    Worlds with equal inputs are made once: for each world of the contract comes the number of its like.
    """
    return Filling(bound, counted.some(bound.worlds), {}, {}).inputs()


def settle_worlds(bound: Sequence[Bound], counted: Counted, *, threads: int | None = None) -> Settled:
    """Settle contracts in every world that they are in force in.

    A contract that hands a quantity on comes before the one that reads it, whatever their order.

    Raises:
        DataRefused: an input has no source, or the place's data cannot be used.
        SettlementStopped: a check of a contract does not hold in some world.
    """
    import pyarrow as pa

    from accord.engine import settle

    needed = {
        (c.of, c.names[0]) for one in bound for i in one.feed.inputs.values() for c in i.columns if c.kind == "quantity"
    }
    handed: HandedOn = {}
    tables: list[pa.Table] = []
    used: dict[str, None] = {}
    for one in _in_order(bound):
        if not len(one.worlds):
            continue
        here = counted.some(one.worlds)
        inputs, which = Filling(one, here, handed, used).inputs()
        wanted = {name for of, name in needed if of == one.feed.contract}
        settlement = settle(replace(one.contract, notices=()), inputs, threads=threads, wanted=wanted)
        for name in wanted:
            _hand_on(one, here, settlement, name, which, handed)
        tables.append(_named(one, here.practices, _money(one, here.years, settlement, which)))
    return Settled(pa.concat_tables(tables) if tables else _no_money(), tuple(used))


def _in_order(bound: Sequence[Bound]) -> list[Bound]:
    """Those that are read before those that read them."""
    waiting, out = list(bound), list[Bound]()
    while waiting:
        names = {one.feed.contract for one in waiting}
        ready = [one for one in waiting if not names & (set(one.feed.needs) - {one.feed.contract})]
        if not ready:
            said = " and ".join(sorted(names))
            raise DataRefused(
                Problem(Place(waiting[0].feed.file, 0, 0), f"{said} wait for each other's quantities", "")
            )
        out += ready
        waiting = [one for one in waiting if one not in ready]
    return out


# -- handing on --------------------------------------------------------------------------------------------------------


def _hand_on(one: Bound, counted: Counted, settlement: Settlement, name: str, which: Whole, handed: HandedOn) -> None:
    """Keep a quantity by world, organisation and year (the year's first period), for contracts that read it."""
    quantity = one.contract.quantities[name]
    keys = quantity.rows.keys
    table = settlement.tables[keys]
    period = next((key for key in keys if one.contract.keys[key].is_period), None)
    organisation = next((key for key in keys if key != period), None)
    whose = ("",) if organisation is None else members(counted.practices, one.feed.keys.get(organisation, organisation))
    data = table.data
    worlds = data.column("world").to_numpy()
    amounts = data.column(name).to_numpy(zero_copy_only=False).astype(np.int64)
    who = _coded(data.column(organisation), whose) if organisation else np.zeros(len(worlds), np.int64)
    if period is None:
        year = np.zeros(len(worlds), np.int64)
    else:
        firsts = {item.label: counted.years.of(item) for item in one.contract.keys[period].items}
        starts = {counted.years.day(y).isoformat(): y for y in range(counted.years.number)}
        year = _coded(data.column(period), list(firsts))
        first = np.array([starts.get(label, -1) for label in firsts])
        year = first[year]
    kept = (year >= 0) & (who >= 0)
    values = np.zeros((len(counted), len(whose), counted.years.number), np.int64)
    values[worlds[kept], who[kept], year[kept]] = amounts[kept]
    if period is None:
        values[:] = values[:, :, :1]
    for number, world in enumerate(one.worlds):
        kept_of = handed.setdefault(int(world), {})
        kept_of[one.feed.contract, name] = Handed(values[which[number]], table.places[name], whose)


def _coded(column: Any, labels: Sequence[str]) -> Whole:
    """Where each text stands in a list; -1 if nowhere."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(column.combine_chunks(), pa.array(labels, pa.string()))
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


# -- money -------------------------------------------------------------------------------------------------------------


def _no_money() -> pa.Table:
    import pyarrow as pa

    kinds = {"world": pa.int32(), "year": pa.int32(), "received": pa.int64(), "paid": pa.int64()}
    names = ("world", "year", "contract", "stream", "party", "member", "received", "paid")
    return pa.schema([(name, kinds.get(name, pa.string())) for name in names]).empty_table()


def _named(one: Bound, practices: Sequence[Practice], money: pa.Table) -> pa.Table:
    """Money with the code of who a nameless party is, where the place has one such organisation and no more."""
    import pyarrow as pa
    import pyarrow.compute as pc

    member = money.column("member")
    for party, kind in one.feed.parties.items():
        codes = members(practices, kind)
        if len(codes) == 1:
            nameless = pc.and_(pc.equal(money.column("party"), party), pc.equal(member, ""))
            member = pc.if_else(nameless, pa.scalar(codes[0]), member)
    return money.set_column(money.column_names.index("member"), "member", member)


def _money(one: Bound, years: Years, settlement: Settlement, which: Whole) -> pa.Table:
    """What each party received and paid by world, simulated year and stream, in whole pence."""
    import pyarrow as pa

    from accord.engine.database import in_memory

    payments = settlement.payments
    firsts = [years.day(year) for year in range(years.number + 1)]
    bounds = " ".join(
        f"when day >= date '{firsts[y]}' and day < date '{firsts[y + 1]}' then {y}" for y in range(years.number)
    )
    numbers = pa.table({"world": pa.array(which.astype(np.int32)), "number": pa.array(one.worlds.astype(np.int32))})
    name = one.name.replace("'", "''")
    with in_memory() as connection:
        connection.register("payments", payments)
        connection.register("numbers", numbers)
        return connection.sql(
            f"""
            with dated as (
              select world, stream, payer_party, payer, receiver_party, receiver,
                amount::hugeint * 100 // cast(10 ** places as hugeint) as amount,
                try_cast(regexp_extract(keys, '=(\\d{{4}}-\\d\\d-\\d\\d)', 1) as date) as day
              from payments),
            placed as (
              select world, case {bounds} else 0 end as year, stream, payer_party, payer, receiver_party, receiver,
                sum(amount) as amount
              from dated group by all),
            sides as (
              select world, year, stream, receiver_party as party, receiver as member, amount as received, 0 as paid
              from placed
              union all
              select world, year, stream, payer_party, payer, 0, amount from placed),
            summed as (
              select world, year, stream, party, member, sum(received) as received, sum(paid) as paid
              from sides group by all)
            select n.number::int as world, year::int as year, '{name}' as contract, stream, party, member,
              received::bigint as received, paid::bigint as paid
            from summed join numbers n using (world) order by all
            """
        ).to_arrow_table()
