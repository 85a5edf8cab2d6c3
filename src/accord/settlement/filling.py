"""Filling inputs: a reading applied to a file gives a table of texts for each input it fills.

Every column of the reading is made once, for all rows; what cannot be read is collected and refused together, with the
lines of the file.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import ContractRefused, DataRefused, Problem, nearest
from accord.settlement.cell import (
    WRITTEN,
    Unreadable,
    column_name,
    comparable,
    date,
    decimals,
    exact,
    flag,
    number,
    plain,
    written,
)
from accord.settlement.reading import ColumnRule, Reading
from accord.settlement.source_file import SourceFile, read_source_file, unpivoted

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN = 10
"""How many rows a message lists."""


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
    """The columns of a reading, made once each; ``whole``: those of the file before its columns were unpivoted."""

    def __init__(self, reading: Reading, file: SourceFile, year: str, whole: _Application | None = None) -> None:
        self.reading = reading
        self.file = file
        self.whole = whole
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
        if self.whole is not None and not self.reading.depends(rule):
            whole_column = self.rules.get(rule.name) is rule  # and not one of several that it is made from
            return self._repeated(self.whole.column(rule.name) if whole_column else self.whole._make(rule))
        count = len(self.file.rows)
        if not rule.applies(int(self.year[:4])):
            return _Column([rule.if_missing] * count)
        column = self._origin(rule)
        if rule.only:
            allowed = {comparable(text) for text in rule.only}
            column.values = [
                value if value is not None and comparable(value) in allowed else None for value in column.values
            ]
        for name, texts in rule.where.items():
            allowed = {plain(text) for text in texts}
            there = self.column(name).values
            column.values = [
                value if other is not None and plain(other) in allowed else None
                for value, other in zip(column.values, there, strict=True)
            ]
        if rule.if_missing is not None:
            column.values = [
                rule.if_missing if value is None and row not in column.unreadable else value
                for row, value in enumerate(column.values)
            ]
            column.absent = None if rule.optional else column.absent
        return column

    def _repeated(self, column: _Column) -> _Column:
        """A column of the file as it was, for each of the rows that come from one of its rows."""
        origins = self.file.origins or []
        unreadable = {row: column.unreadable[at] for row, at in enumerate(origins) if at in column.unreadable}
        return _Column([column.values[at] for at in origins], unreadable, column.absent, column.places)

    def _origin(self, rule: ColumnRule) -> _Column:
        count = len(self.file.rows)
        if rule.constant is not None:
            year = self.year[:4]
            text = rule.constant.replace("{year}", year).replace("{next_year}", str(int(year) + 1))
            return _Column([text] * count)
        if rule.step_of is not None:
            made = self.column(rule.step_of)
            step = written(exact(lambda: Decimal(1).scaleb(-made.places)))
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
                if plain(text) in self.reading.missing:
                    continue
                try:
                    is_set = flag(text) == "true"
                except Unreadable as why:
                    result.unreadable[row] = (text, str(why))
                    continue
                if is_set and result.values[row] is not None:
                    result.unreadable[row] = (f"{result.values[row]} and {value}", "are both set")
                elif is_set:
                    result.values[row] = value
        result.absent = None if found else tuple(looked)
        return result

    def _parsed(self, rule: ColumnRule, cells: list[str]) -> _Column:
        """The cells as the rule reads them; a text that stands in many rows is read once."""
        once = {text: number for number, text in enumerate(dict.fromkeys(cells))}
        read = self._read(rule, list(once))
        result = _Column([read.values[once[text]] for text in cells], places=read.places)
        if read.unreadable:
            rows = [(row, once[text]) for row, text in enumerate(cells) if once[text] in read.unreadable]
            result.unreadable.update((row, read.unreadable[number]) for row, number in rows)
        return result

    def _read(self, rule: ColumnRule, cells: list[str]) -> _Column:
        result = _Column([None] * len(cells))
        spelled = {plain(text): value for value, texts in rule.values.items() for text in (value, *texts)}
        numbers: dict[int, Decimal] = {}
        compared = {text: plain(text) for text in set(cells)}  # a column repeats few texts in many rows
        read_as: dict[str, Decimal] = {}
        as_it_stands = rule.format == "number" and rule.sign == "keep" and rule.times == 1 and not rule.decimal_comma
        for row, text in enumerate(cells):
            # a text that stands for a value is that value, even where it looks like a missing one
            if compared[text] in self.reading.missing and compared[text] not in spelled:
                continue
            if compared[text] in spelled and rule.format != "date":
                result.values[row] = spelled[compared[text]]
                continue
            if as_it_stands and (digits := WRITTEN.fullmatch(text)):
                result.values[row] = text
                result.places = max(result.places, len(digits[1] or ""))
                continue
            try:
                if rule.format in ("number", "percent", "above_zero", "not_zero"):
                    if text not in read_as:
                        read_as[text] = number(text, decimal_comma=rule.decimal_comma)
                    numbers[row] = read_as[text]
                elif rule.format == "flag":
                    result.values[row] = flag(text)
                elif rule.format == "date":
                    read = date(text, day_first=rule.day_first)
                    result.values[row] = spelled.get(read) if rule.values else read
                elif rule.values:
                    raise Unreadable(f"is not one of {', '.join(rule.values)}")
                else:
                    result.values[row] = " ".join(text.replace("\u00a0", " ").split())
            except Unreadable as why:
                result.unreadable[row] = (text, str(why))
        if rule.format == "percent":
            numbers = self._as_percent(rule, cells, numbers)
        scaled: dict[str, tuple[str, int]] = {}
        for row, value in numbers.items():
            match rule.format:
                case "above_zero":
                    result.values[row] = "true" if value > 0 else "false"
                case "not_zero":
                    result.values[row] = "true" if value != 0 else "false"
                case _:
                    value = (
                        value.copy_abs()
                        if rule.sign == "drop"
                        else value.copy_negate()
                        if rule.sign == "turn"
                        else value
                    )
                    if (digits := str(value)) not in scaled:  # 1.0 and 1 are equal, and written differently
                        times = exact(lambda value=value: value * rule.times)
                        scaled[digits] = (written(times), decimals(times))
                    result.values[row], places = scaled[digits]
                    result.places = max(result.places, places)
        return result

    def _as_percent(self, rule: ColumnRule, cells: list[str], numbers: dict[int, Decimal]) -> dict[int, Decimal]:
        """Numbers written times 100, as the language writes percent.

        A value with a sign is. Without signs the column is taken as fractions when no value is larger than
        ``fractions_up_to``: CMS publishes 0.92, 92.1 and "92.19%" for the same thing.
        """
        bare = [row for row in numbers if "%" not in cells[row]]
        fractions = bool(bare) and max(numbers[row].copy_abs() for row in bare) <= rule.fractions_up_to
        if not fractions:
            return numbers
        unsigned = set(bare)
        return {row: exact(lambda n=n: n * 100) if row in unsigned else n for row, n in numbers.items()}


def apply_reading(reading: Reading, path: Path | str, year: str | int) -> Applied:
    """The inputs that the reading makes of a file, for a year.

    Args:
        reading: from :func:`read_reading`.
        path: a CSV file (comma, semicolon, tab or bar; UTF-8, UTF-16 or Windows-1252; also gzipped), or Parquet.
        year: the year the file is about; must be one that the reading covers (2017-18 is understood also as 2017/18).

    Raises:
        DataRefused: no such year or file, columns that are not there, cells that cannot be read (with lines).
    """
    import pyarrow as pa

    path = Path(path)
    asked = str(year)
    covered = reading.covered(asked)
    if covered is None:
        known = sorted(reading.years)
        message = f"the reading {reading.name} of {reading.of} covers {known[0]} to {known[-1]}, not {asked}"
        raise DataRefused(Problem(Place(reading.file, 0, 0), message, nearest(asked, known) or f"--year {known[-1]}"))
    year = covered
    file = read_source_file(path, _wanted(reading))
    warnings = _year_doubts(reading, file, year)
    rows_read = len(file.rows)
    file, left_out = _counted_rows(reading, file, year)
    work = long = _Application(reading, file, year)
    if reading.unpivot is not None:  # for the inputs that use its columns; the others have a row for each of the file's
        longer = unpivoted(file, reading.unpivot, reading.missing, _wanted(reading) - set(reading.unpivot.columns))
        longer, more = _counted_rows(reading, longer, year, work)
        left_out = {**left_out, **more}
        long = _Application(reading, longer, year, work)
    fills: dict[str, _Application] = {}
    made_by: dict[str, _Application] = {}
    for name, columns in reading.inputs.items():
        fills[name] = long if any(reading.depends(work.rules[column]) for column in columns) else work
        for column in columns:
            made_by.setdefault(column, fills[name])
    problems: list[Problem] = []
    absent = [
        name for name, by in made_by.items() if by.column(name).absent is not None and not by.rules[name].optional
    ]
    if len(absent) > 1:
        message = f"the file has no columns for {', '.join(absent)}; it has: {', '.join(file.header[:12])} …"
        fix = f"check that it is the {reading.title or reading.name} for {year}, or add its names to the reading"
        problems.append(Problem(Place(str(path), 1, 1), message, fix))
    for name, by in made_by.items() if len(absent) < 2 else ():
        problems += _column_problems(by, name)
    if not file.rows and not problems:
        problems.append(
            Problem(Place(str(path), 0, 0), "this file has no rows that count", "check that it is the right file")
        )
    if problems:
        raise DataRefused(problems)
    tables: dict[str, pa.Table] = {}
    for name, columns in reading.inputs.items():
        rows = list(dict.fromkeys(zip(*(fills[name].column(column).values for column in columns), strict=True)))
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
    return frozenset(names)


def _year_doubts(reading: Reading, file: SourceFile, year: str) -> list[Problem]:
    """A file whose own year is another is refused; one whose name says another year draws a warning."""
    position = file.position(reading.year_in) if reading.year_in else None
    if position is not None:
        stated = {found[0] for cell in file.cells(position) if (found := re.search(r"(?:19|20)\d\d", cell))}
        if stated and year[:4] not in stated:
            other = ", ".join(sorted(stated))
            message = f"the column {file.header[position]} of this file says {other}, not {year}"
            raise DataRefused(Problem(Place(str(file.path), 1, 1), message, f"--year {max(stated)}"))
    named = set(re.findall(r"(?<!\d)(?:19|20)\d\d(?!\d)", file.path.name))
    if named and year[:4] not in named:
        message = f"the name of this file says {', '.join(sorted(named))}; it is read as {year}"
        return [Problem(Place(str(file.path), 0, 0), message, severity="warning")]
    return []


def _counted_rows(
    reading: Reading, file: SourceFile, year: str, whole: _Application | None = None
) -> tuple[SourceFile, dict[str, int]]:
    """The rows that count, and how many were left out for which reason; ``whole``: the file before unpivoting."""
    work = _Application(reading, file, year, whole)

    def here(name: str) -> bool:
        return reading.depends(work.rules[name]) is (whole is not None)

    reasons: list[str | None] = [None] * len(file.rows)
    for name, texts in reading.leave_out.items():
        if not here(name):
            continue
        words = {plain(text) for text in texts}
        for row, value in enumerate(work.column(name).values):
            if value is not None and plain(value).rstrip(":") in words:
                reasons[row] = reasons[row] or f"{name} is a word for a total"
    for name, texts in reading.keep.items():
        if not here(name):
            continue
        words = {plain(text) for text in texts}
        for row, value in enumerate(work.column(name).values):
            if value is None or plain(value) not in words:
                reasons[row] = reasons[row] or f"{name} is another"
    for name in filter(here, reading.need):
        column = work.column(name)
        if column.absent is None:
            for row, value in enumerate(column.values):
                if value is None and row not in column.unreadable:
                    reasons[row] = reasons[row] or f"{name} is missing"
    if not any(reasons):
        return file, {}
    kept = [row for row, reason in enumerate(reasons) if reason is None]
    left_out: dict[str, int] = {}
    for reason in reasons:
        if reason is not None:
            left_out[reason] = left_out.get(reason, 0) + 1
    rows, lines = [file.rows[row] for row in kept], [file.lines[row] for row in kept]
    origins = [file.origins[row] for row in kept] if file.origins is not None else None
    return SourceFile(file.path, file.header, rows, lines, origins), left_out


def _column_problems(work: _Application, name: str) -> list[Problem]:
    rule = work.rules[name]
    column = work.column(name)
    file = work.file
    place = Place(str(file.path), file.lines[0] if file.lines else 1, 1)
    if column.absent is not None:
        if rule.optional:
            return []
        looked = ", ".join(dict.fromkeys(column.absent))
        hint = (
            nearest(column_name(column.absent[0]), [column_name(head) for head in file.header]) if column.absent else ""
        )
        message = f"the file has no column for {name}; looked for: {looked[:300]}"
        return [
            Problem(Place(str(file.path), 1, 1), message, hint or "rename the column, or add its name to the reading")
        ]
    problems: list[Problem] = []
    if column.unreadable:
        shown = [
            f"line {file.lines[row]}: {text[:40]!r} {why}"
            for row, (text, why) in list(column.unreadable.items())[:SHOWN]
        ]
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
