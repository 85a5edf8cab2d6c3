"""FHIR resources: what each becomes in the record, and what it says about others that refer to it.

A resource becomes rows of one table (a patient who died also one of ``deaths``; an observation one for each component),
or is set aside with the reason.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from accord.record.readers import fhir_elements as element
from accord.record.readers.fhir_elements import Resource, Row
from accord.record.source import NHS, RefusedRows, SetAside, SourcePart, SourceRows

if TYPE_CHECKING:
    import pyarrow as pa

_FOUND = "it is read where other resources refer to it, and not kept by itself"
_NONE = "the record has no table for it"

ASIDE: Mapping[str, str] = {
    "Location": _FOUND,
    "Practitioner": _FOUND,
    "PractitionerRole": _FOUND,
    "Medication": _FOUND,
    "DiagnosticReport": "a report gathers observations, which are read themselves",
    "MedicationAdministration": "medicines given: the record keeps what was prescribed",
    "MedicationDispense": "medicines handed out: the record keeps what was prescribed",
    "DocumentReference": "documents and free text are not read: they may name persons",
    "Composition": "documents and free text are not read: they may name persons",
    "Communication": "documents and free text are not read: they may name persons",
    "Provenance": "it is about resources, not about care",
    "AllergyIntolerance": "allergies: " + _NONE,
    "CareTeam": "who is in a team: " + _NONE,
    "Goal": "goals of a care plan: " + _NONE,
    "Device": "devices: " + _NONE,
    "SupplyDelivery": "supplies: " + _NONE,
    "ImagingStudy": "images: " + _NONE,
    "Coverage": "insurance cover: " + _NONE,
    "Appointment": "an appointment is counted when it has become an encounter",
    "Bundle": "a bundle inside a bundle is not opened",
}
"""Resource types that are counted and not kept, with the reason; any other unknown type is too, as having no table."""


@dataclass
class Index:
    """What resources say about others, by type and id (and inside a bundle by full address)."""

    ids: dict[str, str] = field(default_factory=dict)
    """``type/id`` of what a full address stands for."""
    numbers: dict[str, str] = field(default_factory=dict)
    """NHS numbers by the patient's id."""
    organisations: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Codes of organisations by id, and whether it is an organisation code of the NHS."""
    stays: dict[str, Resource] = field(default_factory=dict)
    """Encounters in hospital by id."""
    parts: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Parts of a stay by the id of the stay: first day and id of each, in order once they are asked for."""
    diagnoses: dict[str, list[str]] = field(default_factory=dict)
    """ICD-10 codes by the id of the encounter, in the order in which they stand."""
    coded: dict[str, str] = field(default_factory=dict)
    """ICD-10 codes by the id of the condition."""
    procedures: dict[str, list[str]] = field(default_factory=dict)
    """OPCS-4 codes by the id of the encounter."""
    costs: dict[str, int] = field(default_factory=dict)
    """Pence by the id of the encounter, of claims in pounds sterling."""
    medicines: dict[str, Resource] = field(default_factory=dict)
    """Codes of medicines by id."""

    def add(self, resource: Resource, full: str | None) -> None:
        """Take in what this resource says. If it is not formed well, that is said when its own turn comes."""
        with contextlib.suppress(TypeError, ValueError):
            self._add(resource, full)

    def _add(self, resource: Resource, full: str | None) -> None:
        kind, own = resource.get("resourceType"), resource.get("id")
        if not isinstance(kind, str):
            return
        own = own if isinstance(own, str) else full
        if own is None:
            return
        if full is not None:
            self.ids[full] = f"{kind}/{own}"
        self.ids[f"{kind}/{own}"] = f"{kind}/{own}"
        match kind:
            case "Patient":
                number = element.identifier(resource, element.codes().nhs_number)
                if number:
                    self.numbers[own] = number
            case "Organization":
                code = element.identifier(resource, element.codes().organisation_code)
                self.organisations[own] = (code or own, bool(code))
            case "Medication":
                self.medicines[own] = element.fields(resource.get("code"))
            case "Encounter" if element.table_of_class(resource) == "episodes":
                self.stays[own] = resource
                whole = self.named(element.fields(resource.get("partOf")))
                if whole:
                    self.parts.setdefault(whole, []).append(
                        (element.text(element.fields(resource.get("period")).get("start")) or "", own)
                    )
            case "Condition" | "Procedure":
                wanted = "icd10" if kind == "Condition" else "opcs4"
                code = element.code(element.fields(resource.get("code")), (wanted,))
                at = self.named(element.fields(resource.get("encounter")))
                if code and code[0] == wanted:
                    if kind == "Condition":
                        self.coded[own] = code[1]
                    if at:
                        (self.diagnoses if kind == "Condition" else self.procedures).setdefault(at, []).append(code[1])
            case "Claim":
                pence = element.pence(element.fields(resource.get("total")))
                at = next((each for each in map(self.named, element.claimed(resource)) if each), None)
                if pence is not None and at:
                    self.costs[at] = self.costs.get(at, 0) + pence
            case _:
                pass

    def named(self, reference: Resource) -> str | None:
        """The id that a reference means."""
        written = element.text(reference.get("reference"))
        if not written:
            return None
        return (self.ids.get(written) or element.type_and_id(written)).rsplit("/", 1)[-1]


