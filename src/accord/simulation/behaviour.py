"""Behaviour: how people answer to money, as data. Each answer has a size with an interval, a time course and a source.

What is answered is never a contract by name but what the contract does: the part of each pound of hospital care not
spent that is kept (``stake``), what ten more points of rewarded work bring (``pays``), a stream of payment that there
is (``stream``). The pounds come from probes: the same contracts, settled in worlds where a little is moved. An answer
is to the difference from no contract change, so a contract that moves nothing leaves every event as it was.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.language.shape import IDENTIFIER, NUMBER, STATUS, TITLE, Choice, Field, ListOf, Record, conform
from accord.language.text import Tree, decode, fields_of, items_of, read_tree, text_of
from accord.library import BEHAVIOURS
from accord.simulation.choosing import CHOICE, Chosen, Providers, read_choice
from accord.simulation.draws import NORMAL_95
from accord.simulation.model import STREAMS

Numbers = NDArray[np.float64]

MOVED = (*STREAMS, "worsening", "chronic", "achievement", "adjustments", "registers", "expected", "participation")
"""What an effect can move: a stream, the course of illness, or what is reckoned with."""

POINTS = ("achievement", "adjustments")
"""Of these, effects are in points; of all others in per cent."""

_EFFECT = Record(
    "an effect",
    (
        Field("on", Choice(MOVED), "What is moved.", True),
        Field("percent", NUMBER, "How far, in per cent, at a dose of 1."),
        Field("points", NUMBER, "How far, in points, at a dose of 1."),
        Field("low", NUMBER, "The lower end of its 95 % interval.", True),
        Field("high", NUMBER, "The upper end of its 95 % interval.", True),
        Field("authority", TITLE, "Where the size comes from.", True),
        Field("status", STATUS, "How sure it is.", True),
        Field("note", TITLE, "A remark."),
    ),
)

_BEHAVIOUR = Record(
    "a behaviour",
    (
        Field("accord", Choice(("1",)), "The version of the language.", True),
        Field("behaviour", IDENTIFIER, "Its short name.", True),
        Field("title", TITLE, "What happens.", True),
        Field("why", TITLE, "Why people would."),
        Field("note", TITLE, "A remark."),
        Field(
            "answers",
            Record(
                "what it answers to",
                (
                    Field("stake", Choice(("hospital",)), "What is kept of each pound of hospital cost not spent."),
                    Field("pays", Choice(("indicators",)), "Pounds a patient for ten more points of rewarded work."),
                    Field("stream", TITLE, "A stream of payment that there is."),
                    Field("falls", Choice(STREAMS[:3]), "What fell because of other behaviours."),
                    Field("expects", Choice(("loss",)), "What a practice expects of a new contract."),
                    Field("scale", NUMBER, "Pounds at which 63 % of the effect is reached."),
                    Field("authority", TITLE, "Where the scale comes from."),
                    Field("status", STATUS, "How sure the scale is."),
                ),
            ),
            "What it answers to.",
            True,
        ),
        Field("effects", ListOf("effects", _EFFECT), "What it moves."),
        Field("chooses", CHOICE, "Who provides a kind of care instead: a choice between providers."),
        Field("begins", NUMBER, "Years before anything is seen.", True),
        Field("full_after", NUMBER, "Years until all of it is seen.", True),
        Field("lasts", NUMBER, "Years after which it fades though its cause goes on."),
        Field("half_life", NUMBER, "Years in which half of it fades when its cause is gone.", True),
        Field("most", NUMBER, "A cap on its size, in per cent or points."),
        Field(
            "withdrawn",
            Record(
                "what taking away does",
                (
                    Field("times", NUMBER, "How many times the size when the cause is taken away.", True),
                    Field("authority", TITLE, "Where that comes from.", True),
                    Field("status", STATUS, "How sure it is.", True),
                ),
            ),
            "Taking away acts otherwise than giving.",
        ),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Effect:
    """What is moved, and how far at a dose of 1: per cent, or points of an indicator."""

    on: str
    size: float
    low: float
    high: float
    authority: str
    status: str

    def at(self, deviate: float) -> float:
        """The size at a normal deviate: the interval is taken for 1.96 standard deviations to either side."""
        side = self.high - self.size if deviate >= 0 else self.size - self.low
        return self.size + deviate * side / NORMAL_95


@dataclass(frozen=True, slots=True)
class Behaviour:
    """An answer to money.

    Attributes:
        answers: what to: ``stake``, ``pays``, ``stream``, ``falls`` or ``expects``; ``to`` is what stands there.
        scale: pounds at which 63 % of the effect is reached; none: the answer is in proportion.
        begins, full_after, lasts, half_life: its time course in years.
        most: a cap on its size.
        withdrawn: how many times the size where the cause is taken away.
        chooses: a choice between providers, whose price is borne as strongly as the cause acts.
    """

    name: str
    title: str
    why: str
    answers: str
    to: str
    scale: float | None
    effects: tuple[Effect, ...]
    begins: float
    full_after: float
    lasts: float | None
    half_life: float
    most: float | None
    withdrawn: float
    place: Place
    chooses: Providers | None = None

    def dose(self, pounds: float) -> float:
        """How strongly so many pounds (or such a share) act, 1 at the most."""
        if self.scale is None:
            return float(np.clip(pounds, -1, 1))
        return float(np.sign(pounds) * (1 - np.exp(-abs(pounds) / self.scale)))

    def course(self, doses: Sequence[float]) -> list[float]:
        """How much of the full effect is there in each year, by the dose of each year."""
        out: list[float] = []
        since, level = 0, 0.0
        for dose in doses:
            if dose:
                since += 1
                level = dose * float(np.clip((since - self.begins) / max(self.full_after, 1), 0, 1))
                if dose < 0:
                    level *= self.withdrawn
                if self.lasts is not None and since > self.lasts:
                    level *= 0.5 ** ((since - self.lasts) / self.half_life)
            else:
                since, level = 0, level * 0.5 ** (1 / self.half_life) if level else 0.0
            out.append(level)
        return out


@dataclass(frozen=True, slots=True)
class Stakes:
    """What a set of contracts puts at stake in each year, from probes.

    Attributes:
        hospital: pounds kept for each pound of hospital cost not spent, ``[years]``.
        indicators: pounds a patient for ten more points of rewarded work, ``[years]``.
        streams: the streams of payment that there are.
        net: by contract, pounds that each practice can expect of it over all years, ``[practices]``.
    """

    hospital: tuple[float, ...]
    indicators: tuple[float, ...]
    streams: frozenset[str]
    net: Mapping[str, tuple[float, ...]] = field(default_factory=dict[str, tuple[float, ...]])


@dataclass(frozen=True, slots=True)
class Response:
    """What behaviour does in each year of one scenario.

    Attributes:
        change: multipliers as the person engine has them, but 1 is 1.0: ``[years, 2 + streams]``.
        moved: points of rewarded indicators, ``taken_out``: share of denominators, ``found``: factor of people on
            registers, ``expected``: factor; each ``[years]``.
        takes_part: by contract, which practices take part.
        chosen: by stream, who provides it.
    """

    change: Numbers
    moved: Numbers
    taken_out: Numbers
    found: Numbers
    expected: Numbers
    takes_part: Mapping[str, NDArray[np.bool_]]
    chosen: Mapping[str, tuple[Chosen, ...]] = field(default_factory=dict[str, tuple[Chosen, ...]])

    @property
    def silent(self) -> bool:
        """Whether it changes nothing at all."""
        return bool(
            (self.change == 1).all()
            and not self.moved.any()
            and not self.taken_out.any()
            and (self.found == 1).all()
            and (self.expected == 1).all()
            and not self.takes_part
        )


def unchanged(years: int) -> Response:
    """No answer at all."""
    return Response(
        np.ones((years, 2 + len(STREAMS))), np.zeros(years), np.zeros(years), np.ones(years), np.ones(years), {}
    )


def respond(
    behaviours: Sequence[Behaviour],
    now: Stakes,
    before: Stakes,
    years: int,
    *,
    chronic_share: float,
    elective_for_emergency: float = 1.0,
    numbers: Mapping[str, float] | None = None,
    deviates: Mapping[str, float] | None = None,
) -> Response:
    """What behaviours do under a scenario's stakes (``now``) against those of no contract change (``before``).

    Args:
        behaviours: those that are switched on.
        now: what the scenario puts at stake.
        before: what is at stake with no contract change.
        years: how many.
        chronic_share: share of emergency admissions that are for chronic ambulatory-care-sensitive conditions.
        elective_for_emergency: emergency admissions for each elective one, for beds that are filled again.
        numbers: how many there are of each stream, for care that is given as another instead; 1 of each otherwise.
        deviates: by behaviour, where in its interval its size lies, as a normal deviate.
    """
    out = unchanged(years)
    change = out.change
    takes_part: dict[str, NDArray[np.bool_]] = {}
    chosen: dict[str, tuple[Chosen, ...]] = {}
    later: list[Behaviour] = []
    for one in behaviours:
        if one.answers == "falls":
            later.append(one)
            continue
        if one.answers == "expects":
            for contract, net in now.net.items():
                if contract not in before.net and min(net, default=0.0) < 0:
                    takes_part[contract] = np.array(net) >= 0
            continue
        course = one.course(_doses(one, now, before, years))
        deviate = (deviates or {}).get(one.name, 0.0)
        if one.chooses is not None and any(course):
            chosen[one.chooses.of] = one.chooses.chosen(course, deviate)
            for year, level in enumerate(course):
                for stream, factor in one.chooses.factors(level, numbers or {}, deviate).items():
                    change[year, 2 + STREAMS.index(stream)] *= factor
        for effect in one.effects:
            size = effect.at(deviate)
            for year, level in enumerate(course):
                if level:
                    _apply(effect.on, _capped(size * level, one.most), year, out, chronic_share)
    for one in later:
        # what fell because of the others: beds that stand free
        column = 2 + STREAMS.index(one.to)
        free = np.maximum(1 - change[:, column], 0) * elective_for_emergency
        course = one.course([1.0] * years)
        for effect in one.effects:
            size = effect.at((deviates or {}).get(one.name, 0.0)) / 100
            change[:, 2 + STREAMS.index(effect.on)] *= 1 + size * free * np.array(course)
    return replace(out, takes_part=takes_part, chosen=chosen)


def _doses(one: Behaviour, now: Stakes, before: Stakes, years: int) -> list[float]:
    if one.answers == "stream":
        return [float(one.to in now.streams) - float(one.to in before.streams)] * years
    mine, theirs = (now.hospital, before.hospital) if one.answers == "stake" else (now.indicators, before.indicators)
    # equal stakes are no difference at all, not nearly none
    return [0.0 if a == b else one.dose(a) - one.dose(b) for a, b in zip(mine, theirs, strict=True)]


def _capped(size: float, most: float | None) -> float:
    return size if most is None else float(np.clip(size, -most, most))


def _apply(on: str, size: float, year: int, into: Response, chronic_share: float) -> None:
    change = into.change
    match on:
        case "achievement":
            into.moved[year] += size
        case "adjustments":
            into.taken_out[year] = min(into.taken_out[year] + max(size, 0) / 100, 0.5)
        case "registers":
            into.found[year] *= 1 + size / 100
        case "expected":
            into.expected[year] *= 1 + size / 100
        case "worsening":
            change[year, 0] *= 1 + size / 100
        case "chronic":
            # chronic admissions are part of the emergencies: both fall by as many
            all_of_them = 1 + size / 100 * chronic_share
            change[year, 1] *= (1 + size / 100) / all_of_them
            change[year, 2] *= all_of_them
        case _:
            change[year, 2 + STREAMS.index(on)] *= 1 + size / 100


# ------------------------------------------------------------------------------------------------------------- reading


def read_behaviour(path: Path) -> Behaviour:
    """A behaviour from its file; raises DataRefused with everything that is wrong with it."""
    tree = read_tree(decode(path.read_bytes(), str(path)))
    problems = conform(tree, _BEHAVIOUR)
    if problems:
        raise DataRefused(problems)
    entries = fields_of(tree)
    problems = []
    answers = fields_of(entries["answers"])
    kinds = [kind for kind in ("stake", "pays", "stream", "falls", "expects") if kind in answers]
    if len(kinds) != 1:
        said = " and ".join(kinds) or "nothing"
        problems.append(
            Problem(entries["answers"].place, f"it answers to {said}", "say one of stake, pays, stream, falls, expects")
        )
    if ("effects" in entries) == ("chooses" in entries):
        said = "both effects and a choice" if "effects" in entries else "nothing"
        problems.append(Problem(tree.place, f"it moves {said}", "say effects: or chooses:"))
    effects = [_effect(item, problems, kinds[:1]) for item in items_of(entries.get("effects"))]
    chooses = read_choice(entries.get("chooses"), problems)
    if chooses is not None and kinds[:1] not in (["stake"], ["stream"], ["pays"]):
        problems.append(Problem(entries["chooses"].place, "a choice answers to a stake, what pays, or a stream", ""))
    number = _number(entries, problems)
    scale = text_of(answers.get("scale"))
    if scale and float(scale) <= 0:
        problems.append(Problem(answers["scale"].place, "a scale is above 0", "pounds at which 63 % is reached"))
    if float(text_of(entries["half_life"])) <= 0:
        problems.append(Problem(entries["half_life"].place, "a half-life is above 0", "0.1 fades within months"))
    begins, full_after, half_life = number("begins", 0.0), number("full_after", 1.0), number("half_life", 1.0)
    lasts = number("lasts", 0.0) if "lasts" in entries else None
    most = number("most", 0.0) if "most" in entries else None
    withdrawn = fields_of(entries.get("withdrawn"))
    if problems:
        raise DataRefused(problems)
    return Behaviour(
        text_of(entries["behaviour"]),
        text_of(entries["title"]),
        text_of(entries.get("why")),
        kinds[0],
        text_of(answers[kinds[0]]),
        float(scale) if scale else None,
        tuple(effects),
        begins,
        full_after,
        lasts,
        half_life,
        most,
        float(text_of(withdrawn["times"])) if withdrawn else 1.0,
        tree.place,
        chooses,
    )


def _number(entries: Mapping[str, Tree], problems: list[Problem]) -> Callable[[str, float], float]:
    def read(name: str, otherwise: float) -> float:
        if name not in entries:
            return otherwise
        value = float(text_of(entries[name]))
        if value < 0 and name != "half_life":
            problems.append(Problem(entries[name].place, f"{name} is {value:g}, below 0", "years are counted from 0"))
        return value

    return read


def _effect(item: Tree, problems: list[Problem], kinds: Sequence[str]) -> Effect:
    said = fields_of(item)
    on = text_of(said["on"])
    unit = "points" if on in POINTS else "percent"
    other = "percent" if unit == "points" else "points"
    if unit not in said:
        fix = f"write {unit}: {text_of(said[other])}" if other in said else f"add {unit}:"
        problems.append(Problem(item.place, f"an effect on {on} is in {unit}", fix))
    size = float(text_of(said.get(unit, said.get(other))) or 0)
    low, high = float(text_of(said["low"])), float(text_of(said["high"]))
    if not low <= size <= high:
        problems.append(Problem(item.place, f"{size:g} does not lie between {low:g} and {high:g}", "mend the interval"))
    if low < -100:
        problems.append(Problem(said["low"].place, f"{low:g} % would leave less than nothing", "at least -100"))
    if on == "participation" and "expects" not in kinds:
        problems.append(
            Problem(said["on"].place, "taking part answers to what is expected", "answers: {expects: loss}")
        )
    return Effect(on, size, low, high, text_of(said["authority"]), text_of(said["status"]))


@cache
def library() -> Mapping[str, Behaviour]:
    """The behaviours of the library, by name."""
    found = [read_behaviour(path) for path in sorted(BEHAVIOURS.glob("*.yaml"))]
    return {one.name: one for one in found}


def known(folder: Path | None = None) -> Mapping[str, Behaviour]:
    """The behaviours of the library, and those in a folder, which go before them."""
    own = (
        [read_behaviour(path) for path in sorted(folder.glob("*.yaml"))]
        if folder is not None and folder.is_dir()
        else []
    )
    return {**library(), **{one.name: one for one in own}}
