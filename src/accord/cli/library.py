"""``accord library``: the contracts that come with Accord, and what is known of their figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import JsonOption

if TYPE_CHECKING:
    from accord.settlement.catalogue import Published
    from accord.settlement.sourcing import Sourcing


def library(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="List the sources of this one (or of a contract file).", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """List the contracts that come with Accord, and how many figures of each are verified; or one contract's sources.

    Any name in the list can stand where a command wants a CONTRACT. Counted are the dated figures, the tables, and the
    roundings and formulas that the law leaves open; a figure without a status is unverified.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json
    from accord.language.problem import ContractRefused
    from accord.settlement.calls import check
    from accord.settlement.catalogue import published
    from accord.settlement.sourcing import sourcing_of

    if name is not None:
        one = sourcing_of(check(name))
        if as_json:
            say_json({"contract": one.contract.name, "title": one.contract.title, **one.as_json()})
        else:
            for line in sources(one):
                say(line)
        return
    found = published()
    with progress(len(found)) as work:
        counted: list[tuple[Published, Sourcing | None]] = []
        for contract in found:
            work.step(f"reading {contract.name}")
            try:
                counted.append((contract, sourcing_of(check(contract.file))))
            except ContractRefused:  # somebody is at work on it: the others can be used all the same
                counted.append((contract, None))
    if as_json:
        say_json([_as_json(contract, sourcing) for contract, sourcing in counted])
    else:
        for line in report(counted):
            say(line)


def _as_json(one: Published, sourcing: Sourcing | None) -> dict[str, object]:
    counts = sourcing.as_json() if sourcing is not None else {"refused": True}
    counts.pop("sources", None)  # of one contract, accord library NAME lists them
    return {
        "name": one.name,
        "title": one.title,
        "authority": one.authority,
        "term": one.term,
        "file": str(one.file),
        "sample": str(one.sample) if one.sample else None,
        "readings": list(one.readings),
        **counts,
    }


def report(counted: list[tuple[Published, Sourcing | None]]) -> list[str]:
    """The list of contracts, for the terminal."""
    from textwrap import shorten

    from accord.cli.terminal import table
    from accord.settlement.sourcing import STATUSES

    rows = [
        (
            one.name,
            shorten(one.title, 60, placeholder=" …"),
            "yes" if one.sample else "",
            f"{len(one.readings)}" if one.readings else "",
            *(str(sourcing.statuses[status] or "") if sourcing else "" for status in STATUSES),
            str(len(sourcing.bare) or "") if sourcing else "refused",
        )
        for one, sourcing in counted
    ]
    heads = ("name", "title", "sample", "readings", *STATUSES, "no source")
    return [
        table(heads, rows, right=range(3, len(heads))),
        "",
        "Counted are dated figures, tables, and roundings and formulas that the law leaves open.",
        "accord library NAME lists where each comes from; accord show NAME prints the contract; a reading says how",
        "published files become its inputs (accord prepare) or are compared with it (accord verify).",
    ]


def sources(one: Sourcing) -> list[str]:
    """The sources of a contract, for the terminal: what rests on each, and what is known of that."""
    from collections import Counter

    from accord.cli.terminal import table
    from accord.settlement.sourcing import KINDS, STATUSES
    from accord.settlement.wording import listed

    lines = [f"{one.contract.name}: {one.contract.title}", ""]
    counts = [
        (words, *(str(one.counts[kind][status] or "") for status in STATUSES))
        for kind, words in KINDS.items()
        if any(one.counts[kind].values())
    ]
    if not counts:
        return [*lines, "Nothing in this contract has a source: it has no figures, tables or open roundings."]
    lines += [table(("of", *STATUSES), counts, right=range(1, 1 + len(STATUSES)), indent=2), ""]
    for authority, some in one.authorities:
        known = Counter(item.status for item in some)
        told = listed(f"{known[status]} {status}" for status in STATUSES if known[status])
        named = Counter(item.name for item in some)
        of = ", ".join(f"{name} ({count})" if count > 1 else name for name, count in named.items())
        lines += [authority or "no source", f"    {told}: {of}"]
    return lines
