"""Income: what parties receive by stream and year, what changed, and the day on which each payment is due."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import accord
from accord.library import contract_folder
from accord.settlement import income as reported
from accord.settlement.calls import Misused
from accord.settlement.due import Due, due_on
from accord.settlement.income import ALL, Income, income
from accord.settlement.owed import PartyName, by_name, owed_in
from accord.settlement.run import Run

Find = Callable[[str], Path]

CONTRACT = """
accord: 1
contract: checks
title: Health checks
currency: GBP
term: {from: 2026-04-01, to: 2029-03-31}
keys: {practice: {}, year: {every: 12 months}, month: {every: 1 month, in: year}}
parties: {board: {name: The board}, practice: {each: practice}}
inputs:
  practices: {keys: [practice, year], columns: {on_account: {unit: GBP, min: 0}, earned: {unit: GBP, min: 0}}}
quantities:
  - each: [practice, year]
    balance: {is: earned - on_account, unit: GBP}
  - each: [practice, month]
    rows: [practices, month]
    instalment: allocate(on_account, 1)
payments:
  - {pay: instalment, from: board, to: practice, stream: on account, due: month end}
  - {pay: balance, from: board, to: practice, negative: reverse, stream: balance,
     due: by the end of June after the year}
"""

# practice, year, on account, earned
ROWS = [
    ("A", 2026, 120, 150),
    ("A", 2027, 120, 100),
    ("B", 2026, 60, 60),
    ("B", 2027, 90, 99),
    ("C", 2027, 12, 12),
    ("B", 2028, 1, 1),
]
A, B, C = (PartyName("practice", name) for name in "ABC")


def data(*years: int) -> dict[str, list[dict[str, object]]]:
    heads = ("practice", "year", "on_account", "earned")
    rows = [(name, f"{year}-04-01", *rest) for name, year, *rest in ROWS if year in years]
    return {"practices": [dict(zip(heads, row, strict=True)) for row in rows]}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Run]:
    """The run of one or more years."""
    folder = tmp_path_factory.mktemp("income")

    def run(*years: int, **changed: str) -> Run:
        text = CONTRACT
        for old, new in changed.items():
            text = text.replace(old, new)
        first, last = min(years), max(years) + 1
        text = text.replace("2026-04-01, to: 2029-03-31", f"{first}-04-01, to: {last}-03-31")
        file = folder / f"{abs(hash((years, tuple(changed.items()))))}.yaml"
        file.write_text(text, encoding="utf-8")
        return accord.run(file, data(*years), out=folder / "runs")

    return run


@pytest.fixture(scope="module")
def found(runs: Callable[..., Run]) -> Income:
    return income([runs(2026), runs(2027)])


def test_streams_by_year_add_up(found: Income) -> None:
    assert found.years == ("2026/27", "2027/28") and found.streams == ("on account", "balance")
    assert [found.stream(ALL, year).amount for year in found.years] == [21_000, 21_100]
    assert found.stream("on account", "2027/28").change == 4_200
    assert found.stream("on account", "2027/28").share == Fraction(42, 180)
    assert found.before("2026/27") is None


def test_what_flows_back_is_taken_off_its_stream(found: Income) -> None:
    assert found.of(A, "balance", "2027/28").amount == -2_000
    assert found.of(A, ALL, "2027/28").change == 10_000 - 15_000


def test_winners_and_losers(found: Income) -> None:
    assert [(one.party, one.change.change) for one in found.movers] == [(B, 3_900), (A, -5_000)]
    assert found.of(C, ALL, "2027/28").before is None, "who was not there before is neither"


def test_who_is_named_alone_has_the_same_income_and_every_year(found: Income, runs: Callable[..., Run]) -> None:
    """C is paid in the second year only: nothing in the first, and not nothing known of it."""
    for party in (A, B, C):
        alone = income([runs(2026), runs(2027)], [party.named])
        assert alone.years == found.years and alone.parties == (party,)
        assert alone.amounts == {at: amount for at, amount in found.amounts.items() if at[0] == party}
    left = income([runs(2027), runs(2028)], ["C"])
    assert [left.of(C, ALL, year).change for year in left.years] == [None, -1_200]


def test_the_payments_of_a_party_are_those_from_and_to_it(runs: Callable[..., Run]) -> None:
    run = runs(2026, 2027)
    board = PartyName("board", "", "The board")
    assert run.ledger.parties == (board, A, B, C)
    for parties in ([A], [board], [A, C], []):
        wanted = [one for one in run.payments if one.payer in parties or one.receiver in parties]
        assert list(owed_in(run.ledger.of(parties))) == wanted
    assert by_name(run.ledger.parties)["practice=A"] == by_name(run.ledger.parties)["A"] == (A,)
    assert by_name(run.ledger.parties)["practice"] == (A, B, C) and "" not in by_name(run.ledger.parties)


def test_one_run_of_two_years_says_the_same(found: Income, runs: Callable[..., Run]) -> None:
    both = income([runs(2026, 2027)])
    assert both.years == found.years and dict(both.amounts) == dict(found.amounts) and dict(both.due) == dict(found.due)


def test_the_calendar_has_every_month(found: Income) -> None:
    assert found.months[0] == "2026-04" and found.months[-1] == "2028-06" and len(found.months) == 27
    assert found.in_month("2026-04", ALL) == 1_500
    assert found.in_month("2027-06", "balance") == 3_000
    assert found.in_month("2028-06", "balance") == -2_000 + 900
    assert found.in_month("2028-05", ALL) == 0
    assert sum(found.in_month(month, ALL) for month in found.months) == sum(found.amounts.values())


def test_what_names_no_day_stands_apart(runs: Callable[..., Run]) -> None:
    vague = income([runs(2026, **{"month end": "as agreed", "by the end of June after the year": "after the year"})])
    assert vague.months == ("2027-04", reported.NO_DAY)
    assert vague.at_the_earliest == {"2027-04"}


def test_only_one_party(runs: Callable[..., Run]) -> None:
    mine = income([runs(2026), runs(2027)], ["A"])
    assert mine.parties == (A,) and mine.stream(ALL, "2026/27").amount == 15_000
    board = income([runs(2026)], ["board"])
    assert board.stream(ALL, "2026/27").amount == -21_000
    with pytest.raises(Misused, match="nothing is paid to or by Z"):
        income([runs(2026)], ["Z"])


def test_years_are_those_of_the_contract_where_its_term_begins_within_one(tmp_path: Path) -> None:
    """The network contract began on 1 July 2019; its years are those of the Service, from 1 April."""
    folder = contract_folder("network-des")
    assert folder is not None
    sample = folder / "sample"
    found = income([accord.run("network-des", sample, out=tmp_path / "runs")])
    assert found.years == ("2024/25",)
    assert not any("not whole years" in note for note in found.notes)
    assert found.stream(ALL, "2024/25").before is None


def test_no_day_is_counted_twice(runs: Callable[..., Run]) -> None:
    with pytest.raises(Misused, match="settle some days of checks both"):
        income([runs(2026), runs(2026, 2027)])


def test_part_of_a_year_is_said(runs: Callable[..., Run], tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text(CONTRACT, encoding="utf-8")
    part = accord.run(tmp_path / "c.yaml", data(2026), out=tmp_path / "runs", up_to="2026-06-01")
    assert any("not like with like" in note for note in income([part]).notes)
    assert not income([runs(2026)]).notes


def test_the_csv_has_every_party_stream_and_year(found: Income, tmp_path: Path) -> None:
    reported.write_csv(found, tmp_path / "i.csv")
    with (tmp_path / "i.csv").open(encoding="utf-8", newline="") as file:
        rows = {(row["member"], row["stream"], row["year"]): row for row in csv.DictReader(file)}
    assert rows["A", ALL, "2027/28"] | {"party": "", "member": "", "stream": "", "year": ""} == {
        "party": "", "member": "", "stream": "", "year": "",
        "amount": "100.00", "before": "150.00", "change": "-50.00", "change_percent": "-33.33",
    }  # fmt: skip
    assert ("C", ALL, "2026/27") not in rows


def test_the_page_has_charts_and_a_calendar(found: Income) -> None:
    page = reported.html(found, 5)
    assert page.count("<svg") == 4 and "June 2028" in page and "<script" not in page


# ---------------------------------------------------------------------------------------------------------------- due

QUARTER = dt.date(2026, 10, 1), dt.date(2026, 12, 31)


@pytest.mark.parametrize(
    ("written", "day", "after"),
    [
        ("month end", "2026-12-31", False),
        ("end of the month", "2026-12-31", False),
        ("each month", "2026-12-31", False),
        ("by the end of the quarter", "2026-12-31", False),
        ("by the end of June after the year", "2027-06-30", False),
        ("by the end of December after the year", "2027-12-31", False),
        ("by the end of February after the quarter", "2027-02-28", False),
        ("one month after the quarter", "2027-01-31", False),
        ("3 months after year", "2027-03-31", False),
        ("14 months after the year", "2028-02-29", False),
        ("after each quarter", "2027-01-01", True),
        ("after the year", "2027-01-01", True),
        ("2026-11-05", "2026-11-05", False),
    ],
)
def test_a_day_from_words(written: str, day: str, after: bool) -> None:
    assert due_on(written, *QUARTER) == Due(dt.date.fromisoformat(day), after)


@pytest.mark.parametrize(
    "written", ["", "on signing up", "monthly claims", "2026-02-30", "when it suits", "999999 months after the year"]
)
def test_words_that_name_no_day(written: str) -> None:
    assert due_on(written, *QUARTER) is None


# -------------------------------------------------------------------------------------------------------- the command


def test_the_command(command: Callable[..., Any], runs: Callable[..., Run], tmp_path: Path) -> None:
    folders = [runs(2026).folder, runs(2027).folder]
    ended = command("income", *folders, "--html", "i.html", "--csv", "i.csv")
    assert ended.code == 0, ended.err
    for part in ("Income of 3 parties", "2027/28 on 2026/27: 1 gain, 1 lose", "June 2028", "+£39.00", "-33.3%"):
        assert part in ended.out, part
    assert (tmp_path / "i.html").exists() and (tmp_path / "i.csv").exists()
    told = command("income", *folders, "--json").json
    assert [one["member"] for one in told["losers"]] == ["A"] and told["losers"][0]["change"] == "-50.00"
    assert {one["month"]: one["amount"] for one in told["calendar"]}["2028-06"] == "-11.00"


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 2), (["nowhere"], 6), (["--party", "Z"], 2)], ids=["no run", "nowhere", "nobody"]
)
def test_what_the_command_refuses(
    command: Callable[..., Any], runs: Callable[..., Run], arguments: list[str], code: int
) -> None:
    ended = command("income", *arguments, *([runs(2026).folder] if "--party" in arguments else []))
    assert ended.code == code and "Traceback" not in ended.err


@pytest.mark.long
def test_every_practice_of_england_over_two_years(command: Callable[..., Any], real_data: Find, tmp_path: Path) -> None:
    """Published payments of 2015/16 and 2016/17: the changes of all streams are the changes of the totals."""
    for year in ("2015-16", "2016-17"):
        file = real_data(f"nhs_payments/{year}.csv.gz")
        command("prepare", "nhs-payments", f"payments={file}", "--year", year, "--out", year)
        assert command("settle", "nhs-payments", "--data", year).code == 0
    told = command("income", *sorted((tmp_path / "runs").iterdir()), "--json").json
    last = {one["stream"]: one for one in told["streams"] if one["year"] == "2016/17"}
    whole = last.pop(ALL)
    assert Fraction(whole["change"]) == sum(Fraction(one["change"]) for one in last.values() if one["change"]) + sum(
        Fraction(one["amount"]) for one in last.values() if not one["change"]
    )
    assert told["parties"] > 7_841
