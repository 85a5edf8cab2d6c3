"""The engines of futures: how fast, beside a numpy engine of the same model written by hand, at a place's and at
England's size.

``python -m bench.futures [CHART]`` runs everything at the sizes of the targets. Ways that are compared take turns, and
what is printed is the median of the turns. Processor seconds are printed beside seconds by the clock, because they are
the same on a machine that does other work too.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

from bench.chart import Point, Words, chart, fitted
from bench.lines import line

CORES = 2
"""Cores that the targets are for."""

ROUNDS = 3
CHART = "bench-futures.svg"
SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000, 2_000_000)
YEARS = 5
ENGLAND = 62_000_000
SEED = 20260401

TARGET_SPEED = 20
"""Million person-years a second on two cores."""
TARGET_BOARD, TARGET_ENGLAND, TARGET_GIGABYTES = 3, 40, 2
TARGET_SCENARIOS, TARGET_VARIANCE, TARGET_COHORT, TARGET_FIRST = 4, 50, 10, 2

TINY: Mapping[str, Any] = {
    "speed": 3_000,
    "by_hand": 2_000,
    "board": 4_000,
    "scenarios": 2_000,
    "england": 20_000,
    "replicates": 4,
    "replicate": 2_000,
    "cohorts": 20,
    "sizes": (2_000, 4_000),
    "rounds": 1,
    "compiled": False,
    "drawn": "",
}
"""Sizes that say nothing about speed, to try every part."""


def report(
    *,
    speed: int = 1_000_000,
    by_hand: int = 50_000,
    board: int = 1_500_000,
    scenarios: int = 300_000,
    england: int = ENGLAND,
    replicates: int = 400,
    replicate: int = 100_000,
    cohorts: int = 1_000,
    sizes: Sequence[int] = SIZES,
    rounds: int = ROUNDS,
    compiled: bool = True,
    drawn: str = CHART,
) -> None:
    """Everything. The sizes are people, but for ``replicates`` (pairs of runs) and ``cohorts`` (sets of figures).

    ``compiled`` says whether compiling is timed too, which takes as long as all the rest of a trial.
    """
    import numba

    numba.set_num_threads(min(CORES, numba.get_num_threads()))
    print(f"\nFutures: medians of {rounds}, {numba.get_num_threads()} threads")
    beside_by_hand(speed, by_hand, rounds)
    at_size(board, scenarios, rounds)
    shared_chance(replicate, replicates)
    parameters(cohorts, rounds)
    first_calls(compiled)
    reached = nation(england)
    growing(sizes, reached, rounds, drawn)


# -- taking turns ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Turns:
    """What one way took in each turn: seconds by the clock, and of processors."""

    clock: list[float]
    processor: list[float]

    @property
    def seconds(self) -> float:
        """The median by the clock."""
        return median(self.clock)

    @property
    def used(self) -> float:
        """The median of processor seconds."""
        return median(self.processor)


def in_turn(ways: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, Turns]:
    """Several ways in turn: A B C A B C …, so that a busy machine is busy for all."""
    found = {name: Turns([], []) for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            clock, used = time.perf_counter(), time.process_time()
            way()
            found[name].clock.append(time.perf_counter() - clock)
            found[name].processor.append(time.process_time() - used)
    return found


def people_of(size: int, years: int) -> Any:
    """A made population with the births of some years."""
    from accord.simulation.population import populate

    return populate(size, seed=1, years=years).people


# -- the person engine beside one by hand ------------------------------------------------------------------------------


def beside_by_hand(people: int, fewer: int, rounds: int) -> None:
    """Person-years a second, beside the numpy engine on fewer people; and whether both come to the same."""
    from accord.simulation.model import model
    from accord.simulation.person_engine import simulate
    from accord.simulation.tables import tables
    from bench.futures_by_hand import ByHand

    built = model()
    whole, rival = tables(built), ByHand(built)
    many, few = people_of(people, YEARS), people_of(fewer, YEARS)
    simulate(few, whole, 1, SEED)  # compiled, or read from the cache, before anything is timed
    turns = in_turn(
        {"ours": lambda: simulate(many, whole, YEARS, SEED), "hand": lambda: rival.simulate(few, YEARS, SEED)}, rounds
    )
    ours, hand = (people_years(n, YEARS) / turns[name].seconds for n, name in ((people, "ours"), (fewer, "hand")))
    each = people_years(people, YEARS) / turns["ours"].used
    each_by_hand = people_years(fewer, YEARS) / turns["hand"].used
    print(f"\n  Person engine, {people:,} people x {YEARS} years; by hand, {fewer:,} people")
    line("million person-years a second", f"{ours:.1f}", f"target {TARGET_SPEED}")
    line("    a processor second", f"{each:.1f}", f"{CORES} idle cores would make {CORES * each:.1f} a second")
    line("numpy by hand: million person-years a second", f"{hand:.2f}")
    line("    a processor second", f"{each_by_hand:.2f}")
    line("Accord / by hand, by the clock and by processor seconds", f"{ours / hand:.0f}  {each / each_by_hand:.0f}")
    farthest, name = same_totals(few, whole, rival)
    line("totals of both, in standard errors of their difference", f"{farthest:.1f}", f"the farthest: {name}")


def people_years(people: int, years: int) -> float:
    """Million person-years."""
    return people * years / 1e6


def same_totals(people: Any, whole: Any, rival: Any, seeds: int = 24) -> tuple[float, str]:
    """How far the results of both engines lie apart over several seeds, in standard errors: the farthest result."""
    import numpy as np

    from accord.simulation.person_engine import simulate
    from accord.simulation.results import LAZY_AT, RESULTS
    from accord.simulation.tables import LAZY_ONE

    ours = np.array([simulate(people, whole, 1, seed).counts[0].sum(axis=(0, 1, 2)) for seed in range(seeds)], float)
    ours[:, LAZY_AT:] /= LAZY_ONE
    hand = np.array([rival.simulate(people, 1, seed).sum(axis=(0, 1, 2)) for seed in range(seeds)])
    error = np.sqrt((ours.var(axis=0, ddof=1) + hand.var(axis=0, ddof=1)) / seeds)
    apart = np.abs(ours.mean(axis=0) - hand.mean(axis=0)) / np.maximum(error, 1e-9)
    return float(apart.max()), RESULTS[int(apart.argmax())]


# -- a board, and scenarios --------------------------------------------------------------------------------------------


def eight(practices: int, years: int) -> Any:
    """No change and seven scenarios: each moves other things, some the course of illness."""
    from accord.simulation.model import STREAMS
    from accord.simulation.person_engine import multipliers

    moved: Sequence[Mapping[str, float]] = (
        {},
        {"emergency": 0.95},
        {"elective": 0.96},
        {"attendances": 0.9},
        {"outpatient": 0.9, "elective": 1.03},
        {"worsening": 0.98},
        {"emergency": 0.95, "worsening": 0.98},
        {"emergency": 1.03, "attendances": 1.05, "elective": 0.95, "outpatient": 0.95},
    )
    out = multipliers(len(moved), practices, years)
    for number, factors in enumerate(moved):
        for name, factor in factors.items():
            column = 0 if name == "worsening" else 2 + STREAMS.index(name)
            out[number, ..., column] = round(factor * (1 << 16))
    return out


def at_size(board: int, scenarios: int, rounds: int) -> None:
    """A board for ten years; and eight scenarios in one pass beside one."""
    from accord.simulation.model import model
    from accord.simulation.person_engine import simulate
    from accord.simulation.tables import tables

    whole = tables(model())
    place, some = people_of(board, 10), people_of(scenarios, YEARS)
    change = eight(some.practices, YEARS)
    turns = in_turn(
        {
            "board": lambda: simulate(place, whole, 10, SEED),
            "one": lambda: simulate(some, whole, YEARS, SEED, change[:1]),
            "eight": lambda: simulate(some, whole, YEARS, SEED, change),
        },
        rounds,
    )
    print(f"\n  A board of {board:,} people; scenarios of {scenarios:,} people x {YEARS} years")
    used = f"{turns['board'].used:.2f} processor seconds"
    line("a board for 10 years, seconds", f"{turns['board'].seconds:.2f}", f"target {TARGET_BOARD}; {used}")
    ratio = median(a / b for a, b in zip(turns["eight"].clock, turns["one"].clock, strict=True))
    busy = median(a / b for a, b in zip(turns["eight"].processor, turns["one"].processor, strict=True))
    line("8 scenarios in one pass / one scenario", f"{ratio:.2f}", f"target {TARGET_SCENARIOS} at most")
    line("    by processor seconds", f"{busy:.2f}")


# -- shared chance -----------------------------------------------------------------------------------------------------


def shared_chance(people: int, replicates: int) -> None:
    """How much smaller the variance of a difference is when both scenarios meet the same chance.

    As in the method's note: 24 months, emergency admissions at 65 and over 5 % fewer, worsening 2 % slower.
    """
    import numpy as np
    from scipy import stats

    from accord.simulation.model import model
    from accord.simulation.people import AGES
    from accord.simulation.person_engine import simulate
    from accord.simulation.tables import tables

    built = model()
    fewer = np.where(np.arange(AGES) >= 65, 0.95, 1.0)[None, :, None]
    changed = replace(
        built, worse=built.worse * 0.98, rate={**built.rate, "emergency": built.rate["emergency"] * fewer}
    )
    both = tables(built), tables(changed)
    some = people_of(people, 2)
    runs = [[simulate(some, one, 2, seed) for one in both] for seed in range(replicates)]
    print(f"\n  A difference of two scenarios, {people:,} people x 24 months, {replicates} replicates of each")
    for name, said in (("emergency", "emergency admissions"), ("emergency_cost", "their cost")):
        found = np.array([[one.total(name).sum() for one in pair] for pair in runs], float)
        shared = (found[:, 0] - found[:, 1]).var(ddof=1)
        # the same runs, each beside a run of another seed
        apart = (found[:, 0] - np.roll(found[:, 1], 1)).var(ddof=1)
        low, high = (apart / shared / stats.f.ppf(p, replicates - 1, replicates - 1) for p in (0.975, 0.025))
        target = f"target {TARGET_VARIANCE}" if name == "emergency" else ""
        line(f"{said}: variance apart / shared", f"{apart / shared:.0f}", f"{target} (95 %: {low:.0f} to {high:.0f})")


# -- figures that nobody knows exactly ---------------------------------------------------------------------------------


def parameters(cohorts: int, rounds: int) -> None:
    """Runs of the cohort engine, each with other figures of the model: the model is made anew for each."""
    import numpy as np

    from accord.place.uncertainty import parameter_draws
    from accord.simulation.cohort_engine import cohort, expect, expect_drawn
    from accord.simulation.model import model
    from accord.simulation.results import EMERGENCY

    start = cohort(people_of(20_000, YEARS), YEARS)
    draws = parameter_draws(model(), SEED, cohorts)
    expect_drawn(start, draws[:2], YEARS)
    turns = in_turn({"all": lambda: expect_drawn(start, draws, YEARS)}, rounds)["all"]
    found = expect_drawn(start, draws, YEARS)
    alone = [expect(start, model(one), YEARS) for one in draws[:3]]
    total = found[..., EMERGENCY].sum(axis=(1, 2))
    low, high = np.quantile(total / total.mean() - 1, (0.025, 0.975))
    print(f"\n  Cohort engine, {YEARS} years, {cohorts:,} sets of figures")
    target = f"target {TARGET_COHORT}; {turns.used:.2f} processor seconds"
    line(f"{cohorts:,} runs, seconds", f"{turns.seconds:.2f}", target)
    line("the same as one by one, to the bit", "yes" if all(map(np.array_equal, found, alone)) else "NO")
    line("emergency admissions: 95 % of the runs", f"{low:+.1%} to {high:+.1%}")


# -- processes of their own --------------------------------------------------------------------------------------------


def in_process(*arguments: str, **environment: str) -> dict[str, float]:
    """What this module prints when it is run with some arguments in a process of its own.

    Raises:
        subprocess.CalledProcessError: it ended with an error.
    """
    ended = subprocess.run(
        [sys.executable, "-m", "bench.futures", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env={**os.environ, **environment},
    )
    return json.loads(ended.stdout)


def first_call() -> dict[str, float]:
    """In this process: seconds until the engine can be called, and of its first call."""
    start = time.perf_counter()
    from accord.simulation.model import model
    from accord.simulation.person_engine import simulate
    from accord.simulation.tables import tables

    whole, people = tables(model()), people_of(1_000, 1)
    ready = time.perf_counter()
    simulate(people, whole, 1, SEED)
    return {"ready": ready - start, "first": time.perf_counter() - ready}


def first_calls(compiled: bool) -> None:
    """The first call in a new process, with nothing compiled yet and with what was compiled before."""
    print("\n  The first call in a new process")
    if compiled:
        with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
            empty = in_process("--first", NUMBA_CACHE_DIR=folder)
        line("with an empty cache: compiling, and a call, seconds", f"{empty['ready'] + empty['first']:.1f}", "once")
    cached = in_process("--first")
    whole = cached["ready"] + cached["first"]
    line("with the cache: imports, model and a call, seconds", f"{whole:.2f}", f"target {TARGET_FIRST}")
    line("    of which the call", f"{cached['first']:.2f}")


def england_in_process(people: int) -> dict[str, float]:
    """In this process: England for five years, and the most memory that was ever used."""
    import numba

    from accord.simulation.model import model
    from accord.simulation.person_engine import simulate
    from accord.simulation.results import MONTHS
    from accord.simulation.tables import tables

    numba.set_num_threads(min(CORES, numba.get_num_threads()))
    whole = tables(model())
    simulate(people_of(1_000, 1), whole, 1, SEED)
    start = time.perf_counter()
    nation = people_of(people, YEARS)
    made, used = time.perf_counter(), time.process_time()
    counts = simulate(nation, whole, YEARS, SEED).counts
    return {
        "made": made - start,
        "seconds": time.perf_counter() - made,
        "processor": time.process_time() - used,
        "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
        "practices": nation.practices,
        "years": float(counts[..., MONTHS].sum()) / 12,
    }


def nation(people: int) -> Point:
    """England in a process of its own, so that its memory is its own."""
    found = in_process("--england", str(people))
    print(f"\n  {people:,} people x {YEARS} years, {found['practices']:,.0f} practices, in a process of its own")
    used = f"{found['processor']:.1f} processor seconds"
    line("seconds", f"{found['seconds']:.1f}", f"target {TARGET_ENGLAND}; {used}")
    line(
        "the most memory, all people and results at once, GB", f"{found['gigabytes']:.2f}", f"target {TARGET_GIGABYTES}"
    )
    line("million person-years a second", f"{found['years'] / 1e6 / found['seconds']:.1f}")
    line("making the people before, seconds", f"{found['made']:.1f}")
    return Point(people, found["processor"], f"measured: {found['processor']:.0f} s")


# -- as people grow ----------------------------------------------------------------------------------------------------


def growing(sizes: Sequence[int], reached: Point, rounds: int, drawn: str) -> None:
    """Processor seconds as people grow, a line through them, and what it says of England beside what England took."""
    from accord.simulation.model import model
    from accord.simulation.person_engine import simulate
    from accord.simulation.tables import tables

    whole = tables(model())
    made = {size: people_of(size, YEARS) for size in sorted(sizes)}
    ways = {str(size): lambda people=people: simulate(people, whole, YEARS, SEED) for size, people in made.items()}
    turns = in_turn(ways, rounds)
    points = [Point(size, turns[str(size)].used, f"{turns[str(size)].used:.2g} s") for size in made]
    through = fitted([(point.people, point.seconds) for point in points])
    print(f"\n  Person engine as people grow, {YEARS} years: processor seconds")
    for point in points:
        per = f"{people_years(point.people, YEARS) / point.seconds:.1f} million person-years each"
        line(f"{point.people:,} people", f"{point.seconds:.3f}", per)
    said = f"{through.fixed:.3f} s and {through.each * 1e6:.2f} s for each million people"
    line("fitted", f"{through.fixed:.3f} + {through.each * 1e6:.2f}", "for each million people")
    beyond = through.at(reached.people)
    line(f"extrapolated to {reached.people:,} people", f"{beyond:.1f}", f"measured {reached.seconds:.1f}")
    if drawn:
        words = Words(
            f"The person engine: processor seconds of {YEARS} years against people",
            f"The person engine: what {YEARS} years cost as people grow",
            "people",
            said,
        )
        far = Point(reached.people, beyond, f"the line at {reached.people // 1_000_000} million people: {beyond:.0f} s")
        Path(drawn).write_text(chart(points, through, far, words, reached), "utf-8")
        line("drawn in", drawn)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--first"]:
        print(json.dumps(first_call()))
    elif sys.argv[1:2] == ["--england"]:
        print(json.dumps(england_in_process(int(sys.argv[2]))))
    else:
        report(drawn=sys.argv[1] if len(sys.argv) > 1 else CHART)
