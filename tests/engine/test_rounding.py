"""The six rounding rules against their definition, on any fraction: ties, negatives, steps that are no power of ten."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from accord.language.rounding import (
    ROUNDING_RULES,
    RoundingRule,
    decimal_places,
    decimal_text,
    round_fraction,
    round_to_whole,
)

STEPS = st.sampled_from(
    [Fraction(1), Fraction(1, 100), Fraction(1, 10**9), Fraction(5), Fraction(1, 4), Fraction(3, 7)]
)
NUMERATORS = st.integers(-(10**24), 10**24)
DENOMINATORS = st.integers(1, 10**12)


def by_definition(value: Fraction, rule: RoundingRule) -> int:
    """What each rule says, in fractions: no integer tricks."""
    below, above = math.floor(value), math.ceil(value)
    if below == above:
        return below
    towards_zero, from_zero = (below, above) if value > 0 else (above, below)
    match rule:
        case "floor":
            return below
        case "ceiling":
            return above
        case "down":
            return towards_zero
        case "up":
            return from_zero
        case _:
            if value - below != above - value:
                return below if value - below < above - value else above
            return from_zero if rule == "half_up" else (below if below % 2 == 0 else above)


@given(NUMERATORS, DENOMINATORS, STEPS, st.sampled_from(ROUNDING_RULES))
@example(-5, 2, Fraction(1), "half_up")
@example(-5, 2, Fraction(1), "half_even")
@example(0, 1, Fraction(1, 100), "up")
def test_rounds_as_defined(numerator: int, denominator: int, step: Fraction, rule: RoundingRule) -> None:
    value = Fraction(numerator, denominator)
    assert round_fraction(value, step, rule) == by_definition(value / step, rule) * step


@given(st.integers(-(10**15), 10**15), STEPS, st.sampled_from(ROUNDING_RULES))
def test_ties(whole: int, step: Fraction, rule: RoundingRule) -> None:
    tie = (whole + Fraction(1, 2)) * step
    assert round_fraction(tie, step, rule) == by_definition(tie / step, rule) * step


@given(NUMERATORS, DENOMINATORS, st.sampled_from(ROUNDING_RULES))
def test_unreduced_fractions_round_the_same(numerator: int, denominator: int, rule: RoundingRule) -> None:
    assert round_to_whole(6 * numerator, 6 * denominator, rule) == round_to_whole(numerator, denominator, rule)


@given(NUMERATORS, DENOMINATORS, STEPS, st.sampled_from(ROUNDING_RULES))
def test_rounding_twice_changes_nothing(numerator: int, denominator: int, step: Fraction, rule: RoundingRule) -> None:
    once = round_fraction(Fraction(numerator, denominator), step, rule)
    assert round_fraction(once, step, rule) == once


@given(NUMERATORS, DENOMINATORS, STEPS)
def test_mirrored_about_zero(numerator: int, denominator: int, step: Fraction) -> None:
    value = Fraction(numerator, denominator)
    for rule in ("half_up", "half_even", "down", "up"):
        assert round_fraction(-value, step, rule) == -round_fraction(value, step, rule)
    assert round_fraction(-value, step, "floor") == -round_fraction(value, step, "ceiling")


@pytest.mark.parametrize(
    ("value", "half_up", "half_even", "down", "up", "floor", "ceiling"),
    [
        ("2.5", 3, 2, 2, 3, 2, 3),
        ("3.5", 4, 4, 3, 4, 3, 4),
        ("-2.5", -3, -2, -2, -3, -3, -2),
        ("-3.5", -4, -4, -3, -4, -4, -3),
        ("2.4999", 2, 2, 2, 3, 2, 3),
        ("-0.1", 0, 0, 0, -1, -1, 0),
        ("7", 7, 7, 7, 7, 7, 7),
        ("0", 0, 0, 0, 0, 0, 0),
    ],
)  # fmt: skip
def test_the_rules_side_by_side(
    value: str, half_up: int, half_even: int, down: int, up: int, floor: int, ceiling: int
) -> None:
    found = [
        round_fraction(Fraction(value), Fraction(1), rule)
        for rule in ("half_up", "half_even", "down", "up", "floor", "ceiling")
    ]
    assert found == [half_up, half_even, down, up, floor, ceiling]


@given(st.integers(-(10**18), 10**18), st.integers(0, 18))
def test_decimal_text_reads_back(whole: int, places: int) -> None:
    value = Fraction(whole, 10**places)
    assert Fraction(decimal_text(value)) == value
    needed = decimal_places(value)
    assert needed is not None and needed <= places
    assert "." not in decimal_text(value) or not decimal_text(value).endswith("0")


def test_what_has_no_finite_decimal() -> None:
    assert decimal_places(Fraction(2, 7)) is None
    assert decimal_text(Fraction(-2, 7)) == "-2/7"
