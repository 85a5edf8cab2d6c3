"""The plan in plain Python whole numbers: columns are lists, sizes have no limit.

Runs a whole contract, or single steps for the DuckDB engine where 128 bits are not proven to be enough.
"""

# pyarrow has no types of its own
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from accord.engine.exact import Cell, Failure, Held, Leaf, Number, RowFormulas
from accord.engine.expressions import WORLD, Expr, Lookup, OwnColumn, Pick, Rounded
from accord.engine.reference import allocate_steps
from accord.engine.rows import enclosing, joined
from accord.engine.steps import Compute, Gathering, Loop, Plan, Ranking, Sharing, Step, Verify, frame_name, table_name
from accord.engine.stopping import Stop, failed_check
from accord.engine.whole import Op, Program, below, compare_values, truncated
from accord.language.contract import Contract
from accord.language.meaning import EnclosingPeriod, HeldByColumn, KeyPath, OwnKey, RowSet

if TYPE_CHECKING:
    import pyarrow as pa

    from accord.engine.inputs import Inputs, LoadedTable


@dataclass(slots=True)
class ListColumn:
    """A column as a list; for a number ``values`` holds n, and ``under`` holds d of an unrounded quotient."""

    held: Held
    values: list[Any]
    under: list[Any] | None = None


@dataclass(slots=True)
class Relation:
    """Rows with their keys, the world if there are several, and columns."""

    keys: dict[str, list[str]]
    worlds: list[int] | None
    rows: int
    columns: dict[str, ListColumn] = field(default_factory=dict[str, ListColumn])
    more: Callable[[str], ListColumn] | None = None
    """Where further columns come from."""
    _index: dict[tuple[Any, ...], int] | None = None

    def column(self, name: str) -> ListColumn:
        """A column, fetched if it is not here yet."""
        found = self.columns.get(name)
        if found is None:
            if name.startswith("key:"):
                found = ListColumn(Held("text", False), self.keys[name[4:]])
            elif name == WORLD:
                found = ListColumn(Held("number", False), self.worlds or [0] * self.rows)
            else:
                assert self.more is not None, name
                found = self.more(name)
            self.columns[name] = found
        return found

    def index(self) -> Mapping[tuple[Any, ...], int]:
        """From keys (and the world, last) to the row."""
        if self._index is None:
            keys: list[Sequence[Any]] = list(self.keys.values())
            if self.worlds is not None:
                keys.append(self.worlds)
            rows = zip(*keys, strict=True) if keys else [()] * self.rows
            self._index = {key: row for row, key in enumerate(rows)}
        return self._index

    def extend(
        self, keys: Sequence[Sequence[str]], worlds: Sequence[int] | None, column: str, more: ListColumn
    ) -> None:
        """More rows, with their values of one column."""
        for held, new in zip(self.keys.values(), keys, strict=True):
            held.extend(new)
        if self.worlds is not None and worlds is not None:
            self.worlds.extend(worlds)
        self.rows += len(more.values)
        self._index = None
        held = self.columns.get(column)
        if held is None or not held.values:
            self.columns[column] = more
        else:
            merged_old, merged_new, both = _same_form(held, more)
            self.columns[column] = ListColumn(both, merged_old + merged_new)


