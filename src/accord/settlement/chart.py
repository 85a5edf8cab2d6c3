"""Charts: shapes with places, drawn by a page as inline SVG; no scripts, nothing from outside, readable in print.

Here is only where each shape stands. What it looks like is the style of the pages: a shape carries the name of its
series (``s1``, ``s2``, …). Every chart has a title and a description for those who do not see it, and the page that
shows one has a table of the same numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

WIDTH, LABELS, VALUES = 960, 200, 84
"""Of a chart with rows: the whole, the room for labels on the left, and for numbers on the right."""
ROW, LEGEND = 22, 20
"""Height of a row, and of a line of the legend."""

Written = Callable[[float], str]
"""How a number is written beside its mark."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A mark: a rectangle, a circle, a line or a text. ``told`` is shown when a pointer rests on it."""

    kind: Literal["rect", "circle", "line", "text"]
    x: float
    y: float
    width: float = 0
    """Of a rectangle; how far a line goes to the right; a circle's radius."""
    height: float = 0
    """Of a rectangle; how far a line goes down."""
    style: str = ""
    text: str = ""
    anchor: Literal["start", "middle", "end"] = "start"
    told: str = ""


@dataclass(frozen=True, slots=True)
class Chart:
    """A title, what it shows in a sentence, its size and its shapes in drawing order."""

    title: str
    about: str
    width: int
    height: int
    shapes: tuple[Shape, ...]


def stacked(
    title: str, about: str, series: Sequence[str], rows: Sequence[tuple[str, Sequence[int]]], noun: str = "rows"
) -> Chart:
    """Rows of bars as long as the chart is wide, each divided as its parts are to their sum."""
    shapes, head = _legend(series)
    wide = WIDTH - LABELS - VALUES
    for number, (label, parts) in enumerate(rows):
        top, at, whole = head + number * ROW, float(LABELS), sum(parts)
        shapes.append(Shape("text", LABELS - 8, top + 14, text=label, anchor="end"))
        for which, part in enumerate(parts):
            width = wide * part / whole if whole else 0
            if part:
                told = f"{label}: {series[which].lower()}, {part:,} of {whole:,} {noun}"
                shapes.append(Shape("rect", at, top + 2, width, ROW - 5, f"s{which + 1}", told=told))
            at += width
        shapes.append(Shape("text", WIDTH, top + 14, text=f"{whole:,}", anchor="end", style="quiet"))
    return Chart(title, about, WIDTH, head + len(rows) * ROW + 6, tuple(shapes))


def dots(
    title: str, about: str, series: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]], written: Written
) -> Chart:
    """Rows with a dot for each series on one scale that begins at 0 (or below, where a value does)."""
    ends = _ends([value for _, values in rows for value in values])
    wide = WIDTH - LABELS - VALUES

    def x(value: float) -> float:
        return LABELS + wide * (value - ends[0]) / (ends[1] - ends[0])

    shapes, head = _legend(series)
    bottom = head + len(rows) * ROW
    for value in _ticks(ends):
        shapes.append(Shape("line", x(value), head - 4, 0, bottom - head + 6, "grid"))
        shapes.append(Shape("text", x(value), bottom + 18, text=written(value), anchor="middle", style="quiet"))
    for number, (label, values) in enumerate(rows):
        middle = head + number * ROW + ROW / 2
        shapes.append(Shape("text", LABELS - 8, middle + 4, text=label, anchor="end"))
        shapes.append(Shape("line", x(min(values)), middle, x(max(values)) - x(min(values)), style="quiet"))
        for which, value in enumerate(values):
            told = f"{label}: {series[which].lower()}, {written(value)}"
            shapes.append(Shape("circle", x(value), middle, 5.5, style=f"s{which + 1}", told=told))
        shapes.append(Shape("text", WIDTH, middle + 4, text=written(max(values)), anchor="end", style="quiet"))
    return Chart(title, about, WIDTH, bottom + 26, tuple(shapes))


