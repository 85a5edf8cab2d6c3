"""The working of a party's amounts: every quantity, input and figure they are made of, each once, as linked cells.

A formula of the contract becomes a spreadsheet formula over cells, node by node, so that a reader can follow and try
numbers; the value that was settled stands beside it and is what counts. A spreadsheet computes in floating point: the
last digit is the contract's. Missing values are #N/A, which spreads through a spreadsheet as missing does through a
contract.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from accord.engine.reference import NotThere, RowEvaluator, RowKey
from accord.language.contract import Contract, Parameter, Quantity, ScalePoints, Source, Value
from accord.language.meaning import (
    Absolute,
    Allocate,
    Arithmetic,
    Choice,
    Coalesce,
    ColumnValue,
    Comparison,
    DaysBetween,
    EndOf,
    Extreme,
    Gather,
    IsMissing,
    KeyValue,
    Literal_,
    Logic,
    Negative,
    Node,
    Not,
    OneOf,
    ParameterValue,
    PeriodDay,
    PeriodLength,
    Prior,
    QuantityValue,
    Rank,
    ScaleValue,
    TrailingAverage,
    walk,
)
from accord.language.problem import SettlementStopped
from accord.language.rounding import Rounding, decimal_places, decimal_text
from accord.settlement import wording

if TYPE_CHECKING:
    from accord.language.types import Type
    from accord.language.unit import WrittenUnit

ROWS_LINKED = 60
"""A sum over more rows than this is given as the settled number, with a note."""

MOST_CELLS = 4000
"""A working with more cells than this is not something anybody reads: what lies deeper is given as settled."""

LONGEST = 7500
"""Characters of a spreadsheet formula; the programs allow 8,192."""

Sheet = Literal["Working", "Inputs", "Figures"]


@dataclass(frozen=True, slots=True)
class Cell:
    """A named value with, where it is computed, the spreadsheet formula over other cells."""

    sheet: Sheet
    number: int
    """Its place on the sheet, from 1."""
    name: str
    at: str
    """The row it is for, in words."""
    value: Value | None
    type: Type
    written: WrittenUnit | None
    printed: str
    formula: str
    """A spreadsheet formula without ``=``; empty for a constant."""
    text: str = ""
    """The formula as the contract writes it."""
    clause: str = ""
    source: Source | None = None
    note: str = ""
    marks: frozenset[str] = frozenset()
    """Statuses of figures it rests on that are not verified, and ``what if``."""

    @property
    def reference(self) -> str:
        """How a formula on any sheet names it."""
        return f"{self.sheet}!$C${self.number + FIRST_ROW - 1}"

    @property
    def percent(self) -> bool:
        """Whether it is written times 100."""
        return bool(self.written and self.written.percent)


FIRST_ROW = 4
"""The row of a sheet in which the first cell stands, from 1: title, note and headings stand above it."""


class TooMuch(Exception):
    """The working would be longer than anybody reads."""


@dataclass(slots=True)
class Workings:
    """Collects the cells behind amounts; each quantity, input value and figure stands once."""

    contract: Contract
    values: RowEvaluator
    what_ifs: Mapping[str, object] = field(default_factory=dict[str, object])
    cells: dict[tuple[str, ...], Cell] = field(default_factory=dict[tuple[str, ...], Cell])
    _counts: dict[str, int] = field(default_factory=dict[str, int])
    _marks: list[set[str]] = field(default_factory=list[set[str]])
    _notes: list[list[str]] = field(default_factory=list[list[str]])

    def sheet(self, name: Sheet) -> list[Cell]:
        """The cells of one sheet, in order: what a cell is made of stands above it."""
        return sorted((cell for cell in self.cells.values() if cell.sheet == name), key=lambda cell: cell.number)

    # -- cells --------------------------------------------------------------------------------------------------------
    def quantity(self, name: str, row: RowKey) -> Cell:
        """The cell of a quantity at a row, with everything it is made of. Raises NotThere if there is no such row."""
        at = ("quantity", name, *row)
        if at in self.cells:
            return self._used(self.cells[at])
        quantity = self.contract.quantities[name]
        value = self.values.quantity(name, row)
        version = self.values.version(quantity, row)
        with self._collecting() as (marks, notes):
            try:
                if len(self.cells) > MOST_CELLS:
                    raise TooMuch
                formula = self._rounded(self.formula(version.formula, quantity.keys, row), quantity)
                if len(formula) > LONGEST:
                    raise TooMuch
            except (TooMuch, RecursionError):
                formula = ""
                notes.append("as settled; the working is too long to be linked here")
            if quantity.status and quantity.status != "verified":
                marks.add(f"{quantity.status} rounding of {name}")
        return self._add(
            at,
            "Working",
            name,
            dict(zip(quantity.keys, row, strict=True)),
            value,
            quantity.type,
            quantity.written,
            formula,
            text=" ".join(version.text.split()),
            clause=quantity.clause,
            note="; ".join(dict.fromkeys(notes)),
            marks=frozenset(marks),
        )

    def column(self, table: str, column: str, row: RowKey) -> Cell:
        """The cell of an input value (or a value of a table of the contract)."""
        at = ("column", table, column, *row)
        if at in self.cells:
            return self._used(self.cells[at])
        held = self.contract.tables[table]
        told = held.column(column)
        value = self.values.cell(table, column, row)
        marks: set[str] = set()
        if held.source and held.source.status != "verified":
            marks.add(f"{held.source.status} table {table}")
        return self._add(
            at,
            "Inputs",
            f"{table}.{column}",
            dict(zip(held.keys, row, strict=True)),
            value,
            told.type,
            told.written,
            "",
            source=held.source,
            note=told.note,
            marks=frozenset(marks),
        )

    def figure(self, node: ParameterValue, keys: Sequence[str], row: RowKey) -> Cell:
        """The cell of a parameter as it is read at a row."""
        parameter = self.contract.parameters[node.parameter]
        members = [self.values.evaluate(by, keys, row) for by in node.by]
        value = self.values.parameter_value(node, keys, row)
        assert not isinstance(value, ScalePoints)
        day = self.values.parameter_day(node, keys, row)
        source, note, since, marks = self._told(parameter, [str(member) for member in members], day, node)
        averaged = parameter.as_at == "days" and node.on is None and node.period is not None
        if averaged:
            note = "; ".join(filter(None, ["averaged over the days of the period", note]))
        at = ("figure", node.parameter, *(str(m) for m in members), str(since), wording.plain(value))
        if at in self.cells:
            return self._used(self.cells[at])
        told = {f"by {name}": str(member) for name, member in zip(parameter.by, members, strict=True)}
        if since is not None and len(parameter.entries) > 1:
            told["in force from"] = wording.day(since)
        formula = ""
        if isinstance(value, Fraction) and decimal_places(value) is None:
            formula = decimal_text(value)
        return self._add(
            at,
            "Figures",
            node.parameter,
            told,
            value,
            parameter.type,
            parameter.written,
            formula,
            source=source,
            note=note,
            marks=frozenset(marks),
        )

    def _told(
        self, parameter: Parameter, members: Sequence[str], day: dt.date | None, node: ParameterValue | ScaleValue
    ) -> tuple[Source | None, str, dt.date | None, set[str]]:
        """Source, note, first day and marks of the entry of a parameter that is read."""
        if ".".join([parameter.name, *members]) in self.what_ifs or parameter.name in self.what_ifs:
            return None, "what if: this is not what the contract says", None, {f"what if {parameter.name}"}
        if day is None:
            return None, "", None, set()
        entry = self.values.entry_on(parameter, day, node.place)
        status = entry.source.status
        marks = set[str]() if status in ("verified", "derived") else {f"{status} figure {parameter.name}"}
        return entry.source, entry.source.note or parameter.note, entry.since, marks

    def _add(
        self,
        at: tuple[str, ...],
        sheet: Sheet,
        name: str,
        row: Mapping[str, str],
        value: Value | None,
        type_: Type,
        written: WrittenUnit | None,
        formula: str,
        *,
        text: str = "",
        clause: str = "",
        source: Source | None = None,
        note: str = "",
        marks: frozenset[str],
    ) -> Cell:
        self._counts[sheet] = self._counts.get(sheet, 0) + 1
        printed = wording.value_text(value, type_, written, self.contract)
        where = wording.row_text(self.contract, row)
        cell = Cell(
            sheet,
            self._counts[sheet],
            name,
            where,
            value,
            type_,
            written,
            printed,
            formula,
            text,
            clause,
            source,
            note,
            marks,
        )
        self.cells[at] = cell
        return self._used(cell)

    def _used(self, cell: Cell) -> Cell:
        """Whoever is being worked out rests on this cell, and on what it rests on."""
        if self._marks:
            self._marks[-1] |= cell.marks
        return cell

    @contextmanager
    def _collecting(self) -> Iterator[tuple[set[str], list[str]]]:
        marks, notes = set[str](), list[str]()
        self._marks.append(marks)
        self._notes.append(notes)
        try:
            yield marks, notes
        finally:
            self._marks.pop()
            self._notes.pop()

    def _note(self, text: str) -> None:
        if self._notes:
            self._notes[-1].append(text)

    # -- formulas -----------------------------------------------------------------------------------------------------
    def formula(self, node: Node, keys: Sequence[str], row: RowKey) -> str:
        """A node of a formula as a spreadsheet writes it."""

        def inner(one: Node) -> str:
            return self.formula(one, keys, row)

        match node:
            case Literal_(value=value):
                return literal(value)
            case KeyValue(path=path):
                return literal(self.values.follow(path, keys, row))
            case ColumnValue(table=table, column=column, at=at):
                found = self.values.follow_all(at, keys, row)
                optional = self.contract.tables[table].optional
                if found is None or (optional and not self.values.table_has(table, found)):
                    return "NA()"
                return self.column(table, column, found).reference
            case QuantityValue(quantity=quantity, at=at):
                found = self.values.follow_all(at, keys, row)
                return "NA()" if found is None else self.quantity(quantity, found).reference
            case ParameterValue():
                return self.figure(node, keys, row).reference
            case ScaleValue():
                return self._scale(node, keys, row)
            case Arithmetic(operator=operator, left=left, right=right):
                return f"({inner(left)}{operator}{inner(right)})"
            case Negative(operand=operand):
                return f"(-{inner(operand)})"
            case Absolute(operand=operand):
                return f"ABS({inner(operand)})"
            case Comparison(operator=operator, left=left, right=right):
                return f"({inner(left)}{operator}{inner(right)})"
            case Logic(operator=operator, left=left, right=right):
                return self._logic(node, operator, inner(left), inner(right))
            case Not(operand=operand):
                return f"NOT({inner(operand)})"
            case IsMissing(operand=operand, negated=negated):
                return f"NOT(ISNA({inner(operand)}))" if negated else f"ISNA({inner(operand)})"
            case OneOf(operand=operand, options=options):
                return f"OR({','.join(f'{inner(operand)}={inner(option)}' for option in options)})"
            case Choice(branches=branches, otherwise=otherwise):
                taken = self._taken(branches, keys, row)
                rests = taken == len(branches)
                text = "NA()" if otherwise is None else self._branch(otherwise, keys, row, taken=rests)
                for number, (condition, value) in reversed(tuple(enumerate(branches))):
                    asked = self._branch(condition, keys, row, taken=number <= taken)
                    text = f"IF({asked},{self._branch(value, keys, row, taken=number == taken)},{text})"
                return text
            case Extreme(which=which, operands=operands):
                return f"{'MIN' if which == 'least' else 'MAX'}({','.join(inner(one) for one in operands)})"
            case Coalesce(operands=operands):
                text = inner(operands[-1])
                for one in reversed(operands[:-1]):
                    text = f"_xlfn.IFNA({inner(one)},{text})"
                return text
            case PeriodLength() | PeriodDay():
                return literal(self.values.evaluate(node, keys, row))
            case DaysBetween(start=start, end=end):
                return f"({inner(end)}-{inner(start)})"
            case Gather():
                return self._gather(node, keys, row)
            case EndOf():
                finer = self.values.end_row(node, keys, row)
                return "NA()" if finer is None else self.formula(node.value, node.rows.keys, finer)
            case Prior(of=of, steps=steps, period=period):
                return self._earlier(of, period, steps, keys, row)
            case TrailingAverage(of=of, count=count, period=period):
                many = self.values.evaluate(count, keys, row)
                assert isinstance(many, Fraction)
                parts = [self._earlier(of, period, steps, keys, row) for steps in range(int(many))]
                return f"AVERAGE({','.join(parts)})"
            case Rank(rows=rows):
                self._note(f"a rank among the rows of [{rows.name}], as settled")
                return literal(self.values.evaluate(node, keys, row))
            case Allocate():
                return self._share(node, keys, row)
            case _:
                self._note("as settled")
                return literal(self.values.evaluate(node, keys, row))

    def _logic(self, node: Logic, operator: str, left: str, right: str) -> str:
        """``and`` and ``or``; three-valued where something can be missing, which a spreadsheet's own are not."""
        plain = f"{operator.upper()}({left},{right})"
        if not (node.left.type.missing or node.right.type.missing or any(isinstance(n, IsMissing) for n in walk(node))):
            return plain
        if operator == "or":
            return f"IF(OR(_xlfn.IFNA({left},FALSE),_xlfn.IFNA({right},FALSE)),TRUE,{plain})"
        return f"IF(OR(_xlfn.IFNA(NOT({left}),FALSE),_xlfn.IFNA(NOT({right}),FALSE)),FALSE,{plain})"

    def _taken(self, branches: Sequence[tuple[Node, Node]], keys: Sequence[str], row: RowKey) -> int:
        """The number of the branch whose condition is the first that does not fail; how many there are if all do."""
        for number, (condition, _) in enumerate(branches):
            if self.values.evaluate(condition, keys, row) is not False:
                return number
        return len(branches)

    def _branch(self, node: Node, keys: Sequence[str], row: RowKey, *, taken: bool) -> str:
        """A branch that may not apply: what it would need need not be there, and nothing rests on it if not taken."""
        try:
            if taken:
                return self.formula(node, keys, row)
            with self._collecting():
                return self.formula(node, keys, row)
        except (NotThere, SettlementStopped):
            return "NA()"

    def _rounded(self, text: str, quantity: Quantity) -> str:
        return text if quantity.rounding is None else rounding_formula(text, quantity.rounding)

    def _scale(self, node: ScaleValue, keys: Sequence[str], row: RowKey) -> str:
        parameter = self.contract.parameters[node.parameter]
        points = self.values.parameter_value(node, keys, row)
        if points is None:
            return "NA()"
        assert isinstance(points, ScalePoints) and parameter.scale is not None
        members = [str(self.values.evaluate(by, keys, row)) for by in node.by]
        _, _, _, marks = self._told(parameter, members, self.values.parameter_day(node, keys, row), node)
        if self._marks:
            self._marks[-1] |= marks
        argument = self.formula(node.argument, keys, row)
        text = scale_formula(parameter, points, argument)
        if len(text) > LONGEST // 2:
            self._note(f"{node.parameter}() as settled: the scale is too long for a cell")
            return literal(self.values.evaluate(node, keys, row))
        self._note(f"{node.parameter} is a {parameter.scale.kind} scale; its points stand in the formula")
        return text

    def _gather(self, node: Gather, keys: Sequence[str], row: RowKey) -> str:
        finer = self.values.gathered(node, keys, row)
        if node.how == "count" or node.value is None:
            self._note(f"a count of rows of [{node.rows.name}]")
            return str(len(finer))
        if len(finer) > ROWS_LINKED or len(self.cells) > MOST_CELLS:
            self._note(f"{node.how} over {len(finer):,} rows of [{node.rows.name}], as settled")
            self._marks_of(node.value, node.rows.keys, finer)
            return literal(self.values.evaluate(node, keys, row))
        if node.how == "quantile":
            self._marks_of(node.value, node.rows.keys, finer)
            self._note(f"the nearest rank among {len(finer)} rows, as settled")
            return literal(self.values.evaluate(node, keys, row))
        if node.where is not None:
            self._note(f"{len(finer)} rows pass the filter")
        parts = [self.formula(node.value, node.rows.keys, one) for one in finer]
        if not parts:
            return "0" if node.how == "sum" else "NA()"
        # a bare reference to a cell with a flag or text would be passed over by SUM; numbers are all there are here
        return f"{node.how.upper()}({','.join(parts)})"

    def _marks_of(self, node: Node, keys: Sequence[str], rows: Sequence[RowKey]) -> None:
        """What many rows rest on, seen at the first of them: their cells are not written out, their marks count."""
        if not rows:
            return
        cells, counts = dict(self.cells), dict(self._counts)
        with self._collecting() as (marks, _), suppress(NotThere, SettlementStopped, TooMuch):
            self.formula(node, keys, rows[0])
        self.cells, self._counts = cells, counts
        if self._marks:
            self._marks[-1] |= marks

    def _earlier(
        self, of: ColumnValue | QuantityValue, period: str, steps: int, keys: Sequence[str], row: RowKey
    ) -> str:
        at = self.values.follow_all(of.at, keys, row)
        if at is None:
            return "NA()"
        names = (
            self.contract.tables[of.table].keys
            if isinstance(of, ColumnValue)
            else self.contract.quantities[of.quantity].keys
        )
        position = names.index(period)
        labels = [item.label for item in self.values.run_periods(period)]
        if at[position] not in labels or (index := labels.index(at[position]) - steps) < 0:
            return "NA()"
        then = (*at[:position], labels[index], *at[position + 1 :])
        if isinstance(of, ColumnValue):
            return self.column(of.table, of.column, then).reference if self.values.table_has(of.table, then) else "NA()"
        exists = self.values.row_exists(self.contract.quantities[of.quantity].rows, then)
        return self.quantity(of.quantity, then).reference if exists else "NA()"

    def _share(self, node: Allocate, keys: Sequence[str], row: RowKey) -> str:
        settled = self.values.evaluate(node, keys, row)
        group = self.values.follow_all(node.group, keys, row)
        if settled is None or group is None:
            return "NA()"
        assert isinstance(settled, Fraction)
        rows = self.values.matching(node, group)
        if node.floor is not None or len(rows) > ROWS_LINKED:
            self._note(f"a share of a pool over {len(rows):,} rows (largest remainder), as settled")
            for part in (node.pool, node.weight):
                self.formula(part, keys, row)  # the reader sees what was shared and by which weight
            return literal(settled)
        pool, weight = self.values.number(node.pool, keys, row), self.values.number(node.weight, keys, row)
        weights = [self.values.number(node.weight, node.rows.keys, one) or Fraction(0) for one in rows]
        total = sum(weights, Fraction(0))
        if pool is None or weight is None or not total:
            return literal(settled)
        ideal = pool * weight / total
        steps = abs(ideal) // node.step * node.step * (1 if ideal >= 0 else -1)
        rest = settled - steps
        parts = ",".join(self.formula(node.weight, node.rows.keys, one) for one in rows)
        whole = rounding_formula(
            f"({self.formula(node.pool, keys, row)}*{self.formula(node.weight, keys, row)}/SUM({parts}))",
            Rounding(node.step, "down", self.contract.money),
        )
        self._note(
            f"shared by weight over {len(rows)} rows in whole steps; what is left goes to the largest remainders"
        )
        return f"({whole}+{literal(rest)})" if rest else whole


