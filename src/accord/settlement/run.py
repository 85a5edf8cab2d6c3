"""A run: one settlement kept in a folder whose name follows from the text and the data.

::

    runs/payment-scheme-1f0c92ab34de/
      run.json                  what went in, what it is tied to, the hash of every file; makes the folder complete
      contract.yaml, *.csv      the text as signed, and the table files beside it
      inputs/<input>.parquet    what was read, typed, written as data writes it
      quantities/<keys>.parquet every quantity, one file for each set of keys
      payments.csv, payments.parquet, notices.csv
      statements/<party>.html, .csv, .xlsx      made on request

The folder is written under another name and renamed as the last act: a process that is stopped leaves nothing that
looks like a run. The same text and the same data give the same bytes; nothing in a run says when it was made.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import json
import os
import re
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.contract import Contract
from accord.language.place import Place
from accord.language.problem import AccordError, DataRefused, Problem, SettlementStopped, nearest
from accord.settlement import storage, wording
from accord.settlement.catalogue import NotFound
from accord.settlement.owed import Ledger, Owed, PartyName, owed_in, owed_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.engine import Inputs, Settlement

UNFINISHED = ".unfinished-"
"""What the name of a folder begins with that is not a run yet. Nobody should read it; the next run removes it."""

FORM = 1
"""The form of a run folder; part of the run id."""

Step = Callable[[str], None]


def no_step(_: str) -> None:
    """Nobody is watching."""


# -- a run on disk ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Total:
    """What a stream of payments between two kinds of parties comes to."""

    quantity: str
    stream: str
    payer: str
    receiver: str
    rows: int
    amount: Fraction
    amount_text: str


_WRITTEN = frozenset(
    {"run", "contract", "settled", "what_ifs", "inputs", "quantities", "warnings", "not_final", "files"}
)
"""What stands in every ``run.json``."""


@dataclass(frozen=True)
class Run:
    """A run folder that is complete. Everything is read when it is asked for."""

    folder: Path
    reused: bool = False
    """Whether it was there already when it was asked for."""
    doubts: tuple[str, ...] | None = None
    """For a run that is used again: the warnings about the data it was asked for with."""
    beside: Path | None = None
    """A folder of the same name that is no longer as it was written, beside which this one stands."""
    written_statements: tuple[Path, ...] = ()
    known_contract: Contract | None = field(default=None, repr=False, compare=False)
    """The contract, where it has just been checked."""

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """``run.json``; raises :class:`NotFound` if it cannot be read as what a run writes."""
        try:
            manifest = json.loads((self.folder / "run.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            manifest = None
        if not isinstance(manifest, dict) or not manifest.keys() >= _WRITTEN:
            raise NotFound(
                Problem(
                    Place(str(self.folder / "run.json"), 0, 0),
                    "this is not what a run writes: it has been damaged",
                    "settle again: accord settle CONTRACT --data DIR; the damaged folder stays as it is",
                )
            )
        return manifest

    @property
    def changed(self) -> tuple[str, ...]:
        """What is not as it was written: files that have been changed or are gone."""
        files: dict[str, str] = self.manifest["files"]
        return tuple(
            f"{name} has been changed since the run was made" if (self.folder / name).is_file() else f"{name} is gone"
            for name, was in files.items()
            if not (self.folder / name).is_file() or storage.file_hash(self.folder / name) != was
        )

    @property
    def id(self) -> str:
        """The run id: SHA-256 over everything that the result depends on."""
        return self.manifest["run"]

    @cached_property
    def contract(self) -> Contract:
        """The contract as it was signed: checked again from the stored text, unless it has just been checked."""
        if self.known_contract is not None:
            return self.known_contract
        from accord.settlement.catalogue import check_with_cards

        return check_with_cards(self.folder / "contract.yaml")

    @property
    def first(self) -> dt.date:
        """The first day that was settled."""
        return dt.date.fromisoformat(self.manifest["settled"]["first"])

    @property
    def last(self) -> dt.date:
        """The last day that was settled."""
        return dt.date.fromisoformat(self.manifest["settled"]["last"])

    @property
    def known_on(self) -> dt.date | None:
        """The day on which the figures were known; None: the latest."""
        day = self.manifest["settled"]["known_on"]
        return dt.date.fromisoformat(day) if day else None

    @property
    def what_ifs(self) -> dict[str, str]:
        """Figures that were set instead of the contract's, as written."""
        return self.manifest["what_ifs"]

    @property
    def what_if_texts(self) -> list[str]:
        """What-ifs in words."""
        return [f"{name} = {value}" for name, value in self.what_ifs.items()]

    @property
    def warnings(self) -> list[str]:
        """Doubts about the contract and the data, in words; those of the data at hand where a run is used again."""
        return self.manifest["warnings"] if self.doubts is None else list(self.doubts)

    @property
    def draft_reasons(self) -> list[str]:
        """Why amounts of this run are not final."""
        return self.manifest["not_final"]

    @cached_property
    def ledger(self) -> Ledger:
        """The payments as they are kept."""
        return Ledger(self.folder / "payments.parquet")

    @cached_property
    def payments(self) -> tuple[Owed, ...]:
        """What is owed, row by row."""
        return owed_in(self.ledger.table)

    def parties(self) -> list[PartyName]:
        """Everybody who pays or is paid."""
        return list(self.ledger.parties)

    def totals(self) -> list[Total]:
        """What each payment of the contract comes to, in the order of the contract."""
        sums: dict[tuple[str, str, str, str], tuple[int, Fraction]] = {}
        count = Counter(party.party for party in self.ledger.parties)

        def side(party: PartyName) -> str:
            return f"{count[party.party]} × {wording.words(party.party)}" if count[party.party] > 1 else party.text

        for one in self.payments:
            at = (one.quantity, one.stream, side(one.payer), side(one.receiver))
            rows, amount = sums.get(at, (0, Fraction(0)))
            sums[at] = rows + 1, amount + one.amount
        currency = self.manifest["contract"]["currency"]
        return [Total(*at, rows, amount, wording.money(amount, currency)) for at, (rows, amount) in sums.items()]

    @property
    def example_of_explain(self) -> str:
        """A command that explains a number of this run, to be pasted."""
        formulas = {name: quantity.versions[-1].text for name, quantity in self.contract.quantities.items()}
        largest = max(
            self.payments, key=lambda one: (one.amount > 0, len(formulas[one.quantity]), one.amount), default=None
        )
        if largest is None:
            return ""
        row = " ".join(f"{key}={_shell(value)}" for key, value in largest.row.items())
        return f"accord explain {_shell(str(self.folder))} {largest.quantity} {row}".rstrip()

    def as_json(self) -> dict[str, object]:
        """The run as plain data."""
        return {
            "run": self.id,
            "folder": str(self.folder),
            "reused": self.reused,
            **{name: value for name, value in self.manifest.items() if name not in ("run", "files")},
            "totals": [
                {
                    "quantity": one.quantity,
                    "stream": one.stream,
                    "from": one.payer,
                    "to": one.receiver,
                    "rows": one.rows,
                    "amount": wording.plain(one.amount),
                }
                for one in self.totals()
            ],
            "statements": [str(path) for path in self.written_statements],
        }


