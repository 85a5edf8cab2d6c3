"""What tests share: where published data lies, and how a command is run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


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
