"""Web pages that stand alone: templates with everything escaped, one style, no scripts, nothing from outside."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment


HERE = "accord.settlement"
"""Whose templates hold the style that every page shares."""


@cache
def _environment(room: str) -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(each) for each in dict.fromkeys((room, HERE))]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def render(template: str, /, *, room: str = HERE, **values: object) -> str:
    """A page from its template. Values are escaped; only the templates themselves may hold markup.

    Args:
        template: the file's name in the folder ``templates`` of the room, or of this one.
        room: the package whose page it is.
        values: what the template reads.
    """
    return _environment(room).get_template(template).render(**values)
