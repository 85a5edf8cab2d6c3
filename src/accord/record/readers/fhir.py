"""FHIR: resources of FHIR R4, in bundles (JSON) or bulk NDJSON, plain or gzipped, as rows of the record.

A resource becomes rows of one table (a patient who died also one of ``deaths``; an observation one for each component),
or is set aside with the reason. What codes and systems mean stands in ``fhir.yaml`` beside this module.

References are followed inside a bundle by ``fullUrl`` or type and id, and across the given files by type and id. A time
counts on the day that is written, in the zone in which it is written. Of a partial date the first day counts that it
may mean; only a birth of which nothing but the year is known counts on 1 July.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.language.text import decode, read_tree
from accord.record.readers.delimited import content_hash, plain
from accord.record.source import NHS, RefusedRows, RowsRead, SetAside, SourceFile, SourcePart, SourceRows

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

VERSION = "2"
"""Changes when the same file would be read differently."""

CODES = Path(__file__).parent / "fhir.yaml"
"""What FHIR's systems and codes mean for the record."""

SUFFIXES = (".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz")
"""The files of FHIR that are read."""

MARK = b"\xef\xbb\xbf"
"""What some programs put before UTF-8."""

PIECE = 50_000
"""So many resources of an NDJSON file are handed on at a time."""

OWN = "fhir"
"""The numbering of patients without NHS numbers: the ids of the server (or generator) that made the files."""

Resource = dict[str, Any]
"""A resource as JSON has it."""

Row = dict[str, str | int | bool | None]
"""A row for the record: the values of some columns."""

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

_LOOKED_UP = (b"Patient", b"Organization", b"Practitioner", b"Encounter", b"Condition", b"Procedure", b"Claim",
              b"ExplanationOfBenefit", b"Medication")  # fmt: skip
_TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]+)"')
_DAY = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T.*)?)?)?")

_UNDASHED = re.compile(r"(\d{4})(\d{2})(\d{2})")


@dataclass(frozen=True, slots=True)
class Codes:
    """What FHIR's systems and codes mean: one file, read once."""

    systems: Mapping[str, str]
    nhs_number: str
    organisation_code: str
    practice_code: re.Pattern[str]
    classes: Mapping[str, Mapping[str, str]]
    outpatient_types: frozenset[str]
    modes: Mapping[str, str]
    admit_sources: Mapping[str, Mapping[str, str]]
    discharge_dispositions: Mapping[str, Mapping[str, str]]
    referral_categories: Mapping[str, str]
    registration_system: str
    types: frozenset[str]


@cache
def codes() -> Codes:
    """What ``fhir.yaml`` says."""
    read = cast("dict[str, Any]", plain(read_tree(decode(CODES.read_bytes(), CODES.name))))
    read["practice_code"] = re.compile(read["practice_code"])
    read["outpatient_types"] = frozenset(read["outpatient_types"])
    read["types"] = frozenset(read["types"])
    return Codes(**read)


