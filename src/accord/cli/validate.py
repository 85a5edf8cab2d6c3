"""``accord validate``: is the simulation right? Checked against itself and against published figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import JsonOption, SeedOption, simulation_installed

if TYPE_CHECKING:
    from accord.simulation.validation.calls import Validated


def validate(
    targets: Annotated[
        list[Path] | None,
        typer.Option("--targets", metavar="FILE", help="A file of further targets. Repeatable.", show_default=False),
    ] = None,
    only: Annotated[
        bool, typer.Option("--only", help="Only the targets of these files, not the project's own.")
    ] = False,
    seed: SeedOption = 1,
    people: Annotated[
        int, typer.Option("--people", metavar="N", help="How many people are made; more find smaller faults.")
    ] = 200_000,
    html: Annotated[Path, typer.Option("--html", metavar="FILE", help="The report.")] = Path("validation.html"),
    as_json: JsonOption = False,
) -> None:
    """Check the simulation against itself and against published figures, and write a report.

    Verification: nothing is lost, limits that theory knows, both engines against each other, and every figure of the
    model moves what it should and nothing else. Validation: published figures, each with its tolerance and the reason
    for it. Exit code 0 if every check held and no figure is out that should be in, 1 if not.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json

    simulation_installed("accord validate")
    from accord.simulation.validation import calls

    with progress(1) as work:
        made = calls.validate(
            targets=targets or (),
            only=only,
            seed=seed,
            people=people,
            html=html,
            on_step=work.step,
            on_share=work.share,
        )
    if as_json:
        say_json(made.as_json())
    else:
        for line in report(made):
            say(line)
        for path in made.written:
            say(f"wrote {path}")
    if not made.passes:
        raise typer.Exit(1)


def report(made: Validated) -> list[str]:
    """A validation for the terminal."""
    from accord.cli.terminal import table
    from accord.simulation.validation.page import figure, sentences, verdict
    from accord.simulation.validation.verification import KINDS

    rows = [
        (words, str(sum(check.held for check in checks)), str(len(checks)))
        for kind, words in KINDS.items()
        if (checks := [check for check in made.checks if check.kind == kind])
    ]
    lines = [table(("the simulation against itself", "held", "of"), rows, right=(1, 2))]
    for use in ("fitted", "held out"):
        judged = made.used(use)
        if judged:
            rows = [
                (
                    _short(one.target.title),
                    figure(one.target.value),
                    f"{figure(one.low)} to {figure(one.high)}",
                    figure(one.result),
                    one.target.unit,
                    verdict(one),
                )
                for one in judged
            ]
            heads = (f"published, {use}", "value", "accepted", "simulated", "unit", "")
            lines += ["", table(heads, rows, right=(1, 2, 3))]
    return [*lines, "", *sentences(made)]


def _short(text: str, most: int = 72) -> str:
    """A title on one line; what is left out is the middle, since titles that begin alike differ at their end."""
    end = most // 2
    return text if len(text) <= most else f"{text[: most - end - 1].rstrip()}…{text[-end:].lstrip()}"
