"""Calibration: the model's figures as a place's own record has them, each as sure as the record makes it.

What the engines expect of the people who were there is compared with what happened to them, by age group, sex and
deprivation fifth; multipliers are believed as far as numbers go (:mod:`accord.simulation.credibility`). How people of
one age, sex and fifth differ is taken from the record too: how many have which conditions and frailty, how much more
they use, how far use comes together in the same persons within a year and over years, and what practices differ by
beyond chance. Everything else stays as it is built in.

A calibration leaves the place. All of it is worked out of counts that may leave (:mod:`accord.simulation.rounding`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accord.simulation import rounding
from accord.simulation.cohort_engine import expect
from accord.simulation.credibility import GROUPS, Multipliers, believe
from accord.simulation.draws import NORMAL_95
from accord.simulation.heterogeneity import cost_spread, heterogeneity
from accord.simulation.model import DRAWN, STREAMS, Figures, Model, Parameter, model, published
from accord.simulation.observed import cohort_of, expected_of, grouped, multipliers_of, static
from accord.simulation.on_record import History
from accord.simulation.people import AGES, CELLS
from accord.simulation.prevalence import moving, prevalences
from accord.simulation.recorded import PAID, STREAM_TABLES, Step, Year, quiet
from accord.simulation.results import (
    CHRONICS,
    DAYS,
    EMERGENCY,
    GROUP_OF_AGE,
    MONTHS,
    RESULTS,
)
from accord.simulation.sourced import Saying, assumed
from accord.simulation.use_by_state import use_by_state

if TYPE_CHECKING:
    from accord.record.record import Record

Numbers = NDArray[np.float64]

CURVE_OF = {"deaths": "mortality", "emergency_cost": "emergency_cost", "elective_cost": "elective_cost"}
"""The curve that a quantity's multipliers are laid upon, where it has another name."""


@dataclass(frozen=True, slots=True)
class Practices:
    """What practices differ by beyond the ages, sexes, fifths and states of their people.

    ``value`` and ``doubt`` (standard deviation of the logarithm) are ``[practices, streams]``; ``between`` is the
    standard deviation between practices by stream; ``events`` those behind each.
    """

    codes: tuple[str, ...]
    streams: tuple[str, ...]
    value: Numbers
    doubt: Numbers
    between: Mapping[str, float]
    events: Numbers

    def of(self, codes: Sequence[str], random: np.random.Generator | None = None) -> Numbers:
        """Multipliers ``[practices, 2 + streams]`` as of the engines; drawn as they might be as well, if asked.

        A practice that is not known has 1, or one of those that practices differ by.
        """
        out = np.ones((len(codes), 2 + len(STREAMS)))
        known = {code: number for number, code in enumerate(self.codes)}
        place = np.array([known.get(code, -1) for code in codes])
        for number, stream in enumerate(self.streams):
            value = np.where(place >= 0, self.value[place, number], 1.0)
            if random is not None:
                doubt = np.where(place >= 0, self.doubt[place, number], self.between[stream])
                value = value * np.exp(doubt * random.standard_normal(len(codes)) - doubt**2 / 2)
            out[:, 2 + STREAMS.index(stream)] = value
        return out


@dataclass(frozen=True, slots=True)
class Calibration:
    """A place's own figures.

    Attributes:
        title: what the record is; ``first`` to ``until``: the days that it was calibrated to.
        people_years: person-years in them; ``practices``: what practices differ by.
        multipliers: by quantity (streams, ``deaths``, ``emergency_cost``, ``elective_cost``), upon built-in curves.
        parameters: single figures of the place's own, by name.
        spread: what the spread of an admission's cost is multiplied with, for emergency and elective.
        by_year: for each quantity, observed and expected of each year at the place's own figures.
        notes: what was left out, or not told by the record.
    """

    title: str
    first: dt.date
    until: dt.date
    people_years: float
    multipliers: Mapping[str, Multipliers]
    parameters: Mapping[str, Parameter]
    spread: Mapping[str, float]
    practices: Practices
    by_year: Mapping[str, tuple[tuple[float, float], ...]]
    notes: tuple[str, ...]

    @property
    def figures(self) -> Figures:
        """What a model of the place is made of."""
        return self._figures({name: one.value for name, one in self.multipliers.items()})

    def drawn(self, random: np.random.Generator) -> Figures:
        """The same with multipliers as they might be as well."""
        return self._figures({name: one.drawn(random) for name, one in self.multipliers.items()})

    def _figures(self, by_group: Mapping[str, Numbers]) -> Figures:
        built_in = published()
        return Figures({**built_in.parameters, **self.parameters}, laid(built_in.curves, by_group, self.spread))


