"""Reading: a query from the entries of a file, with everything that is wrong with its sense, each with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from accord.language.problem import Problem, nearest
from accord.language.text import Entries, Items, Scalar, Tree, fields_of, items_of, text_of
from accord.simulation.behaviour import library
from accord.simulation.model import published_parameters
from accord.simulation.people import AGES, SEXES
from accord.simulation.validation.nouns import ANSWERS, LEVELS, NOUNS, Noun
from accord.simulation.validation.query import (
    ADMISSIONS,
    COSTS,
    COUNTED,
    LONGEST,
    TIMES,
    Query,
    State,
    Thing,
    Under,
    Who,
)


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
