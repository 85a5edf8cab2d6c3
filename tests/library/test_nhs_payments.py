"""NHS Payments to General Practice: the published practice-level files add up, in every year, whatever the headings."""

from __future__ import annotations

import csv
import functools
import gzip
import io
from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pytest

from accord.language.problem import DataRefused
from accord.settlement import verification
from accord.settlement.catalogue import LIBRARY
from accord.settlement.filling import apply_reading
from accord.settlement.reading import read_reading
from accord.settlement.verification import Verified, verify

CONTRACT = LIBRARY / "nhs-payments"
read_once = functools.cache(verification.read_verification)


@pytest.fixture(autouse=True)
def checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract is the same in every test here, so it is checked once."""
    monkeypatch.setattr(verification, "read_verification", read_once)


NOUGHT = "the practice has no registered patients"
NOUGHT_WEIGHTED = "the practice has no weighted patients"
ROUNDED = "weighted patients are published rounded; "
TWICE = "weighted patients are published rounded, and the average was rounded"

# year: quantity: (compared, exact, misses by the beginning of their reason)
RESULTS = {
    "2015-16": {
        "total": (7841, 7841, {}),
        "net": (7841, 7841, {}),
        "average_per_registered_patient": (7841, 7797, {NOUGHT: 44}),
        "average_per_weighted_patient": (7841, 7797, {NOUGHT_WEIGHTED: 44}),
    },
    "2016-17": {
        "total": (7763, 7763, {}),
        "net": (7763, 7763, {}),
        "average_per_registered_patient": (7763, 7763, {}),
        "average_per_weighted_patient": (7763, 7660, {ROUNDED: 101, TWICE: 2}),
    },
    "2017-18": {
        "total": (7543, 7543, {}),
        "net": (7543, 7543, {}),
        "average_per_registered_patient": (7543, 7543, {}),
        "average_per_weighted_patient": (7543, 7441, {ROUNDED: 102}),
    },
}


def outcome(verified: Verified) -> dict[str, tuple[int, int, dict[str, int]]]:
    beginnings = (NOUGHT, NOUGHT_WEIGHTED, ROUNDED, TWICE)
    result: dict[str, tuple[int, int, dict[str, int]]] = {}
    for one in verified.quantities:
        reasons: dict[str, int] = {}
        for miss in one.misses:
            short = next((each for each in beginnings if miss.reason.startswith(each)), miss.reason)
            reasons[short] = reasons.get(short, 0) + 1
        result[one.name] = (one.compared, one.exact, reasons)
    return result


@pytest.mark.parametrize("year", sorted(RESULTS))
def test_the_published_year_adds_up_to_the_penny(year: str, real_data: Callable[[str], Path]) -> None:
    verified = verify(CONTRACT, real_data(f"nhs_payments/{year}.csv.gz"), year)
    assert outcome(verified) == RESULTS[year]
    assert verified.holds


# -- other years: the same figures under other headings ----------------------------------------------------------------

ALL_AGREE = {
    "total": (4, 4, {}),
    "net": (4, 4, {}),
    "average_per_registered_patient": (4, 4, {}),
    "average_per_weighted_patient": (4, 4, {}),
}

IDENTIFIERS = {
    "NHS England Region Name": ["North", "North", "South", "South"],
    "Practice Code": ["A1", "A2", "A3", "A4"],
    "Contract Type": ["GMS", "PMS", "APMS", "UNKNOWN"],
}
COMPONENTS = {
    "Global Sum": ["402318.55", "0", "0", "0"],
    "Balance of PMS Expenditure": ["0", "811904.20", "0", "0"],
    "Total QOF Payments": ["58210.07", "101230.90", "9120.01", "0"],
    "Premises Payments": ["41200", "-1200.55", "30000", "0"],
    "Other Payments": ["15.5", "0", "208111.11", "-272.78"],
}


def cents(value: Decimal) -> str:
    return str(value.quantize(Decimal("0.01"), ROUND_HALF_UP))


def published(
    components: Mapping[str, list[str]] = COMPONENTS,
    registered: str = "Number of Registered Patients (Last Known Figure)",
    weighted: str = "Number of Weighted Patients (Last Known Figure)",
    average: str = "Average payments per registered patient",
    weighted_average: str = "Average payments per weighted patient",
    total: str = "Total NHS Payments to General Practice",
    deductions: str = "Deductions for Pensions, Levies and Prescription Charge Income",
    net: str = "Total NHS Payments to General Practice Minus Deductions",
    more: Mapping[str, list[str]] | None = None,
) -> dict[str, list[str]]:
    """A made-up file of four practices, the last without patients, as columns under the headings of some year."""
    patients = ["4114", "9820.25", "3000", "0"]
    weights = ["4700.25", "10000", "2500", "0"]
    deducted = ["-66185.19", "-80000", "0", "0"]
    totals = [sum((Decimal(column[i]) for column in components.values()), Decimal(0)) for i in range(4)]

    def averages(lists: list[str]) -> list[str]:
        return [
            cents(value / Decimal(people)) if Decimal(people) else "N/A"
            for value, people in zip(totals, lists, strict=True)
        ]

    return {
        **IDENTIFIERS,
        **(more or {}),
        registered: patients,
        weighted: weights,
        average: averages(patients),
        weighted_average: averages(weights),
        **components,
        total: [str(value) for value in totals],
        deductions: deducted,
        net: [str(value + Decimal(part)) for value, part in zip(totals, deducted, strict=True)],
    }


def write(columns: Mapping[str, list[str]], path: Path, *, above: str = "", below: str = "") -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    content = (above + text.getvalue() + below).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def renamed(change: Callable[[str], str]) -> dict[str, list[str]]:
    return {change(heading): cells for heading, cells in published().items()}


NETWORKS = {
    **COMPONENTS,
    "PCN Participation": ["7000.10", "15000", "0", "0"],
    "PCN Leadership": ["0", "4000", "0", "0"],
    "PCN Workforce": ["0", "120000.99", "0", "0"],
    "General Practice Transformation": ["310", "0", "0", "0"],
}
COVID = {**NETWORKS, "Covid Immunisation": ["21000.01", "0", "0", "0"], "Long Covid": ["0", "812", "0", "0"]}
DATES = {"Practice Open Date": ["36251", "33609", "42826", "42948"], "PCN Code": ["U1", "U1", "U2", "-"]}

YEARS: dict[str, tuple[str, dict[str, list[str]]]] = {
    "as in 2017-18": ("2017-18", published(more=DATES)),
    "words run together, with a pound sign": (
        "2016-17",
        renamed(lambda heading: heading.replace(" ", "") + ("_£" if heading in COMPONENTS else "")),
    ),
    "capitals and underscores": ("2018-19", renamed(lambda heading: heading.upper().replace(" ", "_"))),
    "small letters and dots": ("2014-15", renamed(lambda heading: heading.lower().replace(" ", "."))),
    "averages of the year's quarters": (
        "2018-19",
        published(
            registered="Average Number of Registered Patients",
            weighted="Average Number of Weighted Patients",
            more={"Atypical Characteristics": ["", "", "Part year of data", "No known registered patients"]},
        ),
    ),
    "numbers of footnotes": (
        "2019-20",
        published(
            NETWORKS,
            average="Average payments per registered patient1",
            weighted_average="Average payments per weighted patient1",
            net="Total NHS Payments to General Practice Minus Deductions2",
            more=DATES,
        ),
    ),
    "Covid-19 in the total": (
        "2021-22",
        published(
            COVID,
            average="Average payments per registered patient including Covid",
            weighted_average="Average payments per weighted patient including Covid",
            total="Total NHS Payments to General Practice including Covid Vaccination",
            net="Total NHS Payments to General Practice including Covid Minus Deductions",
            more={
                **DATES,
                "Average payments per registered patient": ["1", "1", "1", "1"],
                "Average payments per weighted patient": ["1", "1", "1", "1"],
                "Total NHS Payments to General Practice": ["1", "2", "3", "4"],
                "Total NHS Payments to General Practice Minus Deductions": ["1", "2", "3", "4"],
            },
        ),
    ),
    "components that nobody has heard of": (
        "2023-24",
        published(
            {
                **COMPONENTS,
                "Neighbourhood Pilot (£)": ["100.10", "0", "0", "0"],
                "Total Winter Resilience": ["0", "-50.25", "0", "0"],
            }
        ),
    ),
}


@pytest.mark.parametrize("name", YEARS)
def test_another_year_with_other_column_names(name: str, tmp_path: Path) -> None:
    year, columns = YEARS[name]
    assert outcome(verify(CONTRACT, write(columns, tmp_path / "payments.csv.gz"), year)) == ALL_AGREE


def test_an_annex_with_lines_above_a_total_and_notes_below_and_pounds_with_commas(tmp_path: Path) -> None:
    columns = published()
    for heading in COMPONENTS:
        columns[heading] = ["-" if cell == "0" else f"£{Decimal(cell):,}" for cell in columns[heading]]
    above = f"NHS Payments to General Practice{',' * len(columns)}\n\nEngland 2014/15\n"
    below = "England,," + ",".join("1" for _ in columns) + '\n"1. Source: payment system"\n'
    verified = verify(CONTRACT, write(columns, tmp_path / "annex.csv", above=above, below=below), "2014-15")
    assert outcome(verified) == ALL_AGREE
    assert sum(verified.left_out.values()) == 2


@pytest.mark.parametrize("year", ["2017-18", "2017/18", "2017-2018", "2017"])
def test_a_financial_year_may_be_written_in_the_usual_ways(year: str, tmp_path: Path) -> None:
    verified = verify(CONTRACT, write(published(), tmp_path / "payments.csv"), year)
    assert (verified.year, outcome(verified)) == ("2017-18", ALL_AGREE)


@pytest.mark.parametrize("year", ["2012-13", "2017-19", "17-18", "PY2017"])
def test_a_year_that_no_reading_covers_is_refused(year: str, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=r"they cover 2013-14 to 2025-26"):
        verify(CONTRACT, write(published(), tmp_path / "payments.csv"), year)


# -- an error in the file is found ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heading", "cell", "unexplained"),
    [
        ("Premises Payments", "41200.01", {"total", "net"}),  # a penny
        ("Total QOF Payments", "0", {"total", "net", "average_per_registered_patient", "average_per_weighted_patient"}),
        ("Total NHS Payments to General Practice", "501744.13", {"total"}),
        ("Deductions for Pensions, Levies and Prescription Charge Income", "-66185.18", {"net"}),
        ("Total NHS Payments to General Practice Minus Deductions", "", set()),
        ("Average payments per registered patient", "121.97", {"average_per_registered_patient"}),
        ("Average payments per registered patient", "N/A", {"average_per_registered_patient"}),
        ("Average payments per registered patient", "0", {"average_per_registered_patient"}),
        ("Average payments per weighted patient", "106.80", {"average_per_weighted_patient"}),
        ("Number of Registered Patients (Last Known Figure)", "4113", {"average_per_registered_patient"}),
    ],
)
def test_no_reason_excuses_an_error(heading: str, cell: str, unexplained: set[str], tmp_path: Path) -> None:
    columns = published()
    assert columns["Average payments per registered patient"][0] == "121.96"
    columns[heading] = [cell, *columns[heading][1:]]
    file = write(columns, tmp_path / "payments.csv")
    if not cell:
        with pytest.raises(DataRefused, match="net_published is missing in 1 rows"):
            verify(CONTRACT, file, "2017-18")
        return
    verified = verify(CONTRACT, file, "2017-18")
    assert {one.name for one in verified.quantities if one.unexplained} == unexplained
    assert {miss.key for one in verified.quantities for miss in one.unexplained} == {"A1"}


def test_a_component_without_a_number_in_one_row_is_refused_not_lost(tmp_path: Path) -> None:
    columns = published({**COMPONENTS, "Neighbourhood Pilot": ["100", "10", "5", "1"]})
    columns["Neighbourhood Pilot"][2] = "five"
    with pytest.raises(DataRefused, match="'five' is not a number"):
        verify(CONTRACT, write(columns, tmp_path / "payments.csv"), "2022-23")


def test_components_get_the_same_name_in_every_year(tmp_path: Path) -> None:
    reading = read_reading(CONTRACT / "readings" / "payments.yaml")
    names: dict[str, set[str]] = {}
    for year, columns in YEARS.values():
        table = apply_reading(reading, write(columns, tmp_path / "payments.csv"), year).tables["payments"]
        names[year] = set(table.column("component").to_pylist())
    common = {"Global sum", "Balance of PMS expenditure", "Total QOF payments", "Premises payments", "Other payments"}
    assert all(common <= found for found in names.values())
    assert names["2023-24"] - common == {"Neighbourhood Pilot", "Total Winter Resilience"}
    assert names["2019-20"] - common == {
        "PCN participation",
        "PCN leadership",
        "PCN workforce",
        "General practice transformation",
    }


def test_every_component_of_the_published_years_has_a_stream(real_data: Callable[[str], Path]) -> None:
    with (CONTRACT / "components.csv").open(encoding="utf-8") as file:
        known = {row["component"] for row in csv.DictReader(file)}
    reading = read_reading(CONTRACT / "readings" / "payments.yaml")
    table = apply_reading(reading, real_data("nhs_payments/2015-16.csv.gz"), "2015-16").tables["payments"]
    assert set(table.column("component").to_pylist()) <= known
    assert len(set(table.column("component").to_pylist())) == 36


def test_the_command_prints_json_and_ends_with_0(tmp_path: Path, command: Callable[..., object]) -> None:
    ended = command("verify", "nhs-payments", "--year", "2017-18", write(published(), tmp_path / "p.csv"), "--json")
    assert ended.code == 0  # type: ignore[attr-defined]
    quantities = {one["name"]: one for one in ended.json["quantities"]}  # type: ignore[attr-defined]
    assert quantities["total"] | {"misses": 0} == {
        "name": "total",
        "compared": 4,
        "exact": 4,
        "within_0.1pct": 4,
        "misses": 0,
    }
    assert set(quantities) == set(ALL_AGREE)
