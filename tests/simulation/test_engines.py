"""The person engine and the cohort engine: same draws whatever the machine, same expectations both ways."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

nb = pytest.importorskip("numba")

from accord.simulation import compiled, results  # noqa: E402
from accord.simulation import events as lives  # noqa: E402
from accord.simulation import person_engine as engine  # noqa: E402
from accord.simulation.cohort_engine import cohort, expect  # noqa: E402
from accord.simulation.draws import words  # noqa: E402
from accord.simulation.model import STREAMS, Model, model  # noqa: E402
from accord.simulation.people import AGES, BURDENS, DEAD, People  # noqa: E402
from accord.simulation.tables import LAZY_ONE, ONE, Tables, gamma_levels, tables  # noqa: E402

SEED = 20260401


@cache
def built_in() -> tuple[Model, Tables]:
    made = model()
    return made, tables(made)


@cache
def population(size: int = 40_000, practices: int = 5) -> People:
    """A population with England's ages, sexes and deprivation, and some births in the first years."""
    made, _ = built_in()
    random = np.random.default_rng(1)
    share = (made.people[2026] / made.people[2026].sum()).ravel()
    drawn = random.choice(len(share), size, p=share)
    cell, age = drawn // AGES, drawn % AGES
    months = age * 12 + random.integers(0, 12, size)
    unborn = random.random(size) < 0.03
    months = np.where(unborn, -random.integers(1, 36, size), months)
    age = np.maximum(months, 0) // 12
    state = (random.random(size)[:, None] >= np.cumsum(made.mix, axis=2)[cell, age][:, :-1]).sum(axis=1)
    return People(
        np.linspace(0, size, practices + 1).astype(np.int64),
        months.astype(np.int16),
        cell.astype(np.uint8),
        state.astype(np.uint8),
        random.integers(0, BURDENS, size).astype(np.uint8),
    )


def part(people: People, first: int, last: int) -> People:
    """The practices ``first`` to ``last - 1`` of a population, by themselves."""
    a, b = people.offsets[first], people.offsets[last]
    return People(
        people.offsets[first : last + 1] - a,
        people.months[a:b],
        people.cell[a:b],
        people.state[a:b],
        people.burden[a:b],
    )


def test_philox_gives_the_known_answers():
    """Known answers of the authors' reference implementation (Random123, philox4x32-10)."""
    ones = 0xFFFFFFFF
    assert words(np.zeros((1, 4)), 0)[0].tolist() == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    full = words(np.full((1, 4), ones), (ones << 32) | ones)[0]
    assert full.tolist() == [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]


def test_burdens_average_one():
    for shape in (0.3, 0.5, 2.0):
        assert gamma_levels(shape, BURDENS).mean() == pytest.approx(1, abs=1e-12)
    _, made = built_in()
    assert made.burden.mean() / ONE == pytest.approx(1, abs=1e-4)
    assert made.year.mean() / ONE == pytest.approx(1, abs=1e-4)


def test_threads_change_nothing():
    _, made = built_in()
    results = []
    for threads in (1, 2):
        nb.set_num_threads(min(threads, nb.config.NUMBA_NUM_THREADS))
        results.append(engine.simulate(population(), made, 3, SEED))
    assert (results[0].counts == results[1].counts).all()
    assert (results[0].end == results[1].end).all()


def test_cutting_the_population_into_pieces_changes_nothing():
    _, made = built_in()
    people = population()
    whole = engine.simulate(people, made, 2, SEED)
    for cuts in ((0, 2, 5), (0, 1, 2, 3, 4, 5)):
        pieces = [
            engine.simulate(part(people, a, b), made, 2, SEED, first_person=int(people.offsets[a]))
            for a, b in itertools.pairwise(cuts)
        ]
        assert (np.concatenate([piece.counts for piece in pieces], axis=1) == whole.counts).all()
        assert (np.concatenate([piece.end for piece in pieces], axis=1) == whole.end).all()


def test_a_scenario_that_changes_nothing_changes_no_event():
    _, made = built_in()
    people = population()
    outcome = engine.simulate(people, made, 2, SEED, engine.multipliers(3, people.practices, 2))
    assert (outcome.counts[0] == outcome.counts[1]).all()
    assert (outcome.counts[0] == outcome.counts[2]).all()
    alone = engine.simulate(people, made, 2, SEED)
    assert (alone.counts[0] == outcome.counts[0]).all()


