"""Matching: which codes of a record a code list means, and which stays in hospital have one of its conditions.

The codes that occur in a record are few. They are compared with the list once, in Python, and what matched is bound as
a table of plain values; so a query only ever joins on equality, every engine finds the same, and nothing that stands in
a list can become part of a query.
"""

from __future__ import annotations

import datetime as dt
import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence

from accord.measures.codelist import Code, CodeList, normal
from accord.record.column import ColumnType

Columns = Mapping[str, tuple[ColumnType, Sequence[object]]]
"""A small table, as it is bound."""

CODES = ("coding", "code", "condition")
"""The columns that a list of kind ``codes`` gives to a select."""

ADMISSIONS = ("admission", "person", "condition", "excluded")
"""The columns that a list of kind ``admissions`` gives to a select, one row a stay and condition. ``excluded`` is
missing where the stay has the condition, and says why where something takes it out again."""

MATCHED = ("coding", "code", "condition", "rule", "position", "role", "since")

STAYS = """
with matched_codes as (
    select d.admission, d.person, m.condition, m.rule, m.role, d.code
    from diagnoses d
    join {matched} m on m.code = d.code
    where m.coding = 'icd10' {diagnosis_episode} and (m.position = 'any'
        or (m.position = 'primary' and d.position = 1) or (m.position = 'secondary' and d.position > 1))
        and d.day >= m.since
    union all
    select p.admission, p.person, m.condition, m.rule, m.role, p.code
    from procedures p
    join {matched} m on m.code = p.code
    where m.coding = 'opcs4' {procedure_episode} and (m.position = 'any'
        or (m.position = 'primary' and p.position = 1) or (m.position = 'secondary' and p.position > 1))
        and p.day >= m.since
), ruled as (
    select admission, person, condition, rule,
        max(case when role = 'case' then 1 else 0 end) as has_case,
        max(case when role = 'secondary_required' then 1 else 0 end) as has_required,
        min(case when role = 'any_excluded' or role = 'secondary_excluded' then code end) as diagnosis,
        min(case when role = 'procedure_excluded' or role = 'primary_procedure_excluded' then code end) as procedure
    from matched_codes
    group by admission, person, condition, rule
), judged as (
    select r.admission, r.person, r.condition,
        case
            when r.diagnosis is not null then 'a diagnosis that takes it out: ' || r.diagnosis
            when r.procedure is not null then 'a procedure that takes it out: ' || r.procedure
            when u.needs = 1 and r.has_required = 0 then 'none of the further diagnoses that it needs'
        end as excluded
    from ruled r
    join {rules} u on u.condition = r.condition and u.rule = r.rule
    where r.has_case = 1
)
select admission, person, condition,
    case when count(*) = count(excluded) then min(excluded) end as excluded
from judged
group by admission, person, condition
"""
"""Stays with a condition, from matched codes ({matched}) and rules ({rules}); those names are made by Accord. A stay
has the condition if one of the rules has nothing against it."""


def stays_select(codes: CodeList, matched: str, rules: str) -> str:
    """The select of the stays that have a condition of a list; ``matched`` and ``rules`` are names of bound tables."""
    first = codes.episodes == "first"
    return STAYS.format(
        matched=matched,
        rules=rules,
        diagnosis_episode="and d.episode = 1" if first else "",
        procedure_episode="and p.episode = 1" if first else "",
    )


def needs_occurring(codes: CodeList) -> tuple[str, ...]:
    """The codings whose codes must be known before the list can be matched: those with prefixes or patterns."""
    return tuple(sorted({one.coding for one in codes.codes if one.match != "exact"}))


def meant(codes: CodeList, found: Iterable[tuple[str, str]]) -> Columns:
    """The codes that a list of kind ``codes`` means; columns as in :data:`CODES`."""
    rows = sorted(
        {(one.coding, code, one.condition) for test, one in _tests(codes, _by_coding(found)) for code in test}
    )
    return {name: ("text", [row[at] for row in rows]) for at, name in enumerate(CODES)}


def matched(codes: CodeList, found: Iterable[tuple[str, str]]) -> Columns:
    """The codes that the list means, one row a code and meaning: exact codes, and those of a record (``found``: coding,
    code) that its prefixes and patterns fit.

    Columns as in :data:`MATCHED`; ``since`` is 1800-01-01 where a code always counted.
    """
    always = dt.date(1800, 1, 1)
    rows: dict[tuple[str, ...], dt.date] = {}
    for test, one in _tests(codes, _by_coding(found)):
        for code in test:
            key = (one.coding, code, one.condition, one.rule, _position(one), one.role)
            since = one.since or always
            rows[key] = min(since, rows.get(key, since))
    ordered = sorted(rows)
    columns: dict[str, tuple[ColumnType, Sequence[object]]] = {
        name: ("text", [key[at] for key in ordered]) for at, name in enumerate(MATCHED[:-1])
    }
    return {**columns, MATCHED[-1]: ("day", [rows[key] for key in ordered])}


def rules(codes: CodeList) -> Columns:
    """The rules of a list: condition, rule, and whether a further diagnosis is needed (``needs``, 0 or 1)."""
    needs: dict[tuple[str, str], int] = {}
    for one in codes.codes:
        key = (one.condition, one.rule)
        needs[key] = max(needs.get(key, 0), int(one.role == "secondary_required"))
    ordered = sorted(needs)
    return {
        "condition": ("text", [key[0] for key in ordered]),
        "rule": ("text", [key[1] for key in ordered]),
        "needs": ("whole", [needs[key] for key in ordered]),
    }


_POSITIONS = {
    "secondary_required": "secondary",
    "secondary_excluded": "secondary",
    "primary_procedure_excluded": "primary",
}
"""Where a role looks, unless its row says something narrower."""


def _position(one: Code) -> str:
    return _POSITIONS.get(one.role, one.position)


def _by_coding(found: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The codes that occur, sorted, by coding."""
    out: dict[str, set[str]] = {}
    for coding, code in found:
        out.setdefault(coding, set()).add(code)
    return {coding: sorted(each) for coding, each in out.items()}


def _tests(codes: CodeList, found: dict[str, list[str]]) -> Iterable[tuple[Sequence[str], Code]]:
    """By row of the list, the codes that are meant."""
    normals = {coding: {code: normal(coding, code) for code in each} for coding, each in found.items()}
    for one in codes.codes:
        occurring = found.get(one.coding, [])
        if one.match == "exact":
            yield (one.code,), one
        elif one.match == "prefix":
            first = bisect_left(occurring, one.code)
            after = bisect_left(occurring, one.code + "\U0010ffff")
            yield occurring[first:after], one
        else:
            means = pattern(one)
            yield [code for code in occurring if means(normals[one.coding][code])], one


def pattern(one: Code) -> Callable[[str], bool]:
    """Whether a code begins as a regex says. A code of three characters of ICD-10 is tried with its filling X too."""
    compiled = re.compile(one.code)

    def means(code: str) -> bool:
        if compiled.match(code):
            return True
        return one.coding == "icd10" and len(code) == 3 and compiled.match(code + "X") is not None

    return means