@dataclass
class FhirReader:
    """Reads FHIR resources. ``source`` names the data set.

    ``identifiers``: how persons are known: ``nhs`` by the NHS numbers of their Patient resources, ``fhir`` by the ids
    of these. If it is not given, the files decide: by NHS numbers if any Patient among them has one.
    """

    source: str = "fhir"
    identifiers: str | None = None
    name: str = field(default="fhir", init=False)
    _files: tuple[SourceFile, ...] = field(default=(), init=False, repr=False)
    _index: _Index | None = field(default=None, init=False, repr=False)
    _content: str = field(default="", init=False, repr=False)

    @property
    def fingerprint(self) -> str:
        """Differs when the same files would be read differently."""
        codes_said = hashlib.sha256(CODES.read_bytes()).hexdigest()[:16]
        return f"fhir {VERSION} {self.identifiers} {codes_said} {self._content}"

    def files(self, given: Sequence[Path]) -> tuple[SourceFile, ...]:
        """The FHIR files among what is given (folders are looked through), in the order of their names.

        A bundle is called by its number in that order, since its name may be a patient's.

        Raises:
            DataRefused: a file is not FHIR by its name, or nothing says how persons are known.
        """
        paths = list(_paths(given))
        wrong = [path for path in paths if not path.name.lower().endswith(SUFFIXES)]
        if wrong or not paths:
            what = "a file's name does not end as those of FHIR do" if wrong else "there are no FHIR files there"
            fix = f"give files that end with {', '.join(SUFFIXES)}, or a folder of them"
            raise DataRefused(Problem(Place("", 0, 0), what, fix))
        found: list[SourceFile] = []
        bundles = 0
        for path in paths:
            if ".json" in path.name.lower() and ".jsonl" not in path.name.lower():
                bundles += 1
                found.append(SourceFile(path, f"bundle {bundles}", "bundle", self.source))
            else:
                found.append(SourceFile(path, path.name, "ndjson", self.source))
        self._files, self._index = tuple(found), None
        # bulk files refer to each other: when any of them changes, all are read again
        self._content = content_hash(file for file in found if file.kind == "ndjson")
        if self.identifiers is None:
            self.identifiers = self._numbering()
        return self._files

    def rows(self, file: SourceFile, con: duckdb.DuckDBPyConnection) -> Iterator[SourcePart]:
        """What a file holds: rows for the record, lines that cannot be read, and how many are set aside."""
        yield from (self._bundle(file) if file.kind == "bundle" else self._ndjson(file))

    def _numbering(self) -> str:
        known_by = codes().nhs_number.encode()
        patients = False
        for file in self._files:
            for content in _pieces(file):
                if known_by in content:
                    return NHS
                patients = patients or any(each == b"Patient" for each in _TYPE.findall(content))
        if not patients:
            raise DataRefused(
                Problem(
                    Place("", 0, 0),
                    "there is no Patient among these files, so that nothing says how persons are known",
                    "give the Patient resources too, or say how persons are known: --identifiers nhs, or fhir",
                )
            )
        return OWN

    def _look_up(self) -> _Index:
        """What other resources say, from all files: made when something is first looked for that is not at hand."""
        if self._index is None:
            index = _Index()
            for file in self._files:
                for resource, full in _resources_of(file):
                    index.add(resource, full)
            self._index = index
        return self._index

    def _bundle(self, file: SourceFile) -> Iterator[SourcePart]:
        bundle = _json(_content(file), file)
        if bundle.get("resourceType") != "Bundle" and isinstance(bundle.get("resourceType"), str):
            bundle = {"entry": [{"resource": bundle}]}  # a file with a single resource
        entries = bundle.get("entry")
        if not isinstance(entries, list):
            raise DataRefused(
                Problem(
                    Place(file.label, 0, 0),
                    "this is neither a bundle nor a resource of FHIR",
                    "a bundle has a list entry",
                )
            )
        near = _Index()
        resources: list[tuple[int, Resource | None, str | None]] = []
        for number, entry in enumerate(cast("list[Any]", entries), 1):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            full = entry.get("fullUrl") if isinstance(entry, dict) else None
            resources.append(
                (number, resource if isinstance(resource, dict) else None, full if isinstance(full, str) else None)
            )
            if isinstance(resource, dict):
                near.add(resource, full if isinstance(full, str) else None)
        known = _day(bundle.get("timestamp"))
        mapping = _Mapping(self, near, known[0] if known else None)
        for number, resource, full in resources:
            mapping.take(number, resource, full)
        yield from mapping.parts()
        yield RowsRead(len(resources))

    def _ndjson(self, file: SourceFile) -> Iterator[SourcePart]:
        import orjson

        mapping = _Mapping(self, None, None)
        rows = 0
        for number, line in enumerate(_lines(file), 1):
            if not line.strip():
                continue
            rows += 1
            try:
                resource = orjson.loads(line.removeprefix(MARK) if number == 1 else line)
            except orjson.JSONDecodeError:
                mapping.refuse(number, "the line is not JSON")
                continue
            mapping.take(number, resource if isinstance(resource, dict) else None, None)
            if rows % PIECE == 0:
                yield from mapping.parts()
                mapping = _Mapping(self, None, None)
        yield from mapping.parts()
        yield RowsRead(rows)


