"""Definitions: the tables of the record, read from ``tables/*.yaml``: columns, types, allowed values, meaning.

Every table of persons also has the columns of :data:`COMMON`: whose row it is, where it came from, and since when (and
until when) it was known in this form. A day in a column named ``until`` of a span is the first day that no longer
belongs to it, unless its meaning says otherwise, so that a span has ``until - since`` days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from accord.language.shape import FLAG, NAME, TITLE, WHOLE, Choice, Field, ListOf, MapOf, Record, Word, conform
from accord.language.text import Entries, Items, Scalar, Tree, decode, read_tree

if TYPE_CHECKING:
    import pyarrow as pa

Type = Literal["person", "key", "code", "codes", "word", "day", "count", "pence", "number", "flag"]
"""``person`` and ``key``: 63-bit whole numbers (keyed hashes). ``code``: text without spaces around it. ``codes``:
codes in order with single spaces between. ``word``: one of the allowed values. ``day``: a date. ``count`` and
``pence``: whole numbers. ``number``: a decimal with four places. ``flag``: true or false."""

TYPES: tuple[Type, ...] = ("person", "key", "code", "codes", "word", "day", "count", "pence", "number", "flag")

FOLDER = Path(__file__).parent / "tables"
"""The folder of the definition files."""


DOTLESS = ("icd10", "opcs4")
"""Codings that are written with and without dots, and in small letters too."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. ``counterparts`` maps ``nhs``, ``omop`` and ``fhir`` to what it is called there.

    ``dotless``: its codes are kept in capitals and without dots, as code lists write them: ``always``, or ``by coding``
    where the column of that name says that they are of :data:`DOTLESS`.
    """

    name: str
    type: Type
    meaning: str
    required: bool = False
    allowed: Mapping[str, str] | None = None
    least: int | None = None
    most: int | None = None
    dotless: Literal["", "always", "by coding"] = ""
    counterparts: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Two days of a row that must stand in this order; ``same`` says whether they may be the same day."""

    first: str
    then: str
    same: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the record. ``unique`` are the columns that identify a current row.

    ``of_persons`` is ``required``, ``optional`` (a row may be anonymous) or ``none`` (a table about organisations).
    ``derived`` names the table that it is made from; a derived table is never loaded.
    """

    name: str
    title: str
    row: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...]
    order: tuple[Order, ...]
    of_persons: Literal["required", "optional", "none"]
    derived: str | None
    counterparts: Mapping[str, str]
    general_practice: bool = False
    """Whether its rows come out of general practice's own records: a type 1 objection keeps them out."""

    @property
    def all_columns(self) -> tuple[Column, ...]:
        """The common columns that this table has, then its own."""
        return (*(column for column in COMMON if self._has(column)), *self.columns)

    def _has(self, column: Column) -> bool:
        if column.name == "person":
            return self.of_persons != "none"
        return column.name == "source" or self.derived is None

    def column(self, name: str) -> Column | None:
        """The column of that name, common ones too."""
        return next((column for column in self.all_columns if column.name == name), None)

    def schema(self) -> pa.Schema:
        """The Arrow schema that the table's Parquet files have."""
        import pyarrow as pa

        return pa.schema([pa.field(column.name, arrow_type(column.type)) for column in self.all_columns])


COMMON: tuple[Column, ...] = (
    Column("person", "person", "whose row it is: a keyed hash of the NHS number (or of the source's own number)", True),
    Column("row", "key", "which row it is: a keyed hash of the source's own key of the row", True),
    Column("source", "code", "the data set it came from", True),
    Column("known_from", "day", "the day it became known in this form", True),
    Column("known_until", "day", "the day it was replaced or withdrawn; missing while it stands"),
    Column("file", "count", "the number of the file it was read from, in the record's own list of files"),
    Column("line", "count", "the row of that file"),
)
"""The columns that the tables have besides their own. Derived tables have ``person`` and ``source`` only; rows that
were made, not read, have no ``file`` and ``line``."""


def arrow_type(kind: Type) -> pa.DataType:
    """How a type is kept in Parquet."""
    import pyarrow as pa

    match kind:
        case "person" | "key" | "count" | "pence":
            return pa.int64()
        case "day":
            return pa.date32()
        case "number":
            return pa.decimal128(18, 4)
        case "flag":
            return pa.bool_()
        case _:
            return pa.string()


