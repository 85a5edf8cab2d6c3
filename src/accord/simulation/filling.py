"""Filling: the inputs of a contract in some worlds, from what was counted there, as its feed says.

The first world's rows are read and checked as any data is; the other worlds have its columns. Worlds whose inputs are
equal are made once.
"""

# pyarrow has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accord.language.contract import Contract, Table
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.simulation.counted import Counted
from accord.simulation.extending import going_on
from accord.simulation.feed import Column, Feed
from accord.simulation.groups import Group, Practices, count
from accord.simulation.indicators import deviates, reached, wilson
from accord.simulation.people import BANDS, SEXES
from accord.simulation.practices import belongs, members
from accord.simulation.results import LAZY, MONTHS
from accord.simulation.rows import Axis, Filled, Rows, every_world, first_world

if TYPE_CHECKING:
    from accord.engine.inputs import Inputs

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Bound:
    """A contract of a place, ready for worlds: its feed, its own data, and the worlds it is in force in."""

    name: str
    contract: Contract
    feed: Feed
    data: Path | None
    worlds: Whole


@dataclass(frozen=True, slots=True)
class Handed:
    """A quantity that a contract hands on in a world, ``[members, years]``: of whom, and its decimal places."""

    values: Whole
    places: int
    members: tuple[str, ...]


HandedOn = dict[int, dict[tuple[str, str], Handed]]
"""By world: by contract and quantity, what it hands on."""