@dataclass
class _Index:
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
                number = _identifier(resource, codes().nhs_number)
                if number:
                    self.numbers[own] = number
            case "Organization":
                code = _identifier(resource, codes().organisation_code)
                self.organisations[own] = (code or own, bool(code))
            case "Medication":
                self.medicines[own] = _dict(resource.get("code"))
            case "Encounter" if _table_of_class(resource) == "episodes":
                self.stays[own] = resource
                whole = self.named(_dict(resource.get("partOf")))
                if whole:
                    self.parts.setdefault(whole, []).append(
                        (_text(_dict(resource.get("period")).get("start")) or "", own)
                    )
            case "Condition" | "Procedure":
                wanted = "icd10" if kind == "Condition" else "opcs4"
                code = _code(_dict(resource.get("code")), (wanted,))
                at = self.named(_dict(resource.get("encounter")))
                if code and code[0] == wanted:
                    if kind == "Condition":
                        self.coded[own] = code[1]
                    if at:
                        (self.diagnoses if kind == "Condition" else self.procedures).setdefault(at, []).append(code[1])
            case "Claim":
                pence = _pence(_dict(resource.get("total")))
                at = next((each for each in map(self.named, _claimed(resource)) if each), None)
                if pence is not None and at:
                    self.costs[at] = self.costs.get(at, 0) + pence
            case _:
                pass

    def named(self, reference: Resource) -> str | None:
        """The id that a reference means."""
        written = _text(reference.get("reference"))
        if not written:
            return None
        return (self.ids.get(written) or _type_and_id(written)).rsplit("/", 1)[-1]


