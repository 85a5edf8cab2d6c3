"""Looking after a record: extracts of an earlier day, rotated keys, audits, descriptions, the commands."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from accord.cli import app
from accord.language.problem import DataRefused
from accord.record import definition, describing
from accord.record.auditing import audit
from accord.record.extracting import extract
from accord.record.loading import WITHDRAWN, describe_tables, load
from accord.record.pseudonym import KeyRefused, create_key, read_key
from accord.record.record import Record, open_record, write_record
from accord.record.rotating import rotate

from .given import PEOPLE, GivenReader, write_csv

DAY = dt.date(2024, 6, 1)


def content(record: Record) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table of a record, and of what stands beside them."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name in (*definition.NAMES, "rejects", "withdrawn", "confirmed"):
        files = [str(file) for file in record.files(name)]
        if files:
            found[name] = duckdb.sql(f"select * from read_parquet({files}) order by all").fetchall()
    return {name: rows for name, rows in found.items() if rows}


def first_month(folder: Path) -> list[Path]:
    """What was known on 1 February."""
    spell = {"episode": 1, "provider": "R1", "admission_method": "21", "patient_class": "1", "diagnoses": "I50"}
    return [
        write_csv(
            folder / "people-1.csv",
            [{"identifier": one, "key": one, "born": "1950-01-01", "sex": "female"} for one in PEOPLE[:20]],
        ),
        write_csv(
            folder / "registrations-1.csv",
            [
                {"identifier": one, "key": nth, "practice": "A" if nth % 2 else "B", "since": "2020-01-01", "until": ""}
                for nth, one in enumerate(PEOPLE[:20])
            ],
        ),
        write_csv(
            folder / "episodes-1.csv",
            [
                {
                    "identifier": PEOPLE[nth], "key": nth, "spell": f"s{nth}", "since": "2024-01-01",
                    "until": "2024-01-05", "admitted": "2024-01-01", "discharged": "2024-01-05", **spell,
                }
                for nth in range(10)
            ],
        ),
        write_csv(
            folder / "consultations-1.csv",
            [
                {"identifier": PEOPLE[nth % 20], "key": "" if nth > 40 else nth, "day": "2024-01-02",
                 "practice": f"P{nth}", "cost": -1 if nth == 7 else 5}
                for nth in range(50)
            ],
        ),
    ]  # fmt: skip


def second_month(folder: Path) -> list[Path]:
    """What was known on 1 March: replaced, withdrawn, new and unchanged rows of every table."""
    spell = {"episode": 1, "provider": "R1", "admission_method": "21", "patient_class": "1", "diagnoses": "I50 J449"}
    return [
        write_csv(
            folder / "registrations-2.csv",
            [
                {"identifier": PEOPLE[3], "key": 3, "practice": "A", "since": "2020-01-01", "until": "2024-02-01"},
                {"identifier": PEOPLE[3], "key": "3b", "practice": "C", "since": "2024-02-01", "until": ""},
            ],
        ),
        write_csv(
            folder / "episodes-2.csv",
            [
                {
                    "identifier": PEOPLE[nth], "key": nth, "spell": f"s{nth}", "since": "2024-01-01",
                    "until": "2024-01-07", "admitted": "2024-01-01", "discharged": "2024-01-07",
                    "deleted": nth == 4, **spell,
                }
                for nth in (1, 4, 11)
            ],
        ),
        write_csv(
            folder / "people-2.csv",
            [{"identifier": PEOPLE[0], "key": PEOPLE[0], "born": "1951-01-01", "sex": "female"}],
        ),
    ]  # fmt: skip


def two_months(folder: Path) -> tuple[dict[str, list[tuple[Any, ...]]], Record, Path]:
    """The record's content after the first load, the record after the second, and its key."""
    key = folder / "key"
    keys = create_key(key)
    load(folder / "record", GivenReader(), first_month(folder), keys=keys, known=dt.date(2024, 2, 1), day=DAY)
    before = content(open_record(folder / "record"))
    load(folder / "record", GivenReader(), second_month(folder), keys=keys, known=dt.date(2024, 3, 1), day=DAY)
    return before, open_record(folder / "record"), key


