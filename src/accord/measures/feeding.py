"""Feeding: a contract names ``measure@version``, knows by its card what may be compared, and receives its figures.

Settlement reads exact figures, inside the boundary; what a party is shown of others goes through release.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.contract import Contract, Table
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.library import measure_names
from accord.measures.cards import BESIDE
from accord.measures.computing import ALL, NOT_KNOWN, OWN_STRATA, Period, Session, no_step
from accord.measures.figures import Figure, figures, levels_of
from accord.measures.limit import LIMIT
from accord.measures.measure import Measure, find, read
from accord.record.column import table as small_table

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.record.engines import EngineKind
    from accord.record.record import Record

CALLED: Mapping[str, str] = {"pcn": "network", "icb": "board", "integrated_care_board": "board"}
"""Other names that contracts give to levels of organisation."""


@dataclass(frozen=True, slots=True)
class Fed:
    """An input of a contract, filled by a measure: ``table`` has its keys and columns, as they are written."""

    name: str
    measure: str
    table: pa.Table
    outside: int
    """Rows of the measure about people who were not in the population on the day."""
    unplaced: int
    """Organisations of the lowest level that the record places nowhere: their figures are in no row."""


def feed(
    contract: Contract,
    record: Record,
    *,
    first: dt.date,
    until: dt.date,
    beside: Path | None = None,
    only: Sequence[str] = (),
    engine: EngineKind = "duckdb",
    limit: float | None = LIMIT,
    on_step: Callable[[str], None] = no_step,
) -> tuple[Fed, ...]:
    """The inputs of a contract that measures fill, with exact figures, for the contract's periods within some days.

    Args:
        contract: the checked contract.
        record: the record.
        first: the first day.
        until: the first day that no longer counts; periods that are not wholly within the days are left out.
        beside: the contract's folder, where measures of its own may stand (``measures/``).
        only: the inputs to fill; all that name a measure where none are given.
        engine: ``duckdb`` or ``spark``.
        limit: the seconds that one select may take; ``None``: without end.
        on_step: told what is being computed.

    Raises:
        DataRefused: an input cannot be filled by its measure as it is keyed, with every reason.
    """
    wanted = [table for table in contract.tables.values() if table.measure and (not only or table.name in only)]
    problems: list[Problem] = []
    plans: list[_Plan] = []
    for table in wanted:
        try:
            plans.append(_plan(contract, table, first, until, beside))
        except DataRefused as refused:
            problems += refused.problems
    for name in only:
        if name not in {table.name for table in wanted}:
            problems.append(Problem(Place(contract.file, 0, 0), f"{name} is no input that names a measure"))
    if not wanted and not only:
        problems.append(Problem(Place(contract.file, 0, 0), f"{contract.name} has no input that names a measure"))
    if problems:
        raise DataRefused(problems)
    out: dict[str, Fed] = {}
    for asked in dict.fromkeys(plan.periods for plan in plans):
        after = asked[-1].last + dt.timedelta(1)
        with Session(
            record, first=asked[0].first, until=after, every=asked, engine=engine, limit=limit, on_step=on_step
        ) as session:
            for plan in plans:
                if plan.periods == asked:
                    out[plan.table.name] = _filled(session, plan)
    return tuple(out[plan.table.name] for plan in plans)


def write(fed: Sequence[Fed], folder: Path) -> tuple[Path, ...]:
    """Write filled inputs as CSV files, one an input, as ``accord settle --data`` reads them; the paths."""
    from pyarrow import csv

    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for one in fed:
        path = folder / f"{one.name}.csv"
        csv.write_csv(one.table, path)
        paths.append(path)
    return tuple(paths)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How an input is filled."""

    table: Table
    measure: Measure
    periods: tuple[Period, ...]
    level: str
    level_key: str | None
    period_key: str | None
    strata: tuple[str, ...]


def _plan(contract: Contract, table: Table, first: dt.date, until: dt.date, beside: Path | None) -> _Plan:
    measure = _measure(contract, table, beside)
    card = measure.card
    known = levels_of(card.population.who)
    level, level_key, period_key = ALL, None, None
    strata: list[str] = []
    problems: list[Problem] = []
    for key in table.keys:
        called = CALLED.get(key, key)
        if contract.keys[key].is_period:
            period_key = key
        elif called in known and level_key is None:
            level, level_key = called, key
        elif key in OWN_STRATA or key in card.strata:
            strata.append(key)
        else:
            given = ", ".join([*known[:-1], *OWN_STRATA, *card.strata])
            message = f"{table.measure} cannot be given by {key}"
            problems.append(Problem(table.place, message, f"it can be given by a period and {given}"))
    periods: tuple[Period, ...]
    if period_key is None:
        periods = (Period(first.isoformat(), first, until - dt.timedelta(1), ""),)
    else:
        items = [item for item in contract.keys[period_key].items if first <= item.first and item.last < until]
        periods = tuple(Period(item.label, item.first, item.last, item.name) for item in items)
        if not periods:
            message = f"no {period_key} of {contract.name} lies wholly between {first} and {until}"
            problems.append(Problem(table.place, message, "see the contract's term, and --from and --until"))
    if problems:
        raise DataRefused(problems)
    return _Plan(table, measure, periods, level, level_key, period_key, tuple(strata))


def _measure(contract: Contract, table: Table, beside: Path | None) -> Measure:
    name, _, version = (table.measure or "").partition("@")
    if beside is not None and (beside / BESIDE / f"{name}.yaml").is_file():
        own = read(beside / BESIDE, name, shown=beside / BESIDE)
        if own.card.version == version:
            return own
    if name not in measure_names():
        message = f"{contract.name} names {table.measure}, which is neither in the library nor beside it"
        raise DataRefused(Problem(table.place, message, f"put it into {BESIDE}/ beside the contract"))
    return find(table.measure or "")


def _filled(session: Session, plan: _Plan) -> Fed:
    made = figures(session, plan.measure, (plan.level,), plan.strata)
    placed = [row for row in made.rows if row.organisation != NOT_KNOWN]
    columns: dict[str, list[str | None]] = {key: [] for key in plan.table.keys}
    columns |= {column.name: [] for column in plan.table.columns if column.name in made.card.columns}
    for row in placed:
        for key in plan.table.keys:
            columns[key].append(_key(row, key, plan))
        for column in plan.table.columns:
            if column.name in columns:
                columns[column.name].append(_value(row, column.name))
    table = small_table({name: ("text", values) for name, values in columns.items()})
    unplaced = len(made.rows) - len(placed)
    return Fed(plan.table.name, made.measure.id, table, sum(made.outside.values()), unplaced)


def _key(row: Figure, key: str, plan: _Plan) -> str:
    if key == plan.level_key:
        return row.organisation
    if key == plan.period_key:
        return row.period.label
    return row.stratum[plan.strata.index(key)]


def _value(row: Figure, column: str) -> str | None:
    names = {"observed": "numerator", "answers": "denominator"}
    value = getattr(row, names.get(column, column))
    return None if value is None else str(value)
