"""Achieving: how far indicators of the Quality and Outcomes Framework are reached, from what is published of a year.

``python -m accord.simulation.achieving FILE`` writes ``futures-areas.csv`` and ``futures-indicators.csv`` beside the
contract ``qof``, which its feed reads. The file is the achievement of 2024-25 by board (NHS England, Open Government
Licence v3); it is not part of the project. A test makes both tables again where the file is at hand.

How practices differ is not in that file, but how boards differ is: practices are taken to differ by a multiple of it.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accord.library import CONTRACTS
from accord.simulation.model import model
from accord.simulation.people import FIFTHS, SEXES
from accord.simulation.population import value

QOF = CONTRACTS / "qof"

NOW = "2026-04-01"
"""The year whose indicators are wanted."""

BEFORE: Mapping[str, tuple[str, ...]] = {
    "AST012": ("AST011",),
    "CD001": ("CHD015", "STIA014"),
    "CD002": ("CHD016", "STIA015"),
    "DM034": ("DM022",),
    "DM035": ("DM023",),
    "DM036": ("DM033",),
    "HYP010": ("HYP008",),
    "HYP011": ("HYP009",),
    "NDH003": ("NDH002",),
}
"""Indicators under other names two years before."""

NEW: Mapping[str, tuple[float, float, float]] = {
    "DM037": (95.0, 55.0, 12.0),
    "HF009": (50.0, 35.0, 20.0),
    "OB004": (30.0, 18.0, 10.0),
    "OB005": (10.0, 62.0, 20.0),
}
"""New ones, assumed: patients as per cent of the register, per cent reached, and per cent adjusted."""

AGES: Mapping[str, tuple[int, int, str]] = {
    "BP002": (45, 100, ""),
    "CHOL003": (40, 100, ""),
    "CHOL004": (40, 100, ""),
    "CD001": (40, 79, ""),
    "CD002": (80, 100, ""),
    "CS005": (25, 49, "female"),
    "CS006": (50, 64, "female"),
    "SMOK002": (15, 100, ""),
    "SMOK004": (15, 100, ""),
    "VI001": (0, 0, ""),
    "VI002": (1, 1, ""),
    "VI003": (5, 5, ""),
    "VI004": (80, 81, ""),
}
"""Whose indicators they are that have no register: first and last age, and sex."""

SPREAD, MOST_SPREAD, NEW_SPREAD = 4.0, 15.0, 6.0
"""Standard deviation of practices for each of boards, the most it can be, and that of new indicators (assumed)."""

FIRST_AGE: Mapping[str, int] = {"AST": 6, "DM": 17, "NDH": 18, "OB": 18}
"""First ages of those that a register is counted over; everybody otherwise."""

SOURCE = "Quality and Outcomes Framework 2024-25, England"


def tables(published: Mapping[str, Any]) -> dict[str, str]:
    """Both tables as text, by the name of their file."""
    england = published["england"]
    return {"futures-areas.csv": _areas(england), "futures-indicators.csv": _indicators(england, published["icbs"])}


def _areas(england: Mapping[str, Any]) -> str:
    rows: list[Sequence[object]] = []
    for row in _rows("indicators.csv"):
        if row["year"] == NOW and row["area"] in england["prevalence"] and row["area"] not in [one[0] for one in rows]:
            found = england["prevalence"][row["area"]]
            share = 100 * found["register"] / found["denominator"]
            source = f"{SOURCE}: {found['register']:,} of {found['denominator']:,}"
            rows.append((row["area"], FIRST_AGE.get(row["area"], 0), 100, "", f"{share:.4f}", "complex",
                         found["register"], found["denominator"], source, "verified"))  # fmt: skip
    head = ("area", "from_age", "to_age", "sex", "share", "by", "national_register", "national_list")
    return _written((*head, "authority", "status"), rows)


def _indicators(england: Mapping[str, Any], boards: Sequence[Mapping[str, Any]]) -> str:
    registers = {area: found["register"] for area, found in england["prevalence"].items()}
    whole = england["prevalence"]["AF"]["denominator"]
    people = model().people[2026].reshape(2, FIFTHS, -1).sum(axis=1)
    rows: list[Sequence[object]] = []
    for row in _rows("indicators.csv"):
        if row["year"] != NOW or row["kind"] != "measured":
            continue
        code, area = row["indicator"], row["area"]
        first, last, sex = AGES.get(code, (0, 100, ""))
        of = area if code not in AGES else ""
        if code in NEW:
            patients, level, adjusted = NEW[code]
            rows.append((code, of, first, last, sex, f"{patients:.2f}", f"{level:.2f}", NEW_SPREAD,
                         f"{adjusted:.2f}", *_thresholds(code), "assumed: a new indicator", "assumed"))  # fmt: skip
            continue
        before = BEFORE.get(code, (code,))
        counts = [england["indicators"][one] for one in before]
        done, reached, left_out = (sum(one[name] for one in counts) for name in ("numerator", "denominator", "pcas"))
        everybody = reached + left_out
        if of:
            share = everybody / registers[area]
        else:
            some = people[SEXES.index(sex)] if sex else people.sum(axis=0)
            share = everybody / (whole * some[first : last + 1].sum() / people.sum())
        level = 100 * done / reached
        spread = _spread(before, boards)
        also = f" (as {' and '.join(before)})" if code in BEFORE else ""
        source = f"{SOURCE}{also}: {done:,} of {reached:,}, {left_out:,} adjusted; how practices differ is assumed"
        rows.append((code, of, first, last, sex, f"{100 * share:.2f}", f"{level:.2f}", f"{spread:.1f}",
                     f"{100 * left_out / everybody:.2f}", *_thresholds(code), source, "derived"))  # fmt: skip
    head = ("indicator", "of", "from_age", "to_age", "sex", "share", "level", "spread", "adjusted", "lower", "upper")
    return _written((*head, "authority", "status"), rows)


def _thresholds(code: str) -> tuple[object, object]:
    """Thresholds that are assumed for an indicator for which the contract has none; nothing otherwise."""
    known = {
        row["indicator"]
        for kind in ("confirmed", "unconfirmed")
        for row in _rows(f"thresholds_{kind}.csv")
        if row["year"] == NOW and row[f"upper_{kind}"]
    }
    return ("", "") if code in known else (f"{value('threshold_lower'):g}", f"{value('threshold_upper'):g}")


def _spread(before: Sequence[str], boards: Sequence[Mapping[str, Any]]) -> float:
    """How practices differ, in points: so many times what boards differ by (assumed), and never more than a limit."""
    shares: list[float] = []
    for board in boards:
        found = [board["indicators"][one] for one in before if one in board["indicators"]]
        whole = sum(one["denominator"] for one in found)
        if whole:
            shares.append(100 * sum(one["numerator"] for one in found) / whole)
    return min(SPREAD * statistics.pstdev(shares), MOST_SPREAD)


def _rows(name: str) -> list[dict[str, str]]:
    with (QOF / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _written(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


if __name__ == "__main__":
    for name, text in tables(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).items():
        (QOF / name).write_text(text, encoding="utf-8")
