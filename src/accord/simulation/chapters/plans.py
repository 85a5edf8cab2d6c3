"""Care plans and what patients answer to a survey, in a written record."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accord.simulation.chapters.codes import codes
from accord.simulation.chapters.practice import ACCESS, COORDINATION, PLANNED, PLANS, SURVEYED, Practice, years_of
from accord.simulation.chapters.writer import named, same
from accord.simulation.population import value


def write_plans(practice: Practice, complex_since: NDArray[np.int64]) -> None:
    """Care plans of people with complex needs."""
    lived, chance = practice.lives, practice.chance
    share = practice.share("plan_made", PLANS, "plan_spread")
    planned = np.zeros(len(lived), bool)
    for year, begin, length in years_of(practice):
        draw = chance.uniform(PLANNED, np.arange(len(lived)) + (year + 1) * (1 << 32))
        start = np.maximum(begin, complex_since)
        left = begin + length - start
        these = np.flatnonzero((left > 0) & (length > 0) & (draw[:, 0] < share))
        practice.write(
            "care_plans",
            these,
            {
                "day": start[these] + (draw[these, 1] * left[these]).astype(np.int64),
                "kind": named(("made", "reviewed"), planned[these].astype(np.int64)),
                "shared": draw[these, 2] < value("plan_shared"),
                "joint": draw[these, 3] < value("plan_joint"),
                "practice": same(practice.code, len(these)),
            },
        )
        planned[these] = True


def write_surveys(practice: Practice) -> None:
    """Answers to a survey; nobody in it can be told."""
    days = practice.world.days
    count = round(value("answers"))
    for year in range(days.years):
        first, last = days.first[12 * year], days.first[12 * year + 12]
        draw = practice.chance.uniform(SURVEYED, np.arange(count) + (year + 1) * (1 << 32))
        day = first + (draw[:, 0] * (last - first)).astype(np.int64)
        for question, use, score, at in (("ACCESS", "access", ACCESS, 1), ("Q32", "coordination", COORDINATION, 2)):
            good = practice.share(f"good_{use}", score, "survey_spread")
            listed = codes()[use]
            fine = np.array([detail == "good" for detail in listed.detail])
            liked = draw[:, at] < good
            within = np.where(liked, draw[:, at] / good, (draw[:, at] - good) / (1 - good))
            places = [np.flatnonzero(~fine), np.flatnonzero(fine)]
            answer = np.where(
                liked,
                places[1][(within * len(places[1])).astype(np.int64)],
                places[0][(within * len(places[0])).astype(np.int64)],
            )
            practice.write(
                "surveys",
                None,
                {
                    "day": day,
                    "practice": same(practice.code, count),
                    "survey": same("made", count),
                    "question": same(question, count),
                    "answer": named(listed.code, answer),
                },
            )
