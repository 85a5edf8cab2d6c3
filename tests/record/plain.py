"""Records for tests from plain tables: what is not said is missing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from accord.record.definition import table
from accord.record.record import Record, write_record


def rows_of(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as dictionaries (days as ``2026-04-01``), as a table of the record."""
    named = {column for row in rows for column in row}
    schema = pa.schema([field for field in table(name).schema() if field.name in named])
    days = {field.name for field in schema if field.type == pa.date32()}
    made = [
        {
            each: dt.date.fromisoformat(value) if each in days and isinstance(value, str) else value
            for each, value in row.items()
        }
        for row in rows
    ]
    return pa.Table.from_pylist(made, schema=schema)


def record_of(folder: Path, **tables: Sequence[Mapping[str, Any]]) -> Record:
    """A record with these tables."""
    return write_record(folder, {name: rows_of(name, rows) for name, rows in tables.items() if rows})
