"""``accord measure``: what is printed, what is written, what is refused, and what never appears."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from accord.cli import main
from tests.measures.made import SELECT, card, made, organisations, rows, write_measure

DAYS = ("--from", "2025-04-01", "--until", "2025-07-01")
PERSON = 7_654_321_012_345

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs the command line: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["accord", "measure", *[str(each) for each in arguments]])
        try:
            code = main()
        except SystemExit as stop:
            code = int(stop.code or 0)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Path]:
    """A record and a measure: 12 people of P1 fall once, 3 people of P2 do, one of them twice."""
    people = [PERSON, *range(2, 31)]
    falls = [*people[:12], *people[20:23], people[20]]
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n in people]),
        registrations=rows(
            "registrations",
            "person|practice|since",
            *[f"{n} | {'P1' if place < 20 else 'P2'} | 2020-01-01" for place, n in enumerate(people)],
        ),
        attendances=rows("attendances", "person|day", *[f"{n} | 2025-05-01" for n in falls]),
        organisations=organisations(),
    )
    return record.folder, write_measure(tmp_path / "m", card())


def test_it_lists_the_library(command: Command) -> None:
    """Without a record."""
    code, out, _ = command()
    assert code == 0 and "emergency-admissions-chronic@1" in out
    code, out, _ = command("--json")
    assert {"measure", "permits", "status"} <= set(json.loads(out)[0])


def test_it_shows_a_measure(command: Command) -> None:
    """Card, parts and select."""
    code, out, _ = command("--show", "emergency-admissions-chronic")
    assert code == 0
    for words in ("numerator", "code list", "with the national figure only", "select"):
        assert words in out


def test_released_on_the_terminal(command: Command, place: tuple[Path, Path]) -> None:
    """Stars without being asked for; nothing is entered into the register."""
    record, measure = place
    code, out, _ = command(record, measure, *DAYS, "--by", "practice")
    assert code == 0
    lines = {line.split()[1]: line.split()[3:] for line in out.splitlines() if line.strip().startswith("practice")}
    assert lines == {"P1": ["10", "20", "500.0", "239.8", "919.5"], "P2": ["*", "10", "*", "*", "*"]}
    assert "seen, not released" in out and not (record / "released.jsonl").exists()


def test_inside(command: Command, place: tuple[Path, Path]) -> None:
    """Exact, and said to be."""
    record, measure = place
    code, out, err = command(record, measure, *DAYS, "--by", "practice", "--inside")
    assert code == 0 and "inside the boundary" in err
    assert ["P2", "2025-04-01", "4", "10"] in [line.split()[1:5] for line in out.splitlines()]


def test_files(command: Command, place: tuple[Path, Path], tmp_path: Path) -> None:
    """Exact into a file; released into a file and into the register, before they leave."""
    record, measure = place
    assert command(record, measure, *DAYS, "--by", "practice,all", "--out", tmp_path / "exact.csv")[0] == 0
    assert command(record, measure, *DAYS, "--by", "practice", "--released", "--out", tmp_path / "given.csv")[0] == 0
    exact, given = (list(csv.DictReader((tmp_path / name).open())) for name in ("exact.csv", "given.csv"))
    assert [row["numerator"] for row in exact] == ["12", "4", "16"]
    assert [row["numerator"] for row in given] == ["10", "*"]
    (line,) = (record / "released.jsonl").read_text().splitlines()
    assert json.loads(line)["measure"] == "falls@1"
    code, out, _ = command(record, measure, *DAYS, "--by", "practice,all", "--json")
    assert code == 0
    by_name = {row["organisation"]: row["numerator"] for row in json.loads(out)["measures"][0]["rows"]}
    assert by_name == {"P1": "10", "P2": "*", "all": "*"}  # the whole less P1 would be P2


def test_explain(command: Command, place: tuple[Path, Path]) -> None:
    """Only inside, and without the number of anybody."""
    record, measure = place
    code, out, err = command(record, measure, *DAYS, "--explain", PERSON)
    assert code == 2 and "inside the boundary only" in err and not out
    code, out, err = command(record, measure, *DAYS, "--explain", PERSON, "--inside")
    assert code == 0 and "counts in the numerator" in out and "one person's record" in err
    assert str(PERSON) not in out + err
    code, out, err = command(record, measure, *DAYS, "--explain", "abc", "--inside")
    assert code == 2 and "is no pseudonym" in err and "abc" not in err
    code, out, err = command(record, measure, *DAYS, "--explain", "424242", "--inside")
    assert code == 6 and "424242" not in out + err
    code, out, _ = command(record, measure, *DAYS, "--explain", PERSON, "--inside", "--json")
    assert json.loads(out)["rows"][0]["counts_in"] == "numerator"


REFUSED = [
    (("--by", "colour"), 2, "cannot be divided by colour"),
    (("--by", "council"), 2, "cannot be given by council"),
    (("--every", "week"), 2, "is no period"),
    (("--engine", "sqlite"), 2, "there is no engine"),
    (("--released",), 2, "add --out FILE"),
    (("--rank", "--against", "all"), 2, "two things"),
    (("--for", "nothing"), 2, "where the inputs are to be written"),
]


@pytest.mark.parametrize(("options", "exit_code", "said"), REFUSED, ids=[said for _, _, said in REFUSED])
def test_refused(
    command: Command, place: tuple[Path, Path], options: tuple[str, ...], exit_code: int, said: str
) -> None:
    """Words, not a traceback."""
    code, _, err = command(*place, *DAYS, *options)
    assert code == exit_code and said in err


def test_more_refusals(command: Command, place: tuple[Path, Path], tmp_path: Path) -> None:
    """No days, no record, no measure, a measure that reads files."""
    record, measure = place
    assert "the days are missing" in command(record, measure)[2]
    assert command(tmp_path / "nowhere", measure, *DAYS)[0] == 4
    assert command(record, "falls-of-nobody", *DAYS)[0] == 6
    hostile = write_measure(tmp_path / "h", card(), "select person, day, 1 as numerator from read_csv('/etc/passwd')")
    code, out, err = command(record, hostile, *DAYS)
    assert code == 3 and "falls.sql:1:" in err and "root:" not in out + err


def test_a_measure_without_end_is_stopped(command: Command, place: tuple[Path, Path], tmp_path: Path) -> None:
    """Where it stands, how long it took, and what to do; a folder that is not there is said before anything is done."""
    record, measure = place
    joined = " ".join(f"cross join numbers n{at}" for at in range(6))
    endless = write_measure(
        tmp_path / "e", card(), f"select a.person, a.day, n0.n * n5.n as numerator from attendances a {joined}"
    )
    code, _, err = command(record, endless, *DAYS, "--limit", "0.5", "--inside")
    assert code == 5 and "falls.sql:1:1: this select was stopped" in err and "--limit" in err
    code, _, err = command(record, measure, *DAYS, "--out", tmp_path / "no" / "x.csv")
    assert code == 6 and "there is no folder" in err and not (tmp_path / "no").exists()


def test_comparisons(command: Command, place: tuple[Path, Path], tmp_path: Path) -> None:
    """An order where it is permitted; refused, with the reason, where it is not."""
    record, measure = place
    code, out, _ = command(record, measure, *DAYS, "--by", "practice", "--rank", "--inside")
    assert code == 0
    assert [line.split()[1] for line in out.splitlines() if line.strip().startswith("practice")] == ["P2", "P1"]
    indirect = {"method": "indirect", "by": ["sex", "age_band"], "ages": "0-64 65+", "standard": "own"}
    forbidden = write_measure(tmp_path / "f", card(standardise=indirect, permits="the national figure"), SELECT)
    code, _, err = command(record, forbidden, *DAYS, "--by", "practice", "--rank")
    assert code == 3 and "definition forbids" in err and "--against all" in err
    code, out, _ = command(record, forbidden, *DAYS, "--by", "practice", "--against", "all", "--inside")
    assert code == 0 and "no clear difference" in out


def test_for_a_contract(command: Command, place: tuple[Path, Path], tmp_path: Path) -> None:
    """The inputs that measures fill, as settlement reads them; the measure stands beside the contract."""
    from tests.measures.test_feeding import CONTRACT

    record, _ = place
    (tmp_path / "contract.yaml").write_text(CONTRACT, "utf-8")
    write_measure(tmp_path / "measures", card())
    days = ("--from", "2025-04-01", "--until", "2026-04-01")
    code, out, err = command(record, *days, "--for", tmp_path / "contract.yaml", "--out", tmp_path / "data")
    assert code == 0, err
    assert "2 rows of falls@1" in out and "exact figures" in out
    assert (tmp_path / "data" / "falls.csv").read_text().splitlines()[1] == '"P1","2025-04-01","12","20","600.0"'
