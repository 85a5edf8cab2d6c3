"""The cohort engine: the expected value of what the person engine draws, from people counted by cell, age and state.

The same months, hazards and order of things as :mod:`accord.simulation.person_engine`, in floating point and without
chance. It takes milliseconds, so it carries parameter uncertainty; and the mean of the person engine must equal it,
which is how each is checked by the other.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

import numba as nb
import numpy as np
from numpy.typing import NDArray

from accord.simulation.compiled import compiled
from accord.simulation.model import DRAWN, N_FRAILTY, STREAMS, Figures, Model, models, month, monthly
from accord.simulation.people import AGES, CELLS, DEAD, STATES, People
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

AT_ONCE = 16
"""Models that are made, and put side by side for compiled code, together."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """People counted: ``here`` by cell, age and state; ``births`` to come by year, cell, month and state."""

    here: Numbers
    births: Numbers


class _Hazards(NamedTuple):
    """Several models as arrays for compiled code; the first dimension is the model."""

    rates: Numbers
    worse: Numbers
    frailer: Numbers
    dying: Numbers
    moves: Numbers
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
    return advance(start, model, years, change)[0]


def advance(start: Cohort, model: Model, years: int, change: Numbers | None = None) -> tuple[Numbers, Cohort]:
    """What :func:`expect` gives, and the people who are expected to be there at the end, with the births still to come.

    Who was born on the way is counted at the age of the last birthday; whoever has died is not there.
    """
    found, end = _expected(start, [model], years, None if change is None else change[None])
    return found[0], Cohort(end[0], start.births[years:])


def expect_each(start: Cohort, models: Sequence[Model], years: int, change: Numbers | None = None) -> Numbers:
    """Expected results ``[models, years, GROUPS, RESULTS]`` of a population under each of several models.

    No model knows of another: the results are the same for any number of threads, and the same as one by one.

    Args:
        start: the people at the beginning.
        models: the models.
        years: how many years.
        change: multipliers ``[models, years, 2 + streams]``; none changes nothing.
    """
    out = np.empty((len(models), years, GROUPS, len(RESULTS)))

    def expect_some(some: slice) -> None:
        out[some] = _expected(start, models[some], years, None if change is None else change[some])[0]

    _in_threads(expect_some, len(models))
    return out


def _expected(start: Cohort, models: Sequence[Model], years: int, change: Numbers | None) -> tuple[Numbers, Numbers]:
    change = np.ones((len(models), years, 2 + len(STREAMS))) if change is None else np.ascontiguousarray(change)
    hazards = _Hazards(
        rates=np.array([[one.rate[stream] for stream in STREAMS] for one in models]),
        worse=np.array([one.worse for one in models]),
        frailer=np.array([one.frailer for one in models]),
        dying=monthly(np.array([one.death for one in models])),
        moves=np.array([one.value("moves") for one in models]),
        mix=np.array([one.mix for one in models]),
        cost=np.array([[one.cost["emergency"], one.cost["elective"]] for one in models]),
        stay=np.array([one.stay.mean(axis=0) for one in models]),
        chronic=np.array([one.chronic for one in models]),
    )
    out = np.zeros((len(models), years, GROUPS, len(RESULTS)))
    end = np.empty((len(models), *start.here.shape))
    _expect(start.here, start.births, hazards, change, out, end)
    return out, end


def expect_drawn(
    start: Cohort,
    draws: Sequence[Mapping[str, float]],
    years: int,
    change: Numbers | None = None,
    given: Figures | None = None,
) -> Numbers:
    """Expected results ``[draws, years, GROUPS, RESULTS]`` under each of many sets of the model's figures.

    Models are made some at a time and not kept, so that a thousand draws take the memory of a few.

    Args:
        start: the people at the beginning.
        draws: changed figures by name, as :func:`accord.simulation.model.models` takes them.
        years: how many years.
        change: multipliers ``[years, 2 + streams]``, the same in every draw; none changes nothing.
        given: what models are made of, where it is not what is committed.
    """
    out = np.empty((len(draws), years, GROUPS, len(RESULTS)))

    def expect_some(some: slice) -> None:
        made = models(draws[some], given)
        same = None if change is None else np.broadcast_to(change, (len(made), *change.shape))
        out[some] = _expected(start, made, years, same)[0]

    _in_threads(expect_some, len(draws))
    return out


def _in_threads(task: Callable[[slice], None], number: int) -> None:
    """Do something for some of so many at a time, in as many threads as numba has; compiled code lets others run."""
    pieces = [slice(first, first + AT_ONCE) for first in range(0, number, AT_ONCE)]
    threads = min(nb.get_num_threads(), len(pieces))
    if threads <= 1:
        for piece in pieces:
            task(piece)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(task, pieces))


@compiled(nogil=True)
def _expect(here: Any, births: Any, hazards: Any, change: Any, out: Any, end: Any) -> None:
    for draw in range(len(out)):
        for cell in range(CELLS):
            _cell(draw, cell, here[cell], births, hazards, change[draw], out[draw], end[draw, cell])


@nb.njit(boundscheck=False)
def _cell(draw: int, cell: int, here: Any, births: Any, hazards: Any, change: Any, out: Any, end: Any) -> None:
    """Every year of the people of a cell, under one of the models."""
    years = len(out)
    ages, states = here.shape
    # the last column are those who are born in the year, at the rates of age 0
    shape = (states, ages + 1)
    # each by itself: loops over parts of one array would not be made for several numbers at a time
    people, arriving, lived, chances = np.zeros(shape), np.empty(shape), np.empty(shape), np.empty((3, *shape))
    people[:, :ages] = here.T
    for column in range(ages + 1):
        for state in range(states):
            arriving[state, column] = hazards.mix[draw, cell, column % ages, state] * hazards.moves[draw] / 12
    for year in range(years):
        _chances(hazards, draw, cell, change[year, 0], chances)
        _year(people, births[year, cell], chances, arriving, lived)
        _add(lived, hazards, draw, cell, change[year], out[year])
        for state in range(states):
            people[state, ages - 1] += people[state, ages - 2]
            for age in range(ages - 2, 0, -1):
                people[state, age] = people[state, age - 1]
            people[state, 0] = people[state, ages]
            people[state, ages] = 0.0
    end[:] = people[:, :ages].T


@nb.njit(boundscheck=False)
def _chances(hazards: Any, draw: int, cell: int, worsening: float, chances: Any) -> None:
    """Chances of a month as :func:`accord.simulation.model.month` takes them; who leaves does not stay as he is."""
    _, states, columns = chances.shape
    for state in range(states):
        for column in range(columns):
            age = column % (columns - 1)
            worse = hazards.worse[draw, cell, age, state // N_FRAILTY] / 12 * worsening
            frailer = hazards.frailer[draw, age, state % N_FRAILTY] / 12
            gone = hazards.dying[draw, cell, age, state] + hazards.moves[draw] / 12
            chances[0, state, column] = 1 - gone - worse - frailer
            chances[1, state, column], chances[2, state, column] = worse, frailer


@nb.njit(boundscheck=False)
def _year(people: Any, births: Any, chances: Any, arriving: Any, lived: Any) -> None:
    """One year of the people of a cell, and of those who are born in it: the months they live, by state and age."""
    states, columns = people.shape
    here, then = np.empty(columns), np.empty(people.shape)
    lived[:] = 0.0
    for m in range(12):
        here[:] = 0.0
        for state in range(states):
            people[state, columns - 1] += births[m, state]
            there, months = people[state], lived[state]
            for column in range(columns):
                months[column] += there[column]
                here[column] += there[column]
        month(people, chances, then)
        for state in range(states):
            there, into, staying = people[state], arriving[state], then[state]
            for column in range(columns):
                there[column] = staying[column] + here[column] * into[column]


@nb.njit(boundscheck=False)
def _add(lived: Any, hazards: Any, draw: int, cell: int, factor: Any, out: Any) -> None:
    """What the months lived by the people of a cell make of each result, added to it."""
    states, columns = lived.shape
    for column in range(columns):
        age = column % (columns - 1)
        group = out[_GROUP_OF_AGE[age] * CELLS + cell]
        months = 0.0
        for state in range(states):
            months += lived[state, column]
            group[DEATHS] += lived[state, column] * hazards.dying[draw, cell, age, state]
        if months == 0:
            continue
        emergency = _of(lived, column, hazards.rates[draw, 0, cell, age]) * factor[2]
        elective = _of(lived, column, hazards.rates[draw, 1, cell, age]) * factor[3]
        group[MONTHS] += months
        group[MOVES] += months * hazards.moves[draw] / 12
        group[ATTENDANCES] += _of(lived, column, hazards.rates[draw, 2, cell, age]) * factor[4]
        group[EMERGENCY] += emergency
        group[CHRONICS] += emergency * min(hazards.chronic[draw, age] * factor[1], 1.0)
        group[ELECTIVE] += elective
        group[DAYS] += emergency * hazards.stay[draw, age]
        group[EMERGENCY_COST] += emergency * hazards.cost[draw, 0, cell, age]
        group[ELECTIVE_COST] += elective * hazards.cost[draw, 1, cell, age]
        for stream in range(N_DRAWN, hazards.rates.shape[1]):
            expected = _of(lived, column, hazards.rates[draw, stream, cell, age])
            group[LAZY_AT + stream - N_DRAWN] += expected * factor[2 + stream]


@nb.njit(inline="always")
def _of(lived: Any, column: int, rate: Any) -> float:
    """Expected events of the months that people of an age live, at yearly rates by state."""
    total = 0.0
    for state in range(len(lived)):
        total += lived[state, column] * rate[state]
    return total / 12
