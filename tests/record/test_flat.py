"""Flat files: what each shipped mapping makes of made-up rows, and what a mapping of one's own may not say."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.engine.sql import text_literal
from accord.language.problem import DataRefused
from accord.record.readers import open_reader
from accord.record.readers.flat import FlatReader
from accord.record.readers.mapping import mapping_names, read_mapping
from tests.record.gathered import Gathered, gather

SAMPLES = Path(__file__).parent / "flat"


def sample(name: str, file: str) -> Gathered:
    return gather(FlatReader(name), SAMPLES / file)


def test_every_mapping_is_well_formed_and_has_a_source() -> None:
    assert len(mapping_names()) == 8
    for name in mapping_names():
        mapping = read_mapping(name)
        assert (mapping.name, bool(mapping.authority), bool(mapping.status)) == (name, True, True)


def test_admitted_patient_care() -> None:
    found = sample("sus-apc", "sus_apc_2024.csv")
    columns = (
        "key",
        "spell",
        "episode",
        "since",
        "until",
        "discharged",
        "discharge_method",
        "diagnoses",
        "procedures",
        "cost",
    )
    assert found.of("episodes", *columns) == [
        ("9001", "RXX|S1", "1", "2024-04-02", "2024-04-04", "2024-04-09", "8", "J441 I10X", None, "124050"),
        ("9002", "RXX|S1", "2", "2024-04-04", "2024-04-09", "2024-04-09", "1", "J441 E119 I10X", "E853", None),
        # 1801-01-01 means that there is no such day yet; method 9 is none
        ("9003", "RXX|S2", "1", "2024-04-05", None, None, None, "K409", "T202 Y081", None),
        ("9004", "RXX|S3", "1", "2024-04-06", "2024-04-06", "2024-04-06", "1", "K409", None, None),
    ]
    assert [row["deleted"] for row in found.rows["episodes"]] == [False, False, False, True]
    assert {str(row["known"]) for row in found.rows["episodes"]} == {"2024-04-30"}


def test_outpatients() -> None:
    found = sample("sus-op", "sus_op_2024.csv")
    assert found.of("outpatients", "day", "attended", "first", "refused", "refused_column") == [
        ("2024-05-01", "attended", "true", None, None),
        ("2024-05-08", "did not attend", "false", None, None),
        ("2024-05-09", "cancelled", "false", None, None),
        ("2024-06-09", None, "false", "ATTENDED has a value that the mapping does not name", "ATTENDED"),
    ]


def test_emergency_care() -> None:
    found = sample("ecds", "ecds_2024.csv")
    assert found.of("attendances", "department", "visit", "arrival", "disposal", "investigated", "treated") == [
        ("1", "first", "ambulance", "admitted", "true", "true"),
        ("3", "first", "other", "discharged", "false", "false"),
        ("3", "planned", None, None, None, None),
    ]


def test_community_and_mental_health_contacts() -> None:
    community = sample("csds", "csds_contacts_2024.csv")
    assert community.of("community_contacts", "key", "service", "attended", "minutes") == [
        ("RYY|C1", "05", "attended", "30"),
        ("RYY|C2", "05", "did not attend", None),
    ]
    mental = sample("mhsds", "mhsds_contacts_2024.csv")
    assert mental.of("mental_health_contacts", "key", "attended", "minutes") == [
        ("M1", "attended", "50"),
        ("M2", "cancelled", None),
    ]


def test_social_care() -> None:
    found = sample("client-level-data", "cld_2024.csv")
    assert found.of("social_care", "kind", "since", "until", "after_hospital", "permanent", "outcome", "cost") == [
        ("reablement", "2024-04-10", "2024-05-11", "true", None, "at home", "81225"),
        ("nursing", "2024-04-10", None, "false", "true", None, None),
        (None, "2024-04-01", "2024-04-03", None, None, None, None),
    ]
    assert found.rows["social_care"][2]["refused"] == "Service Type has a value that the mapping does not name"
    assert dict(found.aside) == {("client-level-data", "the conditions of the mapping give the row to no table"): 1}


def test_one_row_of_registrations_feeds_two_tables() -> None:
    found = sample("registrations", "registrations_2024.csv")
    assert found.of("people", "identifier", "born", "sex", "ethnicity") == [
        ("9434765919", "1950-03-09", "female", "A"),
        ("9434765870", "1961-07-01", "male", None),
    ]
    assert found.of("registrations", "practice", "since", "until") == [
        ("A81001", "2001-05-01", None),
        ("A81002", "2010-01-01", "2024-04-01"),  # the first day no longer registered
    ]
    assert found.read == 2


def test_deaths_are_known_from_their_registration() -> None:
    found = sample("deaths", "deaths_2024.csv")
    assert found.of("deaths", "day", "cause", "place") == [("2024-06-28", "I219", "home")]
    assert str(found.rows["deaths"][0]["known"]) == "2024-07-01"


OWN = """\
mapping: own
title: A file of our own
source: own
authority: ourselves
status: assumed
files: ["*.csv", "*.parquet"]
dates: [dd/mm/yyyy]
identifier: NHS
tables:
  observations:
    columns:
      day: WHEN
      coding: {is: snomed}
      code: CODE
      value: {from: VALUE}
