"""What is wrong, where, and how to mend it: problems are data, collected and shown together.

The standard (see CONTRIBUTING.md): clear, gentle, concise, complete, actionable. A message says what is wrong in
the reader's words; the fix is the text to paste where there is one.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Literal

from accord.language.place import Place

Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong (or, as a warning, doubtful) at one place."""

    place: Place
    message: str
    fix: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        mend = f"\n    fix: {self.fix}" if self.fix else ""
        word = "warning: " if self.severity == "warning" else ""
        return f"{self.place}: {word}{self.message}{mend}"

    def as_json(self) -> dict[str, object]:
        """The problem as plain data, for ``--json``."""
        return {
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "severity": self.severity,
            "message": self.message,
            "fix": self.fix,
        }


class AccordError(Exception):
    """The base of everything Accord refuses, with the exit code that a command ends with."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problems: Iterable[Problem] | Problem | str) -> None:
        if isinstance(problems, str):
            problems = Problem(Place("", 0, 0), problems)
        self.problems: tuple[Problem, ...] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem).removeprefix(": ") for problem in self.problems))


class ContractRefused(AccordError):
    """A contract (or a file that belongs to it) cannot be used as it stands. Exit code 3."""

    exit_code = 3


class DataRefused(AccordError):
    """Data that was handed over cannot be used as it stands. Exit code 4."""

    exit_code = 4


class SettlementStopped(AccordError):
    """The contract and the data are well formed, but the arithmetic must not go on. Exit code 5.

    A check of the contract failed, a value that the formulas need is not there, or a payment came out negative.
    """

    exit_code = 5


def shortened(text: str, most: int = 60) -> str:
    """A text from a file, short enough to stand in a message."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def nearest(word: str, known: Iterable[str]) -> str:
    """``did you mean …?`` for the nearest known names, or nothing."""
    found = difflib.get_close_matches(word, list(known), 3, 0.7)
    # a far second is no help: only what is nearly as near as the nearest is named beside it
    likeness = {each: difflib.SequenceMatcher(None, each, word).ratio() for each in found}
    found = [each for each in found if likeness[each] > max(likeness.values()) - 0.1]
    return f"did you mean {' or '.join(found)}?" if found else ""
