"""Conservation: people, months, events and pounds balance, from the engine to the inputs and payments of contracts."""

# pyarrow has no types of its own
# pyright: reportUnknownMemberType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accord.simulation import events as written
from accord.simulation import person_engine
from accord.simulation.cohort_engine import cohort, expect
from accord.simulation.counted import Counted, rates_of
from accord.simulation.feed import read_feed
from accord.simulation.filling import Bound
from accord.simulation.listing import COMPLEX, lists
from accord.simulation.partitions import Part
from accord.simulation.people import AGES, BANDS, CELLS, DEAD, People
from accord.simulation.person_engine import Outcome
from accord.simulation.practices import Practice
from accord.simulation.results import DEATHS, GROUP_OF_AGE, GROUPS, LAZY, MONTHS, RESULTS
from accord.simulation.validation.verification import YEARS, Check, Given, Numbers, Whole
from accord.simulation.worlds import inputs_of, settle_worlds
from accord.simulation.years import Years

if TYPE_CHECKING:
    import pyarrow as pa

WRITTEN = 20_000
"""People whose lives are written out one by one."""


def checks(made: Given) -> Iterator[Check]:
    """Every check of this kind."""
    yield from of_people(made)
    yield from of_contracts(made)


def of_people(made: Given) -> Iterator[Check]:
    """People, months and events."""
    people = made.people
    change = moved(people, made.seed)
    outcome = person_engine.simulate(people, made.tables, YEARS, made.seed, change)
    yield _people(people, outcome)
    yield _together(made, people)
    yield from _events(made)
    yield _listed(made, people, outcome)


def moved(people: People, seed: int) -> NDArray[np.uint32]:
    """Multipliers of two scenarios: nothing changed; everything by a half to double, other by practice and year."""
    change = person_engine.multipliers(2, people.practices, YEARS)
    random = np.random.Generator(np.random.Philox(key=seed))
    change[1] = np.rint(change[1] * np.exp2(random.uniform(-1, 1, change[1].shape))).astype(change.dtype)
    return change


def _by_cell(counts: Whole, result: int) -> Whole:
    """A result by cell: counts of one scenario ``[practices, years, GROUPS, RESULTS]``."""
    return counts[..., result].reshape(*counts.shape[:2], -1, CELLS).sum(axis=(0, 1, 2))


def _people(people: People, outcome: Outcome) -> Check:
    """People at the start, born and dead are those at the end, cell by cell, whoever moved in between."""
    cells = people.cell.astype(np.int64)
    born = (people.months < 0) & (people.months > -12 * YEARS)
    start = np.bincount(cells[people.months >= 0], minlength=CELLS)
    births = np.bincount(cells[born], minlength=CELLS)
    wrong: list[str] = []
    said = ""
    for scenario in range(len(outcome.counts)):
        alive = (outcome.end[scenario] != DEAD) & ((people.months >= 0) | born)
        there = np.bincount(cells[alive], minlength=CELLS)
        died = _by_cell(outcome.counts[scenario], DEATHS)
        wrong += [f"cell {cell}: {n}" for cell, n in enumerate(start + births - died - there) if n]
        said = said or f"{start.sum():,} + {births.sum():,} born − {died.sum():,} died = {there.sum():,}"
    return Check(
        "conservation",
        "people",
        "People at the start, and born, less those who died, are the people at the end, in each sex and fifth, under "
        "two scenarios: whoever leaves is replaced by one who arrives.",
        "no difference in any of 10 cells and 2 scenarios",
        f"{said}; " + (f"off by {', '.join(wrong[:4])}" if wrong else "no difference"),
        differs=bool(wrong),
    )


def _together(made: Given, people: People) -> Check:
    """The place as one practice has the sums of its practices."""
    apart = person_engine.simulate(people, made.tables, 1, made.seed).counts.sum(axis=1)
    whole = replace(people, offsets=np.array([0, len(people)], np.int64))
    one = person_engine.simulate(whole, made.tables, 1, made.seed).counts[:, 0]
    off = int((apart != one).sum())
    return Check(
        "conservation",
        "practices add up",
        "Counts and costs of practices add up to those of the place simulated as one practice, in every group.",
        f"{apart.size:,} sums without a difference",
        f"{off:,} differ" if off else "no difference",
        differs=off > 0,
    )


