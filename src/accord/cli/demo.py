"""``make demo``: what Accord does, in five steps, on a library contract and made-up data; writes into ``demo/``."""

from __future__ import annotations

import sys
from pathlib import Path

CONTRACT = "payment-scheme"
HOME = Path("demo")


def demo() -> None:
    """Check, settle, explain, show and state; say plainly what was made and what to try next."""
    from accord.cli.check import _lines
    from accord.cli.settle import report
    from accord.cli.terminal import say
    from accord.settlement import calls, explaining
    from accord.settlement.catalogue import published
    from accord.settlement.examples import run_examples

    one = next(found for found in published() if found.name == CONTRACT)
    assert one.sample is not None

    def step(number: int, text: str, command: str) -> None:
        say()
        say(f"{number}. {text}")
        say(f"   $ {command}")
        say()

    step(1, "Check a contract: a text that people sign, and that runs.", f"accord check {CONTRACT}")
    contract = calls.check(CONTRACT)
    for line in _lines(contract, run_examples(contract)):
        say(f"   {line}")

    step(2, "Settle it on data (made up: two providers, two commissioners, two years).",
         f"accord settle {CONTRACT} --data {_shown(one.sample)} --out {HOME / 'runs'} --statement RX1")  # fmt: skip
    run = calls.run(CONTRACT, one.sample, out=HOME / "runs", statements=["RX1"])
    for line in "\n".join(report(run)).splitlines():
        say(f"   {line}" if line else "")

    row = {"provider": "RX1", "commissioner": "QX1", "year": "2022/23"}
    written = " ".join(f"{key}={value}" for key, value in row.items())
    step(3, "Explain one number: formula, values, sources, and what did not apply.",
         f"accord explain {run.folder} variation {written} --depth 1")  # fmt: skip
    for line in explaining.text(calls.explain(run, "variation", row, depth=1)).splitlines():
        say(f"   {line}")

    schedule = HOME / "schedule.html"
    step(
        4,
        "Print it as a schedule for those who sign.",
        f"accord show {CONTRACT} --html {schedule} --docx {HOME / 'schedule.docx'}",
    )
    calls.show(CONTRACT, html=schedule, docx=HOME / "schedule.docx")

    step(5, "Settle again from what was stored, and compare every byte.", f"accord rerun {run.folder}")
    again = calls.rerun(run)
    say(f"   {'the same, byte for byte' if again.same else 'NOT the same'}: {again.compared} files")

    statement = next(path for path in run.written_statements if path.suffix == ".html")
    say()
    say("What was made:")
    for path, what in (
        (run.folder / "payments.csv", "who owes whom what"),
        (statement, "a provider's statement (open it in a browser, and print it)"),
        (statement.with_suffix(".xlsx"), "the same, with the arithmetic as live formulas"),
        (schedule, "the contract as a schedule"),
        (HOME / "schedule.docx", "the same, for Word"),
    ):
        say(f"  {path}  {what}")
    say()
    say("What to try next (the commands are in .venv/bin; source .venv/bin/activate puts them on the path):")
    for command, what in (
        ("accord library", "the contracts that come with Accord"),
        (f"accord settle {CONTRACT} --data {_shown(one.sample)} --set above_plan=50", "what if a figure were another?"),
        ("accord new my-contract", "a contract of your own, and blank input files"),
        ("docs/tutorial.md", "write your first contract, in ten minutes"),
    ):
        say(f"  {command}  # {what}" if command.startswith("accord") else f"  {command}: {what}")
    if not again.same:
        sys.exit(1)


def _shown(path: Path) -> str:
    """A path as short as it can be written from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


if __name__ == "__main__":
    demo()
