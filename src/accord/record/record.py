"""A record on disk: a folder of Parquet tables, one folder each, in numbered generations of which one is current.

    place/record/
      CURRENT                        the name of the current generation, written last
      generation-000002/
        record.json                  tables, files with rows and hashes, what was loaded
        people/*.parquet             one folder a table: DuckDB and Spark read it in place
        …
        rejects/*.parquet            rows that were read and not kept, with the reason

A generation is complete before ``CURRENT`` names it, and never changes afterwards; files that a load leaves as they
were are linked into the next generation, not copied. So a reader never sees half a load, and a process that is killed
leaves the record as it was.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record.definition import Table, table

if TYPE_CHECKING:
    import pyarrow as pa

CURRENT = "CURRENT"
"""The file that names the current generation."""

MANIFEST = "record.json"
"""The file of a generation that says what is in it."""

FORMAT = 1
"""The version of this layout."""


@dataclass(frozen=True, slots=True)
class Record:
    """One generation of a record, opened. ``manifest`` is what ``record.json`` says."""

    folder: Path
    generation: Path
    manifest: Mapping[str, object]

    def files(self, table: str) -> tuple[Path, ...]:
        """The Parquet files of a table, in order; none if the record has no rows for it."""
        return tuple(sorted((self.generation / table).glob("*.parquet")))


def open_record(folder: Path | str) -> Record:
    """The current generation of the record in a folder.

    Raises:
        DataRefused: there is no record there, or it was written by a later Accord.
    """
    folder = Path(folder)
    try:
        name = (folder / CURRENT).read_text("utf-8").strip()
        generation = folder / Path(name).name
        manifest = json.loads((generation / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataRefused(
            Problem(
                Place(str(folder), 0, 0),
                "there is no record here that can be read",
                "accord record load makes one; give the folder that it wrote",
            )
        ) from error
    if manifest.get("format") != FORMAT:
        raise DataRefused(
            Problem(
                Place(str(folder), 0, 0),
                f"this record has format {manifest.get('format')}, and this Accord reads format {FORMAT}",
                "read it with the version of Accord that wrote it, or load it again",
            )
        )
    return Record(folder, generation, manifest)


def write_record(folder: Path | str, made: Mapping[str, pa.Table], *, known_from: object = None) -> Record:
    """A record of tables that are made (a synthetic place, a test), not loaded from files of a source.

    Each table has the columns of its definition, in any order; common columns that are missing are filled in (``row``
    by number, ``source`` as ``made``, ``known_from`` as given, or 1900-01-01). Derived tables are made by the caller
    or left out. The record gets a new generation that holds these tables and nothing else.

    Raises:
        KeyError: a table or a required column that the definitions do not know.
    """
    import datetime as dt
    import hashlib

    import pyarrow.parquet as pq

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    generation, unfinished = next_generation(folder)
    known = known_from if isinstance(known_from, dt.date) else dt.date(1900, 1, 1)
    described: dict[str, object] = {}
    for name, data in made.items():
        target = unfinished / name / "part-000000.parquet"
        target.parent.mkdir()
        completed = _completed(table(name), data, known)
        pq.write_table(completed, target, compression="zstd")
        digest = hashlib.sha256(target.read_bytes()).hexdigest()
        described[name] = {"rows": completed.num_rows, "files": {target.name: digest}}
    publish(folder, unfinished, generation, {"tables": described, "loads": []})
    return open_record(folder)


def _completed(definition: Table, data: pa.Table, known: object) -> pa.Table:
    import pyarrow as pa

    columns: list[pa.ChunkedArray | pa.Array] = []
    schema = definition.schema()
    unknown = set(data.column_names) - set(schema.names)
    if unknown:
        raise KeyError(f"{definition.name} has no column {', '.join(sorted(unknown))}")
    for field in schema:
        if field.name in data.column_names:
            columns.append(data.column(field.name).cast(field.type))
        elif field.name == "row":
            columns.append(pa.array(range(1, data.num_rows + 1), pa.int64()))
        elif field.name == "source":
            columns.append(pa.repeat(pa.scalar("made"), data.num_rows))
        elif field.name == "known_from":
            columns.append(pa.repeat(pa.scalar(known, pa.date32()), data.num_rows))
        else:
            column = definition.column(field.name)
            if column and column.required and not (field.name == "person" and definition.of_persons == "optional"):
                raise KeyError(f"{definition.name} needs a column {field.name}")
            columns.append(pa.nulls(data.num_rows, field.type))
    return pa.table(columns, schema=schema)


def next_generation(folder: Path) -> tuple[str, Path]:
    """The name of the next generation, and an empty folder to write it in."""
    numbers = [int(path.name.removeprefix("generation-")) for path in folder.glob("generation-*") if path.is_dir()]
    name = f"generation-{max(numbers, default=0) + 1:06}"
    unfinished = folder / f".unfinished-{name}-{os.getpid()}"
    unfinished.mkdir()
    return name, unfinished


def publish(folder: Path, unfinished: Path, generation: str, manifest: Mapping[str, object]) -> None:
    """Make a written generation the current one: the last act of a load."""
    content = json.dumps({"format": FORMAT, **manifest}, indent=2, ensure_ascii=False, sort_keys=True)
    _write_through(unfinished / MANIFEST, content + "\n")
    os.replace(unfinished, folder / generation)
    pointer = folder / f".{CURRENT}-{os.getpid()}"
    _write_through(pointer, generation + "\n")
    os.replace(pointer, folder / CURRENT)


def _write_through(path: Path, text: str) -> None:
    """Write a file so that it is on the disk, whole, before anything points to it."""
    with path.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
