"""What is small, and how others are rounded: the figures of the rules, and their edges."""

from __future__ import annotations

import pytest

from accord.record.disclosure import nearest, rules


def test_the_figures_of_the_rules() -> None:
    """Those of NHS Digital for counts (1 to 7, nearest 5); those of money are assumed, see the file."""
    by = rules()
    assert (by.least, by.most, by.step, by.needed) == (1, 7, 5, 4)
    assert (by.money_step, by.share, by.p) == (100_00, 85, 10)


@pytest.mark.parametrize(
    ("count", "days", "small"),
    [
        (0, 1, False),
        (1, 1, True),
        (7, 1, True),
        (8, 1, False),
        (None, 1, False),
        # an average of fewer than 8 people over 30 days
        (1, 30, True),
        (239, 30, True),
        (240, 30, False),
    ],
)
def test_what_is_small(count: int | None, days: int, small: bool) -> None:
    assert rules().small(count, days) == small


@pytest.mark.parametrize(
    ("value", "step", "rounded"),
    [(0, 5, 0), (2, 5, 0), (3, 5, 5), (7, 5, 5), (8, 5, 10), (7, 1, 7), (49_99, 100_00, 0), (50_00, 100_00, 100_00),
     (149_99, 100_00, 100_00), (75, 150, 150)],
)  # fmt: skip
def test_counts_are_rounded_to_the_nearest_halves_up(value: int, step: int, rounded: int) -> None:
    assert nearest(value, step) == rounded
