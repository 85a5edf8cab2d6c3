"""How values and formulas are written for a reader: money, percent, units, periods by their usual names.

Lives here: one value, one formula, as text. Does not: sentences and trees (:mod:`~accord.engine.explanation`).
"""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

from accord.language.contract import Contract, Value
from accord.language.meaning import (
    Absolute,
    Allocate,
    Arithmetic,
    Choice,
    Coalesce,
    ColumnValue,
    Comparison,
    DaysBetween,
    EndOf,
    Extreme,
    Gather,
    HeldByColumn,
    IsMissing,
    KeyValue,
    Literal_,
    Logic,
    Negative,
    Node,
    Not,
    OneOf,
    ParameterValue,
    PeriodDay,
    PeriodLength,
    Prior,
    QuantityValue,
    Rank,
    ScaleValue,
    TrailingAverage,
)
from accord.language.rounding import Rounding, decimal_places, decimal_text, round_to_whole
from accord.language.types import Type
from accord.language.unit import RATIO, Unit, WrittenUnit, minor_unit_places

_SYMBOLS = {"GBP": "£", "USD": "$", "EUR": "€"}
_FEW_PLACES = 12


def grouped(value: Fraction, places: int) -> str:
    """A number with thousands separators and ``places`` decimals (rounded half away from zero to them)."""
    whole = round_to_whole(value.numerator * 10**places, value.denominator, "half_up")
    digits = f"{abs(whole):0{places + 1}d}"
    integer, part = (digits[:-places], digits[-places:]) if places else (digits, "")
    return f"{'-' if whole < 0 else ''}{int(integer):,}{'.' + part if part else ''}"


def _significant(value: Fraction, digits: int = 6) -> str:
    """About ``digits`` significant digits."""
    if value == 0:
        return "0"
    size, magnitude = abs(value), 0
    while size >= 10:
        size /= 10
        magnitude += 1
    while size < 1:
        size *= 10
        magnitude -= 1
    return grouped(value, max(digits - 1 - magnitude, 0))


def _digits(value: Fraction, least: int = 0, exactly: int | None = None) -> tuple[str, bool]:
    """The number in digits, and whether that is all of it."""
    if exactly is not None:
        return grouped(value, exactly), True
    places = decimal_places(value)
    if places is None or places > _FEW_PLACES:
        return _significant(value), False
    return grouped(value, max(places, least)), True


def printed_number(
    value: Fraction, unit: Unit | None, *, percent: bool = False, rounding: Rounding | None = None, words: bool = True
) -> str:
    """A number as a reader sees it: ``£1,234.50``, ``71.5%``, ``12,000 people``, ``≈ 0.285714 (2/7)``.

    ``words=False`` leaves out unit words and exact fractions: the short form that stands inside a working.
    """
    unit = unit or RATIO
    places = None if rounding is None else decimal_places(rounding.step * (100 if percent else 1))
    money = next((name for name, power in unit.powers if power == 1 and len(name) == 3 and name.isupper()), None)
    amount = money is not None and unit.currency is not None
    broken = decimal_places(value) != 0
    least = minor_unit_places(money) if money is not None and (broken or (amount and words)) else 0
    text, whole = _digits(value * (100 if percent else 1), least, places)
    if percent:
        text += "%"
    elif money is not None:
        sign, bare = ("-", text[1:]) if text.startswith("-") else ("", text)
        text = f"{sign}{_SYMBOLS[money]}{bare}" if money in _SYMBOLS else f"{sign}{money} {bare}"
    if not whole:
        text = "≈" + (" " if words else "") + text
    if words:
        rest = Unit(tuple((name, power) for name, power in unit.powers if name != money)) if money else unit
        if rest.powers and not percent:
            text += " " + _unit_words(rest, plural=value != 1)
        if not whole and len(fraction := decimal_text(value)) <= 40:
            text += f" ({fraction})"
    return text


def _unit_words(unit: Unit, plural: bool) -> str:
    """``admissions``, ``per person``, ``points per person``."""
    said = str(unit)
    if said.startswith("1 per "):
        return said.removeprefix("1 ")
    above, per, below = said.partition(" per ")
    return above + ("s" if plural and above.isidentifier() and not above.endswith("people") else "") + per + below


def printed_value(
    contract: Contract,
    value: Value | None,
    type: Type,
    written: WrittenUnit | None = None,
    rounding: Rounding | None = None,
    words: bool = True,
) -> str:
    """Any value as a reader sees it; a period by its usual name, missing as ``missing``."""
    match value:
        case None:
            return "missing"
        case bool():
            return "true" if value else "false"
        case Fraction():
            percent = written is not None and written.percent
            return printed_number(value, type.unit, percent=percent, rounding=rounding, words=words)
        case dt.date():
            return value.isoformat()
        case str():
            return key_text(contract, type.key, value) if type.kind == "key" else value


def key_text(contract: Contract, key: str | None, label: str) -> str:
    """A key as a reader sees it: a period by its usual name."""
    if key is not None and key in contract.keys and contract.keys[key].is_period:
        item = contract.period(key, label)
        return item.name if item is not None else label
    return label


