"""``accord record``: build the linked record, look after it, and rebuild what was known on an earlier day."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from accord.cli.options import JsonOption

if TYPE_CHECKING:
    from accord.cli.progress import Progress
    from accord.record.loading import Loaded, Watch

record = typer.Typer(
    name="record",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The linked record of a population: load files into it, check it, describe it, rebuild a past extract.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)

RecordArgument = Annotated[Path, typer.Argument(metavar="RECORD", help="The folder of the record.", show_default=False)]

KeyOption = Annotated[
    Path,
    typer.Option(
        "--key", metavar="FILE", help="The key of the pseudonyms, kept apart from the record.", show_default=False
    ),
]

SHOWN = 20
"""How many reasons are printed; --json has them all."""


@record.command("load", short_help="Load files: OMOP, FHIR, or flat commissioning files.")
def load(
    folder: RecordArgument,
    key: KeyOption,
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILES…", help="Files, or folders of files.", show_default=False),
    ] = None,
    form: Annotated[str, typer.Option("--from", metavar="FORM", help="omop, fhir or flat.", show_default=False)] = "",
    mapping: Annotated[
        str | None,
        typer.Option("--mapping", metavar="M", help="For flat files: a mapping, by file or name.", show_default=False),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="NAME", help="For OMOP and FHIR: what to call this data set."),
    ] = None,
    identifiers: Annotated[
        str | None,
        typer.Option(
            "--identifiers", metavar="NUMBERING", help="For OMOP and FHIR: nhs, or the name of another numbering."
        ),
    ] = None,
    known: Annotated[
        str | None,
        typer.Option("--known", metavar="DAY", help="When the files became known. Without it: today."),
    ] = None,
    opt_outs: Annotated[
        list[Path] | None,
        typer.Option("--opt-outs", metavar="FILE", help="The list of national data opt-outs from now on. Repeatable."),
    ] = None,
    type_1: Annotated[
        list[Path] | None,
        typer.Option("--type-1", metavar="FILE", help="The list of type 1 objections from now on. Repeatable."),
    ] = None,
    threads: Annotated[int | None, typer.Option("--threads", metavar="N", help="How many to use.")] = None,
    memory: Annotated[str | None, typer.Option("--memory", metavar="SIZE", help="How much to use: 8GB.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Load files into a record; the record is made if it is not there.

    Identifiers are checked and replaced by keyed hashes before anything is written. Every row is kept, found unchanged,
    rejected with its reasons (`rejects/` in the record), or set aside; the counts balance. All of it is kept or
    nothing: a process that is stopped is resumed by the same command.
    """
    from accord.cli.terminal import say, say_json, show_problems
    from accord.record import keeping

    if not form and files:
        raise typer.BadParameter("say which form the files have: omop, fhir or flat", param_hint="--from")
    if not files and opt_outs is None and type_1 is None:
        raise typer.BadParameter("give files, or a list of opt-outs", param_hint="FILES")
    day = _day(known, "--known")
    with _watched() as watch:
        done = keeping.load(
            folder,
            form or "omop",  # without files, any form reads none
            files or [],
            key=key,
            mapping=mapping,
            source=source,
            identifiers=identifiers,
            known=day,
            national_opt_outs=opt_outs,
            type_1_objections=type_1,
            watch=watch,
            threads=threads,
            memory=memory,
        )
    if as_json:
        say_json(done.as_json())
        return
    show_problems(done.warnings)
    for line in loaded(done):
        say(line)


def loaded(done: Loaded) -> list[str]:
    """A load for the terminal."""
    from accord.cli.terminal import table
    from accord.record.optout import LISTS

    heads = ("files", "source", "rows", "kept", "unchanged", "rejected", "set aside")
    kinds: dict[tuple[str, str], list[int]] = {}
    for file in done.files:
        counts = kinds.setdefault((file.kind, file.source), [0, 0, 0, 0, 0, 0])
        each = (1, file.rows, file.kept, file.unchanged, file.rejected, sum(file.set_aside.values()))
        kinds[file.kind, file.source] = [before + more for before, more in zip(counts, each, strict=True)]
    rows = [
        (f"{kind} ({counts[0]})", source, *(f"{count:,}" for count in counts[1:]))
        for (kind, source), counts in kinds.items()
    ]
    totals = ("kept", "unchanged", "rejected", "set_aside")
    if len(rows) > 1:
        rows.append(("all", "", f"{done.rows:,}", *(f"{done.total(what):,}" for what in totals)))
    lines = [table(heads, rows, right=range(2, 7))] if rows else []
    before = sum(file.loaded_before for file in done.files)
    if before:
        lines.append(f"{_many(before, 'file')} had been loaded before, and were not read again")
    if done.resumed:
        lines.append("an interrupted load was resumed: what it had finished was not read again")
    for words, count in (
        ("earlier rows were replaced", done.replaced),
        ("earlier rows were withdrawn by their source", done.withdrawn),
        ("rows were withdrawn because people opted out", done.opted_out),
    ):
        if count:
            lines.append(f"{count:,} {words}")
    for each in done.lists:
        people = "1 person" if each.now == 1 else f"{each.now:,} people"
        lines.append(f"{people} on the list of {LISTS[each.kind]} ({each.before:,} before)")
    if done.reasons:
        lines += ["", "rejected:"]
        reasons = list(done.reasons.items())
        lines += [f"  {count:>9,}  {reason}" for reason, count in reasons[:SHOWN]]
        if len(reasons) > SHOWN:
            lines.append(f"  … and {len(reasons) - SHOWN} more reasons (--json has them all)")
    aside: dict[str, int] = {}
    for file in done.files:
        for reason, count in file.set_aside.items():
            aside[reason] = aside.get(reason, 0) + count
    if aside:
        lines += ["", "set aside:"]
        lines += [f"  {count:>9,}  {reason}" for reason, count in sorted(aside.items(), key=lambda each: -each[1])]
    name = done.record.generation.name
    lines += ["", f"{done.record.folder}: {name}" if done.changed else f"nothing new: the record stays {name}"]
    return lines


