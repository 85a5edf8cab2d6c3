"""Spells: a year of a block of people, cut into stretches of months that a person lives in one state.

The inner part of the person engine. People are taken in blocks, so that one thing is done for all of them before the
next: drawing their words, finding the months in which a life changes, cutting the year there into spells, finding the
months in which the words of a spell make something happen, counting. A set of months of a year is twelve bits. Each
step is a plain loop over a table with a column for each person or spell, which compilers turn into instructions for
many columns at once; only the few whose life changes, and the few who are admitted, are looked at one by one.

The first spell of the person in column ``i`` is spell ``i``; those after a change of life stand behind all of these.
"""

# what is compiled has numba's types, not Python's
# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportAssignmentType=false

from __future__ import annotations

from typing import Any, NamedTuple

import numba as nb
import numpy as np
from numba import int64, uint32, uint64

from accord.simulation.draws import ADMISSION, ARRIVAL, HALF, LIFE, QUARTER, TOP, YEAR, philox
from accord.simulation.model import DRAWN
from accord.simulation.people import AGES, BURDENS, CELLS, DEAD, FRAILTY, STATES
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
    LAZY,
    LAZY_AT,
    MONTHS,
    MOVES,
)
from accord.simulation.tables import CHRONIC, DEATH, DRAWN_FROM, FRAILER, LAZY_FROM, WORSE, YEARLY

BLOCK = 256
"""People of a block: enough that calling a step costs little, few enough that their words stay in fast memory."""

SPELLS = 12 * BLOCK
"""Spells of a block at most: nobody has more in a year than months."""

WORSENING, RELABELLING, OF_STREAMS = 0, 1, 2
"""Places of a scenario's multipliers: of worsening, of the share of chronic admissions, then of each stream."""

EMERGENCIES, ELECTIVES, CONTACTS = (DRAWN.index(stream) for stream in ("emergency", "elective", "attendances"))
N_DRAWN, N_LAZY, N_FRAILTY = len(DRAWN), len(LAZY), len(FRAILTY)

LIVES = N_DRAWN
"""Of a month's four words the first are of the drawn streams, in their order; the last is of the person's life."""

OF_THE_YEAR = 12
"""The words after those of the twelve months: the first is of the whole year."""

ALL_YEAR = 0xFFF
"""Every month of a year."""

# what is known of the people of a block: rows of a table
PLACE, CELL, AGE, GROUP, STATE, BURDEN, STATE_AFTER, BURDEN_AFTER, WORSENS, WEAKENS, DIES, CHANGES, PARTS = range(13)

# what is known of their spells
WHOSE, ROW, USE, LIVED, ENDING = range(5)

# what the words of their spells mean under a scenario: rows of another; of WHOLE and ONCE one row for each stream
LIMIT, WORSE_IN, OTHERWISE, CHOSEN, WHOLE, ONCE = 0, 1, 2, 3, 4, 4 + N_DRAWN

STAYED, DIED, MOVED = 0, 1, 2
"""How a spell ends."""

_GROUP_OF_AGE = GROUP_OF_AGE

# no step is called from Python; those that are a part of one loop are put into it
_step = nb.njit(boundscheck=False, no_cpython_wrapper=True, no_cfunc_wrapper=True)
_inlined = nb.njit(boundscheck=False, forceinline=True, no_cpython_wrapper=True, no_cfunc_wrapper=True)


class Block(NamedTuple):
    """The tables of a block (a tuple, because compiled code takes tuples of arrays as they are).

    Attributes:
        words: four words a month for each person, and one of the year, ``[4, 13, BLOCK]`` uint32.
        people: what is known of each person, ``[PARTS + 1, BLOCK]`` uint32.
        spells: what is known of each spell, ``[ENDING + 1, SPELLS]`` uint32.
        expected: numbers of a month that are expected of each drawn stream, before a scenario's multipliers,
            ``[N_DRAWN, SPELLS]`` uint64.
        met: what the words mean in each spell, ``[ONCE + N_DRAWN, SPELLS]`` uint32.
    """

    words: Any
    people: Any
    spells: Any
    expected: Any
    met: Any


class Lists(NamedTuple):
    """The people of the engine: months of age and cell of each, and state and burden under each scenario."""

    months: Any
    cell: Any
    state: Any
    burden: Any


class Chance(NamedTuple):
    """What the draws of a year are made from: the number of the first person, the year, the key."""

    first: Any
    year: Any
    key: Any


