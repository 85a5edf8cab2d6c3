"""A party's statement: what it is owed and owes, and the working of every amount down to inputs, figures and clauses.

Three forms of the same facts: a page that prints well, a CSV for a ledger, a workbook with the arithmetic as live
formulas.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.contract import Contract, Payment
from accord.language.problem import nearest
from accord.settlement import storage, wording
from accord.settlement.owed import Owed, PartyName, by_name, owed_in
from accord.settlement.run import Run, safe_cell
from accord.settlement.workings import FIRST_ROW, Cell, Workings, marks_text, sheet_value

if TYPE_CHECKING:
    from accord.engine.reference import RowEvaluator
    from accord.settlement.income import Income

CELLS_ON_PAGE = 600
"""Cells of the working that the page prints; the workbook and the CSV have them all."""


ASSUMPTION = "this contract:"
"""How a contract begins the authority of a figure that stands in for data that nobody gave, with the reason behind."""


@dataclass(frozen=True, slots=True)
class Line:
    """One payment as its party sees it."""

    owed: Owed
    payment: Payment
    cell: Cell
    incoming: bool
    """Whether the party receives it."""
    row: str
    other: str
    about: str
    """The row without the two parties."""
    amount: str
    clause: str
    marks: str
    """What the amount rests on that is not final."""

    @property
    def stream(self) -> str:
        """The stream it belongs to."""
        return self.owed.stream or wording.heading(self.owed.quantity)


@dataclass(frozen=True, slots=True)
class StreamTotal:
    """What a stream comes to for the party, both ways."""

    stream: str
    received: Fraction
    paid: Fraction


@dataclass(frozen=True, slots=True)
class Group:
    """Cells of one name and one formula: the same working, row after row."""

    first: Cell
    cells: tuple[Cell, ...]


def grouped(cells: Sequence[Cell]) -> tuple[Group, ...]:
    """Cells by name and formula, in order of first appearance."""
    found: dict[tuple[str, str, str], list[Cell]] = {}
    for cell in cells:
        found.setdefault((cell.name, cell.text, cell.note), []).append(cell)
    return tuple(Group(cells[0], tuple(cells)) for cells in found.values())


@dataclass(frozen=True)
class Statement:
    """What one party is owed and owes in a run."""

    run: Run
    contract: Contract
    party: PartyName
    lines: tuple[Line, ...]
    working: tuple[Cell, ...]
    inputs: tuple[Cell, ...]
    figures: tuple[Cell, ...]

    @cached_property
    def totals(self) -> tuple[StreamTotal, ...]:
        """By stream, in the order of the contract."""
        sums: dict[str, list[Fraction]] = {}
        for line in self.lines:
            at = sums.setdefault(line.stream, [Fraction(0), Fraction(0)])
            at[0 if line.incoming else 1] += line.owed.amount
        return tuple(StreamTotal(stream, *both) for stream, both in sums.items())

    @property
    def received(self) -> Fraction:
        """Everything owed to the party."""
        return sum((total.received for total in self.totals), Fraction(0))

    @property
    def paid(self) -> Fraction:
        """Everything the party owes."""
        return sum((total.paid for total in self.totals), Fraction(0))

    @property
    def net(self) -> Fraction:
        """What is owed to the party less what it owes."""
        return self.received - self.paid

    @cached_property
    def rests_on(self) -> frozenset[str]:
        """What is not final or not verified behind these amounts."""
        return frozenset().union(*(line.cell.marks for line in self.lines))

    @property
    def overdue(self) -> list[str]:
        """Figures that should have been looked at again before the end of what was settled."""
        found: dict[str, None] = {}
        for cell in (*self.figures, *self.inputs):
            if cell.source is not None and cell.source.review_by is not None and cell.source.review_by < self.run.last:
                told = (
                    f"{cell.name} was to be reviewed by {wording.day(cell.source.review_by)} ({cell.source.authority})"
                )
                found.setdefault(told)
        return list(found)

    @property
    def reasons(self) -> list[str]:
        """Why these amounts are not final, in words: only what they really rest on."""
        reasons = [f"What if: {text}. This is not what the contract says." for text in self.run.what_if_texts]
        reasons += [f"Provisional: {told}." for told in self.assumed]
        for word, told in (
            ("indicative", "Provisional: not yet confirmed"),
            ("assumed", "Provisional: assumed"),
            ("unverified", "Draft: nobody has verified"),
        ):
            said = {f"figure {cell.name}" for cell in self._assumed} if word == "assumed" else set[str]()
            names = sorted(mark.removeprefix(f"{word} ") for mark in self.rests_on if mark.startswith(f"{word} "))
            if left := [name for name in names if name not in said]:
                reasons.append(f"{told} {_named(left)}.")
        return reasons + [f"Overdue: {told}." for told in self.overdue]

    @property
    def _assumed(self) -> list[Cell]:
        """The figures that are assumed in so many words: the contract says why."""
        return [
            cell
            for cell in self.figures
            if cell.source is not None
            and cell.source.status == "assumed"
            and cell.source.authority.startswith(ASSUMPTION)
            and any(f"assumed figure {cell.name}" in line.cell.marks for line in self.lines)
        ]

    @property
    def assumed(self) -> list[str]:
        """What stands in for data that nobody gave: an index without data is neutral, taken as 1."""
        found: dict[tuple[str, str], dict[str, None]] = {}
        for cell in self._assumed:
            why = cell.source.authority.removeprefix(ASSUMPTION).strip() if cell.source else ""
            found.setdefault((cell.printed, why), {})[wording.words(cell.name)] = None
        return [f"taken as {value}, for {why}: {wording.listed(names)}" for (value, why), names in found.items()]

    @property
    def nothing(self) -> str:
        """The payments that come to nothing, in one sentence; empty where there are none."""
        lines = [line for line in self.lines if not line.owed.amount]
        if not lines:
            return ""
        streams = list(
            dict.fromkeys(lines[0].stream for lines in self.groups if not any(one.owed.amount for one in lines))
        )
        count = f"{len(lines)} {'payment comes' if len(lines) == 1 else 'payments come'} to {self.money(0)}"
        told = f", all of {wording.listed(streams)} among them" if streams else ""
        return f"{count} and {'is' if len(lines) == 1 else 'are'} not listed{told}."

    @property
    def standing(self) -> str:
        """Draft, provisional or what-if, in a word; the reasons stand beside it."""
        if self.run.what_ifs:
            return "What if"
        return "Draft" if any(mark.startswith("unverified") for mark in self.rests_on) else "Provisional"

    @cached_property
    def groups(self) -> tuple[tuple[Line, ...], ...]:
        """The lines by payment of the contract and way."""
        found: dict[tuple[str, str, bool], list[Line]] = {}
        for line in self.lines:
            found.setdefault((line.owed.quantity, line.stream, line.incoming), []).append(line)
        return tuple(tuple(lines) for lines in found.values())

    @property
    def term(self) -> str:
        """The days that were settled."""
        return f"{wording.day(self.run.first)} to {wording.day(self.run.last)}"

    def money(self, amount: Fraction | int) -> str:
        """An amount in the contract's currency."""
        return wording.money(Fraction(amount), self.contract.currency)


