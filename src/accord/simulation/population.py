"""Population: a made place of any size, from 5,000 people to all of England: who lives there, and how it is organised.

Practices have the sizes, ages and deprivation that practices in England have, or those of the published lists where a
folder of them is given. What a person is drawn as (:mod:`accord.simulation.draws`) depends on the seed, the practice
and the person's number in it alone: a place is the same on every machine, and for however many years it is made.
"""

# what is compiled has numba's types, not Python's
# pyright: reportArgumentType=false, reportReturnType=false

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import int64, uint32, uint64
from numpy.typing import NDArray
from scipy import special

from accord.language.place import Place
from accord.language.problem import Problem
from accord.settlement.calls import Misused
from accord.simulation.compiled import compiled
from accord.simulation.draws import PLACE, philox, uniform
from accord.simulation.model import FOLDER, Model, Parameter, model, read_parameters
from accord.simulation.people import AGES, BANDS, BURDENS, CELLS, FIFTHS, SEXES, STATES, People
from accord.simulation.system import wrong_seed

if TYPE_CHECKING:
    from accord.simulation.lists import Lists

LEAST, MOST = 1_000, 70_000_000
"""The fewest and the most people of a place."""

LONGEST = 10
"""The most years that births are made for."""

START = dt.date(2025, 4, 1)
"""The first day of the first year, where no other is given."""

PERSON, PERSON_MORE, BIRTH, BIRTH_MORE, PRACTICE = PLACE, PLACE + 1, PLACE + 2, PLACE + 3, PLACE + 4
"""A person's deprivation, age, state and burden, and month of birth; births to come; a practice's own figures."""

BIRTHS = 64
"""Draws of practices from this number on: how many are born in each year."""


@dataclass(frozen=True, slots=True)
class Practice:
    """A practice: what it belongs to, how many people it has, and how deprived they are.

    Attributes:
        code: organisation code; ``name``: name.
        network: code of its network; also ``neighbourhood``, ``council`` (of most of its people), ``board``.
        hospital: the hospital that most of its people go to; also ``community`` and ``mental_health``, providers.
        patients: people on the list on the first day.
        deprivation: standard score of its people's deprivation, high is little deprived.
    """

    code: str
    name: str
    network: str
    neighbourhood: str
    council: str
    board: str
    hospital: str
    community: str
    mental_health: str
    patients: int
    deprivation: float


@dataclass(frozen=True, slots=True)
class Area:
    """A small area: the network whose people live there, its council and board, and its deprivation fifth."""

    code: str
    network: str
    council: str
    board: str
    fifth: int


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation: code, kind as the record's table ``organisations`` has it, name, and what it belongs to."""

    code: str
    kind: str
    name: str
    within: str | None


@dataclass(frozen=True, slots=True)
class Population:
    """A made place: its people at the start (with the births to come), and its organisations and areas.

    ``people`` are sorted by practice, in the order of ``practices``; the newborn of ``years`` come last in each.
    """

    people: People
    practices: tuple[Practice, ...]
    areas: tuple[Area, ...]
    organisations: tuple[Organisation, ...]
    start: dt.date
    years: int
    seed: int

    @property
    def patients(self) -> int:
        """People registered on the first day."""
        return sum(practice.patients for practice in self.practices)


@cache
def figures() -> Mapping[str, Parameter]:
    """The figures of places and their records (``model/place.yaml``)."""
    return read_parameters(FOLDER / "place.yaml")


def value(name: str) -> float:
    """One of the figures of places."""
    return figures()[name].value


