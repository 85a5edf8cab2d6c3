"""A statement in plain words: what, for what, when, what changed, what is not certain, and nothing about nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import accord
from accord.library import CONTRACTS
from accord.settlement import statement as statements
from accord.settlement.income import income
from accord.settlement.plain_words import plain_words
from accord.settlement.run import Run
from accord.settlement.statement import Statement
from accord.settlement.stored import StoredValues
from tests.settlement.test_income import CONTRACT, data


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("plain")


def one_year(out: Path, year: int) -> Run:
    """The run of one year, its contract for that year alone."""
    file = out / f"{year}.yaml"
    terms = "2026-04-01, to: 2029-03-31", f"{year}-04-01, to: {year + 1}-03-31"
    file.write_text(CONTRACT.replace(*terms), encoding="utf-8")
    return accord.run(file, data(year), out=out / "runs")


def statement_of(run: Run, name: str) -> Statement:
    (party,) = statements.parties_named(run, [name], "--party")
    return statements.statement_of(run, run.contract, StoredValues.of_run(run), party)


def said(run: Run, name: str, *earlier: Run) -> dict[str, tuple[str, ...]]:
    parts = plain_words(statement_of(run, name), income([*earlier, run], ["all"]))
    return {part.title.split(",")[0]: part.sentences for part in parts}


def test_what_for_what_and_when(out: Path) -> None:
    words = said(one_year(out, 2027), "A")
    assert words["What it comes to"] == (
        "Health checks, 1 April 2027 to 31 March 2028: £120.00 is owed to you and £20.00 is owed by you,"
        " so £100.00 in all to you.",
    )
    assert words["What for"] == (
        "£120.00 from The board for on account: 12 payments of £10.00, for April 2027 to March 2028;"
        " due month end, the first on 30 April 2027 and the last on 31 March 2028.",
        "£20.00 to The board for balance, for 2027/28; due by the end of June after the year, 30 June 2028.",
    )
    assert words["What has changed since the year before"] == (
        "There is no year before to compare with: accord show RUN --party … --before RUN names one.",
    )


def test_what_changed_since_an_earlier_run(out: Path) -> None:
    earlier, later = one_year(out, 2026), one_year(out, 2027)
    changed = "What has changed since the year before"
    assert said(later, "A", earlier)[changed] == (
        "2027/28: £100.00, £50.00 less than in 2026/27 (-33.3%).",
        "By stream: balance -£50.00.",
    )
    assert said(later, "C", earlier)[changed] == ("2027/28: £12.00; there was nothing in 2026/27.",)


def test_payments_of_nothing_are_counted_in_one_line(out: Path) -> None:
    run = one_year(out, 2026)
    made = statement_of(run, "B")
    assert made.nothing == "1 payment comes to £0.00 and is not listed, all of balance among them."
    page = statements.html(made)
    lines = page[page.index('id="lines"') : page.index('id="working"')]
    assert made.nothing in lines and "balance: balance" not in lines


@pytest.mark.parametrize(
    ("contract", "party", "sentences"),
    [
        pytest.param(
            "gms-global-sum",
            "practice",
            ["taken as 1, for an index without data is neutral", "nobody has verified the figures"],
            id="which index was neutral",
        ),
        pytest.param("qof", "practice", ["nobody has verified the rounding of"], id="which rounding is unverified"),
    ],
)
def test_what_is_not_certain(contract: str, party: str, sentences: list[str], out: Path) -> None:
    run = accord.run(contract, CONTRACTS / contract / "sample", out=out / "runs")
    member = next(one.member for one in run.ledger.parties if one.party == party)
    reasons = " ".join(statement_of(run, f"{party}={member}").reasons)
    for sentence in sentences:
        assert sentence in reasons


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CONTRACTS.glob("*/sample")))
def test_every_contract_of_the_library_can_be_said(name: str, out: Path) -> None:
    run = accord.run(name, CONTRACTS / name / "sample", out=out / "runs")
    earned = income([run], ["all"])
    for party in run.ledger.parties[:3]:
        (made,) = [statements.statement_of(run, run.contract, StoredValues.of_run(run), party)]
        parts = plain_words(made, earned)
        assert all(part.sentences for part in parts)
        if made.net:
            assert made.money(abs(made.net)) in parts[0].sentences[0]


# -------------------------------------------------------------------------------------------------------- the command


def test_the_command(command: Callable[..., Any], out: Path, tmp_path: Path) -> None:
    earlier, later = one_year(out, 2026), one_year(out, 2027)
    said = command("show", later.folder, "--party", "A", "--before", earlier.folder)
    assert said.code == 0, said.err
    for part in ("Practice A: provisional statement", "£50.00 less than in 2026/27", "What is not certain"):
        assert part in said.out
    told = command("show", later.folder, "--party", "practice=A", "--json").json
    assert told["member"] == "A" and "What it comes to" in told["words"]
    assert command("show", later.folder, "--party", "A", "--html", "s.html").code == 0
    assert "What has changed since the year before" in (tmp_path / "s.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ([], "whose statement is meant"),
        (["--party", "Z"], "no payment of this run is from or to Z"),
        (["--party", "all"], "means 4 parties"),
        (["--party", "A", "--docx", "s.docx"], "not written as a Word document"),
    ],
    ids=["nobody named", "unknown", "several", "Word"],
)
def test_what_the_command_refuses(command: Callable[..., Any], out: Path, more: list[str], says: str) -> None:
    ended = command("show", one_year(out, 2027).folder, *more)
    assert ended.code == 2 and says in ended.err
