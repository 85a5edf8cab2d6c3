"""Achieving: how far indicators of the Quality and Outcomes Framework are reached, from what is published of a year.

``python -m accord.simulation.achieving FILE`` writes ``futures-areas.csv`` and ``futures-indicators.csv`` beside the
contract ``qof``, which its feed reads. The file is the achievement of 2024-25 by board (NHS England, Open Government
Licence v3); it is not part of the project. A test makes both tables again where the file is at hand.

How practices differ is not in that file, but how boards differ is: practices are taken to differ by a multiple of it.
That, and whatever else the file does not say of a later year's indicators, stands in ``achieving.yaml``.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from accord.language.shape import (
    DATE,
    NAME,
    NUMBER,
    STATUS,
    TITLE,
    WHOLE,
    Choice,
    Field,
    ListOf,
    MapOf,
    Record,
    Word,
)
from accord.language.text import fields_of, items_of, text_of
from accord.library import CONTRACTS
from accord.simulation.model import model
from accord.simulation.own_data import own_data
from accord.simulation.people import FIFTHS, SEXES
from accord.simulation.population import value

QOF = CONTRACTS / "qof"

ASSUMPTIONS = Path(__file__).with_name("achieving.yaml")
"""What the publication does not say, each with its source and status."""

_SOURCED = (
    Field("authority", TITLE, "Where it comes from.", True),
    Field("status", STATUS, "How sure it is.", True),
)

_AGES = (
    Field("from", WHOLE, "First age.", True),
    Field("to", WHOLE, "Last age."),
    Field("sex", Choice(SEXES), "One sex alone."),
)

_INDICATOR = Word("an indicator", r"[A-Z]+[0-9]{3}", "AST012")


def _each(what: str, key: Word, *fields: Field) -> MapOf:
    return MapOf(what, key, Record(what, (*fields, *_SOURCED)))


_SHAPE = Record(
    "what the publication does not say",
    (
        Field("wanted", DATE, "The first day of the year whose indicators are wanted.", True),
        Field("published", TITLE, "What was published.", True),
        Field("before", _each("earlier names", _INDICATOR, Field("names", ListOf("names", _INDICATOR), "Which.", True)),
              "Names at the time of the publication.", True),
        Field("new", _each("a new indicator", _INDICATOR, *(Field(name, NUMBER, "Per cent.", True) for name in
              ("patients", "reached", "adjusted"))), "Indicators that nothing was published of.", True),
        Field("whom", _each("whose indicator", _INDICATOR, *_AGES), "Whose indicators they are.", True),
        Field("registers", _each("whose register", Word("an area", r"[A-Z]+", "AST"), *_AGES), "Of whom.", True),
        Field("spread", _each("a spread", NAME, Field("value", NUMBER, "Points, or how many times.", True)),
              "How practices differ.", True),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Whom:
    """First and last age, and the one sex, if it is one."""

    first: int
    last: int
    sex: str


EVERYBODY = Whom(0, 100, "")


@dataclass(frozen=True, slots=True)
class New:
    """A new indicator, in per cent: patients of the register, reached, adjusted; and where that comes from."""

    patients: float
    reached: float
    adjusted: float
    authority: str
    status: str


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the publication does not say (``achieving.yaml``), by indicator, by area of registers, and by name."""

    wanted: str
    published: str
    before: Mapping[str, tuple[str, ...]]
    new: Mapping[str, New]
    whom: Mapping[str, Whom]
    registers: Mapping[str, Whom]
    spread: Mapping[str, float]


@cache
def assumptions() -> Assumptions:
    """What stands in ``achieving.yaml``."""
    entries = own_data(ASSUMPTIONS, _SHAPE)

    def each(name: str) -> dict[str, dict[str, str]]:
        rows = fields_of(entries[name]).items()
        return {key: {field: text_of(value) for field, value in fields_of(row).items()} for key, row in rows}

    def whom(name: str) -> dict[str, Whom]:
        return {
            key: Whom(int(one["from"]), int(one.get("to", EVERYBODY.last)), one.get("sex", ""))
            for key, one in each(name).items()
        }

    return Assumptions(
        text_of(entries["wanted"]),
        text_of(entries["published"]),
        {
            key: tuple(text_of(item) for item in items_of(fields_of(row)["names"]))
            for key, row in fields_of(entries["before"]).items()
        },
        {
            key: New(
                float(one["patients"]), float(one["reached"]), float(one["adjusted"]), one["authority"], one["status"]
            )
            for key, one in each("new").items()
        },
        whom("whom"),
        whom("registers"),
        {key: float(one["value"]) for key, one in each("spread").items()},
    )


