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
# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportAssignmentType=false

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

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
    LAZY_AT,
    MONTHS,
    MOVES,
    RESULTS,
)
from accord.simulation.tables import CHRONIC, DEATH, DRAWN_FROM, FRAILER, LAZY_FROM, WORSE, YEARLY, Tables

BLOCK = 64
"""People whose draws are made together."""

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


class _Block(NamedTuple):
    """What is known of a block of people while a year of theirs is simulated; every array has a place for each."""

    words: Any
    """The four words of each month ``[4, 13, BLOCK]``; of the thirteenth only the first is used, for the whole year."""
    expected: Any
    """Expected numbers of a month of emergencies, electives and attendances, ``[3, BLOCK]``."""
    chance: Any
    """What words are compared with, ``[7, BLOCK]``: those three, worsening, frailty, leaving; death from the top."""
    times: Any
    """Months in which each of the three happened, ``[3, BLOCK]``."""
    changed: Any
    """Whether anything changes the life within the year."""
    own: Any
    """Multiplier of the person's use in this year."""
    ages: Any
    starts: Any
    """The month of birth of those born in the year; 0 for those here at its start, 12 and over for those born later."""


@nb.njit(boundscheck=False)
def _block() -> Any:
    return _Block(
        np.empty((4, 13, BLOCK), np.uint32),
        np.empty((3, BLOCK), np.uint64),
        np.empty((7, BLOCK), np.uint32),
        np.empty((3, BLOCK), np.uint32),
        np.empty(BLOCK, np.uint32),
        np.empty(BLOCK, np.uint64),
        np.empty(BLOCK, np.int64),
        np.empty(BLOCK, np.int64),
    )


@nb.njit(boundscheck=False)
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


@nb.njit(boundscheck=False)
def _count_months(block: Any, size: int) -> None:
    """How often each stream's word lies below its chance in twelve months, and whether anything changes a life."""
    words, chance, times, changed = block.words, block.chance, block.times, block.changed
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


@nb.njit(boundscheck=False)
def _find_differences(words: Any, size: int, one: Any, other: Any, differs: Any) -> None:
    """Whose year could differ between two scenarios: a word lies between their chances, or they differ already."""
    for month in range(12):
        for i in range(size):
            differs[i] |= uint32(
                ((words[2, month, i] < one[0, i]) != (words[2, month, i] < other[0, i]))
                | ((words[3, month, i] < one[1, i]) != (words[3, month, i] < other[1, i]))
                | ((words[1, month, i] < one[2, i]) != (words[1, month, i] < other[2, i]))
                | ((words[0, month, i] < one[3, i]) != (words[0, month, i] < other[3, i]))
            )


@nb.njit(inline="always")
def _admissions(
    out: Any, block: Any, i: int, months: Any, who: int, when: int, chronic: int, kind: int, tables: Any, key: Any
) -> None:
    """Draw every admission of some months: what it is for, how long, what it costs."""
    low, high = uint32(who), uint32(who >> uint64(32))
    age = block.ages[i]
    month, stop = months
    for m in range(month, stop):
        for n in range(happening(block.expected[0, i], block.words[2, m, i])):
            a, b, c, _d = philox(low, high, uint32(when + m), uint32(ADMISSION + 8 * n), key[0], key[1])
            out[EMERGENCY] += 1
            out[CHRONICS] += int64(b < chronic)
            out[DAYS] += tables.stay[age, c & uint32(YEARLY - 1)]
            out[EMERGENCY_COST] += (
                tables.cost[0, kind, age] * int64(tables.cost_shape[0, age, a & uint32(YEARLY - 1)])
            ) >> 16
        for n in range(happening(block.expected[1, i], block.words[3, m, i])):
            a, b, c, _d = philox(low, high, uint32(when + m), uint32(ADMISSION + 8 * n + 4), key[0], key[1])
            out[ELECTIVE] += 1
            out[ELECTIVE_COST] += (
                tables.cost[1, kind, age] * int64(tables.cost_shape[1, age, a & uint32(YEARLY - 1)])
            ) >> 16


