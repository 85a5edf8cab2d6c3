"""Cards: what stands beside a measure's ``select``: what it counts, over whom, what may be done with its figures.

A card is YAML with a closed vocabulary, ``NAME.yaml`` beside ``NAME.sql``. It is data from anybody: it names code lists
and parts, never a file or an address that is opened.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from accord.language.place import Place
from accord.language.problem import ContractRefused, Problem
from accord.language.shape import DATE, NAME, STATUS, TITLE, Choice, Field, ListOf, MapOf, Record, Status, Word, conform
from accord.language.text import Entries, Items, Scalar, Tree, decode, read_tree
from accord.record.portable import MeasureRefused

Kind = Literal["rate", "ratio", "total"]
"""``rate``: events over a population that the roster gives. ``ratio``: numerator and denominator are both columns of
the select (a share of people or stays, or one sum over another). ``total``: a sum without a denominator."""

Who = Literal["registered", "resident"]
Count = Literal["people on the first day", "people on the last day", "people on 1 April", "person-days"]

IDENTIFIER = Word("a name: lower-case letters, digits and -", r"[a-z][a-z0-9-]{0,62}", "emergency-admissions-chronic")
VERSION = Word("a version", r"\d+(?:\.\d+)*", "1")
VERSIONED = Word("a name and its version", r"[a-z][a-z0-9-]*@\d+(?:\.\d+)*", "nhsof-2-3-i@1")
PER = Word("how many of what a rate is for", r"[1-9]\d*(?: \S.*)?", "100000 people")
AGES = Word("ages in full years", r"all|\d+\+|\d+-\d+", "65+")
BANDS = Word("bands of ages, with spaces between", r"\d+(?:-\d+|\+)?(?: \d+(?:-\d+|\+)?)*", "0-4 5-9 10+")
STEP = Word("a rounding step", r"1|10|100|0\.0*1", "0.1")

REFERENCE = Record(
    "a reference",
    (
        Field("authority", TITLE, "who defined it, in which document", True),
        Field("address", TITLE, "where the document is"),
        Field("status", STATUS, "whether the definition was read in that document", True),
        Field("notes", TITLE, "what differs from it, or is not known"),
    ),
)

POPULATION = Record(
    "a population",
    (
        Field("who", Choice(("registered", "resident")), "registered with a practice, or living in the area", True),
        Field(
            "count",
            Choice(("people on the first day", "people on the last day", "people on 1 April", "person-days")),
            "how the population of a period is counted (rates only)",
        ),
        Field("ages", AGES, "ages that count, in numerator and denominator alike; all where not said"),
        Field("sex", Choice(("all", "female", "male", "female or male")), "sexes that count; all where not said"),
    ),
)

STANDARDISE = Record(
    "a standardisation",
    (
        Field("method", Choice(("direct", "indirect")), "direct or indirect", True),
        Field("by", ListOf("strata", NAME), "sex, age_band, deprivation, or columns under strata", True),
        Field("ages", BANDS, "the bands of ages, where age_band is one of the strata"),
        Field(
            "standard",
            IDENTIFIER,
            "the standard population (direct) or the standard rates (indirect): own for the rates of all people of the "
            "record in the same period, or the name of a file of standards",
            True,
        ),
    ),
)

CARD = Record(
    "a measure's card",
    (
        Field("measure", IDENTIFIER, "its name, as the files are called", True),
        Field("version", VERSION, "its version; a changed definition is a new version", True),
        Field("title", TITLE, "its title", True),
        Field("why", TITLE, "why it is measured", True),
        Field("reference", REFERENCE, "where it is defined", True),
        Field("kind", Choice(("rate", "ratio", "total")), "what kind of figure it is", True),
        Field("better", Choice(("lower", "higher", "neither")), "which way is better", True),
        Field("unit", TITLE, "what the numerator counts, in the plural: admissions, days, pence", True),
        Field(
            "per", PER, "a rate for so many: 100000 people; 100 for a percentage; must be there for a rate and a ratio"
        ),
        Field("population", POPULATION, "whose figures they are", True),
        Field("numerator", TITLE, "what counts, in words", True),
        Field("denominator", TITLE, "of what, in words; must be there for a rate and a ratio"),
        Field(
            "denominator_unit",
            Choice(("person-days",)),
            "person-days, where the rows of a ratio are days of people: release protects the people",
        ),
        Field("exclusions", ListOf("exclusions", TITLE), "what counts in neither, in words"),
        Field("strata", MapOf("strata", NAME, TITLE), "further columns of the select that may be grouped by"),
        Field("lists", MapOf("code lists", NAME, VERSIONED), "code lists, by the table name the select uses"),
        Field("parts", ListOf("parts", NAME), "selects shared with other measures"),
        Field("standardise", STANDARDISE, "how rates are standardised"),
        Field("interval", Choice(("dobson_byar", "wilson", "none")), "confidence limits (95%)", True),
        Field(
            "permits",
            Choice(("all", "the national figure")),
            "what the rate may be compared with; an indirectly standardised rate, with the national figure only",
            True,
        ),
        Field("round", STEP, "the step that rates and limits are rounded to", True),
        Field("suppress", Choice(("counts", "money", "none")), "what release protects", True),
        Field("author", TITLE, "who wrote it", True),
        Field("checker", TITLE, "who checked it", True),
        Field("reviewed", DATE, "when it was last reviewed", True),
        Field("next_review", DATE, "when it must be reviewed", True),
        Field("status", STATUS, "what is known of the whole of it", True),
    ),
)
"""The shape of a card."""


@dataclass(frozen=True, slots=True)
class Ages:
    """Ages in full years, both included; ``until`` None means without end. ``name`` is as written: ``85-89``."""

    since: int
    until: int | None

    @property
    def name(self) -> str:
        """As it is written."""
        if self.until is None:
            return f"{self.since}+"
        return f"{self.since}-{self.until}"

    def __contains__(self, age: object) -> bool:
        return isinstance(age, int) and self.since <= age and (self.until is None or age <= self.until)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a measure is defined, and whether that was read there."""

    authority: str
    address: str
    status: Status
    notes: str


