"""Listing: who is registered on the first day of a year, by practice, sex, deprivation and age, person by person."""

# what is compiled has numba's types, not Python's
# pyright: reportArgumentType=false

from __future__ import annotations

from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from accord.simulation.compiled import compiled
from accord.simulation.people import BANDS, CELLS, DEAD, FRAILTY, People

N_BANDS = len(BANDS)

COMPLEX = 3 * len(FRAILTY)
"""The first state with complex multimorbidity."""


def lists(people: People, states: NDArray[np.uint8], year: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """People on the first day of a year, and those with complex multimorbidity.

    Args:
        people: the population at the start of the first year.
        states: the state of each person on that day, ``[scenarios, people]``.
        year: which year (0 is the first).

    Returns:
        ``[scenarios, practices, CELLS, BANDS]`` and ``[scenarios, practices]``.
    """
    found = np.zeros((len(states), people.practices, CELLS, N_BANDS), np.int64)
    complex_people = np.zeros((len(states), people.practices), np.int64)
    _count(people.offsets, people.months, people.cell, states, 12 * year, found, complex_people)
    return found, complex_people


@compiled(parallel=True)
def _count(offsets: Any, months: Any, cell: Any, states: Any, later: int, found: Any, complex_people: Any) -> None:
    for practice in nb.prange(found.shape[1]):
        for scenario in range(len(states)):
            for person in range(offsets[practice], offsets[practice + 1]):
                age = np.int64(months[person]) + later
                state = states[scenario, person]
                if state == DEAD or age < 0:
                    continue
                found[scenario, practice, cell[person], min(age // 60, N_BANDS - 1)] += 1
                if state >= COMPLEX:
                    complex_people[scenario, practice] += 1
