"""The readable schedule of a contract: what a person reads before signing, made from the checked contract alone.

:func:`schedule_of` gathers it as plain texts; :func:`html`, :func:`docx` and the terminal only lay them out. Contracts
come from strangers: every text is escaped where it is laid out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.contract import (
    Column,
    Contract,
    Parameter,
    Party,
    PartyOfRow,
    Quantity,
    ScalePoints,
    Table,
)
from accord.language.unit import Unit
from accord.settlement import storage, wording
from accord.settlement.sourcing import unverified_count

if TYPE_CHECKING:
    from docx.document import Document

ROWS_SHOWN = 40
"""Rows of a table of the contract that a schedule prints; a longer table says how many there are."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as written, with the day it comes into force (empty: always)."""

    since: str
    text: str


@dataclass(frozen=True, slots=True)
class Line:
    """A quantity in the schedule."""

    name: str
    each: str
    formulas: tuple[Formula, ...]
    rounding: str
    unit: str
    clause: str
    note: str
    status: str
    paid: str
    """Who pays whom, if it is a payment."""


@dataclass(frozen=True, slots=True)
class Section:
    """A group of quantities under its heading."""

    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Figure:
    """One dated value of a parameter, with its source."""

    name: str
    unit: str
    since: str
    known_from: str
    until: str
    values: tuple[tuple[str, str], ...]
    """Member (empty where it has one value) and value."""
    authority: str
    status: str
    note: str

    @property
    def value(self) -> str:
        """Its values in one line."""
        return ", ".join(f"{member} {value}" if member else value for member, value in self.values)


@dataclass(frozen=True, slots=True)
class ScaleTable:
    """One dated set of points of a scale, as a small table and a picture."""

    name: str
    kind: str
    since: str
    member: str
    heads: tuple[str, str]
    rows: tuple[tuple[str, str], ...]
    outside: str
    authority: str
    status: str
    note: str
    chart: str
    """An SVG drawing; made of numbers only."""


@dataclass(frozen=True, slots=True)
class ColumnLine:
    """A column of an input or table."""

    name: str
    what: str
    needed: str
    note: str


@dataclass(frozen=True, slots=True)
class TableLine:
    """An input, or a table of the contract with its rows."""

    name: str
    each: str
    columns: tuple[ColumnLine, ...]
    note: str
    measure: str
    optional: bool
    authority: str = ""
    status: str = ""
    heads: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    rows_in_all: int = 0


@dataclass(frozen=True, slots=True)
class PaymentLine:
    """A payment: what is paid, by whom, to whom."""

    quantity: str
    payer: str
    receiver: str
    stream: str
    due: str
    negative: str
    note: str

    @property
    def terms(self) -> str:
        """When it is due, and whether it can flow back: what every form of the schedule must say."""
        flows = self.negative if self.negative.startswith("flows") else ""
        return "; ".join(said for said in (self.due, flows) if said)


@dataclass(frozen=True, slots=True)
class ExampleLine:
    """A worked example: what is given, what must come out."""

    title: str
    source: str
    given: tuple[tuple[str, tuple[str, ...], tuple[tuple[str, ...], ...]], ...]
    """Input, its column names, its rows."""
    expect: tuple[tuple[str, str, str], ...]
    """Quantity, row, value."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Everything a reader needs to know of a contract, as texts."""

    name: str
    title: str
    authority: str
    note: str
    currency: str
    term: str
    history: str
    parties: tuple[tuple[str, str], ...]
    keys: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    figures: tuple[Figure, ...]
    scales: tuple[ScaleTable, ...]
    inputs: tuple[TableLine, ...]
    tables: tuple[TableLine, ...]
    payments: tuple[PaymentLine, ...]
    checks: tuple[tuple[str, str, str], ...]
    notices: tuple[tuple[str, str, str, str], ...]
    examples: tuple[ExampleLine, ...]
    warnings: tuple[str, ...]
    unverified: int
    signed_hash: str
    meaning_hash: str

    def as_json(self) -> dict[str, object]:
        """The schedule as plain data."""
        from dataclasses import asdict

        plain = asdict(self)
        for scale in plain["scales"]:
            del scale["chart"]
        return plain


