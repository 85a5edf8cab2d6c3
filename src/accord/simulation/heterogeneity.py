"""Heterogeneity: how people of one age, sex, fifth and state differ on record, in use and in the cost of a stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from accord.simulation.credibility import Multipliers
from accord.simulation.draws import NORMAL_95
from accord.simulation.model import DRAWN, Figures, Model, Parameter, model, published
from accord.simulation.observed import static
from accord.simulation.recorded import PAID, Year
from accord.simulation.results import GROUP_OF_AGE
from accord.simulation.sourced import Saying, assumed

PARTS = 20
"""Parts of the people of which each is left out in turn, to see how sure a figure is (jackknife)."""


Numbers = NDArray[np.float64]


def heterogeneity(held: Sequence[Year], built_in: Model, say: Saying) -> dict[str, Parameter]:
    """Shapes of a person's lasting burden and of that of a year, from how use comes together in the same persons.

    Events of one year above what is expected, times those of the next, tell the variance of what lasts; those of one
    year squared tell both. Each is a sum over people by a sum over people; the built-in weighs as its interval says.
    """
    drawn = [name for name in held[-1].streams if name in DRAWN]
    together, apart = np.zeros((2, PARTS)), np.zeros((2, PARTS))
    off: list[dict[str, Numbers]] = []
    thought: list[dict[str, Numbers]] = []
    for year in held:
        each = {name: static(year, built_in, name) for name in drawn}
        whole = (year.days == year.length) & year.here
        totals = {name: float(one.sum()) for name, one in each.items()}
        gone: dict[str, Numbers] = {}
        for name, one in each.items():
            counted = year.events[year.streams.index(name)].astype(float)
            one = one * counted.sum() / max(totals[name], 1e-9)
            each[name] = np.where(whole, one, 0)
            gone[name] = np.where(whole, counted - one, 0)
            square = np.where(whole, (counted - one) ** 2 - one, 0)
            part = year.person % PARTS
            apart[0] += np.bincount(part, weights=square, minlength=PARTS)
            apart[1] += np.bincount(part, weights=each[name] ** 2, minlength=PARTS)
        off.append(gone)
        thought.append(each)
    for n in range(len(held) - 1):
        one, other = held[n], held[n + 1]
        both, first, second = np.intersect1d(
            one.person[one.here], other.person[other.here], assume_unique=True, return_indices=True
        )
        first, second = np.flatnonzero(one.here)[first], np.flatnonzero(other.here)[second]
        for name in drawn:
            part = both % PARTS
            product = off[n][name][first] * off[n + 1][name][second]
            together[0] += np.bincount(part, weights=product, minlength=PARTS)
            product = thought[n][name][first] * thought[n + 1][name][second]
            together[1] += np.bincount(part, weights=product, minlength=PARTS)
    found: dict[str, Parameter] = {}
    if not together[1].sum() or not apart[1].sum():
        return found

    def shapes(lasting: Numbers, both: Numbers) -> Numbers:
        between = max(lasting[0] / lasting[1], 0.05)
        # the engines draw at most one event a month below one expected: its variance is a twelfth less
        whole = (both[0] / both[1] + 1 / 12) * 12 / 11
        yearly = max((1 + whole) / (1 + between) - 1, 0.05)
        return np.log([1 / between, 1 / yearly])

    middle = shapes(together.sum(axis=1), apart.sum(axis=1))
    parts = np.array(
        [shapes(together.sum(axis=1) - together[:, part], apart.sum(axis=1) - apart[:, part]) for part in range(PARTS)]
    )
    variance = (PARTS - 1) / PARTS * ((parts - parts.mean(axis=0)) ** 2).sum(axis=0)
    for name, seen, unsure in zip(("burden_shape", "year_shape"), middle, variance, strict=True):
        built = published().parameters[name]
        assert built.low is not None and built.high is not None
        before = ((np.log(built.high) - np.log(built.low)) / (2 * NORMAL_95)) ** 2
        weight = before / (before + unsure)
        value = np.exp(weight * seen + (1 - weight) * np.log(built.value))
        note = f"the record alone says {np.exp(seen):.2f}, weight {weight:.0%}"
        found[name] = say(name, float(value), float(np.sqrt(weight * unsure)), note)
    return found


def cost_spread(held: Sequence[Year], found: Mapping[str, Multipliers], figures: Figures) -> dict[str, float]:
    """What the spread of costs within a group is multiplied with, believed as far as the parts of the people agree."""
    out: dict[str, float] = {}
    before = assumed("costs_spread_doubt") ** 2
    built_in = model(None, figures)
    for number, name in enumerate(PAID):
        if f"{name}_cost" not in found:
            continue
        own = found[f"{name}_cost"].value[GROUP_OF_AGE].T
        sums = np.zeros((2, PARTS))
        for year in held:
            mean = (built_in.cost[name] * own)[year.cell, year.age] / 100
            count, pounds = year.costed[number], year.cost[number] / 100
            square = year.squares[number] - 2 * mean * pounds + count * mean**2
            thought = count * (mean * built_in.spread[name][year.cell, year.age]) ** 2
            part = year.person % PARTS
            sums[0] += np.bincount(part, weights=square, minlength=PARTS)
            sums[1] += np.bincount(part, weights=thought, minlength=PARTS)
        whole = sums.sum(axis=1)
        if min(whole) <= 0:
            continue
        logs = 0.5 * np.log(np.maximum(whole[0] - sums[0], 1e-9) / np.maximum(whole[1] - sums[1], 1e-9))
        unsure = (PARTS - 1) / PARTS * float(((logs - logs.mean()) ** 2).sum())
        weight = before / (before + unsure)
        out[name] = float(np.exp(weight * 0.5 * np.log(whole[0] / whole[1])))
    return out
