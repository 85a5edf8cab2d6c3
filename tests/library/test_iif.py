"""The Investment and Impact Fund: points of networks, adjustments, grants, capacity and access, and England."""

from __future__ import annotations

import csv
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from accord.engine import Settlement, read_inputs, settle
from accord.language import check
from accord.language.contract import Contract
from accord.language.problem import DataRefused, SettlementStopped
from accord.settlement.catalogue import LIBRARY
from accord.settlement.filling import apply_reading
from accord.settlement.preparation import prepare
from accord.settlement.reading import read_reading

FOLDER = LIBRARY / "iif"
Rows = Sequence[Mapping[str, object]]
Find = Callable[[str], Path]


@cache
def contract() -> Contract:
    return check(FOLDER / "contract.yaml")


def network(
    year: int,
    counts: Mapping[str, tuple[int, int, int]],
    own: Mapping[str, Mapping[str, object]] | None = None,
    list_size: int = 50_000,
) -> dict[str, Rows]:
    """One network N of one practice; ``counts``: patients, adjustments and done by indicator; average in every way."""
    day = f"{year}-04-01"
    indicators: list[str] = list(dict.fromkeys([*counts, *(own or {})]))
    parts = ("denominator", "adjustments", "numerator")
    return {
        "networks": [
            {"pcn": "N", "year": day, "network_list": list_size, "adjusted": list_size, "payee": "Mill", "by_work": 0}
        ],
        "practices": [{"practice": "A", "year": day, "pcn": "N"}],
        "lists": [{"practice": "A", "year": day, "list_size": list_size}],
        "indicators": [{"indicator": name, "year": day, **(own or {}).get(name, {})} for name in indicators],
        "counts": [
            {"practice": "A", "indicator": name, "part": part, "year": day, "counted": number}
            for name, numbers in counts.items()
            for part, number in zip(parts, numbers, strict=True)
        ],
        "england": [{"year": day, "average_network": 50_000}],
        "national": [
            {
                "indicator": name,
                "year": day,
                "national_cases": max(numbers[0] - numbers[1], 1) * 1000,
                "national_patients": list_size * 1000,
            }
            for name, numbers in counts.items()
        ],
    }


def settled(data: Mapping[str, Rows]) -> Settlement:
    return settle(contract(), read_inputs(contract(), dict(data)), "integers")


def value(settlement: Settlement, quantity: str, *keys: str) -> Any:
    return settlement.values(quantity)[keys]


# ------------------------------------------------------------------------------------------------------------- points

THRESHOLDS = [
    # VI-02 of 2021/22: 88 points between 57 and 90 %
    ("VI-02", 2021, (1000, 0, 570), None, "0"),
    ("VI-02", 2021, (1000, 0, 735), None, "44"),
    ("VI-02", 2021, (1000, 0, 900), None, "88"),
    ("VI-02", 2021, (1000, 0, 1000), None, "88"),
    ("VI-02", 2021, (1000, 0, 0), None, "0"),
    # adjustments leave the denominator: 588 of 800 is 73.5 %
    ("VI-02", 2021, (1000, 200, 588), None, "44"),
    # nobody left to count
    ("VI-02", 2021, (0, 0, 0), None, "0"),
    ("VI-02", 2021, (100, 100, 0), None, "0"),
    # PC-01 of 2022/23: between 0.8 and 1.2 %, points of one's own
    ("PC-01", 2022, (50_000, 0, 500), {"own_points": 20}, "10"),
    # less is better: points begin at 20 % and are full at 10 %
    ("X", 2022, (100, 0, 20), {"own_points": 10, "own_begin": 20, "own_full": 10, "own_prevalence": False}, "0"),
    ("X", 2022, (100, 0, 13), {"own_points": 10, "own_begin": 20, "own_full": 10, "own_prevalence": False}, "7"),
    ("X", 2022, (100, 0, 5), {"own_points": 10, "own_begin": 20, "own_full": 10, "own_prevalence": False}, "10"),
    # your own thresholds go first
    ("VI-02", 2021, (1000, 0, 735), {"own_begin": 50, "own_full": 73.5}, "88"),
]


@pytest.mark.parametrize(("indicator", "year", "counted", "own", "points"), THRESHOLDS)
def test_points_between_where_they_begin_and_where_they_are_full(
    indicator: str, year: int, counted: tuple[int, int, int], own: dict[str, object] | None, points: str
) -> None:
    found = settled(network(year, {indicator: counted}, {indicator: own or {}}))
    assert value(found, "points", "N", indicator, f"{year}-04-01") == Fraction(points)