def _shell(text: str) -> str:
    import shlex

    return shlex.quote(text)


def open_run(folder: Path | str) -> Run:
    """A run folder, if it is complete; raises :class:`NotFound`."""
    folder = Path(folder)
    where = Place(str(folder), 0, 0)
    if folder.exists() and not folder.is_dir():
        raise NotFound(Problem(where, "this is not a folder", "name the run folder that accord settle printed"))
    if not folder.is_dir():
        near = nearest(folder.name, [one.name for one in folder.parent.glob("*")] if folder.parent.is_dir() else [])
        raise NotFound(
            Problem(where, "there is no such run folder", near or "accord settle prints the folder it writes")
        )
    if folder.name.startswith(UNFINISHED) or not (folder / "run.json").is_file():
        within = sorted(one for one in folder.glob("*/run.json") if not one.parent.name.startswith(UNFINISHED))
        fix = f"did you mean {within[0].parent}?" if within else "settle again: accord settle CONTRACT --data DIR"
        raise NotFound(Problem(where, "this is not a complete run: it has no run.json", fix))
    return Run(folder)


# -- making one ---------------------------------------------------------------------------------------------------


def sources_in(contract: Contract, folder: Path) -> dict[str, Path]:
    """The file of each input in a folder: ``<input>.csv`` or ``<input>.parquet``. Missing optional inputs are left out.

    Raises:
        NotFound: there is no such folder.
        DataRefused: a required input has no file, or an input has two.
    """
    if folder.is_file():
        fix = f"name a folder with a file for each input: {', '.join(f'{name}.csv' for name in contract.inputs)}"
        raise NotFound(Problem(Place(str(folder), 0, 0), "this is a file; data is a folder", fix))
    if not folder.is_dir():
        raise NotFound(
            Problem(Place(str(folder), 0, 0), "there is no such folder of data", "check the path after --data")
        )
    found: dict[str, Path] = {}
    problems: list[Problem] = []
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in (".csv", ".parquet"))
    by_name: dict[str, list[Path]] = {}
    for file in files:
        by_name.setdefault(file.stem, []).append(file)
    unknown = [name for name in by_name if name not in contract.inputs]
    for name, table in contract.inputs.items():
        there = by_name.get(name, [])
        if len(there) > 1:
            names = wording.listed(file.name for file in there)
            problems.append(
                Problem(Place(str(folder), 0, 0), f"input {name} has two files: {names}", "keep one of them")
            )
        elif there:
            found[name] = there[0]
        elif not table.optional:
            columns = ",".join([*table.keys, *(column.name for column in table.columns)])
            fix = nearest(name, unknown) or f"put {name}.csv there, with the columns {columns}"
            problems.append(Problem(Place(str(folder), 0, 0), f"there is no {name}.csv or {name}.parquet", fix))
    if problems:
        raise DataRefused(problems)
    return found


