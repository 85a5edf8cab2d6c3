"""Marginal values: one more in every row at once is one more in each, or it is refused."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from accord.engine import Inputs, read_inputs
from accord.language import check_text
from accord.language.contract import Contract
from accord.language.problem import ContractRefused
from accord.settlement.marginal import Probes, marginal_values, parse_probes

CONTRACT = """
accord: 1
contract: reviews
currency: GBP
term: {from: 2026-04-01, to: 2027-03-31}
units: [review]
keys: {practice: {}, indicator: {}, year: {every: 12 months}}
parties: {board: {name: The board}, practice: {each: practice}}
inputs:
  work: {keys: [practice, indicator, year], columns: {due: {unit: reviews, min: 0}, done: {unit: reviews, min: 0}}}
  practices: {keys: [practice, year], columns: {most: GBP}}
  national: {keys: [year], optional: true, columns: {national_done: reviews}}
parameters:
  fee: {unit: GBP per review, value: 10, authority: cl. 1}
  pool: {unit: GBP, value: 1000, authority: cl. 2}
quantities:
  - each: [practice, indicator, year]
    left: {is: due - done, unit: reviews, report: true}
    fees: {is: done * fee, round: 0.01 GBP half_up}
    share:
      is: case when done_in_all > 0 then pool * done / done_in_all else 0 end
      round: 0.01 GBP half_up
      report: true
  - each: [year]
    done_in_all: {is: "case when national_done is not null then national_done else sum(done) end", unit: reviews}
    all_fees: {is: sum(fees), report: true}
  - each: [practice, year]
    reward: least(sum(fees), most)
    unrounded: {is: case when most > 0 then reward / most else 0 end, report: true}
payments:
  - {pay: reward, from: board, to: practice}
"""

MARGINAL = """
marginal: reviews
of: reviews
money: {money}
probes:
  one: {title: One more review, input: work, add: {done: 1}, while: left}
  two: {title: Two more, input: work, add: {done: 2}, while: left}
"""


def row(practice: str, indicator: str, due: int, done: int) -> dict[str, object]:
    return {"practice": practice, "indicator": indicator, "year": "2026-04-01", "due": due, "done": done}


@pytest.fixture(scope="module")
def contract() -> Contract:
    return check_text(CONTRACT)


@pytest.fixture(scope="module")
def inputs(contract: Contract) -> Inputs:
    work = [row("A", "x", 10, 4), row("A", "y", 5, 5), row("B", "x", 9, 3), row("B", "y", 9, 6)]
    limits = [{"practice": one, "year": "2026-04-01", "most": most} for one, most in (("A", 1000), ("B", 95))]
    return read_inputs(contract, {"work": work, "practices": limits})


def probes(contract: Contract, money: str) -> Probes:
    return parse_probes(MARGINAL.replace("{money}", money).encode(), "marginal.yaml", contract)


def test_each_row_in_one_world_for_a_probe(contract: Contract, inputs: Inputs) -> None:
    found = marginal_values(contract, inputs, probes(contract, "fees"))
    assert found.worlds == 3
    year = "2026-04-01"
    assert found.values("one") == {("A", "x", year): 10, ("B", "x", year): 10, ("B", "y", year): 10}
    assert set(found.values("two").values()) == {20}
    assert found.data.num_rows == 4  # A has no y left to do: no value there
    assert found.by("indicator", "one") == {"x": Fraction(20), "y": Fraction(10)}


def test_a_practice_payment_takes_a_world_for_each_indicator(contract: Contract, inputs: Inputs) -> None:
    found = marginal_values(contract, inputs, probes(contract, "reward"))
    assert found.worlds == 1 + 2 * 2
    year = "2026-04-01"
    # B stands at 90 and is paid 95 at most
    assert found.values("one") == {("A", "x", year): 10, ("B", "x", year): 5, ("B", "y", year): 5}
    assert found.values("two")[("B", "x", year)] == 5


def test_rows_that_influence_each_other_are_refused(contract: Contract, inputs: Inputs) -> None:
    with pytest.raises(ContractRefused, match="done_in_all brings rows of work together"):
        marginal_values(contract, inputs, probes(contract, "share"))
    with pytest.raises(ContractRefused, match=r"all_fees is one for each \[year\]: too coarse"):
        marginal_values(contract, inputs, probes(contract, "all_fees"))


def test_worlds_are_not_probed_again(contract: Contract, inputs: Inputs) -> None:
    with pytest.raises(ContractRefused, match="worlds already"):
        marginal_values(contract, replace(inputs, worlds=(0, 1)), probes(contract, "fees"))


@pytest.mark.parametrize(
    ("written", "says"),
    [
        pytest.param(("input: work", "input: wrok"), "wrok is not an input", id="input"),
        pytest.param(("{done: 1}", "{dnoe: 1}"), "dnoe is not a column of work", id="column"),
        pytest.param(("while: left", "while: lfet"), "lfet is not a quantity", id="room"),
        pytest.param(("while: left", "while: reward"), "reward is not one for each", id="keys of the room"),
        pytest.param(("money: fees", "money: fess"), "fess is not a quantity", id="money"),
        pytest.param(("money: fees", "money: unrounded"), "unrounded is not rounded", id="a quotient"),
        pytest.param(("while: left", "until: left"), "until is not an entry", id="word"),
    ],
)
def test_what_does_not_fit_the_contract(contract: Contract, written: tuple[str, str], says: str) -> None:
    text = MARGINAL.replace("{money}", "fees").replace(*written)
    with pytest.raises(ContractRefused, match=says):
        parse_probes(text.encode(), "marginal.yaml", contract)


def test_a_file_that_is_not_there(contract: Contract, tmp_path: Path) -> None:
    from accord.settlement.marginal import read_probes

    with pytest.raises(ContractRefused, match="cannot be opened"):
        read_probes(tmp_path / "marginal.yaml", contract)
