"""All measures of the library over a large record: how long, how much memory, against queries written by hand, by size.

``python -m bench.measuring [PEOPLE] [FOLDER]`` makes the record (1 million people and 60 million events unless said
otherwise), computes every measure by practice and month of a year, compares some with one hand-written DuckDB query
each, and draws cost against people (``measuring.svg`` in the folder).
"""

from __future__ import annotations

import datetime as dt
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

from bench import by_hand, population

FIRST, UNTIL = dt.date(2025, 4, 1), dt.date(2026, 4, 1)
PEOPLE = 1_000_000
SIZES = (10_000, 100_000, 300_000, 1_000_000, 2_000_000)
TARGET_SECONDS, TARGET_GIGABYTES, TARGET_RATIO = 60, 8, 1.3
MEMORY = "6GB"
ROUNDS = 3


def line(what: str, measured: str, target: str = "") -> None:
    """One line of the report."""
    print(f"  {what:<58} {measured:>18}   {target}".rstrip(), flush=True)


def everything(folder: Path, threads: int = 2) -> dict[str, object]:
    """Every measure of the library by practice and month, in this process: seconds of each, and in all."""
    from accord.measures.computing import Session
    from accord.measures.measure import find, library
    from accord.record.record import open_record

    start = time.perf_counter()
    seconds: dict[str, float] = {}
    with Session(
        open_record(folder), first=FIRST, until=UNTIL, every="month", threads=threads, memory=MEMORY
    ) as session:
        for card in library():
            began = time.perf_counter()
            session.cells(find(card.measure))
            seconds[card.measure] = time.perf_counter() - began
    return {
        "seconds": time.perf_counter() - start,
        "processor": time.process_time(),
        "gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2,
        "measures": seconds,
    }


def in_process(folder: Path) -> dict[str, object]:
    """The same in a process of its own, so that its memory is its own; seconds are of the whole process."""
    start = time.perf_counter()
    ended = subprocess.run(
        [sys.executable, "-m", "bench.measuring", "--one", str(folder)], capture_output=True, text=True, check=True
    )
    found = json.loads(ended.stdout)
    return {**found, "seconds": time.perf_counter() - start}


Cells = dict[tuple[str, str], tuple[int, int]]
"""Numerator and denominator by practice and month."""


def in_one_session(folder: Path, names: Sequence[str]) -> Iterator[Cells]:
    """Measures one after the other, as ``accord measure`` computes them: what they share is made once."""
    from accord.measures.computing import Session
    from accord.measures.measure import find
    from accord.record.record import open_record

    with Session(open_record(folder), first=FIRST, until=UNTIL, every="month", threads=2, memory=MEMORY) as session:
        for name in names:
            rows = session.cells(find(name)).table.to_pylist()
            yield {(row["organisation"], row["period"]): (row["numerator"], row["denominator"]) for row in rows}


def by_queries(folder: Path, names: Sequence[str]) -> Iterator[Cells]:
    """The same, each by its query written by hand."""
    for name in names:
        yield one_query(folder, name)


def one_query(folder: Path, name: str) -> Cells:
    """One measure by the query written by hand, on a connection of its own."""
    import duckdb

    from accord.record.record import open_record

    with duckdb.connect() as con:
        con.execute("set threads = 2")
        con.execute("set enable_progress_bar = false")
        con.execute(f"set memory_limit = '{MEMORY}'")
        rows = con.execute(by_hand.query(name, str(open_record(folder).generation))).fetchall()
    return {(practice, period): (numerator, denominator) for practice, period, numerator, denominator in rows}


def beside(folder: Path, names: Sequence[str] = by_hand.NAMES) -> None:
    """The measures that are written by hand too: one session beside one query each, in turn; cells must be equal."""
    ways = (in_one_session, by_queries)
    times: list[list[list[float]]] = [[], []]
    processor: list[list[float]] = [[], []]
    cells: list[list[Cells]] = [[], []]
    for _ in range(ROUNDS):
        for at, way in enumerate(ways):
            found: list[Cells] = []
            taken: list[float] = []
            used, start = time.process_time(), time.perf_counter()
            for each in way(folder, names):
                taken.append(time.perf_counter() - start)
                found.append({key: value for key, value in each.items() if value != (0, 0)})
                start = time.perf_counter()
            processor[at].append(time.process_time() - used)
            times[at].append(taken)
            cells[at] = found
    for at, name in enumerate(names):
        ours, hand = (median(taken[at] for taken in way) for way in times)
        equal = "cells equal" if cells[0][at] == cells[1][at] else "CELLS DIFFER"
        line(f"{name}: Accord, by hand, seconds", f"{ours:.2f}  {hand:.2f}", equal)
    ours, hand = (median(sum(taken) for taken in way) for way in times)
    line(
        "all of these: Accord, by hand, seconds", f"{ours:.2f}  {hand:.2f}", f"{ours / hand:.2f}, target {TARGET_RATIO}"
    )
    ours, hand = (median(way) for way in processor)
    line("    in processor seconds, whatever else runs", f"{ours:.1f}  {hand:.1f}", f"{ours / hand:.2f}")


