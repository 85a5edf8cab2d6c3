"""Delimited text (CSV) as a table of texts: every line is a row, or is refused with a reason, and all are counted."""

from __future__ import annotations

import codecs
import contextlib
import csv
import gzip
import hashlib
import os
import re
import tempfile
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accord.engine.database import text_literal
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.language.text import Entries, Items, Scalar, Tree

if TYPE_CHECKING:
    import duckdb

    from accord.record.source import SourceFile

DELIMITERS = (",", "\t", ";", "|")
"""What may stand between values when nobody has said what does: the one that the heading has most of."""

LONGEST_HEADING = 1 << 18
"""So many bytes of a file are looked at for its heading."""

PIECE = 1 << 20
"""So many bytes are recoded at a time."""

_REASONS = {
    "INVALID ENCODING": "the line has bytes that are not of the encoding {encoding}",
    "MISSING COLUMNS": "the line has fewer values than the heading",
    "TOO MANY COLUMNS": "the line has more values than the heading",
    "UNQUOTED VALUE": "the line has a quotation mark that is not closed, or text after one that is",
    "LINE SIZE OVER MAXIMUM": "the line is too long",
}


@dataclass(frozen=True, slots=True)
class Delimited:
    """A delimited file, read. ``rows``: all of them; ``refused``: so many could not be read as a row.

    The readable rows are in the temporary table ``table``: ``source_row`` (from 1), then the file's columns under the
    names of :func:`nth_column`, all texts, with nothing (NULL) where nothing or only spaces stood. The others are in
    ``refused_table``: ``source_row`` and ``reason``. Blank lines do not count; in a file whose lines end in two ways
    the number of a refused line may be off.
    """

    table: str
    refused_table: str
    rows: int
    refused: int


def heading(
    path: Path, label: str, delimiter: str | None = None, encoding: str = "utf-8"
) -> tuple[str, tuple[str, ...]]:
    """The delimiter of a file and the names in its first line.

    Raises:
        DataRefused: the file is empty, its first line is not text in that encoding, or has a name twice or none.
    """
    place = Place(label, 1, 1)
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
            begins = file.read(LONGEST_HEADING)
    except (OSError, EOFError) as error:
        raise DataRefused(Problem(Place(label, 0, 0), "this file cannot be read", "is it whole?")) from error
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)("replace")
    text = (decoder.decode(begins).splitlines() or [""])[0]
    if encoding != "utf-16" and (begins[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) or "\0" in text):
        fix = "in a mapping write encoding: utf-16, or save the file as UTF-8"
        raise DataRefused(Problem(place, "the heading looks like UTF-16, and is read in another encoding", fix))
    if "\ufffd" in text:
        fix = "save it as UTF-8, or name its encoding"
        raise DataRefused(Problem(place, f"the heading is not text in the encoding {encoding}", fix))
    if not text.strip() or "\0" in text:
        raise DataRefused(Problem(place, "there is no heading with the names of columns", "the first line names them"))
    delimiter = delimiter or max(DELIMITERS, key=text.count)
    names = tuple(name.strip() for name in next(csv.reader([text], delimiter=delimiter)))
    twice = next((nth for nth, name in enumerate(names, 1) if names.index(name) < nth - 1), None)
    if "" in names:
        raise DataRefused(
            Problem(place, f"in the heading column {names.index('') + 1} has no name", "name every column once")
        )
    if twice is not None:
        first = names.index(names[twice - 1]) + 1
        what = f"in the heading columns {first} and {twice} have the same name"
        raise DataRefused(Problem(place, what, "name every column once; or has the file no heading?"))
    return delimiter, names


def sayable(names: Iterable[str]) -> tuple[str, ...]:
    """The names of columns that a message may repeat: of a file without a heading the "names" are a person's data."""
    return tuple(name for name in names if re.fullmatch(r"[A-Za-z](?:[A-Za-z_ .-]|\d(?!\d{4})){0,63}", name))


def nth_column(nth: int) -> str:
    """What the nth column of a file (from 0) is called in SQL, whatever the file calls it.

    Names in files differ in case alone, or are those of the record: DuckDB takes such names for one and the same, and
    drops ``"CODE" as code`` from a view. The space keeps these names apart from all of the record's.
    """
    return f'"column {nth}"'


