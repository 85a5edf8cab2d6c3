"""Describing: the tables of the record, from their definitions; and how much a record holds, never who.

``docs/record.md`` has its tables from here, so that the page cannot drift from what is checked when files are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from accord.record import definition
from accord.record.definition import Column, Table
from accord.record.disclosure import rules
from accord.record.record import Record

_TYPES: Mapping[str, str] = {
    "person": "pseudonym",
    "key": "key",
    "code": "code",
    "codes": "codes",
    "word": "word",
    "day": "day",
    "count": "whole number",
    "pence": "pence",
    "number": "number",
    "flag": "yes or no (`true`, `false`)",
}

_STANDARDS: Mapping[str, str] = {"nhs": "NHS Data Dictionary", "omop": "OMOP CDM 5.4", "fhir": "FHIR R4"}


def as_json(table: Table) -> dict[str, object]:
    """A definition as plain data."""
    return {
        "table": table.name,
        "title": table.title,
        "row": table.row,
        "of_persons": table.of_persons,
        "derived": table.derived,
        "general_practice": table.general_practice,
        "unique": list(table.unique),
        "order": [f"{each.first} {'<=' if each.same else '<'} {each.then}" for each in table.order],
        "counterparts": dict(table.counterparts),
        "columns": [
            {
                "column": column.name,
                "type": column.type,
                "meaning": column.meaning,
                "required": column.required,
                "allowed": dict(column.allowed) if column.allowed else None,
                "least": column.least,
                "most": column.most,
                "counterparts": dict(column.counterparts or {}),
            }
            for column in table.all_columns
        ],
    }


def as_markdown(table: Table, level: int = 3) -> str:
    """A definition as Markdown: its own columns; those that all tables have are told once, by :func:`common`."""
    where = "; ".join(f"{_STANDARDS[name]}: {what}" for name, what in table.counterparts.items())
    lines = [f"{'#' * level} {table.name}", "", f"{table.title}. One row: {_plain(table.row)}. {where}.", ""]
    notes: list[str] = []
    if table.derived:
        notes.append(f"Made from `{table.derived}` when a generation is written; never loaded.")
    if table.of_persons == "optional":
        notes.append("A row may be anonymous.")
    if table.of_persons == "none":
        notes.append("Not about persons.")
    if table.general_practice:
        notes.append("Comes out of general practice's own records: a type 1 objection keeps it out.")
    if table.unique != ("row",):
        notes.append(f"Unique among the rows that stand: {', '.join(f'`{name}`' for name in table.unique)}.")
    orders = [f"`{each.first}` {'≤' if each.same else '<'} `{each.then}`" for each in table.order]
    if orders:
        notes.append(f"In order: {', '.join(orders)}.")
    if notes:
        lines += [" ".join(notes), ""]
    lines += ["| column | type | | meaning | elsewhere |", "|---|---|---|---|---|"]
    lines += [_row(column) for column in table.columns]
    return "\n".join([*lines, ""])


def _row(column: Column) -> str:
    limits = [f"at least {column.least}"] if column.least is not None else []
    limits += [f"at most {column.most}"] if column.most is not None else []
    meaning = _plain(column.meaning)
    if column.allowed:
        same = all(word == what for word, what in column.allowed.items())
        words = [f"`{word}`" if same or word == what else f"`{word}` {what}" for word, what in column.allowed.items()]
        meaning += f": {', '.join(words)}" if ":" not in meaning else f". One of: {', '.join(words)}"
    if limits:
        meaning += f" ({', '.join(limits)})"
    elsewhere = "; ".join(f"{name.upper()}: {what}" for name, what in (column.counterparts or {}).items() if what)
    needed = "required" if column.required else ""
    return f"| `{column.name}` | {_TYPES[column.type]} | {needed} | {_cell(meaning)} | {_cell(elsewhere)} |"


def common() -> str:
    """The columns that all loaded tables have, as Markdown."""
    lines = ["| column | type | | meaning |", "|---|---|---|---|"]
    for column in definition.COMMON:
        needed = "required" if column.required else ""
        lines.append(f"| `{column.name}` | {_TYPES[column.type]} | {needed} | {_cell(_plain(column.meaning))} |")
    return "\n".join([*lines, ""])


def as_text(table: Table) -> list[str]:
    """A definition for the terminal."""
    lines = [f"{table.name}: {table.title.lower()}", f"  one row: {table.row}"]
    if table.derived:
        lines.append(f"  made from {table.derived}")
    lines.append(f"  unique: {', '.join(table.unique)}")
    width = max(len(column.name) for column in table.all_columns)
    for column in table.all_columns:
        needed = ", required" if column.required else ""
        lines.append(f"  {column.name.ljust(width)}  {_TYPES[column.type]}{needed}: {column.meaning}")
        for word, what in (column.allowed or {}).items():
            lines.append(f"  {' ' * width}    {word}" + (f": {what}" if what != word else ""))
    return lines


def page(text: str) -> str:
    """A page with its generated parts written again: they stand between ``<!-- common -->`` and ``<!-- end -->``."""
    tables = "\n".join(as_markdown(table) for table in definition.tables().values())
    for name, made in (("common", common()), ("tables", tables)):
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda found, made=made: f"{found[1]}\n{made}\n{found[2]}", text)
    return text


def held(record: Record) -> dict[str, Any]:
    """How much a record holds: for each table its rows that stand, people, sources, and the days that they span.

    Small numbers are None (:mod:`accord.record.disclosure`), and so are the days that so few rows would give away.
    """
    from accord.engine.database import in_memory

    found: dict[str, Any] = {}
    by = rules()
    with in_memory() as con:
        for name, table in definition.tables().items():
            files = record.files(name)
            if not files:
                continue
            listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
            where = "" if table.derived else " where known_until is null"
            people = "0" if table.of_persons == "none" else "count(distinct person)"
            day = next((each for each in ("day", "since", "admitted") if table.column(each)), None)
            days = f"min({day}), max({day})" if day else "NULL, NULL"
            rows, persons, first, last, sources = con.execute(
                f"select count(*), {people}, {days}, list(distinct source order by source) "
                f"from read_parquet([{listed}]){where}"
            ).fetchall()[0]
            few = rows <= by.most or (table.of_persons != "none" and persons <= by.most)
            found[name] = {
                "rows": None if by.small(rows) else rows,
                "people": None if by.small(persons) else persons,
                "first_day": None if few or first is None else first.isoformat(),
                "last_day": None if few or last is None else last.isoformat(),
                "sources": list(sources or []),
            }
    return found


def _plain(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
