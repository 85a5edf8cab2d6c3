"""Parameters, scales and periods: the contract's figures, read on the right day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from accord.language import formula as ast
from accord.language.contract import Parameter
from accord.language.formula import FormulaRefused, show
from accord.language.inference.at import (
    At,
    Broken,
    each,
    length,
    whole_months,
)
from accord.language.keys import KnownKeys
from accord.language.meaning import (
    KeyPath,
    Node,
    ParameterValue,
    PeriodDay,
    PeriodLength,
    ScaleValue,
)
from accord.language.place import Place
from accord.language.problem import nearest
from accord.language.types import DATE, Type
from accord.language.unit import DAYS, MONTHS

if TYPE_CHECKING:
    from accord.language.inference.inference import Inference


class Figures:
    """How figures and periods are read where a formula stands."""

    def __init__(self, inference: Inference) -> None:
        self.inference = inference

    def parameter(self, parameter: Parameter, name: ast.Name | ast.Call, at: At, on: Node | None) -> ParameterValue:
        """A parameter, read for the period of the row or on a date."""
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
            if parameter.as_at not in self.inference.columns:
                hint = nearest(parameter.as_at, ["start", "end", "days", *self.inference.columns])
                raise FormulaRefused(
                    parameter.place,
                    f"as_at: {parameter.as_at} is neither start, end, days nor a date column",
                    hint,
                )
            on = self.inference.resolve(column, at.inside)
            if on.type.kind != "date":
                raise FormulaRefused(parameter.place, f"as_at: {parameter.as_at} is {on.type}, not a date")
        if on is not None:
            return by, on, None
        period = self._shortest_period(self.inference.known(at))
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
        return by, None, self.inference.path(period, at, place)

    def _member(self, parameter: Parameter, word: str, name: ast.Name | ast.Call, at: At) -> Node:
        known = (
            word in self.inference.draft.keys or word in self.inference.columns or word in self.inference.draft.broken
        )
        if not known:
            hint = nearest(word, [*self.inference.draft.keys, *self.inference.columns])
            raise FormulaRefused(parameter.place, f"{parameter.name} is by {word}, which is no key or column", hint)
        try:
            node = self.inference.resolve(ast.Name(name.place, word), at.inside)
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
        periods = [key for key in known.paths if self.inference.draft.keys[key].is_period]
        if not periods:
            return None
        return min(periods, key=lambda key: (length(self.inference.draft.keys[key]), key))

    def _covered(self, parameter: Parameter, period: str, place: Place, at: At) -> None:
        """Refuse a parameter that changes inside a period, or that has no value on a day on which it is read."""
        items = [
            item
            for item in self.inference.draft.keys[period].items
            if (at.since is None or item.first >= at.since) and (at.before is None or item.first < at.before)
        ]
        changes = sorted({entry.since for entry in parameter.entries})
        inside = [(change, item) for change in changes for item in items if item.first < change <= item.last]
        if inside and parameter.name not in self.inference.draft.as_at_said:
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

    def scale(self, parameter: Parameter, call: ast.Call, at: At) -> Node:
        """A scale applied to a value."""
        assert parameter.scale is not None
        self.inference.takes(call, 1, f"one value, of {parameter.scale.of}")
        argument = self.inference.number(call.arguments[0], at.inside, f"{call.name}()")
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

    def at_date(self, call: ast.Call, at: At) -> Node:
        """``at(parameter, date)``."""
        self.inference.takes(call, 2, "a parameter and a date")
        name, date = call.arguments
        if not isinstance(name, ast.Name) or name.name not in self.inference.draft.parameters:
            raise FormulaRefused(name.place, "at() takes a parameter and a date", "at(rate, paid_on)")
        if name.name in self.inference.draft.broken:
            raise Broken
        parameter = self.inference.draft.parameters[name.name]
        if parameter.scale is not None:
            raise FormulaRefused(
                name.place, f"{name.name} is a scale", "say as_at: with a date column on the parameter"
            )
        on = self.inference.resolve(date, at)
        if on.type.kind != "date":
            raise FormulaRefused(date.place, f"at() reads a parameter on a date; {show(date)} is {on.type}")
        return self.parameter(parameter, name, at, on)

    def of_period(self, call: ast.Call, at: At) -> Node:
        """``days``, ``months``, ``first_day`` and ``last_day`` of a period."""
        self.inference.takes(call, 1, "a period")
        period = call.arguments[0]
        if not isinstance(period, ast.Name) or period.name not in self.inference.draft.keys:
            raise FormulaRefused(period.place, f"{call.name}() takes a period, such as year or month")
        if period.name in self.inference.draft.broken:
            raise Broken
        if not self.inference.draft.keys[period.name].is_period:
            raise FormulaRefused(period.place, f"{period.name} is not a period")
        if period.name not in self.inference.known(at):
            raise FormulaRefused(period.place, f"{period.name} is not known for each {each(at.keys)}")
        path = self.inference.path(period.name, at, period.place)
        missing = self.inference.missing_role(path, at.facts, period.place, at.stack) is not None
        if call.name in ("first_day", "last_day"):
            which = "first" if call.name == "first_day" else "last"
            return PeriodDay(DATE.or_missing(missing), call.place, which, period.name, path)
        if call.name == "days":
            return PeriodLength(Type("number", DAYS, True, missing, True), call.place, "days", period.name, path)
        whole = all(whole_months(item.first, item.last) for item in self.inference.draft.keys[period.name].items)
        if not whole:
            raise FormulaRefused(call.place, f"not every {period.name} is a whole number of months", "days(…)")
        return PeriodLength(Type("number", MONTHS, True, missing, True), call.place, "months", period.name, path)
