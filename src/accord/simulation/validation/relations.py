"""Relations: what must happen to results when something is changed, whatever the results are (metamorphic checks).

Every figure of the model and every multiplier moves its own outputs in the known direction, and leaves all others as
they were to the last bit: ``relations.yaml`` says which. Scenarios share their chance, so a difference of one event is
an effect and not luck.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray
from scipy import stats

from accord.language.shape import NUMBER, TITLE, WHOLE, Field, ListOf, MapOf, Record, Word
from accord.language.text import fields_of, items_of, text_of
from accord.simulation import partitions, person_engine, system
from accord.simulation.behaviour import Behaviour, Response, Stakes, library, respond
from accord.simulation.model import STREAMS, Figures, Model, model, published
from accord.simulation.own_data import own_data
from accord.simulation.people import AGES, CELLS, DEAD, FIFTHS, FRAILTY, MORBIDITY, STATES, People
from accord.simulation.population import populate
from accord.simulation.results import GROUPS, LAZY, RESULTS
from accord.simulation.tables import ONE, Tables, tables
from accord.simulation.validation.verification import YEARS, Check, Given, Whole, percent

FILE = Path(__file__).parent / "relations.yaml"
"""What each figure and each multiplier moves."""

MULTIPLIERS = ("worsening", "chronic", *STREAMS)
"""The multipliers of the person engine, in its order."""

STARTS = {
    **{name: ("frailty", level) for level, name in enumerate(("fit", "mild", "moderate", "severe"))},
    **{name: ("morbidity", level) for level, name in enumerate(("none", "one", "multi", "complex"))},
    **{name: ("age", level) for level, name in enumerate(("young", "middle", "old"))},
}
"""Groups of people that a result can be of: by what they were at the start, and by age (45 and 75 part them)."""

YOUNG, MIDDLE = 3, 5
"""How many of the engine's age groups are below 45, and below 75."""

ILLNESS = ("frailty", "morbidity")
"""Levels that people have at the end, added up: what hazards of illness move."""

COUNTED = (*RESULTS, *ILLNESS)
"""What the person engine gives."""

MADE = ("births", "ages", "illness")
"""What a made place has: children to be born, ages of people, states of people."""

OTHERS = ("years together", "lasting differences", "differences of a year")
"""What moves everybody together; how unlike people are for good, and in one year."""

OUTPUTS = (*COUNTED, *MADE, *OTHERS)
"""Every output that a relation can name."""

