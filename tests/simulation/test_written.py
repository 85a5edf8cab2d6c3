"""The record of a simulated world: measures over it give, to the last one, what the engine counted."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

import duckdb

from accord.language.problem import DataRefused
from accord.library import CODELISTS, measure_names
from accord.measures import calls
from accord.record.pseudonym import is_nhs_number
from accord.record.record import Record, open_record
from accord.simulation import person_engine as engine
from accord.simulation import results, written
from accord.simulation.chapters.codes import codes, registers
from accord.simulation.chapters.writer import identifiers
from accord.simulation.events import frequent
from accord.simulation.model import STREAMS, model
from accord.simulation.people import AGES, FRAILTY, MORBIDITY
from accord.simulation.population import Population, populate, value
from accord.simulation.tables import ONE, tables
from tests.measures.made import card, write_measure

YEARS, SEED = 2, 20250401
FIRST, UNTIL = dt.date(2025, 4, 1), dt.date(2027, 4, 1)

OWN = {
    "attendances": "select person, day, 1 as numerator from attendances",
    "consultations": "select person, day, 1 as numerator from consultations",
    "outpatient": "select person, day, 1 as numerator from outpatients",
    "community": "select person, day, 1 as numerator from community_contacts",
    "mental_health": "select person, day, 1 as numerator from mental_health_contacts",
    "deaths": "select person, day, 1 as numerator from deaths",
    "elective": "select person, admitted as day, 1 as numerator from admissions where admission_method = '11'",
}
"""What the engine counts and no measure of the library does."""

LIBRARY = {
    "emergency": "emergency-admissions",
    "chronic": "emergency-admissions-chronic",
    "emergency_days": "emergency-bed-days",
}
"""What the engine counts under the name of a measure of the library."""


@cache
def place() -> Population:
    """Three practices: one world in which every stream but one goes on as before, and one grows in one practice."""
    return populate(24_000, SEED, YEARS)


@cache
def change() -> np.ndarray:
    made = engine.multipliers(1, len(place().practices), YEARS)
    made[0, 0, 1, 2 + STREAMS.index("emergency")] = round(1.3 * ONE)
    return made


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    return written.write(place(), tmp_path_factory.mktemp("place") / "record", change=change())


@pytest.fixture(scope="module")
def counted() -> Mapping[str, list[list[int]]]:
    """Every result of the engine, by practice and year."""
    counts = engine.simulate(place().people, tables(model()), YEARS, SEED, change()).counts
    found = {name: counts[0, ..., at].sum(axis=2).tolist() for at, name in enumerate(results.COUNTS)}
    often = frequent(counts, SEED)[0]
    return found | {name: often[..., at].tolist() for at, name in enumerate(results.LAZY)}


@pytest.fixture(scope="module")
def measured(record: Record, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, list[list[int]]]:
    """The same by measures over the record."""
    folder = tmp_path_factory.mktemp("measures")
    total = {"kind": "total", "unit": "events", "per": None, "denominator": None, "interval": "none"}
    total["population"] = {"who": "registered"}  # type: ignore[assignment]
    paths = {
        name: write_measure(folder, card(measure=name.replace("_", "-"), **total), sql) for name, sql in OWN.items()
    }
    asked = [*paths.values(), *LIBRARY.values(), "cost-by-setting"]
    made = calls.measure(record, asked, first=FIRST, until=UNTIL, every="financial year", by=["practice"])
    by_setting = calls.measure(
        record, "cost-by-setting", first=FIRST, until=UNTIL, every="financial year", by=["practice", "setting"]
    )
    names = (*paths, *LIBRARY)
    found = {name: _by_practice(figures.rows) for name, figures in zip(names, made.figures, strict=False)}
    stays = [row for row in by_setting.figures[0].rows if "hospital stays" in row.stratum]
    return found | {"cost": _by_practice(stays)}


def _by_practice(rows: object) -> list[list[int]]:
    codes = [practice.code for practice in place().practices]
    out = [[0] * YEARS for _ in codes]
    for row in rows:  # type: ignore[attr-defined]
        out[codes.index(row.organisation)][row.period.first.year - FIRST.year] += int(row.numerator)
    return out


@pytest.mark.parametrize("name", [*OWN, *LIBRARY])
def test_a_measure_over_the_record_is_what_the_engine_counted(
    name: str, measured: Mapping[str, list[list[int]]], counted: Mapping[str, list[list[int]]]
):
    assert sum(map(sum, counted[name])) > 0
    assert measured[name] == counted[name]


def test_costs_are_the_engines_to_the_penny(
    measured: Mapping[str, list[list[int]]], counted: Mapping[str, list[list[int]]]
):
    emergency, elective = np.array(counted["emergency_cost"]), np.array(counted["elective_cost"])
    assert measured["cost"] == (emergency + elective).tolist()


def rows(record: Record, sql: str) -> list[tuple]:
    """A query over the tables that the record holds."""
    with duckdb.connect() as con:
        for name in record.manifest["tables"]:  # type: ignore[attr-defined]
            files = [str(path) for path in record.files(name)]
            stands = "known_until is null" if "known_until" in _columns(con, files) else "true"
            con.execute(f"create view {name} as select * from read_parquet({files}) where {stands}")
        return con.execute(sql).fetchall()


def _columns(con: duckdb.DuckDBPyConnection, files: list[str]) -> list[str]:
    return [row[0] for row in con.execute(f"describe select * from read_parquet({files})").fetchall()]


def test_nothing_is_known_before_it_happens(record: Record):
    """As known on any day, nobody has left, died or been discharged later than that."""
    for name, day in (("consultations", "day"), ("deaths", "day"), ("episodes", "discharged")):
        assert rows(record, f"select 1 from {name} where known_from < {day}") == []
    with duckdb.connect() as con:
        for name in ("registrations", "residences", "social_care"):
            versions = f"read_parquet({[str(path) for path in record.files(name)]})"
            assert con.execute(f"select 1 from {versions} where until > known_from").fetchall() == []
            twice = f"select row from {versions} group by row having count(*) filter (where known_until is null) <> 1"
            assert con.execute(twice).fetchall() == []
            assert con.execute(f"select count(*) from {versions} where known_until is not null").fetchone()[0] > 0  # type: ignore[index]


IMPOSSIBLE = {
    "born after registration": "select 1 from registrations join people using (person) where born > since",
    "an event before birth": "select 1 from consultations c join people p using (person) where c.day < p.born",
    "an event after death": "select 1 from attendances a join deaths d using (person) where a.day > d.day",
    "a stay after death": "select 1 from episodes e join deaths d using (person) where e.until > d.day",
    "discharged before admission": "select 1 from episodes where discharged < admitted or ready < admitted",
    "a stay outside registration": """select 1 from episodes e join registrations r using (person)
        where e.admitted < r.since or e.discharged > r.until""",
    "an emergency over the end of a year": """select 1 from episodes where admission_method like '2%'
        and admitted < date '2026-04-01' and discharged > date '2026-04-01'""",
    "a span that ends before it begins": "select 1 from residences where until <= since",
    "care after the end": "select 1 from social_care s join deaths d using (person) where s.until > d.day + 1",
    "a condition before birth": "select 1 from conditions c join people p using (person) where c.since < p.born",
    "an observation outside registration": """select 1 from observations o join registrations r using (person)
        where o.day < r.since or o.day >= r.until""",
    "a person in two practices": "select 1 from registrations group by person having count(*) > 1",
    "another hospital": "select 1 from episodes where admission_source in ('51', '52', '53')",
    "a resident in a private home and a care home": """select 1 from resident a join resident b using (person)
        where a.kind < b.kind and a.since < coalesce(b.until, date '2100-01-01')
        and b.since < coalesce(a.until, date '2100-01-01')""",
}


@pytest.mark.parametrize("what", IMPOSSIBLE)
def test_nothing_impossible_is_written(what: str, record: Record):
    assert rows(record, IMPOSSIBLE[what]) == []


def test_the_list_on_the_first_day_is_the_place(record: Record):
    found = rows(
        record,
        "select practice, count(*) from registered where since <= date '2025-04-01' "
        "and (until is null or until > date '2025-04-01') group by practice order by practice",
    )
    assert found == [(one.code, one.patients) for one in place().practices]


def test_the_library_runs_on_it(record: Record):
    """Every measure of the library computes; those about what the record has have something to count."""
    made = calls.measure(record, None, first=dt.date(2026, 4, 1), until=UNTIL)
    counted = {
        figures.card.measure: sum(int(row.denominator if row.denominator is not None else row.numerator) for row in
                                  figures.rows) for figures in made.figures
    }  # fmt: skip
    assert set(counted) == set(measure_names())
    empty = {name for name, number in counted.items() if not number}
    assert empty <= {"cervical-screening", "cholesterol-control"}, empty


def test_continuity_is_where_the_figures_put_it(record: Record):
    made = calls.measure(record, "continuity-usual-provider", first=dt.date(2026, 4, 1), until=UNTIL)
    assert 0.35 < made.figures[0].rows[0].numerator / made.figures[0].rows[0].denominator < 0.75


def test_registers_of_england_come_out_as_published():
    """Averaged over England's people and states, each register has the published share."""
    made = model()
    chance = registers(made)
    people = made.people[2026]
    share = made.mix.reshape(*made.mix.shape[:2], len(MORBIDITY), len(FRAILTY)).sum(axis=3)
    there = (share * people[:, :, None]).sum(axis=0)
    listed = codes()["register"]
    for number, (name, least) in enumerate(zip(listed.detail, listed.from_age, strict=True)):
        found = (chance[number] * there)[least:].sum() / there[least:].sum()
        assert found == pytest.approx(value(f"register_{name}"), rel=1e-6), name
        assert chance[number].shape == (AGES, len(MORBIDITY))


