"""Data of contracts from a made place's record, and the command that makes the place."""

from __future__ import annotations

import csv
import datetime as dt
import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("numba")

from accord.cli import app
from accord.language.problem import AccordError
from accord.place import futures
from accord.place.place import read_place
from accord.settlement import calls as settlement
from accord.simulation.calls import MadePlace, make_place
from tests.place.given import place as given

RUNNER = pytest.importorskip("typer.testing").CliRunner()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> MadePlace:
    return make_place(tmp_path_factory.mktemp("made") / "riverside", 12_000, seed=4)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_lists_of_the_first_quarter_are_those_who_are_registered(place: MadePlace):
    """People on 1 April 2026: those of the start, with the births and without the deaths of the first year."""
    listed = rows(place.folder / "data/gms-global-sum/lists.csv")
    april = sum(int(row["patients"]) for row in listed if row["quarter"] == "2026-04-01")
    assert abs(april - place.population.patients) < 0.02 * place.population.patients
    assert {row["quarter"] for row in listed} == {"2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01"}
    members = rows(place.folder / "data/integration-supplement/members.csv")
    assert sum(int(row["list_size"]) for row in members) == april


def test_every_contract_settles_on_the_data(place: MadePlace):
    for path in place.data:
        settled = settlement.settle(path.name, path)
        assert settled.payments.num_rows > 0, path.name


def test_expected_admissions_are_englands_rates_at_these_people(place: MadePlace):
    """Two years of one practice, seed 4: what happened is near what is expected, within four standard deviations."""
    (row,) = rows(place.folder / "data/integration-supplement/admissions.csv")
    observed, expected = int(row["observed"]), float(row["expected"])
    assert abs(observed - expected) < 4 * (3 * expected) ** 0.5  # burdens make it vary more than a Poisson number


def test_the_supplement_gets_the_global_sum_that_was_settled(place: MadePlace):
    settled = settlement.settle("gms-global-sum", place.folder / "data/gms-global-sum")
    money = settled.values("annual_global_sum")
    for row in rows(place.folder / "data/integration-supplement/members.csv"):
        assert money[row["practice"], row["year"]] == Fraction(row["global_sum"])


def test_the_place_is_one_that_can_be_simulated(place: MadePlace):
    found = read_place(place.folder)
    assert found.population == {"size": str(place.population.patients), "seed": "4"}
    assert [one.name for one in found.contracts] == ["gms-global-sum", "integration-supplement"]
    assert found.starts == dt.date(2026, 4, 1)


@pytest.mark.parametrize(
    ("asked", "first", "data", "said"),
    [
        ({"years": 3}, dt.date(2024, 4, 1), 3, ""),
        ({"years": 1}, dt.date(2026, 4, 1), 0, "the record has one year"),
        ({"start": dt.date(2025, 1, 1)}, dt.date(2025, 1, 1), 0, "those of the record on 01.01."),
        (
            {"start": dt.date(2027, 4, 1)},
            dt.date(2027, 4, 1),
            0,
            "begins on 2028-04-01, and gms-global-sum is in force",
        ),
        ({"start": dt.date(2024, 4, 1)}, dt.date(2024, 4, 1), 1, "integration-supplement is in force from 2026-04-01"),
    ],
)
def test_whatever_was_asked_the_place_is_simulated_at_once(
    asked: dict[str, Any], first: dt.date, data: int, said: str, tmp_path: Path
):
    """Futures begin in the first year of all its contracts, since one of them looks back; what is left out is said."""
    made = make_place(tmp_path / "made", 1_500, **asked)
    assert made.population.start == first
    assert len(made.data) == data
    assert said in made.left_out and bool(said) == bool(made.left_out)
    readme = (made.folder / "README.md").read_text("utf-8")
    assert made.left_out in readme and ("is left out" in readme) == bool(said)
    case = futures.stage(read_place(made.folder), years=2, scenarios=[]).cases[0]
    assert [one.name for one in case.contracts] == ["gms-global-sum", "integration-supplement"]


def test_a_start_too_late_for_a_contract_that_looks_back_is_said_with_its_file(tmp_path: Path):
    folder = given(tmp_path)
    file = folder / "place.yaml"
    file.write_text(file.read_text("utf-8").replace("starts: 2026", "starts: 2027"), "utf-8")
    with pytest.raises(
        AccordError, match="integration-supplement looks back: it is settled from 2026-04-01 on"
    ) as told:
        futures.stage(read_place(folder), years=2)
    assert [problem.place.file for problem in told.value.problems] == [str(file)]
    assert "say starts: 2026-04-01" in str(told.value)


def test_the_command_says_what_it_made(tmp_path: Path):
    out = tmp_path / "small"
    told = RUNNER.invoke(app, ["population", str(out), "--size", "1500", "--seed", "2", "--years", "1", "--json"])
    assert told.exit_code == 0, told.output
    said = json.loads(told.stdout)
    assert said["people"] == 1500 and said["rows"]["people"] >= 1500 and said["data"] == []
    assert "the record has one year" in said["left_out"]
    assert (out / "README.md").read_text("utf-8").startswith("# small: a made place of 1,500 people")
    assert sum(int(row["people"]) for row in rows(out / "structure/people.csv")) == 1500


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        (["--size", "-5"], 2, "--size: -5 is no number of people"),
        (["--size", "5000", "--years", "0"], 2, "--years: 0 years cannot be made"),
        (["--size", "5000", "--seed", "-1"], 2, "--seed: -1 is no seed"),
        (["--size", "5000", "--start", "April"], 2, "--start: April is not a day"),
        (["--size", "5000", "--start", "2025-04-06"], 2, "--start: 2025-04-06 is not the first of a month"),
        ([], 2, "--size: how many people the place has is missing"),
        (["--lists", "nowhere"], 4, "there is no file practice_age_sex"),
    ],
)
def test_nonsense_is_an_error_and_leaves_nothing(given: list[str], code: int, said: str, tmp_path: Path):
    """What was asked wrongly ends with 2, data that cannot be used with 4."""
    told = RUNNER.invoke(app, ["population", str(tmp_path / "made"), *given])
    assert isinstance(told.exception, AccordError)
    assert told.exception.exit_code == code
    assert said in str(told.exception)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("mine", "utf-8")
    told = RUNNER.invoke(app, ["population", str(tmp_path), "--size", "1500"])
    assert "there is something here already" in str(told.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
