"""Parameters and scales in a run: which entry is read when, for whom, in which world, brought to scalar expressions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise

from accord.engine.expressions import WORLD, Const, Expr, Kind, OwnColumn
from accord.engine.making import KINDS, Making
from accord.engine.running import Run
from accord.language.contract import Contract, Entry, Parameter, PeriodItem, ScalePoints, Value
from accord.language.meaning import ParameterValue, ScaleValue
from accord.language.place import Place

Use = Callable[[Value | ScalePoints], Expr]
"""What is made of a value of a parameter: the value itself, or its scale applied to an argument."""


class Figures:
    """The parameters of a contract in one run."""

    def __init__(self, contract: Contract, run: Run, making: Making) -> None:
        self.contract = contract
        self.run = run
        self.making = making

    def plain(self, name: str, value: Value | ScalePoints) -> Expr:
        """A value that is no scale."""
        assert not isinstance(value, ScalePoints)
        return self.making.const(KINDS[self.contract.parameters[name].type.kind], value)

    def read(
        self,
        node: ParameterValue | ScaleValue,
        x: Expr | None,
        members: tuple[Expr, ...],
        on: Expr | None,
        period: Expr | None,
        items: Sequence[PeriodItem],
    ) -> Expr:
        """A parameter, or its scale at ``x``, read for ``members`` on the day ``on``, or in the row's ``period``.

        ``items`` are the periods that ``period`` can be.
        """
        parameter = self.contract.parameters[node.parameter]
        kind = KINDS[node.type.kind]

        def use(value: Value | ScalePoints) -> Expr:
            if x is None:
                return self.plain(node.parameter, value)
            return self.scale(node.parameter, value, x, node.place)

        used: dict[int, Expr] = {}

        def of_entry(entry: Entry) -> Expr:
            if id(entry) not in used:
                used[id(entry)] = self.by_member(parameter, entry, members, (), kind, node.place, use)
            return used[id(entry)]

        if on is not None:
            normal = self.on_a_date(parameter, on, kind, node.place, of_entry)
        elif period is None:
            normal = self.on_day(parameter, self.contract.term.first, kind, node.place, of_entry)
        else:
            normal = self.by_period(parameter, period, items, kind, node.place, of_entry)
        return normal if parameter.by else self.with_what_if(parameter.name, kind, normal, use)

    def with_what_if(self, name: str, kind: Kind, normal: Expr, use: Use) -> Expr:
        """The what-if of a parameter (``name``, or ``name.member``) in the worlds that have one."""
        what_if = self.run.what_ifs.get(name)
        if not what_if:
            return normal
        replaced = {world: use(value) for world, value in what_if.items()}
        if len(self.run.worlds) == 1:
            return replaced.get(self.run.worlds[0], normal)
        world = self.making.make(OwnColumn, "number", False, WORLD)
        return self.making.pick(kind, world, tuple(replaced.items()), normal)

    def by_period(
        self,
        parameter: Parameter,
        of: Expr,
        items: Sequence[PeriodItem],
        kind: Kind,
        place: Place,
        of_entry: Callable[[Entry], Expr],
    ) -> Expr:
        """Read in the row's period, as ``as_at`` says."""
        cases: list[tuple[str | int, Expr]] = []
        for item in items:
            if parameter.as_at == "days":
                value = self.by_days(parameter, item, kind, place, of_entry)
            else:
                day = item.last if parameter.as_at == "end" else item.first
                value = self.on_day(parameter, day, kind, place, of_entry)
            cases.append((item.label, value))
        if cases and all(value is cases[0][1] for _, value in cases) and not of.nullable:
            return cases[0][1]
        return self.making.whole_pick(kind, of, cases)

    def by_days(
        self,
        parameter: Parameter,
        item: PeriodItem,
        kind: Kind,
        place: Place,
        of_entry: Callable[[Entry], Expr],
    ) -> Expr:
        """The average over the days of a period."""
        lengths: dict[int, tuple[Expr, int]] = {}
        day = item.first
        while day <= item.last:
            value = self.on_day(parameter, day, kind, place, of_entry)
            lengths[id(value)] = (value, lengths.get(id(value), (value, 0))[1] + 1)
            day += dt.timedelta(1)
        values = list(lengths.values())
        if len(values) == 1:
            return values[0][0]
        total = (item.last - item.first).days + 1
        if all(isinstance(value, Const) for value, _ in values):
            amounts = [(value.value, days) for value, days in values if isinstance(value, Const)]
            mean = sum((Fraction(v) * days for v, days in amounts if isinstance(v, Fraction)), Fraction(0)) / total
            return self.making.const("number", mean)
        average: Expr | None = None
        for value, days in values:
            weighed = self.making.binary("*", value, self.making.const("number", Fraction(days, total)), place)
            average = weighed if average is None else self.making.binary("+", average, weighed, place)
        assert average is not None
        return average

    def on_day(
        self, parameter: Parameter, day: dt.date, kind: Kind, place: Place, of_entry: Callable[[Entry], Expr]
    ) -> Expr:
        """Read on a day that is known beforehand."""
        entry = entry_on(parameter, day, self.run.known_on)
        if entry is None:
            return self.making.fail(
                kind, f"{parameter.name} has no value on {day}", place, "add an entry that begins by then"
            )
        return of_entry(entry)

    def on_a_date(
        self, parameter: Parameter, on: Expr, kind: Kind, place: Place, of_entry: Callable[[Entry], Expr]
    ) -> Expr:
        """Read on a day that only the row knows: the entry of the latest change at or before it."""
        changes: set[dt.date] = set()
        for entry in parameter.entries:
            changes.add(entry.since)
            if entry.until is not None and not parameter.carry:
                changes.add(entry.until + dt.timedelta(1))
        branches = [
            (
                self.making.compare(">=", on, self.making.const("date", day)),
                self.on_day(parameter, day, kind, place, of_entry),
            )
            for day in sorted(changes, reverse=True)
        ]
        before = self.making.fail(
            kind, f"{parameter.name} has no value before {min(changes)}", place, "add an entry that begins earlier"
        )
        return self.making.case(kind, branches, before)

    def by_member(
        self,
        parameter: Parameter,
        entry: Entry,
        members: tuple[Expr, ...],
        chosen: tuple[str, ...],
        kind: Kind,
        place: Place,
        use: Use,
    ) -> Expr:
        """The value for the members of ``by`` that a row has."""
        depth = len(chosen)
        if depth == len(members):
            return self.with_what_if(".".join((parameter.name, *chosen)), kind, use(entry.values[chosen]), use)
        listed = dict.fromkeys(member[depth] for member in entry.values if member[:depth] == chosen)
        none = self.making.fail(
            kind,
            f"{parameter.name} has no value for this {parameter.by[depth]}",
            place,
            f"add it to the values of {parameter.name}",
        )
        cases = [
            (member, self.by_member(parameter, entry, members, (*chosen, member), kind, place, use))
            for member in listed
        ]
        of = members[depth]
        if of.kind == "text":
            return self.making.pick(kind, of, cases, none)
        return self.making.case(
            kind, [(self.making.compare("=", of, self.member(of.kind, m)), value) for m, value in cases], none
        )

    def member(self, kind: Kind, written: str) -> Expr:
        """A member of ``by`` that is not a text, as entries name it."""
        match kind:
            case "flag":
                return self.making.const("flag", written == "true")
            case "date":
                return self.making.const("date", dt.date.fromisoformat(written))
            case _:
                return self.making.const("number", Fraction(written))

    def scale(self, name: str, value: Value | ScalePoints, x: Expr, place: Place) -> Expr:
        """A scale at ``x``: a branch for each of its points."""
        parameter = self.contract.parameters[name]
        scale = parameter.scale
        assert scale is not None and isinstance(value, ScalePoints)
        points = value.points

        def number(n: Fraction) -> Expr:
            return self.making.const("number", n)

        def along(start: Fraction, foot: Fraction, slope: Fraction) -> Expr:
            """``foot + slope * (x - start)``."""
            rising = self.making.binary("*", number(slope), x, place)
            return self.making.binary("+", rising, number(foot - slope * start), place)

        below = self.making.fail(
            "number", f"{name} does not say what holds below its first point", place, "add points, or say below: hold"
        )
        above = self.making.fail(
            "number", f"{name} does not say what holds above its last point", place, "add points, or say above: hold"
        )
        branches: list[tuple[Expr, Expr]] = []
        if scale.kind == "step":
            for start, result in reversed(points):
                assert start is not None
                branches.append((self.making.compare(">=", x, number(start)), number(result)))
            return self.making.case("number", branches, number(points[0][1]) if scale.below_holds else below)
        if scale.kind == "linear":
            first, foot = points[0]
            last, top = points[-1]
            assert first is not None and last is not None
            branches.append((self.making.compare("<", x, number(first)), number(foot) if scale.below_holds else below))
            for (a, y), (b, z) in pairwise(points):
                assert a is not None and b is not None
                branches.append((self.making.compare("<=", x, number(b)), along(a, y, (z - y) / (b - a))))
            if len(points) == 1:
                branches.append((self.making.compare("=", x, number(first)), number(foot)))
            return self.making.case("number", branches, number(top) if scale.above_holds else above)
        start, total = Fraction(0), Fraction(0)
        branches.append((self.making.compare("<", x, number(start)), number(start) if scale.below_holds else below))
        for end, rate in points:
            if end is None:
                return self.making.case("number", branches, along(start, total, rate))
            branches.append((self.making.compare("<=", x, number(end)), along(start, total, rate)))
            start, total = end, total + (end - start) * rate
        return self.making.case("number", branches, number(total) if scale.above_holds else above)


def entry_on(parameter: Parameter, day: dt.date, known_on: dt.date | None) -> Entry | None:
    """The entry of a parameter in force on a day, as it was known; None if there is none."""
    known = [
        entry
        for entry in parameter.entries
        if entry.since <= day and (known_on is None or entry.known_from is None or entry.known_from <= known_on)
    ]
    if not known:
        return None
    entry = max(known, key=lambda e: (e.since, e.known_from or dt.date.min))
    if entry.until is not None and day > entry.until and not parameter.carry:
        return None
    return entry
