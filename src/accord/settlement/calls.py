"""The Python calls: what every command does, without a terminal. ``import accord`` offers all of them.

Each raises what the commands turn into exit codes: :class:`~accord.language.problem.ContractRefused`,
:class:`~accord.language.problem.DataRefused`, :class:`~accord.language.problem.SettlementStopped`, and
:class:`~accord.settlement.catalogue.NotFound`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from accord.language.contract import Contract
from accord.language.place import Place
from accord.language.problem import AccordError, Problem, nearest
from accord.settlement.catalogue import NotFound, Published, check_with_cards, find, published

if TYPE_CHECKING:
    from accord.engine import Explanation, Inputs, Settlement
    from accord.settlement.difference import Difference
    from accord.settlement.run import Rerun, Run, Step
    from accord.settlement.schedule import Schedule
    from accord.settlement.verification import Verified

Engine = Literal["duckdb", "integers", "reference"]
Data = str | Path | Mapping[str, Any]
"""A folder with one CSV or Parquet file for each input; or, by input, a path, a pyarrow table or rows as written."""

WhatIfs = Mapping[str, object] | Iterable[str] | None
"""By parameter, a value as written (percent times 100); or texts like ``price=1300``."""


class Misused(AccordError):
    """A call or command was given something that it cannot take. Exit code 2."""

    exit_code: ClassVar[int] = 2


def check(contract: str | Path | Contract) -> Contract:
    """The checked contract of that library name, file or folder.

    Raises:
        NotFound: there is none.
        ContractRefused: with every problem that was found.
    """
    if isinstance(contract, Contract):
        return contract
    return check_with_cards(find(contract))


def contracts() -> tuple[Published, ...]:
    """The contracts of the library."""
    return published()


def schema() -> dict[str, object]:
    """The JSON Schema of a contract, for editors."""
    from accord.language.schema import contract_schema

    return dict(contract_schema())


def schedule(contract: str | Path | Contract) -> Schedule:
    """The readable schedule of a contract, as texts."""
    from accord.settlement.schedule import schedule_of

    return schedule_of(check(contract))


def show(
    contract: str | Path | Contract, *, html: str | Path | None = None, docx: str | Path | None = None
) -> Schedule:
    """The readable schedule of a contract; written as a web page or a Word document where a file is named."""
    made = schedule(contract)
    write_schedule(made, html=html, docx=docx)
    return made


def write_schedule(made: Schedule, *, html: str | Path | None = None, docx: str | Path | None = None) -> list[Path]:
    """Write a schedule to the files that are named; the paths that were written."""
    from accord.settlement import schedule as laid_out
    from accord.settlement.storage import write_file

    written: list[Path] = []
    if html is not None:
        write_file(Path(html), laid_out.html(made))
        written.append(Path(html))
    if docx is not None:
        laid_out.docx(made, Path(docx))
        written.append(Path(docx))
    return written


def new(name: str, *, folder: str | Path | None = None, inputs_only: bool = False) -> tuple[Path, ...]:
    """Write a commented contract that checks as it stands and blank inputs; or only inputs, for one that exists."""
    from accord.settlement import start

    return start.inputs_of(name, folder) if inputs_only else start.contract(name, folder)


def read(
    contract: Contract,
    data: Data,
    *,
    known_on: str | dt.date | None = None,
    up_to: str | dt.date | None = None,
    what_ifs: WhatIfs = None,
) -> Inputs:
    """Read and check data for a contract; raises DataRefused with everything that is wrong with it."""
    from accord.engine import read_inputs
    from accord.settlement.run import sources_in

    sources = sources_in(contract, Path(data)) if isinstance(data, (str, Path)) else data
    day = _day(known_on) if isinstance(known_on, str) else known_on
    return read_inputs(contract, sources, known_on=day, up_to=up_to, what_ifs=_what_ifs(contract, what_ifs))


def settle(
    contract: str | Path | Contract,
    data: Data,
    *,
    known_on: str | dt.date | None = None,
    up_to: str | dt.date | None = None,
    what_ifs: WhatIfs = None,
    engine: Engine = "duckdb",
) -> Settlement:
    """Settle a contract on data, in memory: quantities, payments, notices. Nothing is written.

    Raises:
        DataRefused: the data cannot be used.
        SettlementStopped: a check failed, or a value that is needed is not there.
    """
    from accord.engine import settle as run_engine

    checked = check(contract)
    inputs = read(checked, data, known_on=known_on, up_to=up_to, what_ifs=what_ifs)
    return run_engine(checked, inputs, engine)


def run(
    contract: str | Path | Contract,
    data: Data,
    *,
    out: str | Path = "runs",
    known_on: str | dt.date | None = None,
    up_to: str | dt.date | None = None,
    what_ifs: WhatIfs = None,
    statements: Iterable[str] = (),
    on_step: Step | None = None,
) -> Run:
    """Settle a contract on data and keep the result in a content-addressed folder of ``out``.

    ``statements`` names parties (``A81004``, or ``practice=A81004`` where two parties have such a member; ``all``).
    """
    from accord.settlement import run as runs
    from accord.settlement import statement
    from accord.settlement.examples import run_examples

    step = on_step or runs.no_step
    step("checking the contract")
    checked = check(contract)
    run_examples(checked)  # a contract whose own worked examples do not hold pays nobody
    step("reading the data")
    inputs = read(checked, data, known_on=known_on, up_to=up_to, what_ifs=what_ifs)
    file = Path(contract.file) if isinstance(contract, Contract) else find(contract)
    record = runs.Record(
        runs.signed_bytes(checked, file),
        runs.table_files(checked, file.parent),
        str(up_to) if up_to is not None else None,
        _as_written(checked, _what_ifs(checked, what_ifs)),
    )
    made = runs.make(checked, inputs, Path(out), record, on_step=step)
    wanted = statement.parties_named(made, tuple(statements), "--statement")
    if wanted:
        from dataclasses import replace

        made = replace(made, written_statements=tuple(statement.write(made, wanted)))
    return made


def rerun(run: str | Path | Run, *, on_step: Step | None = None) -> Rerun:
    """Settle a run again from what it stored and compare every file byte by byte. The run is not touched."""
    from accord.settlement import run as runs

    found = run if isinstance(run, runs.Run) else runs.open_run(run)
    return runs.again(found, on_step=on_step or runs.no_step)


def explain(
    run: str | Path | Run | Settlement,
    quantity: str,
    row: Mapping[str, object] | None = None,
    /,
    *,
    depth: int = 3,
    **keys: object,
) -> Explanation:
    """The tree behind one number of a run (or of a settlement in memory): ``explain(run, "reward", practice="A")``."""
    from accord.settlement import explaining
    from accord.settlement.run import Run, open_run

    wanted = {name: str(value) for name, value in {**(row or {}), **keys}.items()}
    where = open_run(run) if isinstance(run, (str, Path)) else run
    if isinstance(where, Run):
        return explaining.of_run(where, quantity, wanted, depth)
    return explaining.of_settlement(where, quantity, wanted, depth)


def verify(
    contract: str | Path, file: str | Path, year: str | int, *, reading: str = "", engine: Engine = "duckdb"
) -> Verified:
    """A published results file settled and compared with what was published, with the reason of every miss."""
    from accord.settlement.verification import verify as verify_file

    return verify_file(find(contract), file, str(year), reading=reading, engine=engine)


def diff(
    a: str | Path | Contract, b: str | Path | Contract, *, data: Data | None = None, on_step: Step | None = None
) -> Difference:
    """What changed from one contract to another in the text and, given data, in each party's money."""
    from accord.settlement import difference
    from accord.settlement.run import no_step

    first, second = check(a), check(b)
    return difference.between(first, second, data, on_step or no_step)


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise Misused(Problem(Place("--known-on", 0, 0), f"{text} is not a day", "write it as 2026-04-01")) from None


