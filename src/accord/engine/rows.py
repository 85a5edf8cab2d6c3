"""Which rows exist, in plain Python: the rows of a row set from the rows of its sources.

Lives here: periods in periods, and the join of sources for the exact reference. Does not: SQL, values.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from accord.language.contract import Contract, PeriodItem
from accord.language.meaning import RowSet


def joined_keys(contract: Contract, rows: RowSet) -> tuple[str, ...]:
    """The keys of a combined row of the sources, before it is projected on the keys of the row set."""
    found: dict[str, None] = {}
    for source in rows.sources:
        found.update(dict.fromkeys(contract.tables[source].keys if source in contract.tables else (source,)))
    return tuple(found)


def ancestors(contract: Contract, period: str) -> list[str]:
    """The periods that ``period`` lies in, the nearest first."""
    found: list[str] = []
    within = contract.keys[period].within
    while within is not None and within not in found:
        found.append(within)
        within = contract.keys[within].within
    return found


def enclosing(contract: Contract, key: str, of_key: str, label: str) -> str | None:
    """The period ``key`` in which period ``label`` of ``of_key`` lies; None if none does."""
    item = contract.period(of_key, label)
    if item is None:
        return None
    return next((outer.label for outer in contract.keys[key].items if outer.first <= item.first <= outer.last), None)


def joined(
    contract: Contract,
    rows: RowSet,
    table_rows: Callable[[str], Iterable[Mapping[str, str]]],
    periods: Mapping[str, Sequence[PeriodItem]],
) -> list[dict[str, str]]:
    """The combined rows of the sources, each a mapping from key to value, before they are projected on the keys.

    ``table_rows`` gives the keys of a table's rows; ``periods`` the periods of the run.
    """
    found: list[dict[str, str]] = [{}]
    have: set[str] = set()
    for source in rows.sources:
        names = set(contract.tables[source].keys) if source in contract.tables else {source}
        if source in contract.tables:
            incoming = [{name: row[name] for name in names} for row in table_rows(source)]
        else:
            incoming = [{source: item.label} for item in periods.get(source, ())]
        shared = tuple(sorted(have & names))
        index: dict[tuple[str, ...], list[dict[str, str]]] = {}
        for row in incoming:
            index.setdefault(tuple(row[name] for name in shared), []).append(row)
        found = [
            {**row, **other}
            for row in found
            for other in index.get(tuple(row[name] for name in shared), ())
            if _nests(contract, {**row, **other})
        ]
        have |= names
    return found


def _nests(contract: Contract, row: Mapping[str, str]) -> bool:
    """Whether the periods of a row lie in each other as their keys do."""
    periods = [key for key in row if contract.keys[key].is_period]
    if len(periods) < 2:
        return True
    return all(
        enclosing(contract, outer, inner, row[inner]) == row[outer]
        for inner in periods
        for outer in ancestors(contract, inner)
        if outer in row
    )
