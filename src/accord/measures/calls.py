"""The Python calls of measures: what ``accord measure`` does, without a terminal. ``import accord`` offers them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import Problem
from accord.library import measure_names
from accord.measures.computing import ALL, LEVELS, Every, MeasureMisused, Period, Session, no_step
from accord.measures.figures import Figures, figures
from accord.measures.limit import LIMIT
from accord.measures.measure import Measure, find

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.language.contract import Contract
    from accord.measures.explaining import Explained
    from accord.measures.feeding import Fed
    from accord.measures.populations import ReleasedRoster
    from accord.measures.release import Release
    from accord.record.engines import EngineKind
    from accord.record.record import Record
    from accord.record.roster import Roster

Named = str | Path | Measure
Day = str | dt.date


@dataclass(frozen=True, slots=True)
class Measured:
    """Measures computed over a record: exact ``figures``, and ``releases`` that may leave, if those were asked for."""

    figures: tuple[Figures, ...]
    releases: tuple[Release, ...]

    def table(self, measure: str | None = None) -> pa.Table:
        """The figures of all measures (or of one, by its name) in one table: released ones where those were made."""
        import pyarrow as pa

        made = self.releases or self.figures
        tables = [
            one.table()
            for one, exact in zip(made, self.figures, strict=True)
            if measure is None or measure in (exact.card.measure, exact.measure.id)
        ]
        return pa.concat_tables(tables, promote_options="default")


def measure(
    record: Record | str | Path,
    measures: Named | Iterable[Named] | None = None,
    *,
    first: Day,
    until: Day,
    every: Every = "whole",
    by: str | Sequence[str] = (ALL,),
    released: bool = False,
    engine: EngineKind = "duckdb",
    threads: int | None = None,
    memory: str | None = None,
    limit: float | None = LIMIT,
    on_step: Callable[[str], None] = no_step,
) -> Measured:
    """Compute measures over a record.

    Args:
        record: a record, or its folder.
        measures: library names, paths of ``.sql`` files, or measures; the whole library where none are given.
        first: the first day that counts.
        until: the first day that no longer counts.
        every: ``month``, ``quarter``, ``financial year``, ``year``, or ``whole`` for the days as one period.
        by: levels of organisation (practice, network, neighbourhood, board, council, all) and strata (sex, age_band,
            deprivation, and what cards name under strata).
        released: make what may leave the boundary too (nothing is entered into the register: see :func:`publish`).
        engine: ``duckdb`` or ``spark``.
        threads: how many the engine may use.
        memory: how much the engine may use, such as ``8GB``.
        limit: the seconds that one select (a measure, or a part of one) may take; ``None``: without end.
        on_step: told what is being computed.

    Raises:
        MeasureNotFound: a measure is not there.
        MeasureRefused: a measure cannot be used as it stands.
        MeasureMisused: something was asked that cannot be given.
        ReleaseRefused: what was asked for cannot be released beside what was released before.
    """
    found = named(measures)
    levels, strata = divided(by)
    with _session(record, first, until, every, engine, threads, memory, limit, on_step) as session:
        exact = tuple(figures(session, one, _of(one, levels, len(found) > 1), strata) for one in found)
        if not released:
            return Measured(exact, ())
        from accord.measures.register import register_of
        from accord.measures.release import release

        told = list(register_of(session.record.folder))
        releases: list[Release] = []
        for one in exact:  # each beside those of this call too: they leave together
            made = release(session, one, earlier=told, on_step=on_step)
            releases.append(made)
            told.append({**made.entry, "day": dt.date.today().isoformat()})
        return Measured(exact, tuple(releases))


def publish(record: Record | str | Path, measured: Measured, day: dt.date | None = None) -> None:
    """Enter releases into the register of the record, before they leave the boundary; on a day, or today."""
    from accord.measures.register import enter

    enter(_opened(record).folder, [one.entry for one in measured.releases], day or dt.date.today())


def release_roster(
    record: Record | str | Path,
    roster: Roster,
    *,
    first: Day,
    until: Day,
    engine: EngineKind = "duckdb",
    threads: int | None = None,
    memory: str | None = None,
) -> ReleasedRoster:
    """A roster as it may leave the boundary, together with all that was released before, by rosters and by measures.

    Nothing is entered into the register: see :func:`publish_roster`. Of an attributed population, and of one by area,
    no measure's rates are made: it is protected by itself, and has no entry.

    Raises:
        ReleaseRefused: it cannot be released beside what was released before.
    """
    from accord.measures import populations
    from accord.measures.register import register_of

    if not populations.known_to_register(roster.who, roster.by):
        return populations.release_alone(roster)
    opened = _opened(record)
    periods = [Period(each.label, each.first, each.last, each.name) for each in roster.periods]
    with Session(
        opened,
        first=_day("--from", first),
        until=_day("--until", until),
        every=periods,
        engine=engine,
        threads=threads,
        memory=memory,
    ) as session:
        return populations.release_roster(session, roster.who, roster.by, register_of(opened.folder))


def publish_roster(record: Record | str | Path, released: ReleasedRoster, day: dt.date | None = None) -> None:
    """Enter a released roster into the register of the record, before it leaves the boundary; on a day, or today.

    Raises:
        MeasureMisused: the register could not protect it.
    """
    from accord.measures.register import enter

    if released.entry is None:
        message = "populations that are attributed, or counted by area, are not released into files"
        fix = "release the registered or resident population by practice, network, neighbourhood, board or council"
        raise MeasureMisused(Problem(Place("--released", 0, 0), message, fix))
    enter(_opened(record).folder, [released.entry], day or dt.date.today())


def explain(
    record: Record | str | Path,
    measure: Named,
    person: int,
    *,
    first: Day,
    until: Day,
    every: Every = "whole",
    engine: EngineKind = "duckdb",
    limit: float | None = LIMIT,
) -> Explained:
    """Why one person counts in a measure or does not; only for use inside the boundary.

    Raises:
        NobodyThere: the record has no such person.
    """
    from accord.measures import explaining

    with _session(record, first, until, every, engine, None, None, limit, no_step) as session:
        return explaining.explain(session, named(measure)[0], person)


def feed(
    contract: Contract,
    record: Record | str | Path,
    out: str | Path,
    *,
    first: Day,
    until: Day,
    beside: str | Path | None = None,
    engine: EngineKind = "duckdb",
    limit: float | None = LIMIT,
    on_step: Callable[[str], None] = no_step,
) -> tuple[tuple[Fed, ...], tuple[Path, ...]]:
    """Write the inputs of a contract that measures fill, one CSV file an input, as ``accord settle --data`` reads them.

    Raises:
        DataRefused: an input cannot be filled by its measure as it is keyed.
    """
    from accord.measures import feeding

    fed = feeding.feed(
        contract,
        _opened(record),
        first=_day("--from", first),
        until=_day("--until", until),
        beside=Path(beside) if beside is not None else None,
        engine=engine,
        limit=limit,
        on_step=on_step,
    )
    return fed, feeding.write(fed, Path(out))


def named(measures: Named | Iterable[Named] | None) -> tuple[Measure, ...]:
    """Measures by their names or paths; the whole library where none are given."""
    if measures is None:
        measures = measure_names()
    if isinstance(measures, (str, Path, Measure)):
        measures = (measures,)
    return tuple(one if isinstance(one, Measure) else find(one) for one in measures)


def divided(by: str | Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What figures are given by, as levels of organisation and strata; ``all`` where no level is named."""
    names = (by,) if isinstance(by, str) else tuple(by)
    levels = tuple(name for name in LEVELS if name in names)
    return levels or (ALL,), tuple(name for name in dict.fromkeys(names) if name not in LEVELS)


