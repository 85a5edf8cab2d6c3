"""Loading: what becomes of every row, told as a table of cases; hostile files; killed processes; nothing leaked."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from accord.language.problem import AccordError, DataRefused
from accord.record import definition, deriving, staging
from accord.record.deriving import derive
from accord.record.loading import STAGING, Loaded, load
from accord.record.pseudonym import KeyChain, KeyRefused, create_key
from accord.record.record import Record, open_record
from accord.record.source import RefusedRows, RowsRead, SetAside, SourceFile, SourceRows

from .given import PEOPLE, GivenReader, PiecesReader, write_csv

DAY = dt.date(2024, 6, 1)


@dataclass
class Place:
    """A record in a folder of its own, and a shorthand to load rows into it."""

    folder: Path
    keys: KeyChain
    files: int = 0

    @property
    def record(self) -> Path:
        return self.folder / "record"

    def write(self, table: str, rows: Sequence[Mapping[str, object]], suffix: str = "csv") -> Path:
        self.files += 1
        return write_csv(self.folder / f"{table}-{self.files}.{suffix}", rows)

    def load(self, *files: Path, known: str | None = None, **more: Any) -> Loaded:
        reader = more.pop("reader", GivenReader())
        day = None if known is None else dt.date.fromisoformat(known)
        done = load(self.record, reader, files, keys=self.keys, known=day, day=more.pop("day", DAY), **more)
        for file in done.files:
            assert file.balances()
        return done

    def rows(self, table: str, columns: str = "*", where: str = "true") -> list[tuple[Any, ...]]:
        files = [str(file) for file in open_record(self.record).files(table)]
        if not files:
            return []
        return duckdb.sql(f"select {columns} from read_parquet({files}) where {where} order by all").fetchall()

    def reasons(self) -> list[tuple[Any, ...]]:
        return self.rows("rejects", '"table", "column", reason, "value"')


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, create_key(tmp_path / "key"))


def contact(nth: int = 0, key: str = "1", **more: object) -> dict[str, object]:
    """A row of consultations."""
    given = {"identifier": PEOPLE[nth], "key": key, "day": "2024-01-10", "practice": "A81001", "cost": "3000"}
    return {**given, **more}


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_a_row_is_kept_under_pseudonyms_with_its_file_and_line(place: Place) -> None:
    done = place.load(place.write("consultations", [contact(), contact(1, "2")]), known="2024-02-01")
    assert (done.rows, done.total("kept"), done.total("rejected")) == (2, 2, 0)
    rows = place.rows("consultations", "person, row, source, known_from, known_until, file, line, day, cost")
    assert {row[2:] for row in rows} == {
        ("given", dt.date(2024, 2, 1), None, 1, line, dt.date(2024, 1, 10), 3000) for line in (1, 2)
    }
    assert {row[0] for row in rows} == set(place.keys.persons(PEOPLE[:2]))
    assert all(0 < value < 2**63 for row in rows for value in row[:2])


def test_the_files_have_the_columns_of_the_definition(place: Place) -> None:
    place.load(place.write("consultations", [contact()]))
    (file,) = open_record(place.record).files("consultations")
    written = {field.name: field.type for field in pq.read_schema(file)}
    assert list(written.items()) == [(field.name, field.type) for field in definition.table("consultations").schema()]


def test_a_second_load_of_the_same_files_changes_nothing(place: Place) -> None:
    files = [place.write("consultations", [contact(nth, str(nth)) for nth in range(9)] + [contact(0, "x", day="?")])]
    place.load(*files)
    before = hashes(place.record)
    again = place.load(*files, day=dt.date(2024, 7, 1))
    assert (again.changed, again.total("unchanged"), again.total("rejected")) == (False, 9, 1)
    assert hashes(place.record) == before


def test_the_same_rows_in_other_files_are_unchanged(place: Place) -> None:
    rows = [contact(nth, str(nth)) for nth in range(9)]
    place.load(place.write("consultations", rows), known="2024-02-01")
    before = place.rows("consultations")
    again = place.load(place.write("consultations", rows[::-1]), known="2024-03-01")
    assert (again.total("kept"), again.total("unchanged"), again.replaced) == (0, 9, 0)
    assert place.rows("consultations") == before


def test_rows_of_parquet_and_of_csv_are_the_same_rows(place: Place) -> None:
    place.load(place.write("consultations", [contact(nth, str(nth)) for nth in range(5)]))
    table = pa.table(
        {
            "identifier": PEOPLE[:5],
            "key": [str(nth) for nth in range(5)],
            "day": [dt.date(2024, 1, 10)] * 5,
            "practice": ["A81001"] * 5,
            "cost": pa.array([3000] * 5, pa.int32()),
        }
    )
    pq.write_table(table, place.folder / "consultations.parquet")
    assert place.load(place.folder / "consultations.parquet").total("unchanged") == 5


WITHOUT_KEYS = [
    # rows of two files, and how many are kept in all
    ([contact(key="")], [contact(key="")], 1),
    ([contact(key=""), contact(key="")], [], 1),
    ([contact(key="")], [contact(key="", cost="1")], 2),
    ([contact(key="")], [contact(1, key="")], 2),
]


@pytest.mark.parametrize(("first", "second", "kept"), WITHOUT_KEYS)
def test_rows_without_a_key_are_known_by_their_content(
    place: Place, first: list[dict[str, object]], second: list[dict[str, object]], kept: int
) -> None:
    for rows in (first, second):
        if rows:
            place.load(place.write("consultations", rows))
    assert len(place.rows("consultations")) == kept


# -- what became known when --------------------------------------------------------------------------------------------

Told = tuple[str, str | None]  # the day on which a file became known, and the cost in it (None: withdrawn)

VERSIONS: list[tuple[str, list[Told], list[tuple[str, str | None, int]]]] = [
    ("replaced", [("02-01", "1"), ("03-01", "2")], [("02-01", "03-01", 1), ("03-01", None, 2)]),
    ("unchanged", [("02-01", "1"), ("03-01", "1")], [("02-01", None, 1)]),
    ("withdrawn", [("02-01", "1"), ("03-01", None)], [("02-01", "03-01", 1)]),
    (
        "withdrawn, then sent again",
        [("02-01", "1"), ("03-01", None), ("04-01", "1")],
        [("02-01", "03-01", 1), ("04-01", None, 1)],
    ),
    ("an older file comes late", [("03-01", "2"), ("02-01", "1")], [("02-01", "03-01", 1), ("03-01", None, 2)]),
    (
        "late, between two that are known",
        [("02-01", "1"), ("04-01", "3"), ("03-01", "2")],
        [("02-01", "03-01", 1), ("03-01", "04-01", 2), ("04-01", None, 3)],
    ),
    (
        "late, and nothing new",
        [("02-01", "1"), ("04-01", "3"), ("03-01", "1")],
        [("02-01", "04-01", 1), ("04-01", None, 3)],
    ),
    (
        "late, before what was confirmed since",
        [("02-01", "1"), ("04-01", "1"), ("03-01", "2")],
        [("02-01", "03-01", 1), ("03-01", "04-01", 2), ("04-01", None, 1)],
    ),
    (
        "withdrawn late, before what was confirmed since",
        [("02-01", "1"), ("04-01", "1"), ("03-01", None)],
        [("02-01", "03-01", 1), ("04-01", None, 1)],
    ),
    ("a withdrawal comes before what it withdraws", [("03-01", None), ("02-01", "1")], [("02-01", "03-01", 1)]),
    (
        "a late withdrawal does not touch what came after",
        [("02-01", "1"), ("04-01", "2"), ("03-01", None)],
        [("02-01", "03-01", 1), ("04-01", None, 2)],
    ),
    ("withdrawn twice", [("02-01", "1"), ("03-01", None), ("04-01", None)], [("02-01", "03-01", 1)]),
    ("the same day, loaded later", [("02-01", "1"), ("02-01", "2")], [("02-01", "02-01", 1), ("02-01", None, 2)]),
    (
        "back to what it was",
        [("02-01", "1"), ("03-01", "2"), ("04-01", "1")],
        [("02-01", "03-01", 1), ("03-01", "04-01", 2), ("04-01", None, 1)],
    ),
    ("withdrawn on the day it was sent", [("02-01", "1"), ("02-01", None)], [("02-01", "02-01", 1)]),
]


@pytest.fixture(scope="module", params=["one load each", "one load"])
def versions_known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """All cases in one record, each under a key of its own: the first files of all, then the second, then the third."""
    folder = tmp_path_factory.mktemp("versions")
    place = Place(folder, create_key(folder / "key"))
    files: list[Path] = []
    for turn in range(max(len(told) for _, told, _ in VERSIONS)):
        rows = [
            contact(key=name, cost=told[turn][1] or "", practice=name, known=f"2024-{told[turn][0]}")
            | {"deleted": "true" if told[turn][1] is None else ""}
            for name, told, _ in VERSIONS
            if turn < len(told)
        ]
        files.append(place.write("consultations", rows))
        if request.param == "one load each":
            place.load(files[-1])
    if request.param == "one load":
        place.load(*files)
    return place


@pytest.mark.parametrize(("name", "told", "versions"), VERSIONS, ids=[case[0] for case in VERSIONS])
def test_versions(
    versions_known: Place, name: str, told: list[Told], versions: list[tuple[str, str | None, int]]
) -> None:
    def day(text: str | None) -> dt.date | None:
        return None if text is None else dt.date.fromisoformat(f"2024-{text}")

    expected = sorted(((day(since), day(until), cost) for since, until, cost in versions), key=repr)
    found = versions_known.rows("consultations", "known_from, known_until, cost", f"practice = '{name}'")
    assert sorted(found, key=repr) == expected


CONTRADICTIONS = [
    ("the same row twice in a file", "consultations", [contact(), contact()], (1, 1, 0)),
    ("one key, two contents", "consultations", [contact(), contact(cost="1")], (1, 0, 1)),
]


@pytest.mark.parametrize(("table", "rows", "fates"), [each[1:] for each in CONTRADICTIONS])
def test_within_a_file_the_first_row_stands(
    place: Place, table: str, rows: list[dict[str, object]], fates: tuple[int, int, int]
) -> None:
    done = place.load(place.write(table, rows))
    assert tuple(done.total(what) for what in ("kept", "unchanged", "rejected")) == fates
    assert place.rows("consultations", "cost") == [(3000,)]


def person(nth: int, key: str = "", born: str = "1950-01-01", sex: str = "female") -> dict[str, object]:
    return {"identifier": PEOPLE[nth], "key": key, "born": born, "sex": sex}


def test_two_people_under_one_number_are_a_conflict_and_the_first_stands(place: Place) -> None:
    done = place.load(place.write("people", [person(0, "a"), person(0, "b", born="1981-02-03"), person(1, "c")]))
    assert (done.total("kept"), done.total("rejected")) == (2, 1)
    assert place.rows("people", "born", "born > '1980-01-01'") == []
    assert [row[:2] for row in place.reasons()] == [("people", "person")]


def test_another_source_does_not_overturn_who_somebody_is(place: Place) -> None:
    place.load(place.write("people", [person(0, "a")]), known="2024-02-01")
    other = GivenReader(source="other")
    agreed = place.load(place.write("people", [person(0, "z")]), known="2024-03-01", reader=other)
    assert (agreed.total("unchanged"), agreed.total("rejected")) == (1, 0)
    differs = place.load(place.write("people", [person(0, "z", sex="male")]), known="2024-03-01", reader=other)
    assert (differs.total("kept"), differs.total("rejected")) == (0, 1)
    corrected = place.load(place.write("people", [person(0, "a", sex="male")]), known="2024-04-01")
    assert (corrected.total("kept"), corrected.replaced) == (1, 1)
    assert place.rows("people", "sex, known_from", "known_until is null") == [("male", dt.date(2024, 4, 1))]


def test_a_person_without_a_key_is_replaced_not_doubled(place: Place) -> None:
    place.load(place.write("people", [person(0)]), known="2024-02-01")
    place.load(place.write("people", [person(0, born="1951-01-01")]), known="2024-03-01")
    assert place.rows("people", "born", "known_until is null") == [(dt.date(1951, 1, 1),)]


def test_overlapping_registrations_are_kept_and_said(place: Place) -> None:
    rows = [
        {"identifier": PEOPLE[0], "key": "a", "practice": "A81001", "since": "2020-01-01", "until": ""},
        {"identifier": PEOPLE[0], "key": "b", "practice": "A81002", "since": "2022-01-01", "until": ""},
    ]
    done = place.load(place.write("registrations", rows))
    assert done.total("kept") == 2
    assert any("registered twice" in problem.message for problem in done.warnings)


def test_seen_before_birth_and_after_death_is_kept_and_said(place: Place) -> None:
    done = place.load(
        place.write("people", [person(0, born="2024-01-20")]),
        place.write("deaths", [{"identifier": PEOPLE[1], "key": "", "day": "2023-01-01"}]),
        place.write("consultations", [contact(0, "1"), contact(1, "2")]),
    )
    said = " ".join(problem.message for problem in done.warnings)
    assert "consultations: 1 row before the person was born" in said
    assert "consultations: 1 row more than 30 days after the person died" in said


# -- what is rejected --------------------------------------------------------------------------------------------------

WRONG = [
    ("day", "1753-01-01", "is before 1850-01-01", "1753-01-01"),
    ("day", "2999-12-31", "is after 2025-06-02, too far in the future", "2999-12-31"),
    ("day", "2024-02-30", "is not a day such as 2026-04-01", "2024-02-30"),
    ("day", "", "is missing", None),
    ("day", PEOPLE[3], "is not a day such as 2026-04-01", None),
    ("cost", "-5", "is negative", "-5"),
    ("cost", "12.5", "is not a whole number of pence such as 1250", "12.5"),
    ("cost", "12.0", None, None),
    ("cost", "1e+05", None, None),  # how some programs write 100000
    ("cost", "1e-2", "is not a whole number of pence such as 1250", None),
    ("cost", "1_000", "is not a whole number of pence such as 1250", None),
    ("cost", "0x10", "is not a whole number of pence such as 1250", None),
    ("cost", PEOPLE[3], None, None),  # the number of somebody who is not known: a number of pence like any other
    ("cost", PEOPLE[1], "is another person's NHS number", None),
    ("cost", PEOPLE[0], "is the person's identifier", None),
    ("minutes", "ten", "is not a whole number such as 12", None),
    ("mode", "shouting", "is not one of: face to face, telephone, video, online, home visit", None),
    ("practice", '=HYPERLINK("http://example.org","x")', "begins as a formula, not as a code", None),
    ("practice", "@SUM(1)", "begins as a formula, not as a code", None),
    ("practice", "A\x00B", "holds characters that are not text: a wrong encoding?", None),
    ("practice", "A\ufffdB", "holds characters that are not text: a wrong encoding?", None),
    ("practice", "M\xc3\xbcller", "holds characters that are not text: a wrong encoding?", None),
    ("practice", "x" * 401, "is too long for a code", None),
    ("practice", PEOPLE[0], "holds the person's identifier", None),
    ("practice", f"of {PEOPLE[0][:3]} {PEOPLE[0][3:6]} {PEOPLE[0][6:]}", "holds the person's identifier", None),
    ("practice", "-".join((PEOPLE[0][:3], PEOPLE[0][3:6], PEOPLE[0][6:])), "holds the person's identifier", None),
    ("practice", PEOPLE[1], "holds another person's NHS number", None),
    ("practice", f"of {PEOPLE[1][:3]} {PEOPLE[1][3:6]} {PEOPLE[1][6:]}", "holds another person's NHS number", None),
    ("practice", PEOPLE[3], None, None),  # nobody whom the load knows
    ("practice", f"{PEOPLE[1]}8", None, None),  # eleven digits
    ("identifier", "", "is missing: nobody knows whose row it is", None),
    ("identifier", "1234567890", "is not an NHS number (ten digits, of which the last checks the others)", None),
    ("identifier", "9999999999", "is not an NHS number (ten digits, of which the last checks the others)", None),
    ("known", "2025-01-01", "is later than the day of loading, or before 1850", None),
]


@pytest.fixture(scope="module")
def wrong(tmp_path_factory: pytest.TempPathFactory) -> tuple[Place, Loaded]:
    """A file with one wrong value in each row."""
    folder = tmp_path_factory.mktemp("wrong")
    place = Place(folder, create_key(folder / "key"))
    rows = [contact(key=str(nth), **{column: value}) for nth, (column, value, *_) in enumerate(WRONG)]
    return place, place.load(place.write("consultations", rows), place.write("consultations", [contact(1, "right")]))


@pytest.mark.parametrize("nth", range(len(WRONG)), ids=[f"{column} {reason}" for column, _, reason, _ in WRONG])
def test_wrong_values(wrong: tuple[Place, Loaded], nth: int) -> None:
    place, _ = wrong
    column, _, reason, shown = WRONG[nth]
    here = f"file = 1 and line = {nth + 1}"
    found = place.rows("rejects", '"table", "column", reason, "value"', here)
    assert found == ([] if reason is None else [("consultations", column, reason, shown)])
    assert len(place.rows("consultations", where=here)) == (reason is None)


@pytest.mark.parametrize(
    ("table", "column", "more", "kept"),
    [
        (
            "conditions",
            "code",
            {"coding": "icd10", "since": "2024-03-04"},
            {"J18.9": "J189", "j18.9": "J189", "E11": "E11"},
        ),
        ("conditions", "code", {"coding": "read", "since": "2024-03-04"}, {"G30..": "G30..", "xaBc": "xaBc"}),
        ("observations", "code", {"coding": "icd10", "day": "2024-03-04"}, {"Z51.5": "Z515"}),
        ("attendances", "diagnosis", {"day": "2024-03-04"}, {"I21.9": "I219", "i219": "I219", "57054005": "57054005"}),
    ],
)
def test_codes_with_and_without_dots_are_kept_alike(
    place: Place, table: str, column: str, more: dict[str, str], kept: dict[str, str]
) -> None:
    """As code lists write them; a code of another coding stays as it is."""
    row = {"identifier": PEOPLE[0], **more}
    each = [{**row, "key": str(nth), column: code} for nth, code in enumerate(kept)]
    place.load(place.write(table, each))
    assert sorted(place.rows(table, f'"{column}"')) == sorted((code,) for code in kept.values())


def test_wrong_rows_do_not_touch_right_ones(wrong: tuple[Place, Loaded]) -> None:
    _, done = wrong
    right = sum(reason is None for _, _, reason, _ in WRONG)
    assert (done.total("kept"), done.total("rejected")) == (right + 1, len(WRONG) - right)


def test_every_reason_of_a_row_is_given_and_the_row_counts_once(place: Place) -> None:
    done = place.load(place.write("consultations", [contact(day="1753-01-01", cost="-1", mode="no")]))
    assert done.total("rejected") == 1
    assert [row[1] for row in place.reasons()] == ["cost", "day", "mode"]


def test_a_word_that_many_people_have_is_shown_and_that_of_one_is_not(place: Place) -> None:
    many = [contact(nth, str(nth), mode="letter") for nth in range(8)]
    one = [contact(9, f"x{nth}", mode="Ann Smith") for nth in range(9)]
    place.load(place.write("consultations", many + one))
    assert {row[3] for row in place.reasons()} == {"letter", None}


def test_days_out_of_order(place: Place) -> None:
    row = {"identifier": PEOPLE[0], "key": "", "practice": "A", "since": "2024-02-01", "until": "2024-02-01"}
    done = place.load(place.write("registrations", [row]))
    assert done.total("rejected") == 1
    assert place.reasons() == [("registrations", "until", "is not after since", None)]


def test_a_table_that_lacks_a_required_column(place: Place) -> None:
    done = place.load(place.write("people", [{"identifier": PEOPLE[0], "key": "", "sex": "female"}]))
    assert place.reasons() == [("people", "born", "is missing", None)]
    assert done.total("rejected") == 1


def test_rows_of_a_file_may_make_rows_of_several_tables_and_count_once(place: Place) -> None:
    file = place.folder / "several"
    file.write_text("stands for anything")

    def rows(table: str, given: list[dict[str, object]]) -> SourceRows:
        return SourceRows(table, pa.Table.from_pylist(given))

    people = [{"source_row": line, **person(line)} for line in (1, 2, 3, 4)]
    people[1]["sex"] = "unheard of"
    registered = [
        {"source_row": line, "identifier": PEOPLE[line], "key": f"{line}{half}", "practice": "A", "since": since}
        for line in (1, 2, 3)
        for half, since in (("a", "2020-01-01"), ("b", "2021-01-01" if line != 3 else "never"))
    ]
    pieces = [
        rows("people", people),
        rows("registrations", registered),
        RefusedRows(pa.table({"source_row": [5, 6], "reason": ["is no line of data", f"holds {PEOPLE[0]}"]})),
        SetAside("payer_plan_period", "the record has no table for it", 4),
        RowsRead(10),
    ]
    done = place.load(file, reader=PiecesReader(pieces={"several": pieces}))
    (counted,) = done.files
    # lines 1 and 4 are kept; of 2 and 3 something was rejected; 5 and 6 cannot be read; 4 have no table
    assert (counted.kept, counted.rejected, sum(counted.set_aside.values())) == (2, 4, 4)
    assert counted.tables["registrations"].made == 6
    assert counted.tables["registrations"].rejected == 1
    assert PEOPLE[0] not in str(place.rows("rejects"))


def test_a_reader_that_loses_a_row_is_found_out(place: Place) -> None:
    file = place.folder / "several"
    file.write_text("stands for anything")
    pieces = [SourceRows("people", pa.Table.from_pylist([{"source_row": 1, **person(1)}])), RowsRead(2)]
    with pytest.raises(AssertionError, match="2 rows were read, and 1 are accounted for"):
        place.load(file, reader=PiecesReader(pieces={"several": pieces}))


# -- hostile and broken files ------------------------------------------------------------------------------------------


def test_a_truncated_parquet_file_is_refused_and_nothing_is_lost(place: Place) -> None:
    good = place.write("consultations", [contact()])
    place.load(good)
    before = hashes(place.record)
    whole = place.folder / "whole.parquet"
    pq.write_table(pa.table({"identifier": PEOPLE, "key": PEOPLE, "day": ["2024-01-01"] * len(PEOPLE)}), whole)
    cut = place.folder / "consultations-cut.parquet"
    cut.write_bytes(whole.read_bytes()[:-200])
    with pytest.raises(DataRefused, match="cannot be read") as refused:
        place.load(cut)
    assert hashes(place.record, staging=False) == before
    assert not any(number in str(refused.value) for number in PEOPLE)


def test_a_file_in_another_encoding_is_refused_without_quoting_it(place: Place) -> None:
    file = place.folder / "consultations-latin.csv"
    file.write_bytes(f"identifier,key,day,practice\n{PEOPLE[0]},1,2024-01-01,Caf\xe9\n".encode("latin-1"))
    with pytest.raises(DataRefused) as refused:
        place.load(file)
    assert PEOPLE[0] not in str(refused.value)
    assert "Caf" not in str(refused.value)


def test_a_file_named_with_sql_is_a_file(place: Place) -> None:
    row = write_csv(place.folder / "consultations-'; drop table rejects; --.csv", [contact()])
    assert place.load(row).total("kept") == 1


def test_a_value_with_sql_is_a_value(place: Place) -> None:
    place.load(place.write("consultations", [contact(practice="'; drop table people; --", key="'); --")]))
    assert place.rows("consultations", "practice") == [("'; drop table people; --",)]


def test_a_quote_bomb_is_a_row_or_a_refusal(place: Place) -> None:
    file = place.folder / "consultations-quotes.csv"
    file.write_text("identifier,key,day,practice\n" + f'{PEOPLE[0]},1,2024-01-01,"' + '"' * 50_001 + "\n")
    try:
        done = place.load(file)
    except DataRefused as refused:
        assert PEOPLE[0] not in str(refused)
    else:
        assert done.rows == done.total("kept") + done.total("rejected")


@pytest.mark.parametrize("what", ["folder", "pipe", "dangling link", "link to a folder"])
def test_what_is_not_an_ordinary_file_is_refused(place: Place, what: str) -> None:
    odd = place.folder / "consultations-odd.csv"
    match what:
        case "folder":
            odd.mkdir()
        case "pipe":
            os.mkfifo(odd)
        case "dangling link":
            odd.symlink_to(place.folder / "nowhere")
        case _:
            odd.symlink_to(place.folder)
    with pytest.raises(DataRefused, match="not an ordinary file"):
        place.load(odd)


def test_a_link_to_a_file_is_that_file(place: Place) -> None:
    file = place.write("consultations", [contact()])
    link = place.folder / "consultations-link.csv"
    link.symlink_to(file)
    assert place.load(link).total("kept") == 1
    assert not place.load(file).changed


def test_a_staging_folder_that_is_a_link_is_not_followed(place: Place, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    place.record.mkdir()
    (place.record / STAGING).symlink_to(elsewhere)
    with pytest.raises(AccordError, match="a link, not a folder"):
        place.load(place.write("consultations", [contact()]))
    assert list(elsewhere.iterdir()) == []


def test_another_key_is_refused(place: Place) -> None:
    place.load(place.write("consultations", [contact()]))
    other = create_key(place.folder / "other")
    with pytest.raises(KeyRefused, match="not the key"):
        load(place.record, GivenReader(), [place.write("consultations", [contact(2)])], keys=other, day=DAY)


def test_two_loads_at_once_are_refused(place: Place) -> None:
    import fcntl

    place.load(place.write("consultations", [contact()]))
    with (place.record / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(DataRefused, match="another process"):
            place.load(place.write("consultations", [contact(2)]))


# -- opt-outs ----------------------------------------------------------------------------------------------------------


def everything(place: Place, nth: int) -> list[Path]:
    """Rows about one person from the registration service, from general practice and from hospital."""
    spell = {
        "identifier": PEOPLE[nth], "key": f"e{nth}", "spell": f"s{nth}", "episode": "1", "since": "2024-01-01",
        "until": "2024-01-02", "admitted": "2024-01-01", "discharged": "2024-01-02", "provider": "R1",
    }  # fmt: skip
    registered = {"identifier": PEOPLE[nth], "key": f"r{nth}", "practice": "A", "since": "2020-01-01"}
    return [
        place.write("people", [person(nth)]),
        place.write("registrations", [registered]),
        place.write("consultations", [contact(nth, f"c{nth}")]),
        place.write("episodes", [spell]),
    ]


OPT_OUTS = [
    # kind, tables that still have rows of the person
    ("national", set()),
    ("type 1", {"people", "registrations", "episodes"}),
]


@pytest.mark.parametrize(("kind", "left"), OPT_OUTS)
@pytest.mark.parametrize("when", ["before", "afterwards"])
def test_opt_outs(place: Place, kind: str, left: set[str], when: str) -> None:
    away = place.folder / "list.csv"
    away.write_text(f"identifier\n{PEOPLE[0][:3]} {PEOPLE[0][3:6]} {PEOPLE[0][6:]}\n")
    files = [*everything(place, 0), *everything(place, 1)]
    opt_outs: Any = {kind: [away]}
    if when == "before":
        done = place.load(*files, opt_outs=opt_outs)
        assert done.total("set_aside") == 4 - len(left)
    else:
        place.load(*files, known="2024-02-01")
        done = place.load(opt_outs=opt_outs, known="2024-03-01")
        assert done.opted_out == 4 - len(left)
    (who,) = place.keys.persons(PEOPLE[:1])
    tables = ("people", "registrations", "consultations", "episodes")
    assert {name for name in tables if place.rows(name, where=f"person = {who} and known_until is null")} == left
    # nor do the tables that are made from others hold anything of them
    made = {"registered": "registrations", "admissions": "episodes"}
    assert {name for name in made if place.rows(name, where=f"person = {who}")} == {
        name for name, origin in made.items() if origin in left
    }
    # the list holds for later loads too, and its people are counted, not named
    later = place.load(place.write("consultations", [contact(0, "later")]))
    assert (later.total("kept"), later.total("set_aside")) == (0, 1)
    assert place.rows("rejects") == []


def test_who_is_no_longer_on_the_list_can_be_loaded_again(place: Place) -> None:
    away, nobody = place.folder / "list.csv", place.folder / "empty.csv"
    away.write_text(f"{PEOPLE[0]}\n")
    nobody.write_text("nobody\n")
    file = place.write("consultations", [contact(0)])
    place.load(file, known="2024-02-01")
    place.load(opt_outs={"national": [away]}, known="2024-03-01")
    assert place.rows("consultations", "1", "known_until is null") == []
    done = place.load(file, opt_outs={"national": [nobody]}, known="2024-04-01")
    assert done.total("kept") == 1
    assert place.rows("consultations", "known_from", "known_until is null") == [(dt.date(2024, 4, 1),)]


def test_a_list_with_a_line_that_is_no_identifier_stops_the_load(place: Place) -> None:
    away = place.folder / "list.csv"
    away.write_text(f"{PEOPLE[0]}\n12345\n")
    with pytest.raises(DataRefused, match=r"list\.csv:2.*not an NHS number") as refused:
        place.load(place.write("consultations", [contact()]), opt_outs={"national": [away]})
    assert "12345" not in str(refused.value)


@pytest.mark.parametrize("known", [None, "2024-02-01", "2024-04-02"])
def test_the_file_as_it_was_brings_back_who_is_no_longer_on_the_list(place: Place, known: str | None) -> None:
    away, nobody = place.folder / "list.csv", place.folder / "empty.csv"
    away.write_text(f"{PEOPLE[0]}\n")
    nobody.write_text("nobody\n")
    file = place.write("consultations", [contact(0), contact(1, "other")])
    place.load(file, known="2024-02-01")
    place.load(opt_outs={"national": [away]}, known="2024-03-01")
    place.load(opt_outs={"national": [nobody]}, known="2024-04-01")
    done = place.load(file, known=known)
    came_back = known != "2024-02-01"  # what was known before the list does not undo it, and the load says so
    assert (done.total("kept"), done.total("unchanged")) == ((1, 1) if came_back else (0, 2))
    assert len(place.rows("consultations", "1", "known_until is null")) == 1 + came_back
    assert any("before the lists of opt-outs of 2024-04-01" in each.message for each in done.warnings) != came_back
    again = place.load(file, known=known)
    assert (again.changed, again.total("unchanged")) == (False, 2)


@pytest.mark.parametrize("text", ["", "\n", "identifier\n", "\ufeffNHS number\n\n"])
def test_a_list_that_names_nobody_lifts_no_opt_outs(place: Place, text: str) -> None:
    away, empty = place.folder / "list.csv", place.folder / "empty.csv"
    away.write_text(f"{PEOPLE[0]}\n")
    empty.write_text(text)
    place.load(place.write("consultations", [contact(1)]), opt_outs={"national": [away]})
    with pytest.raises(DataRefused, match=r"empty\.csv.*names nobody(?s:.*)write the line: nobody"):
        place.load(opt_outs={"national": [empty]})
    with pytest.raises(DataRefused, match="names nobody"):
        place.load(opt_outs={"national": [away, empty]})


@pytest.mark.parametrize(
    ("before", "now", "warned"), [(20, 20, False), (20, 18, False), (20, 17, True), (1, 0, True), (0, 0, False)]
)
def test_the_lengths_of_lists_are_said(place: Place, before: int, now: int, warned: bool) -> None:
    def written(many: int) -> list[Path]:
        file = place.folder / f"list-{many}.csv"
        file.write_text("\n".join(PEOPLE[:many]) or "nobody")
        return [file]

    place.load(place.write("consultations", [contact(50)]), opt_outs={"type 1": written(before)})
    done = place.load(opt_outs={"type 1": written(now)})
    assert [(each.kind, each.before, each.now) for each in done.lists] == [("type 1", before, now)]
    said = f"the list of type 1 objections has {now} people, and had {before}"
    assert [problem.message for problem in done.warnings] == [said] * warned


def test_which_files_are_read_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "SMALL_FILE", 10)
    monkeypatch.setattr(staging, "BATCH", 20)
    # JSON weighs an eighth; what is not small is read by itself, and what follows it begins anew
    sizes = {"a.json": 72, "b.json": 72, "c.json": 72, "d.csv": 72, "e.csv": 9, "f.csv": 9, "g.json": 800, "h.csv": 9}
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(b" " * size)
    files = [SourceFile(tmp_path / name, name, "x", "x") for name in sizes]
    batches = staging.batches_of(list(enumerate(files)), tmp_path)
    together = ["".join(file.label[0] for _, file in batch.files) for batch in batches]
    assert together == ["ab", "c", "d", "ef", "g", "h"]


@pytest.mark.parametrize("known", ["2999-01-01", "1066-10-14"])
def test_files_do_not_become_known_on_a_day_to_come(place: Place, known: str) -> None:
    with pytest.raises(DataRefused, match=f"cannot have become known on {known}"):
        place.load(place.write("consultations", [contact()]), known=known)


# -- killed, and resumed -----------------------------------------------------------------------------------------------

_KILLED = """
import datetime as dt, os, signal, sys
from pathlib import Path
import accord.record.loading as loading
import accord.record.staging as staging
from accord.record.pseudonym import read_key
from tests.record.given import GivenReader
folder, at = Path(sys.argv[1]), sys.argv[2]
done = 0

