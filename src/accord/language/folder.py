"""What stands beside a contract: the only files its text can name, and never anything outside its own folder."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

from accord.language.place import Place
from accord.language.problem import ContractRefused, Problem
from accord.language.text import MAXIMUM_BYTES

LARGEST_FILE = 50_000_000
"""Bytes of a table file beside a contract."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")


@runtime_checkable
class Beside(Protocol):
    """A place to read files from by plain name."""

    def read(self, name: str) -> bytes:
        """The bytes of the file; FileNotFoundError if there is none, PermissionError if it may not be read."""
        ...

    def base(self, reference: str) -> tuple[Beside, str]:
        """The contract a variation names: where its files are, and its file name there."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder on disk. Names with a path in them, links and special files are refused."""

    path: Path
    asked: str = ""
    """The folder as the user wrote it, for messages."""

    @classmethod
    def of(cls, path: Path) -> tuple[Folder, str]:
        """The folder and file name of a contract given as a file or as a folder with ``contract.yaml``."""
        if path.is_dir():
            return cls(path, str(path)), "contract.yaml"
        return cls(path.parent, str(path.parent)), path.name

    def shown(self, name: str) -> str:
        """A file of this folder as messages name it."""
        return str(Path(self.asked) / name)

    def read(self, name: str) -> bytes:
        """As :class:`Beside` says."""
        path = self.path / name
        if not _PLAIN_NAME.fullmatch(name):
            raise PermissionError(name)
        is_contract = name.endswith((".yaml", ".yml"))
        if not is_contract and path.is_symlink():
            raise PermissionError(name)
        if not path.exists():
            if is_contract:
                raise ContractRefused(
                    Problem(
                        Place(self.shown(name), 0, 0), "there is no such contract", "accord library lists what there is"
                    )
                )
            raise FileNotFoundError(name)
        if not path.is_file():
            if is_contract:
                raise ContractRefused(Problem(Place(self.shown(name), 0, 0), "this is not a plain file"))
            raise PermissionError(name)
        if path.stat().st_size > (MAXIMUM_BYTES if is_contract else LARGEST_FILE):
            if is_contract:
                raise ContractRefused(
                    Problem(
                        Place(self.shown(name), 0, 0),
                        f"this file has {path.stat().st_size:,} bytes; a contract is a text that people read and sign, "
                        f"so at most {MAXIMUM_BYTES:,} are read",
                        "put long tables into a file: beside the contract, and data into inputs",
                    )
                )
            raise PermissionError(name)
        return path.read_bytes()

    def base(self, reference: str) -> tuple[Beside, str]:
        """As :class:`Beside` says."""
        if _PLAIN_NAME.fullmatch(reference) and (self.path / reference).exists():
            path = self.path / reference
            return Folder.of(path)
        from accord.library import contract_folder

        found = contract_folder(reference)
        if found is None:
            raise FileNotFoundError(reference)
        return Folder.of(found)


@dataclass(frozen=True, slots=True)
class InMemory:
    """Files held in memory, by name: for texts that have no folder."""

    files: Mapping[str, bytes]

    def read(self, name: str) -> bytes:
        """As :class:`Beside` says."""
        if name not in self.files:
            raise FileNotFoundError(name)
        return self.files[name]

    def base(self, reference: str) -> tuple[Beside, str]:
        """As :class:`Beside` says."""
        if reference in self.files:
            return self, reference
        from accord.library import contract_folder

        found = contract_folder(reference)
        if found is None:
            raise FileNotFoundError(reference)
        return Folder.of(found)
