"""Pictures of a run: steps that add up, bars around a value, intervals. Shapes only; pages give them their looks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from accord.settlement.chart import ROW, VALUES, WIDTH, Chart, Shape, Written

WIDE = 350
"""Room for long labels."""


def waterfall(title: str, about: str, steps: Sequence[tuple[str, float]], whole: float, written: Written) -> Chart:
    """Steps from 0 to the whole, each beginning where the one before ended, and the whole in the last row."""
    upto = [0.0]
    for _, step in steps:
        upto.append(upto[-1] + step)
    ends = _ends([*upto, whole])
    x = _scale(ends)
    rows = [(label, upto[number], step) for number, (label, step) in enumerate(steps)]
    bottom = 8 + (len(rows) + 1) * ROW
    shapes = _grid(ends, x, bottom, written)
    for number, (label, start, step) in enumerate(rows):
        top = 8 + number * ROW
        shapes.append(Shape("text", WIDE - 8, top + 14, text=label, anchor="end"))
        left, right = sorted((x(start), x(start + step)))
        style = "s1" if step >= 0 else "s2"
        shapes.append(
            Shape("rect", left, top + 2, max(right - left, 1), ROW - 5, style, told=f"{label}: {written(step)}")
        )
        shapes.append(Shape("line", x(start + step), top + 2, 0, ROW, "quiet"))
        shapes.append(Shape("text", WIDTH, top + 14, text=written(step), anchor="end", style="quiet"))
    top = 8 + len(rows) * ROW
    left, right = sorted((x(0), x(whole)))
    shapes.append(Shape("text", WIDE - 8, top + 14, text="all together", anchor="end"))
    shapes.append(
        Shape("rect", left, top + 2, max(right - left, 1), ROW - 5, "s3", told=f"all together: {written(whole)}")
    )
    shapes.append(Shape("text", WIDTH, top + 14, text=written(whole), anchor="end"))
    return Chart(title, about, WIDTH, bottom + 26, tuple(shapes))


def tornado(title: str, about: str, base: float, bars: Sequence[tuple[str, float, float]], written: Written) -> Chart:
    """A bar for each assumption, from one end of its interval to the other, around the value with all as they are."""
    ends = _ends([base, *(base + end for _, low, high in bars for end in (low, high))])
    x = _scale(ends)
    bottom = 8 + len(bars) * ROW
    shapes = _grid(ends, x, bottom, written)
    shapes.append(Shape("line", x(base), 4, 0, bottom, "axis"))
    for number, (label, low, high) in enumerate(bars):
        top = 8 + number * ROW
        shapes.append(Shape("text", WIDE - 8, top + 14, text=label, anchor="end"))
        for end, style, words in ((low, "s2", "at its lower end"), (high, "s1", "at its upper end")):
            left, right = sorted((x(base), x(base + end)))
            told = f"{label} {words}: {written(base + end)}"
            shapes.append(Shape("rect", left, top + 2, right - left, ROW - 5, style, told=told))
        wide = max(abs(low), abs(high), abs(high - low))
        shapes.append(Shape("text", WIDTH, top + 14, text=written(wide).lstrip("+"), anchor="end", style="quiet"))
    return Chart(title, about, WIDTH, bottom + 26, tuple(shapes))


def intervals(title: str, about: str, rows: Sequence[tuple[str, float, float, float]], written: Written) -> Chart:
    """A dot for the mean and a line from the lower to the upper end of its interval, in each row."""
    ends = _ends([value for _, *values in rows for value in values])
    x = _scale(ends)
    bottom = 8 + len(rows) * ROW
    shapes = _grid(ends, x, bottom, written)
    for number, (label, mean, low, high) in enumerate(rows):
        middle = 8 + number * ROW + ROW / 2
        shapes.append(Shape("text", WIDE - 8, middle + 4, text=label, anchor="end"))
        shapes.append(Shape("rect", x(low), middle - 2, max(x(high) - x(low), 1), 4, "s1"))
        told = f"{label}: {written(mean)}, from {written(low)} to {written(high)}"
        shapes.append(Shape("circle", x(mean), middle, 5.5, style="s2", told=told))
        shapes.append(Shape("text", WIDTH, middle + 4, text=written(mean), anchor="end", style="quiet"))
    return Chart(title, about, WIDTH, bottom + 26, tuple(shapes))


def _step(span: float) -> float:
    """A round step of which at most six go into a span."""
    power = 10.0 ** math.floor(math.log10(span))
    return next(power * part for part in (0.2, 0.25, 0.5, 1.0, 2.0, 5.0) if span / (power * part) <= 6)


def _ends(values: Sequence[float]) -> tuple[float, float]:
    """The ends of a scale: round numbers around all values and 0."""
    low, high = min([0.0, *values]), max([0.0, *values])
    if low == high:
        return -1.0, 1.0
    step = _step(high - low)
    return math.floor(low / step) * step, math.ceil(high / step) * step


def _scale(ends: tuple[float, float]) -> Callable[[float], float]:
    wide = WIDTH - WIDE - VALUES - 20
    return lambda value: WIDE + wide * (value - ends[0]) / (ends[1] - ends[0])


def _grid(ends: tuple[float, float], x: Callable[[float], float], bottom: float, written: Written) -> list[Shape]:
    step = _step(ends[1] - ends[0])
    shapes: list[Shape] = []
    for number in range(round((ends[1] - ends[0]) / step) + 1):
        value = ends[0] + number * step
        value = 0.0 if abs(value) < step / 1e6 else value
        shapes.append(Shape("line", x(value), 4, 0, bottom, "axis" if value == 0 else "grid"))
        shapes.append(Shape("text", x(value), bottom + 18, text=written(value), anchor="middle", style="quiet"))
    return shapes


__all__ = ["intervals", "tornado", "waterfall"]