def bars(title: str, about: str, rows: Sequence[tuple[str, float]], written: Written) -> Chart:
    """A bar a row from 0, to the right for a gain (``s1``) and to the left for a loss (``s2``)."""
    ends = _ends([value for _, value in rows])
    wide = WIDTH - LABELS - VALUES - 30

    def x(value: float) -> float:
        return LABELS + wide * (value - ends[0]) / (ends[1] - ends[0])

    shapes: list[Shape] = [Shape("line", x(0), 4, 0, len(rows) * ROW + 4, "axis")]
    for number, (label, value) in enumerate(rows):
        top = 6 + number * ROW
        shapes.append(Shape("text", LABELS - 8, top + 14, text=label, anchor="end"))
        style, at = ("s1", x(0)) if value >= 0 else ("s2", x(value))
        shapes.append(
            Shape("rect", at, top + 2, abs(x(value) - x(0)), ROW - 5, style, told=f"{label}: {written(value)}")
        )
        shapes.append(Shape("text", WIDTH, top + 14, text=written(value), anchor="end", style="quiet"))
    return Chart(title, about, WIDTH, len(rows) * ROW + 14, tuple(shapes))


def columns(
    title: str, about: str, series: Sequence[str], rows: Sequence[tuple[str, Sequence[float]]], written: Written
) -> Chart:
    """A column for each row, from left to right, its series stacked; those below 0 hang down."""
    shapes, head = _legend(series)
    tall, top, left = 220, head + 8, 112
    up = [sum(value for value in values if value > 0) for _, values in rows]
    down = [sum(value for value in values if value < 0) for _, values in rows]
    ends = _ends([*up, *down])
    each = (WIDTH - left) / max(len(rows), 1)

    def y(value: float) -> float:
        return top + tall * (ends[1] - value) / (ends[1] - ends[0])

    for value in _ticks(ends):
        shapes.append(Shape("line", left, y(value), WIDTH - left, 0, "grid"))
        shapes.append(Shape("text", left - 8, y(value) + 4, text=written(value), anchor="end", style="quiet"))
    shapes.append(Shape("line", left, y(0), WIDTH - left, 0, "axis"))
    longest = max((len(label) for label, _ in rows), default=0)
    every = max(1, -int(-(6.5 * longest + 8) // each))
    width = min(each * 0.76, 120)
    for number, (label, values) in enumerate(rows):
        at = left + number * each
        above = below = 0.0
        for which, value in enumerate(values):
            if not value:
                continue
            start = above if value > 0 else below + value
            if value > 0:
                above += value
            else:
                below += value
            height = abs(y(0) - y(abs(value)))
            told = f"{label}: {series[which]}, {written(value)}"
            left_of = at + (each - width) / 2
            shapes.append(Shape("rect", left_of, y(start + abs(value)), width, height, f"s{which + 1}", told=told))
        if number % every == 0:
            middle = at + each / 2
            shapes.append(Shape("text", middle, top + tall + 18, text=label, anchor="middle", style="quiet"))
    return Chart(title, about, WIDTH, top + tall + 28, tuple(shapes))


def _legend(series: Sequence[str]) -> tuple[list[Shape], int]:
    """What each style stands for, in lines above the chart; and how far down they reach."""
    shapes: list[Shape] = []
    at, line = 4.0, 0
    for number, name in enumerate(series if len(series) > 1 else ()):
        width = 17 + 6.2 * len(name) + 18
        if at > 4 and at + width > WIDTH:
            at, line = 4.0, line + 1
        shapes.append(Shape("rect", at, 6 + line * LEGEND, 12, 12, f"s{number + 1}"))
        shapes.append(Shape("text", at + 17, 16 + line * LEGEND, text=name))
        at += width
    return shapes, (14 + (line + 1) * LEGEND) if shapes else 8


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The ends of a scale: round numbers around all values and 0."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if low == high:
        return 0.0, 1.0
    step = _step(high - low)
    return (low // step) * step, -((-high) // step) * step


def _ticks(ends: tuple[float, float]) -> list[float]:
    step = _step(ends[1] - ends[0])
    return [ends[0] + step * number for number in range(int((ends[1] - ends[0]) / step + 1.5))]


def _step(span: float) -> float:
    """A round step of which four to ten go into a span."""
    power = 1.0
    while power * 10 <= span:
        power *= 10
    while power > span:
        power /= 10
    return next(power * part for part in (0.1, 0.2, 0.25, 0.5, 1, 2) if span / (power * part) <= 8)
