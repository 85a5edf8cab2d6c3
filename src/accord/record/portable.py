"""Portable selects: one text of SQL over the record that gives the same whole numbers on DuckDB and on Spark.

The subset is closed: what is not listed here is refused, with the portable way to say it. One ``select`` (with common
table expressions, joins, ``group by``, ``case``, window functions, ``union all``) over tables that are known by name.
No files, no addresses, no settings, no clock, no randomness, nothing whose meaning differs between engines:

- Whole numbers stay whole: no ``/``, ``avg`` or ``round``; ``quotient(a, b)`` cuts towards zero and is missing where
  ``b`` is 0. ``sum`` and ``count`` are 64-bit whole numbers everywhere.
- Days are compared with ``date '2026-04-01'`` and moved with own functions (:data:`FUNCTIONS`); no intervals.
- Nothing is cast silently: text is compared with text, days with days.
- Missing values sort last unless the text says ``nulls first``; what is printed always says which.
- ``like`` takes a text that ends in ``%`` and has no other pattern; text is compared byte by byte.

The text is parsed by sqlglot, checked here node by node, and printed by sqlglot in the dialect of the engine.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Literal

from accord.language.place import Place, Source
from accord.language.problem import AccordError, Problem, nearest, shortened
from accord.record import definition

if TYPE_CHECKING:
    from sqlglot import exp

Dialect = Literal["duckdb", "spark"]
"""The engines that a select is printed for."""

Kind = Literal["whole", "number", "text", "day", "flag", "nothing", "any"]
"""What a value is. ``number`` is a decimal with four places, ``nothing`` is a bare ``null``, ``any`` is not known."""

MOST_CHARACTERS = 200_000
"""A longer text is not a measure that a person could check."""

CALENDAR: Mapping[str, Kind] = {
    "day": "day",
    "month": "day",
    "quarter": "day",
    "financial_year": "day",
    "weekday": "whole",
}
"""The columns of ``calendar``, one row a day from 1900 to 2100: the first day of the month, quarter and financial year
(from April) that it lies in, and the day of the week (1 Monday to 7 Sunday)."""

STANDING: Mapping[str, Mapping[str, Kind]] = {
    "calendar": CALENDAR,
    "numbers": {"n": "whole"},
    "window": {"first_day": "day", "last_day": "day"},
    "periods": {"period": "text", "first_day": "day", "last_day": "day"},
}
"""Tables that every select may use besides those of the record: ``calendar``, ``numbers`` (1 to 400), ``window`` (one
row: the days asked for) and ``periods`` (the periods asked for)."""

FUNCTIONS: Mapping[str, str] = {
    "days_between(a, b)": "days from a to b: b - a",
    "add_days(d, n)": "the day n days after d",
    "add_months(d, n)": "the same day n months after d; the last day of a shorter month",
    "age_on(born, d)": "full years of age on the day d; born on 29 February, a year is full on 1 March",
    "first_of_month(d)": "the first day of the month of d",
    "year_of(d)": "the calendar year of d",
    "quotient(a, b)": "a divided by b, cut towards zero to a whole number; missing where b is 0",
    "ten_thousandths(x)": "a number with four places as a whole number of its smallest place",
    "count(*), count(x), count(distinct x)": "rows, or rows where x is there",
    "sum(n)": "of whole numbers; missing where there is no row",
    "min(x), max(x)": "the least and the greatest",
    "coalesce(a, b, …), nullif(a, b)": "the first that is there; a, unless it is b",
    "least(a, b, …), greatest(a, b, …)": "of those that are there",
    "abs(n)": "without its sign",
    "lower(t), upper(t), length(t)": "text in small or capital letters, its characters",
    "substr(t, from, length)": "part of a text; from counts from 1",
    "split_part(t, by, n)": "the n-th part of a text; empty if there is none",
    "starts_with(t, 'word')": "whether the text begins so",
    "row_number(), rank(), dense_rank(), lag(x), lead(x)": "with over (partition by … order by …)",
    "sum(n), count(…), min(x), max(x)": "over (partition by … order by … rows between …)",
}
"""What a select may call, and what it gives."""

_INSTEAD: Mapping[str, str] = {
    **dict.fromkeys(("avg", "mean"), "keep sum(…) and count(…) as two columns: a ratio is made once, after adding up"),
    **dict.fromkeys(("round", "floor", "ceil", "ceiling", "trunc"), "stay with whole numbers; quotient(a, b) divides them"),
    **dict.fromkeys(("date_diff", "datediff", "date_sub", "datesub", "age"), "days_between(a, b) for days, age_on(born, d) for full years"),
    **dict.fromkeys(("date_trunc", "trunc_month", "last_day"), "first_of_month(d), or join calendar"),
    **dict.fromkeys(("date_add", "dateadd"), "add_days(d, n) or add_months(d, n)"),
    **dict.fromkeys(("year", "extract", "date_part", "datepart"), "year_of(d), or join calendar for month, quarter and financial year"),
    **dict.fromkeys(("month", "quarter", "week", "day", "dayofweek", "weekday", "isodow"), "join calendar on its day"),
    **dict.fromkeys(("now", "current_date", "currentdate", "currenttimestamp", "currenttime", "localtime", "current_timestamp", "today", "getdate"), "a measure has no clock; take first_day and last_day from the table window"),
    **dict.fromkeys(("concat", "concat_ws", "format"), "a || b, with coalesce(…, '') where one may be missing"),
    **dict.fromkeys(("countif", "count_if"), "count(*) filter (where …)"),
    **dict.fromkeys(("bool_or", "logical_or", "bool_and", "logical_and"), "max(case when … then 1 else 0 end) = 1"),
    **dict.fromkeys(("first", "last", "any_value", "arg_max", "arg_min", "max_by", "min_by", "first_value", "last_value", "nth_value", "mode"), "number the rows with row_number() over (partition by … order by …) and keep row 1"),
    **dict.fromkeys(("regexp_matches", "regexp_like", "regexp_extract", "regexp_replace", "rlike", "similar_to"), "put codes and patterns into a code list, and join the list"),
    **dict.fromkeys(("random", "rand", "uuid", "hash", "md5", "sha256"), "a measure gives the same answer every time"),
    **dict.fromkeys(("median", "quantile", "percentile_cont", "quantile_cont", "stddev", "variance", "approx_count_distinct", "percentile_disc"), "give one row for each thing that counts; what is made of them comes after"),
    **dict.fromkeys(("string_agg", "group_concat", "list", "array_agg", "unnest", "explode", "struct_pack", "array", "map"), "one row for each value"),
    **dict.fromkeys(("if", "iff", "iif", "decode"), "case when … then … else … end"),
    **dict.fromkeys(("try_cast", "safe_cast", "to_date", "strptime", "make_date"), "the record's columns already have their types; a day is written date '2026-04-01'"),
    **dict.fromkeys(("left", "right", "mid"), "substr(t, 1, n)"),
    **dict.fromkeys(("generate_series", "range", "sequence"), "the table numbers has n from 1 to 400, and calendar has the days"),
    **dict.fromkeys(("ntile", "percent_rank", "cume_dist"), "row_number() and count(*) over (partition by …)"),
    **dict.fromkeys(("mod",), "a % 7, with a whole number after it"),
    **dict.fromkeys(("ifnull", "nvl"), "coalesce(a, b)"),
    **dict.fromkeys(("substring",), "substr(t, from, length)"),
    **dict.fromkeys(("len", "strlen"), "length(t)"),
    **dict.fromkeys(("contains", "instr", "position", "strpos"), "starts_with(t, 'word'), or a code list"),
}  # fmt: skip
"""Functions that differ between engines, or have no place in a measure: what to write instead."""

_OWN: Mapping[str, tuple[tuple[Kind, ...], Kind]] = {
    "days_between": (("day", "day"), "whole"),
    "add_days": (("day", "whole"), "day"),
    "add_months": (("day", "whole"), "day"),
    "age_on": (("day", "day"), "whole"),
    "first_of_month": (("day",), "day"),
    "year_of": (("day",), "whole"),
    "quotient": (("whole", "whole"), "whole"),
    "ten_thousandths": (("number",), "whole"),
}
"""Own functions: what they take and give."""

_WORDS: Mapping[Kind, str] = {
    "whole": "a whole number",
    "number": "a number with places",
    "text": "text",
    "day": "a day",
    "flag": "true or false",
    "nothing": "null",
    "any": "a value",
}


class MeasureRefused(AccordError):
    """A select, a card or a code list cannot be used as it stands. Exit code 3."""

    exit_code = 3


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
        return _printed(self._tree, dialect)


def record_tables() -> Mapping[str, Mapping[str, Kind]]:
    """The tables of the record as selects see them: the person, the row's key, the source, and their own columns."""
    return {name: _seen(name) for name in definition.NAMES}


