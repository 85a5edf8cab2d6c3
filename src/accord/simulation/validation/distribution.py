"""Distributions: figures of what each person had, of noise and of luck, with their doubt from parts of the people."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accord.simulation.results import GROUPS
from accord.simulation.validation.asked import Asked, Unanswerable
from accord.simulation.validation.query import Query

Numbers = NDArray[np.float64]

PARTS = 10
"""Parts of the people that the doubt of a drawn figure is reckoned from."""

POPULATIONS = 4_000
"""Populations that are drawn for the chance that luck alone is paid."""

BLOCK = 100
"""People of whom such populations are put together at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What simulated people answer. ``doubt`` is the standard error of chance, where people were drawn."""

    value: float
    doubt: float | None = None
    note: str = ""


def over(above: float, below: float) -> float:
    """A quotient; Unanswerable where there is nothing to divide by."""
    if below == 0:
        raise Unanswerable("there is nothing to divide by")
    return float(above / below)


# -- what each person had ----------------------------------------------------------------------------------------------


def drawn(statistic: Callable[[Query, Numbers, Numbers | None], float]) -> Callable[[Asked, Query], Answer]:
    """A figure of what each person had, and its doubt from parts of the people."""

    def answer(asked: Asked, query: Query) -> Answer:
        amounts, weights = asked.amounts(query)
        value = statistic(query, amounts, weights)
        if weights is not None:
            return Answer(value)
        parts = [statistic(query, amounts[n::PARTS], None) for n in range(PARTS)]
        return Answer(value, float(np.nanstd(parts, ddof=1) / np.sqrt(PARTS)))

    return answer


def _quantile(values: Numbers, at: float, weights: Numbers | None) -> float:
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(np.ones(len(values)) if weights is None else weights[order])
    return float(values[order][np.searchsorted(mass, at / 100 * mass[-1] * (1 - 1e-12))])


def _limited(query: Query, values: Numbers) -> Numbers:
    if "limit" in query.said:
        return np.minimum(values, query.number("limit"))
    if "limit_percentile" in query.said:
        return np.minimum(values, _quantile(values, query.number("limit_percentile"), None))
    return values


def _mean_of(query: Query, amounts: Numbers, weights: Numbers | None) -> float:
    return float(np.average(_limited(query, amounts[:, 0]), weights=weights))


def _sd_of(query: Query, amounts: Numbers, weights: Numbers | None) -> float:
    values = _limited(query, amounts[:, 0])
    mean = np.average(values, weights=weights)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))


def _cv_of(query: Query, amounts: Numbers, weights: Numbers | None) -> float:
    return over(_sd_of(query, amounts, weights), _mean_of(query, amounts, weights))


def _gini_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    values = np.sort(_limited(query, amounts[:, 0]))
    n = len(values)
    return over(float(((2 * np.arange(1, n + 1) - n - 1) * values).sum()), float(n * values.sum()))


def _top_share_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    values = np.sort(amounts[:, 0])[::-1]
    upto = np.concatenate([[0.0], np.cumsum(values)])
    return 100 * over(float(np.interp(len(values) * query.number("top") / 100, np.arange(len(upto)), upto)), upto[-1])


def _percentile_of(query: Query, amounts: Numbers, weights: Numbers | None) -> float:
    return _quantile(amounts[:, 0], query.number("at"), weights)


def _with_none_of(_query: Query, amounts: Numbers, _: Numbers | None) -> float:
    return 100 * float((amounts[:, 0] == 0).mean())


def _share_above_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    return 100 * float((amounts[:, 0] > query.number("above")).mean())


def _part_above_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    values = amounts[:, 0]
    return 100 * over(float(values[values > query.number("above")].sum()), float(values.sum()))


def _kept_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    return 100 * over(float(_limited(query, amounts[:, 0]).sum()), float(amounts[:, 0].sum()))


def _correlation_of(_query: Query, amounts: Numbers, _: Numbers | None) -> float:
    return float(np.corrcoef(amounts[:, 0], amounts[:, -1])[0, 1])


def _top(query: Query, values: Numbers) -> NDArray[np.bool_]:
    """Who is in the top so many per cent; nobody who has none."""
    number = max(1, round(len(values) * query.number("top") / 100))
    out = np.zeros(len(values), bool)
    out[np.argsort(-values, kind="stable")[:number]] = True
    return out & (values > 0)


def _stays_in_top_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    first, last = _top(query, amounts[:, 0]), _top(query, amounts[:, -1])
    return 100 * over(float((first & last).sum()), float(first.sum()))


def _again_of(_query: Query, amounts: Numbers, _: Numbers | None) -> float:
    first = amounts[:, 0] > 0
    return 100 * over(float((first & (amounts[:, -1] > 0)).sum()), float(first.sum()))


def _next_year_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    first = _top(query, amounts[:, 0])
    return 100 * over(float(amounts[first, -1].sum()), float(amounts[first, 0].sum()))


# -- noise and luck ----------------------------------------------------------------------------------------------------


def _deviations(asked: Asked, query: Query) -> Numbers:
    """By how much each person's year differs from what it is compared with, over the mean of all."""
    amounts, _ = asked.amounts(query)
    now = _limited(query, amounts[:, -1])
    mean = float(now.mean())
    if mean == 0:
        raise Unanswerable("nobody among the people drawn has any")
    if query.said.get("compared") == "last year":
        difference = now - _limited(query, amounts[:, 0])
    elif query.said.get("adjusted") == "true":
        group = asked.lives(query.who, 1).group
        expected = np.bincount(group, now, GROUPS) / np.maximum(np.bincount(group, minlength=GROUPS), 1)
        difference = now - expected[group]
    else:
        difference = now
    return (difference - difference.mean()) / mean


