"""Missing values.

Whether a value can be missing is part of its type. Inputs are complete unless a column or table says `optional: true`;
a gap in a required column is refused when the file is read. What can be missing cannot reach a payment, a notice or an
allocation until the contract says what then.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="Nothing missing becomes money by itself",
        text="The message names the way by which the value can be missing.",
        contract="""
        parties: {board: {name: The board}, practice: {each: practice}}
        inputs:
          work: {keys: [practice, year], columns: {visits: {unit: people, optional: true}}}
        parameters:
          fee: {unit: GBP per person, value: 10, authority: cl. 2}
        quantities:
          - each: [practice, year]
            reward: visits * fee
        payments:
          - {pay: reward, from: board, to: practice}
        """,
        refused="payment reward can be missing: work.visits is optional",
        fix="coalesce(…, …), or case when … is null: nothing missing becomes money by itself",
    ),
    Spec(
        title="coalesce, is null",
        text="""
        `coalesce(x, y)` is x, or y where x is missing. `x is null` asks. What a condition has settled is known in what
        follows it: after `when visits is not null`, visits is no longer missing.
        """,
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {visits: {unit: people, optional: true}}}
        parameters:
          fee: {unit: GBP per person, value: 10, authority: cl. 2}
        quantities:
          - each: [practice, year]
            reward: coalesce(visits, 0) * fee
            reported: visits is not null
            same: case when visits is not null then visits * fee else 0 end
        """,
        given="""
        work
        practice | year       | visits
        A        | 2026-04-01 | 12
        B        | 2026-04-01 |
        """,
        expect="""
        practice | year       | reward | reported | same
        A        | 2026-04-01 | 120    | true     | 120
        B        | 2026-04-01 | 0      | false    | 0
        """,
    ),
    Spec(
        title="Stricter than SQL",
        text="""
        What touches a missing value is missing. On three of these lines SQL would say something else, each time in
        somebody's favour: in DuckDB, Spark and PostgreSQL `least(1, null)` is 1, a `sum` leaves gaps out, and a
        `case` whose condition is missing goes to `else`.
        """,
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          work:
            keys: [practice, year]
            columns: {network: {key: network}, x: {unit: ratio, optional: true}}
        quantities:
          - each: [practice, year]
            plus: x + 1
            above: x > 0
            smaller: least(x, 1)
            chosen: case when x > 0 then 1 else 0 end
            either: x > 0 or true
            both: x > 0 and false
          - each: [network, year]
            rows: work
            total: sum(x)
            known: sum(x) filter (where x is not null)
            how_many: count(work)
            largest: max(x)
        """,
        given="""
        work
        practice | year       | network | x
        A        | 2026-04-01 | N       | 3
        B        | 2026-04-01 | N       |
        C        | 2026-04-01 | S       | 2
        """,
        expect="""
        practice | year       | plus    | above   | smaller | chosen  | either | both
        A        | 2026-04-01 | 4       | true    | 1       | 1       | true   | false
        B        | 2026-04-01 | missing | missing | missing | missing | true   | false
        C        | 2026-04-01 | 3       | true    | 1       | 1       | true   | false

        network | year       | total   | known | how_many | largest
        N       | 2026-04-01 | missing | 3     | 2        | missing
        S       | 2026-04-01 | 2       | 2     | 1        | 2
        """,
        after="""
        | formula | here | in SQL |
        | --- | --- | --- |
        | `null + 1`, `null > 0` | missing | missing |
        | `least(null, 1)`, `greatest(null, 1)` | missing | **1** |
        | `case when null then 1 else 0 end` | missing | **0** |
        | `null or true`, `null and false` | true, false | true, false |
        | `sum`, `min`, `max` of 3 and a missing value | missing | **3** |
        | `sum` of no rows | 0 | missing |
        | `count` of no rows | 0 | 0 |
        | `min`, `max`, `quantile` of no rows | missing | missing |
        """,
    ),
    Spec(
        title="Over no rows",
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          work: {keys: [practice, year], columns: {network: {key: network}, visits: people}}
        tables:
          networks: {keys: [network], columns: {}, rows: [[N], [S]], authority: annex}
        quantities:
          - each: [network, year]
            rows: [networks, year]
            total: sum(visits)
            how_many: count(work)
            largest: max(visits)
        """,
        given="""
        work
        practice | year       | network | visits
        A        | 2026-04-01 | N       | 3
        """,
        expect="""
        network | year       | total | how_many | largest
        N       | 2026-04-01 | 3     | 1        | 3
        S       | 2026-04-01 | 0     | 0        | missing
        """,
    ),
    Spec(
        title="A case without else",
        text="Where no branch holds, the value is missing.",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {visits: people}}
        quantities:
          - each: [practice, year]
            many: case when visits > 0 then visits end
        """,
        given="""
        work
        practice | year       | visits
        A        | 2026-04-01 | 3
        B        | 2026-04-01 | 0
        """,
        expect="""
        practice | year       | many
        A        | 2026-04-01 | 3
        B        | 2026-04-01 | missing
        """,
    ),
    Spec(
        title="A coalesce that does nothing",
        text="What is never missing needs no stand-in. So every `coalesce` on the page means something.",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {visits: people}}
        quantities:
          - each: [practice, year]
            counted: {is: "coalesce(visits, 0)", report: true}
        """,
        refused="visits is never missing, so this coalesce does nothing",
        fix="write visits",
    ),
    Spec(
        title="A gap in a required column",
        text="It is found when the data is read, before anything is computed.",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {visits: people}}
        quantities:
          - each: [practice, year]
            some: {is: visits > 0, report: true}
        """,
        given="""
        work
        practice | year       | visits
        A        | 2026-04-01 | 12
        B        | 2026-04-01 |
        """,
        data_refused="row 2, column visits: there is no value, and one is required",
        fix="supply the value, or mark the column optional: true in the contract",
    ),
]
