"""Summary: what the draws of a run come to: means, differences from no contract change, who wins and who loses.

Differences are taken draw by draw, because a draw has the same chance in every scenario; their interval is from the
2.5th to the 97.5th percentile of the draws.
"""

# duckdb has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from accord.place.case import Case
from accord.place.futures import Run
from accord.place.probing import paying_parties
from accord.place.stage import Stage
from accord.simulation.practices import ORGANISATIONS
from accord.simulation.scenario import NO_CHANGE

SETTINGS = {
    "people": "People on the first day",
    "complex": "of these with complex multimorbidity",
    "deaths": "Deaths",
    "consultations": "General practice: consultations",
    "prescriptions": "General practice: prescription items",
    "community": "Community care: contacts",
    "mental_health": "Mental health: contacts",
    "social_care": "Social care: weeks of long-term support",
    "attendances": "A&E: attendances",
    "emergency": "Hospital: emergency admissions",
    "chronic": "of these for chronic conditions",
    "emergency_days": "Hospital: days of emergency stays",
    "elective": "Hospital: elective admissions",
    "outpatient": "Hospital: outpatient attendances",
}
"""What is told of people, outcomes and activity, in this order."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A mean over draws with the interval that 95 % of them lie in; ``spread`` is their standard deviation."""

    mean: float
    low: float
    high: float
    spread: float = 0.0

    @property
    def nothing(self) -> bool:
        """Whether it is 0 in every draw."""
        return self.mean == self.low == self.high == 0


@dataclass(frozen=True, slots=True)
class Headline:
    """A scenario against no contract change, over all years, money in pence.

    ``unchanged`` says that every count of activity is the same in every draw, practice and year.
    """

    scenario: str
    title: str
    behaviours: tuple[str, ...]
    unchanged: bool
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Winner:
    """What somebody gets more or less, over all years, in pence; ``loses`` in which share of draws more than pennies.

    ``party`` is the kind of organisation, under whatever contract and name it is paid or pays.
    """

    party: str
    member: str
    change: Figure
    loses: float

    @property
    def title(self) -> str:
        """Who it is, in words: a contract may have one board where a place has several."""
        if self.member or self.party not in ORGANISATIONS:
            return f"{self.party} {self.member}".strip()
        return f"{self.party} (the contract has one, the place several)"


@dataclass(frozen=True, slots=True)
class Paid:
    """In which share of draws a stream paid something to a member in a year, and how much on average."""

    scenario: str
    contract: str
    stream: str
    members: int
    chance: float
    mean: float


@dataclass(frozen=True, slots=True)
class Summary:
    """What a run comes to.

    ``activity`` is by scenario, setting and year, ``difference`` the same against no contract change; ``fifths`` by
    scenario, result and fifth, events or pounds a thousand people and year, with the difference; ``money`` by
    scenario, contract, stream, party and year: mean pence received less paid; ``winners`` by scenario.
    """

    years: tuple[str, ...]
    draws: int
    scenarios: tuple[str, ...]
    titles: Mapping[str, str]
    headlines: tuple[Headline, ...]
    activity: Mapping[str, Mapping[str, tuple[float, ...]]]
    difference: Mapping[str, Mapping[str, tuple[Figure, ...]]]
    fifths: Mapping[str, Mapping[str, tuple[tuple[float, float], ...]]]
    ages: Mapping[str, Mapping[str, tuple[tuple[str, float, float], ...]]]
    money: Sequence[tuple[str, str, str, str, tuple[float, ...]]]
    winners: Mapping[str, tuple[Winner, ...]]
    paid: tuple[Paid, ...]
    people: tuple[float, ...]
    fifths_by_year: Mapping[str, tuple[tuple[float, ...], ...]]
    """By scenario and year: pounds of hospital care a person, by fifth."""
    payments_by_fifth: Mapping[str, tuple[float, ...]]
    """By scenario: pounds a person and year that practices, networks and neighbourhoods receive, by fifth."""

    def as_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


PENNIES = 500
"""Pence, all years together, up to which nobody counts as a loser or a winner: what rounding alone can do."""


