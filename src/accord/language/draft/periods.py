"""Reads the term and the keys, and lays out the periods of the term."""

from __future__ import annotations

import datetime as dt
import re

from accord.language import calendar
from accord.language.contract import Key, PeriodItem, Term
from accord.language.draft.written import Written, as_record, entries_of, scalar_at, scalars_of, word_at
from accord.language.problem import nearest
from accord.language.text import Entries, Items, Scalar


class PeriodReader:
    """The term, the keys and their periods."""

    def __init__(self, written: Written) -> None:
        self.written = written

    def term(self, root: Entries) -> None:
        """Read the term."""
        tree = root.get("term")
        if not isinstance(tree, Entries):
            return
        first, last, history = (self.written.date(tree.get(name)) for name in ("from", "to", "history"))
        if first is None or last is None:
            return
        if last < first:
            self.written.problem(tree.get("to") or tree, f"the term ends on {last}, before it begins on {first}")
            return
        if history is not None and history > first:
            self.written.problem(
                tree.get("history") or tree, f"history begins on {history}, after the term begins on {first}"
            )
            return
        if last.year - (history or first).year > 200:
            self.written.problem(tree.get("to") or tree, "a term of more than 200 years is surely a slip")
            return
        self.written.draft.term = Term(first, last, history)

    def keys(self, root: Entries) -> None:
        """Read the keys, and lay out the periods among them."""
        draft = self.written.draft
        for name, spec in entries_of(root.get("keys")):
            record = as_record(spec)
            items: tuple[PeriodItem, ...] = ()
            every, starts = scalar_at(record, "every"), record.get("starts")
            if draft.term is not None and every is not None and re.fullmatch(r"\d+ (?:months?|years?)", every.value):
                items = self._regular(name.value, every, draft.term)
            elif draft.term is not None and isinstance(starts, Items):
                items = self._listed(starts, draft.term)
            if (every is not None or starts is not None) and not items:
                draft.broken.add(name.value)
            within = word_at(record, "in") or None
            draft.keys[name.value] = Key(name.value, name.place, items, within, word_at(record, "title"))
        for name, spec in entries_of(root.get("keys")):
            key = draft.keys[name.value]
            outer = draft.keys.get(key.within or "")
            where = scalar_at(as_record(spec), "in")
            if key.within is None or where is None or key.name in draft.broken or key.within in draft.broken:
                continue
            if outer is None or not outer.is_period or not key.is_period:
                self.written.problem(
                    where, f"{key.within} is not a period of this contract", nearest(key.within, draft.keys)
                )
                draft.broken.add(key.name)
                continue
            stray = [
                item
                for item in key.items
                if not any(year.first <= item.first and item.last <= year.last for year in outer.items)
            ]
            if stray:
                self.written.problem(
                    where, f"the {key.name} that begins {stray[0].first} does not lie inside one {outer.name}"
                )
                draft.broken.add(key.name)
            named = tuple(calendar.name_within(item, outer.items) for item in key.items)
            draft.keys[key.name] = Key(key.name, key.place, named, key.within, key.title)
        for key in draft.keys.values():
            seen = {key.name}
            outer_name = key.within
            while outer_name in draft.keys:
                if outer_name in seen:
                    self.written.problem(key.place, f"{key.name} lies in itself")
                    draft.broken |= seen
                    break
                seen.add(outer_name)
                outer_name = draft.keys[outer_name].within

    def _regular(self, name: str, every: Scalar, term: Term) -> tuple[PeriodItem, ...]:
        count, word = every.value.split()
        months = int(count) * (12 if word.startswith("year") else 1)
        if not 1 <= months <= 1200:
            self.written.problem(every, f"a period of {count} {word} is no length for a period")
            return ()
        if term.start.day > 28:
            self.written.problem(
                every,
                f"the term begins on day {term.start.day}, which not every month has",
                "begin the term on the first of a month, or list the first days: starts: [ … ]",
            )
            return ()
        items = calendar.regular_periods(term.start, term.last, months)
        if items[-1].last > term.last:
            self.written.problem(
                every,
                f"the last {name} would end on {items[-1].last}, after the term ends on {term.last}",
                "end the term with a whole period, or list the first days: starts: [ … ]",
            )
            return ()
        if term.first not in {item.first for item in items} and term.first != term.start:
            self.written.problem(
                every, f"no {name} begins on {term.first}, the first day of the term", "choose a history that fits"
            )
            return ()
        return items

    def _listed(self, starts: Items, term: Term) -> tuple[PeriodItem, ...]:
        days: list[dt.date] = []
        for scalar in scalars_of(starts):
            day = self.written.date(scalar)
            if day is None:
                return ()
            if days and day <= days[-1]:
                self.written.problem(scalar, f"{day} does not come after {days[-1]}", "write the first days in order")
                return ()
            days.append(day)
        if not days or days[0] != term.start or days[-1] > term.last:
            self.written.problem(starts, f"the periods must begin on {term.start} and lie inside the term")
            return ()
        return calendar.listed_periods(days, term.last)
