"""Codes of a written record: what is coded how often, disease registers, and who lives in a care home."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from accord.simulation.model import FOLDER, Model
from accord.simulation.people import AGES, FRAILTY, MORBIDITY
from accord.simulation.population import value

CODES_FILE = FOLDER / "codes.csv"


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of one use, with the chance of each at each age: ``upto`` is cumulative, ``[ages, codes]``."""

    code: tuple[str, ...]
    detail: tuple[str, ...]
    from_age: tuple[int, ...]
    upto: NDArray[np.float64]

    def drawn(self, ages: NDArray[np.int64], chance: NDArray[np.float64]) -> NDArray[np.int64]:
        """The place of a code for each age and uniform draw."""
        return (chance[:, None] >= self.upto[ages][:, :-1]).sum(axis=1)


@cache
def codes() -> Mapping[str, Codes]:
    """The codes of ``model/codes.csv`` by use."""
    rows: dict[str, list[dict[str, str]]] = {}
    with CODES_FILE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["use"], []).append(row)
    found: dict[str, Codes] = {}
    ages = np.arange(AGES)
    for use, listed in rows.items():
        weight = np.array(
            [float(row["weight"]) * ((ages >= int(row["from_age"])) & (ages <= int(row["to_age"]))) for row in listed]
        ).T
        upto = np.cumsum(weight, axis=1)
        found[use] = Codes(
            tuple(row["code"] for row in listed),
            tuple(row["detail"] for row in listed),
            tuple(int(row["from_age"]) for row in listed),
            upto / np.maximum(upto[:, -1:], 1e-300),
        )
    return found


def registers(built_in: Model) -> NDArray[np.float64]:
    """Chance of being on each register ``[registers, ages, morbidity]``, so that England has the published numbers."""
    listed = codes()["register"]
    people = built_in.people[2026]
    by_morbidity = built_in.mix.reshape(*built_in.mix.shape[:2], len(MORBIDITY), len(FRAILTY)).sum(axis=3)
    there = (by_morbidity * people[:, :, None]).sum(axis=0)
    relative = np.array([0, 1, value("register_morbidity_multi"), value("register_morbidity_complex")])
    out = np.zeros((len(listed.code), AGES, len(MORBIDITY)))
    for number, (name, least) in enumerate(zip(listed.detail, listed.from_age, strict=True)):
        shape = 2.0 ** ((np.arange(AGES) - 50) / value(f"doubling_{name}"))
        odds = shape[:, None] * relative[None, :] * (np.arange(AGES) >= least)[:, None]
        low, high = -30.0, 10.0
        chance = odds
        for _ in range(60):
            scale = np.exp((low + high) / 2)
            chance = scale * odds / (1 + scale * odds)
            share = (chance * there)[least:].sum() / there[least:].sum()
            low, high = ((low + high) / 2, high) if share < value(f"register_{name}") else (low, (low + high) / 2)
        out[number] = chance
    return out


def in_care_home(age: NDArray[np.int64], frailty: NDArray[np.int64]) -> NDArray[np.float64]:
    """Chance of living in a care home, by age and level of frailty."""
    old = age >= 85
    chance = np.zeros(len(age))
    for level, name in enumerate(FRAILTY):
        if name == "fit":
            continue
        at_85 = value(f"care_home_{name}_85")
        at_65 = value(f"care_home_{name}_65") if name != "mild" else 0.0
        chance = np.where(frailty == level, np.where(old, at_85, at_65), chance)
    return np.where(age >= 65, chance, 0.0)
