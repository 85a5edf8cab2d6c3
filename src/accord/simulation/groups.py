"""Groups of people whom an input has rows for: the patients of an indicator, the people on a register.

A file beside the feed (``futures.yaml``) has a row for each: whom of a practice's people it means, how many of them
there are, how far they are reached and how many are taken out of the denominator, each row with its source and status.
What they come to follows the simulated lists, what behaviour moves, and chance that is the same in every scenario.

| column | |
|---|---|
| the key | an area, an indicator |
| ``of`` | the group whose chance it shares, such as the register that an indicator is counted on |
| ``from_age``, ``to_age``, ``sex`` | whom of the lists: everybody where nothing is said |
| ``share`` | per cent of these who are in the group; of an ``of`` group, per cent of that |
| ``by`` | ``complex``: practices with more complex multimorbidity have more |
| ``level``, ``spread`` | per cent reached, and the standard deviation of practices around it |
| ``adjusted`` | per cent taken out of the denominator |
| ``authority``, ``status`` | where this comes from |

Every other column is a figure that the feed can hand on as it stands; a row where it is empty has none.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.language.shape import STATUSES
from accord.simulation.people import SEXES

Numbers = NDArray[np.float64]
Whole = NDArray[np.int64]

PARTS = ("people", "patients", "adjusted", "done")
"""What is counted of a group: everybody of these ages, who is in it, who is taken out, who was reached of the rest."""

BAND = 5
"""Years of an age band of lists; the last is open."""

OLDEST = 100

_OWN = ("of", "from_age", "to_age", "sex", "share", "by", "level", "spread", "adjusted", "authority", "status")


@dataclass(frozen=True, slots=True)
class Group:
    """Some of a practice's people; shares and levels in per cent."""

    name: str
    of: str
    ages: tuple[int, int]
    sex: str
    share: float
    by: str
    level: float
    spread: float
    adjusted: float
    figures: Mapping[str, str]
    authority: str
    status: str


def read_groups(path: Path, key: str, place: Place) -> tuple[Group, ...]:
    """The groups of a file; raises DataRefused with everything that is wrong with it."""
    if not path.is_file():
        raise DataRefused(Problem(place, f"there is no file {path.name}", "it stands beside the feed"))
    problems: list[Problem] = []
    found: list[Group] = []
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        head = list(reader.fieldnames or ())
        lacking = [name for name in (key, "authority", "status") if name not in head]
        if lacking:
            said = f"column {lacking[0]} is missing"
            raise DataRefused(Problem(Place(str(path), 1, 1), said, f"it has {', '.join(head)}"))
        for line, row in enumerate(reader, start=2):
            one = _group(row, key, Place(str(path), line, 1), problems)
            if one.name in [other.name for other in found]:
                problems.append(Problem(Place(str(path), line, 1), f"{one.name} stands here twice", "keep one row"))
            found.append(one)
    if problems:
        raise DataRefused(problems)
    return tuple(found)


def _group(row: Mapping[str, str | None], key: str, place: Place, problems: list[Problem]) -> Group:
    said = {name: (value or "").strip() for name, value in row.items() if name}

    def number(name: str, otherwise: float, most: float) -> float:
        text = said.get(name, "")
        if not text:
            return otherwise
        try:
            value = float(text)
        except ValueError:
            problems.append(Problem(place, f"{name} of {said[key]} is {text}, no number", "write it as 12.5"))
            return otherwise
        if not 0 <= value <= most:
            problems.append(Problem(place, f"{name} of {said[key]} is {value:g}", f"between 0 and {most:g}"))
        return value

    if not said[key]:
        problems.append(Problem(place, f"a row without {key}", "name it"))
    if said["status"] not in STATUSES or not said["authority"]:
        fix = f"authority, and a status of {', '.join(STATUSES)}"
        problems.append(Problem(place, f"{said[key]} does not say where it comes from", fix))
    if said.get("sex", "") not in ("", *SEXES):
        problems.append(Problem(place, f"sex of {said[key]} is {said['sex']}", f"{', '.join(SEXES)}, or nothing"))
    if said.get("by", "") not in ("", "complex"):
        problems.append(Problem(place, f"{said[key]} is by {said['by']}", "complex, or nothing"))
    ages = int(number("from_age", 0, OLDEST)), int(number("to_age", OLDEST, OLDEST))
    if ages[0] > ages[1]:
        problems.append(Problem(place, f"{said[key]} is from {ages[0]} to {ages[1]} years of age", "turn them round"))
    return Group(
        said[key],
        said.get("of", ""),
        ages,
        said.get("sex", ""),
        number("share", 100, 100),
        said.get("by", ""),
        number("level", 0, 100),
        number("spread", 0, 50),
        number("adjusted", 0, 100),
        {name: value for name, value in said.items() if name not in (*_OWN, key)},
        said["authority"],
        said["status"],
    )


