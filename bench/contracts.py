"""Settling contracts beside SQL written by hand: an achievement contract of a nation, and England's whole framework.

``python -m bench.contracts [WORLDS]``: 50 worlds unless said otherwise. Written by hand, 50 worlds of England's qof
take about 16 GB of memory, and those of the achievement contract 6 GB; Accord settles some worlds at a time and takes
less.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from bench import achievement, qof
from bench.lines import line

WORLDS = 50
ROUNDS = 3
COMPARED = 5
"""Worlds in which every result is compared with the one by hand; in more, only the times."""


def interleaved(ways: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """The times of several ways of doing one thing: A B C A B C …, so that a busy machine is busy for all."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return times


def side_by_side(worlds: int, practices: int = achievement.PRACTICES) -> None:
    """The achievement contract against hand-written SQL and floating point."""
    of = achievement.nation(worlds, practices)
    connection = achievement.connect(of)
    print(f"\nAchievement points: {practices:,} practices x {achievement.INDICATORS} indicators, ", end="")
    print(f"{worlds} {'world' if worlds == 1 else 'worlds'}: {of.rows:,} rows")
    equal = achievement.same(achievement.by_accord(of), achievement.by_hand(of, connection))
    achievement.by_float(of, connection)
    times = interleaved(
        {
            "accord": lambda: achievement.by_accord(of),
            "hand": lambda: achievement.by_hand(of, connection),
            "float": lambda: achievement.by_float(of, connection),
        }
    )
    ours, hand, floating = (median(times[name]) for name in ("accord", "hand", "float"))
    against = median(a / b for a, b in zip(times["accord"], times["hand"], strict=True))
    fastest = {name: f" ({min(found):.3f})" for name, found in times.items()}
    line("seconds: median of 3 (fastest)", "")
    line(
        "Accord (plan, SQL, checks, payments)", f"{ours:.3f}{fastest['accord']}", "target 0.500" if worlds == 1 else ""
    )
    line("the same whole numbers in hand-written SQL", f"{hand:.3f}{fastest['hand']}")
    line("floating point in hand-written SQL", f"{floating:.3f}{fastest['float']}")
    line("Accord / hand-written", f"{against:.2f}", "target 1.30" if worlds > 1 else "")
    line("Accord / floating point", f"{ours / floating:.2f}")
    line("results equal to hand-written, to the digit", "yes" if equal else "NO")
    if worlds == 1:
        points, values, totals = achievement.wrong_in_float(of, connection)
        line("wrong in floating point: points of a row", f"{points:,} of {of.rows:,}")
        line("wrong in floating point: payment of a row", f"{values:,} of {of.rows:,}")
        line("wrong in floating point: payment of a practice", f"{totals:,} of {practices:,}")
    connection.close()


def england(worlds: int, practices: int | None = None) -> None:
    """Every quantity of the Quality and Outcomes Framework for every practice in England, against hand-written SQL."""
    of = qof.nation(worlds, practices)
    connection = qof.connect(of)
    print(f"\nQuality and Outcomes Framework of England, every quantity: {of.rows:,} rows of points, ", end="")
    print(f"{worlds} {'world' if worlds == 1 else 'worlds'}")
    if not of.real:
        print("  registers and lists are a MADE-UP STAND-IN: the published files are not here (set ACCORD_DATA)")
    differing: dict[str, int] | None = None
    if worlds <= COMPARED:  # both results at once take too much memory in more
        found = qof.differences(qof.by_accord(of), qof.by_hand(of, connection))
        differing = {name: count for name, count in found.items() if count}
    else:
        qof.by_accord(of)
        qof.by_hand(of, connection)
    times = interleaved({"accord": lambda: qof.by_accord(of), "hand": lambda: qof.by_hand(of, connection)})
    against = median(a / b for a, b in zip(times["accord"], times["hand"], strict=True))
    line("seconds: median of 3 (fastest)", "")
    target = "target 2.000" if worlds == 1 else ""
    for name, what in (("accord", "Accord (plan, SQL, checks, payments, notices)"), ("hand", "hand-written SQL")):
        line(what, f"{median(times[name]):.3f} ({min(times[name]):.3f})", target if name == "accord" else "")
    line("Accord / hand-written", f"{against:.2f}", "target 1.30" if worlds > 1 else "")
    if differing is not None:
        line("quantities equal to hand-written, to the digit", "yes" if not differing else f"NO: {differing}")
    connection.close()


def report(worlds: int = WORLDS, practices: int | None = None) -> None:
    """Both contracts, in one world and in many; of fewer practices for a trial."""
    for many in sorted({1, worlds}):
        side_by_side(many, practices or achievement.PRACTICES)
    for many in sorted({1, min(worlds, COMPARED), worlds}):
        england(many, practices)


if __name__ == "__main__":
    report(int(sys.argv[1]) if len(sys.argv) > 1 else WORLDS)
