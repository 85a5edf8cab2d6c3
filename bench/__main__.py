"""Measures speed, side by side in one run, and prints targets beside what was measured.

``python -m bench [--tiny] [PART ...]``: all parts, each in a process of its own, or those that are named; ``--tiny``
tries them at sizes that say nothing about speed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench import commands, contracts, futures, growing, loading, measures_job, measuring


@dataclass(frozen=True)
class Part:
    """One part of the bench: what it is called, the whole of it, and a trial that takes a second or two."""

    name: str
    full: Callable[[], None]
    tiny: Callable[[], None]


SOME = ("emergency-admissions", "continuity-usual-provider")
"""Measures that a trial computes."""

PARTS: Sequence[Part] = (
    Part("contracts", contracts.report, lambda: contracts.report(worlds=2, practices=10)),
    Part("loading", loading.report, lambda: loading.report(rows=20_000)),
    Part("commands", commands.report, lambda: commands.report(times=1)),
    Part("job", measures_job.report, lambda: measures_job.report(people=500, events=5_000, rounds=1)),
    Part("measures", measuring.report, lambda: measuring.report(people=300, rounds=1, names=SOME)),
    Part("growth", growing.report, lambda: growing.report(sizes=(200, 400), drawn="", names=SOME)),
    Part("futures", futures.report, lambda: futures.report(**futures.TINY)),
)


def main() -> int:
    """Run the parts that were asked for; 1 if one of them ended with an error."""
    asked = argparse.ArgumentParser(prog="python -m bench")
    asked.add_argument("parts", nargs="*", metavar="PART", help=", ".join(part.name for part in PARTS))
    asked.add_argument("--tiny", action="store_true")
    given = asked.parse_args()
    if unknown := set(given.parts) - {part.name for part in PARTS}:
        asked.error(f"there is no part {', '.join(sorted(unknown))}")
    chosen = [part for part in PARTS if part.name in (given.parts or {each.name for each in PARTS})]
    if len(chosen) == 1:
        (chosen[0].tiny if given.tiny else chosen[0].full)()
        return 0
    failed = [
        part.name
        for part in chosen
        if subprocess.run([sys.executable, "-m", "bench", part.name, *(["--tiny"] if given.tiny else [])]).returncode
    ]
    if failed:
        print(f"\nended with an error: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
