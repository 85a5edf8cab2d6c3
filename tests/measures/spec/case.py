"""A case: what happened to a few people, written as small tables, and what a measure must make of it.

The same values are the tests (``tests/measures/test_spec.py``) and the page ``docs/measures-in-cases.md``
(``book.py``). Each person is registered with a practice of the same name and lives in a council of the same name,
unless the case says otherwise, so that a measure's figures by practice are its figures by person.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from textwrap import dedent
from typing import Any

import pyarrow as pa

from accord.measures.computing import Session
from accord.record.definition import NAMES, table
from accord.record.record import Record, write_record

BORN, SINCE = "1950-06-15", "1990-01-01"
"""When people are born and registered, where a case does not say it."""

USUAL: Mapping[str, Mapping[str, str]] = {
    "people": {"born": BORN, "sex": "female"},
    "episodes": {
        "episode": "1",
        "provider": "H1",
        "admission_method": "21",
        "admission_source": "19",
        "patient_class": "1",
        "episode_type": "1",
        "main_specialty": "300",
        "discharge_method": "1",
        "discharge_destination": "19",
    },
    "social_care": {"council": "C1"},
    "consultations": {"practice": "P", "role": "gp"},
    "outpatients": {"attended": "attended"},
    "attendances": {"department": "1", "visit": "first"},
    "care_plans": {"kind": "made"},
    "residences": {"kind": "home"},
    "observations": {"coding": "cluster"},
    "conditions": {"coding": "cluster"},
}
"""What stands in a row, where a case does not say it."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One thing that a measure's definition says. ``given`` holds tables, each under its name; ``expect`` one table.

    ``expect`` has ``who`` (a person, or a practice that the case names), ``period`` where the window has several,
    strata, and ``numerator``, ``denominator`` and ``excluded``: the reason why rows count in neither. What it does
    not name is nothing.
    """

    title: str
    measure: str
    given: str
    expect: str
    text: str = ""
    first: str = "2025-04-01"
    last: str = "2026-03-31"
    every: str = "whole"


@dataclass(frozen=True)
class Block:
    """A small table: its name, its columns, its rows of texts."""

    name: str
    columns: list[str]
    rows: list[dict[str, str]]


def blocks(text: str, *, named: bool) -> list[Block]:
    """The tables of a text, separated by empty lines, columns by ``|``."""
    found: list[Block] = []
    for part in dedent(text).strip("\n").split("\n\n"):
        lines = [line for line in part.splitlines() if line.strip()]
        if not lines:
            continue
        name = lines.pop(0).strip() if named else ""
        columns, *cells = [[cell.strip() for cell in line.split("|")] for line in lines]
        found.append(Block(name, columns, [dict(zip(columns, row, strict=True)) for row in cells]))
    return found


class Made:
    """A record of several cases at once: their people are told apart by the number of the case."""

    def __init__(self, cases: Sequence[Case]) -> None:
        self.tables: dict[str, list[dict[str, Any]]] = {name: [] for name in NAMES}
        self.persons: dict[tuple[int, str], int] = {}
        for number, case in enumerate(cases):
            self._add(number, case)

    def person(self, number: int, name: str) -> int:
        """The number of a person of a case."""
        return self.persons.setdefault((number, name), len(self.persons) + 1)

    def _add(self, number: int, case: Case) -> None:
        given = {block.name: block.rows for block in blocks(case.given, named=True)}
        people = {row["person"]: row for row in given.get("people", [])}
        for rows in given.values():
            for row in rows:
                if row.get("person"):
                    people.setdefault(row["person"], {"person": row["person"]})
        given["people"] = list(people.values())
        if "registrations" not in given:
            given["registrations"] = [
                {"person": name, "practice": name, "since": max(SINCE, row.get("born") or BORN)}
                for name, row in people.items()
            ]
        if "residences" not in given:
            given["residences"] = [
                {"person": name, "area": name, "since": max(SINCE, row.get("born") or BORN)}
                for name, row in people.items()
            ]
        for name, rows in given.items():
            for row in self._complete(name, rows):
                self.tables[name].append(self._typed(number, name, row))
        areas = {row["area"] for row in given["residences"]}
        self.tables["areas"] += [{"area": f"{number} {area}", "council": f"{number} {area}"} for area in sorted(areas)]

    def _complete(self, name: str, rows: Sequence[Mapping[str, str]]) -> Iterator[dict[str, str]]:
        for place, row in enumerate(rows):
            whole = {**USUAL.get(name, {}), **row}
            if name == "episodes":
                spell = whole.setdefault("spell", str(900 + place))
                same = [each for each in rows if each.get("spell") == spell] or [row]
                whole.setdefault("admitted", min(each["since"] for each in same))
                open_still = any(not each["until"] for each in same)
                whole.setdefault("discharged", "" if open_still else max(each["until"] for each in same))
                if not whole["discharged"]:
                    whole["discharge_method"] = whole["discharge_destination"] = ""
            yield whole

    def _typed(self, number: int, name: str, row: Mapping[str, str]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for column, text in row.items():
            known = table(name).column(column)
            assert known is not None, f"{name} has no column {column}"
            made[column] = None if text == "" else self._value(number, known.type, column, text)
        return made

    def _value(self, number: int, kind: str, column: str, text: str) -> Any:
        if column == "person":
            return self.person(number, text)
        if column in ("practice", "area"):
            return f"{number} {text}"
        match kind:
            case "key":
                return number * 1000 + int(text)
            case "day":
                return dt.date.fromisoformat(text)
            case "count" | "pence":
                return int(text)
            case "number":
                return Decimal(text)
            case "flag":
                return {"yes": True, "no": False}[text]
            case _:
                return text


def arrow(name: str, rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Rows as a table of the record; columns that no row has are left out."""
    schema = table(name).schema()
    columns = [each for each in schema.names if any(each in row for row in rows)]
    return pa.table({each: pa.array([row.get(each) for row in rows], schema.field(each).type) for each in columns})


def write(folder: Path, tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> Record:
    """A record of rows; admissions, diagnoses and procedures are made from the episodes when they are read."""
    return write_record(folder, {name: arrow(name, rows) for name, rows in tables.items() if rows})


def opened(record: Record, first: dt.date, last: dt.date, every: str = "whole", engine: str = "duckdb") -> Session:
    """A session over a record from the first day to the last."""
    return Session(record, first=first, until=last + dt.timedelta(days=1), every=every, engine=engine, threads=2)  # type: ignore[arg-type]
