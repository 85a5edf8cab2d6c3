"""Every measure of the library in plain Python: slow, over lists of dicts, from the definitions, not from the SQL.

``rows(name, record, window, periods)`` gives what the measure's select must give: one :class:`Row` for each thing that
counts. A row that counts in neither numerator nor denominator has the set of all reasons for that; the select names one
of them. A record here is ``{table: [row, …]}`` with Python values, tables derived from others included.
"""

from __future__ import annotations

import csv
import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from itertools import pairwise
from typing import Any

from accord.library import CODELISTS

Record = Mapping[str, Sequence[Mapping[str, Any]]]
Span = tuple[dt.date, dt.date]
DAY = dt.timedelta(days=1)
NEVER = dt.date(9999, 12, 31)

TRANSFER = "came from another hospital"
CLASS = "not an ordinary admission"
EPISODE_TYPE = "not a general episode"
SEX = "sex neither female nor male"
AGE = "age not from 0 to 120"


@dataclass(frozen=True)
class Row:
    """One row of a measure. ``excluded`` holds the beginnings of all reasons why it does not count."""

    person: int | None
    day: dt.date
    numerator: int = 1
    denominator: int | None = None
    excluded: frozenset[str] = frozenset()
    strata: Mapping[str, str | None] = field(default_factory=dict)
    practice: str | None = None


Measured = Callable[[Record, Span, Sequence[Span]], Iterator[Row]]
MEASURES: dict[str, Measured] = {}


def rows(name: str, record: Record, window: Span, periods: Sequence[Span]) -> list[Row]:
    """The rows of a measure of the library."""
    return list(MEASURES[name](record, window, periods))


def measure(name: str) -> Callable[[Measured], Measured]:
    """Name a function as the measure it evaluates."""

    def named(function: Measured) -> Measured:
        MEASURES[name] = function
        return function

    return named


# -- days and ages -----------------------------------------------------------------------------------------------------


