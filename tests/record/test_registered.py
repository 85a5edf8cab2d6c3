"""Registered and resident by day: what overlapping registrations and residences come to."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.record.engines import EngineKind, open_engine
from accord.record.portable import read_select
from tests.record.plain import record_of

# registrations of one person as practice:first day-first day no longer, deaths as +day, in April 2026 | what comes out
TABLE = """
no overlap                                            | A:1-5  B:5-9          | A:1-5 B:5-9
a gap stays a gap                                     | A:1-4  B:6-9          | A:1-4 B:6-9
a later one ends the earlier                          | A:1-   B:5-           | A:1-5 B:5-
the earlier does not come back                        | A:1-20 B:5-8          | A:1-5 B:5-8
told twice                                            | A:1-9  A:1-9          | A:1-9
the same practice, overlapping                        | A:1-6  A:4-9          | A:1-9
the same practice, one inside the other               | A:1-20 A:5-8          | A:1-20
the same practice, without a day between              | A:1-5  A:5-9          | A:1-9
the same practice, with a day between                 | A:1-5  A:6-9          | A:1-5 A:6-9
back to the first practice                            | A:1-20 B:5-8 A:10-20  | A:1-5 B:5-8 A:10-20
back while the first had never ended                  | A:1-   B:3-4 A:8-9    | A:1-3 B:3-4 A:8-9
both from the same day: the longer counts             | A:1-5  B:1-9          | B:1-9
both from the same day, alike: the first code         | B:1-5  A:1-5          | A:1-5
death is the last day                                 | A:1-   +7             | A:1-8
death before a later registration                     | A:1-5  B:9-  +7       | A:1-5
death ends what had ended already, no more            | A:1-5  +7             | A:1-5
registered on the day of death                        | A:7-   +7             | A:7-8
"""


def _day(number: str) -> str | None:
    return f"2026-04-{int(number):02}" if number else None


def _told(text: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    spans, deaths = [], []
    for word in text.split():
        if word.startswith("+"):
            deaths.append({"person": 1, "day": _day(word[1:])})
        else:
            practice, days = word.split(":")
            first, last = days.split("-")
            spans.append({"person": 1, "practice": practice, "since": _day(first), "until": _day(last)})
    return spans, deaths


@pytest.mark.parametrize("line", TABLE.strip().splitlines())
def test_registrations_become_one_practice_a_day(line: str, tmp_path: Path) -> None:
    _, told, expected = (part.strip() for part in line.split("|"))
    spans, deaths = _told(told)
    record = record_of(tmp_path, registrations=spans, deaths=deaths)
    with open_engine(record) as engine:
        select = read_select("select practice, since, until from registered order by since", "t.sql")
        found = [
            f"{row['practice']}:{row['since'].day}-{row['until'].day if row['until'] else ''}"
            for row in engine.rows(select).to_pylist()
        ]
    assert sorted(found) == sorted(expected.split())


# -- against every day looked at alone ---------------------------------------------------------------------------------

START = dt.date(2026, 4, 1)
PEOPLE, PRACTICES, LAST = 4, "ABC", 30


def by_day(spans: Sequence[tuple[int, str, int, int | None]], deaths: dict[int, int]) -> dict[tuple[int, int], str]:
    """Where each person is on each day, straight from the rules: the run of one place that began last, if it covers."""
    found: dict[tuple[int, int], str] = {}
    for person in range(PEOPLE):
        longest: dict[int, tuple[int, str, int]] = {}
        for _, place, since, until in (span for span in spans if span[0] == person):
            until = until or 999
            if since not in longest or (-until, place) < (-longest[since][2], longest[since][1]):
                longest[since] = (since, place, until)
        told = [longest[since] for since in sorted(longest)]
        for day in range(LAST + 5):
            begun = [each for each in told if each[0] <= day]
            if not begun or day > deaths.get(person, 999):
                continue
            run: list[tuple[int, str, int]] = []
            for each in reversed(begun):
                if each[1] != begun[-1][1]:
                    break
                run.append(each)
            if any(since <= day < until for since, _, until in run):
                found[person, day] = begun[-1][1]
    return found


def _date(day: int | None) -> dt.date | None:
    return None if day is None else START + dt.timedelta(days=day)


SPANS = st.lists(
    st.tuples(
        st.integers(0, PEOPLE - 1), st.sampled_from(PRACTICES), st.integers(0, LAST), st.none() | st.integers(1, 12)
    ).map(lambda span: (*span[:3], None if span[3] is None else span[2] + span[3])),
    max_size=14,
    unique_by=lambda span: span[:3],
)
DEATHS = st.dictionaries(st.integers(0, PEOPLE - 1), st.integers(0, LAST), max_size=2)


def days_of(folder: Path, kind: EngineKind, text: str, **tables: Any) -> dict[tuple[int, int], list[str]]:
    """For each person and day, every place that the engine gives."""
    with open_engine(record_of(folder, **tables), kind, threads=2) as engine:
        rows = engine.rows(read_select(text, "t.sql")).to_pylist()
    found: dict[tuple[int, int], list[str]] = {}
    for row in rows:
        last = (row["until"] - START).days if row["until"] else LAST + 5
        assert (row["since"] - START).days < last
        for day in range((row["since"] - START).days, min(last, LAST + 5)):
            found.setdefault((row["person"] - 1, day), []).append(row["place"])
    return found


def _registrations(spans: Any, deaths: Any) -> dict[str, list[dict[str, Any]]]:
    return {
        "registrations": [
            {"person": person + 1, "practice": place, "since": _date(since), "until": _date(until)}
            for person, place, since, until in spans
        ],
        "deaths": [{"person": person + 1, "day": _date(day)} for person, day in deaths.items()],
    }


@given(SPANS, DEATHS)
@settings(max_examples=40, deadline=None)
def test_registered_is_what_every_day_looked_at_alone_gives(
    tmp_path_factory: pytest.TempPathFactory, spans: Any, deaths: Any
) -> None:
    text = "select person, practice as place, since, until from registered"
    found = days_of(tmp_path_factory.mktemp("r"), "duckdb", text, **_registrations(spans, deaths))
    assert found == {at: [place] for at, place in by_day(spans, deaths).items()}


@given(SPANS, DEATHS)
@settings(max_examples=25, deadline=None)
def test_resident_is_what_every_day_looked_at_alone_gives(
    tmp_path_factory: pytest.TempPathFactory, spans: Any, deaths: Any
) -> None:
    text = "select person, area || ' ' || kind as place, since, until from resident"
    homes = {"A": ("A", "home"), "B": ("A", "nursing home"), "C": ("C", "home")}
    tables = _registrations(spans, deaths)
    tables["residences"] = [
        {"person": row["person"], "area": area, "kind": kind, "since": row["since"], "until": row["until"]}
        for row in tables.pop("registrations")
        for area, kind in [homes[row["practice"]]]
    ]
    found = days_of(tmp_path_factory.mktemp("r"), "duckdb", text, **tables)
    assert found == {at: [" ".join(homes[place])] for at, place in by_day(spans, deaths).items()}
