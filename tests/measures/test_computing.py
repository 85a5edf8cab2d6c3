"""The frame: who counts on which day, in which period, where; the same for every measure, and against plain Python."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path
from typing import Any

import pytest

from accord.language.problem import DataRefused
from accord.measures import comparing
from accord.measures.computing import MeasureMisused, Period, Session, born_by, counted_on, periods
from accord.measures.explaining import age_on
from accord.measures.figures import Figures, figures
from accord.measures.measure import MeasureNotFound, find
from accord.record.portable import MeasureRefused
from accord.record.record import Record
from tests.measures.made import SELECT, card, made, organisations, ratio, rows, write_measure

FIRST, UNTIL = dt.date(2025, 4, 1), dt.date(2025, 7, 1)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Four people: one moves practice on 1 May, one leaves on 16 April, one was never registered."""
    return made(
        tmp_path_factory.mktemp("place") / "record",
        people=rows(
            "people",
            "person|born|sex",
            "1 | 1940-05-01 | female",
            "2 | 1990-02-28 | male",
            "3 | 2010-06-15 | male",
            "4 | 1980-01-01 | female",
        ),
        registrations=rows(
            "registrations",
            "person|practice|since|until",
            "1 | P1 | 2020-01-01 | 2025-05-01",
            "1 | P2 | 2025-05-01 | ",
            "2 | P1 | 2020-01-01 | 2025-04-16",
            "3 | P3 | 2020-01-01 | ",
        ),
        residences=rows(
            "residences", "person|area|kind|since", "1 | E1 | home | 2000-01-01", "4 | E2 | home | 2000-01-01"
        ),
        areas=rows("areas", "area|council|deprivation", "E1 | C1 | 1", "E2 | C2 | 5"),
        attendances=rows(
            "attendances",
            "person|day",
            *[f"1 | 2025-{day}" for day in ("03-31", "04-01", "04-30", "05-01", "06-30", "07-01")],
            *["2 | 2025-04-15", "2 | 2025-04-16", "3 | 2025-05-05", "4 | 2025-05-05"],
        ),
        organisations=organisations(),
    )


def computed(
    record: Record,
    folder: Path,
    written: dict[str, Any],
    by: tuple[str, ...] = ("practice",),
    strata: tuple[str, ...] = (),
    select: str = SELECT,
    every: Any = "month",
) -> Figures:
    """The figures of a measure."""
    measure = find(write_measure(folder, written, select))
    with Session(record, first=FIRST, until=UNTIL, every=every, threads=1) as session:
        return figures(session, measure, by, strata)


def counts(made: Figures) -> dict[tuple[str, ...], tuple[int, int | None]]:
    """Numerator and denominator, by organisation, month and stratum, without empty rows."""
    return {
        (row.organisation, row.period.label[5:7], *row.stratum): (row.numerator, row.denominator)
        for row in made.rows
        if row.numerator or row.denominator
    }


def test_days_and_places(record: Record, tmp_path: Path) -> None:
    """First and last day of the window count, the days beside them do not; the practice of the day has the row."""
    found = computed(record, tmp_path, card())
    assert counts(found) == {
        ("P1", "04"): (3, 2),
        ("P2", "05"): (1, 1),
        ("P2", "06"): (1, 1),
        ("P3", "04"): (0, 1),
        ("P3", "05"): (1, 1),
        ("P3", "06"): (0, 1),
    }
    assert found.outside == {"2025-04-01": 1, "2025-05-01": 1}  # after leaving; never registered


def test_person_days(record: Record, tmp_path: Path) -> None:
    """The day of leaving does not count, the day of joining does; a birthday divides a person's days between bands."""
    population = {"who": "registered", "count": "person-days"}
    found = computed(record, tmp_path, card(population=population))
    assert {key: each[1] for key, each in counts(found).items()} == {
        ("P1", "04"): 30 + 15,
        ("P2", "05"): 31,
        ("P2", "06"): 30,
        ("P3", "04"): 30,
        ("P3", "05"): 31,
        ("P3", "06"): 30,
    }
    young = computed(record, tmp_path, card(population={**population, "ages": "0-14"}))
    assert {key: each[1] for key, each in counts(young).items()} == {
        ("P3", "04"): 30,
        ("P3", "05"): 31,
        ("P3", "06"): 14,  # 15 on the 15th
    }


