"""Back-test: calibrated to all years of a record but the last, the engines simulate the last; what happened is known.

People are those of the last year's first day, with the burden that their own past suggests. Every draw takes other
multipliers as sure as they are, other practices' differences, another year that moves everybody together, and other
chance; 95 of 100 of what happened should lie where 95 of 100 draws lie. Two plain rivals stand beside: each practice's
(or group's) own rate of the year before carried forward, and the built-in rates as they are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.simulation import rounding
from accord.simulation.calibration import Calibration, history
from accord.simulation.calibration_file import age_group
from accord.simulation.cohort_engine import Cohort, cohort, expect
from accord.simulation.events import frequent
from accord.simulation.model import Model, model
from accord.simulation.on_record import There, people_on
from accord.simulation.people import CELLS, FIFTHS, SEXES
from accord.simulation.person_engine import simulate
from accord.simulation.recorded import STREAM_TABLES, Step, Year, quiet
from accord.simulation.results import AGE_GROUPS, LAZY, LAZY_AT, MONTHS, RESULTS
from accord.simulation.system import noise, seed_of
from accord.simulation.tables import ONE, tables

if TYPE_CHECKING:
    from accord.record.record import Record

Numbers = NDArray[np.float64]

DIVISIONS = ("all", "age", "sex", "fifth", "practice")
"""What figures are divided by."""

MONEY = ("emergency_cost", "elective_cost")
"""Quantities in pence."""

TITLES = {
    "emergency": "Emergency admissions",
    "elective": "Elective admissions",
    "attendances": "A&E attendances",
    "outpatient": "Outpatient attendances",
    "consultations": "Consultations in general practice",
    "community": "Community contacts",
    "mental_health": "Mental health contacts",
    "deaths": "Deaths",
    "emergency_cost": "Cost of emergency admissions",
    "elective_cost": "Cost of elective admissions",
    "people_years": "Person-years on lists",
}
"""What quantities are called."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure: what happened, what was simulated, and what two plain rivals say. Money is in pence.

    Attributes:
        division: one of ``DIVISIONS``; ``name``: which age group, sex, fifth or practice.
        observed: what happened; ``expected``: mean of the draws; ``low`` to ``high``: where 95 % of them lie.
        carried: the rate of the year before, carried forward; ``built_in``: the built-in rates.
        events: how many events stand behind ``observed`` (of money: admissions that have a cost).
        before: the same quantity in the year before, as ``carried`` has it; ``events_before``: events behind it.
        dominated: whether one or two people make most of a sum of money, in either year.
        withheld: whether it may not leave; nothing else of it is there then.
    """

    division: str
    name: str
    observed: float
    expected: float
    low: float
    high: float
    carried: float
    built_in: float
    events: float
    before: float = 0.0
    events_before: float = 0.0
    dominated: bool = False
    withheld: bool = False

    @property
    def inside(self) -> bool:
        """Whether what happened lies in the interval."""
        return self.low <= self.observed <= self.high


@dataclass(frozen=True, slots=True)
class Errors:
    """How wrong three ways were for one quantity: simulated, carried forward, built in (shares of what happened).

    ``total`` has a sign; ``practices`` is the sum of what practices were missed by, over what happened in them. None
    where what happened is withheld, or nothing did.
    """

    total: tuple[float, float, float] | None
    practices: tuple[float, float, float] | None


@dataclass(frozen=True, slots=True)
class BackTest:
    """The last year of a record, simulated from its first day by figures calibrated to the years before."""

    title: str
    calibrated_first: dt.date
    first: dt.date
    until: dt.date
    people: int
    draws: int
    seed: int
    found: Mapping[str, tuple[Compared, ...]]
    notes: tuple[str, ...]
    exact: bool = True

    def leaving(self) -> BackTest:
        """The same as it may leave: rounded, small counts withheld, and all else worked out of what is left."""
        found = {name: leaving(rows, name) for name, rows in self.found.items()}
        return replace(self, people=rounding.rounded(self.people), found=found, exact=False)

    def of(self, quantity: str, division: str) -> tuple[Compared, ...]:
        """The figures of a quantity by one division."""
        return tuple(one for one in self.found[quantity] if one.division == division)

    def coverage(self, division: str = "practice", quantity: str | None = None) -> tuple[int, int]:
        """How many figures lie inside their interval, and how many there are that are not withheld."""
        chosen = [quantity] if quantity else [name for name in self.found if name != "people_years"]
        rows = [one for name in chosen for one in self.of(name, division) if not one.withheld]
        return sum(one.inside for one in rows), len(rows)

    def errors(self, quantity: str) -> Errors:
        """How wrong the three ways were."""
        (whole,) = self.of(quantity, "all")
        practices = [one for one in self.of(quantity, "practice") if not one.withheld]
        return Errors(_total(whole), _missed(practices))

    def as_json(self) -> dict[str, Any]:
        """Everything that is there; what is withheld is ``*``."""
        return {
            "record": self.title,
            "calibrated": {"first": str(self.calibrated_first), "until": str(self.first)},
            "tested": {"first": str(self.first), "until": str(self.until)},
            "people": self.people,
            "draws": self.draws,
            "seed": self.seed,
            "exact": self.exact,
            "coverage": {
                division: dict(zip(("inside", "of"), self.coverage(division), strict=True)) for division in DIVISIONS
            },
            "errors": {
                name: {"total": _by_way(errors.total), "practices": _by_way(errors.practices)}
                for name in self.found
                for errors in (self.errors(name),)
            },
            "figures": {name: [_as_json(one) for one in rows] for name, rows in self.found.items()},
            "notes": list(self.notes),
        }


_WAYS = ("expected", "carried", "built_in")


def _total(whole: Compared) -> tuple[float, float, float] | None:
    """What three ways were off by in the whole, as shares of what happened."""
    if whole.withheld or whole.observed <= 0:
        return None
    one, two, three = ((getattr(whole, way) - whole.observed) / whole.observed for way in _WAYS)
    return one, two, three


def _missed(rows: Sequence[Compared]) -> tuple[float, float, float] | None:
    """What three ways missed rows by, added up, as shares of what happened in them."""
    happened = sum(one.observed for one in rows)
    if happened <= 0:
        return None
    one, two, three = (sum(abs(getattr(row, way) - row.observed) for row in rows) / happened for way in _WAYS)
    return one, two, three


def leaving(rows: Sequence[Compared], quantity: str) -> tuple[Compared, ...]:
    """Figures of a quantity as they may leave.

    1 to 7 events, in this year or the one before, are withheld and, where one alone of a division is, the next smallest
    too. Counts are rounded to the nearest 5, sums of money to the nearest 100 pounds: what happened, what was
    simulated, its interval and the rivals. What is carried forward comes of the rounded count of the year before.
    """
    hidden = [one.dominated or rounding.small(one.events) or rounding.small(one.events_before) for one in rows]
    for division in DIVISIONS[1:]:
        here = [number for number, one in enumerate(rows) if one.division == division]
        withheld = [number for number in here if hidden[number]]
        if len(withheld) == 1 and len(here) > 1:
            others = sorted((number for number in here if not hidden[number]), key=lambda number: rows[number].events)
            hidden[others[0]] = True
    to = rounding.pounds if quantity in MONEY else rounding.rounded
    return tuple(
        Compared(one.division, one.name, 0, 0, 0, 0, 0, 0, 0, withheld=True)
        if withheld
        else Compared(
            one.division,
            one.name,
            to(one.observed),
            to(one.expected),
            to(one.low),
            to(one.high),
            to(one.carried * to(one.before) / one.before if one.before else one.carried),
            to(one.built_in),
            rounding.rounded(one.events),
            to(one.before),
            rounding.rounded(one.events_before),
        )
        for one, withheld in zip(rows, hidden, strict=True)
    )


def _by_way(errors: tuple[float, float, float] | None) -> dict[str, float] | str:
    """Errors by the name of their way; ``*`` where there are none."""
    ways = ("simulated", "carried_forward", "built_in")
    return "*" if errors is None else {way: round(one, 4) for way, one in zip(ways, errors, strict=True)}


def _as_json(one: Compared) -> dict[str, Any]:
    if one.withheld:
        return {"by": one.division, "of": one.name, "observed": "*"}
    return {
        "by": one.division,
        "of": one.name,
        "observed": round(one.observed, 1),
        "expected": round(one.expected, 1),
        "low": round(one.low, 1),
        "high": round(one.high, 1),
        "inside": one.inside,
        "carried_forward": round(one.carried, 1),
        "built_in": round(one.built_in, 1),
    }


# -- testing -----------------------------------------------------------------------------------------------------------


def refuse_short(record: Record, spans: Sequence[tuple[dt.date, dt.date]]) -> None:
    """Refuse a history that is too short for a back-test."""
    if len(spans) < 2:
        said = f"the record has one whole year, from {spans[0][0]} until {spans[0][1]}, and a back-test needs two"
        fix = "--no-back-test calibrates to that year without one"
        raise DataRefused(Problem(Place(str(record.folder), 0, 0), said, fix))


def tested(
    made: Calibration,
    held: Sequence[Year],
    *,
    draws: int = 200,
    seed: int = 1,
    on_step: Step = quiet,
    on_draw: Callable[[int, int], None] | None = None,
) -> BackTest:
    """Compare the last of some years of a record with what is simulated of it.

    Args:
        made: a calibration to all of the years but the last.
        held: the years, oldest first.
        draws: how many draws of the last year.
        seed: which chance.
        on_step: told what is being done.
        on_draw: told how many draws there are, and of how many.
    """
    last = held[-1]
    own = model(None, made.figures)
    there = people_on(last, own, history(held[:-1], own, made.practices), births=1)
    on_step("simulating the last year")
    simulated = _simulated(made, there, draws, seed, on_draw)
    on_step("comparing")
    codes = list(there.practices)
    quantities = [name for name in (*last.streams, "deaths", *MONEY) if name not in MONEY or name in made.multipliers]
    exposure = simulated["people_years"].mean(axis=0)
    built_in = _built_in(there)
    found: dict[str, tuple[Compared, ...]] = {}
    for name in (*quantities, "people_years"):
        values, events = _observed(last, name)
        before, events_before = _observed(held[-2], name)
        before_years = _observed(held[-2], "people_years")[0]
        rows: list[Compared] = []
        for division in DIVISIONS:
            labels, now = _labels(last, division, codes)
            _, earlier = _labels(held[-2], division, codes)
            drawn = _divided(simulated[name], division)
            rival = _divided(built_in[name][None], division)[0]
            years_ahead = _divided(exposure[None], division)[0]
            sums = _sums(now, values, len(labels))
            counts = _sums(now, events, len(labels))
            past = _sums(earlier, before, len(labels))
            past_events = _sums(earlier, events_before, len(labels))
            rate = past / np.maximum(_sums(earlier, before_years, len(labels)), 1e-9)
            dominated = np.zeros(len(labels), bool)
            if name in MONEY:
                dominated = _dominated(now, values, len(labels)) | _dominated(earlier, before, len(labels))
            low, high = np.percentile(drawn, (2.5, 97.5), axis=0)
            mean = drawn.mean(axis=0)
            rows += [
                Compared(
                    division, label, float(sums[n]), float(mean[n]), float(low[n]), float(high[n]),
                    float(rate[n] * years_ahead[n]), float(rival[n]), float(counts[n]), float(past[n]),
                    float(past_events[n]), bool(dominated[n]),
                )
                for n, label in enumerate(labels)
            ]  # fmt: skip
        found[name] = tuple(rows)
    elsewhere = sorted(set(last.practices) - set(codes))
    notes = [*made.notes, *last.notes]
    if elsewhere:
        notes.append(f"{len(elsewhere)} practices had nobody on the first day: their people count in the whole only")
    return BackTest(
        made.title,
        made.first,
        last.first,
        last.until,
        len(there.persons),
        draws,
        seed,
        found,
        tuple(dict.fromkeys(notes)),
    )


def _observed(year: Year, quantity: str) -> tuple[Numbers, Numbers]:
    """What each entry of a year counts, and how many events are behind it."""
    if quantity == "deaths":
        return year.died.astype(float), year.died.astype(float)
    if quantity == "people_years":
        return year.exposure / 12, (year.days > 0).astype(float)
    if quantity in MONEY:
        at = MONEY.index(quantity)
        return year.cost[at].astype(float), year.costed[at].astype(float)
    events = year.events[year.streams.index(quantity)].astype(float)
    return events, events


def _labels(year: Year, division: str, codes: Sequence[str]) -> tuple[list[str], NDArray[np.int64]]:
    """The names of a division, and each entry's place in them (-1: in none)."""
    if division == "all":
        return ["all"], np.zeros(len(year.person), np.int64)
    if division == "age":
        return [age_group(number) for number in range(len(AGE_GROUPS))], year.group // CELLS
    if division == "sex":
        return list(SEXES), year.cell // FIFTHS
    if division == "fifth":
        return [str(fifth + 1) for fifth in range(FIFTHS)], year.cell % FIFTHS
    number = np.array([codes.index(code) if code in codes else -1 for code in year.practices])
    return list(codes), number[year.practice]


