"""Portable selects: one text of SQL over the record that gives the same whole numbers on DuckDB and on Spark.

The subset is closed: what is not listed here is refused, with the portable way to say it. One ``select`` (with common
table expressions, joins, ``group by``, ``case``, window functions, ``union all``) over tables that are known by name.
No files, no addresses, no settings, no clock, no randomness, nothing whose meaning differs between engines:

- Whole numbers stay whole: no ``/``, ``avg`` or ``round``; ``quotient(a, b)`` cuts towards zero and is missing where
  ``b`` is 0. ``sum`` and ``count`` are 64-bit whole numbers everywhere.
- Days are compared with ``date '2026-04-01'`` and moved with own functions
  (:data:`accord.record.subset.FUNCTIONS`); no intervals.
- Nothing is cast silently: text is compared with text, days with days.
- Missing values sort last unless the text says ``nulls first``; what is printed always says which.
- ``like`` takes a text that ends in ``%`` and has no other pattern; text is compared byte by byte.

The text is parsed by sqlglot, checked here node by node, and printed by sqlglot in the dialect of the engine.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accord.language.place import Place, Source
from accord.language.problem import AccordError, Problem, shortened
from accord.record.printing import Dialect, printed
from accord.record.subset import STANDING, Kind, RecordTables

if TYPE_CHECKING:
    from sqlglot import exp

MOST_CHARACTERS = 200_000
"""A longer text is not a measure that a person could check."""


class MeasureRefused(AccordError):
    """A select, a card or a code list cannot be used as it stands. Exit code 3."""

    exit_code = 3


class SelectStopped(AccordError):
    """A select that was checked could not be computed: a number too large, too little memory or time. Exit code 5."""

    exit_code = 5

    @classmethod
    def at(cls, select: Select, words: str) -> SelectStopped:
        """What to say when an engine stopped with these words, which may hold values of persons and are not shown."""
        place = Place(select.file, 1, 1)
        said = words.lower()
        if "overflow" in said or "out of range" in said:
            message = "a number in this select is larger than 64 bits hold"
            return cls(Problem(place, message, "look for a product or a sum of sums; add in smaller parts"))
        if "memory" in said or "heap space" in said:
            fix = "give more (--memory 8GB), or ask for fewer days or measures at a time"
            return cls(Problem(place, "this select needs more memory than there is", fix))
        return cls(Problem(place, "the engine could not compute this select", "try the other engine, and report this"))

    @classmethod
    def after(cls, select: Select, seconds: float) -> SelectStopped:
        """What to say of a select that took longer than it may."""
        message = f"this select was stopped: it took longer than {seconds:,g} seconds"
        fix = "look for a join without a condition (cross join); or let it take longer: --limit SECONDS"
        return cls(Problem(Place(select.file, 1, 1), message, fix))


@dataclass(frozen=True, slots=True)
class Select:
    """A select that was checked. ``kinds`` are its columns in order, with what their values are.

    ``tables`` are the tables that it reads: of the record, standing, or given by name when it was read.
    """

    text: str
    file: str
    tables: frozenset[str]
    kinds: Mapping[str, Kind]
    _tree: exp.Query = field(repr=False, compare=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its columns, in order."""
        return tuple(self.kinds)

    def printed(self, dialect: Dialect) -> str:
        """The select in the SQL of an engine: every identifier quoted, every order with its nulls."""
        return printed(self._tree, dialect)

    def over(self, name: str, select: Select) -> Select:
        """This select with another under a name that it reads, as one select; neither has to be read again."""
        from sqlglot import exp

        tree = self._tree.copy()
        inner = exp.CTE(this=select._tree.copy(), alias=exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        beside = tree.args.get("with_")
        tree.set("with_", exp.With(expressions=[inner, *(beside.expressions if beside is not None else [])]))
        return Select(self.text, self.file, (self.tables - {name}) | select.tables, self.kinds, tree)


def read_select(
    text: str, file: str, known: Mapping[str, Collection[str] | Mapping[str, Kind]] | None = None
) -> Select:
    """Check a text and make a select of it.

    Args:
        text: the SQL.
        file: the name that problems are reported under.
        known: further tables that it may read, with their columns (and what their values are, where given), besides
            those of the record and :data:`accord.record.subset.STANDING`.

    Raises:
        MeasureRefused: every problem that was found, each with its line and column.
    """
    from sqlglot import exp

    from accord.record.checking import check

    further: dict[str, Mapping[str, Kind]] = dict(STANDING)
    for name, columns in (known or {}).items():
        further[name] = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, "any")
    tables = ChainMap(further, RecordTables())  # type: ignore[arg-type]  # nothing is ever written into it
    source = Source(file, text)
    tree = _parsed(source)
    checked = check(tree, source, tables)
    if checked.problems:
        raise MeasureRefused(checked.problems)
    for identifier in tree.find_all(exp.Identifier):
        identifier.set("this", identifier.name.lower())
        identifier.set("quoted", True)
    return Select(text, file, checked.tables, checked.kinds, tree)


def _parsed(source: Source) -> exp.Query:
    import sqlglot
    from sqlglot import errors, exp

    def refuse(place: Place, message: str, fix: str) -> MeasureRefused:
        return MeasureRefused(Problem(place, message, fix))

    start = Place(source.name, 1, 1)
    if len(source.text) > MOST_CHARACTERS:
        raise refuse(
            start, "this text is too long for a select", f"stay below {MOST_CHARACTERS} characters; share parts"
        )
    try:
        trees = [tree for tree in sqlglot.parse(source.text, dialect="duckdb") if tree is not None]
    except errors.ParseError as error:
        raise MeasureRefused(
            [_unreadable(source, each) for each in error.errors] or [Problem(start, str(error))]
        ) from None
    except errors.TokenError:
        raise refuse(start, "this is not SQL that can be read", "close every quotation mark and comment") from None
    except RecursionError:
        raise refuse(
            start, "this select is nested too deeply", "divide it with common table expressions: with … as (…)"
        ) from None
    if not trees:
        raise refuse(start, "there is no select here", "write one select: select person, day, 1 as numerator from …")
    if len(trees) > 1:
        raise refuse(
            start,
            f"there are {len(trees)} statements here, and a measure is one select",
            "join them with: with … as (…) select …",
        )
    tree = trees[0]
    if not isinstance(tree, (exp.Select, exp.Union, exp.Subquery)):
        word = source.text.split(None, 1)[0] if source.text.split() else "this"
        raise refuse(
            start,
            f"{shortened(word, 20)} is not a select",
            "a measure only reads: write one select, beginning with select or with",
        )
    return tree


def _unreadable(source: Source, error: Mapping[str, object]) -> Problem:
    near = str(error.get("highlight") or "")
    line, column = error.get("line"), error.get("col")
    line = line if isinstance(line, int) else 1
    column = max(1, column - len(near) + 1) if isinstance(column, int) else 1
    what = str(error.get("description") or "").rstrip(".")
    what = what if what.startswith("Expecting") else ""  # the parser's other words are about itself
    beside = f", near {shortened(near, 30)}" if near.strip() else ""
    return Problem(
        Place(source.name, line, column),
        f"this is not SQL that can be read{beside}" + (f" ({what[:1].lower()}{what[1:]})" if what else ""),
        "look for a missing comma, bracket, quotation mark or end just before it",
    )
