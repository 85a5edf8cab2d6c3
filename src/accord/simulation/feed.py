"""Feeds: which of the engines' aggregates fill which input of a contract, as data (``futures.yaml`` beside it).

A feed computes nothing that a contract should: it counts people and events of the rows of an input, says what was
expected of them, hands on what another contract came to, or states a value with its source. Inputs it does not name
come from the place's own data.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accord.language.contract import Contract, Party, Table
from accord.language.place import Place
from accord.language.problem import ContractRefused, DataRefused, Problem, nearest
from accord.language.shape import (
    FLAG,
    IDENTIFIER,
    NAME,
    NUMBER,
    STATUS,
    STATUSES,
    TITLE,
    Choice,
    Either,
    Field,
    ListOf,
    MapOf,
    Record,
    Word,
    conform,
)
from accord.language.text import Scalar, Tree, decode, fields_of, items_of, read_tree, text_of
from accord.simulation.groups import PARTS, Group, read_groups
from accord.simulation.practices import ORGANISATIONS
from accord.simulation.results import RESULTS

FILE = "futures.yaml"
"""The name of a feed's file."""

KINDS = ("list", "count", "expected", "member", "indicator", "group", "figure", "quantity", "value")
"""Where a column can come from."""

COUNTED = Word("what is counted: a result of the engines", None, "emergency")

_COUNTS = Either("one or several", (COUNTED, ListOf("results", COUNTED)))

_SOURCE = Record(
    "where a column comes from",
    (
        Field("list", Choice(("people", "complex", "average")), "People of the first day, or the mean."),
        Field("count", _COUNTS, "What happened, added up; costs in pounds."),
        Field("expected", _COUNTS, "What was expected of people of their age, sex and deprivation."),
        Field("member", Choice(ORGANISATIONS), "Which organisation the row belongs to."),
        Field("indicator", NAME, "An indicator of this file."),
        Field("part", Choice(("numerator", "denominator", "lower", "upper")), "Which part of the indicator."),
        Field("group", Choice((*PARTS, "part")), "What is counted of the row's group; part: as the key of parts says."),
        Field("figure", NAME, "A figure of the row's group, as its file has it."),
        Field("quantity", NAME, "A quantity of another contract, in the same world and year."),
        Field("of", IDENTIFIER, "The contract whose quantity it is."),
        Field("value", TITLE, "The same in every row, as written."),
        Field("authority", TITLE, "Where a value comes from."),
        Field("status", STATUS, "How sure it is."),
        Field("note", TITLE, "A remark."),
    ),
)  # fmt: skip

