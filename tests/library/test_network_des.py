"""The Network Contract DES: dated rates, additional roles, the network agreement, VAT, and the networks of England."""

from __future__ import annotations

import csv
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
from accord.language.problem import SettlementStopped
from accord.settlement.catalogue import LIBRARY
from accord.settlement.preparation import prepare

FOLDER = LIBRARY / "network-des"
Rows = Sequence[Mapping[str, object]]
Find = Callable[[str], Path]


@cache
def contract() -> Contract:
    return check(FOLDER / "contract.yaml")


def year_of(month: str) -> str:
    """The first day of the contract's year that a month lies in: the first year begins in July 2019."""
    year = int(month[:4]) - (month[5:7] < "04")
    return "2019-07-01" if year == 2019 else f"{year}-04-01"


def network(months: Sequence[str], lists: Mapping[str, int] | None = None, **agreement: object) -> dict[str, Rows]:
    """One network N whose practices take part in these months; every population is the list."""
    lists = lists or {"A": 8000, "B": 4000}
    years = sorted({year_of(month) for month in months})
    plain = {"payee": "Mill Lane", "payee_charges_vat": "false", "in_london": "false"}
    return {
        "membership": [{"practice": p, "month": month, "pcn": "N"} for p in lists for month in months],
        "practices": [
            {"practice": p, "year": year, "list_size": n, "weighted": n, "adjusted": n}
            for p, n in lists.items()
            for year in years
        ],
        "networks": [
            {"pcn": "N", "year": year, **plain, "held_of_core": 0, "by_minutes": 0, **agreement} for year in years
        ],
    }


def settled(data: Mapping[str, Rows]) -> Settlement:
    return settle(contract(), read_inputs(contract(), dict(data)), "integers")


def value(settlement: Settlement, quantity: str, *keys: str) -> Any:
    return settlement.values(quantity)[keys]


def months_of(year: int) -> list[str]:
    first = 7 if year == 2019 else 4
    return [f"{year}-{m:02d}-01" for m in range(first, 13)] + [f"{year + 1}-{m:02d}-01" for m in range(1, 4)]


# ------------------------------------------------------------------------------------------------- rates, year by year

# for 12,000 patients, practices and network alike: a month's pounds, worked out by hand from the published yearly rates
MONTHS = [
    # month,       registered, adjusted, director, support, access
    ("2019-08-01", "1500", "0", "0", "0", "0"),
    ("2020-04-01", "1500", "0", "722", "540", "1450"),  # support: 0.27 for six months
    ("2020-10-01", "1500", "0", "722", "0", "1450"),
    ("2021-04-01", "1500", "0", "722", "0", "1440"),
    ("2022-09-01", "1500", "699", "0", "0", "1440"),  # extended hours: 0.72 for half a year
    ("2022-10-01", "1500", "699", "0", "0", "7528"),  # enhanced access: 3.764 for half a year
    ("2023-04-01", "1500", "684", "729", "0", "7578"),
    ("2024-04-01", "2218", "698", "0", "0", "7674"),
    ("2025-04-01", "2266", "733", "0", "0", "8427"),
    ("2026-04-01", "2311", "748", "0", "0", "0"),
]


@pytest.mark.parametrize(("month", "registered", "adjusted", "director", "support", "access"), MONTHS)
def test_a_month_at_the_rates_of_its_year(
    month: str, registered: str, adjusted: str, director: str, support: str, access: str
) -> None:
    found = settled(network([month]))
    assert value(found, "registered_part", "N", month) == Fraction(registered)
    assert value(found, "adjusted_part", "N", month) == Fraction(adjusted)
    assert value(found, "director_pay", "N", month) == Fraction(director)
    assert value(found, "support_pay", "N", month) == Fraction(support)
    assert value(found, "access_pay", "N", month) == Fraction(access)
    assert value(found, "participation_pay", "A", month) == 1174  # 1.761 x 8,000 / 12, in every year


