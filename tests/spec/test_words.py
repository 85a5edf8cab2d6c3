"""The lists of the reference are complete."""

from __future__ import annotations

import re

from accord.language.formula import FUNCTIONS
from accord.language.rounding import ROUNDING_RULES
from tests.spec.book import chapters
from tests.spec.words import FUNCTION_LINES, ROUNDING_LINES


def test_every_function_has_its_line() -> None:
    assert {signature.partition("(")[0] for signature, _ in FUNCTION_LINES} == FUNCTIONS | {"scale"}


def test_every_rounding_rule_has_its_line() -> None:
    assert list(ROUNDING_LINES) == list(ROUNDING_RULES)


def test_every_function_and_rule_is_used_in_some_example() -> None:
    written = "\n".join(spec.contract for chapter in chapters() for spec in chapter.specs)
    for name in FUNCTIONS:
        assert re.search(rf"\b{name}\(", written), name
    for rule in ROUNDING_RULES:
        assert f" {rule}" in written, rule


def test_titles_are_unique() -> None:
    titles = [spec.title for chapter in chapters() for spec in chapter.specs]
    assert len(set(titles)) == len(titles)
