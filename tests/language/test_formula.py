"""The formula parser: what parses, how it is written back, and where each part of it stands in the file."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accord.language.formula import (
    FUNCTIONS,
    MAXIMUM_DEPTH,
    Call,
    Case,
    Formula,
    FormulaRefused,
    Name,
    Number,
    Operation,
    RankOver,
    Text,
    Truth,
    parse,
    show,
    walk,
)
from accord.language.place import Place, Source
from accord.language.text import Entries, Scalar, read_tree


def read(text: str) -> Formula:
    return parse(text, lambda at: Place("contract.yaml", 1, at + 1))


# -- text -> canonical writing -----------------------------------------------------------------------------------------

CANONICAL = """
a                                           | a
 a  +  b                                    | a + b
a+b*c                                       | a + b * c
(a + b) * c                                 | (a + b) * c
((a))                                       | a
a - (b - c)                                 | a - (b - c)
a - b - c                                   | a - b - c
(a - b) - c                                 | a - b - c
a / (b / c)                                 | a / (b / c)
a / b / c                                   | a / b / c
a * (b / c)                                 | a * (b / c)
-a                                          | -a
- a * b                                     | -a * b
-(a * b)                                    | -(a * b)
-(a + b)                                    | -(a + b)
-(-a)                                       | -(-a)
a - -b                                      | a - -b
a = b                                       | a = b
a != b                                      | a <> b
a <> b                                      | a <> b
a + 1 >= b                                  | a + 1 >= b
not a                                       | not a
not (a and b)                               | not (a and b)
not a and b                                 | not a and b
not not a                                   | not not a
NOT a AND b OR c                            | not a and b or c
a and (b or c)                              | a and (b or c)
a or b and c                                | a or b and c
a and (b and c)                             | a and (b and c)
a is null                                   | a is null
a IS NOT NULL                               | a is not null
(a is null) or b                            | a is null or b
a between 0 and b                           | a >= 0 and a <= b
a not between 0 and b                       | not (a >= 0 and a <= b)
a between 0 and b and c                     | a >= 0 and a <= b and c
a in ('x','y')                              | a in ('x', 'y')
a not in ('x')                              | not a in ('x')
a = 'it''s'                                 | a = 'it''s'
case when a then b end                      | case when a then b end
case when a then 0 when b then 1 else c end | case when a then 0 when b then 1 else c end
case a when 'x' then 0 else 1 end           | case when a = 'x' then 0 else 1 end
CASE WHEN true THEN 0 ELSE 1 END            | case when true then 0 else 1 end
work.visits                                 | work.visits
500_000                                     | 500000
1.50                                        | 1.50
sum(a)                                      | sum(a)
sum(a) filter (where b)                     | sum(a) filter (where b)
count(*) filter (where a > 0)               | count(*) filter (where a > 0)
least( a,b , c )                            | least(a, b, c)
quantile(a, p)                              | quantile(a, p)
prior(prior(a))                             | prior(prior(a))
rank() over (order by a desc, b)            | rank() over (order by a desc, b)
rank() over (partition by a, b order by c asc) | rank() over (partition by a, b order by c)
filter + over + desc                        | filter + over + desc
sum(order) filter (where by)                | sum(order) filter (where by)
"""


def rows(table: str) -> list[tuple[str, ...]]:
    return [tuple(cell.strip() for cell in line.split("|")) for line in table.strip().splitlines()]


@pytest.mark.parametrize(("written", "canonical"), rows(CANONICAL))
def test_one_writing_for_one_meaning(written: str, canonical: str) -> None:
    assert show(read(written)) == canonical
    assert show(read(canonical)) == canonical
    assert read(canonical) == read(written)


# -- what does not parse, and the column at which it stops -------------------------------------------------------------

REFUSED = """
                    | 1  | a formula was expected, and there is nothing here
