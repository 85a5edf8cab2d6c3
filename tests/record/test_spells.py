"""Continuous spells: which episodes are one stay. A table of cases, and a plain Python version on generated stays."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.record.engines import EngineKind, open_engine
from accord.record.portable import read_select
from accord.record.record import write_record
from accord.record.subset import RecordTables

FAR = dt.date(9999, 12, 31)


def day(text: str) -> dt.date:
    """``4`` is 4 January 2024, ``-2`` 30 December 2023, ``2.3`` 2 March."""
    number, _, month = text.partition(".")
    return dt.date(2024, int(month or 1), 1) + dt.timedelta(days=int(number) - 1)


@dataclass(frozen=True)
class Episode:
    row: int
    person: int
    spell: int
    episode: int
    since: dt.date
    until: dt.date | None
    admitted: dt.date
    discharged: dt.date | None
    provider: str = "RXX"
    admission_method: str | None = "21"
    admission_source: str | None = "19"
    patient_class: str | None = "1"
    discharge_destination: str | None = "19"
    discharge_method: str | None = "1"
    diagnoses: str | None = None
    procedures: str | None = None
    cost: int | None = None
    main_specialty: str | None = None


COLUMNS = list(Episode.__dataclass_fields__)


def engine_rows(folder: Path, episodes: list[Episode], table: str, kind: EngineKind = "duckdb") -> list[dict[str, Any]]:
    """The rows of a derived table, made from these episodes."""
    schema = {field.name: field.type for field in _schema()}
    data = pa.table({name: pa.array([getattr(e, name) for e in episodes], schema[name]) for name in COLUMNS})
    record = write_record(folder, {"episodes": data})
    columns = [field.name for field in _schema(table)]
    with open_engine(record, kind) as engine:
        select = read_select(f"select {', '.join(columns)} from {table}", "test.sql", RecordTables())
        rows = engine.rows(select).to_pylist()
    return sorted(
        rows, key=lambda row: tuple(str(row[name]) for name in ("admission", "episode", "position") if name in row)
    )


def _schema(table: str = "episodes") -> pa.Schema:
    from accord.record.definition import table as definition

    return definition(table).schema()


def stay(row: int, text: str) -> Episode:
    """``A 1-4 21 19 > 51``: provider, days of the spell, method and source of admission, destination; ``1-``: still in.

    After a destination: ``c2`` the patient class, ``s7`` the spell (its row by default), ``e2`` the episode.
    """
    before, _, after = text.partition(" > ")
    provider, days, method, source = before.split()
    destination, *more = after.split()
    first, _, last = days.partition("-")
    marks = {mark[0]: mark[1:] for mark in more}
    admitted = day(first)
    discharged = day(last) if last else None
    return Episode(
        row=row,
        person=1,
        spell=int(marks.get("s", row)),
        episode=int(marks.get("e", 1)),
        since=admitted,
        until=discharged,
        admitted=admitted,
        discharged=discharged,
        provider=provider,
        admission_method=method,
        admission_source=source,
        patient_class=marks.get("c", "1"),
        discharge_destination=None if destination == "?" else destination,
    )


CASES = [
    # (what, stays in any order, the admissions as the rows of their first episodes, spells in each)
    ("one spell is one admission", ["A 1-4 21 19 > 19"], ["1: 1-4 A A 1"]),
    ("sent on and received the same day", ["A 1-4 21 19 > 51", "B 4-9 81 51 > 19"], ["1: 1-9 A B 2"]),
    ("only the first hospital says transfer", ["A 1-4 21 19 > 51", "B 4-9 21 19 > 19"], ["1: 1-9 A B 2"]),
    ("only the second says so, by source", ["A 1-4 21 19 > 98", "B 4-9 21 52 > 19"], ["1: 1-9 A B 2"]),
    ("only the second says so, by method 2B", ["A 1-4 21 19 > 98", "B 4-9 2B 19 > 19"], ["1: 1-9 A B 2"]),
    (
        "nobody says transfer: two admissions",
        ["A 1-4 21 19 > 19", "B 4-9 21 19 > 19"],
        ["1: 1-4 A A 1", "2: 4-9 B B 1"],
    ),
    ("two days apart is still one", ["A 1-4 21 19 > 51", "B 6-9 81 51 > 19"], ["1: 1-9 A B 2"]),
    ("three days apart is two", ["A 1-4 21 19 > 51", "B 7-9 81 51 > 19"], ["1: 1-4 A A 1", "2: 7-9 B B 1"]),
    (
        "home, and then from a hospital as an emergency, contradict",
        ["A 1-4 21 19 > 19", "B 4-9 21 51 > 19"],
        ["1: 1-4 A A 1", "2: 4-9 B B 1"],
    ),
    ("home, then received by method 81, do not", ["A 1-4 21 19 > 19", "B 4-9 81 51 > 19"], ["1: 1-9 A B 2"]),
    (
        "three hospitals are one admission",
        ["A 1-4 21 19 > 51", "B 4-9 81 51 > 52", "C 11-20 81 52 > 54"],
        ["1: 1-20 A C 3"],
    ),
    ("there and back", ["A 1-4 21 19 > 51", "B 4-6 81 51 > 51", "A 6-9 81 51 > 19"], ["1: 1-9 A A 3"]),
    ("the same day all the way", ["A 4-4 21 19 > 51", "B 4-4 81 51 > 51", "C 4-9 81 51 > 19"], ["1: 4-9 A C 3"]),
    (
        "a regular day attendance stands alone",
        ["A 1-4 21 19 > 51", "B 4-4 81 51 > 19 c3"],
        ["1: 1-4 A A 1", "2: 4-4 B B 1"],
    ),
    (
        "and is not between two others",
        ["A 1-4 21 19 > 51", "B 4-4 13 19 > 19 c4", "C 4-9 81 51 > 19"],
        ["1: 1-9 A C 2", "2: 4-4 B B 1"],
    ),
    ("overlapping with a sign of transfer: one", ["A 1-6 21 19 > 51", "B 4-9 81 51 > 19"], ["1: 1-9 A B 2"]),
    (
        "overlapping without: two, and counted",
        ["A 1-6 21 19 > 19", "B 4-9 21 19 > 19"],
        ["1: 1-6 A A 1", "2: 4-9 B B 1"],
    ),
    ("a day elsewhere inside a stay, by transfer", ["A 1-9 21 19 > 19", "B 4-4 13 51 > 51 c2"], ["1: 1-9 A A 2"]),
    (
        "a day case elsewhere inside a stay, without: its own",
        ["A 1-9 21 19 > 51", "B 4-4 13 19 > 19 c2", "C 9-12 81 51 > 19"],
        ["1: 1-12 A C 2", "2: 4-4 B B 1"],
    ),
    ("still in hospital", ["A 1- 21 19 > 98"], ["1: 1- A A 1"]),
    ("transferred, still in hospital there", ["A 1-4 21 19 > 51", "B 4- 81 51 > 98"], ["1: 1- A B 2"]),
    (
        "no discharge, then received elsewhere: it ended that day",
        ["A 1- 21 19 > 98", "B 9-12 81 51 > 19"],
        ["1: 1-12 A B 2"],
    ),
    (
        "no discharge, then admitted from home: it ended on the last day that it shows",
        ["A 1- 21 19 > 98", "B 9-12 21 19 > 19"],
        ["1: 1-1 A A 1", "2: 9-12 B B 1"],
    ),
    (
        "no discharge, then a day case: still in hospital",
        ["A 1- 21 19 > 98", "B 9-9 13 19 > 19 c2"],
        ["1: 1- A A 1", "2: 9-9 B B 1"],
    ),
    ("two episodes of one spell", ["A 1-4 21 19 > 98 s5", "A 4-9 21 19 > 19 s5 e2"], ["1: 1-9 A A 1"]),
    ("an episode told twice counts once", ["A 1-4 21 19 > 19 s5", "A 1-4 21 19 > 19 s5"], ["1: 1-4 A A 1"]),
]


@pytest.mark.parametrize(("what", "stays", "expected"), CASES, ids=[case[0] for case in CASES])
def test_what_is_one_admission(tmp_path: Path, what: str, stays: list[str], expected: list[str]) -> None:
    episodes = [stay(row, text) for row, text in enumerate(stays, 1)]
    if len({each.spell for each in episodes}) == 1:  # the episodes of one spell all have its days
        last = max((each.discharged for each in episodes if each.discharged), default=None)
        episodes = [replace(each, admitted=min(e.admitted for e in episodes), discharged=last) for each in episodes]
    found = [
        f"{row['admission']}: {row['admitted'].day}-{row['discharged'].day if row['discharged'] else ''} "
        f"{row['provider']} {row['last_provider']} {row['spells']}"
        for row in engine_rows(tmp_path, episodes, "admissions")
    ]
    assert found == expected


def test_what_came_and_what_left(tmp_path: Path) -> None:
    first = replace(stay(7, "A 1-4 22 19 > 51"), main_specialty="300", cost=5, discharge_method="1")
    last = replace(stay(3, "B 5-9 81 51 > 79"), main_specialty="430", cost=7, discharge_method="4")
    (row,) = engine_rows(tmp_path, [last, first], "admissions")
    assert {
        name: row[name] for name in ("admission", "admission_method", "admission_source", "main_specialty", "cost")
    } == {
        "admission": 3,  # the least key of a row, so that it is the same however the rows come
        "admission_method": "22",
        "admission_source": "19",
        "main_specialty": "300",
        "cost": 12,
    }
    assert (row["last_specialty"], row["discharge_method"], row["discharge_destination"]) == ("430", "4", "79")


def test_of_an_episode_told_twice_the_finished_one_counts(tmp_path: Path) -> None:
    unfinished = replace(stay(1, "A 1- 21 19 > 98 s5"), cost=1)
    finished = replace(stay(2, "A 1-4 21 19 > 19 s5"), cost=2)
    (row,) = engine_rows(tmp_path, [unfinished, finished], "admissions")
    assert (row["episodes"], row["discharged"], row["cost"]) == (1, day("4"), 2)


@pytest.mark.parametrize(
    ("coded", "expected"),
    [
        ("I10X", ["I10"]),
        ("I21.9", ["I21.9"]),  # dots are taken off by the loading
        ("E1140D G632A", ["E1140", "G632"]),
        ("I10XD", ["I10"]),
        ("M0130", ["M0130"]),
        ("j441 N390", ["J441", "N390"]),
        ("A090 A091 A092 A093 A094 A095 A096 A097 A098 A099 B000", [f"A09{n}" for n in range(10)] + ["B000"]),
        (None, []),
    ],
)
def test_codes_of_diagnoses(tmp_path: Path, coded: str | None, expected: list[str]) -> None:
    episode = replace(stay(1, "A 1-4 21 19 > 19"), diagnoses=coded, procedures=coded)
    rows = sorted(engine_rows(tmp_path, [episode], "diagnoses"), key=lambda row: row["position"])
    assert [row["code"] for row in rows] == expected
    assert [row["position"] for row in rows] == list(range(1, len(expected) + 1))
    assert len(engine_rows(tmp_path, [episode], "procedures")) == len(expected)


def test_episodes_are_numbered_through_the_admission(tmp_path: Path) -> None:
    episodes = [
        replace(stay(3, "B 4-9 81 51 > 19"), diagnoses="C"),
        replace(stay(1, "A 1-3 21 19 > 98 s5"), diagnoses="A", discharged=day("4")),
        replace(stay(2, "A 3-4 21 19 > 51 s5 e2"), diagnoses="B", admitted=day("1")),
    ]
    rows = engine_rows(tmp_path, episodes, "diagnoses")
    assert [(row["admission"], row["episode"], row["code"]) for row in rows] == [(1, 1, "A"), (1, 2, "B"), (1, 3, "C")]


# the same rules again, one person at a time, as plainly as they can be said


@dataclass
class Spell:
    episodes: list[Episode]
    key: int
    admitted: dt.date
    ended: dt.date | None
    arrived: bool
    left: bool

    @property
    def first(self) -> Episode:
        return self.episodes[0]

    @property
    def end(self) -> dt.date:
        return self.ended or FAR


HOSPITALS = ("49", "50", "51", "52", "53")


def told_once(episodes: list[Episode]) -> list[Episode]:
    best: dict[tuple[int, int, int, dt.date], Episode] = {}
    for each in episodes:
        key = (each.person, each.spell, each.episode, each.since)
        other = best.get(key)
        if other is None or _rank(each) < _rank(other):
            best[key] = each
    return list(best.values())


def _rank(episode: Episode) -> tuple[bool, int, int]:
    return episode.until is None, -(episode.until or FAR).toordinal(), episode.row


def spells_of(episodes: list[Episode]) -> list[Spell]:
    by_spell: dict[int, list[Episode]] = defaultdict(list)
    for each in episodes:
        by_spell[each.spell].append(each)
    spells: list[Spell] = []
    for members in by_spell.values():
        members.sort(key=lambda e: (e.since, e.episode, e.until or FAR, e.row))
        known = [e.discharged for e in members if e.discharged]
        shown = max(e.until or e.since for e in members)
        first, last = members[0], members[-1]
        spells.append(
            Spell(
                members,
                min(e.row for e in members),
                min(min(e.admitted, e.since) for e in members),
                max([*known, shown]) if known else None,
                first.admission_source in (*HOSPITALS, "87") or first.admission_method in ("2B", "81"),
                last.discharge_destination in (*HOSPITALS, "84"),
            )
        )
    # what has no day of discharge and cannot still be running
    ordinary = sorted(
        (s for s in spells if s.first.patient_class not in ("2", "3", "4")),
        key=lambda s: (s.admitted, s.end, s.arrived, s.key),
    )
    for spell in spells:
        if spell.ended is None:
            shown = max(e.until or e.since for e in spell.episodes)
            if spell not in ordinary:
                spell.ended = shown
            elif spell is not ordinary[-1]:
                after = ordinary[ordinary.index(spell) + 1]
                spell.ended = max(shown, after.admitted) if after.arrived else shown
    return spells


def admissions_of(episodes: list[Episode]) -> set[tuple[Any, ...]]:
    """(person, key, admitted, discharged, spells, episodes, provider, last provider) of every admission."""
    found: set[tuple[Any, ...]] = set()
    people = sorted({each.person for each in episodes})
    for person in people:
        groups: list[list[Spell]] = []
        outer: Spell | None = None
        open_group: list[Spell] = []
        mine = spells_of([each for each in told_once(episodes) if each.person == person])
        for spell in sorted(mine, key=lambda s: (s.admitted, s.end, s.arrived, s.key)):
            if spell.first.patient_class in ("3", "4"):
                groups.append([spell])
            elif outer is not None and spell.end <= outer.end:
                if spell.arrived or spell.left:
                    open_group.append(spell)
                else:
                    groups.append([spell])
            else:
                joins = outer is not None and outer.ended is not None and (spell.admitted - outer.ended).days <= 2
                if joins and outer is not None:
                    contradict = (
                        outer.episodes[-1].discharge_destination == "19"
                        and spell.first.admission_source == "51"
                        and spell.first.admission_method == "21"
                    )
                    joins = not contradict and (outer.left or spell.arrived)
                if joins:
                    open_group.append(spell)
                else:
                    open_group = [spell]
                    groups.append(open_group)
                outer = spell
        for group in groups:
            order = {id(s): n for n, s in enumerate(sorted(group, key=lambda s: (s.admitted, s.end, s.arrived, s.key)))}
            last = max(group, key=lambda s: (s.end, order[id(s)]))
            found.add(
                (
                    person,
                    min(s.key for s in group),
                    min(s.admitted for s in group),
                    None if any(s.ended is None for s in group) else max(s.end for s in group),
                    len(group),
                    sum(len(s.episodes) for s in group),
                    group[0].first.provider,
                    last.episodes[-1].provider,
                )
            )
    return found


@st.composite
def hospital_lives(draw: st.DrawFn, people: int = 2, most: int = 9) -> list[Episode]:
    """Stays of a few people, close enough together that everything meets: transfers, overlaps, repeats, open ends."""
    episodes: list[Episode] = []
    for _ in range(draw(st.integers(1, most))):
        first = draw(st.integers(0, 14))
        length = draw(st.sampled_from([0, 0, 1, 2, 5, 9]))
        gone = draw(st.sampled_from([True, True, True, False]))
        since = first + draw(st.integers(0, length))
        until = draw(st.sampled_from([None, since, first + length]))
        start = dt.date(2024, 1, 1)
        episodes.append(
            Episode(
                row=0,
                person=draw(st.integers(1, people)),
                spell=draw(st.integers(1, 6)),
                episode=draw(st.integers(1, 2)),
                since=start + dt.timedelta(since),
                until=None if until is None else start + dt.timedelta(until),
                admitted=start + dt.timedelta(first),
                discharged=start + dt.timedelta(first + length) if gone else None,
                provider=draw(st.sampled_from(["A", "B", "C"])),
                admission_method=draw(st.sampled_from(["21", "21", "11", "81", "2B", None])),
                admission_source=draw(st.sampled_from(["19", "19", "51", "87", None])),
                patient_class=draw(st.sampled_from(["1", "1", "1", "2", "3", None])),
                discharge_destination=draw(st.sampled_from(["19", "19", "51", "84", "98", None])),
            )
        )
    rows = draw(st.permutations(range(1, len(episodes) + 1)))
    return [replace(each, row=row) for each, row in zip(episodes, rows, strict=True)]


def as_tuples(rows: list[dict[str, Any]]) -> set[tuple[Any, ...]]:
    names = ("person", "admission", "admitted", "discharged", "spells", "episodes", "provider", "last_provider")
    found = {tuple(row[name] for name in names) for row in rows}
    assert len(found) == len(rows)
    return found


@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(lives=hospital_lives(people=6, most=40))
def test_generated_lives_agree_with_plain_python(lives: list[Episode], tmp_path: Path) -> None:
    assert as_tuples(engine_rows(tmp_path, lives, "admissions")) == admissions_of(lives)


@pytest.mark.long
def test_spark_agrees(tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    from random import Random

    random = Random(4)
    examples: list[list[Episode]] = []

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(lives=hospital_lives())
    def collect(lives: list[Episode]) -> None:
        examples.append(lives)

    collect()
    # all the lives at once: every example has people of its own
    everything: list[Episode] = []
    for number, lives in enumerate(examples):
        shift = number * 10
        everything += [replace(each, person=each.person + shift, row=each.row + number * 100) for each in lives]
    random.shuffle(everything)
    expected = admissions_of(everything)
    assert as_tuples(engine_rows(tmp_path / "duckdb", everything, "admissions")) == expected
    assert as_tuples(engine_rows(tmp_path / "spark", everything, "admissions", "spark")) == expected
