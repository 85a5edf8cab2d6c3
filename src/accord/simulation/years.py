"""Years: the years that are simulated, each from the same day of the calendar on."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from accord.language.contract import PeriodItem


@dataclass(frozen=True, slots=True)
class Years:
    """The simulated years: the first day of each."""

    first: dt.date
    number: int

    def day(self, year: int) -> dt.date:
        """The first day of a simulated year (0 is the first)."""
        return self.first.replace(year=self.first.year + year)

    @property
    def days(self) -> tuple[dt.date, ...]:
        """The first day of each."""
        return tuple(self.day(year) for year in range(self.number))

    @property
    def last(self) -> dt.date:
        """The last day of all."""
        return self.day(self.number) - dt.timedelta(1)

    def of(self, item: PeriodItem) -> int | None:
        """The simulated year that a period lies in."""
        for year in range(self.number):
            if self.day(year) <= item.first and item.last < self.day(year + 1):
                return year
        return None

    def name(self, year: int) -> str:
        """How people call it: 2026/27, or 2026 where it begins in January."""
        first = self.day(year)
        return str(first.year) if first.month == 1 else f"{first.year}/{(first.year + 1) % 100:02d}"
