"""On record: the people of a record on a day, as the engines hold them, with what the record does not tell drawn.

States that it does not tell are drawn from the model at a person's age and cell; lasting burdens from what the person
used before; births to come are made at the model's rate.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy import special

from accord.simulation import draws
from accord.simulation.model import Model
from accord.simulation.people import BURDENS, FIFTHS, FRAILTY, MORBIDITY, STATES, People
from accord.simulation.population import value
from accord.simulation.recorded import Year

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]


def uniform(persons: Whole, purpose: int, seed: int = 1) -> Numbers:
    """Four uniform draws for each person, by their pseudonym: the same whoever else is there."""
    counters = np.empty((len(persons), 4), np.uint32)
    counters[:, 0], counters[:, 1] = persons & 0xFFFFFFFF, persons >> 32
    counters[:, 2], counters[:, 3] = purpose, draws.RECORDED
    return draws.uniform(counters, seed)


def completed(year: Year, built_in: Model) -> Whole:
    """States of everybody, those that the record does not tell drawn from the model at the person's age and cell."""
    if year.told >= {"morbidity", "frailty"}:
        return year.state
    mix = built_in.mix[year.cell, year.age].reshape(-1, len(MORBIDITY), len(FRAILTY))
    draw = uniform(year.person, 1)
    morbidity, frailty = year.state // len(FRAILTY), year.state % len(FRAILTY)
    everybody = np.arange(len(morbidity))
    if "morbidity" not in year.told:
        given = mix[everybody, :, frailty] if "frailty" in year.told else mix.sum(axis=2)
        morbidity = _drawn(given, draw[:, 0])
    if "frailty" not in year.told:
        frailty = _drawn(mix[everybody, morbidity], draw[:, 1])
    return morbidity * len(FRAILTY) + frailty


def _drawn(weights: Numbers, chance: Numbers) -> Whole:
    upto = np.cumsum(weights, axis=1)
    upto /= np.maximum(upto[:, -1:], 1e-300)
    return np.minimum((chance[:, None] >= upto).sum(axis=1), weights.shape[1] - 1)


BY_REGISTERS = (
    "multimorbidity is what the record's registers have: two conditions or more of the list qof-registers, complex "
    "with three or more of three body systems or more. The built-in model counts by far more conditions (Head et al. "
    "2021), so its numbers are of another thing and cannot be compared"
)
"""What multimorbidity is where a record tells it."""


@dataclass(frozen=True, slots=True)
class History:
    """What is known of people's own use before a day: counted and expected, by pseudonym, in order."""

    person: Whole
    counted: Numbers
    expected: Numbers


@dataclass(frozen=True, slots=True)
class There:
    """People of a record on a day: as the engines hold them, the codes of their practices, and who they are."""

    people: People
    practices: tuple[str, ...]
    persons: Whole
    notes: tuple[str, ...] = field(default=())


def people_on(year: Year, built_in: Model, history: History | None = None, births: int = 0) -> There:
    """The people registered on the first day of a year.

    Args:
        year: the year from the record.
        built_in: the model, for what the record does not tell.
        history: what they used before, from which their lasting burden is drawn: the gamma distribution that the
            burdens of everybody have, after having seen a person's own events (a gamma-Poisson posterior). Without it
            burdens are drawn from that of everybody.
        births: years for which births to come are made, at the model's births a woman of 15 to 44.
    """
    state = completed(year, built_in)
    order = np.flatnonzero(year.here & (year.months >= 0))
    practice = year.practice[order]
    number = np.unique(practice)
    burden = burdens(year.person[order], built_in, history)
    parts: list[tuple[Whole, Whole, Whole, Whole]] = []
    sizes = [0]
    for one in number.tolist():
        here = order[practice == one]
        level = burden[practice == one]
        months, cell, states = year.months[here], year.cell[here], state[here]
        coming = _births(year.practices[one], months, cell, births, built_in)
        parts.append(
            (
                np.concatenate([months, coming[0]]),
                np.concatenate([cell, coming[1]]),
                np.concatenate([states, coming[2]]),
                np.concatenate([level, coming[3]]),
            )
        )
        sizes.append(len(parts[-1][0]))
    whole = [np.concatenate([part[i] for part in parts]) for i in range(4)]
    people = People(
        np.cumsum(sizes).astype(np.int64),
        whole[0].astype(np.int16),
        whole[1].astype(np.uint8),
        whole[2].astype(np.uint8),
        whole[3].astype(np.uint8),
    )
    return There(people, tuple(year.practices[one] for one in number.tolist()), year.person[order], year.notes)


def burdens(persons: Whole, built_in: Model, history: History | None) -> Whole:
    """Levels of lasting burden, drawn for each person."""
    shape, yearly = built_in.value("burden_shape"), built_in.value("year_shape")
    chance = uniform(persons, 2)[:, 0]
    if history is None:
        return (chance * BURDENS).astype(np.int64)
    place = np.searchsorted(history.person, persons)
    known = place < len(history.person)
    known[known] = history.person[place[known]] == persons[known]
    seen, expected = np.zeros(len(persons)), np.zeros(len(persons))
    seen[known], expected[known] = history.counted[place[known]], history.expected[place[known]]
    # a year's own burden makes a person's events say less about the lasting one
    weight = 1 / (1 + expected * (1 + 1 / shape) / yearly)
    after, rate = shape + weight * seen, shape + weight * expected
    drawn = special.gammaincinv(after, chance) / rate
    return np.minimum((special.gammainc(shape, drawn * shape) * BURDENS).astype(np.int64), BURDENS - 1)


def _births(
    practice: str, months: Whole, cell: Whole, years: int, built_in: Model
) -> tuple[Whole, Whole, Whole, Whole]:
    """Births to come in a practice: as many as its women of 15 to 44 have, of their fifths, spread over the months."""
    age = months // 12
    women = (cell < FIFTHS) & (age >= 15) & (age <= 44)
    most = round(float(women.sum()) * built_in.value("births_per_woman") * years)
    if not most:
        nobody = np.zeros(0, np.int64)
        return nobody, nobody, nobody, nobody
    seed = int.from_bytes(practice.encode()[-6:].rjust(8, b"\0"), "big")
    draw = uniform(np.arange(most), 3, seed)
    fifth = np.sort(cell[women])[(draw[:, 0] * women.sum()).astype(np.int64)]
    male = (draw[:, 1] < value("births_male")).astype(np.int64)
    born = -(1 + np.arange(most) * (12 * years - 1) // most)
    state = _drawn(built_in.mix[fifth + FIFTHS * male, 0], draw[:, 2])
    assert int(state.max(initial=0)) < STATES
    return born, fifth + FIFTHS * male, state, (draw[:, 3] * BURDENS).astype(np.int64)
