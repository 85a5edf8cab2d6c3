"""The tree behind one number: the same from computed and from stored values, and what a reader sees of it."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

from accord.engine.explanation import Explanation, explain
from accord.engine.inputs import read_inputs
from accord.engine.printed import formula_text, printed_number
from accord.engine.reference import Reference
from accord.language import check
from accord.language.contract import Contract
from accord.language.problem import DataRefused
from accord.language.rounding import Rounding
from accord.language.unit import RATIO, Unit, read_unit

DRAFTS = Path(__file__).parent.parent / "drafts"
GBP = Unit((("GBP", 1),))
PENNY = Rounding(Fraction(1, 100), "half_up", GBP)
NAMES = sorted(folder.parent.name for folder in DRAFTS.glob("*/contract.yaml"))


def loaded(name: str) -> tuple[Contract, Reference]:
    contract = check(DRAFTS / name)
    return contract, Reference(
        contract, read_inputs(contract, {p.stem: p for p in (DRAFTS / name / "data").glob("*.csv")})
    )


# -- how numbers are printed ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "unit", "percent", "rounding", "printed"),
    [
        ("36314.27", "GBP", False, PENNY, "£36,314.27"),
        ("36314.2", "GBP", False, PENNY, "£36,314.20"),
        ("-0.5", "GBP", False, None, "-£0.50"),
        ("1000000", "GBP", False, None, "£1,000,000.00"),
        ("1.7601", "GBP per person", False, None, "£1.7601 per person"),
        ("12", "CHF", False, None, "CHF 12.00"),
        ("12000", "people", False, None, "12,000 people"),
        ("1", "day", False, None, "1 day"),
        ("3", "days", False, None, "3 days"),
        ("0.7155", "ratio", True, None, "71.55%"),
        ("0.4", "ratio", True, None, "40%"),
        ("2/7", "ratio", False, None, "≈ 0.285714 (2/7)"),
        ("2/7", "ratio", True, None, "≈ 28.5714% (2/7)"),
        ("200000000/7", "GBP", False, None, "≈ £28,571,429 (200000000/7)"),
        ("1/700000", "ratio", False, None, "≈ 0.00000142857 (1/700000)"),
        ("0", "ratio", False, None, "0"),
    ],
)
def test_numbers_as_printed(value: str, unit: str, percent: bool, rounding: Rounding | None, printed: str) -> None:
    read = read_unit(unit, frozenset()).unit
    assert printed_number(Fraction(value), read, percent=percent, rounding=rounding) == printed


def test_the_short_form_has_no_words() -> None:
    assert printed_number(Fraction(2, 7), Unit((("people", 1),)), words=False) == "≈0.285714"
    assert printed_number(Fraction(12000), Unit((("people", 1),)), words=False) == "12,000"
    assert printed_number(Fraction(1, 2), RATIO, percent=True, words=False) == "50%"


# -- the tree ---------------------------------------------------------------------------------------------------------


def test_the_example_of_the_design() -> None:
    contract, reference = loaded("example")
    tree = explain(contract, reference.world(0), "reward", {"practice": "A", "year": "2026/27"})
    assert tree.value == Fraction("36314.27") and tree.printed == "£36,314.27" and tree.unit == "GBP"
    assert tree.row == {"practice": "A", "year": "2026-04-01"} and tree.row_printed == "practice A, year 2026/27"
    assert tree.formula == "allocate(pool, weight)"
    assert tree.working.startswith("£62,000 * 0.585714 / 1, the weights of all 2 rows")
    by_name = {one.name: one for one in tree.inputs}
    assert by_name["members.neighbourhood"].kind == "key" and by_name["members.neighbourhood"].value == "N"
    pool = by_name["pool"]
    assert pool.clause == "cl. 5 and 7" and pool.row == {"neighbourhood": "N", "year": "2026-04-01"}
    assert (
        pool.working
        == "100 * £1,240 * 50%; because 100 >= 2.9775% * 1,000 and 71.5% >= 65%; rounded to 0.01 GBP half_up"
    )
    parts = {one.name: one for one in pool.inputs}
    assert parts["gate"].source is not None and parts["gate"].source.authority == "cl. 7"
    assert parts["noise(list_all)"].working == "noise(21,000): between 10,000: 3.5% and 50,000: 1.6%"
    weight = {one.name: one for one in by_name["weight"].inputs}
    assert weight["by_need"].since is not None and weight["by_need"].since.isoformat() == "2026-04-01"
    list_all = weight["list_all"]
    assert list_all.rows_in_all == 2 and [one.printed for one in list_all.inputs] == ["12,000 people", "9,000 people"]


def test_the_branch_that_did_not_apply_says_why() -> None:
    contract, reference = loaded("retention")
    quantity = contract.quantities["open_quarters"]
    row = next(row for row, value in reference.values("open_quarters").items() if value == 0)
    tree = explain(contract, reference.world(0), "open_quarters", dict(zip(quantity.keys, row, strict=True)))
    assert ("put_right", "put_right is false") in [(branch.condition, branch.why) for branch in tree.not_taken]
    assert any("missing: there is nothing before 2026/27 Q1" in branch.why for branch in tree.not_taken)
    assert "not: put_right — put_right is false" in tree.as_text()


def test_json_loses_nothing() -> None:
    contract, reference = loaded("mssp")
    quantity = contract.quantities["savings_rate"]
    row, value = next(iter(reference.values("savings_rate").items()))
    tree = explain(contract, reference.world(0), "savings_rate", dict(zip(quantity.keys, row, strict=True)))
    data = json.loads(json.dumps(tree.as_json()))
    assert Fraction(data["value"]) == value
    assert data["kind"] == "quantity" and "input" in {one["kind"] for one in data["inputs"]}
    assert all(one["place"] for one in data["inputs"])


def test_depth_and_limit() -> None:
    contract, reference = loaded("qof")
    quantity = contract.quantities["total_points"]
    row = dict(zip(quantity.keys, reference.rows(quantity.rows)[0], strict=True))
    flat = explain(contract, reference.world(0), "total_points", row, depth=0)
    assert flat.inputs == () and flat.formula
    few = explain(contract, reference.world(0), "total_points", row, depth=1, limit=2)

    def gatherings(one: Explanation) -> list[Explanation]:
        own = [one] if one.rows_in_all is not None else []
        return own + [found for part in one.inputs for found in gatherings(part)]

    largest = max(gatherings(few), key=lambda one: one.rows_in_all or 0)
    assert largest.rows_in_all is not None and largest.rows_in_all > 2
    assert f"… {largest.rows_in_all - 2:,} more of {largest.rows_in_all:,} rows" in few.as_text()


@pytest.mark.parametrize(
    ("quantity", "row", "message"),
    [
        ("rewards", {}, "did you mean reward?"),
        ("reward", {"practice": "A"}, "say practice=… year=…"),
        ("reward", {"practice": "Z", "year": "2026/27"}, "there is no row for practice Z"),
    ],
)
def test_what_cannot_be_explained(quantity: str, row: dict[str, str], message: str) -> None:
    contract, reference = loaded("example")
    with pytest.raises(DataRefused) as error:
        explain(contract, reference.world(0), quantity, row)
    assert message in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_formulas_print_as_they_read(name: str) -> None:
    """A resolved formula, written by names, parses back; where it was short and plain, to the same text."""
    from accord.language.formula import parse, show
    from accord.language.place import Place

    contract, _ = loaded(name)
    for quantity in contract.quantities.values():
        for version in quantity.versions:
            text = formula_text(version.formula)
            parse(text, lambda offset: Place("", 1, offset + 1))
            if "case " not in version.text and "." not in version.text and "between" not in version.text:
                written = show(parse(version.text, lambda offset: Place("", 1, offset + 1)))
                assert text == written