def test_two_callers_at_once_change_nothing():
    _, made = built_in()
    people = population()
    alone = engine.simulate(people, made, 2, SEED)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda seed: engine.simulate(people, made, 2, seed), (SEED, SEED)))
    assert all((one.counts == alone.counts).all() for one in both)


def test_much_use_is_counted_whole():
    """Somebody expected at A&E 18 times a year is there 18 times on average; more than there is room for is refused."""
    made, _ = built_in()
    people = population(8_000, 3)
    often = replace(made, rate={**made.rate, "attendances": np.full_like(made.rate["attendances"], 18.0)})
    counts = engine.simulate(people, tables(often), 2, SEED)
    own = tables(often).burden[people.burden].mean() / ONE
    mean = counts.total("attendances").sum() / counts.total("months").sum()
    assert mean == pytest.approx(1.5 * own, rel=0.05)
    with pytest.raises(ValueError, match=r"attendances: 200 a person-year; the person engine has room for 192"):
        tables(replace(made, rate={**made.rate, "attendances": np.full_like(made.rate["attendances"], 200.0)}))


def test_another_seed_is_another_chance():
    _, made = built_in()
    one, other = (engine.simulate(population(), made, 1, seed) for seed in (1, 2))
    assert (one.total("emergency") != other.total("emergency")).any()


def test_nobody_is_lost():
    """Months lived are twelve for each who lives the year through, fewer for those who die or are born in it."""
    _, made = built_in()
    people = population()
    outcome = engine.simulate(people, made, 3, SEED)
    born = people.months[None, :] > -36
    assert (outcome.end[0] == DEAD).sum() == outcome.total("deaths").sum()
    assert outcome.total("months").sum() <= 36 * born.sum()
    lived = np.minimum(36, 36 + people.months[people.months < 0].astype(int)).clip(0)
    whole = 36 * (people.months >= 0).sum() + lived.sum()
    assert whole - outcome.total("months").sum() <= 36 * outcome.total("deaths").sum()
    assert whole > outcome.total("months").sum()


def test_only_what_a_multiplier_names_moves():
    """Fewer emergency admissions leave every attendance, elective admission, death and move as it was."""
    _, made = built_in()
    people = population()
    change = engine.multipliers(2, people.practices, 2)
    change[1, :, :, 2 + STREAMS.index("emergency")] = round(0.9 * ONE)
    counts = engine.simulate(people, made, 2, SEED, change).counts
    moved = {name for i, name in enumerate(results.RESULTS) if (counts[0, ..., i] != counts[1, ..., i]).any()}
    assert moved == {"emergency", "chronic", "emergency_days", "emergency_cost"}
    assert (counts[1, ..., results.EMERGENCY] <= counts[0, ..., results.EMERGENCY]).all()


def test_shared_chance_makes_differences_quiet():
    """The difference of two scenarios varies far less with shared draws than with draws of their own."""
    _, made = built_in()
    people = part(population(), 0, 2)
    change = engine.multipliers(2, people.practices, 1)
    change[1, :, :, 2 + STREAMS.index("emergency")] = round(0.95 * ONE)
    shared, apart = [], []
    for seed in range(30):
        both = engine.simulate(people, made, 1, seed, change).total("emergency").sum(axis=(1, 2))
        alone = engine.simulate(people, made, 1, 1000 + seed).total("emergency").sum()
        shared.append(int(both[0] - both[1]))
        apart.append(int(alone - both[1]))
    assert np.var(apart) > 15 * np.var(shared)


def test_the_mean_of_the_person_engine_is_the_cohort_engine():
    """Forty seeds of 40,000 people: every result of every year within four standard errors of its expectation."""
    made, whole = built_in()
    people = population()
    expected = expect(cohort(people, 2), made, 2).sum(axis=1)
    drawn = np.array([engine.simulate(people, whole, 2, seed).counts[0].sum(axis=(0, 2)) for seed in range(40)], float)
    drawn[..., results.LAZY_AT :] /= LAZY_ONE
    error = drawn.std(axis=0, ddof=1) / np.sqrt(len(drawn))
    # the burdens of this very population do not average one exactly: its own mean stands for it
    burden = whole.burden[people.burden].mean() / ONE
    use = slice(results.ATTENDANCES, None)
    ratio = drawn.mean(axis=0)[:, use] / expected[:, use]
    assert np.abs(ratio - 1).max() < 0.05 + abs(burden - 1)
    life = [results.MONTHS, results.DEATHS, results.MOVES]
    assert (np.abs(drawn.mean(axis=0) - expected)[:, life] <= 4 * error[:, life] + 1e-9).all()


