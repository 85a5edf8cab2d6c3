"""Answering: a query asked of simulated people, by the engines that everything else runs on.

Expected values and figures made of several stand here, distributions in their own module. What behaviour does comes
from the library and ``respond``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from accord.simulation.people import AGES, FIFTHS
from accord.simulation.results import RESULTS
from accord.simulation.validation.asked import Asked, Unanswerable, both, mask
from accord.simulation.validation.distribution import DISTRIBUTIONS, Answer, over
from accord.simulation.validation.query import COUNTED, TIMES, Query

Numbers = NDArray[np.float64]


def ask(asked: Asked, query: Query) -> Answer:
    """The answer to a query; raises Unanswerable where there is nobody or nothing."""
    return ANSWERS[query.noun](asked, query)


# -- expected values ---------------------------------------------------------------------------------------------------


def _rate(asked: Asked, query: Query) -> Answer:
    per, times = str(query.said["per"]), query.number("times")
    results, people = asked.expected(query.who, births=per != "people")
    if per in TIMES:
        below = results[RESULTS.index("months")] / 12 * TIMES[per]
    elif per == "people":
        below = people
    else:
        below = sum(float(results[RESULTS.index(name)]) * weight for name, weight in COUNTED[per][1].items())
    if below <= 0:
        raise Unanswerable(f"there are no {per} to divide by")
    return Answer(float(asked.of(results, query)) / float(below) * times)


def _share(asked: Asked, query: Query) -> Answer:
    assert query.state is not None
    start = asked.start(query.who, births=False).here
    return Answer(100 * float((start * mask(query.state)).sum() / start.sum()))


def _part_of(asked: Asked, query: Query) -> Answer:
    assert query.state is not None
    mine, _ = asked.expected(replace(query.who, state=both(query.who.state, query.state)))
    whole, _ = asked.expected(query.who)
    return Answer(100 * over(float(asked.of(mine, query)), float(asked.of(whole, query))))


def _onset(asked: Asked, query: Query) -> Answer:
    new, years = asked.onsets(query)
    return Answer(over(float(new.sum()), float(years.sum()) * TIMES[str(query.said["per"])]) * query.number("times"))


def _mean_age(asked: Asked, query: Query) -> Answer:
    if query.state is not None:
        by_age = asked.onsets(query)[0].sum(axis=0)
    elif query.thing is None:
        by_age = asked.start(query.who, births=False).here.sum(axis=(0, 2))
    else:
        by_age = asked.of(asked.by_age(query.who), query).sum(axis=0)
    return Answer(over(float((by_age * np.arange(AGES)).sum()), float(by_age.sum())))


def _age_when(asked: Asked, query: Query) -> Answer:
    assert query.state is not None
    here = asked.start(query.who, births=False).here
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 100 * (here * mask(query.state)).sum(axis=(0, 2)) / here.sum(axis=(0, 2))
    level = query.number("at")
    reached = np.flatnonzero((share[:-1] < level) & (share[1:] >= level))
    if not len(reached):
        raise Unanswerable(f"at no age do {level:g} per cent of people come to it")
    age = int(reached[0])
    return Answer(float(age + (level - share[age]) / (share[age + 1] - share[age])))


def _life_expectancy(asked: Asked, query: Query) -> Answer:
    chance = asked.deaths(query.who)
    alive = np.concatenate([[1.0], np.cumprod(1 - chance)])
    lived = (alive[:-1] + alive[1:]) / 2
    lived[-1] = alive[-2] * (1 / chance[-1] - 0.5)
    if query.state is not None:
        here = asked.whole(query.who).here * mask(replace(query.who.state, ages=(0, AGES - 1)))
        share = (here * mask(query.state)).sum(axis=(0, 2)) / here.sum(axis=(0, 2))
        lived = lived * (1 - (share + np.append(share[1:], share[-1])) / 2)
    age = int(query.number("at"))
    return Answer(float(lived[age:].sum() / alive[age]))


def _effect(asked: Asked, query: Query) -> Answer:
    after, before = _rate(asked, query), _rate(asked, replace(query, who=replace(query.who, under=None)))
    return Answer(100 * (over(after.value, before.value) - 1))


def _answer(asked: Asked, query: Query) -> Answer:
    response, year = asked.response(query.who), query.who.year - 1
    assert response is not None
    match query.said["of"]:
        case "achievement":
            return Answer(float(response.moved[year]))
        case "adjustments":
            return Answer(100 * float(response.taken_out[year]))
        case "expected":
            return Answer(100 * (float(response.expected[year]) - 1))
        case "registers":
            return Answer(100 * (float(response.found[year]) - 1))
        case _:
            taking = list(response.takes_part.values())
            return Answer(100 * float(np.mean(taking[0])) if taking else 100.0)


# -- of several --------------------------------------------------------------------------------------------------------


def _pair(asked: Asked, query: Query) -> tuple[Answer, Answer]:
    first, second = query.parts
    return ask(asked, first), ask(asked, second)


def _together(*doubts: float | None) -> float | None:
    known = [doubt for doubt in doubts if doubt is not None]
    return float(np.sqrt(sum(doubt**2 for doubt in known))) if known else None


def _ratio(asked: Asked, query: Query) -> Answer:
    a, b = _pair(asked, query)
    value = over(a.value, b.value)
    relative = _together(*(None if one.doubt is None else one.doubt / one.value for one in (a, b) if one.value))
    return Answer(value, None if relative is None else relative * abs(value))


def _percent_change(asked: Asked, query: Query) -> Answer:
    ratio = _ratio(asked, query)
    return Answer(100 * (ratio.value - 1), None if ratio.doubt is None else 100 * ratio.doubt)


def _difference(asked: Asked, query: Query) -> Answer:
    a, b = _pair(asked, query)
    return Answer(a.value - b.value, _together(a.doubt, b.doubt))


def _sum(asked: Asked, query: Query) -> Answer:
    found = [ask(asked, part) for part in query.parts]
    return Answer(sum(one.value for one in found), _together(*(one.doubt for one in found)))


def _fifths(asked: Asked, query: Query) -> tuple[Numbers, Numbers, Numbers]:
    """A rate by fifth, each fifth's share of the people, and where its middle lies from most to least deprived."""
    part = query.parts[0]
    rates, people = np.zeros(FIFTHS), np.zeros(FIFTHS)
    for n in range(FIFTHS):
        who = replace(part.who, state=replace(part.who.state, fifths=(n + 1,)))
        rates[n] = ask(asked, replace(part, who=who)).value
        people[n] = asked.start(replace(who, standardised=""), births=False).here.sum()
    share = people / people.sum()
    return rates, share, np.cumsum(share) - share / 2