@cache
def _seen(name: str) -> Mapping[str, Kind]:
    return {column.name: _kind(column.type) for column in seen_columns(definition.table(name))}


def seen_columns(table: definition.Table) -> tuple[definition.Column, ...]:
    """The columns of a table that selects see: all but the days when a row was known."""
    return tuple(column for column in table.all_columns if column.name not in ("known_from", "known_until"))


def _kind(kind: definition.Type) -> Kind:
    match kind:
        case "person" | "key" | "count" | "pence":
            return "whole"
        case "day":
            return "day"
        case "number":
            return "number"
        case "flag":
            return "flag"
        case _:
            return "text"


def read_select(
    text: str, file: str, known: Mapping[str, Collection[str] | Mapping[str, Kind]] | None = None
) -> Select:
    """Check a text and make a select of it.

    Args:
        text: the SQL.
        file: the name that problems are reported under.
        known: further tables that it may read, with their columns (and what their values are, where given), besides
            those of the record and :data:`STANDING`.

    Raises:
        MeasureRefused: every problem that was found, each with its line and column.
    """
    from sqlglot import exp

    tables: dict[str, Mapping[str, Kind]] = {**record_tables(), **STANDING}
    for name, columns in (known or {}).items():
        tables[name] = columns if isinstance(columns, Mapping) else dict.fromkeys(columns, "any")
    source = Source(file, text)
    tree = _parsed(source)
    checker = _Checker(source, tables)
    kinds = checker.query(tree, {}, None)
    if checker.problems:
        raise MeasureRefused(sorted(set(checker.problems), key=lambda each: (each.place.line, each.place.column)))
    for identifier in tree.find_all(exp.Identifier):
        identifier.set("this", identifier.name.lower())
        identifier.set("quoted", True)
    return Select(text, file, frozenset(checker.used), kinds, tree)


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
    beside = f", near {shortened(near, 30)}" if near.strip() else ""
    return Problem(
        Place(source.name, line, column),
        f"this is not SQL that can be read{beside}" + (f" ({what[:1].lower()}{what[1:]})" if what else ""),
        "look for a missing comma, bracket, quotation mark or end just before it",
    )


@dataclass(slots=True)
class _Scope:
    """What names mean in one select: its sources by alias, those around it (for exists), common table expressions."""

    ctes: Mapping[str, Mapping[str, Kind]]
    parent: _Scope | None
    sources: dict[str, Mapping[str, Kind]] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    broken: bool = False
    """Whether a source could not be understood: then its columns are not reported as unknown."""


