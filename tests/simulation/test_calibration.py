"""A place's own record: known alterations of a made place are found again, and its last year is foreseen."""

from __future__ import annotations

import csv
import datetime as dt
import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

pytest.importorskip("numba")

from accord.language.problem import DataRefused
from accord.place.place import population_of, read_place
from accord.place.report import multimorbidity_of
from accord.place.stage import Stage
from accord.record.engines import EngineKind
from accord.record.record import Record, open_record, write_record
from accord.simulation import back_test, calibrating, calibration_file, on_record, recorded, rounding, written
from accord.simulation.back_test import MONEY, Compared, leaving
from accord.simulation.calibration import Calibration, calibrated, history, laid
from accord.simulation.credibility import GROUPS, believe, multipliers
from accord.simulation.draws import NORMAL_95
from accord.simulation.model import STREAMS, Figures, model, published
from accord.simulation.people import FIFTHS, FRAILTY, SEXES
from accord.simulation.person_engine import multipliers as unchanged
from accord.simulation.population import populate
from accord.simulation.tables import ONE

SIZE, YEARS, START = 16_000, 3, dt.date(2023, 4, 1)
MORE_EMERGENCIES, LESS_COST, MORE_CONTACTS = 1.3, 0.8, 1.4
END = dt.date(2026, 4, 1)


