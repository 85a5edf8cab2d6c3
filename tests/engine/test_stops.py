"""A division that only a check guards: when the check fails, every engine stops with words, never with a traceback."""

from __future__ import annotations

import pytest

from accord.engine import read_inputs, settle
from accord.language import SettlementStopped, check_text
from accord.language.contract import Contract

TEXT = """
accord: 1
contract: division
currency: GBP
term: {from: 2026-04-01, to: 2027-03-31}
keys: {practice: {}, year: {every: 12 months}}
inputs: {work: {keys: [practice, year], columns: {done: ratio, due: ratio}}}
quantities:
  - each: [practice, year]
    share: {is: done / due, report: true ROUND}
checks: [{that: due > 0, each: [practice, year], else: nothing is due}]
"""


@pytest.mark.parametrize("engine", ["reference", "integers", "duckdb"])
@pytest.mark.parametrize("rounding", ["", ", round: 0.01 ratio half_up", ", round: 0.01 ratio floor"])
def test_a_division_that_only_a_check_guards(engine: str, rounding: str) -> None:
    contract: Contract = check_text(TEXT.replace(" ROUND", rounding))
    row = {"practice": "A", "year": "2026-04-01", "done": "1", "due": "2"}
    assert settle(contract, read_inputs(contract, {"work": [row]}), engine=engine).values("share")  # type: ignore[arg-type]
    inputs = read_inputs(contract, {"work": [{**row, "due": "0"}]})
    with pytest.raises(SettlementStopped, match=r"nothing is due|division by 0") as stopped:
        settle(contract, inputs, engine=engine)  # type: ignore[arg-type]
    assert stopped.value.problems[0].place.line > 0