class IntegerEngine:
    """Runs a plan in Python whole numbers.

    ``fetch`` gives relations that this engine has not made itself (for the DuckDB engine); without it, tables come from
    the inputs and rows are built here.
    """

    def __init__(self, plan: Plan, inputs: Inputs, fetch: Callable[[str], Relation] | None = None) -> None:
        self.plan = plan
        self.contract: Contract = plan.contract
        self.inputs = inputs
        self.fetch = fetch
        self.relations: dict[str, Relation] = {}

    def run(self, progress: Callable[[str], None] | None = None) -> None:
        """Every step of the plan."""
        for step in self.plan.steps:
            if progress is not None:
                progress(_label(step))
            self.step(step)

    # -- relations

    def relation(self, name: str) -> Relation:
        """A relation by its name."""
        found = self.relations.get(name)
        if found is None:
            if self.fetch is not None:
                found = self.fetch(name)
            elif name.startswith("table:"):
                found = relation_of(
                    self.inputs.tables[name[6:]], self.contract.tables[name[6:]].keys, self.inputs.worlds
                )
            else:
                rows, varying = self.plan.frames[name].rows, name in self.plan.varying
                found = rows_of(self.contract, self.inputs, rows, self.relation, varying)
            self.relations[name] = found
        return found

    def held(self, relation: str, column: str) -> Held:
        """How a column is held."""
        if column == WORLD:
            return Held("number", False)
        return self.relation(relation).column(column).held

    def always_found(self, frame: str, lookup: Lookup) -> bool:
        """Whether a lookup is on the very rows."""
        return is_own_row(self.plan, frame, lookup)

    def own_lookup(self, frame: str, column: str) -> Lookup | None:
        """Every column of a frame is at hand."""
        return None

    def listed(self, pick: Pick) -> Lookup | None:
        """A choice is a dictionary here anyway."""
        return None

    # -- steps

    def step(self, step: Step, rows: Sequence[int] | None = None) -> None:
        """One step, over some rows of its frame (None: all)."""
        match step:
            case Loop():
                self.loop(step)
            case Compute():
                work = _Work(self, step.frame, rows)
                cell = work.formulas.cell(step.expr)
                work.stop_if(work.formulas.stops(step.expr, step.required, step.place), step.label)
                self.put(step.frame, step.column, work.column(cell, step.exact, step.expr), rows)
            case Verify():
                work = _Work(self, step.frame, rows)
                holds = work.formulas.plain(step.expr)
                work.stop_if(work.formulas.failures(step.expr), step.check.name)
                kept = work.values(work.formulas.program.holds(holds))
                failing = [row for row, fine in zip(work.rows, kept, strict=True) if not fine]
                if failing:
                    raise failed_check(step.check, len(failing), [work.row_keys(row) for row in failing[:10]])
            case Gathering():
                self.gather(step, rows)
            case Ranking():
                work = _Work(self, step.frame, rows)
                work.stop_if([f for expr in step.exprs for f in work.formulas.failures(expr)], step.label)
                groups = work.groups(step.partition)
                order = [(work.comparable(expr), descending) for expr, descending in step.order]
                self.put(step.frame, step.column, ListColumn(Held("number", False), ranks(groups, order)), rows)
            case Sharing():
                self.share(step, rows)

    def put(self, frame: str, column: str, made: ListColumn, rows: Sequence[int] | None) -> None:
        """Keep a column of a frame, or its values in some rows."""
        relation = self.relation(frame)
        if rows is None:
            relation.columns[column] = made
            return
        held = relation.columns.get(column)
        if held is None:
            held = ListColumn(replace(made.held, nullable=True), [None] * relation.rows)
            held.under = None if made.under is None else [None] * relation.rows
        if made.under is None and held.under is None:
            before, new, form = _same_form(held, made)
            held = ListColumn(form, before)
        else:
            new = made.values
            held.under = held.under or [None] * relation.rows
            for row, d in zip(rows, made.under or [1] * len(rows), strict=True):
                held.under[row] = d
            held.held = replace(held.held, quotient=True, factor=Fraction(1))
        for row, value in zip(rows, new, strict=True):
            held.values[row] = value
        relation.columns[column] = held

    def gather(self, step: Gathering, rows: Sequence[int] | None) -> None:
        """Make or extend the relation of a gathering."""
        work = _Work(self, step.frame, rows)
        work.stop_if(gathering_failures(work.formulas, step), step.label)
        matches = [work.values(work.formulas.plain(part)) for part in step.match]
        worlds = work.own(WORLD) if work.relation.worlds is not None else None
        kept = None if step.where is None else work.values(work.formulas.plain(step.where))
        held, values = Held("number", True), None
        if step.value is not None:
            made = work.column(work.formulas.cell(step.value), True, step.value)
            assert made.under is None, f"{step.label} of an unrounded quotient"
            held, values = made.held, made.values
        groups: dict[tuple[Any, ...], list[int]] = {}
        for i in range(len(work.rows)):
            key = tuple(match[i] for match in matches)
            if None in key:
                continue
            if worlds is not None:
                key = (*key, worlds[i])
            group = groups.setdefault(key, [])
            if kept is None or kept[i]:
                group.append(i)
        if not step.match and worlds is None:
            groups.setdefault((), [])
        result: list[Any] = []
        for group in groups.values():
            found = [0] * len(group) if values is None else [values[i] for i in group]
            result.append(gathered(step.how, found))
        made = ListColumn(replace(held, nullable=True, listed=step.how == "sorted"), result)
        if step.how == "count":
            made.held = Held("number", True)
        if step.name not in self.relations:
            self.relations[step.name] = Relation(
                {f"k{i}": [] for i in range(len(step.match))}, [] if worlds is not None else None, 0
            )
        keys = [[key[i] for key in groups] for i in range(len(step.match))]
        self.relations[step.name].extend(
            keys, [key[-1] for key in groups] if worlds is not None else None, "value", made
        )

    def share(self, step: Sharing, rows: Sequence[int] | None) -> None:
        """Share pools out."""
        work = _Work(self, step.frame, rows)
        work.stop_if([f for expr in step.exprs for f in work.formulas.failures(expr)], step.label)
        groups = work.groups(step.group)
        pools = work.fractions(step.pool)
        weights = work.fractions(step.weight)
        floors = None if step.floor is None else work.fractions(step.floor)
        order = list(zip(*(work.own(f"key:{key}") for key in self.plan.frames[step.frame].keys), strict=True))
        groups_paths = [work.values(work.formulas.plain(part)) for part in step.group]
        members: dict[Any, list[int]] = {}
        for i, group in enumerate(groups):
            members.setdefault(group, []).append(i)
        result: list[int | None] = [None] * len(work.rows)
        for group in members.values():
            group.sort(key=lambda i: order[i])
            pool, weighed = pools[group[0]], [weights[i] for i in group]
            held = None if floors is None else [floors[i] for i in group]
            lacking = pool is None or None in weighed or (held is not None and None in held)
            if lacking or any(path[group[0]] is None for path in groups_paths):
                continue
            try:
                shares = allocate_steps(
                    _there(pool) / step.step,
                    [_there(weight) for weight in weighed],
                    None if held is None else [_there(floor) / step.step for floor in held],
                )
            except ValueError as error:
                shown = [work.row_keys(work.rows[i]) for i in group[:10]]
                raise Stop(step.place, step.label, str(error), len(group), shown) from None
            for i, part in zip(group, shares, strict=True):
                result[i] = part
        self.put(step.frame, step.column, ListColumn(Held("number", True, step.step), result), rows)

    def loop(self, loop: Loop) -> None:
        """Once for each period, in order of time."""
        for step in loop.steps:
            if isinstance(step, Compute):
                relation = self.relation(step.frame)
                factor = step.expr.step if isinstance(step.expr, Rounded) else Fraction(1)
                kind = step.expr.kind
                relation.columns[step.column] = ListColumn(Held(kind, True, factor), [None] * relation.rows)
        by_label: dict[str, dict[Any, list[int]]] = {}
        for frame, expr in loop.labels.items():
            work = _Work(self, frame, None)
            rows: dict[Any, list[int]] = {}
            for row, label in zip(work.rows, work.values(work.formulas.plain(expr)), strict=True):
                rows.setdefault(label, []).append(row)
            by_label[frame] = rows
        for item in self.inputs.periods[loop.period]:
            for step in loop.steps:
                assert not isinstance(step, Loop)
                self.step(step, by_label[step.frame].get(item.label, []))


