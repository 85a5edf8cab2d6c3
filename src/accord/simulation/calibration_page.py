"""The page of a calibration: how it did on a year that was known, and what the place has that is not built in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from accord.settlement.chart import LABELS, ROW, VALUES, WIDTH, Chart, Shape, dots
from accord.settlement.page import render
from accord.simulation.back_test import DIVISIONS, MONEY, TITLES, BackTest, Compared
from accord.simulation.calibration import Calibration
from accord.simulation.calibration_file import age_group, shown
from accord.simulation.credibility import LEVELS
from accord.simulation.draws import NORMAL_95
from accord.simulation.model import published
from accord.simulation.people import SEXES

BY = {"age": "Age", "sex": "Sex", "fifth": "Deprivation fifth (1 most deprived)", "practice": "Practice"}
"""What divisions are called."""

MOST_PRACTICES = 30
"""Practices that are drawn; of more, those furthest from what was simulated."""

FIGURES = {
    "moves": "Share of a list that leaves in a year",
    "births_per_woman": "Births a woman of 15 to 44 and year",
    "any_condition_adults": "Adults with a long-term condition",
    "multimorbidity_adults": "Adults with two or more",
    "complex_adults": "Adults with complex multimorbidity",
    "frailty_onset_70": "Becoming frail in a year, at 70",
    "frailty_worsening": "Frailty getting worse, against its onset",
    "morbidity_use_one": "Hospital use with one condition, against none",
    "morbidity_use_multi": "Hospital use with two or more",
    "morbidity_use_complex": "Hospital use with complex multimorbidity",
    "frailty_hospital_mild": "Hospital use with mild frailty, against none",
    "frailty_hospital_moderate": "Hospital use with moderate frailty",
    "frailty_hospital_severe": "Hospital use with severe frailty",
    "burden_shape": "Shape of what lasts in people (smaller: they differ more)",
    "year_shape": "Shape of what a year brings them",
    "stay_emergency": "Days of an emergency stay",
    "chronic_share": "Emergencies for chronic conditions",
}
"""Single figures that are shown, and how they are called."""


def page(made: Calibration, back: BackTest | None, *, inside: bool) -> str:
    """The page; ``inside`` shows exact numbers, which must not leave the boundary."""
    tested: list[dict[str, Any]] = []
    charts: dict[str, Chart] = {}
    if back is not None:
        if not inside:
            back = back.leaving()
        for name, rows in back.found.items():
            if name == "people_years":
                continue
            tested.append({"name": name, "title": TITLES[name], "figures": rows, "errors": back.errors(name)})
            chart = _practices(rows, name)
            if chart is not None:
                charts[name] = chart
    return render(
        "calibration.html.j2",
        room="accord.simulation",
        made=made,
        back=back,
        inside=inside,
        tested=tested,
        charts=charts,
        rivals=_rivals(back) if back else None,
        by=BY,
        divisions=DIVISIONS,
        money=MONEY,
        titles=TITLES,
        written=written,
        percent=percent,
        margins=_margins(made),
        figures=_figures(made),
        practices=_between(made),
    )


def written(quantity: str, value: float) -> str:
    """A number of events, or money in thousands of pounds."""
    if quantity in MONEY:
        return f"£{value / 100_000:,.0f}k" if value < 9_995e5 else f"£{value / 1e8:,.2f}m"
    return f"{value:,.0f}"


def percent(value: float) -> str:
    """A share with a sign."""
    return f"{value:+.1%}".replace("-", "−")


def _rivals(back: BackTest) -> Chart:
    """How far off each way was in the total."""
    rows = [
        (TITLES[name], tuple(100 * abs(one) for one in off))
        for name in back.found
        for off in (back.errors(name).total,)
        if name != "people_years" and off is not None
    ]
    return dots(
        "How far off the total was",
        "Per cent of what happened, over or under; smaller is better",
        ("simulated", "last year's rate carried forward", "built-in rates"),
        rows,
        lambda value: f"{value:.1f} %",
    )


def _practices(figures: Sequence[Compared], quantity: str) -> Chart | None:
    """What happened in practices by what was simulated, with the interval."""
    rows = [one for one in figures if one.division == "practice" and not one.withheld and one.expected > 0]
    if len(rows) < 2:
        return None
    few = len(rows) > MOST_PRACTICES
    if few:
        off = [abs(np.log(max(one.observed, 1) / one.expected)) for one in rows]
        rows = [rows[number] for number in sorted(np.argsort(off)[-MOST_PRACTICES:].tolist())]
    values = [
        (one, one.observed / one.expected, one.low / one.expected,
         one.high / one.expected)
        for one in rows
    ]  # fmt: skip
    low, high = min(v for row in values for v in row[1:]), max(v for row in values for v in row[1:])
    reach = max(1 - low, high - 1, 0.05)
    step = next(step for step in (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0, 50.0) if reach / step <= 6)
    ends = 1 - step * np.ceil((1 - low) / step), 1 + step * np.ceil((high - 1) / step)
    wide = WIDTH - LABELS - VALUES

    def x(value: float) -> float:
        return float(LABELS + wide * (value - ends[0]) / (ends[1] - ends[0]))

    bottom = 10 + len(values) * ROW
    shapes: list[Shape] = []
    ticks = round(float(ends[1] - ends[0]) / step)
    for number in range(ticks + 1):
        at = ends[0] + number * step
        one = abs(at - 1) < 1e-9
        shapes.append(Shape("line", x(at), 4, 0, bottom, "axis" if one else "grid"))
        words = "as simulated" if one else percent(at - 1).replace(".0%", "%")
        shapes.append(Shape("text", x(at), bottom + 20, text=words, anchor="middle", style="quiet"))
    for number, (one, ratio, least, most) in enumerate(values):
        middle = 10 + number * ROW + ROW / 2
        told = (
            f"{one.name}: {written(quantity, one.observed)}, simulated {written(quantity, one.expected)} "
            f"({written(quantity, one.low)} to {written(quantity, one.high)})"
        )
        shapes.append(Shape("text", LABELS - 8, middle + 4, text=one.name, anchor="end"))
        shapes.append(Shape("rect", x(least), middle - 4, x(most) - x(least), 8, "s3", told=told))
        shapes.append(Shape("circle", x(ratio), middle, 5, style="s1" if one.inside else "s2", told=told))
        shapes.append(
            Shape("text", WIDTH, middle + 4, text=written(quantity, one.observed), anchor="end", style="quiet")
        )
    about = "What happened in each practice (dot) against what was simulated; bars: where 95 % of the draws lie"
    if few:
        about += f"; the {MOST_PRACTICES} furthest off"
    return Chart(f"{TITLES[quantity]} by practice", about, WIDTH, bottom + 28, tuple(shapes))


def _margins(made: Calibration) -> list[tuple[str, list[tuple[str, list[tuple[str, str, str]]]]]]:
    """For each quantity: by factor, each level with its multiplier, interval and events."""
    out: list[tuple[str, list[tuple[str, list[tuple[str, str, str]]]]]] = []
    names = {
        "fifth": [str(number + 1) for number in range(LEVELS["fifth"])],
        "age": [age_group(number) for number in range(LEVELS["age"])],
        "sex": list(SEXES),
    }
    for name, one in made.multipliers.items():
        rows: list[tuple[str, list[tuple[str, str, str]]]] = []
        level = f"{one.level * np.exp(-NORMAL_95 * one.doubt):.2f} to {one.level * np.exp(NORMAL_95 * one.doubt):.2f}"
        rows.append(
            ("everybody", [("", f"{(one.value * one.expected).sum() / max(one.expected.sum(), 1e-9):.2f}", level)])
        )
        for factor, levels in names.items():
            value, doubt = one.margin(factor)
            low, high = value * np.exp(-NORMAL_95 * doubt), value * np.exp(NORMAL_95 * doubt)
            rows.append(
                (
                    BY[factor],
                    [
                        (label, f"{value[n]:.2f}", f"{low[n]:.2f} to {high[n]:.2f}")
                        for n, label in enumerate(levels)
                        if shown(float(_events(made, name, factor, n))) != "*"
                    ],
                )
            )
        out.append((TITLES[name], rows))
    return out


def _events(made: Calibration, quantity: str, factor: str, level: int) -> float:
    from accord.simulation.credibility import FACTORS

    return float(made.multipliers[quantity].events[FACTORS[factor] == level].sum())


def _figures(made: Calibration) -> list[tuple[str, str, str, str, str]]:
    """Single figures: what, built in, here, its interval, remark."""
    built_in = published().parameters
    rows: list[tuple[str, str, str, str, str]] = []
    for name, words in FIGURES.items():
        if name not in made.parameters:
            continue
        one = made.parameters[name]
        assert one.low is not None and one.high is not None
        note = one.note.rpartition("; ")[0] if name.endswith(("_shape", "_adults")) else ""
        rows.append(
            (words, f"{built_in[name].value:.3g}", f"{one.value:.3g}", f"{one.low:.3g} to {one.high:.3g}", note)
        )
    return rows


def _between(made: Calibration) -> list[tuple[str, str]]:
    return [(TITLES[name], f"{value:.1%}") for name, value in made.practices.between.items()]
