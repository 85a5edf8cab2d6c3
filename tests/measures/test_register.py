"""The register: which windows may follow which, and what stands from before."""

from __future__ import annotations

import datetime as dt

import pytest

from accord.measures.card import Card
from accord.measures.measure import find
from accord.measures.register import ReleaseRefused, check_periods, standing
from accord.measures.suppression import Cell, Given
from accord.record.disclosure import rules
from tests.measures.made import card, write_measure


@pytest.fixture(scope="module")
def a_card(tmp_path_factory: pytest.TempPathFactory) -> Card:
    return find(write_measure(tmp_path_factory.mktemp("measure"), card())).card


APRIL, MAY, QUARTER = ("2025-04-01", "2025-04-30"), ("2025-05-01", "2025-05-31"), ("2025-04-01", "2025-06-30")
MOVED, LATER = ("2025-04-10", "2025-05-09"), ("2025-07-05", "2025-07-20")


@pytest.mark.parametrize(
    ("before", "then", "refused"),
    [
        (APRIL, APRIL, False),
        (APRIL, QUARTER, False),
        (QUARTER, MAY, False),
        (MOVED, MOVED, False),  # the same again
        (MOVED, LATER, False),  # they meet in no month
        (MOVED, APRIL, True),
        (APRIL, MOVED, True),
        (MOVED, ("2025-04-11", "2025-05-10"), True),
        (QUARTER, ("2025-04-01", "2025-06-29"), True),
        (("2025-04-01", "2025-04-15"), ("2025-04-16", "2025-04-30"), True),  # one month, although no day is in both
        (("2025-04-01", "2025-04-15"), MAY, False),
    ],
)
def test_windows_that_are_moved_by_days_are_refused(
    a_card: Card, before: tuple[str, str], then: tuple[str, str], refused: bool
) -> None:
    told = [{"day": "2025-08-01", "cells": [(0, *before, [], {})]}]
    new = [(dt.date.fromisoformat(then[0]), dt.date.fromisoformat(then[1]))]
    if not refused:
        check_periods(a_card, new, told)
        return
    with pytest.raises(ReleaseRefused, match="would tell of those in between"):
        check_periods(a_card, new, told)


CELL = Cell(frozenset({"P1"}), APRIL, ())


@pytest.mark.parametrize(
    ("was", "now", "days", "stands"),
    [
        # exact values released before, and known now; the first stands where the difference would be a small count
        (20, 20, 1, True),
        (20, 21, 1, True),
        (20, 27, 1, True),
        (20, 28, 1, False),
        (20, 13, 1, True),
        (20, 12, 1, False),
        (1000, 1239, 30, True),  # person-days of a month: fewer than 8 people a day
        (1000, 1240, 30, False),
    ],
)
def test_what_differs_by_a_small_count_is_as_it_was(was: int, now: int, days: int, stands: bool) -> None:
    before, new = Given(CELL, was, locked=True), Given(CELL, now)
    (kept,), changed = standing([new], [before], rules(), lambda time: days)
    assert kept is (before if stands else new)
    assert changed == (stands and was != now)


@pytest.mark.parametrize(("star", "sensitive", "stands"), [(False, True, False), (True, True, True)])
def test_a_small_count_that_was_shown_is_not_shown_again(star: bool, sensitive: bool, stands: bool) -> None:
    before, new = Given(CELL, 9, star=star, locked=True), Given(CELL, 7, star=True, sensitive=sensitive)
    (kept,), _ = standing([new], [before], rules(), lambda time: 1)
    assert kept is (before if stands else new)
