"""Plausibility: what is odd about rows that stand, without being wrong in itself: it is kept, counted and said.

Somebody is seen before they were born, or weeks after they died; somebody is registered with two practices on a day.
The roster decides what to do about it (:mod:`accord.record.roster`); who loads should know how often.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import Problem
from accord.record import definition
from accord.record.record import Record

if TYPE_CHECKING:
    import duckdb

AFTER_DEATH = 30
"""Days after a death within which an event is taken for late paper: letters, results, the last prescription."""

_EVENTS = ("day", "since")


def warnings(con: duckdb.DuckDBPyConnection, record: Record) -> list[Problem]:
    """What is odd in a generation of a record, each with how often."""
    return [Problem(Place("", 0, 0), text, "", "warning") for text in _found(con, record)]


def _found(con: duckdb.DuckDBPyConnection, record: Record) -> Iterator[str]:
    standing = {name: _standing(record, name) for name in definition.NAMES if record.files(name)}
    for name, table in definition.tables().items():
        event = next((column for column in _EVENTS if table.column(column)), None)
        if name in ("people", "deaths") or name not in standing or table.derived or not event:
            continue
        if table.of_persons == "none":
            continue
        day = f'e."{event}"'
        if "people" in standing and name not in ("residences", "registrations"):
            early = _count(con, f"{standing[name]} e join {standing['people']} p using (person) where {day} < p.born")
            if early:
                yield f"{name}: {_rows(early)} before the person was born"
        if "deaths" in standing:
            late = f"{standing[name]} e join {standing['deaths']} d using (person) where {day} > d.day + {AFTER_DEATH}"
            number = _count(con, late)
            if number:
                yield f"{name}: {_rows(number)} more than {AFTER_DEATH} days after the person died"
    if "deaths" in standing and "people" in standing:
        odd = _count(con, f"{standing['deaths']} d join {standing['people']} p using (person) where d.day < p.born")
        if odd:
            yield f"deaths: {_rows(odd)} before the person was born"
    if "registrations" in standing:
        yield from _overlaps(con, standing["registrations"])
    if "people" in standing:
        for name in standing:
            if (
                definition.table(name).of_persons == "required"
                and name != "people"
                and not definition.table(name).derived
            ):
                unknown = _count(con, f"{standing[name]} e anti join {standing['people']} p using (person)")
                if unknown:
                    yield f"{name}: {_rows(unknown)} of people of whom the record has no row in people"


def _overlaps(con: duckdb.DuckDBPyConnection, registrations: str) -> Iterator[str]:
    people = con.execute(
        f"""select count(distinct person) from (
              select person, since, max(coalesce(until, DATE '9999-12-31')) over (
                partition by person order by since, until, practice
                rows between unbounded preceding and 1 preceding) as reached
              from {registrations} r
            ) where since < reached"""
    ).fetchall()[0][0]
    if people:
        who = "1 person is" if people == 1 else f"{people} people are"
        yield f"registrations: {who} registered twice on some day; both rows are kept, and the roster takes the later"


def _standing(record: Record, name: str) -> str:
    files = ", ".join("'" + str(file).replace("'", "''") + "'" for file in record.files(name))
    where = "" if definition.table(name).derived else " where known_until is null"
    return f"(select * from read_parquet([{files}]){where})"


def _count(con: duckdb.DuckDBPyConnection, source: str) -> int:
    return int(con.execute(f"select count(*) from {source}").fetchall()[0][0])


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"