class _Draws:
    """Questions to the tables of a run."""

    def __init__(self, folder: Path) -> None:
        from accord.engine.database import in_memory

        self.connection = in_memory()
        for name in ("activity", "people", "money"):
            path = str(folder / f"{name}.parquet").replace("'", "''")
            self.connection.execute(f"create view {name} as from '{path}'")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, list(values)).fetchall()


_FIGURE = (
    "avg({0} order by {0}), quantile_cont({0}, 0.025), quantile_cont({0}, 0.975),"
    " coalesce(stddev_samp({0} order by {0}), 0)"
)
"""Sums of whole numbers have no order. What is not whole is summed in the order of its size: threads decide nothing."""


def summary(run: Run) -> Summary:
    """What a run comes to, from its tables."""
    stage = run.stage
    assert stage is not None
    ask = _Draws(run.folder)
    cases = stage.cases
    names = tuple(case.name for case in cases)
    years = tuple(stage.years.name(year) for year in range(stage.years.number))
    draws = int(ask.rows("select count(distinct draw) from activity")[0][0])
    columns = ", ".join(f"sum({name}) as {name}" for name in (*SETTINGS, "emergency_cost", "elective_cost"))
    ask.connection.execute(f"create table whole as select draw, scenario, year, {columns} from activity group by all")
    activity: dict[str, dict[str, tuple[float, ...]]] = {}
    difference: dict[str, dict[str, tuple[Figure, ...]]] = {}
    for name in names:
        activity[name], difference[name] = {}, {}
        for result in SETTINGS:
            found = ask.rows(
                f"select year, avg({result}) from whole where scenario = ? group by year order by year", name
            )
            activity[name][result] = tuple(float(mean) for _, mean in found)
            difference[name][result] = tuple(
                Figure(*(float(x) for x in row[1:]))
                for row in ask.rows(
                    f"select s.year, {_FIGURE.format(f's.{result} - b.{result}')} from whole s"
                    " join whole b using (draw, year) where s.scenario = ? and b.scenario = ?"
                    " group by s.year order by 1",
                    name,
                    NO_CHANGE,
                )
            )
    _payments(ask, cases)
    people = tuple(
        float(x)
        for _, x in ask.rows("select year, avg(people) from whole where scenario = ? group by 1 order by 1", NO_CHANGE)
    )
    return Summary(
        years,
        draws,
        names,
        {case.name: case.scenario.title for case in cases},
        tuple(_headline(ask, case) for case in cases[1:]),
        activity,
        difference,
        {name: _fifths(ask, name) for name in names},
        {name: _ages(ask, name) for name in names},
        _money(ask, len(years)),
        {name: _winners(ask, name) for name in names[1:]},
        _paid(ask, names),
        people,
        {name: _fifths_by_year(ask, name) for name in names},
        _payments_by_fifth(ask, stage, names),
    )


def _payments(ask: _Draws, cases: Sequence[Case]) -> None:
    """Who pays for the place, so that what is paid under contracts can be told from what is received."""
    paying = sorted({(case.name, contract, party) for case in cases for contract, party in paying_parties(case)})
    kinds = [
        (case.name, one.name, party.name, one.feed.kind(party))
        for case in cases
        for one in case.contracts
        for party in one.contract.parties.values()
    ]
    ask.connection.execute("create table kinds (scenario varchar, contract varchar, party varchar, kind varchar)")
    if kinds:
        ask.connection.executemany("insert into kinds values (?, ?, ?, ?)", [list(row) for row in kinds])
    ask.connection.execute("create table paying (scenario varchar, contract varchar, party varchar)")
    if paying:
        ask.connection.executemany("insert into paying values (?, ?, ?)", [list(row) for row in paying])
    ask.connection.execute(
        """
        create table totals as
        with spent as (
          select w.draw, w.scenario, sum(w.emergency_cost + w.elective_cost)::double as hospital,
            sum(w.emergency)::double as emergency, sum(w.elective)::double as elective,
            sum(w.outpatient)::double as outpatient
          from whole w group by all),
        paid as (
          select m.draw, m.scenario, sum(m.paid - m.received)::double as payments
          from money m semi join paying p using (scenario, contract, party) group by all)
        select s.draw, s.scenario, coalesce(p.payments, 0) as payments, s.hospital,
          coalesce(p.payments, 0) + s.hospital as balance, s.emergency, s.elective, s.outpatient
        from spent s left join paid p using (draw, scenario)
        """
    )