@nb.njit(inline="always")
def _expect(block: Any, i: int, row: Any, level: int, factor: Any, tables: Any) -> None:
    """What a person's state makes of a month: expected numbers, and the chances that words are compared with."""
    own = scaled(tables.burden[level], tables.year[block.words[0, 12, i] & uint32(YEARLY - 1)])
    block.own[i] = own
    for stream in range(3):
        expected = scaled(scaled(row[DRAWN_FROM + stream], own), factor[2 + stream])
        block.expected[stream, i] = expected
        block.chance[stream, i] = uint32(expected)
    block.chance[3, i] = uint32(scaled(row[WORSE], factor[0]))
    block.chance[4, i] = row[FRAILER]
    block.chance[5, i] = tables.move
    block.chance[6, i] = TOP - row[DEATH]


@nb.njit(inline="always")
def _exposure(out: Any, row: Any, own: int, months: int) -> None:
    """Add what is expected of the streams that are not drawn for each person, before any multiplier."""
    for n in range(len(out) - LAZY_AT):
        out[LAZY_AT + n] += int64(scaled(row[LAZY_FROM + n], own)) * months


@nb.njit(boundscheck=False)
def _year(
    out: Any,
    block: Any,
    i: int,
    who: int,
    when: int,
    kind: int,
    here: int,
    level: int,
    factor: Any,
    tables: Any,
    key: Any,
) -> Any:
    """One year of one person, added to ``out``; gives the state and the level of burden at its end."""
    words, chance = block.words, block.chance
    row = tables.rows[(kind * AGES + block.ages[i]) * STATES + here]
    chronic = uint32(min(scaled(row[CHRONIC], factor[1]), uint64(TOP)))
    month = block.starts[i]
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
            out[ATTENDANCES] += happening(block.expected[2, i], words[1, m, i])
        _admissions(out, block, i, (month, stop), who, when, chronic, kind, tables, key)
        _exposure(out, row, block.own[i], stop - month)
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
            low, high, then = uint32(who), uint32(who >> uint64(32)), uint32(when + stop - 1)
            a, b, _c, _d = philox(low, high, then, uint32(ARRIVAL), key[0], key[1])
            here = 0
            while here < STATES - 1 and a >= tables.mix[kind, block.ages[i], here]:
                here += 1
            level = int64(b & uint32(BURDENS - 1))
        row = tables.rows[(kind * AGES + block.ages[i]) * STATES + here]
        chronic = uint32(min(scaled(row[CHRONIC], factor[1]), uint64(TOP)))
        _expect(block, i, row, level, factor, tables)
    return here, level


@nb.njit(inline="always")
def _quiet_year(
    out: Any, block: Any, i: int, who: int, when: int, kind: int, here: int, factor: Any, tables: Any, key: Any
) -> None:
    """A year in which nothing changes a life that is there from its start, added to ``out``."""
    row = tables.rows[(kind * AGES + block.ages[i]) * STATES + here]
    expected, times = block.expected, block.times
    out[MONTHS] += 12
    out[ATTENDANCES] += int64(times[2, i]) + 12 * int64(expected[2, i] >> uint64(32))
    if times[0, i] + times[1, i] + ((expected[0, i] | expected[1, i]) >> uint64(32)) > 0:
        chronic = uint32(min(scaled(row[CHRONIC], factor[1]), uint64(TOP)))
        _admissions(out, block, i, (0, 12), who, when, chronic, kind, tables, key)
    _exposure(out, row, block.own[i], 12)


