"""The exact reference: any quantity at any row, in fractions, one row at a time. The oracle of the other engines.

Slow and readable on purpose; it follows :mod:`accord.language.meaning` word for word. :class:`RowEvaluator` is what a
formula means at one row, whatever gives it values; :class:`Reference` gives them by computing them.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# (pyarrow comes without types)

from __future__ import annotations

import datetime as dt
import math
import sys
from abc import ABC, abstractmethod
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

from accord.engine.columns import PERSONAL, WORLD
from accord.engine.inputs import Inputs, LoadedTable
from accord.engine.rows import enclosing, joined
from accord.language.contract import (
    Check,
    Contract,
    Entry,
    Parameter,
    PeriodItem,
    Quantity,
    ScalePoints,
    Value,
    Version,
)
from accord.language.meaning import (
    Absolute,
    Allocate,
    Arithmetic,
    BorneByQuantity,
    Choice,
    Coalesce,
    ColumnValue,
    Comparison,
    DaysBetween,
    EnclosingPeriod,
    EndOf,
    Extreme,
    Gather,
    HeldByColumn,
    IsMissing,
    KeyPath,
    KeyValue,
    Literal_,
    Logic,
    Negative,
    Node,
    Not,
    OneOf,
    OwnKey,
    ParameterValue,
    PeriodDay,
    PeriodLength,
    Prior,
    QuantityValue,
    Rank,
    RowSet,
    ScaleValue,
    TrailingAverage,
)
from accord.language.place import Place
from accord.language.problem import Problem, SettlementStopped
from accord.language.rounding import decimal_text, round_fraction

RowKey = tuple[str, ...]
"""The values of a row's keys, in the order of its row set's keys."""

_DEEP = 100_000


class NotThere(Exception):
    """A row that a formula needs does not exist."""

    def __init__(self, what: str, row: Mapping[str, str]) -> None:
        super().__init__(what)
        self.what, self.row = what, row


def named_row(keys: Sequence[str], row: Sequence[str | None]) -> dict[str, str]:
    """A row as a mapping from key to value (missing as an empty text)."""
    return {key: value or "" for key, value in zip(keys, row, strict=True)}


def row_text(row: Mapping[str, str]) -> str:
    """A row in a message; a person's key is not shown."""
    return ", ".join(f"{key} {'…' if key in PERSONAL else value}" for key, value in row.items()) or "the contract"


def stop(place: Place, message: str, fix: str = "") -> SettlementStopped:
    """The run must not go on."""
    return SettlementStopped(Problem(place, message, fix))


