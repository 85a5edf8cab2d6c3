"""Every measure of the library on made-up people: DuckDB, Spark and plain Python give the same rows.

Rows are compared one by one: person, day, numerator, denominator, strata, and whether the row counts. Where it does
not, the reason that the select names must be one that holds by the definition.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accord.library import measure_names
from accord.measures.measure import Measure, find
from tests.measures import brute
from tests.measures.made_up import people
from tests.measures.spec.case import opened, write

WINDOWS = (
    (dt.date(2024, 1, 1), dt.date(2024, 3, 31), "month"),
    (dt.date(2023, 4, 1), dt.date(2024, 3, 31), "quarter"),
    (dt.date(2022, 3, 1), dt.date(2024, 2, 29), "whole"),
)
SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example)
KEY = ("person", "practice", "day")
Table = Mapping[str, list[dict[str, Any]]]


def seeds(count: int) -> st.SearchStrategy[list[int]]:
    """As many people as asked for."""
    return st.lists(st.integers(0, 2**32 - 1), min_size=count, max_size=count, unique=True)


def test_brute_force_knows_every_measure() -> None:
    assert set(brute.MEASURES) == set(measure_names())


def of_engine(measure: Measure, rows: Iterable[Mapping[str, Any]], window: brute.Span) -> Counter[tuple[Any, ...]]:
    """The rows of a select in the window; what does not count has neither numerator nor denominator."""
    found: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        if window[0] <= row["day"] <= window[1]:
            strata = tuple(row[name] for name in measure.card.strata)
            key = tuple(row.get(name) for name in KEY)
            counts = row.get("excluded") is None
            found[(*key, strata, (row["numerator"], row.get("denominator")) if counts else None)] += 1
    return found


def of_python(measure: Measure, rows: Iterable[brute.Row], window: brute.Span) -> Counter[tuple[Any, ...]]:
    """The same of the brute force."""
    found: Counter[tuple[Any, ...]] = Counter()
    for row in rows:
        if window[0] <= row.day <= window[1]:
            strata = tuple(row.strata[name] for name in measure.card.strata)
            key = (row.person, row.practice, row.day, strata)
            found[(*key, None if row.excluded else (row.numerator, row.denominator))] += 1
    return found


def reasons_hold(measure: Measure, rows: Iterable[Mapping[str, Any]], right: Iterable[brute.Row]) -> None:
    """Each reason that a select names begins as one of the reasons that hold for such a row."""
    allowed: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for row in right:
        strata = tuple(row.strata[name] for name in measure.card.strata)
        allowed[row.person, row.day, strata] |= row.excluded
    for row in rows:
        said = row.get("excluded")
        if said is not None:
            key = row["person"], row["day"], tuple(row[name] for name in measure.card.strata)
            assert any(said.startswith(reason) for reason in allowed[key]), f"{measure.id}: {said} of {allowed[key]}"


def agree(chosen: list[int], window: tuple[dt.date, dt.date, str], engines: tuple[str, ...]) -> dict[str, int]:
    """Compare all measures over one record; how many rows each gave."""
    first, last, every = window
    made = people(chosen)
    brute.forget()
    counted: dict[str, int] = {}
    with TemporaryDirectory() as folder:
        record = write(Path(folder) / "record", made)
        sessions = {engine: opened(record, first, last, every, engine) for engine in engines}
        try:
            spans = [(period.first, period.last) for period in sessions[engines[0]].periods]
            for name in measure_names():
                measure = find(name)
                right = brute.rows(name, made, (first, last), spans)
                wanted = of_python(measure, right, (first, last))
                for engine, session in sessions.items():
                    rows = session.rows(measure).to_pylist()
                    got = of_engine(measure, rows, (first, last))
                    assert got == wanted, f"{name} on {engine}: too much {got - wanted}, too little {wanted - got}"
                    reasons_hold(measure, rows, right)
                counted[name] = sum(wanted.values())
        finally:
            for session in sessions.values():
                session.close()
    brute.forget()
    return counted


@settings(max_examples=1, deadline=None, phases=(Phase.generate,), suppress_health_check=SLOW)
@given(seeds(80))
def test_duckdb_is_right(chosen: list[int]) -> None:
    agree(chosen, WINDOWS[0], ("duckdb",))


def test_no_measure_is_empty() -> None:
    """The made-up people are rich enough: every measure has rows that count and, where it can, rows that do not."""
    made = people(range(200))
    brute.forget()
    first, last, _ = WINDOWS[1]
    for name, evaluate in brute.MEASURES.items():
        rows = [row for row in evaluate(made, (first, last), [(first, last)]) if first <= row.day <= last]
        card = find(name).card
        assert any(row.numerator and not row.excluded for row in rows), name
        if card.exclusions and "excluded" in find(name).select.columns:
            assert any(row.excluded for row in rows), name
    brute.forget()


@pytest.mark.long
@settings(max_examples=6, deadline=None, phases=(Phase.generate,), suppress_health_check=SLOW)
@given(seeds(250), st.sampled_from(WINDOWS))
def test_duckdb_is_right_on_many(chosen: list[int], window: tuple[dt.date, dt.date, str]) -> None:
    agree(chosen, window, ("duckdb",))


@pytest.mark.long
@settings(max_examples=1, deadline=None, phases=(Phase.generate,), suppress_health_check=SLOW)
@given(seeds(400))
def test_spark_and_duckdb_are_right(chosen: list[int]) -> None:
    pytest.importorskip("pyspark")
    agree(chosen, WINDOWS[0], ("duckdb", "spark"))
