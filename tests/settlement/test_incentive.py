"""Incentives: of which kind each row is, what the rows come to, and what the page and the CSV file hold."""

from __future__ import annotations

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from accord.engine import Inputs, read_inputs, settle
from accord.language import check, check_text
from accord.language.contract import Contract
from accord.language.problem import ContractRefused
from accord.library import CONTRACTS
from accord.settlement import incentive
from accord.settlement.calls import Misused
from accord.settlement.incentive import Incentives, incentives
from accord.settlement.marginal import marginal_values, parse_probes, read_probes
from tests.library.england import published, stand_in

Find = Callable[[str], Path]

# £10 between 50 % and 90 %: one patient of 10 is worth £2.50
CONTRACT = """
accord: 1
contract: checks
currency: GBP
term: {from: 2026-04-01, to: 2027-03-31}
keys: {practice: {}, check: {}, year: {every: 12 months}}
parties: {board: {name: The board}, practice: {each: practice}}
inputs:
  counts:
    keys: [practice, check, year]
    columns: {patients: {unit: people, min: 1}, adjusted: {unit: people, min: 0}, done: {unit: people, min: 0}}
parameters:
  lower: {unit: percent, value: 50, authority: cl. 1}
  span: {unit: percent, value: 40, authority: cl. 1}
  most: {unit: GBP, value: 10, authority: cl. 2}
quantities:
  - each: [practice, check, year]
    counted: {is: patients - adjusted, unit: people}
    left: {is: counted - done, unit: people, report: true}
    earned: "case when counted > 0 then least(greatest((done / counted - lower) / span, 0), 1) else 0 end"
    reward: {is: earned * most, round: 0.01 GBP half_up}
payments:
  - {pay: reward, from: board, to: practice}
"""

PROBES = """
marginal: checks
of: checks
money: reward
earned: earned
probes:
  adjusted: {title: One more adjustment, input: counts, add: {adjusted: 1}, while: left, against: treated}
  treated: {title: One more treated, input: counts, add: {done: 1}, while: left}
"""

ROWS = [  # practice, check, patients, adjusted, done: what one more treated and one more adjusted bring, and the kind
    ("A", "x", 10, 0, 7, "2.50", "1.94", "as meant"),
    ("A", "y", 10, 1, 8, "0.28", "0.28", "perverse"),  # 8 of 9 are 88.9 %: either way everything is earned
    ("B", "x", 10, 0, 3, "0.00", "0.00", "nothing yet"),
    ("B", "y", 10, 0, 9, "0.00", "0.00", "all earned"),
    ("C", "x", 99999, 0, 70000, "0.00", "0.00", "no difference"),
    ("C", "y", 10, 1, 9, None, None, "no step"),
]


@pytest.fixture(scope="module")
def contract() -> Contract:
    return check_text(CONTRACT)


def inputs(contract: Contract) -> Inputs:
    heads = ("practice", "check", "patients", "adjusted", "done")
    rows = [dict(zip(heads, row, strict=False)) | {"year": "2026-04-01"} for row in ROWS]
    return read_inputs(contract, {"counts": rows})


@pytest.fixture(scope="module")
def found(contract: Contract) -> Incentives:
    probes = parse_probes(PROBES.encode(), "marginal.yaml", contract)
    return incentives(contract, marginal_values(contract, inputs(contract), probes))


def test_each_row_is_of_its_kind(found: Incentives, tmp_path: Path) -> None:
    assert incentive.write_csv(found, tmp_path / "rows.csv") == len(ROWS)
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        written = {(row["practice"], row["check"]): row for row in csv.DictReader(file)}
    for practice, name, *_, treated, adjusted, kind in ROWS:
        row = written[practice, name]
        assert (row["kind"], row["treated"], row["adjusted"]) == (kind, treated or "", adjusted or ""), row


def test_what_ought_to_bring_more_goes_first(found: Incentives) -> None:
    assert found.first.name == "treated" and [other.name for other in found.others] == ["adjusted"]


def test_groups_add_up(found: Incentives) -> None:
    assert found.by == ("check",)
    assert {group.member: group.possible for group in found.groups} == {"x": 3, "y": 2}
    assert found.whole.rows == 6 and found.whole.possible == 5
    assert list(found.whole.kinds.values()) == [1, 1, 1, 1, 1]
    worth = found.groups[0].worth["treated"]
    assert (worth.least, worth.middle, worth.most, worth.total) == (0, 0, Fraction("2.5"), Fraction("2.5"))
    assert worth.average == Fraction("0.8333")
    assert found.whole.share("adjusted", "treated") == Fraction("2.22") / Fraction("2.78")


def test_single_rows_are_listed(found: Incentives) -> None:
    assert [row.keys[:2] for row in found.perverse] == [("A", "y")]
    assert [row.keys[:2] for row in found.richest] == [("A", "x"), ("A", "y")]


