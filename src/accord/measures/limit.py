"""How long a measure may take, unless somebody says otherwise."""

LIMIT = 900.0
"""Seconds that one select of a measure may take: so that none runs for ever."""
