"""What is odd and kept: a load says it of what it brought, the quality report of everything that stands."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb
import pytest

from accord.record.loading import Loaded, load
from accord.record.plausibility import warnings
from accord.record.pseudonym import create_key
from accord.record.quality import quality
from tests.record.given import PEOPLE, GivenReader, write_csv
from tests.record.plain import record_of

Rows = Sequence[Mapping[str, object]]
Loads = Callable[..., Loaded]

BORN_LATE = {"person": 1, "born": "2024-01-20", "sex": "female", "file": 1}
BORN_EARLY = {"person": 1, "born": "1950-01-01", "sex": "female", "file": 1}
SEEN = {"row": 1, "person": 1, "day": "2024-01-02", "file": 2}


def registered(row: int, since: str, until: str | None, file: int, person: int = 1) -> dict[str, object]:
    return {"row": row, "person": person, "practice": f"A{row}", "since": since, "until": until, "file": file}


EVERYTHING, FIRST, SECOND, THIRD = None, (1,), (2,), (3,)
UNSEEN = "of people of whom the record has no row in people"
TWICE = "registered twice on some day; both rows are kept, and the roster takes the later"
LATE = "more than 30 days after the person died"


@pytest.mark.parametrize(
    ("tables", "said", "by"),
    [
        # the row came with the load, or what makes it odd did
        ({"people": [BORN_LATE], "consultations": [SEEN]}, "consultations: 1 row before the person was born",
         (EVERYTHING, FIRST, SECOND)),
        ({"people": [{**BORN_LATE, "born": "2024-01-02"}], "consultations": [SEEN]}, "", ()),
        # somebody may have lived somewhere, by the day that stands for a year of birth, before they were born
        ({"people": [BORN_LATE], "registrations": [registered(1, "2024-01-02", None, 2)]}, "", ()),
        ({"deaths": [{"person": 1, "day": "2024-01-01", "file": 1}],
          "consultations": [{**SEEN, "day": "2024-02-01"}]},
         f"consultations: 1 row {LATE}", (EVERYTHING, FIRST, SECOND)),
        ({"deaths": [{"person": 1, "day": "2024-01-01", "file": 1}],
          "consultations": [{**SEEN, "day": "2024-01-31"}]}, "", ()),
        ({"people": [BORN_LATE], "deaths": [{"person": 1, "day": "2024-01-19", "file": 2}]},
         "deaths: 1 row before the person was born", (EVERYTHING, FIRST, SECOND)),
        ({"people": [BORN_EARLY],
          "consultations": [SEEN, {**SEEN, "row": 2, "person": 2}, {**SEEN, "row": 3, "person": 3}]},
         f"consultations: 2 rows {UNSEEN}", (EVERYTHING, SECOND)),
        ({"registrations": [registered(1, "2020-01-01", None, 1), registered(2, "2022-01-01", None, 2)]},
         f"registrations: 1 person is {TWICE}", (EVERYTHING, FIRST, SECOND)),
        ({"registrations": [registered(1, "2020-01-01", None, 1), registered(2, "2020-01-01", None, 2)]},
         f"registrations: 1 person is {TWICE}", (EVERYTHING, FIRST, SECOND)),
        ({"registrations": [registered(1, "2020-01-01", "2022-01-01", 1), registered(2, "2022-01-01", None, 2)]},
         "", ()),
        # a third row of theirs, that overlaps with none, is no news about the two that do
        ({"registrations": [registered(1, "2020-01-01", "2021-06-01", 1), registered(2, "2021-01-01", "2022-01-01", 1),
                            registered(3, "2022-01-01", None, 2)]},
         f"registrations: 1 person is {TWICE}", (EVERYTHING, FIRST)),
    ],
)  # fmt: skip
def test_what_is_odd_is_said_of_what_a_load_brought(
    tmp_path: Path, tables: dict[str, list[dict[str, object]]], said: str, by: Sequence[Sequence[int] | None]
) -> None:
    record = record_of(tmp_path, **tables)
    con = duckdb.connect()
    for brought in (EVERYTHING, FIRST, SECOND, THIRD, ()):
        found = [problem.message for problem in warnings(con, record, brought)]
        assert found == ([said] if brought in by else []), brought


def test_rows_that_no_longer_stand_are_not_odd(tmp_path: Path) -> None:
    record = record_of(tmp_path, people=[BORN_LATE], consultations=[{**SEEN, "known_until": "2024-02-01"}])
    assert warnings(duckdb.connect(), record) == ()


@pytest.fixture
def loads(tmp_path: Path) -> Loads:
    keys = create_key(tmp_path / "key")

    def loads(known: str, **tables: Rows) -> Loaded:
        folder = tmp_path / known
        folder.mkdir()
        files = [write_csv(folder / f"{name}.csv", rows) for name, rows in tables.items()]
        day = dt.date.fromisoformat(known)
        return load(tmp_path / "record", GivenReader(), files, keys=keys, known=day, day=day)

    return loads


def test_a_load_does_not_repeat_what_an_earlier_one_said(loads: Loads) -> None:
    def contact(nth: int, key: str) -> dict[str, object]:
        return {"identifier": PEOPLE[nth], "key": key, "day": "2024-01-02", "practice": "A81001"}

    first = loads(
        "2024-02-01",
        people=[{"identifier": PEOPLE[0], "key": "a", "born": "2024-01-20", "sex": "female"}],
        consultations=[contact(0, "1"), contact(1, "2")],
    )
    early, unseen = (f"consultations: 1 row {words}" for words in ("before the person was born", UNSEEN))
    assert [problem.message for problem in first.warnings] == [early, unseen]
    second = loads("2024-03-01", consultations=[contact(0, "1"), contact(1, "2"), contact(1, "3")])
    assert [problem.message for problem in second.warnings] == [unseen]
    assert quality(second.record).warnings == (early, f"consultations: 2 rows {UNSEEN}")
