"""Worked examples.

Worked examples are the contract's tests, and part of it: `accord check` settles each and compares it to the last digit.
They are the best place for the cases that people will argue about.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="given and expect",
        text="""
        `given:` holds rows of inputs, `expect:` rows of keys and quantities, under any names. Values are written as
        data writes them: percent times 100, a period by its first day. `source:` says where the figures come from, so
        that an example can be a published case. Optional inputs may be left out.
        """,
        contract="""
        parties: {board: {name: The board}, practice: {each: practice}}
        inputs:
          work: {keys: [practice, year], columns: {list_size: people}}
        parameters:
          rate: {unit: GBP per person, value: 1.76, authority: cl. 2}
        quantities:
          - each: [practice, year]
            supplement: list_size * rate
        payments:
          - {pay: supplement, from: board, to: practice}
        examples:
          - title: A practice of 9,100 people
            source: letter of 3 March 2026, annex B
            given:
              work: [{practice: A, year: 2026-04-01, list_size: 9100}]
            expect:
              supplements: [{practice: A, year: 2026-04-01, supplement: 16016}]
        """,
        given="""
        work
        practice | year       | list_size
        A        | 2026-04-01 | 9100
        """,
        expect="""
        practice | year       | supplement
        A        | 2026-04-01 | 16016
        """,
    ),
    Spec(
        title="Names in examples are checked",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {list_size: people}}
        quantities:
          - each: [practice, year]
            big: {is: list_size > 0, report: true}
        examples:
          - given:
              work: [{practice: A, year: 2026-04-01, list_sise: 9100}]
            expect:
              sizes: [{practice: A, year: 2026-04-01, big: true}]
        """,
        refused="list_sise is not a key or column of work",
        fix="did you mean list_size?",
    ),
]
