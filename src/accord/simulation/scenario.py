"""Scenarios: what is changed against no contract change, and what every future year assumes, as data with places.

A scenario adds, varies or takes out contracts, changes the population's use, and says which behaviours are switched on.
What a later year needs and nobody has published (prices, growth, a longer term) is supplied here, as assumed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest
from accord.language.shape import IDENTIFIER, NUMBER, TITLE, Choice, Either, Field, ListOf, MapOf, Record, Word, conform
from accord.language.text import Entries, Items, Scalar, Tree, fields_of, items_of, read_data, text_of
from accord.simulation.extending import Growth
from accord.simulation.model import STREAMS

NO_CHANGE = "no contract change"
"""The scenario that always runs beside the others."""

MOST = 100
"""The largest size of an effect that a scenario can give: more is a slip of the pen."""

USED = (*STREAMS, "worsening")
"""What a population or a future can have more or less of."""

_USE = Word(f"one of {', '.join(USED)}", "|".join(USED))

_RATES = MapOf(
    "rates by parameter, in per cent a year",
    Word("a parameter, or * for every amount of money", r"\*|[a-z][a-z0-9_]*"),
    NUMBER,
)

_TERM = Word("extended, or a day", r"extended|\d{4}-\d{2}-\d{2}", "extended")

FUTURE = Record(
    "what every future year assumes",
    (
        Field("money", Choice(("nominal", "real")), "real: all money is that of the first year."),
        Field("prices", NUMBER, "Growth of hospital prices, per cent a year (nominal money only)."),
        Field("demand", MapOf("growth of use", _USE, NUMBER), "Growth of use beyond ageing, per cent a year."),
        Field("growth", MapOf("growth by contract", IDENTIFIER, _RATES), "Per cent a year."),
        Field("term", _TERM, "A longer term of contracts that end sooner."),
        Field("authority", TITLE, "Where these figures come from."),
        Field("status", Choice(("assumed", "unverified", "derived", "verified")), "How sure they are."),
    ),
)  # fmt: skip
"""The shape of ``future:`` in a scenario and in a place."""

_EFFECT = Word("behaviour.what it moves", r"[a-z][a-z0-9-]*\.[a-z_]+", "refer-or-treat.elective")

_CHANGED = Record(
    "a changed contract",
    (
        Field("contract", TITLE, "A contract that is added: a library name, or a file or folder of the place."),
        Field("variation", TITLE, "A variation of the contract in force: a file of the place."),
        Field("data", TITLE, "The folder of its data."),
    ),
)

_SCENARIO = Record(
    "a scenario",
    (
        Field("accord", Choice(("1",)), "The version of the language.", True),
        Field("scenario", IDENTIFIER, "Its short name.", True),
        Field("title", TITLE, "What is tried."),
        Field("note", TITLE, "A remark."),
        Field(
            "contracts",
            MapOf(
                "contracts by name",
                IDENTIFIER,
                Either("out, or what is changed", (Choice(("out",)), _CHANGED)),
            ),
            "Contracts that are added, varied, or taken out.",
        ),
        Field("population", MapOf("use against today's", _USE, NUMBER), "How use differs from the start, in per cent."),
        Field(
            "behaviours",
            Either("all, none, or a list", (Choice(("all", "none")), ListOf("behaviours", IDENTIFIER))),
            "Which behaviours are switched on; none, unless it says so.",
        ),
        Field(
            "effects",
            MapOf("sizes", _EFFECT, NUMBER),
            "Other sizes of effects, in the unit of the behaviour.",
        ),
        Field("future", FUTURE, "What its future assumes, where that differs from the place's."),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Future:
    """What every future year assumes. Rates are shares: 2 % is 1/50.

    Attributes:
        nominal: whether money is that of its year; otherwise all of it is money of the first year.
        prices: growth of hospital prices a year.
        demand: growth of use a year, by stream (and ``worsening``).
        growth: by contract and parameter, growth a year; ``*`` is every amount of money.
        term: whether contracts that end sooner go on (``extended``), up to which day.
        said: the entries that a file has, so that a scenario's go before the place's.
    """

    nominal: bool = True
    prices: Fraction = Fraction(0)
    demand: Mapping[str, Fraction] = field(default_factory=dict[str, Fraction])
    growth: Mapping[str, Mapping[str, Growth]] = field(default_factory=dict[str, Mapping[str, Growth]])
    term: str = ""
    authority: str = "assumed for this simulation"
    said: frozenset[str] = frozenset()

    def over(self, other: Future) -> Future:
        """This future, with the other's entries where it says nothing."""
        taken = {
            name: getattr(self, name)
            for name in ("nominal", "prices", "demand", "growth", "term", "authority")
            if name in self.said
        }
        return replace(other, **taken, said=self.said | other.said)

    def reaches(self, last: dt.date) -> bool:
        """Whether a contract may be taken to go on until that day."""
        return self.term == "extended" or (bool(self.term) and dt.date.fromisoformat(self.term) >= last)


