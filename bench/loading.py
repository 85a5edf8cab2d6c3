"""How fast files become a record: rows a second from Parquet, beside DuckDB copying the same files as they are.

``python -m bench.loading [ROWS [MEMORY]]`` makes general practice observations, consultations and hospital episodes for
a made population in a temporary folder, loads them into a new record, loads the next month's files (a tenth of the rows
changed, a tenth new), and copies all files with a plain ``COPY``.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.record.loading import load
from accord.record.pseudonym import create_key
from accord.record.source import RowsRead, SourceFile, SourceRows

ROWS = 4_000_000
PER_FILE = 2_000_000


@dataclass(frozen=True)
class ColumnsReader:
    """Reads Parquet files that are in the record's columns already: what is timed is the loading, not a mapping."""

    source: str = "bench"
    name: str = "columns"
    fingerprint: str = "1"

    def files(self, given: Sequence[Path]) -> tuple[SourceFile, ...]:
        return tuple(SourceFile(path, path.name, path.name.partition("-")[0], self.source) for path in given)

    def rows(self, file: SourceFile, con: Any) -> Iterator[Any]:
        path = str(file.path).replace("'", "''")
        yield SourceRows(
            file.kind,
            con.sql(f"select *, file_row_number + 1 as source_row from read_parquet('{path}', file_row_number = true)"),
        )
        yield RowsRead(con.sql(f"select count(*) from read_parquet('{path}')").fetchall()[0][0])


def make(folder: Path, rows: int, month: int) -> list[Path]:
    """Files of one month's extract; in the second, one row in ten differs, and there are a tenth more."""
    import duckdb

    con = duckdb.connect()
    people = max(rows // 60, 1)
    con.execute(
        # numbers that pass the check of NHS numbers: the tenth digit follows from the nine before
        f"""create table identifiers as
            select row_number() over () - 1 as nth, stem::VARCHAR || check_digit::VARCHAR as identifier from (
              select stem, (11 - list_sum(list_transform(range(1, 10), lambda place:
                (11 - place) * substr(stem::VARCHAR, place::INTEGER, 1)::INTEGER)) % 11) % 11 as check_digit
              from (select 400000000 + range * 7 as stem from range({people * 2}))
            ) where check_digit <> 10 limit {people}"""
    )
    changed = f"case when i % 10 = 7 then {month} else 0 end"
    tables = {
        "observations": (
            0.6,
            f"(DATE '2022-01-01' + (i % 700)::INTEGER)::VARCHAR as day, 'snomed' as coding, "
            f"(22298006 + i % 500)::VARCHAR as code, ((i * 31) % 20000 / 100 + {changed})::VARCHAR as value, "
            f"'mmHg' as unit, 'A' || (10000 + nth % 200)::VARCHAR as practice",
        ),
        "consultations": (
            0.3,
            f"DATE '2022-01-01' + (i % 700)::INTEGER as day, 'A' || (10000 + nth % 200)::VARCHAR as practice, "
            f"'G' || (i % 997)::VARCHAR as clinician, 'gp' as role, 'face to face' as mode, "
            f"(10 + {changed})::BIGINT as minutes, (i % 9000)::BIGINT as cost",
        ),
        "episodes": (
            0.1,
            f"i::VARCHAR as spell, 1 as episode, DATE '2022-01-01' + (i % 700)::INTEGER as since, "
            f"DATE '2022-01-01' + (i % 700 + i % 9)::INTEGER as until, "
            f"DATE '2022-01-01' + (i % 700)::INTEGER as admitted, "
            f"DATE '2022-01-01' + (i % 700 + i % 9)::INTEGER as discharged, 'R' || (i % 30)::VARCHAR as provider, "
            f"'21' as admission_method, '19' as admission_source, '1' as patient_class, '300' as main_specialty, "
            f"'I' || (10 + i % 80)::VARCHAR || '1 J449 E119' as diagnoses, ((i % 90000) + {changed})::BIGINT as cost",
        ),
    }
    files: list[Path] = []
    for name, (share, columns) in tables.items():
        total = int(rows * share * (1.1 if month else 1))
        for number, first in enumerate(range(0, total, PER_FILE)):
            last = min(first + PER_FILE, total)
            file = folder / f"{name}-{month}-{number:03}.parquet"
            con.execute(
                f"copy (select identifier, i::VARCHAR as key, {columns} from "
                f"(select range as i, (range * 7919) % {people} as nth from range({first}, {last})) "
                f"join identifiers using (nth)) to '{file}' (format parquet)"
            )
            files.append(file)
    con.close()
    return files


def copied(files: Sequence[Path], folder: Path) -> float:
    """Seconds that DuckDB takes to copy the files as they are."""
    import duckdb

    folder.mkdir()
    con = duckdb.connect()
    began = time.perf_counter()
    for file in files:
        con.execute(f"copy (select * from read_parquet('{file}')) to '{folder / file.name}' (compression zstd)")
    return time.perf_counter() - began


def measure(rows: int = ROWS, memory: str | None = None) -> dict[str, Any]:
    """The figures of one run; ``memory`` is what DuckDB may use."""
    folder = Path(tempfile.mkdtemp(prefix="accord-bench-"))
    try:
        keys = create_key(folder / "key")
        first, second = make(folder, rows, 0), make(folder, rows, 1)
        figures: dict[str, Any] = {}
        for name, files, known in (("first", first, dt.date(2024, 1, 1)), ("second", second, dt.date(2024, 2, 1))):
            began, worked = time.perf_counter(), time.process_time()
            steps: list[tuple[str, float]] = []
            loaded = load(
                folder / "record",
                ColumnsReader(),
                files,
                keys=keys,
                known=known,
                memory=memory,
                watch=lambda what, done, of, steps=steps: steps.append((what, time.perf_counter())),
            )
            seconds = time.perf_counter() - began
            processor = time.process_time() - worked
            following = next(when for what, when in steps if what.startswith("making the tables")) - began
            plain = copied(files, folder / f"copied-{name}")
            figures[name] = {
                "rows": loaded.rows,
                "kept": loaded.total("kept"),
                "unchanged": loaded.total("unchanged"),
                "rejected": loaded.total("rejected"),
                "seconds": round(seconds, 2),
                "processor_seconds": round(processor, 2),
                "rows_a_second": round(loaded.rows / following),
                "rows_a_second_with_stays": round(loaded.rows / seconds),
                "plain_copy_seconds": round(plain, 2),
                "times_a_plain_copy": round(following / plain, 2),
            }
        figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return figures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def report(rows: int = ROWS) -> None:
    """The lines of ``make bench``."""
    figures = measure(rows)
    print(f"\nLoading {figures['first']['rows']:,} rows from Parquet, then the next month's files")
    for name, what in (("first", "a new record"), ("second", "a tenth changed, a tenth new")):
        found = figures[name]
        print(f"  {what:<58} {found['rows_a_second']:>13,} /s   target 1,000,000 rows a second")
        print(f"  {'  with the continuous stays of the episodes':<58} {found['rows_a_second_with_stays']:>13,} /s")
        print(f"  {'  times a plain copy of the same files':<58} {found['times_a_plain_copy']:>16}")
    print(f"  {'peak memory':<58} {figures['peak_memory_mb']:>13,} MB", flush=True)


if __name__ == "__main__":
    asked = int(float(sys.argv[1])) if len(sys.argv) > 1 else ROWS
    print(json.dumps(measure(asked, sys.argv[2] if len(sys.argv) > 2 else None), indent=2))
