"""Worked examples: the contract's own tests. Each is settled by the exact reference and compared to the last digit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING

from accord.language.contract import Contract, Example, Expectation, Quantity, Value
from accord.language.problem import AccordError, ContractRefused, Problem
from accord.language.rounding import round_fraction
from accord.settlement import wording
from accord.settlement.quick import settle_quickly

if TYPE_CHECKING:
    from accord.engine.settling import Settlement


def run_examples(contract: Contract) -> int:
    """Settle every worked example; the number that hold.

    Raises:
        ContractRefused: naming every expectation that does not hold, or why an example cannot be settled.
    """
    failing = [(example, found) for example in contract.examples if (found := _problems(contract, example))]
    if failing:
        of_base = [f"examples.{example.number_in_base}" for example, _ in failing if example.number_in_base]
        leave_out = (
            f"the variation changes what its base's examples test: remove: [{', '.join(of_base)}] in the variation, "
            "and add: examples of its own; or correct the variation"
        )
        raise ContractRefused(
            replace(problem, fix=leave_out) if example.number_in_base else problem
            for example, found in failing
            for problem in found
        )
    return len(contract.examples)


def settle_example(contract: Contract, example: Example) -> Settlement:
    """One worked example, settled by the exact reference."""
    from accord.engine import read_inputs, settle

    inputs = read_inputs(contract, dict(example.given))
    return settle(contract, inputs, engine="reference")


def _problems(contract: Contract, example: Example) -> list[Problem]:
    quick = settle_quickly(contract, example)
    if quick is not None and all(_holds(contract, quick, expected) for expected in example.expect):
        return []
    title = f"the example {example.title!r}" if example.title else "this example"
    try:
        settlement = settle_example(contract, example)
    except AccordError as error:
        return [Problem(example.place, f"{title} cannot be settled: {p.message}", p.fix) for p in error.problems]
    found: list[Problem] = []
    for expected in example.expect:
        quantity = contract.quantities[expected.quantity]
        row = {key: _label(contract, key, expected.row[key]) for key in quantity.keys}
        values = settlement.values(expected.quantity)
        at = tuple(row.values())
        where = f"{expected.quantity} for {wording.row_text(contract, row)}" if row else expected.quantity
        if at not in values:
            found.append(
                Problem(expected.place, f"{title}: there is no row of {where}", "check the keys of the example")
            )
            continue
        value = values[at]
        if not _agrees(quantity, value, expected):
            is_ = wording.plain(value, quantity.written) or wording.MISSING
            if isinstance(value, Fraction) and "/" in is_:
                is_ += f" ({wording.value_text(value, quantity.type, quantity.written, contract)})"
            message = f"{title}: {where} is {is_}, and the example expects {expected.written}"
            found.append(Problem(expected.place, message, "correct the example, or the formula it tests"))
    return found


def _holds(
    contract: Contract, values: Mapping[str, Mapping[tuple[str, ...], Value | None]], expected: Expectation
) -> bool:
    quantity = contract.quantities[expected.quantity]
    at = tuple(_label(contract, key, expected.row[key]) for key in quantity.keys)
    return at in values[quantity.name] and _agrees(quantity, values[quantity.name][at], expected)


def _label(contract: Contract, key: str, written: str) -> str:
    """A key as data writes it: a period may be given by its usual name."""
    for item in contract.keys[key].items:
        if written in (item.name, item.label):
            return item.label
    return written


def _agrees(quantity: Quantity, value: Value | None, expected: Expectation) -> bool:
    """Whether a value is what was written. An unrounded quotient is compared to the places that were written."""
    written = expected.written.strip()
    if value is None or written == wording.MISSING:
        return value is None and written == wording.MISSING
    if isinstance(value, bool):
        return written.lower() == ("true" if value else "false")
    if isinstance(value, Fraction):
        try:
            wanted = Fraction(written.replace("_", "").replace(",", ""))
        except ValueError:
            return False
        shown = value * 100 if quantity.written and quantity.written.percent else value
        if quantity.type.exact or "/" in written:
            return shown == wanted
        places = len(written.partition(".")[2])
        return round_fraction(shown, Fraction(1, 10**places), "half_up") == wanted
    return wording.plain(value) == written
