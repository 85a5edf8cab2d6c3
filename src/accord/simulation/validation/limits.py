"""Limits: models so plain that theory knows what comes out, run through the same engine as any other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from accord.language.contract import Contract, ScalePoints
from accord.simulation import events as written
from accord.simulation import person_engine, system
from accord.simulation.cohort_engine import cohort, expect
from accord.simulation.counted import rates_of
from accord.simulation.draws import words
from accord.simulation.model import STREAMS, Model, model
from accord.simulation.people import AGES, BANDS, BURDENS, CELLS, DEAD, FRAILTY, STATES, People
from accord.simulation.population import Practice
from accord.simulation.results import GROUPS, LAZY, LAZY_AT, RESULTS
from accord.simulation.tables import LAZY_ONE, YEARLY, gamma_levels, lognormal_levels, tables
from accord.simulation.validation.conservation import bind, still
from accord.simulation.validation.verification import Check, Given, Numbers, Whole, chance_of
from accord.simulation.worlds import settle_worlds

ALIKE = 1e6
"""A shape of the gamma distribution at which everybody's burden is the same, but for a thousandth."""

RATE = 0.2
"""Events a person-year of the plain models: few, as admissions are."""

OFTEN = 18.0
"""Events a person-year where there is more than one a month."""

COST, SPREAD = 100_000, 0.5
"""Mean pence of an admission of the plain models, and its coefficient of variation."""

DYING, WORSENING, WEAKENING = 0.05, 0.24, 0.18
"""Chance of death within a year, and yearly hazards, of the plain models."""

PIECE = 4_000
"""People who are counted one by one at a time."""

POOL, TRIES = 5_000, 40
"""People of a neighbourhood with a gain share, and draws of each."""


def checks(made: Given) -> Iterator[Check]:
    """Every check of this kind."""
    people = of_one_age(len(made.people), made.seed)
    yield from _nothing(made)
    yield from _survival(people, made.seed)
    yield from _constant(people, made.seed)
    yield from _heterogeneous(people, made.seed)
    yield from _compound(people, made.seed)
    yield from _frequent(made.seed)
    yield from _arrivals(people, made)
    yield _luck(len(made.people), made.seed)
    yield from _years(made)
    yield from _words(made.seed)
    yield from _levels(made)


# -------------------------------------------------------------------------------------------------------- plain models


def of_one_age(size: int, seed: int) -> People:
    """People of 40 in one practice, fit and without conditions, with burdens drawn at random."""
    random = np.random.Generator(np.random.Philox(key=seed))
    return People(
        np.array([0, size], np.int64),
        np.full(size, 480, np.int16),
        (np.arange(size) % CELLS).astype(np.uint8),
        np.zeros(size, np.uint8),
        random.integers(0, BURDENS, size, dtype=np.uint8),
    )


def plain(
    rates: Mapping[str, float] | None = None,
    *,
    death: float = 0.0,
    worse: float = 0.0,
    frailer: float = 0.0,
    moves: float = 0.0,
    lasting: float = ALIKE,
    yearly: float = ALIKE,
) -> Model:
    """A model in which everybody has the same rates, hazards and costs, whatever their age, sex, fifth and state."""
    built = model({"burden_shape": lasting, "year_shape": yearly, "moves": moves})
    given = rates or {}
    every, cells = (CELLS, AGES, STATES), (CELLS, AGES)
    worsening, weakening = np.full_like(built.worse, worse), np.full_like(built.frailer, frailer)
    worsening[..., -1] = weakening[..., -1] = 0
    return replace(
        built,
        rate={name: np.full(every, given.get(name, 0.0)) for name in STREAMS},
        cost={name: np.full(cells, float(COST)) for name in built.cost},
        spread={name: np.full(cells, SPREAD) for name in built.spread},
        death=np.full(every, death),
        worse=worsening,
        frailer=weakening,
    )


