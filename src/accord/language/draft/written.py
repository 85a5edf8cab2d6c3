"""What is written, typed by the vocabulary: dates, numbers, units, keys, sources, formulas; problems are collected.

Shared by the readers of the sections of a contract. Everything returns None where a problem has been said, so that
nothing is said twice.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from fractions import Fraction

from accord.language.contract import Key, Source, Status, Value
from accord.language.draft.model import Draft
from accord.language.formula import Formula, FormulaRefused, parse
from accord.language.place import Place
from accord.language.problem import Problem, nearest, shortened
from accord.language.rounding import ROUNDING_RULES, Rounding, RoundingRule
from accord.language.text import Entries, Items, Scalar, Tree
from accord.language.types import Type
from accord.language.unit import UnknownUnit, WrittenUnit, base_name, read_unit

ReadBeside = Callable[[str], bytes]
"""Gives the bytes of a file beside the contract; raises FileNotFoundError or PermissionError."""


def scalars_of(tree: Tree | None) -> tuple[Scalar, ...]:
    """The single texts of a list (or the one text standing there)."""
    match tree:
        case Scalar():
            return (tree,)
        case Items(items=items):
            return tuple(item for item in items if isinstance(item, Scalar))
        case _:
            return ()


def entries_of(tree: Tree | None) -> Iterator[tuple[Scalar, Tree]]:
    """The entries of a mapping; none if it is something else."""
    return iter(tree) if isinstance(tree, Entries) else iter(())


def as_record(tree: Tree) -> Entries:
    """The mapping itself; an empty one if something else stands there."""
    return tree if isinstance(tree, Entries) else Entries((), tree.place)


def word_at(entries: Entries, name: str) -> str:
    """The text under a name; empty if there is none."""
    tree = entries.get(name)
    return tree.value if isinstance(tree, Scalar) else ""


def scalar_at(entries: Entries, name: str) -> Scalar | None:
    """The single text under a name, with its place; None if there is none."""
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


_STATUSES: dict[str, Status] = {
    "verified": "verified",
    "unverified": "unverified",
    "derived": "derived",
    "indicative": "indicative",
    "assumed": "assumed",
}


def status_named(text: str) -> Status | None:
    """The status of that name; None if there is none."""
    return _STATUSES.get(text)


def wanted_form(kind: Type) -> str:
    """What a text must be to have this type, in words."""
    return {
        "number": "a number",
        "flag": "true or false",
        "date": "a date (year-month-day)",
        "text": "a text",
        "key": f"a {kind.key}",
    }[kind.kind]


class Written:
    """One reading of one contract: the draft that grows, the places whose shape is wrong, the files beside it."""

    def __init__(self, draft: Draft, misshapen: frozenset[tuple[int, int]], beside: ReadBeside) -> None:
        self.draft = draft
        self.misshapen = misshapen
        self.beside = beside
        self.declared: frozenset[str] = frozenset()
        """The contract's own units, by their base names."""

    def problem(self, where: Scalar | Entries | Items | Place, message: str, fix: str = "") -> None:
        """Collect a problem."""
        place = where if isinstance(where, Place) else where.place
        self.draft.problems.append(Problem(place, message, fix))

    def is_misshapen(self, tree: Tree) -> bool:
        """Whether the shape already said something about this place."""
        return (tree.place.line, tree.place.column) in self.misshapen

    def break_misspelt(self, name: Scalar) -> bool:
        """Whether a name is none (upper case, a space …); what would bear it is then broken, however it is spelt."""
        if not self.is_misshapen(name):
            return False
        self.draft.broken |= {name.value, name.value.lower(), name.value.lower().replace(" ", "_").replace("-", "_")}
        return True

    def has_a_slip(self, record: Entries) -> bool:
        """Whether an entry of this record is not of the vocabulary: what it lacks then merely follows."""
        return self.is_misshapen(record) or any(self.is_misshapen(key) for key, _ in record)

    def date(self, tree: Tree | None) -> dt.date | None:
        """The date written there; None if it is none (the shape has said so)."""
        if not isinstance(tree, Scalar):
            return None
        try:
            return dt.date.fromisoformat(tree.value)
        except ValueError:
            return None  # the shape has said so

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

    def source(self, record: Entries, name: Scalar, what: str, default: Source | None = None) -> Source | None:
        """The authority and status of a figure; a problem (and None) if it names none."""
        authority = word_at(record, "authority")
        if not authority and default is None:
            self.problem(
                name,
                f"{what} does not say where it comes from",
                "authority: the clause, statute or letter; status: unverified where nobody has confirmed it",
            )
            return None
        return Source(
            authority or (default.authority if default else ""),
            status_named(word_at(record, "status")) or (default.status if default else "unverified"),
            word_at(record, "note") or (default.note if default else ""),
            self.date(record.get("review_by")) or (default.review_by if default else None),
        )

    def key_value(self, key: Key, text: str, place: Place) -> str:
        """A value of a key as written; a period may be given by its usual name."""
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

    def typed(self, kind: Type, written: WrittenUnit | None, text: str, *, fraction: bool = False) -> Value | None:
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

    def formula(self, scalar: Scalar) -> Formula | None:
        """The formula written there; None (and a problem) if it does not parse."""
        text, offsets = scalar.spelled()
        source = scalar.source
        try:
            return parse(text, lambda at: source.place(offsets[min(at, len(offsets) - 1)]))
        except FormulaRefused as error:
            self.draft.problems.append(error.problem)
            return None

    def known_keys(self, tree: Tree | None) -> tuple[str, ...] | None:
        """The keys of a list; None (and a problem) if one of them is unknown or named twice."""
        keys: list[str] = []
        for scalar in scalars_of(tree):
            if scalar.value not in self.draft.keys:
                hint = nearest(scalar.value, self.draft.keys) or f"declare it: keys: {{{scalar.value}: {{}}}}"
                self.problem(scalar, f"{scalar.value} is not a key of this contract", hint)
                return None
            if scalar.value in keys:
                self.problem(scalar, f"{scalar.value} is named twice")
                return None
            keys.append(scalar.value)
        return tuple(keys)

    def said_rows(self, each: tuple[str, ...], tree: Tree | None) -> None:
        """Take down what ``rows:`` says for a set of keys: one set of keys has one set of rows."""
        if tree is None:
            return
        draft = self.draft
        scalars = scalars_of(tree)
        for scalar in scalars:
            key = draft.keys.get(scalar.value)
            if scalar.value in draft.broken:
                return
            if scalar.value not in draft.tables and not (key is not None and key.is_period):
                periods = [name for name, key in draft.keys.items() if key.is_period]
                hint = nearest(scalar.value, [*draft.tables, *periods])
                self.problem(scalar, f"rows: {scalar.value} is neither an input, a table nor a period", hint)
                self.draft.unread.add("rows")
                return
        before = draft.rows.setdefault(frozenset(each), scalars)
        if [scalar.value for scalar in before] != [scalar.value for scalar in scalars]:
            self.problem(
                scalars[0],
                f"the rows of [{', '.join(each)}] were already said on line {before[0].place.line}, differently",
                "one set of keys has one set of rows in a contract",
            )

    def rounding(self, scalar: Scalar | None) -> Rounding | None:
        """A rounding as written; None (and a problem) if it is none."""
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
