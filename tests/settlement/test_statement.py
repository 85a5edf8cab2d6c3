"""Statements: the arithmetic in the workbook is the contract's, cell by cell, for every contract we have data for."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from fractions import Fraction
from functools import cache
from pathlib import Path

import openpyxl
import pytest

import accord
from accord.settlement import statement as statements
from accord.settlement.run import Run
from accord.settlement.stored import StoredValues
from accord.settlement.workings import sheet_value
from tests.settlement.sheet import NA, Sheet

ROOT = Path(__file__).parents[2]
DRAFTS = {
    folder.name: (folder, folder / "data")
    for folder in sorted((ROOT / "tests" / "drafts").iterdir())
    if folder.is_dir()
}
SAMPLES = {one.name: (one.folder, one.sample) for one in accord.contracts() if one.sample}
ALL = {**{f"draft {name}": both for name, both in DRAFTS.items()}, **SAMPLES}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Run]:
    """The run of a contract, made once."""
    out = tmp_path_factory.mktemp("runs")

    @cache
    def run(name: str) -> Run:
        folder, data = ALL[name]
        return accord.run(folder, data, out=out)

    return run


pytestmark = pytest.mark.xdist_group("statements")


SUMMED = """accord: 1
contract: summed
currency: GBP
term: {from: 2026-04-01, to: 2027-03-31}
keys: {practice: {}, year: {every: 12 months}}
parties: {board: {name: The board}, trust: {name: The trust}}
inputs: {lists: {keys: [practice, year], columns: {list_size: people}}}
parameters: {rate: {unit: GBP per person, value: 2, authority: a letter, status: unverified}}
quantities:
  - {each: [practice, year], part: {is: list_size * rate, round: 0.01 GBP half_up}}
  - {each: [year], whole: sum(part)}
payments: [{pay: whole, from: board, to: trust}]
"""


@pytest.mark.parametrize("linked", [60, 1], ids=["its parts are shown", "its parts are too many to be shown"])
def test_a_sum_rests_on_what_its_parts_rest_on(linked: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accord.settlement.workings.ROWS_LINKED", linked)
    (tmp_path / "contract.yaml").write_text(SUMMED, encoding="utf-8")
    rows = [{"practice": name, "year": "2026-04-01", "list_size": 10} for name in "ABC"]
    run = accord.run(tmp_path, {"lists": rows}, out=tmp_path / "runs")
    party = next(one for one in run.ledger.parties if one.party == "trust")
    made = statements.statement_of(run, run.contract, StoredValues.of_run(run), party)
    assert made.net == 60 and made.standing == "Draft"
    assert made.reasons == ["Draft: nobody has verified the figure rate."]
    assert any(cell.name == "part" for cell in made.working) == (linked == 60)


@pytest.mark.parametrize("name", ALL)
def test_every_formula_gives_what_was_settled(name: str, made) -> None:
    run = made(name)
    values = StoredValues.of_run(run)
    linked = 0
    for party in run.ledger.parties[:4]:
        made_statement = statements.statement_of(run, run.contract, values, party)
        cells = [*made_statement.working, *made_statement.inputs, *made_statement.figures]
        constants = {cell.reference: NA if cell.value is None else cell.value for cell in cells if not cell.formula}
        sheet = Sheet({cell.reference: cell.formula for cell in cells if cell.formula}, constants)
        for cell in cells:
            if cell.formula:
                linked += 1
                shown = sheet.value(cell.reference)
                assert (None if shown is NA else shown) == cell.value, (cell.name, cell.at, cell.formula[:300])
    assert linked or not run.payments


@pytest.mark.parametrize("name", ALL)
def test_a_run_of_every_contract_comes_out_again(name: str, made) -> None:
    run = made(name)
    result = accord.rerun(run)
    assert result.same, result.differences


@pytest.mark.parametrize("name", ALL)
def test_statements_add_up_and_balance(name: str, made) -> None:
    run = made(name)
    values = StoredValues.of_run(run)
    nets = [statements.statement_of(run, run.contract, values, party).net for party in run.ledger.parties]
    assert sum(nets, Fraction(0)) == 0


def test_a_workbook_holds_the_settled_values(tmp_path: Path) -> None:
    run = accord.run(*ALL["payment-scheme"], out=tmp_path / "runs", statements=["RX1"])
    book = openpyxl.load_workbook(run.folder / "statements" / "provider-RX1.xlsx", data_only=True)
    (party,) = statements.parties_named(run, ["RX1"], "--party")
    made_statement = statements.statement_of(run, run.contract, StoredValues.of_run(run), party)
    for cell in made_statement.working:
        held = book["Working"][f"C{cell.number + 3}"].value
        assert held == sheet_value(cell) or held == pytest.approx(sheet_value(cell), rel=1e-12)
    assert [sheet.title for sheet in book] == ["Statement", "Working", "Inputs", "Figures"]


def test_a_workbook_computes_in_an_office_program(tmp_path: Path) -> None:
    """The formulas without their values, opened and computed by LibreOffice."""
    office = shutil.which("soffice")
    if office is None:
        pytest.skip("LibreOffice is not here")
    run = accord.run(*ALL["payment-scheme"], out=tmp_path / "runs", statements=["RX2"])
    path = run.folder / "statements" / "provider-RX2.xlsx"
    bare = tmp_path / "bare.xlsx"
    openpyxl.load_workbook(path).save(bare)  # openpyxl keeps formulas and drops values
    for kind, source in (("ods", bare), ("xlsx:Calc MS Excel 2007 XML", tmp_path / "bare.ods")):
        command = [office, "--headless", f"-env:UserInstallation=file://{tmp_path}/office", "--convert-to", kind]
        subprocess.run([*command, "--outdir", str(tmp_path), str(source)], check=True, capture_output=True, timeout=180)
    settled = openpyxl.load_workbook(path, data_only=True)
    computed = openpyxl.load_workbook(tmp_path / "bare.xlsx", data_only=True)
    compared = 0
    for sheet in settled.sheetnames:
        for row in settled[sheet].iter_rows(min_col=3, max_col=4):
            for cell in row:
                if isinstance(cell.value, (int, float)):
                    compared += 1
                    assert computed[sheet][cell.coordinate].value == pytest.approx(cell.value, rel=1e-9, abs=1e-9)
    assert compared > 100


def test_a_statement_names_only_what_its_amounts_rest_on(made) -> None:
    run = made("payment-scheme")
    (party,) = statements.parties_named(run, ["RX1"], "--party")
    made_statement = statements.statement_of(run, run.contract, StoredValues.of_run(run), party)
    assert made_statement.standing == "Draft"
    assert any("cquin share" in reason for reason in made_statement.reasons)
    page = statements.html(made_statement)
    for part in ("Owed to you", "Owed by you", "These amounts are not final", run.id, run.contract.signed_hash):
        assert part in page
    assert "<script" not in page
