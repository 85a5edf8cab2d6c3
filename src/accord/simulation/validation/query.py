"""Queries: a figure asked of simulated people, in a closed form that a file can hold.

A query has one *noun*, which says what kind of figure it is (a rate, a share, a distribution over people, what
behaviour does), and words that say of whom and how. Nouns combine: a ratio has two queries in it. Nothing is evaluated:
what may stand where is the table :data:`NOUNS`, from which the documentation is printed too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from accord.language.place import Place
from accord.language.problem import Problem, nearest
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
    conform,
)
from accord.language.text import Entries, Items, Scalar, Tree, decode, fields_of, items_of, read_tree, text_of
from accord.simulation.behaviour import library
from accord.simulation.model import published_parameters
from accord.simulation.people import AGES, FIFTHS, FRAILTY, MORBIDITY, SEXES
from accord.simulation.results import LAZY

# ------------------------------------------------------------------------------------------------- what can be counted

COUNTED: Mapping[str, tuple[str, Mapping[str, float]]] = {
    "deaths": ("deaths", {"deaths": 1}),
    "moves": ("people who leave a practice's list and are replaced", {"moves": 1}),
    "emergency": ("emergency admissions (not episodes)", {"emergency": 1}),
    "elective": ("elective episodes, day cases with them", {"elective": 1}),
    "admissions": ("emergency admissions and elective episodes", {"emergency": 1, "elective": 1}),
    "chronic": ("emergency admissions for chronic ambulatory-care-sensitive conditions", {"chronic": 1}),
    "attendances": ("attendances at emergency departments", {"attendances": 1}),
    "emergency_days": ("days in hospital after an emergency admission", {"emergency_days": 1}),
    "emergency_cost": ("pounds for emergency admissions", {"emergency_cost": 0.01}),
    "elective_cost": ("pounds for elective episodes", {"elective_cost": 0.01}),
    "hospital_cost": ("pounds for emergency and elective care", {"emergency_cost": 0.01, "elective_cost": 0.01}),
    "outpatient": ("outpatient appointments", {"outpatient": 1}),
    "consultations": ("consultations in general practice", {"consultations": 1}),
    "community": ("contacts with community services", {"community": 1}),
    "mental_health": ("contacts with mental health services", {"mental_health": 1}),
    **{
        stream: (stream.replace("_", " "), {stream: 1.0})
        for stream in LAZY
        if stream not in ("outpatient", "consultations", "community", "mental_health")
    },
}  # fmt: skip
"""What is counted: what it is, and of which results of the engines it is made (money in pounds)."""

COSTS = ("emergency_cost", "elective_cost", "hospital_cost")
"""Of these, what is money."""

PRICE_YEAR = "2011/12"
"""The year of the model's prices (hospital costs after Asaria et al.)."""

LONGEST = 10
"""The last year that can be asked for."""


@dataclass(frozen=True, slots=True)
class Thing:
    """Something counted: results of the engines with weights, so that whatever is priced adds up to pounds."""

    name: str
    weights: tuple[tuple[str, float], ...]
    money: bool


@dataclass(frozen=True, slots=True)
class State:
    """A part of the people by what is known of them; what is not said does not matter.

    Attributes:
        ages: first and last age.
        sexes: 0 female, 1 male; ``fifths``: 1 to 5; ``morbidity`` and ``frailty``: levels 0 to 3.
    """

    ages: tuple[int, int] = (0, AGES - 1)
    sexes: tuple[int, ...] = (0, 1)
    fifths: tuple[int, ...] = tuple(range(1, FIFTHS + 1))
    morbidity: tuple[int, ...] = tuple(range(len(MORBIDITY)))
    frailty: tuple[int, ...] = tuple(range(len(FRAILTY)))


@dataclass(frozen=True, slots=True)
class Under:
    """What is at stake, and which behaviours answer to it.

    Attributes:
        behaviours: names; ``None`` stands for all of the library.
        stake: pounds kept of each pound of hospital care not spent; ``pays``: pounds a patient for ten more points of
            rewarded work; ``streams``: streams of payment that there are; ``expects``: pounds that each practice can
            expect of a new contract. The same with ``was_``: with no contract change.
        until: the last year in which that is so; afterwards it is as before.
    """

    behaviours: tuple[str, ...] | None
    stake: float = 0.0
    pays: float = 0.0
    streams: tuple[str, ...] = ()
    expects: tuple[float, ...] = ()
    was_stake: float = 0.0
    was_pays: float = 0.0
    was_streams: tuple[str, ...] = ()
    until: int = LONGEST


