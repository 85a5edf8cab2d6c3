"""The page of a measure: its card in words, for the terminal and for ``docs/measures.md``."""

from __future__ import annotations

from collections.abc import Iterator

from accord.language.shape import Choice, ListOf, MapOf, Record, Word
from accord.measures.card import CARD, Card
from accord.measures.codelist import COLUMNS, LIST, MATCHES, POSITIONS, REQUIRED, ROLES
from accord.measures.measure import Measure

HEAD = """# Measures

This page is written by `make docs` from the cards of the library's measures (`accord measure --show NAME` prints
one with its select). What each definition means at its edges is shown case by case in [measures in
cases](measures-in-cases.md).

## How every measure is computed

A measure is a `select` over the record that gives one row for each thing that counts: the person, the day that
decides, a numerator, for ratios a denominator, and, where a row counts in neither, the reason (`excluded`). The
frame does the rest, alike for all:

- Days outside the window are left out. A row belongs to the practice that the person was registered with on the day
  (or to the council they lived in, for measures of residents); rows of people who were not are counted apart and
  said.
- Ages and sex of the card hold for rows on their day, and for the population on the day it is counted. Person-days
  are counted exactly: a birthday divides a person's days between ages.
- Practices are added up to networks, neighbourhoods and boards by where they belonged on the first day of the
  period; if nowhere then, by the next in it. Organisations that contradict each other are refused, as for a roster.
- Ratios are sums over sums, never a mean of people's or practices' own ratios.
- Counts are whole numbers and shares are fractions until a rate, an expected count or a limit is made; that is
  rounded by the card. Nothing is counted fewer than 0 times: a row below 0 is refused, unless it is `excluded`, or
  corrects a sum of money (`suppress: money`). Limits of counts are exact (Dobson and others, 1991) below 389 and
  Byar's from 389 on; those of a directly standardised rate are Dobson's; those of shares are Wilson's. All are for
  95%.
- Direct standardisation uses the European Standard Population of 2013; a stratum without people adds no rate, and
  its weight stays. Indirect standardisation compares with the rates of all people of the record in the same period
  (`own`), or with standard rates from a file. People whose sex or age is not among the strata count in the sums,
  not in the rate.
- Rates that are standardised indirectly may be compared with the whole only: `accord measure --rank` and
  `--against` another area are refused, and so is a contract that ranks them.

A measure of your own is `NAME.sql` with its card `NAME.yaml` beside it, its code lists in `codelists/`, parts in
`parts/` and standards in `standards/`. A contract may name measures of the library, or of its own in `measures/` beside
it; its check then knows their cards, and a run keeps them.

## What may leave

Figures are exact inside the boundary (`--inside`, `--out`). What is released (`--released --out FILE`) has counts
of 1 to 7 withheld (`*`), others rounded to the nearest 5, zeros shown, and percentages and crude rates made from the
rounded values (NHS Digital's rules since September 2018). Those rules exempt standardised rates; but a rate times what
was expected, over the rate of the standard, is the exact count. So here they and their limits are those of the rounded
count, what was expected is rounded to whole events, and where a count stands from an earlier release, its rate stands
too. Whatever is counted, a number that one or two people make most of is withheld too, however large: where the two
make more than 85 percent of it, or what remains beside them is less than 10 percent of what the largest makes
(assumed; `src/accord/record/disclosure.yaml`). A correction of costs counts without its sign.

Further cells are withheld until nobody can work a small count out by subtracting: for each there is a second table
that agrees with everything that was given and has another value in that cell; at least five values must be
possible, of a count as many as one person makes of it, and of money 10 percent of that. The register of releases
(`released.jsonl`, in the folder of the record) makes that hold over time: a year to date and its months, networks and
their practices, a cut by sex after one by age are looked at together, and what would give a small count away is
withheld, or the release is refused. A figure that differs from the one released before by fewer than 8 is not changed,
since the difference would be a small count.

Rosters are released in the same way (`accord roster --released --out FILE`) and entered in the same register. Whoever
counts the same people on the same day is looked at together: a roster by practice, the people of 65 and over below a
rate, and a cut by sex in another measure. Of a month, one day's roster is released: from one day to the next few come
or go, and the difference would tell of each. Where nothing is left of a release, it says why.

What the register does not see: figures that were only looked at, releases made from another copy of the record, what
another measure, or another version of the same, would give of its numerators or person-days by subtraction, that two
practices whose figures are withheld have so many together, and that a number of 8 or more, which nobody was given but
subtraction finds (a third month, of a quarter and two of its months), is mostly one person's. Whoever releases answers
for those.

## How long it may take

A measure, or a part of one, that takes longer than 15 minutes is stopped and said, on DuckDB and on Spark;
`--limit SECONDS` gives it more or less. Nearly always it is a join without a condition.
"""


WRITING = """## Writing a card and a code list

A card is YAML: `measure: falls`, `version: 1`, and so on; `population`, `reference` and `standardise` have entries of
their own, as in `population: {who: registered, count: person-days}`. Entries in **bold** must be there.
"""

