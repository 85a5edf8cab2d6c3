"""Writes what of the docs follows from the code, so that it cannot drift: commands, modules, tables of the record.

``make docs`` runs it in a checkout.
"""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

PAGE = Path("docs") / "commands.md"
ARCHITECTURE = Path("docs") / "architecture.md"
RECORD = Path("docs") / "record.md"
SELECTS = Path("docs") / "measures-sql.md"
MEASURES = Path("docs") / "measures.md"
SELECTS = Path("docs") / "measures-sql.md"

HEAD = """# Commands

This page is written by `make docs` from the commands themselves.

Every command has `--help`. With `--json` it prints one JSON document on stdout and nothing else there, also when it
refuses (`{"ok": false, "refused": …, "problems": [{"file", "line", "column", "severity", "message", "fix"}]}`).
Without it, results go to stdout and problems to stderr, in colour on a terminal; a progress bar shows on a terminal
when work takes over a second.

A **CONTRACT** is a library name (`accord library` lists them), a contract file, or a folder that holds `contract.yaml`.

| exit code | what it means |
|---|---|
| 0 | done |
| 1 | done, and there is something to look at: differences, misses without a reason |
| 2 | the command was not called as its help says |
| 3 | the contract was refused; the problems say why |
| 4 | the data was refused; nothing was written |
| 5 | the settlement stopped: a check failed, or a value that is needed is not there; nothing was written |
| 6 | something was not found, or cannot be read or written |
| 70 | a fault of Accord itself |
| 130 | stopped from the keyboard |
"""


def page() -> str:
    """The page as it should be."""
    import typer.main

    from accord.cli import app

    group: Any = typer.main.get_command(app)
    parts = [HEAD]
    for name, command in group.commands.items():
        parts += _commands(name, command)
    return "\n".join(parts)


def _commands(name: str, command: Any) -> list[str]:
    """A command, or a group: what it is for, then each of its own commands."""
    inner = getattr(command, "commands", None)
    if inner is None:
        return [_command(name, command)]
    listed = [f"| `accord {name} {each}` | {one.short_help or ''} |" for each, one in inner.items()]
    head = [f"## accord {name}", "", inspect.cleandoc(command.help or ""), "", "| | |", "|---|---|", *listed, ""]
    return ["\n".join(head), *(part for each, one in inner.items() for part in _commands(f"{name} {each}", one))]


def _command(name: str, command: Any) -> str:
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and "--help" not in one.opts]
    usage = " ".join(
        [
            "accord",
            name,
            *(one.metavar if one.required else f"[{one.metavar}]" for one in arguments),
            "[OPTIONS]" if options else "",
        ]
    ).strip()
    lines = [f"## accord {name}", "", inspect.cleandoc(command.callback.__doc__ or ""), "", f"    {usage}", ""]
    if arguments or options:
        lines += ["| | |", "|---|---|"]
        lines += [f"| `{one.metavar}` | {one.help or ''} |" for one in arguments]
        for one in options:
            names = ", ".join([*one.opts, *one.secondary_opts])
            value = "" if one.is_flag else f" {one.metavar or one.type.name.upper()}"
            default = (
                f" Default: `{one.default}`." if one.default not in (None, False, True, ()) and not one.is_flag else ""
            )
            lines.append(f"| `{names}{value}` | {one.help or ''}{default} |")
        lines.append("")
    return "\n".join(lines)


def architecture(page: str, source: Path) -> str:
    """The architecture page with the modules of each room as their docstrings say them.

    They stand between ``<!-- modules of ROOM -->`` and ``<!-- end -->``.
    """

    def modules(found: re.Match[str]) -> str:
        return f"{found[1]}\n| module | what it is |\n|---|---|\n{_modules(source / found[2])}{found[3]}"

    return re.sub(r"(<!-- modules of (\w+) -->).*?(<!-- end -->)", modules, page, flags=re.DOTALL)


def _modules(room: Path) -> str:
    lines: list[str] = []
    for file in sorted(room.rglob("*.py")):
        if file.name in ("__init__.py", "__main__.py"):
            continue
        first = (ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "").split("\n\n")[0]
        text = re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", " ".join(first.split())).replace("``", "`")
        lines.append(f"| `{'.'.join(file.relative_to(room).with_suffix('').parts)}` | {text} |\n")
    return "".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    rooms = Path(__file__).resolve().parent.parent
    ARCHITECTURE.write_text(architecture(ARCHITECTURE.read_text(encoding="utf-8"), rooms), encoding="utf-8")
    from accord.record import describing, subset

    RECORD.write_text(describing.page(RECORD.read_text(encoding="utf-8")), encoding="utf-8")
    from accord.measures.page import library_page

    MEASURES.write_text(library_page(), encoding="utf-8")
    SELECTS.write_text(subset.page(), encoding="utf-8")
    print(f"wrote {PAGE}, {ARCHITECTURE}, {RECORD}, {MEASURES} and {SELECTS}")
