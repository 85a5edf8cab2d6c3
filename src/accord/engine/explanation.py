"""Why a number is what it is: a tree of quantity, value, formula, clause, source, inputs and branches not taken.

Made for the one row asked for, from stored values: nothing is settled again. Lives here: the tree, its text and JSON
forms, and reading stored values where they lie (:class:`StoredValues`). Does not: pages and spreadsheets.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# (pyarrow comes without types)

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from accord.engine.printed import FormulaWriter, exact_text, formula_text, key_text, printed_number, printed_value
from accord.engine.reference import (
    RowEvaluator,
    RowKey,
    named_row,
    row_text,
)
from accord.language.contract import Contract, Parameter, PeriodItem, Quantity, ScalePoints, Source, Value
from accord.language.meaning import (
    Allocate,
    BorneByQuantity,
    Choice,
    Coalesce,
    ColumnValue,
    Comparison,
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
    ScaleValue,
    TrailingAverage,
)
from accord.language.place import Place
from accord.language.problem import DataRefused, nearest
from accord.language.rounding import Rounding, decimal_text
from accord.language.types import Type
from accord.language.unit import RATIO, WrittenUnit

if TYPE_CHECKING:
    pass

Kind = Literal[
    "quantity", "input", "table", "parameter", "scale", "gathering", "prior", "allocation", "rank", "period", "key"
]

# -- the tree -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NotTaken:
    """A branch that did not apply: its condition as written, with the values put in, and why not."""

    condition: str
    working: str
    why: str
    place: Place

    def as_json(self) -> dict[str, object]:
        """Plain data."""
        return {"condition": self.condition, "working": self.working, "why": self.why, "place": str(self.place)}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One number and what it comes from."""

    kind: Kind
    name: str
    row: Mapping[str, str]
    value: Value | None
    printed: str
    unit: str
    formula: str = ""
    """As written."""
    working: str = ""
    """The formula with the values put in, along the branches that applied."""
    title: str = ""
    clause: str = ""
    note: str = ""
    source: Source | None = None
    since: dt.date | None = None
    """From when the dated entry or formula that was used is in force."""
    place: Place | None = None
    inputs: tuple[Explanation, ...] = ()
    not_taken: tuple[NotTaken, ...] = ()
    rows_in_all: int | None = None
    """Of a gathering, pool or rank: how many rows; ``inputs`` lists the first of them."""
    node: Node | None = field(default=None, compare=False)
    row_printed: str = ""
    """The row as a reader sees it: periods by their usual names."""

    def as_json(self) -> dict[str, object]:
        """Plain data, empty entries left out; the value as exact text."""
        found: dict[str, object] = {
            "kind": self.kind,
            "name": self.name,
            "row": dict(self.row),
            "value": exact_text(self.value),
            "printed": self.printed,
            "unit": self.unit,
        }
        for name in ("formula", "working", "title", "clause", "note"):
            if getattr(self, name):
                found[name] = getattr(self, name)
        if self.source is not None:
            found["source"] = {
                "authority": self.source.authority,
                "status": self.source.status,
                **({"note": self.source.note} if self.source.note else {}),
                **({"review_by": self.source.review_by.isoformat()} if self.source.review_by else {}),
            }
        if self.since is not None:
            found["since"] = self.since.isoformat()
        if self.place is not None:
            found["place"] = str(self.place)
        if self.rows_in_all is not None:
            found["rows_in_all"] = self.rows_in_all
        if self.not_taken:
            found["not_taken"] = [branch.as_json() for branch in self.not_taken]
        if self.inputs:
            found["inputs"] = [one.as_json() for one in self.inputs]
        return found

    def as_text(self) -> str:
        """An indented tree."""
        lines: list[str] = []
        self._lines(lines, "", "", None)
        return "\n".join(lines)

    def _lines(self, lines: list[str], lead: str, below: str, around: Mapping[str, str] | None) -> None:
        where = f"  [{self.row_printed}]" if self.row_printed and self.row != around else ""
        lines.append(f"{lead}{self.name} = {self.printed}{where}")
        bar = below + ("│   " if self.inputs else "    ")
        if self.formula and self.formula != self.name:
            parts = " ".join(self.formula.split())
            lines.append(f"{bar}is {parts}")
        if self.working and self.working != self.printed:
            lines.append(f"{bar}   {self.working}")
        said = [f"clause: {self.clause}"] if self.clause else []
        if self.source is not None:
            said.append(f"source: {self.source.authority} ({self.source.status})")
        if self.since is not None:
            said.append(f"in force from {self.since}")
        if self.note:
            said.append(self.note)
        if said:
            lines.append(f"{bar}{' · '.join(said)}")
        for branch in self.not_taken:
            lines.append(f"{bar}not: {branch.condition} — {branch.why}")
        for number, one in enumerate(self.inputs):
            end = number == len(self.inputs) - 1
            one._lines(lines, below + ("└─ " if end else "├─ "), below + ("   " if end else "│  "), self.row)
        listed = sum(1 for one in self.inputs if one.row != self.row)
        if isinstance(self.node, Gather) and self.rows_in_all is not None and self.rows_in_all > listed:
            lines.append(f"{below}   … {self.rows_in_all - listed:,} more of {self.rows_in_all:,} rows")


