"""The engines that select from a record: DuckDB in this process, or Spark; the same whole numbers from both.

An engine reads the Parquet files of one generation in place. The tables of the record appear as views of the rows that
stand (not replaced, not withdrawn); a table that the record lacks appears empty, and a derived table that it does not
store is made from its sources when it is first read.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol

from accord.record.definition import NAMES, table
from accord.record.portable import Select
from accord.record.record import Record
from accord.record.subset import Kind

if TYPE_CHECKING:
    import pyarrow as pa

EngineKind = Literal["duckdb", "spark"]
"""The engines there are."""

FIRST_DAY, LAST_DAY = dt.date(1900, 1, 1), dt.date(2100, 12, 31)
"""The first and the last day of ``calendar``; also the window where none is asked for."""

MOST_NUMBERS = 400
"""The last row of ``numbers``."""


class Engine(Protocol):
    """Selects from one record. Use it in a ``with`` block, or close it."""

    kind: EngineKind

    def bind(self, name: str, table: pa.Table) -> None:
        """Give a small table (a code list, the periods asked for) a name; it replaces one of that name."""
        ...

    def make(self, name: str, select: Select) -> None:
        """Compute a select once and keep its rows under a name until the engine is closed."""
        ...

    def rows(self, select: Select) -> pa.Table:
        """The rows of a select: whole numbers as int64, days as date32, text as string, in no order but its own."""
        ...

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table as selects see it; KeyError if there is no such table."""
        ...

    def close(self) -> None:
        """Let go of everything that was computed."""
        ...

    def __enter__(self) -> Engine:
        """The engine itself."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...


def open_engine(
    record: Record,
    kind: EngineKind = "duckdb",
    *,
    threads: int | None = None,
    memory: str | None = None,
    limit: float | None = None,
    first_day: dt.date | None = None,
    last_day: dt.date | None = None,
) -> Engine:
    """An engine over a record.

    Args:
        record: the record to select from.
        kind: ``duckdb`` or ``spark`` (the extra of that name, and Java 17 or newer).
        threads: how many to use; all of them if not said.
        memory: how much to use at most, such as ``8GB``; what does not fit goes to temporary files.
        limit: the seconds that one select may take; without end if not said. What takes longer is stopped.
        first_day: the first day of the table ``window``.
        last_day: the last day of the table ``window``.

    Raises:
        DataRefused: Spark is asked for and is not there.
    """
    from accord.record import column

    if kind == "spark":
        from accord.record.engines.spark import SparkEngine

        engine: Engine = SparkEngine(record, threads, memory, limit)
    else:
        from accord.record.engines.duckdb import DuckDBEngine

        engine = DuckDBEngine(record, threads, memory, limit=limit)
    window = {"first_day": first_day or FIRST_DAY, "last_day": last_day or LAST_DAY}
    engine.bind("window", column.table({name: ("day", [day]) for name, day in window.items()}))
    return engine


@contextmanager
def limited(seconds: float | None, stop: Callable[[], None]) -> Iterator[Callable[[], bool]]:
    """Stop what is done within ``with`` when it takes longer; what is given says whether that was so.

    ``stop`` is called from another thread, and once more every second while the work goes on: an engine may begin its
    next piece in the moment in which it is told to stop.
    """
    ended, reached = threading.Event(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not ended.wait(wait):
            reached.set()
            stop()
            wait = 1.0

    watcher = threading.Thread(target=watch, daemon=True) if seconds is not None else None
    if watcher is not None:
        watcher.start()
    try:
        yield reached.is_set
    finally:
        ended.set()
        if watcher is not None:
            watcher.join()


def to_be_made(record: Record, name: str) -> bool:
    """Whether a table is derived and the record does not store it, so that it is made when it is first read."""
    if name not in NAMES or table(name).derived is None:
        return False
    return "derived" not in record.manifest and not record.files(name)


def arrow_of(kind: Kind) -> pa.DataType | None:
    """The Arrow type that values of a kind come back as; None where the kind is not known."""
    import pyarrow as pa

    types: dict[Kind, pa.DataType] = {
        "whole": pa.int64(),
        "number": pa.decimal128(38, 4),
        "text": pa.string(),
        "day": pa.date32(),
        "flag": pa.bool_(),
    }
    return types.get(kind)


def same_types(table: pa.Table, select: Select) -> pa.Table:
    """A result with the types that every engine gives.

    Whole numbers come back from engines as 32, 64 or 128 bits, text with several kinds of offsets.
    """
    import pyarrow as pa

    arrays: list[pa.ChunkedArray] = []
    for name, array in zip(select.columns, table.columns, strict=True):
        to = arrow_of(select.kinds[name])
        if to is None:
            if pa.types.is_integer(array.type) or (pa.types.is_decimal(array.type) and array.type.scale == 0):
                to = pa.int64()
            elif pa.types.is_large_string(array.type) or pa.types.is_string_view(array.type):
                to = pa.string()
            elif pa.types.is_decimal(array.type):
                to = pa.decimal128(38, 4)
            else:
                to = array.type
        arrays.append(array if array.type == to else array.cast(to))
    return pa.table(arrays, names=list(select.columns))
