"""The person engine: every person, every month, in whole numbers; the same for any number of threads and any chunking.

People are simulated one by one (Philox words for a person and a month), a practice in one task. Only what changes a
person's life or money much is drawn person by person: death, worsening, emergency and elective admissions, attendances.
The other streams are independent given a person's state, so their expected number is accumulated exactly and drawn once
for a practice and year (Rao and Blackwell's idea; :mod:`accord.simulation.person_engine` gives the exposure).

Every scenario of a pass meets the same draws. A month's first word decides what happens to a person: death at its very
top, morbidity from the bottom, frailty from a quarter, leaving from a half; so a changed hazard changes only the people
at its margin. A number of events is the whole part of its expectation plus one where the word lies below the rest.
"""

# what is compiled has numba's types, not Python's
# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numba as nb
import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray

from accord.simulation.draws import philox
from accord.simulation.model import STREAMS
from accord.simulation.people import AGES, BURDENS, CELLS, DEAD, STATES, People
from accord.simulation.results import (
    ATTENDANCES,
    CHRONICS,
    DAYS,
    DEATHS,
    ELECTIVE,
    ELECTIVE_COST,
    EMERGENCY,
    EMERGENCY_COST,
    GROUP_OF_AGE,
    GROUPS,
    LAZY,
    LAZY_AT,
    MONTHS,
    MOVES,
    RESULTS,
)
from accord.simulation.tables import CHRONIC, DEATH, DRAWN_FROM, FRAILER, LAZY_FROM, WORSE, YEARLY, Tables

BLOCK = 64
"""People whose draws are made together."""

N_LAZY = len(LAZY)

_GROUP_OF_AGE = GROUP_OF_AGE

LIFE, YEAR, ADMISSION, ARRIVAL = 0, 1, 2, 3
"""Purposes of draws: the last word of the counter. Admissions of one month take 2, 10, 18 …; elective ones 6, 14 …"""

QUARTER, HALF, TOP = np.uint32(1 << 30), np.uint32(1 << 31), np.uint32(0xFFFFFFFF)
"""Where in the range of a month's first word frailty, leaving and death are decided."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened.

    Attributes:
        counts: ``[scenarios, practices, years, GROUPS, RESULTS]`` int64.
        end: the state of each person at the end, ``[scenarios, people]`` uint8.
        burden: the level of lasting burden of who is there at the end, ``[scenarios, people]`` uint8.
    """

    counts: NDArray[np.int64]
    end: NDArray[np.uint8]
    burden: NDArray[np.uint8]

    def total(self, name: str) -> NDArray[np.int64]:
        """A result by scenario, practice and year, all groups together."""
        return self.counts[..., RESULTS.index(name)].sum(axis=-1)


def multipliers(scenarios: int, practices: int, years: int) -> NDArray[np.uint32]:
    """Multipliers that change nothing: ``[scenarios, practices, years, 2 + streams]``, 1 is ``1 << 16``.

    The first is of worsening, the second of the share of chronic admissions, then each stream in the order of
    ``STREAMS``.
    """
    return np.full((scenarios, practices, years, 2 + len(STREAMS)), 1 << 16, np.uint32)


def simulate(
    people: People,
    tables: Tables,
    years: int,
    seed: int,
    change: NDArray[np.uint32] | None = None,
    *,
    first_person: int = 0,
    first_year: int = 0,
    after: Outcome | None = None,
) -> Outcome:
    """Simulate a population for some years under one or more scenarios.

    Args:
        people: the population at the start of the first year; persons with a negative age are born later.
        tables: the model.
        years: how many years.
        seed: 64 bits; the same seed gives the same chance.
        change: multipliers by scenario, practice and year; none means one scenario that changes nothing.
        first_person: number of the first person, when ``people`` is a part of a larger population.
        first_year: number of the first year, when a run goes on.
        after: what happened before, when a run goes on: states and burdens are those of its end (``people.months``
            must be those of the first year of this call).
    """
    change = multipliers(1, people.practices, years) if change is None else change
    counts = np.zeros((len(change), people.practices, years, GROUPS, len(RESULTS)), np.int64)
    end = np.repeat(people.state[None, :], len(change), axis=0) if after is None else after.end.copy()
    burden = np.repeat(people.burden[None, :], len(change), axis=0) if after is None else after.burden.copy()
    _run(
        people.offsets,
        people.months,
        people.cell,
        burden,
        end,
        tables,
        change,
        counts,
        (np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)),
        np.uint64(first_person),
        np.int64(first_year),
    )
    return Outcome(counts, end, burden)


@nb.njit(inline="always")
def scaled(expected: int, factor: int) -> int:
    """An expected number times a multiplier."""
    return (uint64(expected) * uint64(factor)) >> uint64(16)


