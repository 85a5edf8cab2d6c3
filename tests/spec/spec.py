"""A spec: one thing the language says, as a contract that is checked and settled, and the numbers that must come out.

The same values are the tests (``test_chapters.py``) and the language reference (``book.py``), so that what the
reference says is what happens.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from textwrap import dedent

from accord.language.checker import MeasureCard, signed_hash
from accord.language.contract import Contract, Value
from accord.language.place import Source
from accord.language.text import Entries, Items, Scalar, read_tree

HEADER = {
    "accord": "accord: 1",
    "contract": "contract: example",
    "currency": "currency: GBP",
    "term": "term: {from: 2026-04-01, to: 2027-03-31}",
    "keys": "keys: {practice: {}, year: {every: 12 months}}",
}
"""What stands in front of a snippet that does not say it itself."""

GROUP_WORDS = ("each", "rows", "through", "title")
MORE = "…"
"""A last row of an expectation that shows only some rows."""


@dataclass(frozen=True, kw_only=True)
class Spec:
    """One section of the reference.

    ``given`` holds small tables, each under the name of its input; ``expect`` tables of keys and quantities, complete
    unless their last row is ``…``. ``warned`` is a warning of the check, ``doubted`` one of the data; ``refused``,
    ``data_refused`` and ``stopped`` are the messages (with ``fix``) of a contract, of data and of a settlement that
    cannot be used. Without ``contract``: prose.
    """

    title: str
    text: str = ""
    contract: str = ""
    given: str = ""
    expect: str = ""
    payments: str = ""
    notices: str = ""
    refused: str = ""
    data_refused: str = ""
    stopped: str = ""
    warned: str = ""
    doubted: str = ""
    fix: str = ""
    also: tuple[tuple[str, str], ...] = ()
    """Further problems of a refused contract: messages and fixes."""
    after: str = ""
    file: tuple[str, str] | None = None
    """A file beside the contract: its name and its text."""
    base: str = ""
    """For a variation: its base, which stands beside it as base.yaml; ``BASE_HASH`` in the snippet is its hash."""
    cards: Mapping[str, MeasureCard] = field(default_factory=dict)
    up_to: str | None = None
    known_on: str | None = None

    @property
    def snippet(self) -> str:
        """The contract as the reference shows it."""
        return self.with_hash(dedent(self.contract).strip("\n"))

    def with_hash(self, text: str) -> str:
        """A text with the hash of the base put in."""
        return text.replace("BASE_HASH", signed_hash(self.base_text.encode(), {})) if self.base else text

    @property
    def base_text(self) -> str:
        """The base of a variation, whole."""
        return with_header(dedent(self.base).strip("\n") + "\n")

    @property
    def files(self) -> dict[str, bytes]:
        """What stands beside the contract."""
        found = {self.file[0]: self.file[1].encode()} if self.file else {}
        return found | ({"base.yaml": self.base_text.encode()} if self.base else {})


def whole_text(spec: Spec) -> str:
    """The snippet as it is run: with the common header, and with what its expectation shows marked ``report: true``."""
    if spec.base:
        return spec.snippet + "\n"
    text = with_header(spec.snippet + "\n")
    if spec.refused:
        return text
    shown = {name for block in blocks(spec.expect) for name in block.columns}
    return reported(text, shown)


def with_header(snippet: str) -> str:
    """A snippet with the lines of the common header that it lacks."""
    words = {line.split(":")[0] for line in snippet.splitlines()}
    return "\n".join([*(line for word, line in HEADER.items() if word not in words), snippet])


def reported(text: str, names: set[str]) -> str:
    """The contract with ``report: true`` on the quantities of these names."""
    tree = read_tree(Source("contract.yaml", text))
    assert isinstance(tree, Entries)
    groups = tree.get("quantities")
    edits: list[tuple[int, int, str]] = []
    for group in groups.items if isinstance(groups, Items) else ():
        for name, spec in group if isinstance(group, Entries) else ():
            if name.value not in names or name.value in GROUP_WORDS:
                continue
            if isinstance(spec, Scalar):
                formula = json.dumps(" ".join(spec.spelled()[0].split()), ensure_ascii=False)
                edits.append(
                    (
                        spec.start,
                        spec.start + len(text[spec.start : spec.end].rstrip()),
                        f"{{is: {formula}, report: true}}",
                    )
                )
            elif isinstance(spec, Entries) and spec.get("report") is None:
                first = spec.entries[0][0]
                flow = spec.place != first.place
                gap = ", " if flow else "\n" + " " * (first.place.column - 1)
                edits.append((first.start, first.start, f"report: true{gap}"))
    for start, end, new in sorted(edits, reverse=True):
        text = text[:start] + new + text[end:]
    return text


@dataclass(frozen=True)
class Block:
    """A small table: the name over it (for inputs), its columns, its rows of texts, and whether it is complete."""

    name: str
    columns: list[str]
    rows: list[dict[str, str]]
    complete: bool


def blocks(text: str, *, named: bool = False) -> list[Block]:
    """The tables of a text: separated by blank lines, columns by ``|``; ``named``: a line with the name before each."""
    found: list[Block] = []
    for part in dedent(text).strip("\n").split("\n\n"):
        lines = [line for line in part.splitlines() if line.strip()]
        if not lines:
            continue
        name = lines.pop(0).strip() if named else ""
        columns, *cells = [[cell.strip() for cell in line.split("|")] for line in lines] if lines else [[]]
        complete = cells[-1:] != [[MORE]]
        rows = [dict(zip(columns, row, strict=True)) for row in cells if row != [MORE]]
        found.append(Block(name, columns, rows, complete))
    return found


def sources(spec: Spec) -> dict[str, list[dict[str, str | None]]]:
    """The inputs of a spec; an empty cell is a missing value."""
    return {
        block.name: [{column: cell or None for column, cell in row.items()} for row in block.rows]
        for block in blocks(spec.given, named=True)
    }


def expected(spec: Spec, contract: Contract) -> dict[str, tuple[dict[tuple[str, ...], Value | None], bool]]:
    """For each quantity, the values at its rows, and whether these are all its rows."""
    found: dict[str, tuple[dict[tuple[str, ...], Value | None], bool]] = {}
    for block in blocks(spec.expect):
        for name in block.columns:
            if name in contract.keys:
                continue
            quantity = contract.quantities[name]
            values = {tuple(row[key] for key in quantity.keys): _value(contract, name, row[name]) for row in block.rows}
            found[name] = (values, block.complete)
    return found


def _value(contract: Contract, name: str, cell: str) -> Value | None:
    quantity = contract.quantities[name]
    if cell == "missing":
        return None
    match quantity.type.kind:
        case "number":
            percent = quantity.written is not None and quantity.written.percent
            return Fraction(cell.replace(",", "")) / (100 if percent else 1)
        case "flag":
            return {"true": True, "false": False}[cell]
        case "date":
            return dt.date.fromisoformat(cell)
        case _:
            return cell
