"""What changed from one contract to another: in the text, entry by entry, and in each party's money."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.calendar import months_between
from accord.language.contract import Column, Contract, Entry, Key, Parameter, Payment, Quantity, ScalePoints, Table
from accord.language.problem import AccordError
from accord.settlement import wording

if TYPE_CHECKING:
    from accord.settlement.owed import PartyName
    from accord.settlement.run import Step


@dataclass(frozen=True, slots=True)
class Change:
    """One change: what kind of entry, which one, how, and its words before and after."""

    kind: str
    what: str
    how: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """What a party receives, net of what it pays, under each contract."""

    party: str
    in_a: Fraction
    in_b: Fraction

    @property
    def difference(self) -> Fraction:
        """B less A."""
        return self.in_b - self.in_a


@dataclass(frozen=True, slots=True)
class Difference:
    """Everything that changed from A to B."""

    a: str
    b: str
    currency: str
    changes: tuple[Change, ...]
    same_meaning: bool
    same_text: bool
    money: tuple[MoneyLine, ...] | None = None
    """Winners and losers first, the largest first; None: no data was given."""
    not_settled: tuple[str, ...] = ()
    """Why the money could not be compared."""

    @property
    def same(self) -> bool:
        """Whether both mean the same."""
        return self.same_meaning

    def as_json(self) -> dict[str, object]:
        """The difference as plain data; amounts exact."""
        return {
            "a": self.a,
            "b": self.b,
            "same_meaning": self.same_meaning,
            "same_text": self.same_text,
            "changes": [
                {"kind": c.kind, "what": c.what, "how": c.how, "before": c.before, "after": c.after}
                for c in self.changes
            ],
            "currency": self.currency,
            "money": None
            if self.money is None
            else [
                {
                    "party": line.party,
                    "a": wording.plain(line.in_a),
                    "b": wording.plain(line.in_b),
                    "difference": wording.plain(line.difference),
                }
                for line in self.money
            ],
            "not_settled": list(self.not_settled),
        }


def between(a: Contract, b: Contract, data: Any, on_step: Step) -> Difference:
    """What changed from ``a`` to ``b``; with data (a folder, or sources by input), in each party's money too."""
    same_name = a.name == b.name
    names = (a.file, b.file) if same_name and a.file != b.file else (a.name, b.name)
    changes = tuple(_changes(a, b))
    if not changes and a.meaning_hash != b.meaning_hash:
        changes = tuple(_lines(a, b))
    money: tuple[MoneyLine, ...] | None = None
    not_settled: list[str] = []
    if data is not None:
        amounts: list[dict[PartyName, Fraction]] = []
        for name, contract in zip(names, (a, b), strict=True):
            on_step(f"settling {name}")
            try:
                amounts.append(_net(contract, data))
            except AccordError as error:
                not_settled += [f"{name} could not be settled on this data: {problem}" for problem in error.problems]
        if len(amounts) == 2:
            money = tuple(_money(*amounts))
    return Difference(
        *names,
        b.currency,
        changes,
        a.meaning_hash == b.meaning_hash,
        a.signed_hash == b.signed_hash,
        money,
        tuple(not_settled),
    )


# -- the text -----------------------------------------------------------------------------------------------------


def _changes(a: Contract, b: Contract) -> Iterator[Change]:
    yield from _heads(a, b)
    yield from _entries(
        "Parties",
        a.parties,
        b.parties,
        lambda p: wording.listed(
            filter(None, [p.title, p.each and f"each {p.each}", p.paid_to and f"paid to {p.paid_to}"])
        ),
    )
    yield from _entries("Keys", a.keys, b.keys, _key_text)
    yield from _tables(a, b)
    yield from _parameters(a, b)
    yield from _quantities(a, b)
    yield from _entries("Payments", _payments(a), _payments(b), _payment_text)
    yield from _set(
        "Checks", [f"{c.text}, else: {c.message}" for c in a.checks], [f"{c.text}, else: {c.message}" for c in b.checks]
    )
    yield from _set(
        "Notices", [f"{n.notice} when {n.when}" for n in a.notices], [f"{n.notice} when {n.when}" for n in b.notices]
    )


def _key_text(key: Key) -> str:
    """A key in words; of a period how long it is, not how many there are: that follows from the term."""
    if not key.is_period:
        return "key"
    inside = f" in each {key.within}" if key.within else ""
    lengths = {months_between(item.first, item.last) for item in key.items}
    if len(lengths) == 1 and None not in lengths:
        return f"every {lengths.pop()} months from {key.items[0].label}{inside}"
    return f"begins {', '.join(item.label for item in key.items)}{inside}"


def _heads(a: Contract, b: Contract) -> Iterator[Change]:
    for what, before, after in (
        ("name", a.name, b.name),
        ("title", a.title, b.title),
        ("authority", a.authority, b.authority),
        ("currency", a.currency, b.currency),
        ("term", _term(a), _term(b)),
    ):
        if before != after:
            yield Change("Terms", what, "changed", before, after)


