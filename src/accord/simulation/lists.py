"""Lists: real practices' people by sex and age band, their networks and deprivation, from a folder of published files.

- ``practice_age_sex*.csv`` or ``.parquet``: ORG_CODE, SEX, AGE_GROUP_5, NUMBER_OF_PATIENTS (NHS England, monthly);
- ``practice_map*.csv``: PRACTICE_CODE, PRACTICE_NAME, PCN_CODE, PCN_NAME, ICB_CODE, ICB_NAME (published with it);
- ``practice_imd*.csv``: PRACTICE_CODE, IMD_SCORE; it may be missing, then every practice is average.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.settlement.calls import Misused
from accord.simulation.people import BANDS, SEXES
from accord.simulation.population import _uniform

if TYPE_CHECKING:
    import pyarrow as pa

MANY = 10
"""Problems of one file that are told; the others are counted."""

_PUBLISHED = {band.replace("-", "_"): number for number, band in enumerate(BANDS)}


@dataclass(frozen=True, slots=True)
class Lists:
    """Practices with their people by sex and band ``[practices, 2, 20]``, in order of board, network and code.

    ``deprivation`` is a standard score of each practice, high is little deprived.
    """

    practices: tuple[str, ...]
    names: tuple[str, ...]
    networks: tuple[str, ...]
    boards: tuple[str, ...]
    network_names: Mapping[str, str]
    board_names: Mapping[str, str]
    patients: NDArray[np.int64]
    deprivation: NDArray[np.float64]

    def drawn(self, size: int | None, seed: int) -> Lists:
        """All of it, or whole networks in the order of the lists, from one that the seed chooses, of about a size.

        Raises:
            Misused: the lists have fewer people than asked for.
        """
        if size is None:
            return self
        whole = int(self.patients.sum())
        if size > whole:
            said = f"the lists have {whole:,} people, not {size:,}"
            raise Misused(Problem(Place("--size", 0, 0), said, "ask for fewer, or leave it"))
        order = list(dict.fromkeys(self.networks))
        people = dict.fromkeys(order, 0)
        for network, patients in zip(self.networks, self.patients.sum(axis=(1, 2)).tolist(), strict=True):
            people[network] += patients
        first = int(_uniform(1, seed, 9)[0] * len(order))
        chosen: list[str] = []
        had = 0
        for network in order[first:] + order[:first]:
            if chosen and abs(had + people[network] - size) > abs(size - had):
                break
            chosen.append(network)
            had += people[network]
        kept = np.flatnonzero(np.isin(np.array(self.networks), chosen))

        def of(values: Sequence[str]) -> tuple[str, ...]:
            return tuple(values[i] for i in kept.tolist())

        return Lists(
            of(self.practices),
            of(self.names),
            of(self.networks),
            of(self.boards),
            self.network_names,
            self.board_names,
            self.patients[kept],
            self.deprivation[kept],
        )


def read_lists(folder: Path) -> Lists:
    """Read a folder of published lists.

    Raises:
        DataRefused: a file is missing or is not what its name says, with every reason and its place.
    """
    lists_file = _found(folder, "practice_age_sex", needed=True)
    map_file = _found(folder, "practice_map", needed=True)
    imd_file = _found(folder, "practice_imd", needed=False)
    assert lists_file is not None and map_file is not None
    problems: list[Problem] = []
    described = _columns(
        map_file, ("PRACTICE_CODE", "PRACTICE_NAME", "PCN_CODE", "PCN_NAME", "ICB_CODE", "ICB_NAME"), problems
    )
    counted = _columns(lists_file, ("ORG_CODE", "SEX", "AGE_GROUP_5", "NUMBER_OF_PATIENTS"), problems)
    if problems:
        raise DataRefused(problems)
    # who is in no network is in one of its own for each board
    for i, (network, board) in enumerate(zip(described["PCN_CODE"], described["ICB_CODE"], strict=True)):
        if network.upper() in ("", "U", "UNALLOCATED"):
            described["PCN_CODE"][i], described["PCN_NAME"][i] = f"NONE-{board}", f"In no network ({board})"
    keyed = ("ICB_CODE", "PCN_CODE", "PRACTICE_CODE")
    order = range(len(described["ICB_CODE"]))
    rows = sorted(zip(*(described[name] for name in keyed), order, strict=True))
    codes = [row[2] for row in rows]
    number = {code: i for i, code in enumerate(codes)}
    patients = np.zeros((len(codes), len(SEXES), len(BANDS)), np.int64)
    wrong = _Told(lists_file.name, problems)
    for at, (code, sex, band, count) in enumerate(zip(*counted.values(), strict=True), start=2):
        if sex.upper() == "ALL" or band.upper() == "ALL":
            continue
        if sex.lower() not in SEXES or band not in _PUBLISHED:
            wrong.at(at, f"{sex}, {band} is no sex and age group", "FEMALE or MALE, and 0_4 to 90_94 or 95+")
        elif code not in number:
            wrong.at(at, f"practice {code} is not in {map_file.name}", "add it there, with its network and board")
        elif not count.isdigit():
            wrong.at(at, f"{count or 'nothing'} is no number of patients", "a whole number, not negative")
        else:
            patients[number[code], SEXES.index(sex.lower()), _PUBLISHED[band]] += int(count)
    wrong.rest()
    empty = _Told(lists_file.name, problems)
    for code, people in zip(codes, patients.sum(axis=(1, 2)).tolist(), strict=True):
        if not people:
            empty.at(0, f"practice {code} has no patients", "leave it out of the map, or give its list")
    empty.rest()
    scores = _scores(imd_file, problems) if imd_file else {}
    if problems:
        raise DataRefused(problems)
    places = [row[3] for row in rows]

    def by(name: str) -> tuple[str, ...]:
        return tuple(described[name][i] for i in places)

    return Lists(
        tuple(codes),
        by("PRACTICE_NAME"),
        by("PCN_CODE"),
        by("ICB_CODE"),
        dict(zip(by("PCN_CODE"), by("PCN_NAME"), strict=True)),
        dict(zip(by("ICB_CODE"), by("ICB_NAME"), strict=True)),
        patients,
        _standardised([scores.get(code) for code in codes], patients.sum(axis=(1, 2))),
    )


class _Told:
    """Problems of one file: the first of them with their rows, and how many more there are."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self._file, self._problems, self._more, self._told = file, problems, 0, 0

    def at(self, row: int, message: str, fix: str) -> None:
        if self._told == MANY:
            self._more += 1
            return
        self._told += 1
        self._problems.append(Problem(Place(self._file, row, 1 if row else 0), message, fix))

    def rest(self) -> None:
        if self._more:
            self._problems.append(Problem(Place(self._file, 0, 0), f"{self._more} more rows like these are wrong"))