ValuesOf = RowEvaluator
"""What an explanation reads: a :class:`~accord.engine.reference.RowEvaluator`. There are two: ``Reference.world(w)``,
which computes, and ``StoredValues`` of the settlement room, which reads what was settled."""


def explain(
    contract: Contract, values: ValuesOf, quantity: str, row: Mapping[str, str], *, depth: int = 3, limit: int = 12
) -> Explanation:
    """Explain one quantity at one row.

    Args:
        contract: the contract that was settled.
        values: where the values are.
        quantity: its name.
        row: a value for each of its keys; a period by its first day or its usual name.
        depth: how many quantities deep the tree goes.
        limit: how many rows of a gathering are listed.

    Raises:
        DataRefused: for an unknown quantity, key or row.
    """
    held = contract.quantities.get(quantity)
    if held is None:
        known = ", ".join(contract.quantities)
        raise DataRefused(
            f"{contract.name} has no quantity {quantity}; {nearest(quantity, contract.quantities) or known}"
        )
    wrong = [key for key in row if key not in held.keys]
    lacking = [key for key in held.keys if key not in row]
    if wrong or lacking:
        keys = " ".join(f"{key}=…" for key in held.keys)
        raise DataRefused(f"{quantity} is for each {', '.join(held.keys) or 'contract'}: say {keys or 'no keys'}")
    key = tuple(_label(contract, name, row[name]) for name in held.keys)
    if not values.row_exists(held.rows, key):
        raise DataRefused(f"there is no row for {row_text(named_row(held.keys, key))} in [{held.rows.name}]")
    return _Explainer(contract, values, limit).quantity(quantity, key, depth)


def _label(contract: Contract, key: str, written: str) -> str:
    items = contract.keys[key].items
    return next((item.label for item in items if written in (item.label, item.name)), written)


