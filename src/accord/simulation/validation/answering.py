"""Answering: a query asked of simulated people, by the engines that everything else runs on.

What is an expected value comes from the cohort engine, for exactly the people that the query names: it has no chance in
it. What is a distribution over people comes from the person engine, with a practice for each drawn person, so that its
counts are those of single people. What behaviour does comes from the library and ``respond``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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
from accord.simulation.validation.query import COUNTED, LONGEST, NOUNS, TIMES, Query, State, Under, Who

Numbers = NDArray[np.float64]

AT_ONCE = 2_000
"""People that are simulated together, each as a practice of its own."""

PARTS = 10
"""Parts of the people that the doubt of a drawn figure is reckoned from."""

POPULATIONS = 4_000
"""Populations that are drawn for the chance that luck alone is paid."""

BLOCK = 100
"""People of whom such populations are put together at once."""

EVERYBODY = State()


@dataclass(frozen=True, slots=True)
class Answer:
    """What simulated people answer. ``doubt`` is the standard error of chance, where people were drawn."""

    value: float
    doubt: float | None = None
    note: str = ""


class Unanswerable(Exception):
    """A query that makes sense, but for which there is nobody, or nothing to divide by."""


@dataclass(slots=True)
class _Lives:
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


class Worlds:
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
        self._lives: dict[Who, _Lives] = {}

    def ask(self, query: Query) -> Answer:
        """The answer to a query; raises Unanswerable where there is nobody or nothing."""
        return _ANSWERS[query.noun](self, query)

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
        chosen = whole.here * _mask(who.state)
        if who.standardised:
            chosen = chosen * _standard(who, whole.here, chosen)
        born = np.zeros_like(whole.births)
        if births and who.state.ages[0] == 0 and not who.standardised:
            born = whole.births * _mask(who.state)[None, :, 0, None, :]
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
        start = self.start(replace(who, state=_both(who.state, below)), births=False)
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
        left = (after.here * _mask(below)).sum(axis=2)[:, 1:]
        new = before - left
        with np.errstate(divide="ignore", invalid="ignore"):
            years = np.where(new > 1e-12, new / -np.log(np.clip(left / before, 1e-12, 1.0)), before)
        pad = ((0, 0), (0, 1))
        return np.pad(new, pad), np.pad(np.nan_to_num(years), pad)

    def deaths(self, who: Who) -> Numbers:
        """The chance of dying within a year by age, ``[AGES]``, of the cells that a query names."""
        whole = self.whole(who).here * _mask(replace(who.state, ages=(0, AGES - 1)))
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

    def lives(self, who: Who, years: int) -> _Lives:
        """People drawn as the query names them, and what each had in some years from its year on."""
        years = max(years, self._ahead.get(who, 0))
        if who not in self._lives or self._lives[who].counts.shape[1] < years:
            self._lives[who] = self._draw(who, years)
        return self._lives[who]

    def _draw(self, who: Who, years: int) -> _Lives:
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
        return _Lives(out, GROUP_OF_AGE[age] * CELLS + cell)

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


# ------------------------------------------------------------------------------------------------------ of whom it asks


def _mask(state: State) -> Numbers:
    """1 where people are of that part, ``[CELLS, AGES, STATES]``."""
    out = np.zeros((CELLS, AGES, STATES))
    cells = [cell_of(sex, fifth) for sex, fifth in product(state.sexes, state.fifths)]
    states = [4 * morbidity + frailty for morbidity, frailty in product(state.morbidity, state.frailty)]
    out[np.ix_(cells, range(state.ages[0], state.ages[1] + 1), states)] = 1.0
    return out


def _both(one: State, other: State) -> State:
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


# --------------------------------------------------------------------------------------------------------- behaviour


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


# ------------------------------------------------------------------------------------------------------- expected ones


def _rate(worlds: Worlds, query: Query) -> Answer:
    per, times = str(query.said["per"]), query.number("times")
    results, people = worlds.expected(query.who, births=per != "people")
    if per in TIMES:
        below = results[RESULTS.index("months")] / 12 * TIMES[per]
    elif per == "people":
        below = people
    else:
        below = sum(float(results[RESULTS.index(name)]) * weight for name, weight in COUNTED[per][1].items())
    if below <= 0:
        raise Unanswerable(f"there are no {per} to divide by")
    return Answer(float(worlds.of(results, query)) / float(below) * times)


def _share(worlds: Worlds, query: Query) -> Answer:
    assert query.state is not None
    start = worlds.start(query.who, births=False).here
    return Answer(100 * float((start * _mask(query.state)).sum() / start.sum()))


def _part_of(worlds: Worlds, query: Query) -> Answer:
    assert query.state is not None
    mine, _ = worlds.expected(replace(query.who, state=_both(query.who.state, query.state)))
    whole, _ = worlds.expected(query.who)
    return Answer(100 * _over(float(worlds.of(mine, query)), float(worlds.of(whole, query))))


def _onset(worlds: Worlds, query: Query) -> Answer:
    new, years = worlds.onsets(query)
    return Answer(_over(float(new.sum()), float(years.sum()) * TIMES[str(query.said["per"])]) * query.number("times"))


def _mean_age(worlds: Worlds, query: Query) -> Answer:
    if query.state is not None:
        by_age = worlds.onsets(query)[0].sum(axis=0)
    elif query.thing is None:
        by_age = worlds.start(query.who, births=False).here.sum(axis=(0, 2))
    else:
        by_age = worlds.of(worlds.by_age(query.who), query).sum(axis=0)
    return Answer(_over(float((by_age * np.arange(AGES)).sum()), float(by_age.sum())))


def _age_when(worlds: Worlds, query: Query) -> Answer:
    assert query.state is not None
    here = worlds.start(query.who, births=False).here
    with np.errstate(invalid="ignore", divide="ignore"):
        share = 100 * (here * _mask(query.state)).sum(axis=(0, 2)) / here.sum(axis=(0, 2))
    level = query.number("at")
    reached = np.flatnonzero((share[:-1] < level) & (share[1:] >= level))
    if not len(reached):
        raise Unanswerable(f"at no age do {level:g} per cent of people come to it")
    age = int(reached[0])
    return Answer(float(age + (level - share[age]) / (share[age + 1] - share[age])))


def _life_expectancy(worlds: Worlds, query: Query) -> Answer:
    chance = worlds.deaths(query.who)
    alive = np.concatenate([[1.0], np.cumprod(1 - chance)])
    lived = (alive[:-1] + alive[1:]) / 2
    lived[-1] = alive[-2] * (1 / chance[-1] - 0.5)
    if query.state is not None:
        here = worlds.whole(query.who).here * _mask(replace(query.who.state, ages=(0, AGES - 1)))
        share = (here * _mask(query.state)).sum(axis=(0, 2)) / here.sum(axis=(0, 2))
        lived = lived * (1 - (share + np.append(share[1:], share[-1])) / 2)
    age = int(query.number("at"))
    return Answer(float(lived[age:].sum() / alive[age]))


def _effect(worlds: Worlds, query: Query) -> Answer:
    after, before = _rate(worlds, query), _rate(worlds, replace(query, who=replace(query.who, under=None)))
    return Answer(100 * (_over(after.value, before.value) - 1))


def _answer(worlds: Worlds, query: Query) -> Answer:
    response, year = worlds.response(query.who), query.who.year - 1
    assert response is not None
    match query.said["of"]:
        case "achievement":
            return Answer(float(response.moved[year]))
        case "adjustments":
            return Answer(100 * float(response.taken_out[year]))
        case "expected":
            return Answer(100 * (float(response.expected[year]) - 1))
        case "registers":
            return Answer(100 * (float(response.found[year]) - 1))
        case _:
            taking = list(response.takes_part.values())
            return Answer(100 * float(np.mean(taking[0])) if taking else 100.0)


# ---------------------------------------------------------------------------------------------------------- of several


def _over(above: float, below: float) -> float:
    if below == 0:
        raise Unanswerable("there is nothing to divide by")
    return float(above / below)


def _pair(worlds: Worlds, query: Query) -> tuple[Answer, Answer]:
    first, second = query.parts
    return worlds.ask(first), worlds.ask(second)


def _together(*doubts: float | None) -> float | None:
    known = [doubt for doubt in doubts if doubt is not None]
    return float(np.sqrt(sum(doubt**2 for doubt in known))) if known else None


def _ratio(worlds: Worlds, query: Query) -> Answer:
    a, b = _pair(worlds, query)
    value = _over(a.value, b.value)
    relative = _together(*(None if one.doubt is None else one.doubt / one.value for one in (a, b) if one.value))
    return Answer(value, None if relative is None else relative * abs(value))


def _percent_change(worlds: Worlds, query: Query) -> Answer:
    ratio = _ratio(worlds, query)
    return Answer(100 * (ratio.value - 1), None if ratio.doubt is None else 100 * ratio.doubt)


def _difference(worlds: Worlds, query: Query) -> Answer:
    a, b = _pair(worlds, query)
    return Answer(a.value - b.value, _together(a.doubt, b.doubt))


def _sum(worlds: Worlds, query: Query) -> Answer:
    found = [worlds.ask(part) for part in query.parts]
    return Answer(sum(one.value for one in found), _together(*(one.doubt for one in found)))


def _fifths(worlds: Worlds, query: Query) -> tuple[Numbers, Numbers, Numbers]:
    """A rate by fifth, each fifth's share of the people, and where its middle lies from most to least deprived."""
    part = query.parts[0]
    rates, people = np.zeros(FIFTHS), np.zeros(FIFTHS)
    for n in range(FIFTHS):
        who = replace(part.who, state=replace(part.who.state, fifths=(n + 1,)))
        rates[n] = worlds.ask(replace(part, who=who)).value
        people[n] = worlds.start(replace(who, standardised=""), births=False).here.sum()
    share = people / people.sum()
    return rates, share, np.cumsum(share) - share / 2


