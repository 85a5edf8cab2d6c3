"""``accord show``: the readable schedule of a contract."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import ContractArgument, JsonOption

if TYPE_CHECKING:
    from accord.settlement.schedule import Schedule


def show(
    contract: ContractArgument,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a web page that prints well.", show_default=False),
    ] = None,
    docx: Annotated[
        Path | None, typer.Option("--docx", metavar="FILE", help="Write a Word document.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a contract as a schedule to read: what is paid, how it is worked out, every figure and its source."""
    from accord.cli.terminal import say, say_json
    from accord.settlement import calls

    schedule = calls.schedule(contract)
    written = calls.write_schedule(schedule, html=html, docx=docx)
    if as_json:
        say_json({**schedule.as_json(), "written": [str(path) for path in written]})
    elif written:
        for path in written:
            say(f"wrote {path}")
    else:
        _print(schedule)


def _print(schedule: Schedule) -> None:
    import shutil
    import sys
    import textwrap

    from accord.cli.terminal import say, table

    width = min(shutil.get_terminal_size((100, 24)).columns, 110) if sys.stdout.isatty() else 100

    def head(text: str) -> None:
        say()
        say(text)
        say("=" * len(text))

    def prose(text: str, indent: int = 0) -> None:
        if text:
            say(textwrap.fill(text, width, initial_indent=" " * indent, subsequent_indent=" " * indent))

    say(schedule.title)
    say("=" * len(schedule.title))
    prose(schedule.authority)
    prose(schedule.note)
    say(f"Term: {schedule.term}" + (f", looking back to {schedule.history}" if schedule.history else ""))
    for name, who in schedule.parties:
        say(f"{name}: {who}")
    if schedule.unverified:
        say(f"{schedule.unverified} figures are not verified; they are marked below.")
    if schedule.payments:
        head("What is paid")
        for payment in schedule.payments:
            told = [payment.stream, payment.due, payment.negative if payment.negative.startswith("flows") else ""]
            say(f"  {payment.quantity}: {payment.payer} pays {payment.receiver}" + "".join(f"; {t}" for t in told if t))
    head("How it is worked out")
    for section in schedule.sections:
        if section.title:
            say()
            say(f"  {section.title}")
            say("  " + "-" * len(section.title))
        for line in section.lines:
            say()
            say(f"  {line.name}  (for {line.each})")
            for formula in line.formulas:
                if formula.since:
                    say(f"      from {formula.since}:")
                prose(formula.text, 6)
            told = [line.unit, line.rounding, line.paid, line.clause, line.status, line.note]
            prose("— " + "; ".join(part for part in told if part), 6)
    if schedule.figures:
        head("Figures")
        rows = [
            (
                figure.name,
                figure.value,
                " ".join(
                    part
                    for part in (
                        f"from {figure.since}" if figure.since else "",
                        f"until {figure.until}" if figure.until else "",
                        f"(known {figure.known_from})" if figure.known_from else "",
                    )
                    if part
                ),
                figure.status,
                figure.authority,
            )
            for figure in schedule.figures
        ]
        say(table(("figure", "value", "in force", "status", "authority"), rows, indent=2))
    for scale in schedule.scales:
        say()
        since = f", from {scale.since}" if scale.since else ""
        say(f"  {scale.name}{f' ({scale.member})' if scale.member else ''}: a {scale.kind} scale{since}")
        prose("; ".join(part for part in (scale.outside, scale.status, scale.authority) if part), 2)
        say(table(scale.heads, scale.rows, right=[0, 1], indent=4))
    head("What goes in")
    for one in schedule.inputs:
        measure = f", filled by the measure {one.measure}" if one.measure else ""
        say(f"  {one.name}: one row for {one.each}{', optional' if one.optional else ''}{measure}")
        for column in one.columns:
            told = [column.what, column.needed if column.needed != "required" else "", column.note]
            say(f"      {column.name}: " + "; ".join(part for part in told if part))
    for one in schedule.tables:
        say()
        shown = f", the first {len(one.rows)} shown" if one.rows_in_all > len(one.rows) else ""
        say(f"  {one.name}, a table of the contract ({one.rows_in_all} rows{shown}; {one.status}; {one.authority})")
        say(table(one.heads, one.rows, indent=4))
    if schedule.checks:
        head("What must hold")
        for text, on, message in schedule.checks:
            prose(f"{text} — on {on}; otherwise: {message}", 2)
    if schedule.notices:
        head("Notices (proposals for a person to decide)")
        for notice, about, when, power in schedule.notices:
            prose(f"{notice} — about {about}, when {when} ({power})", 2)
    if schedule.examples:
        head("Worked examples")
        for example in schedule.examples:
            prose(f"{example.title}" + (f" ({example.source})" if example.source else ""), 2)
            for quantity, row, value in example.expect:
                say(f"      {quantity} for {row}: {value}")
    head("Which text this is")
    say(f"  signed   {schedule.signed_hash}")
    say(f"  meaning  {schedule.meaning_hash}")
