"""Rates and limits: against published values and independent implementations (scipy: a tool of the tests)."""

from __future__ import annotations

import math
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from accord.language.place import Place
from accord.measures.card import read_ages
from accord.measures.standardising import (
    Expecting,
    crude,
    direct,
    find_standard,
    indirect,
    limits_of_count,
    limits_of_share,
    read_standard,
    rounded,
    standard_population,
    weights_for,
)
from accord.record.portable import MeasureRefused

PLACE = Place("card.yaml", 1, 1)

# Exact limits of a Poisson count as printed in tables (Fisher and Yates; Armitage and Berry), to two places.
PUBLISHED = [
    (0, "0.00", "3.69"),
    (1, "0.03", "5.57"),
    (2, "0.24", "7.22"),
    (5, "1.62", "11.67"),
    (10, "4.80", "18.39"),
    (20, "12.22", "30.89"),
    (50, "37.11", "65.92"),
    (100, "81.36", "121.63"),
]


@pytest.mark.parametrize(("count", "lower", "upper"), PUBLISHED)
def test_limits_of_a_count_as_printed(count: int, lower: str, upper: str) -> None:
    """The tables that epidemiologists have on the shelf."""
    step = Decimal("0.01")
    assert tuple(str(rounded(limit, step)) for limit in limits_of_count(count)) == (lower, upper)


@pytest.mark.parametrize("count", [*range(0, 40), 100, 250, 387, 388])
def test_limits_below_389_are_exact(count: int) -> None:
    """As the quantiles of chi-square give them."""
    chi2 = pytest.importorskip("scipy.stats").chi2
    lower, upper = limits_of_count(count)
    assert math.isclose(lower, chi2.ppf(0.025, 2 * count) / 2 if count else 0, rel_tol=1e-9)
    assert math.isclose(upper, chi2.ppf(0.975, 2 * count + 2) / 2, rel_tol=1e-9)


@pytest.mark.parametrize("count", [389, 390, 1000, 123456])
def test_limits_from_389_are_byars(count: int) -> None:
    """As the specification CCG OIS 2.6 says: Byar's approximation from 389 on."""
    z = 1.959963984540054
    lower, upper = limits_of_count(count)
    assert math.isclose(lower, count * (1 - 1 / (9 * count) - z / (3 * math.sqrt(count))) ** 3, rel_tol=1e-12)
    more = count + 1
    assert math.isclose(upper, more * (1 - 1 / (9 * more) + z / (3 * math.sqrt(more))) ** 3, rel_tol=1e-12)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 100_000), st.data())
def test_limits_of_a_share(denominator: int, data: st.DataObject) -> None:
    """Wilson's, as scipy computes them."""
    binomtest = pytest.importorskip("scipy.stats").binomtest
    numerator = data.draw(st.integers(0, denominator))
    lower, upper = limits_of_share(numerator, denominator)
    theirs = binomtest(numerator, denominator).proportion_ci(0.95, "wilson")
    assert math.isclose(lower, theirs.low, abs_tol=1e-9) and math.isclose(upper, theirs.high, abs_tol=1e-9)


# Wilson 1927 by way of Newcombe 1998 (table I, method 3, without continuity correction)
NEWCOMBE = [
    (81, 263, "0.2553", "0.3662"),
    (15, 148, "0.0624", "0.1605"),
    (0, 20, "0.0000", "0.1611"),
    (1, 29, "0.0061", "0.1718"),
]


@pytest.mark.parametrize(("numerator", "denominator", "lower", "upper"), NEWCOMBE)
def test_limits_of_a_share_as_printed(numerator: int, denominator: int, lower: str, upper: str) -> None:
    """Newcombe's four examples."""
    step = Decimal("0.0001")
    assert tuple(str(rounded(each, step)) for each in limits_of_share(numerator, denominator)) == (lower, upper)


STRATA = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 50_000), st.integers(1, 7000)), min_size=1, max_size=38)


@settings(max_examples=80, deadline=None)
@given(STRATA)
def test_direct(strata: list[tuple[int, int, int]]) -> None:
    """The directly standardised rate and Dobson's limits, in floating point from the formulas."""
    chi2 = pytest.importorskip("scipy.stats").chi2
    events = sum(o for o, _, _ in strata)
    assume(0 < events < 389)
    made = direct([(o, Fraction(n), Fraction(w)) for o, n, w in strata], 100_000, "dobson_byar")
    weight = sum(w for _, _, w in strata)
    rate = sum(w * o / n for o, n, w in strata) / weight
    variance = sum(w * w * o / n**2 for o, n, w in strata) / weight**2
    scale = math.sqrt(variance / events)
    lower = rate + scale * (chi2.ppf(0.025, 2 * events) / 2 - events)
    upper = rate + scale * (chi2.ppf(0.975, 2 * events + 2) / 2 - events)
    assert made.rate is not None and made.lower is not None and made.upper is not None
    assert math.isclose(made.rate, rate * 1e5, rel_tol=1e-9)
    assert math.isclose(made.lower, max(lower, 0) * 1e5, rel_tol=1e-7, abs_tol=1e-6)
    assert math.isclose(made.upper, upper * 1e5, rel_tol=1e-9)


