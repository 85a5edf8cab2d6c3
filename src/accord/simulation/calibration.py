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
from scipy import optimize

from accord.simulation import rounding
from accord.simulation.cohort_engine import Cohort, expect
from accord.simulation.credibility import GROUPS, Multipliers, believe, multipliers
from accord.simulation.draws import NORMAL_95
from accord.simulation.model import DRAWN, STREAMS, Figures, Model, Parameter, model, published
from accord.simulation.people import AGES, CELLS, FIFTHS, FRAILTY, MORBIDITY, STATES
from accord.simulation.recorded import PAID, STREAM_TABLES, History, Step, Year, completed, quiet
from accord.simulation.results import (
    CHRONICS,
    DAYS,
    DEATHS,
    ELECTIVE,
    ELECTIVE_COST,
    EMERGENCY,
    EMERGENCY_COST,
    GROUP_OF_AGE,
    MONTHS,
    RESULTS,
)

if TYPE_CHECKING:
    from accord.record.record import Record

Numbers = NDArray[np.float64]

PARTS = 20
"""Parts of the people of which each is left out in turn, to see how sure a figure is (jackknife)."""

CURVE_OF = {"deaths": "mortality", "emergency_cost": "emergency_cost", "elective_cost": "elective_cost"}
"""The curve that a quantity's multipliers are laid upon, where it has another name."""

SPREAD_DOUBT = 0.2
"""Standard deviation of the logarithm by which a place's spread of costs may differ from the built-in (assumed)."""


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
    say = _Saying(f"the place's own record, {first} to {until - dt.timedelta(1)}", people_years)
    on_step("states")
    own = dict(_moving(held, say))
    own |= _prevalences(held, own, say)
    on_step("use by state")
    own |= _by_state(held, own, say)
    figures = Figures({**published().parameters, **own}, published().curves)
    on_step("rates by age, sex and deprivation")
    expected = [_expected(year, model(None, figures)) for year in held]
    found = _multipliers(held, expected, model(None, figures))
    spread = _cost_spread(held, found, figures)
    on_step("how people differ")
    levels = {name: one.value for name, one in found.items()}
    figures = Figures(figures.parameters, laid(figures.curves, levels, spread))
    own |= _heterogeneity(held, model(None, figures), say)
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


@dataclass(frozen=True, slots=True)
class _Saying:
    """How a figure says where it comes from."""

    authority: str
    people_years: float

    def __call__(self, name: str, value: float, doubt: float, note: str = "") -> Parameter:
        """A figure; ``doubt`` is the standard deviation of its logarithm."""
        behind = f"{rounding.rounded(self.people_years):,} person-years behind it"
        low, high = value * np.exp(-NORMAL_95 * doubt), value * np.exp(NORMAL_95 * doubt)
        said = f"{note}; {behind}" if note else behind
        return Parameter(name, float(value), float(low), float(high), self.authority, "derived", said)


# -- states ------------------------------------------------------------------------------------------------------------


def _moving(held: Sequence[Year], say: _Saying) -> dict[str, Parameter]:
    """How many leave a list in a year, and births."""
    months = sum(float(year.days[year.here].sum() / year.length * 12) for year in held)
    left = sum(int((year.left & year.here).sum()) for year in held)
    women = sum(
        int((year.here & (year.cell < FIFTHS) & (year.age >= 15) & (year.age <= 44) & (year.months >= 0)).sum())
        for year in held
    )
    born = sum(int(((year.months <= 0) & ~year.here).sum()) for year in held)
    found: dict[str, Parameter] = {}
    if left and not rounding.small(left):
        left = rounding.rounded(left)
        found["moves"] = say("moves", left / months * 12, 1 / np.sqrt(left), "share of a list that leaves in a year")
    if born and women and not (rounding.small(born) or rounding.small(women)):
        born, women = rounding.rounded(born), rounding.rounded(women)
        found["births_per_woman"] = say("births_per_woman", born / women, 1 / np.sqrt(born), "new on lists at birth")
    return found


