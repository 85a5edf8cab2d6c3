"""Pseudonyms: which numbers are NHS numbers, keyed hashes against plain HMAC, keys kept safely, chains that agree."""

from __future__ import annotations

import hashlib
import hmac
import json
import stat
from pathlib import Path

import duckdb
import pytest

from accord.record.pseudonym import (
    KeyChain,
    KeyRefused,
    add_secret,
    create_key,
    hashed_under,
    is_nhs_number,
    normalised,
    person_expressions,
    plain_expression,
    read_key,
    row_expression,
    row_number,
)

from .given import PEOPLE

NUMBERS = [
    # the example of the NHS Data Dictionary's algorithm as commonly published, and what breaks it
    ("9434765919", True),
    ("943 476 5919", True),
    ("9434765918", False),  # the check digit
    ("943476591", False),  # nine digits
    ("94347659190", False),  # eleven
    ("9434765ABC", False),
    ("٩٤٣٤٧٦٥٩١٩", False),  # digits, but not these
    ("0000000000", False),  # stands where there is none
    ("9999999999", False),
    ("9430000007", False),
    ("", False),
    ("   ", False),
]


@pytest.mark.parametrize(("text", "right"), NUMBERS)
def test_nhs_numbers(text: str, right: bool) -> None:
    assert (normalised(text) is not None) == right


def test_a_remainder_of_ten_is_never_a_check_digit() -> None:
    """Of all numbers with one stem at most one passes, and for about one stem in eleven none does."""
    passing = [
        sum(is_nhs_number(f"{stem:09d}{digit}") for digit in range(10)) for stem in range(999_000_000, 999_001_100)
    ]
    assert set(passing) == {0, 1}
    assert 95 <= passing.count(0) <= 105


def test_a_pseudonym_is_the_start_of_a_keyed_hash() -> None:
    secret = b"s" * 32
    (found,) = KeyChain((secret,)).persons(["943 476 5919"])
    inner = hmac.new(secret, b"accord person", hashlib.sha256).digest()
    expected = hmac.new(inner, b"nhs\x009434765919", hashlib.sha256).digest()
    assert found == int.from_bytes(expected[:8], "big") >> 1
    assert 0 < found < 2**63


def test_spaces_do_not_count_and_numberings_do() -> None:
    keys = KeyChain((b"s" * 32,))
    assert keys.persons(["943 476 5919"]) == keys.persons(["9434765919"])
    assert keys.persons(["9434765919"], "omop") != keys.persons(["9434765919"])
    assert keys.persons(["17"], "omop") != keys.persons(["17"], "fhir")
    assert keys.persons(["17"]) == [None]


def test_a_chain_gives_what_hashing_again_gives() -> None:
    one, two, three = b"a" * 32, b"b" * 32, b"c" * 32
    first = KeyChain((one,)).persons(PEOPLE)
    assert KeyChain((two, three)).again(first) == KeyChain((one, two, three)).persons(PEOPLE)
    assert len({*first}) == len(PEOPLE)


@pytest.mark.parametrize("secrets", [(b"a" * 32,), (b"a" * 32, b"b" * 32)])
def test_row_keys_in_sql_are_those_in_python(secrets: tuple[bytes, ...]) -> None:
    texts = ["", "1", "é", "x" * 300, "'; --"]
    bound = KeyChain(secrets).row_secrets("gp consultations")
    with duckdb.connect() as con:
        names = [f"secret_{number}" for number in range(len(bound))]
        for name, secret in zip(names, bound, strict=True):
            con.execute(f"set variable {name} = ?", [secret])
        for text in texts:
            found = con.execute(f"select {row_expression('k', names)} from (select ? as k)", [text]).fetchall()[0][0]
            assert found == row_number(text, bound)
            assert 0 <= found < 2**63


ODD = ["943 476 5919", "\u20039434765919\xa0", "1111111111", "0000000000", "943476591", "", "  ", "x'y", "94347659199",
       "9434765918", "９４３４７６５９１９", "é", "4010232137"]  # fmt: skip


