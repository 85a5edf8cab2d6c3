"""Rounding: counts of a record as they may leave, so that whatever is worked out of them tells no more than they do.

A figure that is worked out of exact counts gives them back: a ratio times what it is a ratio to, an error added to what
was simulated, an interval as wide as one over the root of a number. So a calibration, and a back-test that leaves, are
worked out of rounded counts, and counts of 1 to 7 not at all (the rules of :mod:`accord.record.disclosure`).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accord.record.disclosure import nearest, rules

Numbers = NDArray[np.float64]


def small(count: float) -> bool:
    """Whether a count must not be shown, and nothing may be worked out of it alone."""
    return rules().small(round(count))


def rounded(count: float) -> int:
    """A count to the nearest 5."""
    return nearest(round(count), rules().step)


def pounds(pence: float) -> int:
    """A sum of money in pence to the nearest 100 pounds."""
    return nearest(round(pence), rules().money_step)


def said(count: int) -> str:
    """A count in words: rounded, or that it is below 8."""
    return f"fewer than {rules().most + 1}" if small(count) else f"{rounded(count):,}"


def each(counts: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
    """Counts to the nearest 5, and which of them are 1 to 7; these are 0 here."""
    whole = np.round(counts).astype(np.int64)
    hidden = (whole >= rules().least) & (whole <= rules().most)
    step = rules().step
    return np.where(hidden, 0, (2 * whole + step) // (2 * step) * step).astype(np.float64), hidden


def table(observed: Numbers, expected: Numbers) -> Numbers:
    """A table of counts ``[rows, columns]`` out of its rounded numbers, those of its rows and its rounded total alone.

    Numbers of 1 to 7 become what is expected of them within what their row leaves over; a row of 1 to 7 in all becomes
    what is expected within what the total leaves over. A total of 1 to 7 becomes what is expected.
    """
    total = float(observed.sum())
    if small(total):
        return expected.copy()
    shown, hidden = each(observed)
    rows, hidden_rows = each(observed.sum(axis=1))
    most = float(rules().most)
    left = max(rounded(total) - float(rows.sum()), 0.0)
    rows = np.where(hidden_rows, _shared(left, expected.sum(axis=1), hidden_rows, most), rows)
    out = np.zeros(observed.shape)
    for number, whole in enumerate(rows):
        over = max(float(whole - shown[number].sum()), 0.0)
        line = shown[number] + _shared(over, expected[number], hidden[number], most)
        out[number] = line * whole / line.sum() if line.sum() > 0 else line
    return out


def _shared(whole: float, by: Numbers, among: NDArray[np.bool_], most: float) -> Numbers:
    """A whole, shared out among some in proportion, at least one each and no more than ``most``."""
    weight = np.where(among, by, 0.0)
    if not among.any():
        return np.zeros(len(by))
    share = weight / weight.sum() if weight.sum() > 0 else among / among.sum()
    return np.where(among, np.clip(whole * share, 1.0, most), 0.0)
