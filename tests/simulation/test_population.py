"""A made place: as many people as asked for, England's ages and deprivation, the same every time, and no nonsense."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from accord.language.problem import DataRefused
from accord.settlement.calls import Misused
from accord.simulation.calls import make_place
from accord.simulation.model import model
from accord.simulation.people import AGES, CELLS, DEAD, FIFTHS, STATES
from accord.simulation.population import Population, figures, populate, value


def ages(place: Population) -> np.ndarray:
    return place.people.months[place.people.months >= 0] // 12


@pytest.mark.parametrize(
    ("size", "practices", "networks", "neighbourhoods", "boards"),
    [(5_000, 1, 1, 1, 1), (50_000, 5, 1, 1, 1), (200_000, 19, 4, 4, 1), (4_000_000, 387, 89, 79, 2)],
)
def test_a_place_has_the_structure_of_its_size(
    size: int, practices: int, networks: int, neighbourhoods: int, boards: int
):
    place = populate(size, 3)
    kinds = [one.kind for one in place.organisations]
    assert place.patients == size == len(ages(place))
    assert kinds.count("practice") == len(place.practices) == practices
    assert kinds.count("board") == boards
    assert abs(kinds.count("network") - networks) <= networks * 0.1
    assert abs(kinds.count("neighbourhood") - neighbourhoods) <= neighbourhoods * 0.1
    known = {one.code for one in place.organisations}
    assert all(one.within is None or one.within in known for one in place.organisations)
    assert {area.council for area in place.areas} <= known
    assert len(known) == len(place.organisations)
    assert all(practice.patients > 0 for practice in place.practices)


def test_ages_sexes_and_deprivation_are_englands():
    place = populate(300_000, 1)
    england = model().people[2026]
    here = np.zeros((CELLS, AGES))
    np.add.at(here, (place.people.cell[place.people.months >= 0], np.minimum(ages(place), AGES - 1)), 1)
    fifths = here.reshape(2, FIFTHS, AGES).sum(axis=(0, 2)) / place.patients
    assert fifths == pytest.approx(0.2, abs=0.01)
    for first, last in ((0, 17), (18, 64), (65, 84), (85, 100)):
        share = here[:, first : last + 1].sum() / here.sum()
        assert share == pytest.approx(england[:, first : last + 1].sum() / england.sum(), rel=0.06)
    assert here[:5].sum() / here.sum() == pytest.approx(england[:5].sum() / england.sum(), abs=0.005)


def test_practices_differ_as_practices_do():
    """The spread of the share of people of 65 and over, and of lists, is near that of England's practices."""
    place = populate(3_000_000, 1)
    people, old = place.people, []
    for first, last in zip(people.offsets[:-1], people.offsets[1:], strict=True):
        there = people.months[first:last]
        old.append((there >= 65 * 12).sum() / (there >= 0).sum())
    sizes = np.array([practice.patients for practice in place.practices])
    assert np.std(old) == pytest.approx(0.0757, abs=0.015)
    assert np.std(np.log(sizes)) == pytest.approx(0.598, abs=0.1)
    poor = np.array([practice.deprivation for practice in place.practices])
    worst = np.array(
        [
            (people.cell[first:last] % FIFTHS == 0).mean()
            for first, last in zip(people.offsets[:-1], people.offsets[1:], strict=True)
        ]
    )
    assert np.corrcoef(poor, worst)[0, 1] < -0.8


def test_births_come_month_by_month():
    place = populate(100_000, 1, 3)
    coming = -place.people.months[place.people.months < 0].astype(int)
    assert coming.min() >= 1 and coming.max() <= 35
    women = ((place.people.cell < FIFTHS) & (place.people.months >= 15 * 12) & (place.people.months < 45 * 12)).sum()
    rate = model().value("births_per_woman")
    assert len(coming) == pytest.approx(women * rate * 35 / 12, rel=0.01)
    assert (place.people.state < STATES).all() and DEAD not in place.people.state


def test_the_seed_and_nothing_else_decides():
    one, again, other = populate(20_000, 1, 2), populate(20_000, 1, 2), populate(20_000, 2, 2)
    for name in ("offsets", "months", "cell", "state", "burden"):
        assert (getattr(one.people, name) == getattr(again.people, name)).all()
    assert one.practices == again.practices
    assert one.practices != other.practices


def test_more_years_add_births_and_change_nobody():
    short, long = populate(20_000, 1, 1), populate(20_000, 1, 4)
    for practice in range(len(short.practices)):
        a, b = int(short.people.offsets[practice]), int(short.people.offsets[practice + 1])
        c = int(long.people.offsets[practice])
        for name in ("months", "cell", "state", "burden"):
            assert (getattr(short.people, name)[a:b] == getattr(long.people, name)[c : c + b - a]).all()


NONSENSE = {
    "a negative size": ({"size": -5}, "size: -5 is no number of people"),
    "nobody": ({"size": 0}, "size: 0 is no number of people"),
    "a handful": ({"size": 12}, "size: 12 is too few for a place"),
    "more than there are": ({"size": 10**9}, "more than there are in the United Kingdom"),
    "no size": ({}, "how many people the place has is missing"),
    "no seed": ({"size": 5_000, "seed": -1}, "--seed: -1 is no seed"),
    "no years": ({"size": 5_000, "years": 0}, "--years: 0 years cannot be made"),
    "the middle of a month": ({"size": 5_000, "start": dt.date(2025, 4, 6)}, "is not the first of a month"),
    "several at once": ({"size": -1, "years": 99}, "99 years cannot be made"),
}


