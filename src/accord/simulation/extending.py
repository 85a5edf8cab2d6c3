"""Extending: the contract of a future year, from one whose term and prices end sooner, every supplied figure marked.

The text of the contract is untouched: a variation moves the last day of its term, and the figures of later years are
further dated entries whose status is ``assumed``. So it is the very same contract that is settled.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from accord.language.contract import Contract, Entry, Parameter, Source, Value
from accord.language.folder import Beside, Folder
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest
from accord.language.rounding import decimal_places


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
    from accord.language.text import Entries, decode, read_tree
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
    from accord.language.text import Entries, decode, read_tree
    from accord.language.variation import base_hash, expand
    from accord.measures.cards import Cards

    text, beside = whole_text(file)
    tree = read_tree(decode(text, str(file)))
    assert isinstance(tree, Entries)
    named = _Renamed(text, "the-contract.yaml", beside)
    varied = (
        f"accord: 1\nvariation: {contract.name}\nof: {named.name}\nbase_hash: {base_hash(tree, text, beside)}\n"
        f"replace: {{term.to: {last.isoformat()}}}\n"
    )
    change = read_tree(decode(varied.encode(), f"{contract.name}, extended"))
    assert isinstance(change, Entries)
    expanded = expand(change, named)
    draft = read_draft(expanded.tree, expanded.beside.read)
    draft.files.update(expanded.files)
    cards = Cards(file.parent)
    return Checker(draft, cards).check(expanded.text, str(file), expanded.text.encode())


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
