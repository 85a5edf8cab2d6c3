"""The closed vocabulary of a contract and of a variation: every word that may stand in the file, and what it means.

Said once. The reader conforms a file to it, the JSON Schema for editors is printed from it, and the reference lists it.
"""

from __future__ import annotations

from typing import get_args

from accord.language.contract import Status
from accord.language.rounding import ROUNDING_RULES
from accord.language.shape import (
    DATE,
    FLAG,
    FORMULA,
    IDENTIFIER,
    NAME,
    TITLE,
    UNIT,
    WHOLE,
    Choice,
    Either,
    Field,
    Later,
    ListOf,
    MapOf,
    Record,
    Shape,
    Word,
)

NUMBER = Word("a number such as 1240.50 or 500_000", r"[+-]?\d+(?:_\d+)*(?:\.\d+)?", "1240.50")
CELL = Word("a value", None)
ANY_CELL = Word("a value, or nothing", r"(?s).*")
CURRENCY = Word("an ISO 4217 currency of three capital letters", r"[A-Z]{3}", "GBP")
EVERY = Word("a number of months or years", r"\d+ (?:months?|years?)", "12 months")
ROUND = Word(
    f"a step, a unit and a rule ({', '.join(ROUNDING_RULES)})",
    rf"\S+ .*\S|\S+ (?:{'|'.join(ROUNDING_RULES)})",
    "0.01 GBP half_up",
)
VERSION_ONE = Word("1, the version of this language", r"1", "1")
MEASURE = Word("a measure and its version", r"[a-z][a-z0-9_-]*@\d+(?:\.\d+)*", "emergency-admissions-chronic@1")
FILE_NAME = Word("the name of a CSV file beside the contract", r"[^/\\]+\.csv", "indicators.csv")
STATUS = Choice(get_args(Status))

_NAMES = ListOf("a list of names in [ ]", NAME)
_NAME_OR_NAMES = Either("a name, or a list of names", (NAME, _NAMES))

_SOURCE: tuple[Field, ...] = (
    Field("authority", TITLE, "Where the figure comes from: clause, statute, paper, letter."),
    Field("status", STATUS, "How sure it is: verified, unverified (the default), derived, indicative or assumed."),
    Field("note", TITLE, "A remark for the reader."),
    Field("review_by", DATE, "After this day every statement warns that the figure should be looked at again."),
)

COLUMN: Shape = Either(
    "a unit (or flag, text, date), or a mapping that says more",
    (
        UNIT,
        Record(
            "a column",
            (
                Field("unit", UNIT, "The unit of its numbers; percent means written times 100."),
                Field("type", Choice(("flag", "text", "date")), "What it holds, if not numbers."),
                Field("key", NAME, "The column says which: the table's keys determine this key."),
                Field("one_of", ListOf("a list of texts", CELL), "The only texts it may hold."),
                Field("optional", FLAG, "Its values may be missing."),
                Field("min", NUMBER, "The smallest allowed value, as written."),
                Field("places", WHOLE, "The most decimal places a value may have."),
                Field("compare", TITLE, "all, or the only thing this column may be compared with."),
                Field(
                    "note", TITLE, "A remark for the reader; also says why a column is carried that no formula reads."
                ),
            ),
        ),
    ),
)

_COLUMNS = MapOf("columns by name", NAME, COLUMN)

INPUT = Record(
    "an input",
    (
        Field("keys", _NAMES, "What one row is about.", required=True),
        Field("columns", _COLUMNS, "What a row says."),
        Field("optional", FLAG, "Rows may be absent; their columns are then missing."),
        Field("measure", MEASURE, "The measure that fills it, with its version."),
        Field("note", TITLE, "A remark for the reader."),
    ),
)

_ROW = Either("a list of values, or a mapping", (ListOf("values", ANY_CELL), MapOf("values", NAME, ANY_CELL)))

TABLE = Record(
    "a table",
    (
        Field("keys", _NAMES, "What one row is about.", required=True),
        Field("columns", _COLUMNS, "What a row says."),
        Field("rows", ListOf("a list of rows", _ROW), "The rows: keys then columns, in order."),
        Field("file", FILE_NAME, "A CSV file beside the contract that holds the rows; part of what is signed."),
        Field("optional", FLAG, "Rows may be absent; their columns are then missing."),
        *_SOURCE,
    ),
)


def _values() -> Shape:
    return Either("a value, or values by member", (CELL, MapOf("values by member", CELL, Later("values", _values))))


_PAIRS = ListOf("a list of [x, y]", ListOf("a pair [x, y]", CELL))
_POINTS = Either("a list of [x, y], or such a list by member", (_PAIRS, MapOf("points by member", CELL, _PAIRS)))

