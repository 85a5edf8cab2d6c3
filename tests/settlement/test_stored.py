"""Stored values: what a run has kept and what a settlement holds, read as formulas read what is computed."""

from __future__ import annotations

from pathlib import Path

import pytest

import accord
from accord.engine import Reference, explain, read_inputs
from accord.language import check_text
from accord.settlement.stored import StoredValues

DRAFTS = Path(__file__).parent.parent / "drafts"
NAMES = sorted(folder.parent.name for folder in DRAFTS.glob("*/contract.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_all_tell_the_same_story(name: str, tmp_path: Path) -> None:
    """Computed by the reference, held by a settlement in memory, or kept by a run: one tree."""
    contract = accord.check(DRAFTS / name)
    inputs = read_inputs(contract, {path.stem: path for path in (DRAFTS / name / "data").glob("*.csv")})
    reference = Reference(contract, inputs)
    held = StoredValues.of_settlement(accord.settle(contract, DRAFTS / name / "data"))
    kept = StoredValues.of_run(accord.run(contract, DRAFTS / name / "data", out=tmp_path))
    for quantity in contract.quantities.values():
        rows = reference.rows(quantity.rows)
        for row in rows[:: max(1, len(rows) // 2)]:
            named = dict(zip(quantity.keys, row, strict=True))
            computed = explain(contract, reference.world(0), quantity.name, named, depth=2, limit=4)
            assert computed.value == reference.value(quantity.name, row)
            for values in (held, kept):
                assert explain(contract, values, quantity.name, named, depth=2, limit=4) == computed


WORLDS = """accord: 1
contract: worlds
currency: GBP
term: {from: 2026-04-01, to: 2027-03-31}
keys: {practice: {}, year: {every: 12 months}}
inputs: {lists: {keys: [practice, year], columns: {list_size: people}}}
quantities: [{each: [practice, year], twice: {is: list_size + list_size, report: true}}]
"""


def test_of_several_worlds_the_first_is_told() -> None:
    contract = check_text(WORLDS)
    rows = [{"world": world, "practice": "A", "year": "2026-04-01", "list_size": 10 + world} for world in (1, 0, 2)]
    values = StoredValues.of_settlement(accord.settle(contract, {"lists": rows}))
    assert values.quantity("twice", ("A", "2026-04-01")) == 20
    assert values.cell("lists", "list_size", ("A", "2026-04-01")) == 10
