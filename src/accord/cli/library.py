"""``accord library``: the contracts that come with Accord."""

from __future__ import annotations

from accord.cli.options import JsonOption


def library(as_json: JsonOption = False) -> None:
    """List the contracts that come with Accord.

    Any name in the list can stand where a command wants a CONTRACT.
    """
    from accord.cli.terminal import say, say_json, table
    from accord.settlement.catalogue import published

    found = published()
    if as_json:
        say_json(
            [
                {
                    "name": one.name,
                    "title": one.title,
                    "authority": one.authority,
                    "term": one.term,
                    "file": str(one.file),
                    "sample": str(one.sample) if one.sample else None,
                    "readings": list(one.readings),
                }
                for one in found
            ]
        )
        return
    rows = [
        (one.name, one.title, "yes" if one.sample else "", f"{len(one.readings)}" if one.readings else "")
        for one in found
    ]
    say(table(("name", "title", "sample data", "readings"), rows))
    say()
    say("accord show NAME prints one; a reading says how an official results file is compared (accord verify).")