def table_files(contract: Contract, folder: Path) -> dict[str, bytes]:
    """The files beside a contract that its text names: those of its tables, and the cards of its measures.

    A card is kept although it may be the library's: what it permits is part of what was checked.
    """
    from accord.measures.cards import BESIDE, Cards

    cards = Cards(folder)
    named = sorted({table.measure for table in contract.tables.values() if table.measure})
    found = {name.partition("@")[0]: cards.content(name) for name in named}
    kept = {f"{BESIDE}/{name}.yaml": content for name, content in found.items() if content is not None}
    names = dict.fromkeys(re.findall(r"\bfile:\s*[\"']?([^\s,}\"'#]+)", contract.text))
    return kept | {
        name: (folder / name).read_bytes() for name in names if Path(name).name == name and (folder / name).is_file()
    }


def signed_bytes(contract: Contract, file: Path) -> bytes:
    """The bytes that were signed: the file's own; or, for a variation, the text that it expands to."""
    expanded = contract.text.encode("utf-8")
    if not file.is_file():
        return expanded
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return expanded

    def plain(written: str) -> str:
        return written.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")

    return content if plain(text) == plain(contract.text) else expanded


@dataclass(frozen=True, slots=True)
class Record:
    """What a run keeps besides what was settled: the text as signed, and what was asked for as it was written."""

    text: bytes
    files: Mapping[str, bytes]
    """The table files beside the contract, by name."""
    up_to: str | None = None
    what_ifs: Mapping[str, str] = field(default_factory=dict[str, str])
    warnings: Sequence[str] | None = None
    """Doubts, in words; None: those of the contract and of reading the data."""


def make(contract: Contract, inputs: Inputs, out: Path, record: Record, *, on_step: Step = no_step) -> Run:
    """Settle and keep the result in a folder of ``out``; a run that is there already is used again.

    Raises:
        SettlementStopped: and nothing has been written.
    """
    kept = {name: storage.input_of(inputs, contract, name) for name in contract.inputs}
    hashes = {name: storage.content_hash(table) for name, table in kept.items()}
    identity = {
        "form": FORM,
        "accord": _version(),
        "contract": contract.meaning_hash,
        "inputs": hashes,
        "first": inputs.first.isoformat(),
        "last": inputs.last.isoformat(),
        "known_on": inputs.known_on.isoformat() if inputs.known_on else None,
        "what_ifs": dict(sorted(record.what_ifs.items())),
    }
    run_id = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    doubts = tuple(_plain_problem(one) for one in (*contract.warnings, *inputs.warnings))
    folder, there, beside = _folder_for(out, contract, run_id)
    if there:
        return Run(folder, reused=True, known_contract=contract, doubts=doubts, beside=beside)
    on_step("settling")
    from accord.engine import settle

    settlement = settle(contract, inputs)
    on_step("writing")
    out.mkdir(parents=True, exist_ok=True)
    _clear_leftovers(out)
    temporary = out / f"{UNFINISHED}{os.getpid()}-{run_id[:12]}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        _write(temporary, settlement, kept, hashes, run_id, record)
        _rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Run(folder, known_contract=contract, beside=beside)


