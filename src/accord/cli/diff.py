"""``accord diff``: what changed between two contracts, in the text and in each party's money."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import CONTRACT_HELP, JsonOption

if TYPE_CHECKING:
    from accord.settlement.difference import Difference


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help=CONTRACT_HELP, show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help="The contract to compare it with.", show_default=False)],
    data: Annotated[
        Path | None,
        typer.Option(
            "--data", metavar="DIR", help="Settle both on this data and compare each party's money.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Compare two contracts: figures by date, formulas, payments, terms; and, given data, each party's money.

    Exit code 0 if they mean the same, 1 if they differ.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say_json
    from accord.settlement import calls

    with progress(2) as work:
        found = calls.diff(a, b, data=data, on_step=work.step)
    if as_json:
        say_json(found.as_json())
    else:
        _print(found)
    if not found.same:
        raise typer.Exit(1)


def _print(found: Difference) -> None:
    from accord.cli.terminal import say, table
    from accord.settlement.wording import money

    if not found.changes:
        say(
            f"{found.a} and {found.b} mean the same"
            + ("." if found.same_text else "; only titles, notes or layout differ.")
        )
    else:
        say(f"{len(found.changes)} {'change' if len(found.changes) == 1 else 'changes'} from {found.a} to {found.b}")
    kind = ""
    for change in found.changes:
        if change.kind != kind:
            kind = change.kind
            say()
            say(kind)
        say(f"  {change.what}: {change.how}")
        if change.before:
            say(f"    - {change.before}")
        if change.after:
            say(f"    + {change.after}")
    if found.money is not None:
        say()
        if not found.money:
            say("No party is paid anything under either.")
            return
        winners = [line for line in found.money if line.difference > 0]
        losers = [line for line in found.money if line.difference < 0]
        unchanged = len(found.money) - len(winners) - len(losers)
        say(f"Each party's money: {len(winners)} gain, {len(losers)} lose, {unchanged} unchanged")
        rows = [
            (
                line.party,
                money(line.in_a, found.currency),
                money(line.in_b, found.currency),
                ("+" if line.difference > 0 else "") + money(line.difference, found.currency),
            )
            for line in found.money
        ]
        say(table(("party (net received)", "in A", "in B", "difference"), rows, right=[1, 2, 3], indent=2))
    for line in found.not_settled:
        say(line)
