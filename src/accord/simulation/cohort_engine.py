"""The cohort engine: the expected value of what the person engine draws, from people counted by cell, age and state.

The same months, hazards and order of things as :mod:`accord.simulation.person_engine`, in floating point and without
chance. It takes milliseconds, so it carries parameter uncertainty; and the mean of the person engine must equal it,
which is how each is checked by the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from accord.simulation.model import DRAWN, STREAMS, Model, monthly
from accord.simulation.people import AGES, CELLS, DEAD, FRAILTY, STATES, People
from accord.simulation.results import (
    ATTENDANCES,
    CHRONICS,
    DAYS,
    DEATHS,
    ELECTIVE,
    ELECTIVE_COST,
    EMERGENCY,
    EMERGENCY_COST,
    GROUP_OF_AGE,
    GROUPS,
    LAZY_AT,
    MONTHS,
    MOVES,
    RESULTS,
)

Numbers = NDArray[np.float64]

_GROUP_OF_AGE = GROUP_OF_AGE
N_DRAWN = len(DRAWN)
N_FRAILTY = len(FRAILTY)


@dataclass(frozen=True, slots=True)
class Cohort:
    """People counted: ``here`` by cell, age and state; ``births`` to come by year, cell, month and state."""

    here: Numbers
    births: Numbers


class _Hazards(NamedTuple):
    """A month of the model, as arrays for compiled code."""

    rates: Numbers
    worse: Numbers
    frailer: Numbers
    death: Numbers
    moves: float
    mix: Numbers
    cost: Numbers
    stay: Numbers
    chronic: Numbers


def cohort(people: People, years: int) -> Cohort:
    """Count a population by cell, age and state; persons with a negative age are its coming births."""
    here = np.zeros((CELLS, AGES, STATES))
    births = np.zeros((years, CELLS, 12, STATES))
    living = (people.state != DEAD) & (people.months >= 0)
    age = np.minimum(people.months // 12, AGES - 1)
    np.add.at(here, (people.cell[living], age[living], people.state[living]), 1)
    coming = (people.months < 0) & (people.months > -12 * years) & (people.state != DEAD)
    months = -people.months[coming].astype(np.int64)
    np.add.at(births, (months // 12, people.cell[coming], months % 12, people.state[coming]), 1)
    return Cohort(here, births)


def expect(start: Cohort, model: Model, years: int, change: Numbers | None = None) -> Numbers:
    """Expected results ``[years, GROUPS, RESULTS]`` of a population.

    Args:
        start: the people at the beginning, all under the same multipliers.
        model: the model.
        years: how many years.
        change: multipliers ``[years, 2 + streams]`` as the person engine's, but 1 is 1.0.
    """
    change = np.ones((years, 2 + len(STREAMS))) if change is None else change
    hazards = _Hazards(
        rates=np.stack([model.rate[stream] for stream in STREAMS]) / 12,
        worse=np.ascontiguousarray(model.worse / 12),
        frailer=np.ascontiguousarray(model.frailer / 12),
        death=monthly(model.death),
        moves=model.value("moves") / 12,
        mix=np.ascontiguousarray(model.mix),
        cost=np.stack([model.cost["emergency"], model.cost["elective"]]),
        stay=model.stay.mean(axis=0),
        chronic=model.chronic,
    )
    out = np.zeros((years, GROUPS, len(RESULTS)))
    _expect(start.here.copy(), start.births, hazards, change, out)
    return out


@nb.njit(cache=True)
def _expect(here: Any, births: Any, hazards: Any, change: Any, out: Any) -> None:
    years = len(out)
    cells, ages, states = here.shape
    nobody = np.zeros((12, states))
    for year in range(years):
        newborn = np.zeros((cells, states))
        for cell in range(cells):
            for age in range(ages):
                _year(here[cell, age], nobody, cell, age, hazards, change[year], out[year])
            _year(newborn[cell], births[year, cell], cell, 0, hazards, change[year], out[year])
        for cell in range(cells):
            here[cell, ages - 1] += here[cell, ages - 2]
            for age in range(ages - 2, 0, -1):
                here[cell, age] = here[cell, age - 1]
            here[cell, 0] = newborn[cell]


@nb.njit(boundscheck=False)
def _year(people: Any, arriving: Any, cell: int, age: int, hazards: Any, factor: Any, out: Any) -> None:
    """One year of the people of a cell and age, and of those who are born in it."""
    states = len(people)
    group = out[_GROUP_OF_AGE[age] * CELLS + cell]
    for month in range(12):
        now = people + arriving[month]
        people[:] = now
        left = 0.0
        for state in range(states):
            n = now[state]
            if n == 0:
                continue
            group[MONTHS] += n
            emergency = n * hazards.rates[0, cell, age, state] * factor[2]
            elective = n * hazards.rates[1, cell, age, state] * factor[3]
            group[ATTENDANCES] += n * hazards.rates[2, cell, age, state] * factor[4]
            group[EMERGENCY] += emergency
            group[CHRONICS] += emergency * min(hazards.chronic[age] * factor[1], 1.0)
            group[ELECTIVE] += elective
            group[DAYS] += emergency * hazards.stay[age]
            group[EMERGENCY_COST] += emergency * hazards.cost[0, cell, age]
            group[ELECTIVE_COST] += elective * hazards.cost[1, cell, age]
            for stream in range(N_DRAWN, len(hazards.rates)):
                rate = hazards.rates[stream, cell, age, state]
                group[LAZY_AT + stream - N_DRAWN] += n * rate * factor[2 + stream]
            dying = n * hazards.death[cell, age, state]
            worsening = n * hazards.worse[cell, age, state // N_FRAILTY] * factor[0]
            weakening = n * hazards.frailer[age, state % N_FRAILTY]
            moving = n * hazards.moves
            group[DEATHS] += dying
            group[MOVES] += moving
            left += moving
            people[state] -= dying + worsening + weakening + moving
            if worsening > 0:
                people[state + N_FRAILTY] += worsening
            if weakening > 0:
                people[state + 1] += weakening
        for state in range(states):
            people[state] += left * hazards.mix[cell, age, state]
