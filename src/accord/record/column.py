"""Columns of a few values as Arrow arrays, made from buffers.

``pyarrow.array`` looks whether what it is given is of pandas, and imports pandas to find out where that is installed,
which takes longer than many a measure. The small tables that are bound to an engine need none of it.
"""

from __future__ import annotations

import datetime as dt
from array import array
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pyarrow as pa

ColumnType = Literal["whole", "text", "day"]
EPOCH = dt.date(1970, 1, 1).toordinal()


def column(values: Sequence[object], kind: ColumnType) -> pa.Array:
    """An array of whole numbers (int64), texts (string) or days (date32); None is missing."""
    import pyarrow as pa

    missing = sum(value is None for value in values)
    valid = pa.py_buffer(_bits([value is not None for value in values])) if missing else None
    if kind == "text":
        encoded = [b"" if value is None else str(value).encode() for value in values]
        offsets = array("i", [0])
        for each in encoded:
            offsets.append(offsets[-1] + len(each))
        buffers = [valid, pa.py_buffer(offsets.tobytes()), pa.py_buffer(b"".join(encoded))]
        return pa.Array.from_buffers(pa.string(), len(values), buffers, missing)
    if kind == "day":
        days = array("i", [0 if value is None else value.toordinal() - EPOCH for value in values])  # type: ignore[attr-defined]
        return pa.Array.from_buffers(pa.date32(), len(values), [valid, pa.py_buffer(days.tobytes())], missing)
    whole = array("q", [0 if value is None else value for value in values])  # type: ignore[misc]
    return pa.Array.from_buffers(pa.int64(), len(values), [valid, pa.py_buffer(whole.tobytes())], missing)


def table(columns: Mapping[str, tuple[ColumnType, Sequence[object]]]) -> pa.Table:
    """A table of such columns, by name."""
    import pyarrow as pa

    return pa.table({name: column(values, kind) for name, (kind, values) in columns.items()})


def _bits(flags: Sequence[bool]) -> bytes:
    """Flags as a bitmap, the first in the lowest bit."""
    out = bytearray((len(flags) + 7) // 8)
    for number, flag in enumerate(flags):
        if flag:
            out[number // 8] |= 1 << number % 8
    return bytes(out)
