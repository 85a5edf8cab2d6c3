"""From a tree to a draft: every section read in order, every problem collected with its place.

What cannot be read is a problem, and its name is *broken*: the checker then says nothing more about it, so that no
message merely follows from another.
"""

from __future__ import annotations

from accord.language.draft.examples import ExampleReader
from accord.language.draft.model import Draft
from accord.language.draft.names import Names
from accord.language.draft.parameters import ParameterReader
from accord.language.draft.parties import PartyReader
from accord.language.draft.periods import PeriodReader
from accord.language.draft.quantities import QuantityReader
from accord.language.draft.tables import TableReader
from accord.language.draft.written import ReadBeside, Written, as_record, entries_of, scalars_of, word_at
from accord.language.shape import conform
from accord.language.text import Entries, Items, Tree
from accord.language.unit import base_name
from accord.language.vocabulary import CONTRACT


def read_draft(tree: Tree, beside: ReadBeside) -> Draft:
    """Read a contract's tree. The draft carries the problems found; it never raises for a contract's mistakes."""
    shape_problems = conform(tree, CONTRACT)
    misshapen = frozenset((problem.place.line, problem.place.column) for problem in shape_problems)
    draft = Draft(problems=shape_problems)
    written = Written(draft, misshapen, beside)
    root = as_record(tree)
    draft.name, draft.title = word_at(root, "contract"), word_at(root, "title")
    draft.authority, draft.currency, draft.note = (word_at(root, name) for name in ("authority", "currency", "note"))
    draft.units = tuple(base_name(unit.value) for unit in scalars_of(root.get("units")))
    written.declared = frozenset(draft.units)
    if _skeleton_is_wrong(root, written):
        return draft
    periods, tables, parameters = PeriodReader(written), TableReader(written), ParameterReader(written)
    quantities, examples = QuantityReader(written), ExampleReader(written)
    periods.term(root)
    periods.keys(root)
    for section, own in (("inputs", False), ("tables", True)):
        for name, spec in entries_of(root.get(section)):
            if not written.break_misspelt(name):
                tables.table(name, spec, own)
    for name, spec in entries_of(root.get("parameters")):
        if not written.break_misspelt(name):
            parameters.parameter(name, as_record(spec))
    for group in _items(root.get("quantities")):
        quantities.group(as_record(group))
    for number, check in enumerate(_items(root.get("checks")), 1):
        quantities.check(number, as_record(check))
    PartyReader(written).read(root)
    for example in _items(root.get("examples")):
        examples.example(as_record(example))
    Names(written).check()
    return draft


def _items(tree: Tree | None) -> tuple[Tree, ...]:
    return tree.items if isinstance(tree, Items) else ()


def _skeleton_is_wrong(root: Entries, written: Written) -> bool:
    """Whether a whole section is absent, misspelt or of the wrong kind: the rest would only follow from it."""
    places = [root.place, *(part.place for entry in root for part in entry)]
    return any((place.line, place.column) in written.misshapen for place in places)
