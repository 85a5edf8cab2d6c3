"""The Python calls of made places: what ``accord population`` does, without a terminal."""

from __future__ import annotations

import csv
import datetime as dt
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.settlement.run import safe_cell
from accord.simulation.people import BANDS, FIFTHS, SEXES
from accord.simulation.population import LONGEST, Population, populate
from accord.simulation.results import COUNTS, LAZY

if TYPE_CHECKING:
    from accord.record.record import Record

CONTRACTS = ("gms-global-sum", "integration-supplement")
"""The contracts that are in force in a made place."""

QUALITY = "qof"
"""A further contract that it has data for: its indicators need a record, so that futures cannot settle it."""

Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MadePlace:
    """A place that was made: its ``folder``, its people, and how many rows its record has by table.

    ``rows`` is empty where the place is too large for a record. ``data`` are the folders of contracts' data, and
    ``left_out`` says why some of it is not there.
    """

    folder: Path
    population: Population
    rows: Mapping[str, int]
    data: tuple[Path, ...]
    left_out: str = ""

    @property
    def record(self) -> Path:
        """Where the record is."""
        return self.folder / "record"


def _no_step(_name: str) -> None:
    return None


def make_place(
    out: Path | str,
    size: int | None = None,
    seed: int = 1,
    years: int = 2,
    *,
    lists: Path | str | None = None,
    start: dt.date | None = None,
    on_step: Step = _no_step,
) -> MadePlace:
    """Make a place and write it: people, organisations, the linked record of its years, data for contracts.

    Args:
        out: the folder of the place; it must not be there yet, or be empty.
        size: people; with ``lists``, about how many, and all of the lists where none are given.
        seed: the same seed gives the same place, to the byte.
        years: years of the record, 1 to 10. Contracts get data for the last, and the survey of the one before.
        lists: a folder of published lists, or none for the built-in profile.
        start: the first day of the record; data for contracts need a 1 April. Without it the last year of the record is
            the first in which all the contracts are in force.
        on_step: told what is being done.

    Raises:
        Misused: what was asked cannot be a place, with every reason. Then nothing is written.
        DataRefused: the lists are not lists, or something is there already. Then nothing is written.
    """
    out = Path(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise DataRefused(Problem(Place(str(out), 0, 0), "there is something here already", "name a new folder"))
    on_step("people")
    first = first_year()
    if start is None:
        start = first.replace(year=first.year + 1 - min(max(years, 1), LONGEST))
    population = populate(size, seed, years, lists=lists, start=start)
    unfinished = out.with_name(f".{out.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    try:
        made = _written(population, unfinished, out.name, lists, on_step)
        if out.exists():
            out.rmdir()
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    data = tuple(out / path.relative_to(unfinished) for path in made.data)
    return MadePlace(out, population, made.rows, data, made.left_out)


def first_year() -> dt.date:
    """The first day on which every contract of a made place is in force: futures begin there.

    A contract that looks back is settled from its first day on, so that a later one would be refused.
    """
    from accord.settlement import calls as settlement

    return max(settlement.check(name).term.first for name in CONTRACTS)


def _left_out(population: Population, first: dt.date, data: list[Path]) -> str:
    """Why a place has no data for some or all of the contracts; empty where it has all."""
    from accord.settlement import calls as settlement
    from accord.simulation import written

    if population.patients > written.MOST:
        return f"it is counted in a record, and more than {written.MOST:,} people have none"
    if population.start.month != 4:
        return f"the contracts' years begin on 1 April, and those of the record on {population.start:%d.%m.}"
    if population.years == 1:
        return "it needs the survey of the year before, and the record has one year"
    there = [path.name for path in data]
    for name in CONTRACTS:
        term = settlement.check(name).term
        if name not in there:
            when = f"{name} is in force from {term.first} to {term.last}"
            return f"the last year of the record begins on {first}, and {when}"
    return ""


def _written(population: Population, folder: Path, name: str, lists: Path | str | None, on_step: Step) -> MadePlace:
    from accord.simulation import written

    _write_structure(population, folder / "structure")
    rows: dict[str, int] = {}
    data: list[Path] = []
    if population.patients <= written.MOST:
        record = written.write(
            population, folder / "record", on_practice=lambda done, of: on_step(f"record of practice {done} of {of}")
        )
        tables = record.manifest["tables"]
        assert isinstance(tables, dict)
        rows = {table: described["rows"] for table, described in tables.items()}
        if population.start.month == 4 and population.years > 1:
            data = _write_data(record, population, folder / "data", on_step)
    else:
        on_step("aggregates")
        _write_aggregates(population, folder / "aggregates")
    last = dt.date(population.start.year + population.years - 1, population.start.month, 1)
    left_out = _left_out(population, last, data)
    _write_place(population, folder / "place.yaml", name, first_year(), lists)
    (folder / "README.md").write_text(_readme(population, name, last, bool(rows), data, left_out), "utf-8")
    return MadePlace(folder, population, rows, tuple(data), left_out)


def _write_structure(population: Population, folder: Path) -> None:
    """Practices, organisations, areas, and people by practice, sex, band and fifth."""
    folder.mkdir()
    columns = ("practice", "name", "network", "neighbourhood", "council", "board", "hospital", "patients")
    _write_rows(
        folder / "practices.csv",
        (*columns, "deprivation"),
        [
            (one.code, *(getattr(one, column) for column in columns[1:]), f"{one.deprivation:.4f}")
            for one in population.practices
        ],
    )
    _write_rows(
        folder / "organisations.csv",
        ("code", "kind", "name", "within"),
        [(one.code, one.kind, one.name, one.within or "") for one in population.organisations],
    )
    _write_rows(
        folder / "areas.csv",
        ("area", "network", "council", "board", "deprivation"),
        [(one.code, one.network, one.council, one.board, one.fifth) for one in population.areas],
    )
    people, counted = population.people, []
    for number, practice in enumerate(population.practices):
        first = int(people.offsets[number])
        here = slice(first, first + practice.patients)
        band = np.minimum(people.months[here] // 60, len(BANDS) - 1).astype(np.int64)
        cells = np.bincount(people.cell[here] * np.int64(len(BANDS)) + band, minlength=2 * FIFTHS * len(BANDS))
        for at in np.flatnonzero(cells).tolist():
            cell, age = divmod(at, len(BANDS))
            counted.append((practice.code, SEXES[cell // FIFTHS], BANDS[age], cell % FIFTHS + 1, int(cells[at])))
    _write_rows(folder / "people.csv", ("practice", "sex", "age_group", "deprivation", "people"), counted)


def _write_rows(path: Path, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([safe_cell(str(cell)) for cell in row] for row in rows)


def _write_data(record: Record, population: Population, folder: Path, on_step: Step) -> list[Path]:
    """Data of the contracts of general practice for the last year, and the opening survey of the year before."""
    first = dt.date(population.start.year + population.years - 1, 4, 1)
    return write_data(record, folder, first, on_step=on_step)


def write_data(record: Record, folder: Path | str, first: dt.date, *, on_step: Step = _no_step) -> list[Path]:
    """Data of :data:`CONTRACTS` and :data:`QUALITY` from a record, for the year from ``first`` on; the folders.

    A year outside a contract's term has no data.
    """
    from accord.settlement import calls as settlement
    from accord.simulation import inputs

    folder, until = Path(folder), dt.date(first.year + 1, first.month, first.day)
    on_step("data for the global sum")
    global_sum, supplement = (settlement.check(name) for name in CONTRACTS)
    if not any(first <= item.first and item.last < until for item in global_sum.keys["year"].items):
        return []
    inputs.write(inputs.global_sum(record, global_sum, first, until), folder / CONTRACTS[0])
    if not any(first <= item.first and item.last < until for item in supplement.keys["year"].items):
        return [folder / CONTRACTS[0]]
    quality = settlement.check(QUALITY)
    inputs.write(inputs.quality(record, quality, first, on_step=on_step), folder / QUALITY)
    settled = settlement.settle(global_sum, folder / CONTRACTS[0])
    signed = dt.date(first.year, 3, 1)
    made = inputs.supplement(record, supplement, settled, first, until, signed=signed, on_step=on_step)
    inputs.write(made, folder / CONTRACTS[1])
    return [folder / CONTRACTS[0], folder / QUALITY, folder / CONTRACTS[1]]


def _write_aggregates(population: Population, folder: Path) -> None:
    """What the engine counts, by practice and year: for places that are too large to be written event by event."""
    from accord.simulation.events import frequent
    from accord.simulation.model import model
    from accord.simulation.person_engine import simulate
    from accord.simulation.tables import tables

    counts = simulate(population.people, tables(model()), population.years, population.seed).counts
    totals = counts[0, ..., : len(COUNTS)].sum(axis=2)
    often = frequent(counts, population.seed)[0]
    rows: list[tuple[object, ...]] = []
    for number, practice in enumerate(population.practices):
        for year in range(population.years):
            since = dt.date(population.start.year + year, population.start.month, 1)
            rows.append((practice.code, since, *totals[number, year].tolist(), *often[number, year].tolist()))
    folder.mkdir()
    _write_rows(folder / "activity.csv", ("practice", "year", *COUNTS, *LAZY), rows)


def _write_place(population: Population, path: Path, name: str, starts: dt.date, lists: Path | str | None) -> None:
    word = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "place"
    word = word if word[0].isalpha() else f"place-{word}"
    entries = f"size: {population.patients}, seed: {population.seed}"
    if lists is not None:
        entries += f", lists: {Path(lists).resolve()}"
    contracts = "".join(f"  {one}: {{}}\n" for one in CONTRACTS)
    path.write_text(
        f"""# A made place: nobody in it exists. accord population wrote it; accord simulate reads it.
accord: 1
place: {word}
title: {name}, a made place of {population.patients:,} people
starts: {starts}                       # the first day on which all these contracts are in force
population: {{{entries}}}
contracts:
{contracts}scenarios: [{", ".join(f"scenarios/{one}.yaml" for one in _SCENARIOS)}]
future:
  term: extended
  prices: 2
  growth: {{gms-global-sum: {{"*": 2}}}}
  authority: assumed by the made place
  status: assumed
""",
        "utf-8",
    )
    (path.parent / "scenarios").mkdir()
    for one, text in _SCENARIOS.items():
        (path.parent / "scenarios" / f"{one}.yaml").write_text(text, "utf-8")


_SCENARIOS = {
    "gain-share": """# What a gain share would pay if nobody did anything differently: chance alone.
accord: 1
scenario: gain-share
title: A gain share, and nobody does anything else
contracts: {gain-share: {contract: gain-share}}
""",
    "gain-share-answered": """# The same contract, and people answer to it as published experience suggests.
accord: 1
scenario: gain-share-answered
title: A gain share, and people answer to it
contracts: {gain-share: {contract: gain-share}}
behaviours: [refer-or-treat, backfill]
""",
}
"""Two futures to begin with, written beside a made place."""


def _readme(population: Population, name: str, last: dt.date, recorded: bool, data: list[Path], left_out: str) -> str:
    fed = len(data) == len(CONTRACTS) + 1
    count = len(population.practices)
    practices = f"{count} {'practice' if count == 1 else 'practices'}"
    years = f"{population.years} {'year' if population.years == 1 else 'years'}"
    parts = [
        f"""# {name}: a made place of {population.patients:,} people

Nobody here exists. `accord population` made it from published rates: {practices}, {years} from {population.start},
seed {population.seed}. The same command makes the same place again, to the byte.

| | |
|---|---|
| `structure/` | practices and what they belong to; areas; people by practice, sex, age and deprivation |
"""
    ]
    if recorded:
        parts.append("| `record/` | the linked record, event by event: `accord record describe record` |\n")
    else:
        parts.append(
            "| `aggregates/` | what happened, by practice and year: the place is too large for single events |\n"
        )
    if fed:
        parts.append("| `data/` | inputs of the GP contract (global sum, qof) and of the integration supplement |\n")
    elif data:
        parts.append("| `data/` | inputs of the GP contract (global sum) |\n")
    parts.append("| `place.yaml`, `scenarios/` | the contracts in force and two futures, for `accord simulate` |\n")
    if fed:
        until = dt.date(last.year + 1, last.month, 1)
        parts.append(
            f"""
Try:

    accord record check record
    accord measure record emergency-admissions-chronic --from {last} --until {until} --by practice
    accord settle gms-global-sum --data data/gms-global-sum
    accord settle qof --data data/qof
    accord settle integration-supplement --data data/integration-supplement

In data/qof an indicator that no measure of the library counts has nobody in it, and earns nothing; so qof pays less
than it would. Thresholds that the contract does not have are assumed.
"""
        )
    if left_out:
        parts.append(f"\n{'The rest of ' if data else ''}`data/` is left out: {left_out}.\n")
    if recorded:
        parts.append(
            """
What stands in the record is what the simulator drew: measures over it give its numbers. Which clinician was seen, which
code was entered and what was answered are drawn from figures that are marked as assumed (model/place.yaml in Accord's
source). Identifiers are shaped as NHS numbers of the test range with a wrong check digit, and then replaced by
pseudonyms. Stays in hospital are kept within the year in which they are counted: nobody is in hospital for an emergency
over the night before the first day of a year.
"""
        )
    return "".join(parts)