def _sums(place: NDArray[np.int64], values: Numbers, count: int) -> Numbers:
    known = place >= 0
    return np.bincount(place[known], weights=values[known], minlength=count).astype(np.float64)


def _dominated(place: NDArray[np.int64], values: Numbers, count: int) -> NDArray[np.bool_]:
    """Whether the two people with the largest sums make more of each whole than may be shown."""
    from accord.record.disclosure import rules

    out = np.zeros(count, bool)
    order = np.lexsort((-values, place))
    bounds = np.searchsorted(place[order], np.arange(count + 1))
    for number in range(count):
        here = values[order[bounds[number] : bounds[number + 1]]]
        whole = float(here.sum())
        out[number] = whole > 0 and float(here[:2].sum()) * 100 > rules().share * whole
    return out


def _divided(values: Numbers, division: str) -> Numbers:
    """Values ``[draws, practices, age groups, cells]`` by the names of a division."""
    draws = len(values)
    if division == "all":
        return values.sum(axis=(1, 2, 3))[:, None]
    if division == "practice":
        return values.sum(axis=(2, 3))
    groups = values.sum(axis=1)
    if division == "age":
        return groups.sum(axis=2)
    split = groups.sum(axis=1).reshape(draws, len(SEXES), FIFTHS)
    return split.sum(axis=2) if division == "sex" else split.sum(axis=1)