# -- as known on a day -------------------------------------------------------------------------------------------------


def test_an_extract_as_known_before_the_second_load_is_the_record_after_the_first(tmp_path: Path) -> None:
    before, record, _ = two_months(tmp_path)
    assert content(record) != before
    for day in ("2024-02-01", "2024-02-29"):
        done = extract(record, dt.date.fromisoformat(day), tmp_path / day)
        # derived tables too: admissions and registered are made again, and are what they were
        assert content(done.record) == before
        assert audit(done.record).problems == ()
    assert {"admissions", "diagnoses", "registered"} <= before.keys()


def test_an_extract_as_known_now_is_the_record(tmp_path: Path) -> None:
    _, record, _ = two_months(tmp_path)
    assert content(extract(record, dt.date(2024, 3, 1), tmp_path / "now").record) == content(record)


def test_nothing_was_known_before_the_first_file(tmp_path: Path) -> None:
    _, record, _ = two_months(tmp_path)
    with pytest.raises(DataRefused, match="nothing was known on 2024-01-31"):
        extract(record, dt.date(2024, 1, 31), tmp_path / "early")
    with pytest.raises(DataRefused, match="a record here already"):
        extract(record, dt.date(2024, 2, 1), record.folder)


def test_who_opted_out_since_is_left_out_of_an_extract(tmp_path: Path) -> None:
    before, record, key = two_months(tmp_path)
    away = tmp_path / "away.csv"
    away.write_text(PEOPLE[0])
    keys = read_key(key)
    load(record.folder, GivenReader(), [], keys=keys, known=dt.date(2024, 4, 1), day=DAY, opt_outs={"national": [away]})
    done = extract(open_record(record.folder), dt.date(2024, 2, 1), tmp_path / "out")
    (who,) = keys.persons(PEOPLE[:1])
    left = content(done.record)
    assert not [row for name, rows in left.items() if name != "rejects" for row in rows if row[0] == who]
    mine = [row for name, rows in before.items() if name not in ("rejects", "admissions", "diagnoses", "registered")
            for row in rows if row[0] == who]  # fmt: skip
    assert done.left_out == len(mine) > 0


# what a source says of one row on a day: its content, or that it is withdrawn
TOLD = st.tuples(st.integers(1, 5), st.integers(0, 2), st.sampled_from([None, 10, 20, 30]))


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck), phases=(Phase.reuse, Phase.generate))
@given(st.lists(st.lists(TOLD, min_size=1, max_size=4), min_size=1, max_size=3), st.randoms(use_true_random=False))
def test_what_was_known_on_every_day_is_what_plain_python_says(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[tuple[int, int, int | None]]], random: Any
) -> None:
    """In whatever order files come: on a day, a row is what the latest file known by then said."""
    folder = tmp_path_factory.mktemp("versions")
    keys = create_key(folder / "key")
    told: list[tuple[int, int, int, int | None]] = []  # day, order of loading, key, content
    for number, rows in enumerate(files):
        # within a file and a day, the first row of a key stands: one each is enough here
        single = {(day, key): cost for day, key, cost in reversed(rows)}
        listed = [
            {"identifier": PEOPLE[0], "key": f"k{key}", "day": "2024-01-01", "cost": cost or 0,
             "known": f"2024-02-0{day}", "deleted": cost is None}
            for (day, key), cost in sorted(single.items(), key=lambda _: random.random())
        ]  # fmt: skip
        file = write_csv(folder / f"consultations-{number}.csv", listed)
        load(folder / "record", GivenReader(), [file], keys=keys, day=DAY)
        told += [(day, number, key, cost) for (day, key), cost in single.items()]
    record = open_record(folder / "record")
    read = [str(file) for file in record.files("consultations")]
    secrets = keys.row_secrets("given consultations")
    from accord.record.pseudonym import row_number

    names = {row_number(f"k{key}", secrets): key for key in range(3)}
    for day in range(1, 6):
        expected: dict[int, int] = {}
        for known, _, key, cost in sorted(told, key=lambda each: each[:2]):
            if known <= day:
                expected.pop(key, None)
                if cost is not None:
                    expected[key] = cost
        found: list[tuple[int, int]] = []
        if read:
            on = f"DATE '2024-02-0{day}'"
            found = duckdb.sql(
                f"select row, cost from read_parquet({read}) "
                f"where known_from <= {on} and (known_until is null or known_until > {on})"
            ).fetchall()
        assert sorted((names[row], cost) for row, cost in found) == sorted(expected.items())


