"""Worlds: aggregates become inputs, and every world is settled by the same contract as any other data."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from accord.language.problem import ContractRefused, DataRefused
from accord.settlement import calls
from accord.settlement.catalogue import find
from accord.simulation.counted import Counted
from accord.simulation.extending import until
from accord.simulation.feed import read_feed
from accord.simulation.filling import Bound
from accord.simulation.people import BANDS
from accord.simulation.results import EMERGENCY_COST, GROUPS, LAZY, MONTHS, RESULTS
from accord.simulation.worlds import inputs_of, settle_worlds
from accord.simulation.years import Years

YEARS = Years(dt.date(2026, 4, 1), 2)


@dataclass(frozen=True)
class Practice:
    code: str
    network: str
    neighbourhood: str
    board: str = "B"
    council: str = "C"
    hospital: str = "H"


PRACTICES = (Practice("A", "N", "East"), Practice("B", "N", "West"), Practice("C", "N", "East"))


def counted(worlds: int = 3, *, draws: Sequence[int] | None = None, seed: int = 5) -> Counted:
    """Made-up aggregates: nothing here is simulated."""
    random = np.random.default_rng(seed)
    shape = (worlds, len(PRACTICES), YEARS.number)
    counts = random.integers(50, 100, (*shape, GROUPS, len(RESULTS)))
    counts[..., MONTHS] = random.integers(800, 1200, (*shape, GROUPS))
    counts[..., EMERGENCY_COST] = random.integers(900_000, 1_100_000, (*shape, GROUPS))
    # practices and years that differ by up to a sixth, so that a gain share pays some and not others
    factor = random.uniform(0.85, 1.15, shape)[..., None]
    rates = counts.sum(axis=(0, 1)) / counts[..., MONTHS].sum(axis=(0, 1))[..., None]
    counts[..., EMERGENCY_COST] = (counts[..., EMERGENCY_COST] * factor).astype(np.int64)
    return Counted(
        YEARS,
        PRACTICES,
        counts,
        random.integers(2_000, 3_000, (*shape, len(LAZY))),
        random.integers(1, 60, (*shape, 10, len(BANDS))),
        random.integers(300, 400, shape),
        np.broadcast_to(rates, (worlds, *rates.shape)),
        np.ones((worlds, YEARS.number)),
        np.array(range(worlds) if draws is None else draws),
        7,
        np.ones((worlds, YEARS.number)),
        np.zeros((worlds, YEARS.number)),
        np.zeros((worlds, YEARS.number)),
        np.ones((worlds, YEARS.number)),
    )


@cache
def contract_and_feed(name: str):
    file = find(name)
    contract = until(calls.check(file), file, YEARS.last)
    return contract, read_feed(file.parent, contract)


def bound(name: str, worlds: int, data: Path | None = None) -> Bound:
    return Bound(name, *contract_and_feed(name), data, np.arange(worlds))


def rows(table) -> dict[tuple, int]:
    """Net pence by world, year, stream, party and member."""
    names = ("world", "year", "stream", "party", "member", "received", "paid")
    return {
        (w, y, s, p, m): r - q
        for w, y, s, p, m, r, q in zip(*(table.column(n).to_pylist() for n in names), strict=True)
    }


def test_a_year_has_a_name_and_knows_its_periods():
    assert (YEARS.name(1), YEARS.last) == ("2027/28", dt.date(2028, 3, 31))
    assert Years(dt.date(2026, 1, 1), 1).name(0) == "2026"


def test_groups_share_what_practices_have():
    """Whole numbers that add up, whatever the level of prices; each practice's contacts go where its exposure is."""
    made = replace(counted(), prices=np.full((3, YEARS.number), 1.0237))
    for name in RESULTS:
        assert (made.by_group(name).sum(axis=2) == made.result(name).sum(axis=1)).all(), name
    cost = made.counts[..., EMERGENCY_COST].sum(axis=1) * 1.0237
    assert np.abs(made.by_group("emergency_cost") - cost).max() < 2  # a penny of rounding, and of each practice's
    # one practice, whose last group alone is exposed to the first stream; nobody to the second
    alone = replace(
        made, counts=made.counts[:, :1].copy(), contacts=made.contacts[:, :1].copy(), practices=PRACTICES[:1]
    )
    alone.counts[..., :-1, RESULTS.index(LAZY[0])] = 0
    alone.counts[..., RESULTS.index(LAZY[1])], alone.contacts[..., 1] = 0, 0
    assert (alone.by_group(LAZY[0])[..., -1] == alone.result(LAZY[0])[:, 0]).all()
    assert not alone.by_group(LAZY[0])[..., :-1].any()
    assert not alone.by_group(LAZY[1]).any()
    # two practices of unlike exposure: the group that only one of them has gets of its contacts alone
    both = replace(made, counts=made.counts.copy())
    both.counts[:, 1:, :, 0, RESULTS.index(LAZY[2])] = 0
    exposure = both.counts[:, 0, :, :, RESULTS.index(LAZY[2])]
    expected = both.contacts[:, 0, :, 2] * exposure[..., 0] / exposure.sum(axis=-1)
    assert np.abs(both.by_group(LAZY[2])[..., 0] - expected).max() <= 1


