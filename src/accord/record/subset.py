"""The portable subset of SQL: what a select may call and read, and what to write instead of what it may not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Literal

from accord.record import definition

Kind = Literal["whole", "number", "text", "day", "flag", "nothing", "any"]
"""What a value is. ``number`` is a decimal with four places, ``nothing`` is a bare ``null``, ``any`` is not known."""

CALENDAR: Mapping[str, Kind] = {
    "day": "day",
    "month": "day",
    "quarter": "day",
    "financial_year": "day",
    "weekday": "whole",
}
"""The columns of ``calendar``, one row a day from 1900 to 2100: the first day of the month, quarter and financial year
(from April) that it lies in, and the day of the week (1 Monday to 7 Sunday)."""

STANDING: Mapping[str, Mapping[str, Kind]] = {
    "calendar": CALENDAR,
    "numbers": {"n": "whole"},
    "window": {"first_day": "day", "last_day": "day"},
    "periods": {"period": "text", "first_day": "day", "last_day": "day"},
}
"""Tables that every select may use besides those of the record: ``calendar``, ``numbers`` (1 to 400), ``window`` (one
row: the days asked for) and ``periods`` (the periods asked for)."""

FUNCTIONS: Mapping[str, str] = {
    "days_between(a, b)": "days from a to b: b - a",
    "add_days(d, n)": "the day n days after d",
    "add_months(d, n)": "the same day n months after d; the last day of a shorter month",
    "age_on(born, d)": "full years of age on the day d; born on 29 February, a year is full on 1 March",
    "first_of_month(d)": "the first day of the month of d",
    "year_of(d)": "the calendar year of d",
    "quotient(a, b)": "a divided by b, cut towards zero to a whole number; missing where b is 0",
    "ten_thousandths(x)": "a number with four places as a whole number of its smallest place",
    "count(*), count(x), count(distinct x)": "rows, or rows where x is there",
    "sum(n)": "of whole numbers; missing where there is no row",
    "min(x), max(x)": "the least and the greatest",
    "coalesce(a, b, …), nullif(a, b)": "the first that is there; a, unless it is b",
    "least(a, b, …), greatest(a, b, …)": "of those that are there",
    "abs(n)": "without its sign",
    "lower(t), upper(t), length(t)": "text in small or capital letters, its characters",
    "substr(t, from, length)": "part of a text; from counts from 1, and the part is missing where it is below 1",
    "split_part(t, by, n)": "the n-th part of a text; empty if there is none, missing where n is below 1",
    "replace(t, what, by)": "a text with every part that is what replaced",
    "starts_with(t, 'word')": "whether the text begins so",
    "row_number(), rank(), dense_rank(), lag(x), lead(x)": "with over (partition by … order by …)",
    "sum(n), count(…), min(x), max(x)": "over (partition by … order by … rows between …)",
}
"""What a select may call, and what it gives."""

_SAY_INSTEAD: tuple[tuple[str, str], ...] = (
    (
        "avg mean",
        "keep sum(…) and count(…) as two columns: a ratio is made once, after adding up",
    ),
    (
        "round floor ceil ceiling trunc",
        "stay with whole numbers; quotient(a, b) divides them",
    ),
    (
        "date_diff datediff date_sub datesub age",
        "days_between(a, b) for days, age_on(born, d) for full years",
    ),
    (
        "date_trunc trunc_month last_day",
        "first_of_month(d), or join calendar",
    ),
    (
        "date_add dateadd",
        "add_days(d, n) or add_months(d, n)",
    ),
    (
        "year extract date_part datepart",
        "year_of(d), or join calendar for month, quarter and financial year",
    ),
    (
        "month quarter week day dayofweek weekday isodow",
        "join calendar on its day",
    ),
    (
        "now current_date currentdate currenttimestamp currenttime localtime current_timestamp today getdate",
        "a measure has no clock; take first_day and last_day from the table window",
    ),
    (
        "concat concat_ws format",
        "a || b, with coalesce(…, '') where one may be missing",
    ),
    (
        "countif count_if",
        "count(*) filter (where …)",
    ),
    (
        "bool_or logical_or bool_and logical_and",
        "max(case when … then 1 else 0 end) = 1",
    ),
    (
        "first last any_value arg_max arg_min max_by min_by first_value last_value nth_value mode",
        "number the rows with row_number() over (partition by … order by …) and keep row 1",
    ),
    (
        "regexp_matches regexp_like regexp_extract regexp_replace rlike similar_to",
        "put codes and patterns into a code list, and join the list",
    ),
    (
        "random rand uuid hash md5 sha256",
        "a measure gives the same answer every time",
    ),
    (
        "median quantile percentile_cont quantile_cont stddev variance approx_count_distinct percentile_disc",
        "give one row for each thing that counts; what is made of them comes after",
    ),
    (
        "string_agg group_concat list array_agg unnest explode struct_pack array map",
        "one row for each value",
    ),
    (
        "if iff iif decode",
        "case when … then … else … end",
    ),
    (
        "try_cast safe_cast to_date strptime make_date",
        "the record's columns already have their types; a day is written date '2026-04-01'",
    ),
    (
        "left right mid",
        "substr(t, 1, n)",
    ),
    (
        "generate_series range sequence",
        "the table numbers has n from 1 to 400, and calendar has the days",
    ),
    (
        "ntile percent_rank cume_dist",
        "row_number() and count(*) over (partition by …)",
    ),
    (
        "mod",
        "a % 7, with a whole number after it",
    ),
    (
        "ifnull nvl",
        "coalesce(a, b)",
    ),
    (
        "substring",
        "substr(t, from, length)",
    ),
    (
        "len strlen",
        "length(t)",
    ),
    (
        "contains instr position strpos",
        "starts_with(t, 'word'), or a code list",
    ),
)

INSTEAD: Mapping[str, str] = {name: say for names, say in _SAY_INSTEAD for name in names.split()}
"""Functions that differ between engines, or have no place in a measure: what to write instead."""

OWN: Mapping[str, tuple[tuple[Kind, ...], Kind]] = {
    "days_between": (("day", "day"), "whole"),
    "add_days": (("day", "whole"), "day"),
    "add_months": (("day", "whole"), "day"),
    "age_on": (("day", "day"), "whole"),
    "first_of_month": (("day",), "day"),
    "year_of": (("day",), "whole"),
    "quotient": (("whole", "whole"), "whole"),
    "ten_thousandths": (("number",), "whole"),
}
"""Own functions: what they take and give."""

WORDS: Mapping[Kind, str] = {
    "whole": "a whole number",
    "number": "a number with places",
    "text": "text",
    "day": "a day",
    "flag": "true or false",
    "nothing": "null",
    "any": "a value",
}


INSTEAD_OF_PART: Mapping[str, str] = {
    "limit": "a measure gives every row; number them with row_number() to keep some",
    "offset": "number the rows with row_number() to keep some",
    "qualify": "number the rows in a common table expression, and say where in the select after it",
    "windows": "write the window where it is used: over (partition by … order by …)",
    "laterals": "join a select in brackets",
    "sample": "a measure takes every row",
    "pivots": "sum(case when … then … end) as column",
    "except_": "name the columns",
    "replace": "name the columns",
    "rename": "name the columns",
    "grouping_sets": "one select for each, with union all",
    "cube": "one select for each, with union all",
    "rollup": "one select for each, with union all",
    "all": "name what it is grouped by",
    "method": "use join … on …",
    "match_condition": "number the rows with row_number() and keep row 1",
    "exclude": "leave it out",
    "by_name": "give both selects the same columns in the same order",
    "into": "a measure writes nothing",
    "locks": "a measure writes nothing",
}


class RecordTables(Mapping[str, Mapping[str, Kind]]):
    """The tables of the record as selects see them: the person, the row's key, the source, and their own columns.

    A definition is read when its table is first looked at.
    """

    def __getitem__(self, name: str) -> Mapping[str, Kind]:
        """The columns of a table; KeyError if the record has no such table."""
        return _seen(name)

    def __iter__(self) -> Iterator[str]:
        """The names of the tables, in order."""
        return iter(definition.NAMES)

    def __len__(self) -> int:
        """How many there are."""
        return len(definition.NAMES)

    def __contains__(self, name: object) -> bool:
        """Whether the record has a table of that name."""
        return name in definition.NAMES


@cache
def _seen(name: str) -> Mapping[str, Kind]:
    return {column.name: _kind(column.type) for column in seen_columns(definition.table(name))}


_OF_LOADING = ("known_from", "known_until", "file", "line")


def seen_columns(table: definition.Table) -> tuple[definition.Column, ...]:
    """The columns of a table that selects see: all but where a row came from and when it was known."""
    return tuple(column for column in table.all_columns if column.name not in _OF_LOADING)


def _kind(kind: definition.Type) -> Kind:
    match kind:
        case "person" | "key" | "count" | "pence":
            return "whole"
        case "day":
            return "day"
        case "number":
            return "number"
        case "flag":
            return "flag"
        case _:
            return "text"


def unified(kinds: Iterable[Kind]) -> Kind | None:
    """The kind that several values share; None if they share none."""
    found: set[Kind] = set(kinds) - {"nothing"}
    if not found:
        return "nothing"
    if {"whole", "number"} <= found:
        found -= {"whole"}
    if len(found) == 2:
        found -= {"any"}
    return found.pop() if len(found) == 1 else None


def prefix_of(pattern: str) -> str | None:
    """What a text must begin with to be like a pattern; None if the pattern is not a prefix."""
    word = pattern.removesuffix("%")
    return None if pattern == word or any(sign in word for sign in "%_\\") or not word else word


_PAGE = """# The SQL of measures

