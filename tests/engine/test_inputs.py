"""What may come in, how it is held, and what is said about what may not."""

from __future__ import annotations

import datetime as dt
import random
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.engine.inputs import read_inputs
from accord.engine.reference import Reference, table_values
from accord.language import check_text
from accord.language.contract import Contract
from accord.language.problem import DataRefused

TEXT = """\
accord: 1
contract: small
title: Small
authority: test
currency: GBP
term: {from: 2026-04-01, to: 2029-03-31}
keys: {practice: {}, year: {every: 12 months}}
parties: {board: {name: Board}, practice: {each: practice}}
inputs:
  members:
    keys: [practice, year]
    columns:
      list_size: {unit: people, min: 1}
      coverage: {unit: percent, optional: true}
      rural: {type: flag}
      form: {one_of: [GMS, PMS]}
      joined: {type: date, optional: true}
parameters:
  rate: {unit: GBP per person, value: 2.50, authority: cl. 1}
  bonus: {unit: percent, by: form, values: {GMS: 10, PMS: 5}, authority: cl. 2}
  least_days: {unit: days, value: 30, authority: cl. 3}
  curve: {scale: step, of: people, unit: ratio, below: hold, points: [[0, 1], [10000, 2]], authority: cl. 4}
quantities:
  - each: [practice, year]
    served: days_between(coalesce(joined, first_day(year)), last_day(year)) >= least_days
    weight: case when rural and served then curve(list_size) else 1 end
    pay:
      is: list_size * rate * weight * (1 + bonus * coalesce(coverage, 0))
      round: 0.01 GBP half_up
payments: [{pay: pay, from: board, to: practice}]
"""

HEADER = "practice,year,list_size,coverage,rural,form,joined\n"
ROW: dict[str, object] = {
    "practice": "A", "year": "2026-04-01", "list_size": "5000", "coverage": "40", "rural": "true", "form": "GMS",
    "joined": "2020-01-31",
}  # fmt: skip


@pytest.fixture(scope="module")
def small() -> Contract:
    return check_text(TEXT)


