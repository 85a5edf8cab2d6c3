"""Lives: the people of one practice as persons with a beginning and an end, from the events of the engine.

The engine has places: when a person moves away, another of the same age and sex takes the place. A record has persons.
So a place of the engine is one person after another, each registered for a time of their own.

Everything that the engine counts by year stays in its year: a stay in hospital begins and ends in the year in which it
is counted, while its person is alive and registered. Where the draws say otherwise the stay begins earlier; where there
is no room for that (who dies early in a year after a long stay) the end of the life, or of the registration, is later.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from accord.simulation.draws import WRITTEN, uniform
from accord.simulation.events import DIED, ELECTIVE, EMERGENCY, MOVED, WEAKENED, WORSENED, Events
from accord.simulation.people import CELLS, FIFTHS, People

NEVER = np.int64(1 << 40)
"""The day of what does not happen (days are counted from 1 January 1970)."""

Days = NDArray[np.int64]
Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Chance:
    """Draws of one practice for what is written about it: by purpose, and by the number of what is drawn for."""

    practice: int
    seed: int

    def uniform(self, purpose: int, numbers: Places) -> NDArray[np.float64]:
        """Four uniform draws for each number, never 0 or 1; the practice is the third word of the counter."""
        counters = np.empty((len(numbers), 4), np.uint32)
        counters[:, 0], counters[:, 1] = numbers & 0xFFFFFFFF, numbers >> 32
        counters[:, 2], counters[:, 3] = self.practice, WRITTEN + purpose
        return uniform(counters, self.seed)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days of the months of a run: ``first[m]`` is the first day of month ``m`` (0 is the start), as days."""

    start: dt.date
    years: int
    first: Days

    @property
    def begin(self) -> int:
        """The first day."""
        return int(self.first[0])

    @property
    def end(self) -> int:
        """The first day after the last year."""
        return int(self.first[12 * self.years])


def calendar(start: dt.date, years: int) -> Calendar:
    """The days of a run that starts on the first of a month."""
    return Calendar(start, years, month_days(start, np.arange(12 * years + 2)))


def month_days(start: dt.date, months: NDArray[np.int64]) -> Days:
    """The first day of the month so many months after the start."""
    first = np.datetime64(f"{start:%Y-%m}") + months.astype("timedelta64[M]")
    return first.astype("datetime64[D]").astype(np.int64)


