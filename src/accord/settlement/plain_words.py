"""A statement in plain words: what a party is paid, for what, when, what changed since the year before.

Sentences that a practice manager can read without the contract beside them; the working below a statement says the
same in numbers. What is not certain about the amounts stands in :attr:`accord.settlement.statement.Statement.reasons`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from accord.settlement import wording
from accord.settlement.due import due_on, shortest_period
from accord.settlement.income import ALL, percent

if TYPE_CHECKING:
    from accord.settlement.income import Income
    from accord.settlement.statement import Line, Statement


@dataclass(frozen=True, slots=True)
class Part:
    """A few sentences under a heading."""

    title: str
    sentences: tuple[str, ...]


def plain_words(statement: Statement, earned: Income) -> tuple[Part, ...]:
    """The statement in sentences.

    Args:
        statement: the statement of a party.
        earned: the income of that party (or of everybody) in this run, with earlier runs where there are any.
    """
    return (
        Part("What it comes to", tuple(_whole(statement))),
        Part("What for, and when", tuple(_streams(statement))),
        Part("What has changed since the year before", tuple(_changes(statement, earned))),
    )


def _whole(statement: Statement) -> list[str]:
    title, term = statement.contract.title, statement.term
    if not statement.received and not statement.paid:
        return [f"{title}: nothing is owed to you or by you for {term}."]
    parts: list[str] = []
    if statement.received:
        parts.append(f"{statement.money(statement.received)} is owed to you")
    if statement.paid:
        parts.append(f"{statement.money(statement.paid)} is owed by you")
    told = f"{title}, {term}: {' and '.join(parts)}"
    if statement.received and statement.paid:
        told += f", so {statement.money(abs(statement.net))} in all {'to' if statement.net >= 0 else 'from'} you"
    return [f"{told}."]


def _streams(statement: Statement) -> list[str]:
    told = [_group(statement, lines) for lines in statement.groups if any(line.owed.amount for line in lines)]
    silent = [line.stream for line in statement.lines if line.owed.amount and not line.owed.due]
    if silent:
        streams = (
            wording.listed(dict.fromkeys(silent)) if any(line.owed.due for line in statement.lines) else "any of it"
        )
        told.append(f"The contract does not say when {streams} is due.")
    return [*told, statement.nothing] if statement.nothing else told


def _group(statement: Statement, lines: Sequence[Line]) -> str:
    """One payment of the contract: how much, for what, from whom, for which periods, when due."""
    paid = [line for line in lines if line.owed.amount]
    first = paid[0]
    total = statement.money(sum((line.owed.amount for line in paid), Fraction(0)))
    others = list(dict.fromkeys(line.other for line in paid))
    who = others[0] if len(others) == 1 else f"{len(others)} {'payers' if first.incoming else 'receivers'}"
    name = wording.words(first.owed.quantity)
    several = len({one.quantity for one in statement.contract.payments if one.stream == first.owed.stream}) > 1
    what = f"{first.stream} ({name})" if several and name.lower() != first.stream.lower() else first.stream
    told = f"{total} {'from' if first.incoming else 'to'} {who} for {what}"
    spans = sorted(
        {span for line in paid if (span := shortest_period(statement.contract, line.owed.row)) is not None},
        key=lambda span: span.first,
    )
    about = ""
    if spans:
        about = spans[0].name if len(spans) == 1 else f"{spans[0].name} to {spans[-1].name}"
    if len(paid) > 1:
        amounts = [line.owed.amount for line in paid]
        low, high = statement.money(min(amounts)), statement.money(max(amounts))
        each = f"of {low}" if low == high else f"between {low} and {high}"
        told += f": {len(paid)} payments {each}" + (f", for {about}" if about else "")
    elif about:
        told += f", for {about}"
    return told + _when(statement, paid) + "."


def _when(statement: Statement, paid: Sequence[Line]) -> str:
    """When the payments of a group are due: as the contract says it, and the days that it means."""
    written = paid[0].owed.due
    if not written:
        return ""
    days = sorted(
        day
        for line in paid
        if (span := shortest_period(statement.contract, line.owed.row)) is not None
        and (day := due_on(written, span.first, span.last)) is not None
    )
    told = f"; due {written}"
    if not days:
        return told
    if days[0].after:
        return f"{told}, not before {wording.day(days[0].day)}"
    if days[0] == days[-1]:
        return f"{told}, {wording.day(days[0].day)}"
    return f"{told}, the first on {wording.day(days[0].day)} and the last on {wording.day(days[-1].day)}"


def _changes(statement: Statement, earned: Income) -> list[str]:
    told: list[str] = []
    for year in earned.years:
        before = earned.before(year)
        if before is None:
            continue
        whole = earned.of(statement.party, ALL, year)
        if whole.before is None or whole.change is None:
            told.append(f"{year}: {earned.money(whole.amount)}; there was nothing in {before}.")
            continue
        if not whole.change:
            told.append(f"{year}: {earned.money(whole.amount)}, as in {before}.")
            continue
        more = "more" if whole.change > 0 else "less"
        share = f" ({percent(whole.share)})" if whole.share is not None else ""
        told.append(
            f"{year}: {earned.money(whole.amount)}, {earned.money(abs(whole.change))} {more} than in {before}{share}."
        )
        by_stream = [(stream, earned.of(statement.party, stream, year)) for stream in earned.streams]
        if sum(bool(one.amount or one.before) for _, one in by_stream) > 1:
            moved = [(stream, one.amount - (one.before or 0)) for stream, one in by_stream]
            listed = wording.listed(f"{stream} {earned.signed(by)}" for stream, by in moved if by)
            told.append(f"By stream: {listed}.")
    return told or ["There is no year before to compare with: accord show RUN --party … --before RUN names one."]
