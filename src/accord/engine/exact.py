"""Exact numbers as whole numbers, and scalar expressions brought down to them.

A :class:`Number` is ``factor * n / (d1 * d2 * …)``: a column of whole numbers, a constant fraction known beforehand,
and for an unrounded quotient the columns it was divided by, each above 0 wherever the value is used. Constants fold
into the factor, so what reaches the data is whole numbers only, and few of them. Comparisons cross-multiply; rounding
is division of whole numbers by a named rule.

:class:`RowFormulas` does this for the expressions of one row, and says on the side where they must not be used:
division by 0, a row that is not there, a member or a point that a parameter does not cover.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

from accord.engine.expressions import (
    Among,
    Binary,
    Both,
    Case,
    Compare,
    Const,
    Days,
    Element,
    Expr,
    Fail,
    FirstOf,
    Found,
    Kind,
    Least,
    Lookup,
    Minus,
    Missing,
    Negation,
    OwnColumn,
    Pick,
    Read,
    Rounded,
    parts,
)
from accord.engine.whole import Op, OpKind, Program
from accord.language.place import Place
from accord.language.rounding import RoundingRule, decimal_places, round_fraction

Limit = Fraction | None


@dataclass(frozen=True, slots=True)
class Number:
    """``factor * n / product(dens)``, missing where ``n`` is; in [lo, hi] where it is used (None: nothing is known)."""

    n: Op
    dens: tuple[Op, ...] = ()
    factor: Fraction = Fraction(1)
    lo: Limit = None
    hi: Limit = None

    @property
    def zero(self) -> bool:
        """Whether it is the constant 0."""
        return self.n.constant and self.n.value == 0

    @property
    def nothing(self) -> bool:
        """Whether it is the constant missing."""
        return self.n.constant and self.n.value is None


Cell = Number | Op
"""What an expression gives: a number, or a flag, text or date."""


@dataclass(frozen=True, slots=True)
class Held:
    """How a relation holds a column: its kind, and for a number n (and d) with the intervals measured."""

    kind: Kind
    nullable: bool
    factor: Fraction = Fraction(1)
    lo: int | None = None
    hi: int | None = None
    quotient: bool = False
    d_lo: int | None = None
    d_hi: int | None = None
    listed: bool = False
    """The column holds sorted lists of numbers."""
    values: tuple[Limit, Limit] | None = None
    """What is known of a quotient's value."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """Which column an operation reads: of the row itself, or of the row that a lookup finds."""

    lookup: Lookup | None
    column: str
    part: str = ""
    """``n`` and ``d`` of a quotient; ``found``: whether there is such a row."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Where ``when`` is true, the run must stop."""

    when: Op
    message: str
    place: Place
    fix: str = ""


SAFE = "say what holds then: case when … > 0 then … else … end"

MANY = 8
"""A choice between more constants than this is looked up in a relation, where an engine has such relations."""


class Columns(Protocol):
    """What an engine knows of the relations it holds."""

    def held(self, relation: str, column: str) -> Held:
        """How a column of a relation is held."""
        ...

    def always_found(self, frame: str, lookup: Lookup) -> bool:
        """Whether every row of the frame is certain to find its row."""
        ...

    def own_lookup(self, frame: str, column: str) -> Lookup | None:
        """The lookup by which a row finds a column of its own that is held elsewhere; None: it is at hand."""
        ...

    def listed(self, pick: Pick) -> Lookup | None:
        """The lookup, in column ``value``, that does what a choice between constants says; None: print the choice."""
        ...


OP_KINDS: dict[Kind, OpKind] = {"number": "int", "flag": "bool", "text": "text", "date": "date"}


