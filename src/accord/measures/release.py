"""Release: what may leave the boundary, so that no small count can be worked out from what was given.

Counts from 1 to 7 become ``*``, counts from 8 on are rounded to the nearest 5, zeros are shown, and percentages and
crude rates are made from the rounded values (NHS Digital's rules for hospital statistics since September 2018). Those
rules exempt standardised rates, which gives the counts back: a rate times what was expected, over the rate of the
standard, is the exact count. Here they and their limits are those of the rounded count, what was expected is rounded to
whole events, and where a count stands from an earlier release, they stand with it.

How many *people* stand behind a number decides. Person-days are protected as people are: over the days of the period,
an average of fewer than 8 is withheld, others are rounded to 5 people for every day. Twelve contacts of three people
are withheld, and so is every figure over a population below 8, a zero too: it would say something of each of them.
Whatever is counted, a number that one or two people make most of is withheld, however large (``dominance``).

Small counts that could be worked out from what is shown are protected by further stars
(:mod:`accord.measures.suppression`), and a release is checked together with all that went before
(:mod:`accord.measures.register`).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

from accord.language.place import Place
from accord.language.problem import Problem
from accord.measures import standardising
from accord.measures.computing import (
    ALL,
    Contributions,
    Period,
    Session,
    called,
    counted_on,
    no_step,
    periods,
)
from accord.measures.figures import Figure, Figures, levels_of
from accord.measures.populations import Populations, Whose, everywhere, whose
from accord.measures.register import (
    ReleaseRefused,
    check_periods,
    given_before,
    notes_of,
    numbers_of,
    register_of,
    standing,
)
from accord.measures.standardising import NOTHING, Rate
from accord.measures.suppression import Cell, Given, Leaves, differences, overlap, protect
from accord.record.column import column
from accord.record.disclosure import STAR, Rules, nearest, rules

if TYPE_CHECKING:
    import pyarrow as pa

Quantity = Literal["numerator", "denominator"]

NOBODY = Contributions()

RATES = ("rate", "lower", "upper", "expected")
"""What is made of the counts of a row."""


@dataclass(frozen=True, slots=True)
class Released:
    """One row as it may leave: numbers as text, ``*`` where a number is withheld, None where there is none."""

    level: str
    organisation: str
    period: str
    stratum: tuple[str, ...]
    numerator: str
    denominator: str | None
    rate: str | None
    lower: str | None
    upper: str | None
    expected: str | None


@dataclass(frozen=True, slots=True)
class Release:
    """A release of one measure: rows, and what was done and why. ``entry`` is what the register will say of it."""

    figures: Figures
    rows: tuple[Released, ...]
    notes: tuple[str, ...]
    withheld: int
    entry: Mapping[str, Any] = field(repr=False)

    def seen(self) -> Figures:
        """The figures with the rates that were shown, and no others: for putting what was released in order."""

        def told(text: str | None) -> Decimal | None:
            return None if text is None or text == STAR else Decimal(text)

        rows = tuple(
            replace(figure, rate=None, lower=None, upper=None)
            if STAR in (row.rate, row.numerator)
            else replace(figure, rate=told(row.rate), lower=told(row.lower), upper=told(row.upper))
            for figure, row in zip(self.figures.rows, self.rows, strict=True)
        )
        return replace(self.figures, rows=rows)

    def table(self) -> pa.Table:
        """The rows as a table of texts."""
        import pyarrow as pa

        card = self.figures.card
        columns: dict[str, list[str | None]] = {
            "measure": [self.figures.measure.id] * len(self.rows),
            "level": [row.level for row in self.rows],
            "organisation": [row.organisation for row in self.rows],
            "period": [row.period for row in self.rows],
        }
        for number, name in enumerate(self.figures.strata):
            columns[name] = [row.stratum[number] for row in self.rows]
        for name in ("numerator", "denominator", *RATES):
            if name in card.columns:
                columns[name] = [getattr(row, name) for row in self.rows]
        return pa.table({name: column(values, "text") for name, values in columns.items()})


def release(
    session: Session,
    figures: Figures,
    *,
    earlier: Sequence[Mapping[str, Any]] | None = None,
    by: Rules | None = None,
    on_step: Callable[[str], None] = no_step,
) -> Release:
    """Figures as they may leave the boundary, together with all that was released before.

    Args:
        session: the session that made the figures.
        figures: the exact figures.
        earlier: the register; that of the session's record where it is not given.
        by: the rules; Accord's own where they are not given.
        on_step: told what is being done.

    Raises:
        ReleaseRefused: with what was released before, it would give small counts away.
    """
    on_step(f"release of {figures.card.measure}")
    making = _Making(session, figures, by or rules())
    if figures.card.suppress == "none":
        return making.open()
    return making.made(register_of(session.record.folder) if earlier is None else earlier)


class _Making:
    """Makes one release."""

    def __init__(self, session: Session, figures: Figures, by: Rules) -> None:
        self.session, self.figures, self.by = session, figures, by
        self.card = figures.card
        self.notes: list[str] = []
        reads = {name for part in figures.measure.parts for name in part.select.tables} | figures.measure.select.tables
        self.whole = "periods" in reads
        """Whether the measure is about a state in each period, so that longer periods are no sums of shorter ones."""
        self.people = self.card.kind == "rate" and self.card.population.count != "person-days"
        self.in_days: tuple[Quantity, ...] = ()
        """What is counted in person-days, and protected as so many people for every day."""
        if self.card.kind == "rate" and self.card.population.count == "person-days":
            self.in_days = ("denominator",)
        elif self.card.denominator_unit == "person-days":
            self.in_days = ("numerator", "denominator")
        self._populations: Populations | None = None
        """Where people are counted on a day: all that is known of them, from rosters and other measures too."""
        self._lengths: dict[tuple[str, str], int] = {}
        self._few: tuple[Cell, ...] = ()
        """Populations below the smallest that is shown, as cells of numerators."""
        self._behind: dict[Quantity, Mapping[tuple[str, str, str, tuple[str, ...]], Contributions]] = {}
        if self.card.suppress != "none":
            self._behind["numerator"] = self._people_behind("numerator")
            if self.card.kind == "ratio":
                self._behind["denominator"] = self._people_behind("denominator")

    # -- rows ----------------------------------------------------------------------------------------------------------
    def open(self) -> Release:
        """Everything as it is, where the card says that nothing needs protection."""
        rows = tuple(self._row(one, False, False, exact=True) for one in self.figures.rows)
        return Release(self.figures, rows, ("these figures are not about individuals",), 0, self._entry({}, {}, ()))

    def made(self, earlier: Sequence[Mapping[str, Any]]) -> Release:
        """The release, protected."""
        own = [one for one in earlier if one["measure"] == self.figures.measure.id]
        check_periods(self.card, [(each.first, each.last) for each in self.figures.periods], own)
        if self.people:
            strata = [name for name in self.figures.strata if name not in self.card.strata]
            self._populations = Populations(self._whose(), strata, earlier, self.figures.measure.id)
        shown: dict[Quantity, dict[int, Given]] = {}
        # denominators first: a numerator over few people is withheld too
        quantities: tuple[Quantity, ...] = ("numerator",) if self.card.kind == "total" else ("denominator", "numerator")
        for quantity in quantities:
            shown[quantity] = self._protected(quantity, earlier)
        before = self._rates_before(own)
        rows: list[Released] = []
        withheld = 0
        for number, figure in enumerate(self.figures.rows):
            below = shown["denominator"][number] if "denominator" in shown else None
            above = shown["numerator"][number]
            # a numerator over few people is sensitive itself (see _given)
            no_denominator, no_numerator = below is not None and below.star, above.star
            withheld += no_numerator or no_denominator
            kept = replace(figure, numerator=above.value, denominator=None if below is None else below.value)
            row = self._row(kept, no_numerator, no_denominator)
            stood = before.get(self._cell(figure, "numerator")) if above.locked and row.rate != STAR else None
            rows.append(replace(row, **dict(zip(RATES, stood, strict=True))) if stood else row)
        if withheld:
            self.notes.insert(0, f"{withheld} of {len(rows)} rows have figures withheld (*)")
        entry = self._entry(shown, self._times(), rows)
        return Release(self.figures, tuple(rows), tuple(self.notes), withheld, entry)

    def _row(self, figure: Figure, no_numerator: bool, no_denominator: bool, exact: bool = False) -> Released:
        money = self.card.suppress == "money"
        days = figure.period.days
        step = self.by.money_step if money else self.by.step * (days if "numerator" in self.in_days else 1)
        numerator = nearest(figure.numerator, 1 if exact else step)
        step = 1 if exact else self.by.step * (days if "denominator" in self.in_days else 1)
        denominator = None if figure.denominator is None else nearest(figure.denominator, step)
        hidden = no_numerator or no_denominator
        rate, lower, upper, expected = figure.rate, figure.lower, figure.upper, figure.expected
        if not exact and not hidden and self.card.kind != "total":
            assert denominator is not None
            if self._standardised(figure):
                made = self._of_rounded(figure, numerator)
            else:
                over = days if self.card.population.count == "person-days" else 1
                top = min(numerator, denominator) if self.card.interval == "wilson" else numerator
                made = standardising.crude(top, Fraction(denominator, over), self.card.per, self.card.interval)
                made = replace(made, expected=None if figure.expected is None else Decimal(numerator))
            rate, lower, upper = (
                standardising.rounded(each, self.card.step) for each in (made.rate, made.lower, made.upper)
            )
            expected = made.expected

        def text(value: Decimal | None) -> str | None:
            return None if value is None else STAR if hidden else str(value)

        return Released(
            figure.level,
            figure.organisation,
            figure.period.label,
            figure.stratum,
            STAR if no_numerator else str(numerator),
            None if denominator is None else STAR if no_denominator else str(denominator),
            text(rate),
            text(lower),
            text(upper),
            text(expected),
        )

    def _standardised(self, figure: Figure) -> bool:
        """Whether a rate is: by its own rates, the whole record expects just what was seen, and its rate is crude."""
        standard = self.card.standardise
        return standard is not None and not (standard.standard == "own" and figure.level == ALL)

    def _of_rounded(self, figure: Figure, count: int) -> Rate:
        """The standardised rate of a rounded count, over expected events that are rounded too."""
        if figure.standard is None or figure.expected is None:
            return NOTHING if figure.share is None else standardising.of_count(count, figure.share, figure.spread)
        expected = standardising.rounded(figure.expected, Decimal(1))
        if not expected:
            return Rate(expected=expected)
        share = figure.standard * self._of_own(figure) / expected
        made = standardising.of_count(count, share, None if figure.upper is None else share)
        return replace(made, expected=expected)

    def _of_own(self, figure: Figure) -> Decimal:
        """By what the rounded rate of the standard differs from the exact one: of the record itself, it is a count."""
        standard = self.card.standardise
        assert standard is not None
        if standard.standard != "own":
            return Decimal(1)
        rest = [
            (name, value)
            for name, value in zip(self.figures.strata, figure.stratum, strict=True)
            if name not in standard.by
        ]
        exact = self._wholes()[figure.period.label, tuple(rest)]
        return Decimal(nearest(exact, self.by.step)) / exact if exact else Decimal(1)

    def _wholes(self) -> Mapping[tuple[str, tuple[tuple[str, str], ...]], int]:
        """By period and what is not standardised over, the events of the whole record."""
        if not hasattr(self, "_found_wholes"):
            standard, table = self.card.standardise, self.figures.cells.table
            assert standard is not None
            rest = [name for name in self.figures.strata if name not in standard.by]
            columns = [table.column(name).to_pylist() for name in ("period", "numerator", *rest)]
            found: dict[tuple[str, tuple[tuple[str, str], ...]], int] = {}
            for label, count, *values in zip(*columns, strict=True):
                key = label, tuple((name, called(value)) for name, value in zip(rest, values, strict=True))
                found[key] = found.get(key, 0) + count
            self._found_wholes = found
        return self._found_wholes

    def _rates_before(self, told: Sequence[Mapping[str, Any]]) -> Mapping[Cell, Sequence[str | None]]:
        """The standardised rates of earlier releases, with their limits and what was expected; the latest of each."""
        found: dict[Cell, Sequence[str | None]] = {}
        for entry in told:
            places = [frozenset(each) for each in entry["places"]]
            for place, first, last, strata, numbers in entry["cells"]:
                if "rates" in numbers:
                    named = tuple(zip(entry["strata"], strata, strict=True))
                    found[Cell(places[place], self._time_of(first, last, "numerator"), named)] = numbers["rates"]
        return found

    # -- what is sensitive ---------------------------------------------------------------------------------------------
    def _protected(self, quantity: Quantity, told: Sequence[Mapping[str, Any]]) -> dict[int, Given]:
        """The cells of a quantity, by the number of their row, with what may be shown."""
        numbered = [self._given(figure, quantity) for figure in self.figures.rows]
        if quantity == "denominator" and self._populations is not None:
            before, leaves = self._populations.before(self.by), self._populations.leaves(self.session)
            told = self._populations.lines
        else:
            told = [one for one in told if one["measure"] == self.figures.measure.id]
            before = self._before(quantity, told, {one.cell.time for one in numbered})
            leaves = self._leaves(quantity, before)

        def days(time: tuple[str, str]) -> int:
            return self._days(quantity, time)

        kept, changed = standing(numbered, before, self.by, days)
        fresh = [one for one in kept if not one.locked]
        places = self._everywhere() if before else ()
        lost = protect(fresh, before, leaves, self.by, places, days, self._few if quantity == "numerator" else ())
        if lost:
            self._refuse(quantity, len(lost), told)
        self.notes += notes_of(quantity, changed, kept, told if before else (), self.by)
        if quantity == "denominator" and self.card.kind == "rate":
            self._few = self._over_few([*fresh, *before], leaves, places, days, told)
        return dict(enumerate(kept))

    def _over_few(
        self,
        given: Sequence[Given],
        leaves: Leaves,
        places: Iterable[frozenset[str]],
        days: Callable[[tuple[str, str]], int],
        told: Sequence[Mapping[str, Any]],
    ) -> tuple[Cell, ...]:
        """Cells of numerators over small populations, given or not: of each, what happened to so few."""
        spans = {(each.first.isoformat(), each.last.isoformat()) for each in self.figures.periods}
        for entry in told:
            if entry["measure"] == self.figures.measure.id:
                spans |= {(first, last) for _, first, last, _, _ in entry["cells"]}
        times: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for span in sorted(spans):
            times.setdefault(self._time_of(*span, "denominator"), []).append(self._time_of(*span, "numerator"))
        out: dict[Cell, None] = {}
        for cell in differences(given, leaves, self.by, places, days):
            strata = cell.strata if self._populations is None else self._populations.strata_of(cell)
            if strata is not None:
                # days that nobody gives, as a quarter less two of its months, are the same days of the numerator
                own = [cell.time] if cell.time[1] else []
                out |= dict.fromkeys(Cell(cell.organisations, time, strata) for time in times.get(cell.time, own))
        return tuple(out)

    def _days(self, quantity: Quantity, time: tuple[str, str]) -> int:
        """By how many days a value of a time divides into people: 1 where it counts people or events."""
        return self._lengths[time] if quantity in self.in_days else 1

    def _is_small(self, figure: Figure, quantity: Quantity) -> bool:
        """Whether a number of a row is about so few people that it must not be shown."""
        value = figure.numerator if quantity == "numerator" else figure.denominator
        days = figure.period.days if quantity in self.in_days else 1
        parts = self._parts(figure, quantity)
        # corrections may add up to a 0 that is few people's; whoever makes nothing of a number is none of its people
        return (
            self.by.small(value, days)
            or self.by.small(parts.people)
            or self.by.dominated(parts.whole, parts.largest, parts.second)
        )

    def _parts(self, figure: Figure, quantity: Quantity) -> Contributions:
        """What people make of a number; nobody anything, where it counts a population."""
        key = (figure.level, figure.organisation, figure.period.label, figure.stratum)
        return self._behind.get(quantity, {}).get(key, NOBODY)

    def _refuse(self, quantity: Quantity, lost: int, told: Sequence[Mapping[str, Any]]) -> None:
        # a numerator over few people can be found by what others tell of the same people
        lines = [*told, *(self._populations.lines if self._populations is not None else ())]
        beside = ", ".join(sorted({f"{one['measure']} of {one['day']}" for one in lines}))
        message = (
            f"{self.card.measure}: together with what was released before, or leaves with it ({beside or 'nothing'}), "
            f"these figures would give away {lost} small counts ({quantity})"
        )
        fix = (
            "release the same organisations, periods and strata as before, periods that do not overlap them, or this "
            "measure without the others"
        )
        raise ReleaseRefused(Problem(Place(self.card.file, 0, 0), message, fix))

    def _given(self, figure: Figure, quantity: Quantity) -> Given:
        value = figure.numerator if quantity == "numerator" else figure.denominator or 0
        sensitive = self._is_small(figure, quantity)
        if quantity == "numerator" and self.card.kind != "total":
            sensitive = sensitive or self._is_small(figure, "denominator")
        needed = self.by.needed * (figure.period.days if quantity in self.in_days else 1)
        if sensitive:
            needed = max(needed, self._of_one(figure, quantity, value))
        return Given(self._cell(figure, quantity), value, star=sensitive, sensitive=sensitive, needed=needed)

    def _of_one(self, figure: Figure, quantity: Quantity, value: int) -> int:
        """How much must stay possible of a sensitive number for what one person makes of it to stay hidden.

        Of money, the percentage of it that the rules say; of a count that one person may make many of, all of it.
        """
        largest = self._parts(figure, quantity).largest
        if self.card.suppress == "money":
            return -(-largest * self.by.p // 100)
        return largest if value > self.by.most else 0

    def _whose(self) -> Whose:
        """Whom the rates are about, where people are counted on a day."""
        bands = self.session.bands(self.card) if "age_band" in self.figures.strata else ()
        return whose(self.card, bands, self.figures.periods)

    def _cell(self, figure: Figure, quantity: Quantity) -> Cell:
        organisations = self._places()[figure.level, figure.organisation, figure.period.label]
        strata = tuple(zip(self.figures.strata, figure.stratum, strict=True))
        if quantity == "denominator" and self._populations is not None:
            own = [value for name, value in strata if name not in self.card.strata]
            return self._populations.cell(organisations, figure.period.label, own)
        if quantity == "denominator" and self.card.kind == "rate":  # a population is not divided by what happened to it
            strata = tuple((name, value) for name, value in strata if name not in self.card.strata)
        return Cell(organisations, self._time(figure.period.label, quantity), strata)

    def _places(self) -> Mapping[tuple[str, str, str], frozenset[str]]:
        """By level, organisation and period, the organisations of the lowest level that are in it."""
        if not hasattr(self, "_found_places"):
            table = self.figures.cells.table
            sets: dict[tuple[str, str, str], set[str]] = {}
            pairs = set(zip(table.column("organisation").to_pylist(), table.column("period").to_pylist(), strict=True))
            for (organisation, label), level in product(pairs, self.figures.levels):
                above = self.figures.belongs[level, label][organisation]
                sets.setdefault((level, above, label), set()).add(organisation)
            self._found_places = {key: frozenset(each) for key, each in sets.items()}
        return self._found_places

    def _everywhere(self) -> tuple[frozenset[str], ...]:
        """The organisations of every level, as sets of the lowest, whether figures are given of them or not."""
        return everywhere(
            self.session,
            levels_of(self.card.population.who),
            self.figures.cells.table.column("organisation").to_pylist(),
        )

    def _time(self, label: str, quantity: Quantity) -> tuple[str, str]:
        period = next(each for each in self.figures.periods if each.label == label)
        return self._time_of(period.first.isoformat(), period.last.isoformat(), quantity)

    def _time_of(self, first: str, last: str, quantity: Quantity) -> tuple[str, str]:
        period = Period(first, dt.date.fromisoformat(first), dt.date.fromisoformat(last), "")
        if quantity == "denominator" and self.people:
            return (f"on {counted_on(self.card, period)}", "")
        time = (f"{first} to {last}", "") if self.whole else (first, last)
        self._lengths[time] = period.days
        return time

    def _times(self) -> Mapping[str, str]:
        return {period.label: period.last.isoformat() for period in self.figures.periods}

    # -- what was released before --------------------------------------------------------------------------------------
    def _before(
        self, quantity: Quantity, told: Sequence[Mapping[str, Any]], times: set[tuple[str, str]]
    ) -> list[Given]:
        """Cells that were released before and have to do with the new ones, the latest of each."""
        found: dict[Cell, Given] = {}
        for entry in told:
            places = [frozenset(each) for each in entry["places"]]
            for place, first, last, strata, numbers in entry["cells"]:
                if quantity not in numbers:
                    continue
                named = tuple(zip(entry["strata"], strata, strict=True))
                if quantity == "denominator" and self.card.kind == "rate":
                    named = tuple((name, each) for name, each in named if name not in self.card.strata)
                cell = Cell(places[place], self._time_of(first, last, quantity), named)
                found[cell] = given_before(cell, numbers[quantity], self.by.needed * self._days(quantity, cell.time))
        reached = set(times)
        while True:  # a release that overlaps one that overlaps the new one has to do with it too
            near = [one for one in found.values() if any(overlap(one.cell.time, time) for time in reached)]
            if {one.cell.time for one in near} <= reached:
                return near
            reached |= {one.cell.time for one in near}

    def _leaves(self, quantity: Quantity, before: Sequence[Given]) -> Leaves:
        """Exact values on cells fine enough for the new figures and for those released before."""
        strata = list(self.figures.strata)
        for one in before:
            strata += [name for name, _ in one.cell.strata if name not in strata]
        times = {self._time(period.label, quantity) for period in self.figures.periods}
        cells, spanned = self.figures.cells, self.figures.periods
        beyond = {one.cell.time for one in before if one.cell.time[1]} - times
        session = self.session
        if beyond:
            spans = [*beyond, *[time for time in times if time[1]]]
            first = dt.date.fromisoformat(min(first for first, _ in spans))
            until = dt.date.fromisoformat(max(last for _, last in spans)) + dt.timedelta(1)
            months = periods(first, until, "month")  # whole months, as checked before
            session = session.of_other_days(first, until, months)
        try:
            if beyond or not set(strata) <= set(cells.strata):
                cells, spanned = session.cells(self.figures.measure, strata), session.periods
        finally:
            if session is not self.session:
                session.close()
        labels = {
            each.label: self._time_of(each.first.isoformat(), each.last.isoformat(), quantity) for each in spanned
        }
        if quantity == "denominator" and self.card.kind == "rate":
            strata = [name for name in strata if name not in self.card.strata]
        table = cells.table
        columns = [table.column(name).to_pylist() for name in strata]
        values: dict[tuple[str, tuple[str, str], tuple[str, ...]], int] = {}
        most: dict[tuple[str, tuple[str, str], tuple[str, ...]], int] = {}
        once: set[tuple[object, ...]] = set()
        below = table.column("denominator").to_pylist()
        numbers = table.column(quantity).to_pylist()
        inner = [table.column(name).to_pylist() for name in cells.strata if name not in self.card.strata]
        for row, (organisation, label) in enumerate(
            zip(table.column("organisation").to_pylist(), table.column("period").to_pylist(), strict=True)
        ):
            key = (organisation, labels[label], tuple(called(column[row]) for column in columns))
            if quantity == "denominator" and self.card.kind == "rate":
                # the same people stand in every stratum of what happened to them: they are counted once
                mark = (organisation, labels[label], tuple(column[row] for column in inner))
                if mark in once:
                    continue
                once.add(mark)
            values[key] = values.get(key, 0) + (numbers[row] or 0)
            most[key] = most.get(key, 0) + (below[row] or 0)
        share = self.card.interval == "wilson" and quantity == "numerator"
        return Leaves(tuple(strata), values, most if share else None, self.by.most)

    def _entry(
        self, shown: Mapping[Quantity, Mapping[int, Given]], lasts: Mapping[str, str], rows: Sequence[Released]
    ) -> Mapping[str, Any]:
        """What the register says: exact values, so that later releases can be checked; it stays beside the record."""
        places: dict[frozenset[str], int] = {}
        cells: list[Any] = []
        for number, figure in enumerate(self.figures.rows if shown else ()):
            place = self._places()[figure.level, figure.organisation, figure.period.label]
            numbers: dict[str, list[Any]] = {quantity: numbers_of(each[number]) for quantity, each in shown.items()}
            if self._standardised(figure) and rows[number].rate != STAR:
                numbers["rates"] = [getattr(rows[number], name) for name in RATES]
            first = figure.period.label
            cells.append([places.setdefault(place, len(places)), first, lasts[first], list(figure.stratum), numbers])
        about = {"population": self._whose().as_json(), "apart": list(self.card.strata)} if self.people else {}
        return {
            "measure": self.figures.measure.id,
            **about,
            "generation": self.session.record.generation.name,
            "levels": list(self.figures.levels),
            "strata": list(self.figures.strata),
            "places": [sorted(each) for each in places],
            "cells": cells,
        }

    def _people_behind(self, quantity: Quantity) -> Mapping[tuple[str, str, str, tuple[str, ...]], Contributions]:
        """By row, how many people a sum is about, and what the two largest of them make of it."""
        out: dict[tuple[str, str, str, tuple[str, ...]], Contributions] = {}
        rows = self.session.contributions(self.figures.measure, self.figures.strata, quantity)
        for organisation, label, stratum, parts in rows:
            for level in self.figures.levels:
                key = (level, self.figures.belongs[level, label][organisation], label, stratum)
                out[key] = out.get(key, NOBODY) + parts
        return out
