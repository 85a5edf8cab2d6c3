"""Luck: how often a gain share pays, or charges, where nothing at all was done, by the size of the population.

Neighbourhoods of 5,000, 50,000 and 500,000 people are cut from the same made people, in the same draws. Nothing
changes in any of them, so whatever is paid is luck. A second column has the years that move everybody together: that
noise does not get smaller with size.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from accord.language.contract import Contract
from accord.place.place import OwnPractice
from accord.simulation import person_engine
from accord.simulation.cohort_engine import cohort, expect
from accord.simulation.feed import Feed, read_feed
from accord.simulation.listing import lists
from accord.simulation.model import Model, model
from accord.simulation.people import AGES, BURDENS, People
from accord.simulation.results import LAZY
from accord.simulation.system import noise, seed_of
from accord.simulation.tables import tables
from accord.simulation.worlds import Bound, Counted, Years, rates_of, settle_worlds

SMALLEST = 5_000
SIZES = (5_000, 50_000, 500_000)
"""Sizes of neighbourhoods."""


@dataclass(frozen=True, slots=True)
class Luck:
    """How often there was a bonus or a penalty with no true effect.

    Attributes:
        size: people of a neighbourhood.
        together: whether years that move everybody together were in it.
        tried: neighbourhoods times draws.
        paid, charged: in how many something was paid, or owed.
        spread: standard deviation of the saving, as a share of what was expected.
        per_person: pounds a person and year that were paid on average, whoever got nothing included.
    """

    size: int
    together: bool
    tried: int
    paid: int
    charged: int
    spread: float
    per_person: float

    @property
    def chance(self) -> float:
        """The chance of a bonus."""
        return self.paid / self.tried

    @property
    def chance_of_penalty(self) -> float:
        """The chance of a penalty."""
        return self.charged / self.tried


def luck(
    *, draws: int = 40, seed: int = 1, contract: str = "gain-share", starts: dt.date = dt.date(2026, 4, 1),
    sizes: tuple[int, ...] = SIZES, two_sided: bool = True,
) -> tuple[Luck, ...]:  # fmt: skip
    """Settle a contract on neighbourhoods in which nothing happens.

    Args:
        draws: how many.
        seed: of people and draws.
        contract: a contract of the library whose feed has neighbourhoods, with streams ``gain share``/``loss share``.
        starts: the first day of the year.
        sizes: people of a neighbourhood, each a multiple of the smallest.
        two_sided: whether losses are shared too, so that penalties show.
    """
    from accord.settlement.calls import check
    from accord.settlement.catalogue import find

    file = find(contract)
    checked = check(file)
    if two_sided:
        checked = _two_sided(checked)
    feed = read_feed(Path(file).parent, checked)
    built = model()
    people = _people(built, max(sizes), min(sizes), seed)
    counts = _counted(people, built, draws, seed)
    out: list[Luck] = []
    for number, together in enumerate((False, True)):
        out += _settled(people, built, checked, feed, counts[:, number], seed, starts, sizes, together)
    return tuple(sorted(out, key=lambda one: (one.size, one.together)))


def _two_sided(contract: Contract) -> Contract:
    parameter = contract.parameters.get("two_sided")
    if parameter is None:
        return contract
    entries = tuple(replace(entry, values=dict.fromkeys(entry.values, True)) for entry in parameter.entries)
    return replace(contract, parameters={**contract.parameters, "two_sided": replace(parameter, entries=entries)})


def _people(built: Model, size: int, smallest: int, seed: int) -> People:
    """People with the ages, sexes and deprivation of England, in equal pieces."""
    random = np.random.Generator(np.random.Philox(key=seed))
    share = (built.people[2026] / built.people[2026].sum()).ravel()
    drawn = random.choice(len(share), size, p=share)
    cell, age = drawn // AGES, drawn % AGES
    upto = np.cumsum(built.mix, axis=2)[cell, age][:, :-1]
    state = (random.random(size)[:, None] >= upto).sum(axis=1)
    months = age * 12 + random.integers(0, 12, size)
    return People(
        np.arange(0, size + 1, smallest).astype(np.int64),
        months.astype(np.int16),
        cell.astype(np.uint8),
        state.astype(np.uint8),
        np.zeros(size, np.uint8),
    )


def _counted(people: People, built: Model, draws: int, seed: int) -> Any:
    """Results ``[draws, 2, pieces, 1, GROUPS, RESULTS]``: without and with the years that move everybody together."""
    made = tables(built)
    found: list[Any] = []
    for draw in range(draws):
        # in every draw these are other people of the same ages: who they are is part of the luck
        random = np.random.Generator(np.random.Philox(key=seed_of(seed + 1, draw)))
        others = replace(people, burden=random.integers(0, BURDENS, len(people), dtype=np.uint8))
        change = person_engine.multipliers(2, people.practices, 1)
        change[1, ..., 2:] = np.rint(change[1, ..., 2:] * noise(built, seed, draw, 1)[0]).astype(np.uint32)
        found.append(person_engine.simulate(others, made, 1, seed_of(seed, draw), change).counts)
    return np.stack(found)


def _settled(
    people: People, built: Model, contract: Contract, feed: Feed, counts: Any, seed: int, starts: dt.date,
    sizes: tuple[int, ...], together: bool,
) -> list[Luck]:  # fmt: skip
    rates = rates_of(expect(cohort(people, 1), built, 1))
    pieces, draws = people.practices, len(counts)
    listed, complex_people = lists(people, people.state[None], 0)
    out: list[Luck] = []
    for size in sizes:
        each = size // (len(people) // pieces)
        practices = [OwnPractice(f"P{n}", "", f"N{n // each}", "B", "", "") for n in range(pieces)]
        counted = Counted(
            Years(starts, 1),
            practices,
            counts,
            np.zeros((draws, pieces, 1, len(LAZY)), np.int64),
            np.broadcast_to(listed[:, :, None], (draws, pieces, 1, *listed.shape[2:])),
            np.broadcast_to(complex_people[:, :, None], (draws, pieces, 1)),
            np.broadcast_to(rates, (draws, *rates.shape)),
            np.ones((draws, 1)),
            np.arange(draws),
            seed,
            np.ones((draws, 1)),
            np.zeros((draws, 1)),
            np.zeros((draws, 1)),
        )
        bound = Bound(contract.name, contract, feed, None, np.arange(draws))
        money = settle_worlds([bound], counted).money
        gained = charged = 0
        amount = 0
        names = ("stream", "member", "received", "paid")
        for stream, member, received, paid in zip(*(money.column(n).to_pylist() for n in names), strict=True):
            if not member:
                continue
            gained += stream == "gain share" and received > 0
            charged += stream == "loss share" and paid > 0
            amount += received
        names_of = [one.neighbourhood for one in practices]
        groups = len(dict.fromkeys(names_of))
        cost = (counted.result("emergency_cost") + counted.result("elective_cost"))[:, :, 0]
        expected = (counted.expectation("emergency_cost") + counted.expectation("elective_cost"))[:, :, 0]
        saving = 1 - cost.reshape(draws, groups, -1).sum(axis=2) / expected.reshape(draws, groups, -1).sum(axis=2)
        tried = draws * groups
        per_person = amount / 100 / (tried * size)
        out.append(Luck(size, together, tried, gained, charged, float(saving.std()), per_person))
    return out


__all__ = ["SIZES", "Luck", "luck"]
