"""Comparing: an area against another, areas in order; refused where the measure's definition forbids it.

"When using indirect standardisation it is inappropriate to compare sub-geographies with each other - all comparisons
should be made with the national figure" (NHS Digital, CCG Outcomes Indicator Set 3.2). Each area's rate is made with
the area's own weights, so two areas can differ in it without differing in any age group.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from accord.language.place import Place
from accord.language.problem import AccordError, Problem
from accord.measures.card import Card
from accord.measures.computing import ALL
from accord.measures.figures import Figure, Figures


class ComparisonRefused(AccordError):
    """A comparison that the measure's definition forbids. Exit code 3."""

    exit_code = 3


Side = Literal["better", "worse", "no clear difference", "above", "below", "not known"]


@dataclass(frozen=True, slots=True)
class Compared:
    """A row beside another: on which side it lies, judged by whether its limits hold the other's rate."""

    figure: Figure
    beside: Decimal | None
    side: Side


def permitted(card: Card, what: str) -> None:
    """See that areas may be compared with each other.

    Raises:
        ComparisonRefused: the definition permits comparing with the national figure only.
    """
    if card.permits != "all":
        message = f"{card.measure}: {what} would compare areas with each other, which this measure's definition forbids"
        why = "its rates are standardised indirectly, each with its own weights" if card.standardise else card.why
        fix = f"{why}; compare each with {card.permits} only: --against all"
        raise ComparisonRefused(Problem(Place(card.file, 0, 0), message, fix))


def ranked(figures: Figures) -> tuple[Figure, ...]:
    """The rows of each level, period and stratum in order of their rate, best first where one way is better.

    Raises:
        ComparisonRefused: the definition forbids it.
    """
    permitted(figures.card, "an order of areas")
    sign = -1 if figures.card.better == "higher" else 1

    def place(figure: Figure) -> tuple[object, ...]:
        rate = figure.rate if figure.rate is not None else Decimal(0)
        group = (figures.levels.index(figure.level), figure.period.first, figure.stratum)
        return (*group, figure.rate is None, sign * rate, figure.organisation)

    return tuple(sorted(figures.rows, key=place))


def against(figures: Figures, organisation: str) -> tuple[Compared, ...]:
    """Every row beside that of one organisation (or of all) in the same period and stratum.

    Raises:
        ComparisonRefused: the definition forbids comparing with anything but the whole.
    """
    if organisation != ALL:
        permitted(figures.card, f"a comparison with {organisation}")
    # the whole has a level of its own: an organisation may be called all too
    beside = [
        row for row in figures.rows if row.organisation == organisation and (organisation != ALL or row.level == ALL)
    ]
    others = {(row.period.label, row.stratum): row for row in beside}
    if not others:
        message = f"there are no figures of {organisation} to compare with"
        raise ComparisonRefused(Problem(Place("--against", 0, 0), message, "name its level with --by too"))
    out: list[Compared] = []
    for row in figures.rows:
        other = others.get((row.period.label, row.stratum))
        if row is not other:
            rate = other.rate if other is not None else None
            out.append(Compared(row, rate, _side(row, rate, figures.card)))
    return tuple(out)


def _side(row: Figure, other: Decimal | None, card: Card) -> Side:
    if other is None or row.rate is None:
        return "not known"
    lower, upper = (row.rate if each is None else each for each in (row.lower, row.upper))
    if lower <= other <= upper:
        return "no clear difference"
    above = row.rate > other
    if card.better == "neither":
        return "above" if above else "below"
    return "better" if above == (card.better == "higher") else "worse"


__all__: Sequence[str] = ["Compared", "ComparisonRefused", "against", "permitted", "ranked"]