class _PutIn(FormulaWriter):
    """Writes a formula of one row with the values put in, along the branches that apply, and collects what it read."""

    def __init__(self, explainer: _Explainer, keys: Sequence[str], row: RowKey, depth: int) -> None:
        self.explainer, self.keys, self.row, self.depth = explainer, keys, row, depth
        self.inputs: dict[tuple[str, str, tuple[tuple[str, str], ...]], Explanation] = {}
        self.not_taken: list[NotTaken] = []
        self.because: list[str] = []

    def add(self, one: Explanation) -> None:
        """Note something that was read, once."""
        self.inputs.setdefault((one.kind, one.name, tuple(sorted(one.row.items()))), one)

    def value(self, node: Node) -> Value | None:
        """Its value here."""
        return self.explainer.value(node, self.keys, self.row)

    def short(self, node: Node) -> str:
        """Its value in the short form."""
        return self.explainer.short(node, self.value(node))

    def leaf(self, node: Node, binding: int) -> str:
        """The value of what is read; the branch that applies of what is chosen."""
        match node:
            case Literal_():
                return super().leaf(node, binding)
            case Choice():
                return self._choice(node, binding)
            case Coalesce(operands=operands):
                for number, operand in enumerate(operands):
                    if self.value(operand) is not None or number == len(operands) - 1:
                        return self.write(operand, binding)
                    self.write(operand)
                    self.not_taken.append(
                        NotTaken(formula_text(operand), "missing", self.why_missing(operand), operand.place)
                    )
                return "missing"
            case Extreme(which=which, operands=operands):
                text = f"{which}({', '.join(map(self.write, operands))})"
                self._losers(node)
                return text
            case _:
                for one in self.explainer.leaf(node, self.keys, self.row, self.depth):
                    self.add(one)
                return f"{formula_text(node)} ({self.short(node)})" if node.type.kind == "flag" else self.short(node)

    def _losers(self, node: Extreme) -> None:
        chosen = self.value(node)
        if chosen is None:
            return
        more = "more" if node.which == "least" else "less"
        for operand in node.operands:
            value = self.value(operand)
            if value != chosen and not isinstance(operand, Literal_):
                short, best = self.short(operand), self.explainer.short(node, chosen)
                self.not_taken.append(
                    NotTaken(formula_text(operand), short, f"{short} is {more} than {best}", operand.place)
                )

    def _choice(self, node: Choice, binding: int) -> str:
        for number, (condition, value) in enumerate(node.branches):
            holds = self.value(condition)
            working = self.write(condition)
            if holds is None:
                why = "it cannot be decided: something in it is missing, so the whole is missing"
                self.not_taken.append(NotTaken(formula_text(condition), working, why, condition.place))
                return "missing"
            if not holds:
                self.not_taken.append(
                    NotTaken(formula_text(condition), working, self.why_not(condition), condition.place)
                )
                continue
            told = isinstance(condition, Comparison) and condition.left.type.kind in ("text", "key")
            self.because.append(formula_text(condition) if told else working)
            for later, _ in node.branches[number + 1 :]:
                self.not_taken.append(NotTaken(formula_text(later), "", "an earlier branch applies", later.place))
            if node.otherwise is not None and not isinstance(node.otherwise, Literal_):
                text = f"else {formula_text(node.otherwise)}"
                self.not_taken.append(NotTaken(text, "", "an earlier branch applies", node.otherwise.place))
            return self.write(value, binding)
        return "missing" if node.otherwise is None else self.write(node.otherwise, binding)

    def why_missing(self, node: Node) -> str:
        """Why an operand of coalesce gave way."""
        match node:
            case Prior(period=period):
                item = self.explainer.period_of(period, self.keys, self.row)
                return f"missing: there is nothing before {item.name if item else 'this'}"
            case ColumnValue(table=table):
                return f"missing in {table}"
            case _:
                return "missing"

    def why_not(self, node: Node) -> str:
        """Why a condition does not hold, in words."""
        match node:
            case Logic(operator="and", left=left, right=right):
                failing = [self.why_not(side) for side in (left, right) if self.value(side) is False]
                return " and ".join(failing)
            case Logic(left=left, right=right):
                return f"{self.why_not(left)} and {self.why_not(right)}"
            case Not(operand=operand):
                return f"{formula_text(operand)} is so"
            case Comparison(operator=operator, left=left, right=right):
                words = {"=": "is not", "<>": "is", ">=": "is below", ">": "is not above", "<=": "is above"}
                return f"{self._named(left)} {words.get(operator, 'is not below')} {self._named(right)}"
            case IsMissing(operand=operand, negated=negated):
                return f"{formula_text(operand)} is {'missing' if negated else 'there'}"
            case OneOf(operand=operand):
                return f"{formula_text(operand)} is {self.short(operand)}"
            case _:
                return f"{formula_text(node)} is {self.short(node)}"

    def _named(self, node: Node) -> str:
        if isinstance(node, Literal_):
            return self.short(node)
        return f"{formula_text(node)} ({self.short(node)})"