def test_direct_with_the_standard_itself() -> None:
    """People divided as the standard is have the crude rate as their standardised one."""
    weights = weights_for(standard_population(), ("age_band",), standard_population().bands, PLACE)
    strata = [(int(w) // 500, Fraction(w), w) for w in weights.values()]
    made = direct(strata, 100_000, "none")
    assert made.rate == Decimal(sum(o for o, _, _ in strata) * 100_000) / Decimal(100_000)


def test_expected_and_indirect() -> None:
    """By hand: rates 1/10 and 1/100 over 50 and 400 people expect 9; 12 were seen."""
    standard = Expecting({("a",): (100, 1000), ("b",): (10, 1000)})
    expected = standard.expected({("a",): 50, ("b",): 400})
    assert expected == 9
    assert standard.crude == Fraction(110, 2000)
    made = indirect(12, expected, standard.crude, 1000, "dobson_byar")
    assert rounded(made.rate, Decimal("0.1")) == Decimal("73.3")  # 12 / 9 of 55
    assert made.lower is not None and made.rate is not None and made.upper is not None
    assert made.lower < made.rate < made.upper


@given(st.dictionaries(st.sampled_from("abcdef"), st.tuples(st.integers(0, 50), st.integers(1, 500)), min_size=1))
def test_the_standard_expects_what_it_saw(rates: dict[str, tuple[int, int]]) -> None:
    """Applied to its own people, a standard expects exactly its own events: no rounding on the way."""
    keyed = {(name,): pair for name, pair in rates.items()}
    expecting = Expecting(keyed)
    assert expecting.expected({key: people for key, (_, people) in keyed.items()}) == sum(o for o, _ in keyed.values())


def test_crude() -> None:
    """Person-days over the days of the period are average people: 31 people for 30 days of 31 are 30."""
    assert crude(3, Fraction(30 * 31, 31), 100, "none").rate == 10
    assert crude(3, Fraction(0), 100, "dobson_byar").rate is None


@pytest.mark.parametrize(
    ("value", "step", "given"),
    [
        ("0.25", "0.1", "0.3"),
        ("0.24", "0.1", "0.2"),
        ("-0.25", "0.1", "-0.3"),
        ("15", "10", "20"),
        ("1", "0.01", "1.00"),
    ],
)
def test_rounding(value: str, step: str, given: str) -> None:
    """Halves go up, away from zero; places are kept."""
    assert str(rounded(Decimal(value), Decimal(step))) == given


def test_the_european_standard_population() -> None:
    """100,000 people; coarser bands add up; bands that cut across are refused."""
    standard = standard_population()
    assert sum(standard.weights.values()) == 100_000
    coarse = [read_ages(text) for text in ("0-64", "65-84", "85+")]
    assert weights_for(standard, ("age_band",), coarse, PLACE) == {
        ("0-64",): 80500,
        ("65-84",): 17000,
        ("85+",): 2500,
    }
    with pytest.raises(MeasureRefused, match="not wholly in one band"):
        weights_for(standard, ("age_band",), [read_ages("0-62"), read_ages("63+")], PLACE)


def test_a_standard_by_sex_and_age() -> None:
    """Everybody registered in England: 64 million people; a measure that is not standardised by sex cannot use it."""
    standard = find_standard("england-registered-2026-07", PLACE)
    coarse = [read_ages(text) for text in ("0-94", "95+")]
    weights = weights_for(standard, ("sex", "age_band"), coarse, PLACE)
    assert weights["female", "95+"] == 93_661 and weights["male", "95+"] == 36_290
    assert sum(weights.values()) == sum(standard.weights.values()) > 60_000_000
    with pytest.raises(MeasureRefused, match="population by sex, age_band"):
        weights_for(standard, ("age_band",), coarse, PLACE)


HEAD = b"standard: s\nversion: 1\ntitle: S\nkind: rates\nsource: a test\nstatus: assumed\n"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (b"sex,observed\nfemale,1\n", "has strata, then observed and population"),
        (b"sex,observed,population\nfemale,1,0\n", "a stratum of nobody has no rate"),
        (b"sex,observed,population\nfemale,-1,5\n", "whole numbers"),
        (b"sex,observed,population\nfemale,1,5\nfemale,1,5\n", "this stratum is there twice"),
        (b"sex,observed,population\n", "has no rows"),
    ],
)
def test_standards_refused(rows: bytes, said: str) -> None:
    """Standards that cannot be used."""
    with pytest.raises(MeasureRefused, match=said):
        read_standard(HEAD, rows, "s.yaml")


def test_a_standard_that_is_not_there() -> None:
    """It says which there are."""
    with pytest.raises(MeasureRefused, match="european-2013"):
        find_standard("european-2014", PLACE)


def test_what_happened_to_nobody_has_no_rate_of_its_own() -> None:
    """Events in a stratum without people: its weight stays in the whole, and nothing is divided by nobody."""
    strata = [(3, Fraction(0), Fraction(1)), (10, Fraction(100), Fraction(1))]
    assert direct(strata, 100, "none").rate == 5
    assert direct([(3, Fraction(0), Fraction(1))], 100, "none").rate is None


def test_a_share_of_more_than_all_has_no_limits() -> None:
    made = crude(12, Fraction(10), 100, "wilson")
    assert (made.rate, made.lower, made.upper) == (120, None, None)
