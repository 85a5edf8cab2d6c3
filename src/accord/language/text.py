"""From the bytes of a file to a tree of texts with places: YAML without its types, tags, anchors and merges.

A contract from a stranger is data. So every scalar stays the text it is (``clause: 425.610`` is not a number), and what
could make a small file large or a text into an object is refused: anchors, aliases, merge keys, tags, deep nesting,
files too big for anybody to have read. Parsing is ruamel.yaml's (YAML 1.2), event by event: nothing is ever expanded.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, cast

from accord.language.place import Place, Source
from accord.language.problem import ContractRefused, DataRefused, Problem

MAXIMUM_BYTES = 2_000_000
"""A contract that no person can read is refused. The largest contract of the library has about 20,000 bytes."""

MAXIMUM_DEPTH = 30
"""Lists and mappings may nest this deep."""


_ESCAPED_DIGITS = {"x": 2, "u": 4, "U": 8}
_ESCAPED = dict.fromkeys("ntr", " ") | dict(zip("0abvfeN_LP", "\0\a\b\v\f\x1b\x85\xa0\u2028\u2029", strict=True))
"""What stands after a backslash in double quotes, as a formula reads it: line ends and tabs are spaces."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single text, with where it begins and ends in the source and how it was written (plain, quoted, block)."""

    value: str
    place: Place
    source: Source = field(repr=False, compare=False)
    start: int = field(compare=False)
    end: int = field(compare=False)
    style: str = field(default="", compare=False)
    """Empty for plain; otherwise one of ' " | >."""

    def spelled(self) -> tuple[str, list[int]]:
        """The text to be parsed as a formula, with the source offset of each of its characters (and of its end)."""
        raw = self.source.text[self.start : self.end]
        if self.style in ("'", '"'):
            return self._unquoted(raw)
        if self.style in ("|", ">"):
            head = raw.find("\n") + 1
            raw, first = raw[head:], self.start + head
        else:
            first = self.start
        raw = raw.rstrip()
        return raw, [first + i for i in range(len(raw) + 1)]

    def _unquoted(self, raw: str) -> tuple[str, list[int]]:
        characters: list[str] = []
        offsets: list[int] = []
        at = 1
        while at < len(raw) - 1:
            offsets.append(self.start + at)
            if self.style == "'" and raw[at : at + 2] == "''":
                characters.append("'")
                at += 2
            elif self.style == '"' and raw[at] == "\\":
                escaped = raw[at + 1]
                if escaped == "\n":  # an escaped line end joins the lines, without the indentation of the second
                    offsets.pop()
                    at += 2
                    while raw[at] in " \t":
                        at += 1
                    continue
                digits = _ESCAPED_DIGITS.get(escaped, 0)
                characters.append(
                    chr(int(raw[at + 2 : at + 2 + digits], 16)) if digits else _ESCAPED.get(escaped, escaped)
                )
                at += 2 + digits
            else:
                characters.append(raw[at])
                at += 1
        offsets.append(self.start + at)
        return "".join(characters), offsets


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Tree, ...]
    place: Place


@dataclass(frozen=True, slots=True)
class Entries:
    """A mapping, in written order; its keys are unique."""

    entries: tuple[tuple[Scalar, Tree], ...]
    place: Place

    def get(self, name: str) -> Tree | None:
        """The value under ``name``, or None."""
        return next((value for key, value in self.entries if key.value == name), None)

    def key(self, name: str) -> Scalar | None:
        """The written key ``name`` itself, for its place."""
        return next((key for key, _ in self.entries if key.value == name), None)

    def __iter__(self) -> Iterator[tuple[Scalar, Tree]]:
        return iter(self.entries)


Tree = Scalar | Items | Entries


