"""The report of a run: one page that says in plain words what was tried, what it came to and what it cannot know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from accord.place.futures import Run
from accord.place.luck import Luck
from accord.place.picture import intervals, tornado, waterfall
from accord.place.summary import PER_THOUSAND, SETTINGS, Figure, Summary
from accord.place.uncertainty import Uncertainty
from accord.settlement.chart import Chart, columns

if TYPE_CHECKING:
    from jinja2 import Environment

METRIC_WORDS = {
    "payments": "Paid under the contracts by boards",
    "hospital": "Cost of hospital care",
    "balance": "Both together",
    "emergency": "Emergency admissions",
    "elective": "Elective admissions",
    "outpatient": "Outpatient attendances",
}
"""What the metrics are called."""

MONEY = ("payments", "hospital", "balance")


@cache
def _environment() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader("accord.place"), PackageLoader("accord.settlement")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


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


def html(run: Run, made: Summary, uncertain: Uncertainty | None, lucky: Sequence[Luck]) -> str:
    """The page."""
    charts = _charts(made, uncertain, lucky)
    by_party: dict[str, list[tuple[str, str, str, tuple[float, ...]]]] = {}
    for scenario, contract, stream, party, values in made.money:
        by_party.setdefault(scenario, []).append((party, contract, stream, values))
    return (
        _environment()
        .get_template("futures.html.j2")
        .render(
            run=run,
            made=made,
            uncertain=uncertain,
            lucky=lucky,
            charts=charts,
            by_party=by_party,
            metrics=METRIC_WORDS,
            settings=SETTINGS,
            per_thousand=PER_THOUSAND,
            pounds=pounds,
            number=number,
            share=share,
            written=written,
            range_words=range_words,
            behaviours=_behaviours(run),
        )
    )


def _behaviours(run: Run) -> list[tuple[str, str, str, str, str]]:
    """Every behaviour that is on somewhere: title, what it moves, size and interval, source, status."""
    stage = run.stage
    assert stage is not None
    rows: dict[tuple[str, str], tuple[str, str, str, str, str]] = {}
    for case in stage.cases:
        for one in case.behaviours:
            for effect in one.effects:
                size = f"{effect.size:+g} ({effect.low:g} to {effect.high:g})".replace("-", "−")
                rows[one.name, effect.on] = (one.title, effect.on, size, effect.authority, effect.status)
    return list(rows.values())


def _charts(made: Summary, uncertain: Uncertainty | None, lucky: Sequence[Luck]) -> Mapping[str, Any]:
    money = [
        (f"{_short(one.title)}: {words}", f.mean, f.low, f.high)
        for one in made.headlines
        for name, words in (("payments", "paid"), ("hospital", "hospital"))
        for f in (one.figures[name],)
    ]
    drawn: dict[str, Any] = {"waterfall": {}, "tornado": {}, "winners": {}}
    if money:
        drawn["money"] = intervals(
            "Money, against no contract change",
            f"Mean of {made.draws} draws and where 95 % of them lie, all years together",
            money,
            lambda value: pounds(value, True),
        )
    if uncertain is not None:
        for fall in uncertain.waterfalls:
            if fall.metric == "balance" and len(fall.steps) > 1:
                drawn["waterfall"][fall.scenario] = waterfall(
                    "How the balance comes about",
                    "Payments under contracts and hospital care together; behaviours switched on one after the other",
                    [(label, float(step)) for label, step in fall.steps if step],
                    float(fall.whole),
                    lambda value: pounds(value, True),
                )
        for storm in uncertain.tornados:
            if storm.metric == "balance" and storm.bars:
                drawn["tornado"][storm.scenario] = tornado(
                    "What the balance depends on",
                    "Each assumption at either end of its interval, others as they are; on the right, how far apart",
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


def _winners(winners: Sequence[Any]) -> Chart | None:
    moving = [one for one in winners if not one.change.nothing]
    if not moving:
        return None
    some = moving if len(moving) <= 16 else [*moving[:8], *moving[-8:]]
    return intervals(
        "Winners and losers",
        "What each receives more or less than with no contract change, all years together",
        [(f"{one.party} {one.member}".strip(), one.change.mean, one.change.low, one.change.high) for one in some],
        lambda value: pounds(value, True),
    )
