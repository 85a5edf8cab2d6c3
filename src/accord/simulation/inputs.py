"""Inputs: what contracts of general practice need of a place, counted in its record: lists, registers, members.

What measures fill (:mod:`accord.measures.feeding`) comes from them; here is the rest: registered patients by sex and
age, which practice belongs where, how many would have been admitted at England's rates. It is counted from a record as
it stands, made or loaded.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.library import CODELISTS
from accord.measures import calls
from accord.measures.computing import no_step
from accord.measures.feeding import feed
from accord.record.belonging import belonging
from accord.record.engines import open_engine
from accord.record.portable import read_select
from accord.simulation.chapters.codes import codes
from accord.simulation.model import Model, model
from accord.simulation.people import AGES, BANDS, FIFTHS, SEXES, cell_of
from accord.simulation.population import value

if TYPE_CHECKING:
    from accord.engine.settling import Settlement
    from accord.language.contract import Contract
    from accord.record.engines import Engine
    from accord.record.record import Record

Rows = tuple[Sequence[str], Sequence[Sequence[object]]]
"""Names of columns, and rows."""

_LISTS = """
select r.practice, q.period, p.sex, least(quotient(age_on(p.born, q.first_day), 5), 19) as band, count(*) as patients
from registered r
join periods q on r.since <= q.first_day and coalesce(r.until, add_days(q.first_day, 1)) > q.first_day
join people p on p.person = r.person
where p.sex in ('female', 'male')
group by r.practice, q.period, p.sex, least(quotient(age_on(p.born, q.first_day), 5), 19)
"""

_AT_RISK = """
select
    r.practice, q.period, p.sex, a.deprivation, least(greatest(age_on(p.born, q.first_day), 0), 100) as age,
    count(*) as people
from registered r
join periods q on r.since <= q.first_day and coalesce(r.until, add_days(q.first_day, 1)) > q.first_day
join people p on p.person = r.person
join resident h on h.person = r.person and h.since <= q.first_day
    and coalesce(h.until, add_days(q.first_day, 1)) > q.first_day
join areas a on a.area = h.area
where p.sex in ('female', 'male') and a.deprivation is not null
group by r.practice, q.period, p.sex, a.deprivation, least(greatest(age_on(p.born, q.first_day), 0), 100)
"""

_ORGANISATIONS = "select code, kind, name, within, since, until from organisations"


@dataclass(frozen=True, slots=True)
class _Day:
    """A day of which something is counted, under a label."""

    label: str
    day: dt.date


def write(inputs: Mapping[str, Rows], folder: Path | str) -> tuple[Path, ...]:
    """Write inputs as CSV files, one an input, as ``accord settle --data`` reads them; the paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    paths: list[Path] = []
    for name, (columns, rows) in inputs.items():
        path = folder / f"{name}.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)
        paths.append(path)
    return tuple(paths)


def global_sum(record: Record, contract: Contract, first: dt.date, until: dt.date) -> dict[str, Rows]:
    """Inputs of ``gms-global-sum`` for the quarters from one day to another: practices, lists, and what the nation has.

    The other five indices stay neutral, as the contract has it for what nobody measured.

    Raises:
        DataRefused: nobody is registered on the first day of any quarter.
    """
    quarters = [
        _Day(item.first.isoformat(), item.first)
        for item in contract.keys["quarter"].items
        if first <= item.first and item.last < until
    ]
    with open_engine(record) as engine:
        counted = _counted(engine, _LISTS, quarters)
        boards = _belonging(engine, {str(row["practice"]) for row in counted}, quarters, "board")
    if not counted:
        raise DataRefused(Problem(Place(str(record.folder), 0, 0), f"nobody is registered from {first} to {until}"))
    lists = [
        [row["practice"], row["period"], row["sex"], BANDS[int(str(row["band"]))], row["patients"]] for row in counted
    ]
    practices = sorted({(str(row["practice"]), str(row["period"])) for row in counted})
    average = f"{average_workload(contract):.6f}"
    return {
        "practices": (
            ("practice", "quarter", "board", "opted_out_of_hours", "opted_out_minor_surgery", "in_london"),
            [[one, quarter, boards[one, quarter], "true", "false", "false"] for one, quarter in practices],
        ),
        "lists": (("practice", "quarter", "sex", "age_group", "patients"), sorted(lists)),
        "nation": (
            ("quarter", "covers_the_nation", "average_workload", "normalising_factor"),
            [[quarter.label, "false", average, "1"] for quarter in quarters],
        ),
    }


