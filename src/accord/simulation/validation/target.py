"""Targets: published figures that the simulator should reproduce, each with its definition, tolerance and source.

A file of targets says for each what was published, how the same is asked of simulated people (:mod:`.query`), how near
is near enough and why, and whether the model was fitted to it. Figures that the model does not speak of stand there
too, each with the reason, so that nobody takes silence for agreement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.language.shape import IDENTIFIER, NUMBER, STATUS, TITLE, Choice, Field, ListOf, Record, Word, conform
from accord.language.text import Tree, fields_of, items_of, read_data, text_of
from accord.settlement.catalogue import NotFound
from accord.simulation.validation.nouns import QUERY
from accord.simulation.validation.query import PRICE_YEAR, Query
from accord.simulation.validation.reading import read_query

USES = ("fitted", "held out")
"""Whether the model was fitted to a figure, or has never seen it."""

BUILT_IN = Path(__file__).parent / "targets.yaml"
"""The project's own targets."""

_TOLERANCE = Record(
    "a tolerance",
    (
        Field("percent", NUMBER, "So many per cent of the value to either side."),
        Field("absolute", NUMBER, "So much to either side, in the unit of the value."),
        Field("from", NUMBER, "The lowest that is accepted; with to."),
        Field("to", NUMBER, "The highest that is accepted; with from."),
    ),
)

_TARGET = Record(
    "a target",
    (
        Field("target", IDENTIFIER, "Its short name.", True),
        Field("title", TITLE, "What was published.", True),
        Field("authority", TITLE, "Who published it, where and when.", True),
        Field("address", TITLE, "Its address or identifier."),
        Field("status", STATUS, "How sure the published figure is.", True),
        Field("use", Choice(USES), "Whether the model was fitted to it.", True),
        Field("asks", QUERY, "How the same is asked of simulated people.", True),
        Field("value", NUMBER, "The published figure.", True),
        Field("unit", TITLE, "Its unit, as the query has it.", True),
        Field("prices", Word("a year of prices", r"\d{4}/\d{2}", PRICE_YEAR), "The year of its pounds."),
        Field("tolerance", _TOLERANCE, "How near is near enough.", True),
        Field("because", TITLE, "Why that tolerance.", True),
        Field("scope", TITLE, "What should be known of the comparison."),
        Field("expected", Choice(("in", "out")), "Whether it is known to be out."),
        Field("reason", TITLE, "Why it is out."),
    ),
)

_OUTSIDE = Record(
    "a figure that is not asked",
    (
        Field("figure", Word("a short name", r"[A-Za-z0-9][A-Za-z0-9_. -]*", "B10"), "Its short name.", True),
        Field("title", TITLE, "What was published.", True),
        Field("authority", TITLE, "Who published it.", True),
        Field("status", STATUS, "How sure it is.", True),
        Field("why", TITLE, "Why the model does not speak of it.", True),
    ),
)

TARGETS = Record(
    "a file of targets",
    (
        Field("accord", Choice(("1",)), "The version of the language.", True),
        Field("title", TITLE, "What these targets are."),
        Field("targets", ListOf("targets", _TARGET), "Published figures.", True),
        Field("outside", ListOf("figures that are not asked", _OUTSIDE), "Published figures outside the model."),
    ),
)
"""The shape of a file of targets."""


@dataclass(frozen=True, slots=True)
class Target:
    """A published figure, and how the same is asked of simulated people.

    Attributes:
        authority, address, status: where the published figure comes from, and how sure it is.
        use: ``fitted`` or ``held out``.
        query: its definition; ``asked``: the same in words.
        unit: of the value and of the answer.
        low, high: what the tolerance accepts; ``tolerance``: the same in words; ``because``: why.
        scope: what should be known of the comparison.
        out: why it is known to be out; empty if it should be in.
    """

    name: str
    title: str
    authority: str
    address: str
    status: str
    use: str
    query: Query
    unit: str
    value: float
    low: float
    high: float
    tolerance: str
    because: str
    scope: str
    out: str
    place: Place

    @property
    def asked(self) -> str:
        """The definition as it is written, on one line."""
        return self.query.words


