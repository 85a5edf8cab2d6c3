"""The model of people: rates of events, hazards and costs by cell, age and state, from fitted and published figures.

``model/rates.csv`` has the fitted curves at their knots, ``model/parameters.yaml`` every single figure with its
source and status. A published rate is an average over everybody of an age, sex and deprivation fifth; the model
spreads it over states by relative use, and scales it so that the model's own mix of states reproduces the published
average exactly.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from accord.language.shape import NUMBER, STATUS, TITLE, Field, MapOf, Record, Word
from accord.language.text import fields_of, text_of
from accord.simulation.compiled import compiled
from accord.simulation.own_data import own_data
from accord.simulation.people import AGES, CELLS, FIFTHS, FRAILTY, MORBIDITY, SEXES, STATES, cell_of

FOLDER = Path(__file__).parent / "model"
"""Where the figures stand."""

STREAMS = (
    "emergency", "elective", "attendances", "outpatient", "consultations", "community", "mental_health",
    "social_care", "prescriptions",
)  # fmt: skip
"""What people use. The first three are drawn person by person, the others from exact exposure.

Social care is counted in weeks of long-term support that councils arrange, prescriptions in items.
"""

DRAWN = STREAMS[:3]
"""Streams drawn person by person."""

N_FRAILTY = len(FRAILTY)

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A single figure of the model with its source; ``low`` and ``high`` are its 95 % interval, if it has one."""

    name: str
    value: float
    low: float | None
    high: float | None
    authority: str
    status: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """Everything the engines need, as arrays.

    Attributes:
        parameters: the single figures by name.
        rate: by stream: events a person-year, ``[cells, ages, states]``, for a person of average burden.
        cost: by ``emergency`` and ``elective``: mean pence an admission, ``[cells, ages]``.
        spread: by ``emergency`` and ``elective``: coefficient of variation of an admission's cost, ``[cells, ages]``.
        death: chance of death within a year, ``[cells, ages, states]``.
        worse: yearly hazard of the next level of morbidity, ``[cells, ages, 4]`` (0 at the last level).
        frailer: yearly hazard of the next level of frailty, ``[ages, 4]`` (0 at the last level).
        mix: share of people of an age and cell in each state, ``[cells, ages, states]``.
        stay: mean days of an emergency admission, ``[cells, ages]``.
        chronic: share of emergency admissions that are for chronic ambulatory-care-sensitive conditions, ``[ages]``.
        people: people by cell and age in England, by year ``2011`` and ``2026``, ``[cells, ages]``.
    """

    parameters: Mapping[str, Parameter]
    rate: Mapping[str, Numbers]
    cost: Mapping[str, Numbers]
    spread: Mapping[str, Numbers]
    death: Numbers
    worse: Numbers
    frailer: Numbers
    mix: Numbers
    stay: Numbers
    chronic: Numbers
    people: Mapping[int, Numbers]

    def value(self, name: str) -> float:
        """A single figure."""
        return self.parameters[name].value


_PARAMETERS = MapOf(
    "parameters",
    Word("a name", r"[a-z][a-z0-9_]*"),
    Record(
        "a parameter",
        (
            Field("value", NUMBER, "its value", True),
            Field("low", NUMBER, "the lower end of its 95 % interval"),
            Field("high", NUMBER, "the upper end of its 95 % interval"),
            Field("authority", TITLE, "where it comes from", True),
            Field("status", STATUS, "how sure", True),
            Field("note", TITLE, "what else should be known"),
        ),
    ),
)


@cache
def published_parameters() -> Mapping[str, Parameter]:
    """The single figures as they are committed."""
    return read_parameters(FOLDER / "parameters.yaml")


@cache
def published_prices() -> Mapping[str, Parameter]:
    """What a unit of each stream costs on average, in pounds. No contract is settled on it."""
    return read_parameters(FOLDER / "prices.yaml")


