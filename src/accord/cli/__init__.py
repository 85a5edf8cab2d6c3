"""The command line: one module a command. What a command does is a Python call first (``docs/python.md``).

Here is only what a terminal needs: arguments, printing, exit codes. Heavy parts are imported inside the functions
that use them, so that ``accord --help`` answers at once.

Exit codes: 0 done · 1 differences or misses were found · 2 the command was not called as its help says · 3 the contract
was refused · 4 the data was refused · 5 the settlement stopped · 6 not found, or cannot be read or written · 70 a
fault of Accord itself · 130 interrupted.
"""

from __future__ import annotations

import errno
import os
import sys

import typer

from accord.cli.calibrate import calibrate
from accord.cli.check import check
from accord.cli.diff import diff
from accord.cli.explain import explain
from accord.cli.income import income
from accord.cli.library import library
from accord.cli.marginal import marginal
from accord.cli.measure import measure
from accord.cli.new import new
from accord.cli.population import population
from accord.cli.prepare import prepare
from accord.cli.record import record
from accord.cli.rerun import rerun
from accord.cli.roster import roster
from accord.cli.schema import schema
from accord.cli.settle import settle
from accord.cli.show import show
from accord.cli.simulate import simulate
from accord.cli.validate import validate

app = typer.Typer(
    name="accord",
    help="Integrated-care contracts as text: checked before signing, settled to the penny, every number explained.",
    no_args_is_help=True,
    rich_markup_mode=None,  # plain help: rich would double the time that --help takes
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with: accord library, then accord show payment-scheme. Every command has its own --help.",
)


_BRIEFLY = {
    "new": "A contract to start from, and blank input files.",
    "check": "Check a contract and settle its worked examples.",
    "show": "The readable schedule, or a statement in plain words.",
    "prepare": "Published files become a folder of inputs.",
    "settle": "Settle a contract on data; write payments and statements.",
    "rerun": "Settle a run again and compare every byte.",
    "explain": "The tree behind one number.",
    "verify": "Settle a published results file and compare.",
    "income": "Income by stream and year; changes; a calendar.",
    "marginal": "What one more would bring; perverse incentives.",
    "roster": "Who is in the population, by day; who pays.",
    "measure": "Outcome measures over a record; what may be released.",
    "population": "A made place, with its record and data for contracts.",
    "calibrate": "The simulator from a place's own record, tested on its last year.",
    "simulate": "What contracts would do, on simulated futures of a place.",
    "validate": "Is the simulation right? Against itself, and published figures.",
    "diff": "What changed, in the text and in each party's money.",
    "library": "The contracts that come with Accord.",
    "schema": "The JSON Schema of a contract, for editors.",
}


def _commands() -> None:
    from accord.cli.verify import verify

    for command in (
        new,
        check,
        show,
        prepare,
        settle,
        rerun,
        explain,
        income,
        marginal,
        roster,
        measure,
        population,
        verify,
        calibrate,
        simulate,
        validate,
        diff,
        library,
        schema,
    ):
        app.command(command.__name__, short_help=_BRIEFLY[command.__name__])(command)
    app.add_typer(record, name="record", short_help="The linked record: load, check, describe, extract.")


def _print_version(wanted: bool) -> None:
    if wanted:
        from accord import __version__

        print(f"accord {__version__}")
        raise typer.Exit


@app.callback()
def _accord(
    version: bool = typer.Option(
        False, "--version", help="Print the version and stop.", is_eager=True, callback=_print_version
    ),
) -> None:
    del version  # the callback has dealt with it


_commands()


FREE_SPACE = "free some space, and give the same command again: nothing half-done was kept"
"""How a full disk is mended."""


def main() -> int:
    """Run the command line and give the exit code. A mistake of the user is never a traceback."""
    from accord.language.problem import AccordError

    as_json = "--json" in sys.argv[1:]
    printed_to = sys.stdout
    try:
        try:
            app(prog_name="accord")
        finally:
            sys.stdout.flush()  # what cannot be printed is noticed here, and not when Python ends
    except SystemExit:
        if sys.stdout is not printed_to:  # so typer answers a closed pipe: with 1, which means differences here
            return 0
        raise
    except AccordError as error:
        from accord.cli.terminal import show_error

        show_error(error, as_json)
        return error.exit_code
    except BrokenPipeError:  # somebody closed the pipe we print into: nothing more to say
        from accord.cli.terminal import print_no_more

        print_no_more()
        return 0
    except OSError as error:
        from accord.cli.terminal import NOT_FOUND, show_error
        from accord.language.place import Place
        from accord.language.problem import Problem

        why = (error.strerror or str(error)).lower()
        fix = FREE_SPACE if error.errno == errno.ENOSPC else ""
        show_error(AccordError(Problem(Place(str(error.filename or ""), 0, 0), why, fix)), as_json)
        return NOT_FOUND
    except KeyboardInterrupt:
        from accord.cli.terminal import INTERRUPTED

        print("stopped: nothing half-done was kept", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:  # a fault of ours is said as one; nobody should have to read where in our code it lies
        if os.environ.get("ACCORD_TRACEBACK"):
            raise
        from accord.cli.terminal import FAULT, NOT_FOUND, show_error
        from accord.language.place import Place
        from accord.language.problem import Problem

        if os.strerror(errno.ENOSPC) in str(error):  # databases say it in an error of their own
            show_error(AccordError(Problem(Place("", 0, 0), os.strerror(errno.ENOSPC).lower(), FREE_SPACE)), as_json)
            return NOT_FOUND
        what = f"Accord itself has a fault here ({type(error).__name__}); nothing half-done was kept"
        fix = "please report it, with what ACCORD_TRACEBACK=1 prints before the same command"
        show_error(AccordError(Problem(Place("", 0, 0), what, fix)), as_json)
        return FAULT
    return 0
