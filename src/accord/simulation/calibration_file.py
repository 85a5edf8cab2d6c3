"""Calibration files: a place's own figures as a folder that a person can read, and that the engines are made from.

    calibration.yaml   the record and its days, single figures with authority, interval and what is behind them
    rates.csv          multipliers upon the built-in curves, by quantity, age group, sex and fifth
    practices.csv      multipliers of practices, by stream

Nothing in it tells of a small group: each number of events or person-years is rounded, or withheld from 1 to 7, as in
everything that is released (:mod:`accord.measures.release`), and every multiplier and interval is worked out of such
numbers (:mod:`accord.simulation.rounding`).
"""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.language.shape import DATE, NUMBER, STATUS, TITLE, Choice, Field, ListOf, MapOf, Record, Word, conform
from accord.language.text import fields_of, items_of, read_data, text_of
from accord.simulation import rounding
from accord.simulation.calibration import CURVE_OF, Calibration, Practices, laid
from accord.simulation.credibility import GROUPS
from accord.simulation.draws import NORMAL_95
from accord.simulation.model import STREAMS, Figures, Parameter, published
from accord.simulation.people import FIFTHS, SEXES
from accord.simulation.results import AGE_GROUPS

FILE = "calibration.yaml"
"""The file that makes a folder a calibration."""

_FIGURE = Record(
    "a figure of the place's own",
    (
        Field("value", NUMBER, "its value", True),
        Field("low", NUMBER, "the lower end of its 95 % interval"),
        Field("high", NUMBER, "the upper end of its 95 % interval"),
        Field("authority", TITLE, "where it comes from", True),
        Field("status", STATUS, "how sure", True),
        Field("note", TITLE, "what is behind it"),
    ),
)

_CALIBRATION = Record(
    "a calibration",
    (
        Field("accord", Choice(("1",)), "The version of the form.", True),
        Field("calibration", TITLE, "What was calibrated to.", True),
        Field("first", DATE, "The first day of the record that it was calibrated to.", True),
        Field("until", DATE, "The first day after the last.", True),
        Field("people_years", NUMBER, "Person-years in these days.", True),
        Field("method", TITLE, "How."),
        Field("spread", MapOf("spreads", Word("a stream", r"[a-z_]+"), NUMBER), "Factors of the spread of costs."),
        Field("between_practices", MapOf("practices", Word("a stream", r"[a-z_]+"), NUMBER), "Spread of practices."),
        Field("figures", MapOf("figures", Word("a name", r"[a-z][a-z0-9_]*"), _FIGURE), "Single figures.", True),
        Field("notes", ListOf("notes", TITLE), "What the record did not tell."),
    ),
)

METHOD = (
    "gamma-Poisson multipliers by deprivation fifth, age group, sex and group, with the spread between them integrated "
    "out (Clayton and Kaldor 1987; Gelman 2006; Ohlsson 2008), upon the built-in curves"
)

_RATES = ("quantity", "age_group", "sex", "fifth", "value", "low", "high", "events", "people_years", "authority")
_PRACTICES = ("practice", "stream", "value", "low", "high", "events")


def age_group(number: int) -> str:
    """The name of an age group of results: 0-4, …, 85+."""
    first, last = AGE_GROUPS[number]
    return f"{first}-{last}" if number < len(AGE_GROUPS) - 1 else f"{first}+"


def shown(count: float) -> str:
    """A count as it may leave: ``*`` from 1 to 7, otherwise to the nearest 5."""
    from accord.record.disclosure import STAR

    return STAR if rounding.small(count) else str(rounding.rounded(count))


def write(made: Calibration, folder: Path | str) -> tuple[Path, ...]:
    """Write a calibration; the paths of its files.

    Raises:
        DataRefused: the folder has something else in it.
    """
    folder = Path(folder)
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / FILE).is_file())):
        raise DataRefused(
            Problem(Place(str(folder), 0, 0), "there is something else here already", "name a new folder")
        )
    folder.mkdir(parents=True, exist_ok=True)
    paths = (folder / FILE, folder / "rates.csv", folder / "practices.csv")
    paths[0].write_text(_head(made), "utf-8")
    _write_rates(made, paths[1])
    _write_practices(made.practices, paths[2])
    return paths


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', "'") + '"'


