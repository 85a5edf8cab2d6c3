"""Measures feed contracts: a contract that names measures, settled from a made record."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

import accord
from accord.language.problem import ContractRefused, DataRefused
from accord.measures.calls import feed
from accord.record.record import Record
from accord.settlement.calls import check, rerun, run
from tests.measures.made import card, made, organisations, rows, write_measure

CONTRACT = """accord: 1
contract: falls
title: Fewer falls
currency: GBP
term: {from: 2025-04-01, to: 2027-03-31}
units: [attendance]
keys: {practice: {}, year: {every: 12 months}}
parties: {board: {name: Board}, practice: {each: practice}}
inputs:
  falls:
    measure: falls@1
    keys: [practice, year]
    columns: {observed: attendance, denominator: people, rate: {unit: attendance per person}}
parameters:
  price: {unit: GBP per person, value: 2.50, authority: cl. 1}
  limit: {unit: attendance per person, value: 500, authority: cl. 2}
quantities:
  - each: [practice, year]
    pay:
      is: case when rate <= limit then denominator * price else 0 end
      round: 0.01 GBP half_up
      clause: cl. 1
    seen: {is: observed, report: true}
payments: [{pay: pay, from: board, to: practice}]
"""


@pytest.fixture
def place(tmp_path: Path) -> tuple[Path, Record]:
    """A contract with a measure beside it, and a record: P1 has two people and a fall, P2 one person and two falls."""
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n in (1, 2, 3, 4)]),
        registrations=rows(
            "registrations",
            "person|practice|since",
            *["1 | P1 | 2020-01-01", "2 | P1 | 2020-01-01", "3 | P2 | 2020-01-01"],
        ),
        attendances=rows(
            "attendances",
            "person|day",
            *[f"{of} | {day}" for of, day in (("1", "2025-05-01"), ("4", "2025-05-01"))],
            *[f"3 | {day}" for day in ("2025-06-01", "2026-03-31")],
        ),
        organisations=organisations(),
    )
    (tmp_path / "contract.yaml").write_text(CONTRACT, "utf-8")
    write_measure(tmp_path / "measures", card())
    return tmp_path, record


FIRST, UNTIL = dt.date(2025, 4, 1), dt.date(2026, 4, 1)


def test_end_to_end(place: tuple[Path, Record]) -> None:
    """From a record to a payment, kept in a run, and run again."""
    folder, record = place
    contract = check(folder / "contract.yaml")
    fed, paths = feed(contract, record, folder / "data", first=FIRST, until=UNTIL, beside=folder)
    assert paths[0].read_text().splitlines() == [
        '"practice","year","observed","denominator","rate"',
        '"P1","2025-04-01","1","2","500.0"',
        '"P2","2025-04-01","2","1","2000.0"',
    ]
    assert (fed[0].measure, fed[0].outside) == ("falls@1", 1)
    made = run(folder / "contract.yaml", folder / "data", out=folder / "runs", up_to="2025-04-01")
    assert [(one.receiver, one.amount_text) for one in made.totals()] == [("2 × practice", "£5.00")]
    assert rerun(made.folder).same


def test_a_run_keeps_the_cards(place: tuple[Path, Record]) -> None:
    """A run of a contract with a measure of its own is settled again from what it stored, the card too."""
    folder, record = place
    indirect = {"method": "indirect", "by": ["sex", "age_band"], "ages": "0-64 65+", "standard": "own"}
    write_measure(folder / "measures", card(standardise=indirect, permits="the national figure"))
    contract = check(folder / "contract.yaml")
    assert contract.tables["falls"].column("rate").comparable == "the national figure"
    feed(contract, record, folder / "data", first=FIRST, until=UNTIL, beside=folder)
    made = run(folder / "contract.yaml", folder / "data", out=folder / "runs", up_to="2025-04-01")
    again = rerun(made.folder)
    assert again.same, again


def test_the_card_reaches_the_check(place: tuple[Path, Record]) -> None:
    """What a definition forbids, a contract cannot do; a column that no card gives is refused."""
    folder, _ = place
    indirect = {"method": "indirect", "by": ["sex", "age_band"], "ages": "0-64 65+", "standard": "own"}
    write_measure(folder / "measures", card(standardise=indirect, permits="the national figure"))
    ranked = CONTRACT.replace("seen: {is: observed", "place: {is: rank() over (partition by year order by rate)")
    (folder / "contract.yaml").write_text(ranked, "utf-8")
    with pytest.raises(ContractRefused, match="may be compared with the national figure only"):
        accord.check(folder / "contract.yaml")
    (folder / "contract.yaml").write_text(CONTRACT.replace("observed: attendance", "observd: attendance"), "utf-8")
    with pytest.raises(ContractRefused, match="did you mean observed"):
        accord.check(folder / "contract.yaml")


def test_who_is_placed_nowhere_is_counted_and_given_to_nobody(place: tuple[Path, Record]) -> None:
    """A practice that lies in no network has no row under a network's name."""
    folder, _ = place
    record = made(
        folder / "other",
        people=rows("people", "person|born|sex", "1 | 1950-01-01 | female", "2 | 1950-01-01 | female"),
        registrations=rows("registrations", "person|practice|since", "1 | P1 | 2020-01-01", "2 | P9 | 2020-01-01"),
        attendances=rows("attendances", "person|day", "1 | 2025-05-01", "2 | 2025-05-01"),
        organisations=organisations(),
    )
    (folder / "contract.yaml").write_text(CONTRACT.replace("practice", "network"), "utf-8")
    contract = check(folder / "contract.yaml")
    (fed,), (path,) = feed(contract, record, folder / "data", first=FIRST, until=UNTIL, beside=folder)
    assert path.read_text().splitlines()[1:] == ['"N1","2025-04-01","1","1","1000.0"']
    assert fed.unplaced == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("[practice, year]", "[provider, year]", "cannot be given by provider"),
        ("falls@1", "stumbles@1", "neither in the library nor beside it"),
        ("falls@1", "falls@2", "neither in the library nor beside it|has version 1"),
    ],
)
def test_refused(place: tuple[Path, Record], old: str, new: str, said: str) -> None:
    """Keys that no measure knows, measures that are not there."""
    folder, record = place
    text = CONTRACT.replace(old, new)
    if "provider" in new:
        text = text.replace("{practice: {}", "{provider: {}").replace(
            "practice: {each: practice}", "provider: {each: provider}"
        )
        text = text.replace("to: practice", "to: provider")
    (folder / "contract.yaml").write_text(text, "utf-8")
    with pytest.raises((DataRefused, accord.AccordError), match=said):
        feed(check(folder / "contract.yaml"), record, folder / "data", first=FIRST, until=UNTIL, beside=folder)


def test_periods_outside_the_term(place: tuple[Path, Record]) -> None:
    """Only the contract's own periods are filled."""
    folder, record = place
    contract = check(folder / "contract.yaml")
    with pytest.raises(DataRefused, match="no year of falls lies wholly between"):
        feed(contract, record, folder / "data", first=dt.date(2024, 4, 1), until=dt.date(2025, 4, 1), beside=folder)
