"""Practices of a place, and what each belongs to: its network, neighbourhood, board, council and hospital."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

ORGANISATIONS = ("practice", "network", "neighbourhood", "board", "council", "hospital")
"""What a row of a contract can stand for: a practice, or what practices belong to."""


class Practice(Protocol):
    """A practice of a place and what it belongs to, each by its code; empty where nothing is known."""

    @property
    def code(self) -> str:
        """Organisation code."""
        ...

    @property
    def network(self) -> str:
        """Code of its network."""
        ...

    @property
    def neighbourhood(self) -> str:
        """Code of its neighbourhood."""
        ...

    @property
    def board(self) -> str:
        """Code of its board."""
        ...

    @property
    def council(self) -> str:
        """Code of its council."""
        ...

    @property
    def hospital(self) -> str:
        """Code of its hospital."""
        ...


@dataclass(frozen=True, slots=True)
class OwnPractice:
    """A practice of a place that has its own record, or brings its own people."""

    code: str
    network: str
    neighbourhood: str
    board: str
    council: str
    hospital: str


def belongs(practice: Practice, organisation: str) -> str:
    """What a practice belongs to of one of :data:`ORGANISATIONS`: its own code, or that of its network, and so on."""
    return str(getattr(practice, "code" if organisation == "practice" else organisation))


def members(practices: Sequence[Practice], organisation: str) -> tuple[str, ...]:
    """The organisations of a kind that practices belong to, in the order of the practices."""
    return tuple(dict.fromkeys(belongs(one, organisation) for one in practices))
