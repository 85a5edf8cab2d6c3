"""Sources: what a reader hands to the loading: files, their rows under the record's names, and what it could not use.

A reader knows one foreign form (OMOP, FHIR, a flat commissioning file). It maps, and leaves checking to
:mod:`accord.record.admitting`: days may still be text, words may still be wrong. It drops nothing silently. For each
file it gives any number of :class:`SourceRows`, :class:`RefusedRows` and :class:`SetAside`, and one :class:`RowsRead`;
every row of the file is in exactly one of the three kinds (in :class:`SourceRows` it may stand several times, for
several tables or as several rows of one), and is counted once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

NHS = "nhs"
"""The numbering whose identifiers are NHS numbers: ten digits of which the last checks the others."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file that will be read.

    ``label`` is what it is called in the record, in messages and on pages: its name, unless a name could point at a
    person (a bundle of one patient): then something that says nothing, such as ``bundle 17``. ``kind`` is the reader's
    own word for what it holds (``visit_occurrence``, ``bundle``). Small files are read many at a time.
    """

    path: Path
    label: str
    kind: str
    source: str
    """The data set that its rows come from, a short name: ``sus_apc``, ``omop``. Keys are unique within it."""


@dataclass(frozen=True, slots=True)
class SourceRows:
    """Rows of one file for one table of the record.

    ``relation`` may be read more than once, unless it is a ``RecordBatchReader``. Its columns:

    - ``source_row`` BIGINT: the row of the file, from 1 (the heading does not count; in NDJSON the line);
    - ``identifier`` VARCHAR: the person's identifier as the source has it, NULL if the row has none;
    - ``key`` VARCHAR: the source's own key of the row. NULL: made from the columns that make the table's rows unique,
      or where those are the row itself, from the whole content (rows that are alike then count once);
    - optional ``known`` DATE: the day on which this row became known, where the source says so;
    - optional ``deleted`` BOOLEAN: the source has withdrawn this row (its other columns may be missing, not its key);
    - optional ``refused`` VARCHAR: why this row cannot be mapped. Never with a value of an identifying column in it;
    - optional ``refused_column`` VARCHAR: the column of the source that is to blame;
    - columns of the table, those that the source has, as VARCHAR or typed. A ``key`` column of the table (``spell``)
      is given as the source's own text and hashed by the loading.

    ``identifiers`` says what ``identifier`` is: :data:`NHS`, or the short name of another numbering (``omop``).
    """

    table: str
    relation: duckdb.DuckDBPyRelation | pa.Table | pa.RecordBatchReader
    identifiers: str = NHS


@dataclass(frozen=True, slots=True)
class RefusedRows:
    """Rows that cannot be read at all, so that nobody knows for which table they are: ``source_row``, ``reason``."""

    relation: duckdb.DuckDBPyRelation | pa.Table


@dataclass(frozen=True, slots=True)
class SetAside:
    """So many rows of a kind that the record has no table for, and why. They are counted, not kept."""

    kind: str
    reason: str
    rows: int


@dataclass(frozen=True, slots=True)
class RowsRead:
    """How many rows the file has in all. Given once, last."""

    rows: int


SourcePart: TypeAlias = "SourceRows | RefusedRows | SetAside | RowsRead"
"""What reading a file gives, piece by piece."""


class Reader(Protocol):
    """What knows one foreign form."""

    @property
    def name(self) -> str:
        """``omop``, ``fhir`` or ``flat``."""
        ...

    @property
    def fingerprint(self) -> str:
        """Text that differs when the same file would be read differently: a version, the content of a mapping file."""
        ...

    def files(self, given: Sequence[Path]) -> tuple[SourceFile, ...]:
        """The files that will be read, in the order in which they became known (later ones replace earlier ones).

        Raises:
            DataRefused: something given is not a file of this form; every such file is named.
        """
        ...

    def rows(self, file: SourceFile, con: duckdb.DuckDBPyConnection) -> Iterator[SourcePart]:
        """What a file holds. The connection is in memory, and may be used for whatever reading needs.

        Raises:
            DataRefused: the file cannot be read at all.
        """
        ...
