"""Secondary suppression: what must be withheld so that nobody can work a small count out by subtracting.

It does not rely on rounding. For each small count there must be a *witness*: a second table that agrees with every
figure that was given, exactly, and has another value in that cell: at least five values must be possible, as many as a
rounded count stands for. A witness moves events between corners of a box (this organisation and another, this period
and another, …) so that every total that is given stays as it is. Where there is none, further cells are withheld until
there is. Whoever subtracts totals, over any number of tables, then finds a range and no count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from accord.record.disclosure import Rules

if TYPE_CHECKING:
    import numpy as np


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
                out[1][row, self._index[1][time]] = within(time, one.cell.time)
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
        rows.append(np.array([within(atom, cell.time) for atom in self._atoms[1]], dtype=bool))
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
        for cell in dict.fromkeys([*differences(given, leaves, by, places, days), *further]):
            needed = by.needed * days(cell.time)
            if cell not in known and not protection.secure(cell, needed):
                lost.append((cell, needed))
    if not lost or not before:
        return [cell for cell, _ in lost]
    alone = Protection(before, leaves)
    return [cell for cell, needed in lost if alone.is_safe(cell, needed)]


def within(atom: tuple[str, str], time: tuple[str, str]) -> bool:
    """Whether a time without parts lies in another; ISO dates compare as they are written, names by themselves."""
    if time[1] == "" or atom[1] == "":
        return atom == time
    return time[0] <= atom[0] and atom[1] <= time[1]


def overlap(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two times meet; names of times meet their own only."""
    if one[1] == "" or other[1] == "":
        return one == other
    return one[0] <= other[1] and other[0] <= one[1]


def differences(
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
    matrix = np.array([[within(atom, span) for atom in times] for span in spans], dtype=np.int64)
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
