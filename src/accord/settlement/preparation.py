"""Preparation: published files as the folder of inputs that a contract is settled on, one reading for each file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.settlement.reading import read_reading

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.settlement.filling import Applied


def prepare(contract: Path | str, files: Mapping[str, Path | str], year: str | int, out: Path | str) -> list[Applied]:
    """Published files as a folder of inputs that ``accord settle --data`` takes: one CSV file for each input.

    Args:
        contract: the contract's file or folder; its readings stand in ``readings/`` beside it.
        files: the file that each reading is applied to, by the reading's name.
        year: the year the files are about.
        out: the folder, made if it is not there. Files of other names in it are left alone.

    Raises:
        ContractRefused: there is no such reading, or it cannot be used.
        DataRefused: a file cannot be read, or two readings fill the same input.
    """
    from pyarrow import csv

    from accord.settlement.filling import apply_reading

    folder = Path(contract) if Path(contract).is_dir() else Path(contract).parent
    made: dict[str, tuple[str, pa.Table]] = {}
    applied: list[Applied] = []
    for name, file in files.items():
        one = apply_reading(read_reading(folder / "readings" / f"{name}.yaml"), file, year)
        applied.append(one)
        for table, data in one.tables.items():
            if table in made:
                message = f"the readings {made[table][0]} and {name} both fill {table}"
                raise DataRefused(Problem(Place(str(file), 0, 0), message, "give one of the two files"))
            made[table] = (name, data)
    Path(out).mkdir(parents=True, exist_ok=True)
    for table, (_, data) in made.items():
        csv.write_csv(data, Path(out) / f"{table}.csv")
    return applied
