"""``accord verify``: settle a published results file and compare with what was published."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import ContractArgument, JsonOption

if TYPE_CHECKING:
    from accord.settlement.verification import Compared, Verified

SHOWN = 20
"""How many misses of a quantity are listed without ``--all``."""


def verify(
    contract: ContractArgument,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The published results file (CSV).", show_default=False)],
    year: Annotated[
        str, typer.Option("--year", metavar="YEAR", help="The year that the file is about.", show_default=False)
    ],
    reading: Annotated[
        str,
        typer.Option(
            "--reading", metavar="NAME", help="Which reading, where several cover the year.", show_default=False
        ),
    ] = "",
    every: Annotated[
        bool, typer.Option("--all", help=f"List every miss, not only the first {SHOWN} of each quantity.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Settle a published results file and compare every figure with what was published.

    Prints for each quantity how many rows agree to the unit, how many within 0.1 %, and each miss with both figures
    and its reason. Exit code 0 if every miss has a recorded reason (a rule in the contract's folder), 1 if not.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json, show_problems
    from accord.settlement.catalogue import find
    from accord.settlement.verification import verify as verify_file

    with progress(1) as work:
        work.step("settling the published file")
        verified = verify_file(find(contract), file, year, reading=reading)
    show_problems(verified.warnings)
    if as_json:
        say_json(verified.as_json())
    else:
        for line in report(verified, None if every else SHOWN):
            say(line)
    if not verified.holds:
        raise typer.Exit(1)


def report(verified: Verified, shown: int | None = SHOWN) -> list[str]:
    """A verification for the terminal; ``shown`` misses of each quantity, None for all."""
    from accord.cli.terminal import table

    left_out = sum(verified.left_out.values())
    lines = [f"{verified.title}: {verified.contract}, {verified.year}"]
    lines.append(f"  {Path(verified.file).name}: {verified.rows_read - left_out} rows" + _left_out(verified))
    lines.append(f"  {verified.note}")
    rows = [
        (one.name, str(one.compared), str(one.exact), str(one.within), str(len(one.misses)), str(len(one.unexplained)))
        for one in verified.quantities
    ]
    heads = ("quantity", "compared", "exact", "within 0.1 %", "misses", "without a reason")
    lines += ["", table(heads, rows, right=range(1, 6), indent=2)]
    for one in verified.quantities:
        if one.misses:
            lines += ["", *_misses(one, shown)]
    lines.append("")
    if verified.holds:
        lines.append("Every figure agrees, or differs for a recorded reason.")
    else:
        count = sum(len(one.unexplained) for one in verified.quantities)
        figures = "1 figure differs" if count == 1 else f"{count} figures differ"
        lines.append(f"{figures} without a recorded reason: look at the rows marked (none) above.")
    return lines


def _left_out(verified: Verified) -> str:
    reasons = [f"{count} left out ({reason})" for reason, count in verified.left_out.items()]
    return "".join(f"; {reason}" for reason in reasons)


def _misses(one: Compared, shown: int | None) -> list[str]:
    from accord.cli.terminal import table

    # those without a reason first: they are what the reader must look at
    misses = [*one.unexplained, *(miss for miss in one.misses if miss.reason)]
    listed = misses if shown is None else misses[:shown]
    rows = [
        (miss.key, _figure(miss.ours, one.percent), _figure(miss.published, one.percent), miss.reason or "(none)")
        for miss in listed
    ]
    lines = [f"{one.title}: {len(misses)} {'miss' if len(misses) == 1 else 'misses'}"]
    lines.append(table(("row", "ours", "published", "reason"), rows, right=(1, 2), indent=2))
    if len(listed) < len(misses):
        lines.append(f"  … and {len(misses) - len(listed)} more (--all lists them)")
    return lines


def _figure(value: object, percent: bool) -> str:
    from fractions import Fraction

    from accord.settlement.verification import number

    shown = number(value, percent) if isinstance(value, Fraction) else None
    if shown is None:
        return "missing"
    return f"{shown:,} %" if percent else f"{shown:,}"
