"""What a settlement reads: every input and every own table of the contract as exact columns, checked once, at the door.

Lives here: the whole of a settlement's data: which inputs there must be, tables that must have the same rows, the
window of the run, worlds, what-ifs. Does not: files (:mod:`~accord.engine.source`), the columns of one table
(:mod:`~accord.engine.columns`), any formula of the contract.
"""

# pyright: reportMissingTypeStubs=false, reportAttributeAccessIssue=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownParameterType=false
# (pyarrow comes without types)

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accord.engine.columns import (
    PERSONAL,
    WORLD,
    Coded,
    ExactColumns,
    Findings,
    arrow_type,
    plain_number,
    quoted,
    read_date,
    whole_numbers,
)
from accord.engine.source import SHOWN, Unreadable, read_raw
from accord.language.contract import Contract, Parameter, PeriodItem, Table, Value
from accord.language.place import Place
from accord.language.problem import Problem, nearest

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True)
class LoadedTable:
    """A table as the engines read it.

    ``data`` holds, for keys, string (a period is the ISO date of its first day); for numbers, int64, else
    decimal128(38, 0), else a string of digits where that is not wide enough: a whole number of 10**-places; for flags,
    bool; for dates, date32; for texts and key columns, string; and an int32 column ``world`` if the table differs by
    world. Missing is null.
    """

    name: str
    data: pa.Table
    places: Mapping[str, int]
    """Decimal places of the number columns."""
    has_worlds: bool = False


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a settlement reads besides the contract."""

    tables: Mapping[str, LoadedTable]
    """Inputs and own tables of the contract; an optional input that was not given has no rows."""
    first: dt.date
    last: dt.date
    """The run: the periods that lie wholly inside it exist."""
    periods: Mapping[str, tuple[PeriodItem, ...]]
    """The periods of the run, by key, in order."""
    worlds: tuple[int, ...] = (0,)
    known_on: dt.date | None = None
    what_ifs: Mapping[str, Mapping[int, Value]] = field(default_factory=dict[str, Mapping[int, Value]])
    """Parameter (or ``parameter.member`` where it goes ``by``) -> world -> the value instead of the contract's."""
    warnings: tuple[Problem, ...] = ()


def read_inputs(
    contract: Contract,
    sources: Mapping[str, Any],
    *,
    known_on: dt.date | None = None,
    up_to: str | dt.date | None = None,
    what_ifs: Mapping[str, Any] | None = None,
) -> Inputs:
    """Read and check the data of a settlement.

    Args:
        contract: the checked contract.
        sources: by input name, a path (``.csv`` or ``.parquet``), a pyarrow Table, or rows of written values
            (percent as written: 40 is 2/5). A column ``world`` of whole numbers makes an input differ by world.
        known_on: read only entries of parameters that were known on this day; None: all.
        up_to: a period (first day or usual name) or a date; rows of later periods are left out, with a warning.
        what_ifs: values instead of the contract's: by parameter (``name.member`` where the parameter goes ``by``),
            one value for every world, or a mapping from world to value. A str is read as written (percent times 100);
            a Fraction, bool or date is taken as it is.

    Raises:
        DataRefused: with everything that is wrong with the data, collected.
    """
    reading = _Reading(contract)
    try:
        return reading.read(sources, known_on, up_to, what_ifs or {})
    finally:
        reading.columns.connection.close()


