"""The achievement contract over every practice and indicator of a nation, beside the same arithmetic written by hand.

Three ways over the same tables in memory: Accord; the SQL that an expert would write for it, in whole numbers; and the
SQL that most people would write, in floating point.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from accord.engine import Inputs, LoadedTable, Settlement, read_inputs, settle
from accord.engine.database import in_memory
from accord.language import check
from accord.language.contract import Contract

HERE = Path(__file__).parent
PRACTICES, INDICATORS, DISEASES = 6_200, 76, 22
SEED = 20260401


@dataclass(frozen=True)
class Nation:
    """A contract with its inputs."""

    contract: Contract
    inputs: Inputs
    rows: int


def nation(worlds: int, practices: int = PRACTICES) -> Nation:
    """A made-up nation, the same every time, in a number of worlds."""
    contract = check(HERE / "achievement.yaml")
    data = made_up(1, practices)
    inputs = read_inputs(contract, data)
    if worlds > 1:
        inputs = in_worlds(inputs, worlds, practices)
    return Nation(contract, inputs, inputs.tables["counts"].data.num_rows)


def made_up(worlds: int, practices: int) -> dict[str, pa.Table]:
    """Lists, registers and counts by hashes of their keys: nothing random, nothing stored."""
    connection = in_memory()

    def draw(below: int, *what: str) -> str:
        return f"(hash({SEED}, {', '.join(what)}) % {below})::bigint"

    listed = f"""
        select printf('A%05d', i) as practice, '2024-04-01' as year, 1500 + {draw(15_000, "'list'", "i")} as list_size
        from range(1, {practices + 1}) r(i)"""
    registers = f"""
        select practice, printf('D%02d', d) as disease, year, list_size as of_list,
               list_size * (2 + {draw(140, "'register'", "practice", "d")}) // 1000 as register
        from ({listed}), range(1, {DISEASES + 1}) r(d)"""
    counts = f"""
        select practice, printf('I%03d', i) as indicator, year, w::int as world,
               {draw(400, "'eligible'", "practice", "i", "w")} as eligible,
               eligible * (20 + {draw(81, "'done'", "practice", "i", "w")}) // 100 as done
        from ({listed}), range(1, {INDICATORS + 1}) r(i), range(0, {worlds}) s(w)
        order by world, practice, indicator"""

    def table(sql: str) -> pa.Table:
        return connection.sql(sql).to_arrow_table()

    found = {"practices": table(listed), "registers": table(registers), "counts": table(counts)}
    if worlds == 1:
        found["counts"] = found["counts"].drop_columns(["world"])
    connection.close()
    return found


def in_worlds(inputs: Inputs, worlds: int, practices: int) -> Inputs:
    """The same inputs with counts that differ by world."""
    data = made_up(worlds, practices)["counts"].select(["practice", "indicator", "year", "eligible", "done", "world"])
    counts = LoadedTable("counts", data, {"eligible": 0, "done": 0}, has_worlds=True)
    tables = {**inputs.tables, "counts": counts}
    return Inputs(tables, inputs.first, inputs.last, inputs.periods, tuple(range(worlds)))


WANTED = ("total_points", "achievement")


def by_accord(of: Nation, threads: int | None = None) -> Settlement:
    """What each practice is paid, by the engine."""
    return settle(of.contract, of.inputs, threads=threads, wanted=WANTED)


# thresholds are held in hundredths, the value of a point in pence (22062), points in hundredths;
# {more}: the indicator too, where rows are compared
BY_HAND = """
with nation as (
  select disease, year, sum(register) as register, sum(of_list) as of_list from registers group by disease, year),
factor as (
  select r.practice, r.disease, r.year,
         case when n.register > 0 then r.register * n.of_list else 1 end::bigint as n,
         case when n.register > 0 then r.of_list * n.register else 1 end::bigint as d
  from registers r join nation n using (disease, year)),
joined as (
  select c.practice, c.year, {of_more} {world} as world, f.n, f.d, p.list_size, i.available_points,
         c.done * 100 - i.lower * c.eligible as above, (i.upper - i.lower) * c.eligible as span
  from counts c
  join indicators i using (indicator, year)
  join practices p using (practice, year)
  join factor f on f.practice = c.practice and f.disease = i.disease and f.year = c.year),
