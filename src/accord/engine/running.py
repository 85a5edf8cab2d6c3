"""What a plan needs to know of a run besides the contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Protocol

from accord.language.contract import PeriodItem, Value


class Loaded(Protocol):
    """What a plan needs to know of a table: whether its rows differ by world."""

    @property
    def has_worlds(self) -> bool:
        """Whether there is a column ``world``."""
        ...


class Run(Protocol):
    """What a plan needs to know of a run besides the contract (:class:`accord.engine.inputs.Inputs` has it)."""

    @property
    def tables(self) -> Mapping[str, Loaded]:
        """Inputs and own tables."""
        ...

    @property
    def periods(self) -> Mapping[str, tuple[PeriodItem, ...]]:
        """The periods of the run."""
        ...

    @property
    def worlds(self) -> tuple[int, ...]:
        """The worlds."""
        ...

    @property
    def known_on(self) -> dt.date | None:
        """As known on which day."""
        ...

    @property
    def what_ifs(self) -> Mapping[str, Mapping[int, Value]]:
        """Values instead of the contract's."""
        ...
