"""Why one person counts, or does not: every reason, and nobody's number in any word."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from accord.measures.computing import Session
from accord.measures.explaining import Explained, NobodyThere, explain
from accord.measures.measure import find
from tests.measures.made import card, made, ratio, rows, write_measure

PERSON = 7_654_321_012_345

SELECT = """select person, day, 1 as numerator, "row" as event,
    case when department = '4' then 'a walk-in centre' end as excluded from attendances"""


@pytest.fixture
def explained(tmp_path: Path) -> Any:
    """A person who was registered from 10 April until 1 June and turned 65 on 1 May, explained."""
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", f"{PERSON} | 1960-05-01 | female"),
        registrations=rows("registrations", "person|practice|since|until", f"{PERSON} | P1 | 2025-04-10 | 2025-06-01"),
        attendances=rows(
            "attendances",
            "person|day|department",
            *[f"{PERSON} | 2025-{day}" for day in ("03-31 | 1", "04-09 | 1", "04-30 | 1", "05-01 | 1", "05-02 | 4")],
        ),
    )

    def of(written: dict[str, Any], select: str = SELECT, person: int = PERSON) -> Explained:
        measure = find(write_measure(tmp_path, written, select))
        with Session(record, first=dt.date(2025, 4, 1), until=dt.date(2025, 7, 1), every="month", threads=1) as session:
            return explain(session, measure, person)

    return of


def test_rows(explained: Any) -> None:
    """Each row with its reason: the window, the registration, the age, the measure's own exclusion."""
    population = {"who": "registered", "count": "people on the first day", "ages": "65+"}
    made = explained(card(population=population))
    assert [(str(each.day)[5:], each.verdict, each.why) for each in made.rows] == [
        ("03-31", "outside", "outside the days asked for (2025-04-01 to 2025-06-30)"),
        ("04-09", "outside", "not registered with any practice on this day"),
        ("04-30", "outside", "64 years old, and ages 65+ count"),
        ("05-01", "numerator", "Attendances; 65 years old, registered with P1"),
        ("05-02", "excluded", "a walk-in centre"),
    ]
    assert [(each.verdict, each.why) for each in made.population] == [
        ("outside", "not registered with any practice on this day (for April 2025)"),
        ("denominator", "65 years old, registered with P1 (for May 2025)"),
        ("outside", "not registered with any practice on this day (for June 2025)"),
    ]


@pytest.mark.parametrize(("ages", "days"), [("all", (21, 31, 0)), ("65+", (0, 31, 0)), ("0-64", (21, 0, 0))])
def test_person_days(explained: Any, ages: str, days: tuple[int, ...]) -> None:
    """The days that a person adds to the population."""
    made = explained(card(population={"who": "registered", "count": "person-days", "ages": ages}))
    assert tuple(each.denominator for each in made.population) == days


def test_a_ratio(explained: Any) -> None:
    """Numerator 0 counts in the denominator; sex keeps out."""
    select = "select person, day, 0 as numerator, 1 as denominator from attendances"
    made = explained(ratio(), select)
    assert [each.verdict for each in made.rows] == ["outside", "outside", *["denominator"] * 3]
    men = explained(ratio(population={"who": "registered", "sex": "male"}), select)
    assert men.rows[-1].why == "sex is recorded as female, and male count"
    assert men.population == ()


def test_it_adds_up(explained: Any) -> None:
    """What is explained as counting is what the measure counts."""
    made = explained(card(population={"who": "registered", "count": "people on the first day"}))
    assert sum(each.numerator for each in made.rows if each.verdict == "numerator") == 2


def test_nobodys_number(explained: Any) -> None:
    """The pseudonym is in no word, nor in the answer that there is no such person."""
    made = explained(card())
    assert str(PERSON) not in made.text() + json.dumps(made.as_json())
    with pytest.raises(NobodyThere) as nobody:
        explained(card(), person=999)
    assert "999" not in str(nobody.value)
