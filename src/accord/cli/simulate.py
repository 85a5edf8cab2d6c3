"""``accord simulate``: what contracts would do on simulated futures of a place, beside no contract change."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import HtmlOption, JsonOption, SeedOption, simulation_installed

if TYPE_CHECKING:
    from accord.place.calls import Simulated


def simulate(
    place: Annotated[Path, typer.Argument(metavar="PLACE", help="A folder with place.yaml.", show_default=False)],
    years: Annotated[int, typer.Option("--years", metavar="N", help="How many years, 1 to 10.")] = 3,
    draws: Annotated[int, typer.Option("--draws", metavar="N", help="How many draws of chance.")] = 50,
    seed: SeedOption = 1,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario", metavar="NAME", help="Only this scenario of the place. Repeatable.", show_default=False
        ),
    ] = None,
    html: HtmlOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where runs are kept; otherwise futures in the place.", show_default=False
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Draws only: no other assumptions are tried, and no luck.")
    ] = False,
    engine: Annotated[
        str, typer.Option("--engine", metavar="NAME", help="local or spark: the same figures to the byte.")
    ] = "local",
    csv: Annotated[bool, typer.Option("--csv", help="Write the tables as CSV too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Simulate the futures of a place under its contracts and scenarios.

    No contract change always runs beside, with the same chance. Every simulated year is settled by the contracts
    themselves. A run that was stopped goes on where it was; the same place, seed and code give the same figures.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json, warn

    simulation_installed("accord simulate")
    from accord.place import calls
    from accord.simulation import partitions

    with progress(1) as work:
        made = calls.simulate(
            place,
            years=years,
            draws=draws,
            seed=seed,
            scenarios=scenario,
            out=out,
            html=html,
            csv=csv,
            thorough=not quick,
            engine=partitions.engine(engine),
            on_step=work.step,
            on_share=work.share,
        )
    if as_json:
        say_json(made.as_json())
        return
    for line in _report(made):
        say(line)
    for path in made.written:
        say(f"wrote {path}")
    if made.run.reused:
        warn(f"{made.run.reused} batches of draws were there already")


def _report(made: Simulated) -> list[str]:
    from accord.cli.terminal import table
    from accord.place.report import METRIC_WORDS, doubt_words, draws_words, range_words, share, written

    summary = made.summary
    span = "1 year" if len(summary.years) == 1 else f"{len(summary.years)} years"
    title = made.run.manifest["title"]
    draws = "1 draw" if summary.draws == 1 else f"{summary.draws} draws"
    lines = [f"{title}: {span} from {summary.years[0]}, {draws}, {summary.people[0]:,.0f} people"]
    if few := draws_words(summary):
        lines.append(f"  {few}")
    for one in summary.headlines:
        lines += ["", f"{one.title}, against no contract change (all years together)"]
        if one.unchanged:
            why = "nothing that behaviours answer to has changed" if one.behaviours else "no behaviour is switched on"
            lines.append(f"  activity is unchanged in every draw: {why}")
        rows = [
            (
                words,
                written(name, one.figures[name].mean),
                range_words(name, one.figures[name]),
                doubt_words(made.uncertain, one.scenario, name),
            )
            for name, words in METRIC_WORDS.items()
        ]
        heads = ("", "difference", "by chance alone, 95 %", "figures in doubt too, 95 %")
        lines.append(table(heads, rows, right=(1, 2, 3), indent=2))
    if made.lucky:
        lines += ["", "How often a gain share pays where nothing was done"]
        rows = [
            (
                f"{one.size:,}",
                "with" if one.together else "without",
                share(one.chance, one.error),
                share(one.formula),
                share(one.chance_of_penalty, one.error_of_penalty),
            )
            for one in made.lucky
        ]
        heads = ("people", "system noise", "paid", "by formula", "owes")
        lines.append(table(heads, rows, right=(0, 2, 3, 4), indent=2))
    lines += ["", f"run {made.run.manifest['run'][:16]} kept: {made.run.folder}"]
    return lines
