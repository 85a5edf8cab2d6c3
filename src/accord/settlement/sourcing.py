"""Sourcing: where the figures of a contract come from, and what is known of each, counted.

Everything that has a source is counted once: every dated value of a parameter, every table of the contract, and every
quantity whose rounding or formula has a status of its own. The rows of a table are counted too where the table says of
each what is known of it, in a text column such as ``points_status`` (beside ``points_source``, or another column of
text that begins with the same word).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

from accord.language.contract import Contract, Status, Table

STATUSES: tuple[Status, ...] = get_args(Status)
_NAMED: dict[str, Status] = {status: status for status in STATUSES}

Kind = Literal["figure", "table", "rule", "row"]

KINDS: dict[Kind, str] = {
    "figure": "dated figures",
    "table": "tables",
    "rule": "roundings and formulas",
    "row": "rows of tables",
}


@dataclass(frozen=True, slots=True)
class Sourced:
    """Something of a contract that has a source: what it is, its name, where it comes from, what is known of it."""

    kind: Kind
    name: str
    authority: str
    status: Status

    @property
    def bare(self) -> bool:
        """Whether it claims to be known and does not say from where."""
        return self.status != "unverified" and not any(letter.isalnum() for letter in self.authority)


@dataclass(frozen=True)
class Sourcing:
    """All that has a source in a contract."""

    contract: Contract
    all: tuple[Sourced, ...]

    @cached_property
    def counts(self) -> Mapping[Kind, Mapping[Status, int]]:
        """How many of each kind have each status, in the order of the statuses; all of them, 0 too."""
        found = Counter((one.kind, one.status) for one in self.all)
        return {kind: {status: found[kind, status] for status in STATUSES} for kind in KINDS}

    @property
    def statuses(self) -> Mapping[Status, int]:
        """How many figures, tables and rules have each status. Rows are part of their table, and not counted again."""
        return {status: sum(self.counts[kind][status] for kind in KINDS if kind != "row") for status in STATUSES}

    @property
    def bare(self) -> tuple[Sourced, ...]:
        """What claims to be known and does not say from where. Nothing in the library may."""
        return tuple(one for one in self.all if one.bare)

    @cached_property
    def authorities(self) -> tuple[tuple[str, tuple[Sourced, ...]], ...]:
        """What rests on each source, the one with most first."""
        found: dict[str, list[Sourced]] = {}
        for one in self.all:
            found.setdefault(one.authority, []).append(one)
        listed = sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0]))
        return tuple((authority, tuple(some)) for authority, some in listed)

    def as_json(self) -> dict[str, object]:
        """The same as plain data."""
        return {
            "statuses": {**self.statuses, "no source": len(self.bare)},
            "kinds": {kind: dict(counts) for kind, counts in self.counts.items()},
            "sources": [
                {
                    "source": authority,
                    "statuses": dict(Counter(one.status for one in some)),
                    "of": dict(Counter(f"{one.kind} {one.name}" for one in some)),
                }
                for authority, some in self.authorities
            ],
        }


def sourcing_of(contract: Contract) -> Sourcing:
    """All that has a source in a contract, in its order."""
    return Sourcing(contract, tuple(_all(contract)))


def unverified_count(contract: Contract) -> int:
    """How many sourced things (dated figures, tables, roundings) nobody has verified yet."""
    return sourcing_of(contract).statuses["unverified"]


def _all(contract: Contract) -> Iterator[Sourced]:
    for parameter in contract.parameters.values():
        for entry in parameter.entries:
            yield Sourced("figure", parameter.name, entry.source.authority, entry.source.status)
    for table in contract.tables.values():
        if table.source is not None:
            yield Sourced("table", table.name, table.source.authority, table.source.status)
            yield from _rows(table, table.source.authority)
    for quantity in contract.quantities.values():
        if quantity.status:
            yield Sourced("rule", quantity.name, quantity.clause or contract.authority, quantity.status)


def _rows(table: Table, authority: str) -> Iterator[Sourced]:
    """The rows of a table that say of themselves what is known of them."""
    names = [column.name for column in table.columns]
    texts = [column.name for column in table.columns if column.type.kind == "text"]
    for column in texts:
        about = column.removesuffix("status")
        values = [row[len(table.keys) + names.index(column)] for row in table.rows or ()]
        if about == column or not values or not all(value in STATUSES for value in values):
            continue
        beside = next((name for name in texts if name.startswith(about) and name != column), None) if about else None
        for row, status in zip(table.rows or (), values, strict=True):
            told = authority if beside is None else row[len(table.keys) + names.index(beside)]
            yield Sourced("row", table.name, str(told or ""), _NAMED[str(status)])
