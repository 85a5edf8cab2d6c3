"""``accord roster``: what is released, what stays inside, and what is said when it is called wrongly."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.record.plain import record_of


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Practices of 40, 23, 3 and 18 people, of whom one moved on 1 March."""
    folder = tmp_path_factory.mktemp("record")
    sizes = {"P1": 40, "P2": 23, "P3": 3, "P4": 18}
    practices = [practice for practice, size in sizes.items() for _ in range(size)]
    spans: list[dict[str, Any]] = [
        {"person": 9_000_000_000 + n, "practice": practice, "since": "2020-01-01"}
        for n, practice in enumerate(practices)
    ]
    spans[0]["until"] = "2026-03-01"
    spans.append({"person": 9_000_000_000, "practice": "P4", "since": "2026-03-01"})
    within = {"P1": "B1", "P2": "B1", "P3": "B1", "P4": "B2"}
    record_of(
        folder,
        registrations=spans,
        organisations=[
            *({"code": code, "kind": "practice", "within": board} for code, board in within.items()),
            {"code": "B1", "kind": "board"},
            {"code": "B2", "kind": "board"},
        ],
        residences=[{"person": 9_000_000_000, "area": "E1", "kind": "home", "since": "2020-01-01"}],
        areas=[{"area": "E1", "council": "C1", "board": "B2"}],
        admissions=[
            {
                "person": 9_000_000_000,
                "admission": 1,
                "admitted": "2026-02-27",
                "discharged": "2026-03-09",
                "provider": "R",
                "last_provider": "R",
                "spells": 1,
                "episodes": 1,
                "cost": 240_000,
            }
        ],
    )
    return folder


def test_what_is_printed_may_be_released(command: Callable[..., Any], record: Path) -> None:
    ended = command("roster", record, "--on", "2026-02-01", "--by", "practice", "--json")
    assert ended.code == 0 and ended.json["released"]
    shown = {row["organisation"]: row["people"] for row in ended.json["rows"]}
    # the 3 of P3 are withheld, and so is another, so that the whole does not give them away
    assert shown["P3"] == "*" and list(shown.values()).count("*") == 2
    assert shown["all"] == "85" and all(int(people) % 5 == 0 for people in shown.values() if people != "*")
    assert "9000000" not in ended.out


def test_exact_figures_stay_inside(command: Callable[..., Any], record: Path) -> None:
    ended = command(
        "roster", record, "--from", "2026-02-01", "--until", "2026-04-01", "--every", "month", "--by", "practice",
        "--inside", "--json",
    )  # fmt: skip
    found = {(row["organisation"], row["period"]): (row["people"], row["person_days"]) for row in ended.json["rows"]}
    assert found["P1", "2026-02-01"] == (40, 40 * 28) and found["P1", "2026-03-01"] == (39, 39 * 31)
    assert found["P4", "2026-02-01"] == (18, 18 * 28) and found["P4", "2026-03-01"] == (19, 19 * 31)


def test_who_pays_and_flows_are_exact_and_only_inside(
    command: Callable[..., Any], record: Path, tmp_path: Path
) -> None:
    window = ("--from", "2026-02-01", "--until", "2026-04-01")
    refused = command("roster", record, *window, "--who-pays")
    assert refused.code == 2 and "--inside" in refused.err
    paid = command("roster", record, *window, "--who-pays", "--inside", "--json").json["rows"]
    # registered under B1 on the day of admission: B1 pays the ten days, though the person was B2's from 1 March
    assert [(row["payer"], row["days"], row["cost"]) for row in paid] == [("B1", 10, 240_000)]
    out = tmp_path / "flows.csv"
    written = command("roster", record, *window, "--flows", "board", "--out", out)
    assert written.code == 0 and "inside the boundary" in written.out
    with out.open(newline="", encoding="utf-8") as file:
        flows = {(row["registered"], row["lives"]): int(row["person_days"]) for row in csv.DictReader(file)}
    assert flows["B1", "B2"] == 28 and flows["B2", "B2"] == 31 and sum(flows.values()) == 84 * 59


def test_candidates_of_an_attribution_go_to_a_file_only(
    command: Callable[..., Any], record: Path, tmp_path: Path
) -> None:
    window = ("--from", "2026-02-01", "--until", "2026-04-01", "--who", "attributed", "--candidates")
    assert "written to a file only" in command("roster", record, *window, "--inside").err
    ended = command("roster", record, *window, "--out", tmp_path / "candidates.parquet")
    assert ended.code == 0 and "0 rows" in ended.out and (tmp_path / "candidates.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--on", "1 April"), 2, "write it as 2026-04-01"),
        ((), 2, "the days are missing"),
        (("--on", "2026-02-01", "--by", "pratice"), 2, "did you mean practice?"),
        (("--on", "2026-02-01", "--who", "resident", "--by", "practice"), 2, "area, council, board, all"),
        (("--from", "2026-02-02", "--until", "2026-03-02", "--every", "month"), 2, "begin on the first day of a month"),
        (("--on", "2026-02-01", "--engine", "oracle"), 2, "duckdb or spark"),
        (("--on", "2026-02-01", "--who", "attributed", "--method", "msp"), 2, "did you mean mssp?"),
    ],
)
def test_what_cannot_be_asked_is_said_with_what_can(
    command: Callable[..., Any], record: Path, arguments: tuple[str, ...], code: int, said: str
) -> None:
    ended = command("roster", record, *arguments)
    assert ended.code == code and said in ended.err


def test_a_folder_without_a_record(command: Callable[..., Any], tmp_path: Path) -> None:
    ended = command("roster", tmp_path / "nothing", "--on", "2026-02-01")
    assert ended.code == 4 and "there is no record here" in ended.err


def test_what_is_released_into_a_file_is_in_the_register_too(
    command: Callable[..., Any], record: Path, tmp_path: Path
) -> None:
    asked = ("roster", record, "--on", "2026-02-01", "--by", "practice", "--released")
    assert "add --out FILE" in command(*asked).err
    ended = command(*asked, "--out", tmp_path / "given.csv")
    assert ended.code == 0 and "entered into the register" in ended.out
    with (tmp_path / "given.csv").open(newline="", encoding="utf-8") as file:
        given = {row["organisation"]: row["people"] for row in csv.DictReader(file)}
    assert given["P3"] == "*" and given["all"] == "85"
    (line,) = (record / "released.jsonl").read_text().splitlines()
    assert '"measure": "the registered population"' in line
    # a cut by board afterwards: P1, P2 and P3 make B1, and the one that was withheld beside P3 stays in the dark
    boards = command("roster", record, "--on", "2026-02-01", "--by", "board", "--json").json
    assert {row["organisation"] for row in boards["rows"]} == {"B1", "B2", "all"}
    (record / "released.jsonl").unlink()


def test_a_folder_that_is_not_there_is_said_before_anything_is_counted(
    command: Callable[..., Any], record: Path, tmp_path: Path
) -> None:
    ended = command("roster", record, "--on", "2026-02-01", "--out", tmp_path / "no" / "such" / "x.csv")
    assert ended.code == 6 and "there is no folder" in ended.err and not (tmp_path / "no").exists()
    refused = command("roster", record, "--on", "2026-02-01", "--who-pays", "--released", "--out", tmp_path / "x.csv")
    assert refused.code == 2 and "exact" in refused.err
