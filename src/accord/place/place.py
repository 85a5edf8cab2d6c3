"""A place: a folder with ``place.yaml``, which says what is in force there, for whom, and what is to be tried.

accord: 1
place: riverside
title: Riverside, a made place of 50,000 people
starts: 2026-04-01
population: {size: 50000, seed: 1}
contracts:
  gms-global-sum: {}
  supplement: {contract: integration-supplement, data: data/supplement}
scenarios: [scenarios/gain-share.yaml]
future: {term: extended, prices: 2, authority: ours, status: assumed}
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.contract import Contract
from accord.language.place import Place
from accord.language.problem import AccordError, DataRefused, Problem, nearest
from accord.language.shape import (
    DATE,
    IDENTIFIER,
    TITLE,
    WHOLE,
    Choice,
    Either,
    Field,
    ListOf,
    MapOf,
    Record,
    conform,
)
from accord.language.text import Tree, fields_of, items_of, read_data, text_of
from accord.simulation import behaviour
from accord.simulation.behaviour import Behaviour
from accord.simulation.feed import Feed, read_feed
from accord.simulation.people import BURDENS, CELLS, DEAD, STATES, People
from accord.simulation.practices import ORGANISATIONS, OwnPractice, Practice
from accord.simulation.scenario import FUTURE, Future, Scenario, read_future, read_scenario

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from accord.simulation.model import Figures

FILE = "place.yaml"
"""The file that makes a folder a place."""

_IN_FORCE = Record(
    "a contract in force",
    (
        Field("contract", TITLE, "A library name, or a file or folder of the place; otherwise its name here."),
        Field("data", TITLE, "The folder of its data; otherwise data/NAME, if there is one."),
    ),
)

_POPULATION = Record(
    "a population",
    (
        Field("size", WHOLE, "How many people are made."),
        Field("seed", WHOLE, "Which of all made places of that size."),
        Field("lists", TITLE, "A folder of published practice lists."),
        Field("people", TITLE, "People as the engines hold them: a .npz file of the place."),
        Field("practices", TITLE, "Their practices: a .csv file of the place."),
        Field("record", TITLE, "The folder of the place's own record: people are those registered on the first day."),
        Field("calibration", TITLE, "The place's own figures, as accord calibrate writes them from the record."),
    ),
)

_PLACE = Record(
    "a place",
    (
        Field("accord", Choice(("1",)), "The version of the language.", True),
        Field("place", IDENTIFIER, "Its short name.", True),
        Field("title", TITLE, "Its name."),
        Field("note", TITLE, "A remark."),
        Field("starts", DATE, "The first day of the first simulated year.", True),
        Field("population", _POPULATION, "Who lives there.", True),
        Field(
            "contracts",
            MapOf("contracts by name", IDENTIFIER, Either("a contract in force", (_IN_FORCE,))),
            "What is in force with no contract change.",
            True,
        ),
        Field("scenarios", ListOf("scenarios", TITLE), "Files of what is tried."),
        Field("future", FUTURE, "What every future year assumes."),
    ),
)


@dataclass(frozen=True, slots=True)
class InForce:
    """A contract that is in force: its text, how its inputs are made, and the place's own data for it."""

    name: str
    contract: Contract
    file: Path
    feed: Feed
    data: Path | None


@dataclass(frozen=True, slots=True)
class LocalPlace:
    """What ``place.yaml`` says, read and checked.

    ``population`` has the entries of the file; :func:`people_of` makes or reads the people.
    """

    name: str
    title: str
    folder: Path
    starts: dt.date
    population: Mapping[str, str]
    population_place: Place
    contracts: tuple[InForce, ...]
    scenarios: tuple[Scenario, ...]
    behaviours: Mapping[str, Behaviour]
    future: Future


