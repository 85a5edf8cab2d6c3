"""Across rows.

A formula is about one row. These read others: `sum`, `count`, `min`, `max` and `quantile` gather finer rows (chapter
2), `allocate` shares a pool out over finer rows, `rank` compares the rows of one set. What crosses rows is never an
unrounded quotient.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="Gathering",
        text="""
        Any formula may stand inside, read at each finer row; `filter (where …)` leaves rows out. `count(table)` counts
        the rows of a table, `count(*) filter (where …)` the rows that meet a condition. `quantile(x, p)` is the nearest
        rank: the smallest value with at least the share p of the rows at or below it. It is a value that exists,
        never one between two.
        """,
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          members: {keys: [practice, year], columns: {network: {key: network}, list_size: people, wait: days}}
        parameters:
          fee:  {unit: GBP per person, value: 2, authority: cl. 2}
          half: {unit: percent, value: 50, authority: cl. 3}
          most: {unit: percent, value: 90, authority: cl. 3}
        quantities:
          - each: [network, year]
            rows: members
            all_fees: sum(list_size * fee)
            practices: count(members)
            waiting: count(*) filter (where wait > 0)
            shortest: min(wait)
            longest: max(wait)
            middle: quantile(wait, half)
            ninth_tenth: quantile(wait, most)
        """,
        given="""
        members
        practice | year       | network | list_size | wait
        A        | 2026-04-01 | N       | 1000      | 14
        B        | 2026-04-01 | N       | 2000      | 0
        C        | 2026-04-01 | N       | 3000      | 9
        D        | 2026-04-01 | N       | 4000      | 30
        """,
        expect="""
        network | year       | all_fees | practices | waiting | shortest | longest | middle | ninth_tenth
        N       | 2026-04-01 | 20000    | 4         | 3       | 0        | 30      | 9      | 30
        """,
    ),
    Spec(
        title="Sharing out: allocate",
        text="""
        `allocate(pool, weight)` is the whole formula of a quantity finer than the pool. The shares are whole steps, of
        its `round:` or else of the smallest coin, and add up to the pool exactly: each row gets its part rounded
        down, and the steps that are left go to the largest remainders; ties go to the first keys in byte order.
        """,
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          members: {keys: [practice, year], columns: {network: {key: network}, list_size: people}}
          funds: {keys: [network, year], columns: {fund: GBP}}
        quantities:
          - each: [practice, year]
            part: allocate(fund, list_size)
        """,
        given="""
        members
        practice | year       | network | list_size
        A        | 2026-04-01 | N       | 1
        B        | 2026-04-01 | N       | 1
        C        | 2026-04-01 | N       | 1
        D        | 2026-04-01 | S       | 3
        E        | 2026-04-01 | S       | 1
        F        | 2026-04-01 | S       | 0

        funds
        network | year       | fund
        N       | 2026-04-01 | 100
        S       | 2026-04-01 | 0.10
        """,
        expect="""
        practice | year       | part
        A        | 2026-04-01 | 33.34
        B        | 2026-04-01 | 33.33
        C        | 2026-04-01 | 33.33
        D        | 2026-04-01 | 0.08
        E        | 2026-04-01 | 0.02
        F        | 2026-04-01 | 0
        """,
        after="In S, D is due 7.5 p and E 2.5 p: a tie for the last penny, which goes to D.",
    ),
    Spec(
        title="A negative pool",
        text="A loss is shared by its size, and the shares get its sign.",
        contract="""
        inputs:
          members: {keys: [practice, year], columns: {list_size: people}}
          results: {keys: [year], columns: {loss: GBP}}
        quantities:
          - each: [practice, year]
            part: allocate(loss, list_size)
        """,
        given="""
        members
        practice | year       | list_size
        A        | 2026-04-01 | 1
        B        | 2026-04-01 | 2

        results
        year       | loss
        2026-04-01 | -100
        """,
        expect="""
        practice | year       | part
        A        | 2026-04-01 | -33.33
        B        | 2026-04-01 | -66.67
        """,
    ),
    Spec(
        title="Nobody to share with",
        text="Money with all weights 0 stops the settlement, and so does a negative weight.",
        contract="""
        inputs:
          members: {keys: [practice, year], columns: {list_size: people}}
          results: {keys: [year], columns: {fund: GBP}}
        quantities:
          - each: [practice, year]
            part: {is: "allocate(fund, list_size)", report: true}
        """,
        given="""
        members
        practice | year       | list_size
        A        | 2026-04-01 | 0
        B        | 2026-04-01 | 0

        results
        year       | fund
        2026-04-01 | 100
        """,
        stopped="allocate: there is money to share and every weight is 0: practice A, year 2026-04-01; "
        "practice B, year 2026-04-01",
    ),
    Spec(
        title="Weighted lists that add up",
        text="""
        What must add up is shared out, not rounded row by row. Here registered people are shared by need, in steps of a
        tenth of a person.
        """,
        contract="""
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people, need: ratio}}
        quantities:
          - each: [year]
            registered: sum(list_size)
          - each: [practice, year]
            weight: {is: list_size * need, round: 0.0001 people half_up}
            weighted: {is: "allocate(registered, weight)", round: 0.1 people half_up}
          - each: [year]
            adds_up: sum(weighted)
        """,
        given="""
        lists
        practice | year       | list_size | need
        A        | 2026-04-01 | 1000      | 1.1
        B        | 2026-04-01 | 1000      | 0.8
        C        | 2026-04-01 | 1000      | 1.13
        """,
        expect="""
        practice | year       | weighted
        A        | 2026-04-01 | 1089.1
        B        | 2026-04-01 | 792.1
        C        | 2026-04-01 | 1118.8

        year       | adds_up
        2026-04-01 | 3000
        """,
    ),
    Spec(
        title="Instalments",
        text="""
        `allocate(annual, 1)` over the months makes twelve instalments that add up; the odd pence go to the
        first months.
        """,
        contract="""
        keys: {practice: {}, year: {every: 12 months}, quarter: {every: 3 months, in: year}}
        inputs:
          agreed: {keys: [practice, year], columns: {annual: GBP}}
        quantities:
          - each: [practice, quarter]
            rows: [agreed, quarter]
            instalment: allocate(annual, 1)
        """,
        given="""
        agreed
        practice | year       | annual
        A        | 2026-04-01 | 1000.02
        """,
        expect="""
        practice | quarter    | instalment
        A        | 2026-04-01 | 250.01
        A        | 2026-07-01 | 250.01
        A        | 2026-10-01 | 250
        A        | 2027-01-01 | 250
        """,
    ),
    Spec(
        title="Nobody below a floor",
        text="""
        With a third value nobody gets less than it: each share is the larger of the floor and λ times the weight,
        with the one λ that makes them add up. Floors that add up to more than the pool stop the settlement.
        """,
        contract="""
        inputs:
          members: {keys: [practice, year], columns: {list_size: people, lowest: GBP}}
          results: {keys: [year], columns: {fund: GBP}}
        quantities:
          - each: [practice, year]
            part: allocate(fund, list_size, lowest)
        """,
        given="""
        members
        practice | year       | list_size | lowest
        A        | 2026-04-01 | 100       | 250
        B        | 2026-04-01 | 300       | 0
        C        | 2026-04-01 | 600       | 100

        results
        year       | fund
        2026-04-01 | 1000
        """,
        expect="""
        practice | year       | part
        A        | 2026-04-01 | 250
        B        | 2026-04-01 | 250
        C        | 2026-04-01 | 500
        """,
    ),
    Spec(
        title="Unrounded weights",
        text="A weight that is a quotient is rounded first: at how many places decides who gets the odd penny.",
        contract="""
        inputs:
          members: {keys: [practice, year], columns: {done: ratio, due: {unit: ratio, min: 1}}}
          results: {keys: [year], columns: {fund: GBP}}
        quantities:
          - each: [practice, year]
            part: {is: "allocate(fund, done / due)", report: true}
        """,
        refused="the weight done / due must be rounded before it is shared out",
        fix="define it as a quantity with round: …",
    ),
    Spec(
        title="Ranks",
        text="""
        `rank()` has SQL's own words: ties are equal, and the next rank is skipped. An order that ends with the keys
        has no ties.
        """,
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          members: {keys: [practice, year], columns: {network: {key: network}, score: percent}}
        quantities:
          - each: [practice, year]
            place: rank() over (partition by year order by score desc)
            in_network: rank() over (partition by network, year order by score desc)
            no_ties: rank() over (partition by year order by score desc, practice)
        """,
        given="""
        members
        practice | year       | network | score
        A        | 2026-04-01 | N       | 80
        B        | 2026-04-01 | N       | 90
        C        | 2026-04-01 | S       | 80
        D        | 2026-04-01 | S       | 70
        """,
        expect="""
        practice | year       | place | in_network | no_ties
        A        | 2026-04-01 | 2     | 2          | 2
        B        | 2026-04-01 | 1     | 1          | 1
        C        | 2026-04-01 | 2     | 1          | 3
        D        | 2026-04-01 | 4     | 2          | 4
        """,
    ),
    Spec(
        title="A number of winners",
        text="Where a rank that can tie is compared with a number, the check warns: more may win than were meant.",
        contract="""
        inputs:
          members: {keys: [practice, year], columns: {score: percent}}
        parameters:
          winners: {unit: ratio, value: 1, authority: cl. 9}
        quantities:
          - each: [practice, year]
            place: rank() over (partition by year order by score desc)
            wins: place <= winners
        """,
        given="""
        members
        practice | year       | score
        A        | 2026-04-01 | 80
        B        | 2026-04-01 | 80
        """,
        expect="""
        practice | year       | wins
        A        | 2026-04-01 | true
        B        | 2026-04-01 | true
        """,
        warned="place can be equal for several rows, so this may hold for more than meant",
        fix="to leave no ties, end the order of place with practice",
    ),
]
