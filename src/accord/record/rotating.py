"""Rotating the key: a new secret is laid over every pseudonym of a record, without any identifier.

The key file gets a further secret first; then the record is written again as a new generation, in which every person,
row and spell has the pseudonym that the longer chain gives; then the earlier generations are removed, for they hold the
old pseudonyms. A rotation that was interrupted is finished by the same command, and so is a second record that was made
with the same key.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.engine.database import text_literal
from accord.record import definition
from accord.record.deriving import derive
from accord.record.loading import CONFIRMED, REJECTS, STAGING, WITHDRAWN, alone, describe_tables
from accord.record.optout import FOLDER as OPT_OUTS
from accord.record.pruning import generations, remove
from accord.record.pseudonym import KeyChain, KeyRefused, add_secret, read_key, row_expression
from accord.record.record import Record, next_generation, open_record, publish


@dataclass(frozen=True, slots=True)
class Rotated:
    """A rotation that is done: how many pseudonyms of people changed, and how many secrets the key has now."""

    record: Record
    people: int
    secrets: int
    removed: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The rotation as plain data."""
        return {
            "ok": True,
            "record": str(self.record.folder),
            "generation": self.record.generation.name,
            "people": self.people,
            "secrets": self.secrets,
            "removed": list(self.removed),
        }


def rotate(
    folder: Path | str, key: Path | str, *, watch: Callable[[str, int, int], None] = lambda what, done, of: None
) -> Rotated:
    """Bring a record to the end of its key's chain; if it is there already, the chain is made longer first.

    Raises:
        KeyRefused: the key is not the one of the record.
        DataRefused: there is no record, or a load is under way.
    """
    folder = Path(folder)
    open_record(folder)  # where there is no record, nothing is written either
    with alone(folder):
        record = open_record(folder)
        keys = read_key(key, record=folder)
        behind = keys.reaches(_fingerprint(record))
        if behind == len(keys):
            keys = add_secret(key)
        return _rewrite(record, keys, behind, watch)


def _fingerprint(record: Record) -> str:
    from accord.language.place import Place
    from accord.language.problem import Problem

    found = record.manifest.get("key")
    if not isinstance(found, str):
        problem = Problem(Place(str(record.folder), 0, 0), "this record was made, not loaded: it has no key")
        raise KeyRefused(problem)
    return found


def _rewrite(record: Record, keys: KeyChain, behind: int, watch: Callable[[str, int, int], None]) -> Rotated:
    from accord.engine.database import in_memory

    later = keys.since(behind)
    generation, unfinished = next_generation(record.folder)
    with in_memory() as con:
        people = _people(con, record, later)
        names = [name for name in definition.NAMES if record.files(name) and not definition.table(name).derived]
        for done, name in enumerate(names):
            watch(f"writing again: {definition.table(name).title.lower()}", done, len(names))
            for file in _with_rows(record.files(name)):
                (unfinished / name).mkdir(exist_ok=True)
                _copy(con, _rows(con, definition.table(name), file, later), unfinished / name / file.name)
        for name in (WITHDRAWN, CONFIRMED):
            for file in _with_rows(record.files(name)):
                (unfinished / name).mkdir(exist_ok=True)
                _copy(con, _said(con, file, later), unfinished / name / file.name)
        for file in record.files(OPT_OUTS):
            (unfinished / OPT_OUTS).mkdir(exist_ok=True)
            changed = f"select n.later as person, kind from {_parquet(file)} join new_people n using (person)"
            _copy(con, changed, unfinished / OPT_OUTS / file.name)
        for file in record.files(REJECTS):
            (unfinished / REJECTS).mkdir(exist_ok=True)
            shutil.copy2(file, unfinished / REJECTS / file.name)
    manifest = {**record.manifest, "key": keys.fingerprint}
    manifest["derived"] = derive(Record(record.folder, unfinished, manifest))
    manifest["tables"] = describe_tables(unfinished)
    publish(record.folder, unfinished, generation, manifest)
    # a load that was interrupted under the old key cannot go on
    shutil.rmtree(record.folder / STAGING, ignore_errors=True)
    removed = [old.name for old in generations(record.folder) if old.name != generation]
    remove(record.folder, removed)
    return Rotated(open_record(record.folder), people, len(keys), tuple(removed))


def _with_rows(files: Sequence[Path]) -> list[Path]:
    import pyarrow.parquet as pq

    return [file for file in files if pq.read_metadata(file).num_rows]


def _people(con: Any, record: Record, later: KeyChain) -> int:
    """Make the table ``new_people`` (person, later); say how many there are."""
    import pyarrow as pa

    files = [file for name in definition.NAMES if definition.table(name).of_persons != "none"
             for file in record.files(name)]  # fmt: skip
    files += record.files(OPT_OUTS)
    selects = [f"select person from {_parquet(file)}" for file in files] or ["select NULL::BIGINT as person"]
    found = con.sql(f"select distinct person from ({' union all '.join(selects)}) where person is not null")
    persons: list[int | None] = found.to_arrow_table().column(0).to_pylist()
    made = pa.table([pa.array(persons, pa.int64()), pa.array(later.again(persons), pa.int64())], ["person", "later"])
    con.register("new rows", made)
    con.execute('create temp table new_people as select * from "new rows"')
    con.unregister("new rows")
    return len(persons)


def _rows(con: Any, table: definition.Table, file: Path, later: KeyChain) -> str:
    """The select of a file's rows with their new pseudonyms; secrets are bound for each source."""
    selects: list[str] = []
    for number, (source,) in enumerate(con.execute(f"select distinct source from {_parquet(file)}").fetchall()):
        columns: list[str] = []
        for column in table.all_columns:
            name = f'"{column.name}"'
            if column.name == "person":
                columns.append("n.later as person")
            elif column.type == "key":
                domain = f"{source} {table.name if column.name == 'row' else column.name}"
                variables = _bind(con, f"{number}_{column.name}", domain, later)
                columns.append(f"case when e.{name} is not null then {_hashed(f'e.{name}', variables)} end as {name}")
            else:
                columns.append(f"e.{name}")
        join = "" if table.of_persons == "none" else " left join new_people n on n.person = e.person"
        where = f" where e.source = {text_literal(source)}"
        selects.append(f"select {', '.join(columns)} from {_parquet(file)} e{join}{where}")
    return " union all ".join(selects)


def _said(con: Any, file: Path, later: KeyChain) -> str:
    found = con.execute(f'select distinct "table", source from {_parquet(file)}').fetchall()
    selects: list[str] = []
    for number, (table, source) in enumerate(found):
        variables = _bind(con, f"{number}_said", f"{source} {table}", later)
        selects.append(
            f"select * replace ({_hashed('row', variables)} as row) from {_parquet(file)} "
            f'where "table" = {text_literal(table)} and source = {text_literal(source)}'
        )
    return " union all ".join(selects)


def _bind(con: Any, name: str, domain: str, later: KeyChain) -> list[str]:
    variables: list[str] = []
    for nth, secret in enumerate(later.row_secrets(domain)):
        variables.append(f"secret_{name}_{nth}")
        con.execute(f"set variable {variables[-1]} = ?", [secret])
    return variables


def _hashed(column: str, variables: list[str]) -> str:
    return row_expression(f"{column}::VARCHAR", variables)


def _copy(con: Any, select: str, file: Path) -> None:
    con.execute(f"copy ({select}) to {text_literal(str(file))} (format parquet, compression zstd)")


def _parquet(file: Path) -> str:
    return f"read_parquet({text_literal(str(file))})"
