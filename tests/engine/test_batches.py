"""Worlds in batches: whatever the size of a batch, the results are those of all worlds settled together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pytest

from accord.engine import Inputs, read_inputs, settle
from accord.engine import batches as divided
from accord.engine.inputs import LoadedTable
from accord.language import check_text
from accord.language.contract import Contract
from accord.language.problem import SettlementStopped

CONTRACT = """
accord: 1
contract: reviews
currency: GBP
term: {from: 2026-04-01, to: 2028-03-31}
units: [review]
keys: {practice: {}, year: {every: 12 months}, month: {every: 1 month, in: year}}
parties: {board: {name: The board}, practice: {each: practice}}
inputs:
  work: {keys: [practice, year], columns: {due: {unit: reviews, min: 0}, done: {unit: reviews, min: 0}}}
  lists: {keys: [practice, year], columns: {size: {unit: people, min: 1}}}
parameters:
  fee: {unit: GBP per review, value: 10, authority: cl. 1}
quantities:
  - each: [practice, year]
    share_of_list: {is: case when people > 0 then size / people end, report: true}
    reward: {is: done * fee, unit: GBP}
  - each: [year]
    people: sum(size)
    in_all: {is: sum(done), unit: reviews, report: true}
  - each: [practice, month]
    rows: [lists, month]
    instalment: allocate(reward, 1)
checks:
  - {that: done <= due, each: [practice, year], else: more is done than is due}
payments:
  - {pay: instalment, from: board, to: practice}
"""


@pytest.fixture(scope="module")
def contract() -> Contract:
    return check_text(CONTRACT)


def inputs(
    contract: Contract, worlds: Sequence[int], *, wrong_in: int | None = None, huge_in: int | None = None
) -> Inputs:
    """Three practices over two years; what is done differs by world."""
    years = ("2026-04-01", "2027-04-01")
    keys = [{"practice": practice, "year": year} for practice in "ABC" for year in years]
    real = read_inputs(
        contract,
        {
            "work": [{**key, "due": 9, "done": 0} for key in keys],
            "lists": [{**key, "size": 10 + 7 * number} for number, key in enumerate(keys)],
        },
    )
    rows: dict[str, list[object]] = {name: [] for name in ("practice", "year", "due", "done", "world")}
    for world in worlds:
        for number, key in enumerate(keys):
            done = (world * 5 + number * 3) % 9 + (20 if world == wrong_in else 0)
            done = 10**17 if world == huge_in else done
            due = 10**17 if world == huge_in else 9
            for name, value in {**key, "due": due, "done": done, "world": world}.items():
                rows[name].append(value)
    kinds = {"due": pa.int64(), "done": pa.int64(), "world": pa.int32()}
    data = pa.table({name: pa.array(values, kinds.get(name, pa.string())) for name, values in rows.items()})
    work = LoadedTable("work", data, {"due": 0, "done": 0}, has_worlds=True)
    return replace(real, tables={**real.tables, "work": work}, worlds=tuple(worlds))


def same(contract: Contract, given: Inputs, monkeypatch: pytest.MonkeyPatch, rows_at_once: int) -> int:
    """Settle in batches and together, and compare every table; how many batches there were."""
    whole = settle(contract, given)
    monkeypatch.setattr(divided, "ROWS_AT_ONCE", rows_at_once)
    parts = settle(contract, given)
    for keys, table in whole.tables.items():
        other = parts.tables[keys]
        assert other.places == table.places
        order = [("world", "ascending"), *((key, "ascending") for key in keys)]
        assert other.data.sort_by(order).to_pylist() == table.data.sort_by(order).to_pylist(), keys
    assert parts.payments.num_rows == whole.payments.num_rows
    return len(divided.batches(given))


@pytest.mark.parametrize(("rows_at_once", "count"), [(1, 3), (12, 3), (18, 3), (30, 2), (1000, 1)])
def test_batches_of_any_size(
    contract: Contract, monkeypatch: pytest.MonkeyPatch, rows_at_once: int, count: int
) -> None:
    assert same(contract, inputs(contract, range(7)), monkeypatch, rows_at_once) == count


def test_rows_in_any_order(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    given = inputs(contract, range(6))
    work = given.tables["work"]
    mixed = replace(work, data=work.data.sort_by([("practice", "ascending"), ("world", "descending")]))
    assert same(contract, replace(given, tables={**given.tables, "work": mixed}), monkeypatch, 12) == 3


def test_worlds_in_another_order_are_one_batch(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    assert same(contract, inputs(contract, (3, 1, 2, 0)), monkeypatch, 6) == 1


def test_a_batch_of_larger_numbers(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that is 64 bits in one batch and 128 in another is the wider of both."""
    given = inputs(contract, range(6), huge_in=5)
    assert same(contract, given, monkeypatch, 12) == 3


def test_a_message_counts_the_rows_of_all_worlds(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    given = inputs(contract, range(6), wrong_in=4)
    with pytest.raises(SettlementStopped) as whole:
        settle(contract, given)
    monkeypatch.setattr(divided, "ROWS_AT_ONCE", 12)
    with pytest.raises(SettlementStopped) as parts:
        settle(contract, given)
    assert str(parts.value) == str(whole.value)


def test_no_batch_is_a_single_world(contract: Contract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(divided, "ROWS_AT_ONCE", 1)
    for count in range(1, 9):
        parts = divided.batches(inputs(contract, range(count)))
        assert [world for part in parts for world in part.worlds] == list(range(count))
        assert len(parts) == 1 or min(len(part.worlds) for part in parts) >= 2
        assert sum(part.tables["work"].data.num_rows for part in parts) == 6 * count