_COLUMN = Record(
    "a column",
    (
        Field("type", Choice(TYPES[1:]), "what its values are", True),
        Field("meaning", TITLE, "what it means", True),
        Field("required", FLAG, "whether every row has one"),
        Field("allowed", MapOf("allowed values", Word("a value"), TITLE), "the values that may stand there"),
        Field("min", WHOLE, "the least that may stand there"),
        Field("max", WHOLE, "the most that may stand there"),
        Field("dotless", Choice(("always", "by coding")), "whether codes are kept in capitals and without dots"),
        Field("nhs", TITLE, "its name in the NHS Data Dictionary"),
        Field("omop", TITLE, "its place in OMOP CDM 5.4"),
        Field("fhir", TITLE, "its place in FHIR R4"),
    ),
)

TABLE = Record(
    "a table of the record",
    (
        Field("table", NAME, "its name", True),
        Field("title", TITLE, "its title", True),
        Field("row", TITLE, "what one row is", True),
        Field("derived", NAME, "the table that it is made from"),
        Field("unique", ListOf("columns", NAME), "the columns that identify a current row", True),
        Field("order", ListOf("orders", Word("two days, as since < until", r"[a-z_]+ <=? [a-z_]+")), "days in order"),
        Field("person", Choice(("optional", "none")), "whether rows may be anonymous, or are not about persons"),
        Field("counterpart", MapOf("counterparts", Word("a standard", "nhs|omop|fhir"), TITLE), "elsewhere", True),
        Field("general_practice", FLAG, "whether its rows come out of general practice's own records"),
        Field("columns", MapOf("columns", NAME, _COLUMN), "its columns", True),
    ),
)
"""The shape of a definition file."""


NAMES = (
    "people",
    "registrations",
    "residences",
    "consultations",
    "referrals",
    "attendances",
    "episodes",
    "admissions",
    "diagnoses",
    "procedures",
    "outpatients",
    "community_contacts",
    "mental_health_contacts",
    "social_care",
    "care_plans",
    "surveys",
    "prescriptions",
    "conditions",
    "observations",
    "deaths",
    "organisations",
    "areas",
    "registered",
    "resident",
)
"""The tables of the record, in the order in which they are described."""


@cache
def table(name: str) -> Table:
    """One table of the record; its definition is read when it is first asked for.

    Raises:
        KeyError: the record has no table of that name.
    """
    if name not in NAMES:
        raise KeyError(name)
    return _read(FOLDER / f"{name}.yaml")


def tables() -> Mapping[str, Table]:
    """Every table of the record by its name, in order."""
    return {name: table(name) for name in NAMES}


def _read(path: Path) -> Table:
    tree = read_tree(decode(path.read_bytes(), path.name))
    problems = conform(tree, TABLE)
    if problems or not isinstance(tree, Entries):
        raise AssertionError(f"a definition of Accord's own is wrong: {[str(problem) for problem in problems]}")
    fields = _fields(tree)
    of_persons = _text(fields.get("person")) or "required"
    return Table(
        name=_text(fields["table"]),
        title=_text(fields["title"]),
        row=_text(fields["row"]),
        columns=tuple(_column(name, value) for name, value in _fields(fields["columns"]).items()),
        unique=_texts(fields["unique"]),
        order=tuple(_order(text) for text in _texts(fields.get("order"))),
        of_persons=of_persons,  # type: ignore[arg-type]  # the shape allows these words only
        derived=_text(fields.get("derived")) or None,
        counterparts={name: _text(value) for name, value in _fields(fields["counterpart"]).items()},
        general_practice=_text(fields.get("general_practice")) == "true",
    )


def _column(name: str, tree: Tree) -> Column:
    fields = _fields(tree)
    least, most = _text(fields.get("min")), _text(fields.get("max"))
    allowed = fields.get("allowed")
    return Column(
        name=name,
        type=_text(fields["type"]),  # type: ignore[arg-type]  # the shape allows these words only
        meaning=_text(fields["meaning"]),
        required=_text(fields.get("required")) == "true",
        allowed=None if allowed is None else {word: _text(what) for word, what in _fields(allowed).items()},
        least=int(least) if least else None,
        most=int(most) if most else None,
        dotless=_text(fields.get("dotless")),  # type: ignore[arg-type]  # the shape allows these words only
        counterparts={each: _text(fields[each]) for each in ("nhs", "omop", "fhir") if _text(fields.get(each))},
    )


def _order(text: str) -> Order:
    first, sign, then = text.split()
    return Order(first, then, sign == "<=")


def _fields(tree: Tree | None) -> dict[str, Tree]:
    return {key.value: value for key, value in tree} if isinstance(tree, Entries) else {}


def _text(tree: Tree | None) -> str:
    return tree.value if isinstance(tree, Scalar) else ""


def _texts(tree: Tree | None) -> tuple[str, ...]:
    return tuple(_text(item) for item in tree.items) if isinstance(tree, Items) else ()