def test_only_some_rows(contract: Contract, found: Incentives) -> None:
    mine = incentives(contract, found.values, where={"practice": "B", "year": "2026/27"})
    assert mine.whole.rows == 2 and mine.whole.kinds["perverse"] == 0
    with pytest.raises(Misused, match="no row that is probed has practice=Z"):
        incentives(contract, found.values, where={"practice": "Z"})
    with pytest.raises(Misused, match="chekc is not a key"):
        incentives(contract, found.values, by=["chekc"])


def test_the_page_says_what_stands_out(found: Incentives) -> None:
    page = incentive.html(found)
    assert "One more adjustment brings as much as one more treated, or more, in 1 of 5 rows (20.0%)." in page
    assert page.count("<svg") == 2 and "<script" not in page


@pytest.mark.parametrize(
    ("written", "says"),
    [
        pytest.param(("against: treated", "against: trated"), "trated is not another probe", id="against"),
        pytest.param(("earned: earned", "earned: eerned"), "eerned is not a quantity", id="earned"),
    ],
)
def test_words_that_do_not_fit(contract: Contract, written: tuple[str, str], says: str) -> None:
    with pytest.raises(ContractRefused, match=says):
        parse_probes(PROBES.replace(*written).encode(), "marginal.yaml", contract)


# ------------------------------------------------------------------------------------------------------ the command


def test_the_command_on_the_sample(command: Callable[..., Any], tmp_path: Path) -> None:
    sample = CONTRACTS / "qof" / "sample"
    ended = command("marginal", "qof", "--data", sample, "--html", "m.html", "--csv", "m.csv", "--top", "3")
    assert ended.code == 0, ended.err
    assert "One more personalised care adjustment brings as much as" in ended.out and "3 worlds" in ended.out
    assert "<svg" in (tmp_path / "m.html").read_text(encoding="utf-8")
    assert (tmp_path / "m.csv").read_text().startswith("practice,indicator,year,treated,adjusted,kind\n")
    told = command("marginal", "qof", "practice=P1", "--data", sample, "--by", "practice", "--json").json
    assert [group["member"] for group in told["groups"]] == ["P1"] and told["where"] == {"practice": "P1"}
    assert sum(told["all"]["kinds"].values()) == told["all"]["possible"] > 0


def test_a_whole_payment_is_watched_in_a_world_for_each_indicator(command: Callable[..., Any]) -> None:
    sample = CONTRACTS / "qof" / "sample"
    by_value, by_payment = (
        command("marginal", "qof", "--data", sample, "--json", *more).json for more in ((), ("--money", "achievement"))
    )
    assert (by_value["worlds"], by_payment["worlds"]) == (3, 1 + 2 * 43)
    assert by_value["groups"] == by_payment["groups"]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        pytest.param(["mssp", "--data", "."], 6, "there are no probes", id="a contract without probes"),
        pytest.param(["qof", "--data", "nowhere"], 6, "there is no such folder", id="no data"),
        pytest.param(["qof", "--data", CONTRACTS / "qof" / "sample", "--money", "pionts"], 3, "pionts", id="money"),
        pytest.param(["qof", "--data", CONTRACTS / "qof" / "sample", "--by", "area"], 2, "area is not a key", id="by"),
    ],
)
def test_what_the_command_refuses(command: Callable[..., Any], arguments: list[Any], code: int, says: str) -> None:
    ended = command("marginal", *arguments)
    assert ended.code == code and says in ended.err and "Traceback" not in ended.err


# ------------------------------------------------------------------------------------------------------ all of England


@pytest.mark.long
def test_a_world_for_each_indicator_of_england(real_data: Find, capsys: pytest.CaptureFixture[str]) -> None:
    """As many worlds as indicators and steps say the same as three: 88 of them, for every practice at once."""
    import time
    from dataclasses import replace

    contract = check(CONTRACTS / "qof")
    files = real_data("qof/registers_2024-25.parquet"), real_data("qof/icb_achievement_2024-25.json")
    england = read_inputs(contract, published(*files))
    probes = read_probes(CONTRACTS / "qof" / "marginal.yaml", contract)
    began = time.perf_counter()
    by_payment = marginal_values(contract, england, replace(probes, money="achievement"))
    seconds = time.perf_counter() - began
    assert by_payment.worlds == 1 + 2 * 44
    assert by_payment.data.equals(marginal_values(contract, england, probes).data)
    with capsys.disabled():
        print(f"\n{by_payment.worlds} worlds of England's qof: {seconds:.0f} s")


@pytest.mark.long
def test_the_stand_in_for_england_settles() -> None:
    """What the bench takes where the published files are not there has their shape."""
    contract = check(CONTRACTS / "qof")
    settlement = settle(contract, read_inputs(contract, stand_in()), wanted=["total_points"])
    assert len(settlement.values("total_points")) == 6_188
