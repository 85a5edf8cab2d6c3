"""Uncertainty: three kinds, kept apart. Chance is what draws differ by; parameters, what is not known well; structure,
which behaviours there are at all.

Chance comes from the draws of a run. The other two are tried on the expected course: the cohort engine says by how much
a changed figure or behaviour changes what is expected of each group of people, a few drawn worlds are changed by as
much, and the contracts are settled in each. So thresholds and caps act as they would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accord.place.case import Case
from accord.place.probing import PILOTS, answer, bounds, paying_parties
from accord.place.stage import Stage, quiet
from accord.simulation.behaviour import Response, unchanged
from accord.simulation.cohort_engine import expect_each
from accord.simulation.counted import Counted, rates_of
from accord.simulation.draws import FIGURES, NORMAL_95, SIZES, normal
from accord.simulation.model import Model, Parameter, models
from accord.simulation.population import value
from accord.simulation.results import LAZY_AT, MONTHS
from accord.simulation.worlds import settle_worlds

Numbers = NDArray[np.float64]

METRICS = ("payments", "hospital", "balance", "emergency", "elective", "outpatient")
"""What is looked at, over all years: pence that boards and councils pay under contracts, pence of hospital care, both
together; admissions and outpatient attendances."""

PARAMETER_DRAWS = 24
"""Sets of figures that are tried."""

MEMORY = 40_000_000
"""Numbers of a batch of worlds that are held at a time."""

FAMILIES = {
    "use of hospital by frailty": ("frailty_hospital_",),
    "deaths by frailty": ("frailty_death_",),
    "how frailty begins and goes on": ("frailty_onset_", "frailty_worsening"),
    "how common multimorbidity is": ("multimorbidity_", "complex_adults", "any_condition_adults", "deprivation_years"),
    "use of hospital by morbidity": ("morbidity_use_",),
    "use of other care by morbidity": ("morbidity_primary_",),
    "episodes an emergency admission has": ("episodes_emergency",),
    "numbers of frequent contacts": ("consultations", "attendances", "community", "mental_health", "prescriptions"),
    "social care": ("social_care",),
    "share of chronic conditions": ("chronic_share",),
    "how many people move": ("moves",),
}
"""Figures that are moved together in the tornado, by the beginnings of their names."""


@dataclass(frozen=True, slots=True)
class Variant:
    """One thing that is tried: a case, an answer of behaviour, and figures of the model that are other than usual."""

    label: str
    case: int
    response: Response
    changed: Mapping[str, float]


Changed = tuple[tuple[str, float], ...]
"""Changed figures of the model, by name."""


@dataclass(frozen=True, slots=True)
class _Expected:
    """A model, and what is expected under it with no contract change: results, and rates a person-month."""

    model: Model
    results: Numbers
    rates: Numbers


@dataclass(frozen=True, slots=True)
class Waterfall:
    """How a difference from no contract change comes about, step by step. The steps add up to the whole exactly."""

    scenario: str
    metric: str
    steps: tuple[tuple[str, int], ...]
    whole: int


@dataclass(frozen=True, slots=True)
class Bar:
    """How far a difference moves when one thing lies at either end of its interval. ``base`` + ``low`` is the end."""

    label: str
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Tornado:
    """Bars by size, around the difference with every figure as it is."""

    scenario: str
    metric: str
    base: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Uncertain:
    """The three kinds for one scenario and metric, as differences from no contract change.

    ``chance`` and ``parameters`` are standard deviations; ``structure`` the least and the most of what behaviours on
    and off, alone and together, make of it. It is tried on a few draws, and moved so that all together are the mean.
    """

    scenario: str
    metric: str
    mean: float
    chance: float
    parameters: float
    structure: tuple[float, float]
    sets: tuple[float, ...] = ()
    """The difference with each set of figures and sizes that was tried, moved as ``structure`` is."""

    @property
    def likely(self) -> tuple[float, float]:
        """Where about 95 % lies with chance and figures in doubt together: chance around each of the sets, all alike.

        So it reaches no farther than the sets do, but for chance.
        """
        sets = np.array(self.sets or (self.mean,))
        if self.chance == 0:
            low, high = np.quantile(sets, (0.025, 0.975))
            return float(low), float(high)
        return self._below(sets, 0.025), self._below(sets, 0.975)

    def _below(self, sets: Numbers, share: float) -> float:
        """What so much of the chance around all sets lies below, by halving."""
        from scipy import special

        low, high = float(sets.min()) - 9 * self.chance, float(sets.max()) + 9 * self.chance
        for _ in range(60):
            middle = (low + high) / 2
            if special.ndtr((middle - sets) / self.chance).mean() < share:
                low = middle
            else:
                high = middle
        return (low + high) / 2


@dataclass(frozen=True, slots=True)
class Uncertainty:
    """Everything about one run."""

    kinds: tuple[Uncertain, ...]
    waterfalls: tuple[Waterfall, ...]
    tornados: tuple[Tornado, ...]

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        from dataclasses import asdict

        return asdict(self)


# -------------------------------------------------------------------------------------------------------------- trying


def tried(made: Stage, variants: Sequence[Variant], *, on_step: Callable[[str], None] = quiet) -> Numbers:
    """What each variant comes to, ``[variants, pilots, METRICS]``: whole numbers, over all years."""
    pilots = made.pilots
    assert pilots is not None
    size = int(np.prod(pilots.counts.shape))
    at_once = max(1, MEMORY // size)
    on_step(f"expecting {len(variants)} other assumptions")
    known = _known(made, variants)
    out: list[Numbers] = []
    for begin in range(0, len(variants), at_once):
        batch = variants[begin : begin + at_once]
        on_step(f"trying {begin + 1} to {begin + len(batch)} of {len(variants)} other assumptions")
        out.append(_batch(made, batch, pilots, known))
    return np.concatenate(out)


def _batch(
    made: Stage,
    batch: Sequence[Variant],
    pilots: Counted,
    known: Mapping[Changed, _Expected],
) -> Numbers:
    years, draws, number = made.years.number, len(pilots), len(batch)
    base = known[()].results
    whole = base.sum(axis=1)
    counts = np.empty((draws * number, *pilots.counts.shape[1:]), np.int64)
    contacts = np.empty((draws * number, *pilots.contacts.shape[1:]), np.int64)
    rates = np.empty((draws * number, *made.rates.shape))
    used = [known[_changed(variant)] for variant in batch]
    change = np.stack([made.cases[variant.case].base * variant.response.change for variant in batch])
    of_each = expect_each(made.start, [one.model for one in used], years, change)
    for place, (one, expected) in enumerate(zip(used, of_each, strict=True)):
        ratio = np.where(base > 0, expected / np.maximum(base, 1e-12), 1.0)
        ratio[..., MONTHS] = np.where(np.abs(ratio[..., MONTHS] - 1) < 1e-12, 1.0, ratio[..., MONTHS])
        total = np.where(whole > 0, expected.sum(axis=1) / np.maximum(whole, 1e-12), 1.0)
        here = slice(place, None, number)
        counts[here] = np.rint(pilots.counts * ratio).astype(np.int64)
        contacts[here] = np.rint(pilots.contacts * total[:, LAZY_AT:]).astype(np.int64)
        rates[here] = one.rates
    cases = [made.cases[variant.case] for variant in batch]
    repeated = pilots.some(np.repeat(np.arange(draws), number))
    everybody = np.ones(len(made.practices), bool)
    masks = {
        name: np.tile(np.stack([v.response.takes_part.get(name, everybody) for v in batch]), (draws, 1))
        for name in dict.fromkeys(name for v in batch for name in v.response.takes_part)
    }
    counted = replace(
        repeated,
        counts=counts,
        contacts=contacts,
        rates=rates,
        prices=np.tile(np.stack([case.prices for case in cases]), (draws, 1)),
        expected=np.tile(np.stack([v.response.expected for v in batch]), (draws, 1)),
        moved=np.tile(np.stack([v.response.moved for v in batch]), (draws, 1)),
        taken_out=np.tile(np.stack([v.response.taken_out for v in batch]), (draws, 1)),
        found=np.tile(np.stack([v.response.found for v in batch]), (draws, 1)),
        takes_part=masks,
    )
    settled = settle_worlds(bounds(cases, draws * number), counted)
    paid = np.zeros(draws * number)
    paying = [paying_parties(case) for case in cases]
    names = ("world", "contract", "party", "received", "paid")
    for world, contract, party, received, given in zip(
        *(settled.money.column(name).to_pylist() for name in names), strict=True
    ):
        if (contract, party) in paying[world % number]:
            paid[world] += given - received
    found = np.zeros((draws * number, len(METRICS)))
    found[:, 0] = paid
    found[:, 1] = sum(counted.result(name).sum(axis=(1, 2)) for name in ("emergency_cost", "elective_cost"))
    found[:, 2] = found[:, 0] + found[:, 1]
    for place, name in enumerate(METRICS[3:], start=3):
        found[:, place] = counted.result(name).sum(axis=(1, 2))
    return found.reshape(draws, number, len(METRICS)).transpose(1, 0, 2)


def _changed(variant: Variant) -> Changed:
    return tuple(sorted(variant.changed.items()))


def _known(made: Stage, variants: Sequence[Variant]) -> dict[Changed, _Expected]:
    """What is expected under no contract change with each set of figures that is tried, and with the usual ones."""
    sets: list[Changed] = list(dict.fromkeys([(), *(_changed(variant) for variant in variants)]))
    built = models([dict(one) for one in sets], made.given)
    years, base = made.years.number, made.cases[0].base
    results = expect_each(made.start, built, years, np.broadcast_to(base, (len(sets), *base.shape)))
    return {
        one: _Expected(with_it, expected, rates_of(expected))
        for one, with_it, expected in zip(sets, built, results, strict=True)
    }


# ---------------------------------------------------------------------------------------------------------- parameters


def uncertain_parameters(built: Model) -> list[Parameter]:
    """The figures of the model that have an interval and that the cohort engine knows."""
    names = [name for family in FAMILIES.values() for name in family]
    return [
        one
        for one in built.parameters.values()
        if one.low is not None and one.high is not None and any(one.name.startswith(name) for name in names)
    ]


def parameter_draws(built: Model, seed: int, number: int) -> list[dict[str, float]]:
    """Sets of figures: normal on the log scale, those of one family correlated; never independent by default."""
    used = uncertain_parameters(built)
    families, together = list(FAMILIES), value("figures_together")
    counters = np.zeros((number * (len(families) + len(used)), 4), np.uint32)
    counters[:, 0], counters[:, 3] = np.arange(len(counters)), FIGURES
    deviates = normal(counters, seed).reshape(number, -1)
    out: list[dict[str, float]] = []
    for row in deviates:
        one: dict[str, float] = {}
        for place, parameter in enumerate(used):
            family = next(i for i, name in enumerate(families) if parameter.name.startswith(FAMILIES[name]))
            own = np.sqrt(together) * row[family] + np.sqrt(1 - together) * row[len(families) + place]
            one[parameter.name] = _at(parameter, float(own))
        out.append(one)
    return out


def _at(parameter: Parameter, deviate: float) -> float:
    assert parameter.low is not None and parameter.high is not None
    end = parameter.high if deviate >= 0 else parameter.low
    return float(parameter.value * np.exp(abs(deviate) / NORMAL_95 * np.log(end / parameter.value)))


# ------------------------------------------------------------------------------------------------------------ together


def uncertainty(
    made: Stage, chance: Mapping[tuple[str, str], tuple[float, float]], *, on_step: Callable[[str], None] = quiet
) -> Uncertainty:
    """The three kinds of uncertainty, waterfalls and tornados.

    Args:
        made: the stage of a run.
        chance: by scenario and metric, mean and standard deviation of the difference over the draws of the run.
        on_step: told what is being done.
    """
    years = made.years.number
    still = unchanged(years)
    variants: list[Variant] = [Variant("no change", 0, still, {})]
    at: dict[tuple[Any, ...], int] = {("no change",): 0}

    def ask(key: tuple[Any, ...], case: int, response: Response, changed: Mapping[str, float] | None = None) -> None:
        if key not in at:
            at[key] = len(variants)
            variants.append(Variant(str(key), case, response, changed or {}))

    draws = parameter_draws(made.model, made.seed, PARAMETER_DRAWS)
    sizes = _behaviour_deviates(made, PARAMETER_DRAWS)
    for k, figures in enumerate(draws):
        ask(("parameters", k, 0), 0, still, figures)
    ends = {(family, side): _family(made.model, family, side) for family in FAMILIES for side in ("low", "high")}
    for key, figures in ends.items():
        ask((*key, 0), 0, still, figures)
    for number, case in enumerate(made.cases[1:], start=1):
        used = list(case.behaviours)
        for upto in range(len(used) + 1):
            ask(("upto", number, upto), number, _answer(made, number, used[:upto]))
        for one in used:
            ask(("alone", number, one.name), number, _answer(made, number, [one]))
            for side, deviate in (("low", -NORMAL_95), ("high", NORMAL_95)):
                ask((one.name, side, number), number, _answer(made, number, used, {one.name: deviate}))
        whole = _answer(made, number, used)
        for key, figures in ends.items():
            ask((*key, number), number, whole, figures)
        for k, figures in enumerate(draws):
            ask(("parameters", k, number), number, _answer(made, number, used, sizes[k]), figures)
    found = tried(made, variants, on_step=on_step)

    def difference(key: tuple[Any, ...], base: tuple[Any, ...], metric: int) -> int:
        return round(float((found[at[key], :, metric] - found[at[base], :, metric]).mean()))

    kinds: list[Uncertain] = []
    waterfalls: list[Waterfall] = []
    tornados: list[Tornado] = []
    for number, case in enumerate(made.cases[1:], start=1):
        used = list(case.behaviours)
        for metric, name in enumerate(METRICS):
            steps: list[tuple[str, int]] = []
            before = 0
            for upto in range(len(used) + 1):
                now = difference(("upto", number, upto), ("no change",), metric)
                steps.append((used[upto - 1].title if upto else "the contracts alone", now - before))
                before = now
            waterfalls.append(Waterfall(case.name, name, tuple(steps), before))
            bars: list[Bar] = []
            for one in used:
                low, high = (difference((one.name, s, number), ("no change",), metric) for s in ("low", "high"))
                bars.append(Bar(one.title, low - before, high - before))
            for family in FAMILIES:
                low, high = (difference((family, s, number), (family, s, 0), metric) for s in ("low", "high"))
                bars.append(Bar(family, low - before, high - before))
            bars = [bar for bar in bars if bar.low or bar.high]
            bars.sort(key=lambda bar: -max(abs(bar.low), abs(bar.high), abs(bar.high - bar.low)))
            tornados.append(Tornado(case.name, name, before, tuple(bars)))
            spread = [difference(("parameters", k, number), ("parameters", k, 0), metric) for k in range(len(draws))]
            ways = [difference(("upto", number, n), ("no change",), metric) for n in (0, len(used))]
            ways += [difference(("alone", number, one.name), ("no change",), metric) for one in used]
            mean, deviation = chance.get((case.name, name), (0.0, 0.0))
            # on the same draws all together are ``before``; on all draws they are the mean
            range_of = (mean + (min(ways) - before), mean + (max(ways) - before))
            sets = tuple(mean + (one - before) for one in spread)
            kinds.append(Uncertain(case.name, name, mean, deviation, float(np.std(spread, ddof=1)), range_of, sets))
    return Uncertainty(tuple(kinds), tuple(waterfalls), tuple(tornados))


def _answer(
    made: Stage, number: int, behaviours: Sequence[Any], deviates: Mapping[str, float] | None = None
) -> Response:
    case: Case = made.cases[number]
    return answer(made, case, made.stakes[number], made.stakes[0], behaviours=behaviours, deviates=deviates)


def _family(built: Model, family: str, side: str) -> dict[str, float]:
    deviate = -NORMAL_95 if side == "low" else NORMAL_95
    return {one.name: _at(one, deviate) for one in uncertain_parameters(built) if one.name.startswith(FAMILIES[family])}


def _behaviour_deviates(made: Stage, number: int) -> list[dict[str, float]]:
    names = sorted({one.name for case in made.cases for one in case.behaviours})
    if not names:
        return [{} for _ in range(number)]
    counters = np.zeros((number * len(names), 4), np.uint32)
    counters[:, 0], counters[:, 3] = np.arange(len(counters)), SIZES
    drawn = normal(counters, made.seed).reshape(number, -1)
    return [dict(zip(names, (float(x) for x in row), strict=True)) for row in drawn]


__all__ = ["METRICS", "PILOTS", "Bar", "Tornado", "Uncertain", "Uncertainty", "Variant", "Waterfall", "uncertainty"]