def _prevalences(held: Sequence[Year], own: Mapping[str, Parameter], say: _Saying) -> dict[str, Parameter]:
    """Morbidity and frailty as the record has them, on the first day of its last year."""
    last = held[-1]
    there = last.here & (last.months >= 0)
    age, cell, state = last.age[there], last.cell[there], last.state[there]
    found: dict[str, Parameter] = {}
    if "morbidity" in last.told:
        found |= _morbidity(age, cell, state // len(FRAILTY), say)
    if "frailty" in last.told:
        found |= _frailty(age, cell, state % len(FRAILTY), {**own, **found}, say)
    return found


def _morbidity(
    age: NDArray[np.int64], cell: NDArray[np.int64], level: NDArray[np.int64], say: _Saying
) -> dict[str, Parameter]:
    """The three prevalences, their slope by age and the years by which deprivation brings them sooner.

    The model's own form (logistic in age, shifted by fifth), fitted to the place's adults by maximum likelihood; then
    stated as the prevalence that England's adults would have by it, which is what the model takes.
    """
    adults = age >= 18
    counts = np.zeros((AGES, FIFTHS, len(MORBIDITY)))
    np.add.at(counts, (age[adults], cell[adults] % FIFTHS, level[adults]), 1)
    at_least = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][:, :, 1:]
    numbers = at_least.sum(axis=(0, 1))
    if any(rounding.small(one) for one in numbers):
        return {}
    at_least = at_least * np.array([rounding.rounded(one) for one in numbers]) / np.maximum(numbers, 1)
    whole = counts.sum(axis=2)[:, :, None]
    ages = np.arange(AGES)[:, None, None] - 50.0
    fifth = ((np.arange(FIFTHS) - 2) / (FIFTHS - 1))[None, :, None]

    def misfit(x: Numbers) -> tuple[float, Numbers]:
        linear = x[0] * (ages - fifth * x[1]) + x[2:][None, None, :]
        share = 1 / (1 + np.exp(-linear))
        loss = whole * np.logaddexp(0, linear) - at_least * linear
        off = whole * share - at_least
        gradient = np.array([(off * (ages - fifth * x[1])).sum(), (off * -fifth * x[0]).sum(), *off.sum(axis=(0, 1))])
        scale = 1 / max(whole.sum(), 1.0)
        return float(loss.sum() * scale), gradient * scale

    started = np.array([0.07, 7.0, 0.0, -0.7, -1.5])
    result = optimize.minimize(misfit, started, jac=True, method="BFGS")
    slope, sooner, *starts = result.x
    slope, sooner = float(np.clip(slope, 0.005, 0.3)), float(np.clip(sooner, 0, 30))
    england = model().people[2026][:, 18:]
    along = np.arange(18, AGES)[None, :] - 50.0
    shift = ((np.arange(CELLS) % FIFTHS - 2) / (FIFTHS - 1))[:, None] * sooner
    found: dict[str, Parameter] = {}
    people = max(rounding.rounded(whole.sum()), 1)
    names = ("any_condition_adults", "multimorbidity_adults", "complex_adults")
    for name, start in zip(names, starts, strict=True):
        share = 1 / (1 + np.exp(-(slope * (along - shift) + start)))
        value = float(np.clip((share * england).sum() / england.sum(), 1e-4, 0.98))
        note = "as registers have it, at the ages of England's adults; the built-in figure counts far more conditions"
        found[name] = say(name, value, float(np.sqrt((1 - value) / (value * people))), note)
    found["multimorbidity_slope"] = say(
        "multimorbidity_slope", slope, 0.02, "fitted to registers; the interval is assumed"
    )
    found["deprivation_years"] = say(
        "deprivation_years", max(sooner, 0.01), 0.1, "fitted to registers; the interval is assumed"
    )
    return found


ROOM = (0.02, 8.0)
"""How much slower or faster than built in frailty may begin."""


