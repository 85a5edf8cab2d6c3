"""Release: what may leave the boundary, so that no small count can be worked out from what was given.

Counts from 1 to 7 become ``*``, counts from 8 on are rounded to the nearest 5, zeros are shown, and percentages and
crude rates are made from the rounded values; standardised rates, expected counts and limits are computed from exact
values (they are exempt), and withheld with their count (NHS Digital's rules for hospital statistics since September
2018).

How many *people* stand behind a number decides. Person-days are protected as people are: over the days of the period,
an average of fewer than 8 is withheld, others are rounded to 5 people for every day. Twelve contacts of three people
are withheld, and so is every figure over a population below 8, a zero too: it would say something of each of them.

Secondary suppression does not rely on rounding. For each small count there must be a *witness*: a second table that
agrees with every figure that was given, exactly, and has another value in that cell: at least five values must be
possible, as many as a rounded count stands for. A witness moves events between corners of a box (this organisation and
another, this period and another, …) so that every total that is given stays as it is. Where there is none, further
cells become ``*`` until there is. Whoever subtracts totals, over any number of tables, then finds a range and no count.

The same holds over time: a register beside the record keeps what was released. A new release is checked together with
all that went before, so that neither a year to date, nor a network beside its practices, nor a later cut of the same
figures gives a small count away.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from accord.language.calendar import add_months, period_name
from accord.language.place import Place
from accord.language.problem import AccordError, Problem
from accord.measures import standardising
from accord.measures.computing import (
    ALL,
    NOT_KNOWN,
    Period,
    Session,
    counted_on,
    no_step,
    periods,
)
from accord.measures.figures import EXPECTED_STEP, OF_REGISTERED, OF_RESIDENT, Figure, Figures, belonging
from accord.record.column import column

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

STAR = "*"
REGISTER = "released.jsonl"
"""The register of releases, in the folder of the record: one line a release, never changed."""

Quantity = Literal["numerator", "denominator"]


class ReleaseRefused(AccordError):
    """A release would give away what an earlier one keeps. Exit code 5."""

    exit_code = 5


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures that release goes by (``release.yaml``). ``largest`` people may not make more than ``share`` percent
    of a sum of money, and without the two largest more than ``p`` percent of the largest must remain.
    """

    least: int
    most: int
    step: int
    money_step: int
    largest: int
    share: int
    p: int

    @property
    def needed(self) -> int:
        """How many further values a small count must be able to have: as many as a rounded one."""
        return self.step - 1

    def small(self, count: int | None, days: int = 1) -> bool:
        """Whether a count must not be shown; of person-days over so many days, where the average is a small count."""
        return count is not None and self.least <= count < (self.most + 1) * days


@cache
def rules() -> Rules:
    """The rules that come with Accord."""
    from accord.language.text import Entries, Scalar, decode, read_tree

    path = Path(__file__).with_name("release.yaml")
    tree = read_tree(decode(path.read_bytes(), path.name))
    assert isinstance(tree, Entries)
    found: dict[tuple[str, str], int] = {}
    for key, value in tree:
        assert isinstance(value, Entries)
        for name, each in value:
            if isinstance(each, Scalar) and each.value.isdigit():
                found[key.value, name.value] = int(each.value)
    return Rules(
        found["small", "from"],
        found["small", "to"],
        found["round", "counts"],
        found["round_money", "pence"],
        found["dominance", "largest"],
        found["dominance", "share"],
        found["dominance", "p"],
    )


# -- cells of tables, as sets ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cell:
    """One number of a table: the organisations, time and strata that it adds up.

    ``organisations`` are codes of the lowest level. ``time`` is a first and a last day; a point in time, or a period
    that cannot be divided, has a name of its own instead. ``strata`` are the values that it is divided by, by name.
    """

    organisations: frozenset[str]
    time: tuple[str, str]
    strata: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Given:
    """A cell with its exact value and what was shown of it; ``locked`` where that was released before."""

    cell: Cell
    value: int
    star: bool = False
    sensitive: bool = False
    needed: int = 0
    locked: bool = False


@dataclass(slots=True)
class Leaves:
    """Exact values on the finest cells: by organisation, time and strata of one value each."""

    strata: tuple[str, ...]
    values: Mapping[tuple[str, tuple[str, str], tuple[str, ...]], int]
    most: Mapping[tuple[str, tuple[str, str], tuple[str, ...]], int] | None = None
    """The largest that each value could be, for shares: its denominator."""
    unseen: int = 0
    """Denominators up to this many are withheld: a share of them may be thought to be of so many."""


