"""A place: what its folder says, what is refused, and what a run of its futures comes to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("numba")

from accord.language.problem import AccordError, DataRefused
from accord.place import calls
from accord.place.case import Case, doubts
from accord.place.futures import Run
from accord.place.luck import Luck, luck
from accord.place.place import InForce, people_of, read_place
from accord.place.report import shown, written
from accord.place.summary import PENNIES, Figure, Winner, summary
from accord.place.uncertainty import FAMILIES, Uncertain
from accord.settlement.calls import Misused, check
from accord.settlement.catalogue import NotFound, find
from accord.simulation.feed import read_feed
from accord.simulation.practices import OwnPractice
from accord.simulation.results import RESULTS
from accord.simulation.scenario import Future, no_change
from tests.place.given import place


def refused(folder: Path, *wrong: tuple[str, str]) -> AccordError:
    file = folder / "place.yaml"
    text = file.read_text(encoding="utf-8")
    for old, new in wrong:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, encoding="utf-8")
    with pytest.raises(AccordError) as caught:
        people_of(read_place(folder), 1)
    return caught.value


def test_a_place_is_read(tmp_path: Path):
    found = read_place(place(tmp_path))
    assert [one.name for one in found.contracts] == ["gms-global-sum", "integration-supplement"]
    assert [one.name for one in found.scenarios] == ["gain-share"]
    assert found.future.term == "extended"


@pytest.mark.parametrize(
    ("wrong", "line", "message"),
    [
        (("gms-global-sum: {}", "gms-globel-sum: {}"), 7, "gms-globel-sum"),
        (("starts: 2026-04-01", "starts: 2026-04-31"), 4, "is not a date"),
        (("starts: 2026-04-01", "starts: 2028-02-29"), 4, "2028-02-29 is a day that not every year has"),
        (("{size: 3000, seed: 1}", "{size: -3000, seed: 1}"), 5, "'-3000' is not a whole number"),
        (("{size: 3000, seed: 1}", "{seed: 1, people: a.npz}"), 5, "a population is made, or brought along"),
        (("{size: 3000, seed: 1}", "{people: a.npz, practices: b.csv}"), 5, "there is no file a.npz"),
        (("integration-supplement: {}", "integration-supplement: {data: nowhere}"), 8, "there is no folder nowhere"),
        (("scenarios: [scenarios/gain-share.yaml]", "scenarios: [none.yaml]"), 0, "this scenario cannot be read"),
        (("prices: 2", "prices: -100"), 10, "growth of prices of -100 % is not possible"),
        (("gms-global-sum: {price", "gms: {price"), 10, "gms is not in force here"),
        (("future:", "futur:"), 10, "futur is not an entry of a place"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, wrong: tuple[str, str], line: int, message: str):
    error = refused(place(tmp_path), wrong)
    assert message in str(error)
    assert line in [problem.place.line for problem in error.problems]


def test_several_problems_are_said_at_once(tmp_path: Path):
    error = refused(place(tmp_path), ("prices: 2", "prices: -100"), ("gms-global-sum: {}", "gms-globel-sum: {}"))
    assert len(error.problems) >= 2


def test_no_place(tmp_path: Path):
    with pytest.raises(NotFound, match="there is no place here"):
        read_place(tmp_path)


def test_a_contract_that_ends_sooner_needs_an_assumption(tmp_path: Path):
    folder = place(tmp_path)
    text = (folder / "place.yaml").read_text(encoding="utf-8").replace("term: extended, ", "")
    (folder / "place.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataRefused, match="the term of gms-global-sum ends on 2027-03-31"):
        calls.simulate(folder, years=3, draws=1)
    assert not (folder / "futures").exists()  # nothing half-written


def test_years_begin_when_those_of_the_contracts_do(tmp_path: Path):
    folder = place(tmp_path)
    text = (folder / "place.yaml").read_text(encoding="utf-8").replace("starts: 2026-04-01", "starts: 2026-05-01")
    (folder / "place.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DataRefused, match=r"begin on 2026-05-01, and those of gms-global-sum on 01\.04\."):
        calls.simulate(folder, years=1, draws=1)
    assert not (folder / "futures").exists()


@pytest.mark.parametrize(
    ("asked", "message"),
    [({"years": 11}, "11 years"), ({"draws": 0}, "0 draws"), ({"seed": -1}, "-1 is no seed")],
)
def test_what_cannot_be_asked(tmp_path: Path, asked: dict[str, int], message: str):
    with pytest.raises(Misused, match=message):
        calls.simulate(tmp_path, **asked)  # type: ignore[arg-type]


def test_an_unknown_scenario(tmp_path: Path):
    with pytest.raises(DataRefused, match="has no scenario gain-shore"):
        calls.simulate(place(tmp_path), draws=1, scenarios=["gain-shore"])


# -- a place's own people ----------------------------------------------------------------------------------------------


def own_people(folder: Path, **changed: object) -> Path:
    """A place that brings 300 people in two practices, some of it wrong."""
    place(folder)
    arrays: dict[str, object] = {
        "offsets": np.array([0, 100, 300]),
        "months": np.full(300, 500),
        "cell": np.zeros(300, int),
        "state": np.zeros(300, int),
        "burden": np.zeros(300, int),
        **changed,
    }
    practices = arrays.pop("practices", "A,N,H,B,C,X\nB,N,H,B,C,X\n")
    np.savez_compressed(folder / "people.npz", **arrays)  # type: ignore[arg-type]
    heads = "practice,network,neighbourhood,board,council,hospital\n"
    (folder / "practices.csv").write_text(heads + str(practices), encoding="utf-8")
    text = (folder / "place.yaml").read_text(encoding="utf-8")
    text = text.replace("{size: 3000, seed: 1}", "{people: people.npz, practices: practices.csv}")
    (folder / "place.yaml").write_text(text, encoding="utf-8")
    return folder


def test_own_people_are_read(tmp_path: Path):
    people, practices = people_of(read_place(own_people(tmp_path)), 1)
    assert (len(people), people.practices, [one.code for one in practices]) == (300, 2, ["A", "B"])


@pytest.mark.parametrize(
    ("changed", "place_of", "message"),
    [
        ({"offsets": np.array([0, 300, 300])}, "practices.csv:3:", "B has no patients"),
        ({"offsets": np.array([0, 310, 300])}, "practices.csv:3:", "B has -10 patients"),
        ({"offsets": np.array([0, 300])}, "people.npz", "offsets are for 1 practices, and practices.csv has 2"),
        ({"months": np.full(200, 500)}, "people.npz", "the lengths differ"),
        ({"state": np.full(300, 99)}, "people.npz", "300 values of state cannot be"),
        ({"cell": np.full(300, -1)}, "people.npz", "300 values of cell cannot be"),
        ({"practices": "A,N,H,B,C,X\nA,N,H,B,C,X\n"}, "practices.csv:3:", "A stands here twice"),
    ],
)
def test_people_that_cannot_be(tmp_path: Path, changed: dict[str, object], place_of: str, message: str):
    with pytest.raises(DataRefused) as caught:
        people_of(read_place(own_people(tmp_path, **changed)), 1)
    assert message in str(caught.value)
    assert place_of in str(caught.value)


def test_a_contract_with_one_board_in_a_place_of_several_is_said():
    """Its money has no name, and both the notes and the table of winners say why."""
    two = [OwnPractice(code, "N", "H", board, "C", "X") for code, board in (("A", "B1"), ("B", "B2"))]
    file = find("gain-share")
    contract = check(file)
    one = InForce("gain-share", contract, file, read_feed(file.parent, contract), None)
    case = Case(no_change(), (one,), (), np.ones((1, 1)), np.ones(1), Future())
    assert any("has one board, the place 2" in note for note in doubts([case], two))
    assert not any("has one board" in note for note in doubts([case], two[:1]))
    change = Figure(1000.0, 900.0, 1100.0)
    assert Winner("board", "", change, 0.0).title == "board (the contract has one, the place several)"
    assert Winner("board", "B1", change, 0.0).title == "board B1"
    assert Winner("commissioner", "", change, 0.0).title == "commissioner"


def test_what_a_practice_is_called_runs_in_no_spreadsheet(tmp_path: Path):
    """A practice that is called as a formula is: the CSV has it as text, and numbers as they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"draw": [0, 1], "member": ["=1+1", "B"], "received": [-5, 7]})
    pq.write_table(table, tmp_path / "money.parquet")
    path = calls._as_csv(Run(tmp_path, {}), "money")
    assert path.read_text(encoding="utf-8").splitlines() == [
        '"draw","member","received"',
        '0,"\'=1+1",-5',
        '1,"B",7',
    ]


