"""Written: the linked record of one simulated world, event by event, in the tables of the record room.

What the engine counted is what the record says: measures over it give the engine's numbers. What the engine does not
know (which clinician, which code, what was answered) is drawn from the figures of ``model/place.yaml`` and the shares
of ``model/codes.csv``, in which every entry has its source or says that it is assumed. The record is written practice
by practice, so that memory stays small; the same seed gives the same bytes.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record.definition import Column, table
from accord.record.deriving import derive
from accord.record.pseudonym import KeyChain
from accord.record.record import Record, next_generation, open_record, publish
from accord.simulation.events import ATTENDANCE, ELECTIVE, EMERGENCY, KINDS, Events, events
from accord.simulation.lives import NEVER, Calendar, Chance, Lives, Places, calendar, changes, lives
from accord.simulation.model import FOLDER, Model, model
from accord.simulation.people import AGES, FRAILTY, MORBIDITY, SEXES, People
from accord.simulation.population import Population, practice_normals, value
from accord.simulation.tables import Tables, tables

MOST = 2_000_000
"""The most people that are written event by event; a larger place is aggregates."""

SOURCE = "made"
"""The data set that every row says it came from."""

LASTING = ("registrations", "residences", "social_care")
"""Tables whose rows are known without their end first."""

CODES_FILE = FOLDER / "codes.csv"

OUTPATIENT, CONSULTATION = KINDS.index("outpatient"), KINDS.index("consultations")
CONTACTS = ("outpatient", "consultations", "community", "mental_health")
"""Streams that are written down contact by contact. Social care and medicines of the record come from who is frail."""

COMMUNITY, MENTAL_HEALTH = KINDS.index("community"), KINDS.index("mental_health")

# purposes of draws; 0 is taken by lives
(
    ADMITTED, ENTERED, DISCHARGED, VISITED, SEEN, CONSULTED, OUTPATIENTS, REFERRED, COMMUNITIES, MINDS, HOMES, PLACES,
    FRAIL, COMPLEX, ELECTIVE_DAYS, REABLED, DEATHS, PLANNED, SURVEYED, REVIEWED, PRESSURES, GLUCOSE, PRESCRIBED,
) = range(1, 24)  # fmt: skip
ON_REGISTER = 64

OF_PRACTICE = 16
"""From this purpose on: standard scores of practices (see :func:`accord.simulation.population.practice_normals`)."""

CONTINUITY, PLANS, ACCESS, COORDINATION, RECORDED = range(OF_PRACTICE, OF_PRACTICE + 5)

Values = NDArray[Any]
Made = Mapping[str, "Values | pa.Array"]


# -- codes and registers -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of one use, with the chance of each at each age: ``upto`` is cumulative, ``[ages, codes]``."""

    code: tuple[str, ...]
    detail: tuple[str, ...]
    from_age: tuple[int, ...]
    upto: NDArray[np.float64]

    def drawn(self, ages: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.int64]:
        """The place of a code for each age and uniform draw."""
        return (chance[:, None] >= self.upto[ages][:, :-1]).sum(axis=1)


@cache
def codes() -> Mapping[str, Codes]:
    """The codes of ``model/codes.csv`` by use."""
    rows: dict[str, list[dict[str, str]]] = {}
    with CODES_FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["use"], []).append(row)
    found: dict[str, Codes] = {}
    ages = np.arange(AGES)
    for use, listed in rows.items():
        weight = np.array(
            [float(row["weight"]) * ((ages >= int(row["from_age"])) & (ages <= int(row["to_age"]))) for row in listed]
        ).T
        upto = np.cumsum(weight, axis=1)
        found[use] = Codes(
            tuple(row["code"] for row in listed),
            tuple(row["detail"] for row in listed),
            tuple(int(row["from_age"]) for row in listed),
            upto / np.maximum(upto[:, -1:], 1e-300),
        )
    return found


def registers(built_in: Model) -> NDArray[np.float64]:
    """Chance of being on each register ``[registers, ages, morbidity]``, so that England has the published numbers."""
    listed = codes()["register"]
    people = built_in.people[2026]
    by_morbidity = built_in.mix.reshape(*built_in.mix.shape[:2], len(MORBIDITY), len(FRAILTY)).sum(axis=3)
    there = (by_morbidity * people[:, :, None]).sum(axis=0)
    relative = np.array([0, 1, value("register_morbidity_multi"), value("register_morbidity_complex")])
    out = np.zeros((len(listed.code), AGES, len(MORBIDITY)))
    for number, (name, least) in enumerate(zip(listed.detail, listed.from_age, strict=True)):
        shape = 2.0 ** ((np.arange(AGES) - 50) / value(f"doubling_{name}"))
        odds = shape[:, None] * relative[None, :] * (np.arange(AGES) >= least)[:, None]
        low, high = -30.0, 10.0
        chance = odds
        for _ in range(60):
            scale = np.exp((low + high) / 2)
            chance = scale * odds / (1 + scale * odds)
            share = (chance * there)[least:].sum() / there[least:].sum()
            low, high = ((low + high) / 2, high) if share < value(f"register_{name}") else (low, (low + high) / 2)
        out[number] = chance
    return out


def in_care_home(age: NDArray[np.int64], frailty: NDArray[np.int64]) -> NDArray[np.float64]:
    """Chance of living in a care home, by age and level of frailty."""
    old = age >= 85
    chance = np.zeros(len(age))
    for level, name in enumerate(FRAILTY):
        if name == "fit":
            continue
        at_85 = value(f"care_home_{name}_85")
        at_65 = value(f"care_home_{name}_65") if name != "mild" else 0.0
        chance = np.where(frailty == level, np.where(old, at_85, at_65), chance)
    return np.where(age >= 65, chance, 0.0)


# -- identifiers -------------------------------------------------------------------------------------------------------


