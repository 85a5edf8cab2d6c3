"""Auditing: is a record still what was written, and does it hold what its definitions promise?

Every file is hashed again; files that nobody listed, links, and missing files are found; columns and types are those of
the definitions; rows keep the rules that were asked of them when they were read; a key has one version on every day;
balances are struck again; people who have opted out have no standing rows; one practice and one place a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from accord.engine.database import text_literal
from accord.language.place import Place
from accord.language.problem import Problem
from accord.record import definition
from accord.record.definition import Column, Table
from accord.record.optout import FOLDER as OPT_OUTS
from accord.record.record import MANIFEST, Record


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found. ``rows`` has for each table the rows in all, and those that stand."""

    record: Record
    problems: tuple[Problem, ...]
    files: int
    rows: dict[str, tuple[int, int]]

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_json(self) -> dict[str, object]:
        """The audit as plain data."""
        return {
            "ok": self.holds,
            "record": str(self.record.folder),
            "generation": self.record.generation.name,
            "files": self.files,
            "tables": {name: {"rows": rows, "standing": standing} for name, (rows, standing) in self.rows.items()},
            "problems": [problem.as_json() for problem in self.problems],
        }


def audit(record: Record, *, watch: Callable[[str, int, int], None] = lambda what, done, of: None) -> Audit:
    """Look at everything in the current generation of a record."""
    from accord.engine.database import in_memory

    problems = list(_files(record, watch))
    rows: dict[str, tuple[int, int]] = {}
    files = sum(len(each["files"]) for each in _listed(record).values())
    # what is damaged on disk cannot be looked into
    if not problems:
        problems += _balances(record)
        names = [name for name in definition.NAMES if record.files(name)]
        with in_memory() as con:
            for done, name in enumerate(names):
                watch(f"looking at {definition.table(name).title.lower()}", done, len(names))
                found = list(_table(con, record, definition.table(name)))
                problems += [_problem(record, name, words) for words in found]
                if not any("column" in words for words in found):
                    rows[name] = _counts(con, record, definition.table(name))
            problems += [_problem(record, name, words) for name, words in _across(con, record)]
    return Audit(record, tuple(problems), files, rows)


def _problem(record: Record, name: str, words: str) -> Problem:
    return Problem(Place(str(record.generation / name), 0, 0), words, "load the record again, or restore a copy")


def _listed(record: Record) -> dict[str, Any]:
    found = record.manifest.get("tables")
    return dict(found) if isinstance(found, dict) else {}


def _files(record: Record, watch: Callable[[str, int, int], None]) -> Iterator[Problem]:
    listed = _listed(record)
    expected = {f"{table}/{name}": digest for table, each in listed.items() for name, digest in each["files"].items()}
    there = {
        str(path.relative_to(record.generation)): path
        for path in sorted(record.generation.rglob("*"))
        if not path.is_dir() or path.is_symlink()
    }
    there.pop(MANIFEST, None)
    for done, (name, path) in enumerate(there.items()):
        watch("hashing the files", done, len(there))
        if path.is_symlink():
            yield _problem(record, name, "is a link: a record holds its own files")
        elif name not in expected:
            yield _problem(record, name, "is not in the record's list of files")
        else:
            with path.open("rb") as content:
                if hashlib.file_digest(content, "sha256").hexdigest() != expected[name]:
                    yield _problem(record, name, "is not what was written: its hash differs")
    for name in sorted(expected.keys() - there.keys()):
        yield _problem(record, name, "is missing")


def _balances(record: Record) -> Iterator[Problem]:
    files = record.manifest.get("files")
    for file in files if isinstance(files, list) else []:
        counted = file["kept"] + file["unchanged"] + file["rejected"] + sum(file["set_aside"].values())
        tables = [each["made"] - each["kept"] - each["unchanged"] - each["rejected"] - each["set_aside"]
                  for each in file["tables"].values()]  # fmt: skip
        if counted != file["rows"] or any(tables):
            yield _problem(record, MANIFEST, f"file {file['number']} ({file['label']}): its rows do not balance")


