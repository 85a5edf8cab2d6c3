"""Operations as DuckDB SQL: whole numbers only, 64 bits where that is proven to be enough, else 128.

What is used more than once is computed once, under a name, in a nested select; DuckDB streams through them. Identifiers
are quoted, texts escaped, numbers whole. No date functions beyond the difference of two dates.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from accord.engine.database import quoted, text_literal
from accord.engine.exact import Leaf
from accord.engine.whole import Op, below

BIGINT, HUGEINT = "BIGINT", "HUGEINT"
LONG = 2**63 - 1
HUGE = 10**38 - 1
"""The largest sizes held in 64 and in 128 bits (as far as Arrow's decimals of 38 digits go)."""

_DEEPEST = 12
_TYPES = {"bool": "BOOLEAN", "text": "VARCHAR", "date": "DATE"}


class TooWide(Exception):
    """128 bits are not proven to be enough."""


def width(op: Op) -> str:
    """The SQL type of a whole number, by its interval. Raises TooWide."""
    return width_of(op.lo, op.hi)


def width_of(lo: int | None, hi: int | None) -> str:
    """The SQL type for whole numbers in [lo, hi]. Raises TooWide."""
    if lo is None or hi is None:
        raise TooWide
    size = max(abs(lo), abs(hi))
    if size <= LONG:
        return BIGINT
    if size <= HUGE:
        return HUGEINT
    raise TooWide


def check_width(ops: Sequence[Op]) -> None:
    """Raises TooWide if any operation under these might not fit 128 bits."""
    for op in below(ops):
        if op.kind in ("int", "list") and not (op.constant and op.value is None):
            width(op)


def sql_type(op: Op) -> str:
    """The SQL type of an operation."""
    return width(op) if op.kind == "int" else _TYPES[op.kind]


def literal(value: object, kind: str, wide: str = BIGINT) -> str:
    """A constant with its type."""
    if value is None:
        return f"null::{wide if kind == 'int' else _TYPES[kind]}"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"({value})" if value < 0 else str(value)
    if isinstance(value, dt.date):
        return f"date '{value.isoformat()}'"
    return text_literal(str(value))


class Printer:
    """Prints operations, given how a column is written."""

    def __init__(self, column: Callable[[Leaf], str]) -> None:
        self.column = column
        self.names: dict[int, str] = {}

    def text(self, op: Op) -> str:
        """An operation, as deep as it goes down to named ones."""
        name = self.names.get(id(op))
        return name if name is not None else self.spelled(op)

    def typed(self, op: Op, wide: str = BIGINT) -> str:
        """An operation as a value whose type must be plain: whole constants are cast."""
        if op.constant and op.kind == "int":
            return f"({op.value})::{wide}" if op.value is not None else f"null::{wide}"
        return self.text(op)

    def spelled(self, op: Op) -> str:
        """An operation in terms of its operands."""
        match op.code:
            case "column":
                return self.column(op.value)
            case "const":
                return literal(op.value, op.kind)
            case "+" | "-" | "*" | "//" | "%":
                return self.arithmetic(op)
            case "neg":
                return f"(-{self.text(op.args[0])})"
            case "abs":
                return f"abs({self.text(op.args[0])})"
            case "days":
                return f"({self.text(op.args[1])} - {self.text(op.args[0])})::BIGINT"
            case "nth":
                return f"list_extract({self.text(op.args[0])}, {self.text(op.args[1])}::BIGINT)"
            case "=" | "<>" | "<" | "<=" | ">" | ">=" | "and" | "or":
                return f"({self.text(op.args[0])} {op.code} {self.text(op.args[1])})"
            case "not":
                return f"(not {self.text(op.args[0])})"
            case "is null" | "is not null":
                return f"({self.text(op.args[0])} {op.code})"
            case "in":
                return f"({self.text(op.args[0])} in ({', '.join(self.text(option) for option in op.args[1:])}))"
            case "case":
                return self.case(op)
            case "pick":
                of, *values, otherwise = op.args
                wide = self.common_width(op, [*values, otherwise])
                whens = " ".join(
                    f"when {literal(label, '')} then {self.typed(value, wide)}"
                    for label, value in zip(op.value, values, strict=True)
                )
                chosen = f"(case {self.text(of)} {whens} else {self.typed(otherwise, wide)} end)" if whens else ""
                return self.narrowed(op, chosen or self.typed(otherwise, wide), wide)
            case "least" | "greatest":
                wide = self.common_width(op, op.args)
                return self.narrowed(op, f"{op.code}({', '.join(self.typed(arg, wide) for arg in op.args)})", wide)
            case _:
                raise TypeError(f"no SQL for {op.code}")

    def arithmetic(self, op: Op) -> str:
        """``+ - * // %``: computed as wide as the widest of operands and result, held as wide as the result."""
        a, b = op.args
        need = width(op)
        has = HUGEINT if HUGEINT in (width(a), width(b)) else BIGINT
        left = self.text(a)
        if need == HUGEINT and has == BIGINT:
            left = f"{left}::HUGEINT"
            has = HUGEINT
        text = f"({left} {op.code} {self.text(b)})"
        return f"{text}::BIGINT" if need == BIGINT and has == HUGEINT else text

    def common_width(self, op: Op, values: Sequence[Op]) -> str:
        """The type that the values of a choice are brought to."""
        if op.kind != "int":
            return BIGINT
        there = [width(value) for value in values if not (value.constant and value.value is None)]
        return HUGEINT if HUGEINT in there else BIGINT

    def narrowed(self, op: Op, text: str, has: str) -> str:
        """Cast down to what the result needs."""
        return f"{text}::BIGINT" if op.kind == "int" and has == HUGEINT and width(op) == BIGINT else text

    def case(self, op: Op) -> str:
        """The first condition that is true."""
        *branches, otherwise = op.args
        values = [*branches[1::2], otherwise]
        wide = self.common_width(op, values)
        whens = " ".join(
            f"when {self.text(condition)} then {self.typed(value, wide)}"
            for condition, value in zip(branches[::2], branches[1::2], strict=True)
        )
        return self.narrowed(op, f"(case {whens} else {self.typed(otherwise, wide)} end)", wide)


def select(
    outputs: Mapping[str, Op],
    columns: Mapping[str, str],
    source: Callable[[], str],
    leaf: Callable[[Leaf], str],
    where: str = "",
) -> str:
    """A select of ``columns`` (as they are in the source) and ``outputs`` (computed), from ``source``.

    ``leaf`` writes a column in terms of the source; ``where`` is a condition there. The source is asked for last, when
    it is known which columns are read.
    """
    roots = list(outputs.values())
    order = list(below(roots))
    uses = Counter(id(arg) for op in order for arg in op.args)
    uses.update(id(op) for op in roots)
    leaves = [op for op in order if op.code == "column"]
    printer = Printer(leaf)
    base = {name: text for name, text in columns.items()}
    for number, op in enumerate(leaves):
        base[f"c{number}"] = leaf(op.value)
    for number, op in enumerate(leaves):
        printer.names[id(op)] = quoted(f"c{number}")
    level: dict[int, int] = {}
    depth: dict[int, int] = {}
    named: list[list[Op]] = []
    for op in order:
        if op.code in ("column", "const"):
            level[id(op)] = depth[id(op)] = 0
            continue
        level[id(op)] = max((level[id(arg)] for arg in op.args), default=0)
        depth[id(op)] = 1 + max((depth[id(arg)] for arg in op.args), default=0)
        if uses[id(op)] > 1 or depth[id(op)] > _DEEPEST:
            at = level[id(op)]
            while len(named) <= at:
                named.append([])
            named[at].append(op)
            level[id(op)] = at + 1
            depth[id(op)] = 0
    inner = f"select {', '.join(f'{text} as {quoted(name)}' for name, text in base.items()) or '1'} {source()}"
    if where:
        inner += f" where {where}"
    number = 0
    for ops in named:
        made: list[str] = []
        for op in ops:
            made.append(f"{printer.spelled(op)} as {quoted(f'x{number}')}")
            number += 1
        number -= len(ops)
        for op in ops:
            printer.names[id(op)] = quoted(f"x{number}")
            number += 1
        inner = f"select *, {', '.join(made)} from (\n{inner})"
    last = [quoted(name) for name in columns]
    last += [f"{printer.typed(op, _wide(op))} as {quoted(name)}" for name, op in outputs.items()]
    return f"select {', '.join(last) or '1'} from (\n{inner})"


def _wide(op: Op) -> str:
    return width(op) if op.kind == "int" and op.value is not None else BIGINT
