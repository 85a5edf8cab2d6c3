"""Spark over a record: the same selects over the same Parquet folders, for populations that one machine cannot hold.

One Spark session serves a process; it is started when it is first asked for, and every engine has its own temporary
views in it. Settings that decide numbers are fixed here: ANSI arithmetic (overflow stops, nothing wraps), days without
time zones, names without case.
"""

from __future__ import annotations

import atexit
import importlib.util
import itertools
import logging
import os
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, shortened
from accord.record.definition import table
from accord.record.engines import FIRST_DAY, LAST_DAY, MOST_NUMBERS, EngineKind, limited, same_types, to_be_made
from accord.record.portable import Select, SelectStopped
from accord.record.subset import STANDING, Kind, RecordTables, seen_columns

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.record.record import Record

TYPES: dict[Kind, str] = {
    "whole": "BIGINT",
    "number": "DECIMAL(18, 4)",
    "text": "STRING",
    "day": "DATE",
    "flag": "BOOLEAN",
}
"""How Spark calls what values are."""

JAVA = "Spark needs Java 17 or newer"
"""What is said where there is none."""

_SETTINGS = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "false",
    "spark.sql.execution.arrow.pyspark.enabled": "true",
    "spark.sql.execution.arrow.pyspark.fallback.enabled": "false",
    "spark.sql.parquet.datetimeRebaseModeInRead": "CORRECTED",
    "spark.sql.mapKeyDedupPolicy": "EXCEPTION",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.maxResultSize": "0",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
}

_session: Any = None
_own = False
_scratch = ""
_numbers = itertools.count(1)


def missing() -> str:
    """What is not here that Spark needs, in words; nothing if all is here."""
    if importlib.util.find_spec("pyspark") is None:
        return "PySpark is not installed here"
    home = os.environ.get("JAVA_HOME")
    java = shutil.which("java", path=os.path.join(home, "bin")) if home else shutil.which("java")
    return "" if java else f"{JAVA}, and there is none here"


class SparkEngine:
    """A session of Spark over one record; see :class:`accord.record.engines.Engine`."""

    kind: EngineKind = "spark"

    def __init__(
        self, record: Record, threads: int | None = None, memory: str | None = None, limit: float | None = None
    ) -> None:
        self._limit = limit
        # every engine has a session of its own in the one Spark of the process, and so views of its own
        self._spark = started(threads, memory).newSession()
        for name, value in _SETTINGS.items():
            if name.startswith("spark.sql."):
                self._spark.conf.set(name, value)
        self._spark.conf.set("spark.sql.shuffle.partitions", str(threads or os.cpu_count() or 2))
        self._record = record
        self._columns: dict[str, tuple[str, ...]] = {}
        self._kept: dict[str, Any] = {}

    def bind(self, name: str, table: pa.Table) -> None:
        """Give a small table a name; it replaces one of that name."""
        import pyarrow.parquet as pq

        self._forget(name)
        # by way of a file: what Spark makes of Arrow tables directly needs pandas
        path = os.path.join(_scratch, f"bound-{next(_numbers)}.parquet")
        pq.write_table(table, path)
        frame = self._spark.read.parquet(path)
        frame.createOrReplaceTempView(name)
        self._columns[name] = tuple(table.column_names)

    def make(self, name: str, select: Select) -> None:
        """Compute a select once and keep its rows under a name."""
        self._see(select)
        self._forget(name)
        with self._stopping(select):
            frame = self._spark.sql(select.printed("spark")).persist()
            frame.count()  # computed now, so that what stops it is said here
        frame.createOrReplaceTempView(name)
        self._kept[name] = frame
        self._columns[name] = select.columns

    def rows(self, select: Select) -> pa.Table:
        """The rows of a select."""
        self._see(select)
        with self._stopping(select):
            found = self._spark.sql(select.printed("spark")).toArrow()
        return same_types(found, select)

    def columns(self, table: str) -> tuple[str, ...]:
        """The columns of a table."""
        if table not in self._columns:
            return tuple(STANDING[table]) if table in STANDING else tuple(RecordTables()[table])
        return self._columns[table]

    def close(self) -> None:
        """Let go of what was computed; Spark itself stays for the next engine of this process."""
        for name in list(self._columns):
            self._forget(name)

    def __enter__(self) -> SparkEngine:
        """The engine itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    @contextmanager
    def _stopping(self, select: Select) -> Iterator[None]:
        from py4j.protocol import Py4JError
        from pyspark.errors import PySparkException
        from pyspark.errors.exceptions.captured import CapturedException

        context = self._spark.sparkContext
        group = f"accord-{next(_numbers)}"
        context.setJobGroup(group, select.file, interruptOnCancel=True)
        with limited(self._limit, lambda: context.cancelJobGroup(group)) as reached:
            try:
                yield
            except (PySparkException, CapturedException, Py4JError) as error:
                if reached() and self._limit is not None:
                    self._columns.clear()
                    self._kept.clear()
                    _abandon()
                    raise SelectStopped.after(select, self._limit) from None
                raise SelectStopped.at(select, str(error)) from error

    def _forget(self, name: str) -> None:
        if name in self._kept:
            self._kept.pop(name).unpersist()
        if self._columns.pop(name, None) is not None:
            self._spark.catalog.dropTempView(name)

    def _see(self, select: Select) -> None:
        """Make the views of the tables that a select reads, where they are not there yet."""
        from accord.record.deriving import followed

        for name in sorted(select.tables - self._columns.keys()):
            if name in self._columns:
                continue
            if to_be_made(self._record, name):
                for each, needed in followed(name).items():
                    if each not in self._columns:
                        self.make(each, needed)
                continue
            frame = self._frame(name)
            frame.createOrReplaceTempView(name)
            self._columns[name] = self.columns(name)

    def _frame(self, name: str) -> Any:
        if name == "calendar":
            return self._spark.sql(_CALENDAR)
        if name == "numbers":
            return self._spark.range(1, MOST_NUMBERS + 1).withColumnRenamed("id", "n")
        files = () if name == "periods" else self._record.files(name)
        if not files:
            kinds = STANDING[name] if name == "periods" else RecordTables()[name]
            nothing = ", ".join(f"cast(null as {TYPES[kind]}) as `{column}`" for column, kind in kinds.items())
            return self._spark.sql(f"select {nothing} where false")
        definition = table(name)
        kinds = RecordTables()[name]
        schema = ", ".join(f"`{column}` {TYPES[kind]}" for column, kind in kinds.items())
        if definition.derived is None:
            schema += ", `known_until` DATE"
        frame = self._spark.read.schema(schema).parquet(*(str(file) for file in files))
        if definition.derived is None:
            frame = frame.where("known_until is null")
        return frame.select(*(f"`{column.name}`" for column in seen_columns(definition)))


_CALENDAR = f"""select day, cast(trunc(day, 'MM') as date) as month, cast(trunc(day, 'QUARTER') as date) as quarter,
  make_date(year(day) - case when month(day) < 4 then 1 else 0 end, 4, 1) as financial_year,
  cast(weekday(day) + 1 as bigint) as weekday
