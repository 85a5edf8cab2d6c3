"""Probing: what contracts put at stake, and what behaviour answers.

The same contracts are settled in worlds where a little is moved; the money of whoever is paid is compared.
"""

# pyarrow and duckdb have no types of their own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from accord.place.case import Case
from accord.place.place import InForce
from accord.place.stage import Stage, Step, draw_worlds
from accord.simulation.behaviour import Behaviour, Response, Stakes, respond, unchanged
from accord.simulation.counted import Counted
from accord.simulation.filling import Bound
from accord.simulation.results import RESULTS
from accord.simulation.worlds import Settled, settle_worlds

Numbers = NDArray[np.float64]

PILOTS = 8
"""Draws in which stakes are probed and sizes are tried."""

PROBED_COST = 0.05
"""The part of hospital care that is not there in the worlds of a probe."""

PROBED_POINTS = 10.0
"""The points that rewarded work is better by in the worlds of a probe."""


def answered(made: Stage, on_step: Step) -> Stage:
    """The stage with the stakes of every case, from probes, and what behaviour answers."""
    cases, years = made.cases, made.years.number
    idle = [unchanged(years) for _ in cases]
    pilots = draw_worlds(made, range(PILOTS), cases[:1], idle[:1])
    sets: dict[tuple[str, ...], Stakes] = {}
    found: list[Stakes] = []
    for case in cases:
        key = tuple(sorted(f"{one.name}:{contract_hash(one)}:{one.data}" for one in case.contracts))
        if key not in sets:
            on_step(f"probing {case.name}")
            sets[key] = probe(made, case, pilots)
        found.append(sets[key])
    responses = [answer(made, case, stakes, found[0]) for case, stakes in zip(cases, found, strict=True)]
    return replace(made, stakes=tuple(found), responses=tuple(responses), pilots=pilots)


def answer(
    made: Stage, case: Case, now: Stakes, before: Stakes, *, behaviours: Sequence[Behaviour] | None = None,
    deviates: Mapping[str, float] | None = None,
) -> Response:  # fmt: skip
    """What behaviour does in a case."""
    used = case.behaviours if behaviours is None else behaviours
    if not used:
        return unchanged(made.years.number)
    return respond(
        used,
        now,
        before,
        made.years.number,
        chronic_share=made.model.value("chronic_share"),
        elective_for_emergency=made.numbers["emergency"] / max(made.numbers["elective"], 1e-12),
        numbers=made.numbers,
        deviates=deviates,
    )


def probe(made: Stage, case: Case, pilots: Counted) -> Stakes:
    """What a case's contracts put at stake: the same contracts, settled in worlds where a little is moved.

    Each pilot draw is settled as it is, with a twentieth less of hospital care, and with rewarded work ten points
    better; the money of whoever is paid (everybody but boards and councils) is compared. Over several draws, because
    one draw may lie where a threshold is far.
    """
    years, number = made.years.number, len(pilots)
    less = pilots.counts.copy()
    for name in ("emergency", "elective", "chronic", "emergency_days", "emergency_cost", "elective_cost"):
        at = RESULTS.index(name)
        less[..., at] = np.rint(less[..., at] * (1 - PROBED_COST)).astype(np.int64)
    three = _repeated(pilots, 3)
    counts = three.counts.copy()
    counts[number : 2 * number] = less
    moved = three.moved.copy()
    moved[2 * number :] = PROBED_POINTS
    prices = np.broadcast_to(case.prices, three.prices.shape)
    counted = replace(three, counts=counts, moved=moved, prices=prices)
    settled = settle_worlds(bounds([case], 3 * number), counted)
    kept = kept_by_paid(case, settled, 3 * number, years)
    cost = counted.result("emergency_cost").sum(axis=1) + counted.result("elective_cost").sum(axis=1)
    not_spent = np.asarray(cost[:number] - cost[number : 2 * number], float).sum(axis=0)
    patients = pilots.lists.sum(axis=(1, 3, 4)).astype(float).sum(axis=0)
    base, with_less, with_points = kept[:number], kept[number : 2 * number], kept[2 * number :]
    hospital = (with_less - base).sum(axis=0) / np.maximum(not_spent, 1)
    indicators = (with_points - base).sum(axis=0) / np.maximum(patients, 1) / 100
    streams = frozenset(p.stream for one in case.contracts for p in one.contract.payments)
    return Stakes(
        tuple(float(x) for x in np.round(hospital, 9)),
        tuple(float(x) for x in np.round(indicators, 9)),
        streams,
        _net(made, case, settled, number),
    )


