"""Measures: a card, its select, and the code lists and parts that it names, read and checked together.

A measure is found by its name in the library, or as a file of the user's own: ``NAME.sql`` with its card ``NAME.yaml``
beside it. Its code lists and parts are looked for beside it (``codelists/``, ``parts/``) and then in the library, by
name only: nothing that stands in a card is ever a path.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

from accord.language.place import Place
from accord.language.problem import AccordError, Problem, nearest
from accord.library import CODELISTS, MEASURES, codelist_names, measure_names
from accord.measures.card import Card, read_card
from accord.measures.codelist import CodeList, read_list
from accord.measures.matching import ADMISSIONS, CODES
from accord.record.definition import NAMES
from accord.record.portable import MeasureRefused, Select, read_select
from accord.record.subset import STANDING, Kind

LARGEST = 2_000_000
"""Bytes of a card, a select or the head of a list: more than anybody could check."""

OWN: Mapping[str, Kind] = {"person": "whole", "day": "day", "numerator": "whole"}
"""The columns that every select has."""


class MeasureNotFound(AccordError):
    """What was named is not there. Exit code 6."""

    exit_code: ClassVar[int] = 6


@dataclass(frozen=True, slots=True)
class Part:
    """A select that measures share; it may read the lists of the card, and the parts that the card names before it."""

    name: str
    file: str
    select: Select


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure, checked: nothing in it reads anything but the tables of the record, its parts and its code lists."""

    card: Card
    file: str
    select: Select
    lists: Mapping[str, CodeList]
    """Code lists, by the table name that the select uses."""
    parts: tuple[Part, ...]

    @property
    def id(self) -> str:
        """``measure@version``."""
        return self.card.id


def library() -> tuple[Card, ...]:
    """The cards of the library, by name."""
    return tuple(read_card(_bytes(MEASURES / f"{name}.yaml"), f"{name}.yaml") for name in measure_names())


def find_card(named: str) -> Card | None:
    """The library card of ``name@version`` (or of a name alone); None if the library has none."""
    name, _, version = named.partition("@")
    if name not in measure_names():
        return None
    card = read_card(_bytes(MEASURES / f"{name}.yaml"), f"{name}.yaml")
    return card if not version or version == card.version else None


def find(named: str | Path) -> Measure:
    """The measure of a library name (``name`` or ``name@version``), or of a file (``NAME.sql`` or ``NAME.yaml``).

    Raises:
        MeasureNotFound: there is none.
        MeasureRefused: it cannot be used as it stands, with every reason.
    """
    path = Path(named)
    if path.suffix in (".sql", ".yaml", ".yml"):
        if not path.is_file():
            raise MeasureNotFound(Problem(Place(str(named), 0, 0), "there is no such file", "check the path"))
        return read(path.parent, path.stem, shown=path.parent)
    text = str(named)
    name, _, version = text.partition("@")
    if name not in measure_names():
        fix = nearest(name, measure_names()) or "accord measure lists them; a measure of your own is a .sql file"
        raise MeasureNotFound(Problem(Place(text, 0, 0), "the library has no measure of this name", fix))
    measure = read(MEASURES, name)
    if version and version != measure.card.version:
        message = f"the library has version {measure.card.version} of this measure"
        raise MeasureNotFound(Problem(Place(text, 0, 0), message, f"{name}@{measure.card.version}"))
    return measure


def read(folder: Path, name: str, shown: Path | None = None) -> Measure:
    """The measure of that name in a folder.

    Raises:
        MeasureNotFound: a file of it is not there.
        MeasureRefused: with everything that is wrong with it.
    """
    card_file = next(
        (folder / f"{name}{end}" for end in (".yaml", ".yml") if (folder / f"{name}{end}").is_file()), None
    )
    select_file = folder / f"{name}.sql"
    for path, what in ((card_file, "card"), (select_file if select_file.is_file() else None, "select")):
        if path is None:
            wanted = folder / f"{name}{'.sql' if what == 'select' else '.yaml'}"
            problem = Problem(
                Place(_shown(wanted, shown), 0, 0),
                f"the {what} of this measure is not there",
                "a measure is NAME.sql with its card NAME.yaml beside it",
            )
            raise MeasureNotFound(problem)
    assert card_file is not None
    card = read_card(_bytes(card_file), _shown(card_file, shown))
    problems: list[Problem] = []
    if card.measure != name:
        problems.append(Problem(Place(card.file, 1, 1), f"this card is of {card.measure}, and its file of {name}"))
    lists: dict[str, CodeList] = {}
    for alias, wanted in card.lists.items():
        try:
            lists[alias] = _list(wanted, folder, shown, card)
        except (MeasureRefused, MeasureNotFound) as refused:
            problems += refused.problems
    parts: list[Part] = []
    known: dict[str, Mapping[str, Kind]] = {}
    for alias, codes in lists.items():
        if _taken(alias) or alias in card.parts:
            message = f"{alias} is the name of another table already"
            problems.append(Problem(Place(card.file, 1, 1), message, "call the code list something else under lists"))
        known[alias] = dict.fromkeys(CODES, "text") if codes.kind == "codes" else STAY_KINDS
    for part_name in card.parts:
        try:
            part = _part(part_name, folder, shown, card, known)
        except (MeasureRefused, MeasureNotFound) as refused:
            problems += refused.problems
            continue
        parts.append(part)
        known[part_name] = part.select.kinds
    if problems:
        raise MeasureRefused(problems)
    file = _shown(select_file, shown)
    select = read_select(_text(select_file, file), file, known)
    _columns(card, select)
    return Measure(card, file, select, lists, tuple(parts))


