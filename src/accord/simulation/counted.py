"""Counted: what was simulated in a batch of worlds, by practice, year and group of people; and what was expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from accord.simulation.people import BANDS, FIFTHS, SEXES
from accord.simulation.practices import Practice, belongs, members
from accord.simulation.results import LAZY, LAZY_AT, MONTHS, RESULTS
from accord.simulation.tables import LAZY_ONE
from accord.simulation.years import Years

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Counted:
    """What was simulated in a batch of worlds (W worlds, P practices, Y years).

    Attributes:
        years: which years.
        practices: the practices, in the order of ``P``.
        counts: ``[W, P, Y, GROUPS, RESULTS]``; the streams that are not drawn person by person hold exposure.
        contacts: frequent contacts drawn, ``[W, P, Y, LAZY]``.
        lists: people on the first day of each year, ``[W, P, Y, CELLS, BANDS]``.
        complex: those of them with complex multimorbidity, ``[W, P, Y]``.
        rates: expected results a person-month with no contract change, ``[W, Y, GROUPS, RESULTS]``.
        prices: the level of hospital prices, 1 in real money, ``[W, Y]``.
        draws: number of the draw of each world, for the chance of indicators.
        seed: of the whole run.
        expected: factor on what was expected (coding, inflated baselines), ``[W, Y]``.
        moved: points by which behaviour moves indicators, ``[W, Y]``.
        taken_out: share of denominators that are taken out by adjustments, ``[W, Y]``.
        found: factor on the people of registers and indicators, where more are looked for, ``[W, Y]``.
        takes_part: by contract, which practices take part, ``[W, P]``.
    """

    years: Years
    practices: Sequence[Practice]
    counts: Whole
    contacts: Whole
    lists: Whole
    complex: Whole
    rates: Numbers
    prices: Numbers
    draws: Whole
    seed: int
    expected: Numbers
    moved: Numbers
    taken_out: Numbers
    found: Numbers
    takes_part: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict[str, NDArray[np.bool_]])

    def __len__(self) -> int:
        return len(self.draws)

    def some(self, chosen: NDArray[np.int64]) -> Counted:
        """Some of the worlds."""
        return replace(
            self,
            counts=self.counts[chosen],
            contacts=self.contacts[chosen],
            lists=self.lists[chosen],
            complex=self.complex[chosen],
            rates=self.rates[chosen],
            prices=self.prices[chosen],
            draws=self.draws[chosen],
            expected=self.expected[chosen],
            moved=self.moved[chosen],
            taken_out=self.taken_out[chosen],
            found=self.found[chosen],
            takes_part={name: mask[chosen] for name, mask in self.takes_part.items()},
        )

    def result(self, name: str) -> Whole:
        """A result by world, practice and year: events as they are, costs in pence at the prices of the year."""
        at = RESULTS.index(name)
        if name in LAZY:
            return self.contacts[..., at - LAZY_AT]
        total = self.counts[..., at].sum(axis=-1)
        return np.rint(total * self.prices[:, None, :]).astype(np.int64) if name.endswith("_cost") else total

    def by_group(self, name: str) -> Whole:
        """A result of the whole place by world, year and group of people; the totals are those of :meth:`result`.

        Frequent contacts are drawn once, for a practice: its groups share them as their exposure is. Costs are shared
        so that what practices were rounded to is all there is.
        """
        at = RESULTS.index(name)
        if name not in LAZY and not name.endswith("_cost"):
            return self.counts[..., at].sum(axis=1)
        total = self.result(name)
        if name not in LAZY:
            return _shared(total.sum(axis=1), self.counts[..., at].sum(axis=1).astype(np.float64))
        parts = np.zeros((len(self), self.years.number, self.counts.shape[3]))
        for practice in range(len(self.practices)):  # one after the other, so that sums have one order
            exposure = self.counts[:, practice, :, :, at].astype(np.float64)
            whole = np.maximum(self.counts[:, practice, :, :, at].sum(axis=-1), 1)
            parts += exposure * (total[:, practice] / whole)[..., None]
        return _shared(total.sum(axis=1), parts)

    @property
    def by_sex_and_band(self) -> Whole:
        """People on the first day of each year, ``[W, P, Y, sexes, BANDS]``."""
        return self.lists.reshape(*self.lists.shape[:3], len(SEXES), FIFTHS, len(BANDS)).sum(axis=4)

    def together(self, values: Any, organisation: str) -> Any:
        """Values by practice (the second dimension) added up by what practices belong to."""
        if organisation == "practice":
            return values
        place = {name: number for number, name in enumerate(members(self.practices, organisation))}
        which = [place[belongs(one, organisation)] for one in self.practices]
        out = np.zeros((len(values), len(place), *values.shape[2:]), values.dtype)
        np.add.at(out, (slice(None), np.array(which)), values)  # type: ignore[arg-type]
        return out

    def expectation(self, name: str) -> Numbers:
        """What was expected of the same people, by world, practice and year."""
        at = RESULTS.index(name)
        made = np.einsum("wpyg,wyg->wpy", self.counts[..., MONTHS].astype(np.float64), self.rates[..., at])
        made = made / LAZY_ONE if name in LAZY else made
        made = made * self.prices[:, None, :] if name.endswith("_cost") else made
        return made * self.expected[:, None, :]


def rates_of(expected: Numbers) -> Numbers:
    """Expected results a person-month, ``[years, GROUPS, RESULTS]``; streams not drawn person by person as exposure."""
    made = expected / np.maximum(expected[..., MONTHS : MONTHS + 1], 1e-9)
    made[..., LAZY_AT:] *= LAZY_ONE
    return made


def _shared(totals: Whole, parts: Numbers) -> Whole:
    """Whole numbers in proportion to parts (the last dimension) that add up to their total: by largest remainder."""
    weight = parts.sum(axis=-1, keepdims=True)
    exact = np.divide(parts * totals[..., None], weight, out=np.zeros_like(parts), where=weight > 0)
    out = np.floor(exact).astype(np.int64)
    lacking = totals - out.sum(axis=-1)
    order = np.argsort(out - exact, axis=-1, kind="stable")  # the largest remainder first, of equal ones the first
    more = np.arange(parts.shape[-1]) < lacking[..., None]
    np.put_along_axis(out, order, np.take_along_axis(out, order, axis=-1) + more, axis=-1)
    return out
