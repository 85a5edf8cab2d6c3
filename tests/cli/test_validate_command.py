"""``accord validate``: exit codes, the report, files of targets that are wrong. What is checked stands elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("numba")

from accord.simulation.validation import calls, conservation, verification
from accord.simulation.validation.verification import Check

TARGETS = """accord: 1
title: Two to try
targets:
  - target: emergency
    title: Emergency admissions
    authority: these tests
    status: assumed
    use: {use}
    asks: {{rate: emergency, per: 1000 person-years}}
    value: {value}
    unit: per 1000 person-years
    tolerance: {{percent: 60}}
    because: it is wide{more}
outside:
  - {{figure: B10, title: Something else, authority: these tests, status: assumed, why: the model has nothing of it}}
"""


def file(folder: Path, value: float = 100, use: str = "held out", more: str = "") -> Path:
    path = folder / "targets.yaml"
    path.write_text(TARGETS.format(value=value, use=use, more=f"\n    {more}" if more else ""), encoding="utf-8")
    return path


@pytest.fixture(autouse=True)
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Check]:
    """Checks of conservation alone, as every check is too slow here; more can be put in."""
    more: list[Check] = []

    def few(people: int, seed: int, progress: verification.Progress) -> tuple[Check, ...]:
        progress("what must balance", 0, 1)
        return verification.shared([*conservation.of_people(verification.given(people, seed)), *more])

    monkeypatch.setattr(calls, "verify", few)
    return more


def test_what_holds_and_is_in_ends_with_0_and_a_report(command: Callable, tmp_path: Path):
    done = command("validate", "--targets", file(tmp_path), "--only", "--people", "5000")
    assert done.code == 0, done.out + done.err
    assert "6 of 6 checks of the simulation against itself held" in done.out
    assert "1 of 1 published figure" in done.out
    page = (tmp_path / "validation.html").read_text(encoding="utf-8")
    for words in ("Emergency admissions", "never seen", "Something else", "people at the end", "it is wide"):
        assert words in page
    assert "<script" not in page


def test_a_figure_that_is_out_ends_with_1_and_is_told(command: Callable, tmp_path: Path):
    done = command("validate", "--targets", file(tmp_path, 1000), "--only", "--people", "5000", "--html", "r.html")
    assert done.code == 1
    assert "Out: Emergency admissions. Published 1,000" in done.out
    assert "1 of 1 published figure is out that should be in" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_a_figure_that_is_known_to_be_out_is_shown_as_out_and_passes(command: Callable, tmp_path: Path):
    told = "expected: out\n    reason: nobody knows why"
    done = command("validate", "--targets", file(tmp_path, 1000, more=told), "--only", "--people", "5000", "--json")
    assert done.code == 0
    (one,) = done.json["targets"]
    assert (one["in"], one["expected"], one["reason"]) == (False, "out", "nobody knows why")
    assert "out, as known" in (tmp_path / "validation.html").read_text(encoding="utf-8")


def test_a_figure_that_is_in_though_expected_out_is_said(command: Callable, tmp_path: Path):
    told = "expected: out\n    reason: nobody knows why"
    done = command("validate", "--targets", file(tmp_path, more=told), "--only", "--people", "5000")
    assert done.code == 0
    assert "In, though its file expects it out: Emergency admissions" in done.out


def test_a_check_that_fails_ends_with_1(command: Callable, tmp_path: Path, checks: list[Check]):
    checks.append(Check("limits", "two and two", "Sums are right.", "4", "5", differs=True))
    done = command("validate", "--targets", file(tmp_path), "--only", "--people", "5000")
    assert done.code == 1
    assert "Not held: two and two. Expected 4; found 5." in done.out


def test_the_same_makes_the_same_page(command: Callable, tmp_path: Path):
    pages = []
    for name in ("one.html", "two.html"):
        command("validate", "--targets", file(tmp_path), "--only", "--people", "5000", "--html", name)
        pages.append((tmp_path / name).read_bytes())
    assert pages[0] == pages[1]


@pytest.mark.parametrize(
    ("wrong", "place"),
    [
        (("rate: emergency", "rate: emergencies"), ":9:"),
        (("percent: 60", "percent: -1"), ":12:"),
        (("status: assumed", "status: certain"), ":7:"),
    ],
)
def test_errors_in_a_file_of_targets_are_told_with_their_place_and_nothing_is_written(
    command: Callable, tmp_path: Path, wrong: tuple[str, str], place: str
):
    path = file(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace(*wrong, 1), encoding="utf-8")
    done = command("validate", "--targets", path, "--only", "--people", "5000")
    assert done.code == 4
    assert f"targets.yaml{place}" in done.err
    assert not (tmp_path / "validation.html").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--only",), 2, "there are no other targets"),
        (("--people", "12"), 2, "12 people are not enough"),
        (("--people", "-5"), 2, "--people"),
        (("--seed", "-1"), 2, "-1 is no seed"),
        (("--targets", "nowhere.yaml"), 6, "nowhere.yaml"),
        (("--html", "nowhere/report.html"), 6, "there is no folder"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_simulated(
    command: Callable, arguments: tuple[str, ...], code: int, told: str
):
    done = command("validate", *arguments)
    assert done.code == code
    assert told in done.err
