"""Every section of the language reference is checked and settled by all three engines, to the last digit."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction

import pytest

from accord.engine import read_inputs, settle
from accord.engine.settling import Settlement
from accord.language import ContractRefused, DataRefused, Problem, SettlementStopped, check_text
from accord.settlement.examples import run_examples
from tests.spec import book
from tests.spec.spec import Spec, blocks, expected, sources, whole_text

SPECS = [spec for chapter in book.chapters() for spec in chapter.specs if spec.contract]
ENGINES = ("reference", "integers", "duckdb")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.title)
def test_what_the_reference_says_is_what_happens(spec: Spec) -> None:
    text = whole_text(spec)
    if spec.refused:
        with pytest.raises(ContractRefused) as refused:
            check_text(text, files=spec.files, cards=spec.cards)
        said = [(problem.message, problem.fix) for problem in refused.value.problems]
        assert said == [(spec.with_hash(spec.refused), spec.fix), *spec.also]
        return
    contract = check_text(text, files=spec.files, cards=spec.cards)
    if spec.warned:
        assert_says(contract.warnings, spec.warned, spec.fix)
    known_on = dt.date.fromisoformat(spec.known_on) if spec.known_on else None
    if spec.data_refused:
        with pytest.raises(DataRefused) as refused:
            inputs = read_inputs(contract, sources(spec), known_on=known_on, up_to=spec.up_to)
            settle(contract, inputs)
        assert_says(refused.value.problems, spec.data_refused, spec.fix)
        return
    inputs = read_inputs(contract, sources(spec), known_on=known_on, up_to=spec.up_to)
    if spec.doubted:
        assert_says(inputs.warnings, spec.doubted, spec.fix)
    run_examples(contract)
    for engine in ENGINES:
        if spec.stopped:
            with pytest.raises(SettlementStopped) as stopped:
                settle(contract, inputs, engine=engine)
            if engine != "reference":  # the oracle stops too, in words of its own
                assert_says(stopped.value.problems, spec.stopped, spec.fix)
            continue
        settlement = settle(contract, inputs, engine=engine)
        for name, (values, complete) in expected(spec, contract).items():
            found = settlement.values(name)
            if not complete:
                found = {row: value for row, value in found.items() if row in values}
            assert found == values, f"{name}, by {engine}"
        assert_paid(spec, settlement)


def assert_says(problems: tuple[Problem, ...], message: str, fix: str) -> None:
    assert [problem.message for problem in problems] == [message]
    assert problems[0].fix == fix


def assert_paid(spec: Spec, settlement: Settlement) -> None:
    for text, table in ((spec.payments, settlement.payments), (spec.notices, settlement.notices)):
        for block in blocks(text):
            rows = [{name: str(row[name]) for name in block.columns if name != "amount"} for row in table.to_pylist()]
            if "amount" in block.columns:
                for shown, row in zip(rows, table.to_pylist(), strict=True):
                    shown["amount"] = str(Fraction(row["amount"]) / 10 ** row["places"])
            wanted = [{**row, "amount": str(Fraction(row["amount"]))} if "amount" in row else row for row in block.rows]
            key = lambda row: sorted(row.items())  # noqa: E731
            assert sorted(rows, key=key) == sorted(wanted, key=key)


def test_the_reference_is_current() -> None:
    assert book.stale() == [], "the language reference or a schema is out of date: make docs"
