"""The Quality and Outcomes Framework of England, every quantity of the contract, beside the same written by hand.

Registers and lists of 6,188 practices are the published ones where the files are (the folder named by ACCORD_DATA, or
``shared/data`` beside the checkout), else a stand-in of their shape; counts by practice, thresholds and protection are
made up by hashes. By hand is what an expert would write: whole numbers, one statement for each kind of rows, results in
the same order.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow as pa
from tests.library import england

from accord.engine import Inputs, LoadedTable, Settlement, read_inputs, settle
from accord.engine.database import in_memory
from accord.language import check
from accord.language.contract import Contract
from accord.library import CONTRACTS

FILES = ("qof/registers_2024-25.parquet", "qof/icb_achievement_2024-25.json")


@dataclass(frozen=True)
class England:
    """The contract with its inputs, and what the lists and registers are."""

    contract: Contract
    inputs: Inputs
    real: bool

    @property
    def rows(self) -> int:
        """Practices x indicators x worlds."""
        return self.inputs.tables["lists"].data.num_rows * len(self.inputs.worlds) * 76


def nation(worlds: int, practices: int | None = None) -> England:
    """England in 2024/25, in a number of worlds: from one to the next some patients more are treated.

    ``practices`` is for a trial: so many of the stand-in.
    """
    contract = check(CONTRACTS / "qof")
    folder = next((one for one in _folders() if all((one / name).is_file() for name in FILES)), None)
    if practices is not None:
        folder, sources = None, england.stand_in(practices)
    elif folder is None:
        sources = england.stand_in()
    else:
        sources = england.published(*(folder / name for name in FILES))
    inputs = read_inputs(contract, sources)
    if worlds > 1:
        inputs = _in_worlds(inputs, worlds)
    return England(contract, inputs, folder is not None)


def _folders() -> Iterator[Path]:
    if "ACCORD_DATA" in os.environ:
        yield Path(os.environ["ACCORD_DATA"])
    yield Path(__file__).resolve().parent.parent.parent / "shared" / "data"


def _in_worlds(inputs: Inputs, worlds: int) -> Inputs:
    counts = inputs.tables["counts"]
    with in_memory() as connection:
        connection.register("counts", counts.data)
        data = connection.sql(f"""
            select practice, indicator, year, patients, exclusions, adjustments,
                   least(done + (hash(practice, indicator, w) % 5)::bigint, patients - exclusions - adjustments)::bigint
                     as done,
                   w::int as world
            from counts cross join range(0, {worlds}) r(w) order by world, practice, indicator""").to_arrow_table()
    tables = {**inputs.tables, "counts": LoadedTable("counts", data, counts.places, has_worlds=True)}
    return replace(inputs, tables=tables, worlds=tuple(range(worlds)))


def by_accord(of: England, threads: int | None = None) -> Settlement:
    """Every quantity, payment and notice, by the engine."""
    return settle(of.contract, of.inputs, threads=threads)


# ------------------------------------------------------------------------------------------------------------- by hand

# value of a point: 22062 pence; national average list: 9964; thresholds in hundredths; points in hundredths
FIXED = {
    "thresholds_of": """
        select indicator, year,
               coalesce(t.lower, c.lower_confirmed, u.lower_unconfirmed, 0) as lower_threshold,
               coalesce(t.upper, c.upper_confirmed * 100, u.upper_unconfirmed * 100, 0) as upper_threshold,
               upper_threshold - lower_threshold as between_thresholds,
               (t.lower is not null or c.lower_confirmed is not null or u.lower_unconfirmed is not null)
                 and (t.upper is not null or c.upper_confirmed is not null or u.upper_unconfirmed is not null)
                 as has_thresholds,
               i.kind = 'measured' and t.lower is null
                 and (u.lower_unconfirmed is not null or u.upper_unconfirmed is not null) as unconfirmed
        from indicators i left join thresholds t using (indicator, year)
        left join confirmed_thresholds c using (indicator, year)
        left join unconfirmed_thresholds u using (indicator, year)
        order by indicator, year""",
    "nation": """
        select *, national_patients as "national_prevalence:n", national_people as "national_prevalence:d",
               case when covers then register_in_all = national_patients and list_in_all = national_people end
                 as reconciles
        from (select area, year, sum(register)::bigint as register_in_all, sum(of_list)::bigint as list_in_all,
                     coalesce(any_value(n.national_register), register_in_all) as national_patients,
                     coalesce(any_value(n.national_list), list_in_all) as national_people,
                     coalesce(any_value(s.covers_england), false) as covers
              from registers left join national n using (area, year) left join scope s using (year)
              group by area, year)
        order by area, year""",
    "factors": """
        select practice, area, year, register as "prevalence:n", of_list as "prevalence:d",
               register * national_people as "disease_factor:n", of_list * national_patients as "disease_factor:d"
        from registers join nation using (area, year) order by practice, area, year""",
    "aspirations": """
        select practice, year, list_size, list_size as "population_index:n", 9964 as "population_index:d",
               22062 * list_size as "index_value:n", 996400 as "index_value:d",
               (coalesce(last_year_points, 0) * 80 * 22062 * list_size + 498200) // 996400 as aspiration
        from lists left join last_year using (practice, year) order by practice, year""",
    "instalments": """
        select practice, strftime(date '2024-04-01' + to_months(m::int), '%Y-%m-%d') as month,
               aspiration // 12 + (m < aspiration % 12)::int as instalment
        from aspirations cross join range(0, 12) r(m) order by practice, month""",
    "years": """
        select year, sum(available_points)::bigint as points_in_all, 22142 as value_per_patient_and_point,
               (select bool_or(unconfirmed) from thresholds_of) as rests_on_unconfirmed_thresholds
        from indicators group by year""",
}
"""What is the same in every world, in order."""

POINTS = """
with joined as (
  select l.practice, i.indicator, l.year, {world} as world, l.list_size, i.kind, i.available_points,
         a.has_register, f."disease_factor:n" as fn, f."disease_factor:d" as fd, r.register,
         t.lower_threshold as lower, t.between_thresholds as between_thresholds,
         p.protected_points, coalesce(k.confirmed, false) as confirmed,
         a.zero_register and r.register = 0 as no_patients,
         c.patients, c.exclusions, c.adjustments, c.done
  from lists l join indicators i using (year) {worlds}
  join areas a using (area) join thresholds_of t using (indicator, year)
  left join registers r on r.practice = l.practice and r.area = i.area and r.year = l.year
  left join factors f on f.practice = l.practice and f.area = i.area and f.year = l.year
  left join protection p on p.practice = l.practice and p.indicator = i.indicator and p.year = l.year
  left join confirmations k on k.practice = l.practice and k.indicator = i.indicator and k.year = l.year
  left join counts c on c.practice = l.practice and c.indicator = i.indicator and c.year = l.year {and_world}),
