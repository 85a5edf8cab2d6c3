"""What changed between two contracts: every kind of entry, before and after, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

import accord
from accord.language import check_text

ROOT = Path(__file__).parents[2]
START = (ROOT / "src/accord/settlement/templates/start.yaml").read_text(encoding="utf-8")
TEXT = START.replace("{name}", "start").replace("{title}", "Start").replace("{folder}", "start")
TEXT = TEXT.split("# Worked examples")[0]

CHANGES = {
    # what is replaced, by what -> kind, what, how, before, after
    "the term": (
        "to: 2028-03-31}",
        "to: 2029-03-31}",
        [("Terms", "term", "changed", "2026-04-01 to 2028-03-31", "2026-04-01 to 2029-03-31")],
    ),
    "the title": ("title: Start", "title: Finish", [("Terms", "title", "changed", "Start", "Finish")]),
    "a party": (
        "name: Exampleshire Integrated Care Board",
        "name: The Board",
        [("Parties", "board", "changed", "Exampleshire Integrated Care Board", "The Board")],
    ),
    "a figure from one of its days": (
        "value: 1.81",
        "value: 1.90",
        [("Figures", "price", "from 1 April 2027", "£1.81 per person", "£1.90 per person")],
    ),
    "a status": (
        "status: indicative",
        "status: verified",
        [("Figures", "price", "from 1 April 2027", "schedule 1, indicative", "schedule 1, verified")],
    ),
    "an entry more": (
        "      - {from: 2027-04-01, value: 1.81",
        "      - {from: 2027-01-01, value: 1.80, authority: a}\n      - {from: 2027-04-01, value: 1.81",
        None,  # refused: it changes inside a year
    ),
    "an entry less": (
        "      - {from: 2027-04-01, value: 1.81, authority: schedule 1, status: indicative}\n",
        "",
        [("Figures", "price", "from 1 April 2027, removed", "£1.81 per person", "")],
    ),
    "a formula": (
        "list_size * price * (1 - for_reviews + for_reviews * reached)",
        "list_size * price * (1 - for_reviews * (1 - reached))",
        [
            (
                "Quantities",
                "payment",
                "formula changed",
                "1 - for_reviews + for_reviews",
                "1 - for_reviews * (1 - reached)",
            )
        ],
    ),
    "a rounding": (
        "round: 0.01 GBP half_up",
        "round: 1 GBP down",
        [("Quantities", "payment", "rounding changed", "0.01 GBP half_up", "1 GBP down")],
    ),
    "a clause": (
        "clause: clause 2",
        "clause: clause 9",
        [("Quantities", "payment", "clause changed", "clause 2", "clause 9")],
    ),
    "a quantity more": (
        "    done_in_year: sum(done)\n",
        "    done_in_year: sum(done)\n    undone: {is: due_in_year - done_in_year, report: true}\n",
        [("Quantities", "undone", "added", "", "due_in_year - done_in_year")],
    ),
    "a column": (
        "due:  {unit: reviews, min: 0}",
        "due:  {unit: reviews, min: 0, optional: true}",
        None,  # refused: it would reach a payment
    ),
    "a stream": (
        "stream: participation",
        "stream: basic",
        [("Payments", "payment", "changed", "participation", "basic")],
    ),
    "a check": (
        "done_in_year <= due_in_year",
        "due_in_year >= done_in_year",
        [
            ("Checks", "done_in_year <= due_in_year", "removed", "", ""),
            ("Checks", "due_in_year >= done_in_year", "added", "", ""),
        ],
    ),
    "a smallest value": (
        "list_size: {unit: people, min: 1",
        "list_size: {unit: people, min: 2",
        [("Inputs", "lists", "changed", "at least 1", "at least 2")],
    ),
    "only a note": ("note: the part of the price", "note: the part, in percent, of the price", []),
}


@pytest.mark.parametrize("case", CHANGES)
def test_a_change_is_shown_before_and_after(case: str) -> None:
    old, new, expected = CHANGES[case]
    assert old in TEXT
    changed = TEXT.replace(old, new)
    if case == "only a note":
        changed = TEXT.replace(old, f"note: '{new.removeprefix('note: ')}").replace(
            "depends on reviews}", "depends on reviews'}"
        )
    if expected is None:
        with pytest.raises(accord.ContractRefused):
            check_text(changed)
        return
    found = accord.diff(check_text(TEXT), check_text(changed))
    seen = [(one.kind, one.what, one.how, one.before, one.after) for one in found.changes]
    assert len(seen) == len(expected), seen
    for (kind, what, how, before, after), change in zip(expected, found.changes, strict=True):
        assert (change.kind, change.how) == (kind, how)
        assert what in change.what and before in change.before and after in change.after
    assert found.same_text is False
    back = accord.diff(check_text(changed), check_text(TEXT))
    assert len(back.changes) == len(found.changes)


@pytest.mark.parametrize("name", [one.name for one in accord.contracts()])
def test_a_contract_differs_in_nothing_from_itself(name: str) -> None:
    contract = accord.check(name)
    found = accord.diff(contract, contract)
    assert found.same and found.same_text and not found.changes
