"""Written: the linked record of one simulated world, event by event, in the tables of the record room.

What the engine counted is what the record says: measures over it give the engine's numbers. What the engine does not
know (which clinician, which code, what was answered) is drawn from the figures of ``model/place.yaml`` and the shares
of ``model/codes.csv``, in which every entry has its source or says that it is assumed. The record is written practice
by practice, so that memory stays small; the same seed gives the same bytes.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record.definition import table
from accord.record.deriving import derive
from accord.record.record import Record, next_generation, open_record, publish
from accord.simulation.chapters.codes import in_care_home, registers
from accord.simulation.chapters.general_practice import write_conditions, write_consultations
from accord.simulation.chapters.hospital import write_contacts, write_hospital, write_outpatients
from accord.simulation.chapters.people import write_deaths, write_people
from accord.simulation.chapters.plans import write_surveys
from accord.simulation.chapters.practice import CONTACTS, ELECTIVE_DAYS, HOMES, OF_PRACTICE, RECORDED, Practice, World
from accord.simulation.chapters.social_care import write_home_care
from accord.simulation.chapters.writer import Writer, pseudonyms
from accord.simulation.events import ELECTIVE, events
from accord.simulation.lives import NEVER, Chance, calendar, changes, lives
from accord.simulation.model import Model, model
from accord.simulation.people import FRAILTY, People
from accord.simulation.population import Population, practice_normals, value
from accord.simulation.tables import Tables, tables

MOST = 2_000_000
"""The most people that are written event by event; a larger place is aggregates."""


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
        writer = Writer(unfinished, population.start)
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


def _world(population: Population, built_in: Model, years: int, seed: int) -> World:
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
    return World(
        population,
        built_in,
        calendar(population.start, years),
        seed,
        registers(built_in),
        {key: tuple(listed) for key, listed in areas.items()},
        elsewhere,
        {one: practice_normals(count, population.seed, one) for one in range(OF_PRACTICE, RECORDED + 1)},
    )


def _write_structure(world: World, writer: Writer) -> None:
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
    world: World, number: int, whole: Tables, change: NDArray[np.uint32] | None, written: int, writer: Writer
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
    practice = Practice(
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


PARTS: tuple[Callable[[Practice], None], ...] = (
    write_people,
    write_deaths,
    write_hospital,
    write_outpatients,
    write_contacts,
    write_consultations,
    write_conditions,
    write_surveys,
    write_home_care,
)
"""What is written of a practice, in this order."""
