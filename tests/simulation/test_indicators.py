"""Indicators of a feed: chance that is shared, what behaviour moves, and limits of a share as published."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba")

from accord.simulation.feed import Indicator
from accord.simulation.indicators import deviates, reached, wilson
from tests.simulation.test_worlds import counted

SHAPE = (3, 2, 2)
"""Worlds, organisations, years."""


def indicator(**said: object) -> Indicator:
    usual: dict[str, object] = dict(
        name="seen", level=60.0, spread=0.0, of="people", times=1.0, responds=True, authority="this test",
        status="assumed",
    )  # fmt: skip
    return Indicator(**{**usual, **said})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("number", "whole", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_limits_of_a_share_are_the_published_ones(number: int, whole: int, low: float, high: float):
    """Newcombe 1998, Statistics in Medicine 17: 857, table I, method 3."""
    found = wilson(np.array([number]), np.array([whole]))
    assert [round(float(one[0]), 4) for one in found] == pytest.approx([low, high], abs=5e-5)


def test_chance_is_of_a_draw_an_organisation_a_year_and_a_name():
    """Two worlds of one draw have the same; nothing else is alike."""
    found = counted(3, draws=[4, 4, 5])
    own, chance = deviates(found, SHAPE, "seen", has_years=True)
    assert (chance[0] == chance[1]).all()
    apart = [*chance[0].ravel(), *chance[2].ravel(), *deviates(found, SHAPE, "asked", has_years=True)[1][0].ravel()]
    assert len(set(apart)) == len(apart) == 12
    assert len({*own, *deviates(found, SHAPE, "asked", has_years=True)[0]}) == 4
    assert (deviates(found, SHAPE, "seen", has_years=False)[1][:, :, 0] != chance[:, :, 0]).all()


def test_behaviour_moves_an_indicator_that_responds_and_has_years():
    whole = np.full(SHAPE, 10_000)
    still = counted(3)
    moved = replace(still, moved=np.full((3, 2), 10.0))
    usual, _ = reached(indicator(), whole, still, has_years=True)
    better, _ = reached(indicator(), whole, moved, has_years=True)
    assert (better - usual) == pytest.approx(np.full(SHAPE, 1000), abs=60)
    for one, has_years in ((indicator(responds=False), True), (indicator(), False)):
        assert (reached(one, whole, moved, has_years)[0] == reached(one, whole, still, has_years)[0]).all()