@pytest.mark.parametrize(("year", "rate"), [(2023, "2.913"), (2024, "2.916"), (2025, "2.999"), (2026, "3.059")])
def test_the_parts_are_the_published_core_funding(year: int, rate: str) -> None:
    found = settled(network([f"{year}-04-01"]))
    parts = value(found, "core_funding", "N", f"{year}-04-01") + value(found, "director_pay", "N", f"{year}-04-01")
    assert parts == Fraction(rate) * 1000


@pytest.mark.parametrize(
    ("month", "says"),
    [
        ("2019-08-01", {"clinical director", "enhanced access"}),
        ("2021-04-01", set[str]()),
        ("2022-04-01", {"clinical director"}),
        ("2023-04-01", set[str]()),
        ("2024-04-01", set[str]()),
        ("2025-04-01", set[str]()),
        ("2026-04-01", {"enhanced access"}),
    ],
)
def test_a_year_without_a_rate_says_so(month: str, says: set[str]) -> None:
    notices = " ".join(row["notice"] for row in settled(network([month])).notices.to_pylist())
    assert {word for word in ("clinical director", "enhanced access") if word in notices} == says


@pytest.mark.parametrize(
    ("month", "own", "quantity", "pay"),
    [
        ("2022-09-01", {"own_director": "0.6"}, "director_pay", 600),
        ("2026-04-01", {"own_enhanced_access": "8"}, "access_pay", 8000),
        ("2019-08-01", {"own_extended_hours": "1.45"}, "access_pay", 1450),
        ("2024-04-01", {"own_enhanced_access": "8"}, "access_pay", 7674),  # the contract has a rate
        ("2024-04-01", {"own_director": "0.6"}, "director_pay", 0),  # part of core funding
        ("2022-10-01", {"own_extended_hours": "1.45"}, "access_pay", 7528),  # no longer in force
    ],
)
def test_own_rates_fill_gaps_only(month: str, own: dict[str, str], quantity: str, pay: int) -> None:
    data = network([month]) | {"own_rates": [{"year": year_of(month), **own}]}
    assert value(settled(data), quantity, "N", month) == pay


# --------------------------------------------------------------------------------------------------- who takes part


def test_a_practice_counts_where_it_is_in_that_month() -> None:
    months = ["2024-09-01", "2024-10-01"]
    data = network(months) | {
        "membership": [
            {"practice": "A", "month": months[0], "pcn": "N"},
            {"practice": "B", "month": months[0], "pcn": "N"},
            {"practice": "A", "month": months[1], "pcn": "N"},
            {"practice": "B", "month": months[1], "pcn": "S"},
        ]
    }
    (row,) = data["networks"]
    data["networks"] = [row, dict(row) | {"pcn": "S", "payee": "B"}]
    found = settled(data)
    assert value(found, "registered_part", "N", months[0]) == 2218
    assert value(found, "registered_part", "N", months[1]) == Fraction("1478.67")
    assert value(found, "registered_part", "S", months[1]) == Fraction("739.33")
    assert value(found, "participation_pay", "B", months[1]) == 587  # its own, wherever it is
    assert value(found, "roles_sum", "N", "2024-04-01") == Fraction("38156.67")  # 12,000 for a month and 8,000 for one
    assert value(found, "roles_sum", "S", "2024-04-01") == Fraction("7631.33")


def test_what_is_not_known_of_a_population_is_said() -> None:
    data = network(["2024-04-01"])
    sure = settled(data)
    assert not sure.notices.to_pylist()
    data["practices"] = [dict(row) | {"adjusted": None} for row in data["practices"]]
    found = settled(data)
    assert value(found, "adjusted_part", "N", "2024-04-01") == 698
    assert "the registered list stands in" in found.notices.to_pylist()[0]["notice"]


def test_money_goes_to_the_nominated_payee() -> None:
    payments = settled(network(["2024-04-01"], payee="Hill Federation")).payments.to_pylist()
    to_network = [row for row in payments if row["receiver_party"] == "network"]
    assert {row["payee"] for row in to_network} == {"Hill Federation"}
    assert {row["receiver"] for row in payments if row["quantity"] == "participation_pay"} == {"A", "B"}


