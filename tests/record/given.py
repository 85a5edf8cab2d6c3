"""Sources made for tests: people with NHS numbers, and a reader of files that are already in the record's columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.record.source import RefusedRows, RowsRead, SetAside, SourceFile, SourceRows


def nhs_number(nth: int) -> str:
    """The nth number that passes the check, from those that are set apart for tests (999 …)."""
    found = -1
    stem = 999_000_000
    while True:
        digits = f"{stem:09d}"
        check = (11 - sum((10 - place) * int(digit) for place, digit in enumerate(digits)) % 11) % 11
        if check != 10:
            found += 1
            if found == nth:
                return f"{digits}{check}"
        stem += 1


PEOPLE = [nhs_number(nth) for nth in range(60)]


@dataclass(frozen=True)
class GivenReader:
    """Reads CSV and Parquet files named ``<table>…``, whose columns are those of SourceRows."""

    source: str = "given"
    numbering: str = "nhs"
    name: str = "given"
    fingerprint: str = "1"

    def files(self, given: Sequence[Path]) -> tuple[SourceFile, ...]:
        return tuple(SourceFile(path, path.name, path.name.split("-")[0].split(".")[0], self.source) for path in given)

    def rows(self, file: SourceFile, con: Any) -> Iterator[Any]:
        path = str(file.path).replace("'", "''")
        if file.path.suffix == ".parquet":
            rows = f"select *, file_row_number + 1 as source_row from read_parquet('{path}', file_row_number = true)"
        else:
            source = f"read_csv('{path}', all_varchar = true, header = true)"
            rows = f"select *, row_number() over () as source_row from {source}"
        yield SourceRows(file.kind, con.sql(rows), self.numbering)
        yield RowsRead(con.sql(f"select count(*) from ({rows})").fetchall()[0][0])


@dataclass(frozen=True)
class PiecesReader(GivenReader):
    """Gives the pieces that it was made with, whatever the file holds."""

    pieces: Mapping[str, Sequence[SourceRows | SetAside | RefusedRows | RowsRead]] = None  # type: ignore[assignment]

    def rows(self, file: SourceFile, con: Any) -> Iterator[Any]:
        yield from self.pieces[file.path.name]


def write_csv(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    """A CSV file of rows; every row has the same columns, ``key`` and ``identifier`` too."""
    import csv

    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        writer.writerows(rows)
    return path