def schedule_of(contract: Contract) -> Schedule:
    """The schedule of a checked contract."""
    own = [table for table in contract.tables.values() if table.own]
    figures = tuple(_figures(contract))
    return Schedule(
        name=contract.name,
        title=contract.title,
        authority=contract.authority,
        note=contract.note,
        currency=contract.currency,
        term=f"{wording.day(contract.term.first)} to {wording.day(contract.term.last)}",
        history=wording.day(contract.term.history) if contract.term.history else "",
        parties=tuple((party.name, party_text(party)) for party in contract.parties.values()),
        keys=tuple((key.name, key.title or _key_text(contract, key.name)) for key in contract.keys.values()),
        sections=tuple(_sections(contract)),
        figures=figures,
        scales=tuple(_scales(contract)),
        inputs=tuple(_table(contract, table) for table in contract.inputs.values()),
        tables=tuple(_table(contract, table) for table in own),
        payments=tuple(_payments(contract)),
        checks=tuple((check.text, each(check.rows.keys), check.message) for check in contract.checks),
        notices=tuple(
            (notice.notice, _party_of_row(contract, notice.about), notice.when, notice.power)
            for notice in contract.notices
        ),
        examples=tuple(_examples(contract)),
        warnings=tuple(str(problem) for problem in contract.warnings),
        unverified=unverified_count(contract),
        signed_hash=contract.signed_hash,
        meaning_hash=contract.meaning_hash,
    )


def each(keys: tuple[str, ...]) -> str:
    """What a row is for, in words: each practice and year."""
    return f"each {wording.listed(wording.words(key) for key in keys)}" if keys else "the whole contract"


def party_text(party: Party) -> str:
    """A party in words."""
    text = party.title or (f"each {wording.words(party.each)}" if party.each else wording.words(party.name))
    return text + (f", paid to its {wording.words(party.paid_to)}" if party.paid_to else "")


def _party_of_row(contract: Contract, party: PartyOfRow) -> str:
    return party_text(contract.parties[party.party]) if party.party in contract.parties else party.party


def _key_text(contract: Contract, name: str) -> str:
    key = contract.keys[name]
    if not key.is_period:
        return wording.heading(name)
    first, last = key.items[0], key.items[-1]
    within = f", inside each {key.within}" if key.within else ""
    return f"{len(key.items)} periods, {first.name} to {last.name}{within}"


def _sections(contract: Contract) -> Iterator[Section]:
    paid = {payment.quantity: payment for payment in contract.payments}
    title, lines = None, list[Line]()
    for quantity in contract.quantities.values():
        if title is not None and quantity.title and quantity.title != title:
            yield Section(title, tuple(lines))
            lines = []
        title = quantity.title or title or ""
        payment = paid.get(quantity.name)
        parties = ""
        if payment:
            payer, receiver = _party_of_row(contract, payment.payer), _party_of_row(contract, payment.receiver)
            parties = f"paid by {payer} to {receiver}"
        lines.append(_line(quantity, parties))
    if lines:
        yield Section(title or "", tuple(lines))


def _line(quantity: Quantity, parties: str) -> Line:
    return Line(
        quantity.name,
        each(quantity.keys),
        tuple(
            Formula(wording.day(version.since) if version.since else "", " ".join(version.text.split()))
            for version in quantity.versions
        ),
        _rounding_text(quantity),
        wording.unit_text(quantity.written, quantity.type),
        quantity.clause,
        quantity.note,
        quantity.status or "",
        parties,
    )


_RULES = {
    "half_up": "to the nearest {step}, halves away from zero",
    "half_even": "to the nearest {step}, halves to the even one",
    "down": "towards zero, to whole {step}",
    "up": "away from zero, to whole {step}",
    "floor": "down, to whole {step}",
    "ceiling": "up, to whole {step}",
}


def _rounding_text(quantity: Quantity) -> str:
    if quantity.rounding is None:
        return ""
    percent = bool(quantity.written and quantity.written.percent)
    step = wording.number(quantity.rounding.step, quantity.rounding.unit, percent)
    return "rounded " + _RULES[quantity.rounding.rule].format(step=step)


def _figures(contract: Contract) -> Iterator[Figure]:
    for parameter in contract.parameters.values():
        if parameter.scale is not None:
            continue
        for entry in parameter.entries:
            values: list[tuple[str, str]] = []
            for member, value in entry.values.items():
                assert not isinstance(value, ScalePoints)
                printed = wording.value_text(value, parameter.type, parameter.written, contract)
                values.append((_member(contract, parameter, member), printed))
            yield Figure(
                parameter.name,
                wording.unit_text(parameter.written, parameter.type),
                "" if len(parameter.entries) == 1 and not entry.until else wording.day(entry.since),
                wording.day(entry.known_from) if entry.known_from else "",
                wording.day(entry.until) if entry.until else "",
                tuple(values),
                entry.source.authority,
                entry.source.status,
                entry.source.note or parameter.note,
            )


