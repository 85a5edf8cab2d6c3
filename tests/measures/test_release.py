"""Release: what is withheld and rounded, and attacks on what was given: nobody finds a small count by subtracting."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.measures.computing import Session
from accord.measures.figures import figures
from accord.measures.measure import find
from accord.measures.register import ReleaseRefused, enter
from accord.measures.release import Release, release
from accord.measures.suppression import Cell, Given, Leaves, Protection, protect
from accord.record.disclosure import STAR, Rules, rules
from accord.record.record import Record
from tests.measures.made import SELECT, card, made, organisations, ratio, rows, write_measure

scipy_optimize = pytest.importorskip("scipy.optimize", reason="the attack needs scipy (a tool of the tests)")

NEEDED = 4


def attack(known: Sequence[Given], leaves: Leaves, target: Cell) -> tuple[int, int]:
    """What an attacker with a linear program makes of a cell, who is told every shown value exactly."""
    keys = sorted(leaves.values)

    def row(cell: Cell) -> list[float]:
        strata = dict(cell.strata)
        out = []
        for organisation, time, values in keys:
            inside = organisation in cell.organisations
            inside = inside and (time == cell.time or (cell.time[0] <= time[0] and time[1] <= cell.time[1]))
            inside = inside and all(
                name not in strata or strata[name] == value for name, value in zip(leaves.strata, values, strict=True)
            )
            out.append(float(inside))
        return out

    shown = [one for one in known if not one.star]
    equal = np.array([row(one.cell) for one in shown]) if shown else None
    values = np.array([float(one.value) for one in shown]) if shown else None
    goal = np.array(row(target))
    found = []
    for sign in (1, -1):
        solved = scipy_optimize.linprog(sign * goal, A_eq=equal, b_eq=values, bounds=(0, None), method="highs")
        found.append(10**9 if solved.status == 3 else sign * solved.fun)
    return round(found[0]), round(found[1])


def tables(values: np.ndarray, groups: Sequence[int], totals: Sequence[bool]) -> tuple[list[Given], Leaves]:
    """Practices by period by stratum, with networks and totals as asked."""
    practices, periods, strata = values.shape
    names = [f"P{n}" for n in range(practices)]
    days = [(f"2025-{n + 1:02}-01", f"2025-{n + 1:02}-28") for n in range(periods)]
    leaves = {
        (names[p], days[t], (str(s),)): int(values[p, t, s])
        for p in range(practices)
        for t in range(periods)
        for s in range(strata)
    }
    places = [frozenset({name}) for name in names]
    if totals[0]:
        places += [frozenset(n for n, g in zip(names, groups, strict=True) if g == group) for group in set(groups)]
        places.append(frozenset(names))
    spans = [*days, *([(days[0][0], days[-1][1])] if totals[1] and periods > 1 else [])]
    kinds: list[tuple[tuple[str, str], ...]] = [(("s", str(s)),) for s in range(strata)]
    kinds += [()] if totals[2] and strata > 1 else []
    given: dict[Cell, Given] = {}
    for place in places:
        for span in spans:
            for kind in kinds:
                cell = Cell(place, span, kind)
                given.setdefault(cell, one_of(cell, leaves))
    return list(given.values()), Leaves(("s",), leaves)


def one_of(cell: Cell, leaves: dict) -> Given:
    """A cell with its value."""
    value = sum(
        each
        for (organisation, time, strata), each in leaves.items()
        if organisation in cell.organisations
        and cell.time[0] <= time[0]
        and time[1] <= cell.time[1]
        and all(value == strata[0] for _, value in cell.strata)
    )
    small = 1 <= value <= 7
    return Given(cell, value, star=small, sensitive=small, needed=NEEDED)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**9),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(1, 3),
    st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
def test_no_small_count_can_be_worked_out(
    seed: int, practices: int, periods: int, strata: int, totals: tuple[bool, bool, bool]
) -> None:
    """Whatever totals are given: at least five values stay possible in every small cell."""
    dice = random.Random(seed)
    values = np.array(
        [
            [[dice.choice([0, 1, 2, 3, 5, 7, 8, 9, 12, 30, 200]) for _ in range(strata)] for _ in range(periods)]
            for _ in range(practices)
        ]
    )
    known, leaves = tables(values, [n % 2 for n in range(practices)], totals)
    lost = Protection(known, leaves).protect()
    assert not lost
    for one in known:
        assert one.star or not one.sensitive
        if one.sensitive:
            low, high = attack(known, leaves, one.cell)
            assert high - low >= NEEDED, (one, low, high)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(2, 6), st.integers(2, 3), st.integers(1, 2))
def test_no_small_count_can_be_worked_out_from_two_releases(
    seed: int, practices: int, periods: int, strata: int
) -> None:
    """A year to date then its months, networks then practices, strata then totals: whatever was given before."""
    dice = random.Random(seed)
    sizes = [0, 1, 2, 3, 5, 7, 8, 9, 12, 30, 200]
    values = np.array([[[dice.choice(sizes) for _ in range(strata)] for _ in range(periods)] for _ in range(practices)])
    groups = [n % 2 for n in range(practices)]
    everything, leaves = tables(values, groups, (True, True, True))
    dice.shuffle(everything)
    cut = len(everything) // 2
    before, fresh = everything[:cut], everything[cut:]
    places = {one.cell.organisations for one in everything}
    assert not protect(before, [], leaves, rules(), places)
    for one in before:
        one.locked = True
    lost = protect(fresh, before, leaves, rules(), places)
    if lost:  # refused as a whole: nothing of it leaves
        fresh = []
    known = [*before, *fresh]
    targets = {one.cell for one in everything if one.sensitive}
    for cell in targets:
        low, high = attack(known, leaves, cell)
        assert high - low >= NEEDED, (cell, low, high)


# -- releases of a record ----------------------------------------------------------------------------------------------

FIRST, UNTIL = dt.date(2025, 4, 1), dt.date(2025, 7, 1)


def place(folder: Path, seed: int = 1, people: int = 300) -> Record:
    """Three practices, some hundred people, as many attendances in three months."""
    dice = random.Random(seed)
    numbers = range(1, people + 1)
    practices = {n: dice.choice(["P1", "P1", "P2", "P3"]) for n in numbers}
    events = [f"{dice.choice(numbers)} | {FIRST + dt.timedelta(dice.randrange(91))}" for _ in range(80)]
    return made(
        folder,
        people=rows(
            "people",
            "person|born|sex",
            *[f"{n} | 19{dice.randrange(30, 99)}-05-05 | {dice.choice(['female', 'male'])}" for n in numbers],
        ),
        registrations=rows(
            "registrations", "person|practice|since", *[f"{n} | {p} | 2020-01-01" for n, p in practices.items()]
        ),
        attendances=rows("attendances", "person|day", *events),
        organisations=organisations(),
    )


def releasing(record: Record, folder: Path, every: Any, by: tuple[str, ...], strata: tuple[str, ...] = ()) -> Release:
    """A release of one measure, checked against the register of the record."""
    measure = find(write_measure(folder, card()))
    with Session(record, first=FIRST, until=UNTIL, every=every, threads=1) as session:
        return release(session, figures(session, measure, by, strata))


def test_what_is_shown(tmp_path: Path) -> None:
    """Small counts are stars, others multiples of 5, rates from the rounded counts, and totals give nothing away."""
    record = place(tmp_path / "record")
    made = releasing(record, tmp_path, "month", ("practice", "network", "all"), ("sex",))
    assert made.withheld > 0
    for figure, row in zip(made.figures.rows, made.rows, strict=True):
        if 1 <= figure.numerator <= 7:
            assert row.numerator == STAR
        if row.numerator == STAR:
            assert (row.rate, row.lower, row.upper) == (STAR, STAR, STAR)
            continue
        assert int(row.numerator) % 5 == 0 and abs(int(row.numerator) - figure.numerator) <= 2
        assert row.denominator is not None and row.rate is not None
        if row.denominator != STAR:
            exact = Decimal(int(row.numerator) * 1000) / int(row.denominator)
            assert abs(Decimal(row.rate) - exact) <= Decimal("0.05")
    assert made.table().num_rows == len(made.rows)


def shown_cells(*releases: Release) -> tuple[list[Given], Leaves]:
    """What an attacker has of several releases, and what is true."""
    known: dict[Cell, Given] = {}
    leaves: dict[tuple[str, tuple[str, str], tuple[str, ...]], int] = {}
    names = tuple(dict.fromkeys(name for each in releases for name in each.figures.strata))
    for each in releases:
        for place, first, last, strata, numbers in each.entry["cells"]:
            value, star, sensitive, _ = numbers["numerator"]
            named = tuple(zip(each.entry["strata"], strata, strict=True))
            cell = Cell(frozenset(each.entry["places"][place]), (first, last), named)
            known[cell] = Given(cell, value, bool(star), bool(sensitive), NEEDED)
    finest = releases[-1].figures.cells
    for row in finest.table.to_pylist():
        period = next(each for each in releases[-1].figures.periods if each.label == row["period"])
        strata = tuple(row[name] for name in names)
        key = (row["organisation"], (period.first.isoformat(), period.last.isoformat()), strata)
        leaves[key] = leaves.get(key, 0) + row["numerator"]
    return list(known.values()), Leaves(names, leaves)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (("whole", ("practice", "all"), ()), ("month", ("practice", "all"), ())),
        (("month", ("network",), ()), ("month", ("practice",), ())),
        (("month", ("all",), ("sex",)), ("month", ("practice", "all"), ("sex",))),
        (("whole", ("practice",), ()), ("month", ("practice", "network"), ("sex",))),
    ],
    ids=["a quarter, then its months", "networks, then practices", "all by sex, then practices", "everything finer"],
)
@pytest.mark.parametrize("seed", [1, 2])
def test_two_releases(tmp_path: Path, first: Any, then: Any, seed: int) -> None:
    """Whoever has both and a linear program finds at least five values for every small count."""
    record = place(tmp_path / "record", seed)
    one = releasing(record, tmp_path, *first)
    enter(record.folder, [one.entry], dt.date(2025, 8, 1))
    try:
        two = releasing(record, tmp_path, *then)
    except ReleaseRefused as refused:
        assert "would give away" in str(refused)
        return
    known, leaves = shown_cells(one, two)
    for cell in [each.cell for each in known if each.sensitive]:
        low, high = attack(known, leaves, cell)
        assert high - low >= NEEDED, (cell, low, high)


BY = {"by": ["sex", "age_band"], "ages": "0-49 50-69 70+"}

STANDARDISED: dict[str, dict[str, Any]] = {
    "crude": {},
    "directly": {"standardise": {"method": "direct", **BY, "standard": "european-2013"}},
    "indirectly": {"standardise": {"method": "indirect", **BY, "standard": "own"}, "permits": "the national figure"},
}
"""How the rate of the card above may be standardised."""


@pytest.mark.parametrize("how", STANDARDISED)
def test_the_same_again(tmp_path: Path, how: str) -> None:
    """What was released is released alike again; a late event or two do not change it, its rates neither."""
    record = place(tmp_path / "record")
    written = card(**STANDARDISED[how])
    measure = find(write_measure(tmp_path / "before", written))
    with Session(record, first=FIRST, until=UNTIL, every="month", threads=1) as session:
        one = release(session, figures(session, measure, ("practice", "all")))
        enter(record.folder, [one.entry], dt.date(2025, 8, 1))
        assert release(session, figures(session, measure, ("practice", "all"))).rows == one.rows
    select = SELECT + ' union all select min(person), min(day), 1, min("row") from attendances'
    measure = find(write_measure(tmp_path / "late", written, select))
    with Session(record, first=FIRST, until=UNTIL, every="month", threads=1) as session:
        late = release(session, figures(session, measure, ("practice", "all")))
    assert late.rows == one.rows
    assert any("differ by fewer than 8" in note for note in late.notes)


@pytest.mark.parametrize("how", STANDARDISED)
def test_no_rate_gives_the_exact_count_back(tmp_path: Path, how: str) -> None:
    """Whoever has the rate, its limits and what was expected finds the rounded count again, and not the exact one."""
    record = place(tmp_path / "record")
    measure = find(write_measure(tmp_path, card(per="100000 people", round="0.01", **STANDARDISED[how])))
    with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
        made = release(session, figures(session, measure, ("practice", "all")))
    differs = 0
    for figure, row in zip(made.figures.rows, made.rows, strict=True):
        if STAR in (row.numerator, row.rate):
            continue
        assert row.rate is not None and row.upper is not None and figure.rate and figure.upper
        differs += int(row.numerator) != figure.numerator
        # the rate moves with the count as far as it was rounded (an expected count too), its limits with it
        moved = Decimal(row.numerator) / figure.numerator
        if row.expected is None:
            near = Decimal("0.0001") if how == "directly" else Decimal("0.06")  # a crude rate: over rounded people
            assert abs(Decimal(row.rate) / figure.rate - moved) < near
        else:
            whole = next(each for each in made.rows if each.level == "all")
            assert whole.rate is not None and int(row.expected) == Decimal(row.expected)
            recovered = Decimal(row.rate) * Decimal(row.expected) / Decimal(whole.rate)
            assert abs(recovered - int(row.numerator)) < Decimal("0.1")  # the rounded count, and no other
        # how far the limit lies from the rate is what it is for the rounded count
        assert Decimal(row.upper) / Decimal(row.rate) != figure.upper / figure.rate or row.numerator == str(
            figure.numerator
        )
    assert differs


def happened(folder: Path, events: dict[tuple[str, int], int], many: int) -> Record:
    """Attendances by practice and month, each of a person of its own but for the first so many of P1 in April."""
    told: list[tuple[int, str, int]] = []
    for (practice, month), count in events.items():
        for number in range(count):
            alone = (practice, month) == ("P1", 4) and number < many
            told.append((1 if alone else len(told) + 2, practice, month))
    return made(
        folder,
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n in {n for n, *_ in told}]),
        registrations=rows(
            "registrations", "person|practice|since", *{f"{n} | {practice} | 2020-01-01" for n, practice, _ in told}
        ),
        attendances=rows("attendances", "person|day", *[f"{n} | 2025-0{month}-05" for n, _, month in told]),
        organisations=organisations(),
    )


TOLD = [
    # events of one person, and of others, in P1 in April; what is released, in order
    (30, 0, [("whole", ("practice", "all")), ("month", ("practice", "all"))]),
    (30, 0, [("month", ("practice", "all")), ("whole", ("practice", "all"))]),
    (100, 8, [("whole", ("practice", "all")), ("month", ("practice", "all"))]),
    (100, 8, [("month", ("practice", "all")), ("whole", ("practice", "all"))]),
]


@pytest.mark.parametrize(("many", "beside", "releases"), TOLD)
def test_many_events_of_one_person_stay_as_open_as_they_are_many(
    tmp_path: Path, many: int, beside: int, releases: Sequence[tuple[str, tuple[str, ...]]]
) -> None:
    """Thirty contacts of one person, or a hundred beside eight others with one each, whatever is released first.

    It is not enough that five values are possible, nor that eighteen are. Of the 108 the person makes so much that they
    are withheld too, though they are neither few nor of few.
    """
    events = {
        ("P1", 4): many + beside, ("P1", 5): 12, ("P1", 6): 0,
        ("P2", 4): 9, ("P2", 5): 9, ("P2", 6): 0,
        ("P3", 4): 200, ("P3", 5): 200, ("P3", 6): 0,
    }  # fmt: skip
    record = happened(tmp_path / "record", events, many)
    assert open_after(record, tmp_path, releases, many + beside) >= many


def test_what_an_earlier_release_withheld_stays_as_open(tmp_path: Path) -> None:
    """A person's thirty contacts are withheld by month; with totals of places they are not found to within ten."""
    events = {("P1", 4): 30, ("P1", 5): 7, ("P2", 4): 3, ("P2", 5): 6, ("P3", 4): 200, ("P3", 5): 200}
    record = happened(tmp_path / "record", events, 30)
    releases = [("month", ("practice",)), ("whole", ("practice",)), ("month", ("all",))]
    assert open_after(record, tmp_path, releases, 30) >= 30