@pytest.mark.parametrize(
    ("population", "expected"),
    [
        ({"count": "people on the first day", "ages": "85+"}, {("P2", "05"): (1, 1), ("P2", "06"): (1, 1)}),
        ({"count": "people on the last day", "ages": "84-84"}, {("P1", "04"): (2, 1)}),
        (
            {"count": "people on 1 April", "sex": "female"},
            {
                ("P1", "04"): (2, 1),
                ("P1", "05"): (0, 1),
                ("P1", "06"): (0, 1),
                ("P2", "05"): (1, 0),
                ("P2", "06"): (1, 0),
            },
        ),
    ],
)
def test_ages_and_sex(record: Record, tmp_path: Path, population: dict[str, str], expected: dict[Any, Any]) -> None:
    """Ages and sex hold for rows on their day, and for the population on its own."""
    found = computed(record, tmp_path, card(population={"who": "registered", **population}))
    assert counts(found) == expected


@pytest.mark.parametrize(
    ("level", "expected"),
    [("network", {("N1", "05"): 1, ("N2", "05"): 1}), ("board", {("B1", "05"): 2}), ("all", {("all", "05"): 2})],
)
def test_levels(record: Record, tmp_path: Path, level: str, expected: dict[Any, int]) -> None:
    """What practices belong to."""
    found = computed(record, tmp_path, card(), (level,))
    assert {key: each[0] for key, each in counts(found).items() if key[1] == "05"} == expected


def by_network(folder: Path, *described: str) -> dict[tuple[str, ...], int]:
    """Numerators by network and month, of one person of P1 and one of P2."""
    moved = made(
        folder / "record",
        people=rows("people", "person|born|sex", "1 | 1940-05-01 | female", "2 | 1940-05-01 | female"),
        registrations=rows("registrations", "person|practice|since", "1 | P1 | 2020-01-01", "2 | P2 | 2020-01-01"),
        attendances=rows("attendances", "person|day", *[f"{n} | 2025-0{m}-20" for n in (1, 2) for m in (4, 5, 6)]),
        organisations=rows("organisations", "code|kind|within|since|until", *described),
    )
    return {key: each[0] for key, each in counts(computed(moved, folder, card(), ("network",))).items()}


def test_a_practice_belongs_where_it_is_on_the_first_day_of_a_period(tmp_path: Path) -> None:
    """Or, if it is nowhere then, where it comes next."""
    assert by_network(
        tmp_path,
        "N1 | network | | |",
        "N2 | network | | |",
        "P1 | practice | N1 | | 2025-05-02",
        "P1 | practice | N2 | 2025-05-02 |",
        "P2 | practice | N2 | 2025-05-31 |",
    ) == {
        ("N1", "04"): 1,
        ("not known", "04"): 1,
        ("N1", "05"): 1,
        ("N2", "05"): 1,
        ("N2", "06"): 2,
    }


def test_organisations_that_contradict_each_other_are_refused(tmp_path: Path) -> None:
    """As a roster refuses them: which of the two a practice belongs to would be chance."""
    with pytest.raises(DataRefused, match="organisation P1 is described twice from 2025-05-02"):
        by_network(tmp_path, "P1 | practice | N1 | |", "P1 | practice | N2 | 2025-05-02 |", "N1 | network | | |")


def test_strata(record: Record, tmp_path: Path) -> None:
    """Sex, age band and deprivation; who lives nowhere known is not known, not lost."""
    found = computed(record, tmp_path, card(), ("all",), ("sex", "age_band", "deprivation"), every="quarter")
    assert {row.stratum: (row.numerator, row.denominator) for row in found.rows} == {
        ("female", "80-84", "1"): (2, 1),
        ("female", "85-89", "1"): (2, 0),  # the birthday is on 1 May
        ("male", "35-39", "not known"): (1, 1),
        ("male", "10-14", "not known"): (1, 1),
    }


