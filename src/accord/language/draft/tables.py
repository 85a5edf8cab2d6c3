"""Reads inputs and tables: their columns, and the rows that belong to the contract."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from fractions import Fraction

from accord.language.contract import Column, Table, Value
from accord.language.draft.written import (
    Written,
    as_record,
    entries_of,
    read_number,
    scalar_at,
    scalars_of,
    wanted_form,
    word_at,
)
from accord.language.place import Place
from accord.language.place import Source as TextSource
from accord.language.problem import nearest, shortened
from accord.language.text import Entries, Items, Scalar, Tree
from accord.language.types import Type


class TableReader:
    """Inputs and tables."""

    def __init__(self, written: Written) -> None:
        self.written = written

    def _column(self, table: str, optional_table: bool, name: Scalar, spec: Tree) -> Column | None:
        if isinstance(spec, Scalar):
            if spec.value in ("flag", "text", "date"):
                kind = {"flag": "flag", "text": "text", "date": "date"}[spec.value]
                record = Entries((), spec.place)
            else:
                kind, record = "number", Entries(((Scalar("unit", *_at(spec)), spec),), spec.place)
        else:
            record = as_record(spec)
            kind = word_at(record, "type") or "number"
        if self.written.has_a_slip(record):
            return None
        optional = word_at(record, "optional") == "true"
        missing = optional or optional_table
        said = [word for word in ("unit", "type", "key", "one_of") if record.get(word) is not None]
        if len(said) > 1:
            self.written.problem(record, f"{name.value} says both {said[0]} and {said[1]}", "keep one of them")
            return None
        note = word_at(record, "note")
        key = scalar_at(record, "key")
        if key is not None:
            return Column(name.value, table, Type("key", None, missing=missing, key=key.value), name.place, note=note)
        options = record.get("one_of")
        if options is not None:
            texts = scalars_of(options)
            twice = next((text for n, text in enumerate(texts) if text.value in [t.value for t in texts[:n]]), None)
            if twice is not None:
                self.written.problem(twice, f"{twice.value} is written twice", "remove one")
            values = tuple(option.value for option in scalars_of(options))
            return Column(name.value, table, Type("text", None, missing=missing, options=values), name.place, note=note)
        if kind != "number":
            typed = {"flag": Type("flag", None), "text": Type("text", None), "date": Type("date", None)}.get(kind)
            if typed is None:
                return None
            return Column(name.value, table, typed.or_missing(missing), name.place, note=note)
        if not said:
            self.written.problem(
                record if record.entries else name, f"column {name.value} does not say what it holds", "unit: people"
            )
            return None
        written = self.written.unit(scalar_at(record, "unit"))
        if written is None:
            return None
        least = read_number(word_at(record, "min")) if record.get("min") is not None else None
        if least is not None and written.percent:
            least /= 100
        compare = word_at(record, "compare") or "all"
        places = word_at(record, "places")
        typed = Type(
            "number",
            written.unit,
            missing=missing,
            positive=least is not None and least > 0,
            comparable=compare,
        )
        return Column(
            name.value, table, typed, name.place, written, least, int(places) if places else None, compare, note
        )

    def table(self, name: Scalar, spec: Tree, own: bool) -> None:
        """Read one input (or, if ``own``, one table of the contract)."""
        draft, record = self.written.draft, as_record(spec)
        optional = word_at(record, "optional") == "true"
        columns_tree = record.get("columns")
        misread = columns_tree is not None and self.written.is_misshapen(columns_tree)
        if misread or self.written.has_a_slip(record):
            draft.broken.add(name.value)
            draft.unread.add("columns")
        keys: list[str] = []
        for key in scalars_of(record.get("keys")):
            if key.value not in draft.keys:
                hint = nearest(key.value, draft.keys) or f"declare it: keys: {{{key.value}: {{}}}}"
                self.written.problem(key, f"{key.value} is not a key of this contract", hint)
                draft.broken.add(name.value)
            elif key.value in keys:
                self.written.problem(key, f"{key.value} is named twice")
            else:
                keys.append(key.value)
        columns: list[Column] = []
        for column_name, column_spec in entries_of(record.get("columns")):
            column = self._column(name.value, optional, column_name, column_spec)
            if column is None:
                draft.broken.add(column_name.value)
                continue
            held = column.type.key
            if held is not None and held not in draft.keys:
                hint = nearest(held, draft.keys) or f"declare it: keys: {{{held}: {{}}}}"
                where = scalar_at(as_record(column_spec), "key") or column_name
                self.written.problem(where, f"{held} is not a key of this contract", hint)
                draft.broken.add(column_name.value)
            if column_name.value in keys:
                self.written.problem(column_name, f"{column_name.value} is both a key and a column of {name.value}")
            columns.append(column)
        if name.value in draft.tables:
            self.written.problem(name, f"{name.value} is both an input and a table", "rename one")
        slipped = self.written.has_a_slip(record)
        source = self.written.source(record, name, f"table {name.value}") if own and not slipped else None
        table = Table(
            name.value,
            tuple(keys),
            tuple(columns),
            optional,
            own,
            name.place,
            source=source,
            measure=word_at(record, "measure") or None,
            note=word_at(record, "note"),
        )
        if own and name.value not in draft.broken:
            rows = self._rows(name, record, table)
            table = _with_rows(table, rows)
        draft.tables[name.value] = table

    def _rows(self, name: Scalar, record: Entries, table: Table) -> tuple[tuple[Value | None, ...], ...]:
        given, file = record.get("rows"), scalar_at(record, "file")
        if (given is None) == (file is None):
            self.written.problem(
                name,
                f"table {name.value} has {'both rows and a file' if file else 'neither rows nor a file'}",
                "rows: [ … ] or file: name.csv; data from outside the contract is an input",
            )
            return ()
        header = [*table.keys, *(column.name for column in table.columns)]
        rows: list[tuple[Value | None, ...]] = []
        seen: dict[tuple[Value | None, ...], Place] = {}
        raw = self._written_rows(given, header, name) if given is not None else self._file_rows(file, header)
        for place, cells in raw:
            row = tuple(self._cell(table, column, *cell) for column, cell in zip(header, cells, strict=True))
            if name.value in self.written.draft.broken:
                continue
            key = row[: len(table.keys)]
            if key in seen:
                self.written.problem(
                    place,
                    f"a second row of {name.value} for {', '.join(map(str, key)) or 'the whole'}; "
                    f"the first is on line {seen[key].line}",
                    "remove one",
                )
                continue
            seen[key] = place
            rows.append(row)
        return tuple(rows)

    def _written_rows(
        self, given: Tree, header: list[str], name: Scalar
    ) -> Iterator[tuple[Place, list[tuple[str, Place]]]]:
        for row in given.items if isinstance(given, Items) else ():
            if isinstance(row, Items):
                cells = [(cell.value, cell.place) for cell in row.items if isinstance(cell, Scalar)]
                if len(cells) != len(header):
                    self.written.problem(
                        row,
                        f"this row has {len(cells)} values; {name.value} has {len(header)}: {', '.join(header)}",
                        "a comma inside a value needs quotes; an absent value is written ''",
                    )
                    self.written.draft.broken.add(name.value)
                    continue
                yield row.place, cells
            elif isinstance(row, Entries):
                for key, _ in row:
                    if key.value not in header:
                        hint = nearest(key.value, header)
                        self.written.problem(key, f"{key.value} is not a key or column of {name.value}", hint)
                        self.written.draft.broken.add(name.value)
                found = {key.value: value for key, value in row}
                cells = [
                    (value.value, value.place) if isinstance(value := found.get(column), Scalar) else ("", row.place)
                    for column in header
                ]
                yield row.place, cells

    def _file_rows(self, file: Scalar | None, header: list[str]) -> Iterator[tuple[Place, list[tuple[str, Place]]]]:
        if file is None or self.written.is_misshapen(file):
            return
        try:
            content = self.written.beside(file.value)
        except FileNotFoundError:
            self.written.problem(
                file, f"there is no file {file.value} beside the contract", "put it there, or correct the name"
            )
            return
        except (PermissionError, OSError):
            self.written.problem(
                file, f"{file.value} cannot be read: it must be a plain file in the contract's own folder"
            )
            return
        self.written.draft.files[file.value] = content
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError:
            self.written.problem(Place(file.value, 1, 1), "this is not UTF-8 text", "save the file as UTF-8")
            return
        records = list(csv.reader(io.StringIO(text)))
        names = [cell.strip() for cell in records[0]] if records else []
        if sorted(names) != sorted(header):
            lacking = [column for column in header if column not in names]
            extra = [column for column in names if column not in header]
            said = [f"lacks {', '.join(lacking)}"] * bool(lacking) + [f"has {', '.join(extra)} besides"] * bool(extra)
            self.written.problem(
                Place(file.value, 1, 1),
                f"the header {' and '.join(said) or 'names a column twice'}",
                f"the columns are: {','.join(header)}",
            )
            return
        order = [names.index(column) for column in header]
        for line, cells in enumerate(records[1:], 2):
            if not any(cell.strip() for cell in cells):
                continue
            place = Place(file.value, line, 1)
            if len(cells) != len(names):
                self.written.problem(place, f"this row has {len(cells)} values; the header has {len(names)}")
                continue
            yield place, [(cells[index].strip(), place) for index in order]

    def _cell(self, table: Table, name: str, text: str, place: Place) -> Value | None:
        if name in table.keys:
            return self.written.key_value(self.written.draft.keys[name], text, place)
        column = table.column(name)
        if text == "":
            if not column.type.missing:
                self.written.problem(
                    place, f"{table.name}.{name} is missing in this row", "supply it, or mark it optional: true"
                )
            return None
        value = self.written.typed(column.type, column.written, text)
        if value is None:
            wanted = f"one of {', '.join(column.type.options)}" if column.type.options else wanted_form(column.type)
            self.written.problem(place, f"{shortened(text)} is not {wanted}, which {table.name}.{name} holds")
            return None
        if column.type.kind == "key" and column.type.key in self.written.draft.keys:
            return self.written.key_value(self.written.draft.keys[column.type.key], text, place)
        if isinstance(value, Fraction) and column.minimum is not None and value < column.minimum:
            self.written.problem(
                place, f"{shortened(text)} is below the smallest value that {table.name}.{name} may have"
            )
        return value


def _at(scalar: Scalar) -> tuple[Place, TextSource, int, int]:
    return scalar.place, scalar.source, scalar.start, scalar.end


def _with_rows(table: Table, rows: tuple[tuple[Value | None, ...], ...]) -> Table:
    return Table(
        table.name,
        table.keys,
        table.columns,
        table.optional,
        table.own,
        table.place,
        rows,
        table.source,
        table.measure,
        table.note,
    )
