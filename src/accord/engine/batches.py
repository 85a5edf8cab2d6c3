"""Many worlds, some at a time: nothing crosses worlds, so they can be settled in batches that memory holds with ease.

Lives here: how worlds are divided, the inputs of a batch, and the results of all batches put together again.
"""

# pyarrow has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from accord.engine.expressions import WORLD
from accord.engine.inputs import Inputs, LoadedTable
from accord.engine.settling import ResultTable

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 2_000_000
"""About so many rows of the largest input are settled together: more take more memory, and longer to sort."""


def batches(inputs: Inputs) -> list[Inputs]:
    """The inputs of each batch of worlds, in order; the inputs themselves where they are one batch."""
    worlds = inputs.worlds
    rows = max((table.data.num_rows for table in inputs.tables.values() if table.has_worlds), default=0)
    count = min(-(-rows // ROWS_AT_ONCE), len(worlds) // 2)  # of two worlds at least: one alone has no world to join on
    if count < 2 or list(worlds) != sorted(worlds):
        return [inputs]
    ends = [len(worlds) * number // count for number in range(count + 1)]
    chosen = [worlds[first:last] for first, last in pairwise(ends)]
    divided = {name: _divided(table, chosen) for name, table in inputs.tables.items() if table.has_worlds}
    return [
        replace(
            inputs,
            worlds=some,
            tables={name: divided[name][number] if name in divided else table for name, table in inputs.tables.items()},
        )
        for number, some in enumerate(chosen)
    ]


def _divided(table: LoadedTable, chosen: Sequence[Sequence[int]]) -> list[LoadedTable]:
    """The rows of each batch of worlds: slices where the rows stand in the order of their worlds."""
    import pyarrow as pa
    import pyarrow.compute as pc

    world = table.data.column(WORLD)
    count = len(world)
    in_order = count < 2 or pc.all(pc.less_equal(world.slice(0, count - 1), world.slice(1))).as_py()
    parts: list[pa.Table] = []
    if in_order:
        sizes = {one["values"]: one["counts"] for one in pc.value_counts(world).to_pylist()}
        start = 0
        for worlds in chosen:
            length = sum(sizes.get(number, 0) for number in worlds)
            parts.append(table.data.slice(start, length))
            start += length
    else:
        parts = [table.data.filter(pc.is_in(world, value_set=pa.array(worlds, world.type))) for worlds in chosen]
    return [replace(table, data=part) for part in parts]


def together(results: Sequence[Mapping[str, ResultTable]]) -> dict[str, ResultTable]:
    """The results of all batches as those of one run. Raises ValueError if they cannot be: places differ."""
    import pyarrow as pa

    first = results[0]
    made: dict[str, ResultTable] = {}
    for frame, table in first.items():
        parts = [one[frame] for one in results]
        if any(part.places != table.places for part in parts):
            raise ValueError(frame)
        kinds = {
            name: _widest([part.data.schema.field(name).type for part in parts]) for name in table.data.column_names
        }
        data = pa.concat_tables([_as_kinds(part.data, kinds) for part in parts])
        made[frame] = replace(table, data=data)
    return made


def _widest(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """The type that holds whole numbers of all these types: int64, else decimal, else digits as text."""
    import pyarrow as pa

    if any(pa.types.is_string(kind) for kind in kinds):
        return pa.string()
    return next((kind for kind in kinds if pa.types.is_decimal(kind)), kinds[0])


def _as_kinds(data: pa.Table, kinds: Mapping[str, pa.DataType]) -> pa.Table:
    for number, (name, kind) in enumerate(kinds.items()):
        if data.schema.field(name).type != kind:
            data = data.set_column(number, name, data.column(name).cast(kind))
    return data
