"""``accord roster``: who is in the population on which day, flows across boundaries, and who pays."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.boundary import (
    ENTERED,
    INSIDE,
    MOST_LINES,
    RELEASED,
    SEEN,
    day_of,
    engine_named,
    releasable,
    writable,
)
from accord.cli.options import (
    EngineOption,
    EveryOption,
    FirstDayOption,
    InsideOption,
    JsonOption,
    MemoryOption,
    ReleasedOption,
    ThreadsOption,
    UntilDayOption,
)

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.measures.populations import ReleasedRoster


def roster(
    record: Annotated[Path, typer.Argument(metavar="RECORD", help="The folder of a record.", show_default=False)],
    on: Annotated[str | None, typer.Option("--on", metavar="DAY", help="On one day.", show_default=False)] = None,
    first: FirstDayOption = None,
    until: UntilDayOption = None,
    every: EveryOption = "whole",
    who: Annotated[
        str, typer.Option("--who", metavar="POPULATION", help="registered, resident, or attributed (by claims).")
    ] = "registered",
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="NAME",
            help="One of practice, network, neighbourhood, board, council, area, organisation (of who is attributed: "
            "the network that has them by claims) or all.",
        ),
    ] = "all",
    flows: Annotated[
        str | None,
        typer.Option(
            "--flows",
            metavar="OF",
            help="Instead: where people of each practice's board live, by board or council.",
            show_default=False,
        ),
    ] = None,
    payers: Annotated[
        bool, typer.Option("--who-pays", help="Instead: which board or council pays for what happened.")
    ] = False,
    candidates: Annotated[
        bool,
        typer.Option(
            "--candidates", help="Instead: every candidate of an attribution, why it lost; one person a row (--out)."
        ),
    ] = False,
    method: Annotated[
        str, typer.Option("--method", metavar="NAME", help="How people are attributed: mssp or most_contacts.")
    ] = "mssp",
    back: Annotated[
        int,
        typer.Option("--look-back", metavar="MONTHS", help="Attribute by the months before the window, not in it."),
    ] = 0,
    inside: InsideOption = False,
    released: ReleasedOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "--csv",
            metavar="FILE",
            help="Write every row as CSV or Parquet: exact, or released with --released.",
            show_default=False,
        ),
    ] = None,
    engine: EngineOption = "duckdb",
    threads: ThreadsOption = None,
    memory: MemoryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Count who is in the population: people on a day, and person-days, by organisation and period.

    Registered (one practice a day), resident (one place a day) and attributed (by claims) are three different things.
    Nobody is counted twice on a day, and parts add up to the whole: both are checked each time. What is printed is what
    may be released beside what was released before, by rosters and by measures (--released --out writes it and enters
    it into the register); exact figures go into a file (--out), or onto the terminal with --inside.
    """
    from accord.cli.progress import progress
    from accord.measures.calls import release_roster
    from accord.record import calls
    from accord.settlement.calls import usage

    if on is not None and (first is not None or until is not None):
        raise usage("--on", "one day and a window are two things", "use --on, or --from and --until")
    if on is not None:
        start = day_of("--on", on)
        window = (start, start + dt.timedelta(days=1))
    elif first is None or until is None:
        raise usage(
            "accord roster", "the days are missing", "add --on 2026-04-01, or --from 2025-04-01 --until 2026-04-01"
        )
    else:
        window = (day_of("--from", first), day_of("--until", until))
    kind = engine_named(engine)
    if who not in ("registered", "resident", "attributed"):
        raise usage("--who", f"there is no population {who}", "registered, resident or attributed")
    if flows is not None and flows not in ("board", "council"):
        raise usage("--flows", f"there are no flows by {flows}", "board or council")
    if (flows is not None) + payers + candidates > 1:
        raise usage("accord roster", "flows, who pays and candidates are three things", "ask for one of them")
    if candidates and out is None:
        fix = "add --out FILE if you are inside the boundary"
        raise usage("--candidates", "this is about single people, and is written to a file only", fix)
    if (flows is not None or payers) and not inside and out is None:
        raise usage(
            "--flows" if flows is not None else "--who-pays",
            "these figures are exact, and small counts among them",
            "add --inside if you are inside the boundary, or --out FILE",
        )
    releasable(released, inside, out)
    if released and (flows is not None or payers or candidates):
        raise usage("--released", "flows, who pays and candidates are exact", "release a population by organisation")
    writable(out)
    asked: dict[str, Any] = {
        "first": window[0],
        "until": window[1],
        "engine": kind,
        "threads": threads,
        "memory": memory,
    }
    with progress(2) as work:
        if candidates:
            work.step("attributing people")
            table = calls.candidates(record, method=method, back=back, **asked)
            found = None
        elif payers:
            work.step("finding who pays")
            table = calls.as_table(calls.who_pays(record, **asked))
            found = None
        elif flows is not None:
            work.step("following people across boundaries")
            table = calls.as_table(calls.across(record, every=every.replace("-", " "), of=flows, **asked))  # type: ignore[arg-type]
            found = None
        else:
            found = calls.roster(
                record,
                every=every.replace("-", " "),
                who=who,  # type: ignore[arg-type]  # looked at above
                by=by,
                method=method,
                back=back,
                on_step=work.step,
                **asked,
            )
            table = found.table()
    if found is not None and not inside and (released or out is None):
        with progress(1) as work:
            work.step("seeing what may be released")
            given = release_roster(record, found, **asked)
        _release(record, given, out, as_json)
    elif out is not None:
        _write(table, out, as_json)
    else:
        _say(table.to_pylist(), as_json)