@_step
def new_block() -> Any:
    """Tables for a block, not filled yet."""
    return Block(
        np.empty((N_DRAWN + 1, OF_THE_YEAR + 1, BLOCK), np.uint32),
        np.empty((PARTS + 1, BLOCK), np.uint32),
        np.empty((ENDING + 1, SPELLS), np.uint32),
        np.empty((N_DRAWN, SPELLS), np.uint64),
        np.empty((ONCE + N_DRAWN, SPELLS), np.uint32),
    )


# -- whole numbers -----------------------------------------------------------------------------------------------------


@_inlined
def scaled(number: int, factor: int) -> int:
    """A number times a multiplier, of which 1 is ``tables.ONE``."""
    return (uint64(number) * uint64(factor)) >> uint64(16)


@_inlined
def expecting(number: int, use: int) -> int:
    """What is expected of somebody in a month, in parts of 2^32: of a row's number (``tables.DRAWN_ONE``) and a use."""
    return (uint64(number) * uint64(use)) >> uint64(12)


@_inlined
def happening(expected: int, word: int) -> int:
    """How often something happens: the whole part, and once more where the word lies below the rest."""
    return int64(expected >> uint64(32)) + int64(word < uint32(expected))


@_inlined
def _how_many(months: int) -> int:
    """How many months a set has (compilers know this way of counting bits and have one instruction for it)."""
    x = uint32(months)
    x = uint32(x - ((x >> uint32(1)) & uint32(0x55555555)))
    x = uint32((x & uint32(0x33333333)) + ((x >> uint32(2)) & uint32(0x33333333)))
    x = uint32((x + (x >> uint32(4))) & uint32(0x0F0F0F0F))
    return int64(uint32(x * uint32(0x01010101)) >> uint32(24))


@_inlined
def _earliest(months: int) -> int:
    """The first month of a set that has one: as many as the months before it."""
    x = uint32(months)
    return _how_many(uint32(~x & uint32(x - uint32(1))))


@_inlined
def _below(words: Any, which: int, i: int, limit: int) -> int:
    """Months in which one of a person's words lies below a limit."""
    found = uint32(0)
    for month in range(12):
        found |= uint32(words[which, month, i] < limit) << uint32(month)
    return found


@_inlined
def _changing(words: Any, i: int, worsens: int, weakens: int, moves: int, dies: int) -> int:
    """Months in which a person's word changes the life."""
    found = uint32(0)
    for month in range(12):
        word = words[LIVES, month, i]
        changes = (word < worsens) | (uint32(word - QUARTER) < weakens) | (uint32(word - HALF) < moves) | (word > dies)
        found |= uint32(changes) << uint32(month)
    return found


# -- the steps of a year -----------------------------------------------------------------------------------------------


@_step
def draw(words: Any, begin: int, size: int, chance: Any) -> None:
    """The words of a block of people, the first of them in place ``begin``: of every month, and of the year."""
    key = chance.key
    first = chance.first + uint64(begin)
    for month in range(12):
        now = uint32(chance.year * 12 + month)
        for i in range(size):
            who = first + uint64(i)
            life, contacts, emergencies, electives = philox(
                uint32(who), uint32(who >> uint64(32)), now, uint32(LIFE), key[0], key[1]
            )
            words[LIVES, month, i], words[CONTACTS, month, i] = life, contacts
            words[EMERGENCIES, month, i], words[ELECTIVES, month, i] = emergencies, electives
    for i in range(size):
        who = first + uint64(i)
        word, _b, _c, _d = philox(
            uint32(who), uint32(who >> uint64(32)), uint32(chance.year), uint32(YEAR), key[0], key[1]
        )
        words[0, OF_THE_YEAR, i] = word


@_step
def live(block: Any, size: int, lists: Any, scenario: int, year: int, factors: Any, tables: Any, chance: Any) -> int:
    """A year of the people in the ``PLACE``s of a block: its spells, and in which months what happens in them.

    Gives how many spells there are. ``year`` counts from that of ``lists.months``.
    """
    _enter(block, size, lists, scenario, year, factors[WORSENING], tables)
    spells = _cut(block, size, factors[WORSENING], tables, chance)
    for j in range(spells):
        row, use = block.spells[ROW, j], block.spells[USE, j]
        for stream in range(N_DRAWN):
            block.expected[stream, j] = expecting(tables.rows[row, DRAWN_FROM + stream], use)
    for stream in range(len(block.expected)):
        _meet(block, block.met, stream, size, spells, factors[OF_STREAMS + stream])
    return spells


