"""The report of a run: one page that says in plain words what was tried, what it came to and what it cannot know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np

from accord.place.changed import changed
from accord.place.futures import Run
from accord.place.luck import Luck
from accord.place.picture import intervals, tornado, waterfall
from accord.place.probing import answer
from accord.place.stage import Stage
from accord.place.summary import PENNIES, PER_THOUSAND, SETTINGS, Figure, Headline, Summary, Winner
from accord.place.uncertainty import Uncertain, Uncertainty
from accord.settlement.chart import Chart, columns
from accord.settlement.page import render
from accord.simulation.behaviour import Response
from accord.simulation.draws import ENOUGH_DRAWS
from accord.simulation.model import STREAMS, published_prices
from accord.simulation.on_record import BY_REGISTERS

METRIC_WORDS = {
    "payments": "Paid under the contracts by boards",
    "hospital": "Cost of hospital care",
    "balance": "Both together",
    "emergency": "Emergency admissions",
    "elective": "Elective admissions",
    "outpatient": "Outpatient attendances",
}
"""What the metrics are called."""

SEEN = 50
"""Pence that are seen in whole pounds."""

MONEY = ("payments", "hospital", "balance")


def pounds(pence: float, signed: bool = False) -> str:
    """Money in words short enough for a table: £1.24m, £310k, £870."""
    value = pence / 100
    sign = "−" if value < -0.5 else "+" if signed and value > 0.5 else ""
    size = abs(value)
    if size >= 999_500:
        text = f"£{size / 1_000_000:,.2f}m"
    elif size >= 9_995:
        text = f"£{size / 1_000:,.0f}k"
    else:
        text = f"£{size:,.0f}"
    return sign + text


def number(value: float, signed: bool = False) -> str:
    """A number of events, with as many places as matter."""
    size = abs(value)
    text = f"{size:,.0f}" if size >= 20 or size == 0 else f"{size:,.1f}"
    return ("−" if value < 0 else "+" if signed and value > 0 else "") + text


def share(value: float, error: float | None = None) -> str:
    """A share as per cent, with its standard error if it has one."""
    if error is not None:
        return f"{value:.1%} ± {error * 100:.1f}"
    return f"{value:.0%}" if value >= 0.0995 or value == 0 else f"{value:.1%}"


def written(metric: str, value: float, signed: bool = True) -> str:
    """A metric's value: money or a number."""
    return pounds(value, signed) if metric in MONEY else number(value, signed)


def range_words(metric: str, figure: Figure) -> str:
    """From … to …, or nothing where every draw gives the same."""
    if figure.low == figure.high:
        return "in every draw"
    return f"{written(metric, figure.low)} to {written(metric, figure.high)}"


def draws_words(made: Summary) -> str:
    """Whether there are too few draws for an interval; nothing where there are enough."""
    if made.draws >= ENOUGH_DRAWS:
        return ""
    many = "1 draw does" if made.draws == 1 else f"{made.draws} draws do"
    return f"{many} not show where 95 % lie: {ENOUGH_DRAWS} or more do"


def differs(made: Summary, one: Headline) -> str:
    """What differs where activity does not: money between parties, or prices, or nothing."""
    said: list[str] = []
    if any(not winner.change.nothing for winner in made.winners[one.scenario]):
        said.append("who is paid what")
    if not one.figures["hospital"].nothing:
        said.append("what hospital care costs, since its prices do")
    return f"What differs is {' and '.join(said)}." if said else "Nobody's money differs either."


def doubt_words(uncertain: Uncertainty | None, scenario: str, metric: str) -> str:
    """From … to … with what nobody knows exactly in it too, beside what is chance alone."""
    if uncertain is None:
        return "not tried"
    one = next(one for one in uncertain.kinds if (one.scenario, one.metric) == (scenario, metric))
    low, high = one.likely
    return "the same" if low == high else f"{written(metric, low)} to {written(metric, high)}"


