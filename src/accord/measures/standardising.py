"""Standardising: rates made from sums, directly or indirectly standardised, with confidence limits.

Counts stay whole numbers and shares stay fractions until a rate, an expected count or a limit is made; that is then
rounded by the card. Where square roots and logarithms are needed, they are decimals of 40 places, not floats: the same
sums give the same limits on every machine, so that a contract may pay by them.

Sources of the methods: limits of counts by Dobson and others (1991), which are the exact Poisson limits, below 389, and
by Byar's approximation from 389 on, as in the specification CCG OIS 2.6 (NHS Digital, December 2018); limits of a
directly standardised rate by Dobson's method (the same paper); limits of a share by Wilson (1927).
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from fractions import Fraction
from functools import cache
from pathlib import Path

from accord.language.place import Place
from accord.language.problem import ContractRefused, Problem, nearest
from accord.language.shape import STATUS, TITLE, Choice, Field, Record, conform
from accord.language.text import Entries, Scalar, decode, read_tree
from accord.library import MEASURES
from accord.measures.card import IDENTIFIER, VERSION, Ages, read_ages
from accord.record.portable import MeasureRefused

Z = Decimal("1.959963984540054235524594430520551527955550")
"""The point of the standard normal distribution that 2.5% lie above: for limits of 95%."""

TAIL = Decimal("0.025")
BYAR_FROM = 389
"""The count from which Byar's approximation stands for the exact limits (CCG OIS 2.6)."""

_EXACT = Context(prec=40, rounding=ROUND_HALF_UP)

STANDARD = Record(
    "a standard",
    (
        Field("standard", IDENTIFIER, "its name, as the files are called", True),
        Field("version", VERSION, "its version", True),
        Field("title", TITLE, "its title", True),
        Field("kind", Choice(("population", "rates")), "weights of strata, or events and people of strata", True),
        Field("source", TITLE, "document and place", True),
        Field("address", TITLE, "where the document is"),
        Field("status", STATUS, "what is known of it", True),
        Field("notes", TITLE, "what to know about it"),
    ),
)
"""The shape of a standard's head; its rows are a CSV file: strata, then weight, or observed and population."""


@dataclass(frozen=True, slots=True)
class Standard:
    """A standard population (weights), or standard rates (events over people), by stratum."""

    name: str
    title: str
    kind: str
    by: tuple[str, ...]
    weights: Mapping[tuple[str, ...], Fraction]
    rates: Mapping[tuple[str, ...], tuple[int, int]]
    """Events and people by stratum, for standard rates; empty for a population."""
    source: str
    status: str

    @property
    def bands(self) -> tuple[Ages, ...]:
        """Its bands of ages."""
        at = self.by.index("age_band")
        return tuple(read_ages(text) for text in dict.fromkeys(key[at] for key in (*self.weights, *self.rates)))


Limits = tuple[Decimal, Decimal]


# -- limits of a count and of a share ----------------------------------------------------------------------------------


@cache
def limits_of_count(count: int) -> Limits:
    """The limits of a count of events: exact (Poisson) below 389, by Byar from 389 on.

    >>> [round(limit, 2) for limit in limits_of_count(10)]
    [Decimal('4.80'), Decimal('18.39')]
    """
    with localcontext(_EXACT):
        if count >= BYAR_FROM:
            return _byar(count)
        lower = Decimal(0) if count == 0 else _mean_with_tail(count, TAIL)
        return lower, _mean_with_tail(count + 1, 1 - TAIL)


def _byar(count: int) -> Limits:
    def edge(of: int, sign: int) -> Decimal:
        return of * (1 - 1 / Decimal(9 * of) + sign * Z / (3 * Decimal(of).sqrt())) ** 3

    return edge(count, -1), edge(count + 1, 1)


