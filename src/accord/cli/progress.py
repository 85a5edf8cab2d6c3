"""A progress bar for work that takes over a second: on stderr, only on a terminal, and gone when the work is done."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

AFTER = 1.0
"""Seconds of silence before a bar is shown: most work is done by then."""


class Progress:
    """Steps of a piece of work; ``step`` says which one has begun."""

    def __init__(self, steps: int, shown: bool) -> None:
        self._steps = steps
        self._done = -1
        self._name = ""
        self._shown = shown
        self._lock = threading.Lock()
        self._finished = threading.Event()
        self._bar: object | None = None

    def step(self, name: str) -> None:
        """Say that the next step has begun, in a few words."""
        with self._lock:
            self._done += 1
            self._name = name

    def share(self, done: int, of: int) -> None:
        """Say how much of everything is done."""
        with self._lock:
            self._done, self._steps = done, of

    def _watch(self) -> None:
        if self._finished.wait(AFTER):
            return
        from rich.console import Console
        from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.progress import Progress as Bar

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task(self._name, total=self._steps)
            while not self._finished.wait(0.1):
                with self._lock:
                    bar.update(task, description=self._name, total=self._steps, completed=max(self._done, 0))


@contextmanager
def progress(steps: int) -> Iterator[Progress]:
    """A piece of work of so many steps, to be used with ``with``: watched while it lasts."""
    shown = sys.stderr.isatty()
    work = Progress(steps, shown)
    watcher = threading.Thread(target=work._watch, daemon=True) if shown else None
    if watcher:
        watcher.start()
    try:
        yield work
    finally:
        work._finished.set()
        if watcher:
            watcher.join()