This page is written by `make docs` from the check itself.

A measure, a part and a derived table are each one `select` of a closed subset of SQL, written as DuckDB writes it.
The same text gives the same whole numbers on DuckDB and on Spark. What is not listed is refused, with its line, its
column and the portable way to say it.

- One statement: `with … as (…) select …`, joins (`join`, `left join`, `full join`, `cross join`, `semi join`, `anti
  join`), `where`, `group by`, `having`, `case`, `union all`, `select distinct`, window functions with an order.
- Tables by name: those of the record, those below, and the lists and parts that the card names. No files, no
  addresses, no settings.
- Whole numbers stay whole. There is no `/`, `round` or `avg`: a ratio stays two columns, and is made once, after
  adding up.
- A day is written `date '2026-04-01'`. Days are moved and compared with the functions below; there are no intervals
  and no clock.
- Nothing is cast silently: text is compared with text, days with days. Text is compared byte by byte.
- Missing values come last in every order that does not say `nulls first`.
- `like` takes a text that ends in `%`, with no other pattern; other patterns belong into a code list.
- `exists (…)` and `in (select …)` stand in `where` only; `not in (select …)` is refused, since one missing value
  makes it say nothing.
- Ties: an order inside `over (…)` goes down to a column that settles every tie, such as `row`.

## Tables that are always there

"""


BAR = "\\|"
"""A bar inside a cell of a table in the docs."""

_STANDING_WORDS = (
    "`calendar` has one row a day from 1900 to 2100, with the first day of the month, quarter and financial year (from "
    "April) that the day lies in, and the day of the week (1 Monday to 7 Sunday); `numbers` goes from 1 to 400; "
    "`window` has one row; `periods` are those asked for. Tables of the record are in [record.md](record.md)."
)


def page() -> str:
    """The page of the docs on what a select may use."""
    lines = ["| table | columns |", "|---|---|"]
    for name, columns in STANDING.items():
        lines.append(f"| `{name}` | {', '.join(f'`{column}`' for column in columns)} |")
    lines += ["", _STANDING_WORDS]
    lines += ["", "## Functions", "", "| function | what it gives |", "|---|---|"]
    lines += [f"| `{name}` | {what} |" for name, what in FUNCTIONS.items()]
    lines += ["", "## Instead of", "", "| not portable | what to write |", "|---|---|"]
    for names, say in _SAY_INSTEAD:
        lines.append(f"| {', '.join(f'`{name}`' for name in names.split())} | {say.replace('|', BAR)} |")
    return _PAGE + "\n".join(lines) + "\n"
