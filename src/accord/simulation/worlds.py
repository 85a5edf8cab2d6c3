"""Worlds: what was simulated becomes the inputs of contracts, one world a scenario and draw, settled by the same code.

A world holds every simulated year, so that a contract which looks back finds its own earlier years. The engine of
settlements cannot tell a future from the past: ``world`` is one more key of its rows.
"""

# pyarrow and duckdb have no types of their own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportAttributeAccessIssue=false
# pyright: reportArgumentType=false, reportOptionalMemberAccess=false

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from accord.language.contract import Contract, PeriodItem, Table
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.simulation.draws import NORMAL_95, SURVEYED, SURVEYED_YEAR, normal
from accord.simulation.feed import Column, Feed
from accord.simulation.groups import Group, Practices, count
from accord.simulation.people import BANDS, FIFTHS, SEXES
from accord.simulation.results import LAZY, LAZY_AT, MONTHS, RESULTS
from accord.simulation.tables import LAZY_ONE

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.engine.inputs import Inputs, LoadedTable
    from accord.engine.settle import Settlement

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]


class Organisation(Protocol):
    """A practice of a place and what it belongs to."""

    @property
    def code(self) -> str:
        """Organisation code."""
        ...

    @property
    def network(self) -> str:
        """Code of its network."""
        ...

    @property
    def neighbourhood(self) -> str:
        """Code of its neighbourhood."""
        ...

    @property
    def board(self) -> str:
        """Code of its board."""
        ...

    @property
    def council(self) -> str:
        """Code of its council."""
        ...

    @property
    def hospital(self) -> str:
        """Code of its hospital."""
        ...


def belongs(practice: Organisation, dimension: str) -> str:
    """What a practice belongs to: its own code, or that of its network, neighbourhood, board, council or hospital."""
    return str(getattr(practice, "code" if dimension == "practice" else dimension))


@dataclass(frozen=True, slots=True)
class Years:
    """The simulated years: the first day of each."""

    first: dt.date
    number: int

    def day(self, year: int) -> dt.date:
        """The first day of a simulated year (0 is the first)."""
        return self.first.replace(year=self.first.year + year)

    @property
    def days(self) -> tuple[dt.date, ...]:
        """The first day of each."""
        return tuple(self.day(year) for year in range(self.number))

    @property
    def last(self) -> dt.date:
        """The last day of all."""
        return self.day(self.number) - dt.timedelta(1)

    def of(self, item: PeriodItem) -> int | None:
        """The simulated year that a period lies in."""
        for year in range(self.number):
            if self.day(year) <= item.first and item.last < self.day(year + 1):
                return year
        return None

    def name(self, year: int) -> str:
        """How people call it: 2026/27, or 2026 where it begins in January."""
        first = self.day(year)
        return str(first.year) if first.month == 1 else f"{first.year}/{(first.year + 1) % 100:02d}"


