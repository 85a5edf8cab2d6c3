"""Readers: one module a foreign form. Each maps, and leaves checking to the loading (:mod:`accord.record.source`).

``omop``: OMOP CDM 5.x, CSV or Parquet. ``fhir``: FHIR R4, bundles or bulk NDJSON. ``flat``: any other delimited file or
Parquet, as a mapping file says. ``docs/readers.md`` says what each reads, sets aside and refuses.
"""