class _Reading:
    """One reading of all inputs of a contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        self.findings = Findings()
        self.columns = ExactColumns(contract, self.findings)
        self.files: dict[str, tuple[str, int]] = {}

    # -- the whole --------------------------------------------------------------------------------------------------
    def read(
        self,
        sources: Mapping[str, Any],
        known_on: dt.date | None,
        up_to: str | dt.date | None,
        what_ifs: Mapping[str, Any],
    ) -> Inputs:
        """Read everything; raises DataRefused."""
        contract = self.contract
        for name in sources:
            if name not in contract.inputs:
                if name in contract.tables:
                    self.findings.error(
                        f"input {name}", f"{name} is the contract's own table: it is not supplied", "leave it out"
                    )
                else:
                    known = ", ".join(contract.inputs)
                    self.findings.error(
                        f"input {name}",
                        f"{contract.name} has no input {name}",
                        nearest(name, contract.inputs) or f"its inputs are {known}",
                    )
        loaded: dict[str, LoadedTable] = {}
        for name, table in contract.inputs.items():
            if name in sources and sources[name] is not None:
                read = self.table(table, sources[name])
                if read is not None:
                    loaded[name] = read
            elif table.optional:
                loaded[name] = self.empty(table)
            else:
                columns = ", ".join((*table.keys, *(column.name for column in table.columns)))
                self.findings.error(
                    f"input {name}", f"input {name} is missing", f"supply {name}.csv with the columns {columns}"
                )
        last_wanted = self.up_to(up_to) if up_to is not None else None
        self.findings.stop_if_wrong()

        first, last = self.window(loaded, last_wanted)
        self.findings.stop_if_wrong()
        loaded = {name: self.cut(table, last, name) for name, table in loaded.items()}
        periods = {
            name: tuple(item for item in key.items if first <= item.first and item.last <= last)
            for name, key in contract.keys.items()
            if key.is_period
        }
        for name, table in contract.tables.items():
            if table.own:
                loaded[name] = self.own(table, periods)
        tables = {name: loaded[name] for name in contract.tables}
        self.same_rows(tables)
        self.gaps(tables, periods)
        from accord.engine.unread import unread_rows

        worlds = self.worlds(tables)
        read_what_ifs = self.what_ifs(what_ifs, worlds)
        worlds = tuple(sorted({*worlds, *(world for values in read_what_ifs.values() for world in values)}))
        self.findings.stop_if_wrong()
        inputs = Inputs(
            tables, first, last, periods, worlds or (0,), known_on, read_what_ifs, tuple(self.findings.warnings)
        )
        for problem in unread_rows(contract, inputs):
            file, _ = self.files.get(problem.place.file, (f"input {problem.place.file}", 1))
            self.findings.problems.append(replace(problem, place=Place(file, 0, 0)))
        self.findings.stop_if_wrong()
        return inputs

    # -- one table --------------------------------------------------------------------------------------------------
    def table(self, table: Table, source: Any) -> LoadedTable | None:
        """One input, typed and checked in itself."""
        import pyarrow as pa

        columns = {column.name: column for column in table.columns}
        wanted = [*table.keys, *columns]
        has_worlds_column = WORLD not in wanted
        try:
            raw, doubts = read_raw(table.name, source, {*wanted, WORLD})
        except Unreadable as unreadable:
            file = Path(source).name if isinstance(source, (str, Path)) else f"input {table.name}"
            self.findings.error(file, unreadable.message, unreadable.fix)
            return None
        for doubt in doubts:
            self.findings.doubt(raw.file, doubt)
        self.files[table.name] = (raw.file, raw.first_row)
        if not raw.rows and not raw.columns:
            return self.empty(table)
        missing = [name for name in wanted if name not in raw.columns]
        extra = [name for name in raw.columns if name not in wanted and not (has_worlds_column and name == WORLD)]
        lost = [name for name in missing if name not in columns or not columns[name].type.missing]
        for name in lost:
            guess = nearest(name, extra) or self._same_but_for_case(name, extra)
            has = ", ".join(raw.columns)
            fix = f"{guess} call it {name} in the file" if guess else f"add a column {name}; the file has {has}"
            self.findings.error(raw.file, f"column {name} is missing", fix)
        for name in extra:
            guess = nearest(name, [other for other in missing if other not in lost])
            if not any(name in (nearest(other, [name]) or self._same_but_for_case(other, [name])) for other in lost):
                self.findings.doubt(
                    raw.file, f"column {name} is not part of input {table.name}; it was left out", guess
                )
        if lost:
            return None
        data: dict[str, pa.ChunkedArray] = {}
        places: dict[str, int] = {}
        sound = len(self.findings.problems)
        codes: dict[str, Coded] = {}
        for name in table.keys:
            codes[name] = self.columns.key(raw, name, name, raw.columns[name], optional=False)
            data[name] = codes[name].data()
        for name, column in columns.items():
            if name not in raw.columns:
                typed = self.columns.nothing(column, raw.rows)
            else:
                typed = self.columns.column(raw, column, raw.columns[name])
            data[name] = typed.data
            if typed.places is not None:
                places[name] = typed.places
        has_worlds = has_worlds_column and WORLD in raw.columns
        if has_worlds:
            data[WORLD] = self.columns.world(raw, raw.columns[WORLD])
        if len(self.findings.problems) > sound:
            return None
        self.columns.no_twins(raw, table, data, codes)
        return LoadedTable(table.name, pa.table(data), places, has_worlds)

    @staticmethod
    def _same_but_for_case(name: str, others: Iterable[str]) -> str:
        plain = re.sub(r"[\s_-]", "", name.lower())
        found = [other for other in others if re.sub(r"[\s_-]", "", other.lower()) == plain]
        return f"did you mean {found[0]}?" if found else ""

    def empty(self, table: Table) -> LoadedTable:
        """An optional input that was not given."""
        import pyarrow as pa

        fields: list[tuple[str, pa.DataType]] = [(name, pa.string()) for name in table.keys]
        fields += [(column.name, arrow_type(column.type.kind)) for column in table.columns]
        places = {column.name: 0 for column in table.columns if column.type.kind == "number"}
        return LoadedTable(table.name, pa.schema(fields).empty_table(), places)

    def up_to(self, up_to: str | dt.date) -> dt.date | None:
        """The last day of the run that ``up_to`` asks for."""
        if isinstance(up_to, dt.date):
            return up_to
        periods = [key for key in self.contract.keys.values() if key.is_period]
        named = [item for key in periods for item in key.items if item.name == up_to]
        labelled = [item for key in periods for item in key.items if item.label == up_to]
        if named or labelled:
            return min((named or labelled), key=lambda item: item.last).last
        day = read_date(up_to)
        if day is None and (month := re.fullmatch(r"(\d{4})-(\d{2})", up_to)) and 1 <= int(month[2]) <= 12:
            following = dt.date(int(month[1]) + int(month[2]) // 12, int(month[2]) % 12 + 1, 1)
            day = following - dt.timedelta(1)
        if day is None:
            names = [key.items[0].name for key in periods]
            self.findings.error(
                "--up-to", f"{up_to} is not a period of the contract, nor a date", f"for example {', '.join(names)}"
            )
        return day

    def window(self, loaded: Mapping[str, LoadedTable], last_wanted: dt.date | None) -> tuple[dt.date, dt.date]:
        """First and last day of the run: from the data's periods, cut by ``up_to``."""
        import pyarrow.compute as pc

        contract = self.contract
        first: dt.date | None = None
        last: dt.date | None = None
        for name, table in loaded.items():
            for key in contract.tables[name].keys:
                items = {item.label: item for item in contract.keys[key].items}
                for label in pc.unique(table.data.column(key)).to_pylist() if items else ():
                    item = items[label]
                    first = min(first or item.first, item.first)
                    last = max(last or item.last, item.last)
        first, last = first or contract.term.start, last or contract.term.last
        if contract.looks_back and first > contract.term.start:
            self.findings.error(
                contract.name,
                f"this contract looks back: settle it from {contract.term.start}, not from {first}",
                "supply the earlier periods too: what they leave behind is read by the later ones",
            )
        if last_wanted is not None:
            if last_wanted < first:
                self.findings.error(
                    "--up-to", f"{last_wanted} is before the data begins ({first})", "choose a later period"
                )
            last = min(last, last_wanted)
        return first, last

    def cut(self, table: LoadedTable, last: dt.date, name: str) -> LoadedTable:
        """Without the rows of periods that end after the run."""
        import pyarrow as pa
        import pyarrow.compute as pc

        data = table.data
        for key in self.contract.tables[name].keys:
            inside = [item.label for item in self.contract.keys[key].items if item.last <= last]
            if len(inside) < len(self.contract.keys[key].items):
                kept = data.filter(pc.is_in(data.column(key), pa.array(inside, pa.string())))
                if kept.num_rows < data.num_rows:
                    left_out = data.num_rows - kept.num_rows
                    file, _ = self.files.get(name, (f"input {name}", 1))
                    rows = "1 row" if left_out == 1 else f"{left_out:,} rows"
                    self.findings.doubt(file, f"{rows} of periods that end after {last} left out")
                    data = kept
        return replace(table, data=data)

    def own(self, table: Table, periods: Mapping[str, tuple[PeriodItem, ...]]) -> LoadedTable:
        """A table of the contract itself, without the rows of periods outside the run."""
        inside = {
            position: {i.label for i in periods[key]} for position, key in enumerate(table.keys) if key in periods
        }
        rows = [row for row in table.rows or () if all(row[position] in labels for position, labels in inside.items())]
        return table_of_values(table, rows)

    def gaps(self, tables: Mapping[str, LoadedTable], periods: Mapping[str, tuple[PeriodItem, ...]]) -> None:
        """Say which inputs are empty, and for which periods of the run an input has no row: a file half filled."""
        for name, table in self.contract.inputs.items():
            if table.optional:
                continue
            data = tables[name].data
            file, _ = self.files.get(name, (f"input {name}", 1))
            if not data.num_rows:
                self.findings.doubt(
                    file, f"{name} has no rows", "was it left blank? nothing is paid on what is not there"
                )
                continue
            for key in table.keys:
                there = set(data.column(key).unique().to_pylist()) if key in periods else set()
                absent = [item.name for item in periods.get(key, ()) if item.label not in there]
                if absent:
                    some = ", ".join(absent[:3]) + (f" and {len(absent) - 3} more" if len(absent) > 3 else "")
                    self.findings.doubt(
                        file, f"{name} has no row for {some}", f"supply the rows of every {key} of the run"
                    )

    def same_rows(self, tables: Mapping[str, LoadedTable]) -> None:
        """Required tables with the same keys must have the same rows, where those are the rows of that grain."""
        contract = self.contract
        by_keys: dict[frozenset[str], list[str]] = {}
        for name, table in contract.tables.items():
            if not table.optional and table.keys:
                by_keys.setdefault(frozenset(table.keys), []).append(name)
        for keys, names in by_keys.items():
            rows = contract.rows.get(keys)
            if len(names) < 2 or rows is None or len(rows.sources) != 1 or rows.sources[0] not in names:
                continue
            base = rows.sources[0]
            for other in names:
                if other != base:
                    self._same_rows(tables[base], tables[other], contract.tables[base].keys)

    def _same_rows(self, one: LoadedTable, other: LoadedTable, keys: Sequence[str]) -> None:
        names = [*keys, WORLD] if one.has_worlds and other.has_worlds else list(keys)
        columns = ", ".join(quoted(name) for name in names)
        if one.data.num_rows == other.data.num_rows and all(
            one.data.column(name).equals(other.data.column(name)) for name in names
        ):
            return
        self.columns.connection.register("one", one.data.select(names))
        self.columns.connection.register("other", other.data.select(names))
        for left, right, here, there in (("one", "other", one, other), ("other", "one", other, one)):
            found = self.columns.sql(f"select {columns} from {left} except select {columns} from {right} order by all")
            if found:
                said = [
                    ", ".join(f"{n} {v}" for n, v in zip(names, row, strict=True) if n not in PERSONAL) or "one"
                    for row in found[:SHOWN]
                ]
                more = f"; … ({len(found):,} in all)" if len(found) > SHOWN else ""
                file, _ = self.files.get(there.name, (there.name, 1))
                lacking = f"{here.name} has rows that {there.name} lacks, and both must have the same"
                fix = f"add them to {there.name}, or take them out of {here.name}"
                self.findings.error(file, f"{lacking}: {'; '.join(said)}{more}", fix)
        self.columns.connection.unregister("one")
        self.columns.connection.unregister("other")

    def worlds(self, tables: Mapping[str, LoadedTable]) -> tuple[int, ...]:
        """Every world that a table has rows of; nothing varies: the real world."""
        import pyarrow.compute as pc

        found: set[int] = set()
        for table in tables.values():
            if table.has_worlds:
                found.update(pc.unique(table.data.column(WORLD)).to_pylist())
        return tuple(sorted(found))

    # -- what-ifs ---------------------------------------------------------------------------------------------------
    def what_ifs(self, given: Mapping[str, Any], worlds: tuple[int, ...]) -> dict[str, dict[int, Value]]:
        """The what-ifs, checked and typed, for every world of the run they concern."""
        contract = self.contract
        spread = {world for value in given.values() if isinstance(value, Mapping) for world in value}
        everywhere = sorted({*(worlds or (0,)), *spread})
        found: dict[str, dict[int, Value]] = {}
        for written, value in given.items():
            name, _, member = written.partition(".")
            parameter = contract.parameters.get(name)
            place = f"what-if {written}"
            if parameter is None:
                self.findings.error(
                    place, f"{contract.name} has no parameter {name}",
                    nearest(name, contract.parameters) or "a what-if changes a parameter: accord show lists them",
                )  # fmt: skip
                continue
            if parameter.scale is not None:
                self.findings.error(
                    place, f"{name} is a scale: a what-if cannot change it", "change its points in a variation"
                )
                continue
            if problem := self._member_problem(parameter, member):
                self.findings.error(place, *problem)
                continue
            by_world: Mapping[Any, Any] = value if isinstance(value, Mapping) else dict.fromkeys(everywhere, value)
            typed: dict[int, Value] = {}
            for world, one in by_world.items():
                read = what_if_value(parameter, one)
                if read is None:
                    unit = parameter.written if parameter.type.kind == "number" else parameter.type
                    self.findings.error(place, f"{one} is not a value of {name}, which is {unit}", "")
                    break
                typed[int(world)] = read
            found[written] = typed
        return found

    @staticmethod
    def _member_problem(parameter: Parameter, member: str) -> tuple[str, str] | None:
        members = sorted({".".join(key) for entry in parameter.entries for key in entry.values})
        if not parameter.by:
            return (f"{parameter.name} has one value", f"write {parameter.name}") if member else None
        if not member:
            listed = ", ".join(f"{parameter.name}.{one}" for one in members[:5])
            return f"{parameter.name} has a value for each {', '.join(parameter.by)}", f"say which: {listed}"
        if member not in members:
            return f"{parameter.name} has no {member}", nearest(member, members) or f"it has {', '.join(members)}"
        return None


