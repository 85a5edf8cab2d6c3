"""Code lists: versioned, cited lists of codes, and the conditions that they stand for.

A list is a YAML head (``NAME.yaml``: version, source, status) and rows (``NAME.csv``). Both are data from anybody:
nothing of them ever reaches a query as text. A code of a list is compared in Python with the codes that a record has,
and what matched is bound as a table (:mod:`accord.measures.matching`).
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from accord.language.place import Place
from accord.language.problem import ContractRefused, Problem, nearest
from accord.language.shape import STATUS, STATUSES, TITLE, Choice, Field, Record, Status, conform
from accord.language.text import Entries, Scalar, decode, read_tree
from accord.measures.card import IDENTIFIER, VERSION
from accord.record.definition import DOTLESS
from accord.record.portable import MeasureRefused

Match = Literal["exact", "prefix", "regex"]
Position = Literal["primary", "secondary", "any"]
Role = Literal[
    "case",
    "secondary_required",
    "secondary_excluded",
    "any_excluded",
    "procedure_excluded",
    "primary_procedure_excluded",
]

MATCHES: tuple[Match, ...] = ("exact", "prefix", "regex")
POSITIONS: tuple[Position, ...] = ("primary", "secondary", "any")
ROLES: tuple[Role, ...] = (
    "case",
    "secondary_required",
    "secondary_excluded",
    "any_excluded",
    "procedure_excluded",
    "primary_procedure_excluded",
)
COLUMNS = ("condition", "rule", "coding", "code", "match", "position", "role", "from_date", "status")
REQUIRED = ("condition", "coding", "code")
CODING = re.compile(r"[a-z][a-z0-9_]{0,31}")
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/+-]{0,63}")
PATTERN = re.compile(r"[A-Za-z0-9()\[\]|^?-]{1,200}")
"""What a regex may be made of: nothing that repeats, so that no pattern can take long over a code."""

LONGEST = 20_000_000
"""Bytes of the rows of a list; the largest published sets of SNOMED codes have a few million."""

LIST = Record(
    "a code list",
    (
        Field("list", IDENTIFIER, "its name, as the files are called", True),
        Field("version", VERSION, "its version; a changed list is a new version", True),
        Field("title", TITLE, "its title", True),
        Field(
            "kind",
            Choice(("codes", "admissions")),
            "codes: matched wherever they stand; admissions: rules over the diagnoses and procedures of a stay",
            True,
        ),
        Field("episodes", Choice(("first", "any")), "admissions: which episodes of a stay are looked at; the first"),
        Field("source", TITLE, "document, version and place", True),
        Field("address", TITLE, "where the document is"),
        Field("status", STATUS, "what is known of the whole list", True),
        Field("notes", TITLE, "what to know about it"),
    ),
)
"""The shape of a list's head."""


@dataclass(frozen=True, slots=True)
class Code:
    """One row of a list.

    Rows with the same condition and ``rule`` belong together: a stay has the condition if, for one of its rules, a
    ``case`` matches, a ``secondary_required`` matches where there is one, and nothing that excludes matches.
    """

    condition: str
    rule: str
    coding: str
    code: str
    match: Match
    position: Position
    role: Role
    since: dt.date | None
    status: Status


@dataclass(frozen=True)
class CodeList:
    """A code list, checked."""

    file: str
    name: str
    version: str
    title: str
    kind: Literal["codes", "admissions"]
    episodes: Literal["first", "any"]
    source: str
    address: str
    status: Status
    notes: str
    codes: tuple[Code, ...]

    @property
    def id(self) -> str:
        """What a card names: ``list@version``."""
        return f"{self.name}@{self.version}"

    @cached_property
    def conditions(self) -> tuple[str, ...]:
        """The conditions, in order of first mention."""
        return tuple(dict.fromkeys(one.condition for one in self.codes))


def read_list(head: bytes, rows: bytes, file: str) -> CodeList:
    """The code list in the bytes of its head (``file``) and of its rows (the CSV file of the same name).

    Raises:
        MeasureRefused: with everything that is wrong in either, each with its place.
    """
    try:
        tree = read_tree(decode(head, file))
    except ContractRefused as refused:
        raise MeasureRefused(refused.problems) from None
    problems = conform(tree, LIST)
    fields = {key.value: value for key, value in tree} if isinstance(tree, Entries) else {}
    codes, wrong = _codes(rows, re.sub(r"\.ya?ml$", ".csv", file))
    problems = [*problems, *wrong]
    if problems:
        raise MeasureRefused(problems)

    def text(name: str) -> str:
        value = fields.get(name)
        return re.sub(r"\s+", " ", value.value).strip() if isinstance(value, Scalar) else ""

    kind, rows_file = text("kind"), re.sub(r"\.ya?ml$", ".csv", file)
    for number, (one, line) in enumerate(codes):
        if kind == "codes" and (one.role != "case" or one.position != "any"):
            message = f"{one.role} at {one.position} position means something for lists of kind admissions only"
            problems.append(Problem(Place(rows_file, line, 1), message, "say kind: admissions, or leave it empty"))
        if kind == "admissions" and one.coding != _coding_of(one.role):
            message = f"{one.role} looks at {_coding_of(one.role)} codes, not at {one.coding}"
            problems.append(Problem(Place(rows_file, line, 1), message, f"coding: {_coding_of(one.role)}"))
        if number > 500_000:
            break
    cases = {(one.condition, one.rule) for one, _ in codes if one.role == "case"}
    for one, line in codes:
        if (one.condition, one.rule) not in cases:
            message = f"rule {one.rule or '(none)'} of {one.condition} has no row with the role case"
            problems.append(Problem(Place(rows_file, line, 1), message, "add the codes that make it a case"))
    if problems:
        raise MeasureRefused(problems[:50])
    return CodeList(
        file=file,
        name=text("list"),
        version=text("version"),
        title=text("title"),
        kind=kind,  # type: ignore[arg-type]  # the shape allows these words only
        episodes=text("episodes") or "first",  # type: ignore[arg-type]
        source=text("source"),
        address=text("address"),
        status=text("status"),  # type: ignore[arg-type]
        notes=text("notes"),
        codes=tuple(one for one, _ in codes),
    )