def _slope_index(worlds: Worlds, query: Query) -> Answer:
    rates, share, rank = _fifths(worlds, query)
    middle, mean = (share * rank).sum(), (share * rates).sum()
    slope = (share * (rank - middle) * (rates - mean)).sum() / (share * (rank - middle) ** 2).sum()
    return Answer(-float(slope))


def _relative_index(worlds: Worlds, query: Query) -> Answer:
    rates, share, _ = _fifths(worlds, query)
    return Answer(_over(_slope_index(worlds, query).value, float((share * rates).sum())))


def _concentration_index(worlds: Worlds, query: Query) -> Answer:
    rates, share, rank = _fifths(worlds, query)
    mean = float((share * rates).sum())
    return Answer(_over(2 * float((share * rates * rank).sum()), mean) - 1)


# ------------------------------------------------------------------------------------------------------ distributions


def _drawn(statistic: Callable[[Query, Numbers, Numbers | None], float]) -> Callable[[Worlds, Query], Answer]:
    """A figure of what each person had, and its doubt from parts of the people."""

    def answer(worlds: Worlds, query: Query) -> Answer:
        amounts, weights = worlds.amounts(query)
        value = statistic(query, amounts, weights)
        if weights is not None:
            return Answer(value)
        parts = [statistic(query, amounts[n::PARTS], None) for n in range(PARTS)]
        return Answer(value, float(np.nanstd(parts, ddof=1) / np.sqrt(PARTS)))

    return answer


