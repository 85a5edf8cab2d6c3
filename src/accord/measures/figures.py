"""Figures: a measure's sums added up by organisation, with rates, limits and expected counts, rounded by its card.

Sums of practices are added up to networks, neighbourhoods and boards by where each practice belonged on the first day
of the period (or, if nowhere then, next). Rates are made from the sums of each row, never from other rates.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import Problem, nearest
from accord.measures import standardising
from accord.measures.card import Card
from accord.measures.computing import ALL, NOT_KNOWN, NUMBERS, Cells, MeasureMisused, Period, Session, called
from accord.measures.measure import Measure
from accord.measures.standardising import NOTHING, Expecting, Rate, rounded
from accord.record.belonging import belonging as belonging_by_day
from accord.record.column import column

if TYPE_CHECKING:
    import pyarrow as pa

_LEVELS = {
    "registered": ("practice", "network", "neighbourhood", "board", ALL),
    "resident": ("council", "board", ALL),
}

EXPECTED_STEP = Decimal("0.01")
"""Expected counts are given to two places."""

Stratum = tuple[str, ...]

Belonging = Mapping[tuple[str, str], Mapping[str, str]]
"""By level and period, the organisation that each organisation of the lowest level belongs to, whatever its code."""


def levels_of(who: str) -> tuple[str, ...]:
    """What figures of a population are given by, the lowest first; of one that no figures are of, nothing."""
    return _LEVELS.get(who, ())


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: an organisation in a period (and stratum), with its sums and what is made of them.

    ``denominator`` is None for a total; in person-days where the card counts person-days. ``events`` are the rows with
    a numerator, ``excluded`` the rows that count in neither. ``share``, ``spread`` and ``standard`` are those of
    :class:`accord.measures.standardising.Rate`, not rounded.
    """

    level: str
    organisation: str
    period: Period
    stratum: Stratum
    numerator: int
    denominator: int | None
    events: int
    excluded: int
    rate: Decimal | None
    lower: Decimal | None
    upper: Decimal | None
    expected: Decimal | None
    share: Decimal | None = None
    spread: Decimal | None = None
    standard: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """The figures of one measure, exact: they stay inside the boundary until :mod:`accord.measures.release`.

    ``rows`` are ordered by level, organisation, period and stratum. ``outside`` are, by period, rows of people who were
    not in the population on the day.
    """

    measure: Measure
    levels: tuple[str, ...]
    strata: tuple[str, ...]
    periods: tuple[Period, ...]
    rows: tuple[Figure, ...]
    outside: Mapping[str, int]
    cells: Cells
    belongs: Belonging
    """What each organisation of the lowest level belongs to (:func:`belonging`)."""

    @property
    def card(self) -> Card:
        """The measure's card."""
        return self.measure.card

    def table(self) -> pa.Table:
        """The rows as a table: texts, whole numbers, and decimals as texts."""
        import pyarrow as pa

        def texts(values: Iterable[object]) -> pa.Array:
            return column(list(values), "text")

        rows = self.rows
        columns: dict[str, pa.Array] = {
            "measure": texts(self.measure.id for _ in rows),
            "level": texts(row.level for row in rows),
            "organisation": texts(row.organisation for row in rows),
            "period": texts(row.period.label for row in rows),
        }
        for number, name in enumerate(self.strata):
            columns[name] = texts(row.stratum[number] for row in rows)
        columns["numerator"] = column([row.numerator for row in rows], "whole")
        if self.card.kind != "total":
            columns["denominator"] = column([row.denominator for row in rows], "whole")
        for name in ("rate", "lower", "upper", "expected"):
            if name in self.card.columns:
                columns[name] = texts(getattr(row, name) for row in rows)
        columns["excluded"] = column([row.excluded for row in rows], "whole")
        return pa.table(columns)


def figures(session: Session, measure: Measure, levels: Sequence[str] = (ALL,), strata: Sequence[str] = ()) -> Figures:
    """The figures of a measure by levels of organisation, for each period of the session and each stratum.

    Raises:
        MeasureMisused: the measure has no such level or stratum.
        MeasureRefused: its standard cannot be used.
    """
    card = measure.card
    known = levels_of(card.population.who)
    for level in levels:
        if level not in known:
            why = f"{card.measure} is about people {card.population.who}, and cannot be given by {level}"
            fix = nearest(level, known) or f"it can be given by {', '.join(known)}"
            raise MeasureMisused(Problem(Place("--by", 0, 0), why, fix))
    standard = card.standardise
    inner = tuple(name for name in (standard.by if standard is not None else ()) if name not in strata)
    cells = session.cells(measure, (*strata, *inner))
    belongs = belonging(session, levels)
    rating = _Rating(session, measure, cells, tuple(strata))
    rows: list[Figure] = []
    for level in levels:
        rows += rating.rows(level, belongs)
    return Figures(measure, tuple(levels), tuple(strata), session.periods, tuple(rows), cells.outside, cells, belongs)