def open_after(record: Record, folder: Path, releases: Sequence[tuple[str, tuple[str, ...]]], value: int) -> int:
    """How many further values an attacker thinks possible of the cell with a value, told of these releases."""
    told: list[Release] = []
    for every, by in releases:
        told.append(releasing(record, folder, every, by))
        enter(record.folder, [told[-1].entry], dt.date(2025, 8, 1))
    known, _ = shown_cells(*told)
    _, leaves = shown_cells(next(each for each in told if len(each.figures.periods) > 1))
    (cell,) = [one.cell for one in known if one.value == value]
    low, high = attack(known, leaves, cell)
    return high - low


def test_a_share_beside_what_stands_from_before_is_no_more_than_all(tmp_path: Path) -> None:
    """The count stands, since it differs by fewer than 8; of whom it is counted does not."""
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n in range(1, 29)]),
        registrations=rows("registrations", "person|practice|since", *[f"{n} | P1 | 2020-01-01" for n in range(1, 29)]),
        attendances=rows("attendances", "person|day", *[f"{n} | 2025-05-05" for n in range(1, 29)]),
        organisations=organisations(),
    )

    def shared(people: int, having: int) -> Release:
        select = f"""select person, day, case when person <= {having} then 1 else 0 end as numerator, 1 as denominator
            from attendances where person <= {people}"""
        measure = find(write_measure(tmp_path, ratio(), select))
        with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
            made_release = release(session, figures(session, measure, ("practice",)))
        enter(record.folder, [made_release.entry], dt.date(2025, 8, 1))
        return made_release

    (before,), (row,) = shared(28, 20).rows, shared(16, 13).rows
    assert (before.numerator, before.denominator) == ("20", "30")
    assert (row.numerator, row.denominator, row.rate, row.upper) == ("20", "15", "100.0", "100.0")


