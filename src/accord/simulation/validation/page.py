"""The page of a validation: what holds, what is out, and how it was found out, with charts."""

from __future__ import annotations

from collections.abc import Sequence

from accord.settlement.chart import Chart, Shape
from accord.settlement.page import render
from accord.simulation.validation.calls import Validated
from accord.simulation.validation.judging import Judged
from accord.simulation.validation.relations import OUTPUTS, relations
from accord.simulation.validation.verification import FALSE_ALARM, KINDS, Check, errors_of

WIDTH, LABELS, VALUES, ROW = 960, 400, 120, 22
"""Of the charts: the whole, the room for labels, that for figures on the right, and the height of a row."""

TOLD = 8
"""Checks that did not hold which are told at the top; of more, their names."""

REACH = 3.0
"""How many tolerances from the published figure a chart shows; what lies farther stands at its edge with an arrow."""


def page(made: Validated) -> str:
    """The page as text."""
    from accord import __version__

    charts = {
        use: _targets(f"Targets {words}", shown)
        for use, words in (("held out", "that the model has never seen"), ("fitted", "that the model was fitted to"))
        if (shown := made.used(use))
    }
    return render(
        "validation.html.j2",
        room="accord.simulation.validation",
        made=made,
        charts=charts,
        drawn=_drawn(made.checks),
        matrix=_matrix(made.checks),
        kinds=KINDS,
        by_kind={kind: [check for check in made.checks if check.kind == kind] for kind in KINDS},
        lead=lead(made),
        sentences=sentences(made),
        figure=figure,
        verdict=verdict,
        off=off,
        sentence=sentence,
        alarm=FALSE_ALARM,
        version=__version__,
    )


def figure(value: float | None, unit: str = "") -> str:
    """A figure with as many digits as matter, and its unit where one is given."""
    if value is None:
        return "none"
    size = abs(value)
    text = f"{value:,.0f}" if size >= 1000 else f"{value:.4g}"
    text = text.replace("-", "−")
    return f"{text} {unit}" if unit else text


def verdict(one: Judged) -> str:
    """In, out, or known to be out."""
    if one.inside:
        return "in, though expected out" if one.target.out else "in"
    if one.result is None:
        return "not answered"
    return "out, as known" if one.target.out else "out"


def off(check: Check) -> str:
    """How far off a check was, and how far it may be."""
    if check.errors is None:
        return "exact"
    return f"{abs(check.errors):.1f} standard errors of at most {errors_of(check.least):.1f}"


def sentence(text: str) -> str:
    """A text as a sentence: it begins large and ends with a full stop."""
    text = text.strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")