# -- rotated keys ------------------------------------------------------------------------------------------------------


def test_a_rotation_changes_every_pseudonym_and_nothing_else(tmp_path: Path) -> None:
    _, record, key = two_months(tmp_path)
    before, old = content(record), read_key(key)
    done = rotate(record.folder, key)
    after = content(done.record)
    assert after.keys() == before.keys()
    people = {row[0] for row in before["people"]}
    assert done.people == len(people) == 20
    assert not people & {row[0] for name, rows in after.items() if name not in ("rejects", "withdrawn") for row in rows}
    for name in ("people", "consultations", "registrations"):
        # person and row are the first two columns; the others are as they were
        assert sorted((row[2:] for row in after[name]), key=repr) == sorted((row[2:] for row in before[name]), key=repr)
        assert not {row[1] for row in after[name]} & {row[1] for row in before[name]}
    assert after["rejects"] == before["rejects"]
    assert {row[0] for row in after["people"]} == set(read_key(key).persons(PEOPLE[:20]))
    assert audit(done.record).problems == ()
    # the old pseudonyms are gone with the earlier generations, and the old key opens nothing any more
    assert [path.name for path in record.folder.glob("generation-*")] == [done.record.generation.name]
    with pytest.raises(KeyRefused):
        load(record.folder, GivenReader(), first_month(tmp_path), keys=old, day=DAY)


def test_loads_after_a_rotation_meet_what_was_there(tmp_path: Path) -> None:
    _, record, key = two_months(tmp_path)
    rotate(record.folder, key)
    rotate(record.folder, key)
    keys = read_key(key)
    assert len(keys) == 3
    same = [write_csv(tmp_path / f"{file.name.split('-')[0]}-3.csv", rows(file)) for file in first_month(tmp_path)]
    for file in same:
        file.write_text(file.read_text() + "\n")  # other bytes, the same rows: they are read again
    done = load(record.folder, GivenReader(), same, keys=keys, known=dt.date(2024, 2, 1), day=DAY)
    assert done.total("kept") == 0
    assert done.total("unchanged") == done.rows - done.total("rejected")
    assert done.changed  # the files are new, their rows are not
    assert len(content(done.record)["people"]) == len(content(open_record(record.folder))["people"]) == 21


def rows(file: Path) -> list[dict[str, str]]:
    import csv

    with file.open(encoding="utf-8", newline="") as opened:
        return list(csv.DictReader(opened))


def test_a_rotation_that_was_interrupted_is_finished_by_the_same_command(tmp_path: Path) -> None:
    _, record, key = two_months(tmp_path)
    from accord.record.pseudonym import add_secret

    add_secret(key)  # and then the process ended
    with pytest.raises(KeyRefused, match="has not followed yet"):
        load(record.folder, GivenReader(), first_month(tmp_path), keys=read_key(key), day=DAY)
    done = rotate(record.folder, key)
    assert done.secrets == len(read_key(key)) == 2
    assert {row[0] for row in content(done.record)["people"]} == set(read_key(key).persons(PEOPLE[:20]))