FAMILIES = {
    "hospital": ("emergency", "elective", "attendances"),
    "admissions": ("chronic", "emergency_days", "emergency_cost", "elective_cost"),
    # social care follows frailty and age alone, whatever hospital and general practice are used for
    "frequent": tuple(name for name in LAZY if name != "social_care"),
    "life": ("months", "deaths", "moves", "frailty", "morbidity"),
    "everything": COUNTED,
}
"""Names for several results."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "births": ("",),
    "ages": ("oldest",),
    "illness": ("frail", "any", "multi", "complex", "complex in the most deprived fifth", "complex in the least"),
    "years together": ("swing", "memory"),
    "lasting differences": ("",),
    "differences of a year": ("",),
}
"""The parts of outputs that are no results of the person engine."""

EACH = 4_000
"""People of each state at the start that figures are tried on, over one year."""

_NAMES = ListOf("outputs", Word("an output, or an output of a group"))

_TABLE = MapOf(
    "relations",
    Word("a figure or a multiplier"),
    Record(
        "a relation",
        (
            Field("times", NUMBER, "How many times its value it is tried at; and divided by as much.", True),
            Field("from_age", WHOLE, "Of a curve: from which age on it is changed; the whole of it otherwise."),
            Field("why", TITLE, "Why it moves what it moves.", True),
            Field("rises", _NAMES, "Outputs that rise with it."),
            Field("falls", _NAMES, "Outputs that fall with it."),
            Field("moves", _NAMES, "Outputs that may go either way."),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Relation:
    """What a figure or multiplier moves: pairs of an output and a part of it; whatever it does not name stays."""

    name: str
    times: float
    from_age: int
    why: str
    rises: tuple[tuple[str, str], ...]
    falls: tuple[tuple[str, str], ...]
    moves: tuple[tuple[str, str], ...]

    @property
    def touched(self) -> frozenset[str]:
        """Every output that it may move."""
        return frozenset(output for output, _ in (*self.rises, *self.falls, *self.moves))


@dataclass(frozen=True, slots=True)
class Outputs:
    """What there is to compare: every output to the last bit, and the sums that rise or fall."""

    exact: Mapping[str, NDArray[Any]]
    sums: Mapping[tuple[str, str], float]


def read_relations(path: Path = FILE) -> Mapping[str, Relation]:
    """The table of relations by figure or multiplier."""
    found: dict[str, Relation] = {}
    for name, spec in own_data(path, _TABLE).items():
        said = fields_of(spec)
        sides = [
            tuple(pair for item in items_of(said[side]) for pair in _named(text_of(item))) if side in said else ()
            for side in ("rises", "falls", "moves")
        ]
        from_age = int(text_of(said.get("from_age")) or 0)
        found[name] = Relation(name, float(text_of(said["times"])), from_age, text_of(said["why"]), *sides)
    return found


@cache
def relations() -> Mapping[str, Relation]:
    """The table of relations as it is committed."""
    return read_relations()


def _named(text: str) -> Iterator[tuple[str, str]]:
    """``emergency of mild``: an output, or a family of them, and the part."""
    name, _, part = text.partition(" of ")
    if text in OUTPUTS:
        name, part = text, ""
    for output in FAMILIES.get(name, (name,)):
        known = (*STARTS, "") if output in COUNTED else (*PARTS.get(output, ()), "")
        if output not in OUTPUTS or part not in known:
            raise AssertionError(f"the table of relations names {text}, which is nothing that there is")
        yield output, part


# -------------------------------------------------------------------------------------------------------------- figures


def of_every_state(built: Model, each: int, seed: int) -> People:
    """As many people of each state, with England's ages, sexes and fifths; those of one state are one practice."""
    random = np.random.Generator(np.random.Philox(key=seed))
    share = (built.people[2026] / built.people[2026].sum()).ravel()
    drawn = random.choice(len(share), STATES * each, p=share)
    return People(
        np.arange(0, STATES * each + 1, each).astype(np.int64),
        (drawn % AGES * 12 + random.integers(0, 12, len(drawn))).astype(np.int16),
        (drawn // AGES).astype(np.uint8),
        np.repeat(np.arange(STATES), each).astype(np.uint8),
        random.integers(0, 32, len(drawn), dtype=np.uint8),
    )


def counted(people: People, made: Tables, seed: int, change: NDArray[np.uint32] | None = None) -> Outputs:
    """Everything that the person engine gives for people of every state."""
    outcome = person_engine.simulate(people, made, 1, seed, change)
    exact: dict[str, NDArray[Any]] = {name: outcome.counts[0, ..., at] for at, name in enumerate(RESULTS)}
    end = outcome.end[0].astype(np.int64)
    levels = {"frailty": end % len(FRAILTY), "morbidity": end // len(FRAILTY)}
    practice = np.repeat(np.arange(STATES), np.diff(people.offsets))
    age = np.minimum(people.months // 12, AGES - 1)
    third = (age >= 45).astype(np.int64) + (age >= 75)
    for name, level in levels.items():
        added = np.zeros((STATES, 3), np.int64)
        np.add.at(added, (practice, third), np.where(end == DEAD, 0, level))
        exact[name] = added
    sums: dict[tuple[str, str], float] = {}
    for name, values in exact.items():
        if name in ILLNESS:
            by_state, by_age = values.sum(axis=1), values.sum(axis=0)
        else:
            by_state = values.sum(axis=(1, 2))
            groups = values.sum(axis=(0, 1)).reshape(GROUPS // CELLS, CELLS).sum(axis=1)
            by_age = np.add.reduceat(groups, [0, YOUNG, MIDDLE])
        grid = by_state.reshape(len(MORBIDITY), len(FRAILTY))
        sums[name, ""] = float(grid.sum())
        of = {"frailty": grid.sum(axis=0), "morbidity": grid.sum(axis=1), "age": by_age}
        for start, (kind, level) in STARTS.items():
            sums[name, start] = float(of[kind][level])
    return Outputs(exact, sums)


def everything(built: Model, people: People, size: int, seed: int) -> Outputs:
    """Every output under a model: what the engine counts, the place that is made, and what else figures decide."""
    made = tables(built)
    found = counted(people, made, seed)
    exact, sums = dict(found.exact), dict(found.sums)
    place = populate(size, seed, 1, built_in=built).people
    here = place.months >= 0
    state, cell = place.state[here].astype(np.int64), place.cell[here].astype(np.int64)
    morbidity, fifth = state // len(FRAILTY), cell % FIFTHS
    exact["births"] = place.months[~here]
    exact["ages"] = place.months[here].astype(np.int64) * CELLS + cell
    exact["illness"] = state
    sums["births", ""] = float((~here).sum())
    sums["ages", "oldest"] = float((place.months >= 12 * 90).sum())
    sums["illness", "frail"] = float((state % len(FRAILTY)).sum())
    for level, name in enumerate(("any", "multi", "complex"), start=1):
        sums["illness", name] = float((morbidity >= level).sum())
    sums["illness", "complex in the most deprived fifth"] = float((morbidity[fifth == 0] == 3).sum())
    sums["illness", "complex in the least"] = float((morbidity[fifth == FIFTHS - 1] == 3).sum())
    years = np.array([system.noise(built, seed, draw, 4) for draw in range(100)]) - 1
    exact["years together"] = years
    sums["years together", "swing"] = float((years[:, 0] ** 2).sum())
    sums["years together", "memory"] = float((years[:, 1:] * years[:, :-1]).sum() / (years[:, :-1] ** 2).sum())
    for name, levels in (("lasting differences", made.burden), ("differences of a year", made.year)):
        exact[name] = levels
        sums[name, ""] = float((levels.astype(float) ** 2).sum())
    return Outputs(exact, sums)


def figures(made: Given) -> Iterator[Check]:
    """Every figure and curve of the model and every multiplier, up and down."""
    yield from tried(made, every())


def every() -> tuple[str, ...]:
    """The names of every figure, curve and multiplier."""
    whole = published()
    curves = (f"curve {name}" for name in whole.curves)
    return (*whole.parameters, *curves, *(f"multiplier {name}" for name in MULTIPLIERS))


def tried(made: Given, names: Sequence[str]) -> Iterator[Check]:
    """Some figures, curves and multipliers, up and down."""
    people = of_every_state(made.model, EACH, made.seed)
    size = int(np.clip(len(made.people), 10_000, 50_000))
    base = everything(made.model, people, size, made.seed)
    known = relations()
    for name in names:
        if name not in known:
            yield _unknown(name)
            continue
        sides: list[Outputs] = []
        for times in (known[name].times, 1 / known[name].times):
            if name in made.model.parameters:
                changed = model({name: made.model.value(name) * times})
                sides.append(everything(changed, people, size, made.seed))
            elif name.startswith("curve "):
                changed = model(given=_curved(name.removeprefix("curve "), times, known[name].from_age))
                sides.append(everything(changed, people, size, made.seed))
            else:
                change = person_engine.multipliers(1, people.practices, 1)
                change[..., MULTIPLIERS.index(name.removeprefix("multiplier "))] = round(times * ONE)
                sides.append(counted(people, made.tables, made.seed, change))
        yield related(known[name], base, *sides)


def _curved(name: str, times: float, from_age: int) -> Figures:
    """The committed figures with one curve higher or lower."""
    whole = published()
    curve = whole.curves[name].copy()
    curve[:, from_age:] *= times
    return Figures(whole.parameters, {**whole.curves, name: curve})


def without_relation() -> tuple[str, ...]:
    """Figures and curves of the model and multipliers that the table has no row for."""
    return tuple(name for name in every() if name not in relations())


def _unknown(name: str) -> Check:
    return Check(
        "relations",
        name,
        "Every figure of the model has a row in the table of relations, so that nothing is left untried.",
        "a row in relations.yaml",
        "none",
        differs=True,
    )


def related(relation: Relation, base: Outputs, up: Outputs, down: Outputs) -> Check:
    """Whether a change up and one down move what the relation says, and leave the rest as it was to the last bit."""
    touched = relation.touched
    wrong: list[str] = []
    same = 0
    for output, values in up.exact.items():
        if output in touched:
            continue
        same += 1
        was = base.exact[output]
        for side, other in (("up", values), ("down", down.exact[output])):
            if other.shape != was.shape or (other != was).any():
                wrong.append(f"{output} moved as it went {side}")
    said: list[str] = []
    for pairs, sign in ((relation.rises, 1), (relation.falls, -1)):
        for output, part in pairs:
            if (output, part) not in up.sums:
                continue
            was, more, less = (one.sums[output, part] for one in (base, up, down))
            name = f"{output} of {part}" if part else output
            if (more - was) * sign <= 0 or (was - less) * sign <= 0:
                wrong.append(f"{name} went {percent(more, was)} up, {percent(less, was)} down")
            said.append(f"{name} {percent(more, was)}")
    moved = [name for name in up.exact if name in touched and not np.array_equal(up.exact[name], base.exact[name])]
    if not moved:
        wrong.append("nothing moved at all")
    if not said:
        said = [f"{name.replace('_', ' ')} moved" for name in moved]
    found = ", ".join(said[:3]) + (f" and {len(said) - 3} more as declared" if len(said) > 3 else "")
    if wrong:
        found = "; ".join(wrong[:4]) + (f"; {len(wrong) - 4} more" if len(wrong) > 4 else "")
    return Check(
        "relations",
        relation.name,
        relation.why[0].upper() + relation.why[1:] + ".",
        f"{_listed('rise', relation.rises)}{_listed('fall', relation.falls)}{same} outputs the same to the last bit",
        f"× {relation.times:g}: {found}" if not wrong else found,
        differs=bool(wrong),
    )


def _listed(verb: str, pairs: Sequence[tuple[str, str]]) -> str:
    """What rises or falls, results of one part together."""
    if not pairs:
        return ""
    by_part: dict[str, list[str]] = {}
    for output, part in pairs:
        by_part.setdefault(part, []).append(output)
    texts: list[str] = []
    for part, outputs in by_part.items():
        name = next((family for family, names in FAMILIES.items() if tuple(outputs) == names), "")
        both = "hospital and frequent care" if tuple(outputs) == FAMILIES["hospital"] + FAMILIES["frequent"] else ""
        texts.append((both or name or ", ".join(outputs)) + (f" of {part}" if part else ""))
    return f"{'; '.join(texts)} {verb}{'' if len(pairs) > 1 else 's'}; "


# ------------------------------------------------------------------------------------------------------------ behaviour


MOVES: Mapping[str, tuple[str, ...]] = {
    "emergency": ("emergency", "chronic", "emergency_days", "emergency_cost"),
    "chronic": ("emergency", "chronic", "emergency_days", "emergency_cost"),
    "elective": ("elective", "elective_cost"),
    "worsening": tuple(name for name in RESULTS if name not in ("months", "deaths", "moves")),
    **{name: (name,) for name in STREAMS if name not in ("emergency", "elective")},
}
"""Results that each thing that an effect can be on moves, besides what is reckoned with."""

RECKONED: Mapping[str, Callable[[Response], float]] = {
    "achievement": lambda response: float(response.moved.sum()),
    "adjustments": lambda response: float(response.taken_out.sum()),
    "registers": lambda response: float((response.found - 1).sum()),
    "expected": lambda response: float((response.expected - 1).sum()),
    "participation": lambda response: -float(sum((~mask).sum() for mask in response.takes_part.values())),
}
"""What effects can be on that moves no event, only what contracts are given; and how far a response moves it."""

NOTHING = Stakes((0.0,) * YEARS, (0.0,) * YEARS, frozenset())
"""Nothing at stake."""


def answered(one: Behaviour) -> Response:
    """What a behaviour does where everything that it answers to is there."""
    at_stake = Stakes((1.0,) * YEARS, (5.0,) * YEARS, frozenset({one.to}), {"new": (-1.0, 1.0)})
    fall = library()["integration-late"]
    first = (fall,) if one.answers == "falls" else ()
    now = Stakes(at_stake.hospital, at_stake.indicators, at_stake.streams | {fall.to}, at_stake.net)
    return respond([*first, one], now, NOTHING, YEARS, chronic_share=0.08)


def behaviours(made: Given) -> Iterator[Check]:
    """Every behaviour of the library moves what it declares, that way, and nothing else; off, it moves nothing."""
    people = made.people
    found = library()
    before = respond([found["integration-late"]], Stakes(
        (0.0,) * YEARS, (0.0,) * YEARS, frozenset({found["integration-late"].to})
    ), NOTHING, YEARS, chronic_share=0.08)  # fmt: skip
    responses = {name: answered(one) for name, one in found.items()}
    changes = [np.ones_like(before.change), before.change, *(one.change for one in responses.values())]
    factor = np.rint(np.stack(changes) * ONE).astype(np.uint32)
    change = np.broadcast_to(factor[:, None], (len(factor), people.practices, *factor.shape[1:])).copy()
    counts = person_engine.simulate(people, made.tables, YEARS, made.seed, change).counts
    totals = counts.sum(axis=(1, 2, 3))
    for number, (name, one) in enumerate(found.items(), start=2):
        # what freed beds lead to is seen beside the fall that frees them
        base = 1 if one.answers == "falls" else 0
        yield _behaviour(one, responses[name], counts[base], counts[number], totals[base], totals[number])
    loud = [name for name, one in found.items() if not _silent(one)]
    yield Check(
        "relations",
        "behaviours with nothing at stake",
        "A behaviour answers to what a contract changes: where nothing is at stake, or the same as before, it moves "
        "nothing at all, so a contract alone leaves every event as it was.",
        f"{len(found)} behaviours silent",
        f"{', '.join(loud)} moved something" if loud else f"{len(found)} silent",
        differs=bool(loud),
    )


def _silent(one: Behaviour) -> bool:
    at_stake = Stakes((0.4,) * YEARS, (3.0,) * YEARS, frozenset({one.to}), {"old": (-1.0, 1.0)})
    return all(respond([one], same, same, YEARS, chronic_share=0.08).silent for same in (NOTHING, at_stake))


def declared(one: Behaviour) -> list[tuple[str, float]]:
    """What a behaviour's file says that it moves, and which way: effects by their sign, choices to who costs less."""
    found = [(effect.on, effect.size) for effect in one.effects]
    if one.chooses is not None:
        inside = [each for each in one.chooses.among if each.stream == one.chooses.of]
        price = sum(each.share * each.price for each in inside) / sum(each.share for each in inside)
        others = [(each.stream, price - each.price) for each in one.chooses.among if each.stream != one.chooses.of]
        found += [(one.chooses.of, -sum(way for _, way in others)), *others]
    return found


def _behaviour(one: Behaviour, response: Response, base: Whole, now: Whole, was: Whole, total: Whole) -> Check:
    wrong: list[str] = []
    said: list[str] = []
    touched: set[str] = set()
    pairs = declared(one)
    for on, way in pairs:
        touched.update(MOVES.get(on, ()))
        if on in RECKONED:
            moved = RECKONED[on](response)
            said.append(f"{on} moved")
        else:
            at = RESULTS.index("chronic" if on == "chronic" else MOVES[on][0])
            moved = float(total[at] - was[at])
            said.append(f"{RESULTS[at]} {percent(float(total[at]), float(was[at]))}")
        if moved * way <= 0:
            wrong.append(f"{on} moved by {moved:+g}, and should {'rise' if way > 0 else 'fall'}")
    others = [name for at, name in enumerate(RESULTS) if name not in touched and (base[..., at] != now[..., at]).any()]
    wrong += [f"{name} moved" for name in others]
    text = "; ".join(f"{on} {'rises' if way > 0 else 'falls'}" for on, way in pairs)
    return Check(
        "relations",
        f"behaviour {one.name}",
        f"{one.title}: moves what its file declares, in that direction, and no other event of anybody.",
        f"{text}; {len(RESULTS) - len(touched)} results the same to the last bit",
        "; ".join(wrong) if wrong else ", ".join(said),
        differs=bool(wrong),
    )


# ----------------------------------------------------------------------------------------------------------- invariance


def invariances(made: Given) -> Iterator[Check]:
    """What must not matter: machine, pieces, order, company; and what a seed may change and what not."""
    people, built = made.people, made.tables
    whole = person_engine.simulate(people, built, YEARS, made.seed)
    yield _machine(made, whole.counts, whole.end)
    yield from _scenarios(made)
    yield _years(made)
    yield from _seeds(made)
    yield _twice(made)
    yield _monotone(made)


def _same(name: str, what: str, sizes: str, differs: int) -> Check:
    return Check(
        "relations",
        name,
        what,
        f"{sizes}, the same to the last bit",
        f"{differs:,} numbers differ" if differs else "no difference",
        differs=differs > 0,
    )


def _machine(made: Given, counts: Whole, end: NDArray[np.uint8]) -> Check:
    people = made.people
    before = nb.get_num_threads()
    differs = 0
    try:
        for threads in (1, before):
            nb.set_num_threads(threads)
            again = person_engine.simulate(people, made.tables, YEARS, made.seed)
            differs += int((again.counts != counts).sum() + (again.end != end).sum())
    finally:
        nb.set_num_threads(before)
    change = person_engine.multipliers(1, people.practices, YEARS)
    pieces = partitions.Part(people, YEARS, made.seed, change).cut(range(people.practices + 1))
    apart = partitions.together([piece.simulated(made.tables) for piece in pieces])
    differs += int((apart.counts != counts).sum() + (apart.end != end).sum())
    return _same(
        "threads and pieces",
        "The same seed gives the same bytes again, on one thread or several, whole or in parts: no draw depends on "
        "when or where it is made.",
        f"1 and {before} threads, {len(pieces)} pieces, {counts.size:,} counts",
        differs,
    )


def _scenarios(made: Given) -> Iterator[Check]:
    people = made.people
    random = np.random.Generator(np.random.Philox(key=made.seed + 31))
    change = person_engine.multipliers(4, people.practices, YEARS)
    change[2:] = np.rint(change[2:] * np.exp2(random.uniform(-0.5, 0.5, change[2:].shape))).astype(np.uint32)
    change[3, ..., 0] = ONE
    together = person_engine.simulate(people, made.tables, YEARS, made.seed, change).counts
    order = [2, 0, 3, 1]
    turned = person_engine.simulate(people, made.tables, YEARS, made.seed, change[order]).counts
    alone = [
        person_engine.simulate(people, made.tables, YEARS, made.seed, change[n : n + 1]).counts[0] for n in range(4)
    ]
    yield _same(
        "order and company of scenarios",
        "A scenario comes out the same alone, beside others, and in whatever order: they share chance, nothing else.",
        "4 scenarios",
        int((turned != together[order]).sum()) + sum(int((one != together[n]).sum()) for n, one in enumerate(alone)),
    )
    yield _same(
        "a scenario that changes nothing",
        "A scenario with every behaviour off is no contract change, event for event.",
        f"{together[0].size:,} counts",
        int((together[0] != together[1]).sum()),
    )


def _years(made: Given) -> Check:
    people, seed = made.people, made.seed
    whole = person_engine.simulate(people, made.tables, 5, seed)
    first = person_engine.simulate(people, made.tables, 3, seed)
    later = People(people.offsets, (people.months + 36).astype(np.int16), people.cell, people.state, people.burden)
    rest = person_engine.simulate(later, made.tables, 2, seed, first_year=3, after=first)
    differs = int((np.concatenate([first.counts, rest.counts], axis=2) != whole.counts).sum())
    return _same(
        "three years and two are five",
        "A run that goes on from where it stopped is the run in one piece.",
        f"{whole.counts.size:,} counts and {len(people):,} people at the end",
        differs + int((rest.end != whole.end).sum() + (rest.burden != whole.burden).sum()),
    )


def _seeds(made: Given) -> Iterator[Check]:
    runs = 12
    totals = np.array(
        [
            [
                person_engine.simulate(made.people, made.tables, 1, system.seed_of(made.seed + side, run)).counts.sum(
                    axis=(0, 1, 2, 3)
                )
                for run in range(runs)
            ]
            for side in (41, 43)
        ],
        float,
    )
    moved = int((totals[0] != totals[1]).any(axis=0).sum())
    yield Check(
        "relations",
        "another seed is another chance",
        "Another seed gives other events.",
        f"all of {len(RESULTS)} results differ",
        f"{moved} differ",
        differs=moved < len(RESULTS),
    )
    errors = np.asarray(stats.ttest_ind(totals[0], totals[1], axis=0)[1])
    worst = int(np.argmin(errors))
    yield Check(
        "relations",
        "another seed is the same model",
        f"Means over {runs} seeds and over {runs} others differ no more than chance makes of {len(RESULTS)} results.",
        "no difference but chance",
        f"most in {RESULTS[worst]}: {percent(totals[1, :, worst].mean(), totals[0, :, worst].mean())}",
        chance=float(min(1.0, errors[worst] * len(RESULTS))),
    )


def _twice(made: Given) -> Check:
    """The same practices a second time, as other people: each result is that of the first time but for chance."""
    people = made.people
    doubled = People(
        np.concatenate([people.offsets, people.offsets[1:] + people.offsets[-1]]),
        np.tile(people.months, 2),
        np.tile(people.cell, 2),
        np.tile(people.state, 2),
        np.tile(people.burden, 2),
    )
    runs = 12
    halves = np.array(
        [
            person_engine.simulate(doubled, made.tables, 1, system.seed_of(made.seed + 47, run))
            .counts[0]
            .reshape(2, people.practices, -1, len(RESULTS))
            .sum(axis=(1, 2))
            for run in range(runs)
        ],
        float,
    )
    errors = np.asarray(stats.ttest_rel(halves[:, 0], halves[:, 1], axis=0)[1])
    worst = int(np.argmin(errors))
    return Check(
        "relations",
        "twice the people",
        "The same practices a second time, with draws of their own, have the same results again but for chance: what "
        "happens to somebody does not depend on how many others there are.",
        "no difference but chance",
        f"most in {RESULTS[worst]}: {percent(halves[:, 1, worst].mean(), halves[:, 0, worst].mean())}",
        chance=float(min(1.0, errors[worst] * len(RESULTS))),
    )


def _monotone(made: Given) -> Check:
    people = made.people
    steps = (0.5, 0.9, 1.0, 1.1, 2.0)
    change = person_engine.multipliers(len(steps), people.practices, 1)
    for number, step in enumerate(steps):
        change[number, ..., 2:] = round(step * ONE)
    counts = person_engine.simulate(people, made.tables, 1, made.seed, change).counts
    back = int((np.diff(counts, axis=0) < 0).sum())
    return Check(
        "relations",
        "more never means fewer",
        "A larger multiplier keeps every event of a smaller one and adds some, in every practice and group: only "
        "people at the margin differ.",
        f"no group with fewer, from × {steps[0]:g} to × {steps[-1]:g}",
        f"{back:,} groups with fewer" if back else "none with fewer",
        differs=back > 0,
    )
