"""Extending: the contract of a future year, from one whose term and prices end sooner, every supplied figure marked.

The text of the contract is untouched: a variation moves the last day of its term, and the figures of later years are
further dated entries whose status is ``assumed``. So it is the very same contract that is settled. Rows of tables, the
contract's and the place's own, go on as in their last year.
"""

# pyarrow and duckdb have no types of their own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from accord.language.contract import Contract, Entry, Parameter, PeriodItem, Source, Table, Value
from accord.language.folder import Beside, Folder
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest
from accord.language.rounding import decimal_places
from accord.language.text import Entries, fields_of, items_of, text_of


@dataclass(frozen=True, slots=True)
class Growth:
    """How a figure of a contract grows from year to year, as a share (3 % is 3/100)."""

    rate: Fraction
    authority: str
    place: Place


@dataclass(frozen=True, slots=True)
class _Renamed:
    """The files beside a contract, with its whole text under a name of their own."""

    text: bytes
    name: str
    inner: Beside

    def read(self, name: str) -> bytes:
        """As :class:`~accord.language.folder.Beside` says."""
        return self.text if name == self.name else self.inner.read(name)

    def base(self, reference: str) -> tuple[Beside, str]:
        """As :class:`~accord.language.folder.Beside` says."""
        return (self, self.name) if reference == self.name else self.inner.base(reference)


def whole_text(file: Path) -> tuple[bytes, Beside]:
    """The text of a contract, expanded where it is a variation, and what stands beside it."""
    from accord.language.text import decode, read_tree
    from accord.language.variation import expand

    folder, name = Folder.of(file)
    content = folder.read(name)
    tree = read_tree(decode(content, folder.shown(name)))
    if isinstance(tree, Entries) and tree.get("variation") is not None:
        expanded = expand(tree, folder)
        return expanded.text.encode(), expanded.beside
    return content, folder


def until(contract: Contract, file: Path, last: dt.date) -> Contract:
    """The contract with a term that reaches ``last``; itself where it does already. Raises ContractRefused."""
    if contract.term.last >= last:
        return contract
    from accord.language.checker import Checker
    from accord.language.draft.reader import read_draft
    from accord.language.text import decode, read_tree
    from accord.language.variation import base_hash, expand
    from accord.measures.cards import Cards

    text, beside = whole_text(file)
    tree = read_tree(decode(text, str(file)))
    assert isinstance(tree, Entries)
    named = _Renamed(text, "the-contract.yaml", beside)
    changes = [f"term.to: {last.isoformat()}", *_listed_years(tree, last)]
    varied = (
        f"accord: 1\nvariation: {contract.name}\nof: {named.name}\nbase_hash: {base_hash(tree, text, beside)}\n"
        f"replace: {{{', '.join(changes)}}}\n"
    )
    change = read_tree(decode(varied.encode(), f"{contract.name}, extended"))
    assert isinstance(change, Entries)
    expanded = expand(change, named)
    draft = read_draft(expanded.tree, expanded.beside.read)
    cards = Cards(file.parent)
    return Checker(draft, cards).check(expanded.text, str(file), expanded.text.encode())


def _listed_years(tree: Entries, last: dt.date) -> list[str]:
    """Replaced entries for periods that a contract lists day by day: one more a year, from the last one on."""
    out: list[str] = []
    for name, key in fields_of(fields_of(tree)["keys"]).items():
        listed = [text_of(item) for item in items_of(fields_of(key).get("starts"))]
        if not listed:
            continue
        day = dt.date.fromisoformat(listed[-1])
        while (day := day.replace(year=day.year + 1)) <= last:
            listed.append(day.isoformat())
        out.append(f"keys.{name}.starts: [{', '.join(listed)}]")
    return out


def carried(contract: Contract, days: Sequence[dt.date]) -> tuple[Contract, tuple[str, ...]]:
    """The contract with the rows of its own tables that end too soon going on, and the names of these tables.

    A table by year, such as the indicators that are in force, has rows for the years that are published. Each later
    period has those of the last one that begins on the same day of the year.
    """
    tables = dict(contract.tables)
    names: list[str] = []
    for name, table in contract.tables.items():
        period = next((key for key in table.keys if contract.keys[key].is_period), None)
        if period is None or not table.rows:
            continue
        at = table.keys.index(period)
        there = {str(row[at]) for row in table.rows}
        lacking = [
            item.label for item in contract.keys[period].items if item.first >= days[0] and item.label > max(there)
        ]
        more = [
            (*row[:at], label, *row[at + 1 :])
            for label in lacking
            for row in table.rows
            if str(row[at]) == max((one for one in there if one[5:] == label[5:]), default=max(there))
        ]
        if more:
            tables[name] = replace(table, rows=(*table.rows, *more))
            names.append(name)
    return replace(contract, tables=tables) if names else contract, tuple(names)


