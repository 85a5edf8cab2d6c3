"""Checking a select: every name is known, every part is in the portable subset, like stands beside like."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from accord.language.place import Place, Source
from accord.language.problem import Problem, nearest, shortened
from accord.record.subset import (
    FUNCTIONS,
    INSTEAD,
    INSTEAD_OF_PART,
    OWN,
    WORDS,
    Kind,
    prefix_of,
    unified,
)

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.expressions.core import Expr


@dataclass(slots=True)
class _Scope:
    """What names mean in one select: its sources by alias, those around it (for exists), common table expressions."""

    ctes: Mapping[str, Mapping[str, Kind]]
    parent: _Scope | None
    sources: dict[str, Mapping[str, Kind]] = field(default_factory=dict)
    merged: set[str] = field(default_factory=set)
    broken: bool = False
    """Whether a source could not be understood: then its columns are not reported as unknown."""


def check(tree: exp.Query, source: Source, tables: Mapping[str, Mapping[str, Kind]]) -> Checked:
    """Check a parsed select that may read the tables given by name, each with its columns."""
    checker = _Checker(source, tables)
    kinds = checker.query(tree, {}, None)
    problems = sorted(set(checker.problems), key=lambda each: (each.place.line, each.place.column))
    return Checked(kinds, frozenset(checker.used), tuple(problems))


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking a select found: its columns in order, the tables that it reads, and what is wrong."""

    kinds: Mapping[str, Kind]
    tables: frozenset[str]
    problems: tuple[Problem, ...]


