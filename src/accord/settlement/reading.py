"""Readings: how an official or local file becomes the inputs of a contract.

A reading is a YAML file in ``readings/`` of a contract's folder: data with its own hash, never code. It names the columns
it wants (the first of several spellings that the file has), parses what stands there, maps values, joins, and fills one or
more inputs. What real files do from year to year is its business alone: percent signs or none, fractions or percent,
dashes and blanks, thousands separators, other encodings, one flag column a track or one track column. The contract knows
none of it.

A small example::

    reading: results
    of: mssp
    missing: ['', '-', NA]
    rows: {need: [aco], leave_out: {aco: [total]}}
    columns:
      aco: {from: [ACO_ID, ACO_Num], as: text}
      year: {constant: '{year}-01-01'}
      score: {from: QualScore, as: percent, optional: true}
    inputs:
      results: [aco, year, score]
    years: {'2023': what is peculiar to this year}

Out come tables of text, typed afterwards by the contract (:func:`accord.engine.read_inputs`), so nothing here is a float.
"""

from __future__ import annotations

import csv
import datetime as dt
import gzip
import hashlib
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation, localcontext
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import ContractRefused, DataRefused, Problem, nearest
from accord.language.shape import (
    FLAG,
    IDENTIFIER,
    NAME,
    NUMBER,
    TITLE,
    Choice,
    Either,
    Field,
    Later,
    ListOf,
    MapOf,
    Record,
    Shape,
    Word,
    conform,
)
from accord.language.text import Entries, Items, Scalar, Tree, decode, read_tree

if TYPE_CHECKING:
    import pyarrow as pa

MAXIMUM_BYTES = 200_000_000
"""A results file larger than this is not one; reading it row by row would take minutes."""

SHOWN = 10
"""How many rows a message lists."""

FORMATS = ("text", "number", "percent", "flag", "date", "above_zero", "not_zero")

# ---------------------------------------------------------------------------------------------------------- vocabulary

_TEXT = Word("a text", r"(?s).*")
_YEARS = Word("a year, or from 2021, until 2015, 2013 to 2015", r"(from |until )?\d{4}|\d{4} to \d{4}", "from 2021")
_TEXTS = Either("a text, or a list of texts", (_TEXT, ListOf("a list of texts", _TEXT)))
_NAMES = ListOf("a list of columns of this reading", NAME)


def _column() -> Shape:
    return COLUMN


COLUMN = Record(
    "a column of the reading",
    (
        Field("from", _TEXTS, "The column of the file: the first of these names that it has."),
        Field("either", ListOf("a list of columns", Later("a column", _column)), "The first of these that the file has."),
        Field("flags", MapOf("flag columns by value", _TEXT, _TEXTS), "The value whose flag column is set."),
        Field("join", _NAMES, "Columns of this reading put together; what is missing is left out."),
        Field("with", _TEXT, "What stands between joined columns."),
        Field("constant", _TEXT, "The same text in every row; {year} and {next_year} are filled in."),
        Field("step_of", NAME, "The step to which a number column of this reading is written (its most decimals)."),
        Field("as", Choice(FORMATS), "How the text is read."),
        Field("values", MapOf("texts of the file by value", _TEXT, _TEXTS), "What the file's texts stand for."),
        Field("fractions_up_to", NUMBER, "Percent: if no value is larger, the column is written as fractions (default 1)."),
        Field("date_order", Choice(("month_first", "day_first")), "How dates such as 7/1/2019 are written."),
        Field("decimal", Choice(("point", "comma")), "How decimals are written."),
        Field("sign", Choice(("keep", "drop", "turn")), "drop: the size only; turn: the opposite sign."),
        Field("times", NUMBER, "The number is multiplied by this."),
        Field("only", ListOf("a list of values", _TEXT), "Any other value counts as missing."),
        Field("where", MapOf("values by column", NAME, _TEXTS), "Given only in rows where these columns have these values."),
        Field("years", _YEARS, "Given only in these years."),
        Field("if_missing", _TEXT, "What stands for a missing value."),
        Field("optional", FLAG, "May be missing: the column in the file, the value in a row."),
        Field("note", TITLE, "A remark for the reader."),
    ),
)

