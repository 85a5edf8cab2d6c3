"""The exact reference, held against arithmetic that a person can do."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accord.engine.inputs import read_inputs
from accord.engine.reference import Reference, allocate_steps
from accord.language import check_text
from accord.language.contract import Contract
from accord.language.problem import SettlementStopped

HEAD = """\
accord: 1
contract: small
title: Small
authority: test
currency: GBP
term: {from: 2026-04-01, to: 2028-03-31}
units: [point]
keys: {practice: {}, network: {}, year: {every: 12 months}, month: {every: 1 month, in: year}}
parties: {board: {name: Board}, practice: {each: practice}}
"""
YEAR = "2026-04-01"


def settled(text: str, known_on: Any = None, what_ifs: Any = None, **sources: list[dict[str, object]]) -> Reference:
    contract = check_text(HEAD + text)
    return Reference(contract, read_inputs(contract, sources, known_on=known_on, what_ifs=what_ifs))


def one_year(*rows: dict[str, object]) -> list[dict[str, object]]:
    return [{"practice": "ABCDEFGH"[n], "year": YEAR, **row} for n, row in enumerate(rows)]


# -- missing ----------------------------------------------------------------------------------------------------

MISSING = """\
inputs:
  data:
    keys: [practice, year]
    columns: {a: {unit: point, optional: true}, b: points, on: {type: flag, optional: true}}
quantities:
  - each: [practice, year]
    added:     {is: a + b, report: true}
    smaller:   {is: "least(a, b)", report: true}
    chosen:    {is: case when on then 1 else 0 end, report: true}
    either:    {is: on or b > 0, report: true}
    both:      {is: on and b > 0, report: true}
    first_one: {is: "coalesce(a, b)", report: true}
    there:     {is: a is not null, report: true}
    unequal:   {is: not (a = b), report: true}
  - each: [year]
    total:     {is: sum(a), report: true}
    known:     {is: sum(a) filter (where a is not null), report: true}
    largest:   {is: max(a), report: true}
    how_many:  {is: count(data), report: true}
    over_ten:  {is: count(*) filter (where a is not null and a > b), report: true}
"""


def test_missing_is_strict_where_sql_is_not() -> None:
    run = settled(MISSING, data=one_year({"a": None, "b": 0, "on": None}, {"a": 3, "b": 2, "on": "true"}))
    row, full = ("A", YEAR), ("B", YEAR)
    assert [run.value(q, row) for q in ("added", "smaller", "chosen", "unequal")] == [None] * 4
    assert [run.value(q, row) for q in ("either", "both", "first_one", "there")] == [None, False, 0, False]
    assert [run.value(q, full) for q in ("added", "smaller", "chosen", "either", "first_one")] == [5, 2, 1, True, 3]
    assert [run.value(q, (YEAR,)) for q in ("total", "largest")] == [None, None]
    assert [run.value(q, (YEAR,)) for q in ("known", "how_many", "over_ten")] == [3, 2, 1]


# -- branches ---------------------------------------------------------------------------------------------------

BRANCHES = """\
inputs:
  list: {keys: [practice, year], columns: {rural: flag, people: people}}
  rates: {keys: [network, year], columns: {rate: GBP per person}}
  networks: {keys: [practice], optional: true, columns: {network: {key: network}}}
quantities:
  - each: [practice, year]
    pay: {is: case when rural and network is not null then people * rate else 0 end, round: 0.01 GBP half_up}
payments: [{pay: pay, from: board, to: practice}]
"""


def test_a_branch_not_taken_needs_no_row() -> None:
    run = settled(
        BRANCHES,
        list=one_year({"rural": "false", "people": 10}, {"rural": "true", "people": 10}),
        networks=[{"practice": "A", "network": "N"}, {"practice": "B", "network": "M"}],
        rates=[{"network": "M", "year": YEAR, "rate": "1.005"}],
    )
    assert run.values("pay") == {("A", YEAR): 0, ("B", YEAR): Fraction("10.05")}


def test_a_row_that_is_needed_stops_the_run_and_is_named() -> None:
    run = settled(
        BRANCHES,
        list=one_year({"rural": "true", "people": 10}),
        networks=[{"practice": "A", "network": "N"}],
        rates=[],
    )
    with pytest.raises(SettlementStopped, match=f"rates has no row for network N, year {YEAR}, and its rate is needed"):
        run.value("pay", ("A", YEAR))


# -- time -------------------------------------------------------------------------------------------------------

BALANCE = """\
inputs:
  moved: {keys: [practice, month], columns: {amount: GBP}}
