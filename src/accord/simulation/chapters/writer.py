"""The writer of a made record: rows of every table, with what each was known from; identifiers and pseudonyms."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record.definition import Column, table
from accord.record.pseudonym import KeyChain
from accord.simulation.lives import NEVER, Places

SOURCE = "made"
"""The data set that every row says it came from."""

LASTING = ("registrations", "residences", "social_care")
"""Tables whose rows are known without their end first."""

Values = NDArray[Any]

Made = Mapping[str, "Values | pa.Array"]


def identifiers(first: int, count: int) -> list[str]:
    """Numbers shaped as NHS numbers of the test range (999 ...), each with a wrong check digit: nobody has one.

    Raises:
        DataRefused: there are no more of them (nine million).
    """
    number = np.arange(first, first + count, dtype=np.int64)
    stem, choice = number // 9, number % 9
    if count and int(stem[-1]) >= 1_000_000:
        raise DataRefused(
            Problem(Place("size", 0, 0), "more persons than made-up identifiers", "fewer people or years")
        )
    digits = (stem[:, None] // 10 ** np.arange(5, -1, -1)) % 10
    total = 9 * (10 + 9 + 8) + (digits * np.arange(7, 1, -1)).sum(axis=1)
    check = (11 - total % 11) % 11
    wrong = choice + (choice >= check)  # never the digit that would be right; 10 is no digit
    return [f"999{one:06}{last}" for one, last in zip(stem.tolist(), wrong.tolist(), strict=True)]


def pseudonyms(seed: int, first: int, count: int) -> NDArray[np.int64]:
    """Pseudonyms of made persons, under a key that follows from the seed: there is nobody to protect."""
    key = hashlib.sha256(f"accord made place {seed}".encode()).digest()
    return np.array(KeyChain((key,)).persons(identifiers(first, count), SOURCE), np.int64)


@dataclass(slots=True)
class Writer:
    """Tables of a generation while they are written, a row group for each practice."""

    folder: Path
    known: dt.date
    rows: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    open: dict[str, pq.ParquetWriter] = field(default_factory=dict)

    def write(self, name: str, made: Made) -> None:
        """Add rows to a table; columns that are not given are missing.

        A row is known from the day on which it happened (a stay: ended), and not before the record begins. What lasts
        is known without its end first, and replaced by a version with it when that comes.
        """
        count = len(next(iter(made.values())))
        if not count:
            return
        begin = (self.known - dt.date(1970, 1, 1)).days
        happened = next((made[each] for each in ("discharged", "day", "since", "born") if each in made), None)
        known = np.full(count, begin) if happened is None else np.maximum(np.asarray(happened), begin)
        number = self.numbers.get(name, 0) + np.arange(1, count + 1)
        self.numbers[name] = self.numbers.get(name, 0) + count
        if name not in LASTING:
            self._add(name, made, number, known, np.full(count, NEVER))
            return
        until, since = np.asarray(made["until"]), np.asarray(made["since"])
        # whether somebody is at home is found out on day 91
        told = np.maximum(until, since + 91) if "outcome" in made else until
        later = np.flatnonzero((until < NEVER) & (told > known))
        first = dict(made) | {"until": np.where((until < NEVER) & (told > known), NEVER, until)}
        if "outcome" in first:
            del first["outcome"]
        ending = np.full(count, NEVER)
        ending[later] = told[later]
        self._add(name, first, number, known, ending)
        second = {
            each: values[later] if isinstance(values, np.ndarray) else values.take(pa.array(later))
            for each, values in made.items()
        }
        self._add(name, second, number[later], told[later], np.full(len(later), NEVER))

    def _add(
        self, name: str, made: Made, number: Places, known: NDArray[np.int64], replaced: NDArray[np.int64]
    ) -> None:
        """Add versions of rows, known from one day to another."""
        definition = table(name)
        count = len(number)
        if not count:
            return
        columns: list[pa.Array] = []
        schema = definition.schema()
        own: Made = {"row": number, "known_from": known, "known_until": replaced}
        for at, column in enumerate(definition.all_columns):
            kind = schema.field(at).type
            values = made.get(column.name, own.get(column.name))
            if values is not None:
                columns.append(array_of(values, column, kind))
            elif column.name == "source":
                columns.append(pa.repeat(pa.scalar(SOURCE), count))
            else:
                assert not column.required or definition.of_persons == "optional", f"{name}.{column.name}"
                columns.append(pa.nulls(count, kind))
        if name not in self.open:
            (self.folder / name).mkdir()
            self.open[name] = pq.ParquetWriter(self.folder / name / "part-000000.parquet", schema, compression="zstd")
        self.open[name].write_table(pa.table(columns, schema=schema))
        self.rows[name] = self.rows.get(name, 0) + count

    def close(self) -> dict[str, object]:
        """Finish every file; what the manifest says about them."""
        described: dict[str, object] = {}
        for name, writer in self.open.items():
            writer.close()
            path = self.folder / name / "part-000000.parquet"
            with path.open("rb") as file:
                described[name] = {
                    "rows": self.rows[name],
                    "files": {path.name: hashlib.file_digest(file, "sha256").hexdigest()},
                }
        return described


def array_of(values: Values | pa.Array, column: Column, kind: pa.DataType) -> pa.Array:
    """Values as a column of the record."""
    if not isinstance(values, np.ndarray):
        return values.cast(kind)
    if column.type == "day":
        missing = values >= NEVER
        return pa.array(np.where(missing, 0, values).astype(np.int32), pa.int32(), mask=missing).cast(kind)
    if column.type == "number":
        return pa.array(np.round(values.astype(np.float64), 1)).cast(pa.decimal128(18, 4))
    return pa.array(values, kind)


def named(names: Sequence[str | None], which: NDArray[np.integer]) -> pa.Array:
    """Texts by their place in a list."""
    return pa.DictionaryArray.from_arrays(pa.array(which.astype(np.int32)), pa.array(names, pa.string())).cast(
        pa.string()
    )


def same(text: str, count: int) -> pa.Array:
    """The same text in every row."""
    return pa.repeat(pa.scalar(text), count)