def _mean_with_tail(count: int, tail: Decimal) -> Decimal:
    """The Poisson mean with which ``count`` or more events have the probability ``tail``: found by Newton's method."""
    sign = -1 if tail < Decimal("0.5") else 1
    mean = max(count * (1 - 1 / Decimal(9 * count) + sign * Z / (3 * Decimal(count).sqrt())) ** 3, Decimal("0.001"))
    for _ in range(60):
        term = (-mean).exp()
        below = term  # the probability of fewer than count events
        for events in range(1, count):
            term = term * mean / events
            below += term
        step = (1 - below - tail) / term  # the tail grows with the mean by the probability of count - 1 events
        mean -= step
        if abs(step) < Decimal("1e-25"):
            return mean
    raise AssertionError("the limits of a count were not found")  # pragma: no cover - it takes seven steps at most


def limits_of_share(numerator: int, denominator: int) -> Limits:
    """Wilson's limits of a share (0 to 1)."""
    with localcontext(_EXACT):
        z2, n = Z * Z, Decimal(denominator)
        middle = 2 * numerator + z2
        spread = Z * (z2 + 4 * numerator * (1 - numerator / n)).sqrt()
        below = 2 * (n + z2)
        return max((middle - spread) / below, Decimal(0)), min((middle + spread) / below, Decimal(1))


# -- rates -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate with its limits and what was expected, as far as there are any; not rounded yet."""

    rate: Decimal | None = None
    lower: Decimal | None = None
    upper: Decimal | None = None
    expected: Decimal | None = None
    share: Decimal | None = None
    """Of a directly standardised rate: what each event adds to it, on average."""
    spread: Decimal | None = None
    """Of a directly standardised rate: what each event between the count and its limit adds to the rate's limit."""
    standard: Decimal | None = None
    """Of an indirectly standardised rate: the rate of the standard."""


NOTHING = Rate()
"""The rate of nobody."""


def crude(numerator: int, denominator: Fraction, per: int, interval: str) -> Rate:
    """Events over people (or over what the denominator counts), for so many."""
    if denominator <= 0:
        return NOTHING
    with localcontext(_EXACT):
        rate = decimal(Fraction(numerator) * per / denominator)
        if interval == "none" or (interval == "wilson" and not 0 <= numerator <= denominator):
            return Rate(rate)
        if interval == "wilson":
            lower, upper = limits_of_share(numerator, int(denominator))
            return Rate(rate, lower * per, upper * per)
        if numerator < 0:
            return Rate(rate)
        factor = decimal(per / denominator)
        lower, upper = limits_of_count(numerator)
        return Rate(rate, lower * factor, upper * factor)


def direct(strata: Sequence[tuple[int, Fraction, Fraction]], per: int, interval: str) -> Rate:
    """A directly standardised rate, with Dobson's limits.

    ``strata`` are events, people and weight. A stratum without people has no rate of its own and adds none; its weight
    stays in the whole.
    """
    whole = sum((weight for _, _, weight in strata), Fraction(0))
    if whole <= 0 or not any(people > 0 for _, people, _ in strata):
        return NOTHING
    events = sum(observed for observed, _, _ in strata)
    with localcontext(_EXACT):
        rate, variance = Decimal(0), Decimal(0)
        for observed, people, weight in strata:
            if people > 0 and observed:
                share = decimal(weight / people)
                rate += share * observed
                variance += share * share * observed
        total = decimal(whole)
        rate = rate / total
        if interval == "none" or events <= 0:
            return Rate(rate * per, share=rate * per / events if events > 0 else Decimal(0))
        # Dobson: the limits of the count, scaled from the spread of the count to that of the rate
        scale = (variance / (total * total) / events).sqrt()
        lower, upper = limits_of_count(events)
        lower, upper = rate + scale * (lower - events), rate + scale * (upper - events)
        share = rate * per / events
        return Rate(rate * per, max(lower, Decimal(0)) * per, upper * per, share=share, spread=scale * per)


