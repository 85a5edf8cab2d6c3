"""The arguments and options that several commands share, so that they read alike everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

CONTRACT_HELP = "A library name, a contract file, or a folder that holds contract.yaml."

ContractArgument = Annotated[str, typer.Argument(metavar="CONTRACT", help=CONTRACT_HELP, show_default=False)]

DataOption = Annotated[
    Path,
    typer.Option(
        "--data", metavar="DIR", help="A folder with one CSV or Parquet file for each input.", show_default=False
    ),
]

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON, for machines.")]

HtmlOption = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="Write it as a web page.", show_default=False)
]

CsvOption = Annotated[
    Path | None, typer.Option("--csv", metavar="FILE", help="Write every row as a CSV file.", show_default=False)
]

KnownOnOption = Annotated[
    str | None,
    typer.Option(
        "--known-on",
        metavar="DATE",
        help="Use the figures as they were known on this day (2026-04-01). Without it: the latest.",
        show_default=False,
    ),
]

UpToOption = Annotated[
    str | None,
    typer.Option(
        "--up-to",
        metavar="PERIOD",
        help="Settle up to and with this period (2026-04-01, 2026/27) or day.",
        show_default=False,
    ),
]

SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="PARAMETER=VALUE",
        help="What if this figure were another? Repeatable. Marked on everything that is made.",
        show_default=False,
    ),
]