READING = Record(
    "a reading",
    (
        Field("reading", IDENTIFIER, "Its short name.", required=True),
        Field("of", IDENTIFIER, "The contract whose inputs it fills.", required=True),
        Field("title", TITLE, "What file it reads."),
        Field("source", TITLE, "Who publishes the file, and where."),
        Field("note", TITLE, "A remark for the reader."),
        Field("missing", ListOf("a list of texts", _TEXT), "The texts that stand for a missing value, in any case."),
        Field("year_in", _TEXTS, "The column of the file that says which year it is about."),
        Field(
            "rows",
            Record(
                "rows",
                (
                    Field("need", _NAMES, "Rows without a value in these columns are left out, and counted."),
                    Field("leave_out", MapOf("texts by column", NAME, _TEXTS), "Rows with these texts, such as totals."),
                    Field("keep", MapOf("texts by column", NAME, _TEXTS), "Only rows with these texts."),
                ),
            ),
            "Which rows of the file count.",
        ),
        Field(
            "unpivot",
            Record(
                "an unpivoting",
                (
                    Field("name_into", _TEXT, "The new column for the name.", required=True),
                    Field("value_into", _TEXT, "The new column for the value.", required=True),
                    Field("columns", MapOf("names by column of the file", _TEXT, _TEXT), "Which columns.", required=True),
                ),
            ),
            "Turns several columns of the file into rows.",
        ),
        Field("columns", MapOf("columns by name", NAME, COLUMN), "What is read.", required=True),
        Field("inputs", MapOf("lists of columns by input", NAME, _NAMES), "The inputs that it fills.", required=True),
        Field(
            "years",
            MapOf(
                "notes by year",
                Word("a year", r"\d{4}", "2023"),
                Either(
                    "a note, or a mapping that says more",
                    (
                        TITLE,
                        Record(
                            "a year",
                            (
                                Field("note", TITLE, "What is peculiar to the year."),
                                Field("columns", MapOf("columns by name", NAME, COLUMN), "Columns read otherwise."),
                            ),
                        ),
                    ),
                ),
            ),
            "The years it covers, and what is peculiar to each.",
            required=True,
        ),
    ),
)


# ------------------------------------------------------------------------------------------------------- what it holds


@dataclass(frozen=True, slots=True)
class ColumnRule:
    """How one column of the reading is made. Exactly one of the first six fields says from what."""

    name: str
    place: Place
    names: tuple[str, ...] = ()
    either: tuple[ColumnRule, ...] = ()
    flags: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    join: tuple[str, ...] = ()
    constant: str | None = None
    step_of: str | None = None
    between: str = ""
    format: str = "text"
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    fractions_up_to: Decimal = Decimal(1)
    day_first: bool = False
    decimal_comma: bool = False
    sign: str = "keep"
    times: Decimal = Decimal(1)
    only: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    years: str = ""
    if_missing: str | None = None
    optional: bool = False

    def applies(self, year: int) -> bool:
        """Whether the column is read in that year."""
        match self.years.split():
            case []:
                return True
            case ["from", first]:
                return year >= int(first)
            case ["until", last]:
                return year <= int(last)
            case [first, "to", last]:
                return int(first) <= year <= int(last)
            case [only, *_]:
                return year == int(only)


@dataclass(frozen=True, slots=True)
class Unpivot:
    """Several columns of the file turned into rows: a name and a value."""

    name_into: str
    value_into: str
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading that has been checked in itself."""

    name: str
    of: str
    title: str
    source: str
    file: str
    missing: frozenset[str]
    year_in: tuple[str, ...]
    need: tuple[str, ...]
    leave_out: Mapping[str, tuple[str, ...]]
    keep: Mapping[str, tuple[str, ...]]
    unpivot: Unpivot | None
    columns: Mapping[str, ColumnRule]
    inputs: Mapping[str, tuple[str, ...]]
    years: Mapping[str, str]
    """The note of each year it covers."""
    in_year: Mapping[str, Mapping[str, ColumnRule]]
    """The columns read otherwise in a year."""
    hash: str
    """SHA-256 of the reading's bytes."""


@dataclass(frozen=True, slots=True)
class Applied:
    """What a reading made of a file: a table of texts for each input, and what was left out."""

    reading: Reading
    year: str
    file: Path
    tables: Mapping[str, pa.Table]
    rows_read: int
    left_out: Mapping[str, int]
    """How many rows were left out, by reason."""
    warnings: tuple[Problem, ...]


# ------------------------------------------------------------------------------------------------------- reading it in


