"""Variations: a short file that changes a base contract, expanded to a whole text before anything is checked.

A variation names its base by hash, so that nobody varies a contract that has moved on. What is hashed and signed is the
expanded text. Places are kept: a problem in a replaced entry is reported where the variation says it.

    accord: 1
    variation: integration-supplement-north
    of: integration-supplement
    base_hash: 3f…                        # accord check prints it
    replace: {parameters.share.value: 60, quantities.pool.clause: cl. 5 as varied}
    add: {parameters: {…}, quantities: [ … ], payments: [ … ]}
    remove: [payments.reward]

With ``from:`` inside the term, a replaced ``parameters.NAME.value`` (or ``values``, ``points``, ``bands``) becomes a
further dated entry, and a replaced ``quantities.NAME.is`` a further dated formula: both begin on that day, in
place of an entry of the base that begins on the same; what the base says of later days stays.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace

from accord.language.folder import Beside
from accord.language.place import Place, Source
from accord.language.problem import ContractRefused, Problem, nearest
from accord.language.shape import conform
from accord.language.text import Entries, Items, Scalar, Tree, decode, read_tree
from accord.language.vocabulary import CONTRACT, VARIATION


@dataclass(frozen=True, slots=True)
class Expanded:
    """A variation put together with its base: the tree with its original places, and the text that is signed."""

    tree: Entries
    text: str
    beside: Beside
    examples: tuple[int, ...]
    """Of each worked example its number in the base; 0 for one that the variation says itself."""


_NAMED_BY = {"payments": "pay", "notices": "when", "examples": "title", "checks": "that"}
"""The entry by which an item of a list is named in a path; checks and examples also by their number."""


MOST_VARIATIONS = 8
"""A variation of a variation of a variation: beyond this many, nobody can say what the text is."""


def expand(tree: Entries, beside: Beside, depth: int = 1) -> Expanded:
    """Put a variation together with its base, which may be a variation itself.

    Raises :class:`ContractRefused` with everything wrong about it.
    """
    problems = conform(tree, VARIATION)
    if problems:
        raise ContractRefused(problems)
    if depth > MOST_VARIATIONS:
        said = f"variations of variations go more than {MOST_VARIATIONS} deep here: does one lead back to itself?"
        raise ContractRefused(Problem(_scalar(tree, "of").place, said, "vary the contract that they all come from"))
    base = _Base(tree, beside, depth)
    change = _Change(tree, base.tree)
    change.apply()
    if change.problems:
        raise ContractRefused(change.problems)
    text = write(change.tree)
    return Expanded(change.tree, text, base.beside, _numbers_in(base.tree, change.tree))


class _Base:
    """The contract a variation changes, read and compared with the hash the variation names."""

    def __init__(self, variation: Entries, beside: Beside, depth: int) -> None:
        of, said = _scalar(variation, "of"), _scalar(variation, "base_hash")
        try:
            self.beside, name = beside.base(of.value)
            content = self.beside.read(name)
        except (FileNotFoundError, PermissionError):
            raise ContractRefused(
                Problem(
                    of.place,
                    f"there is no contract {of.value} beside this file or in the library",
                    "name a file or folder that lies beside this one, without a path; or a contract of the library",
                )
            ) from None
        tree = read_tree(decode(content, f"{of.value}/{name}" if "." not in of.value else of.value))
        if not isinstance(tree, Entries):
            raise ContractRefused(Problem(tree.place, "the base is not a contract"))
        if tree.get("variation") is not None:
            inner = expand(tree, self.beside, depth + 1)
            tree, content, self.beside = inner.tree, inner.text.encode(), inner.beside
        actual = base_hash(tree, content, self.beside)
        if actual != said.value:
            raise ContractRefused(
                Problem(
                    said.place,
                    f"the base {of.value} is not the text this variation was written for: its hash is {actual}",
                    "read what has changed (accord diff), then set base_hash to the new hash",
                )
            )
        self.tree = tree


def _numbers_in(base: Entries, varied: Entries) -> tuple[int, ...]:
    """Of each worked example of a varied contract its number in the base; 0 for one that the base does not say so."""
    said, now = base.get("examples"), varied.get("examples")
    numbers = {id(item): number for number, item in enumerate(said.items if isinstance(said, Items) else (), 1)}
    return tuple(numbers.get(id(item), 0) for item in (now.items if isinstance(now, Items) else ()))


def base_hash(tree: Entries, content: bytes, beside: Beside) -> str:
    """The hash of a contract as signed: its bytes and the table files it names."""
    from accord.language.checker import signed_hash

    files: dict[str, bytes] = {}
    tables = tree.get("tables")
    for _, spec in tables.entries if isinstance(tables, Entries) else ():
        file = spec.get("file") if isinstance(spec, Entries) else None
        if isinstance(file, Scalar):
            try:
                files[file.value] = beside.read(file.value)
            except (FileNotFoundError, PermissionError):
                continue  # the check of the expanded contract says so, with its place
    return signed_hash(content, files)


def _scalar(entries: Entries, name: str) -> Scalar:
    tree = entries.get(name)
    assert isinstance(tree, Scalar)
    return tree


def _word(text: str, place: Place) -> Scalar:
    """A text that the expansion itself writes."""
    source = Source(place.file, text)
    return Scalar(text, place, source, 0, len(text), "")


_VALUE_WORDS = ("value", "values", "points", "bands")
"""The entries of a parameter that hold its figures."""
_GROUP_WORDS = ("each", "rows", "through", "title")


class _Change:
    def __init__(self, variation: Entries, base: Entries) -> None:
        self.variation = variation
        self.tree = base
        self.problems: list[Problem] = []
        since = variation.get("from")
        self.since = since if isinstance(since, Scalar) else None

    def apply(self) -> None:
        named = _scalar(self.variation, "variation")
        self.tree = _with(self.tree, _word("contract", named.place), named)
        self._since_inside_the_term()
        for word in ("title", "authority", "note"):
            value = self.variation.get(word)
            key = self.variation.key(word)
            if value is not None and key is not None:
                self.tree = _with(self.tree, key, value)
        if self.since is not None:
            self._nothing_reaches_back()
        removed = self.variation.get("remove")
        paths = [path for path in removed.items if isinstance(path, Scalar)] if isinstance(removed, Items) else []
        for path in sorted(paths, key=_from_the_end):
            self._edit(path, None)
        replaced = self.variation.get("replace")
        if isinstance(replaced, Entries):
            for path, value in replaced:
                self._edit(path, value)
        added = self.variation.get("add")
        if isinstance(added, Entries):
            for section, value in added:
                self._add(section, value)

    def _since_inside_the_term(self) -> None:
        term = self.tree.get("term")
        first, last = (term.get(word) if isinstance(term, Entries) else None for word in ("from", "to"))
        if self.since is None or not isinstance(first, Scalar) or not isinstance(last, Scalar):
            return
        # ISO dates compare as they are written
        if not first.value < self.since.value <= last.value:
            self._refuse(
                self.since,
                f"{self.since.value} does not lie inside the term, {first.value} to {last.value}",
                "leave from: out for a variation that holds from the first day",
            )

    def _nothing_reaches_back(self) -> None:
        """With ``from:``, refuse what would hold from the first day of the term. A new figure, table, input or quantity
        does not: nothing but the replaced formulas can read it. New payments, notices and checks do, and so does what
        is removed.
        """
        removed, added = self.variation.key("remove"), self.variation.get("add")
        reaching = [removed] if removed is not None else []
        for section, value in added if isinstance(added, Entries) else ():
            if section.value in ("payments", "notices", "checks") or self._says_rows_again(section, value):
                reaching.append(section)
        for word in reaching:
            self._refuse(
                word,
                f"with from:, {word.value} would reach back to the first day of the term",
                "leave from: out, or change values and formulas only: replace: {…}",
            )

    def _says_rows_again(self, section: Scalar, value: Tree) -> bool:
        """Whether an added group says which rows there are for keys that the base has quantities of."""
        if section.value != "quantities" or not isinstance(value, Items):
            return False
        groups = self.tree.get("quantities")
        known = [_each(group) for group in groups.items] if isinstance(groups, Items) else []
        return any(
            isinstance(group, Entries) and group.get("rows") is not None and _each(group) in known
            for group in value.items
        )

    # -- replacing and removing -------------------------------------------------------------------------------------
    def _edit(self, path: Scalar, value: Tree | None) -> None:
        words = path.value.split(".")
        found = self._at(self.tree, words, path, value, [])
        if isinstance(found, Entries):
            self.tree = found

    def _refuse(self, path: Scalar, message: str, fix: str = "") -> None:
        self.problems.append(Problem(path.place, message, fix))

    def _at(self, tree: Tree, words: list[str], path: Scalar, value: Tree | None, done: list[str]) -> Tree:
        """The tree with the entry at ``words`` replaced (or removed, for a value of None)."""
        word, rest = words[0], words[1:]
        if isinstance(tree, Entries):
            if done == [] and word == "quantities" and rest:
                return self._in_quantities(tree, rest, path, value)
            inner = tree.get(word)
            if value is not None and not rest and self.since is not None:
                return self._dated(tree, word, value, path, done)
            dated = tree.get("dated")
            if inner is None and _is_figure(done, word) and isinstance(dated, Items) and value is not None:
                self._refuse_dated(path, done[1], word, dated)
                return tree
            if inner is None:
                where = ".".join(done) or "the base"
                known = [key.value for key, _ in tree]
                self._refuse(path, f"{where} has no {word} to change", nearest(word, known) or "add: has new entries")
                return tree
            if rest:
                changed = self._at(inner, rest, path, value, [*done, word])
            elif value is None:
                return Entries(tuple((key, v) for key, v in tree if key.value != word), tree.place)
            else:
                changed = self._entries_sourced(value, path) if _are_entries([*done, word]) else value
            varied = _with(tree, _key(tree, word), changed)
            return self._sourced(varied, path) if value is not None and _is_figure(done, word) else varied
        if isinstance(tree, Items):
            return self._in_list(tree, words, path, value, done)
        self._refuse(path, f"{'.'.join(done)} has no entries", "")
        return tree

    def _refuse_dated(self, path: Scalar, name: str, word: str, dated: Items) -> None:
        """A figure that the base says by dates cannot be replaced by one without a date."""
        starts = [entry.get("from") if isinstance(entry, Entries) else None for entry in dated.items]
        days = [start.value for start in starts if isinstance(start, Scalar)]
        self._refuse(
            path,
            f"{name} is dated in the base: its figures begin on {', '.join(days)}",
            f"parameters.{name}.dated: [{{from: {min(days, default='…')}, {word}: …}}] in place of all of them, or "
            f"parameters.{name}.dated.1.{word}: … for the first alone",
        )

    def _in_list(self, tree: Items, words: list[str], path: Scalar, value: Tree | None, done: list[str]) -> Tree:
        word, rest = words[0], words[1:]
        named_by = _NAMED_BY.get(done[-1], "")
        for number, item in enumerate(tree.items):
            name = item.get(named_by) if isinstance(item, Entries) else None
            if word == str(number + 1) or (isinstance(name, Scalar) and name.value == word):
                items = list(tree.items)
                if rest:
                    items[number] = self._at(item, rest, path, value, [*done, word])
                elif value is None:
                    del items[number]
                else:
                    items[number] = self._entry_sourced(value, path) if _are_entries(done) else value
                return Items(tuple(items), tree.place)
        self._refuse(path, f"{'.'.join(done)} has no {word}", f"name it by its {named_by}, or by its number")
        return tree

    def _in_quantities(self, tree: Entries, rest: list[str], path: Scalar, value: Tree | None) -> Tree:
        groups = tree.get("quantities")
        name = rest[0]
        if not isinstance(groups, Items):
            return tree
        changed: list[Tree] = []
        found = False
        for group in groups.items:
            spec = group.get(name) if isinstance(group, Entries) else None
            if spec is None or not isinstance(group, Entries) or name in _GROUP_WORDS:
                changed.append(group)
                continue
            found = True
            if len(rest) == 1 and value is None:
                changed.append(Entries(tuple((k, v) for k, v in group if k.value != name), group.place))
                continue
            if isinstance(spec, Scalar):
                spec = Entries(((_word("is", spec.place), spec),), spec.place)
            if not isinstance(spec, Entries):
                changed.append(group)  # the check of the expanded contract says what is wrong with it
                continue
            if len(rest) == 1 and value is not None and self.since is None:
                changed.append(_with(group, _key(group, name), value))
                continue
            words = rest[1:] or ["is"]
            if words[0] not in [key.value for key, _ in spec] and len(words) == 1 and value is not None:
                inner: Tree = _with(spec, _word(words[0], path.place), value)
            else:
                inner = self._at(spec, words, path, value, ["quantities", name])
            changed.append(_with(group, _key(group, name), inner))
        if not found:
            names = [key.value for group in groups.items if isinstance(group, Entries) for key, _ in group]
            names = [known for known in names if known not in _GROUP_WORDS]
            self._refuse(path, f"the base has no quantity {name}", nearest(name, names))
        return _with(tree, _key(tree, "quantities"), Items(tuple(changed), groups.place))

    def _dated(self, tree: Entries, word: str, value: Tree, path: Scalar, done: list[str]) -> Tree:
        """A replaced value or formula that begins inside the term: a further dated entry."""
        assert self.since is not None
        is_value = len(done) == 2 and done[0] == "parameters" and word in _VALUE_WORDS
        is_formula = len(done) == 2 and done[0] == "quantities" and word == "is"
        if not is_value and not is_formula:
            self._refuse(
                path,
                f"with from: only a parameter's value and a quantity's formula can change inside the term; "
                f"this is {'.'.join([*done, word])}",
                "parameters.NAME.value or quantities.NAME.is",
            )
            return tree
        begun: list[tuple[Scalar, Tree]] = [(_word("from", path.place), self.since), (_word(word, path.place), value)]
        if is_value:
            begun.extend(self._source(path))
        before = self._entries_before(tree, word, is_value, path)
        if before is None:
            return tree
        dated = Items(_by_start((*before, Entries(tuple(begun), path.place))), tree.place)
        rest = tuple((key, inner) for key, inner in tree if key.value not in (word, "dated"))
        return Entries((*rest, (_word("dated", path.place), dated)), tree.place)

    def _sourced(self, figures: Entries, path: Scalar) -> Entries:
        """Varied figures with the source that they now have."""
        for key, said in self._source(path):
            figures = _with(figures, key, said)
        return figures

    def _entries_sourced(self, entries: Tree, path: Scalar) -> Tree:
        if not isinstance(entries, Items):
            return entries  # the check of the expanded contract says what is wrong with it
        return Items(tuple(self._entry_sourced(entry, path) for entry in entries.items), entries.place)

    def _entry_sourced(self, entry: Tree, path: Scalar) -> Tree:
        """A dated entry that the variation says: with its own source, or else that of the variation."""
        if not isinstance(entry, Entries) or entry.get("authority") is not None:
            return entry
        return self._sourced(entry, path)

    def _source(self, path: Scalar) -> tuple[tuple[Scalar, Tree], tuple[Scalar, Tree]]:
        """Where a varied figure comes from: the variation, not the base, and nobody has verified it by that."""
        authority = self.variation.get("authority") or _word(
            f"variation {_scalar(self.variation, 'variation').value}", path.place
        )
        return (
            (_word("authority", path.place), authority),
            (_word("status", path.place), _word("unverified", path.place)),
        )

    def _entries_before(self, tree: Entries, word: str, is_value: bool, path: Scalar) -> tuple[Tree, ...] | None:
        """The dated entries of the base, but for one that begins on the very day on which the variation does."""
        assert self.since is not None
        since, existing = self.since.value, tree.get("dated")
        if isinstance(existing, Items):
            starts = [(item.get("from") if isinstance(item, Entries) else None, item) for item in existing.items]
            # ISO dates compare as they are written
            return tuple(item for start, item in starts if isinstance(start, Scalar) and start.value != since)
        begins = self._term_start()
        if begins is None or tree.get(word) is None:
            self._refuse(path, f"the base has no {word} here to change", "value, values, points, bands; or is")
            return None
        moved = (word, "authority", "status", "review_by") if is_value else (word,)
        kept = tuple((key, inner) for key, inner in tree if key.value in moved)
        return (Entries(((_word("from", tree.place), begins), *kept), tree.place),)

    def _term_start(self) -> Scalar | None:
        term = self.tree.get("term")
        if not isinstance(term, Entries):
            return None
        start = term.get("history") or term.get("from")
        return start if isinstance(start, Scalar) else None

    # -- adding -----------------------------------------------------------------------------------------------------
    def _add(self, section: Scalar, value: Tree) -> None:
        field = CONTRACT.field(section.value)
        existing: Tree | None = self.tree.get(section.value)
        if field is None:
            names = [known.name for known in CONTRACT.fields]
            self._refuse(section, f"{section.value} is not an entry of a contract", nearest(section.value, names))
        elif existing is None:
            self.tree = _with(self.tree, section, value)
        elif isinstance(existing, Items) and isinstance(value, Items):
            joined = Items((*existing.items, *value.items), existing.place)
            self.tree = _with(self.tree, section, joined)
        elif isinstance(existing, Entries) and isinstance(value, Entries):
            merged = existing
            for key, inner in value.entries:
                if existing.get(key.value) is not None:
                    self._refuse(
                        key, f"the base has a {key.value} already", f"replace: {{{section.value}.{key.value}: …}}"
                    )
                    continue
                merged = _with(merged, key, inner)
            self.tree = _with(self.tree, section, merged)
        else:
            self._refuse(section, f"{section.value} cannot be added to", f"replace: {{{section.value}: …}}")


def _is_figure(done: list[str], word: str) -> bool:
    """Whether this word holds figures: of a parameter, or of one of its dated entries."""
    is_entry = len(done) == 2 or (len(done) == 4 and done[2] == "dated")
    return done[:1] == ["parameters"] and is_entry and word in _VALUE_WORDS


def _are_entries(path: list[str]) -> bool:
    """Whether this is the list of a parameter's dated entries."""
    return len(path) == 3 and path[0] == "parameters" and path[2] == "dated"


