"""Fit report: how well the fitted curves reproduce the published figures, written beside them (``docs/model-fit.md``).

The report names the table of rates by its hash, so that a test can say whether it is that table's. It shows rates of
wide groups of age, never a published table as it was.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accord.simulation.people import CELLS, FIFTHS, SEXES
from accord.simulation.results import AGE_GROUPS

if TYPE_CHECKING:
    from accord.simulation.fitting import Curve

Numbers = NDArray[np.float64]

SHOWN = {
    "emergency": ("Emergency episodes", "a thousand people and year", 1000.0),
    "elective": ("Elective episodes", "a thousand people and year", 1000.0),
    "outpatient": ("Outpatient appointments", "a thousand people and year", 1000.0),
    "emergency_cost": ("Cost of an emergency episode", "pounds of 2011/12", 1.0),
    "elective_cost": ("Cost of an elective episode", "pounds of 2011/12", 1.0),
    "mortality": ("Deaths", "a thousand people and year", 1000.0),
}
"""Curves that are shown by age, sex and fifth: title, unit, and what a rate is multiplied by."""

DRAWN = ("emergency", "elective", "outpatient", "emergency_cost", "mortality")
"""Curves that are drawn."""

OTHERS = {
    "attendances": "Attendances at emergency departments",
    "consultations": "Visits in general practice",
    "community": "Community contacts",
    "emergency_spread": "Spread of an emergency episode's cost",
    "elective_spread": "Spread of an elective episode's cost",
    "people_2011": "People to the age of 85, 2011",
    "people_2026": "Registered patients to the age of 85, 2026",
}
"""Curves that have a row in the summary alone."""

WORST = 4
"""Worst groups that are named of each curve."""


def write(found: Sequence[Curve], facts: Path, rates: Path, docs: Path) -> list[Path]:
    """Write the page and its pictures; their paths.

    Args:
        found: the fitted curves.
        facts: the folder of published figures that no curve was fitted to (``9_rates``).
        rates: the table of rates that was written from the curves.
        docs: the folder of the page; pictures go into ``charts`` in it.
    """
    by_name = {curve.quantity: curve for curve in found}
    (docs / "charts").mkdir(parents=True, exist_ok=True)
    written = [docs / "model-fit.md"]
    for name in DRAWN:
        path = docs / "charts" / f"fit-{name.replace('_', '-')}.svg"
        path.write_text(_picture(by_name[name]), "utf-8")
        written.append(path)
    written[0].write_text(_page(by_name, facts, digest(rates)), "utf-8")
    return written


def digest(rates: Path) -> str:
    """The hash by which the report names the table of rates."""
    return hashlib.sha256(rates.read_bytes()).hexdigest()


# -- the page ----------------------------------------------------------------------------------------------------------


def _page(curves: dict[str, Curve], facts: Path, rates: str) -> str:
    parts = [
        f"""# How well the model fits what is published

This page is written by `python -m accord.simulation.fitting`, together with the rates (`simulation/model/rates.csv`,
SHA-256 `{rates}`). The rates of [made places](population.md) and of [simulated futures](futures.md) come from these
curves; a place with a record of its own replaces them with what it had ([calibration](calibration.md)).

## What was fitted

Hospital episodes, their mean cost and its spread, outpatient appointments, and deaths in England in 2011/12 by single
year of age, sex and deprivation fifth (Asaria, Doran and Cookson 2016, from Hospital Episode Statistics and the Office
for National Statistics). Attendances: ages, sexes and fifths of one English region in 2011/12 over England's people
(derived). Visits in general practice and community contacts: wide groups of age alone (`model/by_age.yaml`). Each curve
is a logarithm that is straight between {len(_knots())} ages, fitted by Poisson regression for each sex and fifth. A
curve's total is the published total exactly; what can be wrong is its shape.

*Typical error*: half of all events are at single ages (of a sex and fifth) where fitted and published differ by less.
*Held out*: the same, of single ages that the curve was not fitted to: each fifth single year of age was left out in
turn, and predicted from the others. *Dispersion*: the sum of squared residuals, each divided by its expected number,
over the number of residuals less that of fitted figures; 1 would be chance alone. With a nation's numbers chance is
small, so every real bend of a curve between its knots shows.