class Protection:
    """Secondary suppression over cells of any shape: witnesses, and what must be withheld so that there is one."""

    def __init__(self, given: Sequence[Given], leaves: Leaves) -> None:
        import numpy as np

        self.given = list(given)
        self.leaves = leaves
        organisations = sorted(
            {each for one in given for each in one.cell.organisations} | {key[0] for key in leaves.values}
        )
        times = sorted({key[1] for key in leaves.values})
        self._atoms: list[list[Any]] = [organisations, times]
        self._atoms += [sorted({key[2][at] for key in leaves.values}) for at in range(len(leaves.strata))]
        self._index: list[dict[Any, int]] = [{atom: n for n, atom in enumerate(atoms)} for atoms in self._atoms]
        shape = [len(atoms) for atoms in self._atoms]
        self._values = np.zeros(shape, dtype=np.int64)
        self._room: np.ndarray | None = None
        self._roomier: np.ndarray | None = None
        for (organisation, time, strata), value in leaves.values.items():
            self._values[self._at(organisation, time, strata)] = value
        if leaves.most is not None:
            self._room = np.zeros(shape, dtype=np.int64)
            for (organisation, time, strata), value in leaves.most.items():
                at = self._at(organisation, time, strata)
                self._room[at] = max(value - int(self._values[at]), 0)
            self._roomier = np.maximum(self._room, leaves.unseen - self._values)
        self._members = self._membership()
        self._star = np.array([one.star for one in self.given], dtype=bool)
        self._locked = np.array([one.locked and not one.star for one in self.given], dtype=bool)
        dear = max((one.value for one in self.given), default=1) * 1000 + 1000
        # what it costs to withhold a cell: its size; a zero is shown unless nothing else helps
        self._cost = np.array([one.value if one.value > 0 else dear for one in self.given], dtype=np.float64)
        self._divided = [bool((matrix.sum(axis=1) > 1).any()) for matrix in self._members]

    def _at(self, organisation: str, time: tuple[str, str], strata: tuple[str, ...]) -> tuple[int, ...]:
        found = [self._index[0][organisation], self._index[1][time]]
        return (*found, *[self._index[2 + at][value] for at, value in enumerate(strata)])

    def _membership(self) -> list[np.ndarray]:
        """By dimension, which cell has which atom."""
        import numpy as np

        out = [np.zeros((len(self.given), len(atoms)), dtype=bool) for atoms in self._atoms]
        for row, one in enumerate(self.given):
            for organisation in one.cell.organisations:
                out[0][row, self._index[0][organisation]] = True
            for time in self._atoms[1]:
                out[1][row, self._index[1][time]] = _within(time, one.cell.time)
            wanted = dict(one.cell.strata)
            for at, name in enumerate(self.leaves.strata):
                if name in wanted:
                    found = self._index[2 + at].get(wanted[name])
                    if found is not None:
                        out[2 + at][row, found] = True
                else:
                    out[2 + at][row, :] = True
        return out

    def protect(self) -> list[Given]:
        """Withhold what must be; the sensitive cells that cannot be protected, because what was released is locked."""
        lost: list[Given] = []
        order = [row for row, one in enumerate(self.given) if one.sensitive]
        order.sort(key=lambda row: (self.given[row].value, row))
        for row in order:
            one = self.given[row]
            best = self._witness([matrix[row] for matrix in self._members], one.needed)
            if best is None:
                lost.append(one)
                continue
            for other in best:
                self._star[other] = True
        for row, one in enumerate(self.given):
            one.star = bool(self._star[row])
        return lost

    def is_safe(self, cell: Cell, needed: int) -> bool:
        """Whether a cell, published or not, has a witness as things are."""
        return self._witness(self._row_of(cell), needed, free=True) is not None

    def secure(self, cell: Cell, needed: int) -> bool:
        """Withhold what must be, so that a cell that was not given cannot be worked out; whether that can be done."""
        best = self._witness(self._row_of(cell), needed)
        for other in best if best is not None else ():
            self._star[other] = True
            self.given[other].star = True
        return best is not None

    def _row_of(self, cell: Cell) -> list[np.ndarray]:
        import numpy as np

        rows = [np.array([atom in cell.organisations for atom in self._atoms[0]], dtype=bool)]
        rows.append(np.array([_within(atom, cell.time) for atom in self._atoms[1]], dtype=bool))
        wanted = dict(cell.strata)
        for at, name in enumerate(self.leaves.strata):
            rows.append(
                np.array([name not in wanted or wanted[name] == atom for atom in self._atoms[2 + at]], dtype=bool)
            )
        return rows

    def _witness(self, inside: Sequence[np.ndarray], needed: int, free: bool = False) -> Sequence[int] | None:
        """The cells to withhold for the cheapest witness of a cell; empty if it has one; None if none can be had."""
        found = self._cheapest(inside, needed, free, self._room)
        if found is None and self._roomier is not None:
            # nobody is told the denominators that are small themselves, so they do not limit what seems possible
            found = self._cheapest(inside, needed, free, self._roomier)
        return found

    def _cheapest(
        self, inside: Sequence[np.ndarray], needed: int, free: bool, room: np.ndarray | None
    ) -> Sequence[int] | None:
        """The same, where each value can grow by no more than its room."""
        import numpy as np

        best: tuple[float, tuple[int, ...]] | None = None
        for first in self._starts(inside):
            options: list[list[int | None]] = [self._partners(d, first, inside) for d in range(1, len(inside))]
            for others in sorted(product(*options), key=lambda each: sum(one is not None for one in each)):
                apart = np.ones(len(self.given), dtype=bool)
                for d, partner in enumerate(others, 1):
                    matrix = self._members[d]
                    apart &= matrix[:, first[d]] if partner is None else matrix[:, first[d]] != matrix[:, partner]
                near = np.flatnonzero(apart)
                for cost, partner in self._by_organisation(near, first, others, inside, needed, room):
                    if cost == 0:
                        return ()
                    if not free and (best is None or cost < best[0]):
                        rows = self._separated(near, first[0], partner)
                        best = (cost, tuple(int(row) for row in rows if not self._star[row]))
        return None if best is None else best[1]

    def _starts(self, inside: Sequence[np.ndarray]) -> Iterator[tuple[int, ...]]:
        """The atoms of a cell to begin at: those with the largest values."""
        import numpy as np

        box = np.ix_(*inside)
        values = self._values[box]
        where = [np.flatnonzero(each) for each in inside]
        if values.size == 0:
            return
        flat = np.argsort(-values, axis=None, kind="stable")[:3]
        for number in flat:
            at = np.unravel_index(int(number), values.shape)
            yield tuple(int(where[d][at[d]]) for d in range(len(inside)))

    def _partners(self, d: int, first: tuple[int, ...], inside: Sequence[np.ndarray]) -> list[int | None]:
        """Atoms of a dimension to exchange with: none where nothing that is given adds the dimension up."""
        import numpy as np

        if not self._divided[d]:
            return [None]
        at = list(first)
        line = self._values[tuple(slice(None) if n == d else value for n, value in enumerate(at))]
        outside = [int(atom) for atom in np.argsort(-line, kind="stable") if not inside[d][atom]]
        return [None, *outside[:6]]

    def _by_organisation(
        self,
        near: np.ndarray,
        first: tuple[int, ...],
        others: Sequence[int | None],
        inside: Sequence[np.ndarray],
        needed: int,
        room: np.ndarray | None,
    ) -> Iterator[tuple[float, int | None]]:
        """For each organisation to exchange with (or none): what withholding costs, cheapest first."""
        import numpy as np

        matrix = self._members[0][near]
        here = matrix[:, first[0]]
        free = ~self._star[near]
        locked = self._locked[near]
        weights = np.where(free, self._cost[near], 0.0)
        found: list[tuple[float, int | None]] = []
        if not bool((here & locked).any()) and self._reach(first, others, None, room) >= needed:
            found.append((float(weights[here].sum()), None))
        if self._divided[0]:
            split = matrix != here[:, None]
            costs = weights @ split
            blocked = (locked @ split) > 0 if len(near) else np.zeros(matrix.shape[1], dtype=bool)
            for partner in np.argsort(costs, kind="stable"):
                if inside[0][partner] or blocked[partner]:
                    continue
                if found and costs[partner] >= min(cost for cost, _ in found):
                    break
                if self._reach(first, others, int(partner), room) >= needed:
                    found.append((float(costs[partner]), int(partner)))
                    break
        yield from sorted(found, key=lambda each: (each[0], each[1] is None, each[1] or 0))

    def _separated(self, near: np.ndarray, first: int, partner: int | None) -> np.ndarray:
        matrix = self._members[0][near]
        apart = matrix[:, first] if partner is None else matrix[:, first] != matrix[:, partner]
        return near[apart]

    def _reach(
        self, first: tuple[int, ...], others: Sequence[int | None], partner: int | None, limits: np.ndarray | None
    ) -> int:
        """How many more values a cell could have by moving events between the corners of a box."""
        choices: list[list[tuple[int, int]]] = []
        for at, other in zip(first, (partner, *others), strict=True):
            choices.append([(at, 0)] if other is None else [(at, 0), (other, 1)])
        up = down = 10**12
        for corner in product(*choices):
            at = tuple(place for place, _ in corner)
            value = int(self._values[at])
            room = 10**12 if limits is None else int(limits[at])
            if sum(turned for _, turned in corner) % 2:
                up, down = min(up, value), min(down, room)
            else:
                up, down = min(up, room), min(down, value)
        return up + down