class _Checker:
    """Walks a tree and collects what is wrong with it."""

    def __init__(self, source: Source, tables: Mapping[str, Mapping[str, Kind]]) -> None:
        self.source = source
        self.tables = tables
        self.used: set[str] = set()
        self.problems: list[Problem] = []
        self._last = 0

    # -- places and problems -------------------------------------------------------------------------------------------

    def place(self, node: exp.Expression | None) -> Place:
        """Where a node stands: its own position, that of the first part of it, or of what it is part of."""
        while node is not None:
            starts = [each.meta["start"] for each in node.walk() if "start" in each.meta]
            if starts:
                return self.source.place(min(starts))
            node = node.parent
        return self.source.place(0)

    def refuse(self, node: exp.Expression | None, message: str, fix: str = "") -> Kind:
        self.problems.append(Problem(self.place(node), message, fix))
        return "any"

    def written(self, node: exp.Expression) -> str:
        """A function's name as the text has it."""
        start, end = node.meta.get("start"), node.meta.get("end")
        if start is None or end is None:
            from sqlglot import exp

            return node.name.lower() if isinstance(node, exp.Anonymous) else node.key.replace("_", "")
        return self.source.text[start : end + 1].lower()

    def only(self, node: exp.Expression, allowed: Iterable[str], what: str) -> None:
        """Refuse every part of a node that is not in the subset."""
        for part, value in node.args.items():
            if value and part not in allowed:
                name = part.strip("_").replace("_", " ")
                first = value[0] if isinstance(value, list) and value else value
                self.refuse(
                    first if hasattr(first, "walk") else node,
                    f"{name} is not part of the portable subset" + (f" in {what}" if what else ""),
                    _INSTEAD_PART.get(part, "leave it out"),
                )

    # -- queries -------------------------------------------------------------------------------------------------------

    def query(
        self, node: exp.Expression, ctes: Mapping[str, Mapping[str, Kind]], parent: _Scope | None
    ) -> dict[str, Kind]:
        """Check a query; its columns and what their values are."""
        from sqlglot import exp

        inner = dict(ctes)
        having_with = node.args.get("with_")
        if having_with is not None:
            if having_with.args.get("recursive"):
                self.refuse(
                    having_with,
                    "a common table expression may not refer to itself",
                    "join numbers or calendar instead of with recursive",
                )
            for cte in having_with.expressions:
                self.cte(cte, inner)
        if isinstance(node, exp.Union):
            return self.union(node, inner, parent)
        if isinstance(node, exp.Subquery):
            self.only(node, ("this", "with_", "alias"), "a bracketed select")
            return self.query(node.this, inner, parent)
        if isinstance(node, exp.Select):
            return self.select(node, inner, parent)
        self.refuse(node, f"{node.key} is not part of the portable subset", "exists (…) or not exists (…) say the same")
        return {}

    def cte(self, cte: exp.Expression, into: dict[str, Mapping[str, Kind]]) -> None:
        name = cte.alias.lower()
        self.only(cte, ("this", "alias"), "a common table expression")
        if cte.args["alias"].args.get("columns"):
            self.refuse(
                cte.args["alias"], f"{name} names its columns in brackets", "name them in its select: … as name"
            )
        if name in into:
            self.refuse(cte.args["alias"], f"{name} is defined twice", "give each a name of its own")
        if name in self.tables:
            self.refuse(cte.args["alias"], f"{name} is a table already", f"give it another name, such as my_{name}")
        into[name] = self.query(cte.this, into, None)

    def union(self, node: exp.Union, ctes: Mapping[str, Mapping[str, Kind]], parent: _Scope | None) -> dict[str, Kind]:
        self.only(node, ("this", "expression", "with_", "distinct", "order"), "union all")
        if node.args.get("distinct"):
            self.refuse(
                node.expression, "union leaves rows out", "write union all; select distinct where rows may repeat"
            )
        left, right = self.query(node.this, ctes, parent), self.query(node.expression, ctes, parent)
        if left and right and len(left) != len(right):
            self.refuse(
                node.expression,
                f"union all joins {len(left)} columns with {len(right)}",
                "give both selects the same columns in the same order",
            )
            return left
        made: dict[str, Kind] = {}
        for (name, first), (other, second) in zip(left.items(), right.items(), strict=False):
            both = _unified((first, second))
            if both is None:
                self.refuse(
                    node.expression,
                    f"column {name} is {_WORDS[first]} in one select and {_WORDS[second]} ({other}) in the next",
                    "give both selects the same columns in the same order",
                )
            made[name] = both or "any"
        scope = _Scope(ctes, parent, {"": made})
        self.order(node.args.get("order"), scope, made)
        return made

    def select(
        self, node: exp.Select, ctes: Mapping[str, Mapping[str, Kind]], parent: _Scope | None
    ) -> dict[str, Kind]:
        from sqlglot import exp

        self.only(
            node,
            ("with_", "expressions", "from_", "joins", "where", "group", "having", "order", "distinct"),
            "a select",
        )
        if node.args.get("distinct") and node.args["distinct"].args.get("on"):
            self.refuse(node, "distinct on keeps a row that depends on the engine", _INSTEAD["first"])
        before = len(self.problems)
        scope = _Scope(ctes, parent)
        if node.args.get("from_") is not None:
            self.add(node.args["from_"].this, scope)
        for join in node.args.get("joins") or ():
            self.join(join, scope)
        if node.args.get("where"):
            self.need(node.args["where"].this, scope, "flag", "where", filters=True)
        made: dict[str, Kind] = {}
        for each in node.expressions:
            self.output(each, scope, made)
        groups = self.groups(node, scope, made)
        if node.args.get("having"):
            self.need(node.args["having"].this, scope, "flag", "having")
        self.order(node.args.get("order"), scope, made)
        self.misplaced(node)
        # a select that is wrong otherwise is not also told what it should have grouped by
        if groups is not None and len(self.problems) == before:
            for each in (*node.expressions, *([node.args["having"].this] if node.args.get("having") else ())):
                self.grouped(each.this if isinstance(each, exp.Alias) else each, groups)
        return made

    def misplaced(self, node: exp.Select) -> None:
        """Refuse sums and windows where rows are chosen, and sums of sums."""
        from sqlglot import exp

        gathers = (exp.Count, exp.Sum, exp.Min, exp.Max)
        joins = [join.args["on"] for join in node.args.get("joins") or () if join.args.get("on")]
        group = node.args["group"].expressions if node.args.get("group") else []
        where = [node.args["where"].this] if node.args.get("where") else []
        for part, name in ((where, "where"), (joins, "on"), (group, "group by")):
            for each in part:
                if _aggregates(each) or any(_of_this_select(each, exp.Window)):
                    self.refuse(
                        each,
                        f"{name} chooses rows before anything is counted, summed or numbered",
                        "do that in a common table expression first, or use having",
                    )
        for each in node.expressions:
            for outer in _of_this_select(each, gathers):
                if any(_aggregates(child) for child in outer.iter_expressions()) and not isinstance(
                    outer.parent, exp.Window
                ):
                    self.refuse(
                        outer, "this gathers what is already gathered", "gather in a common table expression first"
                    )

    def output(self, node: exp.Expression, scope: _Scope, made: dict[str, Kind]) -> None:
        from sqlglot import exp

        if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
            self.star(node, scope, made)
            return
        kind = self.expression(node.this if isinstance(node, exp.Alias) else node, scope)
        name = node.alias_or_name.lower() if isinstance(node, (exp.Alias, exp.Column)) else ""
        inside_exists = isinstance(node.parent, exp.Select) and isinstance(node.parent.parent, exp.Exists)
        if not name:
            if inside_exists:
                return
            self.refuse(node, "this column has no name", "give it one: … as name")
        elif name in made and not inside_exists:
            self.refuse(node, f"there are two columns called {name}", "give each a name of its own: … as name")
        made[name or f"column {len(made) + 1}"] = kind

    def star(self, node: exp.Expression, scope: _Scope, made: dict[str, Kind]) -> None:
        star = node if node.key == "star" else node.this
        self.only(star, (), "*")
        if scope.merged:
            self.refuse(node, "* with using gives columns in an order that depends on the engine", "name the columns")
        alias = node.args["table"].name.lower() if node.key == "column" and node.args.get("table") else None
        if alias is not None and alias not in scope.sources:
            self.refuse(node, f"there is no table {alias} in this select", nearest(alias, scope.sources))
        for name, columns in scope.sources.items():
            if alias in (None, name):
                for column, kind in columns.items():
                    if column in made:
                        self.refuse(node, f"* gives two columns called {column}", "name the columns")
                    made[column] = kind

    def groups(self, node: exp.Select, scope: _Scope, made: Mapping[str, Kind]) -> set[str] | None:
        """What a select groups by, as printed; None if it does not group."""
        from sqlglot import exp

        group = node.args.get("group")
        if group is None:
            return set() if any(_aggregates(each) for each in node.expressions) or node.args.get("having") else None
        self.only(group, ("expressions",), "group by")
        found: set[str] = set()
        for each in group.expressions:
            if isinstance(each, exp.Literal) and not each.is_string and each.name.isdigit():
                if not 1 <= int(each.name) <= len(node.expressions):
                    self.refuse(each, f"there is no column {each.name}", f"this select has {len(node.expressions)}")
                    continue
                target = node.expressions[int(each.name) - 1]
                found.add(_plain(target.this if isinstance(target, exp.Alias) else target))
                continue
            if isinstance(each, exp.Column) and not each.table and not self.finds(each.name.lower(), scope):
                named = [
                    one
                    for one in node.expressions
                    if isinstance(one, exp.Alias) and one.alias.lower() == each.name.lower()
                ]
                if named:
                    found.add(_plain(named[0].this))
                    continue
            self.expression(each, scope)
            found.add(_plain(each))
        return found

    def grouped(self, node: exp.Expression, groups: set[str]) -> None:
        """Refuse a column outside an aggregate that the select does not group by."""
        from sqlglot import exp

        if _plain(node) in groups or isinstance(node, (exp.Exists, exp.Query)):
            return
        if isinstance(node, exp.AggFunc) and not _window_only(node) and not isinstance(node.parent, exp.Window):
            return
        if isinstance(node, exp.Filter):
            return
        if isinstance(node, exp.Column):
            self.refuse(
                node,
                f"{node.name} is neither grouped by nor inside sum, count, min or max",
                f"group by {node.name}, or write max({node.name})",
            )
            return
        for child in node.iter_expressions():
            self.grouped(child, groups)

    def order(self, order: exp.Expression | None, scope: _Scope, made: Mapping[str, Kind]) -> None:
        from sqlglot import exp

        for each in order.expressions if order is not None else ():
            target = each.this
            if isinstance(target, exp.Literal):
                if target.is_string or not target.name.isdigit() or not 1 <= int(target.name) <= len(made):
                    self.refuse(target, f"there is no column {target.name}", f"this select has {len(made)}")
            elif not (isinstance(target, exp.Column) and not target.table and target.name.lower() in made):
                self.expression(target, scope)

    # -- tables --------------------------------------------------------------------------------------------------------

    def add(self, node: exp.Expression, scope: _Scope) -> None:
        """Bring a table or a bracketed select into a scope."""
        from sqlglot import exp

        if isinstance(node, exp.Subquery):
            self.only(node, ("this", "alias"), "a bracketed select")
            name = node.alias.lower()
            if not name:
                self.refuse(node, "this bracketed select has no name", "give it one: (select …) as name")
            columns = self.query(node.this, scope.ctes, None)
        elif isinstance(node, exp.Table):
            name, columns = node.alias_or_name.lower(), self.table(node, scope)
        else:
            self.refuse(node, f"{node.key} cannot stand where a table stands", "name a table, or a select in brackets")
            scope.broken = True
            return
        if node.args.get("alias") is not None and node.args["alias"].args.get("columns"):
            self.refuse(
                node.args["alias"], "columns are renamed in brackets here", "name them in the select: … as name"
            )
        if columns is None:
            scope.broken = True
            columns = {}
        if name in scope.sources:
            self.refuse(node, f"two tables are called {name} here", "give one another name: … as other")
        scope.sources[name] = columns

    def table(self, node: exp.Table, scope: _Scope) -> Mapping[str, Kind] | None:
        from sqlglot import exp

        if isinstance(node.this, exp.Func):
            self.refuse(
                node,
                f"{self.written(node.this)}(…) may not stand where a table stands",
                "a measure reads the tables of the record and the lists of its card, no files, no addresses and no functions that make tables",
            )
            return None
        name = node.name.lower()
        if any(sign in name for sign in ("/", "\\", ".", ":")):
            self.refuse(
                node,
                f"{shortened(node.name, 40)} looks like a file or an address",
                "a measure reads the tables of the record and the lists of its card, nothing else",
            )
            return None
        if node.args.get("db") or node.args.get("catalog"):
            self.refuse(
                node,
                f"{name} is asked of another schema",
                f"write {name} alone: a measure reads the record and the lists of its card",
            )
            return None
        self.only(node, ("this", "alias"), "a table")
        if name in scope.ctes:
            return scope.ctes[name]
        if name in self.tables:
            self.used.add(name)
            return self.tables[name]
        close = nearest(name, (*self.tables, *scope.ctes))
        self.refuse(node, f"there is no table {name}", close or f"the tables are {', '.join(self.tables)}")
        return None

    def join(self, join: exp.Expression, scope: _Scope) -> None:
        self.only(join, ("this", "side", "kind", "on", "using"), "a join")
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        if kind not in ("", "INNER", "CROSS", "OUTER", "SEMI", "ANTI") or side not in ("", "LEFT", "FULL", "RIGHT"):
            self.refuse(
                join,
                f"{' '.join(filter(None, (side, kind))).lower()} join is not part of the portable subset",
                "use join, left join, cross join, semi join or anti join",
            )
        before = dict(scope.sources)
        self.add(join.this, scope)
        for each in join.args.get("using") or ():
            name = each.name.lower()
            if not scope.broken and (
                not any(name in columns for columns in before.values()) or name not in list(scope.sources.values())[-1]
            ):
                self.refuse(each, f"{name} is not a column on both sides", "join with: on a.this = b.that")
            scope.merged.add(name)
        if join.args.get("on"):
            self.need(join.args["on"], scope, "flag", "on")
        elif kind != "CROSS" and not join.args.get("using") and (side or kind):
            self.refuse(join, "this join does not say on what", "join … on …, or cross join")
        if kind in ("SEMI", "ANTI"):
            scope.sources = before

    # -- names ---------------------------------------------------------------------------------------------------------

    def finds(self, name: str, scope: _Scope) -> list[Kind]:
        return [columns[name] for columns in scope.sources.values() if name in columns]

    def column(self, node: exp.Column, scope: _Scope) -> Kind:
        name, alias = node.name.lower(), node.table.lower()
        if node.args.get("db"):
            return self.refuse(node, f"{name} is asked of another schema", "write table.column")
        at: _Scope | None = scope
        while at is not None:
            if alias:
                if alias in at.sources:
                    if name in at.sources[alias]:
                        return at.sources[alias][name]
                    if at.broken and not at.sources[alias]:
                        return "any"
                    columns = at.sources[alias]
                    return self.refuse(
                        node, f"{alias} has no column {name}", nearest(name, columns) or f"it has {', '.join(columns)}"
                    )
            else:
                kinds = self.finds(name, at)
                if len(kinds) == 1 or (kinds and name in at.merged):
                    return kinds[0]
                if kinds:
                    owners = [each for each, columns in at.sources.items() if name in columns]
                    return self.refuse(
                        node, f"{name} is a column of {' and of '.join(owners)}", f"say which: {owners[0]}.{name}"
                    )
                if at.broken:
                    return "any"
            at = at.parent
        if alias:
            return self.refuse(
                node,
                f"there is no table {alias} in this select",
                nearest(alias, scope.sources) or "add it with join, or leave the name before the point out",
            )
        every = {column for columns in scope.sources.values() for column in columns}
        likeliest = nearest(name, every) or (f"there are {', '.join(sorted(every))}" if every else "")
        return self.refuse(node, f"there is no column {name} here", likeliest)

    # -- expressions ---------------------------------------------------------------------------------------------------

    def need(self, node: exp.Expression, scope: _Scope, kind: Kind, where: str, filters: bool = False) -> None:
        """Check an expression that must be of one kind."""
        found = self.expression(node, scope, filters)
        if _unified((found, kind)) is None or (kind == "whole" and found == "number"):
            fix = {
                ("day", "text"): "write a day as date '2026-04-01'",
                ("whole", "flag"): "case when … then 1 else 0 end",
                ("whole", "number"): "ten_thousandths(x) makes a whole number of it",
                ("flag", "whole"): "compare it: … = 1",
            }.get((kind, found), "")
            self.refuse(node, f"{where} needs {_WORDS[kind]}, and this is {_WORDS[found]}", fix)

    def same(self, nodes: Iterable[exp.Expression | None], scope: _Scope, where: str) -> Kind:
        """Check expressions that must be of one kind among them."""
        given = [node for node in nodes if node is not None]
        kinds = [self.expression(node, scope) for node in given]
        both = _unified(kinds)
        if both is None:
            fix = (
                "write a day as date '2026-04-01'"
                if {"day", "text"} <= set(kinds)
                else "nothing is cast silently: compare like with like"
            )
            words = list(dict.fromkeys(_WORDS[kind] for kind in kinds if kind not in ("nothing", "any")))
            self.refuse(given[0], f"{where} puts {' beside '.join(words)}", fix)
        return both or "any"

    def expression(self, node: exp.Expression, scope: _Scope, filters: bool = False) -> Kind:
        """Check an expression, and say what its value is. ``filters``: inside where, outside case."""
        from sqlglot import exp

        match node:
            case exp.Paren():
                return self.expression(node.this, scope, filters)
            case exp.Column():
                if isinstance(node.this, exp.Star):
                    return self.refuse(node, "* may only stand alone in a select or in count(*)", "name the columns")
                return self.column(node, scope)
            case exp.Literal():
                if node.is_string:
                    return "text"
                return "whole" if node.name.isdigit() else self.decimal(node)
            case exp.Boolean():
                return "flag"
            case exp.Null():
                return "nothing"
            case exp.And() | exp.Or():
                for each in (node.left, node.right):
                    self.need(each, scope, "flag", node.key, filters)
                return "flag"
            case exp.Not():
                if isinstance(node.this, exp.In) and node.this.args.get("query"):
                    self.refuse(
                        node,
                        "not in (select …) gives nothing at all when one value is missing",
                        "write not exists (select 1 from … where …)",
                    )
                self.need(node.this, scope, "flag", "not", filters)
                return "flag"
            case (
                exp.NullSafeEQ()
                | exp.NullSafeNEQ()
                | exp.EQ()
                | exp.NEQ()
                | exp.LT()
                | exp.LTE()
                | exp.GT()
                | exp.GTE()
            ):
                self.same((node.left, node.right), scope, "this comparison")
                return "flag"
            case exp.Is():
                self.expression(node.this, scope)
                if not isinstance(node.expression, (exp.Null, exp.Boolean)):
                    self.refuse(node, "is is followed by null, true or false", "compare values with =")
                return "flag"
            case exp.Between():
                self.only(node, ("this", "low", "high"), "between")
                self.same((node.this, node.args["low"], node.args["high"]), scope, "between")
                return "flag"
            case exp.In():
                return self.membership(node, scope, filters)
            case exp.Exists():
                if not filters:
                    self.refuse(
                        node, "exists may only stand in where", "left join it, and ask whether a column of it is null"
                    )
                self.query(node.this, scope.ctes, scope)
                return "flag"
            case exp.Like():
                return self.like(node, scope)
            case exp.Case():
                return self.case(node, scope)
            case exp.Add() | exp.Sub() | exp.Mul():
                return self.arithmetic(node, scope)
            case exp.Neg():
                kind = self.expression(node.this, scope)
                return (
                    kind
                    if kind in ("whole", "number", "any")
                    else self.refuse(node, f"- cannot stand before {_WORDS[kind]}")
                )
            case exp.Mod():
                self.need(node.left, scope, "whole", "%")
                if not (isinstance(node.right, exp.Literal) and node.right.name.isdigit() and int(node.right.name)):
                    self.refuse(node.right, "what stands after % is a whole number above 0", "a % 7")
                return "whole"
            case exp.Div() | exp.IntDiv():
                self.expression(node.left, scope)
                self.expression(node.right, scope)
                return self.refuse(
                    node,
                    "/ gives different numbers on different engines",
                    "quotient(a, b) divides whole numbers and cuts towards zero; a ratio stays two columns",
                )
            case exp.DPipe():
                for each in (node.left, node.right):
                    self.need(each, scope, "text", "||")
                return "text"
            case exp.Cast():
                return self.cast(node, scope)
            case exp.Window():
                return self.window(node, scope)
            case exp.Filter():
                if not isinstance(node.this, (exp.Count, exp.Sum, exp.Min, exp.Max)):
                    self.refuse(node, "filter follows count, sum, min or max", "count(*) filter (where …)")
                self.need(node.expression.this, scope, "flag", "filter")
                return self.expression(node.this, scope)
            case exp.Interval():
                return self.refuse(node, "intervals differ between engines", "add_days(d, n) or add_months(d, n)")
            case exp.Select() | exp.Subquery() | exp.Union():
                return self.refuse(
                    node, "a select may not stand where one value stands", "join it: cross join (select …) as name"
                )
            case exp.Func():
                return self.function(node, scope)
            case _:
                return self.refuse(
                    node, f"{node.key} is not part of the portable subset", "see the list of what a measure may use"
                )

    def decimal(self, node: exp.Expression) -> Kind:
        whole, _, places = node.name.partition(".")
        if not (whole + places).isdigit() or len(places) > 4:
            return self.refuse(
                node, f"{node.name} is not a number with at most four places", "write it without an exponent: 0.0001"
            )
        return "number"

    def membership(self, node: exp.Expression, scope: _Scope, filters: bool) -> Kind:
        self.only(node, ("this", "expressions", "query"), "in")
        query = node.args.get("query")
        if query is None:
            self.same((node.this, *node.expressions), scope, "in")
            return "flag"
        kind = self.expression(node.this, scope)
        if not filters:
            self.refuse(
                node, "in (select …) may only stand in where", "left join it, and ask whether a column of it is null"
            )
        columns = self.query(query.this if query.key == "subquery" else query, scope.ctes, None)
        if len(columns) > 1:
            self.refuse(
                query,
                f"in takes one column, and this select has {len(columns)}",
                "exists (select 1 from … where …) compares several",
            )
        elif columns and _unified((kind, *columns.values())) is None:
            self.refuse(
                node, f"in puts {_WORDS[kind]} beside {_WORDS[next(iter(columns.values()))]}", "compare like with like"
            )
        return "flag"

    def like(self, node: exp.Expression, scope: _Scope) -> Kind:
        from sqlglot import exp

        self.need(node.this, scope, "text", "like")
        pattern = node.expression
        if not (isinstance(pattern, exp.Literal) and pattern.is_string and _prefix(pattern.name) is not None):
            self.refuse(
                pattern,
                "like takes a text in quotation marks that ends in % and has no other %, _ or \\",
                "like 'J4%'; longer patterns belong in a code list",
            )
        return "flag"

    def case(self, node: exp.Expression, scope: _Scope) -> Kind:
        subject = node.this
        for each in node.args["ifs"]:
            if subject is None:
                self.need(each.this, scope, "flag", "when")
            else:
                self.same((subject, each.this), scope, "when")
        values = [each.args["true"] for each in node.args["ifs"]]
        return self.same((*values, node.args.get("default")), scope, "case")

    def arithmetic(self, node: exp.Expression, scope: _Scope) -> Kind:
        from sqlglot import exp

        sign = {"add": "+", "sub": "-", "mul": "*"}[node.key]
        if any(isinstance(each, exp.Interval) for each in (node.left, node.right)):
            return self.refuse(node, "intervals differ between engines", "add_days(d, n) or add_months(d, n)")
        kinds = [self.expression(each, scope) for each in (node.left, node.right)]
        if "day" in kinds:
            fix = (
                "days_between(a, b) is b - a"
                if sign == "-" and kinds == ["day", "day"]
                else "add_days(d, n), with n below 0 to go back"
            )
            return self.refuse(node, f"days and {sign} differ between engines", fix)
        if sign == "*" and "number" in kinds:
            return self.refuse(
                node,
                "products of numbers with places differ between engines",
                "ten_thousandths(x) makes a whole number first",
            )
        both = _unified(kinds)
        if both is None or both in ("text", "flag"):
            wrong = next(kind for kind in kinds if kind not in ("whole", "number", "any", "nothing"))
            return self.refuse(
                node, f"{sign} cannot take {_WORDS[wrong]}", "case when … then 1 else 0 end" if wrong == "flag" else ""
            )
        return "whole" if both == "nothing" else both

    def cast(self, node: exp.Expression, scope: _Scope) -> Kind:
        from sqlglot import exp

        self.only(node, ("this", "to"), "cast") if node.key == "cast" else self.refuse(
            node, "try_cast is not part of the portable subset", _INSTEAD["try_cast"]
        )
        to = node.args["to"].this
        kinds: Mapping[object, Kind] = {
            exp.DType.BIGINT: "whole",
            exp.DType.INT: "whole",
            exp.DType.TEXT: "text",
            exp.DType.VARCHAR: "text",
            exp.DType.DATE: "day",
            exp.DType.BOOLEAN: "flag",
        }
        kind = kinds.get(to)
        if kind is None or node.args["to"].expressions:
            self.expression(node.this, scope)
            return self.refuse(
                node,
                f"cast to {node.args['to'].sql().lower()} is not part of the portable subset",
                "bigint, text, date and boolean are",
            )
        if isinstance(node.this, exp.Literal) and node.this.is_string and kind == "day":
            import datetime as dt

            try:
                dt.date.fromisoformat(node.this.name)
                if len(node.this.name) != 10:
                    raise ValueError
            except ValueError:
                self.refuse(node, f"{shortened(node.this.name, 20)} is not a day", "write it as date '2026-04-01'")
            return "day"
        found = self.expression(node.this, scope)
        if found not in (kind, "nothing", "any") and not (found == "whole" and kind == "text"):
            self.refuse(
                node,
                f"a cast from {_WORDS[found]} to {_WORDS[kind]} differs between engines",
                "ten_thousandths(x)" if found == "number" else "",
            )
        return kind

    def window(self, node: exp.Expression, scope: _Scope) -> Kind:
        from sqlglot import exp

        self.only(node, ("this", "partition_by", "order", "spec", "over"), "over (…)")
        inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
        ranked = isinstance(inner, (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead))
        if not ranked and not isinstance(inner, (exp.Sum, exp.Count, exp.Min, exp.Max)):
            return self.refuse(
                node,
                f"{self.written(inner)} over (…) is not part of the portable subset",
                _INSTEAD.get(self.written(inner), "use row_number, rank, lag, lead, sum, count, min or max"),
            )
        for each in node.args.get("partition_by") or ():
            self.expression(each, scope)
        order = node.args.get("order")
        for each in order.expressions if order is not None else ():
            if isinstance(each.this, exp.Literal):
                self.refuse(each, "a number is no order inside over (…)", "name the column")
            self.expression(each.this, scope)
        if ranked and order is None:
            self.refuse(
                node,
                f"{self.written(inner)}() has no order",
                "over (partition by … order by …), down to a column that settles every tie, such as row",
            )
        spec = node.args.get("spec")
        if spec is not None:
            self.only(spec, ("kind", "start", "start_side", "end", "end_side"), "over (…)")
            if str(spec.args.get("kind")).upper() != "ROWS" or order is None:
                self.refuse(
                    node,
                    "only rows between … with an order is part of the portable subset",
                    "order by … rows between unbounded preceding and current row",
                )
        if isinstance(inner, exp.Count) and isinstance(inner.this, exp.Distinct):
            self.refuse(
                node,
                "count(distinct …) over (…) differs between engines",
                "count in a select with group by, and join it",
            )
        if ranked and isinstance(inner, (exp.Lag, exp.Lead)):
            self.only(inner, ("this", "offset", "default"), "lag and lead")
            offset = inner.args.get("offset")
            if offset is not None and not (isinstance(offset, exp.Literal) and offset.name.isdigit()):
                self.refuse(offset, "how far lag and lead look is a whole number", "lag(day, 1)")
            return self.same((inner.this, inner.args.get("default")), scope, "lag")
        if ranked:
            return "whole"
        return self.expression(node.this, scope)

    def function(self, node: exp.Expression, scope: _Scope) -> Kind:
        from sqlglot import exp

        name = self.written(node)
        if name in _OWN:
            return self.own(node, name, scope)
        match node:
            case exp.Count():
                self.only(node, ("this", "expressions", "big_int"), "count")
                counted = node.this
                if isinstance(counted, exp.Distinct):
                    if len(counted.expressions) != 1:
                        self.refuse(
                            node,
                            "count(distinct …) takes one column",
                            "select distinct a, b in brackets, and count its rows",
                        )
                    for each in counted.expressions:
                        self.expression(each, scope)
                elif counted is not None and not isinstance(counted, exp.Star):
                    self.expression(counted, scope)
                if node.expressions:
                    self.refuse(node, "count takes one value", "count(*) counts rows")
                return "whole"
            case exp.Sum():
                if isinstance(node.this, exp.Distinct):
                    return self.refuse(
                        node,
                        "sum(distinct …) adds equal values once, which is hardly ever meant",
                        "sum a select distinct in brackets",
                    )
                self.need(node.this, scope, "whole", "sum")
                return "whole"
            case exp.Min() | exp.Max():
                if node.expressions:
                    self.refuse(node, f"{name} takes one value", "least(a, b) and greatest(a, b) compare several")
                kind = self.expression(node.this, scope)
                return (
                    self.refuse(node, f"{name} cannot take true or false", "max(case when … then 1 else 0 end)")
                    if kind == "flag"
                    else kind
                )
            case exp.Coalesce() | exp.Least() | exp.Greatest() if name in ("coalesce", "least", "greatest"):
                return self.same((node.this, *node.expressions), scope, name)
            case exp.Nullif():
                return self.same((node.this, node.expression), scope, name)
            case exp.Abs():
                self.need(node.this, scope, "whole", "abs")
                return "whole"
            case exp.Lower() | exp.Upper():
                self.need(node.this, scope, "text", name)
                return "text"
            case exp.Length() if name == "length":
                self.need(node.this, scope, "text", name)
                return "whole"
            case exp.StartsWith():
                self.need(node.this, scope, "text", name)
                self.need(node.expression, scope, "text", name)
                return "flag"
            case exp.Substring() if name == "substr":
                self.need(node.this, scope, "text", name)
                self.positive(node.args.get("start"), name)
                if node.args.get("length") is not None:
                    self.positive(node.args["length"], name)
                return "text"
            case exp.SplitPart():
                self.need(node.this, scope, "text", name)
                delimiter = node.args.get("delimiter")
                if not (isinstance(delimiter, exp.Literal) and delimiter.is_string and delimiter.name):
                    self.refuse(node, "split_part divides at a text in quotation marks", "split_part(codes, ' ', 1)")
                self.positive(node.args.get("part_index"), name)
                return "text"
            case exp.RowNumber() | exp.Rank() | exp.DenseRank() | exp.Lag() | exp.Lead():
                return self.refuse(
                    node, f"{name}() stands without over (…)", f"{name}() over (partition by … order by …)"
                )
            case _:
                for each in node.iter_expressions():
                    if not isinstance(each, (exp.Var, exp.DataType, exp.Select, exp.Interval)):
                        self.expression(each, scope)
                names = [each.split("(")[0] for group in FUNCTIONS for each in group.split("), ")]
                close = difflib.get_close_matches(name, names, 1, 0.75)
                fix = _INSTEAD.get(name) or (
                    f"did you mean {close[0]}?" if close else f"the functions are {', '.join(sorted(set(names)))}"
                )
                return self.refuse(node, f"{name} is not a function of the portable subset", fix)

    def own(self, node: exp.Expression, name: str, scope: _Scope) -> Kind:
        takes, gives = _OWN[name]
        given = list(node.iter_expressions())
        if len(given) != len(takes):
            how = next(each for each in FUNCTIONS if each.startswith(name))
            return self.refuse(node, f"{name} takes {len(takes)} values, and there are {len(given)}", how)
        for each, kind in zip(given, takes, strict=True):
            self.need(each, scope, kind, name)
        return gives

    def positive(self, node: exp.Expression | None, name: str) -> None:
        from sqlglot import exp

        if not (isinstance(node, exp.Literal) and node.name.isdigit() and int(node.name)):
            self.refuse(
                node,
                f"{name} counts with whole numbers from 1, written out",
                f"{name}(t, 1, 3)" if name == "substr" else f"{name}(t, ' ', 1)",
            )


