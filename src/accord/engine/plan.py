"""One plan from a contract: what to compute, in which order, with everything that crosses rows a step of its own.

A formula is brought to a normal form. What remains of it is a scalar expression (:class:`Expr`) over one row: columns
of the row, and reads of other relations through a :class:`Lookup` whose keys are again scalar expressions of the row.
Whatever looks at several rows at once (gathering, rank, allocation) is a step with a name, and the formula reads that
step's result. Parameters, scales, calendars and what-ifs are resolved here, so an engine knows nothing of dates,
tracks or dated entries. The DuckDB engine and the Python-integer engine both run this plan; the reference does not.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from accord.engine.expressions import (
    WORLD,
    Among,
    Both,
    Const,
    Days,
    Element,
    Expr,
    FirstOf,
    Found,
    Least,
    Minus,
    Missing,
    Negation,
    OwnColumn,
    Read,
    Rounded,
    everything,
)
from accord.engine.figures import Figures
from accord.engine.making import KINDS, Making
from accord.engine.running import Run
from accord.engine.steps import (
    Compute,
    Frame,
    GatherHow,
    Gathering,
    Loop,
    PartyColumns,
    Plan,
    Ranking,
    Sharing,
    Step,
    Verify,
    frame_name,
    table_name,
)
from accord.language.contract import (
    Contract,
    PartyOfRow,
    PeriodItem,
    Quantity,
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


def make_plan(contract: Contract, run: Run, wanted: Iterable[str] | None = None) -> Plan:
    """The plan of a contract for one run. ``wanted``: the quantities to keep (None: all of them).

    What payments, notices and checks need is always computed and kept.
    """
    return _Planner(contract, run).plan(None if wanted is None else set(wanted))


class _Planner:
    def __init__(self, contract: Contract, run: Run) -> None:
        self.contract = contract
        self.run = run
        self.making = Making()
        self.figures = Figures(contract, run, self.making)
        self.frames: dict[str, Frame] = {}
        self.steps: list[Step] = []
        self.made: dict[tuple[Any, ...], str] = {}
        self.relations: dict[str, Gathering] = {}
        self.results: dict[str, list[str]] = {}
        self.number = 0
        self.lowered: dict[tuple[int, str], Expr] = {}
        self.alive: list[Node] = []

    # -- frames

    def frame(self, rows: RowSet) -> str:
        name = frame_name(rows)
        if name not in self.frames:
            nowhere = Place("", 0, 0)
            projection = tuple(self.path(path, f"joined:{name}", nowhere) for path in rows.paths)
            self.frames[name] = Frame(name, rows, projection)
        return name

    def own_keys(self, frame: str) -> tuple[Expr, ...]:
        return tuple(self.own_key(key) for key in self.frames[frame].keys)

    def own_key(self, key: str) -> Expr:
        return self.making.make(OwnColumn, "text", False, f"key:{key}")

    # -- paths

    def path(self, path: KeyPath, frame: str, place: Place) -> Expr:
        match path:
            case OwnKey(key=key):
                return self.own_key(key)
            case EnclosingPeriod(key=key, of=of):
                inner, items = self.path(of, frame, place), self.items(of)
                cases = [
                    (item.label, self.making.const("text", outer.label))
                    for item in items
                    if (outer := _enclosing(item, self.contract.keys[key].items)) is not None
                ]
                whole = len(cases) == len(items)
                expr = self.making.pick("text", inner, cases, None)
                return self.making.known(expr) if whole and not inner.nullable else expr
            case HeldByColumn(table=table, column=column, at=at):
                return self.column(table, column, at, frame, place)
            case BorneByQuantity(quantity=quantity, at=at):
                return self.quantity(quantity, at, frame, place)

    def items(self, path: KeyPath) -> Sequence[PeriodItem]:
        """The periods that a path can lead to: those of the run, where it is a key of the row itself."""
        every = self.contract.keys[path.key].items
        return (self.run.periods.get(path.key) or every) if isinstance(path, OwnKey) else every

    def column(self, table: str, column: str, at: tuple[KeyPath, ...], frame: str, place: Place) -> Expr:
        described = self.contract.tables[table]
        keys = tuple(self.path(part, frame, place) for part in at)
        lookup = self.making.lookup(table_name(table), keys, not described.optional, place)
        held = described.column(column)
        nullable = held.type.missing or described.optional or any(key.nullable for key in keys)
        return self.making.make(Read, KINDS[held.type.kind], nullable, lookup, column)

    def quantity(self, name: str, at: tuple[KeyPath, ...], frame: str, place: Place) -> Expr:
        quantity = self.contract.quantities[name]
        source = self.frame(quantity.rows)
        kind, missing = KINDS[quantity.type.kind], quantity.type.missing
        keys = tuple(self.path(part, frame, place) for part in at)
        if source == frame and all(a is b for a, b in zip(keys, self.own_keys(frame), strict=True)):
            return self.making.make(OwnColumn, kind, missing, f"q:{name}")
        lookup = self.making.lookup(source, keys, True, place)
        return self.making.make(Read, kind, missing or any(key.nullable for key in keys), lookup, f"q:{name}")

    # -- formulas

    def lower(self, node: Node, frame: str) -> Expr:
        key = (id(node), frame)
        found = self.lowered.get(key)
        if found is None:
            found = self.lowered[key] = self._lower(node, frame)
            self.alive.append(node)  # so that its id stays its own
        return found

    def _lower(self, node: Node, frame: str) -> Expr:
        kind = KINDS[node.type.kind]
        match node:
            case Literal_(value=value):
                return self.making.const(kind, value)
            case KeyValue(path=path):
                return self.path(path, frame, node.place)
            case ColumnValue(table=table, column=column, at=at):
                return self.column(table, column, at, frame, node.place)
            case QuantityValue(quantity=quantity, at=at):
                return self.quantity(quantity, at, frame, node.place)
            case ParameterValue() | ScaleValue():
                members = tuple(self.lower(part, frame) for part in node.by)
                on = None if node.on is None else self.lower(node.on, frame)
                period = None if node.period is None else self.path(node.period, frame, node.place)
                items = () if node.period is None else self.items(node.period)
                x = self.lower(node.argument, frame) if isinstance(node, ScaleValue) else None
                return self.figures.read(node, x, members, on, period, items)
            case Arithmetic(operator=operator, left=left, right=right):
                return self.making.binary(operator, self.lower(left, frame), self.lower(right, frame), node.place)
            case Negative(operand=operand):
                inner = self.lower(operand, frame)
                return self.making.make(Minus, "number", inner.nullable, inner, False)
            case Absolute(operand=operand):
                inner = self.lower(operand, frame)
                return self.making.make(Minus, "number", inner.nullable, inner, True)
            case Comparison(operator=operator, left=left, right=right):
                return self.making.compare(operator, self.lower(left, frame), self.lower(right, frame))
            case Logic(operator=operator, left=left, right=right):
                a, b = self.lower(left, frame), self.lower(right, frame)
                return self.making.make(Both, "flag", a.nullable or b.nullable, operator, a, b)
            case Not(operand=operand):
                inner = self.lower(operand, frame)
                return self.making.make(Negation, "flag", inner.nullable, inner)
            case IsMissing(operand=operand, negated=negated):
                return self.making.make(Missing, "flag", False, self.lower(operand, frame), negated)
            case OneOf(operand=operand, options=options):
                inner = self.lower(operand, frame)
                listed = tuple(self.lower(option, frame) for option in options)
                nullable = inner.nullable or any(option.nullable for option in listed)
                return self.making.make(Among, "flag", nullable, inner, listed)
            case Choice(branches=branches, otherwise=otherwise):
                listed_branches = [(self.lower(c, frame), self.lower(v, frame)) for c, v in branches]
                return self.making.case(
                    kind, listed_branches, None if otherwise is None else self.lower(otherwise, frame)
                )
            case Extreme(which=which, operands=operands):
                listed = tuple(self.lower(operand, frame) for operand in operands)
                return self.making.make(Least, kind, any(o.nullable for o in listed), which == "greatest", listed)
            case Coalesce(operands=operands):
                listed = tuple(self.lower(operand, frame) for operand in operands)
                return self.making.make(FirstOf, kind, all(o.nullable for o in listed), listed)
            case PeriodLength(unit=unit, path=path):
                items = self.items(path)
                lengths = {item.label: _length(item, unit) for item in items}
                of = self.path(path, frame, node.place)
                if len(set(lengths.values())) == 1 and not of.nullable:
                    return self.making.const("number", Fraction(next(iter(lengths.values()))))
                cases = [(label, self.making.const("number", Fraction(length))) for label, length in lengths.items()]
                return self.making.whole_pick("number", of, cases)
            case PeriodDay(which=which, path=path):
                items = self.items(path)
                cases = [(i.label, self.making.const("date", i.first if which == "first" else i.last)) for i in items]
                return self.making.whole_pick("date", self.path(path, frame, node.place), cases)
            case DaysBetween(start=start, end=end):
                a, b = self.lower(start, frame), self.lower(end, frame)
                return self.making.make(Days, "number", a.nullable or b.nullable, a, b)
            case Gather():
                return self.gather(node, frame)
            case EndOf():
                return self.end_of(node, frame)
            case Prior(of=of, steps=steps, period=period):
                return self.back(of, steps, period, frame)
            case TrailingAverage(of=of, count=count, period=period):
                return self.trailing(of, self.lower(count, frame), period, frame, node.place)
            case Rank(partition=partition, order=order):
                groups = tuple(self.path(part, frame, node.place) for part in partition)
                ordered = tuple((self.lower(expr, frame), descending) for expr, descending in order)
                key = ("rank", frame, tuple(map(id, groups)), tuple((id(e), d) for e, d in ordered))
                if key not in self.made:
                    self.made[key] = column = self.name("rank")
                    self.steps.append(Ranking(frame, column, groups, ordered, "rank", node.place))
                return self.making.make(OwnColumn, "number", False, self.made[key])
            case Allocate(pool=pool, weight=weight, floor=floor, group=group, step=step):
                column = self.name("allocate")
                lowered = None if floor is None else self.lower(floor, frame)
                groups = tuple(self.path(part, frame, node.place) for part in group)
                pooled, weighed = self.lower(pool, frame), self.lower(weight, frame)
                shared = Sharing(frame, column, pooled, weighed, lowered, groups, step, "allocate", node.place)
                self.steps.append(shared)
                nullable = pooled.nullable or any(part.nullable for part in groups)
                return self.making.make(OwnColumn, "number", nullable, column)
            case _:
                raise TypeError(f"no plan for {type(node).__name__}")

    def name(self, what: str) -> str:
        self.number += 1
        return f"{what}:{self.number}"

    # -- across rows

    def gather(self, node: Gather, frame: str) -> Expr:
        kind = KINDS[node.type.kind]
        source = self.frame(node.rows)
        match = tuple(self.path(part, source, node.place) for part in node.match)
        where = None if node.where is None else self.lower(node.where, source)
        value = None if node.value is None else self.lower(node.value, source)
        how: GatherHow = "sorted" if node.how == "quantile" else node.how
        if how == "count":
            value = None
        name = self.gathering(source, match, how, value, where, node.how, node.place)
        own = tuple(self.own_key(key) for key in node.keys)
        found = self.making.lookup(name, own, False, node.place)
        valued = value is not None and value.nullable
        if how in ("sum", "count"):
            read = self.making.make(Read, kind, True, found, "value")
            if not valued:
                return self.making.make(FirstOf, kind, False, (read, self.making.const("number", Fraction(0))))
            there = self.making.make(Found, "flag", False, found)
            return self.making.case(kind, [(there, read)], self.making.const("number", Fraction(0)))
        if how != "sorted":
            return self.making.make(Read, kind, True, found, "value")
        assert node.fraction is not None
        counted = self.gathering(source, match, "count", None, where, "count", node.place)
        count = self.making.make(Read, "number", True, self.making.lookup(counted, own, False, node.place), "value")
        fraction = self.lower(node.fraction, frame)
        if not (isinstance(fraction, Const) and isinstance(fraction.value, Fraction) and 0 <= fraction.value <= 1):
            zero, one = self.making.const("number", Fraction(0)), self.making.const("number", Fraction(1))
            outside = self.making.make(
                Both,
                "flag",
                fraction.nullable,
                "or",
                self.making.compare("<", fraction, zero),
                self.making.compare(">", fraction, one),
            )
            refused = self.making.fail("number", "quantile() takes a part between 0 and 1", node.place)
            fraction = self.making.case("number", [(outside, refused)], fraction)
        nearest = self.making.binary("*", count, fraction, node.place)
        up = self.making.make(Rounded, "number", True, nearest, Fraction(1), "ceiling")
        position = self.making.make(Least, "number", True, True, (up, self.making.const("number", Fraction(1))))
        return self.making.make(Element, kind, True, found, "value", position)

    def gathering(
        self,
        source: str,
        match: tuple[Expr, ...],
        how: GatherHow,
        value: Expr | None,
        where: Expr | None,
        label: str,
        place: Place,
    ) -> str:
        key = ("gather", source, tuple(map(id, match)), how, id(value), id(where))
        if key not in self.made:
            self.made[key] = name = self.name("gather")
            step = Gathering(name, source, match, how, value, where, label, place)
            self.relations[name] = step
            self.steps.append(step)
        return self.made[key]

    def end_of(self, node: EndOf, frame: str) -> Expr:
        source = self.frame(node.rows)
        match = tuple(self.path(part, source, node.place) for part in node.match)
        ends = tuple(self.making.const("text", label) for label in self.ends(node.period, node.inside, node.which))
        at_end: Expr = self.making.make(Among, "flag", False, self.own_key(node.period), ends)
        if node.where is not None:
            where = self.lower(node.where, source)
            at_end = self.making.make(Both, "flag", where.nullable, "and", at_end, where)
        value = self.lower(node.value, source)
        name = self.gathering(source, match, "max", value, at_end, node.which, node.place)
        found = self.making.lookup(name, tuple(self.own_key(key) for key in node.keys), False, node.place)
        return self.making.make(Read, KINDS[node.type.kind], True, found, "value")

    def ends(self, period: str, inside: str | None, which: str) -> list[str]:
        """The labels of the first or last periods inside each period ``inside``, or inside the run."""
        index = 0 if which == "first" else -1
        if inside is None:
            items = self.run.periods.get(period, ())
            return [items[index].label] if items else []
        found: list[str] = []
        for outer in self.contract.keys[inside].items:
            within = [i for i in self.contract.keys[period].items if outer.first <= i.first and i.last <= outer.last]
            if within:
                found.append(within[index].label)
        return found

    def back(self, of: ColumnValue | QuantityValue, steps: int, period: str, frame: str) -> Expr:
        """The same read, ``steps`` periods back along ``period``."""
        if isinstance(of, ColumnValue):
            key_names: tuple[str, ...] = self.contract.tables[of.table].keys
            relation, column = table_name(of.table), of.column
            kind = KINDS[self.contract.tables[of.table].column(of.column).type.kind]
        else:
            quantity = self.contract.quantities[of.quantity]
            key_names = quantity.rows.keys
            relation, column = self.frame(quantity.rows), f"q:{of.quantity}"
            kind = KINDS[quantity.type.kind]
        labels = [item.label for item in self.run.periods.get(period, ())]
        earlier = [(now, self.making.const("text", labels[i - steps])) for i, now in enumerate(labels) if i >= steps]
        keys: list[Expr] = []
        for key, path in zip(key_names, of.at, strict=True):
            expr = self.path(path, frame, of.place)
            keys.append(self.making.pick("text", expr, earlier, None) if key == period and steps else expr)
        return self.making.make(Read, kind, True, self.making.lookup(relation, tuple(keys), False, of.place), column)

    def trailing(self, of: ColumnValue | QuantityValue, count: Expr, period: str, frame: str, place: Place) -> Expr:
        consts = [e.value for e in everything([count]) if isinstance(e, Const)]
        lengths = sorted({int(value) for value in consts if isinstance(value, Fraction)})

        def mean(n: int) -> Expr:
            total = self.back(of, 0, period, frame)
            for i in range(1, n):
                total = self.making.binary("+", total, self.back(of, i, period, frame), place)
            return self.making.binary("/", total, self.making.const("number", Fraction(n)), place)

        if isinstance(count, Const):
            return mean(lengths[0])
        branches = [
            (self.making.compare("=", count, self.making.const("number", Fraction(n))), mean(n))
            for n in lengths
            if n > 0
        ]
        return self.making.case("number", branches, None)

    # -- the whole

    def plan(self, wanted: set[str] | None) -> Plan:
        contract = self.contract
        for quantity in contract.quantities.values():
            self.frame(quantity.rows)
        for group in contract.order:
            if len(group) == 1 and group[0] not in contract.loop_period:
                self.compute(contract.quantities[group[0]])
            else:
                self.loop(group)
        for check in contract.checks:
            frame = self.frame(check.rows)
            self.steps.append(Verify(frame, self.lower(check.condition, frame), check))
        kept = set(contract.quantities) if wanted is None else set(wanted)
        payments: list[tuple[PartyColumns, PartyColumns]] = []
        for payment in contract.payments:
            kept.add(payment.quantity)
            frame = self.frame(contract.quantities[payment.quantity].rows)
            payments.append((self.party(payment.payer, frame), self.party(payment.receiver, frame)))
        notices: list[tuple[PartyColumns, str | None]] = []
        for notice in contract.notices:
            kept.add(notice.when)
            frame = self.frame(contract.quantities[notice.when].rows)
            days = (
                None if notice.days is None else self.days(notice.days, contract.quantities[notice.when], notice.place)
            )
            notices.append((self.party(notice.about, frame), days))
        for name in contract.quantities:
            if name in kept:
                frame = self.frame(contract.quantities[name].rows)
                self.results.setdefault(frame, []).insert(
                    sum(column.startswith("q:") for column in self.results.get(frame, [])), f"q:{name}"
                )
        loops = {f"q:{name}": frame_name(contract.quantities[name].rows) for name in contract.loop_period}
        steps = tuple(_needed(self.steps, self.results))
        return Plan(
            contract,
            self.frames,
            steps,
            loops,
            {frame: tuple(columns) for frame, columns in self.results.items()},
            tuple(payments),
            tuple(notices),
            self.relations,
            self.varying(steps),
        )

    def varying(self, steps: Sequence[Step]) -> frozenset[str]:
        """The relations that differ by world: what comes from a table that does, or reads such a relation."""
        if len(self.run.worlds) < 2:
            return frozenset()
        found = {table_name(name) for name, table in self.run.tables.items() if table.has_worlds}
        parts = [part for step in steps for part in (step.steps if isinstance(step, Loop) else (step,))]
        before = -1
        while len(found) != before:
            before = len(found)
            for name, frame in self.frames.items():
                sources = {table_name(source) for source in frame.rows.sources}
                if sources & found or _differs(frame.projection, found):
                    found.add(name)
            for part in parts:
                assert not isinstance(part, Loop)
                if part.frame in found or _differs(part.exprs, found):
                    found.add(part.frame)
                    if isinstance(part, Gathering):
                        found.add(part.name)
        return frozenset(found)

    def compute(self, quantity: Quantity) -> None:
        frame = self.frame(quantity.rows)
        expr = self.versions(quantity, frame)
        if quantity.rounding is not None:
            rounding = quantity.rounding
            expr = self.making.make(Rounded, "number", expr.nullable, expr, rounding.step, rounding.rule)
        place = quantity.place
        exact = quantity.type.exact or quantity.rounding is not None
        required = expr.nullable and not quantity.type.missing
        self.steps.append(Compute(frame, f"q:{quantity.name}", expr, quantity.name, place, exact, required))

    def versions(self, quantity: Quantity, frame: str) -> Expr:
        """A dated formula is one choice on the row's shortest period."""
        if quantity.versions[0].since is None:
            return self.lower(quantity.versions[0].formula, frame)
        kind = KINDS[quantity.type.kind]
        period = shortest_period(self.contract, quantity.rows.keys)

        def on(day: dt.date) -> Expr:
            inforce = [v for v in quantity.versions if v.since is None or v.since <= day]
            if not inforce:
                return self.making.fail(
                    kind, f"{quantity.name} has no formula on {day}", quantity.place, "add one that begins by then"
                )
            return self.lower(inforce[-1].formula, frame)

        if period is None:
            return on(self.contract.term.first)
        items = self.run.periods.get(period) or self.contract.keys[period].items
        return self.making.whole_pick(kind, self.own_key(period), [(item.label, on(item.first)) for item in items])

    def loop(self, group: tuple[str, ...]) -> None:
        outer, self.steps = self.steps, []
        for name in group:
            self.compute(self.contract.quantities[name])
        inner, self.steps = self.steps, outer
        turning = self.contract.loop_period[group[0]]
        members = {f"q:{name}": frame_name(self.contract.quantities[name].rows) for name in group}
        inside: list[Step] = []
        made_inside: set[tuple[str, str]] = set((frame, column) for column, frame in members.items())
        for step in inner:  # what does not look at the loop need not turn with it
            assert not isinstance(step, Loop)
            frame = step.frame
            depends = isinstance(step, Compute) or any(
                (isinstance(e, OwnColumn) and (frame, e.name) in made_inside)
                or (isinstance(e, Read | Found | Element) and _reads_one_of(e, made_inside))
                for e in everything(step.exprs)
            )
            if not depends:
                self.steps.append(step)
                continue
            inside.append(step)
            match step:
                case Gathering(name=name):
                    made_inside.add((name, "value"))
                case Ranking(column=column) | Sharing(column=column):
                    made_inside.add((frame, column))
                case _:
                    pass
        labels = {step.frame: self.loop_label(step.frame, turning) for step in inside if not isinstance(step, Loop)}
        self.steps.append(Loop(turning, tuple(inside), labels))

    def loop_label(self, frame: str, turning: str) -> Expr:
        keys = self.frames[frame].keys
        if turning in keys:
            return self.own_key(turning)
        for key in keys:
            path = period_path(self.contract, key, turning)
            if path is not None:
                return self.path(path, frame, Place("", 0, 0))
        raise SettlementStopped(
            Problem(Place("", 0, 0), f"rows of [{', '.join(keys)}] do not lie in one {turning}, on which a loop turns")
        )

    def party(self, party: PartyOfRow, frame: str) -> PartyColumns:
        return PartyColumns(self.hidden(party.member, frame), self.hidden(party.payee, frame))

    def hidden(self, node: Node | None, frame: str) -> str | None:
        """A column beside the quantities, for what payments and notices must know of a row."""
        if node is None:
            return None
        expr = self.lower(node, frame)
        if isinstance(expr, OwnColumn) and expr.name.startswith("key:"):
            return expr.name
        key = ("hidden", frame, id(expr))
        if key not in self.made:
            self.made[key] = column = self.name("party")
            self.steps.append(Compute(frame, column, expr, "party", node.place))
            self.results.setdefault(frame, []).append(column)
        return self.made[key]

    def days(self, name: str, quantity: Quantity, place: Place) -> str | None:
        """The column with the days of a notice: a quantity of the same rows, or a parameter."""
        frame = frame_name(quantity.rows)
        held = self.contract.quantities.get(name)
        if held is not None:
            at = tuple(OwnKey(key) for key in held.rows.keys)
            return self.hidden(QuantityValue(held.type, place, name, at), frame)
        parameter = self.contract.parameters[name]
        period = shortest_period(self.contract, quantity.rows.keys)
        at_period = None if period is None else OwnKey(period)
        return self.hidden(ParameterValue(parameter.type, place, name, (), None, at_period), frame)


