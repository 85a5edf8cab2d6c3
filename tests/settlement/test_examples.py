"""Worked examples: settled quickly where all is plain, in the ordinary way otherwise, with the same answer."""

from __future__ import annotations

from pathlib import Path

import pytest

import accord
from accord.language import check_text
from accord.settlement.examples import run_examples, settle_example
from accord.settlement.quick import settle_quickly

ROOT = Path(__file__).parents[2]
CONTRACTS = [*(one.name for one in accord.contracts()), *(str(f) for f in sorted((ROOT / "tests/drafts").glob("*/")))]


@pytest.mark.parametrize("name", CONTRACTS, ids=lambda name: Path(name).name)
def test_both_ways_give_the_same(name: str) -> None:
    contract = accord.check(name)
    for example in contract.examples:
        quick, settlement = settle_quickly(contract, example), settle_example(contract, example)
        assert quick is not None or "/" in name  # the library's must be quick; others may take the ordinary way
        for quantity in contract.quantities if quick is not None else ():
            assert dict(quick[quantity]) == settlement.values(quantity)


START = (ROOT / "src/accord/settlement/templates/start.yaml").read_text(encoding="utf-8")
TEXT = START.replace("{name}", "start").replace("{title}", "Start").replace("{folder}", "start")

SPOILT = {
    "a value is missing": ("done: 60}", "done: ''}", "done"),
    "a row that nobody reads": (
        "list_size: 10000}]",
        "list_size: 10000}, {practice: A, year: 2027-04-01, list_size: 1}]",
        "",
    ),
    "not a number": ("list_size: 10000}]", "list_size: many}]", "many"),
    "below the minimum": ("list_size: 10000}]", "list_size: 0}]", "list_size"),
    "the same row twice": ("list_size: 10000}]", "list_size: 1}, {practice: A, year: 2026/27, list_size: 1}]", "twice"),
    "a check fails": ("due: 100, done: 60}", "due: 100, done: 161}", "more reviews were done than were due"),
    "another amount": ("payment: 15840.00", "payment: 15840", ""),
    "a wrong amount": ("payment: 15840.00", "payment: 1", "15840, and the example expects 1"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_is_wrong_with_an_example_is_said_in_the_ordinary_words(case: str) -> None:
    old, new, message = SPOILT[case]
    assert old in TEXT
    try:
        contract = check_text(TEXT.replace(old, new))
        run_examples(contract)
    except accord.ContractRefused as refused:
        assert message and "Traceback" not in str(refused)
        assert message in str(refused) or message == "twice"
        assert all(problem.place.line for problem in refused.problems)
    else:
        assert message == ""