def identifiers(first: int, count: int) -> list[str]:
    """Numbers shaped as NHS numbers of the test range (999 ...), each with a wrong check digit: nobody has one.

    Raises:
        DataRefused: there are no more of them (nine million).
    """
    number = np.arange(first, first + count, dtype=np.int64)
    stem, choice = number // 9, number % 9
    if count and int(stem[-1]) >= 1_000_000:
        raise DataRefused(
            Problem(Place("size", 0, 0), "more persons than made-up identifiers", "fewer people or years")
        )
    digits = (stem[:, None] // 10 ** np.arange(5, -1, -1)) % 10
    total = 9 * (10 + 9 + 8) + (digits * np.arange(7, 1, -1)).sum(axis=1)
    check = (11 - total % 11) % 11
    wrong = choice + (choice >= check)  # never the digit that would be right; 10 is no digit
    return [f"999{one:06}{last}" for one, last in zip(stem.tolist(), wrong.tolist(), strict=True)]


def pseudonyms(seed: int, first: int, count: int) -> NDArray[np.int64]:
    """Pseudonyms of made persons, under a key that follows from the seed: there is nobody to protect."""
    key = hashlib.sha256(f"accord made place {seed}".encode()).digest()
    return np.array(KeyChain((key,)).persons(identifiers(first, count), SOURCE), np.int64)


# -- the writer --------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Writer:
    """Tables of a generation while they are written, a row group for each practice."""

    folder: Path
    known: dt.date
    rows: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    open: dict[str, pq.ParquetWriter] = field(default_factory=dict)

    def write(self, name: str, made: Made) -> None:
        """Add rows to a table; columns that are not given are missing.

        A row is known from the day on which it happened (a stay: ended), and not before the record begins. What lasts
        is known without its end first, and replaced by a version with it when that comes.
        """
        count = len(next(iter(made.values())))
        if not count:
            return
        begin = (self.known - dt.date(1970, 1, 1)).days
        happened = next((made[each] for each in ("discharged", "day", "since", "born") if each in made), None)
        known = np.full(count, begin) if happened is None else np.maximum(np.asarray(happened), begin)
        number = self.numbers.get(name, 0) + np.arange(1, count + 1)
        self.numbers[name] = self.numbers.get(name, 0) + count
        if name not in LASTING:
            self._add(name, made, number, known, np.full(count, NEVER))
            return
        until, since = np.asarray(made["until"]), np.asarray(made["since"])
        # whether somebody is at home is found out on day 91
        told = np.maximum(until, since + 91) if "outcome" in made else until
        later = np.flatnonzero((until < NEVER) & (told > known))
        first = dict(made) | {"until": np.where((until < NEVER) & (told > known), NEVER, until)}
        if "outcome" in first:
            del first["outcome"]
        ending = np.full(count, NEVER)
        ending[later] = told[later]
        self._add(name, first, number, known, ending)
        second = {
            each: values[later] if isinstance(values, np.ndarray) else values.take(pa.array(later))
            for each, values in made.items()
        }
        self._add(name, second, number[later], told[later], np.full(len(later), NEVER))

    def _add(
        self, name: str, made: Made, number: Places, known: NDArray[np.int64], replaced: NDArray[np.int64]
    ) -> None:
        """Add versions of rows, known from one day to another."""
        definition = table(name)
        count = len(number)
        if not count:
            return
        columns: list[pa.Array] = []
        schema = definition.schema()
        own: Made = {"row": number, "known_from": known, "known_until": replaced}
        for at, column in enumerate(definition.all_columns):
            kind = schema.field(at).type
            values = made.get(column.name, own.get(column.name))
            if values is not None:
                columns.append(_array(values, column, kind))
            elif column.name == "source":
                columns.append(pa.repeat(pa.scalar(SOURCE), count))
            else:
                assert not column.required or definition.of_persons == "optional", f"{name}.{column.name}"
                columns.append(pa.nulls(count, kind))
        if name not in self.open:
            (self.folder / name).mkdir()
            self.open[name] = pq.ParquetWriter(self.folder / name / "part-000000.parquet", schema, compression="zstd")
        self.open[name].write_table(pa.table(columns, schema=schema))
        self.rows[name] = self.rows.get(name, 0) + count

    def close(self) -> dict[str, object]:
        """Finish every file; what the manifest says about them."""
        described: dict[str, object] = {}
        for name, writer in self.open.items():
            writer.close()
            path = self.folder / name / "part-000000.parquet"
            with path.open("rb") as file:
                described[name] = {
                    "rows": self.rows[name],
                    "files": {path.name: hashlib.file_digest(file, "sha256").hexdigest()},
                }
        return described


def _array(values: Values | pa.Array, column: Column, kind: pa.DataType) -> pa.Array:
    if not isinstance(values, np.ndarray):
        return values.cast(kind)
    if column.type == "day":
        missing = values >= NEVER
        return pa.array(np.where(missing, 0, values).astype(np.int32), pa.int32(), mask=missing).cast(kind)
    if column.type == "number":
        return pa.array(np.round(values.astype(np.float64), 1)).cast(pa.decimal128(18, 4))
    return pa.array(values, kind)


def _named(names: Sequence[str | None], which: NDArray[np.integer]) -> pa.Array:
    """Texts by their place in a list."""
    return pa.DictionaryArray.from_arrays(pa.array(which.astype(np.int32)), pa.array(names, pa.string())).cast(
        pa.string()
    )


def _same(text: str, count: int) -> pa.Array:
    return pa.repeat(pa.scalar(text), count)


# -- one practice ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _World:
    """What is the same for every practice."""

    population: Population
    model: Model
    days: Calendar
    seed: int
    registers: NDArray[np.float64]
    areas: Mapping[tuple[str, int], tuple[str, ...]]
    elsewhere: Mapping[str, str]
    """A network of another council, for those who live there."""
    scores: Mapping[int, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class _Practice:
    """One practice while it is written."""

    world: _World
    number: int
    chance: Chance
    happened: Events
    lives: Lives
    persons: NDArray[np.int64]
    homes: NDArray[np.int64]
    """The first day of each person in a care home, or ``NEVER``."""
    stages: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
    """Persons, days and states: who they were on arrival, and each time their state changed."""
    writer: _Writer

    @property
    def code(self) -> str:
        return self.world.population.practices[self.number].code

    def of(self, kind: int) -> NDArray[np.int64]:
        """Places of the events of a kind."""
        return np.flatnonzero(self.happened.kind == kind)

    def share(self, name: str, score: int, spread: str) -> float:
        """A share as it is in this practice."""
        return float(np.clip(value(name) + value(spread) * self.world.scores[score][self.number], 0.02, 0.98))

    def write(self, name: str, persons: NDArray[np.int64] | None, made: Made) -> None:
        rows: dict[str, Values | pa.Array] = {} if persons is None else {"person": self.persons[persons]}
        self.writer.write(name, rows | dict(made))


def write(
    population: Population,
    folder: Path | str,
    years: int | None = None,
    *,
    seed: int | None = None,
    built_in: Model | None = None,
    whole: Tables | None = None,
    change: NDArray[np.uint32] | None = None,
    on_practice: Callable[[int, int], None] | None = None,
) -> Record:
    """Write the record of one world.

    Args:
        population: the place.
        folder: the record's folder; it gets a new generation.
        years: how many years; those that the place was made for, where none are given.
        seed: the chance of the world; the place's own where none is given.
        built_in: the model; the committed one where none is given.
        whole: the tables of the model, where they are at hand.
        change: multipliers ``[1, practices, years, 2 + streams]``, as of the person engine.
        on_practice: told how many practices are written, and of how many.

    Raises:
        DataRefused: the place is too large to be written event by event, or has no such years.
    """
    if population.patients > MOST:
        raise DataRefused(
            Problem(
                Place("size", 0, 0),
                f"a place of {population.patients:,} people is not written event by event",
                f"up to {MOST:,} people; for more, leave the record out: aggregates are made for any size",
            )
        )
    years = population.years if years is None else years
    if not 1 <= years <= population.years:
        raise DataRefused(
            Problem(
                Place("years", 0, 0), f"births are made for {population.years} years, not {years}", "make it longer"
            )
        )
    built_in = built_in or model()
    whole = whole or tables(built_in)
    world = _world(population, built_in, years, population.seed if seed is None else seed)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    generation, unfinished = next_generation(folder)
    try:
        writer = _Writer(unfinished, population.start)
        _write_structure(world, writer)
        written = 0
        for number in range(len(population.practices)):
            written += _write_practice(world, number, whole, change, written, writer)
            if on_practice:
                on_practice(number + 1, len(population.practices))
        described = writer.close()
        made = {"size": population.patients, "seed": world.seed, "years": years, "start": str(population.start)}
        manifest: dict[str, object] = {"tables": described, "loads": [], "made": made}
        manifest["derived"] = derive(Record(folder, unfinished, manifest))
        for path in sorted(unfinished.glob("*/*.parquet")):
            if path.parent.name not in described:
                described[path.parent.name] = _in_order(path)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    publish(folder, unfinished, generation, manifest)
    return open_record(folder)


def _in_order(path: Path) -> dict[str, object]:
    """Write a derived table again with its rows in order (an engine gives them in any), and describe it."""
    order = [(name, "ascending") for name in table(path.parent.name).unique]
    rows = pq.read_table(path).sort_by(order)
    pq.write_table(rows, path, compression="zstd")
    return {"rows": rows.num_rows, "files": {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}}


def _world(population: Population, built_in: Model, years: int, seed: int) -> _World:
    areas: dict[tuple[str, int], list[str]] = {}
    council: dict[str, str] = {}
    for area in population.areas:
        areas.setdefault((area.network, area.fifth), []).append(area.code)
        council[area.network] = area.council
    networks = list(council)
    elsewhere: dict[str, str] = {}
    for at, network in enumerate(networks):
        following = (*networks[at + 1 :], *networks[:at])
        other = next((one for one in following if council[one] != council[network]), None)
        if other:
            elsewhere[network] = other
    count = len(population.practices)
    return _World(
        population,
        built_in,
        calendar(population.start, years),
        seed,
        registers(built_in),
        {key: tuple(listed) for key, listed in areas.items()},
        elsewhere,
        {one: practice_normals(count, population.seed, one) for one in range(OF_PRACTICE, RECORDED + 1)},
    )


def _write_structure(world: _World, writer: _Writer) -> None:
    organisations = world.population.organisations
    writer.write(
        "organisations",
        {
            "code": pa.array([one.code for one in organisations]),
            "kind": pa.array([one.kind for one in organisations]),
            "name": pa.array([one.name for one in organisations]),
            "within": pa.array([one.within for one in organisations], pa.string()),
        },
    )
    areas = world.population.areas
    writer.write(
        "areas",
        {
            "area": pa.array([one.code for one in areas]),
            "council": pa.array([one.council for one in areas]),
            "board": pa.array([one.board for one in areas]),
            "deprivation": np.array([one.fifth for one in areas]),
        },
    )


def _write_practice(
    world: _World, number: int, whole: Tables, change: NDArray[np.uint32] | None, written: int, writer: _Writer
) -> int:
    people, days = world.population.people, world.days
    first, last = int(people.offsets[number]), int(people.offsets[number + 1])
    here = slice(first, last)
    alone = People(
        np.array([0, last - first]), people.months[here], people.cell[here], people.state[here], people.burden[here]
    )
    happened = events(
        alone,
        whole,
        days.years,
        world.seed,
        None if change is None else np.ascontiguousarray(change[:, number : number + 1]),
        first_person=first,
        first_practice=number,
        frequent_ones=CONTACTS,
    )
    chance = Chance(number, world.seed)
    draws = chance.uniform(ELECTIVE_DAYS, np.arange(len(happened)))
    inpatient = (happened.kind == ELECTIVE) & (draws[:, 0] >= value("day_case"))
    nights = 1 + (-np.log(draws[:, 1]) * (value("elective_stay") - 1)).astype(np.int64)
    stays = np.where(inpatient, np.minimum(nights, 60), happened.stay.astype(np.int64))
    lived = lives(
        alone,
        happened,
        days,
        chance,
        moves=world.model.value("moves"),
        stays=stays,
        hospital_death=value("died_in_hospital"),
    )
    changed = np.flatnonzero(changes(happened))
    everybody = np.arange(len(lived))
    stages = (
        np.concatenate([everybody, lived.person[changed]]),
        np.concatenate([lived.arrived, lived.day[changed]]),
        np.concatenate([lived.state, happened.state[changed].astype(np.int64)]),
    )
    homes = np.full(len(lived), NEVER)
    draw = chance.uniform(HOMES, everybody)
    moving = draw[stages[0], 0] < in_care_home(lived.age(stages[0], stages[1]), stages[2] % len(FRAILTY))
    np.minimum.at(homes, stages[0][moving], stages[1][moving])
    # who was in one already has been for up to three years
    since = homes - (draw[:, 1] * 3 * 365).astype(np.int64)
    homes = np.where(lived.here & (homes == days.begin), np.maximum(since, lived.since), homes)
    practice = _Practice(
        world,
        number,
        chance,
        happened,
        lived,
        pseudonyms(world.seed, written, len(lived)),
        homes,
        stages,
        writer,
    )
    for part in PARTS:
        part(practice)
    return len(lived)


# -- people, where they live, how they die -----------------------------------------------------------------------------


def _write_people(practice: _Practice) -> None:
    lived, world = practice.lives, practice.world
    everybody = np.arange(len(lived))
    practice.write("people", everybody, {"born": lived.born, "sex": _named(SEXES, lived.sex)})
    registered: Made = {
        "practice": _same(practice.code, len(lived)),
        "since": lived.since,
        "until": lived.until,
    }
    practice.write("registrations", everybody, registered)
    # areas
    network = world.population.practices[practice.number].network
    draw = practice.chance.uniform(PLACES, everybody)
    names: list[str] = []
    place = np.zeros(len(lived), np.int64)
    for fifth in range(1, 6):
        for away in (False, True):
            there = world.elsewhere.get(network) if away else network
            listed = world.areas.get((there, fifth)) if there else None
            share = draw[:, 1] < value("lives_elsewhere")
            who = (lived.fifth == fifth) & (share == away)
            if listed is None:
                listed = world.areas[network, fifth]
            place[who] = len(names) + (draw[who, 0] * len(listed)).astype(np.int64)
            names += listed
    area = _named(names, place)
    home = np.flatnonzero(practice.homes > lived.since)
    moved_in = np.flatnonzero(practice.homes < lived.last)
    kinds = (draw[:, 2] < value("care_home_nursing")).astype(np.int64)
    practice.write(
        "residences",
        np.concatenate([home, moved_in]),
        {
            "area": pa.concat_arrays([area.take(pa.array(home)), area.take(pa.array(moved_in))]),
            "kind": pa.concat_arrays(
                [_same("home", len(home)), _named(("residential home", "nursing home"), kinds[moved_in])]
            ),
            "since": np.concatenate([lived.since[home], practice.homes[moved_in]]),
            "until": np.concatenate([np.minimum(practice.homes, lived.until)[home], lived.until[moved_in]]),
        },
    )
    # places that the council arranges
    arranged = moved_in[draw[moved_in, 3] < value("care_home_council")]
    practice.write(
        "social_care",
        arranged,
        {
            "since": practice.homes[arranged],
            "until": np.where(lived.last[arranged] < NEVER, lived.last[arranged], NEVER),
            "council": _same(world.population.practices[practice.number].council, len(arranged)),
            "kind": _named(("residential", "nursing"), kinds[arranged]),
            "permanent": np.ones(len(arranged), bool),
            "after_hospital": np.zeros(len(arranged), bool),
        },
    )


def _write_deaths(practice: _Practice) -> None:
    lived = practice.lives
    dead = np.flatnonzero(lived.died < NEVER)
    in_hospital = np.zeros(len(lived), bool)
    in_hospital[lived.person[lived.died_in]] = True
    listed = codes()["death_place"]
    draw = practice.chance.uniform(DEATHS, dead)
    which = listed.drawn(np.zeros(len(dead), np.int64), draw[:, 0])
    names = (*listed.code, "hospital")
    at_home, in_home = listed.code.index("home"), listed.code.index("care home")
    resident = practice.homes[dead] <= lived.died[dead]
    which = np.where(resident & (which == at_home), in_home, which)
    which = np.where(~resident & (which == in_home), at_home, which)
    which = np.where(in_hospital[dead], len(listed.code), which)
    practice.write("deaths", dead, {"day": lived.died[dead], "place": _named(names, which)})


# -- hospital ----------------------------------------------------------------------------------------------------------


def _matched(practice: _Practice) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Attendances that led to an admission, and those admissions: the first of each in a person's month, and so on."""
    happened = practice.happened

    def ranked(which: NDArray[np.int64]) -> NDArray[np.int64]:
        """A key of person, month and rank within it."""
        key = happened.person[which] * 4096 + happened.month[which]
        order = np.argsort(key, kind="stable")
        rank = np.empty(len(key), np.int64)
        begins = np.concatenate([[True], np.diff(key[order]) != 0]) if len(key) else np.zeros(0, bool)
        starts = np.maximum.accumulate(np.where(begins, np.arange(len(key)), 0))
        rank[order] = np.arange(len(key)) - starts
        return key * 64 + np.minimum(rank, 63)

    attended, admitted = practice.of(ATTENDANCE), practice.of(EMERGENCY)
    _, first, second = np.intersect1d(ranked(attended), ranked(admitted), return_indices=True)
    return attended[first], admitted[second]


def _write_hospital(practice: _Practice) -> None:
    happened, lived, chance = practice.happened, practice.lives, practice.chance
    provider = practice.world.population.practices[practice.number].hospital
    visits, led_to = _matched(practice)
    # attendances
    attended = practice.of(ATTENDANCE)
    day = lived.day.copy()
    day[visits] = lived.day[led_to]
    admitted = np.zeros(len(happened), bool)
    admitted[visits] = True
    led = admitted[attended]
    draw, more = chance.uniform(VISITED, attended), chance.uniform(SEEN, attended)
    listed = codes()["disposal"]
    disposal = np.where(led, len(listed.code), listed.drawn(np.zeros(len(attended), np.int64), draw[:, 3]))
    practice.write(
        "attendances",
        lived.person[attended],
        {
            "day": day[attended],
            "provider": _same(provider, len(attended)),
            "department": _named(("1", "3"), np.where(led | (draw[:, 0] < value("major_department")), 0, 1)),
            "visit": _same("first", len(attended)),
            "arrival": _named(
                ("ambulance", "other"), np.where(draw[:, 1] < np.where(led, 0.6, 0.8) * value("ambulance") * 1.4, 0, 1)
            ),
            "investigated": led | (draw[:, 2] < value("investigated")),
            "treated": led | (more[:, 0] < value("treated")),
            "disposal": _named((*listed.code, "admitted"), disposal),
        },
    )
    # stays
    stays = np.flatnonzero((happened.kind == EMERGENCY) | (happened.kind == ELECTIVE))
    who = lived.person[stays]
    since, until = lived.day[stays], lived.until_day[stays]
    ages = lived.age(who, since)
    draw, entry, leaving = (chance.uniform(purpose, stays) for purpose in (ADMITTED, ENTERED, DISCHARGED))
    urgent = happened.kind[stays] == EMERGENCY
    chronic = happened.chronic[stays]
    texts: list[str] = []
    code = np.zeros(len(stays), np.int64)
    for use, which in (("chronic", urgent & chronic), ("emergency", urgent & ~chronic), ("elective", ~urgent)):
        one = codes()[use]
        code[which] = len(texts) + one.drawn(ages[which], draw[which, 0])
        second = one.detail if use == "emergency" else ("",) * len(one.code)
        texts += [f"{first} {then}".strip() for first, then in zip(one.code, second, strict=True)]
    elective = codes()["elective"]
    first_elective = len(codes()["chronic"].code) + len(codes()["emergency"].code)
    operations = np.where(urgent, len(elective.code), code - first_elective)
    method, special = codes()["method"], codes()["specialty"]
    via = np.isin(stays, led_to)
    by = np.where(via, len(method.code), method.drawn(np.zeros(len(stays), np.int64), entry[:, 0]))
    by = np.where(urgent, by, len(method.code) + 1)
    specialty = special.drawn(ages, entry[:, 1])
    of_elective = tuple(detail.split()[1] for detail in elective.detail)
    specialties = (*special.code, *of_elective)
    specialty = np.where(urgent, specialty, len(special.code) + np.minimum(operations, len(elective.code) - 1))
    resident = practice.homes[who] <= since
    died = lived.died_in[stays]
    length = until - since
    late = (length >= 2) & urgent & ~died & (leaving[:, 0] < value("delayed"))
    waited = 1 + (-np.log(leaving[:, 1]) * (value("delayed_days") - 1)).astype(np.int64)
    ready = np.where(late, until - np.minimum(waited, length - 1), until)
    practice.write(
        "episodes",
        who,
        {
            "spell": (practice.number + 1) * 10**9 + stays,
            "episode": np.ones(len(stays), np.int64),
            "since": since,
            "until": until,
            "admitted": since,
            "discharged": until,
            "provider": _same(provider, len(stays)),
            "admission_method": _named((*method.code, "21", "11"), by),
            "admission_source": _named(("19", "85"), resident.astype(np.int64)),
            "patient_class": _named(("1", "2"), (~urgent & (length == 0)).astype(np.int64)),
            "episode_type": _same("1", len(stays)),
            "discharge_method": _named(("1", "4"), died.astype(np.int64)),
            "discharge_destination": _named(("19", "85", "79"), np.where(died, 2, resident.astype(np.int64))),
            "ready": np.where(died, NEVER, ready),
            "main_specialty": _named(specialties, specialty),
            "treatment_function": _named(specialties, specialty),
            "diagnoses": _named(texts, code),
            "procedures": _named((*(detail.split()[0] for detail in elective.detail), None), operations),
            "cost": happened.cost[stays],
        },
    )
    _write_reablement(practice, stays[urgent & ~died])


def _write_reablement(practice: _Practice, stays: NDArray[np.int64]) -> None:
    lived = practice.lives
    who, since = lived.person[stays], lived.until_day[stays]
    draw = practice.chance.uniform(REABLED, stays)
    chosen = (lived.age(who, since) >= 65) & (practice.homes[who] > since) & (draw[:, 0] < value("reablement"))
    chosen &= since < np.minimum(lived.last[who], practice.world.days.end)
    who, since, draw = who[chosen], since[chosen], draw[chosen]
    last = lived.last[who]
    died = lived.died[who] <= since + 91
    names = ("died", "at home", "in hospital", "care home", "not contacted")
    other = 2 + (draw[:, 2] * 3).astype(np.int64)
    outcome = np.where(died, 0, np.where(draw[:, 1] < value("reablement_home"), 1, other))
    practice.write(
        "social_care",
        who,
        {
            "since": since,
            "until": np.minimum(since + int(value("reablement_days")), last),
            "council": _same(practice.world.population.practices[practice.number].council, len(who)),
            "kind": _same("reablement", len(who)),
            "after_hospital": np.ones(len(who), bool),
            "permanent": np.zeros(len(who), bool),
            "outcome": _named(names, outcome),
        },
    )


def _write_outpatients(practice: _Practice) -> None:
    lived = practice.lives
    seen = practice.of(OUTPATIENT)
    who, day = lived.person[seen], lived.day[seen]
    draw, asked = practice.chance.uniform(OUTPATIENTS, seen), practice.chance.uniform(REFERRED, seen)
    listed = codes()["outpatient"]
    specialty = listed.drawn(lived.age(who, day), draw[:, 0])
    first = draw[:, 1] < value("first_outpatient")
    by_practice = first & (draw[:, 2] < value("referred_by_practice"))
    practice.write(
        "outpatients",
        who,
        {
            "day": day,
            "provider": _same(practice.world.population.practices[practice.number].hospital, len(seen)),
            "specialty": _named(listed.code, specialty),
            "attended": _same("attended", len(seen)),
            "first": first,
            "referred_by": _named((None, "03"), by_practice.astype(np.int64)),
        },
    )
    # referrals, and advice asked, some weeks before; by the practice where the person then was registered
    mean = value("wait_weeks") * 7
    wait = (-np.log(asked[:, 0]) * mean).astype(np.int64)
    urgent = asked[:, 1] < value("two_week_wait")
    referred = day - np.where(urgent, np.minimum(wait, 14), wait)
    known = by_practice & (referred >= lived.since[who])
    advised = known & (asked[:, 2] < value("advice_per_referral"))
    rows = np.concatenate([np.flatnonzero(known), np.flatnonzero(advised)])
    kinds = np.concatenate([np.zeros(int(known.sum()), np.int64), np.ones(int(advised.sum()), np.int64)])
    before = np.maximum(referred - 7, lived.since[who])
    practice.write(
        "referrals",
        who[rows],
        {
            "day": np.where(kinds == 1, before[rows], referred[rows]),
            "practice": _same(practice.code, len(rows)),
            "kind": _named(("referral", "advice"), kinds),
            "specialty": _named(listed.code, specialty[rows]),
            "priority": _named(("routine", "two week wait"), (urgent[rows] & (kinds == 0)).astype(np.int64)),
            "outcome": _named(("accepted", "converted"), kinds),
        },
    )


def _write_contacts(practice: _Practice) -> None:
    lived = practice.lives
    belongs = practice.world.population.practices[practice.number]
    for name, kind, purpose, provider in (
        ("community", COMMUNITY, COMMUNITIES, belongs.community),
        ("mental_health", MENTAL_HEALTH, MINDS, belongs.mental_health),
    ):
        met = practice.of(kind)
        who, day = lived.person[met], lived.day[met]
        draw = practice.chance.uniform(purpose, met)
        listed = codes()[name]
        practice.write(
            f"{name}_contacts",
            who,
            {
                "day": day,
                "provider": _same(provider, len(met)),
                "service": _named(listed.code, listed.drawn(lived.age(who, day), draw[:, 0])),
                "attended": _same("attended", len(met)),
                "minutes": 15 + (draw[:, 1] * 45).astype(np.int64),
            },
        )


# -- general practice --------------------------------------------------------------------------------------------------


def _write_consultations(practice: _Practice) -> None:
    lived = practice.lives
    seen = practice.of(CONSULTATION)
    who, day = lived.person[seen], lived.day[seen]
    draw, more = practice.chance.uniform(CONSULTED, seen), practice.chance.uniform(CONSULTED + 32, seen)
    usual = practice.chance.uniform(FRAIL + 32, np.arange(len(lived)))
    patients = practice.world.population.practices[practice.number].patients
    roles = ("gp", "nurse", "other")
    role = np.where(draw[:, 0] < value("seen_by_gp"), 0, np.where(draw[:, 0] > 1 - value("seen_by_other"), 2, 1))
    share = practice.share("usual_clinician", CONTINUITY, "usual_clinician_spread")
    names: list[str] = []
    clinician = np.zeros(len(seen), np.int64)
    for number, each in enumerate(("people_per_gp", "people_per_nurse", "people_per_nurse")):
        there = max(1, round(patients / value(each)))
        own, other = (usual[who, number] * there).astype(np.int64), (draw[:, 2] * there).astype(np.int64)
        here = role == number
        clinician[here] = len(names) + np.where(draw[:, 1] < share, own, other)[here]
        names += [f"{practice.code}-{'GNO'[number]}{i + 1}" for i in range(there)]
    at_home = np.where(practice.homes[who] <= day, 0.5, value("home_visit"))
    modes = ("face to face", "telephone", "online", "home visit")
    far = value("telephone")
    mode = np.where(draw[:, 3] < far, 1, np.where(draw[:, 3] < far + value("online"), 2, 0))
    mode = np.where(more[:, 0] < at_home, 3, mode)
    practice.write(
        "consultations",
        who,
        {
            "day": day,
            "practice": _same(practice.code, len(seen)),
            "clinician": _named(names, clinician),
            "role": _named(roles, role),
            "mode": _named(modes, mode),
            "minutes": np.maximum(1, np.round(value("minutes") * (0.5 + more[:, 1]))).astype(np.int64),
        },
    )


def _on_registers(practice: _Practice) -> dict[str, NDArray[np.int64]]:
    """For each register, the day on which each person came onto it, or ``NEVER``; a graver state may bring more."""
    lived = practice.lives
    who, day, state = practice.stages
    age, morbidity = lived.age(who, day), state // len(FRAILTY)
    everybody = np.arange(len(lived))
    found: dict[str, NDArray[np.int64]] = {}
    listed = codes()["register"]
    for number, name in enumerate(listed.detail):
        own, ago, _, _ = practice.chance.uniform(ON_REGISTER + number, everybody).T
        has = own[who] < practice.world.registers[number][age, morbidity]
        since = np.full(len(lived), NEVER)
        np.minimum.at(since, who[has], day[has])
        # what was there on arrival has been there for some years
        old = since == lived.arrived
        years = -np.log(ago) * 6 * 365
        earliest = np.minimum(lived.born + listed.from_age[number] * 366, lived.arrived)
        since = np.where(old, np.maximum(lived.arrived - years.astype(np.int64), earliest), since)
        found[name] = since
    return found


def _write_conditions(practice: _Practice) -> None:
    lived, chance = practice.lives, practice.chance
    found = _on_registers(practice)
    listed = codes()["register"]
    who, day, state = practice.stages
    frail = state % len(FRAILTY)
    needs = (state // len(FRAILTY) == len(MORBIDITY) - 1) & (frail >= FRAILTY.index("moderate"))
    complex_since = np.full(len(lived), NEVER)
    np.minimum.at(complex_since, who[needs], day[needs])
    draw = chance.uniform(COMPLEX, np.arange(len(lived)))
    known = lived.here & (complex_since == practice.world.days.begin)
    earlier = complex_since - (draw[:, 0] * 730).astype(np.int64)
    complex_since = np.where(known, np.maximum(earlier, lived.born), complex_since)
    persons = [np.flatnonzero(since < NEVER) for since in (*found.values(), complex_since)]
    names = (*listed.code, "COMPLEX-NEEDS")
    which = np.concatenate([np.full(len(those), number) for number, those in enumerate(persons)])
    practice.write(
        "conditions",
        np.concatenate(persons),
        {
            "since": np.concatenate(
                [since[those] for since, those in zip((*found.values(), complex_since), persons, strict=True)]
            ),
            "coding": _named(("cluster", "local"), (which == len(listed.code)).astype(np.int64)),
            "code": _named(names, which),
            "practice": _same(practice.code, len(which)),
        },
    )
    _write_observations(practice, found)
    _write_prescriptions(practice, found)
    _write_plans(practice, complex_since)


def _years(practice: _Practice) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
    """Each year with the first day and the number of days on which each person is there (0: not at all)."""
    lived, days = practice.lives, practice.world.days
    for year in range(days.years):
        first = np.maximum(lived.since, days.first[12 * year])
        last = np.minimum(lived.last, days.first[12 * year + 12])
        yield year, first, np.maximum(last - first, 0)


def _write_observations(practice: _Practice, found: Mapping[str, NDArray[np.int64]]) -> None:
    lived, chance = practice.lives, practice.chance
    persons: list[NDArray[np.int64]] = []
    on: list[NDArray[np.int64]] = []
    codings: list[str] = []
    values: list[NDArray[np.float64]] = []
    units: list[str | None] = []

    def add(who: NDArray[np.int64], day: NDArray[np.int64], code: str, amount: Any = None, unit: str | None = None):
        persons.append(who)
        on.append(day)
        codings.append(code)
        values.append(np.full(len(who), np.nan) if amount is None else amount)
        units.append(unit)

    # frailty, on arrival and whenever it gets worse
    who, day, state = practice.stages
    draw = chance.uniform(FRAIL, np.arange(len(lived)))
    frail = state % len(FRAILTY)
    first = np.arange(len(who)) < len(lived)
    earlier = np.maximum(day - (draw[who, 0] * 365).astype(np.int64), lived.since[who])
    when = np.where(first & lived.here[who], earlier, day)
    for level, code in ((1, "MILDFRAIL_COD"), (2, "MODFRAIL_COD"), (3, "SEVFRAIL_COD")):
        these = np.flatnonzero((frail == level) & (day < lived.last[who]))
        add(who[these], when[these], code)
    share = practice.share("recorded", RECORDED, "recorded_spread")
    pressed = np.minimum.reduce([found[name] for name in ("hyp", "chd", "dm", "stia", "ckd")])
    everybody = np.arange(len(lived))
    own = chance.uniform(PRESSURES, everybody)
    for year, begin, length in _years(practice):
        numbers = everybody + (year + 1) * (1 << 32)

        def within(
            since: NDArray[np.int64],
            draws: NDArray[np.float64],
            begin: NDArray[np.int64] = begin,
            length: NDArray[np.int64] = length,
        ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            """Who is on a register this year, and a day of theirs on it, within the year."""
            start = np.maximum(begin, since)
            left = begin + length - start
            these = np.flatnonzero((left > 0) & (length > 0))
            return these, start[these] + (draws[these] * left[these]).astype(np.int64)

        draw, more = chance.uniform(PRESSURES, numbers), chance.uniform(GLUCOSE, numbers)
        these, day = within(pressed, draw[:, 1])
        kept = draw[these, 0] < share
        these, day = these[kept], day[kept]
        for code, name, at in (("SYSBP_COD", "systolic", 2), ("DIASBP_COD", "diastolic", 3)):
            score = 0.7 * _normal(own[these, at]) + 0.714 * _normal(draw[these, at])
            add(these, day, code, np.round(value(name) + value(f"{name}_spread") * score), "mmHg")
        these, day = within(found["dm"], more[:, 1])
        kept = more[these, 0] < share
        score = 0.7 * _normal(own[these, 0]) + 0.714 * _normal(more[these, 2])
        amount = np.maximum(20, np.round(value("hba1c") + value("hba1c_spread") * score))
        add(these[kept], day[kept], "IFCCHBAM_COD", amount[kept], "mmol/mol")
        for use, chosen in (("review", share), ("declined", value("declined"))):
            listed = codes()[use]
            for number, (code, register) in enumerate(zip(listed.code, listed.detail, strict=True)):
                draw = chance.uniform(REVIEWED + 256 * (number + 1) + (4096 if use == "declined" else 0), numbers)
                these, day = within(found[register], draw[:, 1])
                kept = draw[these, 0] < chosen
                add(these[kept], day[kept], code)
    counts = np.array([len(each) for each in persons])
    amounts = np.concatenate(values)
    practice.write(
        "observations",
        np.concatenate(persons),
        {
            "day": np.concatenate(on),
            "coding": _same("cluster", int(counts.sum())),
            "code": _named(codings, np.repeat(np.arange(len(codings)), counts)),
            "value": pa.array(amounts, mask=np.isnan(amounts)).cast(pa.decimal128(18, 4)),
            "unit": _named(units, np.repeat(np.arange(len(units)), counts)),
            "practice": _same(practice.code, int(counts.sum())),
        },
    )


def _normal(uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy import special

    return special.ndtri(uniform)


def _write_prescriptions(practice: _Practice, found: Mapping[str, NDArray[np.int64]]) -> None:
    lived, days = practice.lives, practice.world.days
    listed, every = codes()["medicine"], int(value("prescribed_every"))
    who_all: list[NDArray[np.int64]] = []
    day_all: list[NDArray[np.int64]] = []
    counts: list[int] = []
    draw = practice.chance.uniform(PRESCRIBED, np.arange(len(lived)))
    for register in listed.detail:
        start = np.maximum(np.maximum(found[register], lived.since), days.begin)
        start = start + (draw[:, 0] * every).astype(np.int64)
        last = np.minimum(lived.last, days.end)
        times = np.where(found[register] < NEVER, np.maximum(0, -(-(last - start) // every)), 0)
        who = np.repeat(np.arange(len(lived)), times)
        rank = np.arange(len(who)) - np.repeat(np.cumsum(times) - times, times)
        who_all.append(who)
        day_all.append(start[who] + rank * every)
        counts.append(len(who))
    practice.write(
        "prescriptions",
        np.concatenate(who_all),
        {
            "day": np.concatenate(day_all),
            "practice": _same(practice.code, sum(counts)),
            "coding": _same("bnf", sum(counts)),
            "code": _named(listed.code, np.repeat(np.arange(len(counts)), counts)),
        },
    )


def _write_plans(practice: _Practice, complex_since: NDArray[np.int64]) -> None:
    lived, chance = practice.lives, practice.chance
    share = practice.share("plan_made", PLANS, "plan_spread")
    planned = np.zeros(len(lived), bool)
    for year, begin, length in _years(practice):
        draw = chance.uniform(PLANNED, np.arange(len(lived)) + (year + 1) * (1 << 32))
        start = np.maximum(begin, complex_since)
        left = begin + length - start
        these = np.flatnonzero((left > 0) & (length > 0) & (draw[:, 0] < share))
        practice.write(
            "care_plans",
            these,
            {
                "day": start[these] + (draw[these, 1] * left[these]).astype(np.int64),
                "kind": _named(("made", "reviewed"), planned[these].astype(np.int64)),
                "shared": draw[these, 2] < value("plan_shared"),
                "joint": draw[these, 3] < value("plan_joint"),
                "practice": _same(practice.code, len(these)),
            },
        )
        planned[these] = True


def _write_surveys(practice: _Practice) -> None:
    days = practice.world.days
    count = round(value("answers"))
    for year in range(days.years):
        first, last = days.first[12 * year], days.first[12 * year + 12]
        draw = practice.chance.uniform(SURVEYED, np.arange(count) + (year + 1) * (1 << 32))
        day = first + (draw[:, 0] * (last - first)).astype(np.int64)
        for question, use, score, at in (("ACCESS", "access", ACCESS, 1), ("Q32", "coordination", COORDINATION, 2)):
            good = practice.share(f"good_{use}", score, "survey_spread")
            listed = codes()[use]
            fine = np.array([detail == "good" for detail in listed.detail])
            liked = draw[:, at] < good
            within = np.where(liked, draw[:, at] / good, (draw[:, at] - good) / (1 - good))
            places = [np.flatnonzero(~fine), np.flatnonzero(fine)]
            answer = np.where(
                liked,
                places[1][(within * len(places[1])).astype(np.int64)],
                places[0][(within * len(places[0])).astype(np.int64)],
            )
            practice.write(
                "surveys",
                None,
                {
                    "day": day,
                    "practice": _same(practice.code, count),
                    "survey": _same("made", count),
                    "question": _same(question, count),
                    "answer": _named(listed.code, answer),
                },
            )


def _write_home_care(practice: _Practice) -> None:
    lived = practice.lives
    who, day, state = practice.stages
    draw = practice.chance.uniform(HOMES + 32, np.arange(len(lived)))
    frail = state % len(FRAILTY)
    chance = np.where(frail == 3, value("home_care_severe"), np.where(frail == 2, value("home_care_moderate"), 0.0))
    chosen = (draw[who, 0] < chance) & (lived.age(who, day) >= 65) & (day < practice.homes[who])
    since = np.full(len(lived), NEVER)
    np.minimum.at(since, who[chosen], day[chosen])
    until = np.minimum(lived.last, practice.homes)
    these = np.flatnonzero(since < until)
    practice.write(
        "social_care",
        these,
        {
            "since": since[these],
            "until": until[these],
            "council": _same(practice.world.population.practices[practice.number].council, len(these)),
            "kind": _same("home care", len(these)),
            "after_hospital": np.zeros(len(these), bool),
            "permanent": np.zeros(len(these), bool),
        },
    )


PARTS: tuple[Callable[[_Practice], None], ...] = (
    _write_people,
    _write_deaths,
    _write_hospital,
    _write_outpatients,
    _write_contacts,
    _write_consultations,
    _write_conditions,
    _write_surveys,
    _write_home_care,
)
"""What is written of a practice, in this order."""
