"""Kept: what was drawn and settled, as tables for analysts; and batches of them put together."""

# pyarrow and duckdb have no types of their own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from accord.place.stage import Stage
from accord.simulation.counted import Counted
from accord.simulation.people import FIFTHS, SEXES
from accord.simulation.results import AGE_GROUPS, RESULTS
from accord.simulation.worlds import Settled

if TYPE_CHECKING:
    import pyarrow as pa


COUNTED = tuple(name for name in RESULTS if name != "months")
"""What activity is told in, besides person-months."""


def activity_table(made: Stage, counted: Counted, names: Sequence[str]) -> pa.Table:
    """Results by draw, scenario, year and practice; costs are pence at the prices of the year."""
    import pyarrow as pa

    worlds, practices, years = counted.complex.shape
    world, practice, year = (place.ravel() for place in np.indices((worlds, practices, years)))
    columns: dict[str, Any] = {
        "draw": pa.array(counted.draws[world].astype(np.int32)),
        "scenario": pa.array(names, pa.string()).take(pa.array(world % len(names))),
        "year": pa.array(year.astype(np.int32)),
        "practice": pa.array([one.code for one in made.practices], pa.string()).take(pa.array(practice)),
        "people": pa.array(counted.lists.sum(axis=(3, 4)).ravel()),
        "complex": pa.array(counted.complex.ravel()),
        "months": pa.array(counted.result("months").ravel()),
    }
    fifths = counted.lists.reshape(worlds, practices, years, 2, FIFTHS, -1).sum(axis=(3, 5))
    for fifth in range(FIFTHS):
        columns[f"people_{fifth + 1}"] = pa.array(fifths[..., fifth].ravel())
    for name in COUNTED:
        columns[name] = pa.array(counted.result(name).ravel())
    for name in ("chronic", "emergency_cost", "elective_cost"):
        columns[f"expected_{name}"] = pa.array(counted.expectation(name).ravel())
    return pa.table(columns)


def people_table(made: Stage, counted: Counted, names: Sequence[str]) -> pa.Table:
    """Results of the whole place by draw, scenario, year, age group, sex and deprivation fifth.

    The same counts as in :func:`activity_table`, so that both come to the same totals. Frequent contacts are drawn for
    practices, and groups have their share of these by exposure.
    """
    import pyarrow as pa

    worlds, _, years, groups, _ = counted.counts.shape
    world, year, group = (place.ravel() for place in np.indices((worlds, years, groups)))
    cell = group % (2 * FIFTHS)
    ages = [f"{a}-{b}" if b < 100 else f"{a}+" for a, b in AGE_GROUPS]
    columns: dict[str, Any] = {
        "draw": pa.array(counted.draws[world].astype(np.int32)),
        "scenario": pa.array(names, pa.string()).take(pa.array(world % len(names))),
        "year": pa.array(year.astype(np.int32)),
        "ages": pa.array(ages, pa.string()).take(pa.array(group // (2 * FIFTHS))),
        "sex": pa.array(SEXES, pa.string()).take(pa.array(cell // FIFTHS)),
        "fifth": pa.array((cell % FIFTHS + 1).astype(np.int32)),
    }
    for name in RESULTS:
        columns[name] = pa.array(counted.by_group(name).ravel())
    return pa.table(columns)


def money_table(settled: Settled, counted: Counted, names: Sequence[str]) -> pa.Table:
    """Money by draw, scenario, year, contract, stream, party and member, whole pence."""
    import pyarrow as pa

    world = settled.money.column("world").to_numpy()
    kept = settled.money.drop_columns(["world"])
    draws = pa.array(counted.draws[world].astype(np.int32))
    scenario = pa.array(names, pa.string()).take(pa.array(world % len(names)))
    return kept.add_column(0, "scenario", scenario).add_column(0, "draw", draws)


def together(folder: Path, parts: Sequence[Path]) -> None:
    """Put the tables of several batches together."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for name in ("activity", "people", "money"):
        whole = pa.concat_tables([pq.read_table(part / f"{name}.parquet") for part in parts])
        temporary = folder / f".{name}.tmp"
        pq.write_table(whole, temporary)
        temporary.replace(folder / f"{name}.parquet")