def _of(measure: Measure, levels: tuple[str, ...], several: bool) -> tuple[str, ...]:
    """The levels that a measure has, where several measures are asked at once; one measure must have them all."""
    from accord.measures.figures import levels_of

    known = levels_of(measure.card.population.who)
    return (tuple(level for level in levels if level in known) or (ALL,)) if several else levels


@contextmanager
def _session(
    record: Record | str | Path,
    first: Day,
    until: Day,
    every: Every,
    engine: EngineKind,
    threads: int | None,
    memory: str | None,
    limit: float | None,
    on_step: Callable[[str], None],
) -> Iterator[Session]:
    with Session(
        _opened(record),
        first=_day("--from", first),
        until=_day("--until", until),
        every=every,
        engine=engine,
        threads=threads,
        memory=memory,
        limit=limit,
        on_step=on_step,
    ) as session:
        yield session


def _opened(record: Record | str | Path) -> Record:
    from accord.record.record import Record, open_record

    return record if isinstance(record, Record) else open_record(record)


def _day(option: str, day: Day) -> dt.date:
    if isinstance(day, dt.date):
        return day
    try:
        return dt.date.fromisoformat(day)
    except ValueError:
        raise MeasureMisused(Problem(Place(option, 0, 0), f"{day} is not a day", "write it as 2025-04-01")) from None