@dataclass(frozen=True, slots=True)
class Who:
    """Of whom a figure is asked, in which year of the run, and in which world.

    Attributes:
        population: people of England in ``2011`` or ``2026``, by age, sex and deprivation fifth.
        state: who of them; at the start of the year.
        year: 1 is the first of the run.
        standardised: to which ages a rate is standardised; empty for a crude one.
        figures: figures of the model that are changed.
        under: what is at stake and who answers; ``None`` for no contract change.
    """

    population: int = 2026
    state: State = State()
    year: int = 1
    standardised: str = ""
    figures: tuple[tuple[str, float], ...] = ()
    under: Under | None = None


@dataclass(frozen=True, slots=True)
class Query:
    """A figure that can be asked of simulated people.

    Attributes:
        noun: the kind of figure, one of :data:`NOUNS`.
        things: what is counted, where something is; ``parts``: the queries in it; ``state``: the part of the people
            that a share, an onset or an age is about.
        who: of whom.
        said: the noun's other words, as numbers or texts.
        unit: the unit of the answer; ``money``: whether pounds of some year are in it.
        words: the query as it is written, on one line.
    """

    noun: str
    who: Who
    unit: str
    words: str
    place: Place
    thing: Thing | None = None
    parts: tuple[Query, ...] = ()
    state: State | None = None
    said: Mapping[str, float | str] = field(default_factory=dict[str, float | str])
    money: bool = False

    def number(self, name: str, otherwise: float = 0.0) -> float:
        """A number that it says, or another where it does not."""
        return float(self.said.get(name, otherwise))


# ---------------------------------------------------------------------------------------------------------- its shapes

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
    path = Path(__file__).parent / "nouns.yaml"
    tree = read_tree(decode(path.read_bytes(), path.name))
    problems = conform(tree, _NOUN)
    if problems:
        raise AssertionError(f"the project's own nouns are wrong: {[str(problem) for problem in problems]}")
    found: dict[str, Noun] = {}
    for name, value in fields_of(tree).items():
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


# ------------------------------------------------------------------------------------------------------------- reading


def read_query(tree: Tree, problems: list[Problem]) -> Query | None:
    """A query from its entries, whose shape has been looked at; what is wrong with its sense goes to ``problems``."""
    entries = fields_of(tree)
    nouns = [name for name in entries if name in NOUNS]
    if len(nouns) != 1:
        found = " and ".join(nouns) or "nothing"
        problems.append(
            Problem(tree.place, f"a query asks for one figure; this one asks for {found}", f"one of {', '.join(NOUNS)}")
        )
        return None
    before = len(problems)
    noun = NOUNS[nouns[0]]
    for name, value in entries.items():
        if name != noun.name and name not in noun.takes:
            takes = f"it takes {', '.join(noun.takes)}" if noun.takes else "say it in the figures inside"
            problems.append(Problem(value.place, f"{noun.name} does not take {name}", takes))
    for name in noun.needs:
        if name not in entries:
            problems.append(Problem(tree.place, f"{noun.name} needs {name}", f"as in {{{noun.example}}}"))
    held = entries[noun.name]
    thing, state, parts = None, None, ()
    said: dict[str, float | str] = {}
    match noun.holds:
        case "thing" | "thing or state":
            if isinstance(held, Entries) and noun.holds == "thing or state":
                state = _one_level(held, problems)
            elif noun.holds == "thing or state" and text_of(held) == "people":
                said["of"] = "people"
            else:
                thing = _thing(held, problems)
        case "state":
            state = _one_level(held, problems) if noun.name == "onset" else _state(fields_of(held), problems)
            if state == State():
                problems.append(Problem(held.place, "everybody is in that state", "say which, as {morbidity: multi+}"))
        case "pair":
            inside = fields_of(held)
            parts = tuple(read_query(inside[name], problems) for name in noun.names)
        case "queries":
            parts = tuple(read_query(item, problems) for item in items_of(held))
            if not parts:
                problems.append(Problem(held.place, "there is nothing to add up", "[{rate: …}, {rate: …}]"))
        case "query":
            parts = (read_query(held, problems),)
            _by_fifth(noun, held, parts[0], problems)
        case "number":
            said["at"] = float(text_of(held))
            if said["at"] >= AGES:
                problems.append(Problem(held.place, f"nobody is {text_of(held)}: ages are 0 to {AGES - 1}", "65"))
        case _:
            said["of"] = text_of(held)
    who = _who(entries, problems)
    said |= _said(noun, entries, problems)
    if "part" in entries or "free_of" in entries:
        state = _state(fields_of(entries.get("part", entries.get("free_of"))), problems)
    per = _per(noun, entries.get("per"), problems, said)
    apart = 1 if "lag" in noun.takes or said.get("compared") == "last year" else 0
    last = who.year + int(float(said.get("years", 1))) - 1 + int(float(said.get("lag", apart)))
    if noun.drawn and who.year <= LONGEST < last:
        fix = f"a run has {LONGEST} years"
        problems.append(Problem(tree.place, f"this asks for year {last}", fix))
    whole = tuple(part for part in parts if part is not None)
    unit = _unit(noun, thing, per, whole, said, tree, problems)
    if len(problems) > before:
        return None
    money = "pounds" in unit or any(part.money and "pounds" not in part.unit for part in whole)
    money = money or (thing is not None and thing.money and bool({"limit", "above"} & set(said)))
    words = _written(tree)
    return Query(noun.name, who, unit, words[1:-1], tree.place, thing, whole, state, said, money)


