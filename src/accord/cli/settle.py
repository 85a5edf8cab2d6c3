"""``accord settle``: run a contract over data, and keep what came out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import ContractArgument, DataOption, JsonOption, KnownOnOption, SetOption, UpToOption

if TYPE_CHECKING:
    from accord.settlement.run import Run


def settle(
    contract: ContractArgument,
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where runs are kept.")] = Path("runs"),
    known_on: KnownOnOption = None,
    up_to: UpToOption = None,
    what_ifs: SetOption = None,
    statement: Annotated[
        list[str] | None,
        typer.Option(
            "--statement",
            metavar="PARTY",
            help="Write this party's statement (HTML, CSV, XLSX); repeatable; all for everyone.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Settle a contract on a folder of data.

    Writes quantities (Parquet), payments (CSV and Parquet) and the statements asked for into a run folder whose name
    follows from the text and the data: the same text and data always give the same folder with the same bytes.
    """
    from accord.cli.progress import progress
    from accord.settlement import calls

    with progress(4) as work:
        made = calls.run(
            contract,
            data,
            out=out,
            known_on=known_on,
            up_to=up_to,
            what_ifs=what_ifs,
            statements=statement or (),
            on_step=work.step,
        )
    from accord.cli.terminal import say, say_json

    if as_json:
        say_json(made.as_json())
    else:
        for line in report(made):
            say(line)


def report(run: Run) -> list[str]:
    """What a run came to, for the terminal."""
    from accord.cli.terminal import table
    from accord.settlement.wording import day

    manifest = run.manifest
    lines = [f"{manifest['contract']['title']}: settled from {day(run.first)} to {day(run.last)}"]
    lines += [f"what if: {what_if}" for what_if in run.what_if_texts]
    totals = run.totals()
    if totals:
        rows = [(one.quantity, one.stream, one.payer, one.receiver, str(one.rows), one.amount_text) for one in totals]
        heads = ("payment", "stream", "from", "to", "rows", "amount")
        lines += ["", table(heads, rows, right=[4, 5], indent=2)]
    else:
        lines.append("  no payment is due")
    notices = manifest["notices"]
    if notices:
        lines += ["", f"  {notices} {'notice is' if notices == 1 else 'notices are'} proposed: see notices.csv"]
    for warning in run.warnings:
        lines.append(f"  warning: {warning}")
    if run.draft_reasons:
        lines += ["", *[f"  {reason}" for reason in run.draft_reasons]]
    made = "was made before, from the same text and data" if run.reused else "written"
    lines += [
        "",
        f"run {run.id[:16]} {made}: {run.folder}",
    ]
    if run.beside is not None:
        lines.append(f"  {run.beside} is no longer as it was written: it was left alone, and this run stands beside it")
    lines += [f"  statement: {path}" for path in run.written_statements if path.suffix == ".html"]
    if run.example_of_explain:
        lines.append(f"  explain a number: {run.example_of_explain}")
    return lines