def test_codes_of_other_admissions_are_not_chronic_ones():
    """What is written for an admission that is not chronic matches no rule of the list of chronic conditions."""
    lines = (CODELISTS / "nhsof-2-3-i.csv").read_text("utf-8").splitlines()[1:]
    cases = [line.split(",")[3] for line in lines if ",case," in line]
    assert all(code.startswith(tuple(cases)) for code in codes()["chronic"].code)
    assert not any(code.startswith(tuple(cases)) for code in codes()["emergency"].code)


def test_identifiers_have_the_shape_of_nhs_numbers_and_are_none():
    made = identifiers(0, 5_000)
    assert len(set(made)) == 5_000
    assert all(len(one) == 10 and one.startswith("999") and not is_nhs_number(one) for one in made)


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path):
    small = populate(3_000, 5, 1)
    one, other = (written.write(small, tmp_path / name) for name in ("one", "other"))
    assert one.manifest["tables"] == other.manifest["tables"]
    third = written.write(populate(3_000, 6, 1), tmp_path / "third")
    assert third.manifest["tables"] != one.manifest["tables"]


def test_what_is_too_large_or_too_long_is_refused_and_nothing_is_left(tmp_path: Path):
    with pytest.raises(DataRefused, match="births are made for 2 years"):
        written.write(place(), tmp_path / "record", 3)
    assert not (tmp_path / "record").exists()
    with pytest.raises(KeyboardInterrupt):
        written.write(populate(3_000, 5, 1), tmp_path / "record", on_practice=_interrupt)
    assert list((tmp_path / "record").iterdir()) == []
    with pytest.raises(DataRefused):
        open_record(tmp_path / "record")


def _interrupt(_done: int, _of: int) -> None:
    raise KeyboardInterrupt
