"""Explaining: why one person counts in a measure, or does not. Only inside the boundary, and only when asked for.

The rows come from the measure's own select, restricted to the person, so that the reasons are the measure's own; the
frame's reasons (the day, the registration, the age, the sex) are looked up as the frame applies them. Nothing here is
ever written down: neither the pseudonym nor what it stands for appears in a message.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from accord.language.place import Place
from accord.language.problem import AccordError, Problem
from accord.measures.computing import Session, counted_on
from accord.measures.measure import Measure

Verdict = Literal["numerator", "denominator", "excluded", "outside"]
"""``outside``: not in the window, or not in the population on the day."""


class NobodyThere(AccordError):
    """The record has no such person. Exit code 6."""

    exit_code = 6


@dataclass(frozen=True, slots=True)
class Reason:
    """One row of the measure about the person, or one period's population, with what it counts for and why."""

    day: dt.date
    verdict: Verdict
    why: str
    numerator: int = 0
    denominator: int | None = None
    strata: Mapping[str, str | None] | None = None


@dataclass(frozen=True, slots=True)
class Explained:
    """Why a person counts in a measure or does not: rows of the measure, then the population it is divided by."""

    measure: Measure
    rows: tuple[Reason, ...]
    population: tuple[Reason, ...]

    def text(self) -> str:
        """As lines for the terminal."""
        card = self.measure.card
        lines = [f"{card.title} ({card.id}), one person", ""]
        if not self.rows:
            lines.append("  no row of this measure is about this person")
        lines += [f"  {each.day}  {_WORDS[each.verdict]}: {each.why}{_amount(each)}" for each in self.rows]
        if self.population:
            lines += ["", f"  in the population ({card.denominator.rstrip('.')}):"]
            lines += [f"  {each.day}  {_WORDS[each.verdict]}: {each.why}" for each in self.population]
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        """As plain data."""

        def one(each: Reason) -> dict[str, object]:
            strata = {"strata": dict(each.strata)} if each.strata else {}
            return {
                "day": each.day.isoformat(),
                "counts_in": each.verdict,
                "why": each.why,
                "numerator": each.numerator,
                "denominator": each.denominator,
                **strata,
            }

        return {
            "measure": self.measure.id,
            "rows": [one(each) for each in self.rows],
            "population": [one(each) for each in self.population],
        }


_WORDS: Mapping[Verdict, str] = {
    "numerator": "counts in the numerator",
    "denominator": "counts in the denominator only",
    "excluded": "excluded",
    "outside": "does not count",
}


def _amount(reason: Reason) -> str:
    if reason.verdict not in ("numerator", "denominator"):
        return ""
    of = "" if reason.denominator is None else f" of {reason.denominator}"
    return f" ({reason.numerator}{of})"


def explain(session: Session, measure: Measure, person: int) -> Explained:
    """Why a person counts in a measure in the session's window.

    Args:
        session: a session over the record.
        measure: the measure.
        person: the pseudonym (a positive whole number).

    Raises:
        NobodyThere: the record has no such person.
    """
    people = session.about_person("people", person)
    if not people:
        raise NobodyThere(
            Problem(
                Place("--explain", 0, 0), "the record has no person of this pseudonym", "give it as the record does"
            )
        )
    frame = _Frame(session, measure, people[0], session.members_of(measure.card.population.who, person))
    rows = sorted(session.rows_of(measure, person).to_pylist(), key=lambda row: (row["day"], row.get("event") or 0))
    population = frame.population() if measure.card.kind == "rate" else ()
    return Explained(measure, tuple(frame.row(row) for row in rows), tuple(population))


class _Frame:
    """The frame's own reasons, for one person."""

    def __init__(
        self, session: Session, measure: Measure, person: Mapping[str, Any], spans: Sequence[Mapping[str, Any]]
    ) -> None:
        self.session, self.measure, self.card = session, measure, measure.card
        self.born: dt.date = person["born"]
        self.sex: str = person["sex"]
        self.spans = spans

    def row(self, row: Mapping[str, Any]) -> Reason:
        """What one row of the measure counts for."""
        day: dt.date = row["day"]
        numerator, denominator = row["numerator"] or 0, row.get("denominator")
        strata = {name: row[name] for name in self.card.strata}
        against = self._against(day) if "practice" not in row else None
        if against is not None:
            return Reason(day, "outside", against, numerator, denominator, strata)
        if row.get("excluded") is not None:
            return Reason(day, "excluded", row["excluded"], numerator, denominator, strata)
        where = self._where(day)
        if numerator:
            return Reason(
                day, "numerator", f"{self.card.numerator.rstrip('.')}; {where}", numerator, denominator, strata
            )
        words = self.card.denominator.rstrip(".") or "in the population, without an event"
        return Reason(day, "denominator", f"{words}; {where}", numerator, denominator, strata)

    def population(self) -> list[Reason]:
        """Whether the person is in the population of each period."""
        out: list[Reason] = []
        for period in self.session.periods:
            if self.card.population.count == "person-days":
                days = self._days(period.first, period.last + dt.timedelta(1))
                why = f"{days} of {period.days} days of {period.name} there, at an age and sex that count"
                out.append(Reason(period.first, "denominator" if days else "outside", why, 0, days))
                continue
            day = counted_on(self.card, period)
            against = self._against(day, window=False)
            if against is None:
                out.append(Reason(day, "denominator", f"{self._where(day)} (for {period.name})", 0, 1))
            else:
                out.append(Reason(day, "outside", f"{against} (for {period.name})", 0, 0))
        return out

    def _against(self, day: dt.date, window: bool = True) -> str | None:
        """What keeps somebody out of the population on a day; None if nothing does."""
        periods = self.session.periods
        if window and not any(period.first <= day <= period.last for period in periods):
            return f"outside the days asked for ({periods[0].first} to {periods[-1].last})"
        if self._at(day) is None:
            registered = self.card.population.who == "registered"
            return "not registered with any practice on this day" if registered else "not known to live anywhere"
        ages, sexes = self.card.population.ages, self.card.population.sexes
        age = age_on(self.born, day)
        if ages is not None and age not in ages:
            return f"{age} years old, and ages {ages.name} count"
        if sexes and self.sex not in sexes:
            return f"sex is recorded as {self.sex}, and {' and '.join(sexes)} count"
        return None

    def _at(self, day: dt.date) -> str | None:
        return next((span["organisation"] for span in self.spans if span["since"] <= day < span["until"]), None)

    def _where(self, day: dt.date) -> str:
        how = "registered with" if self.card.population.who == "registered" else "living in"
        return f"{age_on(self.born, day)} years old, {how} {self._at(day) or 'nobody known'}"

    def _days(self, first: dt.date, after: dt.date) -> int:
        ages, sexes = self.card.population.ages, self.card.population.sexes
        if sexes and self.sex not in sexes:
            return 0
        days = 0
        for span in self.spans:
            day = max(span["since"], first)
            while day < min(span["until"], after):
                days += ages is None or age_on(self.born, day) in ages
                day += dt.timedelta(1)
        return days


def age_on(born: dt.date, day: dt.date) -> int:
    """Full years on a day; born on 29 February, a year is full on 1 March in other years."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