def _quantile(values: Numbers, at: float, weights: Numbers | None) -> float:
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(np.ones(len(values)) if weights is None else weights[order])
    return float(values[order][np.searchsorted(mass, at / 100 * mass[-1] * (1 - 1e-12))])


def _limited(query: Query, values: Numbers) -> Numbers:
    if "limit" in query.said:
        return np.minimum(values, query.number("limit"))
    if "limit_percentile" in query.said:
        return np.minimum(values, _quantile(values, query.number("limit_percentile"), None))
    return values


def _mean_of(query: Query, amounts: Numbers, weights: Numbers | None) -> float:
    return float(np.average(_limited(query, amounts[:, 0]), weights=weights))


def _sd_of(query: Query, amounts: Numbers, weights: Numbers | None) -> float:
    values = _limited(query, amounts[:, 0])
    mean = np.average(values, weights=weights)
    return float(np.sqrt(np.average((values - mean) ** 2, weights=weights)))


def _cv_of(query: Query, amounts: Numbers, weights: Numbers | None) -> float:
    return _over(_sd_of(query, amounts, weights), _mean_of(query, amounts, weights))


def _gini_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    values = np.sort(_limited(query, amounts[:, 0]))
    n = len(values)
    return _over(float(((2 * np.arange(1, n + 1) - n - 1) * values).sum()), float(n * values.sum()))


