"""What a reader gives for some files, gathered, with the balance checked: read = in rows + refused + set aside."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from accord.record.definition import table
from accord.record.source import Reader, RefusedRows, RowsRead, SetAside, SourceRows


@dataclass
class Gathered:
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    refused: list[tuple[str, int, str]] = field(default_factory=list)
    aside: Counter[tuple[str, str]] = field(default_factory=Counter)
    read: int = 0
    numberings: set[str] = field(default_factory=set)

    def of(self, name: str, *columns: str) -> list[tuple[Any, ...]]:
        """Some columns of the rows of a table."""
        return [tuple(row.get(column) for column in columns) for row in self.rows.get(name, [])]


def gather(reader: Reader, *given: Path) -> Gathered:
    found = Gathered()
    con = duckdb.connect()
    for file in reader.files(given):
        seen: set[int] = set()
        aside = refused = 0
        read = None
        for part in reader.rows(file, con):
            assert read is None, "RowsRead is given last"
            match part:
                case SourceRows():
                    rows = _rows(part.relation)
                    known = {column.name for column in table(part.table).columns}
                    known |= {"source_row", "identifier", "key", "known", "deleted", "refused", "refused_column"}
                    for row in rows:
                        assert set(row) <= known, set(row) - known
                    found.numberings.add(part.identifiers)
                    found.rows.setdefault(part.table, []).extend(rows)
                    seen |= {row["source_row"] for row in rows}
                case RefusedRows():
                    rows = _rows(part.relation)
                    refused += len(rows)
                    found.refused += [(file.label, row["source_row"], row["reason"]) for row in rows]
                case SetAside():
                    aside += part.rows
                    found.aside[part.kind, part.reason] += part.rows
                case RowsRead():
                    read = part.rows
        assert read == len(seen) + refused + aside, (file.label, read, len(seen), refused, aside)
        found.read += read
    return found


def _rows(relation: Any) -> list[dict[str, Any]]:
    data = relation if isinstance(relation, pa.Table) else relation.to_arrow_table()
    return data.to_pylist()
