"""People of a written record: who they are, where they are registered and live, and how they die."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from accord.simulation.chapters.codes import codes
from accord.simulation.chapters.practice import DEATHS, PLACES, Practice
from accord.simulation.chapters.writer import Made, named, same
from accord.simulation.lives import NEVER
from accord.simulation.people import SEXES
from accord.simulation.population import value


def write_people(practice: Practice) -> None:
    """People, where they are registered and where they live."""
    lived, world = practice.lives, practice.world
    everybody = np.arange(len(lived))
    practice.write("people", everybody, {"born": lived.born, "sex": named(SEXES, lived.sex)})
    registered: Made = {
        "practice": same(practice.code, len(lived)),
        "since": lived.since,
        "until": lived.until,
    }
    practice.write("registrations", everybody, registered)
    # areas
    network = world.population.practices[practice.number].network
    draw = practice.chance.uniform(PLACES, everybody)
    names: list[str] = []
    place = np.zeros(len(lived), np.int64)
    for fifth in range(1, 6):
        for away in (False, True):
            there = world.elsewhere.get(network) if away else network
            listed = world.areas.get((there, fifth)) if there else None
            share = draw[:, 1] < value("lives_elsewhere")
            who = (lived.fifth == fifth) & (share == away)
            if listed is None:
                listed = world.areas[network, fifth]
            place[who] = len(names) + (draw[who, 0] * len(listed)).astype(np.int64)
            names += listed
    area = named(names, place)
    home = np.flatnonzero(practice.homes > lived.since)
    moved_in = np.flatnonzero(practice.homes < lived.last)
    kinds = (draw[:, 2] < value("care_home_nursing")).astype(np.int64)
    practice.write(
        "residences",
        np.concatenate([home, moved_in]),
        {
            "area": pa.concat_arrays([area.take(pa.array(home)), area.take(pa.array(moved_in))]),
            "kind": pa.concat_arrays(
                [same("home", len(home)), named(("residential home", "nursing home"), kinds[moved_in])]
            ),
            "since": np.concatenate([lived.since[home], practice.homes[moved_in]]),
            "until": np.concatenate([np.minimum(practice.homes, lived.until)[home], lived.until[moved_in]]),
        },
    )
    # places that the council arranges
    arranged = moved_in[draw[moved_in, 3] < value("care_home_council")]
    practice.write(
        "social_care",
        arranged,
        {
            "since": practice.homes[arranged],
            "until": np.where(lived.last[arranged] < NEVER, lived.last[arranged], NEVER),
            "council": same(world.population.practices[practice.number].council, len(arranged)),
            "kind": named(("residential", "nursing"), kinds[arranged]),
            "permanent": np.ones(len(arranged), bool),
            "after_hospital": np.zeros(len(arranged), bool),
        },
    )


def write_deaths(practice: Practice) -> None:
    """Deaths, with where and of what."""
    lived = practice.lives
    dead = np.flatnonzero(lived.died < NEVER)
    in_hospital = np.zeros(len(lived), bool)
    in_hospital[lived.person[lived.died_in]] = True
    listed = codes()["death_place"]
    draw = practice.chance.uniform(DEATHS, dead)
    which = listed.drawn(np.zeros(len(dead), np.int64), draw[:, 0])
    names = (*listed.code, "hospital")
    at_home, in_home = listed.code.index("home"), listed.code.index("care home")
    resident = practice.homes[dead] <= lived.died[dead]
    which = np.where(resident & (which == at_home), in_home, which)
    which = np.where(~resident & (which == in_home), at_home, which)
    which = np.where(in_hospital[dead], len(listed.code), which)
    practice.write("deaths", dead, {"day": lived.died[dead], "place": named(names, which)})
