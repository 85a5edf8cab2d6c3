"""``accord show``: the readable schedule of a contract, or a party's statement of a run in plain words."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import CONTRACT_HELP, JsonOption

if TYPE_CHECKING:
    from accord.settlement.income import Income
    from accord.settlement.schedule import Schedule
    from accord.settlement.statement import Statement

LINES = 40
"""Payments of a statement that the terminal lists; the page has them all."""


def show(
    contract: Annotated[
        str,
        typer.Argument(metavar="CONTRACT", help=f"{CONTRACT_HELP} With --party: a run folder.", show_default=False),
    ],
    party: Annotated[
        str | None,
        typer.Option(
            "--party",
            metavar="PARTY",
            help="Show this party's statement of a run, in plain words: A81004, or practice=A81004.",
            show_default=False,
        ),
    ] = None,
    before: Annotated[
        list[Path] | None,
        typer.Option(
            "--before",
            metavar="RUN",
            help="With --party: an earlier run, to say what has changed. Repeatable.",
            show_default=False,
        ),
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="FILE", help="Write a web page that prints well.", show_default=False),
    ] = None,
    docx: Annotated[
        Path | None, typer.Option("--docx", metavar="FILE", help="Write a Word document.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Show a contract as a schedule to read: what is paid, how it is worked out, every figure and its source.

    accord show RUN --party A81004 shows what a party is paid, for what, when, what has changed and what is not certain.
    """
    from accord.cli.terminal import say, say_json
    from accord.settlement import calls

    if party is not None:
        _show_statement(Path(contract), party, before or (), html, docx, as_json)
        return
    if before or (Path(contract) / "run.json").is_file():
        raise calls.usage("accord show", "nothing says whose statement is meant", "add --party PARTY, such as A81004")

    schedule = calls.schedule(contract)
    written = calls.write_schedule(schedule, html=html, docx=docx)
    if as_json:
        say_json({**schedule.as_json(), "written": [str(path) for path in written]})
    elif written:
        for path in written:
            say(f"wrote {path}")
    else:
        _print(schedule)


def _show_statement(
    folder: Path, named: str, before: Sequence[Path], html: Path | None, docx: Path | None, as_json: bool
) -> None:
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json
    from accord.settlement import calls, statement
    from accord.settlement.income import income
    from accord.settlement.plain_words import plain_words
    from accord.settlement.run import open_run
    from accord.settlement.storage import write_file
    from accord.settlement.stored import StoredValues

    if docx is not None:
        raise calls.usage("--docx", "a statement is not written as a Word document", "--html FILE writes a page")
    run = open_run(folder)
    parties = statement.parties_named(run, [named], "--party")
    if len(parties) > 1:
        raise calls.usage("--party", f"{named} means {len(parties)} parties", f"name one: {parties[0].member}")
    with progress(2) as work:
        work.step("working out the statement")
        made = statement.statement_of(run, run.contract, StoredValues.of_run(run), parties[0])
        earned = income([*map(open_run, before), run], [parties[0].named])
    if html is not None:
        write_file(html, statement.html(made, earned))
    if as_json:
        words = {part.title: list(part.sentences) for part in plain_words(made, earned)}
        told = {"run": run.id, "party": made.party.party, "member": made.party.member, "standing": made.standing}
        say_json({**told, "words": words, "reasons": made.reasons, "written": [str(html)] if html else []})
    elif html is not None:
        say(f"wrote {html}")
    else:
        _print_statement(made, earned)


def _print_statement(made: Statement, earned: Income) -> None:
    import textwrap

    from accord.cli.terminal import say, table
    from accord.settlement.plain_words import plain_words

    title = f"{made.party.text}: {made.standing.lower()} statement"
    say(title[:1].upper() + title[1:])
    say("=" * len(title))
    certain = made.reasons or ["Every figure behind these amounts is verified. Data can still arrive."]
    for head, sentences in (
        *((part.title, part.sentences) for part in plain_words(made, earned)),
        ("What is not certain", certain),
    ):
        say()
        say(head)
        for sentence in sentences:
            say(textwrap.fill(sentence, 100, initial_indent="  ", subsequent_indent="    "))
    rows = [
        (line.stream, line.about or line.row, line.owed.due, line.amount if line.incoming else f"-{line.amount}")
        for line in made.lines
        if line.owed.amount
    ]
    if rows:
        say()
        say(table(("stream", "for", "due", "amount"), rows[:LINES], right=[3], indent=2))
    if len(rows) > LINES:
        say(f"  … and {len(rows) - LINES} more: --html has them all")


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
