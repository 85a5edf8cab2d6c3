"""What is refused, and why.

A contract from a stranger can be opened safely, and a signed one means one thing. So the language is closed: what is
not on this page is refused. Every message says where (file, line and column), what is wrong, and what to write instead;
all problems are shown at once, and none that merely follows from another.
"""

from __future__ import annotations

from accord.language.formula import FUNCTIONS
from tests.spec.spec import Spec

INPUT = """
        inputs:
          work: {keys: [practice, year], columns: {visits: people, list_size: {unit: people, min: 1}}}
        quantities:
          - each: [practice, year]
"""


def refused(title: str, formula: str, message: str, fix: str, text: str = "") -> Spec:
    return Spec(
        title=title,
        text=text,
        contract=INPUT + f"            answer: {{is: {formula}, report: true}}\n",
        refused=message,
        fix=fix,
    )


KNOWN = ", ".join(sorted(FUNCTIONS))

SPECS = [
    refused(
        "Functions of your own, files, commands",
        "read_csv(visits)",
        "there is no function read_csv",
        f"the functions are: {KNOWN}",
        "There are the functions of *Every operator and function*, and no others.",
    ),
    refused("A clock", "now()", "there is no function now", "a contract has no clock: read a date from an input"),
    refused("Chance", "random()", "there is no function random", "a contract has no chance in it"),
    refused(
        "if()",
        '"if(visits > 0, visits, 0)"',
        "there is no function if",
        "case when … then … else … end",
        "One way to say a thing: SQL's `case`.",
    ),
    refused(
        "round() in a formula",
        '"round(visits, 2)"',
        "there is no function round",
        "a rounding has a line of its own: {is: …, round: 0.01 GBP half_up}",
    ),
    refused(
        "avg()",
        "avg(visits)",
        "there is no function avg",
        "an average is a quotient of two sums: sum(x) / count(…)",
        "A mean of what, weighted by what? A quotient says so.",
    ),
    refused(
        "Comparisons that chain",
        "0 < visits < list_size",
        "comparisons do not chain",
        "join two comparisons with and: a < b and b < c",
    ),
    refused(
        "Two names side by side",
        "visits list_size",
        "'list_size' does not follow from what is before it",
        "two names side by side need an operator between them",
        "In SQL the second would silently become a new name for the first.",
    ),
    refused(
        "SQL comments",
        "visits -- all of them",
        "-- would be a comment in SQL",
        "put remarks in note:, or in a YAML comment after #",
        "To a reader of SQL the rest would not count; so it may not stand there.",
    ),
    refused(
        "Flags as numbers",
        "visits * (visits > 0)",
        "visits > 0 is a flag; * needs numbers",
        "case when visits > 0 then … else … end",
    ),
    refused(
        "Gathering inside gathering",
        "sum(sum(visits))",
        "sum() has nothing to gather: there is already one value for each [practice, year]",
        "use the value itself",
    ),
    refused(
        "Unknown names",
        "vists / list_size",
        "nothing is called vists",
        "did you mean visits?",
        "The nearest known name is suggested.",
    ),
    Spec(
        title="Several at once",
        text="""
        All that is wrong is said together, each with its place. What would merely follow from another problem is
        not said: here `twice` reads `reward`, and nothing is said about it.
        """,
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {visits: people, list_size: people}}
        parameters:
          fee: {unit: GBP per person, value: 12.50, autority: cl. 2}
          share: {unit: percent, value: 40%, authority: cl. 3}
        quantities:
          - each: [practice, year]
            reward: visits * fe
            twice: {is: reward + reward, report: true}
            part: {is: visits / list_size, report: true}
        """,
        refused="autority is not an entry of a parameter",
        fix="did you mean authority?",
        also=(
            ("40% is not a number, which share is", "write percent values without %"),
            ("nothing is called fe", "did you mean fee?"),
            (
                "list_size can be 0",
                "case when list_size > 0 then visits / list_size else … end; or min: 1 on the column; "
                "or a check that list_size > 0",
            ),
        ),
    ),
    Spec(
        title="YAML that is more than data",
        text="""
        Anchors, aliases and merge keys (which can make a small file enormous), tags (which can make a text into an
        object), keys written twice, tabs, more than one document, nesting deeper than 30, and files over 2 MB are
        refused.
        """,
        contract="""
        inputs:
          work: &work {keys: [practice, year], columns: {visits: people}}
          more: *work
        quantities: []
        """,
        refused="YAML anchors and aliases (& and *) are not part of the language",
        fix="write it out",
    ),
    Spec(
        title="A word twice",
        contract="""
        parameters:
          rate: {unit: GBP per person, value: 1.76, authority: cl. 2}
          rate: {unit: GBP per person, value: 1.85, authority: cl. 3}
        quantities: []
        """,
        refused="rate is written twice; it was first written on line 7",
        fix="rename one, or remove it",
    ),
    Spec(
        title="A comma inside { }",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {visits: people}}
        quantities:
          - each: [practice, year]
            some: {is: least(visits, visits), report: true}
        """,
        refused="visits) stands here without a value",
        fix="a comma inside { } or [ ] ends the value: put the value in quotes, or on a line of its own without { }",
    ),
    Spec(
        title="A name for two things",
        contract="""
        inputs:
          work: {keys: [practice, year], columns: {visits: people}}
        quantities:
          - each: [practice, year]
            practice: {is: visits, report: true}
        """,
        refused="practice names both a key and a quantity",
        fix="every name in a contract means one thing: rename one",
    ),
    Spec(
        title="Files elsewhere",
        text="A table's file stands beside the contract: no path, no address, no link.",
        contract="""
        keys: {indicator: {}}
        tables:
          indicators: {keys: [indicator], columns: {points: ratio}, file: ../secret.csv, authority: annex D}
        quantities:
          - each: [indicator]
            most: {is: points, report: true}
        """,
        refused="'../secret.csv' is not the name of a CSV file beside the contract",
        fix="for example indicators.csv",
    ),
    Spec(
        title="Limits",
        text="""
        - A term of at most 200 years, a period of at most 1,200 months.
        - A formula of at most 20,000 characters that nests at most 60 deep; longer ones are split into named
          quantities.
        - Written numbers of at most 60 characters, without exponents (1e6) and thousands commas.
        - A loop through `prior` turns on one period; two loops at once are refused.
        - No subqueries, joins, windows other than `rank()`, templates, includes or user-defined functions.
        """,
    ),
]
