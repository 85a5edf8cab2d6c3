"""Printing a checked select in the SQL of an engine: own functions, the width of sums, orders with their nulls."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Literal

from accord.record.subset import OWN, prefix_of

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.expressions.core import Expr

Dialect = Literal["duckdb", "spark"]
"""The engines that a select is printed for."""


@cache
def _generator(dialect: Dialect) -> type:
    """The printer of a dialect, that says of every order where missing values come."""
    from sqlglot.dialects.dialect import Dialect as Dialects

    class Printer(Dialects.get_or_raise(dialect).generator_class):
        """Prints orders in full."""

        def ordered_sql(self, expression: exp.Ordered) -> str:
            direction = "DESC" if expression.args.get("desc") else "ASC"
            nulls = "FIRST" if expression.args.get("nulls_first") else "LAST"
            return f"{self.sql(expression, 'this')} {direction} NULLS {nulls}"

    return Printer


def printed(tree: exp.Query, dialect: Dialect) -> str:
    """A checked tree in the SQL of an engine."""
    from sqlglot.dialects.dialect import Dialect as Dialects

    made = _inside_out(tree.copy(), dialect)
    return _generator(dialect)(dialect=Dialects.get_or_raise(dialect), identify=True, pretty=True).generate(
        made, copy=False
    )


def _inside_out(node: Expr, dialect: Dialect) -> Expr:
    """A tree for an engine, translated from its leaves up."""
    for child in list(node.iter_expressions()):
        new = _inside_out(child, dialect)
        if new is not child:
            child.replace(new)
    return _translated(node, dialect)


def _translated(node: Expr, dialect: Dialect) -> Expr:
    """One node for an engine: own functions, the width of sums, prefixes."""
    from sqlglot import exp

    if isinstance(node, exp.Like):
        return exp.StartsWith(
            this=node.this.copy(), expression=exp.Literal.string(prefix_of(node.expression.name) or "")
        )
    if isinstance(node, exp.SplitPart):
        return exp.SplitPart(**{**_copied(node), "part_index": _from_one(node.args["part_index"])})
    if isinstance(node, exp.Substring):
        # engines differ where a part begins before the text, or has less than no length
        given = {**_copied(node), "start": _from_one(node.args["start"])}
        length = node.args.get("length")
        if length is not None and not isinstance(length, exp.Literal):
            given["length"] = _case(exp.LT, length, 0, exp.Literal.number(0), length)
        return exp.Substring(**given)
    if isinstance(node, exp.AddMonths):
        return _own("add_months", list(node.iter_expressions()), dialect)
    if isinstance(node, exp.Anonymous) and node.name.lower() in OWN:
        return _own(node.name.lower(), node.expressions, dialect)
    if isinstance(node, exp.Sum) and dialect == "duckdb":
        # DuckDB adds whole numbers in 128 bits; the cast stands around the filter and the window that belong to it
        top: Expr = node
        while isinstance(top.parent, (exp.Filter, exp.Window)) and top.parent.this is top:
            top = top.parent
        if top is node:
            return exp.Cast(this=node.copy(), to=exp.DataType.build("bigint"))
    if isinstance(node, (exp.Filter, exp.Window)) and dialect == "duckdb":
        inner = node.this.this if isinstance(node.this, exp.Filter) else node.this
        outermost = not (isinstance(node.parent, exp.Window) and node.parent.this is node)
        if isinstance(inner, exp.Sum) and outermost:
            return exp.Cast(this=node.copy(), to=exp.DataType.build("bigint"))
    return node


def _copied(node: Expr) -> dict[str, object]:
    return {name: value.copy() if hasattr(value, "copy") else value for name, value in node.args.items()}


def _from_one(place: Expr) -> Expr:
    """A place in a text that is missing where it is below 1."""
    from sqlglot import exp

    if isinstance(place, exp.Literal):
        return place.copy()
    return _case(exp.GTE, place, 1, exp.Cast(this=place.copy(), to=exp.DataType.build("int")), None)


def _case(holds: type[Expr], value: Expr, number: int, then: Expr, otherwise: Expr | None) -> Expr:
    """One thing where a comparison of a value with a number holds, else another, or nothing."""
    from sqlglot import exp

    compared = exp.paren(value.copy()) if isinstance(value, exp.Binary) else value.copy()
    holding = holds(this=compared, expression=exp.Literal.number(number))
    return exp.Case(ifs=[exp.If(this=holding, true=then)], default=otherwise.copy() if otherwise else None)


def _own(name: str, given: list[Expr], dialect: Dialect) -> Expr:
    """An own function in the SQL of an engine."""
    from sqlglot import exp

    args = [each.copy() for each in given]
    args = [exp.paren(each) if isinstance(each, (exp.Binary, exp.Case)) else each for each in args]

    def call(function: str, *values: Expr) -> Expr:
        return exp.Anonymous(this=function, expressions=[value.copy() for value in values])

    def cast(value: Expr, to: str) -> Expr:
        return exp.Cast(this=value, to=exp.DataType.build(to))

    duck = dialect == "duckdb"
    match name:
        case "days_between":
            first, last = args
            return exp.paren(exp.Sub(this=last, expression=first)) if duck else call("datediff", last, first)
        case "add_days":
            day, count = args
            count = cast(count, "int")
            return exp.paren(exp.Add(this=day, expression=count)) if duck else call("date_add", day, count)
        case "add_months":
            day, count = args
            count = cast(count, "int")
            if duck:
                return cast(exp.Add(this=day, expression=call("to_months", count)), "date")
            return call("add_months", day, count)
        case "age_on":
            born, day = args
            birthday = [
                exp.Add(
                    this=exp.Mul(this=call("month", each), expression=exp.Literal.number(100)),
                    expression=call("day", each),
                )
                for each in (born, day)
            ]
            before = exp.Case(
                ifs=[exp.If(this=exp.LT(this=birthday[1], expression=birthday[0]), true=exp.Literal.number(1))],
                default=exp.Literal.number(0),
            )
            years = exp.Sub(this=call("year", day), expression=call("year", born))
            return exp.paren(exp.Sub(this=years, expression=before))
        case "first_of_month":
            return cast(call("date_trunc", exp.Literal.string("month"), args[0]), "date")
        case "year_of":
            return call("year", args[0])
        case "quotient":
            whole, by = args
            by = exp.Nullif(this=by, expression=exp.Literal.number(0))
            return exp.paren(exp.IntDiv(this=whole, expression=by))
        case _:  # ten_thousandths
            return cast(exp.paren(exp.Mul(this=args[0], expression=exp.Literal.number(10000))), "bigint")
