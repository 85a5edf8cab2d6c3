"""A run on disk: content-addressed, complete or not there, the same bytes every time."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import accord
from accord.engine.reference import NotThere
from accord.language import ContractRefused
from accord.language.unit import Unit, WrittenUnit
from accord.settlement import run as runs
from accord.settlement.catalogue import NotFound
from accord.settlement.run import Run
from accord.settlement.storage import decimals, file_hash, readable, write_file
from accord.settlement.stored import StoredValues
from accord.settlement.wording import money, number

ROOT = Path(__file__).parents[2]
SAMPLE = next(one.sample for one in accord.contracts() if one.name == "payment-scheme")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_two_places_make_the_same_bytes(tmp_path: Path) -> None:
    one = accord.run("payment-scheme", SAMPLE, out=tmp_path / "one", statements=["RX1"])
    other = accord.run("payment-scheme", SAMPLE, out=tmp_path / "other", statements=["RX1"])
    assert one.folder.name == other.folder.name
    assert bytes_of(one.folder) == bytes_of(other.folder)


def test_a_run_can_be_settled_from_its_own_inputs(tmp_path: Path) -> None:
    first = accord.run("payment-scheme", SAMPLE, out=tmp_path)
    again = accord.run(first.folder, first.folder / "inputs", out=tmp_path)
    assert again.id == first.id and again.reused


def test_the_manifest_has_the_hash_of_every_file_and_no_time(tmp_path: Path) -> None:
    run = accord.run("payment-scheme", SAMPLE, out=tmp_path)
    names = set(bytes_of(run.folder)) - {"run.json"}
    assert set(run.manifest["files"]) == names
    assert str(tmp_path) not in json.dumps(run.manifest)


@pytest.mark.parametrize("form", ["\\r\\n", "byte order mark", "variation"])
def test_the_bytes_that_were_signed_are_kept(tmp_path: Path, form: str) -> None:
    library = ROOT / "src/accord/library/contracts/payment-scheme"
    content = (library / "contract.yaml").read_bytes()
    if form == "variation":
        file = library / "proposal-2022.yaml"
    else:
        file = tmp_path / "contract.yaml"
        file.write_bytes(content.replace(b"\n", b"\r\n") if form == "\\r\\n" else b"\xef\xbb\xbf" + content)
    run = accord.run(file, SAMPLE, out=tmp_path / "runs")
    assert accord.check(run.folder).signed_hash == accord.check(file).signed_hash == run.manifest["contract"]["signed"]
    assert accord.rerun(run).same


def test_a_file_that_is_written_only_in_part_is_taken_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a full disk; and a file that may not be opened at all stays what it was."""
    out, other = tmp_path / "page.html", tmp_path / "folder"
    other.mkdir()
    write_file(out, "whole")
    assert out.read_text(encoding="utf-8") == "whole"
    with pytest.raises(IsADirectoryError):
        write_file(other, "whole")
    assert other.is_dir()

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "open", lambda path, mode: Full())
    with pytest.raises(OSError, match="No space"):
        write_file(out, "half")
    assert not out.exists()


