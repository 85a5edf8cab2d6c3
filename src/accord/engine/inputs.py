"""What a settlement reads: every input and every own table of the contract as exact columns, checked once, at the door.

Lives here: reading CSV, Parquet, Arrow tables and plain rows into whole numbers of a power of ten; every refusal of
data that does not fit the contract; the run's window; what-ifs. Does not: any formula of the contract.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# (pyarrow comes without types)

from __future__ import annotations

import csv
import datetime as dt
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.contract import Column, Contract, Parameter, PeriodItem, Table, Value
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest
from accord.language.rounding import decimal_places, decimal_text

if TYPE_CHECKING:
    import pyarrow as pa

WORLD = "world"
"""The hidden key: an int32 column of a table that differs by world."""

FLOAT_PLACES = 9
"""Most decimal places a floating-point column may need, where its column does not say ``places``."""

_SHOWN = 10
_PERSONAL = frozenset({"person", "patient", "people", "nhs_number"})


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """A table as the engines read it.

    ``data`` holds, for keys, string (a period is the ISO date of its first day); for numbers, int64, else
    decimal128(38, 0), else a string of digits where that is not wide enough: a whole number of 10**-places; for flags,
    bool; for dates, date32; for texts and key columns, string; and an int32 column ``world`` if the table differs by
    world. Missing is null.
    """

    name: str
    data: pa.Table
    places: Mapping[str, int]
    """Decimal places of the number columns."""
    has_worlds: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a settlement reads besides the contract."""

    tables: Mapping[str, LoadedTable]
    """Inputs and own tables of the contract; an optional input that was not given has no rows."""
    first: dt.date
    last: dt.date
    """The run: the periods that lie wholly inside it exist."""
    periods: Mapping[str, tuple[PeriodItem, ...]]
    """The periods of the run, by key, in order."""
    worlds: tuple[int, ...] = (0,)
    known_on: dt.date | None = None
    what_ifs: Mapping[str, Mapping[int, Value]] = field(default_factory=dict[str, Mapping[int, Value]])
    """Parameter (or ``parameter.member`` where it goes ``by``) -> world -> the value instead of the contract's."""
    warnings: tuple[Problem, ...] = ()


def read_inputs(
    contract: Contract,
    sources: Mapping[str, Any],
    *,
    known_on: dt.date | None = None,
    up_to: str | dt.date | None = None,
    what_ifs: Mapping[str, Any] | None = None,
) -> Inputs:
    """Read and check the data of a settlement.

    Args:
        contract: the checked contract.
        sources: by input name, a path (``.csv`` or ``.parquet``), a pyarrow Table, or rows of written values
            (percent as written: 40 is 2/5). A column ``world`` of whole numbers makes an input differ by world.
        known_on: read only entries of parameters that were known on this day; None: all.
        up_to: a period (first day or usual name) or a date; rows of later periods are left out, with a warning.
        what_ifs: values instead of the contract's: by parameter (``name.member`` where the parameter goes ``by``),
            one value for every world, or a mapping from world to value. A str is read as written (percent times 100);
            a Fraction, bool or date is taken as it is.

    Raises:
        DataRefused: with everything that is wrong with the data, collected.
    """
    return _Reading(contract).read(sources, known_on, up_to, what_ifs or {})


def unread_rows(contract: Contract, inputs: Inputs) -> list[Problem]:
    """The rows of inputs that no row of the contract finds or gathers, one problem an input. Never a false alarm:
    where the answer depends on a computed quantity, a row counts as read.
    """
    from accord.engine.unread import unread_rows as find

    return find(contract, inputs)


# -- raw data: columns as they came ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Raw:
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


class _Unreadable(Exception):
    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


def _raw(name: str, source: Any, wanted: Collection[str]) -> tuple[_Raw, list[str]]:
    """The raw columns of a source, and doubts about how it was read."""
    import pyarrow as pa

    if isinstance(source, (str, Path)):
        path = Path(source)
        if not path.is_file():
            raise _Unreadable("there is no such file", f"put the rows of input {name} there")
        if path.suffix.lower() in (".parquet", ".pq"):
            return _raw_table(_parquet(path, wanted), path.name), []
        if path.suffix.lower() in (".csv", ".tsv", ".txt"):
            return _raw_csv(path)
        raise _Unreadable(f"{path.suffix or 'a file without an ending'} is not read", "give a .csv or a .parquet file")
    if isinstance(source, pa.Table):
        return _raw_table(source, f"input {name}"), []
    if isinstance(source, Sequence):
        return _raw_rows(source, f"input {name}"), []
    raise _Unreadable(f"{type(source).__name__} is not data", "give a path, a pyarrow Table or a list of rows")


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
        raise _Unreadable(
            f"this is not a Parquet file that can be read ({_first_line(error)})", "write it again"
        ) from None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _raw_table(table: pa.Table, file: str) -> _Raw:
    names = [name.strip() for name in table.column_names]
    _no_twins(names)
    return _Raw(dict(zip(names, table.columns, strict=True)), file, 1, table.num_rows)


def _no_twins(names: Sequence[str]) -> None:
    twins = sorted({name for name in names if names.count(name) > 1 and name})
    if twins:
        raise _Unreadable(f"there are two columns called {' and '.join(twins)}", "leave one of them out")


def _raw_rows(rows: Sequence[Mapping[str, object]], file: str) -> _Raw:
    import pyarrow as pa

    names: dict[str, None] = {}
    for row in rows:
        names.update(dict.fromkeys(str(name) for name in row))
    columns = {
        name: pa.chunked_array([pa.array([_as_text(row.get(name)) for row in rows], pa.string())]) for name in names
    }
    return _Raw(columns, file, 1, len(rows))


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


def _raw_csv(path: Path) -> tuple[_Raw, list[str]]:
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
        raise _Unreadable("the first row is empty", "the first row of a file names its columns")
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
                raise _Unreadable(f"this is not a CSV file that can be read ({_first_line(error)})") from None
            table = pa.table({label: pa.array([], pa.string()) for label in labels})
    if ragged:
        ragged.clear()
        read("latin-1" if encoding == "cp1252" else encoding, False)
        numbers = [number for number, _, _ in ragged if number is not None]
        _, expected, actual = ragged[0]
        raise _Unreadable(
            f"{_rows_text(numbers, len(ragged))}: {actual} values where the header has {expected}",
            "a value that contains a comma stands in double quotes",
        )
    columns = dict(zip(names, table.columns, strict=False))
    return _Raw(columns, path.name, 2, table.num_rows, path), [doubt] if doubt else []