STAY_KINDS: Mapping[str, Kind] = dict(zip(ADMISSIONS, ("whole", "whole", "text", "text"), strict=True))
FRAME = frozenset({"measured", "each_person", "in_order", "period_days", "lives"})
"""Names that the frame uses."""

FRAMES = ("members_", "days_in_", "list_", "part_", "ages_")
"""How names of the frame's own tables begin."""


def _taken(name: str) -> bool:
    """Whether a name means another table already."""
    return name in NAMES or name in STANDING or name in FRAME or name.startswith(FRAMES)


def _list(wanted: str, folder: Path, shown: Path | None, card: Card) -> CodeList:
    name, _, version = wanted.partition("@")
    for place, within in ((folder / "codelists", shown), (folder, shown), (CODELISTS, None)):
        head = place / f"{name}.yaml"
        if (place == folder and name == card.measure) or not head.is_file():
            continue
        rows = place / f"{name}.csv"
        file = _shown(head, within)
        if not rows.is_file():
            raise MeasureNotFound(Problem(Place(file, 0, 0), "the rows of this list are not there", f"add {name}.csv"))
        found = _read_list(_bytes(head), rows.read_bytes(), file)
        if found.version != version:
            message = f"{wanted} is named, and there is version {found.version}"
            raise MeasureNotFound(Problem(Place(card.file, 1, 1), message, f"{name}@{found.version}"))
        return found
    fix = nearest(name, codelist_names()) or "put it beside the measure, in codelists/"
    raise MeasureNotFound(Problem(Place(card.file, 1, 1), f"there is no code list {name}", fix))


@lru_cache(maxsize=64)
def _read_list(head: bytes, rows: bytes, file: str) -> CodeList:
    """A code list; several measures name the same one."""
    return read_list(head, rows, file)


def _part(name: str, folder: Path, shown: Path | None, card: Card, known: Mapping[str, Mapping[str, Kind]]) -> Part:
    for place, within in ((folder / "parts", shown), (MEASURES / "parts", None)):
        path = place / f"{name}.sql"
        if path.is_file():
            file = _shown(path, within)
            if _taken(name):
                raise MeasureRefused(Problem(Place(file, 1, 1), f"{name} is the name of another table already"))
            return Part(name, file, read_select(_text(path, file), file, known))
    known_parts = [path.stem for path in (MEASURES / "parts").glob("*.sql")]
    fix = nearest(name, known_parts) or "put it beside the measure, in parts/"
    raise MeasureNotFound(Problem(Place(card.file, 1, 1), f"there is no part {name}", fix))


def _columns(card: Card, select: Select) -> None:
    """See that a select gives what its card says."""
    place = Place(select.file, 1, 1)
    wanted: dict[str, Kind] = {**OWN, **({"denominator": "whole"} if card.kind == "ratio" else {})}
    problems: list[Problem] = []
    for name, kind in wanted.items():
        if name not in select.kinds:
            fix = f"add {'1' if kind == 'whole' else '…'} as {name}"
            problems.append(Problem(place, f"this select gives no column {name}", fix))
        elif select.kinds[name] not in (kind, "any"):
            problems.append(Problem(place, f"{name} is {select.kinds[name]}, and must be {kind}"))
    for name in card.strata:
        if name not in select.kinds:
            problems.append(Problem(place, f"the card names the stratum {name}, and the select gives none"))
    if "practice" in select.kinds:
        problems += _own_practice(card, place)
    optional = {"excluded", "event", "practice", *wanted, *card.strata}
    for name in select.kinds:
        if name not in optional:
            fix = "leave denominator out: the population is counted from the roster" if name == "denominator" else ""
            fix = fix or nearest(name, optional) or f"name it under strata in {card.file}, or leave it out"
            problems.append(Problem(place, f"{name} is no column of a {card.kind}", fix))
    if select.kinds.get("excluded", "text") not in ("text", "nothing", "any"):
        problems.append(Problem(place, "excluded is not text: it says in words why a row does not count"))
    if problems:
        raise MeasureRefused(problems)


def _own_practice(card: Card, place: Place) -> list[Problem]:
    """What a measure cannot have whose select says the practice itself, because its rows may be about nobody known."""
    population = card.population
    by = card.standardise.by if card.standardise is not None else ()
    if population.who == "registered" and not (population.ages or population.sexes or {"sex", "age_band"} & set(by)):
        return []
    message = "a select that gives the practice itself has no ages and sexes, and is about registered people"
    return [Problem(place, message, "leave out the column practice, or ages, sex and standardise in the card")]


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LARGEST + 1)


def _text(path: Path, file: str) -> str:
    content = _bytes(path)
    if len(content) > LARGEST:
        raise MeasureRefused(Problem(Place(file, 0, 0), "this file is too large for a select that people check"))
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MeasureRefused(Problem(Place(file, 0, 0), "this is not UTF-8 text", "save the file as UTF-8")) from None


def _shown(path: Path, within: Path | None) -> str:
    """How a file is named in messages: as the user named it, or by its own name in the library."""
    return path.name if within is None else str(path)
