"""``accord new``: a contract to start from, and blank input files to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.options import JsonOption


def new(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help="A name for a new contract, or (with --inputs-only) an existing contract.",
            show_default=False,
        ),
    ],
    folder: Annotated[
        Path | None,
        typer.Option(
            "--folder", metavar="DIR", help="Where to write. Without it: a folder of that name.", show_default=False
        ),
    ] = None,
    inputs_only: Annotated[
        bool, typer.Option("--inputs-only", help="Write only blank input files, for a contract that exists.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Write a commented contract that checks as it stands, and blank input files with the right headings.

    accord new --inputs-only payment-scheme writes blank input files for a contract of the library (or for a file).
    No file is ever overwritten.
    """
    from accord.cli.terminal import say, say_json
    from accord.settlement import calls

    written = calls.new(name, folder=folder, inputs_only=inputs_only)
    if as_json:
        say_json({"written": [str(path) for path in written]})
        return
    for path in written:
        say(f"wrote {path}")
    where = written[0].parent
    if inputs_only:
        say(f"Fill them in, then: accord settle {name} --data {where}")
    else:
        say(f"Next: read {written[0]}, change it, and run: accord check {where}")
        say(f"Fill in {where / 'data'}, and then: accord settle {where} --data {where / 'data'}")
