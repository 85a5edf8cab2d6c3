"""The page of a measure: its card in words, for the terminal and for ``docs/measures.md``."""

from __future__ import annotations

from collections.abc import Iterator

from accord.measures.card import Card
from accord.measures.measure import Measure


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
