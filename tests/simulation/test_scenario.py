"""Scenarios: what is changed against no contract change, and what every future year assumes."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import pytest

pytest.importorskip("numba")

from accord.language.place import Place
from accord.language.problem import DataRefused
from accord.settlement.calls import check
from accord.settlement.catalogue import find
from accord.simulation.extending import Growth, grown, until
from accord.simulation.scenario import Future, Scenario, read_scenario

HEAD = "accord: 1\nscenario: tried\n"


def read(tmp_path: Path, text: str) -> Scenario:
    file = tmp_path / "tried.yaml"
    file.write_text(HEAD + text, encoding="utf-8")
    return read_scenario(file, behaviours=["refer-or-treat", "backfill"], in_force=["gms-global-sum", "supplement"])


def refused(tmp_path: Path, text: str) -> DataRefused:
    with pytest.raises(DataRefused) as caught:
        read(tmp_path, text)
    return caught.value


@pytest.mark.parametrize(
    ("text", "attribute", "value"),
    [
        ("contracts: {gain: {contract: gain-share}}", lambda s: s.contracts["gain"].contract, "gain-share"),
        ("contracts: {supplement: out}", lambda s: s.contracts["supplement"].out, True),
        ("contracts: {supplement: {variation: more.yaml}}", lambda s: s.contracts["supplement"].variation, "more.yaml"),
        ("population: {emergency: -5}", lambda s: s.population["emergency"], Fraction(-1, 20)),
        ("behaviours: all", lambda s: s.behaviours, None),
        ("behaviours: [backfill]", lambda s: s.behaviours, ("backfill",)),
        ("effects: {backfill.elective: 10}", lambda s: s.effects, {"backfill.elective": 10}),
        ("future: {prices: 2.5}", lambda s: s.future.prices, Fraction(1, 40)),
        ("future: {money: real}", lambda s: s.future.nominal, False),
        (
            "future: {growth: {supplement: {rate: 3}}}",
            lambda s: s.future.growth["supplement"]["rate"].rate,
            Fraction(3, 100),
        ),
    ],
)
def test_what_a_scenario_says(tmp_path: Path, text: str, attribute, value: object):
    assert attribute(read(tmp_path, text)) == value


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("title: Nothing at all", ":1:", "names nothing that it changes"),
        ("behaviours: none", ":1:", "names nothing that it changes"),
        ("contracts: {supplemnt: out}", ":3:", "supplemnt is not in force here"),
        ("contracts: {nothing: {variation: x.yaml}}", ":3:", "nothing is not in force here, so it cannot be varied"),
        ("contracts: {supplement: {contract: qof}}", ":3:", "supplement is in force already"),
        ("contracts: {gain: {contract: a, variation: b}}", ":3:", "both contract and variation"),
        ("contracts: {gain: {}}", ":3:", "neither contract nor variation"),
        ("behaviours: [refer-and-treat]", ":3:", "there is no behaviour refer-and-treat"),
        ("effects: {nobody.elective: 1}", ":3:", "there is no behaviour nobody"),
        ("effects: {backfill.elective: -101}", ":3:", "would leave less than nothing"),
        ("effects: {backfill.elective: 30000}", ":3:", "is more than twice what there is"),
        ("population: {emergency: -100}", ":3:", "emergency of the population of -100 % is not possible"),
        ("population: {emergency: 900}", ":3:", "900 % is not possible"),
        ("population: {emergencies: 9}", ":3:", "'emergencies' is not one of"),
        ("future: {prices: 250}", ":3:", "growth of prices of 250 % is not possible"),
        ("future: {prices: 2, money: real}", ":3:", "real money has no growth of prices"),
        ("future: {growth: {supplement: {rate: -100}}}", ":3:", "growth of supplement.rate of -100 % is not possible"),
        ("future: {term: 2026-13-01}", ":3:", "2026-13-01 is not a day"),
        ("futures: {prices: 2}", ":3:", "futures is not an entry of a scenario"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, text: str, place: str, message: str):
    error = refused(tmp_path, text)
    assert message in str(error)
    assert f"tried.yaml{place}" in str(error)


def test_several_problems_are_said_at_once(tmp_path: Path):
    error = refused(tmp_path, "contracts: {supplemnt: out}\nbehaviours: [nobody]\npopulation: {emergency: -100}")
    assert len(error.problems) == 3


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(DataRefused, match="cannot be read"):
        read_scenario(tmp_path / "none.yaml", behaviours=[], in_force=[])


def test_a_scenario_goes_before_its_place():
    ours = Future(prices=Fraction(1, 10), term="extended", said=frozenset({"prices", "term"}))
    theirs = Future(prices=Fraction(1, 50), said=frozenset({"prices"}))
    assert theirs.over(ours).prices == Fraction(1, 50)
    assert theirs.over(ours).term == "extended"
    assert Future().over(ours) == ours


# -- contracts of later years ------------------------------------------------------------------------------------------

YEARS = tuple(dt.date(2026 + year, 4, 1) for year in range(3))
AT = Place("place.yaml", 9, 1)


def test_a_term_goes_on_and_nothing_else_changes():
    file = find("gms-global-sum")
    contract = check(file)
    longer = until(contract, file, dt.date(2029, 3, 31))
    assert longer.term.last == dt.date(2029, 3, 31)
    assert [item.name for item in longer.keys["year"].items][-2:] == ["2027/28", "2028/29"]
    assert longer.quantities.keys() == contract.quantities.keys()
    assert until(contract, file, dt.date(2027, 3, 31)) is contract


def test_prices_grow_from_the_last_figure_there_is_and_are_marked_as_assumed():
    file = find("gms-global-sum")
    contract = until(check(file), file, dt.date(2029, 3, 31))
    made = grown(contract, {"price": Growth(Fraction(3, 100), "us", AT)}, YEARS)
    later = [entry for entry in made.parameters["price"].entries if entry.source.status == "assumed"]
    assert [(entry.since.year, entry.values[()]) for entry in later] == [
        (2027, Fraction("133.97")),  # 130.07 x 1.03 = 133.9721
        (2028, Fraction("137.99")),  # 130.07 x 1.03 x 1.03 = 137.991263
    ]
    assert made.parameters["london_adjustment"] == contract.parameters["london_adjustment"]


def test_the_first_simulated_year_has_the_last_figure_there_is():
    """Figures that are some years old grow from the first simulated year on, not through the years before it."""
    file = find("gms-global-sum")
    contract = until(check(file), file, dt.date(2030, 3, 31))
    made = grown(
        contract, {"price": Growth(Fraction(3, 100), "us", AT)}, tuple(day.replace(day.year + 1) for day in YEARS)
    )
    later = [entry for entry in made.parameters["price"].entries if entry.source.status == "assumed"]
    assert [(entry.since.year, entry.values[()]) for entry in later] == [
        (2028, Fraction("133.97")), (2029, Fraction("137.99")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "grow"),
    [("gms-global-sum", {"price", "london_adjustment"}), ("gain-share", set[str]())],
    ids=("money", "no money"),
)
def test_a_star_stands_for_every_amount_of_money_and_for_nothing_else(name: str, grow: set[str]):
    file = find(name)
    made = grown(until(check(file), file, dt.date(2029, 3, 31)), {"*": Growth(Fraction(1, 2), "us", AT)}, YEARS)
    found = {one.name for one in made.parameters.values() for entry in one.entries if entry.source.authority == "us"}
    assert found == grow


@pytest.mark.parametrize(
    ("name", "message"),
    [("prise", "has no parameter prise"), ("minimum_rate", "is no single number")],
)
def test_what_cannot_grow(name: str, message: str):
    with pytest.raises(DataRefused, match=message):
        grown(check(find("gain-share")), {name: Growth(Fraction(1, 50), "us", AT)}, YEARS)