def laid(
    curves: Mapping[str, Numbers], by_group: Mapping[str, Numbers], spread: Mapping[str, float]
) -> dict[str, Numbers]:
    """Curves with multipliers by group laid upon them."""
    out = dict(curves)
    for name, each in by_group.items():
        curve = CURVE_OF.get(name, name)
        out[curve] = out.get(curve, np.ones((CELLS, AGES))) * each[GROUP_OF_AGE].T
    for name, factor in spread.items():
        out[f"{name}_spread"] = out[f"{name}_spread"] * factor
    return out


def calibrated(record: Record, held: Sequence[Year], *, on_step: Step = quiet) -> Calibration:
    """Calibrate to some years of a record (see :func:`accord.simulation.recorded.years`)."""
    first, until = held[0].first, held[-1].until
    people_years = float(sum(year.exposure.sum() for year in held) / 12)
    say = Saying(f"the place's own record, {first} to {until - dt.timedelta(1)}", people_years)
    on_step("states")
    own = dict(moving(held, say))
    own |= prevalences(held, own, say)
    on_step("use by state")
    own |= use_by_state(held, own, say)
    figures = Figures({**published().parameters, **own}, published().curves)
    on_step("rates by age, sex and deprivation")
    expected = [expected_of(year, model(None, figures)) for year in held]
    found = multipliers_of(held, expected, model(None, figures))
    spread = cost_spread(held, found, figures)
    on_step("how people differ")
    levels = {name: one.value for name, one in found.items()}
    figures = Figures(figures.parameters, laid(figures.curves, levels, spread))
    own |= heterogeneity(held, model(None, figures), say)
    on_step("practices")
    figures = Figures({**figures.parameters, **own}, figures.curves)
    practices = _practices(held, model(None, figures), found)
    own |= _stays(record, held, model(None, figures), say)
    own |= _levels(found, own)
    made = Calibration(
        title=_name(record),
        first=first,
        until=until,
        people_years=people_years,
        multipliers=found,
        parameters=own,
        spread=spread,
        practices=practices,
        by_year=_by_year(held, expected, found),
        notes=_notes(held),
    )
    return made


def _name(record: Record) -> str:
    """What a record is called: its folder, or that of its place."""
    folder = record.folder.resolve()
    return folder.parent.name if folder.name == "record" else folder.name


def _notes(held: Sequence[Year]) -> tuple[str, ...]:
    notes = [note for year in held for note in year.notes]
    told, streams = held[-1].told, held[-1].streams
    for name in ("morbidity", "frailty"):
        if name not in told:
            notes.append(
                f"the record tells no {name}: it is drawn from the built-in model, at each person's age and cell"
            )
    for name in STREAMS:
        if name not in STREAM_TABLES:
            notes.append(f"{name.replace('_', ' ')}: not calibrated, built-in rates stay")
        elif name not in streams:
            notes.append(f"{name.replace('_', ' ')}: the record has no {STREAM_TABLES[name]}, built-in rates stay")
    for number, name in enumerate(PAID):
        if not sum(int(year.costed[number].sum()) for year in held):
            notes.append(f"{name} admissions have no cost in the record: built-in costs stay")
    return tuple(dict.fromkeys(notes))


# -- practices, stays, levels ------------------------------------------------------------------------------------------


def _practices(held: Sequence[Year], built_in: Model, found: Mapping[str, Multipliers]) -> Practices:
    """What practices differ by, given their people's ages, sexes, fifths and states."""
    codes = tuple(sorted({code for year in held for code in year.practices}))
    streams = held[-1].streams
    observed, expected = np.zeros((len(codes), len(streams))), np.zeros((len(codes), len(streams)))
    for year in held:
        for number, code in enumerate(year.practices):
            which = year.practice == number
            at = codes.index(code)
            each = expect(cohort_of(year, built_in, which), built_in, 1)[0].reshape(*GROUPS, len(RESULTS))
            each = each / each[..., MONTHS : MONTHS + 1]
            exposure = np.zeros(GROUPS[0] * GROUPS[1])
            np.add.at(exposure, year.group[which], year.exposure[which])
            expected[at] += [(exposure.reshape(GROUPS) * each[..., RESULTS.index(name)]).sum() for name in streams]
            observed[at] += year.events[:, which].sum(axis=1)
    value, doubt = np.ones(observed.shape), np.zeros(observed.shape)
    between: dict[str, float] = {}
    for number, name in enumerate(streams):
        whole = rounding.rounded(observed[:, number].sum()) / max(expected[:, number].sum(), 1e-9)
        thought = expected[:, number] * whole
        shown, hidden = rounding.each(observed[:, number])
        one = believe(np.where(hidden, thought, shown), thought, found[name].dispersion)
        if len(codes) > 1:
            value[:, number], doubt[:, number], between[name] = one.value, one.doubt, one.between
        else:
            between[name] = 0.0
    return Practices(codes, streams, value, doubt, between, observed)