def _simulated(
    made: Calibration, there: There, draws: int, seed: int, on_draw: Callable[[int, int], None] | None
) -> dict[str, Numbers]:
    """Draws of the year by quantity, ``[draws, practices, age groups, cells]``."""
    practices = len(there.practices)
    names = [*STREAM_TABLES, "deaths", *MONEY, "people_years"]
    out = {name: np.zeros((draws, practices, len(AGE_GROUPS), CELLS)) for name in names}
    for draw in range(draws):
        random = np.random.Generator(np.random.PCG64([seed, draw]))
        figures = made.drawn(random)
        built = model(None, figures)
        change = made.practices.of(there.practices, random)[None, :, None, :]
        change[..., 2:] *= noise(built, seed, draw, 1)[0]
        whole = np.round(change * ONE).astype(np.uint32)
        chance = seed_of(seed, draw)
        counts = simulate(there.people, tables(built), 1, chance, whole).counts
        contacts = frequent(counts, chance)[0, :, 0]
        by_group = counts[0, :, 0].reshape(practices, len(AGE_GROUPS), CELLS, len(RESULTS))
        for name in (*STREAM_TABLES, "deaths", *MONEY):
            if name not in LAZY:
                out[name][draw] = by_group[..., RESULTS.index(name)]
        out["people_years"][draw] = by_group[..., MONTHS] / 12
        for number, name in enumerate(LAZY):
            if name not in out:
                continue
            exposed = counts[0, :, 0, :, LAZY_AT + number].astype(float)
            for practice in range(practices):
                share = exposed[practice] / max(exposed[practice].sum(), 1.0)
                if share.sum() > 0:
                    split = random.multinomial(int(contacts[practice, number]), share / share.sum())
                    out[name][draw, practice] = split.reshape(len(AGE_GROUPS), CELLS)
        if on_draw:
            on_draw(draw + 1, draws)
    return out


