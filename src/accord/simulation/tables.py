"""Tables: the model as the whole numbers that the person engine compares its draws with.

A chance within a month is a 32-bit number that a uniform 32-bit draw is compared with; an expected number is a
fixed-point number. So the person engine has no floating point at all, and gives the same on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from accord.simulation.model import DRAWN, STREAMS, Model, monthly
from accord.simulation.people import AGES, BURDENS, CELLS, FRAILTY, MORBIDITY, STATES

ONE = 1 << 16
"""The number 1 of multipliers."""

DRAWN_ONE = 1 << 28
"""The number 1 of expected numbers of streams that are drawn person by person: there is room for 15 a month."""

LAZY_ONE = 1 << 20
"""The number 1 of expected numbers of streams that are not drawn person by person."""

YEARLY = 256
"""Levels of a person's burden of one year, and of an admission's cost and stay: equal shares of their distributions."""

# the columns of a row
DEATH, WORSE, FRAILER, CHRONIC = 0, 1, 2, 3
DRAWN_FROM = 4
LAZY_FROM = DRAWN_FROM + len(DRAWN)
COLUMNS = 16
"""A row is one cache line of 16 numbers of 32 bits."""


class Tables(NamedTuple):
    """The model for the person engine (a tuple, because compiled code takes tuples of arrays as they are).

    Attributes:
        rows: ``[CELLS * AGES * STATES, 16]`` uint32: chances within a month and expected numbers of a month.
        burden: ``[BURDENS]`` and ``year``: ``[YEARLY]``, multipliers of mean exactly 1 (up to rounding), uint32.
        cost: mean pence by emergency and elective, ``[2, CELLS, AGES]`` int64.
        cost_shape: multipliers of the mean, ``[2, AGES, YEARLY]`` uint32.
        stay: days by age and level, ``[AGES, YEARLY]`` int64.
        mix: cumulative chance of each state on arrival, ``[CELLS, AGES, STATES]`` uint32.
        move: chance of leaving within a month, uint32.
    """

    rows: NDArray[np.uint32]
    burden: NDArray[np.uint32]
    year: NDArray[np.uint32]
    cost: NDArray[np.int64]
    cost_shape: NDArray[np.uint32]
    stay: NDArray[np.int64]
    mix: NDArray[np.uint32]
    move: np.uint32


def _fixed(chance: NDArray[np.float64], one: float = 2.0**32) -> NDArray[np.uint32]:
    return np.clip(np.round(chance * one), 0, 2**32 - 1).astype(np.uint32)


def _expected(rate: NDArray[np.float64], one: int, stream: str) -> NDArray[np.uint32]:
    """Expected numbers of a month, from rates of a year.

    Raises:
        ValueError: there is no room for so many.
    """
    month = rate / 12
    if month.max() >= 2**32 / one:
        raise ValueError(f"{stream}: {rate.max():g} a person-year; the person engine has room for {2**32 / one * 12:g}")
    return _fixed(month, one)


def gamma_levels(shape: float, levels: int) -> NDArray[np.float64]:
    """Means of equal shares of a gamma distribution of mean 1: E[G | G in the i-th share], whose mean is 1."""
    edges = special.gammaincinv(shape, np.linspace(0, 1, levels + 1))
    # E[G 1(G < x)] of a gamma of scale 1 is shape * P(shape + 1, x)
    below = special.gammainc(shape + 1, edges)
    return np.diff(below) * levels


def lognormal_levels(spread: NDArray[np.float64], levels: int) -> NDArray[np.float64]:
    """Means of equal shares of a lognormal distribution of mean 1 and a coefficient of variation ``[..., levels]``."""
    sigma = np.sqrt(np.log1p(spread**2))
    edges = special.ndtri(np.linspace(0, 1, levels + 1))
    below = special.ndtr(edges - sigma[..., None])
    return np.diff(below, axis=-1) * levels


def tables(model: Model) -> Tables:
    """The tables of a model."""
    rows = np.zeros((CELLS, AGES, STATES, COLUMNS), np.uint32)
    rows[..., DEATH] = _fixed(monthly(model.death))
    grid = rows.reshape(CELLS, AGES, len(MORBIDITY), len(FRAILTY), COLUMNS)
    grid[..., WORSE] = _fixed(model.worse / 12)[:, :, :, None]
    grid[..., FRAILER] = _fixed(model.frailer / 12)[None, :, None, :]
    rows[..., CHRONIC] = _fixed(model.chronic)[None, :, None]
    for number, stream in enumerate(STREAMS):
        one = DRAWN_ONE if stream in DRAWN else LAZY_ONE
        rows[..., DRAWN_FROM + number] = _expected(model.rate[stream], one, stream)
    spread = np.array(
        [[np.average(model.spread[kind][:, age]) for age in range(AGES)] for kind in ("emergency", "elective")]
    )
    stays = np.average(model.stay, axis=0)
    return Tables(
        rows=rows.reshape(-1, COLUMNS),
        burden=_fixed(gamma_levels(model.value("burden_shape"), BURDENS), ONE),
        year=_fixed(gamma_levels(model.value("year_shape"), YEARLY), ONE),
        cost=np.round(np.array([model.cost["emergency"], model.cost["elective"]])).astype(np.int64),
        cost_shape=_fixed(lognormal_levels(spread, YEARLY), ONE),
        stay=_stay_levels(stays),
        mix=_fixed(np.cumsum(model.mix, axis=2)),
        move=np.uint32(round(model.value("moves") / 12 * 2**32)),
    )


def _stay_levels(mean: NDArray[np.float64]) -> NDArray[np.int64]:
    """Days of a stay by level: a geometric distribution from 0 days on, of the mean of its age.

    The quantile at the middle of each share; the last shares make up what rounding loses, so that the mean is kept.
    """
    levels = (np.arange(YEARLY) + 0.5) / YEARLY
    out = np.ceil(np.log1p(-levels) / np.log1p(-1 / (1 + mean))[:, None]).astype(np.int64) - 1
    out[:, -1] += np.round(mean * YEARLY - out.sum(axis=1)).astype(np.int64)
    return np.maximum(out, 0)