@pytest.fixture(scope="session")
def as_built(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """The record of a place that is as the model is built."""
    return written.write(populate(SIZE, 11, YEARS, start=START), tmp_path_factory.mktemp("as-built") / "record")


@pytest.fixture(scope="session")
def altered(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """More emergencies in the most deprived fifth, cheaper ones everywhere, more contacts in the second practice."""
    emergency = np.ones(GROUPS)
    emergency[:, [0, FIFTHS]] = MORE_EMERGENCIES
    by_group = {"emergency": emergency, "emergency_cost": np.full(GROUPS, LESS_COST)}
    own = model(None, Figures(published().parameters, laid(published().curves, by_group, {})))
    place = populate(SIZE, 12, YEARS, start=START)
    change = unchanged(1, len(place.practices), YEARS)
    change[0, 1, :, 2 + STREAMS.index("community")] = round(MORE_CONTACTS * ONE)
    folder = tmp_path_factory.mktemp("altered") / "record"
    return written.write(place, folder, built_in=own, change=change)


@cache
def held(folder: Path) -> list[recorded.Year]:
    record = open_record(folder)
    return recorded.years(record, recorded.whole_years(record))


@cache
def found(folder: Path, years: int = YEARS) -> Calibration:
    return calibrated(open_record(folder), held(folder)[:years])


@cache
def foreseen(folder: Path) -> back_test.BackTest:
    return back_test.tested(found(folder, YEARS - 1), held(folder), draws=80)


def around(value: float, doubt: float, truth: float, deviations: float = 2.6) -> bool:
    """Whether a truth lies within so many standard deviations (of the logarithm)."""
    return abs(np.log(value / truth)) <= deviations * doubt


# -- what a record says ------------------------------------------------------------------------------------------------


def rows(record: Record, table: str) -> list[dict[str, Any]]:
    """The rows of a table that stand."""
    read = pq.ParquetDataset(list(record.files(table))).read().to_pylist()
    return [row for row in read if row.get("known_until") is None]


def test_people_are_those_registered_on_the_day(as_built: Record) -> None:
    year = held(as_built.folder)[1]
    assert (year.first, year.until) == (dt.date(2024, 4, 1), dt.date(2025, 4, 1))
    there = [row for row in rows(as_built, "registered") if row["since"] <= year.first < (row["until"] or dt.date.max)]
    assert sorted(row["person"] for row in there) == sorted(year.person[year.here].tolist())
    practice = {row["person"]: row["practice"] for row in there}
    born = {row["person"]: row["born"] for row in rows(as_built, "people")}
    sex = {row["person"]: row["sex"] for row in rows(as_built, "people")}
    for at in np.flatnonzero(year.here)[::97].tolist():
        person = int(year.person[at])
        day = born[person]
        assert isinstance(day, dt.date)
        months = 12 * (year.first.year - day.year) + year.first.month - day.month - (day.day > year.first.day)
        assert (year.practices[year.practice[at]], year.months[at]) == (practice[person], months)
        assert SEXES[year.cell[at] // FIFTHS] == sex[person]


def test_days_and_events_are_those_of_the_year(as_built: Record) -> None:
    year = held(as_built.folder)[2]
    spans: dict[object, list[tuple[dt.date, dt.date]]] = {}
    days = 0
    for row in rows(as_built, "registered"):
        since, until = max(row["since"], year.first), min(row["until"] or year.until, year.until)
        if since < until:
            days += (until - since).days
            spans.setdefault(row["person"], []).append((since, until))

    def within(table: str, on: str, which: Callable[[Mapping[str, Any]], bool] = lambda row: True) -> int:
        return sum(
            which(row) and any(since <= row[on] < until for since, until in spans.get(row["person"], ()))
            for row in rows(as_built, table)
        )

    assert days == int(year.days.sum())
    counted = dict(zip(year.streams, year.events.sum(axis=1).tolist(), strict=True))
    assert counted["emergency"] == within("admissions", "admitted", lambda row: str(row["admission_method"])[0] == "2")
    assert counted["attendances"] == within("attendances", "day")
    assert counted["outpatient"] == within("outpatients", "day", lambda row: row["attended"] == "attended")
    assert int(year.died.sum()) == within("deaths", "day")
    cost = sum(
        int(str(row["cost"])) for row in rows(as_built, "admissions") if year.first <= row["admitted"] < year.until
    )
    assert int(year.cost.sum()) == cost


@pytest.mark.long
def test_spark_reads_the_same(as_built: Record, spark: EngineKind) -> None:
    last = recorded.whole_years(as_built)[-1:]
    (there,) = recorded.years(as_built, last, engine=spark)
    here = held(as_built.folder)[-1]
    for each in fields(here):
        one, other = getattr(here, each.name), getattr(there, each.name)
        assert np.array_equal(one, other) if isinstance(one, np.ndarray) else one == other, each.name


def test_frailty_is_the_latest_entry_and_morbidity_the_registers_of_the_day(as_built: Record) -> None:
    year = held(as_built.folder)[1]
    level = {"MILDFRAIL_COD": 1, "MODFRAIL_COD": 2, "SEVFRAIL_COD": 3}
    latest: dict[object, tuple[object, int]] = {}
    for row in rows(as_built, "observations"):
        if row["code"] in level and row["day"] <= year.first:
            latest[row["person"]] = max(
                latest.get(row["person"], (dt.date.min, 0)), (row["day"], level[str(row["code"])])
            )
    ill: dict[object, set[object]] = {}
    for row in rows(as_built, "conditions"):
        if row["since"] <= year.first and str(row["code"]) not in ("COMPLEX-NEEDS", "PALCARE_COD"):
            ill.setdefault(row["person"], set()).add("STRK_COD" if row["code"] == "TIA_COD" else row["code"])
    for at in np.flatnonzero(year.here).tolist():
        person, state = int(year.person[at]), int(year.state[at])
        assert state % len(FRAILTY) == latest.get(person, (None, 0))[1]
        count = len(ill.get(person, ()))
        assert state // len(FRAILTY) in ((0,) if count == 0 else (1,) if count == 1 else (2,) if count == 2 else (2, 3))


def test_years_are_whole_and_unbroken(tmp_path: Path) -> None:
    def record(name: str, days: list[dt.date]) -> Record:
        stays = pa.table(
            {
                "person": pa.array(range(1, len(days) + 1), pa.int64()),
                "spell": pa.array(range(1, len(days) + 1), pa.int64()),
                "episode": pa.array([1] * len(days)),
                "since": pa.array(days),
                "until": pa.array(days),
                "admitted": pa.array(days),
                "discharged": pa.array(days),
                "provider": ["H"] * len(days),
                "admission_method": ["21"] * len(days),
            }
        )
        nobody = {"born": pa.array([dt.date(1950, 1, 1)]), "sex": ["female"], "person": pa.array([1], pa.int64())}
        others = {
            "people": pa.table(nobody),
            "registrations": pa.table({"person": nobody["person"], "practice": ["P"], "since": nobody["born"]}),
            "residences": pa.table(
                {"person": nobody["person"], "area": ["A"], "kind": ["home"], "since": nobody["born"]}
            ),
            "areas": pa.table({"area": ["A"], "council": ["C"], "deprivation": pa.array([1])}),
        }
        return write_record(tmp_path / name, {"episodes": stays, **others})

    every_day = [dt.date(2021, 3, 20) + dt.timedelta(n) for n in range(1488)]  # to 15 April 2025
    assert recorded.whole_years(record("plain", every_day)) == [
        (dt.date(year, 4, 1), dt.date(year + 1, 4, 1)) for year in range(2021, 2025)
    ]
    stray = [dt.date(1990, 1, 1), *every_day, dt.date(2025, 12, 31)]
    assert recorded.whole_years(record("stray", stray), most=2)[-1] == (dt.date(2024, 4, 1), dt.date(2025, 4, 1))
    gap = [day for day in every_day if not dt.date(2022, 10, 1) <= day < dt.date(2022, 12, 1)]
    assert recorded.whole_years(record("gap", gap)) == [
        (dt.date(2023, 4, 1), dt.date(2024, 4, 1)),
        (dt.date(2024, 4, 1), dt.date(2025, 4, 1)),
    ]


# -- what is found again -----------------------------------------------------------------------------------------------


def test_a_place_that_is_as_built_keeps_the_built_in_rates(as_built: Record) -> None:
    own = found(as_built.folder)
    assert set(own.multipliers) == {*recorded.STREAM_TABLES, "deaths", "emergency_cost", "elective_cost"}
    for name, one in own.multipliers.items():
        assert around(one.level, one.doubt, 1.0), name
        assert one.value.min() > 0.75 and one.value.max() < 1.33, name
        for factor in ("fifth", "age", "sex"):
            value, doubt = one.margin(factor)
            assert all(around(v, d, 1.0, 3) for v, d in zip(value, doubt, strict=True)), (name, factor)
    # registers know fewer conditions than the model has; what is coded of frailty is all of it
    assert own.parameters["multimorbidity_adults"].value < 0.4
    for name in ("frailty_onset_57", "frailty_onset_70", "moves"):
        assert own.parameters[name].value == pytest.approx(published().parameters[name].value, rel=0.13), name
    for name in ("burden_shape", "year_shape", "frailty_hospital_moderate", "chronic_share", "births_per_woman"):
        one, truth = own.parameters[name], published().parameters[name].value
        assert one.low is not None and one.high is not None
        assert one.low / 1.12 < truth < one.high * 1.12, name
    assert own.practices.between["community"] < 0.2


def test_known_alterations_are_found_within_their_intervals(altered: Record) -> None:
    own = found(altered.folder)
    fifths, doubt = own.multipliers["emergency"].margin("fifth")
    assert around(fifths[0], doubt[0], MORE_EMERGENCIES, NORMAL_95)
    assert fifths[0] > 1.15
    for fifth in range(1, FIFTHS):
        assert around(fifths[fifth], doubt[fifth], 1.0), fifth
    cost, elective = own.multipliers["emergency_cost"], own.multipliers["elective_cost"]
    assert around(cost.level, cost.doubt, LESS_COST)
    assert cost.level < 0.9
    assert around(elective.level, elective.doubt, 1.0)
    # one practice has more contacts: between the two of them lies what was altered
    column = own.practices.streams.index("community")
    first, second = own.practices.value[:, column]
    assert second / first == pytest.approx(MORE_CONTACTS, rel=0.15)
    assert own.practices.between["community"] > 2 * own.practices.between["attendances"]


def test_the_last_year_is_foreseen(altered: Record) -> None:
    test = foreseen(altered.folder)
    assert (test.calibrated_first, test.first, test.until) == (START, dt.date(2025, 4, 1), END)
    inside, of = test.coverage("all")
    assert (of, inside >= 9) == (10, True)
    inside, of = test.coverage("practice")
    assert of == 20
    assert inside >= 17
    inside, of = test.coverage("fifth")
    assert of == 50
    assert inside >= 43
    # what was altered is what built-in rates get wrong
    errors = test.errors("emergency_cost")
    assert errors.total and errors.total[2] > 0.1 and abs(errors.total[0]) < 0.08
    community = test.errors("community")
    assert community.practices and community.practices[0] < community.practices[2]
    for rows_of in test.found.values():
        (whole,) = [one for one in rows_of if one.division == "all"]
        for division in ("age", "sex", "fifth", "practice"):
            parts = [one for one in rows_of if one.division == division]
            assert sum(one.observed for one in parts) == pytest.approx(whole.observed)
            assert sum(one.expected for one in parts) == pytest.approx(whole.expected)


def test_nothing_that_leaves_of_a_back_test_gives_an_exact_count_back(altered: Record) -> None:
    """Whatever is worked out of what leaves, the exact counts cannot be: others round to the same, and give the same.

    Each count is moved to both ends of what rounds to the same: not one character changes of what is given away.
    """
    test = foreseen(altered.folder)
    out = test.leaving().as_json()
    told = json.dumps(out)
    assert json.dumps(test.as_json()) != told

    def moved(value: float, step: int, end: float) -> float:
        low = step * ((2 * round(value) + step) // (2 * step)) - step // 2
        return max(low + end * (step - 1), 0.0) if value > step else value

    def other(one: Compared, name: str, end: float) -> Compared:
        step = 10_000 if name in MONEY else 5
        before = moved(one.before, step, end)
        carried = one.carried * before / one.before if one.before else one.carried
        return replace(one, observed=moved(one.observed, step, end), before=before, carried=carried)

    moves = 0
    for end in (0.0, 1.0):
        found = {name: tuple(other(one, name, end) for one in rows) for name, rows in test.found.items()}
        moves += sum(a != b for name in found for a, b in zip(found[name], test.found[name], strict=True))
        assert json.dumps(replace(test, found=found).leaving().as_json()) == told
    assert moves > 200

    differs = 0
    for name, figures in out["figures"].items():
        step = 10_000 if name in MONEY else 5
        for one, true in zip(figures, test.found[name], strict=True):
            if one["observed"] == "*":
                assert set(one) == {"by", "of", "observed"}
                continue
            numbers = [one[which] for which in ("observed", "expected", "low", "high", "carried_forward", "built_in")]
            assert all(number % step == 0 for number in numbers)
            assert one["inside"] == (one["low"] <= one["observed"] <= one["high"])
            assert abs(one["observed"] - true.observed) <= step / 2
        # what happened = simulated / (1 + error): the rounded number again, and not the exact one
        whole, true = figures[0], test.found[name][0]
        back = whole["expected"] / (1 + out["errors"][name]["total"]["simulated"])
        assert back == pytest.approx(whole["observed"], rel=1e-4)
        differs += abs(back - true.observed) > abs(whole["observed"] - true.observed) / 2 > 0
    assert differs > 5


def test_a_calibration_says_nothing_of_one_event_more_or_less(altered: Record) -> None:
    """A death more or less, where the rounded counts are the same, changes no figure of what is written."""
    years = held(altered.folder)
    own = found(altered.folder)
    last = years[-1]
    events = own.multipliers["deaths"].events
    frail = {at: sum(int(year.died[year.state % len(FRAILTY) == at].sum()) for year in years) for at in range(4)}

    def same(count: float) -> bool:
        return ((count <= 7) == (count - 1 <= 7) and rounding.rounded(count) == rounding.rounded(count - 1)) or (
            2 <= count <= 7
        )

    def unseen(at: int) -> bool:
        age, cell = divmod(int(last.group[at]), GROUPS[1])
        counts = (events.sum(), events[age].sum(), events[age, cell], frail[int(last.state[at]) % len(FRAILTY)])
        return all(same(float(count)) for count in counts)

    chosen = [at for at in np.flatnonzero(last.died).tolist() if unseen(at)]
    assert chosen
    died, days = last.died.copy(), last.days.astype(float)
    died[chosen[0]] = False
    days[chosen[0]] += 0.5 * last.length / 12  # as long as with the month of the death counted whole
    other = calibrated(altered, [*years[:-1], replace(last, died=died, days=days)])
    assert other.multipliers["deaths"].events.sum() == events.sum() - 1
    # the same as far as sums are; one of some 450 deaths would be two in a thousand
    assert other.multipliers["deaths"].value == pytest.approx(own.multipliers["deaths"].value, rel=1e-6)
    assert other.multipliers["deaths"].doubt == pytest.approx(own.multipliers["deaths"].doubt, rel=1e-6)
    for name, one in own.parameters.items():
        assert other.parameters[name].value == pytest.approx(one.value, rel=1e-6), name
        assert other.parameters[name].high == pytest.approx(one.high, rel=1e-6), name


def test_intervals_of_single_figures_give_rounded_counts_back(altered: Record) -> None:
    """An interval as wide as one over the root of a count tells the count: so it is a rounded one."""
    own = found(altered.folder)
    for name in ("moves", "births_per_woman", "chronic_share", "frailty_onset_70", "frailty_worsening"):
        one = own.parameters[name]
        assert one.high is not None
        count = (NORMAL_95 / np.log(one.high / one.value)) ** 2
        assert count == pytest.approx(5 * round(count / 5), rel=1e-6), name
    left = sum(int((year.left & year.here).sum()) for year in held(altered.folder))
    months = sum(float(year.days[year.here].sum() / year.length * 12) for year in held(altered.folder))
    assert own.parameters["moves"].value * months / 12 == pytest.approx(rounding.rounded(left), rel=1e-9)


def test_a_table_of_rounded_counts_depends_on_nothing_else() -> None:
    random = np.random.Generator(np.random.PCG64(3))
    for mean in (0.5, 3.0, 12.0, 80.0):
        expected = mean * random.uniform(0.3, 3, GROUPS)
        observed = random.poisson(expected).astype(float)
        shown = rounding.table(observed, expected)
        hidden = (observed >= 1) & (observed <= 7)
        rows = observed.sum(axis=1)
        for row in np.flatnonzero(rows > 7):
            assert shown[row].sum() in (rounding.rounded(rows[row]), pytest.approx(rounding.rounded(rows[row])))
        assert (shown[observed == 0] == 0).all()
        # any other small numbers with the same sums of rows give the same table
        for row in range(GROUPS[0]):
            small = np.flatnonzero(hidden[row])
            for a, b in pairwise(small):
                if observed[row, a] < 7 and observed[row, b] > 1:
                    changed = observed.copy()
                    changed[row, a] += 1
                    changed[row, b] -= 1
                    assert (rounding.table(changed, expected) == shown).all()
    few = np.zeros(GROUPS)
    few[3, 4] = 5
    assert (rounding.table(few, expected) == expected).all()


def test_who_used_much_is_taken_to_go_on(as_built: Record) -> None:
    years = held(as_built.folder)
    own = model(None, found(as_built.folder).figures)
    past = history(years[:2], own, found(as_built.folder).practices)
    there = on_record.people_on(years[2], own, past)
    plain = on_record.people_on(years[2], own)
    place = np.searchsorted(past.person, there.persons)
    known = place < len(past.person)
    place[~known] = 0
    known &= past.person[place] == there.persons
    much = known & (past.counted[place] > 4 * past.expected[place] + 2)
    assert there.people.burden[much].mean() > 24 > plain.people.burden[much].mean()
    # all together they stay what everybody's burden is
    assert there.people.burden.mean() == pytest.approx(15.5, abs=0.5)


def test_states_that_a_record_does_not_tell_are_drawn_as_the_model_has_them(as_built: Record) -> None:
    year = replace(held(as_built.folder)[0], told=frozenset({"frailty"}))
    state = on_record.completed(year, model())
    assert (state % len(FRAILTY) == year.state % len(FRAILTY)).all()
    adults = year.age >= 18
    complex_people = (state[adults] // len(FRAILTY) == 3).mean()
    assert 0.2 < complex_people < 0.45
    assert (on_record.completed(year, model()) == state).all()


# -- what is written ---------------------------------------------------------------------------------------------------


def test_a_calibration_is_read_as_it_was_written_and_tells_nothing_of_a_few(altered: Record, tmp_path: Path) -> None:
    own = found(altered.folder)
    calibration_file.write(own, tmp_path / "own")
    read = calibration_file.read(tmp_path / "own")
    for name, curve in own.figures.curves.items():
        assert read.figures.curves[name] == pytest.approx(curve, rel=0.2), name
    many = own.multipliers["attendances"]
    assert (many.events > 7).all()
    assert read.figures.curves["attendances"] == pytest.approx(own.figures.curves["attendances"], rel=1e-3)
    for name, one in own.parameters.items():
        assert read.figures.parameters[name].value == pytest.approx(one.value, rel=1e-3)
        assert one.authority
    assert read.practices.codes == own.practices.codes
    assert read.practices.value == pytest.approx(own.practices.value, rel=1e-3)
    with (tmp_path / "own" / "rates.csv").open() as file:
        for row in csv.DictReader(file):
            for column in ("events", "people_years"):
                assert row[column] == "*" or int(row[column]) % 5 == 0
            number = float(own.multipliers[row["quantity"]].events[
                [calibration_file.age_group(n) for n in range(GROUPS[0])].index(row["age_group"]),
                SEXES.index(row["sex"]) * FIFTHS + int(row["fifth"]) - 1,
            ])  # fmt: skip
            assert (row["events"] == "*") == (1 <= number <= 7)


@pytest.mark.parametrize(
    ("file", "change", "said"),
    [
        ("rates.csv", lambda text: text.replace("female,1,", "female,6,", 1), "no group of the model"),
        ("rates.csv", lambda text: "\n".join(text.splitlines()[:-3]) + "\n", "multipliers for 67 of 70 groups"),
        ("rates.csv", lambda text: text.replace("quantity", "thing", 1), "column quantity is missing"),
        ("practices.csv", lambda text: text.replace("emergency", "surgery", 1), "surgery is no stream"),
        ("practices.csv", lambda text: text + "P9999,emergency,900,1,2,50\n", "900 is no multiplier"),
        ("calibration.yaml", lambda text: text.replace("  moves: {value: 0", "  moves: {value: -0"), "moves cannot be"),
        ("calibration.yaml", lambda text: text.replace("  moves:", "  motes:"), "no figure motes"),
        ("calibration.yaml", lambda text: text.replace("accord: 1", "accord: 2"), "2"),
    ],
)
def test_a_wrong_calibration_is_refused_with_its_place(
    as_built: Record, tmp_path: Path, file: str, change: Callable[[str], str], said: str
) -> None:
    calibration_file.write(found(as_built.folder), tmp_path / "own")
    path = tmp_path / "own" / file
    path.write_text(change(path.read_text()))
    with pytest.raises(DataRefused) as refused:
        calibration_file.read(tmp_path / "own")
    assert said in str(refused.value)
    assert file in refused.value.problems[0].place.file


def test_a_figure_of_few_people_is_withheld_and_never_alone() -> None:
    def row(name: str, count: float) -> Compared:
        return Compared("practice", name, count, count, count - 1, count + 1, count, count, count)

    whole = [row("P1", 5), row("P2", 33), row("P3", 101)]
    shown = leaving(whole, "deaths")
    assert [(one.withheld, one.observed) for one in shown] == [(True, 0), (True, 0), (False, 100)]
    # last year's own count stands behind what is carried forward: it goes by the same rules
    before = [replace(one, events_before=3 if one.name == "P3" else 40) for one in whole[1:]]
    assert [one.withheld for one in leaving(before, "deaths")] == [True, True]
    costly = Compared("all", "all", 5_000_000, 1, 0, 2, 1, 1, 40, dominated=True)
    assert leaving([costly], "emergency_cost")[0].withheld


# -- a place of its own record -----------------------------------------------------------------------------------------

PLACE = """accord: 1
place: own
starts: 2026-04-01
population: {population}
contracts: {{gms-global-sum: {{}}}}
"""


def _made_place(folder: Path) -> Path:
    (folder / "made").mkdir()
    (folder / "made" / "place.yaml").write_text(PLACE.format(population="{size: 3000}"))
    return folder / "made"


def test_a_place_simulates_on_its_own_record_and_calibration(altered: Record, tmp_path: Path) -> None:
    calibration_file.write(found(altered.folder), tmp_path / "own")
    (tmp_path / "place.yaml").write_text(PLACE.format(population=f"{{record: {altered.folder}, calibration: own}}"))
    there = population_of(read_place(tmp_path), 2)
    registered = [row for row in rows(altered, "registered") if (row["until"] or dt.date.max) > END]
    assert int((there.people.months >= 0).sum()) == len(registered)
    assert there.given is not None and there.by_practice is not None
    # registers know a fifth of the complex multimorbidity that the model's study counts: the page says which it is
    assert on_record.BY_REGISTERS in there.notes
    made = population_of(read_place(_made_place(tmp_path)), 1)
    said = [
        multimorbidity_of(cast("Stage", SimpleNamespace(notes=one.notes, place=SimpleNamespace(population=of))))
        for one, of in ((there, {"record": "r"}), (made, {"size": "3000"}))
    ]
    assert "registers" in said[0] and "built-in" in said[1]
    assert [one.code for one in there.practices] == ["P0001", "P0002"]
    assert all(
        one.network and one.neighbourhood and one.board and one.council and one.hospital for one in there.practices
    )
    column = 2 + STREAMS.index("community")
    assert there.by_practice[1, column] / there.by_practice[0, column] == pytest.approx(MORE_CONTACTS, rel=0.15)
    cheaper = model(None, there.given).cost["emergency"] / model().cost["emergency"]
    assert cheaper.mean() == pytest.approx(LESS_COST, rel=0.1)


@pytest.mark.parametrize(
    ("population", "said"),
    [
        ("{record: record, size: 5000}", "made, or brought along, or of the place's own record"),
        ("{calibration: own, size: 5000}", "made, or brought along, or of the place's own record"),
        ("{record: nowhere}", "no record here"),
    ],
)
def test_a_population_is_one_thing(tmp_path: Path, population: str, said: str) -> None:
    (tmp_path / "place.yaml").write_text(PLACE.format(population=population))
    with pytest.raises(DataRefused, match=said):
        population_of(read_place(tmp_path), 1)


def test_a_place_does_not_begin_long_after_its_record(as_built: Record, tmp_path: Path) -> None:
    text = PLACE.format(population=f"{{record: {as_built.folder}}}").replace("2026-04-01", "2028-04-01")
    (tmp_path / "place.yaml").write_text(text)
    with pytest.raises(DataRefused, match="first simulated year begins on 2028-04-01"):
        population_of(read_place(tmp_path), 1)


# -- the command, and what it refuses ----------------------------------------------------------------------------------


def test_the_command_writes_a_calibration_its_test_and_a_page(altered: Record, command) -> None:  # type: ignore[no-untyped-def]
    ended = command("calibrate", altered.folder, "--out", "own", "--html", "own.html", "--years", "2", "--draws", "40")
    assert ended.code == 0, ended.err
    assert "Level against the built-in rates" in ended.out
    page = Path("own.html").read_text()
    assert "Would it have known the last year?" in page and "<svg" in page
    told = json.loads(Path("own/back-test.json").read_text())
    assert told["exact"] is False
    assert told["coverage"]["all"]["of"] == 10
    for figures in told["figures"].values():
        assert all(one["observed"] == "*" or one["observed"] % 5 == 0 for one in figures)
    # again into the same folder is a new calibration, into another's folder is not
    Path("taken").mkdir()
    Path("taken/x").write_text("x")
    refused = command("calibrate", altered.folder, "--out", "taken")
    assert refused.code != 0 and "something else here" in refused.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--until", "April"), 2, "April is not a day"),
        (("--until", "2028-04-01"), 4, "is not whole"),
        (("--until", "2023-09-01"), 4, "no whole year"),
        (("--years", "1"), 4, "a back-test needs two"),
        (("--years", "0"), 2, "0 years"),
        (("--draws", "10"), 2, "40 or more"),
        (("--seed", "-1"), 2, "-1 is no seed"),
    ],
)
def test_what_cannot_be_asked_is_said(
    as_built: Record, command, arguments: tuple[str, ...], code: int, said: str
) -> None:  # type: ignore[no-untyped-def]
    ended = command("calibrate", as_built.folder, *arguments, "--out", "own")
    assert ended.code == code
    assert said in ended.err
    assert not Path("own").exists()


def copied(record: Record, folder: Path, change: Callable[[dict[str, pa.Table]], None]) -> Record:
    """A copy of a record with tables changed."""
    shutil.copytree(record.folder, folder)
    tables = {}
    for name in ("people", "registrations", "residences", "areas", "episodes", "organisations", "deaths"):
        for path in open_record(folder).files(name):
            tables[name] = pq.read_table(path)
    change(tables)
    shutil.rmtree(folder)
    return write_record(folder, tables)


def _old(tables: dict[str, pa.Table]) -> None:
    people = tables["people"]
    born = pa.array([dt.date(1850, 1, 1)] * people.num_rows, pa.date32())
    tables["people"] = people.set_column(people.column_names.index("born"), "born", born)


def _unknown(tables: dict[str, pa.Table]) -> None:
    people = tables["people"]
    sex = pa.array(["unknown"] * people.num_rows)
    tables["people"] = people.set_column(people.column_names.index("sex"), "sex", sex)


def _nowhere(tables: dict[str, pa.Table]) -> None:
    areas = tables["areas"]
    nothing = pa.nulls(areas.num_rows, areas.schema.field("deprivation").type)
    tables["areas"] = areas.set_column(areas.column_names.index("deprivation"), "deprivation", nothing)


def _dropped(*names: str) -> Callable[[dict[str, pa.Table]], None]:
    def change(tables: dict[str, pa.Table]) -> None:
        for name in names:
            del tables[name]

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_dropped("areas", "episodes"), "no table areas|no table episodes"),
        (_dropped("registrations"), "no table registrations"),
        (_old, "no possible day of birth"),
        (_unknown, "neither female nor male"),
        (_nowhere, "no area with a deprivation fifth"),
    ],
)
def test_a_record_that_cannot_be_calibrated_to_is_refused(
    as_built: Record, tmp_path: Path, change: Callable[[dict[str, pa.Table]], None], said: str
) -> None:
    record = copied(as_built, tmp_path / "record", change)
    with pytest.raises(DataRefused, match=said) as refused:
        calibrating.calibrate(record, out=tmp_path / "own")
    assert str(record.folder) in refused.value.problems[0].place.file
    assert not (tmp_path / "own").exists()


