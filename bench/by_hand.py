"""The measures of the library as an analyst would write them: one DuckDB query each (``measures_by_hand/NAME.sql``).

Each query stands for itself: it reads the record's Parquet files (``{record}``) and the library's code lists
(``{lists}``), shares nothing with the others, and gives organisation, first day of the month, numerator and denominator
for April 2025 to March 2026.
"""

from __future__ import annotations

from pathlib import Path

from accord.library import CODELISTS

FOLDER = Path(__file__).with_name("measures_by_hand")

NAMES = tuple(sorted(path.stem for path in FOLDER.glob("*.sql")))
"""The measures that are written by hand."""


def query(name: str, generation: Path) -> str:
    """The query of a measure over the Parquet files in a folder."""
    text = (FOLDER / f"{name}.sql").read_text("utf-8")
    return text.replace("{record}", str(generation)).replace("{lists}", str(CODELISTS))
