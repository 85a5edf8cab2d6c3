"""Mappings: which column of a flat file feeds which column of the record, written in YAML with a closed vocabulary.

The mappings that come with Accord are in ``library/mappings``; a place writes its own for the names and codes of its
own extracts, usually from a copy of one of these. ``docs/readers.md`` explains every entry.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accord.language.place import Place
from accord.language.problem import ContractRefused, DataRefused, Problem, nearest
from accord.language.shape import (
    IDENTIFIER,
    NAME,
    STATUS,
    TITLE,
    WHOLE,
    Choice,
    Either,
    Field,
    ListOf,
    MapOf,
    Record,
    Word,
    conform,
)
from accord.language.text import Entries, Items, Scalar, Tree, decode, read_tree
from accord.record.definition import NAMES, table
from accord.record.readers.delimited import sayable

LIBRARY = Path(__file__).parents[2] / "library" / "mappings"
"""The folder of the mappings that come with Accord."""

DATES: Mapping[str, str] = {
    "yyyy-mm-dd": "%Y-%m-%d",
    "yyyymmdd": "%Y%m%d",
    "dd/mm/yyyy": "%d/%m/%Y",
    "dd-mm-yyyy": "%d-%m-%Y",
    "ddmmyyyy": "%d%m%Y",
    "dd-mon-yyyy": "%d-%b-%Y",
    "yyyy-mm-dd hh:mm:ss": "%Y-%m-%d %H:%M:%S",
    "dd/mm/yyyy hh:mm:ss": "%d/%m/%Y %H:%M:%S",
    "dd/mm/yyyy hh:mm": "%d/%m/%Y %H:%M",
    "yyyy-mm": "%Y-%m",
    "yyyymm": "%Y%m",
}
"""How days may be written; of a month alone the first day counts."""

DELIMITERS: Mapping[str, str] = {"comma": ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
"""What may stand between values."""

_COLUMN = Word("the name of a column of the file", None, "ADMIDATE")
_COLUMNS = ListOf("names of columns of the file", _COLUMN)
_TEXT = Word("a value of the file", None, "1")

FEED = Record(
    "what feeds a column",
    (
        Field(
            "from", Either("a column, or several of which the first with a value counts", (_COLUMN, _COLUMNS)), "whence"
        ),
        Field("is", TITLE, "the same value for every row"),
        Field("values", MapOf("values", _TEXT, TITLE), "what each value of the file means"),
        Field("otherwise", Choice(("refuse", "missing", "keep")), "what to do with values that values does not name"),
        Field("codes", _COLUMNS, "columns whose codes stand in order, as DIAG_01..DIAG_20"),
        Field("join", _COLUMNS, "columns that together make a key"),
        Field("days", WHOLE, "days to add to the day of the file"),
        Field("times", WHOLE, "what the number of the file is multiplied by: 100 for pounds"),
        Field("until", Choice(("space", "dot")), "take what stands before the first of these"),
    ),
)

_CONDITION = Record(
    "a condition",
    (
        Field("column", _COLUMN, "the column that decides", True),
        Field("is", ListOf("values", _TEXT), "the values for which it holds"),
        Field("not", ListOf("values", _TEXT), "the values for which it does not hold"),
    ),
)

TABLE = Record(
    "what a table of the record gets",
    (
        Field("key", _COLUMNS, "the columns that are the source's own key of the row"),
        Field("when", _CONDITION, "the rows that belong to this table"),
        Field(
            "columns",
            MapOf("columns", NAME, Either("a column, or what feeds it", (_COLUMN, FEED))),
            "its columns",
            True,
        ),
    ),
)

MAPPING = Record(
    "a mapping",
    (
        Field("mapping", IDENTIFIER, "its name", True),
        Field("title", TITLE, "what it reads", True),
        Field("source", NAME, "the short name of the data set in the record", True),
        Field("authority", TITLE, "who defines the data set", True),
        Field("address", TITLE, "where its definition stands"),
        Field("status", STATUS, "how sure its names and codes are", True),
        Field("notes", TITLE, "what to know before using it"),
        Field(
            "files",
            ListOf("patterns of file names", Word("a pattern of a file's name", None, "*apc*.csv")),
            "which",
            True,
        ),
        Field(
            "delimiter", Choice(tuple(DELIMITERS)), "what stands between values; the heading tells if it is not said"
        ),
        Field("encoding", Choice(("utf-8", "windows-1252", "latin-1", "utf-16")), "how letters are written"),
        Field("heading", Either("the columns in order, for files without a heading", (_COLUMNS,)), "columns in order"),
        Field("may_lack", _COLUMNS, "columns that a file may lack; they are then empty"),
        Field("dates", ListOf("forms of dates", Choice(tuple(DATES))), "how days are written", True),
        Field("missing", ListOf("texts", _TEXT), "texts that mean that there is no value"),
        Field("identifier", _COLUMN, "the column with the person's identifier"),
        Field("identifiers", IDENTIFIER, "the numbering of identifiers: nhs, or the short name of another"),
        Field("known", _COLUMN, "the column with the day on which the row became known"),
        Field("deleted", _CONDITION, "the rows that the source has withdrawn"),
        Field("tables", MapOf("tables", NAME, TABLE), "what the rows become", True),
    ),
)
"""The shape of a mapping file."""


@dataclass(frozen=True, slots=True)
class Feed:
    """What feeds a column of the record. ``sources`` are columns of the file, in order."""

    place: Place
    kind: str
    """``first`` (the first source with a value), ``is``, ``codes`` or ``join``."""
    sources: tuple[Scalar, ...] = ()
    value: str = ""
    values: Mapping[str, str] | None = None
    otherwise: str = "refuse"
    days: int = 0
    times: int = 1
    until: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """Rows by the value of one column: those whose value is among ``values``, or (``among`` false) is not."""

    column: Scalar
    values: tuple[str, ...]
    among: bool


@dataclass(frozen=True, slots=True)
class TableMapping:
    """What one table of the record gets from a file."""

    table: str
    key: tuple[Scalar, ...]
    when: Condition | None
    columns: Mapping[str, Feed]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping, read and checked. ``file`` is where it stands, ``content`` its bytes."""

    file: str
    content: bytes
    name: str
    title: str
    source: str
    authority: str
    address: str
    status: str
    notes: str
    patterns: tuple[str, ...]
    delimiter: str | None
    encoding: str
    heading: tuple[str, ...] | None
    may_lack: tuple[Scalar, ...]
    dates: tuple[str, ...]
    missing: tuple[str, ...]
    identifier: Scalar | None
    identifiers: str
    known: Scalar | None
    deleted: Condition | None
    tables: tuple[TableMapping, ...]

    def matches(self, name: str) -> bool:
        """Whether a file of that name is one that this mapping reads."""
        return any(fnmatch.fnmatchcase(name.lower(), pattern.lower()) for pattern in self.patterns)

    def sources(self) -> Iterator[Scalar]:
        """Every column of the file that is named, with its place."""
        yield from (each for each in (self.identifier, self.known) if each)
        yield from (each.column for each in (self.deleted,) if each)
        for each in self.tables:
            yield from each.key
            yield from (condition.column for condition in (each.when,) if condition)
            for feed in each.columns.values():
                yield from feed.sources