def test_a_damaged_register_stops_releases(tmp_path: Path) -> None:
    """Without knowing what was released, nothing more is."""
    record = place(tmp_path / "record")
    (record.folder / "released.jsonl").write_text("{broken\n")
    with pytest.raises(ReleaseRefused, match="cannot be read"):
        releasing(record, tmp_path, "month", ("practice",))


OWN, ANY = rules(), replace(rules(), share=100)
"""The rules that come with Accord; and such that two people may make everything, if enough remains beside them."""

DOMINATED = [
    # what each person of a practice costs, in pounds; the rules; whether their sum may be shown
    ([200] * 20, OWN, True),
    ([200] * 20 + [900_000], OWN, False),
    ([4500, 4000, *[150] * 10], OWN, True),  # the two largest make 85 percent
    ([4500, 4010, *[149] * 10], OWN, False),  # and a little more
    ([4300, 4300, *[140] * 10], OWN, False),  # neither of them alone
    ([4300, 140, 4300, *[140] * 9], OWN, False),
    ([5000, 4500, *[50] * 10], ANY, True),  # what remains is 10 percent of the largest
    ([5000, 4500, *[49] * 10], ANY, False),
    ([900] * 7, OWN, False),
    ([900] * 8, OWN, True),
    ([0] * 8, OWN, True),
]


