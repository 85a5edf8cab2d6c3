"""The Python calls of calibration: what ``accord calibrate`` does, without a terminal."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.settlement.calls import Misused
from accord.simulation import rounding
from accord.simulation.back_test import BackTest, refuse_short, tested
from accord.simulation.calibration import Calibration, calibrated
from accord.simulation.calibration_file import FILE, write
from accord.simulation.draws import ENOUGH_DRAWS
from accord.simulation.recorded import Step, quiet, whole_years, years
from accord.simulation.system import wrong_seed

if TYPE_CHECKING:
    from accord.record.engines import EngineKind
    from accord.record.record import Record

LONGEST = 10
"""The most years that are calibrated to."""


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A place's own figures from all whole years of its record, and how figures from all but the last did on it.

    ``written`` are the files.
    """

    calibration: Calibration
    back_test: BackTest | None
    written: tuple[Path, ...]

    def as_json(self, *, inside: bool) -> dict[str, Any]:
        """Plain data; exact numbers only where they stay inside the boundary."""
        made = self.calibration
        return {
            "record": made.title,
            "first": str(made.first),
            "until": str(made.until),
            "people_years": rounding.rounded(made.people_years),
            "figures": {
                one.name: {"value": one.value, "low": one.low, "high": one.high} for one in made.parameters.values()
            },
            "levels": {name: round(one.level, 4) for name, one in made.multipliers.items()},
            "back_test": None if self.back_test is None else _shown(self.back_test, inside).as_json(),
            "notes": list(made.notes),
            "written": [str(path) for path in self.written],
        }


def calibrate(
    record: Record | Path | str,
    *,
    out: Path | str | None = None,
    html: Path | str | None = None,
    until: dt.date | None = None,
    most: int = 5,
    draws: int = 200,
    seed: int = 1,
    testing: bool = True,
    inside: bool = False,
    engine: EngineKind = "duckdb",
    on_step: Step = quiet,
    on_draw: Callable[[int, int], None] | None = None,
) -> Calibrated:
    """Calibrate the model to a record, with a back-test on its last year.

    Args:
        record: a record, or its folder.
        out: the folder of the calibration, with ``back-test.json``; none writes nothing.
        html: a page of the back-test and the calibration.
        until: the first day after the last year; found in the record where none is given.
        most: how many years, at most.
        draws: how many draws of the last year.
        seed: which chance.
        testing: whether to back-test; without it one year is enough.
        inside: exact numbers in what is written of the back-test; they must not leave the boundary.
        engine: ``duckdb`` or ``spark``.
        on_step: told what is being done.
        on_draw: told how many draws there are, and of how many.

    Raises:
        Misused: years, draws or a seed that cannot be.
        DataRefused: the record cannot be calibrated to, with every reason. Then nothing is written.
    """
    from accord.record.record import Record, open_record

    problems = wrong_seed(seed)
    if not 1 <= most <= LONGEST:
        said = f"{most} years cannot be calibrated to"
        problems.append(Problem(Place("--years", 0, 0), said, f"from 1 to {LONGEST}"))
    if testing and draws < ENOUGH_DRAWS:
        said = f"{draws} draws do not show where 95 of 100 lie"
        problems.append(Problem(Place("--draws", 0, 0), said, f"{ENOUGH_DRAWS} or more"))
    if problems:
        raise Misused(problems)
    opened = record if isinstance(record, Record) else open_record(record)
    if out is not None:
        _refuse_taken(Path(out))
    spans = whole_years(opened, until, most)
    if testing:
        refuse_short(opened, spans)
    held = years(opened, spans, engine=engine, on_step=on_step)
    back = None
    if testing:
        on_step("calibrating to all years but the last")
        earlier = calibrated(opened, held[:-1], on_step=on_step)
        back = tested(earlier, held, draws=draws, seed=seed, on_step=on_step, on_draw=on_draw)
    on_step("calibrating to all years")
    made = calibrated(opened, held, on_step=on_step)
    drawn = ""
    if html is not None:
        from accord.simulation.calibration_page import page

        drawn = page(made, back, inside=inside)
    written: list[Path] = []
    if out is not None:
        written += write(made, out)
        if back is not None:
            path = Path(out) / "back-test.json"
            path.write_text(json.dumps(_shown(back, inside).as_json(), indent=1, ensure_ascii=False) + "\n", "utf-8")
            written.append(path)
    if html is not None:
        Path(html).write_text(drawn, "utf-8")
        written.append(Path(html))
    return Calibrated(made, back, tuple(written))


def _shown(back: BackTest, inside: bool) -> BackTest:
    return back if inside else back.leaving()


def _refuse_taken(out: Path) -> None:
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / FILE).is_file())):
        raise DataRefused(Problem(Place(str(out), 0, 0), "there is something else here already", "name a new folder"))
