"""Rows: the rows that an input has in every world, by its keys; columns laid out in their order, and made into tables.

The first world's rows are written as text, to be read and checked as any data is; all worlds' columns are then typed as
those of the first were.
"""

# pyarrow has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportArgumentType=false

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from accord.language.contract import Table

if TYPE_CHECKING:
    from accord.engine.inputs import LoadedTable

Whole = NDArray[np.int64]

OF_NOBODY = ("period", "sex", "age_group", "group", "part")
"""Kinds of axes that stand for no organisation."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One key of an input: what it stands for, its labels, and (for a period) the simulated year of each."""

    key: str
    kind: str
    labels: tuple[str, ...]
    years: Whole | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A column in every world, ``[worlds, rows]``: numbers with their decimal places, or places in a list of texts."""

    values: Whole
    places: int = 0
    texts: tuple[str, ...] = ()

    def some(self, worlds: Whole) -> Filled:
        """The column in some of the worlds."""
        return Filled(self.values[worlds], self.places, self.texts)


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of an input: every label of each axis with every one of the others."""

    axes: tuple[Axis, ...]

    def axis(self, kind: str) -> Axis | None:
        """The axis of a kind, if there is one."""
        return next((axis for axis in self.axes if axis.kind == kind), None)

    @property
    def organisation(self) -> Axis | None:
        """The axis that stands for organisations, if there is one."""
        return next((axis for axis in self.axes if axis.kind not in OF_NOBODY), None)

    @property
    def shape(self) -> tuple[int, ...]:
        """How many labels each axis has."""
        return tuple(len(axis.labels) for axis in self.axes)

    def labels(self) -> list[Whole]:
        """For each axis, which of its labels each row has."""
        return [place.ravel() for place in np.indices(self.shape)]

    def along(self, axis: Axis, values: Any) -> Any:
        """Values by label of one axis (the last dimension) for every row."""
        return values[..., self.labels()[self.axes.index(axis)]]

    def spread(self, values: Any, *more: str) -> Any:
        """Values ``[worlds, organisations, years, *more]`` as ``[worlds, rows]``.

        ``more`` are kinds of axes. What rows have no axis for is added up; of years, the first is taken.
        """
        if self.organisation is None:
            values = values.sum(axis=1, keepdims=True)
        period = self.axis("period")
        values = values[:, :, :1] if period is None else values[:, :, period.years]
        place = {"period": 2, **{kind: number for number, kind in enumerate(more, start=3)}}
        order = [0, *(place.get(axis.kind, 1) for axis in self.axes)]
        spare = [dimension for dimension in range(1, values.ndim) if dimension not in order]
        values = values.transpose([*order, *spare])
        return values.reshape(*values.shape[: len(order)], -1).sum(axis=-1).reshape(len(values), -1)


def first_world(
    table: Table, rows: Rows, kept: NDArray[np.bool_], columns: Mapping[str, Filled | str]
) -> list[dict[str, str]]:
    """The rows of the first world as they would be written, to be read and checked as any data is."""
    percents = {c.name for c in table.columns if c.written is not None and c.written.percent}
    labels = rows.labels()
    out: list[dict[str, str]] = []
    for row in np.flatnonzero(kept[0]):
        one = {axis.key: axis.labels[labels[number][row]] for number, axis in enumerate(rows.axes)}
        for name, column in columns.items():
            if isinstance(column, str):
                one[name] = column
            elif column.texts:
                one[name] = column.texts[column.values[0, row]]
            else:
                one[name] = _written(int(column.values[0, row]), column.places - (2 if name in percents else 0))
        out.append(one)
    return out


def _written(whole: int, places: int) -> str:
    if places <= 0:
        return str(whole * 10**-places)
    sign, digits = "-" if whole < 0 else "", str(abs(whole)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def every_world(
    first: LoadedTable, rows: Rows, kept: NDArray[np.bool_], columns: Mapping[str, Filled | str]
) -> LoadedTable:
    """A table of every world, its columns typed as those of the first world were."""
    import pyarrow as pa

    from accord.engine.inputs import LoadedTable

    world, row = np.nonzero(kept)
    whole = bool(kept.all())
    data: dict[str, Any] = {}
    places = dict(first.places)
    labels = {axis.key: (axis.labels, each) for axis, each in zip(rows.axes, rows.labels(), strict=True)}
    for name in first.data.column_names:
        kind = first.data.schema.field(name).type
        column = columns.get(name)
        if name in labels:
            texts, each = labels[name]
            data[name] = pa.array(texts, pa.string()).take(pa.array(each[row]))
        elif column is None:
            data[name] = pa.nulls(len(row), kind)
        elif isinstance(column, str):
            data[name] = pa.repeat(first.data.column(name)[0], len(row))
        else:
            chosen = np.ascontiguousarray(column.values).reshape(-1) if whole else column.values[world, row]
            if not column.texts:
                data[name], places[name] = pa.array(chosen, pa.int64()), column.places
            elif pa.types.is_boolean(kind):
                data[name] = pa.array([text == "true" for text in column.texts], pa.bool_()).take(pa.array(chosen))
            else:
                data[name] = pa.array(column.texts, pa.string()).take(pa.array(chosen))
    data["world"] = pa.array(world.astype(np.int32), pa.int32())
    return LoadedTable(first.name, pa.table(data), places, has_worlds=True)