def tables(published: Mapping[str, Any]) -> dict[str, str]:
    """Both tables as text, by the name of their file."""
    england = published["england"]
    return {"futures-areas.csv": _areas(england), "futures-indicators.csv": _indicators(england, published["icbs"])}


def _areas(england: Mapping[str, Any]) -> str:
    known = assumptions()
    rows: list[Sequence[object]] = []
    for row in _rows("indicators.csv"):
        if (
            row["year"] == known.wanted
            and row["area"] in england["prevalence"]
            and row["area"] not in [one[0] for one in rows]
        ):
            found = england["prevalence"][row["area"]]
            share = 100 * found["register"] / found["denominator"]
            source = f"{known.published}: {found['register']:,} of {found['denominator']:,}"
            whom = known.registers.get(row["area"], EVERYBODY)
            rows.append((row["area"], whom.first, whom.last, whom.sex, f"{share:.4f}", "complex",
                         found["register"], found["denominator"], source, "verified"))  # fmt: skip
    head = ("area", "from_age", "to_age", "sex", "share", "by", "national_register", "national_list")
    return _written((*head, "authority", "status"), rows)


def _indicators(england: Mapping[str, Any], boards: Sequence[Mapping[str, Any]]) -> str:
    known = assumptions()
    registers = {area: found["register"] for area, found in england["prevalence"].items()}
    whole = england["prevalence"]["AF"]["denominator"]
    people = model().people[2026].reshape(2, FIFTHS, -1).sum(axis=1)
    rows: list[Sequence[object]] = []
    for row in _rows("indicators.csv"):
        if row["year"] != known.wanted or row["kind"] != "measured":
            continue
        code = row["indicator"]
        of = "" if code in known.whom else row["area"]
        whom = known.whom.get(code, EVERYBODY)
        ages = (whom.first, whom.last, whom.sex)
        if new := known.new.get(code):
            rows.append((code, of, *ages, f"{new.patients:.2f}", f"{new.reached:.2f}", known.spread["new"],
                         f"{new.adjusted:.2f}", *_thresholds(code), new.authority, new.status))  # fmt: skip
            continue
        before = known.before.get(code, (code,))
        counts = [england["indicators"][one] for one in before]
        done, reached, left_out = (sum(one[name] for one in counts) for name in ("numerator", "denominator", "pcas"))
        everybody = reached + left_out
        if of:
            share = everybody / registers[of]
        else:
            some = people[SEXES.index(whom.sex)] if whom.sex else people.sum(axis=0)
            share = everybody / (whole * some[whom.first : whom.last + 1].sum() / people.sum())
        level = 100 * done / reached
        spread = _spread(before, boards)
        also = f" (as {' and '.join(before)})" if code in known.before else ""
        counted = f"{done:,} of {reached:,}, {left_out:,} adjusted"
        source = f"{known.published}{also}: {counted}; how practices differ is assumed"
        rows.append((code, of, *ages, f"{100 * share:.2f}", f"{level:.2f}", f"{spread:.1f}",
                     f"{100 * left_out / everybody:.2f}", *_thresholds(code), source, "derived"))  # fmt: skip
    head = ("indicator", "of", "from_age", "to_age", "sex", "share", "level", "spread", "adjusted", "lower", "upper")
    return _written((*head, "authority", "status"), rows)


def _thresholds(code: str) -> tuple[object, object]:
    """Thresholds that are assumed for an indicator for which the contract has none; nothing otherwise."""
    there = {
        row["indicator"]
        for kind in ("confirmed", "unconfirmed")
        for row in _rows(f"thresholds_{kind}.csv")
        if row["year"] == assumptions().wanted and row[f"upper_{kind}"]
    }
    return ("", "") if code in there else (f"{value('threshold_lower'):g}", f"{value('threshold_upper'):g}")


def _spread(before: Sequence[str], boards: Sequence[Mapping[str, Any]]) -> float:
    """How practices differ, in points: so many times what boards differ by (assumed), and never more than a limit."""
    shares: list[float] = []
    for board in boards:
        found = [board["indicators"][one] for one in before if one in board["indicators"]]
        whole = sum(one["denominator"] for one in found)
        if whole:
            shares.append(100 * sum(one["numerator"] for one in found) / whole)
    spread = assumptions().spread
    return min(spread["times_boards"] * statistics.pstdev(shares), spread["most"])


def _rows(name: str) -> list[dict[str, str]]:
    with (QOF / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _written(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return out.getvalue()


if __name__ == "__main__":
    for name, text in tables(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))).items():
        (QOF / name).write_text(text, encoding="utf-8")
