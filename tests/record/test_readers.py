"""Readers and loading together: what is read balances, and the same files loaded again change nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from accord.record.loading import Loaded, load
from accord.record.pseudonym import create_key
from accord.record.readers import open_reader
from tests.record.test_fhir import PATIENT, code, encounter, generated, of

SAMPLES = Path(__file__).parent / "flat"


def balances(loaded: Loaded) -> None:
    assert loaded.rows == sum(loaded.total(what) for what in ("kept", "unchanged", "rejected", "set_aside"))
    assert all(file.balances() for file in loaded.files)


def twice(folder: Path, form: str, given: list[Path], **said: str) -> Loaded:
    """Load, load again, and say what the first load did."""
    keys = create_key(folder / "key")
    first = load(folder / "record", open_reader(form, **said), given, keys=keys)
    balances(first)
    again = load(folder / "record", open_reader(form, **said), given, keys=keys)
    balances(again)
    assert not again.changed
    assert (again.rows, again.total("kept")) == (first.rows, 0)
    assert again.record.generation == first.record.generation
    return first


def test_synpuf_loads_and_loads_again(tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    loaded = twice(tmp_path, "omop", [real_data("omop_synpuf")])
    assert (loaded.rows, loaded.total("set_aside")) == (29_516, 1_613 + 43 + 8_007 + 3_465 + 2_134 + 165)
    tables = loaded.record.manifest["tables"]
    assert isinstance(tables, dict)
    assert tables["people"]["rows"] == 50
    assert 0 < tables["admissions"]["rows"] <= 25


def test_fhir_loads_and_loads_again(tmp_path: Path) -> None:
    resources = [
        PATIENT,
        encounter("e1", "IMP"),
        of("Condition", "c1", code=code("http://snomed.info/sct", "1"), onsetDateTime="2024-01-02"),
        of("DiagnosticReport"),
    ]
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "Alfred_Name_1.json").write_text(
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]})
    )
    loaded = twice(tmp_path, "fhir", [folder])
    assert [loaded.total(what) for what in ("kept", "rejected", "set_aside")] == [
        2,
        1,
        1,
    ]  # an episode needs a provider
    told = json.dumps(loaded.as_json()) + json.dumps(dict(loaded.record.manifest))
    assert "Alfred" not in told, "a bundle's name may be a patient's"


@pytest.mark.parametrize(
    ("mapping", "file", "kept", "rejected", "set_aside"),
    [
        ("sus-apc", "sus_apc_2024.csv", 3, 0, 0),
        ("sus-op", "sus_op_2024.csv", 3, 1, 0),
        ("ecds", "ecds_2024.csv", 3, 0, 0),
        ("csds", "csds_contacts_2024.csv", 2, 0, 0),
        ("mhsds", "mhsds_contacts_2024.csv", 2, 0, 0),
        ("client-level-data", "cld_2024.csv", 2, 1, 1),
        ("registrations", "registrations_2024.csv", 2, 0, 0),
        ("deaths", "deaths_2024.csv", 1, 0, 0),
    ],
)
def test_samples_of_flat_files(
    tmp_path: Path, mapping: str, file: str, kept: int, rejected: int, set_aside: int
) -> None:
    loaded = twice(tmp_path, "flat", [SAMPLES / file], mapping=mapping)
    found = [loaded.total(what) for what in ("kept", "rejected", "set_aside")]
    assert found[1:] == [rejected, set_aside]
    assert found[0] in (kept, kept + 1)  # a withdrawal of a row that was never there is kept as such


@pytest.mark.long
def test_a_thousand_people_of_an_independent_generator(tmp_path: Path) -> None:
    """Takes half an hour, most of it the generator's; ACCORD_FHIR names a folder of bundles that are there already."""
    there = os.environ.get("ACCORD_FHIR")
    loaded = twice(tmp_path, "fhir", [Path(there) if there else generated(tmp_path / "files", 1_000, "0-60")])
    tables = loaded.record.manifest["tables"]
    assert isinstance(tables, dict)
    assert tables["people"]["rows"] >= 1_000
    assert loaded.total("rejected") < 100
    assert not loaded.warnings
