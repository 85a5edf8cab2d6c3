"""Populations released: how many people there were on a day, whoever asked: a roster, or the denominator of a rate.

Both count the same people, so that what was given by one is protected together with what the other gives: a roster by
practice beside the denominators of people of 65 and over would otherwise tell, by subtraction, how many are younger.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from accord.language.place import Place
from accord.language.problem import Problem
from accord.measures.card import Ages, Card
from accord.measures.computing import ALL, Period, Session, born_by, called, counted_on
from accord.measures.figures import belonging, levels_of
from accord.measures.register import ReleaseRefused, given_before, notes_of, numbers_of, standing
from accord.measures.suppression import Cell, Given, Leaves, protect
from accord.record.disclosure import STAR, Rules, nearest, rules

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.record.roster import Roster

Told = Sequence[Mapping[str, Any]]
"""Lines of the register."""

KNOWN = "in the table of people"
"""The part of a population that rates are about: a roster counts those without a row in ``people`` too."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something that people of a population are told apart by: a value of it is one part of them.

    ``bands`` and ``sexes`` make two kinds of their own: the ages that bands divide people into, and whether somebody is
    of these ages or sexes at all (``in`` or ``out``). ``name`` is what the part is called among others.
    """

    name: str
    bands: tuple[tuple[int, int | None], ...] = ()
    sexes: tuple[str, ...] = ()

    @property
    def limits(self) -> bool:
        """Whether it says who counts at all."""
        return bool(self.sexes) or self.name.startswith("ages ") or self.name == KNOWN

    def expression(self, day: dt.date) -> str:
        """The part of a member ``r`` of the roster (who lives at ``l``) on a day."""
        if self.sexes:
            one_of = " or ".join(f"r.sex = '{sex}'" for sex in self.sexes)
            return f"case when {one_of} then 'in' else 'out' end"
        if self.bands:
            cases = " ".join(
                f"when {_of_age(low, high, day)} then '{'in' if self.limits else Ages(low, high).name}'"
                for low, high in self.bands
            )
            return f"case {cases} else 'out' end" if self.limits else f"case {cases} end"
        return {
            "sex": "r.sex",
            "deprivation": "l.deprivation",
            KNOWN: "case when r.known is not null then 'in' else 'out' end",
        }[self.name]


def _of_age(low: int, high: int | None, day: dt.date) -> str:
    old_enough = f"r.born <= date '{born_by(day, low)}'"
    return old_enough if high is None else f"{old_enough} and r.born > date '{born_by(day, high + 1)}'"


@dataclass(frozen=True, slots=True)
class Whose:
    """Whom a release counts: registered or resident, of which ages and sexes, by which bands of age, on which days."""

    who: str
    ages: tuple[int, int | None] | None = None
    sexes: tuple[str, ...] = ()
    bands: tuple[tuple[int, int | None], ...] = ()
    on: tuple[tuple[str, str], ...] = ()
    """The day of each period (by its first day), as ISO dates."""
    known: bool = True
    """Whether only people count who have a row in ``people``."""

    @property
    def limits(self) -> frozenset[Part]:
        """What says who counts at all."""
        found = [Part(KNOWN)] if self.known else []
        if self.ages is not None:
            found.append(Part(f"ages {Ages(*self.ages).name}", bands=(self.ages,)))
        if self.sexes:
            found.append(Part(f"of sex {' '.join(self.sexes)}", sexes=self.sexes))
        return frozenset(found)

    def part(self, stratum: str) -> Part:
        """The part that a stratum divides people by."""
        if stratum != "age_band":
            return Part(stratum)
        return Part(f"age_band {' '.join(Ages(*band).name for band in self.bands)}", bands=self.bands)

    def as_json(self) -> dict[str, Any]:
        """What the register keeps."""
        return {
            "who": self.who,
            "ages": self.ages,
            "sexes": self.sexes,
            "bands": self.bands,
            "on": dict(self.on),
            "known": self.known,
        }

    @staticmethod
    def of_json(kept: Mapping[str, Any]) -> Whose:
        """What the register kept."""
        bands = tuple((low, high) for low, high in kept["bands"])
        ages = None if kept["ages"] is None else (kept["ages"][0], kept["ages"][1])
        return Whose(kept["who"], ages, tuple(kept["sexes"]), bands, tuple(kept["on"].items()), kept["known"])


def whose(card: Card, bands: Iterable[Ages], periods: Iterable[Period]) -> Whose:
    """Whom the rates of a card are about, where it counts people on a day."""
    ages = card.population.ages
    return Whose(
        card.population.who,
        None if ages is None else (ages.since, ages.until),
        tuple(card.population.sexes),
        tuple((band.since, band.until) for band in bands),
        tuple((period.label, counted_on(card, period).isoformat()) for period in periods),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """A count of people before its cell is made: which organisations, on which day, of which parts."""

    organisations: frozenset[str]
    day: str
    parts: tuple[tuple[Part, str], ...]
    limits: frozenset[Part]


class Populations:
    """Cells of one population on some days, of a new release and of those before, over the same parts."""

    def __init__(self, mine: Whose, strata: Sequence[str], told: Told, measure: str = "") -> None:
        """``told`` is the register; lines of ``measure`` that do not say whom they count are about the same people."""
        self._mine = mine
        self._days = dict(mine.on)
        self._strata = tuple(mine.part(name) for name in strata)
        self._told = [
            (entry, seen, numbers)
            for entry in told
            for seen, numbers in _told(entry, mine if entry["measure"] == measure else None)
            if seen.day in self._days.values() and _who(entry, mine, measure) == mine.who
        ]
        limits = [mine.limits, *(seen.limits for _, seen, _ in self._told)]
        self._common = frozenset.intersection(*limits)
        self._varying = frozenset.union(*limits) - self._common
        divided = [part for _, seen, _ in self._told for part, _ in seen.parts]
        ordered = sorted(self._varying, key=lambda part: part.name)
        self._parts = tuple(dict.fromkeys([*self._strata, *divided, *ordered]))
        self.lines: Told = list({id(entry): entry for entry, _, _ in self._told}.values())
        """The lines of the register that have to do with these people on these days."""

    def time(self, label: str) -> tuple[str, str]:
        """The day on which a period's people are counted, as the time of a cell."""
        return (f"on {self._days[label]}", "")

    def cell(self, organisations: frozenset[str], label: str, stratum: Sequence[str]) -> Cell:
        """The cell of a new count."""
        parts = tuple(zip(self._strata, stratum, strict=True))
        return self._cell(_Seen(organisations, self._days[label], parts, self._mine.limits))

    def strata_of(self, cell: Cell) -> tuple[tuple[str, str], ...] | None:
        """The strata of a cell by the names that the new release has for them; None where it is about others."""
        names = {part.name: part.name.partition(" ")[0] for part in self._strata}
        mine = {part.name for part in self._mine.limits}
        out: list[tuple[str, str]] = []
        for name, value in cell.strata:
            if name in names:
                out.append((names[name], value))
            elif name not in mine or value != "in":
                return None
        return tuple(out)

    def before(self, by: Rules) -> list[Given]:
        """What was released of these people on these days, the latest of each."""
        found: dict[Cell, Given] = {}
        for _, seen, numbers in self._told:
            cell = self._cell(seen)
            found[cell] = given_before(cell, numbers, by.needed)
        return list(found.values())

    def leaves(self, session: Session) -> Leaves:
        """How many people there are in the finest cells."""
        values: dict[tuple[str, tuple[str, str], tuple[str, ...]], int] = {}
        for day in dict.fromkeys(self._days.values()):
            on = dt.date.fromisoformat(day)
            within = [f"{part.expression(on)} = 'in'" for part in sorted(self._common, key=lambda part: part.name)]
            lives = any(part.name == "deprivation" for part in self._parts)
            named = {part.name: part.expression(on) for part in self._parts}
            for organisation, *parts, people in session.people(self._mine.who, on, named, within, lives=lives):
                values[called(organisation), (f"on {day}", ""), tuple(called(part) for part in parts)] = people
        return Leaves(tuple(part.name for part in self._parts), values)

    def _cell(self, seen: _Seen) -> Cell:
        pairs = [(part.name, value) for part, value in seen.parts]
        pairs += [(part.name, "in") for part in sorted(seen.limits & self._varying, key=lambda part: part.name)]
        return Cell(seen.organisations, (f"on {seen.day}", ""), tuple(pairs))


