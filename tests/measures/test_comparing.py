"""Beside another rate: on which side, and when there is no clear difference."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from accord.measures import comparing
from accord.measures.computing import Session
from accord.measures.figures import figures
from accord.measures.measure import find
from tests.measures.made import card, made, organisations, rows, write_measure


@pytest.mark.parametrize(
    ("limits", "other", "better", "side"),
    [
        # rate 10 with limits, beside another rate
        (("8", "12"), "9", "lower", "no clear difference"),
        (("8", "12"), "8", "lower", "no clear difference"),
        (("8", "12"), "12", "lower", "no clear difference"),
        (("8", "12"), "12.1", "lower", "better"),
        (("8", "12"), "7.9", "lower", "worse"),
        (("8", "12"), "12.1", "higher", "worse"),
        (("8", "12"), "7.9", "higher", "better"),
        (("8", "12"), "7.9", "neither", "above"),
        (("8", "12"), "12.1", "neither", "below"),
        # without limits only the same rate is no difference
        ((None, None), "10", "lower", "no clear difference"),
        ((None, None), "10.1", "lower", "better"),
        (("8", "12"), None, "lower", "not known"),
    ],
)
def test_sides(limits: tuple[str | None, str | None], other: str | None, better: str, side: str) -> None:
    lower, upper = (None if each is None else Decimal(each) for each in limits)
    row: Any = SimpleNamespace(rate=Decimal(10), lower=lower, upper=upper)
    card: Any = SimpleNamespace(better=better)
    assert comparing._side(row, None if other is None else Decimal(other), card) == side


def test_an_area_without_a_rate_is_on_no_side() -> None:
    row: Any = SimpleNamespace(rate=None, lower=None, upper=None)
    assert comparing._side(row, Decimal(1), cast(Any, SimpleNamespace(better="lower"))) == "not known"


def test_a_practice_that_is_called_all_is_not_the_whole(tmp_path: Path) -> None:
    """It is compared with the whole like any other; the whole is compared with nothing."""
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n in range(1, 5)]),
        registrations=rows(
            "registrations",
            "person|practice|since",
            *[f"{n} | {'all' if n == 1 else 'P1'} | 2020-01-01" for n in range(1, 5)],
        ),
        attendances=rows("attendances", "person|day", "1 | 2025-05-01", "2 | 2025-05-01"),
        organisations=organisations(),
    )
    measure = find(write_measure(tmp_path, card()))
    with Session(record, first=dt.date(2025, 4, 1), until=dt.date(2025, 7, 1), threads=1) as session:
        found = comparing.against(figures(session, measure, ("practice", "all")), "all")
    told = [(one.figure.level, one.figure.organisation, one.figure.rate, one.beside) for one in found]
    assert told == [("practice", "P1", Decimal("333.3"), 500), ("practice", "all", 1000, 500)]
