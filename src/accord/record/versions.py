"""Versions: what newly read rows do to those of the record: new, unchanged, replaced, withdrawn, or in conflict.

A row is known by its key, a keyed hash of table, source and the source's own key. The record keeps every version of it,
with the days from which and until which it was known in that form. Rules, in this order:

- What became known later replaces what became known earlier, in whatever order files are loaded: a late file that is
  older than what stands fills in the past, and does not touch what stands.
- Of two files known on the same day, the one loaded later replaces; the other is kept, and was known for no day.
- A row that says what was known already is *unchanged*, and is not written again; so is a row that stands twice.
- Two rows of one file and day with the same key and other content contradict each other: the first stands, the others
  are rejected as a *conflict*.
- Where a table has one row for a person (or for another set of columns, its ``unique``), a row that says something else
  than a standing row with another key, as of another source, is rejected as a conflict too. It is reported, and can
  stand once the other is withdrawn and the row is sent again.
- A withdrawal ends what was known on its day. It is remembered, so that an older version that arrives afterwards is not
  taken for news.
- That an unchanged row was said again is remembered too, in a few bytes: a late file that says something else for the
  days before does not touch what was confirmed since.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accord.engine.database import quoted, text_literal
from accord.record.definition import Table

if TYPE_CHECKING:
    import duckdb
    import numpy as np
    from numpy.typing import NDArray

SMALL = 500_000
"""Files of fewer rows are written together with others."""

FEW = 4
"""Staged rows are few if the record holds more than so many times as many."""

LARGE = 8_000_000
"""A file that is written from several holds about this many rows at most."""

_STAGED = ("row", "part_", "place_", "file", "line", "known_from")
_OF_STAGED = ", ".join((*_STAGED, "source"))
"""What is noted of a staged row that is not kept: where it is, and what may have to be remembered of it."""

_NOWHERE = "NULL::BIGINT as part_, NULL::BIGINT as place_"


@dataclass(frozen=True, slots=True)
class Merged:
    """What became of the staged rows of a table.

    ``fates`` has, for each file, how many rows made were ``kept``, ``unchanged``, or a ``conflict``. ``replaced`` and
    ``withdrawn`` are rows of the record that ended; ``opted_out`` those that ended because their person opted out.
    """

    fates: dict[int, dict[str, int]]
    replaced: int
    withdrawn: int
    opted_out: int
    people: str
    """A select of the people of whom the table has other rows than before."""

    @property
    def changes(self) -> bool:
        """Whether the table differs from what it was."""
        kept = any(fates.get("kept") for fates in self.fates.values())
        return bool(kept or self.replaced or self.withdrawn or self.opted_out)


@dataclass(frozen=True, slots=True)
class Versions:
    """The work of bringing staged rows of one table together with the rows of the record."""

    con: duckdb.DuckDBPyConnection
    table: Table
    standing: Sequence[Path]
    staged: Sequence[Path]
    withdrawn: Sequence[Path]
    tombstones: Sequence[Path]
    """Withdrawals of earlier loads, all tables."""
    confirmed: Sequence[Path]
    """Rows that later files of earlier loads said again, all tables."""
    away: str
    """A select of the ``person`` s whose rows of this table are withdrawn."""
    known: dt.date

    def merge(self, target: Path, prefix: str) -> Merged:
        """Write the files of the table into a folder of the new generation.

        The connection has afterwards the tables ``dropped`` (row, part_, place_, file, line, known_from, source of rows
        of the view ``staged``; why; again: whether it confirms what was known before) and ``taken_back`` (file, line,
        why) of this table.
        """
        self._views()
        self._find()
        while self._resolve():
            pass
        self._opted_out()
        return self._write(target, prefix)

    def _people(self) -> str:
        if self.table.of_persons == "none":
            return "select NULL::BIGINT as person where false"
        return (
            "select person from staged anti join dropped using (part_, place_) union "
            "select person from standing semi join (select part_, place_ from ends union all "
            "select part_, place_ from revived) using (part_, place_)"
        )

    # -- what there is -------------------------------------------------------------------------------------------------

    def _views(self) -> None:
        values = ", ".join(quoted(column.name) for column in self.table.columns)
        values = values if self.table.of_persons == "none" else f"person, {values}"
        # where a row stands in its files is how it is told from every other; no column of a table ends so
        more = f"file_index::BIGINT as part_, file_row_number as place_, hash({values}) as content_"
        self._view("standing", _read(self.standing, self.table, more))
        self._view("staged", _read(self.staged, self.table, more))
        gone = {"row": "BIGINT", "source": "VARCHAR", "known_from": "DATE", "file": "BIGINT", "line": "BIGINT"}
        self._view("gone", _read_plain(self.withdrawn, gone))
        for name, files in (("tombs", self.tombstones), ("sure", self.confirmed)):
            kept = _read_plain(files, {"table": "VARCHAR", **gone})
            self._view(name, f'select * from ({kept}) where "table" = {text_literal(self.table.name)}')

    def _view(self, name: str, select: str) -> None:
        self.con.execute(f"create or replace temp view {name} as {select}")

    def _make(self, name: str, select: str) -> None:
        self.con.execute(f"create or replace temp table {name} as {select}")

    # -- which keys need a closer look ---------------------------------------------------------------------------------

    def _find(self) -> None:
        """Rows that say what is known, or that replace it, at once; and the keys whose versions must be put in order.

        Most rows are new, say what stands, or replace it later than it became known. What becomes of them is plain from
        the one version that stands; nothing of what came before has to be looked at.
        """
        con = self.con
        twice = "where false" if self._all_different() else "group by row having count(*) > 1"
        self._make("repeated", f"select row from staged {twice}")
        if self.withdrawn:
            con.execute("insert into repeated select distinct row from gone")
        if self.tombstones:
            con.execute("insert into repeated select distinct row from tombs where row in (select row from staged)")
        self._make("met", self._met())
        self._make("dropped", f"select {_OF_STAGED}, 'unchanged' as why, later as again from met where same and plain")
        self._make(
            "ends",
            "select row, stood_part as part_, stood_place as place_, known_from as until, 'replaced' as why from met "
            f"where not same and plain and {self._overtakes()}",
        )
        self._make(
            "looked_at",
            f"select row from repeated union select row from met where not plain or not (same or {self._overtakes()})",
        )
        # keys of which no version stands any longer
        if self.staged and con.execute("select count(known_until) from standing").fetchall()[0][0]:
            con.execute(
                "insert into looked_at select distinct row from staged where row in "
                "(select row from standing where known_until is not null) "
                "and row not in (select row from met) and row not in (select row from looked_at)"
            )
        con.execute("drop table met")
        self._make("revived", f"select {_NOWHERE}, NULL::DATE as since, NULL::DATE as until where false")
        self._make("excluded", "select * from dropped where false")
        self._make("staged_ends", f"select {_NOWHERE}, NULL::DATE as until where false")
        self._make("taken_back", "select NULL::BIGINT as file, NULL::BIGINT as line, '' as why where false")

    def _all_different(self) -> bool:
        """Whether no key stands twice in this load, as is usual.

        The keys are sorted, two parts at a time: a third of the work of grouping them, in the memory of two parts.
        """
        parts = 2 * (1 + sum(map(_rows, self.staged)) // LARGE)
        with ThreadPoolExecutor(2) as pool:
            for part in range(0, parts, 2):
                selects = [f"select row from staged where row % {parts} = {each}" for each in (part, part + 1)]
                if not all(pool.map(_different, [self.con.sql(each).fetchnumpy()["row"] for each in selects])):
                    return False
        return True

    def _met(self) -> str:
        """The staged rows whose key has a version that stands, each with that version.

        ``same`` says whether it says what was known already; ``later`` whether it became known later; ``plain`` that
        its key stands once in this load and was never withdrawn. Contents are compared by a hash of 64 bits of all
        values: of rows of one key only, so that two contents are taken for one once in 10 to the 19 comparisons. The
        hash is not kept, so that it need not be the same in another version of DuckDB.
        """
        select = (
            f"select {', '.join(f's.{name}' for name in _STAGED)}, s.source, e.part_ as stood_part, "
            "e.place_ as stood_place, e.known_from <= s.known_from and e.content_ = s.content_ as same, "
            "e.known_from < s.known_from as later, s.row not in (select row from repeated) as plain "
            "from staged s join standing e on e.row = s.row and e.known_until is null"
        )
        staged, standing = (sum(map(_rows, files)) for files in (self.staged, self.standing))
        if staged * FEW < standing:
            # few rows beside many: only the keys are read before it is known that any of them meets; of those of a new
            # month none may
            keys = "(select row from standing where known_until is null) semi join staged using (row)"
            standing = self._count(keys)
        return select if staged and standing else f"{select} where false"

    def _overtakes(self) -> str:
        """Whether a row of ``met`` became known after all that was said of its key."""
        latest = self.con.execute("select max(known_from) from sure").fetchall()[0][0]
        return "later" if latest is None else f"later and known_from >= DATE {text_literal(latest.isoformat())}"

    # -- versions in order ---------------------------------------------------------------------------------------------

    def _resolve(self) -> bool:
        """Put the versions of the keys in order of what was known when; say whether that met a contradiction."""
        con = self.con
        looked = "row in (select row from looked_at)"
        # a version that was known for no day says nothing about any
        seen = f"{looked} and (known_until is null or known_until > known_from)"
        self._make(
            "claims",
            f"""select {_OF_STAGED}, content_, row_number() over one as nth,
                  first_value(content_) over one as first_content
                from staged where {looked} and (part_, place_) not in (select (part_, place_) from excluded)
                window one as (partition by row, known_from, file order by line, part_, place_)""",
        )
        # what happened to a key: a version begins, or what was known ends; of the record (class 0), of this load (1)
        self._make(
            "events",
            f"""with every as (
                  select row, known_from as k, 0 as class, 1 as turn, file, line, part_, place_, content_,
                    false as ends, false as again, known_until
                  from standing where {seen}
                  union all
                  select row, known_until, 0, 0, file, line, NULL, NULL, NULL, true, false, NULL
                  from standing where {seen} and known_until is not null
                  union all
                  select row, known_from, 0, 0, file, line, NULL, NULL, NULL, true, false, NULL
                  from tombs where {looked}
                  union all
                  select c.row, c.known_from, 0, 2, c.file, c.line, s.part_, s.place_, s.content_, false, true, NULL
                  from sure c join standing s on s.row = c.row and s.known_from <= c.known_from
                    and (s.known_until is null or s.known_until > c.known_from)
                  where c.row in (select row from looked_at)
                  union all
                  select row, known_from, 1, 0, file, line, part_, place_, content_, false, false, NULL
                  from claims where nth = 1
                  union all
                  select row, known_from, 1, 0, file, line, NULL, NULL, NULL, true, false, NULL from gone
                )
                select *, coalesce(lag(ends) over one, true) as after_end, lag(content_) over one as before,
                  lag(k) over one as before_k
                from every window one as (partition by row order by k, class, turn, file, line, place_)""",
        )
        # what this load says and what was known already
        same = "not ends and not after_end and before = content_"
        of_claims = ", ".join(f"c.{name}" for name in (*_STAGED, "source"))
        idle = f"((class = 1 and ends and after_end) or ((class = 1 or again) and {same}))"
        self._make(
            "ordered",
            f"""select *, lead(k) over one as until, lead(ends) over one as by_end
                from events where not coalesce({idle}, false)
                window one as (partition by row order by k, class, turn, file, line, place_)""",
        )
        con.execute("delete from dropped where row in (select row from looked_at)")
        con.execute(
            f"""insert into dropped
                select * from excluded
                union all
                select {_OF_STAGED}, case when content_ = first_content then 'unchanged' else 'conflict' end, false
                from claims where nth > 1
                union all
                select {of_claims}, 'unchanged', e.again from claims c join
                (select part_, place_, k > before_k as again from events where class = 1 and {same}) e
                using (part_, place_)"""
        )
        con.execute("delete from revived")
        con.execute("insert into revived select part_, place_, k, until from ordered where again")
        con.execute("delete from ends where row in (select row from looked_at)")
        con.execute(
            "insert into ends select row, part_, place_, until, case when by_end then 'withdrawn' else 'replaced' end "
            "from ordered where class = 0 and not ends and not again and until is distinct from known_until"
        )
        con.execute("delete from staged_ends")
        con.execute(
            "insert into staged_ends select part_, place_, until from ordered "
            "where class = 1 and not ends and until is not null"
        )
        con.execute("delete from taken_back")
        con.execute(
            "insert into taken_back select file, line, case when after_end then 'unchanged' else 'kept' end "
            "from events where class = 1 and ends"
        )
        return self._contradicted()

    def _contradicted(self) -> bool:
        """Exclude rows that contradict a standing row with another key; say whether there were any."""
        if self.table.unique == ("row",) or not self.staged:
            return False
        unique = ", ".join(quoted(name) for name in self.table.unique)
        before = self._count("excluded")
        self.con.execute(
            f"""insert into excluded
                with candidates as (
                  select {unique}, 0 as class, {_OF_STAGED}, content_ from standing
                  where known_until is null and (part_, place_) not in (select (part_, place_) from ends)
                  union all
                  select {unique}, 1, {_OF_STAGED}, content_ from staged
                  where (part_, place_) not in (select (part_, place_) from dropped)
                    and (part_, place_) not in (select (part_, place_) from staged_ends)
                ), ranked as (
                  select *, row_number() over one as nth, first_value(content_) over one as first_content
                  from candidates window one as (partition by {unique} order by class, file, line, part_, place_)
                )
                select {_OF_STAGED}, case when content_ = first_content then 'unchanged' else 'conflict' end, false
                from ranked where nth > 1 and class = 1"""
        )
        if self._count("excluded") == before:
            return False
        self.con.execute(
            "insert into looked_at select distinct row from excluded where row not in (select row from looked_at)"
        )
        return True

    def _opted_out(self) -> None:
        """End the rows of people who have opted out, on the day on which that became known."""
        if self.table.of_persons == "none" or not self.standing:
            return
        day = f"DATE {text_literal(self.known.isoformat())}"
        self.con.execute(
            f"""insert into ends select row, part_, place_, greatest(known_from, {day}), 'opted out' from standing
                where known_until is null and person in ({self.away})
                  and (part_, place_) not in (select (part_, place_) from ends)"""
        )

    # -- the files of the new generation -------------------------------------------------------------------------------

    def _write(self, target: Path, prefix: str) -> Merged:
        target.mkdir(parents=True, exist_ok=True)
        ended = dict(self.con.execute("select why, count(*) from ends group by 1").fetchall())
        self._write_standing(target)
        self._write_revived(target / f"{prefix}-confirmed.parquet")
        self._write_staged(target, prefix)
        fates = self._fates()
        self._gather_small(target, prefix)
        replaced, withdrawn, opted_out = (ended.get(why, 0) for why in ("replaced", "withdrawn", "opted out"))
        return Merged(fates, replaced, withdrawn, opted_out, self._people())

    def _write_standing(self, target: Path) -> None:
        touched = {nth for (nth,) in self.con.execute("select distinct part_ from ends").fetchall()}
        for nth, file in enumerate(self.standing):
            if nth not in touched:
                os.link(file, target / file.name)
                continue
            listed = ", ".join(
                "coalesce(n.until, e.known_until) as known_until"
                if column.name == "known_until"
                else f"e.{quoted(column.name)}"
                for column in self.table.all_columns
            )
            self._copy(
                f"select {listed} from (select *, file_row_number as place_ from {_parquet([file])}) e "
                f"left join (select place_, until from ends where part_ = {nth}) n on n.place_ = e.place_",
                target / file.name,
            )

    def _write_revived(self, file: Path) -> None:
        """Versions that a late file interrupts, and that a file after it had confirmed, stand again from that day."""
        if not self._count("revived"):
            return
        days = {"known_from": "n.since as known_from", "known_until": "n.until as known_until"}
        listed = ", ".join(days.get(column.name, f"e.{quoted(column.name)}") for column in self.table.all_columns)
        self._copy(f"select {listed} from standing e join revived n using (part_, place_)", file)

    def _write_staged(self, target: Path, prefix: str) -> None:
        touched = {
            nth
            for (nth,) in self.con.execute("select part_ from dropped union select part_ from staged_ends").fetchall()
        }
        number = 0
        together: list[list[int]] = []
        held = LARGE
        for nth, file in enumerate(self.staged):
            rows = _rows(file)
            if nth not in touched and rows >= SMALL:
                os.link(file, target / f"{prefix}-{number:06}.parquet")
                number += 1
            elif rows:
                if held + rows > LARGE:
                    together.append([])
                    held = 0
                together[-1].append(nth)
                held += rows
        for parts in together:
            file = target / f"{prefix}-{number:06}.parquet"
            if touched.isdisjoint(parts) and len(parts) == 1:
                os.link(self.staged[parts[0]], file)
            else:
                self._copy(self._left(parts), file)
            number += 1
            if not _rows(file):
                file.unlink()

    def _left(self, parts: Sequence[int]) -> str:
        """The staged rows of some files without those that were dropped, with the days on which they end."""
        ended = bool(self._count("staged_ends"))
        listed = ", ".join(
            "n.until as known_until" if column.name == "known_until" and ended else f"s.{quoted(column.name)}"
            for column in self.table.all_columns
        )
        # the numbers of the files are those of the whole list, so all are named, and the others are not read
        joined = "left join staged_ends n on n.part_ = s.part_ and n.place_ = s.place_ " if ended else ""
        return (
            f"select {listed} from (select * from staged where part_ in ({', '.join(map(str, parts))})) s "
            f"{joined}anti join dropped d on d.part_ = s.part_ and d.place_ = s.place_"
        )

    def _gather_small(self, target: Path, prefix: str) -> None:
        """Write small files together once there are many: reading a table is slow in a thousand pieces."""
        small = [file for file in sorted(target.glob("*.parquet")) if _rows(file) < SMALL]
        if len(small) > 16:
            self._copy(f"select * from {_parquet(small)}", target / f"{prefix}-gathered.parquet")
            for file in small:
                file.unlink()

    def _fates(self) -> dict[int, dict[str, int]]:
        fates: dict[int, dict[str, int]] = {}
        for file, rows in self.con.execute("select file, count(*) from staged group by 1").fetchall():
            fates[file] = {"kept": rows}
        left_out = "select file, why, count(*) from dropped group by all"
        for file, why, rows in self.con.execute(left_out).fetchall():
            fates[file]["kept"] -= rows
            fates[file][why] = fates[file].get(why, 0) + rows
        for file, why, rows in self.con.execute("select file, why, count(*) from taken_back group by all").fetchall():
            counted = fates.setdefault(file, {"kept": 0})
            counted[why] = counted.get(why, 0) + rows
        return fates

    def _copy(self, select: str, file: Path) -> None:
        self.con.execute(
            f"copy ({select}) to {text_literal(str(file))} (format parquet, compression zstd, compression_level 1)"
        )

    def _count(self, name: str) -> int:
        return int(self.con.execute(f"select count(*) from {name}").fetchall()[0][0])


def _different(keys: NDArray[np.int64]) -> bool:
    """Whether no number stands twice among these, which are sorted by it."""
    keys.sort()
    return not bool((keys[1:] == keys[:-1]).any())


def _rows(file: Path) -> int:
    import pyarrow.parquet as pq

    return pq.read_metadata(file).num_rows


def _read(files: Sequence[Path], table: Table, more: str) -> str:
    if files:
        return f"select *, {more} from {_parquet(files)}"
    from accord.record.admitting import sql_type

    nothing = ", ".join(f"NULL::{sql_type(column)} as {quoted(column.name)}" for column in table.all_columns)
    nowhere = "NULL::BIGINT as part_, NULL::BIGINT as place_, NULL::UBIGINT as content_"
    return f"select {nothing}, {nowhere} where false"


def _read_plain(files: Sequence[Path], columns: Mapping[str, str]) -> str:
    if files:
        return f"select * from {_parquet(files)}"
    nothing = ", ".join(f"NULL::{kind} as {quoted(name)}" for name, kind in columns.items())
    return f"select {nothing} where false"


def _parquet(files: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(text_literal(str(file)) for file in files)}])"