def test_who_moves_lives_in_the_new_place_on_that_day(tmp_path: Path) -> None:
    """For what happens on the day, for people on the first day of a period, and for their days."""
    moved = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", "1 | 1940-05-01 | female"),
        registrations=rows("registrations", "person|practice|since", "1 | P1 | 2020-01-01"),
        residences=rows(
            "residences",
            "person|area|kind|since|until",
            "1 | E1 | home | 2000-01-01 | 2025-05-01",
            "1 | E2 | home | 2025-05-01 | ",
        ),
        areas=rows("areas", "area|council|deprivation", "E1 | C1 | 1", "E2 | C2 | 5"),
        attendances=rows("attendances", "person|day", "1 | 2025-04-30", "1 | 2025-05-01"),
        organisations=organisations(),
    )
    for count, days in (("people on the first day", (1, 1, 1)), ("person-days", (30, 31, 30))):
        found = computed(
            moved, tmp_path, card(population={"who": "registered", "count": count}), ("all",), ("deprivation",)
        )
        assert counts(found) == {
            ("all", "04", "1"): (1, days[0]),
            ("all", "05", "5"): (1, days[1]),
            ("all", "06", "5"): (0, days[2]),
        }


def test_the_days_of_those_born_on_29_february(tmp_path: Path) -> None:
    """In a year without it, a year of age is full on 1 March: in days registered as on the day of an event."""
    born = made(
        tmp_path / "record",
        people=rows("people", "person|born|sex", "1 | 2000-02-29 | female", "2 | 2000-02-28 | female"),
        registrations=rows("registrations", "person|practice|since", "1 | P1 | 2020-01-01", "2 | P2 | 2020-01-01"),
        attendances=rows("attendances", "person|day", "1 | 2025-02-28", "1 | 2025-03-01", "2 | 2025-02-28"),
        organisations=organisations(),
    )
    population = {"who": "registered", "count": "person-days", "ages": "25+"}
    found = find(write_measure(tmp_path, card(population=population)))
    with Session(born, first=dt.date(2025, 2, 1), until=dt.date(2025, 4, 1), every="month", threads=1) as session:
        assert counts(figures(session, found, ("practice",))) == {
            ("P1", "03"): (1, 31),
            ("P2", "02"): (1, 1),
            ("P2", "03"): (0, 31),
        }


def test_residents(record: Record, tmp_path: Path) -> None:
    """A measure of residents is given by council."""
    written = card(population={"who": "resident", "count": "people on the first day"})
    found = computed(record, tmp_path, written, ("council",), every="quarter")
    assert {row.organisation: (row.numerator, row.denominator) for row in found.rows} == {"C1": (4, 1), "C2": (1, 1)}
    with pytest.raises(MeasureMisused, match="cannot be given by practice"):
        computed(record, tmp_path, written, ("practice",))


def test_excluded_rows_count_in_neither(record: Record, tmp_path: Path) -> None:
    """They are counted apart."""
    select = """select person, day, 1 as numerator, 1 as denominator,
        case when person = 1 then 'a reason' end as excluded from attendances"""
    found = computed(record, tmp_path, ratio(), ("all",), select=select, every="quarter")
    (row,) = found.rows
    assert (row.numerator, row.denominator, row.excluded) == (2, 2, 4)


@pytest.mark.parametrize("kind", ["rate", "total", "numerator", "denominator"])
def test_nothing_is_counted_fewer_than_no_times(record: Record, tmp_path: Path, kind: str) -> None:
    """A row below 0 is refused, unless it is left out for a reason, or corrects a sum of money."""
    changes: dict[str, Any] = {"population": {"who": "registered"}} if kind != "rate" else {}
    if kind == "total":
        changes |= {"kind": "total", "per": None, "denominator": None, "interval": "none"}
    written = ratio if kind.endswith("ator") else card
    below = "case when person = 1 then -1 else 1 end"
    numbers = f"1 as numerator, {below} as denominator" if kind == "denominator" else f"{below} as numerator"
    numbers += ", 1 as denominator" if kind == "numerator" else ""
    select = f"select person, day, {numbers} from attendances"
    with pytest.raises(MeasureRefused, match="of 4 rows are below 0, and nothing is counted") as refused:
        computed(record, tmp_path, written(**changes), select=select)
    assert refused.value.problems[0].place.file.endswith("falls.sql")
    for kept in (
        (select, written(**changes, suppress="money")),
        (select.replace(" from", ", case when person = 1 then 'taken back' end as excluded from"), written(**changes)),
    ):
        computed(record, tmp_path, kept[1], select=kept[0])