def _term(contract: Contract) -> str:
    term = contract.term
    back = f", looking back to {term.history}" if term.history else ""
    return f"{term.first} to {term.last}{back}"


def _entries(kind: str, a: Mapping[str, Any], b: Mapping[str, Any], text: Any) -> Iterator[Change]:
    for name in dict.fromkeys([*a, *b]):
        if name not in b:
            yield Change(kind, name, "removed", text(a[name]))
        elif name not in a:
            yield Change(kind, name, "added", "", text(b[name]))
        elif text(a[name]) != text(b[name]):
            yield Change(kind, name, "changed", text(a[name]), text(b[name]))


def _set(kind: str, a: Sequence[str], b: Sequence[str]) -> Iterator[Change]:
    for text in a:
        if text not in b:
            yield Change(kind, text, "removed")
    for text in b:
        if text not in a:
            yield Change(kind, text, "added")


def _tables(a: Contract, b: Contract) -> Iterator[Change]:
    for name in dict.fromkeys([*a.tables, *b.tables]):
        before, after = a.tables.get(name), b.tables.get(name)
        kind = "Tables" if (after or before) and (after or before).own else "Inputs"  # pyright: ignore
        if after is None:
            yield Change(kind, name, "removed", _table_text(before))
        elif before is None:
            yield Change(kind, name, "added", "", _table_text(after))
        else:
            if _table_text(before) != _table_text(after):
                yield Change(kind, name, "changed", _table_text(before), _table_text(after))
            yield from _rows(name, before, after)


def _table_text(table: Table | None) -> str:
    if table is None:
        return ""
    columns = ", ".join(f"{column.name} ({_column_text(column)})" for column in table.columns)
    optional = ", optional" if table.optional else ""
    return f"[{', '.join(table.keys)}] {columns}{optional}"


def _column_text(column: Column) -> str:
    parts = [wording.unit_text(column.written, column.type), "can be empty" if column.type.missing else ""]
    if column.minimum is not None:
        parts.append(f"at least {wording.plain(column.minimum, column.written)}")
    if column.places is not None:
        parts.append(f"at most {column.places} decimal places")
    return ", ".join(part for part in parts if part)


def _rows(name: str, a: Table, b: Table) -> Iterator[Change]:
    if a.rows is None or b.rows is None or a.rows == b.rows or a.keys != b.keys:
        return
    size = len(a.keys)

    def by_key(table: Table) -> dict[tuple[str, ...], str]:
        heads = [column.name for column in table.columns]
        written = [column.written for column in table.columns]
        return {
            tuple(str(cell) for cell in row[:size]): ", ".join(
                f"{head} {wording.plain(cell, unit) or wording.MISSING}"
                for head, cell, unit in zip(heads, row[size:], written, strict=True)
            )
            for row in table.rows or ()
        }

    before, after = by_key(a), by_key(b)
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key, ""), after.get(key, "")
        if old != new:
            how = "removed" if not new else "added" if not old else "changed"
            yield Change("Tables", f"{name} [{', '.join(key)}]", how, old, new)


def _parameters(a: Contract, b: Contract) -> Iterator[Change]:
    for name in dict.fromkeys([*a.parameters, *b.parameters]):
        before, after = a.parameters.get(name), b.parameters.get(name)
        if after is None and before is not None:
            yield Change("Figures", name, "removed", "; ".join(_values(before, a)))
        elif before is None and after is not None:
            yield Change("Figures", name, "added", "", "; ".join(_values(after, b)))
        elif before is not None and after is not None:
            yield from _parameter(name, before, after, a, b)


def _parameter(name: str, before: Parameter, after: Parameter, a: Contract, b: Contract) -> Iterator[Change]:
    old_unit, new_unit = wording.unit_text(before.written, before.type), wording.unit_text(after.written, after.type)
    if old_unit != new_unit:
        yield Change("Figures", name, "unit changed", old_unit, new_unit)
    rules = (
        ("read", before.as_at, after.as_at),
        ("carried beyond its last entry", str(before.carry), str(after.carry)),
        ("goes by", ", ".join(before.by), ", ".join(after.by)),
        ("kind of scale", str(before.scale), str(after.scale)),
    )
    for what, old, new in rules:
        if old != new:
            yield Change("Figures", name, f"{what} changed", old, new)
    old_entries, new_entries = _by_day(before), _by_day(after)
    for day in sorted({*old_entries, *new_entries}, key=str):
        old, new = old_entries.get(day), new_entries.get(day)
        when = f"from {wording.day(day[0])}" + (f" (known {wording.day(day[1])})" if day[1] else "")
        if len(old_entries) == len(new_entries) == 1 and set(old_entries) == set(new_entries):
            when = "for the whole term"
        told = (_entry_text(before, old, a) if old else "", _entry_text(after, new, b) if new else "")
        if told[0] != told[1]:
            how = f"{when}, added" if not old else f"{when}, removed" if not new else when
            yield Change("Figures", name, how, *told)