# -- a whole run -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> calls.Simulated:
    from unittest.mock import patch

    folder = place(tmp_path_factory.mktemp("run"), size=6_000, scenarios=("gain-share", "gain-share-answered"))
    # fewer figures and sets of them, and no neighbourhoods of half a million: the same code in less time
    families = {name: FAMILIES[name] for name in ("use of hospital by frailty", "how many people move")}
    with (
        patch("accord.place.uncertainty.PARAMETER_DRAWS", 2),
        patch("accord.place.uncertainty.FAMILIES", families),
        patch.object(calls, "_lucky", lambda *_: ()),
    ):
        return calls.simulate(folder, years=2, draws=6, seed=2, html=folder / "page.html", csv=True)


def headline(made: calls.Simulated, name: str):
    return next(one for one in made.summary.headlines if one.scenario == name)


def test_no_behaviour_no_difference_and_the_report_says_so(made: calls.Simulated):
    one = headline(made, "gain-share")
    assert one.unchanged
    for name in ("hospital", "emergency", "elective", "outpatient"):
        assert one.figures[name].nothing, name
    assert all(f.nothing for each in made.summary.difference["gain-share"].values() for f in each)
    page = (made.run.folder.parents[1] / "page.html").read_text(encoding="utf-8")
    assert "Activity is unchanged" in page
    assert page.count("Activity is unchanged") == 1