def _headline(ask: _Draws, case: Case) -> Headline:
    figures: dict[str, Figure] = {}
    for name in ("payments", "hospital", "balance", "emergency", "elective", "outpatient"):
        row = ask.rows(
            f"select {_FIGURE.format(f's.{name} - b.{name}')} from totals s join totals b using (draw)"
            " where s.scenario = ? and b.scenario = ?",
            case.name,
            NO_CHANGE,
        )[0]
        figures[name] = Figure(*(float(x) for x in row))
    # events, people and stays; costs may differ by the prices that a scenario assumes
    costs = {"activity": [f"{e}{name}" for e in ("", "expected_") for name in _COSTS], "people": list(_COSTS)}
    costs["activity"].append("expected_chronic")
    differing = 0
    for table, left_out in costs.items():
        columns = f"* exclude (scenario, {', '.join(left_out)})"
        found = ask.rows(
            f"select count(*) from (select {columns} from {table} where scenario = ?"
            f" except select {columns} from {table} where scenario = ?)",
            case.name,
            NO_CHANGE,
        )
        differing += int(found[0][0])
    return Headline(
        case.name,
        case.scenario.title,
        tuple(one.title for one in case.behaviours),
        differing == 0,
        figures,
    )


_COSTS = ("emergency_cost", "elective_cost")

_PER_THOUSAND = {
    "deaths": "Deaths",
    **{name: SETTINGS[name] for name in ("consultations", "prescriptions", "community", "mental_health")},
    **{name: SETTINGS[name] for name in ("social_care", "attendances", "emergency", "elective", "outpatient")},
    "hospital": "Cost of hospital care, £",
}
"""What is told by deprivation and age, a thousand people and year."""


def _of(name: str) -> str:
    """The sum of a result; whole numbers, so that its last digit does not depend on an order."""
    return "sum(emergency_cost + elective_cost) / 100" if name == "hospital" else f"sum({name})"


def _rates(ask: _Draws, scenario: str, by: str, name: str) -> list[tuple[Any, float]]:
    return ask.rows(
        f"select {by}, {_of(name)} * 12000.0 / sum(months) from people where scenario = ? group by 1 order by 1",
        scenario,
    )  # type: ignore[return-value]


def _fifths(ask: _Draws, scenario: str) -> dict[str, tuple[tuple[float, float], ...]]:
    out: dict[str, tuple[tuple[float, float], ...]] = {}
    for name in _PER_THOUSAND:
        here, base = _rates(ask, scenario, "fifth", name), dict(_rates(ask, NO_CHANGE, "fifth", name))
        out[name] = tuple((float(rate), float(rate - base[fifth])) for fifth, rate in here)
    return out


def _ages(ask: _Draws, scenario: str) -> dict[str, tuple[tuple[str, float, float], ...]]:
    out: dict[str, tuple[tuple[str, float, float], ...]] = {}
    order = ask.rows("select distinct ages from people")
    ages = sorted((str(one[0]) for one in order), key=lambda text: int(text.rstrip("+").split("-")[0]))
    for name in _PER_THOUSAND:
        here, base = dict(_rates(ask, scenario, "ages", name)), dict(_rates(ask, NO_CHANGE, "ages", name))
        out[name] = tuple((age, float(here[age]), float(here[age] - base[age])) for age in ages if age in here)
    return out


def _money(ask: _Draws, years: int) -> list[tuple[str, str, str, str, tuple[float, ...]]]:
    rows = ask.rows(
        """
        select scenario, contract, stream, party, year,
          sum(received - paid)::double / (select count(distinct draw) from activity)
        from money group by all order by all
        """
    )
    found: dict[tuple[str, str, str, str], list[float]] = {}
    for scenario, contract, stream, party, year, mean in rows:
        found.setdefault((scenario, contract, stream, party), [0.0] * years)[year] = float(mean)
    return [(*key, tuple(values)) for key, values in found.items()]