@dataclass(frozen=True, slots=True)
class Outside:
    """A published figure that the model does not speak of, and why."""

    figure: str
    title: str
    authority: str
    status: str
    why: str
    place: Place


@dataclass(frozen=True, slots=True)
class TargetFile:
    """A file of targets."""

    title: str
    targets: tuple[Target, ...]
    outside: tuple[Outside, ...]


def read_file(path: Path) -> TargetFile:
    """A file of targets.

    Raises:
        NotFound: there is no such file, or it cannot be read.
        DataRefused: it has errors, with the place of each.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise NotFound(
            Problem(Place(str(path), 0, 0), f"these targets cannot be read: {why}", "check the path")
        ) from None
    tree = read_data(content, str(path))
    problems = conform(tree, TARGETS)
    if problems:
        raise DataRefused(problems)
    entries = fields_of(tree)
    targets = [_target(item, problems) for item in items_of(entries["targets"])]
    if not targets and not items_of(entries.get("outside")):
        problems.append(Problem(entries["targets"].place, "there are no targets", "see docs/validation.md"))
    named: dict[str, Place] = {}
    for item in items_of(entries["targets"]):
        name = fields_of(item)["target"]
        if text_of(name) in named:
            first = named[text_of(name)]
            problems.append(Problem(name.place, f"{text_of(name)} stands at {first} already", "another name"))
        named.setdefault(text_of(name), name.place)
    if problems:
        raise DataRefused(problems)
    outside = tuple(_outside(item) for item in items_of(entries.get("outside")))
    return TargetFile(
        text_of(entries.get("title")) or path.stem, tuple(one for one in targets if one is not None), outside
    )


@cache
def published_file() -> TargetFile:
    """The project's own targets, and what they leave out."""
    return read_file(BUILT_IN)


def published() -> tuple[Target, ...]:
    """The project's own targets."""
    return published_file().targets


def _outside(tree: Tree) -> Outside:
    said = {name: text_of(value) for name, value in fields_of(tree).items()}
    return Outside(said["figure"], said["title"], said["authority"], said["status"], said["why"], tree.place)


def _target(tree: Tree, problems: list[Problem]) -> Target | None:
    entries = fields_of(tree)
    said = {name: text_of(value) for name, value in entries.items()}
    before = len(problems)
    query = read_query(entries["asks"], problems)
    value = _number(entries["value"])
    low, high, words = _tolerance(entries["tolerance"], value, problems)
    if query is not None:
        _same_unit(query, entries, value, problems)
    if said.get("expected") == "out" and not said.get("reason"):
        problems.append(Problem(entries["expected"].place, "why it is out is not said", "reason: …"))
    if said.get("expected") != "out" and "reason" in entries:
        problems.append(Problem(entries["reason"].place, "a reason stands here, but it is not out", "expected: out"))
    if query is None or len(problems) > before:
        return None
    return Target(
        said["target"],
        said["title"],
        said["authority"],
        said.get("address", ""),
        said["status"],
        said["use"],
        query,
        query.unit,
        value,
        low,
        high,
        words,
        said["because"],
        said.get("scope", ""),
        said.get("reason", ""),
        tree.place,
    )


def _number(tree: Tree) -> float:
    return float(text_of(tree).replace("_", ""))


