"""The global sum by the Carr-Hill formula, what varies it, and the transition guarantee, against their sources."""

from __future__ import annotations

import csv
import datetime as dt
import random
import re
import runpy
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest

from accord.engine import Settlement, read_inputs, settle
from accord.language import check
from accord.language.contract import Contract, Value
from accord.language.problem import DataRefused, SettlementStopped
from accord.library import CONTRACTS
from accord.settlement.preparation import prepare

GMS = CONTRACTS / "gms-global-sum"
GUARANTEE = CONTRACTS / "transition-guarantee"
NOW = "2026-07-01"

Rows = list[dict[str, object]]

WEIGHTS = {  # by sex, for the lower end of each five years: the formula's seven ages, written out
    "male": [3.97, 1, 1] + [1.02] * 6 + [2.15] * 4 + [4.19] * 2 + [5.18] * 2 + [6.27] * 3,
    "female": [3.64, 1.04, 1.04] + [2.19] * 6 + [3.36] * 4 + [4.9] * 2 + [6.56] * 2 + [6.72] * 3,
}
AGES = [*(f"{low}-{low + 4}" for low in range(0, 95, 5)), "95+"]


@pytest.fixture(scope="module")
def gms() -> Contract:
    return check(GMS)


def sampled(folder: Path, contract: Contract | None = None) -> Settlement:
    """The sample beside a contract, settled."""
    contract = contract or check(folder)
    files = {file.stem: file for file in (folder / "sample").glob("*.csv") if file.stem in contract.inputs}
    return settle(contract, read_inputs(contract, files))


def one_practice(**practice: object) -> dict[str, Rows]:
    """A practice of 10,000 men of 20 to 24 that is the whole nation: its weighted list is its list."""
    there = {"practice": "A", "quarter": NOW}
    return {
        "nation": [{"quarter": NOW, "covers_the_nation": "true"}],
        "practices": [there | {"board": "N"} | practice],
        "lists": [there | {"sex": "male", "age_group": "20-24", "patients": "10000"}],
    }


def annual(contract: Contract, inputs: dict[str, Rows], known_on: dt.date | None = None) -> Fraction:
    (value,) = settle(contract, read_inputs(contract, inputs, known_on=known_on)).values("annual_global_sum").values()
    assert isinstance(value, Fraction)
    return value


def by_practice(values: Mapping[tuple[str, ...], Value | None]) -> dict[str, Fraction]:
    return {row[0]: value for row, value in values.items() if isinstance(value, Fraction)}


# -- the formula ----------------------------------------------------------------------------------------------------


def test_the_formula_against_plain_fractions(gms: Contract) -> None:
    """Every index, the product and the share, worked out here from the sample's rows."""
    rows = {
        name: [row for row in csv.DictReader((GMS / "sample" / f"{name}.csv").open()) if row["quarter"] == NOW]
        for name in ("lists", "measured", "practices")
    }
    size: dict[str, Fraction] = {}
    scores: dict[str, dict[str, Fraction]] = {name: {} for name in ("age", "homes", "new", "needs", "staff", "rural")}
    for row in rows["lists"]:
        patients = Fraction(row["patients"])
        size[row["practice"]] = size.get(row["practice"], Fraction(0)) + patients
        weight = Fraction(str(WEIGHTS[row["sex"]][AGES.index(row["age_group"])]))
        scores["age"][row["practice"]] = scores["age"].get(row["practice"], Fraction(0)) + patients * weight
    for row in rows["measured"]:
        name, people = row["practice"], size[row["practice"]]
        scores["homes"][name] = people + Fraction(row["residents"]) * Fraction("0.43")
        scores["new"][name] = people + Fraction(row["newcomers"]) * Fraction("0.46")
        need = (
            Fraction("48.1198")
            + Fraction("0.26115") * Fraction(row["smr"])
            + Fraction("0.23676") * Fraction(row["slli"])
        )
        scores["needs"][name] = people * need
        scores["staff"][name] = people * (Fraction("0.44") * Fraction(row["staff_market"]) + Fraction("0.56"))
        if row["rurality"]:
            outside = Fraction(row["outside_area"])
            scores["rural"][name] = (people - outside) * Fraction(row["rurality"]) + outside
    product = dict(size)
    for by in scores.values():
        average = sum(by.values()) / sum(size[name] for name in by)
        for name in product:
            product[name] *= by[name] / size[name] / average if name in by else 1
    everybody = sum(size.values())
    due = {name: one * everybody / sum(product.values()) for name, one in product.items()}

    settlement = sampled(GMS, gms)
    ours = {row[0]: value for row, value in settlement.values("weighted_list").items() if row[1] == NOW}
    assert sum(by_practice(settlement.values("neutral_indices")).values()) == 1
    assert set(ours) == set(due) and sum(ours.values()) == everybody
    assert all(abs(ours[name] - due[name]) < Fraction("0.0101") for name in due)