parameters:
  window: {unit: ratio, value: 3, authority: cl. 1}
quantities:
  - each: [practice, month]
    balance: {is: "coalesce(prior(balance), 0) + amount", unit: GBP, round: 0.01 GBP half_up}
    before:  {is: prior(amount), report: true}
    two:     {is: prior(prior(amount)), report: true}
    mean:    {is: "trailing_avg(amount, window)", report: true}
  - each: [practice, year]
    rows: [moved]
    opening: {is: first(balance), report: true}
    closing: {is: last(balance), report: true}
    length:  {is: months(year), report: true}
    in_days: {is: days(year), report: true}
"""


def months(count: int) -> list[str]:
    return [f"{2026 + (3 + n) // 12}-{(3 + n) % 12 + 1:02}-01" for n in range(count)]


def test_what_looks_back() -> None:
    run = settled(BALANCE, moved=[{"practice": "A", "month": m, "amount": n + 1} for n, m in enumerate(months(24))])
    at = months(24)
    assert run.value("balance", ("A", at[-1])) == 300  # 1 + 2 + … + 24
    assert [run.value("before", ("A", at[n])) for n in (0, 1, 2)] == [None, 1, 2]
    assert [run.value("two", ("A", at[n])) for n in (0, 1, 2)] == [None, None, 1]
    assert [run.value("mean", ("A", at[n])) for n in (0, 1, 2, 3)] == [None, None, 2, 3]
    assert run.values("opening") == {("A", YEAR): 1, ("A", "2027-04-01"): 91}
    assert run.values("closing") == {("A", YEAR): 78, ("A", "2027-04-01"): 300}
    assert run.values("length") == {("A", YEAR): 12, ("A", "2027-04-01"): 12}
    assert run.values("in_days") == {("A", YEAR): 365, ("A", "2027-04-01"): 366}  # 29 February 2028


def test_a_row_that_did_not_exist_then_is_missing() -> None:
    gap = [{"practice": "A", "month": m, "amount": 5} for n, m in enumerate(months(14)) if n != 11]
    run = settled(BALANCE, moved=[*gap, {"practice": "B", "month": months(12)[11], "amount": 1}])
    assert run.value("balance", ("A", months(14)[12])) == 5  # begins again
    assert run.value("closing", ("A", YEAR)) is None  # March, not the last month that happens to have data
    assert run.value("mean", ("A", months(14)[13])) is None


def test_ten_years_of_months_need_no_deep_recursion() -> None:
    text = (HEAD + BALANCE).replace("to: 2028-03-31", "to: 2126-03-31")
    contract = check_text(text)
    rows = [{"practice": "A", "month": m, "amount": 1} for m in months(1200)]
    run = Reference(contract, read_inputs(contract, {"moved": rows}))
    assert run.value("balance", ("A", months(1200)[-1])) == 1200


# -- parameters -------------------------------------------------------------------------------------------------

DATED = """\
inputs:
  list: {keys: [practice, year], columns: {people: people, form: {one_of: [GMS, PMS]}, paid_on: date}}
parameters:
  rate:
    unit: GBP per person
    dated:
      - {from: 2026-04-01, value: 100, authority: letter 1}
      - {from: 2026-04-01, known_from: 2026-07-01, value: 110, authority: letter 2}
      - {from: 2027-04-01, value: 120, authority: letter 3}
  daily:
    unit: ratio
    as_at: days
    dated: [{from: 2026-04-01, value: 1, authority: cl. 1}, {from: 2026-10-01, value: 2, authority: cl. 1}]
  cut:
    unit: percent
    as_at: paid_on
    dated: [{from: 2026-04-01, value: 0, authority: Act}, {from: 2027-01-01, value: 2, authority: Act}]
  share: {unit: percent, by: form, values: {GMS: 40}, authority: cl. 2}
quantities:
  - each: [practice, year]
    due:     {is: people * rate, report: true}
    weight:  {is: daily, report: true}
    net:     {is: people * (1 - cut), report: true}
    part:    {is: share * people, report: true}
