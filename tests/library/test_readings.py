"""Readings: what real files do from year to year, and what is said when a file cannot be read."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from accord.language.problem import ContractRefused, DataRefused
from accord.settlement.catalogue import LIBRARY, NotFound
from accord.settlement.filling import Applied, apply_reading
from accord.settlement.reading import COLUMN, READING, parse_reading, read_reading
from accord.settlement.verification import VERIFICATION, Verified, verify

MSSP = LIBRARY / "mssp"

SMALL = b"""
reading: results
of: clinic
missing: ['-', NA]
year_in: [year]
rows: {need: [aco], leave_out: {aco: [total]}}
columns:
  aco: {from: [ACO_ID, ACO_Num], as: text}
  year: {constant: '{year}-01-01'}
  amount: {from: Amount, as: number, optional: true}
  score: {from: [Score], as: percent, optional: true}
  digit: {step_of: score}
  met: {from: Met, as: flag, optional: true}
  start: {from: Start, as: date, optional: true}
  track:
    either:
      - {from: Track, as: text, values: {A: [Basic A, Level A], EN: [Enhanced]}}
      - {flags: {A: Is_A, EN: [Is_EN, Is_Enhanced]}}
    optional: true
  name: {join: [aco, start], with: ' / '}
  elected: {from: Score, as: percent, only: ['0.5', '1'], where: {track: EN}, optional: true}
inputs:
  results: [aco, year, amount, score, digit, met, start, track, name, elected]