@pytest.mark.parametrize("engine", ["integers", "reference"])
def test_the_wide_product_is_the_same_by_every_engine(gms: Contract, engine: str) -> None:
    files = {file.stem: file for file in (GMS / "sample").glob("*.csv") if file.stem in gms.inputs}
    inputs = read_inputs(gms, files)
    first, other = settle(gms, inputs), settle(gms, inputs, engine)  # type: ignore[arg-type]
    for name in ("index_needs", "product", "weighted_list", "global_sum"):
        assert first.values(name) == other.values(name)


def test_random_populations_add_up(gms: Contract) -> None:
    draw = random.Random(20260701)
    for _ in range(3):
        practices = [f"P{number:02}" for number in range(draw.randint(1, 25))]
        inputs: dict[str, Rows] = {"nation": [{"quarter": NOW, "covers_the_nation": "true"}]}
        inputs["practices"] = [{"practice": name, "quarter": NOW, "board": "N"} for name in practices]
        inputs["lists"] = [
            {"practice": name, "quarter": NOW, "sex": sex, "age_group": age, "patients": str(draw.randint(1, 900))}
            for name in practices
            for sex, age in draw.sample([(sex, age) for sex in WEIGHTS for age in AGES], draw.randint(1, 12))
        ]
        inputs["measured"] = [
            {
                "practice": name,
                "quarter": NOW,
                "smr": f"{draw.uniform(60, 160):.3f}",
                "slli": f"{draw.uniform(60, 160):.3f}",
            }
            for name in practices
            if draw.random() < 0.8
        ]
        settlement = settle(gms, read_inputs(gms, inputs))
        weighted, lists = settlement.values("weighted_list"), settlement.values("list_size")
        assert sum(by_practice(weighted).values()) == sum(by_practice(lists).values())


# -- money ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("day", "known_on", "price"),
    [
        ("2019-04-01", None, "89.88"),
        ("2023-04-01", "2023-05-01", "102.28"),
        ("2023-04-01", "2023-10-01", "104.73"),
        ("2024-07-01", "2024-07-01", "107.57"),
        ("2024-07-01", None, "112.50"),
        ("2025-04-01", "2025-04-30", "121.79"),
        ("2025-04-01", None, "123.34"),
        ("2026-07-01", None, "130.07"),
    ],
)
def test_prices_of_the_years_and_what_was_known_of_them(
    gms: Contract, day: str, known_on: str | None, price: str
) -> None:
    inputs = {name: [row | {"quarter": day} for row in rows] for name, rows in one_practice().items()}
    known = dt.date.fromisoformat(known_on) if known_on else None
    assert annual(gms, inputs, known) == 10_000 * Fraction(price)


@pytest.mark.parametrize(
    ("practice", "expected"),
    [
        ({}, "1300700"),
        ({"opted_out_of_hours": "true"}, "1239567.10"),  # less 4.70 %
        ({"opted_out_of_hours": "true", "opted_out_minor_surgery": "true"}, "1231762.90"),  # less 5.3 %
        ({"in_london": "true"}, "1322500"),  # and 2.18 for each
        ({"in_london": "true", "london_residents": "2500"}, "1306150"),
        ({"london_residents": "2500", "opted_out_of_hours": "true"}, "1244760.95"),  # taken off with London in it
    ],
)
def test_london_comes_before_the_opt_outs(gms: Contract, practice: dict[str, object], expected: str) -> None:
    assert annual(gms, one_practice(**practice)) == Fraction(expected)


def test_a_list_that_is_measured_again_is_paid_from_its_quarter_on(gms: Contract) -> None:
    settlement = sampled(GMS, gms)
    paid = {row[1]: value for row, value in settlement.values("global_sum").items() if row[0] == "university"}
    year = {row[1]: value for row, value in settlement.values("annual_global_sum").items() if row[0] == "university"}
    assert list(paid) == [f"2026-{month:02}-01" for month in range(4, 10)]
    for month, value in paid.items():
        whole = year["2026-04-01" if month < "2026-07-01" else "2026-07-01"]
        assert isinstance(value, Fraction) and isinstance(whole, Fraction)
        assert abs(value - whole / 12) <= Fraction("0.005")


# -- a part of the nation, and what it does not know ------------------------------------------------------------------


