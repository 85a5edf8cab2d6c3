"""The gain share: what is paid for a saving or owed for a loss, by size, as a table."""

from __future__ import annotations

from fractions import Fraction

import pytest

from accord.library import CONTRACTS
from accord.settlement import calls

POOL = {"pool": "A", "year": "2026-04-01"}


def settled(people: int, saved: str, *, two_sided: bool = False, satisfied: bool = True) -> tuple[Fraction, Fraction]:
    """Gain and loss in pounds of a pool of which a million was expected, by how much of it was saved, in per cent."""
    expected = 1_000_000
    cost = expected * (1 - Fraction(saved) / 100)
    data = {
        "costs": [{**POOL, "people": str(people), "cost": f"{float(cost):.2f}", "expected": f"{expected}.00"}],
        "patients": [{**POOL, "satisfied": str(satisfied).lower()}],
    }
    found = calls.settle("gain-share", data, what_ifs={"two_sided": two_sided})
    key = ("A", "2026-04-01")
    return Fraction(str(found.values("gain")[key])), Fraction(str(found.values("loss")[key]))


@pytest.mark.parametrize(
    ("people", "saved", "two_sided", "satisfied", "gain", "loss"),
    [
        (5_000, "3.89", False, True, 0, 0),  # below 3.9 %: taken for chance
        (5_000, "3.9", False, True, 19_500, 0),  # half of 39,000, from the first pound
        (60_000, "2", False, True, 10_000, 0),
        (1_000_000, "1.99", False, True, 0, 0),
        (60_000, "30", False, True, 100_000, 0),  # at most a tenth of what was expected
        (60_000, "5", False, False, 0, 0),  # patients do not bear it out
        (60_000, "-5", False, True, 0, 0),  # one-sided: the board's loss
        (60_000, "-5", True, True, 0, 15_000),  # three tenths of 50,000
        (60_000, "-1.9", True, True, 0, 0),
        (60_000, "-60", True, True, 0, 100_000),
    ],
)
def test_what_is_paid(people: int, saved: str, two_sided: bool, satisfied: bool, gain: int, loss: int):
    assert settled(people, saved, two_sided=two_sided, satisfied=satisfied) == (gain, loss)


def test_the_sample_settles():
    found = calls.settle("gain-share", CONTRACTS / "gain-share" / "sample")
    assert sum(found.values("gain").values()) == 974_700  # by hand: half of 1,186,700 and of 762,700
