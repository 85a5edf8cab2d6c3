"""Draws: counter-based random numbers. A draw is a function of what it is for, never of when it was made.

Philox4x32-10 (Salmon et al., Parallel random numbers: as easy as 1, 2, 3, SC 2011): four 32-bit words for a counter of
four words and a key of two. The counter says which person, which month and which purpose; the key is the seed. So
results do not depend on threads or on how people are cut into pieces, and two scenarios share their chance. Purposes of
all modules stand here, so that two are the same only where that is meant.
"""

# what is compiled has numba's types, not Python's
# pyright: reportArgumentType=false, reportAssignmentType=false, reportCallIssue=false, reportReturnType=false

from __future__ import annotations

import numba as nb
import numpy as np
from numba import uint32, uint64
from numpy.typing import NDArray
from scipy import special

from accord.simulation.compiled import compiled

LIFE, YEAR, ADMISSION, ARRIVAL = 0, 1, 2, 3
"""Purposes of draws: the last word of the counter. Admissions of one month take 2, 10, 18 …; elective ones 6, 14 …"""

FREQUENT = 4
"""Purpose of frequent contacts: how many, and (with 8 more for each stream) whose."""

SURVEYED, SURVEYED_YEAR, SYSTEM, SEEDS_OF_DRAWS, FIGURES, SIZES = 16, 17, 32, 33, 48, 49
"""Purposes under the seed of a run, where the engines' are under that of a draw: what is lasting about who is surveyed,
and each year's chance; years that move everybody together; seeds; figures of the model and sizes of behaviour tried."""

RECORDED = 48
"""Purpose of what is drawn for persons of a record; the third word, which figures leave at 0, says which."""

PLACE = 1 << 24
"""Purposes from here on are those of made places."""

WRITTEN = PLACE + 16
"""Purposes from here on are those of what a record is written with."""

NORMAL_95 = 1.959964
"""Standard deviations from the middle of a normal distribution that hold 95 % of it."""

ENOUGH_DRAWS = 40
"""The fewest draws of a run that show where 95 of 100 lie."""

QUARTER, HALF, TOP = np.uint32(1 << 30), np.uint32(1 << 31), np.uint32(0xFFFFFFFF)
"""Where in the range of a month's first word frailty, leaving and death are decided."""

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_HALF, _LOW = np.uint64(32), np.uint64(0xFFFFFFFF)


@nb.njit(forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)
def philox(c0: int, c1: int, c2: int, c3: int, k0: int, k1: int) -> tuple[int, int, int, int]:
    """Four uniform 32-bit words for a counter ``(c0, c1, c2, c3)`` under a key ``(k0, k1)``, all of 32 bits."""
    # numbers of 64 bits whose upper half is rubbish until the end: so many people's words are made in one instruction
    c0, c1, c2, c3, k0, k1 = uint64(c0), uint64(c1), uint64(c2), uint64(c3), uint64(k0), uint64(k1)
    for _ in range(10):
        product0, product1 = _M0 * (c0 & _LOW), _M1 * (c2 & _LOW)
        c0, c1, c2, c3 = (product1 >> _HALF) ^ c1 ^ k0, product1, (product0 >> _HALF) ^ c3 ^ k1, product0
        k0, k1 = k0 + _W0, k1 + _W1
    return uint32(c0), uint32(c1), uint32(c2), uint32(c3)


def words(counters: np.ndarray, seed: int) -> np.ndarray:
    """Philox words for an array of counters ``[n, 4]`` (uint32), as ``[n, 4]`` uint32: for tests and for few draws."""
    return _words(np.ascontiguousarray(counters, np.uint32), np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32))


def uniform(counters: np.ndarray, seed: int) -> NDArray[np.float64]:
    """Four uniform draws for each of an array of counters, never 0 or 1."""
    return (words(counters, seed) + 0.5) / 2.0**32


def normal(counters: np.ndarray, seed: int) -> NDArray[np.float64]:
    """A standard normal draw for each of an array of counters."""
    return special.ndtri(uniform(counters, seed)[:, 0])


@compiled()
def _words(counters: np.ndarray, k0: int, k1: int) -> np.ndarray:
    out = np.empty_like(counters)
    for i in range(len(counters)):
        a, b, c, d = philox(counters[i, 0], counters[i, 1], counters[i, 2], counters[i, 3], k0, k1)
        out[i, 0], out[i, 1], out[i, 2], out[i, 3] = a, b, c, d
    return out
