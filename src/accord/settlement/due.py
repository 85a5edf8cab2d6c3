"""When a payment is due: a day, from what the contract says in words and the period that the payment is for.

What is understood is what contracts write: ``month end``, ``each month``, ``end of the quarter``; ``by the end of June
after the year``; ``one month after the quarter``, ``3 months after year``; ``after the year`` (which names no day, only
one before which nothing is due); and a day (``2026-07-31``). Anything else is left as it is written, without a day.
"""

from __future__ import annotations

import calendar
import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass

from accord.language.contract import Contract, PeriodItem
from accord.settlement.wording import MONTHS

_COUNTS = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
_PERIOD = r"(?:the |each )?(?:month|quarter|year)"
_AT_ITS_END = re.compile(
    rf"(?:by )?(?:the )?(?:end of {_PERIOD}|(?:month|quarter|year) end|each (?:month|quarter|year))"
)
_MONTH_AFTER = re.compile(rf"(?:by )?(?:the )?end of ({'|'.join(MONTHS)}) after {_PERIOD}", re.IGNORECASE)
_MONTHS_AFTER = re.compile(rf"(\d+|{'|'.join(_COUNTS)}) months? after {_PERIOD}")
_AFTER = re.compile(rf"after {_PERIOD}(?: end| ends)?")


@dataclass(frozen=True, slots=True, order=True)
class Due:
    """A day on which something is due, or before which it is not (``after``)."""

    day: dt.date
    after: bool = False


def due_on(written: str, first: dt.date, last: dt.date) -> Due | None:
    """The day that is meant, for a payment about the period from ``first`` to ``last``; None where no day is said."""
    text = " ".join(written.split()).strip(". ")
    if _AT_ITS_END.fullmatch(text.lower()):
        return Due(last)
    if found := _MONTH_AFTER.fullmatch(text):
        month = [name.lower() for name in MONTHS].index(found[1].lower()) + 1
        return Due(_month_end(last.year + (month <= last.month), month))
    if found := _MONTHS_AFTER.fullmatch(text.lower()):
        count = int(found[1]) if found[1].isdigit() else _COUNTS.index(found[1]) + 1
        if count <= 120:
            ahead = last.month - 1 + count
            return Due(_month_end(last.year + ahead // 12, ahead % 12 + 1))
    if _AFTER.fullmatch(text.lower()):
        return Due(last + dt.timedelta(days=1), after=True)
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            return Due(dt.date.fromisoformat(text))
        except ValueError:
            return None
    return None


def shortest_period(contract: Contract, row: Mapping[str, str]) -> PeriodItem | None:
    """The period that a row is about, the shortest where it is about several; None where it is about none."""
    found = [
        item
        for key, label in row.items()
        if contract.keys[key].is_period
        for item in contract.keys[key].items
        if item.label == label
    ]
    return min(found, key=lambda item: item.last - item.first, default=None)


def _month_end(year: int, month: int) -> dt.date:
    return dt.date(year, month, calendar.monthrange(year, month)[1])
