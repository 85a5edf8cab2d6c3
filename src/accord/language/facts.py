"""What a condition makes certain: that a number is not zero, that a value is not missing.

``case when x > 0 then y / x`` divides safely; ``filter (where x is not null)`` sums what is there. Facts are about
formulas as written, so that what was tested and what is used must read the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from accord.language.formula import Call, Formula, Name, Number, Operation, RankOver, children, walk


@dataclass(frozen=True, slots=True)
class Fact:
    """Something certain about a formula: not zero, or present (not missing)."""

    what: Literal["nonzero", "present"]
    formula: Formula


Facts = frozenset[Fact]
NOTHING: Facts = frozenset()


def _is_zero(formula: Formula) -> bool:
    return isinstance(formula, Number) and formula.text == "0"


def certain(condition: Formula, truth: bool) -> Facts:
    """What is certain when ``condition`` is known to be ``truth``."""
    if not isinstance(condition, Operation):
        return NOTHING
    operator, operands = condition.operator, condition.operands
    if operator == "not":
        return certain(operands[0], not truth)
    if (operator == "and" and truth) or (operator == "or" and not truth):
        return certain(operands[0], truth) | certain(operands[1], truth)
    if (operator == "is not null" and truth) or (operator == "is null" and not truth):
        return frozenset({Fact("present", operands[0])})
    if operator not in ("=", "<>", "<", "<=", ">", ">="):
        return NOTHING
    left, right = operands
    unequal = operator in ("<", ">", "<>") if truth else operator in ("=", "<=", ">=")
    # a comparison that is true (or false) had both its sides: neither was missing
    found = {Fact("present", left), Fact("present", right)}
    if unequal:
        place = condition.place
        if _is_zero(right):
            found.add(Fact("nonzero", left))
        elif _is_zero(left):
            found.add(Fact("nonzero", right))
        else:
            found.add(Fact("nonzero", Operation(place, "-", (left, right))))
            found.add(Fact("nonzero", Operation(place, "-", (right, left))))
    return frozenset(found)


def crosses_rows(formula: Formula) -> bool:
    """Whether the formula reads other rows than the one at hand, so that it means another thing at other keys."""
    return any(isinstance(part, (Call, RankOver)) for part in walk(formula))


@dataclass(frozen=True, slots=True)
class NamesRead:
    """The names a formula reads: in the same period, and only through prior() or trailing_avg()."""

    now: frozenset[str]
    before: frozenset[str]


def names_read(formula: Formula) -> NamesRead:
    """Which names a formula reads now and which before, as written (keys and roles not yet followed)."""
    now: set[str] = set()
    before: set[str] = set()
    waiting = [formula]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Name):
            now.add(part.name)
        if isinstance(part, Call) and part.name == "prior":
            before |= {inner.name for inner in walk(part) if isinstance(inner, Name)}
        else:
            waiting.extend(children(part))
    return NamesRead(frozenset(now), frozenset(before - now))


def names_in(formula: Formula) -> set[str]:
    """Every name the formula reads, and every function or scale it calls."""
    return {part.name for part in walk(formula) if isinstance(part, (Name, Call))}