def test_the_model_reproduces_the_averages_it_was_given():
    """Spreading a published rate over states leaves the average of each cell and age as published."""
    made, _ = built_in()
    higher = model({"frailty_hospital_severe": 9.0})
    for stream in STREAMS:
        before, after = ((one.rate[stream] * one.mix).sum(axis=2) for one in (made, higher))
        if stream in ("social_care", "prescriptions"):
            # published for everybody together: how it is spread over ages comes from illness and frailty
            before, after = ((rate * made.people[2026]).sum() / made.people[2026].sum() for rate in (before, after))
            assert before == pytest.approx(made.value(stream))
        assert np.allclose(before, after)
    assert np.allclose(made.mix.sum(axis=2), 1)
    assert replace(made).value("consultations") == 5.16


def test_lives_written_out_are_the_lives_counted():
    """Every event of a scenario, written out, adds up to exactly what the engine counted, practice by practice."""
    _, made = built_in()
    people = population(8_000, 3)
    change = engine.multipliers(1, people.practices, 2)
    change[0, 1, 1, 2:] = round(1.2 * ONE)
    counts = engine.simulate(people, made, 2, SEED, change).counts
    written = lives.events(people, made, 2, SEED, change)
    place = (np.searchsorted(people.offsets, written.person, side="right") - 1, written.month // 12)

    def by_place(where: np.ndarray, values: np.ndarray | int = 1) -> list[list[int]]:
        out = np.zeros((people.practices, 2), np.int64)
        np.add.at(out, (place[0][where], place[1][where]), values if isinstance(values, int) else values[where])
        return out.tolist()

    def counted(name: str) -> list[list[int]]:
        return counts[0, ..., results.RESULTS.index(name)].sum(axis=2).tolist()

    kind = {name: written.kind == number for number, name in enumerate(lives.KINDS)}
    for event, name in {
        "attendance": "attendances",
        "emergency": "emergency",
        "elective": "elective",
        "death": "deaths",
        "move": "moves",
    }.items():
        assert by_place(kind[event]) == counted(name), name
    assert by_place(kind["emergency"], written.stay) == counted("emergency_days")
    assert by_place(kind["emergency"], written.cost) == counted("emergency_cost")
    assert by_place(kind["elective"], written.cost) == counted("elective_cost")
    assert by_place(written.chronic) == counted("chronic")
    frequent = lives.frequent(counts, SEED)[0]
    for number, stream in enumerate(results.LAZY):
        assert by_place(kind[stream]) == frequent[..., number].tolist(), stream


def test_written_practice_by_practice_it_is_the_same():
    _, made = built_in()
    people = population(8_000, 3)
    whole = lives.events(people, made, 1, SEED)
    for practice in range(people.practices):
        first, last = people.offsets[practice : practice + 2]
        alone = lives.events(
            part(people, practice, practice + 1), made, 1, SEED, first_person=int(first), first_practice=practice
        )
        here = (whole.person >= first) & (whole.person < last)
        assert (whole.person[here] - first == alone.person).all()
        for name in ("month", "day", "kind", "chronic", "stay", "cost", "state"):
            assert (getattr(whole, name)[here] == getattr(alone, name)).all(), name


def test_a_run_that_goes_on_is_the_run_in_one_piece():
    _, made = built_in()
    people = population(8_000, 3)
    whole = engine.simulate(people, made, 3, SEED)
    first = engine.simulate(people, made, 1, SEED)
    later = People(people.offsets, people.months + 12, people.cell, people.state, people.burden)
    rest = engine.simulate(later, made, 2, SEED, first_year=1, after=first)
    assert (np.concatenate([first.counts, rest.counts], axis=2) == whole.counts).all()


def test_scenarios_of_one_pass_are_each_as_if_alone():
    """Others than the first are lived as differences from it; each must come out as it does by itself."""
    _, made = built_in()
    people = population(8_000, 3)
    random = np.random.default_rng(5)
    change = engine.multipliers(5, people.practices, 3)
    for scenario in range(1, 5):
        change[scenario] = (change[scenario] * (0.6 + 0.8 * random.random(change[scenario].shape))).astype(np.uint32)
    change[2, :, :, 1:] = change[0, :, :, 1:]  # worsening alone
    change[3, :, :2] = change[0, :, :2]  # the last year alone
    change[4, :, :, [0, 2, 3, 4]] = ONE  # the share of chronic admissions, and frequent contacts
    together = engine.simulate(people, made, 3, SEED, change)
    for scenario in range(5):
        alone = engine.simulate(people, made, 3, SEED, change[scenario : scenario + 1])
        assert (alone.counts[0] == together.counts[scenario]).all(), scenario
        assert (alone.end[0] == together.end[scenario]).all(), scenario


def test_wild_scenarios_of_one_pass_are_each_as_if_alone():
    """Whatever is multiplied, up to threefold, where lives part in every year and whole events come and go."""
    _, made = built_in()
    people = population(8_000, 3)
    change = engine.multipliers(4, people.practices, 3)
    change[:] = 3 * ONE * np.random.default_rng(6).random(change.shape)
    together = engine.simulate(people, made, 3, SEED, change)
    for scenario in range(4):
        alone = engine.simulate(people, made, 3, SEED, change[scenario : scenario + 1])
        assert (alone.counts[0] == together.counts[scenario]).all(), scenario
        assert (alone.end[0] == together.end[scenario]).all(), scenario
        assert (alone.burden[0] == together.burden[scenario]).all(), scenario


# -- compiled code that is kept ----------------------------------------------------------------------------------------


def test_compiled_code_is_found_by_the_next_process(tmp_path: Path):
    (tmp_path / "doubling.py").write_text(
        "from accord.simulation.compiled import compiled\n"
        "@compiled()\n"
        "def double(x):\n"
        "    return 2 * x\n"
        "assert double(21) == 42\n"
        "print(sum(double.stats.cache_hits.values()), sum(double.stats.cache_misses.values()))\n"
    )
    where = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "kept")}
    said = [
        subprocess.run([sys.executable, "doubling.py"], cwd=tmp_path, env=where, capture_output=True, check=True).stdout
        for _ in range(2)
    ]
    assert [line.split() for line in said] == [[b"0", b"1"], [b"1", b"0"]]


