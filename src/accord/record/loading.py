"""Loading: from the files of a source to a new generation of the record, all of it or nothing.

1. Every file is known by the hash of its bytes. One that was loaded before, read the same way, is not read again.
2. Files are read in batches into ``RECORD/.loading`` (:mod:`accord.record.staging`); a finished batch says so.
   A process that is killed is resumed by the same command: finished batches are not read again.
3. Table by table, what was read is brought together with what the record holds (:mod:`accord.record.versions`).
4. The tables that are made from others are made again, the balance is struck, and the generation is published.

The balance: rows of the file = kept + unchanged + rejected + set aside, for every file and in all; and for every file
and table the same for the rows that were made of them. It is asserted, not hoped for.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.engine.database import text_literal
from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.record import definition
from accord.record.admitting import FIRST_DAY
from accord.record.balance import Balance, FileLoaded
from accord.record.optout import FOLDER as OPT_OUTS
from accord.record.optout import Kind, OptOuts, Replaced, read_list, read_opt_outs
from accord.record.pseudonym import KeyChain, KeyRefused
from accord.record.record import CURRENT, Record, next_generation, open_record, publish
from accord.record.source import Reader, SourceFile
from accord.record.staging import Batch, Staging, batches_of, stamp, write_json

if TYPE_CHECKING:
    import duckdb

READING = 4
"""Raised when the same file would be admitted differently: files loaded before are then read again."""

STAGING = ".loading"
"""The folder of a record in which a load is under way."""

REJECTS = "rejects"
"""The folder of a generation that holds the rows that were not kept, each with its reasons."""

WITHDRAWN = "withdrawn"
"""The folder of a generation that remembers which rows the sources withdrew."""

CONFIRMED = "confirmed"
"""The folder of a generation that remembers which rows later files said again, unchanged."""

Watch = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much is done."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A load that is done. ``changed`` says whether the record has a new generation."""

    record: Record
    changed: bool
    files: tuple[FileLoaded, ...]
    replaced: int
    withdrawn: int
    opted_out: int
    reasons: Mapping[str, int]
    """Why rows were rejected: table, column and words, with how many times."""
    warnings: tuple[Problem, ...]
    resumed: bool
    lists: tuple[Replaced, ...] = ()
    """The lists of opt-outs that this load replaced."""

    @property
    def rows(self) -> int:
        """Rows of the files, in all."""
        return sum(file.rows for file in self.files)

    def total(self, what: str) -> int:
        """Rows ``kept``, ``unchanged``, ``rejected`` or ``set_aside``, in all."""
        counts = [getattr(file, what) for file in self.files]
        return sum(sum(each.values()) if isinstance(each, Mapping) else each for each in counts)

    def as_json(self) -> dict[str, object]:
        """The load as plain data."""
        return {
            "ok": True,
            "record": str(self.record.folder),
            "generation": self.record.generation.name,
            "changed": self.changed,
            "resumed": self.resumed,
            "rows": self.rows,
            **{what: self.total(what) for what in ("kept", "unchanged", "rejected", "set_aside")},
            "replaced": self.replaced,
            "withdrawn": self.withdrawn,
            "opted_out": self.opted_out,
            "opt_out_lists": [asdict(each) for each in self.lists],
            "reasons": dict(self.reasons),
            "files": [asdict(file) for file in self.files],
            "warnings": [problem.as_json() for problem in self.warnings],
        }