def test_a_source_that_withdrew_nothing_can_be_rotated(tmp_path: Path) -> None:
    _, record, key = two_months(tmp_path)
    row = {"identifier": PEOPLE[5], "key": "new", "day": "2024-03-03", "deleted": "false"}
    file = write_csv(tmp_path / "consultations-9.csv", [row])
    load(record.folder, GivenReader(), [file], keys=read_key(key), day=DAY)
    for held in open_record(record.folder).files(WITHDRAWN):
        assert pq.read_metadata(held).num_rows
    # records of before have such files
    emptied = open_record(record.folder).files(WITHDRAWN)[0]
    pq.write_table(pq.read_table(emptied).slice(0, 0), emptied)
    before = len(content(open_record(record.folder))["consultations"])
    done = rotate(record.folder, key)
    assert (len(content(done.record)["consultations"]), done.secrets) == (before, 2)


def test_opt_outs_hold_after_a_rotation(tmp_path: Path) -> None:
    _, record, key = two_months(tmp_path)
    away = tmp_path / "away.csv"
    away.write_text(PEOPLE[5])
    load(record.folder, GivenReader(), [], keys=read_key(key), day=DAY, opt_outs={"national": [away]})
    rotate(record.folder, key)
    row = {"identifier": PEOPLE[5], "key": "new", "day": "2024-03-03"}
    file = write_csv(tmp_path / "consultations-9.csv", [row])
    done = load(record.folder, GivenReader(), [file], keys=read_key(key), day=DAY)
    assert (done.total("kept"), done.total("set_aside")) == (0, 1)


# -- audits ------------------------------------------------------------------------------------------------------------

DAMAGE = [
    ("a byte changed", "its hash differs"),
    ("a file added", "not in the record's list"),
    ("a file removed", "is missing"),
    ("a link", "is a link"),
]


@pytest.mark.parametrize(("how", "words"), DAMAGE)
def test_damage_is_found(tmp_path: Path, how: str, words: str) -> None:
    _, record, _ = two_months(tmp_path)
    assert audit(record).holds
    (file, *_) = record.files("people")
    match how:
        case "a byte changed":
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 1
            file.write_bytes(bytes(content))
        case "a file added":
            (file.parent / "more.parquet").write_bytes(file.read_bytes())
        case "a file removed":
            file.unlink()
        case _:
            moved = tmp_path / "moved.parquet"
            moved.write_bytes(file.read_bytes())
            file.unlink()
            file.symlink_to(moved)
    assert any(words in problem.message for problem in audit(record).problems)


BROKEN = [
    ({"sex": ["female", "other"]}, "sex is not an allowed word in 1 row"),
    ({"born": [dt.date(1950, 1, 1), None]}, "born is missing in 1 row"),
    ({"person": [1, 1]}, "person should be unique among the rows that stand, and once it is not"),
    ({"known_until": [dt.date(1800, 1, 1), None]}, "1 row ended before it was known"),
    ({"row": [5, 5], "known_until": [dt.date(2030, 1, 1), None]}, "a key has two versions on the same day, once"),
    ({"row": [5, 5], "known_from": [dt.date(2020, 1, 1), dt.date(2021, 1, 1)]},
     "a key has two versions on the same day, once"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "words"), BROKEN)
def test_rows_that_break_a_definition_are_found(tmp_path: Path, columns: dict[str, list[Any]], words: str) -> None:
    schema = definition.table("people").schema()
    given = {"person": [1, 2], "born": [dt.date(1950, 1, 1)] * 2, "sex": ["female", "male"], **columns}
    table = pa.table({name: pa.array(values, schema.field(name).type) for name, values in given.items()})
    found = audit(write_record(tmp_path / "record", {"people": table}))
    assert words in [problem.message for problem in found.problems]


