"""Futures of a place: every scenario beside no contract change, draw by draw, every year settled by the same contracts.

Scenarios of a draw meet the same chance, in people and in the years that move everybody together. Draws are made in
batches that are kept as soon as they are finished, so a run that was stopped goes on where it was.
"""

# pyarrow and duckdb have no types of their own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest
from accord.place.place import InForce, LocalPlace, bound, population_of
from accord.simulation import person_engine
from accord.simulation.behaviour import Behaviour, Response, Stakes, respond, unchanged
from accord.simulation.cohort_engine import Cohort, cohort, expect
from accord.simulation.events import frequent
from accord.simulation.extending import carried, grown, until
from accord.simulation.listing import lists
from accord.simulation.model import STREAMS, Figures, Model, model
from accord.simulation.partitions import LOCAL, Engine
from accord.simulation.people import FIFTHS, People
from accord.simulation.results import AGE_GROUPS, GROUPS, LAZY, RESULTS
from accord.simulation.scenario import NO_CHANGE, Future, Scenario, no_change
from accord.simulation.system import noise, seed_of
from accord.simulation.tables import LAZY_ONE, ONE, Tables, tables
from accord.simulation.worlds import (
    BANDS,
    Bound,
    Counted,
    Organisation,
    Settled,
    Years,
    rates_of,
    settle_worlds,
)

if TYPE_CHECKING:
    import pyarrow as pa

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]

BATCH = 10
"""Draws that are made, settled and kept together."""

PILOTS = 8
"""Draws in which stakes are probed and sizes are tried."""

PROBED_COST = 0.05
"""The part of hospital care that is not there in the worlds of a probe."""

PROBED_POINTS = 10.0
"""The points that rewarded work is better by in the worlds of a probe."""

Step = Callable[[str], None]


