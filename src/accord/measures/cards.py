"""What contracts know of measures: the cards beside a contract and in the library, by ``name@version``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from accord.language.checker import MeasureCard
from accord.library import MEASURES
from accord.measures.card import Card, read_card

BESIDE = "measures"
"""The folder beside a contract where measures of its own stand."""


class Cards(Mapping[str, MeasureCard]):
    """What measures say of themselves to contracts: those beside a contract, then those of the library.

    A card is read when it is asked for: checking a contract without measures reads none.
    """

    def __init__(self, beside: Path | None = None) -> None:
        self._folders = [*([beside / BESIDE] if beside is not None else []), MEASURES]

    def __getitem__(self, named: str) -> MeasureCard:
        content = self.content(named)
        if content is None:
            raise KeyError(named)
        return card_of(read_card(content, f"{named.partition('@')[0]}.yaml"))

    def content(self, named: str) -> bytes | None:
        """The bytes of the card of ``name@version``; None if there is none."""
        name, _, version = named.partition("@")
        for folder in self._folders:
            path = folder / f"{name}.yaml"
            if path.is_file():
                content = path.read_bytes()
                if read_card(content, path.name).version == version:
                    return content
        return None

    def __iter__(self) -> Iterator[str]:
        for folder in self._folders:
            for path in sorted(folder.glob("*.yaml")):
                yield read_card(path.read_bytes(), path.name).id

    def __len__(self) -> int:
        return sum(1 for _ in self)


def card_of(card: Card) -> MeasureCard:
    """What a card says to a contract: its columns, and what each may be compared with."""
    return MeasureCard(card.measure, card.version, card.for_contract())