def _built_in(there: There) -> dict[str, Numbers]:
    """What the built-in rates expect, ``[practices, age groups, cells]``, with the built-in mix of states."""
    built = model()
    practices = len(there.practices)
    names = [*STREAM_TABLES, "deaths", *MONEY, "people_years"]
    out = {name: np.zeros((practices, len(AGE_GROUPS), CELLS)) for name in names}
    for number in range(practices):
        here = slice(int(there.people.offsets[number]), int(there.people.offsets[number + 1]))
        alone = replace(
            there.people,
            offsets=np.array([0, here.stop - here.start]),
            months=there.people.months[here],
            cell=there.people.cell[here],
            state=there.people.state[here],
            burden=there.people.burden[here],
        )
        expected = expect(_usual(cohort(alone, 1), built), built, 1)[0]
        expected = expected.reshape(len(AGE_GROUPS), CELLS, len(RESULTS))
        for name in names:
            at = MONTHS if name == "people_years" else RESULTS.index(name)
            out[name][number] = expected[..., at] / (12 if name == "people_years" else 1)
    return out


def _usual(counted: Cohort, built: Model) -> Cohort:
    """The same people with the model's own mix of states."""
    births = counted.births.sum(axis=3)[..., None] * built.mix[None, :, 0, None, :]
    return Cohort(counted.here.sum(axis=2)[..., None] * built.mix, births)