def test_standing_rows_of_people_who_opted_out_are_found(tmp_path: Path) -> None:
    """What came out of general practice under both kinds, everything else under the national one alone."""
    _, record, key = two_months(tmp_path)
    (away,) = read_key(key).persons(PEOPLE[7:8])
    assert away is not None
    said: dict[str, list[str]] = {}
    for kind in ("national", "type 1"):
        (record.generation / "opt_outs").mkdir(exist_ok=True)
        rows_away = pa.table({"person": pa.array([away], pa.int64()), "kind": [kind]})
        pq.write_table(rows_away, record.generation / "opt_outs" / "people.parquet")
        told = {**record.manifest, "tables": describe_tables(record.generation)}
        found = audit(Record(record.folder, record.generation, told)).problems
        said[kind] = [f"{Path(problem.place.file).name}: {problem.message}" for problem in found]
    of_people = "of people who have opted out"
    assert said["type 1"] == [f"consultations: 2 rows {of_people}"]
    assert {each.partition(":")[0] for each in said["national"]} == {
        "people", "registrations", "episodes", "consultations"
    }  # fmt: skip


def test_rows_that_are_not_accounted_for_are_found(tmp_path: Path) -> None:
    _, record, _ = two_months(tmp_path)
    files: Any = json.loads(json.dumps(record.manifest["files"]))
    files[0]["rows"] += 1
    files[1]["tables"]["registrations"]["made"] += 1
    found = audit(Record(record.folder, record.generation, {**record.manifest, "files": files})).problems
    assert [problem.message.partition(" (")[0] for problem in found] == ["file 1", "file 2"]
    assert all(problem.message.endswith("its rows do not balance") for problem in found)


def test_two_practices_on_a_day_are_found(tmp_path: Path) -> None:
    day = dt.date(2024, 1, 1)
    spans = {"person": [1, 1], "practice": ["A", "B"], "since": [day, dt.date(2024, 2, 1)]}
    for until, words in ((dt.date(2024, 2, 1), []), (None, ["somebody has more than one practice on a day, once"])):
        table = pa.table({**spans, "until": pa.array([until, None], pa.date32())})
        record = write_record(tmp_path / str(until), {"registered": table})
        assert [problem.message for problem in audit(record).problems] == words


# -- descriptions ------------------------------------------------------------------------------------------------------


def test_numbers_below_eight_are_not_said(tmp_path: Path) -> None:
    _, record, _ = two_months(tmp_path)
    found = describing.held(record)
    assert (found["people"]["rows"], found["people"]["people"]) == (20, 20)
    few = {"identifier": PEOPLE[0], "key": "d", "day": "2024-01-09"}
    load(
        record.folder,
        GivenReader(),
        [write_csv(tmp_path / "deaths.csv", [few])],
        keys=read_key(tmp_path / "key"),
        day=DAY,
    )
    deaths = describing.held(open_record(record.folder))["deaths"]
    assert deaths == {"rows": None, "people": None, "first_day": None, "last_day": None, "sources": ["given"]}


def test_the_page_about_the_record_is_what_the_definitions_say() -> None:
    page = Path(__file__).parents[2] / "docs" / "record.md"
    assert describing.page(page.read_text("utf-8")) == page.read_text("utf-8"), "run make docs"
    for name in definition.NAMES:
        assert f"### {name}\n" in page.read_text("utf-8")


# -- commands ----------------------------------------------------------------------------------------------------------


def run(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["record", *map(str, arguments)])
    return done.exit_code, done.stdout