| curve | published | fitted | typical error | held out | dispersion |
| --- | ---: | ---: | ---: | ---: | ---: |
"""
    ]
    for name, curve in curves.items():
        title = SHOWN[name][0] if name in SHOWN else OTHERS[name]
        held = "–" if curve.held_out_error is None else f"{curve.held_out_error:.1%}"
        total = f"{curve.published:,.0f} | {curve.reproduced:,.0f}"
        if name in ("attendances", "consultations", "community"):
            total = "relative | relative"
        if name.endswith("_spread"):
            total = f"{curve.published / curve.exposure.sum():.3f} | {curve.reproduced / curve.exposure.sum():.3f}"
        dispersion = _dispersion(curve) if name in ("emergency", "elective", "outpatient", "mortality") else None
        said = "–" if dispersion is None else f"{dispersion:,.1f}"
        parts.append(f"| {title} | {total} | {curve.typical_error:.1%} | {held} | {said} |\n")
    parts.append(
        """
Spread is the standard deviation of an episode's cost by its mean. Deaths were published for groups of ages; within a
group they follow England's life table of 2010-2012, so nothing can be held out by single year. People are published by
single year (2011) and by five years (2026).

## By age, sex and deprivation

Published and fitted. Fifth 1 is the most deprived.

"""
    )
    for name, (title, unit, scale) in SHOWN.items():
        parts.append(_tables(curves[name], title, unit, scale))
    parts.append(_elsewhere(curves, facts))
    parts.append(_limits())
    return "".join(parts)


def _knots() -> tuple[int, ...]:
    from accord.simulation.fitting import KNOTS

    return KNOTS


def _dispersion(curve: Curve) -> float:
    there = curve.fitted > 0
    residuals = (curve.events[there] - curve.fitted[there]) ** 2 / curve.fitted[there]
    return float(residuals.sum() / max(1, int(there.sum()) - (len(_knots()) - 1) * CELLS))


def _tables(curve: Curve, title: str, unit: str, scale: float) -> str:
    picture = f"![{title}: published and fitted by age](charts/fit-{curve.quantity.replace('_', '-')}.svg)\n\n"
    groups = {f"{first}–{last}" if last < 100 else f"{first}+": slice(first, last + 1) for first, last in AGE_GROUPS}
    fifths = [[fifth, fifth + FIFTHS] for fifth in range(FIFTHS)]
    lines = [f"### {title}\n\n", picture if curve.quantity in DRAWN else "", f"In {unit}.\n\n"]
    lines.append("| | " + " | ".join(groups) + " | all ages |\n")
    lines.append("| --- |" + " ---: |" * (len(groups) + 1) + "\n")
    rows = [(f"fifth {fifth + 1}", fifths[fifth]) for fifth in range(FIFTHS)]
    rows += [(sex, list(range(n * FIFTHS, (n + 1) * FIFTHS))) for n, sex in enumerate(SEXES)]
    for label, cells in rows:
        for kind, values in (("published", curve.events), ("fitted", curve.fitted)):
            numbers = [
                f"{_rate(values[cells][:, ages], curve.exposure[cells][:, ages]) * scale:,.1f}"
                for ages in (*groups.values(), slice(None))
            ]
            lines.append(f"| {label}, {kind} | " + " | ".join(numbers) + " |\n")
    lines.append("\n" + _worst(curve) + "\n")
    return "".join(lines)


def _rate(events: Numbers, exposure: Numbers) -> float:
    return float(events.sum() / max(exposure.sum(), 1e-9))


def _worst(curve: Curve) -> str:
    """The groups (five years of age, sex and fifth) that are furthest from what was published, in words."""
    starts = np.arange(0, curve.events.shape[1], 5)
    published = np.add.reduceat(curve.events, starts, axis=1)
    fitted = np.add.reduceat(curve.fitted, starts, axis=1)
    error = fitted / np.maximum(published, 1e-9) - 1
    # a group with a ten-thousandth of all events says little
    error[published < published.sum() / 10_000] = 0
    told: list[str] = []
    for at in np.argsort(-np.abs(error), axis=None)[:WORST]:
        cell, band = divmod(int(at), error.shape[1])
        first = int(starts[band])
        last = error.shape[1] - 1
        ages = f"{first} to {first + 4}" if band < last else f"{first} and over"
        told.append(f"{SEXES[cell // FIFTHS]}, fifth {cell % FIFTHS + 1}, {ages} ({error[cell, band]:+.1%})")
    return f"Furthest from the published figures, of groups of five years: {'; '.join(told)}.\n".replace("-", "−")


def _elsewhere(curves: dict[str, Curve], facts: Path) -> str:
    """What no curve was fitted to: emergency admissions of one area, and outpatients' ages of a later year."""
    lines = [
        """## Against figures that no curve was fitted to

**Emergency admissions in north, east and west Devon**, twelve months, by age and fifth (Pereira Gray and others, BMJ
Open 2017;7:e014045). The curves are of England's episodes; one level for the whole of Devon is taken out, so that what
is compared is the shape: admitted patients in Devon by what the curves have, 1 is the same.

"""
    ]
    rows = _read(facts / "9_rates" / "emergency_admissions_age_imd_new_devon.csv")
    emergency = curves["emergency"]
    bands = list(dict.fromkeys(row["age_band"] for row in rows))
    observed, expected = np.zeros((len(bands), FIFTHS)), np.zeros((len(bands), FIFTHS))
    for row in rows:
        first, last = (min(int(age), 85) for age in row["age_band"].split("-"))
        fifth = int(row["imd_fifth"]) - 1
        ages, cells = slice(first, last + 1), [fifth, fifth + FIFTHS]
        at = bands.index(row["age_band"]), fifth
        observed[at] = float(row["admissions"])
        expected[at] = float(row["patients"]) * _rate(
            emergency.fitted[cells][:, ages], emergency.exposure[cells][:, ages]
        )
    ratio = observed / (expected * observed.sum() / expected.sum())
    lines.append("| ages | fifth 1 | 2 | 3 | 4 | fifth 5 |\n| --- | ---: | ---: | ---: | ---: | ---: |\n")
    for number, band in enumerate(bands):
        lines.append(f"| {band.replace('-110', '+').replace('-', '–')} | ")
        lines.append(" | ".join(f"{value:.2f}" for value in ratio[number]) + " |\n")
    inside = float(observed[np.abs(ratio - 1) <= 0.2].sum() / observed.sum())
    level = observed.sum() / expected.sum()
    lines.append(
        f"\nThe level taken out is {level:.2f} admissions for each episode of the curves (England: 1 for 1.6 episodes,"
        f" `episodes_emergency`). {inside:.0%} of admissions are in groups that are within 20 %.\n\n"
    )
    lines.append(
        """**Outpatients of England in 2023/24 by age and sex** (Hospital Outpatient Activity, shares over registered
patients of 2026, so that years are mixed). The curve is of 2011/12; both are relative to their average.

"""
    )
    outpatient, people = curves["outpatient"], curves["people_2026"]
    shares = _read(facts / "9_rates" / "outpatient_age_sex_share_2023_24.csv")
    wide = ((0, 14), (15, 29), (30, 44), (45, 59), (60, 74), (75, 85))
    later, earlier = np.zeros((2, len(wide))), np.zeros((2, len(wide)))
    here = np.zeros((2, len(wide)))
    for n, sex in enumerate("FM"):
        cells = range(n * FIFTHS, (n + 1) * FIFTHS)
        for g, (first, last) in enumerate(wide):
            ages = slice(first, last + 1)
            now = people.events[list(cells)][:, ages]
            here[n, g] = now.sum()
            old = outpatient.fitted[list(cells)][:, ages] / outpatient.exposure[list(cells)][:, ages]
            earlier[n, g] = float((old * now).sum())
            later[n, g] = sum(
                float(row["share_of_attendances"])
                for row in shares
                if row["sex"] == sex
                and first <= int(row["age_band"].split("-")[0].rstrip("+")) <= max(last, 90 * (last == 85))
            )
    earlier, later = earlier / earlier.sum() * here.sum() / here, later / later.sum() * here.sum() / here
    lines.append("| | " + " | ".join(f"{a}–{b}" if b < 85 else f"{a}+" for a, b in wide) + " |\n")
    lines.append("| --- |" + " ---: |" * len(wide) + "\n")
    for n, sex in enumerate(SEXES):
        for label, values in (("curve of 2011/12", earlier), ("2023/24", later)):
            lines.append(f"| {sex}, {label} | " + " | ".join(f"{value:.2f}" for value in values[n]) + " |\n")
    return "".join(lines)