def html(run: Run, made: Summary, uncertain: Uncertainty | None, lucky: Sequence[Luck]) -> str:
    """The page."""
    stage = run.stage
    assert stage is not None
    return render(
        "futures.html.j2",
        room="accord.place",
        run=run,
        made=made,
        uncertain=uncertain,
        lucky=lucky,
        charts=_charts(made, uncertain, lucky),
        kinds=_kinds(uncertain),
        paid=_grouped(made.paid, lambda one: (one.contract, one.stream)),
        money=_money(made),
        moves={one.scenario: _moves(made, one.scenario) for one in made.headlines},
        fifths=[(name, made.titles[name], _rates(made, name, made.fifths[name])) for name in made.scenarios],
        ages=_ages(made),
        stakes=[
            (made.titles[case.name], stakes.hospital, stakes.indicators)
            for case, stakes in zip(stage.cases, stage.stakes, strict=True)
        ],
        answers=_answers(stage),
        providers=[
            (made.titles[case.name], SETTINGS[stream].partition(": ")[2], rows)
            for case, response in zip(stage.cases, stage.responses, strict=True)
            for stream, rows in response.chosen.items()
        ],
        metrics=METRIC_WORDS,
        settings={**SETTINGS, "complex": f"{SETTINGS['complex']} ({multimorbidity_of(stage)})"},
        pounds=pounds,
        number=number,
        share=share,
        shown=shown,
        written=written,
        changes={case.name: changed(stage.place, stage.cases[0], case) for case in stage.cases[1:]},
        differs=differs,
        few_draws=draws_words(made),
        range_words=range_words,
        doubt_words=doubt_words,
        behaviours=_behaviours(stage),
    )


One = TypeVar("One")
Key = TypeVar("Key")


def _grouped(rows: Sequence[One], key: Callable[[One], Key]) -> list[tuple[Key, list[One]]]:
    """Rows that stand under one heading, in the order in which headings first come."""
    out: dict[Key, list[One]] = {}
    for one in rows:
        out.setdefault(key(one), []).append(one)
    return list(out.items())


def _kinds(uncertain: Uncertainty | None) -> list[tuple[str, list[Uncertain]]]:
    """The three kinds by scenario, without what is the same whatever is assumed."""
    if uncertain is None:
        return []
    moving = [one for one in uncertain.kinds if one.mean or one.chance or one.parameters or any(one.structure)]
    return _grouped(moving, lambda one: one.scenario)


def _money(made: Summary) -> list[tuple[str, str, list[tuple[str, str, str, tuple[float, ...], float]]]]:
    """Money by scenario, party, contract and stream; of scenarios what differs from no contract change."""
    by: dict[str, dict[tuple[str, str, str], tuple[float, ...]]] = {}
    for scenario, contract, stream, party, values in made.money:
        by.setdefault(scenario, {})[party, contract, stream] = values
    base = by.get(made.scenarios[0], {})
    nothing = (0.0,) * len(made.years)
    out: list[tuple[str, str, list[tuple[str, str, str, tuple[float, ...], float]]]] = []
    for scenario in made.scenarios:
        here = by.get(scenario, {})
        rows: list[tuple[str, str, str, tuple[float, ...], float]] = []
        for key in sorted({*here, *base}):
            now, before = here.get(key, nothing), base.get(key, nothing)
            gone = now if scenario == made.scenarios[0] else [a - b for a, b in zip(now, before, strict=True)]
            if any(abs(one) >= SEEN for one in gone):
                rows.append((*key, now, sum(now) - sum(before)))
        out.append((scenario, made.titles[scenario], rows))
    return out


def _moves(made: Summary, scenario: str) -> list[tuple[str, float, float, float]]:
    """By setting: how many more or fewer in all years, the price of each in pounds, and their worth in pence."""
    out: list[tuple[str, float, float, float]] = []
    for name, price in published_prices().items():
        gone = sum(figure.mean for figure in made.difference[scenario][name])
        if gone:
            out.append((SETTINGS[name], gone, price.value, 100 * gone * price.value))
    return out


