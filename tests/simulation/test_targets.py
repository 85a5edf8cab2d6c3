"""Targets and queries: each kind of figure against one worked out otherwise, and files that are wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from accord.cli.validate import _short
from accord.language.problem import DataRefused
from accord.language.text import decode, read_tree
from accord.simulation.model import model
from accord.simulation.people import AGES
from accord.simulation.validation import answering
from accord.simulation.validation.asked import Asked, drawn_of
from accord.simulation.validation.judging import judge
from accord.simulation.validation.nouns import NOUNS, reference
from accord.simulation.validation.query import Query
from accord.simulation.validation.reading import read_query
from accord.simulation.validation.target import published, published_file, read_file

PEOPLE = 20_000


@pytest.fixture(scope="module")
def everybody() -> Asked:
    return Asked(1, PEOPLE)


def query(text: str) -> Query:
    problems: list = []
    found = read_query(read_tree(decode(f"{{{text}}}".encode(), "query")), problems)
    assert found is not None, [str(problem) for problem in problems]
    return found


def ask(everybody: Asked, text: str) -> float:
    return answering.ask(everybody, query(text)).value


@pytest.mark.parametrize("noun", NOUNS)
def test_every_noun_answers_its_own_example(everybody: Asked, noun: str):
    answer = answering.ask(everybody, query(NOUNS[noun].example))
    assert np.isfinite(answer.value)
    assert (answer.doubt is not None) == (NOUNS[noun].drawn and "among: admissions" not in NOUNS[noun].example)
    assert f"`{noun}`" in reference()


def test_shares_and_ages_are_those_of_the_model_itself(everybody: Asked):
    built_in = model()
    people = built_in.people[2011]
    aged = people[:, 75:].sum() / people.sum() * 100
    assert ask(everybody, "share: {ages: 75+}, population: england-2011") == pytest.approx(aged)
    here = (people[:, :, None] * built_in.mix)[:, 25:35]
    more = here[..., 8:].sum() / here.sum() * 100
    assert ask(everybody, "share: {morbidity: multi+}, ages: 25-34, population: england-2011") == pytest.approx(more)
    mean = (people.sum(axis=0) * np.arange(AGES)).sum() / people.sum()
    assert ask(everybody, "mean_age: people, population: england-2011") == pytest.approx(mean)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rate: emergency", "rate: emergency, per: person-year"),
        ("rate: emergency", "rate: emergency, per: 1000 person-months"),
        ("part_of: deaths, part: {ages: 85+}", "part_of: deaths, part: {ages: 0-84}"),
    ],
)
def test_rates_of_one_thing_agree(everybody: Asked, one: str, other: str):
    first, second = ask(everybody, one), ask(everybody, other)
    expected = {"person-year": first / 1000, "person-months": first / 12}
    wanted = next((value for name, value in expected.items() if name in other), 100 - first)
    assert second == pytest.approx(wanted)


def test_rates_by_fifth_add_up_to_the_rate_of_all(everybody: Asked):
    months = [ask(everybody, f"part_of: emergency, part: {{fifths: {fifth}}}") for fifth in range(1, 6)]
    assert sum(months) == pytest.approx(100)


def test_whoever_is_standardised_to_himself_stays_as_he_is(everybody: Asked):
    crude = ask(everybody, "rate: deaths, ages: 18+, per: 1000 people")
    same = ask(everybody, "rate: deaths, ages: 18+, per: 1000 people, standardised: 'age, sex and fifth'")
    assert same == pytest.approx(crude)
    # the most deprived are younger: with everybody's ages they would die more often
    poor = "rate: deaths, per: 1000 people, fifths: 1, ages: 1+"
    assert ask(everybody, f"{poor}, standardised: age") > ask(everybody, poor)


def test_onset_is_the_hazard_of_the_model_at_a_single_age(everybody: Asked):
    built_in = model()
    hazard = built_in.frailer[70, 0]
    monthly = -12 * np.log1p(-hazard / 12) * 1000
    assert ask(everybody, "onset: {frailty: mild}, ages: 70") == pytest.approx(monthly, rel=1e-6)


def test_with_no_hazard_nobody_comes_to_it(everybody: Asked):
    none = "figures: {frailty_onset_57: 0.000001, frailty_onset_70: 0.000001, frailty_onset_80: 0.000001}"
    assert ask(everybody, f"onset: {{frailty: mild}}, ages: 70, {none}") < 0.01


def test_life_expectancy_of_constant_chances(everybody: Asked):
    chance = 0.02
    found = Asked(1, 10)
    built_in = model()
    from dataclasses import replace

    found._models[()] = replace(built_in, death=np.full_like(built_in.death, chance))
    alive = (1 - chance) ** np.arange(AGES + 1)
    lived = (alive[:-1] + alive[1:]) / 2
    lived[-1] = alive[-2] * (1 / chance - 0.5)
    assert ask(found, "life_expectancy: 0, sex: male") == pytest.approx(lived.sum(), rel=1e-9)
    assert ask(found, "life_expectancy: 0, sex: male, free_of: {morbidity: one+}") < lived.sum()


def test_combinations_are_arithmetic(everybody: Asked):
    a, b = ask(everybody, "rate: emergency, fifths: 1"), ask(everybody, "rate: emergency, fifths: 5")
    pair = "{rate: emergency, fifths: 1}, %s: {rate: emergency, fifths: 5}"
    assert ask(everybody, f"ratio: {{of: {pair % 'to'}}}") == pytest.approx(a / b)
    assert ask(everybody, f"difference: {{of: {pair % 'less'}}}") == pytest.approx(a - b)
    assert ask(everybody, f"percent_change: {{of: {pair % 'from'}}}") == pytest.approx(100 * (a / b - 1))
    assert ask(everybody, "sum: [{rate: emergency, fifths: 1}, {rate: emergency, fifths: 5}]") == pytest.approx(a + b)


def test_a_figure_that_is_the_same_everywhere_has_no_gradient(everybody: Asked):
    flat = "figures: {deprivation_years: 0}"
    assert ask(
        everybody, f"slope_index: {{share: {{ages: 0+, morbidity: multi+}}, ages: 60, {flat}}}"
    ) == pytest.approx(0, abs=0.5)


def test_drawn_people_have_what_is_expected(everybody: Asked):
    found = answering.ask(everybody, query("mean: consultations"))
    expected = ask(everybody, "rate: consultations, per: people")
    assert abs(found.value - expected) < 4 * found.doubt


def test_distributions_of_drawn_people_by_hand(everybody: Asked):
    each, _ = everybody.amounts(query("mean: hospital_cost"))
    x = each[:, 0]
    top = np.sort(x)[::-1][: PEOPLE // 100].sum() / x.sum() * 100
    assert ask(everybody, "top_share: hospital_cost, top: 1") == pytest.approx(top)
    assert ask(everybody, "cv: hospital_cost") == pytest.approx(x.std() / x.mean())
    assert ask(everybody, "with_none: hospital_cost") == pytest.approx(100 * (x == 0).mean())
    assert ask(everybody, "kept: hospital_cost, limit: 25000") == pytest.approx(
        100 * np.minimum(x, 25_000).sum() / x.sum()
    )
    differences = np.abs(x[:500, None] - x[None, :500]).mean()
    sorted_ = np.sort(x[:500])
    gini = ((2 * np.arange(1, 501) - 501) * sorted_).sum() / (500 * sorted_.sum())
    assert gini == pytest.approx(differences / 2 / x[:500].mean())
    share = ask(everybody, "share_above: emergency, above: 0")
    assert share == pytest.approx(100 - ask(everybody, "with_none: emergency"))


def test_noise_falls_with_the_root_of_people(everybody: Asked):
    one = ask(everybody, "noise_of_one: hospital_cost")
    assert ask(everybody, "noise: hospital_cost, people: 10000") == pytest.approx(one)
    both = ask(everybody, "noise: hospital_cost, people: 10000, system: true")
    assert both == pytest.approx(np.hypot(one, 100 * model().value("system_noise")))


def test_luck_pays_half_of_all_where_anything_counts(everybody: Asked):
    assert ask(everybody, "luck: hospital_cost, people: 500000, minimum: 0") == pytest.approx(50, abs=6)
    assert ask(everybody, "luck: hospital_cost, people: 500000, minimum: 3") < ask(
        everybody, "luck: hospital_cost, people: 5000, minimum: 3"
    )


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        ("effect: elective, year: 2, under: {behaviours: [refer-or-treat], stake: 1}", -4.3),
        ("effect: elective, year: 2, under: {behaviours: [refer-or-treat], was_stake: 1}", 4.3),
        ("effect: emergency, year: 3, under: {behaviours: all}", 0),
        ("answer: adjustments, year: 2, under: {behaviours: [adjustments], pays: 1000}", 5.3),
        ("answer: participation, under: {behaviours: [selection], expects: [-10, 5, 5, 5]}", 75),
    ],
)
def test_behaviour_answers_what_the_library_says(everybody: Asked, asked: str, value: float):
    assert ask(everybody, asked) == pytest.approx(value, abs=1e-9)


def test_nobody_and_nothing_are_said(tmp_path: Path):
    text = TARGET.replace("rate: emergency, ages: 45-54", "rate: deaths, per: moves, figures: {moves: 0}")
    text = text.replace("per 1000 person-years", "per moves")
    (found,) = judge(read_file(written(tmp_path, text)).targets, people=100)
    assert found.result is None and not found.inside and "moves" in found.note


# -------------------------------------------------------------------------------------------------------------- files

TARGET = """accord: 1
targets:
  - target: one
    title: Emergency admissions
    authority: Somebody 2020
    status: verified
    use: held out
    asks: {rate: emergency, ages: 45-54}
    value: 60
    unit: per 1000 person-years
    tolerance: {percent: 50}
    because: half
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "targets.yaml"
    path.write_text(text, "utf-8")
    return path


