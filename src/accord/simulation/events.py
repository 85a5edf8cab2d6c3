"""Events: the lives of the person engine written out one by one, for one scenario.

The same draws as :mod:`accord.simulation.person_engine`, person by person and month by month without any of its
shortcuts, so that the counts must equal the engine's exactly. Contacts that the engine does not draw for each person
are shared out: a practice's number of a year, drawn from its exact exposure, falls on person-months in proportion to
what was expected of them (a Poisson number split by a multinomial is the same as a Poisson number for each).
"""

# what is compiled has numba's types, not Python's
# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportIndexIssue=false

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray
from scipy import special

from accord.simulation.compiled import compiled
from accord.simulation.draws import ADMISSION, ARRIVAL, FREQUENT, HALF, LIFE, QUARTER, TOP, YEAR, philox, uniform, words
from accord.simulation.model import DRAWN
from accord.simulation.people import AGES, BURDENS, CELLS, DEAD, FRAILTY, STATES, People
from accord.simulation.person_engine import multipliers
from accord.simulation.results import GROUP_OF_AGE, GROUPS, LAZY, LAZY_AT
from accord.simulation.spells import expecting, happening, scaled
from accord.simulation.tables import CHRONIC, DEATH, DRAWN_FROM, FRAILER, LAZY_FROM, LAZY_ONE, WORSE, YEARLY, Tables

KINDS = ("attendance", "emergency", "elective", "death", "worse", "frailer", "move", *LAZY)
"""What an event is."""

ATTENDANCE, EMERGENCY, ELECTIVE, DIED, WORSENED, WEAKENED, MOVED = range(7)

DAYS = 28
"""Days of a month that events fall on, so that months of every length serve."""

N_LAZY, N_FRAILTY = len(LAZY), len(FRAILTY)


@dataclass(frozen=True, slots=True)
class Events:
    """Events in order of person and month.

    Attributes:
        person: number of the person in the population, int64.
        month: months since the start of the first year, int32.
        day: day of the month, 0 to 27, uint8 (a draw, so that months of every length serve).
        kind: place in ``KINDS``, uint8.
        chronic: whether an emergency admission is for a chronic ambulatory-care-sensitive condition.
        stay: days in hospital, int32.
        cost: pence, int64.
        state: state after a ``worse``, ``frailer`` or ``move``, uint8.
    """

    person: NDArray[np.int64]
    month: NDArray[np.int32]
    day: NDArray[np.uint8]
    kind: NDArray[np.uint8]
    chronic: NDArray[np.bool_]
    stay: NDArray[np.int32]
    cost: NDArray[np.int64]
    state: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.person)


def frequent(
    counts: NDArray[np.int64], seed: int, *, first_practice: int = 0, first_year: int = 0
) -> NDArray[np.int64]:
    """Numbers of frequent contacts ``[scenarios, practices, years, LAZY]``, drawn from the exposure in ``counts``.

    One Poisson number for a practice, year and stream, by inversion of one draw, so that scenarios share their chance
    and more exposure never means fewer contacts.
    """
    _, practices, years, _, _ = counts.shape
    expected = counts[..., LAZY_AT:].sum(axis=3) / LAZY_ONE
    place = np.indices((practices, years, len(LAZY))).reshape(3, -1)
    counters = np.stack(
        [place[0] + first_practice, place[1] + first_year, place[2], np.full(place.shape[1], FREQUENT)], axis=1
    )
    chance = uniform(counters, seed)[:, 0]
    chance = np.broadcast_to(chance.reshape(1, practices, years, len(LAZY)), expected.shape)
    return _poisson(chance, expected)


def _poisson(chance: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.int64]:
    """The least number that so much of a Poisson distribution lies at or below."""
    number = np.ceil(special.pdtrik(chance, expected))
    fewer = np.maximum(number - 1, 0)  # where the inverse is a hair too high
    return np.where(special.pdtr(fewer, expected) >= chance, fewer, number).astype(np.int64)