def rows(*changes: dict[str, object]) -> list[dict[str, object]]:
    return [{**ROW, "practice": "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n], **change} for n, change in enumerate(changes)]


def refused(contract: Contract, **sources: Any) -> str:
    with pytest.raises(DataRefused) as error:
        read_inputs(contract, sources)
    return str(error.value)


def column(contract: Contract, name: str, **sources: Any) -> tuple[list[object], int | None]:
    table = read_inputs(contract, sources).tables["members"]
    return table.data.column(name).to_pylist(), table.places.get(name)


# -- how values are held ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "held", "places"),
    [
        (["5000", "6000"], [5000, 6000], 0),
        (["1.5", "2", "2.250"], [150, 200, 225], 2),
        (["1e3", "125E-2"], [100000, 125], 2),
        (["+7", "007.10"], [70, 71], 1),
        ([".5e1", "1."], [5, 1], 0),
        (["99999999999999999999.5"], [Decimal("999999999999999999995")], 1),
        (["1" * 41], ["1" * 41], 0),
        ([5, Decimal("1.10"), Fraction(7, 4)], [500, 110, 175], 2),
    ],
)
def test_numbers_are_whole_numbers_of_their_smallest_place(
    small: Contract, written: list[object], held: list[object], places: int
) -> None:
    assert column(small, "list_size", members=rows(*({"list_size": value} for value in written))) == (
        held,
        places,
    )


def test_percent_is_written_times_100(small: Contract) -> None:
    assert column(small, "coverage", members=rows({"coverage": "40"}, {"coverage": "92.19"})) == ([4000, 9219], 4)


def test_missing_is_null(small: Contract) -> None:
    given = rows({"coverage": ""}, {"coverage": None}, {"coverage": " 7 "})
    assert column(small, "coverage", members=given) == ([None, None, 7], 2)


@pytest.mark.parametrize("kind", ["csv", "bom", "cp1252", "semicolon", "parquet", "arrow", "dictionary", "rows"])
def test_every_way_in_gives_the_same(small: Contract, tmp_path: Path, kind: str) -> None:
    lines = [
        "É1,2026-04-01,5000,40,true,GMS,2020-01-31",
        '"B, b",2026/27,6000.5,,false,PMS,',
        "C,2027-04-01,7,12.5,true,GMS,2026-02-28",
    ]
    text = HEADER + "\n".join(lines) + "\n"
    source: Any = tmp_path / "members.csv"
    columns = {
        "practice": ["É1", "B, b", "C"],
        "year": ["2026-04-01", "2026-04-01", "2027-04-01"],
        "list_size": pa.array([5000.0, 6000.5, 7.0]),
        "coverage": pa.array([Decimal("40.00"), None, Decimal("12.50")], pa.decimal128(9, 2)),
        "rural": pa.array([1, 0, 1], pa.int8()),
        "form": pa.array(["GMS", "PMS", "GMS"]),
        "joined": pa.array([dt.date(2020, 1, 31), None, dt.date(2026, 2, 28)]),
    }
    match kind:
        case "csv":
            source.write_text(text, encoding="utf-8")
        case "bom":
            source.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
        case "cp1252":
            source.write_bytes(text.encode("cp1252"))
        case "semicolon":
            source.write_text(text.replace(",", ";").replace('"B; b"', '"B, b"'), encoding="utf-8")
        case "parquet":
            source = tmp_path / "members.parquet"
            pq.write_table(pa.table(columns), source)
        case "arrow":
            source = pa.table(columns)
        case "dictionary":
            source = pa.table({**columns, "form": columns["form"].dictionary_encode()})
        case _:
            names = HEADER.strip().split(",")
            source = [
                dict(zip(names, values, strict=True))
                for values in (
                    ["É1", "2026-04-01", 5000, 40, True, "GMS", dt.date(2020, 1, 31)],
                    ["B, b", "2026/27", 6000.5, None, False, "PMS", None],
                    ["C", "2027-04-01", 7, "12.5", "TRUE", "GMS", "2026-02-28"],
                )
            ]
    inputs = read_inputs(small, {"members": source})
    found = [row for _, row in table_values(inputs.tables["members"])]
    assert [(row["practice"], row["year"]) for row in found] == [
        ("É1", "2026-04-01"), ("B, b", "2026-04-01"), ("C", "2027-04-01"),
    ]  # fmt: skip
    assert [row["list_size"] for row in found] == [5000, Fraction(12001, 2), 7]
    assert [row["coverage"] for row in found] == [Fraction(2, 5), None, Fraction(1, 8)]
    assert [row["rural"] for row in found] == [True, False, True]
    assert [row["joined"] for row in found] == [dt.date(2020, 1, 31), None, dt.date(2026, 2, 28)]
    assert (inputs.first, inputs.last) == (dt.date(2026, 4, 1), dt.date(2028, 3, 31))
    assert [item.name for item in inputs.periods["year"]] == ["2026/27", "2027/28"]
    assert any("cp1252" in str(warning) for warning in inputs.warnings) == (kind == "cp1252")


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values=st.lists(st.decimals(min_value=1, max_value=10**15, allow_nan=False, places=4), min_size=1, max_size=40))
def test_written_decimals_are_read_exactly(small: Contract, values: list[Decimal]) -> None:
    given_rows = [{**ROW, "practice": f"P{n}", "list_size": str(value)} for n, value in enumerate(values)]
    found = [row["list_size"] for _, row in table_values(read_inputs(small, {"members": given_rows}).tables["members"])]
    assert found == [Fraction(value) for value in values]


def test_floats_are_the_shortest_decimals_that_name_them(small: Contract) -> None:
    random.seed(4)
    values = [round(random.uniform(1, 10**6), random.randint(0, 9)) for _ in range(2000)]
    table = pa.table(
        {**{name: [value] * len(values) for name, value in ROW.items()}, "practice": [f"P{n}" for n in range(2000)]}
    )
    table = table.set_column(table.column_names.index("list_size"), "list_size", pa.array(values))
    inputs = read_inputs(small, {"members": table})
    assert [row["list_size"] for _, row in table_values(inputs.tables["members"])] == [
        Fraction(repr(v)) for v in values
    ]


