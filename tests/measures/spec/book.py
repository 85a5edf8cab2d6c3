"""The page ``docs/measures-in-cases.md``, written from the cases and the cards.

``python -m tests.measures.spec.book`` writes it; with ``--check`` it says whether it is out of date.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from accord.measures.measure import find
from tests.measures.spec.case import Block, Case, blocks

PAGE = Path(__file__).parents[3] / "docs" / "measures-in-cases.md"

FRONT = """# Measures in cases

<!-- Written by `python -m tests.measures.spec.book` from tests/measures/spec. Edit the cases there. -->

What each measure of the library ([their cards](measures.md)) counts, and what it does not, in small cases that are
tests: a few people, what happened to them, and the figures that must come out. Each person is registered with a
practice of the same name since 1990, born on 15 June 1950, and female, unless a case says otherwise; a hospital stay
is an emergency (method 21) in an ordinary bed, in medicine (specialty 300), that ended at home, unless it says
otherwise. Clinical codes without a coding are clusters of the Quality and Outcomes Framework. Where nothing stands in
a column, the figure is nothing. A row that is excluded counts in neither numerator nor denominator; the reason is the
one that the record's own page for a person gives.
"""


@dataclass(frozen=True)
class Chapter:
    """A chapter: its title, its introduction, its cases."""

    title: str
    introduction: str
    cases: Sequence[Case]


def chapters() -> list[Chapter]:
    """The chapters in order: the modules ``chapter_NN_topic`` beside this one."""
    found: list[Chapter] = []
    for name in sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)])):
        if name.startswith("chapter_"):
            module = importlib.import_module(f"tests.measures.spec.{name}")
            title, _, introduction = (inspect.getdoc(module) or "").partition("\n")
            found.append(Chapter(title.strip().rstrip("."), introduction.strip(), module.CASES))
    return found


def page() -> str:
    """The whole page."""
    lines: list[str] = [FRONT]
    for chapter in chapters():
        lines += [f"## {chapter.title}", ""]
        if chapter.introduction:
            lines += [chapter.introduction, ""]
        for case in chapter.cases:
            lines += _section(case)
    return "\n".join(lines).rstrip("\n") + "\n"


def _section(case: Case) -> Iterator[str]:
    card = find(case.measure).card
    yield from (f"### {case.title}", "")
    yield from (
        f"`{card.id}`: {card.title[0].lower() + card.title[1:] if card.title[1].islower() else card.title}.",
        "",
    )
    if case.text:
        yield from (inspect.cleandoc(case.text), "")
    for block in blocks(case.given, named=True):
        yield from (f"`{block.name}`", "")
        yield from _table(block)
    when = f"{case.first} to {case.last}" + ("" if case.every == "whole" else f", every {case.every}")
    yield from (f"From {when} this gives", "")
    for block in blocks(case.expect, named=False):
        yield from _table(block)


def _table(block: Block) -> Iterator[str]:
    yield "| " + " | ".join(block.columns) + " |"
    yield "|" + " --- |" * len(block.columns)
    for row in block.rows:
        yield "| " + " | ".join(row[column] for column in block.columns) + " |"
    yield ""


def main() -> int:
    """Write the page, or say whether it is out of date."""
    text = page()
    if "--check" in sys.argv:
        if PAGE.read_text("utf-8") != text:
            print(f"{PAGE.name} is out of date: python -m tests.measures.spec.book")
            return 1
        return 0
    PAGE.write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