def _there(value: Fraction | None) -> Fraction:
    assert value is not None
    return value


def _label(step: Step) -> str:
    match step:
        case Verify(check=check):
            return check.name
        case Loop(period=period):
            return f"{period} by {period}"
        case _:
            return step.label


def gathering_failures(formulas: RowFormulas, step: Gathering) -> list[Failure]:
    """What stops a gathering: in its match and filter, and in its value where the filter lets a row through."""
    found = [failure for part in step.match for failure in formulas.failures(part)]
    if step.where is not None:
        found += formulas.failures(step.where)
    if step.value is not None:
        program = formulas.program
        kept = program.true if step.where is None else program.holds(formulas.plain(step.where))
        found += [replace(f, when=program.both(kept, f.when)) for f in formulas.failures(step.value)]
    return [failure for failure in found if failure.when is not formulas.program.false]


def is_own_row(plan: Plan, frame: str, lookup: Lookup) -> bool:
    """Whether a lookup asks for the very row of the source that the frame's rows are."""
    rows = plan.frames[frame].rows
    if len(rows.sources) != 1 or rows.sources[0] not in plan.contract.tables:
        return False
    table = plan.contract.tables[rows.sources[0]]
    if lookup.relation != table_name(table.name) or set(table.keys) != set(rows.keys):
        return False
    return all(
        isinstance(expr, OwnColumn) and expr.name == f"key:{key}"
        for expr, key in zip(lookup.keys, table.keys, strict=True)
    )


