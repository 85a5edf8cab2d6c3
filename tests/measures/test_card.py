"""Cards: what may stand in one, and every message with the card that causes it."""

from __future__ import annotations

from typing import Any

import pytest

from accord.library import CONTRACTS, measure_names
from accord.measures.card import Ages, read_ages, read_card
from accord.measures.cards import Cards
from accord.measures.measure import find
from accord.record.portable import MeasureRefused
from accord.settlement.catalogue import check_with_cards
from tests.measures.made import card, ratio, yaml

STANDARD = {"method": "indirect", "by": ["sex", "age_band"], "ages": "0-64 65+", "standard": "own"}

WRONG = [
    ("an entry that is none", card(titel="x"), "titel is not an entry"),
    ("an entry that is missing", card(title=None), "has no title"),
    ("a kind that is none", card(kind="average"), "average is not one of rate, ratio, total"),
    ("a rate over nobody", card(population={"who": "registered"}), "needs to say how its population is counted"),
    ("a ratio over a population", ratio(population={"who": "registered", "count": "person-days"}), "leave count out"),
    ("a total with a rate", card(kind="total", population={"who": "registered"}, interval="none"), "neither per nor"),
    ("limits of a share for events", card(interval="wilson"), "Wilson's limits are for a share of people"),
    ("indirect, and free to compare", card(standardise=STANDARD), "may not be compared with each other"),
    ("bands without ages", card(standardise={**STANDARD, "by": ["sex"]}), "ages and age_band belong together"),
    ("a gap between bands", card(standardise={**STANDARD, "ages": "0-4 10+"}), "does not begin at 5"),
    ("an open band in the middle", card(standardise={**STANDARD, "ages": "0+ 65+"}), "not the last"),
    ("a stratum that is none", card(standardise={**STANDARD, "by": ["colour"]}), "colour is no stratum"),
    ("direct by own rates", card(standardise={**STANDARD, "method": "direct"}), "needs a standard population"),
    ("a stratum with a name of the frame", card(strata={"sex": "x"}), "column of every measure already"),
    (
        "ages that end before they begin",
        card(population={**card()["population"], "ages": "65-18"}),
        "before they begin",
    ),
    ("reviewed in the future only", card(next_review="2025-01-01"), "not after the last"),
    ("a list without a version", card(lists={"codes": "falls"}), "is not a name and its version"),
    ("a path for a list", card(lists={"codes": "../../etc/passwd@1"}), "is not a name and its version"),
    ("a path for a part", card(parts=["../x"]), "is not a name"),
    ("an anchor", {**card(), "why": "&a text"}, "anchor"),
]


@pytest.mark.parametrize(("what", "written", "said"), WRONG, ids=[what for what, _, _ in WRONG])
def test_refused(what: str, written: dict[str, Any], said: str) -> None:
    """Each is refused with a place and words that say what is wrong."""
    with pytest.raises(MeasureRefused) as refused:
        read_card(yaml(written).encode(), "falls.yaml")
    assert said in str(refused.value)
    assert all(problem.place.line > 0 for problem in refused.value.problems)


def test_several_at_once() -> None:
    """Everything that is wrong is said together, in order."""
    with pytest.raises(MeasureRefused) as refused:
        read_card(yaml(card(kind="average", better="more", round="0.3")).encode(), "falls.yaml")
    assert len(refused.value.problems) == 3


@pytest.mark.parametrize(
    ("text", "inside", "outside"), [("0-4", (0, 4), (5,)), ("90+", (90, 120), (89,)), ("7", (7,), (6, 8))]
)
def test_ages(text: str, inside: tuple[int, ...], outside: tuple[int, ...]) -> None:
    """Both ends of a band belong to it."""
    ages = read_ages(text)
    assert all(age in ages for age in inside)
    assert not any(age in ages for age in outside)
    assert isinstance(ages, Ages)


def test_what_a_contract_may_read() -> None:
    """Counts may always be compared; a rate as its card says."""
    written = card(standardise=STANDARD, permits="the national figure")
    columns = read_card(yaml(written).encode(), "falls.yaml").for_contract()
    assert columns == {
        "numerator": "all",
        "observed": "all",
        "denominator": "all",
        "answers": "all",
        "rate": "the national figure",
        "lower": "the national figure",
        "upper": "the national figure",
        "expected": "all",
    }


@pytest.mark.parametrize("name", measure_names())
def test_library(name: str) -> None:
    """Every measure of the library can be used, and contracts find its card."""
    measure = find(name)
    assert Cards()[measure.id].columns == measure.card.for_contract()


def test_a_contract_reads_the_cards_of_the_measures_it_names_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty-five cards take a third of a second; every command would wait for them."""
    read: list[str] = []

    def noted(content: bytes, file: str, *others: Any) -> Any:
        read.append(file)
        return read_card(content, file, *others)

    monkeypatch.setattr("accord.measures.cards.read_card", noted)
    check_with_cards(CONTRACTS / "qof")
    assert read == []
    inputs = check_with_cards(CONTRACTS / "integration-supplement").inputs.values()
    named = {table.measure.partition("@")[0] for table in inputs if table.measure}
    assert set(read) == {f"{name}.yaml" for name in named} and len(named) == 6


def test_days_of_people_are_said_of_ratios_only() -> None:
    """A rate says how its population is counted; only the rows of a ratio can be person-days themselves."""
    made = read_card(yaml(ratio(interval="none", denominator_unit="person-days")).encode(), "card.yaml")
    assert made.denominator_unit == "person-days"
    with pytest.raises(MeasureRefused, match="a rate counts people"):
        read_card(yaml(card(denominator_unit="person-days")).encode(), "card.yaml")
