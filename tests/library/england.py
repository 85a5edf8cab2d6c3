"""Every practice in England for the Quality and Outcomes Framework: real registers and lists, the rest made up.

What is not published by practice (counts, exclusions, adjustments, thresholds, income protection) is made up by hashes
of the keys: nothing random, nothing stored. Without the published files there is a stand-in of the same shape for the
registers and lists too; whoever uses it says so.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import duckdb

from accord.library import CONTRACTS
from accord.settlement.filling import apply_reading
from accord.settlement.reading import read_reading

QOF = CONTRACTS / "qof"
PRACTICES, YEAR = 6_188, "2024-04-01"


def published(registers: Path, achievement: Path) -> dict[str, Any]:
    """The inputs of 2024/25 by name, from the registers of every practice and the achievement of boards and England."""
    real = apply_reading(read_reading(QOF / "readings" / "registers.yaml"), registers, "2024").tables["registers"]
    lists = apply_reading(read_reading(QOF / "readings" / "lists.yaml"), registers, "2024").tables["lists"]
    prevalence = json.loads(achievement.read_bytes())["england"]["prevalence"]
    national = [
        {"area": area, "year": YEAR, "national_register": there["register"], "national_list": there["denominator"]}
        for area, there in prevalence.items()
    ]
    return {"lists": lists, "registers": real, "national": national, **_made_up(lists, real)}


def stand_in(practices: int = PRACTICES) -> dict[str, Any]:
    """The same without any published file: as many practices and areas, with made-up lists and registers."""
    with duckdb.connect() as nation:
        nation.execute(f"""create table lists as
            select printf('A%05d', i) as practice, '{YEAR}' as year, 1500 + (hash('list', i) % 17000)::int as list_size
            from range(1, {practices + 1}) r(i)""")
        nation.execute(f"""create table registers as
            select practice, area, '{YEAR}' as year,
                   (list_size * (2 + hash('register', practice, area) % 140) // 1000)::bigint as register,
                   list_size as of_list
            from lists cross join (select distinct area from read_csv('{QOF / "indicators.csv"}')
                                   where year = date '{YEAR}' and kind = 'register'
                                   union select unnest(['DEP', 'NDH']))""")
        areas = "select area, year, sum(register)::bigint, sum(of_list)::bigint from registers group by all order by 1"
        heads = ("area", "year", "national_register", "national_list")
        national = [dict(zip(heads, row, strict=True)) for row in nation.sql(areas).fetchall()]
        lists, registers = (nation.sql(f"from {name}").to_arrow_table() for name in ("lists", "registers"))
    return {"lists": lists, "registers": registers, "national": national, **_made_up(lists, registers)}


def _made_up(lists: Any, registers: Any) -> dict[str, Any]:
    """What is not published by practice, and that these are all practices."""
    year = f"'{YEAR}' as year"
    with duckdb.connect() as nation:
        nation.register("lists", lists)
        nation.register("registers", registers)
        nation.execute(f"""create table indicators as select * from read_csv('{QOF / "indicators.csv"}')
            where year = date '{YEAR}'""")

        def made(sql: str) -> Any:
            return nation.sql(sql).to_arrow_table()

        return {
            "counts": made(f"""
                select practice, indicator, {year}, patients, patients * (e % 3) // 100 as exclusions,
                       patients * (a % 20) // 100 as adjustments,
                       (patients - exclusions - adjustments) * (35 + d % 66) // 100 as done
                from (select l.practice, i.indicator, coalesce(r.register, l.list_size)::bigint as patients,
                             hash(l.practice, indicator, 'e')::hugeint as e,
                             hash(l.practice, indicator, 'a')::hugeint as a,
                             hash(l.practice, indicator, 'd')::hugeint as d
                      from lists l cross join indicators i
                      left join registers r on r.practice = l.practice and r.area = i.area
                      where kind = 'measured' and not income_protected)"""),
            "protection": made(f"""
                select practice, indicator, {year},
                       (available_points * (60 + hash(practice, indicator) % 41)::int / 100)::decimal(9, 2)
                         as protected_points
                from lists cross join indicators where income_protected"""),
            "thresholds": made(
                f"select indicator, {year}, 50 as lower, 90 as upper from indicators where kind = 'measured'"
            ),
            "last_year": made(
                f"select practice, {year}, 560 + (hash(practice) % 70)::int as last_year_points from lists"
            ),
            "scope": [{"year": YEAR, "covers_england": "true"}],
        }


def add_made_up(folder: Path) -> list[Path]:
    """Beside ``lists.csv`` and ``registers.csv`` of a folder that ``accord prepare`` wrote: the rest, made up."""
    from pyarrow import Table, csv

    with duckdb.connect() as nation:
        lists, registers = (
            nation.sql(f"from read_csv('{folder / name}.csv', types = {{'year': 'varchar'}})").to_arrow_table()
            for name in ("lists", "registers")
        )
    written: list[Path] = []
    for name, table in _made_up(lists, registers).items():
        path = folder / f"{name}.csv"
        if not path.exists():
            csv.write_csv(Table.from_pylist(table) if isinstance(table, list) else table, path)
            written.append(path)
    return written


if __name__ == "__main__":
    for path in add_made_up(Path(sys.argv[1])):
        print(f"wrote {path}: made up")