def _limits() -> str:
    return """
## What this does not show

- The shapes are those of 2011/12. Levels of today come from later totals (`model/parameters.yaml`), shapes do not: see
  the outpatients above. `accord validate` compares the whole model with published figures.
- Morbidity, frailty and how use differs between people of the same age, sex and fifth are not in these tables; those
  figures stand one by one in `model/parameters.yaml` with their sources and how sure each is.
- Figures of people of 85 and over are published as one. They are fitted as the mean of single ages (each with 0.84 of
  the people of the one before), whose logarithms go on with half the slope from 80 to 85: that half is assumed.
- Costs are averages of 2011/12 by age, sex and fifth, not prices of a year.
"""


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


# -- pictures ----------------------------------------------------------------------------------------------------------

WIDE, HIGH, LEFT, TOP, BOTTOM = 700, 360, 64, 66, 44
COLOURS = {1: "#b3261e", 3: "#8a8a8a", 5: "#0b6e6e"}
"""Fifths that are drawn."""


def _picture(curve: Curve) -> str:
    """Published points of five years of age, and the fitted curve, both sexes together, on a logarithmic scale."""
    title, unit, scale = SHOWN[curve.quantity]
    ages = np.minimum(np.arange(curve.events.shape[1]), 99)
    lines: dict[int, Numbers] = {}
    points: dict[int, list[tuple[float, float]]] = {}
    for fifth in COLOURS:
        cells = [fifth - 1, fifth - 1 + FIFTHS]
        exposure = curve.exposure[cells].sum(axis=0)
        lines[fifth] = curve.fitted[cells].sum(axis=0) / np.maximum(exposure, 1e-9) * scale
        points[fifth] = []
        for first in (0, *range(1, 5, 4), *range(5, len(ages), 5)):
            last = {0: 0, 1: 4}.get(first, first + 4)
            here = slice(first, last + 1)
            value = _rate(curve.events[cells][:, here], curve.exposure[cells][:, here]) * scale
            points[fifth].append(((first + min(last, len(ages) - 1)) / 2, value))
    values = [value for each in points.values() for _, value in each if value > 0]
    steps = [part * 10.0**power for power in range(-3, 6) for part in (1, 2, 5)]
    low = max(step for step in steps if step <= min(values))
    high = min(step for step in steps if step >= max(values))
    right, bottom = WIDE - 20, HIGH - BOTTOM

    def x(age: float) -> float:
        return LEFT + (right - LEFT) * age / (len(ages) - 1)

    def y(value: float) -> float:
        part = (np.log(max(value, low)) - np.log(low)) / (np.log(high) - np.log(low))
        return float(bottom - (bottom - TOP) * part)

    def text(at: float, down: float, words: str, anchor: str = "start", more: str = 'fill="#6b6b6b"') -> str:
        return f'<text x="{at:.1f}" y="{down:.1f}" text-anchor="{anchor}" {more}>{words}</text>'

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" font-family="system-ui, sans-serif" '
        'font-size="13" role="img" aria-labelledby="t">',
        f'<title id="t">{title} by age, published and fitted, in {unit}</title>',
        f'<rect width="{WIDE}" height="{HIGH}" fill="#ffffff"/>',
        text(20, 26, title, more='fill="#1b1b1b" font-size="16" font-weight="600"'),
        text(20, 46, f"In {unit}; dots published, lines fitted"),
    ]
    at = 330.0
    for fifth, colour in COLOURS.items():
        words = {1: "most deprived fifth", 3: "middle", 5: "least deprived"}[fifth]
        out.append(f'<circle cx="{at:.0f}" cy="22" r="5" fill="{colour}"/>')
        out.append(text(at + 10, 26, words, more=f'fill="{colour}"'))
        at += 36 + 7.0 * len(words)
    for mark in steps:
        if low <= mark <= high:
            out.append(f'<line x1="{LEFT}" y1="{y(mark):.1f}" x2="{right}" y2="{y(mark):.1f}" stroke="#e4e4e4"/>')
            out.append(text(LEFT - 8, y(mark) + 4, f"{mark:,g}", "end"))
    for age in range(0, len(ages), 10):
        out.append(text(x(age), bottom + 18, str(age), "middle"))
    out.append(text((LEFT + right) / 2, bottom + 36, "age", "middle"))
    for fifth, colour in COLOURS.items():
        path = " ".join(
            f"{x(float(age)):.1f},{y(float(value)):.1f}" for age, value in zip(ages, lines[fifth], strict=True)
        )
        out.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.8"/>')
        out += [
            f'<circle cx="{x(age):.1f}" cy="{y(value):.1f}" r="3.6" fill="{colour}"/>' for age, value in points[fifth]
        ]
    return "\n".join([*out, "</svg>"]) + "\n"