def _frailty(
    age: NDArray[np.int64],
    cell: NDArray[np.int64],
    level: NDArray[np.int64],
    own: Mapping[str, Parameter],
    say: _Saying,
) -> dict[str, Parameter]:
    """How fast frailty begins and gets worse, so that the model has as many frail people from 65 on as the place."""
    old = age >= 65
    if not old.any() or not (level[old] > 0).any():
        return {}
    people = np.zeros((CELLS, AGES))
    np.add.at(people, (cell[old], age[old]), 1)
    count, severe = int((level[old] > 0).sum()), int((level[old] > 1).sum())
    if rounding.small(count) or rounding.small(severe):
        return {}
    count, severe = rounding.rounded(count), rounding.rounded(severe)
    frail, worse = count / rounding.rounded(old.sum()), severe / count
    figures = Figures({**published().parameters, **own}, published().curves)
    begun = {
        name: figures.parameters[name].value for name in ("frailty_onset_57", "frailty_onset_70", "frailty_onset_80")
    }
    further = figures.parameters["frailty_worsening"].value

    def shares(onset: float, going_on: float) -> tuple[float, float]:
        changed = {name: value * onset for name, value in begun.items()}
        mix = model({**changed, "frailty_worsening": further * going_on}, figures).mix
        by = (mix.reshape(CELLS, AGES, len(MORBIDITY), len(FRAILTY)).sum(axis=2) * people[:, :, None]).sum(axis=(0, 1))
        return float(by[1:].sum() / by.sum()), float(by[2:].sum() / max(by[1:].sum(), 1e-12))

    onset = going_on = 1.0
    for _ in range(2):
        onset = _solved(lambda x, other=going_on: shares(x, other)[0] - frail)
        going_on = _solved(lambda x, other=onset: shares(other, x)[1] - worse)
    found = {
        name: say(name, value * onset, 1 / np.sqrt(count), "scaled to the frail people of 65 and over on record")
        for name, value in begun.items()
    }
    note = "scaled to the moderately and severely frail on record"
    return found | {
        "frailty_worsening": say("frailty_worsening", further * going_on, 1 / np.sqrt(max(1, severe)), note)
    }


def _solved(off: object) -> float:
    """Where a rising function of a factor is 0, within the room that there is."""
    low, high = ROOM
    for _ in range(13):
        middle = float(np.sqrt(low * high))
        low, high = (middle, high) if off(middle) < 0 else (low, middle)  # type: ignore[operator]
    return float(np.sqrt(low * high))


# -- what is expected --------------------------------------------------------------------------------------------------


def cohort_of(year: Year, built_in: Model, which: NDArray[np.bool_] | None = None) -> Cohort:
    """The people of a year's first day with those born in it, counted by cell, age and state."""
    state = completed(year, built_in)
    which = np.ones(len(state), bool) if which is None else which
    # a trace of people everywhere, so that there is something to expect of ages that nobody has on the first day
    here = built_in.mix * 1e-9
    there = which & year.here & (year.months >= 0)
    np.add.at(here, (year.cell[there], year.age[there], state[there]), 1)
    births = np.zeros((1, CELLS, 12, STATES))
    born = which & ~year.here & (year.months <= 0)
    np.add.at(births[0], (year.cell[born], np.clip(-year.months[born], 0, 11), state[born]), 1)
    return Cohort(here, births)


def _expected(year: Year, built_in: Model) -> Numbers:
    """What the engines expect of a year's people a person-month, by group ``[age groups, cells, results]``."""
    out = expect(cohort_of(year, built_in), built_in, 1)[0]
    out = out.reshape(*GROUPS, len(RESULTS))
    return out / out[..., MONTHS : MONTHS + 1]


def _grouped(year: Year, values: NDArray[np.generic]) -> Numbers:
    out = np.zeros(GROUPS[0] * GROUPS[1])
    np.add.at(out, year.group, values)
    return out.reshape(GROUPS)


def static(year: Year, built_in: Model, stream: str) -> Numbers:
    """What is expected of each entry from the state on its first day, for a person of average burden."""
    state = completed(year, built_in)
    return built_in.rate[stream][year.cell, year.age, state] * year.exposure / 12


def _by_person(held: Sequence[Year], values: Sequence[Numbers]) -> Numbers:
    """Sums over years by person."""
    _, place = np.unique(np.concatenate([year.person for year in held]), return_inverse=True)
    return np.bincount(place, weights=np.concatenate(values)).astype(np.float64)


