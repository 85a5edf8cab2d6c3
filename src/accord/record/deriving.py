"""Deriving: the tables that are made from others (continuous spells, one practice a day), by portable SQL.

They are made when a generation is written, and when one is rebuilt as it was known on an earlier day: the same text,
so the same rows. A select of ``derived/`` whose name is no table of the record is made for the others and not kept.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from accord.record import definition
from accord.record.portable import Select, read_select
from accord.record.record import Record

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = Path(__file__).parent / "derived"
"""The folder of the selects."""


def derive(
    record: Record,
    before: Record | None = None,
    changed: Collection[str] | None = None,
    people: pa.Table | None = None,
    *,
    threads: int | None = None,
    memory: str | None = None,
) -> dict[str, str]:
    """Make all derived tables of a generation that is being written, in its folder.

    Args:
        record: the generation; its loaded tables are complete.
        before: the generation that it follows: derived tables whose sources did not change are linked from it.
        changed: the loaded tables that differ from ``before``; all of them if not said.
        people: the people (a column ``person``) with other rows than before in a loaded table that a derived table is
            made from; everybody if not said. What follows from a person's rows follows from no other's, so the rest is
            taken over.
        threads: how many threads DuckDB uses; all if not said.
        memory: how much memory DuckDB may use.

    Returns:
        For each select, a hash of the texts that its rows follow from: for the manifest.
    """
    from accord.record.engines.duckdb import DuckDBEngine, Making

    hashes = {name: _text_hash(name) for name in _texts()}
    made_before: Mapping[str, object] = {}
    if before and changed is not None:
        found = before.manifest.get("derived")
        made_before = found if isinstance(found, dict) else {}
    stale = {
        name
        for name in hashes
        if (made_before.get(name) != hashes[name] or _sources(name) & set(changed or ()))
        and any(record.files(source) for source in _sources(name))  # of nothing follows nothing
    }
    needed = {each for name in stale for each in (*_needs(name), name)}
    for name in hashes:
        if name in definition.NAMES and name not in stale and before:
            for file in before.files(name):
                (record.generation / name).mkdir(exist_ok=True)
                os.link(file, record.generation / name / file.name)
    if not needed:
        return hashes
    # a select that is another than before makes other rows of everybody
    if not before or any(made_before.get(name) != hashes[name] for name in stale):
        people = None
    followed = {each for name in needed for each in _needs(name)}
    others = {name: before.files(name) for name in stale & {*definition.NAMES}} if before and people is not None else {}
    making = Making(record.generation, people, tuple(file for files in others.values() for file in files))
    with DuckDBEngine(record, threads, memory, making) as engine:
        for name in hashes:
            if name not in needed:
                continue
            select = _select(name)
            if name in followed:
                engine.make(name, select)
            if name in stale and name in definition.NAMES:
                (record.generation / name).mkdir()
                kept = select
                if name in followed:
                    listed = ", ".join(select.columns)
                    kept = read_select(f"select {listed} from {name}", f"{name}.sql", {name: select.kinds})
                file = record.generation / name / "part-000000.parquet"
                engine.write(kept, definition.table(name), file, others.get(name, ()))
    return hashes


def followed_tables() -> frozenset[str]:
    """The loaded tables that derived tables follow from."""
    return frozenset(each for name in _texts() for each in _sources(name))


def followed(name: str) -> Mapping[str, Select]:
    """The selects that a derived table follows from, in order, itself last: for records that do not store it."""
    needed = {*_needs(name), name}
    return {each: _select(each) for each in _texts() if each in needed}


@cache
def _texts() -> Mapping[str, str]:
    """The texts of the selects, in an order in which each follows those that it reads."""
    texts = {path.stem: path.read_text("utf-8") for path in sorted(FOLDER.glob("*.sql"))}
    ready: dict[str, str] = {}
    while len(ready) < len(texts):
        before = len(ready)
        for name, text in texts.items():
            if name not in ready and _reads(text) & texts.keys() - {name} <= ready.keys():
                ready[name] = text
        if len(ready) == before:
            raise AssertionError(f"derived tables that read each other: {sorted(texts.keys() - ready.keys())}")
    return ready


def _reads(text: str) -> set[str]:
    """What stands where a table does in a select: tables, and its own common table expressions.

    A load asks this of every select, and mostly needs no more: parsing them takes longer than a small load.
    """
    return set(re.findall(r"\b(?:from|join)\s+(\w+)", re.sub(r"--[^\n]*", "", text), re.IGNORECASE))


@cache
def _select(name: str) -> Select:
    """A select, read and checked."""
    return read_select(_texts()[name], f"{name}.sql", {each: _select(each).kinds for each in _needs(name)})


@cache
def _needs(name: str) -> frozenset[str]:
    """The other selects that one reads, and those that these read."""
    direct = (_reads(_texts()[name]) & _texts().keys()) - {name}
    return frozenset(direct).union(*map(_needs, direct))


@cache
def _sources(name: str) -> frozenset[str]:
    """The loaded tables that a select follows from."""
    read = {table for each in (name, *_needs(name)) for table in _reads(_texts()[each])}
    return frozenset(read & {*definition.NAMES} - _texts().keys())


def _text_hash(name: str) -> str:
    texts = [_texts()[each] for each in sorted({name, *_needs(name)})]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()
