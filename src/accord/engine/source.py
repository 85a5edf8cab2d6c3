"""Where data comes from: CSV, Parquet, Arrow tables and plain rows as raw columns, before anything is made of them.

Lives here: encodings, headers, delimiters, ragged rows, and which row of a file a row is. Does not: types.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# (pyarrow comes without types)

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.rounding import decimal_text

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 10
"""Rows that a message lists before it only counts."""
_SCANNED = 50_000_000
"""Bytes of a file that is read once more for the row numbers of a message."""


@dataclass(frozen=True, slots=True)
class RawTable:
    """A source before it is typed: its columns by name, how messages call it, and the number of its first row."""

    columns: Mapping[str, pa.ChunkedArray]
    file: str
    first_row: int
    rows: int
    path: Path | None = None
    """The text file it came from."""

    def numbers(self, rows: Sequence[int]) -> list[int]:
        """The row numbers as the user sees them: in a file the header is row 1, and blank lines count."""
        numbers = [row + self.first_row for row in rows]
        if self.path is None or self.path.stat().st_size > _SCANNED:
            return numbers
        for blank in (n for n, line in enumerate(self.path.read_bytes().split(b"\n"), 1) if not line.strip()):
            numbers = [number + (number >= blank) for number in numbers]
        return numbers


class Unreadable(Exception):
    """A source that cannot be read at all: what is wrong, and how to mend it."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


def read_raw(name: str, source: Any, wanted: Collection[str]) -> tuple[RawTable, list[str]]:
    """The raw columns of a source, and doubts about how it was read."""
    import pyarrow as pa

    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.is_file():
            raise Unreadable("there is no such file", f"put the rows of input {name} there")
        if path.suffix.lower() in (".parquet", ".pq"):
            return _raw_table(_parquet(path, wanted), path.name), []
        if path.suffix.lower() in (".csv", ".tsv", ".txt"):
            return _raw_csv(path)
        raise Unreadable(f"{path.suffix or 'a file without an ending'} is not read", "give a .csv or a .parquet file")
    if isinstance(source, pa.Table):
        return _raw_table(source, f"input {name}"), []
    if isinstance(source, Sequence):
        return _raw_rows(source, f"input {name}"), []
    raise Unreadable(f"{type(source).__name__} is not data", "give a path, a pyarrow Table or a list of rows")


def _parquet(path: Path, wanted: Collection[str]) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        schema = pq.read_schema(path)
        texts = [column.name for column in schema if pa.types.is_string(column.type)]
        file = pq.ParquetFile(path, read_dictionary=texts)
        names = [column for column in schema.names if column.strip() in wanted]
        table = file.read(columns=names)
        for extra in schema.names:
            if extra not in names:
                table = table.append_column(extra, pa.nulls(table.num_rows))
        return table
    except (pa.ArrowInvalid, OSError) as error:
        raise Unreadable(
            f"this is not a Parquet file that can be read ({_first_line(error)})", "write it again"
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _raw_table(table: pa.Table, file: str) -> RawTable:
    names = [name.strip() for name in table.column_names]
    _no_twins(names)
    return RawTable(dict(zip(names, table.columns, strict=True)), file, 1, table.num_rows)


def _no_twins(names: Sequence[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1 and name})
    if twins:
        raise Unreadable(f"there are two columns called {' and '.join(twins)}", "leave one of them out")


def _raw_rows(rows: Sequence[Mapping[str, object]], file: str) -> RawTable:
    import pyarrow as pa

    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(str(name) for name in row))
    columns = {
        name: pa.chunked_array([pa.array([_as_text(row.get(name)) for row in rows], pa.string())]) for name in names
    }
    return RawTable(columns, file, 1, len(rows))