counted as (
  select *, case when no_patients then 0 else available_points end as available,
         kind = 'measured' and not no_patients and protected_points is null as measured_here,
         case when measured_here then patients - exclusions - adjustments else 0 end as eligible,
         case when measured_here then eligible - done else 0 end as still_to_treat,
         eligible + case when measured_here then adjustments else 0 end as with_adjusted,
         between_thresholds * eligible as span, between_thresholds * with_adjusted as span_with
  from joined),
shared as (
  select *, case when measured_here and span > 0
                 then least(greatest(done * 100 - lower * eligible, 0), span) else 0 end as over,
         case when measured_here and span > 0 then span else 1 end as under,
         case when measured_here and with_adjusted > 0 then (done * 20000 + with_adjusted) // (2 * with_adjusted) end
           as intervention,
         case when measured_here and with_adjusted > 0
              then (adjustments * 20000 + with_adjusted) // (2 * with_adjusted) end as adjusted_share
  from counted),
pointed as (
  select *, case when protected_points is not null then protected_points
                 when no_patients then 0
                 when kind = 'register' then case when register > 0 then available_points * 100 else 0 end
                 when kind = 'confirmed' then case when confirmed then available_points * 100 else 0 end
                 else (over * available_points * 200 + under) // (2 * under) end as points
  from shared)
