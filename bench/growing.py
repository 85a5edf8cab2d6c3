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
from dataclasses import dataclass
from pathlib import Path

from bench import by_hand, population
from bench.lines import line
from bench.measuring import Cost, in_process

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000)
BEYOND = 60_000_000
"""About as many as are registered with a practice in England."""

CHART = "bench-growing.svg"


@dataclass(frozen=True)
class Line:
    """Seconds as people grow: so many for the whole, and so many for each person."""

    fixed: float
    each: float

    def at(self, people: float) -> float:
        """Seconds of so many people."""
        return self.fixed + self.each * people


def fitted(points: Sequence[tuple[int, float]]) -> Line:
    """The line that is nearest to all points in proportion: least squares of its errors as shares of what was measured.

    The small sizes say how much is fixed, the large ones how much each person adds; in seconds the large ones alone
    would decide. Neither part is below 0.
    """
    a = sum(1 / seconds**2 for _, seconds in points)
    b = sum(people / seconds**2 for people, seconds in points)
    c = sum(people**2 / seconds**2 for people, seconds in points)
    d = sum(1 / seconds for _, seconds in points)
    e = sum(people / seconds for people, seconds in points)
    found = Line((d * c - e * b) / (a * c - b * b), (a * e - b * d) / (a * c - b * b))
    return found if found.fixed >= 0 else Line(0, e / c)


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


# -- the chart ---------------------------------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 800, 460, 90, 40, 64, 64
BLUE, GREY, PALE = "#005eb8", "#425563", "#d8dde0"


def chart(points: Sequence[tuple[int, Cost]], through: Line) -> str:
    """Processor seconds against people, both on logarithmic scales: an SVG."""
    low, high = math.floor(math.log10(points[0][0])), math.ceil(math.log10(BEYOND))
    least = math.floor(math.log10(min(cost.processor for _, cost in points)))
    most = math.ceil(math.log10(through.at(BEYOND)))

    def x(people: float) -> float:
        return LEFT + (math.log10(people) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(seconds: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(seconds) - least) / (most - least) * (HEIGHT - TOP - BOTTOM)

    def path(first: float, last: float) -> str:
        steps = [first * (last / first) ** (n / 40) for n in range(41)]
        return " ".join(f"{x(people):.1f},{y(through.at(people)):.1f}" for people in steps)

    last = points[-1][0]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="Arial, sans-serif" font-size="12" fill="#212b32" role="img">',
        "<title>All measures of the library by practice and month: processor seconds against people</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="26" font-size="15" font-weight="bold">All measures of the library, by practice and '
        "month: what they cost as people grow</text>",
    ]
    for power in range(low, high + 1):
        at = x(10**power)
        parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}" stroke="{PALE}"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{10**power:,}</text>')
    for power in range(least, most + 1):
        at = y(10**power)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at:.1f}" y2="{at:.1f}" stroke="{PALE}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>')
    parts += [
        f'<text x="{(WIDTH + LEFT - RIGHT) / 2:.0f}" y="{HEIGHT - 20}" text-anchor="middle">people, each with '
        f"{population.EVENTS_EACH} events (logarithmic)</text>",
        f'<text transform="translate(24 {(HEIGHT + TOP - BOTTOM) / 2:.0f}) rotate(-90)" text-anchor="middle">'
        "processor seconds (logarithmic)</text>",
        f'<rect x="{x(last):.1f}" y="{TOP}" width="{WIDTH - RIGHT - x(last):.1f}" height="{HEIGHT - TOP - BOTTOM}" '
        'fill="#f0f4f5" fill-opacity="0.6"/>',
        f'<polyline points="{path(points[0][0], last)}" fill="none" stroke="{BLUE}" stroke-width="2"/>',
        f'<polyline points="{path(last, BEYOND)}" fill="none" stroke="{BLUE}" stroke-width="2" '
        'stroke-dasharray="6 5"/>',
    ]
    for size, cost in points:
        at, down = x(size), y(cost.processor)
        parts.append(f'<circle cx="{at:.1f}" cy="{down:.1f}" r="4" fill="{BLUE}"/>')
        parts.append(
            f'<text x="{at + 8:.1f}" y="{down + 16:.1f}">{cost.processor:.0f} s, {cost.gigabytes:.1f} GB</text>'
        )
    end, up = x(BEYOND), y(through.at(BEYOND))
    parts += [
        f'<circle cx="{end:.1f}" cy="{up:.1f}" r="4" fill="white" stroke="{BLUE}" stroke-width="2"/>',
        f'<text x="{end:.1f}" y="{up - 10:.1f}" text-anchor="end">{BEYOND // 1_000_000} million people: '
        f"{through.at(BEYOND) / 60:,.0f} processor minutes</text>",
        f'<text x="{(x(last) + WIDTH - RIGHT) / 2:.1f}" y="{HEIGHT - BOTTOM - 10}" text-anchor="middle" '
        f'fill="{GREY}">extrapolated, not measured</text>',
        f'<circle cx="{LEFT + 6}" cy="44" r="4" fill="{BLUE}"/><text x="{LEFT + 16}" y="48">measured</text>'
        f'<line x1="{LEFT + 90}" x2="{LEFT + 120}" y1="44" y2="44" stroke="{BLUE}" stroke-width="2"/>'
        f'<text x="{LEFT + 126}" y="48">fitted: {through.fixed:.1f} s and {through.each * 1e6:.1f} s for each million '
        f'people</text><line x1="{LEFT + 420}" x2="{LEFT + 450}" y1="44" y2="44" stroke="{BLUE}" stroke-width="2" '
        f'stroke-dasharray="6 5"/><text x="{LEFT + 456}" y="48">its continuation</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    asked = [int(float(size)) for size in sys.argv[2:]]
    report(asked or SIZES, sys.argv[1] if len(sys.argv) > 1 else CHART)
