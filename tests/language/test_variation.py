"""Variations: what they change, what they refuse, where messages point, and that what is written reads back."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.language import ContractRefused, Problem, check, check_text
from accord.language.checker import signed_hash
from accord.language.contract import Contract
from accord.language.place import Source
from accord.language.text import Entries, Items, Scalar, Tree, read_tree
from accord.language.variation import write

ROOT = Path(__file__).parents[2]

BASE = dedent("""
    accord: 1
    contract: supplement
    title: The base
    currency: GBP
    term: {from: 2026-04-01, to: 2029-03-31}
    keys: {practice: {}, year: {every: 12 months}}
    parties: {board: {name: The board}, practice: {each: practice}}
    inputs:
      work: {keys: [practice, year], columns: {list_size: people, visits: people}}
    tables:
      bonus: {keys: [practice], columns: {extra: GBP}, file: bonus.csv, authority: annex}
    parameters:
      rate: {unit: GBP per person, value: 1.76, authority: cl. 2}
      fee:
        unit: GBP per person
        authority: cl. 3
        dated: [{from: 2026-04-01, value: 10}, {from: 2028-04-01, value: 12}]
      share: {unit: percent, by: practice, values: {A: 50, B: 40}, authority: cl. 4}
      size: {scale: step, of: people, unit: GBP, points: [[0, 100], [5000, 200]], authority: cl. 5}
    quantities:
      - title: Lists
        each: [practice, year]
        supplement: {is: list_size * rate * share, round: 0.01 GBP half_up, clause: cl. 2}
        basic: size(list_size)
      - title: Work
        each: [practice, year]
        work_done: visits * fee + extra
    checks:
      - {that: visits <= list_size, each: [practice, year], else: more visits than people}
    payments:
      - {pay: supplement, from: board, to: practice}
      - {pay: basic, from: board, to: practice}
      - {pay: work_done, from: board, to: practice}
    examples:
      - title: One
        given: {work: [{practice: A, year: 2026-04-01, list_size: 100, visits: 1}]}
        expect: {it: [{practice: A, year: 2026-04-01, supplement: 88}]}
