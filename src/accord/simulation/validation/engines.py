"""Engines: the mean of many runs of the person engine is the cohort engine's expectation, in every group and year.

People keep their ages and states from run to run and are given new burdens, so that runs are independent draws whose
expectation the cohort engine knows. The cohort engine in turn is followed by hand, month by month.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import stats

from accord.simulation import cohort_engine, person_engine, system
from accord.simulation.cohort_engine import Cohort, cohort
from accord.simulation.model import DRAWN, STREAMS, Model, monthly
from accord.simulation.people import AGES, BURDENS, CELLS, FIFTHS, FRAILTY, SEXES, STATES
from accord.simulation.results import AGE_GROUPS, GROUP_OF_AGE, GROUPS, LAZY_AT, RESULTS
from accord.simulation.tables import LAZY_ONE, ONE
from accord.simulation.validation.verification import YEARS, Check, Given, Numbers, percent

RUNS = 60
"""Runs of the person engine that a mean is of."""

ENOUGH = 2_000
"""Expected events in all runs below which a group is not looked at by itself: too few for a normal distribution."""

FLIPS = 500
"""Turns of sign that say how much the squares of many related results may add up to."""


def checks(made: Given) -> Iterator[Check]:
    """Every check of this kind."""
    random = np.random.Generator(np.random.Philox(key=made.seed + 21))
    whole = np.rint(np.exp2(random.uniform(-1, 1, (YEARS, 2 + len(STREAMS)))) * ONE).astype(np.uint32)
    yield from _agreement(made, "as things are", np.full_like(whole, ONE), made.seed)
    yield from _agreement(made, "with every multiplier changed", whole, made.seed + 1_000_000)
    yield _by_hand(made.model)


def _agreement(made: Given, when: str, factor: np.ndarray, seed: int) -> Iterator[Check]:
    people = made.people
    expected = cohort_engine.expect(cohort(people, YEARS), made.model, YEARS, factor / ONE)
    change = np.broadcast_to(factor[None, None], (1, people.practices, *factor.shape)).copy()
    drawn = np.empty((RUNS, *expected.shape))
    for run in range(RUNS):
        random = np.random.Generator(np.random.Philox(key=system.seed_of(seed, run)))
        others = replace(people, burden=random.integers(0, BURDENS, len(people), dtype=np.uint8))
        outcome = person_engine.simulate(others, made.tables, YEARS, system.seed_of(seed, RUNS + run), change)
        drawn[run] = outcome.counts[0].sum(axis=0)
    drawn[..., LAZY_AT:] /= LAZY_ONE
    what = (
        f"Every result of every age, sex, fifth and year, {when}: the mean of {RUNS} runs is what the cohort engine "
        "expects without chance."
    )
    off = (drawn - expected).reshape(RUNS, -1)
    kept = _enough(expected).ravel()
    if not kept.any():
        return
    yield _squares(f"all results together, {when}", what, off[:, kept])
    yield _worst(f"the worst result, {when}", what, off[:, kept], np.flatnonzero(kept))
    totals, mean = drawn.sum(axis=(1, 2)), expected.sum(axis=(0, 1))
    for number, name in enumerate(RESULTS):
        each = totals[:, number]
        error = float(each.std(ddof=1)) / np.sqrt(RUNS)
        if error == 0:
            continue
        found = float(each.mean())
        yield Check(
            "engines",
            f"{name.replace('_', ' ')}, {when}",
            f"All that happens in {YEARS} years, {when}: the mean of runs, and its standard error, is as expected.",
            _amount(name, mean[number]),
            f"{_amount(name, found)} ± {_amount(name, error)} ({percent(found, mean[number])})",
            chance=float(2 * stats.t.sf(abs(found - mean[number]) / error, RUNS - 1)),
        )


def _enough(expected: Numbers) -> np.ndarray:
    """Groups with enough events of their own; costs and days go by the admissions they are of, months by deaths."""
    of = {
        "emergency_cost": "emergency",
        "emergency_days": "emergency",
        "elective_cost": "elective",
        "months": "deaths",
    }
    events = np.stack([expected[..., RESULTS.index(of.get(name, name))] for name in RESULTS], axis=-1)
    return events * RUNS >= ENOUGH


def _squares(name: str, what: str, off: Numbers) -> Check:
    """Squared standard errors of many related results added up.

    Results of one life are related, so their squares are no chi-square of as many degrees of freedom. With each run's
    differences turned round or left by a coin, nothing is wrong by construction: the mean and variance of what squares
    then add up to give the chi-square's scale and degrees of freedom (Satterthwaite).
    """
    error = np.maximum(np.sqrt((off**2).sum(axis=0)), 1e-300)
    squares = float(((off.sum(axis=0) / error) ** 2).sum())
    random = np.random.Generator(np.random.Philox(key=off.shape[1]))
    signs = random.integers(0, 2, (FLIPS, len(off))) * 2.0 - 1
    turned = ((signs @ off / error) ** 2).sum(axis=1)
    scale = turned.var() / (2 * turned.mean())
    freedom = 2 * turned.mean() ** 2 / turned.var()
    return Check(
        "engines",
        name,
        what,
        f"{turned.mean():,.0f} from {off.shape[1]:,} differences (chi-square, {freedom:.0f} degrees of freedom)",
        f"{squares:,.0f}",
        chance=float(stats.chi2.sf(squares / scale, freedom)),
    )


def _worst(name: str, what: str, off: Numbers, places: np.ndarray) -> Check:
    # what is the same in every run and yet off is as wrong as can be
    spread = np.maximum(off.std(axis=0, ddof=1), 1e-12 * np.abs(off).max(axis=0) + 1e-300)
    errors = off.mean(axis=0) / (spread / np.sqrt(len(off)))
    at = int(np.abs(errors).argmax())
    year, group, result = np.unravel_index(places[at], (YEARS, GROUPS, len(RESULTS)))
    chance = float(2 * stats.t.sf(abs(errors[at]), len(off) - 1))
    return Check(
        "engines",
        name,
        what,
        f"none of {len(errors):,} results off by more than chance makes of so many",
        f"{RESULTS[result].replace('_', ' ')} of {_group(group)}, year {year + 1}: "
        f"{errors[at]:+.1f} standard errors by itself",
        chance=min(1.0, chance * len(errors)),
    )


def _amount(name: str, value: float) -> str:
    return f"£{value / 100:,.0f}" if name.endswith("_cost") else f"{value:,.0f}"


def _group(group: int) -> str:
    """A group of people in words."""
    first, last = AGE_GROUPS[group // CELLS]
    cell = group % CELLS
    return f"{SEXES[cell // FIFTHS]}, {first} to {last}, fifth {cell % FIFTHS + 1}"


def _by_hand(built: Model) -> Check:
    """The cohort engine against the same months written as plainly as can be, on people of every age and state."""
    random = np.random.Generator(np.random.Philox(key=5))
    start = Cohort(random.uniform(0, 9, (CELLS, AGES, STATES)), random.uniform(0, 9, (2, CELLS, 12, STATES)))
    factor = random.uniform(0.5, 2, (2, 2 + len(STREAMS)))
    compiled = cohort_engine.expect(Cohort(start.here.copy(), start.births.copy()), built, 2, factor)
    plainly = np.zeros_like(compiled)
    here = start.here.copy()
    for year in range(2):
        newborn = np.zeros((CELLS, STATES))
        for cell in range(CELLS):
            for age in range(AGES):
                group = plainly[year, GROUP_OF_AGE[age] * CELLS + cell]
                here[cell, age] = _year(here[cell, age], np.zeros((12, STATES)), built, cell, age, factor[year], group)
            group = plainly[year, cell]
            newborn[cell] = _year(newborn[cell], start.births[year, cell], built, cell, 0, factor[year], group)
        oldest = here[:, -1] + here[:, -2]
        here = np.concatenate([newborn[:, None], here[:, :-1]], axis=1)
        here[:, -1] = oldest
    off = float((np.abs(compiled - plainly) / np.maximum(plainly, 1)).max())
    return Check(
        "engines",
        "the cohort engine by hand",
        "What the compiled engine expects is what the same months come to when they are written out plainly: births, "
        "birthdays, deaths, illness, moves, and every stream.",
        f"{compiled.size:,} results the same to a billionth",
        f"off by {off:.1e} at most",
        differs=not off < 1e-9,
    )


def _year(people: Numbers, born: Numbers, built: Model, cell: int, age: int, factor: Numbers, out: Numbers) -> Numbers:
    """A year of the people of a cell and age by state, added to the results of their group."""
    at = {name: number for number, name in enumerate(RESULTS)}
    share = min(built.chronic[age] * factor[1], 1.0)
    for month in range(12):
        people = people + born[month]
        for number, stream in enumerate(STREAMS):
            used = people @ built.rate[stream][cell, age] / 12 * factor[2 + number]
            out[at[stream]] += used
            if stream == "emergency":
                out[at["chronic"]] += used * share
                out[at["emergency_days"]] += used * built.stay[:, age].mean()
            if stream in DRAWN[:2]:
                out[at[f"{stream}_cost"]] += used * built.cost[stream][cell, age]
        out[at["months"]] += people.sum()
        dying = people * monthly(built.death[cell, age])
        worse = people * np.repeat(built.worse[cell, age], len(FRAILTY)) / 12 * factor[0]
        frailer = people * np.tile(built.frailer[age], STATES // len(FRAILTY)) / 12
        leaving = people * built.value("moves") / 12
        out[at["deaths"]] += dying.sum()
        out[at["moves"]] += leaving.sum()
        people = people - dying - worse - frailer - leaving + leaving.sum() * built.mix[cell, age]
        people[len(FRAILTY) :] += worse[: -len(FRAILTY)]
        people[1:] += frailer[:-1]
    return people
