"""The Medicare Shared Savings Program, against the results that CMS published."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest

from accord.engine import read_inputs, settle
from accord.language import check
from accord.settlement.catalogue import LIBRARY
from accord.settlement.filling import apply_reading
from accord.settlement.reading import read_reading
from accord.settlement.verification import Verified, read_verification, verify

MSSP = LIBRARY / "mssp"

SCORE = "the quality score is published rounded"
REVENUE = "limited by a share of the participants' revenue"
SMALL = "below 500 people"

# year: quantity: (compared, exact to the dollar, within 0.1 %, {beginning of a reason: misses})
RESULTS = {
    "2014": {
        "earned_savings": (86, 22, 31, {SCORE: 64}),  # two digits of quality: to about 1 %
        "shared_losses": (0, 0, 0, {}),
        "zero": (247, 247, 247, {}),
        "minimum_savings_rate": (330, 330, 330, {}),
    },
    "2015": {
        "earned_savings": (119, 27, 119, {SCORE: 92}),
        "shared_losses": (0, 0, 0, {}),
        "zero": (273, 273, 273, {}),
        "minimum_savings_rate": (389, 389, 389, {}),
    },
    "2016": {
        "earned_savings": (134, 23, 134, {SCORE: 111}),
        "shared_losses": (4, 4, 4, {}),
        "zero": (294, 294, 294, {}),
        "minimum_savings_rate": (411, 411, 411, {}),
    },
    "2017": {
        "earned_savings": (159, 24, 159, {SCORE: 135}),
        "shared_losses": (11, 10, 11, {SCORE: 1}),
        "zero": (302, 302, 302, {}),
        "minimum_savings_rate": (437, 436, 436, {SMALL: 1}),
    },
    "2020": {
        "earned_savings": (345, 102, 345, {SCORE: 243}),
        "shared_losses": (0, 0, 0, {}),  # the public health emergency took every loss
        "zero": (168, 168, 168, {}),
        "minimum_savings_rate": (352, 352, 352, {}),
    },
    "2022": {
        "earned_savings": (304, 304, 304, {}),
        "shared_losses": (0, 0, 0, {}),
        "zero": (178, 178, 178, {}),
        "minimum_savings_rate": (238, 238, 238, {}),
        "final_sharing_rate": (482, 482, 482, {}),
    },
    "2023": {
        "earned_savings": (313, 313, 313, {}),
        "shared_losses": (20, 17, 17, {REVENUE: 3}),
        "zero": (120, 120, 120, {}),
        "minimum_savings_rate": (197, 197, 197, {}),
        "final_sharing_rate": (453, 453, 453, {}),
    },
}


def outcome(verified: Verified) -> dict[str, tuple[int, int, int, dict[str, int]]]:
    beginnings = (SCORE, REVENUE, SMALL)

    def short(reason: str) -> str:
        return next((beginning for beginning in beginnings if reason.startswith(beginning)), reason)

    return {
        one.name: (one.compared, one.exact, one.within, dict(Counter(short(miss.reason) for miss in one.misses)))
        for one in verified.quantities
        if one.compared or one.name != "final_sharing_rate"  # compared where the published rate is precise: from 2021
    }


@pytest.mark.parametrize("year", RESULTS)
def test_published_results(year: str, real_data) -> None:
    verified = verify(MSSP, real_data(f"mssp/PY{year}.csv"), year)
    assert outcome(verified) == RESULTS[year]
    assert verified.holds


def test_2014_is_within_one_percent(real_data) -> None:
    verified = verify(MSSP, real_data("mssp/PY2014.csv"), "2014")
    apart = [abs(miss.ours - miss.published) / miss.published for one in verified.quantities for miss in one.misses]
    assert max(apart) < 0.011


@pytest.fixture
def published(real_data):
    """The contract with its verification, and the inputs that its reading makes of a published file."""
    contract = read_verification(MSSP).contract
    reading = read_reading(MSSP / "readings" / "results.yaml")

    def inputs(year: str):
        tables = apply_reading(reading, real_data(f"mssp/PY{year}.csv"), year).tables
        return contract, read_inputs(contract, tables, up_to=f"{year}-12-31")

    return inputs


@pytest.mark.parametrize("year", RESULTS)
def test_every_engine_gives_the_same(year: str, published) -> None:
    """Every quantity of the contract and of its verification, on every published file."""
    contract, inputs = published(year)
    oracle = settle(contract, inputs, "reference")
    for other in (settle(contract, inputs), settle(contract, inputs, "integers")):
        for quantity in contract.quantities:
            assert other.values(quantity) == oracle.values(quantity), quantity


@pytest.mark.parametrize("year", RESULTS)
def test_the_minimum_savings_rate_is_computed_to_the_last_published_digit(year: str, published) -> None:
    """Within half a digit: the published rate is ours, rounded. This tells band ends at ...999 from those at ...000."""
    names = ("table_rate", "minimum_rate_as_published", "minimum_rate_digit", "table_rate_used", "below_the_table")
    contract, inputs = published(year)
    settled = settle(contract, inputs, wanted=names)
    ours, theirs, digit, compared, too_small = (settled.values(name) for name in names)
    rows = [row for row, flag in compared.items() if flag and not too_small[row]]
    assert len(rows) > 190
    assert all(2 * abs(ours[row] - theirs[row]) <= digit[row] for row in rows)


def test_the_loss_of_a_year_of_emergency_is_the_disaster_adjustment(real_data) -> None:
    """2022: nothing was owed, and CMS published how much the emergency took: all but one loss to the dollar."""
    contract = check(MSSP)
    tables = apply_reading(read_reading(MSSP / "readings" / "results.yaml"), real_data("mssp/PY2022.csv"), 2022).tables
    inputs = read_inputs(contract, {name: tables[name] for name in contract.inputs}, up_to="2022-12-31")
    settled = settle(contract, inputs, wanted={"limited_loss"}).values("limited_loss")
    rows = tables["results"].to_pylist()
    taken = {(row["agreement"], row["performance_year"]): row["disaster_reduction"] for row in rows}
    apart = {key[0].split()[0]: abs(settled[key] - int(text)) for key, text in taken.items() if text is not None}
    assert len(apart) == 15
    assert [aco for aco, difference in apart.items() if difference > 1] == ["A1070"]  # limited by revenue


def test_json(real_data) -> None:
    document = json.loads(json.dumps(verify(MSSP, real_data("mssp/PY2023.csv"), 2023).as_json()))
    assert document["contract"] == "mssp"
    assert document["year"] == "2023"
    losses = next(one for one in document["quantities"] if one["name"] == "shared_losses")
    assert set(losses) == {"name", "compared", "exact", "within_0.1pct", "misses"}
    assert losses["misses"][0] == {
        "key": "A1241",
        "ours": -1663927,
        "published": -1149065,
        "reason": "limited by a share of the participants' revenue, which the file lacks",
    }


# a wrong formula or figure is not excused by any reason: (what, old text, new text, year)
WRONG = [
    ("the share of ENHANCED", "D: 50, E: 50, EN: 75}", "D: 50, E: 50, EN: 74}", "2023"),
    ("the share of BASIC A", "T1P: 50, A: 40,", "T1P: 50, A: 41,", "2023"),
    ("the share of Track 1", "{T1: 50, T2: 60, T3: 75}", "{T1: 49, T2: 60, T3: 75}", "2016"),
    ("sequestration left out", "(1 - sequestration)", "(1 - 0 * sequestration)", "2023"),
    ("sequestration in 2020", "{from: 2020-05-01, value: 0,", "{from: 2020-05-01, value: 2,", "2020"),
    ("the cap before sequestration", "cap * benchmark)", "cap * benchmark * (1 - sequestration))", "2016"),
    ("the cap", "T1: 10, T2: 15", "T1: 11, T2: 15", "2016"),
    ("the fixed loss rate", "{T1P: 30, C: 30, D: 30, E: 30}", "{T1P: 40, C: 40, D: 40, E: 40}", "2023"),
    ("the lowest loss rate", "values: {T2: 40, T3: 40, EN: 40}", "values: {T2: 45, T3: 45, EN: 45}", "2023"),
    ("no disaster adjustment", "limited_loss - loss_reduction", "limited_loss - 0 * loss_reduction", "2023"),
    ("the minimum rate", "[9999, 3.0]", "[9999, 3.2]", "2023"),
    ("a band that ends at 6000", "[5999, 3.6]", "[5999, 3.61]", "2016"),
    ("the quality score", "coalesce(quality_score, 1) else 0 end\n        -", "1 else 0 end\n        -", "2017"),
    ("reaching the minimum", "savings > 0 and savings_rate >= minimum_rate", "savings > 0", "2022"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "old", "new", "year"), WRONG, ids=[case[0] for case in WRONG])
def test_no_reason_excuses_a_wrong_contract(
    what: str, old: str, new: str, year: str, real_data, tmp_path: Path
) -> None:
    file = real_data(f"mssp/PY{year}.csv")
    folder = tmp_path / "mssp"
    shutil.copytree(MSSP, folder)
    text = (folder / "contract.yaml").read_text(encoding="utf-8")
    assert old in text, f"{what}: the contract no longer says this"
    # the contract's own examples would refuse it first; here only the published results are asked
    text = text.split("\nexamples:")[0].replace(old, new) + "\n"
    (folder / "contract.yaml").write_text(text, encoding="utf-8")
    assert not verify(folder, file, year).holds, what


def test_the_reading_says_for_each_year_which_rate_is_used() -> None:
    reading = read_reading(MSSP / "readings" / "results.yaml")
    assert sorted(reading.years) == [str(year) for year in range(2013, 2025)]
    assert all(
        note.startswith(("The rate is derived", "The published final sharing rate is used"))
        for note in reading.years.values()
    )


@pytest.mark.parametrize(("year", "given"), [("2020", False), ("2022", True), ("2023", True)])
def test_the_published_rate_is_an_input_from_2021(year: str, given: bool, real_data) -> None:
    reading = read_reading(MSSP / "readings" / "results.yaml")
    results = apply_reading(reading, real_data(f"mssp/PY{year}.csv"), year).tables["results"]
    assert any(rate is not None for rate in results.column("published_sharing_rate").to_pylist()) is given


def test_the_command(real_data, accord, tmp_path: Path) -> None:
    file = real_data("mssp/PY2023.csv")
    printed = accord("verify", "mssp", "--year", "2023", file)
    assert printed.returncode == 0, printed.stderr
    assert "shared_losses               20     17            17       3                 0" in printed.stdout
    assert "Every figure agrees, or differs for a recorded reason." in printed.stdout

    folder = tmp_path / "mssp"
    shutil.copytree(MSSP, folder)
    text = (folder / "contract.yaml").read_text(encoding="utf-8").split("\nexamples:")[0] + "\n"
    (folder / "contract.yaml").write_text(
        text.replace("C: 30, D: 30, E: 30}", "C: 31, D: 31, E: 31}"), encoding="utf-8"
    )
    wrong = accord("verify", folder, "--year", "2023", file, "--json")
    assert wrong.returncode == 1, wrong.stderr
    losses = next(one for one in json.loads(wrong.stdout)["quantities"] if one["name"] == "shared_losses")
    assert losses["exact"] < 17
    assert any(miss["reason"] is None for miss in losses["misses"])

    assert accord("verify", "mssp", "--year", "1999", file).returncode == 4
    assert accord("verify", "mssp", "--year", "2023", "nowhere.csv").returncode == 6
