"""Code lists: what they mean, and that nothing hostile in them is ever more than a value."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.library import CODELISTS, codelist_names
from accord.measures import matching
from accord.measures.codelist import read_list
from accord.measures.computing import Session
from accord.measures.measure import find
from accord.record.portable import MeasureRefused
from tests.measures.made import card, made, rows, write_measure

HEAD = "list: falls\nversion: 1\ntitle: Falls\nkind: {kind}\nsource: a test\nstatus: assumed\n"


def a_list(csv: str, kind: str = "codes"):
    """A list of some rows."""
    return read_list(HEAD.format(kind=kind).encode(), csv.encode(), "falls.yaml")


WRONG = [
    ("condition,coding\na,icd10\n", "the column code is missing"),
    ("condition,coding,code,colour\na,icd10,A,red\n", "a list has no column colour"),
    ("condition,coding,code\na,icd10\n", "this row has 2 values"),
    ("condition,coding,code\na,icd10,A'; drop table people; --\n", "this is not a code"),
    ("condition,coding,code\na,icd10' or '1'='1,A\n", "coding is not a name"),
    ("condition,coding,code,match\na,icd10,(a+)+$,regex\n", "nothing that repeats"),
    ("condition,coding,code,match\na,icd10,(a,regex\n", "this regex is not one"),
    ("condition,coding,code,match\na,icd10,A,like\n", "match is not one of"),
    ("condition,coding,code,from_date\na,icd10,A,1 April\n", "from_date is not a day"),
    ('condition,coding,code\n"a,icd10,A\n', "this is not CSV"),
    ("", "this list is empty"),
]


@pytest.mark.parametrize(("csv", "said"), WRONG, ids=[said for _, said in WRONG])
def test_refused(csv: str, said: str) -> None:
    """Each is refused, with the line, and without repeating what may be hostile."""
    with pytest.raises(MeasureRefused) as refused:
        a_list(csv)
    assert said in str(refused.value)


FOUND = [("icd10", code) for code in ("E86", "E860", "K52", "K520", "K522", "J18", "J181")] + [("opcs4", "K40")]

MEANS = [
    ("exact", "E86", {"E86"}),
    ("exact", "E86X", {"E86"}),
    ("exact", "K52.2", {"K522"}),
    ("prefix", "K52", {"K52", "K520", "K522"}),
    ("prefix", "K52.", {"K52", "K520", "K522"}),
    ("regex", "E86X|K52[29]", {"E86", "K522"}),
    ("regex", "J18", {"J18", "J181"}),
]


@pytest.mark.parametrize(("match", "code", "means"), MEANS)
def test_meaning(match: str, code: str, means: set[str]) -> None:
    """Which codes of a record a row means; a code that does not occur may be among the exact ones."""
    codes = a_list(f"condition,coding,code,match\na,icd10,{code},{match}\n")
    meant = matching.meant(codes, FOUND)
    assert set(meant["code"][1]) & {each for _, each in FOUND} == means


RULES = """condition,rule,coding,code,match,position,role,from_date
copd,plain,icd10,J44,prefix,primary,case,
copd,bronchitis,icd10,J20,prefix,primary,case,
copd,bronchitis,icd10,J44,prefix,secondary,secondary_required,
angina,,icd10,I20,prefix,primary,case,
angina,,opcs4,K40,prefix,,procedure_excluded,
pneumonia,,icd10,J18,prefix,any,case,2013-04-01
pneumonia,,icd10,D57,prefix,,any_excluded,
appendicitis,first,icd10,K35,prefix,primary,case,
appendicitis,first,icd10,D57,prefix,,any_excluded,
appendicitis,second,icd10,K35,prefix,primary,case,
appendicitis,second,icd10,I10,prefix,,any_excluded,
"""

STAYS = [
    # first episode's diagnoses, procedures, admitted, what the stay has
    ("J44", "", "2020-01-01", {("copd", None)}),
    ("J20", "", "2020-01-01", {("copd", "none of the further diagnoses that it needs")}),
    ("J20 J449", "", "2020-01-01", {("copd", None)}),
    ("J449 J20", "", "2020-01-01", {("copd", None)}),
    ("I20", "", "2020-01-01", {("angina", None)}),
    ("I20", "K40", "2020-01-01", {("angina", "a procedure that takes it out: K40")}),
    ("R07 I20", "", "2020-01-01", set()),
    ("R07 J18", "", "2020-01-01", {("pneumonia", None)}),
    ("J18 D571", "", "2020-01-01", {("pneumonia", "a diagnosis that takes it out: D571")}),
    ("J18", "", "2013-03-31", set()),
    ("J18", "", "2013-04-01", {("pneumonia", None)}),  # counts from this day
    # one rule that has nothing against it is enough
    ("K35 D571", "", "2020-01-01", {("appendicitis", None)}),
    ("K35 I10", "", "2020-01-01", {("appendicitis", None)}),
    ("K35 D571 I10", "", "2020-01-01", {("appendicitis", "a diagnosis that takes it out: D571")}),
]


def test_stays(tmp_path: Path) -> None:
    """Position, further diagnoses, exclusions and the day from which a code counts: the first episode decides."""
    lines = []
    for number, (diagnoses, procedures, admitted, _) in enumerate(STAYS, 1):
        lines.append(f"1|{number}|1|{admitted}|{admitted}|{admitted}|{admitted}|X|{diagnoses}|{procedures}")
        lines.append(
            f"1|{number}|2|{admitted}|{admitted}|{admitted}|{admitted}|X|J44 I20|"
        )  # later episodes say nothing
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", "1|1950-01-01|male"),
        episodes=rows(
            "episodes", "person|spell|episode|since|until|admitted|discharged|provider|diagnoses|procedures", *lines
        ),
    )
    select = """select c.person, a.admitted as day, 1 as numerator, c.condition, c.excluded
        from stays_with c join admissions a on a.admission = c.admission"""
    measure = find(
        write_measure(
            tmp_path / "m",
            card(lists={"stays_with": "falls@1"}, strata={"condition": "the condition"}),
            select,
            {"falls": (HEAD.format(kind="admissions"), RULES)},
        )
    )
    with Session(record, first=dt.date(2010, 1, 1), until=dt.date(2022, 1, 1)) as session:
        found: dict[dt.date, list[tuple[str, str | None]]] = {}
        for row in session.rows_of(measure, 1).to_pylist():
            found.setdefault(row["day"], []).append((row["condition"], row["excluded"]))
    by_day: dict[dt.date, list[tuple[str, str | None]]] = {}
    for _, _, admitted, has in STAYS:
        by_day.setdefault(dt.date.fromisoformat(admitted), []).extend(has)
    assert {day: sorted(each, key=str) for day, each in found.items()} == {
        day: sorted(each, key=str) for day, each in by_day.items() if each
    }


HOSTILE = st.text(
    st.characters(min_codepoint=32, max_codepoint=0x2FFF, exclude_categories=("Cs",)), min_size=1, max_size=40
)


@settings(max_examples=40, deadline=None)
@given(HOSTILE, HOSTILE)
def test_a_condition_is_a_value(condition: str, code: str) -> None:
    """Whatever stands in a list: it is refused, or it is bound as the value that it is."""
    import csv
    import io

    text = io.StringIO()
    csv.writer(text).writerows([["condition", "coding", "code"], [condition, "icd10", code]])
    try:
        codes = a_list(text.getvalue())
    except MeasureRefused:
        return
    meant = matching.meant(codes, [])
    assert meant["condition"][1] == [condition.strip()]


def test_injection_through_a_condition(tmp_path: Path) -> None:
    """The classic: it comes out as the text that went in, and every table is still there."""
    hostile = "x'); drop table people; select ('"
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", "1|1950-01-01|male"),
        registrations=rows("registrations", "person|practice|since", "1|P1|2000-01-01"),
        conditions=rows("conditions", "person|since|coding|code", "1|2020-01-01|snomed|1"),
    )
    measure = find(
        write_measure(
            tmp_path / "m",
            card(lists={"ill": "falls@1"}, strata={"condition": "the condition"}),
            "select c.person, c.since as day, 1 as numerator, i.condition from conditions c "
            "join ill i on i.coding = c.coding and i.code = c.code",
            {"falls": (HEAD.format(kind="codes"), f'condition,coding,code\n"{hostile}",snomed,1\n')},
        )
    )
    with Session(record, first=dt.date(2020, 1, 1), until=dt.date(2021, 1, 1)) as session:
        cells = session.cells(measure, ["condition"]).table.to_pylist()
        assert [row["condition"] for row in cells if row["numerator"]] == [hostile]
        assert session.about_person("people", 1)


@pytest.mark.parametrize("name", codelist_names())
def test_library(name: str) -> None:
    """Every list of the library is read, and says where it is from."""
    head, body = CODELISTS / f"{name}.yaml", CODELISTS / f"{name}.csv"
    codes = read_list(head.read_bytes(), body.read_bytes(), head.name)
    assert codes.name == name and codes.source and codes.conditions