_VALUE_FIELDS: tuple[Field, ...] = (
    Field("value", CELL, "The value, as written in its unit; also a fraction such as 6/7."),
    Field("values", MapOf("values by member", CELL, Later("values", _values)), "One value for each member of by."),
    Field("points", _POINTS, "The points of a step or linear scale: [x, y]."),
    Field("bands", _POINTS, "The bands of a marginal scale: [up to, rate], the last one [above, rate]."),
)

ENTRY = Record(
    "a dated entry",
    (
        Field("from", DATE, "The first day it is in force.", required=True),
        Field("known_from", DATE, "The day it became known; without it, known since the contract was signed."),
        Field("until", DATE, "The last day it may be read; without it, it holds until the next entry."),
        *_VALUE_FIELDS,
        *_SOURCE,
    ),
)

PARAMETER = Record(
    "a parameter",
    (
        Field("unit", UNIT, "The unit of its value; percent means written times 100."),
        Field("type", Choice(("flag", "text", "date")), "What it is, if not a number."),
        Field("by", _NAME_OR_NAMES, "The key or column that chooses among values."),
        Field("dated", ListOf("a list of dated entries", ENTRY), "Its values over time."),
        Field("until", DATE, "The last day it may be read."),
        *_VALUE_FIELDS,
        Field("scale", Choice(("step", "linear", "marginal")), "Makes it a function of a number."),
        Field("of", UNIT, "The unit of the scale's argument."),
        Field("below", Choice(("hold",)), "Below the first point the first value holds; without it, an error."),
        Field("above", Choice(("hold",)), "Above the last point the last value holds; without it, an error."),
        Field("as_at", NAME, "Read at the start or end of a period, by days, or at a date column of the row."),
        Field("carry", Choice(("last",)), "The last entry goes on past its until."),
        *_SOURCE,
    ),
)

KEY = Record(
    "a key",
    (
        Field("every", EVERY, "A period of this length, from the first day of the term."),
        Field("starts", ListOf("a list of first days", DATE), "The first days of periods of uneven length."),
        Field("in", NAME, "The period in which this one lies."),
        Field("title", TITLE, "What it is called in print."),
        Field("note", TITLE, "A remark for the reader."),
    ),
)

PARTY = Record(
    "a party",
    (
        Field("name", TITLE, "The name of the one body that it is."),
        Field("each", NAME, "One party for each value of this key, or of this column that holds a key."),
        Field("paid_to", NAME, "The column that names who is paid in its place."),
        Field("note", TITLE, "A remark for the reader."),
    ),
)

QUANTITY: Shape = Either(
    "a formula, or a mapping that says more",
    (
        FORMULA,
        Record(
            "a quantity",
            (
                Field("is", FORMULA, "The formula."),
                Field(
                    "dated",
                    ListOf(
                        "a list of dated formulas",
                        Record(
                            "a dated formula",
                            (
                                Field("from", DATE, "The first day it is in force.", required=True),
                                Field("is", FORMULA, "The formula.", required=True),
                            ),
                        ),
                    ),
                    "Formulas that change on a date.",
                ),
                Field("unit", UNIT, "Its unit, where it says something; needed if it looks back at itself."),
                Field("round", ROUND, "How it is rounded: step, unit, rule."),
                Field("relabels", UNIT, "The unit that its own unit renames on purpose."),
                Field("key", NAME, "The quantity holds a key: a derived membership, used by through."),
                Field("clause", TITLE, "The clause it puts into numbers."),
                Field("title", TITLE, "What it is called in print."),
                Field("note", TITLE, "A remark for the reader."),
                Field("report", FLAG, "It is there to be read, not to be paid."),
                Field("status", STATUS, "How sure the rounding or the formula is, where the law leaves it open."),
            ),
        ),
    ),
)

GROUP = Record(
    "a group of quantities",
    (
        Field("each", _NAMES, "The keys of its rows: one value for each.", required=True),
        Field("rows", _NAME_OR_NAMES, "The tables and periods whose rows are combined."),
        Field("through", _NAME_OR_NAMES, "The columns or quantities through which keys are found here."),
        Field("title", TITLE, "The section heading."),
    ),
    others=QUANTITY,
    others_named=NAME,
)

CHECK = Record(
    "a check",
    (
        Field("that", FORMULA, "The condition that must hold.", required=True),
        Field("each", _NAMES, "The keys of the rows on which it must hold.", required=True),
        Field("rows", _NAME_OR_NAMES, "The tables and periods whose rows are combined."),
        Field("through", _NAME_OR_NAMES, "As in a group."),
        Field("else", TITLE, "What is wrong where it does not hold.", required=True),
        Field("note", TITLE, "A remark for the reader."),
    ),
)

