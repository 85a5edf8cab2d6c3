"""Choosing: who provides a kind of care, as a small multinomial logit that is data (make or buy).

Today's shares of the alternatives stand for all that does not change: distance, waiting, quality, habit. What changes
is how much of the price the chooser bears, so an alternative of price p is chosen with a probability in proportion to
``share * exp(-weight * borne * p)``. Some patients choose for themselves and go where they go today.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accord.language.problem import Problem
from accord.language.shape import NUMBER, STATUS, TITLE, Choice, Field, ListOf, Record
from accord.language.text import Tree, fields_of, items_of, text_of
from accord.simulation.draws import NORMAL_95
from accord.simulation.model import STREAMS

_SOURCED = (
    Field("authority", TITLE, "Where it comes from.", True),
    Field("status", STATUS, "How sure it is.", True),
)

CHOICE = Record(
    "a choice between providers",
    (
        Field("of", Choice(STREAMS), "What is provided.", True),
        Field(
            "weight",
            Record("a weight", (
                Field("value", NUMBER, "How much a pound of price that is borne weighs.", True),
                Field("low", NUMBER, "The lower end of its 95 % interval.", True),
                Field("high", NUMBER, "The upper end of its 95 % interval.", True),
                *_SOURCED,
            )),
            "How much price weighs.",
            True,
        ),
        Field(
            "patients",
            Record("patients who choose", (Field("value", NUMBER, "Per cent of them.", True), *_SOURCED)),
            "How many choose for themselves, whatever anybody bears.",
            True,
        ),
        Field(
            "among",
            ListOf("alternatives", Record("an alternative", (
                Field("provider", TITLE, "Who.", True),
                Field("share", NUMBER, "Per cent of today's care.", True),
                Field("price", NUMBER, "Pounds for each.", True),
                Field("as", Choice(STREAMS), "What it is counted as, where that is something else."),
                *_SOURCED,
            ))),
            "Who could provide it.",
            True,
        ),
    ),
)  # fmt: skip
"""The shape of ``chooses:`` in a behaviour."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """Somebody who could provide it: today's share, pounds for each, and the stream that it is counted in."""

    provider: str
    share: float
    price: float
    stream: str
    authority: str
    status: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """Shares of an alternative: today's, and those of each year."""

    provider: str
    today: float
    years: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Providers:
    """A choice: of which stream, how much price weighs, and among whom. ``patients`` is the share who choose."""

    of: str
    weight: float
    low: float
    high: float
    patients: float
    among: tuple[Alternative, ...]
    authority: str
    status: str

    def shares(self, borne: float, deviate: float = 0.0) -> tuple[float, ...]:
        """The share of each alternative where so much of each pound of price is borne (0: as today)."""
        if not borne:
            return tuple(one.share for one in self.among)
        side = self.high - self.weight if deviate >= 0 else self.weight - self.low
        weight = self.weight + deviate * side / NORMAL_95
        utility = [one.share * math.exp(-weight * borne * one.price) for one in self.among]
        whole = sum(utility)
        return tuple(
            self.patients * one.share + (1 - self.patients) * each / whole
            for one, each in zip(self.among, utility, strict=True)
        )

    def chosen(self, course: Sequence[float], deviate: float = 0.0) -> tuple[Chosen, ...]:
        """Shares of every year, by how much is borne in each."""
        years = [self.shares(level, deviate) for level in course]
        return tuple(
            Chosen(one.provider, one.share, tuple(each[place] for each in years))
            for place, one in enumerate(self.among)
        )

    def factors(self, borne: float, numbers: Mapping[str, float], deviate: float = 0.0) -> dict[str, float]:
        """What each stream is multiplied with, by how many there are of each stream today."""
        shares = self.shares(borne, deviate)
        outside = [place for place, one in enumerate(self.among) if one.stream != self.of]
        before = 1 - sum(self.among[place].share for place in outside)
        out = {self.of: (1 - sum(shares[place] for place in outside)) / before}
        for place in outside:
            one = self.among[place]
            more = (shares[place] - one.share) / before * numbers.get(self.of, 1.0) / numbers.get(one.stream, 1.0)
            out[one.stream] = out.get(one.stream, 1.0) + more
        return out


def read_choice(tree: Tree | None, problems: list[Problem]) -> Providers | None:
    """A choice of a behaviour; problems are collected. The shape has been looked at already (:data:`CHOICE`)."""
    if tree is None:
        return None
    entries = fields_of(tree)
    of = text_of(entries["of"])
    weight = {name: text_of(value) for name, value in fields_of(entries["weight"]).items()}
    value, low, high = (float(weight[name]) for name in ("value", "low", "high"))
    if not 0 <= low <= value <= high:
        fix = "0 <= low <= value <= high: a higher price is never a reason to choose somebody"
        problems.append(
            Problem(entries["weight"].place, f"{low:g}, {value:g}, {high:g} is no interval of weights", fix)
        )
    patients = float(text_of(fields_of(entries["patients"])["value"]))
    if not 0 <= patients <= 100:
        problems.append(Problem(entries["patients"].place, f"{patients:g} % of patients", "between 0 and 100"))
    among: list[Alternative] = []
    for item in items_of(entries["among"]):
        said = {name: text_of(inner) for name, inner in fields_of(item).items()}
        share, price = float(said["share"]), float(said["price"])
        if share <= 0 or price < 0:
            problems.append(Problem(item.place, f"a share of {share:g} % and a price of {price:g}", "both above 0"))
        if said["provider"] in [one.provider for one in among]:
            problems.append(Problem(item.place, f"{said['provider']} stands here twice", "keep one"))
        among.append(
            Alternative(said["provider"], share / 100, price, said.get("as") or of, said["authority"], said["status"])
        )
    whole = sum(one.share for one in among)
    if abs(whole - 1) > 1e-6:
        problems.append(Problem(entries["among"].place, f"shares are {100 * whole:g} % together", "make them 100"))
    if len(among) < 2 or all(one.stream != of for one in among):
        fix = f"two or more, one of them counted as {of}"
        problems.append(Problem(entries["among"].place, "there is nothing to choose", fix))
    return Providers(of, value, low, high, patients / 100, tuple(among), weight["authority"], weight["status"])
