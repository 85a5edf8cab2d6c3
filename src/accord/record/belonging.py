"""Belonging: which network, neighbourhood or board a practice belongs to, on each day.

The table ``organisations`` says what each organisation lies within, for an unbroken time. Climbing from one to the next
gives, for any level, spans of days that together are all days: where nothing is above, the organisation is ``None``.
"""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, shortened

if TYPE_CHECKING:
    import pyarrow as pa

EVER, FAR = dt.date(1, 1, 1), dt.date(9999, 12, 31)
"""The first day of all, and the end of spans that have none."""


@dataclass(frozen=True, slots=True)
class Belongs:
    """An organisation belongs to another (``None``: to nobody known) from ``since`` to the day before ``until``."""

    unit: str
    organisation: str | None
    since: dt.date
    until: dt.date


def belonging(organisations: Sequence[Mapping[str, Any]], units: Iterable[str], level: str) -> tuple[Belongs, ...]:
    """What each unit belongs to at a level, for all days.

    Args:
        organisations: rows of the table: code, kind, within, since, until.
        units: codes of organisations, such as practices; those that the table does not know belong to nobody.
        level: the kind of organisation to climb to.

    Raises:
        DataRefused: an organisation is described twice on one day, or lies within itself.
    """
    described: dict[str, list[tuple[dt.date, dt.date, str, str | None]]] = {}
    for row in organisations:
        span = (row["since"] or EVER, row["until"] or FAR, row["kind"], row["within"])
        described.setdefault(row["code"], []).append(span)
    problems: list[Problem] = []
    for code, rows in described.items():
        rows.sort(key=lambda span: span[:2])
        for before, after in itertools.pairwise(rows):
            if after[0] < before[1]:
                problems.append(
                    _wrong(code, f"is described twice from {after[0]}", "give each row of it days of its own")
                )
                break
    if problems:
        raise DataRefused(problems)

    def climb(
        code: str, since: dt.date, until: dt.date, seen: tuple[str, ...]
    ) -> list[tuple[str | None, dt.date, dt.date]]:
        if code in seen:
            raise DataRefused(
                _wrong(code, f"lies within itself ({' in '.join((*seen, code))})", "correct what it lies within")
            )
        found: list[tuple[str | None, dt.date, dt.date]] = []
        at = since
        for first, last, kind, within in described.get(code, ()):
            first, last = max(first, since), min(last, until)
            if first >= last:
                continue
            if first > at:
                found.append((None, at, first))
            if kind == level:
                found.append((code, first, last))
            elif within is None:
                found.append((None, first, last))
            else:
                found += climb(within, first, last, (*seen, code))
            at = last
        if at < until:
            found.append((None, at, until))
        return found

    made: list[Belongs] = []
    for unit in sorted(set(units)):
        spans: list[Belongs] = []
        for organisation, since, until in climb(unit, EVER, FAR, ()):
            if spans and spans[-1].organisation == organisation:
                spans[-1] = Belongs(unit, organisation, spans[-1].since, until)
            else:
                spans.append(Belongs(unit, organisation, since, until))
        made += spans
    return tuple(made)


def as_table(spans: Sequence[Belongs]) -> pa.Table:
    """The spans as a table ``unit``, ``organisation``, ``since``, ``until``, to be bound by an engine."""
    import pyarrow as pa

    schema = pa.schema(
        [("unit", pa.string()), ("organisation", pa.string()), ("since", pa.date32()), ("until", pa.date32())]
    )
    return pa.table(
        [[getattr(span, name) for span in spans] for name in schema.names],  # type: ignore[arg-type]
        schema=schema,
    )


def _wrong(code: str, what: str, fix: str) -> Problem:
    return Problem(Place("organisations", 0, 0), f"organisation {shortened(code, 20)} {what}", fix)
