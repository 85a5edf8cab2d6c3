"""``accord measure``: outcome measures over a record, released or inside the boundary; one person explained."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.boundary import (
    ENTERED,
    INSIDE,
    MOST_LINES,
    RELEASED,
    SEEN,
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
from accord.measures.limit import LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from accord.measures.calls import Measured
    from accord.measures.figures import Figures
    from accord.measures.release import Release
    from accord.record.engines import EngineKind


def measure(
    record: Annotated[
        Path | None,
        typer.Argument(metavar="[RECORD]", help="The folder of a record. Without it: the library.", show_default=False),
    ] = None,
    measures: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[MEASURE]...",
            help="Library names, or .sql files with their card (.yaml) beside them; all of the library without any.",
            show_default=False,
        ),
    ] = None,
    first: FirstDayOption = None,
    until: UntilDayOption = None,
    every: EveryOption = "whole",
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            metavar="NAME",
            help="practice, network, neighbourhood, board, council or all; sex, age_band, deprivation or a stratum of "
            "the card. Repeatable, or with commas between.",
            show_default=False,
        ),
    ] = None,
    inside: InsideOption = False,
    released: ReleasedOption = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "--csv",
            metavar="FILE",
            help="Write every row as CSV: exact figures, or released ones with --released. With --for: a folder.",
            show_default=False,
        ),
    ] = None,
    contract: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="CONTRACT", help="Write the inputs that measures fill for a contract.", show_default=False
        ),
    ] = None,
    rank: Annotated[bool, typer.Option("--rank", help="Order by rate, where the measure permits comparing.")] = False,
    against: Annotated[
        str | None,
        typer.Option("--against", metavar="CODE", help="Compare each with this one, or with all.", show_default=False),
    ] = None,
    explain: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="PSEUDONYM",
            help="Why one person counts, or does not; inside the boundary only (--inside).",
            show_default=False,
        ),
    ] = None,
    show: Annotated[
        str | None,
        typer.Option("--show", metavar="NAME", help="Print a measure's card and its select.", show_default=False),
    ] = None,
    engine: EngineOption = "duckdb",
    threads: ThreadsOption = None,
    memory: MemoryOption = None,
    limit: Annotated[
        float,
        typer.Option(
            "--limit",
            metavar="SECONDS",
            min=0.1,
            help="How long one measure, or a part of it, may take; then it stops.",
        ),
    ] = LIMIT,
    as_json: JsonOption = False,
) -> None:
    """Compute outcome measures over a record.

    Without a record it lists the measures of the library. What is printed is what may be released: small counts are
    withheld so that nobody can work them out, also not from what was released before. Exact figures go into a file
    (--out), or onto the terminal with --inside.
    """
    from accord.settlement.calls import usage

    if show is not None:
        return _show(show, as_json)
    if record is None:
        return _list(as_json)
    if first is None or until is None:
        raise usage("accord measure", "the days are missing", "add --from 2025-04-01 --until 2026-04-01")
    kind = engine_named(engine)
    every = every.replace("-", " ")
    if every not in ("month", "quarter", "financial year", "year", "whole"):
        raise usage("--every", f"{every} is no period", "month, quarter, financial-year, year or whole")
    if explain is not None:
        if not inside:
            raise usage(
                "--explain",
                "why one person counts can be asked inside the boundary only",
                "add --inside if you are, and may see this person's record",
            )
        if not explain.isdigit():
            fix = "a whole number, as the record's tables have it in the column person"
            raise usage("--explain", "what was given is no pseudonym", fix)
        return _explain(record, measures or [], int(explain), first, until, every, kind, limit, as_json)
    if contract is not None:
        return _feed(record, contract, first, until, out, kind, limit, as_json)
    releasable(released, inside, out)
    writable(out)
    if rank and against is not None:
        raise usage("--rank", "an order and a comparison are two things", "ask for one of the two")
    names = [name for each in by or [] for name in each.split(",") if name]
    if against is not None and against == "all" and "all" not in names:
        names.append("all")
    exact = inside or (out is not None and not released)
    from accord.cli.progress import progress
    from accord.measures import calls

    with progress(1) as work:
        found = calls.named(measures or None)
        work.share(0, 3 * len(found) + 1)
        made = calls.measure(
            record,
            found,
            first=first,
            until=until,
            every=every,  # type: ignore[arg-type]  # looked at above
            by=names or ["all"],
            released=not exact,
            engine=kind,
            threads=threads,
            memory=memory,
            limit=limit,
            on_step=work.step,
        )
    if out is not None:
        _write(record, made, out, released)
    if as_json:
        _say_json(made, exact)
    elif out is not None:
        _say_written(made, out, exact)
    else:
        _say(made, exact, rank, against)
    return None


def _list(as_json: bool) -> None:
    """The measures of the library."""
    from accord.cli.terminal import say, say_json, table
    from accord.measures.measure import library

    cards = library()
    if as_json:
        say_json(
            [
                {
                    "measure": card.id,
                    "title": card.title,
                    "kind": card.kind,
                    "population": card.population.who,
                    "permits": card.permits,
                    "status": card.status,
                    "reference": card.reference.authority,
                }
                for card in cards
            ]
        )
        return
    rows = [(card.id, card.title, card.kind, card.status) for card in cards]
    say(table(("measure", "what it is", "kind", "status"), rows))
    say()
    say("accord measure --show NAME prints a card and its select; accord measure RECORD NAME --from … computes it.")


def _show(named: str, as_json: bool) -> None:
    """A measure's card and select."""
    from accord.cli.terminal import say, say_json
    from accord.measures.measure import find
    from accord.measures.page import as_json as card_json
    from accord.measures.page import as_text

    found = find(named)
    if as_json:
        say_json({**card_json(found), "select": found.select.text})
        return
    say(as_text(found))
    for part in found.parts:
        say(f"\n-- part {part.name}\n{part.select.text.rstrip()}")
    say(f"\n-- {found.card.measure}.sql\n{found.select.text.rstrip()}")