def quiet(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario with everything it needs: its contracts for every simulated year, and what it does to use.

    ``base`` are multipliers before any behaviour ``[years, 2 + streams]``; ``prices`` the level of hospital prices.
    """

    scenario: Scenario
    contracts: tuple[InForce, ...]
    behaviours: tuple[Behaviour, ...]
    base: Numbers
    prices: Numbers
    future: Future
    extended: tuple[str, ...] = ()
    """Contracts whose term is taken to go on."""
    going_on: tuple[str, ...] = ()
    """What is said of tables of contracts that are taken to go on."""

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.scenario.name


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that draws need: the people, the model, the cases with what behaviour does in each.

    The first case is always no contract change.
    """

    place: LocalPlace
    years: Years
    seed: int
    people: People
    practices: Sequence[Organisation]
    model: Model
    tables: Tables
    start: Cohort
    rates: Numbers
    numbers: Mapping[str, float]
    """How many there are of each stream with no contract change, as is expected."""
    cases: tuple[Case, ...]
    responses: tuple[Response, ...] = ()
    stakes: tuple[Stakes, ...] = ()
    pilots: Counted | None = None
    notes: tuple[str, ...] = ()
    engine: Engine = LOCAL
    given: Figures | None = None
    """What the model is made of, where it is a place's own; otherwise what is built in."""
    by_practice: Numbers | None = None
    """What practices differ by, ``[practices, 2 + streams]``, where the place's own record says so."""


@dataclass(frozen=True, slots=True)
class Run:
    """A finished run: where it is kept and what is in it."""

    folder: Path
    manifest: Mapping[str, Any]
    stage: Stage | None = None
    reused: int = 0
    """Batches that were there already."""
    extra: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def table(self, name: str) -> pa.Table:
        """One of the tables: activity, people or money; every draw."""
        import pyarrow.parquet as pq

        return pq.read_table(self.folder / f"{name}.parquet")


# ------------------------------------------------------------------------------------------------------------- staging


def stage(
    place: LocalPlace,
    *,
    years: int = 3,
    seed: int = 1,
    scenarios: Sequence[str] | None = None,
    engine: Engine = LOCAL,
    on_step: Step = quiet,
) -> Stage:
    """Make everything ready: contracts of every year, people, what is expected, and what behaviour answers.

    Raises:
        DataRefused: an unknown scenario, a contract whose term ends sooner than the simulation, and the like.
    """
    problems: list[Problem] = []
    known = {one.name: one for one in place.scenarios}
    chosen = list(known) if scenarios is None else list(scenarios)
    for name in chosen:
        if name not in known:
            fix = nearest(name, known) or f"the place has {', '.join(known) or 'none'}"
            problems.append(Problem(Place("--scenario", 0, 0), f"this place has no scenario {name}", fix))
    if problems:
        raise DataRefused(problems)
    span = Years(place.starts, years)
    on_step("reading the contracts")
    cases: list[Case] = []
    for scenario in (no_change(), *(known[name] for name in chosen)):
        made = _case(place, scenario, span, problems)
        if made is not None:
            cases.append(made)
    if problems:
        raise DataRefused(list(dict.fromkeys(problems)))
    on_step("making the people")
    there = population_of(place, years)
    people, practices = there.people, there.practices
    built_in = model(None, there.given)
    on_step("expecting what nothing changed")
    start = cohort(people, years)
    expected = expect(start, built_in, years, cases[0].base)
    first = Stage(
        place,
        span,
        seed,
        people,
        practices,
        built_in,
        tables(built_in),
        start,
        rates_of(expected),
        {name: float(expected[..., RESULTS.index(name)].sum()) for name in STREAMS},
        tuple(cases),
        notes=(*_doubts(cases), *there.notes),
        engine=engine,
        given=there.given,
        by_practice=there.by_practice,
    )
    on_step("probing what is at stake")
    return _answered(first, on_step)


def _case(place: LocalPlace, scenario: Scenario, span: Years, problems: list[Problem]) -> Case | None:
    future = scenario.future.over(place.future)
    contracts: dict[str, InForce] = {one.name: one for one in place.contracts}
    sound = len(problems)
    for name, changed in scenario.contracts.items():
        if changed.out:
            contracts.pop(name, None)
            continue
        named = changed.variation or changed.contract
        feed_from = contracts[name].file.parent if changed.variation and name in contracts else None
        found = bound(place.folder, name, named, changed.data, changed.place, problems, feed_from)
        if found is not None and changed.variation and found.data is None:
            found = replace(found, data=contracts[name].data)
        if found is not None:
            contracts[name] = found
    made: list[InForce] = []
    extended: list[str] = []
    going_on: list[str] = []
    for one in contracts.values():
        if one.contract.term.last < span.last and not future.reaches(span.last):
            said = (
                f"the term of {one.name} ends on {one.contract.term.last}, and {span.number} years end on {span.last}"
            )
            fix = "simulate fewer years, or say in the place: future: {term: extended, authority: …, status: assumed}"
            problems.append(Problem(Place(str(place.folder / "place.yaml"), 0, 0), said, fix))
            continue
        if one.contract.term.last < span.last:
            extended.append(one.name)
        contract = until(one.contract, one.file, span.last)
        contract, tables = carried(contract, span.days)
        going_on += [f"{one.name}: its table {name} goes on as in its last year (assumed)" for name in tables]
        contract = grown(contract, future.growth.get(one.name, {}), span.days)
        made.append(replace(one, contract=contract))
    names = [one.name for one in made]
    for name in scenario.future.growth:
        if name not in names:
            at = next(iter(scenario.future.growth[name].values())).place
            problems.append(Problem(at, f"{name} is not in force in {scenario.name}", nearest(name, names)))
    behaviours = [
        one for one in place.behaviours.values() if scenario.behaviours is None or one.name in scenario.behaviours
    ]
    behaviours = [_resized(one, scenario, problems) for one in behaviours]
    for name in scenario.effects:
        if name.partition(".")[0] not in [one.name for one in behaviours]:
            said = f"{name.partition('.')[0]} is not switched on in {scenario.name}"
            problems.append(Problem(scenario.places[name], said, "name it under behaviours:"))
    if len(problems) > sound:
        return None
    base = np.ones((span.number, 2 + len(STREAMS)))
    for year in range(span.number):
        for name, rate in future.demand.items():
            base[year, _column(name)] *= float((1 + rate) ** (year + 1))
        for name, rate in scenario.population.items():
            base[year, _column(name)] *= float(1 + rate)
    prices = np.array([float((1 + future.prices) ** year) if future.nominal else 1.0 for year in range(span.number)])
    return Case(scenario, tuple(made), tuple(behaviours), base, prices, future, tuple(extended), tuple(going_on))


def _column(name: str) -> int:
    return 0 if name == "worsening" else 2 + STREAMS.index(name)


def _resized(one: Behaviour, scenario: Scenario, problems: list[Problem]) -> Behaviour:
    effects = list(one.effects)
    for name, size in scenario.effects.items():
        behaviour, _, on = name.partition(".")
        if behaviour != one.name:
            continue
        at = [number for number, effect in enumerate(effects) if effect.on == on]
        if not at:
            moved = [effect.on for effect in one.effects]
            fix = nearest(on, moved) or f"it moves {', '.join(moved)}"
            problems.append(Problem(scenario.places[name], f"{behaviour} does not move {on}", fix))
            continue
        effects[at[0]] = replace(effects[at[0]], size=size, low=size, high=size)
    return replace(one, effects=tuple(effects))


def _doubts(cases: Sequence[Case]) -> tuple[str, ...]:
    """What is stated and not simulated, and what every future year assumes."""
    said: dict[str, None] = {}
    for case in cases:
        for one in case.contracts:
            for what, authority, status in one.feed.assumed:
                said[f"{one.name}: {what} ({status}: {authority})"] = None
            if one.name in case.extended:
                said[f"{one.name}: its term is taken to go on to {one.contract.term.last} (assumed)"] = None
        said.update(dict.fromkeys(case.going_on))
        for contract, rates in case.future.growth.items():
            for name, growth in rates.items():
                every = "every amount" if name == "*" else name
                said[f"{contract}: {every} grows by {float(growth.rate):.1%} a year (assumed: {growth.authority})"] = (
                    None
                )
    return tuple(said)


# ------------------------------------------------------------------------------------------------------------- drawing


def draw_worlds(made: Stage, draws: Sequence[int], cases: Sequence[Case], responses: Sequence[Response]) -> Counted:
    """Simulate some draws of some cases: worlds ordered by draw, then case.

    Cases of one draw meet the same chance in people, in frequent contacts and in the years.
    """
    span, people = made.years, made.people
    scenarios, practices = len(cases), people.practices
    worlds = len(draws) * scenarios
    counts = np.zeros((worlds, practices, span.number, GROUPS, len(RESULTS)), np.int64)
    contacts = np.zeros((worlds, practices, span.number, len(LAZY)), np.int64)
    listed = np.zeros((worlds, practices, span.number, 2 * FIFTHS, len(BANDS)), np.int64)
    complex_people = np.zeros((worlds, practices, span.number), np.int64)
    for number, draw in enumerate(draws):
        here = slice(number * scenarios, (number + 1) * scenarios)
        seed = seed_of(made.seed, draw)
        change = changes(made, draw, cases, responses)
        after: person_engine.Outcome | None = None
        for year in range(span.number):
            now = replace(people, months=(people.months + 12 * year).astype(np.int16))
            states = np.repeat(people.state[None], scenarios, axis=0) if after is None else after.end
            listed[here, :, year], complex_people[here, :, year] = lists(people, states, year)
            after = made.engine.simulate(
                now, made.tables, 1, seed, change[:, :, year : year + 1], first_year=year, after=after
            )
            counts[here, :, year] = after.counts[:, :, 0]
        contacts[here] = frequent(counts[here], seed)
    masks: dict[str, NDArray[np.bool_]] = {}
    for name in dict.fromkeys(name for response in responses for name in response.takes_part):
        everybody = np.ones(practices, bool)
        masks[name] = np.tile(np.stack([r.takes_part.get(name, everybody) for r in responses]), (len(draws), 1))
    return Counted(
        span,
        made.practices,
        counts,
        contacts,
        listed,
        complex_people,
        np.broadcast_to(made.rates, (worlds, *made.rates.shape)),
        np.tile(np.stack([case.prices for case in cases]), (len(draws), 1)),
        np.repeat(np.array(draws), scenarios),
        made.seed,
        np.tile(np.stack([response.expected for response in responses]), (len(draws), 1)),
        np.tile(np.stack([response.moved for response in responses]), (len(draws), 1)),
        np.tile(np.stack([response.taken_out for response in responses]), (len(draws), 1)),
        np.tile(np.stack([response.found for response in responses]), (len(draws), 1)),
        masks,
    )


def changes(made: Stage, draw: int, cases: Sequence[Case], responses: Sequence[Response]) -> NDArray[np.uint32]:
    """Multipliers of one draw for the person engine, ``[cases, practices, years, 2 + streams]``."""
    years = noise(made.model, made.seed, draw, made.years.number)
    out = np.empty((len(cases), made.people.practices, made.years.number, 2 + len(STREAMS)), np.uint32)
    for number, (case, response) in enumerate(zip(cases, responses, strict=True)):
        factor = case.base * response.change
        factor[:, 2:] *= years[:, None]
        by_practice = factor[None] if made.by_practice is None else factor[None] * made.by_practice[:, None, :]
        out[number] = np.rint(by_practice * ONE).astype(np.uint32)
    return out


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


# ------------------------------------------------------------------------------------------------------------- probing


def _answered(made: Stage, on_step: Step) -> Stage:
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


def paying_parties(case: Case) -> frozenset[tuple[str, str]]:
    """The parties that pay for a place: one named body, or one for each board or council."""
    found: set[tuple[str, str]] = set()
    for one in case.contracts:
        for party in party_list(one):
            dimension = one.feed.keys.get(party.each or "", party.each or "")
            if party.each is None or dimension in ("board", "council"):
                found.add((one.name, party.name))
    return frozenset(found)


def party_list(one: InForce) -> Sequence[Any]:
    """The parties of a contract."""
    return list(one.contract.parties.values())


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


# ------------------------------------------------------------------------------------------------------------- running


def run(
    made: Stage, draws: int, out: Path, *, on_step: Step = quiet, on_share: Callable[[int, int], None] | None = None
) -> Run:
    """Make (or finish) the draws of a stage, keep them, and put them together.

    Finished batches are found again by the run's identity, which every contract, figure, person, seed and line of code
    goes into; so a run that was stopped goes on, and one with more draws keeps those it has.
    """
    identity = manifest_of(made)
    folder = out / f"{made.place.name}-{identity['run'][:12]}"
    parts = folder / "draws"
    parts.mkdir(parents=True, exist_ok=True)
    batches = [range(first, min(first + BATCH, draws)) for first in range(0, draws, BATCH)]
    reused = 0
    used: dict[str, None] = {}
    for number, batch in enumerate(batches):
        if on_share is not None:
            on_share(number, len(batches) + 2)
        on_step(f"draws {batch[0] + 1} to {batch[-1] + 1} of {draws}")
        here = parts / f"{batch[0]:06d}-{batch[-1]:06d}"
        if (here / "done.json").is_file():
            used.update(dict.fromkeys(json.loads((here / "done.json").read_text(encoding="utf-8"))["used"]))
            reused += 1
            continue
        used.update(dict.fromkeys(_batch(made, batch, here)))
    on_step("putting the draws together")
    _together(folder, [parts / f"{batch[0]:06d}-{batch[-1]:06d}" for batch in batches])
    notes = [*made.notes, *(f"{text}" for text in used)]
    manifest = {**identity, "draws": draws, "notes": notes}
    _write(folder / "manifest.json", manifest)
    return Run(folder, manifest, made, reused)


def _write(path: Path, value: object) -> None:
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    temporary.replace(path)


def _batch(made: Stage, batch: range, into: Path) -> tuple[str, ...]:
    import pyarrow.parquet as pq

    cases = made.cases
    counted = draw_worlds(made, batch, cases, made.responses)
    settled = settle_worlds(bounds(cases, len(counted)), counted)
    temporary = into.with_name(f".unfinished-{into.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    names = [case.name for case in cases]
    pq.write_table(activity_table(made, counted, names), temporary / "activity.parquet")
    pq.write_table(people_table(made, counted, names), temporary / "people.parquet")
    pq.write_table(money_table(settled, counted, names), temporary / "money.parquet")
    (temporary / "done.json").write_text(json.dumps({"used": list(settled.used)}), encoding="utf-8")
    shutil.rmtree(into, ignore_errors=True)
    temporary.rename(into)
    return settled.used


COUNTED = tuple(name for name in RESULTS if name != "months")
"""What activity is told in, besides person-months."""


def activity_table(made: Stage, counted: Counted, names: Sequence[str]) -> pa.Table:
    """Results by draw, scenario, year and practice; costs are pence at the prices of the year."""
    import pyarrow as pa

    worlds, practices, years = counted.complex.shape
    world, practice, year = (place.ravel() for place in np.indices((worlds, practices, years)))
    columns: dict[str, Any] = {
        "draw": pa.array(counted.draws[world].astype(np.int32)),
        "scenario": pa.array(names, pa.string()).take(pa.array(world % len(names))),
        "year": pa.array(year.astype(np.int32)),
        "practice": pa.array([one.code for one in made.practices], pa.string()).take(pa.array(practice)),
        "people": pa.array(counted.lists.sum(axis=(3, 4)).ravel()),
        "complex": pa.array(counted.complex.ravel()),
        "months": pa.array(counted.result("months").ravel()),
    }
    fifths = counted.lists.reshape(worlds, practices, years, 2, FIFTHS, -1).sum(axis=(3, 5))
    for fifth in range(FIFTHS):
        columns[f"people_{fifth + 1}"] = pa.array(fifths[..., fifth].ravel())
    for name in COUNTED:
        columns[name] = pa.array(counted.result(name).ravel())
    for name in ("chronic", "emergency_cost", "elective_cost"):
        columns[f"expected_{name}"] = pa.array(counted.expectation(name).ravel())
    return pa.table(columns)


def people_table(made: Stage, counted: Counted, names: Sequence[str]) -> pa.Table:
    """Results of the whole place by draw, scenario, year, age group, sex and deprivation fifth.

    Frequent contacts are drawn for practices, so that here their expected number stands, rounded.
    """
    import pyarrow as pa

    totals = counted.counts.sum(axis=1)
    worlds, years, groups, _ = totals.shape
    world, year, group = (place.ravel() for place in np.indices((worlds, years, groups)))
    cell = group % (2 * FIFTHS)
    ages = [f"{a}-{b}" if b < 100 else f"{a}+" for a, b in AGE_GROUPS]
    columns: dict[str, Any] = {
        "draw": pa.array(counted.draws[world].astype(np.int32)),
        "scenario": pa.array(names, pa.string()).take(pa.array(world % len(names))),
        "year": pa.array(year.astype(np.int32)),
        "ages": pa.array(ages, pa.string()).take(pa.array(group // (2 * FIFTHS))),
        "sex": pa.array(["female", "male"], pa.string()).take(pa.array(cell // FIFTHS)),
        "fifth": pa.array((cell % FIFTHS + 1).astype(np.int32)),
    }
    prices = counted.prices[:, :, None]
    for number, name in enumerate(RESULTS):
        values = totals[..., number]
        if name in LAZY:
            values = np.rint(values / LAZY_ONE).astype(np.int64)
        elif name.endswith("_cost"):
            values = np.rint(values * prices).astype(np.int64)
        columns[name] = pa.array(values.ravel())
    return pa.table(columns)


def money_table(settled: Settled, counted: Counted, names: Sequence[str]) -> pa.Table:
    """Money by draw, scenario, year, contract, stream, party and member, whole pence."""
    import pyarrow as pa

    world = settled.money.column("world").to_numpy()
    kept = settled.money.drop_columns(["world"])
    draws = pa.array(counted.draws[world].astype(np.int32))
    scenario = pa.array(names, pa.string()).take(pa.array(world % len(names)))
    return kept.add_column(0, "scenario", scenario).add_column(0, "draw", draws)


def _together(folder: Path, parts: Sequence[Path]) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name in ("activity", "people", "money"):
        whole = pa.concat_tables([pq.read_table(part / f"{name}.parquet") for part in parts])
        temporary = folder / f".{name}.tmp"
        pq.write_table(whole, temporary)
        temporary.replace(folder / f"{name}.parquet")


def manifest_of(made: Stage) -> dict[str, Any]:
    """What a run is made of; its hash is the identity of the run. Whoever has all of it makes the same figures."""
    from accord import __version__

    found = hashlib.sha256()
    people = made.people
    for array in (people.offsets, people.months, people.cell, people.state, people.burden):
        found.update(array.tobytes())
    found.update(
        repr(
            [
                tuple(str(getattr(p, n)) for n in ("code", "network", "neighbourhood", "board", "council", "hospital"))
                for p in made.practices
            ]
        ).encode()
    )
    code = hashlib.sha256()
    package = Path(person_engine.__file__).parents[1]
    for room in ("simulation", "place", "engine", "language"):
        for file in sorted((package / room).rglob("*.py")):
            code.update(file.read_bytes())
    data = hashlib.sha256()
    for folder in sorted({one.data for case in made.cases for one in case.contracts if one.data is not None}):
        for file in sorted(folder.iterdir()):
            if file.is_file():
                data.update(file.name.encode() + file.read_bytes())
    cases = {
        case.name: {
            "contracts": {one.name: contract_hash(one) for one in case.contracts},
            "behaviours": {one.name: repr(one.effects) for one in case.behaviours},
            "base": [[round(float(x), 9) for x in row] for row in case.base],
            "prices": [round(float(x), 9) for x in case.prices],
            "response": [[round(float(x), 9) for x in row] for row in response.change],
            "feeds": {one.name: hashlib.sha256(Path(one.feed.file).read_bytes()).hexdigest() for one in case.contracts},
        }
        for case, response in zip(made.cases, made.responses, strict=True)
    }
    parameters = {name: one.value for name, one in made.model.parameters.items()}
    own = hashlib.sha256()
    for name, curve in sorted((made.given.curves if made.given else {}).items()):
        own.update(name.encode() + curve.tobytes())
    own.update(b"" if made.by_practice is None else made.by_practice.tobytes())
    whole = {
        "form": "accord futures 1",
        "accord": __version__,
        "place": made.place.name,
        "title": made.place.title,
        "starts": made.place.starts.isoformat(),
        "years": made.years.number,
        "seed": made.seed,
        "people": {"number": int(people.offsets[-1]), "practices": people.practices, "content": found.hexdigest()},
        "population": dict(made.place.population),
        "scenarios": cases,
        "parameters": parameters,
        "rates": hashlib.sha256((package / "simulation" / "model" / "rates.csv").read_bytes()).hexdigest(),
        **({"calibration": own.hexdigest()} if made.given else {}),
        "data": data.hexdigest(),
        "code": code.hexdigest(),
        "libraries": {name: _version(name) for name in ("numpy", "numba", "duckdb", "pyarrow", "scipy")},
    }
    identity = hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
    return {"run": identity, **whole}


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)


__all__ = ["NO_CHANGE", "Case", "Run", "Stage", "run", "stage"]
