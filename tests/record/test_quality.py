"""The quality report: what is counted, what may leave, and that the page stands alone."""

from __future__ import annotations

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.record.loading import load
from accord.record.pseudonym import create_key
from accord.record.quality import Quality, Showing, page, quality
from accord.record.readers import open_reader
from tests.record.plain import record_of


def spell(row: int, person: int, since: str, until: str | None, **more: Any) -> dict[str, Any]:
    return {
        "row": row, "person": person, "spell": row, "episode": 1, "since": since, "until": until, "admitted": since,
        "discharged": until, "provider": "RXX", "admission_source": "19", "discharge_destination": "19", **more,
    }  # fmt: skip


@pytest.fixture
def measured(tmp_path: Path) -> Quality:
    months = [dt.date(2023 + (month > 11), month % 12 + 1, 3) for month in range(24)]
    contacts = [
        {
            "row": 1000 + 40 * m + n,
            "person": n,
            "day": month,
            "practice": practice,
            "known_from": month + dt.timedelta(n),
        }
        for m, month in enumerate(months)
        for practice, size in (("A81001", 20), ("A81002", 10))
        for n in range(1, size + 1)
        if not (practice == "A81002" and m in (7, 8)) and not (practice == "A81001" and m == 3 and n > 9)
    ]
    for number, contact in enumerate(contacts):
        contact["row"] = number
    return quality(
        record_of(
            tmp_path,
            people=[{"person": n, "born": "1950-01-01", "sex": "female"} for n in range(1, 16)],
            consultations=contacts,
            registrations=[
                {"row": 1, "person": 1, "practice": "A81001", "since": "2020-01-01", "until": "2023-06-01"},
                {"row": 2, "person": 1, "practice": "A81002", "since": "2023-05-01"},
                {"row": 3, "person": 2, "practice": "A81002", "since": "2023-05-01"},
            ],
            deaths=[{"person": 3, "day": "2024-06-01"}],
            episodes=[
                spell(1, 1, "2024-01-01", "2024-01-09"),
                spell(2, 1, "2024-01-05", "2024-01-07"),  # inside the first
                spell(3, 2, "2024-01-01", None),
                spell(4, 2, "2024-02-01", "2024-02-02"),  # so the one before must have ended
                spell(5, 3, "2024-01-01", "2024-01-03", discharge_destination="51"),
                spell(6, 3, "2024-01-03", "2024-01-05"),  # admitted from home, says it
                spell(7, 4, "2024-01-01", "2024-01-03"),
                spell(8, 4, "2024-01-01", "2024-01-03", spell=7),  # told twice
                spell(9, 5, "2024-01-01", "2024-01-03"),
                spell(10, 5, "2024-01-04", "2024-01-05", admission_source="51"),
            ],
        )
    )


def test_findings(measured: Quality) -> None:
    found = {(finding.table, finding.what): finding.rows for finding in measured.findings}
    assert found == {
        ("episodes", "an episode is told twice"): 1,
        ("episodes", "a spell begins before an earlier one of the person has ended"): 1,
        ("episodes", "a spell without a day of discharge is followed by an ordinary admission"): 1,
        ("episodes", "sent to a hospital, and within two days admitted from home"): 1,
        ("episodes", "home, and within two days received from a hospital"): 1,
        ("registrations", "a registration begins before an earlier one has ended"): 1,
        ("consultations", "it happened after the person's death"): 7 * 2,
    }


def test_linkage_completeness_timeliness(measured: Quality) -> None:
    tables = {table.table: table for table in measured.tables}
    consultations = tables["consultations"]
    assert (consultations.rows, consultations.persons) == (24 * 20 - 11 + 22 * 10, 20)
    assert consultations.linked == consultations.rows - (23 * 5)  # of persons 16 to 20 the record knows nothing else
    assert consultations.delay_middle == 8
    assert (consultations.first_day, consultations.last_day) == (dt.date(2023, 1, 3), dt.date(2024, 12, 3))
    filled = {column.column: column.rows for column in tables["episodes"].columns}
    assert (filled["discharged"], filled["provider"], filled["diagnoses"]) == (9, 10, 0)


def test_gaps_against_the_usual_month(measured: Quality) -> None:
    gaps = next(gaps for gaps in measured.gaps if gaps.table == "consultations")
    levels = {each.organisation: each.levels for each in gaps.organisations}
    assert gaps.months[0] == "2023-01"
    assert [n for n, level in enumerate(levels["A81002"]) if level == "none"] == [7, 8]
    assert [n for n, level in enumerate(levels["A81001"]) if level != "usual"] == [3]
    assert levels["A81001"][3] == "low"


