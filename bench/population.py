"""A made-up record of any size, the same every time: 60 events a person over three years, and what measures look for.

Every value follows from the number of its row by a hash, so that the same size gives the same record (on one version of
DuckDB), and tables are written in pieces as large as memory allows. Codes are those of the library's code lists and as
many others. Nobody in it exists.
"""

from __future__ import annotations

import csv
import re
import tempfile
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accord.record.definition import Table, table
from accord.record.deriving import derive
from accord.record.record import Record, next_generation, open_record, publish

SHARES: Mapping[str, int] = {
    # events for each thousand people
    "observations": 26_000,
    "prescriptions": 14_000,
    "consultations": 9_000,
    "conditions": 2_500,
    "outpatients": 2_400,
    "community_contacts": 2_000,
    "attendances": 1_200,
    "episodes": 900,
    "mental_health_contacts": 800,
    "referrals": 700,
    "surveys": 200,
    "care_plans": 200,
    "social_care": 100,
}
"""How much happens. Together 60 events a person."""

EVENTS_EACH = sum(SHARES.values()) // 1000
FIRST, DAYS = "2023-04-01", 1096
"""Events lie in the three years before 1 April 2026."""

LISTS = Path(__file__).resolve().parent.parent / "src" / "accord" / "library" / "codelists"


def make(folder: Path, people: int, *, threads: int = 2, memory: str = "4GB") -> Record:
    """Make the record of so many people in a folder."""
    from accord.engine.database import in_memory

    folder.mkdir(parents=True, exist_ok=True)
    generation, unfinished = next_generation(folder)
    with tempfile.TemporaryDirectory() as scratch, in_memory() as con:
        con.execute(f"set threads = {threads}")
        con.execute(f"set memory_limit = '{memory}'")
        con.execute(f"set temp_directory = '{scratch}'")
        con.execute("set preserve_insertion_order = false")
        _pools(con)
        described: dict[str, object] = {}
        for name, (rows, columns) in _tables(people).items():
            described[name] = {"rows": _write(con, unfinished, table(name), rows, columns), "files": {}}
    manifest: dict[str, object] = {"tables": described, "loads": []}
    manifest["derived"] = derive(Record(folder, unfinished, manifest))
    publish(folder, unfinished, generation, manifest)
    return open_record(folder)


def _write(con: Any, unfinished: Path, definition: Table, rows: int, columns: Mapping[str, str]) -> int:
    """Write one table: each column as said, or missing."""
    kinds = {"int64": "bigint", "date32[day]": "date", "string": "varchar", "bool": "boolean"}
    given = {
        "row": "i + 1",
        "source": "'made'",
        "known_from": "date '2026-04-01'",
        **columns,
    }
    selected = []
    for field in definition.schema():
        kind = kinds.get(str(field.type), "decimal(18, 4)")
        value = _STREAM.sub(_shifted, given.get(field.name, "null"))
        selected.append(f'cast({value} as {kind}) as "{field.name}"')
    target = unfinished / definition.name / "part-000000.parquet"
    target.parent.mkdir()
    con.execute(
        f"copy (select {', '.join(selected)} from (select range as i from range({rows}))) "
        f"to '{target}' (format parquet, compression zstd, compression_level 1)"
    )
    return rows


