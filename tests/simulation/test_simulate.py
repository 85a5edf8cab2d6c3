"""Futures of a small place: what must hold whatever the contracts say."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from accord.place import futures
from accord.place.manifest import manifest_of
from accord.place.place import read_place
from accord.place.stage import Stage, changes, draw_worlds
from accord.simulation.behaviour import unchanged
from accord.simulation.model import STREAMS, model
from accord.simulation.practices import OwnPractice
from accord.simulation.results import RESULTS
from accord.simulation.system import noise, seed_of
from tests.place.given import place


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    folder = place(
        tmp_path_factory.mktemp("futures"),
        size=12_000,
        scenarios=("gain-share", "gain-share-answered", "supplement-ends", "more-illness"),
    )
    return futures.stage(read_place(folder), years=2, seed=3)


def at(stage: Stage, name: str) -> int:
    return [case.name for case in stage.cases].index(name)


def test_no_contract_change_is_always_there(stage: Stage):
    assert stage.cases[0].name == "no contract change"
    assert stage.responses[0].silent


def test_a_changed_contract_with_no_behaviour_leaves_every_event_as_it_was(stage: Stage):
    """Bit for bit: every count of every group, every list, every frequent contact."""
    number = at(stage, "gain-share")
    assert stage.responses[number].silent
    found = draw_worlds(stage, [0, 1], stage.cases, stage.responses)
    each = len(stage.cases)
    for name in ("counts", "contacts", "lists", "complex"):
        values = getattr(found, name)
        for draw in range(2):
            assert (values[draw * each] == values[draw * each + number]).all(), name


def test_a_behaviour_that_is_switched_on_moves_what_it_says_and_nothing_else(stage: Stage):
    """The gain share puts hospital care at stake: fewer elective admissions, and no emergency differs."""
    number = at(stage, "gain-share-answered")
    found = draw_worlds(stage, [0], stage.cases, stage.responses)
    base, tried = found.counts[0], found.counts[number]
    elective, emergency, deaths = (RESULTS.index(name) for name in ("elective", "emergency", "deaths"))
    assert tried[..., elective].sum() < base[..., elective].sum()
    assert (tried[..., emergency] == base[..., emergency]).all()
    assert (tried[..., deaths] == base[..., deaths]).all()


def test_all_behaviours_off_again_is_no_contract_change_again(stage: Stage):
    off = [unchanged(2) for _ in stage.cases]
    cases = [case for case in stage.cases if not case.scenario.population]
    found = draw_worlds(stage, [0], cases, off[: len(cases)])
    assert all((found.counts[0] == found.counts[number]).all() for number in range(len(cases)))


def test_a_scenario_of_the_population_is_in_its_numbers(stage: Stage):
    number = at(stage, "more-illness")
    found = draw_worlds(stage, range(4), [stage.cases[0], stage.cases[number]], [unchanged(2)] * 2)
    emergency = found.result("emergency").sum(axis=(1, 2))
    assert emergency[1::2].sum() / emergency[0::2].sum() == pytest.approx(1.05, abs=0.02)


def test_more_draws_keep_those_there_are(stage: Stage):
    one = draw_worlds(stage, [2], stage.cases[:1], stage.responses[:1])
    both = draw_worlds(stage, [1, 2], stage.cases[:1], stage.responses[:1])
    assert (one.counts[0] == both.counts[1]).all()
    assert len({seed_of(3, draw) for draw in range(1000)}) == 1000


def test_years_that_move_everybody_have_the_size_and_memory_the_model_says():
    built = model()
    drawn = np.array([noise(built, 1, draw, 6) for draw in range(4000)]) - 1
    assert drawn.std() == pytest.approx(built.value("system_noise"), rel=0.05)
    together = np.corrcoef(drawn[:, 2], drawn[:, 3])[0, 1]
    assert together == pytest.approx(built.value("system_memory"), abs=0.05)


def test_the_same_noise_meets_every_scenario_and_every_practice(stage: Stage):
    made = changes(stage, 7, stage.cases[:2], stage.responses[:2])
    assert (made[0] == made[1]).all()
    assert (made == made[:, :1]).all()
    factor = noise(stage.model, stage.seed, 7, 2)
    assert made[0, 0, :, 2 + STREAMS.index("emergency")] == pytest.approx(factor * 65536, abs=1)


def test_stakes_are_the_contracts_own_money(stage: Stage):
    """What is kept of a pound is nothing without a gain share, and at most its share of a half with one."""
    none, some = stage.stakes[0].hospital, stage.stakes[at(stage, "gain-share")].hospital
    assert none == (0, 0)
    assert all(0 < one < 1.5 for one in some)
    assert all(pounds > 0 for pounds in stage.stakes[0].indicators)
    assert stage.stakes[at(stage, "supplement-ends")].indicators == (0, 0)


def test_a_run_that_was_stopped_goes_on(stage: Stage, tmp_path: Path):
    """The first batch is found again, the second is made; both together are what one go makes."""
    small = replace(stage, cases=stage.cases[:2], responses=stage.responses[:2], stakes=stage.stakes[:2])
    stopped = tmp_path / "stopped"
    made = futures.run(small, futures.BATCH, stopped)
    assert made.reused == 0
    (made.folder / "draws" / ".unfinished-000010-000010").mkdir()  # what a stop may leave
    again = futures.run(small, futures.BATCH + 1, stopped)
    assert (again.folder, again.reused) == (made.folder, 1)
    whole = futures.run(small, futures.BATCH + 1, tmp_path / "whole")
    for name in ("activity", "people", "money"):
        assert again.table(name).equals(whole.table(name)), name
    assert whole.manifest["run"] == again.manifest["run"]
    # what a full disk leaves of a batch is not believed: that batch alone is made again
    short = made.folder / "draws" / "000000-000009" / "activity.parquet"
    short.write_bytes(short.read_bytes()[:1000])
    mended = futures.run(small, futures.BATCH + 1, stopped)
    assert mended.reused == 1
    assert all(mended.table(name).equals(whole.table(name)) for name in ("activity", "people", "money"))
    (short.parent / "done.json").write_text("{", encoding="utf-8")
    assert futures.run(small, futures.BATCH + 1, stopped).reused == 1


def with_case(stage: Stage, **changed: object) -> Stage:
    """The stage with its second case changed: the gain share, or that with behaviour."""
    number = at(stage, "gain-share-answered")
    case = replace(stage.cases[number], **changed)  # type: ignore[arg-type]
    return replace(stage, cases=(*stage.cases[:number], case, *stage.cases[number + 1 :]))


def with_data(stage: Stage, folder: Path) -> Stage:
    """The first contract of the answered gain share with a folder of data of its own."""
    (folder / "patients.csv").write_text("pool,year,satisfied\n", encoding="utf-8")
    first, *others = stage.cases[at(stage, "gain-share-answered")].contracts
    return with_case(stage, contracts=(replace(first, data=folder), *others))


QUESTIONS: Mapping[str, Callable[[Stage, Path], Stage]] = {
    "seed": lambda stage, _: replace(stage, seed=4),
    "years": lambda stage, _: replace(stage, years=replace(stage.years, number=1)),
    "scenario": lambda stage, _: replace(stage, cases=stage.cases[:1], responses=stage.responses[:1]),
    "contracts": lambda stage, _: with_case(stage, contracts=stage.cases[0].contracts),
    "behaviours": lambda stage, _: with_case(stage, behaviours=()),
    "prices": lambda stage, _: with_case(stage, prices=stage.cases[0].prices * 1.01),
    "use": lambda stage, _: with_case(stage, base=stage.cases[0].base * 1.01),
    "figures": lambda stage, _: replace(stage, model=model({"moves": 0.2})),
    "practices": lambda stage, _: replace(stage, practices=(OwnPractice("X", "N", "H", "B", "C", "Y"),)),
    "people": lambda stage, _: replace(stage, people=replace(stage.people, state=1 - stage.people.state)),
    "data": with_data,
}


@pytest.mark.parametrize("question", QUESTIONS)
def test_another_question_is_another_run(stage: Stage, question: str, tmp_path: Path):
    assert manifest_of(QUESTIONS[question](stage, tmp_path))["run"] != manifest_of(stage)["run"]


def test_another_model_is_another_run(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Every file of the model counts: figures, rates, what is assumed of places."""
    import accord.simulation.model as module

    usual = manifest_of(stage)["run"]
    shutil.copytree(module.FOLDER, tmp_path / "model")
    monkeypatch.setattr(module, "FOLDER", tmp_path / "model")
    assert manifest_of(stage)["run"] == usual
    with (tmp_path / "model" / "rates.csv").open("a", encoding="utf-8") as file:
        file.write("\n")
    assert manifest_of(stage)["run"] != usual