def exact_text(value: Value | None) -> str | bool | None:
    """A value in JSON: numbers as exact text (1.25 or 2/7), so that nothing is lost."""
    match value:
        case None | bool() | str():
            return value
        case Fraction():
            return decimal_text(value)
        case dt.date():
            return value.isoformat()


# -- formulas as text -----------------------------------------------------------------------------------------------

_BINDING = {"or": 1, "and": 2, "=": 4, "<>": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "+": 5, "-": 5, "*": 6, "/": 6}


def formula_text(node: Node, binding: int = 0) -> str:
    """A node as formula text, by names."""
    return FormulaWriter().write(node, binding)


class FormulaWriter:
    """Writes a node as a formula; subclasses write values where this one writes names."""

    def write(self, node: Node, binding: int = 0) -> str:
        """The text, in brackets where what stands around binds tighter."""
        match node:
            case Arithmetic(operator=op, left=left, right=right) | Logic(operator=op, left=left, right=right):
                own = _BINDING[op]
                second = self.write(right, own + 1)
                second = f"({second})" if second.startswith("-") else second
                return self._in(f"{self.write(left, own)} {op} {second}", own, binding)
            case Comparison(operator=op, left=left, right=right):
                return self._in(f"{self.write(left, 5)} {op} {self.write(right, 5)}", 4, binding)
            case Negative(operand=operand):
                inside = self.write(operand, 7)
                return self._in(f"-({inside})" if inside.startswith("-") else f"-{inside}", 7, binding)
            case Not(operand=operand):
                return self._in(f"not {self.write(operand, 3)}", 3, binding)
            case Absolute(operand=operand):
                return f"abs({self.write(operand)})"
            case IsMissing(operand=operand, negated=negated):
                return self._in(f"{self.write(operand, 5)} is {'not ' if negated else ''}null", 4, binding)
            case OneOf(operand=operand, options=options):
                return self._in(f"{self.write(operand, 5)} in ({', '.join(map(self.write, options))})", 4, binding)
            case DaysBetween(start=start, end=end):
                return f"days_between({self.write(start)}, {self.write(end)})"
            case _:
                return self.leaf(node, binding)

    @staticmethod
    def _in(text: str, own: int, binding: int) -> str:
        return f"({text})" if own < binding else text

    def leaf(self, node: Node, binding: int) -> str:
        """What reads something, or chooses."""
        match node:
            case Literal_(value=value):
                if isinstance(value, str):
                    return f"'{value}'"
                return str(value).lower() if isinstance(value, bool) else decimal_text(value)
            case KeyValue(path=path):
                return path.column if isinstance(path, HeldByColumn) else path.key
            case ColumnValue(column=column):
                return column
            case QuantityValue(quantity=quantity):
                return quantity
            case ParameterValue(parameter=parameter, on=on):
                return parameter if on is None else f"at({parameter}, {self.write(on)})"
            case ScaleValue(parameter=parameter, argument=argument):
                return f"{parameter}({self.write(argument)})"
            case Choice(branches=branches, otherwise=otherwise):
                whens = " ".join(f"when {self.write(test)} then {self.write(value)}" for test, value in branches)
                return f"case {whens}{f' else {self.write(otherwise)}' if otherwise is not None else ''} end"
            case Extreme(which=which, operands=operands):
                return f"{which}({', '.join(map(self.write, operands))})"
            case Coalesce(operands=operands):
                return f"coalesce({', '.join(map(self.write, operands))})"
            case PeriodLength(unit=unit, period=period):
                return f"{unit}({period})"
            case PeriodDay(which=which, period=period):
                return f"{which}_day({period})"
            case Gather(how=how, value=value, where=where, fraction=fraction):
                inside = "*" if value is None and where is not None else ""
                inside = inside or (self.write(value) if value is not None else node.rows.sources[0])
                inside += f", {self.write(fraction)}" if fraction is not None else ""
                return f"{how}({inside})" + (f" filter (where {self.write(where)})" if where is not None else "")
            case EndOf(which=which, value=value, where=where):
                return f"{which}({self.write(value)})" + (f" filter (where {self.write(where)})" if where else "")
            case Prior(of=of, steps=steps):
                return "prior(" * steps + self.write(of) + ")" * steps
            case TrailingAverage(of=of, count=count):
                return f"trailing_avg({self.write(of)}, {self.write(count)})"
            case Rank(partition=partition, order=order):
                by = f"partition by {', '.join(path.key for path in partition)} " if partition else ""
                keys = ", ".join(self.write(one, 5) + (" desc" if descending else "") for one, descending in order)
                return f"rank() over ({by}order by {keys})"
            case Allocate(pool=pool, weight=weight, floor=floor):
                parts = [pool, weight] if floor is None else [pool, weight, floor]
                return f"allocate({', '.join(map(self.write, parts))})"
            case _:  # pragma: no cover - every node is written above
                return type(node).__name__