@_inlined
def _enter(block: Any, size: int, lists: Any, scenario: int, year: int, worsening: int, tables: Any) -> None:
    """People as the year begins. The dead, and those who are born later, have a first spell of no months."""
    words, people, spells, rows = block.words, block.people, block.spells, tables.rows
    for i in range(size):
        place = people[PLACE, i]
        born = int64(lists.months[place]) + 12 * year
        age = min(max(born, 0) // 12, AGES - 1)
        cell, state, burden = int64(lists.cell[place]), lists.state[scenario, place], lists.burden[scenario, place]
        row = uint32((cell * AGES + age) * STATES) + (state & uint32(STATES - 1))
        people[CELL, i], people[AGE, i], people[GROUP, i] = cell, age, _GROUP_OF_AGE[age] * CELLS + cell
        people[STATE, i] = people[STATE_AFTER, i] = state
        people[BURDEN, i] = people[BURDEN_AFTER, i] = burden
        people[WORSENS, i] = scaled(rows[row, WORSE], worsening)
        people[WEAKENS, i] = rows[row, FRAILER]
        people[DIES, i] = TOP - rows[row, DEATH]
        spells[WHOSE, i], spells[ROW, i], spells[ENDING, i] = i, row, STAYED
        spells[USE, i] = _use(burden, words[0, OF_THE_YEAR, i], tables)
        spells[LIVED, i] = 0 if state == DEAD else (ALL_YEAR << min(max(0, -born), 12)) & ALL_YEAR


@_inlined
def _use(burden: int, word: int, tables: Any) -> int:
    """A person's multiplier of a year: the lasting burden times that of the year."""
    return scaled(tables.burden[burden], tables.year[word & uint32(YEARLY - 1)])


@_inlined
def _cut(block: Any, size: int, worsening: int, tables: Any, chance: Any) -> int:
    """Cut the year of everybody whose life changes into spells; gives how many spells there are in all."""
    words, people, spells, rows, chosen = block.words, block.people, block.spells, tables.rows, block.met
    for i in range(size):
        people[CHANGES, i] = spells[LIVED, i] & _changing(
            words, i, people[WORSENS, i], people[WEAKENS, i], tables.move, people[DIES, i]
        )
    changing = 0
    for i in range(size):
        chosen[CHOSEN, changing] = i
        changing += int64(people[CHANGES, i] != 0)
    many = size
    for n in range(changing):
        i = chosen[CHOSEN, n]
        j = uint64(i)
        cell, age, changes = people[CELL, i], people[AGE, i], people[CHANGES, i]
        worsens, weakens, dies = people[WORSENS, i], people[WEAKENS, i], people[DIES, i]
        state, burden = int64(people[STATE, i]), int64(people[BURDEN, i])
        while changes != 0:
            month = _earliest(changes)
            later = uint32(ALL_YEAR << (month + 1))
            rest = spells[LIVED, j] & later
            spells[LIVED, j] &= ~later
            word = words[LIVES, month, i]
            if word > dies:
                spells[ENDING, j] = DIED
                state = DEAD
                break
            if word < worsens:
                state += N_FRAILTY
            elif uint32(word - QUARTER) < weakens:
                state += 1
            else:
                # somebody of the same age, sex and fifth arrives in place of the one who left
                spells[ENDING, j] = MOVED
                who = chance.first + uint64(people[PLACE, i])
                low, high, now = uint32(who), uint32(who >> uint64(32)), uint32(chance.year * 12 + month)
                health, burdened, _c, _d = philox(low, high, now, uint32(ARRIVAL), chance.key[0], chance.key[1])
                state = 0
                for healthier in range(STATES - 1):
                    state += int64(health >= tables.mix[cell, age, healthier])
                burden = int64(burdened & uint32(BURDENS - 1))
            if rest == 0:
                break
            j = uint64(many)
            many += 1
            row = (cell * uint32(AGES) + age) * uint32(STATES) + uint32(state)
            spells[WHOSE, j], spells[ROW, j], spells[LIVED, j], spells[ENDING, j] = i, row, rest, STAYED
            spells[USE, j] = _use(burden, words[0, OF_THE_YEAR, i], tables)
            worsens, weakens = uint32(scaled(rows[row, WORSE], worsening)), rows[row, FRAILER]
            dies = TOP - rows[row, DEATH]
            changes = rest & _changing(words, i, worsens, weakens, tables.move, dies)
        people[STATE_AFTER, i], people[BURDEN_AFTER, i] = state, burden
    return many


@_inlined
def _meet(block: Any, met: Any, stream: int, size: int, many: int, factor: int) -> None:
    """In which months something of a stream happens, spell by spell, under a scenario's multiplier."""
    words, spells = block.words, block.spells
    for j in range(many):
        expected = scaled(block.expected[stream, j], factor)
        met[LIMIT, j], met[WHOLE + stream, j] = uint32(expected), uint32(expected >> uint64(32))
    for i in range(size):
        met[ONCE + stream, i] = _below(words, stream, i, met[LIMIT, i])
    for j in range(size, many):
        met[ONCE + stream, j] = _below(words, stream, spells[WHOSE, j], met[LIMIT, j])


@_step
def count(
    counts: Any,
    scenario: int,
    practice: int,
    year: int,
    block: Any,
    met: Any,
    many: int,
    sign: int,
    relabelling: int,
    tables: Any,
    chance: Any,
) -> None:
    """Add the first ``many`` of the ``CHOSEN`` spells to the counts, or take them out again (``sign``).

    ``met`` is what the words mean under the scenario by which is counted. Its chosen spells are used up.
    """
    people, spells, rows = block.people, block.spells, tables.rows
    admitted = 0
    for n in range(many):
        j = uint64(met[CHOSEN, n])
        lived, row, use, ending = spells[LIVED, j], spells[ROW, j], spells[USE, j], spells[ENDING, j]
        group = people[GROUP, spells[WHOSE, j]]
        months = sign * _how_many(lived)
        contacts = sign * _how_many(met[ONCE + CONTACTS, j] & lived) + int64(met[WHOLE + CONTACTS, j]) * months
        counts[scenario, practice, year, group, MONTHS] += months
        counts[scenario, practice, year, group, DEATHS] += sign * int64(ending == DIED)
        counts[scenario, practice, year, group, MOVES] += sign * int64(ending == MOVED)
        counts[scenario, practice, year, group, ATTENDANCES] += contacts
        for k in range(N_LAZY):
            lazy = int64(scaled(rows[row, LAZY_FROM + k], use)) * months
            counts[scenario, practice, year, group, LAZY_AT + k] += lazy
        once = (met[ONCE + EMERGENCIES, j] | met[ONCE + ELECTIVES, j]) & lived
        met[CHOSEN, admitted] = j
        admitted += int64((once | met[WHOLE + EMERGENCIES, j] | met[WHOLE + ELECTIVES, j]) != 0)
    for n in range(admitted):
        j = uint64(met[CHOSEN, n])
        i = spells[WHOSE, j]
        cell, age, group = people[CELL, i], people[AGE, i], people[GROUP, i]
        chronic = uint32(min(scaled(rows[spells[ROW, j], CHRONIC], relabelling), uint64(TOP)))
        who = chance.first + uint64(people[PLACE, i])
        low, high = uint32(who), uint32(who >> uint64(32))
        for stream in range(EMERGENCIES, ELECTIVES + 1):
            once, whole = met[ONCE + stream, j], met[WHOLE + stream, j]
            months = spells[LIVED, j] & (once if whole == 0 else uint32(ALL_YEAR))
            while months != 0:
                month = _earliest(months)
                months &= uint32(months - uint32(1))
                now = uint32(chance.year * 12 + month)
                for k in range(int64(whole) + int64((once >> uint32(month)) & uint32(1))):
                    purpose = uint32(ADMISSION + 8 * k + 4 * stream)
                    dear, cause, long, _d = philox(low, high, now, purpose, chance.key[0], chance.key[1])
                    shape = int64(tables.cost_shape[stream, age, dear & uint32(YEARLY - 1)])
                    cost = sign * ((tables.cost[stream, cell, age] * shape) >> 16)
                    if stream == EMERGENCIES:
                        days = tables.stay[age, long & uint32(YEARLY - 1)]
                        counts[scenario, practice, year, group, EMERGENCY] += sign
                        counts[scenario, practice, year, group, CHRONICS] += sign * int64(cause < chronic)
                        counts[scenario, practice, year, group, DAYS] += sign * days
                        counts[scenario, practice, year, group, EMERGENCY_COST] += cost
                    else:
                        counts[scenario, practice, year, group, ELECTIVE] += sign
                        counts[scenario, practice, year, group, ELECTIVE_COST] += cost


@_step
def choose_all(met: Any, many: int) -> None:
    """Choose every spell."""
    for j in range(many):
        met[CHOSEN, j] = j


# -- another scenario --------------------------------------------------------------------------------------------------


@_step
def part(
    block: Any, other: Any, size: int, many: int, lists: Any, scenario: int, factor: Any, factors: Any, rows: Any
) -> Any:
    """Who and what differs in a block between the first scenario, which was lived, and another.

    ``PARTS`` says whose life parts: who is in another state already, or has a word between the chances of worsening of
    the two. The spells of those, and the spells of others in which the words mean something else, are chosen in
    ``block.met``; what they mean to the other scenario is put into ``other.met``, where the spells of those who do not
    part are chosen. Gives how many are chosen in each.
    """
    people, spells, met, theirs = block.people, block.spells, block.met, other.met
    for i in range(size):
        place = people[PLACE, i]
        people[PARTS, i] = (lists.state[scenario, place] ^ people[STATE, i]) | (
            lists.burden[scenario, place] ^ people[BURDEN, i]
        )
    if factors[WORSENING] != factor[WORSENING]:
        _worsen(block, met, size, many, factor[WORSENING], rows)
        _worsen(block, theirs, size, many, factors[WORSENING], rows)
        for j in range(many):
            people[PARTS, spells[WHOSE, j]] |= (met[WORSE_IN, j] ^ theirs[WORSE_IN, j]) & spells[LIVED, j]
    relabelled = factors[RELABELLING] != factor[RELABELLING]
    for j in range(many):
        emergencies = (met[ONCE + EMERGENCIES, j] & spells[LIVED, j]) | met[WHOLE + EMERGENCIES, j]
        met[OTHERWISE, j] = emergencies if relabelled else 0
    for stream in range(len(block.expected)):
        if factors[OF_STREAMS + stream] == factor[OF_STREAMS + stream]:
            for j in range(many):
                theirs[WHOLE + stream, j], theirs[ONCE + stream, j] = met[WHOLE + stream, j], met[ONCE + stream, j]
        else:
            _meet(block, theirs, stream, size, many, factors[OF_STREAMS + stream])
            for j in range(many):
                once = (theirs[ONCE + stream, j] ^ met[ONCE + stream, j]) & spells[LIVED, j]
                met[OTHERWISE, j] |= once | (theirs[WHOLE + stream, j] ^ met[WHOLE + stream, j])
    here = int64(0)
    for j in range(many):
        met[CHOSEN, here] = j
        here += int64((met[OTHERWISE, j] | people[PARTS, spells[WHOSE, j]]) != 0)
    there = int64(0)
    for n in range(here):
        j = met[CHOSEN, n]
        theirs[CHOSEN, there] = j
        there += int64(people[PARTS, spells[WHOSE, j]] == 0)
    return here, there


@_inlined
def _worsen(block: Any, met: Any, size: int, many: int, worsening: int, rows: Any) -> None:
    """Months whose word would make a life worse, spell by spell."""
    words, spells = block.words, block.spells
    for j in range(many):
        met[LIMIT, j] = scaled(rows[spells[ROW, j], WORSE], worsening)
    for i in range(size):
        met[WORSE_IN, i] = _below(words, LIVES, i, met[LIMIT, i])
    for j in range(size, many):
        met[WORSE_IN, j] = _below(words, LIVES, spells[WHOSE, j], met[LIMIT, j])


@_step
def gather(block: Any, other: Any, size: int) -> int:
    """Put those whose life parts into a block of their own, with their words; gives how many they are."""
    people, theirs = block.people, other.people
    apart = int64(0)
    for i in range(size):
        theirs[PLACE, apart], theirs[CHANGES, apart] = people[PLACE, i], i
        apart += int64(people[PARTS, i] != 0)
    which, months, _ = other.words.shape
    for word in range(which):
        for month in range(months):
            for i in range(apart):
                other.words[word, month, i] = block.words[word, month, theirs[CHANGES, i]]
    return apart


@_step
def leave(block: Any, size: int, lists: Any, scenario: int) -> None:
    """Write down how everybody of a block is when the year ends, under a scenario."""
    people = block.people
    for i in range(size):
        place = people[PLACE, i]
        lists.state[scenario, place], lists.burden[scenario, place] = people[STATE_AFTER, i], people[BURDEN_AFTER, i]