@dataclass
class _Mapping:
    """Gathers the rows of some resources, table by table. ``near`` is what is known from the same bundle."""

    reader: FhirReader
    near: _Index | None
    known: str | None
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
            yield SourceRows(table, _arrow(rows), self.reader.identifiers or OWN)
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
        if resource is None or not isinstance(kind, str) or kind not in codes().types:
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
        own = _text(resource.get("id")) or full
        updated = _dict(resource.get("meta")).get("lastUpdated")
        known = _day(updated)
        # any other day would put the row before or after what it replaces
        unknown = bool(updated) and not (known and _as_day(known[0]))
        withdrawn = _status(resource) == "entered-in-error"
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
            reference = _dict(resource.get(name))
            if reference:
                inline = _dict(reference.get("identifier"))
                if self.reader.identifiers == NHS and inline.get("system") == codes().nhs_number:
                    return _text(inline.get("value"))
                own = self._named(reference)
                return None if own is None else self._number(own)
        return None

    def _number(self, own: str) -> str | None:
        if self.reader.identifiers != NHS:
            return own
        if self.near is not None and own in self.near.numbers:
            return self.near.numbers[own]
        return self.reader._look_up().numbers.get(own)

    def _named(self, reference: Resource) -> str | None:
        written = _text(reference.get("reference"))
        if not written:
            return None
        if self.near is not None and written in self.near.ids:
            return self.near.ids[written].rsplit("/", 1)[-1]
        if written.startswith("urn:"):
            found = self.reader._look_up().ids.get(written)
            return (found or written).rsplit("/", 1)[-1].rsplit(":", 1)[-1]
        return _type_and_id(written).rsplit("/", 1)[-1]

    def _organisation(self, reference: object) -> tuple[str | None, bool]:
        """The code of an organisation, and whether it is one of the NHS."""
        written = _dict(reference)
        inline = _dict(written.get("identifier"))
        if inline.get("system") == codes().organisation_code and _text(inline.get("value")):
            return _text(inline.get("value")), True
        if "|" in (_text(written.get("reference")) or ""):
            system, _, code = cast("str", written["reference"]).partition("?identifier=")[2].partition("|")
            return code or None, system == codes().organisation_code
        own = self._named(written)
        if own is None:
            return None, False
        if self.near is not None and own in self.near.organisations:
            return self.near.organisations[own]
        return self.reader._look_up().organisations.get(own, (own, False))

    def _what(self, name: str, own: str | None) -> Any:
        """What is known about the resource of that id: first here, then in all files."""
        if own is None:
            return None
        if self.near is not None:
            # a bundle that holds an encounter holds what belongs to it
            return getattr(self.near, name).get(own)
        return getattr(self.reader._look_up(), name).get(own)

    # resources

    def patient(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """People, and deaths."""
        own = _text(resource.get("id"))
        identifier = _identifier(resource, codes().nhs_number) if self.reader.identifiers == NHS else own
        born = _day(resource.get("birthDate"), year_on="07-01")
        sex = {"male": "male", "female": "female", "other": "indeterminate"}.get(
            _text(resource.get("gender")) or "", "unknown"
        )
        person: Row = {
            "identifier": identifier,
            "born": born[0] if born else _text(resource.get("birthDate")),
            "sex": sex,
            "ethnicity": _ethnicity(resource),
        }
        rows: list[tuple[str, Row]] = [("people", person)]
        died = _first_day(resource, "deceasedDateTime")
        if died:
            rows.append(("deaths", {"identifier": identifier, "day": died}))
        return rows

    def encounter(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Episodes, attendances, outpatients, consultations or contacts, by class."""
        status = _status(resource)
        if status in ("planned", "arrived"):
            return "it was planned, and has not happened by these files"
        meaning = codes().classes.get(_text(_dict(resource.get("class")).get("code")) or "")
        if meaning is None or "aside" in meaning:
            return meaning["aside"] if meaning else "its class says nothing about where the care was given"
        table = meaning["table"]
        period = _dict(resource.get("period"))
        since = _day(period.get("start"))
        day = since[0] if since else _text(period.get("start"))
        provider, of_nhs = self._organisation(resource.get("serviceProvider"))
        types = {code for each in _list(resource.get("type")) for _, code in _codings(_dict(each))}
        own = _text(resource.get("id"))
        cost = self._what("costs", own)
        if table == "consultations" and (
            types & codes().outpatient_types or (of_nhs and not codes().practice_code.fullmatch(provider or ""))
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
                    "minutes": _minutes(period),
                    "cost": cost,
                }
                if table == "consultations":
                    mode = next((codes().modes[code] for code in sorted(types) if code in codes().modes), None)
                    return [(table, {**row, "practice": provider, "mode": mode or meaning.get("mode")})]
                return [(table, {**row, "provider": provider, "attended": "attended"})]

    def _episode(self, resource: Resource, provider: str | None, cost: int | None) -> list[tuple[str, Row]] | str:
        own = _text(resource.get("id"))
        if self._what("parts", own):
            return "a stay whose parts are encounters of their own, which are read"
        whole = self._named(_dict(resource.get("partOf")))
        stay = self._what("stays", whole) if whole else None
        if whole and stay is None:
            whole = None  # a part of something that is not a stay in hospital is a stay itself
        stay = stay or resource
        order = sorted(self._what("parts", whole) or []) if whole else []
        number = next((nth for nth, (_, each) in enumerate(order, 1) if each == own), 1)
        period, whole_period = _dict(resource.get("period")), _dict(stay.get("period"))
        since, until = _day(period.get("start")), _day(period.get("end"))
        admitted, discharged = _day(whole_period.get("start")), _day(whole_period.get("end"))
        came, left = self._came(stay), self._left(stay)
        procedures = self._what("procedures", own) or []
        return [
            (
                "episodes",
                {
                    "spell": whole or own,
                    "episode": number,
                    "since": since[0] if since else _text(period.get("start")),
                    "until": until[0] if until else _text(period.get("end")),
                    "admitted": admitted[0] if admitted else _text(whole_period.get("start")),
                    "discharged": discharged[0] if discharged else _text(whole_period.get("end")),
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
        for extension in _list(resource.get("extension")):
            # UK Core keeps the method of admission in an extension, with the national code
            if "admissionmethod" in (_text(_dict(extension).get("url")) or "").lower():
                coded = list(_codings(_dict(_dict(extension).get("valueCodeableConcept"))))
                found.update({"method": coded[0][1]} if coded else {})
        for system, code in _codings(_dict(_dict(resource.get("hospitalization")).get("admitSource"))):
            if "terminology.hl7.org" in system:
                found = {**codes().admit_sources.get(code, {}), **found}
            elif re.fullmatch(r"\d\d", code):
                found["source"] = code
        return found

    def _left(self, resource: Resource) -> Mapping[str, str]:
        for system, code in _codings(_dict(_dict(resource.get("hospitalization")).get("dischargeDisposition"))):
            if "terminology.hl7.org" in system:
                return codes().discharge_dispositions.get(code, {})
            if re.fullmatch(r"\d\d", code):
                return {"to": code, "method": "4"} if code == "79" else {"to": code}
        return {}

    def _diagnoses(self, resource: Resource) -> str:
        """ICD-10 codes of an encounter: those that it lists by rank, then those that name it."""
        listed = sorted(
            (int(_dict(each).get("rank") or 9999), nth, self._named(_dict(_dict(each).get("condition"))))
            for nth, each in enumerate(_list(resource.get("diagnosis")))
        )
        found = [self._what("coded", condition) for _, _, condition in listed]
        found += self._what("diagnoses", _text(resource.get("id"))) or []
        return " ".join(dict.fromkeys(code for code in found if code))

    def _clinician(self, resource: Resource) -> str | None:
        for each in _list(resource.get("participant")):
            who = self._named(_dict(_dict(each).get("individual")))
            if who:
                return who
        return None

    def condition(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Conditions."""
        if _status(resource) == "refuted":
            return "it was refuted: the person does not have it"
        coded = _code(_dict(resource.get("code")), ("snomed", "icd10", "icd9", "read"))
        since = _first_day(resource, "onsetDateTime", "onsetPeriod", "recordedDate")
        until = _first_day(resource, "abatementDateTime", "abatementPeriod")
        row: Row = {"since": since, "until": _day_after(until), **_coding(coded)}
        return [("conditions", row)]

    def observation(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Observations: one for its own value, and one for each component."""
        if _status(resource) in ("cancelled", "registered"):
            return "it was not made"
        day = _first_day(resource, "effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued")
        practice = None
        rows: list[tuple[str, Row]] = []
        components = [_dict(each) for each in _list(resource.get("component"))]
        measured = [resource, *components] if _value(resource)["value"] is not None or not components else components
        for each in measured:
            coded = _code(_dict(each.get("code")), _ENTRIES)
            rows.append(("observations", {"day": day, "practice": practice, **_coding(coded), **_value(each)}))
        return rows

    def procedure(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Procedures, as coded entries."""
        if _status(resource) in ("not-done", "preparation"):
            return "it was not done"
        day = _first_day(resource, "performedDateTime", "performedPeriod")
        return [("observations", {"day": day, **_coding(_code(_dict(resource.get("code")), _ENTRIES))})]

    def immunization(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Vaccinations, as coded entries."""
        if _status(resource) == "not-done":
            return "it was not done"
        day = _first_day(resource, "occurrenceDateTime")
        return [("observations", {"day": day, **_coding(_code(_dict(resource.get("vaccineCode")), _ENTRIES))})]

    def medicine(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Prescriptions."""
        if _status(resource) in ("draft", "cancelled", "not-taken") or resource.get("doNotPerform") is True:
            return "it was not prescribed, or is not to be taken"
        named = _dict(resource.get("medicationCodeableConcept"))
        if not named:
            named = self._medicine(resource)
        day = _first_day(resource, "authoredOn", "effectiveDateTime", "effectivePeriod", "dateAsserted")
        dispense = _dict(_dict(resource.get("dispenseRequest")).get("quantity"))
        row: Row = {"day": day, "quantity": _number(dispense.get("value"))}
        return [("prescriptions", {**row, **_coding(_code(named, ("dmd", "bnf", "rxnorm", "ndc")))})]

    def _medicine(self, resource: Resource) -> Resource:
        reference = _dict(resource.get("medicationReference"))
        written = _text(reference.get("reference")) or ""
        if written.startswith("#"):
            inside = (_dict(each) for each in _list(resource.get("contained")))
            return next((_dict(each.get("code")) for each in inside if each.get("id") == written[1:]), {})
        own = self._named(reference)
        if self.near is not None and own in self.near.medicines:
            return self.near.medicines[own]
        return self.reader._look_up().medicines.get(own or "", {})

    def care_plan(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Care plans. One that replaces another is its review."""
        if _status(resource) == "draft" or _text(resource.get("intent")) in ("proposal", "option"):
            return "it is a draft or a proposal"
        kind = "reviewed" if _list(resource.get("replaces")) else "made"
        return [("care_plans", {"day": _first_day(resource, "created", "period"), "kind": kind})]

    def referral(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Referrals and requests for advice; other orders are not."""
        if _status(resource) in ("draft", "revoked"):
            return "it was not sent, or withdrawn"
        categories = [code for each in _list(resource.get("category")) for _, code in _codings(_dict(each))]
        kind = next(
            (codes().referral_categories[code] for code in categories if code in codes().referral_categories), None
        )
        if kind is None:
            return "an order that is not a referral, or does not say so in its category"
        priority = {"routine": "routine", "urgent": "urgent", "asap": "urgent", "stat": "urgent"}
        outcome = {"active": "open", "completed": "accepted"}
        row: Row = {
            "day": _first_day(resource, "authoredOn"),
            "practice": self._organisation(resource.get("requester"))[0],
            "kind": kind,
            "priority": priority.get(_text(resource.get("priority")) or ""),
            "outcome": outcome.get(_status(resource) or ""),
        }
        return [("referrals", row)]

    def organisation(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Organisations."""
        code = _identifier(resource, codes().organisation_code)
        practice = code is not None and codes().practice_code.fullmatch(code) is not None
        row: Row = {
            "identifier": None,
            "code": code or _text(resource.get("id")),
            "kind": "practice" if practice else "provider",
            "name": _text(resource.get("name")),
            "within": self._organisation(resource.get("partOf"))[0],
        }
        return [("organisations", row)]

    def registration(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Registrations with a practice; other episodes of care are not."""
        systems = [system for each in _list(resource.get("type")) for system, _ in _codings(_dict(each))]
        if not any(codes().registration_system in system.lower() for system in systems):
            return "an episode of care that is not a registration with a practice"
        period = _dict(resource.get("period"))
        row: Row = {
            "practice": self._organisation(resource.get("managingOrganization"))[0],
            "since": _first_day(period, "start"),
            "until": _day_after(_first_day(period, "end")),
        }
        return [("registrations", {**row, "identifier": self._person(resource)})]

    def answers(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Answers to questionnaires that are coded or numbers; words are not read."""
        survey = (_text(resource.get("questionnaire")) or "").split("|")[0].rsplit("/", 1)[-1]
        day = _first_day(resource, "authored")
        rows: list[tuple[str, Row]] = []
        waiting = [_dict(each) for each in _list(resource.get("item"))]
        while waiting:
            item = waiting.pop(0)
            waiting.extend(_dict(each) for each in _list(item.get("item")))
            for answer in _list(item.get("answer")):
                value = _answer(_dict(answer))
                waiting.extend(_dict(each) for each in _list(_dict(answer).get("item")))
                if value is not None:
                    question = _text(item.get("linkId"))
                    rows.append(
                        ("surveys", {"day": day, "survey": survey or None, "question": question, "answer": value})
                    )
        return rows or "its answers are free text, which is not read: it may name persons"

    def money(self, resource: Resource) -> list[tuple[str, Row]] | str:
        """Claims: their cost goes to the encounter that they are for."""
        currency = (
            _text(_dict(resource.get("total")).get("currency")) if isinstance(resource.get("total"), dict) else None
        )
        if resource.get("resourceType") == "ExplanationOfBenefit":
            return "what an insurer paid of a claim: the cost of care is read from the claim"
        if currency == "GBP":
            return "its cost is kept with the encounter that it is for"
        return "its money is not in pounds sterling, in which the record keeps costs"


_ENTRIES = ("snomed", "loinc", "icd10", "icd9", "cpt", "read", "cvx")

Maker = Callable[[_Mapping, Resource], "list[tuple[str, Row]] | str"]
"""What makes rows of a resource, or says why it is set aside."""

_MAKERS: Mapping[str, Maker] = {
    "Patient": _Mapping.patient,
    "Encounter": _Mapping.encounter,
    "Condition": _Mapping.condition,
    "Observation": _Mapping.observation,
    "Procedure": _Mapping.procedure,
    "Immunization": _Mapping.immunization,
    "MedicationRequest": _Mapping.medicine,
    "MedicationStatement": _Mapping.medicine,
    "CarePlan": _Mapping.care_plan,
    "ServiceRequest": _Mapping.referral,
    "Organization": _Mapping.organisation,
    "EpisodeOfCare": _Mapping.registration,
    "QuestionnaireResponse": _Mapping.answers,
    "Claim": _Mapping.money,
    "ExplanationOfBenefit": _Mapping.money,
}


# values


def _dict(value: object) -> Resource:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError
    return cast("Resource", value)


def _list(value: object) -> list[Any]:
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TypeError
    return value.strip() or None


def _day(value: object, year_on: str = "01-01") -> tuple[str] | None:
    """The day that a date or time is written on; of a partial date the first, of a year alone the day given.

    FHIR writes 2025-06-01; that some write 20250601 is understood, as it is in every other form of files.
    """
    found = _DAY.fullmatch(value) or _UNDASHED.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        return None
    year, month, of_month = found.groups()
    return (f"{year}-{month}-{of_month or '01'}",) if month else (f"{year}-{year_on}",)


def _first_day(resource: Resource, *names: str) -> str | None:
    """The day of the first of these that is there: a date, a time, or the start of a period."""
    for name in names:
        value = resource.get(name)
        written = _dict(value).get("start") if isinstance(value, dict) else value
        day = _day(written)
        if day:
            return day[0]
        if isinstance(written, str) and written:
            return written  # not a day: the loading says so
    return None


def _day_after(day: str | None) -> str | None:
    if day is None:
        return None
    try:
        return (dt.date.fromisoformat(day) + dt.timedelta(days=1)).isoformat()
    except (ValueError, OverflowError):
        return day


def _minutes(period: Resource) -> int | None:
    """Whole minutes between two times; nothing where either lacks a time, or both are the same."""
    start, end = _text(period.get("start")), _text(period.get("end"))
    if not start or not end or "T" not in start or "T" not in end:
        return None
    try:
        minutes = int((dt.datetime.fromisoformat(end) - dt.datetime.fromisoformat(start)).total_seconds()) // 60
    except (TypeError, ValueError):
        return None
    return minutes if minutes > 0 else None


def _status(resource: Resource) -> str | None:
    """The status, or of a condition how certain it is."""
    certain = resource.get("verificationStatus")
    if isinstance(certain, dict):
        return next((code for _, code in _codings(_dict(certain))), None)
    return _text(resource.get("status"))


def _identifier(resource: Resource, system: str) -> str | None:
    """The value of the identifier of that system; spaces in an NHS number are for the eye."""
    for each in _list(resource.get("identifier")):
        if _dict(each).get("system") == system:
            value = _text(_dict(each).get("value"))
            return value.replace(" ", "") if value else None
    return None


def _ethnicity(resource: Resource) -> str | None:
    for each in _list(resource.get("extension")):
        if "ethnic" in (_text(_dict(each).get("url")) or "").lower():
            coded = [code for _, code in _codings(_dict(_dict(each).get("valueCodeableConcept")))]
            return next((code for code in coded if re.fullmatch(r"[A-SZ]", code)), None)
    return None


def _codings(concept: Resource) -> Iterator[tuple[str, str]]:
    for each in _list(concept.get("coding")):
        code = _text(_dict(each).get("code"))
        if code:
            yield _text(_dict(each).get("system")) or "", code


def _code(concept: Resource, codings: Sequence[str]) -> tuple[str, str] | None:
    """The first code whose system the table knows; otherwise the first code of all, as a local one."""
    found = list(_codings(concept))
    for system, code in found:
        coding = codes().systems.get(system)
        if coding is not None and coding in codings:
            return coding, code.replace(".", "").upper() if coding in ("icd10", "icd9", "opcs4") else code
    return ("local", found[0][1]) if found else None


def _coding(coded: tuple[str, str] | None) -> Row:
    if coded is None:
        return {"refused": "it has no code", "refused_column": "code"}
    return {"coding": coded[0], "code": coded[1]}


def _number(value: object) -> str | None:
    """A number with at most four places, rounded half up."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    try:
        return format(Decimal(repr(value)).quantize(Decimal("0.0001"), ROUND_HALF_UP), "f")
    except InvalidOperation:
        return repr(value)  # far too large: the loading says so


def _value(measured: Resource) -> Row:
    quantity = _dict(measured.get("valueQuantity"))
    if quantity:
        return {
            "value": _number(quantity.get("value")),
            "unit": _text(quantity.get("unit")) or _text(quantity.get("code")),
        }
    return {"value": _number(measured.get("valueInteger")), "unit": None}


def _answer(answer: Resource) -> str | None:
    coded = _dict(answer.get("valueCoding"))
    if coded:
        return _text(coded.get("code"))
    flag = answer.get("valueBoolean")
    if isinstance(flag, bool):
        return "true" if flag else "false"
    for name in ("valueInteger", "valueDecimal"):
        value = answer.get(name)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return str(value)
    return None


def _pence(money: Resource) -> int | None:
    value = money.get("value")
    if money.get("currency") != "GBP" or isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    return int((Decimal(repr(value)) * 100).to_integral_value(ROUND_HALF_UP))


def _claimed(claim: Resource) -> Iterator[Resource]:
    for item in _list(claim.get("item")):
        for encounter in _list(_dict(item).get("encounter")):
            yield _dict(encounter)


def _table_of_class(resource: Resource) -> str | None:
    try:
        return codes().classes.get(_text(_dict(resource.get("class")).get("code")) or "", {}).get("table")
    except TypeError:
        return None


def _type_and_id(written: str) -> str:
    """``Type/id`` of a reference: without the server's address before it or a version after it."""
    return "/".join(written.split("/_history/")[0].split("?identifier=")[-1].split("|")[-1].rstrip("/").split("/")[-2:])


# files


def _paths(given: Sequence[Path]) -> Iterator[Path]:
    for path in given:
        if path.is_dir():
            yield from sorted(
                each for each in path.rglob("*") if each.is_file() and each.name.lower().endswith(SUFFIXES)
            )
        else:
            yield path


def _content(file: SourceFile) -> bytes:
    try:
        content = file.path.read_bytes()
        return gzip.decompress(content) if file.path.suffix.lower() == ".gz" else content
    except (OSError, EOFError) as error:
        raise DataRefused(Problem(Place(file.label, 0, 0), "this file cannot be read", "is it whole?")) from error


def _lines(file: SourceFile) -> Iterator[bytes]:
    try:
        with gzip.open(file.path, "rb") if file.path.suffix.lower() == ".gz" else file.path.open("rb") as opened:
            yield from opened
    except (OSError, EOFError) as error:
        raise DataRefused(
            Problem(Place(file.label, 0, 0), "this file cannot be read to its end", "is it whole? Send it again")
        ) from error


def _pieces(file: SourceFile) -> Iterator[bytes]:
    if file.kind == "bundle":
        yield _content(file)
    else:
        yield from _lines(file)


def _json(content: bytes, file: SourceFile) -> Resource:
    import orjson

    try:
        read = orjson.loads(content.removeprefix(MARK))
    except orjson.JSONDecodeError as error:
        place = Place(file.label, error.lineno, error.colno)
        raise DataRefused(
            Problem(place, "this bundle is not whole JSON", "it may have been cut off: send it again")
        ) from error
    if not isinstance(read, dict):
        raise DataRefused(Problem(Place(file.label, 1, 1), "this is not a bundle of FHIR", "a bundle is a JSON object"))
    return cast("Resource", read)


def _resources_of(file: SourceFile) -> Iterator[tuple[Resource, str | None]]:
    """The resources that others may refer to. What cannot be read is said when the file's own turn comes."""
    import orjson

    if file.kind == "bundle":
        try:
            bundle = _json(_content(file), file)
        except DataRefused:
            return
        entries = bundle.get("entry")
        for entry in cast("list[Any]", entries) if isinstance(entries, list) else [{"resource": bundle}]:
            if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
                full = cast("Resource", entry).get("fullUrl")
                yield cast("Resource", entry["resource"]), full if isinstance(full, str) else None
        return
    for line in _lines(file):
        found = _TYPE.search(line)
        if found and found.group(1) in _LOOKED_UP:
            try:
                resource = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if isinstance(resource, dict):
                yield resource, None


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
            columns[name] = pa.array([_as_day(value) for value in values], pa.date32())
        else:
            columns[name] = pa.array([None if value is None else str(value) for value in values], pa.string())
    return pa.table(columns)


def _as_day(value: object) -> dt.date | None:
    try:
        return dt.date.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
