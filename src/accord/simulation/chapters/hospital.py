"""Hospital in a written record: stays, attendances and outpatients; and contacts of community and mental health."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from accord.simulation.chapters.codes import codes
from accord.simulation.chapters.practice import (
    ADMITTED,
    COMMUNITIES,
    COMMUNITY,
    DISCHARGED,
    ENTERED,
    MENTAL_HEALTH,
    MINDS,
    OUTPATIENT,
    OUTPATIENTS,
    REFERRED,
    SEEN,
    VISITED,
    Practice,
)
from accord.simulation.chapters.social_care import write_reablement
from accord.simulation.chapters.writer import named, same
from accord.simulation.events import ATTENDANCE, ELECTIVE, EMERGENCY
from accord.simulation.lives import NEVER
from accord.simulation.population import value


def _matched(practice: Practice) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Attendances that led to an admission, and those admissions: the first of each in a person's month, and so on."""
    happened = practice.happened

    def ranked(which: NDArray[np.int64]) -> NDArray[np.int64]:
        """A key of person, month and rank within it."""
        key = happened.person[which] * 4096 + happened.month[which]
        order = np.argsort(key, kind="stable")
        rank = np.empty(len(key), np.int64)
        begins = np.concatenate([[True], np.diff(key[order]) != 0]) if len(key) else np.zeros(0, bool)
        starts = np.maximum.accumulate(np.where(begins, np.arange(len(key)), 0))
        rank[order] = np.arange(len(key)) - starts
        return key * 64 + np.minimum(rank, 63)

    attended, admitted = practice.of(ATTENDANCE), practice.of(EMERGENCY)
    _, first, second = np.intersect1d(ranked(attended), ranked(admitted), return_indices=True)
    return attended[first], admitted[second]


def write_hospital(practice: Practice) -> None:
    """Attendances at emergency departments, and stays with their episodes; then reablement after them."""
    happened, lived, chance = practice.happened, practice.lives, practice.chance
    provider = practice.world.population.practices[practice.number].hospital
    visits, led_to = _matched(practice)
    # attendances
    attended = practice.of(ATTENDANCE)
    day = lived.day.copy()
    day[visits] = lived.day[led_to]
    admitted = np.zeros(len(happened), bool)
    admitted[visits] = True
    led = admitted[attended]
    draw, more = chance.uniform(VISITED, attended), chance.uniform(SEEN, attended)
    listed = codes()["disposal"]
    disposal = np.where(led, len(listed.code), listed.drawn(np.zeros(len(attended), np.int64), draw[:, 3]))
    practice.write(
        "attendances",
        lived.person[attended],
        {
            "day": day[attended],
            "provider": same(provider, len(attended)),
            "department": named(("1", "3"), np.where(led | (draw[:, 0] < value("major_department")), 0, 1)),
            "visit": same("first", len(attended)),
            "arrival": named(
                ("ambulance", "other"), np.where(draw[:, 1] < np.where(led, 0.6, 0.8) * value("ambulance") * 1.4, 0, 1)
            ),
            "investigated": led | (draw[:, 2] < value("investigated")),
            "treated": led | (more[:, 0] < value("treated")),
            "disposal": named((*listed.code, "admitted"), disposal),
        },
    )
    # stays
    stays = np.flatnonzero((happened.kind == EMERGENCY) | (happened.kind == ELECTIVE))
    who = lived.person[stays]
    since, until = lived.day[stays], lived.until_day[stays]
    ages = lived.age(who, since)
    draw, entry, leaving = (chance.uniform(purpose, stays) for purpose in (ADMITTED, ENTERED, DISCHARGED))
    urgent = happened.kind[stays] == EMERGENCY
    chronic = happened.chronic[stays]
    texts: list[str] = []
    code = np.zeros(len(stays), np.int64)
    for use, which in (("chronic", urgent & chronic), ("emergency", urgent & ~chronic), ("elective", ~urgent)):
        one = codes()[use]
        code[which] = len(texts) + one.drawn(ages[which], draw[which, 0])
        second = one.detail if use == "emergency" else ("",) * len(one.code)
        texts += [f"{first} {then}".strip() for first, then in zip(one.code, second, strict=True)]
    elective = codes()["elective"]
    first_elective = len(codes()["chronic"].code) + len(codes()["emergency"].code)
    operations = np.where(urgent, len(elective.code), code - first_elective)
    method, special = codes()["method"], codes()["specialty"]
    via = np.isin(stays, led_to)
    by = np.where(via, len(method.code), method.drawn(np.zeros(len(stays), np.int64), entry[:, 0]))
    by = np.where(urgent, by, len(method.code) + 1)
    specialty = special.drawn(ages, entry[:, 1])
    of_elective = tuple(detail.split()[1] for detail in elective.detail)
    specialties = (*special.code, *of_elective)
    specialty = np.where(urgent, specialty, len(special.code) + np.minimum(operations, len(elective.code) - 1))
    resident = practice.homes[who] <= since
    died = lived.died_in[stays]
    length = until - since
    late = (length >= 2) & urgent & ~died & (leaving[:, 0] < value("delayed"))
    waited = 1 + (-np.log(leaving[:, 1]) * (value("delayed_days") - 1)).astype(np.int64)
    ready = np.where(late, until - np.minimum(waited, length - 1), until)
    practice.write(
        "episodes",
        who,
        {
            "spell": (practice.number + 1) * 10**9 + stays,
            "episode": np.ones(len(stays), np.int64),
            "since": since,
            "until": until,
            "admitted": since,
            "discharged": until,
            "provider": same(provider, len(stays)),
            "admission_method": named((*method.code, "21", "11"), by),
            "admission_source": named(("19", "85"), resident.astype(np.int64)),
            "patient_class": named(("1", "2"), (~urgent & (length == 0)).astype(np.int64)),
            "episode_type": same("1", len(stays)),
            "discharge_method": named(("1", "4"), died.astype(np.int64)),
            "discharge_destination": named(("19", "85", "79"), np.where(died, 2, resident.astype(np.int64))),
            "ready": np.where(died, NEVER, ready),
            "main_specialty": named(specialties, specialty),
            "treatment_function": named(specialties, specialty),
            "diagnoses": named(texts, code),
            "procedures": named((*(detail.split()[0] for detail in elective.detail), None), operations),
            "cost": happened.cost[stays],
        },
    )
    write_reablement(practice, stays[urgent & ~died])