class Filling:
    """The inputs of one contract in the worlds that it is in force in."""

    def __init__(self, bound: Bound, counted: Counted, handed: HandedOn, used: dict[str, None]) -> None:
        """What they are made of.

        Args:
            bound: the contract.
            counted: what was simulated, in the worlds of the contract alone.
            handed: what contracts before it hand on.
            used: is told what came from elsewhere than the simulation.
        """
        self.bound = bound
        self.contract = bound.contract
        self.counted = counted
        self.handed = handed
        self.used = used
        self.takes_part = counted.takes_part.get(bound.name)
        self.grouped: dict[tuple[str, tuple[str, ...]], dict[str, Whole]] = {}
        """What groups came to, by key and labels: several columns are parts of the same."""

    def inputs(self) -> tuple[Inputs, Whole]:
        """Inputs with worlds, each sort of equal worlds once; and for each world, the number of its sort."""
        from accord.engine import read_inputs

        sources: dict[str, Any] = {}
        made: dict[str, tuple[Rows, NDArray[np.bool_], dict[str, Filled | str]]] = {}
        for name, table in self.contract.inputs.items():
            fed = self.bound.feed.inputs.get(name)
            given = self._given(name)
            if fed is not None and not (fed.unless_given and given is not None):
                rows, kept = self._rows(table)
                percents = {c.name for c in table.columns if c.written is not None and c.written.percent}
                columns = {c.name: self._column(c, rows, c.name in percents) for c in fed.columns}
                made[name] = (rows, kept, columns)
                sources[name] = first_world(table, rows, kept, columns)
            elif given is not None:
                sources[name], lacked = going_on(self.contract, table, given, self.counted.years.of)
                self.used[f"{self.bound.name}: {name} comes from the place's own data"] = None
                if lacked:
                    periods = "1 period" if lacked == 1 else f"{lacked} periods"
                    self.used[f"{self.bound.name}: {name} lacks {periods}: its last year goes on (assumed)"] = None
            elif not table.optional:
                raise DataRefused(
                    Problem(
                        Place(self.bound.feed.file, 0, 0),
                        f"{self.bound.name} needs {name}, which the simulation does not make",
                        f"put {name}.csv into {self.bound.data or 'the data folder of this contract'}",
                    )
                )
        inputs = read_inputs(self.contract, sources, up_to=self.counted.years.last)
        first, which = _alike(len(self.counted), made)
        tables = dict(inputs.tables)
        for name, (rows, kept, columns) in made.items():
            chosen = {c: one if isinstance(one, str) else one.some(first) for c, one in columns.items()}
            tables[name] = every_world(tables[name], rows, kept[first], chosen)
        return replace(inputs, tables=tables, worlds=tuple(range(len(first)))), which

    def _given(self, name: str) -> Path | None:
        """The place's own file of an input."""
        folder = self.bound.data
        if folder is None:
            return None
        files = [folder / f"{name}{ending}" for ending in (".csv", ".parquet")]
        return next((file for file in files if file.is_file()), None)

    # -- rows ----------------------------------------------------------------------------------------------------------
    def _rows(self, table: Table) -> tuple[Rows, NDArray[np.bool_]]:
        """The rows of an input, and which there are in each world ``[worlds, rows]``: only of those who take part."""
        rows = Rows(tuple(self._axis(name, table) for name in table.keys))
        kept = np.ones((len(self.counted), int(np.prod(rows.shape))), bool)
        if self.takes_part is not None and rows.organisation is not None:
            some = self.counted.together(self.takes_part.astype(np.int64), rows.organisation.kind) > 0
            kept &= rows.along(rows.organisation, some)
        return rows, kept

    def _axis(self, name: str, table: Table) -> Axis:
        key, feed = self.contract.keys[name], self.bound.feed
        if key.is_period:
            items = [(item.label, year) for item in key.items if (year := self.counted.years.of(item)) is not None]
            if not items:
                said = f"no {name} of {self.contract.name} lies in the simulated years"
                raise DataRefused(Problem(key.place, said, ""))
            return Axis(name, "period", tuple(label for label, _ in items), np.array([year for _, year in items]))
        if name in feed.groups:
            return Axis(name, "group", tuple(one.name for one in self._groups(name, table)))
        if name in feed.parts:
            return Axis(name, "part", tuple(feed.parts[name]))
        if name in ("sex", "age_group"):
            return Axis(name, name, SEXES if name == "sex" else BANDS)
        organisation = feed.keys.get(name, name)
        return Axis(name, organisation, members(self.counted.practices, organisation))

    def _groups(self, key: str, table: Table) -> list[Group]:
        """The groups that an input has rows for: those which have every figure that it takes."""
        figures = [c.names[0] for c in self.bound.feed.inputs[table.name].columns if c.kind == "figure"]
        groups = self.bound.feed.groups[key]
        return [one for one in groups if all(one.figures.get(name) for name in figures)]

    # -- columns -------------------------------------------------------------------------------------------------------
    def _column(self, column: Column, rows: Rows, percent: bool) -> Filled | str:
        """A column in every world; a text where it is the same everywhere."""
        if column.kind == "value":
            return column.names[0]
        if column.kind == "figure":
            return self._figure(column, rows, percent)
        kinds: dict[str, Callable[[Column, Rows], Filled]] = {
            "member": self._member,
            "list": self._list,
            "count": self._count,
            "expected": self._expected,
            "indicator": self._indicator,
            "group": self._group,
            "quantity": self._quantity,
        }
        return kinds[column.kind](column, rows)

    def _organised(self, values: Any, rows: Rows) -> Any:
        """Values by practice, only of those who take part, added up by the organisations that rows are of."""
        if self.takes_part is not None:
            values = values * self.takes_part.reshape(self.takes_part.shape + (1,) * (values.ndim - 2))
        return values if rows.organisation is None else self.counted.together(values, rows.organisation.kind)

    def _in_every_world(self, row: Whole) -> Whole:
        return np.broadcast_to(row, (len(self.counted), len(row)))

    def _list(self, column: Column, rows: Rows) -> Filled:
        counted = self.counted
        match column.names[0]:
            case "complex":
                return Filled(rows.spread(self._organised(counted.complex, rows)))
            case "average":
                months = rows.spread(self._organised(counted.counts[..., MONTHS].sum(axis=-1), rows))
                return Filled(np.maximum(np.rint(months / 12).astype(np.int64), 1))
            case _:
                return Filled(rows.spread(self._organised(counted.by_sex_and_band, rows), "sex", "age_group"))

    def _count(self, column: Column, rows: Rows) -> Filled:
        values = sum(self.counted.result(name) for name in column.names)
        return Filled(rows.spread(self._organised(values, rows)), 2 if _in_pence(column) else 0)

    def _expected(self, column: Column, rows: Rows) -> Filled:
        """What was expected: money to the penny, events to a tenth."""
        values = sum(self.counted.expectation(name) for name in column.names)
        spread = rows.spread(self._organised(values, rows))
        if _in_pence(column):
            return Filled(np.rint(spread).astype(np.int64), 2)
        return Filled(np.rint(spread * 10).astype(np.int64), 1)

    def _member(self, column: Column, rows: Rows) -> Filled:
        """What each row's organisation belongs to: that of the first of its practices."""
        organisation = rows.organisation
        assert organisation is not None
        practices = self.counted.practices
        texts = members(practices, column.names[0])
        first = {belongs(one, organisation.kind): belongs(one, column.names[0]) for one in reversed(practices)}
        which = np.array([texts.index(first[label]) for label in organisation.labels])
        return Filled(self._in_every_world(rows.along(organisation, which)), texts=texts)

    def _quantity(self, column: Column, rows: Rows) -> Filled:
        """What another contract came to, of the same organisations."""
        name = (column.of, column.names[0])
        found = [self.handed.get(int(world), {}).get(name) for world in self.bound.worlds]
        there = [one for one in found if one is not None]
        if len(there) < len(found):
            raise DataRefused(
                Problem(
                    column.place,
                    f"{column.name} is {name[1]} of {name[0]}, and this place does not have {name[0]} in force",
                    f"add {name[0]} to the contracts of the place, before {self.bound.name}",
                )
            )
        organisation = rows.organisation
        if organisation is not None and organisation.labels != there[0].members:
            said = f"{column.name} is {name[1]} of {name[0]}, which is not told by {organisation.kind}"
            raise DataRefused(Problem(column.place, said, "hand on a quantity of the same organisations"))
        return Filled(rows.spread(np.stack([one.values for one in there])), there[0].places)

    def _indicator(self, column: Column, rows: Rows) -> Filled:
        counted, one = self.counted, self.bound.feed.indicators[column.names[0]]
        organisation = rows.organisation
        assert organisation is not None
        match one.of:
            case "people":
                whole = self._organised(counted.lists.sum(axis=(3, 4)), rows) * one.times
            case "complex":
                whole = self._organised(counted.complex, rows) * one.times
            case "contacts":
                whole = self._organised(counted.contacts[..., LAZY.index("consultations")], rows) * one.times
            case _:
                whole = np.full((len(counted), len(organisation.labels), counted.years.number), int(one.times))
        whole = np.maximum(np.rint(whole).astype(np.int64), 1)
        number, whole = reached(one, whole, counted, rows.axis("period") is not None)
        match column.part:
            case "numerator":
                return Filled(rows.spread(number))
            case "denominator":
                return Filled(rows.spread(whole))
            case _:
                low, high = wilson(number, whole)
                limit = low if column.part == "lower" else high
                return Filled(rows.spread(np.rint(limit * 1000).astype(np.int64)), 3)

    # -- groups of people ----------------------------------------------------------------------------------------------
    def _group(self, column: Column, rows: Rows) -> Filled:
        """What is counted of each group, by practice, and added up where rows are of more of them."""
        feed, part = self.bound.feed, rows.axis("part")
        found = self._counted_groups(rows)
        wanted = [column.names[0]] if part is None else [feed.parts[part.key][label] for label in part.labels]
        values = np.stack([self._organised(found[one], rows) for one in wanted], axis=-1)
        return Filled(rows.spread(values, "group", "part"))

    def _counted_groups(self, rows: Rows) -> dict[str, Whole]:
        """What the groups of rows come to, ``[worlds, practices, years, groups]`` by part."""
        axis, counted, feed = rows.axis("group"), self.counted, self.bound.feed
        assert axis is not None
        if (axis.key, axis.labels) not in self.grouped:
            groups = [feed.group(axis.key, name) for name in axis.labels]
            others = {one.name: one for key, some in feed.groups.items() if key != axis.key for one in some}
            own: dict[str, Numbers] = {}
            chance: dict[str, Numbers] = {}
            for one in (*groups, *others.values()):
                named = f"{feed.contract} {one.name}"
                own[one.name], chance[one.name] = deviates(counted, counted.complex.shape, named, has_years=True)
            here = Practices(counted.by_sex_and_band, counted.complex, counted.moved, counted.taken_out, counted.found)
            self.grouped[axis.key, axis.labels] = count(groups, others, here, own, chance)
        return self.grouped[axis.key, axis.labels]

    def _figure(self, column: Column, rows: Rows, percent: bool) -> Filled:
        """A figure of each row's group: a number with its decimal places (per cent as a share), or a text."""
        axis = rows.axis("group")
        assert axis is not None
        texts = [self.bound.feed.group(axis.key, name).figures[column.names[0]] for name in axis.labels]
        try:
            numbers = [Decimal(text) for text in texts]
        except InvalidOperation:
            labels = tuple(dict.fromkeys(texts))
            values = np.array([labels.index(text) for text in texts])
            return Filled(self._in_every_world(rows.along(axis, values)), texts=labels)
        places = max(max(0, -int(one.as_tuple().exponent)) for one in numbers)
        values = np.array([int(one.scaleb(places)) for one in numbers])
        return Filled(self._in_every_world(rows.along(axis, values)), places + 2 * percent)


def _in_pence(column: Column) -> bool:
    return all(name.endswith("_cost") for name in column.names)


def _alike(
    worlds: int, made: Mapping[str, tuple[Rows, NDArray[np.bool_], dict[str, Filled | str]]]
) -> tuple[Whole, Whole]:
    """The first of each sort of worlds with equal inputs, and for each world the number of its sort."""
    digests: list[bytes] = []
    for world in range(worlds):
        found = hashlib.blake2b(digest_size=16)
        for _, kept, columns in made.values():
            found.update(kept[world].tobytes())
            for one in columns.values():
                found.update(
                    one.encode() if isinstance(one, str) else np.ascontiguousarray(one.values[world]).tobytes()
                )
        digests.append(found.digest())
    sorts = {digest: number for number, digest in enumerate(dict.fromkeys(digests))}
    which = np.array([sorts[digest] for digest in digests])
    return np.array([digests.index(digest) for digest in sorts]), which