def _events(made: Given) -> Iterator[Check]:
    """Lives written out one by one hold each event and month that was counted, once."""
    practices = max(1, int(np.searchsorted(made.people.offsets, WRITTEN, side="right")) - 1)
    whole = made.people
    change = moved(whole, made.seed)[1:]
    first = Part(whole, YEARS, made.seed, change).cut([0, practices])[0]
    people, change = first.people, first.change
    counts = person_engine.simulate(people, made.tables, YEARS, made.seed, change).counts[0]
    lives = written.events(people, made.tables, YEARS, made.seed, change)
    practice = np.searchsorted(people.offsets, lives.person, side="right") - 1
    year = lives.month // 12
    age = np.clip((people.months[lives.person].astype(np.int64) + 12 * year) // 12, 0, AGES - 1)
    group = GROUP_OF_AGE[age] * CELLS + people.cell[lives.person].astype(np.int64)
    kind = {name: lives.kind == number for number, name in enumerate(written.KINDS)}

    def by_group(where: NDArray[np.bool_], values: Whole | None = None) -> Whole:
        out = np.zeros((people.practices, YEARS, GROUPS), np.int64)
        np.add.at(out, (practice[where], year[where], group[where]), 1 if values is None else values[where])
        return out

    told = {
        "attendances": by_group(kind["attendance"]),
        "emergency": by_group(kind["emergency"]),
        "chronic": by_group(lives.chronic),
        "elective": by_group(kind["elective"]),
        "deaths": by_group(kind["death"]),
        "moves": by_group(kind["move"]),
        "emergency_days": by_group(kind["emergency"], lives.stay.astype(np.int64)),
        "emergency_cost": by_group(kind["emergency"], lives.cost),
        "elective_cost": by_group(kind["elective"], lives.cost),
        "months": _months(people, lives, kind["death"]),
    }
    off = {name: int((mine != counts[..., RESULTS.index(name)]).sum()) for name, mine in told.items()}
    admitted = int(told["emergency"].sum() + told["elective"].sum())
    yield Check(
        "conservation",
        "events written out",
        "Every admission, attendance, death and move of a life written out month by month, each stay and each penny, "
        "is in the engine's counts exactly once, by practice, year and group.",
        f"{len(off)} results without a difference",
        f"{len(people):,} lives, {admitted:,} admissions; {_said({k: n for k, n in off.items() if k != 'months'})}",
        differs=any(n for name, n in off.items() if name != "months"),
    )
    lived = int(told["months"].sum())
    yield Check(
        "conservation",
        "months lived",
        "Person-months are the months from start or birth to end or death of each life: what rates are divided by.",
        f"{lived:,} months",
        f"{int(counts[..., MONTHS].sum()):,} months; {_said({'months': off['months']})}",
        differs=off["months"] > 0,
    )
    drawn = written.frequent(counts[None], made.seed)[0]
    frequent = {
        name: int((by_group(kind[name]).sum(axis=2) != drawn[..., number]).sum()) for number, name in enumerate(LAZY)
    }
    yield Check(
        "conservation",
        "contacts written out",
        "Contacts that are drawn for a practice and year fall on its people, every one of them, once.",
        f"{len(LAZY)} streams without a difference",
        f"{int(drawn.sum()):,} contacts; {_said(frequent)}",
        differs=any(frequent.values()),
    )


def _said(off: dict[str, int]) -> str:
    wrong = [f"{name} differs in {n:,} places" for name, n in off.items() if n]
    return ", ".join(wrong) or "no difference"


def _months(people: People, lives: written.Events, died: NDArray[np.bool_]) -> Whole:
    """Months lived by practice, year and group, from births and deaths alone."""
    last = np.full(len(people), 12 * YEARS)
    last[lives.person[died]] = lives.month[died] + 1
    born = np.maximum(-people.months.astype(np.int64), 0)
    practice = np.searchsorted(people.offsets, np.arange(len(people)), side="right") - 1
    out = np.zeros((people.practices, YEARS, GROUPS), np.int64)
    for year in range(YEARS):
        months = np.clip(np.minimum(last, 12 * year + 12) - np.maximum(born, 12 * year), 0, 12)
        age = np.clip((people.months.astype(np.int64) + 12 * year) // 12, 0, AGES - 1)
        group = GROUP_OF_AGE[age] * CELLS + people.cell
        np.add.at(out, (practice, np.full(len(people), year), group), months)
    return out


def _listed(made: Given, people: People, outcome: Outcome) -> Check:
    """Lists at the end of the years hold everybody who lives, once, and count who has complex multimorbidity."""
    listed, complex_people = lists(people, outcome.end, YEARS)
    alive = (outcome.end != DEAD) & (people.months.astype(np.int64) + 12 * YEARS >= 0)
    practice = np.searchsorted(people.offsets, np.arange(len(people)), side="right") - 1
    band = np.minimum((people.months.astype(np.int64) + 12 * YEARS) // 60, len(BANDS) - 1)
    mine, ill = np.zeros_like(listed), np.zeros_like(complex_people)
    for scenario, here in enumerate(alive):
        np.add.at(mine[scenario], (practice[here], people.cell[here], band[here]), 1)
        np.add.at(ill[scenario], practice[here & (outcome.end[scenario] >= COMPLEX)], 1)
    off = int((mine != listed).sum() + (ill != complex_people).sum())
    return Check(
        "conservation",
        "lists",
        "Lists of a day hold everybody who is alive and born on it, once, by practice, sex, fifth and age: what "
        "contracts pay by head for.",
        f"{int(mine.sum()):,} people",
        f"{int(listed.sum()):,} people; " + (f"{off:,} places differ" if off else "no difference"),
        differs=off > 0,
    )


# ----------------------------------------------------------------------------------------------------------- contracts


def worlds_of(made: Given, draws: int) -> Counted:
    """A year of the place in some draws, as worlds that contracts are settled in."""
    people = made.people
    listed, complex_people = lists(people, people.state[None], 0)
    counts = np.stack(
        [person_engine.simulate(people, made.tables, 1, made.seed + 1 + draw).counts[0] for draw in range(draws)]
    )
    contacts = np.stack([written.frequent(one[None], made.seed + 1 + draw)[0] for draw, one in enumerate(counts)])
    rates = rates_of(expect(cohort(people, 1), made.model, 1))
    return still(made.place.practices, counts, contacts, listed[0], complex_people[0], rates, made.seed)


def still(
    practices: Sequence[Practice],
    counts: Whole,
    contacts: Whole,
    listed: Whole,
    complex_people: Whole,
    rates: Numbers,
    seed: int,
) -> Counted:
    """A year in some draws in which nobody answers to anything: ``counts`` and ``contacts`` by draw, lists the same."""
    draws = len(counts)
    return Counted(
        years=Years(dt.date(2026, 4, 1), 1),
        practices=practices,
        counts=counts,
        contacts=contacts,
        lists=np.broadcast_to(listed[:, None], (draws, len(practices), 1, *listed.shape[1:])),
        complex=np.broadcast_to(complex_people[:, None], (draws, len(practices), 1)),
        rates=np.broadcast_to(rates, (draws, *rates.shape)),
        prices=np.ones((draws, 1)),
        draws=np.arange(draws),
        seed=seed,
        expected=np.ones((draws, 1)),
        moved=np.zeros((draws, 1)),
        taken_out=np.zeros((draws, 1)),
        found=np.ones((draws, 1)),
    )


def bind(name: str, worlds: int) -> Bound:
    """A contract of the library with its feed, in so many worlds."""
    from accord.settlement.calls import check
    from accord.settlement.catalogue import find

    file = find(name)
    contract = check(file)
    return Bound(name, contract, read_feed(Path(file).parent, contract), None, np.arange(worlds))


def of_contracts(made: Given) -> Iterator[Check]:
    """What contracts are given adds up to what was counted, and what one party pays another receives."""
    counted = worlds_of(made, 3)
    share, sums = bind("gain-share", 3), bind("gms-global-sum", 3)
    expected = (counted.result("emergency_cost") + counted.result("elective_cost")).sum(axis=(1, 2))
    inputs, which = inputs_of(share, counted)
    costs = inputs.tables["costs"]
    got = _per_world(costs.data, "cost", 10 ** (2 - costs.places["cost"]))[which]
    patients = counted.lists.sum(axis=(1, 2, 3, 4))
    inputs, which = inputs_of(sums, counted)
    lists_of = inputs.tables["lists"].data
    quarters = len(set(lists_of.column("quarter").to_pylist()))
    registered = _per_world(lists_of, "patients", 1)[which]
    off = [
        *(f"cost of world {w} by {a - b} pence" for w, (a, b) in enumerate(zip(got, expected, strict=True)) if a != b),
        *(
            f"patients of world {w} by {a - quarters * b}"
            for w, (a, b) in enumerate(zip(registered, patients, strict=True))
            if a != quarters * b
        ),
    ]
    yield Check(
        "conservation",
        "inputs of contracts",
        "Hospital cost and patients that worlds hand to contracts are those that were counted, to penny and person.",
        f"£{expected.sum() / 100:,.2f} and {int(patients.sum()):,} patients in {quarters} quarters, in 3 worlds",
        f"£{got.sum() / 100:,.2f} and {int(registered.sum()) // quarters:,} patients; "
        + (f"off: {', '.join(off[:3])}" if off else "no difference"),
        differs=bool(off),
    )
    money = settle_worlds([sums, share], counted).money
    sides: dict[tuple[int, str, str], list[int]] = {}
    names = ("world", "contract", "stream", "received", "paid")
    for world, contract, stream, received, paid in zip(*(money.column(n).to_pylist() for n in names), strict=True):
        both = sides.setdefault((world, contract, stream), [0, 0])
        both[0] += received
        both[1] += paid
    wrong = [f"{contract}, {stream}" for (_, contract, stream), (a, b) in sides.items() if a != b]
    total = sum(paid for _, paid in sides.values())
    yield Check(
        "conservation",
        "pounds paid are pounds received",
        "In every world, contract and stream, what parties pay is what parties receive, to the penny.",
        f"{len(sides)} streams without a difference",
        f"£{total / 100:,.2f} in {len(sides)} streams of 3 worlds; "
        + (f"off in {', '.join(wrong[:3])}" if wrong else "no difference"),
        differs=bool(wrong),
    )


def _per_world(table: pa.Table, column: str, times: int) -> Whole:
    world = np.asarray(table.column("world").to_pylist(), np.int64)
    values = np.asarray(table.column(column).to_pylist(), np.int64)
    out = np.zeros(int(world.max()) + 1, np.int64)
    np.add.at(out, world, values * times)
    return out
