"""FHIR: resources of FHIR R4, in bundles (JSON) or bulk NDJSON, plain or gzipped, as rows of the record.

What each resource becomes stands in :mod:`accord.record.readers.fhir_resources`, how its dates, codes and amounts are
read in :mod:`accord.record.readers.fhir_elements`.

References are followed inside a bundle by ``fullUrl`` or type and id, and across the given files by type and id. A time
counts on the day that is written, in the zone in which it is written. Of a partial date the first day counts that it
may mean; only a birth of which nothing but the year is known counts on 1 July.
"""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record.readers import fhir_elements as element
from accord.record.readers.delimited import content_hash
from accord.record.readers.fhir_elements import Resource
from accord.record.readers.fhir_resources import Gathering, Index
from accord.record.source import NHS, RowsRead, SourceFile, SourcePart

if TYPE_CHECKING:
    import duckdb

VERSION = "2"
"""Changes when the same file would be read differently."""

SUFFIXES = (".json", ".ndjson", ".jsonl", ".json.gz", ".ndjson.gz", ".jsonl.gz")
"""The files of FHIR that are read."""

MARK = b"\xef\xbb\xbf"
"""What some programs put before UTF-8."""

PIECE = 50_000
"""So many resources of an NDJSON file are handed on at a time."""

OWN = "fhir"
"""The numbering of patients without NHS numbers: the ids of the server (or generator) that made the files."""

_LOOKED_UP = (b"Patient", b"Organization", b"Practitioner", b"Encounter", b"Condition", b"Procedure", b"Claim",
              b"ExplanationOfBenefit", b"Medication")  # fmt: skip
_TYPE = re.compile(rb'"resourceType"\s*:\s*"([A-Za-z]+)"')


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
    _index: Index | None = field(default=None, init=False, repr=False)
    _content: str = field(default="", init=False, repr=False)

    @property
    def fingerprint(self) -> str:
        """Differs when the same files would be read differently."""
        codes_said = hashlib.sha256(element.CODES.read_bytes()).hexdigest()[:16]
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
        known_by = element.codes().nhs_number.encode()
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

    def _look_up(self) -> Index:
        """What other resources say, from all files: made when something is first looked for that is not at hand."""
        if self._index is None:
            index = Index()
            for file in self._files:
                for resource, full in _resources_of(file):
                    index.add(resource, full)
            self._index = index
        return self._index

    def _gathering(self, near: Index | None, known: str | None) -> Gathering:
        return Gathering(self.identifiers or OWN, near, known, self._look_up)

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
        near = Index()
        resources: list[tuple[int, Resource | None, str | None]] = []
        for number, entry in enumerate(cast("list[Any]", entries), 1):
            resource = entry.get("resource") if isinstance(entry, dict) else None
            full = entry.get("fullUrl") if isinstance(entry, dict) else None
            resources.append(
                (number, resource if isinstance(resource, dict) else None, full if isinstance(full, str) else None)
            )
            if isinstance(resource, dict):
                near.add(resource, full if isinstance(full, str) else None)
        known = element.day(bundle.get("timestamp"))
        gathering = self._gathering(near, known[0] if known else None)
        for number, resource, full in resources:
            gathering.take(number, resource, full)
        yield from gathering.parts()
        yield RowsRead(len(resources))

    def _ndjson(self, file: SourceFile) -> Iterator[SourcePart]:
        import orjson

        gathering = self._gathering(None, None)
        rows = 0
        for number, line in enumerate(_lines(file), 1):
            if not line.strip():
                continue
            rows += 1
            try:
                resource = orjson.loads(line.removeprefix(MARK) if number == 1 else line)
            except orjson.JSONDecodeError:
                gathering.refuse(number, "the line is not JSON")
                continue
            gathering.take(number, resource if isinstance(resource, dict) else None, None)
            if rows % PIECE == 0:
                yield from gathering.parts()
                gathering = self._gathering(None, None)
        yield from gathering.parts()
        yield RowsRead(rows)


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
