"""Which rows exist.

One set of keys has one set of rows in a contract, and everyone can see which. It is never guessed, and no formula can
add a row or lose one.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="Where rows come from",
        text="""
        In this order:

        1. what `rows:` says on the first group with these keys: tables and periods, combined on the keys they share;
        2. the rows of the required input or table that has exactly these keys;
        3. for a period alone, the periods of the run: those that lie wholly inside it. A run begins and ends with
           the periods in its data;
        4. for `each: []`, the one row of the contract as a whole.
        """,
        contract="""
        keys: {practice: {}, quarter: {every: 3 months}}
        inputs:
          work: {keys: [practice, quarter], columns: {visits: people}}
        quantities:
          - each: [practice, quarter]
            some: visits > 0
          - each: [quarter]
            in_quarter: sum(visits)
          - each: []
            in_all: sum(visits)
        """,
        given="""
        work
        practice | quarter    | visits
        A        | 2026-04-01 | 10
        B        | 2026-04-01 | 0
        A        | 2026-10-01 | 30
        """,
        expect="""
        practice | quarter    | some
        A        | 2026-04-01 | true
        B        | 2026-04-01 | false
        A        | 2026-10-01 | true

        quarter    | in_quarter
        2026-04-01 | 10
        2026-07-01 | 0
        2026-10-01 | 30

        in_all
        40
        """,
    ),
    Spec(
        title="Data files",
        text="""
        Each input is one CSV or Parquet file of its name (`work.csv`), with a column for each key and each column
        that the contract names. Cells hold plain numbers (no thousands comma, no currency sign, no %), `true` or
        `false`, dates as 2026-04-01, periods by their first day or their usual name (2026/27), and nothing where a
        value is missing. Two rows with the same keys are refused. A file that looks different is read through a
        *reading* ([readings.md](readings.md)): the contract stays free of column names and formats that change from
        year to year.
        """,
    ),
    Spec(
        title="Rows must be said where nothing has these keys",
        text="Does each practice take part in every scheme, or only in some? The contract must say.",
        contract="""
        keys: {practice: {}, scheme: {}, year: {every: 12 months}}
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
        tables:
          schemes: {keys: [scheme], columns: {fee: GBP per person}, rows: [[falls, 0.40]], authority: annex A}
        quantities:
          - each: [practice, scheme, year]
            part: {is: list_size * fee, report: true}
        """,
        refused="which rows of [practice, scheme, year] exist? no required input or table has exactly these keys",
        fix="say rows: [lists, schemes] on the group",
    ),
    Spec(
        title="Combined rows",
        text="""
        `rows: [lists, schemes]` is every row of the one with every row of the other, where the keys they share agree;
        a period joins the period it lies in. Only the keys of the group are kept, each combination once.
        """,
        contract="""
        keys: {practice: {}, scheme: {}, year: {every: 12 months}}
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
        tables:
          schemes:
            keys: [scheme]
            columns: {fee: GBP per person}
            rows: [[falls, 0.40], [virtual-ward, 1.25]]
            authority: annex A
        quantities:
          - each: [practice, scheme, year]
            rows: [lists, schemes]
            part: list_size * fee
        """,
        given="""
        lists
        practice | year       | list_size
        A        | 2026-04-01 | 9000
        B        | 2026-04-01 | 6000
        """,
        expect="""
        practice | scheme       | year       | part
        A        | falls        | 2026-04-01 | 3600
        A        | virtual-ward | 2026-04-01 | 11250
        B        | falls        | 2026-04-01 | 2400
        B        | virtual-ward | 2026-04-01 | 7500
        """,
    ),
    Spec(
        title="A row that is needed must be there",
        text="""
        A table is required unless it says otherwise. Where a formula reads a row that was not supplied,
        nothing is paid.
        """,
        contract="""
        keys: {practice: {}, year: {every: 12 months}, quarter: {every: 3 months, in: year}}
        inputs:
          work: {keys: [practice, quarter], columns: {visits: people}}
          fees: {keys: [practice, year], columns: {fee: GBP per person}}
        quantities:
          - each: [practice, quarter]
            reward: {is: visits * fee, report: true}
        """,
        given="""
        work
        practice | quarter    | visits
        A        | 2026-04-01 | 10
        B        | 2026-04-01 | 20

        fees
        practice | year       | fee
        A        | 2026-04-01 | 12
        """,
        stopped="reward: fees has no row that is needed here: practice B, quarter 2026-04-01",
        fix="supply that row of fees",
    ),
    Spec(
        title="Only the branch that is taken reads",
        text="A row that only another branch of `case` would read may be absent.",
        contract="""
        keys: {practice: {}, year: {every: 12 months}, quarter: {every: 3 months, in: year}}
        inputs:
          work: {keys: [practice, quarter], columns: {visits: people}}
          fees: {keys: [practice, year], columns: {fee: GBP per person}}
        quantities:
          - each: [practice, quarter]
            reward: case when visits > 0 then visits * fee else 0 end
        """,
        given="""
        work
        practice | quarter    | visits
        A        | 2026-04-01 | 10
        B        | 2026-04-01 | 0

        fees
        practice | year       | fee
        A        | 2026-04-01 | 12
        """,
        expect="""
        practice | quarter    | reward
        A        | 2026-04-01 | 120
        B        | 2026-04-01 | 0
        """,
    ),
    Spec(
        title="Optional tables",
        text="""
        Rows of an `optional: true` table may be absent; its columns are then missing, and the formula says what that
        means. The table may be left out altogether.
        """,
        contract="""
        keys: {practice: {}, scheme: {}, year: {every: 12 months}}
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
          claims: {keys: [practice, scheme, year], optional: true, columns: {claimed: people}}
        tables:
          schemes: {keys: [scheme], columns: {}, rows: [[falls], [virtual-ward]], authority: annex A}
        quantities:
          - each: [practice, scheme, year]
            rows: [lists, schemes]
            counted: least(coalesce(claimed, 0), list_size)
        """,
        given="""
        lists
        practice | year       | list_size
        A        | 2026-04-01 | 9000

        claims
        practice | scheme | year       | claimed
        A        | falls  | 2026-04-01 | 70
        """,
        expect="""
        practice | scheme       | year       | counted
        A        | falls        | 2026-04-01 | 70
        A        | virtual-ward | 2026-04-01 | 0
        """,
    ),
    Spec(
        title="A row that nobody reads",
        text="""
        An input row that no row of the contract reads is an error too: a slip in a name would otherwise go
        unpaid.
        """,
        contract="""
        keys: {practice: {}, year: {every: 12 months}}
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
          claims: {keys: [practice, year], optional: true, columns: {claimed: people}}
        quantities:
          - each: [practice, year]
            counted: {is: "least(coalesce(claimed, 0), list_size)", report: true}
        """,
        given="""
        lists
        practice | year       | list_size
        A        | 2026-04-01 | 9000

        claims
        practice | year       | claimed
        A        | 2026-04-01 | 70
        AA       | 2026-04-01 | 12
        """,
        data_refused="1 row is read by no row of the contract: practice AA, year 2026-04-01",
        fix="practice AA is not in lists: add it there, or take these rows out",
    ),
    Spec(
        title="Two required tables of the same keys",
        text="They must have the same rows; where they do not, the differences are listed.",
        contract="""
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
          work: {keys: [practice, year], columns: {visits: people}}
        quantities:
          - each: [practice, year]
            some: {is: visits > list_size, report: true}
        """,
        given="""
        lists
        practice | year       | list_size
        A        | 2026-04-01 | 9000
        B        | 2026-04-01 | 6000

        work
        practice | year       | visits
        A        | 2026-04-01 | 70
        """,
        data_refused="lists has rows that work lacks, and both must have the same: practice B, year 2026-04-01",
        fix="add them to work, or take them out of lists",
    ),
]