a b                 | 3  | 'b' does not follow from what is before it
a +* b              | 4  | a value was expected, found '*'
a +                 | 4  | a value was expected, and the formula ends here
a < b < c           | 7  | comparisons do not chain
a = b = c           | 7  | comparisons do not chain
(a + b              | 7  | expected ')' to close the bracket, found the end of the formula
a + b)              | 6  | ')' does not follow from what is before it
a; b                | 2  | ';' is not part of the formula language
a -- b              | 3  | -- would be a comment in SQL
a /* b */           | 3  | /* would be a comment in SQL
@a                  | 1  | '@' is not part of the formula language
{{a}}               | 1  | '{' is not part of the formula language
"a"                 | 1  | '"' is not part of the formula language
a % b               | 3  | '%' is not part of the formula language
a = 'b              | 5  | this text is not closed
Visits              | 1  | names are lower case: Visits
case a end          | 1  | case needs at least one when … then …
case when a end     | 13 | expected 'then' after when, found 'end'
case when a then b  | 19 | expected 'end' to close case, found the end of the formula
a is b              | 6  | expected 'null' after is, found 'b'
a not b             | 7  | expected 'in' or 'between' after not, found 'b'
a in b              | 6  | expected '(' after in, found 'b'
a.                  | 3  | expected 'name' after the dot, found the end of the formula
sum(a              | 6  | expected ')' to close sum(, found the end of the formula
sum(a) filter b     | 15 | expected '(' after filter, found 'b'
rank()              | 7  | expected 'over' after rank(), found the end of the formula
rank() over (a)     | 14 | expected 'order' in rank(), found 'a'
null                | 1  | a value was expected, found 'null'
select a from b     | 8  | 'a' does not follow from what is before it
a[0]                | 2  | '[' is not part of the formula language
a ** b              | 4  | a value was expected, found '*'
1e6                 | 2  | 'e6' does not follow from what is before it
é                   | 1  | 'é' is not part of the formula language
"""


@pytest.mark.parametrize(("written", "column", "message"), [(r[0], r[1], r[2]) for r in rows(REFUSED)])
def test_what_does_not_parse(written: str, column: str, message: str) -> None:
    with pytest.raises(FormulaRefused) as refused:
        read(written)
    problem = refused.value.problem
    assert (problem.place.column, problem.message) == (int(column), message)


@pytest.mark.parametrize(
    "text",
    [
        "(" * 2000 + "a" + ")" * 2000,
        "not " * 2000 + "a",
        "- " * 2000 + "a",
        "case when a then " * 500 + "b" + " end" * 500,
        "abs(" * 2000 + "a" + ")" * 2000,
        " + ".join(["a"] * 3000),
        " and ".join(["a"] * 3000),
        "a" * 30_000,
    ],
    ids=lambda text: text[:12],
)
def test_what_no_person_could_read_is_refused_and_never_runs_out_of_stack(text: str) -> None:
    with pytest.raises(FormulaRefused):
        read(text)


# -- round trip --------------------------------------------------------------------------------------------------------

HERE = Place("contract.yaml", 1, 1)
NAMES = st.sampled_from(["a", "b_1", "filter", "over", "order", "by", "desc", "where", "partition", "list_size"]).map(
    lambda name: Name(HERE, name)
)
ATOMS = st.one_of(
    NAMES,
    st.builds(Name, st.just(HERE), st.sampled_from(["a", "by"]), st.sampled_from(["work", "order"])),
    st.sampled_from(["0", "1", "1.50", "500000"]).map(lambda text: Number(HERE, text)),
    st.text("ab' ,()-é", max_size=6).map(lambda text: Text(HERE, text)),
    st.booleans().map(lambda value: Truth(HERE, value)),
)


def larger(inner: st.SearchStrategy[Formula]) -> st.SearchStrategy[Formula]:
    pairs = st.tuples(inner, inner)
    two = ["+", "-", "*", "/", "=", "<>", "<", "<=", ">", ">=", "and", "or"]
    one = ["neg", "not", "is null", "is not null"]
    return st.one_of(
        st.builds(Operation, st.just(HERE), st.sampled_from(two), pairs),
        st.builds(Operation, st.just(HERE), st.sampled_from(one), st.tuples(inner)),
        st.tuples(inner, st.lists(ATOMS, min_size=1, max_size=3)).map(
            lambda parts: Operation(HERE, "in", (parts[0], *parts[1]))
        ),
        st.builds(Case, st.just(HERE), st.lists(pairs, min_size=1, max_size=3).map(tuple), st.none() | inner),
        st.builds(
            Call,
            st.just(HERE),
            st.sampled_from(sorted(FUNCTIONS - {"rank"})),
            st.lists(inner, max_size=3).map(tuple),
            st.none() | inner,
        ),
        st.builds(Call, st.just(HERE), st.just("count"), st.just(()), inner, st.just(True)),
        st.builds(
            RankOver,
            st.just(HERE),
            st.lists(NAMES, max_size=2).map(tuple),
            st.lists(st.tuples(inner, st.booleans()), min_size=1, max_size=2).map(tuple),
        ),
    )


FORMULAS = st.recursive(ATOMS, larger, max_leaves=12)


@settings(max_examples=400, deadline=None)
@given(FORMULAS)
def test_every_formula_is_read_back_as_it_is_written(formula: Formula) -> None:
    written = show(formula)
    assert read(written) == formula
    assert show(read(written)) == written


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.sampled_from([*"ab01 +-*/()=<>.,'\n", "case when ", " then ", " end", "sum(", " and "])).map("".join)
)
def test_any_text_is_refused_or_has_one_writing(text: str) -> None:
    try:
        formula = read(text)
    except FormulaRefused as refused:
        assert 1 <= refused.problem.place.column <= len(text) + 1
        return
    assert show(read(show(formula))) == show(formula)


