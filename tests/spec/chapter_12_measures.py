"""Measures as inputs.

An input may come from a measure: a published definition with its own card, which says what its columns are and what
they may be compared with. `measure: name@version` ties the contract to one version of it.
"""

from __future__ import annotations

from accord.language.checker import MeasureCard
from tests.spec.spec import Spec

CARDS = {
    "emergency-admissions@2": MeasureCard(
        "emergency-admissions",
        "2",
        {"observed": "all", "expected": "all", "rate": "the national figure", "upper": "the national figure"},
    )
}

SPECS = [
    Spec(
        title="A measure brings its limits",
        text="""
        Confidence limits are columns of the measure, rounded by its card, so the contract needs no statistics of its
        own.
        """,
        contract="""
        units: [admission]
        inputs:
          admissions:
            measure: emergency-admissions@2
            keys: [practice, year]
            columns: {rate: percent, upper: percent}
        parameters:
          national: {unit: percent, value: 8.1, authority: NHS outcomes framework}
        quantities:
          - each: [practice, year]
            better_than_chance: upper < national
            gap: {is: national - rate, unit: percent}
        """,
        cards=CARDS,
        given="""
        admissions
        practice | year       | rate | upper
        A        | 2026-04-01 | 7.2  | 8.0
        B        | 2026-04-01 | 7.2  | 8.4
        """,
        expect="""
        practice | year       | better_than_chance | gap
        A        | 2026-04-01 | true               | 0.9
        B        | 2026-04-01 | false              | 0.9
        """,
    ),
    Spec(
        title="What a measure may not be compared with",
        text="An indirectly standardised rate cannot rank areas against each other, so a contract cannot either.",
        contract="""
        inputs:
          admissions: {measure: emergency-admissions@2, keys: [practice, year], columns: {rate: percent}}
        quantities:
          - each: [practice, year]
            place: {is: rank() over (partition by year order by rate), report: true}
        """,
        cards=CARDS,
        refused="rate may be compared with the national figure only (its measure says so)",
        fix="an indirectly standardised rate cannot rank areas against each other",
    ),
    Spec(
        title="Without a measure, a column may say so itself",
        contract="""
        inputs:
          admissions:
            keys: [practice, year]
            columns: {rate: {unit: percent, compare: the national figure}}
        parameters:
          half: {unit: percent, value: 50, authority: cl. 2}
        quantities:
          - each: [year]
            middle: {is: "quantile(rate, half)", report: true}
        """,
        refused="rate may be compared with the national figure only (its measure says so)",
        fix="an indirectly standardised rate cannot rank areas against each other",
    ),
    Spec(
        title="Columns it does not give",
        contract="""
        inputs:
          admissions: {measure: emergency-admissions@2, keys: [practice, year], columns: {observd: ratio}}
        quantities:
          - each: [practice, year]
            some: {is: observd > 0, report: true}
        """,
        cards=CARDS,
        refused="measure emergency-admissions@2 gives no observd",
        fix="did you mean observed?",
    ),
]