def age(born: dt.date, day: dt.date) -> int:
    """Full years; born on 29 February, a year is full on 1 March."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def months_after(day: dt.date, months: int) -> dt.date:
    """The same day some months later or earlier; the last day of a shorter month."""
    count = day.year * 12 + day.month - 1 + months
    year, month = divmod(count, 12)
    last = (dt.date(year + (month == 11), (month + 1) % 12 + 1, 1) - DAY).day
    return dt.date(year, month + 1, min(day.day, last))


def within(row: Mapping[str, Any], day: dt.date) -> bool:
    """Whether a span with ``since`` and ``until`` (the first day that no longer belongs to it) has a day."""
    return row["since"] <= day and (row["until"] is None or day < row["until"])


def days(span: Span) -> Iterator[dt.date]:
    """Every day of a span, both ends included."""
    day = span[0]
    while day <= span[1]:
        yield day
        day += DAY


# -- code lists --------------------------------------------------------------------------------------------------------


@cache
def listed(name: str) -> tuple[dict[str, str], ...]:
    """The rows of a code list."""
    with (CODELISTS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return tuple(dict(row) for row in csv.DictReader(file))


def matches(row: Mapping[str, str], code: str) -> bool:
    """Whether a row of a list means a code."""
    return code.startswith(row["code"]) if row.get("match") == "prefix" else code == row["code"]


def meaning(name: str, coding: str, code: str | None) -> set[str]:
    """The conditions of a list that a code stands for."""
    if code is None:
        return set()
    return {row["condition"] for row in listed(name) if row["coding"] == coding and matches(row, code)}


def conditions_of_stay(name: str, record: Record, admission: int) -> dict[str, str | None]:
    """The conditions of a stay by a list of stays: for each, what takes it out again (None: nothing does)."""
    found: dict[str, str | None] = {}
    diagnoses = [row for row in by(record, "diagnoses", "admission")[admission] if row["episode"] == 1]
    procedures = [row for row in by(record, "procedures", "admission")[admission] if row["episode"] == 1]

    def any_of(rules: Sequence[Mapping[str, str]], role: str) -> bool:
        for row in rules:
            if row["role"] != role:
                continue
            events = procedures if "procedure" in role else diagnoses
            place = {"secondary_required": "secondary", "secondary_excluded": "secondary"}.get(role, row["position"])
            if role == "primary_procedure_excluded":
                place = "primary"
            for event in events:
                since = row.get("from_date")
                if since and event["day"] < dt.date.fromisoformat(since):
                    continue
                if place == "primary" and event["position"] != 1:
                    continue
                if place == "secondary" and event["position"] == 1:
                    continue
                if matches(row, event["code"]):
                    return True
        return False

    for condition in dict.fromkeys(row["condition"] for row in listed(name)):
        of_condition = [row for row in listed(name) if row["condition"] == condition]
        verdicts: list[str | None] = []
        for rule in dict.fromkeys(row.get("rule", "") for row in of_condition):
            rules = [row for row in of_condition if row.get("rule", "") == rule]
            if not any_of(rules, "case"):
                continue
            if any_of(rules, "any_excluded") or any_of(rules, "secondary_excluded"):
                verdicts.append("a diagnosis that takes it out")
            elif any_of(rules, "procedure_excluded") or any_of(rules, "primary_procedure_excluded"):
                verdicts.append("a procedure that takes it out")
            elif any(row["role"] == "secondary_required" for row in rules) and not any_of(rules, "secondary_required"):
                verdicts.append("none of the further diagnoses")
            else:
                verdicts.append(None)
        if verdicts:
            found[condition] = None if None in verdicts else " or ".join(sorted(v for v in verdicts if v))
    return found


_indexed: dict[tuple[int, str, str], dict[Any, list[Mapping[str, Any]]]] = {}


def by(record: Record, table: str, column: str) -> dict[Any, list[Mapping[str, Any]]]:
    """The rows of a table by a column; a key without rows has none."""
    key = (id(record), table, column)
    if key not in _indexed:
        _indexed[key] = defaultdict(list)
        for row in record.get(table, ()):
            _indexed[key][row[column]].append(row)
    return _indexed[key]


def forget() -> None:
    """Forget what was looked up in records."""
    _indexed.clear()


def person_of(record: Record, person: int) -> Mapping[str, Any] | None:
    """The person, if the record knows them."""
    found = by(record, "people", "person")[person]
    return found[0] if found else None


# -- emergency admissions ----------------------------------------------------------------------------------------------


def emergencies(record: Record, rule: str) -> Iterator[Mapping[str, Any]]:
    """Stays that began by a method that a definition calls an emergency."""
    for stay in record.get("admissions", ()):
        if rule in meaning("emergency-admission-methods", "admission_method", stay["admission_method"]):
            yield stay


def age_at(record: Record, stay: Mapping[str, Any]) -> int | None:
    """Age on the day of admission, if known."""
    person = person_of(record, stay["person"])
    return age(person["born"], stay["admitted"]) if person else None


def sex_of(record: Record, stay: Mapping[str, Any]) -> str | None:
    """Sex, if known."""
    person = person_of(record, stay["person"])
    return person["sex"] if person else None


def finished(stay: Mapping[str, Any]) -> bool:
    """Whether the first episode has ended."""
    return stay["discharged"] is not None or stay["episodes"] > 1


def common_reasons(record: Record, stay: Mapping[str, Any], wanted: Sequence[str]) -> set[str]:
    """Which of some usual reasons take a stay out."""
    years = age_at(record, stay)
    tests = {
        TRANSFER: stay["admission_source"] in ("51", "52", "53"),
        CLASS: stay["patient_class"] != "1",
        EPISODE_TYPE: stay["episode_type"] != "1",
        SEX: sex_of(record, stay) not in ("female", "male"),
        AGE: years is None or not 0 <= years <= 120,
        "first episode not finished": not finished(stay),
        "specialty left out": stay["main_specialty"] in ("501", "560", "610"),
    }
    return {reason for reason in wanted if tests[reason]}


def by_list(name: str, rule: str, reasons: Sequence[str], *, strata: bool = True) -> Measured:
    """Emergency admissions for the conditions of a list."""

    def measured(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
        for stay in emergencies(record, rule):
            found = conditions_of_stay(name, record, stay["admission"])
            if not found:
                continue
            standing = sorted(condition for condition, against in found.items() if against is None)
            out = common_reasons(record, stay, reasons)
            if not standing:
                for against in found.values():
                    out |= set((against or "").split(" or "))
            condition = (standing or sorted(found))[0]
            yield Row(
                stay["person"],
                stay["admitted"],
                excluded=frozenset(out),
                strata={"condition": condition} if strata else {},
            )

    return measured


MEASURES["emergency-admissions-chronic"] = by_list(
    "nhsof-2-3-i", "outcomes framework", (TRANSFER, CLASS, EPISODE_TYPE, SEX, AGE)
)
MEASURES["emergency-admissions-acute"] = by_list(
    "nhsof-3a", "outcomes framework", (TRANSFER, CLASS, EPISODE_TYPE, SEX, AGE)
)
MEASURES["emergency-admissions-children"] = by_list(
    "nhsof-2-3-ii", "outcomes framework", (TRANSFER, CLASS, EPISODE_TYPE, SEX, AGE)
)
MEASURES["unplanned-admissions-19-conditions"] = by_list("acsc-19", "begins with 2", ())
MEASURES["ambulatory-care-sensitive-admissions-iif"] = by_list(
    "iif-ac-02", "iif ac-02", ("first episode not finished", EPISODE_TYPE, "specialty left out", SEX, AGE)
)
MEASURES["falls"] = by_list("falls", "begins with 2", (TRANSFER, CLASS, EPISODE_TYPE), strata=False)


@measure("emergency-admissions-urgent-care-sensitive")
def urgent_care_sensitive(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Finished first episodes; falls from 75, fever to 5."""
    for stay in emergencies(record, "begins with 2"):
        found = conditions_of_stay("urgent-care-sensitive", record, stay["admission"])
        if not found:
            continue
        years = age_at(record, stay)
        against: dict[str, str] = {}
        for condition in found:
            if condition == "falls" and (years is None or years < 75):
                against[condition] = "under 75"
            if condition == "pyrexial child" and (years is None or years > 5):
                against[condition] = "over 5"
        standing = sorted(set(found) - set(against))
        out = set() if standing else set(against.values())
        out |= common_reasons(record, stay, ("first episode not finished",))
        condition = (standing or sorted(found))[0]
        yield Row(stay["person"], stay["admitted"], excluded=frozenset(out), strata={"condition": condition})