def average_workload(contract: Contract, built_in: Model | None = None) -> float:
    """The workload of England's average patient by the contract's weights: the model's people of 2026.

    With this index alone the products of all patients of the nation average 1, so they need no normalising.
    """
    people = (built_in or model()).people[2026].reshape(len(SEXES), FIFTHS, AGES).sum(axis=1)
    starts = np.arange(len(BANDS)) * 5
    banded = np.add.reduceat(people, starts, axis=1)
    band_of = {row[0]: row[1] for row in contract.tables["age_bands"].rows or ()}
    weights = contract.parameters["workload_weight"].entries[-1].values
    total = sum(
        float(weights[sex, band_of[age_group]]) * banded[number, band]  # type: ignore[index,arg-type]
        for number, sex in enumerate(SEXES)
        for band, age_group in enumerate(BANDS)
    )
    return total / banded.sum()


INDICATORS: Mapping[str, str] = {
    "blood-pressure-control": "",
    "blood-pressure-recorded": "BP002",
    "care-recorded": "",
    "diabetes-glucose-control": "",
}
"""Measures that count indicators of the Quality and Outcomes Framework on a record: one, or a stratum of them."""

_OLDER = """
select r.practice, q.period, l.n as from_age, count(*) as people
from registered r
join periods q on r.since <= q.first_day and coalesce(r.until, add_days(q.first_day, 1)) > q.first_day
join people p on p.person = r.person
join numbers l on l.n <= 51 and age_on(p.born, q.first_day) >= l.n - 1
group by r.practice, q.period, l.n
"""


def quality(
    record: Record, contract: Contract, first: dt.date, *, on_step: Callable[[str], None] = no_step
) -> dict[str, Rows]:
    """Inputs of ``qof`` for the year from a day on: lists, registers, and the indicators that measures can count.

    What a measure leaves out is given as adjustments: a record does not say which of it the rules call exclusions. An
    indicator that no measure counts has a row without anybody, and earns nothing; a register that the record does not
    hold is empty. National prevalence is that of 2024-25.

    Raises:
        DataRefused: no year of the contract begins on that day.
    """
    year = next((item for item in contract.keys["year"].items if item.first == first), None)
    if year is None:
        raise DataRefused(Problem(Place(contract.file, 0, 0), f"no year of {contract.name} begins on {first}"))
    january, end = _Day(year.label, dt.date(first.year, 1, 1)), _Day(year.label, year.last)
    until = year.last + dt.timedelta(1)
    on_step("lists and registers")
    with open_engine(record) as engine:
        sizes = {str(row["practice"]): int(str(row["patients"])) for row in _counted(engine, _ALL, [january])}
        older = {
            (str(row["practice"]), int(str(row["from_age"])) - 1): int(str(row["people"]))
            for row in _counted(engine, _OLDER, [end])
        }
    register_of = {row[0]: row[1] for row in _register_names()}
    counted_over = _columns(contract, "areas", "counted_over")
    found = calls.measure(record, "disease-registers", first=first, until=until, by=["practice", "condition"])
    on_register = {
        (row.organisation, register_of[row.stratum[0]]): row.numerator
        for row in found.figures[0].rows
        if row.stratum and row.stratum[0] in register_of
    }
    registers: list[Sequence[object]] = []
    national: list[Sequence[object]] = []
    for area in sorted(area for area, people in counted_over.items() if people):
        least = int("".join(filter(str.isdigit, str(counted_over[area] or ""))) or 0)
        national.append((area, year.label, round(value(f"register_{area.lower()}") * PARTS), PARTS))
        for practice in sorted(sizes):
            number = on_register.get((practice, area.lower()), 0)
            registers.append((practice, area, year.label, number, older.get((practice, least), 0)))
    on_step("indicators")
    wanted = {
        key[0] for key, kind in _keyed(contract, "indicators", "kind") if key[1] == year.label and kind == "measured"
    }
    counts: list[Sequence[object]] = []
    for name, alone in INDICATORS.items():
        on_step(name)
        by = ["practice"] if alone else ["practice", "indicator"]
        for row in calls.measure(record, name, first=first, until=until, by=by).figures[0].rows:
            indicator = alone or row.stratum[0]
            if indicator in wanted and row.denominator is not None and row.organisation in sizes:
                everybody = row.denominator + row.excluded
                counts.append((row.organisation, indicator, year.label, everybody, 0, row.excluded, row.numerator))
    there = {(row[0], row[1]) for row in counts}
    counts += [
        (one, indicator, year.label, 0, 0, 0, 0)
        for one in sizes
        for indicator in wanted
        if (one, indicator) not in there
    ]
    known = {
        key
        for name in ("confirmed", "unconfirmed")
        for key, number in _keyed(contract, f"{name}_thresholds", f"upper_{name}")
        if number is not None
    }
    thresholds = [
        (indicator, year.label, value("threshold_lower"), value("threshold_upper"))
        for indicator in sorted(wanted)
        if (indicator, year.label) not in known
    ]
    return {
        "thresholds": (("indicator", "year", "lower", "upper"), thresholds),
        "lists": (("practice", "year", "list_size"), [(one, year.label, size) for one, size in sorted(sizes.items())]),
        "registers": (("practice", "area", "year", "register", "of_list"), registers),
        "national": (("area", "year", "national_register", "national_list"), national),
        "counts": (
            ("practice", "indicator", "year", "patients", "exclusions", "adjustments", "done"),
            sorted(counts, key=str),
        ),
    }