def _who(entry: Mapping[str, Any], mine: Whose, measure: str) -> str | None:
    kept = entry.get("population")
    return kept["who"] if kept else mine.who if entry["measure"] == measure else None


def _told(entry: Mapping[str, Any], other: Whose | None) -> Iterator[tuple[_Seen, Sequence[int]]]:
    """The counts of people in a line of the register."""
    kept = entry.get("population")
    whom = Whose.of_json(kept) if kept else other
    if whom is None:
        return
    on = dict(whom.on)
    places = [frozenset(each) for each in entry["places"]]
    outer = set(entry.get("apart", ()))
    for place, first, _, strata, numbers in entry["cells"]:
        if "denominator" in numbers and first in on:
            parts = tuple(
                (whom.part(name), value)
                for name, value in zip(entry["strata"], strata, strict=True)
                if name not in outer
            )
            yield _Seen(places[place], on[first], parts, whom.limits), numbers["denominator"]


# -- rosters -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ReleasedRoster:
    """People on the first day of each period, as they may leave the boundary, by organisation, and the whole.

    Person-days are not given: together with rounded people they would tell more than either. ``entry`` is what the
    register will say of it.
    """

    rows: tuple[tuple[str, str, str, str], ...]
    """Level, organisation, period (its first day), people. The whole is of the level ``all``, beside the parts."""
    notes: tuple[str, ...]
    entry: Mapping[str, Any] | None

    def table(self) -> pa.Table:
        """The rows as a table of texts."""
        import pyarrow as pa

        names = ("level", "organisation", "period", "people")
        return pa.table({name: pa.array([row[at] for row in self.rows], pa.string()) for at, name in enumerate(names)})


