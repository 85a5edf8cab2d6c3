"""DuckDB over a record: in this process, in memory, locked so that it reads the files of the record alone."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from accord.engine.database import in_memory, quoted, text_literal
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record.admitting import sql_type
from accord.record.definition import NAMES, Table, table
from accord.record.engines import FIRST_DAY, LAST_DAY, MOST_NUMBERS, EngineKind, limited, same_types, to_be_made
from accord.record.portable import Select, SelectStopped
from accord.record.record import Record
from accord.record.subset import STANDING, Kind, RecordTables, seen_columns

if TYPE_CHECKING:
    import pyarrow as pa

TYPES: dict[Kind, str] = {
    "whole": "BIGINT",
    "number": "DECIMAL(18, 4)",
    "text": "VARCHAR",
    "day": "DATE",
    "flag": "BOOLEAN",
}
"""How DuckDB calls what values are."""


@dataclass(frozen=True, slots=True)
class Making:
    """A generation that is being made. ``others`` are files whose rows may be taken over, and ``people`` the people (a
    column ``person``) whose rows alone are seen, and not taken over; everybody if not said.
    """

    folder: Path
    people: pa.Table | None = None
    others: tuple[Path, ...] = ()


class DuckDBEngine:
    """A DuckDB of its own over one record; see :class:`accord.record.engines.Engine`."""

    kind: EngineKind = "duckdb"

    def __init__(
        self,
        record: Record,
        threads: int | None = None,
        memory: str | None = None,
        making: Making | None = None,
        limit: float | None = None,
    ) -> None:
        self._limit = limit
        self._scratch = tempfile.mkdtemp(prefix="accord-")
        self._con = in_memory()
        set_threads = [f"set threads = {int(threads)}"] if threads else []
        set_memory = [f"set memory_limit = {text_literal(memory)}"] if memory else []
        for statement in (f"set temp_directory = {text_literal(self._scratch)}", *set_threads, *set_memory):
            self._con.execute(statement)
        # the order of rows is nobody's business here, and keeping it costs memory
        self._con.execute("set preserve_insertion_order = false")
        self._columns: dict[str, tuple[str, ...]] = {}
        self._views: set[str] = set()
        self._record = record
        files = [str(path) for name in NAMES for path in record.files(name)]
        files += [str(path) for path in making.others] if making else []
        folders = [self._scratch, *([str(making.folder)] if making else [])]
        for statement in (
            f"set allowed_paths = [{', '.join(text_literal(file) for file in files)}]",
            f"set allowed_directories = [{', '.join(text_literal(each) for each in folders)}]",
            "set enable_external_access = false",
            "set python_enable_replacements = false",
            "set lock_configuration = true",
        ):
            self._con.execute(statement)

        self._only = ""
        if making and making.people is not None:
            self._con.register("people given", making.people)
            self._con.execute('create table "people seen" as select * from "people given"')
            self._con.unregister("people given")
            self._only = 'person in (select person from "people seen")'

    def bind(self, name: str, table: pa.Table) -> None:
        """Give a small table a name; it replaces one of that name."""
        self._drop(name)
        self._con.register("what is bound", table)
        self._con.execute(f'create table {quoted(name)} as select * from "what is bound"')
        self._con.unregister("what is bound")
        self._columns[name] = tuple(table.column_names)

    def make(self, name: str, select: Select) -> None:
        """Compute a select once and keep its rows under a name."""
        self._see(select)
        self._drop(name)
        with self._stopping(select):
            self._con.execute(f"create table {quoted(name)} as {select.printed('duckdb')}")
        self._columns[name] = select.columns

    def rows(self, select: Select) -> pa.Table:
        """The rows of a select."""
        self._see(select)
        with self._stopping(select):
            found = self._con.sql(select.printed("duckdb")).to_arrow_table()
        return same_types(found, select)

    def write(self, select: Select, definition: Table, file: Path, others: Sequence[Path] = ()) -> None:
        """Write the rows of a select as a file of a table of the record; no file where there are none.

        ``others`` are files of the same table, of an earlier generation: the rows of other people are taken over.
        """
        self._see(select)
        types = {column.name: sql_type(column) for column in definition.all_columns}
        listed = ", ".join(f"cast({quoted(name)} as {kind}) as {quoted(name)}" for name, kind in types.items())
        rows = f"select {listed} from ({select.printed('duckdb')})"
        if others:
            named = ", ".join(map(quoted, types))
            taken = f"read_parquet([{', '.join(text_literal(str(each)) for each in others)}])"
            rows += f" union all select {named} from {taken} where not {self._only}"
        with self._stopping(select):
            rows = self._con.execute(
                f"copy ({rows}) to {text_literal(str(file))} (format parquet, compression zstd, compression_level 1)"
            ).fetchall()[0][0]
        if not rows:
            file.unlink()

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table."""
        if table not in self._columns:
            return tuple(STANDING[table]) if table in STANDING else tuple(RecordTables()[table])
        return self._columns[table]

    def close(self) -> None:
        """Close the connection and remove its temporary files."""
        self._con.close()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def __enter__(self) -> DuckDBEngine:
        """The engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    @contextmanager
    def _stopping(self, select: Select) -> Iterator[None]:
        import duckdb

        with limited(self._limit, self._con.interrupt) as reached:
            try:
                yield
            except duckdb.Error as error:
                if reached() and self._limit is not None:
                    raise SelectStopped.after(select, self._limit) from None
                raise SelectStopped.at(select, str(error)) from error

    def _drop(self, name: str) -> None:
        if name in self._columns:
            self._con.execute(f"drop {'view' if name in self._views else 'table'} {quoted(name)}")
            self._views.discard(name)

    def _see(self, select: Select) -> None:
        """Make the views of the tables that a select reads, where they are not there yet."""
        import duckdb

        from accord.record.deriving import followed

        for name in sorted(select.tables - self._columns.keys()):
            if name in self._columns:
                continue
            if to_be_made(self._record, name):
                for each, needed in followed(name).items():
                    if each not in self._columns:
                        self.make(each, needed)
                continue
            try:
                self._con.execute(f"create view {quoted(name)} as {self._view(name)}")
            except duckdb.Error as error:
                fix = "its files are damaged or not of this record: load it again, or take a copy that is whole"
                raise DataRefused(Problem(Place(name, 0, 0), "this table of the record cannot be read", fix)) from error
            self._columns[name] = self.columns(name)
            self._views.add(name)

    def _view(self, name: str) -> str:
        if name == "calendar":
            return _CALENDAR
        if name == "numbers":
            return f"select range as n from range(1, {MOST_NUMBERS + 1})"
        if name == "periods":
            return f"select {_nothing(STANDING['periods'])} where false"
        files = self._record.files(name)
        if not files:
            return f"select {_nothing(RecordTables()[name])} where false"
        definition = table(name)
        listed = ", ".join(quoted(column.name) for column in seen_columns(definition))
        conditions = [] if definition.derived else ["known_until is null"]
        if self._only and definition.of_persons != "none":
            conditions.append(self._only)
        stands = f" where {' and '.join(conditions)}" if conditions else ""
        return f"select {listed} from read_parquet([{', '.join(text_literal(str(file)) for file in files)}]){stands}"


_CALENDAR = f"""select cast(d as date) as day, cast(date_trunc('month', d) as date) as month,
  cast(date_trunc('quarter', d) as date) as quarter,
  make_date(year(d) - case when month(d) < 4 then 1 else 0 end, 4, 1) as financial_year,
  cast(isodow(d) as bigint) as weekday
from range(timestamp '{FIRST_DAY}', timestamp '{LAST_DAY}' + interval 1 day, interval 1 day) as days(d)"""


def _nothing(kinds: Mapping[str, Kind]) -> str:
    """Columns without any value."""
    return ", ".join(f"cast(null as {TYPES[kind]}) as {quoted(column)}" for column, kind in kinds.items())
