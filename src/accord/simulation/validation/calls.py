"""The Python call of validation: what ``accord validate`` does, without a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accord.language.place import Place
from accord.language.problem import DataRefused, Problem
from accord.settlement.calls import Misused
from accord.settlement.catalogue import NotFound
from accord.simulation.model import model_hash
from accord.simulation.system import wrong_seed
from accord.simulation.validation.judging import Judged, judge
from accord.simulation.validation.target import TargetFile, published_file, read_file
from accord.simulation.validation.verification import Check, verify

FEWEST, MOST = 5_000, 2_000_000
"""The fewest and the most people that a validation takes."""

PAGE = "validation.html"
"""The page that is written where no other is named."""

Share = Callable[[int, int], None]
Step = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Validated:
    """What was checked and asked, and how it came out.

    Attributes:
        files: the files of targets, with what each leaves out.
        judged: every target, in the order of the files.
        checks: every check of the simulation itself.
        seed, people: what it was tried with; ``model``: the hash of the model's figures.
        written: the page, if one was written.
    """

    files: tuple[TargetFile, ...]
    judged: tuple[Judged, ...]
    checks: tuple[Check, ...]
    seed: int
    people: int
    model: str
    written: tuple[Path, ...] = ()

    @property
    def out(self) -> tuple[Judged, ...]:
        """Targets that are out and not known to be."""
        return tuple(one for one in self.judged if not one.inside and not one.target.out)

    @property
    def known_out(self) -> tuple[Judged, ...]:
        """Targets that are out, as their file says."""
        return tuple(one for one in self.judged if not one.inside and one.target.out)

    @property
    def surprising(self) -> tuple[Judged, ...]:
        """Targets that are in though their file says that they are out."""
        return tuple(one for one in self.judged if one.inside and one.target.out)

    @property
    def failed(self) -> tuple[Check, ...]:
        """Checks that did not hold."""
        return tuple(check for check in self.checks if not check.held)

    @property
    def passes(self) -> bool:
        """Whether every check held and no target is out but those that are known to be."""
        return not self.out and not self.failed

    def used(self, use: str) -> tuple[Judged, ...]:
        """The targets that the model was ``fitted`` to, or that were ``held out``."""
        return tuple(one for one in self.judged if one.target.use == use)

    def as_json(self) -> dict[str, Any]:
        """Everything as plain data."""
        return {
            "passes": self.passes,
            "seed": self.seed,
            "people": self.people,
            "model": self.model,
            "targets": [_judged(one) for one in self.judged],
            "outside": [
                {
                    "figure": one.figure,
                    "title": one.title,
                    "authority": one.authority,
                    "status": one.status,
                    "why": one.why,
                }
                for file in self.files
                for one in file.outside
            ],
            "checks": [_check(one) for one in self.checks],
            "written": [str(path) for path in self.written],
        }


def _judged(one: Judged) -> dict[str, Any]:
    target = one.target
    return {
        "target": target.name,
        "title": target.title,
        "authority": target.authority,
        "status": target.status,
        "use": target.use,
        "asked": target.asked,
        "value": target.value,
        "unit": target.unit,
        "low": one.low,
        "high": one.high,
        "tolerance": target.tolerance,
        "because": target.because,
        "result": one.result,
        "standard_error": one.doubt,
        "in": one.inside,
        "expected": "out" if target.out else "in",
        "reason": target.out,
        "note": one.note,
    }


def _check(one: Check) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "check": one.name,
        "what": one.what,
        "expected": one.expected,
        "found": one.found,
        "tolerance": one.tolerance,
        "chance": one.chance,
        "held": one.held,
    }


def validate(
    *,
    targets: Sequence[str | Path] = (),
    only: bool = False,
    seed: int = 1,
    people: int = 200_000,
    html: str | Path | None = None,
    on_step: Step | None = None,
    on_share: Share | None = None,
) -> Validated:
    """Check the simulation against itself and against published figures.

    Args:
        targets: files of further targets.
        only: these files alone, without the project's own targets.
        seed: which chance.
        people: how many are made; more people find smaller faults, and make answers about distributions surer.
        html: a page to write.
        on_step: told what is being done.
        on_share: told how much is done.

    Raises:
        Misused: a seed or a number of people that cannot be, or nothing to ask.
        DataRefused: a file of targets has errors, with the place of each.
        NotFound: a file of targets is not there, or the page could not be written where it should be.
    """
    problems: list[Problem] = []
    if not FEWEST <= people <= MOST:
        problems.append(Problem(Place("--people", 0, 0), f"{people:,} people are not enough or too many",
                                f"{FEWEST:,} to {MOST:,}"))  # fmt: skip
    problems += wrong_seed(seed)
    if only and not targets:
        problems.append(Problem(Place("--only", 0, 0), "there are no other targets", "name a file with --targets"))
    if problems:
        raise Misused(problems)
    if html is not None and not Path(html).resolve().parent.is_dir():
        where = Path(html).resolve().parent
        raise NotFound(Problem(Place(str(html), 0, 0), f"there is no folder {where} to write it into", "make it first"))
    files = _files([Path(one) for one in targets], only)
    wanted = tuple(target for file in files for target in file.targets)
    checked = _Shares(on_step, on_share, len(wanted))
    checks = verify(people, seed, checked.part)
    judged = judge(wanted, seed, people, checked.target)
    made = Validated(files, judged, checks, seed, people, model_hash())
    if html is None:
        return made
    from accord.simulation.validation.page import page

    Path(html).write_text(page(made), encoding="utf-8")
    return Validated(files, judged, checks, seed, people, made.model, (Path(html),))


class _Shares:
    """How much is done: the parts of the verification count for as much as all targets together."""

    def __init__(self, on_step: Step | None, on_share: Share | None, targets: int) -> None:
        self._step, self._share, self._targets = on_step, on_share, max(targets, 1)

    def _say(self, title: str, done: float) -> None:
        if self._step is not None:
            self._step(title)
        if self._share is not None:
            self._share(round(1000 * done), 1000)

    def part(self, title: str, done: int, of: int) -> None:
        self._say(title, done / of / 2)

    def target(self, title: str, done: int, of: int) -> None:
        self._say(title, 0.5 + done / max(of, 1) / 2)


def _files(paths: Sequence[Path], only: bool) -> tuple[TargetFile, ...]:
    """The files of targets, all of them read before anything is simulated."""
    found: list[TargetFile] = []
    problems: list[Problem] = []
    for path in paths if only else (None, *paths):
        try:
            found.append(published_file() if path is None else read_file(path))
        except DataRefused as error:
            problems += error.problems
    if problems:
        raise DataRefused(problems)
    return tuple(found)
