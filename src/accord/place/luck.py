"""Luck: how often a gain share pays, or charges, where nothing at all was done, by the size of the population.

Half a million made people, in equal pieces, live a year in every draw, each time as other people of the same ages. A
neighbourhood is some of these pieces put together, and nothing changes in any of them, so whatever is paid is luck.
Large neighbourhoods are rare events of few draws, so their pieces are drawn from many draws, with replacement
(resampling): pieces are independent of each other, and what moves everybody together in a year is laid over each
neighbourhood afterwards. That noise does not get smaller with size.

Draws stand in blocks. A neighbourhood has its pieces from one block, and the blocks' results differ by the chance of
all of this together: their spread gives the standard error.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import special

from accord.language.contract import Contract
from accord.simulation import person_engine
from accord.simulation.cohort_engine import cohort, expect
from accord.simulation.counted import Counted, rates_of
from accord.simulation.feed import Feed, read_feed
from accord.simulation.filling import Bound
from accord.simulation.model import Model, model
from accord.simulation.people import AGES, BANDS, BURDENS, CELLS, People
from accord.simulation.practices import OwnPractice
from accord.simulation.results import ELECTIVE_COST, EMERGENCY_COST, GROUPS, LAZY, MONTHS, RESULTS
from accord.simulation.system import noise, seed_of
from accord.simulation.tables import tables
from accord.simulation.worlds import settle_worlds
from accord.simulation.years import Years

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]

PIECE = 5_000
"""People of a piece."""

SIZES = (5_000, 50_000, 500_000)
"""Sizes of neighbourhoods."""

DRAWS = 100
"""Draws of half a million people."""

BLOCKS = 10
"""Blocks of draws, from which the standard error comes."""

TRIED = 4_000
"""Neighbourhoods of each size that are put together from pieces."""

_KEPT = (MONTHS, EMERGENCY_COST, ELECTIVE_COST)
"""What of the results such a contract is about."""


@dataclass(frozen=True, slots=True)
class Luck:
    """How often there was a bonus or a penalty with no true effect.

    Attributes:
        size: people of a neighbourhood.
        together: whether years that move everybody together were in it.
        tried: neighbourhoods that were settled.
        people: million person-years that they were put together from.
        paid, charged: in how many something was paid, or owed.
        error, error_of_penalty: standard error of the two chances.
        spread: standard deviation of the saving, as a share of what was expected.
        needed: the least saving that the contract pays for at this size, as a share.
        formula: the chance by the formula 1 - Φ(needed / σ), σ² = a + κ²/N, with κ from the smallest neighbourhoods.
        per_person: pounds a person and year that were paid on average, whoever got nothing included.
    """

    size: int
    together: bool
    tried: int
    people: float
    paid: int
    charged: int
    error: float
    error_of_penalty: float
    spread: float
    needed: float
    formula: float
    per_person: float

    @property
    def chance(self) -> float:
        """The chance of a bonus."""
        return self.paid / self.tried

    @property
    def chance_of_penalty(self) -> float:
        """The chance of a penalty."""
        return self.charged / self.tried


@dataclass(frozen=True, slots=True)
class _Pieces:
    """What pieces came to: ``counts`` is ``[blocks, pieces, GROUPS, 3]``, costs scaled to what is expected of a block.

    ``expected`` is what was expected of each piece, in pence.
    """

    counts: Whole
    expected: Numbers


def luck(
    *, draws: int = DRAWS, seed: int = 1, contract: str = "gain-share", starts: dt.date = dt.date(2026, 4, 1),
    sizes: tuple[int, ...] = SIZES, piece: int = PIECE, tried: int = TRIED, blocks: int = BLOCKS,
) -> tuple[Luck, ...]:  # fmt: skip
    """Settle a contract on neighbourhoods in which nothing happens, losses shared too, so that penalties show.

    Args:
        draws: how many, at least as many as there are blocks.
        seed: of people and draws.
        contract: a contract of the library whose feed has neighbourhoods, with streams ``gain share``/``loss share``.
        starts: the first day of the year.
        sizes: people of a neighbourhood, each a multiple of a piece.
        piece: people of a piece.
        tried: neighbourhoods of each size; at the size of a piece each piece is one.
        blocks: into how many blocks draws are put.
    """
    from accord.settlement.calls import check
    from accord.settlement.catalogue import find

    file = find(contract)
    checked = _two_sided(check(file))
    feed = read_feed(Path(file).parent, checked)
    built = model()
    people = _people(built, max(sizes), piece, seed)
    rates = rates_of(expect(cohort(people, 1), built, 1))
    pieces = _lived(people, built, rates, draws, blocks, seed)
    total = pieces.counts[..., 1:].sum(axis=(2, 3))
    lived = pieces.expected.size * piece
    kappa = float((1 - total / pieces.expected).std() * np.sqrt(piece))
    out: list[Luck] = []
    for size in sizes:
        counts = _put_together(pieces, size // piece, tried, seed)
        for together in (False, True):
            out.append(_settled(counts, rates, built, checked, feed, seed, starts, size, together, kappa, lived))
    return tuple(out)


def _two_sided(contract: Contract) -> Contract:
    parameter = contract.parameters.get("two_sided")
    if parameter is None:
        return contract
    entries = tuple(replace(entry, values=dict.fromkeys(entry.values, True)) for entry in parameter.entries)
    return replace(contract, parameters={**contract.parameters, "two_sided": replace(parameter, entries=entries)})


def _people(built: Model, size: int, piece: int, seed: int) -> People:
    """People with the ages, sexes and deprivation of England, in equal pieces."""
    random = np.random.Generator(np.random.Philox(key=seed))
    share = (built.people[2026] / built.people[2026].sum()).ravel()
    drawn = random.choice(len(share), size, p=share)
    cell, age = drawn // AGES, drawn % AGES
    upto = np.cumsum(built.mix, axis=2)[cell, age][:, :-1]
    state = (random.random(size)[:, None] >= upto).sum(axis=1)
    months = age * 12 + random.integers(0, 12, size)
    return People(
        np.arange(0, size + 1, piece).astype(np.int64),
        months.astype(np.int16),
        cell.astype(np.uint8),
        state.astype(np.uint8),
        np.zeros(size, np.uint8),
    )


def _lived(people: People, built: Model, rates: Numbers, draws: int, blocks: int, seed: int) -> _Pieces:
    """A year of every piece in every draw.

    What is expected of them all is known exactly, so the costs of each block of draws are brought to it: otherwise the
    chance of a block as a whole would stand in every neighbourhood that is put together from it.
    """
    made = tables(built)
    found: list[Whole] = []
    for draw in range(draws - draws % blocks):
        # in every draw these are other people of the same ages: who they are is part of the luck
        random = np.random.Generator(np.random.Philox(key=seed_of(seed + 1, draw)))
        others = replace(people, burden=random.integers(0, BURDENS, len(people), dtype=np.uint8))
        found.append(person_engine.simulate(others, made, 1, seed_of(seed, draw)).counts[0, :, 0][..., _KEPT])
    counts = np.stack(found).reshape(blocks, -1, GROUPS, len(_KEPT))
    pence = rates[0, :, EMERGENCY_COST] + rates[0, :, ELECTIVE_COST]
    expected = counts[..., 0] @ pence
    scale = expected.sum(axis=1) / counts[..., 1:].sum(axis=(1, 2, 3))
    counts[..., 1:] = np.rint(counts[..., 1:] * scale[:, None, None, None]).astype(np.int64)
    return _Pieces(counts, expected)


def _put_together(pieces: _Pieces, each: int, tried: int, seed: int) -> Whole:
    """Neighbourhoods of so many pieces, block after block: ``[blocks, neighbourhoods, GROUPS, 3]``."""
    if each == 1:
        return pieces.counts
    blocks, number = pieces.counts.shape[:2]
    random = np.random.Generator(np.random.Philox(key=seed_of(seed + 2, each)))
    out = np.zeros((blocks, tried // blocks, *pieces.counts.shape[2:]), np.int64)
    for block in range(blocks):
        which = random.integers(0, number, (tried // blocks, each))
        for one in range(each):
            out[block] += pieces.counts[block, which[:, one]]
    return out


def _settled(
    pieces: Whole, rates: Numbers, built: Model, contract: Contract, feed: Feed, seed: int, starts: dt.date,
    size: int, together: bool, kappa: float, lived: int,
) -> Luck:  # fmt: skip
    blocks, each = pieces.shape[:2]
    number = blocks * each
    counts = np.zeros((1, number, 1, GROUPS, len(RESULTS)), np.int64)
    counts[0, :, 0][..., _KEPT] = pieces.reshape(number, GROUPS, len(_KEPT))
    if together:
        moved = np.array([noise(built, seed, one, 1)[0] for one in range(number)])
        for at in _KEPT[1:]:
            counts[..., at] = np.rint(counts[..., at] * moved[None, :, None, None]).astype(np.int64)
    counted = Counted(
        Years(starts, 1),
        [OwnPractice(f"P{n}", "", f"N{n}", "B", "", "") for n in range(number)],
        counts,
        np.zeros((1, number, 1, len(LAZY)), np.int64),
        np.zeros((1, number, 1, CELLS, len(BANDS)), np.int64),
        np.zeros((1, number, 1), np.int64),
        rates[None],
        np.ones((1, 1)),
        np.zeros(1, np.int64),
        seed,
        np.ones((1, 1)),
        np.zeros((1, 1)),
        np.zeros((1, 1)),
        np.ones((1, 1)),
    )
    money = settle_worlds([Bound(contract.name, contract, feed, None, np.zeros(1, np.int64))], counted).money
    gained, charged = np.zeros(number, bool), np.zeros(number, bool)
    amount = 0
    names = ("stream", "member", "received", "paid")
    for stream, member, received, paid in zip(*(money.column(n).to_pylist() for n in names), strict=True):
        if not member.startswith("N"):
            continue
        gained[int(member[1:])] |= stream == "gain share" and received > 0
        charged[int(member[1:])] |= stream == "loss share" and paid > 0
        amount += received
    cost = counted.result("emergency_cost") + counted.result("elective_cost")
    expected = counted.expectation("emergency_cost") + counted.expectation("elective_cost")
    needed = _needed(contract, size, starts)
    a = built.value("system_noise") ** 2 if together else 0.0
    return Luck(
        size,
        together,
        number,
        lived / 1e6,
        int(gained.sum()),
        int(charged.sum()),
        _error(gained.reshape(blocks, each)),
        _error(charged.reshape(blocks, each)),
        float((1 - cost / expected).std()),
        needed,
        float(1 - special.ndtr(needed / np.sqrt(a + kappa**2 / size))),
        amount / 100 / (number * size),
    )


def _error(found: NDArray[np.bool_]) -> float:
    """Standard error of a share, from what blocks have: ``[blocks, neighbourhoods]``."""
    return float(found.mean(axis=1).std(ddof=1) / np.sqrt(len(found)))


def _needed(contract: Contract, size: int, starts: dt.date) -> float:
    """The least saving that counts at a size, as the contract itself works it out."""
    from accord.engine import read_inputs, settle

    row = {"pool": "N", "year": starts.isoformat(), "people": str(size), "cost": "100.00", "expected": "100.00"}
    inputs = read_inputs(replace(contract, notices=()), {"costs": [row]})
    return float(next(iter(settle(replace(contract, notices=()), inputs).values("needed").values())))  # type: ignore[arg-type]


__all__ = ["SIZES", "Luck", "luck"]
