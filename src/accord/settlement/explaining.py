"""Explanations laid out: the tree behind a number as text, as plain data, as a page. What explains is the engine.

A row is named by its keys; a period may be given by its first day or its usual name.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
    values = StoredValues.of_run(run)
    keys = run.contract.quantities[quantity].keys
    _must_exist(
        run.contract,
        quantity,
        wanted,
        values.row_exists(run.contract.quantities[quantity].rows, tuple(wanted.values())),
    )
    assert tuple(wanted) == keys
    return explain(run.contract, values, quantity, wanted, depth=depth)


def of_settlement(settlement: Settlement, quantity: str, row: Mapping[str, str], depth: int) -> Explanation:
    """The explanation of a number of a settlement in memory."""
    from accord.engine.explanation import explain
    from accord.settlement.stored import StoredValues

    contract = settlement.contract
    wanted = named_row(contract, quantity, row)
    _must_exist(contract, quantity, wanted, tuple(wanted.values()) in settlement.values(quantity))
    return explain(contract, StoredValues.of_settlement(settlement), quantity, wanted, depth=depth)


def _must_exist(contract: Contract, quantity: str, row: Mapping[str, str], exists: bool) -> None:
    from accord.settlement.calls import usage

    if not exists:
        raise usage(
            "explain", f"{quantity} has no row for {wording.row_text(contract, row)}", "check the spelling of the keys"
        )


# -- laid out -----------------------------------------------------------------------------------------------------


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
    return explanation.as_text()


def as_json(explanation: Explanation) -> dict[str, object]:
    """The tree as plain data; values exact."""
    return explanation.as_json()


def html(explanation: Explanation) -> str:
    """The tree as a page: each branch opens and closes without scripts."""
    from accord.settlement.page import render

    return render("explanation.html.j2", top=explanation, facts=facts, words=wording.words, kinds=_WHAT)
