"""Changed: what a scenario changes against no contract change, in words, so that two of one title can be told apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from accord.place.case import Case
from accord.place.place import LocalPlace

MOST = 12
"""Changes of one contract that are told one by one; of more, how many."""


def changed(place: LocalPlace, base: Case, case: Case) -> tuple[str, ...]:
    """What a scenario changes: contracts, figures of them, use, sizes of behaviour, and what its future assumes."""
    return (*_contracts(base, case), *_use(case), *_sizes(place, case), *_future(base, case))


def _contracts(base: Case, case: Case) -> Iterator[str]:
    from accord.settlement.calls import diff

    before = {one.name: one for one in base.contracts}
    now = {one.name: one for one in case.contracts}
    for name, one in now.items():
        if name not in before:
            called = "" if one.contract.name == name else f" ({one.contract.name})"
            yield f"{name}{called} is added"
    for name in before:
        if name not in now:
            yield f"{name} is taken out"
    for name in case.scenario.contracts:
        if name not in before or name not in now:
            continue
        found = [one for one in diff(before[name].contract, now[name].contract).changes if one.what != "name"]
        for one in found[:MOST]:
            values = " → ".join(value for value in (one.before, one.after) if value)
            yield f"{name}: {one.what}, {one.how}{': ' if values else ''}{values}"
        if len(found) > MOST:
            yield f"{name}: {len(found) - MOST} more changes, which accord diff tells"


def _use(case: Case) -> Iterator[str]:
    for name, rate in case.scenario.population.items():
        yield f"use from the start: {name.replace('_', ' ')} {_per_cent(rate)}"


def _sizes(place: LocalPlace, case: Case) -> Iterator[str]:
    for name, size in case.scenario.effects.items():
        behaviour, _, on = name.partition(".")
        own = next((one for one in place.behaviours[behaviour].effects if one.on == on), None)
        if own is None:
            continue
        outside = "" if own.low <= size <= own.high else ", which is outside its interval"
        words = f"{size:g} in place of {own.size:g} ({own.low:g} to {own.high:g})".replace("-", "−")
        yield f"{name}: {words}{outside}"


def _future(base: Case, case: Case) -> Iterator[str]:
    before, now = base.future, case.future
    if now.nominal != before.nominal:
        yield f"money: {'of its year' if now.nominal else 'that of the first year'}"
    if now.prices != before.prices:
        yield f"hospital prices {_per_cent(now.prices)} a year, not {_per_cent(before.prices)}"
    if now.demand != before.demand:
        yield f"use beyond ageing, a year: {_rates(now.demand)}; not {_rates(before.demand)}"
    if now.growth != before.growth:
        rates = {f"{one} {name}": growth.rate for one, by in now.growth.items() for name, growth in by.items()}
        yield f"growth of contracts' own figures, a year: {_rates(rates)}"
    if now.term != before.term:
        yield f"contracts' terms: {now.term or 'as they are'}, not {before.term or 'as they are'}"


def _rates(rates: Mapping[str, Fraction]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_per_cent(rate)}" for name, rate in rates.items()) or "none"


def _per_cent(rate: Fraction) -> str:
    return f"{float(100 * rate):+g} %".replace("-", "−")