def die(what):
    global done
    done += what == at.split(":")[0]
    if done == int(at.split(":")[1]):
        os.kill(os.getpid(), signal.SIGKILL)

def after(module, name, what):
    plain = getattr(module, name)
    def changed(*args, **kwargs):
        found = plain(*args, **kwargs)
        die(what)
        return found
    setattr(module, name, changed)

staging.SMALL_FILE = 1  # every file is a batch of its own
after(staging.Staging, "_admit", "admitted")
after(staging.Staging, "read", "read")
after(loading._Load, "_merge", "merged")
after(loading, "describe_tables", "described")
after(loading, "publish", "published")
loading.load(folder / "record", GivenReader(), sorted(folder.glob("*.csv")), keys=read_key(folder / "key"),
             day=dt.date(2024, 6, 1))
"""


@pytest.mark.parametrize("at", ["admitted:1", "read:2", "admitted:3", "merged:2", "described:1", "published:1"])
def test_a_load_that_was_killed_is_resumed_without_duplicates(
    place: Place, at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("accord.record.staging.SMALL_FILE", 1)
    files = [
        place.write("consultations", [contact(nth, str(nth)) for nth in range(20)]),
        place.write("consultations", [contact(nth, str(nth)) for nth in range(10, 30)]),
        place.write("people", [person(nth) for nth in range(20)]),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    killed = subprocess.run(
        [sys.executable, "-c", _KILLED, str(place.folder), at], env=environment, capture_output=True, text=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    if at.startswith("published"):
        assert open_record(place.record).generation.name == "generation-000001"
    else:
        assert not (place.record / "CURRENT").exists()
    # resumed on another day, it keeps the day on which it began
    done = place.load(*sorted(files), day=dt.date(2024, 6, 9))
    assert done.resumed == (at in ("read:2", "admitted:3", "merged:2", "described:1"))
    rows = place.rows("consultations", "row, known_from")
    assert len(rows) == len(set(rows)) == 30
    assert {known for _, known in rows} == {DAY}
    assert len(place.rows("people")) == 20
    leftovers = [path.name for path in place.record.iterdir() if path.name.startswith((".loading", ".unfinished"))]
    assert leftovers == []


def test_the_same_from_scratch_and_after_a_kill(place: Place, tmp_path: Path) -> None:
    """What a resumed load writes is what one in one go writes."""
    files = [place.write("consultations", [contact(nth, str(nth)) for nth in range(20)])]
    place.load(*files)
    other = Place(tmp_path / "other", place.keys)
    other.folder.mkdir()
    other.load(*files)
    assert other.rows("consultations") == place.rows("consultations")


# -- nothing leaked ----------------------------------------------------------------------------------------------------


def test_no_identifier_in_record_output_or_error(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    broken = [
        contact(0, PEOPLE[0]),
        contact(1, "1", day=PEOPLE[1]),
        contact(2, "2", practice=PEOPLE[2]),
        contact(3, "3", mode=PEOPLE[3]),
        contact(4, "4", cost=f"-{PEOPLE[4]}"),
        contact(5, PEOPLE[5], identifier=f"{PEOPLE[5]}x"),
        contact(6, "6", deleted="true"),
        contact(7, "", minutes=PEOPLE[7]),
    ]
    away = place.folder / "list.csv"
    away.write_text(f"{PEOPLE[8]}\n")
    place.load(place.write("consultations", broken), opt_outs={"national": [away]})
    done = place.load(place.write("consultations", [contact(8, "8")]))
    texts = [json.dumps(done.as_json(), default=str), str(done), repr(place.keys), *capfd.readouterr()]
    for path in place.record.rglob("*"):
        if path.suffix == ".parquet":
            texts.append(str(pq.read_table(path).to_pylist()))
            texts.append(path.read_bytes().decode("latin-1"))
        elif path.is_file():
            texts.append(path.read_text("utf-8"))
    secrets = json.loads((place.folder / "key").read_text())["secrets"]
    for text in texts:
        for number in PEOPLE[:9]:
            assert number not in text
        assert not any(secret in text for secret in secrets)


# -- tables that follow from others ------------------------------------------------------------------------------------


def test_what_follows_is_the_same_for_some_people_as_for_everybody(place: Place, tmp_path: Path) -> None:
    """After each of several loads that touch some people, the derived tables are those made from scratch."""
    dice = random.Random(11)

    def stays(month: int) -> list[dict[str, object]]:
        made: list[dict[str, object]] = []
        for nth in dice.sample(range(40), 9 if month else 40):
            first = dt.date(2023, 1, 1) + dt.timedelta(dice.randrange(300))
            last = first + dt.timedelta(dice.randrange(4))
            made.append(
                {
                    "identifier": PEOPLE[nth],
                    "key": f"{nth} {dice.randrange(3)}",
                    "spell": f"{nth} {dice.randrange(2)}",
                    "episode": "1",
                    **{"since": first, "until": last, "admitted": first, "discharged": last, "provider": "R1"},
                    **{"admission_source": dice.choice(["19", "51"]), "admission_method": "21"},
                    **{"diagnoses": dice.choice(["J449", "I10X E119"]), "patient_class": dice.choice("123")},
                    "deleted": str(bool(month) and dice.random() < 0.2).lower(),
                }
            )
        return made

    def registered(month: int) -> list[dict[str, object]]:
        chosen = dice.sample(range(40), 7 if month else 40)
        return [
            {
                "identifier": PEOPLE[nth],
                "key": f"r{nth}",
                "practice": dice.choice("AB"),
                "since": f"202{month % 3}-01-01",
            }
            for nth in chosen
        ]

    away = tmp_path / "away.csv"
    away.write_text(f"{PEOPLE[3]}\n{PEOPLE[17]}\n")
    seen: list[int] = []
    for month in range(5):
        files = [place.write("episodes", stays(month)), place.write("registrations", registered(month))]
        if month == 3:
            files.append(
                place.write("deaths", [{"identifier": PEOPLE[nth], "key": "", "day": "2023-05-01"} for nth in (5, 6)])
            )
        lists: Any = {"national": [away]} if month == 4 else None
        place.load(*files, known=f"2024-0{month + 1}-01", opt_outs=lists)
        record = open_record(place.record)
        scratch = Record(tmp_path, tmp_path / f"scratch-{month}", {})
        for name in record.manifest["tables"]:  # type: ignore[attr-defined]
            if name in definition.NAMES and not definition.table(name).derived:
                shutil.copytree(record.generation / name, scratch.generation / name)
        derive(scratch)
        made = {name for name in definition.NAMES if definition.table(name).derived}
        expected = {name: rows for name, rows in content(scratch).items() if name in made}
        assert {name: rows for name, rows in content(record).items() if name in made} == expected
        seen.append(len(expected["admissions"]))
    assert len(set(seen)) > 2


def test_of_a_new_month_the_people_of_the_month_alone_are_derived_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.load(*[file for nth in range(6) for file in everything(place, nth)], known="2024-02-01")
    given: list[Any] = []
    monkeypatch.setattr(deriving, "derive", lambda *args, **more: given.append(args[3]) or derive(*args, **more))
    place.load(*everything(place, 7), place.write("consultations", [contact(2, "new")]), known="2024-03-01")
    assert given[0].column("person").to_pylist() == place.keys.persons(PEOPLE[7:8])
    assert len(place.rows("admissions")) == 7


# -- extracts ----------------------------------------------------------------------------------------------------------


def hashes(folder: Path, staging: bool = True) -> dict[str, int]:
    """What is in a folder: every file with its content, as a hash."""
    return {
        str(path.relative_to(folder)): hash(path.read_bytes())
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock" and (staging or STAGING not in path.parts)
    }


def content(record: Record) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of every table."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for name in (*definition.NAMES, "rejects", "withdrawn"):
        files = [str(file) for file in record.files(name)]
        if files:
            found[name] = duckdb.sql(f"select * from read_parquet({files}) order by all").fetchall()
    return {name: rows for name, rows in found.items() if rows}
