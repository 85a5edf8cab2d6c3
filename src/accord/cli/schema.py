"""``accord schema``: the JSON Schema of the language, for editors."""

from __future__ import annotations

from accord.cli.options import JsonOption


def schema(as_json: JsonOption = False) -> None:
    """Print the JSON Schema of a contract, for editors that complete and underline.

    Save it (accord schema > accord.schema.json) and put this on the first line of a contract:
    # yaml-language-server: $schema=accord.schema.json
    """
    del as_json  # a schema is JSON anyway
    from accord.cli.terminal import say_json
    from accord.settlement.calls import schema as contract_schema

    say_json(contract_schema())