class _Rating:
    """Makes the rows of one measure: groups of sums, and the rate of each."""

    def __init__(self, session: Session, measure: Measure, cells: Cells, strata: tuple[str, ...]) -> None:
        self.session, self.measure, self.card = session, measure, measure.card
        self.cells, self.strata = cells, strata
        self.read = tuple(_read(cells.table, cells.strata))
        self.by_label = {period.label: period for period in session.periods}
        self.days = {
            period.label: period.days if measure.card.population.count == "person-days" else 1
            for period in session.periods
        }
        standard = measure.card.standardise
        self.by = standard.by if standard is not None else ()
        self.at = tuple(cells.strata.index(name) for name in self.by)
        self.outer = tuple(number for number, name in enumerate(cells.strata) if name in strata)
        self.rate = self._rate()

    def rows(self, level: str, belongs: Belonging) -> list[Figure]:
        """The rows of one level, in order."""
        sums: dict[tuple[str, str, Stratum], list[int]] = {}
        parts: dict[tuple[str, str, Stratum], dict[Stratum, list[int]]] = {}
        for organisation, period, stratum, numbers in self.read:
            key = (belongs[level, period][organisation], period, tuple(stratum[number] for number in self.outer))
            _add(sums.setdefault(key, [0, 0, 0, 0]), numbers)
            if self.by:
                inner = tuple(stratum[number] for number in self.at)
                _add(parts.setdefault(key, {}).setdefault(inner, [0, 0, 0, 0]), numbers)
        out: list[Figure] = []
        step, total = self.card.step, self.card.kind == "total"
        for key in sorted(sums):
            organisation, period, stratum = key
            numerator, denominator, events, excluded = sums[key]
            made = self.rate(numerator, denominator, period, stratum, parts.get(key, {}))
            out.append(
                Figure(
                    level,
                    organisation,
                    self.by_label[period],
                    stratum,
                    numerator,
                    None if total else denominator,
                    events,
                    excluded,
                    rounded(made.rate, step),
                    rounded(made.lower, step),
                    rounded(made.upper, step),
                    rounded(made.expected, EXPECTED_STEP),
                    made.share,
                    made.spread,
                    made.standard,
                )
            )
        return out

    def _rate(self):
        standard = self.card.standardise
        if standard is None:
            return self._crude
        place = Place(self.card.file, 1, 1)
        if standard.method == "direct":
            found = standardising.find_standard(standard.standard, place, self._beside())
            weights = standardising.weights_for(found, standard.by, standard.bands, place)
            return partial(self._direct, weights, [self.by.index(name) for name in found.by])
        if standard.standard == "own":
            return partial(self._indirect, self._own_rates())
        found = standardising.find_standard(standard.standard, place, self._beside())
        if found.kind != "rates" or found.by != standard.by:
            message = f"{found.name} does not give rates by {', '.join(standard.by)}"
            from accord.record.portable import MeasureRefused

            raise MeasureRefused(Problem(place, message, f"it is a {found.kind} by {', '.join(found.by)}"))
        return partial(self._indirect, Expecting(found.rates))

    def _beside(self):
        from pathlib import Path

        folder = Path(self.measure.file).parent
        return folder if folder.parts else None

    def _crude(
        self, numerator: int, denominator: int, period: str, stratum: Stratum, parts: Mapping[Stratum, list[int]]
    ) -> Rate:
        if self.card.kind == "total":
            return NOTHING
        people = Fraction(denominator, self.days[period])
        return standardising.crude(numerator, people, self.card.per, self.card.interval)

    def _direct(
        self,
        weights: Mapping[Stratum, Fraction],
        weighted: Sequence[int],
        numerator: int,
        denominator: int,
        period: str,
        stratum: Stratum,
        parts: Mapping[Stratum, list[int]],
    ) -> Rate:
        days = self.days[period]
        choices = [
            [stratum[self.strata.index(name)]]
            if name in self.strata
            else [band.name for band in self.session.bands(self.card)]
            if name == "age_band"
            else list(self.card.population.sexes or ("female", "male"))
            if name == "sex"
            else sorted({key[number] for key in parts})
            for number, name in enumerate(self.by)
        ]
        strata: list[tuple[int, Fraction, Fraction]] = []
        for key in product(*choices):
            observed, people, _, _ = parts.get(key, (0, 0, 0, 0))
            weight = weights.get(tuple(key[at] for at in weighted), Fraction(0))
            strata.append((observed, Fraction(people, days), weight))
        return standardising.direct(strata, self.card.per, self.card.interval)

    def _indirect(
        self,
        rates: Expecting | Mapping[tuple[str, Stratum], Expecting],
        numerator: int,
        denominator: int,
        period: str,
        stratum: Stratum,
        parts: Mapping[Stratum, list[int]],
    ) -> Rate:
        people = {key: numbers[1] for key, numbers in parts.items()}
        days = self.days[period]
        if isinstance(rates, Expecting):
            expecting, over, crude = rates, days, rates.crude
        else:  # rates of the record itself count as its population does: in person-days, both cancel
            expecting = rates[period, self._rest(stratum)]
            over, crude = 1, expecting.crude * days
        return standardising.indirect(
            numerator, expecting.expected(people, over), crude, self.card.per, self.card.interval
        )

    def _rest(self, stratum: Stratum) -> Stratum:
        """The part of a row's stratum that is not standardised over."""
        return tuple(value for name, value in zip(self.strata, stratum, strict=True) if name not in self.by)

    def _own_rates(self) -> Mapping[tuple[str, Stratum], Expecting]:
        """By period (and what is not standardised over), the rates of all people of the record."""
        names = self.cells.strata
        rest = [number for number, name in enumerate(names) if name in self.strata and name not in self.by]
        sums: dict[tuple[str, Stratum], dict[Stratum, list[int]]] = {}
        for _, period, stratum, numbers in self.read:
            key = (period, tuple(stratum[number] for number in rest))
            inner = tuple(stratum[number] for number in self.at)
            _add(sums.setdefault(key, {}).setdefault(inner, [0, 0, 0, 0]), numbers)
        return {
            key: Expecting({inner: (numbers[0], numbers[1]) for inner, numbers in found.items()})
            for key, found in sums.items()
        }