def _coding_of(role: Role) -> str:
    return "opcs4" if role in ("procedure_excluded", "primary_procedure_excluded") else "icd10"


def _codes(content: bytes, file: str) -> tuple[list[tuple[Code, int]], list[Problem]]:
    """The rows, each with its line, and what is wrong."""
    if len(content) > LONGEST:
        return [], [Problem(Place(file, 0, 0), f"this list has {len(content):,} bytes; {LONGEST:,} are read")]
    try:
        reader = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
        lines = [(reader.line_num, row) for row in reader if row]
    except UnicodeDecodeError:
        return [], [Problem(Place(file, 0, 0), "this is not UTF-8 text", "save the file as UTF-8")]
    except csv.Error as error:
        return [], [Problem(Place(file, 0, 0), f"this is not CSV: {error}", "save it as comma-separated values")]
    if not lines:
        return [], [Problem(Place(file, 1, 1), "this list is empty", f"its columns are {', '.join(COLUMNS)}")]
    heads = [head.strip() for head in lines[0][1]]
    problems = [
        Problem(Place(file, 1, 1), f"a list has no column {head}", nearest(head, COLUMNS) or f"{', '.join(COLUMNS)}")
        for head in heads
        if head not in COLUMNS
    ]
    missing = [name for name in REQUIRED if name not in heads]
    problems += [Problem(Place(file, 1, 1), f"the column {name} is missing") for name in missing]
    problems += [
        Problem(Place(file, 1, 1), f"the column {head} is there twice")
        for head in dict.fromkeys(heads)
        if heads.count(head) > 1
    ]
    if problems:
        return [], problems
    out: list[tuple[Code, int]] = []
    for line, cells in lines[1:]:
        if len(cells) != len(heads):
            message = f"this row has {len(cells)} values, and there are {len(heads)} columns"
            problems.append(Problem(Place(file, line, 1), message))
            continue
        row = {head: cell.strip() for head, cell in zip(heads, cells, strict=True)}
        wrong = list(_wrong(row, file, line))
        problems += wrong
        if not wrong:
            out.append((_code(row), line))
    return out, problems[:50]


def _wrong(row: Mapping[str, str], file: str, line: int) -> list[Problem]:
    place, found = Place(file, line, 1), []
    match = row.get("match") or "exact"
    if not row["condition"] or len(row["condition"]) > 120 or not row["condition"].isprintable():
        found.append(Problem(place, "the condition is missing, too long, or has characters that cannot be printed"))
    if not CODING.fullmatch(row["coding"]):
        found.append(Problem(place, "coding is not a name", "icd10, opcs4, snomed, cluster, …"))
    if match not in MATCHES:
        found.append(Problem(place, "match is not one of exact, prefix, regex", nearest(match, MATCHES)))
    elif match == "regex":
        found += _wrong_pattern(row["code"], place)
    elif not CODE.fullmatch(row["code"]):
        message = "this is not a code: letters, digits, spaces and . _ / + - only"
        found.append(Problem(place, message, "write one code in a row"))
    if (row.get("position") or "any") not in POSITIONS:
        found.append(Problem(place, "position is not one of primary, secondary, any"))
    if (row.get("role") or "case") not in ROLES:
        found.append(Problem(place, f"role is not one of {', '.join(ROLES)}", nearest(row["role"], ROLES)))
    if (row.get("status") or "unverified") not in STATUSES:
        found.append(Problem(place, f"status is not one of {', '.join(STATUSES)}"))
    if row.get("from_date"):
        try:
            dt.date.fromisoformat(row["from_date"])
        except ValueError:
            found.append(Problem(place, "from_date is not a day", "write it as 2013-04-01"))
    return found


def _wrong_pattern(text: str, place: Place) -> list[Problem]:
    if not PATTERN.fullmatch(text):
        message = "a regex of a code list has letters, digits and ( ) [ ] | ^ ? - only: nothing that repeats"
        return [Problem(place, message, "write the codes out, or use prefix")]
    try:
        re.compile(text)
    except re.error:
        return [Problem(place, "this regex is not one", "see whether brackets are closed")]
    return []


def _code(row: Mapping[str, str]) -> Code:
    match = row.get("match") or "exact"
    return Code(
        condition=row["condition"],
        rule=row.get("rule") or "",
        coding=row["coding"],
        code=row["code"] if match == "regex" else normal(row["coding"], row["code"]),
        match=match,  # type: ignore[arg-type]  # looked at above
        position=row.get("position") or "any",  # type: ignore[arg-type]
        role=row.get("role") or "case",  # type: ignore[arg-type]
        since=dt.date.fromisoformat(row["from_date"]) if row.get("from_date") else None,
        status=row.get("status") or "unverified",  # type: ignore[arg-type]
    )


def normal(coding: str, code: str) -> str:
    """A code as the record has it: ICD-10 and OPCS-4 in upper case without dots, ICD-10 without a filling X."""
    if coding in DOTLESS:
        code = code.upper().replace(".", "")
        if coding == "icd10" and len(code) == 4 and code.endswith("X"):
            code = code[:3]
    return code