"""


def own(folder: Path, text: str, content: str | bytes) -> Gathered:
    (folder / "own.yaml").write_text(text)
    (folder / "rows.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    return gather(FlatReader(folder / "own.yaml"), folder / "rows.csv")


def test_a_mapping_of_ones_own(tmp_path: Path) -> None:
    found = own(tmp_path, OWN, "nhs;When;CODE;VALUE\n1;03/04/2024;8;7.5\n;31/02/2024;9;\n")
    assert found.of("observations", "identifier", "day", "coding", "code", "value", "key") == [
        ("1", "2024-04-03", "snomed", "8", "7.5", None),
        (None, "31/02/2024", "snomed", "9", None, None),  # not a day: the loading says so
    ]


@pytest.mark.parametrize(
    ("encoding", "named"), [("utf-8", ""), ("cp1252", "encoding: windows-1252\n"), ("utf-16", "encoding: utf-16\n")]
)
def test_encodings(tmp_path: Path, encoding: str, named: str) -> None:
    content = "NHS,WHEN,CODE,VALUE\n1,03/04/2024,“é”,\n".encode(encoding)
    assert own(tmp_path, OWN + named, content).of("observations", "code") == [("“é”",)]


@pytest.mark.parametrize("named", ["", "encoding: windows-1252\n"])
def test_a_file_in_utf_16_is_told_from_one_without_a_heading(tmp_path: Path, named: str) -> None:
    with pytest.raises(DataRefused, match=r"looks like UTF-16(?s:.*)write encoding: utf-16"):
        own(tmp_path, OWN + named, "NHS,WHEN,CODE,VALUE\n1,03/04/2024,a,\n".encode("utf-16"))


def test_an_encoding_that_is_not_as_said_refuses_the_lines(tmp_path: Path) -> None:
    content = "NHS,WHEN,CODE,VALUE\n1,03/04/2024,é,\n2,03/04/2024,e,\n".encode("cp1252")
    found = own(tmp_path, OWN, content)
    assert found.refused == [("rows.csv", 1, "the line has bytes that are not of the encoding utf-8")]
    assert found.of("observations", "source_row", "code") == [(2, "e")]


def test_lines_that_end_in_two_ways(tmp_path: Path) -> None:
    found = own(tmp_path, OWN, "NHS,WHEN,CODE,VALUE\n1,03/04/2024,8,\r\n2,03/04/2024,9,\n3,03/04/2024\r\n")
    assert found.of("observations", "source_row", "code") == [(1, "8"), (2, "9")]
    assert [reason for _, _, reason in found.refused] == ["the line has fewer values than the heading"]


def test_a_file_that_is_cut_off_is_refused_in_every_encoding(tmp_path: Path) -> None:
    content = gzip.compress(b"NHS,WHEN,CODE,VALUE\n" + b"".join(b"%d,03/04/2024,8,7\n" % n for n in range(99_999)))
    (tmp_path / "rows.csv.gz").write_bytes(content[:-9_000])
    for encoding in ("utf-8", "windows-1252"):
        (tmp_path / "own.yaml").write_text(OWN.replace('"*.csv"', '"*.csv.gz"') + f"encoding: {encoding}\n")
        with pytest.raises(DataRefused, match="cannot be read"):
            gather(FlatReader(tmp_path / "own.yaml"), tmp_path / "rows.csv.gz")


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("own_2024-04-01.csv", "own_2024-04-01.csv"),
        ("own_20240401123000.csv", "own_20240401123000.csv"),  # the time at which it was made
        ("own_1234567890.csv", "own_1234567890.csv"),  # ten digits that are no NHS number
        ("own_9434765919.csv", "file 1"),
        ("own-943 476 5919.csv", "file 1"),
        ("943-476-5919.csv", "file 1"),
        ("own20249434765919.csv", "file 1"),
    ],
)
def test_a_file_named_after_a_person_is_called_by_a_number(tmp_path: Path, name: str, label: str) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / name).write_text("NHS,WHEN,CODE,VALUE\n")
    (file,) = FlatReader(tmp_path / "own.yaml").files([tmp_path / name])
    assert file.label == label
    (tmp_path / "own.yaml").write_text(OWN.replace('"*.csv"', '"*.txt"'))
    with pytest.raises(DataRefused) as refused:
        FlatReader(tmp_path / "own.yaml").files([tmp_path / name])
    assert label in str(refused.value)


def test_without_a_heading_the_mapping_names_the_columns(tmp_path: Path) -> None:
    text = OWN + "heading: [NHS, WHEN, CODE, VALUE]\ndelimiter: pipe\n"
    assert own(tmp_path, text, "1|03/04/2024|8|7\n").of("observations", "source_row", "code") == [(1, "8")]


def test_parquet_is_read_in_place(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").write_text(OWN)
    (tmp_path / "x.csv").write_text("NHS,WHEN,CODE,VALUE\n1,03/04/2024,8,7.5\n")
    pq.write_table(pc.read_csv(tmp_path / "x.csv"), tmp_path / "x.parquet")
    (tmp_path / "x.csv").unlink()
    found = gather(FlatReader(tmp_path / "own.yaml"), tmp_path)
    assert found.of("observations", "identifier", "code", "value", "source_row") == [("1", "8", "7.5", 1)]


TYPED = [
    # DuckDB's type in a Parquet file; values as CSV has them; what feeds which column; texts that mean nothing
    ("DATE", ["2024-04-03", "1801-01-01"], "day: WHEN", '["NULL", "1801-01-01", "03/04/1801"]'),
    ("DATE", ["2024-04-03", ""], "day: {from: WHEN, days: 1}", "[x]"),
    ("TIMESTAMP", ["2024-04-03 23:59:00", ""], "day: WHEN", "[x]"),
    ("INTEGER", ["7", "-1"], "value: {from: WHEN}", '["-1", "x"]'),
    ("DECIMAL(9, 2)", ["7.25", "99.00"], "value: {from: WHEN}", '["99.00"]'),
    ("DOUBLE", ["7.25", "1e-05"], "value: {from: WHEN}", "[x]"),
    ("BIGINT", ["943", "8"], "unit: {from: WHEN}", '["8"]'),
    ("VARCHAR", [" a ", "NULL", "", "b"], "unit: {from: WHEN}", '["NULL"]'),
    ("VARCHAR", ["a", "b"], 'unit: {from: WHEN, values: {"a": x, "b": y}}', '["NULL"]'),
]


@pytest.mark.parametrize(("kind", "values", "feed", "missing"), TYPED)
def test_typed_columns_of_parquet_are_what_their_text_is(
    tmp_path: Path, kind: str, values: list[str], feed: str, missing: str
) -> None:
    column = feed.partition(":")[0]
    text = OWN.replace("dd/mm/yyyy", "yyyy-mm-dd").replace("      value: {from: VALUE}\n", "")
    text = text.replace("      day: WHEN\n", f"      {feed}\n" + ("      day: THEN\n" if column != "day" else ""))
    text += f"missing: {missing}\n"
    found: list[list[tuple[Any, ...]]] = []
    for suffix in ("csv", "parquet"):
        folder = tmp_path / suffix
        folder.mkdir()
        (folder / "own.yaml").write_text(text)
        listed = ", ".join(f"('1', {text_literal(each)}, '8', '2024-01-01')" for each in values)
        given = f'select * from (values {listed}) as v(NHS, "WHEN", CODE, "THEN")'
        if suffix == "parquet":
            given = f'select * replace (nullif("WHEN", \'\')::{kind} as "WHEN") from ({given})'
        duckdb.execute(f"copy ({given}) to '{folder / f'x.{suffix}'}'")
        rows = gather(FlatReader(folder / "own.yaml"), folder).of("observations", column)
        found.append([tuple(None if each is None else str(each) for each in row) for row in rows])
    if column == "day":  # loading takes the time of day off
        found = [[tuple(None if each is None else each[:10] for each in row) for row in rows] for rows in found]
    if column == "value":  # a number is the same number, however it is written
        found = [[tuple(None if each is None else float(each) for each in row) for row in rows] for rows in found]
    assert found[0] == found[1]
    assert any(row[0] is not None for row in found[1])


@pytest.mark.parametrize(
    ("change", "feed", "expected"),
    [
        ("value: {from: [X, VALUE]}", "may_lack: [X]", "7"),
        ("value: {from: VALUE, times: 100}", "", "700.0000"),
        ('unit: {from: VALUE, values: {"7": seven}}', "", "seven"),
        ('unit: {from: VALUE, values: {"8": eight}, otherwise: missing}', "", None),
        ('unit: {from: VALUE, values: {"8": eight}, otherwise: keep}', "", "7"),
        ("unit: {from: CODE, until: dot}", "", "8"),
        ("unit: {join: [CODE, VALUE]}", "", "8.1|7"),
        ("value: {from: VALUE}", 'missing: ["7"]', None),
    ],
)
def test_ways_to_feed_a_column(tmp_path: Path, change: str, feed: str, expected: Any) -> None:
    text = OWN.replace("value: {from: VALUE}", change) + feed + "\n"
    found = own(tmp_path, text, "NHS,WHEN,CODE,VALUE\n1,03/04/2024,8.1,7\n")
    assert found.of("observations", change.split(":")[0]) == [(expected,)]


NUMBERS = [
    # a cell of pounds, as people and programs write them; the pence of it, or None: refused
    ("1000", 1000_00),
    ("1000.00", 1000_00),
    ("+12.5", 12_50),
    ("1e3", 1000_00),  # R writes 100000 as 1e+05
    ("1e+05", 100000_00),
    ("10.005", 10_01),  # halves of a penny go away from nought
    ("0.29", 29),
    ("  ", "missing"),
    ("£1,000.00", None),
    ("1,000.00", None),
    ("1.000,00", None),
    ("1 000", None),
    ("(500)", None),
    ("500-", None),
    ("1000p", None),
    ("0x10", None),
    ("NaN", None),
    ("inf", None),
    ("999999999999999", None),
]


@pytest.mark.parametrize(("cell", "pence"), NUMBERS)
def test_pounds_are_read_exactly_or_refused_by_what_is_expected(tmp_path: Path, cell: str, pence: object) -> None:
    text = OWN.replace("observations:", "consultations:").replace(
        "value: {from: VALUE}", "cost: {from: VALUE, times: 100}"
    )
    text = "\n".join(line for line in text.splitlines() if "coding" not in line and "code" not in line) + "\n"
    found = own(tmp_path, text, f'NHS,WHEN,CODE,VALUE\n1,03/04/2024,8.1,"{cell}"\n')
    ((cost, refused, blamed),) = found.of("consultations", "cost", "refused", "refused_column")
    said = "VALUE is not a number such as 1250.50, without commas and signs of money"
    assert (refused, blamed) == ((said, "VALUE") if pence is None else (None, None))
    assert cost == (None if pence in (None, "missing") else str(pence))


@pytest.mark.parametrize("feed", ["value: {from: VALUE, times: 100}", 'unit: {from: VALUE, values: {"8": eight}}'])
@pytest.mark.parametrize(("update", "refused"), [("1", False), ("9", True)])
def test_what_cannot_be_mapped_does_not_keep_a_row_from_being_withdrawn(
    tmp_path: Path, feed: str, update: str, refused: bool
) -> None:
    text = OWN.replace("value: {from: VALUE}", feed) + 'deleted: {column: UPDATE, is: ["1"]}\n'
    found = own(tmp_path, text, f"NHS,WHEN,CODE,VALUE,UPDATE\n1,03/04/2024,8.1,x,{update}\n")
    ((said, deleted),) = found.of("observations", "refused", "deleted")
    assert (said is not None, deleted) == (refused, not refused)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "observations:",
            "observation:",
            "own.yaml:10:3: the record has no table observation\n    fix: did you mean observations?",
        ),
        ("observations:", "admissions:", "own.yaml:10:3: admissions is made from episodes, and never loaded"),
        ("value:", "valeu:", "own.yaml:15:7: observations has no column valeu\n    fix: did you mean value?"),
        ("day: WHEN", "practice: WHEN", "own.yaml:10:3: nothing feeds day, which every row of observations needs"),
        (
            "is: snomed",
            "is: snomedct",
            "own.yaml:13:20: snomedct is not a value of this column\n    fix: did you mean snomed?",
        ),
        (
            "{from: VALUE}",
            "{form: VALUE}",
            "own.yaml:15:15: form is not an entry of what feeds a column\n    fix: did you mean from?",
        ),
        ("{from: VALUE}", "{from: VALUE, is: x}", "own.yaml:15:14: a column is fed by one of from, is, codes or join"),
        (
            "{from: VALUE}",
            "{from: VALUE, days: 1}",
            "own.yaml:15:28: days are added to a day, and this column is a number",
        ),
        ("code: CODE", "code: {codes: [A]}", "codes feed a column of several codes, and this is a code"),
        ("identifier: NHS\n", "", "own.yaml:9:3: observations is about persons, and the mapping has no identifier"),
        ("dates: [dd/mm/yyyy]", "dates: [dd.mm.yy]", "own.yaml:7:9: dd.mm.yy is not one of"),
        ("status: assumed", "status: sure", "own.yaml:5:9: sure is not one of verified"),
        ("code: CODE", "code: [", "own.yaml:16:1: this { } or [ ] is not closed"),
    ],
)
def test_what_a_mapping_may_not_say(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in OWN
    with pytest.raises(DataRefused) as refused:
        own(tmp_path, OWN.replace(old, new), "NHS,WHEN,CODE,VALUE\n")
    assert said in str(refused.value)


def test_what_is_wrong_is_said_at_once_in_order_and_without_what_follows(tmp_path: Path) -> None:
    wrong = OWN.replace("status: assumed", "status: sure").replace("value: {from: VALUE}", "valeu: {form: VALUE}")
    with pytest.raises(DataRefused) as refused:
        own(tmp_path, wrong.replace("day: WHEN", "day: {from: WHEN, times: lots}"), "NHS,WHEN,CODE,VALUE\n")
    assert [(p.place.line, p.message.split(" is not ")[0]) for p in refused.value.problems] == [
        (5, "sure"),
        (12, "'lots'"),
        (15, "observations has no column valeu"),
        (15, "form"),
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("NHS,WHEN,CDOE,VALUE\n", "own.yaml:14:13: the file rows.csv has no column CODE\n    fix: did you mean CDOE?"),
        ("NHS,WHEN,VALUE\n", "correct the name, or put the column under may_lack"),
        ("", "rows.csv:1:1: there is no heading"),
        ("NHS,,CODE\n", "in the heading column 2 has no name"),
        ("9434765919,9434765919,x\n", "in the heading columns 1 and 2 have the same name"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, content: str, said: str) -> None:
    with pytest.raises(DataRefused) as refused:
        own(tmp_path, OWN, content)
    assert said in str(refused.value)


def test_a_file_without_a_heading_tells_nothing_of_the_person_in_its_first_line(tmp_path: Path) -> None:
    with pytest.raises(DataRefused) as refused:
        own(tmp_path, OWN.replace("code: CODE", "code: CODE943476591"), "9434765919,CODE9434765919,1,1950\n")
    assert "9434765919" not in str(refused.value)


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    text = OWN.replace("day: WHEN", "dya: WHEN").replace("code: CODE", "cod: CODE")
    with pytest.raises(DataRefused) as refused:
        own(tmp_path, text, "NHS\n")
    assert len(refused.value.problems) == 4  # two misspelt, and the two that nothing feeds then


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    content=st.lists(
        st.sampled_from([b"1", b",", b"\n", b"\r\n", b'"', b"\xff", b"\0", b"NULL", b"03/04/2024", "é".encode(), b";"])
    )
)
def test_whatever_stands_in_a_file_every_line_is_accounted_for(tmp_path: Path, content: list[bytes]) -> None:
    lines = b"".join(content)
    try:
        found = own(tmp_path, OWN, b"NHS,WHEN,CODE,VALUE\n1,03/04/2024,first,1\n" + lines)
    except DataRefused as refused:
        assert b'"' in lines and "a quotation mark is not closed" in str(refused)
        return
    # gathering checks the balance
    assert ("first",) in found.of("observations", "code") or found.refused


ROW = "1,03/04/2024,a,1\n"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (ROW * 3 + '1,03/04/2024,"a,1\n' + ROW * 5, "rows.csv:5:0: in row 4 or in one before it a quotation mark"),
        (ROW * 3 + '1,03/04/2024,a,"1\n' + ROW * 5, "a quotation mark is not closed, and takes in the rows after it"),
        # closed by another that stands as lonely further down
        (ROW * 3 + '1,03/04/2024,a,"1\n' + ROW * 5 + '1,03/04/2024,a,1"\n' + ROW, "takes in the rows after it"),
        (ROW * 3 + '1,03/04/2024,"of two\nlines",1\n' + ROW * 5, None),
        (ROW * 3 + '1,03/04/2024,"a ""b"", c",1\n' + ROW * 5, None),
    ],
)
def test_no_quotation_mark_takes_in_rows(tmp_path: Path, lines: str, said: str | None) -> None:
    content = f"NHS,WHEN,CODE,VALUE\n{lines}"
    if said is None:
        assert len(own(tmp_path, OWN, content).of("observations", "code")) == 9
        return
    with pytest.raises(DataRefused) as refused:
        own(tmp_path, OWN, content)
    assert said in str(refused.value)


def test_names_in_files_cannot_break_out_of_the_select(tmp_path: Path) -> None:
    text = OWN.replace("code: CODE", 'code: "C\'O\\"DE; drop"')
    found = own(tmp_path, text, 'NHS,WHEN,"C\'O""DE; drop",VALUE\n1,03/04/2024,8,7\n')
    assert found.of("observations", "code") == [("8",)]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("flta",), "did you mean flat?"),
        (("flat",), "flat files need a mapping"),
        (("omop", "sus-apc"), "a mapping goes with flat files"),
        (("flat", "sus-acp"), "did you mean sus-apc or sus-op?"),
        (("flat", "../../secret"), "there is no such mapping"),
    ],
)
def test_opening_a_reader(arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(DataRefused) as refused:
        open_reader(arguments[0], mapping=arguments[1] if len(arguments) > 1 else None)
    assert said in str(refused.value)


def test_the_page_about_readers_shows_a_mapping_that_is_right(tmp_path: Path) -> None:
    page = (SAMPLES.parents[2] / "docs" / "readers.md").read_text()
    (tmp_path / "shown.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    mapping = read_mapping(tmp_path / "shown.yaml")
    assert [table.table for table in mapping.tables] == ["episodes"]
    for word in mapping_names():
        assert f"`{word}`" in page


def test_a_mapping_changes_how_a_file_is_known(tmp_path: Path) -> None:
    shutil.copy(SAMPLES.parents[2] / "src/accord/library/mappings/deaths.yaml", tmp_path / "mine.yaml")
    assert FlatReader("deaths").fingerprint == FlatReader(tmp_path / "mine.yaml").fingerprint
    (tmp_path / "mine.yaml").write_text((tmp_path / "mine.yaml").read_text() + "# changed\n")
    assert FlatReader("deaths").fingerprint != FlatReader(tmp_path / "mine.yaml").fingerprint