@dataclass(frozen=True, slots=True)
class Counted:
    """What was simulated in a batch of worlds (W worlds, P practices, Y years).

    Attributes:
        years: which years.
        practices: the practices, in the order of ``P``.
        counts: ``[W, P, Y, GROUPS, RESULTS]``; the streams that are not drawn person by person hold exposure.
        contacts: frequent contacts drawn, ``[W, P, Y, LAZY]``.
        lists: people on the first day of each year, ``[W, P, Y, CELLS, BANDS]``.
        complex: those of them with complex multimorbidity, ``[W, P, Y]``.
        rates: expected results a person-month with no contract change, ``[W, Y, GROUPS, RESULTS]``.
        prices: the level of hospital prices, 1 in real money, ``[W, Y]``.
        draws: number of the draw of each world, for the chance of indicators.
        seed: of the whole run.
        expected: factor on what was expected (coding, inflated baselines), ``[W, Y]``.
        moved: points by which behaviour moves indicators, ``[W, Y]``.
        taken_out: share of denominators that are taken out by adjustments, ``[W, Y]``.
        found: factor on the people of registers and indicators, where more are looked for, ``[W, Y]``.
        takes_part: by contract, which practices take part, ``[W, P]``.
    """

    years: Years
    practices: Sequence[Organisation]
    counts: Whole
    contacts: Whole
    lists: Whole
    complex: Whole
    rates: Numbers
    prices: Numbers
    draws: Whole
    seed: int
    expected: Numbers
    moved: Numbers
    taken_out: Numbers
    found: Numbers
    takes_part: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict[str, NDArray[np.bool_]])

    def __len__(self) -> int:
        return len(self.draws)

    def some(self, chosen: NDArray[np.int64]) -> Counted:
        """Some of the worlds."""
        return replace(
            self,
            counts=self.counts[chosen],
            contacts=self.contacts[chosen],
            lists=self.lists[chosen],
            complex=self.complex[chosen],
            rates=self.rates[chosen],
            prices=self.prices[chosen],
            draws=self.draws[chosen],
            expected=self.expected[chosen],
            moved=self.moved[chosen],
            taken_out=self.taken_out[chosen],
            found=self.found[chosen],
            takes_part={name: mask[chosen] for name, mask in self.takes_part.items()},
        )

    def result(self, name: str) -> Whole:
        """A result by world, practice and year: events as they are, costs in pence at the prices of the year."""
        at = RESULTS.index(name)
        if name in LAZY:
            return self.contacts[..., at - LAZY_AT]
        total = self.counts[..., at].sum(axis=-1)
        return np.rint(total * self.prices[:, None, :]).astype(np.int64) if name.endswith("_cost") else total

    def by_group(self, name: str) -> Whole:
        """A result of the whole place by world, year and group of people; the totals are those of :meth:`result`.

        Frequent contacts are drawn once, for a practice: its groups share them as their exposure is. Costs are shared
        so that what practices were rounded to is all there is.
        """
        at = RESULTS.index(name)
        if name not in LAZY and not name.endswith("_cost"):
            return self.counts[..., at].sum(axis=1)
        total = self.result(name)
        if name not in LAZY:
            return _shared(total.sum(axis=1), self.counts[..., at].sum(axis=1).astype(np.float64))
        parts = np.zeros((len(self), self.years.number, self.counts.shape[3]))
        for practice in range(len(self.practices)):  # one after the other, so that sums have one order
            exposure = self.counts[:, practice, :, :, at].astype(np.float64)
            whole = np.maximum(self.counts[:, practice, :, :, at].sum(axis=-1), 1)
            parts += exposure * (total[:, practice] / whole)[..., None]
        return _shared(total.sum(axis=1), parts)

    def expectation(self, name: str) -> Numbers:
        """What was expected of the same people, by world, practice and year."""
        at = RESULTS.index(name)
        made = np.einsum("wpyg,wyg->wpy", self.counts[..., MONTHS].astype(np.float64), self.rates[..., at])
        made = made / LAZY_ONE if name in LAZY else made
        made = made * self.prices[:, None, :] if name.endswith("_cost") else made
        return made * self.expected[:, None, :]


@dataclass(frozen=True, slots=True)
class Settled:
    """What contracts came to in a batch of worlds.

    ``money`` has world, year (number of the simulated year), contract, stream, party, member, received and paid (whole
    pence). ``used`` says what came from elsewhere than the simulation.
    """

    money: pa.Table
    used: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """A contract of a place, ready for worlds: its feed, its own data, and the worlds it is in force in."""

    name: str
    contract: Contract
    feed: Feed
    data: Path | None
    worlds: NDArray[np.int64]


def _shared(totals: Whole, parts: Numbers) -> Whole:
    """Whole numbers in proportion to parts (the last dimension) that add up to their total: by largest remainder."""
    weight = parts.sum(axis=-1, keepdims=True)
    exact = np.divide(parts * totals[..., None], weight, out=np.zeros_like(parts), where=weight > 0)
    out = np.floor(exact).astype(np.int64)
    lacking = totals - out.sum(axis=-1)
    order = np.argsort(out - exact, axis=-1, kind="stable")  # the largest remainder first, of equal ones the first
    more = np.arange(parts.shape[-1]) < lacking[..., None]
    np.put_along_axis(out, order, np.take_along_axis(out, order, axis=-1) + more, axis=-1)
    return out


_Values = dict[tuple[str, str], tuple[Whole, int, tuple[str, ...]]]


def rates_of(expected: Numbers) -> Numbers:
    """Expected results a person-month, ``[years, GROUPS, RESULTS]``; streams not drawn person by person as exposure."""
    made = expected / np.maximum(expected[..., MONTHS : MONTHS + 1], 1e-9)
    made[..., LAZY_AT:] *= LAZY_ONE
    return made


def inputs_of(bound: Bound, counted: Counted) -> tuple[Inputs, Whole]:
    """The inputs of a contract that reads no other contract's quantities, as :func:`settle_worlds` makes them.

    Worlds with equal inputs are made once: for each world of the contract comes the number of its like.
    """
    return _Making(bound, counted.some(bound.worlds), {}, {}).inputs()