""").lstrip()

FILES = {"base.yaml": BASE.encode(), "bonus.csv": b"practice,extra\nA,5\nB,6\n"}
HASH = signed_hash(BASE.encode(), {"bonus.csv": FILES["bonus.csv"]})


def vary(change: str, files: dict[str, bytes] | None = None, head: str = "") -> Contract:
    text = f"accord: 1\nvariation: changed\nof: base.yaml\nbase_hash: {HASH}\n{head}{dedent(change)}"
    return check_text(text, "changed.yaml", files or FILES)


def refused(change: str, files: dict[str, bytes] | None = None, head: str = "") -> tuple[Problem, ...]:
    with pytest.raises(ContractRefused) as caught:
        vary(change, files, head)
    return caught.value.problems


def entries(contract: Contract, parameter: str) -> list[tuple[str, str]]:
    return [
        (str(entry.since), ", ".join(str(value) for value in entry.values.values()))
        for entry in contract.parameters[parameter].entries
    ]


# -- what it changes ---------------------------------------------------------------------------------------------------


def test_it_is_the_base_where_it_says_nothing() -> None:
    base, varied = check_text(BASE, "base.yaml", FILES), vary("")
    assert (varied.name, varied.title) == ("changed", "The base")
    assert list(varied.quantities) == list(base.quantities)
    assert varied.signed_hash != base.signed_hash
    assert varied.files == base.files


CHANGES = {
    "a value": ("parameters.rate.value: 1.85", "rate", [("2026-04-01", "37/20")]),
    "a value of a member": ("parameters.share.values.A: 60", "share", [("2026-04-01", "3/5, 2/5")]),
    "all values": ("parameters.share.values: {A: 60, B: 70}", "share", [("2026-04-01", "3/5, 7/10")]),
    "a dated value, by its number": (
        "parameters.fee.dated.2.value: 13",
        "fee",
        [("2026-04-01", "10"), ("2028-04-01", "13")],
    ),
    "a whole parameter": (
        "parameters.fee: {unit: GBP per person, value: 9, authority: new}",
        "fee",
        [("2026-04-01", "9")],
    ),
}


@pytest.mark.parametrize(("change", "parameter", "expected"), CHANGES.values(), ids=CHANGES.keys())
def test_a_replaced_parameter(change: str, parameter: str, expected: list[tuple[str, str]]) -> None:
    assert entries(vary(f"replace: {{{change}}}"), parameter) == expected


INSIDE_THE_TERM = {
    "a value": ("parameters.rate.value: 1.85", "rate", [("2026-04-01", "44/25"), ("2027-04-01", "37/20")]),
    "values by member": (
        "parameters.share.values: {A: 60, B: 70}",
        "share",
        [("2026-04-01", "1/2, 2/5"), ("2027-04-01", "3/5, 7/10")],
    ),
    "one more dated value: what the base says of later days stays": (
        "parameters.fee.value: 11",
        "fee",
        [("2026-04-01", "10"), ("2027-04-01", "11"), ("2028-04-01", "12")],
    ),
}


@pytest.mark.parametrize(("change", "parameter", "expected"), INSIDE_THE_TERM.values(), ids=INSIDE_THE_TERM.keys())
def test_a_parameter_that_changes_inside_the_term(change: str, parameter: str, expected: list[tuple[str, str]]) -> None:
    varied = vary(f"replace: {{{change}}}", head="from: 2027-04-01\nauthority: letter\n")
    assert entries(varied, parameter) == expected
    new = next(entry for entry in varied.parameters[parameter].entries if str(entry.since) == "2027-04-01")
    assert new.source.authority == "letter"


def test_a_replaced_figure_has_the_source_of_the_variation() -> None:
    said = (
        vary("replace: {parameters.rate.value: 1.85}", head="authority: deed 1\n").parameters["rate"].entries[0].source
    )
    assert (said.authority, said.status) == ("deed 1", "unverified")
    unsaid = vary("replace: {parameters.rate.value: 1.85}").parameters["rate"].entries[0].source
    assert (unsaid.authority, unsaid.status) == ("variation changed", "unverified")


@pytest.mark.parametrize(
    ("change", "parameter", "sources"),
    [
        ("parameters.share.values.A: 60", "share", ["variation changed"]),
        ("parameters.size.points.1: [0, 300]", "size", ["variation changed"]),
        ("parameters.fee.dated: [{from: 2026-04-01, value: 9}]", "fee", ["variation changed"]),
        ("parameters.fee.dated.2: {from: 2028-04-01, value: 9}", "fee", ["cl. 3", "variation changed"]),
        ("parameters.fee.dated.2.value: 9", "fee", ["cl. 3", "variation changed"]),
        ("parameters.fee.dated.2: {from: 2028-04-01, value: 9, authority: deed 2}", "fee", ["cl. 3", "deed 2"]),
    ],
)
def test_no_replaced_figure_keeps_the_source_of_the_one_it_replaces(
    change: str, parameter: str, sources: list[str]
) -> None:
    varied = vary(f"replace:\n  {change}\n").parameters[parameter]
    assert [entry.source.authority for entry in varied.entries] == sources


def test_a_scale_that_changes_inside_the_term() -> None:
    varied = vary("replace: {parameters.size.points: [[0, 300]]}", head="from: 2027-04-01\n")
    assert [str(entry.since) for entry in varied.parameters["size"].entries] == ["2026-04-01", "2027-04-01"]
    assert varied.parameters["size"].scale is not None


def test_a_formula_that_changes() -> None:
    whole = vary("replace:\n  quantities.supplement.is: list_size * rate\nremove: [parameters.share]\n")
    assert [version.canonical for version in whole.quantities["supplement"].versions] == ["list_size * rate"]
    assert whole.quantities["supplement"].clause == "cl. 2"
    inside = vary("replace:\n  quantities.basic.is: size(visits)\n", head="from: 2027-04-01\n")
    versions = [(str(version.since), version.canonical) for version in inside.quantities["basic"].versions]
    assert versions == [("2026-04-01", "size(list_size)"), ("2027-04-01", "size(visits)")]


def test_words_of_a_quantity() -> None:
    varied = vary(
        """
        replace:
          quantities.supplement.round: 1 GBP down
          quantities.supplement.clause: cl. 2 as varied
          quantities.basic.note: the size of the practice
        """
    )
    supplement = varied.quantities["supplement"]
    assert (str(supplement.rounding), supplement.clause) == ("1 GBP down", "cl. 2 as varied")
    assert varied.quantities["basic"].note == "the size of the practice"


def test_added_and_removed_entries() -> None:
    varied = vary(
        """
        add:
          parameters: {most: {unit: GBP, value: 500, authority: deed}}
          quantities: [{each: [practice, year], held: "least(basic, most)"}]
          payments: [{pay: held, from: board, to: practice}]
          notices: []
        remove: [payments.basic, payments.supplement, quantities.supplement, parameters.rate, parameters.share,
                 checks.1, examples.One]
        """
    )
    assert [payment.quantity for payment in varied.payments] == ["work_done", "held"]
    assert "supplement" not in varied.quantities
    assert (varied.checks, varied.examples) == ((), ())


def test_the_words_of_the_variation_replace_those_of_the_base() -> None:
    varied = vary("", head="title: The new one\nauthority: deed 1\nnote: for the north\n")
    assert (varied.title, varied.authority, varied.note) == ("The new one", "deed 1", "for the north")


def test_a_variation_of_a_variation() -> None:
    first = f"accord: 1\nvariation: one\nof: base.yaml\nbase_hash: {HASH}\nreplace: {{parameters.rate.value: 2}}\n"
    files = {**FILES, "one.yaml": first.encode()}
    of_first = check_text(first, "one.yaml", FILES).signed_hash
    second = f"accord: 1\nvariation: two\nof: one.yaml\nbase_hash: {of_first}\n"
    second += "replace: {parameters.fee.dated.1.value: 8}\n"
    varied = check_text(second, "two.yaml", files)
    assert entries(varied, "rate") == [("2026-04-01", "2")]
    assert entries(varied, "fee") == [("2026-04-01", "8"), ("2028-04-01", "12")]


# -- what it refuses ---------------------------------------------------------------------------------------------------

REFUSED = {
    "a parameter that is not there": (
        "replace: {parameters.rat.value: 2}",
        "parameters has no rat to change",
        "did you mean rate?",
    ),
    "an entry that is not there": (
        "replace: {parameters.rate.valu: 2}",
        "parameters.rate has no valu to change",
        "did you mean value?",
    ),
    "a quantity that is not there": (
        "replace: {quantities.suplement.is: rate}",
        "the base has no quantity suplement",
        "did you mean supplement?",
    ),
    "a dated figure replaced by one without a date": (
        "replace: {parameters.fee.value: 2}",
        "fee is dated in the base: its figures begin on 2026-04-01, 2028-04-01",
        "parameters.fee.dated: [{from: 2026-04-01, value: …}] in place of all of them, or "
        "parameters.fee.dated.1.value: … for the first alone",
    ),
    "a section that is not there": (
        "remove: [notices.late]",
        "the base has no notices to change",
        "add: has new entries",
    ),
    "a payment that is not there": (
        "remove: [payments.supplemen]",
        "payments has no supplemen",
        "name it by its pay, or by its number",
    ),
    "something added twice": (
        "add: {parameters: {rate: {unit: GBP, value: 1, authority: x}}}",
        "the base has a rate already",
        "replace: {parameters.rate: …}",
    ),
    "an addition to no section": (
        "add: {paramters: {}}",
        "paramters is not an entry of a contract",
        "did you mean parameters?",
    ),
    "an unknown word": ("replaces: {}", "replaces is not an entry of a variation", "did you mean replace?"),
}


@pytest.mark.parametrize(("change", "message", "fix"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_fit_the_base(change: str, message: str, fix: str) -> None:
    (problem,) = refused(change)
    assert (problem.message, problem.fix, problem.place.file) == (message, fix, "changed.yaml")


def test_several_problems_at_once() -> None:
    problems = refused("replace: {parameters.rat.value: 2, parameters.fe.value: 2}\nremove: [payments.nothing]\n")
    assert len(problems) == 3


def test_a_base_whose_text_has_changed() -> None:
    changed = {**FILES, "base.yaml": BASE.replace("1.76", "1.77").encode()}
    (problem,) = refused("", changed)
    assert problem.message.startswith("the base base.yaml is not the text this variation was written for")
    assert (problem.place.file, problem.place.line, problem.place.column) == ("changed.yaml", 4, 12)


def test_a_base_whose_table_has_changed() -> None:
    (problem,) = refused("", {**FILES, "bonus.csv": b"practice,extra\nA,5\nB,7\n"})
    assert problem.message.startswith("the base base.yaml is not the text this variation was written for")


def test_no_base() -> None:
    (problem,) = refused("", {"bonus.csv": b""})
    assert problem.message == "there is no contract base.yaml beside this file or in the library"


def test_variations_of_each_other_are_refused() -> None:
    one = f"accord: 1\nvariation: one\nof: two.yaml\nbase_hash: {HASH}\n"
    files = {"two.yaml": one.replace("one", "two").replace("two.yaml", "one.yaml").encode(), "one.yaml": one.encode()}
    with pytest.raises(ContractRefused) as caught:
        check_text(one, "one.yaml", files)
    assert len(caught.value.problems) == 1


REACHING_BACK = {
    "a payment less": "remove: [payments.basic]",
    "a payment more": "add: {payments: [{pay: basic, from: practice, to: board}]}",
    "a check more": "add: {checks: [{that: visits > 0, each: [practice, year], else: none}]}",
    "other rows": "add: {quantities: [{each: [year, practice], rows: [work, bonus], more: visits}]}",
}


@pytest.mark.parametrize("change", REACHING_BACK.values(), ids=REACHING_BACK.keys())
def test_what_would_reach_back_before_the_change(change: str) -> None:
    (problem,) = refused(change, head="from: 2027-04-01\n")
    assert problem.message.endswith("would reach back to the first day of the term")


def test_a_formula_that_changes_inside_the_term_may_use_new_figures() -> None:
    varied = vary(
        """
        add:
          parameters: {most: {unit: GBP, value: 150, authority: deed}}
          quantities: [{each: [practice, year], limit: most}]
        replace:
          quantities.basic.is: least(size(list_size), limit)
        """,
        head="from: 2027-04-01\n",
    )
    assert [version.canonical for version in varied.quantities["basic"].versions] == [
        "size(list_size)",
        "least(size(list_size), limit)",
    ]


def test_only_values_and_formulas_change_inside_the_term() -> None:
    (problem,) = refused("replace: {parameters.rate.unit: GBP per day}", head="from: 2027-04-01\n")
    assert "only a parameter's value and a quantity's formula can change inside the term" in problem.message


# -- where messages point ----------------------------------------------------------------------------------------------


def test_a_problem_of_the_change_is_reported_in_the_variation() -> None:
    (problem,) = refused("replace:\n  quantities.basic.is: size(list_sise)\n")
    assert (problem.place.file, problem.place.line, problem.place.column) == ("changed.yaml", 6, 29)
    assert problem.message == "nothing is called list_sise"


def test_a_problem_that_the_change_leaves_in_the_base_is_reported_in_the_base() -> None:
    (problem,) = refused("remove: [payments.basic]")
    assert problem.message == "quantity basic is neither paid nor used"
    assert problem.place.file == "base.yaml"
    assert BASE.split("\n")[problem.place.line - 1].strip().startswith("basic:")


# -- what is written reads back ----------------------------------------------------------------------------------------


def same(one: Tree, other: Tree) -> bool:
    """Whether two trees say the same, places, spacing and quotes apart."""
    match one, other:
        case Scalar(), Scalar():
            return one.value.split() == other.value.split()
        case Items(), Items():
            return len(one.items) == len(other.items) and all(map(same, one.items, other.items))
        case Entries(), Entries():
            pairs = zip(one, other, strict=True)
            return len(one.entries) == len(other.entries) and all(same(a, c) and same(b, d) for (a, b), (c, d) in pairs)
        case _:
            return False


FOLDERS = ("tests/drafts", "src/accord/library/contracts")
CONTRACTS = sorted(path for folder in FOLDERS for path in ROOT.glob(f"{folder}/*/contract.yaml"))


@pytest.mark.parametrize("path", CONTRACTS, ids=lambda path: path.parent.name)
def test_a_contract_written_out_reads_back(path: Path) -> None:
    tree = read_tree(Source("contract.yaml", path.read_text(encoding="utf-8")))
    text = write(tree)
    assert same(read_tree(Source("again.yaml", text)), tree)
    assert write(read_tree(Source("again.yaml", text))) == text


def test_what_is_signed_is_the_whole_text() -> None:
    varied = vary("replace: {parameters.rate.value: 1.85}")
    again = check_text(varied.text, "contract.yaml", FILES)
    assert again.meaning_hash == varied.meaning_hash
    assert again.signed_hash == varied.signed_hash


def test_an_entry_with_nothing_behind_it_stays_one() -> None:
    tree = read_tree(Source("contract.yaml", "keys:\n  practice:\n  year: {every: 12 months}\n"))
    assert "practice:\n" in write(tree)
    assert same(read_tree(Source("again.yaml", write(tree))), tree)


TEXTS = st.text("ab0 .,:#'\"\\{}[]&*!|>%@-?é\n_/()=<~`", max_size=8)
TREES = st.recursive(
    TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS.filter(str.strip), inner, max_size=3),
    max_leaves=8,
)


def tree_of(data: object) -> Tree:
    source = Source("contract.yaml", "")
    place = source.place(0)
    match data:
        case str():
            return Scalar(data, place, source, 0, 0, '"')
        case list():
            return Items(tuple(tree_of(item) for item in data), place)
        case dict():
            return Entries(tuple((tree_of(key), tree_of(value)) for key, value in data.items()), place)  # type: ignore
        case _:
            raise TypeError(data)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(TEXTS.filter(str.strip), TREES, min_size=1, max_size=4))
def test_any_tree_written_out_reads_back(data: dict[str, object]) -> None:
    keys = [" ".join(key.split()) for key in data]
    if len(set(keys)) < len(keys) or "<<" in keys:
        return
    tree = tree_of(data)
    assert same(read_tree(Source("again.yaml", write(tree))), tree)


def test_numbers_in_remove_mean_those_of_the_base(tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    checks = ", ".join(f"{{that: list_size > {n}, each: [practice, year], else: check {n + 1}}}" for n in (0, 0, 1, 1))
    text = f"""accord: 1
contract: base
currency: GBP
term: {{from: 2026-04-01, to: 2027-03-31}}
keys: {{practice: {{}}, year: {{every: 12 months}}}}
inputs: {{lists: {{keys: [practice, year], columns: {{list_size: ratio}}}}}}
quantities: [{{each: [practice, year], size: {{is: list_size, report: true}}}}]
checks: [{checks}]
"""
    (base / "contract.yaml").write_text(text, encoding="utf-8")
    signed = check(base).signed_hash
    varied = tmp_path / "varied.yaml"
    varied.write_text(
        f"accord: 1\nvariation: varied\nof: base\nbase_hash: {signed}\nremove: [checks.1, checks.2, checks.4]\n",
        encoding="utf-8",
    )
    assert [made.message for made in check(varied).checks] == ["check 2"]
