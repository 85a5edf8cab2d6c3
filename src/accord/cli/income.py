"""``accord income``: what each party receives by stream and year, what changed, and when it is due."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import CsvOption, HtmlOption, JsonOption

if TYPE_CHECKING:
    from accord.settlement.income import Income, Mover


STREAMS = 6
"""Streams that stand beside each other in the calendar on a terminal; the page and --json have them all."""


def income(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Run folders that accord settle made.", show_default=False),
    ],
    party: Annotated[
        list[str] | None,
        typer.Option(
            "--party",
            metavar="PARTY",
            help="Only this one: A81004, or practice=A81004. Repeatable.",
            show_default=False,
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=0, help="How many winners and losers.")] = 10,
    html: HtmlOption = None,
    csv: CsvOption = None,
    as_json: JsonOption = False,
) -> None:
    """What each party receives by stream and year, the change on the year before, and when it is due.

    Several runs are put together: of one contract for several years, or of several contracts. What flows back is taken
    off its stream. Listed are totals, the largest winners and losers, and a calendar of months.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json
    from accord.settlement import income as reported
    from accord.settlement.run import open_run
    from accord.settlement.storage import write_file

    with progress(len(runs) + 1) as work:
        opened = [open_run(run) for run in runs]
        work.step("reading the payments")
        found = reported.income(opened, party or ())
        written: list[Path] = []
        if html is not None:
            write_file(html, reported.html(found, top))
            written.append(html)
        if csv is not None:
            reported.write_csv(found, csv)
            written.append(csv)
    if as_json:
        say_json({**found.as_json(top), "written": [str(path) for path in written]})
        return
    for line in report(found, top):
        say(line)
    for path in written:
        say(f"wrote {path}")


def report(found: Income, top: int) -> list[str]:
    """Income for the terminal."""
    from accord.cli.terminal import table
    from accord.settlement.income import ALL, NO_DAY, percent

    if not found.amounts:
        return ["No payment is due in these runs."]
    who = found.parties[0].text if len(found.parties) == 1 else f"{len(found.parties):,} parties"
    lines = [f"Income of {who}", *(f"  {note}" for note in found.notes), ""]
    heads, right = ["stream"], []
    for year in found.years:
        heads += [year, "change", "%"] if found.before(year) else [year]
    right = range(1, len(heads))
    body: list[list[str]] = []
    for stream in (*found.streams, ALL):
        cells = [stream]
        for year in found.years:
            one = found.stream(stream, year)
            cells += [found.money(one.amount)]
            cells += [found.signed(one.change), percent(one.share)] if found.before(year) else []
        body.append(cells)
    lines.append(table(heads, body, right=right, indent=2))
    if len(found.movers) > 1:
        gained = sum((one.change.change or 0) > 0 for one in found.movers)
        lost = sum((one.change.change or 0) < 0 for one in found.movers)
        lines += ["", f"{found.years[-1]} on {found.years[-2]}: {gained:,} gain, {lost:,} lose"]
        for words, some in (
            ("largest gains", [one for one in found.movers[:top] if (one.change.change or 0) > 0]),
            ("largest losses", [one for one in found.movers[::-1][:top] if (one.change.change or 0) < 0]),
        ):
            if some:
                lines += ["", f"  {words}:", _movers(found, some)]
    dated = [month for month in found.months if month != NO_DAY]
    streams = found.streams if len(found.streams) <= STREAMS else ()
    if dated:
        lines += ["", "Calendar: what is due in each month", ""]
        rows = [
            (
                found.month_text(month) + (" (at the earliest)" if month in found.at_the_earliest else ""),
                *(found.money(amount) if (amount := found.in_month(month, stream)) else "" for stream in streams),
                found.money(found.in_month(month, ALL)),
            )
            for month in found.months
        ]
        lines.append(table(("month", *streams, "all"), rows, right=range(1, 2 + len(streams)), indent=2))
    else:
        lines += ["", "The text names no day on which anything is due: there is no calendar."]
    return lines


def _movers(found: Income, some: list[Mover]) -> str:
    from accord.cli.terminal import table
    from accord.settlement.income import percent

    rows = [
        (
            one.party.text,
            found.money(one.change.before or 0),
            found.money(one.change.amount),
            found.signed(one.change.change),
            percent(one.change.share),
        )
        for one in some
    ]
    return table(("who", found.years[-2], found.years[-1], "change", "%"), rows, right=range(1, 5), indent=4)
