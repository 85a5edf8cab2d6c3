"""Behaviour: answers to money as data. What is written here reads as a table of who answers to what, and when."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("numba")

from accord.language.problem import DataRefused
from accord.library import BEHAVIOURS
from accord.simulation.behaviour import Behaviour, Stakes, library, read_behaviour, respond
from accord.simulation.model import STREAMS

NOTHING = Stakes((0.0,) * 3, (0.0,) * 3, frozenset())


def stakes(hospital: float = 0.0, indicators: float = 0.0, *streams: str) -> Stakes:
    return Stakes((hospital,) * 3, (indicators,) * 3, frozenset(streams))


def answered(*names: str, now: Stakes, before: Stakes = NOTHING, years: int = 3, **deviates: float):
    behaviours = [library()[name] for name in names]
    return respond(
        behaviours,
        now,
        before,
        years,
        chronic_share=0.08,
        deviates={k.replace("_", "-"): v for k, v in deviates.items()},
    )


def moved(response, stream: str) -> list[float]:
    """Per cent by which a stream is moved in each year."""
    return [round(100 * (x - 1), 3) for x in response.change[:, 2 + STREAMS.index(stream)]]


def test_every_behaviour_of_the_library_has_a_source_for_every_size():
    assert len(library()) >= 12
    for one in library().values():
        assert one.title and one.why, one.name
        for effect in one.effects:
            assert effect.authority and effect.low <= effect.size <= effect.high, one.name


@pytest.mark.parametrize("name", sorted(library()))
def test_nothing_at_stake_and_nothing_happens(name: str):
    assert answered(name, now=NOTHING).silent


@pytest.mark.parametrize("name", sorted(library()))
def test_what_was_at_stake_before_already_moves_nothing(name: str):
    same = stakes(0.4, 0.7, "rewards", "shared savings", "participation")
    assert answered(name, now=same, before=same).silent


def test_refer_or_treat_is_in_proportion_to_what_is_kept_of_a_pound():
    assert moved(answered("refer-or-treat", now=stakes(hospital=1)), "elective") == [-4.3] * 3
    assert moved(answered("refer-or-treat", now=stakes(hospital=0.5)), "elective") == [-2.15] * 3
    assert moved(answered("refer-or-treat", now=stakes(hospital=1)), "emergency") == [0] * 3


def test_a_size_lies_at_the_end_of_its_interval_at_1_96_deviations():
    at_stake = stakes(hospital=1)
    assert moved(answered("refer-or-treat", now=at_stake, refer_or_treat=-1.959964), "elective")[0] == -5.1
    assert moved(answered("refer-or-treat", now=at_stake, refer_or_treat=1.959964), "elective")[0] == -3.5


def test_effort_has_diminishing_returns():
    one, two, four = (answered("effort-on-rewarded-work", now=stakes(0, x)).moved[0] for x in (1, 2, 4))
    assert 0 < one < two < four < 6
    assert two - one < one
    assert four - two < 2 * (two - one)


def test_taking_a_reward_away_acts_harder_than_giving_it():
    given = answered("effort-on-rewarded-work", now=stakes(0, 1)).moved[0]
    taken = answered("effort-on-rewarded-work", now=NOTHING, before=stakes(0, 1)).moved[0]
    assert taken == pytest.approx(-2 * given)


def test_health_comes_late():
    """A seventh of it in the first year, all of it in the seventh (Harrison 2014 has a third in the first)."""
    one = library()["health-of-rewarded-care"]
    course = one.course([1.0] * 9)
    assert course[:2] == [pytest.approx(1 / 7), pytest.approx(2 / 7)]
    assert course[6:] == [1, 1, 1]


def test_what_begins_later_is_not_seen_before():
    one = library()["integration-late"]
    assert one.course([1.0] * 5)[:2] == [0, 0]
    assert one.course([1.0] * 5)[2] > 0


def test_what_has_no_cause_any_more_fades_by_half_in_its_half_life():
    one = library()["refer-or-treat"]
    assert one.course([1, 1, 0, 0]) == [1, 1, 0.5, 0.25]


def test_chronic_admissions_are_part_of_the_emergencies():
    out = answered("health-of-rewarded-care", now=stakes(0, 50), years=3)
    share, emergency = out.change[:, 1], out.change[:, 2]
    chronic = share * emergency
    fall = 1 - chronic
    assert fall[0] > 0
    assert 1 - emergency == pytest.approx(0.08 * fall)


def test_coding_has_a_cap():
    out = answered("coding-drift", now=stakes(hospital=1), coding_drift=1.959964)
    assert out.expected.max() == pytest.approx(1.03)


def test_freed_beds_are_filled_only_where_beds_came_free():
    fewer = answered("integration-late", "backfill", now=stakes(0, 0, "shared savings"))
    assert moved(fewer, "emergency")[2] < 0 < moved(fewer, "elective")[2]
    assert moved(fewer, "elective")[:2] == [0, 0]
    assert moved(answered("backfill", now=stakes(hospital=1)), "elective") == [0, 0, 0]


@pytest.mark.parametrize(
    ("name", "now", "up", "down"),
    [
        ("refer-or-treat", stakes(hospital=0.5), ("consultations",), ("elective", "outpatient")),
        ("make-or-buy", stakes(hospital=0.5), ("community",), ("outpatient",)),
        ("case-finding", stakes(indicators=1.0), ("consultations",), ()),
        ("case-management-early", stakes(0, 0, "rewards"), ("emergency",), ()),
        ("integration-late", stakes(0, 0, "shared savings"), (), ("emergency",)),
        ("supply-induced", stakes(0, 0, "participation"), ("community", "attendances"), ()),
        ("crowding-out", stakes(indicators=1.0), ("outpatient",), ()),
    ],
)
def test_which_way_each_goes(name: str, now: Stakes, up: tuple[str, ...], down: tuple[str, ...]):
    longer, nothing = Stakes(now.hospital * 2, now.indicators * 2, now.streams), Stakes(
        (0.0,) * 6, (0.0,) * 6, frozenset())  # fmt: skip
    last = respond([library()[name]], longer, nothing, 6, chronic_share=0.08).change[-1]
    for number, stream in enumerate(STREAMS):
        factor = last[2 + number]
        assert (factor > 1) == (stream in up) and (factor < 1) == (stream in down), stream


@pytest.mark.parametrize(
    ("name", "what", "way"),
    [
        ("effort-on-rewarded-work", "moved", 1),
        ("adjustments", "taken_out", 1),
        ("case-finding", "found", 1),
        ("coding-drift", "expected", 1),
        ("baseline-inflation", "expected", 1),
    ],
)
def test_what_is_reckoned_with(name: str, what: str, way: int):
    still, now = (getattr(answered(name, now=one), what) for one in (NOTHING, stakes(0.5, 1.0)))
    assert ((now[-1] - still[-1]) * way) > 0


# -- who provides ------------------------------------------------------------------------------------------------------


def test_providers_share_what_there_is_and_today_is_today():
    choice = library()["make-or-buy"].chooses
    assert choice is not None
    assert choice.shares(0) == (0.82, 0.09, 0.06, 0.03)
    for borne in (0.1, 0.5, 1.0):
        assert sum(choice.shares(borne)) == pytest.approx(1)


def test_the_cheaper_wins_the_more_of_the_price_is_borne_and_patients_have_a_choice():
    choice = library()["make-or-buy"].chooses
    assert choice is not None
    local, other, independent, clinic = zip(*(choice.shares(borne) for borne in (0, 0.3, 0.6, 1.0)), strict=True)
    assert local == tuple(sorted(local, reverse=True)) and clinic == tuple(sorted(clinic))
    assert independent[-1] > independent[0]
    assert local[-1] > 0.4 * local[0]  # those who choose for themselves stay
    assert other[1] / local[1] == pytest.approx(other[0] / local[0])  # the same price, the same choice


def test_what_is_not_bought_is_made():
    """Every attendance that the hospital does not give is a contact in the neighbourhood."""
    numbers = {"outpatient": 350_000.0, "community": 330_000.0}
    change = respond(
        [library()["make-or-buy"]], stakes(hospital=0.5), NOTHING, 3, chronic_share=0.08, numbers=numbers
    ).change
    less = (1 - change[:, 2 + STREAMS.index("outpatient")]) * numbers["outpatient"]
    more = (change[:, 2 + STREAMS.index("community")] - 1) * numbers["community"]
    assert (less > 0).all()
    assert more == pytest.approx(less)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("share: 82", "share: 92"), "shares are 110 % together"),
        (("low: 0, high: 0.012", "low: 0.1, high: 0.012"), "is no interval of weights"),
        (("as: community", "as: outpatient"), ""),
        (("value: 40", "value: 140"), "140 % of patients"),
        (("{stake: hospital}", "{expects: loss}"), "a choice answers to a stake"),
        (("another hospital", "the local hospital"), "the local hospital stands here twice"),
    ],
)
def test_a_choice_that_cannot_be(tmp_path: Path, wrong: tuple[str, str], message: str):
    text = (BEHAVIOURS / "make-or-buy.yaml").read_text(encoding="utf-8")
    assert wrong[0] in text
    file = tmp_path / "make-or-buy.yaml"
    file.write_text(text.replace(*wrong), encoding="utf-8")
    if not message:
        read_behaviour(file)
        return
    with pytest.raises(DataRefused, match=message) as caught:
        read_behaviour(file)
    assert all(problem.place.line > 0 for problem in caught.value.problems)


def test_who_expects_a_loss_stays_away_from_what_is_new():
    now = Stakes((0.0,) * 3, (0.0,) * 3, frozenset(), {"gain": (120.0, -3.0, 0.0), "old": (-1.0, 1.0, 1.0)})
    before = Stakes((0.0,) * 3, (0.0,) * 3, frozenset(), {"old": (-1.0, 1.0, 1.0)})
    out = answered("selection", now=now, before=before)
    assert {name: mask.tolist() for name, mask in out.takes_part.items()} == {"gain": [True, False, True]}


def test_adjustments_only_shrink_denominators():
    assert (answered("adjustments", now=stakes(0, 5)).taken_out > 0).all()
    assert (answered("adjustments", now=NOTHING, before=stakes(0, 5)).taken_out == 0).all()


# -- files -------------------------------------------------------------------------------------------------------------

SOUND = """accord: 1
behaviour: own
title: Our own
answers: {stake: hospital}
effects:
  - {on: elective, percent: -2, low: -3, high: 0, authority: us, status: assumed}