def test_other_prices_alone_are_no_other_activity(tmp_path: Path):
    folder = place(tmp_path)
    (folder / "scenarios" / "gain-share.yaml").write_text(
        "accord: 1\nscenario: dearer\nfuture: {prices: 9}\n", encoding="utf-8"
    )
    made = calls.simulate(folder, years=2, draws=2, thorough=False, html=folder / "page.html")
    one = made.summary.headlines[0]
    assert one.unchanged
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "What differs is what hospital care costs, since its prices do." in page
    assert "hospital prices +9 % a year, not +2 %" in page
    assert one.figures["hospital"].low > 0
    assert one.figures["emergency"].nothing


def test_a_variation_of_any_name_has_the_feed_of_its_base_and_the_page_says_what_it_changes(tmp_path: Path):
    """The global sum is varied under another name, and the supplement still reads what it comes to."""
    from accord.settlement.calls import check

    folder = place(tmp_path)
    signed = check("gms-global-sum").signed_hash
    (folder / "richer.yaml").write_text(
        f"accord: 1\nvariation: sum-richer\nof: gms-global-sum\nbase_hash: {signed}\n"
        "replace:\n  parameters.price.dated:\n"
        "    - {from: 2019-04-01, value: 200.00, authority: a test, status: assumed}\n"
        "remove: [examples.1, examples.2, examples.3, examples.4]\n",
        encoding="utf-8",
    )
    (folder / "scenarios" / "gain-share.yaml").write_text(
        "accord: 1\nscenario: richer\ncontracts: {gms-global-sum: {variation: richer.yaml}}\n"
        "population: {emergency: 2}\nbehaviours: [refer-or-treat]\neffects: {refer-or-treat.outpatient: 40}\n",
        encoding="utf-8",
    )
    made = calls.simulate(folder, years=1, draws=1, thorough=False, html=folder / "page.html")
    assert made.summary.headlines[0].figures["payments"].mean > 0
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "gms-global-sum: price" in page and "£200" in page
    assert "use from the start: emergency +2 %" in page
    assert "refer-or-treat.outpatient: 40 in place of −5 (−20 to 0), which is outside its interval" in page


def test_with_behaviour_activity_differs(made: calls.Simulated):
    one = headline(made, "gain-share-answered")
    assert not one.unchanged
    assert one.figures["elective"].high < 0
    assert one.figures["hospital"].high < 0


def test_payments_and_hospital_care_add_up_to_the_balance(made: calls.Simulated):
    for one in made.summary.headlines:
        parts = one.figures["payments"].mean + one.figures["hospital"].mean
        assert one.figures["balance"].mean == pytest.approx(parts)


def test_money_of_all_parties_is_nothing_together(made: calls.Simulated):
    for scenario in made.summary.scenarios:
        total = sum(sum(values) for name, *_, values in made.summary.money if name == scenario)
        assert total == pytest.approx(0, abs=1e-6)