def _dispersion(held: Sequence[Year], events: Sequence[Numbers], expected: Sequence[Numbers]) -> float:
    """Variance of sums over people by their mean, each person with all their years."""
    off = _by_person(held, [a - b for a, b in zip(events, expected, strict=True)])
    total = sum(float(one.sum()) for one in expected)
    # two digits are more than it is sure by, and no sum over people can be worked out of them
    return float(f"{(off**2).sum() / total:.2g}") if total > 0 else 1.0


def _multipliers(held: Sequence[Year], expected: Sequence[Numbers], built_in: Model) -> dict[str, Multipliers]:
    """Multipliers of every quantity that the record tells."""
    people_years = sum((_grouped(year, year.exposure) for year in held), np.zeros(GROUPS)) / 12
    found: dict[str, Multipliers] = {}
    for number, stream in enumerate(held[-1].streams):
        at = RESULTS.index(stream)
        observed = sum((_grouped(year, year.events[number]) for year in held), np.zeros(GROUPS))
        thought = sum(
            (_grouped(year, year.exposure) * each[..., at] for year, each in zip(held, expected, strict=True)),
            np.zeros(GROUPS),
        )
        first = multipliers(observed, thought, people_years, 1.0)
        each = _scaled(held, [static(year, built_in, stream) for year in held], first.value * thought)
        dispersion = _dispersion(held, [year.events[number].astype(float) for year in held], each)
        found[stream] = _releasable(observed, thought, people_years, max(dispersion, 1.0))
    dying = sum((_grouped(year, year.died) for year in held), np.zeros(GROUPS))
    thought = sum(
        (_grouped(year, year.exposure) * each[..., DEATHS] for year, each in zip(held, expected, strict=True)),
        np.zeros(GROUPS),
    )
    found["deaths"] = _releasable(dying, thought, people_years, 1.0)
    for number, (stream, count, cost) in enumerate(
        (("emergency", EMERGENCY, EMERGENCY_COST), ("elective", ELECTIVE, ELECTIVE_COST))
    ):
        costed = sum((_grouped(year, year.costed[number]) for year in held), np.zeros(GROUPS))
        if not costed.sum():
            continue
        pence = sum((_grouped(year, year.cost[number]) for year in held), np.zeros(GROUPS))
        each = sum((one[..., cost] / one[..., count] for one in expected), np.zeros(GROUPS))
        each = each / len(held)
        first = multipliers(pence, costed * each, people_years, 1.0)
        average = (first.value * each).ravel()
        paid = [average[year.group] * year.costed[number] for year in held]
        dispersion = _dispersion(held, [year.cost[number].astype(float) for year in held], paid)
        shown, hidden = rounding.each(costed)
        sums = np.array([rounding.pounds(one) for one in pence.ravel()]).reshape(GROUPS)
        # of groups with so few admissions no cost is taken: what one costs is as expected with its age, sex and fifth
        sums = np.where(hidden, 0, sums).astype(np.float64)
        found[f"{stream}_cost"] = multipliers(sums, shown * each, people_years, dispersion, costed)
    return found


def _releasable(observed: Numbers, expected: Numbers, people_years: Numbers, dispersion: float) -> Multipliers:
    """Multipliers out of rounded events; the exact ones tell only which may be shown."""
    return multipliers(_shown(observed, expected), expected, people_years, dispersion, observed)


def _shown(observed: Numbers, expected: Numbers) -> Numbers:
    """Events by group out of rounded ones; what is expected, at the level of the whole, fills the small ones."""
    whole = float(observed.sum())
    if rounding.small(whole):
        return rounding.table(observed, expected)
    return rounding.table(observed, expected * rounding.rounded(whole) / max(float(expected.sum()), 1e-9))


def _scaled(held: Sequence[Year], each: Sequence[Numbers], fitted: Numbers) -> list[Numbers]:
    """What is expected of entries, scaled so that each group has its fitted sum."""
    total = sum((_grouped(year, one) for year, one in zip(held, each, strict=True)), np.zeros(GROUPS))
    factor = np.where(total > 0, fitted / np.where(total > 0, total, 1), 0).ravel()
    return [one * factor[year.group] for year, one in zip(held, each, strict=True)]