def _from_the_end(path: Scalar) -> int:
    """Numbers in a path mean the base's: the last go first, so that none moves before its turn."""
    last = path.value.rpartition(".")[2]
    return -int(last) if last.isdigit() else 0


def _by_start(items: tuple[Tree, ...]) -> tuple[Tree, ...]:
    """Dated entries in order of time; ISO dates compare as they are written."""

    def start(item: Tree) -> str:
        since = item.get("from") if isinstance(item, Entries) else None
        return since.value if isinstance(since, Scalar) else ""

    return tuple(sorted(items, key=start))


def _each(group: Tree) -> frozenset[str]:
    """The keys of a group of quantities, whatever their order."""
    keys = group.get("each") if isinstance(group, Entries) else None
    return (
        frozenset(key.value for key in keys.items if isinstance(key, Scalar))
        if isinstance(keys, Items)
        else frozenset()
    )


def _key(tree: Entries, word: str) -> Scalar:
    key = tree.key(word)
    assert key is not None
    return key


def _with(tree: Entries, key: Scalar, value: Tree) -> Entries:
    """The mapping with an entry replaced, or added at its end."""
    if tree.get(key.value) is None:
        return Entries((*tree.entries, (key, value)), tree.place)
    return replace(tree, entries=tuple((k, value if k.value == key.value else v) for k, v in tree))