def _explain(
    record: Path,
    measures: list[str],
    person: int,
    first: str,
    until: str,
    every: str,
    engine: EngineKind,
    limit: float,
    as_json: bool,
) -> None:
    from accord.cli.terminal import say, say_json, warn
    from accord.measures import calls
    from accord.settlement.calls import usage

    if len(measures) != 1:
        raise usage("--explain", "name one measure to explain", "accord measure RECORD MEASURE --explain … --inside")
    asked = {"first": first, "until": until, "every": every, "engine": engine, "limit": limit}
    made = calls.explain(record, measures[0], person, **asked)  # type: ignore[arg-type]  # every was looked at
    if as_json:
        say_json(made.as_json())
        return
    warn("inside the boundary: this is one person's record; do not keep or pass it on")
    say(made.text())


def _feed(
    record: Path,
    named: str,
    first: str,
    until: str,
    out: Path | None,
    engine: EngineKind,
    limit: float,
    as_json: bool,
) -> None:
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json
    from accord.measures import calls
    from accord.settlement.calls import check, usage
    from accord.settlement.catalogue import find

    if out is None:
        raise usage("--for", "where the inputs are to be written is missing", "add --out DATA")
    contract = check(named)
    with progress(4) as work:
        fed, paths = calls.feed(
            contract,
            record,
            out,
            first=first,
            until=until,
            beside=find(named).parent,
            engine=engine,
            limit=limit,
            on_step=work.step,
        )
    if as_json:
        say_json([{"input": one.name, "measure": one.measure, "rows": one.table.num_rows} for one in fed])
        return
    for one, path in zip(fed, paths, strict=True):
        say(f"{path}: {one.table.num_rows} rows of {one.measure}")
        if one.outside:
            say(f"  {one.outside} rows are about people who were not in the population on the day")
        if one.unplaced:
            say(f"  {one.unplaced} rows belong nowhere (see organisations of the record), and are left out")
    say("exact figures, for settlement inside the boundary")


def _write(record: Path, made: Measured, out: Path, released: bool) -> None:
    from pyarrow import csv

    from accord.measures import calls

    if released:  # entered first: what is not in the register must not leave
        calls.publish(record, made)
    csv.write_csv(made.table(), out)


def _say_written(made: Measured, out: Path, exact: bool) -> None:
    from accord.cli.terminal import say

    say(f"{out}: {made.table().num_rows} rows of {len(made.figures)} measures")
    if exact:
        say(INSIDE)
        return
    say(RELEASED)
    for release in made.releases:
        for note in release.notes:
            say(f"  {release.figures.card.measure}: {note}")
    say(ENTERED)


def _say_json(made: Measured, exact: bool) -> None:
    from accord.cli.terminal import say_json

    say_json(
        {
            "released": not exact,
            "measures": [
                {
                    "measure": figures.measure.id,
                    "title": figures.card.title,
                    "permits": figures.card.permits,
                    "outside": dict(figures.outside) if exact else None,
                    "notes": list(release.notes) if release is not None else [],
                    "rows": (release or figures).table().to_pylist(),
                }
                for figures, release in _pairs(made)
            ],
        }
    )


def _say(made: Measured, exact: bool, rank: bool, against: str | None) -> None:
    from accord.cli.terminal import say, table, warn

    if exact:
        warn(INSIDE)
    for figures, release in _pairs(made):
        card = figures.card
        say(f"{card.title} ({card.id})")
        per = "" if card.kind == "total" else f", per {card.per} {card.of}".rstrip()
        say(f"  {card.unit}{per}; {card.better} is better" if card.better != "neither" else f"  {card.unit}{per}")
        heads, rows = _compared(figures, release, rank, against)
        shown = rows[:MOST_LINES]
        right = [number for number, head in enumerate(heads) if head in _NUMBERS]
        say(table(heads, shown, right, indent=2))
        if len(rows) > len(shown):
            say(f"  … and {len(rows) - len(shown)} rows more: --out FILE writes them all")
        if exact and figures.outside:
            total = sum(figures.outside.values())
            say(f"  {total} rows are about people who were not in the population on the day")
        for note in release.notes if release is not None else ():
            say(f"  {note}")
        say()
    if not exact:
        say(RELEASED)
        say(SEEN)


_NUMBERS = ("numerator", "denominator", "rate", "lower", "upper", "expected", "excluded")


def _compared(
    figures: Figures, release: Release | None, rank: bool, against: str | None
) -> tuple[Sequence[str], list[list[str]]]:
    """The rows of a measure, as they stand, in order, or each beside another."""
    from accord.measures import comparing

    made = (release or figures).table().drop_columns(["measure"])
    heads = list(made.column_names)
    texts = [["" if value is None else str(value) for value in row.values()] for row in made.to_pylist()]
    if not rank and against is None:
        return heads, texts
    figures = figures if release is None else release.seen()
    lines = {id(row): line for row, line in zip(figures.rows, texts, strict=True)}
    if rank:
        return heads, [lines[id(row)] for row in comparing.ranked(figures)]
    assert against is not None
    beside = comparing.against(figures, against)
    return [*heads, f"beside {against}"], [[*lines[id(one.figure)], one.side] for one in beside]


def _pairs(made: Measured) -> list[tuple[Figures, Release | None]]:
    releases = made.releases or (None,) * len(made.figures)
    return list(zip(made.figures, releases, strict=True))
