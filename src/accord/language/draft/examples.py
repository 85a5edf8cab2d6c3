"""Reads worked examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from accord.language.contract import Example, Expectation
from accord.language.draft.written import Written, as_record, entries_of, word_at
from accord.language.problem import nearest
from accord.language.text import Entries, Items, Scalar


class ExampleReader:
    """Worked examples."""

    def __init__(self, written: Written) -> None:
        self.written = written

    def example(self, record: Entries) -> None:
        """Read one example."""
        draft = self.written.draft
        given: dict[str, tuple[Mapping[str, str], ...]] = {}
        for name, rows in entries_of(record.get("given")):
            table = draft.tables.get(name.value)
            if table is None or table.own:
                inputs = [known for known, each in draft.tables.items() if not each.own]
                self.written.problem(
                    name, f"{name.value} is not an input of this contract", nearest(name.value, inputs)
                )
                continue
            known = {*table.keys, *(column.name for column in table.columns)}
            written: list[Mapping[str, str]] = []
            for row in rows.items if isinstance(rows, Items) else ():
                for key, _ in entries_of(row):
                    if key.value not in known and key.value not in draft.broken:
                        hint = nearest(key.value, known)
                        self.written.problem(key, f"{key.value} is not a key or column of {name.value}", hint)
                written.append({key.value: cell.value for key, cell in entries_of(row) if isinstance(cell, Scalar)})
            given[name.value] = tuple(written)
        expect: list[Expectation] = []
        for _, rows in entries_of(record.get("expect")):
            for row in rows.items if isinstance(rows, Items) else ():
                expect.extend(self._expectations(as_record(row)))
        draft.examples.append(
            Example(word_at(record, "title"), record.place, word_at(record, "source"), given, tuple(expect))
        )

    def _expectations(self, row: Entries) -> Iterator[Expectation]:
        draft = self.written.draft
        cells = {key.value: cell for key, cell in row if isinstance(cell, Scalar)}
        keys = {name: cell.value for name, cell in cells.items() if name in draft.keys}
        for key, cell in row:
            if key.value in draft.keys or not isinstance(cell, Scalar) or key.value in draft.broken:
                continue
            quantity = draft.quantities.get(key.value)
            if quantity is None:
                self.written.problem(
                    key, f"{key.value} is neither a key nor a quantity", nearest(key.value, draft.quantities)
                )
                continue
            lacking = [name for name in quantity.each if name not in keys]
            if lacking:
                self.written.problem(
                    key, f"{key.value} is one for each [{', '.join(quantity.each)}]; say which {lacking[0]}"
                )
                continue
            yield Expectation(key.value, {name: keys[name] for name in quantity.each}, cell.value, cell.place)