def _member(contract: Contract, parameter: Parameter, member: tuple[str, ...]) -> str:
    return ", ".join(
        wording.member_name(contract, key, label) if key in contract.keys else label
        for key, label in zip(parameter.by, member, strict=True)
    )


def _scales(contract: Contract) -> Iterator[ScaleTable]:
    for parameter in contract.parameters.values():
        scale = parameter.scale
        if scale is None:
            continue
        of, percent_of = scale.of.unit, scale.of.percent
        unit = parameter.written.unit if parameter.written else parameter.type.unit
        percent = bool(parameter.written and parameter.written.percent)

        def at(value: Fraction | None, of: Unit = of, percent: bool = percent_of) -> str:
            return "above" if value is None else wording.number(value, of, percent)

        for entry in parameter.entries:
            for member, points in entry.values.items():
                assert isinstance(points, ScalePoints)
                what = {"step": "from", "linear": "at", "marginal": "up to"}[scale.kind]
                outside = [
                    f"{side} the {end} point the value holds"
                    for side, end, holds in (
                        ("below", "first", scale.below_holds),
                        ("above", "last", scale.above_holds),
                    )
                    if holds
                ]
                yield ScaleTable(
                    parameter.name,
                    scale.kind,
                    wording.day(entry.since) if len(parameter.entries) > 1 else "",
                    _member(contract, parameter, member),
                    (
                        f"{what} ({scale.of})",
                        f"{parameter.name} ({parameter.written or parameter.type.unit or 'ratio'})",
                    ),
                    tuple((at(x), wording.number(y, unit, percent)) for x, y in points.points),
                    wording.listed(outside),
                    entry.source.authority,
                    entry.source.status,
                    entry.source.note or parameter.note,
                    chart(points, scale.kind),
                )


def chart(points: ScalePoints, kind: str) -> str:
    """A small drawing of a scale as SVG. It repeats the table beside it, so screen readers skip it."""
    found = [(x, y) for x, y in points.points if x is not None]
    if len(found) < 2:
        return ""
    rates = [y for _, y in points.points]
    if kind == "marginal":
        total, line, before = Fraction(0), [(Fraction(0), Fraction(0))], Fraction(0)
        for x, rate in found:
            total += (x - before) * rate
            line.append((x, total))
            before = x
        end = before + (before - line[-2][0])
        if points.points[-1][0] is None:
            line.append((end, total + (end - before) * rates[-1]))
    elif kind == "step":
        line = []
        for number, (x, y) in enumerate(found):
            if number:
                line.append((x, found[number - 1][1]))
            line.append((x, y))
        line.append((found[-1][0] + (found[-1][0] - found[0][0]) / 8, found[-1][1]))
    else:
        line = list(found)
    left, right = line[0][0], line[-1][0]
    low, high = min(0, *(y for _, y in line)), max(0, *(y for _, y in line))
    if right == left or high == low:
        return ""
    width, height, edge = 240, 90, 6

    def placed(x: Fraction, y: Fraction) -> str:
        across = edge + (width - 2 * edge) * (x - left) / (right - left)
        down = height - edge - (height - 2 * edge) * (y - low) / (high - low)
        return f"{float(across):.1f},{float(down):.1f}"

    zero = placed(left, Fraction(0)), placed(right, Fraction(0))
    path = " ".join(placed(x, y) for x, y in line)
    (x1, y1), (x2, y2) = (point.split(",") for point in zero)
    axis = f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"'
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" aria-hidden="true" focusable="false">'
        f'{axis} stroke="#aeb7bd"/><polyline points="{path}" fill="none" stroke="#005eb8" stroke-width="2"/></svg>'
    )


def _column(column: Column) -> ColumnLine:
    return ColumnLine(
        column.name,
        wording.unit_text(column.written, column.type),
        "can be empty" if column.type.missing else "required",
        column.note,
    )


