"""From a parsed formula at the keys of its rows to a resolved, typed node; or one clear reason why not.

The rules are those of the language reference: the grain rule (what a formula may read, what it must gather), units,
missing values, exact decimals and quotients, division, dated parameters. Every refusal says how to mend it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

from accord.language import formula as ast
from accord.language.contract import Column, Key, Parameter
from accord.language.draft.model import Draft, DraftQuantity
from accord.language.facts import NOTHING, Fact, Facts, certain, crosses_rows
from accord.language.formula import FUNCTIONS, FormulaRefused, show
from accord.language.keys import KeyRules, KnownKeys
from accord.language.meaning import (
    Absolute,
    Allocate,
    Arithmetic,
    BorneByQuantity,
    Choice,
    Coalesce,
    ColumnValue,
    Comparison,
    DaysBetween,
    EnclosingPeriod,
    EndOf,
    Extreme,
    Gather,
    HeldByColumn,
    IsMissing,
    KeyPath,
    KeyValue,
    Literal_,
    Logic,
    Negative,
    Node,
    Not,
    OneOf,
    OwnKey,
    ParameterValue,
    PeriodDay,
    PeriodLength,
    Prior,
    QuantityValue,
    Rank,
    RowSet,
    ScaleValue,
    TrailingAverage,
)
from accord.language.place import Place
from accord.language.problem import nearest
from accord.language.types import COUNT, DATE, FLAG, Type
from accord.language.unit import DAYS, MONTHS, RATIO, minor_unit_places

GATHERING = frozenset(["sum", "count", "min", "max", "quantile", "first", "last"])


THROUGH_PRIOR = "prior()"
"""Stands in the stack of quantities being typed where the step to the next one goes through prior()."""


class Broken(Exception):
    """The formula uses something whose definition has a problem already: nothing more is said."""


@dataclass(frozen=True, slots=True)
class At:
    """Where a formula is read: the keys of its rows, the roles in force, what is certain, and whose formula it is."""

    keys: tuple[str, ...]
    through: tuple[str, ...] = ()
    facts: Facts = NOTHING
    stack: tuple[str, ...] = ()
    since: dt.date | None = None
    before: dt.date | None = None
    """The days on which this version of the formula is in force."""
    whole: bool = False
    """Whether this is the whole formula of a quantity (where allocate may stand)."""
    gathering: bool = False

    def knowing(self, facts: Facts) -> At:
        """The same place, where more is certain."""
        return replace(self, facts=self.facts | facts, whole=False)

    @property
    def inside(self) -> At:
        """The same place, no longer the whole formula."""
        return replace(self, whole=False) if self.whole else self


def each(keys: tuple[str, ...] | frozenset[str]) -> str:
    """Keys as a message writes them."""
    ordered = keys if isinstance(keys, tuple) else tuple(sorted(keys))
    return f"[{', '.join(ordered)}]" if ordered else "the contract as a whole"


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

    # -- names ------------------------------------------------------------------------------------------------------
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
                found.append(FormulaRefused(part.place, f"nothing is called {part.name}", hint))
            elif isinstance(part, ast.Call) and part.name not in FUNCTIONS:
                parameter = draft.parameters.get(part.name)
                if parameter is not None and parameter.scale is None and part.name not in draft.broken:
                    found.append(FormulaRefused(part.place, f"{part.name} is one value, not a scale", part.name))
                elif part.name not in draft.parameters and part.name not in draft.broken:
                    scales = [name for name, p in draft.parameters.items() if p.scale is not None]
                    fix = _ANTICIPATED.get(part.name) or nearest(part.name, [*FUNCTIONS, *scales])
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

    def _maybe_missing(self, paths: tuple[KeyPath, ...], at: At, place: Place) -> bool:
        return any(self.missing_role(path, at.facts, place, at.stack) for path in paths)

    # -- nodes ------------------------------------------------------------------------------------------------------
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
                return self._case(formula, at)
            case ast.Operation():
                return self._operation(formula, at)
            case ast.RankOver():
                return self._rank(formula, at)
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
                        place, f"{name.name} is not known for each {each(at.keys)}", self._through_fix([name.name], at)
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
                return self._parameter(parameter, name, at, None)
            if name.name in draft.quantities:
                return self._quantity(draft.quantities[name.name], name, at)
        return self._column(name, at)

    def _quantity(self, quantity: DraftQuantity, name: ast.Name, at: At) -> QuantityValue:
        place = name.place
        if not self.known(at).covers(quantity.each):
            raise FormulaRefused(
                place, self._finer(name.name, quantity.each, at), self._finer_fix(name, quantity.each, at)
            )
        paths = self.paths(quantity.each, at, place)
        kind = self.type_of(quantity, at.stack, place)
        return QuantityValue(kind.or_missing(self._maybe_missing(paths, at, place)), place, quantity.name, paths)

    def _the_column(self, name: ast.Name) -> Column:
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

    def _column(self, name: ast.Name, at: At) -> ColumnValue:
        column, place = self._the_column(name), name.place
        keys = self.draft.tables[column.table].keys
        if not self.known(at).covers(keys):
            raise FormulaRefused(place, self._finer(name.name, keys, at), self._finer_fix(name, keys, at))
        paths = self.paths(keys, at, place)
        kind = column.type.or_missing(self._maybe_missing(paths, at, place))
        return ColumnValue(kind, place, column.table, column.name, paths)

    def _finer(self, name: str, keys: tuple[str, ...], at: At) -> str:
        return f"{name} is one for each {each(keys)}; here there is one value for each {each(at.keys)}"

    def _finer_fix(self, name: ast.Name, keys: tuple[str, ...], at: At) -> str:
        known = self.known(at)
        lacking = [key for key in keys if key not in known]
        through = self._through_fix(lacking, at)
        if through:
            return through
        finer = self.rules.known(frozenset(keys), at.through)
        if finer.covers(at.keys):
            return f"say how to gather it, for example sum({show(name)})"
        return f"these rows do not nest: define {name.name} for each {each(at.keys)} first"

    def _through_fix(self, lacking: list[str], at: At) -> str:
        for key in lacking:
            for rule in self.rules.holders(key):
                if rule.quantity != key and rule.column != key and self.known(at).covers(rule.keys):
                    return f"{key} is held by {rule.holder}: say through: {rule.quantity or rule.column}"
        return ""

    # -- parameters -------------------------------------------------------------------------------------------------
    def _parameter(self, parameter: Parameter, name: ast.Name | ast.Call, at: At, on: Node | None) -> ParameterValue:
        by, on, period = self._reading(parameter, name, at, on)
        kind = parameter.type
        averaged = parameter.as_at == "days" and period is not None and len({e.since for e in parameter.entries}) > 1
        missing = any(node.type.missing for node in by) or (on is not None and on.type.missing)
        kind = replace(kind, exact=kind.exact and not averaged, missing=missing)
        return ParameterValue(kind, name.place, parameter.name, by, on, period)

    def _reading(
        self, parameter: Parameter, name: ast.Name | ast.Call, at: At, on: Node | None
    ) -> tuple[tuple[Node, ...], Node | None, KeyPath | None]:
        """How a parameter is read here: the members of ``by``, the day it is read on, the period it is read for."""
        place = name.place
        by = tuple(self._member(parameter, word, name, at) for word in parameter.by)
        if on is None and parameter.as_at not in ("start", "end", "days"):
            column = ast.Name(place, parameter.as_at)
            if parameter.as_at not in self.columns:
                hint = nearest(parameter.as_at, ["start", "end", "days", *self.columns])
                raise FormulaRefused(
                    parameter.place,
                    f"as_at: {parameter.as_at} is neither start, end, days nor a date column",
                    hint,
                )
            on = self.resolve(column, at.inside)
            if on.type.kind != "date":
                raise FormulaRefused(parameter.place, f"as_at: {parameter.as_at} is {on.type}, not a date")
        if on is not None:
            return by, on, None
        period = self._shortest_period(self.known(at))
        changes = sorted({entry.since for entry in parameter.entries})
        if period is None:
            if len(changes) > 1:
                raise FormulaRefused(
                    place,
                    f"{parameter.name} changes during the term, but here there is one value for each {each(at.keys)}",
                    f"add a period to each:, or read it on a date of the row: at({parameter.name}, …)",
                )
            return by, None, None
        self._covered(parameter, period, place, at)
        return by, None, self.path(period, at, place)

    def _member(self, parameter: Parameter, word: str, name: ast.Name | ast.Call, at: At) -> Node:
        known = word in self.draft.keys or word in self.columns or word in self.draft.broken
        if not known:
            hint = nearest(word, [*self.draft.keys, *self.columns])
            raise FormulaRefused(parameter.place, f"{parameter.name} is by {word}, which is no key or column", hint)
        try:
            node = self.resolve(ast.Name(name.place, word), at.inside)
        except FormulaRefused as refused:
            problem = refused.problem
            raise FormulaRefused(
                problem.place, f"{parameter.name} is by {word}: {problem.message}", problem.fix
            ) from None
        if node.type.kind not in ("key", "text"):
            raise FormulaRefused(
                parameter.place, f"{parameter.name} is by {word}, which is {node.type}", "by: a key or text"
            )
        if node.type.options is not None:
            position = parameter.by.index(word)
            for entry in parameter.entries:
                for members in entry.values:
                    if members[position] not in node.type.options:
                        hint = nearest(members[position], node.type.options)
                        raise FormulaRefused(
                            entry.place,
                            f"{members[position]} is not a {word}: {', '.join(node.type.options)}",
                            hint,
                        )
        return node

    def _shortest_period(self, known: KnownKeys) -> str | None:
        periods = [key for key in known.paths if self.draft.keys[key].is_period]
        if not periods:
            return None
        return min(periods, key=lambda key: (_length(self.draft.keys[key]), key))

    def _covered(self, parameter: Parameter, period: str, place: Place, at: At) -> None:
        """Refuse a parameter that changes inside a period, or that has no value on a day on which it is read."""
        items = [
            item
            for item in self.draft.keys[period].items
            if (at.since is None or item.first >= at.since) and (at.before is None or item.first < at.before)
        ]
        changes = sorted({entry.since for entry in parameter.entries})
        inside = [(change, item) for change in changes for item in items if item.first < change <= item.last]
        if inside and parameter.name not in self.draft.as_at_said:
            change, item = inside[0]
            raise FormulaRefused(
                place,
                f"{parameter.name} changes on {change}, inside the {period} that begins {item.label}",
                "use a shorter period, or say as_at: start, end or days (weighted by days) on the parameter",
            )
        for item in items:
            day = item.last if parameter.as_at == "end" else item.first
            ruling = [entry for entry in parameter.entries if entry.since <= day]
            if not ruling:
                raise FormulaRefused(
                    place,
                    f"{parameter.name} has no value on {day}: its first entry begins {changes[0]}",
                    f"add an entry from {day} or earlier",
                )
            until = ruling[-1].until
            if until is not None and until < day and not parameter.carry:
                raise FormulaRefused(
                    place,
                    f"{parameter.name} has no value on {day}: its last entry holds until {until}",
                    "add an entry, or say carry: last on the parameter",
                )

    # -- case, operators --------------------------------------------------------------------------------------------
    def _flag(self, formula: ast.Formula, at: At, what: str) -> Node:
        node = self.resolve(formula, at)
        if node.type.kind != "flag":
            raise FormulaRefused(formula.place, f"{what}; {show(formula)} is {node.type}")
        return node

    def _case(self, case: ast.Case, at: At) -> Node:
        branches: list[tuple[Node, Node]] = []
        values: list[tuple[ast.Formula, Node]] = []
        missing = False
        here = at.inside
        for condition, value in case.branches:
            test = self._flag(condition, here, "when needs a condition")
            missing = missing or test.type.missing
            result = self.resolve(value, here.knowing(certain(condition, True)))
            branches.append((test, result))
            values.append((value, result))
            here = here.knowing(certain(condition, False))
        otherwise = None
        if case.otherwise is not None:
            otherwise = self.resolve(case.otherwise, here)
            values.append((case.otherwise, otherwise))
        kind = self._unified(values, "the branches of case")
        return Choice(kind.or_missing(missing or otherwise is None), case.place, tuple(branches), otherwise)

    def _unified(self, values: list[tuple[ast.Formula, Node]], what: str) -> Type:
        kind = values[0][1].type
        for formula, node in values[1:]:
            kind = unify(kind, node.type, formula.place, what)
        return kind

    def _operation(self, operation: ast.Operation, at: At) -> Node:
        operator, place, here = operation.operator, operation.place, at.inside
        operands = operation.operands
        match operator:
            case "and" | "or":
                left = self._flag(operands[0], here, f"{operator} joins conditions")
                right = self._flag(
                    operands[1], here.knowing(certain(operands[0], operator == "and")), f"{operator} joins conditions"
                )
                return Logic(FLAG.or_missing(left.type.missing or right.type.missing), place, operator, left, right)
            case "not":
                operand = self._flag(operands[0], here, "not needs a condition")
                return Not(operand.type, place, operand)
            case "is null" | "is not null":
                return IsMissing(FLAG, place, self.resolve(operands[0], here), operator == "is not null")
            case "in":
                return self._one_of(operation, here)
            case "neg":
                operand = self._number(operands[0], here, "-")
                return Negative(replace(operand.type, positive=False), place, operand)
            case "=" | "<>" | "<" | "<=" | ">" | ">=":
                return self._comparison(operation, here)
            case "+" | "-":
                left, right = (self._number(operand, here, operator) for operand in operands)
                unit = _same_unit(left.type, right.type)
                if unit is _DIFFERENT:
                    raise FormulaRefused(
                        place,
                        f"{show(operands[0])} is in {left.type.unit}, {show(operands[1])} in {right.type.unit}: "
                        f"they cannot be {'added' if operator == '+' else 'subtracted'}",
                    )
                kind = Type(
                    "number",
                    left.type.unit if left.type.unit is not None else right.type.unit,
                    left.type.exact and right.type.exact,
                    left.type.missing or right.type.missing,
                    operator == "+" and left.type.positive and right.type.positive,
                    comparable=_comparable(left.type, right.type),
                )
                return Arithmetic(kind, place, operator, left, right)
            case "*":
                left, right = (self._number(operand, here, operator) for operand in operands)
                units = left.type.unit, right.type.unit
                kind = Type(
                    "number",
                    None if units[0] is None or units[1] is None else units[0].times(units[1]),
                    left.type.exact and right.type.exact,
                    left.type.missing or right.type.missing,
                    left.type.positive and right.type.positive,
                    comparable=_comparable(left.type, right.type),
                )
                return Arithmetic(kind, place, "*", left, right)
            case "/":
                return self._division(operation, here)
            case _:  # pragma: no cover
                raise TypeError(operator)

    def _number(self, formula: ast.Formula, at: At, operator: str) -> Node:
        node = self.resolve(formula, at)
        if node.type.kind != "number":
            flag = node.type.kind == "flag"
            fix = f"case when {show(formula)} then … else … end" if flag else ""
            raise FormulaRefused(formula.place, f"{show(formula)} is {node.type}; {operator} needs numbers", fix)
        return node

    def _division(self, operation: ast.Operation, at: At) -> Node:
        left = self._number(operation.operands[0], at, "/")
        right = self._number(operation.operands[1], at, "/")
        if not self._nonzero(operation.operands[1], right, at):
            above, below = show(operation.operands[0], 6), show(operation.operands[1], 7)
            raise FormulaRefused(
                operation.place,
                f"{show(operation.operands[1])} can be 0",
                f"case when {show(operation.operands[1])} > 0 then {above} / {below} else … end; "
                "or min: 1 on the column; "
                f"or a check that {show(operation.operands[1])} > 0",
            )
        unit = None if left.type.unit is None else left.type.unit.times(right.type.unit or RATIO, -1)
        kind = Type(
            "number",
            unit,
            False,
            left.type.missing or right.type.missing,
            left.type.positive and right.type.positive,
            comparable=_comparable(left.type, right.type),
        )
        return Arithmetic(kind, operation.place, "/", left, right)

    def _nonzero(self, formula: ast.Formula, node: Node, at: At) -> bool:
        if node.type.positive or Fact("nonzero", formula) in at.facts:
            return True
        for keys, facts in self.certain_everywhere:
            if Fact("nonzero", formula) in facts and (not crosses_rows(formula) or set(keys) == set(at.keys)):
                return True
        if isinstance(formula, ast.Operation) and formula.operator in ("*", "/", "neg"):
            return all(self._nonzero(part, self.resolve(part, at), at) for part in formula.operands)
        return False

    def _one_of(self, operation: ast.Operation, at: At) -> Node:
        subject = self.resolve(operation.operands[0], at)
        if subject.type.kind not in ("text", "key"):
            raise FormulaRefused(operation.place, f"in compares texts; {show(operation.operands[0])} is {subject.type}")
        options: list[Node] = []
        for option in operation.operands[1:]:
            if not isinstance(option, ast.Text):
                raise FormulaRefused(option.place, "in takes texts in quotes", "in ('a', 'b')")
            self._an_option(subject.type, option)
            options.append(self.resolve(option, at))
        return OneOf(FLAG.or_missing(subject.type.missing), operation.place, subject, tuple(options))

    def _an_option(self, kind: Type, text: ast.Formula) -> None:
        if isinstance(text, ast.Text) and kind.options is not None and text.value not in kind.options:
            hint = nearest(text.value, kind.options)
            raise FormulaRefused(text.place, f"'{text.value}' is not one of {', '.join(kind.options)}", hint)

    def _comparison(self, operation: ast.Operation, at: At) -> Node:
        operator, place = operation.operator, operation.place
        left, right = (self.resolve(operand, at) for operand in operation.operands)
        one, other = left.type, right.type
        if one.kind == other.kind == "number":
            if _same_unit(one, other) is _DIFFERENT:
                raise FormulaRefused(
                    place,
                    f"{one.unit} is compared with {other.unit}: {show(operation)}",
                    "bring both to one unit; a percent is a ratio",
                )
            self._tied_ranks(operation, left, right)
        elif {one.kind, other.kind} <= {"text", "key"}:
            if operator not in ("=", "<>"):
                raise FormulaRefused(place, f"texts are compared with = and <> only; this is {operator}")
            self._an_option(one, operation.operands[1])
            self._an_option(other, operation.operands[0])
            if one.kind == other.kind == "key" and one.key != other.key:
                raise FormulaRefused(place, f"a {one.key} is compared with a {other.key}")
        elif one.kind == other.kind == "flag":
            fix = f"{show(operation.operands[0])} and …, or not {show(operation.operands[0])}"
            raise FormulaRefused(place, "flags are not compared", fix)
        elif one.kind != other.kind:
            raise FormulaRefused(place, f"{one} is compared with {other}: {show(operation)}")
        match operator:
            case "=" | "<>" | "<" | "<=" | ">" | ">=":
                return Comparison(FLAG.or_missing(one.missing or other.missing), place, operator, left, right)
            case _:  # pragma: no cover
                raise TypeError(operator)

    def _tied_ranks(self, operation: ast.Operation, left: Node, right: Node) -> None:
        """Warn where a rank that can tie is compared, as with a number of winners."""
        for node, formula in ((left, operation.operands[0]), (right, operation.operands[1])):
            if not isinstance(node, QuantityValue) or not isinstance(formula, ast.Name):
                continue
            quantity = self.draft.quantities[node.quantity]
            ranked = [version.formula for version in quantity.versions if isinstance(version.formula, ast.RankOver)]
            for rank in ranked:
                ordered = {part.name for part, _ in rank.order if isinstance(part, ast.Name)}
                parted = {part.name for part in rank.partition}
                if not set(quantity.each) <= ordered | parted:
                    keys = ", ".join(key for key in quantity.each if key not in parted)
                    self.warnings.append(
                        (
                            operation.place,
                            f"{formula.name} can be equal for several rows, so this may hold for more than meant",
                            f"to leave no ties, end the order of {formula.name} with {keys}",
                        )
                    )

    # -- calls ------------------------------------------------------------------------------------------------------
    def _call(self, call: ast.Call, at: At) -> Node:
        name = call.name
        if name in self.draft.broken and name not in FUNCTIONS:
            raise Broken
        if name in GATHERING:
            return self._gathering(call, at)
        if call.where is not None or call.star:
            said = "filter" if call.where is not None else "*"
            raise FormulaRefused(
                call.place, f"{name}() takes no {said}", f"only {', '.join(sorted(GATHERING))} gather rows"
            )
        parameter = self.draft.parameters.get(name)
        if parameter is not None and parameter.scale is not None:
            return self._scale(parameter, call, at)
        here = at.inside
        match name:
            case "allocate":
                return self._allocate(call, at)
            case "prior" | "trailing_avg":
                return self._looking_back(call, here)
            case "days" | "months" | "first_day" | "last_day":
                return self._of_period(call, here)
            case "days_between":
                self._takes(call, 2, "two dates")
                start, end = (self.resolve(argument, here) for argument in call.arguments)
                for argument, node in zip(call.arguments, (start, end), strict=True):
                    if node.type.kind != "date":
                        raise FormulaRefused(argument.place, f"days_between() takes dates; this is {node.type}")
                missing = start.type.missing or end.type.missing
                return DaysBetween(Type("number", DAYS, missing=missing), call.place, start, end)
            case "at":
                return self._at_date(call, here)
            case "abs":
                self._takes(call, 1, "one number")
                operand = self._number(call.arguments[0], here, "abs()")
                return Absolute(replace(operand.type, positive=operand.type.positive), call.place, operand)
            case "least" | "greatest":
                return self._extreme(call, here)
            case "coalesce":
                return self._coalesce(call, here)
            case _:
                raise FormulaRefused(
                    call.place, f"{name}() needs over ( … )", "rank() over (partition by … order by …)"
                )

    def _takes(self, call: ast.Call, count: int, what: str) -> None:
        if len(call.arguments) != count:
            raise FormulaRefused(call.place, f"{call.name}() takes {what}; here are {len(call.arguments)} values")

    def _extreme(self, call: ast.Call, at: At) -> Node:
        if len(call.arguments) < 2:
            raise FormulaRefused(call.place, f"{call.name}() compares two values or more")
        nodes = [(argument, self._number(argument, at, f"{call.name}()")) for argument in call.arguments]
        kind = self._unified(nodes, f"the values of {call.name}()")
        positives = [node.type.positive for _, node in nodes]
        kind = replace(kind, positive=any(positives) if call.name == "greatest" else all(positives))
        which = "greatest" if call.name == "greatest" else "least"
        return Extreme(kind, call.place, which, tuple(node for _, node in nodes))

    def _coalesce(self, call: ast.Call, at: At) -> Node:
        if len(call.arguments) < 2:
            raise FormulaRefused(call.place, "coalesce() takes a value and what stands in for it", "coalesce(x, 0)")
        nodes = [(argument, self.resolve(argument, at)) for argument in call.arguments]
        for argument, node in nodes[:-1]:
            if not node.type.missing:
                raise FormulaRefused(
                    argument.place,
                    f"{show(argument)} is never missing, so this coalesce does nothing",
                    f"write {show(argument)}",
                )
        kind = self._unified(nodes, "the values of coalesce()")
        missing = all(node.type.missing for _, node in nodes)
        kind = replace(kind, missing=missing, positive=all(node.type.positive for _, node in nodes))
        return Coalesce(kind, call.place, tuple(node for _, node in nodes))

    def _of_period(self, call: ast.Call, at: At) -> Node:
        self._takes(call, 1, "a period")
        period = call.arguments[0]
        if not isinstance(period, ast.Name) or period.name not in self.draft.keys:
            raise FormulaRefused(period.place, f"{call.name}() takes a period, such as year or month")
        if period.name in self.draft.broken:
            raise Broken
        if not self.draft.keys[period.name].is_period:
            raise FormulaRefused(period.place, f"{period.name} is not a period")
        if period.name not in self.known(at):
            raise FormulaRefused(period.place, f"{period.name} is not known for each {each(at.keys)}")
        path = self.path(period.name, at, period.place)
        missing = self.missing_role(path, at.facts, period.place, at.stack) is not None
        if call.name in ("first_day", "last_day"):
            which = "first" if call.name == "first_day" else "last"
            return PeriodDay(DATE.or_missing(missing), call.place, which, period.name, path)
        if call.name == "days":
            return PeriodLength(Type("number", DAYS, True, missing, True), call.place, "days", period.name, path)
        whole = all(_whole_months(item.first, item.last) for item in self.draft.keys[period.name].items)
        if not whole:
            raise FormulaRefused(call.place, f"not every {period.name} is a whole number of months", "days(…)")
        return PeriodLength(Type("number", MONTHS, True, missing, True), call.place, "months", period.name, path)

    def _at_date(self, call: ast.Call, at: At) -> Node:
        self._takes(call, 2, "a parameter and a date")
        name, date = call.arguments
        if not isinstance(name, ast.Name) or name.name not in self.draft.parameters:
            raise FormulaRefused(name.place, "at() takes a parameter and a date", "at(rate, paid_on)")
        if name.name in self.draft.broken:
            raise Broken
        parameter = self.draft.parameters[name.name]
        if parameter.scale is not None:
            raise FormulaRefused(
                name.place, f"{name.name} is a scale", "say as_at: with a date column on the parameter"
            )
        on = self.resolve(date, at)
        if on.type.kind != "date":
            raise FormulaRefused(date.place, f"at() reads a parameter on a date; {show(date)} is {on.type}")
        return self._parameter(parameter, name, at, on)

    def _scale(self, parameter: Parameter, call: ast.Call, at: At) -> Node:
        assert parameter.scale is not None
        self._takes(call, 1, f"one value, of {parameter.scale.of}")
        argument = self._number(call.arguments[0], at.inside, f"{call.name}()")
        of = parameter.scale.of.unit
        if argument.type.unit is not None and argument.type.unit != of:
            raise FormulaRefused(
                call.arguments[0].place,
                f"{call.name} is a scale of {parameter.scale.of}; {show(call.arguments[0])} is in {argument.type.unit}",
            )
        by, on, period = self._reading(parameter, call, at.inside, None)
        exact = {"step": True, "linear": False, "marginal": argument.type.exact}[parameter.scale.kind]
        missing = argument.type.missing or any(node.type.missing for node in by)
        missing = missing or (on is not None and on.type.missing)
        positive = parameter.type.positive and parameter.scale.kind != "marginal"
        exact = exact and (parameter.type.exact or parameter.scale.kind == "linear")
        kind = Type("number", parameter.type.unit, exact, missing, positive)
        return ScaleValue(kind, call.place, parameter.name, argument, by, on, period)

    # -- across rows ------------------------------------------------------------------------------------------------
    def _grain(self, name: ast.Name) -> tuple[str, ...] | None:
        """The keys of what a name reads; None for keys and parameters."""
        if name.table is None and (name.name in self.draft.keys or name.name in self.draft.parameters):
            return None
        if name.name in self.draft.broken:
            raise Broken
        if name.table is None and name.name in self.draft.quantities:
            return self.draft.quantities[name.name].each
        return self.draft.tables[self._the_column(name).table].keys

    def _names(self, formula: ast.Formula) -> Iterator[ast.Name]:
        for part in ast.walk(formula):
            if isinstance(part, ast.Name):
                yield part
            elif isinstance(part, ast.Call) and part.name in self.draft.parameters:
                parameter = self.draft.parameters[part.name]
                yield from (ast.Name(part.place, word) for word in parameter.by)

    def _finest(self, formula: ast.Formula, call: ast.Call, at: At) -> tuple[str, ...]:
        """The keys of the rows a gathering formula is read at: the finest of what it reads, from which all follows."""
        grains: list[tuple[ast.Name, tuple[str, ...]]] = []
        for name in self._names(formula):
            grain = self._grain(name)
            if grain is not None:
                grains.append((name, grain))
            elif name.name in self.draft.parameters:
                for word in self.draft.parameters[name.name].by:
                    if word in self.columns and word not in self.draft.keys:
                        by = self._grain(ast.Name(name.place, word))
                        if by is not None:
                            grains.append((ast.Name(name.place, word), by))
        if not grains:
            # a key alone varies with the rows of the column that holds it: last(pcn)
            for name in self._names(formula):
                held = [column for column in self.columns.get(name.name, []) if column.type.key == name.name]
                grains.extend((name, self.draft.tables[column.table].keys) for column in held[:1])
        if not grains:
            raise FormulaRefused(
                call.place, f"{call.name}() of what rows? Nothing in it varies", "name a column or quantity"
            )
        candidates = [
            grain
            for _, grain in grains
            if all(self.rules.known(frozenset(grain), at.through).covers(other) for _, other in grains)
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
        rows = self.rows_of(frozenset(keys))
        if rows is not None:
            return rows
        for table in self.draft.tables.values():
            if frozenset(table.keys) == frozenset(keys):
                return RowSet(table.keys, (table.name,), tuple(OwnKey(key) for key in table.keys))
        raise FormulaRefused(place, f"which rows of {each(keys)} exist?", "say rows: […] on a group with these keys")

    def _gathering(self, call: ast.Call, at: At) -> Node:
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
                self._takes(call, 1, "a table")
                table = call.arguments[0]
                if not isinstance(table, ast.Name) or table.name not in self.draft.tables:
                    tables = ", ".join(self.draft.tables)
                    raise FormulaRefused(
                        table.place, f"count() takes a table: {tables}", "or count(*) filter (where …)"
                    )
                if table.name in self.draft.broken:
                    raise Broken
                finer = self.draft.tables[table.name].keys
                rows = RowSet(finer, (table.name,), tuple(OwnKey(key) for key in finer))
        else:
            wanted = 2 if name == "quantile" else 1
            if call.star or len(call.arguments) != wanted:
                raise FormulaRefused(place, f"{name}() takes {'a value and a share' if wanted == 2 else 'one value'}")
            value = call.arguments[0]
            finer = self._finest(value, call, at)
        rows = rows or self._row_set(finer, None, place)
        inner = At(rows.keys, at.through, NOTHING, at.stack, at.since, at.before, gathering=True)
        known = self.known(inner)
        lacking = [key for key in at.keys if key not in known]
        if lacking:
            raise FormulaRefused(
                place,
                f"rows of {each(rows.keys)} do not say which {' or '.join(lacking)} they belong to",
                self._through_fix(lacking, inner) or f"first bring it to rows that know the {lacking[0]}",
            )
        if self.known(at).covers(rows.keys):
            raise FormulaRefused(
                place,
                f"{name}() has nothing to gather: there is already one value for each {each(at.keys)}",
                "use the value itself",
            )
        where = None
        facts = NOTHING
        if call.where is not None:
            where = self._flag(call.where, inner, "filter needs a condition")
            if where.type.missing:
                raise FormulaRefused(
                    call.where.place, "this condition can be missing", "filter (where … is not null and …)"
                )
            facts = certain(call.where, True)
        match = self.paths(at.keys, inner, place)
        for key, path in zip(at.keys, match, strict=True):
            role = self.missing_role(path, facts, place, at.stack)
            if role is not None:
                raise FormulaRefused(
                    place,
                    f"{role} can be missing, so some rows of {each(rows.keys)} belong to no {key}",
                    f"filter (where {role} is not null)",
                )
        if name == "count":
            return Gather(COUNT, place, "count", None, where, rows, at.keys, match)
        assert value is not None
        node = self.resolve(value, inner.knowing(facts))
        if name in ("first", "last"):
            return self._end_of(call, node, where, rows, at, match)
        if node.type.kind != "number":
            fix = f"count(*) filter (where {show(value)})" if node.type.kind == "flag" else ""
            raise FormulaRefused(value.place, f"{name}() needs numbers; {show(value)} is {node.type}", fix)
        self._must_be_exact(node, value, f"{name}() crosses rows")
        if name == "quantile":
            self._may_be_compared(node, value)
            share = call.arguments[1]
            fraction = self._number(share, replace(at, whole=False), "quantile()")
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
        known = self.known(at)
        extra = [key for key in rows.keys if key not in known]
        if len(extra) != 1 or not self.draft.keys[extra[0]].is_period:
            raise FormulaRefused(
                call.place,
                f"{call.name}() picks along one period; {show(call.arguments[0])} is one for each {each(rows.keys)}, "
                f"and here there is one for each {each(at.keys)}",
            )
        period = extra[0]
        enclosing = [key for key in at.keys if self.draft.keys[key].is_period]
        inside = min(enclosing, key=lambda key: (_length(self.draft.keys[key]), key), default=None)
        own = self.rows_of(frozenset(at.keys))
        outer = set(own.sources) - {inside} if own is not None else None
        always = (
            period in rows.sources and outer is not None and outer == set(rows.sources) - {period} and where is None
        )
        kind = node.type.or_missing(not always)
        which = "first" if call.name == "first" else "last"
        return EndOf(
            replace(kind, positive=False), call.place, which, node, where, rows, at.keys, match, period, inside
        )

    def _looking_back(self, call: ast.Call, at: At) -> Node:
        wanted = 1 if call.name == "prior" else 2
        self._takes(
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
        periods = [key for key in grain if self.draft.keys[key].is_period]
        if not periods:
            raise FormulaRefused(call.place, f"{show(base)} has no period to look back along")
        period = min(periods, key=lambda key: (_length(self.draft.keys[key]), key))
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
        if not isinstance(count, ast.Name) or count.name not in self.draft.parameters:
            raise FormulaRefused(
                count.place, "the number of periods is a parameter", "trailing_avg(x, averaging_years)"
            )
        number = self.resolve(count, at)
        assert isinstance(number, ParameterValue)
        parameter = self.draft.parameters[count.name]
        values = [value for entry in parameter.entries for value in entry.values.values()]
        good = all(isinstance(value, Fraction) and value.denominator == 1 and 1 <= value <= 1000 for value in values)
        if not good or len(values) != 1:
            raise FormulaRefused(count.place, f"{count.name} must be one whole number of periods for the whole term")
        kind = replace(of.type, missing=True, positive=False, exact=False)
        return TrailingAverage(kind, call.place, of, number, period)

    def _carried(self, base: ast.Name, grain: tuple[str, ...], at: At) -> ColumnValue | QuantityValue:
        """What prior() reads: also a quantity that is being defined, if it has said its unit and its rounding."""
        if not self.known(at).covers(grain):
            raise FormulaRefused(base.place, self._finer(base.name, grain, at), self._finer_fix(base, grain, at))
        quantity = self.draft.quantities.get(base.name) if base.table is None else None
        if quantity is None:
            return self._column(base, at)
        paths = self.paths(grain, at, base.place)
        if quantity.written is not None and quantity.rounding is not None:
            kind = Type("number", quantity.written.unit)
        elif quantity.name in at.stack:
            raise FormulaRefused(
                base.place,
                f"{quantity.name} looks back at itself: it must say its unit and how it is rounded",
                "unit: … and round: … on its definition",
            )
        else:
            kind = self.type_of(quantity, (*at.stack, THROUGH_PRIOR), base.place)
        return QuantityValue(kind, base.place, quantity.name, paths)

    def _rank(self, rank: ast.RankOver, at: At) -> Node:
        if at.gathering:
            raise FormulaRefused(rank.place, "rank() stands inside a gathering", "give it a name of its own")
        known = self.known(at)
        partition: list[KeyPath] = []
        for name in rank.partition:
            if name.name not in self.draft.keys:
                raise FormulaRefused(name.place, f"{name.name} is not a key", nearest(name.name, self.draft.keys))
            if name.name not in known:
                raise FormulaRefused(name.place, f"{name.name} is not known for each {each(at.keys)}")
            path = self.path(name.name, at, name.place)
            role = self.missing_role(path, at.facts, name.place, at.stack)
            if role is not None:
                raise FormulaRefused(name.place, f"{role} can be missing, so some rows belong to no {name.name}")
            partition.append(path)
        order: list[tuple[Node, bool]] = []
        for expression, descending in rank.order:
            node = self.resolve(expression, replace(at, whole=False, facts=NOTHING))
            if node.type.kind == "flag":
                raise FormulaRefused(expression.place, f"rank() orders by numbers, dates or keys; this is {node.type}")
            self._must_be_exact(node, expression, "rank() compares rows")
            self._may_be_compared(node, expression)
            if node.type.missing:
                raise FormulaRefused(expression.place, f"{show(expression)} can be missing, and then it has no rank")
            order.append((node, descending))
        rows = self._row_set(at.keys, None, rank.place)
        return Rank(Type("number", RATIO, positive=True), rank.place, rows, tuple(partition), tuple(order))

    def _allocate(self, call: ast.Call, at: At) -> Node:
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
        if not self.known(at).covers(coarse):
            name = next(iter(self._names(pool)))
            raise FormulaRefused(pool.place, self._finer(show(pool), coarse, at), self._finer_fix(name, coarse, at))
        if self.rules.known(frozenset(coarse), at.through).covers(at.keys):
            raise FormulaRefused(
                place, f"the pool is already one for each {each(at.keys)}: there is nothing to share out"
            )
        at_pool = At(coarse, at.through, NOTHING, at.stack, at.since, at.before)
        own = self._number(pool, at_pool, "allocate()")
        if own.type.missing:
            raise FormulaRefused(pool.place, f"the pool {show(pool)} can be missing", "coalesce(…, …) says what then")
        group = self.paths(coarse, at, place)
        missing = self._maybe_missing(group, at, place)
        shared = self._number(pool, here, "allocate()")
        by = self._number(weight, here, "allocate()")
        parts: list[tuple[str, ast.Formula, Node]] = [("the pool", pool, own), ("the weight", weight, by)]
        floor = None
        if len(call.arguments) == 3:
            floor = self._number(call.arguments[2], here, "allocate()")
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


_ANTICIPATED = {
    "round": "a rounding has a line of its own: {is: …, round: 0.01 GBP half_up}",
    "if": "case when … then … else … end",
    "iif": "case when … then … else … end",
    "avg": "an average is a quotient of two sums: sum(x) / count(…)",
    "nullif": "case when x > 0 then … else … end says what happens at 0",
    "ifnull": "coalesce(…, …)",
    "isnull": "… is null",
    "trailing_sum": "trailing_avg(x, n) times n",
    "end": "last_day(period)",
    "today": "a contract has no clock: read a date from an input",
    "now": "a contract has no clock: read a date from an input",
    "random": "a contract has no chance in it",
}

_DIFFERENT = object()


def _same_unit(one: Type, other: Type) -> object:
    if one.unit is None or other.unit is None or one.unit == other.unit:
        return one.unit
    return _DIFFERENT


def _comparable(one: Type, other: Type) -> str:
    return one.comparable if one.comparable != "all" else other.comparable


def unify(one: Type, other: Type, place: Place, what: str) -> Type:
    """The type of a value that is one or the other; raises :class:`FormulaRefused` if nothing can be both."""
    kinds = tuple("text" if kind == "key" else kind for kind in (one.kind, other.kind))
    if kinds[0] != kinds[1] or (one.kind == other.kind == "key" and one.key != other.key):
        raise FormulaRefused(place, f"{what} are of different kinds: {one} and {other}")
    missing = one.missing or other.missing
    if one.kind == "number":
        if _same_unit(one, other) is _DIFFERENT:
            raise FormulaRefused(place, f"{what} are in different units: {one.unit} and {other.unit}")
        unit = one.unit if one.unit is not None else other.unit
        exact, positive = one.exact and other.exact, one.positive and other.positive
        return Type("number", unit, exact, missing, positive, comparable=_comparable(one, other))
    if one.options is not None and other.options is not None:
        options = tuple(dict.fromkeys(one.options + other.options))
        return replace(one, missing=missing, options=options)
    kind = one if one.kind == "key" or other.kind != "key" else other
    return replace(kind, missing=missing, options=None)


def _length(key: Key) -> int:
    return min(((item.last - item.first).days for item in key.items), default=0)


def _whole_months(first: dt.date, last: dt.date) -> bool:
    return (last + dt.timedelta(days=1)).day == first.day


__all__ = ["THROUGH_PRIOR", "At", "Broken", "Inference", "each", "unify"]