def _table(con: Any, record: Record, table: Table) -> Iterator[str]:
    import pyarrow.parquet as pq

    promised = {field.name: field.type for field in table.schema()}
    for file in record.files(table.name):
        written = {field.name: field.type for field in pq.read_schema(file)}
        if written != promised:
            odd = sorted(name for name in promised | written if promised.get(name) != written.get(name))
            yield f"{file.name}: column {', '.join(odd)} is not as the definition says"
            return
    source = _source(record, table.name)
    for column in table.all_columns:
        yield from _column(con, table, column, source)
    for order in table.order:
        sign = ">" if order.same else ">="
        wrong = _count(con, f'{source} where "{order.first}" {sign} "{order.then}"')
        if wrong:
            yield f"{order.then} stands before {order.first} in {_rows(wrong)}"
    standing = source if table.derived else f"{source} where known_until is null"
    unique = ", ".join(f'"{name}"' for name in table.unique)
    twice = _count(con, f"(select 1 from {standing} group by {unique} having count(*) > 1)")
    if twice:
        yield f"{', '.join(table.unique)} should be unique among the rows that stand, and {_times(twice)} it is not"
    if not table.derived:
        wrong = _count(con, f"{source} where known_until < known_from")
        if wrong:
            yield f"{_rows(wrong)} ended before it was known"
        versions = (
            f"(select known_until, lead(known_from) over (partition by row order by known_from, known_until) as next "
            f"from {source} where known_until is null or known_until > known_from)"
        )
        wrong = _count(con, f"{versions} where next < coalesce(known_until, DATE '9999-12-31')")
        if wrong:
            yield f"a key has two versions on the same day, {_times(wrong)}"


def _column(con: Any, table: Table, column: Column, source: str) -> Iterator[str]:
    name = f'"{column.name}"'
    optional_person = column.name == "person" and table.of_persons != "required"
    if column.required and not optional_person:
        wrong = _count(con, f"{source} where {name} is null")
        if wrong:
            yield f"{column.name} is missing in {_rows(wrong)}"
    if column.allowed:
        allowed = ", ".join(text_literal(word) for word in column.allowed)
        wrong = _count(con, f"{source} where {name} not in ({allowed})")
        if wrong:
            yield f"{column.name} is not an allowed word in {_rows(wrong)}"
    least = 0 if column.least is None and column.type in ("pence", "count", "person", "key") else column.least
    if least is not None and column.type not in ("day", "word"):
        wrong = _count(con, f"{source} where {name} < {least}")
        if wrong:
            yield f"{column.name} is less than {least} in {_rows(wrong)}"
    if column.most is not None:
        wrong = _count(con, f"{source} where {name} > {column.most}")
        if wrong:
            yield f"{column.name} is more than {column.most} in {_rows(wrong)}"


def _across(con: Any, record: Record) -> Iterator[tuple[str, str]]:
    """What must hold between tables."""
    away = record.files(OPT_OUTS)
    if away:
        for name, table in definition.tables().items():
            if table.of_persons == "none" or table.derived or not record.files(name):
                continue
            kinds = "" if table.general_practice else " where kind = 'national'"
            people = f"(select person from {_source(record, OPT_OUTS)}{kinds})"
            wrong = _count(con, f"{_source(record, name)} where known_until is null and person in {people}")
            if wrong:
                yield name, f"{_rows(wrong)} of people who have opted out"
    for name, what in (("registered", "practice"), ("resident", "place")):
        if record.files(name):
            spans = (
                "(select until, lead(since) over (partition by person order by since, until) as next "
                f"from {_source(record, name)})"
            )
            wrong = _count(con, f"{spans} where next < coalesce(until, DATE '9999-12-31')")
            if wrong:
                yield name, f"somebody has more than one {what} on a day, {_times(wrong)}"


def _counts(con: Any, record: Record, table: Table) -> tuple[int, int]:
    standing = "" if table.derived else " filter (known_until is null)"
    found = con.execute(f"select count(*), count(*){standing} from {_source(record, table.name)}").fetchall()[0]
    return int(found[0]), int(found[1])


def _source(record: Record, name: str) -> str:
    return f"read_parquet([{', '.join(text_literal(str(file)) for file in record.files(name))}])"


def _count(con: Any, source: str) -> int:
    return int(con.execute(f"select count(*) from {source}").fetchall()[0][0])


def _rows(number: int) -> str:
    return "1 row" if number == 1 else f"{number} rows"


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
