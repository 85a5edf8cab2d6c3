"""Accord: integrated-care contracts as text, checked before they are signed, settled to the penny, explained.

Everything the command line does is a call here; ``docs/python.md`` shows each of them. Nothing heavy is imported before
it is used, so ``import accord`` takes no time.

>>> contract = accord.check("payment-scheme")               # a library name, a file or a folder
>>> settlement = accord.settle(contract, "data/")           # nothing is written
>>> run = accord.run(contract, "data/", out="runs")         # the same, kept in a content-addressed folder
>>> print(accord.explain(run, "variation", provider="RXX").text())
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accord.language.contract import Contract
    from accord.language.problem import AccordError, ContractRefused, DataRefused, Problem, SettlementStopped
    from accord.measures.calls import feed, measure
    from accord.place.calls import simulate
    from accord.record.calls import roster
    from accord.record.keeping import audit, extract, load
    from accord.settlement.calls import (
        check,
        contracts,
        diff,
        explain,
        new,
        rerun,
        run,
        schedule,
        schema,
        settle,
        show,
        verify,
    )
    from accord.settlement.run import Run
    from accord.simulation.calibrating import calibrate
    from accord.simulation.validation.calls import validate

__version__ = "0.1.0"

_FROM = {
    "Contract": "accord.language.contract",
    "AccordError": "accord.language.problem",
    "ContractRefused": "accord.language.problem",
    "DataRefused": "accord.language.problem",
    "Problem": "accord.language.problem",
    "SettlementStopped": "accord.language.problem",
    "Run": "accord.settlement.run",
    "audit": "accord.record.keeping",
    "calibrate": "accord.simulation.calibrating",
    "check": "accord.settlement.calls",
    "contracts": "accord.settlement.calls",
    "diff": "accord.settlement.calls",
    "explain": "accord.settlement.calls",
    "extract": "accord.record.keeping",
    "feed": "accord.measures.calls",
    "load": "accord.record.keeping",
    "measure": "accord.measures.calls",
    "new": "accord.settlement.calls",
    "rerun": "accord.settlement.calls",
    "roster": "accord.record.calls",
    "run": "accord.settlement.calls",
    "schedule": "accord.settlement.calls",
    "schema": "accord.settlement.calls",
    "settle": "accord.settlement.calls",
    "show": "accord.settlement.calls",
    "simulate": "accord.place.calls",
    "validate": "accord.simulation.validation.calls",
    "verify": "accord.settlement.calls",
}

__all__ = [  # noqa: RUF022 - grouped as in the docs
    "check",
    "settle",
    "run",
    "rerun",
    "explain",
    "diff",
    "verify",
    "show",
    "schedule",
    "new",
    "contracts",
    "schema",
    "load",
    "audit",
    "extract",
    "roster",
    "measure",
    "feed",
    "calibrate",
    "simulate",
    "validate",
    "Contract",
    "Run",
    "Problem",
    "AccordError",
    "ContractRefused",
    "DataRefused",
    "SettlementStopped",
]


def __getattr__(name: str) -> object:
    """Import what is asked for when it is asked for."""
    if name in _FROM:
        from importlib import import_module

        found = getattr(import_module(_FROM[name]), name)
        globals()[name] = found
        return found
    raise AttributeError(f"accord has no {name!r}; it has {', '.join(__all__)}")


def __dir__() -> list[str]:
    """The names there are."""
    return sorted([*__all__, "__version__"])
