"""Two hashes: one of the bytes that were signed, one of what they mean."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from accord.language import check_text
from accord.language.canonical import canonical, canonical_text, meaning_of
from accord.language.contract import Contract

BASE = dedent("""
    accord: 1
    contract: supplement
    title: The supplement
    authority: Health Act
    currency: GBP
    term: {from: 2026-04-01, to: 2028-03-31}
    units: [review]
    keys:
      practice: {}
      year: {every: 12 months}
    parties:
      board: {name: The board}
      practice: {each: practice}
    inputs:
      work:
        keys: [practice, year]
        columns:
          due: {unit: reviews, min: 0}
          done: {unit: reviews, min: 0}
          band: {one_of: [low, high]}
    tables:
      bonus: {keys: [practice], columns: {extra: GBP}, file: bonus.csv, authority: annex}
    parameters:
      fee: {unit: GBP per review, value: 18.50, authority: schedule 2, note: a remark}
      target:
        unit: percent
        by: band
        dated:
          - {from: 2026-04-01, values: {low: 80, high: 90}, authority: cl. 4}
          - {from: 2027-04-01, known_from: 2027-02-01, values: {low: 82, high: 92}, authority: cl. 4}
      size: {scale: step, of: review, unit: GBP, above: hold, points: [[0, 100], [50, 200]], authority: cl. 5}
    quantities:
      - title: What is paid
        each: [practice, year]
        reached: {is: done >= due * target, clause: cl. 4}
        reward:
          is: case when reached then done * fee else 0 end + extra
          round: 0.01 GBP half_up
          note: a remark
        basic: size(due)
    checks:
      - {that: done <= due, each: [practice, year], else: too many}
    payments:
      - {pay: reward, from: board, to: practice, stream: core}
      - {pay: basic, from: board, to: practice}
    examples:
      - title: One
        given: {work: [{practice: A, year: 2026-04-01, due: 10, done: 9, band: high}]}
        expect: {it: [{practice: A, year: 2026-04-01, reward: 171.50}]}