"""


def test_parameters() -> None:
    rows = one_year(
        {"people": 1, "form": "GMS", "paid_on": "2026-12-31"}, {"people": 1, "form": "PMS", "paid_on": "2027-01-01"}
    )
    run = settled(DATED, list=rows)
    assert run.value("due", ("A", YEAR)) == 110
    assert run.value("weight", ("A", YEAR)) == Fraction(183 + 2 * 182, 365)  # 1 April to 30 September: 183 days
    assert [run.value("net", (p, YEAR)) for p in "AB"] == [1, Fraction(98, 100)]
    assert run.value("part", ("A", YEAR)) == Fraction(2, 5)
    with pytest.raises(SettlementStopped, match="share has no value for PMS on 2026-04-01; it has GMS"):
        run.value("part", ("B", YEAR))
    import datetime as dt

    assert settled(DATED, known_on=dt.date(2026, 6, 30), list=rows).value("due", ("A", YEAR)) == 100
    assert settled(DATED, what_ifs={"rate": "7.5"}, list=rows).value("due", ("A", YEAR)) == Fraction(15, 2)
    assert settled(DATED, what_ifs={"share.GMS": "50"}, list=rows).value("part", ("A", YEAR)) == Fraction(1, 2)


SCALES = """\
inputs:
  data: {keys: [practice, year], columns: {x: people}}
parameters:
  steps: {scale: step, of: people, unit: ratio, below: hold, points: [[10, 1], [20, 2]], authority: cl. 1}
  line: {scale: linear, of: people, unit: percent, above: hold, points: [[10, 3], [20, 2]], authority: cl. 1}
  bands: {scale: marginal, of: people, unit: percent, bands: [[10, 100], [20, 50], [above, 10]], authority: cl. 1}
quantities:
  - each: [practice, year]
    step_of: {is: steps(x), report: true}
    line_of: {is: line(x), report: true}
    band_of: {is: bands(x), report: true}
"""


@pytest.mark.parametrize(
    ("x", "step", "line", "band"),
    [
        ("5", 1, None, 5),
        ("10", 1, "0.03", 10),
        ("15", 1, "0.025", "12.5"),
        ("19.999", 1, "0.020001", "14.9995"),
        ("20", 2, "0.02", 15),
        ("30", 2, "0.02", 16),
    ],
)
def test_scales(x: str, step: int, line: str | None, band: str) -> None:
    run = settled(SCALES, data=one_year({"x": x}))
    assert run.value("step_of", ("A", YEAR)) == step
    assert run.value("band_of", ("A", YEAR)) == Fraction(band)
    if line is None:
        with pytest.raises(SettlementStopped, match=r"line\(5\) is outside the scale"):
            run.value("line_of", ("A", YEAR))
    else:
        assert run.value("line_of", ("A", YEAR)) == Fraction(line)


def test_a_marginal_scale_is_not_for_what_is_below_0() -> None:
    with pytest.raises(SettlementStopped, match=r"bands\(-1\) is outside the scale"):
        settled(SCALES, data=one_year({"x": "-1"})).value("band_of", ("A", YEAR))


# -- across rows ------------------------------------------------------------------------------------------------

ACROSS = """\
inputs:
  data: {keys: [practice, year], columns: {network: {key: network}, x: points, money: GBP}}
parameters:
  half: {unit: percent, value: 50, authority: cl. 1}
quantities:
  - each: [network, year]
    rows: [data]
    pool:   sum(money)
    median: {is: "quantile(x, half)", report: true}
  - each: [practice, year]
    place:  {is: rank() over (partition by network order by x desc), report: true}
    part:   allocate(pool, x)
