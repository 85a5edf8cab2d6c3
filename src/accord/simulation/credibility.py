"""Credibility: how far a place's own numbers are believed against what would be expected, group by group.

Events of a group are taken as Poisson about its expected number times a multiplier, with a dispersion because one
person's events come together; multipliers of the groups of a factor are taken as gamma distributed about 1 (Clayton and
Kaldor 1987). How much they differ is not known: every standard deviation from 0 to a widest one is as likely beforehand
(Gelman 2006) and is weighed by how well it explains the groups. So a small group stays near what is expected, a large
one has its own figure, and where groups differ by no more than chance all stay near 1. Several factors are taken one
after the other until they agree (multiplicative factors with credibility: Ohlsson 2008).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from accord.simulation.people import CELLS, FIFTHS, SEXES
from accord.simulation.results import AGE_GROUPS
from accord.simulation.sourced import assumed

Numbers = NDArray[np.float64]

STEPS = 60
"""In how many steps standard deviations between groups are tried."""

ROUNDS = 30
"""How often the factors are gone through, at most."""

GROUPS = (len(AGE_GROUPS), CELLS)
"""Age groups, and cells (sex, then fifth)."""

FACTORS: Mapping[str, NDArray[np.int64]] = {
    "fifth": np.tile(np.arange(CELLS) % FIFTHS, (len(AGE_GROUPS), 1)),
    "age": np.repeat(np.arange(len(AGE_GROUPS)), CELLS).reshape(GROUPS),
    "sex": np.tile(np.arange(CELLS) // FIFTHS, (len(AGE_GROUPS), 1)),
    "group": np.arange(len(AGE_GROUPS) * CELLS).reshape(GROUPS),
}
"""Factors, in the order in which they are taken: for each group of age and cell, its level of the factor."""

LEVELS = {"fifth": FIFTHS, "age": len(AGE_GROUPS), "sex": len(SEXES), "group": len(AGE_GROUPS) * CELLS}
"""How many levels each factor has."""


@dataclass(frozen=True, slots=True)
class Believed:
    """Multipliers of the levels of one factor, with how sure they are (standard deviation of the logarithm).

    ``between`` is the standard deviation between levels that the numbers speak for.
    """

    value: Numbers
    doubt: Numbers
    between: float


def believe(observed: Numbers, expected: Numbers, dispersion: float) -> Believed:
    """Multipliers of levels from what was observed and expected of each.

    Args:
        observed: events (or pence) of each level.
        expected: the same as expected, at a multiplier of 1.
        dispersion: variance of a sum by its mean: 1 for single independent events.
    """
    grid = np.linspace(0, assumed("widest_between"), STEPS + 1)
    there = expected > 0
    ratio = np.where(there, observed / np.where(there, expected, 1), 1.0)
    chance = np.where(there, dispersion / np.where(there, expected, 1), np.inf)
    variance = grid[:, None] ** 2 + chance[None, there]
    likelihood = -0.5 * (np.log(variance) + (ratio[there] - 1) ** 2 / variance).sum(axis=1)
    weight = np.exp(likelihood - likelihood.max())
    weight /= weight.sum()
    # posterior of each level for each standard deviation; at 0 every level is 1
    shape = 1 / np.maximum(grid[:, None], 1e-6) ** 2
    mean = (shape + observed / dispersion) / (shape + expected / dispersion)
    spread = np.sqrt(shape + observed / dispersion) / (shape + expected / dispersion)
    value = weight @ mean
    doubt = np.sqrt(weight @ (spread**2 + (mean - value) ** 2)) / value
    return Believed(value, doubt, float(weight @ grid))


@dataclass(frozen=True, slots=True)
class Multipliers:
    """Multipliers of one quantity by age group and cell.

    Attributes:
        level: of everybody; ``doubt``: how sure (standard deviation of its logarithm).
        factors: of each factor's levels, after those before it.
        observed: events or pence ``[age groups, cells]``; ``expected``: at a multiplier of 1.
        people_years: person-years behind each group.
        dispersion: see :func:`believe`.
    """

    level: float
    doubt: float
    factors: Mapping[str, Believed]
    observed: Numbers
    expected: Numbers
    people_years: Numbers
    dispersion: float
    events: Numbers = field(default_factory=lambda: np.zeros(GROUPS))
    """How many events there are behind each group (for costs: admissions)."""

    @property
    def value(self) -> Numbers:
        """The multiplier of each group."""
        out = np.full(GROUPS, self.level)
        for name, factor in self.factors.items():
            out = out * factor.value[FACTORS[name]]
        return out

    @property
    def doubts(self) -> Numbers:
        """How sure each group's multiplier is: standard deviation of its logarithm."""
        variance = np.full(GROUPS, self.doubt**2)
        for name, factor in self.factors.items():
            variance = variance + factor.doubt[FACTORS[name]] ** 2
        return np.sqrt(variance)

    def margin(self, factor: str) -> tuple[Numbers, Numbers]:
        """Multipliers of a factor's levels with everything in them (fitted by expected), and their doubt."""
        levels = LEVELS[factor]
        fitted, expected = np.zeros(levels), np.zeros(levels)
        np.add.at(fitted, FACTORS[factor], self.value * self.expected)
        np.add.at(expected, FACTORS[factor], self.expected)
        doubt = np.sqrt(self.doubt**2 + self.factors[factor].doubt ** 2)
        return np.where(expected > 0, fitted / np.where(expected > 0, expected, 1), self.level), doubt

    def drawn(self, random: np.random.Generator) -> Numbers:
        """Multipliers of the groups as they might be as well."""
        out = np.full(GROUPS, self.level * np.exp(self.doubt * random.standard_normal()))
        for name, factor in self.factors.items():
            deviate = random.standard_normal(LEVELS[name]) * factor.doubt
            out = out * (factor.value * np.exp(deviate - factor.doubt**2 / 2))[FACTORS[name]]
        return out


def multipliers(
    observed: Numbers, expected: Numbers, people_years: Numbers, dispersion: float, events: Numbers | None = None
) -> Multipliers:
    """Multipliers of a quantity by age group, sex and fifth; each array ``[age groups, cells]``."""
    dispersion = max(dispersion, 1e-9)
    # half an event is believed beforehand, so that nothing at all is not a rate of nothing
    level = (observed.sum() + 0.5 * dispersion) / (expected.sum() + 0.5 * dispersion)
    factors = {name: Believed(np.ones(number), np.zeros(number), 0.0) for name, number in LEVELS.items()}
    for _ in range(ROUNDS):
        before = level * np.prod([factors[name].value[FACTORS[name]] for name in factors], axis=0)
        for name, number in LEVELS.items():
            others = np.full(GROUPS, level)
            for other, factor in factors.items():
                if other != name:
                    others = others * factor.value[FACTORS[other]]
            seen, thought = np.zeros(number), np.zeros(number)
            np.add.at(seen, FACTORS[name], observed)
            np.add.at(thought, FACTORS[name], others * expected)
            factors[name] = believe(seen, thought, dispersion)
        now = np.prod([factors[name].value[FACTORS[name]] for name in factors], axis=0)
        if expected.sum() > 0 and observed.sum() > 0:
            level = observed.sum() / (now * expected).sum()
        if np.abs(level * now / before - 1).max() < 1e-5:
            break
    doubt = float(np.sqrt(dispersion / max(float(observed.sum()), dispersion)))
    return Multipliers(
        float(level),
        doubt,
        factors,
        observed,
        expected,
        people_years,
        dispersion,
        observed if events is None else events,
    )
