"""What crosses rows: gathering, looking back, ranks and allocations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from accord.language import formula as ast
from accord.language.facts import NOTHING, certain
from accord.language.formula import FormulaRefused, show
from accord.language.inference.at import (
    THROUGH_PRIOR,
    At,
    Broken,
    each,
    length,
    unify,
)
from accord.language.meaning import (
    Allocate,
    ColumnValue,
    EndOf,
    Gather,
    KeyPath,
    Node,
    OwnKey,
    ParameterValue,
    Prior,
    QuantityValue,
    Rank,
    RowSet,
    TrailingAverage,
)
from accord.language.place import Place
from accord.language.problem import nearest
from accord.language.types import COUNT, Type
from accord.language.unit import RATIO, minor_unit_places

if TYPE_CHECKING:
    from accord.language.inference.inference import Inference

GATHERING = frozenset({"sum", "count", "min", "max", "quantile", "first", "last"})
"""The functions that gather finer rows."""


class AcrossRows:
    """Everything that reads other rows than the one at hand."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference

    def _grain(self, name: ast.Name) -> tuple[str, ...] | None:
        """The keys of what a name reads; None for keys and parameters."""
        if name.table is None and (
            name.name in self.inference.draft.keys or name.name in self.inference.draft.parameters
        ):
            return None
        if name.name in self.inference.draft.broken:
            raise Broken
        if name.table is None and name.name in self.inference.draft.quantities:
            return self.inference.draft.quantities[name.name].each
        return self.inference.draft.tables[self.inference.the_column(name).table].keys

    def _names(self, formula: ast.Formula) -> Iterator[ast.Name]:
        for part in ast.walk(formula):
            if isinstance(part, ast.Name):
                yield part
            elif isinstance(part, ast.Call) and part.name in self.inference.draft.parameters:
                parameter = self.inference.draft.parameters[part.name]
                yield from (ast.Name(part.place, word) for word in parameter.by)

    def _finest(self, formula: ast.Formula, call: ast.Call, at: At) -> tuple[str, ...]:
        """The keys of the rows a gathering formula is read at: the finest of what it reads, from which all follows."""
        grains: list[tuple[ast.Name, tuple[str, ...]]] = []
        for name in self._names(formula):
            grain = self._grain(name)
            if grain is not None:
                grains.append((name, grain))
            elif name.name in self.inference.draft.parameters:
                for word in self.inference.draft.parameters[name.name].by:
                    if word in self.inference.columns and word not in self.inference.draft.keys:
                        by = self._grain(ast.Name(name.place, word))
                        if by is not None:
                            grains.append((ast.Name(name.place, word), by))
        if not grains:
            # a key alone varies with the rows of the column that holds it: last(pcn)
            for name in self._names(formula):
                held = [column for column in self.inference.columns.get(name.name, []) if column.type.key == name.name]
                grains.extend((name, self.inference.draft.tables[column.table].keys) for column in held[:1])
        if not grains:
            raise FormulaRefused(
                call.place, f"{call.name}() of what rows? Nothing in it varies", "name a column or quantity"
            )
        candidates = [
            grain
            for _, grain in grains
            if all(self.inference.rules.known(frozenset(grain), at.through).covers(other) for _, other in grains)
        ]
        if not candidates:
            parts = "; ".join(dict.fromkeys(f"{show(name)} is for each {each(grain)}" for name, grain in grains))
            raise FormulaRefused(
                call.place,
                f"{show(formula)} mixes rows that do not nest: {parts}",
                "define it as a quantity of its own, with its rows",
            )
        return max(candidates, key=len)

    def _row_set(self, keys: tuple[str, ...], name: ast.Name | None, place: Place) -> RowSet:
        rows = self.inference.rows_of(frozenset(keys))
        if rows is not None:
            return rows
        for table in self.inference.draft.tables.values():
            if frozenset(table.keys) == frozenset(keys):
                return RowSet(table.keys, (table.name,), tuple(OwnKey(key) for key in table.keys))
        raise FormulaRefused(place, f"which rows of {each(keys)} exist?", "say rows: […] on a group with these keys")

    def gathering(self, call: ast.Call, at: At) -> Node:
        """``sum``, ``count``, ``min``, ``max``, ``quantile``, ``first`` and ``last`` over finer rows."""
        name, place = call.name, call.place
        if at.gathering:
            raise FormulaRefused(
                place, f"{name}() stands inside another gathering", "give the inner one a name of its own"
            )
        value: ast.Formula | None = None
        fraction: Node | None = None
        rows: RowSet | None = None
        if name == "count":
            if call.star:
                if call.where is None:
                    raise FormulaRefused(place, "count(*) of what?", "count(table), or count(*) filter (where …)")
                finer = self._finest(call.where, call, at)
            else:
                self.inference.takes(call, 1, "a table")
                table = call.arguments[0]
                if not isinstance(table, ast.Name) or table.name not in self.inference.draft.tables:
                    tables = ", ".join(self.inference.draft.tables)
                    raise FormulaRefused(
                        table.place, f"count() takes a table: {tables}", "or count(*) filter (where …)"
                    )
                if table.name in self.inference.draft.broken:
                    raise Broken
                finer = self.inference.draft.tables[table.name].keys
                rows = RowSet(finer, (table.name,), tuple(OwnKey(key) for key in finer))
        else:
            wanted = 2 if name == "quantile" else 1
            if call.star or len(call.arguments) != wanted:
                raise FormulaRefused(place, f"{name}() takes {'a value and a share' if wanted == 2 else 'one value'}")
            value = call.arguments[0]
            finer = self._finest(value, call, at)
        rows = rows or self._row_set(finer, None, place)
        inner = At(rows.keys, at.through, NOTHING, at.stack, at.since, at.before, gathering=True)
        known = self.inference.known(inner)
        lacking = [key for key in at.keys if key not in known]
        if lacking:
            raise FormulaRefused(
                place,
                f"rows of {each(rows.keys)} do not say which {' or '.join(lacking)} they belong to",
                self.inference.through_fix(lacking, inner) or f"first bring it to rows that know the {lacking[0]}",
            )
        if self.inference.known(at).covers(rows.keys):
            raise FormulaRefused(
                place,
                f"{name}() has nothing to gather: there is already one value for each {each(at.keys)}",
                "use the value itself",
            )
        where = None
        facts = NOTHING
        if call.where is not None:
            where = self.inference.flag(call.where, inner, "filter needs a condition")
            if where.type.missing:
                raise FormulaRefused(
                    call.where.place, "this condition can be missing", "filter (where … is not null and …)"
                )
            facts = certain(call.where, True)
        match = self.inference.paths(at.keys, inner, place)
        for key, path in zip(at.keys, match, strict=True):
            role = self.inference.missing_role(path, facts, place, at.stack)
            if role is not None:
                raise FormulaRefused(
                    place,
                    f"{role} can be missing, so some rows of {each(rows.keys)} belong to no {key}",
                    f"filter (where {role} is not null)",
                )
        if name == "count":
            return Gather(COUNT, place, "count", None, where, rows, at.keys, match)
        assert value is not None
        node = self.inference.resolve(value, inner.knowing(facts))
        if name in ("first", "last"):
            return self._end_of(call, node, where, rows, at, match)
        if node.type.kind != "number":
            fix = f"count(*) filter (where {show(value)})" if node.type.kind == "flag" else ""
            raise FormulaRefused(value.place, f"{name}() needs numbers; {show(value)} is {node.type}", fix)
        self._must_be_exact(node, value, f"{name}() crosses rows")
        if name == "quantile":
            self._may_be_compared(node, value)
            share = call.arguments[1]
            fraction = self.inference.number(share, replace(at, whole=False), "quantile()")
            if fraction.type.unit not in (RATIO, None) or fraction.type.missing:
                raise FormulaRefused(share.place, "quantile() takes a share: a percent or ratio that is never missing")
        missing = node.type.missing or name != "sum"
        kind = replace(node.type, missing=missing, positive=node.type.positive and name != "sum")
        match name:
            case "sum" | "min" | "max" | "quantile":
                return Gather(kind, place, name, node, where, rows, at.keys, match, fraction)
            case _:  # pragma: no cover
                raise TypeError(name)

    def _must_be_exact(self, node: Node, formula: ast.Formula, why: str) -> None:
        if node.type.kind == "number" and not node.type.exact:
            raise FormulaRefused(
                formula.place,
                f"{why}: {show(formula)} must be rounded first",
                "define it as a quantity with round: …, so that everybody adds the same numbers",
            )

    def _may_be_compared(self, node: Node, formula: ast.Formula) -> None:
        if node.type.comparable != "all":
            raise FormulaRefused(
                formula.place,
                f"{show(formula)} may be compared with {node.type.comparable} only (its measure says so)",
                "an indirectly standardised rate cannot rank areas against each other",
            )

    def _end_of(
        self, call: ast.Call, node: Node, where: Node | None, rows: RowSet, at: At, match: tuple[KeyPath, ...]
    ) -> Node:
        known = self.inference.known(at)
        extra = [key for key in rows.keys if key not in known]
        if len(extra) != 1 or not self.inference.draft.keys[extra[0]].is_period:
            raise FormulaRefused(
                call.place,
                f"{call.name}() picks along one period; {show(call.arguments[0])} is one for each {each(rows.keys)}, "
                f"and here there is one for each {each(at.keys)}",
            )
        period = extra[0]
        enclosing = [key for key in at.keys if self.inference.draft.keys[key].is_period]
        inside = min(enclosing, key=lambda key: (length(self.inference.draft.keys[key]), key), default=None)
        own = self.inference.rows_of(frozenset(at.keys))
        outer = set(own.sources) - {inside} if own is not None else None
        always = (
            period in rows.sources and outer is not None and outer == set(rows.sources) - {period} and where is None
        )
        kind = node.type.or_missing(not always)
        which = "first" if call.name == "first" else "last"
        return EndOf(
            replace(kind, positive=False), call.place, which, node, where, rows, at.keys, match, period, inside
        )

    def looking_back(self, call: ast.Call, at: At) -> Node:
        """``prior`` and ``trailing_avg``."""
        wanted = 1 if call.name == "prior" else 2
        self.inference.takes(
            call, wanted, "one quantity or column" if wanted == 1 else "a quantity or column, and how many periods"
        )
        base, steps = call.arguments[0], 1
        while call.name == "prior" and isinstance(base, ast.Call) and base.name == "prior" and len(base.arguments) == 1:
            base, steps = base.arguments[0], steps + 1
        if not isinstance(base, ast.Name):
            raise FormulaRefused(base.place, f"{call.name}() takes one quantity or column", "give it a name first")
        grain = self._grain(base)
        if grain is None:
            raise FormulaRefused(base.place, f"{call.name}() takes a quantity or column; {base.name} is neither")
        periods = [key for key in grain if self.inference.draft.keys[key].is_period]
        if not periods:
            raise FormulaRefused(call.place, f"{show(base)} has no period to look back along")
        period = min(periods, key=lambda key: (length(self.inference.draft.keys[key]), key))
        of = self._carried(base, grain, at)
        if of.type.kind == "number" and not of.type.exact:
            raise FormulaRefused(
                call.place,
                f"{call.name}() carries {show(base)} to another period, where it must be rounded first",
                "round: … on its definition",
            )
        if call.name == "prior":
            return Prior(replace(of.type, missing=True, positive=False), call.place, of, steps, period)
        if of.type.kind != "number":
            raise FormulaRefused(base.place, f"trailing_avg() needs numbers; {show(base)} is {of.type}")
        count = call.arguments[1]
        if not isinstance(count, ast.Name) or count.name not in self.inference.draft.parameters:
            raise FormulaRefused(
                count.place, "the number of periods is a parameter", "trailing_avg(x, averaging_years)"
            )
        number = self.inference.resolve(count, at)
        assert isinstance(number, ParameterValue)
        parameter = self.inference.draft.parameters[count.name]
        values = [value for entry in parameter.entries for value in entry.values.values()]
        good = all(isinstance(value, Fraction) and value.denominator == 1 and 1 <= value <= 1000 for value in values)
        if not good or len(values) != 1:
            raise FormulaRefused(count.place, f"{count.name} must be one whole number of periods for the whole term")
        kind = replace(of.type, missing=True, positive=False, exact=False)
        return TrailingAverage(kind, call.place, of, number, period)

    def _carried(self, base: ast.Name, grain: tuple[str, ...], at: At) -> ColumnValue | QuantityValue:
        """What prior() reads: also a quantity that is being defined, if it has said its unit and its rounding."""
        if not self.inference.known(at).covers(grain):
            raise FormulaRefused(
                base.place, self.inference.finer(base.name, grain, at), self.inference.finer_fix(base, grain, at)
            )
        quantity = self.inference.draft.quantities.get(base.name) if base.table is None else None
        if quantity is None:
            return self.inference.column(base, at)
        paths = self.inference.paths(grain, at, base.place)
        if quantity.written is not None and quantity.rounding is not None:
            kind = Type("number", quantity.written.unit)
        elif quantity.name in at.stack:
            raise FormulaRefused(
                base.place,
                f"{quantity.name} looks back at itself: it must say its unit and how it is rounded",
                "unit: … and round: … on its definition",
            )
        else:
            kind = self.inference.type_of(quantity, (*at.stack, THROUGH_PRIOR), base.place)
        return QuantityValue(kind, base.place, quantity.name, paths)

    def rank(self, rank: ast.RankOver, at: At) -> Node:
        """``rank() over (…)``."""
        if at.gathering:
            raise FormulaRefused(rank.place, "rank() stands inside a gathering", "give it a name of its own")
        known = self.inference.known(at)
        partition: list[KeyPath] = []
        for name in rank.partition:
            if name.name not in self.inference.draft.keys:
                raise FormulaRefused(
                    name.place, f"{name.name} is not a key", nearest(name.name, self.inference.draft.keys)
                )
            if name.name not in known:
                raise FormulaRefused(name.place, f"{name.name} is not known for each {each(at.keys)}")
            path = self.inference.path(name.name, at, name.place)
            role = self.inference.missing_role(path, at.facts, name.place, at.stack)
            if role is not None:
                raise FormulaRefused(name.place, f"{role} can be missing, so some rows belong to no {name.name}")
            partition.append(path)
        order: list[tuple[Node, bool]] = []
        for expression, descending in rank.order:
            node = self.inference.resolve(expression, replace(at, whole=False, facts=NOTHING))
            if node.type.kind == "flag":
                raise FormulaRefused(expression.place, f"rank() orders by numbers, dates or keys; this is {node.type}")
            self._must_be_exact(node, expression, "rank() compares rows")
            self._may_be_compared(node, expression)
            if node.type.missing:
                raise FormulaRefused(expression.place, f"{show(expression)} can be missing, and then it has no rank")
            order.append((node, descending))
        rows = self._row_set(at.keys, None, rank.place)
        return Rank(Type("number", RATIO, positive=True), rank.place, rows, tuple(partition), tuple(order))

    def allocate(self, call: ast.Call, at: At) -> Node:
        """``allocate``: a pool shared over finer rows."""
        place = call.place
        if not at.whole:
            raise FormulaRefused(
                place, "allocate() must be the whole formula of a quantity", "give the share a name of its own"
            )
        if len(call.arguments) not in (2, 3):
            raise FormulaRefused(place, "allocate() takes a pool, a weight and, where nobody may get less, a floor")
        pool, weight = call.arguments[:2]
        grains = [grain for name in self._names(pool) if (grain := self._grain(name)) is not None]
        if not grains:
            raise FormulaRefused(pool.place, "the pool must be a quantity or column", "give it a name, with its keys")
        coarse = max(grains, key=len)
        here = at.inside
        if not self.inference.known(at).covers(coarse):
            name = next(iter(self._names(pool)))
            raise FormulaRefused(
                pool.place, self.inference.finer(show(pool), coarse, at), self.inference.finer_fix(name, coarse, at)
            )
        if self.inference.rules.known(frozenset(coarse), at.through).covers(at.keys):
            raise FormulaRefused(
                place, f"the pool is already one for each {each(at.keys)}: there is nothing to share out"
            )
        at_pool = At(coarse, at.through, NOTHING, at.stack, at.since, at.before)
        own = self.inference.number(pool, at_pool, "allocate()")
        if own.type.missing:
            raise FormulaRefused(pool.place, f"the pool {show(pool)} can be missing", "coalesce(…, …) says what then")
        group = self.inference.paths(coarse, at, place)
        missing = self.inference.maybe_missing(group, at, place)
        shared = self.inference.number(pool, here, "allocate()")
        by = self.inference.number(weight, here, "allocate()")
        parts: list[tuple[str, ast.Formula, Node]] = [("the pool", pool, own), ("the weight", weight, by)]
        floor = None
        if len(call.arguments) == 3:
            floor = self.inference.number(call.arguments[2], here, "allocate()")
            unify(own.type, floor.type, call.arguments[2].place, "the pool and the floor")
            parts.append(("the floor", call.arguments[2], floor))
        for what, formula, node in parts:
            if not node.type.exact:
                raise FormulaRefused(
                    formula.place,
                    f"{what} {show(formula)} must be rounded before it is shared out",
                    "define it as a quantity with round: …",
                )
            if node.type.missing and node is not own:
                raise FormulaRefused(formula.place, f"{what} {show(formula)} can be missing", "coalesce(…, 0)")
        rows = self._row_set(at.keys, None, place)
        kind = Type("number", own.type.unit, missing=missing)
        return Allocate(kind, place, shared, by, floor, rows, group, self._step(own, place))

    def _step(self, pool: Node, place: Place) -> Fraction:
        """The whole steps in which money is shared unless the quantity says ``round:``: the minor unit."""
        currency = pool.type.unit.currency if pool.type.unit is not None else None
        return Fraction(1, 10 ** minor_unit_places(currency)) if currency is not None else Fraction(0)
