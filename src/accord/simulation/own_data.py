"""Own data: files that come with the code, each of its shape; a mistake in one is a fault of ours, not of a user."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from accord.language.shape import Shape, conform
from accord.language.text import Tree, fields_of, read_data


def own_data(path: Path, shape: Shape) -> Mapping[str, Tree]:
    """The entries of a file of the project's own."""
    tree = read_data(path.read_bytes(), path.name)
    if problems := conform(tree, shape):
        raise AssertionError(f"{path.name} is not as it should be: {[str(problem) for problem in problems]}")
    return fields_of(tree)