class _Explainer:
    """Makes the tree, remembering what it has looked up."""

    def __init__(self, contract: Contract, values: ValuesOf, limit: int) -> None:
        self.contract, self.values, self.limit = contract, values, limit
        self._known: dict[tuple[int, RowKey], tuple[Node, Value | None]] = {}

    # -- values and how they are printed ----------------------------------------------------------------------------
    def value(self, node: Node, keys: Sequence[str], row: RowKey) -> Value | None:
        """The value of a node at a row."""
        at = (id(node), row)
        if at not in self._known:
            self._known[at] = (node, self.values.evaluate(node, keys, row))
        return self._known[at][1]

    def written(self, node: Node) -> WrittenUnit | None:
        """How the number that a node reads is written."""
        contract = self.contract
        match node:
            case ColumnValue(table=table, column=column):
                return contract.tables[table].column(column).written
            case QuantityValue(quantity=quantity):
                return contract.quantities[quantity].written
            case ParameterValue(parameter=parameter) | ScaleValue(parameter=parameter):
                return contract.parameters[parameter].written
            case Prior(of=of) | TrailingAverage(of=of):
                return self.written(of)
            case EndOf(value=value):
                return self.written(value)
            case Gather(how=how, value=value) if value is not None and how != "count":
                return self.written(value)
            case _:
                return None

    def short(self, node: Node, value: Value | None) -> str:
        """A value inside a working."""
        text = printed_value(self.contract, value, node.type, self.written(node), words=False)
        return f"'{text}'" if isinstance(value, str) and node.type.kind == "text" else text

    def printed(self, node: Node, value: Value | None) -> str:
        """A value by itself."""
        return printed_value(self.contract, value, node.type, self.written(node))

    def unit(self, type: Type, written: WrittenUnit | None) -> str:
        """The unit of a value, or its kind."""
        if type.kind != "number":
            return type.kind
        return str(written) if written is not None else str(type.unit or RATIO)

    def row_printed(self, row: Mapping[str, str]) -> str:
        """A row, periods by their usual names."""
        return ", ".join(f"{key} {key_text(self.contract, key, label)}" for key, label in row.items())

    def period_of(self, period: str, keys: Sequence[str], row: RowKey) -> PeriodItem | None:
        """The row's own item of a period key."""
        return self.contract.period(period, row[list(keys).index(period)]) if period in keys else None

    # -- a quantity -------------------------------------------------------------------------------------------------
    def quantity(self, name: str, row: RowKey, depth: int) -> Explanation:
        """A quantity and, while ``depth`` lasts, what it comes from."""
        quantity = self.contract.quantities[name]
        value = self.values.quantity(name, row)
        version = self.values.version(quantity, row)
        named = named_row(quantity.keys, row)
        rounding = quantity.rounding
        if rounding is None and isinstance(version.formula, Allocate):
            rounding = Rounding(version.formula.step, "down", quantity.type.unit or RATIO)
        one = Explanation(
            kind="quantity",
            name=name,
            row=named,
            value=value,
            printed=printed_value(self.contract, value, quantity.type, quantity.written, rounding),
            unit=self.unit(quantity.type, quantity.written),
            formula=" ".join(version.text.split()),
            title=quantity.title,
            clause=quantity.clause,
            note=quantity.note,
            since=version.since,
            place=version.place,
            node=version.formula,
            row_printed=self.row_printed(named),
        )
        if depth <= 0:
            return one
        if isinstance(version.formula, Gather):
            gathered = self.gathering(version.formula, quantity.keys, row, depth - 1)
            working = gathered.note + (f"; {_rounded(quantity.rounding)}" if quantity.rounding is not None else "")
            return replace(one, working=working, inputs=gathered.inputs, rows_in_all=gathered.rows_in_all)
        if isinstance(version.formula, Allocate):
            parts = self.allocation(quantity, version.formula, row, depth)
        else:
            parts = _PutIn(self, quantity.keys, row, depth - 1)
            working = parts.write(version.formula)
            if parts.because:
                working += f"; because {' and '.join(dict.fromkeys(parts.because))}"
            if quantity.rounding is not None:
                working += f"; {_rounded(quantity.rounding)}"
            one = replace(one, working=working)
            return replace(one, inputs=tuple(parts.inputs.values()), not_taken=tuple(parts.not_taken))
        working, rows, found = parts
        return replace(one, working=working, rows_in_all=rows, inputs=found)

    def allocation(
        self, quantity: Quantity, node: Allocate, row: RowKey, depth: int
    ) -> tuple[str, int | None, tuple[Explanation, ...]]:
        """Pool, weight and the weights of all: how a share came about."""
        keys = quantity.keys
        parts = _PutIn(self, keys, row, depth - 1)
        pool, weight = parts.write(node.pool, 6), parts.write(node.weight, 6)
        floor = "" if node.floor is None else f", nobody below the floor ({parts.write(node.floor)})"
        group = self.values.follow_all(node.group, keys, row)
        if group is None:
            return "missing: the row belongs to no pool", None, tuple(parts.inputs.values())
        some, total = self.values.some(node, group, 20_000)
        step = decimal_text(node.step)
        working = f"{pool} shared by weight over {total:,} rows{floor}"
        if total <= len(some) and node.floor is None:
            weights = [self.values.evaluate(node.weight, keys, other) for other in some]
            whole = sum((one for one in weights if isinstance(one, Fraction)), Fraction(0))
            unit = node.weight.type.unit
            shown = printed_number(whole, unit, words=False)
            all_rows = f"the weights of all {total:,} rows" if total > 1 else "the weight of the only row"
            working = f"{pool} * {weight} / {shown}, {all_rows}"
        working += f"; whole steps of {step}, what is left over goes to the largest remainders"
        return working, total, tuple(parts.inputs.values())

    # -- what a formula reads ---------------------------------------------------------------------------------------
    def leaf(self, node: Node, keys: Sequence[str], row: RowKey, depth: int) -> list[Explanation]:
        """The explanations of what one node reads (and of the keys that led there)."""
        match node:
            case QuantityValue(quantity=quantity, at=at):
                found = self.values.follow_all(at, keys, row)
                led = self.paths(at, keys, row)
                return led if found is None else [*led, self.quantity(quantity, found, depth)]
            case ColumnValue():
                return [*self.paths(node.at, keys, row), self.cell(node, keys, row)]
            case KeyValue(path=path):
                return self.paths((path,), keys, row) or [self.key(node, keys, row)]
            case ParameterValue():
                return self.parameter(node, keys, row, depth)
            case ScaleValue():
                return self.scale(node, keys, row, depth)
            case PeriodLength(period=period, path=path) | PeriodDay(period=period, path=path):
                label = self.values.follow(path, keys, row)
                value = self.value(node, keys, row)
                named = {} if label is None else {period: label}
                printed = self.printed(node, value)
                return [self._one("period", formula_text(node), named, value, printed, node)]
            case Gather():
                return [self.gathering(node, keys, row, depth)]
            case EndOf():
                return [self.end_of(node, keys, row, depth)]
            case Prior(of=of, steps=steps, period=period):
                return [self.earlier(node, of, period, steps, keys, row, depth)]
            case TrailingAverage(of=of, count=count, period=period):
                many = self.value(count, keys, row)
                steps = range(int(many)) if isinstance(many, Fraction) else range(0)
                inputs = tuple(self.earlier(node, of, period, back, keys, row, depth) for back in steps)
                value = self.value(node, keys, row)
                one = self._one(
                    "gathering", formula_text(node), named_row(keys, row), value, self.printed(node, value), node
                )
                return [replace(one, inputs=inputs, rows_in_all=len(inputs))]
            case Rank():
                return [self.rank(node, keys, row, depth)]
            case _:
                return []

    def _one(
        self, kind: Kind, name: str, row: Mapping[str, str], value: Value | None, printed: str, node: Node
    ) -> Explanation:
        unit = self.unit(node.type, self.written(node))
        return Explanation(
            kind, name, row, value, printed, unit, place=node.place, node=node, row_printed=self.row_printed(row)
        )

    def paths(self, paths: Sequence[KeyPath], keys: Sequence[str], row: RowKey) -> list[Explanation]:
        """How a key that is not the row's own was found: which table or quantity says so."""
        found: list[Explanation] = []
        for path in paths:
            match path:
                case HeldByColumn(key=key, table=table, column=column, at=at):
                    name, held, source = (
                        f"{table}.{column}",
                        self.contract.tables[table].keys,
                        self.contract.tables[table].source,
                    )
                    place = self.contract.tables[table].column(column).place
                case BorneByQuantity(key=key, quantity=quantity, at=at):
                    name, held, source = quantity, self.contract.quantities[quantity].keys, None
                    place = self.contract.quantities[quantity].place
                case EnclosingPeriod(of=of):
                    found += self.paths((of,), keys, row)
                    continue
                case _:
                    continue
            found += self.paths(at, keys, row)
            label = self.values.follow(path, keys, row)
            where = self.values.follow_all(at, keys, row)
            named = {} if where is None else named_row(held, where)
            printed = "missing" if label is None else key_text(self.contract, key, label)
            found.append(
                Explanation(
                    "key", name, named, label, printed, key, source=source, place=place,
                    row_printed=self.row_printed(named), note=f"says which {key}",
                )
            )  # fmt: skip
        return found

    def key(self, node: KeyValue, keys: Sequence[str], row: RowKey) -> Explanation:
        """A key of the row itself."""
        value = self.value(node, keys, row)
        return self._one("key", node.path.key, named_row(keys, row), value, self.printed(node, value), node)

    def cell(self, node: ColumnValue, keys: Sequence[str], row: RowKey) -> Explanation:
        """A value of an input or of a table of the contract."""
        table = self.contract.tables[node.table]
        column = table.column(node.column)
        at = self.values.follow_all(node.at, keys, row)
        named = {} if at is None else named_row(table.keys, at)
        value = self.value(node, keys, row)
        one = self._one(
            "table" if table.own else "input",
            f"{table.name}.{column.name}",
            named,
            value,
            self.printed(node, value),
            node,
        )
        note = column.note
        if value is None and at is not None and not self.values.table_has(table.name, at):
            note = f"{table.name} has no such row"
        return replace(one, source=table.source, place=column.place, note=note)

    def parameter(
        self, node: ParameterValue | ScaleValue, keys: Sequence[str], row: RowKey, depth: int
    ) -> list[Explanation]:
        """A parameter, with the entry that was used."""
        parameter = self.contract.parameters[node.parameter]
        members: dict[str, str] = {}
        led: list[Explanation] = []
        for name, by in zip(parameter.by, node.by, strict=True):
            member = self.value(by, keys, row)
            members[name] = "" if member is None else str(exact_text(member))
            led += self.leaf(by, keys, row, depth)
        value = None if isinstance(node, ScaleValue) else self.value(node, keys, row)
        one = self._one("parameter", parameter.name, members, value, self.printed(node, value), node)
        one = replace(one, note=parameter.note, place=parameter.place, formula="")
        changed = self.values.what_ifs.get(".".join((parameter.name, *members.values())), {})
        if self.values.world in changed:
            return [*led, replace(one, note="a what-if, instead of the contract's value")]
        day = self.values.parameter_day(node, keys, row)
        if day is None:
            return [*led, one]
        entry = self.values.entry_on(parameter, day, node.place)
        if parameter.as_at == "days" and node.on is None and len(parameter.entries) > 1:
            one = replace(one, note="weighted by the days of the period that each entry covers")
        since = entry.since if len(parameter.entries) > 1 else None
        return [*led, replace(one, source=entry.source, since=since, place=entry.place)]

    def scale(self, node: ScaleValue, keys: Sequence[str], row: RowKey, depth: int) -> list[Explanation]:
        """A scale, with the points between which its argument lies."""
        *led, entry = self.parameter(node, keys, row, depth)
        argument = self.value(node.argument, keys, row)
        value = self.value(node, keys, row)
        parts = _PutIn(self, keys, row, depth)
        written = parts.write(node.argument)
        points = self.values.parameter_value(node, keys, row)
        working = f"{node.parameter}({written})"
        if isinstance(points, ScalePoints) and isinstance(argument, Fraction):
            working += ": " + _on_points(self.contract.parameters[node.parameter], points, argument)
        inputs = (*led, *parts.inputs.values())
        return [
            replace(
                entry, kind="scale", name=formula_text(node), row=named_row(keys, row), value=value, working=working,
                printed=self.printed(node, value), inputs=inputs, row_printed=self.row_printed(named_row(keys, row)),
            )
        ]  # fmt: skip

    # -- across rows ------------------------------------------------------------------------------------------------
    def gathering(self, node: Gather, keys: Sequence[str], row: RowKey, depth: int) -> Explanation:
        """A gathering, with the first of its rows."""
        wanted = tuple(row[list(keys).index(key)] for key in node.keys)
        if node.where is None:
            some, total = self.values.some(node, wanted, self.limit)
        else:
            rows = self.values.gathered(node, keys, row)
            some, total = rows[: self.limit], len(rows)
        value = self.value(node, keys, row)
        inputs: list[Explanation] = []
        for finer in some[: self.limit]:
            named = named_row(node.rows.keys, finer)
            if node.value is None:
                shown = Explanation(
                    "key", node.rows.name, named, None, "counted", "", row_printed=self.row_printed(named)
                )
            elif isinstance(node.value, QuantityValue) and all(isinstance(path, OwnKey) for path in node.value.at):
                shown = self.leaf(node.value, node.rows.keys, finer, depth - 1)[-1]
            elif isinstance(node.value, ColumnValue):
                shown = self.cell(node.value, node.rows.keys, finer)
            else:
                parts = _PutIn(self, node.rows.keys, finer, depth - 1)
                working = parts.write(node.value)
                one = self.value(node.value, node.rows.keys, finer)
                shown = self._one(
                    "gathering", formula_text(node.value), named, one, self.printed(node.value, one), node.value
                )
                shown = replace(shown, working=working, inputs=tuple(parts.inputs.values()))
            inputs.append(shown)
        one = self._one("gathering", formula_text(node), named_row(keys, row), value, self.printed(node, value), node)
        rows_word = "1 row" if total == 1 else f"{total:,} rows"
        return replace(one, inputs=tuple(inputs), rows_in_all=total, note=f"over {rows_word} of [{node.rows.name}]")

    def end_of(self, node: EndOf, keys: Sequence[str], row: RowKey, depth: int) -> Explanation:
        """The first or last period's value."""
        finer = self.values.end_row(node, keys, row)
        value = self.value(node, keys, row)
        one = self._one("gathering", formula_text(node), named_row(keys, row), value, self.printed(node, value), node)
        if finer is None:
            return replace(one, rows_in_all=0, note=f"there is no row in the {node.which} {node.period}")
        parts = _PutIn(self, node.rows.keys, finer, depth - 1)
        parts.write(node.value)
        return replace(one, rows_in_all=1, inputs=tuple(parts.inputs.values()))

    def earlier(
        self,
        node: Prior | TrailingAverage,
        of: ColumnValue | QuantityValue,
        period: str,
        steps: int,
        keys: Sequence[str],
        row: RowKey,
        depth: int,
    ) -> Explanation:
        """A value some periods before."""
        at = self.values.follow_all(of.at, keys, row)
        value = self.values.earlier(of, period, steps, keys, row)
        name = formula_text(node) if isinstance(node, Prior) else formula_text(of)
        names = (
            self.contract.tables[of.table].keys
            if isinstance(of, ColumnValue)
            else self.contract.quantities[of.quantity].keys
        )
        one = self._one("prior", name, {}, value, self.printed(of, value), node)
        if at is None:
            return one
        position = names.index(period)
        labels = [item.label for item in self.values.run_periods(period)]
        if at[position] not in labels or labels.index(at[position]) < steps:
            return replace(one, note=f"there is no {period} before this in the run")
        then = (*at[:position], labels[labels.index(at[position]) - steps], *at[position + 1 :])
        named = named_row(names, then)
        one = replace(one, row=named, row_printed=self.row_printed(named))
        if isinstance(of, ColumnValue):
            if not self.values.table_has(of.table, then):
                return replace(one, note=f"{of.table} has no row then")
            table = self.contract.tables[of.table]
            return replace(one, source=table.source, place=table.column(of.column).place)
        if not self.values.row_exists(self.contract.quantities[of.quantity].rows, then):
            return replace(one, note="that row did not exist then")
        return replace(one, inputs=(self.quantity(of.quantity, then, depth - 1),)) if depth > 0 else one

    def rank(self, node: Rank, keys: Sequence[str], row: RowKey, depth: int) -> Explanation:
        """A place in an order."""
        value = self.value(node, keys, row)
        group = tuple(self.values.follow(path, keys, row) for path in node.partition)
        _, total = self.values.some(node, group, 1)
        parts = _PutIn(self, keys, row, depth)
        order = ", ".join(
            f"{formula_text(one)} {parts.write(one)}{' (highest first)' if descending else ' (lowest first)'}"
            for one, descending in node.order
        )
        one = self._one("rank", formula_text(node), named_row(keys, row), value, self.printed(node, value), node)
        working = f"{self.short(node, value)} of {total:,} by {order}; equal values, equal rank"
        return replace(one, working=working, rows_in_all=total, inputs=tuple(parts.inputs.values()))