def _thing(tree: Tree, problems: list[Problem]) -> Thing | None:
    if isinstance(tree, Scalar):
        if tree.value not in COUNTED:
            problems.append(_uncounted(tree))
            return None
        return Thing(tree.value, tuple(COUNTED[tree.value][1].items()), tree.value in COSTS)
    weights: dict[str, float] = {}
    for key, value in tree if isinstance(tree, Entries) else ():
        if key.value not in COUNTED:
            problems.append(_uncounted(key))
            continue
        price = float(text_of(value))
        if price < 0:
            problems.append(Problem(value.place, f"a price of {price:g} pounds is below 0", "1 for costs of the model"))
        for result, weight in COUNTED[key.value][1].items():
            weights[result] = weights.get(result, 0.0) + price * weight
    if not weights:
        problems.append(Problem(tree.place, "nothing is counted", "emergency, or {hospital_cost: 1, outpatient: 108}"))
    return Thing("priced", tuple(weights.items()), True)


def _uncounted(name: Scalar) -> Problem:
    fix = nearest(name.value, COUNTED) or f"counted are {', '.join(COUNTED)}"
    return Problem(name.place, f"{name.value or 'nothing'} is not counted by the simulator", fix)


def _state(entries: Mapping[str, Tree], problems: list[Problem]) -> State:
    out: dict[str, tuple[int, ...]] = {}
    if "ages" in entries:
        out["ages"] = _ages(entries["ages"], problems)
    if "sex" in entries:
        out["sexes"] = (SEXES.index(text_of(entries["sex"])),)
    if "fifths" in entries:
        out["fifths"] = tuple(sorted({int(text_of(one)) for one in _each(entries["fifths"])}))
    for name, words in LEVELS.items():
        if name in entries:
            found: set[int] = set()
            for one in _each(entries[name]):
                level = words.index(text_of(one).rstrip("+"))
                found |= set(range(level, len(words))) if text_of(one).endswith("+") else {level}
            out[name] = tuple(sorted(found))
    return State(**out)  # type: ignore[arg-type]


def _one_level(tree: Tree, problems: list[Problem]) -> State:
    """A level that people can come to: one of morbidity or of frailty, and not the lowest."""
    entries = fields_of(tree)
    levels = [name for name in LEVELS if name in entries]
    if len(levels) != 1 or len(entries) != 1:
        problems.append(
            Problem(tree.place, "an onset is that of one level, of morbidity or of frailty", "{frailty: mild}")
        )
        return State()
    words = [text_of(one) for one in _each(entries[levels[0]])]
    if len(words) != 1 or words[0].rstrip("+") == LEVELS[levels[0]][0]:
        lowest = LEVELS[levels[0]][0]
        fix = f"{{{levels[0]}: {LEVELS[levels[0]][1]}}}"
        problems.append(Problem(tree.place, f"an onset is that of one level above {lowest}", fix))
        return State()
    level = LEVELS[levels[0]].index(words[0].rstrip("+"))
    reached = tuple(range(level, len(LEVELS[levels[0]])))
    return State(morbidity=reached) if levels[0] == "morbidity" else State(frailty=reached)


def _each(tree: Tree) -> Sequence[Tree]:
    return items_of(tree) if isinstance(tree, Items) else (tree,)