def populate(
    size: int | None = None,
    seed: int = 1,
    years: int = 1,
    *,
    lists: Path | str | None = None,
    start: dt.date = START,
    built_in: Model | None = None,
) -> Population:
    """Make a place.

    Args:
        size: how many people are registered; with ``lists``, about how many: whole networks, chosen by the seed.
        seed: 0 to 2**63 - 1; the same seed gives the same place.
        years: for how many years births to come are made, 1 to 10.
        lists: a folder of published lists (see :mod:`accord.simulation.lists`), or none for the built-in profile.
        start: the first day of the first year; the first of a month.
        built_in: the model; the committed one where none is given.

    Raises:
        Misused: what was asked cannot be a place, with every reason.
        DataRefused: the lists are not lists, with every reason.
    """
    _refuse_nonsense(size, seed, years, start, lists is not None)
    made = built_in or model()
    given: Lists | None = None
    if lists is not None:
        from accord.simulation.lists import read_lists

        given = read_lists(Path(lists)).drawn(size, seed)
        patients = given.patients.sum(axis=(1, 2))
        deprivation = given.deprivation
    else:
        assert size is not None
        patients = _sizes(size, seed)
        deprivation = _deprivations(patients, seed)
    fifths = _fifths(deprivation)
    profile = _profile(made)
    counts = given.patients if given else _expected_lists(patients, fifths, profile, seed)
    births = _births(counts, years, seed, made.value("births_per_woman"))
    people = _people(counts, births, fifths, profile, made, seed)
    structure = _structure(patients, deprivation, given, people, counts)
    return Population(people, *structure, start, years, seed)


def _refuse_nonsense(size: int | None, seed: int, years: int, start: dt.date, listed: bool) -> None:
    problems: list[Problem] = []

    def refuse(what: str, message: str, fix: str) -> None:
        problems.append(Problem(Place(what, 0, 0), message, fix))

    if size is None and not listed:
        refuse("--size", "how many people the place has is missing", "give a size, such as 50000, or a folder of lists")
    if size is not None and not LEAST <= size <= MOST:
        most = "more than there are in the United Kingdom" if size > MOST else "too few for a place"
        if size <= 0:
            most = "no number of people"
        refuse("--size", f"{size} is {most}", f"from {LEAST:,} to {MOST:,} people")
    problems += wrong_seed(seed)
    if not 1 <= years <= LONGEST:
        refuse("--years", f"{years} years cannot be made", f"from 1 to {LONGEST} years")
    if start.day != 1:
        refuse("--start", f"{start} is not the first of a month", "such as 2025-04-01")
    if problems:
        raise Misused(problems)


# -- sizes, ages and deprivation of practices --------------------------------------------------------------------------


def _uniform(count: int, seed: int, purpose: int) -> NDArray[np.float64]:
    """A uniform draw for each practice, never 0 or 1."""
    counters = np.zeros((count, 4), np.uint32)
    counters[:, 0], counters[:, 1], counters[:, 3] = np.arange(count), purpose, PRACTICE
    return uniform(counters, seed)[:, 0]


def _shuffled(values: NDArray[np.float64], seed: int, purpose: int) -> NDArray[np.float64]:
    """Values in an order that the seed decides."""
    return values[np.argsort(_uniform(len(values), seed, purpose), kind="stable")]


def practice_normals(count: int, seed: int, purpose: int) -> NDArray[np.float64]:
    """A standard score for each practice, for what differs between practices; ``purpose`` from 16 on."""
    return special.ndtri(_uniform(count, seed, purpose))


