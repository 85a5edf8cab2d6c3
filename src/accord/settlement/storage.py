"""How typed tables are kept in Parquet: numbers as exact decimals, written as data writes them (percent times 100).

What was read can be read again: a stored input goes in through the same door as the file it came from. An unrounded
quotient is kept as its two whole numbers, beside a decimal that is only there to be looked at.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.engine import Inputs, Settlement
    from accord.language.contract import Contract

GROUP = 1 << 16
"""Rows that Parquet keeps together: who asks for one row reads these, who asks for all reads hardly more bytes."""

READABLE_PLACES = 9
"""Decimal places of the readable column beside a quotient."""


def decimals(column: pa.ChunkedArray, places: int, percent: bool) -> pa.ChunkedArray:
    """Whole numbers of 10**-places as decimals, times 100 where percent is written. Texts of digits become texts."""
    import pyarrow as pa

    if percent:
        places -= 2
    if pa.types.is_string(column.type):
        return pa.chunked_array([pa.array([placed(digits, places) for digits in column.to_pylist()], pa.string())])
    wide = column.cast(pa.decimal128(38, 0))
    if places < 0:
        # Arrow wants room for both factors: 34 + 3 + 1 digits
        grown = [None if value is None else value * 10**-places for value in wide.to_pylist()]
        wide, places = pa.chunked_array([pa.array(grown, pa.decimal128(38, 0))]), 0
    if places > 38:
        return pa.chunked_array([pa.array([placed(str(v), places) for v in wide.to_pylist()], pa.string())])
    kind = pa.decimal128(38, places)
    chunks = [pa.Array.from_buffers(kind, len(chunk), chunk.buffers(), offset=chunk.offset) for chunk in wide.chunks]
    return pa.chunked_array(chunks, kind)


def placed(digits: str | None, places: int) -> str | None:
    """A whole number of 10**-places, written in digits, with its decimal point."""
    if digits is None or digits == "None":
        return None
    if places <= 0:
        return digits + "0" * -places
    sign, digits = ("-", digits[1:]) if digits.startswith("-") else ("", digits)
    digits = digits.rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def readable(numerators: pa.ChunkedArray, denominators: pa.ChunkedArray, percent: bool) -> pa.ChunkedArray:
    """Quotients to a few places, for the eye only: the exact value is in the two columns beside it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    n, d = (_floats(part) for part in (numerators, denominators))
    value = pc.multiply(pc.divide(n, d), 100.0) if percent else pc.divide(n, d)
    small = pc.less(pc.abs(value), 1e18)
    return pc.round(pc.if_else(small, value, None), READABLE_PLACES).cast(pa.decimal128(38, READABLE_PLACES))


def _floats(column: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa

    if pa.types.is_string(column.type):
        return pa.chunked_array([pa.array([None if v is None else float(int(v)) for v in column.to_pylist()])])
    return column.cast(pa.float64(), safe=False)


def stored(
    data: pa.Table, keys: Sequence[str], places: Mapping[str, int], percents: Collection[str], worlds: bool
) -> pa.Table:
    """A typed table in the form in which it is kept: sorted by its keys, the world only where there are several."""
    import pyarrow as pa

    order = [(name, "ascending") for name in ([*keys, "world"] if "world" in data.column_names else keys)]
    if order and data.num_rows > 1:
        data = data.sort_by(order)
    columns: dict[str, pa.ChunkedArray] = {}
    for name in data.column_names:
        column = data.column(name)
        if name == "world":
            if worlds:
                columns[name] = column
        elif name.endswith(":n"):
            quotient = name[:-2]
            below = data.column(f"{quotient}:d")
            columns[quotient] = readable(column, below, quotient in percents)
            columns[f"{quotient}:n"], columns[f"{quotient}:d"] = column.cast(pa.string()), below.cast(pa.string())
        elif name.endswith(":d"):
            continue
        elif name in places:
            columns[name] = decimals(column, places[name], name in percents)
        else:
            columns[name] = column
    return pa.table(columns).combine_chunks()


def input_of(inputs: Inputs, contract: Contract, name: str) -> pa.Table:
    """An input as it is kept."""
    held = inputs.tables[name]
    percents = {column.name for column in contract.tables[name].columns if column.written and column.written.percent}
    return stored(held.data, contract.tables[name].keys, held.places, percents, held.has_worlds)


def results_of(settlement: Settlement, keys: tuple[str, ...]) -> pa.Table:
    """The quantities with these keys as they are kept."""
    result, quantities = settlement.tables[keys], settlement.contract.quantities.values()
    percents = {quantity.name for quantity in quantities if quantity.written and quantity.written.percent}
    return stored(result.data, keys, result.places, percents, settlement.inputs.worlds != (0,))


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write a table with fixed settings, so that the same rows are the same bytes."""
    import pyarrow.parquet as pq

    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=3,
        version="2.6",
        data_page_version="1.0",
        row_group_size=GROUP,
        use_dictionary=[  # pyright: ignore[reportArgumentType]
            name for name in table.column_names if str(table.schema.field(name).type) == "string"
        ],
        write_statistics=True,
        store_schema=True,
    )


def read_parquet(path: Path) -> pa.Table:
    """A stored table, whole. (``read_table`` is made for folders of files, and loads pandas for it.)"""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read()


def write_file(path: Path, content: str | bytes) -> None:
    """Write a file that somebody asked for; one that could be written only in part is taken away again."""
    with path.open("wb") as file:
        try:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
        except OSError:
            if path.is_file():  # and no terminal, pipe or device
                path.unlink()
            raise


def content_hash(table: pa.Table) -> str:
    """SHA-256 of what a stored table says, whatever the file it came from looked like."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table.combine_chunks())
    return hashlib.sha256(sink.getvalue()).hexdigest()


def file_hash(path: Path) -> str:
    """SHA-256 of the bytes of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
