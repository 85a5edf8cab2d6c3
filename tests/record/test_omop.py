"""OMOP tables: what each visit, code and date becomes; files of any case and kind; and the 50 people of SynPUF."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from accord.language.problem import DataRefused
from accord.record.definition import table
from accord.record.readers.omop import OmopReader, concepts
from tests.record.gathered import gather

PERSON = """person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,care_site_id,\
person_source_value,ethnicity_source_value
1,8532,1950,3,9,,77,9434765919,A
2,8507,1960,5,,,,,1
3,8521,1970,,,,,,
4,0,1980,,,1980-02-29 00:00:00,,,
"""
CONCEPT = """concept_id\tvocabulary_id\tconcept_code
900\tICD10\tI21.9
901\tICD10CM\te11.65
902\tSNOMED\t22298006
903\tICD9CM\t585.6
904\tOPCS4\tK40.1
905\tRxNorm\t1191
906\tCurrency\tGBP
907\tCurrency\tUSD
908\tICD9Proc\t58.5
"""
VISIT = (
    "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_end_date,care_site_id,provider_id,"
    "admitted_from_concept_id,discharged_to_concept_id\n"
    "10,1,9201,2024-01-02,2024-01-05,5,8,8717,8536\n"
    "11,1,262,2024-02-02,2024-02-03,5,8,0,\n"
    "12,1,9202,2024-03-02,2024-03-02,5,8,,\n"
    "13,1,9203,2024-04-02,2024-04-02,5,8,,\n"
    "14,1,581477,2024-05-02,2024-05-02,77,8,,\n"
    "15,1,5083,20240602,2024-06-02,77,9,,\n"
    "16,1,581476,2024-07-02,2024-07-02,77,9,,\n"
    "17,1,0,2024-08-02,2024-08-02,5,,,\n"
    "18,1,42898160,2024-09-02,2024-09-30,5,,,\n"
    "19,1,123456,2024-09-02,2024-09-30,5,,,\n"
)
CONDITION = (
    "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_end_date,"
    "visit_occurrence_id,condition_source_value,condition_source_concept_id,condition_status_concept_id\n"
    "1,1,902,2024-01-02,2024-01-05,10,E11.65,901,32908\n"
    "2,1,902,2024-01-02,,10,I21.9,900,32902\n"
    "3,1,0,2024-01-02,2024-01-01,10,5856,903,\n"
    "4,1,902,2024-04-02,,13,x,0,\n"
    "5,1,902,2024-04-02,,13,i219,900,\n"
    "6,1,0,2024-04-02,,,LOCAL7,0,\n"
    "7,1,555,2024-04-02,,,,,\n"
    "8,1,0,2024-04-02,,,,,\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    files = {
        "PERSON.csv": PERSON,
        "Concept.csv": CONCEPT,
        "visit_occurrence.CSV": VISIT,
        "condition_occurrence.csv": CONDITION,
        "cost.csv": "cost_id,cost_event_id,cost_domain_id,currency_concept_id,total_cost\n"
        "1,10,Visit,906,1240.505\n2,12,Visit,907,99.00\n3,14,Visit,906,20\n4,14,Visit,906,1.01\n",
        "provider.csv": "provider_id,specialty_concept_id\n8,38004446\n9,38004477\n",
        "observation_period.csv": "observation_period_id,person_id,observation_period_start_date,"
        "observation_period_end_date\n"
        "1,1,2020-01-01,2024-12-31\n2,2,2020-01-01,2024-12-31\n",
        "procedure_occurrence.csv": "procedure_occurrence_id,person_id,procedure_concept_id,procedure_date,"
        "visit_occurrence_id,"
        "procedure_source_value,procedure_source_concept_id\n1,1,0,2024-01-03,10,K401,904\n2,1,0,2024-01-03,10,585,908\n",
        "drug_exposure.csv": "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,quantity\n"
        "1,1,905,2024-01-03,28\n",
        "death.csv": "person_id,death_date,cause_source_concept_id\n1,2024-12-01,900\n2,2024-12-01,903\n",
        "drug_era.csv": "drug_era_id\n1\n2\n",
        "cdm_source.csv": "cdm_source_name,source_release_date\nX,2025-01-31\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    return tmp_path


def test_people(folder: Path) -> None:
    assert gather(OmopReader(), folder).of("people", "identifier", "born", "sex", "ethnicity") == [
        ("1", "1950-03-09", "female", "A"),
        ("2", "1960-05-01", "male", None),  # the day is not known: the first of the month; "1" is no ethnic category
        ("3", "1970-07-01", "indeterminate", None),  # only the year is known: the middle of it
        ("4", "1980-02-29", "unknown", None),
    ]


def test_every_kind_of_visit_has_its_table(folder: Path) -> None:
    found = gather(OmopReader(), folder)
    assert found.of(
        "episodes", "key", "since", "until", "admission_method", "admission_source", "discharge_destination"
    ) == [
        ("visit_occurrence:10", "2024-01-02", "2024-01-05", None, "51", "19"),
        ("visit_occurrence:11", "2024-02-02", "2024-02-03", "21", None, None),
    ]
    assert found.of("attendances", "key", "disposal") == [
        ("visit_occurrence:11", "admitted"),  # through the emergency room to a bed: both
        ("visit_occurrence:13", None),
    ]
    assert found.of("outpatients", "key", "attended") == [("visit_occurrence:12", "attended")]
    assert found.of("consultations", "key", "day", "role", "mode") == [
        ("visit_occurrence:14", "2024-05-02", "gp", "face to face"),
        ("visit_occurrence:15", "2024-06-02", None, None),
    ]
    assert found.of("community_contacts", "key") == [("visit_occurrence:16",)]
    aside = {reason: rows for (kind, reason), rows in found.aside.items() if kind == "visit_occurrence"}
    assert aside == {
        "the kind of visit is not known (visit_concept_id 0)": 1,
        "a stay in a home: no council that arranges it is known, which social_care needs": 1,
        "no table is known for visits of the concept 123456 (see omop.yaml)": 1,
    }


def test_codes_keep_their_own_coding(folder: Path) -> None:
    found = gather(OmopReader(), folder)
    assert found.of("conditions", "coding", "code", "until") == [
        ("icd10", "E1165", "2024-01-06"),  # the last day of the source, and one more
        ("icd10", "I219", None),
        ("icd9", "5856", "2024-01-02"),  # before it began: the loading says so
        ("snomed", "22298006", None),  # no code of the source: the standard one
        ("icd10", "I219", None),
        ("local", "LOCAL7", None),
        ("omop", "555", None),  # a concept that the vocabulary here does not have
        (None, None, None),
    ]
    assert [row["refused"] for row in found.rows["conditions"]][-2:] == [
        None,
        "it has neither a concept nor a code of the source",
    ]
    assert found.of("observations", "coding", "code") == [("omop", "904"), ("omop", "908")]
    assert found.of("prescriptions", "coding", "code", "quantity") == [("rxnorm", "1191", "28")]


def test_only_icd_10_and_opcs_4_become_diagnoses_and_procedures_of_a_stay_the_primary_first(folder: Path) -> None:
    found = gather(OmopReader(), folder)
    assert found.of("episodes", "diagnoses", "procedures") == [("I219 E1165", "K401"), (None, None)]
    assert found.of("attendances", "diagnosis") == [(None,), ("I219",)]
    assert found.of("deaths", "identifier", "cause") == [("1", "I219"), ("2", None)]


def test_costs_are_kept_where_they_are_pounds(folder: Path) -> None:
    found = gather(OmopReader(), folder)
    assert found.of("episodes", "cost") == [(124051,), (None,)]
    assert found.of("outpatients", "cost") == [(None,)]  # dollars
    assert found.of("consultations", "cost") == [(2101,), (None,)]


def test_a_registration_needs_a_practice(folder: Path) -> None:
    found = gather(OmopReader(), folder)
    assert found.of("registrations", "identifier", "practice", "since", "until") == [
        ("1", "77", "2020-01-01", "2025-01-01")
    ]
    assert (
        found.aside[
            "observation_period", "a registration needs a practice, and person.care_site_id names none for this person"
        ]
        == 1
    )


def test_the_day_of_the_data_set_is_when_its_rows_became_known(folder: Path) -> None:
    assert {str(row["known"]) for row in gather(OmopReader(), folder).rows["people"]} == {"2025-01-31"}


def test_nhs_numbers_in_the_source_value(folder: Path) -> None:
    found = gather(OmopReader(identifiers="nhs"), folder)
    assert found.numberings == {"nhs"}
    assert found.of("people", "identifier") == [("9434765919",), (None,), (None,), (None,)]
    assert {row["identifier"] for row in found.rows["conditions"]} == {"9434765919"}


def test_parts_of_a_stay_are_episodes(folder: Path) -> None:
    (folder / "visit_detail.csv").write_text(
        "visit_detail_id,person_id,visit_detail_start_date,visit_detail_end_date,visit_occurrence_id,care_site_id\n"
        "2,1,2024-01-04,2024-01-05,10,\n1,1,2024-01-02,2024-01-04,10,6\n3,1,2024-03-02,2024-03-02,12,6\n"
    )
    found = gather(OmopReader(), folder)
    rows = sorted(found.of("episodes", "spell", "episode", "since", "until", "admitted", "discharged", "provider"))
    assert rows == [
        ("10", 1, "2024-01-02", "2024-01-04", "2024-01-02", "2024-01-05", "6"),
        ("10", 2, "2024-01-04", "2024-01-05", "2024-01-02", "2024-01-05", "5"),
        ("11", 1, "2024-02-02", "2024-02-03", "2024-02-02", "2024-02-03", "5"),
    ]
    assert found.aside["visit_occurrence", "a stay whose parts are read from visit_detail"] == 1
    assert (
        found.aside["visit_detail", "a part of a visit that is not a stay in hospital: the visit itself is kept"] == 1
    )


def test_parquet_gives_the_same_as_csv(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("parquet")
    for path in folder.iterdir():
        options = pc.ParseOptions(delimiter="\t" if path.name == "Concept.csv" else ",")
        (other / path.stem.lower()).mkdir()
        pq.write_table(pc.read_csv(path, parse_options=options), other / path.stem.lower() / "part-0.parquet")
    from_csv, from_parquet = gather(OmopReader(), folder), gather(OmopReader(), other)
    assert from_csv.read == from_parquet.read
    assert from_csv.aside == from_parquet.aside
    for name, rows in from_csv.rows.items():
        # Parquet has typed the numbers and the days; 20240602 is a number there, and still a day
        assert [{k: str(v) for k, v in row.items()} for row in rows] == [
            {k: str(v) for k, v in row.items()} for row in from_parquet.rows[name]
        ], name


def test_tables_in_several_parts_give_the_same_as_whole(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Big exports have many files for a table: what belongs to one visit then stands in several."""
    (folder / "visit_detail.csv").write_text(
        "visit_detail_id,person_id,visit_detail_start_date,visit_detail_end_date,visit_occurrence_id\n"
        "2,1,2024-01-04,2024-01-05,10\n1,1,2024-01-02,2024-01-04,10\n3,1,2024-03-02,2024-03-02,12\n"
    )
    other = tmp_path_factory.mktemp("parts")
    for path in folder.iterdir():
        heading, *rows = path.read_text().splitlines(keepends=True)
        (other / path.stem).mkdir()
        for part in range(3):
            (other / path.stem / f"part-{part}.csv").write_text(heading + "".join(rows[part::3]))
    whole, parts = gather(OmopReader(), folder), gather(OmopReader(), other)
    assert (whole.read, whole.aside, whole.refused) == (parts.read, parts.aside, parts.refused)
    for name, rows in whole.rows.items():
        told = [sorted(str({**row, "source_row": 0}) for row in each) for each in (rows, parts.rows[name])]
        assert told[0] == told[1], name