PAYMENT = Record(
    "a payment",
    (
        Field("pay", NAME, "The quantity of money.", required=True),
        Field("from", NAME, "The party that owes it.", required=True),
        Field("to", NAME, "The party that it is owed to.", required=True),
        Field("negative", Choice(("reverse",)), "A negative amount flows the other way; without it, an error."),
        Field("stream", TITLE, "The payment stream it belongs to."),
        Field("due", TITLE, "When it is due."),
        Field("through", NAME, "The column or quantity through which a party is found."),
        Field("note", TITLE, "A remark for the reader."),
    ),
)

NOTICE = Record(
    "a notice",
    (
        Field("when", NAME, "The flag that proposes it.", required=True),
        Field("about", NAME, "The party it is about.", required=True),
        Field("notice", TITLE, "What is proposed to a person.", required=True),
        Field("days", NAME, "The days it gives."),
        Field("power", Choice(("statutory", "policy")), "What it rests on."),
        Field("through", NAME, "The column or quantity through which the party is found."),
    ),
)

_ROWS_BY_NAME = MapOf("rows by name", NAME, ListOf("a list of rows", MapOf("a row", NAME, ANY_CELL)))

EXAMPLE = Record(
    "a worked example",
    (
        Field("title", TITLE, "What it shows."),
        Field("source", TITLE, "Where its figures come from."),
        Field("given", _ROWS_BY_NAME, "Rows of inputs.", required=True),
        Field("expect", _ROWS_BY_NAME, "Keys and quantities that must come out.", required=True),
        Field("note", TITLE, "A remark for the reader."),
    ),
)

CONTRACT = Record(
    "a contract",
    (
        Field("accord", VERSION_ONE, "The version of the language: 1.", required=True),
        Field("contract", IDENTIFIER, "Its short name.", required=True),
        Field("title", TITLE, "Its full name."),
        Field("authority", TITLE, "The law, guidance or agreement that it puts into numbers."),
        Field("currency", CURRENCY, "The currency of its payments.", required=True),
        Field(
            "term",
            Record(
                "a term",
                (
                    Field("from", DATE, "Its first day.", required=True),
                    Field("to", DATE, "Its last day.", required=True),
                    Field("history", DATE, "The first day of the periods before it that formulas read."),
                ),
            ),
            "The days it is in force.",
            required=True,
        ),
        Field("note", TITLE, "A remark for the reader."),
        Field("units", ListOf("a list of units", NAME), "Units of its own, besides currencies, people and time."),
        Field("keys", MapOf("keys by name", NAME, KEY), "What rows are about.", required=True),
        Field("parties", MapOf("parties by name", NAME, PARTY), "Who pays and who is paid."),
        Field("inputs", MapOf("inputs by name", NAME, INPUT), "Data from outside."),
        Field("tables", MapOf("tables by name", NAME, TABLE), "Data of the contract itself."),
        Field("parameters", MapOf("parameters by name", NAME, PARAMETER), "Its figures, each with its source."),
        Field("quantities", ListOf("a list of groups", GROUP), "What it computes.", required=True),
        Field("checks", ListOf("a list of checks", CHECK), "What must hold."),
        Field("payments", ListOf("a list of payments", PAYMENT), "Who pays what to whom."),
        Field("notices", ListOf("a list of notices", NOTICE), "What it proposes to a person."),
        Field("examples", ListOf("a list of worked examples", EXAMPLE), "Its tests."),
    ),
)


def _anything() -> Shape:
    return Either(
        "anything",
        (
            ANY_CELL,
            ListOf("a list", Later("anything", _anything)),
            MapOf("a mapping", CELL, Later("anything", _anything)),
        ),
    )


ANYTHING: Shape = Later("anything", _anything)

VARIATION = Record(
    "a variation",
    (
        Field("accord", VERSION_ONE, "The version of the language: 1.", required=True),
        Field("variation", IDENTIFIER, "The short name of the contract that it makes.", required=True),
        Field("of", TITLE, "The base: a file or folder beside it, or a contract of the library.", required=True),
        Field(
            "base_hash",
            Word("64 hexadecimal digits", r"[0-9a-f]{64}"),
            "The hash of the base as signed: signed_hash of accord check --json.",
            required=True,
        ),
        Field("title", TITLE, "The title of the contract that it makes."),
        Field("authority", TITLE, "What it rests on."),
        Field("note", TITLE, "A remark for the reader."),
        Field("from", DATE, "The day on which replaced values and formulas begin, inside the term."),
        Field("replace", MapOf("entries by path", CELL, ANYTHING), "New values: parameters.price.value: 130.07"),
        Field("add", MapOf("entries by section", CELL, ANYTHING), "New entries, as they would stand in the contract."),
        Field("remove", ListOf("a list of paths", CELL), "Entries that go: payments.reward"),
    ),
)