# --------------------------------------------------------------------------------------------------- care homes


@pytest.mark.parametrize(
    ("month", "pay"),
    [
        ("2020-08-01", "225"),
        ("2021-03-01", "225"),
        ("2021-04-01", "300"),
        ("2025-03-01", "300"),
        ("2025-04-01", "325.63"),
    ],
)
def test_care_homes_by_the_bed(month: str, pay: str) -> None:
    found = settled(network([month]) | {"homes": [{"practice": "B", "month": month, "beds": 30}]})
    assert value(found, "homes_pay", "N", month) == Fraction(pay)
    assert value(found, "homes_share", "B", month) == Fraction(pay)
    assert value(found, "homes_share", "A", month) == 0


@pytest.mark.parametrize("month", ["2020-07-01", "2026-04-01"])
def test_beds_without_a_rate_are_refused_not_paid_at_nothing(month: str) -> None:
    with pytest.raises(SettlementStopped, match="no care home premium is known for this month"):
        settled(network([month]) | {"homes": [{"practice": "B", "month": month, "beds": 30}]})


# --------------------------------------------------------------------------------------------------- additional roles


def claim(role: str, month: str, spent: object, employed: object = 1) -> Rows:
    return [{"pcn": "N", "role": role, "month": month, "employed": employed, "spent": spent}]


@pytest.mark.parametrize(
    ("year", "weighted", "most"),
    [
        (2020, 30_000, "213930"),
        (2021, 50_000, "615000"),
        (2022, 50_000, "834800"),  # GPonline
        (2023, 50_000, "1133550"),
        (2024, 50_000, "1144700"),
        (2025, 30_000, "798930"),  # NHS England's income calculator, in Management in Practice
        (2026, 50_000, "1383400"),
    ],
)
def test_the_most_for_additional_roles(year: int, weighted: int, most: str) -> None:
    found = settled(network(months_of(year), {"A": weighted}))
    assert value(found, "roles_sum", "N", f"{year}-04-01") == Fraction(most)


@pytest.mark.parametrize(
    ("role", "month", "spent", "employed", "london", "limit", "allowed"),
    [
        ("general_practitioner", "2025-04-01", "9000", "1", False, None, "8823.5"),  # 105,882 / 12
        ("general_practitioner", "2025-04-01", "9000", "2", False, None, "9000"),
        (
            "general_practitioner",
            "2025-04-01",
            "9000",
            "1",
            True,
            None,
            "8823.5",
        ),  # no other limit of that year is known
        ("general_practitioner", "2026-04-01", "20000", "1", False, None, "12741.67"),
        ("general_practitioner", "2026-04-01", "20000", "1", True, None, "12974.83"),
        ("general_practitioner", "2026-04-01", "20000", "1", False, "120000", "10000"),  # your own goes first
        ("general_practitioner", "2024-12-01", "20000", "1", False, None, "20000"),
        ("paramedic", "2026-04-01", "6000", "1", False, "60000", "5000"),
        ("paramedic", "2026-04-01", "6000", "1", False, None, "6000"),
    ],
)
def test_limits_of_a_role(
    role: str, month: str, spent: str, employed: str, london: bool, limit: str | None, allowed: str
) -> None:
    data = network([month], in_london=london) | {"claims": claim(role, month, spent, employed)}
    if limit is not None:
        data["role_limits"] = [{"role": role, "year": year_of(month), "own_limit": limit}]
    found = settled(data)
    assert value(found, "allowed", "N", role, month) == Fraction(allowed)
    unlimited = any("claimed in full" in row["notice"] for row in found.notices.to_pylist())
    assert unlimited is (limit is None and allowed == spent and employed == "1")