def test_own_practice(record: Record, tmp_path: Path) -> None:
    """Rows that say the practice themselves, as surveys do, need nobody's registration."""
    select = "select person, day, 1 as numerator, 2 as denominator, 'P9' as practice from attendances"
    found = computed(record, tmp_path, ratio(interval="none"), select=select, every="quarter")
    assert {row.organisation: (row.numerator, row.denominator) for row in found.rows} == {"P9": (8, 16)}
    with pytest.raises(MeasureRefused, match="gives the practice itself"):
        computed(record, tmp_path, ratio(population={"who": "registered", "ages": "18+"}), select=select)


@pytest.mark.parametrize(
    ("first", "until", "every", "said"),
    [
        ("2025-04-02", "2025-07-01", "month", "no month begins on 2025-04-02"),
        ("2025-05-01", "2025-08-01", "quarter", "no quarter begins"),
        ("2025-04-01", "2025-06-30", "quarter", "does not end before"),
        ("2025-01-01", "2026-01-01", "financial year", "begin on 1 April"),
        ("2025-01-01", "2025-01-01", "whole", "has no day"),
    ],
)
def test_windows_refused(first: str, until: str, every: Any, said: str) -> None:
    """A window must be made of its periods."""
    with pytest.raises(MeasureMisused, match=said):
        periods(dt.date.fromisoformat(first), dt.date.fromisoformat(until), every)


HOSTILE = [
    ("select person, day, 1 as numerator from read_csv('/etc/passwd')", "read_csv"),
    ("select person, day, 1 as numerator from '/etc/passwd'", "passwd"),
    ("select person, day, 1 as numerator from read_parquet('https://example.org/x')", "read_parquet"),
    ("copy people to '/tmp/x.csv'", "not a select"),
    ("select person, day, 1 as numerator from attendances; drop table people", "2 statements"),
    ("select person, day, 1 as numerator from attendances) select 1 --", "not SQL that can be read"),
    ("select person, day, 1 as numerator, getenv('HOME') as event from attendances", "getenv"),
    ("select person, day, 1 as numerator from duckdb_settings()", "duckdb_settings"),
    ("install httpfs", "not a select"),
    ("select person, day, 1 as numerator from members_registered", "members_registered"),
    ("select person, day from attendances", "no column numerator"),
    ("select person, day, 'x' as numerator from attendances", "numerator is text"),
    ("select person, day, 1 as numerator, 2 as colour from attendances", "colour is no column"),
    ("select person, day, 1 as numerator, 2 as denominator from attendances", "counted from the roster"),
]


@pytest.mark.parametrize(("select", "said"), HOSTILE, ids=[said for _, said in HOSTILE])
def test_selects_refused(tmp_path: Path, select: str, said: str) -> None:
    """No files, no addresses, no settings, nothing but the record; each with its place."""
    with pytest.raises(MeasureRefused) as refused:
        find(write_measure(tmp_path, card(), select))
    assert said in str(refused.value)


def test_measures_that_are_not_there(tmp_path: Path) -> None:
    """Names with the nearest; files that are missing."""
    with pytest.raises(MeasureNotFound, match="did you mean"):
        find("emergency-admission")
    with pytest.raises(MeasureNotFound, match="no such file"):
        find(tmp_path / "nothing.sql")
    path = write_measure(tmp_path, card())
    path.with_suffix(".yaml").unlink()
    with pytest.raises(MeasureNotFound, match="card of this measure is not there"):
        find(path)


STANDARDISE = {"method": "indirect", "by": ["sex", "age_band"], "ages": "0-64 65+", "standard": "own"}