checks: [{that: pool > 0, each: [network, year], else: nothing to share}]
payments: [{pay: part, from: board, to: practice}]
"""


def test_across_rows() -> None:
    xs = [5, 3, 5, 1, 7, 7]
    rows = one_year(*({"x": x, "network": "N" if n < 4 else "M", "money": "0.25"} for n, x in enumerate(xs)))
    run = settled(ACROSS, data=rows)
    assert [run.value("place", (p, YEAR)) for p in "ABCDEF"] == [1, 3, 1, 4, 1, 1]
    assert run.value("median", ("N", YEAR)) == 3  # nearest rank: at least half of 1, 3, 5, 5 are at or below 3
    assert run.value("median", ("M", YEAR)) == 7
    # 1.00 by 5, 3, 5, 1 of 14: 35.71, 21.43, 35.71, 7.14 pence: 98 in whole pence, two more to A and C (ties by key)
    assert [run.value("part", (p, YEAR)) for p in "ABCD"] == [Fraction(n, 100) for n in (36, 21, 36, 7)]
    assert run.checks() == []


def test_a_check_lists_its_rows() -> None:
    rows = one_year({"x": 1, "network": "N", "money": "0"}, {"x": 1, "network": "M", "money": "1"})
    (failure,) = settled(ACROSS, data=rows).checks()
    assert "nothing to share: network N, year 2026-04-01" in failure.problem().message


def test_money_and_no_weights_stops() -> None:
    run = settled(ACROSS, data=one_year({"x": 0, "network": "N", "money": "1"}))
    with pytest.raises(SettlementStopped, match="there is money to share and every weight is 0, in the pool of"):
        run.value("part", ("A", YEAR))


WEIGHTS = st.lists(st.fractions(0, 10**6, max_denominator=10**4), min_size=1, max_size=12).filter(any)


@given(st.integers(-(10**9), 10**9), WEIGHTS)
def test_allocate_adds_up_and_is_fair(pool: int, weights: list[Fraction]) -> None:
    shares = allocate_steps(Fraction(pool), weights)
    assert sum(shares) == pool
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share - pool * weight / sum(weights)) < 1
    assert [-share for share in allocate_steps(Fraction(-pool), weights)] == shares


@given(st.integers(0, 10**9), WEIGHTS, st.data())
def test_nobody_gets_less_than_their_floor(pool: int, weights: list[Fraction], data: st.DataObject) -> None:
    floors = [Fraction(data.draw(st.integers(0, pool // len(weights)))) for _ in weights]
    shares = allocate_steps(Fraction(pool), weights, floors)
    assert sum(shares) == pool
    assert all(share >= math.ceil(floor) for share, floor in zip(shares, floors, strict=True))
    # whoever is above the floor gets the same for each unit of weight, to one step
    free = [n for n, share in enumerate(shares) if share > floors[n] + 1]
    rates = [(shares[n] - 1, shares[n] + 1, weights[n]) for n in free]
    assert all(low * w2 <= high * w1 for low, _, w1 in rates for _, high, w2 in rates)


@pytest.mark.parametrize(
    ("pool", "weights", "floors", "message"),
    [
        (Fraction(1, 2), [1], None, "not a whole number of steps"),
        (Fraction(1), [-1, 2], None, "a weight is below 0"),
        (Fraction(1), [0, 0], None, "every weight is 0"),
        (Fraction(1), [1, 1], [1, 1], "the floors add up to more than the pool"),
    ],
)
def test_what_cannot_be_shared(pool: Fraction, weights: list[int], floors: list[int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        allocate_steps(pool, [Fraction(w) for w in weights], floors and [Fraction(f) for f in floors])


# -- stopping ---------------------------------------------------------------------------------------------------


def test_nothing_crosses_worlds() -> None:
    rows = one_year({"x": 1, "network": "N", "money": "1"}, {"x": 3, "network": "N", "money": "1"})
    several = [{**row, "world": world, "money": str(world)} for row in rows for world in (1, 2)]
    run = settled(ACROSS, data=several)
    assert run.inputs.worlds == (1, 2)
    assert [run.value("part", ("B", YEAR), world) for world in (1, 2)] == [Fraction(3, 2), 3]


def test_a_quantity_asked_for_where_it_has_no_row() -> None:
    run = settled(ACROSS, data=one_year({"x": 1, "network": "N", "money": "1"}))
    with pytest.raises(SettlementStopped, match="part has no row for practice Z"):
        run.value("part", {"practice": "Z", "year": YEAR})


def test_the_contract_of_the_reference_is_kept() -> None:
    run = settled(ACROSS, data=one_year({"x": 1, "network": "N", "money": "1"}))
    payment = run.contract.payments[0]
    rows = run.contract.quantities["part"].rows
    assert run.member(payment.receiver.member, rows, ("A", YEAR)) == "A"
    assert run.member(payment.payer.member, rows, ("A", YEAR)) is None
    assert isinstance(run.contract, Contract)
