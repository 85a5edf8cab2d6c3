"""How fast files become a record: rows a second from Parquet, beside DuckDB copying the same files as they are.

``python -m bench.loading [ROWS [MEMORY]]`` makes general practice observations, consultations and hospital episodes for
a made population in a temporary folder, each with a mapping, and loads them three times over: into a new record; the
next month's files, where a tenth of the rows is new and nothing else is sent; and all files sent again, where a tenth
of the rows has changed and a tenth is new. Before each load the same files are copied with a plain ``COPY``.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.record.loading import load
from accord.record.pseudonym import KeyChain, create_key
from accord.record.readers import open_reader
from bench.population import SHARES

ROWS = 12_000_000
"""What 200,000 people leave in some months: at fewer rows the half second in which a process begins weighs too much."""
PER_FILE = 2_000_000
TARGET = 1_000_000
"""Rows a second, on two cores."""

_HEAD = """mapping: {name}
title: {name} of a made place
source: {name}
authority: made for timing
status: assumed
files: ["{name}-*.parquet"]
dates: [yyyy-mm-dd]
missing: ["NULL"]
identifier: NHS_NUMBER
tables:
  {name}:
    key: [RECORD_ID]
    columns:
"""


@dataclass(frozen=True)
class Data:
    """One data set: its columns as SQL of ``i`` (row) and ``nth`` (person), and what they feed.

    ``{changed}`` in the SQL is a number that differs in one row of ten of a later extract. ``of`` is the number, in SQL
    of ``i``, that the person of a row follows from: rows that belong together have the same.
    """

    columns: Mapping[str, str]
    feeds: Mapping[str, str]
    of: str = "i"

    def mapping(self, name: str) -> str:
        """The mapping that reads it, in YAML."""
        return _HEAD.format(name=name) + "".join(f"      {to}: {source}\n" for to, source in self.feeds.items())


DATA = {
    "observations": Data(
        {
            "ENTRY_DATE": "DATE '2022-01-01' + (i % 700)::INTEGER",
            "CODE": "(22298006 + i % 500)::VARCHAR",
            "VALUE": "((i * 31) % 20000 / 100 + {changed})::DECIMAL(9, 2)",
            "UNIT": "'mmHg'",
            "PRACTICE": "'A' || (10000 + nth % 200)::VARCHAR",
        },
        {
            "day": "ENTRY_DATE",
            "coding": "{is: snomed}",
            "code": "CODE",
            "value": "VALUE",
            "unit": "UNIT",
            "practice": "PRACTICE",
        },
    ),
    "consultations": Data(
        {
            "CONTACT_DATE": "DATE '2022-01-01' + (i % 700)::INTEGER",
            "PRACTICE": "'A' || (10000 + nth % 200)::VARCHAR",
            "CLINICIAN": "'G' || (i % 997)::VARCHAR",
            "STAFF": "case when i % 3 = 0 then 'N' else 'GP' end",
            "MEDIUM": "'face to face'",
            "MINUTES": "(10 + {changed})::INTEGER",
            "COST": "(i % 9000)::INTEGER",
        },
        {
            "day": "CONTACT_DATE",
            "practice": "PRACTICE",
            "clinician": "CLINICIAN",
            "role": "{from: STAFF, values: {GP: gp, N: nurse}}",
            "mode": "MEDIUM",
            "minutes": "MINUTES",
            "cost": "COST",
        },
    ),
    "episodes": Data(
        {
            "SPELL": "spell::VARCHAR",
            "EPIORDER": "1 + i - spell",
            "EPISTART": "DATE '2022-01-01' + (spell % 700 + (i - spell) * (spell % 9))::INTEGER",
            "EPIEND": "DATE '2022-01-01' + (spell % 700 + (i - spell) * (spell % 9) + i % 9)::INTEGER",
            "ADMIDATE": "DATE '2022-01-01' + (spell % 700)::INTEGER",
            "DISDATE": "DATE '2022-01-01' + (spell % 700 + spell % 9 "
            "+ case spell % 6 when 4 then (spell + 1) % 9 else 0 end)::INTEGER",
            "PROVIDER": "'R' || (i % 30)::VARCHAR",
            "ADMIMETH": "'21'",
            "ADMISORC": "case when spell % 25 = 0 then '51' else '19' end",
            "CLASSPAT": "'1'",
            "MAINSPEF": "'300'",
            "DIAG_01": "'I' || (10 + i % 80)::VARCHAR || '.1'",
            "DIAG_02": "'J44.9'",
            "DIAG_03": "'E11.9'",
            "COST": "((i % 90000) + {changed})::INTEGER",
        },
        {
            "spell": "SPELL",
            "episode": "EPIORDER",
            "since": "EPISTART",
            "until": "EPIEND",
            "admitted": "ADMIDATE",
            "discharged": "DISDATE",
            "provider": "PROVIDER",
            "admission_method": "ADMIMETH",
            "admission_source": "ADMISORC",
            "patient_class": "CLASSPAT",
            "main_specialty": "MAINSPEF",
            "diagnoses": "{codes: [DIAG_01..DIAG_03]}",
            "cost": "COST",
        },
        "i - case i % 6 when 5 then 1 else 0 end",
    ),
}


def _share(name: str) -> float:
    """The share of a data set in the rows: as many as in the record that the measures are timed on."""
    return SHARES[name] / sum(SHARES[each] for each in DATA)


def make(
    folder: Path, rows: int, month: int, of: Callable[[int], tuple[int, int]], people: int | None = None
) -> list[Path]:
    """The files of one extract. ``of`` says for so many rows of a data set in all, which (from, to) are in it."""
    from accord.engine.database import in_memory

    folder.mkdir(exist_ok=True)
    con = in_memory()
    people = people or max(rows // 60, 1)
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
    files: list[Path] = []
    for name, data in DATA.items():
        begin, end = of(int(rows * _share(name)))
        columns = ", ".join(f"{sql.format(changed=changed)} as {column}" for column, sql in data.columns.items())
        for number, first in enumerate(range(begin, end, PER_FILE)):
            last = min(first + PER_FILE, end)
            file = folder / f"{name}-{month}-{number:03}.parquet"
            con.execute(
                f"copy (select identifier as NHS_NUMBER, i::VARCHAR as RECORD_ID, {columns} from "
                f"(select *, (spell * 7919) % {people} as nth from (select i, {data.of} as spell from "
                f"(select range as i from range({first}, {last})))) "
                f"join identifiers using (nth)) to '{file}' (format parquet)"
            )
            files.append(file)
    con.close()
    return files


@dataclass
class Spent:
    """Seconds by the clock, and of the processor."""

    seconds: float = 0.0
    processor: float = 0.0

    def __enter__(self) -> Spent:
        self._began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.seconds += time.perf_counter() - self._began[0]
        self.processor += time.process_time() - self._began[1]


def copied(files: Sequence[Path], spent: Spent, memory: str | None) -> None:
    """Copy the files as they are."""
    from accord.engine.database import in_memory

    con = in_memory({"memory_limit": memory} if memory else {})
    for file in files:
        target = file.with_suffix(".copied")
        with spent:
            con.execute(f"copy (select * from read_parquet('{file}')) to '{target}' (format parquet, compression zstd)")
        target.unlink()
    con.close()


def loaded(
    record: Path,
    mappings: Mapping[str, Path],
    files: Sequence[Path],
    keys: KeyChain,
    known: dt.date,
    memory: str | None,
) -> dict[str, Any]:
    """Load the files of each data set, each copied before it; the figures."""
    all_of_it, plain, following = Spent(), Spent(), Spent()
    counts = dict.fromkeys(("kept", "unchanged", "rejected"), 0)
    rows = 0
    each_of_them: dict[str, int] = {}
    for name, mapping in mappings.items():
        chosen = [file for file in files if file.name.startswith(f"{name}-")]
        copied(chosen, plain, memory)
        made: list[Spent] = []

        def watch(what: str, done: int, of: int, made: list[Spent] = made) -> None:
            if what.startswith("making the tables"):
                made.append(Spent().__enter__())

        before = all_of_it.seconds
        with all_of_it:
            found = load(
                record, open_reader("flat", mapping=mapping), chosen, keys=keys, known=known, memory=memory, watch=watch
            )
        each_of_them[name] = round(found.rows / (all_of_it.seconds - before))
        for each in made:
            each.__exit__()
            following.seconds += each.seconds
            following.processor += each.processor
        rows += found.rows
        for what in counts:
            counts[what] += found.total(what)
    return {
        "rows": rows,
        **counts,
        "seconds": round(all_of_it.seconds, 2),
        "processor_seconds": round(all_of_it.processor, 2),
        "rows_a_second": round(rows / all_of_it.seconds),
        "rows_a_second_of_each": each_of_them,
        "rows_a_second_without_stays": round(rows / (all_of_it.seconds - following.seconds)),
        "plain_copy_seconds": round(plain.seconds, 2),
        "plain_copy_processor_seconds": round(plain.processor, 2),
        "times_a_plain_copy": round(all_of_it.seconds / plain.seconds, 2),
        "times_a_plain_copy_processor": round(all_of_it.processor / plain.processor, 2),
        "microseconds_of_processor_a_row": round(all_of_it.processor / rows * 1e6, 2),
    }


EXTRACTS = {
    "first": ("a new record", lambda total: (0, total)),
    "new rows": ("the next month: a tenth as many rows, all new", lambda total: (total, total + total // 10)),
    "sent again": ("everything again: a tenth changed, a tenth new", lambda total: (0, total + total // 5)),
}
"""What is loaded, one after the other: what it is called, and which rows of a data set."""


def measure(rows: int = ROWS, memory: str | None = None, people: int | None = None, only: int = 3) -> dict[str, Any]:
    """The figures of one run; ``memory`` is what DuckDB may use, ``only`` how many of the extracts are loaded."""
    folder = Path(tempfile.mkdtemp(prefix="accord-bench-"))
    try:
        keys = create_key(folder / "key")
        mappings = {name: folder / f"{name}.yaml" for name in DATA}
        for name, path in mappings.items():
            path.write_text(DATA[name].mapping(name), "utf-8")
        figures: dict[str, Any] = {}
        for month, (name, (_, of)) in enumerate(list(EXTRACTS.items())[:only]):
            files = make(folder / "files", rows, month, of, people)
            known = dt.date(2024, 1 + month, 1)
            figures[name] = loaded(folder / "record", mappings, files, keys, known, memory)
            shutil.rmtree(folder / "files")
        figures["peak_memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        return figures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def report(rows: int = ROWS) -> None:
    """The lines of ``make bench``."""
    figures = measure(rows)
    print(f"\nLoading {figures['first']['rows']:,} rows from Parquet by a mapping, then what comes later")
    for name, (what, _) in EXTRACTS.items():
        found = figures[name]
        print(f"  {what:<58} {found['rows_a_second']:>13,} /s   target {TARGET:,} rows a second on 2 cores")
        for each, speed in found["rows_a_second_of_each"].items():
            print(f"  {f'  {each}':<58} {speed:>13,} /s")
        without = "  without the tables that follow (stays, diagnoses)"
        print(f"  {without:<58} {found['rows_a_second_without_stays']:>13,} /s")
        print(f"  {'  times a plain copy of the same files':<58} {found['times_a_plain_copy']:>16}")
        print(f"  {'  microseconds of processor a row':<58} {found['microseconds_of_processor_a_row']:>16}")
    print(f"  {'peak memory':<58} {figures['peak_memory_mb']:>13,} MB", flush=True)


if __name__ == "__main__":
    asked = int(float(sys.argv[1])) if len(sys.argv) > 1 else ROWS
    print(json.dumps(measure(asked, sys.argv[2] if len(sys.argv) > 2 else None), indent=2))