WRONG = [
    ("rate: emergency", "rate: emergencies", "8:18: emergencies is not counted"),
    ("rate: emergency", "rates: emergency", "8:12: rates is not an entry"),
    ("ages: 45-54", "ages: 145+", "8:35: nobody in the model is 145"),
    ("ages: 45-54", "ages: 54-45", "8:35: ages 54-45 run backwards"),
    ("ages: 45-54", "top: 1", "8:34: rate does not take top"),
    ("ages: 45-54", "year: 30", "8:35: there is no year 30"),
    ("rate: emergency, ages: 45-54", "again: emergency, year: 10", "this asks for year 11"),
    ("ages: 45-54", "figures: {moves: -1}", "moves of -1 is below 0"),
    ("ages: 45-54", "figures: {mooves: 1}", "mooves is not a figure of the model"),
    ("ages: 45-54", "per: 1000 cows", "cows is nothing that a rate is per"),
    ("rate: emergency, ages: 45-54", "top_share: emergency, top: 400", "top of 400 is not possible"),
    ("rate: emergency, ages: 45-54", "top_share: emergency", "top_share needs top"),
    ("rate: emergency, ages: 45-54", "rate: emergency, share: {ages: 5}", "this one asks for rate and share"),
    ("ages: 45-54", "under: {behaviours: [refer], stake: 2}", "there is no behaviour refer"),
    ("unit: per 1000 person-years", "unit: per cent", "10:11: per cent does not fit"),
    ("rate: emergency, ages", "rate: hospital_cost, ages", "10:11: per 1000 person-years does not fit"),
    ("value: 60", "value: -60", "9:12: -60 per 1000 person-years is not possible"),
    ("percent: 50", "percent: 150", "± 150 % would accept 0 as well"),
    ("percent: 50", "absolute: 0", "a tolerance of 0 is 0"),
    ("percent: 50", "from: 70, to: 80", "the published 60 itself is not from 70 to 80"),
    ("percent: 50", "from: 70", "says not how near is near enough"),
    ("because: half", "because: half\n    expected: out", "why it is out is not said"),
    ("because: half", "because: half\n    prices: 2011/12", "there are no pounds in this query"),
    ("value: 60", "value: .6", "'.6' is not a number\n    fix: 0.6"),
    ("value: 60", "value: 1e3", "'1e3' is not a number\n    fix: 1000"),
    ("ages: 45-54", "year: -5", "'-5' is not a whole number from 0"),
    ("rate: emergency, ages: 45-54", "share: {care_home: yes}", "care_home is not an entry of what can be said of"),
    ("rate: emergency, ages: 45-54", "mean: emergency_days, among: admissions", "this query answers in days"),
    ("accord: 1", "", "has no accord"),
]

