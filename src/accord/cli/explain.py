"""``accord explain``: the tree behind one number."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from accord.cli.options import HtmlOption, JsonOption


def explain(
    run: Annotated[
        Path, typer.Argument(metavar="RUN", help="A run folder that accord settle made.", show_default=False)
    ],
    quantity: Annotated[str, typer.Argument(metavar="QUANTITY", help="The quantity.", show_default=False)],
    row: Annotated[
        list[str] | None,
        typer.Argument(metavar="KEY=VALUE...", help="The row: practice=A81004 year=2026/27.", show_default=False),
    ] = None,
    depth: Annotated[int, typer.Option("--depth", metavar="N", min=1, help="How many steps back to show.")] = 3,
    html: HtmlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Explain one number of a run: formula, the values put in, their sources, and the branch that did not apply."""
    from accord.cli.terminal import say, say_json
    from accord.settlement import calls, explaining

    found = calls.explain(run, quantity, explaining.read_row(row or ()), depth=depth)
    if html:
        html.write_text(explaining.html(found), encoding="utf-8")
    if as_json:
        say_json(explaining.as_json(found))
    elif html:
        say(f"wrote {html}")
    else:
        say(explaining.text(found))