def _top_share_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    values = np.sort(amounts[:, 0])[::-1]
    upto = np.concatenate([[0.0], np.cumsum(values)])
    return 100 * _over(float(np.interp(len(values) * query.number("top") / 100, np.arange(len(upto)), upto)), upto[-1])


def _percentile_of(query: Query, amounts: Numbers, weights: Numbers | None) -> float:
    return _quantile(amounts[:, 0], query.number("at"), weights)


def _with_none_of(_query: Query, amounts: Numbers, _: Numbers | None) -> float:
    return 100 * float((amounts[:, 0] == 0).mean())


def _share_above_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    return 100 * float((amounts[:, 0] > query.number("above")).mean())


def _part_above_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    values = amounts[:, 0]
    return 100 * _over(float(values[values > query.number("above")].sum()), float(values.sum()))


def _kept_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    return 100 * _over(float(_limited(query, amounts[:, 0]).sum()), float(amounts[:, 0].sum()))


def _correlation_of(_query: Query, amounts: Numbers, _: Numbers | None) -> float:
    return float(np.corrcoef(amounts[:, 0], amounts[:, -1])[0, 1])


def _top(query: Query, values: Numbers) -> NDArray[np.bool_]:
    """Who is in the top so many per cent; nobody who has none."""
    number = max(1, round(len(values) * query.number("top") / 100))
    out = np.zeros(len(values), bool)
    out[np.argsort(-values, kind="stable")[:number]] = True
    return out & (values > 0)


def _stays_in_top_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    first, last = _top(query, amounts[:, 0]), _top(query, amounts[:, -1])
    return 100 * _over(float((first & last).sum()), float(first.sum()))


def _again_of(_query: Query, amounts: Numbers, _: Numbers | None) -> float:
    first = amounts[:, 0] > 0
    return 100 * _over(float((first & (amounts[:, -1] > 0)).sum()), float(first.sum()))


def _next_year_of(query: Query, amounts: Numbers, _: Numbers | None) -> float:
    first = _top(query, amounts[:, 0])
    return 100 * _over(float(amounts[first, -1].sum()), float(amounts[first, 0].sum()))


# ------------------------------------------------------------------------------------------------------ noise and luck


def _deviations(worlds: Worlds, query: Query) -> Numbers:
    """By how much each person's year differs from what it is compared with, over the mean of all."""
    amounts, _ = worlds.amounts(query)
    now = _limited(query, amounts[:, -1])
    mean = float(now.mean())
    if mean == 0:
        raise Unanswerable("nobody among the people drawn has any")
    if query.said.get("compared") == "last year":
        difference = now - _limited(query, amounts[:, 0])
    elif query.said.get("adjusted") == "true":
        group = worlds.lives(query.who, 1).group
        expected = np.bincount(group, now, GROUPS) / np.maximum(np.bincount(group, minlength=GROUPS), 1)
        difference = now - expected[group]
    else:
        difference = now
    return (difference - difference.mean()) / mean


