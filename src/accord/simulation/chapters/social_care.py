"""Social care in a written record: reablement after a stay in hospital, and care at home."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accord.simulation.chapters.practice import HOMES, REABLED, Practice
from accord.simulation.chapters.writer import named, same
from accord.simulation.lives import NEVER
from accord.simulation.people import FRAILTY
from accord.simulation.population import value


def write_reablement(practice: Practice, stays: NDArray[np.int64]) -> None:
    """Reablement after a stay in hospital."""
    lived = practice.lives
    who, since = lived.person[stays], lived.until_day[stays]
    draw = practice.chance.uniform(REABLED, stays)
    chosen = (lived.age(who, since) >= 65) & (practice.homes[who] > since) & (draw[:, 0] < value("reablement"))
    chosen &= since < np.minimum(lived.last[who], practice.world.days.end)
    who, since, draw = who[chosen], since[chosen], draw[chosen]
    last = lived.last[who]
    died = lived.died[who] <= since + 91
    names = ("died", "at home", "in hospital", "care home", "not contacted")
    other = 2 + (draw[:, 2] * 3).astype(np.int64)
    outcome = np.where(died, 0, np.where(draw[:, 1] < value("reablement_home"), 1, other))
    practice.write(
        "social_care",
        who,
        {
            "since": since,
            "until": np.minimum(since + int(value("reablement_days")), last),
            "council": same(practice.world.population.practices[practice.number].council, len(who)),
            "kind": same("reablement", len(who)),
            "after_hospital": np.ones(len(who), bool),
            "permanent": np.zeros(len(who), bool),
            "outcome": named(names, outcome),
        },
    )


def write_home_care(practice: Practice) -> None:
    """Care at home of people who are frail."""
    lived = practice.lives
    who, day, state = practice.stages
    draw = practice.chance.uniform(HOMES + 32, np.arange(len(lived)))
    frail = state % len(FRAILTY)
    chance = np.where(frail == 3, value("home_care_severe"), np.where(frail == 2, value("home_care_moderate"), 0.0))
    chosen = (draw[who, 0] < chance) & (lived.age(who, day) >= 65) & (day < practice.homes[who])
    since = np.full(len(lived), NEVER)
    np.minimum.at(since, who[chosen], day[chosen])
    until = np.minimum(lived.last, practice.homes)
    these = np.flatnonzero(since < until)
    practice.write(
        "social_care",
        these,
        {
            "since": since[these],
            "until": until[these],
            "council": same(practice.world.population.practices[practice.number].council, len(these)),
            "kind": same("home care", len(these)),
            "after_hospital": np.zeros(len(these), bool),
            "permanent": np.zeros(len(these), bool),
        },
    )
