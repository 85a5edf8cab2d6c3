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
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest
from accord.place.case import Case, case_of, doubts
from accord.place.kept import activity_table, money_table, people_table, together
from accord.place.manifest import manifest_of
from accord.place.place import LocalPlace, population_of
from accord.place.probing import answered, bounds
from accord.place.stage import Stage, Step, draw_worlds, quiet
from accord.simulation.cohort_engine import cohort, expect
from accord.simulation.counted import rates_of
from accord.simulation.model import STREAMS, model
from accord.simulation.partitions import LOCAL, Engine
from accord.simulation.results import RESULTS
from accord.simulation.scenario import no_change
from accord.simulation.tables import tables
from accord.simulation.worlds import settle_worlds
from accord.simulation.years import Years

if TYPE_CHECKING:
    import pyarrow as pa


BATCH = 10
"""Draws that are made, settled and kept together."""


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
        made = case_of(place, scenario, span, problems)
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
        notes=(*doubts(cases, practices), *there.notes),
        engine=engine,
        given=there.given,
        by_practice=there.by_practice,
    )
    on_step("probing what is at stake")
    return answered(first, on_step)


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
        if (kept := _kept(here)) is not None:
            used.update(dict.fromkeys(kept))
            reused += 1
            continue
        used.update(dict.fromkeys(_batch(made, batch, here)))
    on_step("putting the draws together")
    together(folder, [parts / f"{batch[0]:06d}-{batch[-1]:06d}" for batch in batches])
    notes = [*made.notes, *(f"{text}" for text in used)]
    manifest = {**identity, "draws": draws, "notes": notes}
    _write(folder / "manifest.json", manifest)
    return Run(folder, manifest, made, reused)


def _kept(here: Path) -> list[str] | None:
    """What a finished batch used; None if there is none, or if a file of it is not as it was written (a full disk)."""
    try:
        done = json.loads((here / "done.json").read_text(encoding="utf-8"))
        whole = all(_digest(here / name) == digest for name, digest in done["files"].items())
    except (OSError, ValueError, KeyError):
        return None
    return done["used"] if whole else None


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
    files = {path.name: _digest(path) for path in sorted(temporary.glob("*.parquet"))}
    (temporary / "done.json").write_text(json.dumps({"used": list(settled.used), "files": files}), encoding="utf-8")
    shutil.rmtree(into, ignore_errors=True)
    temporary.rename(into)
    return settled.used
