"""Operations on columns of whole numbers, flags, texts and dates: what every formula comes down to.

An :class:`Op` is a node of a graph without repeats. Each whole number carries the interval it is proven to lie in
(None: nothing is known), so that the SQL printer can choose 64 or 128 bits, or see that neither is enough. Nothing here
can fail: what divides by 0 or is not there is missing, and says so elsewhere.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

OpKind = Literal["int", "bool", "text", "date", "list"]
Bound = int | None


class Op:
    """One operation. ``code`` says which, ``args`` on what; ``value`` is a constant, or which column."""

    __slots__ = ("args", "code", "hi", "kind", "lo", "nullable", "value")

    def __init__(
        self,
        code: str,
        kind: OpKind,
        args: tuple[Op, ...] = (),
        value: Any = None,
        lo: Bound = None,
        hi: Bound = None,
        nullable: bool = False,
    ) -> None:
        self.code = code
        self.kind: OpKind = kind
        self.args = args
        self.value = value
        self.lo = lo
        self.hi = hi
        self.nullable = nullable

    def __repr__(self) -> str:
        inner = ", ".join(map(repr, self.args)) if self.args else repr(self.value)
        return f"{self.code}({inner})"

    @property
    def constant(self) -> bool:
        """Whether it is a constant (missing included)."""
        return self.code == "const"

    @property
    def size(self) -> Bound:
        """The largest size it can have; None if nothing is known."""
        return None if self.lo is None or self.hi is None else max(abs(self.lo), abs(self.hi))


def below(roots: Iterable[Op]) -> Iterator[Op]:
    """Every operation under the roots, once each, operands first."""
    seen: set[int] = set()
    stack: list[tuple[Op, bool]] = [(op, False) for op in roots]
    while stack:
        op, ready = stack.pop()
        if ready:
            yield op
        elif id(op) not in seen:
            seen.add(id(op))
            stack.append((op, True))
            stack.extend((arg, False) for arg in op.args)


class Program:
    """Makes operations, each once, folding constants on the way."""

    def __init__(self) -> None:
        self._made: dict[tuple[Any, ...], Op] = {}
        self.true = self.flag(True)
        self.false = self.flag(False)

    def _make(
        self,
        code: str,
        kind: OpKind,
        args: tuple[Op, ...] = (),
        value: Any = None,
        lo: Bound = None,
        hi: Bound = None,
        nullable: bool = False,
    ) -> Op:
        key: tuple[Any, ...] = (code, kind, tuple(map(id, args)), isinstance(value, bool), value, lo, hi)
        op = self._made.get(key)
        if op is None:
            op = self._made[key] = Op(code, kind, args, value, lo, hi, nullable)
        return op

    # -- leaves

    def column(self, which: Any, kind: OpKind, lo: Bound = None, hi: Bound = None, nullable: bool = False) -> Op:
        """A column; ``which`` is whatever the engine knows it by."""
        return self._make("column", kind, (), which, lo, hi, nullable)

    def whole(self, value: int) -> Op:
        """A whole number."""
        return self._make("const", "int", (), value, value, value)

    def flag(self, value: bool) -> Op:
        """True or false."""
        return self._make("const", "bool", (), value)

    def text(self, value: str) -> Op:
        """A text."""
        return self._make("const", "text", (), value)

    def date(self, value: dt.date) -> Op:
        """A date."""
        return self._make("const", "date", (), value)

    def missing(self, kind: OpKind) -> Op:
        """A missing value."""
        return self._make("const", kind, (), None, *((0, 0) if kind == "int" else (None, None)), nullable=True)

    # -- arithmetic

    def add(self, a: Op, b: Op) -> Op:
        """A + b."""
        if a.constant and a.value == 0:
            return b
        if b.constant and b.value == 0:
            return a
        if _known(a, b):
            return self.whole(a.value + b.value)
        lo, hi = _sum(a.lo, b.lo), _sum(a.hi, b.hi)
        return self._make("+", "int", (a, b), None, lo, hi, a.nullable or b.nullable)

    def subtract(self, a: Op, b: Op) -> Op:
        """A - b."""
        if b.constant and b.value == 0:
            return a
        if a.constant and a.value == 0:
            return self.negative(b)
        if _known(a, b):
            return self.whole(a.value - b.value)
        lo, hi = _sum(a.lo, _minus(b.hi)), _sum(a.hi, _minus(b.lo))
        return self._make("-", "int", (a, b), None, lo, hi, a.nullable or b.nullable)

    def multiply(self, a: Op, b: Op) -> Op:
        """A * b; a constant comes second."""
        if a.constant:
            a, b = b, a
        if b.constant and b.value == 1:
            return a
        if b.constant and b.value == 0 and not a.nullable:
            return b
        if _known(a, b):
            return self.whole(a.value * b.value)
        if b.constant and b.value == -1:
            return self.negative(a)
        if b.constant and b.value is not None and a.code == "*" and a.args[1].constant and a.args[1].value is not None:
            return self.multiply(a.args[0], self.whole(a.args[1].value * b.value))
        lo, hi = product(a.lo, a.hi, b.lo, b.hi)
        return self._make("*", "int", (a, b), None, lo, hi, a.nullable or b.nullable)

    def product(self, ops: Iterable[Op]) -> Op:
        """The product of all; 1 of none."""
        result = self.whole(1)
        for op in ops:
            result = self.multiply(result, op)
        return result

    def times(self, a: Op, factor: int) -> Op:
        """A * a constant."""
        return self.multiply(a, self.whole(factor))

    def negative(self, a: Op) -> Op:
        """-a."""
        if a.constant:
            return a if a.value is None else self.whole(-a.value)
        if a.code == "neg":
            return a.args[0]
        return self._make("neg", "int", (a,), None, _minus(a.hi), _minus(a.lo), a.nullable)

    def absolute(self, a: Op) -> Op:
        """The size of a."""
        if a.constant:
            return a if a.value is None else self.whole(abs(a.value))
        if a.lo is not None and a.lo >= 0:
            return a
        if a.hi is not None and a.hi <= 0:
            return self.negative(a)
        return self._make("abs", "int", (a,), None, 0, a.size, a.nullable)

    def divide(self, a: Op, b: Op, lo: Bound = None, hi: Bound = None) -> Op:
        """A // b towards zero; missing where b is 0. ``lo`` and ``hi``: a tighter interval than |a|, where known."""
        if b.constant and b.value == 1:
            return a
        if _known(a, b):
            return self.whole(truncated(a.value, b.value)) if b.value else self.missing("int")
        size = a.size
        if size is not None and b.lo is not None and b.lo > 1:
            size //= b.lo
        least = (
            -size if size is not None and not (a.lo is not None and a.lo >= 0) else (0 if size is not None else None)
        )
        lo = least if lo is None else lo if least is None else max(lo, least)
        hi = size if hi is None else hi if size is None else min(hi, size)
        return self._make("//", "int", (a, b), None, lo, hi, a.nullable or b.nullable)

    def remainder(self, a: Op, b: Op) -> Op:
        """What a // b leaves: with the sign of a."""
        if _known(a, b) and b.value:
            return self.whole(a.value - b.value * truncated(a.value, b.value))
        size = None if b.size is None else max(b.size - 1, 0)
        if size is not None and a.size is not None:
            size = min(size, a.size)
        lo = 0 if a.lo is not None and a.lo >= 0 else _minus(size)
        return self._make("%", "int", (a, b), None, lo, size, a.nullable or b.nullable)

    def days(self, start: Op, end: Op) -> Op:
        """Days from start to end."""
        if start.constant and end.constant and start.value is not None and end.value is not None:
            return self.whole((end.value - start.value).days)
        return self._make("days", "int", (start, end), None, -3_700_000, 3_700_000, start.nullable or end.nullable)

    def nth(self, items: Op, position: Op) -> Op:
        """The element of a list at a position from 1; missing outside it."""
        return self._make("nth", "int", (items, position), None, items.lo, items.hi, True)

    # -- flags

    def compare(self, operator: str, a: Op, b: Op) -> Op:
        """A comparison of two values of one kind; missing if either is."""
        if a.constant and b.constant:
            if a.value is None or b.value is None:
                return self.missing("bool")
            return self.flag(compare_values(operator, a.value, b.value))
        if a.kind == "int" and not a.nullable and not b.nullable:
            decided = _decided(operator, a, b)
            if decided is not None:
                return self.flag(decided)
        return self._make(operator, "bool", (a, b), None, nullable=a.nullable or b.nullable)

    def both(self, a: Op, b: Op) -> Op:
        """A and b, three-valued."""
        if a is self.true:
            return b
        if b is self.true or a is b:
            return a
        if a is self.false or b is self.false:
            return self.false
        return self._make("and", "bool", (a, b), None, nullable=a.nullable or b.nullable)

    def either(self, a: Op, b: Op) -> Op:
        """A or b, three-valued."""
        if a is self.false:
            return b
        if b is self.false or a is b:
            return a
        if a is self.true or b is self.true:
            return self.true
        return self._make("or", "bool", (a, b), None, nullable=a.nullable or b.nullable)

    def all_of(self, ops: Iterable[Op]) -> Op:
        """Every one of them."""
        result = self.true
        for op in ops:
            result = self.both(result, op)
        return result

    def any_of(self, ops: Iterable[Op]) -> Op:
        """At least one of them."""
        result = self.false
        for op in ops:
            result = self.either(result, op)
        return result

    def negation(self, a: Op) -> Op:
        """Not a."""
        if a.constant:
            return a if a.value is None else self.flag(not a.value)
        if a.code == "not":
            return a.args[0]
        return self._make("not", "bool", (a,), None, nullable=a.nullable)

    def is_missing(self, a: Op) -> Op:
        """Whether a is missing; never missing itself."""
        if not a.nullable:
            return self.false
        if a.constant:
            return self.true
        return self._make("is null", "bool", (a,))

    def is_there(self, a: Op) -> Op:
        """Whether a is not missing, whatever its type says (a row that a lookup does not find is missing too)."""
        return self._make("is not null", "bool", (a,))

    def holds(self, a: Op) -> Op:
        """a, with missing as false."""
        if not a.nullable:
            return a
        return self.case([(a, self.true)], self.false)

    def among(self, a: Op, options: Sequence[Op]) -> Op:
        """Whether a is one of some constants."""
        if a.constant and a.value is not None:
            return self.flag(any(a.value == option.value for option in options))
        return self._make("in", "bool", (a, *options), None, nullable=a.nullable)

    # -- choices

    def case(self, branches: Sequence[tuple[Op, Op]], otherwise: Op) -> Op:
        """The value of the first condition that is true (as SQL has it: a missing condition is not true)."""
        kept: list[tuple[Op, Op]] = []
        for condition, value in branches:
            if condition.constant:
                if condition.value:
                    otherwise = value
                    break
                continue
            kept.append((condition, value))
        while kept and kept[-1][1] is otherwise:
            kept.pop()
        if not kept:
            return otherwise
        if otherwise.kind == "bool" and len(kept) == 1 and otherwise is self.false and kept[0][1] is self.true:
            condition = kept[0][0]
            if not condition.nullable:
                return condition
        values = [value for _, value in kept] + [otherwise]
        lo, hi = hull(values)
        args = (*(part for pair in kept for part in pair), otherwise)
        return self._make("case", otherwise.kind, args, None, lo, hi, any(value.nullable for value in values))

    def pick(self, of: Op, cases: Sequence[tuple[str | int, Op]], otherwise: Op) -> Op:
        """The value listed for what ``of`` is."""
        if of.constant:
            return next((value for label, value in cases if label == of.value), otherwise)
        if cases and all(value is cases[0][1] for _, value in cases) and otherwise is cases[0][1] and not of.nullable:
            return otherwise
        values = [value for _, value in cases] + [otherwise]
        lo, hi = hull(values)
        labels = tuple(label for label, _ in cases)
        args = (of, *(value for _, value in cases), otherwise)
        nullable = any(value.nullable for value in values) or of.nullable
        return self._make("pick", otherwise.kind, args, labels, lo, hi, nullable)

    def extreme(self, greatest: bool, ops: Sequence[Op]) -> Op:
        """The least or greatest; missing if any is."""
        unique = list({id(op): op for op in ops}.values())
        if len(unique) == 1:
            return unique[0]
        lo: Bound = None
        hi: Bound = None
        if unique[0].kind == "int":
            choose = max if greatest else min
            lows, highs = [op.lo for op in unique], [op.hi for op in unique]
            lo = choose(low for low in lows if low is not None) if None not in lows else None
            hi = choose(high for high in highs if high is not None) if None not in highs else None
        code = "greatest" if greatest else "least"
        result = self._make(code, unique[0].kind, tuple(unique), None, lo, hi, False)
        unsure = [self.is_missing(op) for op in unique if op.nullable]
        return self.case([(self.any_of(unsure), self.missing(result.kind))], result) if unsure else result


