"""Opt-outs: whose data the record must not use, as the national data opt-out and type 1 objections say.

- **National data opt-out**: confidential patient information about the person is not used beyond their own care. A
  linked record holds it throughout, so no row about the person is taken, whatever its source, and rows that stand are
  withdrawn on the day on which the opt-out became known. (NHS England, National data opt-out operational policy
  guidance; section 7.1 on payments says that these should not need identifiable data, and that opt-outs do not apply
  to what is anonymous: totals that were paid stay paid.)
- **Type 1 objection**: confidential patient information that the general practice holds is not to leave the practice
  beyond the person's own care. No row of the tables that come out of the practice's records is taken, and those that
  stand are withdrawn. Registrations, births, deaths and addresses stay: they come from the registration service, say
  nothing about health, and the practice is paid for everybody on its list. Hospital and other data are not touched.

A list holds for good until a newer list of its kind is given, which replaces it: who is no longer on it may be loaded
again. A list that names nobody would lift every opt-out, so it must say so: an empty one is refused. People on a list
are counted, never named; the record keeps their pseudonyms, so that later loads know them.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record.pseudonym import KeyChain, checked_numbers
from accord.record.source import NHS

if TYPE_CHECKING:
    import pyarrow as pa

Kind = Literal["national", "type 1"]
"""The two kinds of opt-out."""

KINDS: tuple[Kind, ...] = ("national", "type 1")

FOLDER = "opt_outs"
"""The folder of a generation that holds the pseudonyms of the lists that hold."""

LISTS: Mapping[Kind, str] = {"national": "national data opt-outs", "type 1": "type 1 objections"}
"""What the lists are called."""

REASONS: Mapping[Kind, str] = {
    "national": "national data opt-out",
    "type 1": "type 1 objection to data leaving the general practice",
}
"""What is said of rows that are not taken."""


@dataclass(frozen=True, slots=True)
class OptOuts:
    """The lists that hold: pseudonyms of people for each kind."""

    people: Mapping[Kind, frozenset[int]]

    @property
    def digest(self) -> str:
        """Text that differs when the lists do."""
        import hashlib

        content = repr([(kind, sorted(self.people.get(kind, ()))) for kind in KINDS])
        return hashlib.sha256(content.encode()).hexdigest()

    def replaced(self, newer: Mapping[Kind, frozenset[int]]) -> OptOuts:
        """These lists, with newer ones in the place of those of their kind."""
        return OptOuts({**self.people, **newer})

    def rows(self) -> pa.Table:
        """The lists as a table of ``person`` and ``kind``."""
        import pyarrow as pa

        pairs = [(person, kind) for kind in KINDS for person in sorted(self.people.get(kind, ()))]
        columns = ([person for person, _ in pairs], [kind for _, kind in pairs])
        return pa.table(columns, schema=pa.schema([("person", pa.int64()), ("kind", pa.string())]))


NOBODY = "nobody"
"""The only line of a list on which nobody stands any longer."""

SHRINKS = 10
"""A list that is shorter than the one before by more than one in so many is warned of."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """A list that took the place of another: how many people were on it, and are."""

    kind: Kind
    before: int
    now: int

    def warning(self) -> Problem | None:
        """What to look at when the list is much shorter than the one before."""
        if self.now * SHRINKS >= self.before * (SHRINKS - 1):
            return None
        what = f"the list of {LISTS[self.kind]} has {self.now:,} people, and had {self.before:,}"
        return Problem(
            Place("", 0, 0), what, "was it cut off? Who is no longer on it can be loaded again; load the whole list",
            "warning",
        )  # fmt: skip


def read_list(files: Sequence[Path], keys: KeyChain) -> frozenset[int]:
    """The pseudonyms of the people on a list: one identifier a line, an NHS number unless a second column says else.

    A first line with the heading ``identifier`` (and ``numbering``) may stand; ``numbering`` is the short name of
    another numbering, as ``omop``. A line that holds no identifier stops the load: an opt-out is never skipped. A list
    on which nobody stands has the one line ``nobody``.

    Raises:
        DataRefused: a line is not an identifier, there is none, or the file cannot be read.
    """
    people: set[int] = set()
    for file in files:
        lines = _lines(file)
        if not lines:
            what, fix = (
                "this list names nobody, which would lift every opt-out",
                "if that is meant, write the line: nobody",
            )
            raise DataRefused(Problem(Place(str(file), 0, 0), what, fix))
        if [identifier.casefold() for _, identifier, _ in lines] == [NOBODY]:
            continue
        for numbering in sorted({numbering for _, _, numbering in lines}):
            chosen = [(line, identifier) for line, identifier, each in lines if each == numbering]
            pseudonyms = keys.persons([identifier for _, identifier in chosen], numbering)
            if None in pseudonyms:
                # to say which, each is looked at on its own
                for line, identifier in chosen:
                    checked_numbers([identifier], str(file), numbering, line)
            people.update(person for person in pseudonyms if person is not None)
    return frozenset(people)


def _lines(file: Path) -> list[tuple[int, str, str]]:
    try:
        text = file.read_text("utf-8-sig")
    except OSError as error:
        raise DataRefused(Problem(Place(str(file), 0, 0), "this list cannot be read", "is it there?")) from error
    except UnicodeDecodeError as error:
        problem = Problem(Place(str(file), 0, 0), "this is not text in UTF-8", "save it as CSV in UTF-8")
        raise DataRefused(problem) from error
    found: list[tuple[int, str, str]] = []
    reader = csv.reader(text.splitlines())
    for number, cells in enumerate(reader, 1):
        cells = [cell.strip() for cell in cells]
        if not any(cells) or (number == 1 and cells[0].casefold() in ("identifier", "nhs_number", "nhs number")):
            continue
        found.append((number, cells[0], (cells[1] if len(cells) > 1 else "") or NHS))
    return found


def read_opt_outs(generation: Path) -> OptOuts:
    """The lists that a generation of a record keeps."""
    import pyarrow.parquet as pq

    people: dict[Kind, set[int]] = {kind: set() for kind in KINDS}
    for file in sorted((generation / FOLDER).glob("*.parquet")):
        for row in pq.read_table(file).to_pylist():
            people[row["kind"]].add(row["person"])
    return OptOuts({kind: frozenset(each) for kind, each in people.items()})