class _Work:
    """Evaluating the expressions of some rows of a frame."""

    def __init__(self, engine: IntegerEngine, frame: str, rows: Sequence[int] | None) -> None:
        self.engine = engine
        self.frame = frame
        self.relation = engine.relation(frame)
        self.full = rows is None
        self.rows: Sequence[int] = range(self.relation.rows) if rows is None else rows
        self.formulas = RowFormulas(Program(), engine, frame)
        self.done: dict[int, list[Any]] = {}
        self.found: dict[tuple[Any, ...], list[int | None]] = {}
        self.kept: list[Op] = []

    def own(self, column: str) -> list[Any]:
        """A column of the rows."""
        values = self.relation.column(column).values
        return values if self.full else [values[row] for row in self.rows]

    def row_keys(self, row: int) -> dict[str, str]:
        """The keys of a row, for messages."""
        return row_keys(self.relation, row)

    def values(self, op: Op) -> list[Any]:
        """The values of an operation."""
        for part in below([op]):
            if id(part) not in self.done:
                self.done[id(part)] = self.evaluate(part)
                self.kept.append(part)
        return self.done[id(op)]

    def evaluate(self, op: Op) -> list[Any]:
        if op.code == "column":
            leaf = op.value
            assert isinstance(leaf, Leaf)
            return self.leaf(leaf)
        return apply(op, [self.done[id(arg)] for arg in op.args], len(self.rows))

    def leaf(self, leaf: Leaf) -> list[Any]:
        if leaf.lookup is None:
            relation, at = self.relation, None
        else:
            relation, at = self.engine.relation(leaf.lookup.relation), self.positions(leaf.lookup)
        if leaf.part == "found":
            assert at is not None
            return [row is not None for row in at]
        column = relation.column(leaf.column)
        values = column.values
        if leaf.part == "d":
            values = column.under if column.under is not None else [1] * relation.rows
        if at is None:
            return values if self.full else [values[row] for row in self.rows]
        return [None if row is None else values[row] for row in at]

    def positions(self, lookup: Lookup) -> list[int | None]:
        """Which row of the relation each row finds."""
        keys = [self.formulas.plain(key) for key in lookup.keys]
        memory = (lookup.relation, *(id(key) for key in keys))
        if memory not in self.found:
            relation = self.engine.relation(lookup.relation)
            index = relation.index()
            lists = [self.values(key) for key in keys]
            if relation.worlds is not None:
                lists.append(self.own(WORLD))
            rows = zip(*lists, strict=True) if lists else [()] * len(self.rows)
            self.found[memory] = [index.get(key) for key in rows]
        return self.found[memory]

    def groups(self, exprs: Sequence[Expr]) -> list[Any]:
        """For each row the group it belongs to; groups never cross worlds."""
        lists = [self.values(self.formulas.plain(expr)) for expr in exprs]
        if self.relation.worlds is not None:
            lists.append(self.own(WORLD))
        return list(zip(*lists, strict=True)) if lists else [()] * len(self.rows)

    def fractions(self, expr: Expr) -> list[Fraction | None]:
        """The values of a number."""
        number = self.formulas.number(expr)
        tops = self.values(number.n)
        if not number.dens:
            return [None if n is None else n * number.factor for n in tops]
        unders = self.values(self.formulas.program.product(number.dens))
        return [
            None if n is None or not d else Fraction(n, d) * number.factor for n, d in zip(tops, unders, strict=True)
        ]

    def comparable(self, expr: Expr) -> list[Any]:
        """Values that sort as the expression does."""
        cell = self.formulas.cell(expr)
        if isinstance(cell, Number):
            return self.values(cell.n) if not cell.dens else self.fractions(expr)
        return self.values(cell)

    def column(self, cell: Cell, exact: bool, expr: Expr) -> ListColumn:
        """The column that holds a value."""
        if not isinstance(cell, Number):
            return ListColumn(Held(expr.kind, expr.nullable), self.values(cell))
        n, d, factor = self.formulas.numbers.stored(cell, exact)
        held = Held("number", expr.nullable, factor, quotient=d is not None)
        return ListColumn(held, self.values(n), None if d is None else self.values(d))

    def stop_if(self, failures: Iterable[Failure], label: str) -> None:
        """Stop the run if any of them happens in a row."""
        for failure in failures:
            rows = [row for row, bad in zip(self.rows, self.values(failure.when), strict=True) if bad]
            if rows:
                shown = [self.row_keys(row) for row in rows[:10]]
                raise Stop(failure.place, label, failure.message, len(rows), shown, failure.fix)