def _repeated(counted: Counted, times: int) -> Counted:
    return counted.some(np.tile(np.arange(len(counted)), times))


def bounds(cases: Sequence[Case], worlds: int) -> list[Bound]:
    """The contracts of cases over worlds that repeat the cases: each text once, with the worlds it is in force in."""
    found: dict[tuple[str, str, str], tuple[InForce, list[int]]] = {}
    for number, case in enumerate(cases):
        for one in case.contracts:
            text = contract_hash(one)
            _, into = found.setdefault((one.name, text, str(one.data)), (one, []))
            into += range(number, worlds, len(cases))
    return [Bound(one.name, one.contract, one.feed, one.data, np.array(sorted(into))) for one, into in found.values()]


def contract_hash(one: InForce) -> str:
    """What a contract is in a case: its signed text and the figures that were supplied for later years."""
    entries = [
        (name, entry.since.isoformat(), sorted((key, str(value)) for key, value in entry.values.items()))
        for name, parameter in one.contract.parameters.items()
        for entry in parameter.entries
        if parameter.scale is None
    ]
    return hashlib.sha256((one.contract.signed_hash + repr(entries)).encode()).hexdigest()


def paying_parties(case: Case) -> frozenset[tuple[str, str]]:
    """The parties that pay for a place: one named body, or one for each board or council."""
    found: set[tuple[str, str]] = set()
    for one in case.contracts:
        for party in one.contract.parties.values():
            dimension = one.feed.keys.get(party.each or "", party.each or "")
            if party.each is None or dimension in ("board", "council"):
                found.add((one.name, party.name))
    return frozenset(found)


def kept_by_paid(case: Case, settled: Settled, worlds: int, years: int) -> Numbers:
    """Net pence of all who are paid, by world and year."""
    paying = paying_parties(case)
    out = np.zeros((worlds, years))
    columns = {name: settled.money.column(name).to_pylist() for name in settled.money.column_names}
    for contract, party, world, year, received, paid in zip(
        *(columns[name] for name in ("contract", "party", "world", "year", "received", "paid")), strict=True
    ):
        if (contract, party) not in paying:
            out[world, year] += received - paid
    return out


def _net(made: Stage, case: Case, settled: Settled, number: int) -> dict[str, tuple[float, ...]]:
    """What each practice can expect of each contract, in pounds; a part by list of what an organisation gets."""
    money: dict[tuple[str, str], float] = {}
    paying = paying_parties(case)
    table = settled.money
    rows = zip(
        *(table.column(n).to_pylist() for n in ("world", "contract", "party", "member", "received", "paid")),
        strict=True,
    )
    for world, contract, party, member, received, paid in rows:
        if world < number and (contract, party) not in paying:
            money[contract, member] = money.get((contract, member), 0.0) + (received - paid) / 100 / number
    sizes = np.diff(made.people.offsets)
    out: dict[str, tuple[float, ...]] = {}
    for one in case.contracts:
        net: list[float] = []
        for place, practice in enumerate(made.practices):
            total = money.get((one.name, practice.code), 0.0)
            for dimension in ("network", "neighbourhood", "hospital"):
                member = str(getattr(practice, dimension))
                if (one.name, member) in money:
                    all_of_it = sum(
                        int(size) for size, other in zip(sizes, made.practices, strict=True)
                        if getattr(other, dimension) == member
                    )  # fmt: skip
                    total += money[one.name, member] * int(sizes[place]) / max(all_of_it, 1)
            net.append(round(total, 2))
        out[one.name] = tuple(net)
    return out