@dataclass(frozen=True, slots=True)
class Lives:
    """The persons of one practice, and which of them each event belongs to.

    Attributes:
        slot: each person's place in the engine; ``since`` to ``until``: registered from, and no longer from.
        born: day of birth; ``died``: day of death, or ``NEVER``.
        months: age in months at the start of the run (negative: born in it).
        sex: 0 female, 1 male; ``fifth``: 1 to 5.
        state: state on arrival; ``arrived``: the day on which that was so (the start, for who was there).
        here: whether the person was there at the start.
        person: for each event, its person.
        day: for each event, its day.
        until_day: for each stay, the day of discharge (for other events the day itself).
        died_in: for each event, whether the person died at the end of that stay.
    """

    slot: Places
    since: Days
    until: Days
    born: Days
    died: Days
    months: NDArray[np.int64]
    sex: NDArray[np.int64]
    fifth: NDArray[np.int64]
    state: NDArray[np.int64]
    arrived: Days
    here: NDArray[np.bool_]
    person: Places
    day: Days
    until_day: Days
    died_in: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.slot)

    @property
    def last(self) -> Days:
        """The day after the last on which each is there: the day after death, or ``until``."""
        return np.minimum(self.until, self.died + 1)

    def age(self, persons: Places, day: Days) -> NDArray[np.int64]:
        """Ages in years on days, to within a day or two; 0 to 100."""
        return np.clip((day - self.born[persons]) * 4 // 1461, 0, 100)


def lives(
    people: People,
    happened: Events,
    days: Calendar,
    chance: Chance,
    *,
    moves: float,
    stays: Days,
    hospital_death: float,
) -> Lives:
    """The persons of one practice.

    Args:
        people: the people of that practice alone.
        happened: their events.
        days: the days of the run.
        chance: the practice's draws.
        moves: share of the list that leaves in a year: how long those who are there have been.
        stays: for each event, days in hospital (as events have them, and those given to elective stays).
        hospital_death: share of those admitted in the month of their death who die in hospital.
    """
    total = 12 * days.years
    slot, month, kind = happened.person, happened.month.astype(np.int64), happened.kind
    moved = kind == MOVED
    # who was in the place: as many persons later as have left before the event's month
    keys = np.sort(slot[moved] * (total + 1) + month[moved])
    before = np.searchsorted(keys, slot * (total + 1) + month, side="left")
    later = before - np.searchsorted(keys, slot * (total + 1), side="left")
    gone = np.bincount(slot[moved], minlength=len(people)).astype(np.int64)
    first_of = np.concatenate([[0], np.cumsum(gone + 1)])
    count = int(first_of[-1])
    person = first_of[slot] + later
    of_slot = np.repeat(np.arange(len(people)), gone + 1)
    here = np.zeros(count, bool)
    here[first_of[:-1]] = True
    # states and months of arrival
    state = people.state[of_slot].astype(np.int64)
    month_in = np.zeros(count, np.int64)
    arriving = person[moved] + 1
    state[arriving], month_in[arriving] = happened.state[moved], month[moved] + 1
    months = people.months[of_slot].astype(np.int64)
    newborn = here & (months < 0)
    month_in[newborn] = -months[newborn]
    draw = chance.uniform(0, np.arange(count))
    # births: on a day before anything happens to the child
    day = days.first[month] + happened.day
    first_day = np.full(count, 27, np.int64)
    at_birth = newborn[person] & (month == month_in[person])
    np.minimum.at(first_day, person[at_birth], happened.day[at_birth].astype(np.int64))
    born = month_days(days.start, np.where(months < 0, -months, -months - 1))
    within = np.where(newborn, (draw[:, 0] * (first_day + 1)).astype(np.int64), 1 + (draw[:, 0] * 27).astype(np.int64))
    born = born + within
    arrived = np.where(newborn, born, days.first[np.minimum(month_in, total)])
    long = (-np.log(draw[:, 1]) / moves * 365.25).astype(np.int64)
    since = np.where(here & ~newborn, np.maximum(born, days.begin - long), arrived)
    until = np.full(count, NEVER)
    until[person[moved]] = days.first[month[moved] + 1]
    # deaths: after everything else of the month, or at the end of a stay
    died = np.full(count, NEVER)
    dying = kind == DIED
    died_month = np.full(count, -1, np.int64)
    died_month[person[dying]] = month[dying]
    latest = np.zeros(count, np.int64)
    last_month = (died_month[person] == month) & ~dying
    np.maximum.at(latest, person[last_month], happened.day[last_month].astype(np.int64))
    # who dies in the month of birth, does so on the day of birth or later
    at_once = newborn & (died_month == month_in)
    latest[at_once] = np.maximum(latest, within)[at_once]
    gone_now = person[dying]
    lasts = days.first[month[dying] + 1] - days.first[month[dying]]
    free = lasts - latest[gone_now]
    died[gone_now] = days.first[month[dying]] + latest[gone_now] + (draw[gone_now, 2] * free).astype(np.int64)
    stay = (kind == EMERGENCY) | (kind == ELECTIVE)
    in_hospital = last_month & (kind == EMERGENCY) & (draw[person, 3] < hospital_death)
    leaves = np.full(count, -1, np.int64)
    np.maximum.at(leaves, person[in_hospital], (day + stays)[in_hospital])
    ends = leaves[gone_now] >= 0
    earliest, last = days.first[month[dying]] + latest[gone_now], days.first[month[dying] + 1] - 1
    died[gone_now[ends]] = np.clip(leaves[gone_now[ends]], earliest[ends], last[ends])
    # stays within their year, and within the life
    day, until_day = _placed(person, day, stays, stay, month // 12, days, since, until, died, born, newborn)
    ending = np.flatnonzero(stay & (kind == EMERGENCY) & (until_day == died[person]) & (died[person] < NEVER))
    died_in = np.zeros(len(kind), bool)
    died_in[ending[np.unique(person[ending], return_index=True)[1]]] = True
    cell = people.cell[of_slot].astype(np.int64)
    assert int(cell.max(initial=0)) < CELLS
    return Lives(
        slot=of_slot,
        since=since,
        until=until,
        born=born,
        died=died,
        months=months,
        sex=cell // FIFTHS,
        fifth=cell % FIFTHS + 1,
        state=state,
        arrived=np.where(here & ~newborn, days.begin, arrived),
        here=here & ~newborn,
        person=person,
        day=day,
        until_day=until_day,
        died_in=died_in,
    )


def _placed(
    person: Places,
    day: Days,
    stays: Days,
    stay: NDArray[np.bool_],
    year: NDArray[np.int64],
    days: Calendar,
    since: Days,
    until: Days,
    died: Days,
    born: Days,
    newborn: NDArray[np.bool_],
) -> tuple[Days, Days]:
    """Days of admission and discharge; ``since``, ``until``, ``died`` and ``born`` give way where there is no room."""
    begin, end = days.first[12 * year], days.first[12 * (year + 1)]
    who, length = person[stay], stays[stay]
    first, last = begin[stay], end[stay]
    if (length > last - first - 1).any():
        raise AssertionError("a stay is longer than its year")
    # first the end of the life or of the registration gives way, then its beginning
    room = np.maximum(since[who], first)
    dies = died[who] < last
    np.maximum.at(died, who[dies], np.minimum(room + length, last - 1)[dies])
    leaves = until[who] < last
    np.maximum.at(until, who[leaves], np.minimum(room + length, last)[leaves])
    limit = np.minimum(last, np.minimum(until[who], died[who]))
    admitted = np.minimum(day[stay], limit - length)
    np.minimum.at(since, who, admitted)
    early = newborn[who]
    np.minimum.at(born, who[early], admitted[early])
    out, leaving = day.copy(), day.copy()
    out[stay], leaving[stay] = admitted, admitted + length
    return out, leaving


def changes(happened: Events) -> NDArray[np.bool_]:
    """Which events change a state."""
    return (happened.kind == WORSENED) | (happened.kind == WEAKENED)