@pytest.mark.parametrize(("spent", "pay"), [("22893.99", "22893.99"), ("22894", "22894"), ("22894.01", "22894")])
def test_claims_are_paid_up_to_the_sum(spent: str, pay: str) -> None:
    month = "2024-06-01"
    found = settled(network([month]) | {"claims": claim("paramedic", month, spent)})
    most = Fraction("22894")  # 12,000 weighted patients for one month of twelve
    assert value(found, "roles_sum", "N", "2024-04-01") == most
    assert value(found, "roles_pay", "N", "2024-04-01") == Fraction(pay)
    assert value(found, "roles_unspent", "N", "2024-04-01") == most - Fraction(pay)


def test_claims_of_a_year_without_a_sum_are_refused() -> None:
    data = network(["2019-08-01"]) | {"claims": claim("clinical_pharmacist", "2019-08-01", "100")}
    with pytest.raises(SettlementStopped, match="no sum for additional roles is known for this year"):
        settled(data)
    found = settled(data | {"own_rates": [{"year": "2019-07-01", "own_roles": "3"}]})
    assert value(found, "roles_pay", "N", "2019-07-01") == 100


# --------------------------------------------------------------------------------------------------- network agreement

WHOLE = st.integers(min_value=1, max_value=40_000)


@hypothesis_settings(max_examples=12, deadline=None)
@given(
    lists=st.lists(WHOLE, min_size=1, max_size=7),
    minutes=st.lists(st.integers(min_value=0, max_value=2000), min_size=7, max_size=7),
    held=st.integers(min_value=0, max_value=100),
    by_minutes=st.integers(min_value=0, max_value=100),
)
def test_every_penny_is_kept_or_passed_on(lists: list[int], minutes: list[int], held: int, by_minutes: int) -> None:
    months = ["2023-05-01", "2023-06-01"]
    sizes = {f"P{i}": n for i, n in enumerate(lists)}
    data = network(months, sizes, held_of_core=held, by_minutes=by_minutes)
    data["access"] = [
        {"practice": p, "month": m, "minutes": n} for m in months for p, n in zip(sizes, minutes, strict=False)
    ]
    found = settled(data)
    flows: Counter[str] = Counter()
    for row in found.payments.to_pylist():
        flows[row["payer_party"]] -= row["amount"]
        flows[row["receiver_party"]] += row["amount"]
    assert sum(flows.values()) == 0
    kept = Fraction(flows["network"], 100)
    assert kept == value(found, "kept", "N", "2023-04-01")
    shares = found.values("core_share")
    for month in months:
        pool = value(found, "core_to_share", "N", month)
        assert sum(cast(Fraction, shares[(p, month)]) for p in sizes) == pool
        for p, n in sizes.items():  # nobody is a penny or more away from their part
            assert abs(cast(Fraction, shares[(p, month)]) - pool * Fraction(n, sum(lists))) < Fraction(1, 100)


def test_access_goes_where_the_minutes_are() -> None:
    month = "2024-04-01"
    data = network([month], by_minutes=100) | {"access": [{"practice": "B", "month": month, "minutes": 60}]}
    found = settled(data)
    assert value(found, "access_share", "A", month) == 0
    assert value(found, "access_share", "B", month) == 7674
    nobody = settled(network([month], by_minutes=100))
    assert value(nobody, "access_share", "A", month) == 5116  # by list


@pytest.mark.parametrize(
    ("agreement", "says"), [({"held_of_core": 101}, "keeps more"), ({"by_minutes": 101}, "more than 100 %")]
)
def test_an_agreement_that_does_not_add_up(agreement: dict[str, object], says: str) -> None:
    with pytest.raises(SettlementStopped, match=says):
        settled(network(["2024-04-01"], None, **agreement))


# --------------------------------------------------------------------------------------------------- VAT