def read_reading(path: Path | str) -> Reading:
    """The reading in that file. Raises :class:`ContractRefused` with file, line and column of all that is wrong."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ContractRefused(Problem(Place(str(path), 0, 0), f"this reading cannot be opened: {error.strerror}")) from None
    return parse_reading(content, str(path))


def parse_reading(content: bytes, file: str) -> Reading:
    """The reading in these bytes; ``file`` is the name used in messages. Raises :class:`ContractRefused`."""
    tree = read_tree(decode(content, file))
    problems = conform(tree, READING)
    if problems or not isinstance(tree, Entries):
        raise ContractRefused(problems)
    columns = {key.value: _rule(key.value, value, problems) for key, value in _entries(tree.get("columns"))}
    years: dict[str, str] = {}
    in_year: dict[str, dict[str, ColumnRule]] = {}
    for key, value in _entries(tree.get("years")):
        if isinstance(value, Scalar):
            years[key.value] = value.value
            continue
        years[key.value] = _text(value, "note")
        changed = value.get("columns") if isinstance(value, Entries) else None
        in_year[key.value] = {name.value: _rule(name.value, rule, problems) for name, rule in _entries(changed)}
    rows = tree.get("rows")
    unpivot = tree.get("unpivot")
    reading = Reading(
        name=_text(tree, "reading"),
        of=_text(tree, "of"),
        title=_text(tree, "title"),
        source=_text(tree, "source"),
        file=file,
        missing=frozenset(_plain(text) for text in _texts(tree.get("missing"))) | {""},
        year_in=_texts(tree.get("year_in")),
        need=_texts(rows.get("need")) if isinstance(rows, Entries) else (),
        leave_out=_texts_by_name(rows.get("leave_out")) if isinstance(rows, Entries) else {},
        keep=_texts_by_name(rows.get("keep")) if isinstance(rows, Entries) else {},
        unpivot=Unpivot(
            _text(unpivot, "name_into"),
            _text(unpivot, "value_into"),
            {key.value: value.value for key, value in _entries(unpivot.get("columns")) if isinstance(value, Scalar)},
        )
        if isinstance(unpivot, Entries)
        else None,
        columns=columns,
        inputs=_texts_by_name(tree.get("inputs")),
        years=years,
        in_year=in_year,
        hash=hashlib.sha256(content).hexdigest(),
    )
    problems += _unknown_names(tree, reading)
    if problems:
        raise ContractRefused(problems)
    return reading


def _entries(tree: Tree | None) -> Iterable[tuple[Scalar, Tree]]:
    return tree.entries if isinstance(tree, Entries) else ()


def _text(tree: Tree | None, name: str, default: str = "") -> str:
    value = tree.get(name) if isinstance(tree, Entries) else None
    return value.value if isinstance(value, Scalar) else default


def _texts(tree: Tree | None) -> tuple[str, ...]:
    match tree:
        case Scalar(value=value):
            return (value,)
        case Items(items=items):
            return tuple(item.value for item in items if isinstance(item, Scalar))
        case _:
            return ()


def _texts_by_name(tree: Tree | None) -> dict[str, tuple[str, ...]]:
    return {key.value: _texts(value) for key, value in _entries(tree)}


_ORIGINS = ("from", "either", "flags", "join", "constant", "step_of")


def _rule(name: str, tree: Tree, problems: list[Problem]) -> ColumnRule:
    if not isinstance(tree, Entries):
        return ColumnRule(name, tree.place)
    origins = [origin for origin in _ORIGINS if tree.get(origin) is not None]
    if len(origins) != 1:
        said = f"says {' and '.join(origins)}" if origins else "does not say from what it is read"
        problems.append(
            Problem(tree.place, f"{name} {said}; it takes exactly one of {', '.join(_ORIGINS)}", "from: NAME_IN_THE_FILE")
        )
    either = tree.get("either")
    return ColumnRule(
        name=name,
        place=tree.place,
        names=_texts(tree.get("from")),
        either=tuple(_rule(name, option, problems) for option in either.items) if isinstance(either, Items) else (),
        flags=_texts_by_name(tree.get("flags")),
        join=_texts(tree.get("join")),
        constant=_text(tree, "constant") if tree.get("constant") is not None else None,
        step_of=_text(tree, "step_of") or None,
        between=_text(tree, "with"),
        format=_text(tree, "as", "text"),
        values=_texts_by_name(tree.get("values")),
        fractions_up_to=Decimal(_text(tree, "fractions_up_to", "1").replace("_", "")),
        day_first=_text(tree, "date_order") == "day_first",
        decimal_comma=_text(tree, "decimal") == "comma",
        sign=_text(tree, "sign", "keep"),
        times=Decimal(_text(tree, "times", "1").replace("_", "")),
        only=_texts(tree.get("only")),
        where=_texts_by_name(tree.get("where")),
        years=_text(tree, "years"),
        if_missing=_text(tree, "if_missing") if tree.get("if_missing") is not None else None,
        optional=_text(tree, "optional") == "true",
    )


def _unknown_names(tree: Entries, reading: Reading) -> list[Problem]:
    """Names of columns that the reading does not make, wherever they are used."""
    known = set(reading.columns)
    problems: list[Problem] = []

    def look(place: Place, names: Iterable[str]) -> None:
        for name in names:
            if name not in known:
                message = f"{name} is not a column of this reading"
                problems.append(Problem(place, message, nearest(name, known) or f"add it under columns: {name}: …"))

    def look_into(rule: ColumnRule) -> None:
        look(rule.place, (*rule.join, *rule.where, *((rule.step_of,) if rule.step_of else ())))
        for option in rule.either:
            look_into(option)

    for rule in (*reading.columns.values(), *(each for year in reading.in_year.values() for each in year.values())):
        look_into(rule)
    rows = tree.get("rows")
    if rows is not None:
        look(rows.place, (*reading.need, *reading.leave_out, *reading.keep))
    for key, value in _entries(tree.get("inputs")):
        for item in value.items if isinstance(value, Items) else ():
            if isinstance(item, Scalar):
                look(item.place, (item.value,))
        if isinstance(value, Items) and not value.items:
            problems.append(Problem(key.place, f"the input {key.value} has no columns"))
    return problems


# ---------------------------------------------------------------------------------------------------------- the file


def _plain(text: str) -> str:
    """A text as it is compared: without outer spaces (also the kinds that do not break), in lower case."""
    return " ".join(text.replace(" ", " ").replace("﻿", "").split()).casefold()


def _name(text: str) -> str:
    """The name of a column as it is compared: letters, digits and + only, in lower case."""
    return re.sub(r"[^0-9a-z+]", "", _plain(text))


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    header: tuple[str, ...]
    rows: list[list[str]]
    lines: list[int]
    """The line in the file of each row."""

    def position(self, names: Sequence[str]) -> int | None:
        """Where the first of these columns stands."""
        compared = [_name(head) for head in self.header]
        for name in names:
            if _name(name) in compared:
                return compared.index(_name(name))
        return None

    def cells(self, position: int) -> list[str]:
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
        raise DataRefused(Problem(Place(str(path), 0, 0), "there is no such file", "check the path")) from None
    except IsADirectoryError:
        raise DataRefused(Problem(Place(str(path), 0, 0), "this is a folder; a file is needed")) from None
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


def _read_file(path: Path, wanted: frozenset[str]) -> _File:
    """The file as header and rows. ``wanted`` (compared names) tells the separator, and the header from lines above it."""
    text = _decoded(path)
    if not text.strip():
        raise DataRefused(Problem(Place(str(path), 0, 0), "this file is empty"))
    best: tuple[int, str, int] = (-1, ",", 0)
    head = text.splitlines()[:25]
    for separator in (",", ";", "\t", "|"):
        for index, row in enumerate(csv.reader(head, delimiter=separator)):
            found = len({_name(cell) for cell in row} & wanted)
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
    try:
        for index, row in enumerate(reader):
            if index == header_at:
                header = tuple(cell.strip() for cell in row)
            elif index > header_at and any(cell.strip() for cell in row):
                rows.append(row)
                lines.append(reader.line_num)
    except csv.Error as error:
        raise DataRefused(Problem(Place(str(path), reader.line_num, 1), f"this line cannot be read: {error}")) from None
    return _File(path, header, rows, lines)


def _unpivoted(file: _File, unpivot: Unpivot) -> _File:
    taken = {file.position([column]): name for column, name in unpivot.columns.items()}
    if None in taken:
        absent = [column for column in unpivot.columns if file.position([column]) is None]
        message = f"the file has no column {', '.join(absent)}"
        raise DataRefused(Problem(Place(str(file.path), 1, 1), message, nearest(absent[0], file.header)))
    rest = [i for i in range(len(file.header)) if i not in taken]
    rows: list[list[str]] = []
    lines: list[int] = []
    for row, line in zip(file.rows, file.lines, strict=True):
        full = [*row, *[""] * (len(file.header) - len(row))]
        for position, name in taken.items():
            rows.append([*(full[i] for i in rest), name, full[position or 0]])
            lines.append(line)
    header = (*(file.header[i] for i in rest), unpivot.name_into, unpivot.value_into)
    return _File(file.path, header, rows, lines)


# ------------------------------------------------------------------------------------------------------------ formats

_SPACES = re.compile(r"[\s  ']")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_DATE = re.compile(r"(\d{1,4})[/.\-](\d{1,2})[/.\-](\d{1,4})([ T].*)?")
_WORDED = ("%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%B %d, %Y", "%b %d, %Y", "%b-%y", "%Y%m%d")


class _Unreadable(ValueError):
    pass


def _number(text: str, rule: ColumnRule) -> Decimal:
    """An exact number: signs of currency and percent, thousands separators and brackets for negatives are understood."""
    bare = _SPACES.sub("", text).replace("−", "-").replace("–", "-")
    negative = bare.startswith("(") and bare.endswith(")")
    bare = bare.strip("()") if negative else bare
    bare = re.sub(r"^([+-]?)(?:USD|GBP|EUR|[$£€])", r"\1", bare).rstrip("%*")
    if bare.endswith("-"):
        negative, bare = True, bare[:-1]
    bare = bare.replace(".", "").replace(",", ".") if rule.decimal_comma else bare.replace(",", "")
    if _NUMBER.fullmatch(bare) is None:
        raise _Unreadable("is not a number")
    try:
        value = Decimal(bare)
    except InvalidOperation:  # pragma: no cover - the pattern lets nothing else through
        raise _Unreadable("is not a number") from None
    return -value if negative else value


def _exact(work: Callable[[], Decimal]) -> Decimal:
    with localcontext() as context:
        context.prec = 400  # more digits than any file has, so that nothing is ever rounded
        return work()


def _written(value: Decimal) -> str:
    """The number in plain digits, without zeros that say nothing."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def _date(text: str, rule: ColumnRule) -> str:
    found = _DATE.fullmatch(text.strip())
    try:
        if found:
            first, second, third = found[1], found[2], found[3]
            if len(first) == 4:
                return dt.date(int(first), int(second), int(third)).isoformat()
            month, day = (second, first) if rule.day_first else (first, second)
            year = int(third) + (0 if len(third) == 4 else 2000 if int(third) < 70 else 1900)
            return dt.date(year, int(month), int(day)).isoformat()
    except ValueError:
        raise _Unreadable("is not a date") from None
    for form in _WORDED:
        try:
            return dt.datetime.strptime(text.strip(), form).date().isoformat()
        except ValueError:
            continue
    raise _Unreadable("is not a date")