def write_outpatients(practice: Practice) -> None:
    """Outpatient attendances, with the referrals and requests for advice before them."""
    lived = practice.lives
    seen = practice.of(OUTPATIENT)
    who, day = lived.person[seen], lived.day[seen]
    draw, asked = practice.chance.uniform(OUTPATIENTS, seen), practice.chance.uniform(REFERRED, seen)
    listed = codes()["outpatient"]
    specialty = listed.drawn(lived.age(who, day), draw[:, 0])
    first = draw[:, 1] < value("first_outpatient")
    by_practice = first & (draw[:, 2] < value("referred_by_practice"))
    practice.write(
        "outpatients",
        who,
        {
            "day": day,
            "provider": same(practice.world.population.practices[practice.number].hospital, len(seen)),
            "specialty": named(listed.code, specialty),
            "attended": same("attended", len(seen)),
            "first": first,
            "referred_by": named((None, "03"), by_practice.astype(np.int64)),
        },
    )
    # referrals, and advice asked, some weeks before; by the practice where the person then was registered
    mean = value("wait_weeks") * 7
    wait = (-np.log(asked[:, 0]) * mean).astype(np.int64)
    urgent = asked[:, 1] < value("two_week_wait")
    referred = day - np.where(urgent, np.minimum(wait, 14), wait)
    known = by_practice & (referred >= lived.since[who])
    advised = known & (asked[:, 2] < value("advice_per_referral"))
    rows = np.concatenate([np.flatnonzero(known), np.flatnonzero(advised)])
    kinds = np.concatenate([np.zeros(int(known.sum()), np.int64), np.ones(int(advised.sum()), np.int64)])
    before = np.maximum(referred - 7, lived.since[who])
    practice.write(
        "referrals",
        who[rows],
        {
            "day": np.where(kinds == 1, before[rows], referred[rows]),
            "practice": same(practice.code, len(rows)),
            "kind": named(("referral", "advice"), kinds),
            "specialty": named(listed.code, specialty[rows]),
            "priority": named(("routine", "two week wait"), (urgent[rows] & (kinds == 0)).astype(np.int64)),
            "outcome": named(("accepted", "converted"), kinds),
        },
    )


def write_contacts(practice: Practice) -> None:
    """Contacts of community and mental health services."""
    lived = practice.lives
    belongs = practice.world.population.practices[practice.number]
    for name, kind, purpose, provider in (
        ("community", COMMUNITY, COMMUNITIES, belongs.community),
        ("mental_health", MENTAL_HEALTH, MINDS, belongs.mental_health),
    ):
        met = practice.of(kind)
        who, day = lived.person[met], lived.day[met]
        draw = practice.chance.uniform(purpose, met)
        listed = codes()[name]
        practice.write(
            f"{name}_contacts",
            who,
            {
                "day": day,
                "provider": same(provider, len(met)),
                "service": named(listed.code, listed.drawn(lived.age(who, day), draw[:, 0])),
                "attended": same("attended", len(met)),
                "minutes": 15 + (draw[:, 1] * 45).astype(np.int64),
            },
        )
