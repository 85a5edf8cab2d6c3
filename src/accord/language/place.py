"""Where something stands in a text: the source, and a place in it."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a file, counted from 1, as editors count.

    Every node of a contract carries one, so that every message can say where.
    """

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True)
class Source:
    """A text with the name it is known by. Turns character offsets into places."""

    name: str
    text: str

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(i + 1 for i, character in enumerate(self.text) if character == "\n")]

    def place(self, offset: int) -> Place:
        """The place of the character at ``offset`` (from 0)."""
        line = bisect_right(self._line_starts, offset)
        return Place(self.name, line, offset - self._line_starts[line - 1] + 1)
