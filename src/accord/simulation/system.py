"""System: the chance that moves everybody together, year by year; the seed of a run and of each draw.

It is the same in every scenario of a draw, and does not get smaller with the size of a place.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import Problem
from accord.simulation.draws import SEEDS_OF_DRAWS, SYSTEM, normal, words
from accord.simulation.model import Model

Numbers = NDArray[np.float64]


SEEDS = 2**63
"""How many seeds a run can have."""


def wrong_seed(seed: int) -> list[Problem]:
    """What is wrong with a seed that was asked for, if anything."""
    if 0 <= seed < SEEDS:
        return []
    return [Problem(Place("--seed", 0, 0), f"{seed} is no seed", "a whole number from 0 to 2**63 - 1")]


def seed_of(seed: int, draw: int) -> int:
    """The seed of one draw: 64 bits, from the run's seed and the draw's number."""
    one = words(np.array([[draw, 0, 0, SEEDS_OF_DRAWS]], np.uint32), seed)[0]
    return int(one[0]) | int(one[1]) << 32


def noise(built_in: Model, seed: int, draw: int, years: int) -> Numbers:
    """How much a year differs for everybody together, as a factor: AR(1), the same in every scenario of a draw."""
    counters = np.zeros((years, 4), np.uint32)
    counters[:, 0], counters[:, 1], counters[:, 3] = draw, np.arange(years), SYSTEM
    deviates = normal(counters, seed)
    memory, size = built_in.value("system_memory"), built_in.value("system_noise")
    out = np.empty(years)
    now = 0.0
    for year in range(years):
        now = deviates[0] if year == 0 else memory * now + np.sqrt(1 - memory**2) * deviates[year]
        out[year] = 1 + size * now
    return out