def _rows_text(numbers: Sequence[int], total: int) -> str:
    """``row 4`` · ``rows 4, 9 and 11`` · ``rows 2, 3, … (1,204 in all)``."""
    shown = [str(number) for number in numbers[:_SHOWN]]
    if total == 1:
        return f"row {shown[0]}" if shown else "one row"
    if total <= len(shown):
        return f"rows {', '.join(shown[:-1])} and {shown[-1]}"
    return f"rows {', '.join(shown)}, … ({total:,} in all)" if shown else f"{total:,} rows"


# -- typed columns -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Typed:
    """A column in the form of :class:`LoadedTable`, and which rows could not be read (None: all could)."""

    data: pa.ChunkedArray
    places: int | None = None


@dataclass(frozen=True, slots=True)
class _Coded:
    """A column of texts by its distinct words: what is done to a word is done once."""

    indices: pa.Array
    words: pa.Array

    def data(self, words: pa.Array | None = None) -> pa.ChunkedArray:
        """The column (with other words in their place), in pieces that Arrow can hold."""
        import pyarrow as pa

        chosen: pa.Array = self.words if words is None else words
        pieces = range(0, max(len(self.indices), 1), _PIECE)
        return pa.chunked_array([chosen.take(self.indices.slice(start, _PIECE)) for start in pieces], chosen.type)

    def nulls(self) -> int:
        """How many rows have no word."""
        return self.indices.null_count if not self.words.null_count else self.data().null_count

    def code(self) -> tuple[pa.Array, int]:
        """A whole number for each row, equal where the words are equal, and how many there are."""
        import pyarrow.compute as pc

        same = pc.dictionary_encode(self.words)
        if len(same.dictionary) == len(self.words):
            return self.indices, max(len(self.words), 1)
        return same.indices.take(self.indices), max(len(same.dictionary), 1)


_PIECE = 1 << 24
_DIGITS = 100
"""Digits beyond which a written number is taken for a mistake."""
_SCANNED = 50_000_000
"""Bytes of a file that is read once more for the row numbers of a message."""
_BITS = 1 << 30
"""Combinations of keys that are counted with one bit each."""

_NUMBER = re.compile(r"([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,3}))?")


def _plain(text: str) -> str | None:
    """A written number without its exponent: ``1e-05`` is 0.00001; None if it is no number."""
    found = _NUMBER.fullmatch(text.strip())
    if found is None or not (found[2] or found[3]):
        return None
    value = Fraction(int((found[2] or "0") + found[3]), 10 ** len(found[3])) * Fraction(10) ** int(found[4] or 0)
    return ("-" if found[1] == "-" and value else "") + decimal_text(value)