def decode(content: bytes, file: str) -> Source:
    """The text of a file: UTF-8, with or without a byte order mark. Raises :class:`ContractRefused`."""
    if len(content) > MAXIMUM_BYTES:
        raise ContractRefused(
            Problem(
                Place(file, 0, 0),
                f"this file has {len(content):,} bytes; a contract is a text that people read and sign, "
                f"so at most {MAXIMUM_BYTES:,} are read",
                "put long tables into a file: beside the contract, and data into inputs",
            )
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - (content.rfind(b"\n", 0, error.start) + 1) + 1
        raise ContractRefused(
            Problem(Place(file, line, column), "this is not UTF-8 text", "save the file as UTF-8")
        ) from None
    return Source(file, text.replace("\r\n", "\n").replace("\r", "\n"))


def read_trees(source: Source) -> tuple[Tree, ...]:
    """The documents of a YAML text as trees. Raises :class:`ContractRefused` with what is wrong and where.

    Keys written twice, and everything YAML can do that a contract must not, are refused here.
    """
    return _Reader(source).documents()


def read_data(content: bytes, file: str) -> Tree:
    """The one document of a YAML file that is no contract (targets, a place); raises DataRefused if it cannot be."""
    try:
        return read_tree(decode(content, file))
    except ContractRefused as refused:
        raise DataRefused(refused.problems) from None


def read_tree(source: Source, start: str = "") -> Tree:
    """The one document of a YAML text; raises :class:`ContractRefused` if there is none or more than one.

    ``start`` says what to do about an empty file.
    """
    trees = read_trees(source)
    if not trees:
        raise ContractRefused(Problem(Place(source.name, 1, 1), "this file is empty", start))
    if len(trees) > 1:
        raise ContractRefused(
            Problem(
                trees[1].place,
                "a second document begins here; a file holds one",
                "put each into a file of its own",
            )
        )
    return next(iter(trees))


_COMMA_IN_BRACES = (
    "a comma inside { } or [ ] ends the value: put the value in quotes, or on a line of its own without { }"
)


_TAGGED = ("ScalarEvent", "SequenceStartEvent", "MappingStartEvent")


class _Reader:
    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []

    def documents(self) -> tuple[Tree, ...]:
        # imported here: ruamel.yaml takes 40 ms, and `accord --help` needs none of it
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLStreamError
        from ruamel.yaml.reader import ReaderError

        trees: list[Tree] = []
        try:
            trees = self._build(cast("Iterator[Any]", cast("Any", YAML(typ="safe", pure=True)).parse(self.source.text)))
        except MarkedYAMLError as error:
            said = cast("Any", error)
            mark = said.problem_mark or said.context_mark
            place = (
                Place(self.source.name, mark.line + 1, mark.column + 1)
                if mark is not None
                else Place(self.source.name, 1, 1)
            )
            if "quoted scalar" in str(error) and said.context_mark is not None:
                place = Place(self.source.name, said.context_mark.line + 1, said.context_mark.column + 1)
            self.problems.append(self._syntax(str(said.problem or said.context or error), place, error))
        except ReaderError as error:
            at = int(cast("Any", error).position or 0)
            place, character = self.source.place(at), self.source.text[at : at + 1]
            self.problems.append(
                Problem(place, f"the character {character!r} may not stand in a contract", "remove it")
            )
        except YAMLStreamError as error:  # pragma: no cover - any other refusal of the YAML reader
            self.problems.append(Problem(Place(self.source.name, 1, 1), f"this is not YAML: {error}"))
        if self.problems:
            raise ContractRefused(self.problems)
        return tuple(trees)

    def _syntax(self, what: str, place: Place, error: Exception) -> Problem:
        line = self.source.text.split("\n")[place.line - 1] if self.source.text else ""
        if "\t" in line[: place.column]:
            return Problem(place, "a tab cannot indent YAML", "indent with spaces")
        if "%" in line[place.column - 1 : place.column] or "@" in line[place.column - 1 : place.column]:
            sign = line[place.column - 1]
            fix = "write percent" if sign == "%" else "put the value in quotes"
            return Problem(place, f"a YAML value cannot begin with {sign}", fix)
        if "mapping values are not allowed" in what:
            return Problem(
                place,
                "a second ': ' on this line: YAML reads it as another key",
                "put the value in quotes, or its entries on lines of their own; is this line indented by mistake?",
            )
        if "flow mapping" in str(error) or "flow sequence" in str(error):
            return Problem(place, "this { } or [ ] is not closed, or a comma is missing before this", "close it")
        if "quoted scalar" in str(error):
            return Problem(place, "a quoted text is not closed", "end it with the quote it began with")
        return Problem(place, f"this is not YAML: {what}", "check the indentation and the quotes around here")

    def _refuse(self, event: Any, message: str, fix: str) -> None:
        mark = event.start_mark
        raise ContractRefused(Problem(self.source.place(mark.index), message, fix))

    def _build(self, events: Iterator[Any]) -> list[Tree]:
        documents: list[Tree] = []
        # the open lists and mappings: (kind, place, what they hold so far)
        stack: list[tuple[str, Place, list[Tree]]] = []

        def add(tree: Tree) -> None:
            if stack:
                stack[-1][2].append(tree)
            else:
                documents.append(tree)

        for event in events:
            kind = type(event).__name__
            if kind == "AliasEvent" or getattr(event, "anchor", None):
                self._refuse(event, "YAML anchors and aliases (& and *) are not part of the language", "write it out")
            tag = getattr(event, "tag", None)
            if tag is not None and str(tag) not in ("!", "None") and kind in _TAGGED:
                self._refuse(event, f"YAML tags such as {tag} are not part of the language", "remove the tag")
            match kind:
                case "ScalarEvent":
                    add(self._scalar(event))
                case "SequenceStartEvent" | "MappingStartEvent":
                    if len(stack) >= MAXIMUM_DEPTH:
                        self._refuse(event, f"this nests more than {MAXIMUM_DEPTH} deep", "flatten it")
                    place = self.source.place(event.start_mark.index)
                    stack.append((kind, place, []))
                case "SequenceEndEvent":
                    _, place, held = stack.pop()
                    add(Items(tuple(held), place))
                case "MappingEndEvent":
                    _, place, held = stack.pop()
                    add(self._mapping(place, held))
                case _:
                    pass
        return documents

    def _scalar(self, event: Any) -> Scalar:
        start: int = event.start_mark.index
        end: int = event.end_mark.index
        style = str(event.style or "")
        value = str(event.value)
        return Scalar(value, self.source.place(start), self.source, start, end, style)

    def _mapping(self, place: Place, held: list[Tree]) -> Entries:
        entries: list[tuple[Scalar, Tree]] = []
        seen: dict[str, Place] = {}
        for key, value in zip(held[::2], held[1::2], strict=True):
            if not isinstance(key, Scalar):
                self.problems.append(Problem(key.place, "a key must be a single word", "write name: value"))
                continue
            if key.value == "<<" and not key.style:
                self.problems.append(
                    Problem(key.place, "YAML merge keys (<<) are not part of the language", "write it out")
                )
                continue
            if key.value in seen:
                self.problems.append(
                    Problem(
                        key.place,
                        f"{key.value} is written twice; it was first written on line {seen[key.value].line}",
                        "rename one, or remove it",
                    )
                )
                continue
            seen[key.value] = key.place
            if isinstance(value, Scalar) and value.start == value.end and not value.style:
                # nothing stands there: the place to mend is right after the key, not wherever YAML looked next
                value = replace(value, place=self.source.place(key.end + 1), start=key.end + 1, end=key.end + 1)
            if isinstance(value, Scalar) and not value.value and not value.style and value.start == value.end:
                stray = key.value.isdigit() or "(" in key.value or ")" in key.value or " " in key.value.strip()
                if stray and self.source.text[key.end : key.end + 1] in (",", "}", "]", " "):
                    self.problems.append(
                        Problem(key.place, f"{key.value} stands here without a value", _COMMA_IN_BRACES)
                    )
                    continue
            entries.append((key, value))
        return Entries(tuple(entries), place)


def fields_of(tree: Tree | None) -> dict[str, Tree]:
    """The entries of a checked tree by their names; none if it is not there."""
    return {key.value: value for key, value in tree} if isinstance(tree, Entries) else {}


def items_of(tree: Tree | None) -> tuple[Tree, ...]:
    """The items of a checked tree; none if it is not there."""
    return tuple(tree.items) if isinstance(tree, Items) else ()


def text_of(tree: Tree | None) -> str:
    """The text of a checked tree; empty if it is not there."""
    return tree.value if isinstance(tree, Scalar) else ""