def one_by_one(people: People, built: Model, seed: int, names: tuple[str, ...], year: int = 0) -> Whole:
    """Results of one year for each person ``[people, names]``: every person is a practice."""
    made, at = tables(built), [RESULTS.index(name) for name in names]
    out = np.empty((len(people), len(names)), np.int64)
    for first in range(0, len(people), PIECE):
        last = min(first + PIECE, len(people))
        some = People(
            np.arange(last - first + 1),
            people.months[first:last],
            people.cell[first:last],
            people.state[first:last],
            people.burden[first:last],
        )
        counts = person_engine.simulate(some, made, 1, seed, first_person=first, first_year=year).counts
        out[first:last] = counts[0, :, 0].sum(axis=1)[:, at]
    return out


# ------------------------------------------------------------------------------------------------- how drawn is judged


@dataclass(frozen=True, slots=True)
class Theory:
    """A distribution of whole numbers: the chance of each from 0 on."""

    chances: Numbers

    @property
    def mean(self) -> float:
        """Its mean."""
        return float(self.chances @ np.arange(len(self.chances)))

    def central(self, power: int) -> float:
        """A central moment."""
        return float(self.chances @ (np.arange(len(self.chances)) - self.mean) ** power)


def thinned(expected: Numbers) -> Theory:
    """Events of a year where a month has the whole part of its expectation, and one more by the chance of the rest.

    ``expected`` are the yearly expectations of people who are equally many.
    """
    monthly = expected / 12
    whole = np.floor(monthly)
    top = int(12 * (whole.max() + 1)) + 1
    out = np.zeros(top)
    for base in np.unique(whole):
        rest = monthly[whole == base] - base
        more = stats.binom.pmf(np.arange(13)[:, None], 12, rest[None, :]).sum(axis=1)
        out[int(12 * base) : int(12 * base) + 13] += more
    return Theory(out / len(expected))


def _drawn(
    name: str, what: str, values: Numbers, mean: float, variance: float, fourth: float, unit: str = ""
) -> Iterator[Check]:
    """Two checks: the mean and the variance of independent draws against theory."""
    size, found, spread = len(values), float(values.mean()), float(values.var(ddof=1))
    errors = (found - mean) / np.sqrt(variance / size)
    yield Check(
        "limits", f"{name}: mean", what, f"{mean:.5g}{unit}", f"{found:.5g}{unit} over {size:,}",
        chance=chance_of(errors),
    )  # fmt: skip
    errors = (spread - variance) / np.sqrt((fourth - variance**2) / size)
    yield Check(
        "limits", f"{name}: variance", what, f"{variance:.5g}", f"{spread:.5g} over {size:,}", chance=chance_of(errors)
    )


def _counted(name: str, what: str, number: int, size: int, chance: float) -> Check:
    """A number of successes of independent tries."""
    expected, error = size * chance, np.sqrt(size * chance * (1 - chance))
    return Check(
        "limits", name, what, f"{expected:,.1f} of {size:,}", f"{number:,}",
        chance=chance_of((number - expected) / max(error, 1e-12)),
    )  # fmt: skip


def _spread_over(name: str, what: str, numbers: Whole, chances: Numbers) -> Check:
    """How many fell into each class, by chi-square; classes of fewer than five are taken together."""
    expected = chances / chances.sum() * numbers.sum()
    few = expected < 5
    mine, theirs = numbers[~few].astype(float), expected[~few]
    if few.any() and expected[few].sum() > 0:
        mine, theirs = np.append(mine, numbers[few].sum()), np.append(theirs, expected[few].sum())
        if theirs[-1] < 5 and len(theirs) > 1:
            mine, theirs = np.append(mine[:-2], mine[-2:].sum()), np.append(theirs[:-2], theirs[-2:].sum())
    square = float(((mine - theirs) ** 2 / theirs).sum())
    freedom = max(len(mine) - 1, 1)
    return Check(
        "limits", name, what, f"chi-square about {freedom}", f"{square:.1f} over {numbers.sum():,}",
        chance=float(stats.chi2.sf(square, freedom)),
    )  # fmt: skip


# --------------------------------------------------------------------------------------------------------------- limits


