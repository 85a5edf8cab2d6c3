"""What is owed: payments row by row, as a settlement gives them and as a run keeps them; all, or those of a party."""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.contract import Contract
from accord.settlement import storage, wording

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.engine import Settlement


@dataclass(frozen=True, slots=True, order=True)
class PartyName:
    """Who pays or is paid: the party of the contract, and which one of several (empty for a named body)."""

    party: str
    member: str
    title: str = field(default="", compare=False)

    @property
    def text(self) -> str:
        """As a reader knows it."""
        return self.title or (
            f"{wording.words(self.party)} {self.member}" if self.member else wording.words(self.party)
        )

    @property
    def named(self) -> str:
        """As a command names it, where a member of another party may have the same name."""
        return f"{self.party}={self.member}"

    @property
    def slug(self) -> str:
        """As part of a file name."""
        name = f"{self.party}-{self.member}" if self.member else self.party
        plain = re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:60]
        if plain != name:
            plain += "-" + hashlib.sha256(f"{self.party}\0{self.member}".encode()).hexdigest()[:6]
        return plain


@dataclass(frozen=True, slots=True)
class Owed:
    """One payment: a quantity of one row, owed by one party to another."""

    quantity: str
    stream: str
    row: Mapping[str, str]
    payer: PartyName
    receiver: PartyName
    payee: str
    amount: Fraction
    due: str


# -- as a settlement gives them -----------------------------------------------------------------------------------


def owed_rows(settlement: Settlement, world: int = 0) -> tuple[Owed, ...]:
    """The payments of one world, in the order of the contract and then of their rows."""
    contract = settlement.contract
    out: list[Owed] = []
    rows = _Rows(settlement)
    for line in settlement.payments.to_pylist():
        if line.get("world", 0) != world:
            continue
        amount = Fraction(int(line["amount"]), 10 ** int(line["places"]))
        out.append(
            Owed(
                line["quantity"],
                line["stream"] or "",
                rows.of(line["quantity"], line["keys"]),
                _party(contract, line["payer_party"], line["payer"]),
                _party(contract, line["receiver_party"], line["receiver"]),
                line["payee"] or "",
                amount,
                line["due"] or "",
            )
        )
    position = {payment.quantity: number for number, payment in enumerate(contract.payments)}

    def order(one: Owed) -> tuple[object, ...]:
        return position.get(one.quantity, 0), tuple(one.row.values()), one.payer, one.receiver

    return tuple(sorted(out, key=order))


class _Rows:
    """Rows from how payments name them (``practice=A; year=2026-04-01``), whatever stands in a key."""

    def __init__(self, settlement: Settlement) -> None:
        self._settlement = settlement
        self._named: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {}

    def of(self, quantity: str, text: str) -> dict[str, str]:
        """The row that a text names."""
        keys = self._settlement.contract.quantities[quantity].keys
        parts = text.split("; ") if text else []
        if len(parts) == len(keys) and all(part.startswith(f"{key}=") for key, part in zip(keys, parts, strict=True)):
            return {key: part[len(key) + 1 :] for key, part in zip(keys, parts, strict=True)}
        if keys not in self._named:
            data = self._settlement.tables[keys].data
            columns = [data.column(key).to_pylist() for key in keys]
            self._named[keys] = {
                "; ".join(f"{key}={value}" for key, value in zip(keys, row, strict=True)): row
                for row in zip(*columns, strict=True)
            }
        return dict(zip(keys, self._named[keys][text], strict=True))


def _party(contract: Contract, party: str, member: str | None) -> PartyName:
    known = contract.parties.get(party)
    if known is not None and known.each is None:
        return PartyName(party, "", known.title)
    return PartyName(party, member or "")


# -- as a run keeps them ------------------------------------------------------------------------------------------


class Ledger:
    """``payments.parquet`` of a run. A nation's has a hundred thousand rows: only what is asked for becomes objects."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def table(self) -> pa.Table:
        """Every payment, as it is stored."""
        return storage.read_parquet(self._path)

    @cached_property
    def parties(self) -> tuple[PartyName, ...]:
        """Everybody who pays or is paid."""
        return tuple(sorted({PartyName(*names) for some in self._sides for names in set(some)}))

    @cached_property
    def _sides(self) -> list[list[tuple[str, str, str]]]:
        """Who pays, row by row, and who is paid."""
        return [rows_of(self.table, [f"{side}_party", side, f"{side}_title"]) for side in ("payer", "receiver")]

    def of(self, parties: Iterable[PartyName]) -> pa.Table:
        """The payments from or to any of these parties, in the order in which they are stored."""
        import pyarrow as pa

        wanted = {(party.party, party.member) for party in parties}
        found = [payer[:2] in wanted or payee[:2] in wanted for payer, payee in zip(*self._sides, strict=True)]
        return self.table.filter(pa.array(found, pa.bool_()))


def rows_of(table: pa.Table, columns: Sequence[str]) -> list[tuple[Any, ...]]:
    """What stands in these columns, row by row."""
    if not columns:
        return [()] * table.num_rows
    return list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))


def owed_in(table: pa.Table) -> tuple[Owed, ...]:
    """Stored payments, each as a value."""
    return tuple(
        Owed(
            line["quantity"],
            line["stream"],
            {name[4:]: value for name, value in line.items() if name.startswith("key:") and value is not None},
            PartyName(line["payer_party"], line["payer"], line["payer_title"]),
            PartyName(line["receiver_party"], line["receiver"], line["receiver_title"]),
            line["payee"],
            Fraction(line["amount"]),
            line["due"],
        )
        for line in table.to_pylist()
    )


def by_name(parties: Iterable[PartyName]) -> Mapping[str, tuple[PartyName, ...]]:
    """The parties that a person can mean by a name: a member, a party, its title, ``party=member``; ``all``."""
    found: dict[str, dict[PartyName, None]] = {}
    for party in parties:
        for name in {party.member, party.party, party.title, party.named, "all"} - {""}:
            found.setdefault(name, {})[party] = None
    return {name: tuple(some) for name, some in found.items()}