def _slope_index(asked: Asked, query: Query) -> Answer:
    rates, share, rank = _fifths(asked, query)
    middle, mean = (share * rank).sum(), (share * rates).sum()
    slope = (share * (rank - middle) * (rates - mean)).sum() / (share * (rank - middle) ** 2).sum()
    return Answer(-float(slope))


def _relative_index(asked: Asked, query: Query) -> Answer:
    rates, share, _ = _fifths(asked, query)
    return Answer(over(_slope_index(asked, query).value, float((share * rates).sum())))


def _concentration_index(asked: Asked, query: Query) -> Answer:
    rates, share, rank = _fifths(asked, query)
    mean = float((share * rates).sum())
    return Answer(over(2 * float((share * rates * rank).sum()), mean) - 1)


ANSWERS: Mapping[str, Callable[[Asked, Query], Answer]] = {
    "rate": _rate,
    "share": _share,
    "part_of": _part_of,
    "onset": _onset,
    "mean_age": _mean_age,
    "age_when": _age_when,
    "life_expectancy": _life_expectancy,
    "ratio": _ratio,
    "difference": _difference,
    "percent_change": _percent_change,
    "sum": _sum,
    "slope_index": _slope_index,
    "relative_index": _relative_index,
    "concentration_index": _concentration_index,
    "effect": _effect,
    "answer": _answer,
    **DISTRIBUTIONS,
}
"""How each kind of figure is answered; the kinds are those of :data:`accord.simulation.validation.nouns.NOUNS`."""