def known_to_register(who: str, by: str) -> bool:
    """Whether the register protects a roster together with other releases of the same people."""
    return by in levels_of(who)


def release_alone(roster: Roster) -> ReleasedRoster:
    """A roster as it may be shown, protected by itself: of people who are attributed, or by area."""
    by = rules()
    given: list[tuple[str, str, str, Given]] = []
    codes = {row: called(row.organisation) for row in roster.rows}
    everybody = frozenset(codes.values())
    whole = roster.whole if roster.by != ALL else ()
    for row, level, name, organisations in [
        *[(row, roster.by, codes[row], frozenset({codes[row]})) for row in roster.rows],
        *[(row, ALL, ALL, everybody) for row in whole],
    ]:
        cell = Cell(organisations, (f"on {row.period.first}", ""), ())
        small = by.small(row.first)
        given.append((level, name, row.period.label, Given(cell, row.first, small, small, by.needed)))
    leaves = Leaves((), {(codes[row], (f"on {row.period.first}", ""), ()): row.first for row in roster.rows})
    protect([one for *_, one in given], [], leaves, by)
    return ReleasedRoster(_shown(given, by), tuple(notes_of("people", 0, [one for *_, one in given], (), by)), None)


def _shown(given: Sequence[tuple[str, str, str, Given]], by: Rules) -> tuple[tuple[str, str, str, str], ...]:
    return tuple(
        (level, name, label, STAR if one.star else str(nearest(one.value, by.step)))
        for level, name, label, one in given
    )


