"""Making scalar expressions: each once, so that what is equal is one and the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from accord.engine.expressions import Binary, Case, Compare, Const, Expr, Fail, Kind, Lookup, Pick
from accord.language.contract import Value
from accord.language.place import Place

T = TypeVar("T", bound=Expr)

KINDS: Mapping[str, Kind] = {"number": "number", "flag": "flag", "text": "text", "date": "date", "key": "text"}
"""Kinds of values by the kinds of types: a key is a text."""


class Making:
    """Makes expressions."""

    def __init__(self) -> None:
        self._interned: dict[tuple[Any, ...], Any] = {}

    def make(self, cls: Callable[..., T], *fields: Any) -> T:
        """An expression of a class with these fields."""
        key = (cls, *(_identity(part) for part in fields))
        found = self._interned.get(key)
        if found is None:
            found = self._interned[key] = cls(*fields)
        return found

    def const(self, kind: Kind, value: Value | None) -> Const:
        """A constant."""
        return self.make(Const, kind, value is None, value)

    def lookup(self, relation: str, keys: tuple[Expr, ...], required: bool, place: Place) -> Lookup:
        """A lookup."""
        key = (Lookup, relation, tuple(id(part) for part in keys), required)
        found = self._interned.get(key)
        if found is None:
            found = self._interned[key] = Lookup(relation, keys, required, place)
        return found

    def pick(self, kind: Kind, of: Expr, cases: Sequence[tuple[str | int, Expr]], otherwise: Expr | None) -> Expr:
        """The value listed for what ``of`` is."""
        values = [value for _, value in cases] + ([] if otherwise is None else [otherwise])
        nullable = of.nullable or otherwise is None or any(value.nullable for value in values)
        return self.make(Pick, kind, nullable, of, tuple(cases), otherwise)

    def case(self, kind: Kind, branches: Sequence[tuple[Expr, Expr]], otherwise: Expr | None) -> Expr:
        """The first branch whose condition holds."""
        values = [value for _, value in branches] + ([] if otherwise is None else [otherwise])
        nullable = otherwise is None or any(v.nullable for v in values) or any(c.nullable for c, _ in branches)
        return self.make(Case, kind, nullable, tuple(branches), otherwise)

    def binary(self, operator: str, left: Expr, right: Expr, place: Place) -> Expr:
        """``+ - * /``."""
        return self.make(Binary, "number", left.nullable or right.nullable, operator, left, right, place)

    def compare(self, operator: str, left: Expr, right: Expr) -> Expr:
        """A comparison."""
        return self.make(Compare, "flag", left.nullable or right.nullable, operator, left, right)

    def known(self, expr: Expr) -> Expr:
        """The same pick, known to cover everything that can come."""
        if isinstance(expr, Pick):
            return self.make(Pick, expr.kind, False, expr.of, expr.cases, expr.otherwise)
        return expr

    def whole_pick(self, kind: Kind, of: Expr, cases: Sequence[tuple[str | int, Expr]]) -> Expr:
        """A pick whose cases are every member there is."""
        expr = self.pick(kind, of, cases, None)
        return expr if of.nullable else self.known(expr)

    def fail(self, kind: Kind, message: str, place: Place, fix: str = "") -> Expr:
        """A value that must not be needed."""
        return self.make(Fail, kind, False, message, place, fix)


def _identity(part: Any) -> Any:
    """What tells two fields of an expression apart."""
    if isinstance(part, Expr | Lookup):
        return id(part)
    if isinstance(part, tuple):
        return tuple(_identity(item) for item in part)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(part, Place):
        return None
    return (type(part), part)
