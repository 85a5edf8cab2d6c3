"""How long whole processes take: what somebody at a terminal waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "tests" / "drafts" / "example"
TIMES = 5


def timed(*arguments: str) -> float | str:
    """The median time of a command, in seconds; or why it could not be timed."""
    times: list[float] = []
    for _ in range(TIMES):
        start = time.perf_counter()
        done = _run(*arguments)
        times.append(time.perf_counter() - start)
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()
            return f"ended with {done.returncode}: {last[0] if last else ''}"
    return median(times)


def explaining() -> float | str:
    """The time of ``accord explain`` for one number of a small run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "runs"
        done = _run("settle", str(EXAMPLE / "contract.yaml"), "--data", str(EXAMPLE / "data"), "--out", str(out))
        runs = sorted(path for path in out.iterdir() if (path / "run.json").exists()) if out.exists() else []
        if done.returncode or not runs:
            return "no run to explain: " + (done.stderr or done.stdout).strip()[:100]
        return timed("explain", str(runs[0]), *_first_reward(runs[0]))


def _first_reward(run: Path) -> list[str]:
    import csv

    payments = next(iter(run.glob("payments.csv")))
    with payments.open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    names = list(first)
    keys = names[names.index("stream") + 1 : names.index("payer_party")]
    return [first["quantity"], *(f"{key}={first[key]}" for key in keys if first[key])]


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1"}
    command = [sys.executable, "-m", "accord", *arguments]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", env=environment, check=False)
