"""Tables and parameters.

Every number of a contract has a name, a unit and a source. A parameter is one figure, a table many; both are part of
the text that is signed. Data from outside comes through inputs.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="No number without a name",
        text="Formulas hold no numbers but 0 and 1.",
        contract="""
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
        quantities:
          - each: [practice, year]
            reward: {is: list_size * 1.76, report: true}
        """,
        refused="1.76 is a bare number",
        fix="every number has a name and a source: put it under parameters:. The length of a period is months(year) or "
        "days(month); a percentage is a parameter with unit: percent",
    ),
    Spec(
        title="Authority and status",
        text="""
        `authority:` says where a figure comes from: the clause, statute, letter or paper. `status:` says how sure it
        is:

        | status | meaning |
        | --- | --- |
        | `verified` | a second person compared it with its authority |
        | `unverified` | nobody has yet (what holds if nothing is said) |
        | `derived` | worked out from other figures |
        | `indicative` | published, but not confirmed: payments that use it are provisional |
        | `assumed` | made up for a scenario |

        `review_by:` is a day after which every statement warns that the figure should be looked at again.
        """,
        contract="""
        parameters:
          rate: {unit: GBP per person, value: 1.76, status: indicative}
        quantities:
          - each: [year]
            twice: {is: rate + rate, report: true}
        """,
        refused="parameter rate does not say where it comes from",
        fix="authority: the clause, statute or letter; status: unverified where nobody has confirmed it",
    ),
    Spec(
        title="What a parameter can be",
        text="A number with its unit, also a fraction such as `6/7`; or, by `type:`, a flag, a text or a date.",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {joined: date, money: GBP}}
        parameters:
          sixth:    {unit: ratio, value: 1/6, authority: cl. 1}
          open_to:  {type: text, value: everybody, authority: cl. 1}
          deadline: {type: date, value: 2026-09-30, authority: cl. 1}
          generous: {type: flag, value: true, authority: cl. 1}
        quantities:
          - each: [practice, year]
            part:
              is: case when joined <= deadline and (generous or open_to <> 'everybody') then money * sixth else 0 end
              round: 0.01 GBP half_up
        """,
        given="""
        work
        practice | year       | joined     | money
        A        | 2026-04-01 | 2026-09-30 | 100
        B        | 2026-04-01 | 2026-10-01 | 100
        """,
        expect="""
        practice | year       | part
        A        | 2026-04-01 | 16.67
        B        | 2026-04-01 | 0
        """,
    ),
    Spec(
        title="Figures that change on a date",
        text="""
        An entry holds from its first day until the next entry begins. It is read on the first day of the row's
        shortest period.
        """,
        contract="""
        term: {from: 2026-04-01, to: 2028-03-31}
        keys: {year: {every: 12 months}}
        parameters:
          rate:
            unit: GBP per person
            authority: schedule 1
            dated:
              - {from: 2026-04-01, value: 1.76}
              - {from: 2027-04-01, value: 1.85, authority: letter of 3 March 2027}
        quantities:
          - each: [year]
            paid_rate: rate
        """,
        expect="""
        year       | paid_rate
        2026-04-01 | 1.76
        2027-04-01 | 1.85
        """,
    ),
    Spec(
        title="A figure that changes inside a period",
        text="""
        Which of the two rates a year is paid by must never be a guess. The check knows both calendars, so it
        needs no data for it.
        """,
        contract="""
        keys: {year: {every: 12 months}}
        parameters:
          rate:
            unit: GBP per person
            authority: schedule 1
            dated: [{from: 2026-04-01, value: 1.76}, {from: 2026-10-01, value: 1.85}]
        quantities:
          - each: [year]
            paid_rate: {is: rate, report: true}
        """,
        refused="rate changes on 2026-10-01, inside the year that begins 2026-04-01",
        fix="use a shorter period, or say as_at: start, end or days (weighted by days) on the parameter",
    ),
    Spec(
        title="as_at: start, end, days",
        text="183 days of the year have the first rate, 182 the second. A mean by days is a quotient, to be rounded.",
        contract="""
        keys: {year: {every: 12 months}}
        parameters:
          rate_at_start:
            unit: GBP per person
            authority: schedule 1
            as_at: start
            dated: [{from: 2026-04-01, value: 1.76}, {from: 2026-10-01, value: 1.85}]
          rate_at_end:
            unit: GBP per person
            authority: schedule 1
            as_at: end
            dated: [{from: 2026-04-01, value: 1.76}, {from: 2026-10-01, value: 1.85}]
          rate_by_days:
            unit: GBP per person
            authority: schedule 1
            as_at: days
            dated: [{from: 2026-04-01, value: 1.76}, {from: 2026-10-01, value: 1.85}]
        quantities:
          - each: [year]
            a: rate_at_start
            b: rate_at_end
            c: {is: rate_by_days, round: 0.000001 GBP per person half_up}
        """,
        expect="""
        year       | a    | b    | c
        2026-04-01 | 1.76 | 1.85 | 1.804877
        """,
    ),
    Spec(
        title="Read on a date of the row",
        text="""
        `as_at:` may name a date column: the parameter is then always read on that date. `at(rate, discharged)` does it
        in one formula only.
        """,
        contract="""
        keys: {spell: {}}
        inputs:
          spells: {keys: [spell], columns: {admitted: date, discharged: date}}
        parameters:
          price:
            unit: GBP
            authority: tariff
            as_at: discharged
            dated: [{from: 2026-04-01, value: 1500}, {from: 2026-10-01, value: 1530}]
          top_up:
            unit: GBP
            authority: tariff
            dated: [{from: 2026-04-01, value: 80}, {from: 2026-07-01, value: 90}]
        quantities:
          - each: [spell]
            pays: price + at(top_up, admitted)
        """,
        given="""
        spells
        spell | admitted   | discharged
        S1    | 2026-06-20 | 2026-06-30
        S2    | 2026-09-28 | 2026-10-02
        """,
        expect="""
        spell | pays
        S1    | 1580
        S2    | 1620
        """,
    ),
    Spec(
        title="Known later: two clocks",
        text="""
        `known_from:` says when an entry became known. Of two entries for the same days the later known one rules; a
        settlement as known on an earlier day (`--known-on`) reads what was known then. Without `known_from:`, an entry
        is known since the contract was signed. A statement prints which entry it used.
        """,
        contract="""
        keys: {year: {every: 12 months}}
        parameters:
          price:
            unit: GBP
            dated:
              - {from: 2026-04-01, value: 121.90, status: indicative, authority: letter of 20 March}
              - {from: 2026-04-01, value: 130.07, known_from: 2026-07-30, authority: letter of 30 July}
        quantities:
          - each: [year]
            paid_price: price
        """,
        known_on="2026-07-29",
        expect="""
        year       | paid_price
        2026-04-01 | 121.90
        """,
    ),
    Spec(
        title="The same, known today",
        contract="""
        keys: {year: {every: 12 months}}
        parameters:
          price:
            unit: GBP
            dated:
              - {from: 2026-04-01, value: 121.90, status: indicative, authority: letter of 20 March}
              - {from: 2026-04-01, value: 130.07, known_from: 2026-07-30, authority: letter of 30 July}
        quantities:
          - each: [year]
            paid_price: price
        """,
        expect="""
        year       | paid_price
        2026-04-01 | 130.07
        """,
    ),
    Spec(
        title="An entry that ends",
        text="""
        `until:` is the last day an entry may be read. Past it there is no figure, unless the parameter says
        `carry: last`.
        """,
        contract="""
        term: {from: 2026-04-01, to: 2028-03-31}
        keys: {year: {every: 12 months}}
        parameters:
          price:
            unit: GBP
            authority: annex
            dated: [{from: 2026-04-01, until: 2027-03-31, value: 100}]
        quantities:
          - each: [year]
            paid_price: {is: price, report: true}
        """,
        refused="price has no value on 2027-04-01: its last entry holds until 2027-03-31",
        fix="add an entry, or say carry: last on the parameter",
    ),
    Spec(
        title="Carried on",
        contract="""
        term: {from: 2026-04-01, to: 2028-03-31}
        keys: {year: {every: 12 months}}
        parameters:
          price:
            unit: GBP
            authority: annex
            carry: last
            dated: [{from: 2026-04-01, until: 2027-03-31, value: 100}]
        quantities:
          - each: [year]
            paid_price: price
        """,
        expect="""
        year       | paid_price
        2026-04-01 | 100
        2027-04-01 | 100
        """,
    ),
    Spec(
        title="One value for each member: by",
        text="""
        `by:` names a key or a column of texts; `values:` has one value for each member, and they nest for a list of
        names. Not every member needs a value: a row that needs one that is not there stops the settlement.
        """,
        contract="""
        keys: {practice: {}, year: {every: 12 months}, setting: {}}
        inputs:
          practices: {keys: [practice, year], columns: {region: {one_of: [north, south]}}}
          work: {keys: [practice, setting, year], columns: {visits: people}}
        parameters:
          uplift: {unit: percent, by: region, values: {north: 10, south: 0}, authority: annex}
          price:
            unit: GBP per person
            by: [region, setting]
            values: {north: {home: 30, clinic: 20}, south: {clinic: 22}}
            authority: annex
        quantities:
          - each: [practice, setting, year]
            pays: visits * price * (1 + uplift)
        """,
        given="""
        practices
        practice | year       | region
        A        | 2026-04-01 | north
        B        | 2026-04-01 | south

        work
        practice | setting | year       | visits
        A        | home    | 2026-04-01 | 10
        A        | clinic  | 2026-04-01 | 10
        B        | clinic  | 2026-04-01 | 10
        """,
        expect="""
        practice | setting | year       | pays
        A        | home    | 2026-04-01 | 330
        A        | clinic  | 2026-04-01 | 220
        B        | clinic  | 2026-04-01 | 220
        """,
    ),
    Spec(
        title="Tables of the contract",
        text="""
        A table has the form of an input and holds its rows itself: keys first, then columns, in order. An indicator
        that is in force only in some years is a row for those years.
        """,
        contract="""
        term: {from: 2026-04-01, to: 2028-03-31}
        keys: {indicator: {}, year: {every: 12 months}}
        tables:
          indicators:
            keys: [indicator, year]
            columns: {points: ratio, lower: percent, upper: percent}
            rows:
              - [asthma, 2026-04-01, 20, 45, 70]
              - [asthma, 2027-04-01, 18, 50, 75]
              - [stroke, 2027-04-01, 8, 50, 90]
            authority: annex D
        quantities:
          - each: [indicator, year]
            width: {is: upper - lower, unit: percent}
          - each: [year]
            all_points: sum(points)
        """,
        expect="""
        indicator | year       | width
        asthma    | 2026-04-01 | 25
        asthma    | 2027-04-01 | 25
        stroke    | 2027-04-01 | 40

        year       | all_points
        2026-04-01 | 20
        2027-04-01 | 26
        """,
    ),
    Spec(
        title="A long table in a file",
        text="""
        `file:` names a CSV file beside the contract, with a header of keys and columns. Its bytes are part of what is
        signed.
        """,
        contract="""
        keys: {indicator: {}}
        tables:
          indicators:
            keys: [indicator]
            columns: {points: ratio, upper: percent}
            file: indicators.csv
            authority: annex D
        quantities:
          - each: [indicator]
            most: points * upper
        """,
        file=("indicators.csv", "indicator,points,upper\nasthma,20,70\nstroke,8,90\n"),
        expect="""
        indicator | most
        asthma    | 14
        stroke    | 7.2
        """,
    ),
]
