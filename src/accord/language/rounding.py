"""Named rounding rules: what a contract writes as ``round: 0.01 GBP half_up``."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, get_args

from accord.language.unit import Unit

RoundingRule = Literal["half_up", "half_even", "down", "up", "floor", "ceiling"]
ROUNDING_RULES: tuple[RoundingRule, ...] = get_args(RoundingRule)


@dataclass(frozen=True, slots=True)
class Rounding:
    """Round to whole multiples of ``step`` by ``rule``.

    half_up: ties away from zero · half_even: ties to the even multiple · down: towards zero · up: away from zero ·
    floor: towards minus infinity · ceiling: towards plus infinity.
    """

    step: Fraction
    rule: RoundingRule
    unit: Unit

    def __str__(self) -> str:
        return f"{decimal_text(self.step)} {self.unit} {self.rule}"


def round_to_whole(numerator: int, denominator: int, rule: RoundingRule) -> int:
    """``numerator / denominator`` (``denominator > 0``) rounded to a whole number, in integer arithmetic only."""
    below, rest = divmod(numerator, denominator)
    match rule:
        case "floor":
            up = False
        case "ceiling":
            up = rest > 0
        case "down":
            up = numerator < 0 and rest > 0
        case "up":
            up = numerator > 0 and rest > 0
        case "half_up":
            up = 2 * rest > denominator or (2 * rest == denominator and numerator > 0)
        case "half_even":
            up = 2 * rest > denominator or (2 * rest == denominator and below % 2 == 1)
    return below + up


def round_fraction(value: Fraction, step: Fraction, rule: RoundingRule) -> Fraction:
    """``value`` rounded to a whole multiple of ``step``."""
    quotient = value / step
    return round_to_whole(quotient.numerator, quotient.denominator, rule) * step


def decimal_places(value: Fraction) -> int | None:
    """How many decimal places write ``value`` exactly; None if no number of places does (1/3)."""
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest //= 2
        twos += 1
    while rest % 5 == 0:
        rest //= 5
        fives += 1
    return max(twos, fives) if rest == 1 else None


def decimal_text(value: Fraction) -> str:
    """The shortest exact writing of a number: a decimal, or ``n/d`` where there is no finite decimal."""
    places = decimal_places(value)
    if places is None:
        return f"{value.numerator}/{value.denominator}"
    if places == 0:
        return str(value.numerator)
    digits = str(abs(value.numerator) * (10**places // value.denominator)).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"
