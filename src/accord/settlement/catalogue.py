"""Finding a contract: by its name in the library, as a file, or as a folder that holds ``contract.yaml``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from accord.language.contract import Contract
from accord.language.place import Place
from accord.language.problem import AccordError, Problem, nearest
from accord.library import CONTRACTS

LIBRARY = CONTRACTS
"""Published contracts live with the package, so an installed Accord carries its library."""


class NotFound(AccordError):
    """What was named is not there, or cannot be read or written. Exit code 6."""

    exit_code: ClassVar[int] = 6


@dataclass(frozen=True, slots=True)
class Published:
    """A contract of the library. ``sample`` is a folder of made-up inputs to try it on, where there is one."""

    name: str
    title: str
    authority: str
    term: str
    folder: Path
    sample: Path | None
    readings: tuple[str, ...]
    """Names of the readings: how official files map to its inputs."""

    @property
    def file(self) -> Path:
        """The contract's text."""
        return self.folder / "contract.yaml"


def published() -> tuple[Published, ...]:
    """The contracts of the library, by name. Reads only the head of each text; checks nothing."""
    found = sorted(LIBRARY.glob("*/contract.yaml")) if LIBRARY.is_dir() else []
    return tuple(_describe(file) for file in found)


def check_with_cards(path: Path | str) -> Contract:
    """A contract's file or folder, checked with the cards of the measures that it names.

    Those of the library, and those that stand in ``measures/`` beside it. The one place where contracts meet cards.
    """
    from accord.language import check
    from accord.measures.cards import Cards

    path = Path(path)
    return check(path, cards=Cards(path if path.is_dir() else path.parent))


def _describe(file: Path) -> Published:
    head = file.read_text(encoding="utf-8")
    sample = file.parent / "sample"
    readings = file.parent / "readings"
    return Published(
        file.parent.name,
        _entry(head, "title") or file.parent.name,
        _entry(head, "authority"),
        re.sub(r"[{}]", "", _entry(head, "term")),
        file.parent,
        sample if sample.is_dir() else None,
        tuple(sorted(reading.stem for reading in readings.glob("*.yaml"))) if readings.is_dir() else (),
    )


def _entry(text: str, name: str) -> str:
    """A top-level entry that stands on one line: enough for a list, without reading the whole contract."""
    found = re.search(rf"^{name}:[ \t]*(\S.*?)[ \t]*(?:#.*)?$", text, re.MULTILINE)
    return found[1].strip("\"'") if found else ""


def find(contract: str | Path) -> Path:
    """The file of a contract that is named in any of the three ways; raises :class:`NotFound`.

    A file or folder wins over a library name, so that a copy that is being worked on is the one that is meant.
    """
    path = Path(contract)
    if path.is_dir():
        if (path / "contract.yaml").is_file():
            return path / "contract.yaml"
        yaml = sorted(path.glob("*.yaml"))
        fix = f"name the file: {yaml[0]}" if len(yaml) == 1 else "name the contract's file"
        if (LIBRARY / str(contract) / "contract.yaml").is_file():
            return LIBRARY / str(contract) / "contract.yaml"
        raise NotFound(Problem(Place(str(path), 0, 0), "this folder has no contract.yaml", fix))
    if path.is_file():
        if path.suffix.lower() not in (".yaml", ".yml"):
            raise NotFound(Problem(Place(str(path), 0, 0), "a contract is a .yaml file", "name one, or its folder"))
        return path
    if path.exists():
        raise NotFound(Problem(Place(str(path), 0, 0), "this is not a plain file", "name a contract's .yaml file"))
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", str(contract)) and (LIBRARY / str(contract) / "contract.yaml").is_file():
        return LIBRARY / str(contract) / "contract.yaml"
    names = [one.name for one in published()]
    if path.suffix or len(path.parts) > 1:
        near = nearest(path.name, [beside.name for beside in path.parent.glob("*")] if path.parent.is_dir() else [])
        raise NotFound(Problem(Place(str(path), 0, 0), "there is no such file", near or "check the path"))
    fix = nearest(str(contract), names) or f"the library has {', '.join(names) or 'no contracts'}"
    raise NotFound(
        Problem(Place(str(contract), 0, 0), "there is no file, folder or library contract of this name", fix)
    )