def literal(value: Value | None) -> str:
    """A constant in a spreadsheet formula."""
    match value:
        case None:
            return "NA()"
        case bool():
            return "TRUE" if value else "FALSE"
        case Fraction():
            text = decimal_text(value)
            return f"({text})" if "/" in text or text.startswith("-") else text
        case dt.date():
            return f"DATE({value.year},{value.month},{value.day})"
        case str():
            return '"' + value.replace('"', '""') + '"'


def rounding_formula(text: str, rounding: Rounding) -> str:
    """A rounding by one of the named rules. Noise of floating point is rounded off first, so that ties stay ties."""
    step = rounding.step
    places = decimal_places(step)
    is_power = places is not None and step == Fraction(1, 10**places)
    clean = f"ROUND(({text})/{decimal_text(step)},6)" if not is_power else f"ROUND(({text})*{10 ** (places or 0)},6)"
    match rounding.rule:
        case "half_up":
            whole = f"ROUND({clean},0)"
        case "down":
            whole = f"ROUNDDOWN({clean},0)"
        case "up":
            whole = f"ROUNDUP({clean},0)"
        case "floor":
            whole = f"INT({clean})"
        case "ceiling":
            whole = f"-INT(-{clean})"
        case "half_even":
            whole = f"IF(ABS({clean}-INT({clean})-0.5)<0.000001,2*ROUND(INT({clean})/2+0.25,0),ROUND({clean},0))"
    return f"({whole}*{decimal_text(step)})" if not is_power else f"({whole}/{10 ** (places or 0)})"