def mapping_names() -> tuple[str, ...]:
    """The mappings that come with Accord."""
    return tuple(sorted(path.stem for path in LIBRARY.glob("*.yaml")))


def read_mapping(given: Path | str) -> Mapped:
    """A mapping: the path of a file, or the name of one that comes with Accord.

    Raises:
        DataRefused: there is none, or it is not well formed; everything wrong is named with its place.
    """
    path = Path(given)
    if not path.is_file():
        path = LIBRARY / f"{given}.yaml"
        if not re.fullmatch(r"[a-z0-9-]+", str(given)) or not path.is_file():
            hint = nearest(str(given), mapping_names()) or f"those that come with Accord: {', '.join(mapping_names())}"
            raise DataRefused(Problem(Place(str(given), 0, 0), "there is no such mapping", hint))
    content = path.read_bytes()
    try:
        tree = read_tree(decode(content, path.name))
    except ContractRefused as refused:
        raise DataRefused(refused.problems) from None
    problems = conform(tree, MAPPING)
    if isinstance(tree, Entries):
        problems += _problems(tree)
        if not problems:
            return _mapped(tree, path.name, content)
    in_order = sorted(problems, key=lambda problem: (problem.place.line, problem.place.column))
    raise DataRefused(in_order or Problem(tree.place, "this is not a mapping"))


def same_name(name: str) -> str:
    """A column's name as it is compared: ``LA Code``, ``la_code`` and ``LA_CODE`` are the same."""
    return re.sub(r"[ _]+", "_", name.strip().lower())


def column_of(name: str, names: Sequence[str]) -> tuple[int, ...]:
    """Which of a file's columns (from 0) a mapping means by ``name``: none, one, or several that it could be.

    A column that is called exactly so is meant before one that is the same as compared (:func:`same_name`).
    """
    exact = tuple(nth for nth, each in enumerate(names) if each == name)
    return exact or tuple(nth for nth, each in enumerate(names) if same_name(each) == same_name(name))