def test_comparing(record: Record, tmp_path: Path) -> None:
    """An indirectly standardised rate has no order and no neighbour; with the whole it may be compared."""
    found = computed(
        record, tmp_path, card(standardise=STANDARDISE, permits="the national figure"), ("practice", "all")
    )
    with pytest.raises(comparing.ComparisonRefused, match="forbids"):
        comparing.ranked(found)
    with pytest.raises(comparing.ComparisonRefused, match="forbids"):
        comparing.against(found, "P1")
    assert {one.side for one in comparing.against(found, "all")} <= {"no clear difference", "not known"}
    free = computed(record, tmp_path, card())
    order = [row.organisation for row in comparing.ranked(free) if row.period.label == "2025-04-01"]
    assert order == ["P3", "P1"]  # lower is better


@pytest.mark.parametrize("lists", [{"members_registered": "falls@1"}, {"measured": "falls@1"}, {"people": "falls@1"}])
def test_names_that_are_taken(tmp_path: Path, lists: dict[str, str]) -> None:
    """A code list cannot stand in for a table of the record or of the frame."""
    head = "list: falls\nversion: 1\ntitle: Falls\nkind: codes\nsource: a test\nstatus: assumed\n"
    written = write_measure(
        tmp_path, card(lists=lists), SELECT, {"falls": (head, "condition,coding,code\na,snomed,1\n")}
    )
    with pytest.raises(MeasureRefused, match="name of another table already"):
        find(written)


def test_born_by() -> None:
    """Exactly those are of an age whom their full years make so, leap days too."""
    for day in (
        dt.date(2024, 2, 28),
        dt.date(2024, 2, 29),
        dt.date(2024, 3, 1),
        dt.date(2025, 2, 28),
        dt.date(2025, 3, 1),
    ):
        for born in (dt.date(2000, 2, 28) + dt.timedelta(n) for n in range(-400, 5)):
            for age in (0, 18, 23, 24, 25):
                assert (born <= born_by(day, age)) == (age_on(born, day) >= age), (day, born, age)


COUNTED = [
    # how people are counted; first and last day of the period; the day on which they are
    ("people on the first day", "2025-01-01", "2025-12-31", "2025-01-01"),
    ("people on the last day", "2025-01-01", "2025-12-31", "2025-12-31"),
    ("people on 1 April", "2025-01-01", "2025-12-31", "2025-04-01"),
    ("people on 1 April", "2025-04-01", "2025-04-30", "2025-04-01"),
    ("people on 1 April", "2025-01-01", "2025-04-01", "2025-04-01"),
    ("people on 1 April", "2025-01-01", "2025-03-31", "2024-04-01"),
    ("people on 1 April", "2024-04-01", "2026-03-31", "2025-04-01"),
]


@pytest.mark.parametrize(("count", "first", "last", "day"), COUNTED)
def test_the_day_on_which_people_are_counted(tmp_path: Path, count: str, first: str, last: str, day: str) -> None:
    """Of 1 April, the last that the period reaches, or the one before it."""
    written = find(write_measure(tmp_path, card(population={"who": "registered", "count": count}))).card
    period = Period(first, dt.date.fromisoformat(first), dt.date.fromisoformat(last), "")
    assert counted_on(written, period) == dt.date.fromisoformat(day)


# -- against plain Python ----------------------------------------------------------------------------------------------


def random_place(folder: Path, seed: int) -> tuple[Record, dict[str, Any]]:
    """Sixty people who move, are born, and attend, over half a year."""
    dice = random.Random(seed)
    start = dt.date(2025, 1, 1)
    people: dict[int, tuple[dt.date, str]] = {}
    for number in range(1, 61):
        born = dt.date(1935 + dice.randrange(91), 1, 1) + dt.timedelta(dice.randrange(365))
        people[number] = (born, dice.choice(["female", "male"]))
    spans: list[tuple[int, str, dt.date, dt.date | None]] = []
    for person, (born, _) in people.items():
        since = max(born, start + dt.timedelta(dice.randrange(-100, 150)))
        while dice.random() < 0.8:
            until = since + dt.timedelta(dice.randrange(1, 120))
            spans.append((person, dice.choice(["P1", "P2", "P3"]), since, until if dice.random() < 0.8 else None))
            if spans[-1][3] is None:
                break
            since = until + dt.timedelta(dice.randrange(0, 20))
    events = [(dice.randrange(1, 61), start + dt.timedelta(dice.randrange(0, 300))) for _ in range(400)]
    record = made(
        folder,
        people=rows("people", "person|born|sex", *[f"{n}|{born}|{sex}" for n, (born, sex) in people.items()]),
        registrations=rows(
            "registrations", "person|practice|since|until", *[f"{n}|{p}|{s}|{u or ''}" for n, p, s, u in spans]
        ),
        attendances=rows("attendances", "person|day", *[f"{n}|{day}" for n, day in events]),
        organisations=organisations(),
    )
    return record, {"people": people, "spans": spans, "events": events}


