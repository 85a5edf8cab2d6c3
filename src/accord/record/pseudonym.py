"""Pseudonyms: identifiers checked and replaced by keyed hashes before anything is written.

A person's pseudonym is the first 63 bits of HMAC-SHA-256 of the identifier under a secret key. The key is a file
outside the record, readable by its owner alone; the record holds only a fingerprint of it. Who has the record but not
the key cannot get from a pseudonym to an NHS number, nor from an NHS number to a pseudonym.

A key can be rotated without the identifiers: the file then holds a chain of secrets, and a pseudonym is hashed with
each in turn. The new secret is applied to the pseudonyms of the record, and to identifiers after the earlier secrets,
so what is loaded later meets what was there.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from accord.engine.database import text_literal
from accord.language.place import Place
from accord.language.problem import AccordError, DataRefused, Problem
from accord.record.source import NHS

if TYPE_CHECKING:
    import duckdb

FORM = 1
"""The version of the key file."""

_DIGITS = 10
_SECRET_BYTES = 32
_BLOCK = 64
"""The bytes that SHA-256 takes at a time; HMAC hashes a block that it makes of the key before what it hashes."""

_SPACES = "".join(chr(each) for each in range(0x3001) if chr(each).isspace())
"""What Python takes off the ends of a text."""


class KeyRefused(AccordError):
    """The key is not one, is not kept safely, or is not the key of this record. Exit code 4."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class KeyChain:
    """The secrets that make pseudonyms, oldest first. They are never shown: not by ``repr``, not in a message."""

    _secrets: tuple[bytes, ...] = field(repr=False)

    def __len__(self) -> int:
        return len(self._secrets)

    @property
    def fingerprint(self) -> str:
        """What a record keeps to know its key again; says nothing about the key."""
        return self.fingerprints[-1]

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """The fingerprint after each secret of the chain."""
        found: list[str] = []
        before = b""
        for secret in self._secrets:
            before = hmac.digest(secret, b"accord fingerprint" + before, "sha256")
            found.append(before[:12].hex())
        return tuple(found)

    def persons(self, identifiers: Sequence[str], numbering: str = NHS) -> list[int | None]:
        """The pseudonyms of identifiers, in order; None where one is not an identifier of that numbering."""
        first = hashed_under(self._secrets[0], "person")
        prefix = numbering.encode() + b"\0"
        found: list[int | None] = []
        for identifier in identifiers:
            plain = normalised(identifier, numbering)
            found.append(None if plain is None else _number(first, prefix + plain.encode()))
        return self.since(1).again(found)

    def person_secrets(self) -> tuple[tuple[bytes, bytes], ...]:
        """For each secret of the chain, the inner and the outer block of HMAC-SHA-256, for :func:`person_expressions`.

        They are bound as variables of DuckDB, and never printed.
        """
        keys = [hashed_under(secret, "person").ljust(_BLOCK, b"\0") for secret in self._secrets]
        return tuple((bytes(each ^ 0x36 for each in key), bytes(each ^ 0x5C for each in key)) for key in keys)

    def row_secrets(self, domain: str) -> tuple[str, ...]:
        """What is hashed before a key of this domain (a table of a source), for each secret of the chain.

        It is text for DuckDB, bound and never printed; 128 bits, made from the secret by HMAC, of which it says
        nothing. (With it, a key and the padding fit into one block of SHA-256.)
        """
        return tuple(hashed_under(secret, f"row {domain}")[:16].hex() for secret in self._secrets)

    def again(self, persons: Sequence[int | None]) -> list[int | None]:
        """Pseudonyms, hashed again under every secret of this chain: what a rotation does."""
        for secret in self._secrets:
            persons = rotated(persons, secret)
        return list(persons)

    def reaches(self, fingerprint: str) -> int:
        """How many secrets of the chain a record with this fingerprint has behind it.

        Raises:
            KeyRefused: the record was made with another key.
        """
        if fingerprint in self.fingerprints:
            return self.fingerprints.index(fingerprint) + 1
        raise KeyRefused(
            Problem(
                Place("", 0, 0),
                "this is not the key that the record was made with",
                "give the key file that was used for the first load, as it is now: a copy from before "
                "accord record rotate lacks the secret that was added; under another key the same person would become "
                "two",
            )
        )

    def first(self) -> KeyChain:
        """The oldest secret alone."""
        return KeyChain(self._secrets[:1])

    def since(self, secrets_behind: int) -> KeyChain:
        """The secrets that come after so many, as a chain of their own."""
        return KeyChain(self._secrets[secrets_behind:])


def hashed_under(secret: bytes, purpose: str) -> bytes:
    """A secret for one purpose, made from another, so that one purpose says nothing about the other."""
    return hmac.digest(secret, b"accord " + purpose.encode(), "sha256")


