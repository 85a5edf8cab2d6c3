"""The model of people: rates of events, hazards and costs by cell, age and state, from fitted and published figures.

``model/rates.csv`` has the fitted curves at their knots, ``model/parameters.yaml`` every single figure with its
source and status. A published rate is an average over everybody of an age, sex and deprivation fifth; the model
spreads it over states by relative use, and scales it so that the model's own mix of states reproduces the published
average exactly.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accord.language.shape import NUMBER, TITLE, Choice, Field, MapOf, Record, Word, conform
from accord.language.text import Entries, Scalar, decode, read_tree
from accord.simulation.people import AGES, CELLS, FIFTHS, FRAILTY, MORBIDITY, SEXES, STATES, cell_of

FOLDER = Path(__file__).parent / "model"
"""Where the figures stand."""

STREAMS = ("emergency", "elective", "attendances", "outpatient", "consultations", "community", "mental_health")
"""What people use. The first three are drawn person by person, the others from exact exposure."""

DRAWN = STREAMS[:3]
"""Streams drawn person by person."""

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
            Field("status", Choice(("verified", "derived", "unverified", "assumed")), "how sure", True),
            Field("note", TITLE, "what else should be known"),
        ),
    ),
)


@cache
def published_parameters() -> Mapping[str, Parameter]:
    """The single figures as they are committed."""
    return read_parameters(FOLDER / "parameters.yaml")


def read_parameters(path: Path) -> Mapping[str, Parameter]:
    """The single figures of a file of the project's own, each with its source and status."""
    tree = read_tree(decode(path.read_bytes(), path.name))
    problems = conform(tree, _PARAMETERS)
    if problems or not isinstance(tree, Entries):
        raise AssertionError(f"the model's own parameters are wrong: {[str(problem) for problem in problems]}")
    found: dict[str, Parameter] = {}
    for name, entries in tree:
        assert isinstance(entries, Entries)
        text = {key.value: value.value for key, value in entries if isinstance(value, Scalar)}
        low, high = text.get("low"), text.get("high")
        found[name.value] = Parameter(
            name.value,
            float(text["value"]),
            None if low is None else float(low),
            None if high is None else float(high),
            text["authority"],
            text["status"],
            text.get("note", ""),
        )
    return found


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


def model(changed: Mapping[str, float] | None = None) -> Model:
    """The model, with the committed figures or with some of them changed (parameter uncertainty, scenarios).

    Raises:
        KeyError: a changed name that is no parameter.
    """
    parameters = dict(published_parameters())
    for name, value in (changed or {}).items():
        parameters[name] = replace(parameters[name], value=value)
    value = {name: one.value for name, one in parameters.items()}
    curves = fitted_curves()
    people = {2011: _people(curves["people_2011"], value), 2026: _people(curves["people_2026"], value)}
    at_least = _at_least(value, people[2026])
    worse = _worse(at_least)
    frailer = _frailer(value)
    death, mix = _mix(worse, frailer, curves["mortality"], at_least[:, 0], value)
    use = _relative(value, "hospital", "use")
    primary = _relative(value, "hospital", "primary")
    rate = {
        "emergency": curves["emergency"] / value["episodes_emergency"],
        "elective": curves["elective"],
        "attendances": curves["attendances"] * value["attendances"],
        "outpatient": curves["outpatient"],
        "consultations": curves["consultations"] * value["consultations"],
        "community": curves["community"] * value["community"],
        "mental_health": np.full((CELLS, AGES), value["mental_health"]),
    }
    spread_over = {stream: use if stream in DRAWN else primary for stream in STREAMS}
    return Model(
        parameters=parameters,
        rate={name: _over_states(average, spread_over[name], mix) for name, average in rate.items()},
        cost={
            "emergency": curves["emergency_cost"] * 100 * value["episodes_emergency"],
            "elective": curves["elective_cost"] * 100,
        },
        spread={"emergency": curves["emergency_spread"], "elective": curves["elective_spread"]},
        death=death,
        worse=worse,
        frailer=frailer,
        mix=mix,
        stay=_stay(value, people[2011], rate["emergency"], curves["emergency_cost"]),
        chronic=_chronic(value, people[2011], rate["emergency"]),
        people=people,
    )


def _people(curve: Numbers, value: Mapping[str, float]) -> Numbers:
    # the last published age stands for itself and over
    out = curve.copy()
    tail = value["oldest_kept"] ** np.arange(AGES - 85)
    out[:, 85:] = curve[:, 85:86] * tail / tail.sum()
    return out


def _logistic(x: Numbers) -> Numbers:
    return 1 / (1 + np.exp(-x))


def _at_least(value: Mapping[str, float], people: Numbers) -> Numbers:
    """Share of people at each level of morbidity or above, ``[cells, ages, 4]``: logistic in age, shifted by fifth."""
    ages = np.arange(AGES, dtype=float)
    adults = ages >= 18
    out = np.ones((CELLS, AGES, len(MORBIDITY)))
    shift = np.array([(cell % FIFTHS - 2) * value["deprivation_years"] / (FIFTHS - 1) for cell in range(CELLS)])
    for level, name in enumerate(("any_condition_adults", "multimorbidity_adults", "complex_adults"), start=1):
        low, high = -20.0, 20.0
        share = np.zeros((CELLS, AGES))
        for _ in range(60):  # the level at which the adults of England have the published prevalence
            middle = (low + high) / 2
            share = _logistic(value["multimorbidity_slope"] * (ages[None, :] - 50 - shift[:, None]) + middle)
            here = (share * people)[:, adults].sum() / people[:, adults].sum()
            low, high = (middle, high) if here < value[name] else (low, middle)
        out[:, :, level] = share
    return out


