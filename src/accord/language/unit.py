"""Units: a small closed algebra of currencies, people, days, months, years and what a contract declares."""

from __future__ import annotations

import re
from dataclasses import dataclass

BASE_UNITS = frozenset({"people", "day", "month", "year"})
"""Units every contract knows, besides ISO 4217 currencies and those it declares."""

_CURRENCY = re.compile(r"[A-Z]{3}")


def base_name(word: str) -> str:
    """The one name under which a unit is held: ``people`` for person and people, otherwise the singular."""
    if word in ("person", "persons", "people"):
        return "people"
    return word[:-1] if word.endswith("s") and not word.isupper() and len(word) > 1 else word


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of base units with whole exponents, e.g. GBP per point. No powers at all is a plain ratio.

    ``percent`` is not a unit of its own: it is a ratio *written* times 100 (see :class:`WrittenUnit`).
    """

    powers: tuple[tuple[str, int], ...] = ()

    def times(self, other: Unit, sign: int = 1) -> Unit:
        """The unit of a product (``sign=1``) or of a quotient (``sign=-1``)."""
        powers = dict(self.powers)
        for name, power in other.powers:
            powers[name] = powers.get(name, 0) + sign * power
        return Unit(tuple(sorted((name, power) for name, power in powers.items() if power)))

    def __str__(self) -> str:
        if not self.powers:
            return "ratio"
        above = " * ".join(f"{name}^{power}" if power > 1 else name for name, power in self.powers if power > 0)
        below = [f"{name}^{-power}" if power < -1 else name for name, power in self.powers if power < 0]
        return (above or "1") + "".join(f" per {'person' if name == 'people' else name}" for name in below)

    @property
    def currency(self) -> str | None:
        """The currency, if this is an amount of money and nothing else."""
        match self.powers:
            case ((name, 1),) if _CURRENCY.fullmatch(name):
                return name
            case _:
                return None


RATIO = Unit()
DAYS = Unit((("day", 1),))
MONTHS = Unit((("month", 1),))


@dataclass(frozen=True, slots=True)
class WrittenUnit:
    """A unit as a column, a parameter or a quantity writes it: percent means *written times 100*."""

    unit: Unit = RATIO
    percent: bool = False

    def __str__(self) -> str:
        return "percent" if self.percent else str(self.unit)


class UnknownUnit(ValueError):
    """A word that is no unit of this contract."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


def read_unit(text: str, declared: frozenset[str]) -> WrittenUnit:
    """Read ``GBP per weighted_people``, ``percent``, ``ratio`` …; raises :class:`UnknownUnit`.

    ``declared`` holds the contract's own units by their base names.
    """
    if text.strip() == "percent":
        return WrittenUnit(RATIO, percent=True)
    powers: dict[str, int] = {}
    for position, part in enumerate(re.split(r"\s+per\s+", text.strip())):
        for word in part.replace("*", " ").split():
            if word in ("ratio", "number", "1"):
                continue
            name = word if _CURRENCY.fullmatch(word) else base_name(word)
            if not _CURRENCY.fullmatch(name) and name not in BASE_UNITS and name not in declared:
                raise UnknownUnit(word)
            powers[name] = powers.get(name, 0) + (1 if position == 0 else -1)
    return WrittenUnit(Unit(tuple(sorted((name, power) for name, power in powers.items() if power))))


# ISO 4217, list one: minor units of the currencies whose exponent is not 2.
_NO_PLACES = ("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV")
_MINOR_UNITS = {
    **dict.fromkeys((*_NO_PLACES, "XAF", "XOF", "XPF"), 0),
    **dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3),
    **dict.fromkeys(("CLF", "UYW"), 4),
}


def minor_unit_places(currency: str) -> int:
    """How many decimal places the currency's smallest coin has (ISO 4217)."""
    return _MINOR_UNITS.get(currency, 2)
