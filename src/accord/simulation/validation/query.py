"""Queries: a figure asked of simulated people, in a closed form that a file can hold.

A query has one *noun*, which says what kind of figure it is (a rate, a share, a distribution over people, what
behaviour does), and words that say of whom and how. Nouns combine: a ratio has two queries in it. Nothing is evaluated:
what may stand where is the table :data:`~accord.simulation.validation.nouns.NOUNS`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from accord.language.place import Place
from accord.simulation.people import AGES, FIFTHS, FRAILTY, MORBIDITY
from accord.simulation.results import LAZY

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

ADMISSIONS = ("emergency_cost", "elective_cost", "emergency_days")
"""What is known of single admissions."""

TIMES = {"person-years": 1.0, "person-year": 1.0, "person-months": 12.0, "person-month": 12.0}
"""Times that a rate can be over, and how many of them a year has."""

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
