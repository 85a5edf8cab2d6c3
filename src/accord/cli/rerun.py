"""``accord rerun``: does a run come out again, byte for byte?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.options import JsonOption


def rerun(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder that accord settle made.", show_default=False)
    ],
    as_json: JsonOption = False,
) -> None:
    """Settle a run again from what it stored, and compare every file byte by byte.

    Exit code 0 if everything is the same, 1 if not (the files that differ are named). The run is not touched.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json
    from accord.settlement import calls

    with progress(3) as work:
        result = calls.rerun(run, on_step=work.step)
    if as_json:
        say_json(result.as_json())
    elif result.same:
        say(f"the same, byte for byte: {result.compared} files of {run}")
    else:
        for line in result.differences:
            say(line)
        for line in result.reasons:
            say(line)
    if not result.same:
        raise typer.Exit(1)
