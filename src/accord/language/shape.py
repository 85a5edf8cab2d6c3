"""Shapes: what may stand where in a file, said once; checked with places and nearest names, and printed as JSON Schema.

A closed vocabulary is data of this module's types (the contract's is :mod:`accord.language.vocabulary`). ``conform``
compares a tree with a shape and says everything that is wrong; ``json_schema`` prints the same shape for editors.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

from accord.language.problem import Problem, nearest
from accord.language.text import Entries, Items, Scalar, Tree


@dataclass(frozen=True, slots=True)
class Word:
    """A single text of a certain form. ``pattern`` is what it must match in full; ``what`` says it to a person."""

    what: str
    pattern: str | None = None
    example: str = ""
    accepts: Callable[[str], bool] | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """A named entry of a record."""

    name: str
    shape: Shape
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with known entries; ``others`` is the shape of entries under any other name, where those may stand."""

    what: str
    fields: tuple[Field, ...]
    others: Shape | None = None
    others_named: Word | None = None

    def field(self, name: str) -> Field | None:
        """The field of that name."""
        return next((field for field in self.fields if field.name == name), None)


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping from names to values of one shape."""

    what: str
    key: Word
    value: Shape


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of values of one shape."""

    what: str
    item: Shape


@dataclass(frozen=True, slots=True)
class Either:
    """Shapes told apart by what stands there: a single text, a list, or a mapping. At most one of each."""

    what: str
    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Later:
    """A shape that refers to itself: the function gives it when asked."""

    what: str
    shape: Callable[[], Shape]


Shape = Word | Choice | Record | MapOf | ListOf | Either | Later


def _is_date(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10


NAME = Word("a name: lower-case letters, digits and _, beginning with a letter", r"[a-z][a-z0-9_]{0,62}", "list_size")
TITLE = Word("a text", None, "")
IDENTIFIER = Word("a name: lower-case letters, digits, - and _", r"[a-z][a-z0-9_-]{0,62}", "global-sum")
DATE = Word("a date: year-month-day", r"\d{4}-\d{2}-\d{2}", "2026-04-01", _is_date)
NUMBER = Word("a number", r"[+-]?\d+(?:_\d+)*(?:\.\d+)?", "1240.50")
WHOLE = Word("a whole number", r"\d+", "3")
FLAG = Word("true or false", r"true|false", "true")
FORMULA = Word("a formula", None, "list_size * price")
UNIT = Word("a unit", None, "GBP per person")

Status = Literal["verified", "derived", "unverified", "assumed"]
"""How sure a figure or a definition in a file of data is: read in its source; worked out from such figures; general
knowledge; nobody publishes it. A contract's own figures may be ``indicative`` too (:mod:`accord.language.vocabulary`).
"""

STATUSES: tuple[Status, ...] = get_args(Status)
STATUS = Choice(STATUSES)


def _kind(tree: Tree) -> str:
    match tree:
        case Scalar():
            return "a single value"
        case Items():
            return "a list"
        case Entries():
            return "a mapping"


def _stands_for(shape: Shape) -> type[Scalar] | type[Items] | type[Entries]:
    match shape:
        case Word() | Choice():
            return Scalar
        case ListOf():
            return Items
        case Record() | MapOf():
            return Entries
        case Later(shape=inner):
            return _stands_for(inner())
        case Either():  # pragma: no cover - eithers do not nest
            raise TypeError("an Either inside an Either")


def describe(shape: Shape) -> str:
    """What a shape asks for, in words."""
    match shape:
        case Choice(options=options):
            return f"one of {', '.join(options)}"
        case Word(what=what) | Record(what=what) | MapOf(what=what) | ListOf(what=what) | Either(what=what):
            return what
        case Later(what=what):
            return what


def conform(tree: Tree, shape: Shape) -> list[Problem]:
    """Everything in which ``tree`` is not of ``shape``: unknown entries (with the nearest known), missing ones, wrong
    kinds, texts of the wrong form. An empty list means that the tree can be read without further looking.
    """
    return list(_problems(tree, shape))


def _problems(tree: Tree, shape: Shape) -> Iterator[Problem]:
    match shape:
        case Later(shape=inner):
            yield from _problems(tree, inner())
        case Either(what=what, shapes=shapes):
            chosen = next((option for option in shapes if isinstance(tree, _stands_for(option))), None)
            if chosen is None:
                yield Problem(tree.place, f"expected {what}, found {_kind(tree)}")
            else:
                yield from _problems(tree, chosen)
        case Word() | Choice():
            if isinstance(tree, Scalar):
                yield from _word_problems(tree, shape)
            else:
                yield Problem(tree.place, f"expected {describe(shape)}, found {_kind(tree)}")
        case ListOf(what=what, item=item):
            if isinstance(tree, Items):
                for each in tree.items:
                    yield from _problems(each, item)
            else:
                fix = f"[{tree.value}]" if isinstance(tree, Scalar) and tree.value else ""
                yield Problem(tree.place, f"expected {what}, found {_kind(tree)}", fix)
        case MapOf(what=what, key=key_shape, value=value):
            if isinstance(tree, Entries):
                for key, inner in tree:
                    yield from _word_problems(key, key_shape)
                    yield from _problems(inner, value)
            elif not _is_nothing(tree):
                yield Problem(tree.place, f"expected {what}, found {_kind(tree)}")
        case Record():
            if isinstance(tree, Entries):
                yield from _record_problems(tree, shape)
            elif not (_is_nothing(tree) and not any(field.required for field in shape.fields)):
                yield Problem(tree.place, f"expected {shape.what}, found {_kind(tree)}")


def _is_nothing(tree: Tree) -> bool:
    return isinstance(tree, Scalar) and tree.value == "" and not tree.style


def _word_problems(tree: Scalar, shape: Word | Choice) -> Iterator[Problem]:
    if isinstance(shape, Choice):
        if tree.value not in shape.options:
            hint = nearest(tree.value, shape.options)
            yield Problem(tree.place, f"{tree.value or 'nothing'} is not one of {', '.join(shape.options)}", hint)
        return
    good = shape.pattern is None or re.fullmatch(shape.pattern, tree.value) is not None
    if good and shape.accepts is not None:
        good = shape.accepts(tree.value)
    if shape.pattern is None and tree.value == "" and not tree.style:
        good = False
    if not good:
        written = f"{tree.value[:60]!r} is not" if tree.value else "nothing stands here; expected"
        fix = f"for example {shape.example}" if shape.example else ""
        what = f"{shape.what} from 0" if shape is WHOLE and tree.value.startswith("-") else shape.what
        yield Problem(tree.place, f"{written} {what}", (shape is NUMBER and _in_digits(tree.value)) or fix)


def _in_digits(text: str) -> str:
    """How a number is written that is one elsewhere (.5, 5., 1e3); empty if it is none, or not a short one."""
    found = re.fullmatch(r"[+-]?(?:\d{1,15}\.?\d{0,15}|\.\d{1,15})(?:[eE][+-]?\d)?", text)
    return f"{Decimal(text):f}".removesuffix(".") if found else ""


def _record_problems(tree: Entries, shape: Record) -> Iterator[Problem]:
    known = [field.name for field in shape.fields]
    slips: list[str] = []
    for key, value in tree:
        field = shape.field(key.value)
        if field is not None:
            yield from _problems(value, field.shape)
        elif shape.others is not None:
            if shape.others_named is not None:
                yield from _word_problems(key, shape.others_named)
            wrong = conform(value, shape.others)
            hint = nearest(key.value, [name for name in known if tree.get(name) is None]) if wrong else ""
            if hint:
                slips.append(key.value)
                yield Problem(key.place, f"{key.value} is not an entry of {shape.what}", hint)
            else:
                yield from wrong
        else:
            slips.append(key.value)
            hint = nearest(key.value, known) or f"{shape.what} has: {', '.join(known)}"
            yield Problem(key.place, f"{key.value} is not an entry of {shape.what}", hint)
    for field in shape.fields:
        # a misspelt entry has been pointed out; that it is then lacking merely follows
        if field.required and tree.get(field.name) is None and not nearest(field.name, slips):
            example = _example(field.shape)
            yield Problem(tree.place, f"{shape.what} has no {field.name}", f"add {field.name}: {example}".rstrip(": "))


def _example(shape: Shape) -> str:
    match shape:
        case Word(example=example):
            return example or "…"
        case Choice(options=options):
            return options[0]
        case Either(shapes=shapes):
            return _example(shapes[0])
        case _:
            return "…"


def json_schema(shape: Shape, title: str, identifier: str) -> dict[str, object]:
    """The shape as a JSON Schema (draft 2020-12), for editors that complete and check YAML."""
    shared: dict[str, object] = {}
    whole = _schema(shape, shared)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": identifier,
        "title": title,
        **whole,
        **({"$defs": shared} if shared else {}),
    }


