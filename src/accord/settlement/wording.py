"""How values are written for a reader: money, percent, people, days, periods by their usual names.

Nothing here is parsed again; files for machines carry exact decimals.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from fractions import Fraction

from accord.language.contract import Contract, Value
from accord.language.rounding import decimal_places, decimal_text, round_fraction
from accord.language.types import Type
from accord.language.unit import Unit, WrittenUnit, minor_unit_places

SYMBOLS = {"GBP": "£", "USD": "$", "EUR": "€"}
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
MISSING = "missing"
SHOWN_PLACES = 6
"""Places shown of a number that no decimal writes exactly; an ellipsis follows."""


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


def grouped(value: Fraction, least_places: int = 0) -> str:
    """A number with thousands separators, exact where a decimal can be: 1,234.5; otherwise 0.333333…"""
    places = decimal_places(value)
    cut = places is None or places > 12
    if places is None or cut:
        value = round_fraction(value, Fraction(1, 10**SHOWN_PLACES), "down")
        places = SHOWN_PLACES
    text = decimal_text(abs(value))
    whole, _, rest = text.partition(".")
    rest = rest.ljust(max(least_places, places if cut else 0), "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{int(whole):,}" + (f".{rest}" if rest else "") + ("…" if cut else "")


def money(amount: Fraction, currency: str) -> str:
    """An amount of money with all the places of its smallest coin: £1,240.00, -£3.50."""
    text = grouped(abs(amount), minor_unit_places(currency))
    symbol = SYMBOLS.get(currency, f"{currency} ")
    return f"{'-' if amount < 0 else ''}{symbol}{text}"


def number(value: Fraction, unit: Unit | None, percent: bool = False) -> str:
    """A number with its unit: £1,240 per admission, 40%, 12,000 people."""
    if percent:
        return f"{grouped(value * 100)}%"
    if unit is None or not unit.powers:
        return grouped(value)
    above = [(name, power) for name, power in unit.powers if power > 0]
    below = [name for name, power in unit.powers if power < 0]
    per = "".join(f" per {'person' if name == 'people' else words(name)}" for name in below)
    if len(above) == 1 and above[0][1] == 1:
        name = above[0][0]
        if name.isupper() and len(name) == 3:
            exact = decimal_places(value)
            least = minor_unit_places(name) if exact is not None and exact > 0 else 0
            symbol = SYMBOLS.get(name, f"{name} ")
            return f"{'-' if value < 0 else ''}{symbol}{grouped(abs(value), least)}{per}"
        plural = name if name == "people" or name.endswith("s") or abs(value) == 1 else f"{name}s"
        if name == "people" and abs(value) == 1:
            plural = "person"
        return f"{grouped(value)} {words(plural)}{per}"
    return f"{grouped(value)} {unit}"


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
            if type_.kind == "key" and type_.key is not None and type_.key in contract.keys:
                return member_name(contract, type_.key, value)
            return value


def member_name(contract: Contract, key: str, label: str) -> str:
    """A key's member as a reader knows it: a period by its usual name (2026/27), anything else as it is written."""
    known = contract.keys.get(key)
    if known is None or not known.is_period:
        return label
    item = contract.period(key, label)
    return item.name if item else label


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