def test_a_board_with_national_figures_gets_what_the_nation_gives_it(gms: Contract) -> None:
    nation = sampled(GMS, gms)
    averages = {
        column: nation.values(quantity)[(NOW,)]
        for column, quantity in {
            "average_workload": "national_workload",
            "average_homes": "national_homes",
            "average_turnover": "national_turnover",
            "average_needs": "national_needs",
            "average_staff": "national_staff",
            "average_rurality": "national_rurality",
            "normalising_factor": "factor",
        }.items()
    }
    files = {
        name: list(csv.DictReader((GMS / "sample" / f"{name}.csv").open()))
        for name in ("lists", "practices", "measured")
    }
    some: dict[str, Rows] = {
        name: [dict(row) for row in rows if row["practice"] == "moorland" and row["quarter"] == NOW]
        for name, rows in files.items()
    }
    some["nation"] = [
        {"quarter": NOW, "covers_the_nation": "false"}
        | {column: f"{float(value):.9f}" for column, value in averages.items() if isinstance(value, Fraction)}
    ]
    alone = settle(gms, read_inputs(gms, some)).values("weighted_list")[("moorland", NOW)]
    within = nation.values("weighted_list")[("moorland", NOW)]
    assert isinstance(alone, Fraction) and isinstance(within, Fraction)
    assert abs(alone - within) <= Fraction("0.01")


def test_a_part_of_the_nation_without_national_figures_is_not_settled(gms: Contract) -> None:
    inputs = one_practice()
    inputs["nation"] = [{"quarter": NOW, "covers_the_nation": "false"}]
    with pytest.raises(SettlementStopped, match="needs average_workload"):
        settle(gms, read_inputs(gms, inputs))


def test_a_practice_without_patients_is_paid_nothing(gms: Contract) -> None:
    inputs = one_practice()
    inputs["practices"].append(inputs["practices"][0] | {"practice": "empty"})
    settlement = settle(gms, read_inputs(gms, inputs))
    assert settlement.values("weighted_list") == {("A", NOW): 10_000, ("empty", NOW): 0}


def test_a_list_of_an_unknown_practice_is_refused(gms: Contract) -> None:
    inputs = one_practice()
    inputs["lists"].append(inputs["lists"][0] | {"practice": "B"})
    with pytest.raises(DataRefused, match="practice B"):
        settle(gms, read_inputs(gms, inputs))


def test_statements_say_which_indices_are_neutral_and_no_others(accord: Callable[..., object], tmp_path: Path) -> None:
    for name, rows in one_practice(opted_out_of_hours="true", in_london="false").items():
        with (tmp_path / f"{name}.csv").open("w") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    (tmp_path / "measured.csv").write_text(f"practice,quarter,smr,slli,staff_market\nA,{NOW},100,100,1\n")
    accord("settle", "gms-global-sum", "--data", tmp_path, "--out", tmp_path / "runs", "--statement", "A")
    (page,) = (tmp_path / "runs").glob("*/statements/*.html")
    said = page.read_text(encoding="utf-8")
    (neutral,) = re.findall(r"taken as 1, for an index without data is neutral: ([^<.]*)", said)
    assert neutral == "neutral homes, neutral turnover and neutral rurality"
    (absent,) = re.findall(r"taken as 0%, for what nobody states is none: ([^<.]*)", said)
    assert absent == "no minor surgery opt out stated"
    (unverified,) = re.findall("Draft: nobody has verified ([^<;]*)", said)
    assert all(name in unverified for name in ("workload weight", "needs constant", "staff share"))


# -- every practice in England ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def england(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of inputs of July 2026, with deprivation scores."""
    import os

    roots = [Path(os.environ.get("ACCORD_DATA", "")), Path(__file__).parents[3] / "shared" / "data"]
    source = next((root / "registered" for root in roots if (root / "registered").is_dir()), None)
    if source is None:
        pytest.skip("registered/ is not here: published data is not part of the project; set ACCORD_DATA to its folder")
    folder = tmp_path_factory.mktemp("england")
    files = {
        "lists": source / "practice_age_sex_2026-07.parquet",
        "practices": source / "practice_map_2026-07.csv",
        "deprivation": source / "practice_imd_2025.csv",
    }
    applied = {one.reading.name: one for one in prepare(GMS, files, 2026, folder)}
    assert (applied["lists"].rows_read, applied["practices"].rows_read) == (245_560, 6_139)
    (folder / "nation.csv").write_text(f"quarter,covers_the_nation\n{NOW},true\n")
    return folder