def _found(folder: Path, name: str, *, needed: bool) -> Path | None:
    files = sorted(path for kind in ("csv", "parquet") for path in folder.glob(f"{name}*.{kind}"))
    if len(files) == 1 or (not files and not needed):
        return files[0] if files else None
    what = f"there is no file {name}*.csv or .parquet here" if not files else f"there are {len(files)} files {name}*"
    raise DataRefused(
        Problem(Place(str(folder), 0, 0), what, "give the folder of the published lists, one file of each kind")
    )


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv, parquet

    try:
        if path.suffix == ".parquet":
            return parquet.read_table(path)
        header = path.open(encoding="utf-8-sig").readline()
        names = [name.strip().strip('"') for name in header.split(",")]
        return csv.read_csv(path, convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())))
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise DataRefused(
            Problem(Place(path.name, 0, 0), "this cannot be read as a table", f"the reader says: {str(error)[:120]}")
        ) from error


def _columns(path: Path, names: Sequence[str], problems: list[Problem]) -> dict[str, list[str]]:
    table = _read(path)
    for name in names:
        if name not in table.column_names:
            problems.append(
                Problem(Place(path.name, 1, 1), f"there is no column {name}", f"it has {', '.join(table.column_names)}")
            )
    return {
        name: [("" if one is None else str(one)).strip() for one in table.column(name).to_pylist()]
        for name in names
        if name in table.column_names
    }


def _scores(path: Path, problems: list[Problem]) -> dict[str, float]:
    columns = _columns(path, ("PRACTICE_CODE", "IMD_SCORE"), problems)
    found: dict[str, float] = {}
    wrong = _Told(path.name, problems)
    for at, (code, score) in enumerate(zip(*columns.values(), strict=True), start=2):
        if score in ("", "-"):
            continue
        try:
            found[code] = float(score)
        except ValueError:
            wrong.at(at, f"{score} is no deprivation score", "a number")
    wrong.rest()
    return found


def _standardised(scores: Sequence[float | None], patients: NDArray[np.int64]) -> NDArray[np.float64]:
    """Standard scores by rank, each practice counting with its people; those without a score are in the middle."""
    from scipy import special

    out = np.zeros(len(scores))
    known = np.array([i for i, score in enumerate(scores) if score is not None], int)
    if len(known) > 1:
        # a high score of the index is high deprivation
        order = known[np.argsort([-(scores[i] or 0.0) for i in known], kind="stable")]
        weights = patients[order].astype(float)
        middle = (np.cumsum(weights) - weights / 2) / weights.sum()
        out[order] = special.ndtri(middle)
    return out