def test_lines_that_cannot_be_read_are_refused_with_their_place(folder: Path) -> None:
    with (folder / "drug_exposure.csv").open("ab") as file:
        file.write(b"2,1,905,2024-01-03\n3,1,905,2024-01-03,\xff\n4,1,905,2024-01-04,30\n")
    found = gather(OmopReader(), folder)
    assert found.refused == [
        ("drug_exposure.csv", 2, "the line has fewer values than the heading"),
        ("drug_exposure.csv", 3, "the line has bytes that are not of the encoding utf-8"),
    ]
    assert found.of("prescriptions", "source_row", "quantity") == [(1, "28"), (4, "30")]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("perons.csv", "person_id\n", "perons.csv: this is not a table of OMOP CDM 5\n    fix: did you mean person?"),
        ("person.csv", "person_id,gender_concept_id\n", "the table person has no column year_of_birth"),
        ("person.csv", "", "there is no heading"),
        ("person.csv", "person_id,person_id\n", "columns 1 and 2 have the same name"),
        ("person.parquet", "PAR1 cut off", "person.parquet: this file is not whole Parquet"),
    ],
)
def test_files_that_are_refused(tmp_path: Path, name: str, content: str, said: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(DataRefused) as refused:
        OmopReader().files([tmp_path])
    assert said in str(refused.value)


def test_the_definitions_name_the_counterparts_of_what_is_read(folder: Path) -> None:
    found = gather(OmopReader(), folder)
    for name, rows in found.rows.items():
        for column in table(name).columns:
            if any(row.get(column.name) is not None for row in rows) and (name, column.name) not in SAID_OF_THE_TABLE:
                assert (column.counterparts or {}).get("omop"), f"{name}.{column.name}"


SAID_OF_THE_TABLE = {
    *(("outpatients", "attended"), ("community_contacts", "attended")),  # a visit is one that took place
    *(("episodes", "episode"), ("attendances", "disposal"), ("organisations", "kind")),
    *((name, "coding") for name in ("conditions", "observations", "prescriptions")),  # the vocabulary of the code
    *(("episodes", "discharge_method"), ("community_contacts", "cost")),
}


def test_what_the_concepts_file_says_is_used() -> None:
    tables = {"episodes", "attendances", "outpatients", "consultations", "community_contacts"}
    for concept, visit in concepts().visits.items():
        assert visit.get("table") in tables or visit.get("aside"), concept


def test_synpuf(real_data: Callable[[str], Path]) -> None:
    found = gather(OmopReader(), real_data("omop_synpuf"))
    assert found.read == 29_516
    assert {name: len(rows) for name, rows in found.rows.items() if rows} == {
        "people": 50,
        "deaths": 4,
        "episodes": 25,
        "outpatients": 209,
        "conditions": 5_121,
        "observations": 4_713 + 1_065 + 733 + 29,
        "prescriptions": 2_140,
    }
    assert found.aside["visit_occurrence", "the kind of visit is not known (visit_concept_id 0)"] == 1_613
    assert {row["coding"] for row in found.rows["conditions"]} == {"icd9"}
    # American claims are coded in ICD-9: nothing of that may stand among ICD-10 diagnoses
    assert {row["diagnoses"] for row in found.rows["episodes"]} == {None}
    assert not found.refused