@pytest.mark.parametrize("registered", [True, False])
@pytest.mark.parametrize("arrangement", ["direct", "joint_employment", "cost_sharing"])
@pytest.mark.parametrize("nature", ["staff", "care", "management"])
def test_vat_turns_on_supplying_staff_or_care(nature: str, arrangement: str, registered: bool) -> None:
    month = "2024-04-01"
    supply = {"practice": "A", "supply": "sessions", "month": month, "nature": nature, "arrangement": arrangement}
    found = settled(network([month], payee_charges_vat=registered) | {"supplies": [supply | {"charge": "1000.02"}]})
    bears = registered and nature != "care" and arrangement == "direct"
    assert value(found, "vat_charged", "A", "sessions", month) == (Fraction("200.00") if bears else 0)
    assert value(found, "vat_cost", "N", "2024-04-01") == value(found, "vat_due", "N", month)
    avoided = nature != "care" and arrangement != "direct"
    assert value(found, "vat_avoided", "N", "2024-04-01") == (200 if avoided else 0)
    tax = [row for row in found.payments.to_pylist() if row["receiver_party"] == "tax_authority"]
    assert [row["payer"] for row in tax] == ["N"]


# --------------------------------------------------------------------------------------------------- sample, statements


def test_the_sample_settles_and_its_statements_name_what_nobody_confirmed(
    command: Callable[..., Any], tmp_path: Path
) -> None:
    ended = command("settle", "network-des", "--data", FOLDER / "sample", "--out", tmp_path, "--statement", "East Dale")
    assert ended.code == 0, ended.err
    (page,) = tmp_path.glob("*/statements/*East-Dale*.html")
    text = page.read_text(encoding="utf-8")
    assert "nobody has verified" in text
    assert "standard rated" in text.replace("_", " ")  # the VAT treatment
    assert "Dales Federation" in text
    with (FOLDER / "sample" / "membership.csv").open(encoding="utf-8") as file:
        moved = {(row["practice"], row["pcn"]) for row in csv.DictReader(file)}
    assert {("The Green", "East Dale"), ("The Green", "West Dale")} <= moved


# --------------------------------------------------------------------------------------------------- England


def test_the_networks_of_england(real_data: Find, tmp_path: Path) -> None:
    """Core funding of July 2026 for 1,298 networks; adjusted and weighted populations are not published."""
    import duckdb

    places = real_data("registered/practice_map_2026-07.csv")
    people = real_data("registered/practice_age_sex_2026-07.parquet")
    applied = prepare(FOLDER, {"membership": places, "networks": places}, 2026, tmp_path)
    assert [dict(one.left_out) for one in applied] == [{"pcn is missing": 52}] * 2
    with duckdb.connect() as joined:
        joined.read_csv(str(tmp_path / "membership.csv")).create("membership")
        lists = joined.execute(
            "select practice, pcn, sum(number_of_patients)::bigint from membership join read_parquet(?) "
            "on org_code = practice group by all",
            [str(people)],
        ).fetchall()
    data: dict[str, Any] = {file.stem: file for file in tmp_path.glob("*.csv")}
    data["practices"] = [{"practice": p, "year": "2026-04-01", "list_size": n} for p, _, n in lists]
    found = settle(contract(), read_inputs(contract(), data))
    july = "2026-07-01"
    assert value(found, "networks_in_all", july) == 1_298
    assert value(found, "patients_in_all", july) == sum(n for _, _, n in lists) == 63_216_178
    of_network: Counter[str] = Counter()
    for _, pcn, n in lists:
        of_network[pcn] += n

    def pence(people: int, rate: str) -> int:
        return int(Fraction(people) * Fraction(rate) / 12 * 100 + Fraction(1, 2))

    expected = {pcn: Fraction(pence(n, "2.311") + pence(n, "0.748"), 100) for pcn, n in of_network.items()}
    assert {pcn: pay for (pcn, _), pay in found.values("core_funding").items()} == expected
    assert value(found, "core_in_all", july) == sum(expected.values()) == Fraction("16114857.41")
    shares: Counter[str] = Counter()
    network_of = {p: pcn for p, pcn, _ in lists}
    for (practice, _), share in found.values("core_share").items():
        shares[network_of[practice]] += cast(Any, share)
    assert shares == expected  # every penny reaches a practice
    told = Counter(row["notice"].split(":")[0] for row in found.notices.to_pylist())
    assert set(told.values()) == {1_298}
    assert len(told) == 2  # stand-ins for populations, and no rate of enhanced access