def protect(
    fresh: Sequence[Given],
    before: Sequence[Given],
    leaves: Leaves,
    by: Rules,
    places: Iterable[frozenset[str]] = (),
    days: Callable[[tuple[str, str]], int] = lambda time: 1,
    further: Iterable[Cell] = (),
) -> list[Cell]:
    """Withhold what must be of new cells, seen together with cells that were released before.

    Small counts that nobody gives, but that differences of releases would, are protected too: of the organisations that
    are given, of each one of the lowest level, and of ``places`` (networks and boards that no release is about yet).
    ``days`` says how many days a time has where values are person-days, otherwise 1; ``further`` are cells to protect
    whatever they count: figures over a small population.

    Returns:
        Small counts that would be given away whatever is withheld now, and were not before.
    """
    given = [*fresh, *before]
    protection = Protection(given, leaves)
    lost = [(one.cell, one.needed) for one in protection.protect()]
    if fresh:
        known = {one.cell for one in given}
        for cell in dict.fromkeys([*_differences(given, leaves, by, places, days), *further]):
            needed = by.needed * days(cell.time)
            if cell not in known and not protection.secure(cell, needed):
                lost.append((cell, needed))
    if not lost or not before:
        return [cell for cell, _ in lost]
    alone = Protection(before, leaves)
    return [cell for cell, needed in lost if alone.is_safe(cell, needed)]


