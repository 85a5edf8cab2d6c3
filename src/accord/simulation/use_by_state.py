"""Use by state: how much more people with conditions and frailty use, and how much more they die, on record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from accord.simulation import rounding
from accord.simulation.credibility import GROUPS
from accord.simulation.model import DRAWN, Figures, Model, Parameter, model, published
from accord.simulation.observed import dispersion_of, grouped, scaled, shown, static
from accord.simulation.on_record import completed
from accord.simulation.people import FRAILTY, MORBIDITY
from accord.simulation.recorded import Year
from accord.simulation.sourced import Saying, assumed

Numbers = NDArray[np.float64]


def use_by_state(held: Sequence[Year], own: Mapping[str, Parameter], say: Saying) -> dict[str, Parameter]:
    """How much more people with conditions and frailty use, and how much more they die, as the record tells."""
    told = held[-1].told
    figures = Figures({**published().parameters, **own}, published().curves)
    built_in = model(None, figures)
    streams = held[-1].streams
    drawn = [name for name in streams if name in DRAWN]
    frequent = [name for name in streams if name not in DRAWN]
    found: dict[str, Parameter] = {}
    frailty = np.ones(len(FRAILTY))
    if "morbidity" in told or "frailty" in told:
        morbidity, frailty = _state_factors(held, built_in, drawn, "morbidity" in told, "frailty" in told, frailty)
        found |= _stated(figures, "morbidity_use", ("one", "multi", "complex"), morbidity, say)
        found |= _stated(figures, "frailty_hospital", ("mild", "moderate", "severe"), frailty, say)
    if "morbidity" in told and frequent:
        given = np.array([1.0, *(_ratio(found, figures, f"frailty_hospital_{one}") for one in FRAILTY[1:])])
        morbidity, _ = _state_factors(held, built_in, frequent, True, False, given)
        found |= _stated(figures, "morbidity_primary", ("one", "multi", "complex"), morbidity, say)
    if "frailty" in told:
        _, frailty = _state_factors(held, built_in, ["deaths"], False, True, np.ones(len(FRAILTY)))
        found |= _stated(figures, "frailty_death", ("mild", "moderate", "severe"), frailty, say)
    return found


def _ratio(found: Mapping[str, Parameter], figures: Figures, name: str) -> float:
    return found[name].value / figures.parameters[name].value if name in found else 1.0


def _state_factors(
    held: Sequence[Year],
    built_in: Model,
    streams: Sequence[str],
    by_morbidity: bool,
    by_frailty: bool,
    given: Numbers,
) -> tuple[Numbers, Numbers]:
    """By level of morbidity and of frailty: observed by expected ``[levels, 2]``, the second a variance of its log.

    Expected at equal age, sex and fifth; levels of one at those of the other.
    """
    states = [completed(year, built_in) for year in held]
    morbidity = [state // len(FRAILTY) for state in states]
    frail = [state % len(FRAILTY) for state in states]
    seen: list[list[Numbers]] = []
    thought: list[list[Numbers]] = []
    for stream in streams:
        if stream == "deaths":
            seen.append([year.died.astype(float) for year in held])
            each = [
                built_in.death[year.cell, year.age, state] * year.exposure / 12
                for year, state in zip(held, states, strict=True)
            ]
        else:
            number = held[-1].streams.index(stream)
            seen.append([year.events[number].astype(float) for year in held])
            each = [static(year, built_in, stream) for year in held]
        thought.append(each)
    of_morbidity, of_frailty = np.ones(len(MORBIDITY)), given.copy()
    dispersion = 1.0
    counts = {"morbidity": np.zeros((2, len(MORBIDITY))), "frailty": np.zeros((2, len(FRAILTY)))}
    for turn in range(6):
        now: list[Numbers] = []
        for events, each in zip(seen, thought, strict=True):
            factored = [one * of_morbidity[m] * of_frailty[f] for one, m, f in zip(each, morbidity, frail, strict=True)]
            total = sum((grouped(year, one) for year, one in zip(held, events, strict=True)), np.zeros(GROUPS))
            before = sum((grouped(year, one) for year, one in zip(held, factored, strict=True)), np.zeros(GROUPS))
            fitted = scaled(held, factored, shown(total, before))
            now = fitted if not now else [a + b for a, b in zip(now, fitted, strict=True)]
        together = [np.sum([events[n] for events in seen], axis=0) for n in range(len(held))]
        if turn == 0:
            dispersion = max(1.0, dispersion_of(held, together, now)) if streams != ["deaths"] else 1.0
        for name, levels, level in (("morbidity", len(MORBIDITY), morbidity), ("frailty", len(FRAILTY), frail)):
            for row, values in ((0, together), (1, now)):
                counts[name][row] = sum(
                    (np.bincount(at, weights=one, minlength=levels) for at, one in zip(level, values, strict=True)),
                    np.zeros(levels),
                )
        if by_morbidity and (turn % 2 == 0 or not by_frailty):
            of_morbidity = of_morbidity * _against_first(counts["morbidity"])
        if by_frailty and (turn % 2 == 1 or not by_morbidity):
            of_frailty = of_frailty * _against_first(counts["frailty"])

    def doubts(name: str) -> Numbers:
        shown, hidden = rounding.each(counts[name][0])
        events = np.maximum(shown, 0.5)
        return np.where(hidden | hidden[0], np.inf, dispersion / events + dispersion / events[0])

    return np.stack([of_morbidity, doubts("morbidity")]), np.stack([of_frailty, doubts("frailty")])


def _against_first(counts: Numbers) -> Numbers:
    """Observed (rounded) by expected of each level, by that of the first; half an event is believed beforehand."""
    shown, hidden = rounding.each(counts[0])
    ratio = np.where(hidden, 1.0, (shown + 0.5) / (counts[1] + 0.5))
    return ratio / ratio[0]


def _stated(figures: Figures, prefix: str, names: Sequence[str], factors: Numbers, say: Saying) -> dict[str, Parameter]:
    """Single figures of use by state: the built-in one with its interval, after having seen the place's own ratio."""
    found: dict[str, Parameter] = {}
    for level, name in enumerate(names, start=1):
        built_in = figures.parameters[f"{prefix}_{name}"]
        ratio, variance = factors[0, level], factors[1, level]
        if variance > 1 or abs(np.log(ratio)) < 1e-12:
            continue
        # registers and codes of frailty draw other lines than the studies did: what is built in says little here
        before = np.log(assumed("use_by_state_factor")) ** 2
        weight = before / (before + variance)
        value = built_in.value * np.exp(weight * np.log(ratio))
        note = "states as registers and frailty codes have them"
        found[built_in.name] = say(built_in.name, value, float(np.sqrt(weight * variance)), note)
    return found
