"""Same seed, any threads, any cuts, this machine or Spark: identical bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

nb = pytest.importorskip("numba")

from accord.language.problem import DataRefused  # noqa: E402
from accord.place import futures  # noqa: E402
from accord.place.place import read_place  # noqa: E402
from accord.settlement.calls import Misused  # noqa: E402
from accord.simulation import person_engine  # noqa: E402
from accord.simulation.model import model  # noqa: E402
from accord.simulation.partitions import LOCAL, Part, Spark, engine, together  # noqa: E402
from accord.simulation.people import People  # noqa: E402
from accord.simulation.person_engine import Outcome  # noqa: E402
from accord.simulation.population import populate  # noqa: E402
from accord.simulation.tables import Tables, tables  # noqa: E402
from tests.place.given import place  # noqa: E402

SEED = 20260401


@cache
def population() -> People:
    """Practices of odd sizes, one of them empty, with births in both years."""
    made = populate(20_000, seed=3, years=2).people
    offsets = np.array([0, 1_237, 1_237, 5_000, 5_001, 11_003, 19_999, len(made)], np.int64)
    return replace(made, offsets=offsets)


@cache
def built_in() -> Tables:
    return tables(model())


def change() -> np.ndarray:
    """Two scenarios beside the first, different in every practice and year."""
    random = np.random.default_rng(2)
    out = person_engine.multipliers(3, population().practices, 2)
    out[1:] = out[1:] * (0.7 + 0.6 * random.random(out[1:].shape))
    return out


@cache
def whole() -> Outcome:
    nb.set_num_threads(1)
    return LOCAL.simulate(Part(population(), 2, SEED, change()), built_in())


def same(one: Outcome, other: Outcome) -> None:
    for name in ("counts", "end", "burden"):
        ours, theirs = getattr(one, name), getattr(other, name)
        assert ours.dtype == theirs.dtype, name
        assert ours.tobytes() == theirs.tobytes(), name


def test_two_threads_are_one():
    nb.set_num_threads(min(2, nb.config.NUMBA_NUM_THREADS))
    same(LOCAL.simulate(Part(population(), 2, SEED, change()), built_in()), whole())


@pytest.mark.parametrize("cuts", [(0, 7), (0, 1, 7), (0, 2, 3, 6, 7), (0, 1, 2, 3, 4, 5, 6, 7)], ids=str)
def test_cuts_between_practices_are_not_seen(cuts: tuple[int, ...]):
    part = Part(population(), 2, SEED, change())
    same(together([one.simulated(built_in()) for one in part.cut(cuts)]), whole())


def test_a_part_of_a_part_is_a_part():
    middle = Part(population(), 2, SEED, change()).cut((0, 2, 6, 7))[1]
    there = together([one.simulated(built_in()) for one in middle.cut((0, 1, 4))])
    assert there.counts.tobytes() == whole().counts[:, 2:6].tobytes()


@pytest.mark.parametrize("number", [1, 2, 3, 5, 100])
def test_people_are_cut_into_parts_of_about_the_same_size(number: int):
    people = population()
    found = people.bounds(number)
    assert (found[0], found[-1]) == (0, people.practices)
    assert found == sorted(set(found))
    assert len(found) - 1 <= number
    most = max(people.offsets[b] - people.offsets[a] for a, b in pairwise(found))
    assert most <= len(people) / number + np.diff(people.offsets).max()


@pytest.mark.parametrize("sizes", [[5], [0, 3, 0], [10_000, 1, 1, 1], range(0, 9_000, 30)], ids=str)
def test_parts_are_all_practices_once(sizes: Sequence[int]):
    """However people are spread over practices, parts follow each other and lose none; no practice is cut."""
    nobody = np.zeros(sum(sizes), np.uint8)
    people = People(np.cumsum([0, *sizes]), nobody.astype(np.int16), nobody, nobody, nobody)
    for many in (1, 2, 7, 1000):
        found = people.bounds(many)
        assert (found[0], found[-1]) == (0, len(sizes))
        assert all(start < stop for start, stop in pairwise(found))
        assert len(found) - 1 <= many


def test_on_spark_it_is_the_same(spark: str):
    """Three tasks, and a run that goes on year by year, as a place's does."""
    people, cluster = population(), Spark(partitions=3, threads=2)
    same(cluster.simulate(Part(people, 2, SEED, change()), built_in()), whole())
    first = cluster.simulate(Part(people, 1, SEED, change()[:, :, :1]), built_in())
    later = replace(people, months=(people.months + 12).astype(np.int16))
    second = cluster.simulate(Part(later, 1, SEED, change()[:, :, 1:], first_year=1, after=first), built_in())
    same(replace(second, counts=np.concatenate([first.counts, second.counts], axis=2)), whole())


def test_on_spark_a_place_has_the_same_files(spark: str, tmp_path: Path):
    """The tables of a run, as they are kept: Parquet, byte for byte, under the same name."""
    folder = place(tmp_path / "place", size=12_000, scenarios=("gain-share-answered",))
    stage = futures.stage(read_place(folder), years=2, seed=3)
    runs = [
        futures.run(replace(stage, engine=one), 2, tmp_path / name)
        for name, one in (("local", LOCAL), ("spark", Spark(partitions=3, threads=2)))
    ]
    assert runs[0].manifest == runs[1].manifest
    assert runs[0].folder.name == runs[1].folder.name
    for name in ("activity", "people", "money"):
        assert (runs[0].folder / f"{name}.parquet").read_bytes() == (runs[1].folder / f"{name}.parquet").read_bytes()


def test_an_engine_that_is_none_is_refused():
    with pytest.raises(Misused, match="there is no engine abacus"):
        engine("abacus")
    assert engine("local") is LOCAL


def test_without_java_spark_is_refused_and_says_what_does_without(monkeypatch: pytest.MonkeyPatch):
    from accord.record.engines import spark as room

    monkeypatch.setattr(room, "_session", None)
    monkeypatch.setattr(room, "missing", lambda: room.JAVA + ", and there is none here")
    with pytest.raises(DataRefused, match="or use the engine local"):
        Spark()
