"""Beside another rate: on which side, and when there is no clear difference."""

from __future__ import annotations

from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from accord.measures import comparing


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
