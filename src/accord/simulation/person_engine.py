"""The person engine: every person, every month, in whole numbers; the same for any number of threads and any chunking.

People are simulated one by one (Philox words for a person and a month), pieces of some practices in one thread each.
Only what changes a person's life or money much is drawn person by person: death, worsening, emergency and elective
admissions, attendances. The other streams are independent given a person's state, so their expected number is
accumulated exactly and drawn once for a practice and year (Rao and Blackwell's idea; the counts give the exposure).

Every scenario of a pass meets the same draws. A month's first word decides what happens to a person: death at its very
top, morbidity from the bottom, frailty from a quarter, leaving from a half; so a changed hazard changes only the people
at its margin. A number of events is the whole part of its expectation plus one where the word lies below the rest.

The first scenario is lived by everybody. Of another only what may differ is reckoned: the year of those whose life
parts from that of the first, and the spells in which a word lies between the chances of the two (:mod:`.spells`).
"""

# what is compiled has numba's types, not Python's
# pyright: reportArgumentType=false, reportReturnType=false, reportCallIssue=false, reportAssignmentType=false

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numba as nb
import numpy as np
from numba import int64
from numpy.typing import NDArray

from accord.simulation.compiled import compiled
from accord.simulation.model import STREAMS
from accord.simulation.people import People
from accord.simulation.results import GROUPS, LAZY_AT, RESULTS
from accord.simulation.spells import (
    BLOCK,
    N_DRAWN,
    OF_STREAMS,
    PLACE,
    RELABELLING,
    Chance,
    Lists,
    choose_all,
    count,
    draw,
    gather,
    leave,
    live,
    new_block,
    part,
)
from accord.simulation.tables import ONE, Tables

WORTH_A_PIECE = 50_000
"""Person-years under a scenario that are worth a piece of their own: some milliseconds."""

PIECES = 8
"""Pieces for each thread at most: the last to end keeps the others waiting for a short while only."""


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
    return np.full((scenarios, practices, years, OF_STREAMS + len(STREAMS)), ONE, np.uint32)


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
    lists = Lists(people.months, people.cell, end, burden)
    key = (np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32))
    first = Chance(np.uint64(first_person), np.int64(first_year), key)

    def run(piece: tuple[int, int]) -> None:
        _run(*piece, people.offsets, lists, tables, change, counts, first)

    threads = nb.get_num_threads()
    many = min(PIECES * threads, len(people) * years * len(change) // WORTH_A_PIECE)
    pieces = list(pairwise(people.bounds(max(many, 1))))
    if threads == 1 or len(pieces) == 1:
        for piece in pieces:
            run(piece)
    else:
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(run, pieces))
    return Outcome(counts, end, burden)


@compiled(nogil=True, boundscheck=False)
def _run(start: int, stop: int, offsets: Any, lists: Any, tables: Any, change: Any, counts: Any, first: Any) -> None:
    """Every year of everybody of some practices, under every scenario."""
    scenarios, _, years, groups, results = counts.shape
    block, other = new_block(), new_block()
    add, take = int64(1), int64(-1)
    for practice in range(start, stop):
        last = offsets[practice + 1]
        for year in range(years):
            chance = Chance(first.first, first.year + year, first.key)
            factor = change[0, practice, year]
            share = factor[RELABELLING]
            for begin in range(offsets[practice], last, BLOCK):
                size = min(BLOCK, last - begin)
                for i in range(size):
                    block.people[PLACE, i] = begin + i
                draw(block.words, begin, size, chance)
                many = live(block, size, lists, int64(0), year, factor, tables, chance)
                choose_all(block.met, many)
                count(counts, int64(0), practice, year, block, block.met, many, add, share, tables, chance)
                for scenario in range(1, scenarios):
                    factors = change[scenario, practice, year]
                    theirs = factors[RELABELLING]
                    here, there = part(block, other, size, many, lists, scenario, factor, factors, tables.rows)
                    count(counts, scenario, practice, year, block, block.met, here, take, share, tables, chance)
                    count(counts, scenario, practice, year, block, other.met, there, add, theirs, tables, chance)
                    apart = gather(block, other, size)
                    lived = live(other, apart, lists, scenario, year, factors, tables, chance)
                    choose_all(other.met, lived)
                    count(counts, scenario, practice, year, other, other.met, lived, add, theirs, tables, chance)
                    leave(block, size, lists, scenario)
                    leave(other, apart, lists, scenario)
                leave(block, size, lists, int64(0))
        # the other scenarios were counted as differences from the first; frequent contacts before their multipliers
        for scenario in range(scenarios - 1, -1, -1):
            for year in range(years):
                for group in range(groups):
                    if scenario > 0:
                        for k in range(results):
                            counts[scenario, practice, year, group, k] += counts[0, practice, year, group, k]
                    for k in range(LAZY_AT, results):
                        times = change[scenario, practice, year, OF_STREAMS + N_DRAWN + k - LAZY_AT]
                        exposure = counts[scenario, practice, year, group, k]
                        counts[scenario, practice, year, group, k] = (exposure * int64(times)) >> 16
