"""The chart of ``docs/global-sum.md``: two formulas of the global sum by deprivation fifth, from a run folder.

``python docs/charts/global_sum.py runs/gms-global-sum-with-deprivation-… > docs/charts/global-sum.svg``
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

LEFT, RIGHT, TOP, STEP = 190, 640, 96, 46
INK, QUIET, OLD, NEW = "#1b1b1b", "#6b6b6b", "#8a8a8a", "#0b6e6e"


def fifths(run: Path) -> list[tuple[str, int, float, float]]:
    """Name, practices, and pounds for each registered patient by either formula, most deprived first."""
    import pyarrow.parquet as pq

    (file,) = run.glob("quantities/fifth*quarter.parquet")

    def exact(row: dict[str, object], name: str) -> float:
        return float(Fraction(int(str(row[f"{name}:n"])), int(str(row[f"{name}:d"]))))

    return [
        (
            str(row["fifth"]),
            int(row["practices_of_fifth"]),
            exact(row, "per_person_by_carr_hill"),
            exact(row, "per_person"),
        )
        for row in pq.read_table(file).to_pylist()
        if row["fifth"] != "not known"
    ]


def chart(rows: list[tuple[str, int, float, float]]) -> str:
    """Two dots a row on one scale, joined; the numbers stand beside them."""
    low = int((min(min(row[2:]) for row in rows) - 4) // 5 * 5)
    high = int(-(-max(max(row[2:]) for row in rows) // 5) * 5)
    bottom = TOP + STEP * len(rows)

    def x(pounds: float) -> float:
        return LEFT + (pounds - low) / (high - low) * (RIGHT - LEFT)

    def text(at: float, y: float, words: str, anchor: str = "start", colour: str = INK, extra: str = "") -> str:
        return f'<text x="{at:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" {extra}>{words}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {bottom + 62}" font-family="system-ui, sans-serif" '
        'font-size="13" role="img" aria-labelledby="t">',
        '<title id="t">Global sum for each registered patient, by deprivation fifth of practices, two formulas</title>',
        f'<rect width="700" height="{bottom + 62}" fill="#ffffff"/>',
        text(20, 28, "Global sum for each registered patient and year", extra='font-size="16" font-weight="600"'),
        f'<circle cx="26" cy="50" r="6" fill="#ffffff" stroke="{OLD}" stroke-width="2.5"/>',
        text(40, 54, "Carr-Hill", colour=QUIET),
        f'<circle cx="126" cy="50" r="6" fill="{NEW}"/>',
        text(140, 54, "with an illustrative deprivation term (0.5 % a point of the score)", colour=NEW),
    ]
    for pounds in range(low, high + 1, 5):
        parts.append(
            f'<line x1="{x(pounds):.1f}" y1="{TOP - 12}" x2="{x(pounds):.1f}" y2="{bottom - 12}" stroke="#e4e4e4"/>'
        )
        parts.append(text(x(pounds), bottom + 8, f"£{pounds}", "middle", QUIET))
    for number, (name, practices, old, new) in enumerate(rows):
        y = TOP + STEP * number + 10
        parts.append(text(20, y, name, extra='font-weight="600"'))
        parts.append(text(20, y + 16, f"{practices:,} practices", colour=QUIET, extra='font-size="11"'))
        if abs(x(old) - x(new)) > 14:
            parts.append(
                f'<line x1="{x(old):.1f}" y1="{y}" x2="{x(new):.1f}" y2="{y}" stroke="{NEW}" stroke-width="2.5"/>'
            )
        parts.append(f'<circle cx="{x(old):.1f}" cy="{y}" r="6" fill="#ffffff" stroke="{OLD}" stroke-width="2.5"/>')
        parts.append(f'<circle cx="{x(new):.1f}" cy="{y}" r="6" fill="{NEW}"/>')
        first, second = ("end", "start") if old <= new else ("start", "end")
        shift = {"end": -11, "start": 11}
        parts.append(text(x(old) + shift[first], y + 4.5, f"{old:.2f}", first, QUIET))
        parts.append(text(x(new) + shift[second], y + 4.5, f"{new:.2f}", second, NEW))
    parts.append(
        text(
            20,
            bottom + 42,
            "England, July 2026; five indices have no data and are neutral. Lists NHS England, IMD 2025 OHID; OGL v3.",
            colour=QUIET,
            extra='font-size="11"',
        )
    )
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(chart(fifths(Path(sys.argv[1]))))
