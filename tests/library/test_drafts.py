"""The drafts: realistic contracts that must all be expressible. Each checks, settles on small made-up inputs, balances.

Whether all engines agree on them is asked in tests/engine; here the contracts themselves are.
"""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from accord.engine.inputs import read_inputs
from accord.engine.settling import Settlement, settle
from accord.language import check
from accord.language.contract import Contract

DRAFTS = Path(__file__).parents[1] / "drafts"
NAMES = sorted(folder.name for folder in DRAFTS.iterdir() if folder.is_dir())

# what each draft is there to show: the figure that its data was made for, worked out apart from Accord
EXPECTED: dict[str, list[tuple[str, tuple[str, ...], str | None]]] = {
    "mssp": [
        ("shared_savings", ("A01", "2016-01-01"), "1743788"),  # savings of exactly the minimum rate
        ("shared_savings", ("A02", "2016-01-01"), "0"),  # one cent less
        ("shared_savings", ("A03", "2016-01-01"), "40000000"),  # the cap of 20 % of the benchmark
        ("shared_losses", ("A09", "2020-01-01"), "720000"),  # less the disaster adjustment
    ],
    "reach": [
        ("settlement", ("D01", "2021-01-01"), "3801963.37"),
        ("settlement", ("D04", "2021-01-01"), "-13314000"),  # a loss and the retention withhold
        ("settlement", ("D07", "2022-01-01"), "0"),
    ],
    "iif": [
        ("core_funding", ("N2", "2023-09-01"), None),
        ("balance_share", ("P5", "2023-04-01"), "0"),  # closed at Christmas
    ],
    "blended-payment": [
        ("past_average", ("RD", "QX", "2022-04-01"), "500000"),  # exactly the limit: not low volume
        ("block", ("RD", "QX", "2022-04-01"), "0"),
    ],
    "integration-supplement": [
        ("saving", ("N1", "2027-04-01"), "16124.36"),  # averted exactly what chance could do: beyond_chance holds
        ("loss_part", ("P2", "2027-04-01"), "4700"),  # the promised most
    ],
}


def settled(name: str) -> tuple[Contract, Settlement]:
    """The draft, checked and settled on the inputs beside it."""
    contract = check(DRAFTS / name / "contract.yaml")
    sources = {file.stem: file for file in sorted((DRAFTS / name / "data").glob("*.csv"))}
    return contract, settle(contract, read_inputs(contract, sources))


def test_there_are_fourteen_drafts_and_the_example_of_the_design() -> None:
    assert len(NAMES) == 15


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_checks_without_problems_and_its_examples_hold(name: str) -> None:
    contract = check(DRAFTS / name / "contract.yaml")
    assert contract.examples, "every draft has worked examples"
    assert all(not warning.message.startswith("example") for warning in contract.warnings)


@pytest.mark.parametrize("name", NAMES)
def test_a_draft_settles_and_its_payments_balance(name: str) -> None:
    contract, settlement = settled(name)
    assert settlement.payments.num_rows > 0 or not contract.payments
    owed: Counter[tuple[str, str]] = Counter()
    for row in settlement.payments.to_pylist():
        amount = Fraction(int(row["amount"]), 10 ** int(row["places"]))
        assert amount >= 0, "what flows back is turned round, never negative"
        owed[row["payer_party"], row["payer"]] -= amount
        owed[row["receiver_party"], row["receiver"]] += amount
    assert sum(owed.values()) == 0, "what one party pays another receives"


@pytest.mark.parametrize(
    ("name", "quantity", "row", "value"), [(name, *figure) for name, figures in EXPECTED.items() for figure in figures]
)
def test_a_draft_gives_the_figure_it_is_there_for(
    name: str, quantity: str, row: tuple[str, ...], value: str | None
) -> None:
    contract, settlement = settled(name)
    order = contract.quantities[quantity].keys
    written = dict(zip(EXPECTED_KEYS[quantity], row, strict=True))
    found = settlement.values(quantity)[tuple(written[key] for key in order)]
    if value is None:
        assert found is not None
    else:
        assert found == Fraction(value)


EXPECTED_KEYS = {
    "shared_savings": ("aco", "performance_year"),
    "shared_losses": ("aco", "performance_year"),
    "settlement": ("aco", "performance_year"),
    "core_funding": ("pcn", "month"),
    "balance_share": ("practice", "year"),
    "past_average": ("provider", "commissioner", "year"),
    "block": ("provider", "commissioner", "year"),
    "saving": ("neighbourhood", "year"),
    "loss_part": ("practice", "year"),
}
"""The keys of those quantities in the order in which the table above writes them."""