_INSTEAD_PART: Mapping[str, str] = {
    "limit": "a measure gives every row; number them with row_number() to keep some",
    "offset": "number the rows with row_number() to keep some",
    "qualify": "number the rows in a common table expression, and say where in the select after it",
    "windows": "write the window where it is used: over (partition by … order by …)",
    "laterals": "join a select in brackets",
    "sample": "a measure takes every row",
    "pivots": "sum(case when … then … end) as column",
    "except_": "name the columns",
    "replace": "name the columns",
    "rename": "name the columns",
    "grouping_sets": "one select for each, with union all",
    "cube": "one select for each, with union all",
    "rollup": "one select for each, with union all",
    "all": "name what it is grouped by",
    "method": "use join … on …",
    "match_condition": "number the rows with row_number() and keep row 1",
    "exclude": "leave it out",
    "by_name": "give both selects the same columns in the same order",
    "into": "a measure writes nothing",
    "locks": "a measure writes nothing",
}


def _aggregates(node: exp.Expression) -> bool:
    """Whether an expression gathers rows outside a window."""
    from sqlglot import exp

    if isinstance(node, (exp.Exists, exp.Query)):
        return False
    if isinstance(node, exp.Window):
        inner = node.this
        return any(_aggregates(each) for each in inner.iter_expressions()) or any(
            _aggregates(each) for each in node.iter_expressions() if each is not inner
        )
    if isinstance(node, (exp.Count, exp.Sum, exp.Min, exp.Max)):
        return True
    return any(_aggregates(each) for each in node.iter_expressions())


