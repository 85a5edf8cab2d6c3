"""Results: what the engines count, in which order, and by which groups of people."""

from __future__ import annotations

import numpy as np

from accord.simulation.model import DRAWN, STREAMS
from accord.simulation.people import AGES, CELLS

AGE_GROUPS = ((0, 4), (5, 17), (18, 44), (45, 64), (65, 74), (75, 84), (85, AGES - 1))
"""Age groups of the results, first and last age."""

GROUPS = len(AGE_GROUPS) * CELLS
"""Groups of the results: age group, then cell (sex, then fifth)."""

GROUP_OF_AGE = np.array([next(i for i, (a, b) in enumerate(AGE_GROUPS) if a <= age <= b) for age in range(AGES)])
"""The age group of an age."""

COUNTS = (
    "months",
    "deaths",
    "moves",
    "attendances",
    "emergency",
    "chronic",
    "elective",
    "emergency_days",
    "emergency_cost",
    "elective_cost",
)
"""What is counted person by person; ``months`` are person-months, costs are pence."""

LAZY = STREAMS[len(DRAWN) :]
"""Streams whose expected number is accumulated, in parts of ``LAZY_ONE``."""

RESULTS = (*COUNTS, *LAZY)
"""Every result, in the order of the last dimension."""

MONTHS, DEATHS, MOVES, ATTENDANCES, EMERGENCY, CHRONICS, ELECTIVE, DAYS, EMERGENCY_COST, ELECTIVE_COST = range(10)
"""Places of the counts."""

LAZY_AT = len(COUNTS)
"""The place of the first of the streams that are not drawn person by person."""