def check_columns(mapping: Mapped, names: Sequence[str], label: str) -> list[Problem]:
    """The columns that the mapping reads, and a file lacks or has twice. ``names`` are the file's, in order."""
    there = {same_name(name) for name in names}
    spare = {same_name(each.value) for each in mapping.may_lack}
    problems: dict[str, Problem] = {}
    for source in mapping.sources():
        first = _expanded(source.value)[0]
        if same_name(first) not in there | spare and first not in problems:
            hint = nearest(first, sayable(names))
            problems[first] = Problem(
                source.place,
                f"the file {label} has no column {first}",
                hint or "correct the name, or put the column under may_lack",
            )
        for name in _expanded(source.value):
            meant = [str(nth + 1) for nth in column_of(name, names)]
            if len(meant) > 1 and name not in problems:
                problems[name] = Problem(
                    source.place,
                    f"columns {', '.join(meant[:-1])} and {meant[-1]} of the file {label} could both be {name}",
                    "write the name exactly as the file has it, or rename one of its columns",
                )
    return list(problems.values())


def expanded(sources: Collection[Scalar]) -> tuple[str, ...]:
    """Names of columns with ranges written out: ``DIAG_01..DIAG_03`` is three."""
    return tuple(name for source in sources for name in _expanded(source.value))


_RANGE = re.compile(r"(?P<stem>.*?)(?P<first>\d+)\.\.(?P=stem)(?P<last>\d+)")


def _expanded(name: str) -> tuple[str, ...]:
    found = _RANGE.fullmatch(name)
    if found is None:
        return (name,)
    width = len(found["first"])
    return tuple(f"{found['stem']}{number:0{width}}" for number in range(int(found["first"]), int(found["last"]) + 1))


def _problems(tree: Entries) -> Iterator[Problem]:
    """What the shape does not see: tables and columns of the record, what goes together, and words of closed lists.

    A part that is not of its shape is passed over: that has been said.
    """
    tables = tree.get("tables")
    if isinstance(tables, Entries) and not tables.entries:
        yield Problem(tree.place, "the mapping feeds no table", "add tables: {episodes: {columns: {…}}}")
    if not isinstance(tables, Entries):
        return
    for key, value in tables:
        if key.value not in NAMES:
            hint = nearest(key.value, NAMES) or f"the record has: {', '.join(NAMES)}"
            yield Problem(key.place, f"the record has no table {key.value}", hint)
            continue
        definition = table(key.value)
        if definition.derived is not None:
            yield Problem(
                key.place, f"{key.value} is made from {definition.derived}, and never loaded", "feed that table"
            )
            continue
        if definition.of_persons == "required" and tree.get("identifier") is None:
            yield Problem(
                key.place,
                f"{key.value} is about persons, and the mapping has no identifier",
                "add identifier: NHS_NUMBER",
            )
        fed = value.get("columns") if isinstance(value, Entries) else None
        if not isinstance(fed, Entries):
            continue
        own = [column.name for column in definition.columns]
        for name, feed in fed:
            column = next((each for each in definition.columns if each.name == name.value), None)
            if column is None:
                hint = nearest(name.value, own) or f"{key.value} has: {', '.join(own)}"
                yield Problem(name.place, f"{key.value} has no column {name.value}", hint)
                continue
            if isinstance(feed, Entries) and not conform(feed, FEED):
                yield from _feed_problems(feed, column.type, column.allowed)
        for column in definition.columns:
            if column.required and fed.get(column.name) is None:
                yield Problem(
                    key.place, f"nothing feeds {column.name}, which every row of {key.value} needs", f"{column.name}: …"
                )
    for condition in _conditions(tree):
        if not conform(condition, _CONDITION) and (condition.get("is") is None) == (condition.get("not") is None):
            yield Problem(condition.place, "a condition says either is or not", 'is: ["1"]')


def _conditions(tree: Entries) -> Iterator[Entries]:
    deleted = tree.get("deleted")
    if isinstance(deleted, Entries):
        yield deleted
    tables = tree.get("tables")
    for _, value in tables if isinstance(tables, Entries) else ():
        when = value.get("when") if isinstance(value, Entries) else None
        if isinstance(when, Entries):
            yield when


