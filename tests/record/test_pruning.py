"""Earlier generations are removed, never the current one, and every past day can still be rebuilt."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from accord.cli import app
from accord.language.problem import DataRefused
from accord.record.auditing import audit
from accord.record.extracting import extract
from accord.record.loading import alone, load
from accord.record.pruning import prune
from accord.record.pseudonym import create_key, read_key
from accord.record.record import Record, open_record
from accord.record.rotating import rotate
from tests.record.given import PEOPLE, GivenReader, write_csv
from tests.record.plain import record_of
from tests.record.test_keeping import content

MONTHS = [dt.date(2024, month, 1) for month in (2, 3, 4, 5)]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """A record of four loads: people once, and contacts that each month are more, and cost something else."""
    keys = create_key(tmp_path / "key")
    people = [{"identifier": one, "key": one, "born": "1950-01-01", "sex": "female"} for one in PEOPLE[:9]]
    write_csv(tmp_path / "people.csv", people)
    for number, known in enumerate(MONTHS):
        contacts = [
            {"identifier": PEOPLE[nth], "key": nth, "day": "2024-01-02", "cost": number * (nth % 2)}
            for nth in range(5 + number)
        ]
        files = [write_csv(tmp_path / f"consultations-{number}.csv", contacts)]
        files += [tmp_path / "people.csv"] * (number == 0)
        load(tmp_path / "record", GivenReader(), files, keys=keys, known=known, day=known)
    return open_record(tmp_path / "record")


def names(folder: Path) -> list[int]:
    return [int(path.name.removeprefix("generation-")) for path in sorted(folder.glob("generation-*"))]


def on_the_disk(folder: Path) -> int:
    """The bytes of all files of a folder; one that has several names counts once."""
    about = [path.lstat() for path in folder.rglob("*") if path.is_file()]
    return sum({each.st_ino: each.st_size for each in about}.values())


GOING: list[tuple[dict[str, Any], list[int]]] = [
    ({"keep": 1}, [4]),
    ({"keep": 2}, [3, 4]),
    ({"keep": 4}, [1, 2, 3, 4]),
    ({"keep": 9}, [1, 2, 3, 4]),
    ({"before": MONTHS[0]}, [1, 2, 3, 4]),
    ({"before": MONTHS[1]}, [2, 3, 4]),
    ({"before": dt.date(2030, 1, 1)}, [4]),
    ({}, [1, 2, 3, 4]),
]


@pytest.mark.parametrize(("which", "left"), GOING, ids=[str(case[0]) for case in GOING])
def test_which_generations_go_and_what_that_frees(record: Record, which: dict[str, Any], left: list[int]) -> None:
    before, held = on_the_disk(record.folder), content(record)
    done = prune(record.folder, **which)
    assert names(record.folder) == left
    assert [each.name for each in done.kept] == [f"generation-{number:06}" for number in left]
    assert [each.name for each in done.removed] == [f"generation-{n:06}" for n in (1, 2, 3, 4) if n not in left]
    assert before - on_the_disk(record.folder) == done.freed
    assert (done.freed > 0) == (len(left) < 4)
    assert open_record(record.folder).generation == record.generation
    assert content(record) == held
    assert audit(record).holds


def test_every_past_day_is_rebuilt_from_the_generation_that_stays(record: Record, tmp_path: Path) -> None:
    was = {
        known: content(Record(record.folder, record.folder / f"generation-{number:06}", {}))
        for number, known in enumerate(MONTHS, 1)
    }
    assert len({len(each["consultations"]) for each in was.values()}) == 4
    prune(record.folder, keep=1)
    for known, held in was.items():
        assert content(extract(record, known, tmp_path / known.isoformat()).record) == held


def test_a_load_after_it_goes_on_from_the_generation_that_stays(record: Record, tmp_path: Path) -> None:
    prune(record.folder, keep=1)
    more = [{"identifier": PEOPLE[0], "key": "x", "day": "2024-05-02"}]
    file = write_csv(tmp_path / "consultations-9.csv", more)
    done = load(record.folder, GivenReader(), [file], keys=read_key(tmp_path / "key"))
    assert done.record.generation.name == "generation-000005"
    assert audit(done.record).holds


def test_what_only_one_generation_holds_is_said_of_each(record: Record) -> None:
    said = {each.name: each.size for each in prune(record.folder).kept}
    for name in ("generation-000001", "generation-000003"):
        before = on_the_disk(record.folder)
        shutil.rmtree(record.folder / name)
        assert before - on_the_disk(record.folder) == said[name] > 0


def test_it_does_not_wait_for_a_load(record: Record) -> None:
    with alone(record.folder), pytest.raises(DataRefused, match="another process is writing"):
        prune(record.folder, keep=1)
    assert names(record.folder) == [1, 2, 3, 4]


def test_one_that_was_interrupted_leaves_no_half_generation(record: Record, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(path: Path) -> None:
        next(path.rglob("*.parquet")).unlink()
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            prune(record.folder, keep=2)
    assert names(record.folder) == [3, 4]
    assert len(list(record.folder.glob(".removed-*"))) == 2
    prune(record.folder)  # only says what there is
    assert len(list(record.folder.glob(".removed-*"))) == 2
    prune(record.folder, keep=2)
    assert list(record.folder.glob(".removed-*")) == []


def test_a_rotation_leaves_nothing_of_one_that_was_interrupted(record: Record, tmp_path: Path) -> None:
    (record.folder / "generation-000001").rename(record.folder / ".removed-generation-000001")
    rotate(record.folder, tmp_path / "key")
    assert names(record.folder) == [5]
    assert not list(record.folder.glob(".removed-*"))


def test_what_says_no_day_stays_unless_it_is_counted(tmp_path: Path) -> None:
    people = [{"person": 1, "born": "1950-01-01", "sex": "female"}]
    for _ in range(3):
        record_of(tmp_path, people=people)
    (tmp_path / "generation-000001" / "record.json").write_text("damaged")
    assert [each.day for each in prune(tmp_path, before=dt.date(2030, 1, 1)).kept] == [None, None, None]
    prune(tmp_path, keep=1)
    assert names(tmp_path) == [3]


def test_only_generations_are_touched(record: Record) -> None:
    for name in ("generation-of-mine", "notes"):
        (record.folder / name).mkdir()
    prune(record.folder, keep=1)
    assert (record.folder / "generation-of-mine").is_dir()
    assert (record.folder / "notes").is_dir()


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["record", "prune", *map(str, arguments)])
    return done.exit_code, done.stdout


def test_the_command(record: Record) -> None:
    code, printed = run(record.folder)
    assert code == 0
    assert "generation-000001  2024-02-01" in printed
    assert "nothing was removed" in printed
    code, printed = run(record.folder, "--before", "2024-03-01")
    assert code == 0
    assert "\n1 generation removed, which frees " in printed
    code, printed = run(record.folder, "--keep", 2, "--json")
    said = json.loads(printed)
    assert (code, said["generation"], said["freed"] > 0) == (0, "generation-000004", True)
    assert [(each["name"], each["day"]) for each in said["removed"]] == [("generation-000002", "2024-03-01")]
    assert [each["name"] for each in said["kept"]] == ["generation-000003", "generation-000004"]


@pytest.mark.parametrize(
    "given", [("--keep", 0), ("--keep", -1), ("--before", "spring"), ("--keep", 1, "--before", "2024-03-01")]
)
def test_what_cannot_be_meant_is_refused(record: Record, given: tuple[object, ...]) -> None:
    assert run(record.folder, *given)[0] == 2
    assert names(record.folder) == [1, 2, 3, 4]


def test_where_there_is_no_record_nothing_is_written(tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match="no record here"):
        prune(tmp_path, keep=1)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match="at least 1"):
        prune(tmp_path, keep=0)