def _named(names: Sequence[str]) -> str:
    """What is not certain, by kind: figures a and b; the rounding of c; the table d."""
    kinds: dict[str, list[str]] = {}
    for name in names:
        kind, _, rest = name.partition(" of ") if name.startswith("rounding of ") else name.partition(" ")
        kinds.setdefault(kind, []).append(wording.words(rest))
    told: list[str] = []
    for kind, some in kinds.items():
        heads = {"figure": ("the figure", "the figures"), "table": ("the table", "the tables")}
        one, several = heads.get(kind, (f"the {kind} of",) * 2)
        told.append(f"{one if len(some) == 1 else several} {wording.listed(some)}")
    return "; ".join(told)


def parties_named(run: Run, names: Sequence[str], option: str) -> list[PartyName]:
    """The parties of a run that an option names: a member, ``party=member``, a party, or ``all``; raises Misused."""
    from accord.settlement.calls import usage

    if not names:
        return []
    there = by_name(run.ledger.parties)
    found: dict[PartyName, None] = {}
    for name in names:
        some = there.get(name, ())
        kinds = {party.party for party in some} if name != "all" else set[str]()
        if not some:
            known = [party.member or party.party for party in run.ledger.parties]
            shown = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
            fix = nearest(name, known) or (f"it has {shown}" if known else "nothing is due in this run")
            raise usage(option, f"no payment of this run is from or to {name}", fix)
        if len(kinds) > 1:
            fix = f"say which: {' or '.join(f'{party.party}={party.member or party.party}' for party in some)}"
            raise usage(option, f"{name} is the name of {len(kinds)} parties", fix)
        found.update(dict.fromkeys(some))
    return list(found)


