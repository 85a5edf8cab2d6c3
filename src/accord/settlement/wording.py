"""How values are written for a reader: money, percent, people, days, periods by their usual names.

Nothing here is parsed again; files for machines carry exact decimals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from fractions import Fraction

from accord.engine.printed import key_text, printed_number
from accord.language.contract import Contract, Value
from accord.language.rounding import decimal_text
from accord.language.types import Type
from accord.language.unit import Unit, WrittenUnit

SYMBOLS = {"GBP": "£", "USD": "$", "EUR": "€"}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MISSING = "missing"


def day(date: dt.date) -> str:
    """A day as people write it: 1 April 2026."""
    return f"{date.day} {MONTHS[date.month - 1]} {date.year}"


def words(name: str) -> str:
    """A name as words: ``list_size`` is list size."""
    return name.replace("_", " ")


def heading(name: str) -> str:
    """A name as a heading: ``list_size`` is List size."""
    text = words(name).replace("-", " ")
    return text[:1].upper() + text[1:]


def listed(items: Iterable[str]) -> str:
    """Items in a sentence: a, b and c."""
    found = list(items)
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def money(amount: Fraction, currency: str) -> str:
    """An amount of money with all the places of its smallest coin: £1,240.00, -£3.50."""
    return printed_number(amount, Unit(((currency, 1),)))


def number(value: Fraction, unit: Unit | None, percent: bool = False) -> str:
    """A number with its unit: £1,240.00, 40%, 12,000 people, ≈ 0.333333 (1/3)."""
    return printed_number(value, unit, percent=percent)


def value_text(value: Value | None, type_: Type, written: WrittenUnit | None, contract: Contract) -> str:
    """Any value as a reader sees it."""
    match value:
        case None:
            return MISSING
        case bool():
            return "yes" if value else "no"
        case Fraction():
            return number(value, type_.unit, bool(written and written.percent))
        case dt.date():
            return day(value)
        case str():
            return key_text(contract, type_.key, value) if type_.kind == "key" else value


def member_name(contract: Contract, key: str, label: str) -> str:
    """A key's member as a reader knows it: a period by its usual name (2026/27), anything else as it is written."""
    return key_text(contract, key, label)


def row_text(contract: Contract, row: Mapping[str, str]) -> str:
    """A row by its keys: practice A, year 2026/27."""
    return ", ".join(f"{words(key)} {member_name(contract, key, label)}" for key, label in row.items())


def unit_text(written: WrittenUnit | None, type_: Type) -> str:
    """What a column or quantity is measured in, in words."""
    match type_.kind:
        case "number":
            if written is not None and written.percent:
                return "percent"
            unit = written.unit if written else type_.unit
            return "number" if unit is None or not unit.powers else words(str(unit))
        case "key":
            return f"a {words(type_.key or 'key')}"
        case "flag":
            return "yes or no"
        case "text":
            return f"one of {', '.join(type_.options)}" if type_.options else "text"
        case _:
            return "date"


def plain(value: Value | None, written: WrittenUnit | None = None) -> str:
    """A value for a machine, as data writes it: exact, percent times 100, dates in ISO form, nothing for missing."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Fraction():
            return decimal_text(value * 100 if written and written.percent else value)
        case dt.date():
            return value.isoformat()
        case str():
            return value