def test_a_value_is_found_wherever_parquet_keeps_its_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A large table lies in several groups of rows, and one value reads only its own."""
    monkeypatch.setattr("accord.settlement.storage.GROUP", 3)
    monkeypatch.setattr("accord.settlement.stored.WORTH_AN_INDEX", 0)  # a small table would be indexed at once
    run = accord.run("payment-scheme", SAMPLE, out=tmp_path)
    settlement = accord.settle("payment-scheme", SAMPLE)
    groups = max(pq.ParquetFile(file).num_row_groups for file in run.folder.glob("quantities/*.parquet"))
    assert groups > 3
    for name in run.contract.quantities:
        stored = StoredValues.of_run(run)
        assert {row: stored.quantity(name, row) for row in settlement.values(name)} == settlement.values(name)
    first = next(iter(settlement.values(name)))
    with pytest.raises(NotThere):
        StoredValues.of_run(run).quantity(name, tuple(f"{key}~" for key in first))


def test_payments_are_the_same_in_every_form(tmp_path: Path) -> None:
    run = accord.run("payment-scheme", SAMPLE, out=tmp_path)
    stored = pq.read_table(run.folder / "payments.parquet")
    lines = (run.folder / "payments.csv").read_text(encoding="utf-8").splitlines()
    assert stored.num_rows == len(lines) - 1 == len(run.payments)
    assert sum(stored.column("amount").to_pylist()) == sum((one.amount for one in run.payments), Fraction(0))


@pytest.mark.parametrize(
    "change", [{"up_to": "2022/23"}, {"what_ifs": {"above_plan": "50"}}, {"known_on": "2022-04-01"}]
)
def test_what_the_result_depends_on_is_in_the_name(tmp_path: Path, change: dict[str, object]) -> None:
    plain = accord.run("payment-scheme", SAMPLE, out=tmp_path)
    try:
        other = accord.run("payment-scheme", SAMPLE, out=tmp_path, **change)
    except accord.SettlementStopped as stopped:
        assert "known" in str(stopped)  # a figure that was not known then
    else:
        assert other.id != plain.id
        assert accord.rerun(other).same


def test_leftovers_of_stopped_processes_are_removed(tmp_path: Path) -> None:
    gone = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    dead = tmp_path / f"{runs.UNFINISHED}{gone.stdout.strip()}-0123456789ab"
    alive = tmp_path / f"{runs.UNFINISHED}{os.getppid()}-0123456789ab"
    for folder in (dead, alive):
        folder.mkdir()
        (folder / "run.json").write_text("{}")
    accord.run("payment-scheme", SAMPLE, out=tmp_path)
    assert not dead.exists() and alive.exists()
    with pytest.raises(accord.settlement.catalogue.NotFound, match="not a complete run"):
        runs.open_run(alive)


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize("after", [0.3, 0.6, 0.8, 1.0, 1.3])
def test_a_process_that_is_killed_leaves_nothing_that_looks_complete(tmp_path: Path, after: float) -> None:
    arguments = [
        sys.executable,
        "-m",
        "accord",
        "settle",
        "payment-scheme",
        "--data",
        str(SAMPLE),
        "--out",
        str(tmp_path),
    ]
    process = subprocess.Popen(
        arguments,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.wait()
    for folder in tmp_path.glob("*"):
        if folder.name.startswith(runs.UNFINISHED):
            with pytest.raises(accord.AccordError):
                runs.open_run(folder)
        else:
            assert accord.rerun(folder).same  # it was quicker than we were
    assert accord.rerun(accord.run("payment-scheme", SAMPLE, out=tmp_path)).same
    assert not list(tmp_path.glob(f"{runs.UNFINISHED}*"))


def test_what_is_stored_is_exact() -> None:
    import pyarrow as pa

    column = pa.chunked_array([pa.array([715, -1, None], pa.int64())])
    assert [str(value) for value in decimals(column, 3, percent=True).to_pylist()] == ["71.5", "-0.1", "None"]
    assert [str(value) for value in decimals(column, 1, percent=True).to_pylist()] == ["7150", "-10", "None"]
    assert [str(value) for value in decimals(column, 2, percent=False).to_pylist()] == ["7.15", "-0.01", "None"]
    wide = pa.chunked_array([pa.array(["9" * 50, "-5"], pa.string())])
    assert decimals(wide, 2, percent=False).to_pylist() == ["9" * 48 + ".99", "-0.05"]
    n, d = pa.chunked_array([pa.array([1, None])]), pa.chunked_array([pa.array(["3", "1"])])
    assert [str(value) for value in readable(n, d, percent=False).to_pylist()] == ["0.333333333", "None"]
    assert [str(value) for value in readable(n, d, percent=True).to_pylist()] == ["33.333333333", "None"]


def test_names_that_look_like_something_else_stay_names(tmp_path: Path) -> None:
    """A practice may be called what it likes: no key, no formula, no path and no page is read into it."""
    names = ["A; year=2027-04-01", "=cmd|'/C calc'!A0", "../../up", "<b>B</b>", "ж" * 300, "A"]
    rows = [{"practice": name, "year": "2026/27", "list_size": "1000"} for name in names]
    quarters = ("2026-04-01", "2026-07-01", "2026-10-01", "2027-01-01")
    reviews = [{"practice": n, "quarter": q, "due": "10", "done": "5"} for n in names for q in quarters]
    accord.new("supplement", folder=tmp_path / "supplement")
    run = accord.run(
        tmp_path / "supplement",
        {"lists": rows, "reviews": reviews},
        out=tmp_path / "runs",
        statements=["all"],
    )
    assert {one.row["practice"] for one in run.payments} == set(names)
    assert {tuple(one.row) for one in run.payments} == {("practice", "year")}
    statements = sorted(path.name for path in (run.folder / "statements").iterdir())
    assert len(statements) == 3 * 7 and not (tmp_path / "up").exists()
    text = (run.folder / "payments.csv").read_text(encoding="utf-8")
    assert ",'=cmd" in text and ",=cmd" not in text
    for page in (run.folder / "statements").glob("*.html"):
        assert "<b>B</b>" not in page.read_text(encoding="utf-8")
    assert accord.rerun(run).same


GBP = Unit((("GBP", 1),))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        (money(Fraction(-7, 2), "GBP"), "-£3.50"),
        (money(Fraction(1234567), "GBP"), "£1,234,567.00"),
        (money(Fraction(5), "JPY"), "JPY 5"),
        (number(Fraction(2, 5), Unit(), percent=True), "40%"),
        (number(Fraction(124, 100), GBP.times(Unit((("people", 1),)), -1)), "£1.24 per person"),
        (number(Fraction(1), Unit((("people", 1),))), "1 people"),
        (number(Fraction(12000), Unit((("people", 1),))), "12,000 people"),
        (number(Fraction(1, 3), Unit()), "≈ 0.333333 (1/3)"),
        (number(Fraction(4, 5), GBP.times(Unit((("people", 1),)), -1)), "£0.80 per person"),
        (str(WrittenUnit(Unit(), percent=True)), "percent"),
    ],
)
def test_values_are_written_as_people_write_them(text: str, printed: str) -> None:
    assert text == printed


DRAFT = ROOT / "tests" / "drafts" / "example"


def settled(out: Path) -> Run:
    return accord.run(DRAFT, DRAFT / "data", out=out)


@pytest.mark.parametrize("text", ["", '{"a":[', "[]", "{}"])
def test_a_damaged_manifest_is_said_and_never_in_the_way(tmp_path: Path, text: str) -> None:
    run = settled(tmp_path)
    (run.folder / "run.json").write_text(text, encoding="utf-8")
    with pytest.raises(NotFound, match="damaged"):
        accord.rerun(run.folder)
    again = settled(tmp_path)
    assert again.folder != run.folder and again.beside == run.folder
    assert (run.folder / "run.json").read_text(encoding="utf-8") == text


def test_an_edited_run_is_never_handed_back_as_good(tmp_path: Path) -> None:
    run = settled(tmp_path)
    (run.folder / "payments.csv").write_text("edited", encoding="utf-8")
    again = settled(tmp_path)
    assert not again.reused and again.beside == run.folder
    assert settled(tmp_path).reused


def test_a_run_that_comes_out_otherwise_is_named_file_by_file(tmp_path: Path) -> None:
    """As after a change of the engine: the folder is what was written, and what is written now is something else."""
    run = settled(tmp_path)
    (run.folder / "payments.csv").write_text("otherwise", encoding="utf-8")
    (run.folder / "more.csv").write_text("no more", encoding="utf-8")
    (run.folder / "notices.csv").unlink()
    manifest = json.loads((run.folder / "run.json").read_text(encoding="utf-8"))
    manifest["files"]["payments.csv"] = file_hash(run.folder / "payments.csv")
    manifest["files"]["more.csv"] = file_hash(run.folder / "more.csv")
    del manifest["files"]["notices.csv"]
    manifest["made_with"]["duckdb"] = "0.1"
    (run.folder / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    again = accord.rerun(runs.open_run(run.folder))
    assert not again.same and again.differences == (
        "more.csv did not come out again",
        "notices.csv is new: the run does not have it",
        "payments.csv differs",
        "run.json differs",
    )
    assert len(again.reasons) == 1 and again.reasons[0].startswith("made with duckdb 0.1, now ")


def test_a_contract_whose_worked_example_does_not_hold_pays_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "contract"
    shutil.copytree(DRAFT, folder)
    text = (folder / "contract.yaml").read_text(encoding="utf-8")
    assert "reward: 36314.27" in text
    (folder / "contract.yaml").write_text(text.replace("reward: 36314.27", "reward: 36314.28"), encoding="utf-8")
    with pytest.raises(ContractRefused, match="36314"):
        accord.run(folder, folder / "data", out=tmp_path / "runs")
    assert not (tmp_path / "runs").exists()