@pytest.mark.parametrize("level", ["practice", "network"])
@pytest.mark.parametrize(("costs", "by", "shown"), DOMINATED)
def test_money_is_not_one_persons(tmp_path: Path, costs: list[int], by: Rules, shown: bool, level: str) -> None:
    """A sum that one or two people make most of is withheld, however large: of a practice, and of two together."""
    practices = ["P1"] * len(costs) if level == "practice" else [f"P{1 + n % 2}" for n in range(len(costs))]
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n, _ in enumerate(costs)]),
        registrations=rows(
            "registrations", "person|practice|since", *[f"{n} | {at} | 2020-01-01" for n, at in enumerate(practices)]
        ),
        attendances=rows(
            "attendances",
            "person|day|cost",
            *[f"{n} | 2025-05-0{day} | {50 * cost}" for n, cost in enumerate(costs) for day in (1, 2)],
        ),
        organisations=organisations(),
    )
    select = "select person, day, cost as numerator from attendances"
    written = card(
        **{"kind": "total", "per": None, "denominator": None, "interval": "none", "unit": "pence", "suppress": "money"},
        population={"who": "registered"},
    )
    measure = find(write_measure(tmp_path, written, select))
    with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
        (row,) = release(session, figures(session, measure, (level,)), by=by).rows
    assert row.numerator == (str(100 * sum(costs)) if shown else STAR)