def events(
    people: People,
    tables: Tables,
    years: int,
    seed: int,
    change: NDArray[np.uint32] | None = None,
    *,
    first_person: int = 0,
    first_practice: int = 0,
    frequent_ones: Collection[str] = LAZY,
) -> Events:
    """Every event of a population under one scenario (``change`` as the engine's, with one scenario).

    Of the streams that are not drawn person by person, only ``frequent_ones`` are written out.

    A year of a thousand people takes about two megabytes while it is written: a large place is written practice by
    practice, each with the number of its first person and its own number.
    """
    change = multipliers(1, people.practices, years) if change is None else change
    key = (np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32))
    lives = (
        people.offsets,
        people.months,
        people.cell,
        people.burden,
        people.state,
        tables,
        change[0],
        key,
        np.uint64(first_person),
    )
    # once to count, once to write
    sizes = np.zeros((people.practices, 2), np.int64)
    _live(*lives, sizes, np.zeros((people.practices, 2), np.int64), _nothing(), np.empty((0, SPAN), np.int64))
    starts = np.concatenate([np.zeros((1, 2), np.int64), np.cumsum(sizes, axis=0)])
    found = np.empty((int(starts[-1, 0]), COLUMNS), np.int64)
    spans = np.empty((int(starts[-1, 1]), SPAN), np.int64)
    _live(*lives, sizes, starts[:-1], found, spans)
    rows = np.concatenate([found, _contacts(spans, people, change[0], seed, first_practice, frequent_ones)])
    rows = rows[np.lexsort((rows[:, 2], rows[:, 3], rows[:, 1], rows[:, 0]))]
    return Events(
        rows[:, 0],
        rows[:, 1].astype(np.int32),
        rows[:, 2].astype(np.uint8),
        rows[:, 3].astype(np.uint8),
        rows[:, 4].astype(np.bool_),
        rows[:, 5].astype(np.int32),
        rows[:, 6],
        rows[:, 7].astype(np.uint8),
    )


COLUMNS, SPAN = 8, 3 + N_LAZY
"""Columns of rows while they are written: those of ``Events``; and person, first month, months, then expectations."""


def _nothing() -> NDArray[np.int64]:
    return np.empty((0, COLUMNS), np.int64)