def _shared_out(total: int, weights: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers in proportion to weights that add up to a total: largest remainders, the first of equals."""
    exact = weights * (total / weights.sum())
    whole = np.floor(exact).astype(np.int64)
    most = np.argsort(-(exact - whole), kind="stable")[: total - int(whole.sum())]
    whole[most] += 1
    return whole


def _sizes(size: int, seed: int) -> NDArray[np.int64]:
    """Sizes of practices: a lognormal's equal shares in an order of the seed's, none smaller than the least."""
    least = value("practice_least")
    count = max(1, round(size / value("practice_people")))
    quantiles = np.exp(value("practice_spread") * special.ndtri((np.arange(count) + 0.5) / count))
    weights = np.maximum(quantiles / quantiles.mean() * size / count, min(least, size / count))
    return _shared_out(size, _shuffled(weights, seed, 0))


def _deprivations(patients: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """A standard score for each practice, in an order that the seed decides, each counting with its people."""
    order = np.argsort(_uniform(len(patients), seed, 1), kind="stable")
    upto = np.cumsum(patients[order])
    out = np.empty(len(patients))
    out[order] = special.ndtri((upto - patients[order] / 2) / upto[-1])
    return out


def _fifths(deprivation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of each practice's people by deprivation fifth, ``[practices, 5]``: normal scores, between and within."""
    between = value("practice_deprivation")
    bounds = special.ndtri(np.arange(1, FIFTHS) / FIFTHS)
    below = special.ndtr((bounds[None, :] - np.sqrt(between) * deprivation[:, None]) / np.sqrt(1 - between))
    return np.diff(below, axis=1, prepend=0.0, append=1.0)


def _profile(built_in: Model) -> NDArray[np.float64]:
    """People of England by sex, fifth and single age as shares of each fifth, ``[sexes, 5, ages]``."""
    people = built_in.people[2026].reshape(len(SEXES), FIFTHS, AGES)
    return people / people.sum(axis=(0, 2), keepdims=True)


def _banded(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same by age band, ``[sexes, 5, bands]``."""
    starts = np.arange(len(BANDS)) * 5
    return np.add.reduceat(profile, starts, axis=2)


def _expected_lists(
    patients: NDArray[np.int64], fifths: NDArray[np.float64], profile: NDArray[np.float64], seed: int
) -> NDArray[np.int64]:
    """Lists by sex and band ``[practices, sexes, bands]``: the profile of the practice's fifths, older or younger."""
    shares = np.einsum("pf,sfb->psb", fifths, _banded(profile))
    middle = (np.arange(len(BANDS)) * 5 + 2.5 - 40) / 40
    tilt = value("practice_age_tilt") * practice_normals(len(patients), seed, 2)
    tilted = shares * np.exp(tilt[:, None] * middle[None, :])[:, None, :]
    # the tilt must not make the place older as a whole
    weights = patients / patients.sum()
    tilted *= (np.einsum("p,psb->sb", weights, shares) / np.einsum("p,psb->sb", weights, tilted))[None]
    counts = [_shared_out(int(size), shares.ravel()) for size, shares in zip(patients, tilted, strict=True)]
    return np.array(counts).reshape(len(patients), len(SEXES), len(BANDS))


def _births(counts: NDArray[np.int64], years: int, seed: int, rate: float) -> NDArray[np.int64]:
    """Births to come by practice and year, ``[practices, years]``; in the first year none in the first month."""
    women = counts[:, 0, 3:9].sum(axis=1)  # 15 to 44
    months = np.full(years, 12.0)
    months[0] = 11
    draws = np.stack([_uniform(len(counts), seed, BIRTHS + year) for year in range(years)], axis=1)
    return np.floor(women[:, None] * rate * months[None, :] / 12 + draws).astype(np.int64)


# -- people ------------------------------------------------------------------------------------------------------------


def _thresholds(shares: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Cumulative shares over the last dimension, as numbers that a uniform word is compared with."""
    upto = np.cumsum(shares, axis=-1)
    upto /= np.maximum(upto[..., -1:], 1e-300)
    return np.clip(np.round(upto * 2.0**32), 0, 2**32 - 1).astype(np.uint32)


def _people(
    counts: NDArray[np.int64],
    births: NDArray[np.int64],
    fifths: NDArray[np.float64],
    profile: NDArray[np.float64],
    built_in: Model,
    seed: int,
) -> People:
    here = counts.sum(axis=(1, 2)) + births.sum(axis=1)
    offsets = np.concatenate([[0], np.cumsum(here)]).astype(np.int64)
    banded = _banded(profile)
    # the share of each fifth among the practice's people of a sex and band
    of_fifth = _thresholds(fifths[:, None, None, :] * banded.transpose(0, 2, 1)[None])
    born_in = _thresholds(fifths * banded[0, :, 3:9].sum(axis=1)[None, :])
    by_age = np.zeros((len(SEXES), FIFTHS, len(BANDS), AGES - 95))
    for band in range(len(BANDS)):
        last = AGES if band == len(BANDS) - 1 else 5 * band + 5
        by_age[:, :, band, : last - 5 * band] = profile[:, :, 5 * band : last]
    of_age = _thresholds(by_age).reshape(CELLS, len(BANDS), -1)
    size = int(offsets[-1])
    people = People(
        offsets, np.empty(size, np.int16), np.empty(size, np.uint8), np.empty(size, np.uint8), np.empty(size, np.uint8)
    )
    _fill(
        offsets,
        counts,
        births,
        of_fifth,
        born_in,
        of_age,
        _thresholds(built_in.mix),
        np.uint32(round(value("births_male") * 2**32)),
        (np.uint32(seed & 0xFFFFFFFF), np.uint32(seed >> 32)),
        people.months,
        people.cell,
        people.state,
        people.burden,
    )
    return people


@compiled(boundscheck=False)
def _fill(
    offsets: Any,
    counts: Any,
    births: Any,
    of_fifth: Any,
    born_in: Any,
    of_age: Any,
    mix: Any,
    male: int,
    key: Any,
    months: Any,
    cell: Any,
    state: Any,
    burden: Any,
) -> None:
    for practice in range(len(counts)):
        at = offsets[practice]
        for sex in range(2):
            for band in range(counts.shape[2]):
                for _ in range(counts[practice, sex, band]):
                    number, where = uint32(at - offsets[practice]), uint32(practice)
                    a, b, c, d = philox(number, where, uint32(0), uint32(PERSON), key[0], key[1])
                    e, _f, _g, _h = philox(number, where, uint32(0), uint32(PERSON_MORE), key[0], key[1])
                    fifth = 0
                    while fifth < FIFTHS - 1 and a >= of_fifth[practice, sex, band, fifth]:
                        fifth += 1
                    kind = FIFTHS * sex + fifth
                    years = 0
                    most = of_age.shape[2] - 1 if band == counts.shape[2] - 1 else 4
                    while years < most and b >= of_age[kind, band, years]:
                        years += 1
                    age = 5 * band + years
                    here = 0
                    while here < STATES - 1 and c >= mix[kind, age, here]:
                        here += 1
                    months[at] = 12 * age + int64((uint64(e) * uint64(12)) >> uint64(32))
                    cell[at], state[at], burden[at] = kind, here, d & uint32(BURDENS - 1)
                    at += 1
        for year in range(births.shape[1]):
            # the first month of all is the month of the start, in which nobody is still to be born
            first = 1 if year == 0 else 12 * year
            for child in range(births[practice, year]):
                number, where = uint32(child), uint32(practice)
                a, b, c, d = philox(number, where, uint32(year), uint32(BIRTH), key[0], key[1])
                e, _f, _g, _h = philox(number, where, uint32(year), uint32(BIRTH_MORE), key[0], key[1])
                fifth = 0
                while fifth < FIFTHS - 1 and a >= born_in[practice, fifth]:
                    fifth += 1
                kind = fifth + (FIFTHS if b < male else 0)
                here = 0
                while here < STATES - 1 and c >= mix[kind, 0, here]:
                    here += 1
                months[at] = -first - int64((uint64(e) * uint64(12 * year + 12 - first)) >> uint64(32))
                cell[at], state[at], burden[at] = kind, here, d & uint32(BURDENS - 1)
                at += 1


# -- organisations -----------------------------------------------------------------------------------------------------


def _grouped(sizes: Sequence[int] | NDArray[np.int64], target: float) -> list[int]:
    """Which group each of some things in order falls into, for groups of about a size."""
    whole = np.asarray(sizes, float)
    groups = max(1, round(whole.sum() / target))
    middle = np.cumsum(whole) - whole / 2
    found = np.minimum((middle / whole.sum() * groups).astype(int), groups - 1)
    # a large one may leave a group empty: number those that are there
    return np.unique(found, return_inverse=True)[1].tolist()


def _structure(
    patients: NDArray[np.int64],
    deprivation: NDArray[np.float64],
    given: Lists | None,
    people: People,
    counts: NDArray[np.int64],
) -> tuple[tuple[Practice, ...], tuple[Area, ...], tuple[Organisation, ...]]:
    """Networks of practices, neighbourhoods of networks, hospitals, councils and boards of neighbourhoods; areas."""
    organisations: list[Organisation] = []
    if given:
        codes, names, networks, boards = given.practices, given.names, given.networks, given.boards
        network_names, board_names = given.network_names, given.board_names
    else:
        width = len(str(len(patients)))
        codes = tuple(f"P{i + 1:0{max(4, width)}}" for i in range(len(patients)))
        names = tuple(f"Practice {i + 1}" for i in range(len(patients)))
        networks = tuple(f"NET{i + 1:03}" for i in _grouped(patients, value("network_people")))
        network_names = {code: f"Network {int(code[3:])}" for code in networks}
        boards, board_names = None, {}
    order = list(dict.fromkeys(networks))
    at = {network: np.flatnonzero(np.array(networks) == network) for network in order}
    size = [int(patients[at[network]].sum()) for network in order]
    neighbourhood: dict[str, str] = {}
    council: dict[str, str] = {}
    board: dict[str, str] = {}
    hospital: dict[str, str] = {}
    if boards is None:
        fine = _grouped(size, value("board_people"))
        board = {network: f"BOARD{number + 1:02}" for network, number in zip(order, fine, strict=True)}
        board_names = {code: f"Integrated care board {int(code[5:])}" for code in board.values()}
    else:
        board = {network: boards[int(at[network][0])] for network in order}
    numbers = {"neighbourhood": 0, "council": 0, "hospital": 0}
    for one in dict.fromkeys(board.values()):
        inside = [network for network in order if board[network] == one]
        sizes = [size[order.index(network)] for network in inside]
        for kind, target, found in (
            ("council", value("council_people"), council),
            ("hospital", value("hospital_people"), hospital),
        ):
            for network, group in zip(inside, _grouped(sizes, target), strict=True):
                found[network] = f"{kind.upper()}{numbers[kind] + group + 1:02}"
            numbers[kind] += len({found[network] for network in inside})
        # a neighbourhood lies within one council
        for there in dict.fromkeys(council[network] for network in inside):
            part = [network for network in inside if council[network] == there]
            target = value("neighbourhood_people")
            groups = _grouped([size[order.index(network)] for network in part], target)
            for network, group in zip(part, groups, strict=True):
                neighbourhood[network] = f"NBH{numbers['neighbourhood'] + group + 1:03}"
            numbers["neighbourhood"] += len({neighbourhood[network] for network in part})
    for code in dict.fromkeys(board.values()):
        organisations.append(Organisation(code, "board", board_names.get(code, code), None))
        for kind, name in (("COMMUNITY", "Community services"), ("MENTALHEALTH", "Mental health services")):
            organisations.append(Organisation(f"{kind}-{code}", "provider", f"{name} of {code}", code))
    for code in dict.fromkeys(council.values()):
        organisations.append(Organisation(code, "council", f"Council {int(code[7:])}", None))
    for network in order:
        organisations.append(
            Organisation(hospital[network], "provider", f"Hospital {int(hospital[network][8:])}", None)
        )
        there = neighbourhood[network]
        organisations.append(Organisation(there, "neighbourhood", f"Neighbourhood {int(there[3:])}", board[network]))
        organisations.append(Organisation(network, "network", network_names.get(network, network), there))
    practices = tuple(
        Practice(
            codes[i],
            names[i],
            networks[i],
            neighbourhood[networks[i]],
            council[networks[i]],
            board[networks[i]],
            hospital[networks[i]],
            f"COMMUNITY-{board[networks[i]]}",
            f"MENTALHEALTH-{board[networks[i]]}",
            int(patients[i]),
            float(deprivation[i]),
        )
        for i in range(len(codes))
    )
    organisations += [Organisation(one.code, "practice", one.name, one.network) for one in practices]
    areas: list[Area] = []
    for network in order:
        living = np.zeros(FIFTHS, np.int64)
        for i in at[network]:
            cells = people.cell[people.offsets[i] : people.offsets[i] + int(counts[i].sum())]
            living += np.bincount(cells % FIFTHS, minlength=FIFTHS)
        for fifth in range(1, FIFTHS + 1):
            for _ in range(max(1, round(int(living[fifth - 1]) / value("area_people")))):
                areas.append(Area(f"AREA{len(areas) + 1:05}", network, council[network], board[network], fifth))
    return practices, tuple(areas), tuple(dict.fromkeys(organisations))