def _what_ifs(contract: Contract, what_ifs: WhatIfs) -> dict[str, object]:
    """What-ifs by parameter; refuses a text that is not ``name=value`` and a name that is no parameter."""
    if what_ifs is None:
        return {}
    if isinstance(what_ifs, Mapping):
        given = {str(name): value for name, value in what_ifs.items()}
    else:
        given: dict[str, object] = {}
        for text in what_ifs:
            name, equals, value = text.partition("=")
            if not (equals and name.strip() and value.strip()):
                problem = Problem(
                    Place("--set", 0, 0), f"{text} does not say what is set", "write --set parameter=value"
                )
                raise Misused(problem)
            if name.strip() in given:
                raise Misused(Problem(Place("--set", 0, 0), f"{name.strip()} is set twice", "set it once"))
            given[name.strip()] = value.strip()
    for name in given:
        if name.partition(".")[0] not in contract.parameters:
            fix = nearest(name, contract.parameters) or f"its parameters are {', '.join(contract.parameters)}"
            raise Misused(Problem(Place("--set", 0, 0), f"{contract.name} has no parameter {name}", fix))
    return given


def _as_written(contract: Contract, what_ifs: Mapping[str, object]) -> dict[str, str]:
    """What-ifs as a text would write them (percent times 100), for the record of a run."""
    from decimal import Decimal
    from fractions import Fraction

    from accord.settlement import wording

    out: dict[str, str] = {}
    for name, value in what_ifs.items():
        written = contract.parameters[name.partition(".")[0]].written
        if isinstance(value, (int, Decimal)) and not isinstance(value, bool):
            value = Fraction(value)
        out[name] = value.strip() if isinstance(value, str) else wording.plain(value, written)  # pyright: ignore[reportArgumentType]
    return out


def usage(place: str, message: str, fix: str = "") -> Misused:
    """A problem with how something was called."""
    return Misused(Problem(Place(place, 0, 0), message, fix))


__all__: Sequence[str] = [
    "Misused",
    "NotFound",
    "check",
    "contracts",
    "diff",
    "explain",
    "new",
    "read",
    "rerun",
    "run",
    "schedule",
    "schema",
    "settle",
    "show",
    "usage",
    "verify",
    "write_schedule",
]
