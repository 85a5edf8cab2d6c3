"""Keeping a record, as Python calls: what ``accord record`` does, without a terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accord.record.auditing import Audit
    from accord.record.extracting import Extracted
    from accord.record.loading import Loaded, Watch
    from accord.record.pruning import Pruned
    from accord.record.pseudonym import KeyChain
    from accord.record.rotating import Rotated


def unwatched(what: str, done: int, of: int) -> None:
    """Say nothing."""


def make_key(file: Path | str) -> KeyChain:
    """A new key, in a new file that its owner alone can read. Keep it apart from the record, and keep a copy.

    Raises:
        KeyRefused: there is a file already.
    """
    from accord.record.pseudonym import create_key

    return create_key(file)


def load(
    record: Path | str,
    form: str,
    files: Sequence[Path | str],
    *,
    key: Path | str,
    mapping: Path | str | None = None,
    source: str | None = None,
    identifiers: str | None = None,
    known: dt.date | None = None,
    national_opt_outs: Sequence[Path | str] | None = None,
    type_1_objections: Sequence[Path | str] | None = None,
    watch: Watch = unwatched,
    threads: int | None = None,
    memory: str | None = None,
) -> Loaded:
    """Load files into a record; the record is made if it is not there. All of it is kept, or nothing.

    Args:
        record: the folder of the record.
        form: ``omop``, ``fhir`` or ``flat``.
        files: files, or folders of files.
        key: the key file (:func:`make_key`).
        mapping: for ``flat``: a mapping file, or the name of one that comes with Accord.
        source: for ``omop`` and ``fhir``: a short name for the data set.
        identifiers: for ``omop`` and ``fhir``: ``nhs``, or the short name of another numbering.
        known: the day on which the files became known; today if not said.
        national_opt_outs: the list of national data opt-outs that holds from now on; None leaves it as it is.
        type_1_objections: the list of type 1 objections that holds from now on; None leaves it as it is.
        watch: told what is being done, and how much of how much is done.
        threads: how many threads DuckDB uses.
        memory: how much memory DuckDB may use, such as ``8GB``.

    Raises:
        DataRefused: something given cannot be read; the record is as it was.
        KeyRefused: the key is not the one of the record, or is not kept safely.
    """
    from accord.record.loading import load as load_files
    from accord.record.pseudonym import read_key
    from accord.record.readers import open_reader

    keys = read_key(key, record=Path(record))
    lists: dict[Any, Sequence[Path]] = {}
    for kind, given in (("national", national_opt_outs), ("type 1", type_1_objections)):
        if given is not None:
            lists[kind] = [Path(file) for file in given]
    return load_files(
        record,
        open_reader(form, mapping=mapping, source=source, identifiers=identifiers),
        files,
        keys=keys,
        known=known,
        opt_outs=lists,
        watch=watch,
        threads=threads,
        memory=memory,
    )


def audit(record: Path | str, *, watch: Watch = unwatched) -> Audit:
    """Look at everything in a record: hashes, definitions, versions, balances, opt-outs, partitions.

    Raises:
        DataRefused: there is no record there.
    """
    from accord.record.auditing import audit as look
    from accord.record.record import open_record

    return look(open_record(record), watch=watch)


def extract(record: Path | str, known_on: dt.date, out: Path | str) -> Extracted:
    """Rebuild a record as it was known at the end of a day, as a record of its own in an empty folder.

    Raises:
        DataRefused: there is no record, nothing was known on that day, or the folder holds a record already.
    """
    from accord.record.extracting import extract as rebuild
    from accord.record.record import open_record

    return rebuild(open_record(record), known_on, out)


def rotate(record: Path | str, key: Path | str, *, watch: Watch = unwatched) -> Rotated:
    """Lay a new secret over every pseudonym of a record, without any identifier; earlier generations are removed.

    Raises:
        KeyRefused: the key is not the one of the record.
        DataRefused: there is no record, or another process is writing it.
    """
    from accord.record.rotating import rotate as rewrite

    return rewrite(record, key, watch=watch)


def prune(record: Path | str, *, keep: int | None = None, before: dt.date | None = None) -> Pruned:
    """Remove earlier generations of a record, never the current one; with neither argument, say which there are.

    Args:
        record: the folder of the record.
        keep: so many generations stay, the current one among them.
        before: those whose last load was before this day go.

    Raises:
        DataRefused: there is no record, or another process is writing it.
    """
    from accord.record.pruning import prune as tidy

    return tidy(record, keep=keep, before=before)


def held(record: Path | str) -> Mapping[str, Any]:
    """How much a record holds, table by table; numbers below 8 are None.

    Raises:
        DataRefused: there is no record there.
    """
    from accord.record.describing import held as counted
    from accord.record.record import open_record

    return counted(open_record(record))
