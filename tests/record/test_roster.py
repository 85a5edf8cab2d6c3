"""The roster: people and person-days by organisation and period, flows across boundaries, and who pays."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from accord.language.problem import DataRefused
from accord.record.attribution import attribute, candidates, methods
from accord.record.belonging import belonging
from accord.record.engines import EngineKind, open_engine
from accord.record.paying import NOBODY, paid_events, payers, rules
from accord.record.roster import Roster, RosterMisused, flows, periods, roster
from tests.record.plain import record_of
from tests.record.test_registered import DEATHS, LAST, PEOPLE, SPANS, START, by_day

D = dt.date


def rows(text: str, **more: Any) -> list[dict[str, Any]]:
    """Rows written as a table with a head; a cell that is - is missing, digits are whole numbers."""

    def cell(word: str) -> Any:
        return None if word == "-" else int(word) if word.lstrip("-").isdigit() else word

    head, *lines = ([cell.strip() for cell in line.split("|")] for line in text.strip().splitlines())
    return [{**dict(zip(head, map(cell, line), strict=True)), **more} for line in lines]


#  -- what belongs to what ---------------------------------------------------------------------------------------------

ORGANISATIONS = rows("""
code | kind          | within | since      | until
P1   | practice      | N1     | -          | -
P2   | practice      | N1     | -          | 2026-05-11
P2   | practice      | N2     | 2026-05-11 | -
P3   | practice      | N2     | -          | -
P4   | practice      | -      | -          | -
P5   | practice      | N1     | -          | 2025-06-01
P5   | practice      | N2     | 2025-06-01 | -
N1   | network       | B1     | -          | -
N2   | network       | H      | -          | -
H    | neighbourhood | B2     | -          | -
B1   | board         | -      | -          | -
B2   | board         | -      | -          | -
""")


def _dated(given: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, **{name: row[name] and D.fromisoformat(row[name]) for name in ("since", "until")}} for row in given]


@pytest.mark.parametrize(
    ("unit", "level", "expected"),
    [
        ("P1", "network", "N1"),
        ("P1", "board", "B1"),
        ("P1", "neighbourhood", "-"),
        ("P2", "network", "N1, from 2026-05-11 N2"),
        ("P2", "board", "B1, from 2026-05-11 B2"),
        ("P2", "neighbourhood", "-, from 2026-05-11 H"),
        ("P3", "practice", "P3"),
        ("P4", "board", "-"),
        ("unheard of", "board", "-"),
    ],
)
def test_a_practice_belongs_to_one_organisation_of_a_level_a_day(unit: str, level: str, expected: str) -> None:
    spans = belonging(_dated(ORGANISATIONS), [unit], level)
    told = [f"{'from ' + str(span.since) + ' ' if n else ''}{span.organisation or '-'}" for n, span in enumerate(spans)]
    assert ", ".join(told) == expected
    assert [span.until for span in spans[:-1]] == [span.since for span in spans[1:]]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("P | practice | A | - | -\nP | practice | B | 2026-01-01 | -", "described twice from 2026-01-01"),
        ("P | practice | N | - | -\nN | network | P | - | -", "lies within itself (P in N in P)"),
    ],
)
def test_organisations_that_contradict_each_other_are_refused(table: str, said: str) -> None:
    given = _dated(rows("code | kind | within | since | until\n" + table))
    with pytest.raises(DataRefused, match="organisations") as refusal:
        belonging(given, ["P"], "board")
    assert said in str(refusal.value)


# -- people and person-days --------------------------------------------------------------------------------------------


def _counts(found: Roster) -> str:
    return "\n".join(
        f"{row.organisation or '-'} {row.period.label} {row.first} {row.last} {row.days}" for row in found.rows
    )


def test_time_is_divided_by_days_between_practices_and_between_networks(tmp_path: Path) -> None:
    record = record_of(
        tmp_path,
        registrations=rows("""
            person | practice | since      | until
            1      | P1       | 2020-01-01 | 2026-04-11
            1      | P3       | 2026-04-11 | -
            2      | P2       | 2020-01-01 | -
            3      | P4       | 2026-05-31 | -
            4      | P1       | 2020-01-01 | -
        """),
        deaths=rows("person | day\n4 | 2026-04-01"),
        organisations=ORGANISATIONS,
    )
    with open_engine(record) as engine:
        when = periods(D(2026, 4, 1), D(2026, 6, 1), "month")
        # person 1: 10 days in N1, 20 in N2; person 2 moves with the practice on 11 May; 4 dies on the first day
        assert _counts(roster(engine, when, by="network")) == (
            "N1 2026-04-01 3 1 41\nN2 2026-04-01 0 1 20\nN1 2026-05-01 1 0 10\nN2 2026-05-01 1 2 52\n- 2026-05-01 0 1 1"
        )
        assert _counts(roster(engine, when, by="all")) == "all 2026-04-01 3 2 61\nall 2026-05-01 2 3 63"
        whole = roster(engine, periods(D(2026, 4, 1), D(2026, 6, 1)), by="board")
        assert [(row.organisation, row.days) for row in whole.rows] == [("B1", 51), ("B2", 72), (None, 1)]
        assert whole.whole[0].days == 124 and whole.rows[0].average == 51 / (61 * whole.rows[0].average.__class__(1))
        one_day = roster(engine, periods(D(2026, 5, 31), D(2026, 6, 1)), by="practice")
        assert _counts(one_day) == "P2 2026-05-31 1 1 1\nP3 2026-05-31 1 1 1\nP4 2026-05-31 1 1 1"


def test_residents_are_counted_by_area_council_and_board(tmp_path: Path) -> None:
    record = record_of(
        tmp_path,
        residences=rows("""
            person | area | kind         | since      | until
            1      | E1   | home         | 2020-01-01 | 2026-04-03
            1      | E1   | nursing home | 2026-04-03 | -
            2      | E2   | home         | 2026-04-30 | -
            3      | E9   | home         | 2020-01-01 | -
        """),
        areas=rows("area | council | board\nE1 | C1 | B1\nE2 | C2 | B1"),
    )
    with open_engine(record) as engine:
        when = periods(D(2026, 4, 1), D(2026, 5, 1))
        assert _counts(roster(engine, when, "resident", "council")) == (
            "C1 2026-04-01 1 1 30\nC2 2026-04-01 0 1 1\n- 2026-04-01 1 1 30"
        )
        assert _counts(roster(engine, when, "resident", "board")) == "B1 2026-04-01 1 2 31\n- 2026-04-01 1 1 30"


def test_a_stored_roster_that_counts_somebody_twice_is_refused_without_naming_anybody(tmp_path: Path) -> None:
    spans = "person | practice | since | until\n4010232137 | P1 | 2026-01-01 | -\n4010232137 | P2 | 2026-02-01 | -"
    with open_engine(record_of(tmp_path, registered=rows(spans))) as engine, pytest.raises(DataRefused) as refusal:
        roster(engine, periods(D(2026, 4, 1), D(2026, 5, 1)))
    assert "1 spans of the registered population overlap" in str(refusal.value)
    assert "4010232137" not in str(refusal.value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (lambda: periods(D(2026, 4, 2), D(2026, 6, 2), "month"), "no month begins on 2026-04-02"),
        (lambda: periods(D(2026, 4, 1), D(2026, 4, 1)), "no day"),
        (lambda: periods(D(2026, 4, 1), D(2026, 5, 2), "month"), "--until 2026-06-01"),
        (lambda: periods(D(2026, 4, 1), D(2026, 5, 1), "moth"), "did you mean month?"),
    ],
)
def test_windows_that_are_none_are_refused_with_what_to_write(asked: Any, said: str) -> None:
    with pytest.raises(RosterMisused) as refusal:
        asked()
    assert said in str(refusal.value)


def test_a_roster_is_counted_by_one_level_at_a_time(tmp_path: Path) -> None:
    """Measures take several with commas between; who asks so here is told how to have them."""
    with open_engine(record_of(tmp_path / "record")) as engine, pytest.raises(RosterMisused) as refusal:
        roster(engine, periods(D(2026, 4, 1), D(2026, 5, 1)), by="practice, network")
    assert "not by practice, network together" in str(refusal.value)
    assert "--by practice, then --by network" in str(refusal.value)


# -- against every day looked at alone ---------------------------------------------------------------------------------

WITHIN = {"A": [(0, "N1")], "B": [(0, "N1"), (12, "N2")], "C": [(0, None), (20, "N2")]}
"""The network of each practice from a day on; everything in N1 is under board B1, in N2 under B2."""
BOARD = {"N1": "B1", "N2": "B2", None: None}
COUNCIL = {"A": "C1", "B": "C2", "C": None}
UNTIL = LAST + 5


def _network(practice: str, day: int) -> str | None:
    return [network for since, network in WITHIN[practice] if since <= day][-1]


def _day(number: int) -> dt.date:
    return START + dt.timedelta(days=number)


def _everything(spans: Any, homes: Any, deaths: Any) -> dict[str, Any]:
    practices = [
        {
            "code": practice,
            "kind": "practice",
            "within": network,
            "since": _day(since) if since else None,
            "until": _day(changes[n + 1][0]) if n + 1 < len(changes) else None,
        }
        for practice, changes in WITHIN.items()
        for n, (since, network) in enumerate(changes)
    ]
    above = rows("code | kind | within\nN1 | network | B1\nN2 | network | B2\nB1 | board | -\nB2 | board | -")

    def table(name: str, told: Any) -> list[dict[str, Any]]:
        return [
            {
                "person": person + 1,
                name: place,
                "since": _day(since),
                "until": None if until is None else _day(until),
                **({"kind": "home"} if name == "area" else {}),
            }
            for person, place, since, until in told
        ]

    return {
        "registrations": table("practice", spans),
        "residences": table("area", homes),
        "deaths": [{"person": person + 1, "day": _day(day)} for person, day in deaths.items()],
        "organisations": practices + above,
        "areas": [{"area": area, "council": council, "board": "B1"} for area, council in COUNCIL.items() if council],
    }


def _expected(spans: Any, homes: Any, deaths: Any) -> tuple[dict[Any, int], dict[Any, int]]:
    """Person-days by network, and by board of the practice and council of residence; people of the first day."""
    registered, resident = by_day(spans, deaths), by_day(homes, deaths)
    by_network: dict[Any, int] = {}
    by_flow: dict[Any, int] = {}
    for person in range(PEOPLE):
        for day in range(UNTIL):
            at, home = registered.get((person, day)), resident.get((person, day))
            network = _network(at, day) if at else None
            for key in (("days",), ("first",)) if day == 0 else (("days",),):
                if at:
                    by_network[(network, *key)] = by_network.get((network, *key), 0) + 1
                if at or home:
                    flow = (BOARD[network] if at else None, COUNCIL[home] if home else None, *key)
                    by_flow[flow] = by_flow.get(flow, 0) + 1
    return by_network, by_flow


def _found(folder: Path, kind: EngineKind, everything: Any) -> tuple[dict[Any, int], dict[Any, int]]:
    with open_engine(record_of(folder, **everything), kind, threads=2) as engine:
        when = periods(START, _day(UNTIL))
        counted = roster(engine, when, by="network").rows
        across = flows(engine, when, "council")
    by_network = {(row.organisation, name): getattr(row, name) for row in counted for name in ("days", "first")}
    by_flow = {(row.registered, row.lives, name): getattr(row, name) for row in across for name in ("days", "first")}
    return {key: n for key, n in by_network.items() if n}, {key: n for key, n in by_flow.items() if n}


@given(SPANS, SPANS, DEATHS)
@settings(max_examples=25, deadline=None)
def test_person_days_and_flows_are_what_every_day_looked_at_alone_adds_up_to(
    tmp_path_factory: pytest.TempPathFactory, spans: Any, homes: Any, deaths: Any
) -> None:
    found = _found(tmp_path_factory.mktemp("r"), "duckdb", _everything(spans, homes, deaths))
    assert found == _expected(spans, homes, deaths)


# -- who pays ----------------------------------------------------------------------------------------------------------

PAID = """
service     | what                                   | person | day        | until      | pays | rule
admissions  | changes practice in hospital           | 1      | 2026-04-08 | 2026-04-20 | B1   | board of practice
admissions  | admitted on the first day with another | 1      | 2026-04-11 | 2026-04-12 | B2   | board of practice
admissions  | no practice: the board of residence    | 2      | 2026-04-08 | 2026-04-09 | B2   | board of residence
admissions  | a practice of no known board           | 3      | 2026-04-08 | 2026-04-09 | -    | nobody known
admissions  | neither practice nor residence         | 9      | 2026-04-08 | 2026-04-09 | -    | nobody known
attendances | by the day of attendance               | 1      | 2026-04-10 | -          | B1   | board of practice
attendances | the day after                          | 1      | 2026-04-11 | -          | B2   | board of practice
social_care | the council, not the board             | 1      | 2026-04-11 | -          | C2   | council of residence
outpatients | wherever the person lives              | 4      | 2026-04-11 | -          | B1   | board of practice
"""


def _paying(folder: Path, kind: EngineKind = "duckdb") -> tuple[list[Any], list[Any]]:
    told = list(enumerate(rows(PAID), 1))

    def of(service: str) -> list[dict[str, Any]]:
        return [{"person": row["person"], "row": n, "day": row["day"]} for n, row in told if row["service"] == service]

    stays = [
        {
            "person": row["person"],
            "admission": n,
            "admitted": row["day"],
            "discharged": row["until"],
            "provider": "R",
            "last_provider": "R",
            "spells": 1,
            "episodes": 1,
            "cost": 100 * n,
        }
        for n, row in told
        if row["service"] == "admissions"
    ]
    record = record_of(
        folder,
        admissions=stays,
        attendances=of("attendances"),
        outpatients=[
            *[{**row, "attended": "attended"} for row in of("outpatients")],
            {"person": 4, "row": 99, "day": "2026-04-11", "attended": "did not attend"},  # nobody pays
        ],
        social_care=[
            {"person": row["person"], "row": row["row"], "since": row["day"], "council": "C9", "kind": "reablement"}
            for row in of("social_care")
        ],
        registrations=rows("""
            person | practice | since      | until
            1      | P1       | 2020-01-01 | 2026-04-11
            1      | P3       | 2026-04-11 | -
            3      | P4       | 2020-01-01 | -
            4      | P1       | 2020-01-01 | -
        """),
        residences=[
            {**row, "kind": "home"}
            for row in rows("""
                person | area | since      | until
                1      | E2   | 2020-01-01 | -
                2      | E1   | 2020-01-01 | 2026-04-08
                2      | E2   | 2026-04-08 | -
                3      | E2   | 2020-01-01 | -
                4      | E2   | 2020-01-01 | -
            """)
        ],
        areas=rows("area | council | board\nE1 | C1 | B1\nE2 | C2 | B2"),
        organisations=ORGANISATIONS,
    )
    with open_engine(record, kind, threads=2) as engine:
        sums = payers(engine, D(2026, 4, 1), D(2026, 5, 1))
        return list(sums), paid_events(engine).to_pylist()


@pytest.fixture(scope="module")
def paid(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Any], list[Any]]:
    return _paying(tmp_path_factory.mktemp("paid"))


@pytest.mark.parametrize(("number", "row"), list(enumerate(rows(PAID), 1)), ids=[row["what"] for row in rows(PAID)])
def test_who_pays(paid: tuple[list[Any], list[Any]], number: int, row: dict[str, Any]) -> None:
    found = next(each for each in paid[1] if each["event"] == number)
    assert (found["service"], found["payer"], found["rule"]) == (row["service"], row["pays"], row["rule"])


def test_every_event_and_every_penny_is_paid_once_or_said_to_be_nobodys(paid: tuple[list[Any], list[Any]]) -> None:
    sums, events = paid
    assert sum(each.events for each in sums) == len(events) == len(rows(PAID))
    assert sum(each.cost for each in sums) == sum(each["cost"] or 0 for each in events) == 100 * (1 + 2 + 3 + 4 + 5)
    assert sum(each.unpriced for each in sums) == 4
    assert {each.rule for each in sums if each.payer is None} == {NOBODY}
    nights = [(each.payer, each.rule, each.days) for each in sums if each.service == "admissions" and each.payer]
    # the whole stay of twelve nights is the first board's
    assert nights == [("B1", "board of practice", 12), ("B2", "board of practice", 1), ("B2", "board of residence", 1)]


def test_every_rule_says_where_it_comes_from_and_whether_that_was_verified() -> None:
    for rule in rules():
        assert rule.authority and rule.address.startswith("https://")
        assert rule.status in ("verified", "unverified", "derived", "assumed")


# -- attribution by claims ---------------------------------------------------------------------------------------------

CLAIMS = """
person | table         | by | role  | day        | cost | expected
1      | consultations | P1 | gp    | 2025-05-01 | 100  | N1 1 has the person
1      | consultations | P3 | gp    | 2025-06-01 | 99   | N2 2 fewer charges
2      | consultations | P1 | gp    | 2025-05-01 | 50   | N1 1 has the person
2      | consultations | P2 | nurse | 2025-05-02 | 50   | N1 1 has the person
2      | consultations | P3 | gp    | 2025-06-01 | 99   | N2 2 fewer charges
3      | consultations | P1 | gp    | 2025-05-01 | 10   | N1 1 has the person
3      | outpatients   | P3 | -     | 2025-06-01 | 999  | N2 1 an earlier step decides
4      | outpatients   | P3 | -     | 2025-06-01 | 10   | N2 1 has the person
4      | outpatients   | P1 | -     | 2025-06-02 | 9    | N1 2 fewer charges
5      | consultations | P1 | gp    | 2025-05-01 | 10   | N1 2 as many charges, and an earlier latest service
5      | consultations | P3 | gp    | 2025-06-01 | 10   | N2 1 has the person
6      | consultations | P1 | gp    | 2025-06-01 | 10   | N1 1 has the person
6      | consultations | P3 | gp    | 2025-06-01 | 10   | N2 2 a tie in charges and latest service
7      | consultations | P1 | other | 2025-06-01 | 10   |
8      | consultations | P1 | gp    | 2024-12-31 | 10   |
9      | consultations | P4 | gp    | 2025-06-01 | 10   | P4 1 has the person
10     | outpatients   | P3 | no    | 2025-06-01 | 10   |
11     | consultations | P5 | gp    | 2025-05-31 | 10   | N1 2 fewer charges
11     | consultations | P5 | gp    | 2025-06-01 | 11   | N2 1 has the person
"""


def _attributed(folder: Path, kind: EngineKind = "duckdb") -> tuple[list[Any], Roster]:
    told = rows(CLAIMS)
    record = record_of(
        folder,
        consultations=[
            {
                "person": row["person"],
                "practice": row["by"],
                "role": row["role"],
                "day": row["day"],
                "cost": row["cost"],
            }
            for row in told
            if row["table"] == "consultations"
        ],
        outpatients=[
            {
                "person": row["person"],
                "provider": row["by"],
                "day": row["day"],
                "cost": row["cost"],
                "attended": "did not attend" if row["role"] == "no" else "attended",
            }
            for row in told
            if row["table"] == "outpatients"
        ],
        deaths=rows("person | day\n4 | 2025-12-30\n9 | 2024-12-30"),
        organisations=ORGANISATIONS,
    )
    with open_engine(record, kind, threads=2) as engine:
        attribute(engine, D(2025, 1, 1), D(2026, 1, 1), method="mssp")
        kept = candidates(engine).to_pylist()
        return kept, roster(engine, periods(D(2025, 1, 1), D(2026, 1, 1)), "attributed", "organisation")


def test_plurality_in_two_steps_keeps_every_candidate_with_its_rank_and_why_it_lost(tmp_path: Path) -> None:
    kept, counted = _attributed(tmp_path)
    found = {(row["person"], f"{row['organisation']} {row['rank']} {row['why'] or 'has the person'}") for row in kept}
    assert found == {(row["person"], row["expected"]) for row in rows(CLAIMS) if row["expected"]}
    assert all((row["attributed"] == 1) == (row["why"] is None) for row in kept)
    # nobody is attributed twice; the one who died on 30 December has 364 days; who died before the window none
    assert _counts(counted) == "N1 2025-01-01 4 4 1460\nN2 2025-01-01 3 2 1094"


def test_methods_of_attribution_say_what_was_verified() -> None:
    for method in methods().values():
        assert method.status and method.authority and all(step.status and step.note for step in method.steps)


# -- both engines ------------------------------------------------------------------------------------------------------


def test_spark_gives_the_same_roster_and_flows(tmp_path: Path, spark: Any) -> None:
    spans = [(0, "A", 0, None), (1, "B", 3, 20), (1, "C", 9, None), (2, "B", 5, 6), (3, "C", 0, 25), (3, "C", 20, None)]
    homes = [(0, "B", 0, None), (1, "A", 0, 15), (2, "C", 2, None), (3, "A", 8, None)]
    everything = _everything(spans, homes, {0: 17})
    expected = _expected(spans, homes, {0: 17})
    assert _found(tmp_path / "one", "duckdb", everything) == _found(tmp_path / "two", spark, everything) == expected


def test_spark_gives_the_same_payers(tmp_path: Path, spark: Any) -> None:
    assert _paying(tmp_path / "three", spark) == _paying(tmp_path / "four")


def test_spark_gives_the_same_candidates(tmp_path: Path, spark: Any) -> None:
    assert _attributed(tmp_path / "five", spark) == _attributed(tmp_path / "six")
