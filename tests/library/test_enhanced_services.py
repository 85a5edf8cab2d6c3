"""Enhanced services: by the item, by the patient, and for a process; three incentives for integration side by side."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import cache
from typing import Any, cast

import pytest

from accord.engine import read_inputs, settle
from accord.language import check
from accord.language.contract import Contract
from accord.language.problem import DataRefused, SettlementStopped
from accord.settlement.catalogue import LIBRARY

FOLDER = LIBRARY / "enhanced-services"
Rows = Sequence[Mapping[str, object]]


@cache
def contract() -> Contract:
    return check(FOLDER / "contract.yaml")


def paid(quantity: str, **given: Rows) -> dict[tuple[str, ...], Any]:
    return settle(contract(), read_inputs(contract(), dict(given)), "integers").values(quantity)


def practice(year: int, people: int = 7000) -> Rows:
    return [{"practice": "A", "year": f"{year}-04-01", "list_size": people}]


def one(quantity: str, **given: Rows) -> Fraction:
    return cast(Fraction, next(iter(paid(quantity, **given).values())))


@pytest.mark.parametrize(
    ("episodes", "cap", "year", "pay"),
    [
        (0, None, 2025, 0),
        (1, None, 2025, 20),
        (300, None, 2025, 6000),
        (300, 300, 2025, 6000),
        (301, 300, 2025, 6000),
        (300, 0, 2025, 0),
        (300, None, 2026, 0),  # in the core contract since
    ],
)
def test_advice_is_paid_by_the_request_up_to_the_cap(episodes: int, cap: int | None, year: int, pay: int) -> None:
    advice = [{"practice": "A", "year": f"{year}-04-01", "episodes": episodes, "cap": cap}]
    assert one("advice_pay", practices=practice(year), advice=advice) == pay


def test_a_practice_without_any_service_is_paid_nothing() -> None:
    assert one("for_integration", practices=practice(2025)) == 0


@pytest.mark.parametrize(
    ("on_register", "adults", "informed", "pay"),
    [
        (18, 1000, True, "2009.00"),  # 1.8 % on the point; a tenth of 2.87 x 7,000
        (17, 1000, True, "0"),
        (20, 1000, True, "2009.00"),
        (20, 1000, False, "0"),
        (0, 0, True, "2009.00"),  # no adults: nobody is missing from the register
    ],
)
def test_the_register_is_paid_from_1_8_percent_of_adults(
    on_register: int, adults: int, informed: bool, pay: str
) -> None:
    register = {"practice": "A", "quarter": "2014-10-01"}
    pay_for_register = paid(
        "register_pay",
        practices=practice(2014),
        case_management=[{"practice": "A", "year": "2014-04-01", "signed_up": True, "reviews_done": True}],
        registers=[register | {"adults": adults, "on_register": on_register, "informed": informed}],
    )
    assert pay_for_register == {("A", "2014-10-01"): Fraction(pay)}


def test_the_parts_of_case_management_are_the_whole_rate() -> None:
    register = {"practice": "A", "adults": 8000, "on_register": 160, "informed": True}
    whole = one(
        "case_management_pay",
        practices=practice(2014, 10_000),
        case_management=[{"practice": "A", "year": "2014-04-01", "signed_up": True, "reviews_done": True}],
        registers=[register | {"quarter": quarter} for quarter in ("2014-07-01", "2014-10-01", "2015-01-01")],
    )
    assert whole == 28_700


@pytest.mark.parametrize(("year", "points"), [(2011, "68.5"), (2012, "99.5"), (2013, "100")])
def test_the_points_add_up_to_what_the_sources_say_of_them_together(year: int, points: str) -> None:
    """96.5 in 2011/12 with the 28 for prescribing; 100 in 2013/14."""
    named = {2011: range(6, 12), 2012: range(6, 15), 2013: range(1, 10)}[year]
    names = [f"QP{number:03d}" if year == 2013 else f"QP{number}" for number in named]
    reviews = [
        {"practice": "A", "indicator": name, "year": f"{year}-04-01", "report_accepted": True, "group_size": 6}
        for name in names
    ]
    assert one("points_in_all", practices=practice(year), reviews=reviews) == Fraction(points)


@pytest.mark.parametrize(("year", "group", "points"), [(2012, 6, 5), (2012, 5, 0), (2013, 5, 5)])
def test_a_peer_review_needs_enough_practices(year: int, group: int, points: int) -> None:
    name = "QP7" if year == 2012 else "QP002"
    reviews = [
        {"practice": "A", "indicator": name, "year": f"{year}-04-01", "report_accepted": True, "group_size": group}
    ]
    assert one("points_in_all", practices=practice(year), reviews=reviews) == points


def test_what_no_figure_is_known_for_is_refused_not_paid_at_nothing() -> None:
    item = {"practice": "A", "service": "joint_injection", "year": "2026-04-01", "delivered": 3}
    with pytest.raises(SettlementStopped, match="no fee of this service is known for this year"):
        paid("item_pay", practices=practice(2026), items=[item])
    with pytest.raises(SettlementStopped, match="known here for 2014/15 only"):
        signed = {"practice": "A", "year": "2015-04-01", "signed_up": True, "reviews_done": True}
        paid("establishment_pay", practices=practice(2015), case_management=[signed])
    with pytest.raises((SettlementStopped, DataRefused), match="QP99"):
        review = {"practice": "A", "indicator": "QP99", "year": "2012-04-01", "report_accepted": True, "group_size": 6}
        paid("review_pay", practices=practice(2012), reviews=[review])


def test_no_payment_depends_on_referrals_not_made() -> None:
    """What is read about referrals is requests for advice before them, and reports about them."""
    columns = {column.name for table in contract().inputs.values() for column in table.columns}
    assert not {name for name in columns if "referral" in name or "admission" in name}


def test_the_sample_settles() -> None:
    sources: dict[str, Rows] = {}
    for name in contract().inputs:
        with (FOLDER / "sample" / f"{name}.csv").open(encoding="utf-8") as file:
            sources[name] = [{key: cell or None for key, cell in row.items()} for row in csv.DictReader(file)]
    settled = settle(contract(), read_inputs(contract(), sources))
    assert settled.values("for_integration")[("Station Road", "2025-04-01")] == 17000
    assert settled.values("points_in_all")[("High Fell", "2012-04-01")] == 12
