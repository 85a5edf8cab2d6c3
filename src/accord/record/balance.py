"""The balance of a load: every row that was read is kept, unchanged, rejected or set aside, and is counted once.

A row of a file may make rows in several tables, with different fates. It is counted as rejected if anything of it was
rejected; otherwise as set aside if anything of it was; otherwise as kept if anything of it is new; otherwise as
unchanged.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.engine.database import text_literal
from accord.record import definition
from accord.record.optout import KINDS, REASONS

if TYPE_CHECKING:
    import duckdb

    from accord.record.source import SourceFile
    from accord.record.versions import Merged


@dataclass(frozen=True, slots=True)
class TableCount:
    """What became of the rows that a file made for one table."""

    made: int
    kept: int
    unchanged: int
    rejected: int
    set_aside: int

    def balances(self) -> bool:
        """Whether every row is accounted for."""
        return self.made == self.kept + self.unchanged + self.rejected + self.set_aside


@dataclass(frozen=True, slots=True)
class FileLoaded:
    """What became of the rows of a file. ``set_aside`` has the reasons; ``loaded_before`` says it was not read."""

    number: int
    label: str
    source: str
    kind: str
    sha256: str
    rows: int
    kept: int
    unchanged: int
    rejected: int
    set_aside: Mapping[str, int]
    tables: Mapping[str, TableCount]
    loaded_before: bool = False

    def balances(self) -> bool:
        """Whether every row is accounted for, in all and for every table."""
        counted = self.kept + self.unchanged + self.rejected + sum(self.set_aside.values())
        return self.rows == counted and all(each.balances() for each in self.tables.values())


_RANKS = ("rejected", "set_aside", "kept", "unchanged")


class Balance:
    """What was read into the batches of a load, and what became of it."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, batches: Sequence[Path], files: Mapping[int, SourceFile]
    ) -> None:
        self._con, self._batches, self._files = con, batches, files
        self._counts: dict[int, dict[str, Any]] = {}
        for batch in batches:
            done = json.loads((batch / "done.json").read_text("utf-8"))
            self._counts.update({int(number): counts for number, counts in done.items()})
        self._fates: dict[tuple[int, str], dict[str, int]] = {}
        # a file whose rows make one row each of one table is counted by those; the others row by row
        self._mixed = {
            number
            for number, counts in self._counts.items()
            if len(counts["tables"]) > 1
            or sum(each["made"] for each in counts["tables"].values()) != self._mapped(counts)
        }
        con.execute("create or replace temp table fates (file BIGINT, line BIGINT, rank INTEGER, kind VARCHAR)")
        con.execute(
            'create or replace temp table conflicts (file BIGINT, line BIGINT, "table" VARCHAR, "column" VARCHAR, '
            'reason VARCHAR, "value" VARCHAR)'
        )

    @staticmethod
    def _mapped(counts: Mapping[str, Any]) -> int:
        return counts["rows"] - counts["unreadable"] - sum(counts["set_aside"].values())

    def staged(self, table: str) -> list[Path]:
        """The files with the rows that were read for a table and may stand, in the order in which they were read."""
        return self._found(table, "rows.parquet")

    def withdrawn(self, table: str) -> list[Path]:
        """The files with the withdrawals that were read for a table."""
        return self._found(table, "withdrawn.parquet")

    def _found(self, table: str, name: str) -> list[Path]:
        return [
            folder / name
            for batch in self._batches
            for folder in sorted(batch.iterdir())
            if folder.name.partition("-")[2] == table and (folder / name).exists()
        ]

    def all_withdrawn(self) -> str:
        """A select of all withdrawals, each with its table; empty text if there are none."""
        selects = [
            f'select {text_literal(name)} as "table", * from {_parquet(files)}'
            for name in definition.NAMES
            if (files := self.withdrawn(name))
        ]
        return " union all ".join(selects)

    def rejects(self) -> str:
        """A select of every reason why a row was rejected; empty text if there are none."""
        files = [file for batch in self._batches for file in sorted(batch.glob("*/rejects.parquet"))]
        selects = [f"select * from {_parquet(files)}"] if files else []
        if self._con.execute("select count(*) from conflicts").fetchall()[0][0]:
            selects.append("select * from conflicts")
        return " union all ".join(selects)

    def reasons(self) -> dict[str, int]:
        """Why rows were rejected, most frequent first."""
        rejects = self.rejects()
        if not rejects:
            return {}
        found = self._con.execute(
            f"""select concat_ws('.', nullif("table", ''), nullif("column", '')) as place, reason, count(*) as times
                from ({rejects}) group by all order by times desc, place, reason"""
        ).fetchall()
        return {f"{place}: {reason}" if place else reason: times for place, reason, times in found}

    def add(self, table: str, merged: Merged) -> None:
        """Note what became of a table's rows; to be called while the merge's tables are there."""
        con = self._con
        for file, fates in merged.fates.items():
            self._fates[file, table] = fates
        described = definition.table(table)
        unique = [name for name in described.unique if name != "row"]
        what = text_literal(
            f"contradicts another row with the same key, or another row about the same {' and '.join(unique)}"
            if unique
            else "contradicts another row of the file with the same key"
        )
        con.execute(
            f"""insert into conflicts
                select file, line, {text_literal(table)}, {text_literal(", ".join(unique) or "key")}, {what}, NULL
                from dropped where why = 'conflict'"""
        )
        mixed = ", ".join(map(str, sorted(self._mixed))) or "NULL"
        con.execute(
            f"""insert into fates
                select s.file, s.line, case when d.why is null then 2 when d.why = 'conflict' then 0 else 3 end, NULL
                from staged s left join dropped d using (part_, place_) where s.file in ({mixed})
                union all
                select file, line, case when why = 'kept' then 2 else 3 end, NULL
                from taken_back where file in ({mixed})"""
        )

    def strike(self, digests: Mapping[Path, str]) -> tuple[FileLoaded, ...]:
        """What became of every file.

        Raises:
            AssertionError: a row is not accounted for, or twice: a fault of Accord or of a reader.
        """
        by_row = self._by_row()
        struck: list[FileLoaded] = []
        for number, file in sorted(self._files.items()):
            counts = self._counts[number]
            tables = {name: self._table(number, name, each) for name, each in counts["tables"].items()}
            aside = dict(counts["set_aside"])
            if number in self._mixed:
                fates = by_row.get(number, {})
                away = {kind: fates.get(kind, 0) for kind in KINDS}
            else:
                fates = {
                    name: sum(getattr(each, name) for each in tables.values())
                    for name in ("kept", "unchanged", "rejected")
                }
                away = {kind: sum(each.get(kind, 0) for each in counts["tables"].values()) for kind in KINDS}
            aside |= {REASONS[kind]: away[kind] for kind in KINDS if away[kind]}
            rejected = fates.get("rejected", 0) + counts["unreadable"]
            kept, unchanged = fates.get("kept", 0), fates.get("unchanged", 0)
            loaded = FileLoaded(
                number, file.label, file.source, file.kind, digests[file.path], counts["rows"], kept, unchanged,
                rejected, aside, tables,
            )  # fmt: skip
            if not loaded.balances():
                accounted = kept + unchanged + rejected + sum(aside.values())
                raise AssertionError(
                    f"{file.label}: {counts['rows']} rows were read, and {accounted} are accounted for"
                )
            struck.append(loaded)
        return tuple(struck)

    def _table(self, number: int, name: str, counts: Mapping[str, int]) -> TableCount:
        fates = self._fates.get((number, name), {})
        away = sum(counts.get(kind, 0) for kind in KINDS)
        rejected = counts["rejected"] + fates.get("conflict", 0)
        return TableCount(counts["made"], fates.get("kept", 0), fates.get("unchanged", 0), rejected, away)

    def _by_row(self) -> dict[int, dict[str, int]]:
        """For files whose rows made several rows: how many rows of the file had which fate."""
        if not self._mixed:
            return {}
        mixed = ", ".join(map(str, sorted(self._mixed)))
        selects = ["select file, line, rank, kind from fates"]
        rejects = [file for batch in self._batches for file in sorted(batch.glob("*/rejects.parquet"))]
        # rows of unknown table are counted by themselves
        rejects = [file for file in rejects if not file.parent.name.endswith("-unreadable")]
        if rejects:
            selects.append(f"select file, line, 0, NULL from {_parquet(rejects)} where file in ({mixed})")
        away = [file for batch in self._batches for file in sorted(batch.glob("*/away.parquet"))]
        if away:
            selects.append(f"select file, line, 1, away from {_parquet(away)} where file in ({mixed})")
        found = self._con.execute(
            f"""select file, rank, kind, count(*) from (
                  select file, line, min(rank) as rank, case when min(rank) = 1 then min(kind) end as kind
                  from ({" union all ".join(selects)}) group by file, line
                ) group by all"""
        ).fetchall()
        counted: dict[int, dict[str, int]] = {}
        for file, rank, kind, rows in found:
            counted.setdefault(file, {})[kind or _RANKS[rank]] = rows
        return counted


def _parquet(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(text_literal(str(file)) for file in files)}])"