def write(run: Run, parties: Iterable[PartyName]) -> list[Path]:
    """Write the statements of these parties into the run folder, in each form; those there already are left."""
    parties = list(parties)
    folder = run.folder / "statements"
    paths = [folder / f"{party.slug}{ending}" for party in parties for ending in (".html", ".csv", ".xlsx")]
    if all(path.is_file() for path in paths):
        return paths
    from accord.settlement.income import income
    from accord.settlement.stored import StoredValues

    folder.mkdir(exist_ok=True)
    values = StoredValues.of_run(run)
    earned = income([run], [party.named for party in parties])
    for party in parties:
        made = statement_of(run, run.contract, values, party)
        for ending, form in (
            (".html", partial(_write_html, earned=earned)),
            (".csv", _write_csv),
            (".xlsx", _write_xlsx),
        ):
            temporary = folder / f".unfinished-{party.slug}{ending}"
            form(made, temporary)
            temporary.replace(folder / f"{party.slug}{ending}")
    return paths


def statement_of(run: Run, contract: Contract, values: RowEvaluator, party: PartyName) -> Statement:
    """The statement of a party, from the values of its run."""
    workings = Workings(contract, values, run.what_ifs)
    by_quantity: dict[str, list[Payment]] = {}
    for payment in contract.payments:
        by_quantity.setdefault(payment.quantity, []).append(payment)
    lines: list[Line] = []
    for owed in owed_in(run.ledger.of([party])):
        payments = by_quantity[owed.quantity]
        payment = next(
            (one for one in payments if one.payer.party in (owed.payer.party, owed.receiver.party)), payments[0]
        )
        quantity = contract.quantities[owed.quantity]
        cell = workings.quantity(owed.quantity, tuple(owed.row[key] for key in quantity.keys))
        incoming = party == owed.receiver
        other = owed.payer if incoming else owed.receiver
        lines.append(
            Line(
                owed,
                payment,
                cell,
                incoming,
                wording.row_text(contract, owed.row),
                other.text,
                wording.row_text(
                    contract, {k: v for k, v in owed.row.items() if v not in (party.member, other.member)}
                ),
                wording.money(owed.amount, contract.currency),
                quantity.clause,
                marks_text(cell.marks),
            )
        )
    return Statement(
        run,
        contract,
        party,
        tuple(lines),
        tuple(workings.sheet("Working")),
        tuple(workings.sheet("Inputs")),
        tuple(workings.sheet("Figures")),
    )


# -- a page -------------------------------------------------------------------------------------------------------


def html(statement: Statement, earned: Income | None = None) -> str:
    """The statement as one web page that prints on A4; ``earned`` is the party's income, with earlier runs if any."""
    from accord.settlement.income import income
    from accord.settlement.page import render
    from accord.settlement.plain_words import plain_words

    earned = earned or income([statement.run], [statement.party.named])

    return render(
        "statement.html.j2",
        statement=statement,
        words=plain_words(statement, earned),
        working=grouped(statement.working[:CELLS_ON_PAGE]),
        inputs=grouped(statement.inputs[:CELLS_ON_PAGE]),
        most=CELLS_ON_PAGE,
        wording=wording,
        marks_text=marks_text,
    )


def _write_html(statement: Statement, path: Path, earned: Income) -> None:
    storage.write_file(path, html(statement, earned))


# -- a ledger -----------------------------------------------------------------------------------------------------


