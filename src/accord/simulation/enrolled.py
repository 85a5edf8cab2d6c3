"""Enrolled: a place from its own record on a day: its people, where its practices belong, and the place's own figures.

People are those registered on the day; each one's lasting burden is drawn from what they used in up to three years
before. Births to come are made at the place's own rate.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.calendar import add_months
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.simulation.calibration import history
from accord.simulation.calibration_file import Own
from accord.simulation.model import model
from accord.simulation.on_record import BY_REGISTERS, people_on
from accord.simulation.people import People
from accord.simulation.practices import OwnPractice
from accord.simulation.recorded import whole_years, years

if TYPE_CHECKING:
    from accord.record.record import Record

REMEMBERED = 3
"""Years before the day of which people's own use is looked at."""

LATE = 400
"""Days after the end of a record on which its people can still be taken to be there."""

_HOSPITALS = """
with counted as (
    select r.practice, a.provider, count(*) as stays
    from admissions a
    join registered r on r.person = a.person and r.since <= a.admitted
        and coalesce(r.until, add_days(a.admitted, 1)) > a.admitted
    group by r.practice, a.provider
), ranked as (
    select practice, provider, row_number() over (partition by practice order by stays desc, provider) as nth
    from counted
)
select practice, provider as found from ranked where nth = 1
"""

_COUNCILS = """
with counted as (
    select r.practice, a.council, count(*) as people
    from registered r
    join resident h on h.person = r.person
    join areas a on a.area = h.area
    where r.until is null and h.until is null
    group by r.practice, a.council
), ranked as (
    select practice, council, row_number() over (partition by practice order by people desc, council) as nth
    from counted
)
select practice, council as found from ranked where nth = 1
"""


def enrolled(
    folder: Path, day: dt.date, births: int, own: Own | None = None
) -> tuple[People, tuple[OwnPractice, ...], tuple[str, ...]]:
    """The people of a record on a day, with births of the years to come, their practices, and what should be known.

    Args:
        folder: the record.
        day: the first day of the first simulated year.
        births: years for which births are made.
        own: the place's own figures; the built-in ones where none are given.

    Raises:
        DataRefused: the record has no such day, or lacks what people are made from.
    """
    from accord.record.record import open_record

    record = open_record(folder)
    spans = whole_years(record)
    begin, end = spans[0][0], spans[-1][1]
    if not begin <= day <= end + dt.timedelta(LATE):
        said = f"this record has whole years from {begin} until {end}, and the first simulated year begins on {day}"
        fix = "begin within these days, or soon after: who was registered then is not known otherwise"
        raise DataRefused(Problem(Place(str(folder), 0, 0), said, fix))
    built = model(None, own.figures if own else None)
    until = min(day, end)
    before = [(add_months(until, -12 * n), add_months(until, -12 * (n - 1))) for n in range(REMEMBERED, 0, -1)]
    held = years(record, [*(span for span in before if span[0] >= begin), (day, add_months(day, 12))])
    past = history(held[:-1], built, own.practices) if own and len(held) > 1 else None
    there = people_on(held[-1], built, past, births=births)
    notes = (*there.notes, BY_REGISTERS) if "morbidity" in held[-1].told else there.notes
    return there.people, _practices(record, there.practices, day), notes


def _practices(record: Record, codes: tuple[str, ...], day: dt.date) -> tuple[OwnPractice, ...]:
    from accord.record.belonging import belonging
    from accord.record.engines import open_engine
    from accord.record.portable import read_select

    with open_engine(record) as engine:

        def rows(text: str) -> list[dict[str, object]]:
            return engine.rows(read_select(text, "enrolled.sql")).to_pylist()

        organisations = rows("select code, kind, name, within, since, until from organisations")
        usual = [{str(row["practice"]): str(row["found"]) for row in rows(text)} for text in (_HOSPITALS, _COUNCILS)]
    of: dict[str, dict[str, str]] = {}
    for level in ("network", "neighbourhood", "board"):
        spans = belonging(organisations, set(codes), level)
        of[level] = {span.unit: span.organisation or "" for span in spans if span.since <= day < span.until}
    return tuple(
        OwnPractice(
            code,
            of["network"].get(code, ""),
            of["neighbourhood"].get(code, ""),
            of["board"].get(code, ""),
            usual[1].get(code, ""),
            usual[0].get(code, ""),
        )
        for code in codes
    )
