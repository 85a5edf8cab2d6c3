"""Sourcing: every figure of the library carries a source or is unverified, and a contract's sources can be counted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accord.language import check, check_text
from accord.library import CONTRACTS
from accord.settlement.sourcing import STATUSES, sourcing_of

TEXTS = sorted(
    path
    for path in CONTRACTS.glob("*/*.yaml")
    if "\ncontract:" in path.read_text(encoding="utf-8") or "\nvariation:" in path.read_text(encoding="utf-8")
)

CONTRACT = """
accord: 1
contract: fees
authority: The board's letter
currency: GBP
term: {from: 2026-04-01, to: 2028-03-31}
units: [review]
keys: {practice: {}, code: {}, year: {every: 12 months}}
parties: {board: {name: The board}, practice: {each: practice}}
inputs:
  work: {keys: [practice, code, year], columns: {done: {unit: reviews, min: 0}}}
tables:
  codes:
    keys: [code]
    columns:
      weight: number
      weight_source: {type: text, optional: true, note: to be read}
      weight_status: {type: text, note: to be read}
    rows: [[x, 1, "letter, p. 2", verified], [y, 2, "{source}", verified], [z, 3, "", unverified]]
    authority: letter
    status: derived
parameters:
  fee:
    unit: GBP per review
    dated:
      - {from: 2026-04-01, value: 10, authority: "{authority}", status: verified}
      - {from: 2027-04-01, value: 11, authority: rumour}
quantities:
  - each: [practice, code, year]
    pay: {is: done * fee * weight, round: 0.01 GBP half_up, status: assumed}
payments:
  - {pay: pay, from: board, to: practice}
"""


def text(authority: str = "letter, p. 1", source: str = "letter, p. 3") -> str:
    return CONTRACT.replace("{authority}", authority).replace("{source}", source)


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_every_figure_of_the_library_has_a_source_or_is_unverified(file: Path) -> None:
    sourcing = sourcing_of(check(file))
    assert not sourcing.bare
    parameters = {one.name for one in sourcing.all if one.kind == "figure"}
    assert parameters == set(sourcing.contract.parameters)
    tables = {one.name for one in sourcing.all if one.kind == "table"}
    assert tables == {table.name for table in sourcing.contract.tables.values() if table.own}


def test_figures_tables_rules_and_rows_are_counted() -> None:
    sourcing = sourcing_of(check_text(text()))
    assert not sourcing.bare
    assert sourcing.statuses == {"verified": 1, "unverified": 1, "derived": 1, "indicative": 0, "assumed": 1}
    assert sourcing.counts["row"] == {**dict.fromkeys(STATUSES, 0), "verified": 2, "unverified": 1}
    assert [authority for authority, _ in sourcing.authorities][:3] == ["", "The board's letter", "letter"]


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        pytest.param({"authority": "—"}, "figure", id="a verified figure from nowhere"),
        pytest.param({"source": ""}, "row", id="a verified row from nowhere"),
    ],
)
def test_what_is_verified_from_nowhere_is_found(wrong: dict[str, str], kind: str) -> None:
    assert [one.kind for one in sourcing_of(check_text(text(**wrong))).bare] == [kind]


# ------------------------------------------------------------------------------------------------------ the command


def test_the_library_says_how_much_is_verified(command: Callable[..., Any]) -> None:
    said = command("library").out
    for status in STATUSES:
        assert status in said.splitlines()[0]
    listed = {one["name"]: one for one in command("library", "--json").json}
    assert listed["qof"]["kinds"]["row"]["verified"] > 500
    for name, one in listed.items():
        assert "refused" not in one, name
        assert one["statuses"]["no source"] == 0, name
        assert one["statuses"]["unverified"] == command("check", name, "--json", "--no-examples").json["unverified"]


def test_one_contract_lists_its_sources(command: Callable[..., Any]) -> None:
    ended = command("library", "qof")
    assert ended.code == 0 and "BMA, Covid toolkit, QOF\n    1 verified: value_of_a_point" in ended.out
    told = command("library", "qof", "--json").json
    assert sum(sum(source["statuses"].values()) for source in told["sources"]) == sum(
        sum(counts.values()) for counts in told["kinds"].values()
    )
    assert command("library", "qfo").code == 6
