"""Outcome measures over the linked record: definitions, numerators and denominators, standardised rates, release.

A measure is a portable SQL ``select`` with a card beside it (``library/measures``). Lives here: cards and code lists,
computing on either engine, standardising, explaining one person, and release. Does not: the record itself
(:mod:`accord.record`), nor any contract; a contract names ``measure@version`` and receives it as an input.
"""
