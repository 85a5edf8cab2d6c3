"""A job that tools for measures are compared on: two measures, twelve months, 100,000 people with a million events.

People with a diabetes code on or before the first day of the month, registered, aged 18 or over. Numerator one: a blood
pressure in the month, by sex. Numerator two: the last blood pressure of the month below 140, by practice. Timed are
whole processes, from the start of Python to the figures in a file: Accord with the two measures as files of a user
(``bench/job``), and one DuckDB query a measure, written by hand. Both must give the same cells.

``python -m bench.measures_job`` makes the record, runs both and prints times.
"""

from __future__ import annotations

import csv
import datetime as dt
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.lines import line

PEOPLE, EVENTS, PRACTICES = 100_000, 1_000_000, 12
JOB = Path(__file__).with_name("job")
ONE, TWO = "blood-pressure-taken", "blood-pressure-below-140"
TIMES = 5
TARGET = 1.2
DIABETES, PRESSURE = "73211009", "271649006"


def make(folder: Path, people: int = PEOPLE, events: int = EVENTS, seed: int = 1) -> None:
    """A made-up record: a tenth of events are diabetes codes, three tenths blood pressures, the others anything."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    from accord.record.record import write_record

    dice = np.random.default_rng(seed)
    person = np.arange(1, people + 1, dtype=np.int64)
    epoch = dt.date(1970, 1, 1)

    def days(first: dt.date, last: dt.date, count: int) -> pa.Array:
        low, high = (first - epoch).days, (last - epoch).days
        return pa.array(dice.integers(low, high, count).astype("int32"), pa.int32()).cast(pa.date32())

    def some(values: list[str], count: int, shares: list[float] | None = None) -> pa.Array:
        return pa.array(values).take(pa.array(dice.choice(len(values), count, p=shares)))

    ill = events // 10
    taken = events - ill
    since = days(dt.date(2005, 1, 1), dt.date(2025, 6, 1), people)
    left = dice.random(people) < 0.1
    until = days(dt.date(2025, 6, 2), dt.date(2026, 1, 1), people)
    registered = pa.table(
        {
            "person": person,
            "practice": some([f"P{n:02}" for n in range(PRACTICES)], people),
            "since": since,
            "until": pc.call_function("if_else", [pa.array(left), until, pa.scalar(None, pa.date32())]),
        }
    )
    write_record(
        folder,
        {
            "people": pa.table(
                {"person": person, "born": days(dt.date(1930, 1, 1), dt.date(2020, 1, 1), people),
                 "sex": some(["female", "male"], people)}
            ),
            "registrations": registered,
            "registered": registered,  # a loaded record keeps it; each person has one registration here
            "conditions": pa.table(
                {"person": dice.integers(1, people + 1, ill), "coding": pa.repeat("snomed", ill),
                 "code": some([DIABETES, "38341003"], ill),
                 "since": days(dt.date(2010, 1, 1), dt.date(2026, 1, 1), ill)}
            ),
            "observations": pa.table(
                {"person": dice.integers(1, people + 1, taken), "coding": pa.repeat("snomed", taken),
                 "code": some([PRESSURE, "27113001", "365275006"], taken, [0.35, 0.3, 0.35]),
                 "day": days(dt.date(2023, 1, 1), dt.date(2026, 1, 1), taken),
                 "value": pa.array(dice.integers(90, 190, taken), pa.int64()).cast(pa.decimal128(38, 0)).cast(
                     pa.decimal128(18, 4), safe=False)}
            ),
        },
    )  # fmt: skip


def accord(record: Path, out: Path) -> None:
    """The job by Accord, in this process: exact figures in a file."""
    from accord.measures import calls
    from accord.measures.computing import Session, periods
    from accord.measures.figures import figures
    from accord.record.record import open_record

    first, until = dt.date(2025, 1, 1), dt.date(2026, 1, 1)
    one, two = calls.named([JOB / f"{ONE}.sql", JOB / f"{TWO}.sql"])
    with Session(open_record(record), first=first, until=until, every=periods(first, until, "month")) as session:
        made = [figures(session, one, ("all",), ("sex",)), figures(session, two, ("practice",))]
    lines: list[list[object]] = [
        [each.card.measure, row.period.label, *(row.stratum or (row.organisation,)), row.numerator, row.denominator]
        for each in made
        for row in each.rows
    ]
    _write(out, lines)


def by_hand(record: Path, out: Path) -> None:
    """The job as one DuckDB query a measure, written by hand for these files."""
    from accord.engine.database import in_memory

    generation = record / (record / "CURRENT").read_text().strip()
    con = in_memory()
    for name in ("people", "registrations", "conditions", "observations"):
        con.execute(f"create view {name} as select * from read_parquet('{generation / name}/*.parquet')")
    shared = f"""
        with months as (
            select unnest(generate_series(date '2025-01-01', date '2025-12-01', interval 1 month))::date as month),
        ill as (select person, min(since) as since from conditions where code = '{DIABETES}' group by person),
        here as (
            select m.month, i.person, r.practice, p.sex from months m
            join ill i on i.since <= m.month
            join registrations r
                on r.person = i.person and r.since <= m.month and (r.until is null or r.until > m.month)
            join people p on p.person = i.person and p.born + interval 18 year <= m.month
        )"""
    queries = {
        ONE: f"""{shared}, taken as (
                select distinct person, date_trunc('month', day)::date as month from observations
                where code = '{PRESSURE}' and day >= date '2025-01-01' and day < date '2026-01-01')
            select h.month, h.sex, count(t.person), count(*) from here h
            left join taken t using (person, month) group by all""",
        TWO: f"""{shared}, taken as (
                select person, date_trunc('month', day)::date as month,
                    arg_min(value, (-(day - date '1970-01-01'), value)) as last
                from observations where code = '{PRESSURE}' and day >= date '2025-01-01' and day < date '2026-01-01'
                group by all)
            select h.month, h.practice, count(*) filter (where t.last < 140), count(*) from here h
            left join taken t using (person, month) group by all""",
    }
    lines = [[name, *row] for name, query in queries.items() for row in con.execute(query).fetchall()]
    _write(out, lines)


def _write(out: Path, lines: list[list[object]]) -> None:
    with out.open("w", newline="") as file:
        csv.writer(file).writerows(sorted([[str(cell) for cell in line] for line in lines]))


def timed(record: Path, folder: Path, rounds: int) -> tuple[dict[str, list[float]], bool, int]:
    """Whole processes of both ways in turn; whether they gave the same cells; how many cells."""
    times: dict[str, list[float]] = {"accord": [], "hand": []}
    for _ in range(rounds):
        for way, found in times.items():
            start = time.perf_counter()
            subprocess.run(
                [sys.executable, "-m", "bench.measures_job", way, str(record), str(folder / f"{way}.csv")],
                check=True, cwd=Path(__file__).parent.parent,
            )  # fmt: skip
            found.append(time.perf_counter() - start)
    ours, hand = ((folder / f"{way}.csv").read_text() for way in times)
    return times, ours == hand, len(ours.splitlines())


def report(people: int = PEOPLE, events: int = EVENTS, rounds: int = TIMES) -> None:
    """Make the record, run the job, print the times."""
    with tempfile.TemporaryDirectory(prefix="accord-bench-") as made:
        folder = Path(made)
        make(folder / "record", people, events)
        times, same, cells = timed(folder / "record", folder, rounds)
    print(f"\nTwo measures, twelve months, {people:,} people, {events:,} events: whole process, median of {rounds}")
    for way, what in (("accord", "Accord"), ("hand", "one DuckDB query each, by hand")):
        target = f"target {TARGET:.3f} s" if way == "accord" else ""
        line(what, f"{median(times[way]):.3f} s ({min(times[way]):.3f})", target)
    line(f"the same {cells} cells", "yes" if same else "NO")


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] in ("accord", "hand"):
        {"accord": accord, "hand": by_hand}[sys.argv[1]](Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        report()
