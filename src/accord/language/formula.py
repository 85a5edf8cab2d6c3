"""The formula language: scalar SQL, closed. Text to frozen nodes, each with its place; nothing else parses.

Grammar::

    condition  := conjunction {or conjunction}
    conjunction:= negation {and negation}
    negation   := [not] comparison
    comparison := sum [ (= <> < <= > >=) sum | is [not] null | [not] in (atom, …) | [not] between sum and sum ]
    sum        := product {(+ -) product}
    product    := unary {(* /) unary}
    unary      := [-] atom
    atom       := number | 'text' | true | false | name | table.name | case … end | call | ( condition )
    call       := name ( [condition {, condition}] | * ) [ filter ( where condition ) ]
                | rank ( ) over ( [partition by name {, name}] order by sum [desc] {, sum [desc]} )

Comparisons do not chain. Only ``and or not is null in between case when then else end true false`` are reserved;
``filter where over partition by order desc asc`` are words only where they can stand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from accord.language.place import Place
from accord.language.problem import Problem

MAXIMUM_DEPTH = 60
"""Brackets, cases and calls may nest this deep: far beyond what a person can read, far below what Python can walk."""

MAXIMUM_LENGTH = 20_000
"""Characters in one formula."""


class FormulaRefused(Exception):
    """A formula that does not parse; carries the one problem found."""

    def __init__(self, place: Place, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(place, message, fix)


@dataclass(frozen=True, slots=True)
class Formula:
    """A parsed piece of a formula. Equality looks at what it says, not at where it stands."""

    place: Place = field(compare=False)


@dataclass(frozen=True, slots=True)
class Number(Formula):
    """A written number, as written."""

    text: str


@dataclass(frozen=True, slots=True)
class Text(Formula):
    """A quoted text."""

    value: str


@dataclass(frozen=True, slots=True)
class Truth(Formula):
    """``true`` or ``false``."""

    value: bool


@dataclass(frozen=True, slots=True)
class Name(Formula):
    """A name, with the table in front where it says one."""

    name: str
    table: str | None = None


@dataclass(frozen=True, slots=True)
class Operation(Formula):
    """An operator and its operands: ``+ - * / neg = <> < <= > >= and or not in``, ``is null``, ``is not null``."""

    operator: str
    operands: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Case(Formula):
    """``case when … then … else … end``; a ``case x when 'a'`` is read as ``when x = 'a'``."""

    branches: tuple[tuple[Formula, Formula], ...]
    otherwise: Formula | None


@dataclass(frozen=True, slots=True)
class Call(Formula):
    """A function or a scale applied to values; ``where`` is the filter, ``star`` the ``*`` of ``count(*)``."""

    name: str
    arguments: tuple[Formula, ...]
    where: Formula | None = None
    star: bool = False


@dataclass(frozen=True, slots=True)
class RankOver(Formula):
    """``rank() over (partition by … order by … desc)``; order holds (expression, descending)."""

    partition: tuple[Name, ...]
    order: tuple[tuple[Formula, bool], ...]


RESERVED = frozenset(
    {"and", "or", "not", "is", "null", "in", "between", "case", "when", "then", "else", "end", "true", "false"}
)
"""Words that can name nothing."""

FUNCTIONS = frozenset(
    {"abs", "least", "greatest", "coalesce", "sum", "min", "max", "count", "first", "last", "quantile", "allocate"}
    | {"prior", "trailing_avg", "days", "months", "first_day", "last_day", "days_between", "at", "rank"}
)
"""Every function of the language. Scales are called like functions too."""
_WORDS_IN_PLACE = frozenset(["filter", "where", "over", "partition", "by", "order", "desc", "asc"])
_TOKEN = re.compile(
    r"\s+|(?P<comment>--|/\*)|(?P<number>\d+(?:_\d+)*(?:\.\d+)?)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|'(?P<text>(?:[^']|'')*)'"
    r"|(?P<operator><>|!=|<=|>=|[-+*/(),.=<>])"
)


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str, place: Callable[[int], Place]) -> list[_Token]:
    found: list[_Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            character = text[at]
            if character == "'":
                raise FormulaRefused(place(at), "this text is not closed", "end it with a quote: '…'")
            raise FormulaRefused(
                place(at),
                f"{character!r} is not part of the formula language",
                "formulas use + - * / comparisons, and/or/not, case, and the functions of the reference",
            )
        kind, written = match.lastgroup, match.group()
        if kind == "comment":
            raise FormulaRefused(
                place(at), f"{written} would be a comment in SQL", "put remarks in note:, or in a YAML comment after #"
            )
        if kind == "number":
            found.append(_Token("number", written.replace("_", ""), at))
        elif kind == "name":
            lower = written.lower()
            if lower in RESERVED:
                found.append(_Token(lower, lower, at))
            elif written != lower:
                raise FormulaRefused(place(at), f"names are lower case: {written}", f"write {lower}")
            else:
                found.append(_Token("name", written, at))
        elif kind == "text":
            found.append(_Token("text", match.group("text").replace("''", "'"), at))
        elif kind == "operator":
            found.append(_Token("<>" if written == "!=" else written, written, at))
        at = match.end()
    found.append(_Token("end of formula", "", len(text)))
    return found


class _Parser:
    def __init__(self, text: str, place: Callable[[int], Place]) -> None:
        self._place = place
        if len(text) > MAXIMUM_LENGTH:
            raise FormulaRefused(place(0), f"this formula has {len(text)} characters", "split it into named quantities")
        self._tokens = _tokens(text, place)
        self._next = 0
        self._depth = 0

    # -- the token stream -------------------------------------------------------------------------------------------
    def _at(self, *kinds: str) -> bool:
        token = self._tokens[self._next]
        return token.kind in kinds or (token.kind == "name" and token.text in _WORDS_IN_PLACE and token.text in kinds)

    def _take(self) -> _Token:
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _refuse(self, message: str, fix: str = "") -> FormulaRefused:
        return FormulaRefused(self._place(self._tokens[self._next].at), message, fix)

    def _want(self, kind: str, why: str) -> _Token:
        if not self._at(kind):
            raise self._refuse(f"expected {kind!r} {why}, found {self._found()}")
        return self._take()

    def _found(self) -> str:
        token = self._tokens[self._next]
        return repr(token.text) if token.text else "the end of the formula"

    # -- the grammar ------------------------------------------------------------------------------------------------
    def whole(self) -> Formula:
        if self._at("end of formula"):
            raise self._refuse("a formula was expected, and there is nothing here")
        formula = self._condition()
        if not self._at("end of formula"):
            if self._at("=", "<>", "<", "<=", ">", ">="):
                raise self._refuse("comparisons do not chain", "join two comparisons with and: a < b and b < c")
            raise self._refuse(
                f"{self._found()} does not follow from what is before it",
                "two names side by side need an operator between them",
            )
        return formula

    def _condition(self) -> Formula:
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise self._refuse(
                f"this formula nests more than {MAXIMUM_DEPTH} deep", "give its parts names of their own"
            )
        left = self._conjunction()
        while self._at("or"):
            at = self._take().at
            left = Operation(self._place(at), "or", (left, self._conjunction()))
        self._depth -= 1
        return left

    def _conjunction(self) -> Formula:
        left = self._negation()
        while self._at("and"):
            at = self._take().at
            left = Operation(self._place(at), "and", (left, self._negation()))
        return left

    def _negation(self) -> Formula:
        if self._at("not"):
            at = self._take().at
            self._deeper()
            operand = self._negation()
            self._depth -= 1
            return Operation(self._place(at), "not", (operand,))
        return self._comparison()

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > MAXIMUM_DEPTH:
            raise self._refuse(
                f"this formula nests more than {MAXIMUM_DEPTH} deep", "give its parts names of their own"
            )

    def _comparison(self) -> Formula:
        left = self._sum()
        if self._at("=", "<>", "<", "<=", ">", ">="):
            token = self._take()
            return Operation(self._place(token.at), token.kind, (left, self._sum()))
        if self._at("is"):
            at = self._take().at
            negated = self._at("not")
            if negated:
                self._take()
            self._want("null", "after is")
            return Operation(self._place(at), "is not null" if negated else "is null", (left,))
        negated_at = self._take().at if self._at("not") else None
        result: Formula = left
        if self._at("in"):
            at = self._take().at
            self._want("(", "after in")
            options = [self._atom()]
            while self._at(","):
                self._take()
                options.append(self._atom())
            self._want(")", "to close the list")
            result = Operation(self._place(at), "in", (left, *options))
        elif self._at("between"):
            at = self._take().at
            low = self._sum()
            self._want("and", "in between … and …")
            high = self._sum()
            place = self._place(at)
            result = Operation(
                place, "and", (Operation(place, ">=", (left, low)), Operation(place, "<=", (left, high)))
            )
        elif negated_at is not None:
            raise self._refuse(f"expected 'in' or 'between' after not, found {self._found()}")
        return result if negated_at is None else Operation(self._place(negated_at), "not", (result,))

    def _sum(self) -> Formula:
        left = self._product()
        while self._at("+", "-"):
            token = self._take()
            left = Operation(self._place(token.at), token.kind, (left, self._product()))
        return left

    def _product(self) -> Formula:
        left = self._unary()
        while self._at("*", "/"):
            token = self._take()
            left = Operation(self._place(token.at), token.kind, (left, self._unary()))
        return left

    def _unary(self) -> Formula:
        if self._at("-"):
            at = self._take().at
            self._deeper()
            operand = self._unary()
            self._depth -= 1
            return Operation(self._place(at), "neg", (operand,))
        return self._atom()

    def _atom(self) -> Formula:
        token = self._tokens[self._next]
        place = self._place(token.at)
        if token.kind == "end of formula":
            raise self._refuse("a value was expected, and the formula ends here")
        self._take()
        match token.kind:
            case "number":
                return Number(place, token.text)
            case "text":
                return Text(place, token.text)
            case "true" | "false":
                return Truth(place, token.kind == "true")
            case "(":
                inside = self._condition()
                self._want(")", "to close the bracket")
                return inside
            case "case":
                return self._case(place)
            case "name":
                if self._at("("):
                    return self._call(token, place)
                if self._at("."):
                    self._take()
                    return Name(place, self._want("name", "after the dot").text, token.text)
                return Name(place, token.text)
            case _:
                raise FormulaRefused(place, f"a value was expected, found {token.text!r}")

    def _case(self, place: Place) -> Formula:
        subject = None if self._at("when") else self._condition()
        branches: list[tuple[Formula, Formula]] = []
        while self._at("when"):
            at = self._take().at
            condition = self._condition()
            self._want("then", "after when")
            if subject is not None:
                condition = Operation(self._place(at), "=", (subject, condition))
            branches.append((condition, self._condition()))
        otherwise = None
        if self._at("else"):
            self._take()
            otherwise = self._condition()
        if not branches:
            raise FormulaRefused(place, "case needs at least one when … then …")
        self._want("end", "to close case")
        return Case(place, tuple(branches), otherwise)

    def _call(self, name: _Token, place: Place) -> Formula:
        self._take()
        if name.text == "rank" and self._at(")"):
            return self._rank(place)
        star = self._at("*")
        arguments: list[Formula] = []
        if star:
            self._take()
        elif not self._at(")"):
            arguments.append(self._condition())
            while self._at(","):
                self._take()
                arguments.append(self._condition())
        self._want(")", f"to close {name.text}(")
        where = None
        if self._at("filter"):
            self._take()
            self._want("(", "after filter")
            self._want("where", "in filter")
            where = self._condition()
            self._want(")", "to close filter")
        return Call(place, name.text, tuple(arguments), where, star)

    def _rank(self, place: Place) -> Formula:
        self._take()
        self._want("over", "after rank()")
        self._want("(", "after over")
        partition: list[Name] = []
        if self._at("partition"):
            self._take()
            self._want("by", "after partition")
            partition.append(self._plain_name("to partition by"))
            while self._at(","):
                self._take()
                partition.append(self._plain_name("to partition by"))
        self._want("order", "in rank()")
        self._want("by", "after order")
        order: list[tuple[Formula, bool]] = []
        while True:
            expression = self._sum()
            descending = self._at("desc")
            if descending or self._at("asc"):
                self._take()
            order.append((expression, descending))
            if not self._at(","):
                break
            self._take()
        self._want(")", "to close over")
        return RankOver(place, tuple(partition), tuple(order))

    def _plain_name(self, why: str) -> Name:
        token = self._want("name", why)
        return Name(self._place(token.at), token.text)


def parse(text: str, place: Callable[[int], Place]) -> Formula:
    """Parse one formula; ``place`` turns a character offset into a place. Raises :class:`FormulaRefused`."""
    formula = _Parser(text, place).whole()
    if _depth(formula) > MAXIMUM_DEPTH:
        raise FormulaRefused(place(0), "this formula is too long to read", "give its parts names of their own")
    return formula


def _depth(formula: Formula) -> int:
    """How deep the nodes nest, counted without recursion: a chain of a thousand + is deep too."""
    deepest, waiting = 0, [(formula, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting.extend((child, depth + 1) for child in children(node))
    return deepest


def children(formula: Formula) -> Iterator[Formula]:
    """The parts a formula is directly made of."""
    match formula:
        case Operation(operands=operands):
            yield from operands
        case Case(branches=branches, otherwise=otherwise):
            for condition, value in branches:
                yield condition
                yield value
            if otherwise is not None:
                yield otherwise
        case Call(arguments=arguments, where=where):
            yield from arguments
            if where is not None:
                yield where
        case RankOver(partition=partition, order=order):
            yield from partition
            for expression, _ in order:
                yield expression
        case _:
            return


def walk(formula: Formula) -> Iterator[Formula]:
    """The formula and everything in it."""
    yield formula
    for child in children(formula):
        yield from walk(child)


_BINDING = {"or": 1, "and": 2, "not": 3, "=": 4, "<>": 4, "<": 4, "<=": 4, ">": 4, ">=": 4, "in": 4} | {
    "is null": 4,
    "is not null": 4,
    "+": 5,
    "-": 5,
    "*": 6,
    "/": 6,
    "neg": 7,
}


def show(formula: Formula, binding: int = 0) -> str:
    """The formula as text, with the brackets it needs; parses back to the same nodes."""
    match formula:
        case Number(text=text):
            return text
        case Text(value=value):
            return "'" + value.replace("'", "''") + "'"
        case Truth(value=value):
            return "true" if value else "false"
        case Name(name=name, table=table):
            return f"{table}.{name}" if table else name
        case Operation(operator=operator, operands=operands):
            own = _BINDING[operator]
            match operator:
                case "neg":
                    text = f"-{show(operands[0], own + 1)}"  # -(-a): two signs side by side would be a comment
                case "not":
                    text = f"not {show(operands[0], own)}"
                case "is null" | "is not null":
                    text = f"{show(operands[0], own + 1)} {operator}"
                case "in":
                    text = f"{show(operands[0], own + 1)} in ({', '.join(show(option) for option in operands[1:])})"
                case _:
                    left = show(operands[0], own + 1 if own == 4 else own)
                    text = f"{left} {operator} {show(operands[1], own + 1)}"
            return f"({text})" if own < binding else text
        case Case(branches=branches, otherwise=otherwise):
            inner = " ".join(f"when {show(condition)} then {show(value)}" for condition, value in branches)
            return f"case {inner}{f' else {show(otherwise)}' if otherwise is not None else ''} end"
        case Call(name=name, arguments=arguments, where=where, star=star):
            inner = "*" if star else ", ".join(show(argument) for argument in arguments)
            return f"{name}({inner})" + (f" filter (where {show(where)})" if where is not None else "")
        case RankOver(partition=partition, order=order):
            by = f"partition by {', '.join(show(name) for name in partition)} " if partition else ""
            keys = ", ".join(show(expression, 5) + (" desc" if descending else "") for expression, descending in order)
            return f"rank() over ({by}order by {keys})"
        case _:  # pragma: no cover
            raise TypeError(formula)