def _feed_problems(feed: Entries, kind: str, allowed: Mapping[str, str] | None) -> Iterator[Problem]:
    ways = [way for way in ("from", "is", "codes", "join") if feed.get(way) is not None]
    if len(ways) != 1:
        said = f"has {' and '.join(ways)}" if ways else "has none"
        yield Problem(feed.place, f"a column is fed by one of from, is, codes or join; this {said}", "from: COLUMN")
    for only, way in (
        ("values", "from"),
        ("otherwise", "from"),
        ("days", "from"),
        ("times", "from"),
        ("until", "from"),
    ):
        if feed.get(only) is not None and way not in ways:
            yield Problem(_key_place(feed, only), f"{only} goes with {way}")
    if feed.get("otherwise") is not None and feed.get("values") is None:
        yield Problem(_key_place(feed, "otherwise"), "otherwise goes with values")
    if feed.get("days") is not None and kind != "day":
        yield Problem(_key_place(feed, "days"), f"days are added to a day, and this column is a {kind}")
    if feed.get("times") is not None and kind not in ("pence", "count", "number"):
        yield Problem(_key_place(feed, "times"), f"a number is multiplied, and this column is a {kind}")
    if feed.get("codes") is not None and kind != "codes":
        yield Problem(
            _key_place(feed, "codes"), f"codes feed a column of several codes, and this is a {kind}", "from: COLUMN"
        )
    words = set(allowed) if allowed is not None else {"true", "false"} if kind == "flag" else None
    given: list[Scalar] = []
    constant, values = feed.get("is"), feed.get("values")
    if isinstance(constant, Scalar):
        given.append(constant)
    if isinstance(values, Entries):
        given.extend(value for _, value in values if isinstance(value, Scalar))
    for word in given:
        if words is not None and word.value not in words:
            hint = nearest(word.value, words) or f"one of {', '.join(sorted(words))}"
            yield Problem(word.place, f"{word.value} is not a value of this column", hint)


def _key_place(feed: Entries, name: str) -> Place:
    key = feed.key(name)
    return key.place if key else feed.place


def _mapped(tree: Entries, file: str, content: bytes) -> Mapped:
    tables = tree.get("tables")
    delimiter = _word(tree, "delimiter")
    heading = _scalars(tree.get("heading"))
    return Mapped(
        file=file,
        content=content,
        name=_word(tree, "mapping"),
        title=_word(tree, "title"),
        source=_word(tree, "source"),
        authority=_word(tree, "authority"),
        address=_word(tree, "address"),
        status=_word(tree, "status"),
        notes=_word(tree, "notes"),
        patterns=tuple(each.value for each in _scalars(tree.get("files"))),
        delimiter=DELIMITERS[delimiter] if delimiter else None,
        encoding=_word(tree, "encoding") or "utf-8",
        heading=expanded(heading) if heading else None,
        may_lack=_scalars(tree.get("may_lack")),
        dates=tuple(DATES[each.value] for each in _scalars(tree.get("dates"))),
        missing=tuple(each.value for each in _scalars(tree.get("missing"))),
        identifier=_scalar(tree.get("identifier")),
        identifiers=_word(tree, "identifiers") or "nhs",
        known=_scalar(tree.get("known")),
        deleted=_condition(tree.get("deleted")),
        tables=tuple(_table(key.value, value) for key, value in tables) if isinstance(tables, Entries) else (),
    )


def _table(name: str, tree: Tree) -> TableMapping:
    entries = tree if isinstance(tree, Entries) else Entries((), tree.place)
    columns = entries.get("columns")
    fed = {key.value: _feed(value) for key, value in columns} if isinstance(columns, Entries) else {}
    return TableMapping(name, _scalars(entries.get("key")), _condition(entries.get("when")), fed)


def _feed(tree: Tree) -> Feed:
    if isinstance(tree, Scalar):
        return Feed(tree.place, "first", (tree,))
    assert isinstance(tree, Entries)
    values = tree.get("values")
    kind = next(way for way in ("from", "is", "codes", "join") if tree.get(way) is not None)
    return Feed(
        place=tree.place,
        kind="first" if kind == "from" else kind,
        sources=() if kind == "is" else _scalars(tree.get(kind)),
        value=_word(tree, "is"),
        values={key.value: value.value for key, value in values if isinstance(value, Scalar)}
        if isinstance(values, Entries)
        else None,
        otherwise=_word(tree, "otherwise") or "refuse",
        days=int(_word(tree, "days") or 0),
        times=int(_word(tree, "times") or 1),
        until={"space": " ", "dot": "."}.get(_word(tree, "until"), ""),
    )


def _condition(tree: Tree | None) -> Condition | None:
    if not isinstance(tree, Entries):
        return None
    column = _scalar(tree.get("column"))
    assert column is not None
    values = tree.get("is")
    return Condition(column, tuple(each.value for each in _scalars(values or tree.get("not"))), values is not None)


def _word(tree: Entries, name: str) -> str:
    value = tree.get(name)
    return value.value if isinstance(value, Scalar) else ""


def _scalar(tree: Tree | None) -> Scalar | None:
    return tree if isinstance(tree, Scalar) else None


def _scalars(tree: Tree | None) -> tuple[Scalar, ...]:
    if isinstance(tree, Scalar):
        return (tree,)
    return tuple(item for item in tree.items if isinstance(item, Scalar)) if isinstance(tree, Items) else ()
