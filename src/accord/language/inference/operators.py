"""Operators, comparisons and choices between values of one row."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from accord.language import formula as ast
from accord.language.facts import Fact, certain, crosses_rows
from accord.language.formula import FormulaRefused, show
from accord.language.inference.at import (
    DIFFERENT,
    At,
    comparable,
    same_unit,
)
from accord.language.meaning import (
    Arithmetic,
    Choice,
    Coalesce,
    Comparison,
    Extreme,
    IsMissing,
    Logic,
    Negative,
    Node,
    Not,
    OneOf,
    QuantityValue,
)
from accord.language.problem import nearest
from accord.language.types import FLAG, Type
from accord.language.unit import RATIO

if TYPE_CHECKING:
    from accord.language.inference.inference import Inference


class Operators:
    """Everything that stands between values of one row."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference

    def case(self, case: ast.Case, at: At) -> Node:
        """``case``: strict in its conditions, each branch knowing what its condition makes certain."""
        branches: list[tuple[Node, Node]] = []
        values: list[tuple[ast.Formula, Node]] = []
        missing = False
        here = at.inside
        for condition, value in case.branches:
            test = self.inference.flag(condition, here, "when needs a condition")
            missing = missing or test.type.missing
            result = self.inference.resolve(value, here.knowing(certain(condition, True)))
            branches.append((test, result))
            values.append((value, result))
            here = here.knowing(certain(condition, False))
        otherwise = None
        if case.otherwise is not None:
            otherwise = self.inference.resolve(case.otherwise, here)
            values.append((case.otherwise, otherwise))
        kind = self.inference.unified(values, "the branches of case")
        return Choice(kind.or_missing(missing or otherwise is None), case.place, tuple(branches), otherwise)

    def operation(self, operation: ast.Operation, at: At) -> Node:
        """An operator and its operands."""
        operator, place, here = operation.operator, operation.place, at.inside
        operands = operation.operands
        match operator:
            case "and" | "or":
                left = self.inference.flag(operands[0], here, f"{operator} joins conditions")
                right = self.inference.flag(
                    operands[1], here.knowing(certain(operands[0], operator == "and")), f"{operator} joins conditions"
                )
                return Logic(FLAG.or_missing(left.type.missing or right.type.missing), place, operator, left, right)
            case "not":
                operand = self.inference.flag(operands[0], here, "not needs a condition")
                return Not(operand.type, place, operand)
            case "is null" | "is not null":
                return IsMissing(FLAG, place, self.inference.resolve(operands[0], here), operator == "is not null")
            case "in":
                return self._one_of(operation, here)
            case "neg":
                operand = self.inference.number(operands[0], here, "-")
                return Negative(replace(operand.type, positive=False), place, operand)
            case "=" | "<>" | "<" | "<=" | ">" | ">=":
                return self._comparison(operation, here)
            case "+" | "-":
                left, right = (self.inference.number(operand, here, operator) for operand in operands)
                unit = same_unit(left.type, right.type)
                if unit is DIFFERENT:
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
                    comparable=comparable(left.type, right.type),
                )
                return Arithmetic(kind, place, operator, left, right)
            case "*":
                left, right = (self.inference.number(operand, here, operator) for operand in operands)
                units = left.type.unit, right.type.unit
                kind = Type(
                    "number",
                    None if units[0] is None or units[1] is None else units[0].times(units[1]),
                    left.type.exact and right.type.exact,
                    left.type.missing or right.type.missing,
                    left.type.positive and right.type.positive,
                    comparable=comparable(left.type, right.type),
                )
                return Arithmetic(kind, place, "*", left, right)
            case "/":
                return self._division(operation, here)
            case _:  # pragma: no cover
                raise TypeError(operator)

    def _division(self, operation: ast.Operation, at: At) -> Node:
        left = self.inference.number(operation.operands[0], at, "/")
        right = self.inference.number(operation.operands[1], at, "/")
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
            comparable=comparable(left.type, right.type),
        )
        return Arithmetic(kind, operation.place, "/", left, right)

    def _nonzero(self, formula: ast.Formula, node: Node, at: At) -> bool:
        if node.type.positive or Fact("nonzero", formula) in at.facts:
            return True
        for keys, facts in self.inference.certain_everywhere:
            if Fact("nonzero", formula) in facts and (not crosses_rows(formula) or set(keys) == set(at.keys)):
                return True
        if isinstance(formula, ast.Operation) and formula.operator in ("*", "/", "neg"):
            return all(self._nonzero(part, self.inference.resolve(part, at), at) for part in formula.operands)
        return False

    def _one_of(self, operation: ast.Operation, at: At) -> Node:
        subject = self.inference.resolve(operation.operands[0], at)
        if subject.type.kind not in ("text", "key"):
            raise FormulaRefused(operation.place, f"in compares texts; {show(operation.operands[0])} is {subject.type}")
        options: list[Node] = []
        for option in operation.operands[1:]:
            if not isinstance(option, ast.Text):
                raise FormulaRefused(option.place, "in takes texts in quotes", "in ('a', 'b')")
            self._an_option(subject.type, option)
            options.append(self.inference.resolve(option, at))
        return OneOf(FLAG.or_missing(subject.type.missing), operation.place, subject, tuple(options))

    def _an_option(self, kind: Type, text: ast.Formula) -> None:
        if isinstance(text, ast.Text) and kind.options is not None and text.value not in kind.options:
            hint = nearest(text.value, kind.options)
            raise FormulaRefused(text.place, f"'{text.value}' is not one of {', '.join(kind.options)}", hint)

    def _comparison(self, operation: ast.Operation, at: At) -> Node:
        operator, place = operation.operator, operation.place
        left, right = (self.inference.resolve(operand, at) for operand in operation.operands)
        one, other = left.type, right.type
        if one.kind == other.kind == "number":
            if same_unit(one, other) is DIFFERENT:
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
            quantity = self.inference.draft.quantities[node.quantity]
            ranked = [version.formula for version in quantity.versions if isinstance(version.formula, ast.RankOver)]
            for rank in ranked:
                ordered = {part.name for part, _ in rank.order if isinstance(part, ast.Name)}
                parted = {part.name for part in rank.partition}
                if not set(quantity.each) <= ordered | parted:
                    keys = ", ".join(key for key in quantity.each if key not in parted)
                    self.inference.warnings.append(
                        (
                            operation.place,
                            f"{formula.name} can be equal for several rows, so this may hold for more than meant",
                            f"to leave no ties, end the order of {formula.name} with {keys}",
                        )
                    )

    def extreme(self, call: ast.Call, at: At) -> Node:
        """``least`` and ``greatest``."""
        if len(call.arguments) < 2:
            raise FormulaRefused(call.place, f"{call.name}() compares two values or more")
        nodes = [(argument, self.inference.number(argument, at, f"{call.name}()")) for argument in call.arguments]
        kind = self.inference.unified(nodes, f"the values of {call.name}()")
        positives = [node.type.positive for _, node in nodes]
        kind = replace(kind, positive=any(positives) if call.name == "greatest" else all(positives))
        which = "greatest" if call.name == "greatest" else "least"
        return Extreme(kind, call.place, which, tuple(node for _, node in nodes))

    def coalesce(self, call: ast.Call, at: At) -> Node:
        """``coalesce``, refused where it would do nothing."""
        if len(call.arguments) < 2:
            raise FormulaRefused(call.place, "coalesce() takes a value and what stands in for it", "coalesce(x, 0)")
        nodes = [(argument, self.inference.resolve(argument, at)) for argument in call.arguments]
        for argument, node in nodes[:-1]:
            if not node.type.missing:
                raise FormulaRefused(
                    argument.place,
                    f"{show(argument)} is never missing, so this coalesce does nothing",
                    f"write {show(argument)}",
                )
        kind = self.inference.unified(nodes, "the values of coalesce()")
        missing = all(node.type.missing for _, node in nodes)
        kind = replace(kind, missing=missing, positive=all(node.type.positive for _, node in nodes))
        return Coalesce(kind, call.place, tuple(node for _, node in nodes))