def _as_text(value: object) -> str | None:
    """A value of a plain row as it would stand in a file."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case Fraction():
            return decimal_text(value)
        case float():
            return None if value != value else repr(value)
        case Decimal():
            return format(value, "f")
        case dt.datetime():
            return value.date().isoformat()
        case dt.date():
            return value.isoformat()
        case _:
            return str(value)


def _encoding(path: Path) -> tuple[str, str]:
    """The encoding of a text file, and a doubt about it."""
    import codecs

    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        if file.read(2) in (b"\xff\xfe", b"\xfe\xff"):
            return "utf-16", ""
        file.seek(0)
        try:
            while block := file.read(1 << 22):
                decoder.decode(block)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252", "this file is not UTF-8: it was read as Windows text (cp1252); check names with accents"
    return "utf-8", ""


def _raw_csv(path: Path) -> tuple[RawTable, list[str]]:
    import pyarrow as pa
    import pyarrow.csv as pv

    encoding, doubt = _encoding(path)
    try:
        with path.open(encoding=encoding, errors="strict", newline="") as text:
            header_line = text.readline()
    except UnicodeDecodeError:
        encoding = "latin-1"
        header_line = path.open(encoding=encoding, newline="").readline()
    header_line = header_line.lstrip("\ufeff").rstrip("\r\n")
    if not header_line.strip():
        raise Unreadable("the first row is empty", "the first row of a file names its columns")
    delimiter = max(",;\t|", key=lambda mark: header_line.count(mark))
    names = [name.strip() for name in next(csv.reader([header_line], delimiter=delimiter))]
    while names and not names[-1]:
        names = names[:-1]
    _no_twins(names)
    width = len(next(csv.reader([header_line], delimiter=delimiter)))
    labels = [f"c{position}" for position in range(width)]
    ragged: list[tuple[int | None, int, int]] = []

    def refuse(row: Any) -> str:
        ragged.append((row.number, row.expected_columns, row.actual_columns))
        return "skip"

    def read(encoding: str, threads: bool) -> pa.Table:
        return pv.read_csv(
            path,
            read_options=pv.ReadOptions(
                column_names=labels, skip_rows=1, encoding=encoding, use_threads=threads, block_size=1 << 23
            ),
            parse_options=pv.ParseOptions(delimiter=delimiter, newlines_in_values=True, invalid_row_handler=refuse),
            convert_options=pv.ConvertOptions(
                column_types=dict.fromkeys(labels, pa.string()), null_values=[""], strings_can_be_null=True
            ),
        )

    if path.stat().st_size <= len(header_line.encode(encoding)) + 5:
        table = pa.table({label: pa.array([], pa.string()) for label in labels})
    else:
        try:
            table = read(encoding, True)
        except UnicodeDecodeError:
            table = read("latin-1", True)
        except pa.ArrowInvalid as error:
            if "Empty CSV" not in str(error):
                raise Unreadable(f"this is not a CSV file that can be read ({_first_line(error)})") from None
            table = pa.table({label: pa.array([], pa.string()) for label in labels})
    if ragged:
        ragged.clear()
        read("latin-1" if encoding == "cp1252" else encoding, False)
        numbers = [number for number, _, _ in ragged if number is not None]
        _, expected, actual = ragged[0]
        raise Unreadable(
            f"{rows_text(numbers, len(ragged))}: {actual} values where the header has {expected}",
            "a value that contains a comma stands in double quotes",
        )
    columns = dict(zip(names, table.columns, strict=False))
    return RawTable(columns, path.name, 2, table.num_rows, path), [doubt] if doubt else []


def rows_text(numbers: Sequence[int], total: int) -> str:
    """``row 4`` · ``rows 4, 9 and 11`` · ``rows 2, 3, … (1,204 in all)``."""
    shown = [str(number) for number in numbers[:SHOWN]]
    if total == 1:
        return f"row {shown[0]}" if shown else "one row"
    if total <= len(shown):
        return f"rows {', '.join(shown[:-1])} and {shown[-1]}"
    return f"rows {', '.join(shown)}, … ({total:,} in all)" if shown else f"{total:,} rows"