def test_months_before_the_first_are_no_gaps(tmp_path: Path) -> None:
    days = {"A81001": ("2024-01-05", "2024-02-05", "2024-03-05", "2024-05-05"), "A81002": ("2024-03-05", "2024-04-05")}
    rows = [
        {"row": n, "person": n, "day": day, "practice": practice}
        for practice, each in days.items()
        for n, day in enumerate(each)
    ]
    rows = [{**row, "row": number, "known_from": "2024-06-01"} for number, row in enumerate(rows)]
    (gaps,) = quality(record_of(tmp_path, consultations=rows)).gaps
    assert gaps.months == ("2024-01", "2024-02", "2024-03", "2024-04", "2024-05")
    assert {each.organisation: each.levels for each in gaps.organisations} == {
        "A81001": ("usual", "usual", "usual", "none", "usual"),
        "A81002": ("before", "before", "usual", "usual", "none"),
    }


def test_doubled_rows(tmp_path: Path) -> None:
    row = {"person": 1, "day": "2024-01-01", "practice": "A81001"}
    found = quality(
        record_of(tmp_path, consultations=[{**row, "row": 1}, {**row, "row": 2}, {**row, "row": 3, "person": 2}])
    )
    assert found.tables[0].doubled == 1


@given(number=st.integers(0, 100_000), whole=st.integers(0, 100_000))
def test_what_may_leave_shows_no_small_number(number: int, whole: int) -> None:
    shown = Showing(inside=False).count(number)
    if 1 <= number <= 7:
        assert shown == "1 to 7"
    else:
        assert int(shown.replace(",", "")) % 5 == 0
        assert abs(int(shown.replace(",", "")) - number) <= 2
    part = min(number, whole)
    share = Showing(inside=False).share(part, whole)
    assert (share == "100%") == (part == whole and whole >= 8)


@given(whole=st.integers(8, 10_000))
def test_no_share_says_how_few_have_something_or_lack_it(whole: int) -> None:
    shown = Showing(inside=False)
    have = list(range(1, 8))
    lack = [whole - few for few in have if whole - few > 7]
    for parts in (have, lack):
        assert len({shown.share(part, whole) for part in parts}) <= 1
        assert len({shown.width(part, whole) for part in parts}) <= 1
    least = int(shown.share(1, whole).strip("< %"))
    assert least * whole >= 8 * 100 > (least - 1) * whole


def test_shares_inside_are_exact() -> None:
    shown = Showing(inside=True)
    assert [shown.share(part, 20) for part in (0, 1, 19, 20)] == ["0%", "5%", "95%", "100%"]
    assert [shown.share(part, 1000) for part in (1, 999)] == ["< 1%", "> 99%"]


def test_the_page_that_leaves_says_nothing_exact_of_few(measured: Quality) -> None:
    text = page(measured)
    assert "<script" not in text and "http" not in re.sub(r"http-equiv", "", text)
    assert ">1 to 7<" in text
    assert not re.search(r'<td class="number">[1-7]</td>', re.sub(r"delay.*?</table>", "", text, flags=re.S))
    assert "2024-06-01" not in text
    assert "A81001" in text and "RXX" in text  # RXX has ten episodes; an organisation with fewer than 8 is left out
    inside = page(measured, inside=True)
    assert "2023-01-03" in inside and ">1<" in inside


def test_a_loaded_record_tells_its_balance_and_its_rejects(tmp_path: Path) -> None:
    keys = create_key(tmp_path / "key")
    samples = Path(__file__).parent / "flat"
    for mapping, file in (("sus-op", "sus_op_2024.csv"), ("registrations", "registrations_2024.csv")):
        loaded = load(tmp_path / "record", open_reader("flat", mapping=mapping), [samples / file], keys=keys)
    found = quality(loaded.record)
    delivered = {each.source: each for each in found.delivered}
    assert (delivered["sus_op"].rows, delivered["sus_op"].rejected) == (4, 1)
    assert [reject.reason for reject in found.rejects] == ["ATTENDED has a value that the mapping does not name"]
    assert json.loads(json.dumps(found.as_json()))["people"] == 2
    assert "943476" not in page(found, inside=True) + json.dumps(found.as_json())


def test_an_empty_record(tmp_path: Path) -> None:
    found = quality(record_of(tmp_path, deaths=[]))
    assert (found.rows, found.gaps, found.findings) == (0, (), ())
    assert "Nothing contradicts itself" in page(found)
