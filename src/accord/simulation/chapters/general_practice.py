"""General practice in a written record: consultations, conditions and registers, what is measured and prescribed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from accord.simulation.chapters.codes import codes
from accord.simulation.chapters.plans import write_plans
from accord.simulation.chapters.practice import (
    COMPLEX,
    CONSULTATION,
    CONSULTED,
    CONTINUITY,
    FRAIL,
    GLUCOSE,
    ON_REGISTER,
    PRESCRIBED,
    PRESSURES,
    RECORDED,
    REVIEWED,
    Practice,
    years_of,
)
from accord.simulation.chapters.writer import named, same
from accord.simulation.lives import NEVER
from accord.simulation.people import FRAILTY, MORBIDITY
from accord.simulation.population import value


def write_consultations(practice: Practice) -> None:
    """Every consultation, with whom and how."""
    lived = practice.lives
    seen = practice.of(CONSULTATION)
    who, day = lived.person[seen], lived.day[seen]
    draw, more = practice.chance.uniform(CONSULTED, seen), practice.chance.uniform(CONSULTED + 32, seen)
    usual = practice.chance.uniform(FRAIL + 32, np.arange(len(lived)))
    patients = practice.world.population.practices[practice.number].patients
    roles = ("gp", "nurse", "other")
    role = np.where(draw[:, 0] < value("seen_by_gp"), 0, np.where(draw[:, 0] > 1 - value("seen_by_other"), 2, 1))
    share = practice.share("usual_clinician", CONTINUITY, "usual_clinician_spread")
    names: list[str] = []
    clinician = np.zeros(len(seen), np.int64)
    for number, each in enumerate(("people_per_gp", "people_per_nurse", "people_per_nurse")):
        there = max(1, round(patients / value(each)))
        own, other = (usual[who, number] * there).astype(np.int64), (draw[:, 2] * there).astype(np.int64)
        here = role == number
        clinician[here] = len(names) + np.where(draw[:, 1] < share, own, other)[here]
        names += [f"{practice.code}-{'GNO'[number]}{i + 1}" for i in range(there)]
    at_home = np.where(practice.homes[who] <= day, 0.5, value("home_visit"))
    modes = ("face to face", "telephone", "online", "home visit")
    far = value("telephone")
    mode = np.where(draw[:, 3] < far, 1, np.where(draw[:, 3] < far + value("online"), 2, 0))
    mode = np.where(more[:, 0] < at_home, 3, mode)
    practice.write(
        "consultations",
        who,
        {
            "day": day,
            "practice": same(practice.code, len(seen)),
            "clinician": named(names, clinician),
            "role": named(roles, role),
            "mode": named(modes, mode),
            "minutes": np.maximum(1, np.round(value("minutes") * (0.5 + more[:, 1]))).astype(np.int64),
        },
    )


def on_registers(practice: Practice) -> dict[str, NDArray[np.int64]]:
    """For each register, the day on which each person came onto it, or ``NEVER``; a graver state may bring more."""
    lived = practice.lives
    who, day, state = practice.stages
    age, morbidity = lived.age(who, day), state // len(FRAILTY)
    everybody = np.arange(len(lived))
    found: dict[str, NDArray[np.int64]] = {}
    listed = codes()["register"]
    for number, name in enumerate(listed.detail):
        own, ago, _, _ = practice.chance.uniform(ON_REGISTER + number, everybody).T
        has = own[who] < practice.world.registers[number][age, morbidity]
        since = np.full(len(lived), NEVER)
        np.minimum.at(since, who[has], day[has])
        # what was there on arrival has been there for some years
        old = since == lived.arrived
        years = -np.log(ago) * 6 * 365
        earliest = np.minimum(lived.born + listed.from_age[number] * 366, lived.arrived)
        since = np.where(old, np.maximum(lived.arrived - years.astype(np.int64), earliest), since)
        found[name] = since
    return found


def write_conditions(practice: Practice) -> None:
    """Conditions of people on registers, frailty and complex needs; then what is measured, prescribed and planned."""
    lived, chance = practice.lives, practice.chance
    found = on_registers(practice)
    listed = codes()["register"]
    who, day, state = practice.stages
    frail = state % len(FRAILTY)
    needs = (state // len(FRAILTY) == len(MORBIDITY) - 1) & (frail >= FRAILTY.index("moderate"))
    complex_since = np.full(len(lived), NEVER)
    np.minimum.at(complex_since, who[needs], day[needs])
    draw = chance.uniform(COMPLEX, np.arange(len(lived)))
    known = lived.here & (complex_since == practice.world.days.begin)
    earlier = complex_since - (draw[:, 0] * 730).astype(np.int64)
    complex_since = np.where(known, np.maximum(earlier, lived.born), complex_since)
    persons = [np.flatnonzero(since < NEVER) for since in (*found.values(), complex_since)]
    names = (*listed.code, "COMPLEX-NEEDS")
    which = np.concatenate([np.full(len(those), number) for number, those in enumerate(persons)])
    practice.write(
        "conditions",
        np.concatenate(persons),
        {
            "since": np.concatenate(
                [since[those] for since, those in zip((*found.values(), complex_since), persons, strict=True)]
            ),
            "coding": named(("cluster", "local"), (which == len(listed.code)).astype(np.int64)),
            "code": named(names, which),
            "practice": same(practice.code, len(which)),
        },
    )
    write_observations(practice, found)
    write_prescriptions(practice, found)
    write_plans(practice, complex_since)


def write_observations(practice: Practice, found: Mapping[str, NDArray[np.int64]]) -> None:
    """What is measured and reviewed in a year, of people on registers and others."""
    lived, chance = practice.lives, practice.chance
    persons: list[NDArray[np.int64]] = []
    on: list[NDArray[np.int64]] = []
    codings: list[str] = []
    values: list[NDArray[np.float64]] = []
    units: list[str | None] = []

    def add(who: NDArray[np.int64], day: NDArray[np.int64], code: str, amount: Any = None, unit: str | None = None):
        persons.append(who)
        on.append(day)
        codings.append(code)
        values.append(np.full(len(who), np.nan) if amount is None else amount)
        units.append(unit)

    # frailty, on arrival and whenever it gets worse
    who, day, state = practice.stages
    draw = chance.uniform(FRAIL, np.arange(len(lived)))
    frail = state % len(FRAILTY)
    first = np.arange(len(who)) < len(lived)
    earlier = np.maximum(day - (draw[who, 0] * 365).astype(np.int64), lived.since[who])
    when = np.where(first & lived.here[who], earlier, day)
    for level, code in ((1, "MILDFRAIL_COD"), (2, "MODFRAIL_COD"), (3, "SEVFRAIL_COD")):
        these = np.flatnonzero((frail == level) & (day < lived.last[who]))
        add(who[these], when[these], code)
    share = practice.share("recorded", RECORDED, "recorded_spread")
    pressed = np.minimum.reduce([found[name] for name in ("hyp", "chd", "dm", "stia", "ckd")])
    everybody = np.arange(len(lived))
    own = chance.uniform(PRESSURES, everybody)
    for year, begin, length in years_of(practice):
        numbers = everybody + (year + 1) * (1 << 32)

        def within(
            since: NDArray[np.int64],
            draws: NDArray[np.float64],
            begin: NDArray[np.int64] = begin,
            length: NDArray[np.int64] = length,
        ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            """Who is on a register this year, and a day of theirs on it, within the year."""
            start = np.maximum(begin, since)
            left = begin + length - start
            these = np.flatnonzero((left > 0) & (length > 0))
            return these, start[these] + (draws[these] * left[these]).astype(np.int64)

        draw, more = chance.uniform(PRESSURES, numbers), chance.uniform(GLUCOSE, numbers)
        these, day = within(pressed, draw[:, 1])
        kept = draw[these, 0] < share
        these, day = these[kept], day[kept]
        for code, name, at in (("SYSBP_COD", "systolic", 2), ("DIASBP_COD", "diastolic", 3)):
            score = 0.7 * _normal(own[these, at]) + 0.714 * _normal(draw[these, at])
            add(these, day, code, np.round(value(name) + value(f"{name}_spread") * score), "mmHg")
        these, day = within(found["dm"], more[:, 1])
        kept = more[these, 0] < share
        score = 0.7 * _normal(own[these, 0]) + 0.714 * _normal(more[these, 2])
        amount = np.maximum(20, np.round(value("hba1c") + value("hba1c_spread") * score))
        add(these[kept], day[kept], "IFCCHBAM_COD", amount[kept], "mmol/mol")
        for use, chosen in (("review", share), ("declined", value("declined"))):
            listed = codes()[use]
            for number, (code, register) in enumerate(zip(listed.code, listed.detail, strict=True)):
                draw = chance.uniform(REVIEWED + 256 * (number + 1) + (4096 if use == "declined" else 0), numbers)
                these, day = within(found[register], draw[:, 1])
                kept = draw[these, 0] < chosen
                add(these[kept], day[kept], code)
    counts = np.array([len(each) for each in persons])
    amounts = np.concatenate(values)
    practice.write(
        "observations",
        np.concatenate(persons),
        {
            "day": np.concatenate(on),
            "coding": same("cluster", int(counts.sum())),
            "code": named(codings, np.repeat(np.arange(len(codings)), counts)),
            "value": pa.array(amounts, mask=np.isnan(amounts)).cast(pa.decimal128(18, 4)),
            "unit": named(units, np.repeat(np.arange(len(units)), counts)),
            "practice": same(practice.code, int(counts.sum())),
        },
    )


def _normal(uniform: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy import special

    return special.ndtri(uniform)


def write_prescriptions(practice: Practice, found: Mapping[str, NDArray[np.int64]]) -> None:
    """Medicines of people on registers."""
    lived, days = practice.lives, practice.world.days
    listed, every = codes()["medicine"], int(value("prescribed_every"))
    who_all: list[NDArray[np.int64]] = []
    day_all: list[NDArray[np.int64]] = []
    counts: list[int] = []
    draw = practice.chance.uniform(PRESCRIBED, np.arange(len(lived)))
    for register in listed.detail:
        start = np.maximum(np.maximum(found[register], lived.since), days.begin)
        start = start + (draw[:, 0] * every).astype(np.int64)
        last = np.minimum(lived.last, days.end)
        times = np.where(found[register] < NEVER, np.maximum(0, -(-(last - start) // every)), 0)
        who = np.repeat(np.arange(len(lived)), times)
        rank = np.arange(len(who)) - np.repeat(np.cumsum(times) - times, times)
        who_all.append(who)
        day_all.append(start[who] + rank * every)
        counts.append(len(who))
    practice.write(
        "prescriptions",
        np.concatenate(who_all),
        {
            "day": np.concatenate(day_all),
            "practice": same(practice.code, sum(counts)),
            "coding": same("bnf", sum(counts)),
            "code": named(listed.code, np.repeat(np.arange(len(counts)), counts)),
        },
    )