COUNTED = [
    # how often each person of a practice counts; whether the number may be shown
    ([1] * 8, True),
    ([3] * 20, True),
    ([3] * 20 + [1950], False),
    ([45, 40, *[1.5] * 10], True),  # the two largest make 85 percent
    ([45, 41, *[1.5] * 10], False),
    ([500, 30, *[1] * 9], False),
]


@pytest.mark.parametrize("kind", ["rate", "total", "numerator", "denominator"])
@pytest.mark.parametrize(("times", "shown"), COUNTED)
def test_a_count_is_not_one_persons(tmp_path: Path, times: list[float], shown: bool, kind: str) -> None:
    """What holds of money holds of bed days and contacts, above and below the line."""
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n, _ in enumerate(times)]),
        registrations=rows(
            "registrations", "person|practice|since", *[f"{n} | P1 | 2020-01-01" for n, _ in enumerate(times)]
        ),
        attendances=rows(
            "attendances", "person|day|cost", *[f"{n} | 2025-05-05 | {round(2 * many)}" for n, many in enumerate(times)]
        ),
        organisations=organisations(),
    )
    one, other = "cost as numerator", ""
    written = card()
    if kind == "total":
        written = card(kind="total", per=None, denominator=None, interval="none", population={"who": "registered"})
    elif kind != "rate":
        written = ratio(interval="none")
        one, other = ("cost as numerator", ", 1 as denominator")
        if kind == "denominator":
            one, other = ("1 as numerator", ", cost as denominator")
    measure = find(write_measure(tmp_path, written, f"select person, day, {one}{other} from attendances"))
    with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
        (row,) = release(session, figures(session, measure, ("practice",))).rows
    given = row.denominator if kind == "denominator" else row.numerator
    assert given != STAR if shown else given == STAR
    assert (row.rate == STAR) == (kind != "total" and not shown)


CORRECTED = [
    # what each person costs after corrections, in pounds; whether the sum may be shown
    ([300] * 20, True),
    ([300] * 20 + [-90], True),
    ([-300] * 20, True),
    ([3] * 20 + [-9000], False),  # nearly all of it is one person's, though she takes it away
    ([900, -900, 0, 0, 0, 0, 0, 0, 0], False),  # nothing, of two people
    ([900, -900] * 5, True),
]


@pytest.mark.parametrize(("costs", "shown"), CORRECTED)
def test_corrections_are_somebodys_too(tmp_path: Path, costs: list[int], shown: bool) -> None:
    """Money may be taken back: what one person makes of a sum counts without its sign."""
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n, _ in enumerate(costs)]),
        registrations=rows(
            "registrations", "person|practice|since", *[f"{n} | P1 | 2020-01-01" for n, _ in enumerate(costs)]
        ),
        attendances=rows(
            "attendances", "person|day|cost", *[f"{n} | 2025-05-05 | {1000_00 + 100 * c}" for n, c in enumerate(costs)]
        ),
        organisations=organisations(),
    )
    written = card(
        **{"kind": "total", "per": None, "denominator": None, "interval": "none", "unit": "pence", "suppress": "money"},
        population={"who": "registered"},
    )
    measure = find(write_measure(tmp_path, written, "select person, day, cost - 100000 as numerator from attendances"))
    with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
        (row,) = release(session, figures(session, measure, ("practice",))).rows
    assert (row.numerator != STAR) == shown


# -- populations: person-days are protected as people ------------------------------------------------------------------

PERSON_DAYS = {"population": {"who": "registered", "count": "person-days"}, "denominator": "Average people."}


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 6), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_no_small_population_can_be_worked_out_of_person_days(
    seed: int, practices: int, periods: int, strata: int, twice: bool
) -> None:
    """Averages below 8 people stay open by four people or more, for each day of the cell, over two releases too."""
    dice = random.Random(seed)
    sizes = [0, 1, 28, 28 * 3, 28 * 5 + 9, 28 * 8 - 1, 28 * 8, 28 * 12 + 5, 28 * 300 + 1]
    values = np.array([[[dice.choice(sizes) for _ in range(strata)] for _ in range(periods)] for _ in range(practices)])

    def days(time: tuple[str, str]) -> int:
        return 28 * (int(time[1][5:7]) - int(time[0][5:7]) + 1)

    found, leaves = tables(values, [n % 2 for n in range(practices)], (True, True, True))
    everything = []
    for one in found:
        small = 0 < one.value < 8 * days(one.cell.time)
        everything.append(Given(one.cell, one.value, star=small, sensitive=small, needed=4 * days(one.cell.time)))
    dice.shuffle(everything)
    places = {one.cell.organisations for one in everything}
    cut = len(everything) // 2 if twice else len(everything)
    before, fresh = everything[:cut], everything[cut:]
    assert not protect(before, [], leaves, rules(), places, days)
    for one in before:
        one.locked = True
    if fresh and protect(fresh, before, leaves, rules(), places, days):
        fresh = []  # refused
    for one in everything:
        if one.sensitive:
            low, high = attack([*before, *fresh], leaves, one.cell)
            assert high - low >= 4 * days(one.cell.time), (one, low, high)