_Cells = Sequence[tuple[float, float]]


def _rates(made: Summary, scenario: str, found: Mapping[str, _Cells]) -> list[tuple[str, _Cells]]:
    """Rows of rates; none for a scenario in which nothing differs."""
    rows = [(words, found[name]) for name, words in PER_THOUSAND.items()]
    if scenario != made.scenarios[0]:
        rows = [(words, cells) for words, cells in rows if any(gone for _, gone in cells)]
    return rows


def _ages(made: Summary) -> list[tuple[str, str, list[str], list[tuple[str, _Cells]]]]:
    out: list[tuple[str, str, list[str], list[tuple[str, _Cells]]]] = []
    for name in made.scenarios:
        found = {what: [(rate, gone) for _, rate, gone in cells] for what, cells in made.ages[name].items()}
        heads = [age for age, _, _ in next(iter(made.ages[name].values()))]
        out.append((name, made.titles[name], heads, _rates(made, name, found)))
    return out


def multimorbidity_of(stage: Stage) -> str:
    """By which definition people have multimorbidity: a record's registers and the model's study are far apart."""
    if BY_REGISTERS in stage.notes:
        return "by the record's registers; see what is assumed"
    if "people" in stage.place.population:
        return "as the place's own people have it"
    return "by the built-in model's study: Head et al. 2021"


def _answers(stage: Stage) -> list[tuple[str, list[tuple[str, str]]]]:
    """By scenario: each behaviour that is on, and what it does to use and to what is reckoned with."""
    out: list[tuple[str, list[tuple[str, str]]]] = []
    for case, stakes, whole in zip(stage.cases, stage.stakes, stage.responses, strict=True):
        rows: list[tuple[str, str]] = []
        for one in case.behaviours:
            others = [other for other in case.behaviours if other is not one]
            without = answer(stage, case, stakes, stage.stakes[0], behaviours=others)
            rows.append((one.title, _done(whole, without)))
        acting = [row for row in rows if row[1]]
        idle = [title for title, words in rows if not words]
        if idle:
            acting.append((f"Nothing, since what they answer to has not changed: {'; '.join(idle)}", ""))
        if acting:
            out.append((case.scenario.title, acting))
    return out


def _per_cent(value: float) -> str:
    return f"{value:+.1f} %" if abs(value) >= 0.095 else f"{value:+.2f} %"


def _done(whole: Response, without: Response) -> str:
    """What a behaviour adds to all others, in the year in which that is most; nothing where it adds nothing."""
    said: list[str] = []
    ratio = whole.change / without.change
    for number, name in enumerate(("getting worse", "chronic share", *STREAMS)):
        most = float(ratio[np.abs(ratio[:, number] - 1).argmax(), number])
        if abs(most - 1) > 1e-9:
            said.append(f"{name.replace('_', ' ')} {_per_cent(100 * (most - 1))}")
    for words, now, then, unit, times in (
        ("rewarded work", whole.moved, without.moved, "points", 1),
        ("taken out", whole.taken_out, without.taken_out, "points", 100),
        ("people on registers", whole.found, without.found, "%", 100),
        ("what is expected", whole.expected, without.expected, "%", 100),
    ):
        gone = float((now - then)[np.abs(now - then).argmax()]) * times
        if abs(gone) > 1e-9:
            said.append(f"{words} {gone:+.1f} {unit}")
    for contract, mask in whole.takes_part.items():
        if contract not in without.takes_part and not mask.all():
            said.append(f"{int((~mask).sum())} practices stay away from {contract}")
    return ", ".join(said).replace("-", "−")


def shown(winners: Sequence[Winner], most: int = 8) -> list[Winner]:
    """Those who gain most and those who lose most."""
    moving = [one for one in winners if max(abs(one.change.low), abs(one.change.high), abs(one.change.mean)) > PENNIES]
    return moving if len(moving) <= 2 * most else [*moving[:most], *moving[-most:]]