def row_keys(relation: Relation, row: int) -> dict[str, str]:
    """The keys of a row, the world too if there are several."""
    keys = {name: values[row] for name, values in relation.keys.items()}
    if relation.worlds is not None:
        keys[WORLD] = str(relation.worlds[row])
    return keys


# -- operations on lists -----------------------------------------------------------------------------------------------


def apply(op: Op, args: list[list[Any]], rows: int) -> list[Any]:
    """The values of one operation from those of its operands. Missing is None."""
    match op.code:
        case "const":
            return [op.value] * rows
        case "+":
            return [None if a is None or b is None else a + b for a, b in zip(*args, strict=True)]
        case "-":
            return [None if a is None or b is None else a - b for a, b in zip(*args, strict=True)]
        case "*":
            return [None if a is None or b is None else a * b for a, b in zip(*args, strict=True)]
        case "//":
            return [None if a is None or not b else truncated(a, b) for a, b in zip(*args, strict=True)]
        case "%":
            return [None if a is None or not b else a - b * truncated(a, b) for a, b in zip(*args, strict=True)]
        case "neg":
            return [None if a is None else -a for a in args[0]]
        case "abs":
            return [None if a is None else abs(a) for a in args[0]]
        case "days":
            return [None if a is None or b is None else _days(a, b) for a, b in zip(*args, strict=True)]
        case "nth":
            return [
                None if items is None or at is None or not 0 < at <= len(items) else items[at - 1]
                for items, at in zip(*args, strict=True)
            ]
        case "=" | "<>" | "<" | "<=" | ">" | ">=":
            code = op.code
            return [None if a is None or b is None else compare_values(code, a, b) for a, b in zip(*args, strict=True)]
        case "and":
            return [
                False if a is False or b is False else None if a is None or b is None else True
                for a, b in zip(*args, strict=True)
            ]
        case "or":
            return [
                True if a is True or b is True else None if a is None or b is None else False
                for a, b in zip(*args, strict=True)
            ]
        case "not":
            return [None if a is None else not a for a in args[0]]
        case "is null":
            return [a is None for a in args[0]]
        case "is not null":
            return [a is not None for a in args[0]]
        case "in":
            options = {option.value for option in op.args[1:]}
            return [None if a is None else a in options for a in args[0]]
        case "case":
            *branches, otherwise = args
            result = list(otherwise)
            for i in range(len(branches) - 2, -1, -2):
                result = [v if c else r for c, v, r in zip(branches[i], branches[i + 1], result, strict=True)]
            return result
        case "pick":
            of, *values, otherwise = args
            where = {label: i for i, label in enumerate(op.value)}
            found = [where.get(label) for label in of]
            return [otherwise[row] if i is None else values[i][row] for row, i in enumerate(found)]
        case "least":
            return [None if None in row else min(row) for row in zip(*args, strict=True)]
        case "greatest":
            return [None if None in row else max(row) for row in zip(*args, strict=True)]
        case _:
            raise TypeError(f"no such operation: {op.code}")


def _days(start: dt.date, end: dt.date) -> int:
    return (end - start).days


def gathered(how: str, values: list[Any]) -> Any:
    """What a gathering makes of the values of a group."""
    if how == "count":
        return len(values)
    if None in values:
        return None
    match how:
        case "sum":
            return sum(values)
        case "min":
            return min(values, default=None)
        case "max":
            return max(values, default=None)
        case _:
            return sorted(values)


def ranks(groups: Sequence[Any], order: Sequence[tuple[list[Any], bool]]) -> list[int]:
    """The rank of each row in its group; ties equal."""
    members: dict[Any, list[int]] = {}
    for i, group in enumerate(groups):
        members.setdefault(group, []).append(i)
    result = [0] * len(groups)
    for rows in members.values():
        for values, descending in reversed(order):
            rows.sort(key=lambda i, values=values: values[i], reverse=descending)
        before: tuple[Any, ...] | None = None
        for place, i in enumerate(rows, 1):
            here = tuple(values[i] for values, _ in order)
            result[i] = place if here != before else result[rows[place - 2]]
            before = here
    return result


def _same_form(old: ListColumn, new: ListColumn) -> tuple[list[Any], list[Any], Held]:
    """Two parts of a column with one factor."""
    held = replace(new.held, nullable=True, listed=old.held.listed or new.held.listed)
    if old.held.kind != "number" or old.held.factor == new.held.factor:
        return old.values, new.values, held
    factor = min(old.held.factor, new.held.factor)
    return _scaled(old, factor), _scaled(new, factor), replace(held, factor=factor)