def crowd(folder: Path, seed: int, people: int = 90) -> Record:
    """Three practices, of which one is small; people who come, go and move; ages on both sides of every band."""
    dice = random.Random(seed)
    registrations: list[str] = []
    born: list[str] = []
    for n in range(1, people + 1):
        born.append(
            f"{n} | {dt.date(1935, 1, 1) + dt.timedelta(dice.randrange(80 * 365))} | {dice.choice(['female', 'male'])}"
        )
        at = dice.choices(["P1", "P2", "P3"], [50, 35, 5])[0]
        since = dt.date(2025, 1, 1) + dt.timedelta(dice.choice([0, 0, 0, dice.randrange(180)]))
        registrations.append(f"{n} | {at} | {since}")
        if dice.random() < 0.2:
            moved = max(since, FIRST) + dt.timedelta(1 + dice.randrange(60))
            registrations.append(f"{n} | {dice.choice(['P1', 'P2'])} | {moved}")
    events = [f"{dice.randrange(1, people + 1)} | {FIRST + dt.timedelta(dice.randrange(91))}" for _ in range(60)]
    return made(
        folder,
        people=rows("people", "person|born|sex", *born),
        registrations=rows("registrations", "person|practice|since", *registrations),
        attendances=rows("attendances", "person|day", *events),
        organisations=organisations(),
    )


def bounds(releases: Sequence[Release], quantity: str, rounded: bool) -> list[tuple[Given, int, int, int]]:
    """For each cell that was released: days, and the least and the most that an attacker finds possible.

    Told the shown values exactly (``rounded`` false), or as they were printed: rounded to so many people for every day.
    """
    shown: dict[Cell, tuple[Given, int]] = {}
    leaves: dict[tuple[str, tuple[str, str], tuple[str, ...]], int] = {}
    names = tuple(dict.fromkeys(name for each in releases for name in each.figures.strata))
    for each in releases:
        for place, first, last, strata, numbers in each.entry["cells"]:
            value, star, sensitive, _ = numbers[quantity]
            cell = Cell(
                frozenset(each.entry["places"][place]),
                (first, last),
                tuple(zip(each.entry["strata"], strata, strict=True)),
            )
            days = (dt.date.fromisoformat(last) - dt.date.fromisoformat(first)).days + 1
            shown[cell] = (Given(cell, value, bool(star), bool(sensitive)), days)
    for row in releases[-1].figures.cells.table.to_pylist():
        period = next(each for each in releases[-1].figures.periods if each.label == row["period"])
        key = (
            row["organisation"],
            (period.first.isoformat(), period.last.isoformat()),
            tuple(str(row[name]) for name in names),
        )
        leaves[key] = leaves.get(key, 0) + row[quantity]
    keys = sorted(leaves)

    def inside(cell: Cell) -> list[float]:
        strata = dict(cell.strata)
        return [
            float(
                organisation in cell.organisations
                and cell.time[0] <= time[0]
                and time[1] <= cell.time[1]
                and all(strata.get(name, value) == value for name, value in zip(names, values, strict=True))
            )
            for organisation, time, values in keys
        ]

    matrix, low, high = [], [], []
    for cell, (one, days) in shown.items():
        row = np.array(inside(cell))
        assert row @ np.array([leaves[key] for key in keys]) == one.value
        if one.star:
            continue
        step = 5 * days
        at = (2 * one.value + step) // (2 * step) * step
        matrix.append(row)
        low.append(max(at - step / 2, 0) if rounded and one.value else one.value)
        high.append(at + step / 2 if rounded and one.value else one.value)
    constraint = {
        "A_ub": np.array([*matrix, *[-each for each in matrix]]) if matrix else None,
        "b_ub": np.array([*high, *[-each for each in low]]) if matrix else None,
    }
    out = []
    for cell, (one, days) in shown.items():
        goal = np.array(inside(cell))
        ends = []
        for sign in (1, -1):
            solved = scipy_optimize.linprog(sign * goal, **constraint, bounds=(0, None), method="highs")
            ends.append(10**9 if solved.status == 3 else round(sign * solved.fun))
        out.append((one, days, ends[0], ends[1]))
    return out


SEQUENCES = {
    "a quarter by sex": [("whole", ("practice", "network", "all"), ("sex",))],
    "months by age": [("month", ("practice", "all"), ("age_band",))],
    "a quarter, then its months": [("whole", ("practice", "all"), ()), ("month", ("practice", "network", "all"), ())],
    "networks, then practices by sex": [("month", ("network", "all"), ()), ("month", ("practice",), ("sex",))],
}


@pytest.mark.parametrize("sequence", list(SEQUENCES.values()), ids=list(SEQUENCES))
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_populations_stay_hidden(tmp_path: Path, sequence: Any, seed: int) -> None:
    """Of all that was released: no population of 1 to 7 is known, no number of person-days, and nothing over so few."""
    record = crowd(tmp_path / "record", seed)
    measure = find(write_measure(tmp_path, card(**PERSON_DAYS)))
    releases: list[Release] = []
    for every, by, strata in sequence:
        with Session(record, first=FIRST, until=UNTIL, every=every, threads=1) as session:
            try:
                one = release(session, figures(session, measure, by, strata))
            except ReleaseRefused as refused:
                assert releases and "would give away" in str(refused)
                break
        enter(record.folder, [one.entry], dt.date(2025, 8, 1))
        releases.append(one)
    few = 0
    for each in releases:
        for figure, row in zip(each.figures.rows, each.rows, strict=True):
            days = figure.period.days
            assert row.denominator == STAR or int(row.denominator or 0) % (5 * days) == 0
            if 0 < (figure.denominator or 0) < 8 * days:
                few += 1
                assert {row.denominator, row.numerator, row.rate, row.lower, row.upper} == {STAR}
    assert few, "the place has small populations"
    for one, days, low, high in bounds(releases, "denominator", rounded=False):
        if one.sensitive:
            assert high - low >= 4 * days, (one, low, high)
    for one, days, low, high in bounds(releases, "denominator", rounded=True):
        if one.value:
            assert high - low >= days, (one, low, high)