def _nothing(made: Given) -> Iterator[Check]:
    people = made.people
    outcome = person_engine.simulate(people, tables(plain()), 3, made.seed)
    happened = {
        name: int(outcome.total(name).sum())
        for name in RESULTS
        if name != "months" and outcome.total(name).sum()
    }  # fmt: skip
    changed = int((outcome.end[0] != people.state).sum())
    whole = int(np.clip(36 + np.minimum(people.months.astype(np.int64), 0), 0, 36).sum())
    yield Check(
        "limits",
        "no hazards",
        "With every rate and hazard zero nobody dies, worsens, moves or is admitted, and every month is lived.",
        f"no event, no change of state, {whole:,} months",
        f"{_happened(happened)}, {changed:,} changes of state, {int(outcome.total('months').sum()):,} months",
        differs=bool(happened) or changed > 0 or int(outcome.total("months").sum()) != whole,
    )


def _happened(happened: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {name}" for name, n in happened.items()) or "no event"


def _survival(people: People, seed: int) -> Iterator[Check]:
    years = 5
    end = person_engine.simulate(people, tables(plain(death=DYING)), years, seed).end[0]
    yield _counted(
        "survival",
        f"With the same chance of death p = {DYING:g} at every age, (1 − p)^n live after n = {years} years.",
        int((end != DEAD).sum()),
        len(people),
        (1 - DYING) ** years,
    )
    hazards = plain(worse=WORSENING, frailer=WEAKENING)
    end = person_engine.simulate(people, tables(hazards), years, seed + 1).end[0]
    # at most one thing happens to a person in a month: what is left untouched is what neither hazard took
    yield _counted(
        "worsening and frailty",
        "With constant hazards w and f of either, the part untouched after n years is (1 − w/12 − f/12)^12n: "
        "at most one thing happens in a month.",
        int((end == 0).sum()),
        len(people),
        (1 - WORSENING / 12 - WEAKENING / 12) ** (12 * years),
    )
    # the first step of either in the other's absence
    alone = person_engine.simulate(people, tables(plain(frailer=WEAKENING)), years, seed + 2).end[0]
    steps = np.bincount(alone % len(FRAILTY), minlength=len(FRAILTY))
    chances = stats.binom.pmf(np.arange(len(FRAILTY)), 12 * years, WEAKENING / 12)
    chances[-1] = 1 - chances[:-1].sum()
    yield _spread_over(
        "levels of frailty",
        "With one constant hazard, how many levels somebody climbs in n years is binomial, and stops at the last.",
        steps,
        chances,
    )


def _constant(people: People, seed: int) -> Iterator[Check]:
    names = ("emergency", "elective", "attendances")
    drawn = one_by_one(people, plain({"emergency": RATE, "elective": RATE, "attendances": OFTEN}), seed, names)
    for number, name in enumerate(names):
        theory = thinned(np.array([OFTEN if name == "attendances" else RATE]))
        what = (
            f"A constant rate of {OFTEN if name == 'attendances' else RATE:g} a year gives that mean; twelve months of "
            "at most one event beyond the whole ones make its variance, a little below Poisson's."
        )
        values = drawn[:, number]
        yield from _drawn(
            f"constant rate, {name}", what, values.astype(float), theory.mean, theory.central(2), theory.central(4)
        )
        if name == "emergency":
            numbers = np.bincount(values, minlength=len(theory.chances))
            yield _spread_over("constant rate, distribution", what, numbers, theory.chances)
    together = float(np.corrcoef(drawn[:, 0], drawn[:, 1])[0, 1])
    yield Check(
        "limits",
        "streams are independent",
        "With everybody alike, who has more emergencies has no more elective admissions.",
        "correlation 0",
        f"correlation {together:+.4f} over {len(drawn):,}",
        chance=chance_of(np.arctanh(together) * np.sqrt(len(drawn) - 3)),
    )


def _heterogeneous(people: People, seed: int) -> Iterator[Check]:
    built = plain({"emergency": RATE}, lasting=0.5, yearly=0.5)
    drawn = one_by_one(people, built, seed + 3, ("emergency",))[:, 0].astype(float)
    lasting, yearly = gamma_levels(0.5, BURDENS), gamma_levels(0.5, YEARLY)
    own = np.outer(lasting, yearly).ravel()
    theory = thinned(RATE * own)
    what = (
        "Burdens that last and burdens of a year, both gamma, make events as uneven as a negative binomial: "
        "variance = mean + mean² ((1 + 1/k)(1 + 1/k') − 1), with the levels the tables have."
    )
    # burdens are drawn at random, so persons are independent draws of the whole mixture
    yield from _drawn("gamma burden", what, drawn, theory.mean, theory.central(2), theory.central(4))
    ideal = (1 + 1 / 0.5) ** 2 - 1
    kept = (float((lasting**2).mean() * (yearly**2).mean()) - 1) / ideal
    yield Check(
        "limits",
        "levels of burden",
        f"{BURDENS} levels of lasting and {YEARLY} of yearly burden keep nearly all of the variance of their gamma "
        "distributions, whose formula is (1 + 1/k)(1 + 1/k') − 1.",
        f"{ideal:g}, to within a tenth",
        f"{kept:.1%} of it",
        differs=not 0.9 < kept <= 1.0001,
    )
    between = RATE**2 * float(lasting.var())
    for name, foretells in (("lasting", True), ("of one year", False)):
        built = plain({"emergency": RATE}, lasting=0.5) if foretells else plain({"emergency": RATE}, yearly=0.5)
        first, later = (
            one_by_one(people, built, seed + 5, ("emergency",), year)[:, 0].astype(float) for year in (0, 1)
        )
        theory_of = between / thinned(RATE * lasting).central(2) if foretells else 0.0
        found = float(np.corrcoef(first, later)[0, 1])
        errors = (np.arctanh(found) - np.arctanh(theory_of)) * np.sqrt(len(first)) / _heavy(first, later, found)
        yield Check(
            "limits",
            f"a burden {name}",
            "A lasting burden makes this year's events foretell the next year's; a burden of one year does not.",
            f"correlation {theory_of:.4f}",
            f"{found:.4f} over {len(first):,}",
            chance=chance_of(errors),
        )


def _heavy(one: Numbers, other: Numbers, together: float) -> float:
    """How many times less certain a correlation is than that of normal values, from the draws themselves."""
    x, y = (one - one.mean()) / one.std(), (other - other.mean()) / other.std()
    part = x * y - together * (x**2 + y**2) / 2
    return float(np.sqrt(part.var())) / (1 - together**2)


def _compound(people: People, seed: int) -> Iterator[Check]:
    built = plain({"emergency": RATE})
    drawn = one_by_one(people, built, seed + 7, ("emergency_cost",))[:, 0] / COST
    levels = lognormal_levels(np.array(SPREAD), YEARLY)
    moments = [float((levels**power).mean()) for power in range(1, 5)]
    mean, variance, fourth = _sum_of(RATE / 12, moments)
    yield from _drawn(
        "compound Poisson",
        "Admissions by chance, each of a lognormal cost: mean = rate × cost, and the coefficient of variation of a "
        "person-year is √((1 + cv²)/rate), less what months of at most one admission take off. In mean admissions.",
        drawn,
        mean,
        variance,
        fourth,
    )
    formula = np.sqrt((1 + SPREAD**2) / RATE)
    cv = float(drawn.std(ddof=1) / drawn.mean())
    yield Check(
        "limits",
        "compound Poisson: formula",
        "The coefficient of variation of a person-year by the textbook formula, which knows neither months nor levels.",
        f"{formula:.3f}, to within 3 %",
        f"{cv:.3f}",
        differs=not abs(cv / formula - 1) < 0.03 + 12 / np.sqrt(len(drawn)),
    )


def _sum_of(chance: float, moments: list[float]) -> tuple[float, float, float]:
    """Mean, variance and fourth central moment of twelve months, each with a cost by chance."""
    first, second, third, fourth = (chance * moment for moment in moments)
    mean, variance = first, second - first**2
    middle = fourth - 4 * third * first + 6 * second * first**2 - 3 * first**4
    return 12 * mean, 12 * variance, 12 * middle + 12 * 11 * 3 * variance**2


def _frequent(seed: int) -> Iterator[Check]:
    practices, expected = 5_000, 40.0
    counts = np.zeros((1, practices, 1, GROUPS, len(RESULTS)), np.int64)
    counts[..., 0, LAZY_AT:] = round(expected * LAZY_ONE)
    drawn = written.frequent(counts, seed)[0, :, 0]
    for number, name in enumerate(LAZY):
        theory = Theory(stats.poisson.pmf(np.arange(200), expected))
        yield from _drawn(
            f"frequent contacts, {name}",
            "Contacts that are not drawn for each person are one Poisson number for a practice and year.",
            drawn[:, number].astype(float),
            theory.mean,
            theory.central(2),
            theory.central(4),
        )


def _arrivals(people: People, made: Given) -> Iterator[Check]:
    # three in twelve leave in a month: after a year hardly anybody is who was there
    moves = 3.0
    built = replace(plain(moves=moves), mix=made.model.mix)
    end = person_engine.simulate(people, tables(built), 2, made.seed + 9)
    left = (1 - moves / 12) ** 24
    mix = made.model.mix[:, people.months[0] // 12].mean(axis=0)
    # the second year's mix is that of the next age
    later = made.model.mix[:, people.months[0] // 12 + 1].mean(axis=0)
    stayed = (1 - moves / 12) ** 12
    chances = (1 - stayed) * later + (stayed - left) * mix
    chances[0] += left
    yield _spread_over(
        "who arrives",
        "Whoever leaves is replaced by somebody of the same age, sex and fifth, in the mix of states of such people.",
        np.bincount(end.end[0], minlength=STATES)[:STATES],
        chances,
    )
    months = 24 * len(people)
    yield _counted(
        "how many move",
        "With a constant hazard of leaving, moves are binomial over person-months.",
        int(end.total("moves").sum()),
        months,
        moves / 12,
    )


def _luck(size: int, seed: int) -> Check:
    """A gain share settled on neighbourhoods where nothing was done pays as often as the normal formula says."""
    pools = max(2, size // POOL)
    built = plain({"emergency": RATE})
    people = of_one_age(pools * POOL, seed + 11)
    people = replace(people, offsets=np.arange(0, pools * POOL + 1, POOL))
    made = tables(built)
    counts = np.stack(
        [person_engine.simulate(people, made, 1, system.seed_of(seed, draw)).counts[0] for draw in range(TRIES)]
    )
    listed = np.zeros((pools, CELLS, len(BANDS)), np.int64)
    listed[..., 8] = POOL  # people of 40; what is settled asks for their number alone
    listed //= CELLS
    nobody = np.zeros(pools, np.int64)
    contacts = np.zeros((TRIES, pools, 1, len(LAZY)), np.int64)
    rates = rates_of(expect(cohort(people, 1), built, 1))
    practices = [_neighbourhood(number) for number in range(pools)]
    counted = still(practices, counts, contacts, listed, nobody, rates, seed)
    share = bind("gain-share", TRIES)
    money = settle_worlds([share], counted).money
    columns = (money.column(name).to_pylist() for name in ("stream", "party", "received"))
    paid = sum(
        stream == "gain share" and party == "provider" and received > 0
        for stream, party, received in zip(*columns, strict=True)
    )
    needed = _needed(share.contract, POOL)
    levels = lognormal_levels(np.array(SPREAD), YEARLY)
    mean, variance, _ = _sum_of(RATE / 12, [float((levels**power).mean()) for power in range(1, 5)])
    sigma = np.sqrt(variance / POOL) / mean
    chance = float(special.ndtr(-needed / sigma))
    return _counted(
        "luck of a gain share",
        f"A gain share on neighbourhoods of {POOL:,} people where nothing was done pays in 1 − Φ(m/σ(N)) of them: "
        f"minimum rate m = {needed:.1%}, spread σ = {sigma:.2%}. From the engine to the payment.",
        paid,
        pools * TRIES,
        chance,
    )


def _neighbourhood(number: int) -> Practice:
    """A practice that is a neighbourhood of its own."""
    name = f"N{number}"
    return Practice(name, name, name, name, "C", "B", "H", "C", "M", POOL, 0.0)


def _needed(contract: Contract, people: int) -> float:
    """The minimum rate for so many people, from the contract's own scale."""
    points = contract.parameters["minimum_rate"].entries[-1].values[()]
    assert isinstance(points, ScalePoints)
    known = [(float(x), float(y)) for x, y in points.points if x is not None]
    return float(np.interp(people, [x for x, _ in known], [y for _, y in known]))


def _years(made: Given) -> Iterator[Check]:
    draws, years = 1_000, 6
    memory, size = made.model.value("system_memory"), made.model.value("system_noise")
    drawn = np.array([system.noise(made.model, made.seed, draw, years) for draw in range(draws)]) / size - 1 / size
    fresh = np.concatenate(
        [drawn[:, :1], (drawn[:, 1:] - memory * drawn[:, :-1]) / np.sqrt(1 - memory**2)], axis=1
    ).ravel()
    theory = (
        "Years that move everybody together have the spread and the memory that the model says: each is {0:g} of the "
    )
    what = theory.format(memory) + "one before and a normal draw, so that every year is equally uncertain."
    yield from _drawn("system noise", what, fresh, 0.0, 1.0, 3.0)
    for year in (0, years - 1):
        yield Check(
            "limits",
            f"system noise: year {year + 1}",
            what,
            f"spread {size:.3%}",
            f"{drawn[:, year].std() * size:.3%} over {draws:,}",
            chance=chance_of((float((drawn[:, year] ** 2).mean()) - 1) / np.sqrt(2 / draws)),
        )


def _words(seed: int) -> Iterator[Check]:
    zeros = words(np.zeros((1, 4)), 0)[0].tolist()
    known = [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]
    yield Check(
        "limits",
        "random words: known answer",
        "Draws are Philox4x32-10: they give the answers that its authors published (Salmon et al. 2011).",
        " ".join(f"{word:08x}" for word in known),
        " ".join(f"{word:08x}" for word in zeros),
        differs=zeros != known,
    )
    persons, months = 2_000, 60
    place = np.indices((persons, months)).reshape(2, -1)
    counters = np.zeros((persons * months, 4), np.uint32)
    counters[:, 0], counters[:, 2] = place[0], place[1]
    drawn = words(counters, seed).reshape(persons, months, 4)
    for number in range(4):
        yield _spread_over(
            f"random words: word {number + 1} is uniform",
            "A draw is as likely to fall into one part of its range as into any other.",
            np.bincount((drawn[..., number] >> np.uint32(24)).ravel(), minlength=256),
            np.full(256, 1 / 256),
        )
    uniform = drawn.astype(float) / 2**32 - 0.5
    for name, one, other in (
        ("one month and the next", uniform[:, :-1, 0], uniform[:, 1:, 0]),
        ("one person and the next", uniform[:-1, :, 0], uniform[1:, :, 0]),
        ("one purpose and another", uniform[..., 2], uniform[..., 3]),
    ):
        together = float((one * other).mean() * 12)
        yield Check(
            "limits",
            f"random words: {name}",
            "Neighbouring draws know nothing of each other.",
            "correlation 0",
            f"{together:+.5f} over {one.size:,}",
            chance=chance_of(together * np.sqrt(one.size)),
        )


def _levels(made: Given) -> Iterator[Check]:
    """Levels that stand for distributions keep their means."""
    worst = 0.0
    for shape in (made.model.value("burden_shape"), made.model.value("year_shape")):
        for levels in (BURDENS, YEARLY):
            worst = max(worst, abs(float(gamma_levels(shape, levels).mean()) - 1))
    spread = np.concatenate([made.model.spread[name].ravel() for name in ("emergency", "elective")])
    worst = max(worst, float(np.abs(lognormal_levels(spread, YEARLY).mean(axis=-1) - 1).max()))
    yield Check(
        "limits",
        "levels keep their means",
        "Levels of burden and of cost stand for gamma and lognormal distributions of mean 1, and average 1.",
        "1, to a millionth",
        f"off by {worst:.1e} at most",
        differs=worst > 1e-6,
    )
    days = made.tables.stay.mean(axis=1)
    expected = made.model.stay.mean(axis=0)
    off = float(np.abs(days - expected).max())
    yield Check(
        "limits",
        "lengths of stay keep their means",
        "Levels of stays are whole days, and their mean at every age is the model's.",
        f"to within {1 / YEARLY:g} days",
        f"off by {off:.4f} days at most",
        differs=off > 1 / YEARLY,
    )
