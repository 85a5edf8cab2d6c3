"""Flat files: commissioning extracts and any other delimited text or Parquet, read as a mapping file says.

What a mapping may say is in :mod:`accord.record.readers.mapping`. Every row of a file becomes rows of the tables whose
conditions hold for it, or is set aside if none does, or is refused: a value that a value map does not name is said, not
guessed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from accord.engine.database import quoted, text_literal
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record.definition import table
from accord.record.pseudonym import file_label
from accord.record.readers.delimited import (
    heading,
    nth_column,
    parquet_names,
    parquet_rows,
    parquet_typed,
    read_delimited,
)
from accord.record.readers.mapping import (
    Condition,
    Feed,
    Mapped,
    TableMapping,
    check_columns,
    column_of,
    expanded,
    read_mapping,
)
from accord.record.source import RefusedRows, RowsRead, SetAside, SourceFile, SourcePart, SourceRows

if TYPE_CHECKING:
    import duckdb

VERSION = "4"
"""Changes when the same file would be read differently."""


@dataclass
class FlatReader:
    """Reads flat files as one mapping says. ``given``: a path, or the name of a mapping that comes with Accord."""

    given: Path | str
    name: str = field(default="flat", init=False)
    mapping: Mapped = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.mapping = read_mapping(self.given)

    @property
    def fingerprint(self) -> str:
        """Differs when the same files would be read differently."""
        return f"flat {VERSION} {self.mapping.name} {hashlib.sha256(self.mapping.content).hexdigest()[:16]}"

    def files(self, given: Sequence[Path]) -> tuple[SourceFile, ...]:
        """The files among what is given that the mapping reads, in the order of their names.

        Of a folder, the files whose names fit the mapping; a file that is given by itself must fit.

        Raises:
            DataRefused: a file does not fit, or lacks columns; everything wrong is named.
        """
        problems: list[Problem] = []
        found: list[SourceFile] = []
        patterns = ", ".join(self.mapping.patterns)
        for path in given:
            fitting = [path] if path.is_file() else sorted(each for each in path.rglob("*") if each.is_file())
            for each in fitting:
                label = file_label(each.name, len(found) + 1)
                if self.mapping.matches(each.name):
                    found.append(SourceFile(each, label, self.mapping.name, self.mapping.source))
                elif path.is_file():
                    problems.append(Problem(Place(label, 0, 0), f"{self.mapping.file} reads files named {patterns}"))
        for file in found:
            try:
                problems.extend(check_columns(self.mapping, self._names(file), file.label))
            except DataRefused as refused:
                problems.extend(refused.problems)
        if not found and not problems:
            problems.append(
                Problem(Place(self.mapping.file, 0, 0), f"no file is named {patterns}", "change files, or give others")
            )
        if problems:
            raise DataRefused(problems)
        return tuple(sorted(found, key=lambda each: (each.path.name, str(each.path))))

    def rows(self, file: SourceFile, con: duckdb.DuckDBPyConnection) -> Iterator[SourcePart]:
        """What a file holds."""
        names = self._names(file)
        if _is_parquet(file):
            used = {nth for name in expanded(tuple(self.mapping.sources())) for nth in column_of(name, names)}
            typed = parquet_typed(con, file, used, self.mapping.missing)
            con.execute(f"create or replace temp view flat_rows as {typed.select}")
            printing = _Printing(self.mapping, names, typed.kinds, typed.certain)
            rows = parquet_rows(file)
        else:
            delimiter = self.mapping.delimiter or (
                "," if self.mapping.heading else heading(file.path, file.label, None, self.mapping.encoding)[0]
            )
            read = read_delimited(
                con,
                file.path,
                file.label,
                len(names),
                delimiter=delimiter,
                headed=self.mapping.heading is None,
                encoding=self.mapping.encoding,
            )
            con.execute(f"create or replace temp view flat_rows as select * from {read.table}")
            rows = read.rows
            if read.refused:
                yield RefusedRows(con.sql(f"select source_row, reason from {read.refused_table}"))
            printing = _Printing(self.mapping, names, ("VARCHAR",) * len(names), frozenset())
        for each in self.mapping.tables:
            identifiers = self.mapping.identifiers
            yield SourceRows(each.table, con.sql(printing.select(each)), identifiers)
        conditions = [each.when for each in self.mapping.tables]
        if all(conditions):
            holds = " or ".join(printing.condition(each) for each in conditions if each)
            nobody = con.execute(f"select count(*) from flat_rows where not ({holds})").fetchall()[0][0]
            if nobody:
                yield SetAside(self.mapping.name, "the conditions of the mapping give the row to no table", nobody)
        yield RowsRead(rows)

    def _names(self, file: SourceFile) -> tuple[str, ...]:
        if _is_parquet(file):
            return parquet_names(file)
        return self.mapping.heading or heading(file.path, file.label, self.mapping.delimiter, self.mapping.encoding)[1]


def _is_parquet(file: SourceFile) -> bool:
    return file.path.suffix.lower() == ".parquet"


_DAYS = ("DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
"""Types of a Parquet file that say a day, without a zone."""

_WHOLE = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")

_NUMBERS = {"count": _WHOLE, "pence": _WHOLE, "number": (*_WHOLE, "DECIMAL"), "flag": ("BOOLEAN",)}
"""Types of a Parquet file whose values are those of a column of the record of this type, and need not become text."""


def _could_be(text: str, kind: str) -> bool:
    """Whether a text may be how a value of a type is written."""
    return bool(re.search("[0-9]", text)) if kind != "BOOLEAN" else text.lower() in ("true", "false")


@dataclass(frozen=True, slots=True)
class _Printing:
    """Prints a mapping as SQL.

    ``names`` are the file's columns, in order, ``kinds`` their types as DuckDB calls them. ``certain`` are the numbers
    of columns of texts where none stands that means nothing.
    """

    mapping: Mapped
    names: tuple[str, ...]
    kinds: tuple[str, ...]
    certain: Collection[int]

    def select(self, mapped: TableMapping) -> str:
        """The rows of one table."""
        definition = table(mapped.table)
        columns = {column.name: column.type for column in definition.columns}
        values = {name: self._feed(feed, columns[name]) for name, feed in mapped.columns.items()}
        identifier = self._column(self.mapping.identifier.value) if self.mapping.identifier else "cast(null as varchar)"
        key = self._joined(expanded(mapped.key)) if mapped.key else "cast(null as varchar)"
        refused, blamed = self._refused(mapped)
        parts = [
            "source_row",
            f"{identifier} as identifier" if definition.of_persons != "none" else "cast(null as varchar) as identifier",
            f"{key} as key",
            f"{refused} as refused",
            f"{blamed} as refused_column",
            *(f"{value} as {quoted(name)}" for name, value in values.items()),
        ]
        if self.mapping.known:
            parts.append(f"try_cast({self._day((self.mapping.known.value,), 0)} as date) as known")
        if self.mapping.deleted:
            parts.append(f"{self.condition(self.mapping.deleted)} as deleted")
        where = f" where {self.condition(mapped.when)}" if mapped.when else ""
        return f"select {', '.join(parts)} from flat_rows{where}"

    def condition(self, condition: Condition) -> str:
        """True or false for every row: a missing value is not among values."""
        values = ", ".join(text_literal(value) for value in condition.values)
        among = f"coalesce({self._column(condition.column.value)} in ({values}), false)"
        return among if condition.among else f"not {among}"

    def _column(self, name: str) -> str:
        """The text of a column: nothing where the file lacks it, or where a text stands that means nothing."""
        there = column_of(name, self.names)
        if not there:
            return "cast(null as varchar)"
        nth = there[0]
        column = nth_column(nth)
        if nth in self.certain:
            return column
        text = column if self.kinds[nth] == "VARCHAR" else f"cast({column} as varchar)"
        if not self.mapping.missing:
            return text
        missing = ", ".join(text_literal(each) for each in self.mapping.missing)
        return f"case when {text} not in ({missing}) then {text} end"

    def _typed(self, sources: Sequence[str], kinds: Collection[str]) -> str | None:
        """The values of a column of the file that has one of these types; None for another, or for several columns."""
        there = column_of(sources[0], self.names)[:1] if len(sources) == 1 else ()
        named = [(nth_column(nth), self.kinds[nth]) for nth in there if self.kinds[nth].partition("(")[0] in kinds]
        if not named:
            return None
        column, kind = named[0]
        # as a value of that type is written; a text that is no such value is not in the column
        missing = ", ".join(
            f"try_cast({text_literal(text)} as {kind})" for text in self.mapping.missing if _could_be(text, kind)
        )
        # true where the text cannot be read as the type: then nothing is equal to it
        return f"case when coalesce({column} not in ({missing}), true) then {column} end" if missing else column

    def _joined(self, names: Sequence[str]) -> str:
        """A key of several columns, or of one."""
        columns = [self._column(name) for name in names]
        if len(columns) == 1:
            return columns[0]
        joined = " || '|' || ".join(f"coalesce({column}, '')" for column in columns)
        return f"case when {' or '.join(f'{column} is not null' for column in columns)} then {joined} end"

    def _feed(self, feed: Feed, kind: str) -> str:
        if feed.kind == "is":
            return text_literal(feed.value)
        columns = [self._column(name) for name in expanded(feed.sources)]
        if feed.kind == "codes":
            cleaned = ", ".join(
                f"nullif(upper(replace(replace({column}, '.', ''), ' ', '')), '')" for column in columns
            )
            return f"nullif(concat_ws(' ', {cleaned}), '')"
        if feed.kind == "join":
            return self._joined(expanded(feed.sources))
        value = self._first(expanded(feed.sources), feed.until)
        if feed.values is not None:
            otherwise = value if feed.otherwise == "keep" else "null"
            return f"case {value} {self._whens(feed)} else {otherwise} end"
        if kind == "day":
            return self._day(expanded(feed.sources), feed.days, feed.until)
        typed = None if feed.until or feed.times != 1 else self._typed(expanded(feed.sources), _NUMBERS.get(kind, ()))
        if typed:
            return typed
        if feed.times != 1:
            number = f"try_cast({value} as {_MULTIPLIED}) * {feed.times}"
            return f"cast({number if kind == 'number' else f'cast({number} as decimal(38, 0))'} as varchar)"
        return value

    def _first(self, sources: Sequence[str], until: str) -> str:
        columns = [self._column(name) for name in sources]
        value = columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})"
        return f"nullif(split_part({value}, {text_literal(until)}, 1), '')" if until else value

    def _whens(self, feed: Feed) -> str:
        return " ".join(
            f"when {text_literal(value)} then {text_literal(word)}" for value, word in (feed.values or {}).items()
        )

    def _day(self, sources: Sequence[str], days: int, until: str = "") -> str:
        """The day, so many days on; of a text the day as year-month-day, or as it is written if it is no day."""
        typed = None if until else self._typed(sources, _DAYS)
        if typed:
            return f"cast({typed} as date) + {days}" if days else f"cast({typed} as date)"
        value = self._first(sources, until)
        forms = ", ".join(text_literal(form) for form in self.mapping.dates)
        day = f"cast(try_strptime({value}, [{forms}]) as date)"
        return f"coalesce(cast({day} + {days} as varchar), {value})"

    def _refused(self, mapped: TableMapping) -> tuple[str, str]:
        """Why a row cannot be mapped, and the column to blame; a row that is withdrawn needs no more than its key."""
        wrongs: list[tuple[str, str, str]] = []
        for feed in mapped.columns.values():
            if feed.values is None and feed.times == 1:
                continue
            name = expanded(feed.sources)[0]
            value = self._first(expanded(feed.sources), feed.until)
            if feed.values is None:
                wrong = f"trim({value}) <> '' and try_cast({value} as {_MULTIPLIED}) is null"
                wrongs.append((name, wrong, "is not a number such as 1250.50, without commas and signs of money"))
            elif feed.otherwise == "refuse":
                known = ", ".join(text_literal(each) for each in feed.values)
                wrongs.append((name, f"{value} not in ({known})", "has a value that the mapping does not name"))
        if not wrongs:
            return "cast(null as varchar)", "cast(null as varchar)"
        gone = f"when {self.condition(self.mapping.deleted)} then null " if self.mapping.deleted else ""
        reasons = " ".join(f"when {wrong} then {text_literal(f'{name} {reason}')}" for name, wrong, reason in wrongs)
        blamed = " ".join(f"when {wrong} then {text_literal(name)}" for name, wrong, _ in wrongs)
        return f"case {gone}{reasons} end", f"case {gone}{blamed} end"


_MULTIPLIED = "decimal(18, 4)"
"""What a number that is multiplied must fit into."""