_FEED = Record(
    "a feed",
    (
        Field("accord", Choice(("1",)), "The version of the language.", True),
        Field("futures", IDENTIFIER, "The contract it is for.", True),
        Field("note", TITLE, "A remark."),
        Field("keys", MapOf("organisations by key", NAME, Choice(ORGANISATIONS)), "What keys stand for."),
        Field("parties", MapOf("organisations by party", NAME, Choice(ORGANISATIONS)), "What a party is."),
        Field("groups", MapOf("files by key", NAME, TITLE), "Keys that stand for groups, each with its file."),
        Field(
            "parts",
            MapOf("keys", NAME, MapOf("parts by label", Word("a label", r"[a-z][a-z_]*"), Choice(PARTS))),
            "Keys whose labels say which part of a group is counted.",
        ),
        Field(
            "indicators",
            MapOf(
                "indicators by name",
                NAME,
                Record(
                    "an indicator",
                    (
                        Field("title", TITLE, "What it measures."),
                        Field("level", NUMBER, "Per cent reached with no contract change.", True),
                        Field("spread", NUMBER, "How far rows truly differ: standard deviation in points."),
                        Field("of", Choice(("people", "complex", "contacts", "answers")), "Its denominator.", True),
                        Field("times", NUMBER, "How many of the denominator for each of these; of answers: how many."),
                        Field("responds", FLAG, "Whether behaviour moves it."),
                        Field("authority", TITLE, "Where level and spread come from.", True),
                        Field("status", STATUS, "How sure they are.", True),
                    ),
                ),
            ),
            "Shares that the engines do not make: a level, what moves it, and chance.",
        ),
        Field(
            "inputs",
            MapOf("inputs by name", NAME, Record("an input", (
                Field("unless_given", FLAG, "Whether the place's own data is used instead, if there is any."),
                Field("columns", MapOf("columns by name", NAME, _SOURCE), "Where each column comes from.", True),
            ))),
            "The inputs that are made.",
            True,
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Indicator:
    """A share that rows reach: ``level`` and ``spread`` in per cent, ``of`` what and how many ``times``."""

    name: str
    level: float
    spread: float
    of: str
    times: float
    responds: bool
    authority: str
    status: str


@dataclass(frozen=True, slots=True)
class Column:
    """Where a column of an input comes from: ``kind`` is the entry of the file, ``names`` what it names."""

    name: str
    kind: str
    names: tuple[str, ...]
    part: str
    of: str
    authority: str
    status: str
    place: Place


@dataclass(frozen=True, slots=True)
class FedInput:
    """An input that is made, column by column."""

    name: str
    columns: tuple[Column, ...]
    unless_given: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Feed:
    """How the aggregates of a simulation become the inputs of a contract."""

    contract: str
    keys: Mapping[str, str]
    groups: Mapping[str, tuple[Group, ...]]
    parts: Mapping[str, Mapping[str, str]]
    indicators: Mapping[str, Indicator]
    inputs: Mapping[str, FedInput]
    file: str
    files: Mapping[str, Path]
    """The files of groups, by key."""
    parties: Mapping[str, str]
    """Of parties that are one named body: which kind of organisation that is, so that its money can be put together."""

    def kind(self, party: Party) -> str:
        """What kind of organisation a party is; its own name where nothing says so."""
        if party.each is None:
            return self.parties.get(party.name, party.name)
        return self.keys.get(party.each, party.each)

    @property
    def needs(self) -> tuple[str, ...]:
        """The contracts whose quantities it hands on."""
        return tuple(dict.fromkeys(c.of for one in self.inputs.values() for c in one.columns if c.kind == "quantity"))

    @property
    def assumed(self) -> tuple[tuple[str, str, str], ...]:
        """What is stated and not simulated: where it stands, where it comes from, and how sure it is."""
        stated = [
            (f"{one.name}.{c.name} = {c.names[0]}", c.authority, c.status)
            for one in self.inputs.values()
            for c in one.columns
            if c.kind == "value"
        ]
        return (
            *stated,
            *((f"{i.name}: {i.level:g} %", i.authority, i.status) for i in self.indicators.values()),
            *(
                (f"{key}: {_names(groups, status)}", f"{self.groups_file(key)} says of each", status)
                for key, groups in self.groups.items()
                for status in STATUSES
                if any(one.status == status for one in groups)
            ),
        )

    def groups_file(self, key: str) -> str:
        """The name of the file of a key's groups."""
        return self.files[key].name

    def group(self, key: str, name: str) -> Group:
        """A group of a key by its name."""
        return next(one for one in self.groups[key] if one.name == name)


def read_feed(folder: Path, contract: Contract, named: str = "") -> Feed:
    """The feed beside a contract, checked against it; of a variation, the feed of its base, which is ``named``.

    Raises:
        DataRefused: there is none.
        ContractRefused: it does not fit the contract.
    """
    path = folder / FILE
    if not path.is_file():
        raise DataRefused(
            Problem(
                Place(str(path), 0, 0),
                f"nothing says how a simulated year becomes the inputs of {contract.name}",
                f"write {FILE} beside the contract: docs/futures.md says how, gain-share in the library is a short one",
            )
        )
    tree = read_tree(decode(path.read_bytes(), str(path)))
    problems = conform(tree, _FEED)
    if problems:
        raise ContractRefused(problems)
    entries = fields_of(tree)
    indicators = {name: _indicator(name, spec) for name, spec in fields_of(entries.get("indicators")).items()}
    inputs = {name: _input(name, spec) for name, spec in fields_of(entries["inputs"]).items()}
    keys = {name: text_of(value) for name, value in fields_of(entries.get("keys")).items()}
    parties = {name: text_of(value) for name, value in fields_of(entries.get("parties")).items()}
    files = {key: folder / text_of(value) for key, value in fields_of(entries.get("groups")).items()}
    groups = {key: read_groups(file, key, fields_of(entries.get("groups"))[key].place) for key, file in files.items()}
    parts = {
        key: {label: text_of(part) for label, part in fields_of(value).items()}
        for key, value in fields_of(entries.get("parts")).items()
    }
    feed = Feed(text_of(entries["futures"]), keys, groups, parts, indicators, inputs, str(path), files, parties)
    if problems := list(_misfits(feed, contract, named or contract.name, entries["futures"].place)):
        raise ContractRefused(problems)
    return feed


def _names(groups: Sequence[Group], status: str) -> str:
    names = [one.name for one in groups if one.status == status]
    return f"{', '.join(names[:6])} and {len(names) - 6} more" if len(names) > 7 else ", ".join(names)


def _indicator(name: str, spec: Tree) -> Indicator:
    said = {key: text_of(value) for key, value in fields_of(spec).items()}
    return Indicator(
        name,
        float(said["level"]),
        float(said.get("spread", 0)),
        said["of"],
        float(said.get("times", 1)),
        said.get("responds", "true") == "true",
        said["authority"],
        said["status"],
    )


def _input(name: str, spec: Tree) -> FedInput:
    entries = fields_of(spec)
    columns: list[Column] = []
    for column, source in fields_of(entries["columns"]).items():
        said = fields_of(source)
        kinds = [kind for kind in KINDS if kind in said]
        place = source.place
        if len(kinds) != 1:
            raise ContractRefused(
                Problem(
                    place,
                    f"{column} says {' and '.join(kinds) or 'nothing of where it comes from'}",
                    f"say one of {', '.join(KINDS)}",
                )
            )
        written = said[kinds[0]]
        names = (
            (text_of(written),) if isinstance(written, Scalar) else tuple(text_of(item) for item in items_of(written))
        )
        columns.append(
            Column(
                column,
                kinds[0],
                names,
                text_of(said.get("part")) or "numerator",
                text_of(said.get("of")),
                text_of(said.get("authority")),
                text_of(said.get("status")) or "unverified",
                place,
            )
        )
    return FedInput(name, tuple(columns), text_of(entries.get("unless_given")) == "true", spec.place)


def _misfits(feed: Feed, contract: Contract, named: str, place: Place) -> Iterator[Problem]:
    if feed.contract != named:
        fix = f"write a {FILE} for {named} beside it, or name the contract {feed.contract}"
        yield Problem(place, f"this feed is for {feed.contract}, and the contract is {named}", fix)
    for key in (*feed.keys, *feed.groups, *feed.parts):
        if key not in contract.keys:
            yield Problem(place, f"{contract.name} has no key {key}", nearest(key, contract.keys))
    for name in feed.parties:
        if name not in contract.parties:
            yield Problem(place, f"{contract.name} has no party {name}", nearest(name, contract.parties))
        elif contract.parties[name].each is not None:
            yield Problem(place, f"{name} is one for each {contract.parties[name].each}", "say it under keys")
    for one in feed.inputs.values():
        table = contract.inputs.get(one.name)
        if table is None:
            yield Problem(one.place, f"{contract.name} has no input {one.name}", nearest(one.name, contract.inputs))
            continue
        yield from _column_misfits(feed, contract, one, table)


def _uncounted(feed: Feed, contract: Contract, column: Column, table: Table) -> Iterator[Problem]:
    """Whether rows are told apart by something that a column is not counted by."""
    people = [key for key in table.keys if key in ("sex", "age_group")]
    groups = [key for key in table.keys if key in (*feed.groups, *feed.parts)]
    periods = [key for key in table.keys if contract.keys[key].is_period]
    if column.kind in ("member", "indicator") and len(people) + len(groups) + len(periods) == len(table.keys):
        yield Problem(column.place, f"no key of {table.name} stands for an organisation", f"{column.name} needs one")
    counted_by = {"group": groups, "list": people if column.names == ("people",) else []}
    if column.kind in ("list", "count", "expected", "indicator", "quantity", "group"):
        for key in (*people, *groups):
            if key not in counted_by.get(column.kind, ()):
                fix = "leave the input to the place's own data"
                yield Problem(column.place, f"{column.name} of {table.name} is not counted by {key}", fix)


def _column_misfits(feed: Feed, contract: Contract, one: FedInput, table: Table) -> Iterator[Problem]:
    known = [column.name for column in table.columns]
    for key in table.keys:
        if not (
            contract.keys[key].is_period
            or key in ("sex", "age_group")
            or key in (*feed.groups, *feed.parts)
            or feed.keys.get(key, key) in ORGANISATIONS
        ):
            said = f"{one.name} has the key {key}, and nothing says what it stands for"
            yield Problem(one.place, said, "say it under keys, groups or parts")
    grouped = next((key for key in table.keys if key in feed.groups), None)
    for column in one.columns:
        yield from _uncounted(feed, contract, column, table)
        if column.name not in known:
            fix = nearest(column.name, known) or f"it has {', '.join(known)}"
            yield Problem(column.place, f"{one.name} has no column {column.name}", fix)
        if column.kind in ("count", "expected"):
            for name in column.names:
                if name not in RESULTS:
                    fix = nearest(name, RESULTS) or f"one of {', '.join(RESULTS)}"
                    yield Problem(column.place, f"{name} is nothing that the engines count", fix)
        if column.kind == "indicator" and column.names[0] not in feed.indicators:
            fix = nearest(column.names[0], feed.indicators) or "describe it under indicators"
            yield Problem(column.place, f"there is no indicator {column.names[0]}", fix)
        if column.kind in ("group", "figure") and grouped is None:
            yield Problem(column.place, f"{one.name} has no key that stands for groups", "say it under groups")
        elif column.kind == "figure" and not any(column.names[0] in g.figures for g in feed.groups[grouped or ""]):
            said = f"{feed.groups_file(grouped or '')} has no column {column.names[0]}"
            yield Problem(column.place, said, "add it, or name another")
        elif column.names[0] == "part" and column.kind == "group" and not set(table.keys) & set(feed.parts):
            yield Problem(column.place, f"no key of {one.name} says which part", "say it under parts")
        if column.kind == "quantity" and not column.of:
            yield Problem(column.place, f"{column.name} does not say of which contract", "add of: and its name")
        if column.kind == "value" and not column.authority:
            yield Problem(column.place, f"{column.name} is stated without a source", "add authority: and status:")
    lacking = [
        c.name for c in table.columns if not c.type.missing and c.name not in [column.name for column in one.columns]
    ]
    if lacking:
        yield Problem(one.place, f"{one.name} needs {', '.join(lacking)} too", "say where it comes from")
