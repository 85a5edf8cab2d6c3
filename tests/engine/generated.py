"""Contracts and inputs made up backwards: from a wanted type, an expression of it, down to columns and parameters.

The contract is text, so that the whole way from reading to settling is tried. What the checker refuses is taken out and
the rest tried again: the quantities that remain are the ones compared. Values are drawn from few and awkward ones:
ties, values exactly on a threshold, 0, negative amounts, missing values, very large and very small numbers, no rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from random import Random

from accord.language import ContractRefused, check_text
from accord.language.contract import Contract
from accord.language.rounding import decimal_text

PERSON = "people"
UNITS = ("GBP", "people", "ratio")
RULES = ("half_up", "half_even", "down", "up", "floor", "ceiling")
STEPS = ("1", "0.1", "0.01", "0.001", "0.05", "0.25", "10", "0.000001", "0.0000000001")


@dataclass(frozen=True)
class Name:
    """Something that can be read: its text, unit (or flag, text), keys, and whether it is exact, missing, positive."""

    text: str
    kind: str
    keys: frozenset[str]
    exact: bool = True
    missing: bool = False
    positive: bool = False


@dataclass
class Group:
    """Quantities of one grain."""

    keys: tuple[str, ...]
    rows: tuple[str, ...]
    quantities: dict[str, list[str]] = field(default_factory=dict)


# what keys follow from what: a practice and a year say the group; a quarter lies in a year
GRAINS: Mapping[tuple[str, ...], frozenset[str]] = {
    ("practice", "year"): frozenset({"practice", "year", "network"}),
    ("practice", "quarter"): frozenset({"practice", "quarter", "year", "network"}),
    ("practice", "item", "year"): frozenset({"practice", "item", "year", "network"}),
    ("network", "year"): frozenset({"network", "year"}),
    ("item",): frozenset({"item"}),
    ("year",): frozenset({"year"}),
}
ROWS: Mapping[tuple[str, ...], tuple[str, ...]] = {
    ("practice", "item", "year"): ("roster", "items"),
    ("network", "year"): (),
    ("item",): (),
    ("practice", "year"): (),
    ("practice", "quarter"): (),
    ("year",): (),
}
COLUMNS = (
    Name("size", "people", frozenset({"practice", "year"}), positive=True),
    Name("share", "ratio", frozenset({"practice", "year"})),
    Name("extra", "GBP", frozenset({"practice", "year"}), missing=True),
    Name("open", "flag", frozenset({"practice", "year"})),
    Name("form", "text", frozenset({"practice", "year"})),
    Name("opened", "date", frozenset({"practice", "year"})),
    Name("amount", "GBP", frozenset({"practice", "quarter"})),
    Name("seen", "people", frozenset({"practice", "quarter"})),
    Name("late", "GBP", frozenset({"practice", "quarter"}), missing=True),
    Name("eligible", "people", frozenset({"practice", "item", "year"}), missing=True),
    Name("done", "people", frozenset({"practice", "item", "year"}), missing=True),
    Name("grant", "GBP", frozenset({"practice", "year"}), missing=True),
    Name("pool", "GBP", frozenset({"network", "year"})),
    Name("weight", "ratio", frozenset({"item"})),
    Name("kind", "text", frozenset({"item"})),
)
PARAMETERS = (
    Name("rate", "ratio", frozenset(), positive=True),
    Name("part", "ratio", frozenset(), positive=True),
    Name("fixed", "GBP", frozenset(), positive=True),
    Name("norm", "people", frozenset(), positive=True),
    Name("third", "ratio", frozenset(), exact=False, positive=True),
)
HEAD = """accord: 1
contract: generated
title: Generated
authority: made up
currency: GBP
term: {from: 2024-04-01, to: %(last)s}
keys:
  practice: {}
  network: {}
  item: {}
  year: {every: 12 months}
  quarter: {every: 3 months, in: year}
parties:
  payer: {name: Payer}
  provider: {each: practice}
inputs:
  roster:
    keys: [practice, year]
    columns:
      network: {key: network}
      size: {unit: people, min: 1}
      share: ratio
      extra: {unit: GBP, optional: true}
      open: flag
      form: {one_of: [own, shared, none]}
      opened: date
  activity:
    keys: [practice, quarter]
    columns:
      amount: GBP
      seen: people
      late: {unit: GBP, optional: true}
  counts:
    keys: [practice, item, year]
    optional: true
    columns: {eligible: people, done: people}
  grants:
    keys: [practice, year]
    optional: true
    columns: {grant: GBP}
  budgets:
    keys: [network, year]
    columns: {pool: GBP}