def test_compiled_code_is_kept_where_its_user_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Beside the code; where the code may not be written to, in the user's cache; otherwise nowhere."""
    code, own = tmp_path / "code", tmp_path / "own"
    code.mkdir()
    for name in compiled.INSIDE:
        (code / f"{name}.py").write_text(f"# {name}")
    monkeypatch.setattr(compiled, "HERE", code)
    monkeypatch.setattr(compiled.nb.config, "CACHE_DIR", "")  # pyright: ignore[reportPrivateImportUsage]
    monkeypatch.setenv("XDG_CACHE_HOME", str(own))
    find = compiled.kept.__wrapped__
    beside = find()
    assert beside is not None
    assert beside.parent == code / "__pycache__"
    (code / "results.py").write_text("# other groups of ages")
    assert find() != beside, "code with other constants inside is other code"
    beside.rmdir()
    for folder in (code / "__pycache__").iterdir():
        folder.rmdir()
    (code / "__pycache__").rmdir()
    (code / "__pycache__").write_text("no folder can be made here")
    users = find()
    assert users is not None
    assert users.parent == own / "accord"
    users.rmdir()
    (own / "accord").rmdir()
    (own / "accord").write_text("nor here")
    assert find() is None


def test_what_compiled_code_holds_is_named():
    """Every module of this room from which compiled code takes constants or functions is in the name of its folder."""
    taken = set()
    for path in compiled.HERE.glob("*.py"):
        text = path.read_text("utf-8")
        if "@compiled(" in text or path.stem in compiled.INSIDE:
            taken |= {
                line.split()[1].removeprefix("accord.simulation.")
                for line in text.splitlines()
                if line.startswith("from accord.simulation.") and line.split()[1].count(".") == 2
            }
    # what these give is Python's: no constant or function of theirs is compiled
    assert taken - {"compiled", "person_engine", "events", "system", "own_data"} <= set(compiled.INSIDE)