def _by_day(parameter: Parameter) -> dict[tuple[Any, Any], Entry]:
    return {(entry.since, entry.known_from): entry for entry in parameter.entries}


def _values(parameter: Parameter, contract: Contract) -> list[str]:
    return [_entry_text(parameter, entry, contract) for entry in parameter.entries]


def _entry_text(parameter: Parameter, entry: Entry, contract: Contract) -> str:
    parts: list[str] = []
    for member, value in entry.values.items():
        if isinstance(value, ScalePoints):
            scale = parameter.scale
            percent = bool(parameter.written and parameter.written.percent)
            of = bool(scale and scale.of.percent)
            text = ", ".join(
                f"{'above' if x is None else wording.number(x, scale.of.unit if scale else None, of)} → "
                f"{wording.number(y, parameter.type.unit, percent)}"
                for x, y in value.points
            )
        else:
            text = wording.value_text(value, parameter.type, parameter.written, contract)
        parts.append(f"{'.'.join(member)} {text}" if member else text)
    until = f" until {wording.day(entry.until)}" if entry.until else ""
    return f"{', '.join(parts)}{until} ({entry.source.authority}, {entry.source.status})"


def _quantities(a: Contract, b: Contract) -> Iterator[Change]:
    for name in dict.fromkeys([*a.quantities, *b.quantities]):
        before, after = a.quantities.get(name), b.quantities.get(name)
        if after is None and before is not None:
            yield Change("Quantities", name, "removed", _formulas(before))
        elif before is None and after is not None:
            yield Change("Quantities", name, "added", "", _formulas(after))
        elif before is not None and after is not None:
            for what, old, new in (
                ("formula", _formulas(before), _formulas(after)),
                ("rounding", str(before.rounding or "not rounded"), str(after.rounding or "not rounded")),
                ("rows", f"for each {', '.join(before.keys)}", f"for each {', '.join(after.keys)}"),
                ("source of rows", ", ".join(before.rows.sources), ", ".join(after.rows.sources)),
                ("gathered through", ", ".join(before.through), ", ".join(after.through)),
                ("unit", wording.unit_text(before.written, before.type), wording.unit_text(after.written, after.type)),
                ("clause", before.clause, after.clause),
            ):
                if old != new:
                    yield Change("Quantities", name, f"{what} changed", old, new)


def _formulas(quantity: Quantity) -> str:
    return "; ".join(
        (f"from {version.since}: " if version.since else "") + " ".join(version.text.split())
        for version in quantity.versions
    )


def _payments(contract: Contract) -> dict[str, Payment]:
    found: dict[str, Payment] = {}
    for payment in contract.payments:
        name = (
            payment.quantity
            if payment.quantity not in found
            else f"{payment.quantity} ({payment.payer.party} to {payment.receiver.party})"
        )
        found[name] = payment
    return found


def _payment_text(payment: Payment) -> str:
    parts = [f"{payment.payer.party} pays {payment.receiver.party}", payment.stream, payment.due]
    parts.append("flows back when negative" if payment.reverse_when_negative else "")
    return ", ".join(part for part in parts if part)


def _lines(a: Contract, b: Contract) -> Iterator[Change]:
    """Lines of the text that differ: for a change of meaning that no entry above shows."""
    before, after = a.text.splitlines(), b.text.splitlines()
    for kind, i, j, k, m in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            old, new = (" ".join(" ".join(part).split()) for part in (before[i:j], after[k:m]))
            yield Change("Text", f"line {k + 1}", "changed", old, new)


# -- the money ----------------------------------------------------------------------------------------------------


def _net(contract: Contract, data: Any) -> dict[PartyName, Fraction]:
    """What each party receives, net of what it pays."""
    from accord.settlement.calls import settle
    from accord.settlement.owed import owed_rows

    if isinstance(data, (str, Path)):
        folder = Path(data)
        named = folder / contract.name
        data = named if named.is_dir() else folder
    settlement = settle(contract, data)
    net: dict[PartyName, Fraction] = {}
    for owed in owed_rows(settlement):
        net[owed.receiver] = net.get(owed.receiver, Fraction(0)) + owed.amount
        net[owed.payer] = net.get(owed.payer, Fraction(0)) - owed.amount
    return net


def _money(a: Mapping[PartyName, Fraction], b: Mapping[PartyName, Fraction]) -> list[MoneyLine]:
    lines = [MoneyLine(party.text, a.get(party, Fraction(0)), b.get(party, Fraction(0))) for party in sorted({*a, *b})]
    winners = sorted((line for line in lines if line.difference > 0), key=lambda line: -line.difference)
    losers = sorted((line for line in lines if line.difference < 0), key=lambda line: line.difference)
    return [*winners, *losers, *(line for line in lines if line.difference == 0)]