def _of_this_select(node: exp.Expression, kinds: type | tuple[type, ...]) -> list[exp.Expression]:
    """The parts of an expression that are of some kinds, without those of selects inside it."""
    from sqlglot import exp

    if isinstance(node, (exp.Exists, exp.Query)):
        return []
    found = [node] if isinstance(node, kinds) else []
    return found + [each for child in node.iter_expressions() for each in _of_this_select(child, kinds)]


def _window_only(node: exp.Expression) -> bool:
    from sqlglot import exp

    return isinstance(node, (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead))


def _plain(node: exp.Expression) -> str:
    """An expression for comparing with another: without case, brackets and the table before a column."""
    from sqlglot import exp

    while isinstance(node, exp.Paren):
        node = node.this
    bare = node.copy()
    for column in [bare] if isinstance(bare, exp.Column) else list(bare.find_all(exp.Column)):
        column.set("table", None)
    return bare.sql("duckdb").lower() if not isinstance(node, exp.Literal) else repr(node)


def _unified(kinds: Iterable[Kind]) -> Kind | None:
    """The kind that several values share; None if they share none."""
    found: set[Kind] = set(kinds) - {"nothing"}
    if not found:
        return "nothing"
    if "any" in found:
        return (
            next(iter(found - {"any"}), "any")
            if len(found) <= 2
            else ("number" if found == {"any", "whole", "number"} else None)
        )
    if found == {"whole", "number"}:
        return "number"
    return next(iter(found)) if len(found) == 1 else None


