"""DuckDB, Python whole numbers and the exact reference agree: drafts, library, thousands of made-up contracts."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.engine import Inputs, Settlement, read_inputs, settle
from accord.language import check
from accord.language.contract import Contract
from accord.language.problem import DataRefused, SettlementStopped
from tests.engine.generated import Maker

DRAFTS = Path(__file__).parents[1] / "drafts"
LIBRARY = Path(__file__).parents[2] / "src/accord/library/contracts"
ENGINES: tuple[Literal["reference", "integers", "duckdb"], ...] = ("reference", "integers", "duckdb")
FEW = 90
MANY = 4000 if os.environ.get("ACCORD_LONG") else 1500


def outcome(
    contract: Contract, inputs: Inputs, engine: Any, threads: int | None = None
) -> Settlement | SettlementStopped:
    """What an engine makes of a contract, or why it stops."""
    try:
        return settle(contract, inputs, engine, threads=threads)
    except SettlementStopped as stopped:
        return stopped


def rows(table: pa.Table) -> list[tuple[str, ...]]:
    """The rows of a table in an order of their own, places aside."""
    return sorted(tuple(str(value) for value in row.values()) for row in table.to_pylist())


def compare(contract: Contract, inputs: Inputs, threads: int | None = None) -> None:
    """Assert that every engine gives the same values, payments and notices, or that all stop."""
    first = outcome(contract, inputs, "reference")
    for engine in ("integers", "duckdb"):
        other = outcome(contract, inputs, engine, threads)
        if isinstance(first, SettlementStopped):
            assert isinstance(other, SettlementStopped), f"{engine} goes on, the reference stops: {first}"
            continue
        assert isinstance(other, Settlement), f"{engine} stops: {other}"
        for name in contract.quantities:
            for world in inputs.worlds:
                ours, theirs = other.values(name, world), first.values(name, world)
                differ = {
                    row: (ours.get(row), theirs.get(row))
                    for row in {*ours, *theirs}
                    if ours.get(row) != theirs.get(row)
                }
                assert ours.keys() == theirs.keys() and not differ, f"{engine}: {name} in world {world}: {differ}"
        assert rows(other.payments) == rows(first.payments), engine
        assert rows(other.notices) == rows(first.notices), engine


def sources(folder: Path) -> dict[str, Path]:
    """The inputs in a folder."""
    return {file.stem: file for file in sorted(folder.glob("*.csv"))}


@pytest.mark.parametrize("name", sorted(folder.name for folder in DRAFTS.iterdir() if folder.is_dir()))
@pytest.mark.parametrize("threads", [1, 2])
def test_the_engines_agree_on_every_draft(name: str, threads: int) -> None:
    contract = check(DRAFTS / name / "contract.yaml")
    compare(contract, read_inputs(contract, sources(DRAFTS / name / "data")), threads)


@pytest.mark.parametrize("name", sorted(folder.name for folder in DRAFTS.iterdir() if folder.is_dir()))
def test_the_engines_agree_on_every_draft_in_several_worlds(name: str) -> None:
    contract = check(DRAFTS / name / "contract.yaml")
    real = read_inputs(contract, sources(DRAFTS / name / "data"))
    first = next(iter(contract.inputs), None)
    if first is None:
        pytest.skip("this draft has no inputs")
    data = real.tables[first].data
    worlds = pa.concat_tables(
        [data.append_column("world", pa.array([world] * data.num_rows, pa.int32())) for world in (0, 2, 5)]
    )
    tables = {**real.tables, first: type(real.tables[first])(first, worlds, real.tables[first].places, True)}
    inputs = Inputs(tables, real.first, real.last, real.periods, (0, 2, 5), real.known_on, real.what_ifs)
    compare(contract, inputs)


def library() -> list[tuple[Path, int]]:
    """Every worked example of the library."""
    found: list[tuple[Path, int]] = []
    for folder in sorted(LIBRARY.iterdir()) if LIBRARY.exists() else ():
        if (folder / "contract.yaml").exists():
            found.append((folder, 0))
    return found


@pytest.mark.parametrize("folder", [folder for folder, _ in library()], ids=lambda folder: folder.name)
def test_the_engines_agree_on_every_worked_example_of_the_library(folder: Path) -> None:
    contract = check(folder / "contract.yaml")
    for example in contract.examples:
        compare(contract, read_inputs(contract, dict(example.given)))


def made(seed: int) -> tuple[Contract, Inputs] | None:
    """A contract and inputs made up from a seed."""
    chance = Random(seed)
    maker = Maker(chance)
    contract = maker.contract()
    assert contract is not None, maker.refusal
    given = maker.inputs()
    what_ifs: dict[str, Any] = {}
    worlds = chance.choice((1, 1, 3))
    if worlds > 1:
        for name in chance.sample(sorted(given), chance.choice((0, 1, 2))):
            given[name] = varied(given[name], worlds, chance)
        if chance.random() < 0.5:
            what_ifs["rate"] = {1: "55"}
        if chance.random() < 0.3:
            what_ifs["fixed.own"] = {2: "7.77"}
    try:
        return contract, read_inputs(contract, tables(contract, given), what_ifs=what_ifs)
    except DataRefused:
        return None


def varied(rows: Sequence[Mapping[str, object]], worlds: int, chance: Random) -> list[dict[str, object]]:
    """The same rows in several worlds, their numbers shuffled among the rows."""
    found: list[dict[str, object]] = []
    for world in range(worlds):
        order = list(rows)
        chance.shuffle(order)
        numbers = {"amount", "seen", "share", "extra", "pool", "grant", "late"}
        for row, other in zip(rows, order, strict=True):
            if {"late", "grant"} & row.keys() and chance.random() < 0.1:
                continue  # a row of some worlds only
            found.append({**row, **{name: other[name] for name in row if name in numbers}, "world": world})
    return found


def tables(contract: Contract, given: Mapping[str, Sequence[Mapping[str, object]]]) -> dict[str, Any]:
    """Rows as inputs; no rows at all as a table with columns."""
    found: dict[str, Any] = {}
    for name, listed in given.items():
        table = contract.tables[name]
        names = [*table.keys, *(column.name for column in table.columns)]
        found[name] = listed or pa.table({column: pa.array([], pa.string()) for column in names})
    return found


def agree(seed: int) -> None:
    """The engines agree on what a seed makes."""
    found = made(seed)
    if found is not None:
        compare(*found, threads=1 + seed % 2)


@settings(max_examples=FEW, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**40))
def test_the_engines_agree_on_contracts_made_up_backwards(seed: int) -> None:
    agree(seed)


@pytest.mark.long
@settings(max_examples=MANY, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**40))
def test_the_engines_agree_on_thousands_of_contracts_made_up_backwards(seed: int) -> None:
    agree(seed)