def load(
    folder: Path | str,
    reader: Reader,
    files: Sequence[Path | str],
    *,
    keys: KeyChain,
    known: dt.date | None = None,
    day: dt.date | None = None,
    opt_outs: Mapping[Kind, Sequence[Path]] | None = None,
    watch: Watch = lambda what, done, of: None,
    threads: int | None = None,
    memory: str | None = None,
) -> Loaded:
    """Load files into a record; the record is made if it is not there.

    Args:
        folder: the record.
        reader: what knows the form of the files (:func:`accord.record.readers.open_reader`).
        files: files or folders of files.
        keys: the key (:func:`accord.record.pseudonym.read_key`).
        known: the day on which the files became known; the day of loading if not said. Rows may say their own.
        day: the day of loading: today.
        opt_outs: newer lists of people who have opted out, by kind; a list that is not given stays as it was.
        watch: told how far the load is.
        threads: how many threads DuckDB uses; all if not said.
        memory: how much memory DuckDB may use, such as ``8GB``; half of what the machine has if not said.

    Raises:
        DataRefused: a file cannot be read, ``known`` is a day to come, or another load is under way. The record is as
            it was.
        KeyRefused: the key is not the one of the record.
    """
    folder, day = Path(folder), day or dt.date.today()
    if known and not FIRST_DAY <= known <= day:
        what = f"the files cannot have become known on {known.isoformat()}: that is not a day up to {day.isoformat()}"
        fix = "give the day on which they became known: rows of a later day would stand against every later correction"
        raise DataRefused(Problem(Place(str(folder), 0, 0), what, fix))
    folder.mkdir(parents=True, exist_ok=True)
    with alone(folder):
        before = open_record(folder) if (folder / CURRENT).exists() else None
        _check_key(before, keys)
        held = read_opt_outs(before.generation) if before else OptOuts({})
        newer: dict[Kind, frozenset[int]] = {kind: read_list(paths, keys) for kind, paths in (opt_outs or {}).items()}
        lists = tuple(Replaced(kind, len(held.people.get(kind, ())), len(now)) for kind, now in newer.items())
        return _Load(folder, reader, keys, before, held, held.replaced(newer), lists, watch, threads, memory).run(
            reader.files([Path(each) for each in files]) if files else (), known, day
        )


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else writes this record meanwhile. The lock goes with the process, however it ends.

    Raises:
        DataRefused: somebody does.
    """
    try:
        import fcntl
    except ImportError:  # where there is no such lock, one load at a time is the user's care
        yield
        return
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            problem = Problem(Place(str(folder), 0, 0), "another process is writing this record", "wait for it")
            raise DataRefused(problem) from error
        yield


def _check_key(before: Record | None, keys: KeyChain) -> None:
    if before is None:
        return
    place = Place(str(before.folder), 0, 0)
    fingerprint = before.manifest.get("key")
    if not isinstance(fingerprint, str):
        problem = Problem(
            place, "this record was made, not loaded: its people have no pseudonyms", "load into a new one"
        )
        raise KeyRefused(problem)
    if keys.reaches(fingerprint) < len(keys):
        problem = Problem(
            place,
            "the key was rotated, and this record has not followed yet",
            f"accord record rotate {before.folder} --key with the same key file",
        )
        raise KeyRefused(problem)


class _Load:
    """One load, under way."""

    def __init__(
        self,
        folder: Path,
        reader: Reader,
        keys: KeyChain,
        before: Record | None,
        held: OptOuts,
        opt_outs: OptOuts,
        lists: tuple[Replaced, ...],
        watch: Watch,
        threads: int | None,
        memory: str | None,
    ) -> None:
        self.folder, self.reader, self.keys, self.before = folder, reader, keys, before
        self.held, self.opt_outs, self.lists, self.watch = held, opt_outs, lists, watch
        self.threads, self.memory = threads, memory
        self.staging = folder / STAGING
        self.stamps: dict[Path, tuple[int, int]] = {}
        self.manifest: Mapping[str, Any] = before.manifest if before else {}
        # the load with which the lists of opt-outs became what they are, once a list has taken the place of another
        since = int(self.manifest.get("lists_since", 0))
        self.lists_since = len(self.manifest["loads"]) + 1 if before and opt_outs.digest != held.digest else since

    # -- the whole -----------------------------------------------------------------------------------------------------

    def run(self, files: Sequence[SourceFile], known: dt.date | None, day: dt.date) -> Loaded:
        digests = self._digests(files)
        known_files: list[Mapping[str, Any]] = list(self.manifest.get("files", []))
        new: list[SourceFile] = []
        again: list[FileLoaded] = []
        for file in files:
            earlier = self._earlier(known_files, file, digests[file.path], known)
            if earlier:
                again.append(earlier)
            else:
                new.append(file)
        if not new and self.opt_outs.digest == self.held.digest and self.before:
            self._clear()
            return Loaded(self.before, False, tuple(again), 0, 0, 0, {}, self._shorter(), False, self.lists)
        if not new and not self.before:
            problem = Problem(Place(str(self.folder), 0, 0), "there is no record yet, and no file to make it of")
            raise DataRefused(problem)
        first = 1 + max((int(file["number"]) for file in known_files), default=0)
        numbered = list(enumerate(new, first))
        plan, resumed = self._plan(numbered, digests, known, day)
        known, day = plan
        con = self._connect()
        try:
            self._opted_tables(con)
            people = self.before.files("people") if self.before else ()
            staging = Staging(con, self.reader, self.keys, known, day, self.stamps, str(self.folder), people)
            batches = batches_of(numbered, self.staging)
            size = sum(batch.size for batch in batches)
            done = 0
            for batch in batches:
                self.watch("reading", done, size)
                if not batch.finished():
                    staging.read(batch)
                done += batch.size
            self.watch("bringing versions together", size, size)
            return self._publish(con, batches, numbered, digests, again, known, day, resumed)
        finally:
            con.close()
            shutil.rmtree(self.staging / "memory", ignore_errors=True)

    def _digests(self, files: Sequence[SourceFile]) -> dict[Path, str]:
        problems: list[Problem] = []
        digests: dict[Path, str] = {}
        sizes = sum(file.path.stat().st_size for file in files if file.path.exists())
        done = 0
        for file in files:
            self.watch("looking at the files", done, max(sizes, 1))
            if not file.path.is_file():  # no folder, no device, no pipe; a link is followed
                problems.append(Problem(Place(file.label, 0, 0), "this is not an ordinary file"))
                continue
            self.stamps[file.path] = stamp(file.path)
            digests[file.path] = _digest(file.path)
            done += file.path.stat().st_size
        if problems:
            raise DataRefused(problems)
        return digests

    def _reading(self, file: SourceFile) -> str:
        """How a file is read: the same file read the same way says the same."""
        content: list[object] = [READING, self.reader.name, self.reader.fingerprint, file.source, file.kind]
        content.append(self.opt_outs.digest)
        if (
            self.lists_since
        ):  # a list may become again what it was, but the rows that it took away do not come by themselves
            content.append(self.lists_since)
        return hashlib.sha256(repr(content).encode()).hexdigest()

    def _earlier(
        self, known_files: Sequence[Mapping[str, Any]], file: SourceFile, digest: str, known: dt.date | None
    ) -> FileLoaded | None:
        for entry in reversed(known_files):
            same = entry["sha256"] == digest and entry["reading"] == self._reading(file)
            if same and (known is None or known.isoformat() == entry["known"]):
                rejected, rows = int(entry["rejected"]), int(entry["rows"])
                set_aside = dict(entry["set_aside"])
                unchanged = rows - rejected - sum(set_aside.values())
                return FileLoaded(
                    int(entry["number"]), file.label, file.source, file.kind, digest, rows, 0, unchanged, rejected,
                    set_aside, {}, True,
                )  # fmt: skip
        return None

    def _clear(self) -> None:
        shutil.rmtree(self.staging, ignore_errors=True)
        for stale in self.folder.glob(".unfinished-*"):
            shutil.rmtree(stale, ignore_errors=True)

    def _plan(
        self,
        numbered: Sequence[tuple[int, SourceFile]],
        digests: Mapping[Path, str],
        known: dt.date | None,
        day: dt.date,
    ) -> tuple[tuple[dt.date, dt.date], bool]:
        """What this load is; an interrupted one that was the same is taken over, with its days and what it finished."""
        content = [
            self.before.generation.name if self.before else "",
            self.keys.fingerprint,
            known and known.isoformat(),
            [(number, digests[file.path], self._reading(file)) for number, file in numbered],
        ]
        identity = hashlib.sha256(repr(content).encode()).hexdigest()
        path = self.staging / "plan.json"
        with contextlib.suppress(OSError, ValueError, KeyError):
            plan = json.loads(path.read_text("utf-8"))
            if plan["load"] == identity:
                for stale in self.folder.glob(".unfinished-*"):
                    shutil.rmtree(stale, ignore_errors=True)
                days = (dt.date.fromisoformat(plan["known"]), dt.date.fromisoformat(plan["day"]))
                return days, any(self.staging.glob("batch-*/done.json"))
        self._clear()
        if self.staging.is_symlink():
            raise DataRefused(Problem(Place(str(self.staging), 0, 0), "this is a link, not a folder", "remove it"))
        self.staging.mkdir(mode=0o700)
        days = (known or day, day)
        written = {"load": identity, "known": days[0].isoformat(), "day": day.isoformat()}
        write_json(path, written)
        return days, False

    def _connect(self) -> duckdb.DuckDBPyConnection:
        from accord.engine.database import in_memory

        con = in_memory()
        scratch = self.staging / "memory"
        scratch.mkdir(exist_ok=True)
        con.execute(f"set temp_directory = {text_literal(str(scratch))}")
        # identifiers are in memory while a file is read; what does not fit goes to disk encrypted, with a key that
        # ends with the process
        con.execute("set temp_file_encryption = true")
        con.execute(f"set memory_limit = {text_literal(self.memory or _half_of_memory())}")
        if self.threads:
            con.execute(f"set threads = {int(self.threads)}")
        con.execute("set python_enable_replacements = false")
        return con

    # -- the new generation --------------------------------------------------------------------------------------------

    def _publish(
        self,
        con: duckdb.DuckDBPyConnection,
        batches: Sequence[Batch],
        numbered: Sequence[tuple[int, SourceFile]],
        digests: Mapping[Path, str],
        again: Sequence[FileLoaded],
        known: dt.date,
        day: dt.date,
        resumed: bool,
    ) -> Loaded:
        from accord.record import plausibility
        from accord.record.deriving import derive, followed_tables

        generation, unfinished = next_generation(self.folder)
        prefix = generation.removeprefix("generation-")
        balance = Balance(con, [batch.folder for batch in batches], dict(numbered))
        replaced = withdrawn = opted = 0
        changed: set[str] = set()
        con.execute("create temp table changed_people (person BIGINT)")
        follow = followed_tables() if self.before else frozenset()
        for name in definition.NAMES:
            # what is in no file need not be known either
            if not (balance.staged(name) or balance.withdrawn(name) or self._before(name)):
                continue
            table = definition.table(name)
            if table.derived:
                continue
            merged = self._merge(con, balance, unfinished, prefix, table, known)
            if merged is None:
                continue
            replaced, withdrawn = replaced + merged.replaced, withdrawn + merged.withdrawn
            opted += merged.opted_out
            if merged.changes:
                changed.add(name)
            if merged.changes and name in follow:
                con.execute(f"insert into changed_people {merged.people}")
            balance.add(name, merged)
        self._keep_beside(con, unfinished, prefix, batches, balance)
        files = balance.strike(digests)
        reasons = balance.reasons()
        manifest: dict[str, Any] = {
            "key": self.keys.fingerprint,
            "lists_since": self.lists_since,
            "files": [*self.manifest.get("files", []), *self._entries(files, numbered, known)],
            "loads": [
                *self.manifest.get("loads", []),
                {
                    "day": day.isoformat(),
                    "known": known.isoformat(),
                    "generation": generation,
                    "reader": self.reader.name,
                    "files": [file.number for file in files],
                    "again": [file.number for file in again],
                    "replaced": replaced,
                    "withdrawn": withdrawn,
                    "opted_out": opted,
                },
            ],
        }
        self.watch("making the tables that follow from others", 1, 1)
        made = Record(self.folder, unfinished, manifest)
        memory = self.memory or _half_of_memory()
        people = con.sql("select distinct person from changed_people").to_arrow_table()
        manifest["derived"] = derive(made, self.before, changed, people, threads=self.threads, memory=memory)
        manifest["tables"] = describe_tables(unfinished)
        brought = [file.number for file in files]
        found = plausibility.warnings(con, Record(self.folder, unfinished, manifest), brought)
        manifest["loads"][-1]["warnings"] = [problem.message for problem in found]
        early = self._before_the_lists(known) if numbered else ()
        publish(self.folder, unfinished, generation, manifest)
        record = open_record(self.folder)
        shutil.rmtree(self.staging, ignore_errors=True)
        return Loaded(
            record,
            True,
            (*again, *files),
            replaced,
            withdrawn,
            opted,
            reasons,
            (*self._shorter(), *early, *found),
            resumed,
            self.lists,
        )

    def _shorter(self) -> tuple[Problem, ...]:
        return tuple(problem for each in self.lists if (problem := each.warning()))

    def _before_the_lists(self, known: dt.date) -> tuple[Problem, ...]:
        """A warning when files became known before the lists of opt-outs did: they are part of the past by now."""
        loads = self.manifest.get("loads", [])
        changed = loads[self.lists_since - 1]["known"] if 0 < self.lists_since <= len(loads) else ""
        if not changed or known >= dt.date.fromisoformat(changed):
            return ()
        what = f"the files became known on {known.isoformat()}, before the lists of opt-outs of {changed}"
        fix = (
            f"rows of people who have come off a list do not stand again by this: load with --known {changed} or later"
        )
        return (Problem(Place("", 0, 0), what, fix, "warning"),)

    def _opted_tables(self, con: duckdb.DuckDBPyConnection) -> None:
        con.register("opted rows", self.opt_outs.rows())
        con.execute('create or replace temp table opted_out as select * from "opted rows"')
        con.unregister("opted rows")

    def _merge(
        self,
        con: duckdb.DuckDBPyConnection,
        balance: Balance,
        unfinished: Path,
        prefix: str,
        table: definition.Table,
        known: dt.date,
    ) -> Any:
        from accord.record.versions import Versions

        standing = self.before.files(table.name) if self.before else ()
        staged = balance.staged(table.name)
        withdrawn = balance.withdrawn(table.name)
        newly_away = self.opt_outs.digest != self.held.digest and table.of_persons != "none"
        if not staged and not withdrawn and not (newly_away and standing):
            for file in standing:
                (unfinished / table.name).mkdir(exist_ok=True)
                os.link(file, unfinished / table.name / file.name)
            return None
        self.watch(f"bringing versions together: {table.title.lower()}", 0, 1)
        kinds = "" if table.general_practice else " where kind = 'national'"
        away = f"select person from opted_out{kinds}"
        tombstones, confirmed = self._before(WITHDRAWN), self._before(CONFIRMED)
        versions = Versions(con, table, standing, staged, withdrawn, tombstones, confirmed, away, known)
        merged = versions.merge(unfinished / table.name, prefix)
        if con.execute("select count(*) from dropped where again").fetchall()[0][0]:
            (unfinished / CONFIRMED).mkdir(exist_ok=True)
            target = unfinished / CONFIRMED / f"{prefix}-{table.name}.parquet"
            again = f'select {text_literal(table.name)} as "table", row, source, known_from, file, line from dropped'
            con.execute(f"copy ({again} where again) to {text_literal(str(target))} (format parquet, compression zstd)")
        return merged

    def _before(self, name: str) -> tuple[Path, ...]:
        return self.before.files(name) if self.before else ()

    def _keep_beside(
        self,
        con: duckdb.DuckDBPyConnection,
        unfinished: Path,
        prefix: str,
        batches: Sequence[Batch],
        balance: Balance,
    ) -> None:
        """What stands beside the tables: the rejects, the withdrawals, the lists of opt-outs."""
        import pyarrow.parquet as pq

        for name in (REJECTS, WITHDRAWN, CONFIRMED):
            for file in self._before(name):
                (unfinished / name).mkdir(exist_ok=True)
                os.link(file, unfinished / name / file.name)
        rejects = balance.rejects()
        if rejects:
            (unfinished / REJECTS).mkdir(exist_ok=True)
            target = unfinished / REJECTS / f"{prefix}.parquet"
            con.execute(
                f"copy (select * from ({rejects}) order by file, line) to {text_literal(str(target))} "
                "(format parquet, compression zstd)"
            )
        gone = balance.all_withdrawn()
        if gone:
            (unfinished / WITHDRAWN).mkdir(exist_ok=True)
            target = unfinished / WITHDRAWN / f"{prefix}.parquet"
            copied = con.execute(f"copy ({gone}) to {text_literal(str(target))} (format parquet, compression zstd)")
            if not copied.fetchall()[0][0]:
                target.unlink()
        rows = self.opt_outs.rows()
        if rows.num_rows:
            (unfinished / OPT_OUTS).mkdir()
            pq.write_table(rows, unfinished / OPT_OUTS / "people.parquet", compression="zstd")

    def _entries(
        self, files: Sequence[FileLoaded], numbered: Sequence[tuple[int, SourceFile]], known: dt.date
    ) -> list[dict[str, Any]]:
        sources = dict(numbered)
        return [
            {
                **{key: value for key, value in asdict(file).items() if key != "loaded_before"},
                "reading": self._reading(sources[file.number]),
                "reader": self.reader.name,
                "known": known.isoformat(),
            }
            for file in files
        ]


def describe_tables(generation: Path) -> dict[str, Any]:
    """The tables of a written generation: rows, and every file with the hash of its bytes."""
    import pyarrow.parquet as pq

    described: dict[str, Any] = {}
    for folder in sorted(path for path in generation.iterdir() if path.is_dir()):
        files = sorted(folder.glob("*.parquet"))
        if not files:
            folder.rmdir()
            continue
        rows = sum(pq.read_metadata(file).num_rows for file in files)
        with ThreadPoolExecutor(2) as pool:
            hashes = dict(zip((file.name for file in files), pool.map(_digest, files), strict=True))
        described[folder.name] = {"rows": rows, "files": hashes}
    return described


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _half_of_memory() -> str:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return "4GB"
    return f"{max(total // 2 // 2**20, 1024)}MiB"