def release_roster(session: Session, who: str, by: str, told: Told) -> ReleasedRoster:
    """A roster as it may leave the boundary, together with all that was released before.

    Args:
        session: a session over the periods.
        who: ``registered`` or ``resident``.
        by: a level of organisation that the register knows.
        told: the register.

    Raises:
        ReleaseRefused: with what was released before, it would give small counts away, or those who came and went
            within a month.
    """
    by_rules = rules()
    levels = levels_of(who)
    days = tuple((period.label, period.first.isoformat()) for period in session.periods)
    _check_months(who, [day for _, day in days], told)
    people = Populations(Whose(who, on=days, known=False), (), told)
    leaves, before = people.leaves(session), people.before(by_rules)
    belongs = belonging(session, [by])
    rows: list[tuple[str, str, str, Given]] = []
    for period in session.periods:
        time = people.time(period.label)
        there: dict[str, set[str]] = {}
        for organisation, at, _ in leaves.values:
            if at == time:
                there.setdefault(belongs[by, period.label][organisation], set()).add(organisation)
        whole = frozenset(organisation for each in there.values() for organisation in each)
        places = {(by, name): frozenset(each) for name, each in sorted(there.items())} | {(ALL, ALL): whole}
        for (level, name), organisations in places.items():
            value = sum(n for (code, at, _), n in leaves.values.items() if at == time and code in organisations)
            small = by_rules.small(value)
            cell = people.cell(organisations, period.label, ())
            rows.append((level, name, period.label, Given(cell, value, small, small, by_rules.needed)))
    kept, changed = standing([one for *_, one in rows], before, by_rules, _one)
    fresh = [one for one in kept if not one.locked]
    places = everywhere(session, levels, {key[0] for key in leaves.values}) if before else ()
    if lost := protect(fresh, before, leaves, by_rules, places):
        raise ReleaseRefused(_would_tell(who, len(lost), people.lines))
    given = [(level, name, label, one) for (level, name, label, _), one in zip(rows, kept, strict=True)]
    notes = notes_of("people", changed, kept, people.lines if before else (), by_rules)
    return ReleasedRoster(_shown(given, by_rules), tuple(notes), _entry(session, who, by, given, days))


def _check_months(who: str, days: Sequence[str], told: Told) -> None:
    """Refuse a second day of a month: from one day to the next few come or go, so the difference tells of each.

    Raises:
        ReleaseRefused: with the day that was released.
    """
    released = {
        day: str(entry["day"])
        for entry in told
        if entry["measure"] == _named(who)
        for _, day in Whose.of_json(entry["population"]).on
    }
    for day in days:
        for other in sorted(released):
            if other != day and other[:7] == day[:7]:
                message = (
                    f"the {who} population of {day} was asked for, and that of {other} released on {released[other]}: "
                    "two days of one month would tell of those who came or went in between"
                )
                fix = f"release one day of each month; of this one, {other}"
                raise ReleaseRefused(Problem(Place("accord roster", 0, 0), message, fix))


def _named(who: str) -> str:
    """What the register calls the roster of a population."""
    return f"the {who} population"


def _one(time: tuple[str, str]) -> int:
    del time
    return 1


def everywhere(session: Session, levels: Sequence[str], found: Iterable[str]) -> tuple[frozenset[str], ...]:
    """The organisations of every level, as sets of the lowest (those found), whether figures are given of them or not.

    ``levels`` go from the lowest to all.
    """
    lowest = frozenset(found)
    out = {lowest}
    for members in belonging(session, levels[1:-1]).values():
        above: dict[str, set[str]] = {}
        for organisation in lowest:
            above.setdefault(members[organisation], set()).add(organisation)
        out |= {frozenset(each) for each in above.values()}
    return tuple(sorted(out, key=sorted))  # in one order, so that the same is withheld each time


def _would_tell(who: str, lost: int, told: Told) -> Problem:
    days = ", ".join(dict.fromkeys(str(one["day"]) for one in told))
    message = (
        f"together with what was released before ({days or 'nothing'}), this would give away {lost} small counts of "
        f"the {who} population"
    )
    return Problem(Place("accord roster", 0, 0), message, "release the same organisations and days as before")


def _entry(
    session: Session,
    who: str,
    by: str,
    rows: Sequence[tuple[str, str, str, Given]],
    days: tuple[tuple[str, str], ...],
) -> Mapping[str, Any]:
    """What the register says: exact values, so that later releases can be checked; it stays beside the record."""
    places: dict[frozenset[str], int] = {}
    lasts = {period.label: period.last.isoformat() for period in session.periods}
    cells = [
        [
            places.setdefault(one.cell.organisations, len(places)),
            label,
            lasts[label],
            [],
            {"denominator": numbers_of(one)},
        ]
        for _, _, label, one in rows
    ]
    return {
        "measure": _named(who),
        "population": Whose(who, on=days, known=False).as_json(),
        "generation": session.record.generation.name,
        "levels": [by],
        "strata": [],
        "places": [sorted(each) for each in places],
        "cells": cells,
    }
