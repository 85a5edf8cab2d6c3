"""The fit of the model's curves: its report is the table's own, and both follow from the published figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from accord.simulation import fitting
from accord.simulation.fit_report import digest
from accord.simulation.model import FOLDER, read_parameters
from accord.simulation.people import CELLS

REPORT = fitting.DOCS / "model-fit.md"


def test_the_report_is_that_of_the_committed_rates() -> None:
    assert digest(FOLDER / "rates.csv") in REPORT.read_text("utf-8"), "run python -m accord.simulation.fitting again"


def test_rates_report_and_pictures_follow_from_the_published_figures(
    real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    data = real_data("england_2011_12/emergency_cost_table.csv").parent.parent
    facts = data.parent / "facts"
    if not (facts / "9_rates").is_dir():
        pytest.skip(f"{facts} is not here: the published figures beside the data are not part of the project")
    fitting.main(data, facts, tmp_path / "rates.csv", tmp_path)
    assert (tmp_path / "rates.csv").read_bytes() == (FOLDER / "rates.csv").read_bytes()
    assert (tmp_path / "model-fit.md").read_text() == REPORT.read_text()
    made = sorted((tmp_path / "charts").iterdir())
    assert len(made) == 5
    for picture in made:
        assert picture.read_bytes() == (fitting.DOCS / "charts" / picture.name).read_bytes()


def test_a_curve_has_its_published_total_and_predicts_ages_that_it_has_not_seen() -> None:
    ages = np.arange(86.0)
    truth = np.tile(0.05 * np.exp(ages / 40), (CELLS, 1))
    exposure = np.full((CELLS, 86), 100_000.0)
    curve = fitting.fit("a", truth * exposure, exposure)
    assert curve.reproduced == pytest.approx(curve.published, rel=1e-9)
    assert curve.typical_error < 0.001
    assert curve.held_out_error is not None and curve.held_out_error < 0.002
    # a single age that is twice what its neighbours say is not predicted, though it is fitted at its knot
    bent = truth.copy()
    bent[:, 40] *= 2
    curve = fitting.fit("a", bent * exposure, exposure)
    assert curve.predicted is not None
    assert curve.predicted[0, 40] / curve.events[0, 40] == pytest.approx(0.5, abs=0.02)


def test_what_was_published_by_wide_ages_holds_nothing_out() -> None:
    even = np.ones((CELLS, 86))
    assert fitting.fit("a", even, even, by_single_age=False).held_out_error is None


def test_published_figures_by_age_have_their_source() -> None:
    found = read_parameters(FOLDER / "by_age.yaml")
    assert len(found) == 15
    assert all(one.authority and one.status == "verified" for one in found.values())