class _Reading:
    """One reading of all inputs of a contract: collects problems and warnings as it goes."""

    def __init__(self, contract: Contract) -> None:
        import duckdb

        self.contract = contract
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.connection = duckdb.connect(":memory:")
        self.files: dict[str, tuple[str, int]] = {}

    def error(self, file: str, message: str, fix: str = "") -> None:
        """Note something that is wrong."""
        self.problems.append(Problem(Place(file, 0, 0), message, fix))

    def doubt(self, file: str, message: str, fix: str = "") -> None:
        """Note something that is doubtful."""
        self.warnings.append(Problem(Place(file, 0, 0), message, fix, "warning"))

    def stop_if_wrong(self) -> None:
        """Raise what has been collected."""
        if self.problems:
            raise DataRefused(self.problems)

    # -- the whole --------------------------------------------------------------------------------------------------
    def read(
        self,
        sources: Mapping[str, Any],
        known_on: dt.date | None,
        up_to: str | dt.date | None,
        what_ifs: Mapping[str, Any],
    ) -> Inputs:
        """Read everything; raises DataRefused."""
        contract = self.contract
        for name in sources:
            if name not in contract.inputs:
                if name in contract.tables:
                    self.error(
                        f"input {name}", f"{name} is the contract's own table: it is not supplied", "leave it out"
                    )
                else:
                    known = ", ".join(contract.inputs)
                    self.error(
                        f"input {name}",
                        f"{contract.name} has no input {name}",
                        nearest(name, contract.inputs) or f"its inputs are {known}",
                    )
        loaded: dict[str, LoadedTable] = {}
        for name, table in contract.inputs.items():
            if name in sources and sources[name] is not None:
                read = self.table(table, sources[name])
                if read is not None:
                    loaded[name] = read
            elif table.optional:
                loaded[name] = self.empty(table)
            else:
                columns = ", ".join((*table.keys, *(column.name for column in table.columns)))
                self.error(f"input {name}", f"input {name} is missing", f"supply {name}.csv with the columns {columns}")
        last_wanted = self.up_to(up_to) if up_to is not None else None
        self.stop_if_wrong()

        first, last = self.window(loaded, last_wanted)
        self.stop_if_wrong()
        loaded = {name: self.cut(table, last, name) for name, table in loaded.items()}
        periods = {
            name: tuple(item for item in key.items if first <= item.first and item.last <= last)
            for name, key in contract.keys.items()
            if key.is_period
        }
        for name, table in contract.tables.items():
            if table.own:
                loaded[name] = self.own(table, periods)
        tables = {name: loaded[name] for name in contract.tables}
        self.same_rows(tables)
        worlds = self.worlds(tables)
        read_what_ifs = self.what_ifs(what_ifs, worlds)
        worlds = tuple(sorted({*worlds, *(world for values in read_what_ifs.values() for world in values)}))
        self.stop_if_wrong()
        inputs = Inputs(tables, first, last, periods, worlds or (0,), known_on, read_what_ifs, tuple(self.warnings))
        for problem in unread_rows(contract, inputs):
            file, _ = self.files.get(problem.place.file, (f"input {problem.place.file}", 1))
            self.problems.append(replace(problem, place=Place(file, 0, 0)))
        self.stop_if_wrong()
        return inputs

    # -- one table --------------------------------------------------------------------------------------------------
    def table(self, table: Table, source: Any) -> LoadedTable | None:
        """One input, typed and checked in itself."""
        import pyarrow as pa

        columns = {column.name: column for column in table.columns}
        wanted = [*table.keys, *columns]
        has_worlds_column = WORLD not in wanted
        try:
            raw, doubts = _raw(table.name, source, {*wanted, WORLD})
        except _Unreadable as unreadable:
            file = Path(source).name if isinstance(source, (str, Path)) else f"input {table.name}"
            self.error(file, unreadable.message, unreadable.fix)
            return None
        for doubt in doubts:
            self.doubt(raw.file, doubt)
        self.files[table.name] = (raw.file, raw.first_row)
        if not raw.rows and not raw.columns:
            return self.empty(table)
        missing = [name for name in wanted if name not in raw.columns]
        extra = [name for name in raw.columns if name not in wanted and not (has_worlds_column and name == WORLD)]
        lost = [name for name in missing if name not in columns or not columns[name].type.missing]
        for name in lost:
            guess = nearest(name, extra) or self._same_but_for_case(name, extra)
            has = ", ".join(raw.columns)
            self.error(raw.file, f"column {name} is missing", guess or f"add a column {name}; the file has {has}")
        for name in extra:
            guess = nearest(name, [other for other in missing if other not in lost])
            if not any(name in (nearest(other, [name]) or self._same_but_for_case(other, [name])) for other in lost):
                self.doubt(raw.file, f"column {name} is not part of input {table.name}; it was left out", guess)
        if lost:
            return None
        data: dict[str, pa.ChunkedArray] = {}
        places: dict[str, int] = {}
        sound = len(self.problems)
        codes: dict[str, _Coded] = {}
        for name in table.keys:
            codes[name] = self.key(raw, name, name, raw.columns[name], optional=False)
            data[name] = codes[name].data()
        for name, column in columns.items():
            if name not in raw.columns:
                typed = self.nothing(column, raw.rows)
            else:
                typed = self.column(raw, column, raw.columns[name])
            data[name] = typed.data
            if typed.places is not None:
                places[name] = typed.places
        has_worlds = has_worlds_column and WORLD in raw.columns
        if has_worlds:
            data[WORLD] = self.world(raw, raw.columns[WORLD])
        if len(self.problems) > sound:
            return None
        self.no_twins(raw, table, data, codes)
        return LoadedTable(table.name, pa.table(data), places, has_worlds)

    @staticmethod
    def _same_but_for_case(name: str, others: Iterable[str]) -> str:
        plain = re.sub(r"[\s_-]", "", name.lower())
        found = [other for other in others if re.sub(r"[\s_-]", "", other.lower()) == plain]
        return f"did you mean {found[0]}?" if found else ""

    def nothing(self, column: Column, rows: int) -> _Typed:
        """An optional column that the file does not have: missing in every row."""
        import pyarrow as pa

        kind = arrow_type(column.type.kind)
        return _Typed(pa.chunked_array([pa.nulls(rows, kind)]), 0 if column.type.kind == "number" else None)

    def empty(self, table: Table) -> LoadedTable:
        """An optional input that was not given."""
        import pyarrow as pa

        fields: list[tuple[str, pa.DataType]] = [(name, pa.string()) for name in table.keys]
        fields += [(column.name, arrow_type(column.type.kind)) for column in table.columns]
        places = {column.name: 0 for column in table.columns if column.type.kind == "number"}
        return LoadedTable(table.name, pa.schema(fields).empty_table(), places)

    def report(
        self,
        raw: _Raw,
        column: str,
        wrong: pa.ChunkedArray,
        message: str,
        fix: str = "",
        values: pa.ChunkedArray | Mapping[int, str] | None = None,
    ) -> bool:
        """Note the rows where ``wrong`` is true, if any; ``message`` may say ``{value}``: what stands there."""
        import pyarrow.compute as pc

        total: int = pc.sum(wrong).as_py() or 0
        if not total:
            return False
        rows: list[int] = pc.indices_nonzero(wrong).slice(0, _SHOWN).to_pylist()
        numbers = raw.numbers(rows)
        if values is not None and "{value}" in message:
            seen: list[str] = []
            for row in rows:
                text = values[row] if isinstance(values, Mapping) else str(values[row].as_py())
                if text not in seen:
                    seen.append(text if len(text) <= 40 else text[:37] + "…")
            shown = ", ".join(seen[:3]) + (" …" if len(seen) > 3 else "")
            message = message.replace("{value}", "this value" if column in _PERSONAL else shown)
        self.error(raw.file, f"{_rows_text(numbers, total)}, column {column}: {message}", fix)
        return True

    def required(self, raw: _Raw, name: str, data: pa.ChunkedArray, optional: bool) -> None:
        """Note the rows in which a required column is empty."""
        import pyarrow.compute as pc

        if not optional and data.null_count:
            self.report(
                raw,
                name,
                pc.is_null(data),
                "there is no value, and one is required",
                "supply the value, or mark the column optional: true in the contract",
            )

    # -- texts, keys, flags, dates: worked out on the distinct words -----------------------------------------------
    def coded(self, raw: _Raw, name: str, data: pa.ChunkedArray) -> _Coded:
        """Any column as trimmed words; an empty one is missing."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_timestamp(data.type) or pa.types.is_date64(data.type):
            data = data.cast(pa.date32(), safe=False)
        if pa.types.is_floating(data.type):
            data = pc.if_else(pc.is_nan(data), None, data)
            whole = pc.fill_null(pc.and_(pc.equal(pc.floor(data), data), pc.less(pc.abs(data), 2.0**53)), True)
            if self.report(raw, name, pc.invert(whole), "{value} is no whole number, so it names nothing", "", data):
                data = pa.chunked_array([pa.nulls(len(data), pa.int64())])
            data = data.cast(pa.int64())
        if pa.types.is_nested(data.type):
            self.error(raw.file, f"column {name} holds lists or records", "a column holds one value a row")
            data = pa.chunked_array([pa.nulls(len(data), pa.string())])
        if not pa.types.is_dictionary(data.type):
            data = (
                data.cast(pa.string()).dictionary_encode() if pa.types.is_null(data.type) else data.dictionary_encode()
            )
        whole_column = data.unify_dictionaries().combine_chunks()
        if isinstance(whole_column, pa.ChunkedArray):
            whole_column = whole_column.chunk(0) if whole_column.num_chunks else pa.array([], data.type)
        words = whole_column.dictionary
        if not pa.types.is_string(words.type):
            try:
                words = words.cast(pa.string())
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
                self.error(raw.file, f"column {name} holds {words.type}, which is not text", "write it as text")
                words = pa.nulls(len(words), pa.string())
        if pc.any(pc.match_substring_regex(words, r"^$|^\s|\s$")).as_py():
            words = pc.utf8_trim_whitespace(words)
            words = pc.if_else(pc.equal(words, ""), None, words)
        return _Coded(whole_column.indices, words)

    def text(self, raw: _Raw, name: str, data: pa.ChunkedArray) -> pa.ChunkedArray:
        """Any column as trimmed text."""
        return self.coded(raw, name, data).data()

    def mapped(
        self,
        raw: _Raw,
        name: str,
        coded: _Coded,
        kind: pa.DataType,
        convert: Callable[[str], object],
        message: str,
        fix: str = "",
    ) -> pa.Array:
        """Every distinct word converted once; None from ``convert`` is a word that cannot be read."""
        import pyarrow as pa

        words = coded.words.to_pylist()
        found = [convert(word) if word else None for word in words]
        bad = [bool(word) and value is None for word, value in zip(words, found, strict=True)]
        if any(bad):
            self.report(raw, name, coded.data(pa.array(bad, pa.bool_())), message, fix, coded.data())
        return pa.array(found, kind)

    def key(self, raw: _Raw, name: str, key: str, data: pa.ChunkedArray, optional: bool) -> _Coded:
        """A key, or a column that holds one: text; a period by the ISO date of its first day."""
        import pyarrow as pa

        before = len(self.problems)
        coded = self.coded(raw, name, data)
        if len(self.problems) == before and not optional and coded.nulls():
            self.required(raw, name, coded.data(), optional)
        held = self.contract.keys[key]
        if not held.is_period:
            return coded
        labels = {item.name: item.label for item in held.items} | {item.label: item.label for item in held.items}
        starts = ", ".join([item.label for item in held.items][:3]) + (", …" if len(held.items) > 3 else "")
        example = next(item.name for item in held.items)
        message = f"{{value}} is not a {key} of the term; {key}s begin {starts}"
        fix = f"write the first day of the {key}, or its usual name ({example})"
        return _Coded(coded.indices, self.mapped(raw, name, coded, pa.string(), labels.get, message, fix))

    def column(self, raw: _Raw, column: Column, data: pa.ChunkedArray) -> _Typed:
        """One column in the form of its type."""
        import pyarrow as pa

        optional = column.type.missing
        before = len(self.problems)
        name = column.name
        match column.type.kind:
            case "number":
                typed = self.number(raw, column, data)
            case "key":
                return _Typed(self.key(raw, name, column.type.key or name, data, optional).data())
            case "flag" if pa.types.is_boolean(data.type):
                typed = _Typed(data)
            case "date" if pa.types.is_date(data.type) or pa.types.is_timestamp(data.type):
                typed = _Typed(data.cast(pa.date32(), safe=False))
            case "flag" | "date" as kind:
                coded = self.coded(raw, name, data)
                if kind == "date":
                    words = self.mapped(
                        raw, name, coded, pa.date32(), read_date, "{value} is not a date", "write dates as 2026-04-01"
                    )
                elif pa.types.is_integer(data.type):
                    truths = {"1": True, "0": False}
                    words = self.mapped(raw, name, coded, pa.bool_(), truths.get, "{value} is not a flag", "1 or 0")
                else:
                    words = self.mapped(
                        raw, name, coded, pa.bool_(), _truth, "{value} is not a flag", "write true or false"
                    )
                typed = _Typed(coded.data(words))
            case "text":
                coded = self.coded(raw, name, data)
                words = coded.words
                if (options := column.type.options) is not None:
                    allowed = {option: option for option in options}
                    message = "{value} is not one of " + ", ".join(options)
                    words = self.mapped(raw, name, coded, pa.string(), allowed.get, message)
                typed = _Typed(coded.data(words))
        if len(self.problems) == before:
            self.required(raw, name, typed.data, optional)
        return typed

    def world(self, raw: _Raw, data: pa.ChunkedArray) -> pa.ChunkedArray:
        """The world column: whole numbers, never missing."""
        import pyarrow as pa

        if pa.types.is_integer(data.type):
            worlds = data.cast(pa.int32())
        else:
            coded = self.coded(raw, WORLD, data)
            fix = "worlds are whole numbers; 0 is the real one"
            worlds = coded.data(self.mapped(raw, WORLD, coded, pa.int32(), _world, "{value} is not a world", fix))
        self.required(raw, WORLD, worlds, optional=False)
        return worlds

    # -- numbers ----------------------------------------------------------------------------------------------------
    def number(self, raw: _Raw, column: Column, data: pa.ChunkedArray) -> _Typed:
        """A number column: whole numbers of the smallest place that occurs in it."""
        import pyarrow as pa

        kind = data.type
        if pa.types.is_dictionary(kind):
            data = data.cast(kind.value_type)
            kind = data.type
        before = len(self.problems)
        if pa.types.is_null(kind):
            whole, places = data.cast(pa.int64()), 0
        elif pa.types.is_integer(kind):
            whole, places = self._narrowest(data.cast(pa.decimal128(20, 0)) if kind == pa.uint64() else data), 0
        elif pa.types.is_floating(kind):
            whole, places = self._floats(raw, column, data)
        elif pa.types.is_decimal(kind):
            whole, places = self._decimals(data)
        elif pa.types.is_string(kind) or pa.types.is_large_string(kind):
            whole, places = self._written(raw, column.name, data)
        else:
            self.error(raw.file, f"column {column.name} holds {kind}, not numbers", "supply numbers")
            return self.nothing(column, raw.rows)
        if len(self.problems) > before:
            return self.nothing(column, raw.rows)
        most = column.places
        if most is not None and places > most:
            self._too_many_places(raw, column, whole, places, most)
        if column.written is not None and column.written.percent:
            self._percent_doubt(raw, column, whole, places)
            places += 2
        if column.minimum is not None:
            self._minimum(raw, column, whole, places, column.minimum)
        return _Typed(whole, places)

    def _narrowest(self, data: pa.ChunkedArray) -> pa.ChunkedArray:
        """Whole numbers as int64 if they fit."""
        import pyarrow as pa

        try:
            return data.cast(pa.int64())
        except pa.ArrowInvalid:
            return data.cast(pa.decimal128(38, 0))

    def _floats(self, raw: _Raw, column: Column, data: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
        """Floats as the shortest decimals that name them; more places than allowed are refused."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if data.type != pa.float64():
            # the shortest decimal that names a 32-bit float is not that of the 64-bit float of the same value
            texts = pa.chunked_array(
                [[None if v is None or v != v else str(Decimal(_short32(v))) for v in data.to_pylist()]]
            )
            return self._written(raw, column.name, texts.cast(pa.string()))
        data = pc.if_else(pc.is_nan(data), None, data)
        if pc.any(pc.is_inf(data)).as_py():
            self.report(raw, column.name, pc.fill_null(pc.is_inf(data), False), "infinity is not a number")
            return data, 0
        most = FLOAT_PLACES if column.places is None else column.places
        for places in range(most + 1):
            power = 10.0**places
            whole = pc.round(pc.multiply(data, power)) if places else pc.round(data)
            # whole / power is the float nearest to that decimal (both are exact): equal means that it names the value
            names = pc.and_(pc.equal(pc.divide(whole, power), data), pc.less(pc.abs(whole), 1e15))
            if pc.all(pc.fill_null(names, True)).as_py():
                return whole.cast(pa.int64()), places
        texts = pa.chunked_array([[None if v is None else _plain(repr(v)) for v in data.to_pylist()]], pa.string())
        part = pc.list_element(pc.split_pattern(pc.binary_join_element_wise(texts, ".", ""), "."), 1)
        wrong = pc.fill_null(pc.greater(pc.utf8_length(part), most), False)
        if self.report(
            raw,
            column.name,
            wrong,
            f"{{value}} is a floating-point number that needs more than {most} decimal places to be written exactly",
            f"round it where it is made, write it as a decimal, or allow more with places: in the contract "
            f"(column {column.name})",
            texts,
        ):
            return texts, 0
        return self._written(raw, column.name, texts)

    def _decimals(self, data: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
        import pyarrow as pa

        scale = data.type.scale
        if pa.types.is_decimal128(data.type) and scale >= 0:
            whole = pa.chunked_array(
                [
                    pa.Array.from_buffers(
                        pa.decimal128(38, 0), len(chunk), chunk.buffers(), chunk.null_count, chunk.offset
                    )
                    for chunk in data.chunks
                ],
                pa.decimal128(38, 0),
            )
            spare = self._spare_places(whole, scale)
            if spare:
                whole = self._query(f"select (v // {10**spare})::decimal(38, 0) as v from given", whole)
            return self._narrowest(whole), scale - spare
        texts = pa.chunked_array([[None if v is None else format(v, "f") for v in data.to_pylist()]], pa.string())
        return self._texts(texts)

    def _spare_places(self, whole: pa.ChunkedArray, scale: int) -> int:
        """How many of the last ``scale`` places are 0 in every row."""
        if not scale:
            return 0
        tests = ", ".join(f"coalesce(bool_and(v::hugeint % {10**k} = 0), true)" for k in range(1, scale + 1))
        import pyarrow as pa

        self.connection.register("given", pa.table({"v": whole}))
        found = self._sql(f"select {tests} from given")[0]
        self.connection.unregister("given")
        return next((k for k in range(scale, 0, -1) if found[k - 1]), 0)

    def _sql(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a result: DuckDB wants a result read before it does anything else."""
        return self.connection.execute(sql).fetchall()

    def _query(self, sql: str, given: pa.ChunkedArray) -> pa.ChunkedArray:
        """One column computed from one column, in order."""
        import pyarrow as pa

        self.connection.register("given", pa.table({"v": given}))
        result = self.connection.sql(sql).to_arrow_table()
        self.connection.unregister("given")
        return result.column(0)

    def _written(self, raw: _Raw, name: str, data: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
        """Written numbers; what is none is reported."""
        import pyarrow as pa
        import pyarrow.compute as pc

        data = self.text(raw, name, data)
        odd = pc.fill_null(pc.invert(pc.match_substring_regex(data, r"^[+-]?(\d+\.?\d*|\.\d+)$")), False)
        if pc.any(odd).as_py():
            spelled = pc.if_else(odd, data, None)
            plain: dict[str, str | None] = {word: _plain(word) for word in pc.unique(spelled).to_pylist() if word}
            bad = [word for word, text in plain.items() if text is None]
            wrong = pc.and_(odd, pc.is_in(data, pa.array(bad, pa.string())))
            fix = "leave it empty if there is none"
            if any(re.fullmatch(r"[£$€]?\s*-?\d{1,3}([, ]\d{3})+(\.\d*)?", word) for word in bad):
                fix = "write numbers without separators or signs: 1234567.89"
            elif any(word.endswith("%") for word in bad):
                fix = "write percent without the sign: 92.19"
            if self.report(raw, name, wrong, "{value} is not a number", fix, data):
                return data, 0
            coded = self.coded(raw, name, spelled)
            data = pc.if_else(odd, coded.data(self.mapped(raw, name, coded, pa.string(), plain.get, "")), data)
        long = pc.fill_null(pc.greater(pc.utf8_length(data), _DIGITS), False)
        if self.report(raw, name, long, f"a number of more than {_DIGITS} digits is not read", "", data):
            return data, 0
        return self._texts(data)

    def _texts(self, data: pa.ChunkedArray) -> tuple[pa.ChunkedArray, int]:
        """Plain written decimals (checked) as whole numbers."""
        import pyarrow as pa

        self.connection.register("given", pa.table({"v": data}))
        places, digits = self._sql(
            """select coalesce(max(length(rtrim(split_part(v, '.', 2), '0'))), 0) as places,
                      coalesce(max(length(ltrim(split_part(v, '.', 1), '+-0'))), 0) as digits from given"""
        )[0]
        self.connection.unregister("given")
        part = f"rpad(rtrim(split_part(v, '.', 2), '0'), {places}, '0')" if places else "''"
        text = f"replace(split_part(v, '.', 1), '+', '') || {part}"
        width = places + digits
        if width <= 18:
            return self._query(f"select cast({text} as bigint) as v from given", data), places
        if width <= 38:
            whole = self._query(f"select cast({text} as decimal(38, 0)) as v from given", data)
            return self._narrowest(whole), places
        wide = f"case when starts_with(v, '-') then '-' else '' end || coalesce(nullif(ltrim({text}, '-0'), ''), '0')"
        return self._query(f"select {wide} as v from given", data), places

    # -- what a number must satisfy ---------------------------------------------------------------------------------
    def _whole_numbers(self, whole: pa.ChunkedArray) -> list[int | None]:
        return [None if value is None else int(value) for value in whole.to_pylist()]

    def _below(self, whole: pa.ChunkedArray, bound: int) -> pa.ChunkedArray:
        """Which rows are below a whole number; null is not."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if pa.types.is_string(whole.type) or abs(bound) >= 10**38:
            return pa.chunked_array([[value is not None and value < bound for value in self._whole_numbers(whole)]])
        if pa.types.is_int64(whole.type):
            if not -(2**63) <= bound < 2**63:
                return pa.chunked_array([[value is not None and value < bound for value in self._whole_numbers(whole)]])
            return pc.fill_null(pc.less(whole, pa.scalar(bound, pa.int64())), False)
        return pc.fill_null(pc.less(whole, pa.scalar(Decimal(bound), pa.decimal128(38, 0))), False)

    def _minimum(self, raw: _Raw, column: Column, whole: pa.ChunkedArray, places: int, minimum: Fraction) -> None:
        import pyarrow.compute as pc

        bound = -((-minimum.numerator * 10**places) // minimum.denominator)
        wrong = self._below(whole, bound)
        if not pc.any(wrong).as_py():
            return
        percent = column.written is not None and column.written.percent
        shown = decimal_text(minimum * 100 if percent else minimum)
        rows: list[int] = pc.indices_nonzero(wrong).slice(0, _SHOWN).to_pylist()
        written: dict[int, str] = {}
        for row in rows:
            value = Fraction(int(whole[row].as_py()), 10**places)
            written[row] = decimal_text(value * 100 if percent else value)
        self.report(raw, column.name, wrong, f"{{value}} is below the minimum of {shown}", values=written)

    def _too_many_places(self, raw: _Raw, column: Column, whole: pa.ChunkedArray, places: int, most: int) -> None:
        import pyarrow as pa

        step = 10 ** (places - most)
        wrong = pa.chunked_array([[value is not None and value % step != 0 for value in self._whole_numbers(whole)]])
        self.report(
            raw, column.name, wrong, f"written with more than the {most} decimal places that the contract allows",
            f"round it where it is made, or raise places: of column {column.name} in the contract",
        )  # fmt: skip

    def _percent_doubt(self, raw: _Raw, column: Column, whole: pa.ChunkedArray, places: int) -> None:
        import pyarrow.compute as pc

        if len(whole) == whole.null_count:
            return
        if pc.any(self._below(whole, 0)).as_py() or not pc.all(self._below(whole, 10**places + 1)).as_py():
            filled = whole.drop_null()
            if pc.any(self._below(filled, 0)).as_py() or not pc.all(self._below(filled, 10**places + 1)).as_py():
                return
        if pc.all(self._below(whole.drop_null(), 1)).as_py():
            return
        self.doubt(
            raw.file,
            f"column {column.name}: every value lies between 0 and 1, and percent is written times 100 (40 means 40 %)",
            "if they are fractions, multiply by 100, or read the file through a reading with times: 100",
        )

    # -- across rows and tables -------------------------------------------------------------------------------------
    def no_twins(
        self, raw: _Raw, table: Table, data: Mapping[str, pa.ChunkedArray], codes: Mapping[str, _Coded]
    ) -> None:
        """Note rows with the same keys (and world)."""
        import pyarrow as pa
        import pyarrow.compute as pc

        names = [*table.keys, *([WORLD] if WORLD in data and WORLD not in (c.name for c in table.columns) else [])]
        if not names:
            if raw.rows > 1:
                message = f"input {table.name} has no keys, so it has one row; here are {raw.rows}"
                self.error(raw.file, message, "leave one")
            return
        if raw.rows < 2:
            return
        coded = [code.code() for code in codes.values()]
        if WORLD in names:
            worlds = data[WORLD].combine_chunks().cast(pa.int64())
            bounds = pc.min_max(worlds).as_py()
            coded.append((pc.subtract(worlds, bounds["min"]), bounds["max"] - bounds["min"] + 1))
        size = math.prod(members for _, members in coded)
        if size < 2**62:
            self.connection.register("given", pa.table({f"c{n}": code for n, (code, _) in enumerate(coded)}))
            whole = "0::bigint"
            for number, (_, members) in enumerate(coded):
                whole = f"({whole} * {members} + c{number})"
            if size <= _BITS:
                count = f"bit_count(bitstring_agg({whole}, 0::bigint, {size - 1}::bigint))"
            else:
                count = f"count(distinct {whole})"
            distinct = self._sql(f"select {count} from given")[0][0]
            self.connection.unregister("given")
            if distinct == raw.rows:
                return
        keys = ", ".join(_quoted(name) for name in names)
        self.connection.register("given", pa.table({name: data[name] for name in names}))
        found = self._sql(
            f"""with numbered as (select *, row_number() over () as r from given),
                     groups as (select {keys}, list(r order by r) as rs from numbered group by all having count(*) > 1)
                select {keys}, rs from groups order by rs[1]"""
        )
        self.connection.unregister("given")
        if not found:
            return
        parts: list[str] = []
        for *values, rows in found[:_SHOWN]:
            said = ", ".join(f"{n} {v}" for n, v in zip(names, values, strict=True) if n not in _PERSONAL)
            parts.append(
                f"{_rows_text(raw.numbers([r - 1 for r in rows]), len(rows))}" + (f" ({said})" if said else "")
            )
        rest = f"; … ({len(found):,} in all)" if len(found) > _SHOWN else ""
        self.error(
            raw.file,
            f"one row for each {', '.join(table.keys)} is wanted, and these are the same: {'; '.join(parts)}{rest}",
            "keep one of them, or add them up where the file is made",
        )

    def up_to(self, up_to: str | dt.date) -> dt.date | None:
        """The last day of the run that ``up_to`` asks for."""
        if isinstance(up_to, dt.date):
            return up_to
        periods = [key for key in self.contract.keys.values() if key.is_period]
        named = [item for key in periods for item in key.items if item.name == up_to]
        labelled = [item for key in periods for item in key.items if item.label == up_to]
        if named or labelled:
            return min((named or labelled), key=lambda item: item.last).last
        day = read_date(up_to)
        if day is None and (month := re.fullmatch(r"(\d{4})-(\d{2})", up_to)) and 1 <= int(month[2]) <= 12:
            following = dt.date(int(month[1]) + int(month[2]) // 12, int(month[2]) % 12 + 1, 1)
            day = following - dt.timedelta(1)
        if day is None:
            names = [key.items[0].name for key in periods]
            self.error(
                "--up-to", f"{up_to} is not a period of the contract, nor a date", f"for example {', '.join(names)}"
            )
        return day

    def window(self, loaded: Mapping[str, LoadedTable], last_wanted: dt.date | None) -> tuple[dt.date, dt.date]:
        """First and last day of the run: from the data's periods, cut by ``up_to``."""
        import pyarrow.compute as pc

        contract = self.contract
        first: dt.date | None = None
        last: dt.date | None = None
        for name, table in loaded.items():
            for key in contract.tables[name].keys:
                items = {item.label: item for item in contract.keys[key].items}
                for label in pc.unique(table.data.column(key)).to_pylist() if items else ():
                    item = items[label]
                    first = min(first or item.first, item.first)
                    last = max(last or item.last, item.last)
        first, last = first or contract.term.start, last or contract.term.last
        if contract.looks_back and first > contract.term.start:
            self.error(
                contract.name,
                f"this contract looks back: settle it from {contract.term.start}, not from {first}",
                "supply the earlier periods too: what they leave behind is read by the later ones",
            )
        if last_wanted is not None:
            if last_wanted < first:
                self.error("--up-to", f"{last_wanted} is before the data begins ({first})", "choose a later period")
            last = min(last, last_wanted)
        return first, last

    def cut(self, table: LoadedTable, last: dt.date, name: str) -> LoadedTable:
        """Without the rows of periods that end after the run."""
        import pyarrow as pa
        import pyarrow.compute as pc

        data = table.data
        for key in self.contract.tables[name].keys:
            inside = [item.label for item in self.contract.keys[key].items if item.last <= last]
            if len(inside) < len(self.contract.keys[key].items):
                kept = data.filter(pc.is_in(data.column(key), pa.array(inside, pa.string())))
                if kept.num_rows < data.num_rows:
                    left_out = data.num_rows - kept.num_rows
                    file, _ = self.files.get(name, (f"input {name}", 1))
                    rows = "1 row" if left_out == 1 else f"{left_out:,} rows"
                    self.doubt(file, f"{rows} of periods that end after {last} left out")
                    data = kept
        return replace(table, data=data)

    def own(self, table: Table, periods: Mapping[str, tuple[PeriodItem, ...]]) -> LoadedTable:
        """A table of the contract itself, without the rows of periods outside the run."""
        inside = {
            position: {i.label for i in periods[key]} for position, key in enumerate(table.keys) if key in periods
        }
        rows = [row for row in table.rows or () if all(row[position] in labels for position, labels in inside.items())]
        return table_of_values(table, rows)

    def same_rows(self, tables: Mapping[str, LoadedTable]) -> None:
        """Required tables with the same keys must have the same rows, where those are the rows of that grain."""
        contract = self.contract
        by_keys: dict[frozenset[str], list[str]] = {}
        for name, table in contract.tables.items():
            if not table.optional and table.keys:
                by_keys.setdefault(frozenset(table.keys), []).append(name)
        for keys, names in by_keys.items():
            rows = contract.rows.get(keys)
            if len(names) < 2 or rows is None or len(rows.sources) != 1 or rows.sources[0] not in names:
                continue
            base = rows.sources[0]
            for other in names:
                if other != base:
                    self._same_rows(tables[base], tables[other], contract.tables[base].keys)

    def _same_rows(self, one: LoadedTable, other: LoadedTable, keys: Sequence[str]) -> None:
        names = [*keys, WORLD] if one.has_worlds and other.has_worlds else list(keys)
        columns = ", ".join(_quoted(name) for name in names)
        if one.data.num_rows == other.data.num_rows and all(
            one.data.column(name).equals(other.data.column(name)) for name in names
        ):
            return
        self.connection.register("one", one.data.select(names))
        self.connection.register("other", other.data.select(names))
        for left, right, here, there in (("one", "other", one, other), ("other", "one", other, one)):
            found = self._sql(f"select {columns} from {left} except select {columns} from {right} order by all")
            if found:
                said = [
                    ", ".join(f"{n} {v}" for n, v in zip(names, row, strict=True) if n not in _PERSONAL) or "one"
                    for row in found[:_SHOWN]
                ]
                more = f"; … ({len(found):,} in all)" if len(found) > _SHOWN else ""
                file, _ = self.files.get(there.name, (there.name, 1))
                lacking = f"{here.name} has rows that {there.name} lacks, and both must have the same"
                fix = f"add them to {there.name}, or take them out of {here.name}"
                self.error(file, f"{lacking}: {'; '.join(said)}{more}", fix)
        self.connection.unregister("one")
        self.connection.unregister("other")

    def worlds(self, tables: Mapping[str, LoadedTable]) -> tuple[int, ...]:
        """Every world that a table has rows of; nothing varies: the real world."""
        import pyarrow.compute as pc

        found: set[int] = set()
        for table in tables.values():
            if table.has_worlds:
                found.update(pc.unique(table.data.column(WORLD)).to_pylist())
        return tuple(sorted(found))

    # -- what-ifs ---------------------------------------------------------------------------------------------------
    def what_ifs(self, given: Mapping[str, Any], worlds: tuple[int, ...]) -> dict[str, dict[int, Value]]:
        """The what-ifs, checked and typed, for every world of the run they concern."""
        contract = self.contract
        spread = {world for value in given.values() if isinstance(value, Mapping) for world in value}
        everywhere = sorted({*(worlds or (0,)), *spread})
        found: dict[str, dict[int, Value]] = {}
        for written, value in given.items():
            name, _, member = written.partition(".")
            parameter = contract.parameters.get(name)
            place = f"what-if {written}"
            if parameter is None:
                self.error(
                    place, f"{contract.name} has no parameter {name}",
                    nearest(name, contract.parameters) or "a what-if changes a parameter: accord show lists them",
                )  # fmt: skip
                continue
            if parameter.scale is not None:
                self.error(place, f"{name} is a scale: a what-if cannot change it", "change its points in a variation")
                continue
            if problem := self._member_problem(parameter, member):
                self.error(place, *problem)
                continue
            by_world: Mapping[Any, Any] = value if isinstance(value, Mapping) else dict.fromkeys(everywhere, value)
            typed: dict[int, Value] = {}
            for world, one in by_world.items():
                read = what_if_value(parameter, one)
                if read is None:
                    unit = parameter.written if parameter.type.kind == "number" else parameter.type
                    self.error(place, f"{one} is not a value of {name}, which is {unit}", "")
                    break
                typed[int(world)] = read
            found[written] = typed
        return found

    @staticmethod
    def _member_problem(parameter: Parameter, member: str) -> tuple[str, str] | None:
        members = sorted({".".join(key) for entry in parameter.entries for key in entry.values})
        if not parameter.by:
            return (f"{parameter.name} has one value", f"write {parameter.name}") if member else None
        if not member:
            listed = ", ".join(f"{parameter.name}.{one}" for one in members[:5])
            return f"{parameter.name} has a value for each {', '.join(parameter.by)}", f"say which: {listed}"
        if member not in members:
            return f"{parameter.name} has no {member}", nearest(member, members) or f"it has {', '.join(members)}"
        return None


def _truth(word: str) -> bool | None:
    return {"true": True, "false": False}.get(word.lower())


def _world(word: str) -> int | None:
    return int(word) if re.fullmatch(r"\d{1,9}", word) else None


def _short32(value: float) -> str:
    """The shortest decimal that names a 32-bit float."""
    import struct

    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        if struct.unpack("f", struct.pack("f", float(text)))[0] == value:
            return text
    return repr(value)


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def arrow_type(kind: str) -> pa.DataType:
    """The Arrow type in which a column of a kind is held (a number: the narrowest of its three)."""
    import pyarrow as pa

    return {"number": pa.int64(), "flag": pa.bool_(), "date": pa.date32()}.get(kind, pa.string())


def read_date(text: str) -> dt.date | None:
    """A date written 2026-04-01; None if it is none."""
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def what_if_value(parameter: Parameter, value: object) -> Value | None:
    """A what-if's value: a str as written (percent times 100), anything else as it is; None if it does not fit."""
    kind = parameter.type.kind
    if isinstance(value, str) and kind != "text":
        text = value.strip().replace("_", "")
        match kind:
            case "number":
                numerator, _, denominator = text.partition("/")
                plain, below = _plain(numerator), _plain(denominator) if denominator else "1"
                if plain is None or below is None or Fraction(below) == 0:
                    return None
                percent = parameter.written is not None and parameter.written.percent
                return Fraction(plain) / Fraction(below) / (100 if percent else 1)
            case "flag":
                return {"true": True, "false": False}.get(text.lower())
            case "date":
                return read_date(text)
            case _:
                return text
    match kind, value:
        case "number", bool():
            return None
        case "number", int() | Fraction():
            return Fraction(value)
        case "number", Decimal():
            return Fraction(value)
        case "flag", bool():
            return value
        case "date", dt.date():
            return value
        case "text", str():
            return value if parameter.type.options is None or value in parameter.type.options else None
        case _:
            return None


def whole_numbers(values: Sequence[Fraction | None]) -> tuple[pa.Array, int | None]:
    """Exact decimals as whole numbers of the smallest place among them, in the narrowest form, and that place.

    Raises ValueError for a value with no finite decimal.
    """
    import pyarrow as pa

    places = 0
    for value in values:
        if value is not None:
            needed = decimal_places(value)
            if needed is None:
                raise ValueError(f"{value} has no finite decimal")
            places = max(places, needed)
    wholes = [None if value is None else int(value * 10**places) for value in values]
    widest = max((abs(whole) for whole in wholes if whole is not None), default=0)
    if widest < 2**63:
        return pa.array(wholes, pa.int64()), places
    if widest < 10**38:
        return pa.array([None if w is None else Decimal(w) for w in wholes], pa.decimal128(38, 0)), places
    return pa.array([None if w is None else str(w) for w in wholes], pa.string()), places


def table_of_values(table: Table, rows: Sequence[Sequence[Value | None]]) -> LoadedTable:
    """Typed rows (values in the order of keys, then columns) as a loaded table."""
    import pyarrow as pa

    data: dict[str, pa.Array] = {}
    places: dict[str, int] = {}
    for position, name in enumerate((*table.keys, *(column.name for column in table.columns))):
        values: list[Any] = [row[position] for row in rows]
        kind = "key" if position < len(table.keys) else table.columns[position - len(table.keys)].type.kind
        if kind == "number":
            whole, needed = whole_numbers(values)
            data[name], places[name] = whole, needed or 0
        else:
            data[name] = pa.array(values, arrow_type(kind))
    return LoadedTable(table.name, pa.table(data), places)
