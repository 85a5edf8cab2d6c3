"""``accord prepare``: published files become the folder of inputs that ``accord settle`` takes, with commands alone."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.library.england import add_made_up

Find = Callable[[str], Path]

LISTS = "PRACTICE_CODE,SEX,AGE_GROUP_5,NUMBER_OF_PATIENTS\n"
REGISTERS = """PRACTICE_CODE,GROUP_CODE,REGISTER,PATIENT_LIST_TYPE,PRACTICE_LIST_SIZE
A81001,AF,113,TOTAL,3904
A81001,AST,324,06OV,3687
A81002,AF,*,TOTAL,5000
"""


@pytest.fixture
def registers(tmp_path: Path) -> Path:
    """Three rows as they are published, one of them hidden."""
    path = tmp_path / "registers.csv"
    path.write_text(REGISTERS, encoding="utf-8")
    return path


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_without_files_the_readings_are_listed(command: Callable[..., Any]) -> None:
    said = command("prepare", "gms-global-sum").out
    for name in ("lists", "practices", "deprivation"):
        assert f"{name}: " in said
    listed = {one["reading"]: one for one in command("prepare", "qof", "--json").json}
    assert listed["registers"]["inputs"] == ["registers"] and list(listed["registers"]["years"]) == ["2024"]
    assert "has no readings" in command("prepare", "payment-scheme").out


def test_a_file_becomes_an_input(command: Callable[..., Any], registers: Path, tmp_path: Path) -> None:
    ended = command("prepare", "qof", f"registers={registers}", "--out", tmp_path / "data")
    assert ended.code == 0 and "wrote" in ended.out and "1 left out" in ended.out
    assert rows(tmp_path / "data" / "registers.csv")[0] == {
        "practice": "A81001", "area": "AF", "year": "2024-04-01", "register": "113", "of_list": "3904",
    }  # fmt: skip
    assert "Still needed: lists, counts." in ended.out


def test_two_readings_take_the_same_file_and_a_row_is_written_by_hand(
    command: Callable[..., Any], registers: Path, tmp_path: Path
) -> None:
    row = "scope:year=2024-04-01,covers_england=true"
    files = [f"registers={registers}", f"lists={registers}"]
    told = command("prepare", "qof", *files, "--row", row, "--year", "2024", "--out", tmp_path / "d", "--json").json
    assert [(one["reading"], one["rows"]) for one in told["read"]] == [
        ("registers", {"registers": 2}),
        ("lists", {"lists": 2}),
    ]
    assert told["by_hand"] == {"scope": 1} and told["still_needed"] == ["counts"]
    assert rows(tmp_path / "d" / "scope.csv") == [{"year": "2024-04-01", "covers_england": "true"}]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["registers=r.csv"], 2, "add --out DIR", id="nowhere to write"),
        pytest.param(["registers", "--out", "d"], 2, "write READING=FILE", id="no file"),
        pytest.param(["registres=registers.csv", "--out", "d"], 4, "has no reading registres", id="no such reading"),
        pytest.param(["registers=r.csv", "--out", "d"], 6, "r.csv", id="no such file"),
        pytest.param(["registers=registers.csv", "--year", "1999", "--out", "d"], 4, "1999", id="no such year"),
        pytest.param(["--row", "scop:year=2024-04-01", "--out", "d"], 2, "has no input scop", id="no such input"),
        pytest.param(["--row", "scope:covers_england=true", "--out", "d"], 2, "does not say year", id="no key"),
        pytest.param(["--row", "scope:yaer=2024-04-01", "--out", "d"], 2, "yaer is not a column", id="no such column"),
        pytest.param(
            ["registers=registers.csv", "--row", "registers:practice=A,area=AF,year=2024-04-01", "--out", "d"],
            4,
            "cannot have rows of its own",
            id="filled twice",
        ),
    ],
)
def test_what_it_refuses(
    command: Callable[..., Any], registers: Path, arguments: list[str], code: int, says: str
) -> None:
    ended = command("prepare", "qof", *arguments)
    assert ended.code == code and says in ended.err + ended.out and "Traceback" not in ended.err
    assert not list(registers.parent.glob("d/*.csv"))


# ------------------------------------------------------------------------------------------------------ all of England


@pytest.mark.long
def test_the_global_sum_of_england_with_commands_alone(
    command: Callable[..., Any], real_data: Find, tmp_path: Path
) -> None:
    files = [
        f"lists={real_data('registered/practice_age_sex_2026-07.parquet')}",
        f"practices={real_data('registered/practice_map_2026-07.csv')}",
    ]
    nation = "nation:quarter=2026-07-01,covers_the_nation=true"
    assert command("prepare", "gms-global-sum", *files, "--row", nation, "--out", "england").code == 0
    told = command("settle", "gms-global-sum", "--data", "england", "--json").json
    assert told["inputs"]["practices"]["rows"] == 6_139 and told["payments"] == 6_139 * 3


@pytest.mark.long
def test_the_qof_of_england_with_commands_alone(command: Callable[..., Any], real_data: Find, tmp_path: Path) -> None:
    """Registers and lists as published; counts by practice are in no file that is read, and are made up here."""
    file = real_data("qof/registers_2024-25.parquet")
    scope = "scope:year=2024-04-01,covers_england=true"
    ended = command("prepare", "qof", f"registers={file}", f"lists={file}", "--row", scope, "--out", "england")
    assert "Still needed: counts" in ended.out
    assert {path.stem for path in add_made_up(tmp_path / "england")} == {
        "counts", "protection", "thresholds", "last_year",
    }  # fmt: skip
    told = command("settle", "qof", "--data", "england", "--json").json
    assert told["inputs"]["registers"]["rows"] == 129_948
    assert sum(one["rows"] for one in told["totals"] if one["quantity"] == "instalment") == 6_188 * 12
