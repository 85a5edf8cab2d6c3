"""64 bits, 128 bits, or Python: whichever is proven to be enough, and the same digits from all of them."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal

import duckdb
import pytest

from accord.engine import read_inputs, settle
from accord.engine.duckdb_engine import DuckEngine
from accord.engine.plan import make_plan
from accord.engine.sql import BIGINT, HUGEINT, TooWide, width_of
from accord.language import check_text
from accord.language.contract import Contract
from accord.language.problem import SettlementStopped
from accord.language.rounding import ROUNDING_RULES, RoundingRule, round_fraction

ENGINES: tuple[Literal["reference", "integers", "duckdb"], ...] = ("reference", "integers", "duckdb")
HEAD = """accord: 1
contract: widths
title: Widths
authority: made up
currency: GBP
term: {from: 2024-04-01, to: 2025-03-31}
keys: {row: {}, year: {every: 12 months}}
inputs:
  rows: {keys: [row, year], columns: {x: GBP, y: {unit: ratio, min: 0.000000001}}}
quantities:
"""
Rows = dict[str, list[dict[str, object]]]


def contract(*lines: str) -> Contract:
    """A contract with these lines of quantities."""
    return check_text(HEAD + "".join(f"  {line}\n" for line in lines))


def rows(*values: tuple[str, str]) -> Rows:
    """Rows with these x and y."""
    return {"rows": [{"row": f"r{i:02}", "year": "2024-04-01", "x": x, "y": y} for i, (x, y) in enumerate(values)]}


def in_python(of: Contract, given: Rows) -> set[str]:
    """What the DuckDB engine leaves to Python."""
    inputs = read_inputs(of, given)
    engine = DuckEngine(make_plan(of, inputs), inputs, duckdb.connect(), None)
    engine.run()
    return set(engine.in_python)


def test_what_duckdb_cannot_hold_is_settled_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that no row takes may lie outside every bound that was worked out; the run does not stop for it."""
    of, given = contract("- each: [row, year]", "  twice: {is: (x + x) * y, report: true}"), rows(("1.5", "1"))
    wanted = settle(of, read_inputs(of, given), "reference").values("twice")

    def too_large(engine: DuckEngine) -> None:
        raise duckdb.OutOfRangeException("Overflow in addition of INT128")

    monkeypatch.setattr(DuckEngine, "run", too_large)
    assert settle(of, read_inputs(of, given), "duckdb").values("twice") == wanted == {("r00", "2024-04-01"): 3}


TIES = ("0.005", "-0.005", "0.015", "-0.015", "0.025", "-0.025", "0", "1", "-1", "0.0049", "-0.0051", "2.675", "-2.675")


@pytest.mark.parametrize("rule", ROUNDING_RULES)
@pytest.mark.parametrize("scale", [1, 10**15, 10**33, 10**45], ids=["small", "64 bits", "128 bits", "more"])
def test_every_rule_rounds_the_same_in_every_engine(rule: RoundingRule, scale: int) -> None:
    steps = {"penny": "0.01", "shilling": "0.05", "pound": "1", "quarter": "0.25", "thousand": "1000"}
    of = contract(
        "- each: [row, year]",
        *(f"  {name}: {{is: x, round: {step} GBP {rule}, report: true}}" for name, step in steps.items()),
        *(f"  part_{name}: {{is: x / y, round: {step} GBP {rule}, report: true}}" for name, step in steps.items()),
    )
    written = [(x if scale == 1 else str(int(Fraction(x) * scale)), y) for x in TIES for y in ("1", "3", "0.5")]
    given = rows(*written)
    inputs = read_inputs(of, given)
    settled = {engine: settle(of, inputs, engine) for engine in ENGINES}
    for name in of.quantities:
        assert settled["integers"].values(name) == settled["reference"].values(name), name
        assert settled["duckdb"].values(name) == settled["reference"].values(name), name
    for name, step in steps.items():
        found = list(settled["duckdb"].values(f"part_{name}").values())
        exact = [round_fraction(Fraction(x) / Fraction(y), Fraction(step), rule) for x, y in written]
        assert found == exact


def test_only_what_does_not_fit_goes_to_python() -> None:
    of = contract(
        "- each: [row, year]",
        "  plain: {is: x, round: 1 GBP half_up, report: true}",
        "  times: {is: abs(x) * y * y / (y + 1), round: 1 GBP half_up, report: true}",
        "  after: {is: times + plain, report: true}",
    )
    assert in_python(of, rows(("1000.00", "12.345"), ("1", "1"))) == set()
    assert in_python(of, rows(("1" + "0" * 17, "12.345"), ("1", "1"))) == set()
    assert in_python(of, rows(("1" + "0" * 33, "12345.678"), ("1", "1"))) == {"times"}  # its result fits again
    assert in_python(of, rows(("1" + "0" * 60, "2"), ("1", "1"))) == {"plain", "times", "after"}


@pytest.mark.parametrize("digits", [3, 18, 19, 20, 36, 37, 38, 39, 40, 80])
def test_sums_and_ranks_of_numbers_of_any_length(digits: int) -> None:
    text = HEAD.replace(
        "quantities:", "parameters:\n  half: {unit: percent, value: 50, authority: made up}\nquantities:"
    )
    of = check_text(
        text
        + """
  - each: [row, year]
    place: {is: rank() over (partition by year order by x desc), report: true}
    use_y: {is: y, report: true}
  - each: [year]
    total: {is: sum(x), report: true}
    most: {is: max(x), report: true}
    middle: {is: 'quantile(x, half)', report: true}
"""
    )
    nines = "9" * digits
    inputs = read_inputs(of, rows((nines, "1"), (f"-{nines}", "1"), (nines, "2"), ("0.01", "1"), ("0", "1")))
    settled = {engine: settle(of, inputs, engine) for engine in ENGINES}
    for name in of.quantities:
        assert settled["duckdb"].values(name) == settled["reference"].values(name), name
        assert settled["integers"].values(name) == settled["reference"].values(name), name


def test_widths_of_intervals() -> None:
    assert width_of(-(2**63) + 1, 2**63 - 1) == BIGINT
    assert width_of(0, 2**63) == HUGEINT
    assert width_of(-(10**38) + 1, 0) == HUGEINT
    for lo, hi in ((0, 10**38), (None, None), (0, None)):
        with pytest.raises(TooWide):
            width_of(lo, hi)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_branch_that_is_not_taken_does_not_stop_a_run(engine: Literal["reference", "integers", "duckdb"]) -> None:
    of = contract("- each: [row, year]", "  worth: {is: case when x > 0 then y * x / x else 0 end, report: true}")
    settled = settle(of, read_inputs(of, rows(("0", "2"), ("5", "2"))), engine)
    assert list(settled.values("worth").values()) == [0, 2]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_pool_whose_weights_are_all_0_stops_the_run_and_names_it(
    engine: Literal["reference", "integers", "duckdb"],
) -> None:
    of = contract(
        "- each: [year]",
        "  pool: {is: sum(y), round: 1 ratio up}",
        "- each: [row, year]",
        "  weight: {is: 'greatest(x, 0)'}",
        "  part: {is: 'allocate(pool, weight)', round: 1 ratio half_up, report: true}",
    )
    settled = settle(of, read_inputs(of, rows(("1", "1"), ("1", "2"))), engine)
    assert list(settled.values("part").values()) == [2, 1]
    with pytest.raises(SettlementStopped, match="every weight is 0"):
        settle(of, read_inputs(of, rows(("0", "1"), ("-5", "2"))), engine)
