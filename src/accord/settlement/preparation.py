"""Preparation: published files as the folder of inputs that a contract is settled on, one reading for each file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem, nearest
from accord.settlement import wording
from accord.settlement.reading import Reading, read_reading

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.language.contract import Contract
    from accord.settlement.filling import Applied

Rows = Mapping[str, Sequence[Mapping[str, str]]]
"""Rows written by hand, by input: values by column, as a file would write them."""


def readings_of(contract: Path | str) -> tuple[Reading, ...]:
    """The readings beside a contract's file, by name. Raises ContractRefused for one that cannot be used."""
    folder = Path(contract) if Path(contract).is_dir() else Path(contract).parent
    return tuple(read_reading(file) for file in sorted((folder / "readings").glob("*.yaml")))


def prepare(
    contract: Path | str,
    files: Mapping[str, Path | str],
    year: str | int,
    out: Path | str,
    *,
    rows: Rows | None = None,
) -> list[Applied]:
    """Published files as a folder of inputs that ``accord settle --data`` takes: one CSV file for each input.

    Args:
        contract: the contract's file or folder; its readings stand in ``readings/`` beside it.
        files: the file that each reading is applied to, by the reading's name.
        year: the year the files are about.
        out: the folder, made if it is not there. Files of other names in it are left alone.
        rows: what no file says, such as that the run covers the nation, by input.

    Raises:
        ContractRefused: a reading cannot be used.
        DataRefused: there is no such reading, a file cannot be read, or an input is filled twice.
    """
    from pyarrow import csv as arrow

    from accord.settlement.filling import apply_reading

    readings = {reading.name: reading for reading in readings_of(contract)}
    made: dict[str, tuple[str, pa.Table]] = {}
    applied: list[Applied] = []
    for name, file in files.items():
        if name not in readings:
            fix = nearest(name, readings) or f"it has {wording.listed(readings) or 'none'}"
            raise DataRefused(Problem(Place(str(contract), 0, 0), f"this contract has no reading {name}", fix))
        one = apply_reading(readings[name], file, year)
        applied.append(one)
        for table, data in one.tables.items():
            if table in made:
                message = f"the readings {made[table][0]} and {name} both fill {table}"
                raise DataRefused(Problem(Place(str(file), 0, 0), message, "give one of the two files"))
            made[table] = (name, data)
    for table in rows or {}:
        if table in made:
            message = f"{table} is filled by the reading {made[table][0]}, and cannot have rows of its own too"
            raise DataRefused(Problem(Place("--row", 0, 0), message, "leave out one of the two"))
    folder = Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    for table, (_, data) in made.items():
        arrow.write_csv(data, folder / f"{table}.csv")
    for table, some in (rows or {}).items():
        with (folder / f"{table}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(some[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(some)
    return applied


def written_rows(contract: Contract, written: Iterable[str]) -> dict[str, list[dict[str, str]]]:
    """Rows as a command line writes them, ``nation:quarter=2026-07-01,covers_the_nation=true``; raises Misused."""
    from accord.settlement.calls import usage

    found: dict[str, list[dict[str, str]]] = {}
    for text in written:
        name, _, cells = text.partition(":")
        if name not in contract.inputs:
            fix = nearest(name, contract.inputs) or f"its inputs are {wording.listed(contract.inputs)}"
            raise usage("--row", f"{contract.name} has no input {name}", fix)
        table = contract.inputs[name]
        needed = [*table.keys, *(column.name for column in table.columns)]
        row = {column.strip(): value.strip() for column, _, value in (cell.partition("=") for cell in cells.split(","))}
        unknown = [column for column in row if column not in needed]
        missing = [key for key in table.keys if not row.get(key)]
        if unknown or missing:
            example = f"{name}:" + ",".join(f"{column}=…" for column in needed)
            told = f"{unknown[0] or 'a cell without a name'} is not a column of {name}" if unknown else ""
            raise usage("--row", told or f"this row of {name} does not say {missing[0]}", f"write {example}")
        found.setdefault(name, []).append({column: row.get(column, "") for column in needed})
    return found


def year_of(readings: Iterable[Reading]) -> str | None:
    """The one year that all these readings cover, if it is one."""
    covered = [set(reading.years) for reading in readings]
    both = set[str].intersection(*covered) if covered else set[str]()
    return both.pop() if len(both) == 1 else None


def still_needed(contract: Contract, folder: Path) -> list[str]:
    """The inputs without which the contract cannot be settled on this folder, and that have no file there."""
    return [
        name
        for name, table in contract.inputs.items()
        if not table.optional and not any((folder / f"{name}{ending}").is_file() for ending in (".csv", ".parquet"))
    ]
