"""The bench: every part starts and ends, and says its target; by hand and by Accord the same numbers come out."""

from __future__ import annotations

import pytest
from bench import by_hand, growing, measuring, population
from bench.__main__ import PARTS
from bench.measuring import Cost


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A record of 2,000 made-up people in four practices."""
    folder = tmp_path_factory.mktemp("bench") / "record"
    population.make(folder, 2_000)
    return folder


def test_every_measure_of_the_library_gives_the_numbers_of_its_query_by_hand(record):
    ours = measuring.in_one_session(record, by_hand.NAMES)
    theirs = measuring.by_queries(record, by_hand.NAMES)
    for name, found, expected in zip(by_hand.NAMES, ours, theirs, strict=True):
        assert found == expected, name
        assert any(numerator for numerator, _ in found.values()) or name in RARE, name


RARE = ("deaths-with-three-emergency-admissions",)
"""What happens to nobody among 2,000."""


def test_every_measure_of_the_library_is_written_by_hand_too():
    from accord.library import measure_names

    assert set(by_hand.NAMES) == set(measure_names())


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_a_part_of_the_bench_runs_and_prints_its_target_beside_its_figure(part, capfd):
    part.tiny()
    said = capfd.readouterr().out
    assert "target" in said
    assert "NO" not in said.split()
    assert "DIFFER" not in said


def test_the_line_through_what_was_measured_is_the_one_that_made_the_points():
    through = growing.fitted([(people, 3 + people * 4e-5) for people in (10_000, 100_000, 1_000_000)])
    assert through.fixed == pytest.approx(3)
    assert through.each == pytest.approx(4e-5)


def test_no_part_of_the_line_is_below_nothing():
    through = growing.fitted([(10_000, 0.3), (100_000, 4.0), (1_000_000, 45.0)])
    assert through.fixed == 0
    assert through.at(1_000_000) == pytest.approx(40, rel=0.2)


def test_the_chart_says_what_was_measured_and_what_was_not():
    points = [(10_000, Cost(2, 3.4, 0.2)), (1_000_000, Cost(25, 43.0, 3.1))]
    drawn = growing.chart(points, growing.fitted([(size, cost.processor) for size, cost in points]))
    for words in ("people, each with 60 events", "processor seconds (logarithmic)", "measured", "fitted",
                  "extrapolated, not measured", "43 s, 3.1 GB", "60 million people"):  # fmt: skip
        assert words in drawn
    assert drawn.count("<circle") == 4  # two points, the extrapolated one, and the one of the legend
