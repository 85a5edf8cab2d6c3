"""Engines: what selects see of a record, and that a select sees nothing else."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from accord.language.problem import DataRefused
from accord.record.definition import NAMES, table
from accord.record.engines import Engine, EngineKind, open_engine
from accord.record.engines.duckdb import DuckDBEngine
from accord.record.portable import SelectStopped, read_select
from tests.record.plain import record_of

RECORD: dict[str, list[dict[str, Any]]] = {
    "attendances": [
        {
            "person": 1,
            "row": 11,
            "day": "2026-04-01",
            "cost": 100,
            "known_from": "2026-04-02",
            "known_until": "2026-05-01",
        },
        {"person": 1, "row": 11, "day": "2026-04-01", "cost": 120, "known_from": "2026-05-01"},
        {"person": 2, "row": 12, "day": "2026-04-03", "cost": None, "known_from": "2026-04-04"},
    ],
    "observations": [{"person": 1, "day": "2026-04-01", "coding": "local", "code": "a", "value": 139}],
    "registrations": [{"person": 1, "practice": "P", "since": "2026-01-01"}],
}


def _seen(engine: Engine, text: str, **known: Any) -> list[dict[str, Any]]:
    return engine.rows(read_select(text, "t.sql", known)).to_pylist()


def _looked_at(folder: Path, kind: EngineKind) -> dict[str, Any]:
    """Answers that must be alike on every engine."""
    found: dict[str, Any] = {}
    with open_engine(record_of(folder, **RECORD), kind, threads=2, last_day=dt.date(2026, 4, 30)) as engine:
        found["rows that stand"] = _seen(engine, "select row, cost from attendances order by row")
        found["a table that is not there"] = _seen(engine, "select person, day from outpatients")
        found["a derived table that is not stored"] = _seen(engine, "select practice, since, until from registered")
        found["window"] = _seen(engine, "select * from window")
        found["calendar"] = _seen(
            engine, "select * from calendar c join window w on c.day between date '2028-02-29' and date '2028-03-01'"
        )
        found["calendar, all"] = _seen(
            engine,
            "select count(*) as n, min(day) as a, max(day) as b, sum(weekday) as w, "
            "sum(days_between(month, day)) as m, sum(days_between(quarter, day)) as q, "
            "sum(days_between(financial_year, day)) as f from calendar",
        )
        found["numbers"] = _seen(engine, "select count(*) as n, min(n) as a, max(n) as b from numbers")
        found["a number with places"] = engine.rows(read_select("select value from observations", "t.sql")).to_pydict()
        engine.bind("codes", pa.table({"code": ["a", "b"]}))
        engine.bind("codes", pa.table({"code": ["b", "a", "c"]}))
        found["bound, the last"] = _seen(engine, "select count(*) as n from codes", codes=("code",))
        engine.make("kept", read_select("select code from codes where code <> 'c'", "t.sql", {"codes": ("code",)}))
        engine.bind("codes", pa.table({"code": ["z"]}))
        found["made stays as it was made"] = _seen(engine, "select code from kept order by code", kept=("code",))
        found["columns"] = {name: engine.columns(name) for name in ("people", "kept", "calendar", "attendances")}
        found["types"] = {
            field.name: str(field.type)
            for field in engine.rows(
                read_select(
                    "select count(*) as n, min(day) as d, sum(cost) as s, max(provider) as t, "
                    "count(*) > 1 as f, 1 as one from attendances",
                    "t.sql",
                )
            ).schema
        }
    return found


def test_what_selects_see_of_a_record(tmp_path: Path) -> None:
    found = _looked_at(tmp_path, "duckdb")
    assert found["rows that stand"] == [{"row": 11, "cost": 120}, {"row": 12, "cost": None}]
    assert found["a table that is not there"] == []
    assert found["a derived table that is not stored"] == [
        {"practice": "P", "since": dt.date(2026, 1, 1), "until": None}
    ]
    assert found["window"] == [{"first_day": dt.date(1900, 1, 1), "last_day": dt.date(2026, 4, 30)}]
    days = [(row["day"], row["quarter"], row["financial_year"], row["weekday"]) for row in found["calendar"]]
    assert sorted(days) == [
        (dt.date(2028, 2, 29), dt.date(2028, 1, 1), dt.date(2027, 4, 1), 2),
        (dt.date(2028, 3, 1), dt.date(2028, 1, 1), dt.date(2027, 4, 1), 3),
    ]
    assert found["bound, the last"] == [{"n": 3}]
    assert found["made stays as it was made"] == [{"code": "a"}, {"code": "b"}]
    assert found["columns"]["people"] == ("person", "row", "source", "born", "sex", "ethnicity")
    assert found["types"] == {
        "n": "int64",
        "d": "date32[day]",
        "s": "int64",
        "t": "string",
        "f": "bool",
        "one": "int64",
    }


def test_spark_sees_the_same(tmp_path: Path, spark: Any) -> None:
    assert _looked_at(tmp_path / "one", spark) == _looked_at(tmp_path / "two", "duckdb")


def test_the_days_when_a_row_was_known_are_no_business_of_selects(tmp_path: Path) -> None:
    with open_engine(record_of(tmp_path, **RECORD)) as engine:
        for name in NAMES:
            assert not {"known_from", "known_until", "file", "line"} & set(engine.columns(name))
            assert {column.name for column in table(name).columns} <= set(engine.columns(name))


ENDLESS = f"select count(*) as n from {' cross join '.join(f'numbers n{at}' for at in range(6))} where n0.n + n5.n > 0"
"""Four thousand million million rows."""


def _stopped_in_time(folder: Path, kind: EngineKind) -> None:
    with open_engine(record_of(folder, **RECORD), kind, threads=2, limit=0.5) as engine:
        began = time.monotonic()
        with pytest.raises(SelectStopped, match=r"(?s)longer than 0.5 seconds.*cross join.*--limit"):
            engine.rows(read_select(ENDLESS, "endless.sql"))
        assert time.monotonic() - began < 30
    with open_engine(record_of(folder, **RECORD), kind, threads=2) as engine:  # the next is none the worse for it
        assert _seen(engine, "select count(*) as n from numbers") == [{"n": 400}]


def test_a_select_that_takes_longer_than_it_may_is_stopped(tmp_path: Path) -> None:
    _stopped_in_time(tmp_path, "duckdb")


@pytest.mark.long  # Spark is ended by it, and starts again
def test_on_spark_too(tmp_path: Path, spark: Any) -> None:
    _stopped_in_time(tmp_path, spark)


class _Slipped:
    """A select that the check would have refused, had anybody asked it."""

    file, tables, columns, kinds = "slipped.sql", frozenset[str](), ("a",), {"a": "any"}

    def __init__(self, text: str) -> None:
        self.text = text

    def printed(self, dialect: str) -> str:
        del dialect
        return self.text


@pytest.mark.parametrize(
    "text",
    [
        "select * from read_text('{secret}') as t(a, b, c, d)",
        "select * from read_csv('{secret}') as t(a)",
        "select * from '{secret}' as t(a)",
        "select count(*) as a from glob('{folder}/*')",
        "select * from read_csv('https://example.org/x.csv') as t(a)",
        "copy (select 1 as a) to '{folder}/out.csv'",
        "attach '{folder}/other.db'",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "set allowed_directories = ['{folder}']",
        "select getenv('HOME') as a",
        "select a from secret_frame",
    ],
)
def test_even_a_select_that_slipped_through_reads_the_record_and_nothing_else(tmp_path: Path, text: str) -> None:
    secret_frame = pa.table({"a": [1]})  # a table of the process, not of the record
    assert secret_frame.num_rows
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n943 476 5919,x\n")
    slipped: Any = _Slipped(text.format(secret=secret, folder=tmp_path))
    with open_engine(record_of(tmp_path / "record", **RECORD)) as engine:
        with pytest.raises(SelectStopped) as stop:
            engine.rows(slipped)
        assert "943" not in str(stop.value)
    assert not (tmp_path / "out.csv").exists()


def test_a_damaged_table_is_said_to_be_so(tmp_path: Path) -> None:
    record = record_of(tmp_path, **RECORD)
    file = record.files("attendances")[0]
    file.write_bytes(file.read_bytes()[:200])
    with open_engine(record) as engine:
        with pytest.raises(DataRefused, match="attendances: this table of the record cannot be read"):
            _seen(engine, "select row from attendances")
        assert _seen(engine, "select code from observations") == [{"code": "a"}]


def test_what_does_not_fit_into_memory_goes_to_temporary_files_of_the_engine(tmp_path: Path) -> None:
    text = "select n, row_number() over (order by v desc, n) as at from wide order by at"
    with open_engine(record_of(tmp_path, **RECORD), threads=1, memory="40MB") as engine:
        cross = "select a.n + 400 * b.n + 160000 * c.n as n, (a.n * 7919 + b.n * 104729 + c.n) % 1000003 as v "
        cross += "from numbers a cross join numbers b cross join (select n from numbers where n < 6) c"
        engine.make("wide", read_select(cross, "t.sql"))
        found = engine.rows(read_select(text, "t.sql", {"wide": ("n", "v")}))
    assert found.num_rows == 800_000 and found.column("at")[0].as_py() == 1


def test_an_engine_leaves_nothing_behind(tmp_path: Path) -> None:
    engine = open_engine(record_of(tmp_path, **RECORD))
    assert isinstance(engine, DuckDBEngine)
    scratch = Path(engine._scratch)
    assert scratch.is_dir()
    engine.close()
    assert not scratch.exists()


def test_without_java_spark_is_refused_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from accord.record.engines import spark

    monkeypatch.setattr(spark, "_session", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(DataRefused) as refusal:
        open_engine(record_of(tmp_path / "record", **RECORD), "spark")
    assert "Java 17" in str(refusal.value) and "duckdb" in str(refusal.value)