def test_waterfalls_add_up_exactly_and_tornados_stand_on_their_base(made: calls.Simulated):
    assert made.uncertain is not None
    assert made.uncertain.waterfalls
    whole = {(one.scenario, one.metric): one.whole for one in made.uncertain.waterfalls}
    for one in made.uncertain.waterfalls:
        assert sum(step for _, step in one.steps) == one.whole
    for storm in made.uncertain.tornados:
        assert storm.base == whole[storm.scenario, storm.metric]
    # payments and hospital care are two of the metrics, and the balance is both, step by step
    falls = {(one.scenario, one.metric): one.steps for one in made.uncertain.waterfalls}
    for scenario in ("gain-share", "gain-share-answered"):
        three = zip(*(falls[scenario, name] for name in ("payments", "hospital", "balance")), strict=True)
        assert all(abs(a[1] + b[1] - c[1]) <= 2 for a, b, c in three)  # each is rounded to a penny by itself


def test_the_three_kinds_are_kept_apart(made: calls.Simulated):
    assert made.uncertain is not None
    kinds = {(one.scenario, one.metric): one for one in made.uncertain.kinds}
    still, moving = kinds["gain-share", "elective"], kinds["gain-share-answered", "elective"]
    assert (still.chance, still.parameters, still.structure) == (0, 0, (0, 0))
    assert moving.chance > 0
    assert moving.parameters > 0
    assert moving.structure[0] < moving.structure[1]


def test_a_difference_lies_in_its_own_ranges(made: calls.Simulated):
    """Structure is tried on fewer draws than the mean is of; all doubt together is no narrower than chance alone."""
    assert made.uncertain is not None
    for one in made.uncertain.kinds:
        assert one.mean == headline(made, one.scenario).figures[one.metric].mean
        assert one.structure[0] <= one.mean <= one.structure[1], (one.scenario, one.metric)
        low, high = one.likely
        assert min(one.sets) - 1.97 * one.chance <= low <= high <= max(one.sets) + 1.97 * one.chance


def test_all_doubt_together_is_chance_around_each_set():
    """Sets alike: the normal interval of chance. No chance: the sets' own. Both: no farther than sets and chance go."""
    alike = Uncertain("s", "elective", 10.0, 3.0, 0.0, (10.0, 10.0), (10.0,) * 24)
    assert alike.likely == pytest.approx((10 - 1.959964 * 3, 10 + 1.959964 * 3), abs=0.01)
    still = replace(alike, chance=0.0, sets=tuple(float(-x) for x in range(41)))
    assert still.likely == (-39.0, -1.0)
    skewed = replace(alike, chance=0.1, sets=(-20.0, *(-5.0,) * 20, 0.0))
    assert -20.3 < skewed.likely[0] < -19.9 and -0.2 < skewed.likely[1] < 0.3


def test_chance_alone_never_stands_alone(made: calls.Simulated):
    """The first table, on the page and on the terminal, has the whole doubt beside what is chance."""
    from accord.cli.simulate import _report

    kinds = {(one.scenario, one.metric): one for one in made.uncertain.kinds} if made.uncertain else {}
    low, high = kinds["gain-share-answered", "elective"].likely
    said = f"{written('elective', low)} to {written('elective', high)}"
    page = (made.run.folder.parents[1] / "page.html").read_text(encoding="utf-8")
    for text in (page, "\n".join(_report(made))):
        assert said in text and "chance alone" in text


def test_the_manifest_names_what_it_was_made_of(made: calls.Simulated):
    manifest = json.loads((made.run.folder / "manifest.json").read_text(encoding="utf-8"))
    assert {"seed", "parameters", "code", "data", "people", "scenarios", "libraries"} <= manifest.keys()
    assert any("(assumed" in note for note in manifest["notes"])
    for name in ("activity", "people", "money"):
        assert (made.run.folder / f"{name}.csv").is_file()
        assert made.run.table(name).num_rows > 0


def test_people_and_activity_agree(made: calls.Simulated):
    """Every result is the same by practice, and by age, sex and deprivation: contacts and pence too."""
    import duckdb

    folder = made.run.folder
    columns = ", ".join(f"sum({name}) as {name}" for name in RESULTS)
    left, right = (
        duckdb.sql(
            f"select draw, scenario, year, {columns} from '{folder}/{name}.parquet' group by all order by all"
        ).fetchall()
        for name in ("activity", "people")
    )
    assert left == right
    assert len(left) == 6 * 3 * 2 and all(all(row[3:]) for row in left)