PARTS = 10_000_000
"""National prevalence is given as people of so many."""

_ALL = """
select r.practice, q.period, count(*) as patients
from registered r
join periods q on r.since <= q.first_day and coalesce(r.until, add_days(q.first_day, 1)) > q.first_day
group by r.practice, q.period
"""


def _register_names() -> list[tuple[str, str]]:
    """Registers by the names that measures give them, with their short names in the figures of places."""
    listed = codes()["register"]
    short = dict(zip(listed.code, listed.detail, strict=True))
    with (CODELISTS / "qof-registers.csv").open(encoding="utf-8", newline="") as file:
        return [(row["condition"], short[row["code"]]) for row in csv.DictReader(file) if row["code"] in short]


def _keyed(contract: Contract, name: str, column: str) -> list[tuple[tuple[str, ...], object]]:
    """A column of a table of the contract itself, by the table's keys."""
    own = contract.tables[name]
    at = len(own.keys) + [one.name for one in own.columns].index(column)
    return [(tuple(str(key) for key in row[: len(own.keys)]), row[at]) for row in own.rows or ()]


def _columns(contract: Contract, name: str, column: str) -> dict[str, object]:
    return {key[0]: found for key, found in _keyed(contract, name, column)}


def supplement(
    record: Record,
    contract: Contract,
    settled: Settlement,
    first: dt.date,
    until: dt.date,
    *,
    signed: dt.date,
    built_in: Model | None = None,
    on_step: Callable[[str], None] = no_step,
) -> dict[str, Rows]:
    """Inputs of ``integration-supplement`` for years from one day to another, every practice having signed.

    Measures over the record fill what names a measure. What would be expected of emergency admissions for chronic
    conditions are England's rates by age, sex and deprivation, as the model has them, at the people registered in the
    middle of the year: never the neighbourhood's own past, nor its own admissions.

    Args:
        record: the record.
        contract: the checked supplement.
        settled: the global sum of the same place and years, settled.
        first: the first day of the first year; the year before it is that of the opening survey.
        until: the first day after the last year.
        signed: the day on which the practices signed.
        built_in: the model; the committed one where none is given.
        on_step: told what is being computed.

    Raises:
        DataRefused: no year of the contract lies within the days, or a measure cannot fill its input.
    """
    years = [item for item in contract.keys["year"].items if first <= item.first and item.last < until]
    if not years:
        raise DataRefused(
            Problem(Place(contract.file, 0, 0), f"no year of {contract.name} lies between {first} and {until}")
        )
    filled = {one.name: one.table for one in feed(contract, record, first=first, until=until, on_step=on_step)}
    starts = [_Day(item.label, item.first) for item in years]
    middles = [_Day(item.label, item.first + (item.last - item.first) // 2) for item in years]
    on_step("expected admissions")
    with open_engine(record) as engine:
        at_risk = _counted(engine, _AT_RISK, middles)
        units = {str(row["practice"]) for row in at_risk}
        neighbourhoods = _belonging(engine, units, [*starts, *middles], "neighbourhood")
        counted = _counted(engine, _LISTS, starts)
    patients: dict[tuple[str, str], int] = {}
    for row in counted:
        key = str(row["practice"]), str(row["period"])
        patients[key] = patients.get(key, 0) + int(str(row["patients"]))
    need, money = settled.values("weighted_list"), settled.values("annual_global_sum")
    members = [
        [practice, year, neighbourhoods[practice, year], number, _decimal(need[practice, year]),
         _decimal(money[practice, year])]
        for (practice, year), number in sorted(patients.items())
    ]  # fmt: skip
    opening = [row for row in members if row[1] == years[0].label]
    expected = _expected(at_risk, neighbourhoods, built_in or model())
    observed = filled["admissions"].to_pylist()
    made: dict[str, Rows] = {
        "agreements": (
            ("practice", "signed", "list_at_signing", "global_sum_at_signing"),
            [[row[0], signed.isoformat(), row[3], row[5]] for row in opening],
        ),
        "members": (("practice", "year", "neighbourhood", "list_size", "need", "global_sum"), members),
        "admissions": (
            ("neighbourhood", "year", "observed", "expected"),
            [
                [row["neighbourhood"], row["year"], row["observed"],
                 f"{expected[row['neighbourhood'], row['year']]:.1f}"]
                for row in observed
            ],
        ),
    }  # fmt: skip
    for name, table in filled.items():
        if name not in made:
            made[name] = (table.column_names, [list(row.values()) for row in table.to_pylist()])
    before = dt.date(first.year - 1, first.month, first.day)
    for name, asked in (("coordination", "coordination-experience"), ("access", "access-experience")):
        on_step(f"{name} in the year before")
        figures = calls.measure(record, asked, first=before, until=first, by="neighbourhood").figures[0]
        made[f"opening_{name}"] = (
            ("neighbourhood", "numerator", "denominator", "lower", "answers"),
            [
                [row.organisation, row.numerator, row.denominator, row.lower, row.denominator]
                for row in figures.rows
                if row.organisation in {each[2] for each in members}
            ],
        )
    return made


def _expected(
    at_risk: Iterable[Mapping[str, object]], neighbourhoods: Mapping[tuple[str, str], str], built_in: Model
) -> dict[tuple[str, str], float]:
    """Emergency admissions for chronic conditions at England's rates, by neighbourhood and year."""
    rate = (built_in.rate["emergency"] * built_in.mix).sum(axis=2) * built_in.chronic[None, :]
    out: dict[tuple[str, str], float] = {}
    for row in at_risk:
        year = str(row["period"])
        key = neighbourhoods[str(row["practice"]), year], year
        cell = cell_of(SEXES.index(str(row["sex"])), int(str(row["deprivation"])))
        out[key] = out.get(key, 0.0) + int(str(row["people"])) * rate[cell, int(str(row["age"]))]
    return out


def _decimal(number: object) -> str:
    """A settled number of at most two places, as data writes it."""
    return f"{Decimal(number.numerator) / Decimal(number.denominator):.2f}" if isinstance(number, Fraction) else "0"


def _counted(engine: Engine, text: str, days: Iterable[_Day]) -> list[dict[str, object]]:
    listed = list(days)
    engine.bind(
        "periods",
        pa.table(
            {
                "period": pa.array([one.label for one in listed]),
                "first_day": pa.array([one.day for one in listed], pa.date32()),
                "last_day": pa.array([one.day for one in listed], pa.date32()),
            }
        ),
    )
    return engine.rows(read_select(text, "inputs.sql", {})).to_pylist()


def _belonging(engine: Engine, units: set[str], days: Iterable[_Day], level: str) -> dict[tuple[str, str], str]:
    """What each practice belongs to at a level, on each day."""
    organisations = engine.rows(read_select(_ORGANISATIONS, "inputs.sql", {})).to_pylist()
    spans = belonging(organisations, units, level)
    return {
        (span.unit, one.label): span.organisation or ""
        for span in spans
        for one in days
        if span.since <= one.day < span.until
    }