def test_every_world_is_settled_as_its_data_alone_would_be(tmp_path: Path):
    """The gain share of each world, written out as a data file, settled by the ordinary call."""
    found = counted(4)
    together = rows(settle_worlds([bound("gain-share", 4)], found).money)
    assert any(together.values())
    for world in range(4):
        with (tmp_path / "costs.csv").open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["pool", "year", "people", "cost", "expected"])
            for pool, members in (("East", [0, 2]), ("West", [1])):
                for year in range(2):
                    cost = sum(found.result(n)[world, members, year].sum() for n in ("emergency_cost", "elective_cost"))
                    usual = sum(
                        found.expectation(n)[world, members, year].sum() for n in ("emergency_cost", "elective_cost")
                    )
                    people = max(round(found.counts[world, members, year, :, MONTHS].sum() / 12), 1)
                    row = [pool, YEARS.day(year), people, f"{cost / 100:.2f}", f"{round(usual) / 100:.2f}"]
                    writer.writerow(row)
        (tmp_path / "patients.csv").write_text(
            "pool,year,satisfied\n" + "".join(f"{p},{YEARS.day(y)},true\n" for p in ("East", "West") for y in range(2))
        )
        alone = calls.settle("gain-share", tmp_path)
        gains = alone.values("gain")
        for pool in ("East", "West"):
            for year in range(2):
                expected = gains[pool, YEARS.day(year).isoformat()]
                assert together[world, year, "gain share", "provider", pool] == expected * 100


def test_worlds_alike_are_settled_once_and_come_out_the_same():
    found = counted(2)
    twice = found.some(np.array([0, 1, 0, 1, 1]))
    money = rows(settle_worlds([bound("gain-share", 5)], twice).money)
    for (world, *rest), amount in money.items():
        assert amount == money[(world % 2 if world < 4 else 1, *rest)]


def test_lists_by_sex_and_age_reach_the_global_sum():
    found = counted(2)
    settled = settle_worlds([bound("gms-global-sum", 2)], found)
    money = rows(settled.money)
    for world in range(2):
        people = found.lists[world].sum(axis=(2, 3))
        for place, practice in enumerate(PRACTICES):
            paid = money[world, 0, "global sum", "practice", practice.code] / 100
            # about the price of a weighted patient, weighted by what the list needs
            assert 0.5 < paid / (people[place, 0] * 130.07) < 2
            assert money[world, 0, "global sum", "board", "B"] == -sum(
                money[world, 0, "global sum", "practice", one.code] for one in PRACTICES
            )


def test_what_is_not_in_force_cannot_be_read():
    with pytest.raises(DataRefused, match="does not have gms-global-sum in force"):
        settle_worlds([bound("integration-supplement", 2)], counted(2))


def test_a_quantity_of_other_organisations_cannot_be_read():
    """The global sum by network is no figure of practices."""
    by_network = bound("gms-global-sum", 2)
    by_network = replace(by_network, feed=replace(by_network.feed, keys={"practice": "network"}))
    with pytest.raises(DataRefused, match="annual_global_sum of gms-global-sum, which is not told by practice"):
        settle_worlds([bound("integration-supplement", 2), by_network], counted(2))


def test_a_contract_reads_what_another_came_to_and_money_is_conserved_in_every_world():
    # the supplement reads the global sum, and may stand before it
    settled = settle_worlds([bound("integration-supplement", 3), bound("gms-global-sum", 3)], counted(3))
    assert {"global sum", "participation", "rewards"} <= {key[2] for key in rows(settled.money)}
    for world in range(3):
        assert sum(amount for key, amount in rows(settled.money).items() if key[0] == world) == 0


def test_indicators_have_the_same_chance_in_every_scenario_of_a_draw():
    """Four scenarios of one draw: nothing, nothing again, ten points better, a tenth taken out of denominators."""
    same = counted(1).some(np.zeros(4, np.int64))
    nothing, ten, tenth = [0.0, 0.0], [10.0, 10.0], [0.1, 0.1]
    four = replace(
        same, moved=np.array([nothing, nothing, ten, nothing]), taken_out=np.array([nothing, nothing, nothing, tenth])
    )
    money = rows(settle_worlds([bound("integration-supplement", 4), bound("gms-global-sum", 4)], four).money)
    for key, amount in money.items():
        if key[0] == 0:
            assert money[(1, *key[1:])] == amount
    first = {key: amount for key, amount in money.items() if key[0] == 0 and key[2:4] == ("rewards", "practice")}
    assert first
    for scenario in (2, 3):
        more = [money[(scenario, *key[1:])] - amount for key, amount in first.items()]
        assert min(more) >= 0
        assert sum(more) > 0