tables:
  items:
    keys: [item]
    columns: {weight: ratio, kind: {one_of: [a, b]}}
    rows: [[i1, 1.5, a], [i2, 0, b], [i3, 0.333, a]]
    authority: made up
parameters:
  rate: {unit: percent, dated: [%(rates)s]}
  part: {unit: percent, value: %(part)s, authority: made up}
  third: {unit: ratio, value: 1/3, authority: made up}
  fixed: {unit: GBP, by: form, values: {own: %(fixed)s, shared: 1, none: 0.01}, authority: made up}
  norm: {unit: people, value: %(norm)s, authority: made up}
  periods: {unit: ratio, value: %(periods)s, authority: made up}
  steps:
    {scale: step, of: people, unit: percent, below: hold, points: [[0, 1], [10, 2.5], [100, 40]], authority: made up}
  slope:
    {scale: linear, of: ratio, unit: percent, below: hold, above: hold, points: [[0, 1], [1, 2], [4, 40]],
     authority: made up}
  bands:
    {scale: marginal, of: GBP, unit: ratio, %(bands)s bands: [[100, 0.5], [1000, 0.25], [above, 0.1]],
     authority: made up}
"""
HEAD_MARGINAL_BELOW = "below: hold,"
USE_PARAMETERS = "fixed * third * part * rate * size / norm + bands(fixed) + fixed * steps(size) * slope(share)"


class Maker:
    """Makes one contract and its inputs from a source of chance."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self.groups = {keys: Group(keys, ROWS[keys]) for keys in GRAINS}
        self.names: list[Name] = [*COLUMNS, *PARAMETERS]
        self.number = 0
        self.refusal = ""
        self.condition = ""
        self.huge = chance.random() < 0.15
        self.years = chance.choice((1, 2, 2))
        self.term = {
            "last": "2026-03-31" if self.years == 2 else "2025-03-31",
            "rates": self.rates(),
            "part": chance.choice(("50", "100", "0.5", "33.333")),
            "fixed": chance.choice(("100", "0.5", "12345678.90")),
            "norm": chance.choice(("10", "100", "9964")),
            "periods": chance.choice(("1", "2", "3")),
            "bands": HEAD_MARGINAL_BELOW,
        }

    def rates(self) -> str:
        entries = ["{from: 2024-04-01, value: 40, authority: made up}"]
        if self.years == 2 and self.chance.random() < 0.6:
            entries.append("{from: 2025-04-01, value: 62.5, authority: made up}")
        return ", ".join(entries)

    # -- expressions, from the type that is wanted

    def readable(self, grain: tuple[str, ...], kind: str, exact: bool, missing: bool) -> list[Name]:
        return [
            name
            for name in self.names
            if name.kind == kind
            and name.keys <= GRAINS[grain]
            and (name.exact or not exact)
            and (missing or not name.missing)
            and (name.text != "fixed" or grain in (("practice", "year"), ("practice", "quarter")))
        ]

    def number_of(
        self, grain: tuple[str, ...], unit: str, depth: int, exact: bool = False, missing: bool = False
    ) -> str:
        """A number of a unit that formulas at a grain can use."""
        chance = self.chance

        def again(unit: str = unit, exact: bool = exact, missing: bool = missing) -> str:
            return self.number_of(grain, unit, depth - 1, exact, missing)

        ways: list[tuple[int, Callable[[], str | None]]] = [(3, lambda: self.leaf(grain, unit, exact, missing))]
        if depth > 0:
            ways += [
                (3, lambda: f"({again()} {chance.choice('+-')} {again()})"),
                (2, lambda: f"({again()} * {again('ratio')})"),
                (1, lambda: f"(-{again()})"),
                (1, lambda: f"abs({again()})"),
                (2, lambda: f"{chance.choice(('least', 'greatest'))}({again()}, {chance.choice((again(), '0'))})"),
                (3, lambda: self.choice(grain, unit, depth, exact, missing)),
                (2, lambda: self.filled(grain, unit, depth, exact, missing)),
                (4, lambda: self.gathered(grain, unit, depth, missing)),
            ]
            if missing:
                ways.append((3, lambda: self.looking_back(grain, unit, exact)))
                ways.append((4, lambda: self.at_an_end(grain, unit, exact)))
            if unit == "ratio":
                ways += [
                    (1, lambda: f"steps({again('people')})"),
                    (
                        1,
                        lambda: (
                            f"count({chance.choice(self.finer_tables(grain))})" if self.finer_tables(grain) else None
                        ),
                    ),
                ]
                if not exact:
                    ways += [(1, lambda: f"slope({again()})"), (2, lambda: self.of_time(grain))]
            if unit == "GBP":
                ways.append((1, lambda: f"bands({again()})"))
            if not exact:
                ways += [
                    (3, lambda: self.quotient(grain, unit, depth, missing)),
                    (2, lambda: f"({again()} / {self.positive(grain, 'ratio')})"),
                    (1, lambda: self.guarded(grain, unit, depth, missing)),
                ]
        for _ in range(8):
            made = chance.choices([way for _, way in ways], [weight for weight, _ in ways])[0]()
            if made is not None:
                return made
        return self.leaf(grain, unit, exact, missing) or "0"

    def of_time(self, grain: tuple[str, ...]) -> str | None:
        """A part of a period, or a figure read on a date."""
        known = GRAINS[grain]
        if "quarter" in known:
            return self.chance.choice(("(days(quarter) / days(year))", "(months(quarter) / months(year))"))
        if {"practice", "year"} <= known:
            return self.chance.choice(
                (
                    "(days_between(opened, last_day(year)) / days(year))",
                    "(case when opened >= first_day(year) then at(rate, opened) else 0 end)",
                )
            )
        return None

    def leaf(self, grain: tuple[str, ...], unit: str, exact: bool, missing: bool) -> str | None:
        names = self.readable(grain, unit, exact, missing)
        if not names:
            return "1" if unit == "ratio" else "0"
        return self.chance.choice(names).text

    def positive(self, grain: tuple[str, ...], unit: str) -> str:
        names = [name for name in self.readable(grain, unit, False, False) if name.positive]
        return self.chance.choice(names).text if names else "1"

    def quotient(self, grain: tuple[str, ...], unit: str, depth: int, missing: bool) -> str:
        one = self.number_of(grain, unit, depth - 1, False, missing)
        other = self.number_of(grain, "people", depth - 1, False, missing)
        return f"({one} * {other} / {self.positive(grain, 'people')})"

    def guarded(self, grain: tuple[str, ...], unit: str, depth: int, missing: bool) -> str:
        under = self.number_of(grain, "people", depth - 1, True, False)
        top = self.number_of(grain, unit, depth - 1, False, missing)
        other = self.number_of(grain, "people", 0, True, False)
        return f"(case when {under} > 0 then {top} * {other} / {under} else {self.leaf(grain, unit, False, False)} end)"

    def choice(self, grain: tuple[str, ...], unit: str, depth: int, exact: bool, missing: bool) -> str:
        branches = ""
        for _ in range(self.chance.choice((1, 1, 2))):
            value = self.number_of(grain, unit, depth - 1, exact, missing)
            branches += f" when {self.flag_of(grain, depth - 1, missing)} then {value}"
        otherwise = f" else {self.number_of(grain, unit, depth - 1, exact, missing)}"
        if missing and self.chance.random() < 0.3:
            otherwise = ""
        return f"(case{branches}{otherwise} end)"

    def filled(self, grain: tuple[str, ...], unit: str, depth: int, exact: bool, missing: bool) -> str | None:
        lacking = [name for name in self.readable(grain, unit, exact, True) if name.missing]
        first = self.chance.choice(lacking).text if lacking else None
        if self.chance.random() < 0.6:
            way = self.chance.choice((self.looking_back, self.at_an_end, self.at_an_end))
            first = way(grain, unit, exact) or first
        if first is None:
            return None
        return f"coalesce({first}, {self.number_of(grain, unit, depth - 1, exact, missing)})"

    def looking_back(self, grain: tuple[str, ...], unit: str, exact: bool) -> str | None:
        """Something that is missing where there is no earlier period."""
        names = [
            name
            for name in self.readable(grain, unit, True, True)
            if {"year", "quarter"} & name.keys and name.text not in ("rate",)
        ]
        if not names:
            return None
        name = self.chance.choice(names).text
        if self.chance.random() < 0.25 and not exact:
            return f"trailing_avg({name}, periods)"
        return f"prior({name})"

    def finer(self, grain: tuple[str, ...]) -> list[tuple[str, ...]]:
        return [keys for keys, known in GRAINS.items() if keys != grain and set(grain) <= known]

    def finer_tables(self, grain: tuple[str, ...]) -> list[str]:
        tables = {("practice", "year"): "roster", ("practice", "quarter"): "activity", ("network", "year"): "budgets"}
        return [tables[keys] for keys in self.finer(grain) if keys in tables]

    def gathered(self, grain: tuple[str, ...], unit: str, depth: int, missing: bool) -> str | None:
        finer = self.finer(grain)
        if not finer:
            return None
        source = self.chance.choice(finer)
        own = [name for name in self.readable(source, unit, True, missing) if name.keys == frozenset(source)]
        if not own:
            return None
        value = self.chance.choice(own).text
        if self.chance.random() < 0.4:
            value = f"{value} + {self.number_of(source, unit, 1, True, missing)}"
        kept = f" filter (where {self.flag_of(source, 1, False)})" if self.chance.random() < 0.4 else ""
        return f"sum({value}){kept}"

    def at_an_end(self, grain: tuple[str, ...], unit: str, exact: bool) -> str | None:
        """The least, greatest, middle, first or last of finer rows: missing where there are none."""
        finer = self.finer(grain)
        if not finer:
            return None
        source = self.chance.choice(finer)
        own = [name.text for name in self.readable(source, unit, True, True) if name.keys == frozenset(source)]
        if not own:
            return None
        value = self.chance.choice(own)
        kept = f" filter (where {self.flag_of(source, 1, False)})" if self.chance.random() < 0.4 else ""
        if source == ("practice", "quarter") and grain == ("practice", "year") and self.chance.random() < 0.6:
            return f"{self.chance.choice(('first', 'last'))}({value}){kept}"
        how = self.chance.choice(("min({})", "max({})", "quantile({}, part)", "quantile({}, rate)"))
        return how.format(value) + kept

    def flag_of(self, grain: tuple[str, ...], depth: int, missing: bool) -> str:
        """A condition."""
        chance = self.chance
        texts = self.readable(grain, "text", True, False)
        flags = self.readable(grain, "flag", True, missing)
        lacking = [name for unit in UNITS for name in self.readable(grain, unit, False, True) if name.missing]
        ways: list[Callable[[], str | None]] = [lambda: self.comparison(grain, depth, missing)] * 3
        ways.append(lambda: chance.choice(flags).text if flags else None)
        if texts:
            name = chance.choice(texts)
            options = ("own", "shared", "none") if name.text == "form" else ("a", "b")
            ways.append(lambda: f"{name.text} {chance.choice(('=', '<>'))} '{chance.choice(options)}'")
            ways.append(lambda: f"{name.text} in ('{options[0]}', '{options[1]}')")
        if lacking:
            ways.append(lambda: f"{chance.choice(lacking).text} is {chance.choice(('', 'not '))}null")
        if depth > 0:

            def again() -> str:
                return self.flag_of(grain, depth - 1, missing)

            ways += [lambda: f"({again()} {chance.choice(('and', 'or'))} {again()})", lambda: f"not ({again()})"]
        for _ in range(6):
            made = chance.choice(ways)()
            if made is not None:
                return made
        return "1 = 1"

    def comparison(self, grain: tuple[str, ...], depth: int, missing: bool) -> str:
        unit = self.chance.choice(UNITS)
        operator = self.chance.choice(("=", "<>", "<", "<=", ">", ">="))
        one = self.number_of(grain, unit, depth, False, missing)
        other = self.chance.choice(("0", self.number_of(grain, unit, depth, False, missing)))
        return f"{one} {operator} {other}"

    # -- quantities

    def quantity(self, grain: tuple[str, ...]) -> None:
        chance = self.chance
        self.number += 1
        name = f"q{self.number}"
        what = chance.random()
        missing = chance.random() < 0.3
        keys = frozenset(grain)
        if what < 0.12:
            condition = self.flag_of(grain, 2, missing)
            self.put(grain, name, [f"is: {_quoted(condition)}"])
            self.names.append(Name(name, "flag", keys, missing=missing))
            return
        unit = chance.choice(UNITS)
        rounding = f"round: {chance.choice(STEPS)} {unit} {chance.choice(RULES)}"
        if what < 0.26 and grain == ("practice", "year"):
            weight = chance.choice(("size", "1", f"greatest({self.number_of(grain, 'ratio', 1, True, False)}, 0)"))
            pools = [
                n.text
                for n in self.names
                if n.kind == "GBP" and n.keys == frozenset({"network", "year"}) and not n.missing
            ]
            pools = [pool for pool in pools if pool == "pool" or pool.startswith("r")]
            self.put(
                grain,
                name,
                [f"is: {_quoted(f'allocate({chance.choice(pools)}, {weight})')}", "round: 0.01 GBP half_up"],
            )
            self.names.append(Name(name, "GBP", keys, missing=True))
            return
        if what < 0.32 and grain in (("practice", "year"), ("network", "year")):
            first = self.number_of(grain, unit, 1, True, False)
            over = "partition by year " if chance.random() < 0.7 else ""
            order = f"{first}{chance.choice(('', ' desc'))}"
            self.put(grain, name, [f"is: {_quoted(f'rank() over ({over}order by {order})')}"])
            self.names.append(Name(name, "ratio", keys))
            return
        if what < 0.40 and {"year", "quarter"} & keys:
            step = self.number_of(grain, unit, 1, False, False)
            start = self.number_of(grain, unit, 1, False, False)
            formula = f"coalesce(prior({name}), {start}) {chance.choice('+-')} {step}"
            self.put(grain, name, [f"is: {_quoted(formula)}", f"unit: {unit}", rounding])
            self.names.append(Name(name, unit, keys))
            return
        if what < 0.74:
            formula = self.number_of(grain, unit, chance.choice((1, 2, 3)), False, missing)
            pooled = grain == ("network", "year") and unit == "GBP" and not missing
            if pooled:
                name, rounding = f"r{self.number}", "round: 0.01 GBP half_up"
            self.put(grain, name, [f"is: {_quoted(formula)}", rounding])
            self.names.append(Name(name, unit, keys, missing=missing))
            return
        exact = chance.random() < 0.5
        formula = self.number_of(grain, unit, chance.choice((1, 2, 3)), exact, missing)
        self.put(grain, name, [f"is: {_quoted(formula)}"])
        self.names.append(Name(name, unit, keys, exact=exact, missing=missing))

    def put(self, grain: tuple[str, ...], name: str, lines: Sequence[str]) -> None:
        self.groups[grain].quantities[name] = [*lines, "report: true"]

    # -- the text

    def text(self, without: frozenset[str] = frozenset()) -> tuple[str, dict[int, str]]:
        """The contract, and which quantity stands on which line."""
        lines = (HEAD % self.term).splitlines()
        owners: dict[int, str] = {}
        lines.append("quantities:")
        for keys, group in self.groups.items():
            kept = {name: text for name, text in group.quantities.items() if name not in without}
            used = [name.text for name in COLUMNS if name.keys == frozenset(keys)]
            lines.append(f"  - each: [{', '.join(keys)}]")
            if group.rows:
                lines.append(f"    rows: [{', '.join(group.rows)}]")
            for column in used:
                lines.append(f"    use_{column}: {{is: {column}, report: true}}")
            if keys == ("practice", "year"):
                lines.append(f"    use_parameters: {{is: {_quoted(USE_PARAMETERS)}, report: true}}")
                lines.append(f"    use_periods: {{is: {_quoted('trailing_avg(share, periods)')}, report: true}}")
            if not used:
                lines.append("    length: {is: days(year), report: true}")
            for name, texts in kept.items():
                lines.append(f"    {name}:")
                owners[len(lines)] = name
                for text in texts:
                    lines.append(f"      {text}")
                    owners[len(lines)] = name
        lines.append("checks:")
        lines.append(f"  - {{that: {_quoted(self.condition)}, each: [practice, year], else: this does not hold}}")
        owners[len(lines)] = "check"
        if "check" in without:
            del lines[-2:]
        if "paid" not in without:
            lines.append("payments: [{pay: paid, from: payer, to: provider, negative: reverse, stream: made up}]")
        if "told" not in without:
            lines.append("notices: [{when: told, about: provider, notice: look at it, power: policy}]")
        return "\n".join(lines) + "\n", owners

    def ends(self) -> None:
        """What the contract is for: a payment, a notice, and now and then a check that may fail."""
        grain = ("practice", "year")
        amount = self.number_of(grain, "GBP", 2, False, False)
        self.put(grain, "paid", [f"is: {_quoted(amount)}", "round: 0.01 GBP half_even"])
        self.put(grain, "told", [f"is: {_quoted(self.flag_of(grain, 2, False))}"])
        self.condition = "size > 0" if self.chance.random() < 0.8 else self.flag_of(grain, 1, True)

    def contract(self) -> Contract | None:
        """The contract, without what the checker refuses; None if nothing of it can be used."""
        for grain in self.chance.choices(list(GRAINS), k=self.chance.choice((4, 7, 10))):
            self.quantity(grain)
        self.ends()
        without: set[str] = set()
        for _ in range(12):
            text, owners = self.text(frozenset(without))
            try:
                return check_text(text)
            except ContractRefused as refused:
                named = {owners[problem.place.line] for problem in refused.problems if problem.place.line in owners}
                gone = {
                    name
                    for group in self.groups.values()
                    for name, lines in group.quantities.items()
                    if any(re.search(rf"\b{other}\b", line) for other in named | without for line in lines)
                } | named
                if gone <= without:
                    self.refusal = str(refused)
                    return None
                without |= gone
        return None

    # -- data

    def inputs(self) -> dict[str, list[dict[str, object]]]:
        """Rows for every input; percent and numbers as written."""
        chance = self.chance
        practices = [f"P{i}" for i in range(chance.choice((0, 1, 2, 3, 5)))]
        networks = ["N1", "N2"]
        years = ["2024-04-01", "2025-04-01"][: self.years]
        quarters = {
            "2024-04-01": ["2024-04-01", "2024-07-01", "2024-10-01", "2025-01-01"],
            "2025-04-01": ["2025-04-01", "2025-07-01", "2025-10-01", "2026-01-01"],
        }
        roster: list[dict[str, object]] = []
        activity: list[dict[str, object]] = []
        counts: list[dict[str, object]] = []
        grants: list[dict[str, object]] = []
        for practice in practices:
            first = chance.choice((0, 0, 0, 1)) if self.years == 2 else 0
            for year in years[first:]:
                roster.append(
                    {
                        "practice": practice, "year": year, "network": chance.choice(networks),
                        "size": chance.choice((1, 10, 100, 100, 9964, self.large(1))),
                        "share": chance.choice(("0", "1", "0.5", "0.3333", "-0.25", "1.000001")),
                        "extra": chance.choice((None, "0", "100", "12.34", self.money())),
                        "open": chance.choice(("true", "false")),
                        "form": chance.choice(("own", "shared", "none")),
                        "opened": chance.choice(("1999-12-31", "2024-04-01", "2024-09-30", "2025-04-01", "2026-03-31")),
                    }
                )  # fmt: skip
                for quarter in quarters[year]:
                    if chance.random() < 0.95:
                        activity.append(
                            {
                                "practice": practice, "quarter": quarter, "amount": self.money(),
                                "seen": chance.choice((0, 0, 1, 7, 10, 100)),
                                "late": chance.choice((None, "0.005", self.money())),
                            }
                        )  # fmt: skip
                for item in ("i1", "i2", "i3"):
                    if chance.random() < 0.7:
                        eligible = chance.choice((0, 1, 10, 100))
                        counts.append(
                            {"practice": practice, "item": item, "year": year, "eligible": eligible,
                             "done": chance.choice((0, eligible, eligible // 2))}
                        )  # fmt: skip
                if chance.random() < 0.5:
                    grants.append({"practice": practice, "year": year, "grant": self.money()})
        budgets = [{"network": n, "year": y, "pool": self.pool()} for n in networks for y in years]
        if chance.random() < 0.15:  # a row that formulas may need is not there
            budgets.pop(chance.randrange(len(budgets)))
        return {"roster": roster, "activity": activity, "counts": counts, "grants": grants, "budgets": budgets}

    def money(self) -> str:
        chance = self.chance
        if self.huge and chance.random() < 0.3:
            return self.large(-1)
        return chance.choice(
            ("0", "0.01", "-0.01", "100", "100", "-100", "0.125", "99.995", "1000", "-12345.67", "0.000001")
        )

    def large(self, sign: int) -> str:
        """A very large number, where this contract has them."""
        if not self.huge:
            return "1000"
        digits = self.chance.choice((12, 17, 19, 25, 37, 45))
        value = Fraction(self.chance.randrange(10 ** (digits - 1), 10**digits))
        return decimal_text(-value if sign < 0 and self.chance.random() < 0.5 else value)

    def pool(self) -> str:
        return self.chance.choice(("0", "100", "100.01", "-7.77", "0.01", "1000000", "33.33"))


def _quoted(text: str) -> str:
    """A formula as a YAML value."""
    return '"' + text + '"'