def _stays(record: Record, held: Sequence[Year], built_in: Model, say: Saying) -> dict[str, Parameter]:
    """Days of an emergency stay, and the share of emergencies for chronic conditions, as the record has them."""
    at = list(held[-1].streams).index("emergency")
    expected = [expected_of(year, built_in) for year in held]
    emergencies = [grouped(year, year.events[at]) for year in held]
    found: dict[str, Parameter] = {}

    def thought(result: int) -> float:
        return sum(
            float((count * one[..., result] / one[..., EMERGENCY]).sum())
            for count, one in zip(emergencies, expected, strict=True)
        )

    number = float(sum(one.sum() for one in emergencies))
    nights = float(sum(year.nights.sum() for year in held))
    if nights and number and not rounding.small(number):
        number = rounding.rounded(number)
        ratio, own = nights / thought(DAYS), built_in.parameters["stay_emergency"].value
        doubt = assumed("stay_variation") / np.sqrt(number)
        found["stay_emergency"] = say("stay_emergency", own * ratio, doubt, "days of an emergency stay")
    if record.files("diagnoses") and number:
        from accord.measures.calls import measure

        chronic = sum(
            float(row.numerator or 0)
            for year in held
            for row in measure(record, "emergency-admissions-chronic", first=year.first, until=year.until)
            .figures[0]
            .rows
        )
        if chronic and not rounding.small(chronic):
            chronic = rounding.rounded(chronic)
            ratio, own = chronic / thought(CHRONICS), built_in.parameters["chronic_share"].value
            note = "emergency admissions for chronic conditions (the library's measure)"
            found["chronic_share"] = say("chronic_share", own * ratio, 1 / np.sqrt(chronic), note)
    return found


_LEVEL_OF = {"attendances": "attendances", "consultations": "consultations", "community": "community"}
"""Single figures that carry a stream's level, so that how sure it is stands there."""


def _levels(found: Mapping[str, Multipliers], own: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Intervals of the figures that carry a stream's level: as sure as the place's own level is."""
    out: dict[str, Parameter] = {}
    names = {**_LEVEL_OF, "mental_health": "mental_health", "emergency": "episodes_emergency"}
    for stream, name in names.items():
        if stream not in found:
            continue
        one = {**published().parameters, **own}[name]
        doubt = found[stream].doubt
        note = (
            "the built-in figure; its level here is in the multipliers, its interval is that of the place's own level"
        )
        low, high = one.value * np.exp(-NORMAL_95 * doubt), one.value * np.exp(NORMAL_95 * doubt)
        out[name] = replace(one, low=float(low), high=float(high), note=note)
    return out


def _by_year(
    held: Sequence[Year], expected: Sequence[Numbers], found: Mapping[str, Multipliers]
) -> dict[str, tuple[tuple[float, float], ...]]:
    """Observed and expected of each stream and year."""
    out: dict[str, tuple[tuple[float, float], ...]] = {}
    for number, stream in enumerate(held[-1].streams):
        at = RESULTS.index(stream)
        out[stream] = tuple(
            (
                float(year.events[number].sum()),
                float((grouped(year, year.exposure) * each[..., at] * found[stream].value).sum()),
            )
            for year, each in zip(held, expected, strict=True)
        )
    return out


def history(held: Sequence[Year], built_in: Model, practices: Practices) -> History:
    """What each person used and was expected to use in some years, all drawn streams together."""
    counted: list[Numbers] = []
    thought: list[Numbers] = []
    for year in held:
        drawn = [name for name in year.streams if name in DRAWN]
        factor = practices.of(year.practices)
        each = [static(year, built_in, name) * factor[year.practice, 2 + STREAMS.index(name)] for name in drawn]
        thought.append(np.sum(each, axis=0))
        counted.append(np.sum([year.events[year.streams.index(name)] for name in drawn], axis=0).astype(float))
    persons, place = np.unique(np.concatenate([year.person for year in held]), return_inverse=True)
    return History(
        persons,
        np.bincount(place, weights=np.concatenate(counted)).astype(np.float64),
        np.bincount(place, weights=np.concatenate(thought)).astype(np.float64),
    )