def _scaled(column: ListColumn, factor: Fraction) -> list[Any]:
    times = int(column.held.factor / factor)
    if column.held.listed:
        return [None if items is None else [item * times for item in items] for items in column.values]
    return [None if value is None else value * times for value in column.values]


# -- relations of inputs -----------------------------------------------------------------------------------------------


def relation_of(table: LoadedTable, keys: Sequence[str], worlds: Sequence[int]) -> Relation:
    """A loaded table as lists."""
    import pyarrow.compute as pc

    data = table.data
    of_world: list[int] | None = None
    if table.has_worlds:
        if len(worlds) == 1:
            data = data.filter(pc.equal(data.column(WORLD), worlds[0]))
        else:
            of_world = data.column(WORLD).to_pylist()
    relation = Relation({key: data.column(key).to_pylist() for key in keys}, of_world, data.num_rows)

    def more(name: str) -> ListColumn:
        if name.startswith("key:"):
            return ListColumn(Held("text", False), relation.keys[name[4:]])
        return column_of(data.column(name), table.places.get(name))

    relation.more = more
    return relation


def column_of(data: pa.ChunkedArray, places: int | None) -> ListColumn:
    """An Arrow column as a list: numbers as whole numbers of 10**-places."""
    import pyarrow as pa

    values = data.to_pylist()
    nullable = data.null_count > 0
    if places is not None:
        numbers = [None if value is None else int(value) for value in values]
        return ListColumn(Held("number", nullable, Fraction(1, 10**places)), numbers)
    if pa.types.is_boolean(data.type):
        return ListColumn(Held("flag", nullable), values)
    if pa.types.is_date(data.type):
        return ListColumn(Held("date", nullable), values)
    return ListColumn(Held("text", nullable), values)


def rows_of(
    contract: Contract, inputs: Inputs, rows: RowSet, relation: Callable[[str], Relation], by_world: bool
) -> Relation:
    """The rows of a row set; ``by_world``: crossed with the worlds."""
    found: dict[tuple[Any, ...], None] = {}
    varying = any(table.has_worlds for table in inputs.tables.values())
    inside = {
        position: {item.label for item in inputs.periods.get(key, ())}
        for position, key in enumerate(rows.keys)
        if contract.keys[key].is_period
    }
    listed: list[tuple[str, ...]] | None = None
    for world in inputs.worlds if by_world else inputs.worlds[:1]:
        if listed is None or varying:
            listed = []
            for row in joined(contract, rows, _table_rows(contract, relation, world), inputs.periods):
                keys = [_follow(contract, path, row, world, relation) for path in rows.paths]
                if None not in keys and all(keys[position] in labels for position, labels in inside.items()):
                    listed.append(tuple(key for key in keys if key is not None))
        for keys in listed:
            found[(*keys, world)] = None
    columns = {key: [row[i] for row in found] for i, key in enumerate(rows.keys)}
    return Relation(columns, [row[-1] for row in found] if by_world else None, len(found))


def _table_rows(
    contract: Contract, relation: Callable[[str], Relation], world: int
) -> Callable[[str], list[dict[str, str]]]:
    def rows(name: str) -> list[dict[str, str]]:
        table = relation(table_name(name))
        return [
            {key: values[i] for key, values in table.keys.items()}
            for i in range(table.rows)
            if table.worlds is None or table.worlds[i] == world
        ]

    return rows


def _follow(
    contract: Contract, path: KeyPath, row: Mapping[str, str], world: int, relation: Callable[[str], Relation]
) -> str | None:
    """The key that a path leads to from a row."""
    match path:
        case OwnKey(key=key):
            return row[key]
        case EnclosingPeriod(key=key, of_key=of_key, of=of):
            inner = _follow(contract, of, row, world, relation)
            return None if inner is None else enclosing(contract, key, of_key, inner)
        case HeldByColumn(table=table, column=column, at=at):
            keys = [_follow(contract, part, row, world, relation) for part in at]
            if None in keys:
                return None
            held = relation(table_name(table))
            position = held.index().get((*keys, world) if held.worlds is not None else tuple(keys))
            return None if position is None else held.column(column).values[position]
        case _:
            raise TypeError("rows cannot follow from a quantity")


__all__ = ["IntegerEngine", "ListColumn", "Relation", "frame_name"]
