"""What tests share: where published data lies, and how a command is run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent.parent

# `make test` asks the same questions every time, so that a change is judged and not luck; `make test-long` asks others
settings.register_profile("same", derandomize=True, database=None)
settings.register_profile("new", print_blob=True)


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("same" if config.getoption("markexpr") == "not long" else "new")


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    """``real_data("mssp/PY2023.csv")``: a published file, or a skip that says plainly what is missing.

    Looked for in the folder named by ACCORD_DATA, and in ``shared/data`` beside the checkout.
    """

    def find(name: str) -> Path:
        folders = [Path(os.environ["ACCORD_DATA"])] if "ACCORD_DATA" in os.environ else []
        folders.append(ROOT.parent / "shared" / "data")
        for folder in folders:
            if (folder / name).exists():
                return folder / name
        pytest.skip(f"{name} is not here: published data is not part of the project; set ACCORD_DATA to its folder")

    return find


@pytest.fixture(scope="session")
def spark() -> str:
    """``"spark"``, the kind of engine, where it can run; otherwise a skip that says what is missing."""
    from accord.record.engines.spark import missing

    if what := missing():
        pytest.skip(f"{what}: Spark is not compared")
    return "spark"


@pytest.fixture
def accord(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command line as a process of its own, in a folder of its own: ``accord("check", "mssp")``."""

    def run(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "accord", *map(str, arguments)],
            cwd=cwd or tmp_path,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=120,
            env={**os.environ, "NO_COLOR": "1", "PYTHONPATH": str(ROOT / "src"), "PYTHONIOENCODING": "utf-8"},
        )

    return run


class Ended(NamedTuple):
    """How a command ended: its exit code, what it printed, and what it said on stderr."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document that it printed."""
        return json.loads(self.out)


@pytest.fixture
def command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ended]:
    """Run a command in this process, in a folder of its own: ``command("check", "mssp")``."""
    from accord.cli import main

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["accord", *map(str, arguments)])
        capsys.readouterr()
        try:
            code = main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 1
        said = capsys.readouterr()
        return Ended(code, said.out, said.err)

    return run