def _of_one(worlds: Worlds, query: Query) -> tuple[float, float]:
    each = _deviations(worlds, query)
    parts = [each[n::PARTS].std() for n in range(PARTS)]
    return float(each.std()), float(np.std(parts, ddof=1) / np.sqrt(PARTS))


def _system(worlds: Worlds, query: Query) -> float:
    """The standard deviation of what moves everybody together, as a share."""
    if query.said.get("system") != "true":
        return 0.0
    built_in = worlds.model(query.who)
    both = np.sqrt(2 * (1 - built_in.value("system_memory"))) if query.said.get("compared") == "last year" else 1.0
    return built_in.value("system_noise") * float(both)


def _noise_of_one(worlds: Worlds, query: Query) -> Answer:
    if query.said.get("system") == "true":
        raise Unanswerable("what moves a whole system does not shrink with people: ask noise of so many people")
    return Answer(*_of_one(worlds, query))


def _noise(worlds: Worlds, query: Query) -> Answer:
    one, doubt = _of_one(worlds, query)
    people = query.number("people")
    value = np.sqrt(one**2 / people + _system(worlds, query) ** 2)
    return Answer(100 * float(value), 100 * float(one * doubt / people / value))


def _luck(worlds: Worlds, query: Query) -> Answer:
    each = _deviations(worlds, query)
    rng = np.random.Generator(np.random.Philox(worlds.seed + 1))
    people = int(query.number("people"))
    block = min(BLOCK, people)
    # populations of blocks of people drawn beforehand: large ones take no longer than small ones
    blocks = rng.choice(each, (20_000, block)).mean(axis=1)
    blocks -= blocks.mean()
    number = max(1, round(people / block))
    at_once = max(1, 4_000_000 // number)
    means = np.concatenate(
        [
            rng.choice(blocks, (min(at_once, POPULATIONS - first), number)).mean(axis=1)
            for first in range(0, POPULATIONS, at_once)
        ]
    )
    saved = -100 * (means + _system(worlds, query) * rng.standard_normal(POPULATIONS))
    paid = float((saved >= query.number("minimum")).mean())
    return Answer(100 * paid, 100 * float(np.sqrt(paid * (1 - paid) / POPULATIONS)))


_ANSWERS: Mapping[str, Callable[[Worlds, Query], Answer]] = {
    "rate": _rate,
    "share": _share,
    "part_of": _part_of,
    "onset": _onset,
    "mean_age": _mean_age,
    "age_when": _age_when,
    "life_expectancy": _life_expectancy,
    "ratio": _ratio,
    "difference": _difference,
    "percent_change": _percent_change,
    "sum": _sum,
    "slope_index": _slope_index,
    "relative_index": _relative_index,
    "concentration_index": _concentration_index,
    "mean": _drawn(_mean_of),
    "sd": _drawn(_sd_of),
    "cv": _drawn(_cv_of),
    "gini": _drawn(_gini_of),
    "top_share": _drawn(_top_share_of),
    "percentile": _drawn(_percentile_of),
    "with_none": _drawn(_with_none_of),
    "share_above": _drawn(_share_above_of),
    "part_above": _drawn(_part_above_of),
    "kept": _drawn(_kept_of),
    "correlation": _drawn(_correlation_of),
    "stays_in_top": _drawn(_stays_in_top_of),
    "again": _drawn(_again_of),
    "next_year": _drawn(_next_year_of),
    "noise": _noise,
    "noise_of_one": _noise_of_one,
    "luck": _luck,
    "effect": _effect,
    "answer": _answer,
}
"""How each kind of figure is answered; the kinds are those of :data:`accord.simulation.validation.query.NOUNS`."""
