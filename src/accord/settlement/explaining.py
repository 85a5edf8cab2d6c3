"""Explanations laid out: the tree behind a number as text, as plain data, as a page. What explains is the engine.

A row is named by its keys; a period may be given by its first day or its usual name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING

from accord.language.contract import Contract
from accord.language.problem import nearest
from accord.settlement import wording

if TYPE_CHECKING:
    from accord.engine import Explanation, Settlement
    from accord.settlement.run import Run


def read_row(written: Iterable[str]) -> dict[str, str]:
    """``key=value`` texts as a row; raises Misused."""
    from accord.settlement.calls import usage

    row: dict[str, str] = {}
    for text in written:
        key, equals, value = text.partition("=")
        if not (equals and key and value):
            raise usage("explain", f"{text} does not say which row", "write key=value, such as practice=A81004")
        row[key.strip()] = value.strip()
    return row


def named_row(contract: Contract, quantity: str, row: Mapping[str, str]) -> dict[str, str]:
    """The row of a quantity that is meant, in the order of its keys; raises Misused for what is unknown or left out."""
    from accord.settlement.calls import usage

    if quantity not in contract.quantities:
        fix = nearest(quantity, contract.quantities) or f"it has {', '.join(contract.quantities)}"
        raise usage("explain", f"{contract.name} has no quantity {quantity}", fix)
    keys = contract.quantities[quantity].keys
    where = f"{quantity} has one value for each {wording.listed(keys)}" if keys else f"{quantity} has one value"
    paste = " ".join(f"{key}=…" for key in keys)
    unknown = [key for key in row if key not in keys]
    if unknown:
        raise usage("explain", f"{where}, and none for {unknown[0]}", f"say {paste}" if keys else "leave it out")
    lacking = [key for key in keys if key not in row]
    if lacking:
        raise usage("explain", f"{where}; {wording.listed(lacking)} was not said", f"say {paste}")
    found: dict[str, str] = {}
    for key in keys:
        held = contract.keys[key]
        label = row[key]
        if held.is_period:
            labels = {item.name: item.label for item in held.items} | {item.label: item.label for item in held.items}
            if label not in labels:
                names = [item.name for item in held.items]
                fix = nearest(label, labels) or f"there are {', '.join(names[:4])}{', …' if len(names) > 4 else ''}"
                raise usage("explain", f"{label} is not a {key} of {contract.name}", fix)
            label = labels[label]
        found[key] = label
    return found


def of_run(run: Run, quantity: str, row: Mapping[str, str], depth: int) -> Explanation:
    """The explanation of a number of a run, from what was stored."""
    from accord.engine import explain
    from accord.settlement.stored import StoredValues

    wanted = named_row(run.contract, quantity, row)
    values = StoredValues(run)
    keys = run.contract.quantities[quantity].keys
    _must_exist(run.contract, quantity, wanted, values.row_exists(run.contract.quantities[quantity].rows, tuple(wanted.values())))
    assert tuple(wanted) == keys
    return explain(run.contract, values, quantity, wanted, depth=depth)


def of_settlement(settlement: Settlement, quantity: str, row: Mapping[str, str], depth: int) -> Explanation:
    """The explanation of a number of a settlement in memory."""
    from accord.engine import explain

    contract = settlement.contract
    wanted = named_row(contract, quantity, row)
    _must_exist(contract, quantity, wanted, tuple(wanted.values()) in settlement.values(quantity))
    return explain(contract, settlement, quantity, wanted, depth=depth)


def _must_exist(contract: Contract, quantity: str, row: Mapping[str, str], exists: bool) -> None:
    from accord.settlement.calls import usage

    if not exists:
        raise usage("explain", f"{quantity} has no row for {wording.row_text(contract, row)}", "check the spelling of the keys")


# -- laid out ----------------------------------------------------------------------------------------------------------


def facts(explanation: Explanation) -> list[str]:
    """Clause, source, status, date: what is known of a value besides how it came about."""
    told: list[str] = []
    if explanation.clause:
        told.append(explanation.clause)
    if explanation.source is not None:
        told += [explanation.source.authority, explanation.source.status]
        if explanation.source.note and explanation.source.note != explanation.note:
            told.append(explanation.source.note)
    if explanation.since is not None:
        told.append(f"in force from {wording.day(explanation.since)}")
    if explanation.note:
        told.append(explanation.note)
    return [part for part in told if part]


_WHAT = {"input": "input", "table": "table", "parameter": "figure", "scale": "scale", "prior": "the period before"}


def text(explanation: Explanation) -> str:
    """The tree as indented text."""
    lines: list[str] = []
    _lines(explanation, 0, lines)
    return "\n".join(lines)


def _lines(one: Explanation, depth: int, lines: list[str]) -> None:
    pad = "    " * depth
    where = ", ".join(f"{wording.words(key)} {label}" for key, label in one.row.items())
    what = f" ({_WHAT[one.kind]})" if one.kind in _WHAT else ""
    lines.append(f"{pad}{one.name}{what}{f' for {where}' if where else ''}: {one.printed}")
    inner = pad + "  "
    if one.formula:
        lines.append(f"{inner}= {one.formula}")
    if one.working and one.working != one.formula:
        lines.append(f"{inner}= {one.working}")
    told = facts(one)
    if told:
        lines.append(f"{inner}[{'; '.join(told)}]")
    for other in one.not_taken:
        because = f": {other.why}" if other.why else ""
        lines.append(f"{inner}did not apply: when {other.condition}{because}")
    if one.rows_in_all is not None and one.rows_in_all > len(one.inputs):
        lines.append(f"{inner}over {one.rows_in_all:,} rows; {len(one.inputs)} shown")
    for part in one.inputs:
        _lines(part, depth + 1, lines)


def as_json(explanation: Explanation) -> dict[str, object]:
    """The tree as plain data; values exact."""
    value = explanation.value
    return {
        "kind": explanation.kind,
        "name": explanation.name,
        "row": dict(explanation.row),
        "value": wording.plain(value) if isinstance(value, Fraction) or value is None else value,
        "printed": explanation.printed,
        "unit": explanation.unit,
        "formula": explanation.formula,
        "working": explanation.working,
        "title": explanation.title,
        "clause": explanation.clause,
        "note": explanation.note,
        "source": (
            {"authority": explanation.source.authority, "status": explanation.source.status, "note": explanation.source.note}
            if explanation.source
            else None
        ),
        "since": explanation.since.isoformat() if explanation.since else None,
        "place": str(explanation.place) if explanation.place else None,
        "rows_in_all": explanation.rows_in_all,
        "not_taken": [
            {"condition": other.condition, "working": other.working, "why": other.why, "place": str(other.place)}
            for other in explanation.not_taken
        ],
        "inputs": [as_json(part) for part in explanation.inputs],
    }


def html(explanation: Explanation) -> str:
    """The tree as a page: each branch opens and closes without scripts."""
    from accord.settlement.page import render

    return render("explanation.html.j2", top=explanation, facts=facts, words=wording.words, kinds=_WHAT)
