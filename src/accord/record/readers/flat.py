"""Flat files: commissioning extracts and any other delimited text or Parquet, read as a mapping file says.

What a mapping may say is in :mod:`accord.record.readers.mapping`. Every row of a file becomes rows of the tables whose
conditions hold for it, or is set aside if none does, or is refused: a value that a value map does not name is said, not
guessed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from accord.engine.sql import quoted, text_literal
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record.definition import table
from accord.record.pseudonym import file_label
from accord.record.readers.delimited import (
    heading,
    nth_column,
    parquet_names,
    parquet_rows,
    parquet_select,
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

VERSION = "2"
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
            con.execute(f"create or replace temp view flat_rows as {parquet_select(file, len(names))}")
            rows, refused = parquet_rows(file), 0
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
            rows, refused = read.rows, read.refused
            if refused:
                yield RefusedRows(con.sql(f"select source_row, reason from {read.refused_table}"))
        printing = _Printing(self.mapping, names)
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


@dataclass(frozen=True, slots=True)
class _Printing:
    """Prints a mapping as SQL. ``names`` are the file's columns, in order."""

    mapping: Mapped
    names: tuple[str, ...]

    def select(self, mapped: TableMapping) -> str:
        """The rows of one table."""
        definition = table(mapped.table)
        columns = {column.name: column.type for column in definition.columns}
        values = {name: self._feed(feed, columns[name]) for name, feed in mapped.columns.items()}
        identifier = self._column(self.mapping.identifier.value) if self.mapping.identifier else "cast(null as varchar)"
        key = " || '|' || ".join(f"coalesce({self._column(name)}, '')" for name in expanded(mapped.key))
        any_key = " or ".join(f"{self._column(name)} is not null" for name in expanded(mapped.key))
        refused, blamed = self._refused(mapped)
        parts = [
            "source_row",
            f"{identifier} as identifier" if definition.of_persons != "none" else "cast(null as varchar) as identifier",
            f"case when {any_key} then {key} end as key" if key else "cast(null as varchar) as key",
            f"{refused} as refused",
            f"{blamed} as refused_column",
            *(f"{value} as {quoted(name)}" for name, value in values.items()),
        ]
        if self.mapping.known:
            parts.append(f"try_cast({self._day(self._column(self.mapping.known.value), 0)} as date) as known")
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
        """The value of a column: nothing where the file lacks it, or where a text stands that means nothing."""
        there = column_of(name, self.names)
        if not there:
            return "cast(null as varchar)"
        column = nth_column(there[0])
        if not self.mapping.missing:
            return column
        missing = ", ".join(text_literal(text) for text in self.mapping.missing)
        return f"case when {column} not in ({missing}) then {column} end"

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
            joined = " || '|' || ".join(f"coalesce({column}, '')" for column in columns)
            return f"case when {' or '.join(f'{column} is not null' for column in columns)} then {joined} end"
        value = self._first(feed)
        if feed.values is not None:
            otherwise = value if feed.otherwise == "keep" else "null"
            return f"case {value} {self._whens(feed)} else {otherwise} end"
        if kind == "day":
            return self._day(value, feed.days)
        if feed.times != 1:
            number = f"try_cast({value} as decimal(18, 4)) * {feed.times}"
            exact = f"cast(try_cast({value} as decimal(18, 4)) * {feed.times} as decimal(38, 0))"
            return f"coalesce(cast({exact} as varchar), {value})" if kind != "number" else f"cast({number} as varchar)"
        return value

    def _first(self, feed: Feed) -> str:
        columns = [self._column(name) for name in expanded(feed.sources)]
        value = columns[0] if len(columns) == 1 else f"coalesce({', '.join(columns)})"
        return f"nullif(split_part({value}, {text_literal(feed.until)}, 1), '')" if feed.until else value

    def _whens(self, feed: Feed) -> str:
        return " ".join(
            f"when {text_literal(value)} then {text_literal(word)}" for value, word in (feed.values or {}).items()
        )

    def _day(self, value: str, days: int) -> str:
        """The day as year-month-day, so many days on; what is not a day in any of the forms stays as it is written."""
        forms = ", ".join(text_literal(form) for form in self.mapping.dates)
        day = f"cast(try_strptime({value}, [{forms}]) as date)"
        return f"coalesce(cast({day} + {days} as varchar), {value})"

    def _refused(self, mapped: TableMapping) -> tuple[str, str]:
        """Why a row cannot be mapped, and the column to blame: values that a value map does not name."""
        reasons: list[str] = []
        blamed: list[str] = []
        for feed in mapped.columns.values():
            if feed.values is None or feed.otherwise != "refuse":
                continue
            name = expanded(feed.sources)[0]
            value = self._first(feed)
            known = ", ".join(text_literal(each) for each in feed.values)
            wrong = f"when {value} not in ({known})"
            reasons.append(f"{wrong} then {text_literal(f'{name} has a value that the mapping does not name')}")
            blamed.append(f"{wrong} then {text_literal(name)}")
        if not reasons:
            return "cast(null as varchar)", "cast(null as varchar)"
        return f"case {' '.join(reasons)} end", f"case {' '.join(blamed)} end"
