"""Income: what each party receives, by stream and year; how it changed on the year before; and when it is due.

Several runs are put together, of one contract for several years or of several contracts. What flows back (more was paid
on account than was earned) is taken off the stream it belongs to. A year is a financial year of the contract: twelve
months as its periods of a year have them, otherwise from the day and month on which its term begins.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.calendar import add_months
from accord.language.contract import Contract, PeriodItem
from accord.language.problem import nearest
from accord.language.unit import minor_unit_places
from accord.settlement import wording
from accord.settlement.due import Due, due_on, shortest_period
from accord.settlement.owed import PartyName, by_name, rows_of
from accord.settlement.run import Run
from accord.settlement.storage import placed

if TYPE_CHECKING:
    from accord.settlement.chart import Chart

ALL = "all streams"
WHOLE_TERM = "whole term"
"""The year of a payment that is for no period."""

NO_DAY = "no day said"
"""The month of a payment for which the contract names no day."""


@dataclass(frozen=True, slots=True)
class Change:
    """An amount beside that of the year before, in the smallest coin; ``before`` is None where there was none then."""

    amount: int
    before: int | None

    @property
    def change(self) -> int | None:
        """How much more it is."""
        return None if self.before is None else self.amount - self.before

    @property
    def share(self) -> Fraction | None:
        """How much more it is for each pound of the year before."""
        return None if not self.before else Fraction(self.amount - self.before, abs(self.before))


@dataclass(frozen=True, slots=True)
class Mover:
    """A party whose income changed, last year on the year before."""

    party: PartyName
    change: Change


@dataclass(frozen=True)
class Income:
    """What parties receive, net of what flows back."""

    currency: str
    runs: tuple[Run, ...]
    years: tuple[str, ...]
    streams: tuple[str, ...]
    amounts: Mapping[tuple[PartyName, str, str], int]
    """By party, stream and year, in the smallest coin."""
    due: Mapping[tuple[str, str], int]
    """By month (``2026-04``, or :data:`NO_DAY`) and stream, in the smallest coin."""
    at_the_earliest: frozenset[str]
    """Months in which something is due at the earliest: the contract says only after what."""
    notes: tuple[str, ...]
    """What keeps years from being compared like with like, and what is not final."""

    @property
    def contracts(self) -> tuple[str, ...]:
        """The titles of the contracts."""
        return tuple(dict.fromkeys(run.manifest["contract"]["title"] for run in self.runs))

    @cached_property
    def parties(self) -> tuple[PartyName, ...]:
        """Everybody with an income."""
        return tuple(sorted({party for party, _, _ in self.amounts}))

    @cached_property
    def _of_party(self) -> Mapping[tuple[PartyName, str], int]:
        found: dict[tuple[PartyName, str], int] = {}
        for (party, _, year), amount in self.amounts.items():
            found[party, year] = found.get((party, year), 0) + amount
        return found

    @cached_property
    def _of_stream(self) -> Mapping[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        for (_, stream, year), amount in self.amounts.items():
            for name in (stream, ALL):
                found[name, year] = found.get((name, year), 0) + amount
        return found

    def before(self, year: str) -> str | None:
        """The year before one, if it is there and directly before it."""
        at = self.years.index(year)
        there = self.years[at - 1] if at else None
        return there if there is not None and there[:4].isdigit() and int(year[:4]) - int(there[:4]) == 1 else None

    def stream(self, stream: str, year: str) -> Change:
        """What a stream (or :data:`ALL`) comes to in a year, everybody together."""
        before = self.before(year)
        past = self._of_stream.get((stream, before)) if before else None
        return Change(self._of_stream.get((stream, year), 0), past)

    def of(self, party: PartyName, stream: str, year: str) -> Change:
        """What a party receives in a stream (or :data:`ALL`) in a year."""
        before = self.before(year)
        if stream == ALL:
            now = self._of_party.get((party, year), 0)
            return Change(now, self._of_party.get((party, before)) if before else None)
        now = self.amounts.get((party, stream, year), 0)
        return Change(now, self.amounts.get((party, stream, before)) if before else None)

    @cached_property
    def movers(self) -> tuple[Mover, ...]:
        """Who was there in the last year and in the one before, the largest gain first."""
        last = self.years[-1] if self.years else ""
        if not last or self.before(last) is None:
            return ()
        found = [Mover(party, self.of(party, ALL, last)) for party in self.parties if (party, last) in self._of_party]
        return tuple(
            sorted(
                (one for one in found if one.change.before is not None),
                key=lambda one: (-(one.change.change or 0), one.party),
            )
        )

    @cached_property
    def months(self) -> tuple[str, ...]:
        """The months of the calendar, from the first to the last with none left out; then what has no day."""
        dated = sorted({month for month, _ in self.due if month != NO_DAY})
        months: list[str] = []
        if dated:
            year, month = int(dated[0][:4]), int(dated[0][5:])
            while f"{year}-{month:02d}" <= dated[-1]:
                months.append(f"{year}-{month:02d}")
                year, month = (year, month + 1) if month < 12 else (year + 1, 1)
        return (*months, *([NO_DAY] if any(month == NO_DAY for month, _ in self.due) else []))

    def in_month(self, month: str, stream: str) -> int:
        """What is due in a month in a stream (or :data:`ALL`)."""
        if stream == ALL:
            return sum(self.due.get((month, one), 0) for one in self.streams)
        return self.due.get((month, stream), 0)

    def month_text(self, month: str) -> str:
        """A month as people write it."""
        if month == NO_DAY:
            return NO_DAY
        return f"{wording.MONTHS[int(month[5:]) - 1]} {month[:4]}"

    @property
    def places(self) -> int:
        """Decimal places of the smallest coin."""
        return minor_unit_places(self.currency)

    def money(self, amount: int) -> str:
        """An amount in the currency."""
        return wording.money(Fraction(amount, 10**self.places), self.currency)

    def plain(self, amount: int | None) -> str | None:
        """An amount for a machine."""
        return placed(str(amount), self.places)

    def signed(self, amount: int | None) -> str:
        """A change in the currency, with its sign; nothing where it is not known."""
        return "" if amount is None else ("+" if amount > 0 else "") + self.money(amount)

    def _change(self, one: Change) -> dict[str, object]:
        return {
            "amount": self.plain(one.amount),
            "before": self.plain(one.before),
            "change": self.plain(one.change),
            "change_percent": None if one.share is None else round(float(one.share * 100), 2),
        }

    def _mover(self, one: Mover) -> dict[str, object]:
        return {"party": one.party.party, "member": one.party.member, **self._change(one.change)}

    def as_json(self, top: int) -> dict[str, object]:
        """The same as plain data; amounts are exact decimals as texts. Each party only where there are few."""
        return {
            "currency": self.currency,
            "runs": [{"run": run.id, "contract": run.manifest["contract"]["name"]} for run in self.runs],
            "notes": list(self.notes),
            "years": list(self.years),
            "parties": len(self.parties),
            "streams": [
                {"stream": stream, "year": year, **self._change(self.stream(stream, year))}
                for stream in (*self.streams, ALL)
                for year in self.years
            ],
            "winners": [self._mover(one) for one in self.movers[:top] if (one.change.change or 0) > 0],
            "losers": [self._mover(one) for one in self.movers[::-1][:top] if (one.change.change or 0) < 0],
            "calendar": [
                {
                    "month": month,
                    "at_the_earliest": month in self.at_the_earliest,
                    "amount": self.plain(self.in_month(month, ALL)),
                    "streams": {
                        stream: self.plain(self.due[month, stream])
                        for stream in self.streams
                        if (month, stream) in self.due
                    },
                }
                for month in self.months
            ],
        }


def percent(share: Fraction | None) -> str:
    """A share as a reader sees it: +3.2%."""
    return "" if share is None else f"{float(share):+.1%}"


# ---------------------------------------------------------------------------------------------------- putting together


@dataclass(frozen=True, slots=True)
class _Paid:
    """A payment as it counts here: who is paid by whom, in which stream and year, when it is due, how much."""

    contract: str
    stream: str
    receiver: PartyName
    payer: PartyName
    year: str
    due: Due | None
    amount: int


def income(runs: Sequence[Run], parties: Sequence[str] = ()) -> Income:
    """What parties receive in these runs.

    Args:
        runs: complete runs, in one currency, that settle no day of a contract twice.
        parties: only these: a member (``A81004``), ``practice=A81004``, a party of the contract, or ``all``; without
            any, everybody who is to be paid.

    Raises:
        Misused: runs that cannot be put together, or a party that is in none of them.
    """
    from accord.settlement.calls import usage

    currencies = sorted({run.manifest["contract"]["currency"] for run in runs})
    if len(currencies) > 1:
        raise usage("RUN", f"these runs are in {wording.listed(currencies)}", "put together runs of one currency")
    _apart(runs)
    chosen = _chosen(runs, parties)
    several = _in_several(runs)
    amounts: dict[tuple[PartyName, str, str], int] = {}
    due: dict[tuple[str, str], int] = {}
    earliest: set[str] = set()
    for run in runs:
        to_be_paid = {payment.receiver.party for payment in run.contract.payments}
        for one in _paid(run, chosen):
            stream = f"{one.contract}: {one.stream}" if one.stream in several else one.stream
            month = NO_DAY if one.due is None else f"{one.due.day.year}-{one.due.day.month:02d}"
            for party, amount in ((one.receiver, one.amount), (one.payer, -one.amount)):
                if party not in chosen if chosen is not None else party.party not in to_be_paid:
                    continue
                at = (party, stream, one.year)
                amounts[at] = amounts.get(at, 0) + amount
                due[month, stream] = due.get((month, stream), 0) + amount
                if one.due is not None and one.due.after:
                    earliest.add(month)
    streams = dict.fromkeys(stream for (_, stream, _), amount in amounts.items() if amount)
    years = sorted({year for run in runs for year in _years(run)}, key=lambda year: (year == WHOLE_TERM, year))
    return Income(
        currencies[0] if currencies else "GBP",
        tuple(runs),
        tuple(years),
        tuple(streams),
        amounts,
        due,
        frozenset(earliest),
        tuple(_notes(runs)),
    )


def _apart(runs: Sequence[Run]) -> None:
    """Refuse runs that settle a day of a contract twice: their payments would be counted twice."""
    from accord.settlement.calls import usage

    for at, run in enumerate(runs):
        for other in runs[:at]:
            same = run.manifest["contract"]["name"] == other.manifest["contract"]["name"]
            if same and run.first <= other.last and other.first <= run.last:
                message = f"{other.folder} and {run.folder} settle some days of {run.contract.name} both"
                raise usage("RUN", message, "name one of them, or runs of different years")


def _period_columns(run: Run) -> list[str]:
    """The columns of the payments that say for which period they are."""
    names = [f"key:{key.name}" for key in run.contract.keys.values() if key.is_period]
    return [name for name in names if name in run.ledger.table.column_names]


def _period(contract: Contract, columns: Sequence[str], labels: Sequence[str | None]) -> PeriodItem | None:
    named = zip(columns, labels, strict=True)
    return shortest_period(contract, {name.removeprefix("key:"): label for name, label in named if label is not None})


def _years(run: Run) -> set[str]:
    """The years that the payments of a run are for, whoever is paid: who is paid nothing in one has an income of 0."""
    columns = _period_columns(run)
    return {
        _year_name(run.contract, _period(run.contract, columns, labels))
        for labels in set(rows_of(run.ledger.table, columns))
    }


def _paid(run: Run, chosen: Collection[PartyName] | None) -> Iterable[_Paid]:
    """The payments of a run from or to these parties, each with the year and the due day that follow from its row."""
    contract, title = run.contract, run.manifest["contract"]["title"]
    table = run.ledger.table if chosen is None else run.ledger.of(chosen)
    held = {name: table.column(name).to_pylist() for name in table.column_names}
    columns = _period_columns(run)
    labels = rows_of(table, columns)
    periods = {some: _period(contract, columns, some) for some in set(labels)}
    years = {some: _year_name(contract, period) for some, period in periods.items()}
    dues = {
        (text, some): due_on(text, period.first, period.last) if (period := periods[some]) is not None else None
        for text, some in set(zip(held["due"], labels, strict=True))
    }
    names: dict[tuple[str, str, str], PartyName] = {}

    def party(kind: str, row: int) -> PartyName:
        at = (held[f"{kind}_party"][row], held[kind][row], held[f"{kind}_title"][row])
        return names.setdefault(at, PartyName(*at))

    places = minor_unit_places(contract.currency)
    for row, (quantity, stream, amount) in enumerate(
        zip(held["quantity"], held["stream"], held["amount"], strict=True)
    ):
        yield _Paid(
            title,
            stream or wording.heading(quantity),
            party("receiver", row),
            party("payer", row),
            years[labels[row]],
            dues[held["due"][row], labels[row]],
            int(amount.scaleb(places)),
        )


def _year_name(contract: Contract, period: PeriodItem | None) -> str:
    """The twelve months of the contract in which a period begins: 2026/27, or 2026 where they are a calendar year."""
    if period is None:
        return WHOLE_TERM
    begins = _year_begins(contract)
    year = period.first.year - ((period.first.month, period.first.day) < (begins.month, begins.day))
    return str(year) if (begins.month, begins.day) == (1, 1) else f"{year}/{(year + 1) % 100:02d}"


def _year_begins(contract: Contract) -> dt.date:
    """A day on which a year of the contract begins; the first year of a term may be a short one."""
    years = [
        item.first
        for key in contract.keys.values()
        for item in key.items
        if add_months(item.first, 12) == item.last + dt.timedelta(days=1)
    ]
    return years[-1] if years else contract.term.first


def _in_several(runs: Iterable[Run]) -> set[str]:
    """Streams of one name in several contracts."""
    found: dict[str, set[str]] = {}
    for run in runs:
        for quantity, stream in set(rows_of(run.ledger.table, ["quantity", "stream"])):
            found.setdefault(stream or wording.heading(quantity), set()).add(run.manifest["contract"]["title"])
    return {stream for stream, contracts in found.items() if len(contracts) > 1}


def _chosen(runs: Iterable[Run], parties: Sequence[str]) -> set[PartyName] | None:
    """The parties that are named, wherever they are paid or pay; None for everybody who is to be paid."""
    from accord.settlement.calls import usage

    if not parties:
        return None
    there = by_name(party for run in runs for party in run.ledger.parties)
    chosen: set[PartyName] = set()
    for name in parties:
        some = there.get(name)
        if some is None:
            known = sorted(one.member or one.party for one in there.get("all", ()))
            shown = ", ".join(known[:8]) + (", …" if len(known) > 8 else "")
            raise usage("--party", f"nothing is paid to or by {name}", nearest(name, known) or f"there are {shown}")
        chosen.update(some)
    return chosen


def _notes(runs: Sequence[Run]) -> Iterable[str]:
    """Years that are settled only in part, and what is not final."""
    for run in runs:
        contract, title = run.contract, run.manifest["contract"]["title"]
        first = _year_begins(contract)
        begins = (first.month, first.day)
        ends = run.last + dt.timedelta(days=1)
        if (run.first.month, run.first.day) != begins or (ends.month, ends.day) != begins:
            yield (
                f"{title} is settled from {wording.day(run.first)} to {wording.day(run.last)}: not whole years, "
                "so a change on the year before is not like with like."
            )
        yield from (f"{title}: {text}." for text in (*run.what_if_texts, *run.draft_reasons))


# --------------------------------------------------------------------------------------------------------------- forms


def rows(found: Income) -> Iterable[tuple[str, ...]]:
    """Heads, and a row for each party, stream and year."""
    yield ("party", "member", "stream", "year", "amount", "before", "change", "change_percent")
    for party in found.parties:
        for stream in (*found.streams, ALL):
            for year in found.years:
                one = found.of(party, stream, year)
                if not one.amount and not one.before:
                    continue
                share = "" if one.share is None else f"{float(one.share * 100):.2f}"
                told = (found.plain(amount) or "" for amount in (one.amount, one.before, one.change))
                yield (party.party, party.member, stream, year, *told, share)


def write_csv(found: Income, path: Path) -> None:
    """Every party, stream and year."""
    import csv

    from accord.settlement.run import safe_cell

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerows([safe_cell(cell) for cell in row] for row in rows(found))


def html(found: Income, top: int) -> str:
    """The report as one web page with charts."""
    from accord.settlement import chart
    from accord.settlement.page import render

    def pounds(value: float) -> str:
        return wording.money(Fraction(round(value)), found.currency).removesuffix(".00")

    coins = 10**found.places

    charts: list[Chart] = []
    if len(found.years) > 1:
        by_year = chart.columns(
            "Income by year and stream",
            "What was paid less what flowed back",
            found.streams,
            [(year, [found.stream(stream, year).amount / coins for stream in found.streams]) for year in found.years],
            pounds,
        )
        charts.append(by_year)
    winners = [one for one in found.movers[:top] if (one.change.change or 0) > 0]
    losers = [one for one in found.movers[::-1][:top] if (one.change.change or 0) < 0]
    if len(found.movers) > 1:
        moved = [
            (one.party.member or one.party.text, (one.change.change or 0) / coins) for one in (*winners, *losers[::-1])
        ]
        charts.append(
            chart.bars("Largest changes on the year before", "Gains to the right, losses to the left", moved, pounds)
        )
        charts.append(_spread(found))
    dated = [month for month in found.months if month != NO_DAY]
    calendar = chart.columns(
        "Payment calendar",
        "What is due in each month; what flows back hangs below the line",
        found.streams,
        [(found.month_text(month), [found.in_month(month, one) / coins for one in found.streams]) for month in dated],
        pounds,
    )
    return render(
        "income.html.j2", found=found, charts=charts, calendar=calendar if dated else None, winners=winners,
        losers=losers, ALL=ALL, percent=percent, only=found.parties[0] if len(found.parties) == 1 else None,
    )  # fmt: skip


def _spread(found: Income) -> Chart:
    """How many parties changed by how much, in steps of a few percent."""
    from accord.settlement import chart

    steps = (-20, -15, -10, -5, -2, 0, 2, 5, 10, 15, 20)
    shares = [float(one.change.share * 100) for one in found.movers if one.change.share is not None]
    bounds = [(-1e18, steps[0]), *pairwise(steps), (steps[-1], 1e18)]
    names = [f"below {steps[0]}%", *(f"{a}% to {b}%" for a, b in bounds[1:-1]), f"{steps[-1]}% and more"]
    counts = [sum(low <= share < high for share in shares) for low, high in bounds]
    return chart.columns(
        "How many changed by how much",
        "Parties by the change of their whole income on the year before",
        ["parties"],
        [(name, [float(count)]) for name, count in zip(names, counts, strict=True)],
        lambda value: f"{value:,.0f}",
    )