BROKEN = [
    (b"", "this file is empty"),
    (b"accord: 1\ntargets: [", "this is not YAML"),
    (b"accord: 1\ntargets: !!set {}", "tag"),
    (b"accord: &a 1\ntargets: *a", "anchors"),
    (b"[" * 40 + b"]" * 40, "deep"),
    (b"\xff\xfe\x00", "not UTF-8"),
    (b"accord: 1\n---\naccord: 1", "a second document begins here; a file holds one"),
]


@pytest.mark.parametrize(("content", "message"), BROKEN)
def test_what_is_no_yaml_is_a_file_with_errors_like_any_other(tmp_path: Path, content: bytes, message: str):
    path = tmp_path / "targets.yaml"
    path.write_bytes(content)
    with pytest.raises(DataRefused) as refused:
        read_file(path)
    assert message in str(refused.value)
    assert "accord new" not in str(refused.value)


def test_days_are_days_and_pounds_are_pounds(tmp_path: Path):
    text = TARGET.replace("rate: emergency, ages: 45-54", "mean: emergency_days, among: admissions")
    (one,) = read_file(written(tmp_path, text.replace("unit: per 1000 person-years", "unit: days"))).targets
    assert one.unit == "days"


def test_titles_of_the_own_targets_stand_for_themselves_and_differ_on_a_terminal():
    titles = [one.title for one in published()]
    assert not [title for title in titles if title.startswith(("The same", "Of these"))]
    assert len(set(map(_short, titles))) == len(titles)
    assert max(map(len, map(_short, titles))) <= 72