def _table(contract: Contract, table: Table) -> TableLine:
    columns = tuple(_column(column) for column in table.columns)
    heads, rows = (), ()
    if table.rows is not None:
        heads = (*table.keys, *(column.name for column in table.columns))
        rows = tuple(
            (
                *(wording.member_name(contract, key, str(cell)) for key, cell in zip(table.keys, row, strict=False)),
                *(
                    "" if cell is None else wording.value_text(cell, column.type, column.written, contract)
                    for column, cell in zip(table.columns, row[len(table.keys) :], strict=True)
                ),
            )
            for row in table.rows[:ROWS_SHOWN]
        )
    return TableLine(
        table.name,
        each(table.keys),
        columns,
        table.note,
        table.measure or "",
        table.optional,
        table.source.authority if table.source else "",
        table.source.status if table.source else "",
        heads,
        rows,
        len(table.rows or ()),
    )


def _payments(contract: Contract) -> Iterator[PaymentLine]:
    for payment in contract.payments:
        yield PaymentLine(
            payment.quantity,
            _party_of_row(contract, payment.payer),
            _party_of_row(contract, payment.receiver),
            payment.stream,
            payment.due,
            "flows back when negative" if payment.reverse_when_negative else "never negative",
            payment.note,
        )


def _examples(contract: Contract) -> Iterator[ExampleLine]:
    for example in contract.examples:
        given = tuple(
            (
                name,
                heads := tuple(dict.fromkeys(column for row in rows for column in row)),
                tuple(tuple(str(row.get(column, "")) for column in heads) for row in rows),
            )
            for name, rows in example.given.items()
        )
        expect = tuple((e.quantity, wording.row_text(contract, e.row), e.written) for e in example.expect)
        yield ExampleLine(example.title, example.source, given, expect)


# -- laid out as a web page ---------------------------------------------------------------------------------------


def html(schedule: Schedule) -> str:
    """The schedule as one web page: no scripts, nothing from outside, prints on A4."""
    from accord.settlement.page import render

    known = {line.name for section in schedule.sections for line in section.lines}
    known |= {figure.name for figure in schedule.figures} | {scale.name for scale in schedule.scales}
    columns = {c.name: t.name for t in (*schedule.inputs, *schedule.tables) for c in t.columns}
    return render("schedule.html.j2", schedule=schedule, formula=_linked(known, columns), heading=wording.heading)


_WORD = re.compile(r"'(?:[^']|'')*'|[A-Za-z_][A-Za-z0-9_]*|.", re.DOTALL)
_RESERVED = frozenset(
    "and or not is null in between case when then else end true false filter where over partition by order desc".split()  # noqa: SIM905
)


def _linked(known: set[str], columns: dict[str, str]) -> Callable[[str], object]:
    """A filter that writes a formula with every name linked to where the page says what it is."""
    from markupsafe import Markup, escape

    def formula(text: str) -> Markup:
        out = Markup("")
        for word in _WORD.findall(text):
            if word in known:
                out += Markup('<a href="#q-{0}">{0}</a>').format(word)
            elif word in columns:
                out += Markup('<a href="#t-{0}">{1}</a>').format(columns[word], word)
            elif word in _RESERVED:
                out += Markup('<span class="kw">{}</span>').format(word)
            else:
                out += escape(word)
        return out

    return formula


# -- laid out as a document ---------------------------------------------------------------------------------------


