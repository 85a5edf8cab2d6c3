"""The NHS aligned payment and incentive in its three forms, and the low-volume block, against their sources."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import pytest

from accord.engine import Settlement, read_inputs, settle
from accord.language import check
from accord.language.contract import Contract
from accord.library import CONTRACTS
from accord.settlement.examples import run_examples

SCHEME = CONTRACTS / "payment-scheme"
BLOCK = CONTRACTS / "payment-scheme-low-volume"

Rows = list[dict[str, object]]


def one_relationship(year: int, *, fixed: str, planned: str, done: str) -> dict[str, Rows]:
    """A trust and a board, one kind of planned care at a price of 1."""
    two = {"provider": "T", "commissioner": "C"}
    first = f"{year}-04-01"
    return {
        "agreements": [
            two
            | {
                "year": first,
                "fixed_payment": fixed,
                "expected_annual_value": "600000",
                "same_system": "true",
                "cquin_earned": "100",
            }
        ],
        "plan": [two | {"currency_code": "hip", "year": first, "planned": planned}],
        "activity": [two | {"currency_code": "hip", "month": first, "items": done}],
        "prices": [{"currency_code": "hip", "year": first, "setting": "elective", "unit_price": "1"}],
        "market_forces": [{"provider": "T", "year": first, "market_forces_factor": "1"}],
        "best_practice": [],
        "best_practice_prices": [],
    }


def paid(contract: Contract, year: int, **what: str) -> Fraction:
    """What the year comes to for that relationship."""
    inputs = read_inputs(contract, one_relationship(year, **what))
    (value,) = settle(contract, inputs).values("paid_in_all").values()
    assert isinstance(value, Fraction)
    return value


def sampled(folder: Path) -> Settlement:
    """The sample beside a contract, settled."""
    contract = check(folder)
    return settle(contract, read_inputs(contract, {file.stem: file for file in (folder / "sample").glob("*.csv")}))


@pytest.mark.parametrize("folder", [SCHEME, SCHEME / "proposal-2022.yaml", BLOCK], ids=lambda path: path.name)
def test_it_checks_and_its_worked_examples_hold(folder: Path) -> None:
    contract = check(folder)
    assert not contract.warnings
    assert run_examples(contract) == len(contract.examples) >= 4


# the vectors: a fixed payment of 100 that pays for planned care of 30 at price (2023/24: 70, planned care outside)
@pytest.mark.parametrize(
    ("year", "fixed", "done", "in_all"),
    [
        pytest.param(2022, "100", "33", "102.25", id="api_over: 75 % of 3 more"),
        pytest.param(2022, "100", "27", "97.75", id="api_under: 75 % of 3 less"),
        pytest.param(2022, "100", "30", "100", id="as planned"),
        pytest.param(2021, "100", "33", "101.50", id="2021/22: 50 % of 3 more"),
        pytest.param(2021, "100", "27", "98.50", id="2021/22: 50 % of 3 less"),
        pytest.param(2023, "70", "33", "103", id="2023/24: all 33 at price"),
        pytest.param(2024, "70", "27", "97", id="2024/25: all 27 at price"),
        pytest.param(2022, "100", "0", "77.50", id="nothing done: the fixed part of the price stays"),
    ],
)
def test_the_vectors(year: int, fixed: str, done: str, in_all: str) -> None:
    assert paid(check(SCHEME), year, fixed=fixed, planned="30", done=done) == Fraction(in_all)


def test_the_proposal_of_january_2022_is_a_variation_that_gives_98_50() -> None:
    proposal = check(SCHEME / "proposal-2022.yaml")
    assert paid(proposal, 2022, fixed="100", planned="30", done="27") == Fraction("98.50")
    assert paid(proposal, 2022, fixed="100", planned="30", done="33") == Fraction("102.25")


def test_the_proposal_is_also_a_what_if() -> None:
    contract = check(SCHEME)
    given = one_relationship(2022, fixed="100", planned="30", done="27")
    inputs = read_inputs(contract, given, what_ifs={"below_plan": "50"})
    assert set(settle(contract, inputs).values("paid_in_all").values()) == {Fraction("98.50")}


def test_a_relationship_below_the_limit_is_no_business_of_this_contract() -> None:
    contract = check(SCHEME)
    given = one_relationship(2022, fixed="100", planned="30", done="27")
    given["agreements"][0]["expected_annual_value"] = "500000"
    with pytest.raises(Exception, match="low-volume block"):
        settle(contract, read_inputs(contract, given))


def test_the_sample_settles_and_adds_up() -> None:
    settlement = sampled(SCHEME)
    whole = settlement.values("paid_in_all")
    assert len(whole) == 6
    parts: dict[tuple[str, str], Fraction] = {}
    for row in settlement.payments.to_pylist():
        amount = Fraction(int(row["amount"]), 10 ** int(row["places"]))
        assert amount >= 0
        sign = 1 if row["payer_party"] == "commissioner" else -1
        pair = (row["receiver"], row["payer"]) if sign == 1 else (row["payer"], row["receiver"])
        parts[pair] = parts.get(pair, Fraction(0)) + sign * amount
    expected: dict[tuple[str, str], Fraction] = {}
    for key, value in whole.items():
        named = dict(zip(settlement.contract.quantities["paid_in_all"].keys, key, strict=True))
        pair = (named["provider"], named["commissioner"])
        assert isinstance(value, Fraction)
        expected[pair] = expected.get(pair, Fraction(0)) + value
    assert parts == expected, "what is paid through the year is what the year comes to"


def test_every_rate_of_the_scheme_has_a_source_and_says_what_is_known_of_it() -> None:
    for folder in (SCHEME, BLOCK):
        for parameter in check(folder).parameters.values():
            for entry in parameter.entries:
                assert entry.source.authority
                assert entry.source.status in ("verified", "unverified", "derived")


@pytest.mark.parametrize(
    ("parameter", "year", "value", "status"),
    [
        ("above_plan", 2022, "3/4", "verified"),
        ("below_plan", 2022, "3/4", "verified"),
        ("above_plan", 2021, "1/2", "unverified"),
        ("paid_at_price", 2023, "1", "verified"),
        ("cquin_share", 2021, "0", "verified"),
        ("cquin_share", 2022, "1/80", "verified"),
        ("assumed_level", 2022, "26/25", "verified"),
        ("smallest_outside_system", 2022, "30000000", "verified"),
    ],
)
def test_the_rates_are_those_of_the_sources(parameter: str, year: int, value: str, status: str) -> None:
    entries = [e for e in check(SCHEME).parameters[parameter].entries if e.since <= dt.date(year, 4, 1)]
    assert entries[-1].values[()] == Fraction(value)
    assert entries[-1].source.status == status


# -- the low-volume block ---------------------------------------------------------------------------------------------


def blocks(values: list[tuple[str, str]]) -> dict[str, Fraction]:
    """The block of each year, for (value of activity, expected value) in the years from 2019/20."""
    contract = check(BLOCK)
    rows: Rows = [
        {
            "provider": "T",
            "commissioner": "C",
            "year": f"{2019 + number}-04-01",
            "activity_value": value,
            "expected_annual_value": expected,
        }
        for number, (value, expected) in enumerate(values)
    ]
    settlement = settle(contract, read_inputs(contract, {"relationships": rows}))
    at = contract.quantities["block"].keys.index("year")
    return {
        key[at]: Fraction(value) for key, value in settlement.values("block").items() if isinstance(value, Fraction)
    }


def test_the_block_is_the_mean_of_the_three_years_before() -> None:
    found = blocks([("300000", "1"), ("360000", "1"), ("420000", "1"), ("390001", "1"), ("0", "1")])
    assert found["2022-04-01"] == 360_000
    assert found["2023-04-01"] == 390_000  # 390,000.33 to the pound


@pytest.mark.parametrize("done", ["0", "360000", "9999999"])
def test_what_happens_in_the_year_changes_nothing_in_it(done: str) -> None:
    assert blocks([("300000", "1"), ("360000", "1"), ("420000", "1"), (done, "1")])["2022-04-01"] == 360_000


@pytest.mark.parametrize(
    ("year", "expected", "is_low_volume"),
    [
        (2024, "500000", True),
        (2024, "500000.01", False),
        (2025, "1500000", True),
        (2025, "1500000.01", False),
    ],
)
def test_the_limit_was_half_a_million_and_is_one_and_a_half(year: int, expected: str, is_low_volume: bool) -> None:
    values = [("600000", "1")] * (year - 2019) + [("600000", expected)]
    assert (blocks(values)[f"{year}-04-01"] == 600_000) is is_low_volume


def test_the_block_is_the_only_transaction_of_the_year_and_history_pays_nothing() -> None:
    settlement = sampled(BLOCK)
    rows = settlement.payments.to_pylist()
    assert rows and {row["quantity"] for row in rows} == {"block"}
    paid_in = [str(row["keys"]) for row in rows]
    assert len(paid_in) == len(set(paid_in)), "one payment a relationship and year"
    assert not any(f"year={year}-04-01" in keys for keys in paid_in for year in (2019, 2020, 2021))


def test_months_without_any_activity_are_pointed_out() -> None:
    contract = check(SCHEME)
    given = one_relationship(2022, fixed="100", planned="30", done="30")
    notices = settle(contract, read_inputs(contract, given)).notices.to_pylist()
    assert len(notices) == 11, "eleven months of the year have no activity"