@dataclass(frozen=True, slots=True)
class ChangedContract:
    """A contract that a scenario adds (``contract``), varies (``variation``) or takes out (neither)."""

    name: str
    contract: str
    variation: str
    data: str
    place: Place

    @property
    def out(self) -> bool:
        """Whether it is taken out."""
        return not self.contract and not self.variation


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is changed against no contract change.

    Attributes:
        population: by stream (and ``worsening``), how use differs from the start, as a share.
        behaviours: those that are switched on; ``None`` stands for all.
        effects: other sizes, by ``behaviour.what``.
    """

    name: str
    title: str
    contracts: Mapping[str, ChangedContract]
    population: Mapping[str, Fraction]
    behaviours: tuple[str, ...] | None
    effects: Mapping[str, float]
    future: Future
    file: str
    places: Mapping[str, Place] = field(default_factory=dict[str, Place])


def no_change() -> Scenario:
    """The scenario that changes nothing."""
    return Scenario(NO_CHANGE, "No contract change", {}, {}, (), {}, Future(), "")


def read_scenario(path: Path, *, behaviours: Collection[str], in_force: Collection[str]) -> Scenario:
    """A scenario from its file.

    Args:
        path: the file.
        behaviours: the names of the behaviours that there are.
        in_force: the names of the contracts of the place.

    Raises:
        DataRefused: with everything that is wrong with it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise DataRefused(
            Problem(Place(str(path), 0, 0), f"this scenario cannot be read: {why}", "check its path")
        ) from None
    tree = read_data(content, str(path))
    problems = conform(tree, _SCENARIO)
    if problems:
        raise DataRefused(problems)
    entries = fields_of(tree)
    contracts = {
        name: _changed(name, value, problems, in_force) for name, value in fields_of(entries.get("contracts")).items()
    }
    population = {
        name: _rate(value, problems, f"{name} of the population")
        for name, value in fields_of(entries.get("population")).items()
    }
    places: dict[str, Place] = {}
    switched = _switched(entries.get("behaviours"), behaviours, problems)
    effects: dict[str, float] = {}
    for name, value in fields_of(entries.get("effects")).items():
        places[name] = value.place
        effects[name] = float(text_of(value))
        behaviour = name.partition(".")[0]
        if behaviour not in behaviours:
            problems.append(
                Problem(
                    value.place,
                    f"there is no behaviour {behaviour}",
                    nearest(behaviour, behaviours) or "see docs/futures.md",
                )
            )
        if effects[name] < -100:
            problems.append(Problem(value.place, f"{effects[name]:g} % would leave less than nothing", "at least -100"))
        if effects[name] > MOST:
            said = f"{name} of {effects[name]:g} is more than twice what there is"
            problems.append(Problem(value.place, said, f"at most {MOST}, in per cent or points"))
    future = read_future(entries.get("future"), problems)
    if not (contracts or population or switched or switched is None or effects or future.said):
        problems.append(
            Problem(tree.place, "this scenario names nothing that it changes: it would be no contract change again",
                    "add contracts:, population:, behaviours: or future:")
        )  # fmt: skip
    if problems:
        raise DataRefused(problems)
    name = text_of(entries["scenario"])
    return Scenario(
        name, text_of(entries.get("title")) or name, contracts, population, switched, effects, future, str(path), places
    )