def _ages(tree: Tree, problems: list[Problem]) -> tuple[int, int]:
    text = text_of(tree)
    first, _, last = text.rstrip("+").partition("-")
    low = int(first)
    high = AGES - 1 if text.endswith("+") else int(last or first)
    if low >= AGES or high >= AGES:
        problems.append(
            Problem(tree.place, f"nobody in the model is {max(low, high)}: {AGES - 1} stands for that age and over",
                    f"{min(low, AGES - 1)}+")
        )  # fmt: skip
        return 0, AGES - 1
    if low > high:
        problems.append(Problem(tree.place, f"ages {text} run backwards", f"{high}-{low}"))
        return high, low
    return low, high


def _who(entries: Mapping[str, Tree], problems: list[Problem]) -> Who:
    population = int((text_of(entries.get("population")) or "england-2026").removeprefix("england-"))
    state = _state(entries, problems)
    year = int(text_of(entries.get("year")) or 1)
    if not 1 <= year <= LONGEST:
        problems.append(Problem(entries["year"].place, f"there is no year {year}: a run has years 1 to {LONGEST}", "1"))
    figures: list[tuple[str, float]] = []
    known = published_parameters()
    for name, value in fields_of(entries.get("figures")).items():
        if name not in known:
            fix = nearest(name, known) or "see model/parameters.yaml"
            problems.append(Problem(value.place, f"{name} is not a figure of the model", fix))
        figures.append((name, float(text_of(value))))
        if figures[-1][1] < 0:
            problems.append(Problem(value.place, f"{name} of {text_of(value)} is below 0", "0 or more"))
    under = _under(entries["under"], problems) if "under" in entries else None
    return Who(population, state, year, text_of(entries.get("standardised")), tuple(figures), under)


def _under(tree: Tree, problems: list[Problem]) -> Under:
    entries = fields_of(tree)
    names: tuple[str, ...] | None = None
    if isinstance(entries["behaviours"], Items):
        names = tuple(text_of(one) for one in items_of(entries["behaviours"]))
        for one in items_of(entries["behaviours"]):
            if text_of(one) not in library():
                fix = nearest(text_of(one), library()) or f"the library has {', '.join(library())}"
                problems.append(Problem(one.place, f"there is no behaviour {text_of(one)}", fix))

    def number(name: str) -> float:
        return float(text_of(entries.get(name)) or 0)

    for name in ("stake", "was_stake"):
        if not 0 <= number(name) <= 1:
            problems.append(
                Problem(entries[name].place, f"of a pound nobody keeps {number(name):g}", "between 0 and 1")
            )
    until = int(text_of(entries.get("until")) or LONGEST)
    if not 1 <= until <= LONGEST:
        problems.append(Problem(entries["until"].place, f"there is no year {until}", f"1 to {LONGEST}"))
    streams, was = (tuple(text_of(one) for one in items_of(entries.get(name))) for name in ("streams", "was_streams"))
    if "until" in entries and (streams or was):
        problems.append(
            Problem(
                entries["until"].place,
                "a stream of payment is there in every year of a run",
                "until goes with stake or pays",
            )
        )
    expects = tuple(float(text_of(one)) for one in items_of(entries.get("expects")))
    return Under(
        names, number("stake"), number("pays"), streams, expects, number("was_stake"), number("was_pays"), was, until
    )


_BETWEEN: Mapping[str, tuple[float, float, str]] = {
    "top": (0, 100, "per cent"),
    "limit_percentile": (0, 100, "a percentile"),
    "people": (0, 1e9, "people"),
    "minimum": (-100, 100, "per cent"),
    "years": (0, 3.5, "years that people are drawn for"),
    "lag": (0, 2.5, "years apart"),
}
"""Between which ends (neither of them possible) a number lies, and what it is."""


