"""NHS numbers of other people in columns of codes and amounts: refused, and nowhere in the record."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.record import strangers
from accord.record.loading import Loaded, load
from accord.record.pseudonym import create_key, read_key
from accord.record.record import Record
from accord.record.rotating import rotate
from tests.record.given import PEOPLE, GivenReader, write_csv

Loads = Callable[..., Loaded]
OWN, OTHER, UNKNOWN = PEOPLE[0], PEOPLE[1], PEOPLE[50]
REFUSED = "holds another person's NHS number"


@pytest.fixture
def loads(tmp_path: Path) -> Loads:
    create_key(tmp_path / "key")

    def loads(*, source: str = "given", **tables: Sequence[Mapping[str, object]] | Path) -> Loaded:
        folder = tmp_path / f"load {len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        files = [
            rows if isinstance(rows, Path) else write_csv(folder / f"{name}.csv", rows) for name, rows in tables.items()
        ]
        keys = read_key(tmp_path / "key")
        return load(tmp_path / "record", GivenReader(source), files, keys=keys, day=dt.date(2024, 6, 1))

    return loads


def people(*which: str) -> list[dict[str, object]]:
    return [{"identifier": one, "key": one, "born": "1950-01-01", "sex": "female"} for one in which]


def contact(nth: int, clinician: object, who: str = OWN) -> dict[str, object]:
    return {"identifier": who, "key": nth, "day": "2024-01-02", "clinician": clinician}


def grouped(number: str, sign: str) -> str:
    return sign.join((number[:3], number[3:6], number[6:]))


def tells(record: Record, number: str) -> bool:
    """Whether a number stands anywhere in the values of a record."""
    for file in record.generation.rglob("*.parquet"):
        for row in duckdb.sql(f"select * from read_parquet('{file}')").fetchall():
            if any(number in re.sub("[ ._-]", "", str(value)) for value in row):
                return True
    return False


CELLS = [
    (OTHER, True),
    (f" {OTHER} ", True),
    (grouped(OTHER, " "), True),
    (grouped(OTHER, "-"), True),
    (f"see {OTHER}, please", True),
    (f"12 345 {grouped(OTHER, ' ')} 6", True),
    (f"{UNKNOWN} {OTHER}", True),
    (UNKNOWN, False),  # nobody of whom load or record knows
    (f"{OTHER}7", False),  # eleven digits are no number of a person
    (f"7{OTHER}", False),
    (OTHER[:9], False),
    (grouped(OTHER, "  ")[:7], False),
    ("1234567890", False),
    ("12345678901234567", False),
]


def test_another_persons_number_in_a_code_is_refused(loads: Loads) -> None:
    done = loads(people=people(OWN, OTHER), consultations=[contact(n, cell) for n, (cell, _) in enumerate(CELLS)])
    refused = sum(wrong for _, wrong in CELLS)
    assert done.reasons == {f"consultations.clinician: {REFUSED}": refused}
    assert done.total("kept") == 2 + len(CELLS) - refused


def test_nothing_of_it_is_written(loads: Loads) -> None:
    cells = [cell for cell, wrong in CELLS if wrong]
    done = loads(people=people(OWN, OTHER), consultations=[contact(n, cell) for n, cell in enumerate(cells)])
    assert not tells(done.record, OTHER)
    assert not tells(done.record, OWN)


def test_amounts_and_lists_of_codes_too(loads: Loads) -> None:
    entry = {"identifier": OWN, "day": "2024-01-02", "coding": "local", "code": "X"}
    stay = {
        "identifier": OWN, "spell": "s", "episode": 1, "since": "2024-01-01", "until": "2024-01-02",
        "admitted": "2024-01-01", "discharged": "2024-01-02", "provider": "R",
    }  # fmt: skip
    done = loads(
        people=people(OWN, OTHER),
        observations=[{**entry, "key": "a", "value": OTHER}, {**entry, "key": "b", "value": f"{OTHER}.5"}],
        consultations=[{**contact(1, "C1"), "cost": OTHER}, {**contact(2, "C1"), "cost": UNKNOWN}],
        episodes=[{**stay, "key": "c", "diagnoses": f"I50 {OTHER} J44"}, {**stay, "key": "d", "diagnoses": "I50 J44"}],
    )
    assert done.reasons == {
        "observations.value: is another person's NHS number": 1,
        "consultations.cost: is another person's NHS number": 1,
        f"episodes.diagnoses: {REFUSED}": 1,
    }


def test_numbers_that_a_parquet_file_keeps_as_numbers(loads: Loads, tmp_path: Path) -> None:
    file = tmp_path / "consultations.parquet"
    cells = [int(OTHER), 12, int(UNKNOWN)]
    day = pa.array([dt.date(2024, 1, 2)] * 3)
    pq.write_table(pa.table({"identifier": [OWN] * 3, "key": [1, 2, 3], "day": day, "clinician": cells}), file)
    assert loads(people=people(OTHER), consultations=file).reasons == {f"consultations.clinician: {REFUSED}": 1}


@pytest.mark.parametrize(("patients", "refused"), [(7, 7), (8, 0)])
def test_what_many_people_have_is_a_code(loads: Loads, patients: int, refused: int) -> None:
    """A code of ten digits may pass the check, and be somebody's number, by chance."""
    rows = [
        {"identifier": PEOPLE[2 + n], "key": n, "since": "2020-01-01", "coding": "snomed", "code": OTHER}
        for n in range(patients)
    ]
    done = loads(people=people(OTHER), conditions=rows)
    assert done.total("rejected") == refused


def test_who_is_known_to_the_record_is_known(loads: Loads, tmp_path: Path) -> None:
    """From an earlier load; after the key was rotated too."""
    loads(people=people(OWN, OTHER))
    assert loads(consultations=[contact(1, OTHER)]).total("rejected") == 1
    rotate(tmp_path / "record", tmp_path / "key")
    assert loads(consultations=[contact(2, OTHER), contact(3, UNKNOWN)]).total("rejected") == 1


TEXT = st.lists(
    st.sampled_from(["9", "99", "999", "123", "4567", "9990000026", "12345678901", " ", "-", ".", "x", "  "])
)


@given(TEXT)
def test_numbers_of_ten_digits_in_a_text_are_what_plain_python_finds(parts: list[str]) -> None:
    text = "".join(parts)
    runs = re.findall("[0-9]+", text)
    grouped = [
        "".join(three) for three in zip(runs, runs[1:], runs[2:], strict=False) if [*map(len, three)] == [3, 3, 4]
    ]
    expected = [each for each in runs if len(each) == 10] + grouped
    (found,) = duckdb.execute(f"select {strangers._of_text('t')} from (select ? as t)", [text]).fetchall()
    assert sorted(found[0]) == sorted(expected)
    if expected and re.search(strangers.DIGITS, text) is None:
        assert re.search("[0-9][^0-9 ._-]", text)  # what is not looked at is not one number either