class RowEvaluator(ABC):
    """What a resolved formula means at one row. Subclasses say where values of quantities, cells and rows come from."""

    def __init__(
        self, contract: Contract, world: int, known_on: dt.date | None, what_ifs: Mapping[str, Mapping[int, Value]]
    ) -> None:
        self.contract = contract
        self.world = world
        self.known_on = known_on
        self.what_ifs = what_ifs

    # -- where values come from -------------------------------------------------------------------------------------
    @abstractmethod
    def quantity(self, name: str, row: RowKey) -> Value | None:
        """A quantity at a row. Raises :class:`NotThere` if the row does not exist."""

    @abstractmethod
    def cell(self, table: str, column: str, row: RowKey) -> Value | None:
        """A column of a table. Raises :class:`NotThere` if the table has no such row."""

    @abstractmethod
    def row_exists(self, rows: RowSet, row: RowKey) -> bool:
        """Whether the row set has that row."""

    @abstractmethod
    def table_has(self, table: str, row: RowKey) -> bool:
        """Whether the table has that row."""

    @abstractmethod
    def matching(self, node: Gather | EndOf | Allocate | Rank, wanted: tuple[str | None, ...]) -> Sequence[RowKey]:
        """The rows of ``node.rows`` whose match (group, partition) paths give ``wanted``, in a fixed order."""

    @abstractmethod
    def run_periods(self, key: str) -> Sequence[PeriodItem]:
        """The periods of the run."""

    def some(
        self, node: Gather | EndOf | Allocate | Rank, wanted: tuple[str | None, ...], limit: int
    ) -> tuple[Sequence[RowKey], int]:
        """The first ``limit`` of :meth:`matching`, and how many there are."""
        found = self.matching(node, wanted)
        return found[:limit], len(found)

    def before_prior(self, of: ColumnValue | QuantityValue, at: RowKey, position: int, index: int) -> None:  # noqa: B027
        """Called before an earlier period of ``of`` is read: a chance to compute a chain from its beginning."""

    # -- keys -------------------------------------------------------------------------------------------------------
    def follow(self, path: KeyPath, keys: Sequence[str], row: RowKey) -> str | None:
        """The value of a key for a row; None if it is missing."""
        match path:
            case OwnKey(key=key):
                return row[keys.index(key)]
            case EnclosingPeriod(key=key, of_key=of_key, of=of):
                label = self.follow(of, keys, row)
                return None if label is None else enclosing(self.contract, key, of_key, label)
            case HeldByColumn(table=table, column=column, at=at):
                found = self.follow_all(at, keys, row)
                if found is None:
                    return None
                try:
                    value = self.cell(table, column, found)
                except NotThere:
                    if self.contract.tables[table].optional:
                        return None
                    raise
                return None if value is None else str(value)
            case BorneByQuantity(quantity=quantity, at=at):
                found = self.follow_all(at, keys, row)
                if found is None:
                    return None
                value = self.quantity(quantity, found)
                return None if value is None else str(value)

    def follow_all(self, paths: Sequence[KeyPath], keys: Sequence[str], row: RowKey) -> RowKey | None:
        """The values of several paths; None if any is missing."""
        found: list[str] = []
        for path in paths:
            value = self.follow(path, keys, row)
            if value is None:
                return None
            found.append(value)
        return tuple(found)

    def period_item(self, path: KeyPath, keys: Sequence[str], row: RowKey) -> PeriodItem | None:
        """The period that a path leads to."""
        label = self.follow(path, keys, row)
        return None if label is None else self.contract.period(path.key, label)

    # -- parameters -------------------------------------------------------------------------------------------------
    def entry_on(self, parameter: Parameter, day: dt.date, place: Place) -> Entry:
        """The entry of a parameter in force on a day, as it was known on ``known_on``."""
        known = [
            entry
            for entry in parameter.entries
            if entry.since <= day
            and (entry.known_from is None or self.known_on is None or entry.known_from <= self.known_on)
        ]
        if not known:
            as_known = f" that was known on {self.known_on}" if self.known_on else ""
            raise stop(place, f"{parameter.name} has no value on {day}{as_known}", "add an entry that begins by then")
        entry = max(known, key=lambda one: (one.since, one.known_from or dt.date.min))
        if entry.until is not None and day > entry.until and not parameter.carry:
            raise stop(
                place,
                f"{parameter.name} holds until {entry.until}, and is read on {day}",
                f"add an entry from {entry.until + dt.timedelta(1)}, or say carry: last",
            )
        return entry

    def parameter_day(self, node: ParameterValue | ScaleValue, keys: Sequence[str], row: RowKey) -> dt.date | None:
        """The day on which a parameter is read; None if that is missing. ``days`` is handled by the caller."""
        if node.on is not None:
            day = self.evaluate(node.on, keys, row)
            assert day is None or isinstance(day, dt.date)
            return day
        if node.period is None:
            return self.contract.term.first
        item = self.period_item(node.period, keys, row)
        if item is None:
            return None
        return item.last if self.contract.parameters[node.parameter].as_at == "end" else item.first

    def parameter_value(
        self, node: ParameterValue | ScaleValue, keys: Sequence[str], row: RowKey
    ) -> Value | ScalePoints | None:
        """A parameter (or the points of a scale) as it is read at a row."""
        parameter = self.contract.parameters[node.parameter]
        members: list[str] = []
        for by in node.by:
            member = self.evaluate(by, keys, row)
            if member is None:
                return None
            members.append(_member(member))
        changed = self.what_ifs.get(".".join((parameter.name, *members)), {})
        if self.world in changed:
            return changed[self.world]

        def on(day: dt.date) -> Value | ScalePoints:
            entry = self.entry_on(parameter, day, node.place)
            try:
                return entry.values[tuple(members)]
            except KeyError:
                covered = ", ".join(".".join(one) for one in entry.values)
                raise stop(
                    node.place,
                    f"{parameter.name} has no value for {', '.join(members)} on {day}; it has {covered}",
                    f"add {', '.join(members)} to the values of {parameter.name} at {entry.place}",
                ) from None

        if parameter.as_at == "days" and node.on is None and node.period is not None:
            item = self.period_item(node.period, keys, row)
            if item is None:
                return None
            first = on(item.first)
            days = (item.last - item.first).days + 1
            if not isinstance(first, Fraction):
                return first
            total = Fraction(0)
            for number in range(days):
                value = on(item.first + dt.timedelta(number))
                assert isinstance(value, Fraction)
                total += value
            return total / days
        day = self.parameter_day(node, keys, row)
        return None if day is None else on(day)

    def scale_value(self, node: ScaleValue, keys: Sequence[str], row: RowKey) -> Fraction | None:
        """A scale applied to its argument."""
        argument = self.evaluate(node.argument, keys, row)
        if argument is None:
            return None
        points = self.parameter_value(node, keys, row)
        if points is None:
            return None
        assert isinstance(points, ScalePoints) and isinstance(argument, Fraction)
        value = on_scale(self.contract.parameters[node.parameter], points, argument)
        if value is None:
            shown = decimal_text(argument) if argument.denominator < 10**9 else f"about {float(argument):.6g}"
            raise stop(
                node.place,
                f"{node.parameter}({shown}) is outside the scale, for {row_text(named_row(keys, row))}",
                f"add points to {node.parameter}, or say below: hold or above: hold",
            )
        return value

    # -- formulas ---------------------------------------------------------------------------------------------------
    def version(self, quantity: Quantity, row: RowKey) -> Version:
        """The formula of a quantity in force for a row: on the first day of the row's shortest period."""
        if quantity.versions[0].since is None:
            return quantity.versions[0]
        day = self.contract.term.first
        items = [
            item
            for key, label in zip(quantity.keys, row, strict=True)
            if self.contract.keys[key].is_period and (item := self.contract.period(key, label)) is not None
        ]
        if items:
            day = min(items, key=lambda item: item.last - item.first).first
        found = [version for version in quantity.versions if version.since is None or version.since <= day]
        if not found:
            raise stop(quantity.place, f"{quantity.name} has no formula on {day}", "add one that begins by then")
        return found[-1]

    def evaluate(self, node: Node, keys: Sequence[str], row: RowKey) -> Value | None:
        """The value of a formula at a row with the keys ``keys``."""
        match node:
            case Literal_(value=value):
                return value
            case KeyValue(path=path):
                return self.follow(path, keys, row)
            case ColumnValue(table=table, column=column, at=at):
                return self._column(table, column, at, keys, row, node.place)
            case QuantityValue(quantity=quantity, at=at):
                found = self.follow_all(at, keys, row)
                return None if found is None else self.quantity(quantity, found)
            case ParameterValue():
                value = self.parameter_value(node, keys, row)
                assert not isinstance(value, ScalePoints)
                return value
            case ScaleValue():
                return self.scale_value(node, keys, row)
            case Arithmetic():
                return self._arithmetic(node, keys, row)
            case Negative(operand=operand):
                value = self.number(operand, keys, row)
                return None if value is None else -value
            case Absolute(operand=operand):
                value = self.number(operand, keys, row)
                return None if value is None else abs(value)
            case Comparison(operator=operator, left=left, right=right):
                one, other = self.evaluate(left, keys, row), self.evaluate(right, keys, row)
                return None if one is None or other is None else compare(operator, one, other)
            case Logic(operator=operator, left=left, right=right):
                decides = operator == "or"
                one = self.evaluate(left, keys, row)
                if one is decides:
                    return decides
                other = self.evaluate(right, keys, row)
                if other is decides:
                    return decides
                return None if one is None or other is None else not decides
            case Not(operand=operand):
                value = self.evaluate(operand, keys, row)
                return None if value is None else not value
            case IsMissing(operand=operand, negated=negated):
                return (self.evaluate(operand, keys, row) is None) is not negated
            case OneOf(operand=operand, options=options):
                value = self.evaluate(operand, keys, row)
                return None if value is None else any(value == self.evaluate(option, keys, row) for option in options)
            case Choice(branches=branches, otherwise=otherwise):
                for condition, value in branches:
                    holds = self.evaluate(condition, keys, row)
                    if holds is None:
                        return None
                    if holds:
                        return self.evaluate(value, keys, row)
                return None if otherwise is None else self.evaluate(otherwise, keys, row)
            case Extreme(which=which, operands=operands):
                values = [self.evaluate(operand, keys, row) for operand in operands]
                return None if None in values else _extreme(values, which == "least")
            case Coalesce(operands=operands):
                for operand in operands:
                    value = self.evaluate(operand, keys, row)
                    if value is not None:
                        return value
                return None
            case PeriodLength(unit=unit, path=path):
                item = self.period_item(path, keys, row)
                return None if item is None else period_length(unit, item)
            case PeriodDay(which=which, path=path):
                item = self.period_item(path, keys, row)
                return None if item is None else item.first if which == "first" else item.last
            case DaysBetween(start=start, end=end):
                one, other = self.evaluate(start, keys, row), self.evaluate(end, keys, row)
                if one is None or other is None:
                    return None
                assert isinstance(one, dt.date) and isinstance(other, dt.date)
                return Fraction((other - one).days)
            case Gather():
                return self._gather(node, keys, row)
            case EndOf():
                finer = self.end_row(node, keys, row)
                return None if finer is None else self.evaluate(node.value, node.rows.keys, finer)
            case Prior(of=of, steps=steps, period=period):
                return self.earlier(of, period, steps, keys, row)
            case TrailingAverage(of=of, count=count, period=period):
                many = self.evaluate(count, keys, row)
                if not isinstance(many, Fraction) or many.denominator != 1 or many < 1:
                    raise stop(node.place, f"an average over {many} periods is none", "a whole number of at least 1")
                values = [self.earlier(of, period, steps, keys, row) for steps in range(int(many))]
                if any(value is None for value in values):
                    return None
                return sum((value for value in values if isinstance(value, Fraction)), Fraction(0)) / len(values)
            case Rank():
                return self._rank(node, keys, row)
            case Allocate():
                return self._share(node, keys, row)
            case _:
                raise TypeError(f"no meaning for {type(node).__name__}")

    def number(self, node: Node, keys: Sequence[str], row: RowKey) -> Fraction | None:
        """The value of a node that is a number."""
        value = self.evaluate(node, keys, row)
        assert value is None or isinstance(value, Fraction)
        return value

    def _column(
        self, table: str, column: str, at: Sequence[KeyPath], keys: Sequence[str], row: RowKey, place: Place
    ) -> Value | None:
        found = self.follow_all(at, keys, row)
        if found is None:
            return None
        try:
            return self.cell(table, column, found)
        except NotThere as missing:
            if self.contract.tables[table].optional:
                return None
            raise stop(
                place,
                f"{table} has no row for {row_text(missing.row)}, and its {column} is needed here",
                f"supply that row of {table}" + self._outside_run(missing.row),
            ) from None

    def _outside_run(self, row: Mapping[str, str]) -> str:
        for key, label in row.items():
            if key in self.contract.keys and self.contract.keys[key].is_period:
                run = self.run_periods(key)
                if label not in {item.label for item in run}:
                    return f"; the {key} that begins {label} does not lie wholly inside the run"
        return ""

    def _arithmetic(self, node: Arithmetic, keys: Sequence[str], row: RowKey) -> Fraction | None:
        left, right = self.number(node.left, keys, row), self.number(node.right, keys, row)
        if left is None or right is None:
            return None
        match node.operator:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                if right == 0:
                    raise stop(
                        node.place, f"division by 0 for {row_text(named_row(keys, row))}", "case when … > 0 then …"
                    )
                return left / right

    # -- across rows ------------------------------------------------------------------------------------------------
    def gathered(self, node: Gather | EndOf, keys: Sequence[str], row: RowKey) -> list[RowKey]:
        """The finer rows that belong to a row and pass the filter."""
        wanted = tuple(row[keys.index(key)] for key in node.keys)
        found = self.matching(node, wanted)
        if node.where is None:
            return list(found)
        return [finer for finer in found if self.evaluate(node.where, node.rows.keys, finer) is True]

    def _gather(self, node: Gather, keys: Sequence[str], row: RowKey) -> Value | None:
        finer = self.gathered(node, keys, row)
        if node.how == "count" or node.value is None:
            return Fraction(len(finer))
        values = [self.evaluate(node.value, node.rows.keys, one) for one in finer]
        if any(value is None for value in values):
            return None
        if node.how == "sum":
            return sum((value for value in values if isinstance(value, Fraction)), Fraction(0))
        if not values:
            return None
        if node.how in ("min", "max"):
            return _extreme(values, node.how == "min")
        assert node.fraction is not None
        fraction = self.number(node.fraction, keys, row)
        if fraction is None:
            return None
        if not 0 <= fraction <= 1:
            raise stop(node.place, f"quantile() takes a part between 0 and 1, not {decimal_text(fraction)}")
        ordered: list[Any] = sorted(values)  # pyright: ignore[reportArgumentType, reportCallIssue]
        return ordered[max(math.ceil(fraction * len(ordered)) - 1, 0)]

    def end_row(self, node: EndOf, keys: Sequence[str], row: RowKey) -> RowKey | None:
        """The finer row in the first or last period inside the row's own period; None if there is none."""
        if node.inside is None:
            inside: Sequence[PeriodItem] = self.run_periods(node.period)
        else:
            box = self.contract.period(node.inside, row[keys.index(node.inside)])
            items = self.contract.keys[node.period].items
            inside = [item for item in items if box is not None and box.first <= item.first and item.last <= box.last]
        if not inside:
            return None
        label = (inside[0] if node.which == "first" else inside[-1]).label
        position = node.rows.keys.index(node.period)
        return next((finer for finer in self.gathered(node, keys, row) if finer[position] == label), None)

    def earlier(
        self, of: ColumnValue | QuantityValue, period: str, steps: int, keys: Sequence[str], row: RowKey
    ) -> Value | None:
        """What ``of`` was ``steps`` periods before; missing before the run and where that row did not exist."""
        at = self.follow_all(of.at, keys, row)
        if at is None:
            return None
        own = of.table if isinstance(of, ColumnValue) else of.quantity
        names = self.contract.tables[own].keys if isinstance(of, ColumnValue) else self.contract.quantities[own].keys
        position = names.index(period)
        labels = [item.label for item in self.run_periods(period)]
        if at[position] not in labels or (index := labels.index(at[position]) - steps) < 0:
            return None
        then = (*at[:position], labels[index], *at[position + 1 :])
        if isinstance(of, ColumnValue):
            return self.cell(of.table, of.column, then) if self.table_has(of.table, then) else None
        if not self.row_exists(self.contract.quantities[of.quantity].rows, then):
            return None
        if steps:
            self.before_prior(of, at, position, index)
        return self.quantity(of.quantity, then)

    def _rank(self, node: Rank, keys: Sequence[str], row: RowKey) -> Fraction:
        own = tuple(self.follow(path, keys, row) for path in node.partition)
        mine = [self.evaluate(expression, keys, row) for expression, _ in node.order]
        better = 0
        for other in self.matching(node, own):
            for (expression, descending), value in zip(node.order, mine, strict=True):
                theirs = self.evaluate(expression, keys, other)
                if theirs is None or value is None:
                    raise stop(node.place, f"rank() cannot place {row_text(named_row(keys, row))}: a value is missing")
                if theirs != value:
                    better += compare(">" if descending else "<", theirs, value)
                    break
        return Fraction(1 + better)

    def _share(self, node: Allocate, keys: Sequence[str], row: RowKey) -> Fraction | None:
        group = self.follow_all(node.group, keys, row)
        if group is None:
            return None
        return self.shares(node, keys, group).get(row)

    def shares(self, node: Allocate, keys: Sequence[str], group: RowKey) -> Mapping[RowKey, Fraction | None]:
        """What each row of a pool gets."""
        rows = sorted(self.matching(node, group))
        shares = [(row, self.number(node.pool, keys, row), self.number(node.weight, keys, row)) for row in rows]
        if not shares:
            return {}
        pool = shares[0][1]
        weights = [weight for _, _, weight in shares]
        floors = None if node.floor is None else [self.number(node.floor, keys, row) for row in rows]
        if pool is None or None in weights or (floors is not None and None in floors):
            return dict.fromkeys(rows)
        where = f"the pool of {row_text(named_row(keys, rows[0]))}"
        try:
            steps = allocate_steps(
                pool / node.step,
                [weight for weight in weights if weight is not None],
                None if floors is None else [floor / node.step for floor in floors if floor is not None],
            )
        except ValueError as error:
            raise stop(node.place, f"allocate(): {error}, in {where}") from None
        return {row: step * node.step for row, step in zip(rows, steps, strict=True)}