def _schema(shape: Shape, shared: dict[str, object]) -> dict[str, object]:
    """``shared`` collects the shapes that refer to themselves, each under its name."""
    match shape:
        case Later(what=name, shape=inner):
            if name not in shared:
                shared[name] = {}  # taken, so that the shape inside refers to it
                shared[name] = _schema(inner(), shared)
            return {"$ref": f"#/$defs/{name}"}
        case Choice(options=options):
            return {"enum": list(options)}
        case Word(what=what, pattern=pattern):
            # YAML 1.2 readers type plain scalars; the language reads texts, so every scalar type is let through
            form: dict[str, object] = {"type": ["string", "number", "boolean"], "description": what}
            return {**form, "pattern": f"^(?:{_portable(pattern)})$"} if pattern is not None else form
        case ListOf(what=what, item=item):
            return {"type": "array", "description": what, "items": _schema(item, shared)}
        case MapOf(what=what, key=key, value=value):
            return {
                "type": ["object", "null"],
                "description": what,
                "propertyNames": {"pattern": f"^(?:{key.pattern})$"} if key.pattern else {},
                "additionalProperties": _schema(value, shared),
            }
        case Either(what=what, shapes=shapes):
            return {"description": what, "anyOf": [_schema(option, shared) for option in shapes]}
        case Record(what=what, fields=fields, others=others, others_named=named):
            result: dict[str, object] = {
                "type": "object",
                "description": what,
                "properties": {
                    field.name: {**_schema(field.shape, shared), "description": field.doc} for field in fields
                },
                "additionalProperties": False if others is None else _schema(others, shared),
            }
            if named is not None and named.pattern is not None:
                result["propertyNames"] = {"pattern": f"^(?:{named.pattern})$"}
            required = [field.name for field in fields if field.required]
            return {**result, "required": required} if required else {**result, "type": ["object", "null"]}


def _portable(pattern: str) -> str:
    """A pattern as JSON Schema knows it (ECMA 262, which has no inline flags)."""
    return pattern.replace("(?s).", r"[\s\S]")
