"""Fitting: the rates of the model from published figures. Run once by us, and by anybody who wants to check.

    python -m accord.simulation.fitting FOLDER_OF_PUBLISHED_FILES FOLDER_OF_FACTS

writes ``model/rates.csv`` and the report of the fit (``docs/model-fit.md``, :mod:`accord.simulation.fit_report`). What
is fitted: hospital episodes, their cost, outpatient appointments and mortality by age, sex and deprivation fifth
(England 2011/12, after Asaria et al.), and the age, sex and deprivation of attendances at emergency departments. Each
curve is a logarithm, straight between knots of age, fitted by Poisson regression; because the hats of the knots add up
to one, every fitted curve reproduces its cell's total.

The published files are not part of the project, and the fitted values at the knots are not a copy of them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accord.simulation.model import FOLDER, read_parameters
from accord.simulation.people import AGES, CELLS, FIFTHS, SEXES, cell_of

KNOTS = (0, 1, 2, 3, 5, 10, 15, 18, 20, 22, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 100)
"""The ages at which a curve may bend."""

OPEN = 85
"""The last age of the published tables stands for this age and over."""

STEEPNESS = 0.5
"""Beyond the open age a logarithm goes on with this part of its slope from 80 to 85 (assumed: nothing is published)."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A fitted curve by cell: values at the knots, and what it was fitted to.

    Attributes:
        quantity: what it is of.
        at_knots: ``[cells, knots]``: the value, not its logarithm.
        events: published, by cell and single age ``[cells, ages]``; ``exposure``: what they are divided by.
        fitted: events as the curve has them.
        predicted: events of each single age (but the first and last) as a curve has them that was fitted without that
            age and every fifth other; None where the published figures are for wider ages.
    """

    quantity: str
    at_knots: Numbers
    events: Numbers
    exposure: Numbers
    fitted: Numbers
    predicted: Numbers | None

    @property
    def published(self) -> float:
        """The published total."""
        return float(self.events.sum())

    @property
    def reproduced(self) -> float:
        """The fitted total."""
        return float(self.fitted.sum())

    @property
    def typical_error(self) -> float:
        """Median over single ages and cells of |fitted / published - 1|, weighted by events."""
        return typical(self.fitted, self.events)

    @property
    def held_out_error(self) -> float | None:
        """The same of single ages that the curve was not fitted to."""
        return None if self.predicted is None else typical(self.predicted[:, 1:-1], self.events[:, 1:-1])


def typical(fitted: Numbers, events: Numbers) -> float:
    """Median of |fitted / published - 1|, weighted by events."""
    error = np.abs(fitted / np.maximum(events, 1e-9) - 1).ravel()
    order = np.argsort(error)
    weight = np.cumsum(events.ravel()[order])
    return float(error[order][np.searchsorted(weight, weight[-1] / 2)])


def hats(ages: Numbers) -> Numbers:
    """The hat functions of the knots at some ages: [ages, knots], rows add up to 1."""
    knots = np.array(KNOTS, float)
    place = np.clip(np.searchsorted(knots, ages, side="right") - 1, 0, len(knots) - 2)
    share = (ages - knots[place]) / (knots[place + 1] - knots[place])
    out = np.zeros((len(ages), len(knots)))
    rows = np.arange(len(ages))
    out[rows, place] = 1 - share
    out[rows, place + 1] += share
    return out


def poisson(
    events: Numbers, exposure: Numbers, design: Numbers, beyond: tuple[Numbers, Numbers] | None = None
) -> Numbers:
    """Coefficients of log(rate) by Poisson regression (reweighted least squares; McCullagh and Nelder 1989).

    Args:
        events: what is counted in each row.
        exposure: what it is divided by.
        design: log(rate) is this times the coefficients.
        beyond: of the last row, where it stands for several ages: their own design, and the share of each; its rate is
            then the mean of theirs. The rows of all ages' designs add up to 1, so totals are reproduced.
    """
    beta: Numbers = np.full(design.shape[1], np.log(events.sum() / exposure.sum()))
    ridge = np.eye(design.shape[1]) * 1e-9
    for _ in range(200):
        linear = design @ beta
        if beyond is not None:
            each = beyond[1] * np.exp(beyond[0] @ beta)
            design = np.vstack([design[:-1], each @ beyond[0] / each.sum()])
            linear[-1] = np.log(each.sum())
        mean = exposure * np.exp(linear)
        step = np.linalg.solve(design.T @ (design * mean[:, None]) + ridge, design.T @ (events - mean))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            return beta
    return beta


FOLDS = 5
"""A single age is left out together with every fifth one after it."""


def fit(
    quantity: str, events: Numbers, exposure: Numbers, *, by_single_age: bool = True, open_age: bool = True
) -> Curve:
    """A curve from events and exposure by cell and single age ``[cells, 0..85]``.

    Args:
        quantity: its name.
        events: what is counted.
        exposure: what it is divided by.
        by_single_age: whether the figures were published so; only then can single ages be left out and predicted.
        open_age: whether the last age stands for itself and over.
    """
    ages = np.arange(events.shape[1], dtype=float)
    design, beyond, last = _design(ages, open_age)
    at_100 = np.eye(len(KNOTS) - 1)[-1] if last is None else last
    out, fitted, predicted = np.empty((CELLS, len(KNOTS))), np.empty_like(events), events.copy()
    for cell in range(CELLS):
        beta = poisson(events[cell], exposure[cell], design, beyond)
        out[cell] = np.exp(np.append(beta, at_100 @ beta))
        fitted[cell] = exposure[cell] * _rates(design, beyond, beta)
        for fold in range(FOLDS if by_single_age else 0):
            left_out = ages % FOLDS == fold
            left_out[0] = left_out[-1] = False  # what lies beyond the rest cannot be predicted
            kept = poisson(events[cell][~left_out], exposure[cell][~left_out], design[~left_out], beyond)
            # a knot that nothing is left of takes what lies between its neighbours
            known = np.abs(design[~left_out]).sum(axis=0) > 0
            kept = np.interp(np.array(KNOTS[:-1]), np.array(KNOTS[:-1])[known], kept[known])
            predicted[cell, left_out] = (exposure[cell] * _rates(design, beyond, kept))[left_out]
    return Curve(quantity, out, events, exposure, fitted, predicted if by_single_age else None)


def _design(ages: Numbers, open_age: bool) -> tuple[Numbers, tuple[Numbers, Numbers] | None, Numbers | None]:
    """The design of single ages; that of the ages which the open one stands for, with shares; and of the last knot."""
    design = hats(ages)
    if not open_age:
        design[:, -2] += design[:, -1]  # a single age as any other, and nothing is asked beyond it
        return design[:, :-1], None, None
    older = np.arange(OPEN, AGES, dtype=float)
    share = read_parameters(FOLDER / "parameters.yaml")["oldest_kept"].value ** (older - OPEN)
    # the last knot follows from the two before it: b100 = b85 + 15 years of a part of the slope from 80 to 85
    years = (KNOTS[-1] - KNOTS[-2]) / (KNOTS[-2] - KNOTS[-3]) * STEEPNESS
    last = np.zeros(len(KNOTS) - 1)
    last[-1], last[-2] = 1 + years, -years
    beyond = hats(older)
    beyond = beyond[:, :-1] + beyond[:, -1:] * last
    return design[:, :-1] + design[:, -1:] * last, (beyond, share / share.sum()), last


def _rates(design: Numbers, beyond: tuple[Numbers, Numbers] | None, beta: Numbers) -> Numbers:
    """Rates of single ages, the last of them (if it is open) the mean of those it stands for."""
    out = np.exp(design @ beta)
    if beyond is not None:
        out[-1] = beyond[1] @ np.exp(beyond[0] @ beta)
    return out


# -- reading the published files --------------------------------------------------------------------------------


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _cells(rows: list[dict[str, str]], column: str) -> Numbers:
    out = np.zeros((CELLS, OPEN + 1))
    for row in rows:
        cell = cell_of(0 if row["SEX"] == "F" else 1, int(row["IMD_QUINTILE"]))
        out[cell, int(float(row["AGE"]))] = float(row[column])
    return out


def _mortality(folder: Path, facts: Path, population: Numbers) -> Curve:
    """Chance of death within a year: the national life table by single year, scaled to each published band."""
    shape, survivors = np.zeros((2, AGES)), np.zeros((2, AGES))
    for row in _rows(facts / "9_rates" / "ons_life_tables_1980_2020.csv"):
        if row["area"] == "England" and row["period"] == "2010-2012" and int(row["age"]) < AGES:
            sex = 0 if row["sex"] == "F" else 1
            shape[sex, int(row["age"])], survivors[sex, int(row["age"])] = float(row["qx"]), float(row["lx"])
    chance, weight = np.zeros((CELLS, AGES)), np.zeros((CELLS, AGES))
    for row in _rows(folder / "lifetable.csv"):
        sex = 0 if row["SEX"] == "F" else 1
        cell = cell_of(sex, int(row["IMD_QUINTILE"]))
        first, last = int(float(row["MIN_AGE"])), int(float(row["MAX_AGE"]))
        if first == OPEN:
            ages = np.arange(OPEN, AGES)
            people = survivors[sex, ages] / survivors[sex, ages].sum() * population[cell, OPEN]
        else:
            ages = np.arange(first, last + 1)
            people = population[cell, ages]
        deaths = float(row["PROB_MORT"]) * people.sum()
        ratio = deaths / (shape[sex, ages] * people).sum()
        chance[cell, ages] = np.minimum(shape[sex, ages] * ratio, 0.9)
        weight[cell, ages] = people
    design = hats(np.arange(AGES, dtype=float))
    out, fitted = np.empty((CELLS, len(KNOTS))), np.empty_like(chance)
    for cell in range(CELLS):
        beta = poisson(chance[cell] * weight[cell], weight[cell], design)
        out[cell] = np.minimum(np.exp(beta), 0.9)
        fitted[cell] = np.exp(design @ beta) * weight[cell]
    return Curve("mortality", out, chance * weight, weight, fitted, None)


AE_AGES: Mapping[str, tuple[int, int]] = {
    "0": (0, 0),
    "1-4": (1, 4),
    "5-12": (5, 12),
    "13-17": (13, 17),
    "18-34": (18, 34),
    "35-54": (35, 54),
    "55-74": (55, 74),
    "75+": (75, 85),
}


def _attendances(facts: Path, population: Numbers) -> Curve:
    """Attendances relative to the average person, by age, sex and deprivation: a region's shares over England's people.

    The region's own population is not published with the shares, so England's stands in for it: status derived.
    """
    by = {
        (row["dimension"], row["level"]): float(row["attendances"])
        for row in _rows(facts / "9_rates" / "ae_attendances_regional_2010_15.csv")
        if row["year"] == "2011/12"
    }
    total, people = by["total", "all"], population.sum()
    ages = np.zeros(OPEN + 1)
    for level, (first, last) in AE_AGES.items():
        ages[first : last + 1] = by["age", level] / total / (population[:, first : last + 1].sum() / people)
    sexes = [
        by["sex", one] / total / (population[i * FIFTHS : (i + 1) * FIFTHS].sum() / people)
        for i, one in enumerate("FM")
    ]
    fifths = []
    for fifth in range(1, FIFTHS + 1):
        share = next(
            value for (what, level), value in by.items() if what == "imd04_fifth" and level.startswith(str(fifth))
        )
        here = population[[cell_of(sex, fifth) for sex in range(2)]].sum()
        fifths.append(share / total / (here / people))
    relative = np.array([[ages * sexes[sex] * fifths[fifth]] for sex in range(2) for fifth in range(FIFTHS)])[:, 0, :]
    events = relative * population
    return fit("attendances", events * (people / events.sum()), population, by_single_age=False)


def _bands(prefix: str) -> list[tuple[int, int, float]]:
    """Published figures by age, of ``model/by_age.yaml``: first age, last age, value."""
    found = read_parameters(FOLDER / "by_age.yaml")
    named = [(one.name.removeprefix(prefix + "_").split("_"), one.value) for one in found.values()
             if one.name.startswith(prefix)]  # fmt: skip
    return [(int(first), int(last), value) for (first, last), value in named]


def _by_band(quantity: str, bands: Sequence[Sequence[tuple[int, int, float]]], population: Numbers) -> Curve:
    """A curve of relative use from figures by age, of each sex."""
    relative = np.zeros_like(population)
    for sex in range(len(SEXES)):
        for first, last, value in bands[sex]:
            relative[sex * FIFTHS : (sex + 1) * FIFTHS, first : last + 1] = value
    events = relative * population
    return fit(quantity, events * (population.sum() / events.sum()), population, by_single_age=False)


def _registered(facts: Path) -> Numbers:
    """Patients registered in England on 1 July 2026 by sex, age and fifth of their practice; bands spread evenly."""
    out = np.zeros((CELLS, OPEN + 1))
    for row in _rows(facts / "9_rates" / "registered_population_2026_07.csv"):
        if not row["group"].startswith("practice IMD 2025 fifth"):
            continue
        cell = cell_of(0 if row["sex"] == "F" else 1, int(row["group"].split()[4]))
        first = int(row["age_band"].split("-")[0].rstrip("+"))
        patients = float(row["patients"])
        if first >= OPEN:
            out[cell, OPEN] += patients
        else:
            out[cell, first : first + 5] += patients / 5
    return out


def _at_open_age(people: Numbers) -> Numbers:
    """People with the open age's alone in its place, as the model spreads those beyond it over single ages."""
    kept = read_parameters(FOLDER / "parameters.yaml")["oldest_kept"].value
    out = people.copy()
    out[:, OPEN] /= (kept ** np.arange(AGES - OPEN)).sum()
    return out