@nb.njit(boundscheck=False)
def _practice(
    practice: int,
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
    """Every year of every person of a practice, under every scenario.

    The first scenario is lived by everybody. Another is lived only by those who may differ: whose state differs
    already, whose life changes in the year, or who have a word between the chances of the two; the rest is as before.
    """
    scenarios, _, years, groups, results = counts.shape
    base, block = _block(), _block()
    differs = np.empty(BLOCK, np.uint32)
    chance = np.empty((7, BLOCK), np.uint32)
    whole = np.empty((3, BLOCK), np.uint32)
    mine = np.empty((BLOCK, results), np.int64)
    theirs = np.empty(results, np.int64)
    before = np.empty((2, BLOCK), np.int64)
    last = offsets[practice + 1]
    for begin in range(offsets[practice], last, BLOCK):
        size = min(BLOCK, last - begin)
        for year in range(years):
            when = (year0 + year) * 12
            factor = change[0, practice, year]
            state, level = end[0], burden[0]
            _draw_months(base.words, first + uint64(begin), size, year0 + year, key)
            for i in range(size):
                born = int64(months[begin + i]) + 12 * year
                base.ages[i] = min(max(born, 0) // 12, AGES - 1)
                base.starts[i] = max(0, -born)
                before[0, i], before[1, i] = int64(state[begin + i]), int64(level[begin + i])
                # the dead and the unborn are reckoned with anybody's chances, and passed over below
                row = tables.rows[(int64(cell[begin + i]) * AGES + base.ages[i]) * STATES + (before[0, i] & 15)]
                _expect(base, i, row, before[1, i], factor, tables)
            if scenarios > 1:
                # what the first scenario expects at the start of the year, before lives change in it
                chance[:] = base.chance
                whole[:] = base.expected >> uint64(32)
            _count_months(base, size)
            for i in range(size):
                here = before[0, i]
                if here == DEAD or base.starts[i] >= 12:
                    continue
                kind, who = int64(cell[begin + i]), first + uint64(begin + i)
                total = counts[0, practice, year, _GROUP_OF_AGE[base.ages[i]] * CELLS + kind]
                out = total
                if scenarios > 1:
                    out = mine[i]
                    out[:] = 0
                if base.changed[i] == 0 and base.starts[i] == 0:
                    _quiet_year(out, base, i, who, when, kind, here, factor, tables, key)
                else:
                    state[begin + i], level[begin + i] = _year(
                        out, base, i, who, when, kind, here, before[1, i], factor, tables, key
                    )
                if scenarios > 1:
                    for k in range(results):
                        total[k] += out[k]
            if scenarios > 1:
                block.words[:] = base.words
                block.ages[:] = base.ages
                block.starts[:] = base.starts
            for scenario in range(1, scenarios):
                theirs_factor = change[scenario, practice, year]
                relabelled = theirs_factor[1] != factor[1]
                another = False
                for k in range(5):
                    another = another or theirs_factor[k] != factor[k]
                for i in range(size):
                    here, there = int64(end[scenario, begin + i]), int64(burden[scenario, begin + i])
                    row = tables.rows[(int64(cell[begin + i]) * AGES + base.ages[i]) * STATES + (here & 15)]
                    _expect(block, i, row, there, theirs_factor, tables)
                    differs[i] = uint32(
                        (here != before[0, i])
                        | (there != before[1, i])
                        | (relabelled & (base.times[0, i] > 0))
                        # after a change of life the two may part anywhere
                        | (another & ((base.changed[i] > 0) | (base.starts[i] > 0)))
                        | (whole[0, i] != uint32(block.expected[0, i] >> uint64(32)))
                        | (whole[1, i] != uint32(block.expected[1, i] >> uint64(32)))
                        | (whole[2, i] != uint32(block.expected[2, i] >> uint64(32)))
                    )
                _find_differences(base.words, size, chance, block.chance, differs)
                for i in range(size):
                    if base.starts[i] >= 12:
                        continue
                    if differs[i] == 0:
                        end[scenario, begin + i], burden[scenario, begin + i] = state[begin + i], level[begin + i]
                        continue
                    kind, who = int64(cell[begin + i]), first + uint64(begin + i)
                    total = counts[scenario, practice, year, _GROUP_OF_AGE[base.ages[i]] * CELLS + kind]
                    if before[0, i] != DEAD:
                        for k in range(results):
                            total[k] -= mine[i, k]
                    here = int64(end[scenario, begin + i])
                    if here == DEAD:
                        continue
                    theirs[:] = 0
                    there = int64(burden[scenario, begin + i])
                    end[scenario, begin + i], burden[scenario, begin + i] = _year(
                        theirs, block, i, who, when, kind, here, there, theirs_factor, tables, key
                    )
                    for k in range(results):
                        total[k] += theirs[k]
    # the other scenarios were counted as differences from the first; frequent contacts before their multipliers
    for scenario in range(scenarios - 1, -1, -1):
        for year in range(years):
            for group in range(groups):
                total = counts[scenario, practice, year, group]
                if scenario > 0:
                    for k in range(results):
                        total[k] += counts[0, practice, year, group, k]
                for n in range(results - LAZY_AT):
                    total[LAZY_AT + n] = (total[LAZY_AT + n] * int64(change[scenario, practice, year, 5 + n])) >> 16


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
    for practice in nb.prange(counts.shape[1]):
        _practice(practice, offsets, months, cell, burden, end, tables, change, counts, key, first, year0)