def _winners(ask: _Draws, scenario: str) -> tuple[Winner, ...]:
    rows = ask.rows(
        f"""
        with each as (
          select draw, coalesce(kind, party) as party, member,
            sum(case when scenario = $1 then received - paid else 0 end) as now,
            sum(case when scenario = $2 then received - paid else 0 end) as base
          from money left join kinds using (scenario, contract, party) where scenario in ($1, $2) group by all)
        select party, member, {_FIGURE.format("(now - base)")}, avg(case when now < base - {PENNIES} then 1 else 0 end)
        from each group by party, member order by 3 desc, 1, 2
        """,
        scenario,
        NO_CHANGE,
    )
    return tuple(
        Winner(party, member, Figure(*(float(x) for x in figure)), float(loses))
        for party, member, *figure, loses in rows
    )


def _fifths_by_year(ask: _Draws, scenario: str) -> tuple[tuple[float, ...], ...]:
    rows = ask.rows(
        "select year, fifth, sum(emergency_cost + elective_cost) * 0.12 / sum(months) from people"
        " where scenario = ? group by all order by all",
        scenario,
    )
    years = sorted({year for year, _, _ in rows})
    return tuple(tuple(float(rate) for when, _, rate in rows if when == year) for year in years)


def _payments_by_fifth(ask: _Draws, stage: Stage, names: Sequence[str]) -> dict[str, tuple[float, ...]]:
    """What those who are paid receive, as if each of their patients had an equal part of it."""
    ask.connection.execute("create table belonging (member varchar, practice varchar)")
    pairs = {
        (str(getattr(one, kind)), one.code) for one in stage.practices for kind in ("code", "network", "neighbourhood")
    }
    ask.connection.executemany("insert into belonging values (?, ?)", [list(pair) for pair in sorted(pairs)])
    sums = ", ".join(f"sum(people_{fifth}) as people_{fifth}" for fifth in range(1, 6))
    part = "r.net * w.people_{} / w.people"
    shares = ", ".join(f"sum({each} order by {each})" for each in (part.format(fifth) for fifth in range(1, 6)))
    rows = ask.rows(
        f"""
        with weights as (
          select draw, scenario, year, member, sum(people) as people, {sums}
          from activity join belonging using (practice) group by all),
        received as (
          select m.draw, m.scenario, m.year, m.member, sum(m.received - m.paid)::double as net
          from money m anti join paying p using (scenario, contract, party) group by all)
        select scenario, {shares} from received r join weights w using (draw, scenario, year, member) group by scenario
        """
    )
    people = {
        scenario: each for scenario, *each in ask.rows(f"select scenario, {sums} from activity group by scenario")
    }
    found = {scenario: each for scenario, *each in rows}
    return {
        name: tuple(
            float(amount or 0) / 100 / max(float(number), 1)
            for amount, number in zip(found.get(name, [0.0] * 5), people[name], strict=True)
        )
        for name in names
    }


def _paid(ask: _Draws, names: Sequence[str]) -> tuple[Paid, ...]:
    """How often streams that depend on results pay at all: those that do not pay everybody every year."""
    rows = ask.rows(
        """
        with each as (
          select scenario, contract, stream, party, member, draw, year, sum(received) as received
          from money group by all)
        select scenario, contract, stream, count(distinct member), avg(case when received > 0 then 1 else 0 end),
          sum(received)::double / count(*)
        from each where received > 0 or (party, member, contract, stream) in
          (select party, member, contract, stream from money where received > 0)
        group by all having avg(case when received > 0 then 1 else 0 end) < 1 order by all
        """
    )
    found = [Paid(s, c, stream, int(n), float(chance), float(mean)) for s, c, stream, n, chance, mean in rows]
    return tuple(sorted(found, key=lambda one: (one.contract, one.stream, names.index(one.scenario))))


def chance_of(made: Summary) -> dict[tuple[str, str], tuple[float, float]]:
    """Mean and standard deviation over draws, by scenario and metric, for the three kinds of uncertainty."""
    return {
        (one.scenario, name): (figure.mean, figure.spread)
        for one in made.headlines
        for name, figure in one.figures.items()
    }


PER_THOUSAND = _PER_THOUSAND

__all__ = ["PER_THOUSAND", "SETTINGS", "Figure", "Headline", "Paid", "Summary", "Winner", "chance_of", "summary"]