def _release(record: Path, given: ReleasedRoster, out: Path | None, as_json: bool) -> None:
    """Print what may be released; or enter it into the register, and write it."""
    from accord.cli.terminal import say, say_json
    from accord.measures.calls import publish_roster

    table = given.table()
    if out is not None:  # entered first: what is not in the register must not leave
        publish_roster(record, given)
        _file(table, out)
    if as_json:
        say_json({"released": True, "notes": list(given.notes), "rows": table.to_pylist()})
        return
    if out is None:
        _lines(table.to_pylist())
    else:
        say(f"{out}: {table.num_rows} rows")
    say(RELEASED)
    for note in given.notes:
        say(f"  {note}")
    if given.entry is not None:
        say(ENTERED if out is not None else SEEN)


def _write(table: pa.Table, out: Path, as_json: bool) -> None:
    from accord.cli.terminal import say, say_json

    _file(table, out)
    if as_json:
        say_json({"file": str(out), "rows": table.num_rows, "released": False})
    else:
        say(f"{out}: {table.num_rows} rows")
        say(INSIDE)


def _file(table: pa.Table, out: Path) -> None:
    """Write a table as CSV, or as Parquet where the file is called so."""
    if out.suffix == ".parquet":
        import pyarrow.parquet as pq

        pq.write_table(table, out)
    else:
        from pyarrow import csv

        csv.write_csv(table, out)


def _say(rows: list[dict[str, object]], as_json: bool) -> None:
    """Print exact figures."""
    from accord.cli.terminal import say_json, warn

    if as_json:
        say_json({"released": False, "rows": rows})
        return
    warn(INSIDE)
    _lines(rows)


def _lines(rows: list[dict[str, object]]) -> None:
    """Print rows as a table."""
    from accord.cli.terminal import say
    from accord.cli.terminal import table as as_text

    if not rows:
        say("nobody")
        return
    names = tuple(rows[0])
    lines = [tuple("" if row[name] is None else str(row[name]) for name in names) for row in rows]
    numbers = [
        at for at, name in enumerate(names) if any(isinstance(row[name], int) for row in rows) or name == "people"
    ]
    say(as_text(tuple(name.replace("_", " ") for name in names), lines[:MOST_LINES], numbers))
    if len(lines) > MOST_LINES:
        say(f"… and {len(lines) - MOST_LINES} more rows: --out FILE writes all of them")
