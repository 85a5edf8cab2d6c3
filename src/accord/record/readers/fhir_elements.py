"""FHIR elements: dates, codes, amounts and references of a resource, as the record takes them.

What codes and systems mean stands in ``fhir.yaml`` beside this module. What is not of the type that FHIR R4 says raises
TypeError: the resource is then refused.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, cast

from accord.language.text import decode, read_tree
from accord.record.readers.delimited import plain

CODES = Path(__file__).parent / "fhir.yaml"
"""What FHIR's systems and codes mean for the record."""

Resource = dict[str, Any]
"""A resource as JSON has it."""

Row = dict[str, str | int | bool | None]
"""A row for the record: the values of some columns."""

_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T.*)?)?)?")

_UNDASHED = re.compile(r"(\d{4})(\d{2})(\d{2})")


@dataclass(frozen=True, slots=True)
class Codes:
    """What FHIR's systems and codes mean: one file, read once."""

    systems: Mapping[str, str]
    nhs_number: str
    organisation_code: str
    practice_code: re.Pattern[str]
    classes: Mapping[str, Mapping[str, str]]
    outpatient_types: frozenset[str]
    modes: Mapping[str, str]
    admit_sources: Mapping[str, Mapping[str, str]]
    discharge_dispositions: Mapping[str, Mapping[str, str]]
    referral_categories: Mapping[str, str]
    registration_system: str
    types: frozenset[str]


@cache
def codes() -> Codes:
    """What ``fhir.yaml`` says."""
    read = cast("dict[str, Any]", plain(read_tree(decode(CODES.read_bytes(), CODES.name))))
    read["practice_code"] = re.compile(read["practice_code"])
    read["outpatient_types"] = frozenset(read["outpatient_types"])
    read["types"] = frozenset(read["types"])
    return Codes(**read)


def fields(value: object) -> Resource:
    """An object, by name; nothing where there is none."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError
    return cast("Resource", value)


def items(value: object) -> list[Any]:
    """A list; what stands alone is one of one."""
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def text(value: object) -> str | None:
    """A text without spaces around it; nothing where it is empty."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError
    return value.strip() or None


def day(value: object, year_on: str = "01-01") -> tuple[str] | None:
    """The day that a date or time is written on; of a partial date the first, of a year alone the day given.

    FHIR writes 2025-06-01; that some write 20250601 is understood, as it is in every other form of files.
    """
    found = _DAY.fullmatch(value) or _UNDASHED.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, of_month = found.groups()
    return (f"{year}-{month}-{of_month or '01'}",) if month else (f"{year}-{year_on}",)


def first_day(resource: Resource, *names: str) -> str | None:
    """The day of the first of these that is there: a date, a time, or the start of a period."""
    for name in names:
        value = resource.get(name)
        written = fields(value).get("start") if isinstance(value, dict) else value
        found = day(written)
        if found:
            return found[0]
        if isinstance(written, str) and written:
            return written  # not a day: the loading says so
    return None


def day_after(day: str | None) -> str | None:
    """The day after the last of a span; what is no day stays as it is."""
    if day is None:
        return None
    try:
        return (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


def minutes(period: Resource) -> int | None:
    """Whole minutes between two times; nothing where either lacks a time, or both are the same."""
    start, end = text(period.get("start")), text(period.get("end"))
    if not start or not end or "T" not in start or "T" not in end:
        return None
    try:
        minutes = int((dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds()) // 60
    except (TypeError, ValueError):
        return None
    return minutes if minutes > 0 else None


def status(resource: Resource) -> str | None:
    """The status, or of a condition how certain it is."""
    certain = resource.get("verificationStatus")
    if isinstance(certain, dict):
        return next((code for _, code in codings(fields(certain))), None)
    return text(resource.get("status"))


def identifier(resource: Resource, system: str) -> str | None:
    """The value of the identifier of that system; spaces in an NHS number are for the eye."""
    for each in items(resource.get("identifier")):
        if fields(each).get("system") == system:
            value = text(fields(each).get("value"))
            return value.replace(" ", "") if value else None
    return None


def ethnicity(resource: Resource) -> str | None:
    """The ethnic category of a patient, as the national code."""
    for each in items(resource.get("extension")):
        if "ethnic" in (text(fields(each).get("url")) or "").lower():
            coded = [code for _, code in codings(fields(fields(each).get("valueCodeableConcept")))]
            return next((code for code in coded if re.fullmatch(r"[A-SZ]", code)), None)
    return None


def codings(concept: Resource) -> Iterator[tuple[str, str]]:
    """The system and code of each coding of a concept."""
    for each in items(concept.get("coding")):
        code = text(fields(each).get("code"))
        if code:
            yield text(fields(each).get("system")) or "", code


def code(concept: Resource, wanted: Sequence[str]) -> tuple[str, str] | None:
    """The first code whose system the table knows; otherwise the first code of all, as a local one."""
    found = list(codings(concept))
    for system, code in found:
        coding = codes().systems.get(system)
        if coding is not None and coding in wanted:
            return coding, code.replace(".", "").upper() if coding in ("icd10", "icd9", "opcs4") else code
    return ("local", found[0][1]) if found else None


def coding(coded: tuple[str, str] | None) -> Row:
    """The columns of a code; without one, why the row is refused."""
    if coded is None:
        return {"refused": "it has no code", "refused_column": "code"}
    return {"coding": coded[0], "code": coded[1]}


def number(value: object) -> str | None:
    """A number with at most four places, rounded half up."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    try:
        return format(Decimal(repr(value)).quantize(Decimal("0.0001"), ROUND_HALF_UP), "f")
    except InvalidOperation:
        return repr(value)  # far too large: the loading says so


def value(measured: Resource) -> Row:
    """The columns of a measured value."""
    quantity = fields(measured.get("valueQuantity"))
    if quantity:
        return {
            "value": number(quantity.get("value")),
            "unit": text(quantity.get("unit")) or text(quantity.get("code")),
        }
    return {"value": number(measured.get("valueInteger")), "unit": None}


def answer(answer: Resource) -> str | None:
    """An answer that is coded, or a number, or yes or no; words are not read."""
    coded = fields(answer.get("valueCoding"))
    if coded:
        return text(coded.get("code"))
    flag = answer.get("valueBoolean")
    if isinstance(flag, bool):
        return "true" if flag else "false"
    for name in ("valueInteger", "valueDecimal"):
        value = answer.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
    return None


def pence(money: Resource) -> int | None:
    """An amount in pounds sterling, halves of a penny rounded up; nothing in another currency."""
    value = money.get("value")
    if money.get("currency") != "GBP" or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int((Decimal(repr(value)) * 100).to_integral_value(ROUND_HALF_UP))


def claimed(claim: Resource) -> Iterator[Resource]:
    """The encounters that a claim is for."""
    for item in items(claim.get("item")):
        for encounter in items(fields(item).get("encounter")):
            yield fields(encounter)


def table_of_class(resource: Resource) -> str | None:
    """The table that encounters of this class belong to."""
    try:
        return codes().classes.get(text(fields(resource.get("class")).get("code")) or "", {}).get("table")
    except TypeError:
        return None


def type_and_id(written: str) -> str:
    """``Type/id`` of a reference: without the server's address before it or a version after it."""
    return "/".join(written.split("/_history/")[0].split("?identifier=")[-1].split("|")[-1].rstrip("/").split("/")[-2:])


def as_day(value: object) -> dt.date | None:
    """A day of the calendar; nothing where the text is none."""
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
