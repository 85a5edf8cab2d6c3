"""The chart of ``docs/integration-supplement.md``: what practices of the sample are paid and owe, from a run folder.

``python docs/charts/integration_supplement.py runs/integration-supplement-… > docs/charts/integration-supplement.svg``
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

LEFT, RIGHT, TOP, STEP = 150, 640, 104, 34
INK, QUIET = "#1b1b1b", "#6b6b6b"
STREAMS = {  # quantity: words, colour
    "participation_pay": ("participation", "#a9b4bb"),
    "reward": ("rewards for own work", "#0b6e6e"),
    "saving_part": ("shared savings", "#e0a100"),
    "loss_part": ("shared losses", "#b3261e"),
}


def practices(run: Path) -> dict[str, dict[str, Fraction]]:
    """Pounds of each stream, all years of the run together, by practice; and the most it could lose in them."""
    import pyarrow.parquet as pq

    paid: dict[str, dict[str, Fraction]] = {}
    for row in pq.read_table(run / "payments.parquet").to_pylist():
        name = row["payer"] if row["quantity"] == "loss_part" else row["receiver"]
        mine = paid.setdefault(str(name), dict.fromkeys([*STREAMS, "limit"], Fraction(0)))
        mine[row["quantity"]] += Fraction(str(row["amount"]))
    for row in pq.read_table(run / "quantities" / "practice.parquet").to_pylist():
        paid[str(row["practice"])]["limit"] = Fraction(str(row["loss_limit_in_all"]))
    return paid


def chart(rows: dict[str, dict[str, Fraction]]) -> str:
    """A bar for each practice; what it owes is left of the line, with a mark at the most it could ever owe."""
    low, high = (
        -10_000,
        int(-(-max(sum(row[name] for name in list(STREAMS)[:3]) for row in rows.values()) // 20_000)) * 20_000,
    )
    bottom = TOP + STEP * len(rows)

    def x(pounds: float) -> float:
        return LEFT + (pounds - low) / (high - low) * (RIGHT - LEFT)

    def text(at: float, y: float, words: str, anchor: str = "start", colour: str = INK, extra: str = "") -> str:
        return f'<text x="{at:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}" {extra}>{words}</text>'

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 700 {bottom + 66}" font-family="system-ui, sans-serif" '
        'font-size="13" role="img" aria-labelledby="t">',
        '<title id="t">What seven made-up practices are paid in four years, and the most they could lose</title>',
        f'<rect width="700" height="{bottom + 66}" fill="#ffffff"/>',
        text(20, 28, "Four years of the supplement, seven made-up practices", extra='font-size="16" font-weight="600"'),
    ]
    at = 20.0
    for words, colour in STREAMS.values():
        parts.append(f'<rect x="{at}" y="44" width="12" height="12" fill="{colour}"/>')
        parts.append(text(at + 18, 54.5, words, colour=INK))
        at += 34 + 7.1 * len(words)
    parts.append(f'<line x1="{at + 5}" y1="43" x2="{at + 5}" y2="57" stroke="{INK}" stroke-width="2"/>')
    parts.append(text(at + 13, 54.5, "most it can lose"))
    for pounds in range(0, high + 1, 20_000):
        parts.append(
            f'<line x1="{x(pounds):.1f}" y1="{TOP - 18}" x2="{x(pounds):.1f}" y2="{bottom - 8}" stroke="#e4e4e4"/>'
        )
        parts.append(text(x(pounds), bottom + 10, f"£{pounds // 1000}k" if pounds else "£0", "middle", QUIET))
    for number, (name, row) in enumerate(rows.items()):
        y = TOP + STEP * number
        parts.append(text(20, y + 4.5, name, extra='font-weight="600"'))
        since = Fraction(0)
        for stream in list(STREAMS)[:3]:
            width = x(float(since + row[stream])) - x(float(since))
            box = f'x="{x(float(since)):.1f}" y="{y - 8}" width="{width:.1f}" height="16"'
            parts.append(f'<rect {box} fill="{STREAMS[stream][1]}"/>')
            since += row[stream]
        parts.append(text(x(float(since)) + 6, y + 4.5, f"{float(since):,.0f}", colour=QUIET, extra='font-size="11"'))
        owed, limit = x(float(-row["loss_part"])), x(float(-row["limit"]))
        parts.append(
            f'<rect x="{owed:.1f}" y="{y - 8}" width="{x(0) - owed:.1f}" height="16" fill="{STREAMS["loss_part"][1]}"/>'
        )
        parts.append(
            f'<line x1="{limit:.1f}" y1="{y - 11}" x2="{limit:.1f}" y2="{y + 11}" stroke="{INK}" stroke-width="2"/>'
        )
    parts.append(f'<line x1="{x(0):.1f}" y1="{TOP - 18}" x2="{x(0):.1f}" y2="{bottom - 8}" stroke="{INK}"/>')
    words = (
        "From the sample of the library: names, lists and counts are made up. Summit left after two years, with notice."
    )
    parts.append(text(20, bottom + 46, words, colour=QUIET, extra='font-size="11"'))
    return "\n".join([*parts, "</svg>"]) + "\n"


if __name__ == "__main__":
    sys.stdout.write(chart(practices(Path(sys.argv[1]))))
