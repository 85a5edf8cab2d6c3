"""Small records and measures for the tests, written as tables."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from accord.record.definition import table
from accord.record.record import Record, write_record

CARD: dict[str, Any] = {
    "measure": "falls",
    "version": "1",
    "title": "Falls",
    "why": "A test of the frame.",
    "reference": {"authority": "nobody", "status": "assumed"},
    "kind": "rate",
    "better": "lower",
    "unit": "attendances",
    "per": "1000 people",
    "population": {"who": "registered", "count": "people on the first day"},
    "numerator": "Attendances.",
    "denominator": "People registered on the first day.",
    "interval": "dobson_byar",
    "permits": "all",
    "round": "0.1",
    "suppress": "counts",
    "author": "a test",
    "checker": "nobody",
    "reviewed": "2026-01-01",
    "next_review": "2027-01-01",
    "status": "assumed",
}
SELECT = 'select person, day, 1 as numerator, "row" as event from attendances'


def yaml(value: Mapping[str, Any]) -> str:
    """A mapping as YAML: JSON is YAML too, one entry a line so that places can be read."""
    import json

    return "".join(
        f"{name}: {json.dumps(each) if not isinstance(each, str) else each}\n" for name, each in value.items()
    )


def card(**changes: Any) -> dict[str, Any]:
    """The card above with some entries changed; None takes one out."""
    return {name: value for name, value in {**CARD, **changes}.items() if value is not None}


def ratio(**changes: Any) -> dict[str, Any]:
    """A card of a share."""
    return card(
        **{
            "kind": "ratio",
            "per": "100",
            "population": {"who": "registered"},
            "interval": "wilson",
            "denominator": "All.",
            **changes,
        }
    )


def write_measure(
    folder: Path, written: Mapping[str, Any], select: str = SELECT, lists: Mapping[str, tuple[str, str]] | None = None
) -> Path:
    """Write a measure's files; the path of its select. ``lists`` are heads and rows by name."""
    folder.mkdir(parents=True, exist_ok=True)
    name = written["measure"]
    (folder / f"{name}.yaml").write_text(yaml(written), "utf-8")
    (folder / f"{name}.sql").write_text(select, "utf-8")
    for each, (head, rows) in (lists or {}).items():
        (folder / "codelists").mkdir(exist_ok=True)
        (folder / "codelists" / f"{each}.yaml").write_text(head, "utf-8")
        (folder / "codelists" / f"{each}.csv").write_text(rows, "utf-8")
    return folder / f"{name}.sql"


def day(text: str | None) -> dt.date | None:
    """``2025-04-01``."""
    return dt.date.fromisoformat(text) if text else None


def rows(name: str, columns: str, *lines: str) -> pa.Table:
    """A table of the record, written as text: columns and values with ``|`` between, nothing for missing."""
    definition = table(name)
    names = [each.strip() for each in columns.split("|")]
    values: dict[str, list[Any]] = {each: [] for each in names}
    for line in lines:
        for each, cell in zip(names, line.split("|"), strict=True):
            column = definition.column(each)
            assert column is not None, each
            text = cell.strip()
            value: Any = text or None
            if value is not None:
                if column.type == "day":
                    value = dt.date.fromisoformat(text)
                elif column.type in ("person", "key", "count", "pence"):
                    value = int(text)
                elif column.type == "flag":
                    value = text == "yes"
                elif column.type == "number":
                    from decimal import Decimal

                    value = Decimal(text)
            values[each].append(value)
    schema = definition.schema()
    return pa.table({each: pa.array(values[each], schema.field(each).type) for each in names})


def made(folder: Path, *tables: tuple[str, pa.Table] | pa.Table, **named: pa.Table) -> Record:
    """A record of tables."""
    return write_record(folder, dict(named))


PLACE: Sequence[str] = (
    "N1 | network | B1",
    "N2 | network | B1",
    "P1 | practice | N1",
    "P2 | practice | N1",
    "P3 | practice | N2",
    "B1 | board | ",
)
"""Organisations: three practices in two networks of one board."""


def organisations() -> pa.Table:
    """The table of :data:`PLACE`."""
    return rows("organisations", "code | kind | within", *PLACE)
