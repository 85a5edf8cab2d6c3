"""Variations.

A variation is a short file that changes a contract: it names its base by hash, and what it replaces, adds or removes.
It is put together with its base before anything is checked, and what is signed is the whole text that comes out. A
changed text is another contract; to try out another figure without one, `accord settle --set parameter=value`.
"""

from __future__ import annotations

from tests.spec.spec import Spec

BASE = """
contract: supplement
term: {from: 2026-04-01, to: 2028-03-31}
parties: {board: {name: The board}, practice: {each: practice}}
inputs:
  work: {keys: [practice, year], columns: {list_size: people}}
parameters:
  rate: {unit: GBP per person, value: 1.76, authority: cl. 2}
quantities:
  - each: [practice, year]
    supplement: {is: list_size * rate, round: 0.01 GBP half_up}
payments:
  - {pay: supplement, from: board, to: practice}
"""

DATED = BASE.replace(
    "value: 1.76, authority: cl. 2}",
    """authority: cl. 2, dated: [{from: 2026-04-01, value: 1.76}, {from: 2027-04-01, value: 1.85}]}""",
)

WITH_EXAMPLE = (
    BASE
    + """examples:
  - title: One practice
    given: {work: [{practice: A, year: 2026-04-01, list_size: 1000}]}
    expect: {it: [{practice: A, year: 2026-04-01, supplement: 1760}]}
"""
)

GIVEN = """
        work
        practice | year       | list_size
        A        | 2026-04-01 | 9000
        A        | 2027-04-01 | 9100
"""

SPECS = [
    Spec(
        title="The base of these examples",
        text="It stands beside them as `base.yaml`.",
        contract=BASE,
        given=GIVEN,
        expect="""
        practice | year       | supplement
        A        | 2026-04-01 | 15840
        A        | 2027-04-01 | 16016
        """,
    ),
    Spec(
        title="Replace, add, remove",
        text="""
        Paths name entries: a parameter or quantity by its name (wherever its group stands), a payment by what it pays,
        a notice by when, a check or an example also by its number. A replaced figure has the variation's
        `authority:`, and is unverified until somebody has compared it. Added entries stand as they would in the
        contract. The hash of the base is the `signed_hash` of `accord check BASE --json`.
        """,
        base=BASE,
        contract="""
        accord: 1
        variation: supplement-north
        of: base.yaml
        base_hash: BASE_HASH
        authority: deed of variation 1
        replace:
          parameters.rate.value: 1.85
        add:
          parameters:
            floor: {unit: GBP, value: 17_000, authority: deed of variation 1}
          quantities:
            - each: [practice, year]
              reward: greatest(supplement, floor)
          payments:
            - {pay: reward, from: board, to: practice}
        remove:
          - payments.supplement
        """,
        given=GIVEN,
        expect="""
        practice | year       | supplement | reward
        A        | 2026-04-01 | 16650      | 17000
        A        | 2027-04-01 | 16835      | 17000
        """,
        payments="""
        quantity | receiver | amount
        reward   | A        | 17000
        reward   | A        | 17000
        """,
    ),
    Spec(
        title="A change inside the term",
        text="""
        With `from:`, a replaced value or formula becomes one more dated entry: until that day the base holds, and
        what the base says of later days stays. Only values and formulas change inside the term; what
        they need may be added.
        """,
        base=BASE,
        contract="""
        accord: 1
        variation: supplement-2027
        of: base.yaml
        base_hash: BASE_HASH
        authority: letter of 3 March 2027
        from: 2027-04-01
        replace:
          parameters.rate.value: 1.85
        """,
        given=GIVEN,
        expect="""
        practice | year       | supplement
        A        | 2026-04-01 | 15840
        A        | 2027-04-01 | 16835
        """,
    ),
    Spec(
        title="Figures that the base says by dates",
        text="""
        A dated figure has no single value to replace. What replaces all of its entries is a list that begins on the
        same first day; one entry has its number, counted in the base.
        """,
        base=DATED,
        contract="""
        accord: 1
        variation: supplement-north
        of: base.yaml
        base_hash: BASE_HASH
        replace:
          parameters.rate.dated: [{from: 2026-04-01, value: 2, authority: deed of variation 2}]
        """,
        given=GIVEN,
        expect="""
        practice | year       | supplement
        A        | 2026-04-01 | 18000
        A        | 2027-04-01 | 18200
        """,
    ),
    Spec(
        title="A dated figure has no single value",
        base=DATED,
        contract="""
        accord: 1
        variation: supplement-north
        of: base.yaml
        base_hash: BASE_HASH
        replace:
          parameters.rate.value: 2
        """,
        refused="rate is dated in the base: its figures begin on 2026-04-01, 2027-04-01",
        fix="parameters.rate.dated: [{from: 2026-04-01, value: …}] in place of all of them, or "
        "parameters.rate.dated.1.value: … for the first alone",
    ),
    Spec(
        title="Worked examples of the base",
        text="""
        They are tests of the base's figures, so a variation that changes a figure makes some of them fail. It takes
        those out by their number in the base, which the refusal gives, and may say examples of its own.
        """,
        base=WITH_EXAMPLE,
        contract="""
        accord: 1
        variation: supplement-north
        of: base.yaml
        base_hash: BASE_HASH
        replace:
          parameters.rate.value: 1.85
        remove: [examples.1]
        add:
          examples:
            - title: At the new rate
              given: {work: [{practice: A, year: 2026-04-01, list_size: 1000}]}
              expect: {it: [{practice: A, year: 2026-04-01, supplement: 1850}]}
        """,
        given=GIVEN,
        expect="""
        practice | year       | supplement
        A        | 2026-04-01 | 16650
        A        | 2027-04-01 | 16835
        """,
    ),
    Spec(
        title="A base that has moved on",
        text="""
        A variation of a text that has been changed since is refused, so that nobody varies what they have not
        read.
        """,
        base=BASE,
        contract="""
        accord: 1
        variation: supplement-2027
        of: base.yaml
        base_hash: 0000000000000000000000000000000000000000000000000000000000000000
        replace:
          parameters.rate.value: 1.85
        """,
        refused="the base base.yaml is not the text this variation was written for: its hash is BASE_HASH",
        fix="read what has changed (accord diff), then set base_hash to the new hash",
    ),
    Spec(
        title="Entries that are not there",
        base=BASE,
        contract="""
        accord: 1
        variation: supplement-2027
        of: base.yaml
        base_hash: BASE_HASH
        replace:
          parameters.rat.value: 1.85
        """,
        refused="parameters has no rat to change",
        fix="did you mean rate?",
    ),
]
