"""The roster as Python calls: what ``accord roster`` does, without a terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from accord.record.attribution import attribute
from accord.record.attribution import candidates as all_candidates
from accord.record.engines import EngineKind, open_engine
from accord.record.paying import Paid, payers
from accord.record.record import open_record
from accord.record.roster import Flow, Roster, Who, flows, periods
from accord.record.roster import roster as counted

if TYPE_CHECKING:
    import pyarrow as pa


def no_step(name: str) -> None:
    """Say nothing."""


def roster(
    record: Path | str,
    *,
    first: dt.date,
    until: dt.date,
    every: str = "whole",
    who: Who = "registered",
    by: str = "all",
    method: str = "mssp",
    level: str = "network",
    back: int = 0,
    engine: EngineKind = "duckdb",
    threads: int | None = None,
    memory: str | None = None,
    on_step: Callable[[str], None] = no_step,
) -> Roster:
    """Who is in the population: people and person-days by organisation and period. Exact: stay inside the boundary.

    Args:
        record: the folder of a record.
        first: the first day that counts.
        until: the first day that no longer counts.
        every: ``month``, ``quarter``, ``financial year``, ``year`` or ``whole``.
        who: ``registered``, ``resident`` or ``attributed``.
        by: ``practice``, ``network``, ``neighbourhood``, ``board``, ``council``, ``area``, ``organisation`` or ``all``.
        method: how people are attributed; see ``record/attribution.yaml``.
        level: the kind of organisation that people are attributed to.
        back: so many months before the window are looked at to attribute, instead of the window itself.
        engine: ``duckdb`` or ``spark``.
        threads: how many the engine uses; all of them if not said.
        memory: how much it uses, such as ``8GB``.
        on_step: told what is done next.

    Raises:
        RosterMisused: the population cannot be counted so.
        DataRefused: there is no record, or its roster contradicts itself.
    """
    when = periods(first, until, every)
    with open_engine(open_record(record), engine, threads=threads, memory=memory) as opened:
        if who == "attributed":
            on_step("attributing people")
            attribute(opened, first, until, method=method, level=level, back=back)
        on_step(f"counting the {who} population")
        return counted(opened, when, who, by)


def across(
    record: Path | str,
    *,
    first: dt.date,
    until: dt.date,
    every: str = "whole",
    of: Literal["board", "council"] = "board",
    engine: EngineKind = "duckdb",
    threads: int | None = None,
    memory: str | None = None,
) -> tuple[Flow, ...]:
    """The registered practice's board against the board (or council) of residence. Exact: stay inside the boundary.

    Raises:
        RosterMisused: there are no such periods.
        DataRefused: there is no record, or its roster contradicts itself.
    """
    when = periods(first, until, every)
    with open_engine(open_record(record), engine, threads=threads, memory=memory) as opened:
        return flows(opened, when, of)


def who_pays(
    record: Path | str,
    *,
    first: dt.date,
    until: dt.date,
    engine: EngineKind = "duckdb",
    threads: int | None = None,
    memory: str | None = None,
) -> tuple[Paid, ...]:
    """Which board or council pays for what happened in a window. Exact: stay inside the boundary.

    Raises:
        RosterMisused: there is no day.
        DataRefused: there is no record, or its roster contradicts itself.
    """
    with open_engine(open_record(record), engine, threads=threads, memory=memory) as opened:
        return payers(opened, first, until)


def candidates(
    record: Path | str,
    *,
    first: dt.date,
    until: dt.date,
    method: str = "mssp",
    level: str = "network",
    back: int = 0,
    engine: EngineKind = "duckdb",
    threads: int | None = None,
    memory: str | None = None,
) -> pa.Table:
    """Every candidate of an attribution, with its rank and why it lost: one row a person, organisation and step.

    It names people by their pseudonyms: stay inside the boundary.

    Raises:
        RosterMisused: there is no such method.
        DataRefused: there is no record, or its organisations contradict each other.
    """
    with open_engine(open_record(record), engine, threads=threads, memory=memory) as opened:
        attribute(opened, first, until, method=method, level=level, back=back)
        return all_candidates(opened)


def as_table(rows: tuple[Flow, ...] | tuple[Paid, ...]) -> pa.Table:
    """Flows, or what payers pay, as a table."""
    import pyarrow as pa

    return pa.Table.from_pylist([row.as_json() for row in rows])