# -- small things ------------------------------------------------------------------------------------------------------


def _reads_one_of(expr: Read | Found | Element, made: set[tuple[str, str]]) -> bool:
    if isinstance(expr, Found):
        return any(relation == expr.lookup.relation for relation, _ in made)
    return (expr.lookup.relation, expr.column) in made


def _differs(exprs: Iterable[Expr], varying: set[str]) -> bool:
    """Whether any of these reads something that differs by world."""
    for expr in everything(exprs):
        match expr:
            case OwnColumn(name=name) if name == WORLD:
                return True
            case Read(lookup=lookup) | Found(lookup=lookup) | Element(lookup=lookup):
                if lookup.relation in varying:
                    return True
            case _:
                pass
    return False


def _enclosing(item: PeriodItem, outer: Iterable[PeriodItem]) -> PeriodItem | None:
    return next((o for o in outer if o.first <= item.first <= o.last), None)


def _length(item: PeriodItem, unit: str) -> int:
    after = item.last + dt.timedelta(1)
    if unit == "days":
        return (after - item.first).days
    return (after.year - item.first.year) * 12 + after.month - item.first.month


def shortest_period(contract: Contract, keys: Iterable[str]) -> str | None:
    """The key among ``keys`` whose periods are shortest; None if none is a period."""
    periods = [key for key in keys if contract.keys[key].is_period]
    if not periods:
        return None

    def length(key: str) -> dt.timedelta:
        item = contract.keys[key].items[0]
        return item.last - item.first

    return min(periods, key=length)