class _Checker:
    """Walks a tree and collects what is wrong with it."""

    def __init__(self, source: Source, tables: Mapping[str, Mapping[str, Kind]]) -> None:
        self.source = source
        self.tables = tables
        self.used: set[str] = set()
        self.problems: list[Problem] = []

    # -- places and problems -------------------------------------------------------------------------------------------

    def place(self, node: Expr | None) -> Place:
        """Where a node stands: its own position, that of the first part of it, or of what it is part of."""
        while node is not None:
            starts = [each.meta["start"] for each in node.walk() if "start" in each.meta]
            if starts:
                return self.source.place(min(starts))
            node = node.parent
        return self.source.place(0)

    def refuse(self, node: Expr | None, message: str, fix: str = "") -> Kind:
        self.problems.append(Problem(self.place(node), message, fix))
        return "any"

    def written(self, node: Expr) -> str:
        """A function's name as the text has it."""
        start, end = node.meta.get("start"), node.meta.get("end")
        if start is None or end is None:
            from sqlglot import exp

            return node.name.lower() if isinstance(node, exp.Anonymous) else node.key.replace("_", "")
        return self.source.text[start : end + 1].lower()

    def only(self, node: Expr, allowed: Iterable[str], what: str) -> None:
        """Refuse every part of a node that is not in the subset."""
        from sqlglot.expressions.core import Expr

        for part, value in node.args.items():
            if value and part not in allowed:
                name = part.strip("_").replace("_", " ")
                first = value[0] if isinstance(value, list) and value else value
                self.refuse(
                    first if isinstance(first, Expr) else node,
                    f"{name} is not part of the portable subset" + (f" in {what}" if what else ""),
                    INSTEAD_OF_PART.get(part, "leave it out"),
                )

    # -- queries -------------------------------------------------------------------------------------------------------

    def query(self, node: Expr, ctes: Mapping[str, Mapping[str, Kind]], parent: _Scope | None) -> dict[str, Kind]:
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

    def cte(self, cte: Expr, into: dict[str, Mapping[str, Kind]]) -> None:
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
            both = unified((first, second))
            if both is None:
                self.refuse(
                    node.expression,
                    f"column {name} is {WORDS[first]} in one select and {WORDS[second]} ({other}) in the next",
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
            self.refuse(node, "distinct on keeps a row that depends on the engine", INSTEAD["first"])
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
            for each in node.args["order"].expressions if node.args.get("order") else ():
                named = isinstance(each.this, exp.Column) and not each.this.table and each.this.name.lower() in made
                if not named and not isinstance(each.this, exp.Literal):
                    self.grouped(each.this, groups)
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

    def output(self, node: Expr, scope: _Scope, made: dict[str, Kind]) -> None:
        from sqlglot import exp

        if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
            self.star(node, scope, made)
            return
        kind = self.expression(node.this if isinstance(node, exp.Alias) else node, scope)
        name = node.alias_or_name.lower() if isinstance(node, (exp.Alias, exp.Column)) else ""
        inside_exists = isinstance(node.parent, exp.Select) and isinstance(node.parent.parent, exp.Exists)
        # a select after union all takes its names from the first
        named_before = isinstance(node.parent, exp.Select) and node.parent.arg_key == "expression"
        if not name:
            if inside_exists:
                return
            if not named_before:
                self.refuse(node, "this column has no name", "give it one: … as name")
        elif name in made and not inside_exists:
            self.refuse(node, f"there are two columns called {name}", "give each a name of its own: … as name")
        made[name or f"column {len(made) + 1}"] = kind

    def star(self, node: Expr, scope: _Scope, made: dict[str, Kind]) -> None:
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

    def grouped(self, node: Expr, groups: set[str]) -> None:
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

    def order(self, order: Expr | None, scope: _Scope, made: Mapping[str, Kind]) -> None:
        from sqlglot import exp

        for each in order.expressions if order is not None else ():
            target = each.this
            if isinstance(target, exp.Literal):
                if target.is_string or not target.name.isdigit() or not 1 <= int(target.name) <= len(made):
                    self.refuse(target, f"there is no column {target.name}", f"this select has {len(made)}")
            elif not (isinstance(target, exp.Column) and not target.table and target.name.lower() in made):
                self.expression(target, scope)

    # -- tables --------------------------------------------------------------------------------------------------------

    def add(self, node: Expr, scope: _Scope) -> None:
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
                "a measure reads the tables of the record and the lists of its card, no files, no addresses",
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

    def join(self, join: Expr, scope: _Scope) -> None:
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

    def need(self, node: Expr, scope: _Scope, kind: Kind, where: str, filters: bool = False) -> None:
        """Check an expression that must be of one kind."""
        found = self.expression(node, scope, filters)
        if kind == "flag" and found == "nothing":
            self.refuse(node, "null is neither true nor false", "leave the condition out, or write true or false")
        if unified((found, kind)) is None or (kind == "whole" and found == "number"):
            fix = {
                ("day", "text"): "write a day as date '2026-04-01'",
                ("whole", "flag"): "case when … then 1 else 0 end",
                ("whole", "number"): "ten_thousandths(x) makes a whole number of it",
                ("flag", "whole"): "compare it: … = 1",
            }.get((kind, found), "")
            self.refuse(node, f"{where} needs {WORDS[kind]}, and this is {WORDS[found]}", fix)

    def same(self, nodes: Iterable[Expr | None], scope: _Scope, where: str) -> Kind:
        """Check expressions that must be of one kind among them."""
        given = [node for node in nodes if node is not None]
        kinds: list[Kind] = [self.expression(node, scope) for node in given]
        both = unified(kinds)
        if both is None:
            fix = (
                "write a day as date '2026-04-01'"
                if {"day", "text"} <= set(kinds)
                else "nothing is cast silently: compare like with like"
            )
            words = list(dict.fromkeys(WORDS[kind] for kind in kinds if kind not in ("nothing", "any")))
            self.refuse(given[0], f"{where} puts {' beside '.join(words)}", fix)
        return both or "any"

    def expression(self, node: Expr, scope: _Scope, filters: bool = False) -> Kind:
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
                for each in (node.this, node.expression):
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
                self.same((node.this, node.expression), scope, "this comparison")
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
                    else self.refuse(node, f"- cannot stand before {WORDS[kind]}")
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
                for each in (node.this, node.expression):
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

    def decimal(self, node: Expr) -> Kind:
        whole, _, places = node.name.partition(".")
        if not (whole + places).isdigit() or len(places) > 4:
            return self.refuse(
                node, f"{node.name} is not a number with at most four places", "write it without an exponent: 0.0001"
            )
        return "number"

    def membership(self, node: Expr, scope: _Scope, filters: bool) -> Kind:
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
        elif columns and unified((kind, *columns.values())) is None:
            self.refuse(
                node,
                f"in puts {WORDS[kind]} beside {WORDS[unified(columns.values()) or 'any']}",
                "compare like with like",
            )
        return "flag"

    def like(self, node: Expr, scope: _Scope) -> Kind:
        from sqlglot import exp

        self.need(node.this, scope, "text", "like")
        pattern = node.expression
        if not (isinstance(pattern, exp.Literal) and pattern.is_string and prefix_of(pattern.name) is not None):
            self.refuse(
                pattern,
                "like takes a text in quotation marks that ends in % and has no other %, _ or \\",
                "like 'J4%'; longer patterns belong in a code list",
            )
        return "flag"

    def case(self, node: Expr, scope: _Scope) -> Kind:
        subject = node.this
        for each in node.args["ifs"]:
            if subject is None:
                self.need(each.this, scope, "flag", "when")
            else:
                self.same((subject, each.this), scope, "when")
        values = [each.args["true"] for each in node.args["ifs"]]
        return self.same((*values, node.args.get("default")), scope, "case")

    def arithmetic(self, node: Expr, scope: _Scope) -> Kind:
        from sqlglot import exp

        sign = {"add": "+", "sub": "-", "mul": "*"}[node.key]
        if any(isinstance(each, exp.Interval) for each in (node.this, node.expression)):
            return self.refuse(node, "intervals differ between engines", "add_days(d, n) or add_months(d, n)")
        kinds: list[Kind] = [self.expression(each, scope) for each in (node.this, node.expression)]
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
        both = unified(kinds)
        if both is None or both in ("text", "flag"):
            wrong: Kind = "flag" if "flag" in kinds else "text"
            return self.refuse(
                node, f"{sign} cannot take {WORDS[wrong]}", "case when … then 1 else 0 end" if wrong == "flag" else ""
            )
        return "whole" if both == "nothing" else both

    def cast(self, node: Expr, scope: _Scope) -> Kind:
        from sqlglot import exp

        self.only(node, ("this", "to"), "cast") if node.key == "cast" else self.refuse(
            node, "try_cast is not part of the portable subset", INSTEAD["try_cast"]
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
                f"a cast from {WORDS[found]} to {WORDS[kind]} differs between engines",
                "ten_thousandths(x)" if found == "number" else "",
            )
        return kind

    def window(self, node: Expr, scope: _Scope) -> Kind:
        from sqlglot import exp

        self.only(node, ("this", "partition_by", "order", "spec", "over"), "over (…)")
        inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
        ranked = isinstance(inner, (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead))
        if not ranked and not isinstance(inner, (exp.Sum, exp.Count, exp.Min, exp.Max)):
            return self.refuse(
                node,
                f"{self.written(inner)} over (…) is not part of the portable subset",
                INSTEAD.get(self.written(inner), "use row_number, rank, lag, lead, sum, count, min or max"),
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

    def function(self, node: Expr, scope: _Scope) -> Kind:
        from sqlglot import exp

        name = self.written(node)
        if name in OWN:
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
                self.positive(node.args.get("start"), node, scope, name)
                if node.args.get("length") is not None:
                    self.positive(node.args["length"], node, scope, name, 0)
                return "text"
            case exp.SplitPart():
                self.need(node.this, scope, "text", name)
                delimiter = node.args.get("delimiter")
                if not (isinstance(delimiter, exp.Literal) and delimiter.is_string and delimiter.name):
                    self.refuse(node, "split_part divides at a text in quotation marks", "split_part(codes, ' ', 1)")
                self.positive(node.args.get("part_index"), node, scope, name)
                return "text"
            case exp.Replace() if name == "replace":
                for each in (node.this, node.expression, node.args.get("replacement")):
                    if each is None:
                        self.refuse(node, "replace takes three values", "replace(t, ' ', '')")
                    else:
                        self.need(each, scope, "text", name)
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
                fix = INSTEAD.get(name) or (
                    f"did you mean {close[0]}?" if close else f"the functions are {', '.join(sorted(set(names)))}"
                )
                return self.refuse(node, f"{name} is not a function of the portable subset", fix)

    def own(self, node: Expr, name: str, scope: _Scope) -> Kind:
        takes, gives = OWN[name]
        given = list(node.iter_expressions())
        if len(given) != len(takes):
            how = next(each for each in FUNCTIONS if each.startswith(name))
            return self.refuse(node, f"{name} takes {len(takes)} values, and there are {len(given)}", how)
        for each, kind in zip(given, takes, strict=True):
            self.need(each, scope, kind, name)
        return gives

    def positive(self, node: Expr | None, within: Expr, scope: _Scope, name: str, least: int = 1) -> None:
        """Check a place in a text: a whole number, from 1 where it is written out."""
        from sqlglot import exp

        example = f"{name}(t, 1, 3)" if name == "substr" else f"{name}(t, ' ', 1)"
        if node is None:
            self.refuse(within, f"{name} lacks a value", example)
        elif isinstance(node, exp.Literal) and (node.is_string or not node.name.isdigit() or int(node.name) < least):
            self.refuse(node, f"{name} counts with whole numbers from {least}", example)
        else:
            self.need(node, scope, "whole", name)


def _aggregates(node: Expr) -> bool:
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


def _of_this_select(node: Expr, kinds: type | tuple[type, ...]) -> list[Expr]:
    """The parts of an expression that are of some kinds, without those of selects inside it."""
    from sqlglot import exp

    if isinstance(node, (exp.Exists, exp.Query)):
        return []
    found = [node] if isinstance(node, kinds) else []
    return found + [each for child in node.iter_expressions() for each in _of_this_select(child, kinds)]


def _window_only(node: Expr) -> bool:
    from sqlglot import exp

    return isinstance(node, (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Lag, exp.Lead))


def _plain(node: Expr) -> str:
    """An expression for comparing with another: without case, brackets and the table before a column."""
    from sqlglot import exp

    while isinstance(node, exp.Paren):
        node = node.this
    bare = node.copy()
    for column in [bare] if isinstance(bare, exp.Column) else list(bare.find_all(exp.Column)):
        column.set("table", None)
    return bare.sql("duckdb").lower() if not isinstance(node, exp.Literal) else repr(node)