achieved as (
  select practice, year, {more} world, n, d, list_size,
         case when span > 0
              then (least(greatest(above, 0), span) * available_points * 200 + span) // (2 * span) else 0 end as points
  from joined),
valued as (
  select practice, year, {more} world, points,
         (((points * 22062 * list_size)::hugeint * n + 498200 * d) // (996400 * d))::bigint as value
  from achieved)"""

BY_FLOAT = """
with nation as (
  select disease, year, sum(register) / sum(of_list) as prevalence from registers group by disease, year),
factor as (
  select r.practice, r.disease, r.year,
         case when n.prevalence > 0 then (r.register / r.of_list) / n.prevalence else 1 end as factor
  from registers r join nation n using (disease, year)),
achieved as (
  select c.practice, c.year, {of_more} {world} as world, f.factor, p.list_size,
         round(case when c.eligible > 0 then
           least(greatest((c.done / c.eligible - i.lower / 100) / (i.upper / 100 - i.lower / 100), 0), 1)
         else 0 end * i.available_points, 2) as points
  from counts c
  join indicators i using (indicator, year)
  join practices p using (practice, year)
  join factor f on f.practice = c.practice and f.disease = i.disease and f.year = c.year),
valued as (
  select practice, year, {more} world, points,
         round(points * 220.62::double * (list_size / 9964) * factor, 2) as value
  from achieved)"""

TOTALS = """
select practice, year, world, sum(points){0} as total_points, sum(value){0} as achievement
from valued group by practice, year, world order by world, practice, year"""
ROWS = "select practice, year, indicator, world, points, value from valued"


def connect(of: Nation, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that sees the loaded tables where they are."""
    connection = in_memory({} if threads is None else {"threads": threads})
    for name, table in of.inputs.tables.items():
        connection.register(name, table.data)
    return connection


def by_hand(of: Nation, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The same, as an expert would write it in whole numbers."""
    return connection.sql(_filled(BY_HAND, of) + TOTALS.format("::bigint")).to_arrow_table()


def by_float(of: Nation, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """The same in floating point."""
    return connection.sql(_filled(BY_FLOAT, of) + TOTALS.format("")).to_arrow_table()


def _filled(sql: str, of: Nation, more: str = "") -> str:
    world = "c.world" if of.inputs.tables["counts"].has_worlds else "0::int"
    return sql.format(world=world, more=more, of_more="c." + more if more else "")


def wrong_in_float(of: Nation, connection: duckdb.DuckDBPyConnection) -> tuple[int, int, int]:
    """How many results floating point gets wrong: points and payments of rows, payments of practices."""
    for name, sql in (("exactly", BY_HAND), ("floating", BY_FLOAT)):
        connection.execute(f"create temp table {name} as {_filled(sql, of, 'indicator,')} {ROWS}").fetchall()
    points, values = connection.execute(
        """select count(*) filter (where round(f.points * 100)::bigint <> e.points),
                  count(*) filter (where round(f.value * 100)::bigint <> e.value)
           from exactly e join floating f using (practice, year, world, indicator)"""
    ).fetchall()[0]
    totals = connection.execute(
        """select count(*) from
             (select practice, world, sum(value) as v from exactly group by all) e
             join (select practice, world, sum(value) as v from floating group by all) f using (practice, world)
           where round(f.v * 100)::bigint <> e.v"""
    ).fetchall()[0][0]
    for name in ("exactly", "floating"):
        connection.execute(f"drop table {name}").fetchall()
    return points, values, totals


def same(settlement: Settlement, table: pa.Table) -> bool:
    """Whether the engine's results and a table of results by hand are equal to the digit."""
    ours = settlement.tables["practice", "year"]
    assert ours.places == {"total_points": 2, "achievement": 2}, ours.places
    return all(ours.data.column(name).equals(table.column(name).cast(ours.data.column(name).type)) for name in
               ("practice", "year", "world", "total_points", "achievement"))  # fmt: skip
