"""Scales.

A scale is a parameter that is a function of a number: a risk corridor is `corridor(savings_rate)`. `of:` gives the unit
of what it is applied to, not a name, so that one scale serves gains and losses, and several columns.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="Steps",
        text="`step`: each value holds from its x on (x itself included) up to the next.",
        contract="""
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
        parameters:
          fee:
            scale: step
            of: people
            unit: GBP
            points: [[0, 500], [5000, 800], [10000, 1000]]
            authority: annex
        quantities:
          - each: [practice, year]
            pays: fee(list_size)
        """,
        given="""
        lists
        practice | year       | list_size
        A        | 2026-04-01 | 4999
        B        | 2026-04-01 | 5000
        C        | 2026-04-01 | 90000
        """,
        expect="""
        practice | year       | pays
        A        | 2026-04-01 | 500
        B        | 2026-04-01 | 800
        C        | 2026-04-01 | 1000
        """,
    ),
    Spec(
        title="Straight lines between points",
        text="""
        `linear`: exact at each point, in proportion between. Outside the points there is no value, and the settlement
        stops, unless the scale says `below: hold` or `above: hold`. The result is a quotient, to be rounded before it
        leaves its row.
        """,
        contract="""
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
        parameters:
          noise:
            scale: linear
            of: people
            unit: percent
            above: hold
            points: [[1000, 12], [4000, 6], [10000, 4]]
            authority: annex
        quantities:
          - each: [practice, year]
            margin: {is: noise(list_size), unit: percent}
        """,
        given="""
        lists
        practice | year       | list_size
        A        | 2026-04-01 | 1000
        B        | 2026-04-01 | 2000
        C        | 2026-04-01 | 5000
        D        | 2026-04-01 | 30000
        """,
        expect="""
        practice | year       | margin
        A        | 2026-04-01 | 12
        B        | 2026-04-01 | 10
        C        | 2026-04-01 | 17/3
        D        | 2026-04-01 | 4
        """,
    ),
    Spec(
        title="Outside the scale",
        contract="""
        inputs:
          lists: {keys: [practice, year], columns: {list_size: people}}
        parameters:
          noise: {scale: linear, of: people, unit: percent, points: [[1000, 12], [4000, 6]], authority: annex}
        quantities:
          - each: [practice, year]
            margin: {is: noise(list_size), unit: percent, report: true}
        """,
        given="""
        lists
        practice | year       | list_size
        A        | 2026-04-01 | 999
        """,
        stopped="margin: noise does not say what holds below its first point: practice A, year 2026-04-01",
        fix="add points, or say below: hold",
    ),
    Spec(
        title="Bands, each at its own rate",
        text="""
        `marginal`: `bands` of [up to, rate], the last one `above`. Each part of the number is multiplied by the rate
        of its own band, as with income tax, so the unit of the result is rate times argument: here, percent of money is
        money. Below 0 there is no value.
        """,
        contract="""
        inputs:
          results: {keys: [practice, year], columns: {saved: GBP}}
        parameters:
          kept:
            scale: marginal
            of: GBP
            unit: percent
            bands: [[1000, 100], [5000, 50], [above, 10]]
            authority: annex
        quantities:
          - each: [practice, year]
            keeps: {is: kept(saved), round: 0.01 GBP half_up}
        """,
        given="""
        results
        practice | year       | saved
        A        | 2026-04-01 | 800
        B        | 2026-04-01 | 1000
        C        | 2026-04-01 | 3000
        D        | 2026-04-01 | 6000.55
        """,
        expect="""
        practice | year       | keeps
        A        | 2026-04-01 | 800
        B        | 2026-04-01 | 1000
        C        | 2026-04-01 | 2000
        D        | 2026-04-01 | 3100.06
        """,
    ),
    Spec(
        title="One scale for gain and loss, one for each track",
        text="Apply it to the size of the loss, and give the sign back. `by:` works as for any parameter.",
        contract="""
        inputs:
          results: {keys: [practice, year], columns: {track: {one_of: [basic, enhanced]}, savings_rate: percent}}
        parameters:
          corridor:
            scale: marginal
            of: percent
            unit: percent
            by: track
            bands:
              basic: [[5, 40], [above, 20]]
              enhanced: [[10, 75], [above, 50]]
            authority: annex
        quantities:
          - each: [practice, year]
            kept_rate:
              is: case when savings_rate >= 0 then corridor(savings_rate) else -corridor(-savings_rate) end
              unit: percent
        """,
        given="""
        results
        practice | year       | track    | savings_rate
        A        | 2026-04-01 | basic    | 7
        B        | 2026-04-01 | enhanced | 7
        C        | 2026-04-01 | enhanced | -12
        """,
        expect="""
        practice | year       | kept_rate
        A        | 2026-04-01 | 2.4
        B        | 2026-04-01 | 5.25
        C        | 2026-04-01 | -8.5
        """,
    ),
    Spec(
        title="A scale knows its unit",
        contract="""
        inputs:
          results: {keys: [practice, year], columns: {saved: GBP}}
        parameters:
          corridor: {scale: step, of: percent, unit: percent, points: [[0, 40], [5, 20]], authority: annex}
        quantities:
          - each: [practice, year]
            rate: {is: corridor(saved), report: true}
        """,
        refused="corridor is a scale of percent; saved is in GBP",
    ),
]
