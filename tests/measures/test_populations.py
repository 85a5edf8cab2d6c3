"""Populations: rosters and the denominators of rates are released together; nobody subtracts one from the other."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Mapping, Sequence
from itertools import permutations, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accord.measures.calls import measure, publish_roster, release_roster
from accord.measures.computing import MeasureMisused, Session
from accord.measures.figures import figures
from accord.measures.measure import find
from accord.measures.populations import ReleasedRoster
from accord.measures.register import ReleaseRefused, enter, register_of
from accord.measures.release import Release, release
from accord.record import calls
from accord.record.disclosure import STAR
from accord.record.record import Record
from tests.measures.made import card, made, organisations, rows, write_measure

scipy_optimize = pytest.importorskip("scipy.optimize", reason="the attack needs scipy (a tool of the tests)")

FIRST, UNTIL = dt.date(2025, 4, 1), dt.date(2025, 7, 1)

Person = tuple[int, str, bool, str, bool]
"""Number, practice, 65 or over, sex, in the table of people."""


def place(folder: Path, people: Sequence[Person]) -> Record:
    """A record of these people, registered since 2020."""
    told = [f"{n} | {'1940' if old else '1980'}-01-15 | {sex}" for n, _, old, sex, known in people if known]
    return made(
        folder,
        people=rows("people", "person|born|sex", *told),
        registrations=rows(
            "registrations", "person|practice|since", *[f"{n} | {at} | 2020-01-01" for n, at, *_ in people]
        ),
        attendances=rows("attendances", "person|day", *[f"{n} | 2025-05-01" for n, *_ in people]),
        organisations=organisations(),
    )


def roster(record: Record, by: str, publish: bool = True) -> ReleasedRoster:
    """A roster of the first day, released (and entered)."""
    found = calls.roster(record.folder, first=FIRST, until=UNTIL, by=by)
    given = release_roster(record, found, first=FIRST, until=UNTIL, threads=1)
    if publish:
        publish_roster(record, given, dt.date(2025, 8, 1))
    return given


def rates(record: Record, folder: Path, by: Sequence[str], strata: Sequence[str] = (), **changes: Any) -> Release:
    """Rates over people on the first day, released and entered."""
    name = "_".join(["falls", *strata, *(str(each).replace("+", "") for each in changes.values())])
    population = {"who": "registered", "count": "people on the first day", **changes}
    found = find(write_measure(folder / name, card(population=population, measure=name.replace("_", "-"))))
    with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
        one = release(session, figures(session, found, by, strata))
    enter(record.folder, [one.entry], dt.date(2025, 8, 1))
    return one


def shown(given: ReleasedRoster) -> Mapping[str, str]:
    """People by organisation."""
    return {name: people for _, name, _, people in given.rows}


def people_of(*groups: tuple[str, bool, int]) -> list[Person]:
    """So many people of each practice, old or not; every third a man."""
    out: list[Person] = []
    for practice, old, count in groups:
        for _ in range(count):
            n = len(out) + 1
            out.append((n, practice, old, "male" if n % 3 == 0 else "female", True))
    return out


def test_a_roster_counts_whom_the_roster_counts(tmp_path: Path) -> None:
    """Networks and the whole too, and people of whom nothing else is known."""
    people = [*people_of(("P1", True, 40), ("P2", False, 33), ("P3", True, 28)), (900, "P3", True, "female", False)]
    record = place(tmp_path / "record", people)
    assert shown(roster(record, "practice", publish=False)) == {"P1": "40", "P2": "35", "P3": "30", "all": "100"}
    assert shown(roster(record, "network", publish=False)) == {"N1": "75", "N2": "30", "all": "100"}
    assert shown(roster(record, "all", publish=False)) == {"all": "100"}
    assert not register_of(record.folder)


def test_an_organisation_that_is_called_all_is_not_the_whole(tmp_path: Path) -> None:
    """Nor is it lost: the row of the whole has a level of its own."""
    people = [
        *[(n, "all", True, "female", True) for n in range(1, 41)],
        *[(n, "P1", True, "female", True) for n in range(41, 101)],
    ]
    record = place(tmp_path / "record", people)
    given = {(level, name): count for level, name, _, count in roster(record, "practice").rows}
    assert given == {("practice", "all"): "40", ("practice", "P1"): "60", ("all", "all"): "100"}


def test_the_same_roster_again(tmp_path: Path) -> None:
    """Nothing changes by asking twice."""
    record = place(tmp_path / "record", people_of(("P1", True, 40), ("P2", False, 33), ("P3", True, 5)))
    first = roster(record, "practice")
    assert [people for *_, people in first.rows].count(STAR) == 2
    assert roster(record, "practice").rows == first.rows


@pytest.mark.parametrize(
    ("first", "then", "said"),
    [
        ("2025-04-01", "2025-04-01", None),
        ("2025-04-01", "2025-05-01", None),
        ("2025-04-01", "2025-04-02", "2025-04-02 was asked for, and that of 2025-04-01 released on 2025-08-01"),
        ("2025-04-30", "2025-04-01", "2025-04-01 was asked for, and that of 2025-04-30 released on 2025-08-01"),
    ],
)
def test_one_day_of_a_month(tmp_path: Path, first: str, then: str, said: str | None) -> None:
    """From day to day few come or go."""
    record = place(tmp_path / "record", people_of(("P1", True, 40), ("P2", False, 33)))

    def on(day: str) -> ReleasedRoster:
        days = {"first": dt.date.fromisoformat(day), "until": dt.date.fromisoformat(day) + dt.timedelta(1)}
        found = calls.roster(record.folder, by="practice", **days)
        return release_roster(record, found, threads=1, **days)

    publish_roster(record, on(first), dt.date(2025, 8, 1))
    if said is None:
        on(then)
        return
    with pytest.raises(ReleaseRefused, match=said) as refused:
        on(then)
    assert refused.value.problems[0].fix == f"release one day of each month; of this one, {first}"


def test_a_roster_less_the_old_is_not_the_young(tmp_path: Path) -> None:
    """P1 has 37 people of 65 and over and 3 others: who has the one figure does not get the other."""
    people = people_of(("P1", True, 37), ("P1", False, 3), ("P2", True, 30), ("P2", False, 30), ("P3", True, 60))
    record = place(tmp_path / "record", people)
    assert shown(roster(record, "practice"))["P1"] == "40"
    old = rates(record, tmp_path, ("practice",), ages="65+")
    assert {row.organisation: row.denominator for row in old.rows}["P1"] == STAR
    assert any("what was released before" in note for note in old.notes)


def test_nor_the_other_way_round(tmp_path: Path) -> None:
    """First the old, then everybody."""
    people = people_of(("P1", True, 37), ("P1", False, 3), ("P2", True, 30), ("P2", False, 30), ("P3", True, 60))
    record = place(tmp_path / "record", people)
    old = rates(record, tmp_path, ("practice",), ages="65+")
    assert {row.organisation: row.denominator for row in old.rows}["P1"] == "35"
    given = roster(record, "practice")
    assert shown(given)["P1"] == STAR
    assert any("what was released before (2025-08-01)" in note for note in given.notes)


def test_two_measures_of_the_same_people_are_looked_at_together(tmp_path: Path) -> None:
    """One of all ages, one of 65 and over."""
    people = people_of(("P1", True, 37), ("P1", False, 3), ("P2", True, 30), ("P2", False, 30), ("P3", True, 60))
    record = place(tmp_path / "record", people)
    assert {row.organisation: row.denominator for row in rates(record, tmp_path, ("practice",)).rows}["P1"] == "40"
    old = rates(record, tmp_path, ("practice",), ages="65+")
    assert {row.organisation: row.denominator for row in old.rows}["P1"] == STAR


def test_measures_that_leave_together_are_looked_at_together(tmp_path: Path) -> None:
    """In one call, before anything is in the register."""
    people = people_of(("P1", True, 37), ("P1", False, 3), ("P2", True, 30), ("P2", False, 30), ("P3", True, 60))
    record = place(tmp_path / "record", people)
    named = [
        write_measure(tmp_path / name, card(measure=name, population={**card()["population"], **ages}))
        for name, ages in (("all-ages", {}), ("the-old", {"ages": "65+"}))
    ]
    both = measure(record, named, first=FIRST, until=UNTIL, by="practice", released=True, threads=1)
    given = [{row.organisation: row.denominator for row in one.rows} for one in both.releases]
    assert given[0]["P1"] == "40" and given[1]["P1"] == STAR


def test_what_no_rate_is_made_of_is_protected_by_itself_and_not_entered(tmp_path: Path) -> None:
    """Areas are smaller than the register knows."""
    record = place(tmp_path / "record", people_of(("P1", True, 40)))
    found = calls.roster(record.folder, first=FIRST, until=UNTIL, who="resident", by="area")
    given = release_roster(record, found, first=FIRST, until=UNTIL)
    assert given.entry is None
    with pytest.raises(MeasureMisused, match="not released into files"):
        publish_roster(record, given)


def test_people_who_are_not_counted_hide_nobody(tmp_path: Path) -> None:
    """Two and one of 65 and over: that eighty younger people live there too leaves the three no more open."""
    people = people_of(
        ("P1", True, 2), ("P1", False, 40), ("P2", True, 1), ("P2", False, 40), ("P3", True, 9), ("P3", False, 40)
    )
    old = rates(place(tmp_path / "record", people), tmp_path, ("practice", "all"), ages="65+")
    assert {row.organisation: row.denominator for row in old.rows}.keys() >= {"P1", "P2", "P3", "all"}
    assert STAR in [row.denominator for row in old.rows if row.organisation in ("P3", "all")]


def test_all_are_small(tmp_path: Path) -> None:
    """It is said that nothing is left, and why."""
    record = place(tmp_path / "record", people_of(("P1", True, 4)))
    given = roster(record, "practice")
    assert given.notes == ("all figures (people) are of 1 to 7 people, or over so few: nothing is left of it",)
    assert "all figures (denominator) are of 1 to 7 people" in " ".join(rates(record, tmp_path, ("practice",)).notes)


Step = Callable[[Record, Path], "Release | ReleasedRoster"]

STEPS: Mapping[str, Step] = {
    "the roster by practice": lambda record, folder: roster(record, "practice"),
    "the roster by network": lambda record, folder: roster(record, "network"),
    "rates of 65 and over": lambda record, folder: rates(record, folder, ("practice", "all"), ages="65+"),
    "rates by sex": lambda record, folder: rates(record, folder, ("practice",), ("sex",)),
    "rates of women": lambda record, folder: rates(record, folder, ("network", "all"), sex="female"),
}
"""Releases that count the same people, each in its own way."""

ATOMS = [(at, old, sex, known) for at in ("P1", "P2", "P3") for old in (True, False) for sex in ("female", "male")
         for known in (True, False)]  # fmt: skip
PLACES = ({"P1"}, {"P2"}, {"P3"}, {"P1", "P2"}, {"P1", "P2", "P3"})
"""Practices, networks, and the board."""


def known_to_all(given: Release | ReleasedRoster) -> list[tuple[list[float], int | None]]:
    """The atoms of each count of people that was given, and its exact value; None where it was withheld."""
    assert given.entry is not None
    whom = given.entry["population"]
    out = []
    for place_, _, _, strata, numbers in given.entry["cells"]:
        wanted = dict(zip(given.entry["strata"], strata, strict=True))
        row = [
            float(
                at in given.entry["places"][place_]
                and (known or not whom["known"])
                and (old or whom["ages"] is None)
                and (not whom["sexes"] or sex in whom["sexes"])
                and wanted.get("sex", sex) == sex
            )
            for at, old, sex, known in ATOMS
        ]
        value, star, *_ = numbers["denominator"]
        out.append((row, None if star else value))
    return out


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(2, 7))])
@pytest.mark.parametrize("order", list(permutations(STEPS, 2)), ids=lambda names: ", then ".join(names))
def test_no_small_population_is_found_by_subtracting_one_release_from_another(
    tmp_path: Path, order: Sequence[str], seed: int
) -> None:
    """An attacker with a linear program, who is told every figure that was given exactly, about all it is made of."""
    dice = random.Random(seed)
    people: list[Person] = []
    for at, old, sex, known in ATOMS:
        for _ in range(dice.choice([0, 1, 2, 3, 5, 9, 30]) if known else dice.choice([0, 0, 1, 9])):
            people.append((len(people) + 1, at, old, sex, known))
    record = place(tmp_path / "record", people)
    given: list[tuple[list[float], int | None]] = []
    for name in order:
        try:
            given += known_to_all(STEPS[name](record, tmp_path))
        except ReleaseRefused as refused:
            assert "would give away" in str(refused)
    exact = np.array([sum(person[1:] == atom for person in people) for atom in ATOMS], dtype=float)
    rows_ = [row for row, value in given if value is not None]
    values = [value for _, value in given if value is not None]
    for row, value in given:
        assert value is None or np.dot(row, exact) == value
    targets = [row for row, value in given if value is None and 0 < np.dot(row, exact) < 8]
    for a, b in product(map(np.array, rows_), repeat=2):
        at = {ATOMS[n][0] for n in np.flatnonzero(a - b)}
        # of one practice, or of a network or of all: that two practices have 7 people together says of neither how many
        if (a >= b).all() and at in PLACES and 0 < (a - b) @ exact < 8:
            targets.append(list(a - b))
    for target in targets:
        ends = []
        for sign in (1, -1):
            solved = scipy_optimize.linprog(
                sign * np.array(target),
                A_eq=np.array(rows_) if rows_ else None,
                b_eq=np.array(values) if rows_ else None,
                bounds=(0, None),
                method="highs",
            )
            ends.append(10**9 if solved.status == 3 else round(sign * solved.fun))
        assert ends[1] - ends[0] >= 4, (order, target, ends)