def test_the_official_vector_of_adjustments() -> None:
    """1,000 patients, 600 vaccinated, 100 refused and 100 unsuitable: 75 % (Pulse Intelligence)."""
    found = settled(network(2021, {"VI-01": (1000, 200, 600)}))
    assert value(found, "achieved", "N", "VI-01", "2021-04-01") == Fraction(3, 4)


def test_a_network_is_measured_as_one() -> None:
    """Two practices at 50 and 100 % of unequal size: the network is at 90 %, not at 75."""
    data = network(2021, {"VI-02": (200, 0, 100)})
    day = "2021-04-01"
    data["practices"] = [*data["practices"], {"practice": "B", "year": day, "pcn": "N"}]
    data["lists"] = [*data["lists"], {"practice": "B", "year": day, "list_size": 10_000}]
    b = {"practice": "B", "indicator": "VI-02", "year": day, "counted": 800}
    data["counts"] = [*data["counts"], b | {"part": "denominator"}, b | {"part": "numerator"}]
    found = settled(data)
    assert value(found, "achieved", "N", "VI-02", day) == Fraction(9, 10)
    assert value(found, "points", "N", "VI-02", day) == 88


# ------------------------------------------------------------------------------------------------------------ payment


@pytest.mark.parametrize(
    ("year", "own", "pay"),
    [
        (2020, {"own_points": 100, "own_begin": 50, "own_full": 90, "own_prevalence": True}, "11100"),
        (2021, {}, "17600"),  # VI-02, 88 points at 200
        (2024, {"own_points": 58, "own_begin": 50, "own_full": 90, "own_prevalence": True}, "11484"),
    ],
)
def test_a_point_is_worth_what_was_published(year: int, own: dict[str, object], pay: str) -> None:
    found = settled(network(year, {"VI-02": (1000, 0, 950)}, {"VI-02": own}))
    assert value(found, "achievement", "N", f"{year}-04-01") == Fraction(pay)


def test_list_and_prevalence_weigh_the_points() -> None:
    data = network(2021, {"VI-02": (1000, 0, 900)}, list_size=60_000)
    twice = dict(data) | {
        "national": [
            {"indicator": "VI-02", "year": "2021-04-01", "national_cases": 500_000, "national_patients": 60_000_000}
        ]
    }
    assert value(settled(data), "achievement", "N", "2021-04-01") == Fraction("21120.00")  # 88 x 200 x 1.2
    assert value(settled(twice), "achievement", "N", "2021-04-01") == Fraction("42240.00")
    alone = {"indicator": "VI-02", "year": "2021-04-01", "own_prevalence": False}
    assert value(settled(twice | {"indicators": [alone]}), "achievement", "N", "2021-04-01") == Fraction("21120.00")


def test_one_network_that_is_england_is_average() -> None:
    data = network(2021, {"VI-02": (1000, 0, 900)}, list_size=61_234)
    data["england"] = [{"year": "2021-04-01", "covers_england": True}]
    data["national"] = []
    assert value(settled(data), "achievement", "N", "2021-04-01") == 17_600


def test_what_was_paid_on_account_comes_back() -> None:
    data = network(2021, {"VI-02": (1000, 0, 600)})
    data["paid"] = [{"pcn": "N", "year": "2021-04-01", "paid_on_account": "5000"}]
    found = settled(data)
    assert value(found, "achievement", "N", "2021-04-01") == 1600  # 8 points
    assert value(found, "balance", "N", "2021-04-01") == -3400
    flows = {(row["payer_party"], row["receiver_party"], row["amount"]) for row in found.payments.to_pylist()}
    assert ("network", "commissioner", 340_000) in flows
    assert ("practice", "network", 340_000) in flows
    assert "the difference is paid back" in str(found.notices.to_pylist())


@pytest.mark.parametrize(
    ("granted", "points"),
    [(None, "71"), ("30", "30"), ("0", "0")],  # ACC-08 of 2023/24: all networks were given all; a grant goes first
)
def test_points_that_are_given(granted: str | None, points: str) -> None:
    day = "2023-04-01"
    data = network(2023, {"ACC-08": (1000, 0, 860)})
    if granted is not None:
        data["granted"] = [{"pcn": "N", "indicator": "ACC-08", "year": day, "granted_points": granted}]
    found = settled(data)
    assert value(found, "points_measured", "N", "ACC-08", day) == Fraction("14.20")  # a fifth of the way from 85 to 90
    assert value(found, "points", "N", "ACC-08", day) == Fraction(points)
    assert ("points were granted" in str(found.notices.to_pylist())) is (Fraction(points) > Fraction("14.20"))