years: {'2023': nothing peculiar, '2024': {note: other names, columns: {amount: {from: Sum, as: number}}}}
"""


def read(text: str | bytes, tmp_path: Path, year: str = "2023", reading: bytes = SMALL) -> Applied:
    file = tmp_path / "file.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return apply_reading(parse_reading(reading, "reading.yaml"), file, year)


def column(applied: Applied, name: str) -> list[str | None]:
    return applied.tables["results"].column(name).to_pylist()


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("1234.50", "1234.5"),
        ("1,234,567", "1234567"),
        ("$1,234.5", "1234.5"),
        ("-$12", "-12"),
        ("$ -12", "-12"),
        ("(1,234)", "-1234"),
        ("($5.50)", "-5.5"),
        ("12-", "-12"),
        ("\u221212", "-12"),
        ("1 234\u00a0567", "1234567"),
        ("1.2E+07", "12000000"),
        ("1e-3", "0.001"),
        ("+7", "7"),
        (".5", "0.5"),
        ("0.1000000000000000000000000000001", "0.1000000000000000000000000000001"),
        ("-0", "0"),
        ("(12345678901234567890123456789012345678.9)", "-12345678901234567890123456789012345678.9"),
        ("-", None),
        ("na", None),
        ("  ", None),
    ],
)
def test_numbers(written: str, read_as: str | None, tmp_path: Path) -> None:
    applied = read(f'ACO_ID,Amount\nA1,"{written}"\n', tmp_path)
    assert column(applied, "amount") == [read_as]


@pytest.mark.parametrize(
    ("cells", "read_as", "digit"),
    [
        (["92.19%", "100.00%", "-"], ["92.19", "100", None], "0.01"),
        (["92.19", "100", ""], ["92.19", "100", None], "0.01"),
        (["0.9219", "1", "NA"], ["92.19", "100", None], "0.01"),
        (["0.92", "0.9", "1"], ["92", "90", "100"], "1"),
        (["0.92%", "0.5%", "1.00%"], ["0.92", "0.5", "1"], "0.01"),
        (["92", "0", "1"], ["92", "0", "1"], "1"),
    ],
)
def test_percent_with_or_without_a_sign_and_as_fractions(
    cells: list[str], read_as: list[str | None], digit: str, tmp_path: Path
) -> None:
    rows = "".join(f"A{number},{cell}\n" for number, cell in enumerate(cells))
    applied = read(f"ACO_ID,Score\n{rows}", tmp_path)
    assert column(applied, "score") == read_as
    assert [step for step in column(applied, "digit") if step] == [digit] * sum(value is not None for value in read_as)


@pytest.mark.parametrize(
    ("written", "read_as"),
    [
        ("7/1/12", "2012-07-01"),
        ("07/01/2019", "2019-07-01"),
        ("7/1/12 00:00", "2012-07-01"),
        ("2019-07-01", "2019-07-01"),
        ("2019-07-01T00:00:00", "2019-07-01"),
        ("1-Jul-19", "2019-07-01"),
        ("July 1, 2019", "2019-07-01"),
    ],
)
def test_dates(written: str, read_as: str, tmp_path: Path) -> None:
    assert column(read(f'ACO_ID,Start\nA1,"{written}"\n', tmp_path), "start") == [read_as]


@pytest.mark.parametrize(
    ("written", "read_as"), [("1", "true"), ("0", "false"), ("Yes", "true"), ("FALSE", "false"), ("1.0", "true")]
)
def test_flags(written: str, read_as: str, tmp_path: Path) -> None:
    assert column(read(f"ACO_ID,Met\nA1,{written}\n", tmp_path), "met") == [read_as]


def test_one_column_of_text_or_one_flag_column_for_each(tmp_path: Path) -> None:
    assert column(read("ACO_ID,Track\nA1,enhanced\nA2,LEVEL A\nA3,EN\n", tmp_path), "track") == ["EN", "A", "EN"]
    assert column(read("ACO_ID,is a,Is_Enhanced\nA1,0,1\nA2,1,0\nA3,-,-\n", tmp_path), "track") == ["EN", "A", None]


def test_names_of_columns_in_any_case_with_spaces_and_missing_parts_of_a_join(tmp_path: Path) -> None:
    applied = read("aco num , START\nA1,7/1/19\nA2,\n", tmp_path)
    assert column(applied, "name") == ["A1 / 2019-07-01", "A2"]


def test_values_only_where_another_column_says_so(tmp_path: Path) -> None:
    applied = read("ACO_ID,Score,Track\nA1,0.50%,EN\nA2,0.50%,A\nA3,2.4%,EN\n", tmp_path)
    assert column(applied, "elected") == ["0.5", None, None]


def test_totals_blank_lines_and_lines_above_the_header_are_left_out(tmp_path: Path) -> None:
    text = "Results of the programme,,\n\nACO_ID,Amount,Score\nA1,1,\n,,\nTotal:,9,\nSource: somebody,,\n,5,\n\n"
    applied = read(text.replace("Source: somebody,,\n", ""), tmp_path)
    assert column(applied, "aco") == ["A1"]
    assert applied.left_out == {"aco is a word for a total": 1, "aco is missing": 1}


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_separators_and_encodings(separator: str, encoding: str, tmp_path: Path) -> None:
    rows = [["ACO_ID", "Amount", "Name"], ["A1", "5", "Médecins"], ["A2", "6", "x"]] + [
        [f"B{n}", "1", "y"] for n in range(20)
    ]
    text = "".join(separator.join(row) + "\r\n" for row in rows)
    assert column(read(text.encode(encoding), tmp_path), "amount")[:2] == ["5", "6"]


def test_gzip(tmp_path: Path) -> None:
    assert column(read(gzip.compress(b"ACO_ID,Amount\nA1,5\n"), tmp_path), "amount") == ["5"]


def test_a_year_may_read_a_column_otherwise(tmp_path: Path) -> None:
    assert column(read("ACO_ID,Amount,Sum\nA1,5,7\n", tmp_path, "2024"), "amount") == ["7"]


UNPIVOT = b"""
reading: wide
of: clinic
unpivot: {name_into: indicator, value_into: value, columns: {IND1: first, IND2: second}}
columns:
  practice: {from: Practice, as: text}
  indicator: {from: indicator, as: text}
  value: {from: value, as: number, times: 1000, sign: turn}
inputs: {results: [practice, indicator, value]}
years: {'2023': x}
"""


def test_several_columns_become_rows(tmp_path: Path) -> None:
    applied = read("Practice,IND1,IND2\nP,1,2\n", tmp_path, reading=UNPIVOT)
    assert applied.tables["results"].to_pylist() == [
        {"practice": "P", "indicator": "first", "value": "-1000"},
        {"practice": "P", "indicator": "second", "value": "-2000"},
    ]


OTHERS = b"""
reading: wide
of: clinic
missing: ['', '-']
unpivot:
  name_into: item
  value_into: sum
  others: numbers
  except: ['*code', average*]
  columns: {'first*': first, second: second}
columns:
  practice: {from: [Practice, 'practice*'], as: text}
  year: {constant: '{year}-04-01'}
  item: {from: item, as: text}
  sum: {from: sum, as: number, if_missing: '0'}
  list: {from: List, as: number}
