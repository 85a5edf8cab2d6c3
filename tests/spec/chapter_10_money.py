"""Checks, payments, parties and notices.

What is computed only matters for what is then paid, stopped, or put before a person.
"""

from __future__ import annotations

from tests.spec.spec import Spec

SPECS = [
    Spec(
        title="Checks",
        text="""
        A check is a condition that must hold on every row of its keys. If it does not, the settlement stops, lists the
        rows, and writes nothing. A check such as `x > 0` also allows to divide by x.
        """,
        contract="""
        keys: {practice: {}, network: {}, year: {every: 12 months}}
        inputs:
          agreed: {keys: [practice, year], columns: {network: {key: network}, part: percent}}
        quantities:
          - each: [network, year]
            rows: agreed
            parts: {is: sum(part), unit: percent, report: true}
        checks:
          - {that: parts = 1, each: [network, year], else: the agreed parts do not add up}
        """,
        given="""
        agreed
        practice | year       | network | part
        A        | 2026-04-01 | N       | 60
        B        | 2026-04-01 | N       | 39
        """,
        stopped="the agreed parts do not add up: network N, year 2026-04-01",
        fix="the contract wants parts = 1: correct the data",
    ),
    Spec(
        title="Parties and payments",
        text="""
        A party is one body (`name:`) or one for each value of a key (`each:`). A payment names a quantity and who owes
        it to whom; the keys of its rows must say which party. It must be money of the contract's currency, rounded,
        and never missing. `paid_to:` names a column with the body that gets the money in a party's place, `stream:` the
        payment stream, `due:` when.
        """,
        contract="""
        keys: {practice: {}, network: {}, body: {}, year: {every: 12 months}}
        parties:
          board: {name: Exampleshire Integrated Care Board}
          network: {each: network, paid_to: account_holder}
        inputs:
          networks: {keys: [network, year], columns: {account_holder: {key: body}}}
          members: {keys: [practice, year], columns: {network: {key: network}, list_size: people}}
        parameters:
          fee: {unit: GBP per person, value: 1.761, authority: cl. 2}
        quantities:
          - each: [network, year]
            support: {is: sum(list_size) * fee, round: 0.01 GBP half_up}
        payments:
          - {pay: support, from: board, to: network, stream: core, due: 30 days after the year ends}
        """,
        given="""
        networks
        network | year       | account_holder
        N       | 2026-04-01 | Riverside Surgery
        S       | 2026-04-01 | Hill Federation
        W       | 2026-04-01 | Western Trust

        members
        practice | year       | network | list_size
        A        | 2026-04-01 | N       | 1001
        B        | 2026-04-01 | S       | 500
        """,
        expect="""
        network | year       | support
        N       | 2026-04-01 | 1762.76
        S       | 2026-04-01 | 880.50
        W       | 2026-04-01 | 0
        """,
        payments="""
        quantity | stream | receiver | payee             | amount  | due
        support  | core   | N        | Riverside Surgery | 1762.76 | 30 days after the year ends
        support  | core   | S        | Hill Federation   | 880.50  | 30 days after the year ends
        support  | core   | W        | Western Trust     | 0       | 30 days after the year ends
        """,
    ),
    Spec(
        title="A payment that is not rounded",
        contract="""
        parties: {board: {name: The board}, practice: {each: practice}}
        inputs:
          work: {keys: [practice, year], columns: {money: GBP}}
        quantities:
          - each: [practice, year]
            monthly: money / months(year) * one_month
        parameters:
          one_month: {unit: months, value: 1, authority: cl. 2}
        payments:
          - {pay: monthly, from: board, to: practice}
        """,
        refused="payment monthly is not rounded",
        fix="round: 0.01 GBP half_up",
    ),
    Spec(
        title="A payment to nobody in particular",
        contract="""
        parties: {board: {name: The board}, practice: {each: practice}}
        inputs:
          work: {keys: [practice, year], columns: {money: GBP}}
        quantities:
          - each: [year]
            all_money: sum(money)
        payments:
          - {pay: all_money, from: board, to: practice}
        """,
        refused="payment all_money of [year] does not say which practice",
    ),
    Spec(
        title="Money that flows back",
        text="""
        A negative amount is an error, unless the payment says `negative: reverse`: then it is owed the other
        way.
        """,
        contract="""
        parties: {board: {name: The board}, provider: {each: practice}}
        inputs:
          results: {keys: [practice, year], columns: {planned: GBP, actual: GBP}}
        parameters:
          share: {unit: percent, value: 50, authority: cl. 5}
        quantities:
          - each: [practice, year]
            settle_up: {is: (actual - planned) * share, round: 0.01 GBP half_up}
        payments:
          - {pay: settle_up, from: board, to: provider, negative: reverse}
        """,
        given="""
        results
        practice | year       | planned | actual
        A        | 2026-04-01 | 1000    | 1100
        B        | 2026-04-01 | 1000    | 940
        """,
        expect="""
        practice | year       | settle_up
        A        | 2026-04-01 | 50
        B        | 2026-04-01 | -30
        """,
        payments="""
        quantity  | payer_party | payer | receiver_party | receiver | amount
        settle_up | board       |       | provider       | A        | 50
        settle_up | provider    | B     | board          |          | 30
        """,
    ),
    Spec(
        title="Without reverse",
        contract="""
        parties: {board: {name: The board}, provider: {each: practice}}
        inputs:
          results: {keys: [practice, year], columns: {planned: GBP, actual: GBP}}
        quantities:
          - each: [practice, year]
            settle_up: actual - planned
        payments:
          - {pay: settle_up, from: board, to: provider}
        """,
        given="""
        results
        practice | year       | planned | actual
        B        | 2026-04-01 | 1000    | 940
        """,
        stopped="settle_up: a payment is below 0: practice B, year 2026-04-01",
        fix="if it may flow back, say negative: reverse; otherwise hold it at 0 with greatest(…, 0)",
    ),
    Spec(
        title="Notices",
        text="""
        A notice is a proposal for a person, never an act: for each row where its flag holds, it names the party it is
        about, the days it gives (a quantity or parameter) and what it rests on, `statutory` or `policy`.
        """,
        contract="""
        parties: {board: {name: The board}, practice: {each: practice}}
        inputs:
          results: {keys: [practice, year], columns: {reached: percent}}
        parameters:
          standard: {unit: percent, value: 40, authority: cl. 11}
          to_answer: {unit: days, value: 28, authority: cl. 12}
        quantities:
          - each: [practice, year]
            below: reached < standard
        notices:
          - {when: below, about: practice, notice: remedial notice, days: to_answer, power: policy}
        """,
        given="""
        results
        practice | year       | reached
        A        | 2026-04-01 | 39.9
        B        | 2026-04-01 | 40
        """,
        expect="""
        practice | year       | below
        A        | 2026-04-01 | true
        B        | 2026-04-01 | false
        """,
        notices="""
        notice          | party    | member | days | power
        remedial notice | practice | A      | 28   | policy
        """,
    ),
]