def settle_worlds(bound: Sequence[Bound], counted: Counted, *, threads: int | None = None) -> Settled:
    """Settle contracts in every world that they are in force in.

    A contract that hands a quantity on comes before the one that reads it, whatever their order.

    Raises:
        DataRefused: an input has no source, or the place's data cannot be used.
        SettlementStopped: a check of a contract does not hold in some world.
    """
    import pyarrow as pa

    from accord.engine import settle

    needed = {
        (c.of, c.names[0]) for one in bound for i in one.feed.inputs.values() for c in i.columns if c.kind == "quantity"
    }
    done: dict[int, _Values] = {}
    tables: list[pa.Table] = []
    used: dict[str, None] = {}
    for one in _in_order(bound):
        if not len(one.worlds):
            continue
        here = counted.some(one.worlds)
        inputs, which = _Making(one, here, done, used).inputs()
        wanted = {name for of, name in needed if of == one.feed.contract}
        settlement = settle(replace(one.contract, notices=()), inputs, threads=threads, wanted=wanted)
        for name in wanted:
            _hand_on(one, here, settlement, name, which, done)
        tables.append(_named(one, here.practices, _money(one, here.years, settlement, which)))
    return Settled(pa.concat_tables(tables) if tables else _no_money(), tuple(used))


def _in_order(bound: Sequence[Bound]) -> list[Bound]:
    """Those that are read before those that read them."""
    waiting, out = list(bound), list[Bound]()
    while waiting:
        names = {one.feed.contract for one in waiting}
        ready = [one for one in waiting if not names & (set(one.feed.needs) - {one.feed.contract})]
        if not ready:
            said = " and ".join(sorted(names))
            raise DataRefused(
                Problem(Place(waiting[0].feed.file, 0, 0), f"{said} wait for each other's quantities", "")
            )
        out += ready
        waiting = [one for one in waiting if one not in ready]
    return out


# --------------------------------------------------------------------------------------------------------- handing on


def _hand_on(
    one: Bound, counted: Counted, settlement: Settlement, name: str, which: Whole, done: dict[int, _Values]
) -> None:
    """Keep a quantity by world, organisation and year (the year's first period), for contracts that read it."""
    quantity = one.contract.quantities[name]
    keys = quantity.rows.keys
    table = settlement.tables[keys]
    period = next((key for key in keys if one.contract.keys[key].is_period), None)
    organisation = next((key for key in keys if key != period), None)
    dimension = one.feed.keys.get(organisation or "", organisation or "")
    members = _members(counted.practices, dimension)
    data = table.data
    worlds = data.column("world").to_numpy()
    amounts = data.column(name).to_numpy(zero_copy_only=False).astype(np.int64)
    who = _coded(data.column(organisation), members) if organisation else np.zeros(len(worlds), np.int64)
    if period is None:
        year = np.zeros(len(worlds), np.int64)
    else:
        firsts = {item.label: counted.years.of(item) for item in one.contract.keys[period].items}
        starts = {counted.years.day(y).isoformat(): y for y in range(counted.years.number)}
        year = _coded(data.column(period), list(firsts))
        first = np.array([starts.get(label, -1) for label in firsts])
        year = first[year]
    kept = (year >= 0) & (who >= 0)
    values = np.zeros((len(counted), len(members), counted.years.number), np.int64)
    values[worlds[kept], who[kept], year[kept]] = amounts[kept]
    if period is None:
        values[:] = values[:, :, :1]
    for number, world in enumerate(one.worlds):
        kept_of = done.setdefault(int(world), {})
        kept_of[one.feed.contract, name] = (values[which[number]], table.places[name], tuple(members))


