"""The library: published contracts and measures as text. Data, with just enough code to find it.

``contracts/<name>/contract.yaml`` with its tables, readings, verification and sample beside it.
"""

from __future__ import annotations

import re
from pathlib import Path

CONTRACTS = Path(__file__).parent / "contracts"
"""The folder of the library's contracts."""


def contract_folder(name: str) -> Path | None:
    """The folder of a library contract; None if there is none of that name."""
    folder = CONTRACTS / name
    return folder if re.fullmatch(r"[a-z][a-z0-9_-]*", name) and (folder / "contract.yaml").is_file() else None


def contract_names() -> tuple[str, ...]:
    """The names of the library's contracts, in order."""
    return tuple(sorted(path.parent.name for path in CONTRACTS.glob("*/contract.yaml")))
