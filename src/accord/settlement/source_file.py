"""Source files: a published or local table of text as header and rows, whatever its encoding and separators.

Comma, semicolon, tab or bar; UTF-8, UTF-16 or Windows-1252; lines above the header; gzipped or not. Also Parquet, whose
values are written as text first, so that a reading parses both alike.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest
from accord.settlement.catalogue import NotFound
from accord.settlement.cell import Unreadable, column_name, named, number, plain
from accord.settlement.reading import Unpivot

MAXIMUM_BYTES = 200_000_000
"""A results file larger than this is not one; reading it row by row would take minutes."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The rows of a file under its header."""

    path: Path
    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    """The line in the file of each row."""
    origins: list[int] | None = None
    """After unpivoting: the row of the file that each row comes from."""

    def position(self, names: Sequence[str]) -> int | None:
        """Where the first of these columns stands."""
        for name in names:
            for position, head in enumerate(self.header):
                if named(name, head):
                    return position
        return None

    def cells(self, position: int) -> list[str]:
        """The texts of a column, row by row."""
        return [row[position].strip() if position < len(row) else "" for row in self.rows]


def _decoded(path: Path) -> str:
    try:
        size = path.stat().st_size
        if size > MAXIMUM_BYTES:
            message = f"this file has {size:,} bytes; at most {MAXIMUM_BYTES:,} are read"
            raise DataRefused(Problem(Place(str(path), 0, 0), message, "hand over the results file itself"))
        content = path.read_bytes()
        if content[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=io.BytesIO(content)) as unpacked:
                content = unpacked.read(MAXIMUM_BYTES + 1)
            if len(content) > MAXIMUM_BYTES:
                message = f"unpacked, this file has more than {MAXIMUM_BYTES:,} bytes"
                raise DataRefused(Problem(Place(str(path), 0, 0), message))
    except FileNotFoundError:
        raise NotFound(Problem(Place(str(path), 0, 0), "there is no such file", "check the path")) from None
    except IsADirectoryError:
        fix = "name the file in it"
        raise NotFound(Problem(Place(str(path), 0, 0), "this is a folder; a file is needed", fix)) from None
    except PermissionError:
        raise NotFound(
            Problem(Place(str(path), 0, 0), "this file may not be read", "ask who may give it to you")
        ) from None
    except (OSError, EOFError) as error:
        raise DataRefused(Problem(Place(str(path), 0, 0), f"this file cannot be opened: {error}")) from None
    if content[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encodings = ("utf-16",)
    elif content[:200:2].count(b"\x00") > 20 or content[1:200:2].count(b"\x00") > 20:
        encodings = ("utf-16-le" if content[1:2] == b"\x00" else "utf-16-be",)
    else:
        encodings = ("utf-8-sig", "cp1252", "latin-1")
    if content[:4] == b"PK\x03\x04":
        message = "this is a workbook or an archive; a CSV file is needed"
        raise DataRefused(Problem(Place(str(path), 0, 0), message, "save it as CSV"))
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text
    raise DataRefused(Problem(Place(str(path), 0, 0), "this is not a text file", "save it as CSV, encoded as UTF-8"))


def _is_parquet(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PAR1"
    except OSError:
        return False  # reading it as text says why


def _of_parquet(path: Path) -> SourceFile:
    """The table of a Parquet file, every value as the text that names it exactly; a row's line is its number."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if path.stat().st_size > MAXIMUM_BYTES:
            message = f"this file has more than {MAXIMUM_BYTES:,} bytes"
            raise DataRefused(Problem(Place(str(path), 0, 0), message, "hand over the results file itself"))
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DataRefused(Problem(Place(str(path), 0, 0), f"this Parquet file cannot be read: {error}")) from None
    columns = [_texts(column) for column in table.columns]
    rows = [list(row) for row in zip(*columns, strict=True)]
    return SourceFile(path, tuple(table.column_names), rows, list(range(1, len(rows) + 1)))


def _texts(column: Any) -> list[str]:
    """A Parquet column as texts: a float as the shortest decimal that names it, a missing value as nothing."""
    return ["" if value is None else str(value) for value in column.to_pylist()]


def read_source_file(path: Path, wanted: frozenset[str]) -> SourceFile:
    """The file as header and rows; raises DataRefused.

    ``wanted`` (names of columns) tells the separator, and the header from lines above it.
    """
    known = frozenset(column_name(name) for name in wanted if "*" not in name)
    if _is_parquet(path):
        return _of_parquet(path)
    text = _decoded(path)
    if not text.strip():
        raise DataRefused(Problem(Place(str(path), 0, 0), "this file is empty"))
    best: tuple[int, str, int] = (-1, ",", 0)
    head = text.splitlines()[:25]
    for separator in (",", ";", "\t", "|"):
        for index, row in enumerate(csv.reader(head, delimiter=separator)):
            found = len({column_name(cell) for cell in row} & known)
            if found > best[0]:
                best = (found, separator, index)
    found, separator, header_at = best
    if found == 0:
        shown = ", ".join(cell.strip() for cell in next(csv.reader(head), [])[:8])
        message = f"none of the columns that this reading knows is in the file; its first line is: {shown[:200]}"
        raise DataRefused(Problem(Place(str(path), 1, 1), message, "check that this is the right file"))
    csv.field_size_limit(1_000_000)
    reader = csv.reader(io.StringIO(text), delimiter=separator)
    header: tuple[str, ...] = ()
    rows: list[list[str]] = []
    lines: list[int] = []
    cut: list[Problem] = []
    try:
        for index, row in enumerate(reader):
            if index == header_at:
                header = tuple(cell.strip() for cell in row)
            elif index > header_at and any(cell.strip() for cell in row):
                # a line with one value is a remark below the table; one with several, but too few, has been cut
                if 1 < len(row) < len(header) and sum(1 for cell in row if cell.strip()) > 1:
                    cut.append(Problem(Place(str(path), reader.line_num, 1), _too_few(row, header), _CUT))
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataRefused(Problem(Place(str(path), reader.line_num, 1), f"this line cannot be read: {error}")) from None
    if cut:
        raise DataRefused(cut[:10])
    return SourceFile(path, header, rows, lines)


_CUT = "was the file cut off while it was copied? fetch it again"


def _too_few(row: list[str], header: tuple[str, ...]) -> str:
    return f"this row has {len(row)} values where the header has {len(header)}"


def unpivoted(file: SourceFile, unpivot: Unpivot, missing: frozenset[str], used: Iterable[str]) -> SourceFile:
    """Several columns of the file as rows of name and value.

    ``missing`` (compared texts) stand for no value; ``used`` are the columns that the reading uses otherwise, which
    are never among the others.
    """
    taken: dict[int, str] = {}  # what the column in that position is called
    absent: list[str] = []
    for column, name in unpivot.columns.items():
        position = file.position([column])
        if position is None:
            absent.append(column)
        elif (
            position not in taken
            and name not in taken.values()
            and not any(named(alone, file.header[position]) for alone in unpivot.left_alone)
        ):
            taken[position] = name
    if absent and not unpivot.others:
        message = f"the file has no column {', '.join(absent)}"
        raise DataRefused(Problem(Place(str(file.path), 1, 1), message, nearest(absent[0], file.header)))
    if unpivot.others:
        alone = (*unpivot.left_alone, *used)
        for position, heading in enumerate(file.header):
            wanted = position not in taken and column_name(heading) and not any(named(name, heading) for name in alone)
            if wanted and _of_numbers(file.cells(position), missing):
                name = re.sub(r"[\s_]*\(?[£$€]\)?$", "", " ".join(heading.split()))
                taken[position] = name if name not in taken.values() else f"{name} (column {position + 1})"
    columns = [(name, file.cells(position)) for position, name in sorted(taken.items())]
    origins = [row for row in range(len(file.rows)) for _ in columns]
    rows = [[name, cells[row]] for row in range(len(file.rows)) for name, cells in columns]
    return SourceFile(
        file.path, (unpivot.name_into, unpivot.value_into), rows, [file.lines[row] for row in origins], origins
    )


def _of_numbers(cells: list[str], missing: frozenset[str]) -> bool:
    """Whether most of what stands in a column are numbers, so that one slip of the pen does not hide the others."""
    there = [cell for cell in cells if plain(cell) not in missing]
    numbers = 0
    for cell in there:
        try:
            number(cell)
        except Unreadable:
            continue
        numbers += 1
    return numbers * 2 > len(there)
