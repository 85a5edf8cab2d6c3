"""The house keeps its shape: imports run one way, start-up stays light, nothing of a machine gets committed."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import accord
import accord.engine

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "accord"
ROOMS = ["language", "engine", "record", "measures", "settlement", "simulation", "place", "cli"]
"""From the ground up: a room may import itself and those before it; library is data that anybody may find."""


def imported(file: Path) -> set[str]:
    """The accord rooms that a module imports, wherever in the file."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "accord" else [f"accord.{alias.name}" for alias in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("accord.")}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_run_downwards(room: str) -> None:
    above = set(ROOMS[ROOMS.index(room) + 1 :])
    wrong = {
        file.relative_to(ROOT).as_posix(): sorted(imported(file) & above)
        for file in (SOURCE / room).rglob("*.py")
        if imported(file) & above
    }
    assert not wrong


def test_library_is_data_that_imports_no_room() -> None:
    assert not {file for file in (SOURCE / "library").rglob("*.py") if imported(file)}


def test_every_room_says_what_lives_there() -> None:
    for room in [*ROOMS, "library"]:
        docstring = ast.get_docstring(ast.parse((SOURCE / room / "__init__.py").read_text(encoding="utf-8")))
        assert docstring, room


def test_no_module_is_called_utils() -> None:
    forbidden = {"utils", "util", "helpers", "helper", "manager", "handler", "common", "misc"}
    assert not [file for file in SOURCE.rglob("*.py") if file.stem in forbidden]


HEAVY = ["duckdb", "pyarrow", "numpy", "jinja2", "docx", "xlsxwriter", "rich", "ruamel"]


@pytest.mark.parametrize("statement", ["import accord", "import accord.cli", "import accord.language"])
def test_start_up_imports_nothing_heavy(statement: str) -> None:
    code = f"{statement}; import sys; print([name for name in {HEAVY} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src")
    assert done.stdout.strip() == "[]"


def test_a_database_does_not_bring_the_engine_with_it() -> None:
    """The record opens DuckDB for every job; settling is not part of it."""
    code = (
        "import accord.engine.database, sys; print([name for name in sys.modules if name.startswith('accord.engine')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT / "src")
    assert done.stdout.strip() == "['accord.engine', 'accord.engine.database']"


@pytest.mark.parametrize("room", [accord, accord.engine])
def test_every_name_that_is_offered_is_there(room: ModuleType) -> None:
    assert all(getattr(room, name) is not None for name in room.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = room.nonsense


def test_contracts_cannot_reach_an_evaluator() -> None:
    for file in (SOURCE / "language").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec", "compile", "__import__"}, file


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_locks_have_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert not re.search(r"https?:|file:|--index|--find-links|--trusted|^/", text, re.MULTILINE)
    pinned = re.split(r"\n(?=[a-z])", text)
    assert all("--hash=sha256:" in one for one in pinned if "==" in one)


def test_every_public_call_is_there_and_documented() -> None:
    import accord

    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for name in accord.__all__:
        assert getattr(accord, name).__doc__, name
        assert f"accord.{name}" in page, f"docs/python.md does not mention accord.{name}"


def test_commands_page_is_current() -> None:
    from accord.cli.reference import page

    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == page(), "make docs writes it again"


def test_architecture_page_lists_every_module() -> None:
    from accord.cli.reference import architecture

    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert page == architecture(page, SOURCE), "make docs writes it again"


def test_the_contract_of_the_readme_checks() -> None:
    from accord.language import check_text

    text = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert [check_text(one).name for one in text] == ["care-planning"]


def test_links_between_pages_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), f"{page.name}: {link}"
