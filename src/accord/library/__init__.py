"""The library: published contracts and measures as text. Data, with just enough code to find it.

``contracts/<name>/contract.yaml`` with its tables, readings, verification and sample beside it;
``measures/<name>.sql`` with its card ``<name>.yaml``, selects they share in ``measures/parts/``, standard
populations and standard rates in ``measures/standards/``; ``codelists/<name>.yaml`` with its rows ``<name>.csv``.
"""

from __future__ import annotations

import re
from pathlib import Path

CONTRACTS = Path(__file__).parent / "contracts"
"""The folder of the library's contracts."""

MEASURES = Path(__file__).parent / "measures"
"""The folder of the library's measures."""

CODELISTS = Path(__file__).parent / "codelists"
"""The folder of the library's code lists."""

BEHAVIOURS = Path(__file__).parent / "behaviours"
"""The folder of the library's behaviours: how people answer to money (:mod:`accord.simulation.behaviour`)."""


def contract_folder(name: str) -> Path | None:
    """The folder of a library contract; None if there is none of that name."""
    folder = CONTRACTS / name
    return folder if re.fullmatch(r"[a-z][a-z0-9_-]*", name) and (folder / "contract.yaml").is_file() else None


def contract_names() -> tuple[str, ...]:
    """The names of the library's contracts, in order."""
    return tuple(sorted(path.parent.name for path in CONTRACTS.glob("*/contract.yaml")))


def measure_names() -> tuple[str, ...]:
    """The names of the library's measures, in order."""
    return tuple(sorted(path.stem for path in MEASURES.glob("*.yaml")))


def codelist_names() -> tuple[str, ...]:
    """The names of the library's code lists, in order."""
    return tuple(sorted(path.stem for path in CODELISTS.glob("*.yaml")))