def _prefix(pattern: str) -> str | None:
    """What a text must begin with to be like a pattern; None if the pattern is not a prefix."""
    word = pattern.removesuffix("%")
    return None if pattern == word or any(sign in word for sign in "%_\\") or not word else word


# -- printing ----------------------------------------------------------------------------------------------------------


@cache
def _generator(dialect: Dialect) -> type:
    """The printer of a dialect, that says of every order where missing values come."""
    from sqlglot.dialects.dialect import Dialect as Dialects

    class Printer(Dialects.get_or_raise(dialect).generator_class):
        """Prints orders in full."""

        def ordered_sql(self, expression: exp.Ordered) -> str:
            direction = "DESC" if expression.args.get("desc") else "ASC"
            nulls = "FIRST" if expression.args.get("nulls_first") else "LAST"
            return f"{self.sql(expression, 'this')} {direction} NULLS {nulls}"

    return Printer


def _printed(tree: exp.Query, dialect: Dialect) -> str:
    from sqlglot.dialects.dialect import Dialect as Dialects

    made = tree.copy().transform(_translated, dialect, copy=False)
    return _generator(dialect)(dialect=Dialects.get_or_raise(dialect), identify=True, pretty=True).generate(
        made, copy=False
    )


def _translated(node: exp.Expression, dialect: Dialect) -> exp.Expression:
    """One node for an engine: own functions, the width of sums, prefixes."""
    from sqlglot import exp

    if isinstance(node, exp.Like):
        return exp.StartsWith(this=node.this, expression=exp.Literal.string(_prefix(node.expression.name) or ""))
    if isinstance(node, exp.AddMonths):
        return _own("add_months", list(node.iter_expressions()), dialect)
    if isinstance(node, exp.Anonymous) and node.name.lower() in _OWN:
        return _own(node.name.lower(), node.expressions, dialect)
    if isinstance(node, exp.Sum) and dialect == "duckdb":
        # DuckDB adds whole numbers in 128 bits; the cast stands around the filter and the window that belong to it
        top: exp.Expression = node
        while isinstance(top.parent, (exp.Filter, exp.Window)) and top.parent.this is top:
            top = top.parent
        if top is node:
            return exp.Cast(this=node, to=exp.DataType.build("bigint"))
    if isinstance(node, (exp.Filter, exp.Window)) and dialect == "duckdb":
        inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
        outermost = not (isinstance(node.parent, exp.Window) and node.parent.this is node)
        if isinstance(inner, exp.Sum) and outermost:
            return exp.Cast(this=node, to=exp.DataType.build("bigint"))
    return node