def test_a_record_of_hospitals_alone_keeps_what_is_built_in_of_the_rest(as_built: Record, tmp_path: Path) -> None:
    record = copied(as_built, tmp_path / "record", _dropped("organisations"))
    made = calibrating.calibrate(record, testing=False, most=1).calibration
    assert set(made.multipliers) == {"emergency", "elective", "deaths", "emergency_cost", "elective_cost"}
    said = " ".join(made.notes)
    for words in ("no consultations", "no attendances", "tells no morbidity", "tells no frailty"):
        assert words in said
    assert around(made.multipliers["emergency"].level, made.multipliers["emergency"].doubt, 1.0, 3)


# -- credibility -------------------------------------------------------------------------------------------------------


def test_a_large_group_has_its_own_figure_and_a_small_one_stays_near_the_others() -> None:
    expected = np.array([4000.0, 4000.0, 4000.0, 4.0])
    one = believe(np.array([5200.0, 4000.0, 3000.0, 12.0]), expected, 1.0)
    assert one.value[:3] == pytest.approx([1.3, 1.0, 0.75], rel=0.02)
    assert 1.0 < one.value[3] < 2.2
    assert one.doubt[3] > 5 * one.doubt[0]


def test_what_differs_by_chance_alone_stays_together() -> None:
    random = np.random.default_rng(3)
    expected = np.full(50, 100.0)
    one = believe(random.poisson(expected).astype(float), expected, 1.0)
    assert one.between < 0.06
    assert np.abs(one.value - 1).max() < 0.12


def test_multipliers_add_up_to_what_happened() -> None:
    random = np.random.default_rng(5)
    expected = random.gamma(2, 40, GROUPS)
    truth = np.where(np.arange(GROUPS[1]) % FIFTHS == 0, 1.5, 1.0) * np.ones(GROUPS)
    observed = random.poisson(expected * truth).astype(float)
    made = multipliers(observed, expected, expected, 1.0)
    assert (made.value * expected).sum() == pytest.approx(observed.sum())
    assert made.margin("fifth")[0] == pytest.approx([1.5, 1, 1, 1, 1], rel=0.08)
    nothing = multipliers(np.zeros(GROUPS), expected, expected, 1.0)
    assert 0 < nothing.value.max() < 0.05