def rotated(persons: Sequence[int | None], secret: bytes) -> list[int | None]:
    """Pseudonyms under the next secret of a chain."""
    key = hashed_under(secret, "person")
    return [None if person is None else _number(key, b"pseudonym\0%d" % person) for person in persons]


def _number(key: bytes, message: bytes) -> int:
    # 63 bits, and never 0: a BIGINT that every engine holds, and that no default value equals
    return int.from_bytes(hmac.digest(key, message, "sha256")[:8], "big") >> 1 or 1


def normalised(identifier: str, numbering: str = NHS) -> str | None:
    """An identifier without what does not count (spaces), or None if it is not one.

    An NHS number has ten digits, of which the last checks the others (modulus 11). Numbers of one digit ten times over
    pass that check, and are what stands where there is no number: they are refused.
    """
    plain = identifier.replace(" ", "")
    if numbering != NHS:
        return plain or None
    return plain if is_nhs_number(plain) else None


def is_nhs_number(plain: str) -> bool:
    """Whether ten digits without spaces are an NHS number.

    Source: NHS Data Dictionary, NHS NUMBER: weights 10 to 2, the remainder of the sum by 11 taken from 11; 11 counts as
    0, and 10 is never a check digit.
    """
    if len(plain) != _DIGITS or not (plain.isascii() and plain.isdigit()) or plain == plain[0] * _DIGITS:
        return False
    total = sum((_DIGITS - place) * int(digit) for place, digit in enumerate(plain[:9]))
    return (11 - total % 11) % 11 == int(plain[9])


_TEN_DIGITS = re.compile(r"(?<!\d)\d{3}[ ._-]\d{3}[ ._-]\d{4}(?!\d)|\d{10,}")
_TIME = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])[0-3]\d[0-2]\d(?:[0-5]\d){1,2}")


def file_label(name: str, nth: int) -> str:
    """What a file is called in the record and in messages: its name, or its number where an NHS number stands in it."""
    for found in _TEN_DIGITS.finditer(name):
        digits = re.sub(r"\D", "", found[0])
        if _TIME.fullmatch(digits):  # 202404011230: when the file was made
            continue
        if any(is_nhs_number(digits[first : first + _DIGITS]) for first in range(len(digits) - _DIGITS + 1)):
            return f"file {nth}"
    return name


