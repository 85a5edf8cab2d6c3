"""A practice of a written record: its people's lives and events, and what draws of its own are for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from accord.simulation.chapters.writer import Made, Values, Writer
from accord.simulation.events import KINDS, Events
from accord.simulation.lives import Calendar, Chance, Lives
from accord.simulation.model import Model
from accord.simulation.population import Population, value

OUTPATIENT, CONSULTATION = KINDS.index("outpatient"), KINDS.index("consultations")

CONTACTS = ("outpatient", "consultations", "community", "mental_health")
"""Streams that are written down contact by contact. Social care and medicines of the record come from who is frail."""

COMMUNITY, MENTAL_HEALTH = KINDS.index("community"), KINDS.index("mental_health")

# purposes of draws; 0 is taken by lives
(
    ADMITTED, ENTERED, DISCHARGED, VISITED, SEEN, CONSULTED, OUTPATIENTS, REFERRED, COMMUNITIES, MINDS, HOMES, PLACES,
    FRAIL, COMPLEX, ELECTIVE_DAYS, REABLED, DEATHS, PLANNED, SURVEYED, REVIEWED, PRESSURES, GLUCOSE, PRESCRIBED,
) = range(1, 24)  # fmt: skip

ON_REGISTER = 64

OF_PRACTICE = 16
"""From this purpose on: standard scores of practices (see :func:`accord.simulation.population.practice_normals`)."""

CONTINUITY, PLANS, ACCESS, COORDINATION, RECORDED = range(OF_PRACTICE, OF_PRACTICE + 5)


@dataclass(frozen=True, slots=True)
class World:
    """What is the same for every practice."""

    population: Population
    model: Model
    days: Calendar
    seed: int
    registers: NDArray[np.float64]
    areas: Mapping[tuple[str, int], tuple[str, ...]]
    elsewhere: Mapping[str, str]
    """A network of another council, for those who live there."""
    scores: Mapping[int, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Practice:
    """One practice while it is written."""

    world: World
    number: int
    chance: Chance
    happened: Events
    lives: Lives
    persons: NDArray[np.int64]
    homes: NDArray[np.int64]
    """The first day of each person in a care home, or ``NEVER``."""
    stages: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    """Persons, days and states: who they were on arrival, and each time their state changed."""
    writer: Writer

    @property
    def code(self) -> str:
        """Its organisation code."""
        return self.world.population.practices[self.number].code

    def of(self, kind: int) -> NDArray[np.int64]:
        """Places of the events of a kind."""
        return np.flatnonzero(self.happened.kind == kind)

    def share(self, name: str, score: int, spread: str) -> float:
        """A share as it is in this practice."""
        return float(np.clip(value(name) + value(spread) * self.world.scores[score][self.number], 0.02, 0.98))

    def write(self, name: str, persons: NDArray[np.int64] | None, made: Made) -> None:
        """Write rows of a table, of some of its people or of nobody."""
        rows: dict[str, Values | pa.Array] = {} if persons is None else {"person": self.persons[persons]}
        self.writer.write(name, rows | dict(made))


def years_of(practice: Practice) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Each year with the first day and the number of days on which each person is there (0: not at all)."""
    lived, days = practice.lives, practice.world.days
    for year in range(days.years):
        first = np.maximum(lived.since, days.first[12 * year])
        last = np.minimum(lived.last, days.first[12 * year + 12])
        yield year, first, np.maximum(last - first, 0)
