"""Prevalence: how many of a record's people have which conditions and frailty, how many leave and how many are born."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from accord.simulation import rounding
from accord.simulation.model import Figures, Parameter, model, published
from accord.simulation.people import AGES, CELLS, FIFTHS, FRAILTY, MORBIDITY
from accord.simulation.recorded import Year
from accord.simulation.sourced import Saying, assumed

Numbers = NDArray[np.float64]


def moving(held: Sequence[Year], say: Saying) -> dict[str, Parameter]:
    """How many leave a list in a year, and births."""
    months = sum(float(year.days[year.here].sum() / year.length * 12) for year in held)
    left = sum(int((year.left & year.here).sum()) for year in held)
    women = sum(
        int((year.here & (year.cell < FIFTHS) & (year.age >= 15) & (year.age <= 44) & (year.months >= 0)).sum())
        for year in held
    )
    born = sum(int(((year.months <= 0) & ~year.here).sum()) for year in held)
    found: dict[str, Parameter] = {}
    if left and not rounding.small(left):
        left = rounding.rounded(left)
        found["moves"] = say("moves", left / months * 12, 1 / np.sqrt(left), "share of a list that leaves in a year")
    if born and women and not (rounding.small(born) or rounding.small(women)):
        born, women = rounding.rounded(born), rounding.rounded(women)
        found["births_per_woman"] = say("births_per_woman", born / women, 1 / np.sqrt(born), "new on lists at birth")
    return found


def prevalences(held: Sequence[Year], own: Mapping[str, Parameter], say: Saying) -> dict[str, Parameter]:
    """Morbidity and frailty as the record has them, on the first day of its last year."""
    last = held[-1]
    there = last.here & (last.months >= 0)
    age, cell, state = last.age[there], last.cell[there], last.state[there]
    found: dict[str, Parameter] = {}
    if "morbidity" in last.told:
        found |= _morbidity(age, cell, state // len(FRAILTY), say)
    if "frailty" in last.told:
        found |= _frailty(age, cell, state % len(FRAILTY), {**own, **found}, say)
    return found


def _morbidity(
    age: NDArray[np.int64], cell: NDArray[np.int64], level: NDArray[np.int64], say: Saying
) -> dict[str, Parameter]:
    """The three prevalences, their slope by age and the years by which deprivation brings them sooner.

    The model's own form (logistic in age, shifted by fifth), fitted to the place's adults by maximum likelihood; then
    stated as the prevalence that England's adults would have by it, which is what the model takes.
    """
    adults = age >= 18
    counts = np.zeros((AGES, FIFTHS, len(MORBIDITY)))
    np.add.at(counts, (age[adults], cell[adults] % FIFTHS, level[adults]), 1)
    at_least = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][:, :, 1:]
    numbers = at_least.sum(axis=(0, 1))
    if any(rounding.small(one) for one in numbers):
        return {}
    at_least = at_least * np.array([rounding.rounded(one) for one in numbers]) / np.maximum(numbers, 1)
    whole = counts.sum(axis=2)[:, :, None]
    ages = np.arange(AGES)[:, None, None] - 50.0
    fifth = ((np.arange(FIFTHS) - 2) / (FIFTHS - 1))[None, :, None]

    def misfit(x: Numbers) -> tuple[float, Numbers]:
        linear = x[0] * (ages - fifth * x[1]) + x[2:][None, None, :]
        share = 1 / (1 + np.exp(-linear))
        loss = whole * np.logaddexp(0, linear) - at_least * linear
        off = whole * share - at_least
        gradient = np.array([(off * (ages - fifth * x[1])).sum(), (off * -fifth * x[0]).sum(), *off.sum(axis=(0, 1))])
        scale = 1 / max(whole.sum(), 1.0)
        return float(loss.sum() * scale), gradient * scale

    started = np.array([0.07, 7.0, 0.0, -0.7, -1.5])
    result = optimize.minimize(misfit, started, jac=True, method="BFGS")
    slope, sooner, *starts = result.x
    slope, sooner = float(np.clip(slope, 0.005, 0.3)), float(np.clip(sooner, 0, 30))
    england = model().people[2026][:, 18:]
    along = np.arange(18, AGES)[None, :] - 50.0
    shift = ((np.arange(CELLS) % FIFTHS - 2) / (FIFTHS - 1))[:, None] * sooner
    found: dict[str, Parameter] = {}
    people = max(rounding.rounded(whole.sum()), 1)
    names = ("any_condition_adults", "multimorbidity_adults", "complex_adults")
    for name, start in zip(names, starts, strict=True):
        share = 1 / (1 + np.exp(-(slope * (along - shift) + start)))
        value = float(np.clip((share * england).sum() / england.sum(), 1e-4, 0.98))
        note = "as registers have it, at the ages of England's adults; the built-in figure counts far more conditions"
        found[name] = say(name, value, float(np.sqrt((1 - value) / (value * people))), note)
    note = "fitted to registers; the interval is assumed"
    doubt = assumed("multimorbidity_slope_doubt")
    found["multimorbidity_slope"] = say("multimorbidity_slope", slope, doubt, note)
    doubt = assumed("deprivation_years_doubt")
    found["deprivation_years"] = say("deprivation_years", max(sooner, 0.01), doubt, note)
    return found


ROOM = (0.02, 8.0)
"""How much slower or faster than built in frailty may begin."""


def _frailty(
    age: NDArray[np.int64],
    cell: NDArray[np.int64],
    level: NDArray[np.int64],
    own: Mapping[str, Parameter],
    say: Saying,
) -> dict[str, Parameter]:
    """How fast frailty begins and gets worse, so that the model has as many frail people from 65 on as the place."""
    old = age >= 65
    if not old.any() or not (level[old] > 0).any():
        return {}
    people = np.zeros((CELLS, AGES))
    np.add.at(people, (cell[old], age[old]), 1)
    count, severe = int((level[old] > 0).sum()), int((level[old] > 1).sum())
    if rounding.small(count) or rounding.small(severe):
        return {}
    count, severe = rounding.rounded(count), rounding.rounded(severe)
    frail, worse = count / rounding.rounded(old.sum()), severe / count
    figures = Figures({**published().parameters, **own}, published().curves)
    begun = {
        name: figures.parameters[name].value for name in ("frailty_onset_57", "frailty_onset_70", "frailty_onset_80")
    }
    further = figures.parameters["frailty_worsening"].value

    def shares(onset: float, going_on: float) -> tuple[float, float]:
        changed = {name: value * onset for name, value in begun.items()}
        mix = model({**changed, "frailty_worsening": further * going_on}, figures).mix
        by = (mix.reshape(CELLS, AGES, len(MORBIDITY), len(FRAILTY)).sum(axis=2) * people[:, :, None]).sum(axis=(0, 1))
        return float(by[1:].sum() / by.sum()), float(by[2:].sum() / max(by[1:].sum(), 1e-12))

    onset = going_on = 1.0
    for _ in range(2):
        onset = _solved(lambda x, other=going_on: shares(x, other)[0] - frail)
        going_on = _solved(lambda x, other=onset: shares(other, x)[1] - worse)
    found = {
        name: say(name, value * onset, 1 / np.sqrt(count), "scaled to the frail people of 65 and over on record")
        for name, value in begun.items()
    }
    note = "scaled to the moderately and severely frail on record"
    return found | {
        "frailty_worsening": say("frailty_worsening", further * going_on, 1 / np.sqrt(max(1, severe)), note)
    }


def _solved(off: object) -> float:
    """Where a rising function of a factor is 0, within the room that there is."""
    low, high = ROOM
    for _ in range(13):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if off(middle) < 0 else (low, middle)  # type: ignore[operator]
    return float(np.sqrt(low * high))
