"""People as the engines hold them: a few bytes each, sorted by practice.

A *cell* is a sex and a deprivation fifth: ``cell = 5 * sex + fifth - 1`` with sex 0 female, 1 male, and fifth 1 the
most deprived. A *state* is morbidity and frailty: ``state = 4 * morbidity + frailty``, each from 0 (none, fit) to 3
(complex multimorbidity, severe frailty). ``DEAD`` is the state of those who have died.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SEXES = ("female", "male")
"""The sexes of the model, in order. Rates for others are not published."""

FIFTHS = 5
"""Deprivation fifths, 1 most deprived."""

CELLS = len(SEXES) * FIFTHS
"""Sexes times fifths."""

AGES = 101
"""Ages in whole years, 0 to 100; 100 stands for 100 and over."""

BANDS = (*(f"{age}-{age + 4}" for age in range(0, 95, 5)), "95+")
"""Five-year age bands, as published lists have them."""

MORBIDITY = ("none", "one long-term condition", "multimorbidity", "complex multimorbidity")
"""Levels of morbidity, after Head et al. 2021: two or more conditions; three or more in three body systems."""

FRAILTY = ("fit", "mild", "moderate", "severe")
"""Levels of the electronic frailty index (Clegg et al. 2016)."""

STATES = len(MORBIDITY) * len(FRAILTY)
"""Living states."""

DEAD = 255
"""The state of a person who has died."""

BURDENS = 32
"""Levels of a person's lasting burden: equal shares of a gamma distribution of mean 1."""


def cell_of(sex: int, fifth: int) -> int:
    """The cell of a sex (0 female, 1 male) and a deprivation fifth (1 to 5)."""
    return FIFTHS * sex + fifth - 1


@dataclass(frozen=True, slots=True)
class People:
    """A population at the start of a year. Persons of practice ``p`` are ``offsets[p]`` to ``offsets[p + 1] - 1``.

    Attributes:
        offsets: where each practice begins, and the end; int64, one more than there are practices.
        months: age in months; int16.
        cell: sex and deprivation fifth; uint8.
        state: morbidity and frailty, or ``DEAD``; uint8.
        burden: level of the lasting burden, 0 to ``BURDENS - 1``; uint8.
    """

    offsets: NDArray[np.int64]
    months: NDArray[np.int16]
    cell: NDArray[np.uint8]
    state: NDArray[np.uint8]
    burden: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.cell)

    @property
    def practices(self) -> int:
        """How many practices there are."""
        return len(self.offsets) - 1

    def bounds(self, number: int) -> list[int]:
        """Where practices are cut into at most so many parts, each with about as many people; none is empty."""
        aims = np.arange(1, number) * (len(self) / number)
        cuts = np.searchsorted(self.offsets, aims)
        return sorted({0, self.practices, *(int(cut) for cut in cuts if cut < self.practices)})
