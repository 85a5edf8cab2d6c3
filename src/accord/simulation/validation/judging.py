"""Judging: whether simulated people answer what was published, target by target."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accord.simulation.validation.answering import ask
from accord.simulation.validation.asked import Asked, Unanswerable, drawn_of
from accord.simulation.validation.query import Who
from accord.simulation.validation.target import Target

PEOPLE = 200_000
"""People that are drawn where a distribution over people is asked."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A target, what simulated people answer, and whether that is near enough.

    Attributes:
        result: the answer; none if there is nobody to ask, and ``note`` says so.
        low, high: what the target's tolerance accepts.
        inside: whether the answer lies there.
        doubt: its standard error by chance, where people were drawn for it.
    """

    target: Target
    result: float | None
    low: float
    high: float
    inside: bool
    doubt: float | None
    note: str


def judge(
    targets: Sequence[Target],
    seed: int = 1,
    people: int = PEOPLE,
    progress: Callable[[str, int, int], None] | None = None,
) -> tuple[Judged, ...]:
    """Ask every target of simulated people.

    Args:
        targets: what was published.
        seed: of the people drawn; the same seed gives the same answers.
        people: how many are drawn where a distribution is asked; expected values have no chance in them.
        progress: called after each target with its title, how many are done, and of how many.
    """
    ahead: dict[Who, int] = {}
    last: dict[Who, int] = {}
    for number, target in enumerate(targets):
        for who, years in drawn_of(target.query).items():
            ahead[who] = max(ahead.get(who, 0), years)
            last[who] = number
    asked = Asked(seed, people, ahead)
    found: list[Judged] = []
    for number, target in enumerate(targets):
        found.append(_judged(asked, target))
        for who in [who for who, at in last.items() if at == number]:
            asked.forget(who)
        if progress is not None:
            progress(target.title, number + 1, len(targets))
    return tuple(found)


def _judged(asked: Asked, target: Target) -> Judged:
    try:
        answer = ask(asked, target.query)
    except Unanswerable as error:
        return Judged(target, None, target.low, target.high, False, None, str(error))
    if not math.isfinite(answer.value):
        note = "a model with these figures has no answer"
        return Judged(target, None, target.low, target.high, False, None, note)
    inside = target.low <= answer.value <= target.high
    edge = min(abs(answer.value - target.low), abs(answer.value - target.high))
    note = answer.note
    if answer.doubt is not None and edge < 2 * answer.doubt:
        note = "within two standard errors of the edge: more people would tell"
    return Judged(target, answer.value, target.low, target.high, inside, answer.doubt, note)