def _member(value: Value) -> str:
    """A member of ``by`` as entries name it."""
    match value:
        case bool():
            return "true" if value else "false"
        case Fraction():
            return decimal_text(value)
        case _:
            return str(value)


def compare(operator: str, left: Any, right: Any) -> bool:
    """Compare two values of one kind; texts by code point, which is the order of their UTF-8 bytes."""
    match operator:
        case "=":
            return left == right
        case "<>":
            return left != right
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case _:
            return left >= right


def _extreme(values: Sequence[Any], least: bool) -> Any:
    return min(values) if least else max(values)


def period_length(unit: str, item: PeriodItem) -> Fraction:
    """How long a period is, in days or calendar months."""
    after = item.last + dt.timedelta(1)
    if unit == "days":
        return Fraction((after - item.first).days)
    return Fraction((after.year - item.first.year) * 12 + after.month - item.first.month)


def on_scale(parameter: Parameter, points: ScalePoints, x: Fraction) -> Fraction | None:
    """A scale at ``x``; None outside it."""
    scale = parameter.scale
    assert scale is not None
    if scale.kind == "marginal":
        if x < 0:
            return Fraction(0) if scale.below_holds else None
        total, foot = Fraction(0), Fraction(0)
        for upper, rate in points.points:
            if upper is None or x <= upper:
                return total + (x - foot) * rate
            total += (upper - foot) * rate
            foot = upper
        return total if scale.above_holds else None
    known = [(at, value) for at, value in points.points if at is not None]
    if x < known[0][0]:
        return known[0][1] if scale.below_holds else None
    if scale.kind == "step":
        return [value for at, value in known if at <= x][-1]
    if x > known[-1][0]:
        return known[-1][1] if scale.above_holds else None
    for (left, low), (right, high) in pairwise(known):
        if left <= x <= right and right > left:
            return low + (high - low) * (x - left) / (right - left)
    return known[-1][1]