def what_if_value(parameter: Parameter, value: object) -> Value | None:
    """A what-if's value: a str as written (percent times 100), anything else as it is; None if it does not fit."""
    kind = parameter.type.kind
    if isinstance(value, str) and kind != "text":
        text = value.strip().replace("_", "")
        match kind:
            case "number":
                numerator, _, denominator = text.partition("/")
                plain, below = plain_number(numerator), plain_number(denominator) if denominator else "1"
                if plain is None or below is None or Fraction(below) == 0:
                    return None
                percent = parameter.written is not None and parameter.written.percent
                return Fraction(plain) / Fraction(below) / (100 if percent else 1)
            case "flag":
                return {"true": True, "false": False}.get(text.lower())
            case "date":
                return read_date(text)
            case _:
                return text
    match kind, value:
        case "number", bool():
            return None
        case "number", int() | Fraction():
            return Fraction(value)
        case "number", Decimal():
            return Fraction(value)
        case "flag", bool():
            return value
        case "date", dt.date():
            return value
        case "text", str():
            return value if parameter.type.options is None or value in parameter.type.options else None
        case _:
            return None


def table_of_values(table: Table, rows: Sequence[Sequence[Value | None]]) -> LoadedTable:
    """Typed rows (values in the order of keys, then columns) as a loaded table."""
    import pyarrow as pa

    data: dict[str, pa.Array] = {}
    places: dict[str, int] = {}
    for position, name in enumerate((*table.keys, *(column.name for column in table.columns))):
        values: list[Any] = [row[position] for row in rows]
        kind = "key" if position < len(table.keys) else table.columns[position - len(table.keys)].type.kind
        if kind == "number":
            whole, needed = whole_numbers(values)
            data[name], places[name] = whole, needed or 0
        else:
            data[name] = pa.array(values, arrow_type(kind))
    return LoadedTable(table.name, pa.table(data), places)
