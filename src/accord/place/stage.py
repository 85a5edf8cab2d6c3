"""Stages: everything that draws need, and the worlds that are drawn from it.

Cases of one draw meet the same chance, in people, in frequent contacts and in the years that move everybody together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from accord.place.case import Case
from accord.place.place import LocalPlace
from accord.simulation import person_engine
from accord.simulation.behaviour import Response, Stakes
from accord.simulation.cohort_engine import Cohort
from accord.simulation.counted import Counted
from accord.simulation.events import frequent
from accord.simulation.listing import lists
from accord.simulation.model import STREAMS, Figures, Model
from accord.simulation.partitions import LOCAL, Engine, Part
from accord.simulation.people import BANDS, FIFTHS, People
from accord.simulation.practices import Practice
from accord.simulation.results import GROUPS, LAZY, RESULTS
from accord.simulation.system import noise, seed_of
from accord.simulation.tables import ONE, Tables
from accord.simulation.years import Years

Numbers = NDArray[np.float64]

Step = Callable[[str], None]


def quiet(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that draws need: the people, the model, the cases with what behaviour does in each.

    The first case is always no contract change.
    """

    place: LocalPlace
    years: Years
    seed: int
    people: People
    practices: Sequence[Practice]
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
            this_year = change[:, :, year : year + 1]
            after = made.engine.simulate(Part(now, 1, seed, this_year, first_year=year, after=after), made.tables)
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
