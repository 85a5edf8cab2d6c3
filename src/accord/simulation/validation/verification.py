"""Verification: does the simulation do what it says? Counts that must balance, limits that theory knows, relations.

A check is exact, or it compares a draw with what theory expects of it and says how probable so large a difference is
where nothing is wrong. All checks of the second kind together raise a false alarm in one run of a thousand: each is
held to its part of that (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from accord.simulation.model import Model, model
from accord.simulation.people import People
from accord.simulation.population import Population, populate
from accord.simulation.tables import Tables, tables

FALSE_ALARM = 1e-3
"""The chance that any of all checks fails where nothing is wrong."""

YEARS = 3
"""Years that are simulated where nothing else is said."""

KINDS = {
    "conservation": "Nothing is lost and nothing is counted twice",
    "limits": "Where theory knows the answer, the engine gives it",
    "engines": "The engine of persons and the engine of expectations agree",
    "relations": "Every figure moves what it should, and nothing else",
}
"""The kinds of checks, and what those of a kind show."""

Progress = Callable[[str, int, int], None]
"""Told what is being checked, how many parts are done, and of how many."""

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must hold.

    Attributes:
        kind: one of ``KINDS``.
        name: short and unlike any other.
        what: what must hold and why, in a sentence.
        expected, found: in words and figures.
        differs: whether what must be the same to the last bit is not.
        chance: how probable a difference as large as the one found is, where nothing is wrong; none for exact checks.
        least: the chance below which the check fails.
    """

    kind: str
    name: str
    what: str
    expected: str
    found: str
    differs: bool = False
    chance: float | None = None
    least: float = FALSE_ALARM

    @property
    def held(self) -> bool:
        """Whether it held."""
        return not self.differs and (self.chance is None or self.chance >= self.least)

    @property
    def tolerance(self) -> str:
        """What it is held to, in words."""
        if self.chance is None:
            return "exact"
        return f"within {errors_of(self.least):.1f} standard errors"

    @property
    def errors(self) -> float | None:
        """How many standard errors of a normal distribution the difference is worth."""
        return None if self.chance is None else errors_of(self.chance)


@dataclass(frozen=True, slots=True)
class Given:
    """What is verified: the model as it is committed, and a made place that it is tried on.

    ``people`` of the place have the births of ``YEARS`` years among them.
    """

    model: Model
    tables: Tables
    place: Population
    seed: int

    @property
    def people(self) -> People:
        """The people of the place."""
        return self.place.people


def percent(now: float, was: float) -> str:
    """A change in per cent, with its sign; the number itself where there was nothing before."""
    if not was:
        return f"{now:+g}"
    text = f"{now / was - 1:+.2%}".replace("-", "−")
    return text.lstrip("+−") if text in ("+0.00%", "−0.00%") else text


def errors_of(chance: float) -> float:
    """How many standard errors a difference is worth that has such a chance, on both sides."""
    return float(-special.ndtri(max(chance, 1e-300) / 2))


def chance_of(errors: float) -> float:
    """The chance of a difference of so many standard errors or more, on both sides."""
    return float(2 * special.ndtr(-abs(errors)))


def given(people: int, seed: int) -> Given:
    """The committed model and a made place of so many people."""
    built = model()
    return Given(built, tables(built), populate(people, seed, YEARS), seed)


def quiet(_title: str, _done: int, _of: int) -> None:
    """Say nothing."""


def verify(people: int = 200_000, seed: int = 1, progress: Progress = quiet) -> tuple[Check, ...]:
    """Check everything.

    Args:
        people: how many people the made place has; more people find smaller faults.
        seed: which chance.
        progress: told what is being checked.

    Raises:
        DataRefused: so many people cannot be a place.
    """
    from accord.simulation.validation import conservation, engines, limits, relations

    parts: Sequence[tuple[str, Callable[[Given], Iterator[Check]]]] = (
        ("what must balance", conservation.checks),
        ("what theory knows", limits.checks),
        ("both engines", engines.checks),
        ("what must stay as it is", relations.invariances),
        ("every behaviour", relations.behaviours),
        ("every figure of the model", relations.figures),
    )
    progress("making people", 0, len(parts))
    made = given(people, seed)
    found: list[Check] = []
    for done, (title, part) in enumerate(parts):
        progress(title, done, len(parts))
        found += part(made)
    return shared(found)


def shared(checks: Sequence[Check]) -> tuple[Check, ...]:
    """The checks, each held to its part of the chance of a false alarm."""
    drawn = sum(check.chance is not None for check in checks)
    return tuple(replace(check, least=FALSE_ALARM / max(drawn, 1)) for check in checks)