ROWS = """The rows of a code list are `NAME.csv` with a heading of some of these columns: {columns}; {required} must be
there. `match` is one of {matches} and `position` one of {positions}; `role` (lists of kind admissions) is one of
{roles}.
"""


def _writing() -> Iterator[str]:
    """What may stand in a card and in a code list, from the shapes that both are read by."""
    yield WRITING
    yield from ("| entry of a card | what it says |", "| --- | --- |")
    yield from _entries(CARD, "")
    yield from ("", "| entry of a code list | what it says |", "| --- | --- |")
    yield from _entries(LIST, "")
    yield ""
    several = {"columns": COLUMNS, "required": REQUIRED, "matches": MATCHES, "positions": POSITIONS, "roles": ROLES}
    yield ROWS.format(**{name: ", ".join(f"`{each}`" for each in values) for name, values in several.items()})


def _entries(record: Record, within: str) -> Iterator[str]:
    for field in record.fields:
        name = f"`{within}{field.name}`"
        shape = field.shape
        values = ""
        if isinstance(shape, Choice):
            values = f" ({', '.join(f'`{each}`' for each in shape.options)})"
        elif isinstance(shape, Word) and shape.example:
            values = f" (such as `{shape.example}`)"
        elif isinstance(shape, ListOf):
            values = " (a list)"
        elif isinstance(shape, MapOf):
            values = " (a mapping)"
        yield f"| {f'**{name}**' if field.required else name} | {field.doc}{values} |"
        if isinstance(shape, Record):
            yield from _entries(shape, f"{within}{field.name}.")


def library_page() -> str:
    """The page of the library's measures, in order."""
    from accord.library import measure_names
    from accord.measures.measure import find

    measures = [find(name) for name in measure_names()]
    lines = [
        HEAD,
        *_writing(),
        "## The library",
        "",
        "| measure | what it is | kind | permits | status |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in measures:
        card = one.card
        lines.append(f"| `{card.id}` | {_cell(card.title)} | {card.kind} | {card.permits} | {card.status} |")
    return "\n".join([*lines, "", *[f"{as_markdown(one)}\n" for one in measures]])


def as_json(measure: Measure) -> dict[str, object]:
    """The card as plain data."""
    card = measure.card
    return {
        "measure": card.measure,
        "version": card.version,
        "title": card.title,
        "why": card.why,
        "entries": dict(entries(measure)),
        "columns": dict(card.for_contract()),
    }


def as_text(measure: Measure) -> str:
    """The card as lines for the terminal."""
    card = measure.card
    found = list(entries(measure))
    width = max(len(name) for name, _ in found)
    lines = [f"{card.title} ({card.id})", "", f"  {card.why}", ""]
    return "\n".join([*lines, *[f"  {name.ljust(width)}  {text}" for name, text in found]])


def as_markdown(measure: Measure) -> str:
    """The card as a section of a page."""
    card = measure.card
    lines = [f"### {card.title}", "", f"`{card.id}`. {card.why}", "", "| | |", "| --- | --- |"]
    lines += [f"| {name} | {_cell(text)} |" for name, text in entries(measure)]
    return "\n".join(lines)


def entries(measure: Measure) -> Iterator[tuple[str, str]]:
    """What a card says, as names and words."""
    card = measure.card
    yield "numerator", card.numerator
    if card.denominator:
        yield "denominator", card.denominator
    for exclusion in card.exclusions:
        yield "left out", exclusion
    yield "population", _population(card)
    if card.kind != "total":
        yield "given as", f"{card.unit} per {card.per} {card.of}".rstrip()
    else:
        yield "given as", card.unit
    if card.better != "neither":
        yield "better", card.better
    if card.standardise is not None:
        standard = card.standardise
        what = "the record's own rates in the same period" if standard.standard == "own" else standard.standard
        yield "standardised", f"{standard.method}ly by {' and '.join(standard.by)}; standard: {what}"
    limits = {"dobson_byar": "95%: exact (Dobson) below 389, Byar from 389 on", "wilson": "95%: Wilson", "none": ""}
    if limits[card.interval]:
        yield "limits", limits[card.interval]
    yield (
        "compare",
        "areas with each other, and with the whole" if card.permits == "all" else f"with {card.permits} only",
    )
    for name, meaning in card.strata.items():
        yield f"by {name}", meaning
    for codes in measure.lists.values():
        yield "code list", f"{codes.id}: {codes.title} ({codes.status}; {codes.source})"
    yield "defined by", f"{card.reference.authority} ({card.reference.status}) {card.reference.address}".rstrip()
    if card.reference.notes:
        yield "note", card.reference.notes
    yield "status", f"{card.status}; by {card.author}, checked by {card.checker}"
    yield "reviewed", f"{card.reviewed}, again by {card.next_review}"


def _population(card: Card) -> str:
    population = card.population
    words = [f"people {population.who}"]
    if population.ages is not None:
        words.append(f"aged {population.ages.name}")
    if population.sexes:
        words.append(" and ".join(population.sexes))
    if population.count is not None:
        words.append(f"counted as {population.count}")
    return ", ".join(words)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
