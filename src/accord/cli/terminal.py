"""What reaches the terminal: results to stdout, problems to stderr, one JSON document where a machine asked for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accord.language.problem import AccordError, Problem

USAGE = 2
"""Exit code: the command was not called as its help says."""

NOT_FOUND = 6
"""Exit code: a file is not there, or cannot be read or written."""

FAULT = 70
"""Exit code: Accord itself has a fault."""

INTERRUPTED = 130
"""Exit code: stopped from the keyboard."""


def colourful(stream: object = None) -> bool:
    """Whether a stream (stderr) is a terminal that shows colours."""
    stream = sys.stderr if stream is None else stream
    return bool(getattr(stream, "isatty", lambda: False)()) and "NO_COLOR" not in os.environ


def say(text: str = "") -> None:
    """Print a line of a result."""
    print(text)


def warn(text: str) -> None:
    """Print a line about a result, which is no part of it, to stderr."""
    print(text, file=sys.stderr)


def say_json(value: object) -> None:
    """Print a result for a machine: one JSON document, keys as written."""
    import json

    print(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def show_problems(problems: Iterable[Problem]) -> None:
    """Print problems to stderr: in colour on a terminal, plain text otherwise; the place first, as editors read it."""
    problems = tuple(problems)
    if not colourful():
        for problem in problems:
            print(str(problem).removeprefix(": "), file=sys.stderr)
        return
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, highlight=False, soft_wrap=True)
    for problem in problems:
        line = Text()
        line.append(f"{problem.place}: " if str(problem.place) else "", style="bold")
        if problem.severity == "warning":
            line.append("warning: ", style="yellow")
        line.append(problem.message, style="red" if problem.severity == "error" else "")
        if problem.fix:
            line.append("\n    fix: ", style="green")
            line.append(problem.fix)
        console.print(line)


def show_error(error: AccordError, as_json: bool) -> None:
    """Print why a command stopped: to stderr for a person, as the one JSON document on stdout for a machine."""
    if as_json:
        problems = [problem.as_json() for problem in error.problems]
        try:
            say_json({"ok": False, "refused": type(error).__name__, "problems": problems})
            sys.stdout.flush()
            return
        except OSError:  # it may be stdout that cannot be written
            print_no_more()
    show_problems(error.problems)
    errors = sum(problem.severity == "error" for problem in error.problems)
    if errors > 1:
        print(f"{errors} problems", file=sys.stderr)


def print_no_more() -> None:
    """Let go of what stdout could not take, so that Python does not try again when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = (), indent: int = 0) -> str:
    """Columns of text, as wide as they must be; those named in ``right`` stand right, as numbers do."""
    lines = [list(heads), *[list(row) for row in rows]]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    right = set(right)
    out: list[str] = []
    for number, line in enumerate(lines):
        cells = [
            cell.rjust(widths[column]) if column in right else cell.ljust(widths[column])
            for column, cell in enumerate(line)
        ]
        out.append(" " * indent + "  ".join(cells).rstrip())
        if number == 0:
            out.append(" " * indent + "  ".join("-" * width for width in widths))
    return "\n".join(out)