def test_weighted_lists_of_england_add_up_by_both_formulas(england: Path) -> None:
    contract = check(GMS / "with-deprivation.yaml")
    settlement = settle(contract, read_inputs(contract, {file.stem: file for file in england.glob("*.csv")}))
    for name in ("list_size", "weighted_list", "weighted_with_deprivation"):
        values = by_practice(settlement.values(name))
        assert (len(values), sum(values.values())) == (6_139, 63_436_508), name
    of_fifth = {row[0]: value for row, value in settlement.values("weighted_of_fifth").items()}
    assert sum(value for value in of_fifth.values() if isinstance(value, Fraction)) == 63_436_508
    practices = {row[0]: value for row, value in settlement.values("practices_of_fifth").items()}
    assert practices["not known"] == 38 and sum(v for v in practices.values() if isinstance(v, Fraction)) == 6_139
    per_person = {row[0]: value for row, value in settlement.values("per_person_by_carr_hill").items()}
    most, least = per_person["1 most deprived"], per_person["5 least deprived"]
    assert (
        isinstance(most, Fraction) and isinstance(least, Fraction) and most < least
    )  # age weighs, deprivation does not
    change = by_practice(settlement.values("change_of_fifth"))
    assert change["1 most deprived"] > 0 > change["5 least deprived"]
    assert abs(sum(change.values())) < 100  # only the pennies of 6,139 roundings


def test_the_chart_is_a_picture_with_its_numbers() -> None:
    chart = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "charts" / "global_sum.py"))["chart"]
    picture = chart([("1 most deprived", 1220, 120.26, 130.69), ("5 least deprived", 1221, 138.27, 130.98)])
    words = [element.text for element in ElementTree.fromstring(picture).iter() if element.text]
    assert {"120.26", "130.69", "138.27", "130.98"} <= set(words)


# -- local variations -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "added", "changed"),
    [
        ("pms", {"annual_premium", "premium_paid", "met"}, set()),
        (
            "apms",
            {"earned_back", "due_in_month", "kept_in_month", "kept_in_quarter"},
            {"before_deductions", "global_sum"},
        ),
    ],
)
def test_local_variations_change_what_they_say(gms: Contract, name: str, added: set[str], changed: set[str]) -> None:
    varied = check(CONTRACTS / name)
    assert set(varied.quantities) - set(gms.quantities) == added
    differs = {
        one
        for one, quantity in gms.quantities.items()
        if [version.text for version in quantity.versions] != [v.text for v in varied.quantities[one].versions]
    }
    assert differs == changed
    sampled(CONTRACTS / name, varied)


def test_what_was_kept_back_and_what_is_paid_are_what_was_due() -> None:
    settlement = sampled(CONTRACTS / "apms")
    due, kept, paid = (settlement.values(name) for name in ("due_in_month", "kept_in_month", "global_sum"))
    assert all(due[row] == kept[row] + paid[row] for row in due)  # type: ignore[operator]
    assert paid[("station-surgery", "2026-09-01")] == 0 and paid[("new-town", "2026-09-01")] != 0


# -- the guarantee ----------------------------------------------------------------------------------------------------


def test_nobody_is_guaranteed_more_than_was_lost_and_it_ends() -> None:
    settlement = sampled(GUARANTEE)
    opening, due = settlement.values("opening_guarantee"), settlement.values("guarantee_due")
    assert opening[("hill-view",)] == 0
    for (practice, year), amount in due.items():
        first = opening[(practice,)]
        assert isinstance(amount, Fraction) and isinstance(first, Fraction) and 0 <= amount <= first
        if year == "2020-04-01":
            assert amount == 0


def test_a_seventh_a_year_and_twelve_instalments() -> None:
    settlement = sampled(GUARANTEE)
    due, paid = settlement.values("guarantee_due"), settlement.values("guarantee_paid")
    for (practice, year), amount in due.items():
        months = [
            value
            for row, value in paid.items()
            if row[0] == practice and year <= row[1] < str(int(year[:4]) + 1) + year[4:]
        ]
        assert len(months) == 12 and sum(value for value in months if isinstance(value, Fraction)) == amount
    base = settlement.values("guarantee")[("moorland", "2013-04-01")]
    assert isinstance(base, Fraction) and base > 0
    for gone, year in enumerate(range(2014, 2021), start=1):
        left = due[("moorland", f"{year}-04-01")]
        assert isinstance(left, Fraction) and abs(left - base * (7 - gone) / 7) <= Fraction("0.005")


def test_what_is_released_is_what_the_practices_lose_after_2013() -> None:
    settlement = sampled(GUARANTEE)
    for (year,), released in settlement.values("released").items():
        lost = sum(
            value for row, value in settlement.values("lost").items() if row[1] == year and isinstance(value, Fraction)
        )
        assert released == (lost if year > "2012-04-01" else 0)