@record.command("check", short_help="Is it what was written, and does it keep its definitions?")
def check(
    folder: RecordArgument,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write the quality report as a web page.")
    ] = None,
    inside: Annotated[
        bool, typer.Option("--inside", help="Small numbers too, in the report. It stays inside the boundary.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at everything in a record: hashes, definitions, versions, balances, opt-outs, one practice a day.

    With --html, the quality report is written too: completeness, timeliness, duplicates, gaps, linkage. Exit code 1 if
    something is wrong.
    """
    from accord.cli.terminal import say, say_json, show_problems, table
    from accord.record import keeping

    with _watched() as watch:
        audit = keeping.audit(folder, watch=watch)
        if html is not None and audit.holds:
            from accord.record.quality import page, quality

            watch("writing the quality report", 1, 1)
            html.write_text(page(quality(audit.record), inside=inside), encoding="utf-8")
    if as_json:
        say_json({**audit.as_json(), "html": str(html) if html and audit.holds else None})
    else:
        show_problems(audit.problems)
        rows = [(name, f"{rows:,}", f"{standing:,}") for name, (rows, standing) in audit.rows.items()]
        say(table(("table", "rows", "standing"), rows, right=(1, 2)))
        if audit.holds:
            say(f"\n{audit.record.generation.name}: {_many(audit.files, 'file')}; everything is as it should be")
        if html is not None and audit.holds:
            say(f"wrote {html}")
    if not audit.holds:
        raise typer.Exit(1)


@record.command("describe", short_help="The tables, or how much a record holds.")
def describe(
    what: Annotated[
        str, typer.Argument(metavar="[TABLE|RECORD]", help="A table's name, or the folder of a record.")
    ] = "",
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown, as in docs/record.md.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Describe the tables of the record, one of them, or how much a record holds.

    A table's columns come with types, allowed values, meaning, and what they are called in the NHS Data Dictionary,
    OMOP and FHIR. Of a record it says how many rows and people each table has, and which days they span; numbers below
    8 are not said.
    """
    from accord.cli.terminal import say, say_json, table
    from accord.record import definition, describing, keeping

    if not what:
        if as_json:
            say_json([describing.as_json(each) for each in definition.tables().values()])
        elif markdown:
            say("\n".join(describing.as_markdown(each) for each in definition.tables().values()))
        else:
            rows = [(name, each.row) for name, each in definition.tables().items()]
            say(table(("table", "one row is"), rows))
            say("\naccord record describe TABLE shows its columns")
        return
    if what in definition.NAMES:
        chosen = definition.table(what)
        if as_json:
            say_json(describing.as_json(chosen))
        else:
            say(describing.as_markdown(chosen) if markdown else "\n".join(describing.as_text(chosen)))
        return
    if not Path(what).exists():
        from accord.language.place import Place
        from accord.language.problem import DataRefused, Problem, nearest

        fix = nearest(what, definition.NAMES) or "accord record describe lists the tables"
        raise DataRefused(Problem(Place(what, 0, 0), "there is no such table, and no record here", fix))
    found = keeping.held(what)
    if as_json:
        say_json({"ok": True, "record": what, "tables": found})
        return
    rows = [
        (name, _few(each["rows"]), _few(each["people"]), each["first_day"] or "", each["last_day"] or "",
         ", ".join(each["sources"]))
        for name, each in found.items()
    ]  # fmt: skip
    say(table(("table", "rows", "people", "from", "to", "sources"), rows, right=(1, 2)))


@record.command("extract", short_help="A record as it was known on an earlier day.")
def extract(
    folder: RecordArgument,
    known_on: Annotated[
        str, typer.Option("--known-on", metavar="DAY", help="As known at the end of this day.", show_default=False)
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="An empty folder.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Rebuild a record as it was known at the end of a day, as a record of its own.

    Rows that came later are left out, rows that were replaced or withdrawn later stand, and the tables that are made
    from others are made again. People who have opted out since are left out here too.
    """
    from accord.cli.progress import progress
    from accord.cli.terminal import say, say_json, table
    from accord.record import keeping

    day = _day(known_on, "--known-on")
    assert day is not None
    with progress(1) as work:
        work.step(f"rebuilding what was known on {day.isoformat()}")
        done = keeping.extract(folder, day, out)
    if as_json:
        say_json(done.as_json())
        return
    say(table(("table", "rows"), [(name, f"{rows:,}") for name, rows in done.rows.items()], right=(1,)))
    if done.left_out:
        say(f"{done.left_out:,} rows of people who have opted out since were left out")
    say(f"\n{out}: the record as known on {day.isoformat()}")


@record.command("key", short_help="Make the key of the pseudonyms.")
def key(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A new file.", show_default=False)],
    as_json: JsonOption = False,
) -> None:
    """Make a key for pseudonyms, in a new file that its owner alone can read.

    Keep it apart from the record, and keep a copy of it: whoever has both can find persons again, and without it
    nothing can be added to the record.
    """
    from accord.cli.terminal import say, say_json
    from accord.record import keeping

    made = keeping.make_key(file)
    if as_json:
        say_json({"ok": True, "file": str(file), "fingerprint": made.fingerprint})
    else:
        say(f"{file}: a new key, readable by you alone. Keep it apart from the record, and keep a copy.")


@record.command("rotate", short_help="Lay a new secret over every pseudonym.")
def rotate(folder: RecordArgument, key: KeyOption, as_json: JsonOption = False) -> None:
    """Rotate the key: every pseudonym of the record is hashed again under a new secret, without any identifier.

    The key file gets the new secret after the old ones, so that later loads agree. Earlier generations, which hold the
    old pseudonyms, are removed. Copies and extracts made before keep the old ones. The same command finishes a rotation
    that was interrupted, and brings a second record with the same key to the same state.
    """
    from accord.cli.terminal import say, say_json
    from accord.record import keeping

    with _watched() as watch:
        done = keeping.rotate(folder, key, watch=watch)
    if as_json:
        say_json(done.as_json())
        return
    say(f"{done.people:,} people have new pseudonyms; the key holds {_many(done.secrets, 'secret')} now")
    say(f"{folder}: {done.record.generation.name}; {_many(len(done.removed), 'earlier generation')} removed")


@record.command("prune", short_help="Remove earlier generations, never the current one.")
def prune(
    folder: RecordArgument,
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep", metavar="N", min=1, help="How many stay, the current one among them.", show_default=False
        ),
    ] = None,
    before: Annotated[
        str | None,
        typer.Option(
            "--before", metavar="DAY", help="Those go whose last load was before this day.", show_default=False
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Remove earlier generations of a record, which every load leaves behind. The current one always stays.

    Without --keep and --before nothing is removed: it says which generations there are, and how many bytes each holds
    that no other one shares. What was known on a past day is in the current generation, so `accord record extract`
    still rebuilds it. Whoever reads an earlier generation at the moment no longer finds it.
    """
    from accord.cli.terminal import say, say_json, table
    from accord.record import keeping

    if keep is not None and before is not None:
        raise typer.BadParameter("give one of --keep and --before", param_hint="--keep")
    done = keeping.prune(folder, keep=keep, before=_day(before, "--before"))
    if as_json:
        say_json(done.as_json())
        return
    fate = {each.name: "removed" for each in done.removed} | {done.record.generation.name: "current"}
    every = sorted((*done.removed, *done.kept), key=lambda each: each.name)
    rows = [
        (each.name, each.day.isoformat() if each.day else "", f"{each.size:,}", fate.get(each.name, ""))
        for each in every
    ]
    say(table(("generation", "last load", "bytes of its own", ""), rows, right=(2,)))
    if keep is None and before is None:
        say("\nnothing was removed: --keep N or --before DAY says what may go")
    else:
        say(f"\n{_many(len(done.removed), 'generation')} removed, which frees {done.freed:,} bytes")


def _watched() -> Any:
    from contextlib import contextmanager

    from accord.cli.progress import progress

    @contextmanager
    def watched() -> Any:
        with progress(1) as work:
            yield _watch(work)

    return watched()


def _watch(work: Progress) -> Watch:
    def watch(what: str, done: int, of: int) -> None:
        work.step(what)
        work.share(done, of)

    return watch


def _day(text: str | None, option: str) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a day; write 2026-04-01", param_hint=option) from None


def _few(number: int | None) -> str:
    return "under 8" if number is None else f"{number:,}"


def _many(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"
