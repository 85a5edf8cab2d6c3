"""What crosses rows, as DuckDB SQL over a select: gathering a column, sharing out pools."""

from __future__ import annotations

from collections.abc import Sequence

from accord.engine.database import quoted
from accord.engine.expressions import WORLD
from accord.engine.sql import HUGE, TooWide, width_of
from accord.engine.statement import FLAG
from accord.engine.whole import Op


def aggregate(how: str, column: str, kept: str, op: Op, rows: int) -> str:
    """What a gathering makes of a column; missing if any value is."""
    match how:
        case "sum":
            size = op.size
            if size is None or size * max(rows, 1) > HUGE:
                raise TooWide
            wide = width_of(-size * max(rows, 1), size * max(rows, 1))
            made = f"coalesce(sum({column}){kept}, 0)::{wide}"
        case "min" | "max":
            made = f"{how}({column}){kept}"
        case _:
            made = f"list_sort(list({column}){kept})"
    if not op.nullable:
        return made
    return f"case when count(*){kept} = count({column}){kept} then {made} end"


def shares(sql: str, keys: Sequence[str], groups: Sequence[str], wide: str, flagged: bool) -> str:
    """Whole shares of a pool by weight: what a division leaves over goes to the largest remainders, ties by key."""
    by = ", ".join(quoted(name) for name in groups)
    group_by = f" group by {by}" if by else ""
    listed = "".join(f"s.{quoted(key)}, " for key in keys)
    listed += f"s.{quoted(FLAG)}, " if flagged else ""
    on = " and ".join(f"s.{quoted(name)} = t.{quoted(name)}" for name in groups) or "true"
    grouped = f"{by}, " if by else ""
    ties = ", ".join(quoted(key) for key in keys if key != WORLD)
    order = f"rest desc{', ' + ties if ties else ''}"
    over = f"{'partition by ' + by + ' ' if by else ''}order by {order}"
    return f"""
with s as materialized ({sql}),
t as (select {grouped}sum(w::HUGEINT) as total, bool_or(w is null) as lacking from s{group_by}),
u as materialized (
  select s.*, t.total, t.lacking,
         case when t.total > 0 then (abs(s.pool)::HUGEINT * s.w) // t.total else 0 end as share,
         case when t.total > 0 then (abs(s.pool)::HUGEINT * s.w) % t.total else 0 end as rest
  from s left join t on {on}),
v as (select {grouped}sum(share) as given from u{group_by}),
x as (select *, row_number() over ({over}) as place from u)
select {listed}case when s.lacking or s.pool is null or v.given is null then null
       else (s.share + case when s.place <= abs(s.pool)::HUGEINT - v.given then 1 else 0 end)
            * (case when s.pool < 0 then -1 else 1 end) end::{wide} as n,
       coalesce(s.pool <> 0 and s.total = 0, false) as stuck
from x s left join v on {on.replace("t.", "v.")}
"""
