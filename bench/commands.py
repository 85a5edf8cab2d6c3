"""How long whole processes take: what somebody at a terminal waits for."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from bench.lines import line

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "tests" / "drafts" / "example"
TIMES = 5


def report(times: int = TIMES) -> None:
    """The lines of ``make bench``."""
    print(f"\nWhole processes, median of {times}")
    for what, measured, target in (
        ("accord --help", timed("--help", times=times), "target 0.300 s"),
        ("accord check mssp", timed("check", "mssp", times=times), "target 0.700 s"),
        ("accord explain, one number of one world", explaining(times), "target 1.000 s"),
    ):
        line(what, f"{measured:.3f} s" if isinstance(measured, float) else f"skipped: {measured}", target)


def timed(*arguments: str, times: int) -> float | str:
    """The median time of a command, in seconds; or why it could not be timed."""
    taken: list[float] = []
    for _ in range(times):
        start = time.perf_counter()
        done = _run(*arguments)
        taken.append(time.perf_counter() - start)
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()
            return f"ended with {done.returncode}: {last[0] if last else ''}"
    return median(taken)


def explaining(times: int) -> float | str:
    """The time of ``accord explain`` for one number of a small run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "runs"
        done = _run("settle", str(EXAMPLE / "contract.yaml"), "--data", str(EXAMPLE / "data"), "--out", str(out))
        runs = sorted(path for path in out.iterdir() if (path / "run.json").exists()) if out.exists() else []
        if done.returncode or not runs:
            return "no run to explain: " + (done.stderr or done.stdout).strip()[:100]
        return timed("explain", str(runs[0]), *_first_reward(runs[0]), times=times)


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


if __name__ == "__main__":
    report()
