"""What several commands share, so that they read alike everywhere: arguments, options, and what must be installed."""

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

# -- of commands that simulate -----------------------------------------------------------------------------------------

SeedOption = Annotated[int, typer.Option("--seed", metavar="N", help="Which chance; the same seed, the same figures.")]


def simulation_installed(command: str) -> None:
    """See that what simulates is here: it is an extra of the package, which settling does without.

    Raises:
        Misused: it is not.
    """
    from importlib.util import find_spec

    from accord.settlement.calls import usage

    lacking = [name for name in ("numba", "scipy") if find_spec(name) is None]
    if lacking:
        said = f"this needs {' and '.join(lacking)}, which is not installed"
        raise usage(command, said, 'pip install "accord[simulation]"')


# -- of commands over a record -----------------------------------------------------------------------------------------

FirstDayOption = Annotated[
    str | None, typer.Option("--from", metavar="DAY", help="The first day that counts.", show_default=False)
]

UntilDayOption = Annotated[
    str | None,
    typer.Option("--until", metavar="DAY", help="The first day that no longer counts.", show_default=False),
]

EveryOption = Annotated[
    str, typer.Option("--every", metavar="PERIOD", help="month, quarter, financial-year, year, or whole.")
]

InsideOption = Annotated[
    bool, typer.Option("--inside", help="Exact figures. You are inside the boundary, and they stay there.")
]

ReleasedOption = Annotated[
    bool, typer.Option("--released", help="Write released figures with --out, and enter them into the register.")
]

EngineOption = Annotated[str, typer.Option("--engine", metavar="NAME", help="duckdb or spark.")]

ThreadsOption = Annotated[
    int | None, typer.Option("--threads", metavar="N", help="How many the engine uses.", show_default=False)
]

MemoryOption = Annotated[
    str | None, typer.Option("--memory", metavar="SIZE", help="How much it uses: 8GB.", show_default=False)
]
