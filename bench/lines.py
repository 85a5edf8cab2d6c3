"""How the parts of the bench print: what, the figure, and its target beside it."""

from __future__ import annotations


def line(what: str, measured: str, target: str = "") -> None:
    """One line of the report."""
    print(f"  {what:<58} {measured:>18}   {target}".rstrip(), flush=True)
