"""``accord calibrate``: the model's figures from a place's own record, with a back-test on its last year."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import HtmlOption, JsonOption, SeedOption, simulation_installed

if TYPE_CHECKING:
    from accord.simulation.calibrating import Calibrated


def calibrate(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="The folder of a record.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Write the calibration into this folder, for accord simulate.",
            show_default=False,
        ),
    ] = None,
    html: HtmlOption = None,
    until: Annotated[
        str | None,
        typer.Option(
            "--until",
            metavar="DAY",
            help="The first day after the last year. Without it: after the last whole month of hospital activity.",
            show_default=False,
        ),
    ] = None,
    years: Annotated[int, typer.Option("--years", metavar="N", help="How many years at most, 1 to 10.")] = 5,
    draws: Annotated[int, typer.Option("--draws", metavar="N", help="How often the last year is simulated.")] = 200,
    seed: SeedOption = 1,
    no_back_test: Annotated[
        bool, typer.Option("--no-back-test", help="Calibrate only; one year of record is then enough.")
    ] = False,
    inside: Annotated[
        bool, typer.Option("--inside", help="Exact figures in the page and the JSON. They stay inside the boundary.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Calibrate the simulator to a place's own record, and test it on the record's last year.

    The last year is simulated from figures of the years before, and compared with what happened: in all, by age, sex,
    deprivation and practice, beside last year's rates carried forward and the built-in rates. The calibration that is
    written is of all years. It holds no person, and no number of 1 to 7 events.
    """
    from accord.cli.boundary import INSIDE, day_of
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json, warn

    after = None if until is None else day_of("--until", until)
    simulation_installed("accord calibrate")
    from accord.simulation import calibrating

    with progress(20) as work:
        made = calibrating.calibrate(
            record,
            out=out,
            html=html,
            until=after,
            most=years,
            draws=draws,
            seed=seed,
            testing=not no_back_test,
            inside=inside,
            on_step=work.step,
            on_draw=lambda done, of: work.step(f"draw {done} of {of}"),
        )
    if as_json:
        say_json(made.as_json(inside=inside))
        return
    if inside:
        warn(INSIDE)
    for line in _report(made, inside):
        say(line)
    for path in made.written:
        say(f"wrote {path}")


def _report(made: Calibrated, inside: bool) -> list[str]:
    from accord.cli.terminal import table
    from accord.simulation import rounding
    from accord.simulation.back_test import TITLES
    from accord.simulation.calibration_page import percent, written

    own, back = made.calibration, made.back_test
    long = f"{rounding.rounded(own.people_years):,} person-years"
    lines = [f"{own.title}: calibrated to {own.first} until {own.until}, {long}"]
    lines += [f"  {note}" for note in own.notes]
    rows = [(TITLES[name], f"{one.level:.2f}", f"± {1.96 * one.doubt:.0%}") for name, one in own.multipliers.items()]
    lines += ["", "Level against the built-in rates, at the same ages, sexes, fifths and states"]
    lines.append(table(("", "level", "95 %"), rows, right=(1, 2), indent=2))
    if back is None:
        return lines
    if not inside:
        back = back.leaving()
    lines += ["", f"Back-test: the year from {back.first}, simulated {back.draws} times from the days before"]
    shown = []
    for name in back.found:
        if name == "people_years":
            continue
        (whole,) = back.of(name, "all")
        errors, (hit, of) = back.errors(name), back.coverage("practice", name)
        happened = "*" if whole.withheld else written(name, whole.observed)
        ways = [percent(one) for one in errors.total] if errors.total else ["*"] * 3
        shown.append((TITLES[name], happened, *ways, f"{hit} of {of}"))
    head = ("", "happened", "simulated", "carried", "built in", "practices inside")
    lines.append(table(head, shown, right=(1, 2, 3, 4, 5), indent=2))
    hit, of = back.coverage("practice")
    lines.append(f"  {hit} of {of} figures of practices lie inside their 95 % interval")
    return lines