def _coded(column: Any, labels: Sequence[str]) -> Whole:
    """Where each text stands in a list; -1 if nowhere."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(column.combine_chunks(), pa.array(labels, pa.string()))
    return pc.fill_null(found, -1).to_numpy(zero_copy_only=False).astype(np.int64)


def _members(practices: Sequence[Organisation], dimension: str) -> list[str]:
    return list(dict.fromkeys(belongs(one, dimension) for one in practices))


# ------------------------------------------------------------------------------------------------------------- making


@dataclass(frozen=True, slots=True)
class _Axis:
    """One key of an input: its labels, and (for a period) the simulated year of each."""

    key: str
    kind: str
    labels: tuple[str, ...]
    years: Whole | None = None


_OF_NOBODY = ("period", "sex", "age_group", "group", "part")
"""Kinds of axes that stand for no organisation."""


def _organisation(axes: Sequence[_Axis]) -> _Axis | None:
    return next((axis for axis in axes if axis.kind not in _OF_NOBODY), None)


class _Making:
    """The inputs of one contract in some worlds."""

    def __init__(self, bound: Bound, counted: Counted, done: Mapping[int, _Values], used: dict[str, None]) -> None:
        self.bound = bound
        self.contract = bound.contract
        self.counted = counted
        self.done = done
        self.used = used
        self.takes_part = counted.takes_part.get(bound.name)
        self.grouped: dict[tuple[str, tuple[str, ...]], dict[str, Whole]] = {}
        """What groups came to, by key and labels: several columns are parts of the same."""

    def inputs(self) -> tuple[Inputs, Whole]:
        """Inputs with worlds: the first world is read and checked as any data is, the others have its columns.

        Worlds whose inputs are equal are settled once: with them comes, for each world, the number of its like.
        """
        from accord.engine import read_inputs

        sources: dict[str, Any] = {}
        made: dict[str, tuple[tuple[_Axis, ...], NDArray[np.bool_], dict[str, Any]]] = {}
        for name, table in self.contract.inputs.items():
            fed = self.bound.feed.inputs.get(name)
            given = self._given(name)
            if fed is not None and not (fed.unless_given and given is not None):
                axes = self._axes(table)
                percents = {c.name for c in table.columns if c.written is not None and c.written.percent}
                columns = {c.name: self._column(c, axes, c.name in percents) for c in fed.columns}
                kept = self._kept(axes)
                made[name] = (axes, kept, columns)
                sources[name] = _first_world(table, axes, kept[0], columns)
            elif given is not None:
                sources[name] = self._carried(table, given)
                self.used[f"{self.bound.name}: {name} comes from the place's own data"] = None
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
        for name, (axes, kept, columns) in made.items():
            tables[name] = _in_worlds(tables[name], axes, kept[first], _only(columns, first))
        return replace(inputs, tables=tables, worlds=tuple(range(len(first)))), which

    # -- the place's own data ---------------------------------------------------------------------------------------
    def _given(self, name: str) -> Path | None:
        folder = self.bound.data
        if folder is None:
            return None
        files = [folder / f"{name}{ending}" for ending in (".csv", ".parquet")]
        return next((file for file in files if file.is_file()), None)

    def _carried(self, table: Table, path: Path) -> Any:
        """The rows of a file; those of its last year are carried on to later simulated years that it lacks."""
        import pyarrow as pa

        from accord.engine.database import in_memory

        period = next((key for key in table.keys if self.contract.keys[key].is_period), None)
        if period is None:
            return path
        reader = "read_csv" if path.suffix == ".csv" else "read_parquet"
        options = ", all_varchar = true, header = true" if path.suffix == ".csv" else ""
        with in_memory() as connection:
            named = str(path).replace("'", "''")
            rows = connection.sql(f"from {reader}('{named}'{options})").to_arrow_table()
        if period not in rows.column_names or not rows.num_rows:
            return path
        labels = rows.column(period).cast(pa.string())
        there = set(labels.to_pylist())
        items = {item.label: item for item in self.contract.keys[period].items}
        wanted = [item for item in items.values() if self.counted.years.of(item) is not None]
        lacking = [item for item in wanted if item.label not in there]
        if not lacking:
            return path
        known = sorted(label for label in there if label in items)
        if not known:
            return path
        parts = [rows]
        for item in lacking:
            same = [label for label in known if label[5:] == item.label[5:]]
            model = (same or known)[-1]
            mask = np.array([label == model for label in labels.to_pylist()])
            part = rows.filter(pa.array(mask))
            at = rows.column_names.index(period)
            parts.append(part.set_column(at, period, pa.array([item.label] * part.num_rows, pa.string())))
        periods = "1 period" if len(lacking) == 1 else f"{len(lacking)} periods"
        self.used[f"{self.bound.name}: {table.name} lacks {periods}: its last year goes on (assumed)"] = None
        rows = rows.set_column(rows.column_names.index(period), period, labels)
        parts[0] = rows
        return pa.concat_tables(parts)

    # -- rows -------------------------------------------------------------------------------------------------------
    def _axes(self, table: Table) -> tuple[_Axis, ...]:
        axes: list[_Axis] = []
        for name in table.keys:
            key = self.contract.keys[name]
            if key.is_period:
                items = [(item.label, year) for item in key.items if (year := self.counted.years.of(item)) is not None]
                if not items:
                    raise DataRefused(
                        Problem(key.place, f"no {name} of {self.contract.name} lies in the simulated years", "")
                    )
                axes.append(_Axis(name, "period", tuple(label for label, _ in items), np.array([y for _, y in items])))
            elif name in self.bound.feed.groups:
                labels = tuple(one.name for one in self._groups(name, table))
                axes.append(_Axis(name, "group", labels))
            elif name in self.bound.feed.parts:
                axes.append(_Axis(name, "part", tuple(self.bound.feed.parts[name])))
            elif name in ("sex", "age_group"):
                axes.append(_Axis(name, name, SEXES if name == "sex" else BANDS))
            else:
                dimension = self.bound.feed.keys.get(name, name)
                axes.append(_Axis(name, dimension, tuple(_members(self.counted.practices, dimension))))
        return tuple(axes)

    def _kept(self, axes: Sequence[_Axis]) -> NDArray[np.bool_]:
        """Which rows there are in each world ``[W, rows]``: only of those who take part."""
        shape = tuple(len(axis.labels) for axis in axes)
        kept = np.ones((len(self.counted), *shape), bool)
        organisation = _organisation(axes)
        if self.takes_part is not None and organisation is not None:
            some = self._together(self.takes_part[:, :, None].astype(np.int64), organisation.kind)[:, :, 0] > 0
            at = [1] * (1 + len(axes))
            at[0], at[1 + list(axes).index(organisation)] = some.shape
            kept &= some.reshape(at)
        return kept.reshape(len(self.counted), -1)

    # -- columns ----------------------------------------------------------------------------------------------------
    def _together(self, values: Any, dimension: str) -> Any:
        """Values by practice (second dimension) added up by organisation."""
        if dimension == "practice":
            return values
        names = [belongs(one, dimension) for one in self.counted.practices]
        place = {name: number for number, name in enumerate(dict.fromkeys(names))}
        out = np.zeros((len(values), len(place), *values.shape[2:]), values.dtype)
        np.add.at(out, (slice(None), np.array([place[name] for name in names])), values)
        return out

    def _of_members(self, values: Any) -> Any:
        """Values by practice, only of those who take part."""
        if self.takes_part is None:
            return values
        mask = self.takes_part.reshape(self.takes_part.shape + (1,) * (values.ndim - 2))
        return values * mask

    def _column(self, column: Column, axes: Sequence[_Axis], percent: bool) -> Any:
        """The values of a column ``[W, rows]`` with their decimal places; a text where it is the same everywhere."""
        match column.kind:
            case "value":
                return column.names[0]
            case "member":
                return self._member(column.names[0], axes)
            case "list":
                return self._list(column.names[0], axes), 0
            case "count" | "expected":
                return self._counted(column, axes)
            case "indicator":
                return self._indicator(column, axes)
            case "group":
                return self._group(column, axes), 0
            case "figure":
                return self._figure(column, axes, percent)
            case _:
                return self._quantity(column, axes)

    def _spread(self, values: Any, axes: Sequence[_Axis]) -> Any:
        """Values ``[W, organisations, years]`` (and sex and age where the rows have them), as ``[W, rows]``."""
        organisation = _organisation(axes)
        period = next((axis for axis in axes if axis.kind == "period"), None)
        if organisation is None:
            values = values.sum(axis=1, keepdims=True)
        values = values[:, :, period.years] if period is not None and period.years is not None else values[:, :, :1]
        order: list[int] = [0]
        for axis in axes:
            place = {"period": 2, "sex": 3, "age_group": 4}.get(axis.kind, 1)
            order.append(place if place < 3 or not (place == 4 and values.ndim == 4) else 3)
        spare = [axis for axis in range(1, values.ndim) if axis not in order]
        values = np.squeeze(values.transpose([*order, *spare]), axis=tuple(range(len(order), values.ndim)))
        return values.reshape(len(self.counted), -1)

    def _organised(self, values: Any, axes: Sequence[_Axis]) -> Any:
        organisation = _organisation(axes)
        values = self._of_members(values)
        return self._together(values, organisation.kind) if organisation is not None else values

    def _list(self, what: str, axes: Sequence[_Axis]) -> Whole:
        counted = self.counted
        if what == "complex":
            values: Any = counted.complex
        elif what == "average":
            months = counted.counts[..., MONTHS].sum(axis=-1)
            return np.maximum(np.rint(self._spread(self._organised(months, axes), axes) / 12).astype(np.int64), 1)
        else:
            kinds = [axis.kind for axis in axes]
            values = counted.lists.reshape(*counted.lists.shape[:3], len(SEXES), FIFTHS, len(BANDS)).sum(axis=4)
            values = values if "sex" in kinds else values.sum(axis=3, keepdims=True)
            values = values if "age_group" in kinds else values.sum(axis=4, keepdims=True)
        return self._spread(self._organised(values, axes), axes)

    def _counted(self, column: Column, axes: Sequence[_Axis]) -> tuple[Whole, int]:
        cost = all(name.endswith("_cost") for name in column.names)
        if column.kind == "count":
            values = sum(self.counted.result(name) for name in column.names)
            return self._spread(self._organised(values, axes), axes), 2 if cost else 0
        expected = sum(self.counted.expectation(name) for name in column.names)
        spread = self._spread(self._organised(expected, axes), axes)
        # money to the penny; events to a tenth
        return np.rint(spread if cost else spread * 10).astype(np.int64), 2 if cost else 1

    def _member(self, dimension: str, axes: Sequence[_Axis]) -> tuple[Whole, tuple[str, ...]]:
        organisation = _organisation(axes)
        assert organisation is not None
        names = [belongs(one, dimension) for one in self.counted.practices]
        labels = tuple(dict.fromkeys(names))
        own = [belongs(one, organisation.kind) for one in self.counted.practices]
        which = np.array([labels.index(names[own.index(label)]) for label in organisation.labels])
        shape = tuple(len(axis.labels) for axis in axes)
        at = [1] * len(axes)
        at[list(axes).index(organisation)] = -1
        row = np.broadcast_to(which.reshape(at), shape).ravel()
        return np.broadcast_to(row, (len(self.counted), len(row))), labels

    def _quantity(self, column: Column, axes: Sequence[_Axis]) -> tuple[Whole, int]:
        name = (column.of, column.names[0])
        found = [self.done.get(int(world), {}).get(name) for world in self.bound.worlds]
        if any(one is None for one in found):
            raise DataRefused(
                Problem(
                    column.place,
                    f"{column.name} is {name[1]} of {name[0]}, and this place does not have {name[0]} in force",
                    f"add {name[0]} to the contracts of the place, before {self.bound.name}",
                )
            )
        values = np.stack([one[0] for one in found if one is not None])
        return self._spread(values, axes), found[0][1] if found[0] is not None else 0

    # -- groups of people ---------------------------------------------------------------------------------------------
    def _groups(self, key: str, table: Table) -> list[Group]:
        """The groups that an input has rows for: those which have every figure that it takes."""
        figures = [c.names[0] for c in self.bound.feed.inputs[table.name].columns if c.kind == "figure"]
        groups = self.bound.feed.groups[key]
        return [one for one in groups if all(one.figures.get(name) for name in figures)]

    def _group(self, column: Column, axes: Sequence[_Axis]) -> Whole:
        """What is counted of each group, as ``[W, rows]``: by practice, and added up where rows are of more of them."""
        axis = next(axis for axis in axes if axis.kind == "group")
        counted, feed = self.counted, self.bound.feed
        found = self.grouped.get((axis.key, axis.labels))
        if found is None:
            groups = [feed.group(axis.key, name) for name in axis.labels]
            others = {one.name: one for key, some in feed.groups.items() if key != axis.key for one in some}
            own: dict[str, Numbers] = {}
            chance: dict[str, Numbers] = {}
            for one in (*groups, *others.values()):
                named = f"{feed.contract} {one.name}"
                own[one.name], chance[one.name] = _luck(counted, counted.complex.shape, named, has_years=True)
            found = count(groups, others, _practices(counted), own, chance)
            self.grouped[axis.key, axis.labels] = found
        parts = next((axis for axis in axes if axis.kind == "part"), None)
        wanted = [column.names[0]] if parts is None else [feed.parts[parts.key][label] for label in parts.labels]
        # worlds, organisations, years, groups, parts
        values = np.stack([self._organised(found[part], axes) for part in wanted], axis=-1)
        period = next((axis for axis in axes if axis.kind == "period"), None)
        values = values[:, :, period.years] if period is not None and period.years is not None else values[:, :, :1]
        places = {"period": 2, "group": 3, "part": 4}
        order = [0, *(places.get(axis.kind, 1) for axis in axes)]
        spare = [place for place in range(1, 5) if place not in order]
        values = values.transpose([*order, *spare])
        return values.reshape(*values.shape[: len(order)], -1).sum(axis=-1).reshape(len(counted), -1)

    def _figure(
        self, column: Column, axes: Sequence[_Axis], percent: bool
    ) -> tuple[Whole, int] | tuple[Whole, tuple[str, ...]]:
        """A figure of each row's group: a number with its decimal places (per cent as a share), or a text."""
        at = next(number for number, axis in enumerate(axes) if axis.kind == "group")
        texts = [self.bound.feed.group(axes[at].key, name).figures[column.names[0]] for name in axes[at].labels]
        shape = [1] * len(axes)
        shape[at] = -1
        try:
            numbers = [Decimal(text) for text in texts]
        except InvalidOperation:
            labels = tuple(dict.fromkeys(texts))
            values, more = np.array([labels.index(text) for text in texts]), labels
        else:
            places = max(max(0, -int(one.as_tuple().exponent)) for one in numbers)
            values, more = np.array([int(one.scaleb(places)) for one in numbers]), places + 2 * percent
        row = np.broadcast_to(values.reshape(shape), tuple(len(axis.labels) for axis in axes)).ravel()
        return np.broadcast_to(row, (len(self.counted), len(row))), more  # type: ignore[return-value]

    # -- indicators -------------------------------------------------------------------------------------------------
    def _indicator(self, column: Column, axes: Sequence[_Axis]) -> tuple[Whole, int]:
        """A part of an indicator: a binomial number around a level, the same chance in every scenario of a draw."""
        counted, one = self.counted, self.bound.feed.indicators[column.names[0]]
        has_years = any(axis.kind == "period" for axis in axes)
        organisation = _organisation(axes)
        assert organisation is not None
        match one.of:
            case "people":
                base: Any = counted.lists.sum(axis=(3, 4))
            case "complex":
                base = counted.complex
            case "contacts":
                base = counted.contacts[..., LAZY.index("consultations")]
            case _:
                base = None
        shape = (len(counted), len(organisation.labels), counted.years.number)
        if base is None:
            whole = np.full(shape, int(one.times))
        else:
            whole = np.rint(self._organised(base, axes) * one.times).astype(np.int64)
        whole = np.maximum(whole, 1)
        own, chance = _luck(counted, shape, one.name, has_years)
        level = one.level + one.spread * own[None, :, None]
        if one.responds and has_years:
            level = level + counted.moved[:, None, :]
        share = np.clip(level, 1, 99) / 100
        number = np.rint(whole * share + chance * np.sqrt(whole * share * (1 - share)))
        number = np.clip(number, 0, whole).astype(np.int64)
        if one.responds:
            # people taken out of the denominator are some of those who were not reached
            out = np.rint(whole * counted.taken_out[:, None, :]).astype(np.int64)
            whole = np.maximum(whole - np.minimum(out, whole - number), 1)
        if not has_years:
            whole, number = whole[:, :, :1], number[:, :, :1]
        if column.part in ("numerator", "denominator"):
            return self._spread(number if column.part == "numerator" else whole, axes), 0
        low, high = _wilson(number, whole)
        limit = low if column.part == "lower" else high
        return self._spread(np.rint(limit * 1000).astype(np.int64), axes), 3


