"""Formulas that change on a date.

When the rule itself changes, and not only its figures, the quantity has dated formulas. Each holds from its day until
the next begins, on the first day of the row's period, and may use figures that exist only then.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="Dated formulas",
        contract="""
        term: {from: 2026-04-01, to: 2028-03-31}
        inputs:
          work: {keys: [practice, year], columns: {list_size: people, visits: people}}
        parameters:
          rate: {unit: GBP per person, value: 2, authority: cl. 2}
          fee:  {unit: GBP per person, authority: cl. 2a, dated: [{from: 2027-04-01, value: 11}]}
        quantities:
          - each: [practice, year]
            reward:
              dated:
                - {from: 2026-04-01, is: list_size * rate}
                - {from: 2027-04-01, is: visits * fee}
        """,
        given="""
        work
        practice | year       | list_size | visits
        A        | 2026-04-01 | 1000      | 150
        A        | 2027-04-01 | 1000      | 150
        """,
        expect="""
        practice | year       | reward
        A        | 2026-04-01 | 2000
        A        | 2027-04-01 | 1650
        """,
    ),
    Spec(
        title="They change with a period",
        text="A rule that changes inside a year cannot be settled by the year, as with figures.",
        contract="""
        term: {from: 2026-04-01, to: 2028-03-31}
        inputs:
          work: {keys: [practice, year], columns: {list_size: people, visits: people}}
        quantities:
          - each: [practice, year]
            counted:
              dated: [{from: 2026-04-01, is: list_size}, {from: 2026-10-01, is: visits}]
              report: true
        """,
        refused="counted changes on 2026-10-01, inside the year that begins 2026-04-01",
        fix="let the formula begin with a year, or use a shorter period",
    ),
    Spec(
        title="They begin with the first period",
        contract="""
        term: {from: 2026-04-01, to: 2028-03-31}
        inputs:
          work: {keys: [practice, year], columns: {visits: people}}
        quantities:
          - each: [practice, year]
            seen: {dated: [{from: 2027-04-01, is: visits}], report: true}
        """,
        refused="seen has no formula before 2027-04-01, and the periods begin on 2026-04-01",
        fix="begin with from: 2026-04-01",
    ),
]