def _add(into: list[int], numbers: Sequence[int]) -> None:
    for number, value in enumerate(numbers):
        into[number] += value


def _read(table: pa.Table, strata: Sequence[str]) -> Iterable[tuple[str, str, Stratum, tuple[int, int, int, int]]]:
    """Rows of sums: organisation, period, stratum, and numerator, denominator, events, excluded."""
    columns = [table.column(name).to_pylist() for name in strata]
    numbers = [table.column(name).to_pylist() for name in NUMBERS]
    places = zip(table.column("organisation").to_pylist(), table.column("period").to_pylist(), strict=True)
    for at, (organisation, period) in enumerate(places):
        stratum = tuple(called(column[at]) for column in columns)
        n, d, e, x = (column[at] or 0 for column in numbers)
        yield organisation, period, stratum, (n, d, e, x)


class _Above(dict[str, str]):
    """What organisations belong to; what is not among them is said by the level."""

    def __init__(self, level: str) -> None:
        super().__init__()
        self.level = level

    def __missing__(self, organisation: str) -> str:
        if self.level in _LOWEST:
            return organisation
        return ALL if self.level == ALL else NOT_KNOWN


_LOWEST = {levels[0] for levels in _LEVELS.values()}


def belonging(session: Session, levels: Sequence[str]) -> Belonging:
    """What each organisation belongs to on a period's first day; if to nobody then, the first after that, within it.

    One that the record does not describe, or places nowhere, belongs to what is not known.

    Raises:
        DataRefused: organisations contradict each other.
    """
    above = {(level, period.label): _Above(level) for level in levels for period in session.periods}
    for level in levels:
        if level == ALL or level in _LOWEST:
            continue
        rows = session.organisations()
        spans = belonging_by_day(rows, (row["code"] for row in rows), level)
        for period, span in product(session.periods, spans):
            if span.organisation is not None and span.since <= period.last and period.first < span.until:
                above[level, period.label].setdefault(span.unit, span.organisation)  # the spans are in order
    return above
