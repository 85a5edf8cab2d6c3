"""Staging: the files of a load are read in batches into a folder beside the record; a finished batch says so.

A batch is a file, or small files of one source together. What the reader gives of it for a table is admitted
(:mod:`accord.record.admitting`) and written into the batch's folder; identifiers get their pseudonyms before that, and
are in memory only. ``done.json`` is written last, with what was counted: a process that is killed is resumed without
reading finished batches again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.engine.database import quoted, text_literal
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record import definition
from accord.record.admitting import Admission, Admitted
from accord.record.optout import KINDS
from accord.record.pseudonym import KeyChain, KeyRefused, bound_person_secrets, person_expressions, plain_expression
from accord.record.source import NHS, Reader, RefusedRows, RowsRead, SetAside, SourceFile, SourceRows

if TYPE_CHECKING:
    import duckdb

SMALL_FILE = 4_000_000
"""Files of less weight, in bytes, are read together."""

BATCH = 32_000_000
"""The weight of small files that are read together."""

WORDY = 8
"""So many bytes of JSON weigh as much as one of other files: it says the name of everything each time."""


@dataclass(slots=True)
class Batch:
    """Files that are read together, each with its number, and the folder where what was read is kept meanwhile.

    ``size`` is in bytes; ``weight`` is what counts of it.
    """

    folder: Path
    files: list[tuple[int, SourceFile]]
    size: int
    weight: float

    @property
    def open(self) -> bool:
        """Whether other small files may join: a file that is not small is read by itself."""
        return len(self.files) > 1 or self.weight < SMALL_FILE

    def finished(self) -> bool:
        """Whether these files were read before the process that read them ended."""
        try:
            done = json.loads((self.folder / "done.json").read_text("utf-8"))
        except (OSError, ValueError):
            return False
        return {int(number) for number in done} == {number for number, _ in self.files}


@dataclass(slots=True)
class _Counts:
    """What reading a file counted: written to the batch when it is finished."""

    rows: int = 0
    unreadable: int = 0
    set_aside: dict[str, int] = field(default_factory=dict)
    tables: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, table: str, admitted: Admitted, file: int) -> None:
        counts = self.tables.setdefault(table, {"made": 0, "rejected": 0, "parts": 0})
        counts["made"] += admitted.given.get(file, 0)
        counts["rejected"] += admitted.refused.get(file, 0)
        counts["parts"] += 1
        for (each, kind), rows in admitted.away.items():
            if each == file:
                counts[kind] = counts.get(kind, 0) + rows


def batches_of(numbered: Sequence[tuple[int, SourceFile]], staging: Path) -> list[Batch]:
    """The files of a load in batches, in order: small ones of one source together, each other by itself."""
    batches: list[Batch] = []
    for number, file in numbered:
        size = file.path.stat().st_size
        last = batches[-1] if batches else None
        weight = size / (WORDY if file.path.suffix.lower() == ".json" else 1)
        if (
            last
            and weight < SMALL_FILE
            and last.open
            and last.weight + weight <= BATCH
            and last.files[-1][1].source == file.source
        ):
            last.files.append((number, file))
            last.size += size
            last.weight += weight
        else:
            folder = staging / f"batch-{number:06}"
            batches.append(Batch(folder, [(number, file)], size, weight))
    return batches


@dataclass(frozen=True, slots=True)
class Staging:
    """How the files of one load are read. The connection has the table ``opted_out`` (person, kind)."""

    con: duckdb.DuckDBPyConnection
    reader: Reader
    keys: KeyChain
    known: dt.date
    day: dt.date
    stamps: Mapping[Path, tuple[int, int]]
    """What :func:`stamp` said of each file when its content was hashed."""
    label: str
    """What the record is called in messages."""
    people: Sequence[Path]
    """The files of the people whom the record knows already."""

    def read(self, batch: Batch) -> None:
        """Read the files of a batch into its folder; its ``done.json`` is written last."""
        shutil.rmtree(batch.folder, ignore_errors=True)
        batch.folder.mkdir()
        counts = {number: _Counts() for number, _ in batch.files}
        together = len(batch.files) > 1
        gathered: dict[tuple[str, str], list[Any]] = {}
        unreadable: list[Any] = []
        part = 0
        for number, file in batch.files:
            with _faults_of(file):
                for piece in self.reader.rows(file, self.con):
                    match piece:
                        case RowsRead(rows):
                            counts[number].rows += rows
                        case SetAside(kind, reason, rows):
                            words = f"{kind}: {reason}" if kind else reason
                            counts[number].set_aside[words] = counts[number].set_aside.get(words, 0) + rows
                        case RefusedRows(relation):
                            unreadable.append(_numbered(_arrow(relation), number))
                        case SourceRows(table, relation, identifiers) if together:
                            gathered.setdefault((table, identifiers), []).append(_numbered(_arrow(relation), number))
                        case SourceRows(table, relation, identifiers):
                            part += 1
                            _incoming(self.con, relation, number)
                            self._admit(batch, part, table, identifiers, file.source, counts)
        for (table, identifiers), tables in gathered.items():
            with _faults_of(batch.files[0][1]):
                part += 1
                _incoming(self.con, _concatenated(tables), None)
                self._admit(batch, part, table, identifiers, batch.files[0][1].source, counts)
        if unreadable:
            self._unreadable(batch, _concatenated(unreadable), counts)
        for _, file in batch.files:
            if stamp(file.path) != self.stamps[file.path]:
                problem = Problem(Place(file.label, 0, 0), "this file changed while it was read", "load it again")
                raise DataRefused(problem)
        write_json(batch.folder / "done.json", {number: asdict(count) for number, count in counts.items()})

    def _admit(
        self, batch: Batch, part: int, table: str, numbering: str, source: str, counts: Mapping[int, _Counts]
    ) -> None:
        described = definition.table(table)
        if described.derived:
            raise AssertionError(f"a reader gave rows for {table}, which is made from {described.derived}")
        target = batch.folder / f"{part:06}-{table}"
        target.mkdir()
        admission = Admission(described, source, self.known, self.day, self.keys, numbering == NHS, self.people)
        self.con.execute(
            "create or replace temp table identifiers_seen as "
            "select accord_file, identifier, count(*) as rows from incoming group by all"
        )
        if described.of_persons != "none":
            self._identify(numbering)
        admitted = admission.admit(self.con, "incoming", target)
        for number, count in counts.items():
            if number in admitted.given:
                count.add(table, admitted, number)

    def _identify(self, numbering: str) -> None:
        """Give every identifier that is new in this load its pseudonym. The table is in memory alone."""
        name = quoted(f"identifiers of {numbering}")
        self.con.execute(
            f"create temp table if not exists {name} (identifier VARCHAR, person BIGINT, rooted BIGINT, away VARCHAR)"
        )
        self.con.execute(f"create or replace temp view identifiers as select * from {name}")
        before = self.con.execute(f"select count(*) from {name}").fetchall()[0][0]
        rooted, person = person_expressions("plain", numbering, bound_person_secrets(self.con, self.keys))
        kinds = " ".join(f"when {text_literal(kind)} then {order}" for order, kind in enumerate(KINDS))
        self.con.execute(
            f"""insert into {name}
                select identifier, person, rooted, o.away from (
                  select identifier, {person if len(self.keys) > 1 else "rooted"} as person, rooted from (
                    select identifier, plain, {rooted} as rooted from (
                      select distinct identifier, {plain_expression("identifier")} as plain
                      from identifiers_seen anti join {name} using (identifier) where identifier is not null
                    )
                  )
                ) left join (
                  select person, min_by(kind, case kind {kinds} end) as away from opted_out group by person
                ) o using (person)"""
        )
        if self.con.execute(f"select count(*) from {name}").fetchall()[0][0] > before:
            self._collisions(name)

    def _collisions(self, name: str) -> None:
        """Two people with one pseudonym would become one: it has never happened, and must not pass unseen."""
        plain = "replace(trim(identifier), ' ', '')"
        found = self.con.execute(
            f"select count(*) from (select person from {name} where person is not null "
            f"group by person having count(*) > 1 and count(distinct {plain}) > 1)"
        ).fetchall()[0][0]
        if found:
            problem = Problem(
                Place(self.label, 0, 0),
                "two identifiers have the same pseudonym under this key",
                "make a new key and load everything again: with 63 bits this happens to nobody twice",
            )
            raise KeyRefused(problem)

    def _unreadable(self, batch: Batch, rows: Any, counts: Mapping[int, _Counts]) -> None:
        target = batch.folder / "000000-unreadable"
        target.mkdir()
        self.con.register("unreadable rows", rows)
        self.con.execute(
            f"""copy (
              select accord_file as file, source_row::BIGINT as line, NULL::VARCHAR as "table",
                NULL::VARCHAR as "column",
                regexp_replace(reason, '[0-9][0-9 ]{{5,}}', '…', 'g') as reason, NULL::VARCHAR as "value"
              from "unreadable rows") to {text_literal(str(target / "rejects.parquet"))} (format parquet)"""
        )
        counted = self.con.execute(
            'select accord_file, count(distinct source_row) from "unreadable rows" group by 1'
        ).fetchall()
        self.con.unregister("unreadable rows")
        for number, found in counted:
            counts[number].unreadable = found


@contextlib.contextmanager
def _faults_of(file: SourceFile) -> Iterator[None]:
    """Say what is wrong with a file without what DuckDB and Arrow quote of it."""
    import duckdb
    import pyarrow as pa

    place = Place(file.label, 0, 0)
    try:
        yield
    except duckdb.OutOfMemoryException:
        fix = "give more with --memory, or stop what else runs on this machine; the same command goes on from here"
        raise DataRefused(Problem(place, "there is not enough memory to load this file", fix)) from None
    except (
        duckdb.ConversionException,
        duckdb.InvalidInputException,
        duckdb.InvalidTypeException,
        duckdb.IOException,
        duckdb.OutOfRangeException,
        duckdb.SerializationException,
        pa.ArrowException,
    ) as error:
        if "No space left" in str(error):
            raise OSError(errno.ENOSPC, "no space left on the disk of the record") from None
        problem = Problem(
            place,
            f"this file cannot be read: its content is not what its form promises ({type(error).__name__})",
            "ask for it again, or look whether it was cut short or changed on its way; nothing of this load was kept",
        )
        raise DataRefused(problem) from None


def _incoming(con: duckdb.DuckDBPyConnection, relation: Any, number: int | None) -> None:
    """Make the view ``incoming`` of rows that a reader gave; ``number`` is the file's, unless the rows have it."""
    import pyarrow as pa

    for each in ("incoming rows", "incoming relation"):
        with contextlib.suppress(Exception):
            con.unregister(each)
    con.execute("drop view if exists incoming")
    con.execute('drop table if exists "incoming held"')
    added = "" if number is None else f", {int(number)}::BIGINT as accord_file"
    if isinstance(relation, pa.RecordBatchReader):
        con.register("incoming rows", relation)
        con.execute('create temp table "incoming held" as select * from "incoming rows"')
        con.unregister("incoming rows")
        con.execute(f'create temp view incoming as select *{added} from "incoming held"')
    elif isinstance(relation, pa.Table):
        con.register("incoming rows", relation)
        con.execute(f'create temp view incoming as select *{added} from "incoming rows"')
    else:
        relation.create_view("incoming relation", replace=True)
        con.execute(f'create temp view incoming as select *{added} from "incoming relation"')


def _arrow(relation: Any) -> Any:
    import pyarrow as pa

    if isinstance(relation, pa.Table):
        return relation
    if isinstance(relation, pa.RecordBatchReader):
        return relation.read_all()
    return relation.to_arrow_table()


def _numbered(table: Any, number: int) -> Any:
    import pyarrow as pa

    return table.append_column("accord_file", pa.repeat(pa.scalar(number, pa.int64()), table.num_rows))


def _concatenated(tables: Sequence[Any]) -> Any:
    import pyarrow as pa

    return pa.concat_tables(tables, promote_options="permissive")


def stamp(path: Path) -> tuple[int, int]:
    """The size of a file, and when it was changed."""
    found = path.stat()
    return found.st_size, found.st_mtime_ns


def write_json(path: Path, content: object) -> None:
    """A file of JSON, whole or not at all."""
    beside = path.with_name(f".{path.name}")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
