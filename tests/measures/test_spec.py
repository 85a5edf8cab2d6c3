"""Every case of ``tests/measures/spec``: the measure gives the figures that the case expects, and nothing else.

Cases with the same window share one record, their people told apart, so that each measure is computed once.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from accord.library import measure_names
from accord.measures.measure import find
from tests.measures.spec import book
from tests.measures.spec.case import Case, Made, blocks, opened, write

CASES = [case for chapter in book.chapters() for case in chapter.cases]


def windows() -> Mapping[tuple[str, str, str], list[Case]]:
    """The cases by their window."""
    found: dict[tuple[str, str, str], list[Case]] = defaultdict(list)
    for case in CASES:
        found[case.first, case.last, case.every].append(case)
    return found


class Computed:
    """The figures of all cases of one window."""

    def __init__(self, folder: Path, window: tuple[str, str, str], cases: list[Case]) -> None:
        self.cases = cases
        self.made = Made(cases)
        first, last, every = window
        self.first, self.last = dt.date.fromisoformat(first), dt.date.fromisoformat(last)
        record = write(folder, self.made.tables)
        self.session = opened(record, self.first, self.last, every)
        self._cells: dict[tuple[str, tuple[str, ...]], list[dict[str, Any]]] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def cells(self, case: Case, strata: tuple[str, ...]) -> Iterator[dict[str, Any]]:
        """The sums of a case's measure for its practices, with their names in the case."""
        key = case.measure, strata
        if key not in self._cells:
            self._cells[key] = self.session.cells(find(case.measure), strata).table.to_pylist()
        number = self.cases.index(case)
        for cell in self._cells[key]:
            whose, _, name = (cell["organisation"] or "").partition(" ")
            if whose == str(number):
                yield {**cell, "who": name}

    def reasons(self, case: Case, who: str, strata: Mapping[str, str]) -> set[str]:
        """The reasons that rows of a person (or of people of a practice) do not count, in the window."""
        if case.measure not in self._rows:
            self._rows[case.measure] = self.session.rows(find(case.measure)).to_pylist()
        number = self.cases.index(case)
        people = {
            row["person"]
            for table in ("registrations", "residences")
            for row in self.made.tables[table]
            if row.get("practice", row.get("area")) == f"{number} {who}"
        }
        return {
            row["excluded"]
            for row in self._rows[case.measure]
            if row["person"] in people
            and row.get("excluded")
            and self.first <= row["day"] <= self.last
            and all(row[name] == value for name, value in strata.items())
        }


@pytest.fixture(scope="module")
def computed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[tuple[str, str, str], Computed]]:
    made = {
        window: Computed(tmp_path_factory.mktemp("cases") / "record", window, cases)
        for window, cases in windows().items()
    }
    yield made
    for each in made.values():
        each.session.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.measure}: {case.title}")
def test_case(case: Case, computed: Mapping[tuple[str, str, str], Computed]) -> None:
    (block,) = blocks(case.expect, named=False)
    mine = computed[case.first, case.last, case.every]
    strata = tuple(name for name in block.columns if name in find(case.measure).card.strata)
    keys = ("who", *(name for name in block.columns if name == "period" or name in strata))
    got = {tuple(str(cell[key]) for key in keys): cell for cell in mine.cells(case, strata)}
    wanted: dict[tuple[str, ...], dict[str, str]] = {}
    for row in block.rows:
        wanted[tuple(row[key] for key in keys)] = row
    for key, row in wanted.items():
        cell = got.get(key, {"numerator": 0, "denominator": 0, "excluded": 0})
        said = {"numerator": str(cell["numerator"] or "")}
        if "denominator" in row:
            said["denominator"] = str(cell["denominator"] or "")
        if "excluded" in row:
            chosen = {name: row[name] for name in strata}
            said["excluded"] = "; ".join(sorted(mine.reasons(case, row["who"], chosen))) if cell["excluded"] else ""
        assert said == {name: row[name] for name in said}, f"{key}"
        if "excluded" not in row:
            assert not cell["excluded"], f"{key} has rows that do not count, and the case does not say so"
    for key, cell in got.items():
        if key not in wanted:
            # beside a rate's strata stands the population, whatever happened to it
            people = "denominator" in block.columns and not (strata and find(case.measure).card.kind == "rate")
            shows = cell["numerator"] or cell["excluded"] or (people and cell["denominator"])
            assert not shows, f"the case does not say what became of {key}: {cell}"


def test_every_measure_has_a_case() -> None:
    assert {case.measure for case in CASES} == set(measure_names())


@cache
def _page() -> str:
    return book.page()


def test_the_page_is_what_the_cases_say() -> None:
    assert book.PAGE.read_text("utf-8") == _page(), "run: python -m tests.measures.spec.book"
