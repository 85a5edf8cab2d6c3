"""Asked: simulated people as queries name them, made when they are first asked for and kept.

What is an expected value comes from the cohort engine, for exactly the people that the query names: it has no chance in
it. What is a distribution over people comes from the person engine, with a practice for each drawn person, so that its
counts are those of single people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from accord.language.text import decode, fields_of, read_tree, text_of
from accord.simulation.behaviour import Behaviour, Response, Stakes, library, respond
from accord.simulation.cohort_engine import Cohort, advance, expect
from accord.simulation.model import Model, model
from accord.simulation.people import AGES, BURDENS, CELLS, FIFTHS, STATES, People, cell_of
from accord.simulation.person_engine import multipliers, simulate
from accord.simulation.results import AGE_GROUPS, GROUP_OF_AGE, GROUPS, LAZY, RESULTS
from accord.simulation.tables import LAZY_ONE, ONE, YEARLY, Tables, tables
from accord.simulation.validation.nouns import NOUNS
from accord.simulation.validation.query import LONGEST, Query, State, Under, Who

Numbers = NDArray[np.float64]

AT_ONCE = 2_000
"""People that are simulated together, each as a practice of its own."""

EVERYBODY = State()


class Unanswerable(Exception):
    """A query that makes sense, but for which there is nobody, or nothing to divide by."""


@dataclass(slots=True)
class Lives:
    """Drawn people: what each had in each year ``[people, years, RESULTS]``, and their age groups and cells."""

    counts: NDArray[np.int64]
    group: NDArray[np.int64]


def years_of(query: Query) -> int:
    """How many years people have to be drawn for."""
    if not NOUNS[query.noun].drawn or query.said.get("among") == "admissions":
        return 0
    apart = int(query.number("lag", 1)) if "lag" in NOUNS[query.noun].takes else 0
    if query.said.get("compared") == "last year":
        apart = 1
    return int(query.number("years", 1)) + apart


def drawn_of(query: Query) -> Mapping[Who, int]:
    """Of whom people have to be drawn for a query and the queries in it, and for how many years."""
    out: dict[Who, int] = {query.who: years_of(query)} if years_of(query) else {}
    for part in query.parts:
        for who, years in drawn_of(part).items():
            out[who] = max(out.get(who, 0), years)
    return out


class Asked:
    """Simulated people to ask, made when they are first asked for and kept.

    Args:
        seed: the same seed gives the same answers.
        people: how many people are drawn where a distribution over people is asked.
        ahead: for how many years people are drawn at once, by whom; otherwise as a query needs.
    """

    def __init__(self, seed: int, people: int, ahead: Mapping[Who, int] | None = None) -> None:
        self.seed, self.people = seed, people
        self._ahead = dict(ahead or {})
        self._models: dict[tuple[tuple[str, float], ...], Model] = {}
        self._tables: dict[tuple[tuple[str, float], ...], Tables] = {}
        self._whole: dict[Who, Cohort] = {}
        self._expected: dict[tuple[Who, bool], tuple[Numbers, float]] = {}
        self._by_age: dict[Who, Numbers] = {}
        self._lives: dict[Who, Lives] = {}

    def forget(self, who: Who) -> None:
        """Let go of the people drawn for somebody."""
        self._lives.pop(who, None)

    # ------------------------------------------------------------------------------------------------ expected values

    def model(self, who: Who) -> Model:
        """The model with the figures that a query changes."""
        if who.figures not in self._models:
            self._models[who.figures] = model(dict(who.figures))
        return self._models[who.figures]

    def tables(self, who: Who) -> Tables:
        """The tables of that model."""
        if who.figures not in self._tables:
            try:
                self._tables[who.figures] = tables(self.model(who))
            except ValueError as error:
                raise Unanswerable(f"nobody can be drawn from a model with these figures: {error}") from None
        return self._tables[who.figures]

    def response(self, who: Who) -> Response | None:
        """What behaviour does in each year; none with no contract change."""
        return None if who.under is None else _response(who.under, self.model(who), self._emergency_for_elective(who))

    def _emergency_for_elective(self, who: Who) -> float:
        results, _ = self.expected(Who(who.population, figures=who.figures))
        return float(results[RESULTS.index("emergency")] / results[RESULTS.index("elective")])

    def _change(self, who: Who) -> Numbers | None:
        response = self.response(who)
        return None if response is None else response.change

    def whole(self, who: Who) -> Cohort:
        """Everybody at the start of the query's year, and the births of that year."""
        key = replace(who, state=EVERYBODY, standardised="")
        if key not in self._whole:
            built_in = self.model(who)
            if who.year == 1:
                here = built_in.people[who.population][:, :, None] * built_in.mix
            else:
                before = replace(key, year=who.year - 1)
                change = self._change(who)
                this = None if change is None else change[who.year - 2 : who.year - 1]
                _, after = advance(self.whole(before), built_in, 1, this)
                here = after.here
            self._whole[key] = Cohort(here, _births(here, built_in))
        return self._whole[key]

    def start(self, who: Who, *, births: bool = True) -> Cohort:
        """Those of whom the query asks, at the start of its year; standardised, if it says so."""
        whole = self.whole(who)
        chosen = whole.here * mask(who.state)
        if who.standardised:
            chosen = chosen * _standard(who, whole.here, chosen)
        born = np.zeros_like(whole.births)
        if births and who.state.ages[0] == 0 and not who.standardised:
            born = whole.births * mask(who.state)[None, :, 0, None, :]
        if chosen.sum() + born.sum() <= 0:
            raise Unanswerable("nobody in the model is like that")
        return Cohort(chosen, born)

    def expected(self, who: Who, *, births: bool = True) -> tuple[Numbers, float]:
        """What is expected of somebody in the query's year, by result, and how many they are at its start."""
        if (who, births) not in self._expected:
            start = self.start(who, births=births)
            change = self._change(who)
            this = None if change is None else change[who.year - 1 : who.year]
            results = expect(start, self.model(who), 1, this)[0].sum(axis=0)
            self._expected[who, births] = results, float(start.here.sum())
        return self._expected[who, births]

    def by_age(self, who: Who) -> Numbers:
        """What is expected by cell and single age, ``[CELLS, AGES, RESULTS]``."""
        if who not in self._by_age:
            # an age of each age group at a time, so that the groups of the results tell single ages
            start, built_in = self.start(who), self.model(who)
            change = self._change(who)
            this = None if change is None else change[who.year - 1 : who.year]
            out = np.zeros((CELLS, AGES, len(RESULTS)))
            for turn in range(max(last - first + 1 for first, last in AGE_GROUPS)):
                ages = [first + turn for first, last in AGE_GROUPS if first + turn <= last]
                here = np.zeros_like(start.here)
                here[:, ages] = start.here[:, ages]
                births = start.births if turn == 0 else np.zeros_like(start.births)
                results = expect(Cohort(here, births), built_in, 1, this)[0].reshape(GROUPS // CELLS, CELLS, -1)
                for age in ages:
                    out[:, age] = results[GROUP_OF_AGE[age]]
            self._by_age[who] = out
        return self._by_age[who]

    def of(self, results: Numbers, query: Query) -> Numbers:
        """What the query counts, of an array whose last dimension are the results."""
        assert query.thing is not None
        weights = np.zeros(len(RESULTS))
        for name, weight in query.thing.weights:
            weights[RESULTS.index(name)] = weight
        return np.asarray(results @ weights)

    def onsets(self, query: Query) -> tuple[Numbers, Numbers]:
        """New cases and person-years at risk in a year, by cell and single age ``[CELLS, AGES]``.

        Nobody dies or leaves meanwhile: what is left is the hazard of those at risk.
        """
        who = query.who
        assert query.state is not None
        below = _below(query.state)
        start = self.start(replace(who, state=both(who.state, below)), births=False)
        built_in = self.model(replace(who, figures=(*who.figures, ("moves", 0.0))))
        built_in = replace(built_in, death=np.zeros_like(built_in.death))
        here = start.here.copy()
        here[:, -1] = 0.0  # whose birthdays lead nowhere
        change = self._change(who)
        _, after = advance(
            Cohort(here, np.zeros_like(start.births)),
            built_in,
            1,
            None if change is None else change[who.year - 1 : who.year],
        )
        before = here.sum(axis=2)[:, :-1]
        left = (after.here * mask(below)).sum(axis=2)[:, 1:]
        new = before - left
        with np.errstate(divide="ignore", invalid="ignore"):
            years = np.where(new > 1e-12, new / -np.log(np.clip(left / before, 1e-12, 1.0)), before)
        pad = ((0, 0), (0, 1))
        return np.pad(new, pad), np.pad(np.nan_to_num(years), pad)

    def deaths(self, who: Who) -> Numbers:
        """The chance of dying within a year by age, ``[AGES]``, of the cells that a query names."""
        whole = self.whole(who).here * mask(replace(who.state, ages=(0, AGES - 1)))
        none = np.zeros((1, CELLS, 12, STATES))
        out = np.zeros(AGES)
        for ages in (slice(0, AGES - 1), slice(AGES - 1, AGES)):
            here = np.zeros_like(whole)
            here[:, ages] = whole[:, ages]
            _, after = advance(Cohort(here, none), self.model(who), 1)
            left = after.here.sum(axis=(0, 2))
            out[ages] = 1 - (left[1:] if ages.start == 0 else left[-1:]) / whole[:, ages].sum(axis=(0, 2))
        return out

    # --------------------------------------------------------------------------------------------------- drawn people

    def lives(self, who: Who, years: int) -> Lives:
        """People drawn as the query names them, and what each had in some years from its year on."""
        years = max(years, self._ahead.get(who, 0))
        if who not in self._lives or self._lives[who].counts.shape[1] < years:
            self._lives[who] = self._draw(who, years)
        return self._lives[who]

    def _draw(self, who: Who, years: int) -> Lives:
        here = self.start(who, births=False).here.ravel()
        upto = np.cumsum(here)
        # one person for each equal share, so that ages and states are those of the population
        place = np.searchsorted(upto, (np.arange(self.people) + 0.5) / self.people * upto[-1], side="right")
        rng = np.random.Generator(np.random.Philox(self.seed))
        rng.shuffle(place)
        cell, age, state = np.unravel_index(np.minimum(place, here.size - 1), (CELLS, AGES, STATES))
        months = (age * 12 + rng.integers(0, 12, self.people)).astype(np.int16)
        burden = rng.integers(0, BURDENS, self.people).astype(np.uint8)
        change = self._change(who)
        out = np.empty((self.people, years, len(RESULTS)), np.int64)
        for first in range(0, self.people, AT_ONCE):
            part = slice(first, min(first + AT_ONCE, self.people))
            size = part.stop - first
            people = People(
                np.arange(size + 1, dtype=np.int64),
                months[part],
                cell[part].astype(np.uint8),
                state[part].astype(np.uint8),
                burden[part],
            )
            factors = None
            if change is not None:
                factors = multipliers(1, size, years)
                factors[:] = np.round(change[who.year - 1 : who.year - 1 + years] * ONE).astype(np.uint32)
            outcome = simulate(people, self.tables(who), years, self.seed, factors, first_person=first)
            out[part] = outcome.counts[0].sum(axis=2)
        # frequent contacts are expected numbers, in parts of one: a Poisson number for each person and year
        at = len(RESULTS) - len(LAZY)
        out[..., at:] = rng.poisson(out[..., at:] / LAZY_ONE)
        return Lives(out, GROUP_OF_AGE[age] * CELLS + cell)

    def amounts(self, query: Query) -> tuple[Numbers, Numbers | None]:
        """What each had, ``[people, years]``, after ``years`` and ``among``; and weights, of single admissions."""
        if query.said.get("among") == "admissions":
            return self._admissions(query)
        years = years_of(query)
        lives = self.lives(query.who, years)
        each = self.of(lives.counts[:, :years].astype(float), query)
        together = int(query.number("years", 1))
        if together > 1:
            each = np.stack(
                [each[:, first : first + together].sum(axis=1) for first in range(years - together + 1)], axis=1
            )
        chosen = np.ones(len(each), bool)
        if query.said.get("among") == "users":
            chosen = each[:, 0] > 0
        elif query.said.get("among") == "survivors":
            gone = lives.counts[:, :years, [RESULTS.index("deaths"), RESULTS.index("moves")]].sum(axis=(1, 2))
            chosen = gone == 0
        if not chosen.any():
            raise Unanswerable("nobody among the people drawn has any")
        return each[chosen], None

    def _admissions(self, query: Query) -> tuple[Numbers, Numbers | None]:
        """Costs or stays of single admissions, as the engine draws them, and how many of each there are."""
        assert query.thing is not None
        made, counts = self.tables(query.who), self.by_age(query.who)
        kind = 1 if query.thing.name == "elective_cost" else 0
        number = counts[..., RESULTS.index(("emergency", "elective")[kind])]
        if query.thing.name == "emergency_days":
            values = np.broadcast_to(made.stay[None].astype(float), (CELLS, AGES, YEARLY))
        else:
            values = made.cost[kind][:, :, None] * made.cost_shape[kind][None] / ONE / 100
        weights = np.broadcast_to(number[:, :, None] / YEARLY, values.shape)
        return values.reshape(-1, 1), weights.ravel()


# -- of whom it asks ---------------------------------------------------------------------------------------------------


def mask(state: State) -> Numbers:
    """1 where people are of that part, ``[CELLS, AGES, STATES]``."""
    out = np.zeros((CELLS, AGES, STATES))
    cells = [cell_of(sex, fifth) for sex, fifth in product(state.sexes, state.fifths)]
    states = [4 * morbidity + frailty for morbidity, frailty in product(state.morbidity, state.frailty)]
    out[np.ix_(cells, range(state.ages[0], state.ages[1] + 1), states)] = 1.0
    return out


def both(one: State, other: State) -> State:
    """What is in both of two parts of the people."""

    def common(a: tuple[int, ...], b: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(sorted(set(a) & set(b)))

    ages = max(one.ages[0], other.ages[0]), min(one.ages[1], other.ages[1])
    return State(
        ages,
        common(one.sexes, other.sexes),
        common(one.fifths, other.fifths),
        common(one.morbidity, other.morbidity),
        common(one.frailty, other.frailty),
    )


def _below(reached: State) -> State:
    """Those at risk of coming to a level."""
    if reached.morbidity != EVERYBODY.morbidity:
        return State(morbidity=tuple(range(reached.morbidity[0])))
    return State(frailty=tuple(range(reached.frailty[0])))


def _births(here: Numbers, built_in: Model) -> Numbers:
    """The births of a year ``[1, CELLS, 12, STATES]``: by the women of each fifth, as many girls as boys."""
    out = np.zeros((1, CELLS, 12, STATES))
    for fifth in range(1, FIFTHS + 1):
        women = here[cell_of(0, fifth), 15:45].sum()
        for sex in (0, 1):
            cell = cell_of(sex, fifth)
            out[0, cell] = women * built_in.value("births_per_woman") / 24 * built_in.mix[cell, 0]
    return out


def _standard(who: Who, everybody: Numbers, chosen: Numbers) -> Numbers:
    """Factors that give the chosen the ages (sexes, fifths) of a standard, within the query's ages."""
    ages = np.zeros(AGES)
    ages[who.state.ages[0] : who.state.ages[1] + 1] = 1
    everyone, mine = everybody.sum(axis=2) * ages, chosen.sum(axis=2)
    if who.standardised == "european-2013":
        factor = np.zeros(AGES)
        for (first, last), weight in european_standard().items():
            here = mine[:, first : last + 1].sum()
            factor[first : last + 1] = weight / here if here > 0 else 0
        return factor[None, :, None]
    if who.standardised == "age":
        over: tuple[int, ...] = (0, 1)
    else:
        over = (1,) if who.standardised == "age and sex" else ()
    everyone, mine = everyone.reshape(2, FIFTHS, AGES), mine.reshape(2, FIFTHS, AGES)
    target, have = everyone.sum(axis=over, keepdims=True), mine.sum(axis=over, keepdims=True)
    factor = np.divide(target, have, out=np.zeros_like(target), where=have > 0)
    return np.broadcast_to(factor, (2, FIFTHS, AGES)).reshape(CELLS, AGES, 1)


def european_standard() -> Mapping[tuple[int, int], float]:
    """People of the European Standard Population 2013 by first and last age (``standards.yaml``)."""
    path = Path(__file__).parent / "standards.yaml"
    bands = fields_of(fields_of(read_tree(decode(path.read_bytes(), path.name)))["european-2013"])
    out: dict[tuple[int, int], float] = {}
    for ages, people in fields_of(bands["people"]).items():
        first, _, last = ages.rstrip("+").partition("-")
        out[int(first), AGES - 1 if ages.endswith("+") else int(last or first)] = float(text_of(people))
    return out


# -- behaviour ---------------------------------------------------------------------------------------------------------


def _response(under: Under, built_in: Model, elective_for_emergency: float) -> Response:
    known = library()
    chosen: Sequence[Behaviour] = (
        list(known.values()) if under.behaviours is None else [known[name] for name in under.behaviours]
    )

    def course(now: float, before: float) -> tuple[float, ...]:
        return tuple(now if year <= under.until else before for year in range(1, LONGEST + 1))

    net = {"the contract": under.expects} if under.expects else {}
    now = Stakes(
        course(under.stake, under.was_stake), course(under.pays, under.was_pays), frozenset(under.streams), net
    )
    before = Stakes((under.was_stake,) * LONGEST, (under.was_pays,) * LONGEST, frozenset(under.was_streams))
    return respond(
        chosen,
        now,
        before,
        LONGEST,
        chronic_share=built_in.value("chronic_share"),
        elective_for_emergency=elective_for_emergency,
    )