def allocate_steps(pool: Fraction, weights: Sequence[Fraction], floors: Sequence[Fraction] | None = None) -> list[int]:
    """``pool`` whole steps shared by weight: largest remainder, ties in the order given.

    A negative pool is split by its size and given its sign. Nobody gets less than their floor (in steps, rounded up).

    Raises ValueError, with the reason, where there is no such sharing.
    """
    if pool.denominator != 1:
        raise ValueError("the pool is not a whole number of steps")
    if any(weight < 0 for weight in weights):
        raise ValueError("a weight is below 0")
    sign, size, all_weights = (-1 if pool < 0 else 1), abs(int(pool)), sum(weights, Fraction(0))
    ideal: list[Fraction]
    if floors is None:
        if all_weights == 0:
            if size:
                raise ValueError("there is money to share and every weight is 0")
            return [0] * len(weights)
        ideal = [size * weight / all_weights for weight in weights]
    else:
        least = [math.ceil(floor) for floor in floors]
        if pool < 0 and sum(least) <= pool:
            raise ValueError("a pool below 0 cannot be shared with floors")
        if sum(least) > pool:
            raise ValueError("the floors add up to more than the pool")
        if all_weights == 0:
            if size != sum(least):
                raise ValueError("there is money to share and every weight is 0")
            return least
        held: set[int] = set()
        ideal = []
        while True:
            free = [i for i in range(len(weights)) if i not in held]
            left = size - sum(least[i] for i in held)
            free_weight = sum((weights[i] for i in free), Fraction(0))
            below = {i for i in free if free_weight == 0 or left * weights[i] / free_weight < least[i]}
            if not below:
                ideal = [
                    Fraction(least[i]) if i in held else left * weights[i] / free_weight for i in range(len(weights))
                ]
                break
            held |= below
    shares = [math.floor(share) for share in ideal]
    by_remainder = sorted(range(len(weights)), key=lambda i: shares[i] - ideal[i])
    for i in by_remainder[: size - sum(shares)]:
        shares[i] += 1
    return [sign * share for share in shares]