@pytest.mark.parametrize("what", NONSENSE)
def test_nonsense_is_refused(what: str):
    given, said = NONSENSE[what]
    with pytest.raises(Misused) as refused:
        populate(**given)
    assert said in str(refused.value)


def test_every_share_is_a_share_and_says_where_it_comes_from():
    for name, one in figures().items():
        assert one.authority, name
        assert one.value > 0, name
        if name.startswith("register_") and not name.startswith("register_morbidity"):
            assert one.value < 1, name


# -- published lists ---------------------------------------------------------------------------------------------------

LISTS = """ORG_CODE,SEX,AGE_GROUP_5,NUMBER_OF_PATIENTS
A1,FEMALE,0_4,100
A1,FEMALE,65_69,400
A1,MALE,30_34,500
A2,FEMALE,95+,3
A2,MALE,10_14,997
A3,MALE,ALL,5
A3,MALE,20_24,50
"""
MAP = """PRACTICE_CODE,PRACTICE_NAME,PCN_CODE,PCN_NAME,ICB_CODE,ICB_NAME
A1,One,N1,North,B1,Board
A2,Two,N1,North,B1,Board
A3,Three,U,UNALLOCATED,B2,Other
"""
IMD = "PRACTICE_CODE,IMD_SCORE\nA1,60\nA2,5\n"


def lists(folder: Path, **files: str) -> Path:
    """A folder of lists, some of them changed."""
    given = {"practice_age_sex": LISTS, "practice_map": MAP, "practice_imd": IMD} | files
    for name, text in given.items():
        if text:
            (folder / f"{name}_2026.csv").write_text(text, "utf-8")
    return folder


def test_people_are_those_of_the_lists(tmp_path: Path):
    place = populate(None, 1, lists=lists(tmp_path))
    assert [(one.code, one.network, one.board, one.patients) for one in place.practices] == [
        ("A1", "N1", "B1", 1000),
        ("A2", "N1", "B1", 1000),
        ("A3", "NONE-B2", "B2", 50),
    ]
    first = place.people.months[: place.practices[0].patients] // 12
    sex = place.people.cell[: place.practices[0].patients] // FIFTHS
    assert ((first[sex == 0] < 5).sum(), (first[sex == 0] >= 65).sum(), (sex == 1).sum()) == (100, 400, 500)
    assert place.practices[0].deprivation < place.practices[1].deprivation


def test_a_part_of_the_lists_is_whole_networks(tmp_path: Path):
    place = populate(2_000, 1, lists=lists(tmp_path))
    assert {one.network for one in place.practices} in ({"N1"}, {"N1", "NONE-B2"})
    with pytest.raises(Misused, match="the lists have 2,050 people, not 9,999"):
        populate(9_999, 1, lists=tmp_path)


def test_names_run_in_no_spreadsheet(tmp_path: Path):
    """What published lists call a practice or a network may be a formula; a made place's tables have it as text."""
    names = MAP.replace("One", '"=HYPERLINK(""http://x"")"').replace("North", "@North")
    made = make_place(tmp_path / "made", None, 1, years=1, lists=lists(tmp_path, practice_map=names))
    practices = (made.folder / "structure/practices.csv").read_text("utf-8")
    assert "A1,\"'=HYPERLINK(" in practices
    organisations = (made.folder / "structure/organisations.csv").read_text("utf-8")
    assert "'@North" in organisations and ",@North" not in organisations
    assert made.population.practices[0].name.startswith("=")


WRONG: Mapping[str, tuple[Mapping[str, str], str]] = {
    "a practice with no patients": ({"practice_map": MAP + "A4,Four,N1,North,B1,Board\n"}, "A4 has no patients"),
    "a negative number": (
        {"practice_age_sex": LISTS + "A1,MALE,0_4,-3\n"},
        "_2026.csv:9:1: -3 is no number of patients",
    ),
    "an unknown age": ({"practice_age_sex": LISTS + "A1,MALE,0_9,3\n"}, "MALE, 0_9 is no sex and age group"),
    "an unknown practice": ({"practice_age_sex": LISTS + "Z9,MALE,0_4,3\n"}, "practice Z9 is not in practice_map"),
    "a column that is missing": ({"practice_map": MAP.replace("ICB_CODE", "BOARD")}, "there is no column ICB_CODE"),
    "a score that is none": ({"practice_imd": IMD + "A3,poor\n"}, "poor is no deprivation score"),
    "a file that is missing": ({"practice_map": ""}, "there is no file practice_map*.csv"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_lists_are_refused_with_their_place(what: str, tmp_path: Path):
    files, said = WRONG[what]
    with pytest.raises(DataRefused) as refused:
        populate(None, 1, lists=lists(tmp_path, **files))
    assert said in str(refused.value)


@pytest.mark.long
def test_england_fits(real_data):  # type: ignore[no-untyped-def]
    place = populate(None, 1, 5, lists=real_data("registered"))
    assert place.patients == 63_436_508
    assert len(place.practices) == 6_139
    assert value("board_people") > 0