def test_nesting_up_to_the_limit_parses() -> None:
    assert show(read("(" * (MAXIMUM_DEPTH - 2) + "a" + ")" * (MAXIMUM_DEPTH - 2))) == "a"


# -- places: every name is where the file says -------------------------------------------------------------------------

SPELLINGS = {
    "plain": "x: list_size + fund",
    "plain, in a mapping": "x: {is: list_size + fund, round: 1}",
    "plain, in two lines": "x:\n  is: list_size\n      + fund",
    "plain, with blank lines": "x:\n  is: list_size\n\n      + fund",
    "plain, begun on the next line": "x:\n  list_size +\n  fund",
    "plain, with a comment behind": "x: list_size + fund   # of the year",
    "single quotes": "x: 'list_size + fund'",
    "single quotes with a text": "x: 'case when fund = ''a'' then list_size else fund end'",
    "single quotes in two lines": "x: 'list_size\n    + fund'",
    "double quotes": 'x: "least(list_size, fund)"',
    "double quotes with escapes": 'x: "list_size \\t+ fund\\n - \\\\ list_size"',
    "double quotes, a word over a line end": 'x: "fund + list_size + fu\\\n    nd"',
    "double quotes over a line end": 'x: "list_size + \\\n    fund"',
    "double quotes, a character by its number": 'x: "list_size \\x2B fund \\u002B list_size"',
    "double quotes in a list": 'x: [1, "fund + list_size"]',
    "literal block": "x: |\n  list_size\n    + fund\n",
    "literal block, indented by hand": "x: |2\n    list_size\n    + fund\n",
    "literal block, stripped": "x: |-\n\n  list_size\n  + fund\n\ny: 0\n",
    "folded block": "x: >\n  list_size +\n  fund\n",
    "folded block, with a comment at its head": "x: >-  # of the year\n  list_size +\n  fund\n",
    "letters beyond ASCII before it": "é: 0\nx: 'fund = ''é'' and list_size = fund'",
}


def scalars(tree: object) -> list[Scalar]:
    if isinstance(tree, Scalar):
        return [tree]
    if isinstance(tree, Entries):
        return [found for _, value in tree for found in scalars(value)]
    return [found for item in tree.items for found in scalars(item)]  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS.keys())
def test_every_name_knows_its_line_and_column(text: str) -> None:
    source = Source("contract.yaml", text)
    (scalar,) = [found for found in scalars(read_tree(source)) if "list_size" in found.value]
    formula, offsets = scalar.spelled()
    assert formula.split() == scalar.value.split()  # what is parsed is what YAML says
    lines = text.split("\n")
    names = [part for part in walk(parse(formula.replace("\\", "1 -"), at(source, offsets))) if isinstance(part, Name)]
    if "\\" not in formula:
        assert len(names) >= 2
        for name in names:
            line = lines[name.place.line - 1]
            assert line[name.place.column - 1 :].startswith(name.name[:2]), name.place


def at(source: Source, offsets: list[int]) -> Callable[[int], Place]:
    return lambda offset: source.place(offsets[min(offset, len(offsets) - 1)])


@pytest.mark.parametrize("style", ["{}", "'{}'", '"{}"', "|\n    {}", ">\n    {}"], ids=["plain", "'", '"', "|", ">"])
def test_an_error_is_reported_at_its_column(style: str) -> None:
    text = f"x:\n  is: {style.format('list_size + + fund')}\n"
    source = Source("contract.yaml", text)
    (scalar,) = scalars(read_tree(source))
    formula, offsets = scalar.spelled()
    with pytest.raises(FormulaRefused) as refused:
        parse(formula, at(source, offsets))
    place = refused.value.problem.place
    assert text.split("\n")[place.line - 1][place.column - 1 :].startswith("+ fund")