begins: 0
full_after: 1
half_life: 1
"""


def read(tmp_path: Path, text: str) -> Behaviour:
    file = tmp_path / "own.yaml"
    file.write_text(text, encoding="utf-8")
    return read_behaviour(file)


def test_a_file_of_ones_own_is_read(tmp_path: Path):
    assert read(tmp_path, SOUND).effects[0].size == -2


@pytest.mark.parametrize(
    ("wrong", "place", "message"),
    [
        (("percent: -2", "points: -2"), ":6:", "an effect on elective is in percent"),
        (("on: elective", "on: electve"), ":6:", "electve is not one of"),
        (("low: -3", "low: -1"), ":6:", "-2 does not lie between -1 and 0"),
        (("low: -3", "low: -300"), ":6:", "would leave less than nothing"),
        (("half_life: 1", "half_life: 0"), ":9:", "a half-life is above 0"),
        (("begins: 0", "begins: -1"), ":7:", "begins is -1, below 0"),
        (("{stake: hospital}", "{stake: hospital, stream: rewards}"), ":4:", "it answers to stake and stream"),
        (("{stake: hospital}", "{stake: hospital, scale: 0}"), ":4:", "a scale is above 0"),
        (("on: elective", "on: participation"), ":6:", "taking part answers to what is expected"),
        (("half_life: 1", "half_live: 1"), ":9:", "half_live is not an entry of a behaviour"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, wrong: tuple[str, str], place: str, message: str):
    with pytest.raises(DataRefused) as caught:
        read(tmp_path, SOUND.replace(*wrong))
    assert message in str(caught.value)
    assert place in str(caught.value)


def test_several_problems_are_said_at_once(tmp_path: Path):
    with pytest.raises(DataRefused) as caught:
        read(tmp_path, SOUND.replace("low: -3", "low: -1").replace("half_life: 1", "half_life: 0"))
    assert len(caught.value.problems) == 2