def _tolerance(tree: Tree, value: float, problems: list[Problem]) -> tuple[float, float, str]:
    said = {name: _number(one) for name, one in fields_of(tree).items()}
    kinds = [kind for kind in ("percent", "absolute") if kind in said] + (
        ["from"] if {"from", "to"} & set(said) else []
    )
    if len(kinds) != 1 or (kinds == ["from"] and set(said) != {"from", "to"}):
        problems.append(
            Problem(tree.place, f"a tolerance of {' and '.join(said) or 'nothing'} says not how near is near enough",
                    "say percent, or absolute, or both from and to")
        )  # fmt: skip
        return value, value, ""
    if kinds == ["from"]:
        low, high = said["from"], said["to"]
        if low >= high:
            problems.append(Problem(tree.place, f"nothing lies from {low:g} to {high:g}", f"{{from: {high:g}, to: …}}"))
        elif not low <= value <= high:
            problems.append(
                Problem(
                    tree.place, f"the published {value:g} itself is not from {low:g} to {high:g}", "mend one of them"
                )
            )
        return low, high, f"from {low:g} to {high:g}"
    near = said[kinds[0]]
    if near <= 0:
        what = "below 0" if near < 0 else "0: a simulated figure never comes out to the last digit"
        problems.append(Problem(fields_of(tree)[kinds[0]].place, f"a tolerance of {near:g} is {what}", "such as 5"))
    if kinds == ["absolute"]:
        return value - near, value + near, f"± {near:g}"
    if near >= 100:
        fix = "below 100, or say absolute, or from and to"
        problems.append(Problem(fields_of(tree)["percent"].place, f"± {near:g} % would accept 0 as well", fix))
    if value == 0:
        problems.append(Problem(fields_of(tree)["percent"].place, "per cent of 0 are 0", "say absolute"))
    side = abs(value) * near / 100
    return value - side, value + side, f"± {near:g} %"


_RANGES: Mapping[str, tuple[float, float]] = {
    "share": (0, 100),
    "part_of": (0, 100),
    "top_share": (0, 100),
    "with_none": (0, 100),
    "share_above": (0, 100),
    "part_above": (0, 100),
    "kept": (0, 100),
    "again": (0, 100),
    "stays_in_top": (0, 100),
    "luck": (0, 100),
    "gini": (0, 1),
    "correlation": (-1, 1),
    "concentration_index": (-1, 1),
}
"""Where the answers of some nouns lie; of the others only that rates, ages and distributions are not below 0."""

_EITHER_SIGN = ("difference", "percent_change", "slope_index", "relative_index", "effect", "answer", "sum")


def _same_unit(query: Query, entries: Mapping[str, Tree], value: float, problems: list[Problem]) -> None:
    unit = " ".join(text_of(entries["unit"]).split())
    if unit != query.unit:
        problems.append(
            Problem(entries["unit"].place, f"{unit} does not fit: this query answers in {query.unit}",
                    f"unit: {query.unit} (and the value in it)")
        )  # fmt: skip
    elif query.noun not in _EITHER_SIGN:
        low, high = _RANGES.get(query.noun, (0.0, float("inf")))
        if not low <= value <= high:
            between = f"lies from {low:g} to {high:g}" if high < float("inf") else "is not below 0"
            problems.append(
                Problem(entries["value"].place, f"{value:g} {unit} is not possible: {query.noun} {between}", "")
            )
    if query.money and "prices" not in entries:
        problems.append(
            Problem(entries["unit"].place, "pounds of which year is not said", f"prices: {PRICE_YEAR}, the model's")
        )
    elif _priced(query) and "prices" in entries and text_of(entries["prices"]) != PRICE_YEAR:
        problems.append(
            Problem(entries["prices"].place,
                    f"the model's pounds are those of {PRICE_YEAR}, these of {text_of(entries['prices'])}",
                    f"bring them to {PRICE_YEAR}, say how in because, and write prices: {PRICE_YEAR}")
        )  # fmt: skip
    elif not _priced(query) and "prices" in entries:
        problems.append(Problem(entries["prices"].place, "there are no pounds in this query", "take prices out"))


def _priced(query: Query) -> bool:
    """Whether there are pounds anywhere in a query."""
    return (query.thing is not None and query.thing.money) or any(_priced(part) for part in query.parts)
