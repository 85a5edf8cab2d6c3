"""Extracting: a record as it was known on an earlier day, rebuilt as a record of its own.

Every row says since when it was known in this form, and until when. The extract has the rows that were known by the end
of that day, with the history that they had then; what came later is left out, and what was replaced or withdrawn later
stands. Derived tables are made again from it, by the same selects. So a settlement of a past year can be run on what
was known then, and a restatement can be told from an error.

People who have opted out since are left out of an extract too: making one is a new use of their data. How many rows
that concerns is said.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.engine.database import text_literal
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record import definition
from accord.record.deriving import derive
from accord.record.loading import CONFIRMED, REJECTS, WITHDRAWN, describe_tables
from accord.record.optout import FOLDER as OPT_OUTS
from accord.record.optout import read_opt_outs
from accord.record.record import CURRENT, Record, next_generation, open_record, publish


@dataclass(frozen=True, slots=True)
class Extracted:
    """An extract that was written. ``left_out`` are rows of people who have opted out since."""

    record: Record
    known_on: dt.date
    rows: dict[str, int]
    left_out: int

    def as_json(self) -> dict[str, object]:
        """The extract as plain data."""
        return {
            "ok": True,
            "record": str(self.record.folder),
            "known_on": self.known_on.isoformat(),
            "rows": self.rows,
            "left_out": self.left_out,
        }


def extract(record: Record, known_on: dt.date, folder: Path | str) -> Extracted:
    """Write the record as it was known at the end of a day into an empty folder.

    Raises:
        DataRefused: the folder holds a record already, or nothing was known on that day.
    """
    from accord.engine.database import in_memory

    folder = Path(folder)
    place = Place(str(folder), 0, 0)
    if (folder / CURRENT).exists():
        raise DataRefused(Problem(place, "there is a record here already", "name an empty folder"))
    files = [file for file in _listed(record, "files") if file["known"] <= known_on.isoformat()]
    if _listed(record, "files") and not files:
        first = min(file["known"] for file in _listed(record, "files"))
        problem = Problem(
            Place(str(record.folder), 0, 0),
            f"nothing was known on {known_on.isoformat()}",
            f"the first file became known on {first}",
        )
        raise DataRefused(problem)
    folder.mkdir(parents=True, exist_ok=True)
    generation, unfinished = next_generation(folder)
    rows: dict[str, int] = {}
    with in_memory() as con:
        con.register("away rows", read_opt_outs(record.generation).rows())
        left_out = 0
        for name, table in definition.tables().items():
            if table.derived or not record.files(name):
                continue
            kept, away = _copy(con, record, table, known_on, unfinished)
            left_out += away
            if kept:
                rows[name] = kept
        _copy_beside(con, record, known_on, {int(file["number"]) for file in files}, unfinished)
    manifest: dict[str, Any] = {
        "known_on": known_on.isoformat(),
        "files": files,
        "loads": [load for load in _listed(record, "loads") if load["known"] <= known_on.isoformat()],
    }
    if "key" in record.manifest:
        manifest["key"] = record.manifest["key"]
    manifest["derived"] = derive(Record(folder, unfinished, manifest))
    manifest["tables"] = describe_tables(unfinished)
    publish(folder, unfinished, generation, manifest)
    return Extracted(open_record(folder), known_on, rows, left_out)


def _listed(record: Record, name: str) -> list[dict[str, Any]]:
    found = record.manifest.get(name)
    return list(found) if isinstance(found, list) else []


def _copy(con: Any, record: Record, table: definition.Table, known_on: dt.date, unfinished: Path) -> tuple[int, int]:
    """Write one table; the rows that were written, and those of people who have opted out since."""
    day = f"DATE {text_literal(known_on.isoformat())}"
    listed = ", ".join(
        f"case when known_until <= {day} then known_until end as known_until"
        if column.name == "known_until"
        else f'"{column.name}"'
        for column in table.all_columns
    )
    source = f"select * from {_parquet(record.files(table.name))} where known_from <= {day}"
    away = 0
    if table.of_persons != "none":
        kinds = "" if table.general_practice else " where kind = 'national'"
        people = f'select person from "away rows"{kinds}'
        # what was withdrawn before that day because of the opt-out is history that stays out of sight anyway
        gone = f"{source} and (known_until is null or known_until > {day}) and person in ({people})"
        away = int(con.execute(f"select count(*) from ({gone})").fetchall()[0][0])
        source += f" and (person is null or person not in ({people}) or known_until <= {day})"
    target = unfinished / table.name
    target.mkdir()
    file = target / "part-000000.parquet"
    con.execute(
        f"copy (select {listed} from ({source})) to {text_literal(str(file))} (format parquet, compression zstd)"
    )
    kept = int(con.execute(f"select count(*) from {_parquet([file])}").fetchall()[0][0])
    if not kept:
        file.unlink()
    return kept, away


def _copy_beside(con: Any, record: Record, known_on: dt.date, files: set[int], unfinished: Path) -> None:
    numbers = ", ".join(map(str, sorted(files))) or "NULL"
    for name, where in (
        (REJECTS, f"file in ({numbers})"),
        (WITHDRAWN, f"known_from <= DATE {text_literal(known_on.isoformat())}"),
        (CONFIRMED, f"known_from <= DATE {text_literal(known_on.isoformat())}"),
        (OPT_OUTS, "true"),
    ):
        found = record.files(name)
        if found:
            (unfinished / name).mkdir()
            target = text_literal(str(unfinished / name / "part-000000.parquet"))
            con.execute(f"copy (select * from {_parquet(found)} where {where}) to {target} (format parquet)")


def _parquet(files: Any) -> str:
    return f"read_parquet([{', '.join(text_literal(str(file)) for file in files)}])"