def read_delimited(
    con: duckdb.DuckDBPyConnection,
    path: Path,
    label: str,
    columns: int,
    *,
    delimiter: str,
    headed: bool = True,
    encoding: str = "utf-8",
) -> Delimited:
    """Read a delimited file of so many columns into temporary tables, in place of the file read before.

    Raises:
        DataRefused: the file cannot be read at all.
    """
    import duckdb

    table, refused_table = "delimited_rows", "delimited_refused"
    named = ", ".join(f"{text_literal(f'c{i}')}: 'VARCHAR'" for i in range(columns))
    values = ", ".join(f"nullif(trim(c{i}), '') as {nth_column(i)}" for i in range(columns))

    def read(strict: bool) -> None:
        for each in ("delimited_errors", "delimited_scans", refused_table, table):
            con.execute(f"drop table if exists {each}")
        with _as_utf8(path, label, encoding) as readable:
            con.execute(
                f"""
                create temp table {table} as
                select row_number() over () as source_row, {values}
                from read_csv({text_literal(str(readable))}, auto_detect = false, columns = {{{named}}},
                    header = {str(headed).lower()}, delim = {text_literal(delimiter)}, quote = '"', escape = '"',
                    store_rejects = true, rejects_table = 'delimited_errors', rejects_scan = 'delimited_scans',
                    strict_mode = {str(strict).lower()}, max_line_size = 8388608)
                """
            )

    try:
        try:
            read(strict=True)
        except duckdb.InvalidInputException:
            # lines that end in two ways, as in files that were put together, stop the strict reading
            read(strict=False)
    except duckdb.Error as error:
        what, fix = "this file cannot be read as delimited text", "is it whole, and not another form?"
        raise DataRefused(Problem(Place(label, 0, 0), what, fix)) from error
    first = 1 if headed else 0
    _check_quotes(con, table, label, columns, delimiter, first)
    reasons = " ".join(
        f"when {text_literal(kind)} then {text_literal(reason.format(encoding=encoding))}"
        for kind, reason in _REASONS.items()
    )
    con.execute(
        f"""
        create temp table {refused_table} as
        select cast(line - {first} as bigint) as source_row,
            min(case cast(error_type as varchar) {reasons} else 'the line cannot be read' end) as reason
        from delimited_errors group by line
        """
    )
    refused = _count(con, refused_table)
    if refused:
        # the rows after a refused line are numbered as in the file, where that line counts
        con.execute(
            f"""
            create or replace temp table delimited_renumbered as
            select rows.source_row + coalesce(shifts.shift, 0) as source_row, rows.* exclude (source_row)
            from {table} as rows asof left join (
                select start, max(shift) as shift from (
                    select source_row - row_number() over (order by source_row) + 1 as start,
                        row_number() over (order by source_row) as shift
                    from {refused_table}
                ) group by start
            ) as shifts on rows.source_row >= shifts.start
            order by 1
            """
        )
        con.execute(f"drop table {table}")
        con.execute(f"alter table delimited_renumbered rename to {table}")
    return Delimited(table, refused_table, _count(con, table) + refused, refused)


def _check_quotes(
    con: duckdb.DuckDBPyConnection, table: str, label: str, columns: int, delimiter: str, first: int
) -> None:
    """Refuse a file in which a quotation mark takes in the lines after it: as one value they would be lost unsaid.

    A value may have several lines. That it holds rows is seen by the delimiters in a value with more than one line, or
    by a value that is never closed.

    Raises:
        DataRefused: with the row in which the mark stands.
    """
    mark, least = text_literal(delimiter), max(columns - 1, 1)
    held = " or ".join(
        f"contains({each}, chr(10)) and length({each}) - length(replace({each}, {mark}, '')) >= {least}"
        for each in map(nth_column, range(columns))
    )
    (row,) = con.execute(
        f"""select min(row) from (
              select min(source_row) as row from {table} where {held}
              union all select min(line) - {first} from delimited_errors
              where error_type = 'UNQUOTED VALUE' and contains(trim(csv_line, chr(10) || chr(13)), chr(10)))"""
    ).fetchall()[0]
    if row is not None:
        what = f"in row {row} or in one before it a quotation mark is not closed, and takes in the rows after it"
        fix = "close it, or take it away; nothing of the file was read"
        raise DataRefused(Problem(Place(label, row + first, 0), what, fix))


