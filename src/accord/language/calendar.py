"""Periods: the years, quarters and months of a term, as lists of first and last days with their usual names."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accord.language.contract import PeriodItem

ONE_DAY = dt.timedelta(days=1)


def add_months(day: dt.date, months: int) -> dt.date:
    """The same day of the month so many months later; ValueError if that month has no such day."""
    month = day.month - 1 + months
    return dt.date(day.year + month // 12, month % 12 + 1, day.day)


def months_between(first: dt.date, last: dt.date) -> int | None:
    """Whole months from ``first`` to ``last`` inclusive; None if they are not whole."""
    after = last + ONE_DAY
    return (after.year - first.year) * 12 + after.month - first.month if after.day == first.day else None


def regular_periods(first: dt.date, last: dt.date, months: int) -> tuple[PeriodItem, ...]:
    """Periods of ``months`` months from ``first`` on; the last one may end after ``last`` (the reader refuses that)."""
    from accord.language.contract import PeriodItem

    items: list[PeriodItem] = []
    start = first
    count = 0
    while start <= last:
        count += 1
        following = add_months(first, count * months)
        end = following - ONE_DAY
        items.append(PeriodItem(start.isoformat(), start, end, period_name(start, end)))
        start = following
    return tuple(items)


def listed_periods(starts: Sequence[dt.date], last: dt.date) -> tuple[PeriodItem, ...]:
    """Periods that begin on the given days, each running to the day before the next, the last one to ``last``."""
    from accord.language.contract import PeriodItem

    ends = [start - ONE_DAY for start in starts[1:]] + [last]
    return tuple(
        PeriodItem(start.isoformat(), start, end, period_name(start, end))
        for start, end in zip(starts, ends, strict=True)
    )


_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)


def period_name(first: dt.date, last: dt.date) -> str:
    """The usual name of a period: 2026, 2026/27, 2026/27 Q1, 2026 Q1, April 2026; otherwise its first and last day.

    Quarters are named within the financial year (April to March) when they begin in its rhythm from April, as in
    England; a calendar-year contract with years beginning in January names its own (see :func:`name_within`).
    """
    months = months_between(first, last)
    if first.day == 1 and months == 12:
        return str(first.year) if first.month == 1 else f"{first.year}/{(first.year + 1) % 100:02d}"
    if first.day == 1 and months == 1:
        return f"{_MONTHS[first.month - 1]} {first.year}"
    return f"{first.isoformat()} to {last.isoformat()}"


def name_within(item: PeriodItem, years: Sequence[PeriodItem]) -> PeriodItem:
    """A quarter renamed after the year it lies in (2026/27 Q1), where there is such a year."""
    if months_between(item.first, item.last) != 3:
        return item
    from accord.language.contract import PeriodItem

    for year in years:
        if year.first <= item.first <= year.last and months_between(year.first, year.last) == 12:
            quarter = ((item.first.year - year.first.year) * 12 + item.first.month - year.first.month) // 3 + 1
            return PeriodItem(item.label, item.first, item.last, f"{year.name} Q{quarter}")
    return item