@dataclass
class Gathering:
    """Gathers the rows of some resources, table by table. ``near`` is what is known from the same bundle."""

    identifiers: str
    """The numbering by which persons are known."""
    near: Index | None
    known: str | None
    look_up: Callable[[], Index]
    """What is known from all files."""
    rows: dict[str, list[Row]] = field(default_factory=dict)
    aside: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: list[tuple[int, str]] = field(default_factory=list)

    def refuse(self, number: int, reason: str) -> None:
        """This one cannot be read."""
        self.refused.append((number, reason))

    def set_aside(self, kind: str, reason: str) -> None:
        """This one has no place in the record."""
        self.aside[kind, reason] = self.aside.get((kind, reason), 0) + 1

    def parts(self) -> Iterator[SourcePart]:
        """All that was gathered."""
        import pyarrow as pa

        for table, rows in self.rows.items():
            yield SourceRows(table, _arrow(rows), self.identifiers)
        if self.refused:
            numbers, reasons = zip(*self.refused, strict=True)
            yield RefusedRows(
                pa.table({"source_row": pa.array(numbers, pa.int64()), "reason": pa.array(reasons, pa.string())})
            )
        for (kind, reason), rows in self.aside.items():
            yield SetAside(kind, reason, rows)

    def take(self, number: int, resource: Resource | None, full: str | None) -> None:
        """One resource: rows, or set aside, or refused."""
        kind = resource.get("resourceType") if resource else None
        if resource is None or not isinstance(kind, str) or kind not in element.codes().types:
            self.refuse(number, "it is not a resource of FHIR R4: it has no resourceType, or another")
            return
        maker = _MAKERS.get(kind)
        if maker is None:
            self.set_aside(kind, ASIDE.get(kind, _NONE))
            return
        try:
            made = self._made(number, kind, resource, full, maker)
        except (TypeError, ValueError):
            self.refuse(number, f"the {kind} is not formed as FHIR R4 says")
            return
        if isinstance(made, str):
            self.set_aside(kind, made)
            return
        for table, row in made:
            self.rows.setdefault(table, []).append(row)

    def _made(
        self, number: int, kind: str, resource: Resource, full: str | None, maker: Maker
    ) -> list[tuple[str, Row]] | str:
        """The rows of a resource with what every row has. Raises TypeError or ValueError if it is not formed well."""
        made = maker(self, resource)
        if isinstance(made, str):
            return made
        own = element.text(resource.get("id")) or full
        updated = element.fields(resource.get("meta")).get("lastUpdated")
        known = element.day(updated)
        # any other day would put the row before or after what it replaces
        unknown = bool(updated) and not (known and element.as_day(known[0]))
        withdrawn = element.status(resource) == "entered-in-error"
        for nth, (_, row) in enumerate(made):
            row["source_row"] = number
            row["key"] = f"{kind}/{own}" + (f"#{nth}" if nth else "") if own else None
            row["known"] = known[0] if known else self.known
            row["deleted"] = withdrawn
            if "identifier" not in row:
                row["identifier"] = self._person(resource)
            if unknown:
                row |= {
                    "refused": "meta.lastUpdated is not a time such as 2026-04-01T12:00Z",
                    "refused_column": "known",
                }
        return made

    # what is referred to

    def _person(self, resource: Resource) -> str | None:
        for name in ("subject", "patient"):
            reference = element.fields(resource.get(name))
            if reference:
                inline = element.fields(reference.get("identifier"))
                if self.identifiers == NHS and inline.get("system") == element.codes().nhs_number:
                    return element.text(inline.get("value"))
                own = self._named(reference)
                return None if own is None else self._number(own)
        return None

    def _number(self, own: str) -> str | None:
        if self.identifiers != NHS:
            return own
        if self.near is not None and own in self.near.numbers:
            return self.near.numbers[own]
        return self.look_up().numbers.get(own)

    def _named(self, reference: Resource) -> str | None:
        written = element.text(reference.get("reference"))
        if not written:
            return None
        if self.near is not None and written in self.near.ids:
            return self.near.ids[written].rsplit("/", 1)[-1]
        if written.startswith("urn:"):
            found = self.look_up().ids.get(written)
            return (found or written).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        return element.type_and_id(written).rsplit("/", 1)[-1]

    def _organisation(self, reference: object) -> tuple[str | None, bool]:
        """The code of an organisation, and whether it is one of the NHS."""
        written = element.fields(reference)
        inline = element.fields(written.get("identifier"))
        if inline.get("system") == element.codes().organisation_code and element.text(inline.get("value")):
            return element.text(inline.get("value")), True
        if "|" in (element.text(written.get("reference")) or ""):
            system, _, code = cast("str", written["reference"]).partition("?identifier=")[2].partition("|")
            return code or None, system == element.codes().organisation_code
        own = self._named(written)
        if own is None:
            return None, False
        if self.near is not None and own in self.near.organisations:
            return self.near.organisations[own]
        return self.look_up().organisations.get(own, (own, False))

    def _what(self, name: str, own: str | None) -> Any:
        """What is known about the resource of that id: first here, then in all files."""
        if own is None:
            return None
        if self.near is not None:
            # a bundle that holds an encounter holds what belongs to it
            return getattr(self.near, name).get(own)
        return getattr(self.look_up(), name).get(own)

    # resources

    def patient(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """People, and deaths."""
        own = element.text(resource.get("id"))
        identifier = element.identifier(resource, element.codes().nhs_number) if self.identifiers == NHS else own
        born = element.day(resource.get("birthDate"), year_on="07-01")
        sex = {"male": "male", "female": "female", "other": "indeterminate"}.get(
            element.text(resource.get("gender")) or "", "unknown"
        )
        person: Row = {
            "identifier": identifier,
            "born": born[0] if born else element.text(resource.get("birthDate")),
            "sex": sex,
            "ethnicity": element.ethnicity(resource),
        }
        rows: list[tuple[str, Row]] = [("people", person)]
        died = element.first_day(resource, "deceasedDateTime")
        if died:
            rows.append(("deaths", {"identifier": identifier, "day": died}))
        return rows

    def encounter(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Episodes, attendances, outpatients, consultations or contacts, by class."""
        status = element.status(resource)
        if status in ("planned", "arrived"):
            return "it was planned, and has not happened by these files"
        meaning = element.codes().classes.get(element.text(element.fields(resource.get("class")).get("code")) or "")
        if meaning is None or "aside" in meaning:
            return meaning["aside"] if meaning else "its class says nothing about where the care was given"
        table = meaning["table"]
        period = element.fields(resource.get("period"))
        since = element.day(period.get("start"))
        day = since[0] if since else element.text(period.get("start"))
        provider, of_nhs = self._organisation(resource.get("serviceProvider"))
        types = {
            code for each in element.items(resource.get("type")) for _, code in element.codings(element.fields(each))
        }
        own = element.text(resource.get("id"))
        cost = self._what("costs", own)
        if table == "consultations" and (
            types & element.codes().outpatient_types
            or (of_nhs and not element.codes().practice_code.fullmatch(provider or ""))
        ):
            table = "outpatients"
        if status == "cancelled" and table != "outpatients":
            return "it was cancelled"
        match table:
            case "episodes":
                return self._episode(resource, provider, cost)
            case "attendances":
                return [
                    (
                        table,
                        {
                            "day": day,
                            "provider": provider,
                            "diagnosis": self._diagnoses(resource).split(" ")[0] or None,
                            "disposal": "died" if self._left(resource).get("method") == "4" else None,
                            "cost": cost,
                        },
                    )
                ]
            case "outpatients":
                attended = "cancelled" if status == "cancelled" else "attended"
                return [(table, {"day": day, "provider": provider, "attended": attended, "cost": cost})]
            case _:
                row: Row = {
                    "day": day,
                    "clinician": self._clinician(resource),
                    "minutes": element.minutes(period),
                    "cost": cost,
                }
                if table == "consultations":
                    mode = next(
                        (element.codes().modes[code] for code in sorted(types) if code in element.codes().modes), None
                    )
                    return [(table, {**row, "practice": provider, "mode": mode or meaning.get("mode")})]
                return [(table, {**row, "provider": provider, "attended": "attended"})]

    def _episode(self, resource: Resource, provider: str | None, cost: int | None) -> list[tuple[str, Row]] | str:
        own = element.text(resource.get("id"))
        if self._what("parts", own):
            return "a stay whose parts are encounters of their own, which are read"
        whole = self._named(element.fields(resource.get("partOf")))
        stay = self._what("stays", whole) if whole else None
        if whole and stay is None:
            whole = None  # a part of something that is not a stay in hospital is a stay itself
        stay = stay or resource
        order = sorted(self._what("parts", whole) or []) if whole else []
        number = next((nth for nth, (_, each) in enumerate(order, 1) if each == own), 1)
        period, whole_period = element.fields(resource.get("period")), element.fields(stay.get("period"))
        since, until = element.day(period.get("start")), element.day(period.get("end"))
        admitted, discharged = element.day(whole_period.get("start")), element.day(whole_period.get("end"))
        came, left = self._came(stay), self._left(stay)
        procedures = self._what("procedures", own) or []
        return [
            (
                "episodes",
                {
                    "spell": whole or own,
                    "episode": number,
                    "since": since[0] if since else element.text(period.get("start")),
                    "until": until[0] if until else element.text(period.get("end")),
                    "admitted": admitted[0] if admitted else element.text(whole_period.get("start")),
                    "discharged": discharged[0] if discharged else element.text(whole_period.get("end")),
                    "provider": provider,
                    "admission_method": came.get("method"),
                    "admission_source": came.get("source"),
                    "discharge_destination": left.get("to"),
                    "discharge_method": left.get("method"),
                    "diagnoses": self._diagnoses(resource) or None,
                    "procedures": " ".join(procedures) or None,
                    "cost": cost,
                },
            )
        ]

    def _came(self, resource: Resource) -> Mapping[str, str]:
        found: dict[str, str] = {}
        for extension in element.items(resource.get("extension")):
            # UK Core keeps the method of admission in an extension, with the national code
            if "admissionmethod" in (element.text(element.fields(extension).get("url")) or "").lower():
                coded = list(element.codings(element.fields(element.fields(extension).get("valueCodeableConcept"))))
                found.update({"method": coded[0][1]} if coded else {})
        for system, code in element.codings(
            element.fields(element.fields(resource.get("hospitalization")).get("admitSource"))
        ):
            if "terminology.hl7.org" in system:
                found = {**element.codes().admit_sources.get(code, {}), **found}
            elif re.fullmatch(r"\d\d", code):
                found["source"] = code
        return found

    def _left(self, resource: Resource) -> Mapping[str, str]:
        for system, code in element.codings(
            element.fields(element.fields(resource.get("hospitalization")).get("dischargeDisposition"))
        ):
            if "terminology.hl7.org" in system:
                return element.codes().discharge_dispositions.get(code, {})
            if re.fullmatch(r"\d\d", code):
                return {"to": code, "method": "4"} if code == "79" else {"to": code}
        return {}

    def _diagnoses(self, resource: Resource) -> str:
        """ICD-10 codes of an encounter: those that it lists by rank, then those that name it."""
        listed = sorted(
            (
                int(element.fields(each).get("rank") or 9999),
                nth,
                self._named(element.fields(element.fields(each).get("condition"))),
            )
            for nth, each in enumerate(element.items(resource.get("diagnosis")))
        )
        found = [self._what("coded", condition) for _, _, condition in listed]
        found += self._what("diagnoses", element.text(resource.get("id"))) or []
        return " ".join(dict.fromkeys(code for code in found if code))

    def _clinician(self, resource: Resource) -> str | None:
        for each in element.items(resource.get("participant")):
            who = self._named(element.fields(element.fields(each).get("individual")))
            if who:
                return who
        return None

    def condition(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Conditions."""
        if element.status(resource) == "refuted":
            return "it was refuted: the person does not have it"
        coded = element.code(element.fields(resource.get("code")), ("snomed", "icd10", "icd9", "read"))
        since = element.first_day(resource, "onsetDateTime", "onsetPeriod", "recordedDate")
        until = element.first_day(resource, "abatementDateTime", "abatementPeriod")
        row: Row = {"since": since, "until": element.day_after(until), **element.coding(coded)}
        return [("conditions", row)]

    def observation(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Observations: one for its own value, and one for each component."""
        if element.status(resource) in ("cancelled", "registered"):
            return "it was not made"
        day = element.first_day(resource, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued")
        practice = None
        rows: list[tuple[str, Row]] = []
        components = [element.fields(each) for each in element.items(resource.get("component"))]
        measured = (
            [resource, *components] if element.value(resource)["value"] is not None or not components else components
        )
        for each in measured:
            coded = element.code(element.fields(each.get("code")), _ENTRIES)
            rows.append(
                ("observations", {"day": day, "practice": practice, **element.coding(coded), **element.value(each)})
            )
        return rows

    def procedure(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Procedures, as coded entries."""
        if element.status(resource) in ("not-done", "preparation"):
            return "it was not done"
        day = element.first_day(resource, "performedDateTime", "performedPeriod")
        return [
            (
                "observations",
                {"day": day, **element.coding(element.code(element.fields(resource.get("code")), _ENTRIES))},
            )
        ]

    def immunization(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Vaccinations, as coded entries."""
        if element.status(resource) == "not-done":
            return "it was not done"
        day = element.first_day(resource, "occurrenceDateTime")
        return [
            (
                "observations",
                {"day": day, **element.coding(element.code(element.fields(resource.get("vaccineCode")), _ENTRIES))},
            )
        ]

    def medicine(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Prescriptions."""
        if element.status(resource) in ("draft", "cancelled", "not-taken") or resource.get("doNotPerform") is True:
            return "it was not prescribed, or is not to be taken"
        named = element.fields(resource.get("medicationCodeableConcept"))
        if not named:
            named = self._medicine(resource)
        day = element.first_day(resource, "authoredOn", "effectiveDateTime", "effectivePeriod", "dateAsserted")
        dispense = element.fields(element.fields(resource.get("dispenseRequest")).get("quantity"))
        row: Row = {"day": day, "quantity": element.number(dispense.get("value"))}
        return [("prescriptions", {**row, **element.coding(element.code(named, ("dmd", "bnf", "rxnorm", "ndc")))})]

    def _medicine(self, resource: Resource) -> Resource:
        reference = element.fields(resource.get("medicationReference"))
        written = element.text(reference.get("reference")) or ""
        if written.startswith("#"):
            inside = (element.fields(each) for each in element.items(resource.get("contained")))
            return next((element.fields(each.get("code")) for each in inside if each.get("id") == written[1:]), {})
        own = self._named(reference)
        if self.near is not None and own in self.near.medicines:
            return self.near.medicines[own]
        return self.look_up().medicines.get(own or "", {})

    def care_plan(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Care plans. One that replaces another is its review."""
        if element.status(resource) == "draft" or element.text(resource.get("intent")) in ("proposal", "option"):
            return "it is a draft or a proposal"
        kind = "reviewed" if element.items(resource.get("replaces")) else "made"
        return [("care_plans", {"day": element.first_day(resource, "created", "period"), "kind": kind})]

    def referral(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Referrals and requests for advice; other orders are not."""
        if element.status(resource) in ("draft", "revoked"):
            return "it was not sent, or withdrawn"
        categories = [
            code
            for each in element.items(resource.get("category"))
            for _, code in element.codings(element.fields(each))
        ]
        kind = next(
            (
                element.codes().referral_categories[code]
                for code in categories
                if code in element.codes().referral_categories
            ),
            None,
        )
        if kind is None:
            return "an order that is not a referral, or does not say so in its category"
        priority = {"routine": "routine", "urgent": "urgent", "asap": "urgent", "stat": "urgent"}
        outcome = {"active": "open", "completed": "accepted"}
        row: Row = {
            "day": element.first_day(resource, "authoredOn"),
            "practice": self._organisation(resource.get("requester"))[0],
            "kind": kind,
            "priority": priority.get(element.text(resource.get("priority")) or ""),
            "outcome": outcome.get(element.status(resource) or ""),
        }
        return [("referrals", row)]

    def organisation(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Organisations."""
        code = element.identifier(resource, element.codes().organisation_code)
        practice = code is not None and element.codes().practice_code.fullmatch(code) is not None
        row: Row = {
            "identifier": None,
            "code": code or element.text(resource.get("id")),
            "kind": "practice" if practice else "provider",
            "name": element.text(resource.get("name")),
            "within": self._organisation(resource.get("partOf"))[0],
        }
        return [("organisations", row)]

    def registration(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Registrations with a practice; other episodes of care are not."""
        systems = [
            system
            for each in element.items(resource.get("type"))
            for system, _ in element.codings(element.fields(each))
        ]
        if not any(element.codes().registration_system in system.lower() for system in systems):
            return "an episode of care that is not a registration with a practice"
        period = element.fields(resource.get("period"))
        row: Row = {
            "practice": self._organisation(resource.get("managingOrganization"))[0],
            "since": element.first_day(period, "start"),
            "until": element.day_after(element.first_day(period, "end")),
        }
        return [("registrations", {**row, "identifier": self._person(resource)})]

    def answers(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Answers to questionnaires that are coded or numbers; words are not read."""
        survey = (element.text(resource.get("questionnaire")) or "").split("|")[0].rsplit("/", 1)[-1]
        day = element.first_day(resource, "authored")
        rows: list[tuple[str, Row]] = []
        waiting = [element.fields(each) for each in element.items(resource.get("item"))]
        while waiting:
            item = waiting.pop(0)
            waiting.extend(element.fields(each) for each in element.items(item.get("item")))
            for answer in element.items(item.get("answer")):
                value = element.answer(element.fields(answer))
                waiting.extend(element.fields(each) for each in element.items(element.fields(answer).get("item")))
                if value is not None:
                    question = element.text(item.get("linkId"))
                    rows.append(
                        ("surveys", {"day": day, "survey": survey or None, "question": question, "answer": value})
                    )
        return rows or "its answers are free text, which is not read: it may name persons"

    def money(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Claims: their cost goes to the encounter that they are for."""
        currency = (
            element.text(element.fields(resource.get("total")).get("currency"))
            if isinstance(resource.get("total"), dict)
            else None
        )
        if resource.get("resourceType") == "ExplanationOfBenefit":
            return "what an insurer paid of a claim: the cost of care is read from the claim"
        if currency == "GBP":
            return "its cost is kept with the encounter that it is for"
        return "its money is not in pounds sterling, in which the record keeps costs"


_ENTRIES = ("snomed", "loinc", "icd10", "icd9", "cpt", "read", "cvx")

Maker = Callable[[Gathering, Resource], "list[tuple[str, Row]] | str"]
"""What makes rows of a resource, or says why it is set aside."""

_MAKERS: Mapping[str, Maker] = {
    "Patient": Gathering.patient,
    "Encounter": Gathering.encounter,
    "Condition": Gathering.condition,
    "Observation": Gathering.observation,
    "Procedure": Gathering.procedure,
    "Immunization": Gathering.immunization,
    "MedicationRequest": Gathering.medicine,
    "MedicationStatement": Gathering.medicine,
    "CarePlan": Gathering.care_plan,
    "ServiceRequest": Gathering.referral,
    "Organization": Gathering.organisation,
    "EpisodeOfCare": Gathering.registration,
    "QuestionnaireResponse": Gathering.answers,
    "Claim": Gathering.money,
    "ExplanationOfBenefit": Gathering.money,
}


def _arrow(rows: list[Row]) -> pa.Table:
    """Rows as a table: every column that any of them has, texts but for the row's number, the day and the mark."""
    import pyarrow as pa

    names = list(dict.fromkeys(name for row in rows for name in row))
    columns: dict[str, pa.Array] = {}
    for name in names:
        values = [row.get(name) for row in rows]
        if name == "source_row":
            columns[name] = pa.array(values, pa.int64())
        elif name == "deleted":
            columns[name] = pa.array(values, pa.bool_())
        elif name == "known":
            columns[name] = pa.array([element.as_day(value) for value in values], pa.date32())
        else:
            columns[name] = pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.table(columns)
