"""Charts of cost against size: points, the line through them, and what it says of more than was measured, as an SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


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


@dataclass(frozen=True)
class Point:
    """What was measured: people, processor seconds, and what is written beside."""

    people: int
    seconds: float
    said: str


@dataclass(frozen=True)
class Words:
    """What a chart says: its title, its heading, what people are, and what the fitted line is."""

    title: str
    heading: str
    people: str
    line: str


WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 800, 460, 90, 40, 64, 64
BLUE, GREY, PALE = "#005eb8", "#425563", "#d8dde0"


def chart(points: Sequence[Point], through: Line, beyond: Point, words: Words, reached: Point | None = None) -> str:
    """Processor seconds against people, both on logarithmic scales: an SVG.

    ``beyond`` is where the line is carried on to; ``reached`` what was measured there all the same.
    """
    low, high = math.floor(math.log10(points[0].people)), math.ceil(math.log10(beyond.people))
    least = math.floor(math.log10(min(point.seconds for point in points)))
    most = math.ceil(math.log10(max(beyond.seconds, reached.seconds if reached else 0)))

    def x(people: float) -> float:
        return LEFT + (math.log10(people) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(seconds: float) -> float:
        return HEIGHT - BOTTOM - (math.log10(seconds) - least) / (most - least) * (HEIGHT - TOP - BOTTOM)

    def path(first: float, last: float) -> str:
        steps = [first * (last / first) ** (n / 40) for n in range(41)]
        return " ".join(f"{x(people):.1f},{y(through.at(people)):.1f}" for people in steps)

    last = points[-1].people
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="Arial, sans-serif" font-size="12" fill="#212b32" role="img">',
        f"<title>{words.title}</title>",
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="26" font-size="15" font-weight="bold">{words.heading}</text>',
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
        f'<text x="{(WIDTH + LEFT - RIGHT) / 2:.0f}" y="{HEIGHT - 20}" text-anchor="middle">{words.people} '
        "(logarithmic)</text>",
        f'<text transform="translate(24 {(HEIGHT + TOP - BOTTOM) / 2:.0f}) rotate(-90)" text-anchor="middle">'
        "processor seconds (logarithmic)</text>",
        f'<rect x="{x(last):.1f}" y="{TOP}" width="{WIDTH - RIGHT - x(last):.1f}" height="{HEIGHT - TOP - BOTTOM}" '
        'fill="#f0f4f5" fill-opacity="0.6"/>',
        f'<polyline points="{path(points[0].people, last)}" fill="none" stroke="{BLUE}" stroke-width="2"/>',
        f'<polyline points="{path(last, beyond.people)}" fill="none" stroke="{BLUE}" stroke-width="2" '
        'stroke-dasharray="6 5"/>',
    ]
    for point in points:
        at, down = x(point.people), y(point.seconds)
        parts.append(f'<circle cx="{at:.1f}" cy="{down:.1f}" r="4" fill="{BLUE}"/>')
        parts.append(f'<text x="{at + 8:.1f}" y="{down + 16:.1f}">{point.said}</text>')
    end, up = x(beyond.people), y(beyond.seconds)
    parts += [
        f'<circle cx="{end:.1f}" cy="{up:.1f}" r="{7 if reached else 4}" fill="white" stroke="{BLUE}" '
        'stroke-width="2"/>',
        f'<text x="{end:.1f}" y="{up - 12:.1f}" text-anchor="end">{beyond.said}</text>',
    ]
    if reached:
        at, down = x(reached.people), y(reached.seconds)
        parts.append(f'<circle cx="{at:.1f}" cy="{down:.1f}" r="4" fill="{BLUE}"/>')
        parts.append(f'<text x="{at:.1f}" y="{down + 56:.1f}" text-anchor="end">{reached.said}</text>')
    parts += [
        f'<text x="{(x(last) + WIDTH - RIGHT) / 2:.1f}" y="{HEIGHT - BOTTOM - 10}" text-anchor="middle" '
        f'fill="{GREY}">{"extrapolated" if reached else "extrapolated, not measured"}</text>',
        f'<circle cx="{LEFT + 6}" cy="44" r="4" fill="{BLUE}"/><text x="{LEFT + 16}" y="48">measured</text>'
        f'<line x1="{LEFT + 90}" x2="{LEFT + 120}" y1="44" y2="44" stroke="{BLUE}" stroke-width="2"/>'
        f'<text x="{LEFT + 126}" y="48">fitted: {words.line}</text>'
        f'<line x1="{LEFT + 420}" x2="{LEFT + 450}" y1="44" y2="44" stroke="{BLUE}" stroke-width="2" '
        f'stroke-dasharray="6 5"/><text x="{LEFT + 456}" y="48">its continuation</text>',
        "</svg>\n",
    ]
    return "\n".join(parts)
