"""Columns of a file that are called as those of the record are, in any case, loaded to the end: nothing is lost."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from accord.language.problem import DataRefused
from accord.record import definition
from accord.record.definition import Column, Table
from accord.record.loading import load
from accord.record.pseudonym import KeyChain
from accord.record.readers.flat import FlatReader
from accord.record.record import Record, open_record
from accord.record.source import SourceFile
from tests.record.given import PEOPLE

KEYS = KeyChain((b"n" * 32,))
LOADED = [table for table in definition.tables().values() if table.derived is None]
SPELLINGS = {
    "no name of the record": lambda name: f"the {name} of ours",
    "lower case": str.lower,
    "upper case": str.upper,
    "every word with a capital": lambda name: name.replace("_", " ").title(),
    "mixed": lambda name: "".join(each.upper() if nth % 2 else each for nth, each in enumerate(name)),
}


def value(table: Table, column: Column) -> str:
    """A value that the column takes; the later of two days is a day later."""
    later = any(order.then == column.name for order in table.order)
    samples = {"day": "2024-04-02" if later else "2024-04-01", "count": str(column.least or 1), "pence": "1250",
               "number": "1.5", "flag": "true", "code": "AB1", "codes": "I10 E119", "key": "S1"}  # fmt: skip
    return next(iter(column.allowed)) if column.allowed else samples[column.type]


@dataclass
class Several:
    """A flat file for every table of the record, read by a mapping of its own, in one load."""

    readers: dict[str, FlatReader]
    name: str = "flat"
    fingerprint: str = "1"

    def files(self, given: Sequence[Path]) -> tuple[SourceFile, ...]:
        return tuple(file for path in given for file in self.readers[path.stem].files([path]))

    def rows(self, file: SourceFile, con: Any) -> Iterator[Any]:
        yield from self.readers[file.path.stem].rows(file, con)


def loaded(folder: Path, spelling: str, suffix: str) -> tuple[Record, Any]:
    spelt = SPELLINGS[spelling]
    files, readers = [], {}
    for table in LOADED:
        mapping = [f"mapping: {table.name.replace('_', '-')}", "title: t", f"source: {table.name}", "authority: a",
                   "status: assumed", f'files: ["{table.name}.*"]', "dates: [yyyy-mm-dd]"]  # fmt: skip
        held = {spelt(column.name): value(table, column) for column in table.columns}
        if table.of_persons != "none":
            held[spelt("identifier")] = PEOPLE[0]
            mapping.append(f"identifier: {spelt('identifier')}")
        mapping += ["tables:", f"  {table.name}:", "    columns:"]
        mapping += [f"      {column.name}: {spelt(column.name)}" for column in table.columns]
        written = folder / f"{table.name}.csv"
        with written.open("w", newline="") as file:
            rows = csv.writer(file)
            rows.writerows([held.keys(), held.values()])
        if suffix == ".parquet":
            pq.write_table(pc.read_csv(written), written.with_suffix(suffix))
            written.unlink()
        (folder / f"{table.name}.yaml").write_text("\n".join(mapping) + "\n")
        readers[table.name] = FlatReader(folder / f"{table.name}.yaml")
        files.append(written.with_suffix(suffix))
    found = load(folder / "record", Several(readers), files, keys=KEYS, day=dt.date(2024, 5, 1))
    return open_record(folder / "record"), found


def rows(record: Record, table: str) -> dict[str, Any]:
    (row,) = pq.read_table(record.files(table)[0]).to_pylist()
    return row


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return loaded(tmp_path_factory.mktemp("plain"), "no name of the record", ".csv")[0]


@pytest.mark.parametrize(
    ("spelling", "suffix"),
    [
        ("lower case", ".csv"),
        ("upper case", ".csv"),
        ("upper case", ".parquet"),
        ("every word with a capital", ".csv"),
        ("mixed", ".parquet"),
    ],
)
def test_every_column_of_every_table_is_read_however_the_file_spells_it(
    tmp_path: Path, plain: Record, spelling: str, suffix: str
) -> None:
    record, found = loaded(tmp_path, spelling, suffix)
    assert (found.total("kept"), found.total("rejected")) == (len(LOADED), 0), found.reasons
    for table in LOADED:
        held = rows(record, table.name)
        missing = [column.name for column in table.columns if held[column.name] is None]
        assert not missing, (table.name, missing)
        assert {**held, "file": 0} == {**rows(plain, table.name), "file": 0}


MAPPING = """\
mapping: own
title: A file of our own
source: own
authority: ourselves
status: assumed
files: ["*.csv", "*.parquet"]
dates: [yyyy-mm-dd]
identifier: {identifier}
tables:
  observations:
    columns:
      day: Day
      coding: {{is: snomed}}
      code: {code}