# -------------------------------------------------------------------------------------------------------- what is sure


@pytest.mark.parametrize(
    ("year", "indicators", "unsure"),
    [
        (2021, ["VI-01", "VI-02", "VI-03"], False),
        (2023, ["ACC-08"], False),
        (2023, ["ACC-08", "VI-02"], True),
        (2024, ["HI-03", "CAN-04"], True),
    ],
)
def test_unconfirmed_figures_are_said(year: int, indicators: list[str], unsure: bool) -> None:
    found = settled(network(year, dict.fromkeys(indicators, (1000, 0, 1000))))
    assert ("nobody has confirmed" in str(found.notices.to_pylist())) is unsure


@pytest.mark.parametrize(
    ("year", "points", "indicators"),
    [
        (2021, 142, ["VI-01", "VI-02", "VI-03"]),  # Healthcare Leader: flu 142 of 178 points for prevention
        (2024, 58, ["HI-03", "CAN-04"]),  # Primary Care IT
    ],
)
def test_points_add_up_to_what_was_published(year: int, points: int, indicators: list[str]) -> None:
    found = settled(network(year, dict.fromkeys(indicators, (1000, 0, 1000))))
    assert value(found, "points_in_all", f"{year}-04-01") == points


KNOWN = {"own_points": 10, "own_begin": 50, "own_full": 90, "own_prevalence": True}
REFUSED = [
    pytest.param(2025, "CAN-04", {}, {}, "points of this indicator are not known", id="no points"),
    pytest.param(2022, "VI-01", {}, {}, "points of this indicator are not known", id="thresholds alone"),
    pytest.param(2021, "HI-01", {}, {}, "thresholds of this indicator are not known", id="no thresholds"),
    pytest.param(2021, "VI-01", {"own_begin": 86}, {}, "thresholds of this indicator are not known", id="the same"),
    pytest.param(2021, "X", dict(KNOWN, own_prevalence=None), {}, "say own_prevalence", id="prevalence not said"),
    pytest.param(2021, "VI-01", {}, {"national": []}, "national prevalence is not known", id="no nation"),
    pytest.param(2021, "VI-01", {}, {"england": []}, "average list of a network is not known", id="no average"),
]


@pytest.mark.parametrize(("year", "indicator", "own", "changed", "says"), REFUSED)
def test_what_is_not_known_is_asked_for(
    year: int, indicator: str, own: dict[str, object], changed: dict[str, Rows], says: str
) -> None:
    with pytest.raises(SettlementStopped, match=says):
        settled(network(year, {indicator: (100, 0, 80)}, {indicator: own}) | changed)


@pytest.mark.parametrize(
    ("counted", "says"),
    [((100, 0, 101), "more done than there is to do"), ((100, 101, 0), "more adjustments than patients")],
)
def test_counts_that_cannot_be(counted: tuple[int, int, int], says: str) -> None:
    with pytest.raises(SettlementStopped, match=says):
        settled(network(2021, {"VI-01": counted}))


def test_a_part_that_nobody_knows_is_refused() -> None:
    data = network(2021, {"VI-01": (100, 0, 80)})
    data["counts"] = [
        dict(row) | {"part": str(row["part"]).replace("numerator", "numerators")} for row in data["counts"]
    ]
    with pytest.raises(SettlementStopped, match="denominator, adjustments or numerator"):
        settled(data)


@pytest.mark.parametrize(
    ("changed", "says"),
    [({"indicator": "VI-02"}, "VI-02"), ({"practice": "Z"}, "practice Z"), ({"year": 2022}, "2022")],
)
def test_counts_that_belong_nowhere_are_refused(changed: dict[str, object], says: str) -> None:
    data = network(2021, {"VI-01": (100, 0, 80)})
    if "year" in changed:
        changed = {"year": "2022-04-01"}
    data["counts"] = [*data["counts"], dict(data["counts"][0]) | changed]
    with pytest.raises((DataRefused, SettlementStopped), match=says):
        settled(data)


