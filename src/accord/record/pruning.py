"""Pruning: earlier generations of a record are removed; the current one never is.

Every load leaves a generation behind. What was known on a past day is in the current one too, since every row says from
when until when it was known (:mod:`accord.record.extracting`). Files that several generations share are on the disk
until the last of these has gone, so what a removal frees is counted by what nothing else holds.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from accord.record.loading import alone
from accord.record.record import MANIFEST, Record, open_record

REMOVED = ".removed-"
"""What the name of a generation begins with while it is removed: nobody takes it for one that can be read."""


@dataclass(frozen=True, slots=True)
class Generation:
    """One generation of a record, and how many bytes no other one shares. ``day`` is that of its last load."""

    name: str
    day: dt.date | None
    size: int


@dataclass(frozen=True, slots=True)
class Pruned:
    """The generations that were removed, and those that stay; ``freed`` is in bytes."""

    record: Record
    removed: tuple[Generation, ...]
    kept: tuple[Generation, ...]
    freed: int

    def as_json(self) -> dict[str, object]:
        """What was done as plain data."""

        def plain(generations: Iterable[Generation]) -> list[dict[str, object]]:
            return [{**asdict(each), "day": each.day and each.day.isoformat()} for each in generations]

        return {
            "ok": True,
            "record": str(self.record.folder),
            "generation": self.record.generation.name,
            "removed": plain(self.removed),
            "kept": plain(self.kept),
            "freed": self.freed,
        }


def prune(folder: Path | str, *, keep: int | None = None, before: dt.date | None = None) -> Pruned:
    """Remove earlier generations of a record; without ``keep`` and ``before``, say only which there are.

    Args:
        folder: the record.
        keep: so many generations stay: the current one, and of the others the latest.
        before: those whose last load was before this day go; one that says no day of a load stays.

    Raises:
        DataRefused: there is no record, or another process is writing it.
        ValueError: ``keep`` is less than 1.
    """
    if keep is not None and keep < 1:
        raise ValueError("the current generation is always kept: keep is at least 1")
    folder = Path(folder)
    open_record(folder)  # where there is no record, nothing is written either
    with alone(folder):
        record = open_record(folder)
        found = _generations(folder)
        others = [each for each in found if each.name != record.generation.name]
        going: list[Generation] = []
        if keep is not None:
            going = others[: max(len(others) - (keep - 1), 0)]
        elif before is not None:
            going = [each for each in others if each.day and each.day < before]
        freed = _held_alone([folder / each.name for each in going])
        if keep is not None or before is not None:
            remove(folder, [each.name for each in going])
        return Pruned(record, tuple(going), tuple(each for each in found if each not in going), freed)


def remove(folder: Path, names: Iterable[str]) -> None:
    """Remove generations, and what a removal that was interrupted left: first none can be found, then none is there."""
    for name in names:
        os.replace(folder / name, folder / f"{REMOVED}{name}")
    for gone in folder.glob(f"{REMOVED}generation-*"):
        shutil.rmtree(gone)


def generations(folder: Path) -> list[Path]:
    """The folders of all generations of a record, the earliest first."""
    found = [path for path in folder.glob("generation-*") if re.fullmatch(r"generation-\d+", path.name)]
    return sorted((path for path in found if path.is_dir()), key=lambda path: int(path.name.split("-")[1]))


def _generations(folder: Path) -> list[Generation]:
    return [Generation(path.name, _day(path), _held_alone([path])) for path in generations(folder)]


def _day(generation: Path) -> dt.date | None:
    """The day of the last load that a generation holds; nothing for one that was made, or that cannot be read."""
    try:
        return dt.date.fromisoformat(json.loads((generation / MANIFEST).read_text("utf-8"))["loads"][-1]["day"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _held_alone(folders: Iterable[Path]) -> int:
    """How many bytes these folders hold of which there is no further link anywhere."""
    links: dict[tuple[int, int], int] = {}
    freed = 0
    for path in (path for folder in folders for path in folder.rglob("*")):
        about = path.lstat()
        if not path.is_dir():
            file = about.st_dev, about.st_ino
            links[file] = links.get(file, 0) + 1
            if links[file] == about.st_nlink:
                freed += about.st_size
    return freed