def _folder_for(out: Path, contract: Contract, run_id: str) -> tuple[Path, bool, Path | None]:
    """The folder of a run, whether it is there already as it was written, and one of its name that is not.

    The same meaning may be signed with other titles or notes: both are kept. A folder that has been edited or damaged
    is never used, and never touched: the run is made beside it.
    """
    names = [run_id[:12], f"{run_id[:12]}-{contract.signed_hash[:6]}"]
    names += [f"{names[1]}-{number}" for number in range(2, 100)]
    beside: Path | None = None
    for name in names:
        folder = out / f"{contract.name}-{name}"
        if not folder.exists():
            return folder, False, beside
        try:
            run = Run(folder, known_contract=contract)
            same = run.id == run_id and run.manifest["contract"]["signed"] == contract.signed_hash
            if same and not run.changed:
                return folder, True, beside
            beside = folder if same else beside
        except (NotFound, LookupError, TypeError, AttributeError):
            beside = folder
    raise NotFound(Problem(Place(str(out), 0, 0), f"there are a hundred damaged runs of {contract.name}", "clear up"))


def _rename(temporary: Path, folder: Path) -> None:
    """Give a finished folder its name; if somebody else made the same run meanwhile, theirs has the same bytes."""
    try:
        temporary.rename(folder)
    except OSError:
        if not (folder / "run.json").is_file():
            raise


MOST_DIGITS = 30
"""Digits of an amount that any ledger could take."""


def _payable(contract: Contract, owed: Sequence[Owed]) -> None:
    """Stop at an amount that no ledger could take: surely a slip in the data."""
    places = {payment.quantity: payment.place for payment in contract.payments}
    for one in owed:
        if one.amount >= 10**MOST_DIGITS:
            about = wording.row_text(contract, one.row) or contract.name
            raise SettlementStopped(
                Problem(
                    places[one.quantity],
                    f"{one.quantity} for {about} has {len(str(int(one.amount)))} digits, more than any money has",
                    "look for the slip in the data that it is made of",
                )
            )