def create_key(path: Path | str) -> KeyChain:
    """A new key in a new file that its owner alone can read.

    Raises:
        KeyRefused: there is a file already. A key is never overwritten: the record would be lost with it.
    """
    path = Path(path)
    chain = KeyChain((secrets.token_bytes(_SECRET_BYTES),))
    try:
        _write(path, chain, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError as error:
        problem = Problem(Place(str(path), 0, 0), "there is a file already; a key is never overwritten", "name another")
        raise KeyRefused(problem) from error
    return chain


def add_secret(path: Path | str) -> KeyChain:
    """Add a secret to a key file: the first step of a rotation. The file is replaced in one step."""
    path = Path(path)
    longer = KeyChain((*read_key(path)._secrets, secrets.token_bytes(_SECRET_BYTES)))
    beside = path.with_name(f".{path.name}-{os.getpid()}")
    _write(beside, longer, os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    os.replace(beside, path)
    return longer


def _write(path: Path, chain: KeyChain, how: int) -> None:
    content = {"accord key": FORM, "secrets": [secret.hex() for secret in chain._secrets]}
    descriptor = os.open(path, how, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())


def read_key(path: Path | str, *, record: Path | None = None) -> KeyChain:
    """The chain of secrets in a key file.

    Raises:
        KeyRefused: it is not there, is not a key, lies inside the record, or others can read it.
    """
    path = Path(path)
    place = Place(str(path), 0, 0)

    def refuse(message: str, fix: str) -> KeyRefused:
        return KeyRefused(Problem(place, message, fix))

    if record is not None and path.resolve().is_relative_to(Path(record).resolve()):
        raise refuse("the key lies inside the record", "keep it elsewhere: together they undo the pseudonyms")
    try:
        mode = path.stat().st_mode
        content = json.loads(path.read_text("utf-8"))
        held = tuple(bytes.fromhex(secret) for secret in content["secrets"])
        right = content["accord key"] == FORM and held and all(len(secret) == _SECRET_BYTES for secret in held)
    except FileNotFoundError as error:
        raise refuse("there is no key here", f"accord record key {path} makes one") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        # the content is a secret: nothing of it is said, and no cause is shown
        del error
        held, right, mode = (), False, 0
    if not right:
        raise refuse("this is not a key that can be read", "give the file that accord record key made, unchanged")
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise refuse("others can read this key", f"chmod 600 {path}")
    return KeyChain(held)


def row_expression(key: str, variables: Sequence[str]) -> str:
    """The SQL of a row's pseudonym: a positive 63-bit keyed hash of the text ``key``, under each secret in turn.

    ``variables`` name the DuckDB variables that hold :meth:`KeyChain.row_secrets`. The secret is of fixed length and
    stands first; only 63 of the 256 bits are kept, so that nobody can go on from a hash to that of a longer text.
    """
    made = key
    for name in variables:
        text = made if made == key else f"({made})::VARCHAR"
        digest = f"sha256(getvariable('{name}') || {text})"
        made = f"((('0x' || left({digest}, 16))::UBIGINT >> 1)::BIGINT)"
    return made


def plain_expression(identifier: str) -> str:
    """The SQL of an identifier without what does not count: for most, itself."""
    cleaned = f"replace(trim({identifier}, {text_literal(_SPACES)}), ' ', '')"
    return f"(case when regexp_full_match({identifier}, '[!-~]+') then {identifier} else {cleaned} end)"


def bound_person_secrets(con: duckdb.DuckDBPyConnection, keys: KeyChain) -> list[tuple[str, str]]:
    """Give a connection what pseudonyms of people are made with; the names of the variables that hold it."""
    names: list[tuple[str, str]] = []
    for number, blocks in enumerate(keys.person_secrets()):
        names.append((f"person_inner_{number}", f"person_outer_{number}"))
        for name, block in zip(names[-1], blocks, strict=True):
            con.execute(f"set variable {name} = ?", [block])
    return names


def person_expressions(plain: str, numbering: str, variables: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """The SQL of what :meth:`KeyChain.persons` gives for an identifier: under the first secret alone, and under all.

    ``plain`` is the name of a column of :func:`plain_expression`, and ``variables`` name the DuckDB variables that hold
    :meth:`KeyChain.person_secrets`. A million people are hashed in a second or two this way, on all threads; in Python
    it takes several times as long, on one.
    """
    message = f"(encode({text_literal(numbering)}) || '\\x00'::BLOB || encode({plain}))"
    # never 0, as in :func:`_number`; greatest() would make 1 of nothing too, so it stands where there is an identifier
    rooted = f"case when {_is_identifier(plain, numbering)} then greatest({_keyed(message, variables[0])}, 1) end"
    person = rooted
    for names in variables[1:]:
        again = _keyed(f"('pseudonym\\x00'::BLOB || encode(({person})::VARCHAR))", names)
        person = f"(case {again} when 0 then 1 else {again} end)"
    return rooted, person


def _keyed(message: str, names: tuple[str, str]) -> str:
    """The first 63 bits of HMAC-SHA-256 of a message (a BLOB)."""
    inner = f"unhex(sha256(getvariable('{names[0]}') || {message}))"
    digest = f"sha256(getvariable('{names[1]}') || {inner})"
    return f"(('0x' || left({digest}, 16))::UBIGINT >> 1)::BIGINT"


def _is_identifier(plain: str, numbering: str) -> str:
    """What :func:`normalised` asks of an identifier without spaces, in SQL."""
    if numbering != NHS:
        return f"{plain} <> ''"
    number = f"try_cast({plain} as BIGINT)"
    total = " + ".join(f"{_DIGITS - place} * ({number} // {10 ** (9 - place)} % 10)" for place in range(9))
    same = f"{number} % 1111111111 = 0"
    check = f"(11 - ({total}) % 11) % 11 = {number} % 10"
    # a case looks at what follows for those alone that are ten digits
    return f"(case when regexp_full_match({plain}, '[0-9]{{10}}') then not ({same}) and {check} else false end)"


def row_number(key: str, row_secrets: Sequence[str]) -> int:
    """What :func:`row_expression` gives, in plain Python: for tests, and for single rows."""
    made = key
    number = 0
    for secret in row_secrets:
        number = int(hashlib.sha256((secret + made).encode()).hexdigest()[:16], 16) >> 1
        made = str(number)
    return number


def checked_numbers(identifiers: Sequence[str], file: str, numbering: str = NHS, first_line: int = 1) -> None:
    """Refuse a list of identifiers in which one is none; the lines are named, the identifiers are not.

    Raises:
        DataRefused: with one problem for each of the first twenty lines that are wrong.
    """
    wrong = [line for line, each in enumerate(identifiers, first_line) if normalised(each, numbering) is None]
    if wrong:
        what = "an NHS number (ten digits, the last checks the others)" if numbering == NHS else "an identifier"
        problems = [Problem(Place(file, line, 0), f"this is not {what}", "mend or remove it") for line in wrong[:20]]
        if len(wrong) > len(problems):
            problems.append(Problem(Place(file, 0, 0), f"and {len(wrong) - len(problems)} more lines like these"))
        raise DataRefused(problems)
