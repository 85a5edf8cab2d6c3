"""The language reference and the JSON Schemas, written from the specs and the vocabulary.

``python -m tests.spec.book`` writes ``docs/language.md``, ``docs/contract.schema.json`` and
``docs/variation.schema.json``; with ``--check`` it says which of them are out of date.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accord.language import ContractRefused, check_text
from accord.language.schema import contract_schema, variation_schema
from accord.language.shape import Choice, Either, Later, ListOf, MapOf, Record, Shape, Word
from accord.language.vocabulary import CONTRACT, VARIATION
from tests.spec.spec import Spec, blocks, whole_text

DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True)
class Chapter:
    """A chapter: its title, its introduction, its sections."""

    title: str
    introduction: str
    specs: Sequence[Spec]

    @property
    def anchor(self) -> str:
        """The anchor that a Markdown reader gives its heading."""
        return "".join(c for c in self.title.lower().replace(" ", "-") if c.isalnum() or c in "-_")


def chapters() -> list[Chapter]:
    """The chapters in order: the modules ``chapter_NN_topic`` beside this one."""
    found: list[Chapter] = []
    names = sorted(module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    for name in names:
        if name.startswith("chapter_"):
            module = importlib.import_module(f"tests.spec.{name}")
            title, _, introduction = (inspect.getdoc(module) or "").partition("\n")
            found.append(Chapter(title.strip().rstrip("."), introduction.strip(), module.SPECS))
    return found


# -- Markdown ----------------------------------------------------------------------------------------------------------


def _cells(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [_cells(columns), _cells(["---"] * len(columns)), *(_cells(row) for row in rows), ""]


def _tables(text: str, *, named: bool = False) -> Iterator[str]:
    for block in blocks(text, named=named):
        if named:
            yield from (f"`{block.name}`", "")
        rows = [[row[column] for column in block.columns] for row in block.rows]
        if not block.complete:
            rows.append([*["…"] * len(block.columns)])
        if block.columns:
            yield from _table(block.columns, rows)
        else:
            yield from ("(no rows)", "")


def _said(what: str, message: str, fix: str) -> Iterator[str]:
    yield from (f"{what}", "", "```text", message)
    if fix:
        yield f"    fix: {fix}"
    yield from ("```", "")


def _places(spec: Spec) -> list[str]:
    """Where the problems of a refused contract are, counted in the snippet as it is shown."""
    text = whole_text(spec)
    header = text.count("\n") - spec.snippet.count("\n") - 1
    try:
        check_text(text, files=spec.files, cards=spec.cards)
    except ContractRefused as refused:
        places = [problem.place for problem in refused.problems]
        own = [place.line - (header if place.file == "contract.yaml" else 0) for place in places]
        return [f"{place.file}:{line}:{place.column}" for place, line in zip(places, own, strict=True)]
    raise AssertionError(f"{spec.title}: this should have been refused")


def _section(spec: Spec) -> Iterator[str]:
    yield from (f"### {spec.title}", "")
    if spec.text:
        yield from (_prose(spec.text), "")
    if spec.contract:
        yield from ("```yaml", spec.snippet, "```", "")
    if spec.file:
        yield from (f"`{spec.file[0]}`:", "", "```text", spec.file[1].rstrip("\n"), "```", "")
    for card in spec.cards.values():
        said = ", ".join(
            f"`{column}` {'freely' if to == 'all' else f'with {to} only'}" for column, to in card.columns.items()
        )
        yield from (f"The card of `{card.name}@{card.version}` says what may be compared: {said}.", "")
    if spec.given:
        yield from ("Given", "")
        yield from _tables(spec.given, named=True)
    if spec.known_on:
        yield from (f"and known on {spec.known_on},", "")
    if spec.up_to:
        yield from (f"and settled up to {spec.up_to},", "")
    if spec.expect:
        yield from ("it gives" if spec.given else "This gives", "")
        yield from _tables(spec.expect)
    if spec.payments:
        yield from ("and these payments:" if spec.expect else "it pays", "")
        yield from _tables(spec.payments)
    if spec.notices:
        yield from ("and these notices:", "")
        yield from _tables(spec.notices)
    if spec.refused:
        places = _places(spec)
        said = [(spec.with_hash(spec.refused), spec.fix), *spec.also]
        yield from ("`accord check` refuses it:", "", "```text")
        for place, (message, fix) in zip(places, said, strict=True):
            yield f"{place}: {message}"
            if fix:
                yield f"    fix: {fix}"
        yield from ("```", "")
    if spec.warned:
        yield from _said("`accord check` warns:", spec.warned, spec.fix)
    if spec.doubted:
        yield from _said("and this warning:", spec.doubted, spec.fix)
    if spec.data_refused:
        yield from _said("the data is refused:", spec.data_refused, spec.fix)
    if spec.stopped:
        yield from _said("the settlement stops, and nothing is written:", spec.stopped, spec.fix)
    if spec.after:
        yield from (_prose(spec.after), "")


def _prose(text: str) -> str:
    return inspect.cleandoc(text)


# -- what is generated from the language itself ------------------------------------------------------------------------


def _what(shape: Shape) -> str:
    """What stands there, in a few words, with a link to the table of what stands inside."""
    match shape:
        case Later(shape=inner):
            return _what(inner())
        case Choice(options=options):
            return ", ".join(f"`{option}`" for option in options)
        case Word(what=what, example=example):
            short = what.partition(":")[0].partition(" (")[0]
            return f"{short}, such as `{example}`" if example and short != "a name" and example not in what else short
        case Record(what=what):
            return _link(what)
        case MapOf(what=what, value=inner) | ListOf(what=what, item=inner):
            record = _inside(inner)
            return f"{what}, each {_link(record.what)}" if record is not None else what
        case Either(what=what, shapes=shapes):
            record = next((option for option in shapes if isinstance(option, Record)), None)
            return f"{what}: {_link(record.what)}" if record is not None else what


def _link(what: str) -> str:
    return f"[{what}](#{what.replace(' ', '-')})"


def _inside(shape: Shape) -> Record | None:
    match shape:
        case Record():
            return shape
        case Either(shapes=shapes):
            return next((option for option in shapes if isinstance(option, Record)), None)
        case _:
            return None


def _records(shape: Shape, seen: dict[str, Record]) -> None:
    match shape:
        case Record():
            if shape.what not in seen:
                seen[shape.what] = shape
                for field in shape.fields:
                    _records(field.shape, seen)
                if shape.others is not None:
                    _records(shape.others, seen)
        case MapOf(value=inner) | ListOf(item=inner):
            _records(inner, seen)
        case Either(shapes=shapes):
            for option in shapes:
                _records(option, seen)
        case _:
            return


def _vocabulary() -> Iterator[str]:
    yield from ("## Every word", "")
    yield from (
        "The vocabulary is closed: anything else in the file is refused, with the nearest known word. "
        "**Bold** entries must be there. Editors can complete and check with the JSON Schemas "
        "[contract.schema.json](contract.schema.json) and [variation.schema.json](variation.schema.json).",
        "",
    )
    seen: dict[str, Record] = {}
    _records(CONTRACT, seen)
    _records(VARIATION, seen)
    for what, record in seen.items():
        yield from (f"### {what.capitalize()}", "")
        rows = [
            [f"**`{field.name}`**" if field.required else f"`{field.name}`", _what(field.shape), field.doc]
            for field in record.fields
        ]
        if record.others is not None:
            rows.append(["*any other name*", _what(record.others), "One entry each."])
        yield from _table(["entry", "what stands there", "meaning"], rows)


def _functions() -> Iterator[str]:
    from tests.spec.words import FUNCTION_LINES, OPERATORS

    yield from ("## Every operator and function", "")
    yield from _table(["operator", "meaning"], [[f"`{sign}`", meaning] for sign, meaning in OPERATORS])
    yield from _table(["function", "gives"], [[f"`{signature}`", meaning] for signature, meaning in FUNCTION_LINES])


def _roundings() -> Iterator[str]:
    from tests.spec.words import ROUNDING_LINES

    yield from ("## Every rounding rule", "")
    yield from _table(["rule", "takes a number between two steps"], [[f"`{r}`", m] for r, m in ROUNDING_LINES.items()])


GENERATED = {"Every word": _vocabulary, "Every operator and function": _functions, "Every rounding rule": _roundings}


def language() -> str:
    """The language reference."""
    lines = [
        "# The contract language",
        "",
        "<!-- Written by `make docs` from tests/spec and the vocabulary: every contract on this page is checked and "
        "settled by the tests. Do not edit. -->",
        "",
    ]
    found = chapters()
    contents = [(chapter.title, chapter.anchor) for chapter in found]
    contents += [(title, title.lower().replace(" ", "-")) for title in GENERATED]
    front = importlib.import_module("tests.spec.front")
    lines += [inspect.cleandoc(front.TEXT), ""]
    lines += [f"{number}. [{title}](#{anchor})" for number, (title, anchor) in enumerate(contents, 1)]
    lines.append("")
    for chapter in found:
        lines += [f"## {chapter.title}", "", chapter.introduction, ""]
        for spec in chapter.specs:
            lines += _section(spec)
    for generated in GENERATED.values():
        lines += generated()
    return "\n".join(lines).rstrip("\n") + "\n"


def pages() -> Mapping[str, str]:
    """Every generated file by its name in ``docs``."""
    return {
        "language.md": language(),
        "contract.schema.json": json.dumps(contract_schema(), indent=2, ensure_ascii=False) + "\n",
        "variation.schema.json": json.dumps(variation_schema(), indent=2, ensure_ascii=False) + "\n",
    }


def stale() -> list[str]:
    """The generated files that are not what they should be."""
    return [
        name
        for name, text in pages().items()
        if not (DOCS / name).exists() or (DOCS / name).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with ``--check`` compare them."""
    if "--check" in arguments:
        old = stale()
        if old:
            print(f"out of date: {', '.join(old)}; make docs", file=sys.stderr)
        return 1 if old else 0
    DOCS.mkdir(exist_ok=True)
    for name, text in pages().items():
        (DOCS / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
