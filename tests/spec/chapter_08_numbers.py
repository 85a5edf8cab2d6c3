"""Numbers.

Numbers are exact. A number is a decimal, or after a division a quotient of two whole numbers; nothing is ever a
floating-point approximation, so 0.1 + 0.2 is 0.3, a tie is a tie, and a sum does not depend on the order of its rows.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="Percent means written times 100",
        text="""
        `unit: percent` says that a value is *written* times 100: 40 is two fifths, in parameters, inputs, scales and
        examples alike. In formulas percent and ratio are the same, so nothing is ever divided by 100.
        """,
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {money: GBP, reached: percent}}
        parameters:
          share: {unit: percent, value: 40, authority: cl. 5}
        quantities:
          - each: [practice, year]
            part: money * share
            rest: {is: 1 - share, unit: percent}
            above: reached > share
        """,
        given="""
        work
        practice | year       | money | reached
        A        | 2026-04-01 | 250   | 39.9
        B        | 2026-04-01 | 250   | 92
        """,
        expect="""
        practice | year       | part | rest | above
        A        | 2026-04-01 | 100  | 60   | false
        B        | 2026-04-01 | 100  | 60   | true
        """,
    ),
    Spec(
        title="A percent column that looks like a ratio",
        text="""
        Official files write 0.92, 92 and 92 %. A percent column whose values all lie between 0 and 1 draws a warning.
        """,
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {reached: percent}}
        quantities:
          - each: [practice, year]
            some: reached > 0
        """,
        given="""
        work
        practice | year       | reached
        A        | 2026-04-01 | 0.92
        B        | 2026-04-01 | 0.88
        """,
        expect="""
        practice | year       | some
        A        | 2026-04-01 | true
        B        | 2026-04-01 | true
        """,
        doubted="column reached: every value lies between 0 and 1, and percent is written times 100 (40 means 40 %)",
        fix="if they are fractions, multiply by 100, or read the file through a reading with times: 100",
    ),
    Spec(
        title="Units",
        text="""
        Units are currencies (GBP, USD …), people, days, months, years, `ratio` (a plain number), and what the contract
        declares under `units:`. Multiplying and dividing combines them, `per` writes a quotient, adding and comparing
        need the same unit, and 0 fits any. Nothing is converted by itself: months and days do not mix. The plural and
        the singular are one unit. A unit on a quantity is checked against its formula; it is needed only where it says
        something.
        """,
        contract="""
        units: [spell]
        inputs:
          work: {keys: [practice, year], columns: {spells: spells, list_size: people, days_in_bed: days}}
        parameters:
          price: {unit: GBP per spell, value: 850, authority: tariff}
          rent:  {unit: GBP per person per year, value: 2, authority: cl. 2}
        quantities:
          - each: [practice, year]
            activity: {is: spells * price, unit: GBP}
            for_rooms: {is: list_size * rent, unit: GBP per year}
            stay: {is: case when spells > 0 then days_in_bed / spells else 0 end, unit: days per spell}
        """,
        given="""
        work
        practice | year       | spells | list_size | days_in_bed
        A        | 2026-04-01 | 4      | 100       | 10
        """,
        expect="""
        practice | year       | activity | for_rooms | stay
        A        | 2026-04-01 | 3400     | 200       | 2.5
        """,
    ),
    Spec(
        title="Units that do not fit",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {list_size: people, money: GBP}}
        quantities:
          - each: [practice, year]
            sum_of_both: {is: list_size + money, report: true}
        """,
        refused="list_size is in people, money in GBP: they cannot be added",
    ),
    Spec(
        title="Renaming a unit on purpose: relabels",
        text="""
        A weighted list counts weighted people, though its formula gives people. `relabels:` says that only the name
        of the thing changes.
        """,
        contract="""
        units: [weighted_people]
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people, need: ratio}}
        parameters:
          price: {unit: GBP per weighted_people, value: 121.90, authority: annex}
        quantities:
          - each: [practice, year]
            weighted_list:
              {is: list_size * need, unit: weighted_people, relabels: people, round: 0.01 weighted_people half_up}
            basic: {is: weighted_list * price, round: 0.01 GBP half_up}
        """,
        given="""
        lists
        practice | year       | list_size | need
        A        | 2026-04-01 | 9000      | 1.0375
        """,
        expect="""
        practice | year       | weighted_list | basic
        A        | 2026-04-01 | 9337.5        | 1138241.25
        """,
    ),
    Spec(
        title="A quotient stays in its row",
        text="""
        `done / due` is kept as it is, unrounded, and can be compared, multiplied and read from finer rows. But before
        it is gathered, ranked, shared out, carried to another period or paid, the contract must say how it is rounded:
        at how many places is what disputes are about.
        """,
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {done: {unit: ratio}, due: {unit: ratio, min: 1}}}
        quantities:
          - each: [year]
            all_shares: {is: sum(done / due), report: true}
        """,
        refused="sum() crosses rows: done / due must be rounded first",
        fix="define it as a quantity with round: …, so that everybody adds the same numbers",
    ),
    Spec(
        title="Rounded, it may leave",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {done: ratio, due: {unit: ratio, min: 1}}}
        quantities:
          - each: [practice, year]
            share: done / due
            two_thirds: share = two / three
            score: {is: share, unit: percent, round: 0.1 percent half_up}
          - each: [year]
            all_scores: {is: sum(score), unit: percent}
        parameters:
          two:   {unit: ratio, value: 2, authority: for this example}
          three: {unit: ratio, value: 3, authority: for this example}
        """,
        given="""
        work
        practice | year       | done | due
        A        | 2026-04-01 | 4    | 6
        B        | 2026-04-01 | 1    | 6
        """,
        expect="""
        practice | year       | share | two_thirds | score
        A        | 2026-04-01 | 2/3   | true       | 66.7
        B        | 2026-04-01 | 1/6   | false      | 16.7

        year       | all_scores
        2026-04-01 | 83.4
        """,
    ),
    Spec(
        title="Six rounding rules",
        text="""
        `round: 0.01 GBP half_up` is a step, its unit and a rule. There is no round() in formulas: a rounding has a name
        and a line of its own, and a payment must have one. The step is any number: 0.5, 10, 1000.
        """,
        contract="""
        keys: {case_no: {}}
        tables:
          cases:
            keys: [case_no]
            columns: {x: ratio}
            rows: [[a, 2.5], [b, 3.5], [c, 2.4], [d, 2.6], [e, -2.5], [f, -3.5], [g, -2.4], [h, -2.6]]
            authority: for this example
        quantities:
          - each: [case_no]
            value: x
            half_up:   {is: x, round: 1 ratio half_up}
            half_even: {is: x, round: 1 ratio half_even}
            down:      {is: x, round: 1 ratio down}
            up:        {is: x, round: 1 ratio up}
            floor:     {is: x, round: 1 ratio floor}
            ceiling:   {is: x, round: 1 ratio ceiling}
        """,
        expect="""
        case_no | value | half_up | half_even | down | up | floor | ceiling
        a       | 2.5   | 3       | 2         | 2    | 3  | 2     | 3
        b       | 3.5   | 4       | 4         | 3    | 4  | 3     | 4
        c       | 2.4   | 2       | 2         | 2    | 3  | 2     | 3
        d       | 2.6   | 3       | 3         | 2    | 3  | 2     | 3
        e       | -2.5  | -3      | -2        | -2   | -3 | -3    | -2
        f       | -3.5  | -4      | -4        | -3   | -4 | -4    | -3
        g       | -2.4  | -2      | -2        | -2   | -3 | -3    | -2
        h       | -2.6  | -3      | -3        | -2   | -3 | -3    | -2
        """,
    ),
    Spec(
        title="Steps that are not a power of ten",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {money: GBP, reached: percent}}
        quantities:
          - each: [practice, year]
            in_tens: {is: money, round: 10 GBP half_even}
            in_quarters: {is: reached, unit: percent, round: 0.25 percent down}
        """,
        given="""
        work
        practice | year       | money | reached
        A        | 2026-04-01 | 125   | 66.6
        B        | 2026-04-01 | 135   | 70.3
        """,
        expect="""
        practice | year       | in_tens | in_quarters
        A        | 2026-04-01 | 120     | 66.5
        B        | 2026-04-01 | 140     | 70.25
        """,
    ),
    Spec(
        title="Nothing is divided by nought",
        text="""
        What can be 0 may not be divided by. The message shows the `case` to paste; there are other ways to
        satisfy it.
        """,
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {done: ratio, due: ratio}}
        quantities:
          - each: [practice, year]
            share: {is: done / due, report: true}
        """,
        refused="due can be 0",
        fix="case when due > 0 then done / due else … end; or min: 1 on the column; or a check that due > 0",
    ),
    Spec(
        title="Every way to divide safely",
        contract="""
        keys: {practice: {}, year: {every: 12 months}}
        inputs:
          work:
            keys: [practice, year]
            columns:
              done:     {unit: ratio, min: 0}
              due:      ratio
              low:      ratio
              list_size: {unit: people, min: 1}          # min: above 0
              money:    {unit: GBP, min: 0}
        parameters:
          usual: {unit: people, value: 7000, authority: cl. 1}    # a parameter above 0
        quantities:
          - each: [practice, year]
            tested:       case when due > 0 then done / due else 0 end        # a condition
            not_nought:   case when due = 0 then 0 else done / due end        # or its opposite
            above_low:    case when due > low then (done - low) / (due - low) else 0 end
            per_person:   money / list_size
            against:      list_size / usual
            of_product:   money / (list_size * usual)                         # a product of such
            by_month:     {is: money / months(year), round: 0.01 GBP per month half_up}    # the length of a period
          - each: [year]
            all_money: sum(money)
            a_share:   all_due / all_money                                    # a check
            all_due:   sum(due)
        checks:
          - {that: all_money > 0, each: [year], else: no money at all}
        """,
        given="""
        work
        practice | year       | done | due | low | list_size | money
        A        | 2026-04-01 | 3    | 4   | 2   | 3500      | 700
        B        | 2026-04-01 | 3    | 0   | 2   | 7000      | 700
        """,
        expect="""
        practice | year       | tested | not_nought | above_low | per_person | against | of_product | by_month
        A        | 2026-04-01 | 0.75   | 0.75       | 0.5       | 0.2        | 0.5     | 1/35000    | 58.33
        B        | 2026-04-01 | 0      | 0          | 0         | 0.1        | 1       | 1/70000    | 58.33

        year       | a_share
        2026-04-01 | 1/350
        """,
    ),
    Spec(
        title="Decimal places of the data",
        text="""
        `places:` on a column is the most decimal places its values may have, `min:` the smallest value, as written.
        A file that holds floating-point numbers is read as the shortest decimals that name them.
        """,
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {money: {unit: GBP, places: 2, min: 0}}}
        quantities:
          - each: [practice, year]
            some: {is: money > 0, report: true}
        """,
        given="""
        work
        practice | year       | money
        A        | 2026-04-01 | 12.345
        """,
        data_refused="row 1, column money: written with more than the 2 decimal places that the contract allows",
        fix="round it where it is made, or raise places: of column money in the contract",
    ),
]