def _head(made: Calibration) -> str:
    lines = [
        "# A place's own figures, made by accord calibrate. What is not here is as built in (docs/calibration.md).",
        "accord: 1",
        f"calibration: {_quoted(made.title)}",
        f"first: {made.first}",
        f"until: {made.until}",
        f"people_years: {rounding.rounded(made.people_years)}",
        f"method: {_quoted(METHOD)}",
    ]
    for name, values in (("spread", made.spread), ("between_practices", made.practices.between)):
        lines.append(f"{name}: {{{', '.join(f'{key}: {value:.4g}' for key, value in values.items())}}}")
    lines.append("figures:")
    for one in made.parameters.values():
        assert one.low is not None and one.high is not None
        lines.append(
            f"  {one.name}: {{value: {one.value:.4g}, low: {one.low:.4g}, high: {one.high:.4g}, "
            f"authority: {_quoted(one.authority)}, status: {one.status}, note: {_quoted(one.note)}}}"
        )
    if made.notes:
        lines += ["notes:", *(f"  - {_quoted(note)}" for note in made.notes)]
    return "\n".join(lines) + "\n"


def _write_rates(made: Calibration, path: Path) -> None:
    authority = f"the place's own record, {made.first} to {made.until - dt.timedelta(1)}"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_RATES)
        for name, one in made.multipliers.items():
            value, doubt = one.value, one.doubts
            for age in range(GROUPS[0]):
                for cell in range(GROUPS[1]):
                    at = age, cell
                    low, high = value[at] * np.exp(-NORMAL_95 * doubt[at]), value[at] * np.exp(NORMAL_95 * doubt[at])
                    writer.writerow(
                        (
                            name,
                            age_group(age),
                            SEXES[cell // FIFTHS],
                            cell % FIFTHS + 1,
                            f"{value[at]:.4g}",
                            f"{low:.4g}",
                            f"{high:.4g}",
                            shown(float(one.events[at])),
                            shown(float(one.people_years[at])),
                            authority,
                        )
                    )


def _write_practices(practices: Practices, path: Path) -> None:
    from accord.record.disclosure import STAR

    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(_PRACTICES)
        for number, code in enumerate(practices.codes):
            for column, stream in enumerate(practices.streams):
                events = shown(float(practices.events[number, column]))
                # so few events say nothing of a practice, and nothing is said of them
                value = 1.0 if events == STAR else practices.value[number, column]
                doubt = practices.between[stream] if events == STAR else practices.doubt[number, column]
                low, high = value * np.exp(-NORMAL_95 * doubt), value * np.exp(NORMAL_95 * doubt)
                writer.writerow((code, stream, f"{value:.4g}", f"{low:.4g}", f"{high:.4g}", events))


# -- reading -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Own:
    """A calibration as it was read: what a model of the place is made of, and what practices differ by."""

    title: str
    first: dt.date
    until: dt.date
    figures: Figures
    practices: Practices
    notes: tuple[str, ...]


def read(folder: Path | str) -> Own:
    """Read a calibration.

    Raises:
        DataRefused: it is none, or something in it cannot be, with every reason and its place.
    """
    folder = Path(folder)
    path = folder / FILE
    if not path.is_file():
        fix = "accord calibrate RECORD --out makes one"
        raise DataRefused(Problem(Place(str(folder), 0, 0), f"there is no {FILE} here", fix))
    tree = read_data(path.read_bytes(), str(path))
    problems = list(conform(tree, _CALIBRATION))
    if problems:
        raise DataRefused(problems)
    entries = fields_of(tree)
    built_in = published()
    own: dict[str, Parameter] = {}
    for name, value in fields_of(entries["figures"]).items():
        if name not in built_in.parameters:
            problems.append(Problem(value.place, f"the model has no figure {name}", "see model/parameters.yaml"))
            continue
        said = {key: text_of(inner) for key, inner in fields_of(value).items()}
        number = float(said["value"])
        if not 0 < number < 1e9:
            problems.append(Problem(value.place, f"{name} cannot be {said['value']}", "a number above 0"))
        low, high = (float(said[end]) if end in said else None for end in ("low", "high"))
        own[name] = Parameter(name, number, low, high, said["authority"], said["status"], said.get("note", ""))
    spread = {name: float(text_of(value)) for name, value in fields_of(entries.get("spread")).items()}
    between = {name: float(text_of(value)) for name, value in fields_of(entries.get("between_practices")).items()}
    by_group = _read_rates(folder / "rates.csv", problems)
    practices = _read_practices(folder / "practices.csv", between, problems)
    if problems:
        raise DataRefused(problems)
    assert practices is not None
    figures = Figures({**built_in.parameters, **own}, laid(built_in.curves, by_group, spread))
    first, until = (dt.date.fromisoformat(text_of(entries[name])) for name in ("first", "until"))
    notes = tuple(text_of(item) for item in items_of(entries.get("notes")))
    return Own(text_of(entries["calibration"]), first, until, figures, practices, notes)


def _rows(path: Path, columns: tuple[str, ...], problems: list[Problem]) -> list[tuple[int, Mapping[str, str]]]:
    if not path.is_file():
        problems.append(Problem(Place(str(path), 0, 0), f"there is no file {path.name}", "calibrate again"))
        return []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.DictReader(file)
        lacking = [name for name in columns if name not in (reader.fieldnames or ())]
        if lacking:
            said = f"column {lacking[0]} is missing"
            problems.append(Problem(Place(str(path), 1, 1), said, f"it needs {', '.join(columns)}"))
            return []
        return [(number, row) for number, row in enumerate(reader, start=2)]


MOST = 50.0
"""A multiplier above this, or below its inverse, cannot be."""


def _multiplier(row: Mapping[str, str], place: Place, problems: list[Problem]) -> float:
    try:
        value = float(row["value"])
    except (TypeError, ValueError):
        value = float("nan")
    if not 1 / MOST <= value <= MOST:
        fix = f"a number from {1 / MOST:g} to {MOST:g}; 1 is as built in"
        problems.append(Problem(place, f"{row['value'] or 'nothing'} is no multiplier", fix))
        return 1.0
    return value


def _read_rates(path: Path, problems: list[Problem]) -> dict[str, np.ndarray]:
    known = {*STREAMS, *CURVE_OF}
    ages = {age_group(number): number for number in range(GROUPS[0])}
    found: dict[str, np.ndarray] = {}
    for line, row in _rows(path, _RATES[:5], problems):
        place = Place(str(path), line, 1)
        name, age, sex, fifth = row["quantity"], row["age_group"], row["sex"], row["fifth"]
        if name not in known or age not in ages or sex not in SEXES or fifth not in "12345" or len(fifth) != 1:
            said = f"{name}, {age}, {sex}, fifth {fifth} is no group of the model"
            problems.append(Problem(place, said, f"ages {', '.join(ages)}; female or male; 1 to 5"))
            continue
        value = _multiplier(row, place, problems)
        found.setdefault(name, np.full(GROUPS, np.nan))[ages[age], SEXES.index(sex) * FIFTHS + int(fifth) - 1] = value
    for name, values in found.items():
        if np.isnan(values).any() and not problems:
            said = f"{name} has multipliers for {int((~np.isnan(values)).sum())} of {values.size} groups"
            problems.append(Problem(Place(str(path), 0, 0), said, "one row for each age group, sex and fifth"))
    return found


def _read_practices(path: Path, between: Mapping[str, float], problems: list[Problem]) -> Practices | None:
    values: dict[str, dict[str, tuple[float, float]]] = {}
    streams: list[str] = []
    for line, row in _rows(path, _PRACTICES[:5], problems):
        place = Place(str(path), line, 1)
        if row["stream"] not in STREAMS or row["stream"] not in between:
            problems.append(Problem(place, f"{row['stream'] or 'nothing'} is no stream here", f"{', '.join(between)}"))
            continue
        if row["stream"] not in streams:
            streams.append(row["stream"])
        value = _multiplier(row, place, problems)
        try:
            doubt = float(np.log(float(row["high"]) / float(row["low"])) / (2 * NORMAL_95))
        except (TypeError, ValueError, ZeroDivisionError):
            problems.append(Problem(place, "low and high are no interval", "two numbers above 0"))
            continue
        values.setdefault(row["practice"], {})[row["stream"]] = (value, doubt)
    if problems:
        return None
    codes = tuple(sorted(values))
    both = np.array([[values[code].get(name, (1.0, between[name])) for name in streams] for code in codes])
    both = both.reshape(len(codes), len(streams), 2)
    return Practices(codes, tuple(streams), both[..., 0], both[..., 1], between, np.zeros(both.shape[:2]))
