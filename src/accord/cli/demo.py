"""``make demo``: a place of 50,000 people is made, measured, and its GP contract settled; writes into ``demo/``."""

from __future__ import annotations

import contextlib
import io
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accord.settlement.run import Run

SIZE, SEED = 50_000, 1
FIRST, UNTIL = "2026-04-01", "2027-04-01"
MEASURES = ("emergency-admissions-chronic", "continuity-usual-provider", "care-plan-coverage")
HOME = Path("demo")
PLACE, RUNS = HOME / "place", HOME / "runs"


def demo() -> None:
    """Make a place, check its record, measure it, settle two contracts, write statements; say what was made."""
    from accord.cli.terminal import say

    began = time.monotonic()
    HOME.mkdir(exist_ok=True)
    for left in (PLACE, RUNS):  # what an earlier demonstration left, and nothing else
        shutil.rmtree(left, ignore_errors=True)
    _make()
    sound = _check()
    _measure()
    global_sum = _settle(
        4,
        "Settle the GP contract for its year: the global sum, and write statements.",
        "gms-global-sum",
        "BOARD01",
        "practice=P0001",
    )
    _settle(5, "Settle the part of the Quality and Outcomes Framework that the record can answer.", "qof")
    supplement = _settle(
        6, "Settle the integration supplement, with what was measured.", "integration-supplement", "all"
    )
    same = _explain(supplement)
    _tell(global_sum, supplement, time.monotonic() - began)
    say()
    if not (sound and same):
        sys.exit(1)


def _step(number: int, text: str, *commands: str) -> None:
    from accord.cli.terminal import say

    say()
    say(f"{number}. {text}")
    for command in commands:
        say(f"   $ {command}")
    say()


def _indented(printing: Callable[[], object]) -> None:
    """Print what something prints, a little to the right."""
    from accord.cli.terminal import say

    kept = io.StringIO()
    with contextlib.redirect_stdout(kept):
        printing()
    for line in kept.getvalue().splitlines():
        say(f"   {line}".rstrip())


def _make() -> None:
    from accord.cli.population import tell
    from accord.cli.progress import progress

    _step(
        1,
        f"Make a place of {SIZE:,} people. Nobody in it exists; what happens to them follows published rates.",
        f"accord population {PLACE} --size {SIZE} --seed {SEED}",
    )
    with progress(20) as work:
        work.step("compiling the simulator (once)")
        from accord.simulation.calls import make_place

        made = make_place(PLACE, SIZE, SEED, on_step=work.step)
    _indented(lambda: tell(made, next_steps=False))


def _check() -> bool:
    from accord.cli.terminal import say, show_problems
    from accord.record import keeping
    from accord.record.quality import page, quality

    report = HOME / "quality.html"
    _step(2, "Check its record, as a record that was loaded is checked, and report on its quality.",
          f"accord record check {PLACE / 'record'} --html {report}")  # fmt: skip
    audit = keeping.audit(PLACE / "record")
    show_problems(audit.problems)
    if audit.holds:
        report.write_text(page(quality(audit.record), inside=False), encoding="utf-8")
        rows = sum(standing for _, standing in audit.rows.values())
        say(f"   {rows:,} rows in {audit.files} files; everything is as it should be")
    return audit.holds


def _measure() -> None:
    from accord.cli.measure import measure
    from accord.cli.terminal import say

    for number, name in enumerate(MEASURES):
        command = f"accord measure {PLACE / 'record'} {name} --from {FIRST} --until {UNTIL} --by practice"
        if number == 0:
            _step(3, "Measure what the contracts pay for. Small counts are withheld; exact ones stay inside.", command)
        else:
            say()
            say(f"   $ {command}")
            say()
        _indented(lambda name=name: measure(PLACE / "record", [name], first=FIRST, until=UNTIL, by=["practice"]))


def _settle(number: int, text: str, contract: str, *parties: str) -> Run:
    from accord.cli.settle import report
    from accord.cli.terminal import say
    from accord.settlement import calls

    data = PLACE / "data" / contract
    asked = "".join(f" --statement {party}" for party in parties)
    _step(number, text, f"accord settle {contract} --data {data} --out {RUNS}{asked}")
    run = calls.run(contract, data, out=RUNS, statements=parties)
    for line in "\n".join(report(run)).splitlines():
        say(f"   {line}".rstrip())
    return run


def _explain(run: Run) -> bool:
    from accord.cli.terminal import say
    from accord.settlement import calls, explaining

    row = {"practice": "P0001", "element": "continuity", "year": FIRST}
    written = " ".join(f"{key}={value}" for key, value in row.items())
    _step(7, "Explain one number: formula, values, sources, and what did not apply; settle again, compare every byte.",
          f"accord explain {run.folder} reward {written} --depth 1", f"accord rerun {run.folder}")  # fmt: skip
    for line in explaining.text(calls.explain(run, "reward", row, depth=1)).splitlines():
        say(f"   {line}".rstrip())
    again = calls.rerun(run)
    say()
    say(f"   {'the same, byte for byte' if again.same else 'NOT the same'}: {again.compared} files")
    return again.same


def _tell(global_sum: Run, supplement: Run, seconds: float) -> None:
    from accord.cli.terminal import say
    from accord.settlement import calls

    schedule = HOME / "schedule.html"
    calls.show("integration-supplement", html=schedule)

    def page(run: Run, party: str) -> Path:
        return next(path for path in run.written_statements if path.suffix == ".html" and party in path.stem)

    practice = page(global_sum, "P0001")
    say()
    say(f"Done in {seconds:.0f} seconds. Where to look:")
    for path, what in (
        (PLACE / "README.md", "the place: who lives there, what its folders hold"),
        (HOME / "quality.html", "how good its record is: completeness, gaps, duplicates"),
        (practice, "the global sum, as a practice reads it (open it in a browser, and print it)"),
        (practice.with_suffix(".xlsx"), "the same, with the arithmetic as live formulas"),
        (page(supplement, "P0001"), "the supplement, as that practice reads it; every party's is beside it"),
        (supplement.folder / "payments.csv", "who owes whom what under the supplement"),
        (schedule, "the supplement as a schedule, for those who sign"),
    ):
        say(f"  {path}  {what}")
    say()
    say("What to try next (the commands are in .venv/bin; source .venv/bin/activate puts them on the path):")
    data = PLACE / "data" / "integration-supplement"
    for command, what in (
        (f"accord settle integration-supplement --data {data} --set rate.continuity=3", "what if a rate were another?"),
        (f"accord measure {PLACE / 'record'} falls --from {FIRST} --until {UNTIL}", "another measure"),
        (f"accord simulate {PLACE} --html {HOME / 'futures.html'}", "what contracts would do in the years to come"),
        ("accord population my-place --size 200000 --seed 7", "a place of your own"),
        ("docs/tutorial.md", "write your first contract, in ten minutes"),
    ):
        say(f"  {command}  # {what}" if command.startswith("accord") else f"  {command}: {what}")


if __name__ == "__main__":
    demo()
