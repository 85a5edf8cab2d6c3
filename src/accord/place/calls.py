"""The Python calls of the place room: what ``accord simulate`` does, without a terminal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accord.language.place import Place
from accord.language.problem import Problem
from accord.place import futures, report
from accord.place.futures import Run
from accord.place.luck import Luck, luck
from accord.place.place import read_place
from accord.place.stage import Step, quiet
from accord.place.summary import Summary, chance_of, summary
from accord.place.uncertainty import Uncertainty, uncertainty
from accord.settlement.calls import Misused
from accord.settlement.run import safe_cell
from accord.simulation.partitions import LOCAL, Engine
from accord.simulation.system import wrong_seed

LONGEST, MOST_DRAWS = 10, 100_000
"""The most years and draws of a run."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """A run, what it comes to, how sure it is, and how often luck pays."""

    run: Run
    summary: Summary
    uncertain: Uncertainty | None
    lucky: tuple[Luck, ...]
    written: tuple[Path, ...]

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data; money in pence."""
        return {
            "run": self.run.manifest["run"],
            "folder": str(self.run.folder),
            "manifest": self.run.manifest,
            "summary": self.summary.as_json(),
            "uncertainty": None if self.uncertain is None else self.uncertain.as_json(),
            "luck": [{**asdict(one), "chance": one.chance, "penalty": one.chance_of_penalty} for one in self.lucky],
            "written": [str(path) for path in self.written],
        }


def simulate(
    place: str | Path,
    *,
    years: int = 3,
    draws: int = 50,
    seed: int = 1,
    scenarios: Sequence[str] | None = None,
    out: str | Path | None = None,
    html: str | Path | None = None,
    csv: bool = False,
    thorough: bool = True,
    engine: Engine = LOCAL,
    on_step: Step = quiet,
    on_share: Callable[[int, int], None] | None = None,
) -> Simulated:
    """Simulate the futures of a place under its contracts and scenarios, beside no contract change.

    Args:
        place: a folder with ``place.yaml``.
        years: how many, 1 to 10.
        draws: how many draws of chance.
        seed: which chance.
        scenarios: some of the place's scenarios; all of them otherwise.
        out: where runs are kept; ``futures`` in the place otherwise.
        html: a page to write.
        csv: write the tables as CSV beside the Parquet files.
        thorough: try other figures and sizes too, and how often luck pays.
        engine: what simulates the draws; the same bytes whichever it is.
        on_step: told what is being done.
        on_share: told how much of the draws is done.

    Raises:
        Misused: years, draws or seed that cannot be.
        NotFound: there is no place.
        DataRefused, ContractRefused, SettlementStopped: something in the place cannot be used.
    """
    problems: list[Problem] = []
    if not 1 <= years <= LONGEST:
        problems.append(Problem(Place("--years", 0, 0), f"{years} years cannot be simulated", f"1 to {LONGEST}"))
    if not 1 <= draws <= MOST_DRAWS:
        problems.append(Problem(Place("--draws", 0, 0), f"{draws} draws cannot be made", f"1 to {MOST_DRAWS:,}"))
    problems += wrong_seed(seed)
    if problems:
        raise Misused(problems)
    on_step("reading the place")
    found = read_place(Path(place))
    staged = futures.stage(found, years=years, seed=seed, scenarios=scenarios, engine=engine, on_step=on_step)
    into = Path(out) if out is not None else found.folder / "futures"
    run = futures.run(staged, draws, into, on_step=on_step, on_share=on_share)
    on_step("summing up")
    made = summary(run)
    uncertain: Uncertainty | None = None
    lucky: tuple[Luck, ...] = ()
    if thorough:
        uncertain = uncertainty(staged, chance_of(made), on_step=on_step)
        on_step("how often luck alone pays")
        lucky = _lucky(into, run)
    written: list[Path] = []
    _keep(run.folder / "summary.json", made.as_json())
    if uncertain is not None:
        _keep(run.folder / "uncertainty.json", uncertain.as_json())
    if csv:
        written += [_as_csv(run, name) for name in ("activity", "people", "money")]
    if html is not None:
        Path(html).write_text(report.html(run, made, uncertain, lucky), encoding="utf-8")
        written.append(Path(html))
    return Simulated(run, made, uncertain, lucky, tuple(written))


def _as_csv(run: Run, name: str) -> Path:
    import pyarrow as pa
    from pyarrow import csv

    table = run.table(name)
    for number, field in enumerate(table.schema):
        if pa.types.is_string(field.type):  # what organisations are called comes from whoever made the place
            held = table.column(number).combine_chunks().dictionary_encode()
            texts = pa.array([safe_cell(text) for text in held.dictionary.to_pylist()], pa.string())
            table = table.set_column(number, field.name, texts.take(held.indices))
    path = run.folder / f"{name}.csv"
    csv.write_csv(table, path)
    return path


def _keep(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8")


def _lucky(into: Path, run: Run) -> tuple[Luck, ...]:
    """How often luck pays: worked out once for a version of the code, and kept beside the runs."""
    key = hashlib.sha256(f"{run.manifest['code']} {run.manifest['model']}".encode()).hexdigest()[:12]
    path = into / f"luck-{key}.json"
    if path.is_file():
        return tuple(Luck(**one) for one in json.loads(path.read_text(encoding="utf-8")))
    found = luck()
    _keep(path, [asdict(one) for one in found])
    return found
