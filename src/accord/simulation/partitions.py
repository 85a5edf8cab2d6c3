"""Partitions: the person engine over parts of a population, on this machine or on Spark, with the same bytes.

What happens to a person is a function of the seed and of the person's number in the whole population, and counts are
whole numbers by practice. So a population may be cut anywhere between two practices: each part is told the number of
its first person, is simulated by the same compiled code, and the counts are put next to each other again.
"""

# pyspark has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, shortened
from accord.settlement.calls import Misused
from accord.simulation import person_engine
from accord.simulation.people import People
from accord.simulation.person_engine import Outcome
from accord.simulation.tables import Tables

PEOPLE_EACH = 1_000_000
"""The most people of a partition on Spark, unless a practice has more: a task then takes some hundred megabytes."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some practices of a population with all that simulating them needs, but the model.

    ``first_person`` is the number of the first of ``people`` in the whole population; the attributes are the arguments
    of :func:`accord.simulation.person_engine.simulate`.
    """

    people: People
    years: int
    seed: int
    change: NDArray[np.uint32] | None = None
    first_person: int = 0
    first_year: int = 0
    after: Outcome | None = None

    def simulated(self, tables: Tables) -> Outcome:
        """What happens to these people."""
        return person_engine.simulate(
            self.people,
            tables,
            self.years,
            self.seed,
            self.change,
            first_person=self.first_person,
            first_year=self.first_year,
            after=self.after,
        )

    def cut(self, bounds: Sequence[int]) -> list[Part]:
        """The part in parts: from each of some practices to the next. The bounds begin with 0 and end with all."""
        return [self._from(first, last) for first, last in pairwise(bounds)]

    def _from(self, first: int, last: int) -> Part:
        people, after = self.people, self.after
        begin, end = int(people.offsets[first]), int(people.offsets[last])
        return replace(
            self,
            people=People(
                people.offsets[first : last + 1] - begin,
                people.months[begin:end],
                people.cell[begin:end],
                people.state[begin:end],
                people.burden[begin:end],
            ),
            change=None if self.change is None else self.change[:, first:last],
            first_person=self.first_person + begin,
            # what was counted before is not needed to go on
            after=after and Outcome(after.counts[:, :0], after.end[:, begin:end], after.burden[:, begin:end]),
        )


def together(parts: Sequence[Outcome]) -> Outcome:
    """What happened in all parts, in their order."""
    return Outcome(
        np.concatenate([part.counts for part in parts], axis=1),
        np.concatenate([part.end for part in parts], axis=1),
        np.concatenate([part.burden for part in parts], axis=1),
    )


class Engine(Protocol):
    """Whatever simulates people."""

    def simulate(self, whole: Part, tables: Tables) -> Outcome:
        """What happens to people under a model."""
        ...


@dataclass(frozen=True, slots=True)
class Local:
    """This machine: all practices in one go, with as many threads as numba has."""

    def simulate(self, whole: Part, tables: Tables) -> Outcome:
        """What happens to people under a model."""
        return whole.simulated(tables)


class Spark:
    """Spark: every partition of practices is a task, which uses one thread."""

    def __init__(self, partitions: int | None = None, threads: int | None = None, memory: str | None = None) -> None:
        """Start Spark, if this process has none yet.

        Args:
            partitions: into how many parts people are cut; by their number and the tasks at a time if not said.
            threads: how many tasks at a time on this machine; all of its processors if not said.
            memory: how much the Java of Spark may use, such as ``8GB``.

        Raises:
            DataRefused: PySpark or Java is not here, or Spark does not start.
        """
        from accord.record.engines.spark import started

        self._context = started(threads, memory, instead="local").sparkContext
        self._partitions = partitions
        self._sent: tuple[Tables, Any] | None = None

    def simulate(self, whole: Part, tables: Tables) -> Outcome:
        """What happens to people under a model.

        Raises:
            DataRefused: a task of Spark did not end well.
        """
        from py4j.protocol import Py4JError

        people = whole.people
        number = self._partitions or max(self._context.defaultParallelism, -(-len(people) // PEOPLE_EACH))
        parts = whole.cut(people.bounds(number))
        model = self._model(tables)
        try:
            return together(self._context.parallelize(parts, len(parts)).map(_Task(model)).collect())
        except Py4JError as error:
            message = f"Spark stopped: {shortened(str(error), 300)}"
            raise DataRefused(Problem(Place("--engine", 0, 0), message, "look at its tasks; or use local")) from error

    def _model(self, tables: Tables) -> Any:
        """The model as Spark holds it: sent to where tasks run once, however many draws there are."""
        if self._sent is None or self._sent[0] is not tables:
            if self._sent is not None:
                self._sent[1].destroy()
            self._sent = (tables, self._context.broadcast(tables))
        return self._sent[1]


class _Task:
    """What Spark does with a part."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __call__(self, part: Part) -> Outcome:
        import numba

        numba.set_num_threads(1)
        return part.simulated(self._model.value)


LOCAL = Local()
"""The engine that is used where no other is asked for."""

ENGINES = ("local", "spark")
"""The names of the engines."""


def engine(name: str) -> Engine:
    """The engine of a name.

    Raises:
        Misused: there is none of this name.
        DataRefused: what it needs is not here.
    """
    if name not in ENGINES:
        raise Misused(Problem(Place("--engine", 0, 0), f"there is no engine {name}", " or ".join(ENGINES)))
    return LOCAL if name == "local" else Spark()