def _practices(counted: Counted) -> Practices:
    """What groups of people are counted in."""
    shape = (*counted.lists.shape[:3], len(SEXES), FIFTHS, len(BANDS))
    lists = counted.lists.reshape(shape).sum(axis=4)
    return Practices(lists, counted.complex, counted.moved, counted.taken_out, counted.found)


def _only(columns: Mapping[str, Any], worlds: Whole) -> dict[str, Any]:
    return {name: one if isinstance(one, str) else (one[0][worlds], one[1]) for name, one in columns.items()}


def _alike(worlds: int, made: Mapping[str, Any]) -> tuple[Whole, Whole]:
    """The first of each sort of worlds with equal inputs, and for each world the number of its sort."""
    import hashlib

    digests: list[bytes] = []
    for world in range(worlds):
        found = hashlib.blake2b(digest_size=16)
        for _, kept, columns in made.values():
            found.update(kept[world].tobytes())
            for one in columns.values():
                found.update(one.encode() if isinstance(one, str) else np.ascontiguousarray(one[0][world]).tobytes())
        digests.append(found.digest())
    sorts = {digest: number for number, digest in enumerate(dict.fromkeys(digests))}
    which = np.array([sorts[digest] for digest in digests])
    return np.array([digests.index(digest) for digest in sorts]), which