def test_what_is_expected_is_of_the_people_there_at_the_prices_of_the_year_and_as_coding_has_it():
    found = counted(2)
    dearer = replace(found, prices=2 * found.prices, expected=found.expected * np.array([[1.0, 1.5], [1.0, 1.0]]))
    for name in ("emergency", "emergency_cost", LAZY[0]):
        usual, now = found.expectation(name), dearer.expectation(name)
        factor = (2 if name.endswith("_cost") else 1) * np.array([[1.0, 1.5], [1.0, 1.0]])
        assert now == pytest.approx(usual * factor[:, None, :])
    at = RESULTS.index("emergency")
    by_hand = sum(found.counts[1, 2, 0, g, MONTHS] * found.rates[1, 0, g, at] for g in range(GROUPS))
    assert found.expectation("emergency")[1, 2, 0] == pytest.approx(by_hand)


def test_who_does_not_take_part_counts_in_no_neighbourhood():
    """East without its second practice has the costs of the first alone."""
    found = replace(counted(1), takes_part={"gain-share": np.array([[True, True, False]])})
    inputs, _ = inputs_of(bound("gain-share", 1), found)
    table = inputs.tables["costs"].data.to_pylist()
    (east,) = [row for row in table if row["pool"] == "East" and row["year"] == "2026-04-01"]
    assert east["cost"] == sum(found.result(name)[0, 0, 0] for name in ("emergency_cost", "elective_cost"))


def test_who_does_not_take_part_is_neither_counted_nor_paid():
    found = counted(2)
    apart = replace(found, takes_part={"gain-share": np.array([[True, True, True], [True, False, True]])})
    money = rows(settle_worlds([bound("gain-share", 2)], apart).money)
    assert (0, 0, "gain share", "provider", "West") in money
    assert (1, 0, "gain share", "provider", "West") not in money


def test_the_places_own_data_is_used_and_its_last_year_goes_on(tmp_path: Path):
    (tmp_path / "patients.csv").write_text(
        "pool,year,satisfied\nEast,2026-04-01,true\nWest,2026-04-01,false\n", encoding="utf-8"
    )
    settled = settle_worlds([bound("gain-share", 6, tmp_path)], counted(6))
    assert any("comes from the place's own data" in text for text in settled.used)
    assert any("lacks 1 period: its last year goes on (assumed)" in text for text in settled.used)
    gains = {key: amount for key, amount in rows(settled.money).items() if key[2:4] == ("gain share", "provider")}
    assert sum(amount for key, amount in gains.items() if key[4] == "West") == 0
    assert sum(amount for key, amount in gains.items() if key[4] == "East") > 0


# -- feeds -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("pool: neighbourhood", "pol: neighbourhood"), "gain-share has no key pol"),
        (("  costs:", "  cost:"), "gain-share has no input cost"),
        (("people: {list: average}", "person: {list: average}"), "costs has no column person"),
        (("      people: {list: average}\n", ""), "costs needs people too"),
        (("{list: average}", "{list: average, count: emergency}"), "people says list and count"),
        (("{list: average}", "{count: emergencies}"), "emergencies is nothing that the engines count"),
        (("{list: average}", "{indicator: continuity}"), "there is no indicator continuity"),
        (("{list: average}", '{value: "3"}'), "people is stated without a source"),
        (("futures: gain-share", "futures: qof"), "this feed is for qof"),
    ],
)
def test_a_feed_that_does_not_fit_is_refused_with_its_place(tmp_path: Path, wrong: tuple[str, str], message: str):
    text = (find("gain-share").parent / "futures.yaml").read_text(encoding="utf-8")
    assert wrong[0] in text
    (tmp_path / "futures.yaml").write_text(text.replace(*wrong), encoding="utf-8")
    with pytest.raises(ContractRefused) as caught:
        read_feed(tmp_path, calls.check("gain-share"))
    assert message in str(caught.value)
    assert all(problem.place.line > 0 for problem in caught.value.problems)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (("{list: people}", "{count: emergency}"), "patients of lists is not counted by sex"),
        (("{list: people}", "{list: complex}"), "patients of lists is not counted by age_group"),
        (('{value: "false"', "{member: board, authority: none} #"), "no key of nation stands for an organisation"),
    ],
)
def test_a_feed_of_what_rows_are_not_counted_by_is_refused(tmp_path: Path, wrong: tuple[str, str], message: str):
    text = (find("gms-global-sum").parent / "futures.yaml").read_text(encoding="utf-8")
    assert wrong[0] in text
    (tmp_path / "futures.yaml").write_text(text.replace(*wrong, 1), encoding="utf-8")
    with pytest.raises(ContractRefused) as caught:
        read_feed(tmp_path, calls.check("gms-global-sum"))
    assert message in str(caught.value)


def test_a_contract_without_a_feed(tmp_path: Path):
    with pytest.raises(DataRefused, match="nothing says how a simulated year becomes the inputs"):
        read_feed(tmp_path, calls.check("gain-share"))
