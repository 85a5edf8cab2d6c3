"""The engine room: a contract and tables in, every quantity out.

Lives here: reading inputs exactly, one plan for a contract, exact integers in DuckDB and in Python, the exact
reference, payments and notices as rows, and the explanation of one number. Does not: the text of contracts, files of
a run, statements, anything about people.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accord.engine.explanation import Explanation, NotTaken, explain
    from accord.engine.inputs import Inputs, LoadedTable, read_inputs
    from accord.engine.reference import Reference
    from accord.engine.settling import ResultTable, Settlement, settle

__all__ = [
    "Explanation",
    "Inputs",
    "LoadedTable",
    "NotTaken",
    "Reference",
    "ResultTable",
    "Settlement",
    "explain",
    "read_inputs",
    "settle",
]

_HOMES = {
    "Explanation": "explanation",
    "Inputs": "inputs",
    "LoadedTable": "inputs",
    "NotTaken": "explanation",
    "Reference": "reference",
    "ResultTable": "settling",
    "Settlement": "settling",
    "explain": "explanation",
    "read_inputs": "inputs",
    "settle": "settling",
}


def __getattr__(name: str) -> Any:
    """The public names, loaded when they are first asked for: start-up stays short."""
    if name not in _HOMES:
        raise AttributeError(f"module accord.engine has no attribute {name}")
    from importlib import import_module

    return getattr(import_module(f"accord.engine.{_HOMES[name]}"), name)