"""


def codes(folder: Path, heading: str, line: str, code: str, identifier: str = "NHS") -> list[str | None]:
    (folder / "own.yaml").write_text(MAPPING.format(code=code, identifier=identifier))
    (folder / "rows.csv").write_text(f"{heading}\n{line}\n")
    load(folder / "record", FlatReader(folder / "own.yaml"), [folder / "rows.csv"], keys=KEYS, day=dt.date(2024, 5, 1))
    return [rows(open_record(folder / "record"), "observations")["code"]]


@pytest.mark.parametrize(
    ("heading", "code", "expected"),
    [
        ("NHS,DAY,Code,CODE", "Code", "first"),  # the one that is spelt as the mapping says
        ("NHS,DAY,Code,CODE", "CODE", "second"),
        ("NHS,DAY,code,Other", "CODE", "first"),
        ("NHS,DAY,Value,Unit", "Value", "first"),  # another column of the record's
        ("NHS,DAY,Value,Code", "Value", "first"),  # the record's own name stands there too, and is not meant
        ("NHS,DAY,source_row,accord_file", "source_row", "first"),  # names that the loading uses itself
        ("NHS,DAY,key,refused", "KEY", "first"),
        ("NHS,DAY,deleted,known", "deleted", "first"),
        ("NHS,DAY,column 0,column 1", "column 0", "first"),
        ("NHS,DAY,identifier,person", "identifier", "first"),
        ("NHS,DAY,Practice Code,PRACTICE_CODE", "PRACTICE_CODE", "second"),
    ],
)
def test_which_of_two_columns_is_meant(tmp_path: Path, heading: str, code: str, expected: str) -> None:
    assert codes(tmp_path, heading, f"{PEOPLE[0]},2024-04-01,first,second", code) == [expected]


@pytest.mark.parametrize(
    ("heading", "code"),
    [("NHS,DAY,Code,CODE", "code"), ("NHS,DAY,my code,MY_CODE", "My Code"), ("NHS,DAY,CODE ,code", "Code")],
)
def test_a_column_that_could_be_either_of_two_is_not_guessed(tmp_path: Path, heading: str, code: str) -> None:
    with pytest.raises(DataRefused) as refused:
        codes(tmp_path, heading, f"{PEOPLE[0]},2024-04-01,first,second", code)
    assert str(refused.value).endswith(
        f"own.yaml:14:13: columns 3 and 4 of the file rows.csv could both be {code}\n"
        "    fix: write the name exactly as the file has it, or rename one of its columns"
    )


@pytest.mark.parametrize("names", [["file_row_number", "b"], ["CODE", "code"], ["code", "c0"]])
def test_names_in_parquet(tmp_path: Path, names: list[str]) -> None:
    import pyarrow as pa

    (tmp_path / "own.yaml").write_text(MAPPING.format(code=names[0], identifier="NHS"))
    held = pa.table([[PEOPLE[0]], ["2024-04-01"], ["first"], ["second"]], names=["NHS", "Day", *names])
    pq.write_table(held, tmp_path / "rows.parquet")
    reader = FlatReader(tmp_path / "own.yaml")
    load(tmp_path / "record", reader, [tmp_path / "rows.parquet"], keys=KEYS, day=dt.date(2024, 5, 1))
    held = rows(open_record(tmp_path / "record"), "observations")
    assert (held["code"], held["line"]) == ("first", 1)