@nb.njit(inline="always")
def happening(expected: int, word: int) -> int:
    """How often something happens: the whole part, and once more where the word lies below the rest."""
    return int64(expected >> uint64(32)) + int64(word < uint32(expected))


@nb.njit(inline="always")
def _draw_months(words: Any, first: int, size: int, year: int, key: Any) -> None:
    """The words of every month of a year for a block of people, and in month 12 those of the whole year."""
    for month in range(12):
        for i in range(size):
            who = first + uint64(i)
            a, b, c, d = philox(
                uint32(who), uint32(who >> uint64(32)), uint32(year * 12 + month), uint32(LIFE), key[0], key[1]
            )
            words[0, month, i], words[1, month, i], words[2, month, i], words[3, month, i] = a, b, c, d
    for i in range(size):
        who = first + uint64(i)
        a, b, c, d = philox(uint32(who), uint32(who >> uint64(32)), uint32(year), uint32(YEAR), key[0], key[1])
        words[0, 12, i] = a


@nb.njit(inline="always")
def _count_months(words: Any, size: int, chance: Any, times: Any, changed: Any) -> None:
    """How often each stream's word lies below its chance in twelve months, and whether anything changes a life."""
    for i in range(size):
        times[0, i] = times[1, i] = times[2, i] = 0
        changed[i] = 0
    for month in range(12):
        for i in range(size):
            times[0, i] += uint32(words[2, month, i] < chance[0, i])
            times[1, i] += uint32(words[3, month, i] < chance[1, i])
            times[2, i] += uint32(words[1, month, i] < chance[2, i])
            word = words[0, month, i]
            changed[i] |= uint32(
                (word < chance[3, i])
                | (uint32(word - QUARTER) < chance[4, i])
                | (uint32(word - HALF) < chance[5, i])
                | (word > chance[6, i])
            )


@nb.njit(inline="always")
def _admissions(
    out: Any,
    expected: Any,
    words: Any,
    i: int,
    months: Any,
    who: int,
    when: int,
    chronic: int,
    kind: int,
    age: int,
    tables: Any,
    key: Any,
) -> None:
    """Draw every admission of some months: what it is for, how long, what it costs."""
    low, high = uint32(who), uint32(who >> uint64(32))
    month, stop = months
    for m in range(month, stop):
        for n in range(happening(expected[0, i], words[2, m, i])):
            a, b, c, _d = philox(low, high, uint32(when + m), uint32(ADMISSION + 8 * n), key[0], key[1])
            out[EMERGENCY] += 1
            out[CHRONICS] += int64(b < chronic)
            out[DAYS] += tables.stay[age, c & uint32(YEARLY - 1)]
            out[EMERGENCY_COST] += (
                tables.cost[0, kind, age] * int64(tables.cost_shape[0, age, a & uint32(YEARLY - 1)])
            ) >> 16
        for n in range(happening(expected[1, i], words[3, m, i])):
            a, b, c, _d = philox(low, high, uint32(when + m), uint32(ADMISSION + 8 * n + 4), key[0], key[1])
            out[ELECTIVE] += 1
            out[ELECTIVE_COST] += (
                tables.cost[1, kind, age] * int64(tables.cost_shape[1, age, a & uint32(YEARLY - 1)])
            ) >> 16


@nb.njit(inline="always")
def _expect(row: Any, own: int, factor: Any, expected: Any, chance: Any, i: int, move: int) -> None:
    """What a person's state makes of a month: expected numbers, and the chances that words are compared with."""
    expected[0, i] = scaled(scaled(row[DRAWN_FROM], own), factor[2])
    expected[1, i] = scaled(scaled(row[DRAWN_FROM + 1], own), factor[3])
    expected[2, i] = scaled(scaled(row[DRAWN_FROM + 2], own), factor[4])
    for stream in range(3):
        chance[stream, i] = uint32(expected[stream, i])
    chance[3, i] = uint32(scaled(row[WORSE], factor[0]))
    chance[4, i] = row[FRAILER]
    chance[5, i] = move
    chance[6, i] = TOP - row[DEATH]