def _said(noun: Noun, entries: Mapping[str, Tree], problems: list[Problem]) -> dict[str, float | str]:
    out: dict[str, float | str] = {}
    for name in ("among", "compared", "adjusted", "system"):
        if name in entries:
            out[name] = text_of(entries[name])
    for name in ("top", "years", "lag", "at", "above", "limit", "limit_percentile", "people", "minimum"):
        if name not in entries or not isinstance(entries[name], Scalar):
            continue
        out[name] = value = float(text_of(entries[name]).replace("_", ""))
        low, high, what = _BETWEEN.get(name, (0, 100, "per cent") if name == "at" else (-1, 1e12, "pounds or number"))
        if not low < value < high:
            problems.append(
                Problem(
                    entries[name].place, f"{name} of {value:g} is not possible", f"{what}: between {low:g} and {high:g}"
                )
            )
    if {"limit", "limit_percentile"} <= set(out):
        problems.append(Problem(entries["limit"].place, "there are two limits", "say limit or limit_percentile"))
    if noun.name == "kept" and not {"limit", "limit_percentile"} & set(out):
        problems.append(Problem(entries["kept"].place, "no limit is said", "limit: 25000, or limit_percentile: 99"))
    if out.get("among") == "admissions":
        held = text_of(entries[noun.name])
        if noun.name not in ("mean", "sd", "cv", "percentile") or held not in ADMISSIONS:
            problems.append(
                Problem(entries["among"].place, f"{noun.name} of {held} is not known of single admissions",
                        f"mean, sd, cv or percentile of {', '.join(ADMISSIONS)}")
            )  # fmt: skip
        elif set(entries) & {"limit", "limit_percentile", "years"}:
            fix = "leave them out"
            problems.append(Problem(entries["among"].place, "single admissions have no limit and no years", fix))
    return out


ADMISSIONS = ("emergency_cost", "elective_cost", "emergency_days")
"""What is known of single admissions."""

TIMES = {"person-years": 1.0, "person-year": 1.0, "person-months": 12.0, "person-month": 12.0}
"""Times that a rate can be over, and how many of them a year has."""


def _per(noun: Noun, tree: Tree | None, problems: list[Problem], said: dict[str, float | str]) -> str:
    """What a rate is per, in words; its number and its kind go to ``said``."""
    text = text_of(tree) or ("1000 person-years" if noun.unit == "rate" else "person-years")
    number, _, what = text.rpartition(" ")
    said["per"], said["times"] = what, float(number or 1)
    if what not in (*TIMES, "people", *COUNTED) and tree is not None:
        fix = nearest(what, (*TIMES, "people", *COUNTED)) or "1000 person-years, people, or what is counted"
        problems.append(Problem(tree.place, f"{what} is nothing that a rate is per", fix))
    if noun.name == "onset" and what not in TIMES and tree is not None:
        problems.append(Problem(tree.place, "an onset is per time at risk", "per: 1000 person-years"))
    if tree is not None and not float(number or 1):
        problems.append(Problem(tree.place, "per 0 of something is nothing", "per: 1000 person-years"))
    return text


def _unit(
    noun: Noun,
    thing: Thing | None,
    per: str,
    parts: Sequence[Query],
    said: Mapping[str, float | str],
    tree: Tree,
    problems: list[Problem],
) -> str:
    units = list(dict.fromkeys(part.unit for part in parts))
    match noun.unit:
        case "rate":
            return f"{'pounds ' if thing is not None and thing.money else ''}per {per}"
        case "thing":
            if thing is not None and {name for name, _ in thing.weights} == {"emergency_days"}:
                return "days"
            return "pounds" if thing is not None and thing.money else "number"
        case "answer":
            return ANSWERS.get(str(said.get("of")), "")
        case "ratio":
            return "times" if len(units) < 2 else f"{units[0]} over {units[1]}"
        case "part" | "per cent" if len(units) > 1:
            problems.append(Problem(tree.place, f"{' and '.join(units)} are not of one unit", "ask both per the same"))
            return ""
        case "part":
            return units[0] if units else ""
        case unit:
            return unit


def _by_fifth(noun: Noun, held: Tree, part: Query | None, problems: list[Problem]) -> None:
    if part is None:
        return
    if part.noun not in ("rate", "share", "onset"):
        problems.append(Problem(held.place, f"{noun.name} is of a rate, a share or an onset", "{rate: emergency}"))
    if "fifths" in fields_of(held):
        fix = "take fifths out: it looks at all five"
        problems.append(Problem(fields_of(held)["fifths"].place, f"{noun.name} compares the fifths", fix))


def _written(tree: Tree) -> str:
    """A query as it stands in a file, on one line."""
    match tree:
        case Entries():
            return "{" + ", ".join(f"{key.value}: {_written(value)}" for key, value in tree) + "}"
        case Items():
            return "[" + ", ".join(_written(one) for one in tree.items) + "]"
        case _:
            return f'"{tree.value}"' if re.search(r"[,:{}\[\]]", tree.value) else tree.value


# ---------------------------------------------------------------------------------------------------------- in words


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