# -- use by state ------------------------------------------------------------------------------------------------------


def _by_state(held: Sequence[Year], own: Mapping[str, Parameter], say: _Saying) -> dict[str, Parameter]:
    """How much more people with conditions and frailty use, and how much more they die, as the record tells."""
    told = held[-1].told
    figures = Figures({**published().parameters, **own}, published().curves)
    built_in = model(None, figures)
    streams = held[-1].streams
    drawn = [name for name in streams if name in DRAWN]
    frequent = [name for name in streams if name not in DRAWN]
    found: dict[str, Parameter] = {}
    frailty = np.ones(len(FRAILTY))
    if "morbidity" in told or "frailty" in told:
        morbidity, frailty = _state_factors(held, built_in, drawn, "morbidity" in told, "frailty" in told, frailty)
        found |= _stated(figures, "morbidity_use", ("one", "multi", "complex"), morbidity, say)
        found |= _stated(figures, "frailty_hospital", ("mild", "moderate", "severe"), frailty, say)
    if "morbidity" in told and frequent:
        given = np.ones(len(FRAILTY))
        if frailty is not None:
            given = np.array([1.0, *(_ratio(found, figures, f"frailty_hospital_{one}") for one in FRAILTY[1:])])
        morbidity, _ = _state_factors(held, built_in, frequent, True, False, given)
        found |= _stated(figures, "morbidity_primary", ("one", "multi", "complex"), morbidity, say)
    if "frailty" in told:
        _, frailty = _state_factors(held, built_in, ["deaths"], False, True, np.ones(len(FRAILTY)))
        found |= _stated(figures, "frailty_death", ("mild", "moderate", "severe"), frailty, say)
    return found


def _ratio(found: Mapping[str, Parameter], figures: Figures, name: str) -> float:
    return found[name].value / figures.parameters[name].value if name in found else 1.0