# -- values from loaded tables --------------------------------------------------------------------------------------


def table_values(table: LoadedTable) -> Iterator[tuple[int, dict[str, Value | None]]]:
    """The rows of a loaded table as exact values, each with its world (0 if the table does not differ by world)."""
    columns: dict[str, list[Value | None]] = {}
    for name in table.data.column_names:
        values: list[Any] = table.data.column(name).to_pylist()
        if name in table.places:
            power = 10 ** table.places[name]
            values = [None if value is None else Fraction(int(value), power) for value in values]
        columns[name] = values
    worlds: list[Any] = columns.pop(WORLD) if table.has_worlds else [0] * table.data.num_rows
    for number, world in enumerate(worlds):
        yield world, {name: values[number] for name, values in columns.items()}


class _World(RowEvaluator):
    """The reference in one world: values computed where asked, and remembered."""

    def __init__(
        self,
        contract: Contract,
        inputs: Inputs,
        world: int,
        tables: Mapping[str, Mapping[RowKey, Mapping[str, Value | None]]],
    ) -> None:
        super().__init__(contract, world, inputs.known_on, inputs.what_ifs)
        self._inputs = inputs
        self._tables = tables
        self._values: dict[tuple[str, RowKey], Value | None] = {}
        self._rows: dict[RowSet, list[RowKey]] = {}
        self._row_sets: dict[RowSet, frozenset[RowKey]] = {}
        self._groups: dict[int, tuple[Node, dict[tuple[str | None, ...], list[RowKey]]]] = {}
        self._shared: dict[tuple[int, RowKey], Mapping[RowKey, Fraction | None]] = {}
        self._asked: dict[tuple[str, RowKey], None] = {}

    def quantity(self, name: str, row: RowKey) -> Value | None:
        """Computed once, rounded as its quantity says."""
        at = (name, row)
        if at in self._values:
            return self._values[at]
        quantity = self.contract.quantities[name]
        if at in self._asked:
            raise stop(quantity.place, f"{name} is defined by itself for {row_text(named_row(quantity.keys, row))}")
        if not self.row_exists(quantity.rows, row):
            raise stop(
                quantity.place,
                f"{name} has no row for {row_text(named_row(quantity.keys, row))}, which is needed",
                f"the rows of [{quantity.rows.name}] come from {', '.join(quantity.rows.sources) or 'the contract'}",
            )
        self._asked[at] = None
        try:
            value = self.evaluate(self.version(quantity, row).formula, quantity.keys, row)
        except NotThere as missing:
            raise stop(
                quantity.place, f"{missing.what}, for {row_text(named_row(quantity.keys, row))}", "supply that row"
            ) from None
        finally:
            del self._asked[at]
        if isinstance(value, Fraction) and quantity.rounding is not None:
            value = round_fraction(value, quantity.rounding.step, quantity.rounding.rule)
        if value is None and not quantity.type.missing:
            raise stop(quantity.place, f"{name} is missing for {row_text(named_row(quantity.keys, row))}")
        self._values[at] = value
        return value

    def cell(self, table: str, column: str, row: RowKey) -> Value | None:
        """A loaded value."""
        found = self._tables[table].get(row)
        if found is None:
            named = named_row(self.contract.tables[table].keys, row)
            raise NotThere(f"{table} has no row for {row_text(named)}", named)
        return found[column]

    def table_has(self, table: str, row: RowKey) -> bool:
        """Whether it was loaded."""
        return row in self._tables[table]

    def rows(self, rows: RowSet) -> list[RowKey]:
        """The rows of a row set in this world, in byte order of their keys."""
        if rows not in self._rows:
            found: set[RowKey] = set()
            for one in joined(self.contract, rows, self._source_rows, self._inputs.periods):
                key = self.follow_all(rows.paths, tuple(one), tuple(one.values()))
                if key is not None:
                    found.add(key)
            inside = [
                (position, {item.label for item in self.run_periods(name)})
                for position, name in enumerate(rows.keys)
                if self.contract.keys[name].is_period
            ]
            self._rows[rows] = sorted(row for row in found if all(row[p] in labels for p, labels in inside))
            self._row_sets[rows] = frozenset(self._rows[rows])
        return self._rows[rows]

    def _source_rows(self, table: str) -> Iterator[Mapping[str, str]]:
        keys = self.contract.tables[table].keys
        for row in self._tables[table]:
            yield dict(zip(keys, row, strict=True))

    def row_exists(self, rows: RowSet, row: RowKey) -> bool:
        """Whether it is among :meth:`rows`."""
        self.rows(rows)
        return row in self._row_sets[rows]

    def matching(self, node: Gather | EndOf | Allocate | Rank, wanted: tuple[str | None, ...]) -> Sequence[RowKey]:
        """All rows grouped once by where they belong."""
        if id(node) not in self._groups:
            paths = match_paths(node)
            groups: dict[tuple[str | None, ...], list[RowKey]] = {}
            for row in self.rows(node.rows):
                key = tuple(self.follow(path, node.rows.keys, row) for path in paths)
                if None not in key or isinstance(node, Rank):
                    groups.setdefault(key, []).append(row)
            self._groups[id(node)] = (node, groups)
        return self._groups[id(node)][1].get(wanted, ())

    def shares(self, node: Allocate, keys: Sequence[str], group: RowKey) -> Mapping[RowKey, Fraction | None]:
        """Each pool is shared out once."""
        at = (id(node), group)
        if at not in self._shared:
            self._shared[at] = super().shares(node, keys, group)
        return self._shared[at]

    def run_periods(self, key: str) -> Sequence[PeriodItem]:
        """The periods of the run."""
        return self._inputs.periods.get(key, ())

    def before_prior(self, of: ColumnValue | QuantityValue, at: RowKey, position: int, index: int) -> None:
        """Compute a chain of earlier periods from its first: none is walked back to its beginning by recursion."""
        if not isinstance(of, QuantityValue):
            return
        rows = self.contract.quantities[of.quantity].rows
        period = rows.keys[position]
        for item in self.run_periods(period)[:index]:
            then = (*at[:position], item.label, *at[position + 1 :])
            if (of.quantity, then) not in self._values and self.row_exists(rows, then):
                self.quantity(of.quantity, then)