def read_place(folder: Path) -> LocalPlace:
    """A place from its folder (or its ``place.yaml``); raises DataRefused with everything that is wrong with it."""
    path = folder / FILE if folder.is_dir() else folder
    folder = path.parent
    if not path.is_file():
        from accord.settlement.catalogue import NotFound

        fix = f"a place is a folder with {FILE}: accord population makes one"
        raise NotFound(Problem(Place(str(path), 0, 0), "there is no place here", fix))
    tree = read_data(path.read_bytes(), str(path))
    problems = conform(tree, _PLACE)
    if problems:
        raise DataRefused(problems)
    entries = fields_of(tree)
    behaviours = behaviour.known(folder / "behaviours")
    contracts: list[InForce] = []
    for name, value in fields_of(entries["contracts"]).items():
        found = in_force(folder, name, value, problems)
        if found is not None:
            contracts.append(found)
    if not fields_of(entries["contracts"]):
        problems.append(Problem(entries["contracts"].place, "no contract is in force", "add gms-global-sum: {}"))
    names = list(fields_of(entries["contracts"]))
    scenarios: list[Scenario] = []
    for item in items_of(entries.get("scenarios")):
        try:
            scenarios.append(read_scenario(folder / text_of(item), behaviours=list(behaviours), in_force=names))
        except AccordError as error:
            problems += error.problems
    for number, one in enumerate(scenarios):
        if one.name in [other.name for other in scenarios[:number]]:
            problems.append(Problem(entries["scenarios"].place, f"two scenarios are called {one.name}", "rename one"))
    future = read_future(entries.get("future"), problems)
    for name in future.growth:
        if name not in names:
            place = next(iter(future.growth[name].values())).place
            problems.append(Problem(place, f"{name} is not in force here", nearest(name, names)))
    starts = dt.date.fromisoformat(text_of(entries["starts"]))
    if (starts.month, starts.day) == (2, 29):
        fix = "begin on the first day of a month, as contracts do"
        problems.append(Problem(entries["starts"].place, f"{starts} is a day that not every year has", fix))
    population = {name: text_of(value) for name, value in fields_of(entries["population"]).items()}
    ways = ("people" in population, "record" in population, "size" in population or "lists" in population)
    if sum(ways) != 1 or ways[0] != ("practices" in population) or ("calibration" in population and not ways[1]):
        problems.append(
            Problem(
                entries["population"].place,
                "a population is made, or brought along, or of the place's own record",
                "say size: (and seed:, lists:), or both people: and practices:, or record: (and calibration:)",
            )
        )
    if problems:
        raise DataRefused(problems)
    return LocalPlace(
        text_of(entries["place"]),
        text_of(entries.get("title")) or text_of(entries["place"]),
        folder,
        starts,
        population,
        entries["population"].place,
        tuple(contracts),
        tuple(scenarios),
        behaviours,
        future,
    )


def in_force(folder: Path, name: str, value: Tree, problems: list[Problem]) -> InForce | None:
    """A contract as ``place.yaml`` or a scenario names it; None where something is wrong, which is then collected."""
    said = {key: text_of(inner) for key, inner in fields_of(value).items()}
    return bound(folder, name, said.get("contract") or name, said.get("data", ""), value.place, problems)


def bound(
    folder: Path, name: str, named: str, data: str, place: Place, problems: list[Problem], base: InForce | None = None
) -> InForce | None:
    """A contract (a library name, or a file or folder of the place) with its feed and data; problems are collected.

    A variation of ``base`` has its feed, whatever the variation calls itself.
    """
    from accord.settlement.calls import check
    from accord.settlement.catalogue import NotFound, find

    try:
        inside = folder / named
        file = find(inside) if inside.exists() else find(named)
    except NotFound as error:
        where = f"a file is looked for in {folder}"
        problems += [
            Problem(place, f"{named}: {problem.message}", f"{problem.fix}; {where}" if problem.fix else where)
            for problem in error.problems
        ]
        return None
    where = folder / data if data else folder / "data" / name
    if data and not where.is_dir():
        problems.append(Problem(place, f"there is no folder {data} for the data of {name}", "check the path"))
        return None
    try:
        contract = check(file)
        feed = read_feed(base.file.parent, contract, base.feed.contract) if base else read_feed(file.parent, contract)
    except AccordError as error:
        problems += error.problems
        return None
    return InForce(name, contract, file, feed, where if where.is_dir() else None)


# ---------------------------------------------------------------------------------------------------------- population


@dataclass(frozen=True, slots=True)
class Peopled:
    """Who lives in a place: its people with births to come, their practices, and the place's own figures, if any.

    ``given`` is what its model is made of; ``by_practice`` multipliers of its practices ``[practices, 2 + streams]``;
    ``notes`` what should be known about either.
    """

    people: People
    practices: Sequence[Practice]
    given: Figures | None = None
    by_practice: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()


def population_of(place: LocalPlace, years: int) -> Peopled:
    """Who lives in a place, with the births of the coming years.

    Raises:
        DataRefused: as of :func:`people_of`; or a record or a calibration that cannot be used.
    """
    said = place.population
    if "record" not in said:
        return Peopled(*people_of(place, years))
    from accord.simulation import calibration_file
    from accord.simulation.enrolled import enrolled

    own = calibration_file.read(place.folder / said["calibration"]) if "calibration" in said else None
    people, practices, notes = enrolled(place.folder / said["record"], place.starts, years, own)
    if own is None:
        return Peopled(
            people, practices, notes=(*notes, "rates are the built-in ones: the record was not calibrated to")
        )
    by_practice = own.practices.of([one.code for one in practices])
    return Peopled(people, practices, own.figures, by_practice, (*notes, *own.notes))


