"""``accord population``: a made place to try things on, with its record and data for contracts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from accord.cli.options import JsonOption, simulation_installed

if TYPE_CHECKING:
    from accord.simulation.calls import MadePlace

EVENTS = {
    "consultations": "consultations",
    "outpatients": "outpatient appointments",
    "community_contacts": "community contacts",
    "mental_health_contacts": "mental health contacts",
    "attendances": "attendances at emergency departments",
    "admissions": "admissions",
    "deaths": "deaths",
}
"""Tables that are told, and how."""


def population(
    out: Annotated[
        Path, typer.Argument(metavar="PLACE", help="The folder to write; new or empty.", show_default=False)
    ],
    size: Annotated[
        int | None,
        typer.Option(
            "--size",
            metavar="N",
            help="How many people: 1,000 to 70,000,000. With --lists: about how many, in whole networks.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="The same seed gives the same place.")] = 1,
    years: Annotated[int, typer.Option("--years", metavar="Y", help="Years of the record, 1 to 10.")] = 2,
    start: Annotated[
        str | None,
        typer.Option(
            "--start",
            metavar="DAY",
            help="The first day of the record: the first of a month. Otherwise so that its last year is the first in"
            " which all its contracts are in force.",
            show_default=False,
        ),
    ] = None,
    lists: Annotated[
        Path | None,
        typer.Option(
            "--lists",
            metavar="FOLDER",
            help="Published lists of real practices: practice_age_sex*, practice_map*, practice_imd*.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a place: people, practices, networks, neighbourhoods, hospitals, councils, and what happens to everybody.

    Up to two million people the place has a linked record, event by event, on which measures and contracts run as on a
    real one, and the data of the GP contract and the integration supplement for its last year. Larger places have
    aggregates by practice and year. Nobody in it exists.
    """
    from accord.cli.boundary import day_of
    from accord.cli.progress import progress
    from accord.cli.terminal import say_json

    first = None if start is None else day_of("--start", start)
    simulation_installed("accord population")
    with progress(20) as work:
        work.step("reading the model")
        from accord.simulation.calls import make_place

        made = make_place(out, size, seed, years, lists=lists, start=first, on_step=work.step)
    if as_json:
        say_json(described(made))
    else:
        tell(made)


def described(made: MadePlace) -> dict[str, object]:
    """A made place as plain data."""
    place = made.population
    return {
        "place": str(made.folder),
        "people": place.patients,
        "practices": len(place.practices),
        "organisations": _kinds(made),
        "seed": place.seed,
        "start": place.start.isoformat(),
        "years": place.years,
        "rows": dict(made.rows),
        "data": [str(path) for path in made.data],
        "left_out": made.left_out,
    }


def _kinds(made: MadePlace) -> dict[str, int]:
    kinds = [one.kind for one in made.population.organisations]
    return {kind: kinds.count(kind) for kind in dict.fromkeys(sorted(kinds))}


def tell(made: MadePlace, *, next_steps: bool = True) -> None:
    """What was made, in plain words; and what to do with it next."""
    from accord.cli.terminal import say

    place, kinds = made.population, _kinds(made)

    def many(kind: str, plural: str) -> str:
        return f"{kinds[kind]:,} {kind if kinds[kind] == 1 else plural}"

    listed = (
        many("practice", "practices"),
        many("network", "networks"),
        many("neighbourhood", "neighbourhoods"),
        many("provider", "providers"),
        many("council", "councils"),
        many("board", "boards"),
    )
    years = "1 year" if place.years == 1 else f"{place.years} years"
    say(f"{made.folder}: a made place of {place.patients:,} people, {years} from {place.start}")
    say(f"  {', '.join(listed)}")
    if made.rows:
        told = [f"{made.rows[table]:,} {name}" for table, name in EVENTS.items() if table in made.rows]
        say(f"  record/     {', '.join(told)}")
    else:
        say("  aggregates/ what happened, by practice and year (too large to be written event by event)")
    say("  structure/  practices, organisations, areas, people by practice, sex, age and deprivation")
    for path in made.data:
        say(f"  {path.relative_to(made.folder)}  inputs of that contract, counted in the record")
    if made.left_out:
        say(f"  {'the rest of ' if made.data else ''}data/ is left out: {made.left_out}")
    say("  place.yaml, scenarios/, README.md")
    if made.data and next_steps:
        say(f"next: accord record check {made.record}")
        for path in made.data:
            say(f"      accord settle {path.name} --data {path}")
