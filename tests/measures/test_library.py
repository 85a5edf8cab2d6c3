"""The library's measures and code lists: each is whole and says where it comes from; lists differ as published."""

from __future__ import annotations

import re

import pytest

from accord.library import CODELISTS, MEASURES, codelist_names, measure_names
from accord.measures.codelist import CodeList, read_list
from accord.measures.measure import find


def code_list(name: str) -> CodeList:
    """A list of the library."""
    head, rows = CODELISTS / f"{name}.yaml", CODELISTS / f"{name}.csv"
    return read_list(head.read_bytes(), rows.read_bytes(), head.name)


def cases(name: str, condition: str = "") -> set[str]:
    """The codes that make a case by a list."""
    return {one.code for one in code_list(name).codes if one.role == "case" and condition in ("", one.condition)}


@pytest.mark.parametrize("name", measure_names())
def test_a_measure_can_be_read_and_cites_its_definition(name: str) -> None:
    measure = find(name)
    assert measure.select.text.startswith("-- "), "a comment at the top says what is measured and who defined it"
    assert measure.card.reference.authority
    weakest = {"verified": 0, "derived": 1, "unverified": 2, "assumed": 2}
    lists = [codes.status for codes in measure.lists.values()]
    if measure.card.status == "verified":
        assert all(weakest[status] == 0 for status in lists), "a verified measure rests on verified lists"


@pytest.mark.parametrize("name", codelist_names())
def test_a_list_can_be_read_and_cites_its_source(name: str) -> None:
    codes = code_list(name)
    assert codes.name == name
    assert codes.source
    if codes.status == "verified":
        assert {one.status for one in codes.codes} == {"verified"}


def test_no_list_is_without_a_measure() -> None:
    used = {codes.name for name in measure_names() for codes in find(name).lists.values()}
    assert used == set(codelist_names())


def test_no_part_is_without_a_measure() -> None:
    used = {part.name for name in measure_names() for part in find(name).parts}
    assert used == {path.stem for path in (MEASURES / "parts").glob("*.sql")}


@pytest.mark.parametrize(
    ("code", "chronic", "nineteen", "fund"),
    [
        ("I25", True, False, False),  # other ischaemic heart disease: in 2.3.i only
        ("I48", True, False, False),  # atrial fibrillation
        ("F03", True, False, False),  # dementia
        ("D51", True, False, False),  # vitamin B12 deficiency
        ("J44", True, True, True),  # COPD: in all three
        ("N12", False, True, True),  # pyelonephritis
        ("R02", False, True, False),  # gangrene
        ("J180", False, False, False),  # bronchopneumonia: in none
    ],
)
def test_lists_differ_as_published(code: str, chronic: bool, nineteen: bool, fund: bool) -> None:
    found = [code in cases(name) for name in ("nhsof-2-3-i", "acsc-19", "iif-ac-02")]
    assert found == [chronic, nineteen, fund]


def test_heart_operations_differ_as_published() -> None:
    def operations(name: str, condition: str) -> set[str]:
        rows = [one for one in code_list(name).codes if one.condition == condition]
        return {one.code for one in rows if "procedure" in one.role}

    ois = operations("nhsof-2-3-i", "congestive heart failure")
    fund = operations("iif-ac-02", "congestive heart failure")
    assert ois - fund == {"K73", "K74"}
    assert fund - ois == set()
    roles = {one.role for one in code_list("iif-ac-02").codes if one.coding == "opcs4"}
    assert roles == {"primary_procedure_excluded"}
    assert {one.role for one in code_list("nhsof-2-3-i").codes if one.coding == "opcs4"} == {"procedure_excluded"}


def test_complications_of_diabetes_stop_at_8() -> None:
    assert {code for code in cases("acsc-19") if code.startswith("E10")} == {f"E10{n}" for n in range(9)}
    assert {code for code in cases("iif-ac-02") if code.startswith("E10")} == {f"E10{n}" for n in range(9)}
    assert "E10" in cases("nhsof-2-3-i")


def test_emergency_methods_by_definition() -> None:
    methods = {
        rule: cases("emergency-admission-methods", rule)
        for rule in ("outcomes framework", "begins with 2", "iif ac-02")
    }
    assert methods["outcomes framework"] == {"21", "22", "23", "24", "25", "28", "2A", "2B", "2C", "2D"}
    assert methods["iif ac-02"] == methods["outcomes framework"] - {"22", "25"}
    assert methods["begins with 2"] == {"2"}


def test_no_snomed_is_shipped() -> None:
    assert not [name for name in codelist_names() for one in code_list(name).codes if one.coding == "snomed"]


@pytest.mark.parametrize("name", [name for name in measure_names() if name.startswith(("continuity", "fragment"))])
def test_the_least_number_of_contacts_is_on_the_card(name: str) -> None:
    measure = find(name)
    least = re.search(r"(?:contacts|count\(\*\)) < (\d)", measure.select.text)
    assert least is not None
    assert f"The least number of contacts is {least[1]}" in measure.card.reference.notes


def test_indirect_rates_forbid_comparing() -> None:
    for name in measure_names():
        card = find(name).card
        if card.standardise is not None and card.standardise.method == "indirect":
            assert card.permits == "the national figure"
            assert card.for_contract()["rate"] == "the national figure"
            assert card.for_contract()["numerator"] == "all"