def plainly(
    place: dict[str, Any], count: str, bands: list[tuple[int, int]]
) -> dict[tuple[str, str, str, str], list[int]]:
    """The sums, day by day and person by person."""

    def band(born: dt.date, day: dt.date) -> str | None:
        age = age_on(born, day)
        return next((f"{low}-{high}" if high < 200 else f"{low}+" for low, high in bands if low <= age <= high), None)

    def where(person: int, day: dt.date) -> str | None:
        return next((p for n, p, s, u in place["spans"] if n == person and s <= day and (u is None or day < u)), None)

    out: dict[tuple[str, str, str, str], list[int]] = {}
    for person, day in place["events"]:
        practice = where(person, day)
        if FIRST <= day < UNTIL and practice:
            born, sex = place["people"][person]
            out.setdefault((practice, str(day.replace(day=1)), sex, str(band(born, day))), [0, 0])[0] += 1
    for period in periods(FIRST, UNTIL, "month"):
        days = [period.first + dt.timedelta(n) for n in range(period.days)]
        asked = {"people on the first day": days[:1], "people on the last day": days[-1:], "person-days": days}[count]
        for day in asked:
            for person, (born, sex) in place["people"].items():
                practice = where(person, day)
                if practice and band(born, day):
                    out.setdefault((practice, period.label, sex, str(band(born, day))), [0, 0])[1] += 1
    return out


BANDS = [(0, 4), (5, 17), (18, 64), (65, 10**3)]


@pytest.mark.parametrize("count", ["people on the first day", "people on the last day", "person-days"])
@pytest.mark.parametrize("seed", [1, 2])
def test_against_plain_python(tmp_path: Path, count: str, seed: int) -> None:
    """The same whole numbers, by practice, month, sex and age band."""
    record, place = random_place(tmp_path / "record", seed)
    standard = {**STANDARDISE, "ages": "0-4 5-17 18-64 65+"}
    written = card(
        population={"who": "registered", "count": count}, standardise=standard, permits="the national figure"
    )
    measure = find(write_measure(tmp_path, written))
    with Session(record, first=FIRST, until=UNTIL, every="month", threads=1) as session:
        table = session.cells(measure, ("sex", "age_band")).table.to_pylist()
    ours = {
        (row["organisation"], row["period"], row["sex"], str(row["age_band"])): [row["numerator"], row["denominator"]]
        for row in table
        if row["numerator"] or row["denominator"]
    }
    assert ours == plainly(place, count, BANDS)


@pytest.mark.long
def test_spark_gives_the_same(tmp_path: Path) -> None:
    """Every population and stratum, to the last count."""
    pytest.importorskip("pyspark")
    record, _ = random_place(tmp_path / "record", 3)
    tables: dict[str, list[Any]] = {}
    for kind in ("duckdb", "spark"):
        with Session(record, first=FIRST, until=UNTIL, every="month", threads=1, engine=kind) as session:  # type: ignore[arg-type]
            for count in ("people on the first day", "person-days"):
                measure = find(
                    write_measure(tmp_path, card(population={"who": "registered", "count": count, "ages": "5+"}))
                )
                tables.setdefault(count, []).append(session.cells(measure, ("sex", "age_band", "deprivation")).table)
    for one, other in tables.values():
        assert one.to_pylist() == other.to_pylist()