class Arithmetic:
    """Arithmetic of exact numbers, as operations of a program."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def constant(self, value: Fraction) -> Number:
        """A constant."""
        sign = (value > 0) - (value < 0)
        return Number(self.program.whole(sign), (), abs(value) if value else Fraction(1), value, value)

    def missing(self) -> Number:
        """A missing number."""
        return Number(self.program.missing("int"))

    def common(self, numbers: Sequence[Number]) -> tuple[list[Op], tuple[Op, ...], Fraction]:
        """The numbers over one denominator and with one factor: their whole numbers, the denominator, the factor."""
        program = self.program
        union: Counter[int] = Counter()
        by_id = {id(d): d for number in numbers for d in number.dens}
        for number in numbers:
            union |= Counter(map(id, number.dens))
        unit = common_unit([number.factor for number in numbers if not number.zero and not number.nothing])
        wholes: list[Op] = []
        for number in numbers:
            if number.zero or number.nothing:
                wholes.append(number.n)
                continue
            lacking = union - Counter(map(id, number.dens))
            scaled = program.times(number.n, int(number.factor / unit))
            wholes.append(program.multiply(program.product(by_id[i] for i in lacking.elements()), scaled))
        return wholes, _ordered(by_id[i] for i in union.elements()), unit

    def add(self, a: Number, b: Number, sign: int = 1) -> Number:
        """A + b, or a - b."""
        if b.zero:
            return a
        if a.zero:
            return b if sign > 0 else self.negative(b)
        (x, y), dens, unit = self.common([a, b])
        n = self.program.add(x, y) if sign > 0 else self.program.subtract(x, y)
        lo = _plus(a.lo, b.lo if sign > 0 else _less(b.hi))
        hi = _plus(a.hi, b.hi if sign > 0 else _less(b.lo))
        return self.tighten(Number(n, dens, unit, lo, hi))

    def tighten(self, number: Number) -> Number:
        """The value of an exact decimal cannot leave what its whole number allows."""
        if number.dens:
            return number
        lo = None if number.n.lo is None else number.n.lo * number.factor
        hi = None if number.n.hi is None else number.n.hi * number.factor
        return replace(number, lo=_highest(number.lo, lo), hi=_lowest(number.hi, hi))

    def negative(self, a: Number) -> Number:
        """-a."""
        return Number(self.program.negative(a.n), a.dens, a.factor, _less(a.hi), _less(a.lo))

    def absolute(self, a: Number) -> Number:
        """The size of a."""
        largest = None if a.lo is None or a.hi is None else max(abs(a.lo), abs(a.hi))
        return Number(self.program.absolute(a.n), a.dens, a.factor, Fraction(0), largest)

    def multiply(self, a: Number, b: Number) -> Number:
        """A * b."""
        if (a.zero and not b.n.nullable) or (b.zero and not a.n.nullable):
            return self.constant(Fraction(0))
        lo, hi = _products(a.lo, a.hi, b.lo, b.hi)
        n = self.program.multiply(a.n, b.n)
        return self.tighten(Number(n, _ordered((*a.dens, *b.dens)), a.factor * b.factor, lo, hi))

    def divide(self, a: Number, b: Number) -> Number:
        """A / b; where b is 0 it must not be used."""
        program = self.program
        if b.zero or b.nothing:
            return self.missing()
        d = b.n
        n, over = a.n, Counter(map(id, b.dens))
        under = Counter(map(id, a.dens))
        by_id = {id(op): op for op in (*a.dens, *b.dens)}
        n = program.multiply(program.product(by_id[i] for i in (over - under).elements()), n)
        dens = [by_id[i] for i in (under - over).elements()]
        factor = a.factor / b.factor
        if d.constant:
            n, factor = n if d.value > 0 else program.negative(n), factor / abs(d.value)
        else:
            if d.hi is not None and d.hi <= 0:
                n = program.negative(n)
            elif d.lo is None or d.lo < 0:
                n = program.case([(program.compare("<", d, program.whole(0)), program.negative(n))], n)
            if d.nullable:
                n = program.case([(program.is_missing(d), program.missing("int"))], n)
            dens.append(program.absolute(d))
        lo, hi = _quotients(a, b)
        return self.tighten(Number(n, _ordered(dens), factor, lo, hi))

    def compare(self, operator: str, a: Number, b: Number) -> Op:
        """A comparison by cross-multiplication."""
        (x, y), _, _ = self.common([a, b])
        return self.program.compare(operator, x, y)

    def extreme(self, greatest: bool, numbers: Sequence[Number]) -> Number:
        """The least or greatest; missing if any is."""
        wholes, dens, unit = self.common(numbers)
        lows, highs = [number.lo for number in numbers], [number.hi for number in numbers]
        if greatest:
            lo = max((low for low in lows if low is not None), default=None)
            hi = None if None in highs else max(high for high in highs if high is not None)
        else:
            lo = None if None in lows else min(low for low in lows if low is not None)
            hi = min((high for high in highs if high is not None), default=None)
        return Number(self.program.extreme(greatest, wholes), dens, unit, lo, hi)

    def choose(self, numbers: Sequence[Number], build: Build) -> Number:
        """One of several numbers: brought to one form, then chosen by ``build`` from the whole numbers."""
        program = self.program
        there = [number for number in numbers if not number.nothing]
        if not there:
            return self.missing()
        unit = common_unit([number.factor for number in there if not number.zero])
        lows, highs = [number.lo for number in there], [number.hi for number in there]
        lo = None if None in lows else min(low for low in lows if low is not None)
        hi = None if None in highs else max(high for high in highs if high is not None)
        wholes = [
            number.n if number.nothing or number.zero else program.times(number.n, int(number.factor / unit))
            for number in numbers
        ]
        forms = {tuple(map(id, number.dens)) for number in there}
        n = build(wholes)
        if len(forms) == 1:
            return Number(n, there[0].dens, unit, lo, hi)
        d = build([program.product(number.dens) for number in numbers])
        return Number(n, () if d.constant else (d,), unit, lo, hi)

    def rounded(self, a: Number, step: Fraction, rule: RoundingRule) -> Number:
        """Rounded to a whole multiple of ``step``."""
        program = self.program
        ratio = a.factor / step
        lo = None if a.lo is None else round_fraction(a.lo, step, rule)
        hi = None if a.hi is None else round_fraction(a.hi, step, rule)
        if a.nothing:
            return a
        n = program.times(a.n, ratio.numerator)
        if ratio.denominator == 1 and not a.dens:
            return self.tighten(Number(n, (), step, lo, hi))
        d = program.times(program.product(a.dens), ratio.denominator)
        low = None if lo is None else int(lo / step)
        high = None if hi is None else int(hi / step)
        return self.tighten(Number(self.divided(n, d, rule, low, high), (), step, lo, hi))

    def divided(self, n: Op, d: Op, rule: RoundingRule, lo: int | None, hi: int | None) -> Op:
        """N / d (d above 0) rounded to a whole number, by integer arithmetic; the result lies in [lo, hi]."""
        program = self.program
        zero, one = program.whole(0), program.whole(1)
        never_below = n.lo is not None and n.lo >= 0
        never_above = n.hi is not None and n.hi <= 0

        def signed(x: Op) -> Op:
            """X with the sign of n."""
            if never_below:
                return x
            if never_above:
                return program.negative(x)
            return program.case([(program.compare("<", n, zero), program.negative(x))], x)

        match rule:
            case "half_up":
                if d.constant and d.value is not None and d.value % 2 == 0:
                    return program.divide(program.add(n, signed(program.whole(d.value // 2))), d, lo, hi)
                return program.divide(program.add(program.times(n, 2), signed(d)), program.times(d, 2), lo, hi)
            case "down":
                return program.divide(n, d, lo, hi)
            case "up":
                return program.divide(program.add(n, signed(program.subtract(d, one))), d, lo, hi)
            case "floor":
                whole = program.divide(n, d, lo, None if hi is None else hi + 1)
                if never_below:
                    return whole
                short = program.compare("<", program.remainder(n, d), zero)
                return program.case([(short, program.subtract(whole, one))], whole)
            case "ceiling":
                whole = program.divide(n, d, None if lo is None else lo - 1, hi)
                if never_above:
                    return whole
                over = program.compare(">", program.remainder(n, d), zero)
                return program.case([(over, program.add(whole, one))], whole)
            case "half_even":
                whole = program.divide(n, d, None if lo is None else lo - 1, None if hi is None else hi + 1)
                rest = program.times(program.absolute(program.remainder(n, d)), 2)
                odd = program.compare("<>", program.remainder(whole, program.whole(2)), zero)
                tie = program.both(program.compare("=", rest, d), odd)
                away = program.either(program.compare(">", rest, d), tie)
                return program.case([(away, program.add(whole, signed(one)))], whole)

    def stored(self, a: Number, exact: bool) -> tuple[Op, Op | None, Fraction]:
        """What to keep of a number: n, d for a quotient, and the factor of n (a power of ten)."""
        program = self.program
        if exact and not a.dens:
            places = decimal_places(a.factor)
            if places is not None:
                return program.times(a.n, int(a.factor * 10**places)), None, Fraction(1, 10**places)
        n = program.times(a.n, a.factor.numerator)
        return n, program.times(program.product(a.dens), a.factor.denominator), Fraction(1)


class Build(Protocol):
    """Puts chosen values together."""

    def __call__(self, values: list[Op], /) -> Op:
        """The choice between the values."""
        ...


# -- the expressions of a row ------------------------------------------------------------------------------------------

_Fact = tuple[str, int, int]


class RowFormulas:
    """The expressions of the rows of one frame, as operations.

    ``computed``: the columns that the statement at hand has already computed.
    """

    def __init__(self, program: Program, columns: Columns, frame: str) -> None:
        self.program = program
        self.numbers = Arithmetic(program)
        self.columns = columns
        self.frame = frame
        self.computed: dict[str, Cell] = {}
        self._cells: dict[int, Cell] = {}
        self._risky: dict[int, bool] = {}
        self._failures: dict[tuple[int, frozenset[_Fact]], list[Failure]] = {}
        self._kept: list[Expr] = []

    # -- values

    def number(self, expr: Expr) -> Number:
        """The value of a number."""
        cell = self.cell(expr)
        assert isinstance(cell, Number)
        return cell

    def plain(self, expr: Expr) -> Op:
        """The value of a flag, text or date."""
        cell = self.cell(expr)
        assert isinstance(cell, Op)
        return cell

    def cell(self, expr: Expr) -> Cell:
        """The value of an expression."""
        found = self._cells.get(id(expr))
        if found is None:
            found = self._cells[id(expr)] = self._cell(expr)
            self._kept.append(expr)
        return found

    def _cell(self, expr: Expr) -> Cell:
        program, numbers = self.program, self.numbers
        match expr:
            case Const(kind=kind, value=value):
                return self._constant(kind, value)
            case Fail(kind=kind):
                return numbers.missing() if kind == "number" else program.missing(OP_KINDS[kind])
            case OwnColumn(name=name):
                if name in self.computed:
                    return self.computed[name]
                elsewhere = self.columns.own_lookup(self.frame, name)
                relation = self.frame if elsewhere is None else elsewhere.relation
                return self.leaf(self.columns.held(relation, name), elsewhere, name, expr.nullable)
            case Read(lookup=lookup, column=column):
                return self.leaf(self.columns.held(lookup.relation, column), lookup, column, expr.nullable)
            case Found(lookup=lookup):
                return self.found(lookup)
            case Element(lookup=lookup, column=column, position=position):
                held = self.columns.held(lookup.relation, column)
                items = program.column(Leaf(lookup, column), "list", held.lo, held.hi, True)
                at = self.number(position)
                assert not at.dens and at.factor == 1
                return numbers.tighten(Number(program.nth(items, at.n), (), held.factor))
            case Pick(of=of, cases=cases, otherwise=otherwise):
                lookup = self._listed(expr)
                if lookup is not None:
                    return self.leaf(self.columns.held(lookup.relation, "value"), lookup, "value", expr.nullable)
                chooser = self.plain_or_world(of)
                cells = [self.cell(value) for _, value in cases]
                last = self._nothing_like(expr.kind) if otherwise is None else self.cell(otherwise)
                if of.nullable:  # a missing chooser must not fall into what is left
                    missing = self._nothing_like(expr.kind)
                    last = self._choose([missing, last], lambda vs: self._unless(program.is_missing(chooser), vs))
                labels = [label for label, _ in cases]
                return self._choose(
                    [*cells, last],
                    lambda vs: program.pick(chooser, list(zip(labels, vs[:-1], strict=True)), vs[-1]),
                )
            case Binary(operator=operator, left=left, right=right):
                a, b = self.number(left), self.number(right)
                match operator:
                    case "+":
                        return numbers.add(a, b)
                    case "-":
                        return numbers.add(a, b, -1)
                    case "*":
                        return numbers.multiply(a, b)
                    case _:
                        return numbers.divide(a, b)
            case Minus(operand=operand, absolute=absolute):
                inner = self.number(operand)
                return numbers.absolute(inner) if absolute else numbers.negative(inner)
            case Compare(operator=operator, left=left, right=right):
                return self._compare(operator, self.cell(left), self.cell(right))
            case Both(operator=operator, left=left, right=right):
                a, b = self.plain(left), self.plain(right)
                return program.both(a, b) if operator == "and" else program.either(a, b)
            case Negation(operand=operand):
                return program.negation(self.plain(operand))
            case Missing(operand=operand, negated=negated):
                missing = program.is_missing(self._presence(self.cell(operand)))
                return program.negation(missing) if negated else missing
            case Among(operand=operand, options=options):
                cell = self.cell(operand)
                if isinstance(cell, Op):
                    listed = [self.plain(option) for option in options]
                    if all(option.constant and option.value is not None for option in listed):
                        return program.among(cell, listed)
                return program.any_of(self._compare("=", cell, self.cell(option)) for option in options)
            case Case(branches=branches, otherwise=otherwise):
                conditions = [self.plain(condition) for condition, _ in branches]
                cells = [self.cell(value) for _, value in branches]
                cells.append(self._nothing_like(expr.kind) if otherwise is None else self.cell(otherwise))
                return self._choose(cells, lambda vs: self._strict_case(conditions, vs))
            case Least(greatest=greatest, operands=operands):
                cells = [self.cell(operand) for operand in operands]
                amounts = [cell for cell in cells if isinstance(cell, Number)]
                if amounts:
                    return numbers.extreme(greatest, amounts)
                return program.extreme(greatest, [cell for cell in cells if isinstance(cell, Op)])
            case FirstOf(operands=operands):
                cells = [self.cell(operand) for operand in operands]
                there = [program.negation(program.is_missing(self._presence(cell))) for cell in cells[:-1]]
                return self._choose(cells, lambda vs: program.case(list(zip(there, vs[:-1], strict=True)), vs[-1]))
            case Days(start=start, end=end):
                return numbers.tighten(Number(program.days(self.plain(start), self.plain(end))))
            case Rounded(operand=operand, step=step, rule=rule):
                return numbers.rounded(self.number(operand), step, rule)
            case _:
                raise TypeError(f"no operations for {type(expr).__name__}")

    def _listed(self, pick: Pick) -> Lookup | None:
        """The lookup that does what a choice between many constants says, if the engine has one."""
        if len(pick.cases) <= MANY or not (pick.otherwise is None or isinstance(pick.otherwise, Fail)):
            return None
        return self.columns.listed(pick) if all(isinstance(value, Const) for _, value in pick.cases) else None

    def plain_or_world(self, expr: Expr) -> Op:
        """A text, or the number of the world."""
        cell = self.cell(expr)
        return cell.n if isinstance(cell, Number) else cell

    def leaf(self, held: Held, lookup: Lookup | None, column: str, nullable: bool) -> Cell:
        """The value of a column that a relation holds."""
        program = self.program
        if held.kind != "number":
            return program.column(Leaf(lookup, column), OP_KINDS[held.kind], nullable=nullable)
        if not held.quotient:
            n = program.column(Leaf(lookup, column), "int", held.lo, held.hi, nullable)
            return self.numbers.tighten(Number(n, (), held.factor))
        n = program.column(Leaf(lookup, column, "n"), "int", held.lo, held.hi, nullable)
        d = program.column(Leaf(lookup, column, "d"), "int", held.d_lo, held.d_hi, nullable)
        lo, hi = held.values or (None, None)
        return Number(n, (d,), held.factor, lo, hi)

    def found(self, lookup: Lookup) -> Op:
        """Whether the lookup finds a row."""
        if self.columns.always_found(self.frame, lookup):
            return self.program.true
        return self.program.column(Leaf(lookup, "", "found"), "bool")

    def _constant(self, kind: Kind, value: object) -> Cell:
        program = self.program
        if kind == "number":
            return self.numbers.missing() if value is None else self.numbers.constant(Fraction(value))  # type: ignore[arg-type]
        if value is None:
            return program.missing(OP_KINDS[kind])
        if isinstance(value, bool):
            return program.flag(value)
        return program.text(value) if isinstance(value, str) else program.date(value)  # type: ignore[arg-type]

    def _nothing_like(self, kind: Kind) -> Cell:
        return self.numbers.missing() if kind == "number" else self.program.missing(OP_KINDS[kind])

    @staticmethod
    def _presence(cell: Cell) -> Op:
        return cell.n if isinstance(cell, Number) else cell

    def _compare(self, operator: str, a: Cell, b: Cell) -> Op:
        if isinstance(a, Number):
            assert isinstance(b, Number)
            return self.numbers.compare(operator, a, b)
        assert isinstance(b, Op)
        return self.program.compare(operator, a, b)

    def _choose(self, cells: Sequence[Cell], build: Build) -> Cell:
        amounts = [cell for cell in cells if isinstance(cell, Number)]
        if amounts:
            return self.numbers.choose(amounts, build)
        return build([cell for cell in cells if isinstance(cell, Op)])

    def _unless(self, missing: Op, values: list[Op]) -> Op:
        return self.program.case([(missing, values[0])], values[1])

    def _strict_case(self, conditions: Sequence[Op], values: list[Op]) -> Op:
        program = self.program
        branches: list[tuple[Op, Op]] = []
        for condition, value in zip(conditions, values[:-1], strict=True):
            if condition.nullable:
                kind = value.kind
                branches.append((program.is_missing(condition), program.missing(kind)))
            branches.append((condition, value))
        return program.case(branches, values[-1])

    # -- where they must not be used

    def stops(self, expr: Expr, required: bool, place: Place) -> list[Failure]:
        """What stops the run when a column is computed; ``required``: its being missing too."""
        found = self.failures(expr)
        if required:
            missing = self.program.is_missing(self._presence(self.cell(expr)))
            if missing is not self.program.false:
                return [*found, Failure(missing, "it is missing", place)]
        return found

    def risky(self, expr: Expr) -> bool:
        """Whether anything in an expression could fail, as far as its form shows."""
        known = self._risky.get(id(expr))
        if known is None:
            match expr:
                case Fail():
                    known = True
                case Binary(operator="/", right=right) if not _surely_not_zero(right):
                    known = True
                case Read(lookup=lookup) if lookup.required:
                    known = not self.columns.always_found(self.frame, lookup)
                case _:
                    known = False
            known = known or any(self.risky(part) for part in parts(expr))
            self._risky[id(expr)] = known
            self._kept.append(expr)
        return known

    def failures(self, expr: Expr, facts: frozenset[_Fact] = frozenset()) -> list[Failure]:
        """What would stop the run, if the expression is used at all."""
        if not self.risky(expr):
            return []
        key = (id(expr), facts)
        found = self._failures.get(key)
        if found is None:
            found = self._failures[key] = [f for f in self._failing(expr, facts) if f.when is not self.program.false]
        return found

    def _failing(self, expr: Expr, facts: frozenset[_Fact]) -> list[Failure]:
        program = self.program
        match expr:
            case Fail(message=message, place=place, fix=fix):
                return [Failure(program.true, message, place, fix)]
            case Binary(operator="/", left=left, right=right, place=place):
                found = [*self.failures(left, facts), *self.failures(right, facts)]
                divisor = self.number(right)
                if _surely_not_zero(right) or _proven(right, facts):
                    return found
                if divisor.n.lo is not None and divisor.n.hi is not None and (divisor.n.lo > 0 or divisor.n.hi < 0):
                    return found
                zero = program.compare("=", divisor.n, program.whole(0))
                there = program.negation(program.is_missing(self.number(left).n))
                return [*found, Failure(program.holds(program.both(there, zero)), "division by 0", place, SAFE)]
            case Read(lookup=lookup):
                found = [failure for key in lookup.keys for failure in self.failures(key, facts)]
                if lookup.required and not self.columns.always_found(self.frame, lookup):
                    keyed = program.all_of(program.negation(program.is_missing(self.plain(key))) for key in lookup.keys)
                    absent = program.negation(self.found(lookup))
                    name = lookup.relation.partition(":")[2]
                    what = name if lookup.relation.startswith("table:") else f"rows of [{name.replace(',', ', ')}]"
                    message = f"{what} has no row that is needed here"
                    if not lookup.relation.startswith("table:"):
                        message = f"there is no row of [{name.replace(',', ', ')}] to read here"
                    found.append(
                        Failure(program.both(keyed, absent), message, lookup.place, f"supply that row of {what}")
                    )
                return found
            case Both(operator=operator, left=left, right=right):
                a = self.plain(left)
                decided = program.holds(a if operator == "or" else program.negation(a))
                assumed = facts | (_facts(left) if operator == "and" else _facts_if_false(left))
                later = self._if(program.negation(decided), self.failures(right, assumed))
                return [*self.failures(left, facts), *later]
            case Case(branches=branches, otherwise=otherwise):
                found: list[Failure] = []
                reached = program.true
                for condition, value in branches:
                    found += self._if(reached, self.failures(condition, facts))
                    holds = self.plain(condition)
                    taken = program.both(reached, program.holds(holds))
                    found += self._if(taken, self.failures(value, facts | _facts(condition)))
                    fell = program.both(
                        program.negation(program.is_missing(holds)), program.negation(program.holds(holds))
                    )
                    reached = program.both(reached, fell)
                    facts = facts | _facts_if_false(condition)
                if otherwise is not None:
                    found += self._if(reached, self.failures(otherwise, facts))
                return found
            case FirstOf(operands=operands):
                found: list[Failure] = []
                reached = program.true
                for operand in operands:
                    found += self._if(reached, self.failures(operand, facts))
                    reached = program.both(reached, program.is_missing(self._presence(self.cell(operand))))
                return found
            case Pick(of=of, cases=cases, otherwise=otherwise):
                found = self.failures(of, facts)
                chooser = self.plain_or_world(of)
                make = program.whole if isinstance(cases[0][0] if cases else "", int) else program.text
                for label, value in cases:
                    if self.risky(value):
                        here = program.holds(program.compare("=", chooser, make(label)))  # type: ignore[arg-type]
                        found = [*found, *self._if(here, self.failures(value, facts))]
                if otherwise is not None and self.risky(otherwise):
                    lookup = self._listed(expr)
                    listed = (
                        program.among(chooser, [make(label) for label, _ in cases])  # type: ignore[arg-type]
                        if lookup is None
                        else self.found(lookup)
                    )
                    other = program.both(
                        program.negation(program.is_missing(chooser)), program.negation(program.holds(listed))
                    )
                    found = [*found, *self._if(other, self.failures(otherwise, facts))]
                return found
            case _:
                return [failure for part in parts(expr) for failure in self.failures(part, facts)]

    def _if(self, condition: Op, failures: Iterable[Failure]) -> list[Failure]:
        return [replace(failure, when=self.program.both(condition, failure.when)) for failure in failures]


# -- small things ------------------------------------------------------------------------------------------------------


def _surely_not_zero(expr: Expr) -> bool:
    return isinstance(expr, Const) and expr.value is not None and expr.value != 0


def _zero(expr: Expr) -> bool:
    return isinstance(expr, Const) and expr.value == 0 and not isinstance(expr.value, bool)


def _facts(condition: Expr) -> frozenset[_Fact]:
    """What differs from what, where a condition holds."""
    match condition:
        case Both(operator="and", left=left, right=right):
            return _facts(left) | _facts(right)
        case Negation(operand=operand):
            return _facts_if_false(operand)
        case Compare(operator=operator, left=left, right=right) if operator in ("<", ">", "<>"):
            return frozenset({("differ", id(left), id(right)), *_nonzero(left, right)})
        case _:
            return frozenset()


def _facts_if_false(condition: Expr) -> frozenset[_Fact]:
    match condition:
        case Both(operator="or", left=left, right=right):
            return _facts_if_false(left) | _facts_if_false(right)
        case Negation(operand=operand):
            return _facts(operand)
        case Compare(operator=operator, left=left, right=right) if operator in ("<=", ">=", "="):
            return frozenset({("differ", id(left), id(right)), *_nonzero(left, right)})
        case _:
            return frozenset()


def _nonzero(left: Expr, right: Expr) -> list[_Fact]:
    found: list[_Fact] = []
    if _zero(right):
        found.append(("not zero", id(left), 0))
    if _zero(left):
        found.append(("not zero", id(right), 0))
    return found


def _proven(divisor: Expr, facts: frozenset[_Fact]) -> bool:
    """Whether the facts say that a divisor is not 0."""
    if ("not zero", id(divisor), 0) in facts:
        return True
    match divisor:
        case Binary(operator="-", left=left, right=right):
            return ("differ", id(left), id(right)) in facts or ("differ", id(right), id(left)) in facts
        case Binary(operator="*", left=left, right=right):
            return all(_surely_not_zero(part) or _proven(part, facts) for part in (left, right))
        case Binary(operator="/", left=left):
            return _surely_not_zero(left) or _proven(left, facts)
        case Minus(operand=operand):
            return _proven(operand, facts)
        case _:
            return False


def common_unit(factors: Sequence[Fraction]) -> Fraction:
    """The largest fraction of which all factors are whole multiples."""
    unit = Fraction(0)
    for factor in factors:
        unit = (
            Fraction(
                math.gcd(unit.numerator * factor.denominator, factor.numerator * unit.denominator),
                unit.denominator * factor.denominator,
            )
            if unit
            else factor
        )
    return unit or Fraction(1)


def _ordered(dens: Iterable[Op]) -> tuple[Op, ...]:
    return tuple(sorted((d for d in dens if not (d.constant and d.value == 1)), key=id))


def _plus(a: Limit, b: Limit) -> Limit:
    return None if a is None or b is None else a + b


def _less(a: Limit) -> Limit:
    return None if a is None else -a


def _highest(a: Limit, b: Limit) -> Limit:
    return b if a is None else a if b is None else max(a, b)


def _lowest(a: Limit, b: Limit) -> Limit:
    return b if a is None else a if b is None else min(a, b)


def _products(a: Limit, b: Limit, c: Limit, d: Limit) -> tuple[Limit, Limit]:
    if a is None or b is None or c is None or d is None:
        return None, None
    corners = (a * c, a * d, b * c, b * d)
    return min(corners), max(corners)


def _quotients(a: Number, b: Number) -> tuple[Limit, Limit]:
    """Where a / b can lie, given that b is not 0: its size is at least its smallest step."""
    if a.lo is None or a.hi is None:
        return None, None
    smallest = b.factor
    for d in b.dens:
        if d.hi is None:
            return None, None
        smallest /= max(d.hi, 1)
    if b.lo is not None and b.lo > 0:
        smallest = max(smallest, b.lo)
    elif b.hi is not None and b.hi < 0:
        smallest = max(smallest, -b.hi)
    ends = [Fraction(0)] if a.lo <= 0 <= a.hi else []
    below = b.lo is None or b.lo < 0
    above = b.hi is None or b.hi > 0
    far = None if b.lo is None or b.hi is None else max(abs(b.lo), abs(b.hi))
    for end in (a.lo, a.hi):
        for size in (smallest, far):
            nearest = Fraction(0) if size is None else end / size if size else Fraction(0)
            if above:
                ends.append(nearest)
            if below:
                ends.append(-nearest)
    return (min(ends), max(ends)) if ends else (Fraction(0), Fraction(0))