def test_a_board_is_one_payer_under_all_contracts_and_pennies_are_no_loss(made: calls.Simulated):
    """The gain share's nameless board, the supplement's and the global sum's are the one board of the place."""
    money = made.run.table("money").to_pylist()
    payers = {(row["contract"], row["party"]): row["member"] for row in money if row["party"] == "board"}
    assert len(payers) == 3 and len(set(payers.values())) == 1 and all(payers.values())
    for scenario, winners in made.summary.winners.items():
        boards = [one for one in winners if one.party == "board"]
        assert len(boards) == 1
        net = {name: sum(r["received"] - r["paid"] for r in money if r["scenario"] == name and r["party"] == "board")
               for name in (scenario, "no contract change")}  # fmt: skip
        assert boards[0].change.mean == pytest.approx((net[scenario] - net["no contract change"]) / 6)
        assert all(one.loses == 0 for one in winners if one.change.low >= -PENNIES)
    penny = Figure(-20.0, -100.0, 0.0)
    both = [Winner("practice", "P1", penny, 0.0), Winner("practice", "P2", replace(penny, low=-900.0), 0.1)]
    assert [one.member for one in shown(both)] == ["P2"]


def test_a_summary_does_not_depend_on_the_order_of_rows(made: calls.Simulated, tmp_path: Path):
    """Threads read rows in any order; to the last digit the summary is the same."""
    import pyarrow.parquet as pq

    order = np.random.default_rng(1)
    for name in ("activity", "people", "money"):
        table = made.run.table(name)
        pq.write_table(table.take(order.permutation(table.num_rows)), tmp_path / f"{name}.parquet")
    again = summary(replace(made.run, folder=tmp_path))
    assert json.dumps(again.as_json()) == json.dumps(made.summary.as_json())


@pytest.fixture(scope="module")
def lucky():
    found = luck(draws=10, blocks=5, piece=2_000, sizes=(2_000, 20_000), tried=500, seed=2)
    return {(one.size, one.together): one for one in found}


def test_luck_pays_small_neighbourhoods_more_often(lucky: dict[tuple[int, bool], Luck]):
    small, large = lucky[2_000, False], lucky[20_000, False]
    assert (small.tried, large.tried) == (100, 500)  # each piece once; larger ones are put together from pieces
    assert small.spread > large.spread
    assert small.chance > 0
    assert small.error > 0
    assert (small.needed, large.needed) == (0.039, 0.025)


def test_luck_agrees_with_the_formula(lucky: dict[tuple[int, bool], Luck]):
    """1 - Φ(m/σ(N)): the distribution is a little skewed, and the spread of a hundred pieces is known to a tenth."""
    for one in lucky.values():
        assert one.chance == pytest.approx(one.formula, abs=0.06 + 2 * one.error), (one.size, one.together)


def test_years_that_move_together_do_not_get_smaller_with_size(lucky: dict[tuple[int, bool], Luck]):
    without, having = lucky[20_000, False], lucky[20_000, True]
    assert having.spread**2 - without.spread**2 == pytest.approx(0.007**2, rel=0.5)
    assert having.formula > without.formula


def test_a_place_with_qof_and_network_des_and_what_ending_qof_does(tmp_path: Path):
    folder = place(tmp_path)
    text = (folder / "place.yaml").read_text(encoding="utf-8")
    text = text.replace("  integration-supplement: {}\n", "  qof: {}\n  network-des: {}\n")
    (folder / "place.yaml").write_text(text, encoding="utf-8")
    (folder / "scenarios" / "gain-share.yaml").write_text(
        "accord: 1\nscenario: no-qof\ncontracts: {qof: out}\nbehaviours: [effort-on-rewarded-work, case-finding]\n",
        encoding="utf-8",
    )
    made = calls.simulate(folder, years=2, draws=2, thorough=False, html=folder / "page.html")
    stage = made.run.stage
    assert stage is not None
    before, now = stage.stakes
    assert min(before.indicators) > 0.2
    assert now.indicators == (0.0, 0.0)
    assert (stage.responses[1].moved < 0).all()  # what was rewarded is done less
    assert (stage.responses[1].found < 1).all()
    assert headline(made, "no-qof").figures["payments"].high < 0
    assert any("its table indicators goes on" in note for note in made.run.manifest["notes"])
    page = (folder / "page.html").read_text(encoding="utf-8")
    assert "Effort on rewarded work" in page
    assert "Social care: weeks of long-term support" in page


def test_the_command_says_what_it_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    from accord.cli.simulate import _report

    folder = place(tmp_path)
    made = calls.simulate(folder, years=1, draws=2, thorough=False)
    text = "\n".join(_report(made))
    assert "1 year from 2026/27, 2 draws" in text
    assert "2 draws do not show where 95 % lie: 40 or more do" in text
    assert "activity is unchanged in every draw: no behaviour is switched on" in text
    json.dumps(made.as_json(), default=str)
