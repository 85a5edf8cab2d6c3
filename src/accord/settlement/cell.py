"""Cells: what stands in a cell of a published file, read exactly.

A number may carry signs of currency and percent, thousands separators or brackets for a negative; a flag may be 1, yes
or true; a date is written in any of the usual ways. Nothing here is a float.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation, localcontext


def plain(text: str) -> str:
    """A text as it is compared: without outer spaces (also the kinds that do not break), in lower case."""
    return " ".join(text.replace("\u00a0", " ").replace("\ufeff", "").split()).casefold()


def column_name(text: str) -> str:
    """The name of a column as it is compared: letters, digits and + only, in lower case."""
    return re.sub(r"[^0-9a-z+]", "", plain(text))


def named(name: str, heading: str) -> bool:
    """Whether a heading is the column of that name, in which * stands for any characters: ``average*patient``."""
    if "*" not in name:
        return column_name(name) == column_name(heading)
    return (
        re.fullmatch(".*".join(re.escape(column_name(part)) for part in name.split("*")), column_name(heading))
        is not None
    )


_SPACES = re.compile("[\\s\u00a0\u2009\u202f']")
_PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?")
_DATE = re.compile(r"(\d{1,4})[/.\-](\d{1,2})[/.\-](\d{1,4})([ T].*)?")
_WORDED = ("%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %B %Y", "%B %d, %Y", "%b %d, %Y", "%b-%y", "%Y%m%d")


class Unreadable(ValueError):
    """A cell that is not what its column holds; says why, to follow the text: ``is not a number``."""


def number(text: str, *, decimal_comma: bool = False) -> Decimal:
    """An exact number. Signs of currency and percent, thousands separators, brackets for negatives are understood."""
    if not decimal_comma and _PLAIN_NUMBER.fullmatch(text):
        return Decimal(text)
    bare = _SPACES.sub("", text).replace("\u2212", "-").replace("\u2013", "-")
    negative = bare.startswith("(") and bare.endswith(")")
    bare = bare.strip("()") if negative else bare
    bare = re.sub(r"^([+-]?)(?:USD|GBP|EUR|[$£€])", r"\1", bare).rstrip("%*")
    if bare.endswith("-"):
        negative, bare = True, bare[:-1]
    bare = bare.replace(".", "").replace(",", ".") if decimal_comma else bare.replace(",", "")
    if _NUMBER.fullmatch(bare) is None:
        raise Unreadable("is not a number")
    try:
        value = Decimal(bare)
    except InvalidOperation:  # pragma: no cover - the pattern lets nothing else through
        raise Unreadable("is not a number") from None
    return value.copy_negate() if negative else value


def exact(work: Callable[[], Decimal]) -> Decimal:
    """The result of decimal arithmetic with no digit lost."""
    with localcontext() as context:
        context.prec = 400  # more digits than any file has, so that nothing is ever rounded
        return work()


WRITTEN = re.compile(r"0|-?(?:[1-9][0-9]*|0(?=\.))(?:\.([0-9]*[1-9]))?")
"""A number already as :func:`written` writes it; the group holds its decimals."""


def written(value: Decimal) -> str:
    """The number in plain digits, without zeros that say nothing."""
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def date(text: str, *, day_first: bool = False) -> str:
    """A date as year-month-day; raises :class:`Unreadable`."""
    found = _DATE.fullmatch(text.strip())
    try:
        if found:
            first, second, third = found[1], found[2], found[3]
            if len(first) == 4:
                return dt.date(int(first), int(second), int(third)).isoformat()
            month, day = (second, first) if day_first else (first, second)
            year = int(third) + (0 if len(third) == 4 else 2000 if int(third) < 70 else 1900)
            return dt.date(year, int(month), int(day)).isoformat()
    except ValueError:
        raise Unreadable("is not a date") from None
    for form in _WORDED:
        try:
            return dt.datetime.strptime(text.strip(), form).date().isoformat()
        except ValueError:
            continue
    raise Unreadable("is not a date")


_TRUE = frozenset({"1", "1.0", "yes", "y", "true", "t", "x", "met"})
_FALSE = frozenset({"0", "0.0", "no", "n", "false", "f", "not met"})


def flag(text: str) -> str:
    """``true`` or ``false``; raises :class:`Unreadable`."""
    word = plain(text)
    if word in _TRUE:
        return "true"
    if word in _FALSE:
        return "false"
    raise Unreadable("is neither yes nor no (1 or 0)")


def decimals(value: Decimal) -> int:
    """How many decimal places the number needs."""
    return len(written(value).partition(".")[2])


def comparable(text: str) -> str:
    """Equal numbers compare equal however they are written."""
    try:
        return written(Decimal(text))
    except InvalidOperation:
        return plain(text)