# -- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"list_size": "1,234"}, "row 2, column list_size: 1,234 is not a number"),
        ({"list_size": "-"}, "row 2, column list_size: - is not a number"),
        ({"list_size": "1_000"}, "row 2, column list_size: 1_000 is not a number"),
        ({"list_size": None}, "row 2, column list_size: there is no value, and one is required"),
        ({"list_size": "0.5"}, "row 2, column list_size: 0.5 is below the minimum of 1"),
        ({"coverage": "92%"}, "write percent without the sign"),
        ({"rural": "yes"}, "row 2, column rural: yes is not a flag"),
        ({"rural": "1"}, "write true or false"),
        ({"form": "gms"}, "row 2, column form: gms is not one of GMS, PMS"),
        ({"joined": "31/01/2020"}, "row 2, column joined: 31/01/2020 is not a date"),
        ({"joined": "2020-02-30"}, "write dates as 2026-04-01"),
        ({"year": "2026-05"}, "2026-05 is not a year of the term; years begin 2026-04-01, 2027-04-01, 2028-04-01"),
        ({"year": "2035-04-01"}, "write the first day of the year, or its usual name (2026/27)"),
        ({"practice": ""}, "row 2, column practice: there is no value, and one is required"),
        ({"practice": "A"}, "these are the same: rows 1 and 2 (practice A, year 2026-04-01)"),
    ],
)
def test_wrong_values_say_row_column_and_fix(small: Contract, change: dict[str, object], message: str) -> None:
    assert message in refused(small, members=rows({}, change))


def test_rows_of_a_file_count_the_header_as_1_and_blank_lines_too(small: Contract, tmp_path: Path) -> None:
    file = tmp_path / "members.csv"
    file.write_text(HEADER + "A,2026-04-01,x,,true,GMS,\n\nB,2026-04-01,5,,true,GMS,\nC,2026-04-01,y,,maybe,GMS,\n")
    said = refused(small, members=file)
    assert "members.csv: rows 2 and 5, column list_size: x, y is not a number" in said
    assert "members.csv: row 5, column rural: maybe is not a flag" in said


def test_ten_rows_are_listed_and_all_are_counted(small: Contract) -> None:
    many = [{**ROW, "practice": f"P{n}", "list_size": "?"} for n in range(1234)]
    assert "rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, … (1,234 in all), column list_size" in refused(small, members=many)


def test_columns(small: Contract, tmp_path: Path) -> None:
    short = [{key: value for key, value in ROW.items() if key != "rural"}]
    assert "column rural is missing" in refused(small, members=short)
    misspelt = [{**short[0], "rurall": "true"}]
    assert "did you mean rurall?" in refused(small, members=misspelt)
    capitals = [{**short[0], "Rural": "true"}]
    assert "did you mean Rural?" in refused(small, members=capitals)
    extra = read_inputs(small, {"members": [{**ROW, "remark": "x"}]})
    assert [w.message for w in extra.warnings] == ["column remark is not part of input members; it was left out"]
    near = read_inputs(small, {"members": [{k: v for k, v in ROW.items() if k != "joined"} | {"joind": "x"}]})
    assert near.warnings[0].fix == "did you mean joined?"
    twice = tmp_path / "members.csv"
    twice.write_text("practice,practice,year\nA,B,2026-04-01\n")
    assert "two columns called practice" in refused(small, members=twice)


def test_files_that_are_none(small: Contract, tmp_path: Path) -> None:
    assert "there is no such file" in refused(small, members=tmp_path / "nowhere.csv")
    broken = tmp_path / "members.parquet"
    broken.write_bytes(b"PAR1 not really")
    assert "not a Parquet file" in refused(small, members=broken)
    ragged = tmp_path / "members.csv"
    ragged.write_text(HEADER + "A,2026-04-01,1\n")
    assert "row 2: 3 values where the header has 7" in refused(small, members=ragged)
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    assert "the first row is empty" in refused(small, members=empty)
    sheet = tmp_path / "members.xlsx"
    sheet.write_bytes(b"")
    assert "give a .csv or a .parquet file" in refused(small, members=sheet)


def test_names_of_inputs(small: Contract) -> None:
    assert "input members is missing" in refused(small)
    assert "did you mean members?" in refused(small, member=rows({}))


def test_a_float_with_too_many_places(small: Contract) -> None:
    table = pa.table({name: [value] for name, value in ROW.items()})
    table = table.set_column(table.column_names.index("list_size"), "list_size", pa.array([10000 / 3]))
    assert "needs more than 9 decimal places" in refused(small, members=table)


def test_fractions_in_a_percent_column_are_doubted(small: Contract) -> None:
    inputs = read_inputs(small, {"members": rows({"coverage": "0.4"}, {"coverage": "0.92"})})
    assert "percent is written times 100" in inputs.warnings[0].message
    assert not read_inputs(small, {"members": rows({"coverage": "0"}, {"coverage": "92"})}).warnings
    assert not read_inputs(small, {"members": rows({"coverage": "0"}, {"coverage": None})}).warnings


