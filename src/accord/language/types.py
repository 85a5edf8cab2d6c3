"""What kind of value a formula gives: a number with its unit, a flag, text, date or key; and if it can be missing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from accord.language.unit import RATIO, Unit

Kind = Literal["number", "flag", "text", "date", "key"]


@dataclass(frozen=True, slots=True)
class Type:
    """The type of a value.

    ``unit`` is None for what is not a number, and for the number 0, which fits any unit. ``exact`` tells an exact
    decimal from an unrounded quotient. ``positive`` is only ever True when it is proven.
    """

    kind: Kind = "number"
    unit: Unit | None = RATIO
    exact: bool = True
    missing: bool = False
    positive: bool = False
    key: str | None = None
    options: tuple[str, ...] | None = None
    """For text: every value it can take, where that is known."""
    comparable: str = "all"
    """``all``, or the only comparison that the measure it comes from permits."""

    def or_missing(self, missing: bool = True) -> Type:
        """The same type, which can also be missing."""
        return replace(self, missing=True) if missing and not self.missing else self

    def never_missing(self) -> Type:
        """The same type, known not to be missing."""
        return replace(self, missing=False) if self.missing else self

    def __str__(self) -> str:
        match self.kind:
            case "number":
                words = "0" if self.unit is None else str(self.unit)
                words += "" if self.exact else " (unrounded)"
            case "key":
                words = f"a {self.key}"
            case _:
                words = f"a {self.kind}"
        return words + (" or missing" if self.missing else "")


FLAG = Type("flag", None)
TEXT = Type("text", None)
DATE = Type("date", None)
COUNT = Type("number", RATIO)
ZERO = Type("number", None)