def _behaviours(stage: Stage) -> list[tuple[str, str, str, str, str, str]]:
    """Every behaviour that is on somewhere: title, what it moves, size and interval, time course, source, status."""
    rows: dict[tuple[str, str], tuple[str, str, str, str, str, str]] = {}
    for case in stage.cases:
        for one in case.behaviours:
            fades = f"; fades after {one.lasts:g}" if one.lasts is not None else ""
            course = f"{one.begins:g} and {one.full_after:g} years{fades}; half gone in {one.half_life:g}"
            for effect in one.effects:
                size = f"{effect.size:+g} ({effect.low:g} to {effect.high:g})".replace("-", "−")
                words = effect.on.replace("_", " ")
                rows[one.name, effect.on] = (one.title, words, size, course, effect.authority, effect.status)
            if one.chooses is not None:
                choice = one.chooses
                size = f"{choice.weight:g} a pound ({choice.low:g} to {choice.high:g})"
                words = f"who provides {choice.of.replace('_', ' ')}"
                rows[one.name, choice.of] = (one.title, words, size, course, choice.authority, choice.status)
    return list(rows.values())


def _charts(made: Summary, uncertain: Uncertainty | None, lucky: Sequence[Luck]) -> Mapping[str, Any]:
    money = [
        (f"{_short(one.title, 44)}: {words}", f.mean, f.low, f.high)
        for one in made.headlines
        for name, words in (("payments", "paid"), ("hospital", "hospital"))
        for f in (one.figures[name],)
    ]
    drawn: dict[str, Any] = {"waterfall": {}, "tornado": {}, "winners": {}}
    if money:
        drawn["money"] = intervals(
            "Money, against no contract change",
            f"Mean of {made.draws} draws and where 95 % of them lie by chance alone, all years together",
            money,
            lambda value: pounds(value, True),
        )
    if uncertain is not None:
        for fall in uncertain.waterfalls:
            if fall.metric == "balance" and len(fall.steps) > 1:
                drawn["waterfall"][fall.scenario] = waterfall(
                    "How the balance comes about",
                    "Payments under contracts and hospital care together, on a few draws; behaviours switched on one"
                    " after the other. Blue: more is spent. Red: less is spent. Grey: all together",
                    [(label, float(step)) for label, step in fall.steps if step],
                    float(fall.whole),
                    lambda value: pounds(value, True),
                )
        for storm in uncertain.tornados:
            if storm.metric == "balance" and storm.bars:
                drawn["tornado"][storm.scenario] = tornado(
                    "What the balance depends on",
                    "Each assumption at either end of its interval, others as they are; on the right, how far apart."
                    " Blue: its upper end. Red: its lower end",
                    float(storm.base),
                    [(bar.label, float(bar.low), float(bar.high)) for bar in storm.bars[:12]],
                    lambda value: pounds(value, True),
                )
    for scenario, winners in made.winners.items():
        chart = _winners(winners)
        if chart is not None:
            drawn["winners"][scenario] = chart
    if lucky:
        drawn["luck"] = columns(
            "How often luck alone pays",
            "Share of neighbourhoods that were paid, or owed, with no true effect; + noise: years that move all",
            ("paid a bonus", "owes a penalty"),
            [
                (f"{one.size:,}{' + noise' if one.together else ''}", (one.chance, one.chance_of_penalty))
                for one in lucky
            ],
            lambda value: f"{value:.0%}",
        )
    return drawn


def _short(text: str, most: int = 40) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _winners(winners: Sequence[Winner]) -> Chart | None:
    some = shown(winners)
    if not some:
        return None
    return intervals(
        "Winners and losers",
        "What each receives more or less than with no contract change, all years together",
        [(one.title, one.change.mean, one.change.low, one.change.high) for one in some],
        lambda value: pounds(value, True),
    )