def test_no_person_is_named() -> None:
    contract = check_text(TEXT.replace("practice", "person"))
    row = {("person" if name == "practice" else name): value for name, value in ROW.items()}
    said = refused(contract, members=[{**row, "person": "943 476 5919"}, {**row, "person": "943 476 5919"}])
    assert "rows 1 and 2" in said and "943" not in said


# -- the run, worlds, what-ifs ----------------------------------------------------------------------------------------


def test_up_to_leaves_out_later_rows_and_says_so(small: Contract) -> None:
    given = rows({}, {"year": "2027-04-01"}, {"year": "2028-04-01"})
    for up_to in ("2027/28", "2027-04-01", dt.date(2028, 3, 31), "2028-03", "2028-12-31"):
        inputs = read_inputs(small, {"members": given}, up_to=up_to)
        assert inputs.tables["members"].data.num_rows == 2
        assert "1 row of periods that end after" in inputs.warnings[0].message
    with pytest.raises(DataRefused, match="is not a period of the contract, nor a date"):
        read_inputs(small, {"members": given}, up_to="next year")
    with pytest.raises(DataRefused, match="is before the data begins"):
        read_inputs(small, {"members": given}, up_to=dt.date(2020, 1, 1))


LOOKS_BACK = """\
accord: 1
contract: balance
title: Balance
authority: test
currency: GBP
term: {from: 2026-04-01, to: 2029-03-31}
keys: {practice: {}, year: {every: 12 months}}
parties: {board: {name: Board}, practice: {each: practice}}
inputs:
  spending: {keys: [practice, year], columns: {spent: GBP}}
  roster: {keys: [practice, year], columns: {budget: GBP}}
quantities:
  - each: [practice, year]
    left: {is: "coalesce(prior(left), 0) + budget - spent", unit: GBP, round: 0.01 GBP half_up}
payments: [{pay: left, from: board, to: practice, negative: reverse}]
"""


def test_a_contract_that_looks_back_begins_at_the_beginning() -> None:
    contract = check_text(LOOKS_BACK)
    late = [{"practice": "A", "year": "2027-04-01"}]
    with pytest.raises(DataRefused, match="this contract looks back: settle it from 2026-04-01, not from 2027-04-01"):
        read_inputs(contract, {"spending": [{**late[0], "spent": 1}], "roster": [{**late[0], "budget": 1}]})


def test_two_tables_of_the_same_rows() -> None:
    contract = check_text(LOOKS_BACK)
    spending = [{"practice": p, "year": "2026-04-01", "spent": 1} for p in "AB"]
    roster = [{"practice": p, "year": "2026-04-01", "budget": 1} for p in "AC"]
    said = refused(contract, spending=spending, roster=roster)
    assert "spending has rows that roster lacks, and both must have the same: practice B, year 2026-04-01" in said
    assert "roster has rows that spending lacks, and both must have the same: practice C, year 2026-04-01" in said


def test_worlds(small: Contract) -> None:
    given = [{**ROW, "world": world, "list_size": 1000 + world} for world in (0, 7)]
    inputs = read_inputs(small, {"members": given}, what_ifs={"rate": {7: "3"}, "bonus.GMS": "20"})
    assert inputs.worlds == (0, 7) and inputs.tables["members"].has_worlds
    assert inputs.what_ifs == {"rate": {7: 3}, "bonus.GMS": {0: Fraction(1, 5), 7: Fraction(1, 5)}}
    reference = Reference(small, inputs)
    # rural, served, curve 1: list * rate * (1 + bonus * coverage)
    assert reference.value("pay", ("A", "2026-04-01"), 0) == Fraction("2700")
    assert reference.value("pay", ("A", "2026-04-01"), 7) == Fraction("3262.68")


@pytest.mark.parametrize(
    ("what_if", "message"),
    [
        ({"rat": "3"}, "did you mean rate?"),
        ({"rate": "three"}, "three is not a value of rate, which is GBP per person"),
        ({"curve": "3"}, "curve is a scale: a what-if cannot change it"),
        ({"bonus": "3"}, "say which: bonus.GMS, bonus.PMS"),
        ({"bonus.APMS": "3"}, "bonus has no APMS"),
        ({"rate.GMS": "3"}, "rate has one value"),
    ],
)
def test_what_ifs_that_do_not_fit(small: Contract, what_if: dict[str, str], message: str) -> None:
    with pytest.raises(DataRefused) as error:
        read_inputs(small, {"members": rows({})}, what_ifs=what_if)
    assert message in str(error.value)


# -- rows that nobody reads -------------------------------------------------------------------------------------------

