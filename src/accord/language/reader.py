"""From a tree of the right shape to a draft: names, dates, numbers and formulas read, nothing resolved yet.

Every value is typed here by the vocabulary; what cannot be read is a problem with its place, and its name is *broken*:
the checker then says nothing more about it, so that no message merely follows from another.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from accord.language import calendar
from accord.language.contract import (
    Column,
    Entry,
    Example,
    Expectation,
    Key,
    Parameter,
    Party,
    PeriodItem,
    Scale,
    ScalePoints,
    Source,
    Status,
    Table,
    Term,
    Value,
)
from accord.language.formula import RESERVED, Formula, FormulaRefused, parse
from accord.language.place import Place
from accord.language.place import Source as TextSource
from accord.language.problem import Problem, nearest, shortened
from accord.language.rounding import ROUNDING_RULES, Rounding, RoundingRule, decimal_places
from accord.language.shape import conform
from accord.language.text import Entries, Items, Scalar, Tree
from accord.language.types import Type
from accord.language.unit import RATIO, UnknownUnit, WrittenUnit, base_name, read_unit
from accord.language.vocabulary import CONTRACT

FUNCTIONS = frozenset(
    {"abs", "least", "greatest", "coalesce", "sum", "min", "max", "count", "first", "last", "quantile", "allocate"}
    | {"prior", "trailing_avg", "days", "months", "first_day", "last_day", "days_between", "at", "rank"}
)
"""Every function of the formula language."""

ReadBeside = Callable[[str], bytes]
"""Gives the bytes of a file beside the contract; raises FileNotFoundError or PermissionError."""


@dataclass(frozen=True, slots=True)
class DraftVersion:
    """One formula as parsed, with the day from which it is in force (None: always)."""

    since: dt.date | None
    formula: Formula
    text: str


@dataclass(slots=True)
class DraftQuantity:
    """A quantity (or a check) before its formulas are resolved."""

    name: str
    place: Place
    each: tuple[str, ...]
    through: tuple[Scalar, ...]
    versions: list[DraftVersion]
    written: WrittenUnit | None = None
    rounding: Rounding | None = None
    relabels: WrittenUnit | None = None
    key: str | None = None
    clause: str = ""
    note: str = ""
    title: str = ""
    report: bool = False
    status: Status | None = None
    check_message: str | None = None
    """For a check: what is wrong where it does not hold."""


@dataclass(frozen=True, slots=True)
class DraftPayment:
    """A payment before its parties are resolved."""

    pay: Scalar
    payer: Scalar
    receiver: Scalar
    place: Place
    reverse: bool
    stream: str
    due: str
    through: Scalar | None
    note: str


@dataclass(frozen=True, slots=True)
class DraftNotice:
    """A notice before its party is resolved."""

    when: Scalar
    about: Scalar
    notice: str
    place: Place
    days: Scalar | None
    power: str
    through: Scalar | None


@dataclass(slots=True)
class Draft:
    """Everything a contract says, read but not resolved."""

    name: str = ""
    title: str = ""
    authority: str = ""
    currency: str = ""
    note: str = ""
    term: Term | None = None
    units: tuple[str, ...] = ()
    keys: dict[str, Key] = field(default_factory=dict[str, Key])
    tables: dict[str, Table] = field(default_factory=dict[str, Table])
    parameters: dict[str, Parameter] = field(default_factory=dict[str, Parameter])
    quantities: dict[str, DraftQuantity] = field(default_factory=dict[str, DraftQuantity])
    rows: dict[frozenset[str], tuple[Scalar, ...]] = field(default_factory=dict[frozenset[str], tuple[Scalar, ...]])
    """What ``rows:`` says for a set of keys."""
    key_order: dict[frozenset[str], tuple[str, ...]] = field(default_factory=dict[frozenset[str], tuple[str, ...]])
    checks: list[DraftQuantity] = field(default_factory=list[DraftQuantity])
    payments: list[DraftPayment] = field(default_factory=list[DraftPayment])
    notices: list[DraftNotice] = field(default_factory=list[DraftNotice])
    parties: dict[str, tuple[Party, Mapping[str, Scalar]]] = field(
        default_factory=dict[str, tuple[Party, Mapping[str, Scalar]]]
    )
    examples: list[Example] = field(default_factory=list[Example])
    broken: set[str] = field(default_factory=set[str])
    """Names whose definition has a problem already: nothing more is said about what uses them."""
    as_at_said: set[str] = field(default_factory=set[str])
    """Parameters that say ``as_at:`` themselves."""
    problems: list[Problem] = field(default_factory=list[Problem])
    files: dict[str, bytes] = field(default_factory=dict[str, bytes])
    """The files beside the contract that were read, by name."""


def read_draft(tree: Tree, beside: ReadBeside) -> Draft:
    """Read a contract's tree. The draft carries the problems found; it never raises for a contract's mistakes."""
    return _Reader(tree, beside).read()


def _scalars(tree: Tree | None) -> tuple[Scalar, ...]:
    match tree:
        case Scalar():
            return (tree,)
        case Items(items=items):
            return tuple(item for item in items if isinstance(item, Scalar))
        case _:
            return ()


def _entries(tree: Tree | None) -> Iterator[tuple[Scalar, Tree]]:
    return iter(tree) if isinstance(tree, Entries) else iter(())


def _record(tree: Tree) -> Entries:
    return tree if isinstance(tree, Entries) else Entries((), tree.place)


def _word(entries: Entries, name: str) -> str:
    tree = entries.get(name)
    return tree.value if isinstance(tree, Scalar) else ""


def _scalar(entries: Entries, name: str) -> Scalar | None:
    tree = entries.get(name)
    return tree if isinstance(tree, Scalar) else None


_NUMBER = re.compile(r"[+-]?\d+(?:_\d+)*(?:\.\d+)?")
_QUOTIENT = re.compile(r"([+-]?\d+)\s*/\s*(\d+)")
MAXIMUM_DIGITS = 60
"""Digits of a written number: far beyond any money, and far below what would make arithmetic slow."""


def read_number(text: str, *, fraction: bool = False) -> Fraction | None:
    """An exact decimal (1240.50, 500_000), or with ``fraction`` also 6/7; None if the text is neither."""
    text = text.strip()
    if len(text) > MAXIMUM_DIGITS:
        return None
    if _NUMBER.fullmatch(text):
        return Fraction(text.replace("_", ""))
    quotient = _QUOTIENT.fullmatch(text) if fraction else None
    if quotient is not None and int(quotient[2]) != 0:
        return Fraction(int(quotient[1]), int(quotient[2]))
    return None


class _Reader:
    def __init__(self, tree: Tree, beside: ReadBeside) -> None:
        self.tree = tree
        self.beside = beside
        self.draft = Draft()

    def problem(self, where: Scalar | Entries | Items | Place, message: str, fix: str = "") -> None:
        place = where if isinstance(where, Place) else where.place
        self.draft.problems.append(Problem(place, message, fix))

    # -- the whole --------------------------------------------------------------------------------------------------
    def read(self) -> Draft:
        draft = self.draft
        shape_problems = conform(self.tree, CONTRACT)
        draft.problems.extend(shape_problems)
        root = _record(self.tree)
        self.misshapen = {(problem.place.line, problem.place.column) for problem in shape_problems}
        draft.name, draft.title = _word(root, "contract"), _word(root, "title")
        draft.authority, draft.currency, draft.note = (_word(root, n) for n in ("authority", "currency", "note"))
        draft.units = tuple(base_name(unit.value) for unit in _scalars(root.get("units")))
        self.declared = frozenset(draft.units)
        if self._skeleton_is_wrong(root):
            return draft
        self._term(root)
        self._keys(root)
        for section, own in (("inputs", False), ("tables", True)):
            for name, spec in _entries(root.get(section)):
                self._table(name, spec, own)
        for name, spec in _entries(root.get("parameters")):
            self._parameter(name, _record(spec))
        groups = root.get("quantities")
        for group in groups.items if isinstance(groups, Items) else ():
            self._group(_record(group))
        checks = root.get("checks")
        for number, spec in enumerate(checks.items if isinstance(checks, Items) else (), 1):
            self._check(number, _record(spec))
        self._parties_payments_notices(root)
        examples = root.get("examples")
        for spec in examples.items if isinstance(examples, Items) else ():
            self._example(_record(spec))
        self._names()
        return draft

    def _skeleton_is_wrong(self, root: Entries) -> bool:
        """Whether a whole section is absent or of the wrong kind: the rest would only follow from it."""
        sections = [root.place, *(part.place for entry in root for part in entry)]
        return any((place.line, place.column) in self.misshapen for place in sections)

    def _has_a_slip(self, record: Entries) -> bool:
        """Whether an entry of this record is not of the vocabulary: what it lacks then merely follows."""
        return self._is_misshapen(record) or any(self._is_misshapen(key) for key, _ in record)

    def _is_misshapen(self, tree: Tree) -> bool:
        """Whether the shape already said something about this place."""
        return (tree.place.line, tree.place.column) in self.misshapen

    def _date(self, tree: Tree | None) -> dt.date | None:
        if not isinstance(tree, Scalar):
            return None
        try:
            return dt.date.fromisoformat(tree.value)
        except ValueError:
            return None  # the shape has said so

    def _term(self, root: Entries) -> None:
        tree = root.get("term")
        if not isinstance(tree, Entries):
            return
        first, last, history = (self._date(tree.get(name)) for name in ("from", "to", "history"))
        if first is None or last is None:
            return
        if last < first:
            self.problem(tree.get("to") or tree, f"the term ends on {last}, before it begins on {first}")
            return
        if history is not None and history > first:
            self.problem(tree.get("history") or tree, f"history begins on {history}, after the term begins on {first}")
            return
        if last.year - (history or first).year > 200:
            self.problem(tree.get("to") or tree, "a term of more than 200 years is surely a slip")
            return
        self.draft.term = Term(first, last, history)

    def _keys(self, root: Entries) -> None:
        draft = self.draft
        for name, spec in _entries(root.get("keys")):
            record = _record(spec)
            items: tuple[PeriodItem, ...] = ()
            every, starts = _scalar(record, "every"), record.get("starts")
            if draft.term is not None and every is not None and re.fullmatch(r"\d+ (?:months?|years?)", every.value):
                items = self._regular(name.value, every, draft.term)
            elif draft.term is not None and isinstance(starts, Items):
                items = self._listed(starts, draft.term)
            if (every is not None or starts is not None) and not items:
                draft.broken.add(name.value)
            within = _word(record, "in") or None
            draft.keys[name.value] = Key(name.value, name.place, items, within, _word(record, "title"))
        for name, spec in _entries(root.get("keys")):
            key = draft.keys[name.value]
            outer = draft.keys.get(key.within or "")
            where = _scalar(_record(spec), "in")
            if key.within is None or where is None or key.name in draft.broken or key.within in draft.broken:
                continue
            if outer is None or not outer.is_period or not key.is_period:
                self.problem(where, f"{key.within} is not a period of this contract", nearest(key.within, draft.keys))
                draft.broken.add(key.name)
                continue
            stray = [
                item
                for item in key.items
                if not any(year.first <= item.first and item.last <= year.last for year in outer.items)
            ]
            if stray:
                self.problem(where, f"the {key.name} that begins {stray[0].first} does not lie inside one {outer.name}")
                draft.broken.add(key.name)
            named = tuple(calendar.name_within(item, outer.items) for item in key.items)
            draft.keys[key.name] = Key(key.name, key.place, named, key.within, key.title)
        for key in draft.keys.values():
            seen = {key.name}
            outer_name = key.within
            while outer_name in draft.keys:
                if outer_name in seen:
                    self.problem(key.place, f"{key.name} lies in itself")
                    draft.broken |= seen
                    break
                seen.add(outer_name)
                outer_name = draft.keys[outer_name].within

    def _regular(self, name: str, every: Scalar, term: Term) -> tuple[PeriodItem, ...]:
        count, word = every.value.split()
        months = int(count) * (12 if word.startswith("year") else 1)
        if not 1 <= months <= 1200:
            self.problem(every, f"a period of {count} {word} is no length for a period")
            return ()
        if term.start.day > 28:
            self.problem(
                every,
                f"the term begins on day {term.start.day}, which not every month has",
                "begin the term on the first of a month, or list the first days: starts: [ … ]",
            )
            return ()
        items = calendar.regular_periods(term.start, term.last, months)
        if items[-1].last > term.last:
            self.problem(
                every,
                f"the last {name} would end on {items[-1].last}, after the term ends on {term.last}",
                "end the term with a whole period, or list the first days: starts: [ … ]",
            )
            return ()
        if term.first not in {item.first for item in items} and term.first != term.start:
            self.problem(
                every, f"no {name} begins on {term.first}, the first day of the term", "choose a history that fits"
            )
            return ()
        return items

    def _listed(self, starts: Items, term: Term) -> tuple[PeriodItem, ...]:
        days: list[dt.date] = []
        for scalar in _scalars(starts):
            day = self._date(scalar)
            if day is None:
                return ()
            if days and day <= days[-1]:
                self.problem(scalar, f"{day} does not come after {days[-1]}", "write the first days in order")
                return ()
            days.append(day)
        if not days or days[0] != term.start or days[-1] > term.last:
            self.problem(starts, f"the periods must begin on {term.start} and lie inside the term")
            return ()
        return calendar.listed_periods(days, term.last)

    # -- tables -----------------------------------------------------------------------------------------------------
    def unit(self, scalar: Scalar | None) -> WrittenUnit | None:
        """The unit written there; None (and a problem) if it is none."""
        if scalar is None:
            return None
        try:
            return read_unit(scalar.value, self.declared)
        except UnknownUnit as error:
            hint = nearest(error.word, {*self.declared, "people", "days", "months", "percent", "ratio", "flag", "text"})
            fix = hint or f"declare it: units: [{base_name(error.word)}]"
            self.problem(scalar, f"the unit {error.word} is not known", fix)
            return None

    def _column(self, table: str, optional_table: bool, name: Scalar, spec: Tree) -> Column | None:
        if isinstance(spec, Scalar):
            if spec.value in ("flag", "text", "date"):
                kind = {"flag": "flag", "text": "text", "date": "date"}[spec.value]
                record = Entries((), spec.place)
            else:
                kind, record = "number", Entries(((Scalar("unit", *_at(spec)), spec),), spec.place)
        else:
            record = _record(spec)
            kind = _word(record, "type") or "number"
        if self._has_a_slip(record):
            return None
        optional = _word(record, "optional") == "true"
        missing = optional or optional_table
        said = [word for word in ("unit", "type", "key", "one_of") if record.get(word) is not None]
        if len(said) > 1:
            self.problem(record, f"{name.value} says both {said[0]} and {said[1]}", "keep one of them")
            return None
        note = _word(record, "note")
        key = _scalar(record, "key")
        if key is not None:
            return Column(name.value, table, Type("key", None, missing=missing, key=key.value), name.place, note=note)
        options = record.get("one_of")
        if options is not None:
            values = tuple(option.value for option in _scalars(options))
            return Column(name.value, table, Type("text", None, missing=missing, options=values), name.place, note=note)
        if kind != "number":
            typed = {"flag": Type("flag", None), "text": Type("text", None), "date": Type("date", None)}.get(kind)
            if typed is None:
                return None
            return Column(name.value, table, typed.or_missing(missing), name.place, note=note)
        if not said:
            self.problem(
                record if record.entries else name, f"column {name.value} does not say what it holds", "unit: people"
            )
            return None
        written = self.unit(_scalar(record, "unit"))
        if written is None:
            return None
        least = read_number(_word(record, "min")) if record.get("min") is not None else None
        if least is not None and written.percent:
            least /= 100
        compare = _word(record, "compare") or "all"
        places = _word(record, "places")
        typed = Type(
            "number",
            written.unit,
            missing=missing,
            positive=least is not None and least > 0,
            comparable=compare,
        )
        return Column(
            name.value, table, typed, name.place, written, least, int(places) if places else None, compare, note
        )

    def _table(self, name: Scalar, spec: Tree, own: bool) -> None:
        draft, record = self.draft, _record(spec)
        optional = _word(record, "optional") == "true"
        if self._has_a_slip(record):
            draft.broken.add(name.value)
        keys: list[str] = []
        for key in _scalars(record.get("keys")):
            if key.value not in draft.keys:
                hint = nearest(key.value, draft.keys) or f"declare it: keys: {{{key.value}: {{}}}}"
                self.problem(key, f"{key.value} is not a key of this contract", hint)
                draft.broken.add(name.value)
            elif key.value in keys:
                self.problem(key, f"{key.value} is named twice")
            else:
                keys.append(key.value)
        columns: list[Column] = []
        for column_name, column_spec in _entries(record.get("columns")):
            column = self._column(name.value, optional, column_name, column_spec)
            if column is None:
                draft.broken.add(column_name.value)
                continue
            held = column.type.key
            if held is not None and held not in draft.keys:
                hint = nearest(held, draft.keys) or f"declare it: keys: {{{held}: {{}}}}"
                where = _scalar(_record(column_spec), "key") or column_name
                self.problem(where, f"{held} is not a key of this contract", hint)
                draft.broken.add(column_name.value)
            if column_name.value in keys:
                self.problem(column_name, f"{column_name.value} is both a key and a column of {name.value}")
            columns.append(column)
        if name.value in draft.tables:
            self.problem(name, f"{name.value} is both an input and a table", "rename one")
        slipped = self._has_a_slip(record)
        source = self._source(record, name, f"table {name.value}") if own and not slipped else None
        table = Table(
            name.value,
            tuple(keys),
            tuple(columns),
            optional,
            own,
            name.place,
            source=source,
            measure=_word(record, "measure") or None,
            note=_word(record, "note"),
        )
        if own and name.value not in draft.broken:
            rows = self._rows(name, record, table)
            table = _with_rows(table, rows)
        draft.tables[name.value] = table

    def _source(self, record: Entries, name: Scalar, what: str, default: Source | None = None) -> Source | None:
        authority = _word(record, "authority")
        if not authority and default is None:
            self.problem(
                name,
                f"{what} does not say where it comes from",
                "authority: the clause, statute or letter; status: unverified where nobody has confirmed it",
            )
            return None
        return Source(
            authority or (default.authority if default else ""),
            _status(_word(record, "status")) or (default.status if default else "unverified"),
            _word(record, "note") or (default.note if default else ""),
            self._date(record.get("review_by")) or (default.review_by if default else None),
        )

    def _rows(self, name: Scalar, record: Entries, table: Table) -> tuple[tuple[Value | None, ...], ...]:
        given, file = record.get("rows"), _scalar(record, "file")
        if (given is None) == (file is None):
            self.problem(
                name,
                f"table {name.value} has {'both rows and a file' if file else 'neither rows nor a file'}",
                "rows: [ … ] or file: name.csv; data from outside the contract is an input",
            )
            return ()
        header = [*table.keys, *(column.name for column in table.columns)]
        rows: list[tuple[Value | None, ...]] = []
        seen: dict[tuple[Value | None, ...], Place] = {}
        raw = self._written_rows(given, header, name) if given is not None else self._file_rows(file, header)
        for place, cells in raw:
            row = tuple(self._cell(table, column, *cell) for column, cell in zip(header, cells, strict=True))
            if name.value in self.draft.broken:
                continue
            key = row[: len(table.keys)]
            if key in seen:
                self.problem(
                    place,
                    f"a second row of {name.value} for {', '.join(map(str, key)) or 'the whole'}; "
                    f"the first is on line {seen[key].line}",
                    "remove one",
                )
                continue
            seen[key] = place
            rows.append(row)
        return tuple(rows)

    def _written_rows(
        self, given: Tree, header: list[str], name: Scalar
    ) -> Iterator[tuple[Place, list[tuple[str, Place]]]]:
        for row in given.items if isinstance(given, Items) else ():
            if isinstance(row, Items):
                cells = [(cell.value, cell.place) for cell in row.items if isinstance(cell, Scalar)]
                if len(cells) != len(header):
                    self.problem(
                        row,
                        f"this row has {len(cells)} values; {name.value} has {len(header)}: {', '.join(header)}",
                        "a comma inside a value needs quotes; an absent value is written ''",
                    )
                    self.draft.broken.add(name.value)
                    continue
                yield row.place, cells
            elif isinstance(row, Entries):
                for key, _ in row:
                    if key.value not in header:
                        hint = nearest(key.value, header)
                        self.problem(key, f"{key.value} is not a key or column of {name.value}", hint)
                        self.draft.broken.add(name.value)
                found = {key.value: value for key, value in row}
                cells = [
                    (value.value, value.place) if isinstance(value := found.get(column), Scalar) else ("", row.place)
                    for column in header
                ]
                yield row.place, cells

    def _file_rows(self, file: Scalar | None, header: list[str]) -> Iterator[tuple[Place, list[tuple[str, Place]]]]:
        if file is None or self._is_misshapen(file):
            return
        try:
            content = self.beside(file.value)
        except FileNotFoundError:
            self.problem(
                file, f"there is no file {file.value} beside the contract", "put it there, or correct the name"
            )
            return
        except (PermissionError, OSError):
            self.problem(file, f"{file.value} cannot be read: it must be a plain file in the contract's own folder")
            return
        self.draft.files[file.value] = content
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.problem(Place(file.value, 1, 1), "this is not UTF-8 text", "save the file as UTF-8")
            return
        records = list(csv.reader(io.StringIO(text)))
        names = [cell.strip() for cell in records[0]] if records else []
        if sorted(names) != sorted(header):
            lacking = [column for column in header if column not in names]
            extra = [column for column in names if column not in header]
            said = [f"lacks {', '.join(lacking)}"] * bool(lacking) + [f"has {', '.join(extra)} besides"] * bool(extra)
            self.problem(
                Place(file.value, 1, 1),
                f"the header {' and '.join(said) or 'names a column twice'}",
                f"the columns are: {','.join(header)}",
            )
            return
        order = [names.index(column) for column in header]
        for line, cells in enumerate(records[1:], 2):
            if not any(cell.strip() for cell in cells):
                continue
            place = Place(file.value, line, 1)
            if len(cells) != len(names):
                self.problem(place, f"this row has {len(cells)} values; the header has {len(names)}")
                continue
            yield place, [(cells[index].strip(), place) for index in order]

    def _cell(self, table: Table, name: str, text: str, place: Place) -> Value | None:
        if name in table.keys:
            return self._key_value(self.draft.keys[name], text, place)
        column = table.column(name)
        if text == "":
            if not column.type.missing:
                self.problem(
                    place, f"{table.name}.{name} is missing in this row", "supply it, or mark it optional: true"
                )
            return None
        value = self._typed(column.type, column.written, text)
        if value is None:
            wanted = f"one of {', '.join(column.type.options)}" if column.type.options else _wanted(column.type)
            self.problem(place, f"{shortened(text)} is not {wanted}, which {table.name}.{name} holds")
            return None
        if column.type.kind == "key" and column.type.key in self.draft.keys:
            return self._key_value(self.draft.keys[column.type.key], text, place)
        if isinstance(value, Fraction) and column.minimum is not None and value < column.minimum:
            self.problem(place, f"{shortened(text)} is below the smallest value that {table.name}.{name} may have")
        return value

    def _key_value(self, key: Key, text: str, place: Place) -> str:
        if text == "":
            self.problem(place, f"the key {key.name} is missing in this row")
        elif key.is_period and not any(item.label == text for item in key.items):
            named = next((item.label for item in key.items if item.name == text), None)
            if named is not None:
                return named
            self.problem(
                place,
                f"{shortened(text)} is not a {key.name} of the term",
                f"a period is named by its first day: {', '.join(item.label for item in key.items[:3])} …",
            )
        return text

    def _typed(self, kind: Type, written: WrittenUnit | None, text: str, *, fraction: bool = False) -> Value | None:
        """A text as a value of a type; None if it is not one."""
        match kind.kind:
            case "number":
                number = read_number(text, fraction=fraction)
                return None if number is None else number / 100 if written is not None and written.percent else number
            case "flag":
                return {"true": True, "false": False}.get(text)
            case "date":
                try:
                    return dt.date.fromisoformat(text)
                except ValueError:
                    return None
            case "text":
                return text if kind.options is None or text in kind.options else None
            case "key":
                return text

    # -- parameters -------------------------------------------------------------------------------------------------
    def _parameter(self, name: Scalar, record: Entries) -> None:
        draft = self.draft
        before = len(draft.problems)
        if self._has_a_slip(record):
            draft.broken.add(name.value)
            return
        if record.get("as_at") is not None:
            draft.as_at_said.add(name.value)
        kind = {"flag": "flag", "text": "text", "date": "date"}.get(_word(record, "type"), "number")
        scale_kind = _word(record, "scale")
        written: WrittenUnit | None = None
        if kind == "number":
            unit = _scalar(record, "unit")
            if unit is None:
                self.problem(
                    name, f"parameter {name.value} has no unit", "unit: GBP, percent, people, ratio … or type: flag"
                )
                draft.broken.add(name.value)
                return
            written = self.unit(unit)
        scale = self._scale(name, record, scale_kind, written)
        points = record.get("points") is not None or record.get("bands") is not None
        if scale is None and points:
            draft.broken.add(name.value)  # the scale itself has its problem already
            return
        start = draft.term.start if draft.term else None
        dated = record.get("dated")
        bodies = [word for word in ("value", "values", "points", "bands", "dated") if record.get(word) is not None]
        if len(bodies) != 1 and not self._is_misshapen(record):
            said = f"says both {bodies[0]} and {bodies[1]}" if bodies else "has no value"
            fix = (
                "keep one of them" if bodies else "value: …, values: {…} with by:, dated: [ … ], or points: for a scale"
            )
            self.problem(name, f"parameter {name.value} {said}", fix)
        default = None
        if _word(record, "authority") or not isinstance(dated, Items):
            default = self._source(record, name, f"parameter {name.value}")
        else:
            default = None
        entries: list[Entry] = []
        by = tuple(scalar.value for scalar in _scalars(record.get("by")))
        typed = {"flag": Type("flag", None), "text": Type("text", None), "date": Type("date", None)}.get(kind)
        typed = typed or Type("number", written.unit if written else RATIO)
        for spec in dated.items if isinstance(dated, Items) else ():
            entry = _record(spec)
            if self._has_a_slip(entry):
                draft.broken.add(name.value)
                continue
            since = self._date(entry.get("from"))
            anchor = entry.key("from") or name
            source = self._source(entry, anchor, f"this entry of {name.value}", default)
            values = self._values(name, entry, typed, written, scale, by)
            until = self._date(entry.get("until"))
            if since is not None and until is not None and until < since:
                self.problem(entry.get("until") or entry, f"{until} is before the entry begins on {since}")
            if since is not None and source is not None and values is not None:
                entries.append(Entry(since, values, source, entry.place, self._date(entry.get("known_from")), until))
        if dated is None and start is not None:
            values = self._values(name, record, typed, written, scale, by)
            until = self._date(record.get("until"))
            if values is not None and default is not None:
                entries.append(Entry(start, values, default, name.place, None, until))
        ordered = sorted(entries, key=lambda entry: (entry.since, entry.known_from or dt.date.min))
        for earlier, later in pairwise(ordered):
            if (earlier.since, earlier.known_from) == (later.since, later.known_from):
                self.problem(
                    later.place,
                    f"{name.value} has two entries from {later.since}",
                    "say known_from: on the one that was learnt later, or remove one",
                )
        flat = [value for entry in ordered for value in entry.values.values()]
        numbers = [value for value in flat if isinstance(value, Fraction)]
        points = [y for value in flat if isinstance(value, ScalePoints) for _, y in value.points]
        exact = all(decimal_places(value) is not None for value in [*numbers, *points])
        if typed.kind == "number":
            positive = bool(numbers or points) and all(value > 0 for value in [*numbers, *points])
            unit_of_result = typed.unit
            if scale is not None and scale.kind == "marginal" and unit_of_result is not None:
                unit_of_result, positive = unit_of_result.times(scale.of.unit), False
            if scale is not None and scale.kind == "linear":
                exact = False
            typed = Type("number", unit_of_result, exact=exact, positive=positive)
        if typed.kind == "text":
            typed = Type("text", None, options=tuple(dict.fromkeys(str(value) for value in flat)))
        draft.parameters[name.value] = Parameter(
            name.value,
            typed,
            tuple(ordered),
            name.place,
            by,
            written,
            _word(record, "as_at") or "start",
            _word(record, "carry") == "last",
            scale,
            _word(record, "note"),
        )
        if len(draft.problems) > before or not ordered:
            draft.broken.add(name.value)

    def _scale(self, name: Scalar, record: Entries, kind: str, written: WrittenUnit | None) -> Scale | None:
        of = _scalar(record, "of")
        if kind not in ("step", "linear", "marginal"):
            stray = next((w for w in ("points", "bands", "of", "below", "above") if record.get(w) is not None), None)
            if stray is not None and not kind:
                self.problem(
                    record.key(stray) or name,
                    f"{name.value} has {stray}, but does not say what scale it is",
                    "scale: step, linear or marginal",
                )
            return None
        if of is None:
            self.problem(name, f"scale {name.value} does not say what it is a scale of", "of: people")
            return None
        argument = self.unit(of)
        if argument is None or written is None:
            return None
        wanted = "bands" if kind == "marginal" else "points"
        other = "points" if kind == "marginal" else "bands"
        if record.get(other) is not None:
            self.problem(record.key(other) or name, f"a {kind} scale has {wanted}, not {other}", f"{wanted}: [[ … ]]")
            return None
        return Scale(
            {"step": "step", "linear": "linear", "marginal": "marginal"}[kind],  # pyright: ignore
            argument,
            _word(record, "below") == "hold",
            _word(record, "above") == "hold",
        )

    def _values(
        self,
        name: Scalar,
        record: Entries,
        typed: Type,
        written: WrittenUnit | None,
        scale: Scale | None,
        by: tuple[str, ...],
    ) -> Mapping[tuple[str, ...], Value | ScalePoints] | None:
        """The values of one entry by members; None (and a problem) if they cannot be read."""
        body = next((record.get(w) for w in ("value", "values", "points", "bands") if record.get(w) is not None), None)
        if body is None:
            if not self._is_misshapen(record) and record.get("from") is not None:
                self.problem(
                    record, f"this entry of {name.value} has no value", "value: …, values: {…}, points: or bands:"
                )
            return None
        found: dict[tuple[str, ...], Value | ScalePoints] = {}
        good = True

        def leaf(members: tuple[str, ...], tree: Tree) -> None:
            nonlocal good
            if len(members) != len(by):
                expected = f"one value for each {' and '.join(by)}: {{…}}" if by else "one value, not values by member"
                self.problem(tree, f"{name.value} needs {expected}", "" if by else "say by: … to choose among values")
                good = False
                return
            if scale is not None:
                points = self._points(name, tree, scale, written)
                if points is None:
                    good = False
                else:
                    found[members] = points
                return
            if not isinstance(tree, Scalar):
                self.problem(tree, f"{name.value} needs a single value here")
                good = False
                return
            value = self._typed(typed, written, tree.value, fraction=True)
            if value is None:
                hint = "write percent values without %" if "%" in tree.value else ""
                self.problem(tree, f"{shortened(tree.value)} is not {_wanted(typed)}, which {name.value} is", hint)
                good = False
                return
            found[members] = value

        def descend(members: tuple[str, ...], tree: Tree) -> None:
            if isinstance(tree, Entries):
                if len(members) >= len(by):
                    leaf((*members, "?"), tree)
                    return
                for key, inner in tree:
                    descend((*members, key.value), inner)
            else:
                leaf(members, tree)

        descend((), body)
        return found if good else None

    def _points(self, name: Scalar, tree: Tree, scale: Scale, written: WrittenUnit | None) -> ScalePoints | None:
        pairs: list[tuple[Fraction | None, Fraction]] = []
        across = Fraction(1, 100) if scale.of.percent else Fraction(1)
        up = Fraction(1, 100) if written is not None and written.percent else Fraction(1)
        rows = tree.items if isinstance(tree, Items) else ()
        for position, row in enumerate(rows):
            cells = _scalars(row)
            if len(cells) != 2:
                self.problem(row, f"a point of {name.value} is a pair [x, y]")
                return None
            last = position == len(rows) - 1
            x: Fraction | None = None
            if scale.kind == "marginal" and cells[0].value == "above":
                if not last:
                    self.problem(cells[0], "only the last band may be above")
                    return None
            else:
                number = read_number(cells[0].value)
                if number is None:
                    self.problem(cells[0], f"{shortened(cells[0].value)} is not a number")
                    return None
                x = number * across
                if pairs and pairs[-1][0] is not None and x <= pairs[-1][0]:
                    self.problem(
                        cells[0],
                        f"{cells[0].value} does not come after the point before it",
                        "write the points of a scale in rising order",
                    )
                    return None
            y = read_number(cells[1].value)
            if y is None:
                self.problem(cells[1], f"{shortened(cells[1].value)} is not a number")
                return None
            pairs.append((x, y * up))
        least = 2 if scale.kind == "linear" else 1
        if len(pairs) < least:
            self.problem(tree, f"{name.value} needs at least {least} point{'s' if least > 1 else ''}")
            return None
        if scale.kind == "marginal" and pairs[0][0] is not None and pairs[0][0] <= 0:
            self.problem(tree, f"the first band of {name.value} must reach above 0")
            return None
        return ScalePoints(tuple(pairs))

    # -- quantities -------------------------------------------------------------------------------------------------
    def formula(self, scalar: Scalar) -> Formula | None:
        """The formula written there; None (and a problem) if it does not parse."""
        text, offsets = scalar.spelled()
        source = scalar.source
        try:
            return parse(text, lambda at: source.place(offsets[min(at, len(offsets) - 1)]))
        except FormulaRefused as error:
            self.draft.problems.append(error.problem)
            return None

    def _known_keys(self, tree: Tree | None) -> tuple[str, ...] | None:
        keys: list[str] = []
        for scalar in _scalars(tree):
            if scalar.value not in self.draft.keys:
                hint = nearest(scalar.value, self.draft.keys) or f"declare it: keys: {{{scalar.value}: {{}}}}"
                self.problem(scalar, f"{scalar.value} is not a key of this contract", hint)
                return None
            if scalar.value in keys:
                self.problem(scalar, f"{scalar.value} is named twice")
                return None
            keys.append(scalar.value)
        return tuple(keys)

    def _said_rows(self, each: tuple[str, ...], tree: Tree | None) -> None:
        if tree is None:
            return
        draft = self.draft
        scalars = _scalars(tree)
        for scalar in scalars:
            key = draft.keys.get(scalar.value)
            if scalar.value in draft.broken:
                return
            if scalar.value not in draft.tables and not (key is not None and key.is_period):
                periods = [name for name, key in draft.keys.items() if key.is_period]
                hint = nearest(scalar.value, [*draft.tables, *periods])
                self.problem(scalar, f"rows: {scalar.value} is neither an input, a table nor a period", hint)
                return
        before = draft.rows.setdefault(frozenset(each), scalars)
        if [scalar.value for scalar in before] != [scalar.value for scalar in scalars]:
            self.problem(
                scalars[0],
                f"the rows of [{', '.join(each)}] were already said on line {before[0].place.line}, differently",
                "one set of keys has one set of rows in a contract",
            )

    def _group(self, group: Entries) -> None:
        draft = self.draft
        said = group.get("each")
        each = None if said is not None and self._is_misshapen(said) else self._known_keys(said)
        names = [(key, spec) for key, spec in group if key.value not in ("each", "rows", "through", "title")]
        if each is None or self._is_misshapen(group):
            draft.broken |= {key.value for key, _ in names}
            return
        draft.key_order.setdefault(frozenset(each), each)
        self._said_rows(each, group.get("rows"))
        through = _scalars(group.get("through"))
        for name, spec in names:
            if name.value in draft.quantities:
                self.problem(
                    name,
                    f"{name.value} is defined twice; it was first defined on line "
                    f"{draft.quantities[name.value].place.line}",
                    "rename one",
                )
                continue
            quantity = self._quantity(name, spec, each, through, _word(group, "title"))
            if quantity is None:
                draft.broken.add(name.value)
            else:
                draft.quantities[name.value] = quantity

    def _quantity(
        self, name: Scalar, spec: Tree, each: tuple[str, ...], through: tuple[Scalar, ...], title: str
    ) -> DraftQuantity | None:
        versions: list[DraftVersion] = []
        if isinstance(spec, Scalar):
            record = Entries((), spec.place)
            written: list[tuple[dt.date | None, Scalar]] = [(None, spec)]
        else:
            record = _record(spec)
            if self._has_a_slip(record):
                return None
            single, dated = _scalar(record, "is"), record.get("dated")
            if (single is None) == (dated is None):
                if not self._is_misshapen(record):
                    said = "both is and dated" if single is not None else "no formula"
                    self.problem(name, f"{name.value} has {said}", "is: … or dated: [{from: …, is: …}]")
                return None
            written = [(None, single)] if single is not None else self._dated_formulas(name, dated)
        good = bool(written)
        for since, scalar in written:
            if self._is_misshapen(scalar):
                good = False
                continue
            formula = self.formula(scalar)
            if formula is None:
                good = False
            else:
                versions.append(DraftVersion(since, formula, " ".join(scalar.spelled()[0].split())))
        before = len(self.draft.problems)
        unit = self.unit(_scalar(record, "unit"))
        relabels = self.unit(_scalar(record, "relabels"))
        rounding = self._rounding(_scalar(record, "round"))
        held = _scalar(record, "key")
        if held is not None and held.value not in self.draft.keys:
            self.problem(held, f"{held.value} is not a key of this contract", nearest(held.value, self.draft.keys))
        if relabels is not None and unit is None:
            self.problem(name, f"{name.value} relabels a unit but does not say its own", "unit: …")
        if not good or len(self.draft.problems) > before:
            return None
        return DraftQuantity(
            name.value,
            name.place,
            each,
            through,
            versions,
            unit,
            rounding,
            relabels,
            held.value if held is not None else None,
            _word(record, "clause"),
            _word(record, "note"),
            title,
            _word(record, "report") == "true",
            _status(_word(record, "status")),
        )

    def _dated_formulas(self, name: Scalar, dated: Tree | None) -> list[tuple[dt.date | None, Scalar]]:
        found: list[tuple[dt.date | None, Scalar]] = []
        previous: dt.date | None = None
        for spec in dated.items if isinstance(dated, Items) else ():
            record = _record(spec)
            since, formula = self._date(record.get("from")), _scalar(record, "is")
            if since is None or formula is None:
                return []
            if previous is not None and since <= previous:
                self.problem(record, f"{since} does not come after {previous}", "write dated formulas in order of time")
                return []
            previous = since
            found.append((since, formula))
        if found and self.draft.term is not None and found[0][0] is not None and found[0][0] > self.draft.term.start:
            self.problem(
                name,
                f"{name.value} has no formula before {found[0][0]}, and the periods begin on {self.draft.term.start}",
                f"begin with from: {self.draft.term.start}",
            )
            return []
        return found

    def _rounding(self, scalar: Scalar | None) -> Rounding | None:
        if scalar is None:
            return None
        words = scalar.value.split()
        rule = words[-1]
        if rule not in ROUNDING_RULES:
            hint = nearest(rule, ROUNDING_RULES) or "0.01 GBP half_up"
            self.problem(scalar, f"{rule} is not a rounding rule: {', '.join(ROUNDING_RULES)}", hint)
            return None
        if len(words) < 2:
            self.problem(scalar, "a rounding has a step, a unit and a rule", "round: 0.01 GBP half_up")
            return None
        step = read_number(words[0])
        if step is None or step <= 0:
            self.problem(scalar, f"{shortened(words[0])} is not a step to round to", "round: 0.01 GBP half_up")
            return None
        unit_text = " ".join(words[1:-1]) or "ratio"
        try:
            written = read_unit(unit_text, self.declared)
        except UnknownUnit as error:
            self.problem(scalar, f"the unit {error.word} is not known", f"declare it: units: [{base_name(error.word)}]")
            return None
        named: RoundingRule = rule  # pyright: ignore[reportAssignmentType]
        return Rounding(step / 100 if written.percent else step, named, written.unit)

    def _check(self, number: int, record: Entries) -> None:
        each = self._known_keys(record.get("each"))
        that = _scalar(record, "that")
        if each is None or that is None or self._has_a_slip(record):
            return
        self.draft.key_order.setdefault(frozenset(each), each)
        self._said_rows(each, record.get("rows"))
        formula = self.formula(that)
        if formula is None:
            return
        self.draft.checks.append(
            DraftQuantity(
                f"check {number}",
                that.place,
                each,
                _scalars(record.get("through")),
                [DraftVersion(None, formula, " ".join(that.spelled()[0].split()))],
                check_message=_word(record, "else"),
            )
        )

    # -- money and people -------------------------------------------------------------------------------------------
    def _parties_payments_notices(self, root: Entries) -> None:
        draft = self.draft
        for name, spec in _entries(root.get("parties")):
            record = _record(spec)
            each, title = _scalar(record, "each"), _word(record, "name")
            if (each is None) == (title == ""):
                said = "both name and each" if each is not None else "neither name nor each"
                self.problem(name, f"party {name.value} has {said}", "name: of the one body, or each: key")
                draft.broken.add(name.value)
            words = {word: scalar for word in ("each", "paid_to") if (scalar := _scalar(record, word)) is not None}
            party = Party(
                name.value,
                name.place,
                title,
                each.value if each is not None else None,
                _word(record, "paid_to") or None,
            )
            draft.parties[name.value] = (party, words)
        payments = root.get("payments")
        for spec in payments.items if isinstance(payments, Items) else ():
            record = _record(spec)
            pay, payer, receiver = (_scalar(record, word) for word in ("pay", "from", "to"))
            if pay is None or payer is None or receiver is None:
                continue
            draft.payments.append(
                DraftPayment(
                    pay,
                    payer,
                    receiver,
                    record.place,
                    _word(record, "negative") == "reverse",
                    _word(record, "stream"),
                    _word(record, "due"),
                    _scalar(record, "through"),
                    _word(record, "note"),
                )
            )
        notices = root.get("notices")
        for spec in notices.items if isinstance(notices, Items) else ():
            record = _record(spec)
            when, about = _scalar(record, "when"), _scalar(record, "about")
            if when is None or about is None:
                continue
            draft.notices.append(
                DraftNotice(
                    when,
                    about,
                    _word(record, "notice"),
                    record.place,
                    _scalar(record, "days"),
                    _word(record, "power") or "policy",
                    _scalar(record, "through"),
                )
            )

    def _example(self, record: Entries) -> None:
        draft = self.draft
        given: dict[str, tuple[Mapping[str, str], ...]] = {}
        for name, rows in _entries(record.get("given")):
            table = draft.tables.get(name.value)
            if table is None or table.own:
                inputs = [known for known, each in draft.tables.items() if not each.own]
                self.problem(name, f"{name.value} is not an input of this contract", nearest(name.value, inputs))
                continue
            known = {*table.keys, *(column.name for column in table.columns)}
            written: list[Mapping[str, str]] = []
            for row in rows.items if isinstance(rows, Items) else ():
                for key, _ in _entries(row):
                    if key.value not in known and key.value not in draft.broken:
                        hint = nearest(key.value, known)
                        self.problem(key, f"{key.value} is not a key or column of {name.value}", hint)
                written.append({key.value: cell.value for key, cell in _entries(row) if isinstance(cell, Scalar)})
            given[name.value] = tuple(written)
        expect: list[Expectation] = []
        for _, rows in _entries(record.get("expect")):
            for row in rows.items if isinstance(rows, Items) else ():
                expect.extend(self._expectations(_record(row)))
        draft.examples.append(
            Example(_word(record, "title"), record.place, _word(record, "source"), given, tuple(expect))
        )

    def _expectations(self, row: Entries) -> Iterator[Expectation]:
        draft = self.draft
        cells = {key.value: cell for key, cell in row if isinstance(cell, Scalar)}
        keys = {name: cell.value for name, cell in cells.items() if name in draft.keys}
        for key, cell in row:
            if key.value in draft.keys or not isinstance(cell, Scalar) or key.value in draft.broken:
                continue
            quantity = draft.quantities.get(key.value)
            if quantity is None:
                self.problem(key, f"{key.value} is neither a key nor a quantity", nearest(key.value, draft.quantities))
                continue
            lacking = [name for name in quantity.each if name not in keys]
            if lacking:
                self.problem(key, f"{key.value} is one for each [{', '.join(quantity.each)}]; say which {lacking[0]}")
                continue
            yield Expectation(key.value, {name: keys[name] for name in quantity.each}, cell.value, cell.place)

    # -- one name, one meaning --------------------------------------------------------------------------------------
    def _names(self) -> None:
        draft = self.draft
        columns: dict[str, Place] = {}
        for table in draft.tables.values():
            for column in table.columns:
                columns.setdefault(column.name, column.place)
        taken: dict[str, str] = {name: "a key" for name in draft.keys}
        for name in columns:
            taken.setdefault(name, "a column")
        sections: tuple[tuple[str, Mapping[str, Parameter | DraftQuantity]], ...] = (
            ("a parameter", draft.parameters),
            ("a quantity", draft.quantities),
        )
        for what, named in sections:
            for name, thing in named.items():
                if name in taken:
                    self.problem(
                        thing.place,
                        f"{name} names both {taken[name]} and {what}",
                        "every name in a contract means one thing: rename one",
                    )
                    draft.broken.add(name)
                taken[name] = what
        everything: list[tuple[str, Place]] = [(key.name, key.place) for key in draft.keys.values()]
        everything += columns.items()
        everything += [(name, parameter.place) for name, parameter in draft.parameters.items()]
        everything += [(name, quantity.place) for name, quantity in draft.quantities.items()]
        for name, place in everything:
            if name in FUNCTIONS:
                self.problem(place, f"{name} is a function of the language", "choose another name")
                draft.broken.add(name)
            elif name in RESERVED:
                self.problem(place, f"{name} is a word of the formula language", "choose another name")
                draft.broken.add(name)
            elif name == "world":
                self.problem(place, "world is the hidden key of simulated worlds", "choose another name")
                draft.broken.add(name)


_STATUSES: dict[str, Status] = {
    "verified": "verified",
    "unverified": "unverified",
    "derived": "derived",
    "indicative": "indicative",
    "assumed": "assumed",
}


def _status(word: str) -> Status | None:
    return _STATUSES.get(word)


def _wanted(kind: Type) -> str:
    return {
        "number": "a number",
        "flag": "true or false",
        "date": "a date (year-month-day)",
        "text": "a text",
        "key": f"a {kind.key}",
    }[kind.kind]


def _at(scalar: Scalar) -> tuple[Place, TextSource, int, int]:
    return scalar.place, scalar.source, scalar.start, scalar.end


def _with_rows(table: Table, rows: tuple[tuple[Value | None, ...], ...]) -> Table:
    return Table(
        table.name,
        table.keys,
        table.columns,
        table.optional,
        table.own,
        table.place,
        rows,
        table.source,
        table.measure,
        table.note,
    )