def _changed(name: str, value: Tree, problems: list[Problem], in_force: Collection[str]) -> ChangedContract:
    if isinstance(value, Scalar):
        if name not in in_force:
            problems.append(
                Problem(value.place, f"{name} is not in force here, so it cannot be taken out",
                        nearest(name, in_force) or f"in force are {', '.join(in_force) or 'none'}")
            )  # fmt: skip
        return ChangedContract(name, "", "", "", value.place)
    said = {key: text_of(inner) for key, inner in fields_of(value).items()}
    contract, variation = said.get("contract", ""), said.get("variation", "")
    if bool(contract) == bool(variation):
        found = "both contract and variation" if contract else "neither contract nor variation"
        fix = "contract: adds one, variation: changes the one in force"
        problems.append(Problem(value.place, f"{name} says {found}", fix))
    if variation and name not in in_force:
        fix = nearest(name, in_force) or f"in force are {', '.join(in_force) or 'none'}"
        problems.append(Problem(value.place, f"{name} is not in force here, so it cannot be varied", fix))
    if contract and name in in_force:
        fix = "vary it, or add the new one under another name"
        problems.append(Problem(value.place, f"{name} is in force already", fix))
    return ChangedContract(name, contract, variation, said.get("data", ""), value.place)


def _switched(tree: Tree | None, behaviours: Collection[str], problems: list[Problem]) -> tuple[str, ...] | None:
    if tree is None:
        return ()
    if isinstance(tree, Items):
        found: list[str] = []
        for item in items_of(tree):
            name = text_of(item)
            if name not in behaviours:
                problems.append(
                    Problem(
                        item.place,
                        f"there is no behaviour {name}",
                        nearest(name, behaviours) or f"there are {', '.join(behaviours)}",
                    )
                )
            found.append(name)
        return tuple(found)
    return None if text_of(tree) == "all" else ()


def _rate(tree: Tree, problems: list[Problem], what: str, most: float = 100) -> Fraction:
    rate = Fraction(text_of(tree).replace("_", ""))
    if not -100 < rate <= most:
        problems.append(
            Problem(tree.place, f"{what} of {float(rate):g} % is not possible", f"between -100 and {most:g} %")
        )
        return Fraction(0)
    return rate / 100


def read_future(tree: Tree | None, problems: list[Problem]) -> Future:
    """What every future year assumes; problems are collected. The shape has been looked at already (:data:`FUTURE`)."""
    if not isinstance(tree, Entries):
        return Future()
    entries = fields_of(tree)
    nominal = text_of(entries.get("money")) != "real"
    authority = text_of(entries.get("authority")) or "assumed for this simulation"
    if not nominal and "prices" in entries:
        problems.append(
            Problem(
                entries["prices"].place, "real money has no growth of prices", "take prices out, or say money: nominal"
            )
        )
    growth: dict[str, dict[str, Growth]] = {}
    for contract, rates in fields_of(entries.get("growth")).items():
        growth[contract] = {
            name: Growth(_rate(rate, problems, f"growth of {contract}.{name}"), authority, rate.place)
            for name, rate in fields_of(rates).items()
        }
    term = text_of(entries.get("term"))
    if term not in ("", "extended"):
        try:
            dt.date.fromisoformat(term)
        except ValueError:
            problems.append(Problem(entries["term"].place, f"{term} is not a day", "extended, or 2029-03-31"))
    said = {"money": "nominal"}
    return Future(
        nominal,
        _rate(entries["prices"], problems, "growth of prices") if "prices" in entries else Fraction(0),
        {name: _rate(value, problems, f"growth of {name}") for name, value in fields_of(entries.get("demand")).items()},
        growth,
        term,
        authority,
        frozenset(said.get(name, name) for name in entries),
    )


__all__ = ["FUTURE", "NO_CHANGE", "ChangedContract", "Future", "Scenario", "no_change", "read_future", "read_scenario"]