def _clear_leftovers(out: Path) -> None:
    """Remove what processes that were stopped have left, and leave alone what is being written now."""
    for leftover in out.glob(f"{UNFINISHED}*"):
        process = leftover.name.removeprefix(UNFINISHED).split("-")[0]
        if not (process.isdigit() and _is_running(int(process))):
            shutil.rmtree(leftover, ignore_errors=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _version() -> str:
    from accord import __version__

    return __version__


def _write(
    folder: Path,
    settlement: Settlement,
    kept: Mapping[str, pa.Table],
    hashes: Mapping[str, str],
    run_id: str,
    record: Record,
) -> None:
    import duckdb
    import pyarrow

    contract, inputs = settlement.contract, settlement.inputs
    doubts = record.warnings
    if doubts is None:
        doubts = [_plain_problem(problem) for problem in (*contract.warnings, *inputs.warnings)]
    (folder / "contract.yaml").write_bytes(record.text)
    for name, content in record.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)
    (folder / "inputs").mkdir()
    for name, table in kept.items():
        storage.write_parquet(table, folder / "inputs" / f"{name}.parquet")
    (folder / "quantities").mkdir()
    quantities: dict[str, object] = {}
    for keys in settlement.tables:
        if not any(quantity.keys == keys for quantity in contract.quantities.values()):
            continue
        table = storage.results_of(settlement, keys)
        file = f"quantities/{','.join(keys) or 'contract'}.parquet"
        storage.write_parquet(table, folder / file)
        names = [quantity.name for quantity in contract.quantities.values() if quantity.keys == keys]
        quantities[file] = {"keys": list(keys), "rows": table.num_rows, "quantities": names}
    owed = owed_rows(settlement)
    _payable(contract, owed)
    _write_payments(folder, contract, owed)
    notices = settlement.notices.to_pylist()
    _write_csv(folder / "notices.csv", settlement.notices.column_names, [list(one.values()) for one in notices])
    manifest = {
        "form": FORM,
        "run": run_id,
        "accord": _version(),
        "contract": {
            "name": contract.name,
            "title": contract.title,
            "currency": contract.currency,
            "signed": contract.signed_hash,
            "meaning": contract.meaning_hash,
            "files": sorted(["contract.yaml", *record.files]),
        },
        "settled": {
            "first": inputs.first.isoformat(),
            "last": inputs.last.isoformat(),
            "up_to": record.up_to,
            "known_on": inputs.known_on.isoformat() if inputs.known_on else None,
        },
        "what_ifs": dict(record.what_ifs),
        "inputs": {
            name: {"rows": table.num_rows, "content": hashes[name], "file": f"inputs/{name}.parquet"}
            for name, table in kept.items()
        },
        "quantities": quantities,
        "payments": len(owed),
        "notices": len(notices),
        "warnings": list(doubts),
        "not_final": _not_final(contract, record.what_ifs),
        "made_with": {"duckdb": duckdb.__version__, "pyarrow": pyarrow.__version__},
        "files": {
            path.relative_to(folder).as_posix(): storage.file_hash(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        },
    }
    (folder / "run.json").write_text(json.dumps(manifest, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _plain_problem(problem: Problem) -> str:
    return str(problem).replace("warning: ", "").replace("\n    fix: ", " — ").removeprefix(": ")


def _not_final(contract: Contract, what_ifs: Mapping[str, str]) -> list[str]:
    """Why the amounts of a run are a draft: what-ifs, figures that are only indicative, or that nobody has verified."""
    from accord.settlement.sourcing import unverified_count

    reasons = [f"what if: {name} = {value} — not what the contract says" for name, value in what_ifs.items()]
    entries = [entry for parameter in contract.parameters.values() for entry in parameter.entries]
    for status, words in (("indicative", "not yet confirmed"), ("assumed", "assumed")):
        count = sum(entry.source.status == status for entry in entries)
        if count:
            reasons.append(f"provisional: {count} {'figure is' if count == 1 else 'figures are'} {words}")
    unverified = unverified_count(contract)
    if unverified:
        figures = "figure of the contract is" if unverified == 1 else "figures of the contract are"
        reasons.append(f"draft: {unverified} {figures} not verified")
    return reasons


def _write_payments(folder: Path, contract: Contract, owed: Sequence[Owed]) -> None:
    """``payments.csv`` for people and ledgers; ``payments.parquet`` with everything, keys as ``key:practice``."""
    from decimal import Decimal

    import pyarrow as pa

    from accord.language.unit import minor_unit_places

    places = minor_unit_places(contract.currency)
    keys = [key for key in contract.keys if any(key in one.row for one in owed)]
    fixed = ["payer_party", "payer", "receiver_party", "receiver", "payee", "amount", "currency", "due"]
    body = [
        [
            one.quantity,
            one.stream,
            *(one.row.get(key, "") for key in keys),
            one.payer.party,
            one.payer.member or one.payer.title,
            one.receiver.party,
            one.receiver.member or one.receiver.title,
            one.payee,
            _money_text(one.amount, places),
            contract.currency,
            one.due,
        ]
        for one in owed
    ]
    taken = {"quantity", "stream", *fixed}
    named = [f"key {key}" if key in taken else key for key in keys]
    _write_csv(folder / "payments.csv", ["quantity", "stream", *named, *fixed], body)
    columns: dict[str, list[Any]] = {
        "quantity": [one.quantity for one in owed],
        "stream": [one.stream for one in owed],
        **{f"key:{key}": [one.row.get(key) for one in owed] for key in keys},
        "payer_party": [one.payer.party for one in owed],
        "payer": [one.payer.member for one in owed],
        "payer_title": [one.payer.title for one in owed],
        "receiver_party": [one.receiver.party for one in owed],
        "receiver": [one.receiver.member for one in owed],
        "receiver_title": [one.receiver.title for one in owed],
        "payee": [one.payee for one in owed],
        "currency": [contract.currency] * len(owed),
        "due": [one.due for one in owed],
    }
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    exact = [Decimal(int(one.amount * 10**places)).scaleb(-places) for one in owed]
    table = table.add_column(table.column_names.index("currency"), "amount", pa.array(exact, pa.decimal128(38, places)))
    storage.write_parquet(table, folder / "payments.parquet")


def _money_text(amount: Fraction, places: int) -> str:
    whole = int(amount * 10**places)
    return storage.placed(str(whole), places) or ""


def _write_csv(path: Path, heads: Sequence[str], rows: Collection[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(heads)
        writer.writerows([["" if cell is None else safe_cell(str(cell)) for cell in row] for row in rows])


def safe_cell(text: str) -> str:
    """A text that a spreadsheet would take for a formula gets an apostrophe in front; numbers are left alone."""
    if text[:1] in ("=", "+", "@", "\t", "\r") or (text[:1] == "-" and not re.fullmatch(r"-[\d.,]+", text)):
        return "'" + text
    return text


# -- and again ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rerun:
    """Whether a run came out again, byte for byte."""

    run: Run
    compared: int
    differences: tuple[str, ...]
    """Files that differ, with what is known of how."""
    reasons: tuple[str, ...] = ()
    """What else is different and may explain it: other versions."""

    @property
    def same(self) -> bool:
        """Whether every byte is the same."""
        return not self.differences

    def as_json(self) -> dict[str, object]:
        """The result as plain data."""
        return {
            "run": self.run.id,
            "same": self.same,
            "compared": self.compared,
            "differences": list(self.differences),
            "reasons": list(self.reasons),
        }


def again(run: Run, *, on_step: Step = no_step) -> Rerun:
    """Settle a run again from what it stored, in a temporary folder, and compare bytes."""
    import tempfile

    import duckdb
    import pyarrow

    from accord.engine import read_inputs
    from accord.settlement import statement

    on_step("reading what was stored")
    manifest = run.manifest
    if changed := run.changed:
        return Rerun(run, len(manifest["files"]), changed, ("the run folder is not as it was written",))
    differences: list[str] = []
    contract = run.contract
    sources = {name: run.folder / one["file"] for name, one in manifest["inputs"].items()}
    with tempfile.TemporaryDirectory(prefix="accord-rerun-") as scratch:
        try:
            inputs = read_inputs(contract, sources, known_on=run.known_on, up_to=run.last, what_ifs=run.what_ifs)
            record = Record(
                (run.folder / "contract.yaml").read_bytes(),
                table_files(contract, run.folder),
                manifest["settled"]["up_to"],
                run.what_ifs,
                run.warnings,
            )
            made = make(contract, inputs, Path(scratch), record, on_step=on_step)
        except AccordError as error:
            told = [f"what was stored cannot be settled any more: {problem.message}" for problem in error.problems]
            return Rerun(run, 0, tuple(told))
        parties = [path.stem for path in sorted((run.folder / "statements").glob("*.html"))]
        if parties:
            wanted = [party for party in made.ledger.parties if party.slug in parties]
            statement.write(made, wanted)
        names = sorted(
            {
                path.relative_to(root).as_posix()
                for root in (run.folder, made.folder)
                for path in root.rglob("*")
                if path.is_file()
            }
        )
        for name in names:
            ours, theirs = made.folder / name, run.folder / name
            if not theirs.is_file():
                differences.append(f"{name} is new: the run does not have it")
            elif not ours.is_file():
                differences.append(f"{name} did not come out again")
            elif ours.read_bytes() != theirs.read_bytes():
                differences.append(f"{name} differs")
    now = {"accord": _version(), "duckdb": duckdb.__version__, "pyarrow": pyarrow.__version__}
    then = {"accord": manifest["accord"], **manifest["made_with"]}
    reasons = [f"made with {part} {then[part]}, now {now[part]}" for part in now if then[part] != now[part]]
    return Rerun(run, len(names), tuple(differences), tuple(reasons) if differences else ())