def _own(name: str, given: list[exp.Expression], dialect: Dialect) -> exp.Expression:
    """An own function in the SQL of an engine."""
    from sqlglot import exp

    args = [each.copy() for each in given]
    args = [exp.paren(each) if isinstance(each, (exp.Binary, exp.Case)) else each for each in args]

    def call(function: str, *values: exp.Expression) -> exp.Expression:
        return exp.Anonymous(this=function, expressions=[value.copy() for value in values])

    def cast(value: exp.Expression, to: str) -> exp.Expression:
        return exp.Cast(this=value, to=exp.DataType.build(to))

    duck = dialect == "duckdb"
    match name:
        case "days_between":
            first, last = args
            return exp.paren(exp.Sub(this=last, expression=first)) if duck else call("datediff", last, first)
        case "add_days":
            day, count = args
            count = cast(count, "int")
            return exp.paren(exp.Add(this=day, expression=count)) if duck else call("date_add", day, count)
        case "add_months":
            day, count = args
            count = cast(count, "int")
            if duck:
                return cast(exp.Add(this=day, expression=call("to_months", count)), "date")
            return call("add_months", day, count)
        case "age_on":
            born, day = args
            birthday = [
                exp.Add(
                    this=exp.Mul(this=call("month", each), expression=exp.Literal.number(100)),
                    expression=call("day", each),
                )
                for each in (born, day)
            ]
            before = exp.Case(
                ifs=[exp.If(this=exp.LT(this=birthday[1], expression=birthday[0]), true=exp.Literal.number(1))],
                default=exp.Literal.number(0),
            )
            years = exp.Sub(this=call("year", day), expression=call("year", born))
            return exp.paren(exp.Sub(this=years, expression=before))
        case "first_of_month":
            return cast(call("date_trunc", exp.Literal.string("month"), args[0]), "date")
        case "year_of":
            return call("year", args[0])
        case "quotient":
            whole, by = args
            by = exp.Nullif(this=by, expression=exp.Literal.number(0))
            return exp.paren(exp.IntDiv(this=whole, expression=by))
        case _:  # ten_thousandths
            return cast(exp.paren(exp.Mul(this=args[0], expression=exp.Literal.number(10000))), "bigint")
