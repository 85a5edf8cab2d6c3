"""Groups of people: whom indicators and registers mean, what behaviour makes of them, and the contracts they feed."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from accord.language.place import Place
from accord.language.problem import DataRefused
from accord.library import CONTRACTS
from accord.simulation.counted import Counted
from accord.simulation.extending import carried
from accord.simulation.filling import Bound
from accord.simulation.groups import Group, Practices, bands_of, count, read_groups
from accord.simulation.worlds import settle_worlds
from tests.simulation.test_worlds import YEARS, contract_and_feed, counted, rows

HERE = Place("futures.yaml", 1, 1)


def group(**said: object) -> Group:
    usual: dict[str, object] = dict(
        name="A", of="", ages=(0, 100), sex="", share=10.0, by="", level=60.0, spread=0.0, adjusted=5.0, figures={},
        authority="this test", status="assumed",
    )  # fmt: skip
    return Group(**{**usual, **said})  # type: ignore[arg-type]


def practices(moved: float = 0, taken_out: float = 0, found: float = 1) -> Practices:
    """Two practices of 20,000 people: a thousand in each band, half of each sex; the second has more complex people."""
    lists = np.full((1, 2, 1, 2, 20), 500)
    complex_people = np.array([[[1_000], [3_000]]])
    return Practices(lists, complex_people, np.full((1, 1), moved), np.full((1, 1), taken_out), np.full((1, 1), found))


def counts(one: Group, here: Practices, *others: Group) -> dict[str, list[int]]:
    own = {each.name: np.zeros(2) for each in (one, *others)}
    chance = {each.name: np.zeros((1, 2, 1)) for each in (one, *others)}
    found = count([one], {each.name: each for each in others}, here, own, chance)
    return {part: values[0, :, 0, 0].tolist() for part, values in found.items()}


@pytest.mark.parametrize(
    ("ages", "sex", "people"),
    [((0, 100), "", 20_000), ((45, 100), "", 11_000), ((25, 49), "female", 2_500), ((17, 100), "", 16_600)],
)
def test_whom_a_group_means(ages: tuple[int, int], sex: str, people: int):
    assert counts(group(ages=ages, sex=sex), practices())["people"] == [people, people]


def test_the_last_band_is_open():
    assert bands_of(group(ages=(95, 100)), 20).tolist() == [0.0] * 19 + [1.0]
    assert bands_of(group(ages=(80, 80)), 20)[16] == pytest.approx(0.2)


def test_reached_and_adjusted():
    assert counts(group(), practices()) == {
        "people": [20_000, 20_000], "patients": [2_000, 2_000], "adjusted": [100, 100], "done": [1_140, 1_140],
    }  # fmt: skip


def test_more_illness_more_patients_and_the_place_keeps_its_number():
    assert counts(group(by="complex"), practices())["patients"] == [1_000, 3_000]


def test_a_group_of_a_register_follows_it():
    register = group(name="R", share=20.0, by="complex")
    assert counts(group(of="R", share=50.0), practices(), register)["patients"] == [1_000, 3_000]


def test_practices_differ_by_their_own_chance():
    """One standard deviation of a binomial number of 20,000 people at 10 %, 42 patients, more or fewer."""
    one = group()
    found = [
        count([one], {}, practices(), {"A": np.array([side, 0.0])}, {"A": np.zeros((1, 2, 1))})["patients"][0, :, 0, 0]
        for side in (-1.0, 1.0)
    ]
    assert [each.tolist() for each in found] == [[1_958, 2_000], [2_042, 2_000]]


def test_what_behaviour_moves():
    usual = counts(group(), practices())
    better, left_out, found = (counts(group(), practices(**one)) for one in (
        {"moved": 10}, {"taken_out": 0.05}, {"found": 1.1}))  # fmt: skip
    assert (better["done"][0], better["adjusted"]) == (1_330, usual["adjusted"])
    # who is taken out was not reached: as many done, of fewer
    assert (left_out["done"], left_out["adjusted"][0]) == (usual["done"], 195)
    assert found["patients"][0] == 2_200


def test_nobody_is_taken_out_who_was_reached():
    found = counts(group(level=99, adjusted=0), practices(taken_out=0.5))
    assert found["adjusted"][0] + found["done"][0] == found["patients"][0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("A,10,120,assumed,us", "share of A is 120"),
        ("A,eleven,10,assumed,us", "from_age of A is eleven, no number"),
        ("A,10,10,guessed,us", "A does not say where it comes from"),
        (",10,10,assumed,us", "a row without indicator"),
        ("B,1,1,assumed,us\nB,1,1,assumed,us", "B stands here twice"),
    ],
)
def test_files_of_groups_that_cannot_be(tmp_path: Path, row: str, message: str):
    file = tmp_path / "groups.csv"
    file.write_text(f"indicator,from_age,share,status,authority\n{row}\n", encoding="utf-8")
    with pytest.raises(DataRefused, match=message) as caught:
        read_groups(file, "indicator", HERE)
    assert str(file) in str(caught.value)


# -- contracts of the library ------------------------------------------------------------------------------------------


@cache
def extended(name: str):
    contract, feed = contract_and_feed(name)
    return carried(contract, YEARS.days)[0], feed


def received(name: str, found: Counted, stream: str) -> float:
    """Pounds a patient and year that practices or networks get of a stream."""
    bound = Bound(name, *extended(name), None, np.arange(len(found)))
    money = rows(settle_worlds([bound], found).money)
    total = sum(amount for (_, _, s, party, _), amount in money.items() if s == stream and party != "commissioner")
    return total / 100 / found.lists.sum()


def test_qof_pays_about_what_england_gets_and_more_for_better_work():
    found = counted(1)
    usual = received("qof", found, "achievement")
    # 582 points of 227.95 pounds for 10,295 patients are 12.89 pounds; prevalence of these made lists is another
    assert 6 < usual < 16
    assert received("qof", replace(found, moved=found.moved + 10), "achievement") > usual
    assert received("qof", replace(found, taken_out=found.taken_out + 0.05), "achievement") > usual
    assert received("qof", replace(found, found=found.found * 1.1), "achievement") > usual


def test_iif_and_network_des_pay_networks():
    found = counted(1)
    usual = received("iif", found, "Investment and Impact Fund")
    assert 0 < usual < 58 * 198 / 48_834 * 1.5
    assert received("iif", replace(found, moved=found.moved + 10), "Investment and Impact Fund") > usual
    assert received("network-des", found, "core network funding") == pytest.approx(2.311 + 0.748, abs=0.01)


def test_tables_of_a_contract_go_on_and_the_ones_that_there_are_stay():
    contract, _ = contract_and_feed("qof")
    longer, names = carried(contract, YEARS.days)
    assert "indicators" in names
    rows_of = {year: [row for row in longer.tables["indicators"].rows or () if row[1] == year] for year in
               ("2026-04-01", "2027-04-01")}  # fmt: skip
    assert len(rows_of["2026-04-01"]) == len(rows_of["2027-04-01"]) == 43
    assert set(contract.tables["indicators"].rows or ()) < set(longer.tables["indicators"].rows or ())


def test_what_is_assumed_of_indicators_is_of_indicators_that_there_are():
    """Every name of ``achieving.yaml`` is one of the contract: an old one of those published, the rest of the year."""
    from accord.simulation.achieving import assumptions

    known = assumptions()
    with (CONTRACTS / "qof" / "indicators.csv").open(encoding="utf-8", newline="") as file:
        there = list(csv.DictReader(file))
    wanted = {row["indicator"] for row in there if row["year"] == known.wanted and row["kind"] == "measured"}
    assert {*known.before, *known.new, *known.whom} <= wanted
    assert {one for names in known.before.values() for one in names} <= {row["indicator"] for row in there} - wanted
    assert not {*known.new} & {*known.before}
    assert {*known.registers} <= {row["area"] for row in there}


def test_levels_of_indicators_are_those_that_are_published(real_data):
    from accord.simulation.achieving import tables

    made = tables(json.loads(real_data("qof/icb_achievement_2024-25.json").read_text(encoding="utf-8")))
    for name, text in made.items():
        kept = list(csv.DictReader((CONTRACTS / "qof" / name).open(encoding="utf-8", newline="")))
        for old, new in zip(kept, csv.DictReader(text.splitlines()), strict=True):
            # how many people there are of an age is the model's, which is fitted again from time to time
            assert float(old.pop("share")) == pytest.approx(float(new.pop("share")), rel=0.05)
            assert old == new