def docx(schedule: Schedule, path: Path) -> None:
    """The schedule as a Word document, for those who sign in Word. The same texts as the page, without the charts."""
    import datetime as dt

    import docx as word
    from docx.shared import Cm, Pt, RGBColor

    document: Document = word.Document()
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2)
    page.top_margin = page.bottom_margin = Cm(2)
    styles: Any = document.styles
    style = styles["Normal"]
    style.font.name, style.font.size = "Arial", Pt(10.5)
    for level in (1, 2, 3):
        styles[f"Heading {level}"].font.name = "Arial"
        styles[f"Heading {level}"].font.color.rgb = RGBColor(0x00, 0x30, 0x87)
    styles["Title"].font.name = "Arial"

    def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        if not rows:
            return
        grid = document.add_table(rows=1, cols=len(heads))
        grid.style = "Light Grid Accent 1"
        for cell, head in zip(grid.rows[0].cells, heads, strict=True):
            cell.text = _printable(head)
        for row in rows:
            for cell, text in zip(grid.add_row().cells, row, strict=True):
                cell.text = _printable(text)
        for row in grid.rows:
            for cell in row.cells:
                for paragraph in cell.paragraphs:
                    for piece in paragraph.runs:
                        piece.font.size = Pt(9)
        document.add_paragraph()

    document.add_heading(_printable(schedule.title), 0)
    if schedule.authority:
        document.add_paragraph(_printable(schedule.authority))
    if schedule.note:
        document.add_paragraph(_printable(schedule.note))
    if schedule.unverified:
        document.add_paragraph(f"{schedule.unverified} figures are not verified: they are marked below.").runs[
            0
        ].bold = True
    document.add_heading("Term and parties", 1)
    document.add_paragraph(f"{schedule.term}; amounts in {schedule.currency}.")
    table(("Party", "Who"), [(wording.heading(name), who) for name, who in schedule.parties])
    document.add_heading("What is paid", 1)
    table(
        ("Payment", "From", "To", "Stream", "Terms"),
        [(p.quantity, p.payer, p.receiver, p.stream, p.terms) for p in schedule.payments],
    )
    document.add_heading("How it is worked out", 1)
    for section in schedule.sections:
        if section.title:
            document.add_heading(_printable(section.title), 2)
        for line in section.lines:
            document.add_heading(_printable(line.name), 3)
            for formula in line.formulas:
                paragraph = document.add_paragraph()
                if formula.since:
                    paragraph.add_run(f"From {formula.since}: ").italic = True
                paragraph.add_run(_printable(formula.text)).font.name = "Consolas"
            facts = [f"For {line.each}", line.unit, line.rounding, line.paid, line.clause, line.note]
            facts.append(f"status: {line.status}" if line.status else "")
            document.add_paragraph(_printable("; ".join(fact for fact in facts if fact) + "."))
    document.add_heading("Figures", 1)
    table(
        ("Figure", "Value", "In force", "Authority", "Status"),
        [
            (
                f.name,
                f.value,
                " ".join(filter(None, [f.since and f"from {f.since}", f.until and f"until {f.until}"]))
                or "the whole term",
                f.authority,
                f.status,
            )
            for f in schedule.figures
        ],
    )
    for scale in schedule.scales:
        document.add_heading(_printable(f"{scale.name}: a {scale.kind} scale {scale.member}".strip()), 2)
        told = [
            scale.since and f"From {scale.since}",
            scale.authority,
            f"status: {scale.status}",
            scale.outside,
            scale.note,
        ]
        document.add_paragraph(_printable("; ".join(part for part in told if part)))
        table(scale.heads, list(scale.rows))
    document.add_heading("What goes in", 1)
    for one in schedule.inputs:
        optional = " (optional)" if one.optional else ""
        document.add_heading(_printable(f"{one.name}: one row for {one.each}{optional}"), 2)
        told = [one.note, one.measure and f"filled by the measure {one.measure}"]
        if any(told):
            document.add_paragraph(_printable("; ".join(part for part in told if part)))
        table(("Column", "What", "Needed", "Note"), [(c.name, c.what, c.needed, c.note) for c in one.columns])
    if schedule.tables:
        document.add_heading("Tables of the contract", 1)
        for one in schedule.tables:
            document.add_heading(_printable(one.name), 2)
            document.add_paragraph(_printable(f"{one.rows_in_all} rows. {one.authority} (status: {one.status})"))
            table(one.heads, list(one.rows))
    if schedule.checks:
        document.add_heading("What must hold", 1)
        table(("Condition", "On", "Otherwise"), list(schedule.checks))
    if schedule.notices:
        document.add_heading("Notices: proposals for a person to decide", 1)
        table(("Notice", "About", "When", "Power"), list(schedule.notices))
    if schedule.examples:
        document.add_heading("Worked examples", 1)
        for example in schedule.examples:
            document.add_heading(_printable(example.title), 2)
            document.add_paragraph(_printable(example.source))
            for name, heads, rows in example.given:
                document.add_paragraph(_printable(f"Given {name}:"))
                table(heads, list(rows))
            table(("Quantity", "Row", "Must be"), list(example.expect))
    document.add_heading("Which text this is", 1)
    document.add_paragraph(f"Signed text, SHA-256: {schedule.signed_hash}")
    document.add_paragraph(f"Meaning, SHA-256: {schedule.meaning_hash}")
    document.core_properties.title = _printable(schedule.title)
    document.core_properties.author = "Accord"
    fixed = dt.datetime(2000, 1, 1)
    document.core_properties.created = document.core_properties.modified = fixed
    made = BytesIO()
    document.save(made)
    storage.write_file(path, made.getvalue())


def _printable(text: str) -> str:
    """Text without the control characters that a document cannot hold."""
    return "".join(character for character in text if character >= " " or character in "\n\t")
