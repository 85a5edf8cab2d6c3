"""A spreadsheet in fractions: evaluates the formulas of a statement's workbook exactly, for tests only.

Knows the functions that workings write and nothing else. #N/A spreads through everything but ISNA and IFNA.
"""

from __future__ import annotations

import datetime as dt
import math
import operator
import re
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from accord.settlement.workings import CELL


class NotAvailable:
    """#N/A."""


NA = NotAvailable()
TOKEN = re.compile(
    r'\s*("(?:[^"]|"")*"|(?:Working|Inputs|Figures)!\$C\$\d+|\d+(?:\.\d+)?|[A-Z_a-z.]+|<=|>=|<>|[-+*/(),<>=])'
)
COMPARE = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def spread(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *values: NA if any(value is NA for value in values) else function(*values)


def half_up(x: Fraction, places: Fraction) -> Fraction:
    power = 10 ** int(places)
    return Fraction(math.floor(abs(x) * power + Fraction(1, 2)), power) * (1 if x >= 0 else -1)


def away(x: Fraction, _: Fraction) -> Fraction:
    return Fraction(math.ceil(abs(x))) * (1 if x >= 0 else -1)


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "SUM": spread(lambda *values: sum(values, Fraction(0))),
    "MIN": spread(min),
    "MAX": spread(max),
    "ABS": spread(abs),
    "AVERAGE": spread(lambda *values: sum(values, Fraction(0)) / len(values)),
    "INT": spread(lambda x: Fraction(math.floor(x))),
    "ROUND": spread(half_up),
    "ROUNDDOWN": spread(lambda x, _: Fraction(math.trunc(x))),
    "ROUNDUP": spread(away),
    "AND": spread(lambda *values: all(values)),
    "OR": spread(lambda *values: any(values)),
    "NOT": spread(lambda value: not value),
    "IF": lambda condition, yes, no: NA if condition is NA else yes if condition else no,
    "ISNA": lambda value: value is NA,
    "_xlfn.IFNA": lambda value, other: other if value is NA else value,
    "NA": lambda: NA,
    "TRUE": lambda: True,
    "FALSE": lambda: False,
    "DATE": lambda y, m, d: dt.date(int(y), int(m), int(d)),
}


class Sheet:
    """The cells by reference; a formula is evaluated when it is asked for."""

    def __init__(self, formulas: Mapping[str, str], constants: Mapping[str, Any]) -> None:
        self.formulas, self.known = formulas, dict(constants)

    def value(self, reference: str) -> Any:
        if reference not in self.known:
            self.known[reference] = self.evaluate(self.formulas[reference])
        return self.known[reference]

    def evaluate(self, formula: str) -> Any:
        tokens = TOKEN.findall(formula)
        assert "".join(tokens) == re.sub(r"\s+(?=(?:[^\"]*\"[^\"]*\")*[^\"]*$)", "", formula), formula
        self.tokens, before = tokens, getattr(self, "tokens", None)
        value = self._comparison()
        assert not self.tokens, formula
        self.tokens = before
        return value

    def _comparison(self) -> Any:
        left = self._sum()
        while self.tokens and self.tokens[0] in COMPARE:
            compare = COMPARE[self.tokens.pop(0)]
            left = spread(compare)(left, self._sum())
        return left

    def _sum(self) -> Any:
        left = self._product()
        while self.tokens and self.tokens[0] in "+-":
            sign = self.tokens.pop(0)
            right = self._product()
            left = spread(days if isinstance(left, dt.date) else operator.add if sign == "+" else operator.sub)(
                left, right
            )
        return left

    def _product(self) -> Any:
        left = self._unary()
        while self.tokens and self.tokens[0] in "*/":
            sign = self.tokens.pop(0)
            right = self._unary()
            left = (
                NA
                if sign == "/" and right == 0
                else spread(operator.mul if sign == "*" else operator.truediv)(left, right)
            )
        return left

    def _unary(self) -> Any:
        if self.tokens[0] == "-":
            self.tokens.pop(0)
            return spread(operator.neg)(self._unary())
        return self._atom()

    def _atom(self) -> Any:
        token = self.tokens.pop(0)
        if token == "(":
            value = self._comparison()
            assert self.tokens.pop(0) == ")"
            return value
        if token.startswith('"'):
            return token[1:-1].replace('""', '"')
        if CELL.fullmatch(token):
            return self.value(token)
        if token[0].isdigit():
            return Fraction(token)
        if token in ("TRUE", "FALSE"):
            return token == "TRUE"
        assert self.tokens.pop(0) == "(", token
        arguments: list[Any] = []
        while self.tokens[0] != ")":
            arguments.append(self._comparison())
            if self.tokens[0] == ",":
                self.tokens.pop(0)
        self.tokens.pop(0)
        return FUNCTIONS[token](*arguments)


def days(left: dt.date, right: dt.date) -> Fraction:
    return Fraction((left - right).days)
