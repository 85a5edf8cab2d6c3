"""Verification: every check holds of what we ship, and finds what is broken on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("numba")

from accord.simulation import person_engine
from accord.simulation.model import model
from accord.simulation.people import BURDENS
from accord.simulation.person_engine import Outcome
from accord.simulation.results import DEATHS, ELECTIVE, EMERGENCY, EMERGENCY_COST, MONTHS
from accord.simulation.validation import conservation, engines, limits, relations
from accord.simulation.validation.verification import FALSE_ALARM, Check, Given, chance_of, errors_of, given, shared

simulate = person_engine.simulate


@pytest.fixture(scope="module")
def made() -> Given:
    return given(25_000, 1)


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "EACH", 1_500)
    monkeypatch.setattr(engines, "RUNS", 30)


def named(checks: Iterator[Check]) -> Mapping[str, Check]:
    return {check.name: check for check in shared(list(checks))}


PARTS: Mapping[str, Callable[[Given], Iterator[Check]]] = {
    "conservation": conservation.checks,
    "limits": limits.checks,
    "engines": engines.checks,
    "invariances": relations.invariances,
    "behaviours": relations.behaviours,
    "figures": relations.figures,
}


@pytest.mark.parametrize("part", PARTS)
def test_every_check_holds(part: str, made: Given):
    found = list(PARTS[part](made))
    assert [f"{one.name}: {one.expected}; {one.found}" for one in shared(found) if not one.held] == []
    assert len({one.name for one in found}) == len(found)
    assert all(one.what and one.expected and one.found for one in found)


# ------------------------------------------------------------------------------------------- what is broken on purpose


def altered(change: Callable[[Outcome], Outcome]) -> Callable[..., Outcome]:
    """The person engine with its outcome changed."""

    def wrong(*arguments: Any, **named: Any) -> Outcome:
        return change(simulate(*arguments, **named))

    return wrong


def more(result: int, by: int = 1) -> Callable[[Outcome], Outcome]:
    """One more of something in the first practice, year and group that has any."""

    def change(outcome: Outcome) -> Outcome:
        counts = outcome.counts.copy()
        counts[0, 0, 0, 3, result] += by
        return replace(outcome, counts=counts)

    return change


def times(result: int, factor: float) -> Callable[[Outcome], Outcome]:
    def change(outcome: Outcome) -> Outcome:
        counts = outcome.counts.copy()
        counts[..., result] = np.rint(counts[..., result] * factor)
        return replace(outcome, counts=counts)

    return change


def everybody_alike(people: Any, *arguments: Any, **named: Any) -> Outcome:
    return simulate(replace(people, burden=np.full(len(people), BURDENS // 2, np.uint8)), *arguments, **named)


def seedless(people: Any, tables: Any, years: int, seed: int, *arguments: Any, **named: Any) -> Outcome:
    return simulate(people, tables, years, 7, *arguments, **named)


def in_company(people: Any, tables: Any, years: int, seed: int, change: Any = None, **named: Any) -> Outcome:
    """The last of several scenarios hears of the first."""
    outcome = simulate(people, tables, years, seed, change, **named)
    if len(outcome.counts) > 2:
        outcome.counts[-1] += outcome.counts[0] > 1000
    return outcome


def forgetful(people: Any, *arguments: Any, after: Outcome | None = None, **named: Any) -> Outcome:
    """A run that goes on with the burdens that people had at its start."""
    if after is not None:
        after = replace(after, burden=np.repeat(people.burden[None], len(after.burden), axis=0))
    return simulate(people, *arguments, after=after, **named)


def a_gift_to_each_practice(outcome: Outcome) -> Outcome:
    counts = outcome.counts.copy()
    counts[:, :, 0, 0, ELECTIVE] += 1
    return replace(outcome, counts=counts)


def other_groups(outcome: Outcome) -> Outcome:
    return replace(outcome, counts=np.roll(outcome.counts, 1, axis=3))


def by_size(people: Any, *arguments: Any, **named: Any) -> Outcome:
    """Whoever is in a larger place is admitted more."""
    outcome = simulate(people, *arguments, **named)
    outcome.counts[..., EMERGENCY] += np.int64(len(people) > 20_000)
    return outcome


def agreement(made: Given) -> Iterator[Check]:
    still = np.full((3, 2 + len(relations.STREAMS)), 1 << 16, np.uint32)
    return engines._agreement(made, "as things are", still, 3)


BROKEN = [
    (conservation.of_people, altered(more(DEATHS)), ("people", "events written out")),
    (conservation.of_people, altered(more(EMERGENCY)), ("events written out",)),
    (conservation.of_people, altered(more(EMERGENCY_COST)), ("events written out",)),
    (conservation.of_people, altered(more(MONTHS)), ("months lived",)),
    (conservation.of_people, altered(a_gift_to_each_practice), ("practices add up",)),
    (agreement, altered(times(EMERGENCY, 1.05)), ("emergency, as things are",)),
    (agreement, altered(other_groups), ("all results together, as things are", "the worst result, as things are")),
    (relations.invariances, seedless, ("another seed is another chance",)),
    (relations.invariances, in_company, ("order and company of scenarios",)),
    (relations.invariances, forgetful, ("three years and two are five",)),
    (relations.invariances, by_size, ("threads and pieces",)),
]


@pytest.mark.parametrize(("checks", "wrong", "names"), BROKEN, ids=[names[0] for _, _, names in BROKEN])
def test_what_is_broken_is_found(
    checks: Callable[[Given], Iterator[Check]],
    wrong: Callable[..., Outcome],
    names: tuple[str, ...],
    made: Given,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(person_engine, "simulate", wrong)
    found = named(checks(made))
    assert not any(found[name].held for name in names)


def test_an_input_of_a_contract_that_lacks_a_row_is_found(made: Given, monkeypatch: pytest.MonkeyPatch):
    inputs_of = conservation.inputs_of

    def wrong(*arguments: Any) -> Any:
        inputs, which = inputs_of(*arguments)
        first = next(iter(inputs.tables))
        tables = {name: replace(one, data=one.data.slice(1)) for name, one in inputs.tables.items()}
        assert first in tables
        return replace(inputs, tables=tables), which

    monkeypatch.setattr(conservation, "inputs_of", wrong)
    assert not named(conservation.of_contracts(made))["inputs of contracts"].held


def test_a_limit_finds_an_engine_without_heterogeneity(made: Given, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(person_engine, "simulate", everybody_alike)
    people = limits.of_one_age(20_000, 1)
    found = named(limits._heterogeneous(people, 1))
    assert not found["gamma burden: variance"].held
    assert not found["a burden lasting"].held


def test_a_limit_finds_deaths_that_nothing_explains(made: Given, monkeypatch: pytest.MonkeyPatch):
    def deadly(one: Outcome) -> Outcome:
        end = one.end.copy()
        end[:, ::20] = 255
        return replace(one, end=end)

    monkeypatch.setattr(person_engine, "simulate", altered(deadly))
    assert not named(limits._survival(limits.of_one_age(20_000, 1), 1))["survival"].held
    assert not named(limits._nothing(made))["no hazards"].held


def test_a_limit_finds_a_gain_share_that_pays_too_easily(monkeypatch: pytest.MonkeyPatch):
    assert shared([limits._luck(50_000, 1)])[0].held
    monkeypatch.setattr(limits, "_needed", lambda contract, people: 0.02)
    assert not shared([limits._luck(50_000, 1)])[0].held


def test_a_relation_finds_a_figure_that_does_nothing(made: Given, monkeypatch: pytest.MonkeyPatch):
    """A model that forgets a figure it is given, and one that moves another along with it."""

    def wrong(changed: Mapping[str, float]) -> Any:
        if "stay_emergency" in changed:
            return model({})  # it moves nothing at all
        if "chronic_share" in changed:
            return model({**changed, "stay_emergency": 7.5})
        return model(changed)

    monkeypatch.setattr(relations, "model", wrong)
    found = named(relations.tried(made, ["stay_emergency", "chronic_share", "attendances"]))
    assert not found["stay_emergency"].held
    assert not found["chronic_share"].held
    assert "emergency_days moved" in found["chronic_share"].found
    assert found["attendances"].held


def test_a_behaviour_that_moves_more_than_it_declares_is_found(made: Given, monkeypatch: pytest.MonkeyPatch):
    answered = relations.answered

    def wrong(one: Any) -> Any:
        response = answered(one)
        if one.name == "refer-or-treat":
            response.change[:, 2 + relations.STREAMS.index("emergency")] *= 0.99
        if one.name == "supply-induced":
            return replace(response, change=2 - response.change)
        return response

    monkeypatch.setattr(relations, "answered", wrong)
    found = named(relations.behaviours(made))
    assert "emergency moved" in found["behaviour refer-or-treat"].found
    assert not found["behaviour refer-or-treat"].held
    assert not found["behaviour supply-induced"].held
    assert found["behaviour crowding-out"].held


# ------------------------------------------------------------------------------------------------------------ the table


def test_every_figure_curve_and_multiplier_has_a_row():
    """Whoever adds a figure to the model says in relations.yaml what it moves, and which way."""
    assert relations.without_relation() == ()


def test_no_row_is_left_over():
    assert set(relations.relations()) <= set(relations.every())


def test_every_row_names_a_direction_or_says_that_there_is_none():
    for name, relation in relations.relations().items():
        assert relation.touched, name
        assert relation.times > 1, name
        assert not set(relation.rises) & set(relation.falls), name


def test_a_figure_without_a_row_is_a_check_that_fails(made: Given, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(relations, "relations", dict)
    assert not named(relations.tried(made, ["moves"]))["moves"].held


# -------------------------------------------------------------------------------------------------------------- judging


def test_all_checks_together_raise_one_false_alarm_in_a_thousand_runs():
    drawn = [Check("limits", f"n{i}", "w", "e", "f", chance=0.5) for i in range(50)]
    exact = Check("limits", "exact", "w", "e", "f")
    found = shared([*drawn, exact])
    assert all(one.least == FALSE_ALARM / 50 for one in found)
    assert replace(found[0], chance=FALSE_ALARM / 51).held is False
    assert replace(found[0], chance=FALSE_ALARM / 49).held is True
    assert exact.held and exact.tolerance == "exact"
    assert errors_of(chance_of(3.1)) == pytest.approx(3.1)


def test_squares_of_related_results_are_no_ordinary_chi_square():
    """Ten columns that are one column ten times: as chi-square of ten degrees they would fail often."""
    random = np.random.default_rng(3)
    chances = [engines._squares("n", "w", np.repeat(random.normal(size=(30, 1)), 10, axis=1)).chance for _ in range(60)]
    assert min(chances) > 1e-4
    assert 0.3 < np.mean(chances) < 0.7


@pytest.mark.long
@pytest.mark.parametrize("seed", range(2, 8))
def test_other_seeds_raise_no_alarm(seed: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.undo()
    other = given(50_000, seed)
    found = shared([check for part in PARTS.values() for check in part(other)])
    assert [f"{one.name}: {one.expected}; {one.found}" for one in found if not one.held] == []