@dataclass(frozen=True, slots=True)
class Population:
    """Whose figures they are. ``count`` is None for ratios and totals: their rows say what they count."""

    who: Who
    count: Count | None
    ages: Ages | None
    sexes: tuple[str, ...]
    """The sexes that count; empty means all."""


@dataclass(frozen=True, slots=True)
class Standardise:
    """How rates are standardised: over which strata, with which standard."""

    method: Literal["direct", "indirect"]
    by: tuple[str, ...]
    bands: tuple[Ages, ...]
    standard: str


@dataclass(frozen=True, slots=True)
class Card:
    """A measure's card, checked. ``file`` is where it was read, for messages."""

    file: str
    measure: str
    version: str
    title: str
    why: str
    reference: Reference
    kind: Kind
    better: Literal["lower", "higher", "neither"]
    unit: str
    per: int
    of: str
    population: Population
    numerator: str
    denominator: str
    exclusions: tuple[str, ...]
    strata: Mapping[str, str]
    lists: Mapping[str, str]
    parts: tuple[str, ...]
    standardise: Standardise | None
    interval: Literal["dobson_byar", "wilson", "none"]
    permits: Literal["all", "the national figure"]
    step: Decimal
    suppress: Literal["counts", "money", "none"]
    author: str
    checker: str
    reviewed: dt.date
    next_review: dt.date
    status: Status
    denominator_unit: Literal["", "person-days"] = ""
    """Person-days, where the rows of a ratio (numerator and denominator) are days of people."""

    @property
    def id(self) -> str:
        """What a contract names: ``measure@version``."""
        return f"{self.measure}@{self.version}"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that a contract may read from it, beside keys and strata."""
        names = ["numerator", "observed"]
        if self.kind != "total":
            names += ["denominator", "answers", "rate"]
        if self.interval != "none":
            names += ["lower", "upper"]
        if self.standardise is not None and self.standardise.method == "indirect":
            names.append("expected")
        return tuple(names)

    def for_contract(self) -> Mapping[str, str]:
        """By column, ``all`` or the only comparison that the definition permits: counts may always be compared."""
        counts = ("numerator", "observed", "denominator", "answers", "expected")
        return {name: "all" if name in counts else self.permits for name in self.columns}


def read_card(content: bytes, file: str) -> Card:
    """The card in a file's bytes.

    Raises:
        MeasureRefused: with everything that is wrong with it, each with its place.
    """
    try:
        tree = read_tree(decode(content, file))
    except ContractRefused as refused:
        raise MeasureRefused(refused.problems) from None
    problems = conform(tree, CARD)
    if not isinstance(tree, Entries) or problems:
        raise MeasureRefused(problems)
    problems = _clashes(tree)
    if problems:
        raise MeasureRefused(sorted(problems, key=lambda one: (one.place.line, one.place.column)))
    return _card(tree, file)


def read_ages(text: str) -> Ages:
    """``0-4``, ``90+`` or a single age; the text has the form of a band."""
    if text.endswith("+"):
        return Ages(int(text[:-1]), None)
    first, _, last = text.partition("-")
    return Ages(int(first), int(last or first))


def _card(tree: Entries, file: str) -> Card:
    fields = _fields(tree)
    population, reference = _fields(fields["population"]), _fields(fields["reference"])
    ages = _text(population.get("ages")) or "all"
    sex = _text(population.get("sex")) or "all"
    number, _, of = (_text(fields.get("per")) or "1").partition(" ")
    standard = fields.get("standardise")
    return Card(
        file=file,
        measure=_text(fields["measure"]),
        version=_text(fields["version"]),
        title=_text(fields["title"]),
        why=_text(fields["why"]),
        reference=Reference(
            _text(reference["authority"]),
            _text(reference.get("address")),
            _text(reference["status"]),  # type: ignore[arg-type]  # the shape allows these words only
            _text(reference.get("notes")),
        ),
        kind=_text(fields["kind"]),  # type: ignore[arg-type]
        better=_text(fields["better"]),  # type: ignore[arg-type]
        unit=_text(fields["unit"]),
        per=int(number),
        of=of,
        population=Population(
            _text(population["who"]),  # type: ignore[arg-type]
            _text(population.get("count")) or None,  # type: ignore[arg-type]
            None if ages == "all" else read_ages(ages),
            () if sex == "all" else tuple(sex.split(" or ")),
        ),
        numerator=_text(fields["numerator"]),
        denominator=_text(fields.get("denominator")),
        exclusions=_texts(fields.get("exclusions")),
        strata={name: _text(value) for name, value in _fields(fields.get("strata")).items()},
        lists={name: _text(value) for name, value in _fields(fields.get("lists")).items()},
        parts=_texts(fields.get("parts")),
        standardise=None if standard is None else _standardise(_fields(standard)),
        interval=_text(fields["interval"]),  # type: ignore[arg-type]
        permits=_text(fields["permits"]),  # type: ignore[arg-type]
        step=Decimal(_text(fields["round"])),
        suppress=_text(fields["suppress"]),  # type: ignore[arg-type]
        author=_text(fields["author"]),
        checker=_text(fields["checker"]),
        reviewed=dt.date.fromisoformat(_text(fields["reviewed"])),
        next_review=dt.date.fromisoformat(_text(fields["next_review"])),
        status=_text(fields["status"]),  # type: ignore[arg-type]
        denominator_unit=_text(fields.get("denominator_unit")),  # type: ignore[arg-type]
    )


def _standardise(fields: Mapping[str, Tree]) -> Standardise:
    return Standardise(
        method=_text(fields["method"]),  # type: ignore[arg-type]
        by=_texts(fields["by"]),
        bands=tuple(read_ages(band) for band in _text(fields.get("ages")).split()),
        standard=_text(fields["standard"]),
    )


def _clashes(tree: Entries) -> list[Problem]:
    """What no single entry shows: entries that do not go together."""
    fields = _fields(tree)
    kind, interval = _text(fields["kind"]), _text(fields["interval"])
    population = _fields(fields["population"])
    found: list[Problem] = []

    def problem(entry: str, message: str, fix: str) -> None:
        at = fields.get(entry)
        found.append(Problem(at.place if at is not None else tree.place, message, fix))

    if kind == "rate" and "count" not in population:
        problem("population", "a rate needs to say how its population is counted", "count: people on the first day")
    if kind != "rate" and "count" in population:
        problem("population", f"a {kind} counts its own rows, not the population", "leave count out")
    if kind == "total" and ("per" in fields or "denominator" in fields):
        problem("kind", "a total has neither per nor denominator", "leave them out, or say kind: ratio")
    if kind != "ratio" and "denominator_unit" in fields:
        problem("denominator_unit", f"a {kind} counts people, or nothing", "leave it out, or say kind: ratio")
    if kind != "total" and ("per" not in fields or "denominator" not in fields):
        problem("kind", f"a {kind} needs per and denominator", "add per: 100 and denominator: in words")
    if kind == "total" and interval != "none":
        problem("interval", "a total has no rate, so no limits", "interval: none")
    if kind == "rate" and interval == "wilson":
        problem("interval", "Wilson's limits are for a share of people, not for events", "interval: dobson_byar")
    strata = _fields(fields.get("strata"))
    for name in strata:
        if name in RESERVED:
            problem("strata", f"{name} is a column of every measure already", "call the stratum something else")
    standard = fields.get("standardise")
    if standard is not None:
        found += _standard_clashes(_fields(standard), standard.place, kind, strata)
        if _text(_fields(standard)["method"]) == "indirect" and _text(fields["permits"]) == "all":
            problem(
                "permits",
                "indirectly standardised rates may not be compared with each other: each has its own weights",
                "permits: the national figure",
            )
    ages = _text(population.get("ages"))
    if ages and ages != "all":
        one = read_ages(ages)
        if one.until is not None and one.until < one.since:
            problem("population", f"ages {ages} end before they begin", f"ages: {one.until}-{one.since}")
    if _text(fields["next_review"]) <= _text(fields["reviewed"]):
        problem("next_review", "the next review is not after the last", "name a later day")
    return found


def _standard_clashes(
    standard: Mapping[str, Tree], place: Place, kind: str, strata: Mapping[str, Tree]
) -> list[Problem]:
    found: list[Problem] = []
    by, bands = _texts(standard["by"]), _text(standard.get("ages"))
    known = ("sex", "age_band", "deprivation", *strata)
    for name in by:
        if name not in known:
            found.append(Problem(place, f"{name} is no stratum of this measure", f"it has {', '.join(known)}"))
    if kind == "total":
        found.append(Problem(place, "a total is not a rate, and cannot be standardised", "leave standardise out"))
    if ("age_band" in by) != bool(bands):
        found.append(Problem(place, "ages and age_band belong together", "add ages: 0-4 5-9 … 90+, or drop age_band"))
    if _text(standard["method"]) == "direct" and _text(standard["standard"]) == "own":
        found.append(Problem(place, "a direct standardisation needs a standard population", "standard: european-2013"))
    expected = 0
    for number, text in enumerate(bands.split()):
        band = read_ages(text)
        if band.since != expected and number:
            found.append(Problem(place, f"age band {text} does not begin at {expected}", "bands follow each other"))
            break
        if band.until is not None and band.until < band.since:
            found.append(Problem(place, f"age band {text} ends before it begins", "turn it round"))
            break
        if band.until is None and number + 1 < len(bands.split()):
            found.append(Problem(place, f"age band {text} has no end, and is not the last", "make it the last"))
            break
        expected = (band.until or 0) + 1
    return found


RESERVED = frozenset(
    {
        *("measure", "person", "day", "numerator", "denominator", "excluded", "event", "events", "outside", "level"),
        *("organisation", "practice", "network", "neighbourhood", "board", "council", "area"),
        *("period", "month", "quarter", "year", "sex", "age", "age_band", "born", "deprivation"),
        *("rate", "lower", "upper", "expected", "observed", "answers"),
    }
)
"""Names that a stratum cannot have."""


def _fields(tree: Tree | None) -> dict[str, Tree]:
    return {key.value: value for key, value in tree} if isinstance(tree, Entries) else {}


def _text(tree: Tree | None) -> str:
    return re.sub(r"\s+", " ", tree.value).strip() if isinstance(tree, Scalar) else ""


def _texts(tree: Tree | None) -> tuple[str, ...]:
    return tuple(_text(item) for item in tree.items) if isinstance(tree, Items) else ()


__all__ = ["CARD", "Ages", "Card", "Population", "Reference", "Standardise", "read_ages", "read_card"]