""").lstrip()
FILES = {"bonus.csv": b"practice,extra\nA,5\n"}


def contract(*changes: tuple[str, str], files: dict[str, bytes] | None = None) -> Contract:
    text = BASE
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    return check_text(text, files=files or FILES)


UNCHANGED = contract()

SAME_MEANING = {
    "a remark of YAML": ("currency: GBP", "# a remark\ncurrency: GBP   # and another"),
    "spacing": ("keys: [practice, year]", "keys:   [ practice,   year ]"),
    "quotes": ("authority: Health Act", 'authority: "Health Act"'),
    "a mapping over several lines": ("practice: {}\n", "practice:\n    {}\n"),
    "spacing of a formula": ("done >= due * target", "done>=due*target"),
    "brackets a formula does not need": ("done >= due * target", "(done >= ((due * target)))"),
    "capitals of SQL": ("case when reached then", "CASE WHEN reached THEN"),
    "the title": ("title: The supplement", "title: The Supplement"),
    "the title of a group": ("title: What is paid", "title: Money"),
    "a note": ("note: a remark}", "note: another}"),
    "the note of a quantity": ("note: a remark\n", "note: another\n"),
    "a clause": ("clause: cl. 4", "clause: clause 4"),
    "an authority": ("authority: schedule 2", "authority: schedule II"),
    "the authority of the whole": ("authority: Health Act", "authority: Health and Care Act"),
    "a worked example": ("title: One", "title: First"),
    "the writing of a number": ("value: 18.50", "value: 18.5"),
    "entries in another order": (
        "  fee: {unit: GBP per review, value: 18.50,",
        "  fee: {value: 18.50, unit: GBP per review,",
    ),
    "dated entries in another order": (
        "      - {from: 2026-04-01, values: {low: 80, high: 90}, authority: cl. 4}\n"
        "      - {from: 2027-04-01, known_from: 2027-02-01, values: {low: 82, high: 92}, authority: cl. 4}\n",
        "      - {from: 2027-04-01, known_from: 2027-02-01, values: {low: 82, high: 92}, authority: cl. 4}\n"
        "      - {from: 2026-04-01, values: {low: 80, high: 90}, authority: cl. 4}\n",
    ),
    "members in another order": ("{low: 80, high: 90}", "{high: 90, low: 80}"),
    "sections in another order": ("units: [review]\n", ""),
    "a plural": ("due: {unit: reviews, min: 0}", "due: {unit: review, min: 0}"),
    "a byte order mark": ("accord: 1", "\ufeffaccord: 1"),
}


@pytest.mark.parametrize(("old", "new"), SAME_MEANING.values(), ids=SAME_MEANING.keys())
def test_what_does_not_change_the_meaning(old: str, new: str) -> None:
    changed = contract((old, new)) if new else contract((old, ""), ("keys:\n", old + "keys:\n"))
    assert changed.meaning_hash == UNCHANGED.meaning_hash
    assert (changed.signed_hash != UNCHANGED.signed_hash) == (changed.text != UNCHANGED.text or "\ufeff" in new)


OTHER_MEANING = {
    "a figure": ("value: 18.50", "value: 18.51"),
    "a later figure": ("low: 82", "low: 83"),
    "the day of a figure": ("from: 2027-04-01, known_from", "from: 2026-10-01, known_from"),
    "the day it became known": ("known_from: 2027-02-01", "known_from: 2027-02-02"),
    "how sure it is": ("authority: schedule 2,", "authority: schedule 2, status: verified,"),
    "a point of a scale": ("[50, 200]", "[50, 201]"),
    "what holds above a scale": (", above: hold", ""),
    "a formula": ("done * fee", "due * fee"),
    "a comparison": ("done >= due * target", "done > due * target"),
    "a rounding step": ("round: 0.01 GBP half_up", "round: 0.1 GBP half_up"),
    "a rounding rule": ("round: 0.01 GBP half_up", "round: 0.01 GBP half_even"),
    "the term": ("to: 2028-03-31", "to: 2029-03-31"),
    "the name": ("contract: supplement", "contract: supplements"),
    "a smallest value": ("done: {unit: reviews, min: 0}", "done: {unit: reviews, min: 1}"),
    "an option": ("one_of: [low, high]", "one_of: [low, high, middle]"),
    "a check": ("done <= due,", "done < due,"),
    "who is paid": ("{pay: basic, from: board, to: practice}", "{pay: basic, from: practice, to: board}"),
    "money that may flow back": ("stream: core}", "stream: core, negative: reverse}"),
    "a stream": ("stream: core", "stream: other"),
    "a report": ("basic: size(due)", "basic: size(due)\n    more: {is: due - done, report: true}"),
}


@pytest.mark.parametrize(("old", "new"), OTHER_MEANING.values(), ids=OTHER_MEANING.keys())
def test_what_changes_the_meaning(old: str, new: str) -> None:
    changes = [(old, new)]
    if "2026-10-01" in new:
        changes.append(("    unit: percent\n", "    unit: percent\n    as_at: end\n"))
    changed = contract(*changes)
    assert changed.meaning_hash != UNCHANGED.meaning_hash
    assert changed.signed_hash != UNCHANGED.signed_hash


def test_a_unit_changes_the_meaning() -> None:
    dollars = contract(*[("GBP", "USD")] * BASE.count("GBP"))
    assert dollars.meaning_hash != UNCHANGED.meaning_hash
    other = contract(*[("review", "visit")] * BASE.count("review"))
    assert other.meaning_hash != UNCHANGED.meaning_hash


def test_a_history_changes_the_meaning() -> None:
    earlier = ("{from: 2026-04-01, values", "{from: 2025-04-01, values")
    history = ("to: 2028-03-31}", "to: 2028-03-31, history: 2025-04-01}")
    assert contract(earlier, history).meaning_hash != contract(earlier).meaning_hash


def test_percent_and_its_ratio_are_written_differently() -> None:
    ratio = contract(
        ("unit: percent", "unit: ratio"),
        ("low: 80, high: 90", "low: 0.80, high: 0.90"),
        ("low: 82, high: 92", "low: 0.82, high: 0.92"),
    )
    values = [[entry["values"] for entry in parameter["entries"]] for parameter in canonical(ratio)["parameters"]]  # type: ignore
    assert values == [[entry["values"] for entry in p["entries"]] for p in canonical(UNCHANGED)["parameters"]]  # type: ignore


# -- files beside the contract -----------------------------------------------------------------------------------------


def test_a_table_file_is_part_of_both() -> None:
    other = contract(files={"bonus.csv": b"practice,extra\nA,6\n"})
    assert other.meaning_hash != UNCHANGED.meaning_hash
    assert other.signed_hash != UNCHANGED.signed_hash


def test_the_bytes_of_a_table_file_are_signed_whatever_they_mean() -> None:
    other = contract(files={"bonus.csv": b"extra,practice\r\n5,A\r\n"})
    assert other.meaning_hash == UNCHANGED.meaning_hash
    assert other.signed_hash != UNCHANGED.signed_hash


def test_any_byte_changes_what_was_signed() -> None:
    assert contract(("currency: GBP\n", "currency: GBP \n")).signed_hash != UNCHANGED.signed_hash
    assert check_text(BASE.replace("\n", "\r\n"), files=FILES).signed_hash != UNCHANGED.signed_hash
    assert check_text(BASE, file="elsewhere/other.yaml", files=FILES).signed_hash == UNCHANGED.signed_hash
    assert check_text(BASE, files={**FILES, "stray.csv": b"x"}).signed_hash == UNCHANGED.signed_hash


# -- the canonical form ------------------------------------------------------------------------------------------------


def test_it_is_json_and_says_everything() -> None:
    said = canonical(UNCHANGED)
    assert json.loads(canonical_text(said)) == said
    assert said["title"] == "The supplement"
    text = canonical_text(said)
    for word in ("Health Act", "schedule 2", "a remark", "too many", "171.50", "cl. 4", "core"):
        assert word in text


def test_the_meaning_leaves_out_the_words() -> None:
    text = meaning_of(UNCHANGED)
    for word in ("Health Act", "schedule 2", "a remark", "171.50", "cl. 4", "What is paid"):
        assert word not in text


def test_numbers_are_exact_texts() -> None:
    parameters = {parameter["name"]: parameter for parameter in canonical(UNCHANGED)["parameters"]}  # type: ignore
    assert parameters["fee"]["entries"][0]["values"] == [[[], "18.5"]]
    assert parameters["target"]["entries"][0]["values"] == [[["high"], "0.9"], [["low"], "0.8"]]


def test_the_same_text_gives_the_same_hashes_always() -> None:
    again = contract()
    assert (again.signed_hash, again.meaning_hash) == (UNCHANGED.signed_hash, UNCHANGED.meaning_hash)
    assert again == UNCHANGED
