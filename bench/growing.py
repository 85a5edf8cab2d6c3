"""What all measures of the library cost as people grow, as a chart, and beyond what was measured.

``python -m bench.growing [CHART [SIZE ...]]`` makes a record of each size (10 thousand to 2 million people unless said
otherwise), computes every measure by practice and month, each size in a process of its own, fits a line (so much for
the whole, so much for each person) and draws points, line and what the line says of England as an SVG.
"""

from __future__ import annotations

import math
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from bench import by_hand, population
from bench.chart import Line, Point, Words, fitted
from bench.chart import chart as drawn_as
from bench.lines import line
from bench.measuring import Cost, in_process

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000)
BEYOND = 60_000_000
"""About as many as are registered with a practice in England."""

CHART = "bench-growing.svg"


def report(sizes: Sequence[int] = SIZES, drawn: str = CHART, names: Sequence[str] = by_hand.NAMES) -> None:
    """Measure each size, fit, draw."""
    print("\nEvery measure of the library by practice and month, as people grow")
    points: list[tuple[int, Cost]] = []
    for size in sorted(sizes):
        with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
            start = time.perf_counter()
            population.make(Path(folder) / "record", size)
            made = time.perf_counter() - start
            cost = in_process(Path(folder) / "record", names)
        points.append((size, cost))
        line(
            f"{size:,} people (made in {made:.0f} s): processor seconds",
            f"{cost.processor:.1f}",
            f"{cost.seconds:.1f} s by the clock, {cost.gigabytes:.1f} GB",
        )
    through = fitted([(size, cost.processor) for size, cost in points])
    worst = max(abs(through.at(size) / cost.processor - 1) for size, cost in points)
    line("fitted: processor seconds", f"{through.fixed:.1f} + {through.each * 1e6:.1f}", "for each million people")
    line("the farthest point from the line", f"{worst:.0%}")
    (before, less), (last, most) = points[-2:]
    slope = math.log(most.processor / less.processor) / math.log(last / before)
    line("the last step grows as people to the power of", f"{slope:.2f}", "target 1.00 at most, about in proportion")
    line(f"extrapolated to {BEYOND:,} people: processor minutes", f"{through.at(BEYOND) / 60:,.0f}", "not measured")
    if drawn:
        Path(drawn).write_text(chart(points, through), "utf-8")
        line("drawn in", drawn)


def chart(points: Sequence[tuple[int, Cost]], through: Line) -> str:
    """Processor seconds against people, both on logarithmic scales: an SVG."""
    measured = [
        Point(size, cost.processor, f"{cost.processor:.0f} s, {cost.gigabytes:.1f} GB") for size, cost in points
    ]
    far = through.at(BEYOND)
    beyond = Point(BEYOND, far, f"{BEYOND // 1_000_000} million people: {far / 60:,.0f} processor minutes")
    words = Words(
        "All measures of the library by practice and month: processor seconds against people",
        "All measures of the library, by practice and month: what they cost as people grow",
        f"people, each with {population.EVENTS_EACH} events",
        f"{through.fixed:.1f} s and {through.each * 1e6:.1f} s for each million people",
    )
    return drawn_as(measured, through, beyond, words)


if __name__ == "__main__":
    asked = [int(float(size)) for size in sys.argv[2:]]
    report(asked or SIZES, sys.argv[1] if len(sys.argv) > 1 else CHART)
