"""All measures of the library over a large record: how long, how much memory, and beside queries written by hand.

``python -m bench.measuring [PEOPLE]`` makes the record (1 million people and 60 million events unless said otherwise)
and computes every measure by practice and month of a year, three ways in turn: all in one session, as ``accord
measure`` does, where what several measures need is made once; each in a session of its own; and each by a DuckDB query
written by hand (``bench/measures_by_hand``). All must give the same whole numbers.
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench import by_hand, population
from bench.lines import line

FIRST, UNTIL = dt.date(2025, 4, 1), dt.date(2026, 4, 1)
PEOPLE = 1_000_000
TARGET_SECONDS, TARGET_GIGABYTES, TARGET_RATIO = 60, 8, 1.3
THREADS, MEMORY = 2, "6GB"
ROUNDS = 3

Cells = dict[tuple[str, str], tuple[int, int]]
"""Numerator and denominator by practice and month, where one of them is not 0."""


def report(people: int = PEOPLE, rounds: int = ROUNDS, names: Sequence[str] = by_hand.NAMES) -> None:
    """Make the record, measure, compare."""
    print(f"\nMeasures over {people:,} people with {people * population.EVENTS_EACH:,} events, by practice and month")
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
        record = Path(folder) / "record"
        population.make(record, people)
        cost = in_process(record, names)
        target = f"target {TARGET_SECONDS} s, {TARGET_GIGABYTES} GB"
        line(f"{len(names)} measures, whole process", f"{cost.seconds:.1f} s  {cost.gigabytes:.1f} GB", target)
        line("    in processor seconds, whatever else runs", f"{cost.processor:.1f} s")
        beside(record, rounds, names)


@dataclass(frozen=True)
class Cost:
    """What computing measures takes: seconds by the clock and of processors, and memory."""

    seconds: float
    processor: float
    gigabytes: float


def in_process(record: Path, names: Sequence[str] = by_hand.NAMES) -> Cost:
    """What measures take in a process of its own, so that its memory is its own; seconds are of the whole process.

    Raises:
        subprocess.CalledProcessError: it ended with an error.
    """
    start = time.perf_counter()
    command = [sys.executable, "-m", "bench.measuring", "--one", str(record), *names]
    ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found = json.loads(ended.stdout)
    return Cost(time.perf_counter() - start, found["processor"], found["gigabytes"])


def everything(record: Path, names: Sequence[str]) -> Mapping[str, float]:
    """Measures by practice and month, in this process."""
    for _ in in_one_session(record, names):
        pass
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"processor": time.process_time(), "gigabytes": memory}


# -- three ways --------------------------------------------------------------------------------------------------------


def in_one_session(record: Path, names: Sequence[str]) -> Iterator[Cells]:
    """Measures one after the other, as ``accord measure`` computes them: what they share is made once."""
    from accord.measures.computing import Session
    from accord.measures.measure import find
    from accord.record.record import open_record

    opened = open_record(record)
    with Session(opened, first=FIRST, until=UNTIL, every="month", threads=THREADS, memory=MEMORY) as session:
        for name in names:
            table = session.cells(find(name)).table
            keys = zip(table.column("organisation").to_pylist(), table.column("period").to_pylist(), strict=True)
            numbers = zip(table.column("numerator").to_pylist(), table.column("denominator").to_pylist(), strict=True)
            yield {key: found for key, found in zip(keys, numbers, strict=True) if found != (0, 0)}


def each_alone(record: Path, names: Sequence[str]) -> Iterator[Cells]:
    """The same, each in a session of its own."""
    for name in names:
        yield from in_one_session(record, [name])


def by_queries(record: Path, names: Sequence[str]) -> Iterator[Cells]:
    """The same, each by its query written by hand, on a connection of its own."""
    from accord.engine.database import in_memory
    from accord.record.record import open_record

    for name in names:
        with in_memory() as con:
            con.execute(f"set threads = {THREADS}")
            con.execute(f"set memory_limit = '{MEMORY}'")
            # DuckDB takes the many rows of some of these joins for a few, and then goes through all pairs
            con.execute("set asof_loop_join_threshold = 0")
            rows = con.execute(by_hand.query(name, open_record(record).generation)).fetchall()
        yield {
            (organisation, period.isoformat()): (int(numerator), int(denominator))
            for organisation, period, numerator, denominator in rows
            if (numerator, denominator) != (0, 0)
        }


WAYS: Mapping[str, Callable[[Path, Sequence[str]], Iterator[Cells]]] = {
    "session": in_one_session,
    "alone": each_alone,
    "hand": by_queries,
}


def beside(record: Path, rounds: int, names: Sequence[str]) -> None:
    """Measures the three ways, in turn; cells must be equal."""
    taken: dict[str, list[list[float]]] = {way: [] for way in WAYS}
    processor: dict[str, list[float]] = {way: [] for way in WAYS}
    cells: dict[str, list[Cells]] = {}
    for _ in range(rounds):
        for way, computed in WAYS.items():
            found: list[Cells] = []
            seconds: list[float] = []
            used, start = time.process_time(), time.perf_counter()
            for each in computed(record, names):
                seconds.append(time.perf_counter() - start)
                found.append(each)
                start = time.perf_counter()
            processor[way].append(time.process_time() - used)
            taken[way].append(seconds)
            cells[way] = found
    each = {way: [median(times) for times in zip(*found, strict=True)] for way, found in taken.items()}
    line("seconds: together, alone, by hand; median of " + str(rounds), "", "alone / by hand")
    for at, name in enumerate(names):
        together, alone, hand = (each[way][at] for way in WAYS)
        differs = "" if cells["session"][at] == cells["alone"][at] == cells["hand"][at] else "   CELLS DIFFER"
        line(f"    {name}", f"{together:5.2f} {alone:5.2f} {hand:5.2f}", f"{alone / hand:.2f}{differs}")
    together, alone, hand = (sum(each[way]) for way in WAYS)
    line("all of them", f"{together:.2f} {alone:.2f} {hand:.2f}", "one session shares what several measures need")
    line("one session / by hand", f"{together / hand:.2f}", f"target {TARGET_RATIO}")
    line("each alone / by hand", f"{alone / hand:.2f}")
    used, _, used_by_hand = (median(processor[way]) for way in WAYS)
    line("one session / by hand in processor seconds", f"{used / used_by_hand:.2f}")
    over = sum(a > TARGET_RATIO * b for a, b in zip(each["alone"], each["hand"], strict=True))
    line(f"measures that take over {TARGET_RATIO} times the query when alone", f"{over} of {len(names)}")
    equal = cells["session"] == cells["alone"] == cells["hand"]
    line("numerators and denominators equal to those by hand", "yes" if equal else "NO")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(everything(Path(sys.argv[2]), sys.argv[3:])))
    else:
        report(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE)
