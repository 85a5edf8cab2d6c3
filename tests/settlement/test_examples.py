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
    "the same row twice": (
        "list_size: 10000}]",
        "list_size: 1}, {practice: A, year: 2026/27, list_size: 1}]",
        "are the same",
    ),
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
        assert message and message in str(refused)
        assert all(problem.place.line for problem in refused.problems)
    else:
        assert message == ""


def test_a_variation_is_told_which_examples_of_its_base_to_leave_out(tmp_path: Path) -> None:
    """By their numbers in the base, whatever it has left out already; its own examples have the ordinary fix."""
    signed = accord.check("integration-supplement").signed_hash
    varied = tmp_path / "varied.yaml"
    text = f"""accord: 1
variation: varied
of: integration-supplement
base_hash: {signed}
replace: {{parameters.average_cost.value: 3000}}
remove: [examples.1]
add:
  examples:
    - title: One of its own that is wrong
      given:
        agreements: [{{practice: A, signed: 2026-03-01, list_at_signing: 10000, global_sum_at_signing: 1260000}}]
        members:
          - {{practice: A, year: 2026-04-01, neighbourhood: N, list_size: 1, need: 1, global_sum: 1260000}}
        admissions: [{{neighbourhood: N, year: 2026-04-01, observed: 1, expected: 1}}]
      expect: {{it: [{{practice: A, loss_limit: 1}}]}}
"""
    varied.write_text(text, encoding="utf-8")
    with pytest.raises(accord.ContractRefused) as refused:
        run_examples(accord.check(varied))
    fixes = {Path(problem.place.file).name: problem.fix for problem in refused.value.problems}
    assert fixes["varied.yaml"] == "correct the example, or the formula it tests"
    assert "remove: [examples.2, examples.4] in the variation" in fixes["contract.yaml"]
    varied.write_text(
        text.replace("[examples.1]", "[examples.1, examples.2, examples.4]").replace("limit: 1}", "limit: 1260}")
    )
    assert run_examples(accord.check(varied)) == 3
