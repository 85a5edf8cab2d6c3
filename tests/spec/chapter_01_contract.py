"""What a contract is.

A contract names what its rows are about (`keys`), the data it reads (`inputs`), its own figures (`parameters`,
`tables`), what it computes (`quantities`), what must hold (`checks`) and who pays whom (`payments`).
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="A whole contract",
        text="""
        A board pays practices for reviews of people with long-term conditions: an amount for each review, and half
        as much again to a practice that reached nine in ten. Read it from the top.
        """,
        contract="""
        accord: 1                                  # the version of the language
        contract: review-supplement                # a short name
        title: Supplement for annual reviews
        currency: GBP
        term: {from: 2026-04-01, to: 2028-03-31}   # first and last day
        units: [review]                            # besides currencies, people and time

        keys:                                      # what rows are about
          practice: {}
          year: {every: 12 months}                 # a period is a key with dates

        parties:
          board: {name: Exampleshire Integrated Care Board}
          practice: {each: practice}               # one party for each practice

        inputs:                                    # data from outside
          work:
            keys: [practice, year]                 # one row for each practice and year
            columns:
              due:  {unit: reviews, min: 0}
              done: {unit: reviews, min: 0}

        parameters:                                # the contract's figures, each with its source
          fee:    {unit: GBP per review, value: 18.50, authority: schedule 2}
          target: {unit: percent, value: 90, authority: cl. 4.2}
          extra:  {unit: percent, value: 50, authority: cl. 4.3, status: verified}

        quantities:                                # what is computed
          - title: What was done
            each: [practice, year]                 # one value for each practice and year
            share: {is: case when due > 0 then done / due else 0 end, unit: percent, report: true}
            reached: share >= target
          - title: What is paid
            each: [practice, year]
            fees: done * fee
            reward:
              is: fees + case when reached then fees * extra else 0 end
              round: 0.01 GBP half_up
              clause: cl. 4

        checks:                                    # what must hold, or nothing is paid
          - {that: done <= due, each: [practice, year], else: more reviews done than were due}

        payments:                                  # who pays whom
          - {pay: reward, from: board, to: practice}

        examples:                                  # worked examples are the contract's tests
          - title: Nine in ten is enough
            source: by hand - 90 reviews at 18.50 and half as much again
            given: {work: [{practice: A, year: 2026-04-01, due: 100, done: 90}]}
            expect: {rewards: [{practice: A, year: 2026-04-01, reward: 2497.50}]}
        """,
        given="""
        work
        practice | year       | due | done
        A        | 2026-04-01 | 100 | 90
        B        | 2026-04-01 | 80  | 71
        """,
        expect="""
        practice | year       | share | reached | fees    | reward
        A        | 2026-04-01 | 90    | true    | 1665    | 2497.50
        B        | 2026-04-01 | 88.75 | false   | 1313.50 | 1313.50
        """,
        payments="""
        quantity | payer_party | payer | receiver_party | receiver | amount
        reward   | board       |       | practice       | A        | 2497.50
        reward   | board       |       | practice       | B        | 1313.50
        """,
    ),
    Spec(
        title="How the text is read",
        text="""
        The file is YAML with a closed vocabulary (*Every word* lists it), and every value is read as the text that
        stands there: `clause: 4.10` stays 4.10. Remarks follow `#`. A few things of YAML are worth knowing:

        - A comma ends a value inside `{ }` and `[ ]`. A formula or text with a comma goes into quotes, or on a line
          of its own.
        - A text with a colon and a space in it (`cl. 5: fees`) goes into quotes.
        - A value cannot begin with `%`, `@`, `*` or `&`. The unit is called `percent`.
        - A long formula may go on over several lines, if these are indented further.
        - Names are lower-case letters, digits and `_`. Every name means one thing in the whole contract: a column and
          a quantity cannot share one.
        - Dates are written 2026-04-01. Flags are `true` and `false`. Numbers may group their digits: `500_000`.
        """,
    ),
    Spec(
        title="A quantity is a formula, or says more",
        text="""
        Most quantities are a name and a formula. One that says more is a mapping: `is:` is then its formula. The order
        is yours: Accord works out what must be computed first.
        """,
        contract="""
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
        parameters:
          rate: {unit: GBP per person, value: 1.76, authority: cl. 2}
        quantities:
          - each: [practice, year]
            supplement: {is: full / months(year), unit: GBP per month, round: 0.01 GBP per month down, note: a month}
            full: list_size * rate
        """,
        given="""
        lists
        practice | year       | list_size
        A        | 2026-04-01 | 9100
        """,
        expect="""
        practice | year       | full  | supplement
        A        | 2026-04-01 | 16016 | 1334.66
        """,
    ),
    Spec(
        title="Formulas are scalar SQL",
        text="""
        A formula is read for one row at a time. It has SQL's operators, comparisons, conditions and `case`, and a
        short list of functions (*Every operator and function* has them all); capitals do not matter in `CASE`, `AND`
        and their like. Texts stand in single quotes.
        """,
        contract="""
        inputs:
          work:
            keys: [practice, year]
            columns:
              visits: people
              list_size: people
              sort: {one_of: [rural, urban, mixed]}
              joined: date
              open: flag
        parameters:
          deadline: {type: date, value: 2026-09-30, authority: cl. 1}
          few:      {unit: people, value: 10, authority: cl. 2}
          many:     {unit: people, value: 90, authority: cl. 2}
        quantities:
          - each: [practice, year]
            not_seen: abs(list_size - visits)
            most: greatest(visits, list_size - visits)
            usual: visits between few and many
            outside_town: sort in ('rural', 'mixed')
            in_time: joined <= deadline and not (sort = 'urban' and open)
            size: case when visits < few then 'small' when visits < many then 'middling' else 'large' end
            weight: case sort when 'rural' then 1 else 0 end
            is_a: practice = 'A'
        """,
        given="""
        work
        practice | year       | visits | list_size | sort  | joined     | open
        A        | 2026-04-01 | 9      | 100       | rural | 2026-04-01 | true
        B        | 2026-04-01 | 90     | 80        | urban | 2026-05-01 | true
        """,
        expect="""
        practice | year       | not_seen | most | usual | outside_town | in_time | size  | weight | is_a
        A        | 2026-04-01 | 91       | 91   | false | true         | true    | small | 1      | true
        B        | 2026-04-01 | 10       | 90   | true  | false        | false   | large | 0      | false
        """,
    ),
    Spec(
        title="What must be used",
        text="""
        A quantity that nothing reads and nobody is paid is most often a slip of the pen, so it is refused; one that is
        there to be read by people says `report: true`. Likewise a parameter or a column that no formula reads (a
        column that the record must carry says why in `note:`).
        """,
        contract="""
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
        quantities:
          - each: [practice, year]
            twice: list_size + list_size
        """,
        refused="quantity twice is neither paid nor used",
        fix="report: true if it is there to be read",
    ),
    Spec(
        title="Titles, clauses and notes",
        text="""
        `title:` of a group is a section heading of the printed schedule; `clause:` says which words of the agreement a
        quantity puts into numbers; `note:` is a remark. They can be corrected without changing what the contract
        means: Accord prints two hashes, one of the bytes that were signed and one of the meaning, and only the first
        changes.
        """,
    ),
    Spec(
        title="Trying it",
        text="""
        [tutorial.md](tutorial.md) goes through a first contract step by step.
        `accord new my-contract` writes a commented start and blank input files; `accord check my-contract` says whether
        it can be settled, and if not, what to mend; `accord show my-contract` prints the schedule; `accord settle
        my-contract --data my-contract/data` settles it over one CSV file an input; `accord explain` shows the way to
        one number. [commands.md](commands.md) has every command, [glossary.md](glossary.md) the terms.
        """,
    ),
]
