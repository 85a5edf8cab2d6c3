"""Readers: one module a foreign form. Each maps, and leaves checking to the loading (:mod:`accord.record.source`).

``omop``: OMOP CDM 5.x, CSV or Parquet. ``fhir``: FHIR R4, bundles or bulk NDJSON. ``flat``: any other delimited file or
Parquet, as a mapping file says. ``docs/readers.md`` says what each reads, sets aside and refuses.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest

if TYPE_CHECKING:
    from accord.record.source import Reader

FORMS = ("omop", "fhir", "flat")
"""The foreign forms that are read."""


def open_reader(
    form: str, *, mapping: Path | str | None = None, source: str | None = None, identifiers: str | None = None
) -> Reader:
    """The reader of a form.

    Args:
        form: one of :data:`FORMS`.
        mapping: for ``flat``: the mapping, a path or the name of one that comes with Accord.
        source: for ``omop`` and ``fhir``: the short name of the data set in the record. A mapping says its own.
        identifiers: for ``omop`` and ``fhir``: ``nhs`` if persons are known by NHS numbers, or the name of another
            numbering. Without it, OMOP's own ``person_id`` counts; of FHIR, what the Patient resources have.

    Raises:
        DataRefused: there is no such form or mapping, or what was said does not go together.
    """
    place = Place("", 0, 0)
    if form not in FORMS:
        fix = nearest(form, FORMS) or f"one of {', '.join(FORMS)}"
        raise DataRefused(Problem(place, f"there is no form {form[:40]!r} of files", fix))
    if form == "flat":
        if mapping is None:
            raise DataRefused(Problem(place, "flat files need a mapping", "--mapping sus-apc, or the path of your own"))
        if source is not None or identifiers is not None:
            raise DataRefused(
                Problem(place, "the mapping says the source and the identifiers of flat files", "leave them out")
            )
        from accord.record.readers.flat import FlatReader

        return FlatReader(mapping)
    if mapping is not None:
        raise DataRefused(
            Problem(place, f"a mapping goes with flat files, not with {form}", "leave it out, or say --from flat")
        )
    if form == "omop":
        from accord.record.readers.omop import OmopReader

        return OmopReader(source or "omop", identifiers or "omop")
    from accord.record.readers.fhir import FhirReader

    return FhirReader(source or "fhir", identifiers)
