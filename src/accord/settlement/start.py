"""A contract to start from, and blank input files to fill in."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from accord.language.contract import Contract
from accord.library import contract_names
from accord.settlement import wording

TEMPLATE = Path(__file__).parent / "templates" / "start.yaml"


def contract(name: str, folder: str | Path | None = None) -> tuple[Path, ...]:
    """Write ``contract.yaml`` and blank inputs in ``data/`` into a new folder; what was written, contract first."""
    from accord.settlement.calls import usage

    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "my-contract"
        fix = f"accord new {plain if plain[0].isalpha() else f'c-{plain}'}"
        raise usage("accord new", f"{name} is not a name for a contract: small letters, digits and hyphens", fix)
    if name in contract_names():
        raise usage(
            "accord new",
            f"{name} is a contract of the library, and a folder of that name would hide it",
            f"choose another name; accord new {name} --inputs-only writes its blank inputs",
        )
    home = Path(folder) if folder is not None else Path(name)
    file = home / "contract.yaml"
    if file.exists():
        raise usage("accord new", f"{file} is there already, and is left as it is", "choose another name or --folder")
    text = TEMPLATE.read_text(encoding="utf-8")
    text = text.replace("{name}", name).replace("{title}", wording.heading(name)).replace("{folder}", str(home))
    from accord.language import check_text

    made = check_text(text, str(file))
    home.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return (file, *_blank(made, home / "data"))


def inputs_of(named: str, folder: str | Path | None = None) -> tuple[Path, ...]:
    """Write a blank file for each input of a contract that exists; those that are there already are left."""
    from accord.settlement.calls import check, usage

    checked = check(named)
    written = _blank(checked, Path(folder) if folder is not None else Path(f"{checked.name}-data"))
    if not written:
        raise usage(
            "accord new",
            "every input has a file there already, and they are left as they are",
            "choose another --folder",
        )
    return written


def _blank(contract: Contract, folder: Path) -> tuple[Path, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, table in contract.inputs.items():
        path = folder / f"{name}.csv"
        if path.exists() or (folder / f"{name}.parquet").exists():
            continue
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, lineterminator="\n").writerow([*table.keys, *(column.name for column in table.columns)])
        written.append(path)
    return tuple(written)