# -- intervals ---------------------------------------------------------------------------------------------------------


def _known(a: Op, b: Op) -> bool:
    return a.constant and b.constant and a.value is not None and b.value is not None


def _sum(a: Bound, b: Bound) -> Bound:
    return None if a is None or b is None else a + b


def _minus(a: Bound) -> Bound:
    return None if a is None else -a


def product(a: Bound, b: Bound, c: Bound, d: Bound) -> tuple[Bound, Bound]:
    """The interval of products of [a, b] and [c, d]; something is still known if both are proven not negative."""
    if a is None or b is None or c is None or d is None:
        return (0 if a is not None and c is not None and a >= 0 and c >= 0 else None), None
    corners = (a * c, a * d, b * c, b * d)
    return min(corners), max(corners)


def hull(ops: Iterable[Op]) -> tuple[Bound, Bound]:
    """The interval that holds all; what is missing does not count."""
    lo: Bound = None
    hi: Bound = None
    first, open_lo, open_hi = True, False, False
    for op in ops:
        if op.kind != "int" or (op.constant and op.value is None):
            continue
        open_lo, open_hi = open_lo or op.lo is None, open_hi or op.hi is None
        if op.lo is not None:
            lo = op.lo if first or lo is None else min(lo, op.lo)
        if op.hi is not None:
            hi = op.hi if first or hi is None else max(hi, op.hi)
        first = False
    if first:
        return 0, 0
    return None if open_lo else lo, None if open_hi else hi


def truncated(a: int, b: int) -> int:
    """A / b towards zero."""
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def compare_values(operator: str, a: Any, b: Any) -> bool:
    """A comparison of two values that are there."""
    match operator:
        case "=":
            return a == b
        case "<>":
            return a != b
        case "<":
            return a < b
        case "<=":
            return a <= b
        case ">":
            return a > b
        case _:
            return a >= b


def _decided(operator: str, a: Op, b: Op) -> bool | None:
    """What a comparison of two whole numbers must give, if their intervals say so."""
    if operator in (">", ">="):
        return _decided("<" if operator == ">" else "<=", b, a)
    if operator == "<":
        if a.hi is not None and b.lo is not None and a.hi < b.lo:
            return True
        return False if a.lo is not None and b.hi is not None and a.lo >= b.hi else None
    if operator == "<=":
        if a.hi is not None and b.lo is not None and a.hi <= b.lo:
            return True
        return False if a.lo is not None and b.hi is not None and a.lo > b.hi else None
    return None
