"""A DuckDB of Accord's own: in this process, in memory, quiet on a terminal; and names and texts as SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import duckdb


def in_memory(config: dict[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
    """A new database. ``config`` are settings of DuckDB."""
    import duckdb

    return quiet(duckdb.connect(":memory:", config=config or {}))


def quiet(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A connection that draws no bar; every cursor has to be told for itself.

    On a terminal DuckDB draws a bar of its own while it computes, in the middle of what Accord says and of its results.
    """
    connection.execute("set enable_progress_bar = false")
    return connection


def quoted(name: str) -> str:
    """A name, as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A text, as SQL quotes it."""
    return "'" + text.replace("'", "''") + "'"
