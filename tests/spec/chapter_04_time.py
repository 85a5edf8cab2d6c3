"""Time.

Periods are keys. The term says which exist; formulas look back along them with `prior` and `trailing_avg`, pick the
first or last one inside a longer one with `first` and `last`, and know their length.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="Periods of equal length, or listed",
        text="""
        `every:` divides the term from its first day; `starts:` lists the first days where the lengths differ, as with
        the half-years of 2019 in the Medicare Shared Savings Program. Data names a period by its first day; print
        names it as people do: 2026/27, 2026/27 Q1.
        """,
        contract="""
        term: {from: 2018-01-01, to: 2020-12-31}
        keys: {year: {starts: [2018-01-01, 2019-01-01, 2019-07-01, 2020-01-01]}}
        quantities:
          - each: [year]
            length: days(year)
            begins: first_day(year)
            ends: last_day(year)
            from_start_to_end: days_between(begins, ends)
        """,
        expect="""
        year       | length | begins     | ends       | from_start_to_end
        2018-01-01 | 365    | 2018-01-01 | 2018-12-31 | 364
        2019-01-01 | 181    | 2019-01-01 | 2019-06-30 | 180
        2019-07-01 | 184    | 2019-07-01 | 2019-12-31 | 183
        2020-01-01 | 366    | 2020-01-01 | 2020-12-31 | 365
        """,
    ),
    Spec(
        title="A year is divided by its length",
        text="`months(p)` and `days(p)` have the units months and days. No formula needs a 12 or a 365.",
        contract="""
        term: {from: 2027-04-01, to: 2028-03-31}
        keys: {year: {every: 12 months}, month: {every: 1 month, in: year}}
        parameters:
          fund: {unit: GBP, value: 120_000, authority: cl. 3}
        quantities:
          - each: [month]
            equal: {is: fund * months(month) / months(year), round: 0.01 GBP half_up}
            by_day: {is: fund * days(month) / days(year), round: 0.01 GBP half_up}
        """,
        expect="""
        month      | equal | by_day
        2027-04-01 | 10000 | 9836.07
        2028-02-01 | 10000 | 9508.20
        …
        """,
    ),
    Spec(
        title="Periods must fit the term",
        contract="""
        term: {from: 2026-04-01, to: 2027-04-30}
        keys: {year: {every: 12 months}}
        quantities:
          - each: [year]
            length: {is: days(year), report: true}
        """,
        refused="the last year would end on 2028-03-31, after the term ends on 2027-04-30",
        fix="end the term with a whole period, or list the first days: starts: [ … ]",
    ),
    Spec(
        title="The period before: prior",
        text="""
        `prior(x)` is x one step back along x's own shortest period. In the first period there is nothing before, so it
        is missing there, and the formula must say what then. (So it is for a row that did not exist in the period
        before.)
        """,
        contract="""
        term: {from: 2026-04-01, to: 2029-03-31}
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
        quantities:
          - each: [practice, year]
            growth: list_size - coalesce(prior(list_size), list_size)
            before: prior(list_size)
            two_before: prior(prior(list_size))
        """,
        given="""
        lists
        practice | year       | list_size
        A        | 2026-04-01 | 9000
        A        | 2027-04-01 | 9150
        A        | 2028-04-01 | 9100
        B        | 2027-04-01 | 4000
        """,
        expect="""
        practice | year       | growth | before  | two_before
        A        | 2026-04-01 | 0      | missing | missing
        A        | 2027-04-01 | 150    | 9000    | missing
        A        | 2028-04-01 | -50    | 9150    | 9000
        B        | 2027-04-01 | 0      | missing | missing
        """,
    ),
    Spec(
        title="A quantity that looks back at itself",
        text="""
        Balances, compounding, consecutive periods, vesting and erosion all need only this. The quantity must say its
        unit and how it is rounded; then each period starts from what the one before left behind.
        """,
        contract="""
        term: {from: 2026-04-01, to: 2029-03-31}
        keys: {year: {every: 12 months}}
        inputs:
          results: {keys: [year], columns: {spent: GBP, met: flag}}
        parameters:
          budget:   {unit: GBP, value: 1000, authority: cl. 3}
          interest: {unit: percent, value: 2.5, authority: cl. 8}
        quantities:
          - each: [year]
            balance:
              is: coalesce(prior(balance), 0) * (1 + interest) + budget - spent
              unit: GBP
              round: 0.01 GBP half_up
            years_in_a_row:
              is: case when met then coalesce(prior(years_in_a_row), 0) + 1 else 0 end
              unit: ratio
              round: 1 ratio half_up
        """,
        given="""
        results
        year       | spent | met
        2026-04-01 | 900   | true
        2027-04-01 | 1050  | true
        2028-04-01 | 980   | false
        """,
        expect="""
        year       | balance | years_in_a_row
        2026-04-01 | 100     | 1
        2027-04-01 | 52.50   | 2
        2028-04-01 | 73.81   | 0
        """,
    ),
    Spec(
        title="Unit and rounding are needed there",
        contract="""
        keys: {year: {every: 12 months}}
        inputs:
          results: {keys: [year], columns: {spent: GBP}}
        quantities:
          - each: [year]
            balance: {is: "coalesce(prior(balance), 0) - spent", report: true}
        """,
        refused="balance looks back at itself: it must say its unit and how it is rounded",
        fix="unit: … and round: … on its definition",
    ),
    Spec(
        title="A circle within one period",
        text="""
        The circle is printed. A fee that is a share of the payment it is taken from must be solved on paper
        first.
        """,
        contract="""
        keys: {year: {every: 12 months}}
        parameters:
          rate: {unit: percent, value: 10, authority: cl. 3}
          fund: {unit: GBP, value: 1000, authority: cl. 3}
        quantities:
          - each: [year]
            fee: reward * rate
            reward: {is: fund - fee, report: true}
        """,
        refused="these define each other: fee → reward → fee",
        fix="one of the steps must go through prior()",
    ),
    Spec(
        title="History before the term",
        text="""
        `history:` in the term adds periods before it: inputs and quantities exist there, but nothing is paid. So the
        first year can look back.
        """,
        contract="""
        term: {from: 2026-04-01, to: 2027-03-31, history: 2024-04-01}
        parties: {board: {name: The board}, practice: {each: practice}}
        inputs:
          work: {keys: [practice, year], columns: {visits: people}}
        parameters:
          fee: {unit: GBP per person, value: 10, authority: cl. 2}
          averaging_years: {unit: ratio, value: 3, authority: cl. 2}
        quantities:
          - each: [practice, year]
            usual: {is: "trailing_avg(visits, averaging_years)", round: 0.1 people half_up}
            reward: {is: "coalesce(usual, visits) * fee", round: 0.01 GBP half_up}
        payments:
          - {pay: reward, from: board, to: practice}
        """,
        given="""
        work
        practice | year       | visits
        A        | 2024-04-01 | 100
        A        | 2025-04-01 | 110
        A        | 2026-04-01 | 130
        """,
        expect="""
        practice | year       | usual   | reward
        A        | 2024-04-01 | missing | 1000
        A        | 2025-04-01 | missing | 1100
        A        | 2026-04-01 | 113.3   | 1133
        """,
        payments="""
        quantity | receiver | amount
        reward   | A        | 1133
        """,
        after="""
        `trailing_avg(x, n)` is the mean of this period and the n - 1 before, and missing if one of them is: never a
        mean of fewer. How many is a parameter.
        """,
    ),
    Spec(
        title="A contract that looks back is settled from its first day",
        text="Otherwise the second year would take its beginning for the beginning of everything.",
        contract="""
        term: {from: 2026-04-01, to: 2028-03-31}
        keys: {year: {every: 12 months}}
        inputs:
          results: {keys: [year], columns: {spent: GBP}}
        quantities:
          - each: [year]
            balance: {is: "coalesce(prior(balance), 0) - spent", unit: GBP, round: 0.01 GBP half_up, report: true}
        """,
        given="""
        results
        year       | spent
        2027-04-01 | 100
        """,
        data_refused="this contract looks back: settle it from 2026-04-01, not from 2027-04-01",
        fix="supply the earlier periods too: what they leave behind is read by the later ones",
    ),
    Spec(
        title="The first and the last period inside",
        text="""
        `first(x)` and `last(x)` take x in the first or last period inside the row's own, by the calendar: the last
        month of the year is March, not the last month that happens to have data. Without that row, they are missing.
        """,
        contract="""
        keys: {practice: {}, year: {every: 12 months}, quarter: {every: 3 months, in: year}}
        inputs:
          lists: {keys: [practice, quarter], columns: {list_size: people}}
        quantities:
          - each: [practice, year]
            rows: lists
            at_start: first(list_size)
            at_end: last(list_size)
        """,
        given="""
        lists
        practice | quarter    | list_size
        A        | 2026-04-01 | 9000
        A        | 2026-07-01 | 9040
        A        | 2026-10-01 | 9100
        A        | 2027-01-01 | 9160
        B        | 2026-04-01 | 4000
        B        | 2026-07-01 | 3900
        """,
        expect="""
        practice | year       | at_start | at_end
        A        | 2026-04-01 | 9000     | 9160
        B        | 2026-04-01 | 4000     | missing
        """,
    ),
    Spec(
        title="Only whole periods are settled",
        text="""
        A run may end before the term does: with the last period in its data, or earlier with `accord settle --up-to`.
        A longer period exists only if it lies wholly inside the run.
        """,
        contract="""
        keys: {practice: {}, year: {every: 12 months}, quarter: {every: 3 months, in: year}}
        inputs:
          work: {keys: [practice, quarter], columns: {visits: people}}
        quantities:
          - each: [quarter]
            in_quarter: sum(visits)
          - each: [year]
            in_year: sum(visits)
        """,
        given="""
        work
        practice | quarter    | visits
        A        | 2026-04-01 | 10
        A        | 2026-07-01 | 12
        """,
        expect="""
        quarter    | in_quarter
        2026-04-01 | 10
        2026-07-01 | 12

        year | in_year
        """,
    ),
]
