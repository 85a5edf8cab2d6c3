"""Nouns: the kinds of figures that a query can ask for, the words that each takes, and the shape of both in a file.

What each noun is stands in ``nouns.yaml``; the documentation is printed from what the reader of files itself uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from accord.language.shape import (
    FLAG,
    NAME,
    NUMBER,
    TITLE,
    WHOLE,
    Choice,
    Either,
    Field,
    Later,
    ListOf,
    MapOf,
    Record,
    Shape,
    Word,
)
from accord.language.text import fields_of, items_of, text_of
from accord.simulation.own_data import own_data
from accord.simulation.people import FRAILTY, SEXES
from accord.simulation.validation.query import COUNTED

_THING = Either(
    "what is counted, or pounds for one of each",
    (
        Word(f"one of {', '.join(COUNTED)}", None, "emergency"),
        MapOf("pounds for one of each", Word("what is counted", r"[a-z_]+", "outpatient"), NUMBER),
    ),
)
_AGES = Word("ages", r"\d+(?:-\d+|\+)?", "45-54, 85+ or 0")
_FIFTH = Word("a deprivation fifth, 1 the most deprived", r"[1-5]", "1")
_FIFTHS = Either("deprivation fifths", (_FIFTH, ListOf("fifths", _FIFTH)))
LEVELS = {"morbidity": ("none", "one", "multi", "complex"), "frailty": FRAILTY}
"""The words for levels of morbidity and frailty, in order; with + behind it a level stands for itself and worse."""


def _levels(name: str) -> Shape:
    words = LEVELS[name]
    one = Word(f"one of {', '.join(words)}, with + for it and worse", rf"(?:{'|'.join(words)})\+?", f"{words[2]}+")
    return Either(f"levels of {name}", (one, ListOf("levels", one)))


_SEX = Choice(SEXES)
_STATE_FIELDS = (
    Field("ages", _AGES, "Ages, such as 45-54, 85+ or 0."),
    Field("sex", _SEX, "Female or male."),
    Field("fifths", _FIFTHS, "Deprivation fifths; 1 is the most deprived."),
    Field("morbidity", _levels("morbidity"), "Levels: none, one, multi, complex; multi+ is multi or complex."),
    Field("frailty", _levels("frailty"), "Levels of the eFI: fit, mild, moderate, severe; mild+ is any."),
)  # fmt: skip
_STATE = Record("what can be said of people", _STATE_FIELDS)
_NAMED = ListOf("behaviours", Word("a behaviour", r"[a-z-]+", "refer-or-treat"))
_STREAMS = ListOf("streams", Word("a stream of payment", None, "shared savings"))
_BEFORE = "The same with no contract change."
_UNDER = Record(
    "what is at stake",
    (
        Field("behaviours", Either("all, or names", (Choice(("all",)), _NAMED)), "Which behaviours answer.", True),
        Field("stake", NUMBER, "Pounds kept of each pound of hospital care not spent, 0 to 1."),
        Field("pays", NUMBER, "Pounds a patient and year for ten more points of rewarded work."),
        Field("streams", _STREAMS, "Streams of payment that there are."),
        Field("expects", ListOf("pounds", NUMBER), "Pounds that each practice can expect of a new contract."),
        Field("was_stake", NUMBER, _BEFORE),
        Field("was_pays", NUMBER, _BEFORE),
        Field("was_streams", _STREAMS, _BEFORE),
        Field("until", WHOLE, "The last year of stake and pays; afterwards they are as before."),
    ),
)
_QUERY = Later("query", lambda: QUERY)
STANDARDS = ("age", "age and sex", "age, sex and fifth", "european-2013")
"""What a rate can be standardised to: the ages (and sexes, and fifths) of the whole population, or a standard one."""

_POPULATIONS = Choice(("england-2011", "england-2026"))
_FIGURES = MapOf("figures of the model", Word("a parameter", r"[a-z][a-z0-9_]*", "moves"), NUMBER)
_PER = Word("what it is per", r"(?:\d+ )?[a-z_-]+", "1000 person-years")
_AMONG = Choice(("people", "users", "survivors", "admissions"))

WORDS: Mapping[str, Field] = {
    one.name: one
    for one in (
        *_STATE_FIELDS,
        Field("population", _POPULATIONS, "People of England by age, sex and fifth; england-2026 unless it is said."),
        Field("year", WHOLE, "Year of the run; 1 unless it is said."),
        Field(
            "standardised",
            Choice(STANDARDS),
            "Whose ages (sexes, fifths) the people are given; crude unless it is said.",
        ),
        Field("figures", _FIGURES, "The model with other figures."),
        Field("under", _UNDER, "What is at stake and which behaviours answer; none unless it is said."),
        Field("per", _PER, "A number of person-years, person-months, people (at the start) or anything counted."),
        Field("top", NUMBER, "The top so many per cent."),
        Field("among", _AMONG, "Everybody; who has any; who neither died nor moved; or single admissions."),
        Field("years", WHOLE, "Over how many years together, 1 to 3; 1 unless it is said."),
        Field("lag", WHOLE, "How many years apart, 1 or 2; 1 unless it is said."),
        Field("at", NUMBER, "Which percentile, or which per cent."),
        Field("above", NUMBER, "More than so many (or pounds) a person."),
        Field("limit", NUMBER, "What a person has above so many (or pounds) does not count."),
        Field("limit_percentile", NUMBER, "What a person has above this percentile does not count."),
        Field("people", WHOLE, "How many people there are in each population."),
        Field("minimum", NUMBER, "The least saving that counts, per cent."),
        Field(
            "compared", Choice(("expected", "last year")), "With what was expected (unless it is said), or last year."
        ),
        Field("adjusted", FLAG, "Against what is expected of people of the same age group, sex and fifth."),
        Field("system", FLAG, "With what moves a whole system in a year, which does not shrink with its size."),
        Field("part", _STATE, "Which part of the people."),
        Field("free_of", _STATE, "Only years without it count."),
    )
}
"""Every word that a noun can take."""

OF_WHOM = ("population", "ages", "sex", "fifths", "morbidity", "frailty", "year", "figures", "under")
"""Words that say of whom."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A kind of figure: what it is, what stands behind its name, and which other words it takes (``nouns.yaml``).

    Attributes:
        holds: ``thing``, ``state``, ``thing or state``, ``query``, ``pair`` (two queries, under ``names``),
            ``queries``, ``number`` or ``answer``.
        takes: words that it takes; ``needs``: those of them it cannot do without.
        unit: its unit: a text, or ``rate`` (of what is per what), ``thing`` (pounds or a number), ``part`` (that of its
            queries), ``ratio`` or ``answer``.
        drawn: whether people have to be drawn for it; everything else is an expected value.
    """

    name: str
    says: str
    holds: str
    takes: tuple[str, ...]
    needs: tuple[str, ...]
    names: tuple[str, str]
    unit: str
    drawn: bool
    example: str


_NOUN = MapOf(
    "nouns",
    Word("a name", r"[a-z_]+"),
    Record(
        "a noun",
        (
            Field("says", TITLE, "What it is.", True),
            Field("holds", TITLE, "What stands behind its name.", True),
            Field("names", ListOf("names", NAME), "The names of the two queries of a pair."),
            Field("whom", FLAG, "Whether it takes the words that say of whom.", True),
            Field("takes", ListOf("words", NAME), "Which other words it takes."),
            Field("needs", ListOf("words", NAME), "Which words it cannot do without."),
            Field("unit", TITLE, "Its unit.", True),
            Field("drawn", FLAG, "Whether people have to be drawn for it."),
            Field("example", TITLE, "An example.", True),
        ),
    ),
)


def _nouns() -> Mapping[str, Noun]:
    found: dict[str, Noun] = {}
    for name, value in own_data(Path(__file__).with_name("nouns.yaml"), _NOUN).items():
        said = fields_of(value)
        words = {key: tuple(text_of(one) for one in items_of(said.get(key))) for key in ("takes", "needs", "names")}
        whom = text_of(said["whom"]) == "true"
        first, second = words["names"] or ("of", "to")
        found[name] = Noun(
            name,
            text_of(said["says"]),
            text_of(said["holds"]),
            (*(OF_WHOM if whom else ()), *words["takes"]),
            words["needs"],
            (first, second),
            text_of(said["unit"]),
            text_of(said.get("drawn")) == "true",
            text_of(said["example"]),
        )
    return found


NOUNS: Mapping[str, Noun] = _nouns()
"""Every kind of figure that can be asked."""

ANSWERS = {
    "achievement": "points",
    "adjustments": "points",
    "registers": "per cent",
    "expected": "per cent",
    "participation": "per cent",
}
"""What behaviour moves besides what is counted, and its unit."""


def _holding(noun: Noun) -> Shape:
    match noun.holds:
        case "thing":
            return _THING
        case "state":
            return _STATE
        case "thing or state":
            return Either(
                "what is counted, or a state",
                (Word("what is counted, or people", None, "emergency"), _STATE),
            )
        case "pair":
            first, second = noun.names
            doc = ("The figure.", "What it is compared with.")
            return Record("two figures", (Field(first, _QUERY, doc[0], True), Field(second, _QUERY, doc[1], True)))
        case "queries":
            return ListOf("figures", _QUERY)
        case "query":
            return _QUERY
        case "number":
            return WHOLE
        case _:
            return Choice(tuple(ANSWERS))


QUERY = Record(
    "a query",
    (*(Field(noun.name, _holding(noun), noun.says) for noun in NOUNS.values()), *WORDS.values()),
)
"""The shape of a query in a file."""


def reference(line: Callable[[Sequence[str]], str] = lambda cells: f"| {' | '.join(cells)} |") -> str:
    """What can be asked, as Markdown tables, printed from what the reader of files itself uses."""
    out = ["| noun | what it is | unit | it takes | for example |", "|---|---|---|---|---|"]
    units = {"rate": "per what `per` says", "thing": "`number`, `pounds` or `days`", "part": "that of what is in it",
             "ratio": "`times`", "answer": "`points` or `per cent`"}  # fmt: skip
    for noun in NOUNS.values():
        takes = ", ".join(f"**{name}**" if name in noun.needs else name for name in noun.takes if name not in OF_WHOM)
        whom = " whom," if set(OF_WHOM) <= set(noun.takes) else ""
        takes = f"{whom} {takes}".strip(" ,") or ("" if noun.takes else "nothing else")
        unit = units.get(noun.unit, f"`{noun.unit}`")
        out.append(line((f"`{noun.name}`", noun.says, unit, takes, f"`{noun.example}`")))
    out += ["", "| counted | what it is |", "|---|---|"]
    out += [line((f"`{name}`", says)) for name, (says, _) in COUNTED.items()]
    out += ["", "| word | what it says |", "|---|---|"]
    out += [line((f"`{name}`", one.doc)) for name, one in WORDS.items()]
    return "\n".join(out) + "\n"
