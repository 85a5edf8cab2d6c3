"""``accord prepare``: published files become the folder of inputs that a contract is settled on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import ContractArgument, JsonOption

if TYPE_CHECKING:
    from accord.settlement.filling import Applied
    from accord.settlement.reading import Reading


def prepare(
    contract: ContractArgument,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="READING=FILE...",
            help="Which published file each reading is applied to. Without any: the readings are listed.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="The folder of inputs that is written.", show_default=False),
    ] = None,
    year: Annotated[
        str | None,
        typer.Option(
            "--year",
            metavar="YEAR",
            help="The year the files are about. Without it: the one that the readings cover, if it is one.",
            show_default=False,
        ),
    ] = None,
    row: Annotated[
        list[str] | None,
        typer.Option(
            "--row",
            metavar="INPUT:COLUMN=VALUE,...",
            help="A row that no file says: nation:quarter=2026-07-01,covers_the_nation=true. Repeatable.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn published files into the folder of inputs that accord settle takes, by the readings beside the contract.

    Without files it lists the readings: what file each reads, who publishes it, and which inputs it fills.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json, show_problems
    from accord.settlement import preparation
    from accord.settlement.calls import check, usage
    from accord.settlement.catalogue import find

    file = find(contract)
    readings = preparation.readings_of(file)
    if not files and not row:
        if as_json:
            say_json([_reading_json(reading) for reading in readings])
        else:
            for line in _listed(contract, readings):
                say(line)
        return
    if out is None:
        raise usage("accord prepare", "nothing says where the inputs are to be written", "add --out DIR")
    named = _named(files or ())
    with progress(2) as work:
        work.step("checking the contract")
        checked = check(file)
        rows = preparation.written_rows(checked, row or ())
        meant = year or preparation.year_of(reading for reading in readings if reading.name in named)
        if meant is None and any(reading.name in named for reading in readings):
            covered = sorted({one for reading in readings if reading.name in named for one in reading.years})
            raise usage(
                "accord prepare", "nothing says which year the files are about", f"--year: {', '.join(covered)}"
            )
        work.step("reading the files")
        applied = preparation.prepare(file, named, meant or "", out, rows=rows)
    show_problems(problem for one in applied for problem in one.warnings)
    needed = preparation.still_needed(checked, out)
    if as_json:
        say_json(
            {
                "folder": str(out),
                "year": meant,
                "read": [_applied_json(one) for one in applied],
                "by_hand": {name: len(some) for name, some in rows.items()},
                "still_needed": needed,
            }
        )
        return
    for one in applied:
        for line in _told(one, out):
            say(line)
    for name, some in rows.items():
        say(f"wrote {out / name}.csv: {len(some)} {'row' if len(some) == 1 else 'rows'} by hand")
    if needed:
        say(f"Still needed: {', '.join(needed)}. Blank files: accord new {contract} --inputs-only --folder {out}")
    else:
        say(f"Next: accord settle {contract} --data {out}")


def _named(files: list[str] | tuple[str, ...]) -> dict[str, Path]:
    from accord.settlement.calls import usage

    named: dict[str, Path] = {}
    for text in files:
        name, equals, path = text.partition("=")
        if not (equals and name.strip() and path):
            raise usage("accord prepare", f"{text} does not say which reading it is for", "write READING=FILE")
        if name.strip() in named:
            raise usage("accord prepare", f"{name.strip()} is given two files", "give it one; a year is read at a time")
        named[name.strip()] = Path(path)
    return named


def _listed(contract: str, readings: tuple[Reading, ...]) -> list[str]:
    if not readings:
        return [f"{contract} has no readings: fill its inputs by hand (accord new {contract} --inputs-only)."]
    lines: list[str] = []
    for reading in readings:
        lines.append(f"{reading.name}: {reading.title}")
        lines.append(f"    from    {reading.source}")
        lines.append(f"    fills   {', '.join(reading.inputs)}")
        lines.append(f"    years   {', '.join(reading.years)}")
    example = " ".join(f"{reading.name}=FILE" for reading in readings)
    return [*lines, "", f"accord prepare {contract} {example} --out DIR"]


def _told(one: Applied, out: Path) -> list[str]:
    left = sum(one.left_out.values())
    why = "".join(f"; {count:,} left out ({reason})" for reason, count in one.left_out.items())
    lines = [f"{one.reading.name}, {one.year}: {one.rows_read:,} rows of {one.file.name}{why if left else ''}"]
    lines += [f"wrote {out / name}.csv: {table.num_rows:,} rows" for name, table in one.tables.items()]
    return lines


def _reading_json(reading: Reading) -> dict[str, object]:
    return {
        "reading": reading.name,
        "title": reading.title,
        "source": reading.source,
        "inputs": list(reading.inputs),
        "years": dict(reading.years),
        "hash": reading.hash,
    }


def _applied_json(one: Applied) -> dict[str, object]:
    return {
        "reading": one.reading.name,
        "hash": one.reading.hash,
        "file": str(one.file),
        "rows_read": one.rows_read,
        "left_out": dict(one.left_out),
        "rows": {name: table.num_rows for name, table in one.tables.items()},
    }
