"""``accord marginal``: what one more would bring, and where a contract pays for the wrong thing."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import ContractArgument, CsvOption, DataOption, HtmlOption, JsonOption

if TYPE_CHECKING:
    from accord.settlement.incentive import Incentives, Row

GROUPS = 100
"""Groups that are listed on the terminal; the page, the CSV file and --json have more."""


def marginal(
    contract: ContractArgument,
    data: DataOption,
    row: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE...", help="Only these rows: practice=A81004.", show_default=False),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="KEY",
            help="Add up by this key; repeatable. Without it: the last that is not a period.",
            show_default=False,
        ),
    ] = None,
    money: Annotated[
        str | None,
        typer.Option(
            "--money",
            metavar="QUANTITY",
            help="Watch another quantity than the probes name, such as a practice's whole payment.",
            show_default=False,
        ),
    ] = None,
    probes: Annotated[
        Path | None,
        typer.Option(
            "--probes", metavar="FILE", help="Another file than the contract's marginal.yaml.", show_default=False
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", metavar="N", min=0, help="How many single rows are listed.")] = 10,
    html: HtmlOption = None,
    csv: CsvOption = None,
    as_json: JsonOption = False,
) -> None:
    """What one more patient treated would bring, and one more taken out of the count: where incentives are perverse.

    Each step is settled by the contract itself, everything else held fixed, national figures too. What the steps are
    stands in marginal.yaml beside the contract. Listed are how many rows each step brings something in, and how much.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json
    from accord.settlement import explaining, incentive
    from accord.settlement.calls import check
    from accord.settlement.marginal import marginal as settled
    from accord.settlement.storage import write_file

    with progress(100) as work:
        work.step("settling what one more would bring")
        values = settled(contract, data, probes=probes, money=money, progress=work.share)
        found = incentive.incentives(
            check(contract), values, by=by or (), where=explaining.read_row(row or ()), top=top
        )
        written: list[Path] = []
        if html is not None:
            write_file(html, incentive.html(found))
            written.append(html)
        if csv is not None:
            incentive.write_csv(found, csv)
            written.append(csv)
    if as_json:
        say_json({**found.as_json(), "written": [str(path) for path in written]})
        return
    for line in report(found):
        say(line)
    for path in written:
        say(f"wrote {path}")


def report(found: Incentives) -> list[str]:
    """What marginal values come to, for the terminal."""
    from accord.cli.terminal import table
    from accord.settlement.incentive import ROUNDED

    probes = [found.first, *found.others]
    lines = [f"{found.contract.title}: {found.probes.title or 'marginal value'}"]
    lines += [f"  only {key} {member}" for key, member in found.where.items()]
    lines += ["", *(f"  {line}" for line in found.findings), ""]
    for probe in probes:
        lines.append(f"  {probe.name}: {probe.title}")
    lines += ["  on average where a step is possible, and of which kind the rows are:", ""]
    heads = (found.by_text, "possible", *(probe.name for probe in probes), *_SHORT)
    rows = [
        (
            group.member,
            f"{group.possible:,}",
            *(found.pence(group.worth[probe.name].average) if group.worth else "" for probe in probes),
            *(f"{count:,}" for count in group.kinds.values()),
        )
        for group in found.groups[:GROUPS]
    ]
    lines.append(table(heads, rows, right=range(1, len(heads)), indent=2))
    if len(found.groups) > GROUPS:
        lines.append(f"  … and {len(found.groups) - GROUPS:,} more: --html, --csv and --json have them")
    for told, listed in (
        (f"where another step brings most beyond {probes[0].name}", found.perverse),
        (f"where {probes[0].name} brings most", found.richest),
    ):
        if listed:
            lines += ["", f"{told}:", *_rows(found, listed)]
    lines += ["", f"{found.worlds} worlds were settled; everything else was held fixed, national figures too.", ROUNDED]
    return lines


_SHORT = ("as meant", "perverse", "nothing yet", "all earned", "no difference")
"""Heads for the kinds of rows, in the order of incentive.KINDS."""


def _rows(found: Incentives, listed: tuple[Row, ...]) -> list[str]:
    from accord.cli.terminal import table

    names = [found.first.name, *(other.name for other in found.others)]
    rows = [
        (
            found.name_of(found.keys, row.keys),
            *(found.money(row.amounts[name]) if name in row.amounts else "" for name in names),
        )
        for row in listed
    ]
    return [table((", ".join(found.keys), *names), rows, right=range(1, 1 + len(names)), indent=2)]