def _write_csv(statement: Statement, path: Path) -> None:
    import csv

    heads = (
        "part",
        "what",
        "for",
        "value",
        "unit",
        "way",
        "counterparty",
        "stream",
        "due",
        "clause",
        "source",
        "status",
        "how",
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heads)

        def row(*cells: str) -> None:
            writer.writerow([safe_cell(cell) for cell in cells])

        currency = statement.contract.currency
        for line in statement.lines:
            way = "received" if line.incoming else "paid"
            amount = wording.plain(line.owed.amount)
            row(
                "payment", line.owed.quantity, line.row, amount, currency, way, line.other, line.stream, line.owed.due,
                line.clause, "", line.marks, "",
            )  # fmt: skip
        for total in statement.totals:
            row(
                "total",
                "received",
                "",
                wording.plain(total.received),
                currency,
                "received",
                "",
                total.stream,
                *[""] * 5,
            )
            row("total", "paid", "", wording.plain(total.paid), currency, "paid", "", total.stream, *[""] * 5)
        row("total", "net", "", wording.plain(statement.net), currency, *[""] * 8)
        for part, cells in (("working", statement.working), ("input", statement.inputs), ("figure", statement.figures)):
            for cell in cells:
                source = cell.source.authority if cell.source else ""
                unit = wording.unit_text(cell.written, cell.type)
                row(
                    part, cell.name, cell.at, wording.plain(cell.value, cell.written), unit, "", "", "", "",
                    cell.clause, source, marks_text(cell.marks), cell.text,
                )  # fmt: skip


# -- a workbook ---------------------------------------------------------------------------------------------------


def _write_xlsx(statement: Statement, path: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    ) as book:
        book.set_properties(
            {
                "title": f"Statement: {statement.party.text}",
                "subject": statement.contract.title,
                "author": "Accord",
                "created": dt.datetime(2000, 1, 1),
            }
        )
        _Book(book, statement).write()


