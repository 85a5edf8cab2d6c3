"""ACO REACH, against the results that CMS published."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

from accord.settlement.catalogue import LIBRARY
from accord.settlement.verification import verify

REACH = LIBRARY / "reach"


@pytest.mark.parametrize("engine", ["duckdb", "integers", "reference"])
def test_all_53_organisations_of_2021_to_the_cent(engine: str, real_data) -> None:
    verified = verify(REACH, real_data("reach/PY2021.csv"), "2021", engine=engine)
    assert [(one.name, one.compared, one.exact, one.misses) for one in verified.quantities] == [
        ("shared_savings", 53, 53, ()),
        ("shared_savings_before_sequestration", 53, 53, ()),
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("[[25, 100], [35, 50]", "[[25, 100], [36, 50]"),
        ("[[5, 50], [10, 35]", "[[5, 50], [11, 35]"),
        ("then 1 - sequestration else 1 end", "then 1 else 1 - sequestration end"),
    ],
)
def test_no_reason_excuses_a_wrong_contract(old: str, new: str, real_data, tmp_path: Path) -> None:
    folder = tmp_path / "reach"
    shutil.copytree(REACH, folder)
    text = (folder / "contract.yaml").read_text(encoding="utf-8").split("\nexamples:")[0] + "\n"
    assert old in text
    (folder / "contract.yaml").write_text(text.replace(old, new), encoding="utf-8")
    assert not verify(folder, real_data("reach/PY2021.csv"), "2021").holds


def rewritten(file: Path, to: Path, change) -> Path:
    with file.open(encoding="utf-8") as opened:
        rows = [change(dict(row)) for row in csv.DictReader(opened)]
    with to.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return to


def test_another_layout_upper_case_percent_signs_and_separators(real_data, tmp_path: Path) -> None:
    def change(row: dict[str, str]) -> dict[str, str]:
        row["perf_year"] = "2022"
        row["discount"] += "%"
        row["retention_withhold"] += "%"
        for name in ("final_benchmark", "unadj_benchmark", "tot_cost_care", "shared_savings", "shared_savings_seq"):
            row[name] = f"${float(row[name]):,.4f}".replace("$-", "-$")
        return {name.upper(): value for name, value in row.items()}

    file = rewritten(real_data("reach/PY2021.csv"), tmp_path / "PY2022.csv", change)
    verified = verify(REACH, file, "2022")
    assert [(one.compared, one.exact) for one in verified.quantities] == [(53, 53), (53, 53)]


def test_whole_dollars_are_within_what_rounding_allows(real_data, tmp_path: Path) -> None:
    def change(row: dict[str, str]) -> dict[str, str]:
        row.pop("perf_year")
        for name in ("final_benchmark", "tot_cost_care", "tot_cost_care_net"):
            row[name] = f"{float(row[name]):.0f}" if row[name] else ""
        return row

    file = rewritten(real_data("reach/PY2021.csv"), tmp_path / "results.csv", change)
    verified = verify(REACH, file, "2021")
    assert verified.holds
    assert all("published rounded" in miss.reason for one in verified.quantities for miss in one.misses)
