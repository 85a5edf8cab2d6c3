"""Figures of a record at the terminal: exact ones stay inside the boundary, released ones may leave it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, cast

from accord.language.place import Place
from accord.language.problem import Problem

if TYPE_CHECKING:
    from accord.record.engines import EngineKind

MOST_LINES = 60
"""Rows that are printed; --out writes them all."""

INSIDE = "inside the boundary: exact figures, small counts among them; do not pass this on"
RELEASED = (
    "released figures: * is a count of 1 to 7 or one that would give one away; counts are rounded to the nearest 5"
)
ENTERED = "entered into the register of the record: later releases are checked against this one"
SEEN = "seen, not released: --released --out FILE writes them and enters them into the record's register"


def engine_named(text: str) -> EngineKind:
    """The engine of that name.

    Raises:
        Usage: there is none.
    """
    from accord.settlement.calls import usage

    if text not in ("duckdb", "spark"):
        raise usage("--engine", f"there is no engine {text}", "duckdb or spark")
    return cast("EngineKind", text)


def day_of(option: str, text: str) -> dt.date:
    """The day that an option names.

    Raises:
        Usage: it is none.
    """
    from accord.settlement.calls import usage

    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise usage(option, f"{text} is not a day", "write it as 2026-04-01") from None


def writable(out: Path | None) -> None:
    """See, before anything is computed, that the folder of a file to be written is there.

    Raises:
        NotFound: it is not.
    """
    from accord.settlement.run import NotFound

    if out is not None and not out.parent.is_dir():
        fix = "make the folder first, or name another file"
        raise NotFound(Problem(Place(str(out), 0, 0), f"there is no folder {out.parent} to write into", fix))


def releasable(released: bool, inside: bool, out: Path | None) -> None:
    """See that released figures are asked for in a way that they can be given.

    Raises:
        Usage: they are to be printed, or are to be exact as well.
    """
    from accord.settlement.calls import usage

    if released and (inside or out is None):
        raise usage("--released", "released figures are written to a file", "add --out FILE, and leave --inside out")