def going_on(
    contract: Contract, table: Table, path: Path, year_of: Callable[[PeriodItem], int | None]
) -> tuple[Any, int]:
    """The rows of a place's own file, those of its last year for later simulated years that it lacks; how many it did.

    Args:
        contract: whose input it is.
        table: the input.
        path: the file, CSV or Parquet.
        year_of: the simulated year that a period lies in.
    """
    import pyarrow as pa

    from accord.engine.database import in_memory

    period = next((key for key in table.keys if contract.keys[key].is_period), None)
    if period is None:
        return path, 0
    reader = "read_csv" if path.suffix == ".csv" else "read_parquet"
    options = ", all_varchar = true, header = true" if path.suffix == ".csv" else ""
    with in_memory() as connection:
        named = str(path).replace("'", "''")
        rows = connection.sql(f"from {reader}('{named}'{options})").to_arrow_table()
    if period not in rows.column_names or not rows.num_rows:
        return path, 0
    labels = rows.column(period).cast(pa.string())
    there = set(labels.to_pylist())
    items = {item.label: item for item in contract.keys[period].items}
    lacking = [label for label, item in items.items() if year_of(item) is not None and label not in there]
    known = sorted(label for label in there if label in items)
    if not lacking or not known:
        return path, 0
    at = rows.column_names.index(period)
    parts = [rows.set_column(at, period, labels)]
    for label in lacking:
        last = ([one for one in known if one[5:] == label[5:]] or known)[-1]
        part = rows.filter(pa.array([one == last for one in labels.to_pylist()]))
        parts.append(part.set_column(at, period, pa.array([label] * part.num_rows, pa.string())))
    return pa.concat_tables(parts), len(lacking)


def grown(contract: Contract, growth: Mapping[str, Growth], years: Sequence[dt.date]) -> Contract:
    """The contract with figures of later years that grow from its last ones.

    A year for which the contract itself has a figure keeps it. Figures keep as many decimal places as they have.

    Args:
        contract: the contract, its term long enough.
        growth: by parameter; ``*`` stands for every parameter in money that has no growth of its own.
        years: the first day of each simulated year.

    Raises:
        DataRefused: a name that is no parameter, or one that cannot grow.
    """
    problems: list[Problem] = []
    parameters = dict(contract.parameters)
    for name, one in growth.items():
        if name == "*":
            continue
        found = contract.parameters.get(name)
        if found is None:
            fix = nearest(name, contract.parameters) or f"it has {', '.join(contract.parameters)}"
            problems.append(Problem(one.place, f"{contract.name} has no parameter {name}", fix))
        elif found.scale is not None or found.type.kind != "number":
            problems.append(
                Problem(one.place, f"{name} of {contract.name} is no single number: it cannot grow", "vary it")
            )
    if problems:
        raise DataRefused(problems)
    for name, parameter in contract.parameters.items():
        one = growth.get(name)
        if one is None and "*" in growth and _is_money(contract, parameter):
            one = growth["*"]
        if one is not None and one.rate:
            parameters[name] = _with_later_entries(parameter, one, years)
    return replace(contract, parameters=parameters)


def _is_money(contract: Contract, parameter: Parameter) -> bool:
    return (
        parameter.scale is None
        and parameter.type.kind == "number"
        and parameter.written is not None
        and str(parameter.written).startswith(contract.currency)
    )


def _with_later_entries(parameter: Parameter, growth: Growth, years: Sequence[dt.date]) -> Parameter:
    entries = list(parameter.entries)
    known = max(entry.since for entry in entries)
    newest = [entry for entry in entries if entry.since == known][-1]  # of several, the one that was known last
    source = Source(growth.authority, "assumed", f"{float(growth.rate):.2%} a year on the figure before")
    ahead = 0
    for day in years:
        # the year of the last figure the contract has is the one that growth starts from
        if day <= known or day <= years[0]:
            continue
        ahead += 1
        values = {member: _grown(value, growth.rate, ahead) for member, value in newest.values.items()}
        entries.append(Entry(day, values, source, growth.place))
    return replace(parameter, entries=tuple(entries))


def _grown(value: object, rate: Fraction, years: int) -> Value:
    assert isinstance(value, Fraction)
    places = decimal_places(value)
    places = 6 if places is None else places
    exact = value * (1 + rate) ** years
    return Fraction(round(exact * 10**places), 10**places)