_TRUE = frozenset({"1", "1.0", "yes", "y", "true", "t", "x", "met"})
_FALSE = frozenset({"0", "0.0", "no", "n", "false", "f", "not met"})


def _flag(text: str) -> str:
    plain = _plain(text)
    if plain in _TRUE:
        return "true"
    if plain in _FALSE:
        return "false"
    raise _Unreadable("is neither yes nor no (1 or 0)")


def _decimals(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


# ---------------------------------------------------------------------------------------------------------- applying it


@dataclass(slots=True)
class _Column:
    """Values of a column for every row, with why a cell could not be read."""

    values: list[str | None]
    unreadable: dict[int, tuple[str, str]] = field(default_factory=dict[int, tuple[str, str]])
    """Row -> (text, why)."""
    absent: tuple[str, ...] | None = None
    """The names that were looked for, if the file has none of them."""
    places: int = 0
    """The most decimals that its numbers are written with, in the written unit (percent times 100)."""


class _Application:
    def __init__(self, reading: Reading, file: _File, year: str) -> None:
        self.reading = reading
        self.file = file
        self.year = year
        self.rules = {**reading.columns, **reading.in_year.get(year, {})}
        self.made: dict[str, _Column] = {}
        self.busy: list[str] = []

    def column(self, name: str) -> _Column:
        if name not in self.made:
            if name in self.busy:
                circle = " → ".join([*self.busy[self.busy.index(name) :], name])
                raise ContractRefused(Problem(self.rules[name].place, f"these columns make each other: {circle}"))
            self.busy.append(name)
            self.made[name] = self._make(self.rules[name])
            self.busy.pop()
        return self.made[name]

    def _make(self, rule: ColumnRule) -> _Column:
        count = len(self.file.rows)
        if not rule.applies(int(self.year)):
            return _Column([rule.if_missing] * count)
        column = self._origin(rule)
        if rule.only:
            allowed = {_comparable(text) for text in rule.only}
            column.values = [value if value is not None and _comparable(value) in allowed else None for value in column.values]
        for name, texts in rule.where.items():
            allowed = {_plain(text) for text in texts}
            there = self.column(name).values
            column.values = [
                value if other is not None and _plain(other) in allowed else None
                for value, other in zip(column.values, there, strict=True)
            ]
        if rule.if_missing is not None:
            column.values = [
                rule.if_missing if value is None and row not in column.unreadable else value
                for row, value in enumerate(column.values)
            ]
            column.absent = None if rule.optional else column.absent
        return column

    def _origin(self, rule: ColumnRule) -> _Column:
        count = len(self.file.rows)
        if rule.constant is not None:
            text = rule.constant.replace("{year}", self.year).replace("{next_year}", str(int(self.year) + 1))
            return _Column([text] * count)
        if rule.step_of is not None:
            made = self.column(rule.step_of)
            step = _written(_exact(lambda: Decimal(1).scaleb(-made.places)))
            return _Column([step if value is not None else None for value in made.values])
        if rule.join:
            parts = [self.column(name).values for name in rule.join]
            joined = [[part for part in row if part is not None] for row in zip(*parts, strict=True)]
            return _Column([rule.between.join(row) if row else None for row in joined])
        if rule.either:
            return self._first_of(rule)
        if rule.flags:
            return self._from_flags(rule)
        position = self.file.position(rule.names)
        if position is None:
            return _Column([None] * count, absent=rule.names)
        return self._parsed(rule, self.file.cells(position))

    def _first_of(self, rule: ColumnRule) -> _Column:
        """Row by row the first alternative that says something."""
        result = _Column([None] * len(self.file.rows))
        absent: list[str] = []
        for option in rule.either:
            made = self._make(option)
            if made.absent is not None:
                absent += made.absent
                continue
            result.places = max(result.places, made.places)
            for row, value in enumerate(made.values):
                if result.values[row] is None and row not in result.unreadable:
                    result.values[row] = value
                    if row in made.unreadable:
                        result.unreadable[row] = made.unreadable[row]
        if len(absent) and all(option.names or option.flags for option in rule.either):
            all_absent = all(self._is_absent(option) for option in rule.either)
            result.absent = tuple(absent) if all_absent else None
        return result

    def _is_absent(self, option: ColumnRule) -> bool:
        names = [*option.names, *(name for columns in option.flags.values() for name in columns)]
        return self.file.position(names) is None

    def _from_flags(self, rule: ColumnRule) -> _Column:
        result = _Column([None] * len(self.file.rows))
        looked: list[str] = []
        found = 0
        for value, names in rule.flags.items():
            position = self.file.position(names)
            if position is None:
                looked += names
                continue
            found += 1
            for row, text in enumerate(self.file.cells(position)):
                if _plain(text) in self.reading.missing:
                    continue
                try:
                    is_set = _flag(text) == "true"
                except _Unreadable as why:
                    result.unreadable[row] = (text, str(why))
                    continue
                if is_set and result.values[row] is not None:
                    result.unreadable[row] = (f"{result.values[row]} and {value}", "are both set")
                elif is_set:
                    result.values[row] = value
        result.absent = None if found else tuple(looked)
        return result

    def _parsed(self, rule: ColumnRule, cells: list[str]) -> _Column:
        result = _Column([None] * len(cells))
        spelled = {_plain(text): value for value, texts in rule.values.items() for text in (value, *texts)}
        numbers: dict[int, Decimal] = {}
        for row, text in enumerate(cells):
            # a text that stands for a value is that value, even where it looks like a missing one
            if _plain(text) in self.reading.missing and _plain(text) not in spelled:
                continue
            if _plain(text) in spelled and rule.format != "date":
                result.values[row] = spelled[_plain(text)]
                continue
            try:
                if rule.format in ("number", "percent", "above_zero", "not_zero"):
                    numbers[row] = _number(text, rule)
                elif rule.format == "flag":
                    result.values[row] = _flag(text)
                elif rule.format == "date":
                    read = _date(text, rule)
                    result.values[row] = spelled.get(read) if rule.values else read
                elif rule.values:
                    raise _Unreadable(f"is not one of {', '.join(rule.values)}")
                else:
                    result.values[row] = " ".join(text.replace(" ", " ").split())
            except _Unreadable as why:
                result.unreadable[row] = (text, str(why))
        if rule.format == "percent":
            numbers = self._as_percent(rule, cells, numbers)
        for row, number in numbers.items():
            match rule.format:
                case "above_zero":
                    result.values[row] = "true" if number > 0 else "false"
                case "not_zero":
                    result.values[row] = "true" if number != 0 else "false"
                case _:
                    number = abs(number) if rule.sign == "drop" else -number if rule.sign == "turn" else number
                    scaled = _exact(lambda number=number: number * rule.times)
                    result.values[row] = _written(scaled)
                    result.places = max(result.places, _decimals(scaled))
        return result

    def _as_percent(self, rule: ColumnRule, cells: list[str], numbers: dict[int, Decimal]) -> dict[int, Decimal]:
        """Numbers written times 100, as the language writes percent.

        A value with a sign is. Without signs the column is taken as fractions when no value is larger than
        ``fractions_up_to``: CMS publishes 0.92, 92.1 and "92.19%" for the same thing.
        """
        bare = [row for row in numbers if "%" not in cells[row]]
        fractions = bool(bare) and max(abs(numbers[row]) for row in bare) <= rule.fractions_up_to
        if not fractions:
            return numbers
        unsigned = set(bare)
        return {row: _exact(lambda n=n: n * 100) if row in unsigned else n for row, n in numbers.items()}


def _comparable(text: str) -> str:
    """Equal numbers compare equal however they are written."""
    try:
        return _written(Decimal(text))
    except InvalidOperation:
        return _plain(text)


def apply_reading(reading: Reading, path: Path | str, year: str | int) -> Applied:
    """The inputs that the reading makes of a file, for a year.

    Args:
        reading: from :func:`read_reading`.
        path: a CSV file (comma, semicolon, tab or bar; UTF-8, UTF-16 or Windows-1252; also gzipped).
        year: the year the file is about; must be one that the reading covers.

    Raises:
        DataRefused: no such year or file, columns that are not there, cells that cannot be read (with lines).
    """
    import pyarrow as pa

    path = Path(path)
    year = str(year)
    if year not in reading.years:
        covered = sorted(reading.years)
        message = f"the reading {reading.name} of {reading.of} covers {covered[0]} to {covered[-1]}, not {year}"
        raise DataRefused(Problem(Place(reading.file, 0, 0), message, nearest(year, covered) or f"--year {covered[-1]}"))
    file = _read_file(path, _wanted(reading))
    if reading.unpivot is not None:
        file = _unpivoted(file, reading.unpivot)
    warnings = _year_doubts(reading, file, year)
    rows_read = len(file.rows)
    file, left_out = _counted_rows(reading, file, year)
    work = _Application(reading, file, year)
    problems: list[Problem] = []
    used = dict.fromkeys(name for columns in reading.inputs.values() for name in columns)
    absent = [name for name in used if work.column(name).absent is not None and not work.rules[name].optional]
    if len(absent) > 1:
        message = f"the file has no columns for {', '.join(absent)}; it has: {', '.join(file.header[:12])} …"
        fix = f"check that it is the {reading.title or reading.name} for {year}, or add its names to the reading"
        problems.append(Problem(Place(str(path), 1, 1), message, fix))
    for name in used if len(absent) < 2 else ():
        problems += _column_problems(work, name)
    if not file.rows and not problems:
        problems.append(Problem(Place(str(path), 0, 0), "this file has no rows that count", "check that it is the right file"))
    if problems:
        raise DataRefused(problems)
    tables: dict[str, pa.Table] = {}
    for name, columns in reading.inputs.items():
        rows = list(dict.fromkeys(zip(*(work.column(column).values for column in columns), strict=True)))
        arrays = [pa.array([row[i] for row in rows], pa.string()) for i in range(len(columns))]
        tables[name] = pa.table(dict(zip(columns, arrays, strict=True)))
    return Applied(reading, year, path, tables, rows_read, left_out, tuple(warnings))


def _wanted(reading: Reading) -> frozenset[str]:
    """The compared names of every column of a file that the reading knows."""
    names: set[str] = set(reading.year_in)

    def gather(rule: ColumnRule) -> None:
        names.update(rule.names)
        for columns in rule.flags.values():
            names.update(columns)
        for option in rule.either:
            gather(option)

    for rule in (*reading.columns.values(), *(each for year in reading.in_year.values() for each in year.values())):
        gather(rule)
    if reading.unpivot is not None:
        names.update(reading.unpivot.columns)
    return frozenset(_name(name) for name in names)


def _year_doubts(reading: Reading, file: _File, year: str) -> list[Problem]:
    """A file whose own year is another is refused; one whose name says another year draws a warning."""
    position = file.position(reading.year_in) if reading.year_in else None
    if position is not None:
        stated = {found[0] for cell in file.cells(position) if (found := re.search(r"(?:19|20)\d\d", cell))}
        if stated and year not in stated:
            other = ", ".join(sorted(stated))
            message = f"the column {file.header[position]} of this file says {other}, not {year}"
            raise DataRefused(Problem(Place(str(file.path), 1, 1), message, f"--year {max(stated)}"))
    named = set(re.findall(r"(?<!\d)(?:19|20)\d\d(?!\d)", file.path.name))
    if named and year not in named:
        message = f"the name of this file says {', '.join(sorted(named))}; it is read as {year}"
        return [Problem(Place(str(file.path), 0, 0), message, severity="warning")]
    return []


def _counted_rows(reading: Reading, file: _File, year: str) -> tuple[_File, dict[str, int]]:
    """The rows that count, and how many were left out for which reason."""
    work = _Application(reading, file, year)
    reasons: list[str | None] = [None] * len(file.rows)
    for name, texts in reading.leave_out.items():
        words = {_plain(text) for text in texts}
        for row, value in enumerate(work.column(name).values):
            if value is not None and _plain(value).rstrip(":") in words:
                reasons[row] = reasons[row] or f"{name} is a word for a total"
    for name, texts in reading.keep.items():
        words = {_plain(text) for text in texts}
        for row, value in enumerate(work.column(name).values):
            if value is None or _plain(value) not in words:
                reasons[row] = reasons[row] or f"{name} is another"
    for name in reading.need:
        column = work.column(name)
        if column.absent is None:
            for row, value in enumerate(column.values):
                if value is None and row not in column.unreadable:
                    reasons[row] = reasons[row] or f"{name} is missing"
    kept = [row for row, reason in enumerate(reasons) if reason is None]
    left_out: dict[str, int] = {}
    for reason in reasons:
        if reason is not None:
            left_out[reason] = left_out.get(reason, 0) + 1
    rows = [file.rows[row] for row in kept]
    return _File(file.path, file.header, rows, [file.lines[row] for row in kept]), left_out


def _column_problems(work: _Application, name: str) -> list[Problem]:
    rule = work.rules[name]
    column = work.column(name)
    file = work.file
    place = Place(str(file.path), file.lines[0] if file.lines else 1, 1)
    if column.absent is not None:
        if rule.optional:
            return []
        looked = ", ".join(dict.fromkeys(column.absent))
        hint = nearest(_name(column.absent[0]), [_name(head) for head in file.header]) if column.absent else ""
        message = f"the file has no column for {name}; looked for: {looked[:300]}"
        return [Problem(Place(str(file.path), 1, 1), message, hint or "rename the column, or add its name to the reading")]
    problems: list[Problem] = []
    if column.unreadable:
        shown = [f"line {file.lines[row]}: {text[:40]!r} {why}" for row, (text, why) in list(column.unreadable.items())[:SHOWN]]
        more = f" … and {len(column.unreadable) - SHOWN} more" if len(column.unreadable) > SHOWN else ""
        row = next(iter(column.unreadable))
        message = f"{name} cannot be read in {len(column.unreadable)} rows: {'; '.join(shown)}{more}"
        fix = f"correct the file, or add the text to missing: or values: in {Path(work.reading.file).name}"
        problems.append(Problem(Place(str(file.path), file.lines[row], 1), message, fix))
    if not rule.optional and rule.if_missing is None:
        lacking = [row for row, value in enumerate(column.values) if value is None and row not in column.unreadable]
        if lacking and rule.step_of is None:
            lines = ", ".join(str(file.lines[row]) for row in lacking[:SHOWN])
            more = f" … and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
            message = f"{name} is missing in {len(lacking)} rows: lines {lines}{more}"
            problems.append(Problem(place, message, "fill it in, or say optional: true in the reading"))
    return problems
