"""From a parsed formula at the keys of its rows to a resolved, typed node; or one clear reason why not.

The rules are those of the language reference: what a formula may read and what it must gather, units, missing values,
exact decimals and quotients, division, dated parameters. Every refusal says how to mend it. Names and calls are
resolved here; operators, figures and what crosses rows have modules of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

from accord.language import formula as ast
from accord.language.contract import Column
from accord.language.draft.model import Draft, DraftQuantity
from accord.language.facts import Fact, Facts
from accord.language.formula import FUNCTIONS, FormulaRefused, show
from accord.language.inference.across import GATHERING, AcrossRows
from accord.language.inference.at import (
    ANTICIPATED,
    At,
    Broken,
    each,
    unify,
)
from accord.language.inference.figures import Figures
from accord.language.inference.operators import Operators
from accord.language.keys import KeyRules, KnownKeys
from accord.language.meaning import (
    Absolute,
    BorneByQuantity,
    ColumnValue,
    DaysBetween,
    EnclosingPeriod,
    HeldByColumn,
    KeyPath,
    KeyValue,
    Literal_,
    Node,
    OwnKey,
    QuantityValue,
    RowSet,
)
from accord.language.place import Place
from accord.language.problem import nearest
from accord.language.types import FLAG, Type
from accord.language.unit import DAYS, RATIO


class Inference:
    """Resolves and types the formulas of one draft. ``type_of`` gives the type of another quantity (and may raise)."""

    def __init__(
        self,
        draft: Draft,
        rules: KeyRules,
        rows_of: Callable[[frozenset[str]], RowSet | None],
        type_of: Callable[[DraftQuantity, tuple[str, ...], Place], Type],
        certain_everywhere: tuple[tuple[tuple[str, ...], Facts], ...],
    ) -> None:
        self.draft = draft
        self.rules = rules
        self.rows_of = rows_of
        self.type_of = type_of
        self.certain_everywhere = certain_everywhere
        self.warnings: list[tuple[Place, str, str]] = []
        self.columns: dict[str, list[Column]] = {}
        for table in draft.tables.values():
            for column in table.columns:
                self.columns.setdefault(column.name, []).append(column)
        self.operators = Operators(self)
        self.figures = Figures(self)
        self.across = AcrossRows(self)

    def unknown_names(self, formula: ast.Formula) -> list[FormulaRefused]:
        """Every name in the formula that nothing bears, and every function there is not."""
        found: list[FormulaRefused] = []
        draft = self.draft
        known = {*draft.keys, *draft.parameters, *draft.quantities, *self.columns, *draft.broken}
        for part in ast.walk(formula):
            if isinstance(part, ast.Name) and part.table is not None:
                table = draft.tables.get(part.table)
                if table is None:
                    hint = nearest(part.table, draft.tables)
                    found.append(FormulaRefused(part.place, f"no input or table is called {part.table}", hint))
                elif part.name not in draft.broken and all(c.name != part.name for c in table.columns):
                    names = [column.name for column in table.columns]
                    hint = nearest(part.name, names) or f"its columns are {', '.join(names)}"
                    found.append(FormulaRefused(part.place, f"{part.table} has no column {part.name}", hint))
            elif isinstance(part, ast.Name) and part.name not in known:
                counted = part.name in draft.tables
                hint = nearest(part.name, known) or ("a table is counted: count(" + part.name + ")" if counted else "")
                if counted and self._is_counted(formula, part):
                    continue
                if "columns" in draft.unread:
                    continue  # it may be one of the columns that could not be read
                found.append(FormulaRefused(part.place, f"nothing is called {part.name}", hint))
            elif isinstance(part, ast.Call) and part.name not in FUNCTIONS:
                parameter = draft.parameters.get(part.name)
                if parameter is not None and parameter.scale is None and part.name not in draft.broken:
                    found.append(FormulaRefused(part.place, f"{part.name} is one value, not a scale", part.name))
                elif part.name not in draft.parameters and part.name not in draft.broken:
                    scales = [name for name, p in draft.parameters.items() if p.scale is not None]
                    fix = ANTICIPATED.get(part.name) or nearest(part.name, [*FUNCTIONS, *scales])
                    fix = fix or "the functions are: " + ", ".join(sorted(FUNCTIONS))
                    found.append(FormulaRefused(part.place, f"there is no function {part.name}", fix))
        return found

    def _is_counted(self, formula: ast.Formula, name: ast.Name) -> bool:
        return any(
            isinstance(part, ast.Call) and part.name == "count" and any(argument is name for argument in part.arguments)
            for part in ast.walk(formula)
        )

    def known(self, at: At) -> KnownKeys:
        """The keys that follow where a formula stands."""
        return self.rules.known(frozenset(at.keys), at.through)

    def path(self, key: str, at: At, place: Place) -> KeyPath:
        """The path to a key that is known; refuses two default ways to it."""
        known = self.known(at)
        if key in known.rivals:
            one, other = known.rivals[key]
            raise FormulaRefused(
                place,
                f"two ways from {each(at.keys)} to {key}: {one.holder}, {other.holder}",
                "give one of them another name, and say through: where it is meant",
            )
        return known.paths[key]

    def paths(self, keys: tuple[str, ...], at: At, place: Place) -> tuple[KeyPath, ...]:
        """The paths to several keys."""
        return tuple(self.path(key, at, place) for key in keys)

    def missing_role(self, path: KeyPath, facts: Facts, place: Place, stack: tuple[str, ...] = ()) -> str | None:
        """The column or quantity because of which a key may be missing; None if it never is."""
        match path:
            case OwnKey():
                return None
            case EnclosingPeriod(of=of):
                return self.missing_role(of, facts, place, stack)
            case HeldByColumn(table=table, column=column, at=at):
                if Fact("present", ast.Name(place, column)) in facts:
                    return None
                if Fact("present", ast.Name(place, column, table)) in facts:
                    return None
                if self.draft.tables[table].column(column).type.missing:
                    return column
                return next((role for p in at if (role := self.missing_role(p, facts, place, stack))), None)
            case BorneByQuantity(quantity=quantity, at=at):
                if Fact("present", ast.Name(place, quantity)) in facts:
                    return None
                if self.type_of(self.draft.quantities[quantity], stack, place).missing:
                    return quantity
                return next((role for p in at if (role := self.missing_role(p, facts, place, stack))), None)

    def maybe_missing(self, paths: tuple[KeyPath, ...], at: At, place: Place) -> bool:
        """Whether any of the keys may be missing."""
        return any(self.missing_role(path, at.facts, place, at.stack) for path in paths)

    def resolve(self, formula: ast.Formula, at: At) -> Node:
        """The meaning of a formula where it stands. Raises :class:`FormulaRefused` or :class:`Broken`."""
        place = formula.place
        match formula:
            case ast.Number(text=text):
                if text not in ("0", "1"):
                    raise FormulaRefused(
                        place,
                        f"{text} is a bare number",
                        "every number has a name and a source: put it under parameters:. The length of a period is "
                        "months(year) or days(month); a percentage is a parameter with unit: percent",
                    )
                kind = Type("number", None if text == "0" else RATIO, positive=text == "1")
                return Literal_(kind, place, Fraction(text))
            case ast.Text(value=value):
                return Literal_(Type("text", None, options=(value,)), place, value)
            case ast.Truth(value=value):
                return Literal_(FLAG, place, value)
            case ast.Name():
                node = self._name(formula, at)
                if node.type.missing and Fact("present", formula) in at.facts:
                    node = replace(node, type=node.type.never_missing())
                return node
            case ast.Case():
                return self.operators.case(formula, at)
            case ast.Operation():
                return self.operators.operation(formula, at)
            case ast.RankOver():
                return self.across.rank(formula, at)
            case ast.Call():
                return self._call(formula, at)
            case _:  # pragma: no cover
                raise TypeError(formula)

    def _name(self, name: ast.Name, at: At) -> Node:
        draft, place = self.draft, name.place
        if name.table is None:
            if name.name in draft.keys and name.name not in draft.broken:
                if name.name not in self.known(at):
                    raise FormulaRefused(
                        place, f"{name.name} is not known for each {each(at.keys)}", self.through_fix([name.name], at)
                    )
                path = self.path(name.name, at, place)
                missing = self.missing_role(path, at.facts, place, at.stack) is not None
                return KeyValue(Type("key", None, missing=missing, key=name.name), place, path)
            if name.name in draft.broken:
                raise Broken
            if name.name in draft.parameters:
                parameter = draft.parameters[name.name]
                if parameter.scale is not None:
                    raise FormulaRefused(place, f"{name.name} is a scale: apply it to a value", f"{name.name}(…)")
                return self.figures.parameter(parameter, name, at, None)
            if name.name in draft.quantities:
                return self._quantity(draft.quantities[name.name], name, at)
        return self.column(name, at)

    def _quantity(self, quantity: DraftQuantity, name: ast.Name, at: At) -> QuantityValue:
        place = name.place
        if not self.known(at).covers(quantity.each):
            raise FormulaRefused(
                place, self.finer(name.name, quantity.each, at), self.finer_fix(name, quantity.each, at)
            )
        paths = self.paths(quantity.each, at, place)
        kind = self.type_of(quantity, at.stack, place)
        return QuantityValue(kind.or_missing(self.maybe_missing(paths, at, place)), place, quantity.name, paths)

    def the_column(self, name: ast.Name) -> Column:
        """The one column of that name; refuses a name that two tables bear."""
        found = [column for column in self.columns.get(name.name, []) if name.table in (None, column.table)]
        if not found:
            raise Broken  # unknown names have been reported
        if len(found) > 1:
            tables = " and of ".join(column.table for column in found)
            raise FormulaRefused(
                name.place, f"{name.name} is a column of {tables}", f"write {found[0].table}.{name.name}"
            )
        if found[0].table in self.draft.broken:
            raise Broken
        return found[0]

    def column(self, name: ast.Name, at: At) -> ColumnValue:
        """A column read where a formula stands."""
        column, place = self.the_column(name), name.place
        keys = self.draft.tables[column.table].keys
        if not self.known(at).covers(keys):
            raise FormulaRefused(place, self.finer(name.name, keys, at), self.finer_fix(name, keys, at))
        paths = self.paths(keys, at, place)
        kind = column.type.or_missing(self.maybe_missing(paths, at, place))
        return ColumnValue(kind, place, column.table, column.name, paths)

    def finer(self, name: str, keys: tuple[str, ...], at: At) -> str:
        """What is wrong when finer rows are read without gathering."""
        return f"{name} is one for each {each(keys)}; here there is one value for each {each(at.keys)}"

    def finer_fix(self, name: ast.Name, keys: tuple[str, ...], at: At) -> str:
        """How to mend that."""
        known = self.known(at)
        lacking = [key for key in keys if key not in known]
        through = self.through_fix(lacking, at)
        if through:
            return through
        finer = self.rules.known(frozenset(keys), at.through)
        if finer.covers(at.keys):
            return f"say how to gather it, for example sum({show(name)})"
        return f"these rows do not nest: define {name.name} for each {each(at.keys)} first"

    def through_fix(self, lacking: list[str], at: At) -> str:
        """The role through which a lacking key could be found."""
        for key in lacking:
            for rule in self.rules.holders(key):
                if rule.quantity != key and rule.column != key and self.known(at).covers(rule.keys):
                    return f"{key} is held by {rule.holder}: say through: {rule.quantity or rule.column}"
        return ""

    def _call(self, call: ast.Call, at: At) -> Node:
        name = call.name
        if name in self.draft.broken and name not in FUNCTIONS:
            raise Broken
        if name in GATHERING:
            return self.across.gathering(call, at)
        if call.where is not None or call.star:
            said = "filter" if call.where is not None else "*"
            raise FormulaRefused(
                call.place, f"{name}() takes no {said}", f"only {', '.join(sorted(GATHERING))} gather rows"
            )
        parameter = self.draft.parameters.get(name)
        if parameter is not None and parameter.scale is not None:
            return self.figures.scale(parameter, call, at)
        here = at.inside
        match name:
            case "allocate":
                return self.across.allocate(call, at)
            case "prior" | "trailing_avg":
                return self.across.looking_back(call, here)
            case "days" | "months" | "first_day" | "last_day":
                return self.figures.of_period(call, here)
            case "days_between":
                self.takes(call, 2, "two dates")
                start, end = (self.resolve(argument, here) for argument in call.arguments)
                for argument, node in zip(call.arguments, (start, end), strict=True):
                    if node.type.kind != "date":
                        raise FormulaRefused(argument.place, f"days_between() takes dates; this is {node.type}")
                missing = start.type.missing or end.type.missing
                return DaysBetween(Type("number", DAYS, missing=missing), call.place, start, end)
            case "at":
                return self.figures.at_date(call, here)
            case "abs":
                self.takes(call, 1, "one number")
                operand = self.number(call.arguments[0], here, "abs()")
                return Absolute(replace(operand.type, positive=operand.type.positive), call.place, operand)
            case "least" | "greatest":
                return self.operators.extreme(call, here)
            case "coalesce":
                return self.operators.coalesce(call, here)
            case _:
                raise FormulaRefused(
                    call.place, f"{name}() needs over ( … )", "rank() over (partition by … order by …)"
                )

    def takes(self, call: ast.Call, count: int, what: str) -> None:
        """Refuse a call with the wrong number of values."""
        if len(call.arguments) != count:
            raise FormulaRefused(call.place, f"{call.name}() takes {what}; here are {len(call.arguments)} values")

    def number(self, formula: ast.Formula, at: At, operator: str) -> Node:
        """A part that must be a number."""
        node = self.resolve(formula, at)
        if node.type.kind != "number":
            flag = node.type.kind == "flag"
            fix = f"case when {show(formula)} then … else … end" if flag else ""
            raise FormulaRefused(formula.place, f"{show(formula)} is {node.type}; {operator} needs numbers", fix)
        return node

    def flag(self, formula: ast.Formula, at: At, what: str) -> Node:
        """A part that must be a condition."""
        node = self.resolve(formula, at)
        if node.type.kind != "flag":
            raise FormulaRefused(formula.place, f"{what}; {show(formula)} is {node.type}")
        return node

    def unified(self, values: list[tuple[ast.Formula, Node]], what: str) -> Type:
        """The one type of several values."""
        kind = values[0][1].type
        for formula, node in values[1:]:
            kind = unify(kind, node.type, formula.place, what)
        return kind