def _worse(at_least: Numbers) -> Numbers:
    """Hazards of getting worse that carry the prevalence of one age into that of the next."""
    out = np.zeros((CELLS, AGES, len(MORBIDITY)))
    for level in range(len(MORBIDITY) - 1):
        gained = np.diff(at_least[:, :, level + 1], axis=1, append=at_least[:, -1:, level + 1])
        here = at_least[:, :, level] - at_least[:, :, level + 1]
        out[:, :, level] = np.clip(-np.log1p(-np.clip(gained / np.maximum(here, 1e-9), 0, 0.9)), 0, 2)
    return out


def _frailer(value: Mapping[str, float]) -> Numbers:
    ages = np.arange(AGES, dtype=float)
    known = np.array([57.0, 70.0, 80.0])
    logs = np.log([value["frailty_onset_57"], value["frailty_onset_70"], value["frailty_onset_80"]])
    slope = (logs[-1] - logs[0]) / (known[-1] - known[0])
    onset = np.exp(np.interp(ages, known, logs))
    onset = np.where(ages < known[0], np.exp(logs[0] + slope * (ages - known[0])), onset)
    onset = np.where(ages > known[-1], np.exp(logs[-1] + slope / 2 * (ages - known[-1])), onset)
    out = np.zeros((AGES, len(FRAILTY)))
    out[:, 0] = onset
    out[:, 1:-1] = (onset * value["frailty_worsening"])[:, None]
    return out


def _relative(value: Mapping[str, float], frailty: str, morbidity: str) -> Numbers:
    by_morbidity = [1.0, *(value[f"morbidity_{morbidity}_{level}"] for level in ("one", "multi", "complex"))]
    by_frailty = [1.0, *(value[f"frailty_{frailty}_{level}"] for level in ("mild", "moderate", "severe"))]
    return np.array([m * f for m in by_morbidity for f in by_frailty])


def _over_states(average: Numbers, relative: Numbers, mix: Numbers) -> Numbers:
    """A published average spread over states so that the mix of states averages to it again."""
    return average[:, :, None] * relative / (mix @ relative)[:, :, None]


def _mix(
    worse: Numbers, frailer: Numbers, mortality: Numbers, at_birth: Numbers, value: Mapping[str, float]
) -> tuple[Numbers, Numbers]:
    """Deaths by state and the mix of states at each birthday, from a cohort followed from birth month by month.

    At each age the published chance of death is spread over states by relative mortality and the mix at that birthday.
    """
    relative = np.tile(
        np.array([1.0, *(value[f"frailty_death_{level}"] for level in ("mild", "moderate", "severe"))]), len(MORBIDITY)
    )
    mix, death = np.zeros((CELLS, AGES, STATES)), np.zeros((CELLS, AGES, STATES))
    here = np.zeros((CELLS, STATES))
    here[:, :: len(FRAILTY)] = at_birth - np.append(at_birth[:, 1:], np.zeros((CELLS, 1)), axis=1)
    for age in range(AGES):
        mix[:, age] = here
        death[:, age] = np.minimum(mortality[:, age, None] * relative / (here @ relative)[:, None], 0.95)
        for _ in range(12):
            here = month(here, worse[:, age], frailer[age], death[:, age])
        here = here / here.sum(axis=1, keepdims=True)
    return death, mix


def monthly(chance: Numbers) -> Numbers:
    """The chance within a month that gives a chance within a year."""
    return 1 - (1 - chance) ** (1 / 12)


def month(here: Numbers, worse: Numbers, frailer: Numbers, death: Numbers) -> Numbers:
    """Expected people by state ``[cells, states]`` a month later.

    At most one thing happens to a person in a month: death, more morbidity, or more frailty.
    """
    grid = here.reshape(-1, len(MORBIDITY), len(FRAILTY))
    dying = grid * monthly(death).reshape(grid.shape)
    worsening = grid * (worse / 12)[:, :, None]
    weakening = grid * (frailer / 12)[None, None, :]
    out = grid - dying - worsening - weakening
    out[:, 1:, :] += worsening[:, :-1, :]
    out[:, :, 1:] += weakening[:, :, :-1]
    return out.reshape(here.shape)


def _stay(value: Mapping[str, float], people: Numbers, emergency: Numbers, cost: Numbers) -> Numbers:
    admissions = emergency * people
    return cost * (value["stay_emergency"] * admissions.sum() / (cost * admissions).sum())


CHRONIC_AGES = {17.0: "15", 47.0: "45", 87.0: "85"}
"""Middles of the published ages, and the ages in the names of the parameters ``chronic_most_15`` and so on."""


def _chronic(value: Mapping[str, float], people: Numbers, emergency: Numbers) -> Numbers:
    ages = np.arange(AGES, dtype=float)
    pairs = [(value[f"chronic_most_{age}"], value[f"chronic_least_{age}"]) for age in CHRONIC_AGES.values()]
    middle = np.log([sum(pair) / 2 for pair in pairs])
    rate = np.exp(np.interp(ages, list(CHRONIC_AGES), middle))
    admissions = (emergency * people).sum(axis=0)
    share = rate / np.maximum(admissions / people.sum(axis=0), 1e-9)
    share = share * value["chronic_share"] / ((share * admissions).sum() / admissions.sum())
    return np.minimum(share, 0.5)
