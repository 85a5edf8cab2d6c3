"""A row that nobody reads is one that could be taken away without changing anything: tried on every draft."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from accord.engine.inputs import read_inputs
from accord.engine.reference import Reference
from accord.language import check, check_text
from accord.language.contract import Contract
from accord.language.problem import AccordError, DataRefused, SettlementStopped

DRAFTS = Path(__file__).parent.parent / "drafts"
NAMES = sorted(folder.parent.name for folder in DRAFTS.glob("*/contract.yaml"))
Rows = dict[str, list[dict[str, str]]]


def data_of(name: str) -> Rows:
    found: Rows = {}
    for file in (DRAFTS / name / "data").glob("*.csv"):
        with file.open(encoding="utf-8-sig", newline="") as text:
            found[file.stem] = list(csv.DictReader(text))
    return found


def strangers(contract: Contract, data: Rows) -> Iterator[tuple[str, str, Rows]]:
    """The data with one row more: a copy of the first, about a practice (a network, an indicator) nobody knows."""
    for name, table in contract.inputs.items():
        for key in table.keys:
            if data.get(name) and not contract.keys[key].is_period:
                yield name, key, {**data, name: [*data[name], {**data[name][0], key: "a stranger"}]}


def outcome(contract: Contract, data: Rows) -> object:
    """Every value of a row that is not the stranger's own, or why the run stopped."""
    try:
        run = Reference(contract, read_inputs(contract, data))
        return {
            name: {row: value for row, value in run.values(name).items() if "a stranger" not in row}
            for name in contract.quantities
        }
    except SettlementStopped as stopped:
        return str(stopped)


@pytest.mark.parametrize("name", NAMES)
def test_a_row_that_is_refused_as_unread_changes_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    contract, data = check(DRAFTS / name), data_of(name)
    refused: list[tuple[str, str, Rows]] = []
    for table, key, more in strangers(contract, data):
        try:
            read_inputs(contract, more)
        except DataRefused as error:
            if "read by no row of the contract" in str(error):
                assert f"{key} a stranger" in str(error)
                refused.append((table, key, more))
        except AccordError:
            pass
    monkeypatch.setattr("accord.engine.unread.unread_rows", lambda contract, inputs: [])
    before = outcome(contract, data)
    assert isinstance(before, dict), before
    for table, key, more in refused:
        after = outcome(contract, more)
        # nothing is lost by refusing it: it changes no row but its own, or the run would have stopped because of it
        assert after == before or (isinstance(after, str) and "a stranger" in after), (table, key)


WORK = """
accord: 1
contract: work
currency: GBP
term: {from: 2026-04-01, to: 2027-03-31}
keys: {practice: {}, year: {every: 12 months}, month: {every: 1 month, in: year}}
parties: {board: {name: The board}, practice: {each: practice}}
inputs:
  base: {keys: [practice, year], columns: {top: GBP}}
  work: {keys: [practice, month], columns: {fee: GBP}}
quantities:
  - each: [practice, month]
    doubled: fee + fee
    weight: doubled - fee
  - each: [practice, year]
    due: {is: sum(weight) + top, round: 0.01 GBP half_up}
checks: [{that: fee >= 0, each: [practice, month], else: a negative fee}]
payments: [{pay: due, from: board, to: practice}]
"""


def test_a_row_lost_between_two_steps_is_refused_too() -> None:
    contract = check_text(WORK)
    base = [{"practice": "A", "year": "2026-04-01", "top": "10.00"}]
    work = [
        {"practice": "A", "month": "2026-04-01", "fee": "1.00"},
        {"practice": "a", "month": "2026-04-01", "fee": "2"},
    ]
    assert read_inputs(contract, {"base": base, "work": work[:1]}).tables["work"].data.num_rows == 1
    with pytest.raises(DataRefused, match="read by no row of the contract"):
        read_inputs(contract, {"base": base, "work": work})


def test_some_strangers_are_refused() -> None:
    """The check is not silent: a practice that is not on the roster, an indicator nobody pays for."""
    said: set[tuple[str, str]] = set()
    for name in ("iif", "qof", "integration-supplement", "retention"):
        contract, data = check(DRAFTS / name), data_of(name)
        for table, key, more in strangers(contract, data):
            try:
                read_inputs(contract, more)
            except DataRefused as error:
                if "read by no row of the contract" in str(error):
                    said.add((f"{name}.{table}", key))
    assert {("qof.counts", "indicator"), ("retention.remedies", "practice")} <= said, said


def test_an_empty_input_and_a_period_without_rows_are_pointed_out() -> None:
    contract = check_text(WORK)
    base = [{"practice": "A", "year": "2026-04-01", "top": "10.00"}]
    months = [f"{2026 + (3 + n) // 12}-{(3 + n) % 12 + 1:02d}-01" for n in range(12) if n != 4]
    work = [{"practice": "A", "month": month, "fee": "1.00"} for month in months]
    said = [problem.message for problem in read_inputs(contract, {"base": base, "work": work}).warnings]
    assert said == ["work has no row for August 2026"]
    said = [problem.message for problem in read_inputs(contract, {"base": base, "work": []}).warnings]
    assert said == ["work has no rows"]
