"""The tutorial works by following it: its files are written, its commands run, and they print what the page says.

``python -m tests.test_tutorial`` writes into the page what the commands print now.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "tutorial.md"
FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def shell(command: str, home: Path, commands: Path) -> str:
    """What a command prints, stdout and stderr, as on a terminal."""
    environment = {
        **os.environ,
        "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "src"),
        "NO_COLOR": "1",
        "LC_ALL": "C.UTF-8",
    }
    done = subprocess.run(
        command, shell=True, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120
    )
    return done.stdout.decode("utf-8")


def followed(page: str, home: Path) -> str:
    """The page with what its commands print, after writing its files and running its commands in order."""
    commands = home / "bin"
    commands.mkdir()
    (commands / "accord").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m accord "$@"\n')
    (commands / "accord").chmod(0o755)
    work = home / "work"
    work.mkdir()
    out, at = [], 0
    for fence in FENCE.finditer(page):
        before = page[at : fence.start()]
        out.append(before)
        kind, body = fence[1], fence[2]
        if kind in ("yaml", "csv"):
            named = re.findall(r"`([\w/-]+\.(?:yaml|csv))`", before)[-1]
            path = work / named
            path.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8") + "\n" if "Add this to the end of" in before else ""
            path.write_text(text + body, encoding="utf-8")
        elif kind == "console":
            ran = [line for line in body.splitlines() if line.startswith("$ ")]
            body = "".join(f"{line}\n{shell(line[2:], work, commands)}" for line in ran)
        out.append(f"```{kind}\n{body}```")
        at = fence.end()
    return "".join([*out, page[at:]])


def nameless(page: str) -> str:
    """Without run ids and hashes: they change with every version of Accord."""
    return re.sub(r"\b[0-9a-f]{12,16}\b", "…", page)


@pytest.mark.skipif(os.name == "nt", reason="the tutorial's commands are for a Unix shell")
def test_the_tutorial_prints_what_it_says(tmp_path: Path) -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert nameless(followed(page, tmp_path)) == nameless(page), "python -m tests.test_tutorial writes it again"


def test_the_python_page_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for code in re.findall(
        r"^```python\n(.*?)^```$", (ROOT / "docs/python.md").read_text(encoding="utf-8"), re.M | re.S
    ):
        exec(compile(code, "docs/python.md", "exec"), names)
    said = capsys.readouterr().out
    assert "variation = -£249,207.08" in said and "input agreements is missing" in said


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        PAGE.write_text(followed(PAGE.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
