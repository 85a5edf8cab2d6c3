"""Keys determine keys.

A key is what a row is about: a practice, a network, a month. A column that holds a key says that the table's keys
*determine* it: `{key: network}` in a table of practices says that each practice has one network. A period determines
the periods that it lies `in`. From this one rule follows what a formula may read.
"""

from __future__ import annotations

from tests.spec.spec import Spec

NETWORKS = """
        members
        practice | year       | network | list_size
        A        | 2026-04-01 | N       | 9000
        B        | 2026-04-01 | N       | 6000
        C        | 2026-04-01 | S       | 5000

        funds
        network | year       | fund
        N       | 2026-04-01 | 30000
        S       | 2026-04-01 | 8000
"""

SPECS = [
    Spec(
        title="Read what the keys determine, gather what is finer",
        text="""
        A formula for each `[practice, year]` may read anything that is one for each practice and year, or coarser: the
        practice's network is known, so the network's fund is known too. What is finer must be gathered, by `sum`,
        `count`, `min`, `max`, `quantile`, `first` or `last`.
        """,
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          members:
            keys: [practice, year]
            columns: {network: {key: network}, list_size: {unit: people, min: 1}}
          funds:
            keys: [network, year]
            columns: {fund: GBP}
        quantities:
          - each: [network, year]
            people_here: sum(list_size)          # gathers the practices of this network
          - each: [practice, year]
            share:                               # reads the fund and the people of its network
              is: case when people_here > 0 then fund * list_size / people_here else 0 end
              round: 0.01 GBP half_up
        """,
        given=NETWORKS,
        expect="""
        network | year       | people_here
        N       | 2026-04-01 | 15000
        S       | 2026-04-01 | 5000

        practice | year       | share
        A        | 2026-04-01 | 18000
        B        | 2026-04-01 | 12000
        C        | 2026-04-01 | 8000
        """,
    ),
    Spec(
        title="Nothing finer without gathering",
        text="In SQL a join would quietly give a row for each practice, and the fund would be paid several times.",
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          members:
            keys: [practice, year]
            columns: {network: {key: network}, list_size: {unit: people, min: 1}}
          funds:
            keys: [network, year]
            columns: {fund: GBP}
        quantities:
          - each: [network, year]
            per_person: {is: fund / list_size, report: true}
        """,
        refused="list_size is one for each [practice, year]; here there is one value for each [network, year]",
        fix="say how to gather it, for example sum(list_size)",
    ),
    Spec(
        title="Nothing gathered that does not belong",
        text="""
        The rows that are gathered must say which row they belong to. Practices do not say which year they are for.
        """,
        contract="""
        inputs:
          practices: {keys: [practice], columns: {beds: {unit: people}}}
        quantities:
          - each: [year]
            all_beds: {is: sum(beds), report: true}
        """,
        refused="rows of [practice] do not say which year they belong to",
        fix="first bring it to rows that know the year",
    ),
    Spec(
        title="Periods lie in periods",
        text="`in:` nests them: a month knows its year, so a sum over the months of a year is just a sum.",
        contract="""
        keys: {practice: {}, year: {every: 12 months}, quarter: {every: 3 months, in: year}}
        inputs:
          work: {keys: [practice, quarter], columns: {visits: people}}
          lists: {keys: [practice, year], columns: {list_size: people}}
        quantities:
          - each: [practice, year]
            visited: sum(visits)
          - each: [practice, quarter]
            seen: visits <= list_size            # the list of the quarter's year
        """,
        given="""
        work
        practice | quarter    | visits
        A        | 2026-04-01 | 100
        A        | 2026-07-01 | 120
        A        | 2026-10-01 | 90
        A        | 2027-01-01 | 140

        lists
        practice | year       | list_size
        A        | 2026-04-01 | 130
        """,
        expect="""
        practice | year       | visited
        A        | 2026-04-01 | 450

        practice | quarter    | seen
        A        | 2026-04-01 | true
        A        | 2026-07-01 | true
        A        | 2026-10-01 | true
        A        | 2027-01-01 | false
        """,
    ),
    Spec(
        title="Membership that changes",
        text="""
        A table with a period among its keys holds a membership that changes with it. Who belongs where is then known
        for each practice and quarter, and not for a practice and year.
        """,
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}, quarter: {every: 3 months, in: year}}
        inputs:
          members: {keys: [practice, quarter], columns: {network: {key: network}, list_size: people}}
        quantities:
          - each: [network, quarter]
            rows: members
            people_here: sum(list_size)
        """,
        given="""
        members
        practice | quarter    | network | list_size
        A        | 2026-04-01 | N       | 9000
        B        | 2026-04-01 | S       | 6000
        A        | 2026-07-01 | N       | 9100
        B        | 2026-07-01 | N       | 6000
        """,
        expect="""
        network | quarter    | people_here
        N       | 2026-04-01 | 9000
        S       | 2026-04-01 | 6000
        N       | 2026-07-01 | 15100
        """,
    ),
    Spec(
        title="A coarser row does not know it",
        text="So a quantity of the practice and year cannot ask for the network: there may have been several.",
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}, quarter: {every: 3 months, in: year}}
        inputs:
          members: {keys: [practice, quarter], columns: {network: {key: network}}}
          lists: {keys: [practice, year], columns: {list_size: people}}
          funds: {keys: [network, year], columns: {fund: GBP}}
        quantities:
          - each: [practice, year]
            half: {is: case when list_size > 0 then fund else 0 end, report: true}
        """,
        refused="fund is one for each [network, year]; here there is one value for each [practice, year]",
        fix="these rows do not nest: define fund for each [practice, year] first",
    ),
    Spec(
        title="Roles, and through",
        text="""
        A key under another name is a *role*: here the network at the year's end, worked out from the last quarter.
        (`key: network` on a quantity says that it holds one.) A role is used only where a group says `through:`, so it
        is always clear by which of several memberships something is counted. A role may be missing; rows that belong
        nowhere must be left out on purpose.
        """,
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}, quarter: {every: 3 months, in: year}}
        inputs:
          members: {keys: [practice, quarter], columns: {network: {key: network}}}
          lists: {keys: [practice, year], columns: {list_size: people}}
          funds: {keys: [network, year], columns: {fund: GBP}}
        quantities:
          - each: [practice, year]
            network_at_end: {is: last(network), key: network}
          - each: [network, year]
            through: network_at_end
            people_at_end: sum(list_size) filter (where network_at_end is not null)
            per_person: case when people_at_end > 0 then fund / people_at_end else 0 end
        """,
        given="""
        members
        practice | quarter    | network
        A        | 2026-04-01 | N
        B        | 2026-04-01 | S
        A        | 2026-07-01 | N
        B        | 2026-07-01 | S
        A        | 2026-10-01 | N
        B        | 2026-10-01 | N
        A        | 2027-01-01 | N
        B        | 2027-01-01 | N

        lists
        practice | year       | list_size
        A        | 2026-04-01 | 9000
        B        | 2026-04-01 | 6000

        funds
        network | year       | fund
        N       | 2026-04-01 | 30000
        S       | 2026-04-01 | 8000
        """,
        expect="""
        practice | year       | network_at_end
        A        | 2026-04-01 | N
        B        | 2026-04-01 | N

        network | year       | people_at_end | per_person
        N       | 2026-04-01 | 15000         | 2
        S       | 2026-04-01 | 0             | 0
        """,
    ),
    Spec(
        title="A role that can be missing",
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          lists:
            keys: [practice, year]
            columns: {network_at_end: {key: network, optional: true}, list_size: people}
          funds: {keys: [network, year], columns: {fund: {unit: GBP, note: paid elsewhere}}}
        quantities:
          - each: [network, year]
            through: network_at_end
            people_at_end: {is: sum(list_size), report: true}
        """,
        refused="network_at_end can be missing, so some rows of [practice, year] belong to no network",
        fix="filter (where network_at_end is not null)",
    ),
    Spec(
        title="An election locked for the agreement",
        text="""
        What is chosen once has no period among its keys: a track elected at the start of an agreement is a column of
        a table for each agreement, and every year of it reads the same.
        """,
        contract="""
        term: {from: 2026-04-01, to: 2028-03-31}
        keys: {practice: {}, agreement: {}, year: {every: 12 months}}
        inputs:
          results: {keys: [practice, year], columns: {agreement: {key: agreement}, saved: GBP}}
          elections: {keys: [agreement], columns: {track: {one_of: [low, high]}}}
        parameters:
          share: {unit: percent, by: track, values: {low: 25, high: 50}, authority: cl. 6}
        quantities:
          - each: [practice, year]
            part: saved * share
        """,
        given="""
        results
        practice | year       | agreement | saved
        A        | 2026-04-01 | A-2026    | 1000
        A        | 2027-04-01 | A-2026    | 1200

        elections
        agreement | track
        A-2026    | high
        """,
        expect="""
        practice | year       | part
        A        | 2026-04-01 | 500
        A        | 2027-04-01 | 600
        """,
    ),
    Spec(
        title="Two ways to one key",
        text="Where two tables say which network a practice has, the contract must say which of them is meant.",
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          members: {keys: [practice, year], columns: {network: {key: network}, list_size: people}}
          contacts: {keys: [practice, year], columns: {network: {key: network}}}
          funds: {keys: [network, year], columns: {fund: {unit: GBP, note: paid elsewhere}}}
        quantities:
          - each: [network, year]
            people_here: {is: sum(list_size), report: true}
        """,
        refused="two ways from [practice, year] to network: members.network, contacts.network",
        fix="give one of them another name, and say through: where it is meant",
    ),
    Spec(
        title="A column of two tables",
        text="Elsewhere a column name that two tables use is written with its table: `plan.spells`.",
        contract="""
        inputs:
          plan: {keys: [practice, year], columns: {spells: people}}
          actual: {keys: [practice, year], columns: {spells: people}}
        quantities:
          - each: [practice, year]
            more: greatest(actual.spells - plan.spells, 0)
        """,
        given="""
        plan
        practice | year       | spells
        A        | 2026-04-01 | 40

        actual
        practice | year       | spells
        A        | 2026-04-01 | 43
        """,
        expect="""
        practice | year       | more
        A        | 2026-04-01 | 3
        """,
    ),
]
