"""The cohort engine and models made together: the same numbers as written out plainly, for any number of threads."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

nb = pytest.importorskip("numba")

from accord.simulation import results  # noqa: E402
from accord.simulation.cohort_engine import Cohort, advance, expect, expect_drawn, expect_each  # noqa: E402
from accord.simulation.model import DRAWN, STREAMS, Model, model, models, monthly  # noqa: E402
from accord.simulation.people import AGES, CELLS, STATES  # noqa: E402

YEARS = 3
DRAWS = (
    {},
    {"moves": 0.2, "frailty_worsening": 0.3, "multimorbidity_slope": 0.062},
    {"frailty_death_severe": 4.9, "morbidity_use_complex": 3.4, "chronic_share": 0.085, "deprivation_years": 8.5},
)


@cache
def population() -> Cohort:
    """People of every cell, age and state, in most of which there is nobody, and births of every year."""
    random = np.random.default_rng(3)
    here = random.integers(0, 40, (CELLS, AGES, STATES)) * (random.random((CELLS, AGES, STATES)) < 0.3)
    births = np.zeros((YEARS, CELLS, 12, STATES))
    births[..., :2] = random.integers(0, 5, (YEARS, CELLS, 12, 2))
    return Cohort(here.astype(float), births)


def multipliers() -> np.ndarray:
    return 0.8 + 0.4 * np.random.default_rng(4).random((YEARS, 2 + len(STREAMS)))


def plainly(start: Cohort, made: Model, change: np.ndarray) -> np.ndarray:
    """The same, month by month over whole arrays ``[cells, ages + 1, states]``; the last age is the year's newborn."""
    age = np.append(np.arange(AGES), 0)
    group = results.GROUP_OF_AGE[age][None, :] * CELLS + np.arange(CELLS)[:, None]
    state = np.arange(STATES)
    here = np.concatenate([start.here, np.zeros((CELLS, 1, STATES))], axis=1)
    death, moves = monthly(made.death)[:, age], made.value("moves") / 12
    weakening = made.frailer[age][:, state % 4] / 12
    out = np.zeros((len(change), results.GROUPS, len(results.RESULTS)))

    def count(year: int, name: str, values: np.ndarray) -> None:
        np.add.at(out[year, :, results.RESULTS.index(name)], group, values)

    for year, factor in enumerate(change):
        worsening = made.worse[:, age][:, :, state // 4] / 12 * factor[0]
        for month in range(12):
            here[:, AGES] += start.births[year, :, month]
            used = {s: (here * made.rate[s][:, age]).sum(axis=2) / 12 * factor[2 + n] for n, s in enumerate(STREAMS)}
            for name, values in used.items():
                count(year, name, values)
            emergency = used["emergency"]
            count(year, "months", here.sum(axis=2))
            count(year, "deaths", (here * death).sum(axis=2))
            count(year, "moves", here.sum(axis=2) * moves)
            count(year, "chronic", emergency * np.minimum(made.chronic[age] * factor[1], 1))
            count(year, "emergency_days", emergency * made.stay.mean(axis=0)[age])
            count(year, "emergency_cost", emergency * made.cost["emergency"][:, age])
            count(year, "elective_cost", used["elective"] * made.cost["elective"][:, age])
            then = here * (1 - death - worsening - weakening - moves)
            then[:, :, 4:] += (here * worsening)[:, :, :-4]
            then[:, :, 1:] += (here * weakening)[:, :, :-1]
            here = then + (here.sum(axis=2, keepdims=True) * moves) * made.mix[:, age]
        older = np.zeros_like(here)
        older[:, 1:AGES] = here[:, : AGES - 1]
        older[:, AGES - 1] += here[:, AGES - 1]
        older[:, 0] = here[:, AGES]
        here = older
    return out


@pytest.mark.parametrize("changed", DRAWS, ids=("as committed", "life", "use"))
def test_compiled_it_is_what_is_written_out_plainly(changed: dict[str, float]):
    made = model(changed)
    ours, plain = expect(population(), made, YEARS, multipliers()), plainly(population(), made, multipliers())
    assert set(DRAWN) < set(results.RESULTS)
    assert (plain > 0).any(axis=(0, 1)).all()
    np.testing.assert_allclose(ours, plain, rtol=1e-12)


def test_models_made_together_are_those_made_one_by_one():
    """To the last bit: a figure must not depend on which others were tried beside it."""
    for changed, together in zip(DRAWS, models(DRAWS), strict=True):
        alone = model(changed)
        for name in ("death", "worse", "frailer", "mix", "stay", "chronic"):
            assert (getattr(alone, name) == getattr(together, name)).all(), name
        for name in ("rate", "cost", "spread", "people"):
            ours, theirs = getattr(alone, name), getattr(together, name)
            assert all((ours[key] == theirs[key]).all() for key in ours), name


def test_draws_are_the_same_together_and_alone_and_for_any_number_of_threads():
    change = multipliers()
    alone = np.stack([expect(population(), model(changed), YEARS, change) for changed in DRAWS])
    many = tuple(DRAWS) * 12  # more than are made at once
    for threads in (1, 2):
        nb.set_num_threads(min(threads, nb.config.NUMBA_NUM_THREADS))
        found = expect_drawn(population(), many, YEARS, change)
        assert (found == np.tile(alone, (12, 1, 1, 1))).all()


def test_every_model_may_have_multipliers_of_its_own():
    made = models(DRAWS[:2])
    change = np.stack([multipliers(), np.ones((YEARS, 2 + len(STREAMS)))])
    found = expect_each(population(), made, YEARS, change)
    assert (found[0] == expect(population(), made[0], YEARS, change[0])).all()
    assert (found[1] == expect(population(), made[1], YEARS)).all()


def test_who_is_there_at_the_end_goes_on():
    """A year and then two more are three; and nobody is lost: born and not dead are those at the end."""
    start, made = population(), model()
    whole, end = advance(start, made, YEARS)
    first, then = advance(start, made, 1)
    np.testing.assert_allclose(np.concatenate([first, expect(then, made, YEARS - 1)]), whole, rtol=1e-12)
    died = whole[..., results.DEATHS].sum()
    assert end.here.sum() == pytest.approx(start.here.sum() + start.births.sum() - died, rel=1e-12)
    assert len(end.births) == 0


def test_a_figure_that_is_none_is_refused():
    with pytest.raises(KeyError, match="no_such_figure"):
        models([{}, {"no_such_figure": 1.0}])
    assert models([]) == []