class _Book:
    """The sheets of a statement: what is owed, its working, the inputs and the figures it is made of."""

    def __init__(self, book: Any, statement: Statement) -> None:
        self.book, self.statement = book, statement
        base = {"font_name": "Arial", "font_size": 10, "valign": "top"}
        currency = statement.contract.currency
        symbol = wording.SYMBOLS.get(currency, f"{currency} ")
        money = "[$" + symbol + "]#,##0.00;[Red]-[$" + symbol + "]#,##0.00"
        self.title = book.add_format({**base, "bold": True, "font_size": 14, "font_color": "#003087"})
        self.head = book.add_format(
            {**base, "bold": True, "bg_color": "#005eb8", "font_color": "#ffffff", "text_wrap": True}
        )
        self.text = book.add_format({**base, "text_wrap": True})
        self.plain = book.add_format(base)
        self.warn = book.add_format({**base, "text_wrap": True, "bg_color": "#fff9c4"})
        self.money = book.add_format({**base, "num_format": money})
        self.total = book.add_format({**base, "num_format": money, "bold": True, "top": 1})
        self.bold = book.add_format({**base, "bold": True, "top": 1})
        self.kinds = {
            "money": self.money,
            "percent": book.add_format({**base, "num_format": "0.00######%"}),
            "whole": book.add_format({**base, "num_format": "#,##0"}),
            "number": book.add_format({**base, "num_format": "#,##0.00########"}),
            "date": book.add_format({**base, "num_format": "d mmm yyyy"}),
            "other": self.plain,
        }

    def write(self) -> None:
        """Write every sheet."""
        statement = self.statement
        front = self.book.add_worksheet("Statement")
        self._cells(
            "Working", statement.working, "How each amount is worked out. Change an input or a figure, and it follows."
        )
        self._cells("Inputs", statement.inputs, "The values that were put in.")
        self._cells("Figures", statement.figures, "The figures of the contract that were used, with their sources.")
        self._front(front)

    def _front(self, sheet: Any) -> None:
        statement = self.statement
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.set_column("A:A", 26)
        sheet.set_column("B:B", 44)
        sheet.set_column("C:D", 16)
        sheet.set_column("E:H", 24)
        sheet.write(0, 0, f"{statement.contract.title}: {statement.party.text}", self.title)
        sheet.write(1, 0, f"{statement.standing} statement, {statement.term}. Run {statement.run.id[:16]}.", self.plain)
        sheet.write(
            2, 0, "Live formulas in floating point; the settled amounts are those of the CSV and the page.", self.plain
        )
        at = 3
        for reason in statement.reasons:
            sheet.write_string(at, 0, reason, self.warn)
            at += 1
        at += 1
        heads = ("Stream", "For", "Received", "Paid", "From or to", "Due", "Clause", "Rests on")
        for column, head in enumerate(heads):
            sheet.write(at, column, head, self.head)
        first = at + 1
        for line in statement.lines:
            at += 1
            negative = isinstance(line.cell.value, Fraction) and line.cell.value < 0
            formula = f"={'-' if negative else ''}{line.cell.reference}"
            sheet.write_string(at, 0, line.stream, self.text)
            sheet.write_string(at, 1, line.row, self.text)
            sheet.write_formula(at, 2 if line.incoming else 3, formula, self.money, float(line.owed.amount))
            for column, text in ((4, line.other), (5, line.owed.due), (6, line.clause), (7, line.marks)):
                sheet.write_string(at, column, text, self.text)
        last = at
        at += 2
        sheet.write(at, 0, "Totals", self.bold)
        sheet.write(at, 1, "", self.bold)
        sheet.write(at, 2, "Received", self.bold)
        sheet.write(at, 3, "Paid", self.bold)
        for total in statement.totals:
            at += 1
            sheet.write_string(at, 0, total.stream, self.text)
            for column, letter, amount in ((2, "C", total.received), (3, "D", total.paid)):
                formula = f"=SUMIFS({letter}{first + 1}:{letter}{last + 1},$A{first + 1}:$A{last + 1},$A{at + 1})"
                sheet.write_formula(at, column, formula, self.money, float(amount))
        at += 1
        sheet.write(at, 0, "All", self.bold)
        sheet.write(at, 1, "", self.bold)
        span = f"{first + 1}", f"{last + 1}"
        sheet.write_formula(at, 2, f"=SUM(C{span[0]}:C{span[1]})", self.total, float(statement.received))
        sheet.write_formula(at, 3, f"=SUM(D{span[0]}:D{span[1]})", self.total, float(statement.paid))
        at += 1
        sheet.write(at, 0, "Net received", self.bold)
        sheet.write(at, 1, "", self.bold)
        sheet.write_formula(at, 2, f"=C{at}-D{at}", self.total, float(statement.net))
        sheet.freeze_panes(first, 0)
        sheet.activate()

    def _cells(self, name: str, cells: Sequence[Cell], note: str) -> None:
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        for column, width in enumerate((30, 44, 18, 18, 60, 30, 16, 40)):
            sheet.set_column(column, column, width)
        sheet.write(0, 0, name, self.title)
        sheet.write(1, 0, note, self.plain)
        heads = ("What", "For", "Value", "Unit", "How the contract says it", "Clause or source", "Status", "Note")
        for column, head in enumerate(heads):
            sheet.write(FIRST_ROW - 2, column, head, self.head)
        for cell in cells:
            at = cell.number + FIRST_ROW - 2
            kind = self._kind(cell)
            sheet.write_string(at, 0, cell.name, self.text)
            sheet.write_string(at, 1, cell.at, self.text)
            value = sheet_value(cell)
            if cell.formula:
                cached = value.isoformat() if isinstance(value, dt.date) else value
                sheet.write_formula(at, 2, f"={cell.formula}", kind, cached)
            elif cell.value is None:
                sheet.write_formula(at, 2, "=NA()", kind, "#N/A")
            elif isinstance(value, bool):
                sheet.write_boolean(at, 2, value, kind)
            elif isinstance(value, dt.date):
                sheet.write_datetime(at, 2, dt.datetime(value.year, value.month, value.day), kind)
            elif isinstance(value, str):
                sheet.write_string(at, 2, value, kind)
            else:
                sheet.write_number(at, 2, value, kind)
            source = cell.clause or (cell.source.authority if cell.source else "")
            status = cell.source.status if cell.source else ""
            facts = (wording.unit_text(cell.written, cell.type), cell.text, source, status, cell.note)
            for column, text in enumerate(facts, 3):
                sheet.write_string(at, column, text, self.warn if text == "unverified" else self.text)
        sheet.freeze_panes(FIRST_ROW - 1, 0)

    def _kind(self, cell: Cell) -> Any:
        match cell.value:
            case bool() | str() | None:
                return self.kinds["other"]
            case dt.date():
                return self.kinds["date"]
            case Fraction():
                if cell.percent:
                    return self.kinds["percent"]
                unit = cell.type.unit
                if unit is not None and unit.currency == self.statement.contract.currency:
                    return self.kinds["money"]
                return self.kinds["whole" if cell.value.denominator == 1 else "number"]