def parquet_names(file: SourceFile) -> tuple[str, ...]:
    """The columns of a Parquet file. Raises DataRefused if it is not whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return tuple(pq.read_schema(file.path).names)
    except (OSError, pa.ArrowException) as error:
        raise DataRefused(_not_parquet(file)) from error


def parquet_select(file: SourceFile) -> str:
    """The rows of a Parquet file as a delimited file has them, all texts: see :class:`Delimited`."""
    source, held = _parquet_source(file, parquet_names(file))
    values = ", ".join(f"nullif(trim(cast({each} as varchar)), '') as {nth_column(i)}" for i, each in enumerate(held))
    return f"select nth + 1 as source_row, {values} from ({source})"


def _parquet_source(file: SourceFile, names: Sequence[str]) -> tuple[str, list[str]]:
    """A select of a Parquet file with its rows numbered from 0 as ``nth``; and its columns under names of our own."""
    path = text_literal(str(file.path))
    held = [f"c{i}" for i in range(len(names))]
    if "file_row_number" in {name.lower() for name in names}:  # DuckDB's own name, which the file has
        return f"select row_number() over () - 1 as nth, * from read_parquet({path}) as file({', '.join(held)})", held
    read = f"read_parquet({path}, file_row_number = true)"
    return f"select * from {read} as file({', '.join(held)}, nth)", held


@dataclass(frozen=True, slots=True)
class Typed:
    """A Parquet file with its types: ``select`` gives ``source_row`` and its columns (:func:`nth_column`).

    ``kinds`` are the types as DuckDB calls them. Texts are as a delimited file has them. ``certain`` are the numbers of
    columns of texts of which none is one of those that mean that nothing is there, so that nobody needs to look.
    """

    select: str
    kinds: tuple[str, ...]
    certain: frozenset[int]


def parquet_typed(
    con: duckdb.DuckDBPyConnection, file: SourceFile, used: Iterable[int], missing: Sequence[str]
) -> Typed:
    """A Parquet file with its types. The texts of the columns ``used`` are looked at first: few are to be cleaned."""
    source, held = _parquet_source(file, parquet_names(file))
    kinds = tuple(str(kind) for name, kind, *_ in con.execute(f"describe {source}").fetchall() if name != "nth")
    texts = [i for i in sorted(set(used)) if kinds[i] == "VARCHAR"]
    listed = ", ".join(text_literal(text) for text in ("", *missing))
    # what is before '!' is nothing, or begins with a space or a control character: quicker than starts_with
    asked = ", ".join(
        f"bool_or({held[i]} < '!' or ends_with({held[i]}, ' ') or {held[i]} in ({listed}))" for i in texts
    )
    found = con.execute(f"select {asked} from ({source})").fetchall()[0] if texts else ()
    certain = frozenset(i for i, doubtful in zip(texts, found, strict=True) if not doubtful)
    values = ", ".join(
        f"nullif(trim({each}), '') as {nth_column(i)}"
        if kinds[i] == "VARCHAR" and i not in certain
        else f"{each} as {nth_column(i)}"
        for i, each in enumerate(held)
    )
    return Typed(f"select nth + 1 as source_row, {values} from ({source})", kinds, certain)


def parquet_rows(file: SourceFile) -> int:
    """How many rows a Parquet file has. Raises DataRefused if it is not whole."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(file.path).num_rows
    except (OSError, pa.ArrowException) as error:
        raise DataRefused(_not_parquet(file)) from error


def _not_parquet(file: SourceFile) -> Problem:
    return Problem(Place(file.label, 0, 0), "this file is not whole Parquet", "send it again: it may have been cut off")


def content_hash(files: Iterable[SourceFile]) -> str:
    """One hash of the contents of files, in any order; of none of them, nothing."""
    digests: list[str] = []
    for file in files:
        try:
            with file.path.open("rb") as opened:
                digests.append(f"{file.kind} {hashlib.file_digest(opened, 'sha256').hexdigest()}")
        except OSError:
            digests.append(f"{file.kind} unreadable")  # the loading says so when the file's turn comes
    return hashlib.sha256("\n".join(sorted(digests)).encode()).hexdigest()[:16] if digests else ""


def plain(tree: Tree) -> object:
    """A tree without its places: texts, lists and mappings, for the files that come with Accord itself."""
    match tree:
        case Scalar():
            return tree.value
        case Items():
            return [plain(item) for item in tree.items]
        case Entries():
            return {key.value: plain(value) for key, value in tree}


def _count(con: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(con.execute(f"select count(*) from {table}").fetchall()[0][0])


@contextmanager
def _as_utf8(path: Path, label: str, encoding: str) -> Iterator[Path]:
    """The file itself if it is UTF-8, otherwise a pipe that recodes it: no copy with identifiers is written."""
    if codecs.lookup(encoding).name in ("utf-8", "ascii"):
        yield path
        return
    if not hasattr(os, "mkfifo"):
        what = f"files in the encoding {encoding} are not read on this system"
        raise DataRefused(Problem(Place(label, 0, 0), what, "save it as UTF-8"))
    with tempfile.TemporaryDirectory(prefix="accord-") as folder:
        pipe = Path(folder) / "recoded.csv"
        os.mkfifo(pipe, 0o600)
        faults: list[Exception] = []
        writer = threading.Thread(target=_recode, args=(path, pipe, encoding, faults), daemon=True)
        writer.start()
        try:
            yield pipe
        finally:
            # a reader that stopped early leaves the writer waiting: opened and closed here, the pipe lets it go
            os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
            writer.join(timeout=10)
        if faults:
            raise DataRefused(
                Problem(Place(label, 0, 0), "this file cannot be read to its end", "is it whole? Send it again")
            ) from faults[0]


def _recode(path: Path, pipe: Path, encoding: str, faults: list[Exception]) -> None:
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    # a reader that has seen enough closes the pipe, which is no fault
    with contextlib.suppress(BrokenPipeError), pipe.open("wb") as target:
        try:
            with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as source:
                while piece := source.read(PIECE):
                    target.write(decoder.decode(piece).encode())
                target.write(decoder.decode(b"", True).encode())
        except BrokenPipeError:
            raise
        except (OSError, EOFError) as error:
            faults.append(error)