def people_of(place: LocalPlace, years: int) -> tuple[People, Sequence[Practice]]:
    """The people of a place with the births of the coming years, and their practices.

    Raises:
        DataRefused: a size that cannot be, a practice with no people, values that do not exist.
    """
    said = place.population
    if "record" in said:
        whole = population_of(place, years)
        return whole.people, whole.practices
    if "people" in said:
        return _own(place, years)
    from accord.settlement.calls import Misused
    from accord.simulation.population import populate

    lists = place.folder / said["lists"] if "lists" in said else None
    size = int(said["size"]) if "size" in said else None
    try:
        made = populate(size, int(said.get("seed", "1")), years, lists=lists, start=place.starts)
    except Misused as error:  # what the command has as options, this place has in its file
        raise DataRefused(
            [
                Problem(place.population_place, f"{one.place.file.removeprefix('--')}: {one.message}", one.fix)
                for one in error.problems
            ]
        ) from None
    return made.people, made.practices


def _own(place: LocalPlace, years: int) -> tuple[People, Sequence[Practice]]:
    import numpy as np

    del years  # a place that brings its own people brings their births to come with them
    people_file, practices_file = (place.folder / place.population[name] for name in ("people", "practices"))
    problems: list[Problem] = []
    for file in (people_file, practices_file):
        if not file.is_file():
            problems.append(Problem(place.population_place, f"there is no file {file.name}", "check the path"))
    if problems:
        raise DataRefused(problems)
    practices: list[OwnPractice] = []
    with practices_file.open(encoding="utf-8", newline="") as opened:
        reader = csv.DictReader(opened)
        lacking = [name for name in ORGANISATIONS if name not in (reader.fieldnames or ())]
        if lacking:
            said = f"column {lacking[0]} is missing"
            raise DataRefused(Problem(Place(str(practices_file), 1, 1), said, f"it needs {', '.join(ORGANISATIONS)}"))
        for number, row in enumerate(reader, start=2):
            if not (row["practice"] or "").strip():
                problems.append(Problem(Place(str(practices_file), number, 1), "a practice without a code", "add it"))
            practices.append(OwnPractice(*((row[name] or "").strip() for name in ORGANISATIONS)))
    codes = [one.code for one in practices]
    for number, code in enumerate(codes, start=2):
        if code and codes.index(code) != number - 2:
            problems.append(Problem(Place(str(practices_file), number, 1), f"{code} stands here twice", "keep one row"))
    try:
        with np.load(people_file, allow_pickle=False) as held:
            arrays = {name: held[name] for name in ("offsets", "months", "cell", "state", "burden")}
    except (OSError, ValueError, KeyError) as error:
        said = f"this is not a file of people: {error}"
        fix = "numpy.savez_compressed(…, offsets, months, cell, state, burden)"
        raise DataRefused([*problems, Problem(Place(str(people_file), 0, 0), said, fix)]) from None
    problems += _nonsense(people_file, practices_file, arrays, codes)
    if problems:
        raise DataRefused(problems)
    people = People(
        arrays["offsets"].astype(np.int64),
        arrays["months"].astype(np.int16),
        arrays["cell"].astype(np.uint8),
        arrays["state"].astype(np.uint8),
        arrays["burden"].astype(np.uint8),
    )
    return people, practices


def _nonsense(
    people_file: Path, practices_file: Path, arrays: Mapping[str, Any], codes: Sequence[str]
) -> list[Problem]:
    import numpy as np

    problems: list[Problem] = []
    at = Place(str(people_file), 0, 0)
    offsets = arrays["offsets"]
    if len(offsets) != len(codes) + 1:
        said = f"offsets are for {max(len(offsets) - 1, 0)} practices, and {practices_file.name} has {len(codes)}"
        return [Problem(at, said, "both in the same order, offsets one longer")]
    sizes = np.diff(offsets)
    for number in np.flatnonzero(sizes <= 0)[:10]:
        said = "has no patients" if sizes[number] == 0 else f"has {int(sizes[number])} patients"
        problems.append(
            Problem(Place(str(practices_file), int(number) + 2, 1), f"{codes[number]} {said}", "leave it out")
        )
    counts = {name: len(arrays[name]) for name in ("months", "cell", "state", "burden")}
    if len(set(counts.values())) > 1 or (len(offsets) and int(offsets[-1]) != counts["months"]):
        said = ", ".join(f"{name} {count:,}" for name, count in counts.items())
        problems.append(
            Problem(at, f"the lengths differ: {said}, offsets to {int(offsets[-1]):,}", "one value a person")
        )
        return problems
    for name, good in (
        ("cell", (arrays["cell"] >= 0) & (arrays["cell"] < CELLS)),
        ("state", ((arrays["state"] >= 0) & (arrays["state"] < STATES)) | (arrays["state"] == DEAD)),
        ("burden", (arrays["burden"] >= 0) & (arrays["burden"] < BURDENS)),
        ("months", (arrays["months"] > -240) & (arrays["months"] < 1500)),
    ):
        wrong = int((~good).sum())
        if wrong:
            problems.append(Problem(at, f"{wrong:,} values of {name} cannot be", "see accord.simulation.people"))
    return problems