def test_one_birthday_is_not_given_away(tmp_path: Path) -> None:
    """Days on both sides of an eighty-fifth birthday, one person of an age, and that nothing happened to them."""
    numbers = range(1, 61)
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 19{40 if n < 60 else 75}-05-15 | female" for n in numbers]),
        registrations=rows(
            "registrations", "person|practice|since", *[f"{n} | P{1 if n > 2 else 3} | 2020-01-01" for n in numbers]
        ),
        organisations=organisations(),
    )
    measure = find(write_measure(tmp_path, card(**PERSON_DAYS)))
    with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
        made_release = release(session, figures(session, measure, ("practice",), ("age_band",)))
    shown = {(row.organisation, row.stratum): (row.numerator, row.denominator) for row in made_release.rows}
    assert shown["P3", ("80-84",)] == shown["P3", ("85-89",)] == shown["P1", ("50-54",)] == (STAR, STAR)


def test_a_zero_over_few_people_is_no_zero_by_subtraction(tmp_path: Path) -> None:
    """All, and all but the practice of three: that none of the three attended is not given away either."""
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n in range(1, 64)]),
        registrations=rows(
            "registrations",
            "person|practice|since",
            *[f"{n} | P{3 if n < 4 else 1 + n % 2} | 2020-01-01" for n in range(1, 64)],
        ),
        attendances=rows("attendances", "person|day", *[f"{n} | 2025-05-01" for n in range(4, 64)]),
        organisations=organisations(),
    )
    for number, written in enumerate((card(), card(**PERSON_DAYS))):
        measure = find(write_measure(tmp_path / str(number), written))
        with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
            made_release = release(session, figures(session, measure, ("practice", "all")))
        shown = {row.organisation: (row.numerator, row.denominator) for row in made_release.rows}
        assert shown["P3"] == (STAR, STAR)
        assert STAR in {shown["P1"][0], shown["P2"][0], shown["all"][0]}
        known, leaves = shown_cells(made_release)
        zero = next(one for one in known if one.cell.organisations == {"P3"})
        low, high = attack(known, leaves, zero.cell)
        assert high - low >= NEEDED


def test_a_zero_over_few_people_is_no_zero_by_subtracting_months(tmp_path: Path) -> None:
    """Three people stay in June, and none attends: a quarter less April and May does not say so."""
    numbers = range(1, 101)
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n in numbers]),
        registrations=rows(
            "registrations",
            "person|practice|since|until",
            *[f"{n} | P1 | 2020-01-01 | {'' if n <= 3 else '2025-06-01'}" for n in range(1, 41)],
            *[f"{n} | P2 | 2020-01-01 |" for n in range(41, 101)],
        ),
        attendances=rows(
            "attendances",
            "person|day",
            *[f"{n} | 2025-0{month}-05" for n in numbers for month in (4, 5, 6) if n > 40 or month < 6],
        ),
        organisations=organisations(),
    )
    measure = find(write_measure(tmp_path, card(**PERSON_DAYS)))
    given = []
    for until, every in ((UNTIL, "whole"), (dt.date(2025, 6, 1), "month")):
        with Session(record, first=FIRST, until=until, every=every, threads=1) as session:  # type: ignore[arg-type]
            given.append(release(session, figures(session, measure, ("practice",))))
        enter(record.folder, [given[-1].entry], dt.date(2025, 8, 1))
    with Session(record, first=FIRST, until=UNTIL, every="month", threads=1) as session:
        finest = figures(session, measure, ("practice",))
    known, leaves = shown_cells(*given, replace(given[0], figures=finest, entry={"cells": []}))
    low, high = attack(known, leaves, Cell(frozenset({"P1"}), ("2025-06-01", "2025-06-30"), ()))
    assert high - low >= NEEDED


def test_a_share_is_open_only_as_far_as_there_is_room(tmp_path: Path) -> None:
    """7 of 8 beside 9 of 10: that they are 16 together would leave 6 to 8, so the 16 is withheld, not the 9."""
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n in range(1, 19)]),
        registrations=rows(
            "registrations",
            "person|practice|since",
            *[f"{n} | P{1 if n < 9 else 2} | 2020-01-01" for n in range(1, 19)],
        ),
        attendances=rows("attendances", "person|day", *[f"{n} | 2025-05-01" for n in range(1, 19)]),
        organisations=organisations(),
    )
    select = """select person, day, case when person = 1 or person = 9 then 0 else 1 end as numerator, 1 as denominator
        from attendances"""
    measure = find(write_measure(tmp_path, ratio(), select))
    with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
        shown = release(session, figures(session, measure, ("practice", "all")))
    assert {row.organisation: row.numerator for row in shown.rows} == {"P1": STAR, "P2": "10", "all": STAR}


