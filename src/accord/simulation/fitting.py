"""Fitting: the rates of the model from published figures. Run once by us, and by anybody who wants to check.

    python -m accord.simulation.fitting FOLDER_OF_PUBLISHED_FILES FOLDER_OF_FACTS

writes ``model/rates.csv`` and says how well each published total is reproduced. What is fitted: hospital episodes,
their cost, outpatient appointments and mortality by age, sex and deprivation fifth (England 2011/12, after Asaria et
al.), and the age, sex and deprivation of attendances at emergency departments. Each curve is a logarithm, straight
between knots of age, fitted by Poisson regression; because the hats of the knots add up to one, every fitted curve
reproduces its cell's total.

The published files are not part of the project, and the fitted values at the knots are not a copy of them.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accord.simulation.people import AGES, CELLS, FIFTHS, SEXES, cell_of

KNOTS = (0, 1, 2, 3, 5, 10, 15, 18, 20, 22, 25, 30, 35, 40, 45, 50, 55, 60, 65, 70, 75, 80, 85, 100)
"""The ages at which a curve may bend."""

OPEN = 85
"""The last age of the published tables stands for this age and over."""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Curve:
    """A fitted curve by cell: values at the knots, and how well the published numbers are reproduced."""

    quantity: str
    at_knots: Numbers
    """[cells, knots]: the value, not its logarithm."""
    published: float
    reproduced: float
    typical_error: float
    """Median over single ages and cells of |fitted / published - 1|, weighted by events."""


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


def poisson(events: Numbers, exposure: Numbers, design: Numbers) -> Numbers:
    """Coefficients of log(rate) by Poisson regression (reweighted least squares; McCullagh and Nelder 1989)."""
    beta: Numbers = np.full(design.shape[1], np.log(events.sum() / exposure.sum()))
    ridge = np.eye(design.shape[1]) * 1e-9
    for _ in range(60):
        mean = exposure * np.exp(design @ beta)
        step = np.linalg.solve(design.T @ (design * mean[:, None]) + ridge, design.T @ (events - mean))
        beta = beta + np.clip(step, -2, 2)
        if np.abs(step).max() < 1e-10:
            return beta
    return beta


def fit(quantity: str, events: Numbers, exposure: Numbers) -> Curve:
    """A curve from events and exposure by cell and single age ``[cells, 0..85]``, the last age open."""
    ages = np.arange(events.shape[1], dtype=float)
    design = hats(ages)
    # beyond the open age nothing is known of the shape: the curve stays level
    design[:, -2] += design[:, -1]
    design = design[:, :-1]
    out, fitted = np.empty((CELLS, len(KNOTS))), np.empty_like(events)
    for cell in range(CELLS):
        beta = poisson(events[cell], exposure[cell], design)
        out[cell] = np.exp(np.append(beta, beta[-1]))
        fitted[cell] = exposure[cell] * np.exp(design @ beta)
    error = np.abs(fitted / np.maximum(events, 1e-9) - 1)
    order = np.argsort(error, axis=None)
    weight = np.cumsum(events.ravel()[order])
    typical = float(error.ravel()[order][np.searchsorted(weight, weight[-1] / 2)])
    return Curve(quantity, out, float(events.sum()), float(fitted.sum()), typical)


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
    chance, weight, published = np.zeros((CELLS, AGES)), np.zeros((CELLS, AGES)), 0.0
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
        published += deaths
        ratio = deaths / (shape[sex, ages] * people).sum()
        chance[cell, ages] = np.minimum(shape[sex, ages] * ratio, 0.9)
        weight[cell, ages] = people
    design = hats(np.arange(AGES, dtype=float))
    out, reproduced, errors = np.empty((CELLS, len(KNOTS))), 0.0, []
    for cell in range(CELLS):
        beta = poisson(chance[cell] * weight[cell], weight[cell], design)
        out[cell] = np.minimum(np.exp(beta), 0.9)
        fitted = np.exp(design @ beta)
        reproduced += float((fitted * weight[cell]).sum())
        errors.append(np.abs(fitted / chance[cell] - 1))
    return Curve("mortality", out, published, reproduced, float(np.median(errors)))


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
    return fit("attendances", events * (people / events.sum()), population)


GP_AGES = ((0, 4), (5, 15), (16, 44), (45, 64), (65, 74), (75, 85))
GP_VISITS = {"F": (3.4, 1.7, 3.2, 4.0, 5.1, 6.8), "M": (3.8, 1.6, 1.6, 2.8, 4.5, 6.2)}
"""Visits to the GP by age and sex, QResearch (as used by Asaria et al.)."""

COMMUNITY_AGES = ((0, 18, 1_485_175), (19, 64, 1_873_345), (65, 85, 5_214_720))
"""Community care contacts of March 2025 by age, Community Services Statistics."""


def _by_band(quantity: str, bands: Callable[[int], list[tuple[int, int, float]]], population: Numbers) -> Curve:
    relative = np.zeros_like(population)
    for sex in range(2):
        for first, last, value in bands(sex):
            relative[sex * FIFTHS : (sex + 1) * FIFTHS, first : last + 1] = value
    events = relative * population
    return fit(quantity, events * (population.sum() / events.sum()), population)


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


def curves(folder: Path, facts: Path) -> list[Curve]:
    """Every fitted curve. Rates are a person and year; costs are pounds an episode; relative ones average 1."""
    data = folder / "england_2011_12"
    emergency, elective, outpatient = (
        _rows(data / f"{name}.csv") for name in ("emergency_cost_table", "elective_cost_table", "outpatient_table")
    )
    population = _cells(emergency, "POPULATION")
    found = [
        fit("emergency", _cells(emergency, "N"), population),
        fit("elective", _cells(elective, "N"), population),
        fit("outpatient", _cells(outpatient, "N"), population),
        fit("emergency_cost", _cells(emergency, "TOTAL_COST"), _cells(emergency, "N")),
        fit("elective_cost", _cells(elective, "TOTAL_COST"), _cells(elective, "N")),
        _mortality(data, facts, population),
        _attendances(facts, population),
        _by_band(
            "consultations",
            lambda sex: [(a, b, v) for (a, b), v in zip(GP_AGES, GP_VISITS["FM"[sex]], strict=True)],
            population,
        ),
        _by_band(
            "community",
            lambda sex: [(a, b, v / population[:, a : b + 1].sum()) for a, b, v in COMMUNITY_AGES],
            population,
        ),
    ]
    for name, rows in (("emergency_spread", emergency), ("elective_spread", elective)):
        number, mean = _cells(rows, "N"), _cells(rows, "TOTAL_COST") / np.maximum(_cells(rows, "N"), 1e-9)
        # published: the standard deviation of an episode's cost; fitted: its coefficient of variation
        found.append(fit(name, _cells(rows, "STDDEV_COST") / np.maximum(mean, 1e-9) * number, number))
    found.append(fit("people_2011", population, np.ones_like(population)))
    found.append(fit("people_2026", _registered(facts), np.ones_like(population)))
    return found


def main(folder: Path, facts: Path) -> None:
    """Fit everything and write the model's table and the report of the fit."""
    found = curves(folder, facts)
    target = Path(__file__).parent / "model" / "rates.csv"
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("quantity", "sex", "fifth", "age", "value"))
        for curve in found:
            for cell in range(CELLS):
                for age, value in zip(KNOTS, curve.at_knots[cell], strict=True):
                    writer.writerow((curve.quantity, SEXES[cell // FIFTHS], cell % FIFTHS + 1, age, f"{value:.6g}"))
    print(f"wrote {target}")
    for curve in found:
        sums = f"published {curve.published:18,.0f}  reproduced {curve.reproduced:18,.0f}"
        print(f"{curve.quantity:18} {sums}  typical error {curve.typical_error:.2%}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