from (select explode(sequence(date '{FIRST_DAY}', date '{LAST_DAY}', interval 1 day)) as day)"""


def started(threads: int | None = None, memory: str | None = None, *, instead: str = "duckdb") -> Any:
    """The Spark of this process, started when it is first asked for; ``instead`` is the engine that needs none.

    A process that has a session of Spark already (a notebook on a cluster) is served by that one.

    Raises:
        DataRefused: PySpark or Java is not there.
    """
    global _session, _own, _scratch
    if _session is not None:
        return _session
    nowhere = Place("", 0, 0)
    if what := missing():
        fix = f"pip install 'accord[spark]' and a Java (Debian: openjdk-17-jre-headless), or use the engine {instead}"
        raise DataRefused(Problem(nowhere, what, fix))
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    _own = SparkContext._active_spark_context is None
    # it would write queries, and values in them, to the terminal
    logging.getLogger("SQLQueryContextLogger").disabled = True
    _scratch = tempfile.mkdtemp(prefix="accord-spark-")
    atexit.register(_stop)
    builder = SparkSession.builder.master(f"local[{threads or os.cpu_count() or 2}]").appName("accord")
    for name, value in _SETTINGS.items():
        builder = builder.config(name, value)
    builder = (
        builder.config("spark.local.dir", _scratch)
        .config("spark.sql.warehouse.dir", _scratch)
        .config("spark.driver.memory", _java_memory(memory))
        .config("spark.driver.extraJavaOptions", f"-Dderby.system.home={_scratch}")
    )
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    # tasks in Python are run by this Python, not by any that is found first
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    log = os.path.join(_scratch, "spark.log")
    try:
        with _written_to(log):
            _session = builder.getOrCreate()
            _session.sparkContext.setLogLevel("OFF")
    except Exception as error:
        with open(log, encoding="utf-8", errors="replace") as file:
            said = file.read().strip().splitlines()
        message = f"Spark does not start: {shortened(said[-1] if said else type(error).__name__, 200)}"
        fix = f"{JAVA}: see java -version; or use the engine {instead}"
        raise DataRefused(Problem(nowhere, message, fix)) from error
    return _session


@contextmanager
def _written_to(path: str) -> Iterator[None]:
    """What this process, and those that it starts, write to the terminal goes to a file; Java keeps writing there."""
    kept = {stream: os.dup(stream) for stream in (1, 2)}
    sys.stdout.flush()
    sys.stderr.flush()
    with open(path, "wb") as file:
        for stream in kept:
            os.dup2(file.fileno(), stream)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            for stream, copy in kept.items():
                os.dup2(copy, stream)
                os.close(copy)


def _java_memory(memory: str | None) -> str:
    """A memory such as 8GB as Java writes it; 2 GB if not said."""
    found = re.fullmatch(r"\s*(\d+)\s*([KMGT])i?B?\s*", memory or "2GB", re.IGNORECASE)
    if found is None:
        raise DataRefused(Problem(Place("", 0, 0), f"{memory} is not a size of memory", "write it as 8GB"))
    return f"{found[1]}{found[2].lower()}"


def _abandon() -> None:
    """End the Spark that was started here, with its Java.

    A task inside one long loop does not hear that it is to stop, though Spark counts it among the stopped: it would
    keep a processor, and with all of them taken nothing else would ever begin. The next engine starts another Spark.
    One of somebody else's (a cluster, a notebook) is left alone.
    """
    global _session
    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    java: Any = getattr(SparkContext._gateway, "proc", None)
    if not _own or java is None:
        return
    java.kill()
    java.wait()
    # what PySpark would do at its end, but for asking the Java that is gone
    SparkContext._gateway = SparkContext._jvm = SparkContext._active_spark_context = None
    SparkSession._instantiatedSession = None
    _session = None


def _stop() -> None:
    global _session
    if _session is not None:
        _session.stop()
        _session = None
    shutil.rmtree(_scratch, ignore_errors=True)
