"""Keys determine keys: the one rule behind hierarchies, changing membership, elections and periods.

A column ``{key: k}`` in a table with keys K says that K determines k; a period determines the period it lies in. The
keys of a row are closed under these rules. A key held under another name, by a column or by a quantity declared
``key: k`` (a *role*), counts only where a group says ``through:``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from accord.language.contract import Key, Table
from accord.language.meaning import BorneByQuantity, EnclosingPeriod, HeldByColumn, KeyPath, OwnKey


@dataclass(frozen=True, slots=True)
class Determined:
    """One rule: ``keys`` determine ``key``, because a period lies in it or a table's column or a quantity holds it."""

    key: str
    keys: tuple[str, ...]
    period: str | None = None
    table: str | None = None
    column: str | None = None
    quantity: str | None = None

    @property
    def holder(self) -> str:
        """What holds the key, as a person would name it."""
        return self.quantity or (f"{self.table}.{self.column}" if self.table else str(self.period))

    def path(self, paths: Mapping[str, KeyPath]) -> KeyPath:
        """How the key follows from a row whose keys are found by ``paths``."""
        if self.period is not None:
            return EnclosingPeriod(self.key, self.period, paths[self.period])
        at = tuple(paths[key] for key in self.keys)
        if self.quantity is not None:
            return BorneByQuantity(self.key, self.quantity, at)
        assert self.table is not None and self.column is not None
        return HeldByColumn(self.key, self.table, self.column, at)


@dataclass(frozen=True, slots=True)
class KnownKeys:
    """The keys that follow from a set of keys, how each is found, and what other way there would have been."""

    paths: Mapping[str, KeyPath]
    rivals: Mapping[str, tuple[Determined, Determined]]
    """Keys to which two default ways lead."""

    def __contains__(self, key: str) -> bool:
        return key in self.paths

    def covers(self, keys: tuple[str, ...] | frozenset[str]) -> bool:
        """Whether every one of ``keys`` is known."""
        return all(key in self.paths for key in keys)


class KeyRules:
    """All rules of one contract, by default path and by role."""

    def __init__(
        self,
        keys: Mapping[str, Key],
        tables: Mapping[str, Table],
        borne: Mapping[str, tuple[str, tuple[str, ...]]],
    ) -> None:
        """``borne``: for every quantity that holds a key, the key and the keys of its rows."""
        self.defaults: list[Determined] = []
        self.roles: dict[str, list[Determined]] = {}
        for key in keys.values():
            if key.within is not None and key.within in keys:
                self.defaults.append(Determined(key.within, (key.name,), period=key.name))
        for table in tables.values():
            for column in table.columns:
                held = column.type.key
                if held is None or held not in keys:
                    continue
                rule = Determined(held, table.keys, table=table.name, column=column.name)
                if column.name == held:
                    self.defaults.append(rule)
                else:
                    self.roles.setdefault(column.name, []).append(rule)
        for quantity, (held, of) in borne.items():
            rule = Determined(held, of, quantity=quantity)
            self.roles.setdefault(quantity, []).append(rule)
        self._known: dict[tuple[frozenset[str], tuple[str, ...]], KnownKeys] = {}

    def role(self, name: str) -> Determined | None:
        """The rule that ``through: name`` puts in force; None if ``name`` holds no key or two columns bear it."""
        rules = self.roles.get(name, [])
        return rules[0] if len(rules) == 1 else None

    def holders(self, key: str) -> Iterator[Determined]:
        """Every rule, default or role, that gives ``key``."""
        for rule in self.defaults:
            if rule.key == key:
                yield rule
        for rules in self.roles.values():
            for rule in rules:
                if rule.key == key:
                    yield rule

    def known(self, keys: frozenset[str], through: tuple[str, ...] = ()) -> KnownKeys:
        """The closure of ``keys``: every key that follows, with the path to it."""
        asked = (keys, through)
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = self._close(keys, through)
        return found

    def _close(self, keys: frozenset[str], through: tuple[str, ...]) -> KnownKeys:
        roles = [role for name in through if (role := self.role(name)) is not None]
        replaced = {role.key for role in roles}
        rules = [*roles, *(rule for rule in self.defaults if rule.key not in replaced)]
        paths: dict[str, KeyPath] = {key: OwnKey(key) for key in sorted(keys)}
        chosen: dict[str, Determined] = {}
        rivals: dict[str, tuple[Determined, Determined]] = {}
        grown = True
        while grown:
            grown = False
            for rule in rules:
                if not all(key in paths for key in rule.keys):
                    continue
                if rule.key not in paths:
                    paths[rule.key] = rule.path(paths)
                    chosen[rule.key] = rule
                    grown = True
                elif rule.key in chosen and chosen[rule.key] != rule:
                    rivals.setdefault(rule.key, (chosen[rule.key], rule))
        return KnownKeys(paths, rivals)