POINTS = """\
accord: 1
contract: points
title: Points
authority: test
currency: GBP
term: {from: 2026-04-01, to: 2028-03-31}
units: [point]
keys: {practice: {}, network: {}, indicator: {}, year: {every: 12 months}, month: {every: 1 month, in: year}}
parties: {board: {name: Board}, practice: {each: practice}}
inputs:
  roster: {keys: [practice, year], columns: {network: {key: network}}}
  achieved: {keys: [practice, indicator, year], columns: {done: points}}
  extra: {keys: [network, year], optional: true, columns: {top_up: GBP}}
  visits: {keys: [practice, month], optional: true, columns: {seen: points}}
tables:
  indicators:
    keys: [indicator, year]
    columns: {worth: GBP per point}
    rows: [[X, 2026-04-01, 2], [Y, 2026-04-01, 3], [X, 2027-04-01, 4]]
    authority: annex
quantities:
  - each: [practice, indicator, year]
    rows: [roster, indicators]
    earned: done * worth
  - each: [practice, year]
    pay: sum(earned) + coalesce(top_up, 0) + one_pound * sum(seen) filter (where seen is not null)
parameters: {one_pound: {unit: GBP per point, value: 1, authority: cl. 1}}
payments: [{pay: pay, from: board, to: practice}]
"""


def points(**more: list[dict[str, object]]) -> dict[str, list[dict[str, object]]]:
    year = {"year": "2026-04-01"}
    tables: dict[str, list[dict[str, object]]] = {
        "roster": [{"practice": p, "network": "N", **year} for p in "AB"],
        "achieved": [{"practice": p, "indicator": i, "done": 5, **year} for p in "AB" for i in "XY"],
        "extra": [{"network": "N", "top_up": 7, **year}],
        "visits": [{"practice": "A", "month": "2026-05-01", "seen": 1}],
    }
    for name, rows_of in more.items():
        tables[name] = [*tables[name], *rows_of]
    return tables


def test_every_row_read() -> None:
    contract = check_text(POINTS)
    inputs = read_inputs(contract, points())
    assert Reference(contract, inputs).values("pay") == {("A", "2026-04-01"): 33, ("B", "2026-04-01"): 32}
    # the contract's own table keeps only the periods of the run
    assert inputs.tables["indicators"].data.num_rows == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (
            {"achieved": [{"practice": "A", "indicator": "Z", "year": "2026-04-01", "done": 1}]},
            "1 row is read by no row of the contract: practice A, indicator Z, year 2026-04-01",
        ),
        (
            {"achieved": [{"practice": "C", "indicator": "X", "year": "2026-04-01", "done": 1}]},
            "practice C is not in roster: add it there, or take these rows out",
        ),
        ({"extra": [{"network": "M", "year": "2026-04-01", "top_up": 1}]}, "network M, year 2026-04-01"),
        ({"visits": [{"practice": "C", "month": "2026-05-01", "seen": 1}]}, "practice C, month 2026-05-01"),
    ],
)
def test_a_row_nobody_reads(more: dict[str, list[dict[str, object]]], message: str) -> None:
    said = refused(check_text(POINTS), **points(**more))
    assert message in said


TWO_INPUTS = """
accord: 1
contract: work
currency: GBP
term: {from: 2026-04-01, to: 2027-03-31}
keys: {practice: {}, year: {every: 12 months}, month: {every: 1 month, in: year}}
parties: {board: {name: The board}, practice: {each: practice}}
inputs:
  base: {keys: [practice, year], columns: {top: GBP}}
  work: {keys: [practice, month], columns: {fee: GBP}}
quantities:
  - each: [practice, month]
    doubled: fee + fee
    weight: doubled - fee
  - each: [practice, year]
    due: {is: sum(weight) + top, round: 0.01 GBP half_up}
checks: [{that: fee >= 0, each: [practice, month], else: a negative fee}]
payments: [{pay: due, from: board, to: practice}]
"""


@pytest.mark.parametrize("written", ["£14900", "(14900)", "14_900", "14,900.50"])
def test_a_number_with_signs_is_told_how_to_be_written(written: str) -> None:
    base = [{"practice": "A", "year": "2026-04-01", "top": written}]
    work = [{"practice": "A", "month": "2026-04-01", "fee": "1.00"}]
    with pytest.raises(DataRefused, match="without separators or signs"):
        read_inputs(check_text(TWO_INPUTS), {"base": base, "work": work})
