"""``accord check``: is this contract well formed, sourced, and do its worked examples hold?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import ContractArgument, JsonOption

if TYPE_CHECKING:
    from accord.language.contract import Contract


def check(
    contract: ContractArgument,
    as_json: JsonOption = False,
    examples: Annotated[
        bool, typer.Option("--examples/--no-examples", help="Settle the worked examples, or only read the text.")
    ] = True,
) -> None:
    """Check a contract: words, keys, units, roundings, sources, dates, and its worked examples.

    Exit code 0 if it can be settled, 3 if not. Nothing is written.
    """
    from accord.cli.terminal import say, say_json, show_problems
    from accord.settlement import calls
    from accord.settlement.catalogue import find
    from accord.settlement.examples import run_examples

    checked = calls.check(find(contract))
    held = run_examples(checked) if examples else 0
    if as_json:
        say_json({"ok": True, **summary(checked), "examples_held": held if examples else None})
        return
    for line in _lines(checked, held if examples else None):
        say(line)
    show_problems(checked.warnings)


def summary(contract: Contract) -> dict[str, object]:
    """What a checked contract is made of, as plain data."""
    from accord.settlement.schedule import party_text
    from accord.settlement.sourcing import unverified_count

    return {
        "contract": contract.name,
        "title": contract.title,
        "file": contract.file,
        "currency": contract.currency,
        "term": {"from": contract.term.first.isoformat(), "to": contract.term.last.isoformat()},
        "keys": list(contract.keys),
        "parties": {party.name: party_text(party) for party in contract.parties.values()},
        "inputs": list(contract.inputs),
        "parameters": len(contract.parameters),
        "quantities": len(contract.quantities),
        "payments": [payment.quantity for payment in contract.payments],
        "checks": len(contract.checks),
        "notices": len(contract.notices),
        "examples": len(contract.examples),
        "unverified": unverified_count(contract),
        "looks_back": contract.looks_back,
        "signed_hash": contract.signed_hash,
        "meaning_hash": contract.meaning_hash,
        "warnings": [problem.as_json() for problem in contract.warnings],
    }


def _lines(contract: Contract, held: int | None) -> list[str]:
    from accord.settlement.schedule import party_text
    from accord.settlement.sourcing import unverified_count
    from accord.settlement.wording import day, listed

    inputs = contract.inputs
    figures = sum(len(entry.values) for one in contract.parameters.values() for entry in one.entries)
    unverified = unverified_count(contract)
    parties = "; ".join(f"{party.name} ({party_text(party)})" for party in contract.parties.values())
    paid = listed(payment.quantity for payment in contract.payments)
    lines = [
        f"{contract.name}: {contract.title}",
        f"  term        {day(contract.term.first)} to {day(contract.term.last)}"
        + (f", looking back to {day(contract.term.history)}" if contract.term.history else ""),
        f"  keys        {listed(contract.keys)}",
        f"  parties     {parties or 'none'}",
        f"  inputs      {listed(inputs) or 'none'}",
        f"  figures     {figures} in {len(contract.parameters)} parameters"
        + (
            f"; {unverified} {'is' if unverified == 1 else 'are'} unverified"
            if unverified
            else ", all with a known status"
        ),
        f"  quantities  {len(contract.quantities)}, of which paid: {paid or 'none'}",
    ]
    if contract.checks or contract.notices:
        lines.append(f"  conditions  {len(contract.checks)} checks, {len(contract.notices)} notices")
    if held is None:
        lines.append(f"  examples    {len(contract.examples)}, not settled")
    elif held:
        lines.append(f"  examples    {held} settled, {'it holds' if held == 1 else 'all hold'}")
    else:
        lines.append("  examples    none: add one, it is the contract's test")
    lines.append(f"  text        {contract.signed_hash[:16]} (signed)  {contract.meaning_hash[:16]} (meaning)")
    lines.append("The contract is well formed.")
    return lines