def scale_formula(parameter: Parameter, points: ScalePoints, argument: str) -> str:
    """A scale as nested IFs (step, linear) or a sum of bands (marginal)."""
    scale = parameter.scale
    assert scale is not None
    x = argument
    if scale.kind == "marginal":
        parts: list[str] = []
        foot = Fraction(0)
        for upper, rate in points.points:
            if upper is None:
                parts.append(f"MAX({x}-{literal(foot)},0)*{literal(rate)}")
            else:
                parts.append(f"MAX(MIN({x},{literal(upper)})-{literal(foot)},0)*{literal(rate)}")
                foot = upper
        body = "+".join(parts)
        if points.points[-1][0] is not None and not scale.above_holds:
            body = f"IF({x}>{literal(foot)},NA(),{body})"
        return f"({body})" if scale.below_holds else f"IF({x}<0,NA(),{body})"
    known = [(at, value) for at, value in points.points if at is not None]
    below = literal(known[0][1]) if scale.below_holds else "NA()"
    if scale.kind == "step":
        text = below
        for at, value in known:
            text = f"IF({x}>={literal(at)},{literal(value)},{text})"
        return text
    text = (
        literal(known[-1][1]) if scale.above_holds else f"IF({x}>{literal(known[-1][0])},NA(),{literal(known[-1][1])})"
    )
    for (left, low), (right, high) in reversed(list(pairwise(known))):
        if right > left:
            slope = (high - low) / (right - left)
            text = f"IF({x}<={literal(right)},{literal(low)}+({x}-{literal(left)})*{literal(slope)},{text})"
    return f"IF({x}<{literal(known[0][0])},{below},{text})"


def sheet_value(cell: Cell) -> float | str | bool | dt.date:
    """The settled value as a spreadsheet holds it. The exact value is in the statement's CSV."""
    match cell.value:
        case None:
            return "#N/A"
        case Fraction():
            return float(cell.value)
        case bool() | dt.date():
            return cell.value
        case str():
            return cell.value


def marks_text(marks: frozenset[str]) -> str:
    """Marks in words, what-ifs first."""
    return "; ".join(sorted(marks, key=lambda mark: (not mark.startswith("what if"), mark)))


CELL = re.compile(r"(Working|Inputs|Figures)!\$C\$(\d+)")
"""A reference of a formula to a cell."""