def test_the_commands_from_key_to_extract(tmp_path: Path) -> None:
    mapping = Path(__file__).parent / "consultations.yaml"
    record, key = tmp_path / "record", tmp_path / "key"
    assert run("key", key)[0] == 0
    write_csv(
        tmp_path / "contacts.csv",
        [{"nhs_number": one, "id": nth, "date": "2024-01-02"} for nth, one in enumerate(PEOPLE[:10])],
    )
    arguments = ("load", record, "--from", "flat", "--mapping", mapping, "--key", key, "--known", "2024-02-01")
    code, printed = run(*arguments, tmp_path / "contacts.csv")
    assert code == 0, printed
    assert "generation-000001" in printed
    code, printed = run(*arguments, tmp_path / "contacts.csv", "--json")
    assert json.loads(printed)["changed"] is False
    assert run("check", record, "--html", tmp_path / "quality.html")[0] == 0
    assert (tmp_path / "quality.html").read_text("utf-8").startswith("<!")
    code, printed = run("describe", record, "--json")
    assert json.loads(printed)["tables"]["consultations"]["rows"] == 10
    code, printed = run("extract", record, "--known-on", "2024-02-01", "--out", tmp_path / "out", "--json")
    assert json.loads(printed)["rows"] == {"consultations": 10}
    code, printed = run("rotate", record, "--key", key, "--json")
    assert json.loads(printed)["secrets"] == 2
    everything = "".join(path.read_text("utf-8", "replace") for path in record.rglob("*") if path.is_file())
    assert not any(number in everything for number in PEOPLE[:10])


def test_a_damaged_record_ends_the_check_with_1(tmp_path: Path) -> None:
    _, record, _ = two_months(tmp_path)
    record.files("people")[0].unlink()
    code, printed = run("check", record.folder, "--json")
    assert code == 1
    assert json.loads(printed)["ok"] is False


@pytest.mark.parametrize("form", ["--json", "--markdown", None])
def test_describe_tells_every_table(form: str | None) -> None:
    for name in definition.NAMES:
        code, printed = run("describe", name, *([form] if form else []))
        assert code == 0
        assert name in printed


def test_parquet_files_of_a_record_can_be_read_by_anybody(tmp_path: Path) -> None:
    _, record, _ = two_months(tmp_path)
    (file, *_) = record.files("people")
    assert pq.read_table(file).num_rows > 0


REFUSED = [
    (("load", "RECORD", "--from", "omop", "--key", "KEY", "nowhere"), 4),
    (("load", "RECORD", "--key", "KEY"), 2),
    (("load", "RECORD", "x.csv", "--key", "KEY"), 2),
    (("load", "RECORD", "--from", "omop", "--key", "nowhere", "x.csv"), 4),
    (("load", "RECORD", "--from", "omop", "--key", "KEY", "--known", "yesterday", "x.csv"), 2),
    (("load", "RECORD", "--key", "KEY", "--opt-outs", "LIST"), 4),  # no record yet, and no file
    (("check", "RECORD"), 4),
    (("describe", "episods"), 4),
    (("extract", "RECORD", "--known-on", "2024-01-01", "--out", "OUT"), 4),
    (("rotate", "RECORD", "--key", "KEY"), 4),
    (("key", "KEY"), 4),
]


@pytest.mark.parametrize(("arguments", "code"), REFUSED, ids=[" ".join(case[0]) for case in REFUSED])
def test_what_is_refused_ends_with_its_code(
    tmp_path: Path, arguments: tuple[str, ...], code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accord.cli import main

    create_key(tmp_path / "key")
    (tmp_path / "list").write_text(PEOPLE[0])
    names = {"RECORD": "record", "KEY": "key", "LIST": "list", "OUT": "out"}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["accord", "record", *(names.get(each, each) for each in arguments)])
    try:
        ended = main()
    except SystemExit as stopped:
        ended = int(stopped.code or 0)
    assert ended == code


def test_a_list_of_opt_outs_alone_can_be_loaded(tmp_path: Path) -> None:
    _, record, key = two_months(tmp_path)
    away = tmp_path / "away.csv"
    away.write_text(f"{PEOPLE[0]}\n{PEOPLE[1]}\n")
    code, printed = run("load", record.folder, "--key", key, "--opt-outs", away, "--json")
    assert (code, json.loads(printed)["changed"]) == (0, True)
    assert json.loads(printed)["opted_out"] > 0
    code, printed = run("load", record.folder, "--key", key, "--opt-outs", away, "--json")
    assert (code, json.loads(printed)["changed"]) == (0, False)
