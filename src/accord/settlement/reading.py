"""Readings: how an official or local file becomes the inputs of a contract.

A reading is a YAML file in ``readings/`` of a contract's folder: data with its own hash, never code. It names the
columns it wants (the first of several spellings that the file has), parses what stands there, maps values, joins, and
fills one or more inputs. What real files do from year to year is its business alone: percent signs or none, fractions
or percent, dashes and blanks, thousands separators, other encodings, one flag column a track or one track column. The
contract knows none of it.

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

Out come tables of text, typed afterwards by the contract (:func:`accord.engine.read_inputs`): nothing here is a float.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import ContractRefused, Problem, nearest
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
from accord.settlement.cell import column_name, plain

if TYPE_CHECKING:
    pass

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
        Field(
            "from", _TEXTS, "The column of the file: the first of these names that it has; * stands for any characters."
        ),
        Field(
            "either", ListOf("a list of columns", Later("a column", _column)), "The first of these that the file has."
        ),
        Field("flags", MapOf("flag columns by value", _TEXT, _TEXTS), "The value whose flag column is set."),
        Field("join", _NAMES, "Columns of this reading put together; what is missing is left out."),
        Field("with", _TEXT, "What stands between joined columns."),
        Field("constant", _TEXT, "The same text in every row; {year} and {next_year} are filled in."),
        Field("step_of", NAME, "The step to which a number column of this reading is written (its most decimals)."),
        Field("as", Choice(FORMATS), "How the text is read."),
        Field("values", MapOf("texts of the file by value", _TEXT, _TEXTS), "What the file's texts stand for."),
        Field(
            "fractions_up_to", NUMBER, "Percent: if no value is larger, the column is written as fractions (default 1)."
        ),
        Field("date_order", Choice(("month_first", "day_first")), "How dates such as 7/1/2019 are written."),
        Field("decimal", Choice(("point", "comma")), "How decimals are written."),
        Field("sign", Choice(("keep", "drop", "turn")), "drop: the size only; turn: the opposite sign."),
        Field("times", NUMBER, "The number is multiplied by this."),
        Field("only", ListOf("a list of values", _TEXT), "Any other value counts as missing."),
        Field(
            "where",
            MapOf("values by column", NAME, _TEXTS),
            "Given only in rows where these columns have these values.",
        ),
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
                    Field(
                        "leave_out", MapOf("texts by column", NAME, _TEXTS), "Rows with these texts, such as totals."
                    ),
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
                    Field(
                        "columns",
                        MapOf("names by column of the file", _TEXT, _TEXT),
                        "The columns and what each is called in its rows.",
                        required=True,
                    ),
                    Field(
                        "others",
                        Choice(("numbers",)),
                        "numbers: every other column of numbers too, under its own heading. Then none is required.",
                    ),
                    Field(
                        "except", ListOf("a list of columns of the file", _TEXT), "Columns that others leaves alone."
                    ),
                ),
            ),
            "Turns several columns of the file into rows, for the inputs that use the name or the value.",
        ),
        Field("columns", MapOf("columns by name", NAME, COLUMN), "What is read.", required=True),
        Field("inputs", MapOf("lists of columns by input", NAME, _NAMES), "The inputs that it fills.", required=True),
        Field(
            "years",
            MapOf(
                "notes by year",
                Word("a year", r"\d{4}(-\d{2})?", "2023, or 2023-24"),
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
            case only:
                return year == int(only[0])


@dataclass(frozen=True, slots=True)
class Unpivot:
    """Several columns of the file turned into rows: a name and a value."""

    name_into: str
    value_into: str
    columns: Mapping[str, str]
    others: bool = False
    """Whether every other column of numbers is taken too."""
    left_alone: tuple[str, ...] = ()
    """The columns that ``others`` does not take."""


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

    def covered(self, year: str) -> str | None:
        """The year of the reading that is meant: 2017-18 also as 2017/18, 2017-2018 or 2017; None if there is none."""
        found = re.fullmatch(r"(\d{4})(?:[-/](?:\d{2})?(\d{2}))?", year.strip())
        if year in self.years or found is None:
            return year if year in self.years else None
        meant = [one for one in self.years if one[:4] == found[1] and (not found[2] or one[5:] == found[2])]
        return meant[0] if len(meant) == 1 else None

    def depends(self, rule: ColumnRule, seen: frozenset[str] = frozenset()) -> bool:
        """Whether a column is made from the name or the value of unpivoted columns."""
        if self.unpivot is None or rule.name in seen:
            return False
        made = {column_name(self.unpivot.name_into), column_name(self.unpivot.value_into)}
        others = [*rule.join, *rule.where, *([rule.step_of] if rule.step_of else [])]
        return (
            any(column_name(name) in made for name in rule.names)
            or any(self.depends(option, seen) for option in rule.either)
            or any(self.depends(self.columns[name], seen | {rule.name}) for name in others)
        )


# ------------------------------------------------------------------------------------------------------- reading it in


def read_reading(path: Path | str) -> Reading:
    """The reading in that file. Raises :class:`ContractRefused` with file, line and column of all that is wrong."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ContractRefused(
            Problem(Place(str(path), 0, 0), f"this reading cannot be opened: {error.strerror}")
        ) from None
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
        missing=frozenset(plain(text) for text in _texts(tree.get("missing"))) | {""},
        year_in=_texts(tree.get("year_in")),
        need=_texts(rows.get("need")) if isinstance(rows, Entries) else (),
        leave_out=_texts_by_name(rows.get("leave_out")) if isinstance(rows, Entries) else {},
        keep=_texts_by_name(rows.get("keep")) if isinstance(rows, Entries) else {},
        unpivot=Unpivot(
            _text(unpivot, "name_into"),
            _text(unpivot, "value_into"),
            {key.value: value.value for key, value in _entries(unpivot.get("columns")) if isinstance(value, Scalar)},
            others=_text(unpivot, "others") == "numbers",
            left_alone=_texts(unpivot.get("except")),
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
            Problem(
                tree.place, f"{name} {said}; it takes exactly one of {', '.join(_ORIGINS)}", "from: NAME_IN_THE_FILE"
            )
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
