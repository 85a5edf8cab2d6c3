"""Indicators of a feed: shares that the engines do not make, from a level, what moves it, and chance.

What is lasting about an organisation and the chance of a year are the same in every scenario of a draw.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accord.simulation.counted import Counted
from accord.simulation.draws import NORMAL_95, SURVEYED, SURVEYED_YEAR, normal
from accord.simulation.feed import Indicator

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]


def reached(one: Indicator, whole: Whole, counted: Counted, has_years: bool) -> tuple[Whole, Whole]:
    """How many were reached, and of how many: a binomial number around a level, by its normal approximation.

    Args:
        one: the indicator.
        whole: how many could be reached, ``[worlds, organisations, years]``, each at least 1.
        counted: what behaviour moves, and whose draws these are.
        has_years: whether each year has a chance of its own.
    """
    own, chance = deviates(counted, whole.shape, one.name, has_years)
    level = one.level + one.spread * own[None, :, None]
    if one.responds and has_years:
        level = level + counted.moved[:, None, :]
    share = np.clip(level, 1, 99) / 100
    number = np.rint(whole * share + chance * np.sqrt(whole * share * (1 - share)))
    number = np.clip(number, 0, whole).astype(np.int64)
    if one.responds:
        # people taken out of the denominator are some of those who were not reached
        out = np.rint(whole * counted.taken_out[:, None, :]).astype(np.int64)
        whole = np.maximum(whole - np.minimum(out, whole - number), 1)
    return number, whole


def deviates(counted: Counted, shape: tuple[int, ...], name: str, has_years: bool) -> tuple[Numbers, Numbers]:
    """Normal deviates ``[worlds, organisations, years]`` of a name: what is lasting about each organisation, and the
    chance of each draw, organisation and year.
    """
    worlds, organisations, years = shape
    code = sum(ord(letter) * 31**place for place, letter in enumerate(name)) & 0xFFFFFF
    own = np.zeros((organisations, 4), np.uint32)
    own[:, 0], own[:, 2], own[:, 3] = np.arange(organisations), code, SURVEYED
    place = np.indices((worlds, organisations, years)).reshape(3, -1)
    each = np.empty((place.shape[1], 4), np.uint32)
    each[:, 0], each[:, 1] = place[1], 1 + counted.draws[place[0]]
    each[:, 2] = (code << 8) + (1 + place[2] if has_years else 0)
    each[:, 3] = SURVEYED_YEAR
    return normal(own, counted.seed), normal(each, counted.seed).reshape(shape)


def wilson(number: Whole, whole: Whole) -> tuple[Numbers, Numbers]:
    """The limits of a share's 95 % interval (Wilson 1927)."""
    share, z = number / whole, NORMAL_95
    middle = share + z * z / (2 * whole)
    half = z * np.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    under = 1 + z * z / whole
    return (middle - half) / under, (middle + half) / under