def indirect(observed: int, expected: Fraction, standard_rate: Fraction, per: int, interval: str) -> Rate:
    """An indirectly standardised rate: observed over expected, times the crude rate of the standard."""
    with localcontext(_EXACT):
        if expected <= 0:
            return Rate(expected=decimal(expected))
        factor, standard = decimal(standard_rate * per / expected), decimal(standard_rate * per)
        if interval == "none" or observed < 0:
            return Rate(factor * observed, expected=decimal(expected), standard=standard)
        lower, upper = limits_of_count(observed)
        return Rate(factor * observed, factor * lower, factor * upper, decimal(expected), standard=standard)


def of_count(count: int, share: Decimal, spread: Decimal | None) -> Rate:
    """What a standardised rate would be of so many events, each adding what those that there were added on average: of
    a rounded count, the rate that may be shown beside it.
    """
    with localcontext(_EXACT):
        rate = share * count
        if spread is None or count < 0:
            return Rate(rate)
        lower, upper = (rate + spread * (limit - count) for limit in limits_of_count(count))
        return Rate(rate, max(lower, Decimal(0)), upper)


def decimal(value: Fraction) -> Decimal:
    """A fraction as a decimal of 40 places."""
    return _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))


def rounded(value: Decimal | None, step: Decimal) -> Decimal | None:
    """A value as whole steps, halves up (away from zero)."""
    if value is None:
        return None
    with localcontext(_EXACT):
        return ((value / step).quantize(Decimal(1), ROUND_HALF_UP) * step).quantize(step)


