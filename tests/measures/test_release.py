"""Release: what is withheld and rounded, and attacks on what was given: nobody finds a small count by subtracting."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.measures.release import Cell, Given, Leaves, Protection, protect, rules

scipy_optimize = pytest.importorskip("scipy.optimize", reason="the attack needs scipy (a tool of the tests)")

NEEDED = 4


def attack(known: Sequence[Given], leaves: Leaves, target: Cell) -> tuple[int, int]:
    """What an attacker with a linear program makes of a cell, who is told every shown value exactly."""
    keys = sorted(leaves.values)

    def row(cell: Cell) -> list[float]:
        strata = dict(cell.strata)
        out = []
        for organisation, time, values in keys:
            inside = organisation in cell.organisations
            inside = inside and (time == cell.time or (cell.time[0] <= time[0] and time[1] <= cell.time[1]))
            inside = inside and all(
                name not in strata or strata[name] == value for name, value in zip(leaves.strata, values, strict=True)
            )
            out.append(float(inside))
        return out

    shown = [one for one in known if not one.star]
    equal = np.array([row(one.cell) for one in shown]) if shown else None
    values = np.array([float(one.value) for one in shown]) if shown else None
    goal = np.array(row(target))
    found = []
    for sign in (1, -1):
        solved = scipy_optimize.linprog(sign * goal, A_eq=equal, b_eq=values, bounds=(0, None), method="highs")
        found.append(10**9 if solved.status == 3 else sign * solved.fun)
    return round(found[0]), round(found[1])


def tables(values: np.ndarray, groups: Sequence[int], totals: Sequence[bool]) -> tuple[list[Given], Leaves]:
    """Practices by period by stratum, with networks and totals as asked."""
    practices, periods, strata = values.shape
    names = [f"P{n}" for n in range(practices)]
    days = [(f"2025-{n + 1:02}-01", f"2025-{n + 1:02}-28") for n in range(periods)]
    leaves = {
        (names[p], days[t], (str(s),)): int(values[p, t, s])
        for p in range(practices)
        for t in range(periods)
        for s in range(strata)
    }
    places = [frozenset({name}) for name in names]
    if totals[0]:
        places += [frozenset(n for n, g in zip(names, groups, strict=True) if g == group) for group in set(groups)]
        places.append(frozenset(names))
    spans = [*days, *([(days[0][0], days[-1][1])] if totals[1] and periods > 1 else [])]
    kinds: list[tuple[tuple[str, str], ...]] = [(("s", str(s)),) for s in range(strata)]
    kinds += [()] if totals[2] and strata > 1 else []
    given: dict[Cell, Given] = {}
    for place in places:
        for span in spans:
            for kind in kinds:
                cell = Cell(place, span, kind)
                given.setdefault(cell, one_of(cell, leaves))
    return list(given.values()), Leaves(("s",), leaves)


def one_of(cell: Cell, leaves: dict) -> Given:
    """A cell with its value."""
    value = sum(
        each
        for (organisation, time, strata), each in leaves.items()
        if organisation in cell.organisations
        and cell.time[0] <= time[0]
        and time[1] <= cell.time[1]
        and all(value == strata[0] for _, value in cell.strata)
    )
    small = 1 <= value <= 7
    return Given(cell, value, star=small, sensitive=small, needed=NEEDED)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**9),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(1, 3),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_no_small_count_can_be_worked_out(
    seed: int, practices: int, periods: int, strata: int, totals: tuple[bool, bool, bool]
) -> None:
    """Whatever totals are given: at least five values stay possible in every small cell."""
    dice = random.Random(seed)
    values = np.array(
        [
            [[dice.choice([0, 1, 2, 3, 5, 7, 8, 9, 12, 30, 200]) for _ in range(strata)] for _ in range(periods)]
            for _ in range(practices)
        ]
    )
    known, leaves = tables(values, [n % 2 for n in range(practices)], totals)
    lost = Protection(known, leaves).protect()
    assert not lost
    for one in known:
        assert one.star or not one.sensitive
        if one.sensitive:
            low, high = attack(known, leaves, one.cell)
            assert high - low >= NEEDED, (one, low, high)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(2, 6), st.integers(2, 3), st.integers(1, 2))
def test_no_small_count_can_be_worked_out_from_two_releases(
    seed: int, practices: int, periods: int, strata: int
) -> None:
    """A year to date then its months, networks then practices, strata then totals: whatever was given before."""
    dice = random.Random(seed)
    sizes = [0, 1, 2, 3, 5, 7, 8, 9, 12, 30, 200]
    values = np.array([[[dice.choice(sizes) for _ in range(strata)] for _ in range(periods)] for _ in range(practices)])
    groups = [n % 2 for n in range(practices)]
    everything, leaves = tables(values, groups, (True, True, True))
    dice.shuffle(everything)
    cut = len(everything) // 2
    before, fresh = everything[:cut], everything[cut:]
    assert not protect(before, [], leaves, rules())
    for one in before:
        one.locked = True
    lost = protect(fresh, before, leaves, rules())
    if lost:  # refused as a whole: nothing of it leaves
        fresh = []
    known = [*before, *fresh]
    targets = {one.cell for one in everything if one.sensitive}
    for cell in targets:
        low, high = attack(known, leaves, cell)
        assert high - low >= NEEDED, (cell, low, high)