def curves(folder: Path, facts: Path) -> list[Curve]:
    """Every fitted curve. Rates are a person and year; costs are pounds an episode; relative ones average 1."""
    data = folder / "england_2011_12"
    emergency, elective, outpatient = (
        _rows(data / f"{name}.csv") for name in ("emergency_cost_table", "elective_cost_table", "outpatient_table")
    )
    population = _cells(emergency, "POPULATION")
    contacts = [(a, b, value / population[:, a : b + 1].sum()) for a, b, value in _bands("community")]
    found = [
        fit("emergency", _cells(emergency, "N"), population),
        fit("elective", _cells(elective, "N"), population),
        fit("outpatient", _cells(outpatient, "N"), population),
        fit("emergency_cost", _cells(emergency, "TOTAL_COST"), _cells(emergency, "N")),
        fit("elective_cost", _cells(elective, "TOTAL_COST"), _cells(elective, "N")),
        _mortality(data, facts, population),
        _attendances(facts, population),
        _by_band("consultations", [_bands(f"visits_{sex}") for sex in SEXES], population),
        _by_band("community", [contacts] * len(SEXES), population),
    ]
    for name, rows in (("emergency_spread", emergency), ("elective_spread", elective)):
        number, mean = _cells(rows, "N"), _cells(rows, "TOTAL_COST") / np.maximum(_cells(rows, "N"), 1e-9)
        # published: the standard deviation of an episode's cost; fitted: its coefficient of variation
        found.append(fit(name, _cells(rows, "STDDEV_COST") / np.maximum(mean, 1e-9) * number, number))
    even = np.ones_like(population)
    found.append(fit("people_2011", _at_open_age(population), even, open_age=False))
    found.append(fit("people_2026", _at_open_age(_registered(facts)), even, by_single_age=False, open_age=False))
    return found


def write(found: Sequence[Curve], target: Path) -> None:
    """Write the values at the knots as the model reads them."""
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("quantity", "sex", "fifth", "age", "value"))
        for curve in found:
            for cell in range(CELLS):
                for age, value in zip(KNOTS, curve.at_knots[cell], strict=True):
                    writer.writerow((curve.quantity, SEXES[cell // FIFTHS], cell % FIFTHS + 1, age, f"{value:.6g}"))


DOCS = Path(__file__).parents[3] / "docs"
"""Where the report is written, in a checkout."""


def main(folder: Path, facts: Path, rates: Path = FOLDER / "rates.csv", docs: Path = DOCS) -> None:
    """Fit everything; write the model's table and the report of the fit."""
    from accord.simulation import fit_report

    found = curves(folder, facts)
    write(found, rates)
    written = fit_report.write(found, facts, rates, docs)
    for path in (rates, *written):
        print(f"wrote {path}")
    for curve in found:
        sums = f"published {curve.published:18,.0f}  reproduced {curve.reproduced:18,.0f}"
        print(f"{curve.quantity:18} {sums}  typical error {curve.typical_error:.2%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