def period_path(contract: Contract, key: str, turning: str) -> KeyPath | None:
    """How the period ``turning`` follows from the period ``key``; None if it does not."""
    path: KeyPath = OwnKey(key)
    while key != turning:
        outer = contract.keys[key].within
        if outer is None:
            return None
        path = EnclosingPeriod(outer, key, path)
        key = outer
    return path


def _needed(steps: Sequence[Step], results: Mapping[str, Sequence[str]]) -> list[Step]:
    """The steps that something asks for: results, checks, and what they read."""
    needed: set[tuple[str, str]] = {(frame, column) for frame, columns in results.items() for column in columns}

    def note(frame: str, exprs: Iterable[Expr]) -> None:
        for expr in everything(exprs):
            match expr:
                case OwnColumn(name=name):
                    needed.add((frame, name))
                case Read(lookup=lookup, column=column) | Element(lookup=lookup, column=column):
                    needed.add((lookup.relation, column))
                case Found(lookup=lookup):
                    needed.add((lookup.relation, "value"))
                case _:
                    pass

    def wanted(step: Step) -> bool:
        match step:
            case Verify():
                return True
            case Gathering(name=name):
                return (name, "value") in needed
            case Loop(steps=inner):
                return any(wanted(part) for part in inner)
            case _:
                return (step.frame, step.column) in needed

    kept: list[Step] = []
    for step in reversed(steps):
        if wanted(step):
            kept.append(step)
            for part in step.steps if isinstance(step, Loop) else (step,):
                assert not isinstance(part, Loop)
                note(part.frame, part.exprs)
            if isinstance(step, Loop):
                for frame, label in step.labels.items():
                    note(frame, [label])
    return kept[::-1]