def bands_of(group: Group, bands: int) -> Numbers:
    """How much of each age band belongs to a group; ages within a band are taken to be equally many."""
    first = np.arange(bands) * BAND
    last = np.append(first[1:] - 1, OLDEST)
    years = np.minimum(last, group.ages[1]) - np.maximum(first, group.ages[0]) + 1
    return np.clip(years / (last - first + 1), 0, 1)


@dataclass(frozen=True, slots=True)
class Practices:
    """What groups are counted in, each ``[worlds, practices, years]`` and lists by sex and age band behind.

    ``moved`` points of what is reached, ``taken_out`` share of denominators and ``found`` factor of patients are
    ``[worlds, years]``.
    """

    lists: Whole
    complex: Whole
    moved: Numbers
    taken_out: Numbers
    found: Numbers


def count(
    groups: Sequence[Group],
    others: Mapping[str, Group],
    here: Practices,
    own: Mapping[str, Numbers],
    chance: Mapping[str, Numbers],
) -> dict[str, Whole]:
    """What each group comes to, ``[worlds, practices, years, groups]``, by part.

    Args:
        groups: the groups.
        others: groups of the feed's other files, which an ``of`` may name.
        here: the practices.
        own: by group, normal deviates of each practice that last, ``[practices]``.
        chance: by group, normal deviates of each year, ``[worlds, practices, years]``.
    """
    out: dict[str, list[Whole]] = {part: [] for part in PARTS}
    for one in groups:
        people, patients = _patients(one, others, here, own)
        level = np.clip(one.level + one.spread * own[one.name][None, :, None] + here.moved[:, None, :], 0, 99) / 100
        left_out = np.rint(patients * one.adjusted / 100).astype(np.int64)
        rest = patients - left_out
        reached = np.rint(rest * level + chance[one.name] * np.sqrt(rest * level * (1 - level)))
        done = np.clip(reached, 0, rest).astype(np.int64)
        # people taken out on top of these are some of those who were not reached
        more = np.minimum(np.rint(rest * here.taken_out[:, None, :]).astype(np.int64), rest - done)
        for part, values in (("people", people), ("patients", patients), ("adjusted", left_out + more), ("done", done)):
            out[part].append(values)
    return {part: np.stack(values, axis=-1) for part, values in out.items()}


def _patients(
    one: Group, others: Mapping[str, Group], here: Practices, own: Mapping[str, Numbers]
) -> tuple[Whole, Whole]:
    """Everybody of a group's ages, and who is in it. Who is on a register stays there: chance is the practice's."""
    root = others.get(one.of)
    if root is not None:
        people, patients = _patients(root, {}, here, own)
        return people, np.rint(patients * one.share / 100).astype(np.int64)
    sexes = here.lists if not one.sex else here.lists[..., [SEXES.index(one.sex)], :]
    people = np.rint(sexes.sum(axis=3) @ bands_of(one, here.lists.shape[-1])).astype(np.int64)
    expected = people * one.share / 100 * here.found[:, None, :]
    if one.by == "complex":
        everybody = np.maximum(here.lists.sum(axis=(3, 4)), 1)
        share = here.complex / everybody
        expected = expected * share / np.maximum(here.complex.sum(axis=1) / everybody.sum(axis=1), 1e-9)[:, None, :]
    deviates = own[one.name][None, :, None]
    patients = np.rint(expected + deviates * np.sqrt(expected * np.maximum(1 - one.share / 100, 0)))
    return people, np.clip(patients, 0, people).astype(np.int64)