class Expecting:
    """Expected counts: standard rates of strata applied to people of strata, as whole numbers over one denominator."""

    def __init__(self, rates: Mapping[tuple[str, ...], tuple[int, int]]) -> None:
        """``rates`` are events and people of each stratum of the standard."""
        self._over = math.lcm(*[people for _, people in rates.values() if people > 0] or [1])
        self._times = {
            stratum: events * (self._over // people) for stratum, (events, people) in rates.items() if people > 0
        }
        events = sum(each for each, people in rates.values() if people > 0)
        self.crude = Fraction(events, sum(people for _, people in rates.values()) or 1)
        """The crude rate of the standard."""

    def expected(self, people: Mapping[tuple[str, ...], int], over: int = 1) -> Fraction:
        """What would be expected of these people; ``over`` divides them (days of the period, for person-days)."""
        total = sum(count * self._times.get(stratum, 0) for stratum, count in people.items())
        return Fraction(total, self._over * over)


# -- standards ---------------------------------------------------------------------------------------------------------


@cache
def standard_population() -> Standard:
    """The European Standard Population of 2013, whose bands are used where none are asked for."""
    return find_standard("european-2013", Place("european-2013", 0, 0))


def find_standard(name: str, place: Place, beside: Path | None = None) -> Standard:
    """The standard of that name: beside a measure of the user's own (``standards/``), or in the library.

    Raises:
        MeasureRefused: there is none, or it cannot be used.
    """
    folders = [*([beside / "standards"] if beside is not None else []), MEASURES / "standards"]
    for folder in folders:
        head, rows = folder / f"{name}.yaml", folder / f"{name}.csv"
        if head.is_file() and rows.is_file():
            return read_standard(head.read_bytes(), rows.read_bytes(), head.name)
    known = sorted(path.stem for folder in folders for path in folder.glob("*.yaml"))
    fix = nearest(name, known) or f"there are {', '.join(known)}, and own"
    raise MeasureRefused(Problem(place, f"there is no standard {name}", fix))


def read_standard(head: bytes, rows: bytes, file: str) -> Standard:
    """The standard in the bytes of its head and of its rows; raises MeasureRefused."""
    try:
        tree = read_tree(decode(head, file))
        text = rows.decode("utf-8-sig")
    except ContractRefused as refused:
        raise MeasureRefused(refused.problems) from None
    except UnicodeDecodeError:
        raise MeasureRefused(Problem(Place(file, 0, 0), "its rows are not UTF-8 text", "save them so")) from None
    problems = conform(tree, STANDARD)
    if problems or not isinstance(tree, Entries):
        raise MeasureRefused(problems)
    fields = {key.value: value.value for key, value in tree if isinstance(value, Scalar)}
    kind, csv_file = fields["kind"], re.sub(r"\.ya?ml$", ".csv", file)
    numbers = ["weight"] if kind == "population" else ["observed", "population"]
    reader = csv.DictReader(io.StringIO(text, newline=""))
    heads = [head for head in reader.fieldnames or [] if head]
    by = tuple(head for head in heads if head not in numbers)
    missing = [name for name in numbers if name not in heads]
    if missing or not by:
        message = f"a standard of kind {kind} has strata, then {' and '.join(numbers)}"
        raise MeasureRefused(Problem(Place(csv_file, 1, 1), message))
    weights: dict[tuple[str, ...], Fraction] = {}
    rates: dict[tuple[str, ...], tuple[int, int]] = {}
    form = r"\d{1,15}(?:\.\d{1,12})?" if kind == "population" else r"\d{1,15}"
    for row in reader:
        place = Place(csv_file, reader.line_num, 1)
        key = tuple((row.get(name) or "").strip() for name in by)
        written = [(row.get(name) or "").strip() for name in numbers]
        if not all(re.fullmatch(form, each) for each in written):
            whole = "whole numbers" if kind == "rates" else "numbers"
            problems.append(Problem(place, f"{' and '.join(numbers)} must be {whole} that are not negative"))
        elif key in weights or key in rates:
            problems.append(Problem(place, "this stratum is there twice"))
        elif kind == "rates" and int(written[1]) == 0:
            problems.append(Problem(place, "a stratum of nobody has no rate", "leave it out, or join it with another"))
        elif kind == "rates":
            rates[key] = (int(written[0]), int(written[1]))
        else:
            weights[key] = Fraction(written[0])
        if "age_band" in by and not re.fullmatch(r"\d+(?:-\d+|\+)?", key[by.index("age_band")]):
            problems.append(Problem(place, "age_band is not a band of ages", "write it as 0-4 or 90+"))
    if problems or not (weights or rates):
        raise MeasureRefused(problems or [Problem(Place(csv_file, 1, 1), "this standard has no rows")])
    return Standard(fields["standard"], fields["title"], kind, by, weights, rates, fields["source"], fields["status"])


def weights_for(
    standard: Standard, by: Sequence[str], bands: Sequence[Ages], place: Place
) -> dict[tuple[str, ...], Fraction]:
    """The weight of each stratum of a measure, by what the standard gives weights by (``standard.by``).

    The weights of the standard's bands that lie in one of the measure's are added up.

    Raises:
        MeasureRefused: a band of the standard lies in two bands of the measure, or in none.
    """
    if standard.kind != "population" or "age_band" not in standard.by or not {*standard.by} <= {*by}:
        message = f"{standard.name} gives {standard.kind} by {', '.join(standard.by)}"
        fix = f"standardise by {' and '.join(standard.by)}" if standard.kind == "population" else "use a population"
        raise MeasureRefused(Problem(place, message, fix))
    at = standard.by.index("age_band")
    out: dict[tuple[str, ...], Fraction] = {}
    for key, weight in standard.weights.items():
        theirs = read_ages(key[at])
        ours = [band for band in bands if theirs.since in band]
        ends = theirs.until if theirs.until is not None else 10**6
        if len(ours) != 1 or ends not in ours[0]:
            message = f"the standard's ages {key[at]} are not wholly in one band of this measure"
            raise MeasureRefused(Problem(place, message, "use the bands of the standard, or several of them together"))
        mine = (*key[:at], ours[0].name, *key[at + 1 :])
        out[mine] = out.get(mine, Fraction(0)) + weight
    return out