def _state_factors(
    held: Sequence[Year],
    built_in: Model,
    streams: Sequence[str],
    by_morbidity: bool,
    by_frailty: bool,
    given: Numbers,
) -> tuple[Numbers, Numbers]:
    """By level of morbidity and of frailty: observed by expected ``[levels, 2]``, the second a variance of its log.

    Expected at equal age, sex and fifth; levels of one at those of the other.
    """
    states = [completed(year, built_in) for year in held]
    morbidity = [state // len(FRAILTY) for state in states]
    frail = [state % len(FRAILTY) for state in states]
    seen: list[list[Numbers]] = []
    thought: list[list[Numbers]] = []
    for stream in streams:
        if stream == "deaths":
            seen.append([year.died.astype(float) for year in held])
            each = [
                built_in.death[year.cell, year.age, state] * year.exposure / 12
                for year, state in zip(held, states, strict=True)
            ]
        else:
            number = held[-1].streams.index(stream)
            seen.append([year.events[number].astype(float) for year in held])
            each = [static(year, built_in, stream) for year in held]
        thought.append(each)
    of_morbidity, of_frailty = np.ones(len(MORBIDITY)), given.copy()
    dispersion = 1.0
    counts = {"morbidity": np.zeros((2, len(MORBIDITY))), "frailty": np.zeros((2, len(FRAILTY)))}
    for turn in range(6):
        now: list[Numbers] = []
        for events, each in zip(seen, thought, strict=True):
            factored = [one * of_morbidity[m] * of_frailty[f] for one, m, f in zip(each, morbidity, frail, strict=True)]
            total = sum((_grouped(year, one) for year, one in zip(held, events, strict=True)), np.zeros(GROUPS))
            before = sum((_grouped(year, one) for year, one in zip(held, factored, strict=True)), np.zeros(GROUPS))
            scaled = _scaled(held, factored, _shown(total, before))
            now = scaled if not now else [a + b for a, b in zip(now, scaled, strict=True)]
        together = [np.sum([events[n] for events in seen], axis=0) for n in range(len(held))]
        if turn == 0:
            dispersion = max(1.0, _dispersion(held, together, now)) if streams != ["deaths"] else 1.0
        for name, levels, level in (("morbidity", len(MORBIDITY), morbidity), ("frailty", len(FRAILTY), frail)):
            for row, values in ((0, together), (1, now)):
                counts[name][row] = sum(
                    (np.bincount(at, weights=one, minlength=levels) for at, one in zip(level, values, strict=True)),
                    np.zeros(levels),
                )
        if by_morbidity and (turn % 2 == 0 or not by_frailty):
            of_morbidity = of_morbidity * _against_first(counts["morbidity"])
        if by_frailty and (turn % 2 == 1 or not by_morbidity):
            of_frailty = of_frailty * _against_first(counts["frailty"])

    def doubts(name: str) -> Numbers:
        shown, hidden = rounding.each(counts[name][0])
        events = np.maximum(shown, 0.5)
        return np.where(hidden | hidden[0], np.inf, dispersion / events + dispersion / events[0])

    return np.stack([of_morbidity, doubts("morbidity")]), np.stack([of_frailty, doubts("frailty")])


def _against_first(counts: Numbers) -> Numbers:
    """Observed (rounded) by expected of each level, by that of the first; half an event is believed beforehand."""
    shown, hidden = rounding.each(counts[0])
    ratio = np.where(hidden, 1.0, (shown + 0.5) / (counts[1] + 0.5))
    return ratio / ratio[0]


def _stated(
    figures: Figures, prefix: str, names: Sequence[str], factors: Numbers, say: _Saying
) -> dict[str, Parameter]:
    """Single figures of use by state: the built-in one with its interval, after having seen the place's own ratio."""
    found: dict[str, Parameter] = {}
    for level, name in enumerate(names, start=1):
        built_in = figures.parameters[f"{prefix}_{name}"]
        ratio, variance = factors[0, level], factors[1, level]
        if variance > 1 or abs(np.log(ratio)) < 1e-12:
            continue
        # registers and codes of frailty draw other lines than the studies did: what is built in says little here
        before = np.log(2.0) ** 2
        weight = before / (before + variance)
        value = built_in.value * np.exp(weight * np.log(ratio))
        note = "states as registers and frailty codes have them"
        found[built_in.name] = say(built_in.name, value, float(np.sqrt(weight * variance)), note)
    return found


# -- how people differ -------------------------------------------------------------------------------------------------


def _heterogeneity(held: Sequence[Year], built_in: Model, say: _Saying) -> dict[str, Parameter]:
    """Shapes of a person's lasting burden and of that of a year, from how use comes together in the same persons.

    Events of one year above what is expected, times those of the next, tell the variance of what lasts; those of one
    year squared tell both. Each is a sum over people by a sum over people; the built-in weighs as its interval says.
    """
    drawn = [name for name in held[-1].streams if name in DRAWN]
    together, apart = np.zeros((2, PARTS)), np.zeros((2, PARTS))
    off: list[dict[str, Numbers]] = []
    thought: list[dict[str, Numbers]] = []
    for year in held:
        each = {name: static(year, built_in, name) for name in drawn}
        whole = (year.days == year.length) & year.here
        totals = {name: float(one.sum()) for name, one in each.items()}
        gone: dict[str, Numbers] = {}
        for name, one in each.items():
            counted = year.events[year.streams.index(name)].astype(float)
            one = one * counted.sum() / max(totals[name], 1e-9)
            each[name] = np.where(whole, one, 0)
            gone[name] = np.where(whole, counted - one, 0)
            square = np.where(whole, (counted - one) ** 2 - one, 0)
            part = year.person % PARTS
            apart[0] += np.bincount(part, weights=square, minlength=PARTS)
            apart[1] += np.bincount(part, weights=each[name] ** 2, minlength=PARTS)
        off.append(gone)
        thought.append(each)
    for n in range(len(held) - 1):
        one, other = held[n], held[n + 1]
        both, first, second = np.intersect1d(
            one.person[one.here], other.person[other.here], assume_unique=True, return_indices=True
        )
        first, second = np.flatnonzero(one.here)[first], np.flatnonzero(other.here)[second]
        for name in drawn:
            part = both % PARTS
            product = off[n][name][first] * off[n + 1][name][second]
            together[0] += np.bincount(part, weights=product, minlength=PARTS)
            product = thought[n][name][first] * thought[n + 1][name][second]
            together[1] += np.bincount(part, weights=product, minlength=PARTS)
    found: dict[str, Parameter] = {}
    if not together[1].sum() or not apart[1].sum():
        return found

    def shapes(lasting: Numbers, both: Numbers) -> Numbers:
        between = max(lasting[0] / lasting[1], 0.05)
        # the engines draw at most one event a month below one expected: its variance is a twelfth less
        whole = (both[0] / both[1] + 1 / 12) * 12 / 11
        yearly = max((1 + whole) / (1 + between) - 1, 0.05)
        return np.log([1 / between, 1 / yearly])

    middle = shapes(together.sum(axis=1), apart.sum(axis=1))
    parts = np.array(
        [shapes(together.sum(axis=1) - together[:, part], apart.sum(axis=1) - apart[:, part]) for part in range(PARTS)]
    )
    variance = (PARTS - 1) / PARTS * ((parts - parts.mean(axis=0)) ** 2).sum(axis=0)
    for name, seen, unsure in zip(("burden_shape", "year_shape"), middle, variance, strict=True):
        built = published().parameters[name]
        assert built.low is not None and built.high is not None
        before = ((np.log(built.high) - np.log(built.low)) / (2 * NORMAL_95)) ** 2
        weight = before / (before + unsure)
        value = np.exp(weight * seen + (1 - weight) * np.log(built.value))
        note = f"the record alone says {np.exp(seen):.2f}, weight {weight:.0%}"
        found[name] = say(name, float(value), float(np.sqrt(weight * unsure)), note)
    return found


def _cost_spread(held: Sequence[Year], found: Mapping[str, Multipliers], figures: Figures) -> dict[str, float]:
    """What the spread of costs within a group is multiplied with, believed as far as the parts of the people agree."""
    out: dict[str, float] = {}
    built_in = model(None, figures)
    for number, name in enumerate(PAID):
        if f"{name}_cost" not in found:
            continue
        own = found[f"{name}_cost"].value[GROUP_OF_AGE].T
        sums = np.zeros((2, PARTS))
        for year in held:
            mean = (built_in.cost[name] * own)[year.cell, year.age] / 100
            count, pounds = year.costed[number], year.cost[number] / 100
            square = year.squares[number] - 2 * mean * pounds + count * mean**2
            thought = count * (mean * built_in.spread[name][year.cell, year.age]) ** 2
            part = year.person % PARTS
            sums[0] += np.bincount(part, weights=square, minlength=PARTS)
            sums[1] += np.bincount(part, weights=thought, minlength=PARTS)
        whole = sums.sum(axis=1)
        if min(whole) <= 0:
            continue
        logs = 0.5 * np.log(np.maximum(whole[0] - sums[0], 1e-9) / np.maximum(whole[1] - sums[1], 1e-9))
        unsure = (PARTS - 1) / PARTS * float(((logs - logs.mean()) ** 2).sum())
        weight = SPREAD_DOUBT**2 / (SPREAD_DOUBT**2 + unsure)
        out[name] = float(np.exp(weight * 0.5 * np.log(whole[0] / whole[1])))
    return out


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


def _stays(record: Record, held: Sequence[Year], built_in: Model, say: _Saying) -> dict[str, Parameter]:
    """Days of an emergency stay, and the share of emergencies for chronic conditions, as the record has them."""
    at = list(held[-1].streams).index("emergency")
    expected = [_expected(year, built_in) for year in held]
    emergencies = [_grouped(year, year.events[at]) for year in held]
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
        found["stay_emergency"] = say("stay_emergency", own * ratio, 1.2 / np.sqrt(number), "days of an emergency stay")
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
                float((_grouped(year, year.exposure) * each[..., at] * found[stream].value).sum()),
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