def _pools(con: Any) -> None:
    """Codes to draw from, by coding: half of them from the library's lists, half of other codes."""
    found: dict[str, set[str]] = {}
    for path in sorted(LISTS.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                code = row["code"].replace(".", "").upper() if row["coding"] in ("icd10", "opcs4") else row["code"]
                if code.replace("-", "").replace("_", "").replace("/", "").isalnum():
                    found.setdefault(row["coding"], set()).add(code)
    others = [f"{letter}{number:02}" for letter in "ABDEGHKLMNRZ" for number in range(0, 100, 7)]
    for coding, name in (("icd10", "icd"), ("opcs4", "opcs"), ("cluster", "clusters"), ("bnf", "bnf")):
        listed = sorted(found.get(coding, ()))
        pool = listed + [f"{code}{number % 10}" for number, code in enumerate(others)]
        con.execute(f"set variable {name} = [{', '.join(repr(code) for code in pool)}]")
    measured = ["8480-6", "8462-4", "59261-8", *(f"1{number}-{number % 10}" for number in range(10))]
    con.execute(f"set variable loinc = [{', '.join(repr(code) for code in measured)}]")


_STREAM = re.compile(r"hash\((i(?: // 2)?), '([^']+)'\)")


def _shifted(found: re.Match[str]) -> str:
    """The hash of a row in a stream: of a number far from those of other streams, so that they do not go together."""
    return f"hash({found[1]} + {zlib.crc32(found[2].encode()) * 100_000_007})"


def _of(stream: str, below: int) -> str:
    """A number from 0 to ``below`` - 1 that follows from the row and the stream."""
    return f"cast(hash(i, '{stream}') % {below} as bigint)"


def _one(stream: str, *words: str) -> str:
    listed = ", ".join("null" if word == "-" else f"'{word}'" for word in words)
    return f"[{listed}][1 + {_of(stream, len(words))}]"


def _drawn(stream: str, pool: str) -> str:
    return f"getvariable('{pool}')[1 + cast(hash(i, '{stream}') % len(getvariable('{pool}')) as bigint)]"


def _day(stream: str, days: int = DAYS, first: str = FIRST) -> str:
    return f"date '{first}' + cast({_of(stream, days)} as integer)"


def _numbered(person: str) -> str:
    """The key of a person: positive, 62 bits, different for each."""
    return f"cast(hash({person}) >> 2 as bigint)"


def _tables(people: int) -> dict[str, tuple[int, dict[str, str]]]:
    """Rows and columns of each table. A fifth of people have most of the events, as it is."""
    practices = max(4, people // 5_000)
    areas = max(1, people // 1_500)
    rows = {name: people * share // 1000 for name, share in SHARES.items()}

    def number(table: str) -> str:
        ill = f"cast(hash(i, '{table} who') % {max(1, people // 5)} as bigint)"
        anybody = f"cast(hash(i, '{table} who') % {people} as bigint)"
        return f"case when hash(i, '{table} ill') % 10 < 6 then {ill} else {anybody} end"

    def whose(table: str) -> str:
        return _numbered(number(table))

    def own(table: str) -> str:
        return practice(f"({number(table)})")

    def practice(n: str) -> str:
        return f"'P' || lpad(cast({n} % {practices} as varchar), 5, '0')"

    here = practice(f"cast(hash(i, 'practice') % {people} as bigint)")
    cost = _of("cost", 40_000)
    pressure = "(hash(i // 2, 'pressure') % 5 = 0)"
    tables: dict[str, dict[str, str]] = {
        "consultations": {
            "day": _day("consultations"),
            "practice": own("consultations"),
            "clinician": f"'C' || {_of('clinician', 5)}",
            "role": _one("role", "gp", "gp", "gp", "nurse", "other"),
            "mode": _one("mode", "face to face", "telephone"),
            "minutes": _of("minutes", 25),
            "cost": _of("gp cost", 6_000),
        },
        "observations": {
            # entries come in twos: of a person and day, and one in five is a blood pressure
            "day": _day("observations").replace("hash(i,", "hash(i // 2,"),
            "coding": f"case when {pressure} or hash(i, 'kind') % 2 = 0 then 'loinc' else 'cluster' end",
            "code": f"case when {pressure} then ['8480-6', '8462-4'][1 + i % 2] when hash(i, 'kind') % 2 = 0 then "
            f"{_drawn('loinc', 'loinc')} else {_drawn('cluster', 'clusters')} end",
            "value": f"case when not {pressure} and hash(i, 'small') % 4 = 0 "
            f"then cast(10 + {_of('value', 50)} as decimal(18, 4)) * 0.1 "
            f"when not {pressure} then 30 + {_of('value', 60)} when i % 2 = 0 "
            f"then 105 + {_of('value', 70)} else 60 + {_of('value', 45)} end",
            "practice": here,
        },
        "prescriptions": {
            "day": _day("prescriptions"),
            "practice": here,
            "coding": "case when hash(i, 'bnf') % 8 = 0 then 'bnf' else 'dmd' end",
            "code": f"case when hash(i, 'bnf') % 8 = 0 then {_drawn('chapter', 'bnf')} "
            f"else 'D' || {_of('drug', 3000)} end",
            "quantity": f"1 + {_of('quantity', 90)}",
            "cost": _of("drug cost", 3_000),
        },
        "conditions": {
            "since": _day("conditions", 4000, "2015-04-01"),
            "until": f"case when hash(i, 'over') % 10 = 0 then {_day('conditions', 4000, '2015-04-01')} + 200 end",
            "coding": "case when hash(i, 'complex') % 50 = 0 then 'local' when hash(i, 'icd') % 20 = 0 then 'icd10' "
            "else 'cluster' end",
            "code": "case when hash(i, 'complex') % 50 = 0 then 'COMPLEX-NEEDS' "
            f"when hash(i, 'icd') % 20 = 0 then {_drawn('diagnosed', 'icd')} "
            f"else {_drawn('condition', 'clusters')} end",
            "practice": here,
        },
        "outpatients": {
            "day": _day("outpatients"),
            "provider": f"'R' || {_of('trust', 9)}",
            "specialty": f"cast(100 + {_of('specialty', 60)} as varchar)",
            "attended": _one("attended", "attended", "attended", "attended", "did not attend", "cancelled"),
            "first": "hash(i, 'first') % 3 = 0",
            "cost": f"case when hash(i, 'priced') % 3 > 0 then {cost} end",
        },
        "community_contacts": {
            "day": _day("community"),
            "provider": "'RC1'",
            "service": f"'S' || {_of('service', 20)}",
            "clinician": f"'N' || {_of('nurse', 900)}",
            "attended": _one("came", "attended", "attended", "did not attend"),
            "minutes": _of("minutes", 60),
        },
        "mental_health_contacts": {
            "day": _day("mental"),
            "provider": "'RM1'",
            "service": f"'S' || {_of('service', 20)}",
            "clinician": f"'M' || {_of('nurse', 400)}",
            "attended": _one("came", "attended", "attended", "did not attend"),
        },
        "attendances": {
            "day": _day("attendances"),
            "provider": f"'R' || {_of('trust', 9)}",
            "department": _one("department", "1", "1", "3", "4"),
            "visit": _one("visit", "first", "first", "first", "planned"),
            "arrival": _one("arrival", "ambulance", "other"),
            "investigated": "hash(i, 'looked') % 2 = 0",
            "treated": "hash(i, 'treated') % 2 = 0",
            "diagnosis": _drawn("diagnosis", "icd"),
            "disposal": _one("disposal", "discharged", "general practice", "referred", "admitted", "left"),
            "cost": cost,
        },
        "episodes": {
            # half of stays have one episode, a quarter two
            "spell": "i // 2 + case when hash(i // 2, 'two') % 2 = 0 then 0 else (i % 2) * 10000000000 end",
            "episode": "1 + case when hash(i // 2, 'two') % 2 = 0 then i % 2 else 0 end",
            "provider": "'R' || cast(hash(i // 2, 'trust') % 9 as bigint)",
            "admission_method": _one("method", "21", "21", "2A", "11", "12", "13", "22", "28"),
            "admission_source": _one("source", "19", "19", "19", "19", "51"),
            "patient_class": _one("class", "1", "1", "1", "2"),
            "episode_type": "'1'",
            "discharge_method": _one("how", "1", "1", "1", "1", "1", "1", "1", "4"),
            "discharge_destination": _one("where", "19", "19", "19", "19", "54", "51"),
            "main_specialty": _one("specialty", "100", "300", "320", "430", "501", "800"),
            "treatment_function": _one("function", "100", "300", "320", "430"),
            "diagnoses": "case when hash(i, 'fell') % 20 = 0 then 'S720 W010 ' else '' end || "
            + " || ' ' || ".join(_drawn(f"diagnosis {n}", "icd") for n in range(4)),
            "procedures": f"case when hash(i, 'operated') % 3 = 0 then {_drawn('procedure', 'opcs')} end",
            "cost": f"20000 + {_of('stay cost', 600_000)}",
        },
        "referrals": {
            "day": _day("referrals"),
            "practice": here,
            "kind": _one("kind", "referral", "referral", "referral", "advice"),
            "specialty": f"cast(100 + {_of('specialty', 60)} as varchar)",
            "priority": _one("priority", "routine", "urgent", "two week wait"),
            "outcome": _one("outcome", "accepted", "returned", "converted", "open", "-"),
        },
        "surveys": {
            "day": _day("surveys"),
            "practice": here,
            "survey": "'GPPS'",
            "question": _one("question", "ACCESS", "Q32", "Q40"),
            "answer": f"cast(1 + {_of('answer', 5)} as varchar)",
        },
        "care_plans": {
            "day": _day("plans"),
            "kind": _one("kind", "made", "reviewed"),
            "shared": "hash(i, 'shared') % 2 = 0",
            "joint": "hash(i, 'joint') % 4 = 0",
            "practice": here,
        },
        "social_care": {
            "since": _day("social"),
            "until": f"{_day('social')} + 30 + cast({_of('length', 400)} as integer)",
            "council": "'C' || cast(hash(i, 'council') % 5 as bigint)",
            "kind": _one("kind", "reablement", "residential", "nursing", "home care"),
            "after_hospital": "hash(i, 'after') % 2 = 0",
            "permanent": "hash(i, 'stays') % 2 = 0",
            "outcome": _one("outcome", "at home", "at home", "in hospital", "died", "not contacted"),
            "cost": cost,
        },
    }
    stay = "hash(i // 2, 'nights') % 12"
    begins = f"date '{FIRST}' + cast(hash(i // 2, 'admitted') % {DAYS - 15} as integer)"
    tables["episodes"] |= {"since": begins, "admitted": begins} | dict.fromkeys(
        ("until", "discharged"), f"{begins} + cast({stay} as integer)"
    )
    tables["episodes"]["ready"] = f"{begins} + cast(({stay}) * 3 // 4 as integer)"
    made = {name: (rows[name], {"person": whose(name), **columns}) for name, columns in tables.items()}
    made["episodes"][1]["person"] = _numbered(
        f"case when hash(i // 2, 'ill') % 10 < 7 then cast(hash(i // 2, 'who') % {max(1, people // 5)} as bigint) "
        f"else cast(hash(i // 2, 'who') % {people} as bigint) end"
    )
    made["observations"][1]["person"] = whose("observations").replace("hash(i,", "hash(i // 2,")
    everybody = _numbered("i")
    moves = f"{_day('moved', 900, '2023-06-01')}"
    # one in ten registers with another practice once
    mover = people // 10
    made["people"] = (
        people,
        {"person": everybody, "born": _day("born", 34_000, "1932-01-01"), "sex": _one("sex", "female", "male")},
    )
    made["registrations"] = (
        people + mover,
        {
            "person": _numbered(f"i % {people}"),
            "practice": practice(f"(i + i // {people})"),
            "since": f"case when i < {people} then date '2010-01-01' else {moves} end",
        },
    )
    made["residences"] = (
        people,
        {
            "person": everybody,
            "area": f"'E' || lpad(cast(i % {areas} as varchar), 8, '0')",
            "kind": "case when hash(i, 'home') % 60 = 0 then 'nursing home' else 'home' end",
            "since": "date '2010-01-01'",
        },
    )
    made["deaths"] = (people // 35, {"person": _numbered("i * 35"), "day": _day("died"), "cause": "'I219'"})
    made["areas"] = (
        areas,
        {
            "area": "'E' || lpad(cast(i as varchar), 8, '0')",
            "council": "'C' || (i % 5)",
            "board": "'B' || (i % 2)",
            "deprivation": "1 + i % 5",
        },
    )
    networks = practices // 6 + 1
    made["organisations"] = (
        practices + networks + 2,
        {
            "code": f"case when i < {practices} then {practice('i')} when i < {practices + networks} "
            f"then 'N' || (i - {practices}) else 'B' || (i - {practices + networks}) end",
            "kind": f"case when i < {practices} then 'practice' when i < {practices + networks} then 'network' "
            "else 'board' end",
            "within": f"case when i < {practices} then 'N' || (i % {networks}) when i < {practices + networks} "
            f"then 'B' || (i % 2) end",
        },
    )
    return made
