"""The JSON Schemas of contracts and variations, printed from the vocabulary; editors complete and check with them."""

from __future__ import annotations

from accord.language.shape import json_schema
from accord.language.vocabulary import CONTRACT, VARIATION


def contract_schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of ``contract.yaml``."""
    return json_schema(CONTRACT, "Accord contract", "urn:accord:contract:1")


def variation_schema() -> dict[str, object]:
    """The JSON Schema (draft 2020-12) of a variation."""
    return json_schema(VARIATION, "Accord variation", "urn:accord:variation:1")
