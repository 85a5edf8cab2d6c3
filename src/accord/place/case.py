"""Cases: a scenario with everything it needs, its contracts for every simulated year and what it does to use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import Problem, nearest
from accord.place.place import InForce, LocalPlace, bound
from accord.simulation.behaviour import Behaviour
from accord.simulation.extending import carried, grown, until
from accord.simulation.model import STREAMS
from accord.simulation.practices import Practice, members
from accord.simulation.scenario import Future, Scenario
from accord.simulation.years import Years

Numbers = NDArray[np.float64]


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


def case_of(place: LocalPlace, scenario: Scenario, span: Years, problems: list[Problem]) -> Case | None:
    """A scenario with its contracts for every year, its behaviours and its use; None where something is wrong."""
    future = scenario.future.over(place.future)
    contracts: dict[str, InForce] = {one.name: one for one in place.contracts}
    sound = len(problems)
    for name, changed in scenario.contracts.items():
        if changed.out:
            contracts.pop(name, None)
            continue
        named = changed.variation or changed.contract
        base = contracts.get(name) if changed.variation else None
        found = bound(place.folder, name, named, changed.data, changed.place, problems, base)
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
        problem = _out_of_step(one, span, place) or _looks_back(one, span, place)
        if problem is not None:
            problems.append(problem)
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


def _out_of_step(one: InForce, span: Years, place: LocalPlace) -> Problem | None:
    """Whether the simulated years begin within a year of a contract: none of its periods would be a simulated one."""
    periods = [key.items for key in one.contract.keys.values() if key.is_period and key.items]
    if not periods:
        return None
    longest = max(periods, key=lambda items: items[-1].last - items[-1].first)
    day = span.first
    item = next((item for item in longest if item.first <= day <= item.last), longest[-1])
    if (item.first.month, item.first.day) == (day.month, day.day):
        return None
    said = f"the simulated years begin on {day}, and those of {one.name} on {item.first:%d.%m.}"
    fix = f"say starts: {day.year}-{item.first:%m-%d}, or vary the contract"
    return Problem(Place(str(place.folder / "place.yaml"), 0, 0), said, fix)


def _looks_back(one: InForce, span: Years, place: LocalPlace) -> Problem | None:
    """Whether a contract would need years before the simulated ones: what they left behind is read by later ones."""
    start = one.contract.term.start
    if not one.contract.looks_back or one.data is not None or span.first <= start:
        return None
    said = f"{one.name} looks back: it is settled from {start} on, and the simulated years begin on {span.first}"
    fix = f"say starts: {start}, or put what is known of the years before into data/{one.name}"
    return Problem(Place(str(place.folder / "place.yaml"), 0, 0), said, fix)


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


def doubts(cases: Sequence[Case], practices: Sequence[Practice]) -> tuple[str, ...]:
    """What is stated and not simulated, what every future year assumes, and whose money has no name."""
    said: dict[str, None] = {}
    for case in cases:
        for one in case.contracts:
            for what, authority, status in one.feed.assumed:
                said[f"{one.name}: {what} ({status}: {authority})"] = None
            for party, kind in one.feed.parties.items():
                several = len(members(practices, kind))
                if several > 1:
                    apart = f"what it pays and receives stands under {kind} without a name, in none of the {several}"
                    said[f"{one.name}: the contract has one {party}, the place {several}: {apart}"] = None
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