def _within(atom: tuple[str, str], time: tuple[str, str]) -> bool:
    """Whether a time without parts lies in another; ISO dates compare as they are written, names by themselves."""
    if time[1] == "" or atom[1] == "":
        return atom == time
    return time[0] <= atom[0] and atom[1] <= time[1]


# -- releases ----------------------------------------------------------------------------------------------------------


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
        for name in ("numerator", "denominator", "rate", "lower", "upper", "expected"):
            if name in card.columns:
                columns[name] = [getattr(row, name) for row in self.rows]
        return pa.table({name: column(values, "text") for name, values in columns.items()})


def register_of(folder: Path) -> tuple[Mapping[str, Any], ...]:
    """What was released from the record in a folder, oldest first.

    Raises:
        ReleaseRefused: the register cannot be read; without it nothing more may be released.
    """
    path = folder / REGISTER
    if not path.is_file():
        return ()
    out: list[Mapping[str, Any]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            out.append({**entry, "cells": [tuple(cell) for cell in entry["cells"]]})
        except (ValueError, KeyError, TypeError):
            message = "this line of the register of releases cannot be read, so nothing more can be released safely"
            raise ReleaseRefused(Problem(Place(str(path), number, 1), message, "restore it from a copy")) from None
    return tuple(out)


def enter(folder: Path, releases: Iterable[Release], day: dt.date) -> None:
    """Enter releases into the register, before they leave."""
    import os

    lines = [json.dumps({**release.entry, "day": day.isoformat()}, ensure_ascii=False) for release in releases]
    with (folder / REGISTER).open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


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
        self._lengths: dict[tuple[str, str], int] = {}
        self._few: set[Cell] = set()
        """Populations below the smallest that is shown, as cells of numerators."""
        self._behind: dict[Quantity, Mapping[tuple[str, str, str, tuple[str, ...]], tuple[int, int, int]]] = {}
        if self.card.suppress != "none":
            self._behind["numerator"] = self._people_behind("numerator")
            if self.card.kind == "ratio":
                self._behind["denominator"] = self._people_behind("denominator")

    # -- rows ----------------------------------------------------------------------------------------------------------
    def open(self) -> Release:
        """Everything as it is, where the card says that nothing needs protection."""
        rows = tuple(self._row(one, False, False, exact=True) for one in self.figures.rows)
        return Release(self.figures, rows, ("these figures are not about individuals",), 0, self._entry({}, {}))

    def made(self, earlier: Sequence[Mapping[str, Any]]) -> Release:
        """The release, protected."""
        told = [one for one in earlier if one["measure"] == self.figures.measure.id]
        self._check_periods(told)
        shown: dict[Quantity, dict[int, Given]] = {}
        # denominators first: a numerator over few people is withheld too
        quantities: tuple[Quantity, ...] = ("numerator",) if self.card.kind == "total" else ("denominator", "numerator")
        for quantity in quantities:
            shown[quantity] = self._protected(quantity, told)
        rows: list[Released] = []
        withheld = 0
        for number, figure in enumerate(self.figures.rows):
            below = shown["denominator"][number] if "denominator" in shown else None
            above = shown["numerator"][number]
            no_denominator = below is not None and below.star
            no_numerator = above.star or (no_denominator and self._is_small(figure, "denominator"))
            withheld += no_numerator or no_denominator
            kept = replace(figure, numerator=above.value, denominator=None if below is None else below.value)
            rows.append(self._row(kept, no_numerator, no_denominator))
        if withheld:
            self.notes.insert(0, f"{withheld} of {len(rows)} rows have figures withheld (*)")
        return Release(self.figures, tuple(rows), tuple(self.notes), withheld, self._entry(shown, self._times()))

    def _row(self, figure: Figure, no_numerator: bool, no_denominator: bool, exact: bool = False) -> Released:
        money = self.card.suppress == "money"
        days = figure.period.days
        step = self.by.money_step if money else self.by.step * (days if "numerator" in self.in_days else 1)
        numerator = _nearest(figure.numerator, 1 if exact else step)
        step = 1 if exact else self.by.step * (days if "denominator" in self.in_days else 1)
        denominator = None if figure.denominator is None else _nearest(figure.denominator, step)
        hidden = no_numerator or no_denominator
        standard = self.card.standardise
        rate, lower, upper, expected = figure.rate, figure.lower, figure.upper, figure.expected
        # the whole record, by its own rates, expects exactly what was seen: its rate is a crude one
        own = standard is not None and standard.standard == "own" and figure.level == ALL
        if own and not exact:
            expected = standardising.rounded(Decimal(numerator), EXPECTED_STEP)
        if not exact and not hidden and (standard is None or own) and self.card.kind != "total":
            assert denominator is not None
            over = days if self.card.population.count == "person-days" else 1
            top = min(numerator, denominator) if self.card.interval == "wilson" else numerator
            made = standardising.crude(top, Fraction(denominator, over), self.card.per, self.card.interval)
            rate, lower, upper = (
                standardising.rounded(each, self.card.step) for each in (made.rate, made.lower, made.upper)
            )

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

    # -- what is sensitive ---------------------------------------------------------------------------------------------
    def _protected(self, quantity: Quantity, told: Sequence[Mapping[str, Any]]) -> dict[int, Given]:
        """The cells of a quantity, by the number of their row, with what may be shown."""
        new = {number: self._given(figure, quantity) for number, figure in enumerate(self.figures.rows)}
        before = self._before(quantity, told, {one.cell.time for one in new.values()})
        leaves = self._leaves(quantity, before)
        latest = {one.cell: one for one in before}
        repeated = 0
        for number, one in new.items():
            was = latest.get(one.cell)
            given_away = was is not None and one.sensitive and not was.star
            near = (self.by.most + 1) * self._days(quantity, one.cell.time)
            if was is not None and not given_away and abs(was.value - one.value) < near:
                repeated += was.value != one.value
                new[number] = was
        if repeated:
            self.notes.append(
                f"{repeated} figures ({quantity}) differ by fewer than {self.by.most + 1} from those released before, "
                "which stand: the difference of the two would be a small count"
            )
        fresh = [one for one in new.values() if not one.locked]
        places = self._everywhere() if before else set()

        def days(time: tuple[str, str]) -> int:
            return self._days(quantity, time)

        lost = protect(fresh, before, leaves, self.by, places, days, self._few if quantity == "numerator" else ())
        if lost:
            self._refuse(quantity, len(lost), told)
        others = sum(one.star and not one.sensitive for one in fresh)
        if others and before:
            when = ", ".join(dict.fromkeys(str(one["day"]) for one in told))
            every = ": nothing is left of it" if all(one.star for one in new.values()) else ""
            self.notes.append(
                f"{others} figures ({quantity}) are not small themselves: they are withheld since with what was "
                f"released before ({when}), or with each other, they would give small ones away{every}"
            )
        if quantity == "denominator" and self.card.kind == "rate":
            self._few = self._over_few([*fresh, *before], leaves, places, days)
        return new

    def _over_few(
        self,
        given: Sequence[Given],
        leaves: Leaves,
        places: Iterable[frozenset[str]],
        days: Callable[[tuple[str, str]], int],
    ) -> set[Cell]:
        """Cells of numerators over small populations, given or not: of each, what happened to so few."""
        times: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for period in self.figures.periods:
            times.setdefault(self._time(period.label, "denominator"), []).append(self._time(period.label, "numerator"))
        return {
            Cell(cell.organisations, time, cell.strata)
            for cell in _differences(given, leaves, self.by, places, days)
            for time in times.get(cell.time, ())
        }

    def _days(self, quantity: Quantity, time: tuple[str, str]) -> int:
        """By how many days a value of a time divides into people: 1 where it counts people or events."""
        return self._lengths[time] if quantity in self.in_days else 1

    def _is_small(self, figure: Figure, quantity: Quantity) -> bool:
        """Whether a number of a row is about so few people that it must not be shown."""
        value = figure.numerator if quantity == "numerator" else figure.denominator
        days = figure.period.days if quantity in self.in_days else 1
        people, _, _ = self._parts(figure, quantity)
        return self.by.small(value, days) or (value != 0 and self.by.small(people))

    def _parts(self, figure: Figure, quantity: Quantity) -> tuple[int, int, int]:
        """How many people make a number, and the two largest parts; nobody, where it counts a population."""
        key = (figure.level, figure.organisation, figure.period.label, figure.stratum)
        return self._behind.get(quantity, {}).get(key, (0, 0, 0))

    def _refuse(self, quantity: Quantity, lost: int, told: Sequence[Mapping[str, Any]]) -> None:
        days = ", ".join(dict.fromkeys(str(one["day"]) for one in told))
        message = (
            f"{self.card.measure}: together with what was released before ({days or 'nothing'}), these figures would "
            f"give away {lost} small counts ({quantity})"
        )
        fix = "release the same organisations, periods and strata as before, or periods that do not overlap them"
        raise ReleaseRefused(Problem(Place(self.card.file, 0, 0), message, fix))

    def _given(self, figure: Figure, quantity: Quantity) -> Given:
        value = figure.numerator if quantity == "numerator" else figure.denominator or 0
        sensitive = self._is_small(figure, quantity)
        needed = self.by.needed * (figure.period.days if quantity in self.in_days else 1)
        _, largest, second = self._parts(figure, quantity)
        if quantity == "numerator":
            if self.card.kind != "total":
                sensitive = sensitive or self._is_small(figure, "denominator")
            if self.card.suppress == "money":
                remainder = value - largest - second
                sensitive = sensitive or (value > 0 and (largest + second) * 100 > self.by.share * value)
                sensitive = sensitive or (value > 0 and remainder * 100 < self.by.p * largest)
                needed = max(needed, -(-largest * self.by.p // 100)) if sensitive else needed
        if self.card.suppress == "counts" and sensitive and value > self.by.most:
            needed = max(needed, largest)  # many of one person each: what is possible spans what one of them makes
        return Given(self._cell(figure, quantity), value, star=sensitive, sensitive=sensitive, needed=needed)

    def _cell(self, figure: Figure, quantity: Quantity) -> Cell:
        organisations = self._places()[figure.level, figure.organisation, figure.period.label]
        strata = tuple(zip(self.figures.strata, figure.stratum, strict=True))
        if quantity == "denominator" and self.card.kind == "rate":  # a population is not divided by what happened to it
            strata = tuple((name, value) for name, value in strata if name not in self.card.strata)
        return Cell(organisations, self._time(figure.period.label, quantity), strata)

    def _places(self) -> Mapping[tuple[str, str, str], frozenset[str]]:
        """By level, organisation and period, the organisations of the lowest level that are in it."""
        if not hasattr(self, "_found_places"):
            table = self.figures.cells.table
            lowest = "practice" if self.card.population.who == "registered" else "council"
            sets: dict[tuple[str, str, str], set[str]] = {}
            pairs = set(zip(table.column("organisation").to_pylist(), table.column("period").to_pylist(), strict=True))
            for organisation, label in pairs:
                for level in self.figures.levels:
                    above = (
                        organisation
                        if level == lowest
                        else ALL
                        if level == ALL
                        else self.figures.belongs[level, label][organisation]
                    )
                    sets.setdefault((level, above, label), set()).add(organisation)
            self._found_places = {key: frozenset(each) for key, each in sets.items()}
        return self._found_places

    def _everywhere(self) -> set[frozenset[str]]:
        """The organisations of every level, as sets of the lowest, whether figures are given of them or not."""
        known = OF_REGISTERED if self.card.population.who == "registered" else OF_RESIDENT
        table = self.figures.cells.table
        found = set(table.column("organisation").to_pylist())
        out = {frozenset(found)}
        for members in belonging(self.session, known[1:-1]).values():
            above: dict[str, set[str]] = {}
            for organisation in found:
                above.setdefault(members[organisation], set()).add(organisation)
            out |= {frozenset(each) for each in above.values()}
        return out

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
                value, star, sensitive = numbers[quantity]
                named = tuple(zip(entry["strata"], strata, strict=True))
                if quantity == "denominator" and self.card.kind == "rate":
                    named = tuple((name, each) for name, each in named if name not in self.card.strata)
                cell = Cell(places[place], self._time_of(first, last, quantity), named)
                needed = self.by.needed * self._days(quantity, cell.time)
                found[cell] = Given(cell, value, bool(star), bool(sensitive), needed, locked=True)
        reached = set(times)
        while True:  # a release that overlaps one that overlaps the new one has to do with it too
            near = [one for one in found.values() if any(_overlap(one.cell.time, time) for time in reached)]
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
            key = (organisation, labels[label], tuple(_known(column[row]) for column in columns))
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

    def _check_periods(self, told: Sequence[Mapping[str, Any]]) -> None:
        """Refuse windows that are moved by some days: what changes between them is about those who came in between.

        Of periods that meet in a month, all begin and end with a month, or they are the same.
        """
        new = {(period.first, period.last) for period in self.figures.periods}
        before = {
            (dt.date.fromisoformat(first), dt.date.fromisoformat(last)): str(one["day"])
            for one in told
            for _, first, last, _, _ in one["cells"]
        }
        for (first, last), (was, day) in product(sorted(new), sorted(before.items())):
            if (first, last) == was or (_of_months(first, last) and _of_months(*was)):
                continue
            if first.replace(day=1) <= _month_end(was[1]) and was[0].replace(day=1) <= _month_end(last):
                message = (
                    f"{self.card.measure}: {period_name(first, last)} was asked for, and {period_name(*was)} released "
                    f"on {day}: periods that meet in a month, and do not begin and end with one, would tell of those "
                    "in between"
                )
                fix = f"release whole months, quarters or years, or {period_name(*was)} again"
                raise ReleaseRefused(Problem(Place(self.card.file, 0, 0), message, fix))

    def _entry(self, shown: Mapping[Quantity, Mapping[int, Given]], lasts: Mapping[str, str]) -> Mapping[str, Any]:
        """What the register says: exact values, so that later releases can be checked; it stays beside the record."""
        places: dict[frozenset[str], int] = {}
        cells: list[Any] = []
        for number, figure in enumerate(self.figures.rows if shown else ()):
            place = self._places()[figure.level, figure.organisation, figure.period.label]
            numbers = {
                quantity: [each[number].value, int(each[number].star), int(each[number].sensitive)]
                for quantity, each in shown.items()
            }
            first = figure.period.label
            cells.append([places.setdefault(place, len(places)), first, lasts[first], list(figure.stratum), numbers])
        return {
            "measure": self.figures.measure.id,
            "generation": self.session.record.generation.name,
            "levels": list(self.figures.levels),
            "strata": list(self.figures.strata),
            "places": [sorted(each) for each in places],
            "cells": cells,
        }

    def _people_behind(
        self, quantity: Quantity
    ) -> Mapping[tuple[str, str, str, tuple[str, ...]], tuple[int, int, int]]:
        """By row, how many people a sum is about, and what the two largest of them make of it."""
        out: dict[tuple[str, str, str, tuple[str, ...]], tuple[int, int, int]] = {}
        rows = self.session.contributions(self.figures.measure, self.figures.strata, quantity)
        lowest = "practice" if self.card.population.who == "registered" else "council"
        for organisation, label, stratum, people, largest, second in rows:
            for level in self.figures.levels:
                above = (
                    organisation
                    if level == lowest
                    else ALL
                    if level == ALL
                    else self.figures.belongs[level, label][organisation]
                )
                key = (level, above, label, stratum)
                count, one, two = out.get(key, (0, 0, 0))
                top = sorted((one, two, largest, second), reverse=True)
                out[key] = (count + people, top[0], top[1])
        return out


def _known(value: object) -> str:
    return NOT_KNOWN if value is None else str(value)


def _nearest(value: int, step: int) -> int:
    """A count to the nearest multiple of a step, halves up."""
    return value if step == 1 else (2 * value + step) // (2 * step) * step


def _of_months(first: dt.date, last: dt.date) -> bool:
    """Whether days begin and end with a month."""
    return first.day == 1 and last == _month_end(last)


def _month_end(day: dt.date) -> dt.date:
    return add_months(day.replace(day=1), 1) - dt.timedelta(1)


def _overlap(one: tuple[str, str], other: tuple[str, str]) -> bool:
    if one[1] == "" or other[1] == "":
        return one == other
    return one[0] <= other[1] and other[0] <= one[1]


def _differences(
    given: Sequence[Given],
    leaves: Leaves,
    by: Rules,
    further: Iterable[frozenset[str]],
    days: Callable[[tuple[str, str]], int],
) -> Iterator[Cell]:
    """The small counts among all cells that organisations, times and strata of several releases can be crossed to."""
    import numpy as np

    organisations = sorted({key[0] for key in leaves.values})
    times = sorted({key[1] for key in leaves.values})
    strata = [sorted({key[2][at] for key in leaves.values}) for at in range(len(leaves.strata))]
    single = [frozenset({each}) for each in organisations]
    places = list(dict.fromkeys([*[one.cell.organisations for one in given], *single, *further]))
    spans = list(dict.fromkeys([*times, *[one.cell.time for one in given]]))
    values = np.zeros([len(organisations), len(times), *[len(each) for each in strata]], dtype=np.int64)
    at_organisation = {each: number for number, each in enumerate(organisations)}
    at_time = {each: number for number, each in enumerate(times)}
    at_stratum = [{each: number for number, each in enumerate(known)} for known in strata]
    for (organisation, time, stratum), value in leaves.values.items():
        place = tuple(at_stratum[number][each] for number, each in enumerate(stratum))
        values[(at_organisation[organisation], at_time[time], *place)] = value
    matrix = np.array([[each in place for each in organisations] for place in places], dtype=np.int64)
    sums = np.tensordot(matrix, values, axes=(1, 0))
    matrix = np.array([[_within(atom, span) for atom in times] for span in spans], dtype=np.int64)
    sums = np.moveaxis(np.tensordot(matrix, sums, axes=(1, 1)), 0, 1)
    for number in range(len(strata)):  # each stratum, and all of them together as the last
        axis = 2 + number
        sums = np.concatenate([sums, sums.sum(axis=axis, keepdims=True)], axis=axis)
    above = np.array([(by.most + 1) * days(span) for span in spans], dtype=np.int64)
    above = above.reshape(1, -1, *[1] * len(strata))
    for found in np.argwhere((sums >= by.least) & (sums < above)):
        place, span, *rest = (int(each) for each in found)
        named = tuple(
            (name, strata[number][rest[number]])
            for number, name in enumerate(leaves.strata)
            if rest[number] < len(strata[number])
        )
        yield Cell(places[place], spans[span], named)