def _luck(counted: Counted, shape: tuple[int, ...], name: str, has_years: bool) -> tuple[Numbers, Numbers]:
    """Normal deviates: what is lasting about each organisation, and the chance of each draw, organisation and year."""
    worlds, organisations, years = shape
    code = sum(ord(letter) * 31**place for place, letter in enumerate(name)) & 0xFFFFFF
    own = np.zeros((organisations, 4), np.uint32)
    own[:, 0], own[:, 2], own[:, 3] = np.arange(organisations), code, SURVEYED
    place = np.indices((worlds, organisations, years)).reshape(3, -1)
    each = np.empty((place.shape[1], 4), np.uint32)
    each[:, 0], each[:, 1] = place[1], 1 + counted.draws[place[0]]
    each[:, 2] = (code << 8) + (1 + place[2] if has_years else 0)
    each[:, 3] = SURVEYED_YEAR

    return normal(own, counted.seed), normal(each, counted.seed).reshape(shape)


def _wilson(number: Whole, whole: Whole) -> tuple[Numbers, Numbers]:
    share, z = number / whole, NORMAL_95
    middle = share + z * z / (2 * whole)
    half = z * np.sqrt(share * (1 - share) / whole + z * z / (4 * whole * whole))
    under = 1 + z * z / whole
    return (middle - half) / under, (middle + half) / under


