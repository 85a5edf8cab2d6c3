"""The register of releases: what left the boundary, so that a later release is checked together with it.

It stands beside the record, one line a release with the exact values, and never leaves. Neither a year to date, nor a
network beside its practices, nor a later cut of the same figures may give a small count away.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.calendar import add_months, period_name
from accord.language.place import Place
from accord.language.problem import AccordError, Problem
from accord.measures.suppression import Cell, Given
from accord.record.disclosure import Rules

if TYPE_CHECKING:
    from accord.measures.card import Card

REGISTER = "released.jsonl"
"""The register of releases, in the folder of the record: one line a release, never changed."""


class ReleaseRefused(AccordError):
    """A release would give away what an earlier one keeps. Exit code 5."""

    exit_code = 5


def register_of(folder: Path) -> tuple[Mapping[str, Any], ...]:
    """What was released from the record in a folder, oldest first.

    Raises:
        ReleaseRefused: the register cannot be read; without it nothing more may be released.
    """
    path = folder / REGISTER
    if not path.is_file():
        return ()
    out: list[Mapping[str, Any]] = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            out.append({**entry, "cells": [tuple(cell) for cell in entry["cells"]]})
        except (ValueError, KeyError, TypeError):
            message = "this line of the register of releases cannot be read, so nothing more can be released safely"
            raise ReleaseRefused(Problem(Place(str(path), number, 1), message, "restore it from a copy")) from None
    return tuple(out)


def enter(folder: Path, entries: Iterable[Mapping[str, Any]], day: dt.date) -> None:
    """Enter releases into the register, before they leave."""
    import os

    lines = [json.dumps({**entry, "day": day.isoformat()}, ensure_ascii=False) for entry in entries]
    with (folder / REGISTER).open("a", encoding="utf-8") as file:
        file.write("".join(f"{line}\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())


def check_periods(card: Card, new: Iterable[tuple[dt.date, dt.date]], told: Sequence[Mapping[str, Any]]) -> None:
    """Refuse windows that are moved by some days: what changes between them is about those who came in between.

    Of periods that meet in a month, all begin and end with a month, or they are the same.

    Raises:
        ReleaseRefused: a period (first and last day) meets one that was released so.
    """
    before = {
        (dt.date.fromisoformat(first), dt.date.fromisoformat(last)): str(one["day"])
        for one in told
        for _, first, last, _, _ in one["cells"]
    }
    for (first, last), (was, day) in product(sorted(set(new)), sorted(before.items())):
        if (first, last) == was or (_of_months(first, last) and _of_months(*was)):
            continue
        if first.replace(day=1) <= _month_end(was[1]) and was[0].replace(day=1) <= _month_end(last):
            message = (
                f"{card.measure}: {period_name(first, last)} was asked for, and {period_name(*was)} released "
                f"on {day}: periods that meet in a month, and do not begin and end with one, would tell of those "
                "in between"
            )
            fix = f"release whole months, quarters or years, or {period_name(*was)} again"
            raise ReleaseRefused(Problem(Place(card.file, 0, 0), message, fix))


def _of_months(first: dt.date, last: dt.date) -> bool:
    """Whether days begin and end with a month."""
    return first.day == 1 and last == _month_end(last)


def _month_end(day: dt.date) -> dt.date:
    return add_months(day.replace(day=1), 1) - dt.timedelta(1)


def numbers_of(one: Given) -> list[int]:
    """What a line of the register says of a number: its value, whether it is withheld, and sensitive, what it needs."""
    return [one.value, int(one.star), int(one.sensitive), one.needed]


def given_before(cell: Cell, numbers: Sequence[int], needed: int) -> Given:
    """A number as a line of the register has it; ``needed`` where an older line does not say what it needs."""
    value, star, sensitive, *said = numbers
    return Given(cell, value, bool(star), bool(sensitive), said[0] if said else needed, locked=True)


def standing(
    new: Sequence[Given], before: Sequence[Given], by: Rules, days: Callable[[tuple[str, str]], int]
) -> tuple[list[Given], int]:
    """New cells, and those of before in the place of the ones that differ by a small count; how many were changed so.

    The difference of the two would be a small count itself. A small count that was given away before is not repeated.
    ``days`` says how many days a time has where values are person-days, otherwise 1.
    """
    latest = {one.cell: one for one in before}
    out: list[Given] = []
    changed = 0
    for one in new:
        was = latest.get(one.cell)
        given_away = was is not None and one.sensitive and not was.star
        if was is not None and not given_away and abs(was.value - one.value) < (by.most + 1) * days(one.cell.time):
            changed += was.value != one.value
            out.append(was)
        else:
            out.append(one)
    return out, changed


def notes_of(what: str, changed: int, new: Sequence[Given], told: Sequence[Mapping[str, Any]], by: Rules) -> list[str]:
    """What is said of a release beside its figures: what stands from before, and why others are withheld."""
    out: list[str] = []
    if changed:
        out.append(
            f"{changed} figures ({what}) differ by fewer than {by.most + 1} from those released before, which stand: "
            "the difference of the two would be a small count"
        )
    others = sum(one.star and not one.sensitive and not one.locked for one in new)
    nothing = bool(new) and all(one.star for one in new)
    every = ": nothing is left of it" if nothing else ""
    if others and told:
        when = ", ".join(dict.fromkeys(str(one["day"]) for one in told))
        out.append(
            f"{others} figures ({what}) are not small themselves: they are withheld since with what was released "
            f"before ({when}), or with each other, they would give small ones away{every}"
        )
    elif others and nothing:
        out.append(
            f"{others} figures ({what}) are not small themselves: they are withheld since with each other they would "
            f"give small ones away{every}"
        )
    elif nothing:
        out.append(f"all figures ({what}) are of {by.least} to {by.most} people, or over so few{every}")
    return out
