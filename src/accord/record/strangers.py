"""Strangers: NHS numbers that stand in a column of codes or amounts, although they are some other person's.

A ten-digit number is not yet a person's: codes of ten digits exist, and one in eleven passes the check. What is looked
for are numbers that somebody has of whom this load or the record knows: each is hashed as an identifier is, and the
pseudonym is looked up. One that stands in the rows of more people than a small count is a code after all, which is
somebody's number by chance: a slip puts one person's into a few. The numbers that are left are in the memory of the
connection only, as the identifiers are.

Only columns that have numbers of ten digits at all are looked into, and of these the distinct values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from accord.engine.database import quoted, text_literal
from accord.record.disclosure import rules
from accord.record.pseudonym import KeyChain, bound_person_secrets, person_expressions
from accord.record.source import NHS

if TYPE_CHECKING:
    import duckdb

SIGNS = " ._-"
"""What may stand between the digits of a number: 999 000 0018."""

DIGITS = f"([0-9][{SIGNS}]*){{10}}"
"""A text that may hold a number of ten digits, as a pattern."""

_FOUND = "numbers_of_people"


def look(
    con: duckdb.DuckDBPyConnection,
    incoming: str,
    columns: Mapping[str, bool],
    keys: KeyChain,
    people: Sequence[Path],
) -> None:
    """Find the numbers of people in some columns of a relation; :func:`held` and :func:`same` then ask for them.

    Args:
        con: holds the view ``identifiers`` (identifier, person) of this load.
        incoming: the relation; it has a column ``identifier`` too.
        columns: the columns to look into, and whether each holds text (otherwise amounts).
        keys: what pseudonyms are made with.
        people: the files of the record's table ``people``.
    """
    con.execute(f"set variable {_FOUND} = []::VARCHAR[]")
    if not columns:
        return
    numbers = [
        f"select distinct unnest({_of_text('held')}) as number from (select distinct {quoted(name)}::VARCHAR as held "
        f"from {incoming}) where regexp_matches(held, '{DIGITS}')"
        if text
        else f"select distinct unnest({_of_amount(quoted(name))}) as number from {incoming}"
        for name, text in columns.items()
    ]
    _, person = person_expressions("number", NHS, bound_person_secrets(con, keys))
    known = ["select person from identifiers"]
    if people:
        known.append(f"select person from read_parquet([{', '.join(text_literal(str(file)) for file in people)}])")
    con.execute(
        f"""create or replace temp table {_FOUND} as
            select number from (
              select number, {person} as person from (select distinct number from ({" union all ".join(numbers)}))
            ) semi join ({" union all ".join(known)}) using (person)"""
    )
    if con.execute(f"select count(*) from {_FOUND}").fetchall()[0][0]:
        rows = [
            f"select identifier, unnest({_of_text(f'{quoted(name)}::VARCHAR') if text else _of_amount(quoted(name))}) "
            f"as number from {incoming}"
            for name, text in columns.items()
        ]
        con.execute(
            f"""set variable {_FOUND} = (
                  select coalesce(list(number), []) from (
                    select number from ({" union all ".join(rows)}) semi join {_FOUND} using (number)
                    group by number having count(distinct identifier) <= {rules().most}
                  )
                )"""
        )
    con.execute(f"drop table {_FOUND}")


def held(text: str) -> str:
    """Whether a text holds one of the numbers that were found, in SQL."""
    return f"(len(getvariable('{_FOUND}')) > 0 and list_has_any({_of_text(text)}, getvariable('{_FOUND}')))"


def same(amount: str) -> str:
    """Whether an amount is one of them."""
    return f"(len(getvariable('{_FOUND}')) > 0 and list_has_any({_of_amount(amount)}, getvariable('{_FOUND}')))"


def _of_text(text: str) -> str:
    """The numbers of ten digits in a text: as they stand, and in groups of 3, 3 and 4."""
    runs = f"regexp_extract_all({text}, '[0-9]+')"
    grouped = (
        f"list_transform(range(1, len({runs}) - 1), lambda i: case when length({runs}[i]) = 3 "
        f"and length({runs}[i + 1]) = 3 and length({runs}[i + 2]) = 4 "
        f"then {runs}[i] || {runs}[i + 1] || {runs}[i + 2] end)"
    )
    return f"list_filter(list_concat({runs}, {grouped}), lambda x: length(x) = 10)"


def _of_amount(amount: str) -> str:
    """The number of ten digits that an amount is: one that begins with 0 has lost it."""
    whole = f"try_cast({amount} as DECIMAL(18, 4))"
    return (
        f"case when {whole} > 99999999 and {whole} < 10000000000 and {whole} = floor({whole}) "
        f"then [lpad(try_cast({whole} as BIGINT)::VARCHAR, 10, '0')] else [] end"
    )