def chart(path: Path, found: Sequence[tuple[int, float, float]]) -> None:
    """Processor seconds against people on logarithmic scales, as an SVG, with a line beyond the last size."""
    import math

    width, height, left, bottom, right = 760, 420, 70, 60, 50
    low, high = 4.0, 8.0
    most = max(seconds for _, seconds, _ in found) * (10**high / found[-1][0])
    top, least = math.ceil(math.log10(max(most, 10))), 0

    def x(people: float) -> float:
        return left + (math.log10(people) - low) / (high - low) * (width - left - right)

    def y(seconds: float) -> float:
        return height - bottom - (math.log10(seconds) - least) / (top - least) * (height - bottom - 40)

    # the slope of the last two sizes, but no less than in proportion, carried on to sixty million people: England
    (people_before, before, _), (people_last, last, _) = found[-2], found[-1]
    slope = max(1.0, math.log(last / before) / math.log(people_last / people_before))
    far = 6e7
    beyond = last * (far / people_last) ** slope
    points = " ".join(f"{x(people):.1f},{y(seconds):.1f}" for people, seconds, _ in found)
    ticks = [
        f'<text x="{x(10**power):.0f}" y="{height - bottom + 20}" text-anchor="middle">{10**power:,}</text>'
        f'<line x1="{x(10**power):.0f}" x2="{x(10**power):.0f}" y1="40" y2="{height - bottom}" stroke="#d8dde0"/>'
        for power in range(4, 9)
    ] + [
        f'<text x="{left - 8}" y="{y(10**power) + 4:.0f}" text-anchor="end">{10**power:g}</text>'
        f'<line x1="{left}" x2="{width - right}" y1="{y(10**power):.0f}" y2="{y(10**power):.0f}" stroke="#d8dde0"/>'
        for power in range(least, top + 1)
    ]
    dots = [
        f'<circle cx="{x(people):.1f}" cy="{y(seconds):.1f}" r="4" fill="#005eb8"/>'
        f'<text x="{x(people) + 7:.0f}" y="{y(seconds) + 16:.0f}">{seconds:.1f} s, {gigabytes:.1f} GB</text>'
        for people, seconds, gigabytes in found
    ]
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        'font-family="Arial, sans-serif" font-size="12" fill="#212b32" role="img">'
        "<title>All measures of the library by practice and month: processor seconds against people</title>"
        f'<rect width="{width}" height="{height}" fill="white"/>'
        '<text x="16" y="24" font-size="15" font-weight="bold">All measures of the library by practice and month: '
        "processor seconds</text>"
        + "".join(ticks)
        + f'<polyline points="{points}" fill="none" stroke="#005eb8" stroke-width="2"/>'
        + f'<line x1="{x(people_last):.1f}" y1="{y(last):.1f}" x2="{x(far):.1f}" y2="{y(beyond):.1f}" stroke="#005eb8" '
        'stroke-width="2" stroke-dasharray="6 5"/>'
        + "".join(dots)
        + f'<text x="{x(far):.0f}" y="{y(beyond) - 10:.0f}" text-anchor="end">extrapolated: 60 million people, '
        f"{beyond / 60:,.0f} processor minutes</text>"
        + f'<text x="{(width + left) / 2:.0f}" y="{height - 14}" text-anchor="middle">people '
        f"({population.EVENTS_EACH} events each)</text></svg>\n",
        "utf-8",
    )


def main(people: int, folder: Path, sizes: Sequence[int] = SIZES) -> None:
    """Make the records, measure, compare, draw."""
    print(f"\nMeasures over {people:,} people with {people * population.EVENTS_EACH:,} events")
    found: list[tuple[int, float, float]] = []
    for size in sorted({*sizes, people}):
        place = folder / f"record-{size}"
        start = time.perf_counter()
        population.make(place, size)
        made = time.perf_counter() - start
        one = in_process(place)
        seconds, processor, gigabytes = (float(str(one[name])) for name in ("seconds", "processor", "gigabytes"))
        found.append((size, processor, gigabytes))
        at_size = size == people
        measures = one["measures"]
        assert isinstance(measures, dict)
        line(
            f"{len(measures)} measures, {size:,} people (made in {made:.0f} s)",
            f"{seconds:.1f} s  {gigabytes:.1f} GB",
            f"target {TARGET_SECONDS} s, {TARGET_GIGABYTES} GB" if at_size else "",
        )
        line("    in processor seconds, whatever else runs", f"{processor:.1f} s")
        if at_size:
            for name, took in sorted(measures.items(), key=lambda each: -each[1])[:5]:
                line(f"    of which {name}", f"{took:.1f} s")
            beside(place)
    if len(found) > 1:
        chart(folder / "measuring.svg", found)
        line("cost as people grow, drawn in", str(folder / "measuring.svg"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(everything(Path(sys.argv[2]))))
    elif len(sys.argv) > 2:
        main(int(sys.argv[1]), Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory(prefix="accord-bench-") as folder:
            main(int(sys.argv[1]) if len(sys.argv) > 1 else PEOPLE, Path(folder))