_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./ ()+*<>=-]*")


def write(tree: Tree, depth: int = 0) -> str:
    """A tree as YAML text: what a variation expands to and what is signed. Reads back to the same tree."""
    match tree:
        case Scalar(value=value):
            text = " ".join(value.split()) if "\n" in value else value
            plain = _PLAIN.fullmatch(text) and text == text.strip() and ": " not in text and " #" not in text
            return text if plain else json.dumps(text, ensure_ascii=False)
        case Items(items=items):
            if not items:
                return "[]"
            if all(isinstance(item, Scalar) for item in items):
                inner = ", ".join(_in_braces(item) for item in items)
                return f"[{inner}]"
            pad = "  " * depth
            return "".join(f"\n{pad}- {_nested(item, depth + 1)}" for item in items)
        case Entries(entries=entries):
            if not entries:
                return "{}"
            pad = "  " * depth
            lines: list[str] = []
            for key, value in entries:
                nothing = isinstance(value, Scalar) and not value.value and not value.style
                text = "" if nothing else write(value, depth + 1)
                if isinstance(value, Entries) and value.entries:
                    text = "\n" + text
                gap = "" if text.startswith("\n") or not text else " "
                lines.append(f"{pad}{write(key)}:{gap}{text}")
            return "\n".join(lines) + ("\n" if depth == 0 else "")


def _in_braces(item: Tree) -> str:
    text = write(item)
    return json.dumps(text, ensure_ascii=False) if "," in text and not text.startswith('"') else text


def _nested(item: Tree, depth: int) -> str:
    text = write(item, depth)
    return text.lstrip() if isinstance(item, Entries) else text


__all__ = ["Expanded", "base_hash", "expand", "write"]
