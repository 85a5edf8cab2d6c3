"""Compiled: loops as machine code, made once and kept for the next process.

Compiled code has the constants of other modules inside (which streams there are, how ages are grouped), but numba looks
at the file of the function alone. So what is kept stands in a folder named after all that is inside: whoever has a new
version never meets the code of an old one.
"""

# numba makes its settings while it runs
# pyright: reportAttributeAccessIssue=false, reportPrivateImportUsage=false

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numba as nb

HERE = Path(__file__).parent

INSIDE = ("draws", "model", "people", "results", "spells", "tables")
"""Modules whose constants and functions are inside the compiled code of others."""


def compiled(**options: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """A decorator: ``numba.njit`` with these options, and what it makes is kept (see :func:`kept`)."""

    def made(function: Callable[..., Any]) -> Callable[..., Any]:
        folder = kept()
        if folder is None:
            return nb.njit(**options)(function)
        usual = nb.config.CACHE_DIR
        nb.config.CACHE_DIR = str(folder)  # numba looks at it once, when a function is decorated
        try:
            return nb.njit(cache=True, **options)(function)
        finally:
            nb.config.CACHE_DIR = usual

    return made


@cache
def kept() -> Path | None:
    """The folder in which compiled code is kept; None where nothing may be written: then each process compiles.

    ``NUMBA_CACHE_DIR`` if it is set; otherwise beside the code, and for an installation that its user may not write
    to, in the user's own cache.
    """
    digest = sha256(b"".join((HERE / f"{name}.py").read_bytes() for name in INSIDE)).hexdigest()[:16]
    own = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA") or os.path.expanduser("~/.cache")
    given = nb.config.CACHE_DIR
    for place in (Path(given),) if given else (HERE / "__pycache__", Path(own) / "accord"):
        folder = place / f"compiled-{digest}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        return folder
    return None