@nb.njit(parallel=True, cache=True, boundscheck=False)
def _run(
    offsets: Any,
    months: Any,
    cell: Any,
    burden: Any,
    end: Any,
    tables: Any,
    change: Any,
    counts: Any,
    key: Any,
    first: Any,
    year0: Any,
) -> None:
    scenarios, practices, years, _, _ = counts.shape
    for practice in nb.prange(practices):
        words = np.empty((4, 13, BLOCK), np.uint32)
        expected = np.empty((3, BLOCK), np.uint64)
        chance = np.empty((7, BLOCK), np.uint32)
        times = np.empty((3, BLOCK), np.uint32)
        changed = np.empty(BLOCK, np.uint32)
        own = np.empty(BLOCK, np.uint64)
        ages = np.empty(BLOCK, np.int64)
        starts = np.empty(BLOCK, np.int64)
        last = offsets[practice + 1]
        for begin in range(offsets[practice], last, BLOCK):
            size = min(BLOCK, last - begin)
            for year in range(years):
                _draw_months(words, first + uint64(begin), size, year0 + year, key)
                for i in range(size):
                    born = int64(months[begin + i]) + 12 * year
                    ages[i] = min(max(born, 0) // 12, AGES - 1)
                    starts[i] = max(0, -born)
                for scenario in range(scenarios):
                    factor = change[scenario, practice, year]
                    state = end[scenario]
                    level = burden[scenario]
                    for i in range(size):
                        # the dead and the unborn are reckoned with anybody's chances, and passed over below
                        here = int64(state[begin + i]) & (STATES - 1)
                        row = tables.rows[(int64(cell[begin + i]) * AGES + ages[i]) * STATES + here]
                        own[i] = scaled(
                            tables.burden[level[begin + i]], tables.year[words[0, 12, i] & uint32(YEARLY - 1)]
                        )
                        _expect(row, own[i], factor, expected, chance, i, tables.move)
                    _count_months(words, size, chance, times, changed)
                    for i in range(size):
                        here = int64(state[begin + i])
                        if here == DEAD or starts[i] >= 12:
                            continue
                        age, kind, who = ages[i], int64(cell[begin + i]), first + uint64(begin + i)
                        when = (year0 + year) * 12
                        out = counts[scenario, practice, year, _GROUP_OF_AGE[age] * CELLS + kind]
                        row = tables.rows[(kind * AGES + age) * STATES + here]
                        chronic = uint32(min(scaled(row[CHRONIC], factor[1]), uint64(TOP)))
                        if changed[i] == 0 and starts[i] == 0:
                            # nothing changes this life within the year
                            out[MONTHS] += 12
                            out[ATTENDANCES] += int64(times[2, i]) + 12 * int64(expected[2, i] >> uint64(32))
                            if times[0, i] + times[1, i] + ((expected[0, i] | expected[1, i]) >> uint64(32)) > 0:
                                _admissions(
                                    out, expected, words, i, (0, 12), who, when, chronic, kind, age, tables, key
                                )  # fmt: skip
                            for n in range(N_LAZY):
                                out[LAZY_AT + n] += 12 * int64(
                                    scaled(scaled(row[LAZY_FROM + n], own[i]), factor[5 + n])
                                )
                            continue
                        month = starts[i]
                        while month < 12:
                            stop = month
                            word = uint32(0)
                            happened = False
                            while stop < 12 and not happened:
                                word = words[0, stop, i]
                                happened = (
                                    word < chance[3, i]
                                    or uint32(word - QUARTER) < chance[4, i]
                                    or uint32(word - HALF) < chance[5, i]
                                    or word > chance[6, i]
                                )
                                stop += 1
                            out[MONTHS] += stop - month
                            for m in range(month, stop):
                                out[ATTENDANCES] += happening(expected[2, i], words[1, m, i])
                            _admissions(
                                out, expected, words, i, (month, stop), who, when, chronic, kind, age, tables, key
                            )  # fmt: skip
                            for n in range(N_LAZY):
                                out[LAZY_AT + n] += (stop - month) * int64(
                                    scaled(scaled(row[LAZY_FROM + n], own[i]), factor[5 + n])
                                )
                            month = stop
                            if not happened:
                                break
                            if word > chance[6, i]:
                                out[DEATHS] += 1
                                here = DEAD
                                break
                            if word < chance[3, i]:
                                here += 4
                            elif uint32(word - QUARTER) < chance[4, i]:
                                here += 1
                            else:
                                # somebody of the same age, sex and fifth arrives in place of the one who left
                                out[MOVES] += 1
                                low, high = uint32(who), uint32(who >> uint64(32))
                                then = uint32(when + stop - 1)
                                a, b, _c, _d = philox(low, high, then, uint32(ARRIVAL), key[0], key[1])
                                here = 0
                                while here < STATES - 1 and a >= tables.mix[kind, age, here]:
                                    here += 1
                                level[begin + i] = b & uint32(BURDENS - 1)
                                own[i] = scaled(
                                    tables.burden[level[begin + i]], tables.year[words[0, 12, i] & uint32(YEARLY - 1)]
                                )
                            row = tables.rows[(kind * AGES + age) * STATES + here]
                            chronic = uint32(min(scaled(row[CHRONIC], factor[1]), uint64(TOP)))
                            _expect(row, own[i], factor, expected, chance, i, tables.move)
                        state[begin + i] = here