def _of_one(asked: Asked, query: Query) -> tuple[float, float]:
    each = _deviations(asked, query)
    parts = [each[n::PARTS].std() for n in range(PARTS)]
    return float(each.std()), float(np.std(parts, ddof=1) / np.sqrt(PARTS))


def _system(asked: Asked, query: Query) -> float:
    """The standard deviation of what moves everybody together, as a share."""
    if query.said.get("system") != "true":
        return 0.0
    built_in = asked.model(query.who)
    both = np.sqrt(2 * (1 - built_in.value("system_memory"))) if query.said.get("compared") == "last year" else 1.0
    return built_in.value("system_noise") * float(both)


def _noise_of_one(asked: Asked, query: Query) -> Answer:
    if query.said.get("system") == "true":
        raise Unanswerable("what moves a whole system does not shrink with people: ask noise of so many people")
    return Answer(*_of_one(asked, query))


def _noise(asked: Asked, query: Query) -> Answer:
    one, doubt = _of_one(asked, query)
    people = query.number("people")
    value = np.sqrt(one**2 / people + _system(asked, query) ** 2)
    return Answer(100 * float(value), 100 * float(one * doubt / people / value))


def _luck(asked: Asked, query: Query) -> Answer:
    each = _deviations(asked, query)
    rng = np.random.Generator(np.random.Philox(asked.seed + 1))
    people = int(query.number("people"))
    block = min(BLOCK, people)
    # populations of blocks of people drawn beforehand: large ones take no longer than small ones
    blocks = rng.choice(each, (20_000, block)).mean(axis=1)
    blocks -= blocks.mean()
    number = max(1, round(people / block))
    at_once = max(1, 4_000_000 // number)
    means = np.concatenate(
        [
            rng.choice(blocks, (min(at_once, POPULATIONS - first), number)).mean(axis=1)
            for first in range(0, POPULATIONS, at_once)
        ]
    )
    saved = -100 * (means + _system(asked, query) * rng.standard_normal(POPULATIONS))
    paid = float((saved >= query.number("minimum")).mean())
    return Answer(100 * paid, 100 * float(np.sqrt(paid * (1 - paid) / POPULATIONS)))


DISTRIBUTIONS: Mapping[str, Callable[[Asked, Query], Answer]] = {
    "mean": drawn(_mean_of),
    "sd": drawn(_sd_of),
    "cv": drawn(_cv_of),
    "gini": drawn(_gini_of),
    "top_share": drawn(_top_share_of),
    "percentile": drawn(_percentile_of),
    "with_none": drawn(_with_none_of),
    "share_above": drawn(_share_above_of),
    "part_above": drawn(_part_above_of),
    "kept": drawn(_kept_of),
    "correlation": drawn(_correlation_of),
    "stays_in_top": drawn(_stays_in_top_of),
    "again": drawn(_again_of),
    "next_year": drawn(_next_year_of),
    "noise": _noise,
    "noise_of_one": _noise_of_one,
    "luck": _luck,
}
"""How each kind of figure that is a distribution is answered."""