@pytest.mark.parametrize("numbering", ["nhs", "omop"])
@pytest.mark.parametrize("secrets", [(b"a" * 32,), (b"a" * 32, b"b" * 32, b"c" * 32)])
def test_pseudonyms_in_sql_are_those_in_python(secrets: tuple[bytes, ...], numbering: str) -> None:
    keys = KeyChain(secrets)
    identifiers = ODD + [str(7_000_000_000 + 1_234_567 * nth) for nth in range(500)]
    with duckdb.connect() as con:
        names = [(f"inner_{number}", f"outer_{number}") for number in range(len(keys))]
        for pair, blocks in zip(names, keys.person_secrets(), strict=True):
            for name, block in zip(pair, blocks, strict=True):
                con.execute(f"set variable {name} = ?", [block])
        rooted, person = person_expressions("plain", numbering, names)
        plain = f"select {plain_expression('identifier')} as plain from (select unnest(?) as identifier)"
        found = con.execute(f"select {rooted}, {person} from ({plain})", [identifiers]).fetchall()
    stripped = [each.strip() for each in identifiers]
    assert [each for each, _ in found] == keys.first().persons(stripped, numbering)
    assert [each for _, each in found] == keys.persons(stripped, numbering)
    assert sum(each is not None for _, each in found) > 20


def test_secrets_of_rows_differ_by_domain_and_say_nothing_of_the_key() -> None:
    keys = KeyChain((b"a" * 32,))
    assert keys.row_secrets("a") != keys.row_secrets("b")
    assert hashed_under(b"a" * 32, "person").hex() not in "".join(keys.row_secrets("a"))


def test_a_key_is_a_new_file_that_its_owner_alone_can_read(tmp_path: Path) -> None:
    file = tmp_path / "key"
    made = create_key(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_key(file) == made
    assert create_key(tmp_path / "other") != made
    with pytest.raises(KeyRefused, match="never overwritten"):
        create_key(file)
    assert read_key(file) == made


def test_a_longer_chain_keeps_the_old_secrets_and_the_mode(tmp_path: Path) -> None:
    file = tmp_path / "key"
    before = create_key(file)
    after = add_secret(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (len(before), len(after), read_key(file)) == (1, 2, after)
    assert after.fingerprints[0] == before.fingerprint != after.fingerprint
    assert after.reaches(before.fingerprint) == 1
    with pytest.raises(KeyRefused, match="not the key"):
        before.reaches(after.fingerprint)


UNSAFE = [
    ("mode", "others can read"),
    ("missing", "no key here"),
    ("no json", "not a key"),
    ("short", "not a key"),
    ("empty", "not a key"),
    ("inside", "inside the record"),
]


@pytest.mark.parametrize(("how", "words"), UNSAFE)
def test_keys_that_are_refused(tmp_path: Path, how: str, words: str) -> None:
    record = tmp_path / "record"
    record.mkdir()
    file = (record if how == "inside" else tmp_path) / "key"
    create_key(file)
    secret = json.loads(file.read_text())["secrets"][0]
    match how:
        case "mode":
            file.chmod(0o640)
        case "missing":
            file.unlink()
        case "no json":
            file.write_text(secret)
        case "short":
            file.write_text(json.dumps({"accord key": 1, "secrets": [secret[:20]]}))
        case "empty":
            file.write_text(json.dumps({"accord key": 1, "secrets": []}))
        case _:
            pass
    with pytest.raises(KeyRefused, match=words) as refused:
        read_key(file, record=record)
    shown = f"{refused.value} {refused.value.__cause__} {refused.value.__context__}"
    assert secret[:20] not in shown


def test_a_chain_never_shows_its_secrets() -> None:
    keys = KeyChain((b"a" * 32,))
    assert "a" * 5 not in f"{keys!r} {keys} {keys.fingerprint}"