@measure("emergency-admissions")
def emergency_admissions(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Every emergency that did not come from another hospital."""
    for stay in emergencies(record, "begins with 2"):
        yield Row(stay["person"], stay["admitted"], excluded=frozenset(common_reasons(record, stay, (TRANSFER,))))


@measure("emergency-bed-days")
def emergency_bed_days(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Nights, counted one by one, by stay and month."""
    for stay in emergencies(record, "begins with 2"):
        nights: dict[tuple[int, int], list[dt.date]] = defaultdict(list)
        for day in days(window):
            if stay["admitted"] <= day and (stay["discharged"] is None or day < stay["discharged"]):
                nights[day.year, day.month].append(day)
        for month in nights.values():
            yield Row(stay["person"], month[0], len(month))


# -- readmissions ------------------------------------------------------------------------------------------------------


@measure("readmissions-30-days")
def readmissions(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Each discharge, and whether it is the last before an emergency readmission 0 to 29 days later."""
    stays = list(record.get("admissions", ()))

    def order(stay: Mapping[str, Any]) -> tuple[dt.date, dt.date, int]:
        return stay["admitted"], stay["discharged"] or NEVER, stay["admission"]

    def cancer_days(stay: Mapping[str, Any]) -> list[dt.date]:
        found: list[dt.date] = []
        for table, coding in (("diagnoses", "icd10"), ("procedures", "opcs4")):
            for row in by(record, table, "admission")[stay["admission"]]:
                if meaning("cancer-and-chemotherapy", coding, row["code"]):
                    found.append(row["day"])
        return found

    def maternal(stay: Mapping[str, Any]) -> bool:
        signs = [("main_specialty", stay["main_specialty"]), ("main_specialty", stay["last_specialty"])]
        signs.append(("episode_type", stay["episode_type"]))
        signs += [("icd10", row["code"]) for row in by(record, "diagnoses", "admission")[stay["admission"]]]
        return any("maternity" in meaning("maternity", coding, code) for coding, code in signs)

    of_person = by(record, "admissions", "person")
    followed: set[int] = set()
    for stay in stays:
        if "outcomes framework" not in meaning(
            "emergency-admission-methods", "admission_method", stay["admission_method"]
        ):
            continue
        if stay["main_specialty"] == "501" or cancer_days(stay):
            continue
        before = [other for other in of_person[stay["person"]] if order(other) < order(stay)]
        if not before or any((other["discharged"] or NEVER) > stay["admitted"] for other in before):
            continue  # nothing before, or still in hospital
        last = max(before, key=lambda other: (other["discharged"], *order(other)))
        if 0 <= (stay["admitted"] - last["discharged"]).days <= 29:
            followed.add(last["admission"])
    for stay in stays:
        if stay["discharged"] is None:
            continue
        reasons: set[str] = set()
        if stay["patient_class"] != "1":
            reasons.add(CLASS)
        if stay["discharge_method"] in ("4", "5"):
            reasons.add("died in hospital")
        if maternal(stay):
            reasons.add("maternity")
        if not meaning("readmission-specialties", "main_specialty", stay["last_specialty"]):
            reasons.add("specialty of discharge")
        if cancer_days(stay):
            reasons.add("cancer or chemotherapy in this stay")
        for other in of_person[stay["person"]]:
            if other["admission"] != stay["admission"] and any(
                dt.timedelta(0) <= stay["admitted"] - day <= dt.timedelta(days=365) for day in cancer_days(other)
            ):
                reasons.add("cancer or chemotherapy in the 365 days before")
        first = (stay["admission_method"] or "")[:1]
        yield Row(
            stay["person"],
            stay["discharged"],
            int(stay["admission"] in followed),
            1,
            frozenset(reasons),
            {"method": {"1": "elective", "2": "emergency"}.get(first, "other")},
        )


@measure("delayed-discharge")
def delayed_discharge(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Days from being ready to leaving."""
    for stay in record.get("admissions", ()):
        left, ready = stay["discharged"], stay["ready"]
        if left is None:
            continue
        reasons: set[str] = set()
        if stay["patient_class"] != "1":
            reasons.add(CLASS)
        if left == stay["admitted"]:
            reasons.add("no night in hospital")
        if stay["discharge_method"] in ("4", "5"):
            reasons.add("died in hospital")
        if ready is None:
            reasons.add("no day of being ready")
        elif ready < stay["admitted"]:
            reasons.add("ready before admission")
        elif ready > left:
            reasons.add("ready after discharge")
        yield Row(stay["person"], left, (left - ready).days if ready else 0, 1, frozenset(reasons))


@measure("deaths-with-three-emergency-admissions")
def deaths_with_three(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Deaths, and whether three emergency admissions came in the 90 days before."""
    for death in record.get("deaths", ()):
        count = 0
        for stay in emergencies(record, "begins with 2"):
            if stay["person"] == death["person"] and 0 <= (death["day"] - stay["admitted"]).days <= 90:
                count += 1
        yield Row(death["person"], death["day"] - DAY, int(count >= 3), 1)


# -- emergency departments, social care, home --------------------------------------------------------------------------


@measure("avoidable-attendances")
def avoidable_attendances(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """First attendances at major departments, and those that general practice could have seen."""
    for row in record.get("attendances", ()):
        reasons: set[str] = set()
        if row["department"] != "1":
            reasons.add("not a consultant-led department")
        if row["visit"] != "first":
            reasons.add("a follow-up")
        if row["investigated"] is None or row["treated"] is None:
            reasons.add("investigation or treatment not recorded")
        if row["disposal"] is None:
            reasons.add("how it ended is not recorded")
        plain = row["investigated"] is False and row["treated"] is False
        could = plain and row["disposal"] in ("discharged", "general practice")
        yield Row(row["person"], row["day"], int(could), 1, frozenset(reasons))


@measure("reablement-at-home-91-days")
def reablement(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """At home on day 91: alive, found, and at home."""
    for row in record.get("social_care", ()):
        if row["kind"] != "reablement":
            continue
        dead = any(death["day"] <= row["since"] + 91 * DAY for death in by(record, "deaths", "person")[row["person"]])
        reasons = set() if row["after_hospital"] else {"did not begin on discharge"}
        yield Row(row["person"], row["since"], int(row["outcome"] == "at home" and not dead), 1, frozenset(reasons))


@measure("permanent-residential-admissions")
def permanent_admissions(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """New permanent places in homes."""
    for row in record.get("social_care", ()):
        if row["kind"] not in ("residential", "nursing"):
            continue
        reasons: set[str] = set()
        if not row["permanent"]:
            reasons.add("not a permanent place")
        else:
            for other in by(record, "social_care", "person")[row["person"]]:
                earlier = (other["since"], other["row"]) < (row["since"], row["row"])
                lasts = other["until"] is None or other["until"] >= row["since"]
                if other["kind"] in ("residential", "nursing") and other["permanent"] and earlier and lasts:
                    reasons.add("moved from another permanent place")
        yield Row(row["person"], row["since"], excluded=frozenset(reasons))


@measure("days-at-home")
def days_at_home(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Day by day: registered, and neither in hospital overnight nor in a care home."""
    for span in registered(record, window):
        away: list[Mapping[str, Any]] = [
            {"since": stay["admitted"], "until": stay["discharged"]}
            for stay in by(record, "admissions", "person")[span["person"]]
        ]
        away += [
            row
            for row in by(record, "social_care", "person")[span["person"]]
            if row["kind"] in ("residential", "nursing")
        ]
        away += [
            row
            for row in by(record, "residences", "person")[span["person"]]
            if row["kind"] in ("residential home", "nursing home")
        ]
        for period in periods:
            here = [day for day in days(period) if within(span, day)]
            if here:
                home = [day for day in here if not any(within(each, day) for each in away)]
                yield Row(span["person"], here[0], len(home), len(here))


def practice_on(rows: Sequence[Mapping[str, Any]], day: dt.date) -> str | None:
    """The practice of a person on a day: of the registration that began last, joined with those of the same practice
    just before it; of two that began on one day the longer, then the practice that comes first."""
    begun: dict[dt.date, Mapping[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["until"] or NEVER, [-ord(c) for c in row["practice"]])):
        if row["since"] <= day:
            begun[row["since"]] = row
    practice: str | None = None
    for since in sorted(begun, reverse=True):
        if practice is not None and begun[since]["practice"] != practice:
            break
        practice = begun[since]["practice"]
        if day < (begun[since]["until"] or NEVER):
            return practice
    return None


def registered(record: Record, window: Span) -> Iterator[dict[str, Any]]:
    """Spans of unbroken registration with one practice, inside a window; the day of death is the last."""
    for person, rows in by(record, "registrations", "person").items():
        died = min((row["day"] for row in by(record, "deaths", "person")[person]), default=NEVER)
        span: dict[str, Any] | None = None
        for day in days(window):
            practice = practice_on(rows, day) if day <= died else None
            if span is not None and practice != span["practice"]:
                yield {**span, "until": day}
                span = None
            if span is None and practice is not None:
                span = {"person": person, "practice": practice, "since": day, "until": None}
        if span is not None:
            yield span


# -- continuity --------------------------------------------------------------------------------------------------------


def contacts(record: Record, period: Span) -> dict[int, list[tuple[dt.date, str, str]]]:
    """By person, contacts with clinicians of general practice in a period, in order: day, practice, clinician."""
    found: dict[int, list[tuple[dt.date, str, str]]] = defaultdict(list)
    for row in record.get("consultations", ()):
        if row["clinician"] is not None and period[0] <= row["day"] <= period[1]:
            found[row["person"]].append((row["day"], row["practice"] or "", row["clinician"]))
    return {person: sorted(each) for person, each in found.items()}


FEW = "fewer than three contacts"


def continuity(index: Callable[[list[tuple[str, str]]], tuple[int, int]]) -> Measured:
    """An index over each person's contacts with clinicians, in order."""

    def measured(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
        for period in periods:
            for person, found in contacts(record, period).items():
                above, below = index([(practice, clinician) for _, practice, clinician in found])
                out = frozenset({FEW} if len(found) < 3 else ())
                yield Row(person, period[1], above, below, out)

    return measured


def usual_provider(seen: list[tuple[str, str]]) -> tuple[int, int]:
    """The most contacts with one, over all."""
    return max(Counter(seen).values()), len(seen)


def bice_boxerman(seen: list[tuple[str, str]]) -> tuple[int, int]:
    """Pairs of contacts with the same, over all pairs: counted pair by pair."""
    same = sum(1 for i, one in enumerate(seen) for j, other in enumerate(seen) if i != j and one == other)
    return same, len(seen) * (len(seen) - 1)


def sequential(seen: list[tuple[str, str]]) -> tuple[int, int]:
    """Contacts with the same as the one before."""
    return sum(1 for one, other in pairwise(seen) if one == other), len(seen) - 1


MEASURES["continuity-usual-provider"] = continuity(usual_provider)
MEASURES["continuity-bice-boxerman"] = continuity(bice_boxerman)
MEASURES["continuity-sequential"] = continuity(sequential)


@measure("fragmentation")
def fragmentation(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Pairs of contacts with different organisations, over all pairs."""
    for period in periods:
        seen: dict[int, list[str]] = defaultdict(list)
        for table, column in (
            ("consultations", "practice"),
            ("outpatients", "provider"),
            ("community_contacts", "provider"),
            ("mental_health_contacts", "provider"),
        ):
            for row in record.get(table, ()):
                took_place = table == "consultations" or row["attended"] == "attended"
                took_place = took_place or (table != "outpatients" and row["attended"] is None)
                if took_place and row[column] is not None and period[0] <= row["day"] <= period[1]:
                    seen[row["person"]].append(row[column])
        for person, each in seen.items():
            different = sum(1 for i, one in enumerate(each) for j, other in enumerate(each) if i != j and one != other)
            out = frozenset({FEW} if len(each) < 3 else ())
            yield Row(person, period[1], different, len(each) * (len(each) - 1), out)


# -- plans, referrals, answers, costs ----------------------------------------------------------------------------------


def year_to(day: dt.date, months: int = 12) -> dt.date:
    """The first day of the months that end with a day."""
    return months_after(day + DAY, -months)


def planned(flag: str) -> Measured:
    """People with complex needs, and those with an entry of a kind in their care plan in twelve months."""

    def measured(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
        for period in periods:
            people = {
                row["person"]
                for row in record.get("conditions", ())
                if meaning("complex-needs", row["coding"], row["code"]) and within(row, period[1])
            }
            for person in people:
                done = any(
                    row[flag] and year_to(period[1]) <= row["day"] <= period[1]
                    for row in by(record, "care_plans", "person")[person]
                )
                yield Row(person, period[1], int(done), 1)

    return measured


MEASURES["care-plan-coverage"] = planned("shared")
MEASURES["joint-review-coverage"] = planned("joint")


def referred(kind: str, column: str) -> Measured:
    """Referrals of a kind, by a column."""

    def measured(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
        for row in record.get("referrals", ()):
            if row["kind"] == kind:
                yield Row(row["person"], row["day"], strata={column: row[column] or "not recorded"})

    return measured


MEASURES["referrals"] = referred("referral", "priority")
MEASURES["advice-and-guidance"] = referred("advice", "outcome")


def answered(name: str) -> Measured:
    """Answers that are good, of those that are good or not."""

    def measured(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
        for row in record.get("surveys", ()):
            for condition in meaning(name, "survey", f"{row['question']}/{row['answer']}"):
                good = int(condition == "good")
                yield Row(row["person"], row["day"], good, 1, practice=row["practice"])

    return measured


MEASURES["coordination-experience"] = answered("survey-coordination")
MEASURES["access-experience"] = answered("survey-access")

AVERAGES = {
    "attendances": 28017,
    "outpatients": 19752,
    "community_contacts": 8873,
    "mental_health_contacts": 30594,
}
"""Pence (National Cost Collection): Emergency Care, Consultant Led, Community Health Service, Mental Health Contact."""


def stay_average(stay: Mapping[str, Any]) -> int | None:
    """Pence of the department that a stay belongs to; None where that cannot be told."""
    if stay["patient_class"] == "2":
        return 107747
    if stay["patient_class"] in ("3", "4"):
        return 44812
    if stay["discharged"] is None or stay["admission_method"] is None:
        return None
    if stay["admission_method"].startswith("1"):
        return 668901
    return 82586 if (stay["discharged"] - stay["admitted"]).days <= 1 else 541928


@measure("cost-by-setting")
def cost_by_setting(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Recorded cost, else the average, else left out."""
    settings = {
        "consultations": "general practice",
        "prescriptions": "prescribing",
        "attendances": "emergency departments",
        "admissions": "hospital stays",
        "outpatients": "outpatients",
        "community_contacts": "community services",
        "mental_health_contacts": "mental health services",
        "social_care": "social care",
    }
    for table, setting in settings.items():
        for row in record.get(table, ()):
            day = row["admitted"] if table == "admissions" else row["since"] if table == "social_care" else row["day"]
            cost, reasons = row["cost"], set[str]()
            if cost is None:
                cost = stay_average(row) if table == "admissions" else AVERAGES.get(table)
                missed = row.get("attended") in ("did not attend", "cancelled")
                if table in ("outpatients", "community_contacts", "mental_health_contacts") and missed:
                    reasons.add("did not take place")
                elif cost is None:
                    reasons.add("no recorded cost")
            yield Row(row["person"], day, cost or 0, None, frozenset(reasons), {"setting": setting})


# -- the Quality and Outcomes Framework --------------------------------------------------------------------------------


def on_register(record: Record, person: int, condition: str, day: dt.date) -> list[dt.date]:
    """The days of the diagnoses that keep a person on a register on a day; none if they are not on it."""
    rows_of_person = by(record, "conditions", "person")[person]
    ended = [
        row["since"]
        for row in rows_of_person
        if condition in meaning("qof-registers-resolved", row["coding"], row["code"]) and row["since"] <= day
    ]
    return [
        row["since"]
        for row in rows_of_person
        if condition in meaning("qof-registers", row["coding"], row["code"])
        and within(row, day)
        and all(end <= row["since"] for end in ended)
    ]


def observed(record: Record, person: int, name: str, since: dt.date, until: dt.date) -> list[Mapping[str, Any]]:
    """Entries of a list of a person between two days, both included."""
    return [
        row
        for row in by(record, "observations", "person")[person]
        if since <= row["day"] <= until and meaning(name, row["coding"], row["code"])
    ]


REGISTERS = tuple(dict.fromkeys(row["condition"] for row in listed("qof-registers")))
LEAST_AGE = {
    "diabetes": 17,
    "chronic kidney disease": 18,
    "depression": 18,
    "epilepsy": 18,
    "rheumatoid arthritis": 16,
    "asthma": 6,
}


@measure("disease-registers")
def disease_registers(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Everybody on a register, unless too young for it."""
    for person in record.get("people", ()):
        for _, last in periods:
            for condition in REGISTERS:
                if on_register(record, person["person"], condition, last):
                    least = LEAST_AGE.get(condition)
                    young = least is not None and age(person["born"], last) < least
                    out = frozenset({f"under {least}"} if young else ())
                    yield Row(person["person"], last, excluded=out, strata={"condition": condition})


def frail(record: Record, person: int, day: dt.date) -> bool:
    """Whether the latest entry about frailty says moderate or severe; on one day the graver stands."""
    entries = observed(record, person, "frailty", dt.date.min, day)
    latest = max((row["day"] for row in entries), default=None)
    return any(row["day"] == latest and "frailty" in meaning("frailty", row["coding"], row["code"]) for row in entries)


def adjustments(record: Record, person: int, since: dt.date, until: dt.date) -> set[tuple[str, str]]:
    """Personalised care adjustments: register and reason."""
    found: set[tuple[str, str]] = set()
    for row in observed(record, person, "qof-adjustments", since, until):
        for each in meaning("qof-adjustments", row["coding"], row["code"]):
            register, _, reason = each.partition(": ")
            found.add((register, reason))
    return found


def pressures(record: Record, person: int, since: dt.date, until: dt.date) -> dict[dt.date, tuple[Decimal, Decimal]]:
    """By day, the lowest systolic and the lowest diastolic, of days that have both."""
    values: dict[dt.date, dict[str, list[Decimal]]] = defaultdict(lambda: defaultdict(list))
    for row in observed(record, person, "blood-pressure", since, until):
        if row["value"] is not None:
            for which in meaning("blood-pressure", row["coding"], row["code"]):
                values[row["day"]][which].append(row["value"])
    return {
        day: (min(each["systolic"]), min(each["diastolic"]))
        for day, each in values.items()
        if each["systolic"] and each["diastolic"]
    }


BLOOD_PRESSURE = {
    "HYP010": (("hypertension",), 0, 79, 140, 90),
    "HYP011": (("hypertension",), 80, 999, 150, 90),
    "CD001": (("coronary heart disease", "stroke or TIA"), 0, 79, 140, 90),
    "CD002": (("coronary heart disease", "stroke or TIA"), 80, 999, 150, 90),
    "DM036": (("diabetes",), 17, 79, 140, 90),
}


@measure("blood-pressure-control")
def blood_pressure_control(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """The last reading of twelve months against the target of each indicator."""
    for person in record.get("people", ()):
        who = person["person"]
        for _, last in periods:
            for indicator, (registers, youngest, oldest, systolic, diastolic) in BLOOD_PRESSURE.items():
                since = [day for each in registers for day in on_register(record, who, each, last)]
                if not since or not youngest <= age(person["born"], last) <= oldest:
                    continue
                readings = pressures(record, who, year_to(last), last)
                latest = readings[max(readings)] if readings else None
                reached = latest is not None and latest[0] <= systolic and latest[1] <= diastolic
                reasons: set[str] = set()
                if indicator == "DM036" and frail(record, who, last):
                    reasons.add("moderately or severely frail")
                if not reached:
                    for register, reason in adjustments(record, who, year_to(last), last):
                        of_care = register in registers and reason.startswith("care")
                        of_pressure = register == "hypertension" and not reason.startswith("care")
                        if of_care or of_pressure:
                            reasons.add(reason)
                    if min(since) >= year_to(last, 9):
                        reasons.add("diagnosed in the last nine months")
                yield Row(who, last, int(reached), 1, frozenset(reasons), {"indicator": indicator})


@measure("diabetes-glucose-control")
def diabetes_glucose_control(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """The last HbA1c of twelve months; 58, or 75 for people who are frail."""
    for person in record.get("people", ()):
        who = person["person"]
        for _, last in periods:
            since = on_register(record, who, "diabetes", last)
            if not since or age(person["born"], last) < 17:
                continue
            values: dict[dt.date, list[Decimal]] = defaultdict(list)
            for row in observed(record, who, "hba1c", year_to(last), last):
                if row["value"] is not None:
                    values[row["day"]].append(row["value"])
            is_frail = frail(record, who, last)
            reached = bool(values) and min(values[max(values)]) <= (75 if is_frail else 58)
            reasons: set[str] = set()
            if not reached:
                found = adjustments(record, who, year_to(last), last)
                reasons |= {reason for register, reason in found if register == "diabetes"}
                if min(since) >= year_to(last, 9):
                    reasons.add("diagnosed in the last nine months")
            indicator = "DM021" if is_frail else "DM020"
            yield Row(who, last, int(reached), 1, frozenset(reasons), {"indicator": indicator})


MENTAL = ("serious mental illness",)
CARE: dict[str, tuple[Mapping[str, int], str]] = {
    "AST007": ({"asthma": 6}, "asthma"),
    "COPD010": ({"COPD": 0}, "COPD"),
    "DEM004": ({"dementia": 0}, "dementia"),
    "DM012": ({"diabetes": 17}, "foot"),
    "HF007": ({"heart failure": 0}, "heart failure"),
    **{each: (dict.fromkeys(MENTAL, 0), MENTAL[0]) for each in ("MH002", "MH003", "MH006", "MH007", "MH012")},
    "SMOK002": (
        {
            "asthma": 15,
            "chronic kidney disease": 18,
            "COPD": 15,
            "coronary heart disease": 15,
            "diabetes": 17,
            "hypertension": 15,
            "peripheral arterial disease": 15,
            "serious mental illness": 15,
            "stroke or TIA": 15,
        },
        "smoking",
    ),
}


@measure("care-recorded")
def care_recorded(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """An entry in twelve months that shows the care."""
    for person in record.get("people", ()):
        who = person["person"]
        for _, last in periods:
            years = age(person["born"], last)
            for indicator, (registers, adjusting) in CARE.items():
                since = [
                    day
                    for each, least in registers.items()
                    if years >= least
                    for day in on_register(record, who, each, last)
                ]
                if not since:
                    continue
                done = any(
                    indicator in meaning("qof-care-recorded", row["coding"], row["code"])
                    for row in observed(record, who, "qof-care-recorded", year_to(last), last)
                )
                reasons: set[str] = set()
                if not done:
                    found = adjustments(record, who, year_to(last), last)
                    reasons |= {reason for register, reason in found if register == adjusting}
                    if min(since) >= year_to(last, 3):
                        reasons.add("diagnosed in the last three months")
                yield Row(who, last, int(done), 1, frozenset(reasons), {"indicator": indicator})


@measure("blood-pressure-recorded")
def blood_pressure_recorded(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Everybody alive by then, and whether five years have a reading."""
    for person in record.get("people", ()):
        for _, last in periods:
            if person["born"] <= last:
                found = pressures(record, person["person"], year_to(last, 60), last)
                yield Row(person["person"], last, int(bool(found)), 1)


@measure("cervical-screening")
def cervical_screening(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """Women of 25 to 64, and whether they were screened in time."""
    for person in record.get("people", ()):
        who = person["person"]
        for _, last in periods:
            if person["sex"] != "female" or not 25 <= age(person["born"], last) <= 64:
                continue
            younger = age(person["born"], last) <= 49
            since = year_to(last, 42 if younger else 66)

            def seen(condition: str, since: dt.date, who: int = who, last: dt.date = last) -> bool:
                return any(
                    condition in meaning("cervical-screening", row["coding"], row["code"])
                    for row in observed(record, who, "cervical-screening", since, last)
                )

            screened = seen("screened", since)
            reasons = {"no cervix"} if seen("no cervix", dt.date.min) else set[str]()
            if not screened:
                found = adjustments(record, who, since, last)
                reasons |= {reason for register, reason in found if register == "cervical screening"}
            indicator = "CS005" if younger else "CS006"
            yield Row(who, last, int(screened), 1, frozenset(reasons), {"indicator": indicator})


VASCULAR = ("coronary heart disease", "stroke or TIA", "peripheral arterial disease")


@measure("cholesterol-control")
def cholesterol_control(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """The last LDL of twelve months, or else the last non-HDL."""
    for person in record.get("people", ()):
        who = person["person"]
        for _, last in periods:
            since = [day for each in VASCULAR for day in on_register(record, who, each, last)]
            if not since:
                continue
            values: dict[str, dict[dt.date, list[Decimal]]] = {"LDL": defaultdict(list), "non-HDL": defaultdict(list)}
            for row in observed(record, who, "cholesterol", year_to(last), last):
                if row["value"] is not None:
                    for kind in meaning("cholesterol", row["coding"], row["code"]):
                        values[kind][row["day"]].append(row["value"])
            latest = {kind: min(each[max(each)]) for kind, each in values.items() if each}
            if "LDL" in latest:
                reached = latest["LDL"] <= Decimal("2.0")
            else:
                reached = "non-HDL" in latest and latest["non-HDL"] <= Decimal("2.6")
            reasons: set[str] = set()
            if not reached:
                found = adjustments(record, who, year_to(last), last)
                reasons |= {reason for register, reason in found if register == "cholesterol"}
                if min(since) >= year_to(last, 9):
                    reasons.add("diagnosed in the last nine months")
            yield Row(who, last, int(reached), 1, frozenset(reasons))


@measure("medicines-prescribed")
def medicines_prescribed(record: Record, window: Span, periods: Sequence[Span]) -> Iterator[Row]:
    """A prescription in six or twelve months."""
    for person in record.get("people", ()):
        who = person["person"]
        for _, last in periods:
            years = age(person["born"], last)
            on = {each: on_register(record, who, each, last) for each in (*VASCULAR, "diabetes")}
            kidneys = on_register(record, who, "chronic kidney disease", last) if years >= 18 else []
            vascular = [day for each in VASCULAR for day in on[each]]
            both = [max(one, other) for one in on["diabetes"] for other in vascular] if years >= 17 else []
            for indicator, months, since in (
                ("CHD005", 12, on["coronary heart disease"]),
                ("CHOL003", 6, [*vascular, *kidneys]),
                ("DM035", 6, both),
            ):
                if not since:
                    continue
                taken = any(
                    year_to(last, months) <= row["day"] <= last
                    and indicator in meaning("qof-medicines", row["coding"], row["code"])
                    for row in by(record, "prescriptions", "person")[who]
                )
                reasons: set[str] = set()
                if not taken:
                    if indicator != "CHD005":
                        found = adjustments(record, who, year_to(last), last)
                        reasons |= {reason for register, reason in found if register == "statin"}
                    if min(since) >= year_to(last, 3):
                        reasons.add("diagnosed in the last three months")
                yield Row(who, last, int(taken), 1, frozenset(reasons), {"indicator": indicator})