def _rounded(rounding: Rounding) -> str:
    """``rounded to 0.01 GBP half_up``; a plain number has no unit to say."""
    return f"rounded to {rounding}".replace(" ratio ", " ")


def _on_points(parameter: Parameter, points: ScalePoints, x: Fraction) -> str:
    """Which points of a scale decide at ``x``."""
    scale = parameter.scale
    assert scale is not None

    def at(value: Fraction) -> str:
        return printed_number(value, scale.of.unit, percent=scale.of.percent, words=False)

    def of(value: Fraction) -> str:
        percent = parameter.written is not None and parameter.written.percent
        return printed_number(value, parameter.type.unit, percent=percent, words=False)

    if scale.kind == "marginal":
        slices: list[str] = []
        foot = Fraction(0)
        for upper, rate in points.points:
            top = x if upper is None else min(x, upper)
            if top > foot:
                slices.append(f"{at(top - foot)} * {of(rate)}")
            if upper is None or x <= upper:
                break
            foot = upper
        return " + ".join(slices) or "nothing of it lies in a band"
    known = [(upper, value) for upper, value in points.points if upper is not None]
    below = [point for point in known if point[0] <= x]
    above = [point for point in known if point[0] >= x]
    if scale.kind == "step":
        return (
            f"from {at(below[-1][0])}: {of(below[-1][1])}" if below else f"below {at(known[0][0])}: {of(known[0][1])}"
        )
    if not below:
        return f"below {at(known[0][0])}: {of(known[0][1])}"
    if not above:
        return f"above {at(known[-1][0])}: {of(known[-1][1])}"
    if below[-1][0] == x:
        return f"at {at(x)}: {of(below[-1][1])}"
    return f"between {at(below[-1][0])}: {of(below[-1][1])} and {at(above[0][0])}: {of(above[0][1])}"
