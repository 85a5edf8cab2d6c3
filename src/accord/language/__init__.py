"""The language room: text to a typed, checked, frozen :class:`~accord.language.contract.Contract`.

Lives here: places and problems, the YAML tree, the vocabulary, the formula parser, keys, units, types, the checker,
canonical form and hashes, variations, the JSON Schema. Does not live here: data, engines, files beyond the contract's
own folder, and anything a terminal or a browser shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.problem import AccordError, ContractRefused, DataRefused, Problem, SettlementStopped

if TYPE_CHECKING:
    from accord.language.checker import MeasureCard
    from accord.language.contract import Contract

__all__ = [
    "AccordError",
    "ContractRefused",
    "DataRefused",
    "Problem",
    "SettlementStopped",
    "check",
    "check_text",
]


def check(path: Path | str, *, cards: Mapping[str, MeasureCard] | None = None) -> Contract:
    """Read and check a contract: a YAML file, or a folder with ``contract.yaml``; a variation is expanded first.

    ``cards`` are the cards of the measures it may name (``name@version``). Raises :class:`ContractRefused` with every
    problem found, each with its place.
    """
    from accord.language.folder import Folder

    folder, name = Folder.of(Path(path))
    return _check(folder.read(name), folder.shown(name), folder, cards)


def check_text(
    text: str | bytes,
    file: str = "contract.yaml",
    files: Mapping[str, bytes] | None = None,
    *,
    cards: Mapping[str, MeasureCard] | None = None,
) -> Contract:
    """Check a contract given as text; ``files`` holds what would stand beside it, by name."""
    from accord.language.folder import InMemory

    content = text.encode() if isinstance(text, str) else text
    return _check(content, file, InMemory(files or {}), cards)


def _check(content: bytes, file: str, beside: object, cards: Mapping[str, MeasureCard] | None) -> Contract:
    from accord.language.checker import Checker
    from accord.language.draft.reader import read_draft
    from accord.language.folder import Beside
    from accord.language.text import Entries, decode, read_tree
    from accord.language.variation import expand

    assert isinstance(beside, Beside)
    source = decode(content, file)
    tree = read_tree(source, "accord new NAME writes a start")
    text = source.text
    examples: tuple[int, ...] | None = None
    if isinstance(tree, Entries) and tree.get("variation") is not None:
        expanded = expand(tree, beside)
        tree, text, beside, examples = expanded.tree, expanded.text, expanded.beside, expanded.examples
        content = text.encode()
    draft = read_draft(tree, beside.read)
    contract = Checker(draft, {} if cards is None else cards).check(text, file, content)
    if examples is None:
        return contract
    numbered = zip(contract.examples, examples, strict=True)
    return replace(contract, examples=tuple(replace(one, number_in_base=number) for one, number in numbered))