def _contacts(
    spans: NDArray[np.int64],
    people: People,
    change: NDArray[np.uint32],
    seed: int,
    first_practice: int,
    wanted: Collection[str],
) -> NDArray[np.int64]:
    """Frequent contacts, each on a person and month, as rows of events."""
    years = change.shape[1]
    practice = np.searchsorted(people.offsets, spans[:, 0], side="right") - 1
    year = spans[:, 1] // 12
    age = np.clip((people.months[spans[:, 0]].astype(np.int64) + 12 * year) // 12, 0, AGES - 1)
    group = GROUP_OF_AGE[age] * CELLS + people.cell[spans[:, 0]]
    exposure = np.zeros((1, people.practices, years, GROUPS, LAZY_AT + len(LAZY)), np.int64)
    weights = spans[:, 3 : 3 + len(LAZY)] * spans[:, 2:3]
    np.add.at(exposure[0, :, :, :, LAZY_AT:], (practice, year, group), weights)
    factor = change[:, :, 2 + len(DRAWN) :].astype(np.int64)
    exposure[0, :, :, :, LAZY_AT:] = (exposure[0, :, :, :, LAZY_AT:] * factor[:, :, None, :]) >> 16
    numbers = frequent(exposure, seed, first_practice=first_practice)[0]
    order = np.lexsort((np.arange(len(spans)), year, practice))
    bounds = np.searchsorted(practice[order] * years + year[order], np.arange(people.practices * years + 1))
    made: list[NDArray[np.int64]] = []
    for place in range(people.practices * years):
        here = order[bounds[place] : bounds[place + 1]]
        for stream in (n for n, name in enumerate(LAZY) if name in wanted):
            number = int(numbers[place // years, place % years, stream])
            if not number:
                continue
            counters = np.empty((number, 4), np.uint32)
            counters[:, 0] = np.arange(number)
            counters[:, 1], counters[:, 2] = first_practice + place // years, place % years
            counters[:, 3] = FREQUENT + 8 * (stream + 1)
            drawn = words(counters, seed)
            upto = np.cumsum(weights[here, stream])
            which = here[np.searchsorted(upto, _place(drawn[:, 0], drawn[:, 1], int(upto[-1])), side="right")]
            rows = np.zeros((number, COLUMNS), np.int64)
            rows[:, 0] = spans[which, 0]
            rows[:, 1] = spans[which, 1] + ((drawn[:, 2].astype(np.int64) * spans[which, 2]) >> 32)
            rows[:, 2] = (drawn[:, 3].astype(np.int64) * DAYS) >> 32
            rows[:, 3] = KINDS.index(LAZY[stream])
            made.append(rows)
    return np.concatenate([_nothing(), *made])


def _place(first: NDArray[np.uint32], second: NDArray[np.uint32], total: int) -> NDArray[np.int64]:
    """A whole number from 0 to below ``total`` by two words, in whole numbers."""
    shift = max(0, total.bit_length() - 32)
    coarse = (first.astype(np.uint64) * np.uint64(total >> shift)) >> np.uint64(32)
    fine = second.astype(np.uint64) >> np.uint64(32 - shift)
    return ((coarse << np.uint64(shift)) | fine).astype(np.int64)


@nb.njit(boundscheck=False)
def _put(rows: Any, at: int, when: Any, kind: int, what: Any, state: int) -> int:
    """Write a row where there is room for it (counting needs none); give the place of the next."""
    if at < len(rows):
        row = rows[at]
        row[0], row[1], row[2] = when
        row[3], row[7] = kind, state
        row[4], row[5], row[6] = what
    return at + 1


@nb.njit(boundscheck=False)
def _day(word: int) -> int:
    return int64((uint64(word) * uint64(DAYS)) >> uint64(32))


@compiled(boundscheck=False)
def _live(
    offsets: Any,
    months: Any,
    cell: Any,
    burden: Any,
    states: Any,
    tables: Any,
    change: Any,
    key: Any,
    first: Any,
    sizes: Any,
    starts: Any,
    found: Any,
    spans: Any,
) -> None:
    practices, years, _ = change.shape
    for practice in range(practices):
        at, span = starts[practice, 0], starts[practice, 1]
        for person in range(offsets[practice], offsets[practice + 1]):
            who = first + uint64(person)
            low, high = uint32(who), uint32(who >> uint64(32))
            state, level, kind = int64(states[person]), int64(burden[person]), int64(cell[person])
            for year in range(years):
                born = int64(months[person]) + 12 * year
                if born <= -12 or state == DEAD:
                    continue
                age = min(max(born, 0) // 12, AGES - 1)
                factor = change[practice, year]
                yearly, _b, _c, _d = philox(low, high, uint32(year), uint32(YEAR), key[0], key[1])
                for month in range(max(0, -born), 12):
                    now = year * 12 + month
                    row = tables.rows[(kind * AGES + age) * STATES + state]
                    own = scaled(tables.burden[level], tables.year[yearly & uint32(YEARLY - 1)])
                    life, attending, emergency, elective = philox(low, high, uint32(now), uint32(LIFE), key[0], key[1])
                    days = philox(low, high, uint32(now), uint32(ARRIVAL + 8), key[0], key[1])
                    if span < len(spans):
                        spans[span, 0], spans[span, 1], spans[span, 2] = person, now, 1
                        for n in range(N_LAZY):
                            spans[span, 3 + n] = scaled(row[LAZY_FROM + n], own)
                    span += 1
                    for n in range(happening(scaled(expecting(row[DRAWN_FROM + 2], own), factor[4]), attending)):
                        at = _put(found, at, (person, now, (_day(days[0]) + n) % DAYS), ATTENDANCE, (0, 0, 0), state)
                    chronic = uint32(min(scaled(row[CHRONIC], factor[1]), uint64(TOP)))
                    for n in range(happening(scaled(expecting(row[DRAWN_FROM], own), factor[2]), emergency)):
                        a, b, c, d = philox(low, high, uint32(now), uint32(ADMISSION + 8 * n), key[0], key[1])
                        stay = tables.stay[age, c & uint32(YEARLY - 1)]
                        shape = int64(tables.cost_shape[0, age, a & uint32(YEARLY - 1)])
                        cost = (tables.cost[0, kind, age] * shape) >> 16
                        at = _put(found, at, (person, now, _day(d)), EMERGENCY, (int64(b < chronic), stay, cost), state)
                    for n in range(happening(scaled(expecting(row[DRAWN_FROM + 1], own), factor[3]), elective)):
                        a, b, c, d = philox(low, high, uint32(now), uint32(ADMISSION + 8 * n + 4), key[0], key[1])
                        shape = int64(tables.cost_shape[1, age, a & uint32(YEARLY - 1)])
                        cost = (tables.cost[1, kind, age] * shape) >> 16
                        at = _put(found, at, (person, now, _day(d)), ELECTIVE, (0, 0, cost), state)
                    if life > TOP - row[DEATH]:
                        at = _put(found, at, (person, now, DAYS - 1), DIED, (0, 0, 0), DEAD)
                        state = DEAD
                        break
                    if life < uint32(scaled(row[WORSE], factor[0])):
                        state += N_FRAILTY
                        at = _put(found, at, (person, now, _day(days[1])), WORSENED, (0, 0, 0), state)
                    elif uint32(life - QUARTER) < row[FRAILER]:
                        state += 1
                        at = _put(found, at, (person, now, _day(days[1])), WEAKENED, (0, 0, 0), state)
                    elif uint32(life - HALF) < tables.move:
                        a, b, c, d = philox(low, high, uint32(now), uint32(ARRIVAL), key[0], key[1])
                        state = 0
                        while state < STATES - 1 and a >= tables.mix[kind, age, state]:
                            state += 1
                        level = int64(b & uint32(BURDENS - 1))
                        at = _put(found, at, (person, now, DAYS - 1), MOVED, (0, 0, 0), state)
        sizes[practice, 0], sizes[practice, 1] = at - starts[practice, 0], span - starts[practice, 1]