# ----------------------------------------------------------------------------------------------------- standardisation


def test_direct_standardisation_against_plain_fractions() -> None:
    """Twelve groups of made-up patients; what the network's rates would come to in England, times its own list."""
    chance = random.Random(7)
    day = "2022-04-01"
    groups = [f"{sex} {age}" for sex in ("female", "male") for age in range(0, 90, 15)]
    england = {group: chance.randint(2_000_000, 6_000_000) for group in groups}
    here = {group: chance.randint(0, 9_000) for group in groups}
    here["male 75"] = 0  # nobody of this group lives here
    admitted = {group: chance.randint(0, max(here[group] // 20, 0)) for group in groups}
    data = network(2022, {}, {"AC-02": {"own_points": 30, "own_begin": 3, "own_full": 1}})
    data["standard_population"] = [{"group": g, "year": day, "standard_people": n} for g, n in england.items()]
    data["admissions"] = [
        {"pcn": "N", "indicator": "AC-02", "group": g, "year": day, "admitted": admitted[g], "in_group": here[g]}
        for g in groups
    ]
    found = settled(data)
    rate = sum(Fraction(admitted[g] * england[g], here[g]) for g in groups if here[g]) / sum(england.values())
    count = int(rate * sum(here.values()) + Fraction(1, 2))
    assert value(found, "standardised_count", "N", "AC-02", day) == count
    measured = Fraction(count, sum(here.values()))
    share = min(max((Fraction(3, 100) - measured) / Fraction(2, 100), Fraction(0)), Fraction(1))
    assert abs(value(found, "points", "N", "AC-02", day) - share * 30) <= Fraction(1, 200)
    with pytest.raises(SettlementStopped, match="not in standard_population"):
        settled(data | {"standard_population": data["standard_population"][1:]})


# ------------------------------------------------------------------------------------------------- capacity and access


@pytest.mark.parametrize(
    ("year", "assessed", "support", "improvement"),
    [
        (2022, 0, "0", "0"),
        (2023, 100, "138250", "59250"),  # 2.765 and 1.185
        (2023, 70, "138250", "41475"),
        (2024, 100, "162400", "69600"),  # 3.248 is 70 %, so 30 % are 1.392
        (2025, 50, "160400", "34375"),
    ],
)
def test_capacity_and_access(year: int, assessed: int, support: str, improvement: str) -> None:
    day = f"{year}-04-01"
    data = network(year, {}, {"watched": {"own_points": 0}})
    data["improvement"] = [{"pcn": "N", "year": day, "assessed": assessed}]
    found = settled(data)
    assert value(found, "support_pay", "N", day) == Fraction(support)
    assert value(found, "improvement_pay", "N", day) == Fraction(improvement)
    months = found.values("support_instalment")
    assert len(months) == 12
    assert sum(cast(Fraction, pay) for pay in months.values()) == Fraction(support)
    assert ("no source gives the rate" in str(found.notices.to_pylist())) is (year == 2022)


def test_improvement_without_a_rate_is_asked_for() -> None:
    data = network(2022, {}, {"watched": {"own_points": 0}})
    data["improvement"] = [{"pcn": "N", "year": "2022-04-01", "assessed": 50}]
    with pytest.raises(SettlementStopped, match="no rate of the improvement payment is known"):
        settled(data)
    own = {"year": "2022-04-01", "own_support": "2.3", "own_improvement": "1"}
    found = settled(data | {"england": [own]})
    assert value(found, "improvement_pay", "N", "2022-04-01") == 25_000
    assert value(found, "support_pay", "N", "2022-04-01") == 115_000


@pytest.mark.parametrize(
    ("year", "support", "improvement"), [(2023, 172_200_000, 73_800_000), (2024, 204_400_000, 87_600_000)]
)
def test_rates_times_people_are_the_published_totals(year: int, support: int, improvement: int) -> None:
    """For England's adjusted population, which is its registered list: within 2 % of what was announced.

    172.2m and 73.8m are of the guidance of 2023/24, 292m of 2024/25 (70 and 30 %). If 3.248 were both together,
    as it can also be read, 2024/25 would be 30 % short.
    """
    people = 62_974_367 if year == 2024 else 61_750_479  # lists in the published measures of 2023/24 and their baseline
    day = f"{year}-04-01"
    data = network(year, {}, {"watched": {"own_points": 0}}, people)
    data["improvement"] = [{"pcn": "N", "year": day, "assessed": 100}]
    found = settled(data)
    assert abs(value(found, "support_pay", "N", day) / support - 1) < Fraction(2, 100)
    assert abs(value(found, "improvement_pay", "N", day) / improvement - 1) < Fraction(2, 100)


# --------------------------------------------------------------------------------------------------- network agreement


@hypothesis_settings(max_examples=10, deadline=None)
@given(
    practices=st.lists(
        st.tuples(st.integers(1, 30_000), st.integers(0, 900), st.integers(0, 900)), min_size=1, max_size=6
    ),
    by_work=st.integers(min_value=0, max_value=100),
    on_account=st.integers(min_value=0, max_value=20_000),
)
def test_every_penny_reaches_a_practice(practices: list[tuple[int, int, int]], by_work: int, on_account: int) -> None:
    day = "2021-04-01"
    data = network(2021, {"VI-02": (1000, 0, 900)})
    names = [f"P{i}" for i in range(len(practices))]
    data["networks"] = [dict(data["networks"][0]) | {"by_work": by_work}]
    data["practices"] = [{"practice": p, "year": day, "pcn": "N"} for p in names]
    data["lists"] = [
        {"practice": p, "year": day, "list_size": n} for p, (n, _, _) in zip(names, practices, strict=True)
    ]
    data["counts"] = [
        {"practice": p, "indicator": "VI-02", "part": part, "year": day, "counted": number}
        for p, (_, done, more) in zip(names, practices, strict=True)
        for part, number in (("denominator", done + more), ("numerator", done))
    ]
    data["paid"] = [{"pcn": "N", "year": day, "paid_on_account": on_account}]
    found = settled(data)
    flows: Counter[str] = Counter()
    for row in found.payments.to_pylist():
        flows[row["payer_party"]] -= row["amount"]
        flows[row["receiver_party"]] += row["amount"]
    assert flows["network"] == 0
    assert flows["practice"] == -flows["commissioner"]
    assert Fraction(flows["practice"], 100) == value(found, "balance", "N", day)


# ------------------------------------------------------------------------------------------------------------- sample


def test_the_sample_settles_and_says_what_is_not_certain(command: Callable[..., Any], tmp_path: Path) -> None:
    ended = command("settle", "iif", "--data", FOLDER / "sample", "--out", tmp_path, "--statement", "East Dale")
    assert ended.code == 0, ended.err
    (page,) = tmp_path.glob("*/statements/*East-Dale*.html")
    text = page.read_text(encoding="utf-8")
    assert "nobody has verified" in text
    assert "unconfirmed" in text  # the table of figures from general knowledge
    assert "nobody has confirmed" in next(tmp_path.glob("*/notices.csv")).read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------------------ England

MEASURES = "iif/measures_2023-24.csv"
DAY = "2023-04-01"


def test_the_published_measures_are_read_whole(real_data: Find) -> None:
    """Every row of the file is read by exactly one reading, and the sums are the file's."""
    file = real_data(MEASURES)
    expected: Counter[str] = Counter()
    with file.open(encoding="utf-8-sig") as text:
        rows = list(csv.DictReader(text))
    for row in rows:
        expected[row["MEASURE"]] += int(row["VALUE"])
    read = {
        name: apply_reading(read_reading(FOLDER / "readings" / f"{name}.yaml"), file, "2023/24")
        .tables[name]
        .to_pylist()
        for name in ("counts", "network_counts", "networks")
    }
    assert len(read["counts"]) + len(read["network_counts"]) == len(rows) == 26_520
    found: Counter[tuple[str, str]] = Counter()
    for row in (*read["counts"], *read["network_counts"]):
        found[row["indicator"], row["part"]] += int(row.get("counted") or row.get("counted_together"))
    assert found == {
        ("ACC-08", "denominator"): expected["ACC-08 Denominator"],
        ("ACC-08", "numerator"): expected["ACC-08 Numerator"],
        ("EHCH-04", "numerator"): expected["EHCH-04 Numerator"],
        ("ACC-10", "denominator"): expected["ACC-10 denominator"],
        ("ACC-10", "numerator"): expected["ACC-10 standardised numerator"],
        ("ACC-10", "baseline_denominator"): expected["ACC-10 baseline denominator"],
        ("ACC-10", "baseline_numerator"): expected["ACC-10 baseline numerator"],
        ("ACC-10", "not_standardised"): expected["ACC-10b non-standardised numerator"],
        ("ACC-10", "baseline_not_standardised"): expected["ACC-10b baseline non-standardised numerator"],
    }
    assert sum(int(row["network_list"]) for row in read["networks"]) == 62_974_367
    # what the file can be held against in itself: admissions are published to the nearest 5
    assert all(int(row["counted_together"]) % 5 == 0 for row in read["network_counts"] if "numer" in row["part"])


def test_the_networks_of_england_in_2023_24(real_data: Find, tmp_path: Path) -> None:
    """ACC-08 and the watched indicators of the real networks.

    The mapping at hand is that of July 2026. Networks that have no practice in it any more are left out, and so are
    practices that are not in it or belong to a network that did not yet exist. So the average list, which the payment
    needs, is given as it follows from the published file, and not taken from what is left.
    """
    measures, mapping = real_data(MEASURES), real_data("registered/practice_map_2026-07.csv")
    files = {"counts": measures, "network_counts": measures, "networks": measures, "practices": mapping}
    tables: dict[str, list[dict[str, str]]] = {}
    for one in prepare(FOLDER, files, "2023-24", tmp_path):
        tables |= {name: table.to_pylist() for name, table in one.tables.items()}
    all_lists = [int(row["network_list"]) for row in tables["networks"]]
    counted, there = ({row[key] for row in tables[name]} for name, key in (("counts", "practice"), ("networks", "pcn")))
    tables["practices"] = [r for r in tables["practices"] if r["practice"] in counted and r["pcn"] in there]
    network_of = {row["practice"]: row["pcn"] for row in tables["practices"]}
    with_practices = set(network_of.values())
    tables["counts"] = [row for row in tables["counts"] if row["practice"] in network_of]
    for name in ("networks", "network_counts"):
        tables[name] = [row for row in tables[name] if row["pcn"] in with_practices]
    average = Fraction(sum(all_lists), len(all_lists))
    data: dict[str, Any] = tables | {
        "lists": [{"practice": p, "year": DAY, "list_size": 1} for p in network_of],  # shares do not matter here
        "indicators": [{"indicator": name, "year": DAY} for name in ("ACC-08", "ACC-10", "EHCH-04")],
        "england": [{"year": DAY, "average_network": "49469"}],
    }
    assert round(average) == 49_469
    found = settle(contract(), read_inputs(contract(), data))

    appointments: Counter[tuple[str, str]] = Counter()
    for row in tables["counts"]:
        appointments[network_of[row["practice"]], f"{row['indicator']} {row['part']}"] += int(row["counted"])
    lists = {row["pcn"]: int(row["network_list"]) for row in tables["networks"]}
    points, values, earned = found.values("points"), found.values("value"), found.values("points_measured")
    for pcn, people in lists.items():
        due, done = appointments[pcn, "ACC-08 denominator"], appointments[pcn, "ACC-08 numerator"]
        reached = Fraction(done, due) if due else Fraction(0)
        share = min(max((reached - Fraction(85, 100)) / Fraction(5, 100), Fraction(0)), Fraction(1))
        assert earned[(pcn, "ACC-08", DAY)] == Fraction(int(share * 7100 + Fraction(1, 2)), 100)
        assert points[(pcn, "ACC-08", DAY)] == 71
        pay = Fraction(71 * 198 * people, 49_469)
        assert values[(pcn, "ACC-08", DAY)] == Fraction(int(pay * 100 + Fraction(1, 2)), 100)
        assert values[(pcn, "ACC-10", DAY)] == 0  # watched, not paid
    assert len(lists) == len(found.values("achievement")) > 1_240
    # A81001's neighbours: the rate of emergency admissions against the baseline year, from the four published counts
    together = {(row["pcn"], row["part"]): int(row["counted_together"]) for row in tables["network_counts"]}
    for pcn in sorted(lists)[:50]:
        rate = Fraction(together[pcn, "numerator"], together[pcn, "denominator"])
        before = Fraction(together[pcn, "baseline_numerator"], together[pcn, "baseline_denominator"])
        change = value(found, "change_on_baseline", pcn, "ACC-10", DAY)
        assert abs(change - (rate / before - 1)) <= Fraction(1, 20_000)
    assert value(found, "networks_with_all", "ACC-08", DAY) + value(found, "networks_with_none", "ACC-08", DAY) < len(
        lists
    )