def read_parameters(path: Path) -> Mapping[str, Parameter]:
    """The single figures of a file of the project's own, each with its source and status."""
    found: dict[str, Parameter] = {}
    for name, entries in own_data(path, _PARAMETERS).items():
        text = {key: text_of(value) for key, value in fields_of(entries).items()}
        low, high = text.get("low"), text.get("high")
        found[name] = Parameter(
            name,
            float(text["value"]),
            None if low is None else float(low),
            None if high is None else float(high),
            text["authority"],
            text["status"],
            text.get("note", ""),
        )
    return found


def model_hash() -> str:
    """What the model that comes with the code is made of, as one hash: its figures and fitted rates."""
    found = hashlib.sha256()
    for file in sorted(FOLDER.iterdir()):
        if file.is_file():
            found.update(file.name.encode() + file.read_bytes())
    return found.hexdigest()


@cache
def fitted_curves() -> Mapping[str, Numbers]:
    """Every fitted curve at each single age, ``[cells, ages]``: its logarithm is straight between the knots."""
    at: dict[str, dict[tuple[int, int], float]] = {}
    with (FOLDER / "rates.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            cell = cell_of(SEXES.index(row["sex"]), int(row["fifth"]))
            at.setdefault(row["quantity"], {})[cell, int(row["age"])] = float(row["value"])
    ages = np.arange(AGES, dtype=float)
    found: dict[str, Numbers] = {}
    for quantity, values in at.items():
        knots = sorted({age for _, age in values})
        logs = np.log(np.array([[values[cell, age] for age in knots] for cell in range(CELLS)]))
        found[quantity] = np.exp(np.array([np.interp(ages, knots, logs[cell]) for cell in range(CELLS)]))
    return found


@dataclass(frozen=True, slots=True)
class Figures:
    """What a model is made of: single figures by name, and curves by cell and single age ``[cells, ages]``.

    A curve ``mental_health`` is relative to the figure of that name; where there is none, every age is alike.
    """

    parameters: Mapping[str, Parameter]
    curves: Mapping[str, Numbers]


@cache
def published() -> Figures:
    """The committed figures and curves. A place's own are made by :mod:`accord.simulation.calibration`."""
    return Figures(published_parameters(), fitted_curves())


def model(changed: Mapping[str, float] | None = None, given: Figures | None = None) -> Model:
    """The model, with the committed figures or with some of them changed (parameter uncertainty, scenarios).

    Args:
        changed: values of single figures.
        given: figures and curves to begin with; the committed ones where none are given.

    Raises:
        KeyError: a changed name that is no parameter.
    """
    return models([changed or {}], given)[0]


def models(draws: Sequence[Mapping[str, float]], given: Figures | None = None) -> list[Model]:
    """A model for each of several sets of changed figures; made together, which takes a fraction of the time.

    The arrays of a model are parts of larger ones: who keeps one model keeps the memory of all that were made with it.

    Raises:
        KeyError: a changed name that is no parameter.
    """
    if not draws:
        return []
    given = given or published()
    parameters = [_changed(one, given.parameters) for one in draws]
    # a figure by draw, in the place of the first of three dimensions: draws, cells, ages
    value = {name: np.array([[[one[name].value]] for one in parameters]) for name in given.parameters}
    curves = given.curves
    people = {2011: _people(curves["people_2011"], value), 2026: _people(curves["people_2026"], value)}
    at_least = _at_least(value, people[2026])
    worse = _worse(at_least)
    frailer = _frailer(value)
    death, mix = _mix(worse, frailer, curves["mortality"], at_least[:, :, 0], value)
    relative = {name: _relative(value, "hospital", name) for name in ("use", "primary")}
    spread = {name: _spread_over_states(one, mix) for name, one in relative.items()}
    average = {
        "emergency": curves["emergency"] / value["episodes_emergency"],
        "elective": curves["elective"],
        "attendances": curves["attendances"] * value["attendances"],
        "outpatient": curves["outpatient"],
        "consultations": curves["consultations"] * value["consultations"],
        "community": curves["community"] * value["community"],
        "mental_health": value["mental_health"] * curves.get("mental_health", np.ones((CELLS, AGES))),
    }
    rate = {name: each[..., None] * spread["use" if name in DRAWN else "primary"] for name, each in average.items()}
    rate["social_care"] = _social_care(value, people[2026], mix)
    rate["prescriptions"] = _over_everybody(relative["primary"], value["prescriptions"], people[2026], mix)
    emergency_cost = curves["emergency_cost"] * 100 * value["episodes_emergency"]
    stay = _stay(value, people[2011], average["emergency"], curves["emergency_cost"])
    chronic = _chronic(value, people[2011], average["emergency"])
    return [
        Model(
            parameters=parameters[n],
            rate={name: rate[name][n] for name in STREAMS},
            cost={"emergency": emergency_cost[n], "elective": curves["elective_cost"] * 100},
            spread={"emergency": curves["emergency_spread"], "elective": curves["elective_spread"]},
            death=death[n],
            worse=worse[n],
            frailer=frailer[n],
            mix=mix[n],
            stay=stay[n],
            chronic=chronic[n],
            people={year: counted[n] for year, counted in people.items()},
        )
        for n in range(len(draws))
    ]


def _changed(values: Mapping[str, float], given: Mapping[str, Parameter]) -> Mapping[str, Parameter]:
    parameters = dict(given)
    for name, value in values.items():
        parameters[name] = replace(parameters[name], value=value)
    return parameters


# What follows works on several draws of the figures at once: every array has the draws as its first dimension, and
# ``value`` has each figure as [draws, 1, 1].

Values = Mapping[str, Numbers]


def _people(curve: Numbers, value: Values) -> Numbers:
    # the last published age stands for itself and over; the curve has those of that age alone
    tail = value["oldest_kept"] ** np.arange(AGES - 85)
    out = np.repeat(curve[None], len(tail), axis=0)
    out[..., 85:] = curve[:, 85:86] * tail
    return out


def _at_least(value: Values, people: Numbers) -> Numbers:
    """Share of people at each level of morbidity or above, ``[cells, ages, 4]``: logistic in age, shifted by fifth."""
    ages = np.arange(AGES, dtype=float)
    fifth = np.array([[(cell % FIFTHS - 2) / (FIFTHS - 1)] for cell in range(CELLS)])
    published = [value[name] for name in ("any_condition_adults", "multimorbidity_adults", "complex_adults")]
    against = np.exp(-value["multimorbidity_slope"] * (ages - 50 - fifth * value["deprivation_years"]))
    adults = people * (ages >= 18)
    adults /= adults.sum(axis=(1, 2), keepdims=True)
    out = np.ones((len(people), CELLS, AGES, len(MORBIDITY)))
    for level, prevalence in enumerate(published, start=1):
        low, high = np.full_like(prevalence, -20.0), np.full_like(prevalence, 20.0)
        for _ in range(60):  # the level at which the adults of England have the published prevalence
            middle = (low + high) / 2
            here = (adults / (1 + against * np.exp(-middle))).sum(axis=(1, 2), keepdims=True)
            low, high = np.where(here < prevalence, middle, low), np.where(here < prevalence, high, middle)
        out[..., level] = 1 / (1 + against * np.exp(-(low + high) / 2))
    return out


def _worse(at_least: Numbers) -> Numbers:
    """Hazards of getting worse that carry the prevalence of one age into that of the next."""
    out = np.zeros(at_least.shape)
    gained = np.diff(at_least[..., 1:], axis=2, append=at_least[:, :, -1:, 1:])
    here = at_least[..., :-1] - at_least[..., 1:]
    out[..., :-1] = np.clip(-np.log1p(-np.clip(gained / np.maximum(here, 1e-9), 0, 0.9)), 0, 2)
    return out


def _straight(knots: Sequence[float], values: Sequence[Numbers]) -> Numbers:
    """Straight lines between the values at some ages, level outside them, ``[draws, ages]``."""
    ages = np.arange(AGES, dtype=float)
    # sums, not products of matrices: those may round differently for another number of draws
    parts = zip(values, np.eye(len(knots)), strict=True)
    return sum((value[:, 0] * np.interp(ages, knots, one) for value, one in parts), np.zeros(AGES))


FRAIL_AGES = {"57": 57.0, "70": 68.3, "80": 77.9}
"""Ages in the names of the parameters ``frailty_onset_57`` and so on (the middles of the published groups 50 to 64,
65 to 74, 75 to 84), and the age at which the group's onset holds: who is still fit is younger than the middle of his
group, and with these ages each group as a whole has its published onset (``accord validate`` asks it)."""


def _frailer(value: Values) -> Numbers:
    ages = np.arange(AGES, dtype=float)
    known = tuple(FRAIL_AGES.values())
    logs = [np.log(value[f"frailty_onset_{middle}"]) for middle in FRAIL_AGES]
    slope = (logs[-1] - logs[0])[:, 0] / (known[-1] - known[0])
    beyond = slope * np.minimum(ages - known[0], 0) + slope / 2 * np.maximum(ages - known[-1], 0)
    onset = np.exp(_straight(known, logs) + beyond)
    out = np.zeros((len(onset), AGES, len(FRAILTY)))
    out[..., 0] = onset
    out[..., 1:-1] = (onset * value["frailty_worsening"][:, 0])[..., None]
    return out


def _relative(value: Values, frailty: str, morbidity: str | None) -> Numbers:
    """How much more there is in a state than in the first, ``[states]``."""
    one = np.ones((len(value["moves"]), 1))
    levels = [f"morbidity_{morbidity}_{level}" for level in ("one", "multi", "complex")] if morbidity else []
    by_morbidity = [one, *(value[name][:, 0] for name in levels)] if levels else [one] * len(MORBIDITY)
    by_frailty = [one, *(value[f"frailty_{frailty}_{level}"][:, 0] for level in ("mild", "moderate", "severe"))]
    return np.concatenate([m * f for m in by_morbidity for f in by_frailty], axis=1)


def _spread_over_states(relative: Numbers, mix: Numbers) -> Numbers:
    """What an average is multiplied with in each state, so that the mix of states averages to it again."""
    relative = relative[:, None, None, :]
    return relative / (mix * relative).sum(axis=3, keepdims=True)


def _over_everybody(relative: Numbers, average: Numbers, people: Numbers, mix: Numbers) -> Numbers:
    """Rates that are the same at every age of a state, and average to one of all people: age comes with illness."""
    here = relative[:, None, None, :] if relative.ndim == 2 else relative
    whole = (people * (mix * here).sum(axis=3)).sum(axis=(1, 2), keepdims=True)
    each = average * people.sum(axis=(1, 2), keepdims=True) / whole
    return np.broadcast_to(here * each[..., None], mix.shape)


OLD, ADULT = 65, 18
"""Ages from which social care follows frailty, and from which it is given by these rates at all."""


def _social_care(value: Values, people: Numbers, mix: Numbers) -> Numbers:
    """Weeks of social care a person-year: the same for all adults below an age, by frailty and age from there on."""
    ages = np.arange(AGES)
    frailty = np.concatenate([np.ones((len(people), 1)), *(value[f"social_care_{name}"][:, 0]
                              for name in ("mild", "moderate", "severe"))], axis=1)  # fmt: skip
    by_state = np.tile(frailty, (1, len(MORBIDITY)))[:, None, None, :]
    steeper = 2 ** ((ages - OLD) / value["social_care_doubles"]) * (ages >= OLD)
    old = by_state * steeper[..., None]
    young = np.ones_like(by_state) * ((ages >= ADULT) & (ages < OLD))[None, None, :, None]
    share = value["social_care_young"]
    return _over_everybody(young, value["social_care"] * share, people, mix) + _over_everybody(
        old, value["social_care"] * (1 - share), people, mix
    )


def _mix(
    worse: Numbers, frailer: Numbers, mortality: Numbers, at_birth: Numbers, value: Values
) -> tuple[Numbers, Numbers]:
    """Deaths by state and the mix of states at each birthday, from a cohort followed from birth month by month.

    At each age the published chance of death is spread over states by relative mortality and the mix at that birthday.
    """
    # as [ages, states, draws, cells], so that all draws and cells of a state are worked on together
    relative = _relative(value, "death", None).T[:, :, None]
    worsening = np.repeat(worse.transpose(2, 3, 0, 1) / 12, N_FRAILTY, axis=1)
    weakening = np.tile(frailer.transpose(1, 2, 0)[..., None] / 12, (1, len(MORBIDITY), 1, CELLS))
    death, mix = np.empty(worsening.shape), np.empty(worsening.shape)
    here = np.zeros(worsening.shape[1:])
    here[::N_FRAILTY] = -np.diff(at_birth, axis=2, append=0).transpose(2, 0, 1)
    for age in range(AGES):
        mix[age] = here
        death[age] = np.minimum(mortality[:, age] * relative / (here * relative).sum(axis=0), 0.95)
        staying = 1 - monthly(death[age]) - worsening[age] - weakening[age]
        chances = np.stack([staying, worsening[age], weakening[age]])
        _twelve_months(here.reshape(STATES, -1), chances.reshape(3, STATES, -1))
        here /= here.sum(axis=0)
    return death.transpose(2, 3, 0, 1).copy(), mix.transpose(2, 3, 0, 1).copy()


@compiled(nogil=True)
def _twelve_months(people: Any, chances: Any) -> None:
    then = np.empty_like(people)
    for _ in range(6):
        month(people, chances, then)
        month(then, chances, people)


def monthly(chance: Numbers) -> Numbers:
    """The chance within a month that gives a chance within a year."""
    return 1 - (1 - chance) ** (1 / 12)


@nb.njit(boundscheck=False)
def month(people: Any, chances: Any, then: Any) -> None:
    """Expected people ``[states, any]`` a month later, written into ``then``; compiled.

    At most one thing happens to a person in a month: death, more morbidity, or more frailty. ``chances`` are those of a
    month, of staying as one is, of more morbidity and of more frailty, ``[3, states, any]``.
    """
    states, many = people.shape
    for state in range(N_FRAILTY):
        for i in range(many):
            then[state, i] = people[state, i] * chances[0, state, i]
    for state in range(N_FRAILTY, states):
        milder = state - N_FRAILTY
        for i in range(many):
            then[state, i] = people[state, i] * chances[0, state, i] + people[milder, i] * chances[1, milder, i]
    for state in range(states):
        if state % N_FRAILTY > 0:
            for i in range(many):
                then[state, i] += people[state - 1, i] * chances[2, state - 1, i]


def _stay(value: Values, people: Numbers, emergency: Numbers, cost: Numbers) -> Numbers:
    admissions = emergency * people
    days = value["stay_emergency"] * admissions.sum(axis=(1, 2), keepdims=True)
    return cost * (days / (cost * admissions).sum(axis=(1, 2), keepdims=True))


CHRONIC_AGES = {17.0: "15", 47.0: "45", 87.0: "85"}
"""Middles of the published ages, and the ages in the names of the parameters ``chronic_most_15`` and so on."""


def _chronic(value: Values, people: Numbers, emergency: Numbers) -> Numbers:
    pairs = [(value[f"chronic_most_{age}"], value[f"chronic_least_{age}"]) for age in CHRONIC_AGES.values()]
    rate = np.exp(_straight(list(CHRONIC_AGES), [np.log((most + least) / 2) for most, least in pairs]))
    admissions = (emergency * people).sum(axis=1)
    share = rate / np.maximum(admissions / people.sum(axis=1), 1e-9)
    average = (share * admissions).sum(axis=1, keepdims=True) / admissions.sum(axis=1, keepdims=True)
    return np.minimum(share * value["chronic_share"][:, 0] / average, 0.5)