@pytest.mark.parametrize(("old", "new", "message"), WRONG)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, old: str, new: str, message: str):
    with pytest.raises(DataRefused) as refused:
        read_file(written(tmp_path, TARGET.replace(old, new)))
    assert any(message in str(problem) for problem in refused.value.problems), [str(p) for p in refused.value.problems]
    assert all(problem.place.line for problem in refused.value.problems)


def test_several_faults_are_said_together(tmp_path: Path):
    text = TARGET.replace("emergency, ages: 45-54", "emergencies, ages: 145+").replace("percent: 50", "absolute: -1")
    with pytest.raises(DataRefused) as refused:
        read_file(written(tmp_path, text))
    assert len(refused.value.problems) == 3


def test_pounds_are_of_a_year(tmp_path: Path):
    pounds = TARGET.replace("rate: emergency", "rate: hospital_cost").replace("unit: per", "unit: pounds per")
    with pytest.raises(DataRefused, match="pounds of which year"):
        read_file(written(tmp_path, pounds))
    with pytest.raises(DataRefused, match="the model's pounds are those of 2011/12"):
        read_file(written(tmp_path, pounds.replace("because", "prices: 2023/24\n    because")))
    assert (
        read_file(written(tmp_path, pounds.replace("because", "prices: 2011/12\n    because"))).targets[0].query.money
    )


def test_a_target_is_judged(tmp_path: Path):
    text = TARGET + TARGET.split("targets:\n")[1].replace("target: one", "target: two").replace(
        "percent: 50", "percent: 1"
    )
    inside, outside = judge(read_file(written(tmp_path, text)).targets, people=100)
    assert (inside.low, inside.high, inside.inside) == (30, 90, True)
    assert (outside.inside, outside.doubt) == (False, None)
    assert outside.result == inside.result


def test_the_projects_own_targets_are_whole():
    found = published_file()
    assert len(found.targets) > 100 and len(found.outside) > 10
    assert {target.use for target in found.targets} == {"fitted", "held out"}
    assert all(target.because and target.authority for target in found.targets)


def test_expected_figures_of_the_own_targets_are_in_or_said_to_be_out():
    expected = [target for target in published_file().targets if not drawn_of(target.query)]
    wrong = [one.target.name for one in judge(expected) if one.inside == bool(one.target.out)]
    assert not wrong


def test_the_page_shows_the_nouns_of_the_code():
    page = (Path(__file__).parents[2] / "docs" / "validation.md").read_text("utf-8")
    assert reference().strip() in page