select practice, indicator, year, world, no_patients, available, measured_here, eligible, still_to_treat,
       over as "achieved:n", under as "achieved:d", points,
       case when has_register
            then (((points * 22062 * list_size)::hugeint * fn + 498200 * fd) // (996400::hugeint * fd))::bigint
            else (points * 22062 * list_size + 498200) // 996400 end as value,
       with_adjusted, intervention, adjusted_share,
       case when measured_here and span_with > 0
            then (least(greatest(done * 100 - lower * with_adjusted, 0), span_with) * available_points * 200
                  + span_with) // (2 * span_with)
            else points end as points_without_adjustments,
       points - points_without_adjustments as points_from_adjustments
from pointed order by world, practice, indicator, year"""

PRACTICES = """
select practice, year, world, "population_index:n", "population_index:d", "index_value:n", "index_value:d",
       total_points, maximum_points, total_from_adjustments, achievement, aspiration,
       achievement - aspiration as balance, balance < 0 as to_be_paid_back,
       (select rests_on_unconfirmed_thresholds from years) as not_yet_certain
from (select practice, year, world, sum(points)::bigint as total_points, sum(available)::bigint as maximum_points,
             sum(points_from_adjustments)::bigint as total_from_adjustments, sum(value)::bigint as achievement
      from points group by practice, year, world)
join aspirations using (practice, year) order by world, practice, year"""


def connect(of: England, threads: int | None = None) -> duckdb.DuckDBPyConnection:
    """A connection that sees the loaded tables where they are."""
    connection = in_memory({} if threads is None else {"threads": threads})
    for name, table in of.inputs.tables.items():
        connection.register(name, table.data)
    return connection


GRAINS = {
    "thresholds_of": ("indicator", "year"),
    "nation": ("area", "year"),
    "factors": ("practice", "area", "year"),
    "instalments": ("practice", "month"),
    "years": ("year",),
    "points": ("practice", "indicator", "year"),
    "practices": ("practice", "year"),
}
"""The results by hand, and the keys of each."""


def by_hand(of: England, connection: duckdb.DuckDBPyConnection) -> dict[str, pa.Table]:
    """The same quantities, as an expert would write them in whole numbers."""
    for name, sql in FIXED.items():
        connection.execute(f"create or replace temp table {name} as {sql}")
    several = of.inputs.tables["counts"].has_worlds
    listed = ", ".join(f"({world})" for world in of.inputs.worlds)
    sql = POINTS.format(
        world="w.world" if several else "0::int",
        worlds=f"cross join (values {listed}) w(world)" if several else "",
        and_world="and c.world = w.world" if several else "",
    )
    connection.execute(f"create or replace temp table points as {sql}")
    connection.execute(f"create or replace temp table practices as {PRACTICES}")
    found = {name: connection.sql(f"from {name}").to_arrow_table() for name in GRAINS}
    connection.execute("drop table points; drop table practices")
    return found


def differences(settlement: Settlement, tables: dict[str, pa.Table]) -> dict[str, int]:
    """How many values of each quantity differ between the engine and the hand-written statements; none should."""
    found: dict[str, int] = {}
    with in_memory() as connection:
        for name, keys in GRAINS.items():
            ours, theirs = settlement.tables[keys].data, tables[name]
            connection.register("ours", ours)
            connection.register("theirs", theirs)
            on = [*keys, *(["world"] if "world" in theirs.column_names else [])]
            quantities = [column for column in ours.column_names if column not in (*keys, "world")]
            compared: dict[str, str] = {}
            for column in quantities:
                quotient, part = column[:-2], column[-2:]
                if part == ":d":
                    continue
                if part == ":n":
                    over, under = f'"{column}"::hugeint', f'"{quotient}:d"::hugeint'
                    compared[quotient] = f"a.{over} * b.{under} <> b.{over} * a.{under}"
                else:
                    compared[column] = f'a."{column}" is distinct from b."{column}"'
            counts = ", ".join(f'count(*) filter (where {how}) as "{column}"' for column, how in compared.items())
            joined = f"from ours a full join theirs b using ({', '.join(on)})"
            found |= dict(zip(compared, connection.sql(f"select {counts} {joined}").fetchall()[0], strict=True))
            lost = f"select count(*) {joined} where a.{keys[0]} is null or b.{keys[0]} is null"
            found[f"rows of {name}"] = connection.sql(lost).fetchall()[0][0]
    return found