inputs: {results: [practice, year, item, sum], practices: [practice, year, list]}
years: {'2023-24': x}
"""
WIDE = """Practice name,List,First (GBP),Area code,Something new_£,Average sum,Town,Something new_£,Empty
P,10,1,7,"1,000.50",3,York,5,
Q,20,-,8,(2),4,Hull,,
"""


def test_other_columns_of_numbers_become_rows_under_their_own_heading(tmp_path: Path) -> None:
    applied = read(WIDE, tmp_path, "2023-24", reading=OTHERS)
    found = [(row["practice"], row["item"], row["sum"]) for row in applied.tables["results"].to_pylist()]
    assert found == [
        ("P", "first", "1"),
        ("P", "Something new", "1000.5"),
        ("P", "Something new (column 8)", "5"),
        ("Q", "first", "0"),
        ("Q", "Something new", "-2"),
        ("Q", "Something new (column 8)", "0"),
    ]
    assert applied.tables["practices"].to_pylist() == [
        {"practice": "P", "year": "2023-04-01", "list": "10"},
        {"practice": "Q", "year": "2023-04-01", "list": "20"},
    ]


@pytest.mark.parametrize("year", ["2023-24", "2023/24", "2023-2024", "2023"])
def test_a_year_over_two_calendar_years(year: str, tmp_path: Path) -> None:
    assert read(WIDE, tmp_path, year, reading=OTHERS).year == "2023-24"


@pytest.mark.parametrize("year", ["2023-25", "2024", "23-24", "2023-24-25"])
def test_another_year_over_two_calendar_years(year: str, tmp_path: Path) -> None:
    with pytest.raises(DataRefused, match=f"covers 2023-24 to 2023-24, not {year}"):
        read(WIDE, tmp_path, year, reading=OTHERS)


# -- what is refused, and how --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "year", "message"),
    [
        (
            "ACO_ID,Amount\nA1,twelve\n",
            "2023",
            "file.csv:2:1: amount cannot be read in 1 rows: line 2: 'twelve' is not a number",
        ),
        ("ACO_ID,Amount\nA1,1.2.3\n", "2023", "is not a number"),
        ("ACO_ID,Start\nA1,13/45/2019\n", "2023", "is not a date"),
        ("ACO_ID,Met\nA1,maybe\n", "2023", "is neither yes nor no"),
        ("ACO_ID,Track\nA1,Z\n", "2023", "'Z' is not one of A, EN"),
        ("ACO_ID,Is_A,Is_EN\nA1,1,1\n", "2023", "'A and EN' are both set"),
        ("ACO_ID,year\nA1,2019\n", "2023", "the column year of this file says 2019, not 2023"),
        ("ACO_ID,Amount\nA1,1\n", "1999", "the reading results of clinic covers 2023 to 2024, not 1999"),
        ("ACO_ID,Amount\nA1,1\n", "2024", "the file has no column for amount; looked for: Sum"),
        ("Amount,Score\n1,2\n", "2023", "the file has no column for aco"),
        ("ACO_ID,Amount\n", "2023", "this file has no rows that count"),
        ("", "2023", "this file is empty"),
        ("a,b\n1,2\n", "2023", "none of the columns that this reading knows is in the file"),
        (b"PK\x03\x04" + b"\x00" * 40, "2023", "this is a workbook or an archive"),
        (b"ACO_ID,Amount\nA1,\x00\x01\n", "2023", "this is not a text file"),
    ],
)
def test_a_file_that_cannot_be_read(text: str | bytes, year: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataRefused) as refused:
        read(text, tmp_path, year)
    assert message in str(refused.value)


def test_no_such_file(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no such file"):
        apply_reading(parse_reading(SMALL, "reading.yaml"), tmp_path / "none.csv", 2023)
    with pytest.raises(NotFound, match="this is a folder"):
        apply_reading(parse_reading(SMALL, "reading.yaml"), tmp_path, 2023)


def test_a_file_named_after_another_year_draws_a_warning(tmp_path: Path) -> None:
    (tmp_path / "PY2022.csv").write_text("ACO_ID,Amount\nA1,1\n")
    applied = apply_reading(parse_reading(SMALL, "reading.yaml"), tmp_path / "PY2022.csv", 2023)
    assert [str(warning.message) for warning in applied.warnings] == [
        "the name of this file says 2022; it is read as 2023"
    ]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (b"as: flag", b"as: flagg", "reading.yaml:13:24: flagg is not one of"),
        (b"inputs:", b"input:", "did you mean inputs"),
        (b"name, elected]", b"nmae, elected]", "nmae is not a column of this reading\n    fix: did you mean name"),
        (b"{step_of: score}", b"{step_of: scores}", "did you mean score"),
        (b"{step_of: score}", b"{as: number}", "digit does not say from what it is read"),
        (b"{step_of: score}", b"{step_of: score, from: X}", "digit says from and step_of"),
        (b"{constant: '{year}-01-01'}", b"{join: [year]}", "these columns make each other: year"),
        (b"'2023': nothing", b"'23': nothing", "'23' is not a year"),
        (b"reading: results", b"reading: &a results", "anchors"),
    ],
)
def test_a_reading_that_cannot_be_used(old: bytes, new: bytes, message: str, tmp_path: Path) -> None:
    assert old in SMALL
    with pytest.raises(ContractRefused) as refused:
        read("ACO_ID,Amount\nA1,1\n", tmp_path, reading=SMALL.replace(old, new))
    assert message in str(refused.value)


def test_the_guide_shows_a_reading_that_works_and_names_every_entry(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "readings.md").read_text(encoding="utf-8")
    shown = guide.split("```yaml\n")[1].split("```")[0]
    applied = read("Practice Code;List;Score\nA1;1,200;92.1%\nTotal;9,999;\n", tmp_path, reading=shown.encode())
    assert applied.tables["practices"].to_pylist() == [
        {"practice": "A1", "year": "2023-04-01", "list_size": "1200", "score": "92.1"}
    ]
    for shape in (READING, COLUMN, VERIFICATION):
        for field in shape.fields:
            assert f"`{field.name}`" in guide, f"docs/readings.md does not say what {field.name} is"


def test_every_reading_of_the_library_is_well_formed() -> None:
    for file in sorted(LIBRARY.glob("*/readings/*.yaml")):
        reading = read_reading(file)
        assert reading.of == file.parent.parent.name
        assert reading.source and reading.years


# -- real files in the layouts of their neighbours: the outcome must not change ------------------------------

Row = dict[str, str]
TRACKS = {"T1": "Current_Track_1", "A": "Current_BASIC_A", "B": "Current_BASIC_B", "C": "Current_BASIC_C"} | {
    "D": "Current_BASIC_D",
    "E": "Current_BASIC_E",
    "EN": "Current_ENHANCED",
}


def laid_out(
    file: Path, to: Path, change: Callable[[Row], Row], encoding: str = "utf-8", separator: str = ",", above: str = ""
) -> Path:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        rows = [change(dict(row)) for row in csv.DictReader(opened)]
    text = io.StringIO()
    text.write(above)
    writer = csv.writer(text, delimiter=separator)
    writer.writerow(rows[0])
    writer.writerows(row.values() for row in rows)
    text.write("\r\n\r\n")
    to.write_bytes(text.getvalue().encode(encoding))
    return to


def figures(verified: Verified) -> list[tuple[str, int, int, int, int]]:
    return [(one.name, one.compared, one.exact, one.within, len(one.unexplained)) for one in verified.quantities]


def test_2021_one_flag_column_a_track_and_percent_without_a_sign(real_data, tmp_path: Path) -> None:
    def change(row: Row) -> Row:
        track = row.pop("Current_Track")
        for name in ("Sav_rate", "MinSavPerc", "QualScore", "FinalShareRate"):
            row[name] = row[name].rstrip("%")
        return {**row, **{flag: "1" if track == each else "0" for each, flag in TRACKS.items()}}

    file = real_data("mssp/PY2022.csv")
    made = laid_out(file, tmp_path / "PY2021.csv", change)
    assert figures(verify(MSSP, made, "2021")) == figures(verify(MSSP, file, "2022"))


def test_2024_long_names_separators_dashes_and_another_encoding(real_data, tmp_path: Path) -> None:
    tracks = {"EN": "ENHANCED", "A": "BASIC Level A"}

    def money(text: str) -> str:
        number = int(text or 0)
        return "-" if number == 0 else f"(${-number:,})" if number < 0 else f"${number:,}"

    def change(row: Row) -> Row:
        for name in ("ABtotBnchmk", "ABtotExp", "EarnSaveLoss", "DisAdj"):
            row[name] = money(row[name])
        row["N_AB"] = f"{int(row['N_AB']):,}"
        row["Current_Track"] = tracks.get(row["Current_Track"], f"BASIC {row['Current_Track']}")
        row |= {"ReducedSS": "0", "AIP": "0", "New_Column": "x"}
        return {name.upper().replace("_", " "): value for name, value in row.items()}

    file = real_data("mssp/PY2023.csv")
    made = laid_out(file, tmp_path / "PY2024.csv", change, "utf-16", "\t", "Results\t\r\n\r\n")
    assert figures(verify(MSSP, made, "2024")) == figures(verify(MSSP, file, "2023"))


def test_2018_lower_case_other_identifier_and_percent(real_data, tmp_path: Path) -> None:
    def change(row: Row) -> Row:
        row.pop("year")
        row["ACO_ID"] = row.pop("ACO_Num")
        row["Current_Track_1_Plus"] = "0"
        row["QualScore"] = f"{float(row['QualScore']) * 100:.2f}%"
        row["MinSavPerc"] = f"{float(row['MinSavPerc']) * 100:.2f}"
        return {name.lower(): value for name, value in row.items()}

    file = real_data("mssp/PY2017.csv")
    made = laid_out(file, tmp_path / "results.csv", change, "cp1252", ";")
    assert figures(verify(MSSP, made, "2018")) == figures(verify(MSSP, file, "2017"))


def test_2019_half_years_are_paid_for_six_months(real_data, tmp_path: Path) -> None:
    """The 2020 file as if it were 2019: those that began in July are settled for six months."""
    file = real_data("mssp/PY2020.csv")
    made = laid_out(file, tmp_path / "results.csv", lambda row: {name.lower(): value for name, value in row.items()})
    verified = verify(MSSP, made, "2019")
    assert verified.holds
    earned = verified.quantities[0]
    halves = [miss for miss in earned.misses if "half year of 2019" in miss.reason]
    assert len(halves) == 143
    assert earned.within + len(halves) == earned.compared == 345


def test_2024_half_the_rate_below_the_minimum(real_data, tmp_path: Path) -> None:
    """425.605(h): CMS publishes the half rate of a new low-revenue organisation and 1 in ReducedSS."""
    header = (
        "ACO_ID,Current_Start_Date,Current_Track,N_AB,MinSavPerc,ABtotBnchmk,ABtotExp,EarnSaveLoss,Met_QPS,Met_AltQPS,"
        "QualScore,FinalShareRate,ReducedSS,Rev_Exp_Cat,DisAdj"
    )
    rows = [
        "A1,01/01/2024,A,8000,3.20%,100000000,98000000,392000,1,0,80.00%,20.00%,1,Low Revenue,-",
        "A2,01/01/2022,B,8000,3.20%,100000000,98000000,0,1,0,80.00%,40.00%,0,Low Revenue,-",
        "A3,01/01/2024,E,8000,1.00%,100000000,95000000,1960000,0,1,80.00%,40.00%,0,Low Revenue,-",
        "A4,01/01/2022,EN,8000,2.00%,100000000,90000000,5649945,0,1,76.87%,57.65%,0,High Revenue,-",
    ]
    file = tmp_path / "PY2024.csv"
    file.write_text("\n".join([header, *rows]))
    verified = verify(MSSP, file, "2024")
    assert figures(verified)[0][:3] == ("earned_savings", 3, 3)
    assert verified.holds


HALF_YEARS = (
    "aco_id,current_track_1,current_enhanced,n_ab,minsavperc,"
    "abtotbnchmk,abtotexp,updatedbnchmk,earnsaveloss,met_qps,qualscore"
)


def test_2019_an_organisation_that_stands_twice(tmp_path: Path) -> None:
    """Until June in Track 1, from July in ENHANCED: settled on the year, six months paid of each."""
    header = HALF_YEARS
    rows = [
        "A1,1,0,60000,0.02,690000000,640000000,11750,11250000,1,90",
        "A1,0,1,60000,0.02,690000000,640000000,11750,16875000,1,90",
        "A2,1,0,60000,0.02,690000000,640000000,11750,22500000,1,90",
    ]
    file = tmp_path / "PY2019.csv"
    file.write_text("\n".join([header, *rows]))
    verified = verify(MSSP, file, "2019")
    assert figures(verified)[0] == ("earned_savings", 3, 3, 3, 0)


def test_2019_figures_that_cover_six_months_are_not_halved_again(tmp_path: Path) -> None:
    header = HALF_YEARS
    rows = [
        "A1,1,0,60000,0.02,345000000,320000000,11750,11250000,1,90",
        "A1,0,1,60000,0.02,345000000,320000000,11750,16875000,1,90",
    ]
    file = tmp_path / "PY2019.csv"
    file.write_text("\n".join([header, *rows]))
    assert figures(verify(MSSP, file, "2019"))[0] == ("earned_savings", 2, 2, 2, 0)


def test_2013_says_only_who_is_in_track_2(tmp_path: Path) -> None:
    file = tmp_path / "PY2013.csv"
    file.write_text(
        "ACO_Num,Track2,N_AB,MinSavPerc,ABtotBnchmk,ABtotExp,EarnShrSavings,QualScore\n"
        "A1,0,12000,0.0288,100000000,90000000,4900000,1\nA2,1,12000,0.02,100000000,90000000,5880000,1\nA3,0,12000,0.0288,1e8,9e7,0,0\n"
    )
    assert [one[1:] for one in figures(verify(MSSP, file, "2013"))[:3]] == [(2, 2, 2, 0), (0, 0, 0, 0), (1, 1, 1, 0)]
