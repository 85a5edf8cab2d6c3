"""When each step of a plan runs: which columns of a frame are computed in one statement.

A column of a row can be computed together with others of that row unless something that crosses rows lies between them.
So every step has a stage: reading another relation, or what a step across rows has made, needs an earlier stage; reading
a column of the same row does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from accord.engine.plan import (
    Compute,
    Element,
    Expr,
    Found,
    Gathering,
    Loop,
    OwnColumn,
    Plan,
    Ranking,
    Read,
    Sharing,
    Verify,
    everything,
)

RESULT = "result"


@dataclass(slots=True)
class Stage:
    """What is computed of one frame in one statement, and the steps across rows that start from there."""

    frame: str
    number: int
    computes: list[Compute] = field(default_factory=list[Compute])
    verifies: list[Verify] = field(default_factory=list[Verify])
    gatherings: dict[tuple[int, ...], list[Gathering]] = field(default_factory=dict[tuple[int, ...], list[Gathering]])
    """By what they match, so that those with the same groups are one statement."""
    others: list[Ranking | Sharing] = field(default_factory=list[Ranking | Sharing])
    kept: bool = False
    """Whether its columns must become a table: more than one statement reads them, or a later one does."""
    last: bool = False
    """Whether the frame's result follows directly from it."""


@dataclass(slots=True)
class Schedule:
    """The stages by number, loops before them, and until which stage each column of a frame is read."""

    stages: dict[int, list[Stage]]
    loops: dict[int, list[Loop]]
    last_read: dict[tuple[str, str], int]
    """(frame, column) -> the last stage whose statement on that frame reads it as a column of the row."""
    end: int


def own_table_column(relation: str, column: str) -> str:
    """The name under which a frame holds a column of the table that its rows are."""
    return f"{relation}.{column}"


def schedule(plan: Plan) -> Schedule:
    """Schedule a plan."""
    own: dict[tuple[str, str], int] = {}
    available: dict[tuple[str, str], int] = {}
    stages: dict[tuple[int, str], Stage] = {}
    loops: dict[int, list[Loop]] = {}
    others_read: set[tuple[str, str]] = set()
    last_read: dict[tuple[str, str], int] = {}

    def need(frame: str, exprs: Iterable[Expr], together: bool) -> int:
        """The first stage at which these can be evaluated; ``together``: in one statement with the row's columns."""
        stage = 0
        for expr in everything(exprs):
            match expr:
                case OwnColumn(name=name):
                    at = own.get((frame, name)) if together else None
                    stage = max(stage, available.get((frame, name), 0) if at is None else at)
                case Read(lookup=lookup, column=column) | Element(lookup=lookup, column=column):
                    stage = max(stage, available.get((lookup.relation, column), 0))
                case Found(lookup=lookup):
                    stage = max(stage, available.get((lookup.relation, "value"), 0))
                case _:
                    pass
        return stage

    def note(frame: str, exprs: Iterable[Expr], stage: int) -> None:
        """Remember what a statement on a frame reads."""
        for expr in everything(exprs):
            match expr:
                case OwnColumn(name=name):
                    last_read[(frame, name)] = max(last_read.get((frame, name), 0), stage)
                case Read(lookup=lookup, column=column):
                    others_read.add((lookup.relation, column))
                    at = (frame, own_table_column(lookup.relation, column))
                    last_read[at] = max(last_read.get(at, 0), stage)
                case _:
                    pass

    def stage_of(frame: str, number: int) -> Stage:
        found = stages.get((number, frame))
        if found is None:
            found = stages[(number, frame)] = Stage(frame, number)
        return found

    for step in plan.steps:
        match step:
            case Compute(frame=frame, column=column, expr=expr):
                at = need(frame, [expr], True)
                own[(frame, column)] = at
                available[(frame, column)] = at + 1
                stage_of(frame, at).computes.append(step)
                note(frame, [expr], at)
            case Verify(frame=frame, expr=expr):
                at = need(frame, [expr], True)
                stage_of(frame, at).verifies.append(step)
                note(frame, [expr], at)
            case Gathering(frame=frame, name=name):
                at = need(frame, step.exprs, True)
                available[(name, "value")] = at + 1
                stage_of(frame, at).gatherings.setdefault(tuple(map(id, step.match)), []).append(step)
                note(frame, step.exprs, at)
            case Ranking(frame=frame, column=column) | Sharing(frame=frame, column=column):
                at = need(frame, step.exprs, True)
                available[(frame, column)] = at + 1
                stage_of(frame, at).others.append(step)
                note(frame, step.exprs, at)
            case Loop(steps=inner, labels=labels):
                made: set[tuple[str, str]] = set()
                at = 0
                for part in inner:
                    assert not isinstance(part, Loop)
                    outside = [e for e in everything(part.exprs) if not _made_in(part.frame, e, made)]
                    for expr in outside:
                        at = max(at, _alone(part.frame, expr, available))
                    if isinstance(part, Gathering):
                        made.add((part.name, "value"))
                    elif not isinstance(part, Verify):
                        made.add((part.frame, part.column))
                for frame, expr in labels.items():
                    at = max(at, need(frame, [expr], False))
                for relation, column in made:
                    available[(relation, column)] = at + 1
                loops.setdefault(at, []).append(step)
                for part in inner:
                    assert not isinstance(part, Loop)
                    note(part.frame, part.exprs, at)
                    for expr in everything(part.exprs):
                        if isinstance(expr, OwnColumn):
                            others_read.add((part.frame, expr.name))
                for frame, expr in labels.items():
                    note(frame, [expr], at)
    end = max([number for number, _ in stages] + list(loops), default=0) + 1
    by_number: dict[int, list[Stage]] = {}
    last_stage: dict[str, int] = {}
    for number, frame in stages:
        last_stage[frame] = max(last_stage.get(frame, 0), number)
    for (number, frame), stage in sorted(stages.items(), key=lambda pair: pair[0]):
        by_number.setdefault(number, []).append(stage)
        results = plan.results.get(frame, ())
        stage.last = bool(results) and number == last_stage[frame]
        columns = {step.column for step in stage.computes}
        later = any(
            last_read.get((frame, column), 0) > number
            or (frame, column) in others_read
            or (column in results and not stage.last)
            for column in columns
        )
        statements = len(stage.gatherings) + len(stage.others) + (1 if stage.last else 0)
        stage.kept = bool(columns) and (later or statements > 1 or bool(stage.others))
    for frame, columns in plan.results.items():
        for column in columns:
            last_read[(frame, column)] = end
    return Schedule(by_number, loops, last_read, end)


def _made_in(frame: str, expr: Expr, made: set[tuple[str, str]]) -> bool:
    match expr:
        case OwnColumn(name=name):
            return (frame, name) in made
        case Read(lookup=lookup, column=column) | Element(lookup=lookup, column=column):
            return (lookup.relation, column) in made
        case Found(lookup=lookup):
            return (lookup.relation, "value") in made
        case _:
            return False


def _alone(frame: str, expr: Expr, available: dict[tuple[str, str], int]) -> int:
    match expr:
        case OwnColumn(name=name):
            return available.get((frame, name), 0)
        case Read(lookup=lookup, column=column) | Element(lookup=lookup, column=column):
            return available.get((lookup.relation, column), 0)
        case Found(lookup=lookup):
            return available.get((lookup.relation, "value"), 0)
        case _:
            return 0
