"""Observed: what happened to a record's people beside what the engines expect of the same people, group by group."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from accord.simulation import rounding
from accord.simulation.cohort_engine import Cohort, expect
from accord.simulation.credibility import GROUPS, Multipliers, multipliers
from accord.simulation.model import Model
from accord.simulation.on_record import completed
from accord.simulation.people import CELLS, STATES
from accord.simulation.recorded import Year
from accord.simulation.results import DEATHS, ELECTIVE, ELECTIVE_COST, EMERGENCY, EMERGENCY_COST, MONTHS, RESULTS

Numbers = NDArray[np.float64]


def cohort_of(year: Year, built_in: Model, which: NDArray[np.bool_] | None = None) -> Cohort:
    """The people of a year's first day with those born in it, counted by cell, age and state."""
    state = completed(year, built_in)
    which = np.ones(len(state), bool) if which is None else which
    # a trace of people everywhere, so that there is something to expect of ages that nobody has on the first day
    here = built_in.mix * 1e-9
    there = which & year.here & (year.months >= 0)
    np.add.at(here, (year.cell[there], year.age[there], state[there]), 1)
    births = np.zeros((1, CELLS, 12, STATES))
    born = which & ~year.here & (year.months <= 0)
    np.add.at(births[0], (year.cell[born], np.clip(-year.months[born], 0, 11), state[born]), 1)
    return Cohort(here, births)


def expected_of(year: Year, built_in: Model) -> Numbers:
    """What the engines expect of a year's people a person-month, by group ``[age groups, cells, results]``."""
    out = expect(cohort_of(year, built_in), built_in, 1)[0]
    out = out.reshape(*GROUPS, len(RESULTS))
    return out / out[..., MONTHS : MONTHS + 1]


def grouped(year: Year, values: NDArray[np.generic]) -> Numbers:
    """Values of a year's entries added up by group, ``[age groups, cells]``."""
    out = np.zeros(GROUPS[0] * GROUPS[1])
    np.add.at(out, year.group, values)
    return out.reshape(GROUPS)


def static(year: Year, built_in: Model, stream: str) -> Numbers:
    """What is expected of each entry from the state on its first day, for a person of average burden."""
    state = completed(year, built_in)
    return built_in.rate[stream][year.cell, year.age, state] * year.exposure / 12


def _by_person(held: Sequence[Year], values: Sequence[Numbers]) -> Numbers:
    """Sums over years by person."""
    _, place = np.unique(np.concatenate([year.person for year in held]), return_inverse=True)
    return np.bincount(place, weights=np.concatenate(values)).astype(np.float64)


def dispersion_of(held: Sequence[Year], events: Sequence[Numbers], expected: Sequence[Numbers]) -> float:
    """Variance of sums over people by their mean, each person with all their years."""
    off = _by_person(held, [a - b for a, b in zip(events, expected, strict=True)])
    total = sum(float(one.sum()) for one in expected)
    # two digits are more than it is sure by, and no sum over people can be worked out of them
    return float(f"{(off**2).sum() / total:.2g}") if total > 0 else 1.0


def multipliers_of(held: Sequence[Year], expected: Sequence[Numbers], built_in: Model) -> dict[str, Multipliers]:
    """Multipliers of every quantity that the record tells."""
    people_years = sum((grouped(year, year.exposure) for year in held), np.zeros(GROUPS)) / 12
    found: dict[str, Multipliers] = {}
    for number, stream in enumerate(held[-1].streams):
        at = RESULTS.index(stream)
        observed = sum((grouped(year, year.events[number]) for year in held), np.zeros(GROUPS))
        thought = sum(
            (grouped(year, year.exposure) * each[..., at] for year, each in zip(held, expected, strict=True)),
            np.zeros(GROUPS),
        )
        first = multipliers(observed, thought, people_years, 1.0)
        each = scaled(held, [static(year, built_in, stream) for year in held], first.value * thought)
        dispersion = dispersion_of(held, [year.events[number].astype(float) for year in held], each)
        found[stream] = _releasable(observed, thought, people_years, max(dispersion, 1.0))
    dying = sum((grouped(year, year.died) for year in held), np.zeros(GROUPS))
    thought = sum(
        (grouped(year, year.exposure) * each[..., DEATHS] for year, each in zip(held, expected, strict=True)),
        np.zeros(GROUPS),
    )
    found["deaths"] = _releasable(dying, thought, people_years, 1.0)
    for number, (stream, count, cost) in enumerate(
        (("emergency", EMERGENCY, EMERGENCY_COST), ("elective", ELECTIVE, ELECTIVE_COST))
    ):
        costed = sum((grouped(year, year.costed[number]) for year in held), np.zeros(GROUPS))
        if not costed.sum():
            continue
        pence = sum((grouped(year, year.cost[number]) for year in held), np.zeros(GROUPS))
        each = sum((one[..., cost] / one[..., count] for one in expected), np.zeros(GROUPS))
        each = each / len(held)
        first = multipliers(pence, costed * each, people_years, 1.0)
        average = (first.value * each).ravel()
        paid = [average[year.group] * year.costed[number] for year in held]
        dispersion = dispersion_of(held, [year.cost[number].astype(float) for year in held], paid)
        shown, hidden = rounding.each(costed)
        sums = np.array([rounding.pounds(one) for one in pence.ravel()]).reshape(GROUPS)
        # of groups with so few admissions no cost is taken: what one costs is as expected with its age, sex and fifth
        sums = np.where(hidden, 0, sums).astype(np.float64)
        found[f"{stream}_cost"] = multipliers(sums, shown * each, people_years, dispersion, costed)
    return found


def _releasable(observed: Numbers, expected: Numbers, people_years: Numbers, dispersion: float) -> Multipliers:
    """Multipliers out of rounded events; the exact ones tell only which may be shown."""
    return multipliers(shown(observed, expected), expected, people_years, dispersion, observed)


def shown(observed: Numbers, expected: Numbers) -> Numbers:
    """Events by group out of rounded ones; what is expected, at the level of the whole, fills the small ones."""
    whole = float(observed.sum())
    if rounding.small(whole):
        return rounding.table(observed, expected)
    return rounding.table(observed, expected * rounding.rounded(whole) / max(float(expected.sum()), 1e-9))


def scaled(held: Sequence[Year], each: Sequence[Numbers], fitted: Numbers) -> list[Numbers]:
    """What is expected of entries, scaled so that each group has its fitted sum."""
    total = sum((grouped(year, one) for year, one in zip(held, each, strict=True)), np.zeros(GROUPS))
    factor = np.where(total > 0, fitted / np.where(total > 0, total, 1), 0).ravel()
    return [one * factor[year.group] for year, one in zip(held, each, strict=True)]