def test_a_share_of_few_people_is_withheld(tmp_path: Path) -> None:
    """People behind a ratio decide: nine contacts of three people, none of them good; a share of three can be kept."""
    contacts = [f"{n} | 2025-05-0{day}" for n in range(1, 4) for day in (1, 2, 3)]
    contacts += [f"{n} | 2025-06-01" for n in range(4, 40)]
    record = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", *[f"{n} | 1950-01-01 | female" for n in range(1, 40)]),
        registrations=rows(
            "registrations",
            "person|practice|since",
            *[f"{n} | P{1 if n < 4 else 2} | 2020-01-01" for n in range(1, 40)],
        ),
        attendances=rows("attendances", "person|day", *contacts),
        organisations=organisations(),
    )
    select = (
        "select person, day, case when person > 30 then 1 else 0 end as numerator, 1 as denominator from attendances"
    )
    measure = find(write_measure(tmp_path, ratio(), select))
    with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
        made_release = release(session, figures(session, measure, ("practice",)))
    shown = {row.organisation: (row.numerator, row.denominator, row.rate) for row in made_release.rows}
    assert shown == {"P1": (STAR, STAR, STAR), "P2": ("10", "35", "28.6")}


def test_days_at_home_are_days_of_people(tmp_path: Path) -> None:
    """A ratio of person-days is rounded to five people for every day, and withheld where they are fewer than 8."""
    record = crowd(tmp_path / "record", 1)
    with Session(record, first=FIRST, until=UNTIL, every="month", threads=1) as session:
        found = figures(session, find("days-at-home"), ("practice",))
        made_release = release(session, found)
    assert any(row.denominator == STAR for row in made_release.rows)
    for figure, row in zip(made_release.figures.rows, made_release.rows, strict=True):
        days = figure.period.days
        for text, value in ((row.numerator, figure.numerator), (row.denominator, figure.denominator or 0)):
            assert text == STAR or int(text or 0) % (5 * days) == 0
            assert text == STAR or value == 0 or value >= 8 * days


def test_what_an_older_release_showed_is_not_shown_again(tmp_path: Path) -> None:
    """A small population in the register, from before populations were withheld, is a star from now on."""
    record = crowd(tmp_path / "record", 1)
    one = releasing_days(record, tmp_path)
    for cell in one.entry["cells"]:
        for quantity in cell[4].values():
            quantity[1] = quantity[2] = 0
    enter(record.folder, [one.entry], dt.date(2025, 8, 1))
    again = releasing_days(record, tmp_path)
    few = [
        row
        for figure, row in zip(again.figures.rows, again.rows, strict=True)
        if 0 < (figure.denominator or 0) < 8 * figure.period.days
    ]
    assert few and all((row.numerator, row.denominator) == (STAR, STAR) for row in few)


def releasing_days(record: Record, folder: Path) -> Release:
    """A release of person-days by practice."""
    measure = find(write_measure(folder, card(**PERSON_DAYS)))
    with Session(record, first=FIRST, until=UNTIL, every="whole", threads=1) as session:
        return release(session, figures(session, measure, ("practice", "all")))


@pytest.mark.parametrize("year_first", [True, False], ids=["after a whole year", "alone"])
@pytest.mark.parametrize("count", ["person-days", "people on the first day"])
def test_windows_that_move_by_days_are_refused(tmp_path: Path, year_first: bool, count: str) -> None:
    """A window a day longer would tell of the day between, whatever stands in the register already."""
    record = place(tmp_path / "record")
    measure = find(write_measure(tmp_path, card(population={"who": "registered", "count": count})))

    def window(first: dt.date, until: dt.date) -> None:
        with Session(record, first=first, until=until, every="whole", threads=1) as session:
            enter(
                record.folder, [release(session, figures(session, measure, ("practice",))).entry], dt.date(2025, 8, 1)
            )

    if year_first:
        window(FIRST, UNTIL)
    else:
        window(FIRST, dt.date(2025, 6, 9))
        window(FIRST, dt.date(2025, 6, 9))  # the same again tells nothing
        window(dt.date(2025, 7, 1), dt.date(2025, 7, 5))  # no month of the other
    for first, until in [
        (FIRST, dt.date(2025, 6, 10)),
        (FIRST, dt.date(2025, 6, 11)),
        (dt.date(2025, 6, 9), dt.date(2025, 6, 20)),
        (dt.date(2025, 6, 10), dt.date(2025, 6, 11)),
    ]:
        with pytest.raises(ReleaseRefused, match="do not begin and end with one") as refused:
            window(first, until)
        assert "2025-08-01" in str(refused.value)
    if year_first:
        window(FIRST, dt.date(2025, 6, 1))  # whole months are looked at together


def test_released_figures_are_put_in_order_by_what_is_shown(tmp_path: Path) -> None:
    """The order of exact rates would tell more than the rounded ones do."""
    made_release = releasing(place(tmp_path / "record"), tmp_path, "whole", ("practice", "network", "all"))
    for figure, row in zip(made_release.seen().rows, made_release.rows, strict=True):
        assert row.rate == STAR if figure.rate is None else row.rate == str(figure.rate)
        assert figure.lower is None or row.lower == str(figure.lower)
