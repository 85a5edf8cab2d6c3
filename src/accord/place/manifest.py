"""Manifests: what a run is made of. Whoever has all of it makes the same figures."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from accord.language.place import Place
from accord.place.probing import contract_hash
from accord.place.stage import Stage
from accord.simulation import person_engine
from accord.simulation.model import model_hash
from accord.simulation.practices import ORGANISATIONS, belongs

_NOWHERE = Place("", 0, 0)
"""Instead of where a behaviour's file lies: that is no part of what it does."""


def manifest_of(made: Stage) -> dict[str, Any]:
    """What a run is made of; its hash is the identity of the run. Whoever has all of it makes the same figures."""
    from accord import __version__

    found = hashlib.sha256()
    people = made.people
    for array in (people.offsets, people.months, people.cell, people.state, people.burden):
        found.update(array.tobytes())
    found.update(repr([tuple(belongs(one, kind) for kind in ORGANISATIONS) for one in made.practices]).encode())
    code = hashlib.sha256()
    package = Path(person_engine.__file__).parents[1]
    for room in ("simulation", "place", "engine", "language"):
        for file in sorted((package / room).rglob("*.py")):
            code.update(file.read_bytes())
    data = hashlib.sha256()
    for folder in sorted({one.data for case in made.cases for one in case.contracts if one.data is not None}):
        for file in sorted(folder.iterdir()):
            if file.is_file():
                data.update(file.name.encode() + file.read_bytes())
    cases = {
        case.name: {
            "contracts": {one.name: contract_hash(one) for one in case.contracts},
            "behaviours": {one.name: repr(replace(one, place=_NOWHERE)) for one in case.behaviours},
            "base": [[round(float(x), 9) for x in row] for row in case.base],
            "prices": [round(float(x), 9) for x in case.prices],
            "response": [[round(float(x), 9) for x in row] for row in response.change],
            "feeds": {one.name: _files([Path(one.feed.file), *one.feed.files.values()]) for one in case.contracts},
        }
        for case, response in zip(made.cases, made.responses, strict=True)
    }
    parameters = {name: one.value for name, one in made.model.parameters.items()}
    own = hashlib.sha256()
    for name, curve in sorted((made.given.curves if made.given else {}).items()):
        own.update(name.encode() + curve.tobytes())
    own.update(b"" if made.by_practice is None else made.by_practice.tobytes())
    whole = {
        "form": "accord futures 1",
        "accord": __version__,
        "place": made.place.name,
        "title": made.place.title,
        "starts": made.place.starts.isoformat(),
        "years": made.years.number,
        "seed": made.seed,
        "people": {"number": int(people.offsets[-1]), "practices": people.practices, "content": found.hexdigest()},
        "population": dict(made.place.population),
        "scenarios": cases,
        "parameters": parameters,
        "model": model_hash(),
        **({"calibration": own.hexdigest()} if made.given else {}),
        "data": data.hexdigest(),
        "code": code.hexdigest(),
        "libraries": {name: _version(name) for name in ("numpy", "numba", "duckdb", "pyarrow", "scipy")},
    }
    identity = hashlib.sha256(json.dumps(whole, sort_keys=True, default=str).encode()).hexdigest()
    return {"run": identity, **whole}


def _files(paths: Sequence[Path]) -> str:
    found = hashlib.sha256()
    for path in paths:
        found.update(path.name.encode() + path.read_bytes())
    return found.hexdigest()


def _version(name: str) -> str:
    from importlib.metadata import version

    return version(name)
