"""Sourced: a place's own figure, with its interval and where it comes from; and what calibration assumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np

from accord.simulation import rounding
from accord.simulation.draws import NORMAL_95
from accord.simulation.model import FOLDER, Parameter, read_parameters


@cache
def _assumptions() -> Mapping[str, Parameter]:
    return read_parameters(FOLDER / "calibration.yaml")


def assumed(name: str) -> float:
    """One of the figures that calibration assumes (``model/calibration.yaml``)."""
    return _assumptions()[name].value


@dataclass(frozen=True, slots=True)
class Saying:
    """How a figure says where it comes from."""

    authority: str
    people_years: float

    def __call__(self, name: str, value: float, doubt: float, note: str = "") -> Parameter:
        """A figure; ``doubt`` is the standard deviation of its logarithm."""
        behind = f"{rounding.rounded(self.people_years):,} person-years behind it"
        low, high = value * np.exp(-NORMAL_95 * doubt), value * np.exp(NORMAL_95 * doubt)
        said = f"{note}; {behind}" if note else behind
        return Parameter(name, float(value), float(low), float(high), self.authority, "derived", said)