def match_paths(node: Gather | EndOf | Allocate | Rank) -> tuple[KeyPath, ...]:
    """The paths by which finer rows belong to a row (a pool, a partition)."""
    match node:
        case Gather(match=paths) | EndOf(match=paths):
            return paths
        case Allocate(group=paths) | Rank(partition=paths):
            return paths


@contextmanager
def _deep_formulas() -> Generator[None]:
    """Room for long chains of quantities: each step of a chain is a handful of Python calls, none of them in C."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEEP))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@dataclass(frozen=True, slots=True)
class CheckFailure:
    """A check of the contract that does not hold on some rows."""

    check: Check
    rows: tuple[RowKey, ...]

    def problem(self) -> Problem:
        """What a run that stops for it says."""
        shown = "; ".join(row_text(named_row(self.check.rows.keys, row)) for row in self.rows[:10])
        more = f", … ({len(self.rows):,} in all)" if len(self.rows) > 10 else ""
        return Problem(
            self.check.place, f"{self.check.message}: {shown}{more}", f"the contract wants {self.check.text}"
        )


class Reference:
    """A contract over inputs, evaluated exactly and lazily, in any of the run's worlds."""

    def __init__(self, contract: Contract, inputs: Inputs) -> None:
        self.contract, self.inputs = contract, inputs
        self._worlds: dict[int, _World] = {}
        self._loaded: dict[str, dict[int | None, dict[RowKey, Mapping[str, Value | None]]]] = {}

    def world(self, world: int = 0) -> RowEvaluator:
        """The evaluator of one world."""
        return self._world(world)

    def _world(self, world: int) -> _World:
        if world not in self._worlds:
            tables: dict[str, Mapping[RowKey, Mapping[str, Value | None]]] = {}
            for name, table in self.inputs.tables.items():
                if name not in self._loaded:
                    held: dict[int | None, dict[RowKey, Mapping[str, Value | None]]] = {}
                    keys = self.contract.tables[name].keys
                    for number, row in table_values(table):
                        at = number if table.has_worlds else None
                        held.setdefault(at, {})[tuple(str(row[key]) for key in keys)] = row
                    self._loaded[name] = held
                tables[name] = self._loaded[name].get(world if table.has_worlds else None, {})
            self._worlds[world] = _World(self.contract, self.inputs, world, tables)
        return self._worlds[world]

    def rows(self, rows: RowSet, world: int = 0) -> list[RowKey]:
        """The rows of a row set, in byte order of their keys."""
        return self._world(world).rows(rows)

    def value(self, quantity: str, row: Mapping[str, str] | RowKey, world: int = 0) -> Value | None:
        """A quantity at a row. Raises SettlementStopped."""
        keys = self.contract.quantities[quantity].keys
        key = tuple(row[name] for name in keys) if isinstance(row, Mapping) else row
        with _deep_formulas():
            return self._world(world).quantity(quantity, key)

    def values(self, quantity: str, world: int = 0) -> dict[RowKey, Value | None]:
        """A quantity at all its rows. Raises SettlementStopped."""
        rows = self.rows(self.contract.quantities[quantity].rows, world)
        return {row: self.value(quantity, row, world) for row in rows}

    def member(self, node: Node | None, rows: RowSet, row: RowKey, world: int = 0) -> str | None:
        """The party that a payment or notice names at a row (``PartyOfRow.member`` or ``payee``)."""
        if node is None:
            return None
        with _deep_formulas():
            value = self._world(world).evaluate(node, rows.keys, row)
        return None if value is None else str(value)

    def evaluate(self, node: Node, rows: RowSet, row: RowKey, world: int = 0) -> Value | None:
        """Any node at a row of ``rows``. Raises SettlementStopped."""
        with _deep_formulas():
            return self._world(world).evaluate(node, rows.keys, row)

    def checks(self, world: int = 0) -> list[CheckFailure]:
        """The checks that do not hold, each with the rows where it does not."""
        failures: list[CheckFailure] = []
        for check in self.contract.checks:
            wrong = [
                row
                for row in self.rows(check.rows, world)
                if self.evaluate(check.condition, check.rows, row, world) is not True
            ]
            if wrong:
                failures.append(CheckFailure(check, tuple(wrong)))
        return failures
