"""Plausibility: what is odd about rows that stand, without being wrong in itself: it is kept, counted and said.

Somebody is seen before they were born, or weeks after they died; somebody is registered with two practices on a day.
The roster decides what to do about it (:mod:`accord.record.roster`); who loads should know how often. A load says what
is odd about the rows that it brought; the quality report says it of all rows that stand.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from accord.engine.database import quoted, text_literal
from accord.language.place import Place
from accord.language.problem import Problem
from accord.record import definition
from accord.record.record import Record

if TYPE_CHECKING:
    import duckdb

AFTER_DEATH = 30
"""Days after a death within which an event is taken for late paper: letters, results, the last prescription."""

_EVENTS = ("day", "since")


def warnings(
    con: duckdb.DuckDBPyConnection, record: Record, brought: Collection[int] | None = None
) -> tuple[Problem, ...]:
    """What is odd in a generation of a record, each with how often.

    Args:
        con: a connection that may read files.
        record: the generation.
        brought: the numbers of the files of a load. Then only what one of their rows has to do with is said: a row of
            these files, or an older one of a person whose birth or death stands in them.
    """
    if brought is not None and not brought:
        return ()
    return tuple(Problem(Place("", 0, 0), text, "", "warning") for text in _Looking(con, record, brought).found())


class _Looking:
    """Looks for what is odd in one generation: every way of being odd is a select over the rows that stand."""

    def __init__(self, con: duckdb.DuckDBPyConnection, record: Record, brought: Collection[int] | None) -> None:
        self.con, self.brought = con, brought
        self.rows = {
            name: f"(select * from read_parquet([{', '.join(text_literal(str(file)) for file in files)}]) "
            "where known_until is null)"
            for name, table in definition.tables().items()
            if table.of_persons != "none" and not table.derived and (files := record.files(name))
        }

    def found(self) -> Iterator[str]:
        """What is odd, in words."""
        people, deaths = self.rows.get("people"), self.rows.get("deaths")
        for name, rows in self.rows.items():
            event = next((column for column in _EVENTS if definition.table(name).column(column)), None)
            if not event or name in ("people", "deaths"):
                continue
            if people and name not in ("residences", "registrations"):
                early = f"{rows} e join {people} p using (person) where e.{quoted(event)} < p.born"
                yield from self._said(name, early, "before the person was born", "e", "p")
            if deaths:
                late = f"{rows} e join {deaths} d using (person) where e.{quoted(event)} > d.day + {AFTER_DEATH}"
                yield from self._said(name, late, f"more than {AFTER_DEATH} days after the person died", "e", "d")
        if deaths and people:
            odd = f"{deaths} d join {people} p using (person) where d.day < p.born"
            yield from self._said("deaths", odd, "before the person was born", "d", "p")
        if "registrations" in self.rows:
            yield from self._overlaps(self.rows["registrations"])
        if people:
            for name, rows in self.rows.items():
                if definition.table(name).of_persons == "required" and name != "people":
                    unknown = f"{rows} e where not exists (select 1 from {people} p where p.person = e.person)"
                    yield from self._said(name, unknown, "of people of whom the record has no row in people", "e")

    def _said(self, name: str, odd: str, words: str, *of: str) -> Iterator[str]:
        number = self.con.execute(f"select count(*) from {odd}{self._brought(*of)}").fetchall()[0][0]
        if number:
            yield f"{name}: {'1 row' if number == 1 else f'{number} rows'} {words}"

    def _overlaps(self, rows: str) -> Iterator[str]:
        far = "DATE '9999-12-31'"
        people = self.con.execute(
            f"""select count(distinct person) from {rows} e join {rows} o using (person)
                where (o.since, o."row") > (e.since, e."row") and o.since < coalesce(e.until, {far})
                {self._brought("e", "o")}"""
        ).fetchall()[0][0]
        if people:
            who = "1 person is" if people == 1 else f"{people} people are"
            yield (
                f"registrations: {who} registered twice on some day; both rows are kept, and the roster takes the later"
            )

    def _brought(self, *of: str) -> str:
        """That at least one of the rows of a select came with the load, as a further condition."""
        if self.brought is None:
            return ""
        numbers = ", ".join(map(str, sorted(self.brought)))
        return f" and ({' or '.join(f'{each}.file in ({numbers})' for each in of)})"