def count(number: int, one: str, many: str = "") -> str:
    """``1 target``, ``2 targets``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def lead(made: Validated) -> str:
    """Whether the validation passes, in a sentence."""
    if made.passes:
        known = "" if not made.known_out else ", other than those that are known to be"
        figures = f" No published figure is out of its tolerance{known}." if made.judged else ""
        return f"As far as this can tell: every check held.{figures}"
    parts: list[str] = []
    if made.failed:
        parts.append(f"{len(made.failed)} of {count(len(made.checks), 'check')} did not hold")
    if made.out:
        are = "is" if len(made.out) == 1 else "are"
        parts.append(f"{len(made.out)} of {count(len(made.judged), 'published figure')} {are} out that should be in")
    return f"Not in everything: {', and '.join(parts)}."


def sentences(made: Validated) -> list[str]:
    """What came out, in plain words; the first thing that a reader should know."""
    held = len(made.checks) - len(made.failed)
    out = [f"{held} of {count(len(made.checks), 'check')} of the simulation against itself held."]
    for check in made.failed[:TOLD]:
        out.append(f"Not held: {check.name}. Expected {check.expected}; found {check.found}.")
    if len(made.failed) > TOLD:
        more = ", ".join(check.name for check in made.failed[TOLD:])
        out.append(f"{len(made.failed) - TOLD} more did not hold: {more}.")
    inside = sum(one.inside for one in made.judged)
    fitted, unseen = made.used("fitted"), made.used("held out")
    if made.judged:
        parts = [
            f"{sum(one.inside for one in some)} of {len(some)} {words}"
            for some, words in ((fitted, "that the model was fitted to"), (unseen, "that it has never seen"))
            if some
        ]
        are = "is" if inside == 1 else "are"
        out.append(
            f"{inside} of {count(len(made.judged), 'published figure')} {are} reproduced within their tolerance: "
            f"{', and '.join(parts)}."
        )
    for one in made.out:
        what = "could not be answered" if one.result is None else f"is {figure(one.result, one.target.unit)}"
        out.append(
            f"Out: {one.target.title}. Published {figure(one.target.value, one.target.unit)}, accepted "
            f"{figure(one.low)} to {figure(one.high)}; the simulation's {what}."
        )
    for one in made.known_out:
        out.append(f"Known to be out: {one.target.title}. {sentence(one.target.out)}")
    for one in made.surprising:
        out.append(f"In, though its file expects it out: {one.target.title}. The file should say so no longer.")
    return out


# --------------------------------------------------------------------------------------------------------------- charts


def _short(text: str, most: int = 64) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _targets(title: str, rows: Sequence[Judged]) -> Chart:
    """A row for each target on its own scale: the published figure in the middle, its tolerance as a band."""
    left, right = LABELS, WIDTH - VALUES

    def x(at: float) -> float:
        return (left + right) / 2 + at / REACH * (right - left) / 2

    top, bottom = 26, 26 + len(rows) * ROW
    shapes: list[Shape] = [
        Shape("rect", x(-1), top - 4, x(1) - x(-1), bottom - top + 6, "band", told="what the tolerance accepts"),
        Shape("line", x(0), top - 4, 0, bottom - top + 6, "axis"),
        Shape("text", x(0), 14, text="published", anchor="middle", style="quiet"),
        Shape("text", x(-1), 14, text="lowest", anchor="middle", style="quiet"),
        Shape("text", x(1), 14, text="highest", anchor="middle", style="quiet"),
    ]
    for number, one in enumerate(rows):
        middle = top + number * ROW + ROW / 2
        style = "s6" if one.inside else "s5" if one.target.out else "s2"
        shapes.append(Shape("text", LABELS - 10, middle + 4, text=_short(one.target.title), anchor="end"))
        if one.result is None:
            shapes.append(Shape("text", x(0), middle + 4, text="not answered", anchor="middle"))
            continue
        at = _place(one, one.result)
        told = f"{one.target.title}: {figure(one.result, one.target.unit)}, published {figure(one.target.value)}"
        if one.doubt:
            ends = [max(-REACH, min(REACH, _place(one, one.result + side * one.doubt * 1.96))) for side in (-1, 1)]
            shapes.append(Shape("rect", x(ends[0]), middle - 2, max(x(ends[1]) - x(ends[0]), 1), 4, style))
        if abs(at) > REACH:
            edge = x(REACH) - 4 if at > 0 else x(-REACH) + 4
            arrow, anchor = ("▸", "end") if at > 0 else ("◂", "start")
            shapes.append(Shape("circle", edge - (12 if at > 0 else -12), middle, 5.5, style=style, told=told))
            shapes.append(Shape("text", edge, middle + 4, text=arrow, anchor=anchor))
        else:
            shapes.append(Shape("circle", x(at), middle, 5.5, style=style, told=told))
        said = f"{figure(one.result)} · {figure(one.target.value)}"
        shapes.append(Shape("text", WIDTH, middle + 4, text=said, anchor="end", style="quiet"))
    about = (
        "Each on its own scale: the grey band is what its tolerance accepts, the dot what the simulation gives, with "
        "95 % of chance where people were drawn. Green is in, red out, amber out as known. On the right: the "
        "simulation's figure and the published one."
    )
    return Chart(title, about, WIDTH, bottom + 10, tuple(shapes))


def _place(one: Judged, value: float) -> float:
    """Where a value lies between what is accepted (−1 to 1) around the published figure (0)."""
    off = value - one.target.value
    wide = one.high - one.target.value if off > 0 else one.target.value - one.low
    return off / wide if wide > 0 else (REACH + 1) * (1 if off > 0 else -1 if off < 0 else 0)


def _drawn(checks: Sequence[Check]) -> Chart | None:
    """Every check that has chance in it: how many standard errors it was off, and how many it may be."""
    rows = [check for check in checks if check.errors is not None]
    if not rows:
        return None
    limit = errors_of(rows[0].least)
    ends = max(limit * 1.25, 5.0)
    left, right, top, tall = 40, WIDTH - 20, 16, 150

    def y(value: float) -> float:
        return top + tall * (1 - min(value, ends) / ends)

    shapes: list[Shape] = []
    for value in range(int(ends) + 1):
        shapes.append(Shape("line", left, y(value), right - left, 0, "axis" if value == 0 else "grid"))
        shapes.append(Shape("text", left - 8, y(value) + 4, text=str(value), anchor="end", style="quiet"))
    shapes.append(Shape("line", left, y(limit), right - left, 0, "axis"))
    shapes.append(Shape("text", right, y(limit) - 5, text=f"fails from {limit:.1f}", anchor="end", style="quiet"))
    step = (right - left) / len(rows)
    for number, check in enumerate(rows):
        off = abs(check.errors or 0.0)
        told = f"{check.name}: {off:.1f} standard errors"
        shapes.append(
            Shape("circle", left + (number + 0.5) * step, y(off), 4, style="s6" if check.held else "s2", told=told)
        )
    return Chart(
        f"{len(rows)} checks that have chance in them",
        "How many standard errors each was off. Where nothing is wrong two in three lie below 1, and all below the "
        f"line but in one run of {round(1 / FALSE_ALARM):,}.",
        WIDTH,
        top + tall + 14,
        tuple(shapes),
    )


def _matrix(checks: Sequence[Check]) -> Chart | None:
    """What moves what: a row for each figure, multiplier and a column for each output, as declared and as it held."""
    held = {check.name: check.held for check in checks if check.kind == "relations"}
    rows = [relation for name, relation in relations().items() if name in held]
    if not rows:
        return None
    label, top, tall = 190, 150, 17
    wide = (WIDTH - label - 10) / len(OUTPUTS)
    bottom = top + len(rows) * tall
    shapes: list[Shape] = []
    for number, (style, words) in enumerate((("s1", "rises"), ("s2", "falls"), ("s5", "one group rises, another falls"),
                                             ("s3", "may go either way"))):  # fmt: skip
        at = 4 + number * 215
        shapes.append(Shape("rect", at, 4, 12, 12, style))
        shapes.append(Shape("text", at + 17, 14, text=words))
    for number, output in enumerate(OUTPUTS):
        at = label + number * wide
        shapes.append(Shape("line", at, top, 0, bottom - top, "grid"))
        # columns have room for no text: their names stand in steps above
        step = number % 6
        last = at + 6.5 * len(output) > WIDTH
        name = output.replace("_", " ")
        end = at + wide if last else at + 2
        shapes.append(Shape("text", end, 44 + step * 18, text=name, style="quiet", anchor="end" if last else "start"))
        shapes.append(Shape("line", at, 48 + step * 18, 0, top - 48 - step * 18, "grid"))
    for number, relation in enumerate(rows):
        y = top + number * tall
        mark = "" if held[relation.name] else " ✗"
        shapes.append(Shape("text", label - 8, y + 13, text=relation.name.replace("_", " ") + mark, anchor="end"))
        shapes.append(Shape("line", label, y, WIDTH - label - 10, 0, "grid"))
        for column, output in enumerate(OUTPUTS):
            up = any(name == output for name, _ in relation.rises)
            down = any(name == output for name, _ in relation.falls)
            either = any(name == output for name, _ in relation.moves)
            style = "s5" if up and down else "s1" if up else "s2" if down else "s3" if either else ""
            if style:
                told = f"{relation.name}: {output}"
                shapes.append(Shape("rect", label + column * wide + 2, y + 3, wide - 4, tall - 5, style, told=told))
    shapes.append(Shape("line", label, bottom, WIDTH - label - 10, 0, "grid"))
    return Chart(
        "What moves what",
        "Each figure of the model, and each multiplier, was raised and lowered. Where a row is empty, the output "
        "stayed the same to the last bit.",
        WIDTH,
        bottom + 8,
        tuple(shapes),
    )
