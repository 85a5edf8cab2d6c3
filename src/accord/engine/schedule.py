"""When each step of a plan runs: which columns of a frame are computed in one statement.

A column of a row can be computed together with others of that row unless something that crosses rows lies between
them. So every step has a stage: reading another relation, or what a step across rows has made, needs an earlier stage;
reading a column of the same row does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from accord.engine.expressions import Element, Expr, Found, OwnColumn, Read, everything
from accord.engine.steps import Compute, Gathering, Loop, Plan, Ranking, Sharing, Step, Verify


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
    """(frame, column) -> the last moment at which a statement reads it, of that frame or of another."""
    end: int

    def moment(self, stage: int) -> int:
        """The moment at which the columns of a stage are computed; the next one is that of steps across rows."""
        return 2 * stage


def own_table_column(relation: str, column: str) -> str:
    """The name under which a frame holds a column of the table that its rows are."""
    return f"{relation}.{column}"


def schedule(plan: Plan) -> Schedule:
    """Schedule a plan: everything as late as it can be without adding a stage, so that more is computed together."""
    earliest = _earliest(plan)
    latest = _latest(plan, earliest)
    last_read, others_read = _reading(plan, latest)
    stages: dict[tuple[int, str], Stage] = {}
    loops: dict[int, list[Loop]] = {}

    def stage_of(frame: str, number: int) -> Stage:
        return stages.setdefault((number, frame), Stage(frame, number))

    for at, step in zip(latest, plan.steps, strict=True):
        match step:
            case Compute(frame=frame):
                stage_of(frame, at).computes.append(step)
            case Verify(frame=frame):
                stage_of(frame, at).verifies.append(step)
            case Gathering(frame=frame, match=match):
                stage_of(frame, at).gatherings.setdefault(tuple(map(id, match)), []).append(step)
            case Ranking(frame=frame) | Sharing(frame=frame):
                stage_of(frame, at).others.append(step)
            case Loop():
                loops.setdefault(at, []).append(step)
    end = max(latest, default=0) + 1
    last_stage: dict[str, int] = {}
    for number, frame in stages:
        last_stage[frame] = max(last_stage.get(frame, 0), number)
    by_number: dict[int, list[Stage]] = {}
    for (number, frame), stage in sorted(stages.items(), key=lambda pair: pair[0]):
        by_number.setdefault(number, []).append(stage)
        results = plan.results.get(frame, ())
        stage.last = bool(results) and number == last_stage[frame]
        columns = {step.column for step in stage.computes}
        later = any(
            last_read.get((frame, column), 0) > 2 * number + 1
            or (frame, column) in others_read
            or (column in results and not stage.last)
            for column in columns
        )
        statements = len(stage.gatherings) + len(stage.others) + (1 if stage.last else 0)
        stage.kept = bool(columns) and (later or statements > 1 or bool(stage.others))
    for frame, columns in plan.results.items():
        for column in columns:
            last_read[(frame, column)] = 2 * end
    return Schedule(by_number, loops, last_read, end)


def _steps_of(step: Step) -> tuple[Step, ...]:
    return step.steps if isinstance(step, Loop) else (step,)


def _made_by(step: Step) -> list[tuple[str, str]]:
    """What a step makes: (relation, column)."""
    match step:
        case Gathering(name=name):
            return [(name, "value")]
        case Verify():
            return []
        case Loop(steps=steps):
            return [made for part in steps for made in _made_by(part)]
        case _:
            return [(step.frame, step.column)]


def _read_by(step: Step) -> Iterator[tuple[str, str, bool]]:
    """What a step reads: (relation, column, whether as a column of the row at hand)."""
    exprs: list[tuple[str, Expr]] = []
    for part in _steps_of(step):
        assert not isinstance(part, Loop)
        exprs += [(part.frame, expr) for expr in everything(part.exprs)]
    if isinstance(step, Loop):
        for frame, label in step.labels.items():
            exprs += [(frame, expr) for expr in everything([label])]
    for frame, expr in exprs:
        match expr:
            case OwnColumn(name=name):
                yield frame, name, True
            case Read(lookup=lookup, column=column) | Element(lookup=lookup, column=column):
                yield lookup.relation, column, False
            case Found(lookup=lookup):
                yield lookup.relation, "value", False
            case _:
                pass


def _makers(plan: Plan) -> dict[tuple[str, str], int]:
    return {made: number for number, step in enumerate(plan.steps) for made in _made_by(step)}


def _together(maker: Step, reader: Step, own: bool) -> bool:
    """Whether a reader can stand in the same stage as what it reads: a column of its own row, computed there."""
    return own and isinstance(maker, Compute) and not isinstance(reader, Loop)


def _earliest(plan: Plan) -> list[int]:
    """The first stage at which each step can run."""
    makers = _makers(plan)
    found: list[int] = []
    for number, step in enumerate(plan.steps):
        at = 0
        for relation, column, own in _read_by(step):
            maker = makers.get((relation, column))
            if maker is not None and maker != number:
                at = max(at, found[maker] + (0 if _together(plan.steps[maker], step, own) else 1))
        found.append(at)
    return found


def _latest(plan: Plan, earliest: list[int]) -> list[int]:
    """The last stage at which each step can run, where nothing runs later than the last thing of its frame must."""
    makers = _makers(plan)
    lasts: dict[str, int] = {}
    for at, step in zip(earliest, plan.steps, strict=True):
        if not isinstance(step, Loop):
            lasts[step.frame] = max(lasts.get(step.frame, 0), at)
    found = [
        at if isinstance(step, Loop) else max(at, lasts[step.frame])
        for at, step in zip(earliest, plan.steps, strict=True)
    ]
    for number in range(len(plan.steps) - 1, -1, -1):
        step = plan.steps[number]
        for relation, column, own in _read_by(step):
            maker = makers.get((relation, column))
            if maker is not None and maker != number:
                limit = found[number] - (0 if _together(plan.steps[maker], step, own) else 1)
                found[maker] = min(found[maker], limit)
    return found


def _reading(plan: Plan, stages: list[int]) -> tuple[dict[tuple[str, str], int], set[tuple[str, str]]]:
    """When each frame last reads a column of its row, and what is read from elsewhere."""
    last_read: dict[tuple[str, str], int] = {}
    others_read: set[tuple[str, str]] = set()
    for at, step in zip(stages, plan.steps, strict=True):
        moment = 2 * at + (0 if isinstance(step, Compute | Verify) else -1 if isinstance(step, Loop) else 1)
        for part in _steps_of(step):
            assert not isinstance(part, Loop)
            for relation, column, own in _read_by(part):
                if own:
                    last_read[(relation, column)] = max(last_read.get((relation, column), -1), moment)
                    if isinstance(step, Loop):
                        others_read.add((relation, column))
                else:
                    others_read.add((relation, column))
                    # where it stands it stays until other rows have read it, even if none of its own row does by then
                    for held in ((relation, column), (part.frame, own_table_column(relation, column))):
                        last_read[held] = max(last_read.get(held, -1), moment)
    return last_read, others_read