# ------------------------------------------------------------------------------------------------------------- tables


def _keys_of(axes: Sequence[_Axis]) -> list[Whole]:
    shape = tuple(len(axis.labels) for axis in axes)
    return [place.ravel() for place in np.indices(shape)]


def _first_world(table: Table, axes: Sequence[_Axis], kept: Any, columns: Mapping[str, Any]) -> list[dict[str, str]]:
    """The rows of the first world as they would be written, to be read and checked as any data is."""
    percents = {c.name for c in table.columns if c.written is not None and c.written.percent}
    places = _keys_of(axes)
    rows: list[dict[str, str]] = []
    for row in np.flatnonzero(kept):
        one = {axis.key: axis.labels[places[number][row]] for number, axis in enumerate(axes)}
        for name, values in columns.items():
            if isinstance(values, str):
                one[name] = values
            elif isinstance(values[1], tuple):
                one[name] = values[1][values[0][0, row]]
            else:
                one[name] = _written(int(values[0][0, row]), values[1] - (2 if name in percents else 0))
        rows.append(one)
    return rows


def _written(whole: int, places: int) -> str:
    if places <= 0:
        return str(whole * 10**-places)
    sign, digits = "-" if whole < 0 else "", str(abs(whole)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def _in_worlds(model: LoadedTable, axes: Sequence[_Axis], kept: Any, columns: Mapping[str, Any]) -> LoadedTable:
    """A table of every world, its columns typed as those of the first world were."""
    import pyarrow as pa

    from accord.engine.inputs import LoadedTable

    worlds = kept.shape[0]
    world, row = np.nonzero(kept)
    whole = bool(kept.all())
    data: dict[str, Any] = {}
    places = dict(model.places)
    at = {axis.key: number for number, axis in enumerate(axes)}
    keys = _keys_of(axes)
    for name in model.data.column_names:
        if name in at:
            data[name] = pa.array(axes[at[name]].labels, pa.string()).take(pa.array(keys[at[name]][row]))
        elif name not in columns:
            data[name] = pa.nulls(len(row), model.data.schema.field(name).type)
        elif isinstance(columns[name], str):
            data[name] = pa.repeat(model.data.column(name)[0], len(row))
        else:
            values, more = columns[name]
            chosen = np.ascontiguousarray(values).reshape(-1) if whole else values[world, row]
            if isinstance(more, tuple):
                flags = pa.types.is_boolean(model.data.schema.field(name).type)
                labels = [label == "true" for label in more] if flags else list(more)
                data[name] = pa.array(labels, pa.bool_() if flags else pa.string()).take(pa.array(chosen))
            else:
                data[name], places[name] = pa.array(chosen, pa.int64()), more
    data["world"] = pa.array(world.astype(np.int32), pa.int32())
    del worlds
    return LoadedTable(model.name, pa.table(data), places, has_worlds=True)


# -------------------------------------------------------------------------------------------------------------- money


def _no_money() -> pa.Table:
    import pyarrow as pa

    kinds = {"world": pa.int32(), "year": pa.int32(), "received": pa.int64(), "paid": pa.int64()}
    names = ("world", "year", "contract", "stream", "party", "member", "received", "paid")
    return pa.schema([(name, kinds.get(name, pa.string())) for name in names]).empty_table()


def _named(one: Bound, practices: Sequence[Organisation], money: pa.Table) -> pa.Table:
    """Money with the code of who a nameless party is, where the place has one such organisation and no more."""
    import pyarrow as pa
    import pyarrow.compute as pc

    members = money.column("member")
    for party, kind in one.feed.parties.items():
        codes = _members(practices, kind)
        if len(codes) == 1:
            nameless = pc.and_(pc.equal(money.column("party"), party), pc.equal(members, ""))
            members = pc.if_else(nameless, pa.scalar(codes[0]), members)
    return money.set_column(money.column_names.index("member"), "member", members)


def _money(one: Bound, years: Years, settlement: Settlement, which: Whole) -> pa.Table:
    """What each party received and paid by world, simulated year and stream, in whole pence."""
    import pyarrow as pa

    from accord.engine.database import in_memory

    payments = settlement.payments
    firsts = [years.day(year) for year in range(years.number + 1)]
    bounds = " ".join(
        f"when day >= date '{firsts[y]}' and day < date '{firsts[y + 1]}' then {y}" for y in range(years.number)
    )
    numbers = pa.table({"world": pa.array(which.astype(np.int32)), "number": pa.array(one.worlds.astype(np.int32))})
    name = one.name.replace("'", "''")
    with in_memory() as connection:
        connection.register("payments", payments)
        connection.register("numbers", numbers)
        return connection.sql(
            f"""
            with dated as (
              select world, stream, payer_party, payer, receiver_party, receiver,
                amount::hugeint * 100 // cast(10 ** places as hugeint) as amount,
                try_cast(regexp_extract(keys, '=(\\d{{4}}-\\d\\d-\\d\\d)', 1) as date) as day
              from payments),
            placed as (
              select world, case {bounds} else 0 end as year, stream, payer_party, payer, receiver_party, receiver,
                sum(amount) as amount
              from dated group by all),
            sides as (
              select world, year, stream, receiver_party as party, receiver as member, amount as received, 0 as paid
              from placed
              union all
              select world, year, stream, payer_party, payer, 0, amount from placed),
            summed as (
              select world, year, stream, party, member, sum(received) as received, sum(paid) as paid
              from sides group by all)
            select n.number::int as world, year::int as year, '{name}' as contract, stream, party, member,
              received::bigint as received, paid::bigint as paid
            from summed join numbers n using (world) order by all
            """
        ).to_arrow_table()
